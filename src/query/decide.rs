//! Whether one event fulfils a query. Its own text decides; an index only proposes.

use auditlog::json::Value;
use time::OffsetDateTime;

use crate::domain::epcis::query::{EventQuery, FactsByField, Span};
use crate::domain::epcis::{Names, facts, instant};

/// Whether the event in the statement's `content`, captured at `recorded_at`, fulfils all that `query`
/// asks for. A statement of another kind fulfils nothing.
pub fn fulfils(query: &EventQuery, recorded_at: OffsetDateTime, content: &Value<'_>) -> bool {
    if !query.record_time.holds(recorded_at) {
        return false;
    }
    let is_event = content.get("kind").and_then(Value::as_str) == Some("event");
    let Some(body) = content.get("body").filter(|_| is_event) else {
        return false;
    };
    if query.event_time != Span::default() {
        let text = body.get("eventTime").and_then(Value::as_str);
        let time = text.and_then(instant);
        if !time.is_some_and(|time| query.event_time.holds(time)) {
            return false;
        }
    }
    let facts = facts(body, Names::of(body.get("@context")));
    let facts = FactsByField::new(&facts);
    query.conditions.iter().all(|c| c.holds(&facts))
}
