//! Merchants.

use auditlog::field::Secret;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use crate::domain::sealed::StoredEventIdKey;

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
    pub event_id_key: StoredEventIdKey,
    /// When it was entered.
    pub created_at: OffsetDateTime,
}

/// A merchant to be entered.
#[derive(Debug, Clone)]
pub struct NewMerchant<'a> {
    /// Its own.
    pub id: Uuid,
    /// For people.
    pub name: &'a str,
    /// The party in whose name it speaks.
    pub issuer: &'a str,
    /// See [`crate::domain::sealed::EventIdKeys`].
    pub sealed_event_id_key: &'a [u8],
    /// When it is entered.
    pub created_at: OffsetDateTime,
}

/// Enters a merchant. The transaction must act for it already.
pub async fn insert_merchant(conn: &mut PgConnection, merchant: &NewMerchant<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO merchant (id, name, issuer, sealed_event_id_key, created_at)
         VALUES ($1, $2, $3, $4, $5)",
        merchant.id,
        merchant.name,
        merchant.issuer,
        merchant.sealed_event_id_key,
        merchant.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The party in whose name a merchant speaks; the transaction must act for it.
pub async fn issuer_of(conn: &mut PgConnection, id: Uuid) -> Result<String> {
    sqlx::query_scalar!("SELECT issuer FROM merchant WHERE id = $1", id)
        .fetch_one(conn)
        .await
}

/// Every merchant, oldest first; in the checker's role.
pub async fn list_merchants(conn: &mut PgConnection) -> Result<Vec<Merchant>> {
    let rows = sqlx::query!(
        "SELECT id, name, issuer, event_id_key, sealed_event_id_key, created_at FROM merchant
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
                event_id_key: stored_event_id_key(row.event_id_key, row.sealed_event_id_key)?,
                created_at: row.created_at,
            })
        })
        .collect()
}

/// A key by its two columns, of which one is filled.
pub(super) fn stored_event_id_key(
    clear: Option<Vec<u8>>,
    sealed: Option<Vec<u8>>,
) -> Result<StoredEventIdKey> {
    match (clear, sealed) {
        (_, Some(sealed)) => Ok(StoredEventIdKey::Sealed(sealed)),
        (clear, None) => {
            let clear = super::secret("merchant.event_id_key", &clear.unwrap_or_default())?;
            Ok(StoredEventIdKey::Clear(clear))
        }
    }
}

/// Keys that still lie in the clear, some at a time; in the sealer's role.
pub async fn clear_event_id_keys(conn: &mut PgConnection) -> Result<Vec<(Uuid, Secret)>> {
    let rows = sqlx::query!(
        r#"SELECT id, event_id_key AS "clear!" FROM merchant
           WHERE event_id_key IS NOT NULL ORDER BY id LIMIT 1000"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.id, super::secret("merchant.event_id_key", &row.clear)?)))
        .collect()
}

/// Puts a sealed key where one lies in the clear, once: how many there were. In the sealer's role.
pub async fn seal_event_id_key(conn: &mut PgConnection, id: Uuid, sealed: &[u8]) -> Result<u64> {
    let changed = sqlx::query!(
        "UPDATE merchant SET event_id_key = NULL, sealed_event_id_key = $2
         WHERE id = $1 AND event_id_key IS NOT NULL",
        id,
        sealed,
    )
    .execute(conn)
    .await?;
    Ok(changed.rows_affected())
}
