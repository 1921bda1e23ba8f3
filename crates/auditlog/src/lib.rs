//! The public log of Rootmark as pure mathematics: no clock, no input or output, no async.
//!
//! A *statement* (what somebody said, and what the log adds to it) is flattened into two salted
//! field trees, whose roots make one *digest*. The digest and the time make an *entry*; entries are
//! the leaves of one RFC 6962 tree, kept as C2SP tiles and signed as C2SP checkpoints. A *proof
//! bundle* carries statements out of the log to somebody who trusts nothing but two public keys.
//!
//! ```text
//! JSON text ── json ──> Value ── field ──> field tree ── statement ──> digest
//!                                                                        │
//! bundle <── disclosure ── inclusion path <── tile <── leaf hash <── entry
//! ```
//!
//! The format is specified in this crate's README, precisely enough to write a verifier in another
//! language from it alone. Every `format` here has a strict `parse` twin: what parses is exactly
//! what would be written.

pub mod add_checkpoint;
pub mod anchor;
pub mod bundle;
pub mod checkpoint;
pub mod cosignature;
pub mod disclosure;
pub mod encoding;
pub mod entry;
pub mod evidence;
pub mod field;
pub mod hash;
pub mod json;
mod key;
pub mod keys;
pub mod note;
pub mod policy;
pub mod proof;
pub mod salts;
pub mod statement;
pub mod statement_proof;
pub mod story;
pub mod tile;
pub mod tlog_proof;

pub use entry::{Entry, Timestamp};
pub use hash::{Hash, LeafIndex, TreeSize};
