//! From the changes of a story to its part of the page.

use auditlog::TreeSize;
use auditlog::json::{self, Value};
use time::format_description::well_known::Rfc3339;

use super::journey::{named, place_of, readable, stage};
use super::present::china_date;
use super::view::{ChangeView, FieldView, Words};
use crate::domain::erasure::ERASED;
use crate::domain::history::{Change, Changed, FieldChange};
use crate::domain::route;
use crate::domain::statement::{Kind, StatementId};
use crate::domain::story::Story;
use crate::web::findings::StepNames;
use crate::web::text::{Lang, Text};

/// Changes of descriptions that a page tells, the last ones, and as many of steps: neither pushes the other out.
const MAX_CHANGES: usize = 20;
/// Fields of one change.
const MAX_FIELDS: usize = 12;

/// A story, and what the page calls its steps.
type Named<'s> = (&'s Story, &'s StepNames);

/// What was changed, the last first; and how many changes before these are not told.
pub(super) fn history(
    text: &Text,
    story: &Story,
    names: &StepNames,
    public_size: TreeSize,
) -> (Vec<ChangeView>, u64) {
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
    let views = views.filter_map(|change| view(text, (story, names), change, public_size));
    (views.collect(), untold)
}

/// How often something that stood was changed, erased or withdrawn. To add to a description corrects nothing.
pub(super) fn corrections(story: &Story) -> u64 {
    let changed = |field: &FieldChange| {
        field.old.is_some() || field.new.as_ref().is_some_and(|new| is_erased(new))
    };
    let corrects = |change: &&Change| {
        matches!(change.of, Changed::Withdrawn { .. }) || change.fields.iter().any(changed)
    };
    story.history.iter().filter(corrects).count() as u64
}

fn view(
    text: &Text,
    (story, names): Named<'_>,
    change: &Change,
    public_size: TreeSize,
) -> Option<ChangeView> {
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
    let (mut fields, mut added) = rows(text, story, change);
    let beyond = |told: usize| told.saturating_sub(MAX_FIELDS) as u64;
    let more = beyond(fields.len()) + beyond(added.len());
    fields.truncate(MAX_FIELDS);
    added.truncate(MAX_FIELDS);
    Some(ChangeView {
        day: china_date(text, change.recorded_at)?,
        of: match &change.of {
            Changed::Called(name) => named(name, text.lang()),
            Changed::Event(id) => step(text, (story, names), *id)?,
            Changed::Withdrawn { event, .. } => step(text, (story, names), *event)?,
        },
        withdrawn: match &change.of {
            Changed::Withdrawn {
                reason,
                correctives,
                ..
            } => withdrawn(text, (story, names), reason.as_deref(), correctives),
            _ => Vec::new(),
        },
        by,
        added: added_in_words(text, added),
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
fn step(text: &Text, (story, names): Named<'_>, id: StatementId) -> Option<Words> {
    let event = &story.step(id)?.event;
    let at = event.event_time.format(&Rfc3339).ok()?;
    let step = names.get(&id).cloned();
    let step = step.unwrap_or_else(|| stage(text, event));
    let time = text.local_time(&at, &event.offset)?;
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
    named: Named<'_>,
    reason: Option<&str>,
    correctives: &[StatementId],
) -> Vec<String> {
    let why = text
        .term("withdrawn", reason.unwrap_or_default())
        .to_owned();
    let steps = correctives
        .iter()
        .take(MAX_FIELDS)
        .filter_map(|id| step(text, named, *id));
    let instead = steps.map(|step| text.with("history.instead", &[("step", &step.text)]));
    std::iter::once(why).chain(instead).collect()
}

/// What changed, as a reader calls it; and what was added, by name alone: what it says stands on the page.
fn rows(text: &Text, story: &Story, change: &Change) -> (Vec<FieldView>, Vec<String>) {
    let told = change.fields.iter();
    let told = told.filter(|field| is_for(text.lang(), field));
    let mut fields = Vec::new();
    let mut added: Vec<String> = Vec::new();
    for field in told {
        let Some(label) = label(text, change.kind, field) else {
            continue;
        };
        let name = field.pointer.split('/').nth(1).unwrap_or_default();
        let written = |value: &String| written(text, story, name, value);
        let is_erased = field.new.as_ref().is_some_and(|new| is_erased(new));
        if field.old.is_some() || is_erased {
            fields.push(FieldView {
                label,
                old: field.old.as_ref().map(written),
                new: field.new.as_ref().map(written),
            });
        } else if !added.contains(&label) {
            added.push(label);
        }
    }
    (fields, added)
}

/// Names in a row, as a sentence.
fn added_in_words(text: &Text, labels: Vec<String>) -> Option<String> {
    let and = |first: String, next: String| {
        text.with("history.and", &[("first", &first), ("next", &next)])
    };
    let labels = labels.into_iter().reduce(and)?;
    Some(text.with("history.added", &[("labels", &labels)]))
}

fn is_erased(value: &str) -> bool {
    matches!(json::parse(value), Ok(Value::String(text)) if text == ERASED)
}

/// What a field is called; `None` for one that is not told.
fn label(text: &Text, kind: Kind, field: &FieldChange) -> Option<String> {
    let parts: Vec<&str> = field.pointer.split('/').skip(1).collect();
    let name = parts.first().copied().unwrap_or_default();
    let label = match (&field.row, kind) {
        (Some(row), _) => match parts[1..] {
            // How its number is checked is no part of what a row says.
            [_, "officialCheck"] => return None,
            // What a row is called is told where that changed; one that came or went is called so beside its value.
            [_, "label", ..] if field.old.is_none() || field.new.is_none() => return None,
            [_, "label", ..] => text.term("field", name).to_owned(),
            _ => readable(text.said(row)),
        },
        // Somebody's extension, by the name that he gave it.
        (None, Kind::Event) => {
            let name = field.pointer.replace("~1", "/").replace("~0", "~");
            readable(name.rsplit([':', '/', '#']).next().unwrap_or_default())
        }
        // A picture is told by its digest; what else is said of it follows from that.
        (None, Kind::Product) if name == "picture" && parts[1..] != ["sha256"] => return None,
        (None, _) => text.term("field", name).to_owned(),
    };
    Some(label)
}

/// A value as a reader knows it: countries, units, ways of import, routes and parties by their names.
fn written(text: &Text, story: &Story, field: &str, value: &str) -> String {
    let words = words(text, value);
    match (field, words.as_str()) {
        ("regime", "bondedCrossBorder") => text.get("attribute.regime_bonded").to_owned(),
        ("regime", "generalTrade") => text.get("attribute.regime_general").to_owned(),
        ("country" | "countryOfOrigin", code) => text.country(code).to_owned(),
        ("netContent", code) => match text.find(&format!("unit.{code}")) {
            Some(unit) => unit.to_owned(),
            None => words,
        },
        ("route", name) => match route::built_in(name) {
            Some(route) => readable(text.said(&route.name)),
            None => words,
        },
        // Enough of it to compare by eye; one that was erased is called so.
        ("picture", sha256) if sha256.len() == 64 && sha256.is_ascii() => {
            format!("SHA-256 {}", &sha256[..12])
        }
        // A party is an address; a reader knows its name, or else its number.
        ("brandOwner", party) => match story.parties.get(party) {
            Some(party) => readable(text.said(&party.name)),
            None => party.rsplit('/').next().unwrap_or_default().to_owned(),
        },
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
