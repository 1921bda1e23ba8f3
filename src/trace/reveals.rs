//! Adding to a story how often the hidden code of the very item was entered.

use super::TraceError;
use super::found::{Found, Name};
use crate::domain::hidden;
use crate::domain::statement::{Kind, Role};
use crate::domain::story::{Story, Withheld};
use crate::domain::turn::Turn;

/// What uses of hidden codes are of: the item of a story.
pub(super) fn names(story: &Story) -> impl Iterator<Item = Name> {
    let own = story.subject.item();
    own.into_iter()
        .map(|own| (own.canonical(), Role::Revealed, Turn::Seen))
}

/// Adds every use, in the order in which they were recorded.
pub(super) fn add_reveals(story: &mut Story, found: &Found) -> Result<(), TraceError> {
    let own = story.subject.item();
    for loaded in found.in_order() {
        if loaded.kind != Kind::Reveal {
            continue;
        }
        let reveal = loaded.body(hidden::read_reveal)?;
        // Keys are eight bytes of a hash, which may collide.
        if own.as_ref() == Some(&reveal.item) {
            story.reveals.push(loaded.described(reveal));
            story.statements.push(loaded.told(Withheld::default()));
        }
    }
    Ok(())
}
