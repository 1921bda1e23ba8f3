//! Adding to a story what was changed in the descriptions that it names, and which of its events were errors.

use std::collections::HashMap;

use auditlog::json;

use super::found::{Found, Loaded};
use crate::domain::history::{Change, Changed, difference, name_of};
use crate::domain::master::change_reason;
use crate::domain::statement::{Kind, StatementId};
use crate::domain::story::{Step, Story};

/// Compares each description with the one before it of the same thing; they come in the order in which they were
/// recorded. Whoever said it: the last one stands.
pub(super) fn add_history(story: &mut Story, described: &[&Loaded], found: &Found) {
    let mut of_thing: HashMap<(Kind, String), Vec<&Loaded>> = HashMap::new();
    for loaded in described {
        let names = loaded.about.iter().map(ToString::to_string);
        let names: Vec<String> = names.collect();
        let thing = (loaded.kind, names.join(" "));
        of_thing.entry(thing).or_default().push(loaded);
    }
    let changes = of_thing.values().flat_map(|said| {
        let pairs = said.windows(2);
        pairs.filter_map(|pair| change(pair[0], pair[1], said.last()?))
    });
    let mut changes: Vec<Change> = changes.collect();
    changes.extend(withdrawn(story, found));
    changes.sort_by_key(|change| (change.recorded_at, change.id));
    story.history = changes;
}

/// The events that were declared errors. A declaration may say of the goods what it likes, and need not be part of the
/// story itself: it is found by the event's ID.
fn withdrawn(story: &Story, found: &Found) -> Vec<Change> {
    let by_event_id = |step: &'_ Step| Some((step.event.event_id.clone()?, step.id));
    let errors = story.steps.iter().filter(|step| step.is_retracted);
    let errors = errors.filter(|step| !step.event.is_error_declaration());
    let errors: HashMap<String, StatementId> = errors.filter_map(by_event_id).collect();
    if errors.is_empty() {
        return Vec::new();
    }
    let standing: HashMap<String, StatementId> = story.standing().filter_map(by_event_id).collect();
    let change = |loaded: &Loaded| {
        let said = loaded.event.as_ref()?;
        let declaration = said.declaration.as_ref()?;
        let event = *errors.get(said.event_id.as_ref()?)?;
        let correctives = declaration.corrective_ids.iter();
        let correctives = correctives.filter_map(|id| standing.get(id).copied());
        Some(Change {
            kind: Kind::Event,
            of: Changed::Withdrawn {
                event,
                reason: declaration.reason.clone(),
                correctives: correctives.collect(),
            },
            by: loaded.issuer.clone(),
            id: loaded.stored.id,
            leaf_index: loaded.stored.leaf_index,
            described: event,
            recorded_at: loaded.stored.recorded_at,
            reason: None,
            fields: Vec::new(),
        })
    };
    found.statements.values().filter_map(change).collect()
}

fn change(old: &Loaded, new: &Loaded, last: &Loaded) -> Option<Change> {
    let [old_content, content, last_content] =
        [old, new, last].map(|loaded| json::parse(&loaded.stored.content).ok());
    let (old_content, content, last_content) = (old_content?, content?, last_content?);
    let (before, after) = (old_content.get("body")?, content.get("body")?);
    let fields = difference(before, after);
    if fields.is_empty() {
        return None;
    }
    Some(Change {
        kind: new.kind,
        of: Changed::Called(name_of(new.kind, last_content.get("body")?)?),
        by: new.issuer.clone(),
        id: new.stored.id,
        leaf_index: new.stored.leaf_index,
        described: new.stored.id,
        recorded_at: new.stored.recorded_at,
        reason: change_reason(after).ok().flatten(),
        fields,
    })
}
