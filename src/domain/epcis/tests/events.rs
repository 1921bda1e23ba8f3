//! What an event says, and that its first fault is named.

use auditlog::json;

use super::super::*;
use crate::domain::statement::About;

const OBJECT: &str = r#"{"type":"ObjectEvent","eventTime":"2026-06-05T10:20:00+12:00",
    "eventTimeZoneOffset":"+12:00","action":"ADD","bizStep":"commissioning",
    "epcList":["urn:epc:id:sgtin:9521041.000101.S1","https://x.example/01/09521041001012/21/S2"],
    "readPoint":{"id":"https://id.gs1.org/414/9521041000008"},
    "bizTransactionList":[{"type":"inv","bizTransaction":"https://x.example/2026/01/15/1"}],
    "sourceList":[{"type":"owning_party","source":"https://id.gs1.org/417/9521041000008"}],
    "ilmd":{"cbvmda:lotNumber":"L1","cbvmda:itemExpirationDate":"2028-06-23"},
    "sensorElementList":[{"sensorReport":[{"type":"Temperature","value":4.20,"uom":"CEL"}]}],
    "example:note":{"deep":[1.0]}}"#;

fn read(text: &str) -> Result<Event, Fault> {
    read_event(&json::parse(text).unwrap())
}

/// Replaces the text and gives what is wrong then.
fn broken(from: &str, to: &str) -> String {
    assert!(OBJECT.contains(from), "{from}");
    read(&OBJECT.replace(from, to)).unwrap_err().to_string()
}

#[test]
fn an_event_says_what_it_is_about() {
    let event = read(OBJECT).unwrap();
    let about: Vec<String> = about(&event).iter().map(About::to_string).collect();
    assert_eq!(
        about,
        [
            "bizTransaction https://x.example/2026/01/15/1",
            "epc https://id.gs1.org/01/09521041001012/21/S1",
            "epc https://id.gs1.org/01/09521041001012/21/S2",
            "lot https://id.gs1.org/01/09521041001012/10/L1",
            "readPoint https://id.gs1.org/414/9521041000008",
            "source https://id.gs1.org/417/9521041000008",
        ]
    );
    assert_eq!(event.expiration_date.as_deref(), Some("2028-06-23"));
    assert_eq!(event.readings[0].value, 4.2);
    assert_eq!(event.what[1].pointer, "/epcList/1");
}

#[test]
fn a_fault_is_named_with_its_field() {
    let starts = |fault: String, with: &str| assert!(fault.starts_with(with), "{fault}");
    starts(broken("ObjectEvent", "QuantityEvent"), "/type: ");
    starts(broken("2026-06-05T10", "2026-06-31T10"), "/eventTime: ");
    starts(
        broken(
            "\"eventTimeZoneOffset\":\"+12:00\"",
            "\"eventTimeZoneOffset\":\"+14:01\"",
        ),
        "/eventTimeZoneOffset: ",
    );
    starts(broken("\"ADD\"", "\"add\""), "/action: ");
    starts(broken("commissioning", "comissioning"), "/bizStep: ");
    starts(
        broken("09521041001012/21/S2", "09521041001013/21/S2"),
        "/epcList/1: ",
    );
    starts(
        broken(
            "https://x.example/01/09521041001012/21/S2",
            "urn:epc:id:sgtin:9521041.000101.S1",
        ),
        "/epcList/1: stands in the list twice",
    );
    starts(
        broken("\"id\":\"https", "\"id\":\"ht tps"),
        "/readPoint/id: ",
    );
    starts(
        broken("\"inv\"", "\"invoice\""),
        "/bizTransactionList/0/type: ",
    );
    starts(broken("owning_party", "owner"), "/sourceList/0/type: ");
    starts(
        broken("4.20", "\"4.20\""),
        "/sensorElementList/0/sensorReport/0/value: ",
    );
    starts(broken("example:note", "note"), "/note: ");
    starts(broken("cbvmda:lotNumber", "lotNumber"), "/ilmd/lotNumber: ");
    starts(
        broken("\"action\":\"ADD\"", "\"action\":\"OBSERVE\""),
        "/ilmd: ",
    );
    starts(
        broken("\"eventTime\"", "\"example:t\""),
        "/eventTime: is missing",
    );
}

#[test]
fn what_was_opened_or_closed_must_be_named() {
    let aggregation = |action: &str, rest: &str| {
        read(&format!(
            r#"{{"type":"AggregationEvent","eventTime":"2026-06-05T10:20:00Z",
            "eventTimeZoneOffset":"+00:00","action":"{action}"{rest}}}"#
        ))
    };
    let parent = r#","parentID":"https://id.gs1.org/00/095212345000000018""#;
    let parent = &parent.replace("095212345000000018", &sscc());
    let child = r#","childEPCs":["https://id.gs1.org/01/09521041001012/21/S1"]"#;
    assert!(aggregation("ADD", &format!("{parent}{child}")).is_ok());
    assert!(aggregation("DELETE", parent).is_ok());
    assert!(aggregation("OBSERVE", child).is_ok());
    assert_eq!(aggregation("ADD", child).unwrap_err().pointer, "/parentID");
    assert_eq!(
        aggregation("DELETE", child).unwrap_err().pointer,
        "/parentID"
    );
    assert!(aggregation("ADD", parent).is_err());
}

fn sscc() -> String {
    crate::domain::gs1::Sscc::with_check_digit("09521234500000001")
        .unwrap()
        .to_string()
}

#[test]
fn a_transformation_needs_both_sides_or_an_id() {
    let transformation = |rest: &str| {
        read(&format!(
            r#"{{"type":"TransformationEvent","eventTime":"2026-06-05T10:20:00Z",
            "eventTimeZoneOffset":"+00:00"{rest}}}"#
        ))
    };
    let input = r#","inputQuantityList":[{"epcClass":"https://id.gs1.org/01/09521041000015/10/A","quantity":1.50,"uom":"KGM"}]"#;
    let output = r#","outputEPCList":["https://id.gs1.org/01/09521041001012/21/S1"]"#;
    let event = transformation(&format!("{input}{output}")).unwrap();
    assert_eq!(
        event.what[0].quantity.as_ref().unwrap().value.as_deref(),
        Some("1.50")
    );
    assert!(transformation(&format!("{input},\"transformationID\":\"urn:x:1\"")).is_ok());
    assert!(transformation(input).is_err());
    assert!(transformation("").is_err());
    let bad_unit = input.replace("KGM", "kg");
    assert!(transformation(&format!("{bad_unit}{output}")).is_err());
}

#[test]
fn an_error_declaration_is_one_with_or_without_an_id() {
    // EPCIS 2.0: all of the event again, its eventID too if it had one, and the declaration.
    let declared = OBJECT.replace(
        "\"action\"",
        r#""errorDeclaration":{"declarationTime":"2026-06-06T00:00:00Z","reason":"incorrect_data"},"action""#,
    );
    assert!(read(&declared).unwrap().is_error_declaration());
    let named = declared.replace("\"action\"", "\"eventID\":\"urn:uuid:1\",\"action\"");
    assert!(read(&named).unwrap().is_error_declaration());
    assert!(!read(OBJECT).unwrap().is_error_declaration());
}
