//! The public look-up: whose records describe a place or a party.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;

/// Enters that a merchant describes the identities with these keys; what is known stays.
pub async fn enter_descriptions(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    identity_keys: &[i64],
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO party_description (identity_key, merchant_id)
         SELECT key, $2 FROM unnest($1::bigint[]) AS described (key) ORDER BY key
         ON CONFLICT DO NOTHING",
        identity_keys,
        merchant_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The merchants whose records describe an identity with this key, in a fixed order. Keys can
/// collide: the caller compares the identities themselves.
pub async fn describing_merchants(
    conn: &mut PgConnection,
    identity_key: i64,
    limit: i64,
) -> Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT merchant_id FROM party_description WHERE identity_key = $1
         ORDER BY merchant_id LIMIT $2",
        identity_key,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// All rows after `after`, in order; in the checker's role.
pub async fn descriptions_after(
    conn: &mut PgConnection,
    after: (i64, Uuid),
    limit: i64,
) -> Result<Vec<(i64, Uuid)>> {
    let rows = sqlx::query!(
        "SELECT identity_key, merchant_id FROM party_description
         WHERE (identity_key, merchant_id) > ($1, $2)
         ORDER BY identity_key, merchant_id LIMIT $3",
        after.0,
        after.1,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.identity_key, row.merchant_id))
        .collect())
}
