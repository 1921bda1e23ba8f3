//! The shopper's pages.

mod fault;
pub(super) mod find;
pub(super) mod hidden;
mod history;
mod journey;
mod linkset;
mod lookup;
mod map;
pub(super) mod picture;
mod place;
mod present;
mod qr;
mod recalls;
pub mod report;
pub(super) mod resolver;
mod route;
pub(super) mod saved;
pub mod scans;
pub(super) mod verify;
pub mod view;

use actix_web::http::header::{ETag, EntityTag, Header as _, IfNoneMatch};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use askama::Template;
use auditlog::Hash;

use super::Service;
use super::assets::ASSET_TAG;
use super::auth::bearer;
use super::compress::{Coding, Effort};
use super::headers::for_anyone;
use super::proof_file::{FileError, ProofFile, ProofForm, proof_source};
use super::text::Lang;
use crate::domain::gs1::DigitalLink;
use crate::proof::bundle;
use lookup::{LookupError, find_story};
use view::{MessagePage, Shell};

/// `GET /proof/01/…`: the story as a bundle, to keep and to check elsewhere.
pub(super) async fn proof(request: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    let response = proof_file(&request, &service).await;
    for_key_holder(&request, response)
}

async fn proof_file(request: &HttpRequest, service: &web::Data<Service>) -> HttpResponse {
    let path = request.uri().path();
    let path = path.strip_prefix("/proof").unwrap_or(path);
    let form = match ProofForm::parse(request.query_string()) {
        Ok(form) => form,
        Err(_) => return refuse(request, LookupError::Form),
    };
    let told = match find_story(service, request, path).await {
        Ok(found) => found.told,
        Err(error) => return refuse(request, error),
    };
    if told.story.truncated {
        return refuse(request, LookupError::TooLong);
    }
    let Some(published) = service.state.borrow().published.clone() else {
        // Nothing is sealed yet: there is nothing to prove with.
        return refuse(request, LookupError::NotSealed);
    };
    let making = service.clone();
    let made = web::block(move || {
        let stem = lookup::file_stem(&told.story.subject);
        let bundle = bundle(&told, &proof_source(&making, &published))
            .map_err(|error| LookupError::Internal(error.to_string()))?;
        ProofFile::of(&bundle, form, &stem).map_err(|error| match error {
            FileError::NoSuchIndex(_) => LookupError::NoSuchIndex,
            error => LookupError::Internal(error.to_string()),
        })
    })
    .await;
    match made {
        Ok(Ok(file)) => {
            let mut response = file.respond();
            // Whoever verifies on another host may fetch it.
            let anyone = header::HeaderValue::from_static("*");
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, anyone);
            response
        }
        Ok(Err(error)) => refuse(request, error),
        Err(error) => refuse(request, LookupError::Internal(error.to_string())),
    }
}

/// `GET /qr/01/….svg`, `.png`: the code as a picture, whether or not it was issued.
pub(super) async fn qr(request: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    let path = request.uri().path();
    let path = path.strip_prefix("/qr").unwrap_or(path);
    let (path, format) = match path.rsplit_once('.') {
        Some((path, "svg")) => (path, qr::Format::Svg),
        Some((path, "png")) => (path, qr::Format::Png),
        _ => return no_such_page(request).await,
    };
    let link = match DigitalLink::parse_path(path) {
        Ok(link) => link,
        Err(error) => return refuse(&request, LookupError::Link(error)),
    };
    let address = format!("{}{}", service.public_url, link.path());
    match qr::picture(&address, format) {
        Ok((content_type, bytes)) => HttpResponse::Ok()
            .content_type(content_type)
            .insert_header((header::CACHE_CONTROL, "public, max-age=86400"))
            .body(bytes),
        Err(error) => refuse(&request, LookupError::Internal(error.to_string())),
    }
}

/// What a key opened is kept by nobody on the way.
fn for_key_holder(request: &HttpRequest, mut response: HttpResponse) -> HttpResponse {
    if bearer(request).is_some() {
        let caching = header::HeaderValue::from_static("private, no-store");
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, caching);
    }
    response
}

