//! `/api/signed-statements`: what parties say under their own signature.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::master::recorded_as;
use crate::capture::{CapturedSigned, capture_signed, read_signed_file};
use crate::domain::scope::Scope;
use crate::domain::statement::Kind;
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::body::json_text;
use crate::web::epcis::job_path;
use crate::web::error::Problem;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CapturedBody {
    #[serde(rename = "captureID")]
    capture_id: String,
    /// Events in the file.
    event_count: i32,
    /// Those that were not known before.
    stored_count: i32,
}

/// `POST /api/signed-statements`: 202 for events, all or none; for another statement as where it goes unsigned.
pub(in crate::web) async fn record_signed(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let mut by = submitter(&request, &service, Scope::Capture).await?;
    let text = json_text(&request, payload).await?;
    let statements = read_signed_file(&text)?;
    // A file has events alone, or one statement of another kind.
    let kind = statements.first().map_or(Kind::Event, |one| one.kind);
    let scope = match kind {
        Kind::Event => Scope::Capture,
        Kind::Recall => Scope::Recalls,
        _ => Scope::MasterData,
    };
    if scope != Scope::Capture {
        by = submitter(&request, &service, scope).await?;
    }
    let mut conn = service.database.capture.acquire().await?;
    match capture_signed(&mut conn, &by, statements, (service.clock)()).await? {
        CapturedSigned::Other(other) => Ok(recorded_as(&other)),
        CapturedSigned::Events(captured) => {
            let job = captured.job;
            let mut response = HttpResponse::build(StatusCode::ACCEPTED);
            response.insert_header((header::LOCATION, job_path(&job.id)));
            Ok(response.json(CapturedBody {
                capture_id: job.id.to_string(),
                event_count: job.event_count,
                stored_count: job.stored_count,
            }))
        }
    }
}
