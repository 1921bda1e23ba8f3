//! The identities that EPCIS events name.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::ai::Ai;
use super::canonical::{self, HOST, USUAL_BYTES};
use super::key::{Giai, Gln, Grai, Gtin, Sscc};
use super::link::{DigitalLink, LinkError, decode};
use super::path::{self, Pairs};
use super::rare::{Level, RareKey};
use super::text::{GlnExtension, Lot, Serial};
use super::urn::{self, UrnError};

/// One thing that an event is about, at the finest level that its text gives.
///
/// Two texts that mean the same thing, on whatever host and whether link or URN, are equal here
/// and have the same [`canonical`](Self::canonical) text. The derived order is by kind, then by
/// value; where a format sorts *text*, sort the canonical text.
#[allow(missing_docs, reason = "the path in each variant names its fields")]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// A trade item as a class: `/01/{gtin}`.
    Class { gtin: Gtin },
    /// One lot of a trade item: `/01/{gtin}/10/{lot}`.
    LotOf { gtin: Gtin, lot: Lot },
    /// One item: `/01/{gtin}/21/{serial}`. A lot written beside the serial is not part of the
    /// identity (EPCIS 2.0 uses the finest level only); [`DigitalLink`] keeps it.
    Item { gtin: Gtin, serial: Serial },
    /// A logistic unit: `/00/{sscc}`.
    Sscc(Sscc),
    /// A place, or a spot within it: `/414/{gln}[/254/{extension}]`.
    Place {
        gln: Gln,
        extension: Option<GlnExtension>,
    },
    /// A party, as opposed to where it is: `/417/{pgln}`.
    Party { pgln: Gln },
    /// A returnable asset, or without a serial its kind: `/8003/0{kind}{serial}`.
    Grai(Grai),
    /// An individual asset: `/8004/{giai}`.
    Giai(Giai),
    /// A document, coupon, consignment, shipment, piece, component, service relation or controlled
    /// pack: `/253/…`, `/255/…`, `/401/…`, `/402/…`, `/8006/…[/21/…]`, `/8010/…[/8011/…]`,
    /// `/8017/…`, `/8018/…`, `/01/…/235/…`.
    Rare(RareKey),
    /// Any other URI, as received.
    Other(OtherUri),
}

