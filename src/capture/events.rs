//! Capturing an EPCIS document.

use std::collections::{BTreeSet, HashMap, HashSet};

use auditlog::json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::prepare::{Prepared, PreparedEvent, Refused, prepare_document, prepare_event};
use super::{CaptureError, EventFault, Submitter};
use crate::domain::capture_fault::ErrorBehaviour;
use crate::domain::epcis::{Fault, FaultKind};
use crate::domain::erasure::says_the_same;
use crate::domain::event_key::{EventKey, event_hold, event_key};
use crate::domain::posting::BatchIndex;
use crate::domain::statement::{Batch, NewStatement, StoredStatement};
use crate::domain::time::{LAST, timestamp, to_millisecond};
use crate::store::capture_job::{CaptureJob, capture_jobs_among, insert_capture_job};
use crate::store::event_index::insert_event_batch;
use crate::store::event_key::{NewEventKey, TakenEventKey, take_event_keys, taken_event_keys};
use crate::store::walk::statements_with_keys;
use crate::store::{batch, begin_for, hold_identity};

const FOREIGN_DECLARATION: &str = "the event was signed by its party: that party alone, under its signature, declares it an error";

/// Stored events that are read at a time: one may have a MiB.
const READ_AT_ONCE: usize = 64;

/// Earlier captures that one answer names; a document may repeat events of thousands.
pub const MAX_STORED_IN: i64 = 100;

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// The job, finished.
    pub job: CaptureJob,
    /// The earlier captures that stored the events that were known already, oldest first.
    pub stored_in: Vec<Uuid>,
}

/// Captures a document: all its events are stored, those that were known already excepted, or none; or,
/// where the submitter wants to proceed, those that can be.
///
/// The work that needs no database is done off the async threads, since a document of thousands of
/// events takes tens of milliseconds to check and hash.
pub async fn capture_document(
    conn: &mut PgConnection,
    submitter: &Submitter,
    text: String,
    behaviour: ErrorBehaviour,
    now: OffsetDateTime,
) -> Result<Captured, CaptureError> {
    let now = to_millisecond(now);
    // Chosen before the transaction, since the receipts name it.
    let id = Uuid::now_v7();
    let preparing = submitter.clone();
    let prepare = move || prepare_document(&text, &preparing, id, timestamp(now), behaviour);
    let prepared = tokio::task::spawn_blocking(prepare)
        .await
        .expect("preparing a document does not panic")?;
    let merchant_id = submitter.merchant_id;
    store(
        conn,
        Capture {
            id,
            merchant_id,
            now,
            behaviour,
        },
        prepared,
    )
    .await
}

/// One event that is stored, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedEvent {
    /// Its own, given or assigned.
    pub event_id: String,
    /// Whether it declares that the event of this ID was an error.
    pub is_error_declaration: bool,
    /// As a document of its own would be answered.
    pub captured: Captured,
}

/// Captures a single event, which brings its own `@context`.
pub async fn capture_event(
    conn: &mut PgConnection,
    submitter: &Submitter,
    text: String,
    now: OffsetDateTime,
) -> Result<CapturedEvent, CaptureError> {
    let now = to_millisecond(now);
    let id = Uuid::now_v7();
    let preparing = submitter.clone();
    let prepare = move || prepare_event((&text, None), &preparing, id, timestamp(now));
    let prepared = tokio::task::spawn_blocking(prepare)
        .await
        .expect("preparing an event does not panic")?;
    let event = &prepared.events[0];
    let (event_id, is_error_declaration) = (event.event_id.clone(), event.is_error_declaration);
    let capture = Capture {
        id,
        merchant_id: submitter.merchant_id,
        now,
        behaviour: ErrorBehaviour::Rollback,
    };
    let captured = store(conn, capture, prepared).await?;
    Ok(CapturedEvent {
        event_id,
        is_error_declaration,
        captured,
    })
}

/// One capture: its id is that of the job and of the batch, if there is anything to store.
pub(super) struct Capture {
    pub id: Uuid,
    pub merchant_id: Uuid,
    pub now: OffsetDateTime,
    pub behaviour: ErrorBehaviour,
}

