//! Ways that nothing can travel.

use super::{Contradiction, Finding, Severity, is_a_day, item, physical};
use crate::domain::epcis::EventType;
use crate::domain::globe::{Position, distance_km};
use crate::domain::gs1::Identity;
use crate::domain::story::{Step, Story};

/// An aeroplane with the wind, from one airfield to the next.
const KM_PER_HOUR: f64 = 1_100.0;
/// Places nearer than this may be one site, or their positions not so exact.
const NEAR_KM: f64 = 30.0;

/// Two steps of one thing at places that lie further apart than it can have gone in between.
pub(super) fn impossible_ways(story: &Story) -> Vec<Finding> {
    if item(story).is_none() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut last: Option<(&Step, &Identity, Position)> = None;
    for step in physical(story) {
        let event = &step.event;
        // Papers are written elsewhere; where goods are after a step is not where it happened; and of a time that
        // is a day, nobody knows the hour.
        let is_about_goods = event.event_type != EventType::Transaction;
        let place = event.read_point.as_ref().filter(|_| is_about_goods);
        let Some(place) = place.filter(|_| !is_a_day(event)) else {
            continue;
        };
        let party = story.parties.get(&place.canonical());
        let Some(position) = party.and_then(|party| party.position) else {
            continue;
        };
        if let Some((before, from, start)) = last {
            found.extend(way(before, (from, start), step, (place, position)));
        }
        last = Some((step, place, position));
    }
    found
}

fn way(
    before: &Step,
    (from, start): (&Identity, Position),
    step: &Step,
    (to, end): (&Identity, Position),
) -> Option<Finding> {
    let km = distance_km(start, end);
    if km < NEAR_KM {
        return None;
    }
    let between = step.event.event_time - before.event.event_time;
    let hours = between.as_seconds_f64() / 3_600.0;
    let what = if between.is_zero() {
        Contradiction::TwoPlaces {
            first: from.clone(),
            second: to.clone(),
            at: step.event.event_time,
        }
    } else if km > hours * KM_PER_HOUR {
        Contradiction::TooFast {
            from: from.clone(),
            to: to.clone(),
            km,
            minutes: between.whole_minutes(),
        }
    } else {
        return None;
    };
    Some(Finding {
        what,
        severity: Severity::Serious,
        evidence: vec![before.id, step.id],
    })
}
