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
    /// What the row of a product's label is called in which it stands, or stood.
    pub row: Option<Bilingual>,
}

/// What of two bodies differs, by place. Why it was changed is no part of that, nor how long a list is: its
/// elements tell.
pub fn difference(old: &Value<'_>, new: &Value<'_>) -> Vec<FieldChange> {
    let (old_rows, new_rows) = (rows(old), rows(new));
    let mut changes = leaves(old, new, |pointer| {
        let is_told = !pointer.starts_with("/changeReason/");
        // Rows have their own comparison, where both bodies have any of the form that it knows.
        is_told
            && !(pointer.starts_with("/attributes/") && old_rows.is_some() && new_rows.is_some())
    });
    if let (Some(old_rows), Some(new_rows)) = (old_rows, new_rows) {
        changes.extend(changed_rows(&old_rows, &new_rows));
    }
    changes
}

/// The scalars that differ, by place.
fn leaves(old: &Value<'_>, new: &Value<'_>, is_told: impl Fn(&str) -> bool) -> Vec<FieldChange> {
    let (old, new) = (Fields::of(old), Fields::of(new));
    let mut all: BTreeMap<&str, (Option<&str>, Option<&str>)> = BTreeMap::new();
    for field in old.iter() {
        all.entry(field.pointer).or_default().0 = Some(field.value);
    }
    for field in new.iter() {
        all.entry(field.pointer).or_default().1 = Some(field.value);
    }
    let is_list = |value: Option<&str>| value.is_some_and(|value| value.starts_with('['));
    let changed = all.into_iter().filter(|(pointer, (old, new))| {
        old != new && !is_list(*old) && !is_list(*new) && is_told(pointer)
    });
    changed
        .map(|(pointer, (old, new))| FieldChange {
            pointer: pointer.to_owned(),
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
            row: None,
        })
        .collect()
}

/// A row of a product's label.
struct LabelRow<'a> {
    place: usize,
    label: Bilingual,
    whole: &'a Value<'a>,
}

/// The rows of a body, none where it has no list of them; `None` where they have another form than a product's description
/// gives them.
fn rows<'a>(body: &'a Value<'a>) -> Option<Vec<LabelRow<'a>>> {
    let Some(attributes) = body.get("attributes") else {
        return Some(Vec::new());
    };
    let Value::Array(rows) = attributes else {
        return None;
    };
    let row = |(place, whole): (usize, &'a Value<'a>)| {
        let label = whole.get("label")?;
        let text = |lang: &str| match label.get(lang)? {
            Value::String(text) => Some(text.to_string()),
            _ => None,
        };
        let label = Bilingual {
            zh_cn: text("zh-CN")?,
            en: text("en")?,
        };
        Some(LabelRow {
            place,
            label,
            whole,
        })
    };
    rows.iter().enumerate().map(row).collect()
}

/// What differs between rows of the same label, whatever place they have; a row that is called otherwise and says the same
/// was renamed; the others came or went.
fn changed_rows(old: &[LabelRow<'_>], new: &[LabelRow<'_>]) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    let mut left: Vec<&LabelRow<'_>> = old.iter().collect();
    let mut come: Vec<&LabelRow<'_>> = Vec::new();
    for row in new {
        match left.iter().position(|old| old.label == row.label) {
            Some(at) => changes.extend(within(row, left.remove(at).whole, row.whole)),
            None => come.push(row),
        }
    }
    come.retain(|row| {
        let says_the_same = |old: &&LabelRow<'_>| {
            old.place == row.place && leaves(old.whole, row.whole, is_no_label).is_empty()
        };
        let Some(at) = left.iter().position(says_the_same) else {
            return true;
        };
        changes.extend(within(row, left.remove(at).whole, row.whole));
        false
    });
    let nothing = Value::Object(Vec::new());
    for row in left {
        changes.extend(within(row, row.whole, &nothing));
    }
    for row in come {
        changes.extend(within(row, &nothing, row.whole));
    }
    changes
}

