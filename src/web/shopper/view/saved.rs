//! The page of the codes that a phone keeps.

use askama::Template;

use super::Shell;

/// What the page of kept codes is made of; which they are, only the phone knows.
#[derive(Debug, Template)]
#[template(path = "shopper/saved.html", whitespace = "minimize")]
pub struct SavedPage {
    /// What surrounds every page.
    pub shell: Shell,
    /// What its script says, as JSON.
    pub texts: String,
}