pub(super) async fn store(
    conn: &mut PgConnection,
    capture: Capture,
    prepared: Prepared,
) -> Result<Captured, CaptureError> {
    let Capture {
        id,
        merchant_id,
        now,
        behaviour,
    } = capture;
    let mut events = prepared.events;
    let mut refused = prepared.refused;
    let mut stored_in = BTreeSet::new();
    loop {
        let mut tx = begin_for(conn, merchant_id).await?;
        let batch = Batch {
            id,
            merchant_id,
            recorded_at: now,
            statement_count: events.len() as i32,
        };
        hold_declared(&mut tx, merchant_id, &events).await?;
        let known = taken_by_others(&mut tx, &batch, &events).await?;
        if !known.is_empty() {
            // Positions were numbered for a batch without repeats. Whoever has a key has committed
            // it, so each round leaves fewer events, and there are few rounds.
            tx.rollback().await?;
            events = without_known(events, &known, behaviour, &mut refused)?;
            stored_in.extend(known.values().map(|known| known.taken.id.batch_id));
            continue;
        }
        let foreign = foreign_declarations(&mut tx, merchant_id, &events).await?;
        if !foreign.is_empty() {
            tx.rollback().await?;
            let mut own = Vec::with_capacity(events.len());
            for event in events {
                if foreign.contains(&event.key) {
                    let fault = Fault {
                        pointer: "/errorDeclaration".into(),
                        kind: FaultKind::Rule(FOREIGN_DECLARATION),
                    };
                    let event = event.event;
                    let fault = EventFault { event, fault };
                    refused.leave_out(behaviour, CaptureError::Events(vec![fault]))?;
                } else {
                    own.push(event);
                }
            }
            events = own;
            continue;
        }
        let job = CaptureJob {
            id,
            created_at: now,
            finished_at: now,
            event_count: prepared.event_count as i32,
            stored_count: batch.statement_count,
            error_behaviour: behaviour,
            refused_count: refused.count as i32,
            faults: refused.faults.clone(),
        };
        if !events.is_empty() {
            let index = index_of(&events).encode();
            let statements: Vec<NewStatement> =
                events.into_iter().map(|event| event.statement).collect();
            batch::insert_batch(&mut tx, &batch, &statements).await?;
            insert_event_batch(&mut tx, &batch, &index).await?;
        }
        insert_capture_job(&mut tx, merchant_id, &job).await?;
        let stored_in: Vec<Uuid> = stored_in.into_iter().collect();
        let stored_in = capture_jobs_among(&mut tx, merchant_id, &stored_in, MAX_STORED_IN).await?;
        tx.commit().await?;
        return Ok(Captured { job, stored_in });
    }
}

/// Holds the events that are declared errors, as whoever erases fields of them does: a declaration repeats what the event
/// said, and is erased with it, or comes after.
async fn hold_declared(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    events: &[PreparedEvent],
) -> Result<(), CaptureError> {
    let declarations = events.iter().filter(|event| event.is_error_declaration);
    // In one order, so that two captures wait for each other and never deadlock.
    let keys: BTreeSet<i64> = declarations
        .map(|event| event_hold(&event.event_id))
        .collect();
    for key in keys {
        hold_identity(conn, merchant_id, key).await?;
    }
    Ok(())
}

/// The declarations of errors in events that their party signed, and that this party does not make: nobody else takes
/// its words back.
async fn foreign_declarations(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    events: &[PreparedEvent],
) -> Result<HashSet<EventKey>, CaptureError> {
    let declarations = events.iter().filter(|event| event.is_error_declaration);
    let declared: HashMap<EventKey, &PreparedEvent> = declarations
        .map(|event| (event_key(&event.event_id, false), event))
        .collect();
    if declared.is_empty() {
        return Ok(HashSet::new());
    }
    let keys: Vec<EventKey> = declared.keys().copied().collect();
    let mut foreign = HashSet::new();
    for some in keys.chunks(READ_AT_ONCE) {
        for stored in statements_with_keys(conn, merchant_id, some, LAST, i64::MAX).await? {
            let Some((issuer, event_id, true)) = said_by(&stored.content, &stored.receipt) else {
                continue;
            };
            let Some(declaration) = declared.get(&event_key(&event_id, false)) else {
                continue;
            };
            let NewStatement {
                content, receipt, ..
            } = &declaration.statement;
            let is_own = said_by(content, receipt)
                .is_some_and(|(by, _, is_signed)| is_signed && by == issuer);
            if !is_own {
                foreign.insert(declaration.key);
            }
        }
    }
    Ok(foreign)
}

/// Who says something of which event, and whether under a signature.
fn said_by(content: &str, receipt: &str) -> Option<(String, String, bool)> {
    let content = json::parse(content).ok()?;
    let receipt = json::parse(receipt).ok()?;
    let issuer = content.get("issuer")?.as_str()?.to_owned();
    let event_id = content.get("body")?.get("eventID")?.as_str()?.to_owned();
    Some((issuer, event_id, receipt.get("signer").is_some()))
}

