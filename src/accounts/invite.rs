//! Invitations: a link that is good once, for one address.

use sqlx::{Connection as _, PgConnection};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::log_in::begin;
use super::session::Current;
use super::{AccountError, Actor, MAX_NAME_CHARS, Result, fresh_token, passwords};
use crate::domain::account::{AccountKeys, Email, Password, Role, Token};
use crate::domain::act::What;
use crate::domain::name::{NameFault, mixes_scripts, name};
use crate::store::account::{Account, account_by_email, act_as, insert_account};
use crate::store::invitation::{
    Invitation, NewInvitation, end_invitation, end_past_invitation, insert_invitation,
    open_invitations, presented_invitation,
};
use crate::store::membership::{MAX_MEMBERS, hold_members, insert_membership, members_of};
use crate::store::session::set_session_merchant;
use crate::store::{Pool, begin_for};

/// How long an invitation is good.
pub const INVITATION_LIMIT: Duration = Duration::days(7);

/// Invites an address to a team; the token of the link, which is stored nowhere.
pub async fn invite(
    conn: &mut PgConnection,
    actor: Actor<'_>,
    merchant_name: &str,
    (email, role): (&Email, Role),
    now: OffsetDateTime,
) -> Result<(Uuid, Token)> {
    let merchant_id = actor.merchant_id;
    let mut tx = begin_for(conn, merchant_id).await?;
    hold_members(&mut tx, merchant_id).await?;
    let members = members_of(&mut tx, merchant_id).await?;
    if members.iter().any(|member| member.email == email.as_str()) {
        return Err(AccountError::AlreadyMember);
    }
    end_past_invitation(&mut tx, merchant_id, email.as_str(), now).await?;
    let open = open_invitations(&mut tx, merchant_id).await?;
    if members.len() + open.len() >= MAX_MEMBERS {
        return Err(AccountError::TeamFull(MAX_MEMBERS));
    }
    let (id, token) = (Uuid::now_v7(), fresh_token()?);
    let invitation = NewInvitation {
        merchant_id,
        id,
        token_sha256: token.digest(),
        email: email.as_str(),
        role,
        invited_by: actor.name,
        merchant_name,
        created_at: now,
        expires_at: now + INVITATION_LIMIT,
    };
    if !insert_invitation(&mut tx, &invitation).await? {
        return Err(AccountError::AlreadyInvited);
    }
    let told = (email.as_str(), role.as_str());
    actor.did(&mut tx, What::MemberInvited, told, now).await?;
    tx.commit().await?;
    Ok((id, token))
}

/// Takes an invitation back.
pub async fn take_back(
    conn: &mut PgConnection,
    actor: Actor<'_>,
    id: Uuid,
    now: OffsetDateTime,
) -> Result<()> {
    let mut tx = begin_for(conn, actor.merchant_id).await?;
    let email = end_invitation(&mut tx, actor.merchant_id, id, now).await?;
    let email = email.ok_or(AccountError::NotFound)?;
    actor
        .did(&mut tx, What::InvitationTakenBack, (&email, ""), now)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// The invitation of a link, and whether its address has an account.
pub async fn look_up(
    conn: &mut PgConnection,
    token: &Token,
    now: OffsetDateTime,
) -> Result<(Invitation, bool)> {
    let mut tx = conn.begin().await?;
    let found = presented_invitation(&mut tx, &token.digest(), now).await?;
    let invitation = found.ok_or(AccountError::LinkEnded)?;
    let account = account_by_email(&mut tx, &invitation.email).await?;
    Ok((invitation, account.is_some()))
}

/// Accepts an invitation for somebody who has no account yet; the session that begins with it.
pub async fn accept_as_new(
    pool: &Pool,
    keys: &AccountKeys,
    token: &Token,
    person: &NewPerson<'_>,
    now: OffsetDateTime,
) -> Result<(Uuid, Token)> {
    let mut conn = pool.acquire().await?;
    let (invitation, _) = look_up(&mut conn, token, now).await?;
    drop(conn);
    let called = name(person.name, MAX_NAME_CHARS)?;
    if mixes_scripts(&called) {
        return Err(NameFault::MixedScripts.into());
    }
    let known = [
        invitation.email.as_str(),
        &called,
        &invitation.merchant_name,
        "rootmark",
    ];
    let password = Password::choose(person.password, &known)?;
    let hash = passwords::hash(&password, &keys.pepper).await?;
    let account = Account {
        id: Uuid::now_v7(),
        email: invitation.email.clone(),
        name: called,
        password_hash: hash,
        password_changed_at: now,
        language: person.language.to_owned(),
        sealed_factor: None,
        factor_step: None,
        created_at: now,
    };
    let mut conn = pool.acquire().await?;
    let mut tx = begin_for(&mut conn, invitation.merchant_id).await?;
    act_as(&mut tx, account.id).await?;
    if !insert_account(&mut tx, &account).await? {
        // Somebody was faster; who has an account logs in with it.
        return Err(AccountError::AlreadyMember);
    }
    join(&mut tx, &invitation, (account.id, &account.email), now).await?;
    let token = begin(
        &mut tx,
        (account.id, &account.email),
        person.device,
        false,
        now,
    )
    .await?;
    tx.commit().await?;
    Ok((account.id, token))
}

/// Somebody who has no account yet, with a password that is never printed.
pub struct NewPerson<'a> {
    /// As typed.
    pub name: &'a str,
    /// As typed.
    pub password: &'a str,
    /// `zh-CN` or `en`.
    pub language: &'a str,
    /// What the device says of itself.
    pub device: &'a str,
}

/// Accepts an invitation for whoever is logged in, whose address it must be for; the session acts for that merchant from now on.
pub async fn accept(
    conn: &mut PgConnection,
    token: &Token,
    current: &Current,
    now: OffsetDateTime,
) -> Result<()> {
    let (invitation, _) = look_up(conn, token, now).await?;
    let session = &current.session;
    if invitation.email != session.email {
        return Err(AccountError::OtherAddress);
    }
    let mut tx = begin_for(conn, invitation.merchant_id).await?;
    act_as(&mut tx, session.account_id).await?;
    join(
        &mut tx,
        &invitation,
        (session.account_id, &session.email),
        now,
    )
    .await?;
    set_session_merchant(&mut tx, session.id, invitation.merchant_id).await?;
    tx.commit().await?;
    Ok(())
}

async fn join(
    conn: &mut PgConnection,
    invitation: &Invitation,
    (account_id, email): (Uuid, &str),
    now: OffsetDateTime,
) -> Result<()> {
    let Invitation {
        merchant_id,
        id,
        role,
        ..
    } = *invitation;
    // Of two who use one link together, one comes too late.
    let ended = end_invitation(conn, merchant_id, id, now).await?;
    ended.ok_or(AccountError::LinkEnded)?;
    insert_membership(conn, merchant_id, account_id, role, now).await?;
    let actor = Actor {
        name: email,
        merchant_id,
    };
    actor
        .did(conn, What::MemberJoined, (email, role.as_str()), now)
        .await?;
    Ok(())
}
