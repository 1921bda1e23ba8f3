//! Batches: pending until the sealer gives them their place in the log.

use auditlog::LeafIndex;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::statement::insert_statements;
use super::trace_index::{index_rows, insert_index_rows};
use crate::domain::statement::{Batch, NewStatement, StatementId};

/// A batch with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBatch {
    /// The batch.
    pub batch: Batch,
    /// Where its first statement stands.
    pub first_index: LeafIndex,
}

impl SealedBatch {
    /// Where its last statement stands; no batch is empty.
    pub fn last_index(&self) -> LeafIndex {
        LeafIndex(self.first_index.0 + self.batch.statement_count as u64 - 1)
    }
}

/// Stores the statements of a batch, their rows in the trace index, and the batch as pending: the
/// one way in which anything enters the log. The transaction must act for the merchant already.
pub async fn insert_batch(
    conn: &mut PgConnection,
    batch: &Batch,
    statements: &[NewStatement],
) -> Result<()> {
    insert_statements(conn, batch, statements).await?;
    let rows: Vec<_> = statements
        .iter()
        .enumerate()
        .flat_map(|(position, statement)| {
            let id = StatementId {
                batch_id: batch.id,
                position: position as i32,
            };
            index_rows(id, statement.happened, &statement.about, statement.turns)
        })
        .collect();
    insert_index_rows(conn, batch, &rows).await?;
    insert_pending_batch(conn, batch).await
}

/// Stores one statement by itself, and gives its place.
pub async fn insert_one(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    statement: NewStatement,
    recorded_at: OffsetDateTime,
) -> Result<StatementId> {
    let batch = Batch {
        id: Uuid::now_v7(),
        merchant_id,
        recorded_at,
        statement_count: 1,
    };
    insert_batch(conn, &batch, &[statement]).await?;
    Ok(StatementId {
        batch_id: batch.id,
        position: 0,
    })
}

async fn insert_pending_batch(conn: &mut PgConnection, batch: &Batch) -> Result<()> {
    sqlx::query!(
        "INSERT INTO pending_batch (merchant_id, id, recorded_at, statement_count)
         VALUES ($1, $2, $3, $4)",
        batch.merchant_id,
        batch.id,
        batch.recorded_at,
        batch.statement_count,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Batches that are taken at a time; the query's own limit.
pub const MAX_BATCHES: i64 = 20_000;

/// Takes pending batches away, oldest first, as many as hold at most `statement_limit` statements
/// together, but at least one; in the sealer's role.
pub async fn take_pending_batches(
    conn: &mut PgConnection,
    statement_limit: i64,
) -> Result<Vec<Batch>> {
    let mut batches: Vec<Batch> = sqlx::query!(
        "DELETE FROM pending_batch p
         USING (
             SELECT merchant_id, id,
                    sum(statement_count) OVER (ORDER BY recorded_at, id) - statement_count AS before
             FROM pending_batch ORDER BY recorded_at, id LIMIT 20000
         ) AS queue
         WHERE p.merchant_id = queue.merchant_id AND p.id = queue.id AND queue.before < $1
         RETURNING p.merchant_id, p.id, p.recorded_at, p.statement_count",
        statement_limit,
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(|row| Batch {
        id: row.id,
        merchant_id: row.merchant_id,
        recorded_at: row.recorded_at,
        statement_count: row.statement_count,
    })
    .collect();
    batches.sort_by_key(|batch| (batch.recorded_at, batch.id));
    Ok(batches)
}

/// Takes these pending batches away; in the sealer's role.
pub async fn take_these_batches(conn: &mut PgConnection, batches: &[Batch]) -> Result<()> {
    let merchants: Vec<Uuid> = batches.iter().map(|batch| batch.merchant_id).collect();
    let ids: Vec<Uuid> = batches.iter().map(|batch| batch.id).collect();
    sqlx::query!(
        "DELETE FROM pending_batch p USING unnest($1::uuid[], $2::uuid[]) AS taken (merchant_id, id)
         WHERE p.merchant_id = taken.merchant_id AND p.id = taken.id",
        &merchants,
        &ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where a merchant's batch stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchPlace {
    /// It waits to be sealed.
    Pending,
    /// It is in the log.
    Sealed(SealedBatch),
}

/// Where a batch stands; none if there is no such batch.
pub async fn batch_place(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    id: Uuid,
) -> Result<Option<BatchPlace>> {
    // One query, so that a batch is seen in one of its two places whenever it moves.
    let row = sqlx::query!(
        r#"SELECT recorded_at AS "recorded_at!", statement_count AS "statement_count!",
                  first_index AS "first_index?"
           FROM sealed_batch WHERE merchant_id = $1 AND id = $2
           UNION ALL
           SELECT recorded_at, statement_count, NULL FROM pending_batch
           WHERE merchant_id = $1 AND id = $2"#,
        merchant_id,
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| match row.first_index {
        None => BatchPlace::Pending,
        Some(first) => BatchPlace::Sealed(SealedBatch {
            batch: Batch {
                id,
                merchant_id,
                recorded_at: row.recorded_at,
                statement_count: row.statement_count,
            },
            first_index: LeafIndex(first as u64),
        }),
    }))
}

/// Whether anything waits to be sealed; in the sealer's role.
pub async fn any_pending(conn: &mut PgConnection) -> Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM pending_batch) AS "exists!""#)
        .fetch_one(conn)
        .await
}

/// Statements that wait to be sealed, of at most `batch_limit` batches; in the sealer's role.
pub async fn pending_statements(conn: &mut PgConnection, batch_limit: i64) -> Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(statement_count), 0) AS "count!"
           FROM (SELECT statement_count FROM pending_batch
                 ORDER BY recorded_at, id LIMIT $1) AS oldest"#,
        batch_limit,
    )
    .fetch_one(conn)
    .await
}

