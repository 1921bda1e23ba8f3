//! Writing EPC URNs, for partners whose systems read nothing else.
//!
//! A URN tells apart what a Digital Link runs together: where the company prefix ends and the
//! company's own number begins. The digits do not say so, only GS1's registry does, and no copy of
//! it is ours to ship. So the caller brings the prefixes that it knows: the merchant's own, and
//! those of the URNs that its partners have sent. Without one there is no URN, and no guess.

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;

use super::identity::Identity;
use super::key::Gtin;
use super::urn;

/// Tag Data Standard, partition tables: they begin at six digits. A company that was given four or
/// five holds every prefix of six that begins with them, so its URNs carry six.
const SHORTEST_IN_URN: usize = 6;

/// GS1 company prefixes that somebody vouches for: declared by the merchant, or seen in a URN.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompanyPrefixes(BTreeSet<Box<str>>);

impl CompanyPrefixes {
    /// Digits of the shortest prefix that GS1 gives out.
    pub const MIN_DIGITS: usize = 4;
    /// Digits of the longest.
    pub const MAX_DIGITS: usize = 12;

    /// All of `prefixes`, whose order and repeats do not matter.
    ///
    /// # Errors
    /// The first that [`insert`](Self::insert) refuses.
    pub fn of<'a>(prefixes: impl IntoIterator<Item = &'a str>) -> Result<Self, PrefixError> {
        let mut known = Self::default();
        for prefix in prefixes {
            known.insert(prefix)?;
        }
        Ok(known)
    }

    /// Adds one prefix; one that is known already changes nothing.
    ///
    /// # Errors
    /// [`PrefixError`] unless it is 4 to 12 ASCII digits. What was known stays known.
    pub fn insert(&mut self, prefix: &str) -> Result<(), PrefixError> {
        if let Some((index, found)) = prefix.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
            // All before it are digits, one byte each, so the index counts characters too.
            return Err(PrefixError::NotADigit {
                position: index + 1,
                found,
            });
        }
        if !(Self::MIN_DIGITS..=Self::MAX_DIGITS).contains(&prefix.len()) {
            return Err(PrefixError::Length {
                found: prefix.len(),
            });
        }
        self.0.insert(prefix.into());
        Ok(())
    }

    /// How many of the leading digits of a key are the company prefix in its URN: the longest known
    /// one that they begin with. GS1 gives out no prefix that begins with another, so a longer
    /// match is the better knowledge of the same company.
    fn digits_in_urn(&self, key: &str) -> Option<usize> {
        let known = |&count: &usize| key.get(..count).is_some_and(|head| self.0.contains(head));
        let digits = (Self::MIN_DIGITS..=Self::MAX_DIGITS).rev().find(known)?;
        Some(digits.max(SHORTEST_IN_URN))
    }

    /// `key` cut into company prefix and the company's own reference.
    fn split<'k>(&self, key: &'k str) -> Option<(&'k str, &'k str)> {
        key.split_at_checked(self.digits_in_urn(key)?)
    }
}

/// Why a text is no GS1 company prefix.
#[allow(missing_docs, reason = "each message says what the fields hold")]
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PrefixError {
    /// Something else than the digits 0 to 9.
    #[error("a company prefix is made of digits, but character {position} is {found:?}")]
    NotADigit { position: usize, found: char },
    /// Shorter or longer than any prefix.
    #[error("a company prefix has 4 to 12 digits, this one has {found}")]
    Length { found: usize },
}

/// The company prefix that an EPC URN spells out, for [`CompanyPrefixes::insert`]. `None` for any
/// other URI and for a URN with a fault: nothing is to be learned from those.
#[must_use]
pub fn company_prefix_of_urn(text: &str) -> Option<&str> {
    urn::parse(text).ok().flatten()?;
    // urn:epc:{kind}:{scheme}:{prefix}.{…}
    text.splitn(5, ':').nth(4)?.split('.').next()
}

