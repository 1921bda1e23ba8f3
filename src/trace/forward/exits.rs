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
            let known = trunk.get(&identity).cloned().unwrap_or_default();
            let known = known.with(&Thing::of_lots(&identity, graph, |lot| trunk.get(lot)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn reason(hour: u8) -> Reason {
        let since = datetime!(2026-06-01 0:00 UTC).replace_hour(hour);
        Reason {
            since: Some(since.unwrap()),
            origin: None,
        }
    }

    fn exits(numbers: std::ops::Range<usize>, hour: u8) -> Map<Identity, Thing> {
        let exit = |number| {
            let identity = Identity::parse(&format!("urn:example:{number}")).unwrap();
            let mut thing = Thing::default();
            thing.take(Certainty::Affected, reason(hour));
            (identity, thing)
        };
        numbers.map(exit).collect()
    }

    fn keep(kept: &mut Exits, exits: Map<Identity, Thing>, trunk: &Map<Identity, Thing>) {
        kept.keep(exits, trunk, &Graph::of(std::iter::empty()));
    }

    #[test]
    fn what_a_thousand_items_led_to_is_kept_once_and_only_what_is_new_is_new() {
        let mut kept = Exits::default();
        let trunk = exits(0..1, 5);
        for _ in 0..1_000 {
            keep(&mut kept, exits(0..10, 5), &trunk);
        }
        // What the trunk knows as well is none.
        assert_eq!(kept.reasons().count(), 9);
        assert!(kept.has_new());
        kept.settle();
        keep(&mut kept, exits(0..10, 6), &trunk);
        assert!(!kept.has_new(), "from later on is nothing new");
        keep(&mut kept, exits(0..10, 4), &trunk);
        assert!(kept.has_new() && !kept.is_full());
        assert_eq!(kept.reasons().count(), 10);
    }

    #[test]
    fn there_is_room_for_so_many_and_what_was_left_out_is_said() {
        let mut kept = Exits::default();
        let none = Map::default();
        keep(&mut kept, exits(0..MAX_THINGS, 5), &none);
        // What is kept already may be known better; for one more there is no room.
        keep(&mut kept, exits(0..1, 4), &none);
        assert!(!kept.is_full());
        keep(&mut kept, exits(MAX_THINGS..MAX_THINGS + 1, 5), &none);
        assert!(kept.is_full());
        assert_eq!(kept.reasons().count(), MAX_THINGS);
    }
}
