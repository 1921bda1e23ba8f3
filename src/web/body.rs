//! Reading what a client sends, within limits.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, web};
use futures_util::StreamExt;

use super::error::Problem;

/// Bytes of one body; `GS1-EPCIS-Capture-File-Size-Limit`.
pub(super) const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// How long a body may take to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(30);

/// The JSON text of a request.
pub(super) async fn json_text(
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<String, Problem> {
    check_type(request)?;
    let bytes = tokio::time::timeout(BODY_LIMIT, read(request, payload))
        .await
        .map_err(|_| {
            let detail = "the body took longer than 30 seconds to arrive";
            Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "epcisException:ImplementationException",
                detail,
            )
        })??;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Problem::validation(format!("the body is not UTF-8: byte {at}"))
    })
}

async fn read(request: &HttpRequest, mut payload: web::Payload) -> Result<Vec<u8>, Problem> {
    let declared = request.headers().get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > MAX_BODY_BYTES) {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(declared.unwrap_or(0));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::validation("the body broke off before its end"))?;
        if bytes.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn check_type(request: &HttpRequest) -> Result<(), Problem> {
    let unsupported = |detail: &str| {
        let kind = "epcisException:UnsupportedMediaTypeException";
        Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            kind,
            detail,
        ))
    };
    let encoding = request.headers().get(header::CONTENT_ENCODING);
    // A compressed body can be a thousand times as large as it looks.
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return unsupported("compressed bodies are not taken");
    }
    let media = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media = media
        .unwrap_or("")
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    match media.as_str() {
        "application/json" | "application/ld+json" => Ok(()),
        _ => unsupported("the body must be application/json or application/ld+json"),
    }
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "epcisException:CaptureLimitExceededException",
        format!("the body is larger than {MAX_BODY_BYTES} bytes; send it in parts"),
    )
}
