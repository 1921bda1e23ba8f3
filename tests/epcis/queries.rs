//! `GET /epcis/events`: which events a query finds, before and after the index is merged, in which order
//! and in which pages.

use std::time::Duration;

use rootmark::domain::scope::Scope;
use serde_json::Value;

use crate::kit::{another_merchant, count, key_for, refusal, stored, stored_as};
use crate::support::TestApp;
use crate::support::document::{observation, observation_of};

/// Six events, one of each type and the retraction of the first; the ID of each ends in its letter.
fn events() -> Vec<String> {
    let event = |letter: char, kind: &str, time: &str, rest: &str| {
        format!(
            r#"{{"type":"{kind}","eventID":"urn:example:{letter}","eventTime":"{time}","eventTimeZoneOffset":"+00:00",{rest}}}"#
        )
    };
    let a = r#""action":"ADD","bizStep":"commissioning","disposition":"active",
        "epcList":["urn:epc:id:sgtin:9521041.000101.S1","https://id.gs1.org/01/09521041001012/21/S2"],
        "readPoint":{"id":"urn:epc:id:sgln:9521041.00000.DOCK1"},"bizLocation":{"id":"https://id.gs1.org/414/9521041000008"},
        "bizTransactionList":[{"type":"po","bizTransaction":"https://example.org/po/1"},{"bizTransaction":"https://example.org/x"}],
        "sourceList":[{"type":"owning_party","source":"urn:epc:id:pgln:9521041.00000"}],
        "ilmd":{"cbvmda:lotNumber":"0042","example:grade":7,"example:born":"2026-05-01T00:00:00Z"},
        "example:crew":{"example:lead":"Mei","example:size":12}"#;
    let b = r#""action":"ADD","bizStep":"packing","parentID":"https://id.gs1.org/00/095210410001000014",
        "childEPCs":["https://example.com/01/09521041001012/21/S1"],
        "childQuantityList":[{"epcClass":"urn:epc:class:lgtin:9521041.000101.L1","quantity":12.50,"uom":"KGM"}]"#;
    let c = r#""action":"OBSERVE","bizTransactionList":[{"type":"inv","bizTransaction":"https://example.org/inv/1"}],
        "epcList":["https://id.gs1.org/00/095210410001000014"],
        "destinationList":[{"type":"possessing_party","destination":"https://id.gs1.org/417/9521072000008"}]"#;
    let d = r#""inputQuantityList":[{"epcClass":"https://id.gs1.org/01/09521041000015/10/MILK","quantity":2500,"uom":"GRM"}],
        "outputEPCList":["https://id.gs1.org/01/09521041001012/21/S9"],"transformationID":"urn:example:t1","bizStep":"https://ref.gs1.org/cbv/BizStep-commissioning",
        "persistentDisposition":{"set":["completeness_verified"],"unset":["completeness_inferred"]}"#;
    let e = r#""action":"ADD","parentID":"https://id.gs1.org/00/095210410001000014","childEPCs":["https://id.gs1.org/8004/9521041DEMO1"],
        "sensorElementList":[{"sensorMetadata":{"time":"2026-06-05T12:00:00Z","deviceID":"https://id.gs1.org/8004/9521041DEMO1"},
        "sensorReport":[{"type":"Temperature","value":4.0,"uom":"CEL","maxValue":10.0,"meanValue":5.5,"sDev":0.9},
        {"type":"Humidity".replace,"stringValue":"dry"}]}]"#
        .replace(r#""Humidity".replace"#, r#""RelativeHumidity""#);
    let retraction = a.replacen(
        r#""action""#,
        r#""errorDeclaration":{"declarationTime":"2026-06-07T00:00:00Z","reason":"incorrect_data","correctiveEventIDs":["urn:example:f"]},"action""#,
        1,
    );
    vec![
        event('a', "ObjectEvent", "2026-06-01T10:00:00.250Z", a),
        event('b', "AggregationEvent", "2026-06-02T10:00:00Z", b),
        event('c', "TransactionEvent", "2026-06-03T10:00:00Z", c),
        event('d', "TransformationEvent", "2026-05-31T10:00:00Z", d),
        event('e', "AssociationEvent", "2026-06-05T10:00:00+08:00", &e),
        event('a', "ObjectEvent", "2026-06-01T10:00:00.250Z", &retraction),
    ]
}

/// Queries, and the letters of the events that each finds in ascending order of event time; `A` is the
/// retraction of `a`.
pub const FOUND: &[(&str, &str)] = &[
    ("", "daAbce"),
    ("eventType=ObjectEvent", "aA"),
    ("eventType=ObjectEvent|TransactionEvent", "aAc"),
    ("GE_eventTime=2026-06-02T10:00:00Z", "bce"),
    ("GE_eventTime=2026-06-02T10:00:00.001Z", "ce"),
    ("LT_eventTime=2026-06-02T10:00:00Z", "daA"),
    ("LT_eventTime=2026-06-01T10:00:00.250Z", "d"),
    ("LT_eventTime=2026-06-01T10:00:00.2501Z", "daA"),
    (
        "GE_eventTime=2026-06-02T18:00:00+08:00&LT_eventTime=2026-06-03T10:00:00Z",
        "b",
    ),
    ("GE_recordTime=2020-01-01T00:00:00Z", "daAbce"),
    ("LT_recordTime=2020-01-01T00:00:00Z", ""),
    ("EQ_action=ADD", "aAbe"),
    ("EQ_action=DELETE", ""),
    ("EQ_bizStep=commissioning", "daA"),
    (
        "EQ_bizStep=https://ref.gs1.org/cbv/BizStep-commissioning",
        "daA",
    ),
    ("EQ_bizStep=urn:epcglobal:cbv:bizstep:packing", "b"),
    ("EQ_bizStep=shipping|packing", "b"),
    ("EQ_disposition=active", "aA"),
    ("EQ_persistentDisposition_set=completeness_verified", "d"),
    ("EQ_persistentDisposition_unset=completeness_verified", ""),
    (
        "EQ_readPoint=https://id.gs1.org/414/9521041000008/254/DOCK1",
        "aA",
    ),
    ("EQ_readPoint=urn:epc:id:sgln:9521041.00000.DOCK1", "aA"),
    ("EQ_readPoint=https://id.gs1.org/414/9521041000008", ""),
    ("WD_readPoint=https://id.gs1.org/414/9521041000008", "aA"),
    ("WD_bizLocation=urn:epc:id:sgln:9521041.00000.0", "aA"),
    ("EQ_bizLocation=https://any.example/414/9521041000008", "aA"),
    ("EQ_bizTransaction_po=https://example.org/po/1", "aA"),
    ("EQ_bizTransaction_inv=https://example.org/po/1", ""),
    (
        "EQ_source_owning_party=https://id.gs1.org/417/9521041000008",
        "aA",
    ),
    (
        "EQ_destination_possessing_party=https://id.gs1.org/417/9521072000008",
        "c",
    ),
    ("EQ_transformationID=urn:example:t1", "d"),
    (
        "MATCH_epc=https://id.gs1.org/01/09521041001012/21/S1",
        "aAb",
    ),
    ("MATCH_epc=urn:epc:id:sgtin:9521041.000101.S1", "aAb"),
    (
        "MATCH_epc=https://brand.example/x/01/09521041001012/21/S2",
        "aA",
    ),
    ("MATCH_epc=urn:epc:idpat:sgtin:9521041.000101.*", "aAb"),
    ("MATCH_epc=https://id.gs1.org/01/09521041001012/21/S9", ""),
    (
        "MATCH_outputEPC=https://id.gs1.org/01/09521041001012/21/S9",
        "d",
    ),
    (
        "MATCH_inputEPC=https://id.gs1.org/01/09521041001012/21/S9",
        "",
    ),
    (
        "MATCH_anyEPC=https://id.gs1.org/01/09521041001012/21/S9|https://id.gs1.org/00/095210410001000014",
        "dbce",
    ),
    (
        "MATCH_parentID=https://id.gs1.org/00/095210410001000014",
        "be",
    ),
    (
        "MATCH_epcClass=https://id.gs1.org/01/09521041001012/10/L1",
        "b",
    ),
    ("MATCH_epcClass=urn:epc:idpat:lgtin:9521041.000101.*", "b"),
    (
        "MATCH_epcClass=https://id.gs1.org/01/09521041000015/10/MILK",
        "",
    ),
    (
        "MATCH_inputEPCClass=https://id.gs1.org/01/09521041000015/10/MILK",
        "d",
    ),
    (
        "MATCH_anyEPCClass=https://id.gs1.org/01/09521041000015/10/MILK|urn:epc:class:lgtin:9521041.000101.L1",
        "db",
    ),
    ("EQ_quantity=12.5", "b"),
    ("GE_quantity=12.5", "db"),
    ("GT_quantity=12.5", "d"),
    ("LT_quantity_KGM=3", "d"),
    ("EQ_quantity_GRM=12500", "b"),
    ("EQ_eventID=urn:example:a", "aA"),
    ("EQ_eventID=urn:example:b|urn:example:zzz", "b"),
    ("EXISTS_errorDeclaration=true", "A"),
    ("EXISTS_errorDeclaration=false", "daAbce"),
    ("GE_errorDeclarationTime=2026-06-07T00:00:00Z", "A"),
    ("LT_errorDeclarationTime=2026-06-07T00:00:00Z", ""),
    ("EQ_errorReason=incorrect_data", "A"),
    ("EQ_errorReason=urn:epcglobal:cbv:er:incorrect_data", "A"),
    ("EQ_correctiveEventID=urn:example:f", "A"),
    ("EQ_type=Temperature", "e"),
    ("EQ_type=gs1:Temperature", "e"),
    ("EQ_deviceID=urn:epc:id:giai:9521041.DEMO1", "e"),
    ("EQ_stringValue=dry", "e"),
    ("EXISTS_sensorElementList=true", "e"),
    ("GE_value_CEL=4", "e"),
    ("GT_value_CEL=4", ""),
    ("EQ_value_KEL=277.15", "e"),
    ("LT_maxValue_FAH=50", ""),
    ("LE_maxValue_FAH=50", "e"),
    ("GE_sDev_KEL=0.9", "e"),
    ("GE_value_PAL=0", ""),
    ("GE_time=2026-06-05T12:00:00Z", "e"),
    ("LT_time=2026-06-05T12:00:00Z", ""),
    ("EQ_ILMD_cbvmda:lotNumber=0042", "aA"),
    ("EQ_ILMD_urn:epcglobal:cbv:mda:lotNumber=0042", "aA"),
    ("EQ_ILMD_cbvmda:lotNumber=42", ""),
    ("EQ_ILMD_example:grade=7.0", "aA"),
    ("GT_ILMD_example:grade=6", "aA"),
    ("GT_ILMD_example:grade=7", ""),
    (
        "GE_ILMD_https://example.org/ns/born=2026-05-01T08:00:00%2B08:00",
        "aA",
    ),
    ("LT_ILMD_example:born=2026-05-01T00:00:00Z", ""),
    ("EXISTS_ILMD_example:grade=true", "aA"),
    ("EXISTS_example:grade=true", ""),
    ("EXISTS_example:crew=true", "aA"),
    ("EQ_INNER_example:lead=Mei|Li", "aA"),
    ("EQ_example:lead=Mei", ""),
    ("LE_INNER_example:size=12", "aA"),
    (
        "EQ_bizStep=commissioning&eventType=ObjectEvent&EXISTS_errorDeclaration=true",
        "A",
    ),
    (
        "EQ_action=ADD&MATCH_anyEPC=https://id.gs1.org/00/095210410001000014",
        "be",
    ),
];

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
