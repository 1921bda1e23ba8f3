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
        let Some(terms) = indexer.new_event_terms(value, event, &effective.names) else {
            let error = fault(position, FaultKind::Rule(LONG_NAMES));
            refused.leave_out(order.behaviour, error)?;
            continue;
        };
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
mod tests;
