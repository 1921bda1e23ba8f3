//! What a merchant said of its recalls.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::statement::Row;
use super::walk::Rows;
use crate::domain::statement::StoredStatement;

/// The statements of a merchant's recalls, the last first: so many, and no more content than the one
/// that goes beyond it.
pub async fn recalls_said(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    most: Rows,
) -> Result<Vec<StoredStatement>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT s.batch_id, s.position,
                  coalesce(sealed.recorded_at, pending.recorded_at) AS "recorded_at!",
                  sealed.first_index AS "first_index?",
                  s.content, s.receipt, s.content_secret, s.receipt_secret, s.digest
           FROM (SELECT *, sum(octet_length(content))
                               OVER (ORDER BY batch_id DESC, position DESC)
                               - octet_length(content) AS before
                 FROM (SELECT * FROM statement WHERE merchant_id = $1 AND kind = 'recall'
                       ORDER BY batch_id DESC, position DESC LIMIT $2) AS last) AS s
           LEFT JOIN sealed_batch sealed ON sealed.merchant_id = $1 AND sealed.id = s.batch_id
           LEFT JOIN pending_batch pending ON pending.merchant_id = $1 AND pending.id = s.batch_id
           WHERE s.before <= $3
           ORDER BY s.batch_id DESC, s.position DESC"#,
        merchant_id,
        most.limit,
        most.content_bytes,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}
