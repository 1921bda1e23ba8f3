//! Queries: which events of a merchant fulfil all conditions, a page at a time.
//!
//! The index proposes candidates in the order of the answer, from the one condition that the fewest
//! events fulfil; where most of them fulfil nothing else, rows of the other conditions sift them; each
//! candidate's own text decides. So a page costs what it shows, wherever it begins, and an index that says
//! too much costs time and never a wrong answer.
//!
//! Whatever is read has a budget in bytes. One query holds at most 4 MiB of events for its page, 4 MiB of
//! texts or rows that it looks at, 16 MiB of what captures left, and some 16,384 places of each supply.

mod best;
mod candidates;
mod decide;
mod document;
mod form;
mod merge;
mod page;
mod plan;
mod read;
mod recent;
mod sift;
mod texts;
mod words;

use auditlog::json::JsonError;
use thiserror::Error;
use time::OffsetDateTime;

use crate::domain::epcis::query::QueryFault;
use crate::domain::epcis::query::named::NamedFault;
use crate::domain::posting::NoPostings;
use crate::domain::statement::StatementId;

pub use decide::{ReadEvent, fulfils};
pub use document::{CONTEXT, ResultsOf, query_document, single_event};
pub use form::Form;
pub use merge::{Merged, merge, waiting};
pub use page::{by_event_id, page};
pub use read::read;
pub use recent::Recent;
pub use words::{identities, words};

/// Candidates whose texts one page may look at.
const MAX_CANDIDATES: usize = 50_000;
/// Bytes of the events on one page; an event that is larger stands on a page by itself.
const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Where an answer goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The time, of the kind that orders the answer, of the last event shown.
    pub at_ms: i64,
    /// The last event shown.
    pub id: StatementId,
    /// How many more `eventCountLimit` allows.
    pub left: Option<u32>,
}

/// An event that was found.
#[derive(Debug, Clone)]
pub struct FoundEvent {
    /// Where it is stored.
    pub id: StatementId,
    /// When it was captured.
    pub recorded_at: OffsetDateTime,
    /// Whether it declares that the event of its ID was an error.
    pub is_error_declaration: bool,
    /// Whether fields of it were erased; told only where it was asked for by its ID.
    pub is_erased: Option<bool>,
    /// The statement's content: the event as it came is its `body`.
    pub content: String,
}

/// A page of an answer.
#[derive(Debug, Clone)]
pub struct Page {
    /// In the query's order.
    pub events: Vec<FoundEvent>,
    /// Where it goes on, if it does.
    pub next: Option<Cursor>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum QueryError {
    /// It cannot be asked.
    #[error(transparent)]
    Fault(#[from] QueryFault),
    /// A stored query cannot be read.
    #[error(transparent)]
    Named(#[from] NamedFault),
    /// More events than `maxEventCount` fulfil the query.
    #[error("more than {0} events fulfil the query")]
    TooLarge(u32),
    /// More events had to be looked at than a query may.
    #[error(
        "of the first {MAX_CANDIDATES} events that the index names, too few fulfil all conditions: \
         ask for a shorter time, or for a rarer value"
    )]
    TooComplex,
    /// What was captured lately is not indexed yet.
    #[error("the index of events is being made; ask again in a moment")]
    IndexBehind,
    /// The index is damaged; `rootmark check` says where.
    #[error("the index of events is damaged: {0}")]
    Index(#[from] NoPostings),
    /// A stored statement is damaged; `rootmark check` says where.
    #[error("a stored event is damaged: {0}")]
    Statement(#[from] JsonError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}
