//! Clients that nobody here wrote, let loose on a service that runs: epcis2.js, a library that merchants'
//! systems speak EPCIS with, and schemathesis, which makes up requests from a description of an API.
//!
//! `scripts/clients` installs them; `make test` has it do so.

#[path = "../support/mod.rs"]
mod support;

mod epcis2;
#[path = "../support/installed.rs"]
mod installed;
mod judge;
mod programs;
mod schemathesis;
mod standard;
