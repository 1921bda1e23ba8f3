//! What partners and merchants send: EPCIS documents, master data, orders of codes; and what keeps
//! one merchant's record from another's.

#[path = "../support/mod.rs"]
mod support;

mod asked;
mod capture;
mod codes;
mod command;
mod deliveries;
mod documents;
mod engine;
mod faults;
mod forms;
mod json;
mod keys;
mod kit;
mod labels;
mod limits;
mod link_lots;
mod master;
mod named;
mod once;
mod openapi;
mod prefixes;
mod queries;
mod receipts;
mod resources;
mod secrets;
mod standard;
mod subscriber;
mod subscriptions;
mod tenants;
