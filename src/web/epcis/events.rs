//! `/epcis/events`: the events of a merchant, by query and one by one.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use time::OffsetDateTime;

use super::demands::wanted_extensions;
use super::form::{say_form, say_hash, wanted_format};
use super::page_token::{Binding, LIFETIME, TokenFault};
use crate::capture::{Submitter, capture_event};
use crate::domain::epcis::EpcFormat;
use crate::domain::epcis::query::named::{UNNAMED, Wanted};
use crate::domain::epcis::query::{DEFAULT_PER_PAGE, MAX_PER_PAGE, Parameter};
use crate::domain::gs1::unescape;
use crate::domain::scope::Scope;
use crate::query::{
    self, Form, FoundEvent, Page, QueryError, Recent, query_document, single_event,
};
use crate::store::read_for;
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::body::json_text;
use crate::web::error::Problem;

const NEXT_PAGE_TOKEN_EXPIRES: HeaderName = HeaderName::from_static("gs1-next-page-token-expires");
/// How long one query may take.
const QUERY_LIMIT: std::time::Duration = std::time::Duration::from_secs(10);

/// `GET /epcis/events`: the query is the address.
pub(in crate::web) async fn events(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Query).await?;
    let asked = Asked::read(&request)?;
    answer(&service, &submitter, request.path(), asked).await
}

/// What a request asks for, apart from where it is sent.
pub(super) struct Asked {
    pub parameters: Vec<Parameter>,
    /// What the path asks for beside the query.
    pub also: Vec<Parameter>,
    /// The JSON of the `@context` of what the path asks for.
    pub context: Option<String>,
    /// The name of the query that the path names.
    pub query_name: String,
    pub per_page: u32,
    token: Option<String>,
    pub format: EpcFormat,
    /// What the request itself says that prefixes mean, as `prefix=namespace`.
    extensions: Vec<String>,
}

impl Asked {
    pub fn read(request: &HttpRequest) -> Result<Asked, Problem> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
            .map_err(|_| Problem::query("the query string is not percent-encoded UTF-8"))?;
        let mut asked = Asked {
            parameters: Vec::new(),
            also: Vec::new(),
            context: None,
            query_name: UNNAMED.to_owned(),
            per_page: DEFAULT_PER_PAGE,
            token: None,
            format: wanted_format(request)?,
            extensions: wanted_extensions(request)?,
        };
        for (name, value) in pairs.into_inner() {
            match name.as_str() {
                "perPage" => {
                    let per_page = value.parse().ok().filter(|n| *n > 0);
                    let fault = || Problem::query("perPage is not a whole number of at least 1");
                    asked.per_page = per_page.ok_or_else(fault)?;
                }
                "nextPageToken" => asked.token = Some(value),
                _ => {
                    let values = value.split('|').map(str::to_owned).collect();
                    asked.parameters.push(Parameter { name, values });
                }
            }
        }
        asked.per_page = asked.per_page.min(MAX_PER_PAGE);
        Ok(asked)
    }

    /// Everything that is asked, that of the path with it.
    fn all(&self) -> Wanted {
        Wanted {
            parameters: self.parameters.iter().chain(&self.also).cloned().collect(),
            context: self.context.clone(),
            extensions: self.extensions.clone(),
        }
    }

    /// Everything that a page must have in common with the page before.
    fn bound(&self) -> Vec<Parameter> {
        let mut all = self.all().parameters;
        if !self.extensions.is_empty() {
            all.push(Parameter {
                name: "GS1-Extensions".to_owned(),
                values: self.extensions.clone(),
            });
        }
        all
    }

    /// A list and a named query take no query.
    pub fn refuse_parameters(&self) -> Result<(), Problem> {
        let Some(parameter) = self.parameters.first() else {
            return Ok(());
        };
        let name: String = parameter.name.chars().take(80).collect();
        Err(Problem::query(format!(
            "{name} is not taken here: only perPage and nextPageToken are"
        )))
    }

    /// Where a list goes on; its beginning where no token says so.
    pub fn after_text(&self, binding: &Binding, now: OffsetDateTime) -> Result<String, Problem> {
        match &self.token {
            None => Ok(String::new()),
            Some(token) => binding.read_text(token, now).map_err(token_problem),
        }
    }
}

