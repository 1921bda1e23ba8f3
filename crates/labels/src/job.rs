//! What is printed: the job, which is the same for all labels, and the label.

use std::collections::BTreeSet;

use crate::error::{Field, JobError, LabelError, TextError};
use crate::limits::{
    MAX_ADDRESS, MAX_CAPTION, MAX_ELEMENT, MAX_ELEMENTS, MAX_HIDDEN, MAX_LINES, MAX_NAME, MAX_VALUE,
};
use crate::stock::Stock;
use crate::text::{check_address, check_element, check_hidden, check_prose};
use crate::wrap::ellipsis_of;

/// A captioned line, such as `批号` and `L2611`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What the value is, at most 40 characters.
    pub caption: String,
    /// The value, at most 60 characters; it is never cut off.
    pub value: String,
}

impl Line {
    /// A line of a caption and a value.
    pub fn new(caption: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            caption: caption.into(),
            value: value.into(),
        }
    }
}

/// An element string of the sample label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SampleElement {
    /// The same on every label, such as `(01)09529990000018`.
    Fixed(String),
    /// As long as this on the labels, but of other letters and digits, such as a serial number: room is
    /// kept for the widest ones.
    Varying(String),
}

impl SampleElement {
    /// The element string.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Fixed(text) | Self::Varying(text) => text,
        }
    }
}

/// A label like the longest of the job, from which QR version and layout are fixed.
///
/// A label fits if its address has no more characters up to the last lower-case letter, and no more
/// after it, than the sample's, and if it has the sample's element strings with no more characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The Digital Link, at most 213 characters of ASCII.
    pub address: String,
    /// The element strings of the HRI in their order, at most 6 of 96 characters.
    pub elements: Vec<SampleElement>,
    /// A hidden code, at most 16 characters, if the job has a place for one.
    pub hidden: Option<String>,
}

/// What all labels of a job share.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// What the labels are printed on.
    pub stock: Stock,
    /// The product name, at most 120 characters; it is also the title of the PDF.
    pub name: String,
    /// The name in a second language, at most 120 characters.
    pub other_name: Option<String>,
    /// Lot, dates and the like, at most 8.
    pub lines: Vec<Line>,
    /// The caption of the frame for a hidden code, at most 40 characters; without it no frame is drawn.
    pub hidden_caption: Option<String>,
    /// A label like the longest of the job.
    pub sample: Sample,
}

impl Job {
    /// Checks every text against its limits.
    pub(crate) fn check(&self) -> Result<(), JobError> {
        check_prose(Field::Name, &self.name, MAX_NAME)?;
        if let Some(name) = &self.other_name {
            check_prose(Field::OtherName, name, MAX_NAME)?;
        }
        at_most("lines", self.lines.len(), MAX_LINES)?;
        for line in &self.lines {
            check_prose(Field::Caption, &line.caption, MAX_CAPTION)?;
            check_prose(Field::Value, &line.value, MAX_VALUE)?;
        }
        if let Some(caption) = &self.hidden_caption {
            check_prose(Field::HiddenCaption, caption, MAX_CAPTION)?;
        }
        check_address(&self.sample.address, MAX_ADDRESS)?;
        at_most("element strings", self.sample.elements.len(), MAX_ELEMENTS)?;
        for element in &self.sample.elements {
            check_element(element.text(), MAX_ELEMENT)?;
        }
        if let Some(hidden) = &self.sample.hidden {
            check_hidden(hidden, MAX_HIDDEN)?;
        }
        Ok(())
    }

    /// Every character that the job or any of its labels may need.
    pub(crate) fn characters(&self) -> BTreeSet<char> {
        let fixed = [
            Some(&self.name),
            self.other_name.as_ref(),
            self.hidden_caption.as_ref(),
        ];
        let lines = self
            .lines
            .iter()
            .flat_map(|line| [&line.caption, &line.value]);
        let names = [Some(&self.name), self.other_name.as_ref()];
        let ellipses = names
            .into_iter()
            .flatten()
            .flat_map(|name| ellipsis_of(name).chars());
        let prose = fixed
            .into_iter()
            .flatten()
            .chain(lines)
            .flat_map(|text| text.chars());
        prose.chain(ellipses).chain(' '..='~').collect()
    }
}

fn at_most(what: &'static str, count: usize, limit: usize) -> Result<(), JobError> {
    if count > limit {
        return Err(JobError::TooMany { what, count, limit });
    }
    Ok(())
}

/// One label.
#[derive(Debug, Clone, Copy)]
pub struct Label<'a> {
    /// The Digital Link that the QR code holds.
    pub address: &'a str,
    /// The element strings of the HRI, each such as `(10)L2611`.
    pub elements: &'a [&'a str],
    /// The hidden code; only for a job with a caption for it.
    pub hidden: Option<&'a str>,
}

impl Label<'_> {
    pub(crate) fn check(&self) -> Result<(), LabelError> {
        check_address(self.address, MAX_ADDRESS)?;
        for element in self.elements {
            check_element(element, MAX_ELEMENT)?;
        }
        self.hidden.map_or(Ok::<(), TextError>(()), |hidden| {
            check_hidden(hidden, MAX_HIDDEN)
        })?;
        Ok(())
    }
}
