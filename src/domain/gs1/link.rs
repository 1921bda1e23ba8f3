//! The address that a shopper scans.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::ai::{Ai, ValueError};
use super::canonical::{self, HOST, USUAL_BYTES};
use super::escape::{EscapeError, unescape};
use super::identity::Identity;
use super::key::{Gtin, Sscc};
use super::path::{self, Pairs};
use super::text::{Lot, Serial, Text};

/// What the path of a scanned address names: a product, perhaps with its lot and serial, or a
/// logistic unit.
///
/// Unlike an [`Identity`] it keeps lot *and* serial, because a shopper's code is often the only
/// place where the two meet. The product variant (22) is checked and dropped: it tells packagings
/// apart, not histories.
#[allow(missing_docs, reason = "the path in each variant names its fields")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigitalLink {
    /// `/01/{gtin}[/10/{lot}][/21/{serial}]`
    Product {
        gtin: Gtin,
        lot: Option<Lot>,
        serial: Option<Serial>,
    },
    /// `/00/{sscc}`
    LogisticUnit { sscc: Sscc },
}

impl DigitalLink {
    /// Reads a raw path, still percent-encoded and without query:
    /// `/01/{gtin}[/22/{cpv}][/10/{lot}][/21/{serial}]` or `/00/{sscc}`, with at most one `/` at
    /// the end.
    ///
    /// # Errors
    /// The first fault from the left; see [`LinkError`].
    pub fn parse_path(raw_path: &str) -> Result<Self, LinkError> {
        // Without this, parse_path("/01/…/10/A?B") would read a lot that no server ever receives.
        if let Some(found) = raw_path.chars().find(|found| matches!(found, '?' | '#')) {
            return Err(LinkError::NotOnlyAPath { found });
        }
        Self::read(raw_path)
    }

    /// As [`parse_path`](Self::parse_path), for a path from which a query has been cut.
    pub(super) fn read(raw_path: &str) -> Result<Self, LinkError> {
        let mut pairs = Pairs::new(raw_path);
        let (code, value) = pairs.next().ok_or(LinkError::NoKey)?;
        match Ai::primary_key(code) {
            Some(Ai::Gtin) => Self::product(value, pairs),
            Some(Ai::Sscc) => {
                let sscc = Sscc::parse(&decode(Ai::Sscc, value)?)?;
                pairs.finish(Ai::Sscc)?;
                Ok(Self::LogisticUnit { sscc })
            }
            _ => Err(LinkError::UnknownKey {
                found: excerpt(code),
            }),
        }
    }

    /// Reads a whole URL on any host, or a path, with anything before the key and with a query,
    /// both of which are dropped.
    ///
    /// # Errors
    /// As [`DigitalLink::parse_path`], and [`LinkError::NoKey`] for a URL that is no Digital Link.
    pub fn parse(url_or_path: &str) -> Result<Self, LinkError> {
        let path = match path::of_http(url_or_path)? {
            Some(path) => path,
            None => path::without_query(url_or_path),
        };
        Self::read(path::from_key(path).ok_or(LinkError::NoKey)?)
    }

    /// The link of a product, of one of its lots, or of one item.
    #[must_use]
    pub const fn from_parts(gtin: Gtin, lot: Option<Lot>, serial: Option<Serial>) -> Self {
        Self::Product { gtin, lot, serial }
    }

    /// The link under which `identity` has a page of its own, if things of its kind have one.
    #[must_use]
    pub fn for_identity(identity: &Identity) -> Option<Self> {
        match *identity {
            Identity::Class { gtin } => Some(Self::from_parts(gtin, None, None)),
            Identity::LotOf { gtin, lot } => Some(Self::from_parts(gtin, Some(lot), None)),
            Identity::Item { gtin, serial } => Some(Self::from_parts(gtin, None, Some(serial))),
            Identity::Sscc(sscc) => Some(Self::LogisticUnit { sscc }),
            _ => None,
        }
    }

    /// The GTIN of a product.
    #[must_use]
    pub const fn gtin(&self) -> Option<Gtin> {
        match *self {
            Self::Product { gtin, .. } => Some(gtin),
            Self::LogisticUnit { .. } => None,
        }
    }

    /// The lot, if the link says it.
    #[must_use]
    pub const fn lot(&self) -> Option<Lot> {
        match *self {
            Self::Product { lot, .. } => lot,
            Self::LogisticUnit { .. } => None,
        }
    }

    /// The serial, if the link says it.
    #[must_use]
    pub const fn serial(&self) -> Option<Serial> {
        match *self {
            Self::Product { serial, .. } => serial,
            Self::LogisticUnit { .. } => None,
        }
    }

    /// The SSCC of a logistic unit.
    #[must_use]
    pub const fn sscc(&self) -> Option<Sscc> {
        match *self {
            Self::Product { .. } => None,
            Self::LogisticUnit { sscc } => Some(sscc),
        }
    }

    /// The finest thing that the link names: the item, else the lot, else the class.
    #[must_use]
    pub const fn finest(&self) -> Identity {
        match *self {
            Self::Product {
                gtin,
                serial: Some(serial),
                ..
            } => Identity::Item { gtin, serial },
            Self::Product {
                gtin,
                lot: Some(lot),
                ..
            } => Identity::LotOf { gtin, lot },
            Self::Product { gtin, .. } => Identity::Class { gtin },
            Self::LogisticUnit { sscc } => Identity::Sscc(sscc),
        }
    }

