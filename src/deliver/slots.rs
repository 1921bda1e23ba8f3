//! How many deliveries are under way, and whose: one target that is slow or dead must not keep others from
//! what is theirs.

use std::collections::HashMap;

use uuid::Uuid;

/// Deliveries under way at a time to targets that took the last one.
const HEALTHY: usize = 16;
/// The same to targets that did not: these wait for each other and for nobody else.
const FAILING: usize = 8;
/// The same of one merchant, of either kind.
const OF_ONE_MERCHANT: usize = 4;

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// By subscription.
    busy: HashMap<Uuid, Held>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    merchant_id: Uuid,
    is_failing: bool,
}

impl Slots {
    /// Takes a slot; false if none is free for this.
    pub fn take(&mut self, merchant_id: Uuid, id: Uuid, is_failing: bool) -> bool {
        let is_free = self.has_room(is_failing)
            && self.of_merchant(merchant_id, is_failing) < OF_ONE_MERCHANT
            && !self.busy.contains_key(&id);
        if is_free {
            let held = Held {
                merchant_id,
                is_failing,
            };
            self.busy.insert(id, held);
        }
        is_free
    }

    /// Gives a slot back.
    pub fn release(&mut self, id: Uuid) {
        self.busy.remove(&id);
    }

    /// Whether any slot of a kind is free.
    pub fn has_room(&self, is_failing: bool) -> bool {
        let most = if is_failing { FAILING } else { HEALTHY };
        let held = self.busy.values();
        held.filter(|held| held.is_failing == is_failing).count() < most
    }

    /// Subscriptions with a slot.
    pub fn busy(&self) -> Vec<Uuid> {
        self.busy.keys().copied().collect()
    }

    /// Merchants that have as many slots of a kind as one may have.
    pub fn full(&self, is_failing: bool) -> Vec<Uuid> {
        let mut merchants: Vec<Uuid> = self.busy.values().map(|held| held.merchant_id).collect();
        merchants.sort_unstable();
        merchants.dedup();
        merchants.retain(|id| self.of_merchant(*id, is_failing) >= OF_ONE_MERCHANT);
        merchants
    }

    fn of_merchant(&self, merchant_id: Uuid, is_failing: bool) -> usize {
        let held = self.busy.values();
        held.filter(|held| held.merchant_id == merchant_id && held.is_failing == is_failing)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn those_that_fail_take_no_place_of_those_that_do_not() {
        let mut slots = Slots::default();
        let mut taken = 0;
        for n in 0..100 {
            taken += usize::from(slots.take(id(n), id(1_000 + n), true));
        }
        assert_eq!((taken, slots.has_room(true)), (FAILING, false));
        assert!(slots.has_room(false));
        assert!(slots.take(id(0), id(2_000), false));
        slots.release(id(1_000));
        assert!(slots.has_room(true));
    }

    #[test]
    fn no_merchant_takes_every_place() {
        let mut slots = Slots::default();
        let merchant = id(1);
        let taken = (0..100).filter(|n| slots.take(merchant, id(100 + n), false));
        assert_eq!(taken.count(), OF_ONE_MERCHANT);
        assert_eq!(slots.full(false), [merchant]);
        assert!(slots.full(true).is_empty());
        assert!(slots.take(id(2), id(7), false));
        assert!(slots.has_room(false));
    }

    #[test]
    fn no_subscription_has_two_deliveries_under_way() {
        let mut slots = Slots::default();
        assert!(slots.take(id(1), id(7), false));
        assert!(!slots.take(id(1), id(7), false));
        assert!(!slots.take(id(1), id(7), true));
        assert_eq!(slots.busy(), [id(7)]);
        slots.release(id(7));
        assert!(slots.take(id(1), id(7), true));
    }
}