impl Identity {
    /// Reads a Digital Link on any host, an EPC URN, or any other URI.
    ///
    /// A link may have anything before its key, one `/` at its end, and a query, all of which are
    /// dropped. The *first* segment that is a key (00, 01, 414, 417, 8003, 8004 and the codes of
    /// [`Identity::Rare`]) followed by digits begins the link; from there on it must be right: a
    /// wrong check digit is an error, never [`Identity::Other`]. A URN of a scheme that has no
    /// variant here is `Other`.
    ///
    /// # Errors
    /// The first fault; see [`IdentityError`].
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        if let Some(path) = path::of_http(text)? {
            if let Some(link) = path::from_key(path) {
                return Ok(Self::from_path(link)?);
            }
        } else if let Some(identity) = urn::parse(text)? {
            return Ok(identity);
        }
        OtherUri::parse(text).map(Self::Other)
    }

    /// The lot that a Digital Link writes beside the serial of an item, and that is not part of the
    /// identity; `None` for whatever else a text is.
    #[must_use]
    pub fn lot_beside_serial(text: &str) -> Option<Lot> {
        // Nearly no text has one, and none is read twice for nothing.
        if !text.contains("/10/") {
            return None;
        }
        let link = path::from_key(path::of_http(text).ok()??)?;
        match DigitalLink::read(link).ok()? {
            DigitalLink::Product {
                lot,
                serial: Some(_),
                ..
            } => lot,
            _ => None,
        }
    }

    /// Reads a raw path, still percent-encoded and without query, that begins with a key:
    /// [`DigitalLink::parse_path`] for things that are no product.
    ///
    /// # Errors
    /// The first fault from the left; see [`LinkError`].
    pub fn parse_path(raw_path: &str) -> Result<Self, LinkError> {
        if let Some(found) = raw_path.chars().find(|found| matches!(found, '?' | '#')) {
            return Err(LinkError::NotOnlyAPath { found });
        }
        Self::from_path(raw_path)
    }

    /// The GTIN of a class, a lot or an item.
    #[must_use]
    pub const fn gtin(&self) -> Option<Gtin> {
        match *self {
            Self::Class { gtin } | Self::LotOf { gtin, .. } | Self::Item { gtin, .. } => Some(gtin),
            _ => None,
        }
    }

    /// The class of a lot or of an item; `None` for what has no coarser level.
    #[must_use]
    pub const fn without_qualifiers(&self) -> Option<Self> {
        match *self {
            Self::LotOf { gtin, .. } | Self::Item { gtin, .. } => Some(Self::Class { gtin }),
            _ => None,
        }
    }

    /// Whether it names one thing or a class of things; `None` for a URI of which only its maker
    /// knows.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        Some(match self {
            Self::Class { .. } | Self::LotOf { .. } => Level::Class,
            Self::Grai(grai) if grai.serial().is_none() => Level::Class,
            Self::Rare(key) => key.level(),
            Self::Other(_) => return None,
            _ => Level::Instance,
        })
    }

    /// `https://id.gs1.org/…`, or the URI as received: the text that is stored, compared, logged
    /// and put into `about`.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut text = String::with_capacity(USUAL_BYTES);
        self.write(&mut text)
            .expect("writing to a String never fails");
        text
    }

    /// [`canonical`](Self::canonical) without scheme and host, to be put after any other; `None` for
    /// a URI that is no GS1 key.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        match self {
            Self::Other(_) => None,
            key => key.canonical().strip_prefix(HOST).map(str::to_owned),
        }
    }

    /// `path` begins with a segment that is a primary key.
    fn from_path(path: &str) -> Result<Self, LinkError> {
        let mut pairs = Pairs::new(path);
        let (code, raw) = pairs.next().ok_or(LinkError::NoKey)?;
        let identity = match Ai::primary_key(code) {
            Some(Ai::Gln) => return Self::place(raw, pairs),
            Some(Ai::Party) => {
                let pgln = Gln::parse(&decode(Ai::Party, raw)?)?;
                pairs.finish(Ai::Party)?;
                Self::Party { pgln }
            }
            Some(Ai::Grai) => {
                let grai = Grai::parse(&decode(Ai::Grai, raw)?)?;
                pairs.finish(Ai::Grai)?;
                Self::Grai(grai)
            }
            Some(Ai::Giai) => {
                let giai = Giai::parse(&decode(Ai::Giai, raw)?)?;
                pairs.finish(Ai::Giai)?;
                Self::Giai(giai)
            }
            Some(
                key @ (Ai::Gdti
                | Ai::Gcn
                | Ai::Ginc
                | Ai::Gsin
                | Ai::Itip
                | Ai::Cpi
                | Ai::Gsrnp
                | Ai::Gsrn),
            ) => Self::Rare(RareKey::from_link(key, raw, pairs)?),
            // A pack of tobacco: the serial is the issuer's, not the maker's.
            Some(key @ Ai::Gtin) if next_is(&pairs, Ai::ControlledSerial) => {
                Self::Rare(RareKey::from_link(key, raw, pairs)?)
            }
            _ => DigitalLink::read(path)?.finest(),
        };
        Ok(identity)
    }

    fn place(raw_gln: &str, mut pairs: Pairs<'_>) -> Result<Self, LinkError> {
        let gln = Gln::parse(&decode(Ai::Gln, raw_gln)?)?;
        let extension = match pairs.next() {
            None => None,
            Some((code, raw)) if code == Ai::GlnExtension.code() => {
                Some(GlnExtension::parse(&decode(Ai::GlnExtension, raw)?)?)
            }
            Some((code, _)) => return Err(LinkError::unknown_qualifier(Ai::Gln, code)),
        };
        pairs.finish(Ai::Gln)?;
        Ok(Self::Place { gln, extension })
    }

    fn write<W>(&self, out: &mut W) -> fmt::Result
    where
        W: fmt::Write + ?Sized,
    {
        if !matches!(self, Self::Other(_)) {
            out.write_str(HOST)?;
        }
        match self {
            Self::Class { gtin } => canonical::write_product(out, gtin, None, None),
            Self::LotOf { gtin, lot } => canonical::write_product(out, gtin, Some(lot), None),
            Self::Item { gtin, serial } => canonical::write_product(out, gtin, None, Some(serial)),
            Self::Sscc(sscc) => canonical::write_pair(out, Ai::Sscc, sscc.as_str()),
            Self::Place { gln, extension } => {
                canonical::write_pair(out, Ai::Gln, gln.as_str())?;
                extension.as_ref().map_or(Ok(()), |extension| {
                    canonical::write_pair(out, Ai::GlnExtension, extension.as_str())
                })
            }
            Self::Party { pgln } => canonical::write_pair(out, Ai::Party, pgln.as_str()),
            Self::Grai(grai) => canonical::write_grai(out, grai),
            Self::Giai(giai) => canonical::write_pair(out, Ai::Giai, giai.as_str()),
            Self::Rare(key) => out.write_str(key.path()),
            Self::Other(uri) => out.write_str(uri.as_str()),
        }
    }
}

