//! What does not add up, in plain sentences: for pages, and for the operator's command line.

use std::collections::HashMap;

use time::{Date, OffsetDateTime};

use super::text::{READERS_OFFSET, Text};
use crate::domain::copies::{self, CopySign};
use crate::domain::finding::{Contradiction, Finding, Severity, StepName};
use crate::domain::gs1::Identity;
use crate::domain::statement::StatementId;
use crate::domain::story::Story;
use crate::domain::time::timestamp;
use crate::domain::told::is_alias;
use crate::domain::unit::Dimension;

/// The rule's name, for machines.
pub fn rule(what: &Contradiction) -> &'static str {
    match what {
        Contradiction::OtherLot { .. } => "otherLot",
        Contradiction::BeforeMade { .. } => "beforeMade",
        Contradiction::AfterEnd { .. } => "afterEnd",
        Contradiction::InTwoParents { .. } => "inTwoParents",
        Contradiction::TooFast { .. } => "tooFast",
        Contradiction::TwoPlaces { .. } => "twoPlaces",
        Contradiction::ExpiresBeforeMade { .. } => "expiresBeforeMade",
        Contradiction::SoldAfterExpiry { .. } => "soldAfterExpiry",
        Contradiction::OtherRegime { .. } => "otherRegime",
        Contradiction::IssuedTooLate { .. } => "issuedTooLate",
        Contradiction::OutOfBand { .. } => "outOfBand",
        Contradiction::SealMismatch { .. } => "sealMismatch",
        Contradiction::WeightGained { .. } => "weightGained",
        Contradiction::YieldOutOfBand { .. } => "yieldOutOfBand",
        Contradiction::LotOverdrawn { .. } => "lotOverdrawn",
        Contradiction::CodesToSpare { .. } => "codesToSpare",
        Contradiction::ItemsBeyondCodes { .. } => "itemsBeyondCodes",
    }
}

/// The severity's name, for machines.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Doubt => "doubt",
        Severity::Serious => "serious",
    }
}

/// What steps are called on a page, where that is not what their `bizStep` is called.
pub type StepNames = HashMap<StatementId, String>;

/// A finding as one sentence, with its figures.
pub fn sentence(text: &Text, story: &Story, finding: &Finding) -> String {
    sentence_with(text, story, &StepNames::new(), finding)
}

