//! epcis2.js, unchanged and with its own classes and functions, against a service.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::installed::installed;
use crate::programs::run;
use crate::support::TestApp;

/// What `epcis2.mjs` saw of a service.
async fn session(app: &TestApp, key: &str) -> Result<Value, String> {
    let session = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/epcis2.mjs");
    let mut node = Command::new(installed("bin/node"));
    node.arg("--no-deprecation")
        .arg(session)
        .arg(installed("epcis2.js/dist/epcis2.node.js"))
        .arg(app.url("/epcis"))
        .env("KEY", key);
    let ended = run(&mut node, Duration::from_secs(120)).await;
    if !ended.succeeded {
        // A trace begins with the library's own line, which is half a megabyte long.
        let lines = ended.errors.lines().filter(|line| line.len() < 1_000);
        return Err(lines.collect::<Vec<_>>().join("\n"));
    }
    Ok(serde_json::from_str(&ended.output).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_epcis2_js_captures_is_stored_and_read_back_equal_in_every_event_type() {
    let app = TestApp::start().await;
    let said = session(&app, &app.key).await.unwrap();
    let stored = json!({"status": 202, "running": false, "success": true, "errors": []});
    assert_eq!(said["good"], stored);
    assert_eq!(said["again"], stored, "a repeat is no fault");
    let events = said["events"].as_array().unwrap();
    let mut types = Vec::new();
    for event in events {
        assert_eq!(event["found"], event["sent"]);
        // The library holds the answer against the JSON schema of GS1 that it brings.
        assert_eq!(event["valid"], json!({"success": true, "errors": []}));
        types.push(event["found"]["type"].as_str().unwrap());
    }
    assert_eq!(
        types,
        [
            "ObjectEvent",
            "AggregationEvent",
            "TransactionEvent",
            "TransformationEvent",
            "AssociationEvent"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_a_failure_to_epcis2_js_too_at_once_or_in_the_job() {
    let app = TestApp::start().await;
    let said = session(&app, &app.key).await.unwrap();
    let problem = &said["rolledBack"]["problem"];
    assert_eq!(said["rolledBack"]["status"], 400);
    assert_eq!(problem["type"], "epcisException:ValidationException");
    assert_eq!(problem["errors"][0]["pointer"], "/action");
    let job = &said["proceeded"];
    assert_eq!(job["status"], 202);
    assert_eq!(
        (&job["running"], &job["success"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(job["errors"].as_array().unwrap().len(), 1);
    assert_eq!(job["errors"][0]["rootmark:pointer"], "/action");
    // It was no fault of ours that the others came through: the library knows it for wrong itself.
    assert_eq!(said["ownCheck"], "held back");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_epcis2_js_stores_nothing() {
    let app = TestApp::start().await;
    // Nothing is there to be read back, and the session ends where it tries to.
    let ended = session(&app, "none").await.unwrap_err();
    assert!(ended.contains("epcisBody"), "{ended}");
    let events = app.http.get(app.url("/epcis/events")).bearer_auth(&app.key);
    let found: Value = events.send().await.unwrap().json().await.unwrap();
    let list = &found["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
    assert_eq!(*list, json!([]));
}
