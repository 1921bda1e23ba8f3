//! A page of an answer.

use std::sync::Arc;

use auditlog::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::best::{Place, place};
use super::candidates::{Candidates, KEEP, Source};
use super::decide::fulfils;
use super::plan::Plan;
use super::recent::{Recent, off_the_worker};
use super::sift::sift;
use super::{Cursor, FoundEvent, MAX_CANDIDATES, MAX_PAGE_BYTES, Page, QueryError, texts};
use crate::domain::epcis::query::{EventQuery, Total};
use crate::domain::event_key::event_key;
use crate::domain::posting::Posting;
use crate::domain::statement::StatementId;
use crate::domain::time::milliseconds;
use crate::store::event_index::Way;
use crate::store::event_key::taken_event_keys;
use crate::store::statement::{StoredEvent, events_at};

/// Candidates that are read together: first as many as the page lacks, then more where few fulfil the
/// query.
const TOGETHER: usize = 16;

/// A page of at most `per_page` events after `after`; fewer where they are large. The transaction must act
/// for the merchant, and see one moment: what is merged meanwhile would be missed or seen twice.
pub async fn page(
    conn: &mut PgConnection,
    recent: &mut Recent,
    query: &EventQuery,
    after: Option<Cursor>,
    per_page: u32,
) -> Result<Page, QueryError> {
    let merchant_id = recent.merchant_id();
    let plan = Plan::of(conn, merchant_id, query).await?;
    let named = events_named(conn, merchant_id, &plan.proposal.event_ids).await?;
    let place: Option<Place> = after.map(|cursor| (cursor.at_ms, cursor.id));
    let mut candidates = Candidates::new(&plan, named, place);
    let mut finding = Finding::new(query, after, per_page);
    let query = Arc::new(query.clone());
    let mut together = TOGETHER;
    let mut unmerged = None;
    while finding.goes_on() {
        together = together.max(finding.lacks()).min(KEEP);
        let mut source = Source { conn, recent };
        let mut some = candidates.take(&mut source, together).await?;
        if some.is_empty() {
            break;
        }
        if finding.is_sifting(plan.others.len()) {
            if unmerged.is_none() {
                unmerged = Some(recent.batch_ids(conn).await?);
            }
            let unmerged = unmerged.get_or_insert_default();
            some = sift(conn, merchant_id, &plan.others, unmerged, some).await?;
        }
        read(conn, merchant_id, &query, &some, &mut finding).await?;
        if finding.is_sparse() {
            together = KEEP.min(4 * together);
        }
    }
    finding.page(plan.frame.way)
}

/// What is found of a page.
struct Finding {
    /// Events that the page may show.
    wanted: usize,
    /// How many `eventCountLimit` leaves for this page and all after it.
    left: Option<u32>,
    /// `maxEventCount`, where it is not known yet whether the answer keeps to it: the other pages are
    /// pages of an answer that does.
    most: Option<u32>,
    shown: Vec<(Posting, FoundEvent)>,
    bytes: usize,
    /// Events that fulfil the query, shown or not.
    found: usize,
    /// Whether one of them is not shown.
    is_cut: bool,
    /// Texts that were looked at.
    seen: usize,
}

impl Finding {
    fn new(query: &EventQuery, after: Option<Cursor>, per_page: u32) -> Finding {
        let left = match (after, query.total) {
            (Some(cursor), _) => cursor.left,
            (None, Total::First(first)) => Some(first),
            (None, _) => None,
        };
        let most = match (after, query.total) {
            (None, Total::AtMost(most)) => Some(most),
            _ => None,
        };
        Finding {
            wanted: per_page.min(left.unwrap_or(u32::MAX)) as usize,
            left,
            most,
            shown: Vec::new(),
            bytes: 0,
            found: 0,
            is_cut: false,
            seen: 0,
        }
    }

    /// Whether it must be looked for more.
    fn goes_on(&self) -> bool {
        match self.most {
            Some(most) => self.found <= most as usize,
            None => !self.is_cut,
        }
    }

    /// How many more would end it.
    fn lacks(&self) -> usize {
        let wanted = self.most.map_or(self.wanted, |most| most as usize);
        wanted.saturating_sub(self.found) + 1
    }

    fn is_sparse(&self) -> bool {
        2 * self.found < self.seen
    }

    fn is_sifting(&self, others: usize) -> bool {
        others > 0 && self.is_sparse()
    }

    /// Takes an event that fulfils the query. Only what is shown is kept.
    fn take(&mut self, posting: Posting, event: FoundEvent) {
        self.found += 1;
        let bytes = self.bytes + event.content.len();
        let is_full =
            self.shown.len() >= self.wanted || (bytes > MAX_PAGE_BYTES && !self.shown.is_empty());
        if self.is_cut || is_full {
            self.is_cut = true;
            return;
        }
        self.bytes = bytes;
        self.shown.push((posting, event));
    }

