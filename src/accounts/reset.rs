//! Another password: for whoever knows the old one, and for whoever has forgotten it.

use sqlx::{Connection as _, PgConnection};
use time::{Duration, OffsetDateTime};

use super::factor::check_password;
use super::log_in::{Shown, take};
use super::session::Current;
use super::{AccountError, Result, fresh_token, passwords};
use crate::domain::account::{AccountKeys, Email, Password, Token};
use crate::domain::act::What;
use crate::store::Pool;
use crate::store::account::{
    Account, account_by_email, act_as, hold_own_account, own_account, set_password,
};
use crate::store::password_reset::{
    delete_password_reset, delete_password_resets, insert_password_reset, presented_password_reset,
};
use crate::store::session::{end_other_sessions, wrong_codes};

/// How long a link for another password is good.
pub const RESET_LIMIT: Duration = Duration::hours(1);

/// A link for whoever has the address and an account; none for others, who must not be told.
pub async fn ask(
    conn: &mut PgConnection,
    email: &Email,
    now: OffsetDateTime,
) -> Result<Option<(Token, Account)>> {
    let mut tx = conn.begin().await?;
    let Some(account) = account_by_email(&mut tx, email.as_str()).await? else {
        return Ok(None);
    };
    act_as(&mut tx, account.id).await?;
    let token = fresh_token()?;
    let digest = token.digest();
    insert_password_reset(&mut tx, account.id, &digest, now, now + RESET_LIMIT).await?;
    tx.commit().await?;
    Ok(Some((token, account)))
}

/// The account that a link is for.
pub async fn look_up(
    conn: &mut PgConnection,
    token: &Token,
    now: OffsetDateTime,
) -> Result<Account> {
    let mut tx = conn.begin().await?;
    let found = presented_password_reset(&mut tx, &token.digest(), now).await?;
    let account_id = found.ok_or(AccountError::LinkEnded)?;
    act_as(&mut tx, account_id).await?;
    Ok(own_account(&mut tx, account_id).await?)
}

/// Takes another password with a link. Who has a second factor shows it here too: a mailbox alone lets nobody in. All sessions
/// end, and so does the link.
pub async fn take_another(
    pool: &Pool,
    keys: &AccountKeys,
    (token, chosen): (&Token, &str),
    shown: Option<Shown<'_>>,
    now: OffsetDateTime,
) -> Result<()> {
    let mut conn = pool.acquire().await?;
    let account = look_up(&mut conn, token, now).await?;
    drop(conn);
    let password = choose(&account, chosen)?;
    let hash = passwords::hash(&password, &keys.pepper).await?;
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin().await?;
    act_as(&mut tx, account.id).await?;
    let account = hold_own_account(&mut tx, account.id).await?;
    if account.sealed_factor.is_some() {
        let shown = shown.ok_or(AccountError::WrongCode)?;
        if !take(&mut tx, keys, &account, &shown, now).await? {
            return Err(AccountError::WrongCode);
        }
    }
    // Held and looked at again: of two who use one link together, one comes too late.
    if !delete_password_reset(&mut tx, &token.digest()).await? {
        return Err(AccountError::LinkEnded);
    }
    delete_password_resets(&mut tx, account.id).await?;
    set_password(&mut tx, account.id, &hash, now).await?;
    end_other_sessions(&mut tx, account.id, None).await?;
    super::own_act(
        &mut tx,
        account.id,
        &account.email,
        What::PasswordReset,
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Takes another password in a session. All other sessions end.
pub async fn change(
    pool: &Pool,
    keys: &AccountKeys,
    current: &Current,
    (old, chosen): (&Password, &str),
    now: OffsetDateTime,
) -> Result<()> {
    let account_id = current.session.account_id;
    check_password(pool, keys, account_id, old).await?;
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin().await?;
    act_as(&mut tx, account_id).await?;
    let account = own_account(&mut tx, account_id).await?;
    tx.rollback().await?;
    drop(conn);
    let password = choose(&account, chosen)?;
    let hash = passwords::hash(&password, &keys.pepper).await?;
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin().await?;
    act_as(&mut tx, account_id).await?;
    // Who took another password by mail meanwhile, and ended this session, had a reason.
    let held = hold_own_account(&mut tx, account_id).await?;
    let is_in_force = wrong_codes(&mut tx, current.session.id).await?.is_some();
    if held.password_hash != account.password_hash || !is_in_force {
        return Err(AccountError::WrongPassword);
    }
    set_password(&mut tx, account_id, &hash, now).await?;
    delete_password_resets(&mut tx, account_id).await?;
    end_other_sessions(&mut tx, account_id, Some(current.session.id)).await?;
    super::own_act(
        &mut tx,
        account_id,
        &account.email,
        What::PasswordChanged,
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

fn choose(account: &Account, chosen: &str) -> Result<Password> {
    let known = [
        account.email.as_str(),
        account.name.as_str(),
        "rootmark",
        "yuanzheng",
    ];
    Ok(Password::choose(chosen, &known)?)
}
