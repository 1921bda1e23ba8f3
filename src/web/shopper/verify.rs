//! `/verify`: one file that checks a proof without this server, from a disk or from anywhere else.

use std::sync::LazyLock;

use actix_web::http::header::{self, ETag, EntityTag, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use auditlog::Hash;

use super::{knows, shell};
use crate::web::assets::SITE_CSS;
use crate::web::compress::Kept;
use crate::web::scripts::OFFLINE_JS;
use crate::web::text::{Lang, Text};

#[derive(Template)]
#[template(path = "shopper/verify.html", whitespace = "minimize")]
struct VerifyPage {
    text: &'static Text,
    /// What the page may do, in the file as well: a copy of it is as harmless.
    policy: &'static str,
    /// What its script says, as JSON.
    texts: String,
    style: &'static str,
    script: &'static str,
}

/// The page in one language.
struct Made {
    tag: EntityTag,
    kept: Kept,
}

/// Its own script and its own style, named by their hashes, and nothing else of this world: it fetches nothing, and
/// sends nothing to anybody.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| Hash::of(&[text.as_bytes()]).to_base64();
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; \
         form-action 'none'",
        hash(&OFFLINE_JS),
        hash(SITE_CSS),
    )
});

static PAGES: LazyLock<[Made; 2]> = LazyLock::new(|| [Lang::ZhCn, Lang::En].map(made));

fn made(lang: Lang) -> Made {
    let text = Text::of(lang);
    let page = VerifyPage {
        text,
        policy: &POLICY,
        texts: text.section("check"),
        style: SITE_CSS,
        script: &OFFLINE_JS,
    };
    let html = page.render().expect("a page of constants");
    let tag = Hash::of(&[html.as_bytes()]).to_hex();
    Made {
        tag: EntityTag::new_weak(tag[..32].to_owned()),
        kept: Kept::new(html),
    }
}

/// `GET /verify`
pub(in crate::web) async fn page(request: HttpRequest) -> HttpResponse {
    let page = &PAGES[shell(&request).text.lang() as usize];
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header(ETag(page.tag.clone()));
    let mut response = if knows(&request, &page.tag) {
        HttpResponse::NotModified()
            .insert_header(ETag(page.tag.clone()))
            .finish()
    } else {
        page.kept.respond(&request, response)
    };
    let headers = response.headers_mut();
    // What a file cannot say of itself: who may frame it.
    let policy = format!("{}; frame-ancestors 'none'", *POLICY);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    let by = HeaderValue::from_static("Accept-Encoding, Accept-Language");
    headers.insert(header::VARY, by);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole_and_refers_to_nothing() {
        for page in PAGES.iter() {
            let html = page.kept.text();
            let parts = [
                ("<style>", SITE_CSS, "</style>"),
                ("<script type=\"module\">", &OFFLINE_JS, "</script>"),
            ];
            for (begin, part, end) in parts {
                // What the hash is of stands between the two, and ends where it ends.
                assert!(html.contains(&format!("{begin}{part}{end}")), "{begin}");
                assert_eq!(html.matches(end).count(), 1, "{end}");
                assert_eq!(html.matches(begin).count(), 1, "{begin}");
            }
            for outside in [
                "src=",
                "@import",
                "import(",
                "fetch(",
                "http-equiv=\"refresh",
            ] {
                assert!(!html.contains(outside), "{outside}");
            }
        }
    }

    #[test]
    fn the_policy_names_the_script_and_the_style_and_allows_nothing_else() {
        assert!(POLICY.starts_with("default-src 'none'; script-src 'sha256-"));
        for wide in ["unsafe", "'self'", "*", "http"] {
            assert!(!POLICY.contains(wide), "{wide}");
        }
    }
}
