//! Which things are affected: the walk itself, as pure computation over the events that were loaded.
//!
//! As in the walk backward, every rule only adds, and asks only what the events say: a thing that is reached
//! earlier, or more surely, is walked once more.

use std::collections::VecDeque;

use time::OffsetDateTime;

use super::issued::{Issued, ItemOf};
use super::thing::{Reason, Taken, Thing};
use crate::domain::forward::{Certainty, Holding, Origin, Way};
use crate::domain::gs1::Identity;
use crate::domain::statement::{Role, StatementId};
use crate::domain::story::Via;
use crate::domain::turn::Turn;
use crate::trace::ask::{Ask, Asks};
use crate::trace::found::Walked;
use crate::trace::graph::{Bond, Graph, Membership, Mention, is_instance};
use crate::trace::maps::{Map, Set};
use crate::trace::window::{Tie, Window};

/// Things of one trace.
pub(super) const MAX_THINGS: usize = 200_000;
/// Looks at one identity in one event.
pub(super) const MAX_LOOKS: usize = 20_000_000;

/// What a walk reached.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Spread {
    pub things: Map<Identity, Thing>,
    /// What the items of lots led to, and is left to the trunk.
    pub exits: Map<Identity, Thing>,
    pub holdings: Set<Holding>,
    is_cut_off: bool,
    asks: Asks,
    /// Transformations that something affected went into.
    transformations: Set<Identity>,
    looks: usize,
}

impl Spread {
    /// The trunk: from `starts` to whatever is affected, but for the items of affected lots. Of a million items few
    /// lead anywhere: those that something else leads to as well are among the trunk's things, and no others.
    pub fn trunk<'s>(
        starts: impl Iterator<Item = (&'s Identity, Certainty, Reason)>,
        graph: &Graph<'_>,
    ) -> Spread {
        let mut walk = Walk::over(graph, Part::Trunk);
        for (identity, certainty, reason) in starts {
            walk.reach(identity, certainty, reason);
        }
        walk.finish()
    }

    /// Some items of affected lots: what their lots make of them, what held them, and what they led to.
    pub fn items(
        items: &[ItemOf],
        (lots, issued): (&Map<Identity, Thing>, &Issued),
        graph: &Graph<'_>,
    ) -> Spread {
        let mut walk = Walk::over(graph, Part::Items);
        walk.spread.things.reserve(items.len());
        walk.spread.asks.reserve(items.len());
        for of in items {
            walk.ask_for(&of.item);
            for (certainty, reason) in of.thing(graph, issued, |lot| lots.get(lot)).reasons() {
                walk.add(&of.item, certainty, reason.clone());
            }
        }
        walk.finish()
    }
}

impl Walked for Spread {
    fn asks(&self) -> impl Iterator<Item = (&Identity, Ask)> {
        let things = self.asks.each();
        let joined = self.transformations.iter();
        things.chain(joined.map(|thing| (thing, Ask::of_all_of_transformation())))
    }

    fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }
}

/// Which part of a forward trace a walk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Trunk,
    Items,
}

struct Walk<'g, 'e> {
    part: Part,
    graph: &'g Graph<'e>,
    /// The things of the trunk that are items of a lot.
    items: Map<Identity, Set<Identity>>,
    spread: Spread,
    queue: VecDeque<(Identity, Certainty)>,
    /// Times for which it is known what held a holder.
    climbed: Map<(Identity, Certainty), Vec<Window>>,
}

impl<'g, 'e> Walk<'g, 'e> {
    fn over(graph: &'g Graph<'e>, part: Part) -> Walk<'g, 'e> {
        Walk {
            part,
            graph,
            items: Map::default(),
            spread: Spread::default(),
            queue: VecDeque::new(),
            climbed: Map::default(),
        }
    }

    fn finish(mut self) -> Spread {
        while let Some((identity, certainty)) = self.queue.pop_front() {
            self.visit(&identity, certainty);
        }
        self.spread
    }

