//! What a walk asks of the trace index: the statements about a thing within a time, and no more of them than
//! it needs. Roles and turns stand here as numbers, so that the partial indexes answer: 1 to 5 are the roles
//! of things, see `ROLES` in `src/domain/statement.rs` and `Turn` in `src/domain/turn.rs`.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::statement::Row;
use crate::domain::disclosure::NAME;
use crate::domain::event_key::EventKey;
use crate::domain::identity_key::identity_key;
use crate::domain::statement::{Role, StoredStatement};
use crate::domain::time::LAST;
use crate::domain::turn::Turn;

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
    // One scan back and one on, each of the two kinds: a plan is set up for every scan that stands in it.
    sqlx::query_as!(
        Around,
        r#"SELECT count(back.event_time) FILTER (WHERE back.turn = 1) AS "put_in_count!",
                  min(back.event_time) FILTER (WHERE back.turn = 1) AS put_in,
                  count(back.event_time) FILTER (WHERE back.turn = 3) AS "fastened_count!",
                  min(back.event_time) FILTER (WHERE back.turn = 3) AS fastened,
                  min(back.emptied) AS emptied
           FROM unnest($2::bigint[], $3::timestamptz[]) WITH ORDINALITY AS held (key, since, place)
           CROSS JOIN LATERAL (
               SELECT asked.turn, last.event_time, NULL AS emptied
               FROM (VALUES (1::smallint), (3::smallint)) AS asked (turn)
               LEFT JOIN LATERAL (
                   SELECT t.event_time FROM trace_index t
                   WHERE t.merchant_id = $1 AND t.identity_key = held.key
                     AND t.role = 3 AND t.turn = asked.turn
                     AND t.event_time < held.since AND t.recorded_at <= $4
                   ORDER BY t.event_time DESC LIMIT $5) AS last ON true
               UNION ALL
               SELECT asked.turn, NULL, next.event_time
               FROM (VALUES (7::smallint), (8::smallint)) AS asked (turn)
               CROSS JOIN LATERAL (
                   SELECT t.event_time FROM trace_index t
                   WHERE t.merchant_id = $1 AND t.identity_key = held.key
                     AND t.role = 2 AND t.turn = asked.turn
                     AND t.event_time > held.since AND t.recorded_at <= $4
                   ORDER BY t.event_time LIMIT 1) AS next) AS back
           GROUP BY held.place
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

/// The statements that name one thing as a thing, in a time, ends included.
#[derive(Debug, Clone, Copy)]
pub struct Period {
    /// See [`crate::domain::identity_key::identity_key`].
    pub key: i64,
    /// Whether its fillings with other things are left out.
    pub is_holder: bool,
    /// From when on what became of it is wanted.
    pub turns_since: OffsetDateTime,
    /// From when on all is.
    pub since: OffsetDateTime,
    /// To the millisecond.
    pub until: OffsetDateTime,
}

/// The statements that name one thing in just one role and turn, in a time, ends included.
#[derive(Debug, Clone, Copy)]
pub struct Probe {
    /// As what.
    pub named: Described,
    /// From when on.
    pub since: OffsetDateTime,
    /// To the millisecond.
    pub until: OffsetDateTime,
    /// The last ones, so many.
    pub limit: i64,
}

/// How much is read.
#[derive(Debug, Clone, Copy)]
pub struct Rows {
    /// Statements: where they are of things in times, of each thing and of all together, the first that happened.
    pub limit: i64,
    /// Content, and no more than the statement that goes beyond it.
    pub content_bytes: i64,
}

/// The statements about things in times, as far as they were recorded by a time, each once. Keys can collide: the
/// caller compares the identities themselves.
pub async fn statements_in(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    (periods, probes): (&[Period], &[Probe]),
    recorded_until: OffsetDateTime,
    rows: Rows,
) -> Result<Vec<StoredStatement>> {
    let keys: Vec<i64> = periods.iter().map(|period| period.key).collect();
    let holders: Vec<bool> = periods.iter().map(|period| period.is_holder).collect();
    let turns_since: Vec<OffsetDateTime> = periods.iter().map(|p| p.turns_since).collect();
    let since: Vec<OffsetDateTime> = periods.iter().map(|period| period.since).collect();
    let until: Vec<OffsetDateTime> = periods.iter().map(|period| period.until).collect();
    let named: Vec<i64> = probes.iter().map(|probe| probe.named.key).collect();
    let roles: Vec<i16> = probes.iter().map(|probe| probe.named.role).collect();
    let turns: Vec<i16> = probes.iter().map(|probe| probe.named.turn).collect();
    let probed_since: Vec<OffsetDateTime> = probes.iter().map(|probe| probe.since).collect();
    let probed_until: Vec<OffsetDateTime> = probes.iter().map(|probe| probe.until).collect();
    let limits: Vec<i64> = probes.iter().map(|probe| probe.limit).collect();
    // Of two scans, and not of one for each of the needs: what it takes to set a plan up, each round pays.
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
                 FROM (SELECT t.* FROM
                           unnest($2::bigint[], $3::boolean[], $4::timestamptz[], $5::timestamptz[],
                                  $6::timestamptz[]) AS w (key, is_holder, turns_since, since, until)
                       CROSS JOIN LATERAL (
                           SELECT event_time, batch_id, position FROM trace_index
                           WHERE merchant_id = $1 AND identity_key = w.key
                             AND role BETWEEN 1 AND 5
                             AND event_time BETWEEN w.turns_since AND w.until AND recorded_at <= $7
                             AND (NOT w.is_holder OR role <> 2 OR turn <> 6)
                             AND (event_time >= w.since OR role = 4
                                  OR turn IN (1, 2, 3, 4, 5, 7, 8, 9))
                           ORDER BY event_time, batch_id, position LIMIT $8) AS t
                       UNION ALL
                       SELECT t.* FROM
                           unnest($9::bigint[], $10::smallint[], $11::smallint[], $12::timestamptz[],
                                  $13::timestamptz[], $14::bigint[])
                           AS p (key, role, turn, since, until, rows)
                       CROSS JOIN LATERAL (
                           SELECT event_time, batch_id, position FROM trace_index
                           WHERE merchant_id = $1 AND identity_key = p.key
                             AND role = p.role AND turn = p.turn
                             AND event_time BETWEEN p.since AND p.until AND recorded_at <= $7
                           ORDER BY event_time DESC, batch_id DESC, position DESC LIMIT p.rows) AS t
                      ) AS t
                 ORDER BY t.event_time, t.batch_id, t.position LIMIT $8) AS found
           JOIN statement s
             ON s.merchant_id = $1 AND s.batch_id = found.batch_id AND s.position = found.position) AS s
           LEFT JOIN sealed_batch sealed ON sealed.merchant_id = $1 AND sealed.id = s.batch_id
           LEFT JOIN pending_batch pending ON pending.merchant_id = $1 AND pending.id = s.batch_id
           WHERE coalesce(s.before, 0) <= $15
           ORDER BY s.event_time, s.batch_id, s.position"#,
        merchant_id,
        &keys,
        &holders,
        &turns_since,
        &since,
        &until,
        recorded_until,
        rows.limit,
        &named,
        &roles,
        &turns,
        &probed_since,
        &probed_until,
        &limits,
        rows.content_bytes,
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
    /// What is read before what, however old it is: the highest first.
    rank: i16,
}

