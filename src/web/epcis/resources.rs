//! The top-level resources of EPCIS: what there is to ask for, and the events of each.

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::events::{Asked, answer, within_limit};
use super::form::{say_form, say_range};
use super::list::List;
use crate::capture::Submitter;
use crate::domain::capture_fault::ErrorBehaviour;
use crate::domain::epcis::query::Parameter;
use crate::domain::epcis::{EpcFormat, EventType};
use crate::domain::gs1::{Identity, Level, unescape};
use crate::domain::posting::WordKind;
use crate::domain::scope::Scope;
use crate::query::{self, CONTEXT, Recent};
use crate::store::read_for;
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::body::MAX_BODY_BYTES;
use crate::web::error::Problem;

/// A resource whose members are values of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    EventTypes,
    Epcs,
    BizSteps,
    BizLocations,
    ReadPoints,
    Dispositions,
}

impl Resource {
    const ALL: [Resource; 6] = [
        Resource::EventTypes,
        Resource::Epcs,
        Resource::BizSteps,
        Resource::BizLocations,
        Resource::ReadPoints,
        Resource::Dispositions,
    ];

    fn name(self) -> &'static str {
        match self {
            Resource::EventTypes => "eventTypes",
            Resource::Epcs => "epcs",
            Resource::BizSteps => "bizSteps",
            Resource::BizLocations => "bizLocations",
            Resource::ReadPoints => "readPoints",
            Resource::Dispositions => "dispositions",
        }
    }

    fn words(self) -> Option<WordKind> {
        match self {
            Resource::EventTypes | Resource::Epcs => None,
            Resource::BizSteps => Some(WordKind::BizStep),
            Resource::BizLocations => Some(WordKind::BizLocation),
            Resource::ReadPoints => Some(WordKind::ReadPoint),
            Resource::Dispositions => Some(WordKind::Disposition),
        }
    }

    /// The parameter by which the events of a member are found.
    fn parameter(self, member: &str) -> Parameter {
        let name = match self {
            Resource::EventTypes => "eventType",
            Resource::BizSteps => "EQ_bizStep",
            Resource::BizLocations => "EQ_bizLocation",
            Resource::ReadPoints => "EQ_readPoint",
            Resource::Dispositions => "EQ_disposition",
            Resource::Epcs => {
                let level = Identity::parse(member)
                    .ok()
                    .and_then(|identity| identity.level());
                match level {
                    Some(Level::Class) => "MATCH_anyEPCClass",
                    _ => "MATCH_anyEPC",
                }
            }
        };
        Parameter {
            name: name.to_owned(),
            values: vec![member.to_owned()],
        }
    }
}

/// The resource that a path names, and what follows its name, still encoded.
fn named(path: &str) -> Option<(Resource, &str)> {
    let rest = path.strip_prefix("/epcis/")?;
    let (name, tail) = rest.split_once('/').unwrap_or((rest, ""));
    let resource = Resource::ALL
        .into_iter()
        .find(|resource| resource.name() == name)?;
    Some((resource, tail))
}

fn no_resource() -> Problem {
    Problem::not_found("there is no such resource")
}

/// `GET /epcis`: what there is.
pub(in crate::web) async fn root(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    submitter(&request, &service, Scope::Query).await?;
    let mut members = vec!["capture", "events", "queries"];
    members.extend(Resource::ALL.map(Resource::name));
    Ok(collection(&members))
}

fn collection(members: &[impl serde::Serialize]) -> HttpResponse {
    let body = json!({"@context": CONTEXT, "type": "Collection", "member": members});
    HttpResponse::Ok()
        .content_type("application/json")
        .body(body.to_string())
}

/// `GET /epcis/bizSteps` and its like: every value that the merchant's events use.
pub(in crate::web) async fn members(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Query).await?;
    let (resource, _) = named(request.path()).ok_or_else(no_resource)?;
    let list = List::read(&request, &service, &submitter)?;
    if resource == Resource::EventTypes {
        let mut response = collection(&EventType::ALL.map(EventType::name));
        say_form(&mut response, list.format());
        return Ok(response);
    }
    let (after, limit) = (list.after()?, list.limit() as usize);
    let mut found = members_after(&service, &submitter, resource, &after, limit).await?;
    let goes_on = list.cut(&mut found);
    let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
    let mut response = collection(&texts);
    say_form(&mut response, list.format());
    if let Some((place, _)) = found.last().filter(|_| goes_on) {
        list.say_next(&mut response, place);
    }
    Ok(response)
}

