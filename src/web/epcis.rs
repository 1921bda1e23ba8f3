//! `/epcis/…`: EPCIS 2.0 capture.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use sqlx::Connection;
use uuid::Uuid;

use super::Service;
use super::auth::submitter;
use super::body::{MAX_BODY_BYTES, json_text};
use super::error::Problem;
use crate::capture::capture_document;
use crate::domain::epcis::MAX_EVENTS;
use crate::domain::scope::Scope;
use crate::domain::time::timestamp;
use crate::store::act_for;
use crate::store::capture_job::{self, CaptureJob};

/// `POST /epcis/capture`: 202 once everything is durable, with the address of the finished job.
pub(super) async fn capture(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Capture).await?;
    check_error_behaviour(&request)?;
    let text = json_text(&request, payload).await?;
    let mut conn = service.database.capture.acquire().await?;
    let captured = capture_document(&mut conn, &submitter, text, (service.clock)()).await?;
    Ok(HttpResponse::Accepted()
        .insert_header((
            header::LOCATION,
            format!("/epcis/capture/{}", captured.job.id),
        ))
        .insert_header(("GS1-EPCIS-Capture-Limit", MAX_EVENTS))
        .insert_header(("GS1-EPCIS-Capture-File-Size-Limit", MAX_BODY_BYTES))
        .insert_header(("GS1-Capture-Error-Behaviour", "rollback"))
        .json(JobBody::of(&captured.job)))
}

/// Only `rollback`, which is also the default: a document is stored whole or not at all.
fn check_error_behaviour(request: &HttpRequest) -> Result<(), Problem> {
    let wanted = request.headers().get("GS1-Capture-Error-Behaviour");
    match wanted.map(|value| value.as_bytes()) {
        None | Some(b"rollback") => Ok(()),
        Some(_) => Err(Problem::validation(
            "GS1-Capture-Error-Behaviour must be rollback: a document is stored whole or not at all",
        )),
    }
}

/// `GET /epcis/capture/{job}`
pub(super) async fn capture_job(
    request: HttpRequest,
    job: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Capture).await?;
    let unknown = || Problem::not_found("there is no such capture job");
    let id = Uuid::try_parse(&job).map_err(|_| unknown())?;
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = conn.begin().await?;
    act_for(&mut tx, submitter.merchant_id).await?;
    let job = capture_job::capture_job(&mut tx, submitter.merchant_id, id).await?;
    tx.rollback().await?;
    Ok(HttpResponse::Ok().json(JobBody::of(&job.ok_or_else(unknown)?)))
}

/// 405 with what is allowed.
pub(super) async fn method_not_allowed() -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::MethodNotAllowed()
        .insert_header((header::ALLOW, "POST"))
        .finish())
}

/// EPCIS 2.0's capture job.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JobBody {
    #[serde(rename = "captureID")]
    capture_id: Uuid,
    created_at: String,
    finished_at: String,
    running: bool,
    success: bool,
    capture_error_behaviour: &'static str,
    errors: [(); 0],
    /// Events in the document.
    #[serde(rename = "rootmark:eventCount")]
    event_count: i32,
    /// Those that were not known before.
    #[serde(rename = "rootmark:storedCount")]
    stored_count: i32,
}

impl JobBody {
    fn of(job: &CaptureJob) -> JobBody {
        JobBody {
            capture_id: job.id,
            created_at: timestamp(job.created_at).to_string(),
            finished_at: timestamp(job.finished_at).to_string(),
            running: false,
            success: true,
            capture_error_behaviour: "rollback",
            errors: [],
            event_count: job.event_count,
            stored_count: job.stored_count,
        }
    }
}
