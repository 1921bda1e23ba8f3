//! The trace index: who speaks of which identity, as what.

use std::collections::HashMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use crate::domain::identity_key::identity_key;
use crate::domain::statement::{About, Batch, Role, StatementId};
use crate::domain::time::indexed;
use crate::domain::turn::{Turn, Turns};

/// One row, without its merchant and time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IndexRow {
    /// See [`identity_key`].
    pub identity_key: i64,
    /// When what it says happened, to the millisecond.
    pub event_time: OffsetDateTime,
    /// Which statement.
    pub id: StatementId,
    /// See [`crate::domain::statement::Role::index_code`].
    pub role: i16,
    /// See [`crate::domain::turn::Turn::index_code`].
    pub turn: i16,
    /// Of a lot: how many items come into the world by the statement as its own; fewer than none where that is
    /// declared an error.
    pub items: i32,
}

/// The rows that a statement must have.
pub fn index_rows(
    id: StatementId,
    happened: OffsetDateTime,
    about: &[About],
    turns: Turns,
) -> Vec<IndexRow> {
    let made = made_items(about, turns);
    let row = |about: &About| {
        let role = about.role.index_code()?;
        let class = class_of_lot(about);
        Some(IndexRow {
            identity_key: identity_key(&about.identity),
            event_time: indexed(happened),
            id,
            role,
            turn: turn_of(about, turns).index_code(),
            items: class
                .and_then(|class| made.get(class).copied())
                .unwrap_or(0),
        })
    };
    let mut rows: Vec<IndexRow> = about.iter().filter_map(row).collect();
    rows.sort_by_key(|row| (row.identity_key, row.role));
    rows.dedup();
    rows
}

/// What becomes of a thing. Of inputs, those that are one thing are told apart: few of them are looked for among many.
fn turn_of(about: &About, turns: Turns) -> Turn {
    // Compared as the migration does, by the text: a product, or a lot of it.
    let product = about.identity.strip_prefix("https://id.gs1.org/01/");
    let product = product.and_then(|path| path.split_at_checked(14));
    let is_some = product.is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with("/10/"));
    if about.role == Role::Input && !is_some {
        return Turn::Used;
    }
    turns.of(about.role)
}

/// Of each class of items that come into the world as those of one lot: how many. Of several lots of a class, as links
/// may name them, nothing here says which has how many; and where the link of one names a lot, those beside it count too.
fn made_items(about: &[About], turns: Turns) -> HashMap<&str, i32> {
    let mut made: HashMap<&str, i32> = HashMap::new();
    if turns.items == 0 {
        return made;
    }
    let mut lots: HashMap<&str, usize> = HashMap::new();
    for about in about {
        if let Some(class) = class_of_lot(about) {
            *lots.entry(class).or_default() += 1;
        }
        let is_made = matches!(about.role, Role::Epc | Role::Output);
        if let (true, Some((class, _))) = (is_made, about.identity.split_once("/21/")) {
            *made.entry(class).or_default() += i32::from(turns.items);
        }
    }
    made.retain(|class, _| lots.get(class) == Some(&1));
    made
}

/// The class of a lot that items are given to.
fn class_of_lot(about: &About) -> Option<&str> {
    let of_lot = about.identity.split_once("/10/");
    let (class, _) = of_lot.filter(|_| about.role == Role::Lot)?;
    Some(class)
}

