//! `/api/products`, `/api/parties`, `/api/documents`, `/api/links`: what a merchant says of things.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use uuid::Uuid;

use crate::capture::{Recorded, Submitter, record_master};
use crate::domain::scope::Scope;
use crate::domain::statement::Kind;
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::body::json_text;
use crate::web::error::Problem;

/// `POST /api/products`
pub(in crate::web) async fn record_product(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    record(Kind::Product, &request, payload, &service).await
}

/// `POST /api/parties`
pub(in crate::web) async fn record_party(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    record(Kind::Party, &request, payload, &service).await
}

/// `POST /api/documents`
pub(in crate::web) async fn record_document(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    record(Kind::Document, &request, payload, &service).await
}

/// `POST /api/links`
pub(in crate::web) async fn record_link(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    record(Kind::Link, &request, payload, &service).await
}

#[derive(Serialize)]
pub(super) struct RecordedBody {
    /// Where the statement is stored.
    batch: Uuid,
    position: i32,
    /// False if the same was said last.
    new: bool,
    /// What it is about.
    about: Vec<String>,
}

/// 201 for a new statement, 200 for one that says again what was said last.
pub(super) async fn record(
    kind: Kind,
    request: &HttpRequest,
    payload: web::Payload,
    service: &Service,
) -> Result<HttpResponse, Problem> {
    let (_, recorded) = recorded(kind, request, payload, service).await?;
    Ok(recorded_as(&recorded))
}

/// The same, for whoever has more to say of it: on whose behalf, and what.
pub(super) async fn recorded(
    kind: Kind,
    request: &HttpRequest,
    payload: web::Payload,
    service: &Service,
) -> Result<(Submitter, Recorded), Problem> {
    let scope = match kind {
        Kind::Recall => Scope::Recalls,
        Kind::Disclosure => Scope::Disclosure,
        Kind::Review => Scope::Cases,
        _ => Scope::MasterData,
    };
    let submitter = submitter(request, service, scope).await?;
    let text = json_text(request, payload).await?;
    let mut conn = service.database.capture.acquire().await?;
    let recorded = record_master(&mut conn, &submitter, kind, &text, (service.clock)()).await?;
    Ok((submitter, recorded))
}

/// The answer for what was recorded.
pub(super) fn recorded_as(recorded: &Recorded) -> HttpResponse {
    HttpResponse::build(status_of(recorded)).json(RecordedBody::of(recorded))
}

/// Its status.
pub(super) fn status_of(recorded: &Recorded) -> StatusCode {
    if recorded.is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    }
}

impl RecordedBody {
    pub fn of(recorded: &Recorded) -> RecordedBody {
        RecordedBody {
            batch: recorded.id.batch_id,
            position: recorded.id.position,
            new: recorded.is_new,
            about: recorded.about.iter().map(ToString::to_string).collect(),
        }
    }
}
