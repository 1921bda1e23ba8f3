//! What was at a place, or with a party, in a time: from there a forward trace starts.
//!
//! Whoever was there when the time began was there too, though no event of that time may name it: the last that was
//! said before tells. What is in something that was there, the walk forward finds.

use std::collections::{BTreeMap, HashSet, VecDeque};

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::MAX_ROUNDS;
use super::last::MAX_DEPTH;
use super::thing::{Reason, Thing};
use super::walk::MAX_THINGS;
use crate::domain::forward::{Certainty, Start};
use crate::domain::gs1::Identity;
use crate::domain::presence::{Presence, Whereabouts};
use crate::domain::statement::{Role, StatementId};
use crate::domain::story::Via;
use crate::domain::turn::Turn;
use crate::trace::ask::{Ask, Asks};
use crate::trace::found::{Found, Room, Walked};
use crate::trace::graph::{Graph, Membership, Mention, is_instance};
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
    let there = found.settle(conn, merchant_id, MAX_ROUNDS, walk).await?;
    let starts = there.things.into_iter().filter_map(|(identity, thing)| {
        let (certainty, reason) = thing.best()?;
        let since = reason.since;
        Some(Start {
            identity,
            since,
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
    fn asks(&self) -> impl Iterator<Item = (&String, Ask)> {
        let asks = self.asks.iter();
        asks.flat_map(|(name, asks)| asks.iter().map(move |ask| (name, *ask)))
    }

    fn lots(&self) -> impl Iterator<Item = String> {
        std::iter::empty()
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
            asked: HashSet::new(),
            queue: VecDeque::new(),
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

struct Walk<'w, 'g, 'e> {
    presence: &'w Presence,
    graph: &'g Graph<'e>,
    there: There,
    asked: HashSet<Identity>,
    queue: VecDeque<Identity>,
}

impl Walk<'_, '_, '_> {
    /// Asks whether a thing was there.
    fn ask_for(&mut self, identity: &Identity) {
        if self.asked.len() >= MAX_THINGS {
            self.there.is_cut_off = true;
        } else if self.asked.insert(identity.clone()) {
            let ask = Ask::of_affected(identity);
            self.there.asks.add(identity.canonical(), ask);
            self.queue.push_back(identity.clone());
        }
    }

    fn visit(&mut self, identity: &Identity) {
        let graph = self.graph;
        let is_asset = matches!(identity, Identity::Grai(_) | Identity::Giai(_));
        let mentions = graph.about(identity).iter();
        let mentions = mentions.filter(|mention| self.presence.has(mention.event));
        for mention in mentions {
            if is_asset {
                self.take_contents(identity, mention);
            } else {
                let certainty = self.certainty(identity, mention.moment());
                self.take(identity, certainty, mention.event.event_time);
            }
        }
        let Some(since) = self.presence.since else {
            return;
        };
        self.ask_for_holders(identity, since);
        if !is_asset && let Some(certainty) = self.was_there(identity, since) {
            self.take(identity, certainty, since);
        }
        self.ask_for_contents(identity, is_asset, since);
    }

    fn take(&mut self, identity: &Identity, certainty: Certainty, since: OffsetDateTime) {
        let thing = self.there.things.entry(identity.clone()).or_default();
        let (since, origin) = (Some(since), None);
        thing.take(certainty, Reason { since, origin });
    }

    /// A truck or a tote carries other things tomorrow: what was in it then was there, and nothing else.
    fn take_contents(&mut self, asset: &Identity, there: &Mention<'_>) {
        let at = there.moment();
        for child in self.ever_in(asset) {
            self.ask_for(&child);
            let held = self.stays(&child, asset);
            let is_in = held
                .iter()
                .any(|held| held.from.0 <= at.0 && held.until.is_none_or(|until| at.0 <= until.0));
            if is_in {
                let certainty = self.certainty(&child, at);
                self.take(&child, certainty, at.0);
            }
        }
    }

    /// Of a lot that was elsewhere too, only some was there; of a kind of thing, always.
    fn certainty(&self, identity: &Identity, at: Moment) -> Certainty {
        if is_instance(identity) {
            return Certainty::Affected;
        }
        let mentions = self.graph.about(identity).iter();
        let mut told = mentions.filter(|mention| mention.moment() <= at);
        let is_apart = told.any(|mention| {
            let told = self.presence.with.tells(mention.event);
            told == Some(Whereabouts::Elsewhere)
        });
        match identity {
            Identity::LotOf { .. } if !is_apart => Certainty::Affected,
            _ => Certainty::Possibly,
        }
    }

    /// Whether it was there just before a time, by itself or with what held it.
    fn was_there(&self, identity: &Identity, before: OffsetDateTime) -> Option<Certainty> {
        let mut own = self.graph.about(identity).iter();
        let is_ended = own.any(|mention| {
            mention.event.event_time < before && is_instance(identity) && mention.ends_the_thing()
        });
        if is_ended {
            return None;
        }
        let (at, told) = self.last(identity, &until(before), 0)?;
        match told {
            Whereabouts::There => Some(self.certainty(identity, at)),
            Whereabouts::PerhapsThere => Some(Certainty::Possibly),
            Whereabouts::Elsewhere => None,
        }
    }

    /// The last that was said of where it is, within a time.
    fn last(
        &self,
        identity: &Identity,
        window: &Window,
        depth: usize,
    ) -> Option<(Moment, Whereabouts)> {
        let is_holder = depth > 0;
        let own = self.graph.within(identity, window).iter();
        // The other contents of a holder are their own affair, and whether they were loaded is chance.
        let own = own.filter(|mention| !is_holder || mention.turn != Turn::Holds);
        let told = own.filter_map(|mention| {
            let told = self.presence.with.tells(mention.event)?;
            let at = mention.moment();
            window.holds(at, mention.event.action).then_some((at, told))
        });
        let mut last = told.max_by_key(|(at, _)| *at);
        if depth < MAX_DEPTH {
            for held in self.graph.memberships(identity) {
                let Some(cut) = window.cut(held.from, held.until) else {
                    continue;
                };
                let with_it = self.last(held.parent, &cut, depth + 1);
                let later = |(at, _): &(Moment, _)| last.is_none_or(|(known, _)| known < *at);
                last = with_it.filter(later).or(last);
            }
        }
        last
    }

    /// Asks for what held it before a time.
    fn ask_for_holders(&mut self, identity: &Identity, before: OffsetDateTime) {
        let mut todo = vec![(identity.clone(), until(before), 0)];
        while let Some((thing, window, depth)) = todo.pop() {
            for held in self.graph.memberships(&thing) {
                let Some(cut) = window.cut(held.from, held.until) else {
                    continue;
                };
                let cut = cut.beside(Tie::Holder);
                let name = held.parent.canonical();
                let asks = &mut self.there.asks;
                asks.add(name.clone(), Ask::of(held.parent, &cut));
                asks.add(name, Ask::of_turns(held.from.0, &cut));
                if depth < MAX_DEPTH {
                    todo.push((held.parent.clone(), cut, depth + 1));
                }
            }
        }
    }

    /// Asks for what was taken out of it while it was there, before a time: there it lies still, though nobody may
    /// have named it since. What is in it still, the walk forward finds; of an asset, which is not affected itself,
    /// it does not.
    fn ask_for_contents(&mut self, container: &Identity, is_asset: bool, before: OffsetDateTime) {
        if !is_instance(container) {
            return;
        }
        for child in self.ever_in(container) {
            let held = self.stays(&child, container).into_iter();
            let mut held = held.filter(|held| held.from.0 < before);
            let was_there = held.any(|held| match held.until {
                Some(end) if end.0 < before => self
                    .last(container, &until(end.0), 0)
                    .is_some_and(|(_, told)| told != Whereabouts::Elsewhere),
                _ => is_asset,
            });
            // Whether it was taken out, its own events say.
            let ask = Ask::of_affected(&child);
            self.there.asks.add(child.canonical(), ask);
            if was_there {
                self.ask_for(&child);
            }
        }
    }

    fn stays(&self, child: &Identity, container: &Identity) -> Vec<Membership<'_>> {
        let held = self.graph.memberships(child).into_iter();
        held.filter(|held| held.parent == container).collect()
    }

    fn ever_in(&self, container: &Identity) -> Vec<Identity> {
        let mentions = self.graph.about(container).iter();
        let holding = mentions.filter(|mention| mention.role == Role::Parent);
        let children = holding.flat_map(|mention| mention.event.children());
        let mut seen = HashSet::new();
        let children = children.map(|what| &what.identity);
        children
            .filter(|child| seen.insert(*child))
            .cloned()
            .collect()
    }
}

/// All of the time before an instant.
fn until(before: OffsetDateTime) -> Window {
    let first = StatementId {
        batch_id: Uuid::nil(),
        position: 0,
    };
    Window {
        until: Some((before, first)),
        ..Window::always(Tie::Subject, Via::Item)
    }
}
