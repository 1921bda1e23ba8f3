//! The items of affected lots, as far as they are more than codes: where each is, and what it led to. Two parts of them
//! are walked side by side, so that the database works for one while the service works for the other.

use std::cell::RefCell;
use std::collections::BTreeSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::MAX_ROUNDS;
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

/// What is known of affected lots by the time that their items are walked.
pub(super) struct Lots<'t> {
    pub merchant_id: Uuid,
    pub known_at: KnownAt,
    /// What the trunk makes of them.
    pub things: &'t Map<Identity, Thing>,
    /// Those whose items were told, and as what.
    pub expanded: &'t Map<Identity, Thing>,
    /// Those whose items are told now.
    pub expanding: &'t BTreeSet<Identity>,
    /// Whether an item is told with each of its lots: where it was told by its code with another, it is told again.
    pub tells_with_each: bool,
    /// What held the items, and who passed them on.
    pub ways: RefCell<&'t mut Ways>,
}

/// What is told of some items.
#[derive(Default)]
pub(super) struct Told {
    pub things: Vec<Reached>,
    /// What they led to.
    pub exits: Vec<Exit>,
    /// Whether what is said of a single item is more than a trace may hold: then no other part would tell all either.
    pub is_too_much: bool,
    /// Whether there were more ways than are kept.
    pub are_ways_cut: bool,
}

/// What an item led to.
pub(super) struct Exit {
    pub identity: Identity,
    pub thing: Thing,
    /// What its own lots make of it, if it is an item.
    pub of_lots: Thing,
}

impl Lots<'_> {
    /// Walks items, each with its lot; side by side where there are so many.
    pub async fn walk(
        &self,
        conn: &mut PgConnection,
        items: &[(Identity, Identity)],
        beside: usize,
    ) -> Result<Told, TraceError> {
        if items.len() < beside {
            return self.walk_part(&Line::of(conn), items).await;
        }
        let line = Line::shared(conn);
        let (first, second) = items.split_at(items.len().div_ceil(2));
        let (first, second) =
            tokio::try_join!(self.walk_part(&line, first), self.walk_part(&line, second))?;
        Ok(first.with(second))
    }

    /// Walks some; fewer at a time where there is not room for what is said of them.
    async fn walk_part(
        &self,
        line: &Line<'_>,
        part: &[(Identity, Identity)],
    ) -> Result<Told, TraceError> {
        let mut told = Told::default();
        let mut todo = vec![part];
        while let Some(part) = todo.pop() {
            let items = part.iter().map(|(item, _)| item);
            let mut found = Found::known_at(self.known_at, Room::FORWARD);
            let walk = |found: &Found| {
                Spread::items(items.clone(), self.things, &Graph::of(found.events()))
            };
            let settled = found.settle(line, self.merchant_id, MAX_ROUNDS, walk);
            let spread = settled.await?;
            if found.truncated && part.len() > 1 {
                let (first, second) = part.split_at(part.len() / 2);
                todo.extend([second, first]);
                continue;
            }
            if found.truncated {
                told.is_too_much = true;
                break;
            }
            told = told.with(self.tell(part, &found, spread));
        }
        Ok(told)
    }

    fn tell(&self, part: &[(Identity, Identity)], found: &Found, spread: Spread) -> Told {
        let graph = Graph::of(found.events());
        let mut teller = Teller::over(&graph);
        let mut told = Told {
            are_ways_cut: self.ways.borrow_mut().keep(&graph, &spread),
            ..Told::default()
        };
        for (item, lot) in part {
            let before = || Thing::of_lots(item, &graph, |lot| self.expanded.get(lot));
            if let Some(thing) = spread.things.get(item)
                && self.is_told_with(item, lot, &graph)
                && before().best() != thing.best()
            {
                told.things.extend(teller.reached(item, thing));
            }
        }
        let exits = spread.exits.into_iter().map(|(identity, thing)| Exit {
            of_lots: Thing::of_lots(&identity, &graph, |lot| self.things.get(lot)),
            identity,
            thing,
        });
        told.exits = exits.collect();
        told
    }

    /// An item that has several lots is told with the first of those that are told now.
    fn is_told_with(&self, item: &Identity, lot: &Identity, graph: &Graph<'_>) -> bool {
        if self.tells_with_each {
            return true;
        }
        let lots = graph.lots_of(item).into_iter();
        let gtin = item.gtin();
        let lots = lots.filter_map(|lot| Some(Identity::LotOf { gtin: gtin?, lot }));
        let first = lots.filter(|lot| self.expanding.contains(lot)).min();
        first.as_ref() == Some(lot)
    }
}

impl Told {
    fn with(mut self, other: Told) -> Told {
        self.things.extend(other.things);
        self.exits.extend(other.exits);
        self.is_too_much |= other.is_too_much;
        self.are_ways_cut |= other.are_ways_cut;
        self
    }
}
