//! `rootmark capture FILE…`: the same as the HTTP API, from files.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::kit::{
    OTHER_ISSUER, another_merchant, assert_checks_out, event_count, everything, product,
    proven_event, stored,
};
use crate::support::command::{rootmark, rootmark_with};
use crate::support::document::{document, observation};
use crate::support::{GTIN, ISSUER, TestApp};

/// Writes files and gives their paths.
fn write<const N: usize>(app: &TestApp, files: [(&str, &str); N]) -> [String; N] {
    files.map(|(name, text)| {
        let path: PathBuf = app.data_dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_captured_as_the_api_would() {
    let app = TestApp::start().await;
    let text = document(&[observation(1, "L1"), observation(2, "L2")]);
    let [file] = write(&app, [("good.json", &text)]);
    let said = rootmark(&app, &["capture", &file, "--json"]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(
        said.json(),
        json!({ "events": 2, "stored": 2, "refused": [] })
    );
    // The service that runs beside it seals and publishes it.
    let event = proven_event(&app, &format!("/01/{GTIN}/10/L1")).await;
    assert_eq!(event.issuer, ISSUER);
    assert_eq!(event.content.value("/body/example:reading"), Some("1.0"));
    assert_eq!(
        event.content.value("/body/quantityList/0/quantity"),
        Some("12.50")
    );
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_and_the_command_capture_is_known_to_both() {
    let app = TestApp::start().await;
    let named = observation(1, "L1");
    let member = r#""eventID":"urn:uuid:00000000-0000-4000-8000-000000000001","#;
    let nameless = named.replace(member, "");
    assert_ne!(nameless, named);
    let events = [named, nameless, observation(2, "L1")];
    assert_eq!(stored(&app, &events[..2]).await, 2);
    let [file] = write(&app, [("known.json", &document(&events))]);
    let said = rootmark(&app, &["capture", &file, "--json"]).await;
    assert_eq!(
        said.json(),
        json!({ "events": 3, "stored": 1, "refused": [] })
    );
    let said = rootmark(&app, &["capture", &file, &file]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.out.starts_with("events captured: 6, new: 0"),
        "{}",
        said.out
    );
    assert_eq!(stored(&app, &events).await, 0);
    assert_eq!(event_count(&app).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_leaves_nothing_and_says_why() {
    let app = TestApp::start().await;
    stored(&app, &[observation(7, "L1")]).await;
    let bad = observation(2, "L1").replace("inspecting", "looking");
    let twice = observation(3, "L1").replace("\"action\"", "\"act\"");
    let faulty = document(&[observation(1, "L1"), bad, twice]);
    let conflict = observation(7, "L1").replace("12.50", "12.5");
    let conflicting = document(&[observation(1, "L1"), conflict]);
    let many = document(&vec!["{}".to_owned(); 10_001]);
    let before = everything(&app).await;
    let cases = [
        (
            "faulty.json",
            faulty.as_str(),
            vec!["event 1, /bizStep", "event 2, /act"],
        ),
        (
            "conflict.json",
            &conflicting,
            vec!["event 1: urn:uuid:00000000-0000-4000-8000"],
        ),
        (
            "envelope.json",
            r#"{"type":"EPCISDocument"}"#,
            vec!["/@context"],
        ),
        ("cut.json", &faulty[..faulty.len() - 1], vec!["not JSON"]),
        ("empty.json", "", vec!["not JSON"]),
        ("deep.json", &"[".repeat(100_000), vec!["deeper than 64"]),
        ("many.json", &many, vec!["10001 events"]),
    ];
    for (name, text, faults) in cases {
        let [file] = write(&app, [(name, text)]);
        let said = rootmark(&app, &["capture", &file, "--json"]).await;
        assert_eq!(said.code, 1, "{name}: {}", said.err);
        let report = said.json();
        assert_eq!(
            (&report["events"], &report["stored"]),
            (&json!(0), &json!(0)),
            "{name}"
        );
        let refused = report["refused"].as_array().unwrap();
        assert_eq!(refused.len(), 1, "{name}");
        assert_eq!(refused[0]["file"], file.as_str());
        let told = refused[0]["faults"].as_array().unwrap();
        assert_eq!(told.len(), faults.len(), "{told:?}");
        for (told, fault) in told.iter().zip(&faults) {
            assert!(
                told.as_str().unwrap().contains(fault),
                "{told} does not name {fault}"
            );
        }
        let said = rootmark(&app, &["capture", &file]).await;
        assert_eq!(said.code, 1, "{name}");
        assert!(
            said.out.contains(&format!("REFUSED: {file}")),
            "{}",
            said.out
        );
        assert!(
            faults.iter().all(|fault| said.out.contains(fault)),
            "{}",
            said.out
        );
    }
    assert_eq!(everything(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_does_not_keep_the_others_out() {
    let app = TestApp::start().await;
    let bad = observation(9, "L1").replace("inspecting", "looking");
    let [first, faulty, last] = write(
        &app,
        [
            ("1.json", &document(&[observation(1, "L1")])),
            ("2.json", &document(&[observation(2, "L1"), bad])),
            ("3.json", &document(&[observation(3, "L1")])),
        ],
    );
    let said = rootmark(&app, &["capture", "--json", &first, &faulty, &last]).await;
    assert_eq!(said.code, 1, "{}", said.err);
    let report = said.json();
    assert_eq!(
        (&report["events"], &report["stored"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(report["refused"][0]["file"], faulty.as_str());
    assert_eq!(event_count(&app).await, 2);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_utf8_is_refused_like_any_malformed_one() {
    let app = TestApp::start().await;
    let [good] = write(&app, [("good.json", &document(&[observation(1, "L1")]))]);
    let bad = app.data_dir.path().join("bad.json");
    std::fs::write(&bad, b"{\"a\":\"\xff\"}").unwrap();
    let bad = bad.to_str().unwrap();
    let said = rootmark(&app, &["capture", "--json", bad, &good]).await;
    assert_eq!(said.code, 1, "{}", said.err);
    let report = said.json();
    assert_eq!(report["refused"][0]["file"], bad);
    assert_eq!(report["stored"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_at_all_is_told_apart_from_what_is_refused() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let [file] = write(&app, [("good.json", &document(&[observation(1, "L1")]))]);
    let missing = format!("{file}.missing");
    let folder = app.data_dir.path().to_str().unwrap();
    let cases: [&[&str]; 6] = [
        &["capture"],
        &["capture", &missing],
        &["capture", folder],
        &["capture", &file, "--merchant", "Nobody"],
        &[
            "capture",
            &file,
            "--issuer",
            "https://id.gs1.org/414/9521041000008",
        ],
        &["capture", &file, "--colour"],
    ];
    for arguments in cases {
        let said = rootmark(&app, arguments).await;
        assert_eq!(said.code, 2, "{arguments:?}: {}", said.out);
        assert!(
            !said.err.is_empty() && said.out.is_empty(),
            "{arguments:?}: {}",
            said.out
        );
    }
    let nowhere = "postgres://rootmark:hunter2@localhost/none?host=%2Fnonexistent";
    let variables = [("ROOTMARK_DATABASE_URL", nowhere)];
    let said = rootmark_with(&app.settings, &["capture", &file], &variables).await;
    assert_eq!(said.code, 2, "{}", said.out);
    assert!(
        !said.err.contains("hunter2") && !said.err.is_empty(),
        "{}",
        said.err
    );
    assert_eq!(everything(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_data_folder_is_not_taken_for_the_logs_own() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let [file] = write(&app, [("good.json", &document(&[observation(1, "L1")]))]);
    let elsewhere = tempfile::tempdir().unwrap();
    let variables = [("ROOTMARK_DATA_DIR", elsewhere.path().to_str().unwrap())];
    let said = rootmark_with(&app.settings, &["capture", &file], &variables).await;
    assert_eq!(said.code, 2, "{}", said.out);
    assert_eq!(everything(&app).await, before);
    assert!(
        !Path::new(elsewhere.path()).join("keys").exists(),
        "a key was made"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_merchants_one_must_be_named() {
    let app = TestApp::start().await;
    let (other_id, _) = another_merchant(&app).await;
    let [file] = write(&app, [("good.json", &document(&[observation(1, "L1")]))]);
    let said = rootmark(&app, &["capture", &file]).await;
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--merchant"), "{}", said.err);
    // By a name that two had, neither could be.
    let again = ["merchant", "add", "Redridge Demo", "--issuer", OTHER_ISSUER];
    let said = rootmark(&app, &again).await;
    assert_eq!(said.code, 2);
    let told = "there is a merchant \"Redridge Demo\" already";
    assert!(said.err.contains(told), "{}", said.err);
    let other = other_id.to_string();
    for (merchant, new) in [
        ("Larkmere Demo", 1),
        (other.as_str(), 1),
        ("Redridge Demo", 0),
    ] {
        let arguments = ["capture", &file, "--merchant", merchant, "--json"];
        let said = rootmark(&app, &arguments).await;
        assert_eq!(said.code, 0, "{merchant}: {}", said.err);
        assert_eq!(said.json()["stored"], new, "{merchant}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_captured_in_the_name_of_the_party_that_is_given() {
    let app = TestApp::start().await;
    let [file] = write(&app, [("good.json", &document(&[observation(1, "L1")]))]);
    // A URN is read, and the party's one canonical name is recorded.
    for (issuer, code) in [
        ("urn:epc:id:pgln:9521072.00000", 0),
        (OTHER_ISSUER, 0),
        (ISSUER, 1),
    ] {
        let said = rootmark(&app, &["capture", &file, "--issuer", issuer]).await;
        assert_eq!(said.code, code, "{issuer}: {}{}", said.out, said.err);
    }
    assert_eq!(event_count(&app).await, 1);
    let event = proven_event(&app, &format!("/01/{GTIN}/10/L1")).await;
    assert_eq!(event.issuer, OTHER_ISSUER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_is_not_an_epcis_document() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let [file] = write(&app, [("product.json", &product(GTIN, "Tin"))]);
    assert_eq!(rootmark(&app, &["capture", &file]).await.code, 1);
    assert_eq!(everything(&app).await, before);
}
