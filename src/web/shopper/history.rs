//! From the changes of a story to its part of the page.

use auditlog::json::{self, Value};

use super::journey::{named, readable};
use super::present::china_date;
use super::view::{ChangeView, FieldView};
use crate::domain::history::{Change, FieldChange};
use crate::domain::story::Story;
use crate::web::text::{Lang, Text};

/// Changes that a page tells, the last ones.
const MAX_CHANGES: usize = 20;
/// Fields of one change.
const MAX_FIELDS: usize = 12;

/// What was changed, the last first; and how many changes before these are not told.
pub(super) fn history(text: &Text, story: &Story, public_size: u64) -> (Vec<ChangeView>, u64) {
    let told = story.history.iter().rev().take(MAX_CHANGES);
    let views = told.filter_map(|change| view(text, story, change, public_size));
    let untold = story.history.len().saturating_sub(MAX_CHANGES) as u64;
    (views.collect(), untold)
}

fn view(text: &Text, story: &Story, change: &Change, public_size: u64) -> Option<ChangeView> {
    let by = match story.parties.get(&change.by) {
        Some(party) => readable(text.said(&party.name)),
        None if story.merchant() == Some(change.by.as_str()) => {
            text.get("history.merchant").to_owned()
        }
        None => change.by.clone(),
    };
    let index = story
        .statement(change.id)
        .and_then(|statement| statement.stored.leaf_index)
        .filter(|index| index.0 < public_size);
    let fields = change
        .fields
        .iter()
        .filter(|field| is_for(text.lang(), field));
    let fields = fields.take(MAX_FIELDS).map(|field| field_view(text, field));
    Some(ChangeView {
        day: china_date(text, change.recorded_at)?,
        of: named(&change.of, text.lang()),
        by,
        reason: change
            .reason
            .as_ref()
            .map(|reason| named(reason, text.lang())),
        fields: fields.collect(),
        entry: index.map(|index| text.number(index.0)),
    })
}

/// Words in the reader's language are enough.
fn is_for(lang: Lang, field: &FieldChange) -> bool {
    let other = format!("/{}", lang.other().code());
    !field.pointer.ends_with(&other)
}

fn field_view(text: &Text, field: &FieldChange) -> FieldView {
    let name = field.pointer.split('/').nth(1).unwrap_or_default();
    FieldView {
        label: text.term("field", name).to_owned(),
        old: field.old.as_deref().map(|value| words(text, value)),
        new: field.new.as_deref().map(|value| words(text, value)),
    }
}

/// A scalar as a reader writes it.
fn words(text: &Text, value: &str) -> String {
    match json::parse(value) {
        Ok(Value::String(recorded)) => readable(text.recorded(&recorded)),
        _ => value.to_owned(),
    }
}
