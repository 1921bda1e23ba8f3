//! One malformed event rejects its whole document, and the answer says where.

use crate::kit::{everything, refusal, stored};
use crate::support::document::{document, item_observation, observation};
use crate::support::{GTIN, TestApp};

/// An event from which each fault is made by one replacement.
const EVENT: &str = r#"{"type":"ObjectEvent",
    "eventID":"urn:uuid:00000000-0000-4000-8000-000000000077",
    "eventTime":"2026-06-05T10:20:00+12:00","eventTimeZoneOffset":"+12:00",
    "action":"ADD","bizStep":"commissioning","disposition":"active",
    "epcList":["https://id.gs1.org/01/09521041001012/21/F1",
        "https://id.gs1.org/01/09521041001012/21/F2"],
    "quantityList":[{"epcClass":"https://id.gs1.org/01/09521041001012/10/L1",
        "quantity":1.50,"uom":"KGM"}],
    "readPoint":{"id":"https://id.gs1.org/414/9521041000008"},
    "bizTransactionList":[{"type":"inv","bizTransaction":"urn:example:invoice:1"}],
    "sourceList":[{"type":"owning_party","source":"https://id.gs1.org/417/9521041000008"}],
    "ilmd":{"cbvmda:lotNumber":"L1"},
    "sensorElementList":[{"sensorReport":[{"type":"Temperature","value":4.20,"uom":"CEL"}]}],
    "example:a/b~c":{"deep":[1.0]}}"#;