/// Whether any event fulfils what is asked.
pub(super) async fn any(
    service: &Service,
    submitter: &Submitter,
    asked: &Asked,
) -> Result<bool, Problem> {
    let (page, _) = found(service, submitter, asked, None).await?;
    Ok(!page.events.is_empty())
}

pub(super) async fn answer(
    service: &Service,
    submitter: &Submitter,
    path: &str,
    asked: Asked,
) -> Result<HttpResponse, Problem> {
    let now = (service.clock)();
    let binding = Binding::new(submitter.event_id_key, path, &asked.bound());
    let after = match &asked.token {
        None => None,
        Some(token) => Some(binding.read(token, now).map_err(token_problem)?),
    };
    let (page, form) = found(service, submitter, &asked, after).await?;
    let named = query::ResultsOf {
        query_name: &asked.query_name,
        subscription_id: None,
    };
    let body = query_document(named, &page.events, &form, now);
    let body = body.map_err(|error| Problem::internal(&error))?;
    let mut response = HttpResponse::Ok()
        .content_type("application/json")
        .body(body);
    say_form(&mut response, form.format);
    if let Some(cursor) = page.next {
        let token = binding.write(cursor, now + LIFETIME);
        say_next(&mut response, path, &asked, &token, now);
    }
    Ok(response)
}

/// A page of what is asked, and the form for it.
async fn found(
    service: &Service,
    submitter: &Submitter,
    asked: &Asked,
    after: Option<query::Cursor>,
) -> Result<(Page, Form), Problem> {
    let wanted = asked.all();
    // Whoever waits for a connection is told that, and not that the query is too complex.
    let mut conn = service.database.reader.acquire().await?;
    let page = async {
        let mut tx = read_for(&mut conn, submitter.merchant_id).await?;
        let mut recent = Recent::of(submitter.merchant_id);
        let query = query::read(&mut tx, &mut recent, &wanted).await?;
        let per_page = asked.per_page;
        let page = query::page(&mut tx, &mut recent, &query, after, per_page).await?;
        let form = Form::of(asked.format, &mut tx, &mut recent).await?;
        tx.rollback().await?;
        Ok::<(Page, Form), Problem>((page, form))
    };
    within_limit(page).await
}

/// What comes within the time that one query may take.
pub(super) async fn within_limit<T>(
    answer: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let answer = tokio::time::timeout(QUERY_LIMIT, answer).await;
    answer.map_err(|_| too_complex("the query takes more than ten seconds"))?
}

/// Says where an answer goes on, and until when.
pub(super) fn say_next(
    response: &mut HttpResponse,
    path: &str,
    asked: &Asked,
    token: &str,
    now: OffsetDateTime,
) {
    let text = |text: String| HeaderValue::from_str(&text).expect("percent-encoded ASCII");
    let next = next_link(path, asked, token);
    let headers = response.headers_mut();
    headers.insert(header::LINK, text(format!("<{next}>; rel=\"next\"")));
    let expires = crate::domain::time::timestamp(now + LIFETIME).to_string();
    headers.insert(NEXT_PAGE_TOKEN_EXPIRES, text(expires));
}

/// The address of the next page: the same query, further on.
fn next_link(path: &str, asked: &Asked, token: &str) -> String {
    let mut pairs: Vec<(&str, String)> = asked
        .parameters
        .iter()
        .map(|parameter| (parameter.name.as_str(), parameter.values.join("|")))
        .collect();
    pairs.push(("perPage", asked.per_page.to_string()));
    pairs.push(("nextPageToken", token.to_owned()));
    let mut address = format!("{path}?");
    for (number, (name, value)) in pairs.iter().enumerate() {
        if number > 0 {
            address.push('&');
        }
        escape_into(&mut address, name);
        address.push('=');
        escape_into(&mut address, value);
    }
    address
}

