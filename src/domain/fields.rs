//! Reading members of a JSON object with the path of what is wrong.

use std::borrow::Cow;
use std::fmt;

use auditlog::field::push_token;
use auditlog::json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::gs1::{Identity, IdentityError};
use super::unit;

/// The first thing that is wrong with an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// JSON Pointer within the event; empty for the event itself.
    pub pointer: String,
    /// What is wrong there.
    pub kind: FaultKind,
}

impl std::error::Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => write!(f, "{}", self.kind),
            pointer => write!(f, "{pointer}: {}", self.kind),
        }
    }
}

/// What can be wrong with a field.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FaultKind {
    /// A member that must be there is not.
    #[error("is missing")]
    Missing,
    /// A value of another JSON type.
    #[error("must be {0}")]
    MustBe(&'static str),
    /// A word that is neither in the vocabulary nor a URI.
    #[error("{0:?} is neither a word of the Core Business Vocabulary nor a URI")]
    Vocabulary(String),
    /// A URI for which JSON has a bare word.
    #[error("is written in JSON as the bare word, such as {0}, not as a URI of GS1's vocabulary")]
    NotBare(&'static str),
    /// A member that an event of this type, or a body of this kind, does not have.
    #[error("there is no such member; an extension needs a namespace, such as example:name")]
    UnknownMember,
    /// A member beside those that the standard lists, where it allows no extensions.
    #[error("there is no such member here, and no extensions are allowed")]
    NoExtensions,
    /// Something the standard allows only elsewhere.
    #[error("{0}")]
    Rule(&'static str),
    /// What a request names has a fault where it stands.
    #[error("{0}")]
    There(Box<Fault>),
    /// An identity that cannot be read.
    #[error("{0}")]
    Identity(#[from] IdentityError),
    /// Not a URI.
    #[error("is not a URI: a scheme, a colon, no spaces, at most 2,048 characters")]
    Uri,
    /// Not a time.
    #[error("is not an RFC 3339 date and time that exists")]
    Time,
    /// Not a date.
    #[error("is not a date that exists, such as 2026-11-24")]
    Date,
    /// Not a code of UN/ECE Recommendation 20.
    #[error("is not a unit of measure: two or three capitals and digits, such as KGM")]
    UnitCode,
    /// A known unit of something else than what was measured.
    #[error("{uom} does not measure {measured}")]
    Unit {
        /// The code of the unit.
        uom: String,
        /// The measurement type.
        measured: String,
    },
    /// The same text twice in one list.
    #[error("stands in the list twice")]
    Repeated,
    /// More elements than we take.
    #[error("has more than {0} elements")]
    TooMany(usize),
}

/// Where we stand inside an event.
#[derive(Clone)]
pub(crate) struct At<'v> {
    pub value: &'v Value<'v>,
    pointer: String,
}

impl<'v> At<'v> {
    pub fn root(value: &'v Value<'v>) -> At<'v> {
        At {
            value,
            pointer: String::new(),
        }
    }

    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    pub fn fault(&self, kind: impl Into<FaultKind>) -> Fault {
        Fault {
            pointer: self.pointer.clone(),
            kind: kind.into(),
        }
    }

    /// The fault of the member `key`.
    pub fn fault_in(&self, key: &str, kind: impl Into<FaultKind>) -> Fault {
        let mut pointer = self.pointer.clone();
        push_token(key, &mut pointer);
        Fault {
            pointer,
            kind: kind.into(),
        }
    }

    pub fn get(&self, key: &str) -> Option<At<'v>> {
        let value = self.value.get(key)?;
        let mut pointer = self.pointer.clone();
        push_token(key, &mut pointer);
        Some(At { value, pointer })
    }

    pub fn required(&self, key: &str) -> Result<At<'v>, Fault> {
        self.get(key)
            .ok_or_else(|| self.fault_in(key, FaultKind::Missing))
    }

    pub fn object(&self) -> Result<&'v [(Cow<'v, str>, Value<'v>)], Fault> {
        self.value
            .as_object()
            .ok_or_else(|| self.fault(FaultKind::MustBe("an object")))
    }

    pub fn array(&self) -> Result<&'v [Value<'v>], Fault> {
        let list = self.value.as_array();
        list.ok_or_else(|| self.fault(FaultKind::MustBe("an array")))
    }

    pub fn elements(&self) -> Result<Vec<At<'v>>, Fault> {
        let list = self.array()?;
        let at = |(i, value)| At {
            value,
            pointer: format!("{}/{i}", self.pointer),
        };
        Ok(list.iter().enumerate().map(at).collect())
    }

    pub fn text(&self) -> Result<&'v str, Fault> {
        let text = self.value.as_str();
        text.ok_or_else(|| self.fault(FaultKind::MustBe("a string")))
    }

    /// An item, by its GTIN and serial number.
    pub fn item(&self) -> Result<Identity, Fault> {
        match Identity::parse(self.text()?) {
            Ok(item @ Identity::Item { .. }) => Ok(item),
            _ => Err(self.fault(FaultKind::MustBe("an item, by GTIN and serial number"))),
        }
    }

    pub fn number(&self) -> Result<&'v str, Fault> {
        let text = self.value.as_number();
        text.ok_or_else(|| self.fault(FaultKind::MustBe("a number")))
    }

    pub fn boolean(&self) -> Result<bool, Fault> {
        match self.value {
            Value::Bool(value) => Ok(*value),
            _ => Err(self.fault(FaultKind::MustBe("true or false"))),
        }
    }

    /// A common code of UN/ECE Recommendation 20, by its form.
    pub fn unit(&self) -> Result<&'v str, Fault> {
        let text = self.text()?;
        if unit::is_code(text) {
            Ok(text)
        } else {
            Err(self.fault(FaultKind::UnitCode))
        }
    }

    pub fn time(&self) -> Result<OffsetDateTime, Fault> {
        OffsetDateTime::parse(self.text()?, &Rfc3339).map_err(|_| self.fault(FaultKind::Time))
    }

    pub fn uri(&self) -> Result<&'v str, Fault> {
        let text = self.text()?;
        if is_uri(text) {
            Ok(text)
        } else {
            Err(self.fault(FaultKind::Uri))
        }
    }

    pub fn identity(&self) -> Result<Identity, Fault> {
        let text = self.uri()?;
        Identity::parse(text).map_err(|error| self.fault(error))
    }

    /// Refuses every member that is not in `known`.
    pub fn exactly(&self, known: &[&str]) -> Result<(), Fault> {
        for (key, _) in self.object()? {
            if !known.contains(&key.as_ref()) {
                return Err(self.fault_in(key, FaultKind::NoExtensions));
            }
        }
        Ok(())
    }

    /// Refuses members that are neither in `known` nor have a namespace.
    pub fn only(&self, known: &[&[&str]]) -> Result<(), Fault> {
        for (key, _) in self.object()? {
            let allowed =
                known.iter().any(|keys| keys.contains(&key.as_ref())) || has_namespace(key);
            if !allowed {
                return Err(self.fault_in(key, FaultKind::UnknownMember));
            }
        }
        Ok(())
    }
}

/// Whether `text` has the form of an absolute URI, or of a name with a namespace prefix. RFC 3986
/// §3: a scheme of letters, digits, `+`, `-`, `.`; nothing invisible anywhere.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b));
    let clean = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    scheme_ok && !rest.is_empty() && clean && text.len() <= 2_048
}

/// Whether a member's name carries a namespace: `prefix:name` or a whole URI.
pub(crate) fn has_namespace(key: &str) -> bool {
    is_uri(key)
}
