//! What a shopper sees.

#[path = "../support/chain.rs"]
mod chain;
#[path = "../support/mod.rs"]
mod support;

mod delivery;
mod escapes;
mod example;
mod find;
mod headers;
mod kit;
mod languages;
mod link_statements;
mod linksets;
mod maps;
mod official;
mod outage;
mod pictures;
mod places;
mod refusals;
mod resolver;
mod sealing;

use rootmark::domain::gs1;
