//! Forward: where something went, and what became of it. The way of a recall, from what is wrong to whoever
//! has it now.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::gs1::{Gtin, Identity};
use super::master::{Party, Product};
use super::statement::StatementId;

/// What a forward trace starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// What is wrong.
    pub identity: Identity,
    /// Since when; `None`: always.
    pub since: Option<OffsetDateTime>,
    /// How sure that is.
    pub certainty: Certainty,
}

impl Start {
    /// Something that is wrong for certain.
    pub fn affected(identity: Identity, since: Option<OffsetDateTime>) -> Start {
        Start {
            identity,
            since,
            certainty: Certainty::Affected,
        }
    }
}

/// Whether the record says that a thing is affected, or leaves it open. The better known comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// The record leads from what is wrong to it, step by step.
    Affected,
    /// The record does not rule it out: some of a class without a lot, of a lot before it was mixed, or what was
    /// elsewhere by a time at which nobody said that it had left.
    Possibly,
}

/// Everything that a forward trace reaches.
#[derive(Debug, Clone, PartialEq)]
pub struct Forward {
    /// Where it started.
    pub starts: Vec<Start>,
    /// What is affected, or may be; the starts among it. By certainty, then by kind and identity.
    pub things: Vec<Reached>,
    /// What held, or holds, affected things, without being affected itself.
    pub holders: Vec<Holding>,
    /// Who passed affected things on to whom.
    pub passages: Vec<Passage>,
    /// What they are called.
    pub names: Names,
    /// Whether there was more than a trace may hold.
    pub truncated: bool,
}

/// What the things of a forward trace are called, and who had them, as described last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Names {
    /// Products of the things.
    pub products: HashMap<Gtin, Product>,
    /// Parties and places by canonical identity.
    pub parties: HashMap<String, Party>,
}

impl Names {
    /// The English name of a product, a place or a party, where somebody gave it one.
    pub fn of(&self, identity: &Identity) -> Option<&str> {
        if let Some(party) = self.parties.get(&identity.canonical()) {
            return Some(&party.name.en);
        }
        let product = self.products.get(&identity.gtin()?)?;
        Some(&product.name.en)
    }
}

/// A thing that is affected, or may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Reached {
    /// Which.
    pub identity: Identity,
    /// How sure that is.
    pub certainty: Certainty,
    /// Since when; `None`: always.
    pub since: Option<OffsetDateTime>,
    /// What led to it; `None` for a start.
    pub origin: Option<Origin>,
    /// What became of it; `None` where nobody asked, of what no event names, and of lots and kinds, which have no fate of
    /// their own: some is sold, and some is not.
    pub fate: Option<Fate>,
    /// Where it was seen last, by itself or with what held it, as far as it was asked for.
    pub seen: Option<Seen>,
}

impl Reached {
    /// Whether anything but a start is known of it: somebody saw it, or something led to it.
    pub fn is_spoken_of(&self) -> bool {
        self.seen.is_some() || self.origin.is_some()
    }
}

/// What led to a thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// How.
    pub how: Way,
    /// From what.
    pub from: Identity,
    /// The event that says so.
    pub by: StatementId,
}

/// How being affected passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// From a lot to its items.
    ItemOf,
    /// From what went into a process to what came out of it.
    MadeFrom,
    /// From a container to what was inside.
    InsideOf,
}

/// What became of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// As far as anybody said, it is there still.
    InTrade,
    /// It was used to make something else.
    UsedUp(OffsetDateTime),
    /// It was sold to a consumer.
    Sold(OffsetDateTime),
    /// It was destroyed, or taken out of the trade.
    Removed(OffsetDateTime),
}

/// Where a thing was seen last.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// When.
    pub at: OffsetDateTime,
    /// The event.
    pub by: StatementId,
    /// Where it is since, as far as anybody said; else where it was seen.
    pub place: Option<Identity>,
    /// Who has it, as far as anybody said.
    pub party: Option<Identity>,
    /// In what it lies, the outermost last.
    pub inside: Vec<Identity>,
}

/// A time during which something held affected things.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holding {
    /// What held them.
    pub holder: Identity,
    /// From when.
    pub from: OffsetDateTime,
    /// Until when; `None` if nothing ended it.
    pub until: Option<OffsetDateTime>,
    /// Whether no event says that it ended.
    pub is_end_inferred: bool,
}

/// One party's passing on of affected things to another: one step back and one step on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Passage {
    /// From whom.
    pub from: Identity,
    /// To whom.
    pub to: Identity,
    /// When it happened first.
    pub first: OffsetDateTime,
    /// When it happened last.
    pub last: OffsetDateTime,
    /// The events that say so.
    pub events: Vec<StatementId>,
}
