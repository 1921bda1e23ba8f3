//! GS1 identities: the one place where a GTIN, a lot, a serial, an SSCC or a place is read.
//!
//! Text enters once, at the edge, and leaves as a type that cannot hold a wrong check digit:
//!
//! - [`DigitalLink`] is what a shopper's address carries: `/01/{gtin}[/22/{cpv}][/10/{lot}]
//!   [/21/{serial}]` or `/00/{sscc}`. It is strict and says which promise was broken.
//! - [`Identity`] is what an EPCIS event names: one thing at its finest level, read from a Digital
//!   Link on any host or from an EPC URN, and kept as *one* canonical text, so that two partners
//!   who write the same thing differently meet in the same story. [`Identity::to_urn`] gives the
//!   URN back to those who want one. Keys that no page takes apart (documents, shipments,
//!   components, …) are a [`RareKey`]: checked, and one identity too.
//!
//! Two invariants hold everywhere. Canonical text read again gives the same value and the same
//! text. A path is split at `/` first and each segment is percent-decoded exactly once, so a lot
//! that contains `/` survives as `%2F` and is never mistaken for two segments.
//!
//! Sources: GS1 General Specifications (application identifiers, CSET 82, check digits), GS1
//! Digital Link URI Syntax 1.4 (paths, qualifiers), GS1 Tag Data Standard (EPC URNs), RFC 3986
//! (percent-encoding). Nothing here does I/O. Reading allocates only for a URI outside GS1's keys,
//! a value that arrives percent-encoded, the URN of an individual asset, and an error.

mod ai;
mod canonical;
mod check;
mod company_prefix;
mod constrained;
mod escape;
mod identity;
mod key;
mod link;
mod path;
mod rare;
#[cfg(test)]
mod tests;
mod text;
mod urn;
mod urn_write;

pub use ai::{Ai, ValueError};
pub use check::check_digit;
pub use company_prefix::{
    CompanyPrefix, CompanyPrefixes, MAX_DECLARED_PREFIXES, PrefixError, company_prefix_of_urn,
};
pub use constrained::constrained_link;
pub use escape::{EscapeError, unescape};
pub use identity::{Identity, IdentityError, OtherUri};
pub use key::{Giai, Gln, Grai, Gtin, Sscc};
pub use link::{DigitalLink, LinkError};
pub use rare::{Level, RareKey};
pub use text::{GlnExtension, Lot, Lots, Serial};
pub use urn::UrnError;
