//! What a shopper sees.

#[path = "../support/mod.rs"]
mod support;

mod escapes;
mod example;
mod find;
mod headers;
mod kit;
mod languages;
mod outage;
mod pictures;
mod refusals;
mod sealing;
