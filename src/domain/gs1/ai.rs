//! The application identifiers that Rootmark reads, and what can be wrong with their values.

use std::fmt;

use thiserror::Error;

/// A GS1 application identifier (AI): the number that says what the value after it is.
///
/// Only those that name a thing an event or a scan can be about; every other AI is data about the
/// thing, belongs in a link's query, and is not identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ai {
    /// (00) a logistic unit: a pallet, a carton.
    Sscc,
    /// (01) a trade item, as a class.
    Gtin,
    /// (10) batch or lot, qualifies (01).
    Lot,
    /// (21) serial number, qualifies (01).
    Serial,
    /// (22) consumer product variant, qualifies (01).
    Cpv,
    /// (254) a spot within a place, qualifies (414).
    GlnExtension,
    /// (414) a physical place.
    Gln,
    /// (417) a party: who, not where.
    Party,
    /// (8003) a returnable asset: a tote, a keg.
    Grai,
    /// (8004) an individual asset: a truck, a sensor.
    Giai,
    /// (235) a serial that a third party controls, qualifies (01).
    ControlledSerial,
    /// (253) a document, or without a serial its type.
    Gdti,
    /// (255) a coupon.
    Gcn,
    /// (401) goods that travel together, as the carrier numbers them.
    Ginc,
    /// (402) a shipment, as the seller numbers it.
    Gsin,
    /// (8006) a piece of a trade item.
    Itip,
    /// (8010) a component or part.
    Cpi,
    /// (8011) serial number, qualifies (8010).
    CpiSerial,
    /// (8017) who provides a service.
    Gsrnp,
    /// (8018) who receives a service.
    Gsrn,
    /// (8019) which time the service was given, qualifies (8017) and (8018).
    ServiceInstance,
}

impl Ai {
    /// The digits that stand for this AI in a Digital Link: `"01"`, `"8003"`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sscc => "00",
            Self::Gtin => "01",
            Self::Lot => "10",
            Self::Serial => "21",
            Self::Cpv => "22",
            Self::GlnExtension => "254",
            Self::Gln => "414",
            Self::Party => "417",
            Self::Grai => "8003",
            Self::Giai => "8004",
            Self::ControlledSerial => "235",
            Self::Gdti => "253",
            Self::Gcn => "255",
            Self::Ginc => "401",
            Self::Gsin => "402",
            Self::Itip => "8006",
            Self::Cpi => "8010",
            Self::CpiSerial => "8011",
            Self::Gsrnp => "8017",
            Self::Gsrn => "8018",
            Self::ServiceInstance => "8019",
        }
    }

    /// What people call it, to stand after "the" in a sentence.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sscc => "SSCC",
            Self::Gtin => "GTIN",
            Self::Lot => "lot",
            Self::Serial => "serial number",
            Self::Cpv => "product variant",
            Self::GlnExtension => "GLN extension",
            Self::Gln => "GLN",
            Self::Party => "party GLN",
            Self::Grai => "GRAI",
            Self::Giai => "GIAI",
            Self::ControlledSerial => "controlled serial number",
            Self::Gdti => "GDTI",
            Self::Gcn => "GCN",
            Self::Ginc => "GINC",
            Self::Gsin => "GSIN",
            Self::Itip => "ITIP",
            Self::Cpi => "CPI",
            Self::CpiSerial => "CPI serial number",
            Self::Gsrnp => "provider GSRN",
            Self::Gsrn => "GSRN",
            Self::ServiceInstance => "service relation instance number",
        }
    }

    /// The primary key of a Digital Link that `code` names, if it names one that we read.
    pub(super) fn primary_key(code: &str) -> Option<Self> {
        match code {
            "00" => Some(Self::Sscc),
            "01" => Some(Self::Gtin),
            "414" => Some(Self::Gln),
            "417" => Some(Self::Party),
            "8003" => Some(Self::Grai),
            "8004" => Some(Self::Giai),
            "253" => Some(Self::Gdti),
            "255" => Some(Self::Gcn),
            "401" => Some(Self::Ginc),
            "402" => Some(Self::Gsin),
            "8006" => Some(Self::Itip),
            "8010" => Some(Self::Cpi),
            "8017" => Some(Self::Gsrnp),
            "8018" => Some(Self::Gsrn),
            _ => None,
        }
    }

    /// The qualifier that `code` names after a GTIN, with its place in the fixed order 22, 10, 21
    /// (GS1 Digital Link URI Syntax 1.4: any other order is invalid, not merely unusual).
    pub(super) fn gtin_qualifier(code: &str) -> Option<(Self, usize)> {
        match code {
            "22" => Some((Self::Cpv, 0)),
            "10" => Some((Self::Lot, 1)),
            "21" => Some((Self::Serial, 2)),
            _ => None,
        }
    }
}

