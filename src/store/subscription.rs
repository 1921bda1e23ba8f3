//! Subscriptions: who is told of the events that fulfil a named query, and how far that has come.

use auditlog::LeafIndex;
use auditlog::json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use crate::domain::epcis::EpcFormat;
use crate::domain::schedule::Schedule;
use crate::domain::subscription::{Pace, Progress, Subscription, Tried};

/// Stores a subscription with its sealed secret; false if its query is gone. Where it begins in the log is
/// found here: at the merchant's first batch that was recorded at `initial_record_time` or later, or, without
/// one, after all that is sealed. The transaction must act for the merchant already.
pub async fn insert_subscription(
    conn: &mut PgConnection,
    new: &Subscription,
    sealed_token: Option<&[u8]>,
) -> Result<bool> {
    // A batch that is not sealed yet gets a place after all that are.
    let done = sqlx::query!(
        "INSERT INTO subscription (merchant_id, id, query_name, dest, sealed_token, epc_format,
             schedule, report_if_empty, initial_record_time, created_at, min_record_time,
             next_attempt_at, next_index)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
                coalesce((SELECT min(first_index) FROM sealed_batch
                          WHERE merchant_id = $1 AND recorded_at >= $9),
                         (SELECT first_index + statement_count FROM sealed_batch
                          WHERE merchant_id = $1 ORDER BY first_index DESC LIMIT 1), 0)
         FROM named_query WHERE merchant_id = $1 AND name = $3",
        new.merchant_id,
        new.id,
        new.query_name,
        new.dest,
        sealed_token,
        new.epc_format.name(),
        schedule_text(&new.pace),
        new.report_if_empty,
        new.initial_record_time,
        new.created_at,
        new.progress.min_record_time,
        new.progress.next_attempt_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

fn schedule_text(pace: &Pace) -> Option<String> {
    match pace {
        Pace::Stream => None,
        Pace::Schedule(schedule) => Some(schedule.to_json().to_compact()),
    }
}

/// How many subscriptions a merchant has.
pub async fn count_subscriptions(conn: &mut PgConnection, merchant_id: Uuid) -> Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM subscription WHERE merchant_id = $1"#,
        merchant_id,
    )
    .fetch_one(conn)
    .await
}

/// A subscription to a query of a merchant.
pub async fn subscription(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    query_name: &str,
    id: Uuid,
) -> Result<Option<Subscription>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT merchant_id, id, query_name, dest, epc_format, schedule, report_if_empty,
                initial_record_time, created_at, next_index, min_record_time, last_notified_at,
                next_attempt_at, has_reported, failures, last_failure, tried_until, tried_at
         FROM subscription WHERE merchant_id = $1 AND query_name = $2 AND id = $3",
        merchant_id,
        query_name,
        id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::read).transpose()
}

