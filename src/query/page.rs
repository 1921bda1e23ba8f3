//! A page of an answer.

use std::collections::HashMap;

use auditlog::json;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::candidates::{Candidates, Order, Reach, Stream, posting_of};
use super::decide::fulfils;
use super::{Cursor, FoundEvent, MAX_CANDIDATES, Page, QueryError};
use crate::domain::epcis::index::is_indexed_elsewhere;
use crate::domain::epcis::query::{
    Condition, EventQuery, OrderBy, Span, Test, Total, every_event, overflow,
};
use crate::domain::epcis::{FactValue, Names, facts};
use crate::domain::event_key::event_key;
use crate::domain::identity_key::identity_key;
use crate::domain::posting::{BatchIndex, Posting, Term};
use crate::domain::statement::{Role, StatementId};
use crate::domain::time::milliseconds;
use crate::store::event_index::{EventBatch, Way, count_term_rows, unmerged_event_batches};
use crate::store::event_key::taken_event_keys;
use crate::store::statement::{StoredEvent, events_at};
use crate::store::trace_index::{Hit, IdentityHits, identity_hits};

/// Batches that wait to be merged and are still looked through by every query.
const MAX_UNMERGED: i64 = 20_000;
/// Hits of identities that are ordered by record time in memory.
const MAX_SORTED: usize = 50_000;
/// Rows of a term are counted no further.
const COUNTED: i64 = 500;
/// Candidates whose texts are read together, at least.
const TOGETHER: usize = 64;

/// A page of at most `per_page` events after `after`. The transaction must act for the merchant, and see
/// one moment: what is merged meanwhile would be missed or seen twice.
pub async fn page(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    query: &EventQuery,
    after: Option<Cursor>,
    per_page: u32,
) -> Result<Page, QueryError> {
    let left = match (after, query.total) {
        (Some(cursor), _) => cursor.left,
        (None, Total::First(first)) => Some(first),
        (None, _) => None,
    };
    let wanted = per_page.min(left.unwrap_or(u32::MAX)) as usize;
    // The first page knows whether there are too many; the others are pages of an answer that is not.
    let looked_for = match (after, query.total) {
        (None, Total::AtMost(most)) => wanted.max(most as usize),
        _ => wanted,
    };
    let order = order_of(query);
    let mut candidates = candidates(conn, merchant_id, query, after, order).await?;
    let mut events: Vec<(Posting, FoundEvent)> = Vec::new();
    let mut seen = 0;
    let together = TOGETHER.max(looked_for.min(1_000) + 1);
    while events.len() <= looked_for {
        let mut some = Vec::with_capacity(together);
        while some.len() < together
            && let Some(candidate) = candidates.next(conn).await?
        {
            some.push(candidate);
        }
        if some.is_empty() {
            break;
        }
        seen += some.len();
        if seen > MAX_CANDIDATES {
            return Err(QueryError::TooComplex);
        }
        events.extend(fulfilling(conn, merchant_id, query, &some).await?);
    }
    if let (None, Total::AtMost(most)) = (after, query.total)
        && events.len() > most as usize
    {
        return Err(QueryError::TooLarge(most));
    }
    let goes_on = events.len() > wanted && left.is_none_or(|left| left as usize > wanted);
    events.truncate(wanted);
    let next = events
        .last()
        .filter(|_| goes_on)
        .map(|(posting, _)| Cursor {
            at_ms: order.place(posting).0,
            id: posting.id,
            left: left.map(|left| left - wanted as u32),
        });
    let events = events.into_iter().map(|(_, event)| event).collect();
    Ok(Page { events, next })
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
    let read = |event: StoredEvent| {
        let declares = is_error_declaration(&json::parse(&event.content)?);
        Ok(found_event(event, declares))
    };
    found.into_iter().map(read).collect()
}

fn found_event(stored: StoredEvent, is_error_declaration: bool) -> FoundEvent {
    FoundEvent {
        id: stored.id,
        recorded_at: stored.recorded_at,
        is_error_declaration,
        content: stored.content,
    }
}

fn is_error_declaration(content: &json::Value<'_>) -> bool {
    let body = content.get("body");
    body.is_some_and(|body| body.get("errorDeclaration").is_some())
}

fn order_of(query: &EventQuery) -> Order {
    Order {
        way: Way {
            by_record_time: query.order_by == OrderBy::RecordTime,
            ascending: query.ascending,
        },
    }
}

