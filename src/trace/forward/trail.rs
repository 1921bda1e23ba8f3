//! A forward trace of any size, a part at a time: first the trunk, which is all but the items of affected lots, then
//! these items, some hundreds at a time, with what held them. Whatever items lead to, such as what was made of them,
//! goes back to the trunk, until nothing new is found. So a recall of a million items needs no more memory than one of
//! a thousand, but for what held them.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::MAX_ROUNDS;
use super::tell::{Teller, Ways};
use super::thing::{Reason, Taken, Thing};
use super::walk::{MAX_THINGS, Spread};
use crate::domain::epcis::Event;
use crate::domain::forward::{Certainty, Holding, Names, Passage, Reached, Start};
use crate::domain::gs1::Identity;
use crate::domain::identity_key::identity_key;
use crate::domain::statement::{Role, StatementId};
use crate::domain::time::{FIRST, LAST, indexed};
use crate::domain::turn::Turn;
use crate::store::members::{Lot, Made, Naming, Wrong, count_items, namings_after};
use crate::store::walk::{Rows, keep_plans};
use crate::trace::describe;
use crate::trace::found::{Found, Loaded, Name, Room};
use crate::trace::graph::Graph;
use crate::trace::{KnownAt, TraceError};

/// How many times the trunk is walked: each time that items led on to something new.
const MAX_TRUNKS: usize = 64;
/// Lots whose items are asked for together.
const LOTS: usize = 256;
/// Content that is read at a time: of the largest events some dozens.
const PAGE_BYTES: i64 = 16 << 20;
/// Names that are described together.
const NAMES: usize = 500;

/// How much is read at a time, and how much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Statements that give items to lots, at a time.
    pub namings: usize,
    /// Items, at a time.
    pub items: usize,
    /// Items of one lot that are told.
    pub items_of_lot: usize,
    /// Times in which something held affected things, and events by which they were passed on, that are kept for the
    /// end; none for whoever does not ask for them.
    pub ways: usize,
}

impl Pace {
    /// Of a service: some megabytes at a time, and some hundred at the most.
    pub const USUAL: Pace = Pace {
        namings: 512,
        items: 4_096,
        items_of_lot: 2_000_000,
        ways: 1_000_000,
    };
    /// The same, of the things alone.
    pub const THINGS: Pace = Pace {
        ways: 0,
        ..Pace::USUAL
    };
}

/// A forward trace under way.
pub struct Trail {
    merchant_id: Uuid,
    known_at: KnownAt,
    pace: Pace,
    starts: Vec<Start>,
    /// What the trunk has loaded.
    found: Found,
    /// The things of the trunk, as it was walked last.
    things: HashMap<Identity, Thing>,
    trunks: usize,
    /// What items led to, and whether the trunk was walked with it.
    exits: HashMap<Identity, Thing>,
    has_new_exits: bool,
    /// Lots whose items were told, and as what.
    expanded: HashMap<Identity, Thing>,
    /// Lots whose items are told until the trunk is walked again, and those of them that are left.
    expanding: BTreeSet<Identity>,
    left: VecDeque<Identity>,
    /// What was read of these and not worked off, each with its lot.
    page: VecDeque<(Identity, Naming)>,
    /// How far the first of them is read, and the items that it had.
    read_to: (OffsetDateTime, StatementId),
    seen: HashSet<Identity>,
    ways: Ways,
    names: Names,
    described: HashSet<Name>,
    truncated: bool,
}

/// How many items there are, as far as that is known before they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Lots that are affected, or may be.
    pub lots: usize,
    /// Items of theirs that are affected.
    pub affected: u64,
    /// Those that may be.
    pub possibly: u64,
}

/// What is known at the end.
#[derive(Debug)]
pub struct End {
    /// What held, or holds, affected things, without being affected itself.
    pub holders: Vec<Holding>,
    /// Who passed affected things on to whom.
    pub passages: Vec<Passage>,
    /// What they are called.
    pub names: Names,
    /// Whether there was more than a trace may hold.
    pub truncated: bool,
}

const BEFORE_ALL: (OffsetDateTime, StatementId) = (
    FIRST,
    StatementId {
        batch_id: Uuid::nil(),
        position: -1,
    },
);

impl Trail {
    /// From what is wrong with `starts`.
    pub fn from(starts: &[Start], merchant_id: Uuid, known_at: KnownAt, pace: Pace) -> Trail {
        Trail {
            merchant_id,
            known_at,
            pace,
            starts: starts.to_vec(),
            found: Found::known_at(known_at, Room::FORWARD),
            things: HashMap::new(),
            trunks: 0,
            exits: HashMap::new(),
            has_new_exits: false,
            expanded: HashMap::new(),
            expanding: BTreeSet::new(),
            left: VecDeque::new(),
            page: VecDeque::new(),
            read_to: BEFORE_ALL,
            seen: HashSet::new(),
            ways: Ways::up_to(pace.ways),
            names: Names::default(),
            described: HashSet::new(),
            truncated: false,
        }
    }

