//! What becomes of documents before anything is stored.

use super::*;
use crate::domain::epcis::{MAX_CONTEXT_BYTES, MAX_WRITTEN_BYTES};

fn submitter() -> Submitter {
    Submitter {
        merchant_id: Uuid::nil(),
        issuer: "https://id.gs1.org/417/9521041000008".into(),
        event_id_key: Secret([1; 32]),
    }
}

fn prepare(events: &str) -> Result<Prepared, CaptureError> {
    let text = format!(
        r#"{{"@context":"https://c.example/1","type":"EPCISDocument","schemaVersion":"2.0",
        "creationDate":"2026-06-05T00:00:00Z","epcisBody":{{"eventList":[{events}]}}}}"#
    );
    let recorded = Timestamp::parse("2026-11-23T01:02:03.123Z").unwrap();
    let behaviour = ErrorBehaviour::Rollback;
    prepare_document(&text, &submitter(), Uuid::nil(), recorded, behaviour)
}

const EVENT: &str = r#"{"type":"ObjectEvent","recordTime":"2026-01-01T00:00:00Z","eventTime":"2026-06-05T10:20:00Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE","epcList":["https://id.gs1.org/01/09521041001012/21/S1"],"x:n":1.50 , "x:deep":{"b":1e3,"a":[]}}"#;

