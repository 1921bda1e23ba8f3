//! A forward trace of any size, a part at a time: first the trunk, which is all but the items of affected lots, then
//! these items, some thousands at a time, with what held them. Whatever items lead to, such as what was made of them,
//! goes back to the trunk, until nothing new is found. So a recall of a million items needs no more memory than one of
//! a thousand, but for what held them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet, VecDeque};

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::MAX_ROUNDS;
use super::codes::{Codes, Leading, Named, declared_errors};
use super::exits::Exits;
use super::issued::{Issued, ItemOf, split_off_spoken_of};
use super::items::{Lots, as_told};
use super::pace::Pace;
use super::reader::{Reader, Told, items_of, meanwhile, read_page};
use super::tell::{Teller, Ways};
use super::thing::{Reason, Thing};
use super::walk::Spread;
use crate::domain::code::CodeKey;
use crate::domain::forward::{Certainty, Holding, Names, Passage, Reached, Start};
use crate::domain::gs1::{Gtin, Identity};
use crate::domain::identity_key::identity_key;
use crate::domain::statement::Role;
use crate::domain::time::{FIRST, LAST, indexed};
use crate::domain::turn::Turn;
use crate::store::members::{Made, Naming, Wrong, count_items};
use crate::store::walk::keep_plans;
use crate::trace::describe;
use crate::trace::found::{Found, Name, Room};
use crate::trace::graph::Graph;
use crate::trace::line::Line;
use crate::trace::maps::{Map, Set};
use crate::trace::{KnownAt, TraceError};

/// How many times the trunk is walked: each time that items led on to something new.
const MAX_TRUNKS: usize = 64;
/// Names that are described together.
const NAMES: usize = 500;

/// A forward trace under way.
pub struct Trail {
    merchant_id: Uuid,
    known_at: KnownAt,
    pace: Pace,
    starts: Vec<Start>,
    /// What the trunk has loaded.
    found: Found,
    /// The things of the trunk, as it was walked last.
    things: Map<Identity, Thing>,
    trunks: usize,
    exits: Exits,
    /// Lots whose items were told, and as what.
    expanded: Map<Identity, Thing>,
    /// Lots whose items are told until the trunk is walked again.
    expanding: BTreeSet<Identity>,
    /// What was read of these and not worked off; and what was read since.
    page: VecDeque<Told>,
    ahead: Vec<(Identity, Naming)>,
    reader: Reader,
    /// The lot that is worked off, and the items that it had.
    lot: Option<Identity>,
    seen: Set<Identity>,
    /// Whether codes are told that no event names.
    tells_unused: bool,
    /// Codes that were issued for it, and told beside these.
    told_by_code: usize,
    /// The codes that were issued for these lots; each lot's are told once its items were.
    issued: Issued,
    ways: Ways,
    names: Names,
    described: HashSet<Name>,
    truncated: bool,
    /// Where items are told by their codes alone.
    codes: Option<Codes>,
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
    /// Codes that were issued for them; whoever makes them known as items makes no others.
    pub issued: u64,
}

/// What is worked off at a time.
#[derive(Default)]
struct Part {
    count: usize,
    /// Items that are looked at.
    items: Vec<ItemOf>,
    /// Items that are told by their codes alone.
    codes: Vec<Named>,
    /// Codes that were issued, and that nothing of their lot names.
    issued: Vec<Named>,
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

impl Trail {
    /// From what is wrong with `starts`.
    pub fn from(
        starts: &[Start],
        (merchant_id, codes): (Uuid, &CodeKey),
        known_at: KnownAt,
        pace: Pace,
    ) -> Trail {
        Trail {
            issued: Issued::by(codes.clone()),
            merchant_id,
            known_at,
            pace,
            starts: starts.to_vec(),
            found: Found::known_at(known_at, Room::FORWARD),
            things: Map::default(),
            trunks: 0,
            exits: Exits::default(),
            expanded: Map::default(),
            expanding: BTreeSet::new(),
            page: VecDeque::new(),
            ahead: Vec::new(),
            reader: Reader::of(std::iter::empty(), pace.namings),
            lot: None,
            seen: Set::default(),
            tells_unused: true,
            told_by_code: 0,
            ways: Ways::up_to(pace.ways),
            names: Names::default(),
            described: HashSet::new(),
            truncated: false,
            codes: None,
        }
    }

