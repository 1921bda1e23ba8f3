//! What the product speaks of, as plain types: GS1 identities, EPCIS events, statements. Nothing
//! here reads a clock, a file or a database.

pub mod balance;
pub mod capture_fault;
pub mod code;
pub mod decimal;
pub mod delivery_signature;
pub mod disclosure;
pub mod epcis;
pub mod erasure;
pub mod event_key;
pub mod fields;
pub mod finding;
pub mod forward;
pub mod gs1;
pub mod history;
pub mod identity_key;
pub mod link;
pub mod master;
pub mod official;
pub mod picture;
pub mod posting;
pub mod presence;
pub mod recall;
pub mod retry;
pub mod route;
pub mod schedule;
pub mod scope;
pub mod sealed;
pub mod signed;
pub mod statement;
pub mod story;
pub mod subscription;
pub mod time;
pub mod told;
pub mod turn;
pub mod unit;