/// What is replaced, with what, and the pointer that must then be named.
const FAULTS: [(&str, &str, &str); 39] = [
    (r#""type":"ObjectEvent","#, "", "/type"),
    ("ObjectEvent", "QuantityEvent", "/type"),
    (r#""type":"ObjectEvent""#, r#""type":5"#, "/type"),
    (
        r#""eventTime":"2026-06-05T10:20:00+12:00","#,
        "",
        "/eventTime",
    ),
    (
        "2026-06-05T10:20:00+12:00",
        "2026-06-31T10:20:00+12:00",
        "/eventTime",
    ),
    (
        "2026-06-05T10:20:00+12:00",
        "2026-06-05T10:20:00",
        "/eventTime",
    ),
    (
        r#""eventTimeZoneOffset":"+12:00","#,
        "",
        "/eventTimeZoneOffset",
    ),
    (
        r#"Offset":"+12:00""#,
        r#"Offset":"+14:01""#,
        "/eventTimeZoneOffset",
    ),
    (
        r#""eventID":"urn:uuid:"#,
        r#""eventID":"no uri "#,
        "/eventID",
    ),
    (r#""action":"ADD","#, "", "/action"),
    (r#""action":"ADD""#, r#""action":"add""#, "/action"),
    (r#""action":"ADD""#, r#""action":null"#, "/action"),
    ("commissioning", "comissioning", "/bizStep"),
    ("\"active\"", "\"lively\"", "/disposition"),
    ("09521041001012/21/F1", "09521041001013/21/F1", "/epcList/0"),
    ("/21/F2", "/21/F1", "/epcList/1"),
    ("/21/F2", "/21/F%202", "/epcList/1"),
    (
        r#"["https://id.gs1.org/01/09521041001012/21/F1","#,
        r#"[7,"#,
        "/epcList/0",
    ),
    ("/10/L1", "/10/", "/quantityList/0/epcClass"),
    ("1.50", "\"1.50\"", "/quantityList/0/quantity"),
    ("\"KGM\"", "\"kg\"", "/quantityList/0/uom"),
    (r#""uom":"KGM""#, r#""unit":"KGM""#, "/quantityList/0/unit"),
    ("414/9521041000008", "414/9521041000009", "/readPoint/id"),
    (r#"{"id":"#, r#"{"name":"Farm","id":"#, "/readPoint/name"),
    ("\"inv\"", "\"invoice\"", "/bizTransactionList/0/type"),
    ("owning_party", "owner", "/sourceList/0/type"),
    (
        "417/9521041000008",
        "417/9521041000001",
        "/sourceList/0/source",
    ),
    ("cbvmda:lotNumber", "lotNumber", "/ilmd/lotNumber"),
    (
        "4.20",
        "\"4.20\"",
        "/sensorElementList/0/sensorReport/0/value",
    ),
    ("example:a/b~c", "a/b~c", "/a~1b~0c"),
    (
        r#""action":"ADD""#,
        r#""errorDeclaration":{"reason":"incorrect_data"},"action":"ADD""#,
        "/errorDeclaration/declarationTime",
    ),
    (
        "\"commissioning\"",
        "\"urn:epcglobal:cbv:bizstep:commissioning\"",
        "/bizStep",
    ),
    ("01/09521041001012/21/F1", "01/09521041001012", "/epcList/0"),
    ("/10/L1", "/21/L1", "/quantityList/0/epcClass"),
    (
        r#""type":"inv","#,
        r#""type":"inv","example:a":1,"#,
        "/bizTransactionList/0/example:a",
    ),
    (
        r#""cbvmda:lotNumber":"L1""#,
        r#""cbvmda:bestBeforeDate":"2027-02-29""#,
        "/ilmd/cbvmda:bestBeforeDate",
    ),
    (
        r#""uom":"CEL""#,
        r#""uom":"LTR""#,
        "/sensorElementList/0/sensorReport/0/uom",
    ),
    (
        r#""uom":"CEL""#,
        r#""uom":"°C""#,
        "/sensorElementList/0/sensorReport/0/uom",
    ),
    (
        r#""uom":"CEL""#,
        r#""booleanValue":"yes""#,
        "/sensorElementList/0/sensorReport/0/booleanValue",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_event_is_named_with_its_field_and_nothing_of_its_document_is_stored() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    for (from, to, pointer) in FAULTS {
        assert!(EVENT.contains(from), "{from}");
        let bad = EVENT.replacen(from, to, 1);
        let events = [observation(1, "L1"), bad, observation(2, "L1")];
        let refused = refusal(app.post("/epcis/capture", document(&events)).await).await;
        assert_eq!(refused.status, 400, "{from} -> {to}");
        assert_eq!(refused.kind, "epcisException:ValidationException");
        assert_eq!(
            refused.faults,
            [(Some(1), pointer.to_owned())],
            "{from} -> {to}"
        );
    }
    assert_eq!(everything(&app).await, before);
    // Mended, the very same document is stored whole.
    let events = [observation(1, "L1"), EVENT.to_owned(), observation(2, "L1")];
    assert_eq!(stored(&app, &events).await, 3);
    assert_ne!(everything(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn something_else_than_an_object_is_no_event() {
    let app = TestApp::start().await;
    for not_an_event in ["1.0", "null", "[]", "\"event\""] {
        let events = [observation(1, "L1"), not_an_event.to_owned()];
        let refused = refusal(app.post("/epcis/capture", document(&events)).await).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.faults, [(Some(1), String::new())], "{not_an_event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_malformed_event_is_named_up_to_fifty() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let bad = |i: u32| observation(i, "L1").replace("inspecting", "looking");
    let mixed = [
        bad(1),
        observation(2, "L1"),
        bad(3),
        observation(4, "L1"),
        bad(5),
    ];
    let refused = refusal(app.post("/epcis/capture", document(&mixed)).await).await;
    let named: Vec<Option<u64>> = refused.faults.iter().map(|(event, _)| *event).collect();
    assert_eq!(named, [Some(0), Some(2), Some(4)]);
    for (number, told) in [(49, 49), (50, 50), (51, 50), (400, 50)] {
        let events: Vec<String> = (0..number).map(bad).collect();
        let refused = refusal(app.post("/epcis/capture", document(&events)).await).await;
        assert_eq!(refused.status, 400, "{number}");
        assert_eq!(refused.faults.len(), told, "{number}");
    }
    assert_eq!(everything(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_malformed_event_at_the_end_keeps_a_thousand_good_ones_out() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let mut events: Vec<String> = (0..1_000).map(|i| observation(i, "L1")).collect();
    events.push(item_observation(1_000, "S1").replace("\"action\"", "\"act\""));
    let refused = refusal(app.post("/epcis/capture", document(&events)).await).await;
    assert_eq!(refused.faults[0].0, Some(1_000));
    assert_eq!(everything(&app).await, before);
    events.pop();
    assert_eq!(stored(&app, &events).await, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_envelope_is_named_with_its_field() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let good = document(&[observation(1, "L1")]);
    let list = format!("[{}]", observation(1, "L1"));
    let faults = [
        ("\"EPCISDocument\"", "\"EPCISMasterDataDocument\"", "/type"),
        (
            "\"EPCISDocument\"",
            "\"EPCISQueryDocument\"",
            "/epcisBody/eventList",
        ),
        (
            "\"schemaVersion\":\"2.0\"",
            "\"schemaVersion\":\"1.2\"",
            "/schemaVersion",
        ),
        (
            "\"schemaVersion\":\"2.0\"",
            "\"schemaVersion\":2.0",
            "/schemaVersion",
        ),
        ("2026-11-23T00:00:00Z", "yesterday", "/creationDate"),
        ("\"creationDate\"", "\"example:date\"", "/creationDate"),
        ("\"@context\"", "\"example:context\"", "/@context"),
        ("\"https://ref", "\"no uri ref", "/@context/0"),
        ("\"epcisBody\"", "\"example:body\"", "/epcisBody"),
        ("\"epcisBody\"", "\"body\"", "/body"),
        ("\"eventList\"", "\"events\"", "/epcisBody/eventList"),
        (list.as_str(), "{}", "/epcisBody/eventList"),
    ];
    for (from, to, pointer) in faults {
        assert!(good.contains(from), "{from}");
        let refused = refusal(app.post("/epcis/capture", good.replacen(from, to, 1)).await).await;
        assert_eq!(refused.status, 400, "{from} -> {to}");
        assert_eq!(
            refused.faults,
            [(None, pointer.to_owned())],
            "{from} -> {to}"
        );
    }
    for not_a_document in ["[]", "null", "\"EPCISDocument\"", "{}", "2.0"] {
        let refused = refusal(app.post("/epcis/capture", not_a_document).await).await;
        assert_eq!(refused.status, 400, "{not_a_document}");
    }
    assert_eq!(everything(&app).await, before);
    assert_eq!(app.post("/epcis/capture", good).await.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_refused_is_not_repeated_at_any_length() {
    let app = TestApp::start().await;
    let long = "x".repeat(1_000_000);
    for (from, to) in [
        ("inspecting", &long),
        (GTIN, &long),
        ("+12:00", &long),
        ("KGM", &long),
    ] {
        let bad = observation(1, "L1").replace(from, to);
        let answer = app.post("/epcis/capture", document(&[bad])).await;
        assert_eq!(answer.status(), 400);
        let told = answer.text().await.unwrap().len();
        assert!(told < 1_000, "{from}: an answer of {told} bytes");
    }
}
