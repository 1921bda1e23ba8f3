//! What should be on record of a product, and which of it is.

use crate::domain::route::State;
use crate::web::text::{LocalTime, Text};

/// A route, held against a story.
#[derive(Debug)]
pub struct RouteView {
    /// The route's name.
    pub name: String,
    /// How many are there, missing and to come, in one sentence.
    pub summary: String,
    /// All of it, in the order of the route.
    pub stages: Vec<StageView>,
}

/// A step that is expected, and its papers.
#[derive(Debug)]
pub struct StageView {
    /// Its name.
    pub name: String,
    /// The step itself; `None` where only papers are expected.
    pub step: Option<Mark>,
    /// When it happened, where it is there.
    pub time: Option<LocalTime>,
    /// The papers that are there, by name.
    pub papers: Vec<String>,
    /// The others.
    pub lacking: Vec<(String, Mark)>,
}

/// Whether something is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(pub State);

impl Mark {
    /// The mark's words.
    pub fn label(self, text: &'static Text) -> &'static str {
        match self.0 {
            State::Present => text.get("route.present"),
            State::Missing => text.get("route.missing"),
            State::ToCome => text.get("route.to_come"),
            State::NotApplicable => text.get("route.not_applicable"),
        }
    }

    /// The name in the style sheets.
    pub fn class(self) -> &'static str {
        match self.0 {
            State::Present => "there",
            State::Missing => "missing",
            State::ToCome | State::NotApplicable => "later",
        }
    }
}
