//! `/epcis/queries/{name}/subscriptions`: making them, looking at them, ending them. What they deliver is in
//! `deliveries.rs`.

use rootmark::domain::subscription::MAX_SUBSCRIPTIONS;
use serde_json::Value;

use crate::kit::{another_merchant, count, refusal, strings};
use crate::subscriber::{
    Receiver, TOKEN, deliver, deliverer, json, name_query, quiet_service, send, subscribe,
};
use crate::support::TestApp;
use crate::support::document::observation;

const DEST: &str = "https://partner.example/epcis";
const ALL: &str = "/epcis/queries/all/subscriptions";

async fn with_query() -> TestApp {
    let app = quiet_service().await;
    name_query(&app, "all", "{}").await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_told_as_it_was_made_and_never_its_secret() {
    let app = with_query().await;
    let signed = format!(r#""stream":true,"signatureToken":"{TOKEN}""#);
    let path = subscribe(&app, "all", DEST, &signed).await;
    let stream = json(&app, &path).await;
    assert_eq!(stream["dest"], DEST);
    assert_eq!(stream["queryName"], "all");
    assert_eq!(stream["stream"], true);
    assert_eq!(stream["epcFormat"], "Always_GS1_Digital_Link");
    assert_eq!(stream["initialRecordTime"], stream["createdAt"]);
    assert_eq!(stream["rootmark:failures"], 0);
    for absent in ["schedule", "lastNotifiedAt", "rootmark:nextAttemptAt"] {
        assert!(stream.get(absent).is_none(), "{absent}");
    }
    let scheduled = r#""schedule":{"hour":"1","minute":5},"reportIfEmpty":true,
        "initialRecordTime":"2026-01-01T08:00:00+08:00""#;
    let scheduled = json(&app, &subscribe(&app, "all", DEST, scheduled).await).await;
    assert_eq!(scheduled["schedule"]["minute"], "5");
    assert_eq!(scheduled["reportIfEmpty"], true);
    assert_eq!(scheduled["initialRecordTime"], "2026-01-01T00:00:00.000Z");
    assert_eq!(scheduled["minRecordTime"], "2026-01-01T00:00:00.000Z");
    let next = scheduled["rootmark:nextAttemptAt"].as_str().unwrap();
    assert!(next.ends_with("T01:05:00.000Z"), "{next}");
    let listed = json(&app, ALL).await;
    assert_eq!(listed, Value::from(vec![stream, scheduled]));
    for edge in ["0000-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"] {
        let members = format!(r#""stream":true,"initialRecordTime":"{edge}""#);
        let path = subscribe(&app, "all", DEST, &members).await;
        assert_eq!(send(&app, "GET", &path).await.status(), 200, "{edge}");
    }
    assert!(!listed.to_string().contains(TOKEN));
    // Nor does whoever reads the whole database find it.
    let mut owner = app.owner().await;
    let rows = strings(&mut owner, "SELECT s::text FROM subscription s").await;
    let hex: String = TOKEN.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(rows.iter().any(|row| row.contains("partner.example")));
    assert!(
        rows.iter()
            .all(|row| !row.contains(TOKEN) && !row.contains(&hex))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_cannot_be_made_is_told_why() {
    let app = with_query().await;
    name_query(&app, "some", r#"{"maxEventCount":5}"#).await;
    let dest = |dest: &str| format!(r#"{{"dest":"{dest}","stream":true}}"#);
    let with = |members: &str| format!(r#"{{"dest":"{DEST}",{members}}}"#);
    for (name, detail, body) in [
        ("all", "object with dest", "[]".to_owned()),
        ("all", "either stream", with(r#""reportIfEmpty":false"#)),
        (
            "all",
            "either stream",
            with(r#""stream":true,"schedule":{"hour":"1"}"#),
        ),
        ("all", "at least one of second", with(r#""schedule":{}"#)),
        (
            "all",
            "never comes",
            with(r#""schedule":{"month":"2","dayOfMonth":"31"}"#),
        ),
        (
            "all",
            "reportIfEmpty needs",
            with(r#""stream":true,"reportIfEmpty":true"#),
        ),
        (
            "all",
            "no member secret",
            with(r#""stream":true,"secret":"x""#),
        ),
        (
            "all",
            "signatureToken is",
            with(r#""stream":true,"signatureToken":"short""#),
        ),
        (
            "all",
            "initialRecordTime is not",
            with(r#""stream":true,"initialRecordTime":"x""#),
        ),
        ("all", "dest is missing", r#"{"stream":true}"#.to_owned()),
        (
            "all",
            "dest is longer",
            dest(&format!("https://a.example/{}", "x".repeat(2_048))),
        ),
        ("all", "not a URL", dest("partner")),
        ("all", "https://", dest("http://partner.example/")),
        (
            "all",
            "not on the public internet",
            dest("https://10.0.0.1/"),
        ),
        (
            "all",
            "not on the public internet",
            dest("https://localhost/"),
        ),
        ("all", "no password", dest("https://a:b@partner.example/")),
        ("some", "maxEventCount", dest(DEST)),
    ] {
        let path = format!("/epcis/queries/{name}/subscriptions");
        let refused = refusal(app.post(&path, body.clone()).await).await;
        let expected = (400, "epcisException:SubscriptionControlsException");
        assert_eq!((refused.status, &*refused.kind), expected, "{body}");
        assert!(
            refused.detail.contains(detail),
            "{body}: {}",
            refused.detail
        );
    }
    let broken = refusal(app.post(ALL, "{").await).await;
    assert_eq!(broken.kind, "epcisException:ValidationException");
    let unknown = app
        .post("/epcis/queries/none/subscriptions", dest(DEST))
        .await;
    assert_eq!(refusal(unknown).await.status, 404);
    assert_eq!(count(&app, "SELECT count(*) FROM subscription").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn this_machine_is_no_target_unless_it_is_listed() {
    let app = TestApp::start().await;
    name_query(&app, "all", "{}").await;
    let mut receiver = Receiver::start();
    let body = format!(r#"{{"dest":"{}","stream":true}}"#, receiver.url);
    let refused = refusal(app.post(ALL, body).await).await;
    assert_eq!(refused.kind, "epcisException:SubscriptionControlsException");
    // Nor where it was listed when the subscription was made, and is not any more.
    let listed = quiet_service().await;
    name_query(&listed, "all", "{}").await;
    let path = subscribe(&listed, "all", &receiver.url, r#""stream":true"#).await;
    listed.capture(&[observation(1, "L1")]).await;
    listed.sealed().await;
    let mut strict = rootmark::deliver::Deliverer::new(
        listed.running.database.clone(),
        Default::default(),
        listed.running.code_key.sealing_key(),
    );
    let now = time::OffsetDateTime::now_utc();
    deliver(&mut strict, now).await;
    assert!(receiver.arrived().is_empty());
    let failing = json(&listed, &path).await;
    let why = failing["rootmark:lastFailure"].as_str().unwrap();
    assert!(why.contains("not on the public internet"), "{why}");
    let mut allowed = deliverer(&listed);
    deliver(&mut allowed, now + time::Duration::hours(2)).await;
    assert_eq!(receiver.events(), ["1"]);
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_has_a_limited_number_of_subscriptions() {
    let app = with_query().await;
    let mut last = String::new();
    for _ in 0..MAX_SUBSCRIPTIONS {
        last = subscribe(&app, "all", DEST, r#""stream":true"#).await;
    }
    let body = format!(r#"{{"dest":"{DEST}","stream":true}}"#);
    let refused = refusal(app.post(ALL, body.clone()).await).await;
    assert_eq!(refused.kind, "epcisException:SubscriptionControlsException");
    assert!(refused.detail.contains("at most 100"), "{}", refused.detail);
    assert_eq!(send(&app, "DELETE", &last).await.status(), 204);
    assert_eq!(app.post(ALL, body).await.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_listed_a_page_at_a_time_and_to_their_own_merchant_only() {
    let app = with_query().await;
    let (_, other) = another_merchant(&app).await;
    let named = r#"{"name":"all","query":{}}"#;
    app.post_as(&other, "/epcis/queries", named).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(subscribe(&app, "all", DEST, r#""stream":true"#).await);
    }
    let first = send(&app, "GET", &format!("{ALL}?perPage=2")).await;
    let link = first.headers()["Link"].to_str().unwrap().to_owned();
    let mut ids: Vec<Value> = first.json().await.unwrap();
    let next = link.strip_prefix('<').unwrap().split('>').next().unwrap();
    let last = send(&app, "GET", next).await;
    assert!(!last.headers().contains_key("Link"));
    ids.extend(last.json::<Vec<Value>>().await.unwrap());
    let path = |body: &Value| format!("{ALL}/{}", body["subscriptionID"].as_str().unwrap());
    assert_eq!(ids.iter().map(path).collect::<Vec<_>>(), made);
    let ask = async |method: reqwest::Method, path: &str| {
        let request = app.http.request(method, app.url(path)).bearer_auth(&other);
        request.send().await.unwrap()
    };
    let none: Value = ask(reqwest::Method::GET, ALL).await.json().await.unwrap();
    assert_eq!(none, Value::Array(Vec::new()));
    for method in [reqwest::Method::GET, reqwest::Method::DELETE] {
        assert_eq!(ask(method, &made[0]).await.status(), 404);
    }
    for path in [
        format!("{ALL}/x"),
        format!("{ALL}/{}", uuid::Uuid::now_v7()),
    ] {
        for method in ["GET", "DELETE"] {
            let unknown = refusal(send(&app, method, &path).await).await;
            assert_eq!(unknown.kind, "epcisException:NoSuchNameException");
        }
    }
    assert_eq!(send(&app, "GET", &made[0]).await.status(), 200);
}
