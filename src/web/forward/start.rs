//! What a forward trace starts from: things, a product with all its lots, or whatever was at a place or with a party.
//! The index of events proposes, and what is recorded of each thing decides.

use std::collections::{BTreeSet, HashMap, HashSet};

use auditlog::json;
use sqlx::PgConnection;
use thiserror::Error;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::codes::{CodeError, SerialStatus, serial_status};
use crate::domain::code::CodeKey;
use crate::domain::epcis::query::{Condition, EventQuery, Sought, Span, Test};
use crate::domain::epcis::{Event, read_event};
use crate::domain::forward::Start;
use crate::domain::gs1::{Gtin, Identity, Lot};
use crate::domain::presence::{Presence, With};
use crate::domain::statement::Role;
use crate::query::{self, FoundEvent, QueryError, Recent};
use crate::store::code_range::{lots_with_codes, ranges_of};
use crate::trace::{self, KnownAt, TraceError};

/// Events that are read at a time.
const PER_PAGE: u32 = 1_000;

/// The fields that tell where something was, its spots included.
const PLACES: [&str; 2] = ["readPoint:within", "bizLocation:within"];
/// The fields that tell who had it, or owned it.
const PARTIES: [&str; 4] = [
    "source_possessing_party",
    "source_owning_party",
    "destination_possessing_party",
    "destination_owning_party",
];
/// The field that tells where it is bound for.
const BOUND_FOR: [&str; 1] = ["destination_location"];
/// The fields that tell of which product something is.
pub(super) const KINDS: [&str; 7] = [
    "epc:class",
    "parent:class",
    "input:class",
    "output:class",
    "epcClass:class",
    "inputClass:class",
    "outputClass:class",
];

/// Why a trace has nothing to start from.
#[derive(Debug, Error)]
pub enum StartError {
    /// More events name what was there, or is of the product, than are looked through.
    #[error("more than {0} events are to be looked through: {1}")]
    TooMuch(usize, &'static str),
    /// More things were there, or are of the product, than one trace starts from.
    #[error("there are more things than the {0} from which one trace may start: {1}")]
    TooMany(usize, &'static str),
    /// The events cannot be asked.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The walk failed.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The codes that were issued cannot be asked.
    #[error(transparent)]
    Code(#[from] CodeError),
}

/// Items of a product that are kept while its lots are looked for.
const MAX_ITEMS: usize = 1_000_000;

const SHORTER: &str = "ask for a shorter time";
const LATER: &str = "say from when on arrivals count (arrivedSince)";
const BY_LOT: &str = "ask for its lots instead";

/// What was at a place or with a party, and who had been there when the time began.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// A place, or a party, wherever that is described to be.
    pub with: Identity,
    /// From when on; `None`: always.
    pub since: Option<OffsetDateTime>,
    /// Until when, that instant included; `None`: still.
    pub until: Option<OffsetDateTime>,
    /// What had arrived before that is not looked for; `None`: everything is.
    pub arrived_since: Option<OffsetDateTime>,
}

/// Why there is no such time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedFault {
    /// It ends before it begins.
    Until,
    /// Arrivals count from when it has begun, or it has no beginning.
    Arrived,
}

impl Wanted {
    /// What is wrong with its times.
    pub fn fault(&self) -> Option<WantedFault> {
        let since = self.since;
        let is_early = |until| since.is_some_and(|since| until < since);
        let is_late = |arrived| since.is_none_or(|since| since <= arrived);
        if self.until.is_some_and(is_early) {
            return Some(WantedFault::Until);
        }
        let is_late = self.arrived_since.is_some_and(is_late);
        is_late.then_some(WantedFault::Arrived)
    }
}

/// How much is looked at for one trace.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Events that are looked through for what they name: of the time itself, of the time before it, and of each
    /// product.
    pub events: usize,
    /// Things from which it starts.
    pub starts: usize,
}

impl Most {
    /// Of a service: some seconds, and some dozens of megabytes.
    pub const USUAL: Most = Most {
        events: 50_000,
        starts: 50_000,
    };
}

/// Looks for what a forward trace starts from, in a merchant's record as it was known at a time.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Whose.
    pub merchant_id: Uuid,
    /// What made the merchant's codes.
    pub codes: CodeKey,
    /// What was recorded later is left out.
    pub known_at: KnownAt,
    /// How much is looked at.
    pub most: Most,
}

