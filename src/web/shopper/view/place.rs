//! The page of a place or a party.

use askama::Template;

use super::{Icon, Row, Shell, Source, VerdictView, Words};

/// What is said of a place or a party: `/414/…`, `/417/…`.
#[derive(Debug, Template)]
#[template(path = "shopper/place.html", whitespace = "minimize")]
pub struct PlacePage {
    /// What surrounds every page.
    pub shell: Shell,
    /// What the code names.
    pub verdict: VerdictView,
    /// What each merchant says, newest first; never empty.
    pub records: Vec<RecordView>,
    /// The code in GS1 form.
    pub elements: Vec<String>,
}

/// What one merchant says.
#[derive(Debug)]
pub struct RecordView {
    /// The name.
    pub name: Words,
    /// The name in the other language, smaller.
    pub other_name: Words,
    /// Role, region, and when it was recorded.
    pub rows: Vec<Row>,
    /// `7`, once it is in the public log.
    pub entry: Option<String>,
}
