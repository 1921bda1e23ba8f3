//! In which form events are given back: the headers of EPCIS that ask for it, and those that say it.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use crate::domain::epcis::{
    DeclaredHash, EpcFormat, VERSION, VERSION_HEADERS, compare_hash, event_hash,
};
use crate::query::FoundEvent;
use crate::web::error::Problem;

const EPC_FORMAT: HeaderName = HeaderName::from_static(EpcFormat::HEADER);
const EVENT_HASH: HeaderName = HeaderName::from_static("rootmark-event-hash");
const DECLARED_HASH: HeaderName = HeaderName::from_static("rootmark-declared-hash");

/// A refusal of what cannot be given in the form that is asked for.
pub(super) fn not_acceptable(detail: impl Into<String>) -> Problem {
    let kind = "epcisException:NotAcceptableException";
    Problem::new(StatusCode::NOT_ACCEPTABLE, kind, detail)
}

/// The format that a request asks for.
pub(super) fn wanted_format(request: &HttpRequest) -> Result<EpcFormat, Problem> {
    let Some(wanted) = request.headers().get(EPC_FORMAT) else {
        return Ok(EpcFormat::default());
    };
    let wanted = wanted.to_str().unwrap_or("");
    EpcFormat::parse(wanted).map_err(|fault| not_acceptable(fault.to_string()))
}

/// Says which format an answer has.
pub(super) fn say_form(response: &mut HttpResponse, format: EpcFormat) {
    let format = HeaderValue::from_static(format.name());
    response.headers_mut().insert(EPC_FORMAT, format);
}

/// Says which versions of EPCIS and of the CBV an answer has: every one below `/epcis`.
pub(super) fn say_versions(headers: &mut HeaderMap) {
    for name in VERSION_HEADERS {
        let version = HeaderValue::from_static(VERSION);
        headers.insert(HeaderName::from_static(name), version);
    }
}

/// Says which versions could be asked for.
pub(super) fn say_range(headers: &mut HeaderMap) {
    for name in [
        "gs1-epcis-min",
        "gs1-epcis-max",
        "gs1-cbv-min",
        "gs1-cbv-max",
    ] {
        let version = HeaderValue::from_static(VERSION);
        headers.insert(HeaderName::from_static(name), version);
    }
}

/// Says the CBV's event hash of an event, and, where its eventID declares one, whether it is the same. A
/// difference is reported and never a reason to refuse: implementations disagree. Of an event of which fields were erased
/// there is none: what is left has another hash, which would look like tampering.
pub(super) fn say_hash(headers: &mut HeaderMap, event: &FoundEvent) {
    if event.is_erased == Some(true) {
        return;
    }
    let Ok(content) = auditlog::json::parse(&event.content) else {
        return;
    };
    let Some(body) = content.get("body") else {
        return;
    };
    let Some(hash) = event_hash(body) else { return };
    let event_id = body.get("eventID").and_then(|id| id.as_str()).unwrap_or("");
    let declared = match compare_hash(event_id, &hash) {
        DeclaredHash::Equal => Some("equal"),
        DeclaredHash::Differs => Some("differs"),
        DeclaredHash::NotAHash => None,
    };
    if let Ok(hash) = HeaderValue::from_str(&hash) {
        headers.insert(EVENT_HASH, hash);
    }
    if let Some(declared) = declared {
        headers.insert(DECLARED_HASH, HeaderValue::from_static(declared));
    }
}
