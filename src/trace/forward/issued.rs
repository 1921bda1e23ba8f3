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
/// So many serials that are made and found to be told already are as much work as one that is told.
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
    /// Whether an event says so; else it was issued for it.
    pub is_named: bool,
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

    /// The order of an item, if it was issued for what was ever asked for.
    fn find(&self, thing: &Identity) -> Option<&Order> {
        let Identity::Item { gtin, serial } = *thing else {
            return None;
        };
        let of_product = self.orders.get(&gtin)?;
        let number = of_product.cipher.number(serial)?;
        let (first, order) = of_product.orders.range(..=number).next_back()?;
        let is_of_it = ((number - first) as usize) < order.left;
        is_of_it.then_some(order)
    }

    /// What an item was issued for, if it is one of what was ever asked for.
    pub fn issued_for(&self, item: &Identity) -> Option<&Identity> {
        self.find(item).map(|order| &order.of)
    }

    /// What the lot that an item was issued for makes of it, where no event gives it one.
    pub fn thing<'t>(
        &self,
        item: &Identity,
        graph: &Graph<'_>,
        things: impl Fn(&Identity) -> Option<&'t Thing>,
    ) -> Thing {
        let mut thing = Thing::default();
        if matches!(item, Identity::Item { .. })
            && graph.lots_of(item).is_empty()
            && let Some(order) = self.find(item)
            && let Some(of_lot) = things(&order.of)
        {
            thing.take_as_item((&order.of, of_lot), (order.by, order.at));
        }
        thing
    }

    /// Of what the next codes are.
    pub fn next_of(&self) -> Option<&Identity> {
        self.left.front().map(|order| &order.of)
    }

    /// The next codes, of one order, without those that were told; and how much work it was to make them, in items that
    /// are told: up to so many.
    pub fn take(&mut self, told: &Set<Identity>, most: usize) -> Option<(Named, usize)> {
        let order = self.left.front_mut()?;
        let gtin = order.gtin;
        let cipher = &self.orders.get(&gtin)?.cipher;
        let mut items = Vec::new();
        let mut made = 0;
        while order.left > 0 && items.len() < most && made < most * MADE_FOR_ONE {
            made += 1;
            let serial = cipher.serial(order.next);
            // The last number of all has no next.
            order.next = order.next.wrapping_add(1);
            order.left -= 1;
            let item = Identity::Item { gtin, serial };
            if !told.contains(&item) {
                items.push(item);
            }
        }
        let work = items.len().max(made.div_ceil(MADE_FOR_ONE));
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
        Some((named, work))
    }

    /// No more of a lot, whose turn it is.
    pub fn skip(&mut self, of: &Identity) {
        while self.next_of() == Some(of) {
            self.left.pop_front();
        }
    }

    /// No more.
    pub fn clear(&mut self) {
        self.left.clear();
    }
}

/// Leaves those items of which no event speaks, and gives the others.
pub(super) async fn split_off_spoken_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    known_at: KnownAt,
    issued: &mut [Named],
) -> Result<Vec<ItemOf>, TraceError> {
    let key = |item: &Identity| identity_key(&item.canonical());
    let items = issued.iter().flat_map(|named| &named.items);
    let keys: Vec<i64> = items.map(key).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let spoken = spoken_of(conn, merchant_id, &keys, known_at.0).await?;
    let mut keys = keys.into_iter();
    let mut split = Vec::new();
    for named in issued {
        let of = named.lot.clone();
        named.items.retain(|item| {
            let is_spoken_of = keys.next().is_some_and(|key| spoken.contains(&key));
            if is_spoken_of {
                split.push(ItemOf {
                    item: item.clone(),
                    of: of.clone(),
                    is_named: false,
                });
            }
            !is_spoken_of
        });
    }
    Ok(split)
}

impl ItemOf {
    /// One that an event gives to a lot.
    pub fn named(item: Identity, lot: &Identity) -> ItemOf {
        ItemOf {
            item,
            of: lot.clone(),
            is_named: true,
        }
    }

    /// What its lots make of it: those that events give it, or where none stands, the one that it was issued for.
    pub fn thing<'t>(
        &self,
        graph: &Graph<'_>,
        issued: &Issued,
        things: impl Fn(&Identity) -> Option<&'t Thing>,
    ) -> Thing {
        if self.is_by_event(graph) {
            // Else it is told by its naming.
            let is_told = self.is_named;
            let thing = is_told.then(|| Thing::of_lots(&self.item, graph, things));
            return thing.unwrap_or_default();
        }
        issued.thing(&self.item, graph, things)
    }

    /// Whether an event gives it a lot; what named it once, may have been retracted.
    pub fn is_by_event(&self, graph: &Graph<'_>) -> bool {
        !graph.lots_of(&self.item).is_empty()
    }
}
