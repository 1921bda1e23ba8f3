//! What a walk has loaded, and how it loads more.

mod load;
mod lots;

use std::collections::{BTreeMap, HashMap, HashSet};

use auditlog::json::{self, Value};
use sqlx::PgConnection;
use uuid::Uuid;

use self::load::Load;
use super::ask::{Answered, Ask, Need};
use super::graph::{Bond, Graph};
use super::line::Line;
use super::{KnownAt, TraceError};
use crate::domain::epcis::{self, Event};
use crate::domain::event_key::event_key;
use crate::domain::gs1::Identity;
use crate::domain::identity_key::identity_key;
use crate::domain::link::MAX_LINKS_EVER;
use crate::domain::statement::{About, Kind, Role, StatementId, StoredStatement};
use crate::domain::story::{Described, StoryStatement, Withheld};
use crate::domain::time::indexed;
use crate::domain::turn::Turn;
use crate::store::walk::{
    self, Descriptions, Held, Period, Probe, Rows, around, descriptions_of, keep_plans,
    statements_in, statements_with_keys,
};

/// How much is loaded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Statements.
    pub statements: usize,
    /// Their content.
    pub content_bytes: usize,
    /// Whether their texts are kept, once they are read.
    pub keeps_texts: bool,
}

impl Room {
    /// Of one story. A tin has thirty statements and 30 KB of content; an event that lists 10,000 tins alone
    /// has 600 KB. A hostile graph stops here.
    pub const STORY: Room = Room {
        statements: 4_000,
        content_bytes: 32 << 20,
        keeps_texts: true,
    };
    /// Of one forward trace, where only what the events say is kept.
    pub const FORWARD: Room = Room {
        statements: 100_000,
        content_bytes: 256 << 20,
        keeps_texts: false,
    };

    /// Of each of two walks side by side.
    pub const fn half(self) -> Room {
        Room {
            statements: self.statements / 2,
            content_bytes: self.content_bytes / 2,
            ..self
        }
    }
}

/// How many times a holder was put somewhere, before it is asked for, are looked at: so many, and if these do
/// not tell where it was then, the next number. Of most holders there is one.
const TURNS_BACK: [i64; 4] = [2, 16, 128, 1_024];
/// Descriptions of one name, the latest; all of them are its history. Of links there are as many as may ever be
/// said, and withdrawn.
const MAX_DESCRIPTIONS: i64 = 2 * MAX_LINKS_EVER as i64;

/// Statements that were loaded, by where they are stored.
pub(super) struct Found {
    pub known_at: KnownAt,
    pub statements: BTreeMap<StatementId, Loaded>,
    pub truncated: bool,
    room: Room,
    answered: Answered,
    content_bytes: usize,
    /// The events of which it was asked whether they were declared errors.
    doubted: HashSet<StatementId>,
    /// The lots of which all was asked that made them or used them, and whether there was room for it.
    whole: HashMap<String, bool>,
}

/// A statement that was loaded and read.
pub(super) struct Loaded {
    pub stored: StoredStatement,
    pub kind: Kind,
    pub issuer: String,
    /// The key under which the issuer signed it, where it did.
    pub signer: Option<String>,
    pub about: Vec<About>,
    pub event: Option<Event>,
}

/// A walk over what was loaded.
pub(super) trait Walked {
    /// Which events it wants, of an identity or a transformation.
    fn asks(&self) -> impl Iterator<Item = (&Identity, Ask)>;

    /// Lots of which all is wanted that made them or used them, whether it belongs to the walk or not: the
    /// canonical names.
    fn lots(&self) -> impl Iterator<Item = String> {
        std::iter::empty()
    }

    /// Whether it ended at one of its limits, with more to be found.
    fn is_cut_off(&self) -> bool;
}

/// A name that is to be described, and as what.
pub(super) type Name = (String, Role, Turn);

impl Found {
    pub fn known_at(known_at: KnownAt, room: Room) -> Found {
        Found {
            known_at,
            room,
            statements: BTreeMap::new(),
            truncated: false,
            answered: Answered::default(),
            content_bytes: 0,
            doubted: HashSet::new(),
            whole: HashMap::new(),
        }
    }

