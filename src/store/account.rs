//! Accounts: the people who work with the dashboard. In the role of accounts.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;

/// An account, with what it proves itself with.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its own.
    pub id: Uuid,
    /// In small letters.
    pub email: String,
    /// What its person is called.
    pub name: String,
    /// A PHC string.
    pub password_hash: String,
    /// When it was last changed.
    pub password_changed_at: OffsetDateTime,
    /// `zh-CN` or `en`.
    pub language: String,
    /// Sealed; none without a second factor.
    pub sealed_factor: Option<Vec<u8>>,
    /// The last step whose code was used.
    pub factor_step: Option<i64>,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// Acts as one account until the transaction ends: row-level security shows and takes only what is its own.
pub async fn act_as(conn: &mut PgConnection, account_id: Uuid) -> Result<()> {
    sqlx::query!(
        "SELECT set_config('rootmark.account_id', $1, true)",
        account_id.to_string()
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// The account of an address, if there is one. The connection must be in a transaction.
pub async fn account_by_email(conn: &mut PgConnection, email: &str) -> Result<Option<Account>> {
    sqlx::query!("SELECT set_config('rootmark.email', $1, true)", email)
        .fetch_one(&mut *conn)
        .await?;
    sqlx::query_as!(
        Account,
        "SELECT id, email, name, password_hash, password_changed_at, language, sealed_factor, factor_step, created_at
         FROM account WHERE email = $1",
        email
    )
    .fetch_optional(conn)
    .await
}

/// One's own account. The transaction must act as it.
pub async fn own_account(conn: &mut PgConnection, id: Uuid) -> Result<Account> {
    sqlx::query_as!(
        Account,
        "SELECT id, email, name, password_hash, password_changed_at, language, sealed_factor, factor_step, created_at
         FROM account WHERE id = $1",
        id
    )
    .fetch_one(conn)
    .await
}

/// The same, held until the transaction ends: what is used once is looked at by one alone.
pub async fn hold_own_account(conn: &mut PgConnection, id: Uuid) -> Result<Account> {
    sqlx::query_as!(
        Account,
        "SELECT id, email, name, password_hash, password_changed_at, language, sealed_factor, factor_step, created_at
         FROM account WHERE id = $1 FOR UPDATE",
        id
    )
    .fetch_one(conn)
    .await
}

/// Makes an account; false if the address has one already. The transaction must act as it.
pub async fn insert_account(conn: &mut PgConnection, account: &Account) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO account (id, email, name, password_hash, password_changed_at, language, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email) DO NOTHING",
        account.id,
        account.email,
        account.name,
        account.password_hash,
        account.password_changed_at,
        account.language,
        account.created_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes another password. The transaction must act as the account.
pub async fn set_password(
    conn: &mut PgConnection,
    id: Uuid,
    password_hash: &str,
    at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "UPDATE account SET password_hash = $2, password_changed_at = $3 WHERE id = $1",
        id,
        password_hash,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes another second factor, or none; a code of step `used` was shown already. The transaction must act as the account.
pub async fn set_factor(
    conn: &mut PgConnection,
    id: Uuid,
    sealed: Option<&[u8]>,
    used: Option<i64>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE account SET sealed_factor = $2, factor_step = $3 WHERE id = $1",
        id,
        sealed,
        used,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes another language. The transaction must act as the account.
pub async fn set_language(conn: &mut PgConnection, id: Uuid, language: &str) -> Result<()> {
    sqlx::query!(
        "UPDATE account SET language = $2 WHERE id = $1",
        id,
        language
    )
    .execute(conn)
    .await?;
    Ok(())
}