/// The subscriptions to a query of a merchant after the one with the id `after`, oldest first.
pub async fn subscriptions_after(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    query_name: &str,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Subscription>> {
    // Ids are UUIDv7: in the order of their time.
    let rows = sqlx::query_as!(
        Row,
        "SELECT merchant_id, id, query_name, dest, epc_format, schedule, report_if_empty,
                initial_record_time, created_at, next_index, min_record_time, last_notified_at,
                next_attempt_at, has_reported, failures, last_failure, tried_until, tried_at
         FROM subscription WHERE merchant_id = $1 AND query_name = $2 AND id > $3
         ORDER BY id LIMIT $4",
        merchant_id,
        query_name,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Ends a subscription; false if there is none.
pub async fn delete_subscription(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    query_name: &str,
    id: Uuid,
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM subscription WHERE merchant_id = $1 AND query_name = $2 AND id = $3",
        merchant_id,
        query_name,
        id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A subscription whose turn it is.
#[derive(Debug, Clone)]
pub struct Due {
    /// The subscription.
    pub subscription: Subscription,
    /// The text of its query.
    pub query: String,
    /// The secret that deliveries are signed with, sealed.
    pub sealed_token: Option<Vec<u8>>,
}

/// Whose turn is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    /// At which time.
    pub now: OffsetDateTime,
    /// Those that failed last time, or those that did not.
    pub is_failing: bool,
    /// Subscriptions to leave out.
    pub busy: &'a [Uuid],
    /// Merchants to leave out.
    pub full: &'a [Uuid],
    /// How many at most.
    pub limit: i64,
}

/// Subscriptions whose turn it is, those first that wait longest; in the deliverer's role. A stream's turn
/// comes when something of its merchant's was sealed that it was not told of, a schedule's with its time.
pub async fn due_subscriptions(conn: &mut PgConnection, turn: Turn<'_>) -> Result<Vec<Due>> {
    let rows = sqlx::query!(
        r#"SELECT s.merchant_id, s.id, s.query_name, s.dest, s.epc_format, s.schedule,
                  s.report_if_empty, s.initial_record_time, s.created_at, s.next_index,
                  s.min_record_time, s.last_notified_at, s.next_attempt_at, s.has_reported,
                  s.failures, s.last_failure, s.tried_until, s.tried_at, s.sealed_token, q.query
           FROM subscription s
           JOIN named_query q ON q.merchant_id = s.merchant_id AND q.name = s.query_name
           WHERE s.next_attempt_at <= $1 AND (s.failures > 0) = $2
             AND s.id <> ALL($3) AND s.merchant_id <> ALL($4)
             AND (s.schedule IS NOT NULL OR s.next_index < (
                 SELECT b.first_index + b.statement_count FROM sealed_batch b
                 WHERE b.merchant_id = s.merchant_id ORDER BY b.first_index DESC LIMIT 1))
           ORDER BY s.next_attempt_at, s.id LIMIT $5"#,
        turn.now,
        turn.is_failing,
        turn.busy,
        turn.full,
        turn.limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let (query, sealed_token) = (row.query, row.sealed_token);
            let row = Row {
                merchant_id: row.merchant_id,
                id: row.id,
                query_name: row.query_name,
                dest: row.dest,
                epc_format: row.epc_format,
                schedule: row.schedule,
                report_if_empty: row.report_if_empty,
                initial_record_time: row.initial_record_time,
                created_at: row.created_at,
                next_index: row.next_index,
                min_record_time: row.min_record_time,
                last_notified_at: row.last_notified_at,
                next_attempt_at: row.next_attempt_at,
                has_reported: row.has_reported,
                failures: row.failures,
                last_failure: row.last_failure,
                tried_until: row.tried_until,
                tried_at: row.tried_at,
            };
            Ok(Due {
                subscription: row.read()?,
                query,
                sealed_token,
            })
        })
        .collect()
}

/// Stores how far a subscription has come, if it still stands at `from`; in the deliverer's role. False if
/// somebody else has moved it, or ended it.
pub async fn move_subscription(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    id: Uuid,
    from: &Progress,
    to: &Progress,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE subscription
         SET next_index = $5, min_record_time = $6, last_notified_at = $7, next_attempt_at = $8,
             has_reported = $9, failures = $10, last_failure = $11, tried_until = $12, tried_at = $13
         WHERE merchant_id = $1 AND id = $2 AND next_index = $3 AND failures = $4",
        merchant_id,
        id,
        from.next_index.0 as i64,
        from.failures as i32,
        to.next_index.0 as i64,
        to.min_record_time,
        to.last_notified_at,
        to.next_attempt_at,
        to.has_reported,
        to.failures as i32,
        to.last_failure,
        to.tried.map(|tried| tried.until.0 as i64),
        to.tried.map(|tried| tried.at),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How many subscriptions there are, and how many of them failed last time; in the deliverer's role.
pub async fn count_all_subscriptions(conn: &mut PgConnection) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "all!", count(*) FILTER (WHERE failures > 0) AS "failing!"
           FROM subscription"#
    )
    .fetch_one(conn)
    .await?;
    Ok((row.all, row.failing))
}

struct Row {
    merchant_id: Uuid,
    id: Uuid,
    query_name: String,
    dest: String,
    epc_format: String,
    schedule: Option<String>,
    report_if_empty: bool,
    initial_record_time: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    next_index: i64,
    min_record_time: OffsetDateTime,
    last_notified_at: Option<OffsetDateTime>,
    next_attempt_at: OffsetDateTime,
    has_reported: bool,
    failures: i32,
    last_failure: Option<String>,
    tried_until: Option<i64>,
    tried_at: Option<OffsetDateTime>,
}

impl Row {
    fn read(self) -> Result<Subscription> {
        let decode = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
        let pace = match &self.schedule {
            None => Pace::Stream,
            Some(text) => {
                let value = json::parse(text).map_err(|error| decode(error.into()))?;
                let schedule = Schedule::read(&value).map_err(|error| decode(error.into()))?;
                Pace::Schedule(schedule)
            }
        };
        let epc_format = EpcFormat::parse(&self.epc_format);
        Ok(Subscription {
            merchant_id: self.merchant_id,
            id: self.id,
            query_name: self.query_name,
            dest: self.dest,
            epc_format: epc_format.map_err(|error| decode(error.into()))?,
            pace,
            report_if_empty: self.report_if_empty,
            initial_record_time: self.initial_record_time,
            created_at: self.created_at,
            progress: Progress {
                next_index: LeafIndex(self.next_index as u64),
                min_record_time: self.min_record_time,
                last_notified_at: self.last_notified_at,
                next_attempt_at: self.next_attempt_at,
                has_reported: self.has_reported,
                failures: self.failures as u32,
                last_failure: self.last_failure,
                tried: self
                    .tried_until
                    .zip(self.tried_at)
                    .map(|(until, at)| Tried {
                        until: LeafIndex(until as u64),
                        at,
                    }),
            },
        })
    }
}
