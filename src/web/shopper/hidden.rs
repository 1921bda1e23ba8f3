//! `/hidden/01/…`: the hidden code of a pack is entered.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use time::OffsetDateTime;

use super::lookup::LookupError;
use super::view::{HiddenPage, HiddenView, Shell};
use super::{no_such_page, present, refuse, render, see_other, shell};
use crate::cases::open_for_signs;
use crate::codes::hidden::{Entered, Entry, enter as enter_code, has_hidden};
use crate::domain::gs1::{DigitalLink, Gtin, Serial};
use crate::domain::hidden::{HiddenCode, TOO_MANY_REVEALS};
use crate::domain::story::Story;
use crate::domain::time::timestamp;
use crate::store::begin_for;
use crate::store::gtin_owner::gtin_owner;
use crate::web::Service;
use crate::web::client::is_a_page_of_ours;
use crate::web::headers;
use crate::web::text::{READERS_OFFSET, Text};

/// What the page of a pack says of its hidden code.
pub(super) fn view(shell: &Shell, story: &Story) -> HiddenView {
    let text = shell.text;
    let first = story.reveals.iter().map(|said| said.recorded_at).min();
    HiddenView {
        used: first.map(|first_at| {
            let times = story.reveals.len() as u64;
            text.count("hidden.used", times, &[("at", &moment(text, first_at))])
        }),
        action: action(shell, &story.subject),
        fault: None,
    }
}

/// To the minute, on a clock that is named: whoever entered a code knows when that was.
fn moment(text: &Text, at: OffsetDateTime) -> String {
    let stamp = timestamp(at);
    let local = text.local_time(stamp.as_str(), READERS_OFFSET);
    local.map_or_else(|| stamp.to_string(), |local| text.zoned(&local))
}

fn action(shell: &Shell, link: &DigitalLink) -> String {
    shell.href(&format!("/hidden{}", link.path()))
}

#[derive(Deserialize)]
pub(in crate::web) struct Typed {
    hidden: String,
}

/// `POST /hidden/01/{gtin}[/10/{lot}]/21/{serial}` with `hidden` in a form: the code is in no address, and so in no log.
pub(in crate::web) async fn enter(
    request: HttpRequest,
    typed: Result<web::Form<Typed>, actix_web::Error>,
    service: web::Data<Service>,
) -> HttpResponse {
    let path = request.uri().path();
    let path = path.strip_prefix("/hidden").unwrap_or(path);
    let link = match DigitalLink::parse_path(path) {
        Ok(link) => link,
        Err(error) => return refuse(&request, LookupError::Link(error)),
    };
    let Some(item) = link.gtin().zip(link.serial()) else {
        return no_such_page(request).await;
    };
    let typed = typed.map(|typed| typed.into_inner().hidden);
    let typed = typed.ok().filter(|_| is_a_page_of_ours(request.headers()));
    let typed = HiddenCode::parse(&typed.unwrap_or_default());
    let Some(typed) = typed else {
        let text = shell(&request).text;
        let said = Said {
            title: text.get("hidden.wrong_title"),
            lead: text.get("hidden.retry").into(),
            fault: Some(text.get("hidden.malformed").into()),
            advice: Vec::new(),
        };
        return page(&request, &link, StatusCode::BAD_REQUEST, said);
    };
    match entered(&request, &service, link, item, typed).await {
        Ok(entered) => answer(&request, &link, entered),
        Err(error) => refuse(&request, error),
    }
}

async fn entered(
    request: &HttpRequest,
    service: &Service,
    link: DigitalLink,
    item: (Gtin, Serial),
    typed: HiddenCode,
) -> Result<Entered, LookupError> {
    let now = (service.clock)();
    let mut conn = service.database.reader.acquire().await?;
    let Some(merchant_id) = gtin_owner(&mut conn, item.0).await? else {
        return Ok(Entered::NoneThere);
    };
    // What bears no hidden code takes nothing from those who capture.
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    let key = &service.code_key;
    let bears_one = has_hidden(&mut tx, key, merchant_id, item).await?;
    tx.rollback().await?;
    drop(conn);
    if !bears_one {
        return Ok(Entered::NoneThere);
    }
    let subject = format!("hidden {} {}", item.0, item.1);
    let network = service.network(request, &subject, now);
    let network = network.map_err(|error| LookupError::Internal(error.to_string()))?;
    let entry = Entry {
        item,
        typed,
        network,
    };
    let mut conn = service.database.capture.acquire().await?;
    let entered = enter_code(&mut conn, key, merchant_id, &entry, now).await?;
    if let Entered::Right {
        times,
        is_again: false,
        ..
    } = entered
        && times >= TOO_MANY_REVEALS
        && let Some(code) = link.item()
    {
        // The use is stated, whatever becomes of this.
        let opened = open_for_signs(&mut conn, merchant_id, &code, now).await;
        opened.unwrap_or_else(|error| tracing::warn!(%error, "a case was not opened"));
    }
    Ok(entered)
}

