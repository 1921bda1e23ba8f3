//! Issued codes as labels: PDF sheets or rolls.

use std::io::Write;

use labels::{Font, Job, Label, Line, Sample, SampleElement, Sheets, SheetsError, Stock};

use super::{IssuedCode, IssuedCodes, codes};
use crate::domain::code::CodeKey;
use crate::domain::gs1::DigitalLink;

/// Labels of one file at most.
pub const MAX_LABELS: u64 = labels::limits::MAX_LABELS;

/// What stands on the labels beside the codes.
#[derive(Debug, Clone)]
pub struct LabelWords {
    /// The product's name, in Chinese.
    pub name: String,
    /// In a second language.
    pub other_name: Option<String>,
    /// Lot, dates and the like, each under its caption.
    pub lines: Vec<Line>,
    /// What stands above the place of a hidden code.
    pub hidden_caption: String,
}

/// Draws a label for each of the codes, in their order. `base` is where readers reach the service; after each label
/// `progress` is told.
pub fn print<W: Write>(
    out: W,
    (key, issued, base): (&CodeKey, &IssuedCodes, &str),
    (stock, words, font): (Stock, LabelWords, &Font),
    mut progress: impl FnMut(),
) -> Result<W, SheetsError> {
    let Some(first) = codes(key, issued).next() else {
        return Err(SheetsError::NoLabels);
    };
    let job = Job {
        stock,
        name: words.name,
        other_name: words.other_name,
        lines: words.lines,
        hidden_caption: issued.has_hidden.then_some(words.hidden_caption),
        sample: sample(&first, base),
    };
    let mut sheets = Sheets::begin(out, &job, font)?;
    for code in codes(key, issued) {
        let address = format!("{base}{}", code.link.path());
        let elements = elements(&code.link);
        let elements: Vec<&str> = elements.iter().map(String::as_str).collect();
        let hidden = code.hidden.map(|hidden| hidden.shown());
        sheets.push(&Label {
            address: &address,
            elements: &elements,
            hidden: hidden.as_deref(),
        })?;
        progress();
    }
    sheets.finish()
}

/// All codes of an order are as long as the first; only their serial numbers differ.
fn sample(first: &IssuedCode, base: &str) -> Sample {
    let element = |text: String| match text.starts_with("(21)") {
        true => SampleElement::Varying(text),
        false => SampleElement::Fixed(text),
    };
    Sample {
        address: format!("{base}{}", first.link.path()),
        elements: elements(&first.link).into_iter().map(element).collect(),
        hidden: first.hidden.map(|hidden| hidden.shown()),
    }
}

/// The human-readable interpretation: an element string for each key (GS1 General Specifications, section 4.14).
fn elements(link: &DigitalLink) -> Vec<String> {
    let gtin = link.gtin().map(|gtin| format!("(01){gtin}"));
    let lot = link.lot().map(|lot| format!("(10){lot}"));
    let serial = link.serial().map(|serial| format!("(21){serial}"));
    [gtin, lot, serial].into_iter().flatten().collect()
}