/// Stores batches with their places; in the sealer's role.
pub async fn insert_sealed_batches(conn: &mut PgConnection, batches: &[SealedBatch]) -> Result<()> {
    let merchants: Vec<Uuid> = batches
        .iter()
        .map(|sealed| sealed.batch.merchant_id)
        .collect();
    let ids: Vec<Uuid> = batches.iter().map(|sealed| sealed.batch.id).collect();
    let times: Vec<_> = batches
        .iter()
        .map(|sealed| sealed.batch.recorded_at)
        .collect();
    let counts: Vec<i32> = batches
        .iter()
        .map(|sealed| sealed.batch.statement_count)
        .collect();
    let firsts: Vec<i64> = batches
        .iter()
        .map(|sealed| sealed.first_index.0 as i64)
        .collect();
    sqlx::query!(
        "INSERT INTO sealed_batch (merchant_id, id, recorded_at, statement_count, first_index)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::integer[], $5::bigint[])",
        &merchants,
        &ids,
        &times,
        &counts,
        &firsts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct SealedRow {
    merchant_id: Uuid,
    id: Uuid,
    recorded_at: OffsetDateTime,
    statement_count: i32,
    first_index: i64,
}

impl SealedRow {
    fn read(self) -> SealedBatch {
        SealedBatch {
            batch: Batch {
                id: self.id,
                merchant_id: self.merchant_id,
                recorded_at: self.recorded_at,
                statement_count: self.statement_count,
            },
            first_index: LeafIndex(self.first_index as u64),
        }
    }
}

/// Sealed batches that hold any index from `from` up, in the order of the log.
pub async fn sealed_batches_from(
    conn: &mut PgConnection,
    from: LeafIndex,
    limit: i64,
) -> Result<Vec<SealedBatch>> {
    let rows = sqlx::query_as!(
        SealedRow,
        "SELECT merchant_id, id, recorded_at, statement_count, first_index FROM sealed_batch
         WHERE first_index >= coalesce(
             (SELECT max(first_index) FROM sealed_batch WHERE first_index <= $1), 0)
         ORDER BY first_index LIMIT $2",
        from.0 as i64,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(SealedRow::read).collect())
}

/// A merchant's sealed batches that hold any index from `from` up, in the order of the log.
pub async fn batches_of_merchant_from(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    from: LeafIndex,
    limit: i64,
) -> Result<Vec<SealedBatch>> {
    let rows = sqlx::query_as!(
        SealedRow,
        "SELECT merchant_id, id, recorded_at, statement_count, first_index FROM sealed_batch
         WHERE merchant_id = $1
           AND first_index >= coalesce(
             (SELECT max(first_index) FROM sealed_batch
              WHERE merchant_id = $1 AND first_index <= $2), 0)
           AND first_index + statement_count > $2
         ORDER BY first_index LIMIT $3",
        merchant_id,
        from.0 as i64,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(SealedRow::read).collect())
}

/// Pending batches after this one, by merchant and id.
pub async fn pending_batches_after(
    conn: &mut PgConnection,
    after: (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<Batch>> {
    let rows = sqlx::query!(
        "SELECT merchant_id, id, recorded_at, statement_count FROM pending_batch
         WHERE (merchant_id, id) > ($1, $2) ORDER BY merchant_id, id LIMIT $3",
        after.0,
        after.1,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Batch {
            id: row.id,
            merchant_id: row.merchant_id,
            recorded_at: row.recorded_at,
            statement_count: row.statement_count,
        })
        .collect())
}
