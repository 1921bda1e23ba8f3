//! What every address of `/epcis` has in common, in one place around all handlers: a request is refused
//! for what it demands before a handler sees it, and every answer says its versions, is called what
//! the client asked for, and is, if it is a refusal, a problem of the standard's kind.

use actix_web::HttpResponse;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};

use super::demands::{self, Media};
use super::form::{say_range, say_versions};
use super::resources::methods;
use crate::web::error::{Problem, other_method};

const PROBLEM: &str = "application/problem+json";

/// Around everything; what is not below `/epcis` passes through.
pub(in crate::web) async fn keep_to_the_standard<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    // As the routes see it, decoded.
    let path = request.match_info().as_str().to_owned();
    if path != "/epcis" && !path.starts_with("/epcis/") {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let mut response = match demands::check(request.request()) {
        Err(problem) => {
            let answer = problem.error_response();
            request.into_response(answer).map_into_right_body()
        }
        Ok(media) => {
            let answered = next.call(request).await?;
            match missing_problem(&answered, &path) {
                Some(answer) => answered.into_response(answer).map_into_right_body(),
                None => called(answered, media).map_into_left_body(),
            }
        }
    };
    let status = response.status();
    let headers = response.headers_mut();
    say_versions(headers);
    if status == StatusCode::NOT_ACCEPTABLE {
        say_range(headers);
    }
    headers.append(header::VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

/// An answer in JSON under the name that was asked for.
fn called<B>(mut response: ServiceResponse<B>, media: Media) -> ServiceResponse<B> {
    let headers = response.headers_mut();
    if media == Media::JsonLd && is_type(headers, "application/json") {
        let name = HeaderValue::from_static("application/ld+json");
        headers.insert(header::CONTENT_TYPE, name);
    }
    response
}

fn is_type(headers: &HeaderMap, media_type: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    value.is_some_and(|value| value.as_bytes() == media_type.as_bytes())
}

/// The problem that a refusal should have been, where it is none: nobody's page, a method without a
/// handler, a path that cannot be read.
fn missing_problem<B>(answered: &ServiceResponse<B>, path: &str) -> Option<HttpResponse> {
    let status = answered.status();
    let is_refusal = status.is_client_error() || status.is_server_error();
    if !is_refusal || is_type(answered.headers(), PROBLEM) {
        return None;
    }
    // No route has the path with this method.
    let allow = methods(path).filter(|_| status == StatusCode::NOT_FOUND);
    let other = allow.and_then(|allow| other_method(answered.request().method(), allow));
    Some(other.unwrap_or_else(|| problem(status).error_response()))
}

/// The standard's kind of each status.
fn problem(status: StatusCode) -> Problem {
    let (kind, detail) = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            ("epcisException:SecurityException", "this is not allowed")
        }
        StatusCode::NOT_FOUND => (
            "epcisException:NoSuchNameException",
            "there is no such resource",
        ),
        StatusCode::METHOD_NOT_ALLOWED => return Problem::other_method(),
        _ if status.is_client_error() => (
            "epcisException:ValidationException",
            "the request cannot be read",
        ),
        _ => (
            "epcisException:ImplementationException",
            "the service failed",
        ),
    };
    Problem::new(status, kind, detail)
}
