//! Everything that answers requests. A handler extracts, makes one stage call, and builds a page.

mod api;
mod assets;
mod auth;
mod body;
mod epcis;
mod error;
mod headers;
mod log;
mod ops;
pub mod routes;
mod service;
pub mod shopper;
pub mod text;

pub use service::{Failing, LogIdentity, LogState, Service, serve};