/// Members after a place, each with its own place.
async fn members_after(
    service: &Service,
    submitter: &Submitter,
    resource: Resource,
    after: &str,
    limit: usize,
) -> Result<Vec<(String, String)>, Problem> {
    let mut conn = service.database.reader.acquire().await?;
    within_limit(async {
        let mut tx = read_for(&mut conn, submitter.merchant_id).await?;
        let mut recent = Recent::of(submitter.merchant_id);
        let found = match resource.words() {
            Some(kind) => {
                let words = query::words(&mut tx, &mut recent, kind, after, limit).await?;
                words.into_iter().map(|word| (word.clone(), word)).collect()
            }
            None => query::identities(&mut tx, &recent, after, limit).await?,
        };
        tx.rollback().await?;
        Ok(found)
    })
    .await
}

/// `GET /epcis/bizSteps/{bizStep}` says that it has events, and `…/events` gives them.
pub(in crate::web) async fn member(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Query).await?;
    let raw = request.uri().path();
    let (resource, tail) = named(raw).ok_or_else(no_resource)?;
    let (member, wants_events) = match tail.strip_suffix("/events") {
        Some(member) => (member, true),
        None => (tail, false),
    };
    let member = unescape(member);
    let member = member.map_err(|fault| Problem::query(format!("the value {fault}")))?;
    let parameter = resource.parameter(&member);
    let mut asked = Asked::read(&request)?;
    if wants_events {
        asked.also.push(parameter);
        return answer(&service, &submitter, raw, asked).await;
    }
    asked.parameters = vec![parameter];
    asked.per_page = 1;
    if !super::events::any(&service, &submitter, &asked).await? {
        let detail = format!("no event has this among its {}", resource.name());
        return Err(Problem::not_found(detail));
    }
    let mut response = collection(&["events"]);
    say_form(&mut response, asked.format);
    Ok(response)
}

/// What may be done with a path below `queries`.
fn methods_of_query(path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [""] | [_, "subscriptions"] => Some("OPTIONS, GET, HEAD, POST"),
        [_] | [_, "subscriptions", _] => Some("OPTIONS, GET, HEAD, DELETE"),
        [_, "events"] => Some("OPTIONS, GET, HEAD"),
        _ => None,
    }
}

/// What may be done with a path of EPCIS.
pub(super) fn methods(path: &str) -> Option<&'static str> {
    let rest = path.strip_prefix("/epcis")?.trim_matches('/');
    let (first, tail) = rest.split_once('/').unwrap_or((rest, ""));
    match (first, tail) {
        ("capture", "") | ("events", "") => Some("OPTIONS, GET, HEAD, POST"),
        ("queries", _) => methods_of_query(tail),
        ("", _) | ("capture" | "events", _) => Some("OPTIONS, GET, HEAD"),
        ("nextPageToken", _) => Some("OPTIONS, DELETE"),
        ("openapi.json", "") => Some("OPTIONS, GET, HEAD"),
        (name, _) => {
            let known = Resource::ALL.iter().any(|resource| resource.name() == name);
            known.then_some("OPTIONS, GET, HEAD")
        }
    }
}

/// `OPTIONS` of any path: what may be done with it, and what is spoken here. Nobody needs a key for that.
pub(in crate::web) async fn discover(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let allow = methods(request.path()).ok_or_else(no_resource)?;
    let mut response = HttpResponse::NoContent().finish();
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    say_range(headers);
    for (name, value) in [
        // One word, of a server too: the format is whatever the client prefers.
        (EpcFormat::HEADER, EpcFormat::NoPreference.name()),
        ("gs1-vendor-version", env!("CARGO_PKG_VERSION")),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    if request.path().starts_with("/epcis/capture") {
        let number = |n: usize| HeaderValue::from_str(&n.to_string()).expect("digits");
        for (name, value) in [
            (
                "gs1-epcis-capture-limit",
                number(crate::domain::epcis::MAX_EVENTS),
            ),
            ("gs1-epcis-capture-file-size-limit", number(MAX_BODY_BYTES)),
            (
                "gs1-capture-error-behaviour",
                HeaderValue::from_static(ErrorBehaviour::ANY),
            ),
        ] {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}

/// `DELETE /epcis/nextPageToken/{token}`: nothing is kept of a token, so nothing can be taken back.
pub(in crate::web) async fn forget_token(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    submitter(&request, &service, Scope::Query).await?;
    Err(Problem::new(
        actix_web::http::StatusCode::NOT_IMPLEMENTED,
        "epcisException:ImplementationException",
        "a nextPageToken is not kept here; it ends by itself after 30 minutes",
    ))
}
