//! What a merchant found when it looked into doubts about a code.

use super::Words;
use crate::web::text::LocalDate;

/// A review.
#[derive(Debug)]
pub struct ReviewView {
    /// What was found, in one line.
    pub found: String,
    /// On which day, in China.
    pub day: LocalDate,
    /// Why, in the merchant's words.
    pub reason: Words,
    /// Up to which look-up, where there were any.
    pub through: Option<String>,
    /// Its place in the log, once sealed.
    pub entry: Option<String>,
}
