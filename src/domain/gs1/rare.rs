//! The keys that events name now and then and no page of ours takes apart: documents, coupons,
//! consignments, shipments, pieces, components, service relations, controlled packs.

use std::fmt::Write as _;

use super::ai::{Ai, ValueError};
use super::canonical::write_pair;
use super::key::{Digits, Gtin, begins_with_company_prefix};
use super::link::{LinkError, decode};
use super::path::Pairs;
use super::text::Text;
use super::urn::{UrnError, company_prefix, gtin, parts, require_any, value};

/// Whether an identity names one thing or every thing of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// All of a kind: a GTIN, a lot, an asset type without a serial.
    Class,
    /// This one.
    Instance,
}

/// A GS1 key that has been found right, held as its canonical path: URN and link of one thing are
/// equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RareKey {
    path: Box<str>,
    level: Level,
}

impl RareKey {
    /// Whether it names one thing.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// `/253/…` and the like, every value escaped.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Reads the pairs of a link that begins with `key` and its raw value.
    pub(super) fn from_link(key: Ai, raw: &str, mut pairs: Pairs<'_>) -> Result<Self, LinkError> {
        let value = decode(key, raw)?;
        let qualifier = match key {
            Ai::Itip => Some(Ai::Serial),
            Ai::Cpi => Some(Ai::CpiSerial),
            Ai::Gsrn | Ai::Gsrnp => Some(Ai::ServiceInstance),
            Ai::Gtin => Some(Ai::ControlledSerial),
            _ => None,
        };
        let mut found = None;
        if let (Some((code, raw)), Some(qualifier)) = (pairs.clone().next(), qualifier) {
            if code != qualifier.code() {
                return Err(LinkError::unknown_qualifier(key, code));
            }
            pairs.next();
            found = Some((qualifier, decode(qualifier, raw)?));
        }
        pairs.finish(key)?;
        let found = found.as_ref().map(|(ai, value)| (*ai, value.as_ref()));
        Ok(Self::new(key, &value, found)?)
    }

    /// Checks a value and its qualifier against the rules of their AIs (GS1 General Specifications
    /// §3; GS1 Syntax Dictionary).
    fn new(key: Ai, value: &str, qualifier: Option<(Ai, &str)>) -> Result<Self, ValueError> {
        let has_serial = match key {
            Ai::Gdti => with_serial::<17>(key, value, false)?,
            Ai::Gcn => with_serial::<12>(key, value, true)?,
            Ai::Gsin => Digits::<17>::parse(key, value, &[17]).map(|_| true)?,
            Ai::Gsrn | Ai::Gsrnp => Digits::<18>::parse(key, value, &[18]).map(|_| true)?,
            Ai::Itip => itip(value).map(|()| false)?,
            Ai::Cpi => cpi(value).map(|()| false)?,
            Ai::Gtin => Gtin::parse(value).map(|_| false)?,
            _ => {
                Text::<30>::parse(key, value)?;
                prefixed(key, value).map(|()| true)?
            }
        };
        if let Some((ai, text)) = qualifier {
            match ai {
                Ai::CpiSerial => number::<12>(ai, text)?,
                Ai::ServiceInstance => number::<10>(ai, text)?,
                Ai::ControlledSerial => Text::<28>::parse(ai, text).map(|_| ())?,
                _ => Text::<20>::parse(ai, text).map(|_| ())?,
            }
        }
        let level = if has_serial || qualifier.is_some() {
            Level::Instance
        } else {
            Level::Class
        };
        let mut path = String::new();
        let pairs = [Some((key, value)), qualifier];
        for (ai, text) in pairs.into_iter().flatten() {
            write_pair(&mut path, ai, text).expect("writing to a String never fails");
        }
        Ok(Self {
            path: path.into(),
            level,
        })
    }

