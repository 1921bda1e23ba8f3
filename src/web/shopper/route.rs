//! From a route, held against a story, to its part of the page.

use time::format_description::well_known::Rfc3339;

use super::journey::readable;
use super::view::{Mark, RouteView, StageView};
use crate::domain::route::{Completeness, Found, State};
use crate::domain::story::Story;
use crate::web::text::Text;

/// What should be on record.
pub(super) fn route(text: &'static Text, story: &Story, completeness: &Completeness) -> RouteView {
    let stages = completeness.stages.iter();
    let missing = stages.clone().flat_map(|found| missing(text, found));
    RouteView {
        name: readable(text.said(&completeness.route.name)),
        summary: summary(text, completeness),
        missing: missing.collect(),
        stages: stages.map(|found| stage(text, story, found)).collect(),
    }
}

/// What the verdict must not pass over.
pub(super) fn lacking(text: &Text, completeness: &Completeness) -> Option<String> {
    let missing = completeness.count(State::Missing) as u64;
    (missing > 0).then(|| text.count("route.lacking", missing, &[]))
}

fn summary(text: &Text, completeness: &Completeness) -> String {
    let count = |state: State| completeness.count(state) as u64;
    let (present, missing) = (count(State::Present), count(State::Missing));
    let to_come = count(State::ToCome);
    let due = present + missing;
    let numbers = [("due", text.number(due)), ("missing", text.number(missing))];
    let numbers = numbers
        .each_ref()
        .map(|(key, number)| (*key, number.as_str()));
    let due = match missing {
        0 => text.count("route.all_present", due, &[]),
        _ => text.count("route.some_present", present, &numbers),
    };
    if to_come == 0 {
        return due;
    }
    let more = text.count("route.more_to_come", to_come, &[]);
    text.with("route.both", &[("due", &due), ("more", &more)])
}

fn missing(text: &Text, found: &Found) -> Vec<String> {
    let is_step = !found.stage.biz_steps.is_empty() && found.state == State::Missing;
    let step = is_step.then(|| readable(text.said(&found.stage.name)));
    let papers = found.documents.iter();
    let papers = papers.filter(|(_, state)| *state == State::Missing);
    let papers = papers.map(|(document, _)| text.document_type(document).to_owned());
    step.into_iter().chain(papers).collect()
}

fn stage(text: &'static Text, story: &Story, found: &Found) -> StageView {
    let (present, lacking): (Vec<_>, Vec<_>) = found
        .documents
        .iter()
        .map(|(document, state)| (text.document_type(document).to_owned(), Mark(*state)))
        .partition(|(_, mark)| mark.0 == State::Present);
    StageView {
        name: readable(text.said(&found.stage.name)),
        step: (!found.stage.biz_steps.is_empty()).then_some(Mark(found.state)),
        time: found.step.and_then(|step| {
            let step = story.step(step)?;
            let at = step.event.event_time.format(&Rfc3339).ok()?;
            text.local_time(&at, &step.event.offset)
        }),
        papers: present.into_iter().map(|(name, _)| name).collect(),
        lacking,
    }
}
