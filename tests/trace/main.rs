//! What the trace promises of the service: captured as anybody's events are, told as a tree.
//!
//! `cases.rs` has the cases that a walk through EPCIS events must get right, each with its negative
//! twin; `worlds.rs` compares the walk with a reference, over records made up by chance, and `loading.rs` what is
//! loaded for a story with all that could be. What it does in each
//! corner is tested beside it, in `src/trace/tests/`.

#[path = "../support/chain.rs"]
mod chain;
#[path = "../support/mod.rs"]
mod support;

mod affected;
mod asked;
mod balance;
mod cases;
mod command;
mod disclosure;
mod disclosure_ways;
mod erased_events;
mod erasure;
mod findings;
mod forward;
mod forward_command;
mod history;
mod issued;
mod loading;
mod migrated;
mod pace;
mod present;
mod recalls;
mod reference;
mod reference_forward;
mod route;
mod signed;
mod told;
mod worlds;

use rootmark::domain::gs1;
