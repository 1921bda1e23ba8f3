//! The body under which an event is stored: as it was received, with what applied to it from elsewhere.

use std::collections::HashSet;
use std::rc::Rc;

use auditlog::json::{Value, write_string};

use crate::domain::epcis::index::ListedNames;
use crate::domain::epcis::{Event, FaultKind, MAX_CONTEXT_BYTES, Names};

const CONTEXT_TOO_LARGE: &str = "has, with that of the document, more than 64 KiB";

/// The body of the statement: the event as received, with the `@context` that applied to it and an
/// `eventID`, without `recordTime`, which is the repository's to say.
pub(super) fn effective_body(
    value: &Value<'_>,
    context: &str,
    event: &Event,
    assign: impl Fn(&str) -> String,
) -> (String, String) {
    let mut body = String::from("{\"@context\":");
    body.push_str(context);
    let head = body.len();
    write_members(value, &["@context", "recordTime"], &mut body);
    let event_id = match &event.event_id {
        Some(id) => id.clone(),
        None => {
            let id = if event.is_error_declaration() {
                // It is all of the event again. Without the declaration it gives the ID that the
                // event got, and so retracts it.
                let mut repeated = body[..head].to_owned();
                let others = ["@context", "recordTime", "errorDeclaration"];
                write_members(value, &others, &mut repeated);
                assign(&repeated)
            } else {
                assign(&body)
            };
            body.push_str(",\"eventID\":");
            write_string(&id, &mut body);
            id
        }
    };
    body.push('}');
    (body, event_id)
}

/// Every member but these, each after a comma.
fn write_members(value: &Value<'_>, but: &[&str], out: &mut String) {
    for (key, member) in value.as_object().unwrap_or_default() {
        if !but.contains(&key.as_ref()) {
            out.push(',');
            write_string(key, out);
            out.push(':');
            member.write_compact(out);
        }
    }
}

/// The `@context` of a document, written once for all its events.
pub(super) struct Shared<'v> {
    context: &'v Value<'v>,
    effective: Rc<Effective<'v>>,
}

/// The `@context` that applies to an event.
pub(super) struct Effective<'v> {
    pub text: String,
    pub names: ListedNames<'v>,
}

impl<'v> Shared<'v> {
    pub fn of(context: &'v Value<'v>) -> Shared<'v> {
        let text = context.to_compact();
        let names = ListedNames::of(Names::of(Some(context)));
        Shared {
            context,
            effective: Rc::new(Effective { text, names }),
        }
    }

    /// JSON-LD: an event's own context extends the document's.
    ///
    /// A list of contexts has no repeats (EPCIS 2.0 JSON schema), but what both bring would stand in it
    /// twice, and then the statement could not be read again. Of equal ones the last stays: later contexts
    /// prevail over earlier ones (JSON-LD 1.1 §4.1), so without the first nothing means anything else.
    pub fn extended(&self, own: Option<&'v Value<'v>>) -> Result<Rc<Effective<'v>>, FaultKind> {
        let Some(own) = own else {
            return Ok(Rc::clone(&self.effective));
        };
        // Before anything is written: ten thousand events may each bring as much.
        if self.effective.text.len() + own.to_compact().len() > MAX_CONTEXT_BYTES {
            return Err(FaultKind::Rule(CONTEXT_TOO_LARGE));
        }
        let parts = [self.context, own].into_iter().flat_map(parts_of);
        let mut parts: Vec<String> = parts.map(Value::to_compact).collect();
        let mut seen = HashSet::new();
        parts.reverse();
        parts.retain(|part| seen.insert(part.clone()));
        parts.reverse();
        let text = format!("[{}]", parts.join(","));
        let names = ListedNames::of(Names::of_all([self.context, own]));
        Ok(Rc::new(Effective { text, names }))
    }
}

fn parts_of<'v>(context: &'v Value<'v>) -> &'v [Value<'v>] {
    match context {
        Value::Array(parts) => parts,
        single => std::slice::from_ref(single),
    }
}

/// The context that an event brings beside the document's. One that came by itself has no other than
/// its own.
pub(super) fn own_context<'v>(
    event: &'v Value<'v>,
    document: &'v Value<'v>,
) -> Option<&'v Value<'v>> {
    event
        .get("@context")
        .filter(|own| !std::ptr::eq(*own, document))
}