/// Of names that are described.
const ORDINARY: i16 = 0;
/// What must not be used, and what of a doubt was looked into, is not crowded out by what somebody is called.
const RECALLED: i16 = 1;
/// And by nothing at all, what must not be shown. The last such statement is all that counts.
const SETTING: i16 = 2;

impl Described {
    /// A name in a role and a turn; `None` for a role that the index does not keep.
    pub fn of(name: &str, role: Role, turn: Turn) -> Option<Described> {
        Some(Described {
            key: identity_key(name),
            role: role.index_code()?,
            turn: turn.index_code(),
            rank: match role {
                Role::Disclosure => SETTING,
                Role::Recalled | Role::RecalledKind | Role::Reviewed | Role::Revealed => RECALLED,
                _ => ORDINARY,
            },
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

/// The statements that name things in just these roles and turns, as far as they were recorded by a time: the urgent
/// ones first, and of each sort the last first. So whoever has no room for all keeps those. Keys can collide, as above.
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
    let ranks: Vec<i16> = wanted.iter().map(|wanted| wanted.rank).collect();
    let most = |wanted: &Described| match wanted.rank {
        SETTING => 1,
        _ => room.of_each,
    };
    let most: Vec<i64> = wanted.iter().map(most).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT s.batch_id, s.position, s.recorded_at AS "recorded_at!",
                  sealed.first_index AS "first_index?",
                  s.content, s.receipt, s.content_secret, s.receipt_secret, s.digest
           FROM (SELECT s.*, found.recorded_at, found.rank,
                        -- Of a value that is stored elsewhere the length is known without it.
                        sum(octet_length(s.content)) OVER
                            (ORDER BY found.rank DESC, found.recorded_at DESC, s.batch_id DESC,
                                      s.position DESC
                             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                 FROM (SELECT t.recorded_at, t.batch_id, t.position, max(w.rank) AS rank
                       FROM unnest($2::bigint[], $3::smallint[], $4::smallint[], $9::smallint[],
                                   $6::bigint[])
                            AS w (key, role, turn, rank, most)
                       CROSS JOIN LATERAL (
                           SELECT recorded_at, batch_id, position FROM trace_index
                           WHERE merchant_id = $1 AND identity_key = w.key AND role = w.role
                             AND turn = w.turn AND recorded_at <= $5
                           ORDER BY event_time DESC, batch_id DESC, position DESC LIMIT w.most) AS t
                       GROUP BY t.recorded_at, t.batch_id, t.position
                       ORDER BY rank DESC, t.recorded_at DESC, t.batch_id DESC, t.position DESC
                       LIMIT $7) AS found
                 JOIN statement s
                   ON s.merchant_id = $1 AND s.batch_id = found.batch_id
                  AND s.position = found.position) AS s
           LEFT JOIN sealed_batch sealed ON sealed.merchant_id = $1 AND sealed.id = s.batch_id
           WHERE coalesce(s.before, 0) <= $8
           ORDER BY s.rank DESC, s.recorded_at DESC, s.batch_id DESC, s.position DESC"#,
        merchant_id,
        &keys,
        &roles,
        &turns,
        recorded_until,
        &most,
        room.rows,
        room.content_bytes,
        &ranks,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Who may see what of a merchant's record, as it was said last.
pub async fn last_setting(
    conn: &mut PgConnection,
    merchant_id: Uuid,
) -> Result<Option<StoredStatement>> {
    let wanted = Described::of(NAME, Role::Disclosure, Turn::Seen);
    let wanted: Vec<Described> = wanted.into_iter().collect();
    // One setting stands: whatever else is found merely has a key that collides.
    let one = Descriptions {
        of_each: 1,
        rows: 1,
        content_bytes: 1 << 20,
    };
    let stored = descriptions_of(conn, merchant_id, &wanted, LAST, one).await?;
    Ok(stored.into_iter().next())
}

/// The statements of events with these keys, as far as they were recorded by a time; they end with the one that has as
/// many bytes of content before it.
pub async fn statements_with_keys(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    keys: &[EventKey],
    recorded_until: OffsetDateTime,
    content_bytes: i64,
) -> Result<Vec<StoredStatement>> {
    let keys: Vec<&[u8]> = keys.iter().map(EventKey::as_slice).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT batch_id AS "batch_id!", position AS "position!", recorded_at AS "recorded_at!",
                  first_index AS "first_index?", content AS "content!", receipt AS "receipt!",
                  content_secret AS "content_secret!", receipt_secret AS "receipt_secret!",
                  digest AS "digest!"
           FROM (
               SELECT s.batch_id, s.position,
                      coalesce(sealed.recorded_at, pending.recorded_at) AS recorded_at,
                      sealed.first_index, s.content, s.receipt, s.content_secret,
                      s.receipt_secret, s.digest,
                      sum(length(s.content)) OVER (
                          ORDER BY s.batch_id, s.position ROWS UNBOUNDED PRECEDING)
                          - length(s.content) AS before
               FROM event_key k
               JOIN statement s
                 ON s.merchant_id = $1 AND s.batch_id = k.batch_id AND s.position = k.position
               LEFT JOIN sealed_batch sealed
                 ON sealed.merchant_id = $1 AND sealed.id = s.batch_id
               LEFT JOIN pending_batch pending
                 ON pending.merchant_id = $1 AND pending.id = s.batch_id
               WHERE k.merchant_id = $1 AND k.key = ANY($2)
                 AND coalesce(sealed.recorded_at, pending.recorded_at) <= $3) AS weighed
           WHERE before < $4
           ORDER BY batch_id, position"#,
        merchant_id,
        &keys as &[&[u8]],
        recorded_until,
        content_bytes,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}
