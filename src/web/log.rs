//! `/log/…`: the public log, as static files. Reads never touch the database.

use actix_files::NamedFile;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::tile::TilePath;

use super::Service;
use super::headers::for_anyone;

/// Never stale for longer than a reload.
const MUTABLE: &str = "no-cache";
/// Never changes once it is there.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const TEXT: &str = "text/plain; charset=utf-8";
const LINES: &str = "application/jsonl; charset=utf-8";
const BYTES: &str = "application/octet-stream";
/// Entry bundles: text, most of it alike.
const ENTRIES: &str = "tile/entries/";

/// `GET /log/{file}`
pub(super) async fn file(request: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    // As it was sent, not decoded: one file has one address.
    let name = request.path().strip_prefix("/log/").unwrap_or_default();
    let Some((content_type, caching)) = kind(name) else {
        return not_found();
    };
    let path = service.log.folder.join(name);
    // Opening a local file takes microseconds; its content is read in chunks off this thread.
    let Ok(file) = NamedFile::open(path) else {
        return not_found();
    };
    // The file's name says what it is; its extension would be guessed from.
    let file = file
        .use_etag(caching == MUTABLE)
        .set_content_type(content_type.parse().expect("a media type of our own"))
        .disable_content_disposition();
    let mut response = file.into_response(&request);
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static(caching),
    );
    if name.starts_with(ENTRIES) {
        // Whoever keeps one form must not give it to somebody who asked for the other.
        let by_encoding = header::HeaderValue::from_static("accept-encoding");
        headers.insert(header::VARY, by_encoding);
    }
    for_anyone(response)
}

/// `OPTIONS /log/{file}`: what a browser asks before it lets a page of another host send a header such as
/// `If-None-Match` or `Range` (Fetch Standard, CORS-preflight request).
pub(super) async fn preflight() -> HttpResponse {
    let response = HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "*"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish();
    for_anyone(response)
}

/// What a name is. Whatever is not exactly a file that the log publishes does not exist: no dots, no
/// escapes, no other spelling.
fn kind(name: &str) -> Option<(&'static str, &'static str)> {
    match name {
        "checkpoint" | "vkey" | "story-vkey" => Some((TEXT, MUTABLE)),
        "anchors.jsonl" | "keys.jsonl" => Some((LINES, MUTABLE)),
        _ if TilePath::parse(name).is_some() => Some((BYTES, IMMUTABLE)),
        _ => {
            let seal = name.strip_prefix("anchors/")?.strip_suffix(".jsonl")?;
            auditlog::encoding::parse_decimal(seal).map(|_| (LINES, IMMUTABLE))
        }
    }
}

fn not_found() -> HttpResponse {
    let response = HttpResponse::NotFound()
        .content_type(TEXT)
        // A tile that is not there yet may be there in a second: nobody on the way may remember.
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body("no such file\n");
    for_anyone(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_published_names_are_files() {
        for good in [
            "checkpoint",
            "tile/0/000.p/70",
            "tile/entries/x001/000",
            "anchors/1.jsonl",
        ] {
            assert!(kind(good).is_some(), "{good}");
        }
        for bad in [
            "",
            ".lock",
            "../keys/log.key",
            "tile/0/../000",
            "anchors/../vkey",
            "anchors/01.jsonl",
            "tile/0/000.p/00",
            "tile",
            "anchors/-1.jsonl",
            "Checkpoint",
            "checkpoint/",
            "tile//000",
        ] {
            assert!(kind(bad).is_none(), "{bad}");
        }
    }
}
