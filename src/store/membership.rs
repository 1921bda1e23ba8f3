//! Who belongs to which merchant, and as what.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use crate::domain::account::Role;

/// Members of a merchant at most.
pub const MAX_MEMBERS: usize = 200;

/// Somebody of a team.
#[derive(Debug, Clone)]
pub struct Member {
    /// The account.
    pub account_id: Uuid,
    /// Its address.
    pub email: String,
    /// What its person is called.
    pub name: String,
    /// As what.
    pub role: Role,
    /// Whether logging in takes a second factor.
    pub has_factor: bool,
    /// Since when.
    pub created_at: OffsetDateTime,
}

/// A merchant that somebody works for.
#[derive(Debug, Clone)]
pub struct Employer {
    /// The merchant.
    pub merchant_id: Uuid,
    /// What it is called.
    pub name: String,
    /// As what.
    pub role: Role,
}

fn role(text: &str) -> Result<Role> {
    let unknown = || sqlx::Error::Decode(format!("no role: {text}").into());
    Role::parse(text).ok_or_else(unknown)
}

/// Everybody of a team, by name. The transaction must act for the merchant.
pub async fn members_of(conn: &mut PgConnection, merchant_id: Uuid) -> Result<Vec<Member>> {
    let rows = sqlx::query!(
        r#"SELECT account.id, email, name, role, sealed_factor IS NOT NULL AS "has_factor!", membership.created_at
           FROM membership JOIN account ON account.id = membership.account_id
           WHERE merchant_id = $1 ORDER BY name, email LIMIT $2"#,
        merchant_id,
        MAX_MEMBERS as i64,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Member {
                account_id: row.id,
                email: row.email,
                name: row.name,
                role: role(&row.role)?,
                has_factor: row.has_factor,
                created_at: row.created_at,
            })
        })
        .collect()
}

/// Holds all memberships of a merchant until the transaction ends: how many owners there are is decided by one alone.
pub async fn hold_members(conn: &mut PgConnection, merchant_id: Uuid) -> Result<Vec<(Uuid, Role)>> {
    let rows = sqlx::query!(
        "SELECT account_id, role FROM membership WHERE merchant_id = $1 ORDER BY account_id LIMIT $2 FOR UPDATE",
        merchant_id,
        MAX_MEMBERS as i64 + 1,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.account_id, role(&row.role)?)))
        .collect()
}

/// Whom an account works for, by name. The transaction must act as the account.
pub async fn employers_of(conn: &mut PgConnection, account_id: Uuid) -> Result<Vec<Employer>> {
    let rows = sqlx::query!(
        "SELECT merchant.id, merchant.name, role FROM membership JOIN merchant ON merchant.id = merchant_id
         WHERE account_id = $1 ORDER BY merchant.name, merchant.id LIMIT 100",
        account_id,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Employer {
                merchant_id: row.id,
                name: row.name,
                role: role(&row.role)?,
            })
        })
        .collect()
}

/// Makes somebody a member, or changes nothing if he is one. The transaction must act for the merchant.
pub async fn insert_membership(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    account_id: Uuid,
    role: Role,
    at: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO membership (merchant_id, account_id, role, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
        merchant_id,
        account_id,
        role.as_str(),
        at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Gives somebody another role. The transaction must act for the merchant.
pub async fn set_role(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    account_id: Uuid,
    role: Role,
) -> Result<()> {
    sqlx::query!(
        "UPDATE membership SET role = $3 WHERE merchant_id = $1 AND account_id = $2",
        merchant_id,
        account_id,
        role.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes somebody out of a team. The transaction must act for the merchant.
pub async fn delete_membership(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    account_id: Uuid,
) -> Result<()> {
    sqlx::query!(
        "DELETE FROM membership WHERE merchant_id = $1 AND account_id = $2",
        merchant_id,
        account_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}