    /// From one thing to another: how, from what, and which event says so.
    fn pass(
        &mut self,
        (how, from, by): (Way, &Identity, StatementId),
        to: &Identity,
        certainty: Certainty,
        since: Option<OffsetDateTime>,
    ) {
        let from = from.clone();
        let origin = Some(Origin { how, from, by });
        self.reach(to, certainty, Reason { since, origin });
    }

    fn reach(&mut self, identity: &Identity, certainty: Certainty, reason: Reason) {
        if self.part == Part::Trunk {
            return self.add(identity, certainty, reason);
        }
        let exits = &mut self.spread.exits;
        if exits.len() >= MAX_THINGS && !exits.contains_key(identity) {
            self.spread.is_cut_off = true;
            return;
        }
        let exit = exits.entry(identity.clone()).or_default();
        exit.take(certainty, reason);
    }

    fn add(&mut self, identity: &Identity, certainty: Certainty, reason: Reason) {
        let known = self.spread.things.len();
        let thing = match self.spread.things.get_mut(identity) {
            Some(thing) => thing,
            None if known >= MAX_THINGS => {
                self.spread.is_cut_off = true;
                return;
            }
            None => {
                // Of items it is asked before it is known whose they are.
                if self.part == Part::Trunk {
                    self.ask_for(identity);
                }
                self.spread.things.entry(identity.clone()).or_default()
            }
        };
        if thing.take(certainty, reason) == Taken::Earlier {
            self.queue.push_back((identity.clone(), certainty));
        }
    }

    fn ask_for(&mut self, identity: &Identity) {
        let ask = Ask::of_affected(identity);
        self.spread.asks.add(identity, ask);
    }

    fn visit(&mut self, identity: &Identity, certainty: Certainty) {
        let thing = &self.spread.things[identity];
        let Some(since) = thing.reason(certainty).map(|reason| reason.since) else {
            return;
        };
        if let Identity::Class { .. } = identity {
            // Some of the kind is affected; of what was made of it since, some may be.
            self.follow_uses_of_kind(identity, identity, since);
            return;
        }
        self.follow_uses(identity, certainty, since);
        self.follow_items(identity);
        let Some(ever_in) = self.ever_in(identity) else {
            return;
        };
        self.follow_contents((identity, &ever_in), certainty, since);
        self.follow_sights((identity, &ever_in), since);
        self.climb_from(identity, certainty, since);
    }

    /// From what went into processes to what came out of them.
    fn follow_uses(
        &mut self,
        identity: &Identity,
        certainty: Certainty,
        since: Option<OffsetDateTime>,
    ) {
        let graph = self.graph;
        let is_lot = !is_instance(identity);
        for mention in graph.about(identity) {
            if !self.may_look(1) {
                return;
            }
            if mention.role != Role::Input {
                continue;
            }
            if is_after(mention, since) {
                self.follow_transformation(identity, mention, certainty);
            } else if is_lot {
                // A long run is often recorded at its end, when some of the lot was in use already.
                self.follow_transformation(identity, mention, Certainty::Possibly);
            }
        }
        if let (true, Some(kind)) = (is_lot, identity.without_qualifiers()) {
            // Before it was made, nobody can have used it; where nobody said when it was, anybody may have.
            let made = graph
                .about(identity)
                .iter()
                .filter(|mention| mention.makes());
            let made = made.map(|mention| mention.event.event_time).min();
            self.follow_uses_of_kind(identity, &kind, made);
        }
    }

    /// Where a process names a kind alone, it may have been this lot of it.
    fn follow_uses_of_kind(
        &mut self,
        from: &Identity,
        kind: &Identity,
        since: Option<OffsetDateTime>,
    ) {
        let graph = self.graph;
        let ask = Ask::of_uses(since);
        self.spread.asks.add(kind, ask);
        for mention in graph.about(kind) {
            if !self.may_look(1) {
                return;
            }
            if mention.role == Role::Input && is_after(mention, since) {
                self.follow_transformation(from, mention, Certainty::Possibly);
            }
        }
    }

