//! Receipts: whoever captures may wait for the seal, and gets the proof of what it sent.

use std::time::Duration;

use auditlog::bundle::{KeysFrom, Trust, Verified, verify};
use auditlog::note::Verifier;
use rootmark::capture::MAX_STORED_IN;
use rootmark::domain::scope::Scope;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::kit::{another_merchant, assert_checks_out, event_count, key_for, refusal};
use crate::support::document::{document, observation};
use crate::support::{ISSUER, TestApp};

const NEVER: Duration = Duration::from_secs(3_600);

async fn capture(app: &TestApp, body: String, prefer: Option<&str>) -> reqwest::Response {
    let request = app
        .http
        .post(app.url("/epcis/capture"))
        .bearer_auth(&app.key);
    let request = request
        .header("Content-Type", "application/json")
        .body(body);
    let request = match prefer {
        Some(prefer) => request.header("Prefer", prefer),
        None => request,
    };
    request.send().await.unwrap()
}

async fn get(app: &TestApp, key: &str, path: &str, prefer: Option<&str>) -> reqwest::Response {
    let request = app.http.get(app.url(path)).bearer_auth(key);
    let request = match prefer {
        Some(prefer) => request.header("Prefer", prefer),
        None => request,
    };
    request.send().await.unwrap()
}

fn header<'a>(answer: &'a reqwest::Response, name: &str) -> Option<&'a str> {
    answer
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

fn verified(app: &TestApp, bundle: &[u8]) -> Verified {
    let key = |text: &str| Verifier::parse(text).unwrap();
    let (log, story) = (key(&app.running.vkey), key(&app.running.story_vkey));
    let trust = Trust {
        log: Some(&log),
        story: Some(&story),
        ..Trust::default()
    };
    verify(bundle, &trust).unwrap()
}