    /// The next things; `None` once all were told. A thing that is told again, since more is known of it by then, is
    /// what it was told to be last. The transaction must act for the merchant; each part may have its own.
    pub async fn next(
        &mut self,
        conn: &mut PgConnection,
    ) -> Result<Option<Vec<Reached>>, TraceError> {
        loop {
            let told = if !self.left.is_empty() {
                self.tell_items(conn).await?
            } else if self.trunks == 0 || (self.has_new_exits && self.trunks < MAX_TRUNKS) {
                self.tell_trunk(conn).await?
            } else {
                self.truncated |= self.has_new_exits;
                return Ok(None);
            };
            if !told.is_empty() {
                self.describe(conn, &told).await?;
                return Ok(Some(told));
            }
        }
    }

    /// How many items the lots have that are known to be affected by now, before any of them is read: as many as came
    /// into the world as theirs.
    pub async fn expected(&self, conn: &mut PgConnection) -> Result<Expected, TraceError> {
        keep_plans(conn).await?;
        let lots = self.things.iter();
        let lots = lots.filter(|(identity, _)| matches!(identity, Identity::LotOf { .. }));
        let lots: Vec<Wrong> = lots
            .map(|(lot, thing)| Wrong {
                key: identity_key(&lot.canonical()),
                // Of a lot that is doubtful itself, each item is.
                since: thing
                    .reason(Certainty::Affected)
                    .map_or(LAST, |reason| reason.since.map_or(FIRST, indexed)),
            })
            .collect();
        let made = count_items(conn, self.merchant_id, &lots, self.known_at.0).await?;
        let sum = |of: fn(&Made) -> i64| made.iter().map(of).sum::<i64>().max(0) as u64;
        Ok(Expected {
            lots: lots.len(),
            affected: sum(|made| made.since),
            possibly: sum(|made| made.before),
        })
    }

    /// Whether there was more than a trace may hold, as far as it was walked.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// What things and parties are called, of all that was told so far.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Ends it.
    pub async fn finish(mut self, conn: &mut PgConnection) -> Result<End, TraceError> {
        let ways = std::mem::replace(&mut self.ways, Ways::up_to(0));
        let holders = ways.holders();
        let passages = ways.into_passages();
        let parties = passages.iter();
        let parties = parties.flat_map(|passage| [&passage.from, &passage.to]);
        let wanted: HashSet<Name> = parties.map(describe::party_name).collect();
        self.look_up(conn, &wanted).await?;
        Ok(End {
            holders,
            passages,
            names: self.names,
            truncated: self.truncated,
        })
    }

    /// Walks the trunk, and tells what is new of it.
    async fn tell_trunk(&mut self, conn: &mut PgConnection) -> Result<Vec<Reached>, TraceError> {
        self.trunks += 1;
        self.has_new_exits = false;
        let starts = self.starts.iter().map(|start| {
            let (since, origin) = (start.since, None);
            (&start.identity, start.certainty, Reason { since, origin })
        });
        let exits = self.exits.iter().flat_map(|(identity, thing)| {
            let reasons = thing.reasons();
            reasons.map(move |(certainty, reason)| (identity, certainty, reason.clone()))
        });
        let starts: Vec<(&Identity, Certainty, Reason)> = starts.chain(exits).collect();
        let walk =
            |found: &Found| Spread::trunk(starts.iter().cloned(), &Graph::of(found.events()));
        let settled = self.found.settle(conn, self.merchant_id, MAX_ROUNDS, walk);
        let spread = settled.await?;
        self.truncated |= self.found.truncated;
        let graph = Graph::of(self.found.events());
        let mut teller = Teller::over(&graph);
        let mut told = Vec::new();
        for (identity, thing) in &spread.things {
            let before = self.things.get(identity).cloned();
            let before = before.unwrap_or_else(|| as_told(identity, &graph, &self.expanded));
            if before.best() != thing.best() {
                told.extend(teller.reached(identity, thing));
            }
        }
        told.sort_by(|a, b| (a.certainty, &a.identity).cmp(&(b.certainty, &b.identity)));
        self.truncated |= self.ways.keep(&graph, &spread);
        self.things = spread.things;
        let lots = self.things.iter().filter(|(identity, thing)| {
            let known = self.expanded.get(*identity).map(Thing::since);
            matches!(identity, Identity::LotOf { .. }) && known != Some(thing.since())
        });
        self.expanding = lots.map(|(lot, _)| lot.clone()).collect();
        self.left = self.expanding.iter().cloned().collect();
        self.start_lot();
        Ok(told)
    }

