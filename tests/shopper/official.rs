//! What an authority issued: where it can be checked, and that no merchant gives the address.

use serde_json::{Value, json};

use crate::kit::{LANGUAGES, Page, describe, issue};
use crate::support::{GTIN, TestApp, document};

const CIFER: &str = "https://cifer.singlewindow.cn/";
const CUSTOMS: &str = "https://www.customs.gov.cn/";

fn words(text: &str) -> Value {
    json!({ "zh-CN": text, "en": text })
}

fn product(row: &Value) -> Value {
    json!({ "gtin": format!("https://id.gs1.org/01/{GTIN}"), "productName": words("Powder"),
            "attributes": [row] })
}

fn certificate(kind: &str, number: Option<&str>) -> Value {
    let mut body = json!({ "document": "https://example.org/doc/1", "documentType": kind, "title": words("paper") });
    if let Some(number) = number {
        body["number"] = json!(number);
    }
    body
}

/// A code of a lot of which one event cites the document.
async fn app() -> (TestApp, String) {
    let app = TestApp::start().await;
    describe(
        &app,
        "products",
        product(&json!({ "label": words("l"), "value": words("v") })),
    )
    .await;
    let cites = format!(
        r#""bizTransactionList":[{{"type":"cert","bizTransaction":"https://example.org/doc/1"}}],
           "quantityList":[{{"epcClass":"{}","quantity":1,"uom":"KGM"}}]"#,
        document::lot_link("L1")
    );
    app.capture(&[document::observation_of(1, &cites)]).await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    (app, code)
}

/// Where a page sends a reader to check, and how many facts it marks as official.
async fn checks(app: &TestApp, code: &str, language: &str) -> (Vec<String>, usize) {
    let page = Page::get(app, code, language).await;
    let marks = page.texts(".id .src.official, .steps .src.official").len();
    (page.attributes(".meta a.out", "href"), marks)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_on_the_label_is_checked_with_the_authority_that_made_it() {
    let (app, code) = app().await;
    assert_eq!(checks(&app, &code, "en").await, (vec![], 0));
    let mut row = json!({ "label": words("Registration"), "value": words("DEMO-1"),
                          "officialCheck": "producerRegistration" });
    describe(&app, "products", product(&row)).await;
    for language in LANGUAGES {
        assert_eq!(
            checks(&app, &code, language).await,
            (vec![CIFER.to_owned()], 1)
        );
    }
    let page = Page::get(&app, &code, "zh-CN").await;
    assert!(
        page.text(".id .meta").contains("注册管理系统"),
        "{}",
        page.html
    );
    // Whoever may name an address may name his own.
    for (member, value) in [
        ("officialCheck", json!("https://cifer.example/")),
        ("officialCheck", json!("")),
        ("officialCheck", json!(1)),
        ("address", json!(CIFER)),
    ] {
        let before = row.clone();
        row[member] = value;
        let answer = app.post("/api/products", product(&row).to_string()).await;
        assert_eq!(answer.status(), 400, "{row}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(&format!("/attributes/0/{member}")), "{text}");
        row = before;
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_checked_where_its_number_is_told() {
    let (app, code) = app().await;
    for (kind, number, expected) in [
        (
            "quarantineCertificate",
            Some("DEMO-CIQ-1"),
            vec![CUSTOMS.to_owned()],
        ),
        ("quarantineCertificate", None, vec![]),
        ("healthCertificate", Some("DEMO-HC-1"), vec![]),
        (
            "quarantineCertificate",
            Some("DEMO-CIQ-2"),
            vec![CUSTOMS.to_owned()],
        ),
    ] {
        describe(&app, "documents", certificate(kind, number)).await;
        let marks = expected.len();
        assert_eq!(
            checks(&app, &code, "en").await,
            (expected, marks),
            "{kind} {number:?}"
        );
    }
    // By four characters of it nobody can check anything.
    let rules = json!({ "rules": [{ "field": "documentNumber", "of": "quarantineCertificate", "show": "masked" }] });
    let masked = app.post("/api/disclosure", rules.to_string()).await;
    assert!(masked.status().is_success());
    assert_eq!(checks(&app, &code, "en").await, (vec![], 0));
    app.stop().await;
}
