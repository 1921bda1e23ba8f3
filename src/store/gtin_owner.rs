//! The public look-up: whose record a GTIN is looked up in.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use crate::domain::gs1::Gtin;

/// The merchant that owns a GTIN.
pub async fn gtin_owner(conn: &mut PgConnection, gtin: Gtin) -> Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT merchant_id FROM gtin_owner WHERE gtin = $1",
        gtin.as_str()
    )
    .fetch_optional(conn)
    .await
}

/// Claims a GTIN for a merchant; gives its owner, who may be another.
pub async fn claim_gtin(
    conn: &mut PgConnection,
    gtin: Gtin,
    merchant_id: Uuid,
    now: OffsetDateTime,
) -> Result<Uuid> {
    sqlx::query!(
        "INSERT INTO gtin_owner (gtin, merchant_id, claimed_at) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
        gtin.as_str(),
        merchant_id,
        now,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        "SELECT merchant_id FROM gtin_owner WHERE gtin = $1",
        gtin.as_str()
    )
    .fetch_one(conn)
    .await
}

/// The owner, with the row held until the transaction ends: issuances of one GTIN's codes wait for
/// each other, so that no number is given twice.
pub async fn hold_gtin(conn: &mut PgConnection, gtin: Gtin) -> Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT merchant_id FROM gtin_owner WHERE gtin = $1 FOR UPDATE",
        gtin.as_str()
    )
    .fetch_optional(conn)
    .await
}

/// All GTINs and their owners after `after`, in order; in the checker's role.
pub async fn gtin_owners_after(
    conn: &mut PgConnection,
    after: &str,
    limit: i64,
) -> Result<Vec<(String, Uuid)>> {
    let rows = sqlx::query!(
        "SELECT gtin, merchant_id FROM gtin_owner WHERE gtin > $1 ORDER BY gtin LIMIT $2",
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.gtin, row.merchant_id))
        .collect())
}
