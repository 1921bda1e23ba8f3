//! What documents are taken, and that an event is kept as it was received.

use auditlog::bundle::VerifiedStatement;
use rootmark::domain::gs1::Sscc;
use serde_json::Value;

use crate::kit::{CONTEXT, alter, assert_checks_out, count, event_count, proof, proven_event};
use crate::kit::{scalar, stored};
use crate::support::document::{document, observation, observation_of};
use crate::support::{GTIN, TestApp};

/// An observation of the lot L1 with more members.
fn with_members(members: &str) -> String {
    let lot = format!(r#""quantityList":[{{"epcClass":"https://id.gs1.org/01/{GTIN}/10/L1"}}]"#);
    observation_of(1, &format!("{lot},{members}"))
}

/// The path of the lot L1.
fn lot_path() -> String {
    format!("/01/{GTIN}/10/L1")
}

/// The text of a field of the body, which must be shown.
fn shown<'a>(event: &'a VerifiedStatement, pointer: &str) -> &'a str {
    let pointer = format!("/body{pointer}");
    event
        .content
        .value(&pointer)
        .unwrap_or_else(|| panic!("{pointer} is not shown"))
}

#[tokio::test(flavor = "multi_thread")]
async fn all_five_types_of_event_are_taken() {
    let app = TestApp::start().await;
    let sscc = Sscc::with_check_digit("09521041000000001").unwrap();
    let pallet = format!("https://id.gs1.org/00/{sscc}");
    let item = |serial: u32| format!("https://id.gs1.org/01/{GTIN}/21/S{serial}");
    let head = |kind: &str, id: u32| {
        format!(
            r#"{{"type":"{kind}","eventID":"urn:uuid:00000000-0000-4000-8000-{id:012}",
                "eventTime":"2026-06-05T10:2{id}:00.500+12:00","eventTimeZoneOffset":"+12:00""#
        )
    };
    let events = [
        format!(
            r#"{},"action":"ADD","bizStep":"commissioning","epcList":["{}"],
                "ilmd":{{"cbvmda:lotNumber":"L1","cbvmda:itemExpirationDate":"2028-06-05"}}}}"#,
            head("ObjectEvent", 1),
            item(1),
        ),
        format!(
            r#"{},"action":"ADD","bizStep":"packing","parentID":"{pallet}","childEPCs":["{}"]}}"#,
            head("AggregationEvent", 2),
            item(1),
        ),
        format!(
            r#"{},"action":"OBSERVE",
                "bizTransactionList":[{{"type":"inv","bizTransaction":"urn:example:invoice:1"}}],
                "epcList":["{}"],
                "sourceList":[{{"type":"owning_party","source":"https://id.gs1.org/417/9521041000008"}}]}}"#,
            head("TransactionEvent", 3),
            item(1),
        ),
        format!(
            r#"{},"transformationID":"urn:example:transformation:1",
                "inputQuantityList":[{{"epcClass":"https://id.gs1.org/01/09521041000015/10/M1",
                    "quantity":4550.0,"uom":"KGM"}}],
                "outputEPCList":["{}"]}}"#,
            head("TransformationEvent", 4),
            item(1),
        ),
        format!(
            r#"{},"action":"ADD","parentID":"urn:epc:id:grai:9521041.00001.1","childEPCs":["{}"],
                "sensorElementList":[{{"sensorReport":[{{"type":"Temperature","value":4.20,"uom":"CEL"}}]}}]}}"#,
            head("AssociationEvent", 5),
            item(1),
        ),
    ];
    assert_eq!(stored(&app, &events).await, 5);
    let statements = proof(&app, &format!("/01/{GTIN}/21/S1")).await.statements;
    let mut kinds: Vec<&str> = statements
        .iter()
        .filter(|statement| statement.kind == "event")
        .map(|statement| shown(statement, "/type"))
        .collect();
    kinds.sort_unstable();
    let all = [
        "\"AggregationEvent\"",
        "\"AssociationEvent\"",
        "\"ObjectEvent\"",
        "\"TransactionEvent\"",
        "\"TransformationEvent\"",
    ];
    assert_eq!(kinds, all);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_supply_chains_are_taken_whole() {
    let app = TestApp::start().await;
    let documents = [
        include_str!("../../demo/infant-formula-general-trade/epcis.json"),
        include_str!("../../demo/infant-formula-bonded/epcis.json"),
        include_str!("../../demo/chilled-beef-air/epcis.json"),
    ];
    let mut events = 0;
    for text in documents {
        let text = text.replace("{{serial:", "S").replace("}}\"", "\"");
        assert!(!text.contains("{{"), "a serial was left out");
        let parsed: Value = serde_json::from_str(&text).unwrap();
        let number = parsed["epcisBody"]["eventList"].as_array().unwrap().len() as i64;
        let answer = app.post("/epcis/capture", text).await;
        assert_eq!(answer.status(), 202);
        let job: Value = answer.json().await.unwrap();
        assert_eq!(job["rootmark:storedCount"], number);
        events += number;
    }
    assert!(events > 30, "{events}");
    assert_eq!(event_count(&app).await, events);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_of_another_repository_is_taken_like_a_document() {
    let app = TestApp::start().await;
    let events = [observation(1, "L1"), observation(2, "L1")];
    let answer = document(&events)
        .replace("EPCISDocument", "EPCISQueryDocument")
        .replace(
            "\"epcisBody\":{",
            "\"epcisBody\":{\"queryResults\":{\"queryName\":\"q\",\"resultsBody\":{",
        )
        + "}}";
    let taken = app.post("/epcis/capture", answer).await;
    assert_eq!(taken.status(), 202);
    let job: Value = taken.json().await.unwrap();
    assert_eq!(job["rootmark:storedCount"], 2);
    // They are the events that they are in any other document.
    assert_eq!(stored(&app, &events).await, 0);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_without_events_is_taken_and_stores_none() {
    let app = TestApp::start().await;
    let before = event_count(&app).await;
    assert_eq!(stored(&app, &[]).await, 0);
    assert_eq!(event_count(&app).await, before);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn urn_and_link_of_any_key_are_one_thing_in_the_index() {
    let app = TestApp::start().await;
    let lot = format!(r#""epcClass":"https://id.gs1.org/01/{GTIN}/10/L1""#);
    let filed = |id: u32, parent: &str| {
        format!(
            r#"{{"type":"AggregationEvent","eventID":"urn:uuid:00000000-0000-4000-8000-{id:012}",
            "eventTime":"2026-06-05T10:2{id}:00Z","eventTimeZoneOffset":"+00:00",
            "action":"ADD","parentID":"{parent}","childQuantityList":[{{{lot}}}]}}"#
        )
    };
    let known = "SELECT count(DISTINCT identity_key) FROM trace_index";
    let before = count(&app, known).await;
    let one = [filed(1, "urn:epc:id:gdti:0614141.12345.400")];
    assert_eq!(stored(&app, &one).await, 1);
    let with_one = count(&app, known).await;
    assert!(with_one > before);
    let same = [filed(2, "https://docs.example/253/0614141123452400")];
    assert_eq!(stored(&app, &same).await, 1);
    assert_eq!(count(&app, known).await, with_one);
    let other = [filed(3, "https://docs.example/253/0614141123452401")];
    assert_eq!(stored(&app, &other).await, 1);
    assert_eq!(count(&app, known).await, with_one + 1);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_a_number_comes_back_as_it_was_sent() {
    let app = TestApp::start().await;
    let numbers = [
        "0",
        "-0",
        "1.0",
        "12.50",
        "1e3",
        "1E+03",
        "-0.0",
        "0.10e-7",
        "1e999",
        "9007199254740993",
        "0.1000000000000000055511151231257827",
        "123456789012345678901234567890",
    ];
    let members: Vec<String> = numbers
        .iter()
        .enumerate()
        .map(|(i, n)| format!(r#""example:n{i}":{n}"#))
        .collect();
    let list = numbers.join(" , ");
    let members = format!(r#"{},"example:list":[{list}]"#, members.join(","));
    stored(&app, &[with_members(&members)]).await;
    let event = proven_event(&app, &lot_path()).await;
    for (i, number) in numbers.iter().enumerate() {
        assert_eq!(shown(&event, &format!("/example:n{i}")), *number);
        assert_eq!(shown(&event, &format!("/example:list/{i}")), *number);
    }
    assert_eq!(
        shown(&event, "/example:list"),
        format!("[{}]", numbers.len())
    );
    assert_eq!(shown(&event, "/example:reading"), "1.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_extensions_come_back_as_they_were_sent() {
    let app = TestApp::start().await;
    let members = r#""example:deep":{"b":[true,null,{}],"a":[],
            "":"empty name","x/y~z":"escaped name"},
        "https://example.org/ns/whole":"a whole URI as name",
        "example:escaped":"tab\t quote\" slash\/ \u00e9\u4e2d\ud83c\udf3f \u001f end",
        "example:names":{"\u540d":1}"#;
    stored(&app, &[with_members(members)]).await;
    let event = proven_event(&app, &lot_path()).await;
    let expected = [
        ("/example:deep/b", "[3]"),
        ("/example:deep/b/0", "true"),
        ("/example:deep/b/1", "null"),
        ("/example:deep/b/2", "{}"),
        ("/example:deep/a", "[0]"),
        ("/example:deep/", "\"empty name\""),
        ("/example:deep/x~1y~0z", "\"escaped name\""),
        (
            "/https:~1~1example.org~1ns~1whole",
            "\"a whole URI as name\"",
        ),
        (
            "/example:escaped",
            "\"tab\\t quote\\\" slash/ é中🌿 \\u001f end\"",
        ),
        ("/example:names/名", "1"),
    ];
    for (pointer, text) in expected {
        assert_eq!(shown(&event, pointer), text, "{pointer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_stay_in_the_order_in_which_they_were_sent() {
    let app = TestApp::start().await;
    let members = r#""example:z": 1, "example:a" :{"y":2,"b":3}"#;
    stored(&app, &[with_members(members)]).await;
    let mut conn = app.owner().await;
    let content = "SELECT convert_from(content, 'UTF8') FROM statement WHERE kind = 'event'";
    let content = scalar(&mut conn, content).await;
    assert!(
        content.contains(r#""example:z":1,"example:a":{"y":2,"b":3}"#),
        "{content}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_repeats_the_documents_context_is_shown_proven_and_checked() {
    let app = TestApp::start().await;
    let members = format!(r#""@context":["{CONTEXT}",{{"own":"urn:example:own:"}}]"#);
    stored(&app, &[with_members(&members)]).await;
    let event = proven_event(&app, &lot_path()).await;
    assert_eq!(shown(&event, "/@context"), "[3]");
    assert_eq!(shown(&event, "/@context/1"), format!("\"{CONTEXT}\""));
    assert_eq!(app.get(&lot_path()).await.status(), 200);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_keeps_its_context_and_leaves_its_record_time_to_the_log() {
    let app = TestApp::start().await;
    let members = r#""recordTime":"2001-01-01T00:00:00Z","@context":{"own":"urn:example:own:"}"#;
    stored(&app, &[with_members(members)]).await;
    let event = proven_event(&app, &lot_path()).await;
    assert_eq!(shown(&event, "/@context"), "[3]");
    assert_eq!(shown(&event, "/@context/0"), format!("\"{CONTEXT}\""));
    assert_eq!(
        shown(&event, "/@context/1/example"),
        "\"https://example.org/ns/\""
    );
    assert_eq!(shown(&event, "/@context/2/own"), "\"urn:example:own:\"");
    assert_eq!(
        shown(&event, "/eventID"),
        "\"urn:uuid:00000000-0000-4000-8000-000000000001\""
    );
    assert!(event.content.value("/body/recordTime").is_none());
    assert!(
        event.recorded.as_str() > "2026",
        "{}",
        event.recorded.as_str()
    );
    assert_eq!(event.content.unnamed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_nested_as_deep_as_allowed_can_be_read_and_proven() {
    let app = TestApp::start().await;
    // Document, body, list and event are four levels of the 64.
    let (open, close) = ("[".repeat(60), "]".repeat(60));
    stored(
        &app,
        &[with_members(&format!(r#""example:deep":{open}1.0{close}"#))],
    )
    .await;
    let event = proven_event(&app, &lot_path()).await;
    assert_eq!(
        shown(&event, &format!("/example:deep{}", "/0".repeat(60))),
        "1.0"
    );
    assert_eq!(app.page(&lot_path(), "en").await.status(), 200);
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_at_the_ends_of_time_can_be_read_and_proven() {
    let app = TestApp::start().await;
    let times = [
        ("0000-01-01T00:00:00Z", "-14:00"),
        ("0000-01-01T00:00:00+14:00", "+14:00"),
        ("9999-12-31T23:59:59.999999999Z", "+14:00"),
        ("9999-12-31T23:59:59-14:00", "-14:00"),
        ("2016-12-31T23:59:60Z", "+00:00"),
        ("2026-06-05t10:20:00.1z", "-00:00"),
    ];
    for (i, (time, offset)) in times.into_iter().enumerate() {
        let lot = format!("T{i}");
        let event = format!(
            r#"{{"type":"ObjectEvent","eventTime":"{time}","eventTimeZoneOffset":"{offset}",
                "action":"OBSERVE","epcList":[],
                "quantityList":[{{"epcClass":"https://id.gs1.org/01/{GTIN}/10/{lot}"}}]}}"#
        );
        let answer = app.post("/epcis/capture", document(&[event])).await;
        assert_eq!(answer.status(), 202, "{time}");
        let path = format!("/01/{GTIN}/10/{lot}");
        for language in ["zh-CN", "en"] {
            assert_eq!(app.page(&path, language).await.status(), 200, "{time}");
        }
        let event = proven_event(&app, &path).await;
        assert_eq!(shown(&event, "/eventTime"), format!("\"{time}\""));
    }
    assert_checks_out(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_events_are_one_document() {
    let app = TestApp::start().await;
    let events: Vec<String> = (0..10_000)
        .map(|i| {
            format!(
                r#"{{"type":"ObjectEvent","eventTime":"2026-06-05T10:20:00Z","eventTimeZoneOffset":"+00:00",
                    "action":"OBSERVE","epcList":["https://id.gs1.org/01/{GTIN}/21/T{i}"]}}"#
            )
        })
        .collect();
    assert_eq!(stored(&app, &events).await, 10_000);
    assert_eq!(event_count(&app).await, 10_000);
    let ids = "SELECT count(DISTINCT key) FROM event_key";
    assert_eq!(count(&app, ids).await, 10_000);
    proven_event(&app, &format!("/01/{GTIN}/21/T9999")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_changed_in_the_database_no_longer_comes_with_a_proof() {
    let app = TestApp::start().await;
    stored(&app, &[with_members(r#""example:weight":12.50"#)]).await;
    assert_eq!(
        shown(&proven_event(&app, &lot_path()).await, "/example:weight"),
        "12.50"
    );
    // The same number in another spelling is another text.
    let tamper = "UPDATE statement SET content =
        convert_to(replace(convert_from(content, 'UTF8'), '12.50', '12.5'), 'UTF8')
        WHERE kind = 'event'";
    alter(&app, tamper).await;
    let text = app.get_text(&format!("/proof{}", lot_path())).await;
    let trust = auditlog::bundle::Trust::default();
    assert!(auditlog::bundle::verify(text.as_bytes(), &trust).is_err());
}