fn is_no_label(pointer: &str) -> bool {
    !pointer.starts_with("/label/")
}

/// What differs between two states of one row.
fn within(row: &LabelRow<'_>, old: &Value<'_>, new: &Value<'_>) -> Vec<FieldChange> {
    // A row that is not there is an empty object, which is a leaf of its own.
    let changes = leaves(old, new, |pointer| !pointer.is_empty()).into_iter();
    changes
        .map(|change| FieldChange {
            pointer: format!("/attributes/{}{}", row.place, change.pointer),
            row: Some(row.label.clone()),
            ..change
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
        Kind::Scan | Kind::Review | Kind::Reveal | Kind::Disclosure | Kind::Erasure => None,
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

    /// Changes of rows, each given as `label=value`.
    fn rows_changed(old: &[&str], new: &[&str]) -> Vec<(String, String, String, String)> {
        let body = |rows: &[&str]| {
            let row = |row: &&str| {
                let (label, value) = row.split_once('=').unwrap();
                format!(
                    r#"{{"label":{{"zh-CN":"{label}","en":"{label}"}},"value":{{"en":"{value}"}}}}"#
                )
            };
            let rows: Vec<String> = rows.iter().map(row).collect();
            format!(r#"{{"attributes":[{}]}}"#, rows.join(","))
        };
        let (old, new) = (body(old), body(new));
        let changes = difference(&json::parse(&old).unwrap(), &json::parse(&new).unwrap());
        let in_english = |change: &FieldChange| change.pointer.ends_with("/en");
        let told = changes.into_iter().filter(in_english);
        told.map(|change| {
            let text = |value: Option<String>| value.unwrap_or_default().replace('"', "");
            let row = change.row.expect("a row").en;
            (change.pointer, row, text(change.old), text(change.new))
        })
        .collect()
    }

    fn row(pointer: &str, row: &str, old: &str, new: &str) -> (String, String, String, String) {
        (pointer.into(), row.into(), old.into(), new.into())
    }

    #[test]
    fn rows_of_a_label_are_compared_by_what_they_are_called_and_not_by_their_places() {
        let three = ["Fat=3.4 g", "Protein=20 g", "Salt=1 g"];
        let gone = [
            row("/attributes/0/label/en", "Fat", "Fat", ""),
            row("/attributes/0/value/en", "Fat", "3.4 g", ""),
        ];
        assert_eq!(rows_changed(&three, &three[1..]), gone);
        let come = [
            row("/attributes/0/label/en", "Fat", "", "Fat"),
            row("/attributes/0/value/en", "Fat", "", "3.4 g"),
        ];
        assert_eq!(rows_changed(&three[1..], &three), come);
        let moved = ["Salt=1 g", "Fat=3.4 g", "Protein=21 g"];
        let changed = [row("/attributes/2/value/en", "Protein", "20 g", "21 g")];
        assert_eq!(rows_changed(&three, &moved), changed);
        let renamed = ["Fat in all=3.4 g", "Protein=20 g", "Salt=1 g"];
        let name = [row(
            "/attributes/0/label/en",
            "Fat in all",
            "Fat",
            "Fat in all",
        )];
        assert_eq!(rows_changed(&three, &renamed), name);
        let other = ["Sugar=5 g", "Protein=20 g", "Salt=1 g"];
        assert_eq!(rows_changed(&three, &other).len(), 4, "one went, one came");
        assert_eq!(rows_changed(&three, &three), []);
    }

    #[test]
    fn rows_of_another_form_are_compared_by_place() {
        let changed = changes(r#"{"attributes":[{"x":1}]}"#, r#"{"attributes":[{"x":2}]}"#);
        let expected = ("/attributes/0/x".into(), Some("1".into()), Some("2".into()));
        assert_eq!(changed, [expected]);
    }
}