/// Those of the candidates that fulfil the query, in their order.
async fn fulfilling(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    query: &EventQuery,
    candidates: &[Posting],
) -> Result<Vec<(Posting, FoundEvent)>, QueryError> {
    let near = candidates
        .iter()
        .filter(|candidate| may_lie_in(candidate, query));
    let ids: Vec<StatementId> = near.map(|candidate| candidate.id).collect();
    let stored = events_at(conn, merchant_id, &ids).await?;
    let mut stored: HashMap<StatementId, StoredEvent> =
        stored.into_iter().map(|event| (event.id, event)).collect();
    let mut found = Vec::new();
    for candidate in candidates {
        let Some(event) = stored.remove(&candidate.id) else {
            continue;
        };
        let content = json::parse(&event.content)?;
        if fulfils(query, event.recorded_at, &content) {
            let is_error_declaration = is_error_declaration(&content);
            found.push((*candidate, found_event(event, is_error_declaration)));
        }
    }
    Ok(found)
}

/// To the millisecond, before the event is read.
fn may_lie_in(candidate: &Posting, query: &EventQuery) -> bool {
    let reach = |span: &Span, ms: i64| {
        let reach = reach_of(span);
        (reach.first..=reach.last).contains(&ms)
    };
    reach(&query.event_time, candidate.event_ms) && reach(&query.record_time, candidate.recorded_ms)
}

fn reach_of(span: &Span) -> Reach {
    // The end is not in the span; a millisecond that it cuts may still hold something before it.
    Reach {
        first: span.from.map_or(i64::MIN, milliseconds),
        last: span.until.map_or(i64::MAX, milliseconds),
    }
}

/// The supplies of candidates for a query: those of its one most telling condition.
async fn candidates(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    query: &EventQuery,
    after: Option<Cursor>,
    order: Order,
) -> Result<Candidates, QueryError> {
    let span = match order.way.by_record_time {
        true => &query.record_time,
        false => &query.event_time,
    };
    let reach = reach_of(span);
    let edge = if order.way.ascending {
        reach.first
    } else {
        reach.last
    };
    let start = match after {
        Some(cursor) if order.way.ascending => cursor.at_ms.max(edge),
        Some(cursor) => cursor.at_ms.min(edge),
        None => edge,
    };
    let telling = most_telling(conn, merchant_id, query).await?;
    let mut streams = Vec::new();
    if !telling.event_ids.is_empty() {
        let ids = events_named(conn, merchant_id, &telling.event_ids).await?;
        streams.push(Stream::list(ids, order));
    }
    if !telling.keys.is_empty() {
        let begin = before_all(start, order);
        if order.way.by_record_time {
            let all = all_hits(conn, merchant_id, &telling.keys, &telling.roles).await?;
            streams.push(Stream::list(all, order));
        } else {
            streams.push(Stream::identities(telling.keys, telling.roles, begin));
        }
    }
    if !telling.terms.is_empty() {
        let waiting = unmerged(conn, merchant_id, &telling.terms).await?;
        streams.push(Stream::list(waiting, order));
        streams.push(Stream::terms(telling.terms, start));
    }
    Ok(Candidates::new(merchant_id, order, reach, after, streams))
}

/// What proposes candidates: every event that fulfils the query is among those of any of these.
#[derive(Default)]
struct Telling {
    event_ids: Vec<String>,
    keys: Vec<i64>,
    roles: Vec<i16>,
    terms: Vec<Term>,
}

async fn most_telling(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    query: &EventQuery,
) -> Result<Telling, QueryError> {
    let mut best: Option<(i64, Telling)> = None;
    for condition in &query.conditions {
        let telling = Telling::of(condition);
        // An identity or an ID tells more than a word does, and a rarer word more than a common one.
        let rows = match telling.terms.is_empty() {
            true => 0,
            false => 1 + count_term_rows(conn, merchant_id, &telling.terms, COUNTED).await?,
        };
        if best.as_ref().is_none_or(|(known, _)| rows < *known) {
            best = Some((rows, telling));
        }
        if rows == 0 {
            break;
        }
    }
    Ok(best.map_or_else(Telling::everything, |(_, telling)| telling))
}

impl Telling {
    fn everything() -> Telling {
        Telling {
            terms: vec![every_event()],
            ..Telling::default()
        }
    }

