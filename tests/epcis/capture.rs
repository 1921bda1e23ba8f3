//! `POST /epcis/capture` and the job that it answers with.

use rootmark::domain::scope::Scope;
use serde_json::Value;

use crate::kit::{another_merchant, count, event_count, key_for, refusal};
use crate::support::TestApp;
use crate::support::document::{document, observation};

/// Captures two events and gives the address of the job.
async fn job_address(app: &TestApp) -> String {
    let body = document(&[observation(1, "L1"), observation(2, "L1")]);
    let answer = app.post("/epcis/capture", body).await;
    assert_eq!(answer.status(), 202);
    answer.headers()["Location"].to_str().unwrap().to_owned()
}

async fn get_as(app: &TestApp, key: &str, path: &str) -> reqwest::Response {
    app.http
        .get(app.url(path))
        .bearer_auth(key)
        .send()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_answered_with_a_job_that_is_finished_already() {
    let app = TestApp::start().await;
    let body = document(&[observation(1, "L1"), observation(2, "L1")]);
    let answer = app.post("/epcis/capture", body).await;
    assert_eq!(answer.status(), 202);
    let headers = answer.headers().clone();
    assert_eq!(headers["GS1-EPCIS-Capture-Limit"], "10000");
    assert_eq!(headers["GS1-EPCIS-Capture-File-Size-Limit"], "16777216");
    assert_eq!(headers["GS1-Capture-Error-Behaviour"], "rollback");
    let answered: Value = answer.json().await.unwrap();
    let id = answered["captureID"].as_str().unwrap();
    let address = headers["Location"].to_str().unwrap();
    assert_eq!(address, format!("/epcis/capture/{id}"));

    let polled = get_as(&app, &app.key, address).await;
    assert_eq!(polled.status(), 200);
    let polled: Value = polled.json().await.unwrap();
    // Sealing goes on meanwhile.
    let without_sealed = |job: &Value| {
        let mut job = job.clone();
        job.as_object_mut().unwrap().remove("rootmark:sealed");
        job
    };
    assert_eq!(without_sealed(&polled), without_sealed(&answered));
    assert_eq!(polled["running"], false);
    assert_eq!(polled["success"], true);
    assert_eq!(polled["captureErrorBehaviour"], "rollback");
    assert_eq!(polled["errors"], Value::Array(Vec::new()));
    assert_eq!(polled["rootmark:eventCount"], 2);
    assert_eq!(polled["rootmark:storedCount"], 2);
    for time in ["createdAt", "finishedAt"] {
        assert!(polled[time].as_str().unwrap().ends_with('Z'), "{polled}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_stored_before_the_answer_even_if_nothing_is_ever_sealed() {
    let never = std::time::Duration::from_secs(3_600);
    let app = TestApp::start_with(|settings| settings.seal_interval = never).await;
    let pending_or_sealed = "SELECT (SELECT count(*) FROM pending_batch)
        + (SELECT count(*) FROM sealed_batch)";
    let before = count(&app, pending_or_sealed).await;
    app.capture(&[observation(1, "L1"), observation(2, "L1")])
        .await;
    assert_eq!(count(&app, "SELECT count(*) FROM event_key").await, 2);
    assert_eq!(event_count(&app).await, 2);
    assert_eq!(count(&app, pending_or_sealed).await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_another_merchant_is_no_job_at_all() {
    let app = TestApp::start().await;
    let address = job_address(&app).await;
    let (_, other) = another_merchant(&app).await;
    let theirs = get_as(&app, &other, &address).await;
    assert_eq!(theirs.status(), 404);
    let theirs = theirs.text().await.unwrap();
    // Whoever asks must not learn that the job exists.
    for unknown in [
        "/epcis/capture/019a0000-0000-7000-8000-000000000000",
        "/epcis/capture/1",
    ] {
        let answer = get_as(&app, &app.key, unknown).await;
        assert_eq!(answer.status(), 404, "{unknown}");
        assert_eq!(answer.text().await.unwrap(), theirs, "{unknown}");
    }
    assert_eq!(get_as(&app, &app.key, &address).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_shown_to_keys_that_may_capture_only() {
    let app = TestApp::start().await;
    let address = job_address(&app).await;
    let without_key = app.get(&address).await;
    assert_eq!(without_key.headers()["WWW-Authenticate"], "Bearer");
    assert_eq!(refusal(without_key).await.status, 401);
    let describing = key_for(&app, &[Scope::MasterData, Scope::Codes]).await;
    assert_eq!(
        refusal(get_as(&app, &describing, &address).await)
            .await
            .status,
        403
    );
    let capturing = key_for(&app, &[Scope::Capture]).await;
    assert_eq!(get_as(&app, &capturing, &address).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_rolled_back_whole_unless_it_is_to_proceed() {
    let app = TestApp::start().await;
    let send = async |behaviour: &str| {
        let request = app
            .http
            .post(app.url("/epcis/capture"))
            .bearer_auth(&app.key);
        let request = request.header("Content-Type", "application/json");
        let request = request.header("GS1-Capture-Error-Behaviour", behaviour);
        request
            .body(document(&[observation(1, "L1")]))
            .send()
            .await
            .unwrap()
    };
    for behaviour in ["Proceed", "ignore", ""] {
        let refused = refusal(send(behaviour).await).await;
        assert_eq!(refused.status, 400, "{behaviour:?}");
        assert!(
            refused.detail.contains("rollback or proceed"),
            "{}",
            refused.detail
        );
    }
    assert_eq!(count(&app, "SELECT count(*) FROM event_key").await, 0);
    assert_eq!(send("rollback").await.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_proceeds_stores_what_it_can_and_its_job_tells_the_rest() {
    let app = TestApp::start().await;
    let send = async |behaviour: &str, events: &[String]| {
        let request = app
            .http
            .post(app.url("/epcis/capture"))
            .bearer_auth(&app.key);
        let request = request.header("Content-Type", "application/json");
        let request = request.header("GS1-Capture-Error-Behaviour", behaviour);
        request.body(document(events)).send().await.unwrap()
    };
    app.capture(&[observation(1, "L1")]).await;
    let good = observation(2, "L1");
    let wrong = observation(3, "L1").replace("OBSERVE", "LOOK");
    let known = observation(1, "L2");
    let twice = observation(2, "L9");
    let events = [
        wrong.clone(),
        good.clone(),
        known,
        twice,
        observation(4, "L1"),
    ];
    // Rolled back, none of them is stored.
    assert_eq!(send("rollback", &events).await.status(), 400);
    assert_eq!(event_count(&app).await, 1);
    let answer = send("proceed", &events).await;
    assert_eq!(answer.status(), 202);
    assert_eq!(answer.headers()["GS1-Capture-Error-Behaviour"], "proceed");
    let address = answer.headers()["Location"].to_str().unwrap().to_owned();
    let answered: Value = answer.json().await.unwrap();
    assert_eq!(event_count(&app).await, 3);
    let job: Value = get_as(&app, &app.key, &address).await.json().await.unwrap();
    assert_eq!(job["errors"], answered["errors"]);
    assert_eq!(
        (&job["running"], &job["success"]),
        (&false.into(), &false.into())
    );
    assert_eq!(job["captureErrorBehaviour"], "proceed");
    assert_eq!(job["rootmark:eventCount"], 5);
    assert_eq!(job["rootmark:storedCount"], 2);
    assert_eq!(job["rootmark:refusedCount"], 3);
    let told = |error: &Value| {
        let text = |key: &str| error[key].as_str().unwrap().to_owned();
        assert!(!text("detail").is_empty() && !text("title").is_empty());
        (
            error["rootmark:event"].as_u64().unwrap(),
            error["status"].as_u64().unwrap(),
            text("rootmark:pointer"),
        )
    };
    let mut errors: Vec<_> = job["errors"].as_array().unwrap().iter().map(told).collect();
    errors.sort();
    let (rule, id) = ("/action".to_owned(), "/eventID".to_owned());
    assert_eq!(errors, [(0, 400, rule), (2, 409, id.clone()), (3, 409, id)]);
    // An envelope that cannot be read has nothing to proceed with.
    let broken = document(&[good]).replace("EPCISDocument", "Document");
    let request = app
        .http
        .post(app.url("/epcis/capture"))
        .bearer_auth(&app.key);
    let request = request
        .header("Content-Type", "application/json")
        .body(broken);
    let request = request.header("GS1-Capture-Error-Behaviour", "proceed");
    assert_eq!(refusal(request.send().await.unwrap()).await.status, 400);
    // More errors than are told are counted all the same.
    let many: Vec<String> = (100..160)
        .map(|id| observation(id, "L1").replace("OBSERVE", "LOOK"))
        .collect();
    let job: Value = send("proceed", &many).await.json().await.unwrap();
    assert_eq!(job["errors"].as_array().unwrap().len(), 50);
    assert_eq!(job["rootmark:refusedCount"], 60);
    assert_eq!(job["rootmark:storedCount"], 0);
    assert_eq!(job["rootmark:proof"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_newest_first_a_page_at_a_time_and_to_their_own_merchant() {
    let app = TestApp::start().await;
    let mut expected = Vec::new();
    for id in 1..=3 {
        let answer = app
            .post("/epcis/capture", document(&[observation(id, "L1")]))
            .await;
        let job: Value = answer.json().await.unwrap();
        expected.insert(0, job["captureID"].clone());
    }
    let mut found = Vec::new();
    let mut next = Some("/epcis/capture?perPage=2".to_owned());
    while let Some(address) = next {
        let answer = get_as(&app, &app.key, &address).await;
        assert_eq!(answer.status(), 200);
        let link = answer
            .headers()
            .get("Link")
            .map(|link| link.to_str().unwrap().to_owned());
        next = link.map(|link| link[1..link.find('>').unwrap()].to_owned());
        let page: Value = answer.json().await.unwrap();
        found.extend(
            page.as_array()
                .unwrap()
                .iter()
                .map(|job| job["captureID"].clone()),
        );
    }
    assert_eq!(found, expected);
    let (_, other) = another_merchant(&app).await;
    // Of one it is said whether it is sealed; in the list nobody looked.
    app.sealed().await;
    let listed = get_as(&app, &app.key, "/epcis/capture").await;
    let listed: Value = listed.json().await.unwrap();
    let first = &listed[0];
    assert_eq!(first.get("rootmark:sealed"), None, "{first}");
    let id = first["captureID"].as_str().unwrap();
    let one = get_as(&app, &app.key, &format!("/epcis/capture/{id}")).await;
    let one: Value = one.json().await.unwrap();
    assert_eq!(one["rootmark:sealed"], true);
    let theirs: Value = get_as(&app, &other, "/epcis/capture")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(theirs, Value::Array(Vec::new()));
    assert_eq!(app.get("/epcis/capture").await.status(), 401);
    assert_eq!(
        refusal(get_as(&app, &app.key, "/epcis/capture?x=1").await)
            .await
            .status,
        400
    );
}