    fn page(self, way: Way) -> Result<Page, QueryError> {
        if let Some(most) = self.most.filter(|most| self.found > *most as usize) {
            return Err(QueryError::TooLarge(most));
        }
        let left = self.left.map(|left| left - self.shown.len() as u32);
        let goes_on = self.is_cut && left != Some(0);
        let last = self.shown.last().filter(|_| goes_on);
        let next = last.map(|(posting, _)| Cursor {
            at_ms: place(way, posting).0,
            id: posting.id,
            left,
        });
        let events = self.shown.into_iter().map(|(_, event)| event).collect();
        Ok(Page { events, next })
    }
}

/// Reads the candidates' texts, in their order, until enough of them fulfil the query.
async fn read(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    query: &Arc<EventQuery>,
    mut candidates: &[Posting],
    finding: &mut Finding,
) -> Result<(), QueryError> {
    while finding.goes_on() && !candidates.is_empty() {
        let ids: Vec<StatementId> = candidates.iter().map(|posting| posting.id).collect();
        let (stored, looked_at) = texts::next(conn, merchant_id, &ids).await?;
        finding.seen += looked_at;
        if finding.seen > MAX_CANDIDATES {
            return Err(QueryError::TooComplex);
        }
        let query = Arc::clone(query);
        let found = off_the_worker(move || decide(&query, stored)).await?;
        for (number, event) in found {
            finding.take(candidates[number], event);
            if !finding.goes_on() {
                break;
            }
        }
        candidates = &candidates[looked_at..];
    }
    Ok(())
}

fn decide(
    query: &EventQuery,
    stored: Vec<(usize, StoredEvent)>,
) -> Result<Vec<(usize, FoundEvent)>, QueryError> {
    let mut found = Vec::new();
    for (number, event) in stored {
        let content = json::parse(&event.content)?;
        if fulfils(query, event.recorded_at, &content) {
            let is_error_declaration = is_error_declaration(&content);
            found.push((number, found_event(event, is_error_declaration)));
        }
    }
    Ok(found)
}

/// The event with an ID, and the declaration that it was an error, if there is one; by record time.
pub async fn by_event_id(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    event_id: &str,
) -> Result<Vec<FoundEvent>, QueryError> {
    let keys = [event_key(event_id, false), event_key(event_id, true)];
    let taken = taken_event_keys(conn, merchant_id, &keys).await?;
    let ids: Vec<StatementId> = taken.iter().map(|taken| taken.id).collect();
    let mut found = events_at(conn, merchant_id, &ids).await?;
    found.sort_by_key(|event| (event.recorded_at, event.id));
    let is_erased = |id| {
        taken
            .iter()
            .any(|taken| taken.id == id && taken.content_sha256.is_none())
    };
    let read = |event: StoredEvent| {
        let declares = is_error_declaration(&json::parse(&event.content)?);
        Ok(FoundEvent {
            is_erased: Some(is_erased(event.id)),
            ..found_event(event, declares)
        })
    };
    found.into_iter().map(read).collect()
}

fn found_event(stored: StoredEvent, is_error_declaration: bool) -> FoundEvent {
    FoundEvent {
        id: stored.id,
        recorded_at: stored.recorded_at,
        is_error_declaration,
        is_erased: None,
        content: stored.content,
    }
}

fn is_error_declaration(content: &json::Value<'_>) -> bool {
    let body = content.get("body");
    body.is_some_and(|body| body.get("errorDeclaration").is_some())
}

/// The events with some IDs, and the declarations that they were errors.
async fn events_named(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    event_ids: &[String],
) -> Result<Vec<Posting>, QueryError> {
    let both = [false, true];
    let keys: Vec<_> = event_ids
        .iter()
        .flat_map(|id| both.map(|is_error| event_key(id, is_error)))
        .collect();
    let taken = taken_event_keys(conn, merchant_id, &keys).await?;
    let ids: Vec<StatementId> = taken.iter().map(|taken| taken.id).collect();
    let mut found = Vec::new();
    let mut rest = ids.as_slice();
    while !rest.is_empty() {
        let (some, read) = texts::next(conn, merchant_id, rest).await?;
        rest = &rest[read..];
        found.extend(off_the_worker(move || postings_of(&some)).await?);
    }
    Ok(found)
}

fn postings_of(stored: &[(usize, StoredEvent)]) -> Result<Vec<Posting>, QueryError> {
    let mut found = Vec::new();
    for (_, event) in stored {
        let content = json::parse(&event.content)?;
        let body = content.get("body");
        let time = body.and_then(|body| body.get("eventTime")?.as_str());
        let Some(time) = time.and_then(crate::domain::epcis::instant) else {
            continue;
        };
        found.push(Posting {
            event_ms: milliseconds(time),
            recorded_ms: milliseconds(event.recorded_at),
            id: event.id,
        });
    }
    Ok(found)
}