    fn start_lot(&mut self) {
        self.read_to = BEFORE_ALL;
        self.seen.clear();
    }

    fn end_lot(&mut self) -> Option<Identity> {
        self.start_lot();
        self.left.pop_front()
    }

    /// Works off what was read of the lots that are left, up to so many items, and tells of these.
    async fn tell_items(&mut self, conn: &mut PgConnection) -> Result<Vec<Reached>, TraceError> {
        let mut ended: Vec<Identity> = Vec::new();
        if self.page.is_empty() {
            ended = self.read_on(conn).await?;
        }
        let mut items: Vec<(Identity, Identity)> = Vec::new();
        while items.len() < self.pace.items
            && let Some((lot, naming)) = self.page.pop_front()
        {
            while self.left.front().is_some_and(|first| *first != lot) {
                ended.extend(self.end_lot());
            }
            self.read_to = (naming.event_time, naming.stored.id);
            self.collect(naming, &mut items)?;
        }
        let mut told = Vec::new();
        for part in items.chunks(self.pace.items) {
            self.tell_part(conn, part, &mut told).await?;
        }
        for lot in ended {
            if let Some(thing) = self.things.get(&lot) {
                self.expanded.insert(lot, thing.clone());
            }
        }
        Ok(told)
    }

    /// Reads what gives items to the next of the lots that are left. Those that ended: all that were asked for, where
    /// there is nothing more.
    async fn read_on(&mut self, conn: &mut PgConnection) -> Result<Vec<Identity>, TraceError> {
        keep_plans(conn).await?;
        let names: Vec<Identity> = self.left.iter().take(LOTS).cloned().collect();
        let lots = names.iter().enumerate().map(|(place, lot)| Lot {
            key: identity_key(&lot.canonical()),
            after: if place == 0 { self.read_to } else { BEFORE_ALL },
        });
        let lots: Vec<Lot> = lots.collect();
        let rows = Rows {
            limit: self.pace.namings as i64,
            content_bytes: PAGE_BYTES,
        };
        let until = self.known_at.0;
        let page = namings_after(conn, self.merchant_id, &lots, until, rows).await?;
        let page = page
            .into_iter()
            .map(|naming| (names[naming.lot].clone(), naming));
        self.page = page.collect();
        if !self.page.is_empty() {
            return Ok(Vec::new());
        }
        Ok(names.iter().filter_map(|_| self.end_lot()).collect())
    }

    /// Adds the items that a statement gives to the first lot that is left, each with the lot.
    fn collect(
        &mut self,
        naming: Naming,
        items: &mut Vec<(Identity, Identity)>,
    ) -> Result<(), TraceError> {
        let loaded = Loaded::read(naming.stored)?;
        let (Some(event), Some(lot)) = (&loaded.event, self.left.front()) else {
            return Ok(());
        };
        for item in items_of(event, lot) {
            if self.seen.contains(item) {
                continue;
            }
            if self.seen.len() >= self.pace.items_of_lot {
                self.truncated = true;
                break;
            }
            self.seen.insert(item.clone());
            if !self.things.contains_key(item) {
                items.push((item.clone(), lot.clone()));
            }
        }
        Ok(())
    }

    /// Tells of some items; of fewer at a time where there is not room for what is said of them.
    async fn tell_part(
        &mut self,
        conn: &mut PgConnection,
        part: &[(Identity, Identity)],
        told: &mut Vec<Reached>,
    ) -> Result<(), TraceError> {
        let mut todo = vec![part];
        while let Some(part) = todo.pop() {
            let items = part.iter().map(|(item, _)| item);
            let mut found = Found::known_at(self.known_at, Room::FORWARD);
            let things = &self.things;
            let walk =
                |found: &Found| Spread::items(items.clone(), things, &Graph::of(found.events()));
            let settled = found.settle(conn, self.merchant_id, MAX_ROUNDS, walk);
            let spread = settled.await?;
            if found.truncated && part.len() > 1 {
                let (first, second) = part.split_at(part.len() / 2);
                todo.extend([second, first]);
                continue;
            }
            if found.truncated {
                // What is said of a single item is more than a trace may hold: no other part would tell all either.
                self.give_up();
                return Ok(());
            }
            let graph = Graph::of(found.events());
            let mut teller = Teller::over(&graph);
            for (item, lot) in part {
                if let Some(thing) = spread.things.get(item)
                    && self.is_told_with(item, lot, &graph)
                    && as_told(item, &graph, &self.expanded).best() != thing.best()
                {
                    told.extend(teller.reached(item, thing));
                }
            }
            self.truncated |= self.ways.keep(&graph, &spread);
            self.leave(spread.exits, &graph);
        }
        Ok(())
    }

