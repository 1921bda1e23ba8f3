//! `/api/company-prefixes`: what a merchant declares, and the URNs that are written by it.

use auditlog::json;
use reqwest::Method;
use rootmark::domain::gs1::MAX_DECLARED_PREFIXES;
use rootmark::domain::scope::Scope;
use serde_json::Value;

use crate::kit::{alter, another_merchant, count, key_for, refusal, stored, stored_as};
use crate::support::TestApp;
use crate::support::document::{item_observation, observation_of};

const ALL: &str = "/api/company-prefixes";

async fn send(app: &TestApp, key: &str, method: Method, path: &str) -> reqwest::Response {
    let request = app.http.request(method, app.url(path)).bearer_auth(key);
    request.send().await.unwrap()
}

async fn declare(app: &TestApp, key: &str, prefix: &str) -> reqwest::Response {
    send(app, key, Method::PUT, &format!("{ALL}/{prefix}")).await
}

async fn take_back(app: &TestApp, prefix: &str) -> reqwest::Response {
    send(app, &app.key, Method::DELETE, &format!("{ALL}/{prefix}")).await
}

async fn declared(app: &TestApp, key: &str) -> Vec<String> {
    let answer = send(app, key, Method::GET, ALL).await;
    assert_eq!(answer.status(), 200);
    let list: Value = answer.json().await.unwrap();
    let prefix = |row: &Value| row["companyPrefix"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(prefix).collect()
}

/// The item that the only event names, where URNs are asked for.
async fn item_as_urn(app: &TestApp, key: &str) -> String {
    let request = app.http.get(app.url("/epcis/events")).bearer_auth(key);
    let request = request.header("GS1-EPC-Format", "Always_EPC_URN");
    let text = request.send().await.unwrap().text().await.unwrap();
    let document = json::parse(&text).unwrap();
    let results = document.get("epcisBody").unwrap();
    let results = results.get("queryResults").unwrap();
    let events = results.get("resultsBody").unwrap().get("eventList");
    let last = events.unwrap().as_array().unwrap().last().unwrap();
    let items = last.get("epcList").unwrap().as_array().unwrap();
    items[0].as_str().unwrap().to_owned()
}

const LINK: &str = "https://id.gs1.org/01/09521041001012/21/S1";
const URN: &str = "urn:epc:id:sgtin:9521041.000101.S1";

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_prefix_lets_urns_be_written_until_it_is_taken_back() {
    let app = TestApp::start().await;
    stored(&app, &[item_observation(1, "S1")]).await;
    let (_, other) = another_merchant(&app).await;
    stored_as(&app, &other, &[item_observation(1, "S1")]).await;
    assert_eq!(declared(&app, &app.key).await, [""; 0]);
    assert_eq!(item_as_urn(&app, &app.key).await, LINK);
    let answer = declare(&app, &app.key, "9521041").await;
    assert_eq!(answer.status(), 201);
    let first: Value = answer.json().await.unwrap();
    assert_eq!(first["companyPrefix"], "9521041");
    assert_eq!(item_as_urn(&app, &app.key).await, URN);
    let again = declare(&app, &app.key, "9521041").await;
    assert_eq!(again.status(), 200);
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    // Nobody else's answers change by it, and nobody else takes it back.
    assert_eq!(item_as_urn(&app, &other).await, LINK);
    assert_eq!(declared(&app, &other).await, [""; 0]);
    let path = format!("{ALL}/9521041");
    let theirs = send(&app, &other, Method::DELETE, &path).await;
    assert_eq!(theirs.status(), 404);
    assert_eq!(declared(&app, &app.key).await, ["9521041"]);
    assert_eq!(take_back(&app, "9521041").await.status(), 204);
    assert_eq!(take_back(&app, "9521041").await.status(), 404);
    assert_eq!(declared(&app, &app.key).await, [""; 0]);
    assert_eq!(item_as_urn(&app, &app.key).await, LINK);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declared_outranks_a_urn_that_was_cut_in_the_wrong_place() {
    let app = TestApp::start().await;
    let wrong = r#""epcList":["urn:epc:id:sgtin:95210410.00101.S1"]"#;
    stored(&app, &[observation_of(1, wrong)]).await;
    let cut = "urn:epc:id:sgtin:95210410.00101.S1";
    assert_eq!(item_as_urn(&app, &app.key).await, cut);
    assert_eq!(declare(&app, &app.key, "9521041").await.status(), 201);
    // What came as a URN stays as it came; what came as a link is written by the declaration.
    let link = observation_of(2, &format!(r#""epcList":["{LINK}"]"#));
    stored(&app, &[link.replace("2026-06-05T", "2026-05-05T")]).await;
    assert_eq!(item_as_urn(&app, &app.key).await, URN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_that_is_none_or_contradicts_another_is_refused() {
    let app = TestApp::start().await;
    assert_eq!(declare(&app, &app.key, "9521041").await.status(), 201);
    for (bad, reason) in [
        ("952", "4 to 12 digits"),
        ("9521041000008", "4 to 12 digits"),
        ("95210a1", "character 6"),
        ("9521041%00", "character 8"),
    ] {
        for answer in [
            declare(&app, &app.key, bad).await,
            take_back(&app, bad).await,
        ] {
            let refused = refusal(answer).await;
            assert_eq!(refused.status, 400, "{bad}");
            assert_eq!(refused.kind, "epcisException:ValidationException");
            assert!(refused.detail.contains(reason), "{bad}: {}", refused.detail);
        }
    }
    for contradicting in ["952104", "95210410"] {
        let refused = refusal(declare(&app, &app.key, contradicting).await).await;
        assert_eq!(refused.status, 409, "{contradicting}");
        assert_eq!(
            refused.kind,
            "epcisException:ResourceAlreadyExistsException"
        );
        assert!(refused.detail.starts_with("9521041 is declared"));
    }
    assert_eq!(declared(&app, &app.key).await, ["9521041"]);
    assert_eq!(take_back(&app, "9521041").await.status(), 204);
    assert_eq!(declare(&app, &app.key, "952104").await.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_prefixes_that_contradict_each_other_are_never_declared_together() {
    let app = TestApp::start().await;
    for round in 0..10 {
        let (short, long) = (format!("952{round}10"), format!("952{round}104"));
        let (one, other) = tokio::join!(
            declare(&app, &app.key, &short),
            declare(&app, &app.key, &long)
        );
        let mut statuses = [one.status().as_u16(), other.status().as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{short} {long}");
    }
    assert_eq!(declared(&app, &app.key).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_declares_a_limited_number_of_prefixes() {
    let app = TestApp::start().await;
    let fill = format!(
        "INSERT INTO company_prefix SELECT '{}', 100000 + n, now()
         FROM generate_series(1, {MAX_DECLARED_PREFIXES}) AS n",
        app.merchant_id
    );
    alter(&app, &fill).await;
    assert_eq!(declared(&app, &app.key).await.len(), MAX_DECLARED_PREFIXES);
    let refused = refusal(declare(&app, &app.key, "9521041").await).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.detail.contains("at most 1000"),
        "{}",
        refused.detail
    );
    assert_eq!(declare(&app, &app.key, "100007").await.status(), 200);
    assert_eq!(take_back(&app, "100007").await.status(), 204);
    assert_eq!(declare(&app, &app.key, "9521041").await.status(), 201);
    let stored = count(&app, "SELECT count(*) FROM company_prefix").await;
    assert_eq!(stored, MAX_DECLARED_PREFIXES as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_keys_that_describe_declare() {
    let app = TestApp::start().await;
    let asking = key_for(&app, &[Scope::Query, Scope::Capture]).await;
    let describing = key_for(&app, &[Scope::MasterData]).await;
    let path = format!("{ALL}/9521041");
    for (key, expected) in [
        ("none", [401; 3]),
        (&asking, [403; 3]),
        (&describing, [201, 200, 204]),
    ] {
        let wanted = [
            (Method::PUT, &*path),
            (Method::GET, ALL),
            (Method::DELETE, &*path),
        ];
        for ((method, path), expected) in wanted.into_iter().zip(expected) {
            let answer = send(&app, key, method.clone(), path).await;
            assert_eq!(answer.status(), expected, "{method}");
        }
    }
}
