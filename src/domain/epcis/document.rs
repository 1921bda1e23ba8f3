//! An EPCISDocument: the envelope in which events arrive.

use auditlog::json::Value;

use crate::domain::fields::{At, Fault, FaultKind};

/// Events in one document; `GS1-EPCIS-Capture-Limit`.
pub const MAX_EVENTS: usize = 10_000;

/// Why a document is refused before any of its events is looked at.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DocumentFault {
    /// Not an EPCISDocument as the schema has it.
    #[error("{0}")]
    Envelope(#[from] Fault),
    /// More events than one capture takes.
    #[error("the document has {found} events; one capture takes {MAX_EVENTS}")]
    TooManyEvents {
        /// How many it has.
        found: usize,
    },
}

/// The effective `@context` of a document and its events.
#[derive(Debug)]
pub struct Document<'v> {
    /// Applies to every event that has none of its own.
    pub context: &'v Value<'v>,
    /// As received.
    pub events: &'v [Value<'v>],
}

/// Reads the envelope.
pub fn read_document<'v>(document: &'v Value<'v>) -> Result<Document<'v>, DocumentFault> {
    let at = At::root(document);
    at.object()?;
    let kind = at.required("type")?;
    if kind.text()? != "EPCISDocument" {
        return Err(kind.fault(FaultKind::MustBe("EPCISDocument")).into());
    }
    let context = at.required("@context")?;
    check_context(&context)?;
    let version = at.required("schemaVersion")?;
    if !version.text()?.starts_with("2.") {
        return Err(version
            .fault(FaultKind::MustBe("2.0 or a later 2.x"))
            .into());
    }
    at.required("creationDate")?.time()?;
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
    let body = at.required("epcisBody")?;
    let list = body.required("eventList")?;
    let elements = list.elements()?;
    if elements.is_empty() {
        return Err(list.fault(FaultKind::Rule("holds no event")).into());
    }
    if elements.len() > MAX_EVENTS {
        return Err(DocumentFault::TooManyEvents {
            found: elements.len(),
        });
    }
    let events = list.value.as_array().unwrap_or_default();
    Ok(Document {
        context: context.value,
        events,
    })
}

/// A context is a URI, an object of prefixes, or a list of these.
pub(super) fn check_context(context: &At<'_>) -> Result<(), Fault> {
    match context.value {
        Value::String(_) => context.uri().map(|_| ()),
        Value::Object(_) => Ok(()),
        Value::Array(_) => {
            for part in context.elements()? {
                match part.value {
                    Value::String(_) => part.uri().map(|_| ())?,
                    Value::Object(_) => {}
                    _ => return Err(part.fault(FaultKind::MustBe("a URI or an object"))),
                }
            }
            Ok(())
        }
        _ => Err(context.fault(FaultKind::MustBe("a URI, an object, or an array of these"))),
    }
}
