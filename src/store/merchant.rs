//! Merchants.

use auditlog::field::Secret;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;

/// A tenant.
#[derive(Debug, Clone)]
pub struct Merchant {
    /// Its own.
    pub id: Uuid,
    /// For people.
    pub name: String,
    /// The party in whose name it speaks.
    pub issuer: String,
    /// Makes the eventID of events that come without one.
    pub event_id_key: Secret,
    /// When it was entered.
    pub created_at: OffsetDateTime,
}

/// Enters a merchant. The transaction must act for it already.
pub async fn insert_merchant(conn: &mut PgConnection, merchant: &Merchant) -> Result<()> {
    sqlx::query!(
        "INSERT INTO merchant (id, name, issuer, event_id_key, created_at)
         VALUES ($1, $2, $3, $4, $5)",
        merchant.id,
        merchant.name,
        merchant.issuer,
        merchant.event_id_key.0.as_slice(),
        merchant.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Every merchant, oldest first; in the checker's role.
pub async fn list_merchants(conn: &mut PgConnection) -> Result<Vec<Merchant>> {
    let rows = sqlx::query!(
        "SELECT id, name, issuer, event_id_key, created_at FROM merchant
         ORDER BY created_at, id LIMIT 10000"
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Merchant {
                id: row.id,
                name: row.name,
                issuer: row.issuer,
                event_id_key: super::secret("merchant.event_id_key", &row.event_id_key)?,
                created_at: row.created_at,
            })
        })
        .collect()
}
