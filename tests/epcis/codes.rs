//! `/api/code-ranges`: ordering item codes and listing them.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::Value;

use crate::kit::{
    OTHER_GTIN, alter, another_merchant, assert_checks_out, count, everything, product, proof,
    refusal,
};
use crate::support::{GTIN, TestApp};

fn order(gtin: &str, lot: &str, quantity: impl std::fmt::Display) -> String {
    format!(r#"{{"gtin":"{gtin}","lot":"{lot}","quantity":{quantity}}}"#)
}

/// Orders codes, which must be granted: the answer.
async fn granted(app: &TestApp, body: String) -> Value {
    let answer = app.post("/api/code-ranges", body).await;
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, 201, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The codes at an address, one a line.
async fn list(app: &TestApp, path: &str) -> Vec<String> {
    let request = app.http.get(app.url(path)).bearer_auth(&app.key);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer
        .text()
        .await
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_answered_with_the_address_of_its_codes() {
    let app = TestApp::start().await;
    let granted = granted(&app, order(GTIN, "L1", 5_000)).await;
    assert_eq!(granted["gtin"], GTIN);
    assert_eq!(granted["lot"], "L1");
    assert_eq!(granted["quantity"], 5_000);
    let path = granted["codes"].as_str().unwrap();
    let request = app.http.get(app.url(path)).bearer_auth(&app.key);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()["Content-Type"],
        "text/plain; charset=utf-8"
    );
    assert_eq!(answer.headers()["Cache-Control"], "no-store");
    let text = answer.text().await.unwrap();
    assert!(text.ends_with('\n'));
    let codes: HashSet<&str> = text.lines().collect();
    assert_eq!(codes.len(), 5_000);
    let start = format!("{}/01/{GTIN}/10/L1/21/", app.running.url);
    assert!(codes.iter().all(|code| code.starts_with(&start)), "{start}");
    // Listed again they are the same, in the same order.
    assert_eq!(list(&app, path).await, text.lines().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listed_code_has_a_page_and_a_changed_one_has_none() {
    let app = TestApp::start().await;
    let codes = app.issue("L1", 5).await;
    app.sealed().await;
    for code in &codes {
        assert_eq!(app.get(code).await.status(), 200, "{code}");
        let (rest, last) = code.split_at(code.len() - 1);
        let changed = if last == "2" { "3" } else { "2" };
        let forged = format!("{rest}{changed}");
        assert_eq!(app.get(&forged).await.status(), 404, "{forged}");
        let other_lot = code.replace("/10/L1/", "/10/L2/");
        let other_lot = app.get_text(&format!("{other_lot}?lang=en")).await;
        assert!(other_lot.contains("says batch L2; on record this item is of batch L1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_may_be_ordered_before_their_lot_is_known() {
    let app = TestApp::start().await;
    for body in [
        format!(r#"{{"gtin":"{GTIN}","quantity":2}}"#),
        format!(r#"{{"gtin":"{GTIN}","lot":null,"quantity":2}}"#),
    ] {
        let granted = granted(&app, body).await;
        assert_eq!(granted["lot"], Value::Null);
        let codes = list(&app, granted["codes"].as_str().unwrap()).await;
        let start = format!("{}/01/{GTIN}/21/", app.running.url);
        assert!(
            codes.iter().all(|code| code.starts_with(&start)),
            "{codes:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_says_publicly_how_many_codes_there_are_and_never_which() {
    let app = TestApp::start().await;
    let codes = app.issue("L1", 41).await;
    let statements = proof(&app, &format!("/01/{GTIN}/10/L1")).await.statements;
    let issued: Vec<_> = statements
        .iter()
        .filter(|statement| statement.kind == "issuance")
        .collect();
    assert_eq!(issued.len(), 1);
    assert_eq!(issued[0].content.value("/body/quantity"), Some("41"));
    let serial = codes[0].rsplit('/').next().unwrap();
    let said = format!("{:?} {:?}", issued[0].content, issued[0].receipt);
    assert!(!said.contains(serial), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_none_or_of_too_many_is_refused() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let bad = [
        "0",
        "10000001",
        "4294967295",
        "4294967296",
        "18446744073709551616",
        "-1",
        "-0",
        "1.0",
        "1e3",
        "\"5\"",
        "null",
        "[5]",
        "true",
    ];
    for quantity in bad {
        let refused = refusal(
            app.post("/api/code-ranges", order(GTIN, "L1", quantity))
                .await,
        )
        .await;
        assert_eq!(refused.status, 400, "{quantity}");
        assert_eq!(
            refused.kind, "epcisException:ValidationException",
            "{quantity}"
        );
    }
    assert_eq!(everything(&app).await, before);
    for quantity in [1, 10_000_000] {
        assert_eq!(
            granted(&app, order(GTIN, "L1", quantity)).await["quantity"],
            quantity
        );
    }
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_order_is_refused_with_its_field_named() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    for (body, field) in [
        (order("09521041001013", "L1", 1), "/gtin"),
        (order("", "L1", 1), "/gtin"),
        (r#"{"lot":"L1","quantity":1}"#.to_owned(), "/gtin"),
        (order(GTIN, "", 1), "/lot"),
        (order(GTIN, "L 1", 1), "/lot"),
        (order(GTIN, "123456789012345678901", 1), "/lot"),
        (order(GTIN, "批次", 1), "/lot"),
        (order(GTIN, "L1", 1).replace("\"L1\"", "1"), "/lot"),
        (format!(r#"{{"gtin":"{GTIN}"}}"#), "/quantity"),
        (
            order(GTIN, "L1", 1).replace("}", r#","serial":"1"}"#),
            "/serial",
        ),
    ] {
        let refused = refusal(app.post("/api/code-ranges", body.clone()).await).await;
        assert_eq!(refused.status, 400, "{body}");
        assert!(
            refused.detail.starts_with(&format!("{field}: ")),
            "{body}: {}",
            refused.detail
        );
    }
    for body in ["[]", "null", "7"] {
        assert_eq!(
            refusal(app.post("/api/code-ranges", body).await)
                .await
                .status,
            400
        );
    }
    assert_eq!(everything(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_issued_only_for_the_merchants_own_products() {
    let app = TestApp::start().await;
    let (_, other) = another_merchant(&app).await;
    let before = everything(&app).await;
    // Another's product, and one that nobody has described.
    for (key, gtin) in [(&other, GTIN), (&other, OTHER_GTIN), (&app.key, OTHER_GTIN)] {
        let answer = app
            .post_as(key, "/api/code-ranges", order(gtin, "L1", 1))
            .await;
        let refused = refusal(answer).await;
        assert_eq!(refused.status, 403, "{gtin}");
        assert!(refused.detail.contains(gtin), "{}", refused.detail);
    }
    assert_eq!(everything(&app).await, before);
    let steak = product(OTHER_GTIN, "Steak");
    assert_eq!(
        app.post_as(&other, "/api/products", steak).await.status(),
        201
    );
    let answer = app
        .post_as(&other, "/api/code-ranges", order(OTHER_GTIN, "L1", 1))
        .await;
    assert_eq!(answer.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_merchants_codes_are_no_codes_at_all() {
    let app = TestApp::start().await;
    let (_, other) = another_merchant(&app).await;
    app.issue("L1", 5).await;
    app.issue("L2", 5).await;
    let get = async |key: &str, path: &str| {
        let answer = app
            .http
            .get(app.url(path))
            .bearer_auth(key)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let range = |first: &str| format!("/api/code-ranges/{GTIN}/{first}/codes");
    let unknown = get(&app.key, &range("10")).await;
    assert_eq!(unknown.0, 404);
    for first in ["0", "5"] {
        assert_eq!(get(&app.key, &range(first)).await.0, 200);
        assert_eq!(get(&other, &range(first)).await, unknown, "{first}");
    }
    // A number inside a range is not the range.
    for first in ["1", "4", "6", "-1", "x", "4294967295", "4294967296", "5.0"] {
        assert_eq!(get(&app.key, &range(first)).await, unknown, "{first}");
    }
    let wrong = "/api/code-ranges/09521041001013/0/codes";
    assert_eq!(get(&app.key, wrong).await, unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_made_at_once_never_share_a_code() {
    let app = TestApp::start().await;
    let ordered = async |lot: &'static str| {
        let granted = granted(&app, order(GTIN, lot, 40)).await;
        list(&app, granted["codes"].as_str().unwrap()).await
    };
    let lots = ["L1", "L2", "L3", "L1", "L2", "L3", "L1", "L2", "L3", "L1"];
    let codes: Vec<String> = join_all(lots.map(ordered))
        .await
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(codes.len(), 400);
    let serials: HashSet<&str> = codes
        .iter()
        .map(|code| code.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(serials.len(), 400);
    // Without gaps either: a number that was skipped would be a code that nobody can account for.
    assert_eq!(
        count(&app, "SELECT max(first_number + quantity) FROM code_range").await,
        400
    );
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_has_as_many_codes_as_there_are_numbers_and_no_more() {
    let app = TestApp::start().await;
    app.issue("L1", 1).await;
    app.sealed().await;
    alter(&app, "UPDATE code_range SET quantity = 4294967296 - 3").await;
    let before = everything(&app).await;
    let refused = refusal(app.post("/api/code-ranges", order(GTIN, "L2", 4)).await).await;
    assert_eq!(refused.status, 409);
    assert!(
        refused.detail.contains("only 3 codes left"),
        "{}",
        refused.detail
    );
    assert_eq!(everything(&app).await, before);
    let granted = granted(&app, order(GTIN, "L2", 3)).await;
    let codes = list(&app, granted["codes"].as_str().unwrap()).await;
    assert_eq!(codes.iter().collect::<HashSet<_>>().len(), 3);
    let path = codes[2].strip_prefix(&app.running.url).unwrap();
    assert_eq!(app.get(path).await.status(), 200);
    let refused = refusal(app.post("/api/code-ranges", order(GTIN, "L3", 1)).await).await;
    assert_eq!(refused.status, 409);
}
