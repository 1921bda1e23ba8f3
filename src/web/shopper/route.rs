//! From a route, held against a story, to its part of the page.

use time::format_description::well_known::Rfc3339;

use super::journey::{place_of, readable};
use super::view::{Mark, MissingView, RouteView, StageView, StepView};
use crate::domain::route::{Completeness, Found, State};
use crate::domain::statement::StatementId;
use crate::domain::story::Story;
use crate::web::text::Text;

/// What should be on record.
pub(super) fn route(text: &'static Text, story: &Story, completeness: &Completeness) -> RouteView {
    let stages = completeness.stages.iter();
    RouteView {
        name: readable(text.said(&completeness.route.name)),
        summary: summary(text, completeness),
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

/// Puts what is missing where it should have been: papers to their step; a step behind the last of those that come
/// before it on the route, and not before the goods came to its country. Gives what comes before all steps.
pub(super) fn mark_missing(
    text: &Text,
    story: &Story,
    completeness: &Completeness,
    steps: &mut [StepView],
) -> Vec<MissingView> {
    let place = |id: StatementId| story.standing().position(|step| step.id == id);
    let countries = story.standing().map(|step| place_of(story, &step.event));
    let countries: Vec<Option<&String>> = countries
        .map(|place| place.and_then(|place| place.country.as_ref()))
        .collect();
    let mut first = Vec::new();
    let mut reached: Option<usize> = None;
    for found in &completeness.stages {
        let papers = found.documents.iter();
        let papers = papers.filter(|(_, state)| *state == State::Missing);
        let papers: Vec<String> = papers
            .map(|(document, _)| text.document_type(document).to_owned())
            .collect();
        let step = found.step.and_then(place);
        if step.is_none() && !found.stage.countries.is_empty() {
            let is_there = |at: &usize| {
                countries[*at].is_some_and(|country| found.stage.countries.contains(country))
            };
            // From there on, where it is known how far the goods had come.
            let arrival = (reached.unwrap_or(0)..steps.len()).find(is_there);
            reached = reached.max(arrival.and_then(|arrival| arrival.checked_sub(1)));
        }
        reached = reached.max(step);
        let is_missing = found.state == State::Missing || !papers.is_empty();
        match (step, reached) {
            (Some(step), _) => steps[step].lacking.extend(papers),
            (None, reached) if is_missing => {
                let missing = MissingView {
                    name: readable(text.said(&found.stage.name)),
                    papers,
                };
                match reached {
                    Some(reached) => steps[reached].then_missing.push(missing),
                    None => first.push(missing),
                }
            }
            _ => {}
        }
    }
    first
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
