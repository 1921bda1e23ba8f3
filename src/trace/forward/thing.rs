//! A thing that is affected, or may be: since when, and what led to it.

use time::OffsetDateTime;

use crate::domain::forward::{Certainty, Origin, Way};
use crate::domain::gs1::Identity;
use crate::domain::statement::StatementId;
use crate::trace::graph::Graph;

/// Why a thing is affected, and why it may be.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Thing {
    affected: Option<Reason>,
    possibly: Option<Reason>,
}

/// Since when, at the earliest, and because of what. The earliest stands; of several the first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reason {
    pub since: Option<OffsetDateTime>,
    pub origin: Option<Origin>,
}

/// What became of a reason that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It says nothing new.
    Known,
    /// It stands now, and changes nothing of what the thing leads to.
    Better,
    /// The thing is affected from earlier on.
    Earlier,
}

impl Thing {
    /// What an item's lots make of it. Of items that are older than what is wrong with the lot nobody knows whether
    /// they are the same mixture.
    pub fn of_lots<'t>(
        item: &Identity,
        graph: &Graph<'_>,
        things: impl Fn(&Identity) -> Option<&'t Thing>,
    ) -> Thing {
        let mut thing = Thing::default();
        let Identity::Item { gtin, .. } = *item else {
            return thing;
        };
        let mentions = graph.about(item);
        let mut numbers = graph.lots_of(item);
        numbers.sort_unstable();
        numbers.dedup();
        for number in numbers {
            let lot = Identity::LotOf { gtin, lot: number };
            let Some(of_lot) = things(&lot) else { continue };
            let named = mentions
                .iter()
                .find(|mention| [mention.lot(), mention.link_lot].contains(&Some(number)));
            let Some(named) = named else { continue };
            thing.take_as_item((&lot, of_lot), (named.id, named.event.event_time));
        }
        thing
    }

    /// Adds what a lot makes of an item that was named as its own first by one event.
    pub fn take_as_item(
        &mut self,
        (lot, of_lot): (&Identity, &Thing),
        (by, named_at): (StatementId, OffsetDateTime),
    ) {
        for (certainty, reason) in of_lot.reasons() {
            let is_of_it = reason.since.is_none_or(|since| since <= named_at);
            let certainty = if is_of_it {
                certainty
            } else {
                Certainty::Possibly
            };
            let origin = Origin {
                how: Way::ItemOf,
                from: lot.clone(),
                by,
            };
            // It was of this lot before anybody said so.
            let (since, origin) = (reason.since, Some(origin));
            self.take(certainty, Reason { since, origin });
        }
    }

    /// Whether a reason says nothing new.
    pub fn knows(&self, certainty: Certainty, reason: &Reason) -> bool {
        // Whatever is affected for sure since then need not be doubted.
        let sure = self.affected.as_ref();
        let is_surer =
            certainty == Certainty::Possibly && sure.is_some_and(|sure| sure.since <= reason.since);
        is_surer || self.reason(certainty).is_some_and(|known| known <= reason)
    }

    /// Adds a reason.
    pub fn take(&mut self, certainty: Certainty, reason: Reason) -> Taken {
        if self.knows(certainty, &reason) {
            return Taken::Known;
        }
        let place = match certainty {
            Certainty::Affected => &mut self.affected,
            Certainty::Possibly => &mut self.possibly,
        };
        let known = place.replace(reason);
        let since = |reason: &Option<Reason>| reason.as_ref().map(|reason| reason.since);
        match since(&known) {
            Some(known) if since(place) >= Some(known) => Taken::Better,
            _ => Taken::Earlier,
        }
    }

    /// With the reasons of another.
    pub fn with(mut self, other: &Thing) -> Thing {
        for (certainty, reason) in other.reasons() {
            self.take(certainty, reason.clone());
        }
        self
    }

    /// Both, as far as there are any.
    pub fn reasons(&self) -> impl Iterator<Item = (Certainty, &Reason)> {
        let affected = self.affected.iter();
        let affected = affected.map(|reason| (Certainty::Affected, reason));
        let possibly = self.possibly.iter();
        affected.chain(possibly.map(|reason| (Certainty::Possibly, reason)))
    }

    /// The one of a certainty.
    pub fn reason(&self, of: Certainty) -> Option<&Reason> {
        let mut reasons = self.reasons();
        reasons.find_map(|(certainty, reason)| (certainty == of).then_some(reason))
    }

    /// What is known best.
    pub fn best(&self) -> Option<(Certainty, &Reason)> {
        self.reasons().next()
    }

    /// Since when, of both: all that matters for the items of a lot.
    pub fn since(&self) -> [Option<Option<OffsetDateTime>>; 2] {
        let since = |reason: &Option<Reason>| reason.as_ref().map(|reason| reason.since);
        [since(&self.affected), since(&self.possibly)]
    }
}
