//! EPCISQueryDocument: the envelope in which events are given back.

use auditlog::json::{self, JsonError, Value, write_string};
use time::OffsetDateTime;

use super::FoundEvent;
use super::form::Form;
use crate::domain::epcis::query::named::UNNAMED;
use crate::domain::epcis::translate;
use crate::domain::time::timestamp;

/// The context of EPCIS 2.0, for an answer that has no event.
pub const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";

/// Of which query a document has the results.
#[derive(Debug, Clone, Copy)]
pub struct ResultsOf<'a> {
    /// Its name.
    pub query_name: &'a str,
    /// The subscription that they are delivered to.
    pub subscription_id: Option<&'a str>,
}

impl ResultsOf<'static> {
    /// A query without a name, asked once.
    pub const UNNAMED: ResultsOf<'static> = ResultsOf {
        query_name: UNNAMED,
        subscription_id: None,
    };
}

/// A document of events, in their order. A `@context` that all of them share is the document's;
/// otherwise each keeps its own.
pub fn query_document(
    of: ResultsOf<'_>,
    events: &[FoundEvent],
    form: &Form,
    now: OffsetDateTime,
) -> Result<String, JsonError> {
    let contents = events.iter().map(|event| json::parse(&event.content));
    let contents: Vec<Value<'_>> = contents.collect::<Result<_, _>>()?;
    let bodies: Vec<&Value<'_>> = contents
        .iter()
        .filter_map(|content| content.get("body"))
        .collect();
    let context = |body: &&Value<'_>| {
        let context = body.get("@context")?;
        Some(context.to_compact())
    };
    let first = bodies.first().and_then(context);
    let shared = first.filter(|first| bodies.iter().all(|b| context(b).as_ref() == Some(first)));
    let mut out = String::from("{\"@context\":");
    match &shared {
        Some(context) => out.push_str(context),
        None => write_string(CONTEXT, &mut out),
    }
    out.push_str(",\"type\":\"EPCISQueryDocument\",\"schemaVersion\":\"2.0\",\"creationDate\":");
    write_string(timestamp(now).as_str(), &mut out);
    out.push_str(",\"epcisBody\":{\"queryResults\":{\"queryName\":");
    write_string(of.query_name, &mut out);
    if let Some(id) = of.subscription_id {
        out.push_str(",\"subscriptionID\":");
        write_string(id, &mut out);
    }
    out.push_str(",\"resultsBody\":{\"eventList\":[");
    for (number, (event, body)) in events.iter().zip(&bodies).enumerate() {
        if number > 0 {
            out.push(',');
        }
        write_event(body, event.recorded_at, shared.is_none(), form, &mut out)?;
    }
    out.push_str("]}}}}");
    Ok(out)
}

/// One event by itself, with its context.
pub fn single_event(event: &FoundEvent, form: &Form) -> Result<String, JsonError> {
    let content = json::parse(&event.content)?;
    let mut out = String::new();
    if let Some(body) = content.get("body") {
        write_event(body, event.recorded_at, true, form, &mut out)?;
    }
    Ok(out)
}

/// The event as it came, its identities in the form that was asked for, and when it was recorded.
fn write_event(
    body: &Value<'_>,
    recorded: OffsetDateTime,
    with_context: bool,
    form: &Form,
    out: &mut String,
) -> Result<(), JsonError> {
    let mut event = String::from("{");
    for (key, value) in body.as_object().unwrap_or_default() {
        if key == "@context" && !with_context {
            continue;
        }
        write_string(key, &mut event);
        event.push(':');
        value.write_compact(&mut event);
        event.push(',');
    }
    event.push_str("\"recordTime\":");
    write_string(timestamp(recorded).as_str(), &mut event);
    event.push('}');
    out.push_str(&translate(&event, form.format, &form.prefixes)?);
    Ok(())
}
