//! Codes on paper, each good once. The transaction must act as their account.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;

/// Puts these codes in the place of all before them.
pub async fn replace_recovery_codes(
    conn: &mut PgConnection,
    account_id: Uuid,
    digests: &[Vec<u8>],
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM recovery_code WHERE account_id = $1",
        account_id
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO recovery_code (account_id, digest) SELECT $1, digest FROM unnest($2::bytea[]) digest",
        account_id,
        digests,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses a code; false if there is none like it, or it was used.
pub async fn use_recovery_code(
    conn: &mut PgConnection,
    account_id: Uuid,
    digest: &[u8; 32],
    at: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE recovery_code SET used_at = $3 WHERE account_id = $1 AND digest = $2 AND used_at IS NULL",
        account_id,
        digest.as_slice(),
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How many are left.
pub async fn recovery_codes_left(conn: &mut PgConnection, account_id: Uuid) -> Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM recovery_code WHERE account_id = $1 AND used_at IS NULL"#,
        account_id
    )
    .fetch_one(conn)
    .await
}
