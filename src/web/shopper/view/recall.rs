//! A recall as the page tells it: why, what to do, whom to ask.

use super::Words;
use crate::web::text::LocalDate;

/// A recall, open or closed.
#[derive(Debug)]
pub struct RecallView {
    /// The URI that all statements of it share.
    pub uri: String,
    /// What it is, in one line: the heading.
    pub title: String,
    /// Whether it stands.
    pub is_open: bool,
    /// Whether the record only does not rule out that the product is affected.
    pub is_doubtful: bool,
    /// How grave it is.
    pub class: String,
    /// When it was opened.
    pub opened: LocalDate,
    /// When it was widened last, or closed; `None` if nothing was said since.
    pub changed: Option<LocalDate>,
    /// Why; `None` where the verdict says it.
    pub reason: Option<Words>,
    /// What to do.
    pub instructions: Words,
    /// Whom to ask.
    pub contact: Words,
    /// A telephone number: as it was written, and as a link has it.
    pub phone: Option<(String, String)>,
    /// An address of e-mail.
    pub email: Option<String>,
    /// An address on the web, and its host: a reader sees who is behind it before going there.
    pub url: Option<(String, String)>,
}
