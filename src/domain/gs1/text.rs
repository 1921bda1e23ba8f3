//! Values that a company chooses freely within GS1's character set: lots, serials, extensions.

use std::str;

use super::ai::{Ai, ValueError};

/// A batch or lot, AI (10): 1 to 20 characters of CSET 82, as printed, not percent-encoded.
///
/// Case and leading zeros count: `007` and `7` are different lots.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lot(Text<20>);

impl Lot {
    /// Reads a lot that has already been percent-decoded.
    ///
    /// # Errors
    /// [`ValueError::Empty`], then for the first bad character [`ValueError::Control`] or
    /// [`ValueError::NotCset82`], then [`ValueError::TooLong`].
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        Text::parse(Ai::Lot, text).map(Self)
    }

    /// The lot as printed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Lots that are said of one item. It is of one alone: where two are said, nobody knows of which.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lots {
    /// Nothing is said.
    #[default]
    None,
    /// One, however often.
    One(Lot),
    /// More than one.
    Several,
}

impl Lots {
    /// Adds what is said once more.
    pub fn add(&mut self, lot: Option<Lot>) {
        *self = match (*self, lot) {
            (said, None) => said,
            (Self::None, Some(lot)) => Self::One(lot),
            (Self::One(said), Some(lot)) if said == lot => Self::One(lot),
            (Self::One(_) | Self::Several, Some(_)) => Self::Several,
        };
    }

    /// The lot, where one alone is said.
    #[must_use]
    pub const fn only(self) -> Option<Lot> {
        match self {
            Self::One(lot) => Some(lot),
            Self::None | Self::Several => None,
        }
    }
}

/// A serial number, AI (21): 1 to 20 characters of CSET 82, as printed, not percent-encoded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Text<20>);

impl Serial {
    /// Reads a serial that has already been percent-decoded.
    ///
    /// # Errors
    /// As [`Lot::parse`].
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        Text::parse(Ai::Serial, text).map(Self)
    }

    /// The serial as printed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A GLN extension, AI (254): 1 to 20 characters of CSET 82 that name a spot within a place, such
/// as a dock or a cold room.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GlnExtension(Text<20>);

impl GlnExtension {
    /// Reads an extension that has already been percent-decoded.
    ///
    /// # Errors
    /// As [`Lot::parse`].
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        Text::parse(Ai::GlnExtension, text).map(Self)
    }

    /// The extension as its owner writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Gives a type with `parse` and `as_str` the traits that every value here shares: it shows itself
/// as its text, and is read from text where a framework asks for `FromStr`. The file that calls
/// it has `ValueError` in scope.
macro_rules! shown_as_str {
    ($($name:ident),+) => {$(
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
    )+};
}
pub(super) use shown_as_str;

shown_as_str!(Lot, Serial, GlnExtension);

/// 1 to `MAX` characters of CSET 82, held inline: five identities an event at 25,000 events a
/// second would otherwise be as many small allocations.
///
/// Unused bytes are zero, and no CSET 82 character is, so the derived order is that of the text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Text<const MAX: usize> {
    bytes: [u8; MAX],
    length: u8,
}

impl<const MAX: usize> Text<MAX> {
    pub(super) fn parse(of: Ai, text: &str) -> Result<Self, ValueError> {
        if text.is_empty() {
            return Err(ValueError::Empty { of });
        }
        if let Some((index, found)) = text.char_indices().find(|&(_, c)| !is_cset82(c)) {
            // All before it are CSET 82, one byte each, so the index counts characters too.
            let position = index + 1;
            return Err(if found.is_control() {
                ValueError::Control {
                    of,
                    position,
                    found,
                }
            } else {
                ValueError::NotCset82 {
                    of,
                    position,
                    found,
                }
            });
        }
        // Every character of CSET 82 is one byte, so from here on bytes are characters.
        let too_long = ValueError::TooLong {
            of,
            max: MAX,
            found: text.len(),
        };
        let Ok(length) = u8::try_from(text.len()) else {
            return Err(too_long);
        };
        let mut bytes = [0; MAX];
        let Some(used) = bytes.get_mut(..text.len()) else {
            return Err(too_long);
        };
        used.copy_from_slice(text.as_bytes());
        Ok(Self { bytes, length })
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.length)])
            .expect("parse stores CSET 82 only, which is ASCII")
    }
}

/// GS1 General Specifications, "GS1 AI encodable character set 82": the printable ASCII characters
/// without space and `` # $ @ [ \ ] ^ ` { | } ~ ``.
pub(super) const fn is_cset82(character: char) -> bool {
    matches!(character,
        '0'..='9' | 'A'..='Z' | 'a'..='z' | '!' | '"' | '%'..='/' | ':'..='?' | '_')
}
