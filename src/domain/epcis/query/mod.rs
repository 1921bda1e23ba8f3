//! The EPCIS query language: parameters, as they stand in an address or in a named query, read into
//! conditions on the facts of an event.
//!
//! Names and meanings are those of EPCIS 2.0 §8.2.7.1; what is not supported is refused, never ignored.

mod condition;
pub mod named;
mod param;
#[cfg(test)]
mod tests;

use time::OffsetDateTime;

use crate::domain::posting::Term;
pub use condition::{Condition, FactsByField, Op, Sought, Test, Values, terms_of};
pub use param::{Parameter, QueryFault, read_query};

/// Events on one page, unless the client asks for fewer or more.
pub const DEFAULT_PER_PAGE: u32 = 30;
/// Events on one page at most.
pub const MAX_PER_PAGE: u32 = 1_000;
/// Parameters of one query.
pub const MAX_PARAMETERS: usize = 100;
/// Values of one parameter.
pub const MAX_VALUES: usize = 1_000;
/// Prefixes of names in one query.
pub const MAX_PREFIXES: usize = 50;

/// By which time answers are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrderBy {
    /// When it happened.
    #[default]
    EventTime,
    /// When it was captured.
    RecordTime,
}

/// From when until when; the end is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The first instant.
    pub from: Option<OffsetDateTime>,
    /// The first instant no longer in it.
    pub until: Option<OffsetDateTime>,
}

impl Span {
    /// Whether an instant lies in it.
    pub fn holds(&self, at: OffsetDateTime) -> bool {
        self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until)
    }
}

/// How many events an answer may have in all, over all its pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Total {
    /// Any number.
    #[default]
    Any,
    /// `eventCountLimit`: the first so many.
    First(u32),
    /// `maxEventCount`: at most so many, or it is an error.
    AtMost(u32),
}

/// A query for events.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventQuery {
    /// `GE_eventTime`, `LT_eventTime`
    pub event_time: Span,
    /// `GE_recordTime`, `LT_recordTime`
    pub record_time: Span,
    /// All of which must hold.
    pub conditions: Vec<Condition>,
    /// `orderBy`
    pub order_by: OrderBy,
    /// `orderDirection`: DESC unless the client says ASC.
    pub ascending: bool,
    /// `eventCountLimit` or `maxEventCount`
    pub total: Total,
}

/// The term that every event has.
pub fn every_event() -> Term {
    Term::exists("event")
}

/// The term of events that have too many: every query looks at them.
pub fn overflow() -> Term {
    Term::exists("overflow")
}
