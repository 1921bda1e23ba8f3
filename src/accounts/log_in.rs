//! Logging in: a password, and then a second factor where there is one. Each step has a token of its own, so that nobody who
//! saw an earlier one is let in by it.

use sqlx::{Connection as _, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::session::Current;
use super::{AccountError, Actor, Result, fresh_token, passwords};
use crate::domain::account::{AccountKeys, Email, Password, RecoveryCode, Token};
use crate::domain::act::What;
use crate::store::Pool;
use crate::store::account::{Account, account_by_email, act_as, hold_own_account, set_factor};
use crate::store::membership::employers_of;
use crate::store::recovery_code::use_recovery_code;
use crate::store::session::{
    NewSession, count_wrong_code, end_session, insert_session, wrong_codes,
};

/// Wrong codes after which a session has to begin again with the password.
pub const MAX_WRONG_CODES: i32 = 5;

/// Characters of what a device says of itself.
const MAX_DEVICE_CHARS: usize = 200;

/// A session that was begun.
#[derive(Debug)]
pub struct Begun {
    /// What its holder shows from now on.
    pub token: Token,
    /// Whose.
    pub account_id: Uuid,
    /// Whether a second factor has to be shown yet.
    pub awaits_factor: bool,
}

/// What is shown as a second factor.
#[derive(Debug)]
pub enum Shown<'a> {
    /// What stands on the phone.
    Code(&'a str),
    /// What stands on paper.
    Recovery(&'a str),
}

/// The account of an address, so that limits can be counted for it: nothing that a stranger learns of.
pub async fn account_of(conn: &mut PgConnection, email: &Email) -> Result<Option<Account>> {
    let mut tx = conn.begin().await?;
    Ok(account_by_email(&mut tx, email.as_str()).await?)
}

/// Begins a session for whoever knows the password. `account` is none where nobody has the address, which takes as long.
pub async fn log_in(
    pool: &Pool,
    keys: &AccountKeys,
    (account, password): (Option<Account>, &Password),
    device: &str,
    now: OffsetDateTime,
) -> Result<Begun> {
    // No connection waits while a password is hashed.
    let hash = account
        .as_ref()
        .map(|account| account.password_hash.as_str());
    let is_right = passwords::is_right(password, &keys.pepper, hash).await?;
    let (Some(account), true) = (account, is_right) else {
        return Err(AccountError::WrongPassword);
    };
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin().await?;
    act_as(&mut tx, account.id).await?;
    // Another password, or a second factor, may have come while this one was hashed.
    let held = hold_own_account(&mut tx, account.id).await?;
    if held.password_hash != account.password_hash {
        return Err(AccountError::WrongPassword);
    }
    let awaits_factor = held.sealed_factor.is_some();
    let token = begin(
        &mut tx,
        (account.id, &account.email),
        device,
        awaits_factor,
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(Begun {
        token,
        account_id: account.id,
        awaits_factor,
    })
}

/// Begins a session. The transaction must act as the account.
pub(super) async fn begin(
    conn: &mut PgConnection,
    (account_id, email): (Uuid, &str),
    device: &str,
    awaits_factor: bool,
    now: OffsetDateTime,
) -> Result<Token> {
    let employers = employers_of(conn, account_id).await?;
    let merchant_id = employers.first().map(|employer| employer.merchant_id);
    let token = fresh_token()?;
    let device: String = device.chars().filter(|c| !c.is_control()).collect();
    let device: String = device.chars().take(MAX_DEVICE_CHARS).collect();
    let session = NewSession {
        token_sha256: token.digest(),
        id: Uuid::now_v7(),
        account_id,
        merchant_id,
        created_at: now,
        awaits_factor,
        device: &device,
    };
    insert_session(conn, &session).await?;
    if let (Some(merchant_id), false) = (merchant_id, awaits_factor) {
        crate::store::act_for(conn, merchant_id).await?;
        let actor = Actor {
            name: email,
            merchant_id,
        };
        actor.did(conn, What::LoggedIn, (email, ""), now).await?;
    }
    Ok(token)
}

/// Shows a second factor in a session that awaits it; the session that takes its place.
pub async fn confirm(
    conn: &mut PgConnection,
    keys: &AccountKeys,
    current: &Current,
    (shown, device): (Shown<'_>, &str),
    now: OffsetDateTime,
) -> Result<Token> {
    let mut tx = conn.begin().await?;
    let session = &current.session;
    act_as(&mut tx, session.account_id).await?;
    // Held: two requests with one code are looked at one after the other.
    let account = hold_own_account(&mut tx, session.account_id).await?;
    let wrong_codes = wrong_codes(&mut tx, session.id).await?;
    // Ended meanwhile, by a code that was right or by one too many.
    if wrong_codes.is_none() {
        return Err(AccountError::TooManyCodes);
    }
    if !take(&mut tx, keys, &account, &shown, now).await? {
        let is_last = count_wrong_code(&mut tx, session.id).await? >= MAX_WRONG_CODES;
        if is_last {
            // Somebody knows the password.
            end_session(&mut tx, account.id, session.id).await?;
            super::own_act(&mut tx, account.id, &account.email, What::CodesWrong, now).await?;
        }
        tx.commit().await?;
        return Err(match is_last {
            true => AccountError::TooManyCodes,
            false => AccountError::WrongCode,
        });
    }
    end_session(&mut tx, account.id, session.id).await?;
    if matches!(shown, Shown::Recovery(_)) {
        super::own_act(
            &mut tx,
            account.id,
            &account.email,
            What::RecoveryCodeUsed,
            now,
        )
        .await?;
    }
    let token = begin(&mut tx, (account.id, &account.email), device, false, now).await?;
    tx.commit().await?;
    Ok(token)
}

/// Whether what is shown is right; it is used up by that. The transaction must hold the account.
pub(super) async fn take(
    conn: &mut PgConnection,
    keys: &AccountKeys,
    account: &Account,
    shown: &Shown<'_>,
    now: OffsetDateTime,
) -> Result<bool> {
    let Some(sealed) = &account.sealed_factor else {
        return Ok(false);
    };
    match shown {
        Shown::Code(typed) => {
            let factor = keys.open_factor(account.id, sealed)?;
            let last = account
                .factor_step
                .and_then(|step| u64::try_from(step).ok());
            let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
            let Some(step) = factor.step_of(typed, seconds, last) else {
                return Ok(false);
            };
            let step = i64::try_from(step).ok();
            set_factor(conn, account.id, Some(sealed), step).await?;
            Ok(true)
        }
        Shown::Recovery(typed) => {
            let Some(code) = RecoveryCode::parse(typed) else {
                return Ok(false);
            };
            let digest = keys.recovery_digest(account.id, &code);
            Ok(use_recovery_code(conn, account.id, &digest, now).await?)
        }
    }
}
