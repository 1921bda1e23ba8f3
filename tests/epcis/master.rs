//! `/api/products`, `/api/parties`, `/api/documents`: what things and parties are called.

use futures_util::future::join_all;
use serde_json::Value;

use crate::kit::{
    OTHER_GTIN, another_merchant, assert_checks_out, count, everything, product, proof, refusal,
    stored, tree_size, whole_proof,
};
use crate::support::document::observation_of;
use crate::support::{GTIN, ISSUER, TestApp};

/// Says something that must be taken: the status and the answer.
async fn say(app: &TestApp, path: &str, body: &str) -> (u16, Value) {
    let answer = app.post(path, body).await;
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    assert!(matches!(status, 200 | 201), "{status}: {text}");
    (status, serde_json::from_str(&text).unwrap())
}

/// A description that bears this name.
type Describe = fn(&str) -> String;

fn steak(name: &str) -> String {
    product(OTHER_GTIN, name)
}

fn party(name: &str) -> String {
    format!(
        r#"{{"party":"{ISSUER}","place":"https://id.gs1.org/414/9521041000008",
            "name":{{"zh-CN":"云雀原","en":"{name}"}},"role":"farm","country":"NZ",
            "latitude":-44.50,"longitude":170.1}}"#
    )
}

fn certificate(title: &str) -> String {
    format!(
        r#"{{"document":"urn:example:certificate:1","documentType":"healthCertificate",
            "title":{{"zh-CN":"证书","en":"{title}"}},"issued":"2026-06-05"}}"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_for_the_first_time_is_new_and_said_again_is_not() {
    let app = TestApp::start().await;
    let class = format!("product https://id.gs1.org/01/{OTHER_GTIN}");
    let cases: [(&str, Describe, &[&str]); 3] = [
        ("/api/products", steak, &[&class]),
        (
            "/api/parties",
            party,
            &[
                "party https://id.gs1.org/417/9521041000008",
                "place https://id.gs1.org/414/9521041000008",
            ],
        ),
        (
            "/api/documents",
            certificate,
            &["document urn:example:certificate:1"],
        ),
    ];
    for (path, body, about) in cases {
        let size = tree_size(&app).await;
        let (status, first) = say(&app, path, &body("First")).await;
        assert_eq!((status, &first["new"]), (201, &Value::Bool(true)), "{path}");
        assert_eq!(first["about"], serde_json::json!(about), "{path}");
        assert_eq!(tree_size(&app).await, size + 1, "{path}");

        let before = everything(&app).await;
        for spelling in [body("First"), body("First").replace("\":", "\" :\n")] {
            let (status, again) = say(&app, path, &spelling).await;
            assert_eq!(
                (status, &again["new"]),
                (200, &Value::Bool(false)),
                "{path}"
            );
            assert_eq!(again["batch"], first["batch"], "{path}");
            assert_eq!(again["position"], first["position"], "{path}");
        }
        assert_eq!(everything(&app).await, before, "{path}");

        let (status, second) = say(&app, path, &body("Second")).await;
        assert_eq!(status, 201, "{path}");
        assert_ne!(second["batch"], first["batch"], "{path}");
        assert_eq!(say(&app, path, &body("Second")).await.0, 200, "{path}");
        // What was said before last is said anew: it corrects what was said last.
        assert_eq!(say(&app, path, &body("First")).await.0, 201, "{path}");
        assert_eq!(tree_size(&app).await, size + 3, "{path}");
    }
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_version_is_the_one_that_the_page_shows() {
    let app = TestApp::start().await;
    app.issue("L1", 1).await;
    let path = format!("/01/{GTIN}/10/L1");
    for name in ["Morning tin", "Evening tin", "Morning tin"] {
        say(&app, "/api/products", &product(GTIN, name)).await;
        app.sealed().await;
        let page = app.page(&path, "en").await.text().await.unwrap();
        // What it was called before is told as its history, and nowhere else.
        let told = page.split("class=\"history\"").next().unwrap();
        for known in ["Morning tin", "Evening tin"] {
            assert_eq!(told.contains(known), known == name, "{name}: {known}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_is_kept_as_it_was_sent() {
    let app = TestApp::start().await;
    app.issue("L1", 1).await;
    let body = format!(
        r#"{{"gtin":"https://id.gs1.org/01/{GTIN}","productName":{{"zh-CN":"奶粉","en":"Tin"}},
            "netContent":{{"value":900.0,"unitCode":"GRM"}},
            "storage":{{"minCelsius":-0.0,"maxCelsius":2.50e1}},
            "example:note":{{"grade":1.10}}}}"#
    );
    say(&app, "/api/products", &body).await;
    let statements = whole_proof(&app, &format!("/01/{GTIN}/10/L1"))
        .await
        .statements;
    let last = statements
        .iter()
        .rfind(|statement| statement.kind == "product")
        .unwrap();
    for (pointer, text) in [
        ("/body/netContent/value", "900.0"),
        ("/body/storage/minCelsius", "-0.0"),
        ("/body/storage/maxCelsius", "2.50e1"),
        ("/body/example:note/grade", "1.10"),
    ] {
        assert_eq!(last.content.value(pointer), Some(text), "{pointer}");
    }
    assert_eq!(last.issuer, ISSUER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_description_is_refused_with_its_field_named() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let tin = product(GTIN, "Tin");
    let cases = [
        (
            "/api/products",
            tin.replace("\"gtin\"", "\"example:gtin\""),
            "/gtin",
        ),
        (
            "/api/products",
            tin.replace(GTIN, "09521041001013"),
            "/gtin",
        ),
        (
            "/api/products",
            tin.replace(GTIN, &format!("{GTIN}/10/L1")),
            "/gtin",
        ),
        (
            "/api/products",
            tin.replace("https://id.gs1.org/01/", ""),
            "/gtin",
        ),
        (
            "/api/products",
            tin.replace("\"en\":\"Tin\"", "\"en\":\"\""),
            "/productName/en",
        ),
        (
            "/api/products",
            tin.replace("\"zh-CN\"", "\"zh\""),
            "/productName/zh",
        ),
        (
            "/api/products",
            tin.replacen('{', "{\"colour\":\"red\",", 1),
            "/colour",
        ),
        (
            "/api/products",
            tin.replacen('{', "{\"regime\":\"grey\",", 1),
            "/regime",
        ),
        (
            "/api/products",
            tin.replacen(
                '{',
                "{\"netContent\":{\"value\":\"1\",\"unitCode\":\"KGM\"},",
                1,
            ),
            "/netContent/value",
        ),
        (
            "/api/parties",
            party("Farm").replace("\"NZ\"", "\"nz\""),
            "/country",
        ),
        (
            "/api/parties",
            party("Farm").replace("170.1", "180.1"),
            "/longitude",
        ),
        (
            "/api/parties",
            party("Farm").replace("-44.50", "1e999"),
            "/latitude",
        ),
        (
            "/api/parties",
            party("Farm").replace("417/9521041000008", "417/1"),
            "/party",
        ),
        (
            "/api/parties",
            r#"{"name":{"zh-CN":"名","en":"Name"}}"#.to_owned(),
            "",
        ),
        (
            "/api/documents",
            certificate("Paper").replace("06-05", "06-31"),
            "/issued",
        ),
        (
            "/api/documents",
            certificate("Paper").replace("urn:example:", "no uri "),
            "/document",
        ),
        ("/api/documents", certificate("Paper\\u0007"), "/title/en"),
        ("/api/documents", "[]".to_owned(), ""),
    ];
    for (path, body, pointer) in cases {
        let refused = refusal(app.post(path, body.clone()).await).await;
        assert_eq!(refused.status, 400, "{body}");
        assert_eq!(refused.kind, "epcisException:ValidationException", "{body}");
        assert_eq!(refused.faults, [(None, pointer.to_owned())], "{body}");
    }
    assert_eq!(everything(&app).await, before);
    for (path, body) in [
        ("/api/parties", party("Farm")),
        ("/api/documents", certificate("Paper")),
    ] {
        assert_eq!(say(&app, path, &body).await.0, 201, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_described_by_the_merchant_that_described_it_first() {
    let app = TestApp::start().await;
    let (_, other) = another_merchant(&app).await;
    let before = everything(&app).await;
    // Every spelling of a GTIN is the same GTIN.
    for gtin in [GTIN, &GTIN[1..]] {
        let body = product(gtin, "Stolen tin");
        let refused = refusal(app.post_as(&other, "/api/products", body).await).await;
        assert_eq!(refused.status, 403, "{gtin}");
        assert_eq!(refused.kind, "epcisException:SecurityException");
        assert!(refused.detail.contains(GTIN), "{}", refused.detail);
    }
    assert_eq!(everything(&app).await, before);
    let answer = app
        .post_as(&other, "/api/products", product(OTHER_GTIN, "Steak"))
        .await;
    assert_eq!(answer.status(), 201);
    let refused = refusal(
        app.post("/api/products", product(OTHER_GTIN, "Steak"))
            .await,
    )
    .await;
    assert_eq!(refused.status, 403);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_merchants_that_claim_a_product_at_once_one_has_it() {
    let app = TestApp::start().await;
    let (_, other) = another_merchant(&app).await;
    let claims = (0..12).map(|i| {
        let key = if i % 2 == 0 { &app.key } else { &other };
        app.post_as(key, "/api/products", product(OTHER_GTIN, "Steak"))
    });
    let answers: Vec<u16> = join_all(claims)
        .await
        .iter()
        .map(|answer| answer.status().as_u16())
        .collect();
    let won = |parity: usize| {
        answers
            .iter()
            .skip(parity)
            .step_by(2)
            .all(|status| *status < 300)
    };
    let lost = |parity: usize| {
        answers
            .iter()
            .skip(parity)
            .step_by(2)
            .all(|status| *status == 403)
    };
    assert!((won(0) && lost(1)) || (won(1) && lost(0)), "{answers:?}");
    let owners = format!("SELECT count(*) FROM gtin_owner WHERE gtin = '{OTHER_GTIN}'");
    assert_eq!(count(&app, &owners).await, 1);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_sent_several_times_at_once_is_recorded_once() {
    let app = TestApp::start().await;
    for (path, body) in [
        ("/api/products", product(OTHER_GTIN, "Steak")),
        ("/api/parties", party("Farm")),
        ("/api/documents", certificate("Paper")),
    ] {
        let copies = (0..12).map(|_| say(&app, path, &body));
        let new = join_all(copies)
            .await
            .iter()
            .filter(|(status, _)| *status == 201)
            .count();
        assert_eq!(new, 1, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parties_and_documents_are_described_by_each_merchant_for_itself() {
    let app = TestApp::start().await;
    let (_, other) = another_merchant(&app).await;
    for (path, body) in [
        ("/api/parties", party("Farm")),
        ("/api/documents", certificate("Paper")),
    ] {
        assert_eq!(say(&app, path, &body).await.0, 201, "{path}");
        assert_eq!(
            app.post_as(&other, path, body.clone()).await.status(),
            201,
            "{path}"
        );
        assert_eq!(
            app.post_as(&other, path, body).await.status(),
            200,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_is_described_at_each_of_its_places() {
    let app = TestApp::start().await;
    let at = |gln: &str| party("Farm").replace("414/9521041000008", &format!("414/{gln}"));
    let places = [
        at("9521041000008"),
        at("9522020000002"),
        at("9522030000009"),
    ];
    for body in &places {
        assert_eq!(say(&app, "/api/parties", body).await.0, 201, "{body}");
    }
    // To say all of it again, as a client does that starts anew, changes nothing.
    let before = everything(&app).await;
    for body in &places {
        assert_eq!(say(&app, "/api/parties", body).await.0, 200, "{body}");
    }
    assert_eq!(everything(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_issued_in_between_do_not_make_a_description_new() {
    let app = TestApp::start().await;
    let body = product(GTIN, "Tin");
    assert_eq!(say(&app, "/api/products", &body).await.0, 201);
    let order = format!(r#"{{"gtin":"{GTIN}","quantity":5}}"#);
    assert_eq!(app.post("/api/code-ranges", order).await.status(), 201);
    app.issue("L1", 5).await;
    assert_eq!(say(&app, "/api/products", &body).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_recorded_however_much_was_said_in_between() {
    let app = TestApp::start().await;
    let (first, second) = (product(GTIN, "First"), product(GTIN, "Second"));
    assert_eq!(say(&app, "/api/products", &first).await.0, 201);
    let class = format!(r#""quantityList":[{{"epcClass":"https://id.gs1.org/01/{GTIN}"}}]"#);
    let events: Vec<String> = (0..1_100).map(|id| observation_of(id, &class)).collect();
    assert_eq!(stored(&app, &events).await, 1_100);
    for said in [&second, &first, &second] {
        let (status, answer) = say(&app, "/api/products", said).await;
        assert_eq!(status, 201, "{said} was taken for known: {answer}");
    }
    assert_eq!(say(&app, "/api/products", &second).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptions_are_taken_by_post_only() {
    let app = TestApp::start().await;
    for path in [
        "/api/products",
        "/api/parties",
        "/api/documents",
        "/api/code-ranges",
    ] {
        let answer = app
            .http
            .get(app.url(path))
            .bearer_auth(&app.key)
            .send()
            .await
            .unwrap();
        assert!(
            answer.status().is_client_error(),
            "{path}: {}",
            answer.status()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_every_level_are_in_a_proof_that_verifies_and_a_check_finds_their_rows() {
    let app = TestApp::start().await;
    let code = app.issue("L1", 1).await.remove(0);
    let link = async |anchor: &str, href: &str| {
        let body = format!(
            r#"{{"anchor":"https://id.gs1.org{anchor}","linkType":"gs1:faqs","href":{href},"title":"FAQ"}}"#
        );
        app.post("/api/links", body).await.status().as_u16()
    };
    let links = async || {
        let statements = proof(&app, &code).await.statements;
        statements
            .iter()
            .filter(|statement| statement.kind == "link")
            .count()
    };
    assert_eq!(links().await, 0);
    let item = code.replace("/10/L1", "");
    for anchor in [&format!("/01/{GTIN}"), &format!("/01/{GTIN}/10/L1"), &item] {
        assert_eq!(
            link(anchor, r#""https://brand.example/""#).await,
            201,
            "{anchor}"
        );
    }
    assert_eq!(
        link(&format!("/01/{GTIN}/10/L2"), r#""https://brand.example/""#).await,
        201
    );
    assert_eq!(links().await, 3, "and not that of another lot");
    assert_eq!(link(&item, "null").await, 201);
    assert_eq!(links().await, 4, "what was withdrawn stays told");
    assert_checks_out(&app).await;
}