/// Any address that is in no table.
pub(super) async fn no_such_page(request: HttpRequest) -> HttpResponse {
    message(&request, MessagePage::no_such_page(shell(&request)))
}

/// The page for a client that asked for more than its share. A page of another host is told so too.
pub(super) fn too_many(request: &HttpRequest) -> HttpResponse {
    for_anyone(message(request, MessagePage::too_many(shell(request))))
}

/// The page that says why there is no story. The cause is logged, never shown.
fn refuse(request: &HttpRequest, error: LookupError) -> HttpResponse {
    let shell = shell(request);
    let page = match error {
        LookupError::Unknown(link) if link.sscc().is_some() => {
            MessagePage::logistic_unit(shell, present::elements(&link).join(" "))
        }
        LookupError::Unknown(link) => {
            let report = shell.report_href(&link);
            MessagePage::unknown_code(shell, present::elements(&link).join(" "), report)
        }
        LookupError::NoMerchant(link) => {
            MessagePage::no_merchant(shell, present::elements(&link).join(" "))
        }
        LookupError::UnknownPlace(identity) => {
            MessagePage::unknown_place(shell, place::elements(&identity).join(" "))
        }
        LookupError::NoSuchLink => MessagePage::no_such_link(shell),
        LookupError::NotSealed => MessagePage::not_sealed(shell),
        LookupError::TooLong => MessagePage::too_long(shell),
        LookupError::Form => MessagePage::bad_proof_form(shell),
        LookupError::NoSuchIndex => MessagePage::no_such_index(shell),
        LookupError::Link(error) => {
            let fault = fault::sentence(shell.text, &error);
            MessagePage::bad_link(shell, &fault)
        }
        LookupError::Unavailable(cause) => {
            tracing::warn!(%cause, "the database is not available");
            MessagePage::unavailable(shell)
        }
        LookupError::Key(problem) => return problem.error_response(),
        LookupError::Internal(cause) => {
            tracing::error!(%cause, "a page failed");
            MessagePage::failed(shell)
        }
    };
    message(request, page)
}

fn message(request: &HttpRequest, page: MessagePage) -> HttpResponse {
    let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = render(request, status, &page);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("30"));
    }
    response
}

/// On to another page.
pub(super) fn see_other(address: String) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, address))
        .finish()
}

/// A page; or 304 to a reader who has this very page. All that it says is in its tag, so nothing that changes, such
/// as a recall or a date that has passed, is ever missed. It is weak, because pages travel compressed.
pub(super) fn render(
    request: &HttpRequest,
    status: StatusCode,
    page: &impl Template,
) -> HttpResponse {
    let html = match page.render() {
        Ok(html) => html,
        Err(error) => return unmade(&error),
    };
    let mut response = HttpResponse::build(status);
    response
        .content_type("text/html; charset=utf-8")
        // A page is about one item at one moment, in the reader's language.
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::VARY, "Accept-Encoding, Accept-Language"));
    if status == StatusCode::OK {
        let tag = Hash::of(&[html.as_bytes()]).to_hex();
        let tag = EntityTag::new_weak(tag[..32].to_owned());
        let is_known = knows(request, &tag);
        response.insert_header(ETag(tag));
        if is_known {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
    }
    let coding = Coding::of(request, html.len());
    match coding.encode(html.as_bytes(), Effort::Once) {
        Ok(body) => coding.mark(response.body(body)),
        Err(error) => unmade(&error),
    }
}

/// Whether a reader has the page already (RFC 9110 §13.1.2).
fn knows(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

fn unmade(error: &dyn std::error::Error) -> HttpResponse {
    tracing::error!(%error, "a page could not be made");
    HttpResponse::InternalServerError().finish()
}

pub(super) fn shell(request: &HttpRequest) -> Shell {
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    let query = request.query_string();
    let wanted = query.split('&').find_map(|pair| pair.strip_prefix("lang="));
    Shell::new(Lang::negotiate(accepted, wanted), query, &ASSET_TAG)
}
