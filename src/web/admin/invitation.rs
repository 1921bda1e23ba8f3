//! `/admin/invitation/…`: whoever was invited joins a team, with a new account or the one he has.

use actix_web::{HttpResponse, web};

use super::acting::Acting;
use super::log_in::{arrive, device_of};
use super::on_to;
use super::refusal::Refusal;
use super::reset::fault_words;
use super::view::{InvitationPage, Invited, Place};
use crate::accounts::invite::{self, NewPerson};
use crate::accounts::{AccountError, MAX_NAME_CHARS};
use crate::domain::account::{MIN_PASSWORD_CHARS, Token};
use crate::domain::name::NameFault;
use crate::store::invitation::Invitation;
use crate::web::text::Text;

fn read(token: &str) -> Result<Token, Refusal> {
    Token::parse(token).ok_or(Refusal::LinkEnded)
}

async fn look_up(acting: &Acting, token: &Token) -> Result<(Invitation, bool), Refusal> {
    let mut conn = acting.accounts().await?;
    Ok(invite::look_up(&mut conn, token, acting.now()).await?)
}

fn page(
    acting: &Acting,
    (invitation, has_account): (&Invitation, bool),
    fault: Option<String>,
) -> InvitationPage {
    let shell = acting.shell();
    let current = acting
        .visitor()
        .map(|current| current.session.email.clone());
    let invited = match (current, has_account) {
        (Some(email), _) if email == invitation.email => Invited::LoggedIn,
        (Some(email), _) => Invited::SomebodyElse(email),
        (None, true) => Invited::Known,
        (None, false) => Invited::New,
    };
    InvitationPage {
        desk: acting.desk(&shell, Place::Elsewhere),
        merchant: invitation.merchant_name.clone(),
        email: invitation.email.clone(),
        inviter: invitation.invited_by.clone(),
        role: shell
            .text
            .word("memberRole", invitation.role.as_str())
            .to_owned(),
        duties: shell
            .text
            .word("roleDuty", invitation.role.as_str())
            .to_owned(),
        invited,
        name: acting.fields().get("name").chars().take(200).collect(),
        least: MIN_PASSWORD_CHARS.to_string(),
        most: MAX_NAME_CHARS,
        path: acting.request.uri().path().to_owned(),
        fault,
        shell,
    }
}

/// `GET /admin/invitation/…`. Looking uses nothing up: programs that read mail look at links, too.
pub(super) async fn open(
    acting: Acting,
    token: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let (invitation, has_account) = look_up(&acting, &read(&token)?).await?;
    acting.answer(&page(&acting, (&invitation, has_account), None))
}

/// `POST /admin/invitation/…`: `name`, `password`.
pub(super) async fn accept(
    acting: Acting,
    token: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let token = read(&token)?;
    let (invitation, has_account) = look_up(&acting, &token).await?;
    let text = acting.shell().text;
    let service = &acting.service;
    let person = NewPerson {
        name: acting.fields().get("name"),
        password: acting.fields().get("password"),
        language: text.lang().code(),
        device: device_of(&acting),
    };
    let (pool, keys) = (&service.database.accounts, &service.account_keys);
    let fault = match invite::accept_as_new(pool, keys, &token, &person, acting.now()).await {
        Ok((_, session)) => return arrive(&acting, &session, "/admin"),
        Err(AccountError::Name(fault)) => name_fault_words(text, fault),
        Err(AccountError::Password(fault)) => fault_words(text, fault),
        Err(AccountError::AlreadyMember) => text.get("invitation.known").into(),
        Err(error) => return Err(error.into()),
    };
    acting.give_back(&page(&acting, (&invitation, has_account), Some(fault)))
}

/// `POST /admin/invitation/…/join`, of whoever is logged in.
pub(super) async fn join(
    acting: Acting,
    token: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let token = read(&token)?;
    let mut conn = acting.accounts().await?;
    match invite::accept(&mut conn, &token, acting.current()?, acting.now()).await {
        Ok(()) => on_to("/admin"),
        Err(AccountError::OtherAddress) => {
            let (invitation, has_account) = look_up(&acting, &token).await?;
            acting.give_back(&page(&acting, (&invitation, has_account), None))
        }
        Err(error) => Err(error.into()),
    }
}

/// Why a name is not taken.
pub(super) fn name_fault_words(text: &Text, fault: NameFault) -> String {
    match fault {
        NameFault::Empty => text.get("account.empty").into(),
        NameFault::TooLong(most) => text.with("account.name_long", &[("n", &most.to_string())]),
        NameFault::MixedScripts => text.get("account.name_mixed").into(),
        NameFault::Invisible(c) => {
            text.with("account.name_invisible", &[("sign", &format!("U+{c:04X}"))])
        }
    }
}
