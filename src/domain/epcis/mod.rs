//! EPCIS 2.0 events: reading them from JSON with every fault named, and what they are about.
//!
//! What the EPCIS 2.0 JSON schema refuses is refused, extended event types beside it. Where the
//! schema is silent and the standard's text is not, the text counts: `parentID` on ADD and DELETE
//! of aggregations, things in lists of EPCs and classes in lists of quantities, real dates in
//! `ilmd`, units that measure what was measured, intervals that do not end before they begin,
//! check digits, names of extensions with a namespace everywhere. Beside limits of size nothing
//! else is refused; a URI may hold letters of any script (RFC 3987).

mod about;
mod document;
mod event;
mod event_hash;
mod fact;
mod facts;
mod header;
mod ilmd;
pub mod index;
mod list;
mod names;
pub mod query;
mod read;
mod sensor;
#[cfg(test)]
mod tests;
mod translate;
mod turns;
mod vocabulary;

pub use super::fields::{Fault, FaultKind};
pub use about::{about, abouts_of_old, before_lots_of_links};
pub use document::{
    Document, DocumentFault, MAX_CONTEXT_BYTES, MAX_EVENTS, MAX_STORED_BYTES, read_document,
    read_single_event_document,
};
pub use event::{
    Action, BizTransaction, ErrorDeclaration, Event, EventType, PartyKind, PartyRef, Quantity,
    SensorReading, What,
};
pub use event_hash::{
    DeclaredHash, MAX_PRE_HASH_BYTES, compare_hash, declared_hash, event_hash, pre_hash,
};
pub use fact::{Fact, FactValue, Field};
pub use facts::{MAX_WRITTEN_BYTES, facts, instant};
pub use names::{MAX_NAMESPACE_BYTES, Member, Names, Vocabulary, bare_word, word_uri};
pub use read::read_event;
pub use translate::{EpcFormat, UnknownEpcFormat, translate};
pub use vocabulary::BIZ_STEPS;

/// The version of EPCIS and of the CBV that is spoken here.
pub const VERSION: &str = "2.0.0";
/// The headers that tell it, of whatever is sent.
pub const VERSION_HEADERS: [&str; 2] = ["gs1-epcis-version", "gs1-cbv-version"];
