//! What was changed in descriptions, erased of them and of events, and withdrawn: by whom, when, what stood there before,
//! and why. The last description of a thing stands; those before it are its history, and so is what was an error.

use std::collections::BTreeMap;

use auditlog::LeafIndex;
use auditlog::field::Fields;
use auditlog::json::Value;
use time::OffsetDateTime;

use super::master::{self, Bilingual};
use super::statement::{Kind, StatementId};

/// A change of one description, what was erased of it or of an event, or an event that was an error.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What kind of statement.
    pub kind: Kind,
    /// Of what.
    pub of: Changed,
    /// Who said so: a canonical Digital Link.
    pub by: String,
    /// The statement that says so.
    pub id: StatementId,
    /// Where that stands in the log, once sealed.
    pub leaf_index: Option<LeafIndex>,
    /// The statement whose fields these are: who may see them is decided by that.
    pub described: StatementId,
    /// When it was recorded.
    pub recorded_at: OffsetDateTime,
    /// `changeReason`, or `reason` of an erasure.
    pub reason: Option<Bilingual>,
    /// What changed, by place.
    pub fields: Vec<FieldChange>,
}

/// Of what a change is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// Of what is called so now.
    Called(Bilingual),
    /// Of the event that is stored there.
    Event(StatementId),
    /// The event that is stored there was declared an error.
    Withdrawn {
        /// Which.
        event: StatementId,
        /// `reason`: a CBV word or a URI.
        reason: Option<String>,
        /// What the story has in its place.
        correctives: Vec<StatementId>,
    },
}

/// A field that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// JSON Pointer within the body.
    pub pointer: String,
    /// What stood there; `None` if nothing did. JSON of a scalar, or the length of a list.
    pub old: Option<String>,
    /// What stands there.
    pub new: Option<String>,
}

/// What of two bodies differs, by place. Why it was changed is no part of that, nor how long a list is: its
/// elements tell.
pub fn difference(old: &Value<'_>, new: &Value<'_>) -> Vec<FieldChange> {
    let (old, new) = (Fields::of(old), Fields::of(new));
    let mut all: BTreeMap<&str, (Option<&str>, Option<&str>)> = BTreeMap::new();
    for field in old.iter() {
        all.entry(field.pointer).or_default().0 = Some(field.value);
    }
    for field in new.iter() {
        all.entry(field.pointer).or_default().1 = Some(field.value);
    }
    let is_told = |pointer: &str, value: Option<&str>| {
        let is_list = value.is_some_and(|value| value.starts_with('['));
        !is_list && !pointer.starts_with("/changeReason/")
    };
    let changed = all.into_iter().filter(|(pointer, (old, new))| {
        old != new && is_told(pointer, *old) && is_told(pointer, *new)
    });
    changed
        .map(|(pointer, (old, new))| FieldChange {
            pointer: pointer.to_owned(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
        })
        .collect()
}

/// What a description is of, as it calls it; `None` for what is no description.
pub fn name_of(kind: Kind, body: &Value<'_>) -> Option<Bilingual> {
    match kind {
        Kind::Product => Some(master::read_product(body).ok()?.name),
        Kind::Party => Some(master::read_party(body).ok()?.name),
        Kind::Document => Some(master::read_document(body).ok()?.title),
        Kind::Event | Kind::Issuance | Kind::Link | Kind::Recall => None,
        Kind::Disclosure | Kind::Erasure => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog::json;

    fn changes(old: &str, new: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let changes = difference(&json::parse(old).unwrap(), &json::parse(new).unwrap());
        let told = changes.into_iter();
        told.map(|change| (change.pointer, change.old, change.new))
            .collect()
    }

    #[test]
    fn what_differs_is_told_by_place_and_nothing_else() {
        let old = r#"{"a":"x","b":{"c":1.50,"d":[1,2]},"e":"gone"}"#;
        let new = r#"{"b":{"c":1.5,"d":[1,2,3]},"a":"x","f":"new","changeReason":{"en":"a slip"}}"#;
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            changes(old, new),
            [
                ("/b/c".into(), some("1.50"), some("1.5")),
                ("/b/d/2".into(), None, some("3")),
                ("/e".into(), some("\"gone\""), None),
                ("/f".into(), None, some("\"new\"")),
            ]
        );
        assert_eq!(changes(old, old), []);
        // The order of members changes nothing.
        assert_eq!(changes(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#), []);
    }
}
