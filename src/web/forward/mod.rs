//! The forms of a forward trace: a table for spreadsheets, an object for machines.

mod codes;
mod json;
mod on_record;
mod start;
mod table;

use time::OffsetDateTime;

pub use codes::Followed;
pub use json::{Page, of as json, page_of};
pub use start::{Most, Origin, StartError, Wanted, WantedFault};
pub use table::{Columns, Table};

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
pub fn word(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Affected => "affected",
        Certainty::Possibly => "possiblyAffected",
    }
}

/// What became of it, and when; nothing where nobody asked.
fn fate(reached: &Reached) -> (&'static str, Option<OffsetDateTime>) {
    match reached.fate {
        None => ("", None),
        Some(Fate::InTrade) => ("inTrade", None),
        Some(Fate::UsedUp(at)) => ("usedUp", Some(at)),
        Some(Fate::Sold(at)) => ("sold", Some(at)),
        Some(Fate::Removed(at)) => ("removed", Some(at)),
    }
}

/// Things of a kind, in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// How sure it is that they are affected.
    pub certainty: Certainty,
    /// What kind of things, in one word.
    pub kind: &'static str,
    /// What became of them.
    pub fate: &'static str,
    /// How many.
    pub things: usize,
}

/// How many things there are of each kind and state; none where there are none.
pub fn counts(forward: &Forward) -> Vec<Count> {
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
