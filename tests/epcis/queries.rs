//! `GET /epcis/events`: which events a query finds, before and after the index is merged, in which order
//! and in which pages.

use std::time::Duration;

use rootmark::domain::scope::Scope;
use serde_json::Value;

use crate::asked::{FOUND, events};
use crate::kit::{another_merchant, count, key_for, refusal, stored, stored_as};
use crate::support::TestApp;
use crate::support::document::{observation, observation_of};

async fn get(app: &TestApp, query: &str) -> reqwest::Response {
    let address = match query.starts_with('/') {
        true => app.url(query),
        false => app.url(&format!("/epcis/events?{query}")),
    };
    app.http
        .get(address)
        .bearer_auth(&app.key)
        .send()
        .await
        .unwrap()
}

/// The letters of an answer's events.
fn letters(document: &Value) -> String {
    let list = &document["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
    let letter = |event: &Value| {
        let id = event["eventID"].as_str().unwrap();
        let letter = id.chars().last().unwrap();
        match event.get("errorDeclaration") {
            Some(_) => letter.to_ascii_uppercase(),
            None => letter,
        }
    };
    list.as_array().unwrap().iter().map(letter).collect()
}

/// All pages of a query, of `per_page` events each, and how many pages there were.
async fn all_pages(app: &TestApp, query: &str, per_page: usize) -> (String, usize) {
    let (mut found, mut pages) = (String::new(), 0);
    let mut next = Some(format!("/epcis/events?{query}&perPage={per_page}"));
    while let Some(address) = next {
        let answer = get(app, &address).await;
        let status = answer.status();
        let link = answer.headers().get("Link").cloned();
        let expires = answer.headers().contains_key("GS1-Next-Page-Token-Expires");
        assert_eq!(link.is_some(), expires, "{address}");
        let document: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{address}: {document}");
        let page = letters(&document);
        assert!(page.len() <= per_page, "{address}");
        found.push_str(&page);
        pages += 1;
        next = link.map(|link| {
            let link = link.to_str().unwrap().to_owned();
            let address = link.strip_prefix('<').unwrap();
            address.strip_suffix(">; rel=\"next\"").unwrap().to_owned()
        });
    }
    (found, pages)
}

async fn assert_all_found(app: &TestApp) {
    for (query, expected) in FOUND {
        let ascending = format!("{query}&orderDirection=ASC");
        let descending: String = expected.chars().rev().collect();
        let pages = expected.len().div_ceil(2).max(1);
        assert_eq!(
            all_pages(app, &ascending, 30).await,
            (expected.to_string(), 1),
            "{query}"
        );
        assert_eq!(
            all_pages(app, query, 2).await,
            (descending, pages),
            "{query}"
        );
        let by_record = format!("{query}&orderBy=recordTime&orderDirection=ASC");
        let mut recorded: Vec<char> = expected.chars().collect();
        recorded.sort_by_key(|letter| "abcdeA".find(*letter));
        let recorded: String = recorded.into_iter().collect();
        assert_eq!(all_pages(app, &by_record, 1).await.0, recorded, "{query}");
    }
}

/// Each event by a capture of its own, so that they have an order in time.
async fn with_events(patience: Duration) -> TestApp {
    let app = TestApp::start_with(|settings| settings.index_patience = patience).await;
    for event in events() {
        stored(&app, &[event]).await;
    }
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_finds_its_events_as_soon_as_they_are_captured() {
    let app = with_events(Duration::from_secs(3_600)).await;
    assert_eq!(count(&app, "SELECT count(*) FROM event_term").await, 0);
    assert_all_found(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_finds_its_events_once_the_index_is_merged() {
    let app = with_events(Duration::from_millis(10)).await;
    while count(&app, "SELECT count(*) FROM event_batch").await > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(count(&app, "SELECT count(*) FROM event_term").await > 0);
    assert_all_found(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_finds_its_own_events_only() {
    let app = with_events(Duration::from_secs(3_600)).await;
    let (_, other) = another_merchant(&app).await;
    stored_as(&app, &other, &[observation(1, "L1")]).await;
    let ask = |query: &'static str| {
        let request = app.http.get(app.url(query)).bearer_auth(&other);
        async { request.send().await.unwrap() }
    };
    let all: Value = ask("/epcis/events").await.json().await.unwrap();
    assert_eq!(letters(&all), "1");
    let theirs: Value = ask("/epcis/events?EQ_eventID=urn:example:a")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(letters(&theirs), "");
    assert_eq!(ask("/epcis/events/urn:example:a").await.status(), 404);
    assert_eq!(get(&app, "/epcis/events/urn:example:a").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_keys_with_the_scope_of_queries_may_read_events() {
    let app = TestApp::start().await;
    let capturing = key_for(&app, &[Scope::Capture]).await;
    let asking = key_for(&app, &[Scope::Query]).await;
    for path in ["/epcis/events", "/epcis/events/urn:example:a"] {
        assert_eq!(app.get(path).await.status(), 401, "{path}");
        let ask = |key: &str| app.http.get(app.url(path)).bearer_auth(key).send();
        assert_eq!(ask(&capturing).await.unwrap().status(), 403, "{path}");
        assert_ne!(ask(&asking).await.unwrap().status(), 403, "{path}");
    }
    let answer = app
        .post_as(&asking, "/epcis/events", events()[0].clone())
        .await;
    assert_eq!(answer.status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_totals_of_a_query_are_kept_over_its_pages() {
    let app = with_events(Duration::from_secs(3_600)).await;
    let first = "eventCountLimit=3&orderBy=eventTime&orderDirection=ASC";
    assert_eq!(all_pages(&app, first, 2).await, ("daA".to_owned(), 2));
    assert_eq!(all_pages(&app, first, 3).await, ("daA".to_owned(), 1));
    assert_eq!(all_pages(&app, "maxEventCount=6", 4).await.0.len(), 6);
    let refused = refusal(get(&app, "maxEventCount=5").await).await;
    assert_eq!(refused.status, 413);
    assert_eq!(refused.kind, "epcisException:QueryTooLargeException");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_cannot_be_asked_is_told_why() {
    let app = with_events(Duration::from_secs(3_600)).await;
    for (query, names) in [
        ("EQ_nothing=1", "EQ_nothing"),
        ("nothing=1", "nothing"),
        ("EQ_action=add", "EQ_action"),
        ("eventType=Event", "eventType"),
        ("GE_eventTime=yesterday", "GE_eventTime"),
        ("GE_eventTime=2026-06-31T00:00:00Z", "GE_eventTime"),
        ("EQ_bizStep=a&EQ_bizStep=b", "EQ_bizStep"),
        ("orderBy=action", "orderBy"),
        ("orderBy=example:crew", "orderBy"),
        ("orderDirection=asc", "orderDirection"),
        ("eventCountLimit=3", "orderBy"),
        (
            "eventCountLimit=3&maxEventCount=3&orderBy=eventTime",
            "maxEventCount",
        ),
        ("maxEventCount=0", "maxEventCount"),
        ("perPage=0", "perPage"),
        ("perPage=x", "perPage"),
        ("nextPageToken=AAAA", "nextPageToken"),
        ("GT_value_CEL=warm", "GT_value_CEL"),
        ("GE_quantity=inf", "GE_quantity"),
        ("EXISTS_errorDeclaration=maybe", "EXISTS_errorDeclaration"),
        ("MATCH_epc=x", "MATCH_epc"),
        ("MATCH_epc=urn:epc:idpat:sgtin:9521041.*.*", "MATCH_epc"),
        ("HASATTR_bizLocation=x", "HASATTR_bizLocation"),
        ("GE_ILMD_example:born=soon", "GE_ILMD_example:born"),
    ] {
        let refused = refusal(get(&app, query).await).await;
        assert_eq!(refused.status, 400, "{query}");
        assert_eq!(
            refused.kind, "epcisException:QueryParameterException",
            "{query}"
        );
        assert!(
            refused.detail.contains(names),
            "{query}: {}",
            refused.detail
        );
    }
    let many: Vec<String> = (0..101)
        .map(|n| format!("EXISTS_example:n{n}=true"))
        .collect();
    assert_eq!(refusal(get(&app, &many.join("&")).await).await.status, 400);
    assert_eq!(get(&app, &many[..100].join("&")).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_continues_no_other_query() {
    let app = with_events(Duration::from_secs(3_600)).await;
    let answer = get(&app, "EQ_action=ADD&perPage=1").await;
    let link = answer.headers()["Link"].to_str().unwrap().to_owned();
    let token = link.split("nextPageToken=").nth(1).unwrap();
    let token = token.split('>').next().unwrap();
    assert_eq!(
        get(&app, &format!("EQ_action=ADD&nextPageToken={token}"))
            .await
            .status(),
        200
    );
    let other = get(&app, &format!("EQ_action=OBSERVE&nextPageToken={token}")).await;
    assert_eq!(refusal(other).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_is_captured_and_given_back_with_every_value_as_it_came() {
    let app = TestApp::start().await;
    let context = r#"{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"example":"https://example.org/ns/"}],"#;
    let id =
        "ni:///sha-256;00e1e6eba3a7cc6125be4794f7a8bb0ea5b2e4ac1de9f1f4a12cbe6e1f1f2a01?ver=CBV2.0";
    let event = observation(1, "L1").replacen('{', context, 1);
    let event = event.replace("urn:uuid:00000000-0000-4000-8000-000000000001", id);
    let event = event.replace(
        "1.0}",
        r#"1e3,"example:deep":{"example:n":[0.10,-0.0,"\u0001"]}}"#,
    );
    let answer = app.post("/epcis/events", event.clone()).await;
    assert_eq!(answer.status(), 201);
    let location = answer.headers()["Location"].to_str().unwrap().to_owned();
    let text = answer.text().await.unwrap();
    let without_time = |text: &str| text.split(",\"recordTime\"").next().unwrap().to_owned();
    assert_eq!(format!("{}}}", without_time(&text)), event);
    // The address is the ID, percent-encoded; as it is, it works too.
    for address in [location, format!("/epcis/events/{id}")] {
        let answer = get(&app, &address).await;
        assert_eq!(answer.status(), 200, "{address}");
        let document = answer.text().await.unwrap();
        let inner = event.replacen(context, "{", 1);
        let inner = inner.strip_suffix('}').unwrap();
        assert!(document.contains(inner), "{document}");
    }
    // A repeat is the same event; another body under its ID is a conflict.
    assert_eq!(app.post("/epcis/events", event.clone()).await.status(), 201);
    let other = app
        .post("/epcis/events", event.replace("12.50", "12.5"))
        .await;
    let other = refusal(other).await;
    assert_eq!(
        (other.status, other.kind.as_str()),
        (409, "epcisException:ResourceAlreadyExistsException")
    );
    let bare = app.post("/epcis/events", observation(2, "L1")).await;
    assert_eq!(refusal(bare).await.faults, [(None, "/@context".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_with_more_rows_than_are_read_at_a_time_is_read_whole() {
    let app =
        TestApp::start_with(|settings| settings.index_patience = Duration::from_millis(10)).await;
    // Of one minute of capture, more than 128 minutes of events, and so as many rows of each term.
    let events: Vec<String> = (0..300).map(|id| observation(id, "L1")).collect();
    stored(&app, &events).await;
    while count(&app, "SELECT count(*) FROM event_batch").await > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for query in ["orderBy=recordTime", "orderBy=eventTime"] {
        let (found, _) = all_pages(&app, &format!("{query}&EQ_bizStep=inspecting"), 70).await;
        assert_eq!(found.len(), 300, "{query}");
        let (found, _) = all_pages(&app, &format!("{query}&orderDirection=ASC"), 299).await;
        assert_eq!(found.len(), 300, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_means_what_events_mean_by_it_however_many_others_there_are() {
    let app = TestApp::start().await;
    let event = |id: u32, context: &str, step: &str| {
        let members =
            format!(r#"{{"@context":{context},"bizStep":"{step}","epcList":[],"zz:kind":"k{id}","#);
        let event = observation_of(id, r#""persistentDisposition":{"set":["active"]}"#);
        event
            .replacen(r#""bizStep":"inspecting","#, "", 1)
            .replacen('{', &members, 1)
    };
    // Two companies that the one prefix means, after all others in order.
    let others: String = (0..1_200)
        .map(|n| format!(r#""a{n}":"https://a{n}.example/","#))
        .collect();
    let many = format!(r#"{{{others}"zz":"https://zz.example/"}}"#);
    let other = r#"{"zz":"https://other.example/","zzz":"https://zzz.example/"}"#;
    app.capture(&[event(1, &many, "zz:sorting")]).await;
    app.capture(&[event(2, other, "zz:sorting")]).await;
    app.capture(&[event(3, other, "zzz:sorting")]).await;
    let count = async |query: &str| {
        let answer = get(&app, query).await;
        assert_eq!(answer.status(), 200, "{query}");
        let body: Value = answer.json().await.unwrap();
        let list = &body["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
        list.as_array().unwrap().len()
    };
    for (query, expected) in [
        ("EQ_zz:kind=k1", 1),
        ("EXISTS_zz:kind=true", 3),
        ("EQ_bizStep=zz:sorting", 2),
        ("EQ_bizStep=https://zz.example/sorting", 1),
        ("EQ_bizStep=zzz:sorting", 1),
        ("EQ_bizStep=a1:sorting", 0),
        ("EQ_bizStep=nobody:sorting", 0),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    let prefixes = |count: u32| {
        let values: Vec<String> = (0..count).map(|n| format!("p{n}:x")).collect();
        format!("EQ_bizStep={}", values.join("|"))
    };
    assert_eq!(count(&prefixes(50)).await, 0);
    assert_eq!(get(&app, &prefixes(51)).await.status(), 400);
    // No text in Postgres has a NUL in it: nothing is found, and nothing breaks.
    for query in ["EQ_readPoint=a%00b:c", "EQ_a%00b:c=d"] {
        assert_eq!(count(query).await, 0, "{query}");
    }
}
