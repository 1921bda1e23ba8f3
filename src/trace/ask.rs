//! What a walk asks of the record: whose events, of which time, and which of them.

use time::OffsetDateTime;

use super::graph::is_instance;
use super::window::{Tie, Window};
use crate::domain::gs1::Identity;
use crate::domain::time::{FIRST, LAST, indexed};
use crate::trace::maps::Map;

/// Times of one thing that are asked for each by itself.
const MAX_ASKS: usize = 32;

/// Which of the events about a thing are wanted; up to [`Need::Whole`] each has those of the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Need {
    /// Of a lot: those that made it or saw it. Whatever else was made of it is not asked for.
    Source,
    /// Of what held something: those that say what held it in turn, and when it was emptied.
    Turns,
    /// Of what held something: all but its fillings with neighbours.
    Holder,
    /// All.
    Whole,
    /// The uses of a kind of thing.
    Uses,
    /// The parts of a transformation.
    Transformation,
}

/// The events of one thing in a time, ends included, to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ask {
    pub need: Need,
    pub since: OffsetDateTime,
    pub until: OffsetDateTime,
}

impl Ask {
    /// What a window of an identity asks for.
    pub fn of(identity: &Identity, window: &Window) -> Ask {
        let need = match window.tie {
            Tie::Holder | Tie::Instrument => Need::Holder,
            Tie::Lot | Tie::Consumed if !is_instance(identity) => Need::Source,
            Tie::Subject | Tie::Lot | Tie::Consumed => Need::Whole,
        };
        // Of which lot an item is may be said after it was used.
        let is_item = matches!(identity, Identity::Item { .. });
        let until = window.until.filter(|_| need < Need::Whole || !is_item);
        Ask {
            need,
            since: window.from.map_or(FIRST, |from| indexed(from.0)),
            until: until.map_or(LAST, |until| indexed(until.0)),
        }
    }

    /// What became of a holder from when it took a thing in until the window of both opens: whether the
    /// thing was in it still.
    pub fn of_turns(since: OffsetDateTime, window: &Window) -> Ask {
        let since = indexed(since);
        Ask {
            need: Need::Turns,
            since,
            until: window.from.map_or(since, |from| indexed(from.0)),
        }
    }

    /// The parts of a transformation up to a time.
    pub fn of_transformation(until: OffsetDateTime) -> Ask {
        Ask {
            need: Need::Transformation,
            since: FIRST,
            until: indexed(until),
        }
    }

    /// All of its parts.
    pub fn of_all_of_transformation() -> Ask {
        Ask {
            need: Need::Transformation,
            since: FIRST,
            until: LAST,
        }
    }

    /// All that is said of a thing that is affected; of a lot, not what gives items to it.
    pub fn of_affected(identity: &Identity) -> Ask {
        let need = match identity {
            // Of a kind of thing, nothing: not all of it is.
            Identity::Class { .. } => return Ask::of_uses(Some(LAST)),
            _ => Need::Whole,
        };
        Ask {
            need,
            since: FIRST,
            until: LAST,
        }
    }

    /// What a kind of thing was used for.
    pub fn of_uses(since: Option<OffsetDateTime>) -> Ask {
        Ask {
            need: Need::Uses,
            since: since.map_or(FIRST, indexed),
            until: LAST,
        }
    }

    /// Whether whoever has `other` has this too.
    pub fn is_in(&self, other: &Ask) -> bool {
        self.needs_no_more_than(other) && other.since <= self.since && self.until <= other.until
    }

    fn with(self, other: Ask) -> Ask {
        Ask {
            need: self.need.max(other.need),
            since: self.since.min(other.since),
            until: self.until.max(other.until),
        }
    }

    fn needs_no_more_than(&self, other: &Ask) -> bool {
        let is_of_thing = |ask: &Ask| ask.need <= Need::Whole;
        self.need == other.need
            || (is_of_thing(self) && is_of_thing(other) && self.need <= other.need)
    }
}

/// What is asked of many things, without what is asked twice.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Asks(Map<Identity, Vec<Ask>>);

impl Asks {
    /// Makes room for so many things.
    pub fn reserve(&mut self, things: usize) {
        self.0.reserve(things);
    }

    /// Asks for more.
    pub fn add(&mut self, thing: &Identity, ask: Ask) {
        let asks = match self.0.get_mut(thing) {
            Some(asks) => asks,
            None => self.0.entry(thing.clone()).or_default(),
        };
        if asks.iter().any(|known| ask.is_in(known)) {
            return;
        }
        asks.retain(|known| !known.is_in(&ask));
        asks.push(ask);
        // The time between them is asked for too, rather than each of a thousand by itself.
        if asks.len() > MAX_ASKS {
            let whole = asks.drain(..).reduce(Ask::with);
            asks.extend(whole);
        }
    }

    /// One by one.
    pub fn each(&self) -> impl Iterator<Item = (&Identity, Ask)> {
        let asks = self.iter();
        asks.flat_map(|(thing, asks)| asks.iter().map(move |ask| (thing, *ask)))
    }

    /// By thing.
    pub fn iter(&self) -> impl Iterator<Item = (&Identity, &[Ask])> {
        self.0.iter().map(|(thing, asks)| (thing, asks.as_slice()))
    }
}

