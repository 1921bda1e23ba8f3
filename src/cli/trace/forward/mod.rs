//! `rootmark trace --forward`.

mod json;
mod table;
mod text;

use time::OffsetDateTime;

pub(super) use json::of as json;
pub(super) use table::of as table;
pub(super) use text::Outline;

use crate::domain::forward::{Certainty, Fate, Forward, Reached};
use crate::domain::gs1::{Identity, Level};

/// What kind of thing it is, in one word.
fn kind(identity: &Identity) -> &'static str {
    match identity {
        Identity::Class { .. } => "product",
        Identity::LotOf { .. } => "lot",
        Identity::Item { .. } => "item",
        Identity::Sscc(_) => "logisticUnit",
        Identity::Grai(_) | Identity::Giai(_) => "asset",
        _ if identity.level() == Some(Level::Class) => "class",
        _ => "other",
    }
}

/// As a machine reads it.
pub(super) fn word(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Affected => "affected",
        Certainty::Possibly => "possiblyAffected",
    }
}

/// What became of it, and when.
fn fate(reached: &Reached) -> (&'static str, Option<OffsetDateTime>) {
    match reached.fate {
        Fate::InTrade => ("inTrade", None),
        Fate::UsedUp(at) => ("usedUp", Some(at)),
        Fate::Sold(at) => ("sold", Some(at)),
        Fate::Removed(at) => ("removed", Some(at)),
    }
}

/// Things of a kind, in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    certainty: Certainty,
    kind: &'static str,
    fate: &'static str,
    things: usize,
}

/// How many things there are of each kind and state; none where there are none.
fn counts(forward: &Forward) -> Vec<Count> {
    let mut counts: Vec<Count> = Vec::new();
    for reached in &forward.things {
        let (kind, fate) = (kind(&reached.identity), fate(reached).0);
        let same = |count: &&mut Count| {
            (count.certainty, count.kind, count.fate) == (reached.certainty, kind, fate)
        };
        match counts.iter_mut().find(same) {
            Some(count) => count.things += 1,
            None => counts.push(Count {
                certainty: reached.certainty,
                kind,
                fate,
                things: 1,
            }),
        }
    }
    counts.sort_by_key(|count| (count.certainty, count.kind, count.fate));
    counts
}
