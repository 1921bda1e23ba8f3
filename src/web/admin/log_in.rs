//! `/admin/log-in`, `/admin/second-factor`, `/admin/log-out`.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;

use super::acting::Acting;
use super::cookies::Jar;
use super::gate::Needs;
use super::letters::{self, Changed};
use super::refusal::Refusal;
use super::view::{ContinuePage, FactorPage, LogInPage, Place};
use super::{local, on_to, page};
use crate::accounts::log_in::{Shown, account_of, confirm, log_in};
use crate::accounts::session::log_out;
use crate::accounts::{AccountError, reset};
use crate::domain::account::{Email, Password, Token};
use crate::web::shopper::see_other;
use crate::web::shopper::view::Shell;
use crate::web::text::Lang;

/// Where to go afterwards.
fn wanted(acting: &Acting) -> String {
    let asked = acting.fields().get("to");
    let query = acting.request.query_string();
    let in_query = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "to");
    let asked = match (asked, in_query) {
        ("", Some((_, to))) => to.into_owned(),
        (asked, _) => asked.to_owned(),
    };
    local(&asked).unwrap_or("/admin").to_owned()
}

fn log_in_page(acting: &Acting, to: String, fault: Option<String>) -> LogInPage {
    let shell = acting.shell();
    LogInPage {
        desk: acting.desk(&shell, Place::Elsewhere),
        email: acting.fields().get("email").chars().take(254).collect(),
        to,
        carried: acting.fields().still_carried(),
        is_expired: false,
        is_changed: acting.request.query_string().contains("changed=1"),
        fault,
        shell,
    }
}

/// For whoever has to log in first. What a form of ours held is carried along.
pub(super) fn first(acting: &Acting, needs: Needs) -> HttpResponse {
    let uri = acting.request.uri();
    if acting.request.method().is_safe() {
        let to = uri.path_and_query().map_or("/admin", |to| to.as_str());
        if to == "/admin" || needs == Needs::FirstFactor {
            return crate::web::headers::kept_by_nobody(see_other("/admin/log-in".into()));
        }
        let to: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
        return crate::web::headers::kept_by_nobody(see_other(format!("/admin/log-in?to={to}")));
    }
    let mut shown = log_in_page(acting, wanted(acting), None);
    shown.email = String::new();
    shown.is_expired = true;
    shown.carried = match needs {
        // What was carried so far is carried on; a code is good for nothing any more.
        Needs::FirstFactor => acting.fields().still_carried(),
        _ if is_worth_carrying(acting) => acting.fields().carried(uri.path()),
        _ => Vec::new(),
    };
    page(&acting.request, StatusCode::UNAUTHORIZED, &shown)
}

/// Whether a form is kept through a log-in: one of ours, as the browser itself says, that says more than where to go.
fn is_worth_carrying(acting: &Acting) -> bool {
    const LEADING_ON: [&str; 3] = ["/admin/log-out", "/admin/language", "/admin/merchant"];
    acting.is_surely_ours() && !LEADING_ON.contains(&acting.request.uri().path())
}

/// For whoever has shown a password, and is to show a second factor.
pub(super) fn to_factor(acting: &Acting) -> HttpResponse {
    match acting.request.method().is_safe() {
        true => see_other("/admin/second-factor".into()),
        false => {
            let carried = match is_worth_carrying(acting) {
                true => acting.fields().carried(acting.request.uri().path()),
                false => Vec::new(),
            };
            let page = factor_page(acting, "/admin".into(), carried, None);
            super::page(&acting.request, StatusCode::UNAUTHORIZED, &page)
        }
    }
}

/// `GET /admin/log-in`
pub(super) async fn ask(acting: Acting) -> Result<HttpResponse, Refusal> {
    let to = wanted(&acting);
    if acting.visitor().is_some() {
        return on_to(to);
    }
    acting.answer(&log_in_page(&acting, to, None))
}