    fn follow_transformation(&mut self, from: &Identity, used: &Mention<'e>, certainty: Certainty) {
        if let Some(joined) = used.event.transformation() {
            self.spread.transformations.insert(joined);
        }
        for (id, event) in self.graph.parts(used.id, used.event) {
            if !self.may_look(event.what.len()) {
                return;
            }
            // What had come out before it went in has nothing of it, if the times of both are right.
            let is_later = event.event_time >= used.event.event_time;
            let certainty = if is_later {
                certainty
            } else {
                Certainty::Possibly
            };
            for what in event.what.iter().filter(|what| what.role == Role::Output) {
                let origin = (Way::MadeFrom, from, id);
                self.pass(origin, &what.identity, certainty, Some(event.event_time));
            }
        }
    }

    /// From a lot to those of its items that are things of the trunk already, and from its lots to an item.
    fn follow_items(&mut self, identity: &Identity) {
        let items = match *identity {
            _ if self.part != Part::Trunk => return,
            Identity::LotOf { .. } => self.items.get(identity).cloned().unwrap_or_default(),
            Identity::Item { gtin, .. } => {
                for lot in self.graph.lots_of(identity) {
                    let items = self.items.entry(Identity::LotOf { gtin, lot });
                    items.or_default().insert(identity.clone());
                }
                Set::from_iter([identity.clone()])
            }
            _ => return,
        };
        for item in items {
            if !self.may_look(1 + self.graph.about(&item).len()) {
                return;
            }
            let things = &self.spread.things;
            let of_lots = Thing::of_lots(&item, self.graph, |lot| things.get(lot));
            for (certainty, reason) in of_lots.reasons() {
                self.add(&item, certainty, reason.clone());
            }
        }
    }

