//! What an API key may do, and what a key looks like.

use auditlog::encoding::{from_hex, to_hex};

const KEY_PREFIX: &str = "rmk_";

/// What an API key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Capture events.
    Capture,
    /// Read the merchant's events, all of their fields.
    Query,
    /// Name queries and subscribe to them: what lets events leave the house by themselves.
    Subscribe,
    /// Describe products, parties and documents.
    MasterData,
    /// Issue item codes.
    Codes,
    /// Open, widen and close recalls; with [`Scope::Query`], see what they reach.
    Recalls,
    /// Say who may see what of the record.
    Disclosure,
    /// See what regulators may see of it.
    Inspect,
    /// Erase fields of what was said.
    Erasure,
    /// With [`Scope::Codes`], order hidden codes, and read them.
    HiddenCodes,
    /// Read what shoppers report and how codes are looked up, and say what was found of them.
    Cases,
}

impl Scope {
    /// All of them.
    pub const ALL: [Scope; 11] = [
        Scope::Capture,
        Scope::Query,
        Scope::Subscribe,
        Scope::MasterData,
        Scope::Codes,
        Scope::Recalls,
        Scope::Disclosure,
        Scope::Inspect,
        Scope::Erasure,
        Scope::HiddenCodes,
        Scope::Cases,
    ];

    /// Whether a key may do it that nobody says more of. Who sees what, what is forgotten, what nobody is to know
    /// before a pack is opened, and what shoppers wrote, is for whom the merchant trusts with it by name.
    pub fn is_usual(self) -> bool {
        !matches!(
            self,
            Scope::Disclosure | Scope::Inspect | Scope::Erasure | Scope::HiddenCodes | Scope::Cases
        )
    }

    /// As stored and as typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Capture => "capture",
            Scope::Query => "query",
            Scope::Subscribe => "subscribe",
            Scope::MasterData => "master-data",
            Scope::Codes => "codes",
            Scope::Recalls => "recalls",
            Scope::Disclosure => "disclosure",
            Scope::Inspect => "inspect",
            Scope::Erasure => "erasure",
            Scope::HiddenCodes => "hidden-codes",
            Scope::Cases => "cases",
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
    format!("{KEY_PREFIX}{}", to_hex(random))
}

/// Whether a text has the form of an API key.
pub fn is_api_key(text: &str) -> bool {
    text.strip_prefix(KEY_PREFIX)
        .is_some_and(|hex| from_hex::<32>(hex).is_some())
}
