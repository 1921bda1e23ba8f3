//! How pages travel: as small as a browser takes them, and not again while it has them.

use std::io::Read;

use crate::kit::{ask, describe, issue};
use crate::sealing::HeldSeals;
use crate::support::{GTIN, TestApp, document};
use serde_json::json;

fn decoded(coding: &str, bytes: &[u8]) -> String {
    let mut text = String::new();
    let read = match coding {
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_string(&mut text),
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_string(&mut text),
        _ => panic!("{coding} is no coding of ours"),
    };
    read.unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_their_assets_come_in_the_smallest_coding_that_a_browser_takes() {
    let app = TestApp::start().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    app.sealed().await;
    for path in [
        code.as_str(),
        "/",
        "/nope",
        "/find?code=x",
        "/static/site.css",
        "/static/rosette.svg",
    ] {
        let plain = ask(&app, path, &[("Accept-Encoding", "identity")]).await;
        assert!(!plain.headers().contains_key("Content-Encoding"), "{path}");
        let plain = plain.text().await.unwrap();
        for (taken, coding) in [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip")] {
            let answer = ask(&app, path, &[("Accept-Encoding", taken)]).await;
            assert_eq!(answer.headers()["Content-Encoding"], coding, "{path}");
            let vary = answer.headers()["Vary"].to_str().unwrap();
            assert!(vary.contains("Accept-Encoding"), "{path}: {vary}");
            let bytes = answer.bytes().await.unwrap();
            assert!(bytes.len() * 5 < plain.len() * 3, "{path} in {coding}");
            assert_eq!(decoded(coding, &bytes), plain, "{path} in {coding}");
        }
    }
    // What is no page stays as the standards have it.
    for path in ["/log/checkpoint", "/livez", &format!("/qr{code}.png")] {
        let answer = ask(&app, path, &[("Accept-Encoding", "br, gzip")]).await;
        assert!(!answer.headers().contains_key("Content-Encoding"), "{path}");
    }
}

/// Asks for a page that the reader has; gives the status and the tag.
async fn again(app: &TestApp, path: &str, tag: &str) -> (u16, String) {
    let headers = [
        ("If-None-Match", tag),
        ("Accept-Encoding", "br"),
        ("Accept-Language", "en"),
    ];
    let answer = ask(app, path, &headers).await;
    let tag = answer.headers()["ETag"].to_str().unwrap().to_owned();
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["Cache-Control"], "no-cache");
    let body = answer.bytes().await.unwrap();
    assert_eq!(body.is_empty(), status == 304);
    (status, tag)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_sent_again_when_its_story_has_changed_and_only_then() {
    let app = TestApp::start().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    app.capture(&[document::observation(1, "L1")]).await;
    app.sealed().await;
    let (status, first) = again(&app, &code, "\"other\"").await;
    assert_eq!(status, 200);
    assert!(first.starts_with("W/\""), "{first}");
    assert_eq!(again(&app, &code, &first).await, (304, first.clone()));
    assert_eq!(again(&app, &code, "*").await.0, 304);
    let several = format!("\"a\", {first}");
    assert_eq!(again(&app, &code, &several).await.0, 304);
    assert_eq!(again(&app, &code, "rubbish").await.0, 200);
    // Another language is another page.
    let other = format!("{code}?lang=zh-CN");
    assert_eq!(again(&app, &other, &first).await.0, 200);

    // What the log holds of others changes nothing here.
    app.capture(&[document::observation(2, "L2")]).await;
    app.sealed().await;
    assert_eq!(again(&app, &code, &first).await.0, 304);

    // What is recorded of this one does: first as received, and once it is sealed again.
    let held = HeldSeals::hold(&app.settings).await;
    app.capture(&[document::observation(3, "L1")]).await;
    let (status, second) = again(&app, &code, &first).await;
    assert_eq!(status, 200);
    assert_eq!(again(&app, &code, &second).await.0, 304);
    held.release().await;
    app.sealed().await;
    let (status, third) = again(&app, &code, &second).await;
    assert_eq!(status, 200);
    assert_ne!(third, first);
    assert_eq!(again(&app, &code, &third).await.0, 304);

    // A name of the product is told on its pages.
    let named = json!({ "gtin": format!("https://id.gs1.org/01/{GTIN}"), "productName": { "zh-CN": "新名", "en": "New name" } });
    describe(&app, "products", named).await;
    assert_eq!(again(&app, &code, &third).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_what_went_wrong_is_never_taken_for_one_that_is_kept() {
    let app = TestApp::start().await;
    for path in ["/nope", "/01/1", "/find?code=x"] {
        let answer = ask(&app, path, &[("If-None-Match", "*")]).await;
        assert!(matches!(answer.status().as_u16(), 400 | 404), "{path}");
        assert!(!answer.headers().contains_key("ETag"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_key_opens_is_kept_by_nobody_and_never_taken_for_what_a_shopper_has() {
    let app = TestApp::start().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    app.sealed().await;
    let shopper = ask(&app, &code, &[]).await;
    let tag = shopper.headers()["ETag"].to_str().unwrap().to_owned();
    let bearer = format!("Bearer {}", app.key);
    for known in [Some(tag.as_str()), None] {
        let mut headers = vec![("Authorization", bearer.as_str())];
        headers.extend(known.map(|tag| ("If-None-Match", tag)));
        let answer = ask(&app, &code, &headers).await;
        assert_eq!(answer.headers()["Cache-Control"], "private, no-store");
        let vary = answer.headers()["Vary"].to_str().unwrap();
        assert!(vary.contains("Authorization"), "{vary}");
    }
    // A 304 says as much as the page would, and has no body; neither has HEAD.
    let known = ask(&app, &code, &[("If-None-Match", &tag)]).await;
    assert_eq!(known.status(), 304);
    for header in ["ETag", "Cache-Control", "Vary", "Content-Security-Policy"] {
        assert_eq!(
            known.headers()[header],
            shopper.headers()[header],
            "{header}"
        );
    }
    let head = app.http.head(app.url(&code)).send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), &head.headers()["ETag"]),
        (200, &shopper.headers()["ETag"])
    );
    assert!(head.bytes().await.unwrap().is_empty());
}
