//! What a query costs: rows, bytes and texts that it reads have limits, and none of them loses an event.
//!
//! Where it takes many events to reach a limit, most of them stand in the index alone: a query that comes
//! to them has looked at them, and finds nothing there.

use std::collections::BTreeSet;
use std::time::Duration;

use rootmark::domain::epcis::query::every_event;
use rootmark::domain::identity_key::identity_key;
use rootmark::domain::posting::{Minutes, Posting, Term, encode_row, minute};
use rootmark::domain::statement::StatementId;
use rootmark::query::merge;
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::kit::{alter, assert_checks_out, count, refusal, stored};
use crate::support::document::{item_observation, observation};
use crate::support::{GTIN, TestApp};

/// More than the texts that one page may look at.
const TOO_MANY: i32 = 60_000;
const LONG_AGO: OffsetDateTime = datetime!(2020-02-02 02:02 UTC);
const LATER: OffsetDateTime = datetime!(2026-07-01 00:00 UTC);

async fn get(app: &TestApp, query: &str) -> reqwest::Response {
    let address = match query.starts_with('/') {
        true => app.url(query),
        false => app.url(&format!("/epcis/events?{query}")),
    };
    let request = app.http.get(address).bearer_auth(&app.key);
    request.send().await.unwrap()
}

/// The eventIDs of each page of an answer, by their last number.
async fn pages(app: &TestApp, query: &str) -> Vec<Vec<u32>> {
    let mut pages = Vec::new();
    let mut next = Some(query.to_owned());
    while let Some(query) = next {
        let answer = get(app, &query).await;
        let status = answer.status();
        let link = answer.headers().get("Link").cloned();
        let document: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{query}: {document}");
        let list = &document["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
        let number = |event: &Value| {
            let id = event["eventID"].as_str().unwrap();
            id[id.len() - 6..].parse().unwrap()
        };
        pages.push(list.as_array().unwrap().iter().map(number).collect());
        next = link.map(|link| {
            let link = link.to_str().unwrap();
            link[1..link.find('>').unwrap()].to_owned()
        });
    }
    pages
}

async fn found(app: &TestApp, query: &str) -> Vec<u32> {
    pages(app, query).await.concat()
}

async fn status(app: &TestApp, query: &str) -> u16 {
    get(app, query).await.status().as_u16()
}

async fn merged(app: &TestApp) {
    let mut conn = app.running.database.indexer.acquire().await.unwrap();
    while merge(&mut conn, Uuid::now_v7(), &[]).await.unwrap().batches > 0 {}
}

/// Adds a row of events to the index that are nowhere else.
async fn add_row(
    app: &TestApp,
    term: Term,
    event: OffsetDateTime,
    recorded: OffsetDateTime,
    count: i32,
) {
    let ms = |at: OffsetDateTime| at.unix_timestamp() * 1_000;
    let batch_id = Uuid::now_v7();
    let posting = |position| Posting {
        event_ms: ms(event),
        recorded_ms: ms(recorded),
        id: StatementId { batch_id, position },
    };
    let mut postings: Vec<Posting> = (0..count).map(posting).collect();
    let minutes = Minutes {
        event: minute(ms(event)),
        recorded: minute(ms(recorded)),
    };
    sqlx::query(
        "INSERT INTO event_term
             (merchant_id, term, event_minute, recorded_minute, segment, postings)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(app.merchant_id)
    .bind(term.0)
    .bind(minutes.event)
    .bind(minutes.recorded)
    .bind(Uuid::now_v7())
    .bind(encode_row(minutes, &mut postings))
    .execute(&mut app.owner().await)
    .await
    .unwrap();
}

fn item(serial: &str) -> String {
    format!("https://id.gs1.org/01/{GTIN}/21/{serial}")
}

/// Adds hits of one item to the trace index that lead to nothing.
async fn add_hits(app: &TestApp, serial: &str) {
    let key = identity_key(&item(serial));
    let merchant_id = app.merchant_id;
    alter(
        app,
        &format!(
            "INSERT INTO trace_index
                 (merchant_id, identity_key, recorded_at, event_time, batch_id, position, role, turn, items)
             SELECT '{merchant_id}', {key}, '{LONG_AGO}', '{LATER}', gen_random_uuid(), 0, 1, 0, 0
             FROM generate_series(1, {TOO_MANY})"
        ),
    )
    .await;
}

async fn assert_too_complex(app: &TestApp, query: &str) {
    let refused = refusal(get(app, query).await).await;
    assert_eq!(refused.kind, "epcisException:QueryTooComplexException");
}

fn with_field(event: &str, field: &str) -> String {
    event.replacen(
        "\"example:reading\"",
        &format!("{field},\"example:reading\""),
        1,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_large_events_is_shorter_and_goes_on() {
    let app = TestApp::start().await;
    for some in [0..6, 6..12] {
        let large = some.map(|id| {
            let filler = format!("\"example:filler\":\"{}\"", "x".repeat(700_000));
            with_field(&observation(id, "L1"), &filler)
        });
        stored(&app, &large.collect::<Vec<_>>()).await;
    }
    let expected: Vec<u32> = (0..12).rev().collect();
    let many = pages(&app, "perPage=1000").await;
    assert_eq!(many.concat(), expected);
    assert_eq!(many.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5, 2]);
    // It is the bytes that end a page: fewer events end it as ever.
    let few = pages(&app, "perPage=4").await;
    assert_eq!(few.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 4]);
    // A limit on all events counts those that are shown, however many pages they take.
    let first = "perPage=1000&eventCountLimit=7&orderBy=eventTime";
    let first = pages(&app, first).await;
    assert_eq!(first.concat(), expected[..7]);
    assert_eq!(found(&app, "maxEventCount=12").await, expected);
    assert_eq!(status(&app, "maxEventCount=11").await, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn captures_that_wait_are_looked_through_up_to_a_number_of_bytes() {
    let app = TestApp::start().await;
    stored(&app, &[item_observation(1, "S1")]).await;
    let by_item = format!("MATCH_anyEPC={}", item("S1"));
    let asked = ["EQ_bizStep=inspecting", "/epcis/bizSteps", &by_item];
    for query in asked {
        assert_eq!(status(&app, query).await, 200, "{query}");
    }
    let merchant_id = app.merchant_id;
    alter(
        &app,
        &format!(
            "INSERT INTO event_batch (merchant_id, batch_id, recorded_at, terms)
             SELECT '{merchant_id}', gen_random_uuid(), now(),
                    convert_to(repeat('x', 17 * 1024 * 1024), 'UTF8')"
        ),
    )
    .await;
    for query in &asked[..2] {
        let refused = refusal(get(&app, query).await).await;
        assert_eq!(refused.status, 503, "{query}");
        assert_eq!(refused.kind, "epcisException:ImplementationException");
    }
    // The trace index names an item's events as soon as they are captured.
    assert_eq!(found(&app, &by_item).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_captured_at_other_times_are_not_looked_at() {
    let app = TestApp::start().await;
    stored(&app, &[observation(1, "L1"), observation(2, "L1")]).await;
    merged(&app).await;
    add_row(&app, every_event(), LATER, LONG_AGO, TOO_MANY).await;
    assert_too_complex(&app, "perPage=30").await;
    for query in [
        "GE_recordTime=2021-01-01T00:00:00Z",
        "LT_eventTime=2026-07-01T00:00:00Z",
    ] {
        assert_eq!(found(&app, query).await, [2, 1], "{query}");
        let ascending = format!("{query}&orderDirection=ASC&perPage=1");
        assert_eq!(pages(&app, &ascending).await, [[1], [2]], "{query}");
        let by_record = format!("{query}&orderBy=recordTime");
        assert_eq!(found(&app, &by_record).await, [2, 1], "{query}");
    }
    assert_eq!(
        found(&app, "LT_recordTime=2020-01-01T00:00:00Z").await,
        [0; 0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_of_the_other_time_are_passed_over_in_order() {
    let app = TestApp::start().await;
    stored(&app, &[observation(1, "L1"), observation(2, "L1")]).await;
    merged(&app).await;
    // More rows within the times of the query than are read by the other time and sorted.
    for n in 0..600 {
        let event = LATER + time::Duration::minutes(n);
        add_row(&app, every_event(), event, OffsetDateTime::now_utc(), 1).await;
    }
    add_row(&app, every_event(), LATER, LONG_AGO, TOO_MANY).await;
    let query = "GE_recordTime=2021-01-01T00:00:00Z&perPage=1";
    assert_eq!(pages(&app, query).await, [[2], [1]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_with_many_events_is_found_by_what_is_rarer() {
    let app = TestApp::start().await;
    let shipped = item_observation(2, "S1").replace("inspecting", "shipping");
    stored(&app, &[item_observation(1, "S1"), shipped]).await;
    add_hits(&app, "S1").await;
    let item = item("S1");
    assert_too_complex(&app, &format!("MATCH_epc={item}")).await;
    for is_merged in [false, true] {
        if is_merged {
            merged(&app).await;
        }
        let query = format!("MATCH_epc={item}&EQ_bizStep=shipping");
        assert_eq!(found(&app, &query).await, [2], "{is_merged}");
        // By record time too, in which order the trace index has nothing.
        let query = format!("MATCH_epc={item}&orderBy=recordTime");
        assert_too_complex(&app, &query).await;
        let query = format!("{query}&GE_recordTime=2021-01-01T00:00:00Z&perPage=1");
        assert_eq!(pages(&app, &query).await, [[2], [1]], "{is_merged}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_common_conditions_share_is_found_among_all_that_have_one() {
    let app = TestApp::start().await;
    let first: Vec<String> = (1..40).map(|id| observation(id, "L1")).collect();
    stored(&app, &first).await;
    merged(&app).await;
    // And one that waits: no row names it, and it must not be sifted out.
    stored(&app, &[observation(40, "L1")]).await;
    let (step, action) = ("EQ_bizStep=inspecting", "EQ_action=OBSERVE");
    for (field, value) in [("bizStep", "inspecting"), ("action", "OBSERVE")] {
        add_row(&app, Term::of(field, value), LATER, LONG_AGO, TOO_MANY).await;
    }
    for query in [step, action] {
        assert_too_complex(&app, query).await;
    }
    let expected: Vec<u32> = (1..41).rev().collect();
    let both = format!("{step}&{action}&perPage=7");
    assert_eq!(found(&app, &both).await, expected);
    assert_eq!(
        found(&app, &format!("{both}&orderBy=recordTime"))
            .await
            .len(),
        40
    );
    assert_eq!(
        found(&app, &format!("{both}&EQ_eventID=urn:x")).await,
        [0; 0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_with_more_events_than_are_kept_is_gone_through_to_its_end() {
    let app = TestApp::start().await;
    stored(
        &app,
        &[
            observation(1, "L1"),
            observation(2, "L1"),
            observation(3, "L1"),
        ],
    )
    .await;
    merged(&app).await;
    // 20,000 events later in the minute of the second.
    let at = datetime!(2026-06-04 12:02:30 UTC);
    for _ in 0..40 {
        add_row(&app, Term::of("bizStep", "inspecting"), at, LONG_AGO, 500).await;
    }
    let query = "EQ_bizStep=inspecting&perPage=1";
    assert_eq!(pages(&app, query).await, [[3], [2], [1]]);
    let ascending = format!("{query}&orderDirection=ASC");
    assert_eq!(pages(&app, &ascending).await, [[1], [2], [3]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_with_too_many_terms_is_found_like_any_other() {
    let app = TestApp::start().await;
    let fields: Vec<String> = (0..600).map(|n| format!("\"example:f{n}\":{n}")).collect();
    let many = with_field(&observation(2, "L1"), &fields.join(","));
    let mut events: Vec<String> = (3..60).map(|id| observation(id, "L1")).collect();
    events.extend([observation(1, "L1"), many]);
    stored(&app, &events).await;
    for is_merged in [false, true] {
        if is_merged {
            merged(&app).await;
        }
        for (query, expected) in [
            ("EQ_example:f599=599", vec![2]),
            ("EQ_example:f599=600", vec![]),
            ("EQ_example:f1=1&EQ_bizStep=inspecting", vec![2]),
            ("EQ_bizStep=inspecting&LT_example:f7=8", vec![2]),
            ("EQ_bizStep=shipping", vec![]),
        ] {
            assert_eq!(found(&app, query).await, expected, "{query}, {is_merged}");
        }
        let all = found(&app, "EQ_bizStep=inspecting&EQ_action=OBSERVE&perPage=3").await;
        assert_eq!(all, (1..60).rev().collect::<Vec<u32>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_many_things_gives_all_of_them_to_the_list() {
    let app = TestApp::start().await;
    let epcs: Vec<String> = (0..400)
        .map(|n| format!("\"{}\"", item(&format!("S{n}"))))
        .collect();
    let of_many = |id: u32| {
        let event =
            item_observation(id, "S0").replacen(&format!("\"{}\"", item("S0")), &epcs.join(","), 1);
        with_field(
            &event,
            &format!("\"example:filler\":\"{}\"", "x".repeat(900_000)),
        )
    };
    // Several of them name the same things, and others too.
    stored(&app, &[of_many(1), of_many(2), of_many(3)]).await;
    stored(&app, &[item_observation(4, "T1"), observation(5, "L1")]).await;
    let mut listed = BTreeSet::new();
    let mut next = Some("/epcis/epcs?perPage=150".to_owned());
    while let Some(address) = next {
        let answer = get(&app, &address).await;
        let link = answer.headers().get("Link").cloned();
        let body: Value = answer.json().await.unwrap();
        for member in body["member"].as_array().unwrap() {
            assert!(
                listed.insert(member.as_str().unwrap().to_owned()),
                "{member}"
            );
        }
        next = link.map(|link| {
            let link = link.to_str().unwrap();
            link[1..link.find('>').unwrap()].to_owned()
        });
    }
    assert_eq!(listed.len(), 402);
    assert!(listed.contains(&item("S399")) && listed.contains(&item("T1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_cannot_be_merged_holds_up_no_other() {
    let app =
        TestApp::start_with(|settings| settings.index_patience = Duration::from_secs(60)).await;
    stored(&app, &[observation(1, "L1")]).await;
    // From before there was an index, and its statement is no JSON any more.
    alter(
        &app,
        "UPDATE event_batch SET terms = '', recorded_at = recorded_at - interval '2 hours';
         UPDATE statement SET content = 'x' WHERE kind = 'event'",
    )
    .await;
    stored(&app, &[observation(2, "L1")]).await;
    while count(&app, "SELECT count(*) FROM event_batch").await > 1 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(count(&app, "SELECT count(*) FROM event_term").await > 0);
    let is_said = |text: String| text.contains("\nevent_batches_stuck 1\n");
    while !is_said(app.get_text("/metrics").await) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_terms_are_made_again_from_the_statements() {
    let app = TestApp::start().await;
    stored(&app, &[observation(1, "L1")]).await;
    alter(&app, "UPDATE event_batch SET terms = 'x'").await;
    stored(&app, &[observation(2, "L1")]).await;
    assert_eq!(status(&app, "EQ_bizStep=inspecting").await, 500);
    let mut conn = app.running.database.indexer.acquire().await.unwrap();
    let done = merge(&mut conn, Uuid::now_v7(), &[]).await.unwrap();
    assert_eq!(
        (done.batches, done.mended.len(), done.stuck.is_none()),
        (2, 1, true)
    );
    assert_eq!(found(&app, "EQ_bizStep=inspecting").await, [2, 1]);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_are_not_the_same_are_told_apart() {
    let app = TestApp::start().await;
    let number = |id: u32, text: &str| {
        with_field(
            &observation(id, &format!("L{id}")),
            &format!("\"example:n\":{text}"),
        )
    };
    let of_class = observation(4, "L4").replace("/10/L4", "");
    let transformation = r#"{"type":"TransformationEvent","eventID":"urn:example:000005","eventTime":"2026-05-01T00:00:00Z","eventTimeZoneOffset":"+00:00","transformationID":"https://brand.example/253/0614141123452T1","outputEPCList":["https://id.gs1.org/01/09521041001012/21/S5"]}"#;
    stored(
        &app,
        &[
            number(1, "9007199254740992"),
            number(2, "9007199254740993"),
            number(3, "9007199254740993.000"),
            of_class,
            transformation.to_owned(),
        ],
    )
    .await;
    let class = format!("https://id.gs1.org/01/{GTIN}");
    let other = "urn:epc:idpat:sgtin:9521041.000555.*";
    for (query, expected) in [
        ("EQ_example:n=9007199254740992".to_owned(), vec![1]),
        ("EQ_example:n=9007199254740993".to_owned(), vec![3, 2]),
        ("EQ_example:n=9007199254740994".to_owned(), vec![]),
        ("GT_example:n=9007199254740992".to_owned(), vec![3, 2]),
        ("LE_example:n=9007199254740992.5".to_owned(), vec![1]),
        // A class finds its lots, in either form; a lot finds itself.
        (format!("MATCH_epcClass={class}"), vec![4, 3, 2, 1]),
        (format!("MATCH_epcClass={class}|{other}"), vec![4, 3, 2, 1]),
        (format!("MATCH_epcClass={class}/10/L2"), vec![2]),
        (format!("MATCH_epcClass={other}"), vec![]),
        (
            "MATCH_epcClass=urn:epc:idpat:sgtin:9521041.000101.*".to_owned(),
            vec![4, 3, 2, 1],
        ),
        (
            "EQ_transformationID=https://id.gs1.org/253/0614141123452T1".to_owned(),
            vec![5],
        ),
        (
            "EQ_transformationID=https://id.gs1.org/253/0614141123452T2".to_owned(),
            vec![],
        ),
    ] {
        assert_eq!(found(&app, &query).await, expected, "{query}");
    }
}
