//! What a capture does with events that cannot be stored, and what it says of them.

use serde::{Deserialize, Serialize};

/// EPCIS 2.0: `GS1-Capture-Error-Behaviour`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorBehaviour {
    /// All events or none.
    #[default]
    Rollback,
    /// Whatever can be stored.
    Proceed,
}

impl ErrorBehaviour {
    /// What a server says of itself that knows both.
    pub const ANY: &str = "all";

    /// As the header has it.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorBehaviour::Rollback => "rollback",
            ErrorBehaviour::Proceed => "proceed",
        }
    }

    /// Reads [`ErrorBehaviour::as_str`].
    pub fn parse(text: &str) -> Option<ErrorBehaviour> {
        [ErrorBehaviour::Rollback, ErrorBehaviour::Proceed]
            .into_iter()
            .find(|behaviour| behaviour.as_str() == text)
    }
}

/// Why one event of a document was not stored while others were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureFault {
    /// Position in the document, from 0.
    pub event: u32,
    /// Whether its eventID is known with another body; else it breaks a rule.
    pub is_conflict: bool,
    /// JSON Pointer within the event.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}
