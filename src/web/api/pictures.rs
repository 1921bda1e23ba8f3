//! `/api/pictures`: what products look like. What is answered is the very member by which a product's description names
//! the picture.

use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::Hash;
use auditlog::encoding::from_hex;
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::capture::{PictureError, keep_picture, take_picture_back, waiting_pictures};
use crate::domain::picture::Picture;
use crate::domain::scope::Scope;
use crate::domain::time::to_millisecond;
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::body;
use crate::web::error::Problem;

/// Pictures that are unpacked at a time.
static UNPACKING: Semaphore = Semaphore::const_new(2);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PictureBody {
    sha256: String,
    media_type: &'static str,
    width: u32,
    height: u32,
}

impl From<&Picture> for PictureBody {
    fn from(picture: &Picture) -> PictureBody {
        PictureBody {
            sha256: picture.sha256.to_hex(),
            media_type: picture.media_type.as_str(),
            width: picture.width,
            height: picture.height,
        }
    }
}

/// `POST /api/pictures`: 201 for a new picture, 200 for one that was sent before.
pub(in crate::web) async fn send_picture(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::MasterData).await?;
    let (said, bytes) = body::picture(&request, payload).await?;
    // To unpack it takes a while, and up to 20 MB.
    let turn = UNPACKING.acquire().await;
    let read = web::block(move || Picture::of(&bytes).map(|picture| (picture, bytes))).await;
    drop(turn);
    let (picture, bytes) = read
        .map_err(|error| Problem::internal(&error))?
        .map_err(|fault| Problem::validation(fault.to_string()))?;
    if picture.media_type != said {
        let is = picture.media_type.as_str();
        let said = said.as_str();
        return Err(Problem::validation(format!(
            "the picture is {is}, and Content-Type says {said}"
        )));
    }
    let now = to_millisecond((service.clock)());
    let mut conn = service.database.capture.acquire().await?;
    let is_new = keep_picture(&mut conn, submitter.merchant_id, &picture, &bytes, now).await?;
    let mut answer = match is_new {
        true => HttpResponse::Created(),
        false => HttpResponse::Ok(),
    };
    Ok(answer.json(PictureBody::from(&picture)))
}

/// `GET /api/pictures`: those that no product names yet, all of them, the first ones sent first.
pub(in crate::web) async fn sent_pictures(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::MasterData).await?;
    let mut conn = service.database.capture.acquire().await?;
    let waiting = waiting_pictures(&mut conn, submitter.merchant_id).await?;
    let bodies = waiting.iter().map(PictureBody::from);
    Ok(HttpResponse::Ok().json(bodies.collect::<Vec<_>>()))
}

/// `DELETE /api/pictures/{sha256}`: takes one back that no product names.
pub(in crate::web) async fn take_back(
    request: HttpRequest,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::MasterData).await?;
    let sha256 = from_hex::<32>(&path).map(Hash).ok_or_else(|| {
        Problem::validation("a picture is named by its SHA-256, 64 hex digits in lower case")
    })?;
    let mut conn = service.database.capture.acquire().await?;
    take_picture_back(&mut conn, submitter.merchant_id, &sha256).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<PictureError> for Problem {
    fn from(error: PictureError) -> Problem {
        let detail = error.to_string();
        match error {
            PictureError::TooMany | PictureError::Named => Problem::conflict(detail),
            PictureError::Unknown => Problem::not_found(detail),
            PictureError::Store(error) => Problem::from_store(&error),
        }
    }
}
