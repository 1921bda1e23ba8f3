//! `/admin/team`: who belongs to the team, and as what.

use actix_web::{HttpResponse, web};
use uuid::Uuid;

use super::account::moment;
use super::acting::{Acting, Member};
use super::refusal::Refusal;
use super::view::{
    InvitationView, InvitedPage, MemberPage, MemberView, Place, RoleChoice, TeamPage,
};
use super::{letters, named, on_to};
use crate::accounts::{AccountError, invite as invitations, team};
use crate::domain::account::{Duty, Email, EmailFault, Role};
use crate::store::membership::Member as Colleague;
use crate::web::text::Text;

/// `GET /admin/team`
pub(super) async fn list(acting: Acting) -> Result<HttpResponse, Refusal> {
    let page = page(&acting, None).await?;
    acting.answer(&page)
}

async fn page(acting: &Acting, fault: Option<String>) -> Result<TeamPage, Refusal> {
    let shell = acting.shell();
    let text = shell.text;
    let member = acting.member()?;
    let mut conn = acting.accounts().await?;
    let (members, open) = team::list(&mut conn, member.merchant_id).await?;
    let now = acting.now();
    let is_mine = member.role.may(Duty::Team);
    let chosen = Role::parse(acting.fields().get("role"));
    Ok(TeamPage {
        desk: acting.desk(&shell, Place::Team),
        is_mine,
        count: text.count("team.count", members.len() as u64, &[]),
        members: members
            .iter()
            .map(|other| member_view(text, &member, other))
            .collect(),
        invitations: open
            .into_iter()
            .filter(|_| is_mine)
            .map(|invitation| InvitationView {
                email: invitation.email,
                role: text.word("memberRole", invitation.role.as_str()).to_owned(),
                until: moment(text, invitation.expires_at),
                is_past: invitation.expires_at <= now,
                end: format!("/admin/team/invitations/{}/end", invitation.id),
            })
            .collect(),
        roles: role_choices(text, chosen.unwrap_or(Role::Packer)),
        email: acting.fields().get("email").chars().take(254).collect(),
        fault,
        shell,
    })
}

fn member_view(text: &Text, member: &Member, other: &Colleague) -> MemberView {
    MemberView {
        name: other.name.clone(),
        email: other.email.clone(),
        role: text.word("memberRole", other.role.as_str()).to_owned(),
        has_factor: other.has_factor,
        is_me: other.email == member.email,
        href: format!("/admin/team/{}", other.account_id),
    }
}

fn role_choices(text: &Text, chosen: Role) -> Vec<RoleChoice> {
    let choice = |role: Role| RoleChoice {
        value: role.as_str(),
        label: text.word("memberRole", role.as_str()).to_owned(),
        duties: text.word("roleDuty", role.as_str()).to_owned(),
        is_chosen: role == chosen,
    };
    Role::ALL.into_iter().map(choice).collect()
}

/// `POST /admin/team/invitations`: `email`, `role`.
pub(super) async fn invite(acting: Acting) -> Result<HttpResponse, Refusal> {
    let member = acting.member()?;
    let text = acting.shell().text;
    let email = Email::parse(acting.fields().get("email"));
    let role = Role::parse(acting.fields().get("role"));
    let fault = match (email, role) {
        (Err(fault), _) => email_fault_words(text, fault),
        (_, None) => text.get("team.no_role").to_owned(),
        (Ok(email), Some(role)) => {
            let address = acting
                .service
                .serving
                .trusted_proxies
                .client(&acting.request);
            if let Some(seconds) = acting.service.tries.letter(&email, address) {
                return Err(Refusal::TooOften(seconds));
            }
            let mut conn = acting.accounts().await?;
            let (actor, name) = (member.actor(), &member.merchant_name);
            let invited = (&email, role);
            let made = invitations::invite(&mut conn, actor, name, invited, acting.now()).await;
            drop(conn);
            match made {
                Ok((_, token)) => {
                    let path = format!("/admin/invitation/{}", token.reveal());
                    return invited_page(&acting, &member, &email, acting.url(&path)).await;
                }
                Err(AccountError::AlreadyMember) => text.get("team.already_member").into(),
                Err(AccountError::AlreadyInvited) => text.get("team.already_invited").into(),
                Err(AccountError::TeamFull(most)) => {
                    text.with("team.full", &[("n", &most.to_string())])
                }
                Err(error) => return Err(error.into()),
            }
        }
    };
    let page = page(&acting, Some(fault)).await?;
    acting.give_back(&page)
}