#[test]
fn numbers_order_and_extensions_stay_as_received() {
    let prepared = prepare(EVENT).unwrap();
    let content = &prepared.events[0].statement.content;
    assert!(
        content.contains(r#""x:n":1.50,"x:deep":{"b":1e3,"a":[]}"#),
        "{content}"
    );
    assert!(content.starts_with(r#"{"body":{"@context":"https://c.example/1","type":"#));
    assert!(!content.contains("recordTime"));
}

#[test]
fn an_events_own_context_extends_the_documents() {
    let own = EVENT.replacen('{', r#"{"@context":[{"x":"https://x.example/"}],"#, 1);
    let content = &prepare(&own).unwrap().events[0].statement.content;
    let context = r#""@context":["https://c.example/1",{"x":"https://x.example/"}],"type""#;
    assert!(content.contains(context), "{content}");
    assert_eq!(content.matches("@context").count(), 1);
}

#[test]
fn a_context_that_document_and_event_both_bring_stands_once_and_where_it_prevails() {
    let context = |own: &str| {
        let event = EVENT.replacen('{', &format!("{{\"@context\":{own},"), 1);
        let statement = &prepare(&event).unwrap().events[0].statement;
        let content = json::parse(&statement.content).unwrap();
        let body = content.get("body").unwrap();
        epcis::read_event(body).expect("what is stored can be read");
        body.get("@context").unwrap().to_compact()
    };
    let (one, x) = (r#""https://c.example/1""#, r#"{"x":"https://x.example/"}"#);
    assert_eq!(context(one), format!("[{one}]"));
    assert_eq!(context(&format!("[{one},{x}]")), format!("[{one},{x}]"));
    assert_eq!(context(&format!("[{x},{one}]")), format!("[{x},{one}]"));
}

#[test]
fn an_event_without_an_id_gets_the_same_one_each_time_and_only_here() {
    let id = |prepared: &Prepared| prepared.events[0].event_id.clone();
    let first = id(&prepare(EVENT).unwrap());
    assert_eq!(first, id(&prepare(EVENT).unwrap()));
    assert_ne!(first, id(&prepare(&EVENT.replace("1.50", "1.5")).unwrap()));
    let other = Submitter {
        event_id_key: Secret([2; 32]),
        ..submitter()
    };
    assert_ne!(first, assigned_id("{", &other));
}

#[test]
fn an_error_declaration_without_an_id_retracts_the_event_that_it_repeats() {
    let declaration = r#"{"errorDeclaration":{"declarationTime":"2026-06-06T00:00:00Z"},"#;
    let declared = EVENT.replacen('{', declaration, 1);
    let both = prepare(&format!("{EVENT},{declared}")).unwrap();
    let [event, retraction] = &both.events[..] else {
        panic!("an event and its error declaration are two statements");
    };
    assert_eq!(event.event_id, retraction.event_id);
    assert_ne!(event.key, retraction.key);
    assert!(retraction.statement.content.contains("errorDeclaration"));
    let other = prepare(&declared.replace("1.50", "1.5")).unwrap();
    assert_ne!(other.events[0].event_id, event.event_id);
}

#[test]
fn an_event_that_came_by_itself_keeps_its_context_once() {
    let own = EVENT.replacen('{', r#"{"@context":"https://c.example/1","#, 1);
    let value = json::parse(&own).unwrap();
    let document = epcis::read_single_event_document(&value).unwrap();
    let event = epcis::read_event(&value).unwrap();
    let shared = Shared::of(document.context);
    let effective = shared.extended(own_context(&value, document.context));
    let text = &effective.unwrap().text;
    let (body, _) = effective_body(&value, text, &event, |body| assigned_id(body, &submitter()));
    assert!(
        body.starts_with(r#"{"@context":"https://c.example/1","type""#),
        "{body}"
    );
    assert_eq!(body.matches("https://c.example/1").count(), 1);
}

#[test]
fn the_same_event_twice_in_a_document_is_one_and_a_changed_one_a_conflict() {
    let named = EVENT.replacen('{', r#"{"eventID":"urn:uuid:1","#, 1);
    let twice = prepare(&format!("{named},{named}")).unwrap();
    assert_eq!((twice.event_count, twice.events.len()), (2, 1));
    let changed = named.replace("1.50", "1.51");
    assert!(matches!(
        prepare(&format!("{named},{changed}")),
        Err(CaptureError::Conflict { event: 1, .. })
    ));
}

/// A document with a context of `bytes` bytes and these events.
fn with_context(bytes: usize, events: &str, behaviour: ErrorBehaviour) -> Captured {
    let text = format!(
        r#"{{"@context":"https://c.example/{}","type":"EPCISDocument","schemaVersion":"2.0",
        "creationDate":"2026-06-05T00:00:00Z","epcisBody":{{"eventList":[{events}]}}}}"#,
        "c".repeat(bytes - 20)
    );
    let recorded = Timestamp::parse("2026-11-23T01:02:03.123Z").unwrap();
    prepare_document(&text, &submitter(), Uuid::nil(), recorded, behaviour)
}

type Captured = Result<Prepared, CaptureError>;

fn with_prefix(bytes: usize) -> String {
    // {"p":"u:…"}
    let own = format!(r#"{{"p":"u:{}"}}"#, "n".repeat(bytes - 10));
    EVENT.replacen('{', &format!(r#"{{"@context":{own},"#), 1)
}

#[test]
fn what_an_event_carries_of_contexts_has_a_limit() {
    const DOCUMENT: usize = 1_000;
    let (most, more) = (
        MAX_CONTEXT_BYTES - DOCUMENT,
        MAX_CONTEXT_BYTES - DOCUMENT + 1,
    );
    let rollback = |own| with_context(DOCUMENT, &with_prefix(own), ErrorBehaviour::Rollback);
    let stored = &rollback(most).unwrap().events[0].statement;
    assert!(stored.content.len() > MAX_CONTEXT_BYTES);
    let Err(CaptureError::Events(faults)) = rollback(more) else {
        panic!("a context was taken that is too large");
    };
    assert_eq!(faults[0].fault.pointer, "/@context");
    // The other events of the document have nothing to do with it.
    let events = format!("{},{EVENT}", with_prefix(more));
    let proceeded = with_context(DOCUMENT, &events, ErrorBehaviour::Proceed).unwrap();
    assert_eq!((proceeded.events.len(), proceeded.refused.count), (1, 1));
}

#[test]
fn a_long_name_above_many_fields_is_refused_before_it_is_flattened() {
    let event = |bytes: usize| {
        let list = vec!["0"; 1_000].join(",");
        let wide = format!(r#"{{"x:w":{{"{}":[{list}]}},"#, "n".repeat(bytes));
        prepare(&EVENT.replacen('{', &wide, 1)).map(|prepared| prepared.events.len())
    };
    // 1,001 fields below it.
    let most = MAX_NAME_BYTES / 1_001 - 20;
    assert_eq!(event(most).unwrap(), 1);
    let Err(CaptureError::Events(faults)) = event(most + 20) else {
        panic!("names of more than 16 MiB were taken");
    };
    assert_eq!(faults[0].fault.kind, FaultKind::Rule(TOO_WIDE));
}

#[test]
fn extensions_under_a_long_namespace_are_refused_before_each_bears_it() {
    let namespace = format!("https://x.example/{}", "n".repeat(1_982));
    let event = |members: usize| {
        let list: Vec<_> = (0..members).map(|at| format!("\"x:{at:06}\":[]")).collect();
        let long = format!(
            r#"{{"@context":[{{"x":"{namespace}"}}],{},"#,
            list.join(",")
        );
        let plain = EVENT.replace(r#","x:n":1.50 , "x:deep":{"b":1e3,"a":[]}"#, "");
        prepare(&plain.replacen('{', &long, 1)).map(|prepared| prepared.events.len())
    };
    // Two thousand bytes of namespace, six of its own, and the sign of an extension; some words besides.
    let most = MAX_WRITTEN_BYTES / 2_007 - 1;
    assert_eq!(event(most).unwrap(), 1);
    let Err(CaptureError::Events(faults)) = event(most + 2) else {
        panic!("names of more than 16 MiB were taken");
    };
    assert_eq!(faults[0].fault.kind, FaultKind::Rule(LONG_NAMES));
}

#[test]
fn a_long_extension_is_taken_and_many_words_under_a_long_namespace_are_not() {
    let samples = vec!["7"; 450_000].join(",");
    let long = EVENT.replacen('{', &format!(r#"{{"x:samples":[{samples}],"#), 1);
    assert!(prepare(&long).is_ok());
    let namespace = format!("https://x.example/{}", "n".repeat(1_982));
    let set = |words: usize| {
        let words: Vec<_> = (0..words).map(|at| format!("\"x:{at}\"")).collect();
        let members = format!(
            r#"{{"@context":[{{"x":"{namespace}"}}],"persistentDisposition":{{"set":[{}]}},"#,
            words.join(",")
        );
        prepare(&EVENT.replacen('{', &members, 1)).map(|prepared| prepared.events.len())
    };
    assert_eq!(set(8_000).unwrap(), 1);
    let Err(CaptureError::Events(faults)) = set(9_000) else {
        panic!("words of more than 16 MiB were taken");
    };
    assert_eq!(faults[0].fault.kind, FaultKind::Rule(LONG_NAMES));
}

#[test]
fn what_a_document_becomes_has_a_limit() {
    const CONTEXT: usize = 2_000;
    let padded = |number: usize, bytes: usize| {
        let members = format!(
            r#"{{"eventID":"urn:uuid:{number:04}","x:pad":"{}","#,
            "p".repeat(bytes)
        );
        EVENT.replacen('{', &members, 1)
    };
    let stored = |bytes| {
        let text = padded(0, bytes);
        let value = json::parse(&text).unwrap();
        let event = epcis::read_event(&value).unwrap();
        let context = format!("\"{}\"", "c".repeat(CONTEXT - 2));
        effective_body(&value, &context, &event, |body| {
            assigned_id(body, &submitter())
        })
        .0
        .len()
    };
    // 64 bodies of a MiB less what is not padding: together exactly the limit.
    let one = MAX_STORED_BYTES / 64;
    let exact = one - stored(0);
    assert_eq!(stored(exact), one);
    let last = 5_000;
    let events = |more: usize| {
        let mut events: Vec<String> = (1..64).map(|number| padded(number, exact)).collect();
        events.push(padded(64, exact - last));
        events.push(padded(65, last - stored(0) + more));
        events.join(",")
    };
    for behaviour in [ErrorBehaviour::Rollback, ErrorBehaviour::Proceed] {
        let prepared = with_context(CONTEXT, &events(0), behaviour).unwrap();
        assert_eq!(prepared.events.len(), 65);
        assert!(matches!(
            with_context(CONTEXT, &events(1), behaviour),
            Err(CaptureError::Document(DocumentFault::TooLargeStored))
        ));
    }
}

#[test]
fn every_wrong_event_is_named_up_to_the_limit() {
    let bad = EVENT.replace("OBSERVE", "LOOK");
    let Err(CaptureError::Events(faults)) = prepare(&format!("{EVENT},{bad},{bad}")) else {
        panic!("a wrong event was taken");
    };
    assert_eq!(faults.iter().map(|f| f.event).collect::<Vec<_>>(), [1, 2]);
    let Err(CaptureError::Events(faults)) = prepare(&vec![bad; 60].join(",")) else {
        panic!("a wrong event was taken");
    };
    assert_eq!(faults.len(), MAX_FAULTS);
}
