//! From a route, held against a story, to its part of the page.

use time::format_description::well_known::Rfc3339;

use super::journey::{place_of, readable};
use super::view::{Mark, MissingView, RouteView, StageView, StepView};
use crate::domain::route::{Completeness, Found, State};
use crate::domain::statement::StatementId;
use crate::domain::story::{Step, Story};
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

/// Puts what is missing where it should have been: papers to their step, and a step among the others. Gives what comes
/// before all steps.
pub(super) fn mark_missing(
    text: &Text,
    story: &Story,
    completeness: &Completeness,
    steps: &mut [StepView],
) -> Vec<MissingView> {
    let places = Places::of(story, completeness);
    let mut first = Vec::new();
    for (at, found) in completeness.stages.iter().enumerate() {
        let papers = found.documents.iter();
        let papers = papers.filter(|(_, state)| *state == State::Missing);
        let papers: Vec<String> = papers
            .map(|(document, _)| text.document_type(document).to_owned())
            .collect();
        if let Some(step) = places.of_stages[at] {
            steps[step].lacking.extend(papers);
            continue;
        }
        if found.state != State::Missing && papers.is_empty() {
            continue;
        }
        let missing = MissingView {
            name: readable(text.said(&found.stage.name)),
            papers,
        };
        match places.behind(completeness, at) {
            Some(step) => steps[step].then_missing.push(missing),
            None => first.push(missing),
        }
    }
    first
}

/// Where the stages of a route are among the steps.
struct Places<'s> {
    /// Of each stage the step, by its place.
    of_stages: Vec<Option<usize>>,
    /// Of each step the country.
    countries: Vec<Option<&'s String>>,
}

impl<'s> Places<'s> {
    fn of(story: &'s Story, completeness: &Completeness) -> Places<'s> {
        let place = |id: StatementId| story.standing().position(|step| step.id == id);
        let stages = completeness.stages.iter();
        let country = |step: &'s Step| place_of(story, &step.event)?.country.as_ref();
        Places {
            of_stages: stages.map(|found| found.step.and_then(place)).collect(),
            countries: story.standing().map(country).collect(),
        }
    }

    /// The step behind which a missing stage should have been: as late as the next stage that is there allows, and
    /// before the goods came to a country that only later stages are in.
    fn behind(&self, completeness: &Completeness, at: usize) -> Option<usize> {
        // Steps of a route may be out of order: what counts is how far it had come.
        let reached = self.of_stages[..at].iter().flatten().max().copied();
        let from = reached.unwrap_or(0);
        let later = self.of_stages[at..].iter().flatten();
        let next = later.filter(|step| Some(**step) > reached).min();
        let until = next.copied().unwrap_or(self.countries.len());
        // The first stage in a country is the arrival there; those after it are not bound to it.
        let (earlier, rest) = completeness.stages.split_at(at);
        let abroad = rest.iter().find(|found| !found.stage.countries.is_empty());
        let is_first = |found: &&Found| {
            let mut earlier = earlier.iter();
            !earlier.any(|other| other.stage.countries == found.stage.countries)
        };
        let arrival = abroad.filter(is_first).and_then(|found| {
            let is_there = |step: &usize| {
                self.countries[*step].is_some_and(|country| found.stage.countries.contains(country))
            };
            (from..until).find(is_there)
        });
        let before = arrival.unwrap_or(until);
        reached.max(before.checked_sub(1))
    }
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
