//! Forms that were sent: one that is sent twice does its work once. The transaction must act for the merchant.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;

/// Takes a form, in the transaction of what it does; where it led to, if it was taken before. Whoever sends it a second time
/// waits for the first.
pub async fn take_form(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    id: Uuid,
    led_to: &str,
    at: OffsetDateTime,
) -> Result<Option<String>> {
    let done = sqlx::query!(
        "INSERT INTO sent_form (merchant_id, id, sent_at, led_to) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        merchant_id,
        id,
        at,
        led_to,
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() > 0 {
        return Ok(None);
    }
    sqlx::query_scalar!(
        "SELECT led_to FROM sent_form WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        id,
    )
    .fetch_optional(conn)
    .await
}

/// Deletes what nobody sends again; in the eraser's role.
pub async fn delete_past_forms(conn: &mut PgConnection) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM sent_form WHERE sent_at < now() - interval '2 days'")
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