fn two_events() -> String {
    document(&[observation(1, "L1"), observation(2, "L2")])
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_the_seal_gets_the_proof_of_all_that_it_sent_and_of_nothing_else() {
    let app = TestApp::start().await;
    let neighbour = document(&[observation(9, "L1")]);
    assert_eq!(capture(&app, neighbour, None).await.status(), 202);
    let answer = capture(&app, two_events(), Some("wait=30")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "Preference-Applied"), Some("wait=30"));
    let job = header(&answer, "Location").unwrap().to_owned();
    let place = header(&answer, "Content-Location").unwrap().to_owned();
    assert_eq!(place, format!("{job}/proof"));
    let bundle = answer.bytes().await.unwrap();

    let proof = verified(&app, &bundle);
    assert_eq!(proof.keys, KeysFrom::Verifier);
    let id = job.strip_prefix("/epcis/capture/").unwrap();
    assert_eq!(proof.subject, format!("urn:uuid:{id}"));
    assert_eq!(proof.statements.len(), 2);
    assert_eq!((proof.withheld(), proof.unnamed()), (0, 0));
    for (statement, lot) in proof.statements.iter().zip(["L1", "L2"]) {
        assert_eq!(statement.kind, "event");
        assert_eq!(statement.issuer, ISSUER);
        let class = statement.content.value("/body/quantityList/0/epcClass");
        assert!(class.unwrap().ends_with(&format!("/10/{lot}\"")));
    }

    // The same at any later time, under the checkpoint of that time.
    let later = get(&app, &app.key, &place, None).await;
    assert_eq!(later.status(), 200);
    let name = header(&later, "Content-Disposition").unwrap();
    assert_eq!(name, format!("attachment; filename=\"rootmark-{id}.json\""));
    let later = verified(&app, &later.bytes().await.unwrap());
    assert_eq!(later.statements, proof.statements);
    // The job says so, and a wait for it is answered like the capture.
    let polled: Value = get(&app, &app.key, &job, None).await.json().await.unwrap();
    assert_eq!(polled["rootmark:sealed"], true);
    assert_eq!(polled["rootmark:proof"], place);
    let waited = get(&app, &app.key, &job, Some("wait=5")).await;
    assert_eq!(header(&waited, "Content-Location"), Some(place.as_str()));
    assert_eq!(
        verified(&app, &waited.bytes().await.unwrap()).subject,
        proof.subject
    );
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_does_not_leave_with_a_shoppers_proof() {
    let app = TestApp::start().await;
    app.issue("L1", 1).await;
    app.capture(&[observation(1, "L1"), observation(2, "L2")])
        .await;
    let proof =
        crate::kit::proven_event(&app, &format!("/01/{}/10/L1", crate::support::GTIN)).await;
    let hidden: Vec<&str> = proof
        .receipt
        .leaves
        .iter()
        .filter(|leaf| leaf.value.is_none())
        .map(|leaf| leaf.pointer.as_str())
        .collect();
    assert_eq!(hidden, ["/about/0"]);
    let shown = proof
        .receipt
        .leaves
        .iter()
        .filter_map(|leaf| leaf.value.as_deref());
    let shown: Vec<&str> = shown.collect();
    assert!(
        shown.iter().any(|value| value.contains("epc ")),
        "{shown:?}"
    );
    assert!(
        !shown.iter().any(|value| value.contains("urn:uuid")),
        "{shown:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_runs_out_is_answered_with_the_job_and_loses_nothing() {
    let app = TestApp::start_with(|settings| settings.seal_interval = NEVER).await;
    let answer = capture(&app, two_events(), Some("wait=1")).await;
    assert_eq!(answer.status(), 202);
    assert_eq!(header(&answer, "Preference-Applied"), Some("wait=1"));
    assert_eq!(header(&answer, "Content-Location"), None);
    let job = header(&answer, "Location").unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["rootmark:sealed"], false);
    assert_eq!(body["rootmark:storedCount"], 2);
    assert_eq!(event_count(&app).await, 2);
    let polled = get(&app, &app.key, &job, Some("wait=1")).await;
    assert_eq!(polled.status(), 200);
    assert_eq!(header(&polled, "Preference-Applied"), Some("wait=1"));
    assert_eq!(polled.json::<Value>().await.unwrap(), body);
    let unsealed = refusal(get(&app, &app.key, &format!("{job}/proof"), None).await).await;
    assert_eq!(unsealed.status, 404);
    assert!(unsealed.detail.contains("not public yet"), "{unsealed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preference_that_means_nothing_is_as_none() {
    let app = TestApp::start_with(|settings| settings.seal_interval = NEVER).await;
    for prefer in [
        None,
        Some("wait"),
        Some("wait=0"),
        Some("wait=soon"),
        Some("return=minimal"),
    ] {
        let answer = capture(&app, two_events(), prefer).await;
        assert_eq!(answer.status(), 202, "{prefer:?}");
        assert_eq!(header(&answer, "Preference-Applied"), None, "{prefer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_only_repeats_names_the_captures_that_stored_its_events() {
    let app = TestApp::start().await;
    let first = capture(&app, document(&[observation(1, "L1")]), Some("wait=30")).await;
    let first = header(&first, "Location").unwrap().to_owned();
    // One new, one known: the receipt is of the new one, the job names the other's capture.
    let mixed = capture(&app, two_events(), None).await;
    let second = header(&mixed, "Location").unwrap().to_owned();
    let mixed: Value = mixed.json().await.unwrap();
    assert_eq!(mixed["rootmark:storedIn"], serde_json::json!([first]));
    assert_eq!(mixed["rootmark:proof"], format!("{second}/proof"));
    // Nothing new: nothing to wait for.
    let answer = capture(&app, two_events(), Some("wait=60")).await;
    assert_eq!(answer.status(), 202);
    assert_eq!(header(&answer, "Preference-Applied"), None);
    let job = header(&answer, "Location").unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["rootmark:storedCount"], 0);
    assert_eq!(
        body["rootmark:storedIn"],
        serde_json::json!([first, second])
    );
    for member in ["rootmark:sealed", "rootmark:proof"] {
        assert_eq!(body.get(member), None, "{member}");
    }
    let nothing = refusal(get(&app, &app.key, &format!("{job}/proof"), None).await).await;
    assert_eq!(nothing.status, 404);
    assert!(
        nothing.detail.contains("no events of its own"),
        "{nothing:?}"
    );
    let named = get(&app, &app.key, &format!("{second}/proof"), Some("wait=30")).await;
    assert_eq!(
        verified(&app, &named.bytes().await.unwrap())
            .statements
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_names_no_more_than_a_hundred_earlier_captures() {
    let app = TestApp::start().await;
    let events: Vec<String> = (0..=MAX_STORED_IN as u32)
        .map(|i| observation(i, "L1"))
        .collect();
    let mut jobs = Vec::new();
    for event in &events {
        let answer = capture(&app, document(std::slice::from_ref(event)), None).await;
        jobs.push(Value::from(header(&answer, "Location").unwrap()));
    }
    let stored_in = async |events: &[String]| {
        let answer = capture(&app, document(events), None).await;
        let body: Value = answer.json().await.unwrap();
        body["rootmark:storedIn"].as_array().unwrap().clone()
    };
    let limit = MAX_STORED_IN as usize;
    assert_eq!(stored_in(&events[..limit]).await, jobs[..limit]);
    assert_eq!(stored_in(&events).await, jobs[..limit], "the oldest");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_for_keys_of_the_same_merchant_that_may_capture() {
    let app = TestApp::start().await;
    let answer = capture(&app, two_events(), Some("wait=30")).await;
    let place = header(&answer, "Content-Location").unwrap().to_owned();
    let (_, other) = another_merchant(&app).await;
    let unscoped = key_for(&app, &[Scope::MasterData]).await;
    let colleague = key_for(&app, &[Scope::Capture]).await;
    assert_eq!(
        refusal(get(&app, &other, &place, None).await).await.status,
        404
    );
    assert_eq!(
        refusal(get(&app, &unscoped, &place, None).await)
            .await
            .status,
        403
    );
    assert_eq!(refusal(app.get(&place).await).await.status, 401);
    assert_eq!(get(&app, &colleague, &place, None).await.status(), 200);
    let unknown = place.replace(&place[15..23], "00000000");
    assert_eq!(
        refusal(get(&app, &app.key, &unknown, None).await)
            .await
            .status,
        404
    );
}

/// A connection whose request waits, on a service that lets one request wait and never seals: who comes
/// after it is not granted any.
async fn waiting_connection(app: &TestApp, job: &str) -> TcpStream {
    let request = format!(
        "GET {job} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nPrefer: wait=60\r\n\r\n",
        app.key
    );
    let waits = async {
        loop {
            let mut connection = TcpStream::connect(app.running.address).await.unwrap();
            connection.write_all(request.as_bytes()).await.unwrap();
            // A probe that comes first is granted, and this connection answered at once.
            if !is_granted(app, job).await && connection.try_read(&mut [0]).is_err() {
                return connection;
            }
        }
    };
    let waits = tokio::time::timeout(Duration::from_secs(20), waits);
    waits.await.expect("a connection waits")
}

/// Whether a request is allowed to wait.
async fn is_granted(app: &TestApp, job: &str) -> bool {
    let answer = get(app, &app.key, job, Some("wait=1")).await;
    assert_eq!(answer.status(), 200);
    header(&answer, "Preference-Applied").is_some()
}

/// A service on which one request may wait and nothing is sealed, and a job to wait for.
async fn room_for_one() -> (TestApp, String) {
    let app = TestApp::start_with(|settings| {
        settings.seal_interval = NEVER;
        settings.waiting_limit = 1;
    })
    .await;
    let answer = capture(&app, two_events(), None).await;
    let job = header(&answer, "Location").unwrap().to_owned();
    (app, job)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_wait_and_whoever_goes_away_makes_room() {
    let (app, job) = room_for_one().await;
    let connection = waiting_connection(&app, &job).await;
    assert!(!is_granted(&app, &job).await);
    // It would wait for a minute: only that it left makes room earlier.
    drop(connection);
    let free = async { while !is_granted(&app, &job).await {} };
    let free = tokio::time::timeout(Duration::from_secs(20), free);
    free.await.expect("there is room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stops_answers_those_who_wait() {
    let (app, job) = room_for_one().await;
    let mut connection = waiting_connection(&app, &job).await;
    app.stop().await;
    let mut said = vec![0; 4096];
    let read = connection.read(&mut said).await.unwrap();
    let said = String::from_utf8_lossy(&said[..read]).into_owned();
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
    assert!(said.contains("\"rootmark:sealed\":false"), "{said}");
}