/// `POST /admin/log-in`: `email`, `password`, `to`.
pub(super) async fn take(acting: Acting) -> Result<HttpResponse, Refusal> {
    let to = wanted(&acting);
    let service = &acting.service;
    let shell = acting.shell();
    let wrong = || {
        let fault = shell.text.get("log_in.wrong").to_owned();
        acting.give_back(&log_in_page(&acting, to.clone(), Some(fault)))
    };
    let email = Email::parse(acting.fields().get("email"));
    let password = Password::typed(acting.fields().get("password"));
    let (Ok(email), Some(password)) = (email, password) else {
        return wrong();
    };
    let mut conn = acting.accounts().await?;
    let account = account_of(&mut conn, &email).await?;
    drop(conn);
    let mark = Jar::Device.value(&acting.request, acting.is_secure());
    let device = account.as_ref().filter(|account| {
        let mark = mark.as_deref();
        mark.is_some_and(|mark| service.account_keys.is_device_of(account.id, mark))
    });
    let address = service.serving.trusted_proxies.client(&acting.request);
    let device = device.map(|account| account.id);
    if let Some(seconds) = service.tries.password(&email, device, address) {
        let fault = shell
            .text
            .count("refused.too_often_lead", seconds.div_ceil(60), &[]);
        let shown = log_in_page(&acting, to, Some(fault));
        return Ok(later(&acting, seconds, &shown));
    }
    let (pool, keys) = (&service.database.accounts, &service.account_keys);
    let shown = (account, &password);
    let begun = match log_in(pool, keys, shown, device_of(&acting), acting.now()).await {
        Ok(begun) => begun,
        Err(AccountError::WrongPassword) => return wrong(),
        Err(AccountError::Busy) => {
            let fault = shell.text.get("log_in.busy").to_owned();
            return acting.give_back(&log_in_page(&acting, to, Some(fault)));
        }
        Err(error) => return Err(error.into()),
    };
    let mut answer = match begun.awaits_factor {
        true => factor_answer(&acting, &begun.token, to)?,
        false => arrive(&acting, &begun.token, &to)?,
    };
    let mark = keys.device_mark(begun.account_id);
    add(&mut answer, Jar::Device, mark, &acting)?;
    Ok(answer)
}

/// `GET /admin/second-factor`
pub(super) async fn ask_factor(acting: Acting) -> Result<HttpResponse, Refusal> {
    let to = wanted(&acting);
    acting.answer(&factor_page(&acting, to, Vec::new(), None))
}

/// `POST /admin/second-factor`: `code`, or `recovery`; `to`.
pub(super) async fn take_factor(acting: Acting) -> Result<HttpResponse, Refusal> {
    let to = wanted(&acting);
    let service = &acting.service;
    let current = acting.current()?;
    if let Some(seconds) = service.tries.factor(current.session.account_id) {
        let text = acting.shell().text;
        let fault = text.count("refused.too_often_lead", seconds.div_ceil(60), &[]);
        let carried = acting.fields().still_carried();
        let shown = factor_page(&acting, to, carried, Some(fault));
        return Ok(later(&acting, seconds, &shown));
    }
    let shown = shown(&acting);
    let mut conn = acting.accounts().await?;
    let device = device_of(&acting);
    let keys = &service.account_keys;
    match confirm(&mut conn, keys, current, (shown, device), acting.now()).await {
        Ok(token) => arrive(&acting, &token, &to),
        Err(AccountError::WrongCode) => {
            let shell = acting.shell();
            let fault = shell.text.get("factor.wrong").to_owned();
            let carried = acting.fields().still_carried();
            acting.give_back(&factor_page(&acting, to, carried, Some(fault)))
        }
        Err(error) => {
            if matches!(error, AccountError::TooManyCodes) {
                letters::changed(&acting, &current.session, Changed::CodesWrong);
            }
            Err(error.into())
        }
    }
}

/// A form given back to whoever tried too often, with all that it carried.
fn later(acting: &Acting, seconds: u64, shown: &impl Template) -> HttpResponse {
    let mut answer = page(&acting.request, StatusCode::TOO_MANY_REQUESTS, shown);
    let value = header::HeaderValue::from(seconds);
    answer.headers_mut().insert(header::RETRY_AFTER, value);
    answer
}

/// What is shown as a second factor: the code of the phone, or one on paper.
pub(super) fn shown(acting: &Acting) -> Shown<'_> {
    match acting.fields().get("recovery_code").trim() {
        "" => Shown::Code(acting.fields().get("code")),
        recovery => Shown::Recovery(recovery),
    }
}

