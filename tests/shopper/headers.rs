//! What browsers are told about every answer, and that pages hold to it.

use auditlog::Hash;
use reqwest::Response;
use rootmark::domain::official::CHECKS;

use crate::kit::{BehindProxy, LANGUAGES, Page, issue, load_example, lot_path, path_of};
use crate::support::{GTIN, TestApp, document};

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// Of the pages on which a code is scanned, and of those that a phone keeps.
const SCRIPT_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Of the page of a code, which verifies its own proof.
const VERIFYING_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn assert_secure(answer: &Response, what: &str) {
    let may_scan = what == "/" || what == "/find?code=x";
    let is_story = what.starts_with("/01/") && !what.contains('?') && answer.status() == 200;
    let policy = match (
        may_scan || ["/saved", "/report/01/09521041001012?lang=en"].contains(&what),
        is_story,
    ) {
        (true, _) => SCRIPT_POLICY,
        (_, true) => VERIFYING_POLICY,
        _ => POLICY,
    };
    let camera = if may_scan { "(self)" } else { "()" };
    let permissions = format!("camera={camera}, geolocation=(), microphone=(), payment=()");
    for (header, value) in [
        ("Content-Security-Policy", policy),
        ("Permissions-Policy", &permissions),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ] {
        let values: Vec<_> = answer.headers().get_all(header).iter().collect();
        assert_eq!(values, [value], "{header} of {what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_bears_the_security_headers_once() {
    let app = TestApp::start().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    app.sealed().await;
    let home = Page::get(&app, "/", "en").await;
    for (path, status) in [
        ("/", 200),
        ("/find?code=x", 400),
        (&format!("/find?code={GTIN}"), 303),
        (code.as_str(), 200),
        (&format!("/proof{code}"), 200),
        (&format!("/qr{code}.svg"), 200),
        (&format!("/qr{code}.png"), 200),
        (&lot_path("L9"), 404),
        ("/01/1", 400),
        (&format!("{code}?linkType=linkset"), 200),
        (&format!("{code}?linkType=gs1:traceability"), 307),
        (&format!("{code}?linkType=gs1:faqs"), 404),
        ("/414/9521041000008", 404),
        ("/417/1", 400),
        ("/.well-known/gs1resolver", 200),
        ("/nope", 404),
        (&home.attribute("link[rel=stylesheet]", "href"), 200),
        ("/static/nope.css", 404),
        ("/saved", 200),
        ("/report/01/09521041001012?lang=en", 200),
        ("/report/01/09506000134352", 404),
        ("/reported/01/09521041001012", 303),
        ("/log/checkpoint", 200),
        ("/log/nope", 404),
        ("/livez", 200),
        ("/readyz", 200),
        ("/epcis/capture", 401),
        ("/api/products", 405),
        ("/api/nope", 404),
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_secure(&answer, path);
        assert!(
            answer.headers().get("Strict-Transport-Security").is_none(),
            "plain HTTP: {path}"
        );
        assert!(answer.headers().get("Server").is_none(), "{path}");
    }
    let refused = app
        .post_as("no key", "/epcis/capture", document::document(&[]))
        .await;
    assert_eq!(refused.status(), 401);
    assert_secure(&refused, "a refused capture");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_that_verifies_allows_its_own_script_by_its_hash_and_reaches_nothing() {
    let app = TestApp::start().await;
    for language in LANGUAGES {
        let page = Page::get(&app, "/verify", language).await;
        assert_eq!(page.status, 200);
        let whole = |element: scraper::ElementRef<'_>| element.text().collect::<String>();
        let scripts = page.select("script", whole);
        let styles = page.select("style", whole);
        assert_eq!((scripts.len(), styles.len()), (1, 1));
        let hash = |text: &str| Hash::of(&[text.as_bytes()]).to_base64();
        let policy = format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; \
             form-action 'none'",
            hash(&scripts[0]),
            hash(&styles[0])
        );
        assert_eq!(page.attribute("meta[http-equiv]", "content"), policy);
        let answer = app.page("/verify", language).await;
        let header = answer.headers()["Content-Security-Policy"]
            .to_str()
            .unwrap();
        assert_eq!(header, format!("{policy}; frame-ancestors 'none'"));
        // No other page is allowed this script.
        let code = Page::get(&app, "/", language).await;
        assert!(!code.html.contains(&hash(&scripts[0])));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_service_that_is_reached_over_tls_asks_for_tls_from_then_on() {
    let secure = BehindProxy::start("https://trace.example.org").await;
    let plain = BehindProxy::start("http://trace.example.org").await;
    for path in ["/", "/nope", "/livez"] {
        let header = "Strict-Transport-Security";
        assert_eq!(
            secure.get(path).await.headers()[header],
            "max-age=31536000",
            "{path}"
        );
        assert!(
            plain.get(path).await.headers().get(header).is_none(),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_holds_script_or_style_of_its_own_or_names_another_host() {
    let app = TestApp::start().await;
    let example = load_example(&app).await;
    let traces = example
        .traces
        .iter()
        .map(|trace| path_of(&app, &trace.url).to_owned());
    let mut paths: Vec<String> = traces.collect();
    paths.extend(["/", "/find?code=x", "/nope", "/01/1"].map(str::to_owned));
    paths.extend([
        lot_path("DEMO260624A"),
        lot_path("L9"),
        format!("/01/{GTIN}"),
    ]);
    for path in &paths {
        for language in LANGUAGES {
            let page = Page::get(&app, path, language).await;
            assert!(
                page.texts("style, iframe, object, embed, base").is_empty(),
                "{path}"
            );
            // Where a code is scanned, and where there is something to verify, one module of our own, and never a
            // script within the page.
            let may_scan = path == "/" || path == "/find?code=x";
            let is_story = path.starts_with("/01/") && page.status == 200;
            let scripts = page.select("script", |script| script.inner_html());
            let count = usize::from(may_scan || is_story);
            assert_eq!(scripts, vec![String::new(); count], "{path}");
            let attributes = page.select("*", |element| {
                element
                    .value()
                    .attrs()
                    .map(|(name, _)| name.to_owned())
                    .collect::<Vec<_>>()
            });
            for name in attributes.iter().flatten() {
                assert!(
                    name != "style" && !name.starts_with("on"),
                    "{name} in {path}"
                );
            }
            // Its own address is printed below the QR code, and links lead to authorities; no other address is
            // named anywhere.
            let own = page.html.replace(&app.running.url, "");
            let own = CHECKS.iter().fold(own, |own, check| {
                let link = r#"" rel="external noopener noreferrer""#;
                let link = format!(r#"<a class="out" href="{}{link}"#, check.address);
                own.replace(&link, "<a")
            });
            assert!(!own.contains("://"), "{path}");
            for (selector, name) in [("[href]", "href"), ("[src]", "src"), ("[action]", "action")] {
                let targets = page.attributes(selector, name).into_iter();
                let is_official =
                    |target: &String| CHECKS.iter().any(|check| check.address == target);
                for target in targets.filter(|target| !is_official(target)) {
                    let is_local = target.starts_with(['/', '?', '#']) && !target.starts_with("//");
                    // China's line for complaints of consumers.
                    let is_local = is_local || target == "tel:12315";
                    assert!(is_local, "{target} in {path}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_page_refers_to_is_there_and_may_be_kept_as_long_as_it_is_the_same() {
    let app = TestApp::start().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    app.capture(&[document::observation(1, "L1")]).await;
    app.sealed().await;
    let page = Page::get(&app, &code, "en").await;
    assert_eq!(
        page.headers["Cache-Control"], "no-cache",
        "a recall must show at once"
    );
    let mut found = page.attributes("link[href]", "href");
    assert_eq!(found.len(), 2, "a style sheet and an icon");
    found.extend(page.attributes("img", "src"));
    for target in found {
        let answer = app.get(&target).await;
        assert_eq!(answer.status(), 200, "{target}");
        let kind = answer.headers()["Content-Type"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            kind.starts_with("text/css") || kind == "image/svg+xml",
            "{target}: {kind}"
        );
        let caching = answer.headers()["Cache-Control"].to_str().unwrap();
        assert_eq!(
            caching.contains("immutable"),
            target.contains("?v="),
            "{target}: {caching}"
        );
    }
    for anchor in page
        .attributes("a[href]", "href")
        .iter()
        .filter(|href| href.starts_with('/'))
    {
        assert_eq!(app.get(anchor).await.status(), 200, "{anchor}");
    }
    for id in page.attributes("[aria-labelledby]", "aria-labelledby") {
        assert_eq!(page.texts(&format!("#{id}")).len(), 1, "{id}");
    }
}
