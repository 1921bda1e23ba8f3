//! Everything that answers requests. A handler extracts, makes one stage call, and builds a page.

pub mod admin;
mod api;
mod assets;
mod auth;
mod body;
mod client;
mod compress;
mod epcis;
mod error;
pub mod findings;
pub mod forward;
mod headers;
mod limits;
mod log;
pub mod lookup;
mod metrics;
mod negotiate;
mod openapi;
mod ops;
mod proof_file;
mod receipt;
mod requests;
pub mod routes;
mod scripts;
mod service;
pub mod shopper;
mod spreadsheet;
pub mod text;

pub use api::ForwardTraces;
pub use client::Networks;
pub use client::TrustedProxies;
pub use limits::LimitSettings;
pub use metrics::MetricsToken;
pub use receipt::Receipts;
pub use service::{Failing, LogIdentity, LogState, Service, ServingSettings, Subscribing, serve};
pub use shopper::report::Forms;
