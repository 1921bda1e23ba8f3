//! What the trace index says of the items of lots, a page at a time.

use std::collections::HashSet;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::walk::Rows;
use super::{Result, text};
use crate::domain::statement::StatementId;

/// A lot, and the last of its statements that was read.
#[derive(Debug, Clone, Copy)]
pub struct Lot {
    /// See [`crate::domain::identity_key::identity_key`].
    pub key: i64,
    /// When it happened, to the millisecond, and which it was.
    pub after: (OffsetDateTime, StatementId),
}

/// A statement that gives items to a lot.
#[derive(Debug)]
pub struct Naming {
    /// The lot's place among those that were asked for.
    pub lot: usize,
    /// When it happened, to the millisecond.
    pub event_time: OffsetDateTime,
    /// Where it is stored.
    pub id: StatementId,
    /// What was said.
    pub content: String,
}

/// The next statements that give items to lots, as far as they were recorded by a time: lot by lot in their order,
/// and of each by when it happened. None once there are no more. Keys can collide: the caller compares the lots
/// themselves.
pub async fn namings_after(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    lots: &[Lot],
    recorded_until: OffsetDateTime,
    rows: Rows,
) -> Result<Vec<Naming>> {
    let keys: Vec<i64> = lots.iter().map(|lot| lot.key).collect();
    let times: Vec<OffsetDateTime> = lots.iter().map(|lot| lot.after.0).collect();
    let batches: Vec<Uuid> = lots.iter().map(|lot| lot.after.1.batch_id).collect();
    let positions: Vec<i32> = lots.iter().map(|lot| lot.after.1.position).collect();
    let rows = sqlx::query!(
        r#"SELECT s.place AS "place!", s.event_time AS "event_time!",
                  s.batch_id AS "batch_id!", s.position AS "position!", s.content AS "content!"
           FROM (SELECT s.batch_id, s.position, s.content, found.place, found.event_time,
                        sum(octet_length(s.content)) OVER
                            (ORDER BY found.place, found.event_time, s.batch_id, s.position
                             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                 FROM (SELECT w.place, t.event_time, t.batch_id, t.position
                       FROM unnest($2::bigint[], $3::timestamptz[], $4::uuid[], $5::integer[])
                            WITH ORDINALITY AS w (key, at, batch_id, position, place)
                       CROSS JOIN LATERAL (
                           SELECT event_time, batch_id, position FROM trace_index
                           WHERE merchant_id = $1 AND identity_key = w.key AND role = 6 AND turn = 0
                             AND (event_time, batch_id, position) > (w.at, w.batch_id, w.position)
                             AND recorded_at <= $6
                           ORDER BY event_time, batch_id, position LIMIT $7) AS t
                       ORDER BY w.place, t.event_time, t.batch_id, t.position LIMIT $7) AS found
                 JOIN statement s
                   ON s.merchant_id = $1 AND s.batch_id = found.batch_id
                  AND s.position = found.position) AS s
           WHERE coalesce(s.before, 0) <= $8
           ORDER BY s.place, s.event_time, s.batch_id, s.position"#,
        merchant_id,
        &keys,
        &times,
        &batches,
        &positions,
        recorded_until,
        rows.limit,
        rows.content_bytes,
    )
    .fetch_all(conn)
    .await?;
    let naming = rows.into_iter().map(|row| {
        Ok(Naming {
            lot: row.place as usize - 1,
            event_time: row.event_time,
            id: StatementId {
                batch_id: row.batch_id,
                position: row.position,
            },
            content: text(row.content)?,
        })
    });
    naming.collect()
}

/// The content of statements by which things went into processes, with whatever was in them: since a time, as far as
/// they were recorded by another, and no more than `limit`.
pub async fn uses_of_things(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    since: OffsetDateTime,
    recorded_until: OffsetDateTime,
    rows: Rows,
) -> Result<Vec<(StatementId, String)>> {
    let rows = sqlx::query!(
        r#"SELECT s.batch_id AS "batch_id!", s.position AS "position!", s.content AS "content!"
           FROM (SELECT s.batch_id, s.position, s.content,
                        sum(octet_length(s.content)) OVER
                            (ORDER BY s.batch_id, s.position
                             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                 FROM (SELECT DISTINCT event_time, batch_id, position FROM trace_index
                       WHERE merchant_id = $1 AND role = 4 AND turn = 12
                         AND event_time >= $2 AND recorded_at <= $3
                       ORDER BY event_time, batch_id, position LIMIT $4) AS found
                 JOIN statement s
                   ON s.merchant_id = $1 AND s.batch_id = found.batch_id
                  AND s.position = found.position) AS s
           WHERE coalesce(s.before, 0) <= $5"#,
        merchant_id,
        since,
        recorded_until,
        rows.limit,
        rows.content_bytes,
    )
    .fetch_all(conn)
    .await?;
    let used = rows.into_iter().map(|row| {
        let id = StatementId {
            batch_id: row.batch_id,
            position: row.position,
        };
        Ok((id, text(row.content)?))
    });
    used.collect()
}

/// Those of some keys of which any event speaks, as far as it was recorded by a time. Keys can collide. Asked of millions:
/// the roles stand as in the partial index, which is why it is not [`on_record`] with other roles.
pub async fn spoken_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    keys: &[i64],
    recorded_until: OffsetDateTime,
) -> Result<HashSet<i64>> {
    let spoken = sqlx::query_scalar!(
        r#"SELECT w.key AS "key!"
           FROM unnest($2::bigint[]) AS w (key)
           CROSS JOIN LATERAL (
               SELECT 1 AS one FROM trace_index
               WHERE merchant_id = $1 AND identity_key = w.key AND role BETWEEN 1 AND 5
                 AND recorded_at <= $3
               LIMIT 1) AS t"#,
        merchant_id,
        keys,
        recorded_until,
    )
    .fetch_all(conn)
    .await?;
    Ok(spoken.into_iter().collect())
}

/// Those of some keys that are on record: an event speaks of it or gives items to it, codes were issued for it, or it is
/// a product that was described. Keys can collide.
pub async fn on_record(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    keys: &[i64],
    recorded_until: OffsetDateTime,
) -> Result<HashSet<i64>> {
    let named = sqlx::query_scalar!(
        r#"SELECT w.key AS "key!"
           FROM unnest($2::bigint[]) AS w (key)
           CROSS JOIN LATERAL (
               SELECT 1 AS one FROM trace_index
               WHERE merchant_id = $1 AND identity_key = w.key AND role BETWEEN 1 AND 7
                 AND recorded_at <= $3
               LIMIT 1) AS t"#,
        merchant_id,
        keys,
        recorded_until,
    )
    .fetch_all(conn)
    .await?;
    Ok(named.into_iter().collect())
}

/// A lot, and since when something is wrong with it.
#[derive(Debug, Clone, Copy)]
pub struct Wrong {
    /// See [`crate::domain::identity_key::identity_key`].
    pub key: i64,
    /// To the millisecond.
    pub since: OffsetDateTime,
}

/// How many items came into the world as those of a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// Since something was wrong with it.
    pub since: i64,
    /// Before that.
    pub before: i64,
}

