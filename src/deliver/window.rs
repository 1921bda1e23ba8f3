//! What was sealed since a subscription looked last, and what of it fulfils its query.

use auditlog::LeafIndex;
use auditlog::json::{self, JsonError};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::epcis::query::EventQuery;
use crate::domain::epcis::query::named::Wanted;
use crate::query::{
    self, Form, FoundEvent, QueryError, ReadEvent, Recent, ResultsOf, query_document,
};
use crate::store::batch::{SealedBatch, batches_of_merchant_from};
use crate::store::statement::{StoredEvent, Stretch, events_in_order};
use crate::store::subscription::Due;

/// Events that are looked at together; a delivery has no more.
pub(super) const MAX_EVENTS: i64 = 1_000;
/// Bytes of these, as they were captured; one event is always read, however large.
pub(super) const MAX_BYTES: i64 = 1024 * 1024;

/// A stretch of the log, of one merchant.
#[derive(Debug)]
pub(super) struct Window {
    /// In the order of the log.
    pub events: Vec<StoredEvent>,
    /// The first place that was not looked at.
    pub until: LeafIndex,
    /// Whether nothing more is sealed.
    pub is_last: bool,
}

impl Window {
    /// Reads on from `from`, to `until` where a delivery is made again. The transaction must act for the
    /// merchant and see one moment.
    pub async fn read(
        conn: &mut PgConnection,
        merchant_id: Uuid,
        from: LeafIndex,
        until: Option<LeafIndex>,
    ) -> sqlx::Result<Window> {
        let mut batches = batches_of_merchant_from(conn, merchant_id, from, MAX_EVENTS).await?;
        let mut is_last = (batches.len() as i64) < MAX_EVENTS;
        let enough = enough(&batches, from);
        if enough < batches.len() {
            batches.truncate(enough);
            is_last = false;
        }
        let end = batches
            .last()
            .map_or(from, |last| LeafIndex(last.last_index().0 + 1));
        let stop = until.map_or(end, |until| until.min(end));
        is_last &= stop == end;
        let stretch = Stretch {
            from,
            until: stop,
            limit: MAX_EVENTS,
            bytes: MAX_BYTES,
        };
        let found = events_in_order(conn, merchant_id, &batches, stretch).await?;
        let bytes: usize = found.iter().map(|(_, event)| event.content.len()).sum();
        let is_cut = found.len() as i64 >= MAX_EVENTS || bytes as i64 >= MAX_BYTES;
        let until = match found.last() {
            // There may be more behind the last one that was read.
            Some((place, _)) if is_cut => LeafIndex(place.0 + 1),
            _ => stop,
        };
        is_last &= until == stop;
        Ok(Window {
            events: found.into_iter().map(|(_, event)| event).collect(),
            until,
            is_last,
        })
    }
}

/// How many of the batches hold as many statements as are looked at together.
fn enough(batches: &[SealedBatch], from: LeafIndex) -> usize {
    let mut statements = 0;
    for (number, sealed) in batches.iter().enumerate() {
        statements += sealed.last_index().0 + 1 - sealed.first_index.0.max(from.0);
        if statements >= MAX_EVENTS as u64 {
            return number + 1;
        }
    }
    batches.len()
}

/// What a subscription wants: its query, and the form for its deliveries.
#[derive(Debug)]
pub(super) struct Wish {
    query: EventQuery,
    form: Form,
    recorded_from: Option<OffsetDateTime>,
    made_at: OffsetDateTime,
}

impl Wish {
    /// Reads what a subscription wants. The transaction must act for the merchant and see one moment.
    pub async fn read(
        conn: &mut PgConnection,
        recent: &mut Recent,
        due: &Due,
        now: OffsetDateTime,
    ) -> Result<Wish, QueryError> {
        let subscription = &due.subscription;
        let wanted = Wanted::read(&due.query).map_err(QueryError::Named)?;
        let query = query::read(conn, recent, &wanted).await?;
        let form = Form::of(subscription.epc_format, conn, recent).await?;
        let tried = subscription.progress.tried;
        Ok(Wish {
            query,
            form,
            recorded_from: subscription.initial_record_time,
            // A document that is sent again bears the time of the first.
            made_at: tried.map_or(now, |tried| tried.at),
        })
    }

    fn holds(&self, event: &StoredEvent, read: &ReadEvent<'_>) -> bool {
        let is_early = self
            .recorded_from
            .is_some_and(|from| event.recorded_at < from);
        !is_early && read.fulfils(&self.query)
    }
}

/// A document for a subscription.
#[derive(Debug)]
pub(super) struct Document {
    /// EPCIS 2.0, an EPCISQueryDocument.
    pub text: String,
    /// How many events are in it.
    pub count: usize,
}

/// The document of each subscription: those of the events that it wants, in the order of the log. Each event
/// is parsed once, however many ask for it.
pub(super) fn documents(
    events: &[StoredEvent],
    asking: &[(Due, Wish)],
) -> Result<Vec<Document>, JsonError> {
    let mut found: Vec<Vec<FoundEvent>> = asking.iter().map(|_| Vec::new()).collect();
    for event in events {
        let content = json::parse(&event.content)?;
        let Some(read) = ReadEvent::of(event.recorded_at, &content) else {
            continue;
        };
        for ((_, wish), found) in asking.iter().zip(&mut found) {
            if wish.holds(event, &read) {
                found.push(FoundEvent {
                    id: event.id,
                    recorded_at: event.recorded_at,
                    is_error_declaration: read.is_error_declaration(),
                    is_erased: None,
                    content: event.content.clone(),
                });
            }
        }
    }
    let document = |((due, wish), events): (&(Due, Wish), Vec<FoundEvent>)| {
        let subscription = &due.subscription;
        let id = subscription.id.to_string();
        let of = ResultsOf {
            query_name: &subscription.query_name,
            subscription_id: Some(&id),
        };
        Ok(Document {
            text: query_document(of, &events, &wish.form, wish.made_at)?,
            count: events.len(),
        })
    };
    asking.iter().zip(found).map(document).collect()
}
