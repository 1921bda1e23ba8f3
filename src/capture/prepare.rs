//! From a document's text to statements: everything about capture that needs no database.

use std::collections::HashMap;

use auditlog::Timestamp;
use auditlog::field::{Secret, name_bytes};
use auditlog::hash::Hash;
use auditlog::json::{self, Value};
use auditlog::statement::content_text;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::body::{Shared, effective_body, own_context};
use super::{
    CaptureError, EventFault, LONG_NAMES, MAX_BODY_BYTES, MAX_NAME_BYTES, Submitter, TOO_LARGE,
    TOO_WIDE, fresh_secrets,
};
use crate::domain::capture_fault::{CaptureFault, ErrorBehaviour};
use crate::domain::epcis::index::{EventTerms, Indexer};
use crate::domain::epcis::{
    self, Document, DocumentFault, Event, Fault, FaultKind, MAX_STORED_BYTES,
};
use crate::domain::event_key::{EventKey, event_key};
use crate::domain::signed::PartySignature;
use crate::domain::statement::{About, Draft, DraftError, Kind, NewStatement};

/// Faults reported of one document: enough to mend it by, not a second document.
pub(super) const MAX_FAULTS: usize = 50;

const TOO_DEEP: &str = "nests too deeply, its @context included";
const BAD_SIGNATURE: &str = "is not what its party signed: the signature is over another content, as `rootmark sign` writes it";

fn fault(event: usize, kind: FaultKind) -> CaptureError {
    fault_at(event, "", kind)
}

fn fault_at(event: usize, pointer: &str, kind: FaultKind) -> CaptureError {
    let pointer = pointer.to_owned();
    let fault = Fault { pointer, kind };
    CaptureError::Events(vec![EventFault { event, fault }])
}

/// A document whose every event can be stored.
pub(super) struct Prepared {
    /// Events in the document.
    pub event_count: usize,
    /// The distinct events, in order.
    pub events: Vec<PreparedEvent>,
    /// Those that cannot be stored, where the others are all the same.
    pub refused: Refused,
}

/// Events that were left out, all counted and the first told.
#[derive(Debug, Default)]
pub(super) struct Refused {
    pub count: usize,
    pub faults: Vec<CaptureFault>,
}

impl Refused {
    /// Leaves out an event, or gives the error back where everything is rolled back.
    pub fn leave_out(
        &mut self,
        behaviour: ErrorBehaviour,
        error: CaptureError,
    ) -> Result<(), CaptureError> {
        let faults = match error {
            CaptureError::Events(faults) if behaviour == ErrorBehaviour::Proceed => faults
                .into_iter()
                .map(|EventFault { event, fault }| CaptureFault {
                    event: event as u32,
                    is_conflict: false,
                    pointer: fault.pointer,
                    detail: fault.kind.to_string(),
                })
                .collect(),
            CaptureError::Conflict { event, event_id } if behaviour == ErrorBehaviour::Proceed => {
                vec![CaptureFault {
                    event: event as u32,
                    is_conflict: true,
                    pointer: "/eventID".into(),
                    detail: format!("{event_id} is known with another body"),
                }]
            }
            other => return Err(other),
        };
        for fault in faults {
            self.count += 1;
            if self.faults.len() < MAX_FAULTS {
                self.faults.push(fault);
            }
        }
        Ok(())
    }
}

/// An event that can be stored.
pub(super) struct PreparedEvent {
    /// Position in the document.
    pub event: usize,
    /// Given or assigned.
    pub event_id: String,
    /// Whether it declares that the event of this ID was an error.
    pub is_error_declaration: bool,
    pub key: EventKey,
    pub content_sha256: [u8; 32],
    pub statement: NewStatement,
    /// What queries find it by.
    pub terms: EventTerms,
}

