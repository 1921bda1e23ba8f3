//! Replacing the payload of statements of which fields are erased; in the eraser's role.

use auditlog::salts::Salts;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::statement::Row;
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