    /// The same, but of the items of lots it tells only that they are affected, and since when: neither where they are
    /// nor what became of them. Before each part it must learn of the products that it [asks for](Trail::unknown_kinds);
    /// of others it looks at each item.
    pub fn of_codes(
        starts: &[Start],
        of: (Uuid, &CodeKey),
        known_at: KnownAt,
        pace: Pace,
    ) -> Trail {
        Trail {
            codes: Some(Codes::new()),
            ..Trail::from(starts, of, known_at, pace)
        }
    }

    /// The same without codes that no event names: whoever may not order codes could print these.
    pub fn without_unused_codes(self) -> Trail {
        Trail {
            tells_unused: false,
            ..self
        }
    }

    /// The products of affected lots of which it is not known yet which of their items may lead on to something.
    pub fn unknown_kinds(&self) -> HashSet<Gtin> {
        let Some(codes) = &self.codes else {
            return HashSet::new();
        };
        let kinds = self.expanding.iter().filter_map(Identity::gtin);
        kinds.filter(|kind| !codes.knows(kind)).collect()
    }

    /// Since when something is wrong with the lots whose items are told; `None`: always.
    pub fn wrong_since(&self) -> Option<OffsetDateTime> {
        let lots = self.expanding.iter().filter_map(|lot| self.things.get(lot));
        let since = lots.flat_map(|thing| thing.since().into_iter().flatten());
        since.min().flatten()
    }

    /// Which items of some products may lead on since something is wrong.
    pub fn learn(&mut self, leading: Leading) {
        let since = self.wrong_since();
        if let Some(codes) = &mut self.codes {
            codes.learn(leading, since);
        }
    }

