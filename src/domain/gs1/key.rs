//! GS1 keys: numbers with a check digit, stored as their digits.

use std::{fmt, str};

use super::ai::{Ai, ValueError};
use super::check::check_digit;
use super::text::{Text, shown_as_str};

/// A Global Trade Item Number, always held and printed as fourteen digits.
///
/// GTIN-8, -12 and -13 are the same number written short: they are accepted on input and padded
/// with zeros on the left, since a Digital Link path must carry fourteen digits (URI Syntax 1.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gtin(Digits<14>);

impl Gtin {
    /// Reads 8, 12, 13 or 14 digits and checks the last of them.
    ///
    /// # Errors
    /// [`ValueError::NotADigit`], [`ValueError::Length`] or [`ValueError::CheckDigit`], in that
    /// order.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        Digits::parse(Ai::Gtin, text, &[8, 12, 13, 14]).map(Self)
    }

    /// Completes thirteen digits, the indicator digit first, with their check digit.
    ///
    /// # Errors
    /// [`ValueError::NotADigit`] or [`ValueError::BodyLength`].
    pub fn with_check_digit(body: &str) -> Result<Self, ValueError> {
        Self::from_body(body.chars())
    }

    pub(super) fn from_body(body: impl Iterator<Item = char>) -> Result<Self, ValueError> {
        Digits::from_body(Ai::Gtin, body).map(Self)
    }

    /// The fourteen digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A Serial Shipping Container Code: the eighteen digits of one pallet or carton.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sscc(Digits<18>);

impl Sscc {
    /// Reads eighteen digits and checks the last of them.
    ///
    /// # Errors
    /// As [`Gtin::parse`].
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        Digits::parse(Ai::Sscc, text, &[18]).map(Self)
    }

    /// Completes seventeen digits, the extension digit first, with their check digit.
    ///
    /// # Errors
    /// As [`Gtin::with_check_digit`].
    pub fn with_check_digit(body: &str) -> Result<Self, ValueError> {
        Self::from_body(body.chars())
    }

    pub(super) fn from_body(body: impl Iterator<Item = char>) -> Result<Self, ValueError> {
        Digits::from_body(Ai::Sscc, body).map(Self)
    }

    /// The eighteen digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A Global Location Number: the thirteen digits of a place, or of a party.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gln(Digits<13>);

impl Gln {
    /// Reads thirteen digits and checks the last of them.
    ///
    /// # Errors
    /// As [`Gtin::parse`].
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        Digits::parse(Ai::Gln, text, &[13]).map(Self)
    }

    /// Completes twelve digits with their check digit.
    ///
    /// # Errors
    /// As [`Gtin::with_check_digit`].
    pub fn with_check_digit(body: &str) -> Result<Self, ValueError> {
        Self::from_body(body.chars())
    }

    pub(super) fn from_body(body: impl Iterator<Item = char>) -> Result<Self, ValueError> {
        Digits::from_body(Ai::Gln, body).map(Self)
    }

    /// The thirteen digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A Global Returnable Asset Identifier: thirteen digits for the kind of tote or keg and, for one
/// of them, a serial of up to sixteen CSET 82 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grai {
    kind: Digits<13>,
    serial: Option<Text<16>>,
}

impl Grai {
    /// Reads the value of AI (8003): a filler zero, thirteen digits, then the optional serial.
    ///
    /// # Errors
    /// As [`Gtin::parse`] for the digits, [`ValueError::NoFillerZero`], and as
    /// [`Lot::parse`](super::Lot::parse) for the serial.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let (digits, serial) = match text.char_indices().nth(14) {
            Some((end, _)) => text.split_at(end),
            None => (text, ""),
        };
        require_digits(Ai::Grai, digits)?;
        if digits.len() != 14 {
            return Err(ValueError::Length {
                of: Ai::Grai,
                accepted: &[14],
                found: digits.len(),
            });
        }
        let Some(kind) = digits.strip_prefix('0') else {
            return Err(ValueError::NoFillerZero {
                found: char::from(digits.as_bytes()[0]),
            });
        };
        let kind = Digits::parse(Ai::Grai, kind, &[13])?;
        let serial = match serial {
            "" => None,
            some => Some(Text::parse(Ai::Grai, some)?),
        };
        Ok(Self { kind, serial })
    }

    /// From twelve digits (company prefix and asset type) and the serial of an EPC URN, where
    /// `None` stands for every asset of the type.
    pub(super) fn from_body(
        body: impl Iterator<Item = char>,
        serial: Option<&str>,
    ) -> Result<Self, ValueError> {
        let kind = Digits::from_body(Ai::Grai, body)?;
        let serial = serial.map(|text| Text::parse(Ai::Grai, text)).transpose()?;
        Ok(Self { kind, serial })
    }

    /// The thirteen digits that name the kind of asset, check digit last.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.kind.as_str()
    }

    /// The serial of one asset of that kind.
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        self.serial.as_ref().map(Text::as_str)
    }
}