/// The log-in page once more for whoever sent an old one: what was carried is still there.
pub(super) fn stale(acting: &Acting) -> HttpResponse {
    let fault = acting.shell().text.get("log_in.stale").to_owned();
    let shown = log_in_page(acting, wanted(acting), Some(fault));
    page(&acting.request, StatusCode::CONFLICT, &shown)
}

/// Where somebody goes who shows a second factor once more.
pub(super) fn onward(acting: &Acting) -> HttpResponse {
    crate::web::headers::kept_by_nobody(see_other(wanted(acting)))
}

/// `POST /admin/log-out`
pub(super) async fn out(acting: Acting) -> Result<HttpResponse, Refusal> {
    let mut conn = acting.accounts().await?;
    log_out(&mut conn, acting.current()?).await?;
    let mut answer = see_other("/admin/log-in".into());
    let cookie = Jar::Session.clear(acting.is_secure());
    let added = answer.add_cookie(&cookie);
    added.map_err(|error| Refusal::Internal(error.to_string()))?;
    // Whatever of the dashboard the browser kept is gone, too.
    let clear = header::HeaderValue::from_static("\"cache\"");
    let headers = answer.headers_mut();
    headers.insert(header::HeaderName::from_static("clear-site-data"), clear);
    Ok(answer)
}

/// Whoever has come in goes where he wanted; a form that was carried along is shown, to be sent by hand.
pub(super) fn arrive(acting: &Acting, token: &Token, to: &str) -> Result<HttpResponse, Refusal> {
    let mut answer = match acting.fields().arrived() {
        None => see_other(to.to_owned()),
        Some((to, fields)) => {
            let shell = acting.shell();
            let mut desk = acting.desk(&shell, Place::Elsewhere);
            desk.csrf = token.for_forms();
            let shown = ContinuePage {
                desk,
                to: to.to_owned(),
                fields,
                shell,
            };
            page(&acting.request, StatusCode::OK, &shown)
        }
    };
    add(&mut answer, Jar::Session, token.reveal(), acting)?;
    Ok(crate::web::headers::kept_by_nobody(answer))
}

fn factor_answer(acting: &Acting, token: &Token, to: String) -> Result<HttpResponse, Refusal> {
    let mut shown = factor_page(acting, to, acting.fields().still_carried(), None);
    shown.desk.csrf = token.for_forms();
    let mut answer = page(&acting.request, StatusCode::OK, &shown);
    add(&mut answer, Jar::Session, token.reveal(), acting)?;
    Ok(answer)
}

fn factor_page(
    acting: &Acting,
    to: String,
    carried: Vec<(String, String)>,
    fault: Option<String>,
) -> FactorPage {
    let shell: Shell = acting.shell();
    FactorPage {
        desk: acting.desk(&shell, Place::Elsewhere),
        to,
        carried,
        fault,
        shell,
    }
}

fn add(answer: &mut HttpResponse, jar: Jar, value: String, acting: &Acting) -> Result<(), Refusal> {
    let cookie = jar.set(value, acting.is_secure());
    let added = answer.add_cookie(&cookie);
    added.map_err(|error| Refusal::Internal(error.to_string()))
}

/// What a device says of itself.
pub(super) fn device_of(acting: &Acting) -> &str {
    let value = acting.request.headers().get(header::USER_AGENT);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Makes a link for another password and sends it, while the reader waits for nothing: how long it takes says nothing of who
/// has an account.
pub(super) fn in_the_background(acting: &Acting, email: Email) {
    let (service, now) = (acting.service.clone(), acting.now());
    actix_web::rt::spawn(async move {
        let asked = async {
            let mut conn = service.database.accounts.acquire().await?;
            reset::ask(&mut conn, &email, now).await
        };
        let (token, account) = match asked.await {
            Ok(Some(found)) => found,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "a link for another password was not made");
                return;
            }
        };
        let link = format!("{}/admin/password/{}", service.public_url, token.reveal());
        let lang = Lang::negotiate(None, Some(&account.language));
        if let Err(error) = letters::reset(&service, &account.email, lang, &link).await {
            tracing::warn!(%error, "a link for another password was not sent");
        }
    });
}
