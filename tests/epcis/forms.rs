//! Identities go in by URN and come out by Digital Link, and back; the event hash is told.

use auditlog::json::{self, Value};

use crate::kit::{another_merchant, refusal, stored, stored_as};
use crate::support::TestApp;
use crate::support::document::{item_observation, observation_of};

/// One event of each type, every identity a URN, and values that a careless reader changes.
fn by_urn() -> Vec<String> {
    let event = |number: u32, kind: &str, rest: &str| {
        format!(
            r#"{{"type":"{kind}","eventID":"urn:example:{number}","eventTime":"2026-06-0{number}T10:00:00.250+12:00","eventTimeZoneOffset":"+12:00",{rest},"example:raw":[1.0,1e3,-0.0,12345678901234567890,"\u00e9\u4e2d / \" \\"],"example:like":"urn:epc:id:sgtin:9521041.000101.NOT"}}"#
        )
    };
    let places = r#""readPoint":{"id":"urn:epc:id:sgln:9521041.00000.D%2F1"},"bizLocation":{"id":"urn:epc:id:sgln:9521041.00000.0"}"#;
    let parties = r#""sourceList":[{"type":"owning_party","source":"urn:epc:id:pgln:9521041.00000"}],"destinationList":[{"type":"location","destination":"urn:epc:id:sgln:9521041.00000.0"}]"#;
    let sensor = r#""sensorElementList":[{"sensorMetadata":{"time":"2026-06-05T12:00:00Z","deviceID":"urn:epc:id:giai:9521041.DEMO1"},"sensorReport":[{"type":"Temperature","value":4.20,"uom":"CEL","deviceID":"urn:epc:id:giai:9521041.DEMO1"}]}]"#;
    let class =
        r#"{"epcClass":"urn:epc:class:lgtin:9521041.000101.AB%2F1","quantity":12.50,"uom":"KGM"}"#;
    vec![
        event(
            1,
            "ObjectEvent",
            &format!(
                r#""action":"ADD","epcList":["urn:epc:id:sgtin:9521041.000101.S%2F1","urn:epc:id:sscc:9521041.0001000001","urn:epc:id:grai:9521041.00001.7"],"quantityList":[{class},{{"epcClass":"urn:epc:idpat:sgtin:9521041.000101.*"}}],{places},{parties},{sensor},"ilmd":{{"example:lot":"007"}}"#
            ),
        ),
        event(
            2,
            "AggregationEvent",
            &format!(
                r#""action":"ADD","parentID":"urn:epc:id:sscc:9521041.0001000001","childEPCs":["urn:epc:id:sgtin:9521041.000101.%22"],"childQuantityList":[{class}],{places}"#
            ),
        ),
        event(
            3,
            "TransactionEvent",
            &format!(
                r#""action":"OBSERVE","bizTransactionList":[{{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:9521041000008:1"}}],"parentID":"urn:epc:id:sscc:9521041.0001000001","epcList":["urn:epc:id:sgtin:9521041.000101.a+b"],{parties}"#
            ),
        ),
        event(
            4,
            "TransformationEvent",
            &format!(
                r#""inputEPCList":["urn:epc:id:sgtin:9521041.000101.1"],"inputQuantityList":[{class}],"outputEPCList":["urn:epc:id:sgtin:9521041.000101.2"],"outputQuantityList":[{class}],"transformationID":"urn:example:t1""#
            ),
        ),
        event(
            5,
            "AssociationEvent",
            &format!(
                r#""action":"ADD","parentID":"urn:epc:id:grai:9521041.00001.7","childEPCs":["urn:epc:id:giai:9521041.DEMO1"],{places}"#
            ),
        ),
    ]
}

