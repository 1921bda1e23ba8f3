//! Errors, each named after the promise that failed.

use std::path::PathBuf;

use crate::units::Size;

/// Why a stock of labels cannot exist as described.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StockError {
    /// A length is not a number or lies outside its limits.
    #[error("{what} is {value_mm} mm; it must lie between {min_mm} and {max_mm} mm")]
    LengthOutOfRange {
        /// Which length.
        what: &'static str,
        /// What was given, in mm.
        value_mm: f32,
        /// The least that is taken, in mm.
        min_mm: f32,
        /// The most that is taken, in mm.
        max_mm: f32,
    },
    /// The number of columns or rows is zero or too high.
    #[error("{what} is {value}; it must lie between 1 and {max}")]
    CountOutOfRange {
        /// Which count.
        what: &'static str,
        /// What was given.
        value: u16,
        /// The most that is taken.
        max: u16,
    },
    /// The labels, gaps and margins together are larger than the sheet.
    #[error("the labels need {needed}; the sheet has {page}")]
    DoesNotFitThePage {
        /// What margins, labels and gaps add up to.
        needed: Size,
        /// The sheet.
        page: Size,
    },
    /// The printer cannot print dots of this size.
    #[error("{value} dots per inch are outside {min} to {max}")]
    ResolutionOutOfRange {
        /// What was given.
        value: u16,
        /// The least that is taken.
        min: u16,
        /// The most that is taken.
        max: u16,
    },
}

/// Why a font cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FontError {
    /// The file cannot be read.
    #[error("the font file {path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is larger than [`crate::limits::MAX_FONT_BYTES`].
    #[error("the font file {path} has {bytes} bytes; at most {limit} are read")]
    FileTooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file is not an OpenType or TrueType font or collection.
    #[error("{path} is not an OpenType or TrueType font")]
    NotAFont {
        /// The file.
        path: PathBuf,
    },
    /// A collection holds no face of the wanted name.
    #[error("{path} holds no face named {wanted:?}; it holds {held:?}")]
    FaceNotHeld {
        /// The file.
        path: PathBuf,
        /// The family or full name that was asked for.
        wanted: String,
        /// The family names of the faces it holds.
        held: Vec<String>,
    },
    /// The font's maker does not allow it to be embedded or subset (OS/2 `fsType`).
    #[error("the maker of {path} does not allow its glyphs to be embedded")]
    EmbeddingNotAllowed {
        /// The file.
        path: PathBuf,
    },
    /// The font is variable or has no plain outlines (`glyf` or `CFF`).
    #[error("{path} is a variable font or has no plain outlines; a static font is needed")]
    NoStaticOutlines {
        /// The file.
        path: PathBuf,
    },
    /// None of the well-known places holds a usable Chinese font.
    #[error(
        "no Chinese font was found (looked at {looked_at:?}); install Noto Sans CJK or name a file"
    )]
    NoneFound {
        /// Every place that was looked at.
        looked_at: Vec<PathBuf>,
    },
}

/// The text of a job or label that an error speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// The product name.
    Name,
    /// The name in a second language.
    OtherName,
    /// A caption of a line.
    Caption,
    /// A value of a line.
    Value,
    /// The caption of the hidden code.
    HiddenCaption,
    /// The Digital Link address in the QR code.
    Address,
    /// An element string of the HRI.
    Element,
    /// The hidden code.
    Hidden,
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Name => "the product name",
            Self::OtherName => "the second name",
            Self::Caption => "a caption",
            Self::Value => "a value",
            Self::HiddenCaption => "the caption of the hidden code",
            Self::Address => "the address",
            Self::Element => "an element string",
            Self::Hidden => "the hidden code",
        })
    }
}

/// Why a text is refused before it is measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The text is empty or blank.
    #[error("{field} is empty")]
    Empty {
        /// Which text.
        field: Field,
    },
    /// The text has more characters than its limit.
    #[error("{field} has {length} characters; at most {limit} are taken")]
    TooLong {
        /// Which text.
        field: Field,
        /// Its length in characters.
        length: usize,
        /// The limit in characters.
        limit: usize,
    },
    /// A control, bidi control or other invisible format character.
    #[error("{field} holds the invisible character U+{:04X}", *.character as u32)]
    InvisibleCharacter {
        /// Which text.
        field: Field,
        /// The character.
        character: char,
    },
    /// A character of a script whose letters must be joined, stacked or turned around, which is
    /// not done here.
    #[error("{field} holds {character:?} (U+{:04X}), which needs shaping", *.character as u32)]
    NeedsShaping {
        /// Which text.
        field: Field,
        /// The character.
        character: char,
    },
    /// A character that may not stand in this kind of text.
    #[error("{field} may not hold {character:?} (U+{:04X})", *.character as u32)]
    CharacterNotAllowed {
        /// Which text.
        field: Field,
        /// The character.
        character: char,
    },
    /// An element string does not begin with an application identifier in parentheses.
    #[error("{text:?} is no element string such as (01)09529990000018")]
    NotAnElementString {
        /// What was given.
        text: String,
    },
}