    /// From a container to what was in it since.
    fn follow_contents(
        &mut self,
        (container, ever_in): (&Identity, &[&'e Identity]),
        certainty: Certainty,
        since: Option<OffsetDateTime>,
    ) {
        if !is_instance(container) {
            return;
        }
        for child in ever_in.iter().copied() {
            let Some(stays) = self.stays(child) else {
                return;
            };
            let inside = stays.into_iter();
            let inside =
                inside.filter(|held| held.parent == container && is_goods(child, held.bond));
            for held in inside {
                let (from, by) = held.from;
                let until = held.until.map(|until| until.0);
                let stays = since.is_none_or(|since| until.is_none_or(|until| since <= until));
                if !stays {
                    continue;
                }
                // It was elsewhere by then; when it left, nobody said.
                let is_doubtful = held.is_end_inferred && since.is_some_and(|since| from < since);
                // Of a lot only some was inside.
                let is_part = !is_instance(child);
                let certainty = if is_doubtful || is_part {
                    Certainty::Possibly
                } else {
                    certainty
                };
                let since = since.map_or(from, |since| since.max(from));
                // Whether it was moved or ended elsewhere, its other events say.
                self.ask_for(child);
                self.pass(
                    (Way::InsideOf, container, by),
                    child,
                    certainty,
                    Some(since),
                );
            }
        }
    }

    /// To what was seen in a container without anybody having said that it was put there.
    fn follow_sights(
        &mut self,
        (container, ever_in): (&Identity, &[&'e Identity]),
        since: Option<OffsetDateTime>,
    ) {
        for child in ever_in.iter().copied() {
            let mentions = self.graph.about(child);
            if !self.may_look(1 + mentions.len()) {
                return;
            }
            let seen = mentions.iter().filter(|mention| {
                let is_here = mention.parent() == Some(container) && mention.turn == Turn::Seen;
                is_here && is_after(mention, since)
            });
            if let Some(seen) = seen.min_by_key(|mention| mention.moment()) {
                let (at, origin) = (seen.event.event_time, (Way::InsideOf, container, seen.id));
                self.pass(origin, child, Certainty::Possibly, Some(at));
            }
        }
    }

    /// What was ever put into a container, fastened to it, or seen there.
    fn ever_in(&mut self, container: &Identity) -> Option<Vec<&'e Identity>> {
        let graph = self.graph;
        let mut seen = Set::default();
        let mut ever_in = Vec::new();
        for mention in graph.about(container) {
            if mention.role != Role::Parent {
                continue;
            }
            if !self.may_look(mention.event.what.len()) {
                return None;
            }
            let children = mention.event.children().map(|what| &what.identity);
            ever_in.extend(children.filter(|child| seen.insert(*child)));
        }
        Some(ever_in)
    }

    /// What held an affected thing, and what held that: where it is, and what was made of all that it lay in.
    fn climb_from(
        &mut self,
        identity: &Identity,
        certainty: Certainty,
        since: Option<OffsetDateTime>,
    ) {
        let mut todo = vec![(identity.clone(), Window::since(since))];
        while let Some((thing, window)) = todo.pop() {
            let Some(stays) = self.stays(&thing) else {
                return;
            };
            for held in stays {
                let Some(cut) = window.cut(held.from, held.until) else {
                    continue;
                };
                let cut = cut.beside(Tie::Holder);
                self.hold(&held, &cut);
                let climbed = (held.parent.clone(), certainty);
                // A case holds a hundred tins from one moment to another: what follows from that, one tells for all.
                let known = self.climbed.get(&climbed);
                if known.is_some_and(|known| known.contains(&cut)) {
                    continue;
                }
                self.follow_uses_of_holder(held.parent, certainty, &cut);
                let known = self.climbed.entry(climbed).or_default();
                if known.iter().any(|known| known.covers(&cut)) {
                    continue;
                }
                known.push(cut);
                let asks = &mut self.spread.asks;
                asks.add(held.parent, Ask::of(held.parent, &cut));
                asks.add(held.parent, Ask::of_turns(held.from.0, &cut));
                todo.push((held.parent.clone(), cut));
            }
        }
    }

    /// What held a thing, or some of a lot, and when; `None` once the walk ends.
    fn stays(&mut self, thing: &Identity) -> Option<Vec<Membership<'e>>> {
        let graph = self.graph;
        let looks = graph.looks_of_stays(thing);
        self.may_look(looks).then(|| graph.stays(thing))
    }

    /// From what was inside something that was used up to what was made of it.
    fn follow_uses_of_holder(
        &mut self,
        holder: &'e Identity,
        certainty: Certainty,
        while_held: &Window,
    ) {
        let at = |mention: &&Mention<'_>| {
            let at = mention.event.event_time;
            while_held.from.is_none_or(|from| from.0 <= at)
                && while_held.until.is_none_or(|until| at <= until.0)
        };
        let uses = self.graph.about(holder).iter().filter(at);
        let uses: Vec<Mention<'e>> = uses
            .filter(|mention| mention.role == Role::Input)
            .copied()
            .collect();
        for used in uses {
            if !self.may_look(1) {
                return;
            }
            self.follow_transformation(holder, &used, certainty);
        }
    }

    fn hold(&mut self, held: &Membership<'_>, cut: &Window) {
        let (Some(from), until) = (cut.from, cut.until) else {
            return;
        };
        self.spread.holdings.insert(Holding {
            holder: held.parent.clone(),
            from: from.0,
            until: until.map(|until| until.0),
            is_end_inferred: held.is_end_inferred && held.until == until,
        });
    }

    /// Pays for looks; once they are used up, the walk ends where it is.
    fn may_look(&mut self, looks: usize) -> bool {
        self.spread.looks += looks;
        if self.spread.looks > MAX_LOOKS {
            self.spread.is_cut_off = true;
            self.queue.clear();
            return false;
        }
        true
    }
}

/// Whether what is in or on a container is goods, and no instrument of it.
pub(super) fn is_goods(child: &Identity, bond: Bond) -> bool {
    bond == Bond::Packed || !matches!(child, Identity::Giai(_))
}

fn is_after(mention: &Mention<'_>, since: Option<OffsetDateTime>) -> bool {
    since.is_none_or(|since| since <= mention.event.event_time)
}

impl Window {
    /// From a time on, as a thing of the walk.
    fn since(since: Option<OffsetDateTime>) -> Window {
        let first = StatementId {
            batch_id: uuid::Uuid::nil(),
            position: 0,
        };
        Window {
            from: since.map(|since| (since, first)),
            ..Window::always(Tie::Subject, Via::Item)
        }
    }
}