/// Reads, checks and hashes a document.
pub(super) fn prepare_document(
    text: &str,
    submitter: &Submitter,
    capture_id: Uuid,
    recorded: Timestamp,
    behaviour: ErrorBehaviour,
) -> Result<Prepared, CaptureError> {
    let value = json::parse(text)?;
    let document = epcis::read_document(&value)?;
    let mut refused = Refused::default();
    let events = read_events(document.events, behaviour, &mut refused)?;
    let order = Order {
        submitter,
        capture_id,
        recorded,
        behaviour,
        signature: None,
    };
    prepare(&document, &events, &order, refused)
}

/// The same for a single event, which its party may have signed. There is one, or an error.
pub(super) fn prepare_event(
    (text, signature): (&str, Option<&PartySignature>),
    submitter: &Submitter,
    capture_id: Uuid,
    recorded: Timestamp,
) -> Result<Prepared, CaptureError> {
    let value = json::parse(text)?;
    let document = epcis::read_single_event_document(&value)?;
    let behaviour = ErrorBehaviour::Rollback;
    let events = read_events(document.events, behaviour, &mut Refused::default())?;
    let order = Order {
        submitter,
        capture_id,
        recorded,
        behaviour,
        signature,
    };
    prepare(&document, &events, &order, Refused::default())
}

/// An event as it would be stored, for its party to sign: its content.
pub fn content_to_sign(
    event: &Value<'_>,
    context: &Value<'_>,
    issuer: &str,
) -> Result<String, Fault> {
    let read = epcis::read_event(event)?;
    if read.is_error_declaration() && read.event_id.is_none() {
        return Err(Fault {
            pointer: "/eventID".into(),
            kind: FaultKind::Rule("is needed to say which event was an error"),
        });
    }
    let shared = Shared::of(context);
    let effective = shared.extended(own_context(event, context));
    let effective = effective.map_err(|kind| Fault {
        pointer: "/@context".into(),
        kind,
    })?;
    let (body, _) = effective_body(event, &effective.text, &read, |_| {
        format!("urn:uuid:{}", Uuid::now_v7())
    });
    Ok(content_text(&body, issuer, Kind::Event.as_str()))
}

/// For whom, when, and what becomes of events that cannot be stored.
struct Order<'a> {
    submitter: &'a Submitter,
    capture_id: Uuid,
    recorded: Timestamp,
    behaviour: ErrorBehaviour,
    /// Of the only event, where its party signed it.
    signature: Option<&'a PartySignature>,
}