/// The same with the names that a page gives to steps, so that it calls each by one.
pub fn sentence_with(text: &Text, story: &Story, names: &StepNames, finding: &Finding) -> String {
    let words = Said {
        text,
        story,
        names,
        evidence: &finding.evidence,
    };
    match &finding.what {
        Contradiction::OtherLot { written, recorded } => {
            let lots = [
                ("written", written.lot.as_str()),
                ("recorded", recorded.as_str()),
            ];
            match written.is_as_issued {
                true => text.with("finding.other_lot_issued", &lots),
                false => text.with("finding.other_lot", &lots),
            }
        }
        Contradiction::BeforeMade { step, at, made } => text.with(
            "finding.before_made",
            &[
                ("step", &words.step(step)),
                ("at", &words.time(*at)),
                ("made", &words.time(*made)),
            ],
        ),
        Contradiction::AfterEnd {
            step,
            at,
            end,
            ended,
        } => text.with(
            "finding.after_end",
            &[
                ("step", &words.step(step)),
                ("at", &words.time(*at)),
                ("end", &words.step(end)),
                ("ended", &words.time(*ended)),
            ],
        ),
        Contradiction::InTwoParents { first, second, at } => text.with(
            "finding.in_two_parents",
            &[
                ("first", &words.thing(first)),
                ("second", &words.thing(second)),
                ("at", &words.time(*at)),
            ],
        ),
        Contradiction::TooFast {
            from,
            to,
            km,
            minutes,
        } => text.with(
            "finding.too_fast",
            &[
                ("from", &words.thing(from)),
                ("to", &words.thing(to)),
                ("km", &text.number(km.round() as u64)),
                ("time", &words.duration(*minutes)),
            ],
        ),
        Contradiction::TwoPlaces { first, second, at } => text.with(
            "finding.two_places",
            &[
                ("first", &words.thing(first)),
                ("second", &words.thing(second)),
                ("at", &words.time(*at)),
            ],
        ),
        Contradiction::ExpiresBeforeMade { expires, made } => text.with(
            "finding.expires_before_made",
            &[
                ("expires", &words.date(*expires)),
                ("made", &words.date(*made)),
            ],
        ),
        Contradiction::SoldAfterExpiry { sold, expires } => text.with(
            "finding.sold_after_expiry",
            &[
                ("sold", &words.date(*sold)),
                ("expires", &words.date(*expires)),
            ],
        ),
        Contradiction::OtherRegime {
            document,
            document_type,
        } => text.with(
            "finding.other_regime",
            &[
                ("document", &words.document(document)),
                ("type", text.document_type(document_type)),
            ],
        ),
        Contradiction::IssuedTooLate {
            document,
            issued,
            needed,
        } => text.with(
            "finding.issued_too_late",
            &[
                ("document", &words.document(document)),
                ("issued", &words.date(*issued)),
                ("needed", &words.date(*needed)),
            ],
        ),
        Contradiction::OutOfBand {
            celsius,
            min,
            max,
            minutes,
        } => {
            let reached = degrees(text, *celsius);
            let band = band(text, *min, *max);
            let values = [("celsius", reached.as_str()), ("band", &band)];
            if *minutes == 0 {
                return text.with("finding.out_of_band_once", &values);
            }
            let time = words.duration(*minutes);
            let values = [values[0], values[1], ("time", &time)];
            text.with("finding.out_of_band", &values)
        }
        Contradiction::SealMismatch {
            container,
            first,
            second,
        } => text.with(
            "finding.seal_mismatch",
            &[
                ("container", &words.thing(container)),
                ("first", first),
                ("second", second),
            ],
        ),
        Contradiction::WeightGained { input, output } => text.with(
            "finding.weight_gained",
            &[
                ("input", &words.kilograms(*input)),
                ("output", &words.kilograms(*output)),
            ],
        ),
        Contradiction::YieldOutOfBand {
            input,
            output,
            min,
            max,
        } => text.with(
            "finding.yield_out_of_band",
            &[
                ("input", &words.kilograms(*input)),
                ("output", &words.kilograms(*output)),
                ("min", &words.kilograms(input * min)),
                ("max", &words.kilograms(input * max)),
            ],
        ),
        Contradiction::LotOverdrawn {
            lot,
            dimension,
            made,
            used,
        } => text.with(
            "finding.lot_overdrawn",
            &[
                ("lot", &words.lot(lot)),
                ("made", &words.amount(*dimension, *made)),
                ("used", &words.amount(*dimension, *used)),
            ],
        ),
        Contradiction::CodesToSpare { lot, made, issued } => text.with(
            "finding.codes_to_spare",
            &[
                ("lot", &words.lot(lot)),
                ("made", &text.number(*made)),
                ("issued", &text.number(*issued)),
            ],
        ),
        Contradiction::ItemsBeyondCodes { lot, issued, items } => text.with(
            "finding.items_beyond_codes",
            &[
                ("lot", &words.lot(lot)),
                ("issued", &text.number(*issued)),
                ("items", &text.number(*items)),
            ],
        ),
    }
}

/// The words for what a finding names.
struct Said<'s> {
    text: &'s Text,
    story: &'s Story,
    names: &'s StepNames,
    evidence: &'s [StatementId],
}

impl Said<'_> {
    fn step(&self, step: &StepName) -> String {
        let word = match (self.names.get(&step.id), step.biz_step.as_deref()) {
            (Some(name), _) => name.as_str(),
            (None, Some(step)) => self.text.term("bizStep", step),
            (None, None) => self.text.get("finding.step"),
        };
        let known = |place: &&Identity| self.story.parties.contains_key(&place.canonical());
        match step.place.as_ref().filter(known) {
            Some(place) => self.text.with(
                "finding.step_at",
                &[("step", word), ("place", &self.thing(place))],
            ),
            None => self.text.with("finding.step_alone", &[("step", word)]),
        }
    }

    /// A time on the clock of the step that it is of, as that step tells it; else on the readers'.
    fn time(&self, at: OffsetDateTime) -> String {
        let steps = self.evidence.iter().filter_map(|id| self.story.step(*id));
        let mut steps = steps.filter(|step| step.event.event_time == at);
        let offset = steps.next().map(|step| step.event.offset.as_str());
        let stamp = timestamp(at);
        let local = |offset| {
            let local = self.text.local_time(stamp.as_str(), offset)?;
            Some(self.text.zoned(&local))
        };
        let told = offset.and_then(local).or_else(|| local(READERS_OFFSET));
        told.unwrap_or_else(|| stamp.to_string())
    }

    fn date(&self, date: Date) -> String {
        let iso = date.to_string();
        let date = self.text.date(&iso);
        date.map_or(iso, |date| date.text)
    }

    fn thing(&self, identity: &Identity) -> String {
        let canonical = identity.canonical();
        match self.story.parties.get(&canonical) {
            Some(party) => self.text.said(&party.name).to_owned(),
            // As it stands on the label.
            None => match identity {
                Identity::Sscc(sscc) => format!("(00){sscc}"),
                _ => identity.path().unwrap_or(canonical),
            },
        }
    }

    fn document(&self, uri: &str) -> String {
        match self.story.documents.get(uri) {
            Some(document) => self.text.said(&document.value.title).to_owned(),
            None if is_alias(uri) => self.text.term("document", "other").to_owned(),
            None => uri.to_owned(),
        }
    }

    fn duration(&self, minutes: i64) -> String {
        duration(self.text, minutes)
    }

    fn kilograms(&self, kilograms: f64) -> String {
        self.amount(Dimension::Mass, kilograms)
    }

    /// An amount in the SI unit of its dimension, to the thousandth of what it is told in.
    fn amount(&self, dimension: Dimension, amount: f64) -> String {
        let (factor, unit) = match dimension {
            Dimension::Volume => (1_000.0, Some("LTR")),
            Dimension::Mass => (1.0, Some("KGM")),
            _ => (1.0, None),
        };
        let rounded = (amount * factor * 1_000.0).round() / 1_000.0;
        self.text.amount(&format!("{rounded}"), unit)
    }

    /// A lot by its product's name, where it has one, and its number.
    fn lot(&self, lot: &Identity) -> String {
        let product = lot.gtin().and_then(|gtin| self.story.products.get(&gtin));
        match (product, lot) {
            (Some(product), Identity::LotOf { lot, .. }) => self.text.with(
                "finding.lot",
                &[
                    ("product", self.text.said(&product.name)),
                    ("lot", &lot.to_string()),
                ],
            ),
            _ => self.thing(lot),
        }
    }
}

