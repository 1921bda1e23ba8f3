//! What an API key may do, and what a key looks like.

use auditlog::encoding::to_hex;

/// What an API key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Capture events.
    Capture,
    /// Describe products, parties and documents.
    MasterData,
    /// Issue item codes.
    Codes,
}

impl Scope {
    /// All of them.
    pub const ALL: [Scope; 3] = [Scope::Capture, Scope::MasterData, Scope::Codes];

    /// As stored and as typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Capture => "capture",
            Scope::MasterData => "master-data",
            Scope::Codes => "codes",
        }
    }

    /// Reads [`Scope::as_str`].
    pub fn parse(text: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// The text of an API key of 32 random bytes. The prefix lets secret scanners find a key that was
/// committed somewhere.
pub fn api_key_text(random: &[u8; 32]) -> String {
    format!("rmk_{}", to_hex(random))
}