impl Origin {
    /// With room for as much as a service looks at.
    pub fn of(merchant_id: Uuid, codes: &CodeKey, known_at: KnownAt) -> Origin {
        let most = Most::USUAL;
        Origin {
            merchant_id,
            codes: codes.clone(),
            known_at,
            most,
        }
    }

    /// Everything that was there. The transaction must act for the merchant and see one moment.
    pub async fn there(
        &self,
        conn: &mut PgConnection,
        wanted: &Wanted,
    ) -> Result<Vec<Start>, StartError> {
        let (merchant_id, known_at) = (self.merchant_id, self.known_at);
        let with = match &wanted.with {
            party @ Identity::Party { .. } => With::Party {
                places: trace::places_of(conn, merchant_id, party, known_at).await?,
                party: party.clone(),
            },
            place => With::Place(place.clone()),
        };
        let presence = Presence {
            with,
            since: wanted.since,
            until: wanted.until,
        };
        let mut events = self.events(condition(&presence.with));
        let mut named: HashSet<Identity> = HashSet::new();
        let mut take = |event: &Event| {
            named.extend(event.what.iter().map(|what| what.identity.clone()));
            named.len() <= self.most.starts
        };
        let during = Span {
            from: presence.since,
            // The end is in the time, and not in a span.
            until: presence.until.and_then(after),
        };
        events.read(conn, during, SHORTER, &mut take).await?;
        if let Some(since) = presence.since {
            let before = Span {
                from: wanted.arrived_since,
                until: Some(since),
            };
            events.read(conn, before, LATER, &mut take).await?;
        }
        let present = trace::present(conn, merchant_id, &presence, &named, known_at).await?;
        if present.truncated || present.starts.len() > self.most.starts {
            return Err(StartError::TooMany(self.most.starts, SHORTER));
        }
        Ok(present.starts)
    }

    /// Some things; a product stands for all of its lots, and for those of its items that have none. The transaction
    /// must act for the merchant and see one moment.
    pub async fn things(
        &self,
        conn: &mut PgConnection,
        things: Vec<Identity>,
        since: Option<OffsetDateTime>,
    ) -> Result<Vec<Start>, StartError> {
        let mut all: BTreeSet<Identity> = BTreeSet::new();
        for thing in things {
            if let Identity::Class { gtin } = thing {
                all.extend(self.of_kind(conn, gtin).await?);
            }
            all.insert(thing);
        }
        if all.len() > self.most.starts {
            return Err(StartError::TooMany(self.most.starts, BY_LOT));
        }
        let start = |identity| Start::affected(identity, since);
        Ok(all.into_iter().map(start).collect())
    }

    /// Whether a thing is a code that was issued, or a lot for which some were, though no event may name it yet. The transaction must act for the
    /// merchant.
    pub async fn is_issued(
        &self,
        conn: &mut PgConnection,
        thing: &Identity,
    ) -> Result<bool, StartError> {
        let (gtin, serial) = match *thing {
            Identity::Item { gtin, serial } => (gtin, serial),
            Identity::LotOf { .. } => {
                let (lot, known_at) = (std::slice::from_ref(thing), self.known_at.0);
                let ranges = ranges_of(conn, self.merchant_id, lot, known_at, 1).await;
                return Ok(!ranges.map_err(TraceError::from)?.is_empty());
            }
            _ => return Ok(false),
        };
        let (item, known_at) = ((gtin, serial), Some(self.known_at.0));
        let status = serial_status(conn, &self.codes, self.merchant_id, item, known_at).await?;
        Ok(matches!(status, SerialStatus::Issued(_)))
    }

