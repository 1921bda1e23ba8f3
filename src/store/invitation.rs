//! Invitations to a team, each good once.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::session::present_token;
use crate::domain::account::Role;

/// An invitation to be sent.
#[derive(Debug, Clone)]
pub struct NewInvitation<'a> {
    /// To whose team.
    pub merchant_id: Uuid,
    /// Its own.
    pub id: Uuid,
    /// Of its token.
    pub token_sha256: [u8; 32],
    /// To whom.
    pub email: &'a str,
    /// As what.
    pub role: Role,
    /// Who invites.
    pub invited_by: &'a str,
    /// What the merchant is called.
    pub merchant_name: &'a str,
    /// When it is made.
    pub created_at: OffsetDateTime,
    /// Until when it is good.
    pub expires_at: OffsetDateTime,
}

/// An invitation that is open.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// To whose team.
    pub merchant_id: Uuid,
    /// Its own.
    pub id: Uuid,
    /// To whom.
    pub email: String,
    /// As what.
    pub role: Role,
    /// Who invites.
    pub invited_by: String,
    /// What the merchant is called.
    pub merchant_name: String,
    /// Until when it is good.
    pub expires_at: OffsetDateTime,
}

struct Row {
    merchant_id: Uuid,
    id: Uuid,
    email: String,
    role: String,
    invited_by: String,
    merchant_name: String,
    expires_at: OffsetDateTime,
}

impl Row {
    fn read(self) -> Result<Invitation> {
        let unknown = || sqlx::Error::Decode(format!("no role: {}", self.role).into());
        Ok(Invitation {
            role: Role::parse(&self.role).ok_or_else(unknown)?,
            merchant_id: self.merchant_id,
            id: self.id,
            email: self.email,
            invited_by: self.invited_by,
            merchant_name: self.merchant_name,
            expires_at: self.expires_at,
        })
    }
}

/// Stores an invitation; false if one to this address is open. The transaction must act for the merchant.
pub async fn insert_invitation(
    conn: &mut PgConnection,
    invitation: &NewInvitation<'_>,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO invitation (merchant_id, id, token_sha256, email, role, invited_by, merchant_name, created_at,
                                 expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (merchant_id, email) WHERE ended_at IS NULL DO NOTHING",
        invitation.merchant_id,
        invitation.id,
        invitation.token_sha256.as_slice(),
        invitation.email,
        invitation.role.as_str(),
        invitation.invited_by,
        invitation.merchant_name,
        invitation.created_at,
        invitation.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The invitation of a token, if it is open at `now`. The connection must be in a transaction.
pub async fn presented_invitation(
    conn: &mut PgConnection,
    token_sha256: &[u8; 32],
    now: OffsetDateTime,
) -> Result<Option<Invitation>> {
    present_token(conn, token_sha256).await?;
    let row = sqlx::query_as!(
        Row,
        "SELECT merchant_id, id, email, role, invited_by, merchant_name, expires_at FROM invitation
         WHERE token_sha256 = $1 AND ended_at IS NULL AND expires_at > $2",
        token_sha256.as_slice(),
        now,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::read).transpose()
}

/// Invitations that are not ended, past their time or not, the newest first. The transaction must act for the merchant.
pub async fn open_invitations(
    conn: &mut PgConnection,
    merchant_id: Uuid,
) -> Result<Vec<Invitation>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT merchant_id, id, email, role, invited_by, merchant_name, expires_at FROM invitation
         WHERE merchant_id = $1 AND ended_at IS NULL ORDER BY created_at DESC, id LIMIT 200",
        merchant_id,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Ends an invitation, accepted or taken back; to whom it was, if it was open. The transaction must act for the merchant.
pub async fn end_invitation(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    id: Uuid,
    at: OffsetDateTime,
) -> Result<Option<String>> {
    sqlx::query_scalar!(
        "UPDATE invitation SET ended_at = $3 WHERE merchant_id = $1 AND id = $2 AND ended_at IS NULL
         RETURNING email",
        merchant_id,
        id,
        at,
    )
    .fetch_optional(conn)
    .await
}

/// Ends what is past its time to an address, so that it can be invited again. The transaction must act for the merchant.
pub async fn end_past_invitation(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    email: &str,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "UPDATE invitation SET ended_at = $3
         WHERE merchant_id = $1 AND email = $2 AND ended_at IS NULL AND expires_at <= $3",
        merchant_id,
        email,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes invitations that ended, or ran out, a month ago; in the eraser's role.
pub async fn delete_past_invitations(conn: &mut PgConnection) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM invitation WHERE least(ended_at, expires_at) < now() - interval '30 days'"
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
