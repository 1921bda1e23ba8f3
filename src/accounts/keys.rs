//! API keys: made, listed and ended.

use auditlog::Hash;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{AccountError, Actor, Result, random};
use crate::domain::act::What;
use crate::domain::scope::{Scope, api_key_text};
use crate::store::api_key::{KeyRow, NewApiKey, end_api_key, insert_api_key, keys_of};
use crate::store::begin_for;
use crate::store::merchant::issuer_of;
use crate::store::sent_form::take_form;

/// Keys that a merchant may have in force.
pub const MAX_KEYS: usize = 200;
/// Characters of what a key is called.
pub const MAX_LABEL_CHARS: usize = 100;

/// A key to be made.
#[derive(Debug, Clone, Copy)]
pub struct KeyOrder<'a> {
    /// In whose name it speaks; in the merchant's own where it is none.
    pub issuer: Option<&'a str>,
    /// For people.
    pub label: &'a str,
    /// What it may do.
    pub scopes: &'a [Scope],
    /// Until when; for good where it is none.
    pub expires_at: Option<OffsetDateTime>,
}

/// Makes a key and gives its text, which is stored nowhere.
pub async fn make(
    conn: &mut PgConnection,
    actor: Actor<'_>,
    order: &KeyOrder<'_>,
    form: Option<Uuid>,
    now: OffsetDateTime,
) -> Result<String> {
    let text = api_key_text(&random()?);
    let mut tx = begin_for(conn, actor.merchant_id).await?;
    if let Some(form) = form {
        let sent = take_form(&mut tx, actor.merchant_id, form, "/admin/keys", now).await?;
        if let Some(to) = sent {
            return Err(AccountError::SentBefore(to));
        }
    }
    if keys_of(&mut tx, actor.merchant_id)
        .await?
        .iter()
        .filter(|key| key.is_good(now))
        .count()
        >= MAX_KEYS
    {
        return Err(AccountError::TooManyKeys);
    }
    let issuer = match order.issuer {
        Some(issuer) => issuer.to_owned(),
        None => issuer_of(&mut tx, actor.merchant_id).await?,
    };
    let key = NewApiKey {
        merchant_id: actor.merchant_id,
        id: Uuid::now_v7(),
        key_sha256: Hash::of(&[text.as_bytes()]).0,
        label: order.label.to_owned(),
        issuer,
        scopes: order
            .scopes
            .iter()
            .map(|scope| scope.as_str().to_owned())
            .collect(),
        created_at: now,
        expires_at: order.expires_at,
    };
    insert_api_key(&mut tx, &key).await?;
    let scopes = key.scopes.join(", ");
    actor
        .did(&mut tx, What::KeyMade, (&key.label, &scopes), now)
        .await?;
    tx.commit().await?;
    Ok(text)
}

/// All keys of a merchant, the newest first.
pub async fn list(conn: &mut PgConnection, merchant_id: Uuid) -> Result<Vec<KeyRow>> {
    let mut tx = begin_for(conn, merchant_id).await?;
    Ok(keys_of(&mut tx, merchant_id).await?)
}

/// Ends a key: from now on it opens nothing.
pub async fn end(
    conn: &mut PgConnection,
    actor: Actor<'_>,
    id: Uuid,
    now: OffsetDateTime,
) -> Result<()> {
    let mut tx = begin_for(conn, actor.merchant_id).await?;
    let label = end_api_key(&mut tx, actor.merchant_id, id, now).await?;
    let label = label.ok_or(AccountError::NotFound)?;
    actor
        .did(&mut tx, What::KeyEnded, (&label, ""), now)
        .await?;
    tx.commit().await?;
    Ok(())
}
