//! Reads what gives items to lots, a page after the other.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::thread;

use auditlog::json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::epcis::{self, Event};
use crate::domain::gs1::Identity;
use crate::domain::identity_key::identity_key;
use crate::domain::statement::{Kind, Role, StatementId};
use crate::domain::time::FIRST;
use crate::store::members::{Lot, Naming, namings_after};
use crate::store::walk::Rows;
use crate::trace::{KnownAt, TraceError};

/// Lots that are asked for together at the most; as many as fill a page are.
const MAX_LOTS: usize = 256;
/// Content that is read at a time: of the largest events some dozens.
const PAGE_BYTES: i64 = 8 << 20;
/// Events from which on it is worth a second thread to read them.
const MANY: usize = 256;

const BEFORE_ALL: (OffsetDateTime, StatementId) = (
    FIRST,
    StatementId {
        batch_id: Uuid::nil(),
        position: -1,
    },
);

/// What is left to be read of some lots.
#[derive(Debug)]
pub(super) struct Reader {
    left: VecDeque<Identity>,
    /// How far the first of them is read.
    read_to: (OffsetDateTime, StatementId),
    /// How many are asked for next.
    lots: usize,
    /// Statements at a time.
    namings: usize,
}

impl Reader {
    /// Of these lots, one after the other; so many statements at a time.
    pub fn of(lots: impl Iterator<Item = Identity>, namings: usize) -> Reader {
        Reader {
            left: lots.collect(),
            read_to: BEFORE_ALL,
            lots: MAX_LOTS,
            namings,
        }
    }

    /// Whether there is nothing left to be read.
    pub fn is_done(&self) -> bool {
        self.left.is_empty()
    }

    /// The next statements, each with its lot: lot by lot, and of each by when it happened. None of them are left once
    /// it is done.
    pub async fn page(
        &mut self,
        conn: &mut PgConnection,
        merchant_id: Uuid,
        known_at: KnownAt,
    ) -> Result<Vec<(Identity, Naming)>, TraceError> {
        let rows = Rows {
            limit: self.namings as i64,
            content_bytes: PAGE_BYTES,
        };
        while !self.is_done() {
            let names: Vec<Identity> = self.left.iter().take(self.lots).cloned().collect();
            let lots = names.iter().enumerate().map(|(place, lot)| Lot {
                key: identity_key(&lot.canonical()),
                after: if place == 0 { self.read_to } else { BEFORE_ALL },
            });
            let lots: Vec<Lot> = lots.collect();
            let page = namings_after(conn, merchant_id, &lots, known_at.0, rows).await?;
            let Some(last) = page.last() else {
                // All that were asked for have no more.
                self.left.drain(..names.len());
                self.read_to = BEFORE_ALL;
                continue;
            };
            self.left.drain(..last.lot);
            self.read_to = (last.event_time, last.id);
            // Of each lot as much is looked for as fills the page: what this one did, the next will need.
            self.lots = match last.lot + 1 {
                reached if reached < names.len() => reached + 1,
                _ => (2 * self.lots).min(MAX_LOTS),
            };
            let page = page.into_iter();
            return Ok(page
                .map(|naming| (names[naming.lot].clone(), naming))
                .collect());
        }
        Ok(Vec::new())
    }
}

/// What a statement says of a lot's items.
#[derive(Debug)]
pub(super) struct Told {
    pub lot: Identity,
    pub by: StatementId,
    pub event: Event,
}

/// Reads the events of a page: some of them here, and some beside it, since it is most of the work of a recall.
pub(super) fn read_page(page: Vec<(Identity, Naming)>) -> Result<Vec<Told>, TraceError> {
    let read = |part: &[(Identity, Naming)]| {
        let told = part.iter().filter_map(|(lot, naming)| {
            let event = read_event(naming.id, &naming.content).transpose()?;
            Some(event.map(|event| Told {
                lot: lot.clone(),
                by: naming.id,
                event,
            }))
        });
        told.collect::<Result<Vec<Told>, TraceError>>()
    };
    if page.len() < MANY {
        return read(&page);
    }
    let (here, beside) = page.split_at(page.len() / 2);
    thread::scope(|scope| {
        let beside = scope.spawn(|| read(beside));
        let mut told = read(here)?;
        told.extend(beside.join().expect("reading an event does not panic")?);
        Ok(told)
    })
}

/// The items that an event gives to a lot, and whether it does so by `ilmd`, or in their links alone.
pub(super) fn items_of<'e>(
    event: &'e Event,
    lot: &Identity,
) -> impl Iterator<Item = (&'e Identity, bool)> {
    let number = match lot {
        Identity::LotOf { lot, .. } => Some(*lot),
        _ => None,
    };
    let gtin = lot.gtin();
    let by_ilmd = event.lot_number.as_deref();
    let is_by_ilmd = number.is_some_and(|number| by_ilmd == Some(number.as_str()));
    let items = event.what.iter().filter(move |what| {
        matches!(what.identity, Identity::Item { .. }) && what.identity.gtin() == gtin
    });
    items.filter_map(move |what| {
        let is_made = matches!(what.role, Role::Epc | Role::Output);
        let is_by_ilmd = is_by_ilmd && is_made;
        let is_named = is_by_ilmd || (what.lot.is_some() && what.lot == number);
        is_named.then_some((&what.identity, is_by_ilmd))
    })
}

/// The event of a statement; `None` if it is none.
pub(super) fn read_event(id: StatementId, content: &str) -> Result<Option<Event>, TraceError> {
    let read = || {
        let content = json::parse(content).ok()?;
        if Kind::parse(content.get("kind")?.as_str()?)? != Kind::Event {
            return Some(None);
        }
        epcis::read_event(content.get("body")?).ok().map(Some)
    };
    read().ok_or(TraceError::Unreadable(id))
}

/// Does some work while something else that has begun goes on elsewhere, such as in the database.
pub(super) async fn meanwhile<T, W>(
    begun: impl Future<Output = T>,
    work: impl FnOnce() -> W,
) -> (T, W) {
    let mut begun = pin!(begun);
    let first = poll_fn(|context| Poll::Ready(begun.as_mut().poll(context))).await;
    let worked = work();
    let ended = match first {
        Poll::Ready(ended) => ended,
        Poll::Pending => begun.await,
    };
    (ended, worked)
}
