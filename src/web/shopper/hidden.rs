//! `/hidden/01/…`: the hidden code of a pack is entered.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::lookup::LookupError;
use super::view::{HiddenPage, HiddenView, Shell};
use super::{no_such_page, present, refuse, render, report, shell};
use crate::codes::hidden::{Entered, Entry, enter as enter_code};
use crate::domain::gs1::{DigitalLink, Gtin, Serial};
use crate::domain::hidden::HiddenCode;
use crate::domain::story::Story;
use crate::store::gtin_owner::gtin_owner;
use crate::web::Service;
use crate::web::client::is_a_page_of_ours;

/// What the page of a pack says of its hidden code.
pub(super) fn view(shell: &Shell, story: &Story) -> HiddenView {
    let text = shell.text;
    let first = story.reveals.iter().map(|said| said.recorded_at).min();
    let first = first.and_then(|at| present::china_date(text, at));
    HiddenView {
        used: first.map(|day| {
            let times = story.reveals.len() as u64;
            text.count("hidden.used", times, &[("date", &day.text)])
        }),
        action: action(shell, &story.subject),
        fault: None,
    }
}

fn action(shell: &Shell, link: &DigitalLink) -> String {
    format!("/hidden{}?lang={}", link.path(), shell.text.lang().code())
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
    let owner = gtin_owner(&mut conn, item.0).await?;
    drop(conn);
    let Some(merchant_id) = owner else {
        return Err(LookupError::Unknown(link));
    };
    let subject = format!("hidden {} {}", item.0, item.1);
    let network = service.network(request, &subject, now);
    let network = network.map_err(|error| LookupError::Internal(error.to_string()))?;
    let entry = Entry {
        item,
        typed,
        network,
    };
    let mut conn = service.database.capture.acquire().await?;
    Ok(enter_code(&mut conn, &service.code_key, merchant_id, &entry, now).await?)
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
        Entered::NoneThere => return refuse(request, LookupError::Unknown(*link)),
        Entered::Wrong { left } => {
            let n = left.to_string();
            let said = Said {
                title: text.get("hidden.wrong_title"),
                lead: text.get("hidden.retry").into(),
                fault: Some(text.with("hidden.wrong", &[("n", &n)])),
                advice: vec![text.get("hidden.wrong_1")],
            };
            (StatusCode::BAD_REQUEST, said)
        }
        Entered::TooMany => {
            let said = Said {
                title: text.get("hidden.too_many_title"),
                lead: text.get("hidden.too_many").into(),
                fault: None,
                advice: vec![text.get("hidden.wrong_1")],
            };
            (StatusCode::TOO_MANY_REQUESTS, said)
        }
        Entered::Right {
            times: 1, is_again, ..
        } => {
            let said = Said {
                title: text.get("hidden.first_title"),
                lead: match is_again {
                    false => text.get("hidden.first").into(),
                    true => text.get("hidden.first_again").into(),
                },
                fault: None,
                advice: Vec::new(),
            };
            (StatusCode::OK, said)
        }
        Entered::Right {
            times, first_at, ..
        } => {
            let day = present::china_date(text, first_at);
            let day = day.map_or_else(String::new, |day| day.text);
            let times = text.number(times.into());
            let said = Said {
                title: text.get("hidden.used_title"),
                lead: text.with("hidden.used_before", &[("date", &day), ("n", &times)]),
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
    let lang = shell.text.lang().code();
    let page = HiddenPage {
        title: said.title.into(),
        lead: said.lead,
        code: present::elements(link).join(" "),
        hidden: form,
        advice: said.advice.into_iter().map(str::to_owned).collect(),
        story_href: format!("{}?lang={lang}", link.path()),
        report_href: report::href(&shell, link),
        shell,
    };
    let mut response = render(request, status, &page);
    let caching = header::HeaderValue::from_static("no-store");
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, caching);
    response
}
