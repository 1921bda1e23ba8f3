//! Whether one event fulfils a query. Its own text decides; an index only proposes.

use auditlog::json::Value;
use time::OffsetDateTime;

use crate::domain::epcis::query::{EventQuery, FactsByField, Span};
use crate::domain::epcis::{Names, facts, instant};

/// Whether the event in the statement's `content`, captured at `recorded_at`, fulfils all that `query`
/// asks for. A statement of another kind fulfils nothing.
pub fn fulfils(query: &EventQuery, recorded_at: OffsetDateTime, content: &Value<'_>) -> bool {
    // Before its facts are found, which is most of the work.
    query.record_time.holds(recorded_at)
        && ReadEvent::of(recorded_at, content).is_some_and(|event| event.fulfils(query))
}

/// An event that is held against several queries.
#[derive(Debug)]
pub struct ReadEvent<'c> {
    recorded_at: OffsetDateTime,
    happened: Option<OffsetDateTime>,
    is_error_declaration: bool,
    facts: FactsByField<'c>,
}

impl<'c> ReadEvent<'c> {
    /// The event in a statement's `content`, if it is one.
    pub fn of(recorded_at: OffsetDateTime, content: &'c Value<'c>) -> Option<ReadEvent<'c>> {
        let is_event = content.get("kind").and_then(Value::as_str) == Some("event");
        let body = content.get("body").filter(|_| is_event)?;
        let time = body.get("eventTime").and_then(Value::as_str);
        Some(ReadEvent {
            recorded_at,
            happened: time.and_then(instant),
            is_error_declaration: body.get("errorDeclaration").is_some(),
            facts: FactsByField::new(facts(body, Names::of(body.get("@context")))),
        })
    }

    /// Whether it declares that the event of its ID was an error.
    pub fn is_error_declaration(&self) -> bool {
        self.is_error_declaration
    }

    /// Whether it fulfils all that `query` asks for.
    pub fn fulfils(&self, query: &EventQuery) -> bool {
        let any_time = query.event_time == Span::default();
        let in_time = || {
            self.happened
                .is_some_and(|time| query.event_time.holds(time))
        };
        query.record_time.holds(self.recorded_at)
            && (any_time || in_time())
            && query.conditions.iter().all(|c| c.holds(&self.facts))
    }
}
