//! What schemathesis makes of our description, and of our own one of the standard.

use std::collections::BTreeSet;

use rootmark::anchor::PublicLog;
use rootmark::check::check;
use serde_json::{Value, json};

use crate::judge::{judged, operations, seeded};
use crate::standard;
use crate::support::TestApp;

/// From our description more are made up, in any case.
const MIN_REQUESTS: u64 = 6_000;

async fn our_description(app: &TestApp) -> Value {
    serde_json::from_str(&app.get_text("/epcis/openapi.json").await).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_schemathesis_makes_up_gets_an_answer_that_our_description_lacks() {
    let app = seeded().await;
    let described = our_description(&app).await;
    let verdict = judged(&app, &described, "").await;
    verdict.assert_complete(operations(&described));
    verdict.assert_clean();
    // Half of them go through the members of a document: a setting that left them out would be seen here.
    let requests = verdict.report["test_cases"]["generated"].as_u64().unwrap();
    assert!(requests > MIN_REQUESTS, "{requests}: {}", verdict.text);
    // Whatever it captured, the record holds together.
    app.sealed().await;
    let mut conn = app.running.database.checker.acquire().await.unwrap();
    let log = PublicLog::new(app.public_log());
    let report = check(&mut conn, log.folder(), |_, _| ()).await.unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_schemathesis_makes_up_gets_an_answer_that_epcis_2_0_lacks() {
    let app = seeded().await;
    let described = standard::description(&our_description(&app).await);
    let verdict = judged(&app, &described, "/epcis").await;
    verdict.assert_complete(operations(&described));
    verdict.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_described_is_found() {
    let app = seeded().await;
    let mut described = our_description(&app).await;
    let only = "/epcis/events/{eventID}";
    described["paths"]
        .as_object_mut()
        .unwrap()
        .retain(|path, _| path == only);
    let operation = &mut described["paths"][only]["get"];
    operation["responses"]
        .as_object_mut()
        .unwrap()
        .remove("404");
    operation["responses"]["200"] = json!({"description": "Nothing.", "content": {"text/plain": {}},
        "headers": {"Rootmark-Nothing": {"required": true, "schema": {"type": "string"}}}});
    let verdict = judged(&app, &described, "").await;
    let failures = verdict.report["failures"].as_array().unwrap();
    let found: BTreeSet<&str> = failures.iter().filter_map(|f| f["type"].as_str()).collect();
    let expected = [
        "UndefinedStatusCode",
        "UndefinedContentType",
        "MissingHeaders",
    ];
    assert_eq!(found, BTreeSet::from(expected), "{}", verdict.text);
}
