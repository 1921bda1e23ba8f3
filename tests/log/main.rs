//! The log: sealed once, published exactly, recovered after a crash, checked against everything.

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod audit_command;
mod bench;
mod bundles;
mod check_fixture;
mod check_public;
mod check_rows;
mod checked_columns;
mod key_sources;
mod keys;
mod oracle;
mod programs;
mod public_files;
mod publication;
mod recovered;
mod recovery;
mod restored;
mod rotation;
mod scrubbing;
mod sealers;
mod sealing;
mod segments;
mod serving;
mod thousand_rows;
mod tlog_proofs;
mod witnesses;
