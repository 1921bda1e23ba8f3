//! Setting up a second factor, and taking it away.

use sqlx::{Connection as _, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::log_in::{Shown, take};
use super::session::Current;
use super::{AccountError, Result, fresh_secret, passwords, random};
use crate::domain::account::{AccountKeys, Email, Password, RecoveryCode, SecondFactor};
use crate::domain::act::{OPERATOR, What};
use crate::store::Pool;
use crate::store::account::{account_by_email, act_as, hold_own_account, own_account, set_factor};
use crate::store::recovery_code::{recovery_codes_left, replace_recovery_codes};
use crate::store::session::end_other_sessions;

/// A factor that is shown to be set up. Nothing is stored until its owner shows a code of it: the form brings it back,
/// sealed for the account.
pub fn propose(keys: &AccountKeys, account_id: Uuid) -> Result<(SecondFactor, Vec<u8>)> {
    let factor = SecondFactor(random()?);
    let sealed = keys.seal_factor(account_id, random()?, &factor);
    Ok((factor, sealed))
}

/// Sets up a proposed factor for whoever shows the password and a code of it; the codes on paper that come with it. All other sessions end.
pub async fn add(
    pool: &Pool,
    keys: &AccountKeys,
    current: &Current,
    (password, sealed, typed): (&Password, &[u8], &str),
    now: OffsetDateTime,
) -> Result<Vec<RecoveryCode>> {
    let session = &current.session;
    // Else whoever finds an open session could shut its owner out with a phone of his own.
    check_password(pool, keys, session.account_id, password).await?;
    let factor = keys.open_factor(session.account_id, sealed)?;
    let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
    let step = factor
        .step_of(typed, seconds, None)
        .ok_or(AccountError::WrongCode)?;
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin().await?;
    act_as(&mut tx, session.account_id).await?;
    let account = hold_own_account(&mut tx, session.account_id).await?;
    // Whoever has one takes it away first, which asks for the password.
    if account.sealed_factor.is_some() {
        return Err(AccountError::FactorIsOn);
    }
    set_factor(&mut tx, account.id, Some(sealed), i64::try_from(step).ok()).await?;
    let codes = new_codes(&mut tx, keys, account.id).await?;
    end_other_sessions(&mut tx, account.id, Some(session.id)).await?;
    super::own_act(&mut tx, account.id, &account.email, What::FactorAdded, now).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Takes the second factor away from whoever shows password and code.
pub async fn remove(
    pool: &Pool,
    keys: &AccountKeys,
    current: &Current,
    (password, shown): (&Password, Shown<'_>),
    now: OffsetDateTime,
) -> Result<()> {
    let account_id = current.session.account_id;
    check_password(pool, keys, account_id, password).await?;
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin().await?;
    act_as(&mut tx, account_id).await?;
    let account = hold_own_account(&mut tx, account_id).await?;
    if !take(&mut tx, keys, &account, &shown, now).await? {
        return Err(AccountError::WrongCode);
    }
    set_factor(&mut tx, account_id, None, None).await?;
    replace_recovery_codes(&mut tx, account_id, &[]).await?;
    super::own_act(
        &mut tx,
        account_id,
        &account.email,
        What::FactorRemoved,
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Takes the second factor away for somebody who has lost it, and the codes on paper, too. All sessions end.
pub async fn remove_as_operator(
    conn: &mut PgConnection,
    email: &Email,
    now: OffsetDateTime,
) -> Result<()> {
    let mut tx = conn.begin().await?;
    let account = account_by_email(&mut tx, email.as_str()).await?;
    let account = account.ok_or(AccountError::NotFound)?;
    act_as(&mut tx, account.id).await?;
    set_factor(&mut tx, account.id, None, None).await?;
    replace_recovery_codes(&mut tx, account.id, &[]).await?;
    end_other_sessions(&mut tx, account.id, None).await?;
    let names = (OPERATOR, account.email.as_str());
    super::act_on(&mut tx, account.id, names, What::FactorRemoved, now).await?;
    tx.commit().await?;
    Ok(())
}

/// New codes on paper for whoever shows a code of the phone; those before are good no longer.
pub async fn renew_codes(
    conn: &mut PgConnection,
    keys: &AccountKeys,
    current: &Current,
    typed: &str,
    now: OffsetDateTime,
) -> Result<Vec<RecoveryCode>> {
    let account_id = current.session.account_id;
    let mut tx = conn.begin().await?;
    act_as(&mut tx, account_id).await?;
    let account = hold_own_account(&mut tx, account_id).await?;
    if !take(&mut tx, keys, &account, &Shown::Code(typed), now).await? {
        return Err(AccountError::WrongCode);
    }
    let codes = new_codes(&mut tx, keys, account_id).await?;
    super::own_act(
        &mut tx,
        account_id,
        &account.email,
        What::RecoveryCodesMade,
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(codes)
}

/// How many codes on paper are left.
pub async fn codes_left(conn: &mut PgConnection, current: &Current) -> Result<i64> {
    let mut tx = conn.begin().await?;
    act_as(&mut tx, current.session.account_id).await?;
    Ok(recovery_codes_left(&mut tx, current.session.account_id).await?)
}

/// Whether a password is the account's own.
pub(super) async fn check_password(
    pool: &Pool,
    keys: &AccountKeys,
    account_id: Uuid,
    password: &Password,
) -> Result<()> {
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin().await?;
    act_as(&mut tx, account_id).await?;
    let hash = own_account(&mut tx, account_id).await?.password_hash;
    tx.rollback().await?;
    drop(conn);
    match passwords::is_right(password, &keys.pepper, Some(&hash)).await? {
        true => Ok(()),
        false => Err(AccountError::WrongPassword),
    }
}

async fn new_codes(
    conn: &mut PgConnection,
    keys: &AccountKeys,
    account_id: Uuid,
) -> Result<Vec<RecoveryCode>> {
    let mut codes = Vec::new();
    for _ in 0..RecoveryCode::COUNT {
        codes.push(RecoveryCode::of(&fresh_secret()?));
    }
    let digest = |code: &RecoveryCode| keys.recovery_digest(account_id, code).to_vec();
    let digests: Vec<_> = codes.iter().map(digest).collect();
    replace_recovery_codes(conn, account_id, &digests).await?;
    Ok(codes)
}
