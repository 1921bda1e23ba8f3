//! `/log/…`: the public log, as static files. Reads never touch the database.

use actix_files::NamedFile;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::tile::TilePath;

use super::Service;

/// Never stale for longer than a reload.
const MUTABLE: &str = "no-cache";
/// Never changes once it is there.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const TEXT: &str = "text/plain; charset=utf-8";
const LINES: &str = "application/jsonl; charset=utf-8";
const BYTES: &str = "application/octet-stream";

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
    // Auditors' pages on any host may read the log.
    let anyone = header::HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, anyone);
    response
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
    HttpResponse::NotFound()
        .content_type(TEXT)
        .body("no such file\n")
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
