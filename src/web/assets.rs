//! Style sheets and pictures, compiled into the program.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::Hash;

struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! asset {
    ($name:literal, $content_type:expr) => {
        Asset {
            name: $name,
            content_type: $content_type,
            bytes: include_bytes!(concat!("../../static/", $name)),
        }
    };
}

const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";

static ASSETS: [Asset; 7] = [
    asset!("css/tokens.css", CSS),
    asset!("css/base.css", CSS),
    asset!("css/components.css", CSS),
    asset!("css/print.css", CSS),
    asset!("img/favicon.svg", SVG),
    asset!("img/mark.svg", SVG),
    asset!("img/rosette.svg", SVG),
];

/// Changes when any asset does: part of their addresses, so that they may be kept for ever.
pub(super) static ASSET_TAG: LazyLock<String> = LazyLock::new(|| {
    let parts: Vec<&[u8]> = ASSETS.iter().map(|asset| asset.bytes).collect();
    Hash::of(&parts).to_hex()[..12].to_owned()
});

/// `GET /static/{file}`
pub(super) async fn asset(request: HttpRequest, file: web::Path<String>) -> HttpResponse {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == file.as_str()) else {
        return HttpResponse::NotFound().finish();
    };
    // Without the tag of this very build the content may be another tomorrow.
    let tagged = request.query_string() == format!("v={}", *ASSET_TAG);
    let caching = if tagged {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=300"
    };
    HttpResponse::Ok()
        .content_type(asset.content_type)
        .insert_header((header::CACHE_CONTROL, caching))
        .body(asset.bytes)
}
