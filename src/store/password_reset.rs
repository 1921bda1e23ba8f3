//! Links with which somebody who forgot a password takes another.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::session::present_token;

/// Keeps a link, in the place of those before it. The transaction must act as the account.
pub async fn insert_password_reset(
    conn: &mut PgConnection,
    account_id: Uuid,
    token_sha256: &[u8; 32],
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> Result<()> {
    delete_password_resets(conn, account_id).await?;
    sqlx::query!(
        "INSERT INTO password_reset (token_sha256, account_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        token_sha256.as_slice(),
        account_id,
        created_at,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The account of a link, if it is good at `now`. The connection must be in a transaction.
pub async fn presented_password_reset(
    conn: &mut PgConnection,
    token_sha256: &[u8; 32],
    now: OffsetDateTime,
) -> Result<Option<Uuid>> {
    present_token(conn, token_sha256).await?;
    sqlx::query_scalar!(
        "SELECT account_id FROM password_reset WHERE token_sha256 = $1 AND expires_at > $2",
        token_sha256.as_slice(),
        now,
    )
    .fetch_optional(conn)
    .await
}

/// Ends a link; false if it has ended. The transaction must act as its account.
pub async fn delete_password_reset(
    conn: &mut PgConnection,
    token_sha256: &[u8; 32],
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM password_reset WHERE token_sha256 = $1",
        token_sha256.as_slice()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends all links of an account; how many there were. The transaction must act as it.
pub async fn delete_password_resets(conn: &mut PgConnection, account_id: Uuid) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM password_reset WHERE account_id = $1",
        account_id
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes links that are past their time; in the eraser's role.
pub async fn delete_past_resets(conn: &mut PgConnection) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM password_reset WHERE expires_at < now()")
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
