//! API keys: found by the hash of what a request presents.

use auditlog::encoding::to_hex;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::merchant::stored_event_id_key;
use crate::domain::sealed::StoredEventIdKey;

/// A key to be stored.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Whose.
    pub merchant_id: Uuid,
    /// Its own.
    pub id: Uuid,
    /// SHA-256 of the key.
    pub key_sha256: [u8; 32],
    /// For people.
    pub label: String,
    /// The party in whose name it speaks.
    pub issuer: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Until when it is good; for good where it is none.
    pub expires_at: Option<OffsetDateTime>,
}

/// A key in the list of its merchant.
#[derive(Debug, Clone)]
pub struct KeyRow {
    /// Its own.
    pub id: Uuid,
    /// For people.
    pub label: String,
    /// The party in whose name it speaks.
    pub issuer: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Until when it is good.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was ended by hand.
    pub revoked_at: Option<OffsetDateTime>,
}

/// What a key that is in force allows.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Whose.
    pub merchant_id: Uuid,
    /// The party in whose name it speaks.
    pub issuer: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Makes the eventID of the merchant's events that come without one.
    pub event_id_key: StoredEventIdKey,
}

impl KeyRow {
    /// Whether it opens anything at `now`.
    pub fn is_good(&self, now: OffsetDateTime) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }
}

/// Stores a key. The transaction must act for its merchant already.
pub async fn insert_api_key(conn: &mut PgConnection, key: &NewApiKey) -> Result<()> {
    sqlx::query!(
        "INSERT INTO api_key (merchant_id, id, key_sha256, label, issuer, scopes, created_at,
                              expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        key.merchant_id,
        key.id,
        key.key_sha256.as_slice(),
        key.label,
        key.issuer,
        &key.scopes,
        key.created_at,
        key.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The key whose hash this is, if it is in force at `now`. The connection must be in a transaction.
pub async fn presented_api_key(
    conn: &mut PgConnection,
    key_sha256: &[u8; 32],
    now: OffsetDateTime,
) -> Result<Option<ApiKey>> {
    sqlx::query!(
        "SELECT set_config('rootmark.key_sha256', $1, true)",
        to_hex(key_sha256)
    )
    .fetch_one(&mut *conn)
    .await?;
    let key = sqlx::query!(
        "SELECT merchant_id, issuer, scopes FROM api_key
         WHERE key_sha256 = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
        key_sha256.as_slice(),
        now,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(key) = key else { return Ok(None) };
    super::act_for(conn, key.merchant_id).await?;
    let stored = sqlx::query!(
        "SELECT event_id_key, sealed_event_id_key FROM merchant WHERE id = $1",
        key.merchant_id
    )
    .fetch_one(conn)
    .await?;
    Ok(Some(ApiKey {
        merchant_id: key.merchant_id,
        issuer: key.issuer,
        scopes: key.scopes,
        event_id_key: stored_event_id_key(stored.event_id_key, stored.sealed_event_id_key)?,
    }))
}

/// All keys of a merchant, the newest first. The transaction must act for it.
pub async fn keys_of(conn: &mut PgConnection, merchant_id: Uuid) -> Result<Vec<KeyRow>> {
    sqlx::query_as!(
        KeyRow,
        "SELECT id, label, issuer, scopes, created_at, expires_at, revoked_at FROM api_key
         WHERE merchant_id = $1 ORDER BY created_at DESC, id LIMIT 1000",
        merchant_id,
    )
    .fetch_all(conn)
    .await
}

/// Ends a key; what it is called, if it was in force. The transaction must act for its merchant.
pub async fn end_api_key(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    id: Uuid,
    at: OffsetDateTime,
) -> Result<Option<String>> {
    sqlx::query_scalar!(
        "UPDATE api_key SET revoked_at = $3 WHERE merchant_id = $1 AND id = $2 AND revoked_at IS NULL
         RETURNING label",
        merchant_id,
        id,
        at,
    )
    .fetch_optional(conn)
    .await
}
