//! Sessions of the dashboard. Only digests of their tokens are stored.

use auditlog::encoding::to_hex;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::account::act_as;
use crate::domain::account::Role;

/// A session to be begun.
#[derive(Debug, Clone)]
pub struct NewSession<'a> {
    /// Of its token.
    pub token_sha256: [u8; 32],
    /// By which it is named.
    pub id: Uuid,
    /// Whose.
    pub account_id: Uuid,
    /// For whom it acts.
    pub merchant_id: Option<Uuid>,
    /// When it begins.
    pub created_at: OffsetDateTime,
    /// Whether only the password was shown so far.
    pub awaits_factor: bool,
    /// The device, as it describes itself.
    pub device: &'a str,
}

/// A session whose token was presented.
#[derive(Debug, Clone)]
pub struct PresentedSession {
    /// By which it is named.
    pub id: Uuid,
    /// Whose.
    pub account_id: Uuid,
    /// The account's address.
    pub email: String,
    /// What its person is called.
    pub name: String,
    /// `zh-CN` or `en`.
    pub language: String,
    /// Whether the account has a second factor.
    pub has_factor: bool,
    /// For whom it acts, what that is called, and as what; none where the account belongs to it no longer.
    pub member: Option<(Uuid, String, Role)>,
    /// When it was begun.
    pub created_at: OffsetDateTime,
    /// When it was last used.
    pub seen_at: OffsetDateTime,
    /// Whether only the password was shown so far.
    pub awaits_factor: bool,
}

/// A session in the list of one's own.
#[derive(Debug, Clone)]
pub struct OwnSession {
    /// By which it is named.
    pub id: Uuid,
    /// The device, as it describes itself.
    pub device: String,
    /// When it was begun.
    pub created_at: OffsetDateTime,
    /// When it was last used.
    pub seen_at: OffsetDateTime,
}

/// Shows that one knows a token until the transaction ends: row-level security shows the row with its digest.
pub async fn present_token(conn: &mut PgConnection, token_sha256: &[u8; 32]) -> Result<()> {
    sqlx::query!(
        "SELECT set_config('rootmark.token_sha256', $1, true)",
        to_hex(token_sha256)
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// The session of a token, whatever its age. The connection must be in a transaction, which then acts as the account.
pub async fn presented_session(
    conn: &mut PgConnection,
    token_sha256: &[u8; 32],
) -> Result<Option<PresentedSession>> {
    present_token(conn, token_sha256).await?;
    let account_id = sqlx::query_scalar!(
        "SELECT account_id FROM session WHERE token_sha256 = $1",
        token_sha256.as_slice()
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(account_id) = account_id else {
        return Ok(None);
    };
    act_as(conn, account_id).await?;
    let row = sqlx::query!(
        r#"SELECT session.id, account.email, account.name, account.language,
                  account.sealed_factor IS NOT NULL AS "has_factor!", session.merchant_id,
                  merchant.name AS "merchant_name?", membership.role AS "role?",
                  session.created_at, session.seen_at, session.awaits_factor
           FROM session
           JOIN account ON account.id = session.account_id
           LEFT JOIN membership ON membership.account_id = session.account_id
                               AND membership.merchant_id = session.merchant_id
           LEFT JOIN merchant ON merchant.id = membership.merchant_id
           WHERE token_sha256 = $1"#,
        token_sha256.as_slice()
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let role = row.role.as_deref().and_then(Role::parse);
    let member = match (row.merchant_id, row.merchant_name, role) {
        (Some(id), Some(name), Some(role)) => Some((id, name, role)),
        _ => None,
    };
    Ok(Some(PresentedSession {
        id: row.id,
        account_id,
        email: row.email,
        name: row.name,
        language: row.language,
        has_factor: row.has_factor,
        member,
        created_at: row.created_at,
        seen_at: row.seen_at,
        awaits_factor: row.awaits_factor,
    }))
}

/// Begins a session. The transaction must act as its account.
pub async fn insert_session(conn: &mut PgConnection, session: &NewSession<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO session (token_sha256, id, account_id, merchant_id, created_at, seen_at, awaits_factor, device)
         VALUES ($1, $2, $3, $4, $5, $5, $6, $7)",
        session.token_sha256.as_slice(),
        session.id,
        session.account_id,
        session.merchant_id,
        session.created_at,
        session.awaits_factor,
        session.device,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a session was used. The transaction must act as its account.
pub async fn touch_session(conn: &mut PgConnection, id: Uuid, at: OffsetDateTime) -> Result<()> {
    sqlx::query!("UPDATE session SET seen_at = $2 WHERE id = $1", id, at)
        .execute(conn)
        .await?;
    Ok(())
}

/// How many codes were wrong in a session; none if it has ended. The transaction must act as its account.
pub async fn wrong_codes(conn: &mut PgConnection, id: Uuid) -> Result<Option<i32>> {
    sqlx::query_scalar!("SELECT wrong_codes FROM session WHERE id = $1", id)
        .fetch_optional(conn)
        .await
}

/// Counts a wrong code; how many there were now. The transaction must act as its account.
pub async fn count_wrong_code(conn: &mut PgConnection, id: Uuid) -> Result<i32> {
    sqlx::query_scalar!(
        "UPDATE session SET wrong_codes = wrong_codes + 1 WHERE id = $1 RETURNING wrong_codes",
        id
    )
    .fetch_one(conn)
    .await
}

/// Acts for another merchant from now on. The transaction must act as its account.
pub async fn set_session_merchant(
    conn: &mut PgConnection,
    id: Uuid,
    merchant_id: Uuid,
) -> Result<()> {
    sqlx::query!(
        "UPDATE session SET merchant_id = $2 WHERE id = $1",
        id,
        merchant_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One's own sessions begun after `since`, the last used first. The transaction must act as the account.
pub async fn own_sessions(
    conn: &mut PgConnection,
    account_id: Uuid,
    begun_after: OffsetDateTime,
    seen_after: OffsetDateTime,
) -> Result<Vec<OwnSession>> {
    sqlx::query_as!(
        OwnSession,
        "SELECT id, device, created_at, seen_at FROM session
         WHERE account_id = $1 AND created_at > $2 AND seen_at > $3 AND NOT awaits_factor
         ORDER BY seen_at DESC, id LIMIT 100",
        account_id,
        begun_after,
        seen_after,
    )
    .fetch_all(conn)
    .await
}

/// Ends a session of one's own; its device, if there was one. The transaction must act as the account.
pub async fn end_session(
    conn: &mut PgConnection,
    account_id: Uuid,
    id: Uuid,
) -> Result<Option<String>> {
    sqlx::query_scalar!(
        "DELETE FROM session WHERE account_id = $1 AND id = $2 RETURNING device",
        account_id,
        id,
    )
    .fetch_optional(conn)
    .await
}

/// Ends all sessions of an account but one. The transaction must act as the account.
pub async fn end_other_sessions(
    conn: &mut PgConnection,
    account_id: Uuid,
    kept: Option<Uuid>,
) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM session WHERE account_id = $1 AND id IS DISTINCT FROM $2",
        account_id,
        kept,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Ends the sessions in which an account acts for a merchant. The transaction must act for the merchant.
pub async fn end_sessions_for(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    account_id: Uuid,
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM session WHERE merchant_id = $1 AND account_id = $2",
        merchant_id,
        account_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes sessions that ended by themselves; in the eraser's role.
pub async fn delete_past_sessions(conn: &mut PgConnection) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM session WHERE created_at < now() - interval '13 hours'")
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