/// The events of an answer in the order of their times, each as its own text, without the time at which
/// it was recorded, which is the repository's.
async fn given_back(app: &TestApp, key: &str, format: Option<&str>) -> Vec<String> {
    let address = app.url("/epcis/events?orderDirection=ASC&LT_eventTime=2026-06-06T00:00:00Z");
    let mut request = app.http.get(address).bearer_auth(key);
    if let Some(format) = format {
        request = request.header("GS1-EPC-Format", format);
    }
    let answer = request.send().await.unwrap();
    let said = answer.headers()["GS1-EPC-Format"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(said, format.unwrap_or("Always_GS1_Digital_Link"));
    assert_eq!(answer.headers()["GS1-EPCIS-Version"], "2.0.0");
    assert_eq!(answer.headers()["GS1-CBV-Version"], "2.0.0");
    let text = answer.text().await.unwrap();
    let document = json::parse(&text).unwrap();
    let steps = ["epcisBody", "queryResults", "resultsBody", "eventList"];
    let list = steps
        .iter()
        .fold(&document, |value, step| value.get(step).unwrap());
    let own = |event: &Value<'_>| {
        let members = event.as_object().unwrap().iter();
        let members = members.filter(|(key, _)| key != "recordTime").cloned();
        Value::Object(members.collect()).to_compact()
    };
    list.as_array().unwrap().iter().map(own).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_type_goes_in_by_urn_and_comes_out_by_link_and_back_with_every_value_equal() {
    let app = TestApp::start().await;
    let original: Vec<String> = by_urn()
        .iter()
        .map(|event| json::parse(event).unwrap().to_compact())
        .collect();
    assert_eq!(stored(&app, &original).await, 5);
    assert_eq!(
        given_back(&app, &app.key, Some("Never_Translates")).await,
        original
    );
    assert_eq!(
        given_back(&app, &app.key, Some("No_Preference")).await,
        original
    );
    let links = given_back(&app, &app.key, None).await;
    for event in &links {
        // What only looks like an identity stays.
        assert_eq!(event.matches("urn:epc:").count(), 1, "{event}");
        assert!(event.contains("https://id.gs1.org/"), "{event}");
        assert!(
            event.contains("[1.0,1e3,-0.0,12345678901234567890,"),
            "{event}"
        );
    }
    assert!(
        links[0].contains("/01/09521041001012/21/S%2F1"),
        "{}",
        links[0]
    );

    // A partner takes what came out, and knows the company by another URN of it.
    let (_, partner) = another_merchant(&app).await;
    assert_eq!(stored_as(&app, &partner, &links).await, 5);
    assert_eq!(
        given_back(&app, &partner, Some("Always_EPC_URN")).await,
        links
    );
    let known = r#""epcList":["urn:epc:id:sgtin:9521041.000101.X"]"#;
    let later = observation_of(9, known).replace("2026-06-05T", "2026-07-05T");
    assert_eq!(stored_as(&app, &partner, &[later]).await, 1);
    assert_eq!(
        given_back(&app, &partner, Some("Always_EPC_URN")).await,
        original
    );
    assert_eq!(
        given_back(&app, &partner, Some("Never_Translates")).await,
        links
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_format_that_does_not_exist_is_not_acceptable() {
    let app = TestApp::start().await;
    for path in [
        "/epcis/events",
        "/epcis/events/urn:example:1",
        "/epcis/bizSteps",
    ] {
        let request = app.http.get(app.url(path)).bearer_auth(&app.key);
        let request = request.header("GS1-EPC-Format", "always_epc_urn");
        let refused = refusal(request.send().await.unwrap()).await;
        assert_eq!(refused.status, 406, "{path}");
        assert_eq!(
            refused.kind, "epcisException:NotAcceptableException",
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_hash_is_told_and_a_declared_one_compared_and_never_a_reason_to_refuse() {
    let app = TestApp::start().await;
    let context = r#"{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"example":"https://example.org/ns/"}],"#;
    let event = item_observation(1, "S1").replacen('{', context, 1);
    let id = "urn:uuid:00000000-0000-4000-8000-000000000001";
    let answer = app.post("/epcis/events", event.clone()).await;
    assert_eq!(answer.status(), 201);
    assert!(!answer.headers().contains_key("Rootmark-Declared-Hash"));
    let hash = answer.headers()["Rootmark-Event-Hash"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        hash.starts_with("ni:///sha-256;") && hash.ends_with("?ver=CBV2.0"),
        "{hash}"
    );
    // The ID is not hashed, so the hash can be the ID.
    for (declared, says) in [(hash.clone(), "equal"), (hash.replace(";", ";0"), "")] {
        let answer = app
            .post("/epcis/events", event.replace(id, &declared))
            .await;
        assert_eq!(answer.status(), 201, "{declared}");
        let said = answer.headers().get("Rootmark-Declared-Hash");
        assert_eq!(
            said.map_or("", |said| said.to_str().unwrap()),
            says,
            "{declared}"
        );
    }
    let wrong = format!("ni:///sha-256;{}?ver=CBV2.0", "0".repeat(64));
    let answer = app.post("/epcis/events", event.replace(id, &wrong)).await;
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.headers()["Rootmark-Declared-Hash"], "differs");
    assert_eq!(answer.headers()["Rootmark-Event-Hash"], hash.as_str());
}