    /// Walks, loads what the walk asks for, and walks again, until nothing is left to be asked, or so often.
    pub async fn settle<W: Walked>(
        &mut self,
        line: &Line<'_>,
        merchant_id: Uuid,
        rounds: usize,
        walk: impl Fn(&Found) -> W,
    ) -> Result<W, TraceError> {
        line.ask(async |conn| keep_plans(conn).await).await?;
        let mut walked = walk(self);
        for _ in 0..rounds {
            let new = self.unanswered(&walked);
            let is_cut_off = self.truncated || walked.is_cut_off();
            if new.is_empty() || is_cut_off {
                self.load_lots(line, merchant_id, &walked).await?;
                if !self.load_declarations(line, merchant_id).await? {
                    break;
                }
            } else {
                self.load(line, merchant_id, new).await?;
            }
            walked = walk(self);
            if is_cut_off {
                break;
            }
        }
        self.truncated |= walked.is_cut_off() || !self.unanswered(&walked).is_empty();
        Ok(walked)
    }

    /// What of a walk's asks is not answered yet.
    fn unanswered(&self, walked: &impl Walked) -> Vec<(Identity, Ask)> {
        let asks = walked.asks();
        asks.filter_map(|(thing, ask)| Some((thing.clone(), self.answered.left(thing, ask)?)))
            .collect()
    }

    /// Adds the events that are asked for.
    async fn load(
        &mut self,
        line: &Line<'_>,
        merchant_id: Uuid,
        asks: Vec<(Identity, Ask)>,
    ) -> Result<(), TraceError> {
        let mut loads: Vec<Load> = asks
            .into_iter()
            .map(|(thing, ask)| Load::of(thing, ask))
            .collect();
        let mut open: Vec<&mut Load> = loads.iter_mut().collect();
        for turns in TURNS_BACK {
            self.look_around(line, merchant_id, &mut open, turns)
                .await?;
            self.load_all(line, merchant_id, &open).await?;
            self.keep_unsettled(&mut open, turns);
            if open.is_empty() {
                break;
            }
        }
        self.truncated |= !open.is_empty();
        for load in loads {
            let turns = Ask {
                need: Need::Turns,
                since: load.turns_since(),
                until: load.ask.since,
            };
            if load.is_of_holder() {
                self.answered.add(load.thing.clone(), turns);
            }
            self.answered.add(load.thing, load.ask);
        }
        Ok(())
    }

    /// Adds the descriptions of names, the latest of each.
    pub async fn describe(
        &mut self,
        conn: &mut PgConnection,
        merchant_id: Uuid,
        names: &HashSet<Name>,
    ) -> Result<(), TraceError> {
        let wanted = names.iter();
        let wanted =
            wanted.filter_map(|(name, role, turn)| walk::Described::of(name, *role, *turn));
        let mut wanted: Vec<walk::Described> = wanted.collect();
        wanted.sort_unstable();
        let until = self.known_at.0;
        // The last come first: what there is no room for is the oldest history.
        let room = Descriptions {
            of_each: MAX_DESCRIPTIONS,
            rows: self.room.statements as i64 + 1,
            content_bytes: self.room.content_bytes as i64,
        };
        let rows = descriptions_of(conn, merchant_id, &wanted, until, room).await?;
        let named: HashSet<&str> = names.iter().map(|(name, ..)| name.as_str()).collect();
        self.keep(rows, |about| named.contains(about.identity.as_str()))?;
        let mut counts: HashMap<&str, i64> = HashMap::new();
        for about in self.statements.values().flat_map(|loaded| &loaded.about) {
            *counts.entry(about.identity.as_str()).or_default() += 1;
        }
        let is_full = |name: &&str| counts.get(name) >= Some(&MAX_DESCRIPTIONS);
        self.truncated |= named.iter().any(is_full);
        Ok(())
    }

    /// All that was loaded, in the order in which it was recorded: of descriptions the last one stands.
    pub fn in_order(&self) -> Vec<&Loaded> {
        let mut loaded: Vec<&Loaded> = self.statements.values().collect();
        loaded.sort_by_key(|loaded| (loaded.stored.recorded_at, loaded.stored.id));
        loaded
    }

    pub fn events(&self) -> impl Iterator<Item = (StatementId, &Event)> {
        self.statements
            .iter()
            .filter_map(|(id, loaded)| Some((*id, loaded.event.as_ref()?)))
    }

    /// Asks what lies around the times of holders.
    async fn look_around(
        &self,
        line: &Line<'_>,
        merchant_id: Uuid,
        loads: &mut [&mut Load],
        turns: i64,
    ) -> Result<(), TraceError> {
        let mut holders: Vec<_> = loads
            .iter_mut()
            .filter(|load| load.is_of_holder())
            .collect();
        if holders.is_empty() {
            return Ok(());
        }
        let held = |load: &&mut &mut Load| Held {
            key: identity_key(&load.name),
            since: load.ask.since,
        };
        let held: Vec<Held> = holders.iter().map(held).collect();
        let until = self.known_at.0;
        let lies = line.ask(async |conn| around(conn, merchant_id, &held, turns, until).await);
        let lies = lies.await?;
        for (load, around) in holders.iter_mut().zip(lies) {
            load.look(around);
        }
        Ok(())
    }

