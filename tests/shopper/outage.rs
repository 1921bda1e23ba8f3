//! The database goes away and comes back.

use std::time::Duration;

use serde_json::Value;

use crate::kit::{LANGUAGES, Page, issue, lot_path};
use crate::support::outside::{CLOSE, CUT, OPEN, from_outside};
use crate::support::{TestApp, document};

/// Words that would tell a stranger what the service is made of.
const CAUSES: [&str; 9] = [
    "sql",
    "postgres",
    "pool",
    "connection",
    "terminat",
    "socket",
    "panic",
    "test_",
    "rust",
];

fn assert_no_cause(body: &str) {
    let lower = body.to_lowercase();
    for cause in CAUSES {
        assert!(!lower.contains(cause), "{cause} in {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_everybody_is_told_to_come_back_and_nothing_is_lost() {
    let app = TestApp::start().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    app.sealed().await;
    app.capture(&[document::observation(1, "L1")]).await;
    from_outside(&app.settings, CLOSE).await;

    shoppers_are_told(&app, &code).await;
    machines_are_told(&app).await;
    let ready = app.get("/readyz").await;
    assert_eq!(ready.status(), 503);
    let ready: Value = ready.json().await.unwrap();
    assert_eq!(
        (&ready["ready"], &ready["database"]),
        (&false.into(), &false.into())
    );
    // What needs no database goes on.
    for path in [
        "/livez",
        "/",
        "/log/checkpoint",
        "/log/anchors.jsonl",
        &format!("/qr{code}.svg"),
    ] {
        assert_eq!(app.get(path).await.status(), 200, "{path}");
    }
    assert_eq!(app.get("/01/1").await.status(), 400);

    from_outside(&app.settings, OPEN).await;
    recovers(&app).await;
    app.sealed().await;
    let page = Page::get(&app, &code, "en").await;
    assert_eq!(page.text("h1"), "On record, unchanged");
    assert_eq!(
        page.texts("li.step").len(),
        1,
        "what was acknowledged, and not what was refused"
    );
    // The refused event may be sent again, and so may the one that had arrived.
    app.capture(&[1, 2].map(|id| document::observation(id, "L1")))
        .await;
    app.sealed().await;
    assert_eq!(Page::get(&app, &code, "en").await.texts("li.step").len(), 2);
}

async fn shoppers_are_told(app: &TestApp, code: &str) {
    for path in [
        code,
        &lot_path("L1"),
        &lot_path("L9"),
        &format!("/proof{code}"),
    ] {
        for (column, language) in LANGUAGES.into_iter().enumerate() {
            let page = Page::get(app, path, language).await;
            assert_eq!(page.status, 503, "{path}");
            assert_eq!(page.headers["Retry-After"], "30");
            assert_eq!(
                page.text("h1"),
                ["暂时无法查询", "Unavailable for now"][column]
            );
            let lead = ["不说明商品有问题", "says nothing about the product"][column];
            assert!(
                page.text(".lead").contains(lead),
                "no verdict on the product"
            );
            assert_no_cause(&page.html);
        }
    }
}

async fn machines_are_told(app: &TestApp) {
    for (path, body) in [
        (
            "/epcis/capture",
            document::document(&[document::observation(2, "L1")]),
        ),
        ("/api/products", "{}".to_owned()),
        (
            "/api/code-ranges",
            r#"{"gtin":"09521041001012","quantity":1}"#.to_owned(),
        ),
    ] {
        let answer = app.post(path, body).await;
        assert_eq!(answer.status(), 503, "{path}");
        assert_eq!(answer.headers()["Content-Type"], "application/problem+json");
        assert!(answer.headers().contains_key("Retry-After"), "{path}");
        let text = answer.text().await.unwrap();
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(problem["status"], 503);
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("may safely be sent again")
        );
        assert_no_cause(&text);
    }
}

/// By itself: a limit, not a delay.
async fn recovers(app: &TestApp) {
    let ready = async { while app.get("/readyz").await.status() != 200 {} };
    tokio::time::timeout(Duration::from_secs(30), ready)
        .await
        .expect("ready again");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_died_while_nobody_asked_cost_no_shopper_an_answer() {
    let app = TestApp::start().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    app.sealed().await;
    assert_eq!(app.get(&code).await.status(), 200);
    from_outside(&app.settings, CUT).await;
    // Not for luck: a connection is asked whether it lives once it has rested for a second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(app.get(&code).await.status(), 200);
    app.capture(&[document::observation(1, "L1")]).await;
}
