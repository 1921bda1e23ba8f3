//! `/api/…`: what a merchant says beside its events, with a key.

mod affected;
mod cases;
mod codes;
mod company_prefixes;
mod disclosure;
mod erasures;
mod findings;
mod master;
mod nowhere;
mod on_record;
mod pictures;
mod recalls;
mod reviews;
mod scans;
mod signed;
mod words;

pub use affected::ForwardTraces;
pub(super) use affected::affected;
pub(super) use cases::{case, cases, change, empty, photo};
pub(super) use codes::{codes, issue_codes};
pub(super) use company_prefixes::{declare_prefix, declared_prefixes, take_prefix_back};
pub(super) use disclosure::{disclosure, record_disclosure};
pub(super) use erasures::erase_fields;
pub(super) use findings::findings;
pub(super) use master::{record_document, record_link, record_party, record_product};
pub(super) use nowhere::no_such_resource;
pub(super) use pictures::{send_picture, sent_pictures, take_back};
pub(super) use recalls::{recalls, record_recall};
pub(super) use reviews::record_review;
pub(super) use scans::scans;
pub(super) use signed::record_signed;