    /// Reads the body of an EPC URN (GS1 Tag Data Standard §6.3 and §8); `None` for a scheme that
    /// has no key here.
    pub(super) fn from_urn(kind: &str, scheme: &str, body: &str) -> Result<Option<Self>, UrnError> {
        let key = match (kind, scheme) {
            ("id", "gdti") => with_serial_urn(Ai::Gdti, body)?,
            ("idpat", "gdti") => class_urn(Ai::Gdti, body)?,
            ("id", "sgcn") => with_serial_urn(Ai::Gcn, body)?,
            ("idpat", "sgcn") => class_urn(Ai::Gcn, body)?,
            ("id", "gsrn") => checked_urn::<18>(Ai::Gsrn, body)?,
            ("id", "gsrnp") => checked_urn::<18>(Ai::Gsrnp, body)?,
            ("id", "gsin") => checked_urn::<17>(Ai::Gsin, body)?,
            ("id", "ginc") => {
                let [prefix, reference] = parts(body, "prefix.reference")?;
                let prefix = company_prefix(prefix)?;
                let reference = value(reference)?;
                let reference = non_empty(&reference, "reference")?;
                Self::new(Ai::Ginc, &format!("{prefix}{reference}"), None)?
            }
            ("id", "cpi") => cpi_urn(body, false)?,
            ("idpat", "cpi") => cpi_urn(body, true)?,
            ("id", "itip") => itip_urn(body, false)?,
            ("idpat", "itip") => itip_urn(body, true)?,
            ("id", "upui") => {
                let [prefix, item, serial] = parts(body, "prefix.item.controlled serial")?;
                let gtin = gtin(prefix, item)?;
                let serial = value(serial)?;
                Self::new(
                    Ai::Gtin,
                    gtin.as_str(),
                    Some((Ai::ControlledSerial, &serial)),
                )?
            }
            _ => return Ok(None),
        };
        Ok(Some(key))
    }
}

/// Thirteen digits and a serial of the company's own; says whether the serial is there.
fn with_serial<const MAX: usize>(
    key: Ai,
    text: &str,
    only_digits: bool,
) -> Result<bool, ValueError> {
    let (digits, serial) = match text.char_indices().nth(13) {
        Some((end, _)) => text.split_at(end),
        None => (text, ""),
    };
    Digits::<13>::parse(key, digits, &[13])?;
    if serial.is_empty() {
        return Ok(false);
    }
    if only_digits {
        number_of::<MAX>(key, serial)?;
    } else {
        Text::<MAX>::parse(key, serial)?;
    }
    Ok(true)
}

/// A GTIN, the number of the piece and how many there are, two digits each.
fn itip(text: &str) -> Result<(), ValueError> {
    let length = text.chars().count();
    if length != 18 {
        let (of, accepted, found) = (Ai::Itip, &[18][..], length);
        return Err(ValueError::Length {
            of,
            accepted,
            found,
        });
    }
    let (end, _) = text.char_indices().nth(14).unwrap_or((text.len(), ' '));
    let (gtin, pieces) = text.split_at(end);
    Digits::<14>::parse(Ai::Itip, gtin, &[14])?;
    number_of::<4>(Ai::Itip, pieces)?;
    let (piece, total) = pieces.split_at(2);
    // Syntax Dictionary, "pieceoftotal": counted from 01, and never more than there are.
    if piece == "00" || piece > total {
        return Err(ValueError::Pieces);
    }
    Ok(())
}

/// General Specifications, "GS1 AI encodable character set 39".
fn cpi(text: &str) -> Result<(), ValueError> {
    let of = Ai::Cpi;
    Text::<30>::parse(of, text)?;
    let allowed = |c: char| matches!(c, '#' | '-' | '/' | '0'..='9' | 'A'..='Z');
    if let Some((index, found)) = text.char_indices().find(|&(_, c)| !allowed(c)) {
        let position = index + 1;
        return Err(ValueError::NotCset39 {
            of,
            position,
            found,
        });
    }
    prefixed(of, text)
}

