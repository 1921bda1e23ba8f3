//! The envelopes in which events arrive: an EPCISDocument, the EPCISQueryDocument that another
//! repository answered with, or one event by itself.

use std::collections::HashSet;

use auditlog::json::Value;

use super::event::EventType;
use super::header::{check_header, check_vocabularies};
use crate::domain::fields::{At, Fault, FaultKind};

/// Events in one document; `GS1-EPCIS-Capture-Limit`.
pub const MAX_EVENTS: usize = 10_000;

/// Bytes of the `@context` that applies to an event, without white space. It is stored with each event: a
/// dozen prefixes have 1 KiB.
pub const MAX_CONTEXT_BYTES: usize = 64 * 1024;
/// Bytes of all events of one document as they are stored, each with its `@context`: four times the
/// largest document.
pub const MAX_STORED_BYTES: usize = 64 * 1024 * 1024;

/// Why a document is refused whole.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DocumentFault {
    /// Not a document as the schema has it.
    #[error("{0}")]
    Envelope(#[from] Fault),
    /// More events than one capture takes.
    #[error("the document has {found} events; one capture takes {MAX_EVENTS}")]
    TooManyEvents {
        /// How many it has.
        found: usize,
        /// JSON Pointer to their list.
        pointer: String,
    },
    /// A context that each event would have to carry.
    #[error("its @context has {found} bytes; one that events may carry has {MAX_CONTEXT_BYTES}")]
    ContextTooLarge {
        /// How many it has, without white space.
        found: usize,
    },
    /// Events that each carry so much of the document that together they are too large.
    #[error(
        "with the @context that each event carries, its events have more than {MAX_STORED_BYTES} \
         bytes; send it in several documents"
    )]
    TooLargeStored,
}

/// The effective `@context` of a document and its events.
#[derive(Debug)]
pub struct Document<'v> {
    /// Applies to every event, before the event's own. The context of an event that came by itself
    /// is that event's own: the very same value.
    pub context: &'v Value<'v>,
    /// As received.
    pub events: &'v [Value<'v>],
}

/// Reads the envelope of a document for `POST /capture`: an EPCISDocument or an EPCISQueryDocument.
///
/// # Errors
/// The first thing that is wrong with the envelope. Events are not looked at.
pub fn read_document<'v>(document: &'v Value<'v>) -> Result<Document<'v>, DocumentFault> {
    let at = At::root(document);
    at.object()?;
    let kind = at.required("type")?;
    let context = at.required("@context")?;
    check_context(&context)?;
    check_context_size(context.value)?;
    let list = match kind.text()? {
        "EPCISDocument" => read_capture_document(&at)?,
        "EPCISQueryDocument" => read_query_document(&at)?,
        _ => {
            let kinds = FaultKind::MustBe("EPCISDocument or EPCISQueryDocument");
            return Err(kind.fault(kinds).into());
        }
    };
    at.get("id").map(|id| id.uri()).transpose()?;
    let found = list.array()?.len();
    if found > MAX_EVENTS {
        let pointer = list.pointer().to_owned();
        return Err(DocumentFault::TooManyEvents { found, pointer });
    }
    Ok(Document {
        context: context.value,
        events: list.array()?,
    })
}

/// Reads one event by itself, as `POST /events` takes it: with its `@context` (EPCIS 2.0 JSON
/// schema, `required-ld-context`).
///
/// # Errors
/// The first thing that is wrong around the event, which is not looked at itself.
pub fn read_single_event_document<'v>(event: &'v Value<'v>) -> Result<Document<'v>, DocumentFault> {
    let at = At::root(event);
    at.object()?;
    event_type(&at)?;
    let context = at.required("@context")?;
    check_context(&context)?;
    check_context_size(context.value)?;
    Ok(Document {
        context: context.value,
        events: std::slice::from_ref(event),
    })
}

fn check_context_size(context: &Value<'_>) -> Result<(), DocumentFault> {
    let found = context.to_compact().len();
    if found > MAX_CONTEXT_BYTES {
        return Err(DocumentFault::ContextTooLarge { found });
    }
    Ok(())
}

/// The type of an event.
pub(super) fn event_type(event: &At<'_>) -> Result<EventType, Fault> {
    let kind = event.required("type")?;
    EventType::parse(kind.text()?)
        .ok_or_else(|| kind.fault(FaultKind::MustBe("one of the five EPCIS event types")))
}

/// Gives the list of events. The schema has no other place for events than `eventList`, and allows
/// an empty one: a document may bring nothing but master data.
fn read_capture_document<'v>(at: &At<'v>) -> Result<At<'v>, Fault> {
    at.only(&[&[
        "@context",
        "id",
        "type",
        "schemaVersion",
        "creationDate",
        "instanceIdentifier",
        "sender",
        "receiver",
        "epcisHeader",
        "epcisBody",
    ]])?;
    check_version(&at.required("schemaVersion")?)?;
    at.required("creationDate")?.time()?;
    for key in ["instanceIdentifier", "sender", "receiver"] {
        at.get(key).map(|text| text.text()).transpose()?;
    }
    if let Some(header) = at.get("epcisHeader") {
        check_header(&header)?;
    }
    let body = at.required("epcisBody")?;
    body.object()?;
    body.required("eventList")
}

fn read_query_document<'v>(at: &At<'v>) -> Result<At<'v>, Fault> {
    at.only(&[&[
        "@context",
        "id",
        "type",
        "schemaVersion",
        "creationDate",
        "epcisBody",
    ]])?;
    at.get("schemaVersion")
        .map(|version| check_version(&version))
        .transpose()?;
    at.get("creationDate").map(|date| date.time()).transpose()?;
    let body = at.required("epcisBody")?;
    body.only(&[&["queryResults"]])?;
    let results = body.required("queryResults")?;
    results.only(&[&["queryName", "subscriptionID", "resultsBody"]])?;
    results.required("queryName")?.text()?;
    results
        .get("subscriptionID")
        .map(|id| id.text())
        .transpose()?;
    let body = results.required("resultsBody")?;
    body.only(&[&["eventList", "vocabularyList"]])?;
    if let Some(list) = body.get("vocabularyList") {
        check_vocabularies(&list)?;
    }
    body.required("eventList")
}

/// EPCIS 2.0 JSON schema: `^\d+(\.\d+)*$`; of these, JSON began with 2.
fn check_version(version: &At<'_>) -> Result<(), Fault> {
    let text = version.text()?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if text.split('.').all(is_number) && text.split('.').next() == Some("2") {
        Ok(())
    } else {
        Err(version.fault(FaultKind::MustBe("2.0 or a later 2.x")))
    }
}

/// A context is a URI, an object of prefixes, or a list of these without repeats.
///
/// That a prefix is declared is not asked: to JSON-LD `prefix:name` without a declaration is a URI
/// of the scheme `prefix`, and the schema asks of the names of extensions that they are URIs.
pub(super) fn check_context(context: &At<'_>) -> Result<(), Fault> {
    match context.value {
        Value::String(_) => context.uri().map(|_| ()),
        Value::Object(_) => Ok(()),
        Value::Array(_) => {
            let mut seen = HashSet::new();
            for part in context.elements()? {
                match part.value {
                    Value::String(_) => part.uri().map(|_| ())?,
                    Value::Object(_) => {}
                    _ => return Err(part.fault(FaultKind::MustBe("a URI or an object"))),
                }
                if !seen.insert(part.value.to_compact()) {
                    return Err(part.fault(FaultKind::Repeated));
                }
            }
            Ok(())
        }
        _ => Err(context.fault(FaultKind::MustBe("a URI, an object, or an array of these"))),
    }
}
