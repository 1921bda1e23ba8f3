//! `/epcis/…`: EPCIS 2.0 over HTTP.

mod capture;
mod demands;
mod edge;
mod events;
mod form;
mod list;
mod page_token;
mod queries;
mod resources;
mod subscriptions;

use actix_web::HttpResponse;
use actix_web::http::header;

use super::error::Problem;

pub(super) use capture::{capture, capture_job, capture_jobs, capture_proof};
pub(super) use edge::keep_to_the_standard;
pub(super) use events::{event, events, post_event};
pub(super) use queries::{
    delete_query, post_query, queries, queries_methods, query, query_events, query_methods,
};
pub(super) use resources::{discover, forget_token, member, members, root};
pub(super) use subscriptions::{
    end_subscription, one_subscription, post_subscription, subscription_methods, subscriptions,
    subscriptions_methods,
};

/// 405 with what is allowed.
fn not_allowed(allow: &'static str) -> HttpResponse {
    HttpResponse::MethodNotAllowed()
        .insert_header((header::ALLOW, allow))
        .finish()
}

/// Another method on `/epcis/capture`.
pub(super) async fn capture_methods() -> Result<HttpResponse, Problem> {
    Ok(not_allowed("GET, HEAD, POST"))
}

/// Another method on `/epcis/events`.
pub(super) async fn events_methods() -> Result<HttpResponse, Problem> {
    Ok(not_allowed("GET, HEAD, POST"))
}
