//! What a walk asks of the trace index: the statements about a thing within a time, and no more of them than
//! it needs. Roles and turns stand here as numbers, so that the partial indexes answer: 1 to 5 are the roles
//! of things, see `ROLES` in `src/domain/statement.rs` and `Turn` in `src/domain/turn.rs`.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::statement::Row;
use crate::domain::event_key::EventKey;
use crate::domain::identity_key::identity_key;
use crate::domain::statement::{Role, StoredStatement};
use crate::domain::turn::Turn;

/// Instruments that were fastened to a thing before a walk comes to it; those fastened last are read.
const MAX_FITTED: i64 = 64;

/// Keeps, until the transaction ends, to plans that were made once. The queries here are long and what they
/// find is short: planned anew for each list of things, they take ten times as long as to be answered.
pub async fn keep_plans(conn: &mut PgConnection) -> Result<()> {
    sqlx::query_scalar!("SELECT set_config('plan_cache_mode', 'force_generic_plan', true)")
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// A thing, and a time from which on it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// See [`crate::domain::identity_key::identity_key`].
    pub key: i64,
    /// To the millisecond.
    pub since: OffsetDateTime,
}

/// What lies around that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    /// How often it was put into something before that; counted no further than asked.
    pub put_in_count: i64,
    /// When it was, the first of these times.
    pub put_in: Option<OffsetDateTime>,
    /// How often it was fastened to something, in the same way.
    pub fastened_count: i64,
    /// When it was.
    pub fastened: Option<OffsetDateTime>,
    /// When it was emptied first, after that.
    pub emptied: Option<OffsetDateTime>,
}

/// What lies around the time of each, in their order, as far as it was recorded by a time; of what was before
/// it the last `turns`.
pub async fn around(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    held: &[Held],
    turns: i64,
    recorded_until: OffsetDateTime,
) -> Result<Vec<Around>> {
    let keys: Vec<i64> = held.iter().map(|held| held.key).collect();
    let since: Vec<OffsetDateTime> = held.iter().map(|held| held.since).collect();
    sqlx::query_as!(
        Around,
        r#"SELECT packed.count AS "put_in_count!", packed.first AS put_in,
                  built.count AS "fastened_count!", built.first AS fastened,
                  least(
                      (SELECT t.event_time FROM trace_index t
                       WHERE t.merchant_id = $1 AND t.identity_key = held.key
                         AND t.role = 2 AND t.turn = 7
                         AND t.event_time > held.since AND t.recorded_at <= $4
                       ORDER BY t.event_time LIMIT 1),
                      (SELECT t.event_time FROM trace_index t
                       WHERE t.merchant_id = $1 AND t.identity_key = held.key
                         AND t.role = 2 AND t.turn = 8
                         AND t.event_time > held.since AND t.recorded_at <= $4
                       ORDER BY t.event_time LIMIT 1)) AS emptied
           FROM unnest($2::bigint[], $3::timestamptz[]) WITH ORDINALITY AS held (key, since, place)
           CROSS JOIN LATERAL (
               SELECT count(*), min(event_time) AS first
               FROM (SELECT t.event_time FROM trace_index t
                     WHERE t.merchant_id = $1 AND t.identity_key = held.key
                       AND t.role = 3 AND t.turn = 1
                       AND t.event_time < held.since AND t.recorded_at <= $4
                     ORDER BY t.event_time DESC LIMIT $5) AS last) AS packed
           CROSS JOIN LATERAL (
               SELECT count(*), min(event_time) AS first
               FROM (SELECT t.event_time FROM trace_index t
                     WHERE t.merchant_id = $1 AND t.identity_key = held.key
                       AND t.role = 3 AND t.turn = 3
                       AND t.event_time < held.since AND t.recorded_at <= $4
                     ORDER BY t.event_time DESC LIMIT $5) AS last) AS built
           ORDER BY held.place"#,
        merchant_id,
        &keys,
        &since,
        recorded_until,
        turns,
    )
    .fetch_all(conn)
    .await
}

/// Which statements about a thing are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub enum Wanted {
    /// What made a lot, and what saw it.
    Source = 1,
    /// All but fillings with other things; before `since` only what tells where it was and what was in it.
    Holder = 2,
    /// All that name it as a thing.
    Whole = 3,
    /// The parts of a transformation.
    Transformation = 4,
    /// All that name it as a thing, and what gives items to it, a lot.
    Members = 5,
    /// What went into a process by this name.
    Uses = 6,
}

/// The statements about one thing in a time, ends included.
#[derive(Debug, Clone, Copy)]
pub struct Period {
    /// See [`crate::domain::identity_key::identity_key`].
    pub key: i64,
    /// Which of them.
    pub wanted: Wanted,
    /// From when on what became of it is wanted; what was fastened to it to measure, from before that too.
    pub turns_since: OffsetDateTime,
    /// From when on all is.
    pub since: OffsetDateTime,
    /// To the millisecond.
    pub until: OffsetDateTime,
}

