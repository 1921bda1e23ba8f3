//! The rules of EPCIS 2.0: what keeps them is taken, and what breaks one is told which and where.

mod envelope;
mod events;
mod index;
mod lots;
mod mutations;
mod rules;
mod sensors;
mod valid;
