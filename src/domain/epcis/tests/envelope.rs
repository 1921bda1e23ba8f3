//! The envelopes: what each must have, and what it may.

use auditlog::json;

use super::super::*;
use super::valid::{ALL, OBJECT, TRANSACTION, document, query_document};

/// How many events, or what is wrong.
fn read(text: &str) -> Result<usize, String> {
    let value = json::parse(text).unwrap();
    let document = read_document(&value).map_err(|fault| fault.to_string())?;
    Ok(document.events.len())
}

/// Replaces, and says what must be told then.
fn assert_told(valid: &str, from: &str, to: &str, told: &str) {
    assert!(valid.contains(from), "{from}");
    let fault = read(&valid.replacen(from, to, 1)).expect_err(told);
    assert!(fault.starts_with(told), "{fault} is not {told}");
}

#[test]
fn a_document_brings_its_events() {
    let all = ALL.join(",");
    assert_eq!(read(&document(&all)), Ok(5));
    assert_eq!(read(&query_document(&all)), Ok(5));
    // It may bring master data alone, as the schema has it.
    assert_eq!(read(&document("")), Ok(0));
    assert_eq!(read(&query_document("")), Ok(0));
}

#[test]
fn a_document_without_its_parts_is_refused() {
    let valid = document("{}");
    for (from, to, told) in [
        (
            "\"EPCISDocument\"",
            "\"ObjectEvent\"",
            "/type: must be EPCISDocument or EPCISQuery",
        ),
        (
            "\"2.0\"",
            "\"1.2\"",
            "/schemaVersion: must be 2.0 or a later 2.x",
        ),
        ("\"2.0\"", "\"2.x\"", "/schemaVersion: must be 2.0"),
        ("\"2.0\"", "2.0", "/schemaVersion: must be a string"),
        (
            "\"schemaVersion\"",
            "\"ex:v\"",
            "/schemaVersion: is missing",
        ),
        ("\"creationDate\"", "\"ex:c\"", "/creationDate: is missing"),
        (
            "2026-06-05T00",
            "2026-06-31T00",
            "/creationDate: is not an RFC 3339",
        ),
        ("\"@context\":", "\"ex:c\":", "/@context: is missing"),
        (
            "\"https://ref",
            "\"not a uri: ref",
            "/@context/0: is not a URI",
        ),
        (
            "{\"ex\":",
            "7,{\"ex\":",
            "/@context/1: must be a URI or an object",
        ),
        ("\"id\":\"https", "\"id\":\"ht tps", "/id: is not a URI"),
        (
            "\"sender\":\"a\"",
            "\"sender\":1",
            "/sender: must be a string",
        ),
        ("\"ex:x\"", "\"x\"", "/x: "),
        ("\"epcisBody\"", "\"ex:b\"", "/epcisBody: is missing"),
        (
            "\"eventList\":[{}]",
            "\"event\":{}",
            "/epcisBody/eventList: is missing",
        ),
        (
            "\"eventList\":[{}]",
            "\"eventList\":{}",
            "/epcisBody/eventList: must be an array",
        ),
        (
            "\"epcisMasterData\"",
            "\"masterData\"",
            "/epcisHeader/masterData: ",
        ),
        (
            "\"type\":\"urn:epcglobal:epcis:vtype:X\"",
            "\"type\":\"X\"",
            "/epcisHeader/epcisMasterData/vocabularyList/0/type: is not a URI",
        ),
        (
            "\"id\":\"urn:ex:1\",",
            "",
            "/epcisHeader/epcisMasterData/vocabularyList/0/vocabularyElementList/0/id: is missing",
        ),
        (
            "\"attribute\":1",
            "\"attribute\":true",
            "/epcisHeader/epcisMasterData/vocabularyList/0/vocabularyElementList/0/attributes/0/\
             attribute: must be a number, a string or an object",
        ),
        (
            "[\"urn:ex:2\"]",
            "[\"child\"]",
            "/epcisHeader/epcisMasterData/vocabularyList/0/vocabularyElementList/0/children/0: is",
        ),
    ] {
        assert_told(&valid, from, to, told);
    }
    for version in ["\"2\"", "\"2.1\"", "\"2.0.1\""] {
        assert_eq!(read(&valid.replace("\"2.0\"", version)), Ok(1));
    }
    assert_eq!(read(&valid.replace("\"sender\":\"a\",", "")), Ok(1));
    assert!(read("[]").unwrap_err().contains("must be an object"));
}