/// The statements about things in times, as far as they were recorded by a time; `limit` of each thing and of
/// all together, the first that happened, each once, and no more content than the statement that goes beyond
/// `content_bytes`. Keys can collide: the caller compares the identities
/// themselves.
pub async fn statements_in(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    periods: &[Period],
    recorded_until: OffsetDateTime,
    limit: i64,
    content_bytes: i64,
) -> Result<Vec<StoredStatement>> {
    let keys: Vec<i64> = periods.iter().map(|period| period.key).collect();
    let wanted: Vec<i16> = periods.iter().map(|period| period.wanted as i16).collect();
    let turns_since: Vec<OffsetDateTime> = periods.iter().map(|p| p.turns_since).collect();
    let since: Vec<OffsetDateTime> = periods.iter().map(|period| period.since).collect();
    let until: Vec<OffsetDateTime> = periods.iter().map(|period| period.until).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT s.batch_id, s.position,
                  coalesce(sealed.recorded_at, pending.recorded_at) AS "recorded_at!",
                  sealed.first_index AS "first_index?",
                  s.content, s.receipt, s.content_secret, s.receipt_secret, s.digest
           FROM (SELECT s.*, found.event_time,
                        sum(octet_length(s.content)) OVER
                            (ORDER BY found.event_time, s.batch_id, s.position
                             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
           FROM (SELECT DISTINCT t.event_time, t.batch_id, t.position
                 FROM unnest($2::bigint[], $3::smallint[], $4::timestamptz[], $5::timestamptz[],
                             $6::timestamptz[])
                      AS w (key, wanted, turns_since, since, until)
                 CROSS JOIN LATERAL (
                     (SELECT event_time, batch_id, position FROM trace_index
                      WHERE w.wanted IN (2, 3, 5) AND merchant_id = $1 AND identity_key = w.key
                        AND role BETWEEN 1 AND 5
                        AND event_time BETWEEN w.turns_since AND w.until AND recorded_at <= $7
                        AND (w.wanted <> 2 OR role <> 2 OR turn <> 6)
                        AND (event_time >= w.since OR role = 4 OR turn IN (1, 2, 3, 4, 5, 7, 8, 9))
                      ORDER BY event_time, batch_id, position LIMIT $8)
                     UNION ALL
                     (SELECT event_time, batch_id, position FROM trace_index
                      WHERE w.wanted = 2 AND merchant_id = $1 AND identity_key = w.key
                        AND role = 2 AND turn = 9
                        AND event_time < w.turns_since AND recorded_at <= $7
                      ORDER BY event_time DESC, batch_id DESC, position DESC LIMIT $9)
                     UNION ALL
                     (SELECT event_time, batch_id, position FROM trace_index
                      WHERE w.wanted = 1 AND merchant_id = $1 AND identity_key = w.key
                        AND role IN (1, 5)
                        AND event_time BETWEEN w.since AND w.until AND recorded_at <= $7
                      ORDER BY event_time, batch_id, position LIMIT $8)
                     UNION ALL
                     (SELECT event_time, batch_id, position FROM trace_index
                      WHERE w.wanted = 4 AND merchant_id = $1 AND identity_key = w.key
                        AND role = 12
                        AND event_time BETWEEN w.since AND w.until AND recorded_at <= $7
                      ORDER BY event_time, batch_id, position LIMIT $8)
                     UNION ALL
                     (SELECT event_time, batch_id, position FROM trace_index
                      WHERE w.wanted = 5 AND merchant_id = $1 AND identity_key = w.key
                        AND role = 6 AND turn = 0
                        AND event_time BETWEEN w.since AND w.until AND recorded_at <= $7
                      ORDER BY event_time, batch_id, position LIMIT $8)
                     UNION ALL
                     (SELECT event_time, batch_id, position FROM trace_index
                      WHERE w.wanted = 6 AND merchant_id = $1 AND identity_key = w.key
                        AND role = 4
                        AND event_time BETWEEN w.since AND w.until AND recorded_at <= $7
                      ORDER BY event_time, batch_id, position LIMIT $8)) AS t
                 ORDER BY t.event_time, t.batch_id, t.position LIMIT $8) AS found
           JOIN statement s
             ON s.merchant_id = $1 AND s.batch_id = found.batch_id AND s.position = found.position) AS s
           LEFT JOIN sealed_batch sealed ON sealed.merchant_id = $1 AND sealed.id = s.batch_id
           LEFT JOIN pending_batch pending ON pending.merchant_id = $1 AND pending.id = s.batch_id
           WHERE coalesce(s.before, 0) <= $10
           ORDER BY s.event_time, s.batch_id, s.position"#,
        merchant_id,
        &keys,
        &wanted,
        &turns_since,
        &since,
        &until,
        recorded_until,
        limit,
        MAX_FITTED,
        content_bytes,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// A name, and as what statements are to describe it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Described {
    /// See [`crate::domain::identity_key::identity_key`].
    pub key: i64,
    /// See [`crate::domain::statement::Role::index_code`].
    pub role: i16,
    /// See [`crate::domain::turn::Turn::index_code`].
    pub turn: i16,
}

impl Described {
    /// A name in a role and a turn; `None` for a role that the index does not keep.
    pub fn of(name: &str, role: Role, turn: Turn) -> Option<Described> {
        Some(Described {
            key: identity_key(name),
            role: role.index_code()?,
            turn: turn.index_code(),
        })
    }
}

/// How many statements are read.
#[derive(Debug, Clone, Copy)]
pub struct Descriptions {
    /// Of each name.
    pub of_each: i64,
    /// Of all.
    pub rows: i64,
    /// Content of all; the one that goes beyond it is read still, so that whoever counts knows.
    pub content_bytes: i64,
}

/// The statements that name things in just these roles and turns, as far as they were recorded by a time, the
/// last first. Keys can collide, as above.
pub async fn descriptions_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    wanted: &[Described],
    recorded_until: OffsetDateTime,
    room: Descriptions,
) -> Result<Vec<StoredStatement>> {
    let keys: Vec<i64> = wanted.iter().map(|wanted| wanted.key).collect();
    let roles: Vec<i16> = wanted.iter().map(|wanted| wanted.role).collect();
    let turns: Vec<i16> = wanted.iter().map(|wanted| wanted.turn).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT s.batch_id, s.position, s.recorded_at AS "recorded_at!",
                  sealed.first_index AS "first_index?",
                  s.content, s.receipt, s.content_secret, s.receipt_secret, s.digest
           FROM (SELECT s.*, found.recorded_at,
                        -- Of a value that is stored elsewhere the length is known without it.
                        sum(octet_length(s.content)) OVER
                            (ORDER BY found.recorded_at DESC, s.batch_id DESC, s.position DESC
                             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                 FROM (SELECT DISTINCT t.recorded_at, t.batch_id, t.position
                       FROM unnest($2::bigint[], $3::smallint[], $4::smallint[]) AS w (key, role, turn)
                       CROSS JOIN LATERAL (
                           SELECT recorded_at, batch_id, position FROM trace_index
                           WHERE merchant_id = $1 AND identity_key = w.key AND role = w.role
                             AND turn = w.turn AND recorded_at <= $5
                           ORDER BY event_time DESC, batch_id DESC, position DESC LIMIT $6) AS t
                       ORDER BY t.recorded_at DESC, t.batch_id DESC, t.position DESC
                       LIMIT $7) AS found
                 JOIN statement s
                   ON s.merchant_id = $1 AND s.batch_id = found.batch_id
                  AND s.position = found.position) AS s
           LEFT JOIN sealed_batch sealed ON sealed.merchant_id = $1 AND sealed.id = s.batch_id
           WHERE coalesce(s.before, 0) <= $8
           ORDER BY s.recorded_at DESC, s.batch_id DESC, s.position DESC"#,
        merchant_id,
        &keys,
        &roles,
        &turns,
        recorded_until,
        room.of_each,
        room.rows,
        room.content_bytes,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// The statements of events with these keys, as far as they were recorded by a time.
pub async fn statements_with_keys(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    keys: &[EventKey],
    recorded_until: OffsetDateTime,
) -> Result<Vec<StoredStatement>> {
    let keys: Vec<&[u8]> = keys.iter().map(EventKey::as_slice).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT s.batch_id, s.position,
                  coalesce(sealed.recorded_at, pending.recorded_at) AS "recorded_at!",
                  sealed.first_index AS "first_index?",
                  s.content, s.receipt, s.content_secret, s.receipt_secret, s.digest
           FROM event_key k
           JOIN statement s
             ON s.merchant_id = $1 AND s.batch_id = k.batch_id AND s.position = k.position
           LEFT JOIN sealed_batch sealed ON sealed.merchant_id = $1 AND sealed.id = s.batch_id
           LEFT JOIN pending_batch pending ON pending.merchant_id = $1 AND pending.id = s.batch_id
           WHERE k.merchant_id = $1 AND k.key = ANY($2)
             AND coalesce(sealed.recorded_at, pending.recorded_at) <= $3
           ORDER BY s.batch_id, s.position"#,
        merchant_id,
        &keys as &[&[u8]],
        recorded_until,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}
