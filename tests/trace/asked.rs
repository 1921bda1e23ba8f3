//! `GET /api/findings`: what a partner's system asks once it has captured something.

use reqwest::{Response, Url};
use rootmark::app::merchants::{KeyOrder, add_key};
use rootmark::domain::scope::Scope;
use serde_json::{Value, json};

use crate::chain::*;
use crate::support::TestApp;
use crate::support::document::document;

type Query<'q> = &'q [(&'q str, &'q str)];

/// Captures, and gives the job's ID.
async fn captured(app: &TestApp, events: &[String]) -> String {
    let answer = app.post("/epcis/capture", document(events)).await;
    assert_eq!(answer.status(), 202);
    let job = answer.headers()["location"].to_str().unwrap();
    job.trim_start_matches("/epcis/capture/").to_owned()
}

async fn asked(app: &TestApp, key: &str, query: Query<'_>) -> Response {
    let url = Url::parse_with_params(&app.url("/api/findings"), query).unwrap();
    app.http.get(url).bearer_auth(key).send().await.unwrap()
}

async fn found(app: &TestApp, query: Query<'_>) -> Value {
    let answer = asked(app, &app.key, query).await;
    assert_eq!(answer.status(), 200, "{query:?}");
    answer.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_is_told_what_of_it_does_not_add_up() {
    let app = TestApp::start().await;
    let right = [
        make(5, &["powder:1"], &["lot:L"]),
        commission(6, &["tin:A", "tin:B"], "L"),
        pack(7, "case:1", &["tin:A", "tin:B"]),
    ];
    let first = captured(&app, &right).await;
    let none = json!({"findings": [], "things": 5, "isComplete": true});
    assert_eq!(found(&app, &[("capture", &first)]).await, none);
    // Both tins of the case went through customs before they were made, which is one finding.
    let wrong = with_id(&step(2, "accepting", &["lot:L"]), "urn:example:wrong");
    let second = captured(&app, &[wrong, see(8, &["tin:Z"])]).await;
    let of_second = found(&app, &[("capture", &second)]).await;
    assert_eq!(of_second["things"], 2);
    let findings = of_second["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    let finding = &findings[0];
    assert_eq!(finding["rule"], "beforeMade");
    assert_eq!(finding["severity"], "serious");
    assert_eq!(finding["things"], json!([uri("lot:L")]));
    let ids = finding["eventIDs"].as_array().unwrap();
    assert!(ids.contains(&json!("urn:example:wrong")), "{ids:?}");
    let sentence = &finding["sentence"];
    assert!(
        sentence["en"].as_str().unwrap().contains("2026"),
        "{sentence}"
    );
    assert!(
        sentence["zh-CN"].as_str().unwrap().contains("2026"),
        "{sentence}"
    );
    // What the first stored contradicts it as well, now; each thing whose story says so is named.
    let of_first = found(&app, &[("capture", &first)]).await;
    let findings = of_first["findings"].as_array().unwrap();
    let of = |finding: &Value| finding["things"].as_array().unwrap().len();
    assert_eq!(findings.iter().map(of).sum::<usize>(), 3, "{findings:?}");
    // Of one thing, whichever captures it is in.
    let of_tin = found(&app, &[("thing", &uri("tin:A"))]).await;
    assert_eq!(of_tin["findings"][0]["rule"], "beforeMade");
    let of_other = found(&app, &[("thing", &uri("tin:Z"))]).await;
    assert_eq!(of_other["findings"], json!([]));
    // A contradiction that has nothing to do with a capture is not told of it.
    let third = captured(&app, &[see(9, &["tin:A"])]).await;
    assert_eq!(
        found(&app, &[("capture", &third)]).await["findings"],
        json!([])
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_things_are_looked_at_and_only_ones_own() {
    let app = TestApp::start().await;
    let tins: Vec<String> = (0..101).map(|tin| format!("tin:T{tin}")).collect();
    let tins: Vec<&str> = tins.iter().map(String::as_str).collect();
    let all = captured(&app, &[see(1, &tins[..100])]).await;
    let found_all = found(&app, &[("capture", &all)]).await;
    assert_eq!(
        (&found_all["things"], &found_all["isComplete"]),
        (&json!(100), &json!(true))
    );
    let more = captured(&app, &[see(2, &tins)]).await;
    let found_more = found(&app, &[("capture", &more)]).await;
    assert_eq!(
        (&found_more["things"], &found_more["isComplete"]),
        (&json!(100), &json!(false))
    );
    let issuer = "https://id.gs1.org/417/9522040000006";
    let database = &app.running.database;
    let other = app.add_merchant("Other", issuer).await;
    let key = async |merchant_id, scope| {
        let order = KeyOrder {
            merchant_id,
            issuer,
            label: "test",
            scopes: &[scope],
        };
        add_key(database, &order).await.unwrap()
    };
    let foreign = key(other.id, Scope::Query).await;
    let lacking = key(app.merchant_id, Scope::Capture).await;
    let tin = uri("tin:T1");
    let nil = "00000000-0000-0000-0000-000000000000";
    let own = app.key.as_str();
    let refusals: [(&str, Query, u16); 10] = [
        (own, &[], 400),
        (own, &[("capture", &all), ("thing", &tin)], 400),
        (own, &[("thing", "tin A")], 400),
        (own, &[("page", "2")], 400),
        (own, &[("capture", nil)], 404),
        (own, &[("capture", "1")], 404),
        (own, &[("thing", &uri("tin:UNKNOWN"))], 404),
        (&foreign, &[("capture", &all)], 404),
        (&lacking, &[("capture", &all)], 403),
        ("wrong", &[("capture", &all)], 401),
    ];
    for (key, query, status) in refusals {
        let refused = asked(&app, key, query).await;
        assert_eq!(refused.status(), status, "{query:?}");
        let problem: Value = refused.json().await.unwrap();
        assert!(problem["detail"].as_str().is_some(), "{problem}");
    }
    app.stop().await;
}
