//! Lots with every character that GS1 allows, from the event to the page, the proof and the picture.

use crate::kit::{LANGUAGES, Page, describe, issue, lot_path};
use crate::support::{GTIN, ISSUER, TestApp, document};
use serde_json::json;

/// All of CSET 82 that is neither a letter nor a digit, in lots as printed and as addresses have it.
const LOTS: [(&str, &str); 4] = [
    ("A/B", "A%2FB"),
    ("!\"%&'()*+,-./", "%21%22%25%26%27%28%29%2A%2B%2C-.%2F"),
    (":;<=>?_", "%3A%3B%3C%3D%3E%3F_"),
    ("%2F", "%252F"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_lot_of_any_allowed_characters_survives_from_capture_to_page_and_proof() {
    let app = TestApp::start().await;
    let mut codes = Vec::new();
    for (id, (lot, escaped)) in (1u32..).zip(LOTS) {
        let code = issue(&app, Some(lot), 1).await.remove(0);
        assert!(
            code.starts_with(&format!("{}/21/", lot_path(escaped))),
            "{code}"
        );
        app.capture(&[document::observation(id, escaped)]).await;
        codes.push(code);
    }
    app.sealed().await;
    for ((lot, escaped), code) in LOTS.into_iter().zip(&codes) {
        for path in [code.as_str(), &lot_path(escaped)] {
            let page = Page::get(&app, path, "en").await;
            assert_eq!(
                (page.status, page.field("Batch")),
                (200, lot.to_owned()),
                "{path}"
            );
            assert_eq!(
                page.texts("li.step").len(),
                1,
                "{path}: its own event and no other's"
            );
            assert_eq!(
                page.attribute("a[download]", "href"),
                format!("/proof{path}")
            );
            let proof: serde_json::Value = app
                .get(&format!("/proof{path}"))
                .await
                .json()
                .await
                .unwrap();
            assert_eq!(proof["subject"], format!("https://id.gs1.org{path}"));
            let picture = app.get(&page.attribute(".qr img", "src")).await;
            assert_eq!(picture.status(), 200, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_of_one_address_is_the_same_page_and_an_unescaped_slash_is_not() {
    let app = TestApp::start().await;
    let code = issue(&app, Some("a/B-1"), 1).await.remove(0);
    app.sealed().await;
    let serial = code.rsplit('/').next().unwrap();
    let page = app.get_text(&format!("{code}?lang=en")).await;
    for lot in ["a%2fB-1", "%61%2F%42%2D%31", "a%2FB%2d1"] {
        let other = app
            .get_text(&format!("{}/21/{serial}?lang=en", lot_path(lot)))
            .await;
        assert_eq!(other, page, "{lot}");
    }
    let unescaped = app.get(&format!("{}/21/{serial}", lot_path("a/B-1"))).await;
    assert_eq!(unescaped.status(), 400);
    // Another lot is told as another.
    for (lot, written) in [("A%2FB-1", "A/B-1"), ("a%252FB-1", "a%2FB-1")] {
        let other = app
            .get_text(&format!("{}/21/{serial}?lang=en", lot_path(lot)))
            .await;
        assert!(other.contains(&format!("says batch {written};")), "{lot}");
        assert!(!page.contains("says batch"));
    }
}

/// What an attacker or a careless merchant might write into any text.
const HOSTILE: &str = "</title></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;{{serial}}{% x %}";

#[tokio::test(flavor = "multi_thread")]
async fn recorded_words_are_shown_as_words_and_never_run() {
    let app = TestApp::start().await;
    let words = |name: &str| json!({ "zh-CN": format!("{name}{HOSTILE}"), "en": format!("{name}{HOSTILE}") });
    describe(
        &app,
        "products",
        json!({
            "gtin": format!("https://id.gs1.org/01/{GTIN}"),
            "productName": words("product"),
            "brandName": words("brand"),
            "storage": { "text": words("storage") },
            "attributes": [{ "label": words("label"), "value": words("value") }],
        }),
    )
    .await;
    describe(
        &app,
        "parties",
        json!({ "party": ISSUER, "place": "https://id.gs1.org/414/9521041000008",
                "name": words("party"), "role": "farm", "country": "NZ", "region": words("region") }),
    )
    .await;
    describe(
        &app,
        "documents",
        json!({ "document": "https://example.org/doc/1", "documentType": "other",
                "title": words("title"), "number": format!("number{HOSTILE}"), "issuedBy": words("issuer") }),
    )
    .await;
    let transactions = format!(
        r#""bizTransactionList":[{{"type":"bol","bizTransaction":"https://example.org/doc/1"}},
           {{"type":"desadv","bizTransaction":"https://example.org/doc/\"><script>alert(1)</script>"}}],
           "quantityList":[{{"epcClass":"{}","quantity":1,"uom":"KGM"}}]"#,
        document::lot_link("L1")
    );
    app.capture(&[document::observation_of(1, &transactions)])
        .await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    app.sealed().await;
    for language in LANGUAGES {
        let page = Page::get(&app, &code, language).await;
        let whole = page.text("html");
        for name in [
            "product", "brand", "storage", "label", "value", "party", "region", "title", "number",
            "issuer",
        ] {
            assert!(
                whole.contains(&format!("{name}{HOSTILE}")),
                "{name} as recorded: {whole}"
            );
        }
        // The one script is ours, of the head, and has nothing within.
        assert_eq!(page.texts("script"), [""]);
        assert!(page.texts("body script, img:not(.qr img)").is_empty());
        assert!(
            page.select("*", |e| e
                .value()
                .attrs()
                .any(|(name, _)| name.starts_with("on")))
                .iter()
                .all(|on| !on)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_recorded_word_turns_around_the_words_beside_it() {
    let app = TestApp::start().await;
    let marks = "\u{202E}\u{2066}\u{200F}\u{61C}\u{2069}";
    let name = json!({ "zh-CN": format!("奶{marks}粉"), "en": format!("milk{marks} powder") });
    describe(
        &app,
        "products",
        json!({ "gtin": format!("https://id.gs1.org/01/{GTIN}"), "productName": name, "brandName": name }),
    )
    .await;
    let path = format!("/01/{GTIN}");
    for (language, plain) in [("zh-CN", "奶粉"), ("en", "milk powder")] {
        let page = Page::get(&app, &path, language).await;
        assert_eq!(
            (page.text("#product"), page.text(".id-brand")),
            (plain.into(), plain.into())
        );
        assert!(!page.html.contains(|c| marks.contains(c)));
    }
    // What was recorded stays recorded: the proof shows the very characters.
    app.sealed().await;
    assert!(app.get_text(&format!("/proof{path}")).await.contains(marks));
}
