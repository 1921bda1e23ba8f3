//! Adding to a story what its merchant found when it looked into doubts about the very code.

use super::TraceError;
use super::found::{Found, Name};
use crate::domain::review;
use crate::domain::statement::{Kind, Role};
use crate::domain::story::{Story, Withheld};
use crate::domain::turn::Turn;

/// What reviews of a story are of: what was scanned itself, and not its lot or its product.
pub(super) fn names(story: &Story) -> impl Iterator<Item = Name> {
    let own = Some(story.subject.finest()).filter(|own| own.gtin().is_some());
    own.into_iter()
        .map(|own| (own.canonical(), Role::Reviewed, Turn::Seen))
}

/// Adds every review of the subject, in the order in which they were recorded.
pub(super) fn add_reviews(story: &mut Story, found: &Found) -> Result<(), TraceError> {
    let own = story.subject.finest();
    for loaded in found.in_order() {
        if loaded.kind != Kind::Review {
            continue;
        }
        let review = loaded.body(review::read_review)?;
        // Keys are eight bytes of a hash, which may collide.
        if review.code == own {
            story.reviews.push(loaded.described(review));
            story.statements.push(loaded.told(Withheld::default()));
        }
    }
    Ok(())
}