    async fn load_all(
        &mut self,
        line: &Line<'_>,
        merchant_id: Uuid,
        loads: &[&mut Load],
    ) -> Result<(), TraceError> {
        let limit = self.room.statements as i64 + 1;
        let periods: Vec<Period> = loads.iter().filter_map(|load| load.period()).collect();
        let probes: Vec<Probe> = loads.iter().flat_map(|load| load.probes(limit)).collect();
        let wanted = (&periods[..], &probes[..]);
        let rows = Rows {
            limit,
            content_bytes: self.room.content_bytes.saturating_sub(self.content_bytes) as i64,
        };
        let until = self.known_at.0;
        let rows =
            line.ask(async |conn| statements_in(conn, merchant_id, wanted, until, rows).await);
        let rows = rows.await?;
        self.truncated |= rows.len() > self.room.statements;
        let names: HashSet<&str> = loads.iter().map(|load| load.name.as_str()).collect();
        self.keep(rows, |about| names.contains(about.identity.as_str()))
    }

    /// Adds the declarations that events which are there were errors. They may say of these what they like: they
    /// are found by the events' IDs. Whether there are new ones: then whatever was settled by the events that they
    /// retract is not, and all is asked for again.
    async fn load_declarations(
        &mut self,
        line: &Line<'_>,
        merchant_id: Uuid,
    ) -> Result<bool, TraceError> {
        let mut ids: HashSet<String> = HashSet::new();
        for (id, loaded) in &self.statements {
            let event = loaded.event.as_ref();
            let event = event.filter(|event| !event.is_error_declaration());
            if event.is_some() && self.doubted.insert(*id) {
                ids.extend(event.and_then(|event| event.event_id.clone()));
            }
        }
        if ids.is_empty() {
            return Ok(false);
        }
        let keys: Vec<_> = ids.iter().map(|id| event_key(id, true)).collect();
        let mut is_new = false;
        let room = self.room.content_bytes.saturating_sub(self.content_bytes);
        let until = self.known_at.0;
        let declared = line.ask(async |conn| {
            statements_with_keys(conn, merchant_id, &keys, until, room as i64).await
        });
        let declared = declared.await?;
        let bytes: usize = declared.iter().map(|stored| stored.content.len()).sum();
        self.truncated |= bytes >= room;
        for stored in declared {
            let id = stored.id;
            if self.statements.contains_key(&id) {
                continue;
            }
            let loaded = Loaded::read(stored)?;
            let event = loaded.event.as_ref();
            let event_id = event.and_then(|event| event.event_id.as_ref());
            if event_id.is_some_and(|event_id| ids.contains(event_id)) {
                self.content_bytes += loaded.stored.content.len();
                self.statements.insert(id, loaded);
                is_new = true;
            }
        }
        if is_new {
            self.answered = Answered::default();
        }
        Ok(is_new)
    }

    /// Leaves those of whose holders nobody knows yet where they were when they are asked for.
    fn keep_unsettled(&self, loads: &mut Vec<&mut Load>, turns: i64) {
        loads.retain(|load| load.has_earlier_turns(turns));
        if loads.is_empty() {
            return;
        }
        let graph = Graph::of(self.events());
        loads.retain(|load| {
            let holder = &load.thing;
            let memberships = graph.memberships(holder);
            let around = &load.around;
            let looked_back = [
                (Bond::Packed, Turn::PutIn, around.put_in_count),
                (Bond::Associated, Turn::Fastened, around.fastened_count),
            ];
            let since = load.turns_since();
            looked_back.iter().any(|(bond, turn, count)| {
                let of_bond = memberships.iter().filter(|held| held.bond == *bond);
                let last = of_bond.rev().find(|held| held.from.0 < load.ask.since);
                // Where it was before it was put there, something that stands must say: what was retracted, or
                // repeats what was said before, may hide more.
                let is_known = last.is_some_and(|last| {
                    graph.about(holder).iter().any(|mention| {
                        mention.turn == *turn
                            && since <= indexed(mention.event.event_time)
                            && mention.moment() < last.from
                    })
                });
                *count == turns && !is_known
            })
        });
    }

