//! Reading what a client sends, within limits.

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, web};
use futures_util::StreamExt;

use super::error::Problem;
use crate::domain::picture::{MAX_PICTURE_BYTES, MediaType};

/// Bytes of one body; `GS1-EPCIS-Capture-File-Size-Limit`.
pub(super) const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// How much is taken, and what helps where there is more.
#[derive(Debug, Clone, Copy)]
struct Room {
    bytes: usize,
    advice: &'static str,
}

const BODY: Room = Room {
    bytes: MAX_BODY_BYTES,
    advice: "send it in parts",
};
const PICTURE: Room = Room {
    bytes: MAX_PICTURE_BYTES,
    advice: "480 pixels on the longer side are enough for a phone, and a JPEG is mostly smaller",
};

const SMALL: Room = Room {
    bytes: 1024,
    advice: "it holds a few words",
};

/// How long a body may take to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(30);

/// The JSON text of a request.
pub(super) async fn json_text(
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<String, Problem> {
    read_json(request, payload, BODY).await
}

/// The same of a request that says a few words.
pub(super) async fn small_json_text(
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<String, Problem> {
    read_json(request, payload, SMALL).await
}

async fn read_json(
    request: &HttpRequest,
    payload: web::Payload,
    room: Room,
) -> Result<String, Problem> {
    match content_type(request)?.as_str() {
        "application/json" | "application/ld+json" => {}
        _ => {
            return Err(unsupported(
                "the body must be application/json or application/ld+json",
            ));
        }
    }
    let bytes = in_time(request, payload, room).await?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Problem::validation(format!("the body is not UTF-8: byte {at}"))
    })
}

/// The picture of a request, and what it says it is.
pub(super) async fn picture(
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<(MediaType, Vec<u8>), Problem> {
    let Some(media_type) = MediaType::parse(&content_type(request)?) else {
        return Err(unsupported(
            "the body must be image/jpeg, image/png or image/webp",
        ));
    };
    let bytes = in_time(request, payload, PICTURE).await?;
    Ok((media_type, bytes))
}

async fn in_time(
    request: &HttpRequest,
    payload: web::Payload,
    room: Room,
) -> Result<Vec<u8>, Problem> {
    let read = tokio::time::timeout(BODY_LIMIT, read(request, payload, room)).await;
    read.map_err(|_| {
        let detail = "the body took longer than 30 seconds to arrive";
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "epcisException:ImplementationException",
            detail,
        )
    })?
}

async fn read(
    request: &HttpRequest,
    mut payload: web::Payload,
    room: Room,
) -> Result<Vec<u8>, Problem> {
    let declared = request.headers().get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > room.bytes) {
        return Err(too_large(room));
    }
    let mut bytes = Vec::with_capacity(declared.unwrap_or(0));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::validation("the body broke off before its end"))?;
        if bytes.len() + chunk.len() > room.bytes {
            return Err(too_large(room));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The media type, in lower case and without parameters. Nothing compressed is taken.
fn content_type(request: &HttpRequest) -> Result<String, Problem> {
    let encoding = request.headers().get(header::CONTENT_ENCODING);
    // A compressed body can be a thousand times as large as it looks.
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(unsupported("compressed bodies are not taken"));
    }
    let media = request.headers().get(header::CONTENT_TYPE);
    let media = media.and_then(|value| value.to_str().ok()).unwrap_or("");
    let media = media.split(';').next().unwrap_or("");
    Ok(media.trim().to_ascii_lowercase())
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "epcisException:UnsupportedMediaTypeException",
        detail,
    )
}

fn too_large(room: Room) -> Problem {
    let Room { bytes, advice } = room;
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "epcisException:CaptureLimitExceededException",
        format!("the body is larger than {bytes} bytes; {advice}"),
    )
}
