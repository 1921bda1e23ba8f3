//! The mark of the key that item codes are made with.

use sqlx::PgConnection;

use super::Result;

/// The mark, once there is one.
pub async fn code_key_fingerprint(conn: &mut PgConnection) -> Result<Option<Vec<u8>>> {
    sqlx::query_scalar!("SELECT fingerprint FROM code_key")
        .fetch_optional(conn)
        .await
}

/// Enters the mark; does nothing if there is one.
pub async fn insert_code_key(conn: &mut PgConnection, fingerprint: &[u8]) -> Result<()> {
    sqlx::query!(
        "INSERT INTO code_key (fingerprint) VALUES ($1) ON CONFLICT DO NOTHING",
        fingerprint
    )
    .execute(conn)
    .await?;
    Ok(())
}