/// Stores rows of one batch.
pub async fn insert_index_rows(
    conn: &mut PgConnection,
    batch: &Batch,
    rows: &[IndexRow],
) -> Result<()> {
    let keys: Vec<i64> = rows.iter().map(|row| row.identity_key).collect();
    let times: Vec<OffsetDateTime> = rows.iter().map(|row| row.event_time).collect();
    let positions: Vec<i32> = rows.iter().map(|row| row.id.position).collect();
    let roles: Vec<i16> = rows.iter().map(|row| row.role).collect();
    let turns: Vec<i16> = rows.iter().map(|row| row.turn).collect();
    let items: Vec<i32> = rows.iter().map(|row| row.items).collect();
    sqlx::query!(
        "INSERT INTO trace_index
             (merchant_id, recorded_at, batch_id, identity_key, event_time, position, role, turn,
              items)
         SELECT $1, $2, $3, * FROM
             unnest($4::bigint[], $5::timestamptz[], $6::integer[], $7::smallint[], $8::smallint[],
                    $9::integer[])",
        batch.merchant_id,
        batch.recorded_at,
        batch.id,
        &keys,
        &times,
        &positions,
        &roles,
        &turns,
        &items,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those of `rows` that the index lacks for this merchant and time; in the checker's role.
pub async fn missing_index_rows(
    conn: &mut PgConnection,
    batch: &Batch,
    rows: &[IndexRow],
    limit: i64,
) -> Result<Vec<IndexRow>> {
    let keys: Vec<i64> = rows.iter().map(|row| row.identity_key).collect();
    let times: Vec<OffsetDateTime> = rows.iter().map(|row| row.event_time).collect();
    let positions: Vec<i32> = rows.iter().map(|row| row.id.position).collect();
    let roles: Vec<i16> = rows.iter().map(|row| row.role).collect();
    let turns: Vec<i16> = rows.iter().map(|row| row.turn).collect();
    let items: Vec<i32> = rows.iter().map(|row| row.items).collect();
    let missing = sqlx::query!(
        r#"SELECT w.identity_key AS "identity_key!", w.event_time AS "event_time!",
                  w.position AS "position!", w.role AS "role!", w.turn AS "turn!",
                  w.items AS "items!"
           FROM unnest($4::bigint[], $5::timestamptz[], $6::integer[], $7::smallint[],
                       $8::smallint[], $10::integer[])
                AS w (identity_key, event_time, position, role, turn, items)
           WHERE NOT EXISTS (
               SELECT FROM trace_index t
               WHERE t.merchant_id = $1 AND t.recorded_at = $2 AND t.batch_id = $3
                 AND t.identity_key = w.identity_key AND t.event_time = w.event_time
                 AND t.position = w.position AND t.role = w.role AND t.turn = w.turn
                 AND t.items = w.items)
           LIMIT $9"#,
        batch.merchant_id,
        batch.recorded_at,
        batch.id,
        &keys,
        &times,
        &positions,
        &roles,
        &turns,
        limit,
        &items,
    )
    .fetch_all(conn)
    .await?;
    Ok(missing
        .into_iter()
        .map(|row| IndexRow {
            identity_key: row.identity_key,
            event_time: row.event_time,
            id: StatementId {
                batch_id: batch.id,
                position: row.position,
            },
            role: row.role,
            turn: row.turn,
            items: row.items,
        })
        .collect())
}

/// How many rows there are; in the checker's role.
pub async fn count_index_rows(conn: &mut PgConnection) -> Result<i64> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM trace_index"#)
        .fetch_one(conn)
        .await
}

/// A row with all that makes it unique.
#[derive(Debug, Clone)]
pub struct WholeIndexRow {
    /// Whose.
    pub merchant_id: Uuid,
    /// When.
    pub recorded_at: OffsetDateTime,
    /// The rest.
    pub row: IndexRow,
}

/// A page of all rows in a fixed order; in the checker's role, to name a row too many.
pub async fn index_rows_page(
    conn: &mut PgConnection,
    offset: i64,
    limit: i64,
) -> Result<Vec<WholeIndexRow>> {
    let rows = sqlx::query!(
        "SELECT merchant_id, recorded_at, identity_key, event_time, batch_id, position, role, turn,
                items
         FROM trace_index
         ORDER BY merchant_id, batch_id, position, identity_key, event_time, role, recorded_at
         OFFSET $1 LIMIT $2",
        offset,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| WholeIndexRow {
            merchant_id: row.merchant_id,
            recorded_at: row.recorded_at,
            row: IndexRow {
                identity_key: row.identity_key,
                event_time: row.event_time,
                id: StatementId {
                    batch_id: row.batch_id,
                    position: row.position,
                },
                role: row.role,
                turn: row.turn,
                items: row.items,
            },
        })
        .collect())
}