/// RFC 3986 §2.3: everything but the unreserved characters.
fn escape_into(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

fn token_problem(fault: TokenFault) -> Problem {
    match fault {
        TokenFault::Foreign => Problem::query(
            "nextPageToken continues another query, or none: follow the Link of the answer before",
        ),
        TokenFault::Expired => {
            Problem::query("nextPageToken has expired: ask again from the start")
        }
    }
}

/// The events of an ID, and the form for them.
async fn events_of(
    service: &Service,
    submitter: &Submitter,
    event_id: &str,
    format: EpcFormat,
) -> Result<(Vec<FoundEvent>, Form), Problem> {
    let mut conn = service.database.reader.acquire().await?;
    let mut tx = read_for(&mut conn, submitter.merchant_id).await?;
    let found = query::by_event_id(&mut tx, submitter.merchant_id, event_id).await?;
    let mut recent = Recent::of(submitter.merchant_id);
    let form = Form::of(format, &mut tx, &mut recent).await?;
    tx.rollback().await?;
    Ok((found, form))
}

/// `GET /epcis/events/{eventID}`: the event, and the declaration that it was an error.
pub(in crate::web) async fn event(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Query).await?;
    let event_id = named_event(&request)?;
    let format = wanted_format(&request)?;
    let (found, form) = events_of(&service, &submitter, &event_id, format).await?;
    if found.is_empty() {
        return Err(Problem::not_found("there is no event with this eventID"));
    }
    let body = query_document(query::ResultsOf::UNNAMED, &found, &form, (service.clock)());
    let body = body.map_err(|error| Problem::internal(&error))?;
    let mut response = HttpResponse::Ok()
        .content_type("application/json")
        .body(body);
    say_form(&mut response, format);
    say_hash(response.headers_mut(), &found[0]);
    Ok(response)
}

/// The eventID in the path, percent-decoded once: it may hold slashes of its own. An `ni:` URI that was
/// not encoded has its query where that of an address is.
fn named_event(request: &HttpRequest) -> Result<String, Problem> {
    let raw = request.uri().path();
    let raw = raw.strip_prefix("/epcis/events/").unwrap_or(raw);
    let decoded = unescape(raw);
    let decoded = decoded.map_err(|fault| Problem::validation(format!("the eventID {fault}")))?;
    let query = request.query_string();
    if decoded.starts_with("ni:") && !decoded.contains('?') && !query.is_empty() {
        return Ok(format!("{decoded}?{query}"));
    }
    Ok(decoded.into_owned())
}

/// `POST /epcis/events`: one event, stored before the answer.
pub(in crate::web) async fn post_event(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Capture).await?;
    let format = wanted_format(&request)?;
    let text = json_text(&request, payload).await?;
    let captured = {
        let mut conn = service.database.capture.acquire().await?;
        capture_event(&mut conn, &submitter, text, (service.clock)()).await?
    };
    let (found, form) = events_of(&service, &submitter, &captured.event_id, format).await?;
    let stored = found
        .iter()
        .find(|event| event.is_error_declaration == captured.is_error_declaration);
    let stored = stored.ok_or_else(|| Problem::internal(&"a stored event is not found"))?;
    let body = single_event(stored, &form).map_err(|error| Problem::internal(&error))?;
    let mut location = String::from("/epcis/events/");
    escape_into(&mut location, &captured.event_id);
    let mut response = HttpResponse::build(StatusCode::CREATED)
        .insert_header((header::LOCATION, location))
        .content_type("application/json")
        .body(body);
    say_form(&mut response, format);
    say_hash(response.headers_mut(), stored);
    Ok(response)
}

fn too_complex(detail: impl Into<String>) -> Problem {
    let kind = "epcisException:QueryTooComplexException";
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, kind, detail)
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Problem {
        let detail = error.to_string();
        match error {
            QueryError::Fault(_) => Problem::query(detail),
            QueryError::TooLarge(_) => {
                let kind = "epcisException:QueryTooLargeException";
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, kind, detail)
            }
            QueryError::TooComplex => too_complex(detail),
            QueryError::IndexBehind => {
                let kind = "epcisException:ImplementationException";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, kind, detail)
            }
            QueryError::Store(error) => Problem::from_store(&error),
            QueryError::Named(_) | QueryError::Index(_) | QueryError::Statement(_) => {
                Problem::internal(&detail)
            }
        }
    }
}
