//! Codes that were issued for affected lots. As long as no event gives such an item a lot, it is of the one that it was
//! issued for, and its page says so: a recall names it, whether or not anybody has said yet that it was packed.

use std::collections::{BTreeMap, VecDeque};

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::codes::Named;
use super::thing::Thing;
use crate::domain::code::{CodeKey, SerialCipher};
use crate::domain::gs1::{Gtin, Identity};
use crate::domain::identity_key::identity_key;
use crate::domain::statement::StatementId;
use crate::store::code_range::{IssuedRange, ranges_of};
use crate::store::members::spoken_of;
use crate::trace::graph::Graph;
use crate::trace::maps::{Map, Set};
use crate::trace::{KnownAt, TraceError};

/// Orders of codes that are looked up for one trace.
const MAX_ORDERS: usize = 100_000;
/// Serials that are made for each that is wanted, at the most, before others have their turn.
const MADE_FOR_ONE: usize = 8;

/// The codes that are left to be told.
pub(super) struct Issued {
    key: CodeKey,
    /// By what they were issued for, in the order in which items are told.
    left: VecDeque<Order>,
    /// All that were asked for, by product and first number.
    orders: Map<Gtin, OfProduct>,
}

/// All codes of a product that were asked for.
struct OfProduct {
    cipher: SerialCipher,
    orders: BTreeMap<u32, Order>,
}

/// Codes that were issued together, or what is left of them.
#[derive(Clone)]
struct Order {
    /// A lot, or a product.
    of: Identity,
    gtin: Gtin,
    by: StatementId,
    at: OffsetDateTime,
    /// The number of the next.
    next: u32,
    /// How many are left.
    left: usize,
}

/// An item of an affected lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ItemOf {
    pub item: Identity,
    /// Its lot; or its product, where the product is affected and the item has no lot.
    pub of: Identity,
    /// The issuance that says so and its time, where no event does.
    pub issued: Option<(StatementId, OffsetDateTime)>,
}

impl Issued {
    /// None yet.
    pub fn by(key: CodeKey) -> Issued {
        Issued {
            key,
            left: VecDeque::new(),
            orders: Map::default(),
        }
    }

    /// Asks for those of some lots, or of products without one, as far as they were issued by a time. They are told in
    /// this order. Whether there is room for all.
    pub async fn ask(
        &mut self,
        conn: &mut PgConnection,
        merchant_id: Uuid,
        known_at: KnownAt,
        of: &[Identity],
    ) -> Result<bool, TraceError> {
        let most = MAX_ORDERS + 1;
        let ranges = ranges_of(conn, merchant_id, of, known_at.0, most as i64).await?;
        let has_room = ranges.len() < most;
        self.left.clear();
        for range in ranges.into_iter().take(MAX_ORDERS) {
            let IssuedRange {
                place,
                first_number,
                quantity,
                id,
                recorded_at,
            } = range;
            let of = &of[place];
            let order = of.gtin().map(|gtin| Order {
                of: of.clone(),
                gtin,
                by: id,
                at: recorded_at,
                next: first_number,
                left: quantity as usize,
            });
            self.left.extend(order);
        }
        for order in &self.left {
            let of_product = self.orders.entry(order.gtin).or_insert_with(|| OfProduct {
                cipher: self.key.cipher(order.gtin),
                orders: BTreeMap::new(),
            });
            of_product.orders.insert(order.next, order.clone());
        }
        Ok(has_room)
    }

    /// How many codes were issued for all that was ever asked for.
    pub fn count(&self) -> u64 {
        let orders = self.orders.values().flat_map(|of| of.orders.values());
        orders.map(|order| order.left as u64).sum()
    }

    /// What a thing was issued for, if it is an item of what was ever asked for.
    pub fn find(&self, thing: &Identity) -> Option<ItemOf> {
        let Identity::Item { gtin, serial } = *thing else {
            return None;
        };
        let of_product = self.orders.get(&gtin)?;
        let number = of_product.cipher.number(serial)?;
        let (first, order) = of_product.orders.range(..=number).next_back()?;
        let is_of_it = ((number - first) as usize) < order.left;
        is_of_it.then(|| ItemOf {
            item: thing.clone(),
            of: order.of.clone(),
            issued: Some((order.by, order.at)),
        })
    }

    /// Of what the next codes are.
    pub fn next_of(&self) -> Option<&Identity> {
        self.left.front().map(|order| &order.of)
    }

    /// The next codes, of one order, up to so many; without those that were told. None may be left of them all.
    pub fn take(&mut self, told: &Set<Identity>, most: usize) -> Option<Named> {
        let order = self.left.front_mut()?;
        let gtin = order.gtin;
        let cipher = &self.orders.get(&gtin)?.cipher;
        let mut items = Vec::new();
        let made = order.left.min(most * MADE_FOR_ONE);
        for _ in 0..made {
            let serial = cipher.serial(order.next);
            // The last number of all has no next.
            order.next = order.next.wrapping_add(1);
            order.left -= 1;
            let item = Identity::Item { gtin, serial };
            if !told.contains(&item) {
                items.push(item);
            }
            if items.len() >= most {
                break;
            }
        }
        let named = Named {
            lot: order.of.clone(),
            by: order.by,
            at: order.at,
            event_id: None,
            items,
        };
        if order.left == 0 {
            self.left.pop_front();
        }
        Some(named)
    }

    /// No more.
    pub fn clear(&mut self) {
        self.left.clear();
    }
}

impl Named {
    /// Leaves those items of which no event speaks, and gives the others.
    pub async fn split_off_spoken_of(
        &mut self,
        conn: &mut PgConnection,
        merchant_id: Uuid,
        known_at: KnownAt,
    ) -> Result<Vec<ItemOf>, TraceError> {
        let key = |item: &Identity| identity_key(&item.canonical());
        let keys: Vec<i64> = self.items.iter().map(key).collect();
        let spoken = spoken_of(conn, merchant_id, &keys, known_at.0).await?;
        if spoken.is_empty() {
            return Ok(Vec::new());
        }
        let items = std::mem::take(&mut self.items).into_iter().zip(keys);
        let (spoken, silent): (Vec<_>, Vec<_>) = items.partition(|(_, key)| spoken.contains(key));
        self.items = silent.into_iter().map(|(item, _)| item).collect();
        let (of, issued) = (&self.lot, Some((self.by, self.at)));
        let spoken = spoken.into_iter().map(|(item, _)| ItemOf {
            item,
            of: of.clone(),
            issued,
        });
        Ok(spoken.collect())
    }
}

impl ItemOf {
    /// One that an event gives to a lot.
    pub fn named(item: Identity, lot: &Identity) -> ItemOf {
        ItemOf {
            item,
            of: lot.clone(),
            issued: None,
        }
    }

    /// What its lots make of it. The one that it was issued for counts where no event gives it another.
    pub fn thing<'t>(
        &self,
        graph: &Graph<'_>,
        things: impl Fn(&Identity) -> Option<&'t Thing>,
    ) -> Thing {
        let Some(issued) = self.issued else {
            return Thing::of_lots(&self.item, graph, things);
        };
        let mut thing = Thing::default();
        if graph.lots_of(&self.item).is_empty()
            && let Some(of_lot) = things(&self.of)
        {
            thing.take_as_item((&self.of, of_lot), issued);
        }
        thing
    }
}