/// A row of one identity, in the order of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// When it happened, to the millisecond.
    pub event_time: OffsetDateTime,
    /// Which statement.
    pub id: StatementId,
    /// When it was captured.
    pub recorded_at: OffsetDateTime,
}

/// Which rows are wanted.
#[derive(Debug, Clone, Copy)]
pub struct IdentityHits<'a> {
    /// Whose.
    pub merchant_id: Uuid,
    /// Of which identities.
    pub keys: &'a [i64],
    /// In which roles.
    pub roles: &'a [i16],
    /// From the earliest on.
    pub ascending: bool,
    /// The last hit that is known; its record time does not matter.
    pub after: Hit,
    /// When they were captured; both ends are in it.
    pub recorded: (OffsetDateTime, OffsetDateTime),
    /// Of each identity.
    pub limit: i64,
}

/// Hits of each identity, in order, each once whatever its roles.
///
/// That the roles are those of things is said as numbers too, here and below: so the index of things
/// alone, which is partial, may answer.
pub async fn identity_hits(
    conn: &mut PgConnection,
    wanted: IdentityHits<'_>,
) -> Result<Vec<Vec<Hit>>> {
    let after = wanted.after;
    // Two queries and not one: each must be answered by the index in its own order.
    let rows = if wanted.ascending {
        sqlx::query_as!(
            HitRow,
            r#"SELECT wanted.key AS "key!", t.event_time, t.batch_id, t.position, t.recorded_at
               FROM unnest($2::bigint[]) AS wanted (key) CROSS JOIN LATERAL (
                   SELECT event_time, batch_id, position, recorded_at FROM trace_index
                   WHERE merchant_id = $1 AND identity_key = wanted.key AND role = ANY($3)
                     AND role BETWEEN 1 AND 5
                     AND (event_time, batch_id, position) > ($4, $5, $6)
                     AND recorded_at BETWEEN $8 AND $9
                   ORDER BY event_time, batch_id, position LIMIT $7) AS t
               ORDER BY wanted.key, t.event_time, t.batch_id, t.position"#,
            wanted.merchant_id,
            wanted.keys,
            wanted.roles,
            after.event_time,
            after.id.batch_id,
            after.id.position,
            wanted.limit,
            wanted.recorded.0,
            wanted.recorded.1,
        )
        .fetch_all(conn)
        .await?
    } else {
        sqlx::query_as!(
            HitRow,
            r#"SELECT wanted.key AS "key!", t.event_time, t.batch_id, t.position, t.recorded_at
               FROM unnest($2::bigint[]) AS wanted (key) CROSS JOIN LATERAL (
                   SELECT event_time, batch_id, position, recorded_at FROM trace_index
                   WHERE merchant_id = $1 AND identity_key = wanted.key AND role = ANY($3)
                     AND role BETWEEN 1 AND 5
                     AND (event_time, batch_id, position) < ($4, $5, $6)
                     AND recorded_at BETWEEN $8 AND $9
                   ORDER BY event_time DESC, batch_id DESC, position DESC LIMIT $7) AS t
               ORDER BY wanted.key, t.event_time DESC, t.batch_id DESC, t.position DESC"#,
            wanted.merchant_id,
            wanted.keys,
            wanted.roles,
            after.event_time,
            after.id.batch_id,
            after.id.position,
            wanted.limit,
            wanted.recorded.0,
            wanted.recorded.1,
        )
        .fetch_all(conn)
        .await?
    };
    let by_key = rows.chunk_by(|a, b| a.key == b.key);
    Ok(by_key
        .map(|rows| rows.iter().map(HitRow::hit).collect())
        .collect())
}