fn prefixed(of: Ai, text: &str) -> Result<(), ValueError> {
    if begins_with_company_prefix(text) {
        Ok(())
    } else {
        Err(ValueError::NoCompanyPrefix { of })
    }
}

/// A number without leading zeros: a serial of which each has one form only.
fn number<const MAX: usize>(of: Ai, text: &str) -> Result<(), ValueError> {
    number_of::<MAX>(of, text)?;
    if text.len() > 1 && text.starts_with('0') {
        return Err(ValueError::LeadingZero { of });
    }
    Ok(())
}

fn number_of<const MAX: usize>(of: Ai, text: &str) -> Result<(), ValueError> {
    Text::<MAX>::parse(of, text)?;
    super::key::require_digits(of, text)
}

/// `{prefix}.{type}.{serial}` of twelve digits and a serial.
fn with_serial_urn(key: Ai, body: &str) -> Result<RareKey, UrnError> {
    let [prefix, kind, serial] = parts(body, "prefix.type.serial")?;
    let kind = typed(key, prefix, kind)?;
    let serial = value(serial)?;
    let serial = non_empty(&serial, "serial")?;
    Ok(RareKey::new(key, &format!("{kind}{serial}"), None)?)
}

/// `{prefix}.{type}.*`
fn class_urn(key: Ai, body: &str) -> Result<RareKey, UrnError> {
    let [prefix, kind, serial] = parts(body, "prefix.type.*")?;
    require_any(serial)?;
    Ok(RareKey::new(key, &typed(key, prefix, kind)?, None)?)
}

fn typed(key: Ai, prefix: &str, kind: &str) -> Result<String, UrnError> {
    let digits = company_prefix(prefix)?.chars().chain(kind.chars());
    Ok(Digits::<13>::from_body(key, digits)?.as_str().to_owned())
}

/// `{prefix}.{reference}`, together all digits but the check digit.
fn checked_urn<const N: usize>(key: Ai, body: &str) -> Result<RareKey, UrnError> {
    let [prefix, reference] = parts(body, "prefix.reference")?;
    let digits = company_prefix(prefix)?.chars().chain(reference.chars());
    let digits = Digits::<N>::from_body(key, digits)?;
    Ok(RareKey::new(key, digits.as_str(), None)?)
}

/// `{prefix}.{component or part reference}.{serial or *}`
fn cpi_urn(body: &str, is_class: bool) -> Result<RareKey, UrnError> {
    let [prefix, part, serial] = parts(body, "prefix.part.serial")?;
    let prefix = company_prefix(prefix)?;
    let part = value(part)?;
    let part = non_empty(&part, "part reference")?;
    let cpi = format!("{prefix}{part}");
    if is_class {
        require_any(serial)?;
        return Ok(RareKey::new(Ai::Cpi, &cpi, None)?);
    }
    Ok(RareKey::new(Ai::Cpi, &cpi, Some((Ai::CpiSerial, serial)))?)
}

/// `{prefix}.{indicator and item reference}.{piece}.{total}.{serial or *}`
fn itip_urn(body: &str, is_class: bool) -> Result<RareKey, UrnError> {
    let [prefix, item, piece, total, serial] = parts(body, "prefix.item.piece.total.serial")?;
    let gtin = gtin(prefix, item)?;
    let mut itip = String::from(gtin.as_str());
    write!(itip, "{piece}{total}").expect("writing to a String never fails");
    if is_class {
        require_any(serial)?;
        return Ok(RareKey::new(Ai::Itip, &itip, None)?);
    }
    let serial = value(serial)?;
    Ok(RareKey::new(Ai::Itip, &itip, Some((Ai::Serial, &serial)))?)
}

fn non_empty<'a>(text: &'a str, part: &'static str) -> Result<&'a str, UrnError> {
    if text.is_empty() {
        return Err(UrnError::EmptyReference { part });
    }
    Ok(text)
}