/// `GET /hidden/01/…`: who changes the language of what came of it is led back to the page of the item.
pub(in crate::web) async fn back(request: HttpRequest) -> HttpResponse {
    let path = request.uri().path();
    let path = path.strip_prefix("/hidden").unwrap_or(path);
    match DigitalLink::parse_path(path) {
        Ok(link) => see_other(shell(&request).story_href(&link)),
        Err(error) => refuse(&request, LookupError::Link(error)),
    }
}

/// What is said to whoever entered a code.
struct Said<'a> {
    title: &'a str,
    lead: String,
    /// What is wrong, where it may be entered again.
    fault: Option<String>,
    advice: Vec<&'a str>,
}

fn answer(request: &HttpRequest, link: &DigitalLink, entered: Entered) -> HttpResponse {
    let text = shell(request).text;
    let doubt = || {
        vec![
            text.get("hidden.doubt_1"),
            text.get("hidden.doubt_2"),
            text.get("hidden.doubt_3"),
        ]
    };
    let (status, said) = match entered {
        // Its page says what it is, and whether there is a record of it at all.
        Entered::NoneThere => return see_other(shell(request).story_href(link)),
        Entered::Wrong { left } => {
            let (lead, fault) = match left.map(i64::unsigned_abs) {
                Some(0) => (text.get("hidden.wrong_last"), None),
                Some(left) => (
                    text.get("hidden.retry"),
                    Some(text.count("hidden.wrong", left, &[])),
                ),
                None => (
                    text.get("hidden.retry"),
                    Some(text.get("hidden.wrong_again").into()),
                ),
            };
            let said = Said {
                title: text.get("hidden.wrong_title"),
                lead: lead.into(),
                fault,
                advice: vec![text.get("hidden.wrong_1")],
            };
            (StatusCode::BAD_REQUEST, said)
        }
        Entered::TooMany => {
            let said = Said {
                title: text.get("hidden.too_many_title"),
                lead: text.get("hidden.too_many").into(),
                fault: None,
                advice: Vec::new(),
            };
            (StatusCode::TOO_MANY_REQUESTS, said)
        }
        Entered::Right {
            times: 1,
            is_again: false,
            ..
        } => {
            let said = Said {
                title: text.get("hidden.first_title"),
                lead: text.get("hidden.first").into(),
                fault: None,
                advice: Vec::new(),
            };
            (StatusCode::OK, said)
        }
        Entered::Right {
            times,
            first_at,
            is_again,
        } => {
            let at = moment(text, first_at);
            let n = text.number(times.into());
            let before = [("at", at.as_str()), ("n", n.as_str())];
            let used = text.get("hidden.used_title");
            let (title, lead) = match (is_again, times) {
                // The same page loaded again is this, too: only its reader knows whether it was the first time.
                (true, 1) => (
                    text.get("hidden.used_here_title"),
                    text.with("hidden.used_here", &[("at", &at)]),
                ),
                (true, _) => (used, text.with("hidden.used_today", &before)),
                (false, _) => (used, text.with("hidden.used_before", &before)),
            };
            let said = Said {
                title,
                lead,
                fault: None,
                advice: doubt(),
            };
            (StatusCode::OK, said)
        }
    };
    page(request, link, status, said)
}

fn page(
    request: &HttpRequest,
    link: &DigitalLink,
    status: StatusCode,
    said: Said<'_>,
) -> HttpResponse {
    let shell = shell(request);
    let form = said.fault.map(|fault| HiddenView {
        used: None,
        action: action(&shell, link),
        fault: Some(fault),
    });
    let page = HiddenPage {
        title: said.title.into(),
        lead: said.lead,
        code: present::elements(link).join(" "),
        hidden: form,
        advice: said.advice.into_iter().map(str::to_owned).collect(),
        story_href: shell.story_href(link),
        report_href: shell.report_href(link),
        shell,
    };
    headers::kept_by_nobody(render(request, status, &page))
}