/// How many hits there are; of each identity no more than the limit are counted, and `after` says nothing.
pub async fn count_hits(conn: &mut PgConnection, wanted: IdentityHits<'_>) -> Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!"
           FROM unnest($2::bigint[]) AS wanted (key) CROSS JOIN LATERAL (
               SELECT FROM trace_index
               WHERE merchant_id = $1 AND identity_key = wanted.key AND role = ANY($3)
                 AND role BETWEEN 1 AND 5 AND recorded_at BETWEEN $4 AND $5
               LIMIT $6) AS t"#,
        wanted.merchant_id,
        wanted.keys,
        wanted.roles,
        wanted.recorded.0,
        wanted.recorded.1,
        wanted.limit,
    )
    .fetch_one(conn)
    .await
}

struct HitRow {
    key: i64,
    event_time: OffsetDateTime,
    batch_id: Uuid,
    position: i32,
    recorded_at: OffsetDateTime,
}

impl HitRow {
    fn hit(&self) -> Hit {
        Hit {
            event_time: self.event_time,
            id: StatementId {
                batch_id: self.batch_id,
                position: self.position,
            },
            recorded_at: self.recorded_at,
        }
    }
}

/// One row of each identity that events name as a thing, after the identity with the key `after`, in the
/// order of the keys. However many events name a thing, one row is read; rows that name an identity as
/// something else, such as the lot of an item, are passed over.
pub async fn things_after(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<(i64, StatementId)>> {
    // The roles of things: epc, parent, child, input and output. Each step skips to the next key.
    let rows = sqlx::query!(
        r#"WITH RECURSIVE found AS (
               (SELECT identity_key, batch_id, position, 1::bigint AS number FROM trace_index
                WHERE merchant_id = $1 AND ($2::bigint IS NULL OR identity_key > $2)
                  AND role BETWEEN 1 AND 5
                ORDER BY identity_key LIMIT 1)
               UNION ALL
               SELECT next.identity_key, next.batch_id, next.position, found.number + 1
               FROM found CROSS JOIN LATERAL (
                   SELECT identity_key, batch_id, position FROM trace_index
                   WHERE merchant_id = $1 AND identity_key > found.identity_key
                     AND role BETWEEN 1 AND 5
                   ORDER BY identity_key LIMIT 1) AS next
               WHERE found.number < $3
           )
           SELECT identity_key AS "identity_key!", batch_id AS "batch_id!", position AS "position!"
           FROM found ORDER BY identity_key LIMIT $3"#,
        merchant_id,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let thing = rows.into_iter().map(|row| {
        let id = StatementId {
            batch_id: row.batch_id,
            position: row.position,
        };
        (row.identity_key, id)
    });
    Ok(thing.collect())
}

/// Uses of hidden codes whose numbers do not count up from one, by item; in the checker's role. A content that cannot be read has
/// no number: whoever checks contents says more of it.
pub async fn stray_reveals(conn: &mut PgConnection, limit: i64) -> Result<Vec<(Uuid, i32)>> {
    let role = Role::Revealed.index_code();
    let rows = sqlx::query!(
        r#"SELECT batch_id AS "batch_id!", position AS "position!" FROM (
               SELECT i.batch_id, i.position,
                      substring(encode(s.content, 'escape') FROM '"number":([0-9]{1,2})[,}]')::integer AS number,
                      row_number() OVER (PARTITION BY i.merchant_id, i.identity_key
                                         ORDER BY i.recorded_at, i.batch_id, i.position) AS place
               FROM trace_index AS i
               JOIN statement AS s ON s.merchant_id = i.merchant_id AND s.batch_id = i.batch_id
                   AND s.position = i.position
               WHERE i.role = $1) AS reveals
           WHERE number IS DISTINCT FROM place ORDER BY batch_id, position LIMIT $2"#,
        role,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.batch_id, row.position))
        .collect())
}
