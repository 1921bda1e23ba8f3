//! EPCIS 2.0 events: reading them from JSON with every fault named, and what they are about.
//!
//! Rules come from the EPCIS 2.0 JSON schema, and, where the schema is silent, from the standard's
//! text: `parentID` on ADD and DELETE, `ilmd` only on ADD, extension names only with a namespace.

mod about;
mod document;
mod event;
mod event_hash;
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
mod vocabulary;

pub use super::fields::{Fault, FaultKind};
pub use about::about;
pub use document::{
    Document, DocumentFault, MAX_EVENTS, read_document, read_single_event_document,
};
pub use event::{
    Action, BizTransaction, Event, EventType, PartyKind, PartyRef, Quantity, SensorReading, What,
};
pub use event_hash::{
    DeclaredHash, MAX_PRE_HASH_BYTES, compare_hash, declared_hash, event_hash, pre_hash,
};
pub use facts::{Fact, FactValue, facts, instant};
pub use names::{MAX_NAMESPACE_BYTES, Member, Names, Vocabulary, bare_word, word_uri};
pub use read::read_event;
pub use translate::{EpcFormat, UnknownEpcFormat, translate};
pub use vocabulary::BIZ_STEPS;