/// What the record has answered.
#[derive(Debug, Default)]
pub(super) struct Answered(Map<Identity, Vec<Ask>>);

impl Answered {
    /// Keeps that an ask was answered; touching answers of one need are one.
    pub fn add(&mut self, thing: Identity, ask: Ask) {
        let known = self.0.entry(thing).or_default();
        let mut whole = ask;
        while let Some(place) = known.iter().position(|other| {
            other.need == whole.need && other.since <= whole.until && whole.since <= other.until
        }) {
            let other = known.swap_remove(place);
            whole.since = whole.since.min(other.since);
            whole.until = whole.until.max(other.until);
        }
        known.push(whole);
    }

    /// What of an ask is left to be asked; `None` if nothing is.
    pub fn left(&self, thing: &Identity, ask: Ask) -> Option<Ask> {
        let known = self.0.get(thing).map_or(&[][..], Vec::as_slice);
        let mut left = ask;
        loop {
            let fitting = known.iter().filter(|other| left.needs_no_more_than(other));
            let reaching = fitting.filter(|other| other.since <= left.since);
            let Some(reached) = reaching.map(|other| other.until).max() else {
                return Some(left);
            };
            if left.until <= reached {
                return None;
            }
            // What was answered up to here is asked for from here on; this instant is asked for again.
            if reached <= left.since {
                return Some(left);
            }
            left.since = reached;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;
    use time::macros::datetime;

    fn hour(hours: i64) -> OffsetDateTime {
        datetime!(2026-06-01 0:00 UTC) + Duration::hours(hours)
    }

    fn thing(name: &str) -> Identity {
        Identity::parse(&format!("urn:example:{name}")).unwrap()
    }

    fn ask(need: Need, since: i64, until: i64) -> Ask {
        let (since, until) = (hour(since), hour(until));
        Ask { need, since, until }
    }

    fn left(answered: &[Ask], asked: Ask) -> Option<Ask> {
        let mut all = Answered::default();
        for ask in answered {
            all.add(thing("a"), *ask);
        }
        assert_eq!(all.left(&thing("another"), asked), Some(asked));
        all.left(&thing("a"), asked)
    }

    #[test]
    fn what_was_answered_is_not_asked_again_and_the_rest_is() {
        let held = |since, until| ask(Need::Holder, since, until);
        assert_eq!(left(&[], held(1, 5)), Some(held(1, 5)));
        assert_eq!(left(&[held(1, 5)], held(1, 5)), None);
        assert_eq!(left(&[held(0, 9)], held(1, 5)), None);
        assert_eq!(left(&[held(1, 3)], held(1, 5)), Some(held(3, 5)));
        assert_eq!(left(&[held(1, 3), held(3, 5)], held(1, 5)), None);
        // An hour between them that nobody asked for.
        assert_eq!(
            left(&[held(1, 2), held(3, 5)], held(1, 5)),
            Some(held(2, 5))
        );
        assert_eq!(left(&[held(2, 5)], held(1, 5)), Some(held(1, 5)));
        // An instant that was answered leaves the time after it.
        assert_eq!(left(&[held(1, 1)], held(1, 5)), Some(held(1, 5)));
    }

    #[test]
    fn who_has_all_events_has_those_of_a_holder_and_not_the_other_way() {
        let (whole, held) = (ask(Need::Whole, 1, 5), ask(Need::Holder, 1, 5));
        let made = ask(Need::Source, 1, 5);
        assert_eq!(left(&[whole], held), None);
        assert_eq!(left(&[held], made), None);
        assert_eq!(left(&[held], whole), Some(whole));
        // One name may be that of a thing and that of a transformation.
        let joined = ask(Need::Transformation, 1, 5);
        assert_eq!(left(&[whole], joined), Some(joined));
        assert_eq!(left(&[joined], made), Some(made));
        // Different needs of neighbouring times do not make one answer.
        assert_eq!(
            left(&[ask(Need::Whole, 1, 3), ask(Need::Holder, 3, 5)], whole),
            Some(ask(Need::Whole, 3, 5))
        );
    }

    #[test]
    fn many_asks_of_one_thing_become_one_that_has_them_all() {
        let mut asks = Asks::default();
        let hours = |n: usize| 2 * n as i64;
        for n in 0..=MAX_ASKS {
            let need = if n == 3 { Need::Whole } else { Need::Turns };
            asks.add(&thing("a"), ask(need, hours(n), hours(n) + 1));
            asks.add(&thing("another"), ask(Need::Turns, 0, 1));
        }
        let all: Map<_, _> = asks.iter().collect();
        let whole = ask(Need::Whole, 0, hours(MAX_ASKS) + 1);
        assert_eq!(all[&thing("a")], [whole]);
        assert_eq!(all[&thing("another")].len(), 1);
    }

    #[test]
    fn an_ask_within_another_is_dropped_whichever_came_first() {
        let (small, large) = (ask(Need::Holder, 2, 3), ask(Need::Whole, 1, 5));
        for order in [[small, large], [large, small]] {
            let mut asks = Asks::default();
            for ask in order {
                asks.add(&thing("a"), ask);
            }
            let all: Vec<_> = asks.iter().collect();
            assert_eq!(all, [(&thing("a"), &[large][..])]);
        }
    }
}