    /// All lots of a product, and its items without one.
    async fn of_kind(
        &self,
        conn: &mut PgConnection,
        gtin: Gtin,
    ) -> Result<BTreeSet<Identity>, StartError> {
        let mut events = self.events(Condition {
            parameter: String::new(),
            any: vec![any_of(&KINDS, &[Identity::Class { gtin }])],
        });
        let mut found: BTreeSet<Identity> = BTreeSet::new();
        // What its maker gives a lot, the lot leads to; unless that was an error.
        let mut of_lot: HashMap<Option<String>, HashSet<Identity>> = HashMap::new();
        let (mut count, most) = (0, MAX_ITEMS);
        let take = |event: &Event| {
            let own = event.what.iter();
            for what in own.filter(|what| what.identity.gtin() == Some(gtin)) {
                let is_made = matches!(what.role, Role::Epc | Role::Output);
                let number = event.lot_number.as_deref().filter(|_| is_made);
                let lot = number.and_then(|number| Lot::parse(number).ok());
                let both = lot.into_iter().chain(what.lot);
                found.extend(both.map(|lot| Identity::LotOf { gtin, lot }));
                match &what.identity {
                    Identity::Item { .. } if lot.is_some() => {
                        let id = event.event_id.clone();
                        let is_new = of_lot.entry(id).or_default().insert(what.identity.clone());
                        count += usize::from(is_new);
                    }
                    Identity::Item { .. } | Identity::LotOf { .. } => {
                        count += usize::from(found.insert(what.identity.clone()));
                    }
                    _ => {}
                }
            }
            count <= most
        };
        events.read(conn, Span::default(), BY_LOT, take).await?;
        let ids = of_lot.keys().flatten().map(String::as_str).collect();
        let (merchant_id, known_at) = (self.merchant_id, self.known_at);
        let errors = trace::declared_errors(conn, merchant_id, known_at, ids).await?;
        of_lot.retain(|id, _| id.as_ref().is_none_or(|id| !errors.contains(id)));
        let most = self.most.starts as i64 + 1;
        let issued = lots_with_codes(conn, merchant_id, gtin, known_at.0, most).await;
        let issued = issued.map_err(TraceError::from)?.into_iter();
        let issued = issued.filter_map(|lot| Lot::parse(&lot).ok());
        found.extend(issued.map(|lot| Identity::LotOf { gtin, lot }));
        let of_lot: HashSet<Identity> = of_lot.into_values().flatten().collect();
        found.retain(|identity| !of_lot.contains(identity));
        Ok(found)
    }

    pub(super) fn events(&self, condition: Condition) -> Events {
        let recorded = Span {
            from: None,
            until: after(self.known_at.0),
        };
        Events {
            recent: Recent::of(self.merchant_id),
            query: EventQuery {
                record_time: recorded,
                conditions: vec![condition],
                ..EventQuery::default()
            },
            most: self.most,
        }
    }
}

/// That something was there.
fn condition(with: &With) -> Condition {
    let any = match with {
        With::Place(place) => {
            let places = std::slice::from_ref(place);
            vec![any_of(&PLACES, places), any_of(&BOUND_FOR, places)]
        }
        With::Party { party, places } => {
            let party = std::slice::from_ref(party);
            vec![any_of(&PLACES, places), any_of(&PARTIES, party)]
        }
    };
    Condition {
        parameter: String::new(),
        any,
    }
}

pub(super) fn any_of(fields: &[&str], identities: &[Identity]) -> Sought {
    Sought {
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        test: Test::AnyOf(identities.iter().map(Identity::canonical).collect()),
    }
}

fn after(until: OffsetDateTime) -> Option<OffsetDateTime> {
    until.checked_add(Duration::NANOSECOND)
}

/// Events that fulfil a condition, as they were known at a time.
pub(super) struct Events {
    recent: Recent,
    query: EventQuery,
    most: Most,
}

impl Events {
    /// Whether there is any that fulfils a condition instead.
    pub async fn any(
        &mut self,
        conn: &mut PgConnection,
        condition: Condition,
    ) -> Result<bool, StartError> {
        let query = EventQuery {
            conditions: vec![condition],
            ..self.query.clone()
        };
        let page = query::page(conn, &mut self.recent, &query, None, 1).await?;
        Ok(!page.events.is_empty())
    }

    /// Reads those of a time, until `take` has no room for more.
    pub async fn read(
        &mut self,
        conn: &mut PgConnection,
        event_time: Span,
        hint: &'static str,
        mut take: impl FnMut(&Event) -> bool,
    ) -> Result<(), StartError> {
        let query = EventQuery {
            event_time,
            ..self.query.clone()
        };
        let (mut after, mut seen) = (None, 0);
        loop {
            let page = query::page(conn, &mut self.recent, &query, after, PER_PAGE).await?;
            seen += page.events.len();
            if seen > self.most.events {
                return Err(StartError::TooMuch(self.most.events, hint));
            }
            for found in &page.events {
                if !take(&read(found)?) {
                    return Err(StartError::TooMany(self.most.starts, hint));
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

fn read(found: &FoundEvent) -> Result<Event, StartError> {
    let content = json::parse(&found.content).map_err(QueryError::Statement)?;
    let event = content.get("body").and_then(|body| read_event(body).ok());
    Ok(event.ok_or(TraceError::Unreadable(found.id))?)
}
