//! What every request bears and leaves behind: an id, a line in the log, a place in the metrics.
//!
//! A log line holds the route and never the address, which holds serial numbers, nor anything else that
//! a client sent but the id, and that only if it is short and plain.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web;
use tracing::Instrument;
use uuid::Uuid;

use super::Service;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id of somebody else's that is taken over.
const MAX_ID_BYTES: usize = 64;

/// Gives the request its id, and all that is logged meanwhile with it; counts it when it is answered.
pub(super) async fn observe<B: MessageBody>(
    service: web::Data<Service>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let started = Instant::now();
    let id = request_id(request.headers());
    let span = tracing::info_span!("request", request_id = id.to_str().unwrap_or_default());
    let method = known_method(request.method());
    let mut response = next.call(request).instrument(span.clone()).await?;
    response.headers_mut().insert(REQUEST_ID, id);
    let taken = started.elapsed();
    let pattern = response.request().match_pattern();
    let route = pattern.as_deref().unwrap_or("none");
    let status = response.status();
    let duration = &service.database.metrics.http_request_duration;
    duration
        .with_label_values(&[route, method, status.as_str()])
        .observe(taken.as_secs_f64());
    span.in_scope(|| {
        tracing::debug!(
            method,
            route,
            status = status.as_u16(),
            duration_us = taken.as_micros() as u64,
            "request"
        );
    });
    Ok(response)
}

/// The id that came with the request, for whoever follows it through several services; else a new one,
/// which sorts by time.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let is_fit = |id: &&HeaderValue| {
        let bytes = id.as_bytes();
        (1..=MAX_ID_BYTES).contains(&bytes.len()) && bytes.iter().all(plain)
    };
    let sent = headers.get(REQUEST_ID).filter(is_fit).cloned();
    sent.unwrap_or_else(|| {
        let id = Uuid::now_v7().to_string();
        HeaderValue::try_from(id).expect("a UUID is plain text")
    })
}

/// Methods are a client's to invent, and each would live in the metrics for good.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(sent: Option<&[u8]>) -> String {
        let mut headers = HeaderMap::new();
        if let Some(sent) = sent {
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(sent).unwrap());
        }
        request_id(&headers).to_str().unwrap().to_owned()
    }

    #[test]
    fn an_id_is_taken_over_only_if_it_is_short_and_plain() {
        let longest = "a".repeat(MAX_ID_BYTES);
        for plain in ["7", "req-01_B.2", longest.as_str()] {
            assert_eq!(id_for(Some(plain.as_bytes())), plain);
        }
        let too_long = "a".repeat(MAX_ID_BYTES + 1);
        for other in ["", "a b", "a\"b", "{}", "a/b", "号", too_long.as_str()] {
            let id = id_for(Some(other.as_bytes()));
            assert_eq!(
                Uuid::parse_str(&id).unwrap().get_version_num(),
                7,
                "{other}"
            );
        }
        assert_ne!(id_for(None), id_for(None));
    }

    #[test]
    fn an_invented_method_gets_no_label_of_its_own() {
        assert_eq!(known_method(&Method::GET), "GET");
        assert_eq!(known_method(&Method::from_bytes(b"BREW").unwrap()), "other");
    }
}
