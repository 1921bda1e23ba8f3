//! Sessions: who is asking, for how long that is believed, and how it is ended.

use sqlx::{Connection as _, PgConnection};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{AccountError, Actor, Result};
use crate::domain::account::{Role, Token};
use crate::domain::act::What;
use crate::store::account::{act_as, set_language};
use crate::store::membership::{Employer, employers_of};
use crate::store::session::{
    OwnSession, PresentedSession, end_other_sessions, end_session, own_sessions, presented_session,
    set_session_merchant, touch_session,
};

/// A session ends by itself when nobody used it for so long.
pub const IDLE_LIMIT: Duration = Duration::hours(2);
/// And after this in any case: one shift.
pub const ABSOLUTE_LIMIT: Duration = Duration::hours(12);
/// Between password and second factor.
pub const FACTOR_LIMIT: Duration = Duration::minutes(10);
/// How often the use of a session is noted.
const NOTED_EVERY: Duration = Duration::minutes(1);

/// Who is asking.
#[derive(Debug, Clone)]
pub struct Current {
    /// The session.
    pub session: PresentedSession,
}

impl Current {
    /// For whom it acts, what that is called, and as what.
    pub fn member(&self) -> Option<(Uuid, &str, Role)> {
        let member = self.session.member.as_ref();
        member.map(|(id, name, role)| (*id, name.as_str(), *role))
    }
}

/// The session of a token, if it is in force.
pub async fn current(
    conn: &mut PgConnection,
    token: &Token,
    now: OffsetDateTime,
) -> Result<Option<Current>> {
    let mut tx = conn.begin().await?;
    let Some(session) = presented_session(&mut tx, &token.digest()).await? else {
        return Ok(None);
    };
    let limit = match session.awaits_factor {
        true => FACTOR_LIMIT,
        false => ABSOLUTE_LIMIT,
    };
    if now - session.created_at >= limit || now - session.seen_at >= IDLE_LIMIT {
        return Ok(None);
    }
    if now - session.seen_at >= NOTED_EVERY {
        touch_session(&mut tx, session.id, now).await?;
        tx.commit().await?;
    }
    Ok(Some(Current { session }))
}

/// Ends a session by log-out; nothing happens if it is ended already.
pub async fn log_out(conn: &mut PgConnection, current: &Current) -> Result<()> {
    let mut tx = conn.begin().await?;
    let session = &current.session;
    act_as(&mut tx, session.account_id).await?;
    end_session(&mut tx, session.account_id, session.id).await?;
    tx.commit().await?;
    Ok(())
}

/// One's own sessions that are in force.
pub async fn list(
    conn: &mut PgConnection,
    current: &Current,
    now: OffsetDateTime,
) -> Result<Vec<OwnSession>> {
    let mut tx = conn.begin().await?;
    let account_id = current.session.account_id;
    act_as(&mut tx, account_id).await?;
    Ok(own_sessions(&mut tx, account_id, now - ABSOLUTE_LIMIT, now - IDLE_LIMIT).await?)
}

/// Ends another session of one's own.
pub async fn end(
    conn: &mut PgConnection,
    current: &Current,
    id: Uuid,
    now: OffsetDateTime,
) -> Result<()> {
    let mut tx = conn.begin().await?;
    let (account_id, email) = (current.session.account_id, &current.session.email);
    act_as(&mut tx, account_id).await?;
    let device = end_session(&mut tx, account_id, id).await?;
    device.ok_or(AccountError::NotFound)?;
    super::own_act(&mut tx, account_id, email, What::SessionEnded, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends all sessions of one's own but this one; how many there were.
pub async fn end_others(
    conn: &mut PgConnection,
    current: &Current,
    now: OffsetDateTime,
) -> Result<u64> {
    let mut tx = conn.begin().await?;
    let session = &current.session;
    act_as(&mut tx, session.account_id).await?;
    let count = end_other_sessions(&mut tx, session.account_id, Some(session.id)).await?;
    if count > 0 {
        let email = &session.email;
        super::own_act(&mut tx, session.account_id, email, What::SessionEnded, now).await?;
    }
    tx.commit().await?;
    Ok(count)
}

/// Whom one works for.
pub async fn employers(conn: &mut PgConnection, current: &Current) -> Result<Vec<Employer>> {
    let mut tx = conn.begin().await?;
    let account_id = current.session.account_id;
    act_as(&mut tx, account_id).await?;
    Ok(employers_of(&mut tx, account_id).await?)
}

/// Acts for another of one's employers from now on.
pub async fn act_for_other(
    conn: &mut PgConnection,
    current: &Current,
    merchant_id: Uuid,
    now: OffsetDateTime,
) -> Result<()> {
    let mut tx = conn.begin().await?;
    let session = &current.session;
    act_as(&mut tx, session.account_id).await?;
    let employers = employers_of(&mut tx, session.account_id).await?;
    if !employers
        .iter()
        .any(|employer| employer.merchant_id == merchant_id)
    {
        return Err(AccountError::NotFound);
    }
    set_session_merchant(&mut tx, session.id, merchant_id).await?;
    crate::store::act_for(&mut tx, merchant_id).await?;
    let actor = Actor {
        name: &session.email,
        merchant_id,
    };
    actor
        .did(&mut tx, What::LoggedIn, (&session.email, ""), now)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Takes another language.
pub async fn speak(conn: &mut PgConnection, current: &Current, language: &str) -> Result<()> {
    let mut tx = conn.begin().await?;
    act_as(&mut tx, current.session.account_id).await?;
    set_language(&mut tx, current.session.account_id, language).await?;
    tx.commit().await?;
    Ok(())
}
