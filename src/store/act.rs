//! Administrative acts: one row each, in the transaction of what was done; none is ever changed. The transaction must act
//! for their merchant.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use crate::domain::act::What;

/// An act to be kept.
#[derive(Debug, Clone)]
pub struct NewAct<'a> {
    /// Whose team.
    pub merchant_id: Uuid,
    /// When.
    pub at: OffsetDateTime,
    /// Who.
    pub actor: &'a str,
    /// What.
    pub what: What,
    /// To whom or what; at most 500 characters.
    pub subject: &'a str,
    /// What else is worth knowing; at most 500 characters.
    pub detail: &'a str,
}

/// An act as it was kept.
#[derive(Debug, Clone)]
pub struct Act {
    /// In the order of time.
    pub id: Uuid,
    /// When.
    pub at: OffsetDateTime,
    /// Who.
    pub actor: String,
    /// What: a word of [`What::as_str`], of this version or an older one.
    pub what: String,
    /// To whom or what.
    pub subject: String,
    /// What else is worth knowing.
    pub detail: String,
}

/// Keeps an act, and says under which name.
pub async fn insert_act(conn: &mut PgConnection, act: &NewAct<'_>) -> Result<Uuid> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "INSERT INTO act (merchant_id, id, at, actor, what, subject, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        act.merchant_id,
        id,
        act.at,
        act.actor,
        act.what.as_str(),
        act.subject,
        act.detail,
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Acts before one, the newest first.
pub async fn acts_before(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Act>> {
    sqlx::query_as!(
        Act,
        "SELECT id, at, actor, what, subject, detail FROM act
         WHERE merchant_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        merchant_id,
        before,
        i64::from(limit),
    )
    .fetch_all(conn)
    .await
}

/// Acts after one and up to another, the oldest first.
pub async fn acts_between(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    (after, last): (Option<Uuid>, Uuid),
    limit: u32,
) -> Result<Vec<Act>> {
    sqlx::query_as!(
        Act,
        "SELECT id, at, actor, what, subject, detail FROM act
         WHERE merchant_id = $1 AND ($2::uuid IS NULL OR id > $2) AND id <= $3 ORDER BY id LIMIT $4",
        merchant_id,
        after,
        last,
        i64::from(limit),
    )
    .fetch_all(conn)
    .await
}