/// The name with the number as it is printed on labels: `lot (10)`.
impl fmt::Display for Ai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.code())
    }
}

/// The first thing that is wrong with the value of an AI.
///
/// In every variant `of` is the AI whose value is read, `found` is what was there, and `position`
/// counts characters from 1. The value itself is never repeated, only one character of it, so the
/// message is safe to show and to log whatever a stranger sent.
#[allow(missing_docs, reason = "the enum says once what its fields hold")]
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ValueError {
    /// A key has another number of digits than GS1 gives it.
    #[error("the {} has {} digits, this one has {found}", .of.name(), any_of(.accepted))]
    Length {
        of: Ai,
        accepted: &'static [usize],
        found: usize,
    },
    /// The part of a key before its check digit is too short or too long.
    #[error("the {} without its check digit has {expected} digits, this has {found}", .of.name())]
    BodyLength {
        of: Ai,
        expected: usize,
        found: usize,
    },
    /// A key holds something other than the digits 0 to 9.
    #[error("the {} is made of digits, but character {position} is {found:?}", .of.name())]
    NotADigit {
        of: Ai,
        position: usize,
        found: char,
    },
    /// The last digit does not follow from the others: a typing or reading error.
    #[error("the check digit of the {} should be {expected} but is {found}", .of.name())]
    CheckDigit { of: Ai, expected: u8, found: u8 },
    /// A GRAI in a link begins with a zero that fills it to fourteen digits.
    #[error("the GRAI in a link begins with 0, this one begins with {found:?}")]
    NoFillerZero { found: char },
    /// A key that begins with a GS1 company prefix, and none has fewer than four digits.
    #[error("the {} begins with a company prefix of at least four digits", .of.name())]
    NoCompanyPrefix { of: Ai },
    /// A serial that is a number has one form only.
    #[error("the {of} begins with a zero")]
    LeadingZero { of: Ai },
    /// Pieces are counted from 01, and are never more than their total.
    #[error("the ITIP numbers a piece that its total does not have")]
    Pieces,
    /// A character outside the 39 that GS1 allows in a part reference.
    #[error("character {position} of the {of} is {found:?}, which GS1 does not allow (CSET 39)")]
    NotCset39 {
        of: Ai,
        position: usize,
        found: char,
    },
    /// Nothing stands where a value must.
    #[error("the {of} is empty")]
    Empty { of: Ai },
    /// More characters than the AI allows.
    #[error("the {of} has at most {max} characters, this one has {found}")]
    TooLong { of: Ai, max: usize, found: usize },
    /// A control character: never meant, often an attack on a terminal, a log or a page.
    #[error(
        "the {of} contains the control character U+{:04X} at position {position}",
        u32::from(*.found)
    )]
    Control {
        of: Ai,
        position: usize,
        found: char,
    },
    /// A character outside the 82 that GS1 allows in a lot or serial.
    #[error("character {position} of the {of} is {found:?}, which GS1 does not allow (CSET 82)")]
    NotCset82 {
        of: Ai,
        position: usize,
        found: char,
    },
}

/// `8, 12, 13 or 14`.
fn any_of(numbers: &[usize]) -> String {
    let mut text = String::new();
    for (index, number) in numbers.iter().enumerate() {
        text.push_str(match index {
            0 => "",
            _ if index + 1 == numbers.len() => " or ",
            _ => ", ",
        });
        text.push_str(&number.to_string());
    }
    text
}
