//! A fact of an event: of which field, and what it says.

use std::borrow::{Borrow, Cow};
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use time::OffsetDateTime;

/// One fact of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact<'v> {
    /// Of which field, as [`super::query::Condition`] names them.
    pub field: Field,
    /// What it says.
    pub value: FactValue<'v>,
}

/// The name of a field. That of an extension is written out with its namespace once, whatever the extension holds.
#[derive(Debug, Clone)]
pub enum Field {
    /// One of the standard's.
    Own(&'static str),
    /// One that was written out.
    Written(Arc<str>),
}

/// What a fact says.
#[derive(Debug, Clone, PartialEq)]
pub enum FactValue<'v> {
    /// That the field is there.
    Present,
    /// A text, in its one form.
    Text(Cow<'v, str>),
    /// A measured value, in the base unit of its dimension, which the field names.
    Number(f64),
    /// A number of an extension, as it came.
    Decimal(&'v str),
    /// An instant.
    Time(OffsetDateTime),
}

impl Deref for Field {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Field::Own(name) => name,
            Field::Written(name) => name,
        }
    }
}

impl Borrow<str> for Field {
    fn borrow(&self) -> &str {
        self
    }
}

// As the name alone is, so that a map finds it by its name.
impl Hash for Field {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Field) -> bool {
        **self == **other
    }
}

impl Eq for Field {}

impl From<&'static str> for Field {
    fn from(name: &'static str) -> Field {
        Field::Own(name)
    }
}
