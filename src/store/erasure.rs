//! Replacing the payload of statements of which fields are erased, and what was derived from it; in the eraser's role.

use auditlog::salts::Salts;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::event_index::TermRow;
use super::statement::Row;
use crate::domain::event_key::EventKey;
use crate::domain::posting::{Minutes, Term};
use crate::domain::statement::{StatementId, StoredStatement};

/// The statement of a merchant at a place in the log; `None` if there is none of its own.
pub async fn statement_at(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    index: i64,
) -> Result<Option<StoredStatement>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT s.batch_id, s.position, b.recorded_at, b.first_index AS "first_index?",
                  s.content, s.receipt, s.content_secret, s.receipt_secret, s.digest
           FROM (SELECT id, recorded_at, first_index FROM sealed_batch
                 WHERE merchant_id = $1 AND first_index <= $2
                 ORDER BY first_index DESC LIMIT 1) AS b
           JOIN statement s
             ON s.merchant_id = $1 AND s.batch_id = b.id
            AND s.position = ($2 - b.first_index)::integer
           WHERE $2 - b.first_index < 1000000"#,
        merchant_id,
        index,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::read).transpose()
}

/// Replaces what a statement says and what salts it by what is left of both. Its digest stays.
pub async fn replace_content(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    id: StatementId,
    content: &str,
    salts: &Salts,
) -> Result<()> {
    sqlx::query!(
        "UPDATE statement SET content = $4, content_secret = $5
         WHERE merchant_id = $1 AND batch_id = $2 AND position = $3",
        merchant_id,
        id.batch_id,
        id.position,
        content.as_bytes(),
        salts.to_bytes(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes away the hash of an event's content, by which its repeats were recognised.
pub async fn forget_content_hash(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    key: &EventKey,
) -> Result<()> {
    sqlx::query!(
        "UPDATE event_key SET content_sha256 = NULL WHERE merchant_id = $1 AND key = $2",
        merchant_id,
        key.as_slice(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The terms of a batch that waits to be merged, which until the end of the transaction it does; `None` if it is
/// merged, and then all its rows are there.
pub async fn hold_event_batch(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    batch_id: Uuid,
) -> Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(
        "SELECT terms FROM event_batch WHERE merchant_id = $1 AND batch_id = $2 FOR UPDATE",
        merchant_id,
        batch_id,
    )
    .fetch_optional(conn)
    .await
}

/// Replaces the terms of a batch that waits to be merged.
pub async fn replace_event_batch(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    batch_id: Uuid,
    terms: &[u8],
) -> Result<()> {
    sqlx::query!(
        "UPDATE event_batch SET terms = $3 WHERE merchant_id = $1 AND batch_id = $2",
        merchant_id,
        batch_id,
        terms,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Rows of any of the terms in one pair of minutes, which nobody else changes until the end of the transaction, each
/// with the merge that wrote it.
pub async fn hold_term_rows(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    terms: &[Term],
    minutes: Minutes,
) -> Result<Vec<(Uuid, TermRow)>> {
    let terms: Vec<i64> = terms.iter().map(|term| term.0).collect();
    let rows = sqlx::query!(
        "SELECT segment, term, postings FROM event_term
         WHERE merchant_id = $1 AND term = ANY($2) AND event_minute = $3 AND recorded_minute = $4
         ORDER BY term, segment FOR UPDATE",
        merchant_id,
        &terms,
        minutes.event,
        minutes.recorded,
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| {
        let held = TermRow {
            merchant_id,
            term: Term(row.term),
            minutes,
            postings: row.postings,
        };
        (row.segment, held)
    });
    Ok(rows.collect())
}

/// Replaces the postings of a row; one without any goes.
pub async fn replace_term_row(
    conn: &mut PgConnection,
    segment: Uuid,
    row: &TermRow,
    is_empty: bool,
) -> Result<()> {
    if is_empty {
        sqlx::query!(
            "DELETE FROM event_term
             WHERE merchant_id = $1 AND term = $2 AND event_minute = $3 AND recorded_minute = $4
               AND segment = $5",
            row.merchant_id,
            row.term.0,
            row.minutes.event,
            row.minutes.recorded,
            segment,
        )
        .execute(conn)
        .await?;
    } else {
        sqlx::query!(
            "UPDATE event_term SET postings = $6
             WHERE merchant_id = $1 AND term = $2 AND event_minute = $3 AND recorded_minute = $4
               AND segment = $5",
            row.merchant_id,
            row.term.0,
            row.minutes.event,
            row.minutes.recorded,
            segment,
            row.postings,
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}