#[test]
fn the_answer_of_a_query_without_its_parts_is_refused() {
    let valid = query_document("{}");
    let results = "/epcisBody/queryResults";
    for (from, to, told) in [
        (
            "\"queryResults\"",
            "\"ex:q\"",
            format!("{results}: is missing"),
        ),
        (
            "\"queryName\"",
            "\"ex:n\"",
            format!("{results}/queryName: is missing"),
        ),
        (
            "\"subscriptionID\":\"s\"",
            "\"subscriptionID\":1",
            format!("{results}/subscription"),
        ),
        (
            "\"resultsBody\"",
            "\"ex:r\"",
            format!("{results}/resultsBody: is missing"),
        ),
        (
            "\"eventList\"",
            "\"ex:e\"",
            format!("{results}/resultsBody/eventList: is missing"),
        ),
        (
            "vtype:X\"",
            "v X\"",
            format!("{results}/resultsBody/vocabularyList/0/type: is not"),
        ),
        (
            "\"subscriptionID\"",
            "\"id\"",
            format!("{results}/id: there is no such member"),
        ),
        (
            "\"schemaVersion\"",
            "\"sender\"",
            "/sender: there is no".to_owned(),
        ),
    ] {
        assert_told(&valid, from, to, &told);
    }
    let least = valid
        .replace("\"schemaVersion\":\"2.0\",", "")
        .replace("\"creationDate\":\"2026-06-05T00:00:00Z\",", "")
        .replace("\"subscriptionID\":\"s\",", "");
    assert_eq!(read(&least), Ok(1));
}

#[test]
fn a_context_is_a_uri_or_an_object_or_a_list_of_these_without_repeats() {
    let valid = query_document("{}");
    let uri = "\"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld\"";
    for context in [
        uri.to_owned(),
        "{\"ex\":\"https://ex.example/\"}".to_owned(),
        format!("[{uri},{{\"a\":\"urn:a\"}},{{\"b\":\"urn:b\"}},\"urn:c\"]"),
        "[]".to_owned(),
    ] {
        assert_eq!(read(&valid.replace(uri, &context)), Ok(1), "{context}");
    }
    for (context, told) in [
        ("null".to_owned(), "/@context: must be a URI"),
        (
            format!("[{uri},{uri}]"),
            "/@context/1: stands in the list twice",
        ),
        (
            "[{\"a\":\"urn:a\"},{\"a\":\"urn:a\"}]".to_owned(),
            "/@context/1: stands in the list",
        ),
        (
            format!("[[{uri}]]"),
            "/@context/0: must be a URI or an object",
        ),
    ] {
        assert_told(&valid, uri, &context, told);
    }
    // Of one event the same.
    let event = TRANSACTION.replacen('{', "{\"@context\":[7],", 1);
    let fault = read_event(&json::parse(&event).unwrap()).unwrap_err();
    assert_eq!(fault.pointer, "/@context/0");
}

#[test]
fn one_event_comes_by_itself_with_its_context() {
    let read = |text: &str| {
        let value = json::parse(text).unwrap();
        let document = read_single_event_document(&value).map_err(|fault| fault.to_string())?;
        assert!(std::ptr::eq(
            document.context,
            value.get("@context").unwrap()
        ));
        read_event(&document.events[0]).map_err(|fault| fault.to_string())?;
        Ok::<usize, String>(document.events.len())
    };
    assert_eq!(read(OBJECT), Ok(1));
    assert_eq!(read(TRANSACTION), Err("/@context: is missing".to_owned()));
    let array = format!("[{OBJECT}]");
    assert_eq!(read(&array), Err("must be an object".to_owned()));
    let fault = read(&document(OBJECT)).unwrap_err();
    assert_eq!(fault, "/type: must be one of the five EPCIS event types");
}

#[test]
fn more_events_than_one_capture_takes_are_counted() {
    let many = |n: usize| document(&vec!["{}"; n].join(","));
    assert_eq!(read(&many(MAX_EVENTS)), Ok(MAX_EVENTS));
    let value = many(MAX_EVENTS + 1);
    let value = json::parse(&value).unwrap();
    let (found, pointer) = (MAX_EVENTS + 1, "/epcisBody/eventList".to_owned());
    let fault = read_document(&value).unwrap_err();
    assert_eq!(fault, DocumentFault::TooManyEvents { found, pointer });
}

#[test]
fn a_context_that_events_cannot_carry_is_refused_before_they_are_looked_at() {
    // White space does not count: it is not stored.
    let with = |bytes: usize| format!("[ {{ \"p\" : \"u:{}\" }} ]", "n".repeat(bytes - 12));
    for valid in [document("{}"), query_document("{}"), OBJECT.to_owned()] {
        let fault = |bytes: usize| {
            let value = json::parse(&valid).unwrap();
            let context = value.get("@context").unwrap().to_compact();
            let text = value.to_compact().replacen(&context, &with(bytes), 1);
            let value = json::parse(&text).unwrap();
            match value.get("type").and_then(json::Value::as_str) {
                Some("ObjectEvent") => read_single_event_document(&value).err(),
                _ => read_document(&value).err(),
            }
        };
        assert_eq!(fault(MAX_CONTEXT_BYTES), None);
        let found = MAX_CONTEXT_BYTES + 1;
        assert_eq!(fault(found), Some(DocumentFault::ContextTooLarge { found }));
    }
}