/// Why a job is refused at its start, before a byte is written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// A text is refused.
    #[error(transparent)]
    Text(#[from] TextError),
    /// There are more lines or elements than a label may have.
    #[error("{count} {what} are given; at most {limit} are taken")]
    TooMany {
        /// Lines or element strings.
        what: &'static str,
        /// How many were given.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// The font has no glyph for these characters.
    #[error("the font has no glyph for {characters:?}")]
    NoGlyphFor {
        /// The characters, in the order of their code points.
        characters: Vec<char>,
    },
    /// The font's outlines cannot be reduced to those needed.
    #[error("the font cannot be subset: {reason}")]
    FontNotSubset {
        /// What the subsetter said.
        reason: String,
    },
    /// The address is too long for the largest symbol drawn.
    #[error("an address of {length} characters needs a QR code above version {max_version}")]
    AddressTooLong {
        /// Its length in characters.
        length: usize,
        /// The largest version drawn.
        max_version: u8,
    },
    /// The label cannot hold the code at the least X-dimension.
    #[error("the label is {have}; its QR code with quiet zone needs {needed}")]
    LabelTooSmallForItsCode {
        /// The least label that holds the code.
        needed: Size,
        /// The label of the stock.
        have: Size,
    },
    /// The label cannot hold code and texts at the least legible sizes.
    #[error("the label is {have}; its code and texts need about {needed}")]
    LabelTooSmallForItsTexts {
        /// A label that would hold everything.
        needed: Size,
        /// The label of the stock.
        have: Size,
    },
}

/// Why a single label is refused; the sheets stay as they were.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// A text is refused.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The address does not fit the QR version that the job's sample fixed.
    #[error("the address of {length} characters does not fit the job's QR version {version}")]
    AddressLongerThanTheSample {
        /// Its length in characters.
        length: usize,
        /// The version of the job.
        version: u8,
    },
    /// The label has more element strings than the job's sample.
    #[error("{count} element strings are given; the job's sample has {limit}")]
    TooManyElements {
        /// How many were given.
        count: usize,
        /// How many the sample has.
        limit: usize,
    },
    /// The element strings do not fit the room that the job's sample fixed, even at the least size.
    #[error("the element strings do not fit {available_mm:.1} mm in {lines} lines at {size_pt} pt")]
    ElementsWiderThanTheSample {
        /// Width of the place for the HRI in mm.
        available_mm: f32,
        /// Number of lines there are.
        lines: usize,
        /// The least size in points.
        size_pt: f32,
    },
    /// A hidden code is given, but the job has no place for one.
    #[error("a hidden code is given, but the job has no caption and so no place for it")]
    NoPlaceForTheHiddenCode,
    /// The hidden code is wider than its frame.
    #[error("the hidden code does not fit its frame of {available_mm:.1} mm")]
    HiddenWiderThanItsFrame {
        /// Inner width of the frame in mm.
        available_mm: f32,
    },
}

/// Why sheets cannot be begun, continued or finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SheetsError {
    /// The job is refused.
    #[error(transparent)]
    Job(#[from] JobError),
    /// A label is refused; the next one may be pushed.
    #[error("label {position} is refused")]
    Label {
        /// Its position in the job, from 0.
        position: u64,
        /// Why.
        source: LabelError,
    },
    /// The writer failed; nothing more can be written.
    #[error("the sheets cannot be written")]
    Write(#[from] std::io::Error),
    /// The writer had failed before.
    #[error("the sheets are broken off: the writer failed before")]
    BrokenOff,
    /// The job has more labels than [`crate::limits::MAX_LABELS`].
    #[error("a job has at most {limit} labels")]
    TooManyLabels {
        /// The limit.
        limit: u64,
    },
    /// No label was pushed: a PDF needs at least one page.
    #[error("no label was pushed")]
    NoLabels,
}
