//! A product's picture, by its digest: what is at an address never changes.

use actix_web::http::header::{self, ETag, EntityTag};
use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::Hash;
use auditlog::encoding::from_hex;

use super::{knows, no_such_page, refuse};
use crate::domain::gs1::Gtin;
use crate::domain::picture::{MediaType, Picture};
use crate::store::begin_for;
use crate::store::gtin_owner::gtin_owner;
use crate::store::picture::picture_of;
use crate::web::Service;

/// How long one is kept. What was erased is seen no longer than that: a week by whoever had it, an hour by others.
const CACHING: &str = "public, max-age=604800, s-maxage=3600, immutable";

/// Where the picture of a product is.
pub(super) fn path(gtin: Gtin, picture: &Picture) -> String {
    format!("/picture/{gtin}/{}", picture.sha256.to_hex())
}

/// `GET /picture/{gtin}/{sha256}`: a picture that a description of the product names, or named.
pub(in crate::web) async fn picture(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    service: web::Data<Service>,
) -> HttpResponse {
    let (gtin, sha256) = path.into_inner();
    let (Ok(gtin), Some(sha256)) = (Gtin::parse(&gtin), from_hex::<32>(&sha256).map(Hash)) else {
        return no_such_page(request).await;
    };
    match found(&service, gtin, &sha256).await {
        Ok(Some((media_type, bytes))) => answer(&request, &sha256, media_type, bytes),
        Ok(None) => no_such_page(request).await,
        Err(error) => refuse(&request, error.into()),
    }
}

async fn found(
    service: &Service,
    gtin: Gtin,
    sha256: &Hash,
) -> sqlx::Result<Option<(MediaType, Vec<u8>)>> {
    let mut conn = service.database.reader.acquire().await?;
    let Some(merchant_id) = gtin_owner(&mut conn, gtin).await? else {
        return Ok(None);
    };
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    let found = picture_of(&mut tx, merchant_id, gtin, sha256).await?;
    tx.rollback().await?;
    Ok(found)
}

fn answer(
    request: &HttpRequest,
    sha256: &Hash,
    media_type: MediaType,
    bytes: Vec<u8>,
) -> HttpResponse {
    let tag = EntityTag::new_strong(sha256.to_hex());
    let is_known = knows(request, &tag);
    let mut answer = HttpResponse::Ok();
    answer
        .content_type(media_type.as_str())
        .insert_header((header::CACHE_CONTROL, CACHING))
        .insert_header(ETag(tag));
    match is_known {
        true => answer
            .status(actix_web::http::StatusCode::NOT_MODIFIED)
            .finish(),
        false => answer.body(bytes),
    }
}
