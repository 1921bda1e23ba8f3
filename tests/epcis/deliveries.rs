//! What subscribers are sent: everything that fulfils their query, in order, signed, at least once.

use rootmark::domain::epcis::EpcFormat;
use rootmark::store::subscription::{Turn, due_subscriptions, move_subscription};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::kit::{alter, another_merchant, stored_as};
use crate::subscriber::{
    Receiver, TOKEN, deliver, deliverer, json, name_query, quiet_service, send, subscribe,
    to_loopback,
};
use crate::support::TestApp;
use crate::support::document::{item_observation, observation};
use crate::support::port::own_port;

const STREAM: &str = r#""stream":true"#;

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Later than any pause after a failure.
fn later() -> OffsetDateTime {
    now() + Duration::hours(2)
}

fn packed(id: u32) -> String {
    observation(id, "L1").replace("inspecting", "packing")
}

async fn sealed(app: &TestApp, events: &[String]) {
    app.capture(events).await;
    app.sealed().await;
}

async fn with_query(query: &str) -> (TestApp, Receiver) {
    let app = quiet_service().await;
    name_query(&app, "q", query).await;
    (app, Receiver::start())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_told_of_what_fulfils_its_query_and_is_sealed_later_in_order_and_signed() {
    let app = TestApp::start_with(to_loopback).await;
    name_query(&app, "q", r#"{"EQ_bizStep":"packing"}"#).await;
    let mut receiver = Receiver::start();
    sealed(&app, &[packed(1)]).await;
    let signed = format!(r#"{STREAM},"signatureToken":"{TOKEN}""#);
    let dest = format!("{}/epcis?from=us", receiver.url);
    let path = subscribe(&app, "q", &dest, &signed).await;
    let mut found = Vec::new();
    for ids in [[2, 3], [4, 5], [6, 7]] {
        let events = ids.map(|id| match id % 2 {
            0 => packed(id),
            _ => observation(id, "L1"),
        });
        app.capture(&events).await;
        let arrived = receiver.next().await;
        assert_eq!(arrived.path, "/epcis");
        assert_eq!(arrived.format, "Always_GS1_Digital_Link");
        assert!(arrived.is_signed(TOKEN, now()));
        assert!(!arrived.is_signed("another-token-of-forty-characters-length", now()));
        assert!(
            !arrived.is_signed(TOKEN, now() + Duration::hours(1)),
            "replayed"
        );
        let results = &arrived.document()["epcisBody"]["queryResults"];
        assert_eq!(results["queryName"], "q");
        let id = results["subscriptionID"].as_str().unwrap();
        assert!(path.ends_with(id), "{path} {id}");
        found.extend(arrived.events());
    }
    assert_eq!(found, ["2", "4", "6"]);
    app.running.everything_is_public().await.unwrap();
    let told = json(&app, &path).await;
    assert_eq!(told["rootmark:failures"], 0);
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_sent_again_to_its_last_byte_and_then_the_rest() {
    let (app, mut receiver) = with_query("{}").await;
    let signed = format!(r#"{STREAM},"signatureToken":"{TOKEN}""#);
    let path = subscribe(&app, "q", &receiver.url, &signed).await;
    receiver.answer_first(&[500, 404]);
    let mut deliverer = deliverer(&app);
    sealed(&app, &[observation(1, "L1"), observation(2, "L1")]).await;
    deliver(&mut deliverer, now()).await;
    let first = receiver.arrived();
    assert_eq!(first.len(), 1, "not again before the pause is over");
    let failing = json(&app, &path).await;
    assert_eq!(failing["rootmark:failures"], 1);
    assert_eq!(failing["rootmark:lastFailure"], "the answer was 500");
    let numbers = app.get_text("/metrics").await;
    for line in [
        r#"deliveries_total{outcome="refused"} 1"#,
        r#"deliveries_total{outcome="delivered"} 0"#,
        r#"subscriptions{state="waiting"} 1"#,
        r#"subscriptions{state="well"} 0"#,
    ] {
        assert!(numbers.lines().any(|found| found == line), "{line}");
    }
    assert!(failing["rootmark:nextAttemptAt"].is_string());
    assert!(failing.get("lastNotifiedAt").is_none());
    // What is sealed meanwhile waits behind it.
    sealed(&app, &[observation(3, "L1")]).await;
    deliver(&mut deliverer, later()).await;
    let second = receiver.arrived();
    assert_eq!(second.len(), 1);
    assert_eq!(json(&app, &path).await["rootmark:failures"], 2);
    deliver(&mut deliverer, later() + Duration::hours(2)).await;
    let third = receiver.arrived();
    assert_eq!(third.len(), 2);
    assert_eq!(first[0].body, second[0].body);
    assert_eq!(first[0].body, third[0].body);
    assert_eq!(third[0].events(), ["1", "2"]);
    assert_eq!(third[1].events(), ["3"]);
    let at = later() + Duration::hours(2);
    assert!(third.iter().all(|arrived| arrived.is_signed(TOKEN, at)));
    let well = json(&app, &path).await;
    assert_eq!(well["rootmark:failures"], 0);
    assert!(well.get("rootmark:lastFailure").is_none());
    assert!(well["lastNotifiedAt"].is_string());
    deliver(&mut deliverer, at).await;
    assert!(
        receiver.arrived().is_empty(),
        "nothing is sent twice without need"
    );
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_that_are_dead_or_silent_keep_nothing_from_one_that_lives() {
    let app = TestApp::start_with(to_loopback).await;
    name_query(&app, "q", "{}").await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://{}", silent.local_addr().unwrap());
    let dead_url = format!("http://127.0.0.1:{}", own_port());
    let mut receiver = Receiver::start();
    for url in [&silent_url, &silent_url, &dead_url, &dead_url, &dead_url] {
        subscribe(&app, "q", url, STREAM).await;
    }
    subscribe(&app, "q", &receiver.url, STREAM).await;
    for id in 1..=3 {
        app.capture(&[observation(id, "L1")]).await;
        assert_eq!(receiver.next().await.events(), [id.to_string()]);
    }
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_where_it_was() {
    let app = TestApp::start_with(to_loopback).await;
    name_query(&app, "q", "{}").await;
    let mut receiver = Receiver::start();
    subscribe(&app, "q", &receiver.url, STREAM).await;
    app.capture(&[observation(1, "L1")]).await;
    assert_eq!(receiver.next().await.events(), ["1"]);
    let mut app = app;
    app.settings.deliveries = false;
    let app = app.restart().await;
    sealed(&app, &[observation(2, "L1")]).await;
    let mut app = app;
    app.settings.deliveries = true;
    let app = app.restart().await;
    app.capture(&[observation(3, "L1")]).await;
    let mut found = Vec::new();
    while found.last().is_none_or(|last| last != "3") {
        found.extend(receiver.next().await.events());
    }
    // At least once: the first may have been taken before it was noted.
    found.retain(|id| id != "1");
    assert_eq!(found, ["2", "3"]);
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_reports_at_its_times_whatever_came_since_and_nothing_only_if_asked() {
    let (app, mut receiver) = with_query("{}").await;
    let daily = r#""schedule":{"hour":"1","minute":"5"}"#;
    let path = subscribe(&app, "q", &format!("{}/quiet", receiver.url), daily).await;
    let told = format!(r#"{daily},"reportIfEmpty":true"#);
    subscribe(&app, "q", &format!("{}/told", receiver.url), &told).await;
    let next = json(&app, &path).await["rootmark:nextAttemptAt"].clone();
    let rfc3339 = &time::format_description::well_known::Rfc3339;
    let at = OffsetDateTime::parse(next.as_str().unwrap(), rfc3339).unwrap();
    let mut deliverer = deliverer(&app);
    sealed(&app, &[observation(1, "L1")]).await;
    sealed(&app, &[observation(2, "L1")]).await;
    deliver(&mut deliverer, at - Duration::SECOND).await;
    assert!(receiver.arrived().is_empty(), "not before its time");
    deliver(&mut deliverer, at).await;
    let mut first = receiver.arrived();
    first.sort_by(|a, b| a.path.cmp(&b.path));
    let paths: Vec<&str> = first.iter().map(|arrived| arrived.path.as_str()).collect();
    assert_eq!(paths, ["/quiet", "/told"]);
    assert!(first.iter().all(|arrived| arrived.events() == ["1", "2"]));
    deliver(&mut deliverer, at + Duration::hours(23)).await;
    assert!(receiver.arrived().is_empty(), "not before its next time");
    deliver(&mut deliverer, at + Duration::hours(24)).await;
    let empty = receiver.arrived();
    assert_eq!(empty.len(), 1);
    assert_eq!(empty[0].path, "/told");
    assert!(empty[0].events().is_empty());
    sealed(&app, &[observation(3, "L1")]).await;
    deliver(&mut deliverer, at + Duration::hours(48)).await;
    assert_eq!(receiver.events(), ["3", "3"]);
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initial_record_time_reaches_back_to_what_was_recorded_then_and_no_further() {
    let (app, mut receiver) = with_query("{}").await;
    sealed(&app, &[observation(1, "L1")]).await;
    sealed(&app, &[observation(2, "L1"), observation(3, "L1")]).await;
    sealed(&app, &[observation(4, "L1")]).await;
    let all = json(&app, "/epcis/events?orderDirection=ASC").await;
    let list = &all["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
    let since = list[1]["recordTime"].as_str().unwrap();
    let members = format!(r#"{STREAM},"initialRecordTime":"{since}""#);
    subscribe(&app, "q", &receiver.url, &members).await;
    let mut deliverer = deliverer(&app);
    deliver(&mut deliverer, later()).await;
    assert_eq!(receiver.events(), ["2", "3", "4"]);
    sealed(&app, &[observation(5, "L1")]).await;
    deliver(&mut deliverer, later()).await;
    assert_eq!(receiver.events(), ["5"]);
    // One that lies ahead leaves out what is recorded before it.
    let ahead = format!(r#"{STREAM},"initialRecordTime":"2099-01-01T00:00:00Z""#);
    subscribe(&app, "q", &format!("{}/ahead", receiver.url), &ahead).await;
    sealed(&app, &[observation(6, "L1")]).await;
    deliver(&mut deliverer, later()).await;
    assert_eq!(receiver.events(), ["6"]);
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let (app, mut receiver) = with_query("{}").await;
    let path = subscribe(&app, "q", &receiver.url, STREAM).await;
    receiver.answer_first(&[307]);
    sealed(&app, &[observation(1, "L1")]).await;
    deliver(&mut deliverer(&app), now()).await;
    let arrived = receiver.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].path, "/");
    let failing = json(&app, &path).await;
    assert_eq!(failing["rootmark:lastFailure"], "the answer was 307");
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_subscriber_is_told_of_another_merchants_events() {
    let (app, mut receiver) = with_query("{}").await;
    let (_, other) = another_merchant(&app).await;
    let named = r#"{"name":"q","query":{}}"#;
    assert_eq!(
        app.post_as(&other, "/epcis/queries", named).await.status(),
        201
    );
    subscribe(&app, "q", &format!("{}/own", receiver.url), STREAM).await;
    let body = format!(r#"{{"dest":"{}/other",{STREAM}}}"#, receiver.url);
    let answer = app
        .post_as(&other, "/epcis/queries/q/subscriptions", body)
        .await;
    assert_eq!(answer.status(), 201);
    stored_as(&app, &other, &[observation(1, "L1")]).await;
    sealed(&app, &[observation(2, "L1")]).await;
    stored_as(&app, &other, &[observation(3, "L1")]).await;
    app.sealed().await;
    deliver(&mut deliverer(&app), now()).await;
    let arrived = receiver.arrived();
    let of = |path: &str| -> Vec<String> {
        let own = arrived.iter().filter(|arrived| arrived.path == path);
        own.flat_map(|arrived| arrived.events()).collect()
    };
    assert_eq!(of("/own"), ["2"]);
    assert_eq!(of("/other"), ["1", "3"]);
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_is_ended_is_told_nothing_more() {
    let (app, mut receiver) = with_query("{}").await;
    let path = subscribe(&app, "q", &receiver.url, STREAM).await;
    let mut deliverer = deliverer(&app);
    sealed(&app, &[observation(1, "L1")]).await;
    deliver(&mut deliverer, now()).await;
    assert_eq!(receiver.events(), ["1"]);
    assert_eq!(send(&app, "DELETE", &path).await.status(), 204);
    sealed(&app, &[observation(2, "L1")]).await;
    deliver(&mut deliverer, later()).await;
    assert!(receiver.arrived().is_empty());
    assert_eq!(send(&app, "GET", &path).await.status(), 404);
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_events_come_in_several_documents_without_a_gap_and_without_one_twice() {
    let (app, mut receiver) = with_query(r#"{"EQ_bizStep":"packing"}"#).await;
    let since = r#""stream":true,"initialRecordTime":"2020-01-01T00:00:00Z""#;
    for from in [0, 700, 1_400, 2_100] {
        let events: Vec<String> = (from + 1..=from + 700).map(packed).collect();
        app.capture(&events).await;
        app.capture(&[observation(50_000 + from, "L1")]).await;
    }
    app.sealed().await;
    subscribe(&app, "q", &receiver.url, since).await;
    deliver(&mut deliverer(&app), later()).await;
    let arrived = receiver.arrived();
    assert!(arrived.len() >= 3, "{}", arrived.len());
    assert!(
        arrived
            .iter()
            .all(|arrived| arrived.events().len() <= 1_000)
    );
    let found: Vec<String> = arrived
        .iter()
        .flat_map(|arrived| arrived.events())
        .collect();
    let expected: Vec<String> = (1..=2_800).map(|id| id.to_string()).collect();
    assert_eq!(found, expected);
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_events_make_smaller_documents_and_the_largest_one_of_its_own() {
    let (app, mut receiver) = with_query("{}").await;
    let since = r#""stream":true,"initialRecordTime":"2020-01-01T00:00:00Z""#;
    let large = |id: u32, bytes: usize| {
        let text = "x".repeat(bytes);
        observation(id, "L1").replace(
            r#""example:reading":1.0"#,
            &format!(r#""example:note":"{text}""#),
        )
    };
    let sizes = [900_000, 400_000, 400_000, 400_000, 1_000_000, 10];
    let events: Vec<String> = (1..).zip(sizes).map(|(id, size)| large(id, size)).collect();
    sealed(&app, &events).await;
    subscribe(&app, "q", &receiver.url, since).await;
    deliver(&mut deliverer(&app), later()).await;
    let documents: Vec<Vec<String>> = receiver.arrived().iter().map(|a| a.events()).collect();
    assert_eq!(documents, [vec!["1", "2"], vec!["3", "4", "5"], vec!["6"]]);
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_are_written_in_the_form_that_the_subscriber_chose() {
    let (app, mut receiver) = with_query("{}").await;
    let body = format!(r#"{{"dest":"{}",{STREAM}}}"#, receiver.url);
    let request = app.http.post(app.url("/epcis/queries/q/subscriptions"));
    let request = request.bearer_auth(&app.key).body(body);
    let request = request.header("Content-Type", "application/json");
    let made = request.header("GS1-EPC-Format", EpcFormat::AlwaysUrn.name());
    let made: Value = made.send().await.unwrap().json().await.unwrap();
    assert_eq!(made["epcFormat"], "Always_EPC_URN");
    let urn = item_observation(1, "S1").replace(
        "https://id.gs1.org/01/09521041001012/21/S1",
        "urn:epc:id:sgtin:9521041.000101.S1",
    );
    sealed(&app, &[urn]).await;
    sealed(&app, &[item_observation(2, "S2")]).await;
    deliver(&mut deliverer(&app), now()).await;
    let arrived = receiver.arrived();
    assert_eq!(arrived[0].format, "Always_EPC_URN");
    let document = arrived[0].document();
    let list = &document["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
    assert_eq!(list[0]["epcList"][0], "urn:epc:id:sgtin:9521041.000101.S1");
    assert_eq!(list[1]["epcList"][0], "urn:epc:id:sgtin:9521041.000101.S2");
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_deliver_the_same_only_one_moves_the_subscription() {
    let (app, receiver) = with_query("{}").await;
    let path = subscribe(&app, "q", &receiver.url, STREAM).await;
    sealed(&app, &[observation(1, "L1")]).await;
    // Two processes at work on one database, as while one takes over from another.
    let mut conn = app.running.database.deliverer.acquire().await.unwrap();
    let turn = Turn {
        now: now(),
        is_failing: false,
        busy: &[],
        full: &[],
        limit: 10,
    };
    let due = due_subscriptions(&mut conn, turn).await.unwrap();
    let subscription = &due[0].subscription;
    let (merchant_id, id) = (subscription.merchant_id, subscription.id);
    assert!(path.ends_with(&id.to_string()));
    let from = &subscription.progress;
    let mut first = from.clone();
    first.next_index.0 += 1;
    let mut second = from.clone();
    second.failures += 1;
    let moved = move_subscription(&mut conn, merchant_id, id, from, &first).await;
    assert!(moved.unwrap());
    let moved = move_subscription(&mut conn, merchant_id, id, from, &second).await;
    assert!(!moved.unwrap());
    assert_eq!(json(&app, &path).await["rootmark:failures"], 0);
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_cannot_be_read_any_more_is_a_failure_of_its_own_subscription_alone() {
    let (app, mut receiver) = with_query("{}").await;
    name_query(&app, "broken", "{}").await;
    let broken = subscribe(&app, "broken", &receiver.url, STREAM).await;
    subscribe(&app, "q", &receiver.url, STREAM).await;
    alter(
        &app,
        "UPDATE named_query SET query = '{' WHERE name = 'broken'",
    )
    .await;
    sealed(&app, &[observation(1, "L1")]).await;
    let mut deliverer = deliverer(&app);
    deliver(&mut deliverer, now()).await;
    assert_eq!(receiver.events(), ["1"]);
    let failing = json(&app, &broken).await;
    assert_eq!(failing["rootmark:failures"], 1);
    let why = failing["rootmark:lastFailure"].as_str().unwrap();
    assert!(why.contains("the stored query is damaged"), "{why}");
    // Nothing is lost by it.
    alter(
        &app,
        "UPDATE named_query SET query = '{}' WHERE name = 'broken'",
    )
    .await;
    deliver(&mut deliverer, later()).await;
    assert_eq!(receiver.events(), ["1"]);
    assert_eq!(json(&app, &broken).await["rootmark:failures"], 0);
    receiver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_is_a_failure_of_its_own_merchant_alone() {
    let (app, mut receiver) = with_query("{}").await;
    let mine = subscribe(&app, "q", &receiver.url, STREAM).await;
    let (other_id, other) = another_merchant(&app).await;
    // The merchants are gone through in the order of their ids: the damaged one comes first.
    assert!(app.merchant_id < other_id);
    let mut theirs = Receiver::start();
    for (path, body) in [
        ("/epcis/queries", r#"{"name":"q","query":{}}"#.to_owned()),
        (
            "/epcis/queries/q/subscriptions",
            format!(r#"{{"dest":"{}",{STREAM}}}"#, theirs.url),
        ),
    ] {
        assert_eq!(app.post_as(&other, path, body).await.status(), 201);
    }
    stored_as(&app, &other, &[observation(2, "L1")]).await;
    sealed(&app, &[observation(1, "L1")]).await;
    let damage = format!(
        "CREATE TABLE kept AS SELECT batch_id, position, content FROM statement;
         UPDATE statement SET content = '\\xff' WHERE kind = 'event' AND merchant_id = '{}'",
        app.merchant_id
    );
    alter(&app, &damage).await;
    let mut deliverer = deliverer(&app);
    deliver(&mut deliverer, now()).await;
    assert_eq!(theirs.events(), ["2"]);
    assert!(receiver.arrived().is_empty());
    let failing = json(&app, &mine).await;
    assert_eq!(failing["rootmark:failures"], 1);
    let why = failing["rootmark:lastFailure"].as_str().unwrap();
    assert!(why.contains("the operator's log says why"), "{why}");
    // Its slot is free again: once the record is mended, what was missed comes.
    alter(
        &app,
        "UPDATE statement SET content = kept.content FROM kept
         WHERE (kept.batch_id, kept.position) = (statement.batch_id, statement.position)",
    )
    .await;
    deliver(&mut deliverer, later()).await;
    assert_eq!(receiver.events(), ["1"]);
    assert_eq!(json(&app, &mine).await["rootmark:failures"], 0);
    receiver.stop().await;
    theirs.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_not_asked_again_at_once_where_its_answer_cannot_be_stored() {
    let (app, mut receiver) = with_query("{}").await;
    subscribe(&app, "q", &receiver.url, STREAM).await;
    sealed(&app, &[observation(1, "L1")]).await;
    alter(
        &app,
        "REVOKE UPDATE (next_index) ON subscription FROM rootmark_deliverer",
    )
    .await;
    let mut deliverer = deliverer(&app);
    for _ in 0..20 {
        assert!(!deliverer.round(now()).await.unwrap());
    }
    assert_eq!(receiver.next().await.events(), ["1"]);
    // It keeps its slot for the pause, however many rounds there are.
    for _ in 0..20 {
        assert!(!deliverer.round(now()).await.unwrap());
    }
    assert!(deliverer.is_busy());
    assert!(receiver.arrived().is_empty());
    alter(
        &app,
        "GRANT UPDATE (next_index) ON subscription TO rootmark_deliverer",
    )
    .await;
    deliverer.all_ended().await;
    deliver(&mut deliverer, now()).await;
    assert_eq!(receiver.events(), ["1"]);
    receiver.stop().await;
}
