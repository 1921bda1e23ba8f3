//! What is below `/api` and is nothing: a problem that says so, or which methods there are instead.

use actix_web::{HttpRequest, HttpResponse, ResponseError};

use crate::web::error::{Problem, other_method};
use crate::web::openapi::methods_of;

/// Answers a path without a route, or one that has other methods.
pub(in crate::web) fn no_such_resource(request: &HttpRequest) -> HttpResponse {
    // As the routes see it, decoded.
    let allow = methods_of(request.match_info().as_str());
    let other = allow.and_then(|allow| other_method(request.method(), &allow));
    other.unwrap_or_else(|| {
        let fault = "there is no such resource; /api/openapi.json describes those that there are";
        Problem::not_found(fault).error_response()
    })
}