/// How many items came into the world as those of each lot, in their order, as far as it was recorded by a time; `None`
/// where more than `limit` statements say so. As [`count_items`] has it, one that did so twice counts twice.
pub async fn count_items_of_few(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    lots: &[i64],
    recorded_until: OffsetDateTime,
    limit: i64,
) -> Result<Vec<Option<u64>>> {
    let counted = sqlx::query!(
        r#"SELECT coalesce(sum(t.items), 0) AS "items!", count(t.items) AS "statements!"
           FROM unnest($2::bigint[]) WITH ORDINALITY AS w (key, place)
           LEFT JOIN LATERAL (
               SELECT items FROM trace_index
               WHERE merchant_id = $1 AND identity_key = w.key AND role = 6 AND turn = 0
                 AND recorded_at <= $3
               LIMIT $4) AS t ON true
           GROUP BY w.place
           ORDER BY w.place"#,
        merchant_id,
        lots,
        recorded_until,
        limit + 1,
    )
    .fetch_all(conn)
    .await?;
    let counted = counted.into_iter().map(|row| {
        let items = u64::try_from(row.items).ok();
        items.filter(|_| row.statements <= limit)
    });
    Ok(counted.collect())
}

/// How many items came into the world as those of each lot, in their order, as far as it was recorded by a time: from
/// the index alone, which is why one that did so twice counts twice.
pub async fn count_items(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    lots: &[Wrong],
    recorded_until: OffsetDateTime,
) -> Result<Vec<Made>> {
    let keys: Vec<i64> = lots.iter().map(|lot| lot.key).collect();
    let since: Vec<OffsetDateTime> = lots.iter().map(|lot| lot.since).collect();
    sqlx::query_as!(
        Made,
        r#"SELECT coalesce(sum(t.items) FILTER (WHERE t.event_time >= w.since), 0) AS "since!",
                  coalesce(sum(t.items) FILTER (WHERE t.event_time < w.since), 0) AS "before!"
           FROM unnest($2::bigint[], $3::timestamptz[]) WITH ORDINALITY AS w (key, since, place)
           LEFT JOIN trace_index t
             ON t.merchant_id = $1 AND t.identity_key = w.key AND t.role = 6 AND t.turn = 0
            AND t.recorded_at <= $4
           GROUP BY w.place
           ORDER BY w.place"#,
        merchant_id,
        &keys,
        &since,
        recorded_until,
    )
    .fetch_all(conn)
    .await
}
