//! `/admin/account`: one's own password, second factor and sessions, and whom one works for.

use actix_web::{HttpResponse, web};
use time::OffsetDateTime;

use super::acting::Acting;
use super::letters::{self, Changed};
use super::refusal::Refusal;
use super::reset::fault_words;
use super::view::{AccountPage, EmployerView, Place, SessionView};
use super::{local, named, on_to};
use crate::accounts::factor::codes_left;
use crate::accounts::session::{act_for_other, employers, end, list, speak as set_language};
use crate::accounts::{AccountError, reset, session};
use crate::domain::account::{MIN_PASSWORD_CHARS, Password};
use crate::web::text::{Lang, READERS_OFFSET, Text};

/// `GET /admin/account`
pub(super) async fn own(acting: Acting) -> Result<HttpResponse, Refusal> {
    let page = page(&acting, None).await?;
    acting.answer(&page)
}

async fn page(acting: &Acting, fault: Option<String>) -> Result<AccountPage, Refusal> {
    let shell = acting.shell();
    let text = shell.text;
    let current = acting.current()?;
    let mut conn = acting.accounts().await?;
    let sessions = list(&mut conn, current, acting.now()).await?;
    let employers = employers(&mut conn, current).await?;
    let left = match current.session.has_factor {
        true => Some(codes_left(&mut conn, current).await?),
        false => None,
    };
    let own = current.member().map(|(id, _, _)| id);
    Ok(AccountPage {
        desk: acting.desk(&shell, Place::Account),
        name: current.session.name.clone(),
        email: current.session.email.clone(),
        codes_left: left.map(|left| text.count("factor.left", left.unsigned_abs(), &[])),
        least: MIN_PASSWORD_CHARS.to_string(),
        is_changed: acting.request.query_string().contains("changed=1"),
        fault,
        sessions: sessions
            .into_iter()
            .map(|listed| SessionView {
                device: device_words(text, &listed.device),
                since: moment(text, listed.created_at),
                seen: moment(text, listed.seen_at),
                is_this: listed.id == current.session.id,
                end: format!("/admin/account/sessions/{}/end", listed.id),
            })
            .collect(),
        employers: employers
            .into_iter()
            .map(|employer| EmployerView {
                id: employer.merchant_id.to_string(),
                name: employer.name,
                role: text.word("memberRole", employer.role.as_str()).to_owned(),
                is_this: Some(employer.merchant_id) == own,
            })
            .collect(),
        shell,
    })
}

/// `POST /admin/account/password`: `old_password`, `password`.
pub(super) async fn change_password(acting: Acting) -> Result<HttpResponse, Refusal> {
    let service = &acting.service;
    let text = acting.shell().text;
    let current = acting.current()?;
    acting.count_try(current.session.account_id)?;
    let fault = match Password::typed(acting.fields().get("old_password")) {
        None => text.get("account.old_wrong").into(),
        Some(old) => {
            let (pool, keys) = (&service.database.accounts, &service.account_keys);
            let chosen = (&old, acting.fields().get("password"));
            match reset::change(pool, keys, current, chosen, acting.now()).await {
                Ok(()) => {
                    letters::changed(&acting, &current.session, Changed::Password);
                    return on_to("/admin/account?changed=1");
                }
                Err(AccountError::WrongPassword) => text.get("account.old_wrong").into(),
                Err(AccountError::Password(fault)) => fault_words(text, fault),
                Err(error) => return Err(error.into()),
            }
        }
    };
    let page = page(&acting, Some(fault)).await?;
    acting.give_back(&page)
}

/// `POST /admin/account/sessions/…/end`
pub(super) async fn end_session(
    acting: Acting,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let id = named(&id)?;
    let mut conn = acting.accounts().await?;
    end(&mut conn, acting.current()?, id, acting.now()).await?;
    on_to("/admin/account")
}

/// `POST /admin/account/sessions/end`: all but this one.
pub(super) async fn end_others(acting: Acting) -> Result<HttpResponse, Refusal> {
    let mut conn = acting.accounts().await?;
    session::end_others(&mut conn, acting.current()?, acting.now()).await?;
    on_to("/admin/account")
}

/// `POST /admin/language`: `language`, `to`.
pub(super) async fn speak(acting: Acting) -> Result<HttpResponse, Refusal> {
    let asked = acting.fields().get("language");
    let lang = Lang::ALL.into_iter().find(|lang| lang.code() == asked);
    let lang = lang.ok_or(Refusal::Unreadable)?;
    let mut conn = acting.accounts().await?;
    set_language(&mut conn, acting.current()?, lang.code()).await?;
    on_to(local(acting.fields().get("to")).unwrap_or("/admin"))
}

/// `POST /admin/merchant`: `merchant`.
pub(super) async fn act_for(acting: Acting) -> Result<HttpResponse, Refusal> {
    let id = named(acting.fields().get("merchant"))?;
    let mut conn = acting.accounts().await?;
    act_for_other(&mut conn, acting.current()?, id, acting.now()).await?;
    on_to("/admin")
}

/// A moment on the readers' clock.
pub(super) fn moment(text: &Text, at: OffsetDateTime) -> String {
    let at = at.format(&time::format_description::well_known::Rfc3339);
    let told = at.ok().and_then(|at| text.local_time(&at, READERS_OFFSET));
    told.map_or_else(String::new, |told| told.text)
}

/// Browser and system, out of what a device says of itself; what it says, where neither is known.
fn device_words(text: &Text, device: &str) -> String {
    let find = |names: &[(&str, &'static str)]| {
        let known = names.iter().find(|(mark, _)| device.contains(mark));
        known.map(|(_, name)| *name)
    };
    let browser = find(&[
        ("MicroMessenger", "WeChat"),
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox", "Firefox"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    ]);
    let system = find(&[
        ("HarmonyOS", "HarmonyOS"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} · {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) if device.is_empty() => text.get("account.device_unknown").to_owned(),
        (None, None) => device.chars().take(60).collect(),
    }
}
