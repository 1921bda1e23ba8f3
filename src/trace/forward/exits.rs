//! What items of affected lots led to, such as what was made of them: the trunk is walked again with it.

use super::thing::{Reason, Taken, Thing};
use super::walk::MAX_THINGS;
use crate::domain::forward::Certainty;
use crate::domain::gs1::Identity;
use crate::trace::graph::Graph;
use crate::trace::maps::Map;

/// What they led to, of all that were walked.
#[derive(Default)]
pub(super) struct Exits {
    things: Map<Identity, Thing>,
    has_new: bool,
    is_full: bool,
}

impl Exits {
    /// Keeps what some led to, as far as the trunk does not know it as well, nor the lot of an item tells it.
    pub fn keep(
        &mut self,
        exits: Map<Identity, Thing>,
        trunk: &Map<Identity, Thing>,
        graph: &Graph<'_>,
    ) {
        for (identity, thing) in exits {
            let mut known = trunk.get(&identity).cloned().unwrap_or_default();
            let of_lots = Thing::of_lots(&identity, graph, |lot| trunk.get(lot));
            for (certainty, reason) in of_lots.reasons() {
                known.take(certainty, reason.clone());
            }
            for (certainty, reason) in thing.reasons() {
                if known.knows(certainty, reason) {
                    continue;
                }
                if self.things.len() >= MAX_THINGS && !self.things.contains_key(&identity) {
                    self.is_full = true;
                    return;
                }
                let exit = self.things.entry(identity.clone()).or_default();
                self.has_new |= exit.take(certainty, reason.clone()) != Taken::Known;
            }
        }
    }

    /// Each, for every reason that there is.
    pub fn reasons(&self) -> impl Iterator<Item = (&Identity, Certainty, &Reason)> {
        self.things.iter().flat_map(|(identity, thing)| {
            let reasons = thing.reasons();
            reasons.map(move |(certainty, reason)| (identity, certainty, reason))
        })
    }

    /// Whether there is something that the trunk was not walked with.
    pub fn has_new(&self) -> bool {
        self.has_new
    }

    /// The trunk is walked with all there is.
    pub fn settle(&mut self) {
        self.has_new = false;
    }

    /// Whether there was more than there is room for.
    pub fn is_full(&self) -> bool {
        self.is_full
    }
}