    /// The next things; `None` once all were told. A thing that is told again, since more is known of it by then, is
    /// what it was told to be last. The transaction must act for the merchant; each part may have its own.
    pub async fn next(
        &mut self,
        conn: &mut PgConnection,
    ) -> Result<Option<Vec<Reached>>, TraceError> {
        loop {
            let told = if !self.expanding.is_empty() || self.issued.next_of().is_some() {
                self.tell_items(conn).await?
            } else if self.trunks == 0 || (self.exits.has_new() && self.trunks < MAX_TRUNKS) {
                self.tell_trunk(conn).await?
            } else {
                self.truncated |= self.exits.has_new();
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
            issued: self.issued.count(),
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
        self.exits.settle();
        let starts = self.starts.iter().map(|start| {
            let (since, origin) = (start.since, None);
            (&start.identity, start.certainty, Reason { since, origin })
        });
        let exits = self.exits.reasons();
        let exits =
            exits.map(|(identity, certainty, reason)| (identity, certainty, reason.clone()));
        let starts: Vec<(&Identity, Certainty, Reason)> = starts.chain(exits).collect();
        let walk =
            |found: &Found| Spread::trunk(starts.iter().cloned(), &Graph::of(found.events()));
        let line = Line::of(conn);
        let settled = self.found.settle(&line, self.merchant_id, MAX_ROUNDS, walk);
        let spread = settled.await?;
        self.truncated |= self.found.truncated;
        let lots = spread.things.iter().filter(|(identity, thing)| {
            let known = self.expanded.get(*identity).map(Thing::since);
            matches!(identity, Identity::LotOf { .. }) && known != Some(thing.since())
        });
        self.expanding = lots.map(|(lot, _)| lot.clone()).collect();
        self.ask_for_codes(conn).await?;
        let graph = Graph::of(self.found.events());
        let mut teller = Teller::over(&graph);
        let mut told = Vec::new();
        for (identity, thing) in &spread.things {
            let before = self.things.get(identity).cloned();
            let before = before.unwrap_or_else(|| as_told(identity, &graph, &self.expanded));
            let issued = self
                .issued
                .thing(identity, &graph, |lot| spread.things.get(lot));
            let thing = thing.clone().with(&issued);
            if before.best() != thing.best() {
                told.extend(teller.reached(identity, &thing));
            }
        }
        told.sort_by(|a, b| (a.certainty, &a.identity).cmp(&(b.certainty, &b.identity)));
        self.truncated |= self.ways.keep(&graph, &spread);
        self.things = spread.things;
        self.reader = Reader::of(self.expanding.iter().cloned(), self.pace.namings);
        self.lot = None;
        let since = self.wrong_since();
        if let Some(codes) = &mut self.codes {
            codes.forget_later(since);
        }
        Ok(told)
    }

    /// Asks which codes were issued for the lots whose items are told; and first, for affected products, which were
    /// without a lot.
    async fn ask_for_codes(&mut self, conn: &mut PgConnection) -> Result<(), TraceError> {
        let mut of: Vec<Identity> = Vec::new();
        if self.trunks == 1 {
            let starts = self.starts.iter();
            let affected = starts.filter(|start| start.certainty == Certainty::Affected);
            let things = affected.map(|start| &start.identity);
            of.extend(
                things
                    .filter(|thing| matches!(thing, Identity::Class { .. }))
                    .cloned(),
            );
            of.sort();
        }
        of.extend(self.expanding.iter().cloned());
        let (merchant_id, known_at) = (self.merchant_id, self.known_at);
        let has_room = self.issued.ask(conn, merchant_id, known_at, &of).await?;
        self.truncated |= !has_room;
        Ok(())
    }

    /// Works off what was read of the lots, up to so many items, and tells of these. While it does, more is read.
    async fn tell_items(&mut self, conn: &mut PgConnection) -> Result<Vec<Reached>, TraceError> {
        let (merchant_id, known_at) = (self.merchant_id, self.known_at);
        if self.page.is_empty() {
            keep_plans(conn).await?;
            if self.ahead.is_empty() {
                self.ahead = self.reader.page(conn, merchant_id, known_at).await?;
            }
            let page = std::mem::take(&mut self.ahead);
            if page.is_empty() && self.issued.next_of().is_none() {
                self.end_lots();
                return Ok(Vec::new());
            }
            let ahead = self.reader.page(conn, merchant_id, known_at);
            let (ahead, read) = meanwhile(ahead, || read_page(page)).await;
            (self.ahead, self.page) = (ahead?, read?.into());
        }
        let Part {
            mut items,
            codes,
            issued,
            ..
        } = self.collect_some();
        let mut told = self.tell_codes(conn, codes, &mut items).await?;
        told.extend(self.tell_issued(conn, issued, &mut items).await?);
        for part in items.chunks(self.pace.items) {
            let lots = Lots {
                merchant_id,
                known_at,
                things: &self.things,
                expanded: &self.expanded,
                expanding: &self.expanding,
                issued: &self.issued,
                tells_with_each: self.codes.is_some(),
                exits: RefCell::new(&mut self.exits),
                ways: RefCell::new(&mut self.ways),
                are_ways_cut: Cell::new(false),
                is_too_much: Cell::new(false),
            };
            told.extend(lots.walk(conn, part, self.pace.beside).await?);
            let (are_ways_cut, is_too_much) = (lots.are_ways_cut.get(), lots.is_too_much.get());
            self.truncated |= are_ways_cut || self.exits.is_full();
            if is_too_much {
                self.give_up();
                break;
            }
        }
        Ok(told)
    }

    fn end_lots(&mut self) {
        for lot in std::mem::take(&mut self.expanding) {
            if let Some(thing) = self.things.get(&lot) {
                self.expanded.insert(lot, thing.clone());
            }
        }
    }

    /// The items of what was read, up to so many, and after those of each lot the codes that were issued for it.
    fn collect_some(&mut self) -> Part {
        let mut part = Part::default();
        while part.count < self.pace.items {
            let room = self.pace.items - part.count;
            if self.are_codes_due() {
                self.turn_to(self.issued.next_of().cloned());
                let told = self.seen.len() + self.told_by_code;
                // A product has as many as all of its lots.
                let left = match self.lot {
                    Some(Identity::LotOf { .. }) => self.pace.items_of_lot.saturating_sub(told),
                    _ => usize::MAX,
                };
                let most = room.min(left).max(1);
                if let Some((named, work)) = self.issued.take(&self.seen, most) {
                    part.count += work;
                    if named.items.len() > left {
                        self.truncated = true;
                        self.issued.skip(&named.lot);
                        continue;
                    }
                    self.told_by_code += named.items.len();
                    part.issued.push(named);
                }
                continue;
            }
            let Some(told) = self.page.pop_front() else {
                break;
            };
            self.turn_to(Some(told.lot.clone()));
            let before = part.items.len();
            if let Some(named) = self.collect(told, &mut part.items) {
                part.count += named.items.len();
                part.codes.push(named);
            }
            part.count += part.items.len() - before;
        }
        part
    }

    /// Whether all that gives items to the lot was read for which the next codes were issued.
    fn are_codes_due(&self) -> bool {
        let next = self.page.front().map(|told| &told.lot);
        self.issued.next_of().is_some_and(|of| match next {
            Some(lot) => of < lot,
            None => self.ahead.is_empty() && self.reader.is_done(),
        })
    }

    fn turn_to(&mut self, lot: Option<Identity>) {
        if self.lot != lot {
            self.seen.clear();
            self.told_by_code = 0;
            self.lot = lot;
        }
    }

    /// Adds the items that a statement gives to a lot, each with the lot; gives those that are told by their codes
    /// alone.
    fn collect(&mut self, told: Told, items: &mut Vec<ItemOf>) -> Option<Named> {
        let Told { lot, by, event } = told;
        let mut codes = self.codes.as_mut().and_then(|codes| codes.of_lot(&lot));
        let mut alone = Vec::new();
        for (item, is_by_ilmd) in items_of(&event, &lot) {
            if self.seen.len() >= self.pace.items_of_lot {
                self.truncated |= !self.seen.contains(item);
                continue;
            }
            if !self.seen.insert(item.clone()) || self.things.contains_key(item) {
                continue;
            }
            // Whose links alone name the lot, may be of another by what its maker said.
            let takes = codes.as_mut().is_some_and(|codes| codes.takes(item));
            if takes && is_by_ilmd {
                alone.push(item.clone());
            } else {
                items.push(ItemOf::named(item.clone(), &lot));
            }
        }
        (!alone.is_empty()).then_some(Named {
            lot,
            by,
            at: event.event_time,
            event_id: event.event_id,
            items: alone,
        })
    }

    /// Tells of items by their codes; those that an event named which was an error are left to be looked at.
    async fn tell_codes(
        &self,
        conn: &mut PgConnection,
        codes: Vec<Named>,
        items: &mut Vec<ItemOf>,
    ) -> Result<Vec<Reached>, TraceError> {
        let mut told = Vec::new();
        if codes.is_empty() {
            return Ok(told);
        }
        let event_ids = codes.iter().filter_map(|named| named.event_id.as_deref());
        let (merchant_id, known_at) = (self.merchant_id, self.known_at);
        let errors = declared_errors(conn, merchant_id, known_at, event_ids.collect()).await?;
        for named in codes {
            if named
                .event_id
                .as_ref()
                .is_some_and(|id| errors.contains(id))
            {
                let of_lot = named.items.into_iter();
                items.extend(of_lot.map(|item| ItemOf::named(item, &named.lot)));
            } else if let Some(of_lot) = self.things.get(&named.lot) {
                let before = self.expanded.get(&named.lot);
                told.extend(named.tell(of_lot, before));
            }
        }
        Ok(told)
    }

    /// Tells of codes that were issued and that no event names; the others are left to be looked at.
    async fn tell_issued(
        &self,
        conn: &mut PgConnection,
        mut issued: Vec<Named>,
        items: &mut Vec<ItemOf>,
    ) -> Result<Vec<Reached>, TraceError> {
        let (merchant_id, known_at) = (self.merchant_id, self.known_at);
        items.extend(split_off_spoken_of(conn, merchant_id, known_at, &mut issued).await?);
        let mut told = Vec::new();
        let issued = issued.into_iter().filter(|_| self.tells_unused);
        for mut silent in issued {
            silent.items.retain(|item| !self.things.contains_key(item));
            let before = self.expanded.get(&silent.lot);
            if let Some(of_lot) = self.things.get(&silent.lot) {
                told.extend(silent.tell(of_lot, before));
            }
        }
        Ok(told)
    }

    /// Ends here, with more to be found.
    fn give_up(&mut self) {
        self.issued.clear();
        self.truncated = true;
        self.expanding.clear();
        self.page.clear();
        self.ahead.clear();
        self.trunks = MAX_TRUNKS;
    }

    /// Asks what is called what, of things that are told.
    async fn describe(
        &mut self,
        conn: &mut PgConnection,
        told: &[Reached],
    ) -> Result<(), TraceError> {
        let mut gtins: Vec<Gtin> = told
            .iter()
            .filter_map(|told| told.identity.gtin())
            .collect();
        gtins.dedup();
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
