//! The hidden code of a pack: what its page says of it, and what it says to whoever enters it.

use askama::Template;

use super::Shell;

/// The hidden code of a pack, on its page.
#[derive(Debug)]
pub struct HiddenView {
    /// That it was used, when first and how often; `None` where it never was.
    pub used: Option<String>,
    /// Where it is entered.
    pub action: String,
    /// What is wrong with what was entered.
    pub fault: Option<String>,
}

/// What came of entering one.
#[derive(Debug, Template)]
#[template(path = "shopper/hidden.html", whitespace = "minimize")]
pub struct HiddenPage {
    /// What surrounds every page.
    pub shell: Shell,
    /// In a few words.
    pub title: String,
    /// In a sentence.
    pub lead: String,
    /// The code as it stands on the pack.
    pub code: String,
    /// The form once more, where it may be entered again.
    pub hidden: Option<HiddenView>,
    /// What to do next, most useful first.
    pub advice: Vec<String>,
    /// The page of the code.
    pub story_href: String,
    /// Where a problem is told.
    pub report_href: String,
}
