//! `/api/erasures`: what is to be forgotten.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use uuid::Uuid;

use crate::capture::erase;
use crate::domain::scope::Scope;
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::body::json_text;
use crate::web::error::Problem;

#[derive(Serialize)]
struct ErasedBody {
    /// Where the statement of it is stored.
    batch: Uuid,
    position: i32,
    /// How many statements lost something.
    statements: usize,
    /// How many fields, all together.
    fields: usize,
}

/// `POST /api/erasures`: 201 once it is gone.
pub(in crate::web) async fn erase_fields(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Erasure).await?;
    let text = json_text(&request, payload).await?;
    let mut conn = service.database.eraser.acquire().await?;
    let erased = erase(&mut conn, &submitter, &text, (service.clock)()).await?;
    Ok(HttpResponse::Created().json(ErasedBody {
        batch: erased.id.batch_id,
        position: erased.id.position,
        statements: erased.statements,
        fields: erased.fields,
    }))
}
