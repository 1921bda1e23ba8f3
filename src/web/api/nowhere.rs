//! What is below `/api` and is nothing: a problem that says so, or which methods there are instead.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::web::error::Problem;
use crate::web::openapi::methods_of;

/// Answers a path without a route, or one that has other methods.
pub(in crate::web) fn no_such_resource(request: &HttpRequest) -> HttpResponse {
    // As the routes see it, decoded.
    let allow = methods_of(request.match_info().as_str());
    // A path that has this method, and still leads nowhere, is no matter of methods.
    let method = request.method().as_str();
    let allow = allow.filter(|allow| allow.split(", ").all(|allowed| allowed != method));
    let Some(allow) = allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) else {
        let fault = "there is no such resource; /api/openapi.json describes those that there are";
        return Problem::not_found(fault).error_response();
    };
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "epcisException:ImplementationException",
        "this cannot be done with this resource; Allow says what can",
    );
    let mut answer = problem.error_response();
    answer.headers_mut().insert(header::ALLOW, allow);
    answer
}
