//! GS1 company prefixes: where, in a key, the company ends and its own number begins.

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Bound;

use thiserror::Error;

use super::urn;

/// Tag Data Standard, partition tables: they begin at six digits. A company that was given four or
/// five holds every prefix of six that begins with them, so its URNs carry six.
const SHORTEST_IN_URN: usize = 6;

/// What a merchant declares at most. GS1 gives one for each ten to 100,000 products, so a brand and its
/// partners have a few dozen.
pub const MAX_DECLARED_PREFIXES: usize = 1_000;

/// A GS1 company prefix: 4 to 12 digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CompanyPrefix(Box<str>);

impl CompanyPrefix {
    /// Digits of the shortest prefix that GS1 gives out.
    pub const MIN_DIGITS: usize = 4;
    /// Digits of the longest.
    pub const MAX_DIGITS: usize = 12;

    /// Reads one.
    ///
    /// # Errors
    /// [`PrefixError`] unless it is 4 to 12 ASCII digits.
    pub fn parse(text: &str) -> Result<Self, PrefixError> {
        if let Some((index, found)) = text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
            // All before it are digits, one byte each, so the index counts characters too.
            return Err(PrefixError::NotADigit {
                position: index + 1,
                found,
            });
        }
        if !(Self::MIN_DIGITS..=Self::MAX_DIGITS).contains(&text.len()) {
            return Err(PrefixError::Length { found: text.len() });
        }
        Ok(Self(text.into()))
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether one of the two begins with the other. GS1 gives out no such two, so one is a mistake.
    #[must_use]
    pub fn contradicts(&self, other: &Self) -> bool {
        self != other && (self.0.starts_with(&*other.0) || other.0.starts_with(&*self.0))
    }
}

/// Among others it is found by its digits: it is equal to another, and before it, where they are.
impl Borrow<str> for CompanyPrefix {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CompanyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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

/// The company prefix that an EPC URN spells out. `None` for any other URI and for a URN with a fault:
/// nothing is to be learned from those.
#[must_use]
pub fn company_prefix_of_urn(text: &str) -> Option<&str> {
    urn::parse(text).ok().flatten()?;
    // urn:epc:{kind}:{scheme}:{prefix}.{…}
    text.splitn(5, ':').nth(4)?.split('.').next()
}

/// GS1 company prefixes that somebody vouches for: declared by the merchant, or seen in a URN.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompanyPrefixes(BTreeSet<CompanyPrefix>);

impl CompanyPrefixes {
    /// All of `prefixes`, whose order and repeats do not matter.
    ///
    /// # Errors
    /// The first that [`CompanyPrefix::parse`] refuses.
    pub fn of<'a>(prefixes: impl IntoIterator<Item = &'a str>) -> Result<Self, PrefixError> {
        let prefixes = prefixes.into_iter().map(CompanyPrefix::parse);
        Ok(Self(prefixes.collect::<Result<_, _>>()?))
    }

    /// Adds one that was seen in a URN; one that is known already changes nothing.
    pub fn see(&mut self, prefix: CompanyPrefix) {
        self.0.insert(prefix);
    }

    /// Adds one that the merchant declares. Whoever wrote a URN may have cut it in the wrong place:
    /// what is declared puts out every prefix that contradicts it.
    pub fn declare(&mut self, prefix: CompanyPrefix) {
        for digits in CompanyPrefix::MIN_DIGITS..prefix.0.len() {
            self.0.remove(&prefix.0[..digits]);
        }
        let from = (Bound::Excluded(&prefix), Bound::Unbounded);
        let longer = self
            .0
            .range::<CompanyPrefix, _>(from)
            .take_while(|p| p.contradicts(&prefix));
        for longer in longer.cloned().collect::<Vec<_>>() {
            self.0.remove(&longer);
        }
        self.0.insert(prefix);
    }

    /// How many of the leading digits of a key are the company prefix in its URN: the longest known
    /// one that they begin with. GS1 gives out no prefix that begins with another, so a longer
    /// match is the better knowledge of the same company.
    fn digits_in_urn(&self, key: &str) -> Option<usize> {
        let known = |&count: &usize| key.get(..count).is_some_and(|head| self.0.contains(head));
        let lengths = CompanyPrefix::MIN_DIGITS..=CompanyPrefix::MAX_DIGITS;
        let digits = lengths.rev().find(known)?;
        Some(digits.max(SHORTEST_IN_URN))
    }

    /// `key` cut into company prefix and the company's own reference.
    pub(super) fn split<'k>(&self, key: &'k str) -> Option<(&'k str, &'k str)> {
        key.split_at_checked(self.digits_in_urn(key)?)
    }
}
