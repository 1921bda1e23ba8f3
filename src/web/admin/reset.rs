//! `/admin/forgotten`: asks for a link; `/admin/password/…`: takes another password with it.

use actix_web::{HttpResponse, web};

use super::acting::Acting;
use super::letters::{self, Changed};
use super::log_in::{in_the_background, shown};
use super::refusal::Refusal;
use super::view::{ForgottenPage, PasswordPage, Place};
use crate::accounts::AccountError;
use crate::accounts::reset;
use crate::domain::account::{Email, MIN_PASSWORD_CHARS, PasswordFault, Token};
use crate::store::account::Account;
use crate::web::text::Text;

fn page(acting: &Acting, is_sent: bool, fault: Option<String>) -> ForgottenPage {
    let shell = acting.shell();
    ForgottenPage {
        desk: acting.desk(&shell, Place::Elsewhere),
        email: acting.fields().get("email").chars().take(254).collect(),
        is_sent,
        reaches_people: acting.service.mailer.reaches_people(),
        fault,
        shell,
    }
}

/// `GET /admin/forgotten`
pub(super) async fn ask(acting: Acting) -> Result<HttpResponse, Refusal> {
    acting.answer(&page(&acting, false, None))
}

/// `POST /admin/forgotten`: `email`. The answer is the same whoever has an account.
pub(super) async fn send(acting: Acting) -> Result<HttpResponse, Refusal> {
    let Ok(email) = Email::parse(acting.fields().get("email")) else {
        let fault = acting.shell().text.get("account.email_wrong").to_owned();
        return acting.give_back(&page(&acting, false, Some(fault)));
    };
    let address = acting
        .service
        .serving
        .trusted_proxies
        .client(&acting.request);
    if let Some(seconds) = acting.service.tries.letter(&email, address) {
        return Err(Refusal::TooOften(seconds));
    }
    in_the_background(&acting, email);
    acting.answer(&page(&acting, true, None))
}

async fn account(acting: &Acting, token: &Token) -> Result<Account, Refusal> {
    let mut conn = acting.accounts().await?;
    match reset::look_up(&mut conn, token, acting.now()).await {
        Err(AccountError::LinkEnded) => Err(Refusal::ResetEnded),
        found => Ok(found?),
    }
}

fn read(token: &str) -> Result<Token, Refusal> {
    Token::parse(token).ok_or(Refusal::ResetEnded)
}

fn password_page(acting: &Acting, account: &Account, fault: Option<String>) -> PasswordPage {
    let shell = acting.shell();
    PasswordPage {
        desk: acting.desk(&shell, Place::Elsewhere),
        email: account.email.clone(),
        has_factor: account.sealed_factor.is_some(),
        least: MIN_PASSWORD_CHARS.to_string(),
        fault,
        shell,
    }
}

/// `GET /admin/password/…`
pub(super) async fn choose(
    acting: Acting,
    token: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let account = account(&acting, &read(&token)?).await?;
    acting.answer(&password_page(&acting, &account, None))
}

/// `POST /admin/password/…`: `password`, and `code` or `recovery_code` where there is a second factor.
pub(super) async fn take(
    acting: Acting,
    token: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let token = read(&token)?;
    let account = account(&acting, &token).await?;
    let service = &acting.service;
    let text = acting.shell().text;
    let has_factor = account.sealed_factor.is_some();
    if has_factor {
        acting.count_try(account.id)?;
    }
    let (pool, keys) = (&service.database.accounts, &service.account_keys);
    let chosen = (&token, acting.fields().get("password"));
    let shown = has_factor.then(|| shown(&acting));
    let fault = match reset::take_another(pool, keys, chosen, shown, acting.now()).await {
        Ok(()) => {
            letters::tell(service, account.email, &account.language, Changed::Password);
            let lang = text.lang().code();
            return super::on_to(format!("/admin/log-in?changed=1&lang={lang}"));
        }
        Err(AccountError::Password(fault)) => fault_words(text, fault),
        Err(AccountError::WrongCode) => text.get("factor.wrong").into(),
        Err(AccountError::LinkEnded) => return Err(Refusal::ResetEnded),
        Err(error) => return Err(error.into()),
    };
    acting.give_back(&password_page(&acting, &account, Some(fault)))
}

/// Why a password is not taken.
pub(super) fn fault_words(text: &Text, fault: PasswordFault) -> String {
    match fault {
        PasswordFault::TooShort => text.with(
            "account.password_short",
            &[("n", &MIN_PASSWORD_CHARS.to_string())],
        ),
        PasswordFault::TooLong => text.get("account.password_long").into(),
        PasswordFault::Common => text.get("account.password_common").into(),
    }
}
