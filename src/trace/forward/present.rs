//! What was at a place, or with a party, in a time: from there a forward trace starts.
//!
//! Whoever was there when the time began was there too, though no event of that time may name it: the last that was
//! said before tells. What is in something that was there, the walk forward finds.

use std::collections::{BTreeMap, HashSet, VecDeque};

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::MAX_ROUNDS;
use super::last::MAX_DEPTH;
use super::thing::{Reason, Thing};
use super::walk::{MAX_LOOKS, MAX_THINGS, is_goods};
use crate::domain::forward::{Certainty, Start};
use crate::domain::gs1::Identity;
use crate::domain::presence::{Presence, Whereabouts};
use crate::domain::statement::{Role, StatementId};
use crate::domain::story::Via;
use crate::domain::time::{FIRST, LAST, indexed};
use crate::domain::turn::Turn;
use crate::trace::ask::{Ask, Asks, Need};
use crate::trace::found::{Found, Room, Walked};
use crate::trace::graph::{Graph, Membership, Mention, is_instance};
use crate::trace::line::Line;
use crate::trace::maps::{Map, Set};
use crate::trace::window::{Moment, Tie, Window};
use crate::trace::{KnownAt, TraceError};

/// What was there.
#[derive(Debug)]
pub struct Present {
    /// Each since when.
    pub starts: Vec<Start>,
    /// Whether there was more than a trace may hold.
    pub truncated: bool,
}

/// What of some things was there, by what is recorded of them. The transaction must act for the merchant.
pub async fn present(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    presence: &Presence,
    named: &HashSet<Identity>,
    known_at: KnownAt,
) -> Result<Present, TraceError> {
    let mut found = Found::known_at(known_at, Room::FORWARD);
    let walk = |found: &Found| There::of(presence, named, &Graph::of(found.events()));
    let line = Line::of(conn);
    let there = found.settle(&line, merchant_id, MAX_ROUNDS, walk).await?;
    let starts = there.things.iter().flat_map(|(identity, thing)| {
        let reasons = thing.reasons();
        reasons.map(|(certainty, reason)| Start {
            identity: identity.clone(),
            since: reason.since,
            certainty,
        })
    });
    Ok(Present {
        starts: starts.collect(),
        truncated: found.truncated,
    })
}

#[derive(Default)]
struct There {
    things: BTreeMap<Identity, Thing>,
    asks: Asks,
    is_cut_off: bool,
}

impl Walked for There {
    fn asks(&self) -> impl Iterator<Item = (&Identity, Ask)> {
        self.asks.each()
    }

    fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }
}

impl There {
    fn of(presence: &Presence, named: &HashSet<Identity>, graph: &Graph<'_>) -> There {
        let mut walk = Walk {
            presence,
            graph,
            there: There::default(),
            asked: Set::default(),
            queue: VecDeque::new(),
            known: Map::default(),
            looks: 0,
        };
        for identity in named {
            walk.ask_for(identity);
        }
        while let Some(identity) = walk.queue.pop_front() {
            walk.visit(&identity);
        }
        walk.there
    }
}

/// The last that was said of where something is, and when.
type Last = Option<(Moment, Whereabouts)>;

struct Walk<'w, 'g, 'e> {
    presence: &'w Presence,
    graph: &'g Graph<'e>,
    there: There,
    asked: Set<Identity>,
    queue: VecDeque<Identity>,
    /// What was asked before: of what, within what time, and whether it is a holder.
    known: Map<(Identity, Option<Moment>, Option<Moment>, bool), Last>,
    looks: usize,
}

impl<'e> Walk<'_, '_, 'e> {
    /// Asks whether a thing was there.
    fn ask_for(&mut self, identity: &Identity) {
        if self.asked.len() >= MAX_THINGS {
            self.there.is_cut_off = true;
        } else if self.asked.insert(identity.clone()) {
            let ask = match identity {
                // Of a kind of thing, what was said of it then; all of it, nobody can read.
                Identity::Class { .. } => Ask {
                    need: Need::Whole,
                    since: self.presence.since.map_or(FIRST, indexed),
                    until: self.presence.until.map_or(LAST, indexed),
                },
                _ => Ask::of_affected(identity),
            };
            self.there.asks.add(identity, ask);
            self.queue.push_back(identity.clone());
        }
    }

