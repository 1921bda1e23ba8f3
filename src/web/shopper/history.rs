//! From the changes of a story to its part of the page.

use auditlog::TreeSize;
use auditlog::json::{self, Value};
use time::format_description::well_known::Rfc3339;

use super::journey::{named, place_of, readable, stage};
use super::present::china_date;
use super::view::{ChangeView, FieldView, Words};
use crate::domain::history::{Change, Changed, FieldChange};
use crate::domain::statement::{Kind, StatementId};
use crate::domain::story::Story;
use crate::web::text::{Lang, Text};

/// Changes of descriptions that a page tells, the last ones, and as many of steps: neither pushes the other out.
const MAX_CHANGES: usize = 20;
/// Fields of one change.
const MAX_FIELDS: usize = 12;

/// What was changed, the last first; and how many changes before these are not told.
pub(super) fn history(text: &Text, story: &Story, public_size: TreeSize) -> (Vec<ChangeView>, u64) {
    let mut left = [MAX_CHANGES; 2];
    let last_first = story.history.iter().rev();
    let told: Vec<&Change> = last_first
        .filter(|change| {
            let is_called = matches!(change.of, Changed::Called(_));
            let left = &mut left[usize::from(is_called)];
            let has_room = *left > 0;
            *left = left.saturating_sub(1);
            has_room
        })
        .collect();
    let untold = (story.history.len() - told.len()) as u64;
    let views = told.into_iter();
    let views = views.filter_map(|change| view(text, story, change, public_size));
    (views.collect(), untold)
}

fn view(text: &Text, story: &Story, change: &Change, public_size: TreeSize) -> Option<ChangeView> {
    let by = match story.parties.get(&change.by) {
        Some(party) => readable(text.said(&party.name)),
        None if story.merchant() == Some(change.by.as_str()) => {
            text.get("history.merchant").to_owned()
        }
        None => change.by.clone(),
    };
    let index = change
        .leaf_index
        .filter(|index| public_size.contains(*index));
    let mut fields = rows(text, story, change);
    let more = fields.len().saturating_sub(MAX_FIELDS) as u64;
    fields.truncate(MAX_FIELDS);
    Some(ChangeView {
        day: china_date(text, change.recorded_at)?,
        of: match &change.of {
            Changed::Called(name) => named(name, text.lang()),
            Changed::Event(id) => step(text, story, *id)?,
            Changed::Withdrawn { event, .. } => step(text, story, *event)?,
        },
        withdrawn: match &change.of {
            Changed::Withdrawn {
                reason,
                correctives,
                ..
            } => withdrawn(text, story, reason.as_deref(), correctives),
            _ => Vec::new(),
        },
        by,
        reason: change
            .reason
            .as_ref()
            .map(|reason| named(reason, text.lang())),
        fields,
        more: (more > 0).then(|| text.count("history.more_fields", more, &[])),
        entry: index.map(|index| text.number(index.0)),
    })
}

/// Words in the reader's language are enough.
fn is_for(lang: Lang, field: &FieldChange) -> bool {
    let other = format!("/{}", lang.other().code());
    !field.pointer.ends_with(&other)
}

/// A step by what happened, where and when.
fn step(text: &Text, story: &Story, id: StatementId) -> Option<Words> {
    let event = &story.step(id)?.event;
    let at = event.event_time.format(&Rfc3339).ok()?;
    let (step, time) = (stage(text, event), text.local_time(&at, &event.offset)?);
    let words = [("step", step.as_str()), ("time", time.text.as_str())];
    let place = place_of(story, event).map(|place| readable(text.said(&place.name)));
    let words = match &place {
        None => text.with("history.step", &words),
        Some(place) => text.with("history.step_at", &[words[0], words[1], ("place", place)]),
    };
    Some(Words::plain(words))
}

/// Why a step does not stand any more, and what does in its place.
fn withdrawn(
    text: &Text,
    story: &Story,
    reason: Option<&str>,
    correctives: &[StatementId],
) -> Vec<String> {
    let why = text
        .term("withdrawn", reason.unwrap_or_default())
        .to_owned();
    let steps = correctives
        .iter()
        .take(MAX_FIELDS)
        .filter_map(|id| step(text, story, *id));
    let instead = steps.map(|step| text.with("history.instead", &[("step", &step.text)]));
    std::iter::once(why).chain(instead).collect()
}

/// What changed, as a reader calls it.
fn rows(text: &Text, story: &Story, change: &Change) -> Vec<FieldView> {
    let told = change.fields.iter();
    let told = told.filter(|field| is_for(text.lang(), field));
    told.filter_map(|field| field_view(text, story, change, field))
        .collect()
}

fn field_view(
    text: &Text,
    story: &Story,
    change: &Change,
    field: &FieldChange,
) -> Option<FieldView> {
    let parts: Vec<&str> = field.pointer.split('/').skip(1).collect();
    let name = parts.first().copied().unwrap_or_default();
    let label = match (change.kind, parts.as_slice()) {
        // Somebody's extension, by the name that he gave it.
        (Kind::Event, _) => {
            let name = field.pointer.replace("~1", "/").replace("~0", "~");
            readable(name.rsplit([':', '/', '#']).next().unwrap_or_default())
        }
        // A row of the label: what it is called names its value, and is told alone only where it alone changed. How
        // its number is checked is no part of what it says.
        (Kind::Product, ["attributes", _, "check"]) => return None,
        (Kind::Product, ["attributes", place, "label", ..]) => {
            let value = format!("/attributes/{place}/value/");
            if change.fields.iter().any(|f| f.pointer.starts_with(&value)) {
                return None;
            }
            text.term("field", name).to_owned()
        }
        (Kind::Product, ["attributes", place, ..]) => attribute_label(text, story, change, place)
            .unwrap_or_else(|| text.term("field", name).to_owned()),
        _ => text.term("field", name).to_owned(),
    };
    let written = |value: &String| written(text, name, value);
    Some(FieldView {
        label,
        old: field.old.as_ref().map(written),
        new: field.new.as_ref().map(written),
    })
}

/// What a row of a product's label is called: as it was changed to, else as it stands.
fn attribute_label(text: &Text, story: &Story, change: &Change, place: &str) -> Option<String> {
    let pointer = format!("/attributes/{place}/label/{}", text.lang().code());
    let changed = change.fields.iter().find(|field| field.pointer == pointer);
    if let Some(label) = changed.and_then(|label| label.new.as_ref().or(label.old.as_ref())) {
        return Some(words(text, label));
    }
    let product = &story.product.as_ref()?.value;
    let is_of_product = matches!(&change.of, Changed::Called(name) if *name == product.name);
    let attribute = product.attributes.get(place.parse::<usize>().ok()?)?;
    is_of_product.then(|| readable(text.said(&attribute.label)))
}

/// A value as a reader knows it: countries and ways of import by their names.
fn written(text: &Text, field: &str, value: &str) -> String {
    let words = words(text, value);
    match (field, words.as_str()) {
        ("regime", "bondedCrossBorder") => text.get("attribute.regime_bonded").to_owned(),
        ("regime", "generalTrade") => text.get("attribute.regime_general").to_owned(),
        ("country" | "countryOfOrigin", code) => text.country(code).to_owned(),
        _ => words,
    }
}

/// A scalar as a reader writes it.
fn words(text: &Text, value: &str) -> String {
    match json::parse(value) {
        Ok(Value::String(recorded)) => readable(text.recorded(&recorded)),
        _ => value.to_owned(),
    }
}
