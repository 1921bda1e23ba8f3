//! The items of affected lots, as far as they are more than codes: where each is, and what it led to. Two parts of them
//! are walked side by side, so that the database works for one while the service works for the other.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::MAX_ROUNDS;
use super::exits::Exits;
use super::issued::{Issued, ItemOf};
use super::tell::{Teller, Ways};
use super::thing::Thing;
use super::walk::Spread;
use crate::domain::forward::Reached;
use crate::domain::gs1::Identity;
use crate::trace::found::{Found, Room};
use crate::trace::graph::Graph;
use crate::trace::line::Line;
use crate::trace::maps::Map;
use crate::trace::{KnownAt, TraceError};

/// What is known of affected lots by the time that their items are walked, and what is kept of all of them.
pub(super) struct Lots<'t> {
    pub merchant_id: Uuid,
    pub known_at: KnownAt,
    /// What the trunk makes of them.
    pub things: &'t Map<Identity, Thing>,
    /// Those whose items were told, and as what.
    pub expanded: &'t Map<Identity, Thing>,
    /// Those whose items are told now.
    pub expanding: &'t BTreeSet<Identity>,
    /// The codes that were issued for lots.
    pub issued: &'t Issued,
    /// Whether an item is told with each of its lots: where it was told by its code with another, it is told again.
    pub tells_with_each: bool,
    /// What the items led to.
    pub exits: RefCell<&'t mut Exits>,
    /// What held the items, and who passed them on.
    pub ways: RefCell<&'t mut Ways>,
    /// Whether there were more ways than are kept.
    pub are_ways_cut: Cell<bool>,
    /// Whether what is said of a single item is more than a trace may hold: then no other part would tell all either.
    pub is_too_much: Cell<bool>,
}

impl Lots<'_> {
    /// Walks items; side by side where there are so many.
    pub async fn walk(
        &self,
        conn: &mut PgConnection,
        items: &[ItemOf],
        beside: usize,
    ) -> Result<Vec<Reached>, TraceError> {
        if items.len() < beside {
            return self.walk_part(&Line::of(conn), items, Room::FORWARD).await;
        }
        let line = Line::shared(conn);
        let room = Room::FORWARD.half();
        let (first, second) = items.split_at(items.len().div_ceil(2));
        // Always polled in this order: so whichever is answered first, the other asks before it walks on.
        let (mut told, more) = tokio::try_join!(
            biased;
            self.walk_part(&line, first, room),
            self.walk_part(&line, second, room)
        )?;
        told.extend(more);
        Ok(told)
    }

    /// Walks some; fewer at a time where there is not room for what is said of them.
    async fn walk_part(
        &self,
        line: &Line<'_>,
        part: &[ItemOf],
        room: Room,
    ) -> Result<Vec<Reached>, TraceError> {
        let mut told = Vec::new();
        let mut todo = vec![part];
        while let Some(part) = todo.pop()
            && !self.is_too_much.get()
        {
            let room = if part.len() == 1 { Room::FORWARD } else { room };
            let mut found = Found::known_at(self.known_at, room);
            let walk = |found: &Found| {
                Spread::items(part, (self.things, self.issued), &Graph::of(found.events()))
            };
            let settled = found.settle(line, self.merchant_id, MAX_ROUNDS, walk);
            let spread = settled.await?;
            if !found.truncated {
                self.tell(part, &found, spread, &mut told);
            } else if part.len() > 1 {
                let (first, second) = part.split_at(part.len() / 2);
                todo.extend([second, first]);
            } else {
                self.is_too_much.set(true);
            }
        }
        Ok(told)
    }

    fn tell(&self, part: &[ItemOf], found: &Found, spread: Spread, told: &mut Vec<Reached>) {
        let graph = Graph::of(found.events());
        let mut teller = Teller::over(&graph);
        for of in part {
            if let Some(thing) = spread.things.get(&of.item)
                && self.is_told(of, thing, &graph)
            {
                told.extend(teller.reached(&of.item, thing));
            }
        }
        if self.ways.borrow_mut().keep(&graph, &spread) {
            self.are_ways_cut.set(true);
        }
        let mut exits = self.exits.borrow_mut();
        exits.keep(spread.exits, self.things, &graph);
    }

    /// Whether it was not told, or not as that.
    fn is_told(&self, of: &ItemOf, thing: &Thing, graph: &Graph<'_>) -> bool {
        let before = of.thing(graph, self.issued, |lot| self.expanded.get(lot));
        if before.best() == thing.best() {
            return false;
        }
        if of.is_by_event(graph) {
            return self.tells_with_each || self.is_first_lot(of, graph);
        }
        // It is told once, with the codes of the lot that it was issued for.
        let issued_for = self.issued.issued_for(&of.item);
        if of.is_named
            && issued_for.is_some_and(|lot| *lot != of.of && self.expanding.contains(lot))
        {
            return false;
        }
        // What led to it by itself, the trunk has told.
        let known = self.things.get(&of.item).and_then(Thing::best);
        known.is_none_or(|known| thing.best().is_some_and(|best| best < known))
    }

    /// An item that has several lots is told with the first of those that are told now.
    fn is_first_lot(&self, of: &ItemOf, graph: &Graph<'_>) -> bool {
        let lots = graph.lots_of(&of.item).into_iter();
        let gtin = of.item.gtin();
        let lots = lots.filter_map(|lot| Some(Identity::LotOf { gtin: gtin?, lot }));
        let first = lots.filter(|lot| self.expanding.contains(lot)).min();
        first.as_ref() == Some(&of.of)
    }
}

/// As what an item was told with its lots, if it was.
pub(super) fn as_told(
    item: &Identity,
    graph: &Graph<'_>,
    expanded: &Map<Identity, Thing>,
) -> Thing {
    Thing::of_lots(item, graph, |lot| expanded.get(lot))
}