    fn visit(&mut self, identity: &Identity) {
        let graph = self.graph;
        let mentions = graph.about(identity).iter();
        let seen = mentions.filter(|mention| self.presence.has(mention.event));
        let seen: Vec<Moment> = seen.map(Mention::moment).collect();
        if !self.may_look(1 + graph.about(identity).len()) {
            return;
        }
        if is_asset(identity) {
            self.take_contents(identity, &seen, 0);
        } else {
            for at in seen {
                let certainty = self.certainty(identity, at);
                self.take(identity, certainty, at.0);
            }
        }
        let Some(since) = self.presence.since else {
            return;
        };
        if let Identity::Class { .. } = identity {
            return;
        }
        self.ask_for_holders(identity, since);
        if !is_asset(identity)
            && let Some(certainty) = self.was_there(identity, since)
        {
            self.take(identity, certainty, since);
        }
        self.ask_for_contents(identity, since);
    }

    fn take(&mut self, identity: &Identity, certainty: Certainty, since: OffsetDateTime) {
        let thing = self.there.things.entry(identity.clone()).or_default();
        let (since, origin) = (Some(since), None);
        thing.take(certainty, Reason { since, origin });
    }

    /// A truck or a tote carries other things tomorrow: what was in it at these moments was there, and nothing else.
    fn take_contents(&mut self, asset: &Identity, seen: &[Moment], depth: usize) {
        for (child, held) in self.ever_held(asset) {
            if !is_goods(child, held.bond) {
                continue;
            }
            let start = seen.partition_point(|at| at.0 < held.from.0);
            let end = held.until.map_or(seen.len(), |until| {
                seen.partition_point(|at| at.0 <= until.0)
            });
            let then = &seen[start.min(end)..end];
            let Some(first) = then.first() else { continue };
            if !is_asset(child) {
                self.ask_for(child);
                let certainty = self.certainty(child, *first);
                self.take(child, certainty, first.0);
            } else if depth < MAX_DEPTH {
                let ask = Ask::of_affected(child);
                self.there.asks.add(child, ask);
                self.take_contents(child, then, depth + 1);
            }
        }
    }

    /// Of a lot that was elsewhere too, or in something, only some was there; of a kind of thing, always.
    fn certainty(&self, identity: &Identity, at: Moment) -> Certainty {
        let mentions = self.graph.about(identity).iter();
        let mut made = mentions.clone().filter(|mention| mention.makes());
        if is_instance(identity) || made.any(|mention| self.presence.has(mention.event)) {
            return Certainty::Affected;
        }
        let mut told = mentions.filter(|mention| mention.moment() <= at);
        let is_apart = told.any(|mention| {
            let told = self.presence.with.tells(mention.event);
            mention.role == Role::Child || told == Some(Whereabouts::Elsewhere)
        });
        match identity {
            Identity::LotOf { .. } if !is_apart => Certainty::Affected,
            _ => Certainty::Possibly,
        }
    }

    /// Whether it was there just before a time, by itself or with what held it.
    fn was_there(&mut self, identity: &Identity, before: OffsetDateTime) -> Option<Certainty> {
        let (at, told) = self.last(identity, &until(before), 0)?;
        match told {
            Whereabouts::There => Some(self.certainty(identity, at)),
            Whereabouts::PerhapsThere => Some(Certainty::Possibly),
            Whereabouts::Elsewhere => None,
        }
    }

    /// The last that was said of where it is, within a time.
    fn last(&mut self, identity: &Identity, window: &Window, depth: usize) -> Last {
        let is_holder = depth > 0;
        let asked = (identity.clone(), window.from, window.until, is_holder);
        if let Some(known) = self.known.get(&asked) {
            return *known;
        }
        let graph = self.graph;
        let own = graph.within(identity, window);
        if !self.may_look(1 + own.len()) {
            return None;
        }
        // The other contents of a holder are their own affair, and whether they were loaded is chance.
        let own = own
            .iter()
            .filter(|mention| !is_holder || mention.turn != Turn::Holds);
        let told = own.filter_map(|mention| {
            let at = mention.moment();
            let is_over = !is_holder && is_instance(identity) && mention.ends_the_thing();
            let told = match self.presence.with.tells(mention.event) {
                // What is sold or used up is not there; what comes back, is again.
                _ if is_over => Whereabouts::Elsewhere,
                told => told?,
            };
            window.holds(at, mention.event.action).then_some((at, told))
        });
        let mut last = told.max_by_key(|(at, _)| *at);
        if depth < MAX_DEPTH {
            for held in self.stays(identity) {
                let Some(cut) = window.cut(held.from, held.until) else {
                    continue;
                };
                // Where the holder is, it may have been said before it took the thing in.
                let with_it = self.last(held.parent, &cut, depth + 1);
                let with_it = with_it.or_else(|| {
                    let before = self.last(held.parent, &up_to(held.from), depth + 1);
                    before.map(|(_, told)| (held.from, told))
                });
                let later = |(at, _): &(Moment, _)| last.is_none_or(|(known, _)| known < *at);
                last = with_it.filter(later).or(last);
            }
            self.known.insert(asked, last);
        }
        last
    }

