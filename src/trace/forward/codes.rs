//! The items of affected lots by their codes alone: the statements that give items to lots say all of it, but for
//! the few items that may lead on to something, or are of several lots.

use std::collections::HashSet;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::MAX_ROUNDS;
use super::reader::read_event;
use super::thing::Thing;
use super::walk::MAX_THINGS;
use crate::domain::event_key::event_key;
use crate::domain::forward::Reached;
use crate::domain::gs1::{Gtin, Identity};
use crate::domain::statement::{Role, StatementId};
use crate::domain::time::{FIRST, indexed};
use crate::store::members::uses_of_things;
use crate::store::walk::{Rows, statements_with_keys};
use crate::trace::ask::{Ask, Asks};
use crate::trace::found::{Found, Loaded, Room, Walked};
use crate::trace::graph::Graph;
use crate::trace::line::Line;
use crate::trace::maps::{Map, Set};
use crate::trace::{KnownAt, TraceError};

/// Content of statements by which things went into processes that is read: where there is more, each item is looked at.
const USES_BYTES: i64 = 64 << 20;

/// Items whose lots are remembered: some hundred megabytes; of those beyond, each is looked at.
const MAX_CODES: usize = 8_000_000;

/// Which items may lead on to something: they, or what they were in, went into a process, or they held something.
#[derive(Debug, Clone, Default)]
pub struct Leading {
    /// The products of which it is known; an item of any other may.
    pub kinds: HashSet<Gtin>,
    /// The items that may, and whatever else went into processes.
    pub things: HashSet<Identity>,
}

/// What of a trace is told by codes alone.
#[derive(Debug)]
pub(super) struct Codes {
    /// See [`Leading`].
    kinds: Set<Gtin>,
    /// Those, and the items that turned out to be of several lots.
    things: Set<Identity>,
    /// Since when something was wrong, where it was asked what leads on.
    asked_since: Option<Option<OffsetDateTime>>,
    /// The lots, numbered.
    numbers: Map<Identity, u32>,
    /// The number of the lot with which an item was told, by the item's hash: who has the hash of another is looked
    /// at more closely, and no more.
    lots: Map<u64, u32>,
    hashes: RandomState,
}

/// The same of one lot.
pub(super) struct CodesOfLot<'c> {
    codes: &'c mut Codes,
    number: u32,
}

/// What a statement gives to a lot.
#[derive(Debug)]
pub(super) struct Named {
    pub lot: Identity,
    pub by: StatementId,
    pub at: OffsetDateTime,
    pub event_id: Option<String>,
    pub items: Vec<Identity>,
}

impl Codes {
    pub fn new() -> Codes {
        Codes {
            kinds: Set::default(),
            things: Set::default(),
            asked_since: None,
            numbers: Map::default(),
            lots: Map::default(),
            hashes: RandomState::default(),
        }
    }

    /// Adds what is known of more products, of all that happened since a time.
    pub fn learn(&mut self, more: Leading, since: Option<OffsetDateTime>) {
        self.kinds.extend(more.kinds);
        self.things.extend(more.things);
        self.asked_since = Some(since);
    }

    /// Forgets what is known, where what is wrong is older than it was by then.
    pub fn forget_later(&mut self, since: Option<OffsetDateTime>) {
        if self.asked_since.is_some_and(|asked| since < asked) {
            self.kinds.clear();
        }
    }

    /// Whether it is known of a product which of its items may lead on.
    pub fn knows(&self, kind: &Gtin) -> bool {
        self.kinds.contains(kind)
    }

    /// The codes of a lot; `None` where all of its items are looked at.
    pub fn of_lot(&mut self, lot: &Identity) -> Option<CodesOfLot<'_>> {
        let is_known = lot.gtin().is_some_and(|kind| self.knows(&kind));
        is_known.then(|| {
            let next = self.numbers.len() as u32;
            let number = *self.numbers.entry(lot.clone()).or_insert(next);
            CodesOfLot {
                codes: self,
                number,
            }
        })
    }
}

impl CodesOfLot<'_> {
    /// Whether an item that is named as one of the lot is told by its code alone. One of several lots never is again.
    pub fn takes(&mut self, item: &Identity) -> bool {
        let codes = &mut *self.codes;
        if codes.things.contains(item) {
            return false;
        }
        let hash = codes.hashes.hash_one(item);
        let is_full = codes.lots.len() >= MAX_CODES;
        let known = match codes.lots.get(&hash) {
            Some(known) => *known,
            None if is_full => return false,
            None => *codes.lots.entry(hash).or_insert(self.number),
        };
        if known != self.number {
            codes.things.insert(item.clone());
        }
        known == self.number
    }
}

