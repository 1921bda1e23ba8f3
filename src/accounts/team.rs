//! A team: who belongs to it, as what, and who did what.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{AccountError, Actor, Result};
use crate::domain::account::Role;
use crate::domain::act::What;
use crate::store::act::{Act, acts_before, acts_between};
use crate::store::begin_for;
use crate::store::invitation::{Invitation, open_invitations};
use crate::store::membership::{Member, delete_membership, hold_members, members_of, set_role};
use crate::store::session::end_sessions_for;

/// Everybody of a team, and who is invited.
pub async fn list(
    conn: &mut PgConnection,
    merchant_id: Uuid,
) -> Result<(Vec<Member>, Vec<Invitation>)> {
    let mut tx = begin_for(conn, merchant_id).await?;
    let members = members_of(&mut tx, merchant_id).await?;
    Ok((members, open_invitations(&mut tx, merchant_id).await?))
}

/// Gives somebody of the team another role.
pub async fn change_role(
    conn: &mut PgConnection,
    actor: Actor<'_>,
    (account_id, role): (Uuid, Role),
    now: OffsetDateTime,
) -> Result<()> {
    let merchant_id = actor.merchant_id;
    let mut tx = begin_for(conn, merchant_id).await?;
    let was = leave_an_owner(&mut tx, merchant_id, account_id, role == Role::Owner).await?;
    if was == role {
        return Ok(());
    }
    set_role(&mut tx, merchant_id, account_id, role).await?;
    let email = email_of(&mut tx, merchant_id, account_id).await?;
    let detail = format!("{} → {}", was.as_str(), role.as_str());
    actor
        .did(&mut tx, What::RoleChanged, (&email, &detail), now)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Takes somebody out of the team: his sessions for it end at once.
pub async fn remove(
    conn: &mut PgConnection,
    actor: Actor<'_>,
    account_id: Uuid,
    now: OffsetDateTime,
) -> Result<()> {
    let merchant_id = actor.merchant_id;
    let mut tx = begin_for(conn, merchant_id).await?;
    let was = leave_an_owner(&mut tx, merchant_id, account_id, false).await?;
    let email = email_of(&mut tx, merchant_id, account_id).await?;
    end_sessions_for(&mut tx, merchant_id, account_id).await?;
    delete_membership(&mut tx, merchant_id, account_id).await?;
    actor
        .did(&mut tx, What::MemberRemoved, (&email, was.as_str()), now)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Acts of a team before one, the newest first.
pub async fn acts(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Act>> {
    let mut tx = begin_for(conn, merchant_id).await?;
    Ok(acts_before(&mut tx, merchant_id, before, limit).await?)
}

/// Takes all acts out, which is one itself: the last of those that are taken out, by its name.
pub async fn begin_export(
    conn: &mut PgConnection,
    actor: Actor<'_>,
    now: OffsetDateTime,
) -> Result<Uuid> {
    let mut tx = begin_for(conn, actor.merchant_id).await?;
    let last = actor
        .did(&mut tx, What::ActsExported, ("", ""), now)
        .await?;
    tx.commit().await?;
    Ok(last)
}

/// Acts after one and up to the last that is taken out.
pub async fn exported(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    range: (Option<Uuid>, Uuid),
    limit: u32,
) -> Result<Vec<Act>> {
    let mut tx = begin_for(conn, merchant_id).await?;
    Ok(acts_between(&mut tx, merchant_id, range, limit).await?)
}

/// What somebody is now, if the team has an owner without him, or with him as he will be.
async fn leave_an_owner(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    account_id: Uuid,
    stays_owner: bool,
) -> Result<Role> {
    let held = hold_members(conn, merchant_id).await?;
    let (_, was) = held
        .iter()
        .find(|(id, _)| *id == account_id)
        .ok_or(AccountError::NotFound)?;
    let is_other_owner = |(id, role): &(Uuid, Role)| *id != account_id && *role == Role::Owner;
    if *was == Role::Owner && !stays_owner && !held.iter().any(is_other_owner) {
        return Err(AccountError::LastOwner);
    }
    Ok(*was)
}

async fn email_of(conn: &mut PgConnection, merchant_id: Uuid, account_id: Uuid) -> Result<String> {
    let members = members_of(conn, merchant_id).await?;
    let found = members
        .into_iter()
        .find(|member| member.account_id == account_id);
    Ok(found.ok_or(AccountError::NotFound)?.email)
}
