//! What a shopper sees.

#[path = "../support/chain.rs"]
mod chain;
#[path = "../support/drawing.rs"]
mod drawing;
#[path = "../support/mod.rs"]
mod support;

mod copied;
mod delivery;
mod escapes;
mod example;
mod find;
mod guesses;
mod headers;
mod hidden;
mod kit;
mod languages;
mod link_statements;
mod linksets;
mod maps;
mod official;
mod outage;
mod places;
mod product_pictures;
mod qr_codes;
mod refusals;
mod report_limits;
mod reports;
mod resolver;
mod reviews;
mod scans;
mod sealing;

use rootmark::domain::gs1;
