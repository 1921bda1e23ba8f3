//! From what went wrong to what is said of it. Users see what to do next; the log sees the cause,
//! once, here.

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use crate::capture::{CaptureError, EventFault};
use crate::codes::CodeError;
use crate::store;
use crate::trace::TraceError;
use crate::web::forward::StartError;

/// A refusal to a machine: problem+json (RFC 9457), with EPCIS 2.0's exception types.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    errors: Vec<FieldError>,
}

/// One fault in what was sent.
#[derive(Debug, Serialize)]
struct FieldError {
    /// Position of the event in the document, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<usize>,
    /// JSON Pointer within the event or body.
    pointer: String,
    detail: String,
}

impl Problem {
    pub fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Problem {
        Problem {
            status,
            kind,
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    pub fn validation(detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "epcisException:ValidationException",
            detail,
        )
    }

    /// A query that cannot be asked.
    pub fn query(detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "epcisException:QueryParameterException",
            detail,
        )
    }

    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::FORBIDDEN,
            "epcisException:SecurityException",
            detail,
        )
    }

    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            "epcisException:NoSuchNameException",
            detail,
        )
    }

    /// EPCIS has no kind for methods: that of what is not implemented is the nearest.
    pub fn other_method() -> Problem {
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "epcisException:ImplementationException",
            "this cannot be done with this resource; Allow says what can",
        )
    }

    /// What cannot stand beside what is there already.
    pub fn conflict(detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::CONFLICT,
            "epcisException:ResourceAlreadyExistsException",
            detail,
        )
    }

    /// More than the limit of a key or an address; when to ask again is for whoever counts to say.
    pub fn too_many_requests() -> Problem {
        let detail = "More requests in a minute than this service takes from one key or address. \
                      Nothing of this one was stored: send it again after the seconds that \
                      Retry-After says. A document may hold many events.";
        let kind = "epcisException:CaptureLimitExceededException";
        Problem::new(StatusCode::TOO_MANY_REQUESTS, kind, detail)
    }

    fn with(mut self, errors: Vec<FieldError>) -> Problem {
        self.errors = errors;
        self
    }

    /// The database is away, or something is broken: only the first may be waited out.
    pub fn from_store(error: &sqlx::Error) -> Problem {
        if store::is_unavailable(error) {
            tracing::warn!(%error, "the database is not available");
            let detail = "The service cannot store or read anything at this moment. Whether this \
                          request was stored is not known. Events and descriptions may safely be \
                          sent again: what is known is not stored twice.";
            let kind = "epcisException:ImplementationException";
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, kind, detail);
        }
        Problem::internal(error)
    }

    pub fn internal(error: &dyn std::fmt::Display) -> Problem {
        tracing::error!(%error, "a request failed");
        let detail = "The service failed. The fault is ours and was logged.";
        let kind = "epcisException:ImplementationException";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, kind, detail)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

/// Answers a method that a resource does not have with those that it has, as `Allow` lists them; `None` where it has this
/// one: a path that has it, and still leads nowhere, is no matter of methods.
pub(super) fn other_method(method: &Method, allow: &str) -> Option<HttpResponse> {
    let is_other = allow.split(", ").all(|allowed| allowed != method.as_str());
    let allow = HeaderValue::from_str(allow).ok().filter(|_| is_other)?;
    let mut answer = Problem::other_method().error_response();
    answer.headers_mut().insert(header::ALLOW, allow);
    Some(answer)
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let body = Body {
            r#type: self.kind,
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            errors: &self.errors,
        };
        let mut response = HttpResponse::build(self.status);
        match self.status {
            StatusCode::UNAUTHORIZED => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                response.insert_header((header::RETRY_AFTER, "5"));
            }
            _ => {}
        }
        let text = serde_json::to_string(&body).unwrap_or_default();
        response.content_type("application/problem+json").body(text)
    }
}

impl From<CaptureError> for Problem {
    fn from(error: CaptureError) -> Problem {
        let detail = error.to_string();
        match error {
            CaptureError::Json(_) => Problem::validation(detail),
            CaptureError::Document(fault) => document_problem(fault, detail),
            CaptureError::Events(faults) => {
                Problem::validation(detail).with(faults.into_iter().map(Into::into).collect())
            }
            CaptureError::Body(fault) => {
                let error = FieldError {
                    event: None,
                    pointer: fault.pointer,
                    detail: fault.kind.to_string(),
                };
                Problem::validation(detail).with(vec![error])
            }
            CaptureError::Conflict { event, event_id } => {
                let error = FieldError {
                    event: Some(event),
                    pointer: "/eventID".into(),
                    detail: format!("{event_id} is known with another body; nothing was stored"),
                };
                Problem::conflict(detail).with(vec![error])
            }
            CaptureError::ForeignGtin(_) | CaptureError::UndescribedGtin(_) => {
                Problem::forbidden(detail)
            }
            CaptureError::Random(error) => Problem::internal(&error),
            CaptureError::Store(error) => Problem::from_store(&error),
        }
    }
}

fn document_problem(fault: crate::domain::epcis::DocumentFault, detail: String) -> Problem {
    use crate::domain::epcis::DocumentFault;
    match fault {
        DocumentFault::Envelope(fault) => {
            let error = FieldError {
                event: None,
                pointer: fault.pointer,
                detail: fault.kind.to_string(),
            };
            Problem::validation(detail).with(vec![error])
        }
        DocumentFault::TooManyEvents { pointer, .. } => {
            let error = FieldError {
                event: None,
                pointer,
                detail: detail.clone(),
            };
            over_capture_limit(detail).with(vec![error])
        }
        DocumentFault::ContextTooLarge { .. } => {
            let error = FieldError {
                event: None,
                pointer: "/@context".into(),
                detail: detail.clone(),
            };
            over_capture_limit(detail).with(vec![error])
        }
        DocumentFault::TooLargeStored => over_capture_limit(detail),
    }
}

fn over_capture_limit(detail: String) -> Problem {
    let kind = "epcisException:CaptureLimitExceededException";
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, kind, detail)
}

impl From<EventFault> for FieldError {
    fn from(fault: EventFault) -> FieldError {
        FieldError {
            event: Some(fault.event),
            pointer: fault.fault.pointer,
            detail: fault.fault.kind.to_string(),
        }
    }
}

impl From<CodeError> for Problem {
    fn from(error: CodeError) -> Problem {
        let detail = error.to_string();
        match error {
            CodeError::Quantity => Problem::validation(detail),
            CodeError::Exhausted { .. } => Problem::conflict(detail),
            CodeError::ForeignGtin(_) | CodeError::UndescribedGtin(_) => Problem::forbidden(detail),
            CodeError::Random(error) => Problem::internal(&error),
            CodeError::Statement(error) => Problem::internal(&error),
            CodeError::Store(error) => Problem::from_store(&error),
        }
    }
}

impl From<TraceError> for Problem {
    fn from(error: TraceError) -> Problem {
        match error {
            TraceError::Store(error) => Problem::from_store(&error),
            TraceError::Unreadable(_) => Problem::internal(&error),
        }
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Problem {
        let detail = error.to_string();
        match error {
            StartError::TooMuch(..) | StartError::TooMany(..) => {
                let kind = "epcisException:QueryTooLargeException";
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, kind, detail)
            }
            StartError::Query(error) => error.into(),
            StartError::Trace(error) => error.into(),
            StartError::Code(error) => error.into(),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Problem {
        Problem::from_store(&error)
    }
}
