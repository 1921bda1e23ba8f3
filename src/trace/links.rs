//! Adding to a story where its merchant says that more is to be found.

use super::TraceError;
use super::found::{Found, Name};
use crate::domain::gs1::Identity;
use crate::domain::link::{self, Link};
use crate::domain::statement::{Kind, Role};
use crate::domain::story::{Described, Story, Withheld};
use crate::domain::turn::Turn;

/// What links of a story are said of.
pub(super) fn names(story: &Story) -> impl Iterator<Item = Name> {
    let ladder = story.subject.identities();
    let of_product = ladder.into_iter().filter(|level| level.gtin().is_some());
    of_product.map(|level| (level.canonical(), Role::Anchor, Turn::Seen))
}

/// Adds every link that was said of the subject, its lot and its product, and keeps what stands.
/// Replaced and withdrawn links stay among the statements: a proof tells them too.
pub(super) fn add_links(story: &mut Story, found: &Found) -> Result<(), TraceError> {
    let ladder = story.subject.identities();
    let mut said: Vec<Described<Link>> = Vec::new();
    // The last first.
    for loaded in found.in_order().into_iter().rev() {
        if loaded.kind != Kind::Link {
            continue;
        }
        let link = loaded.body(link::read_link)?;
        if !ladder.contains(&link.anchor) {
            // Keys are eight bytes of a hash: this one merely collides.
            continue;
        }
        said.push(loaded.described(link));
        story.statements.push(loaded.told(Withheld::default()));
    }
    for level in &ladder {
        story.links.extend(standing_of(level, &said));
    }
    Ok(())
}

fn standing_of(level: &Identity, said: &[Described<Link>]) -> Vec<Described<Link>> {
    let of_level: Vec<&Described<Link>> = said
        .iter()
        .filter(|described| described.value.anchor == *level)
        .collect();
    let standing = link::standing(&of_level, |described| &described.value);
    standing
        .into_iter()
        .map(|described| (*described).clone())
        .collect()
}
