//! The style sheet, pictures and scripts, compiled into the program and compressed once.

use std::borrow::Cow;
use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::Hash;

use super::compress::{Coding, Effort};
use super::scripts::VERIFY_JS;

struct Asset {
    name: &'static str,
    content_type: &'static str,
    text: Cow<'static, str>,
}

/// Texts of files below `static/`, one after the other.
macro_rules! text_of {
    ($($name:literal),+) => {
        Cow::Borrowed(concat!($(include_str!(concat!("../../static/", $name))),+))
    };
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// All that pages refer to. Style sheets travel as one: a request costs a phone more than their bytes do.
static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    vec![
        Asset {
            name: "site.css",
            content_type: CSS,
            text: text_of!(
                "css/tokens.css",
                "css/base.css",
                "css/components.css",
                "css/print.css"
            ),
        },
        Asset {
            name: "verify.js",
            content_type: JS,
            text: Cow::Borrowed(&VERIFY_JS),
        },
        Asset {
            name: "scan.js",
            content_type: JS,
            text: text_of!("js/scan.js"),
        },
        Asset {
            name: "favicon.svg",
            content_type: SVG,
            text: text_of!("img/favicon.svg"),
        },
        Asset {
            name: "mark.svg",
            content_type: SVG,
            text: text_of!("img/mark.svg"),
        },
        Asset {
            name: "rosette.svg",
            content_type: SVG,
            text: text_of!("img/rosette.svg"),
        },
    ]
});

/// Changes when any asset does: part of their addresses, so that they may be kept for ever.
pub(super) static ASSET_TAG: LazyLock<String> = LazyLock::new(|| {
    let parts: Vec<&[u8]> = ASSETS.iter().map(|asset| asset.text.as_bytes()).collect();
    Hash::of(&parts).to_hex()[..12].to_owned()
});

/// The assets in their order, as small as they get.
static COMPRESSED: LazyLock<Vec<Compressed>> =
    LazyLock::new(|| ASSETS.iter().map(Compressed::of).collect());

struct Compressed {
    brotli: Vec<u8>,
    gzip: Vec<u8>,
}

impl Compressed {
    fn of(asset: &Asset) -> Compressed {
        let encode = |coding: Coding| {
            let encoded = coding.encode(asset.text.as_bytes(), Effort::Kept);
            encoded.expect("memory takes whatever is written")
        };
        Compressed {
            brotli: encode(Coding::Brotli),
            gzip: encode(Coding::Gzip),
        }
    }
}

/// `GET /static/{file}`
pub(super) async fn asset(request: HttpRequest, file: web::Path<String>) -> HttpResponse {
    let mut assets = ASSETS.iter().zip(COMPRESSED.iter());
    let found = assets.find(|(asset, _)| asset.name == file.as_str());
    let Some((asset, compressed)) = found else {
        return HttpResponse::NotFound().finish();
    };
    // Without the tag of this very build the content may be another tomorrow.
    let tagged = request.query_string() == format!("v={}", *ASSET_TAG);
    let caching = if tagged {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=300"
    };
    let coding = Coding::of(&request, asset.text.len());
    let body = match coding {
        Coding::Brotli => &compressed.brotli,
        Coding::Gzip => &compressed.gzip,
        Coding::Identity => asset.text.as_bytes(),
    };
    let response = HttpResponse::Ok()
        .content_type(asset.content_type)
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::VARY, "Accept-Encoding"))
        .body(body);
    coding.mark(response)
}
