//! What was changed in what is said of the product, its parties and its documents, and what was an error.

use super::Words;
use crate::web::text::LocalDate;

/// A change.
#[derive(Debug)]
pub struct ChangeView {
    /// On which day, in China.
    pub day: LocalDate,
    /// Of what.
    pub of: Words,
    /// By whom.
    pub by: String,
    /// Why, where it says so.
    pub reason: Option<Words>,
    /// Of what was an error: that it was, and what stands in its place; a sentence each.
    pub withdrawn: Vec<String>,
    /// The fields in which something stood: what they are called, what stood there, what stands there.
    pub fields: Vec<FieldView>,
    /// The names of those in which nothing had stood, in words.
    pub added: Option<String>,
    /// How many fields more there are, in words.
    pub more: Option<String>,
    /// Its place in the log, once sealed.
    pub entry: Option<String>,
}

/// A field that changed.
#[derive(Debug)]
pub struct FieldView {
    /// What it is called.
    pub label: String,
    /// What stood there; `None` of what was erased, for nobody knows any more.
    pub old: Option<String>,
    /// What stands there, if anything does.
    pub new: Option<String>,
}