/// The value of AI (8003), filler zero first, not percent-encoded.
impl fmt::Display for Grai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0{}{}", self.kind(), self.serial().unwrap_or_default())
    }
}

impl fmt::Debug for Grai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grai({self})")
    }
}

/// A Global Individual Asset Identifier: a company prefix and that company's own reference, up to
/// thirty CSET 82 characters together, without a check digit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Giai(Text<30>);

impl Giai {
    /// Reads the value of AI (8004).
    ///
    /// # Errors
    /// As [`Lot::parse`](super::Lot::parse), and [`ValueError::NoCompanyPrefix`].
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let giai = Text::parse(Ai::Giai, text)?;
        if !begins_with_company_prefix(text) {
            return Err(ValueError::NoCompanyPrefix { of: Ai::Giai });
        }
        Ok(Self(giai))
    }

    /// The value of AI (8004), not percent-encoded.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

shown_as_str!(Gtin, Sscc, Gln, Giai);

/// Whether four digits come first: the shortest GS1 company prefix (GS1 Syntax Dictionary, `key`).
pub(super) fn begins_with_company_prefix(text: &str) -> bool {
    text.as_bytes()
        .first_chunk::<4>()
        .is_some_and(|prefix| prefix.iter().all(u8::is_ascii_digit))
}

/// `N` ASCII digits of which the last is the check digit of the others. Byte order is numeric.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Digits<const N: usize>([u8; N]);

impl<const N: usize> Digits<N> {
    /// `accepted` lists lengths of at most `N`; a shorter number is padded with zeros on the left.
    pub(super) fn parse(
        of: Ai,
        text: &str,
        accepted: &'static [usize],
    ) -> Result<Self, ValueError> {
        require_digits(of, text)?;
        if !accepted.contains(&text.len()) {
            return Err(ValueError::Length {
                of,
                accepted,
                found: text.len(),
            });
        }
        let mut digits = [b'0'; N];
        digits[N - text.len()..].copy_from_slice(text.as_bytes());
        let expected = check_digit(&digits[..N - 1]);
        let found = digits[N - 1] - b'0';
        if found != expected {
            return Err(ValueError::CheckDigit {
                of,
                expected,
                found,
            });
        }
        Ok(Self(digits))
    }

    /// Completes `N - 1` digits.
    pub(super) fn from_body(of: Ai, body: impl Iterator<Item = char>) -> Result<Self, ValueError> {
        let mut digits = [b'0'; N];
        let mut count = 0;
        for character in body {
            let Some(digit) = ascii_digit(character) else {
                return Err(ValueError::NotADigit {
                    of,
                    position: count + 1,
                    found: character,
                });
            };
            if count < N - 1 {
                digits[count] = digit;
            }
            count += 1;
        }
        if count != N - 1 {
            return Err(ValueError::BodyLength {
                of,
                expected: N - 1,
                found: count,
            });
        }
        digits[N - 1] = b'0' + check_digit(&digits[..N - 1]);
        Ok(Self(digits))
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("both constructors store ASCII digits only")
    }
}

pub(super) fn require_digits(of: Ai, text: &str) -> Result<(), ValueError> {
    match text
        .char_indices()
        .find(|(_, found)| !found.is_ascii_digit())
    {
        // All before it are digits, one byte each, so the index counts characters too.
        Some((index, found)) => Err(ValueError::NotADigit {
            of,
            position: index + 1,
            found,
        }),
        None => Ok(()),
    }
}

fn ascii_digit(character: char) -> Option<u8> {
    u8::try_from(character).ok().filter(u8::is_ascii_digit)
}
