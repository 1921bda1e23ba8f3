//! Adding to a story what was changed in the descriptions that it names.

use std::collections::HashMap;

use auditlog::json;

use super::found::Loaded;
use crate::domain::history::{Change, Changed, difference, name_of};
use crate::domain::master::change_reason;
use crate::domain::statement::Kind;
use crate::domain::story::Story;

/// Compares each description with the one before it of the same thing; they come in the order in which they were
/// recorded. Whoever said it: the last one stands.
pub(super) fn add_history(story: &mut Story, described: &[&Loaded]) {
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
    changes.sort_by_key(|change| (change.recorded_at, change.id));
    story.history = changes;
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
        recorded_at: new.stored.recorded_at,
        reason: change_reason(after).ok().flatten(),
        fields,
    })
}