    /// Asks for what held it before a time, and where that had come from.
    fn ask_for_holders(&mut self, identity: &Identity, before: OffsetDateTime) {
        let mut seen: Set<Identity> = Set::default();
        let mut todo = vec![(identity.clone(), until(before), 0)];
        while let Some((thing, window, depth)) = todo.pop() {
            for held in self.stays(&thing) {
                let Some(cut) = window.cut(held.from, held.until) else {
                    continue;
                };
                let since_ever = Window { from: None, ..cut }.beside(Tie::Holder);
                let ask = Ask::of(held.parent, &since_ever);
                self.there.asks.add(held.parent, ask);
                if depth < MAX_DEPTH && seen.insert(held.parent.clone()) {
                    todo.push((held.parent.clone(), since_ever, depth + 1));
                }
            }
        }
    }

    /// Asks for what was taken out of it while it was there, before a time: there it lies still, though nobody may
    /// have named it since. What is in it still, the walk forward finds; of an asset, which is not affected itself,
    /// it does not, nor what was put into that there.
    fn ask_for_contents(&mut self, container: &Identity, before: OffsetDateTime) {
        for (child, held) in self.ever_held(container) {
            let is_at = |walk: &mut Self, at: Moment| {
                let told = walk.last(container, &up_to(at), 0);
                told.map(|(_, told)| told)
            };
            let is_then = held.from.0 < before;
            match held.until {
                Some(end) if is_then && end.0 < before => {
                    let told = is_at(self, end);
                    if told.is_some_and(|told| told != Whereabouts::Elsewhere) {
                        self.ask_for(child);
                    }
                }
                _ if !is_asset(container) || !is_goods(child, held.bond) => {}
                _ if is_then => self.ask_for(child),
                _ => {
                    let until = self.presence.until;
                    let is_during = until.is_none_or(|until| held.from.0 <= until);
                    if is_during && is_at(self, held.from) == Some(Whereabouts::There) {
                        self.ask_for(child);
                        let certainty = self.certainty(child, held.from);
                        self.take(child, certainty, held.from.0);
                    }
                }
            }
        }
    }

    /// What was ever in or on something, and when. Whether it was taken out, its own events say.
    fn ever_held(&mut self, container: &Identity) -> Vec<(&'e Identity, Membership<'e>)> {
        let graph = self.graph;
        if !is_instance(container) {
            return Vec::new();
        }
        let mut seen: Set<&Identity> = Set::default();
        let mut held = Vec::new();
        for mention in graph.about(container) {
            if mention.role != Role::Parent {
                continue;
            }
            if !self.may_look(mention.event.what.len()) {
                return held;
            }
            for what in mention.event.children() {
                let child = &what.identity;
                if !seen.insert(child) {
                    continue;
                }
                let ask = Ask::of_affected(child);
                self.there.asks.add(child, ask);
                let stays = self.stays(child).into_iter();
                let own = stays.filter(|held| held.parent == container);
                held.extend(own.map(|held| (child, held)));
            }
        }
        held
    }

    fn stays(&mut self, thing: &Identity) -> Vec<Membership<'e>> {
        let graph = self.graph;
        let looks = graph.looks_of_stays(thing);
        if self.may_look(looks) {
            graph.stays(thing)
        } else {
            Vec::new()
        }
    }

    /// Pays for looks; once they are used up, the walk ends where it is.
    fn may_look(&mut self, looks: usize) -> bool {
        self.looks += looks;
        let is_cut_off = self.looks > MAX_LOOKS;
        if is_cut_off {
            self.there.is_cut_off = true;
            self.queue.clear();
        }
        !is_cut_off
    }
}

/// Whether it is no goods, but carries some.
fn is_asset(identity: &Identity) -> bool {
    matches!(identity, Identity::Grai(_) | Identity::Giai(_))
}

/// All of the time before an instant.
fn until(before: OffsetDateTime) -> Window {
    up_to((
        before.checked_sub(Duration::NANOSECOND).unwrap_or(before),
        LAST_OF_ALL,
    ))
}

/// All of the time up to a moment, and all of its instant.
fn up_to(at: Moment) -> Window {
    Window {
        until: Some((at.0, LAST_OF_ALL)),
        ..Window::always(Tie::Subject, Via::Item)
    }
}

const LAST_OF_ALL: StatementId = StatementId {
    batch_id: Uuid::max(),
    position: i32::MAX,
};