impl Named {
    /// Tells of the items, as far as they were not told so before.
    pub fn tell(self, of_lot: &Thing, told_before: Option<&Thing>) -> Vec<Reached> {
        let as_item = |of_lot: &Thing| {
            let mut thing = Thing::default();
            thing.take_as_item((&self.lot, of_lot), (self.by, self.at));
            thing
        };
        let (thing, before) = (as_item(of_lot), told_before.map(as_item));
        let before = before.unwrap_or_default();
        let Some((certainty, reason)) = thing.best().filter(|best| before.best() != Some(*best))
        else {
            return Vec::new();
        };
        let told = self.items.into_iter().map(|identity| Reached {
            identity,
            certainty,
            since: reason.since,
            origin: reason.origin.clone(),
            fate: None,
            seen: None,
        });
        told.collect()
    }
}

/// The IDs of those events that were declared errors.
pub async fn declared_errors(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    known_at: KnownAt,
    event_ids: HashSet<&str>,
) -> Result<HashSet<String>, TraceError> {
    let keys: Vec<_> = event_ids.iter().map(|id| event_key(id, true)).collect();
    let mut declared = HashSet::new();
    let room = Room::FORWARD.content_bytes as i64;
    for stored in statements_with_keys(conn, merchant_id, &keys, known_at.0, room).await? {
        let event = Loaded::read(stored)?.event;
        let event = event.filter(|event| event.is_error_declaration());
        declared.extend(event.and_then(|event| event.event_id));
    }
    Ok(declared)
}

/// Things that went into processes since a time, and what was ever in them; `None` if they did so by more than `most`
/// events, or it is more than a trace may hold. The transaction must act for the merchant.
pub async fn used_since(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    since: Option<OffsetDateTime>,
    known_at: KnownAt,
    most: usize,
) -> Result<Option<HashSet<Identity>>, TraceError> {
    let since = since.map_or(FIRST, indexed);
    let rows = Rows {
        limit: most as i64 + 1,
        content_bytes: USES_BYTES,
    };
    let uses = uses_of_things(conn, merchant_id, since, known_at.0, rows).await?;
    let bytes: usize = uses.iter().map(|(_, content)| content.len()).sum();
    if uses.len() > most || bytes as i64 > USES_BYTES {
        return Ok(None);
    }
    let mut used = HashSet::new();
    for (id, content) in &uses {
        let event = read_event(*id, content)?.into_iter();
        let what = event.flat_map(|event| event.what);
        let inputs = what.filter(|what| what.role == Role::Input);
        used.extend(inputs.map(|what| what.identity));
    }
    let mut found = Found::known_at(known_at, Room::FORWARD);
    let walk = |found: &Found| Inside::of(&used, &Graph::of(found.events()));
    let line = Line::of(conn);
    let inside = found.settle(&line, merchant_id, MAX_ROUNDS, walk).await?;
    used.extend(inside.things);
    Ok((!found.truncated).then_some(used))
}

#[derive(Default)]
struct Inside {
    things: HashSet<Identity>,
    asks: Asks,
    is_cut_off: bool,
}

impl Inside {
    fn of(holders: &HashSet<Identity>, graph: &Graph<'_>) -> Inside {
        let mut inside = Inside::default();
        let mut todo: Vec<&Identity> = holders.iter().collect();
        while let Some(holder) = todo.pop() {
            if inside.things.len() + todo.len() > MAX_THINGS {
                inside.is_cut_off = true;
                break;
            }
            let ask = Ask::of_affected(holder);
            inside.asks.add(holder, ask);
            let mentions = graph.about(holder).iter();
            let holding = mentions.filter(|mention| mention.role == Role::Parent);
            for what in holding.flat_map(|mention| mention.event.children()) {
                let child = &what.identity;
                if !holders.contains(child) && inside.things.insert(child.clone()) {
                    todo.push(child);
                }
            }
        }
        inside
    }
}

impl Walked for Inside {
    fn asks(&self) -> impl Iterator<Item = (&Identity, Ask)> {
        self.asks.each()
    }

    fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }
}
