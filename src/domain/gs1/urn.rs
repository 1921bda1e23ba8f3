//! EPC URNs, the older way to write an identity, still what most EPCIS systems send.

use std::borrow::Cow;

use thiserror::Error;

use super::ai::ValueError;
use super::escape::{EscapeError, unescape};
use super::identity::Identity;
use super::key::{Giai, Gln, Grai, Gtin, Sscc};
use super::path::strip_ignoring_case;
use super::rare::RareKey;
use super::text::{GlnExtension, Lot, Serial};

/// Reads an EPC URN of a scheme that names what a Digital Link of ours can name; `None` for any
/// other URI. GS1 Tag Data Standard, "EPC URI": the parts of a body are separated by `.`, the
/// company prefix first, and the check digit is left out.
pub(super) fn parse(uri: &str) -> Result<Option<Identity>, UrnError> {
    let Some(name) = strip_ignoring_case(uri, "urn:epc:") else {
        return Ok(None);
    };
    let mut fields = name.splitn(3, ':');
    let (kind, scheme) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
    let body = fields.next().unwrap_or("");
    let identity = match (kind, scheme) {
        ("id", "sgtin") => sgtin(body)?,
        ("class", "lgtin") => lgtin(body)?,
        ("idpat", "sgtin") => sgtin_pattern(body)?,
        ("id", "sscc") => sscc(body)?,
        ("id", "sgln") => sgln(body)?,
        ("id", "pgln") => pgln(body)?,
        ("id", "grai") => grai(body)?,
        ("idpat", "grai") => grai_pattern(body)?,
        ("id", "giai") => giai(body)?,
        _ => return Ok(RareKey::from_urn(kind, scheme, body)?.map(Identity::Rare)),
    };
    Ok(Some(identity))
}