    fn of(condition: &Condition) -> Telling {
        let mut telling = Telling::default();
        let Test::AnyOf(values) = &condition.test else {
            telling.terms = condition.terms();
            telling.terms.push(overflow());
            return telling;
        };
        let mut others = condition.clone();
        others.fields.retain(|field| !is_indexed_elsewhere(field));
        for field in condition.fields.iter().filter(|f| is_indexed_elsewhere(f)) {
            if field == "eventID" {
                telling.event_ids.extend(values.iter().cloned());
                continue;
            }
            telling.keys = values.iter().map(|value| identity_key(value)).collect();
            let roles = roles_of(field).iter().filter_map(|role| role.index_code());
            telling.roles.extend(roles);
        }
        telling.keys.sort_unstable();
        telling.keys.dedup();
        if !others.fields.is_empty() {
            telling.terms = others.terms();
            telling.terms.push(overflow());
        }
        telling
    }
}

/// The roles under which the trace index holds the identities of a field.
fn roles_of(field: &str) -> &'static [Role] {
    match field {
        "epc" | "epcClass" => &[Role::Epc, Role::Child],
        "parent" => &[Role::Parent],
        "input" | "inputClass" => &[Role::Input],
        "output" | "outputClass" => &[Role::Output],
        _ => &[],
    }
}

/// A place before everything that an answer may still show.
fn before_all(start: i64, order: Order) -> Hit {
    // Postgres and RFC 3339 know no later year.
    const LAST: OffsetDateTime = time::macros::datetime!(9999-12-31 23:59:59.999 UTC);
    const FIRST: OffsetDateTime = time::macros::datetime!(0000-01-01 0:00 UTC);
    let nanos = i128::from(start) * 1_000_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
    let (event_time, edge) = if order.way.ascending {
        (at.unwrap_or(FIRST), Uuid::nil())
    } else {
        (at.unwrap_or(LAST), Uuid::max())
    };
    // One step back, so that what happened at the very start is read too.
    let step = Duration::milliseconds(1);
    let event_time = match order.way.ascending {
        true => event_time.checked_sub(step).unwrap_or(event_time),
        false => event_time.checked_add(step).unwrap_or(event_time),
    };
    Hit {
        event_time,
        id: StatementId {
            batch_id: edge,
            position: if order.way.ascending { -1 } else { i32::MAX },
        },
        recorded_at: event_time,
    }
}

/// The events that wait to be merged and have one of the terms.
async fn unmerged(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    terms: &[Term],
) -> Result<Vec<Posting>, QueryError> {
    let mut found = Vec::new();
    for (index, batch) in unmerged_batches(conn, merchant_id).await? {
        let recorded_ms = milliseconds(batch.recorded_at);
        found.extend(index.matching(terms, batch.batch_id, recorded_ms));
    }
    Ok(found)
}

/// What captures left that waits to be merged.
pub(super) async fn unmerged_batches(
    conn: &mut PgConnection,
    merchant_id: Uuid,
) -> Result<Vec<(BatchIndex, EventBatch)>, QueryError> {
    let waiting = unmerged_event_batches(conn, merchant_id, MAX_UNMERGED + 1).await?;
    if waiting.len() as i64 > MAX_UNMERGED || waiting.iter().any(|batch| batch.terms.is_empty()) {
        return Err(QueryError::IndexBehind);
    }
    let read = |batch: EventBatch| Ok((BatchIndex::decode(&batch.terms)?, batch));
    waiting.into_iter().map(read).collect()
}

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
    for event in events_at(conn, merchant_id, &ids).await? {
        let content = json::parse(&event.content)?;
        let time = content
            .get("body")
            .and_then(|body| body.get("eventTime")?.as_str());
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

/// All hits of some identities: the index has them in the order of the events.
async fn all_hits(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    keys: &[i64],
    roles: &[i16],
) -> Result<Vec<Posting>, QueryError> {
    let ascending = Order {
        way: Way {
            by_record_time: false,
            ascending: true,
        },
    };
    let limit = MAX_SORTED as i64 + 1;
    let asked = IdentityHits {
        merchant_id,
        keys,
        roles,
        ascending: true,
        after: before_all(i64::MIN, ascending),
        limit,
    };
    let found = identity_hits(conn, asked).await?;
    let hits: Vec<Posting> = found.iter().flatten().map(posting_of).collect();
    if hits.len() > MAX_SORTED {
        return Err(QueryError::TooComplex);
    }
    Ok(hits)
}

/// The things that an event names, in their one form.
pub(super) fn identities_of(content: &str) -> Result<Vec<String>, QueryError> {
    let content = json::parse(content)?;
    let Some(body) = content.get("body") else {
        return Ok(Vec::new());
    };
    let facts = facts(body, Names::of(body.get("@context")));
    let things = facts.into_iter().filter_map(|fact| match fact.value {
        FactValue::Text(text) if !roles_of(&fact.field).is_empty() => Some(text.into_owned()),
        _ => None,
    });
    Ok(things.collect())
}
