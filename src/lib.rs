//! Rootmark 源证: a shopper scans imported food, sees where it came from and how it travelled, and
//! checks on their own phone that nobody rewrote the record.
//!
//! The map of this code, its floors and its rules are in `src/README.md`.

pub mod accounts;
pub mod anchor;
pub mod app;
pub mod audit;
pub mod capture;
pub mod cases;
pub mod check;
pub mod cli;
pub mod codes;
pub mod config;
pub mod cosign;
pub mod deliver;
pub mod demo;
pub mod domain;
pub mod failpoint;
pub mod generate;
pub mod http_client;
pub mod mail;
pub mod metrics;
pub mod postgres;
pub mod proof;
pub mod public;
pub mod query;
pub mod recover;
pub mod scan;
pub mod seal;
pub mod store;
pub mod trace;
pub mod web;
pub mod witness;