    /// An item that has several lots is told with the first of those that are told now.
    fn is_told_with(&self, item: &Identity, lot: &Identity, graph: &Graph<'_>) -> bool {
        let lots = graph.lots_of(item).into_iter();
        let gtin = item.gtin();
        let lots = lots.filter_map(|lot| Some(Identity::LotOf { gtin: gtin?, lot }));
        let first = lots.filter(|lot| self.expanding.contains(lot)).min();
        first.as_ref() == Some(lot)
    }

    /// Keeps what items led to, as far as the trunk does not know it as well, nor the lot of an item tells it.
    fn leave(&mut self, exits: HashMap<Identity, Thing>, graph: &Graph<'_>) {
        for (identity, thing) in exits {
            let mut known = self.things.get(&identity).cloned().unwrap_or_default();
            let of_lots = Thing::of_lots(&identity, graph, |lot| self.things.get(lot));
            for (certainty, reason) in of_lots.reasons() {
                known.take(certainty, reason.clone());
            }
            for (certainty, reason) in thing.reasons() {
                if known.knows(certainty, reason) {
                    continue;
                }
                let has_room = self.exits.len() < MAX_THINGS || self.exits.contains_key(&identity);
                if !has_room {
                    self.truncated = true;
                    return;
                }
                let exit = self.exits.entry(identity.clone()).or_default();
                self.has_new_exits |= exit.take(certainty, reason.clone()) != Taken::Known;
            }
        }
    }

    /// Ends here, with more to be found.
    fn give_up(&mut self) {
        self.truncated = true;
        self.left.clear();
        self.page.clear();
        self.trunks = MAX_TRUNKS;
    }

    /// Asks what is called what, of things that are told.
    async fn describe(
        &mut self,
        conn: &mut PgConnection,
        told: &[Reached],
    ) -> Result<(), TraceError> {
        let gtins: HashSet<_> = told
            .iter()
            .filter_map(|told| told.identity.gtin())
            .collect();
        let classes = gtins.into_iter().map(|gtin| {
            let class = Identity::Class { gtin }.canonical();
            (class, Role::Product, Turn::Seen)
        });
        let seen = told.iter().filter_map(|thing| thing.seen.as_ref());
        let seen = seen.flat_map(|seen| [&seen.place, &seen.party]).flatten();
        let parties: HashSet<&Identity> = seen.collect();
        let parties = parties.into_iter().map(describe::party_name);
        self.look_up(conn, &classes.chain(parties).collect()).await
    }

    /// Asks for the names that were not asked for before.
    async fn look_up(
        &mut self,
        conn: &mut PgConnection,
        wanted: &HashSet<Name>,
    ) -> Result<(), TraceError> {
        let new: Vec<Name> = wanted.difference(&self.described).cloned().collect();
        let (merchant_id, known_at) = (self.merchant_id, self.known_at);
        for names in new.chunks(NAMES) {
            let names = names.iter().cloned().collect();
            describe::describe(conn, merchant_id, known_at, &names, &mut self.names).await?;
        }
        self.described.extend(new);
        Ok(())
    }
}

/// As what an item was told with its lots, if it was.
fn as_told(item: &Identity, graph: &Graph<'_>, expanded: &HashMap<Identity, Thing>) -> Thing {
    Thing::of_lots(item, graph, |lot| expanded.get(lot))
}

/// The items that an event gives to a lot, whether by `ilmd` or in their links.
fn items_of<'e>(event: &'e Event, lot: &Identity) -> impl Iterator<Item = &'e Identity> {
    let number = match lot {
        Identity::LotOf { lot, .. } => Some(*lot),
        _ => None,
    };
    let gtin = lot.gtin();
    let by_ilmd = event.lot_number.as_deref();
    let is_by_ilmd = number.is_some_and(|number| by_ilmd == Some(number.as_str()));
    let items = event.what.iter().filter(move |what| {
        let is_item = matches!(what.identity, Identity::Item { .. });
        let is_made = matches!(what.role, Role::Epc | Role::Output);
        let is_named = (is_by_ilmd && is_made) || (what.lot.is_some() && what.lot == number);
        is_item && is_named && what.identity.gtin() == gtin
    });
    items.map(|what| &what.identity)
}
