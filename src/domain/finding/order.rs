//! Steps in an order that cannot be.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Contradiction, Finding, Severity, StepName, item};
use crate::domain::epcis::{Action, EventType};
use crate::domain::gs1::Identity;
use crate::domain::statement::{Role, StatementId};
use crate::domain::story::{Step, Story, Via};
use crate::domain::turn::Turn;

/// Lots of one item that are looked at: it has one.
const MAX_GOODS: usize = 16;

/// As what a step names a thing, if it does.
fn role_of(step: &Step, thing: &Identity) -> Option<Role> {
    let what = step
        .event
        .what
        .iter()
        .find(|what| what.identity == *thing)?;
    Some(what.role)
}

/// Whether a step makes a thing known: puts it into the world, by what it says.
fn makes(step: &Step, thing: &Identity) -> bool {
    role_of(step, thing).is_some_and(|role| step.event.makes(role))
}

/// The item and its lots, as far as the story has them. Of a product there is no first one.
fn goods(story: &Story) -> BTreeSet<Identity> {
    let named = story.subject.identities().into_iter();
    let of_lot = story.standing().filter(|step| step.via == Via::Lot);
    let lots = of_lot.flat_map(|step| step.event.what.iter().map(|what| what.identity.clone()));
    let is_ours = |lot: &Identity| lot.gtin() == story.subject.gtin();
    let goods = named.chain(lots.filter(is_ours));
    goods
        .filter(|thing| !matches!(thing, Identity::Class { .. }))
        .collect()
}

/// What nobody does with goods that are not there yet. Codes are printed and boxes filled while a run lasts that is
/// recorded at its end; orders and bookings come before it by right.
const NEEDS_GOODS: [&str; 16] = [
    "accepting",
    "arriving",
    "consigning",
    "departing",
    "destroying",
    "dispensing",
    "loading",
    "receiving",
    "retail_selling",
    "shipping",
    "staging_outbound",
    "stocking",
    "storing",
    "transporting",
    "unloading",
    "unpacking",
];

/// Customs entry before production, a sale before the tin was filled: no step that needs the goods comes before
/// the one that made them.
pub(super) fn before_made(story: &Story) -> Vec<Finding> {
    let own = story
        .standing()
        .filter(|step| matches!(step.via, Via::Item | Via::Lot));
    let needs = own.clone().filter(|step| {
        let word = step.event.biz_step.as_deref();
        word.is_some_and(|word| NEEDS_GOODS.contains(&word))
    });
    let mut known: HashSet<StatementId> = HashSet::new();
    let mut found: Vec<Finding> = Vec::new();
    for thing in goods(story).into_iter().take(MAX_GOODS) {
        let Some(making) = own.clone().find(|step| makes(step, &thing)) else {
            continue;
        };
        let made = making.event.event_time;
        // What befell the lot befell no item of it before there was one.
        let is_lot = matches!(thing, Identity::LotOf { .. });
        let speaks = |step: &&Step| is_lot || role_of(step, &thing).is_some();
        let before = needs.clone().filter(|step| step.event.event_time < made);
        for step in before.filter(speaks) {
            if known.insert(step.id) {
                found.push(Finding {
                    what: Contradiction::BeforeMade {
                        step: StepName::of(step),
                        at: step.event.event_time,
                        made,
                    },
                    severity: Severity::Serious,
                    evidence: vec![step.id, making.id],
                });
            }
        }
    }
    found
}

/// What shows that something that was sold is still in the trade. Parcels are paid before they are packed and sent.
const STILL_IN_TRADE: [&str; 2] = ["retail_selling", "stocking"];

/// Nothing happens to what was destroyed. What was sold is sold or used once more only where a step says that it
/// came back.
pub(super) fn after_end(story: &Story) -> Vec<Finding> {
    let Some(item) = item(story) else {
        return Vec::new();
    };
    // Papers come later by right.
    let own = story.standing().filter(|step| {
        role_of(step, &item).is_some() && step.event.event_type != EventType::Transaction
    });
    let ends = |step: &&Step| {
        role_of(step, &item) == Some(Role::Epc) && step.event.turns().epc == Turn::Ended
    };
    let Some(end) = own.clone().find(ends) else {
        return Vec::new();
    };
    let is_sale = |step: &Step| step.event.is_sale();
    let ended = end.event.event_time;
    let mut found = Vec::new();
    for step in own.filter(|step| step.event.event_time > ended) {
        let contradicts = if is_sale(end) {
            // Back in the shop: from here on it may be sold again.
            if step.event.disposition.as_deref() == Some("returned") {
                break;
            }
            let word = step.event.biz_step.as_deref();
            let is_used = role_of(step, &item) == Some(Role::Input);
            is_used || word.is_some_and(|word| STILL_IN_TRADE.contains(&word))
        } else {
            // Taking it out of the books is no second life.
            is_sale(step) || !ends(&step)
        };
        if contradicts {
            found.push(Finding {
                what: Contradiction::AfterEnd {
                    step: StepName::of(step),
                    at: step.event.event_time,
                    end: StepName::of(end),
                    ended,
                },
                severity: if is_sale(end) {
                    Severity::Doubt
                } else {
                    Severity::Serious
                },
                evidence: vec![step.id, end.id],
            });
        }
    }
    found
}

/// The same serial in two containers: put into one, and afterwards still found in another, or taken from it.
/// That nobody wrote down when it left the first is common, and no finding.
pub(super) fn in_two_parents(story: &Story) -> Vec<Finding> {
    let Some(item) = item(story) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut held: Option<(&Identity, &Step)> = None;
    // Containers that it left without a word, and the step that put it elsewhere.
    let mut left: HashMap<&Identity, &Step> = HashMap::new();
    for step in story.standing() {
        let is_packing = step.event.event_type == EventType::Aggregation;
        if !is_packing || role_of(step, &item) != Some(Role::Child) {
            continue;
        }
        let parents = step.event.what.iter();
        let Some(parent) = parents.into_iter().find(|what| what.role == Role::Parent) else {
            continue;
        };
        let parent = &parent.identity;
        let elsewhere = held.filter(|(holder, _)| *holder != parent);
        let at_once = elsewhere.filter(|(_, put)| put.event.event_time == step.event.event_time);
        let is_added = step.event.action == Some(Action::Add);
        let moved = match (is_added, elsewhere) {
            // Put into both at one moment, or found where it is no more.
            (true, _) => at_once,
            (false, Some((second, put))) if left.contains_key(parent) => Some((second, put)),
            _ => None,
        };
        if let Some((second, put)) = moved {
            found.push(Finding {
                what: Contradiction::InTwoParents {
                    first: parent.clone(),
                    second: second.clone(),
                    at: step.event.event_time,
                },
                severity: Severity::Serious,
                evidence: vec![put.id, step.id],
            });
        }
        match step.event.action {
            Some(Action::Add) => {
                if let Some((holder, _)) = elsewhere {
                    left.insert(holder, step);
                }
                left.remove(parent);
                held = Some((parent, step));
            }
            Some(Action::Delete) if held.is_some_and(|(holder, _)| holder == parent) => held = None,
            _ => {}
        }
    }
    found
}
