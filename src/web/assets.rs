//! The style sheet, pictures and scripts, compiled into the program and compressed once.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::Hash;

use super::compress::Kept;
use super::scripts::{SAVED_JS, VERIFY_JS};
use super::text::{Lang, Text};

struct Asset {
    name: &'static str,
    content_type: &'static str,
    kept: Kept,
}

/// Texts of files below `static/`, one after the other.
macro_rules! text_of {
    ($($name:literal),+) => { concat!($(include_str!(concat!("../../static/", $name))),+) };
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";
const SVG: &str = "image/svg+xml";

/// Style sheets travel as one: a request costs a phone more than their bytes do.
pub(super) const SITE_CSS: &str = text_of!(
    "css/tokens.css",
    "css/base.css",
    "css/components.css",
    "css/print.css"
);

/// What the dashboard has beside it: shoppers never load it.
const DESK_CSS: &str = text_of!("css/desk.css");

/// All that pages refer to.
static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |name, content_type, text: &'static str| Asset {
        name,
        content_type,
        kept: Kept::new(text),
    };
    // What the verifier says, which its script asks for when somebody wants it.
    let words = |name, lang| Asset {
        name,
        content_type: JSON,
        kept: Kept::new(Text::of(lang).section("check")),
    };
    vec![
        asset("site.css", CSS, SITE_CSS),
        asset("desk.css", CSS, DESK_CSS),
        asset("verify.js", JS, &VERIFY_JS),
        asset("saved.js", JS, &SAVED_JS),
        asset("report.js", JS, text_of!("js/report.js")),
        asset("scan.js", JS, text_of!("js/scan.js")),
        asset("trace.js", JS, text_of!("js/trace.js")),
        words("check.zh-CN.json", Lang::ZhCn),
        words("check.en.json", Lang::En),
        asset("favicon.svg", SVG, text_of!("img/favicon.svg")),
        asset("mark.svg", SVG, text_of!("img/mark.svg")),
        asset("rosette.svg", SVG, text_of!("img/rosette.svg")),
    ]
});

/// Changes when any asset does: part of their addresses, so that they may be kept for ever.
pub(super) static ASSET_TAG: LazyLock<String> = LazyLock::new(|| {
    let texts = ASSETS.iter().map(|asset| asset.kept.text().as_bytes());
    Hash::of(&texts.collect::<Vec<_>>()).to_hex()[..12].to_owned()
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
    let mut response = HttpResponse::Ok();
    response
        .content_type(asset.content_type)
        .insert_header((header::CACHE_CONTROL, caching));
    asset.kept.respond(&request, response)
}
