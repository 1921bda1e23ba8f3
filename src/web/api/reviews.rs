//! `/api/reviews`: what a merchant found of a code that it looked into.

use actix_web::{HttpRequest, HttpResponse, web};

use super::master::recorded;
use super::on_record::recorded_of;
use crate::domain::statement::{Kind, Role};
use crate::web::Service;
use crate::web::error::Problem;

/// `POST /api/reviews`
pub(in crate::web) async fn record_review(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let recorded = recorded(Kind::Review, &request, payload, &service).await?;
    Ok(recorded_of(&service, recorded, Role::Reviewed).await)
}
