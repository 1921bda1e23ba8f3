//! Writing EPC URNs, for partners whose systems read nothing else.
//!
//! A URN tells apart what a Digital Link runs together: where the company prefix ends and the
//! company's own number begins. The digits do not say so, only GS1's registry does, and no copy of
//! it is ours to ship. So the caller brings the prefixes that it knows: the merchant's own, and
//! those of the URNs that its partners have sent. Without one there is no URN, and no guess.

use std::fmt;

use super::company_prefix::CompanyPrefixes;
use super::identity::Identity;
use super::key::Gtin;

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