/// The first thing that is wrong with the body of an EPC URN. `expected` and `part` are words for
/// people; `found` is the offending character.
#[allow(missing_docs, reason = "the enum says once what its fields hold")]
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UrnError {
    /// Too few parts between dots.
    #[error("the EPC URN should have the parts {expected}")]
    Parts { expected: &'static str },
    /// A company prefix of a wrong length or with something else than digits.
    #[error("the EPC URN should begin with a company prefix of 6 to 12 digits")]
    CompanyPrefix,
    /// A reference from which a digit must be taken has none.
    #[error("the EPC URN has an empty {part}")]
    EmptyReference { part: &'static str },
    /// A pattern that stands for more or for less than one class.
    #[error("the EPC pattern should end in .*, which stands for every serial of one class")]
    NotAClass,
    /// A character that an EPC URN carries only in its escaped form.
    #[error("the EPC URN contains {found:?}, which must be percent-encoded")]
    NotEscaped { found: char },
    /// A value that cannot be percent-decoded.
    #[error("the last part of the EPC URN {0}")]
    Escape(EscapeError),
    /// The parts do not make up the key, or a value breaks its AI's rules.
    #[error(transparent)]
    Value(#[from] ValueError),
}

/// `urn:epc:id:sgtin:{prefix}.{indicator and item reference}.{serial}` → `/01/…/21/…`
fn sgtin(body: &str) -> Result<Identity, UrnError> {
    let [prefix, item, serial] = parts(body, "prefix.item.serial")?;
    let gtin = gtin(prefix, item)?;
    Ok(Identity::Item {
        gtin,
        serial: Serial::parse(&value(serial)?)?,
    })
}

/// `urn:epc:class:lgtin:{prefix}.{indicator and item reference}.{lot}` → `/01/…/10/…`
fn lgtin(body: &str) -> Result<Identity, UrnError> {
    let [prefix, item, lot] = parts(body, "prefix.item.lot")?;
    let gtin = gtin(prefix, item)?;
    Ok(Identity::LotOf {
        gtin,
        lot: Lot::parse(&value(lot)?)?,
    })
}

/// `urn:epc:idpat:sgtin:{prefix}.{indicator and item reference}.*` → `/01/…`
fn sgtin_pattern(body: &str) -> Result<Identity, UrnError> {
    let [prefix, item, serial] = parts(body, "prefix.item.*")?;
    require_any(serial)?;
    Ok(Identity::Class {
        gtin: gtin(prefix, item)?,
    })
}

/// `urn:epc:id:sscc:{prefix}.{extension digit and serial reference}` → `/00/…`
fn sscc(body: &str) -> Result<Identity, UrnError> {
    let [prefix, reference] = parts(body, "prefix.serial reference")?;
    let prefix = company_prefix(prefix)?;
    let (extension, rest) = first_digit(reference, "serial reference")?;
    let digits = std::iter::once(extension)
        .chain(prefix.chars())
        .chain(rest.chars());
    Ok(Identity::Sscc(Sscc::from_body(digits)?))
}

/// `urn:epc:id:sgln:{prefix}.{location}.{extension}` → `/414/…[/254/…]`
fn sgln(body: &str) -> Result<Identity, UrnError> {
    let [prefix, location, extension] = parts(body, "prefix.location.extension")?;
    let gln = gln(prefix, location)?;
    // Tag Data Standard, SGLN: a single zero says that there is no extension.
    let extension = match value(extension)?.as_ref() {
        "0" => None,
        text => Some(GlnExtension::parse(text)?),
    };
    Ok(Identity::Place { gln, extension })
}

/// `urn:epc:id:pgln:{prefix}.{party}` → `/417/…`
fn pgln(body: &str) -> Result<Identity, UrnError> {
    let [prefix, party] = parts(body, "prefix.party")?;
    Ok(Identity::Party {
        pgln: gln(prefix, party)?,
    })
}

/// `urn:epc:id:grai:{prefix}.{asset type}.{serial}` → `/8003/0…`
fn grai(body: &str) -> Result<Identity, UrnError> {
    let [prefix, kind, serial] = parts(body, "prefix.asset type.serial")?;
    let digits = company_prefix(prefix)?.chars().chain(kind.chars());
    Ok(Identity::Grai(Grai::from_body(
        digits,
        Some(&value(serial)?),
    )?))
}

/// `urn:epc:idpat:grai:{prefix}.{asset type}.*` → `/8003/0…` without a serial
fn grai_pattern(body: &str) -> Result<Identity, UrnError> {
    let [prefix, kind, serial] = parts(body, "prefix.asset type.*")?;
    require_any(serial)?;
    let digits = company_prefix(prefix)?.chars().chain(kind.chars());
    Ok(Identity::Grai(Grai::from_body(digits, None)?))
}

/// `urn:epc:id:giai:{prefix}.{asset reference}` → `/8004/…`
fn giai(body: &str) -> Result<Identity, UrnError> {
    let [prefix, reference] = parts(body, "prefix.asset reference")?;
    let prefix = company_prefix(prefix)?;
    let reference = value(reference)?;
    if reference.is_empty() {
        return Err(UrnError::EmptyReference {
            part: "asset reference",
        });
    }
    Ok(Identity::Giai(Giai::parse(&format!(
        "{prefix}{reference}"
    ))?))
}

/// A GTIN puts the indicator digit, which the URN keeps with the item reference, first.
pub(super) fn gtin(prefix: &str, item: &str) -> Result<Gtin, UrnError> {
    let prefix = company_prefix(prefix)?;
    let (indicator, rest) = first_digit(item, "item reference")?;
    let digits = std::iter::once(indicator)
        .chain(prefix.chars())
        .chain(rest.chars());
    Ok(Gtin::from_body(digits)?)
}

fn gln(prefix: &str, reference: &str) -> Result<Gln, UrnError> {
    Ok(Gln::from_body(
        company_prefix(prefix)?.chars().chain(reference.chars()),
    )?)
}

/// Exactly `N` parts; the last keeps its dots, since a serial may contain them.
pub(super) fn parts<'a, const N: usize>(
    body: &'a str,
    expected: &'static str,
) -> Result<[&'a str; N], UrnError> {
    let mut parts = [""; N];
    let mut found = 0;
    for part in body.splitn(N, '.') {
        parts[found] = part;
        found += 1;
    }
    if found == N {
        Ok(parts)
    } else {
        Err(UrnError::Parts { expected })
    }
}

/// Tag Data Standard, partition tables: a company prefix in a URN has 6 to 12 digits.
pub(super) fn company_prefix(text: &str) -> Result<&str, UrnError> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && (6..=12).contains(&text.len()) {
        Ok(text)
    } else {
        Err(UrnError::CompanyPrefix)
    }
}

fn first_digit<'a>(text: &'a str, part: &'static str) -> Result<(char, &'a str), UrnError> {
    let mut characters = text.chars();
    let first = characters.next().ok_or(UrnError::EmptyReference { part })?;
    Ok((first, characters.as_str()))
}

/// A lot, serial or reference as the company writes it.
pub(super) fn value(raw: &str) -> Result<Cow<'_, str>, UrnError> {
    // Tag Data Standard, "URI escaping": these never stand in an EPC URN as themselves.
    let reserved = |found: &char| matches!(found, '"' | '#' | '&' | '/' | '<' | '>' | '?');
    match raw.chars().find(reserved) {
        Some(found) => Err(UrnError::NotEscaped { found }),
        None => unescape(raw).map_err(UrnError::Escape),
    }
}

pub(super) fn require_any(serial: &str) -> Result<(), UrnError> {
    if serial == "*" {
        Ok(())
    } else {
        Err(UrnError::NotAClass)
    }
}
