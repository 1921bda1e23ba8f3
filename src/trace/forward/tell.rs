//! What is told of what a walk reached: what became of a thing, where it was seen, what held it, and who passed it on.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::last::{Last, holder_among};
use super::thing::Thing;
use super::walk::Spread;
use crate::domain::forward::{Certainty, Fate, Holding, Passage, Reached};
use crate::domain::gs1::Identity;
use crate::domain::statement::{Role, StatementId};
use crate::domain::turn::Turn;
use crate::trace::graph::{Graph, Mention, is_instance};
use crate::trace::maps::Set;

/// Tells of things, by the events that were loaded about them.
pub(super) struct Teller<'g, 'e> {
    graph: &'g Graph<'e>,
    last: Last<'g, 'e>,
}

impl<'g, 'e> Teller<'g, 'e> {
    pub fn over(graph: &'g Graph<'e>) -> Teller<'g, 'e> {
        Teller {
            graph,
            last: Last::of(graph),
        }
    }

    /// What is known of a thing; `None` of one that nothing reached.
    pub fn reached(&mut self, identity: &Identity, thing: &Thing) -> Option<Reached> {
        let (certainty, reason) = thing.best()?;
        Some(Reached {
            identity: identity.clone(),
            certainty,
            since: reason.since,
            origin: reason.origin.clone(),
            fate: fate(self.graph, identity),
            seen: self.last.seen(identity, reason.since),
        })
    }
}

/// What held affected things, and who passed them on, of all that was walked.
#[derive(Debug)]
pub(super) struct Ways {
    /// Of each; none are kept for whoever does not ask.
    most: usize,
    holdings: BTreeSet<Holding>,
    passages: Passages,
}

impl Ways {
    /// With room for so many.
    pub fn up_to(most: usize) -> Ways {
        Ways {
            most,
            holdings: BTreeSet::new(),
            passages: Passages::default(),
        }
    }

    /// Adds those of a walk; whether there were more than there is room for.
    pub fn keep(&mut self, graph: &Graph<'_>, spread: &Spread) -> bool {
        if self.most == 0 {
            return false;
        }
        self.holdings.extend(spread.holdings.iter().cloned());
        self.passages.add(graph, spread);
        let is_full = self.holdings.len() > self.most;
        while self.holdings.len() > self.most {
            self.holdings.pop_last();
        }
        self.passages.truncate(self.most) || is_full
    }

    /// When each holder had something affected.
    pub fn holders(&self) -> Vec<Holding> {
        holders(&self.holdings)
    }

    /// Who passed on what to whom.
    pub fn into_passages(self) -> Vec<Passage> {
        self.passages.into_list()
    }
}

/// When what held something affected did: times that touch are one, whatever was in it in each.
fn holders(holdings: &BTreeSet<Holding>) -> Vec<Holding> {
    let mut holders: Vec<Holding> = Vec::new();
    for held in holdings {
        let before = holders.last_mut().filter(|before| {
            before.holder == held.holder && before.until.is_none_or(|until| held.from <= until)
        });
        match before {
            None => holders.push(held.clone()),
            Some(before) => {
                let lasts = |held: &Holding| (held.until.is_none(), held.until);
                if lasts(before) < lasts(held) {
                    (before.until, before.is_end_inferred) = (held.until, held.is_end_inferred);
                }
            }
        }
    }
    holders
}

/// What became of a thing, by the last event that names it. Of a lot, or of a kind, some is sold and some is not.
fn fate(graph: &Graph<'_>, identity: &Identity) -> Option<Fate> {
    if !is_instance(identity) {
        return None;
    }
    // Whoever sees it later sees that it is back: a return is on the shelf again.
    let mention = graph.about(identity).last()?;
    let at = mention.event.event_time;
    Some(match (mention.role, mention.turn) {
        (Role::Input, _) => Fate::UsedUp(at),
        (_, Turn::Ended) if mention.event.is_sale() => Fate::Sold(at),
        (_, Turn::Ended) => Fate::Removed(at),
        _ => Fate::InTrade,
    })
}

/// Who passed affected things on to whom, by themselves or in what held them, and by which events.
#[derive(Debug, Default)]
struct Passages {
    told: BTreeMap<(Identity, Identity), BTreeSet<(OffsetDateTime, StatementId)>>,
    seen: Set<StatementId>,
}

impl Passages {
    /// Adds those of a walk.
    fn add(&mut self, graph: &Graph<'_>, spread: &Spread) {
        for (identity, thing) in &spread.things {
            let Some((certainty, _)) = thing.best() else {
                continue;
            };
            // Of a kind of thing, not all is affected, and of other lots of it nothing.
            if matches!(identity, Identity::Class { .. }) && certainty == Certainty::Possibly {
                continue;
            }
            let since = thing.reasons().map(|(_, reason)| reason.since).min();
            let since = since.flatten();
            let own = graph.about(identity).iter();
            own.filter(|mention| since.is_none_or(|since| since <= mention.event.event_time))
                .for_each(|mention| self.tell(mention));
        }
        for held in &spread.holdings {
            let own = graph.about(&held.holder).iter();
            let while_held = own.filter(|mention| {
                let at = mention.event.event_time;
                mention.turn != Turn::Holds
                    && held.from <= at
                    && held.until.is_none_or(|until| at <= until)
            });
            while_held.for_each(|mention| self.tell(mention));
        }
    }

    fn tell(&mut self, mention: &Mention<'_>) {
        let event = mention.event;
        let from = holder_among(&event.sources);
        let to = holder_among(&event.destinations);
        let Some((from, to)) = from.zip(to).filter(|(from, to)| from != to) else {
            return;
        };
        if self.seen.insert(mention.id) {
            let passed = self.told.entry((from.clone(), to.clone())).or_default();
            passed.insert((event.event_time, mention.id));
        }
    }

    /// Keeps so many events; whether there were more.
    fn truncate(&mut self, most: usize) -> bool {
        let is_full = self.seen.len() > most;
        while self.seen.len() > most {
            let Some(mut last) = self.told.last_entry() else {
                break;
            };
            match last.get_mut().pop_last() {
                Some((_, id)) => self.seen.remove(&id),
                None => last.remove().is_empty(),
            };
        }
        is_full
    }

    /// Each by whom, to whom.
    fn into_list(self) -> Vec<Passage> {
        let passage =
            |((from, to), events): ((Identity, Identity), BTreeSet<(OffsetDateTime, _)>)| {
                let times = events.iter().map(|(at, _)| *at);
                Some(Passage {
                    from,
                    to,
                    first: times.clone().min()?,
                    last: times.max()?,
                    events: events.into_iter().map(|(_, id)| id).collect(),
                })
            };
        self.told.into_iter().filter_map(passage).collect()
    }
}
