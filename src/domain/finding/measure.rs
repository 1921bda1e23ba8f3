//! Measures that contradict each other, or the product's own limits.

use std::collections::{BTreeSet, HashMap};

use time::{Duration, OffsetDateTime};

use super::{Contradiction, Finding, Severity, physical};
use crate::domain::epcis::{Action, EventType, SensorReading};
use crate::domain::gs1::Identity;
use crate::domain::statement::{Role, StatementId};
use crate::domain::story::{Step, Story};
use crate::domain::unit::{Dimension, to_base};

/// Zero degrees Celsius, in kelvins.
const ZERO_CELSIUS: f64 = 273.15;
/// A reading says nothing of the time after it for longer than this.
const MAX_GAP: Duration = Duration::hours(12);
/// Out of its band for longer than this, food is no longer what it was.
const LONG: Duration = Duration::hours(4);

/// What instruments on the goods, or on what held them, read outside the band of the product.
pub(super) fn out_of_band(story: &Story) -> Vec<Finding> {
    let product = story.product.as_ref().map(|described| &described.value);
    let Some(storage) = product.and_then(|product| product.storage.as_ref()) else {
        return Vec::new();
    };
    let (min, max) = (storage.min_celsius, storage.max_celsius);
    let outside = |celsius: f64| {
        let below = min.map_or(0.0, |min| min - celsius);
        let above = max.map_or(0.0, |max| celsius - max);
        below.max(above)
    };
    // A logger tells of the hours before it was packed too, and a process of its own heat.
    let since = since_when(story);
    let told = physical(story).filter(|step| step.event.event_type != EventType::Transformation);
    let mut readings: Vec<(OffsetDateTime, f64, StatementId)> = told
        .flat_map(|step| {
            step.event
                .readings
                .iter()
                .map(move |reading| (step, reading))
        })
        .filter(|(_, reading)| since.is_none_or(|since| since <= reading.at))
        .filter_map(|(step, reading)| Some((reading.at, celsius(reading)?, step.id)))
        .collect();
    readings.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    // Between a reading inside and one outside it crossed the limit, nobody knows when: half of that time.
    let mut halves = Duration::ZERO;
    for pair in readings.windows(2) {
        let between = (pair[1].0 - pair[0].0).min(MAX_GAP);
        let outsides = pair
            .iter()
            .filter(|reading| outside(reading.1) > 0.0)
            .count();
        halves += between * outsides as i32;
    }
    let total: Duration = halves / 2;
    let out = readings.iter().filter(|reading| outside(reading.1) > 0.0);
    let evidence: BTreeSet<StatementId> = out.map(|reading| reading.2).collect();
    let furthest = readings.iter().map(|reading| reading.1);
    let furthest = furthest.max_by(|a, b| outside(*a).total_cmp(&outside(*b)));
    let Some(celsius) = furthest.filter(|celsius| outside(*celsius) > 0.0) else {
        return Vec::new();
    };
    vec![Finding {
        what: Contradiction::OutOfBand {
            celsius,
            min,
            max,
            minutes: total.whole_minutes(),
        },
        severity: if total > LONG {
            Severity::Serious
        } else {
            Severity::Doubt
        },
        evidence: evidence.into_iter().collect(),
    }]
}

/// When the goods were there and packed: what was read before is not about them.
fn since_when(story: &Story) -> Option<OffsetDateTime> {
    let goods = super::item(story)?;
    let named = physical(story).filter(|step| {
        let mut what = step.event.what.iter();
        what.any(|what| what.identity == goods)
    });
    named.map(|step| step.event.event_time).min()
}

fn celsius(reading: &SensorReading) -> Option<f64> {
    let is_temperature = reading.kind == "Temperature";
    let (dimension, kelvins) = to_base(reading.value, reading.uom.as_deref()?)?;
    let is_measured = is_temperature && dimension == Dimension::Temperature;
    // Two digits are more than a logger has; the arithmetic must not move a limit.
    is_measured.then(|| ((kelvins - ZERO_CELSIUS) * 100.0).round() / 100.0)
}

/// A container that was opened on the way: one seal when it left, another when it came. Whoever inspects it closes it
/// with a seal of their own, and what was unloaded is sealed anew by right.
pub(super) fn seal_mismatch(story: &Story) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut sealed: HashMap<&Identity, (&str, &Step)> = HashMap::new();
    for step in physical(story) {
        let Some(container) = container(step) else {
            continue;
        };
        let is_inspected = step.event.biz_step.as_deref() == Some("inspecting");
        let is_opened = step.event.action == Some(Action::Delete);
        if let Some(seal) = step.event.seal.as_deref() {
            if let Some((first, since)) = sealed.get(container)
                && !is_inspected
                && plain(first) != plain(seal)
            {
                found.push(Finding {
                    what: Contradiction::SealMismatch {
                        container: container.clone(),
                        first: (*first).to_owned(),
                        second: seal.to_owned(),
                    },
                    severity: Severity::Serious,
                    evidence: vec![since.id, step.id],
                });
            }
            sealed.insert(container, (seal, step));
        }
        if is_opened || (is_inspected && step.event.seal.is_none()) {
            sealed.remove(container);
        }
    }
    found
}

/// However somebody spaced it.
fn plain(seal: &str) -> String {
    let letters = seal.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_uppercase).collect()
}

/// What a seal closes: the parent of a packing, else the one thing that the step is about.
fn container(step: &Step) -> Option<&Identity> {
    let what = &step.event.what;
    let parent = what.iter().find(|what| what.role == Role::Parent);
    parent.or(what.first()).map(|what| &what.identity)
}