/// What queries find the events of a batch by.
fn index_of(events: &[PreparedEvent]) -> BatchIndex {
    let mut index = BatchIndex::default();
    for (position, event) in events.iter().enumerate() {
        event.terms.add_to(&mut index, position as i32);
    }
    index
}

/// An event that somebody sent before.
struct Known {
    taken: TakenEventKey,
    /// Whether what is left of it, where fields of it were erased, is what the event says that has its key now.
    is_what_is_left: bool,
}

impl Known {
    /// Whether an event is this one again, word for word, as far as its words are still there.
    fn is_repeated_by(&self, event: &PreparedEvent) -> bool {
        let content = self.taken.content_sha256;
        content.map_or(self.is_what_is_left, |content| {
            content == event.content_sha256
        })
    }
}

/// Takes the keys of all events; gives those that somebody has, with what they stand for.
async fn taken_by_others(
    conn: &mut PgConnection,
    batch: &Batch,
    events: &[PreparedEvent],
) -> Result<HashMap<EventKey, Known>, CaptureError> {
    if events.is_empty() {
        return Ok(HashMap::new());
    }
    let mut keys: Vec<NewEventKey> = events
        .iter()
        .enumerate()
        .map(|(position, event)| NewEventKey {
            key: event.key,
            content_sha256: event.content_sha256,
            position: position as i32,
        })
        .collect();
    keys.sort_unstable_by_key(|key| key.key);
    let won = take_event_keys(conn, batch.merchant_id, batch.id, &keys).await?;
    if won.len() == keys.len() {
        return Ok(HashMap::new());
    }
    let won: HashSet<EventKey> = won.into_iter().collect();
    let lost: Vec<EventKey> = keys
        .iter()
        .map(|key| key.key)
        .filter(|key| !won.contains(key))
        .collect();
    let taken = taken_event_keys(conn, batch.merchant_id, &lost).await?;
    let repeated = repeats_of_erased(conn, batch.merchant_id, &taken, events).await?;
    let known = taken.into_iter().map(|taken| {
        let is_what_is_left = repeated.contains(&taken.key);
        let known = Known {
            taken,
            is_what_is_left,
        };
        (known.taken.key, known)
    });
    Ok(known.collect())
}

/// Which events repeat, as far as that can be told, one of which fields were erased.
async fn repeats_of_erased(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    taken: &[TakenEventKey],
    events: &[PreparedEvent],
) -> Result<HashSet<EventKey>, CaptureError> {
    let erased = taken.iter().filter(|taken| taken.content_sha256.is_none());
    let erased: Vec<&TakenEventKey> = erased.collect();
    let mut repeated = HashSet::new();
    if erased.is_empty() {
        return Ok(repeated);
    }
    let events: HashMap<EventKey, &PreparedEvent> =
        events.iter().map(|event| (event.key, event)).collect();
    for some in erased.chunks(READ_AT_ONCE) {
        let keys: Vec<EventKey> = some.iter().map(|taken| taken.key).collect();
        let left = statements_with_keys(conn, merchant_id, &keys, LAST, i64::MAX).await?;
        let pairs = left.into_iter().filter_map(|left| {
            let key = some.iter().find(|taken| taken.id == left.id)?.key;
            Some((key, events.get(&key)?.statement.content.clone(), left))
        });
        let pairs: Vec<(EventKey, String, StoredStatement)> = pairs.collect();
        let compare = move || {
            let same = pairs.into_iter().filter(|(_, content, left)| {
                says_the_same(content, &left.content, &left.content_salts)
            });
            same.map(|(key, ..)| key).collect::<Vec<EventKey>>()
        };
        let same = tokio::task::spawn_blocking(compare).await;
        repeated.extend(same.expect("comparing does not panic"));
    }
    Ok(repeated)
}

/// Leaves out the events that are known word for word; another body under a known ID is a conflict.
fn without_known(
    events: Vec<PreparedEvent>,
    known: &HashMap<EventKey, Known>,
    behaviour: ErrorBehaviour,
    refused: &mut Refused,
) -> Result<Vec<PreparedEvent>, CaptureError> {
    let mut fresh = Vec::with_capacity(events.len());
    for event in events {
        match known.get(&event.key) {
            None => fresh.push(event),
            Some(known) if known.is_repeated_by(&event) => {}
            Some(_) => {
                let PreparedEvent {
                    event, event_id, ..
                } = event;
                let error = CaptureError::Conflict { event, event_id };
                refused.leave_out(behaviour, error)?;
            }
        }
    }
    Ok(fresh)
}
