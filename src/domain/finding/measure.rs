//! Measures that contradict each other, or the product's own limits.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use time::{Duration, OffsetDateTime};

use super::{Contradiction, Finding, Severity, is_physical, physical};
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

/// How warm a product may be, and from when on that is asked of the goods.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// `minCelsius` of the product's storage.
    pub min: Option<f64>,
    /// `maxCelsius`.
    pub max: Option<f64>,
    /// When the goods were there and packed: what was read before is not about them.
    since: Option<OffsetDateTime>,
}

impl Band {
    /// The band of a story's product, where it has one.
    pub fn of(story: &Story) -> Option<Band> {
        let storage = story.product.as_ref()?.value.storage.as_ref()?;
        let band = Band {
            min: storage.min_celsius,
            max: storage.max_celsius,
            since: since_when(story),
        };
        (band.min.is_some() || band.max.is_some()).then_some(band)
    }

    /// Whether the readings of a step are about the goods, or what held them; a process has a heat of its own.
    pub fn judges(&self, step: &Step) -> bool {
        is_physical(step) && step.event.event_type != EventType::Transformation
    }

    /// Whether a reading counts: of goods that are there, and of an instrument that works.
    fn counts(&self, reading: &SensorReading) -> bool {
        !reading.is_faulty && self.since.is_none_or(|since| since <= reading.at)
    }

    /// How far a temperature lies outside, in degrees; nothing or less within.
    fn beyond(&self, celsius: f64) -> f64 {
        let below = self.min.map_or(f64::NEG_INFINITY, |min| min - celsius);
        let above = self.max.map_or(f64::NEG_INFINITY, |max| celsius - max);
        below.max(above)
    }

    /// Whether a reading, and the extremes of what it sums up, lie within; `None` of one that does not count, or that is in
    /// no unit of temperature.
    pub fn is_kept_by(&self, reading: &SensorReading) -> Option<bool> {
        let ends = celsius(reading, reading.lowest).zip(celsius(reading, reading.highest));
        let (lowest, highest) = ends.filter(|_| self.counts(reading))?;
        Some(self.beyond(lowest) <= 0.0 && self.beyond(highest) <= 0.0)
    }
}

/// What instruments on the goods, or on what held them, read outside the band of the product.
pub(super) fn out_of_band(story: &Story) -> Vec<Finding> {
    let Some(band) = Band::of(story) else {
        return Vec::new();
    };
    let (min, max) = (band.min, band.max);
    let mut out: Vec<(OffsetDateTime, OffsetDateTime)> = Vec::new();
    let mut evidence: BTreeSet<StatementId> = BTreeSet::new();
    let mut furthest: Option<f64> = None;
    for readings in temperatures(story, &band).values() {
        for (place, reading) in readings.iter().enumerate() {
            let ends = [reading.lowest, reading.highest].into_iter();
            let end = ends.max_by(|a, b| band.beyond(*a).total_cmp(&band.beyond(*b)));
            let Some(celsius) = end.filter(|celsius| band.beyond(*celsius) > 0.0) else {
                continue;
            };
            evidence.insert(reading.id);
            furthest = furthest
                .into_iter()
                .chain([celsius])
                .max_by(|a, b| band.beyond(*a).total_cmp(&band.beyond(*b)));
            // It stands for half of the time to the readings before and after it: between one inside and one outside
            // the limit was crossed, nobody knows when.
            let half = |other: Option<&Temperature>| {
                other.map_or(Duration::ZERO, |other| {
                    (other.at - reading.at).abs().min(MAX_GAP) / 2
                })
            };
            let before = place.checked_sub(1).and_then(|before| readings.get(before));
            let after = readings.get(place + 1);
            let from = reading.at.saturating_sub(half(before));
            out.push((from, reading.at.saturating_add(half(after))));
        }
    }
    let Some(celsius) = furthest else {
        return Vec::new();
    };
    let total = length_of_all(out);
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

/// What one instrument read, in degrees Celsius.
struct Temperature {
    at: OffsetDateTime,
    lowest: f64,
    highest: f64,
    id: StatementId,
}

/// The temperatures of the goods by instrument, each in the order of time: two loggers side by side say nothing about
/// each other's hours. One that names no device is known by the thing that its event is about.
fn temperatures(story: &Story, band: &Band) -> BTreeMap<String, Vec<Temperature>> {
    let told = story.standing().filter(|step| band.judges(step));
    let mut by_device: BTreeMap<String, Vec<Temperature>> = BTreeMap::new();
    for step in told {
        let thing = step.event.what.first();
        let thing = thing.map(|what| what.identity.canonical());
        let readings = step.event.readings.iter();
        // A logger tells of the hours before it was packed too.
        for reading in readings.filter(|reading| band.counts(reading)) {
            let degrees = |value| celsius(reading, value);
            let ends = degrees(reading.lowest).zip(degrees(reading.highest));
            let Some((lowest, highest)) = ends else {
                continue;
            };
            let device = reading.device.as_deref().map(str::to_owned);
            let device = device.or_else(|| thing.clone()).unwrap_or_default();
            by_device.entry(device).or_default().push(Temperature {
                at: reading.at,
                lowest,
                highest,
                id: step.id,
            });
        }
    }
    for readings in by_device.values_mut() {
        readings.sort_by_key(|reading| (reading.at, reading.id));
    }
    by_device
}

/// How long spans are together; what several of them have in common counts once.
fn length_of_all(mut spans: Vec<(OffsetDateTime, OffsetDateTime)>) -> Duration {
    spans.sort_unstable();
    let mut total = Duration::ZERO;
    let mut reached: Option<OffsetDateTime> = None;
    for (from, until) in spans {
        let from = reached.map_or(from, |reached| reached.max(from));
        total += (until - from).max(Duration::ZERO);
        reached = Some(reached.map_or(until, |reached| reached.max(until)));
    }
    total
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

fn celsius(reading: &SensorReading, value: f64) -> Option<f64> {
    let is_temperature = reading.kind == "Temperature";
    let (dimension, kelvins) = to_base(value, reading.uom.as_deref()?)?;
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