    /// Reads and keeps statements that are about what was meant: keys are eight bytes of a hash, and what
    /// merely collides is not.
    fn keep(
        &mut self,
        rows: Vec<StoredStatement>,
        is_meant: impl Fn(&About) -> bool,
    ) -> Result<(), TraceError> {
        for stored in rows {
            if self.statements.contains_key(&stored.id) {
                continue;
            }
            let bytes = self.content_bytes + stored.content.len();
            if self.statements.len() >= self.room.statements || bytes > self.room.content_bytes {
                self.truncated = true;
                break;
            }
            let loaded = if self.room.keeps_texts {
                Loaded::read(stored)?
            } else {
                Loaded::read_alone(stored)?
            };
            if loaded.about.iter().any(&is_meant) {
                self.content_bytes = bytes;
                let id = loaded.stored.id;
                let kept = if self.room.keeps_texts {
                    loaded
                } else {
                    loaded.without_texts()
                };
                self.statements.insert(id, kept);
            }
        }
        Ok(())
    }
}

impl Loaded {
    /// What is said, as `read` has it.
    pub fn body<T, E>(
        &self,
        read: impl FnOnce(&Value<'_>) -> Result<T, E>,
    ) -> Result<T, TraceError> {
        let content = json::parse(&self.stored.content).ok();
        let body = content.as_ref().and_then(|content| content.get("body"));
        body.and_then(|body| read(body).ok())
            .ok_or(TraceError::Unreadable(self.stored.id))
    }

    /// What it says, with where and when it was said.
    pub fn described<T>(&self, value: T) -> Described<T> {
        Described {
            value,
            id: self.stored.id,
            recorded_at: self.stored.recorded_at,
        }
    }

    /// As a story has it.
    pub fn told(&self, withheld: Withheld) -> StoryStatement {
        StoryStatement {
            stored: self.stored.clone(),
            kind: self.kind,
            issuer: self.issuer.clone(),
            signer: self.signer.clone(),
            withheld,
        }
    }

    fn without_texts(mut self) -> Loaded {
        self.stored.content = String::new();
        self.stored.receipt = String::new();
        self.about = Vec::new();
        self
    }

    /// Reads an event without its receipt, where that would tell nothing else: half of what it costs. Who signed it is
    /// not told.
    fn read_alone(stored: StoredStatement) -> Result<Loaded, TraceError> {
        let read = || {
            let content = json::parse(&stored.content).ok()?;
            let issuer = content.get("issuer")?.as_str()?.to_owned();
            if Kind::parse(content.get("kind")?.as_str()?)? != Kind::Event {
                return None;
            }
            let event = epcis::read_event(content.get("body")?).ok()?;
            let is_told_of = event.transformation_id.is_some()
                || event.what.iter().any(|what| what.lot.is_some());
            (!is_told_of).then_some((issuer, event))
        };
        let Some((issuer, event)) = read() else {
            return Loaded::read(stored);
        };
        Ok(Loaded {
            kind: Kind::Event,
            issuer,
            signer: None,
            about: epcis::about(&event),
            event: Some(event),
            stored,
        })
    }

    pub fn read(stored: StoredStatement) -> Result<Loaded, TraceError> {
        let unreadable = TraceError::Unreadable(stored.id);
        Loaded::try_read(stored).ok_or(unreadable)
    }

    fn try_read(stored: StoredStatement) -> Option<Loaded> {
        let content = json::parse(&stored.content).ok()?;
        let receipt = json::parse(&stored.receipt).ok()?;
        let kind = Kind::parse(content.get("kind")?.as_str()?)?;
        let mut event = match kind {
            Kind::Event => Some(epcis::read_event(content.get("body")?).ok()?),
            _ => None,
        };
        let about = receipt.get("about")?.as_array()?;
        let about = about
            .iter()
            .map(|text| About::parse(text.as_str()?))
            .collect::<Option<Vec<_>>>()?;
        if let Some(event) = &mut event {
            drop_unnamed(event, &about);
        }
        let issuer = content.get("issuer")?.as_str()?.to_owned();
        let signer = receipt.get("signer").and_then(Value::as_str);
        let signer = signer.map(str::to_owned);
        Some(Loaded {
            kind,
            issuer,
            signer,
            about,
            event,
            stored,
        })
    }
}

/// Receipts did not always name the lots that links write beside serials, nor transformations. What a receipt
/// does not name connects nothing: no proof could show the way.
pub(super) fn drop_unnamed(event: &mut Event, about: &[About]) {
    if !about.iter().any(|about| about.role == Role::Transformation) {
        event.transformation_id = None;
    }
    let lots = about.iter().filter(|about| about.role == Role::Lot);
    let named: HashSet<&str> = lots.map(|about| about.identity.as_str()).collect();
    for what in &mut event.what {
        let lot = what.lot_of_link().map(|lot| lot.canonical());
        if lot.is_some_and(|lot| !named.contains(lot.as_str())) {
            what.lot = None;
        }
    }
}
