//! What is loaded for one ask of a walk.

use time::OffsetDateTime;

use super::super::ask::{Ask, Need};
use crate::domain::gs1::Identity;
use crate::domain::identity_key::identity_key;
use crate::domain::statement::Role;
use crate::domain::time::FIRST;
use crate::domain::turn::Turn;
use crate::store::walk::{Around, Described, Period, Probe};

/// Instruments that were fastened to a thing before a walk comes to it; those fastened last are read.
const MAX_FITTED: i64 = 64;

/// What is loaded for an ask.
pub(super) struct Load {
    pub thing: Identity,
    /// Its canonical name.
    pub name: String,
    /// As far as it is answered.
    pub ask: Ask,
    /// Of a holder.
    pub around: Around,
}

impl Load {
    pub fn of(thing: Identity, ask: Ask) -> Load {
        let around = Around {
            put_in_count: 0,
            put_in: None,
            fastened_count: 0,
            fastened: None,
            emptied: None,
        };
        Load {
            name: thing.canonical(),
            thing,
            ask,
            around,
        }
    }

    pub fn is_of_holder(&self) -> bool {
        matches!(self.ask.need, Need::Turns | Need::Holder)
    }

    /// Who empties a container ends what was in it: what became of it later is asked for only where that was
    /// not so.
    pub fn look(&mut self, around: Around) {
        self.around = around;
        let emptied = around.emptied.unwrap_or(self.ask.until);
        self.ask.until = self.ask.until.min(emptied);
    }

    /// From when on the turns of a holder are loaded, so that it is known where it was.
    pub fn turns_since(&self) -> OffsetDateTime {
        let earlier = [self.around.put_in, self.around.fastened];
        let earlier = earlier.into_iter().flatten();
        match self.ask.need {
            Need::Holder => earlier.fold(self.ask.since, OffsetDateTime::min),
            _ => self.ask.since,
        }
    }

    pub fn has_earlier_turns(&self, turns: i64) -> bool {
        let around = &self.around;
        self.ask.need == Need::Holder
            && (around.put_in_count == turns || around.fastened_count == turns)
    }

    /// What names it as a thing, as far as that is wanted.
    pub fn period(&self) -> Option<Period> {
        let is_of_thing = !matches!(
            self.ask.need,
            Need::Source | Need::Uses | Need::Transformation
        );
        is_of_thing.then(|| Period {
            key: identity_key(&self.name),
            is_holder: self.is_of_holder(),
            turns_since: self.turns_since(),
            // Of turns alone, nothing else but at the last instant.
            since: match self.ask.need {
                Need::Turns => self.ask.until,
                _ => self.ask.since,
            },
            until: self.ask.until,
        })
    }

    /// What names it in roles and turns that are asked for by themselves, up to `limit` in each.
    pub fn probes(&self, limit: i64) -> impl Iterator<Item = Probe> {
        let (since, until) = (self.ask.since, self.ask.until);
        let (named, since, until, limit): (&[(Role, Turn)], _, _, _) = match self.ask.need {
            Need::Source => {
                let made_or_seen = &[
                    (Role::Epc, Turn::Seen),
                    (Role::Epc, Turn::Ended),
                    (Role::Output, Turn::Seen),
                ];
                (made_or_seen, since, until, limit)
            }
            Need::Uses => (&[(Role::Input, Turn::Seen)], since, until, limit),
            Need::Transformation => (&[(Role::Transformation, Turn::Seen)], since, until, limit),
            // What was fastened to it to measure before the walk comes to it, may be there still.
            Need::Turns | Need::Holder => {
                let fitted = &[(Role::Parent, Turn::Fitted)];
                (fitted, FIRST, self.turns_since(), MAX_FITTED)
            }
            Need::Whole => (&[], since, until, limit),
        };
        let named = named.iter();
        let named = named.filter_map(|(role, turn)| Described::of(&self.name, *role, *turn));
        named.map(move |named| Probe {
            named,
            since,
            until,
            limit,
        })
    }
}