impl Identity {
    /// The EPC URN of this identity, as the Tag Data Standard writes it: read again, it gives this
    /// identity, and a URN that was read and is written with its own prefix is the same, byte for
    /// byte, if it was escaped as the standard asks.
    ///
    /// `None` where there is none to write: for [`Identity::Rare`] and [`Identity::Other`], for a company whose prefix is
    /// not among `prefixes`, and for a place whose extension is `0`, which a URN cannot tell from a
    /// place without one.
    #[must_use]
    pub fn to_urn(&self, prefixes: &CompanyPrefixes) -> Option<String> {
        let urn = match self {
            Self::Class { gtin } => {
                let (prefix, item) = item_reference(gtin, prefixes)?;
                format!("urn:epc:idpat:sgtin:{prefix}.{item}.*")
            }
            Self::LotOf { gtin, lot } => {
                let (prefix, item) = item_reference(gtin, prefixes)?;
                format!(
                    "urn:epc:class:lgtin:{prefix}.{item}.{}",
                    Value(lot.as_str())
                )
            }
            Self::Item { gtin, serial } => {
                let (prefix, item) = item_reference(gtin, prefixes)?;
                format!(
                    "urn:epc:id:sgtin:{prefix}.{item}.{}",
                    Value(serial.as_str())
                )
            }
            Self::Sscc(sscc) => {
                let (extension, key) = without_check_digit(sscc.as_str()).split_at(1);
                let (prefix, serial) = prefixes.split(key)?;
                format!("urn:epc:id:sscc:{prefix}.{extension}{serial}")
            }
            Self::Place { gln, extension } => {
                let (prefix, location) = prefixes.split(without_check_digit(gln.as_str()))?;
                // Tag Data Standard, SGLN: a single zero says that there is no extension.
                let extension = match extension.as_ref().map(|extension| extension.as_str()) {
                    Some("0") => return None,
                    Some(extension) => extension,
                    None => "0",
                };
                format!("urn:epc:id:sgln:{prefix}.{location}.{}", Value(extension))
            }
            Self::Party { pgln } => {
                let (prefix, party) = prefixes.split(without_check_digit(pgln.as_str()))?;
                format!("urn:epc:id:pgln:{prefix}.{party}")
            }
            Self::Grai(grai) => {
                let (prefix, kind) = prefixes.split(without_check_digit(grai.kind()))?;
                match grai.serial() {
                    Some(serial) => format!("urn:epc:id:grai:{prefix}.{kind}.{}", Value(serial)),
                    None => format!("urn:epc:idpat:grai:{prefix}.{kind}.*"),
                }
            }
            Self::Giai(giai) => {
                let (prefix, reference) = prefixes.split(giai.as_str())?;
                // A prefix of four or five digits takes its sixth from the reference, which may be
                // a letter; and a reference that is used up is none.
                if reference.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                format!("urn:epc:id:giai:{prefix}.{}", Value(reference))
            }
            // Nobody asked for these in a URN yet.
            Self::Rare(_) | Self::Other(_) => return None,
        };
        Some(urn)
    }
}

/// Company prefix, then indicator digit and item reference: the indicator moves behind the prefix.
fn item_reference<'g>(gtin: &'g Gtin, prefixes: &CompanyPrefixes) -> Option<(&'g str, String)> {
    let (indicator, key) = without_check_digit(gtin.as_str()).split_at(1);
    let (prefix, item) = prefixes.split(key)?;
    Some((prefix, format!("{indicator}{item}")))
}

fn without_check_digit(digits: &str) -> &str {
    &digits[..digits.len() - 1]
}

/// A lot, serial or reference with what a URN reserves escaped, in upper-case hex. Tag Data
/// Standard, "URI escaping": of CSET 82 these are `"`, `%`, `&`, `/`, `<`, `>` and `?`; all else
/// stands for itself.
struct Value<'a>(&'a str);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reserved = |c| matches!(c, '"' | '%' | '&' | '/' | '<' | '>' | '?');
        for part in self.0.split_inclusive(reserved) {
            match part.chars().next_back().filter(|&last| reserved(last)) {
                Some(last) => {
                    f.write_str(&part[..part.len() - 1])?;
                    write!(f, "%{:02X}", u32::from(last))?;
                }
                None => f.write_str(part)?,
            }
        }
        Ok(())
    }
}