    /// The item, where it names one.
    #[must_use]
    pub fn item(&self) -> Option<Identity> {
        let (gtin, serial) = self.gtin().zip(self.serial())?;
        Some(Identity::Item { gtin, serial })
    }

    /// Everything that the link names, from finest to coarsest: never empty, at most three. This
    /// is the ladder on which a resolver climbs when it does not know a serial.
    #[must_use]
    pub fn identities(&self) -> Vec<Identity> {
        match *self {
            Self::Product { gtin, lot, serial } => [
                serial.map(|serial| Identity::Item { gtin, serial }),
                lot.map(|lot| Identity::LotOf { gtin, lot }),
                Some(Identity::Class { gtin }),
            ]
            .into_iter()
            .flatten()
            .collect(),
            Self::LogisticUnit { sscc } => vec![Identity::Sscc(sscc)],
        }
    }

    /// `https://id.gs1.org/01/{gtin}[/10/{lot}][/21/{serial}]` or `https://id.gs1.org/00/{sscc}`:
    /// the one form of this link, with every value escaped.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.written_after(HOST)
    }

    /// [`canonical`](Self::canonical) without scheme and host, to be put after any other.
    #[must_use]
    pub fn path(&self) -> String {
        self.written_after("")
    }

    fn product(raw_gtin: &str, pairs: Pairs<'_>) -> Result<Self, LinkError> {
        let gtin = Gtin::parse(&decode(Ai::Gtin, raw_gtin)?)?;
        let (mut lot, mut serial) = (None, None);
        let mut seen: [Option<Ai>; 3] = [None; 3];
        for (code, raw) in pairs {
            let Some((qualifier, rank)) = Ai::gtin_qualifier(code) else {
                return Err(LinkError::unknown_qualifier(Ai::Gtin, code));
            };
            if seen[rank].is_some() {
                return Err(LinkError::Repeated { qualifier });
            }
            if let Some(after) = seen[rank..].iter().copied().flatten().next() {
                return Err(LinkError::OutOfOrder { qualifier, after });
            }
            seen[rank] = Some(qualifier);
            let value = decode(qualifier, raw)?;
            match qualifier {
                Ai::Lot => lot = Some(Lot::parse(&value)?),
                Ai::Serial => serial = Some(Serial::parse(&value)?),
                other => {
                    Text::<20>::parse(other, &value)?;
                }
            }
        }
        Ok(Self::Product { gtin, lot, serial })
    }

    fn written_after(&self, host: &str) -> String {
        let mut text = String::with_capacity(USUAL_BYTES);
        text.push_str(host);
        self.write_path(&mut text)
            .expect("writing to a String never fails");
        text
    }

    fn write_path<W>(&self, out: &mut W) -> fmt::Result
    where
        W: fmt::Write + ?Sized,
    {
        match self {
            Self::Product { gtin, lot, serial } => {
                canonical::write_product(out, gtin, lot.as_ref(), serial.as_ref())
            }
            Self::LogisticUnit { sscc } => canonical::write_pair(out, Ai::Sscc, sscc.as_str()),
        }
    }
}

/// The canonical form.
impl fmt::Display for DigitalLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HOST)?;
        self.write_path(f)
    }
}

impl FromStr for DigitalLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        Self::parse(text)
    }
}

/// The first thing, from the left, that is wrong with a Digital Link. `found` is what was there,
/// cut to sixteen characters.
#[expect(
    missing_docs,
    reason = "the enum and each message say what the fields hold"
)]
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// `https:` without `//host`.
    #[error("the address names no host")]
    NoHost,
    /// No segment is a key that we read, followed by digits.
    #[error("the address holds no GS1 key with its number, such as /01/09521234543213")]
    NoKey,
    /// A query or fragment where only a path is wanted.
    #[error("the path contains {found:?}, which would begin a query or a fragment")]
    NotOnlyAPath { found: char },
    /// The path begins with another AI or with no AI at all.
    #[error("the path begins with {found:?}, not with 01 (GTIN) or 00 (SSCC)")]
    UnknownKey { found: Box<str> },
    /// An AI, or some other segment, that does not qualify the key before it.
    #[error("{found:?} does not qualify the {key}")]
    UnknownQualifier { key: Ai, found: Box<str> },
    /// The same qualifier twice.
    #[error("the {qualifier} is given twice")]
    Repeated { qualifier: Ai },
    /// Qualifiers in another order than GS1's.
    #[error("the {qualifier} comes after the {after}, but the order is 22, 10, 21")]
    OutOfOrder { qualifier: Ai, after: Ai },
    /// A value that cannot be percent-decoded.
    #[error("the {of} {fault}")]
    Escape { of: Ai, fault: EscapeError },
    /// A value that its AI does not allow.
    #[error(transparent)]
    Value(#[from] ValueError),
}

impl LinkError {
    pub(super) fn unknown_qualifier(key: Ai, code: &str) -> Self {
        Self::UnknownQualifier {
            key,
            found: excerpt(code),
        }
    }
}

/// One segment, decoded once.
pub(super) fn decode(of: Ai, raw: &str) -> Result<Cow<'_, str>, LinkError> {
    unescape(raw).map_err(|fault| LinkError::Escape { of, fault })
}

/// Enough of a stranger's text to recognise it by in a message, never enough to flood a log.
fn excerpt(text: &str) -> Box<str> {
    text.chars().take(16).collect::<String>().into_boxed_str()
}