/// Says whether the letter went out; where it did not, shows the link this once, to be handed over.
async fn invited_page(
    acting: &Acting,
    member: &Member,
    email: &Email,
    link: String,
) -> Result<HttpResponse, Refusal> {
    let names = (member.merchant_name.as_str(), member.email.as_str());
    let sent = letters::invite(&acting.service, email.as_str(), names, &link).await;
    if let Err(error) = &sent {
        tracing::warn!(%error, "an invitation was not sent");
    }
    let shell = acting.shell();
    let reaches_people = acting.service.mailer.reaches_people();
    // A letter that went out is the proof that the address is its reader's: then nobody else has the link.
    let has_gone_out = reaches_people && sent.is_ok();
    let page = InvitedPage {
        desk: acting.desk(&shell, Place::Team).shown_once(),
        email: email.to_string(),
        is_sent: sent.is_ok(),
        reaches_people,
        link: (!has_gone_out).then_some(link),
        shell,
    };
    acting.answer(&page)
}

/// `POST /admin/team/invitations/…/end`
pub(super) async fn take_back(
    acting: Acting,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let member = acting.member()?;
    let mut conn = acting.accounts().await?;
    invitations::take_back(&mut conn, member.actor(), named(&id)?, acting.now()).await?;
    on_to("/admin/team")
}

/// `GET /admin/team/…`
pub(super) async fn member(acting: Acting, id: web::Path<String>) -> Result<HttpResponse, Refusal> {
    let page = member_page(&acting, named(&id)?, None).await?;
    acting.answer(&page)
}

async fn member_page(
    acting: &Acting,
    id: Uuid,
    fault: Option<String>,
) -> Result<MemberPage, Refusal> {
    let shell = acting.shell();
    let text = shell.text;
    let member = acting.member()?;
    let mut conn = acting.accounts().await?;
    let (members, _) = team::list(&mut conn, member.merchant_id).await?;
    let found = members.iter().find(|other| other.account_id == id);
    let other = found.ok_or(Refusal::NotFound)?;
    Ok(MemberPage {
        desk: acting.desk(&shell, Place::Team),
        member: member_view(text, &member, other),
        since: moment(text, other.created_at),
        roles: role_choices(text, other.role),
        fault,
        shell,
    })
}

/// `POST /admin/team/…/role`: `role`.
pub(super) async fn change_role(
    acting: Acting,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let id = named(&id)?;
    let role = Role::parse(acting.fields().get("role")).ok_or(Refusal::Unreadable)?;
    let member = acting.member()?;
    let mut conn = acting.accounts().await?;
    let done = team::change_role(&mut conn, member.actor(), (id, role), acting.now()).await;
    drop(conn);
    after_change(&acting, id, done).await
}

/// `POST /admin/team/…/removal`
pub(super) async fn remove(acting: Acting, id: web::Path<String>) -> Result<HttpResponse, Refusal> {
    let id = named(&id)?;
    let member = acting.member()?;
    let mut conn = acting.accounts().await?;
    let done = team::remove(&mut conn, member.actor(), id, acting.now()).await;
    drop(conn);
    after_change(&acting, id, done).await
}

async fn after_change(
    acting: &Acting,
    id: Uuid,
    done: Result<(), AccountError>,
) -> Result<HttpResponse, Refusal> {
    match done {
        Ok(()) => on_to("/admin/team"),
        Err(AccountError::LastOwner) => {
            let fault = acting.shell().text.get("team.last_owner").to_owned();
            let page = member_page(acting, id, Some(fault)).await?;
            acting.give_back(&page)
        }
        Err(error) => Err(error.into()),
    }
}

fn email_fault_words(text: &Text, fault: EmailFault) -> String {
    match fault {
        EmailFault::NotAscii => text.get("account.email_not_ascii").into(),
        EmailFault::Empty | EmailFault::TooLong | EmailFault::Malformed => {
            text.get("account.email_wrong").into()
        }
    }
}