fn next_is(pairs: &Pairs<'_>, ai: Ai) -> bool {
    pairs
        .clone()
        .next()
        .is_some_and(|(code, _)| code == ai.code())
}

/// The canonical text.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        Self::parse(text)
    }
}

/// A URI that is no GS1 identity of ours, byte for byte as received.
///
/// Made only by [`Identity::parse`], so it can never hold a GS1 identity in disguise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OtherUri(Box<str>);

impl OtherUri {
    /// The longest URI kept, in bytes: what every browser and proxy still carries, and short
    /// enough for a database key.
    pub const MAX_BYTES: usize = 2048;

    /// The URI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Result<Self, IdentityError> {
        if text.len() > Self::MAX_BYTES {
            return Err(IdentityError::TooLong { found: text.len() });
        }
        if !has_scheme(text) {
            return Err(IdentityError::NotAUri);
        }
        if let Some((index, found)) = text.chars().enumerate().find(|&(_, c)| is_invisible(c)) {
            return Err(IdentityError::Invisible {
                position: index + 1,
                found,
            });
        }
        Ok(Self(text.into()))
    }
}

/// Why a text is no identity. `position` counts characters from 1; `found` is what was there.
#[allow(missing_docs, reason = "the enum says once what its fields hold")]
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// A bare word, a number, or nothing.
    #[error("an identity is a URI, such as https://id.gs1.org/01/09521234543213")]
    NotAUri,
    /// A URI longer than [`OtherUri::MAX_BYTES`].
    #[error(
        "the URI has at most {} bytes, this one has {found}",
        OtherUri::MAX_BYTES
    )]
    TooLong { found: usize },
    /// White space, a control character, or a mark that only steers how text is laid out.
    #[error("the URI contains U+{:04X} at position {position}", u32::from(*.found))]
    Invisible { position: usize, found: char },
    /// A Digital Link with a fault.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// An EPC URN with a fault.
    #[error(transparent)]
    Urn(#[from] UrnError),
}

/// RFC 3986 §3.1: a letter, then letters, digits, `+`, `-` and `.`, then `:` and something.
fn has_scheme(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && !rest.is_empty()
}

/// What must not hide in a URI. `about` separates role and identity by a space, so a space inside
/// would forge a role; RFC 3987 §4.1 forbids the marks that turn the direction of text, and
/// zero-width characters would let two different identities look alike.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || character.is_whitespace()
        || matches!(character,
            '\u{AD}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}
