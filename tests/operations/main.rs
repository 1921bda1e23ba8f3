//! What whoever runs the service relies on: metrics, probes, limits, logs, and an orderly end.

#[path = "../reliability/service.rs"]
mod service;
#[path = "../support/mod.rs"]
mod support;

mod limits;
mod logs;
mod metrics;
mod nginx;
mod readiness;
mod stopping;
