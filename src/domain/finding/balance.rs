//! Sums that contradict each other: nothing is made of nothing, and nothing is used twice.

use time::Duration;

use super::{Contradiction, Finding, Severity};
use crate::domain::balance::{Account, Portion, Process, least_weight, sum, weight};
use crate::domain::master::Yield;
use crate::domain::story::Story;
use crate::domain::unit::Dimension;

/// What scales and the loss of digits may make of one weight.
const SCALES: f64 = 1.005;
/// Codes that are issued to be on the safe side, and thrown away.
const SPARE: f64 = 1.1;
/// A lot of which nothing was made for so long is made.
const RUN: Duration = Duration::days(7);

/// More came out of a process than went into it, or than the product's own yield allows. Where something that went
/// in was not weighed, or the story is cut off, this says nothing.
pub(super) fn weight_gained(story: &Story) -> Vec<Finding> {
    let gained = |process: &Process| {
        // Of one in several events, some may not be there.
        let input = input(story, process).filter(|_| !process.is_open)?;
        let output = least_weight(&process.outputs, &story.weighed);
        // Whatever grows on a farm, or is thinned with what nobody weighs, says so.
        let highest = process
            .outputs
            .iter()
            .filter_map(|portion| yields(story, portion));
        let highest = highest.map(|yields| yields.max).fold(1.0, f64::max);
        (output > input * highest * SCALES).then_some(Finding {
            what: Contradiction::WeightGained { input, output },
            severity: Severity::Doubt,
            evidence: process.events.clone(),
        })
    };
    story.processes.iter().filter_map(gained).collect()
}

/// What one process gives of one product lies outside the band that its merchant states.
pub(super) fn yield_out_of_band(story: &Story) -> Vec<Finding> {
    let out_of_band = |process: &Process| {
        let [first, ..] = process.outputs.as_slice() else {
            return None;
        };
        // Of a process that makes several products, each has its part of one yield.
        let product = first.identity.gtin();
        let is_one = process
            .outputs
            .iter()
            .all(|output| output.identity.gtin() == product);
        let yields = yields(story, first).filter(|_| is_one && !process.is_open)?;
        let input = input(story, process)?;
        let output = weight(&process.outputs, &story.weighed)?;
        let share = output / input;
        let is_more = share > yields.max * SCALES;
        let is_less = share * SCALES < yields.min;
        // What is more than went in is told by the rule above.
        let is_gained = output > input * yields.max.max(1.0) * SCALES;
        if is_gained || !(is_more || is_less) {
            return None;
        }
        Some(Finding {
            what: Contradiction::YieldOutOfBand {
                input,
                output,
                min: yields.min,
                max: yields.max,
            },
            // Less is waste, or was not written down; more was made of something else.
            severity: if is_more {
                Severity::Doubt
            } else {
                Severity::Note
            },
            evidence: process.events.clone(),
        })
    };
    story.processes.iter().filter_map(out_of_band).collect()
}

/// More of a lot was used than was made of it.
pub(super) fn lot_overdrawn(story: &Story) -> Vec<Finding> {
    let overdrawn = |account: &Account| {
        let is_told = |dimension: &Dimension| {
            matches!(
                dimension,
                Dimension::Mass | Dimension::Volume | Dimension::Ratio
            )
        };
        let made = sum(&account.made).filter(|_| !account.has_items);
        let (dimension, made) = made.filter(|(of, _)| is_told(of))?;
        let amounts = account.used.iter().filter_map(Portion::amount);
        let used = amounts.filter(|(of, _)| *of == dimension);
        let used: f64 = used.map(|(_, amount)| amount).sum();
        (used > made * SCALES).then(|| Finding {
            what: Contradiction::LotOverdrawn {
                lot: account.lot.clone(),
                dimension,
                made,
                used,
            },
            severity: Severity::Doubt,
            evidence: account.evidence.clone(),
        })
    };
    story.accounts.iter().filter_map(overdrawn).collect()
}

/// More codes were issued for a lot than it has pieces, and more than anybody prints to spare.
pub(super) fn codes_to_spare(story: &Story) -> Vec<Finding> {
    let to_spare = |account: &Account| {
        let issued = account.issued?;
        // While a lot is being made there are more codes than pieces.
        let made_until = account.made_until?.saturating_add(RUN);
        let mut steps = story.standing();
        if !steps.any(|step| made_until <= step.event.event_time) {
            return None;
        }
        let (_, made) = sum(&account.made).filter(|(of, _)| *of == Dimension::Ratio)?;
        (issued as f64 > made * SPARE).then(|| Finding {
            what: Contradiction::CodesToSpare {
                lot: account.lot.clone(),
                made: made.round() as u64,
                issued,
            },
            severity: Severity::Note,
            evidence: account.evidence.clone(),
        })
    };
    story.accounts.iter().filter_map(to_spare).collect()
}

/// More items of a lot got numbers of their own than codes were issued for it: numbers that nobody here gave out. Codes
/// that were issued for no lot in particular may be those of any.
pub(super) fn items_beyond_codes(story: &Story) -> Vec<Finding> {
    if story.issued.iter().any(|said| said.value.lot.is_none()) {
        return Vec::new();
    }
    let beyond = |account: &Account| {
        let (items, issued) = (account.items?, account.issued?);
        (items > issued).then(|| Finding {
            what: Contradiction::ItemsBeyondCodes {
                lot: account.lot.clone(),
                issued,
                items,
            },
            severity: Severity::Note,
            evidence: account.evidence.clone(),
        })
    };
    story.accounts.iter().filter_map(beyond).collect()
}

fn input(story: &Story, process: &Process) -> Option<f64> {
    let input = weight(&process.inputs, &story.weighed)?;
    (input > 0.0 && !story.truncated).then_some(input)
}

fn yields(story: &Story, portion: &Portion) -> Option<Yield> {
    let product = story.weighed.get(&portion.identity.gtin()?)?;
    product.yields
}