fn degrees(text: &Text, celsius: f64) -> String {
    text.amount(&format!("{celsius}"), Some("CEL"))
}

/// Between which temperatures something is to be kept, one of them at least.
pub(super) fn band(text: &Text, min: Option<f64>, max: Option<f64>) -> String {
    let celsius = |limit: f64| degrees(text, limit);
    match (min, max) {
        (Some(min), Some(max)) => text.with(
            "finding.band",
            &[("min", &celsius(min)), ("max", &celsius(max))],
        ),
        (Some(min), None) => text.with("finding.band_above", &[("min", &celsius(min))]),
        (None, max) => text.with(
            "finding.band_below",
            &[("max", &celsius(max.unwrap_or_default()))],
        ),
    }
}

fn duration(text: &Text, minutes: i64) -> String {
    let minutes = minutes.unsigned_abs();
    let (hours, rest) = (minutes / 60, minutes % 60);
    let minutes = text.count("finding.minutes", rest, &[]);
    if hours == 0 {
        return minutes;
    }
    let hours = text.count("finding.hours", hours, &[]);
    if rest == 0 {
        return hours;
    }
    text.with(
        "finding.hours_and_minutes",
        &[("hours", &hours), ("minutes", &minutes)],
    )
}

/// The day of a moment on the readers' clocks.
fn readers_day(text: &Text, at: OffsetDateTime) -> String {
    let stamp = timestamp(at);
    let local = text.local_time(stamp.as_str(), READERS_OFFSET);
    local.map_or_else(|| stamp.to_string(), |local| local.date)
}

/// A sign that a code was copied, in one sentence. Where others looked it up is not told.
pub(super) fn copy_sentence(text: &Text, sign: &CopySign) -> String {
    match sign {
        CopySign::Confirmed => text.get("verdict.copied_confirmed").to_owned(),
        CopySign::Voided { at } => {
            let date = readers_day(text, *at);
            text.with("verdict.copied_voided", &[("date", &date)])
        }
        CopySign::Spare => text.get("verdict.copied_spare").to_owned(),
        CopySign::Revealed { times, first_at } => text.with(
            "verdict.copied_revealed",
            &[
                ("date", &readers_day(text, *first_at)),
                ("times", &text.number(*times as u64)),
            ],
        ),
        CopySign::AfterSale {
            sold_at,
            times,
            networks,
        } => text.with(
            "verdict.copied_sold",
            &[
                ("date", &readers_day(text, *sold_at)),
                ("times", &text.number(*times as u64)),
                ("networks", &text.number(*networks as u64)),
            ],
        ),
        CopySign::ManyLookUps { times, networks } => text.with(
            "verdict.copied_many",
            &[
                ("days", &copies::WINDOW.whole_days().to_string()),
                ("times", &text.number(*times as u64)),
                ("networks", &text.number(*networks as u64)),
            ],
        ),
        CopySign::Countless { times } => text.with(
            "verdict.copied_countless",
            &[("times", &text.number((*times).into()))],
        ),
        CopySign::FarApart { km, minutes, times } => {
            let interval = match minutes {
                0 => text.get("verdict.at_once").to_owned(),
                minutes => duration(text, *minutes),
            };
            text.with(
                "verdict.copied_far",
                &[
                    ("km", &text.number(km.round() as u64)),
                    ("time", &interval),
                    ("times", &text.number(*times as u64)),
                ],
            )
        }
    }
}