/// Events come with their positions in the document.
fn prepare(
    document: &Document<'_>,
    events: &[(usize, Event)],
    order: &Order<'_>,
    mut refused: Refused,
) -> Result<Prepared, CaptureError> {
    let capture = About::capture(order.capture_id);
    let secrets = fresh_secrets(events.len())?;
    let mut prepared: Vec<PreparedEvent> = Vec::with_capacity(events.len());
    let mut seen: HashMap<EventKey, [u8; 32]> = HashMap::with_capacity(events.len());
    let shared = Shared::of(document.context);
    let mut indexer = Indexer::default();
    let mut stored_bytes = 0;
    for ((position, event), secrets) in events.iter().zip(secrets) {
        let position = *position;
        let value = &document.events[position];
        let effective = match shared.extended(own_context(value, document.context)) {
            Ok(effective) => effective,
            Err(error) => {
                refused.leave_out(order.behaviour, fault_at(position, "/@context", error))?;
                continue;
            }
        };
        let (body, event_id) = effective_body(value, &effective.text, event, |body| {
            assigned_id(body, order.submitter)
        });
        stored_bytes += body.len();
        if stored_bytes > MAX_STORED_BYTES {
            return Err(DocumentFault::TooLargeStored.into());
        }
        let key = event_key(&event_id, event.is_error_declaration());
        if body.len() > MAX_BODY_BYTES {
            let error = fault(position, FaultKind::Rule(TOO_LARGE));
            refused.leave_out(order.behaviour, error)?;
            continue;
        }
        if name_bytes(value) > MAX_NAME_BYTES {
            let error = fault(position, FaultKind::Rule(TOO_WIDE));
            refused.leave_out(order.behaviour, error)?;
            continue;
        }
        // The submitter's receipt is about the capture: each of its events must name it.
        let mut about = epcis::about(event);
        about.push(capture.clone());
        About::sort(&mut about);
        let draft = Draft {
            kind: Kind::Event,
            body: &body,
            issuer: &order.submitter.issuer,
            about,
            happened: event.event_time,
            turns: event.turns(),
            recorded: order.recorded,
            secrets,
            signature: order.signature,
        };
        let statement = match draft.finish() {
            Ok(statement) => statement,
            Err(error) => {
                let rule = match error {
                    DraftError::Unreadable(_) => TOO_DEEP,
                    DraftError::Signature => BAD_SIGNATURE,
                };
                refused.leave_out(order.behaviour, fault(position, FaultKind::Rule(rule)))?;
                continue;
            }
        };
        let terms = indexer.event_terms(value, event, &effective.names);
        if terms.has_long_names {
            refused.leave_out(
                order.behaviour,
                fault(position, FaultKind::Rule(LONG_NAMES)),
            )?;
            continue;
        }
        let content_sha256 = Hash::of(&[statement.content.as_bytes()]).0;
        match seen.get(&key) {
            Some(known) if *known != content_sha256 => {
                let error = CaptureError::Conflict {
                    event: position,
                    event_id,
                };
                refused.leave_out(order.behaviour, error)?;
                continue;
            }
            Some(_) => continue,
            None => seen.insert(key, content_sha256),
        };
        prepared.push(PreparedEvent {
            event: position,
            event_id,
            is_error_declaration: event.is_error_declaration(),
            key,
            content_sha256,
            statement,
            terms,
        });
    }
    Ok(Prepared {
        event_count: document.events.len(),
        events: prepared,
        refused,
    })
}

fn read_events(
    values: &[Value<'_>],
    behaviour: ErrorBehaviour,
    refused: &mut Refused,
) -> Result<Vec<(usize, Event)>, CaptureError> {
    let mut faults = Vec::new();
    let mut events = Vec::with_capacity(values.len());
    for (event, value) in values.iter().enumerate() {
        match epcis::read_event(value) {
            Ok(read) => events.push((event, read)),
            Err(fault) if behaviour == ErrorBehaviour::Proceed => {
                let error = CaptureError::Events(vec![EventFault { event, fault }]);
                refused.leave_out(behaviour, error)?;
            }
            Err(fault) => faults.push(EventFault { event, fault }),
        }
        if faults.len() == MAX_FAULTS {
            break;
        }
    }
    if faults.is_empty() {
        Ok(events)
    } else {
        Err(CaptureError::Events(faults))
    }
}

/// The ID of an event that came without one. The same event sent again gets the same ID, so that a
/// client that never saw our answer may simply repeat itself. Keyed, because the ID is public and
/// must not let anybody guess the fields that are not.
fn assigned_id(body: &str, submitter: &Submitter) -> String {
    let Secret(key) = submitter.event_id_key;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    mac.update(submitter.issuer.as_bytes());
    mac.update(b"\n");
    mac.update(body.as_bytes());
    let tag: [u8; 32] = mac.finalize().into_bytes().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&tag[..16]);
    format!("urn:uuid:{}", Uuid::new_v8(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::epcis::{MAX_CONTEXT_BYTES, MAX_EXTENSION_NAME_BYTES};

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
        let (body, _) =
            effective_body(&value, text, &event, |body| assigned_id(body, &submitter()));
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
        // Two thousand bytes of namespace, six of its own, and the sign of an extension.
        let most = MAX_EXTENSION_NAME_BYTES / 2_007;
        assert_eq!(event(most).unwrap(), 1);
        let Err(CaptureError::Events(faults)) = event(most + 1) else {
            panic!("names of more than 16 MiB were taken");
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
}
