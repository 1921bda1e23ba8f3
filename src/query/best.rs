//! The order of an answer, and the first events of it among any number.

use crate::domain::posting::{Posting, minute};
use crate::domain::statement::StatementId;
use crate::store::event_index::{Span, Way};

/// The place of an event in an answer: its time, and, among those of one time, where it is stored.
pub(super) type Place = (i64, StatementId);

/// The place of an event in an answer that goes `way`.
pub(super) fn place(way: Way, posting: &Posting) -> Place {
    let ms = match way.by_record_time {
        true => posting.recorded_ms,
        false => posting.event_ms,
    };
    (ms, posting.id)
}

/// Whether `a` comes before `b`.
pub(super) fn is_before(way: Way, a: Place, b: Place) -> bool {
    if way.ascending { a < b } else { a > b }
}

/// From where until where, in milliseconds; both ends are in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub first: i64,
    pub last: i64,
}

impl Reach {
    /// Whether it ends anywhere.
    pub fn is_bounded(self) -> bool {
        self.first > i64::MIN || self.last < i64::MAX
    }

    /// Its first and its last minute.
    pub fn minutes(self) -> Span {
        (minute(self.first), minute(self.last))
    }

    pub fn holds(self, ms: i64) -> bool {
        (self.first..=self.last).contains(&ms)
    }
}

/// The order of an answer, and the times within which its events lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub way: Way,
    pub events: Reach,
    pub records: Reach,
}

impl Frame {
    /// The span of the time by which the answer is ordered.
    pub fn along(self) -> Reach {
        match self.way.by_record_time {
            true => self.records,
            false => self.events,
        }
    }

    /// The span of the other time.
    pub fn across(self) -> Reach {
        match self.way.by_record_time {
            true => self.events,
            false => self.records,
        }
    }

    /// To the millisecond, before the event is read.
    fn may_hold(self, posting: &Posting) -> bool {
        self.events.holds(posting.event_ms) && self.records.holds(posting.recorded_ms)
    }
}

/// The first events of an answer after one place, among all that are pushed: never more in memory than
/// twice as many as are kept.
#[derive(Debug)]
pub(super) struct Best {
    frame: Frame,
    after: Option<Place>,
    keep: usize,
    postings: Vec<Posting>,
    /// The last that is kept, once that many are.
    last: Option<Place>,
    /// Whether one was pushed that is not kept.
    has_more: bool,
}

impl Best {
    pub fn new(frame: Frame, after: Option<Place>, keep: usize) -> Best {
        Best {
            frame,
            after,
            keep,
            postings: Vec::new(),
            last: None,
            has_more: false,
        }
    }

    pub fn push(&mut self, posting: Posting) {
        let (way, at) = (self.frame.way, place(self.frame.way, &posting));
        let is_known = self.after.is_some_and(|after| !is_before(way, after, at));
        if is_known || !self.frame.may_hold(&posting) {
            return;
        }
        if self.last.is_some_and(|last| is_before(way, last, at)) {
            self.has_more = true;
            return;
        }
        self.postings.push(posting);
        if self.postings.len() >= 2 * self.keep {
            self.settle();
        }
    }

    fn settle(&mut self) {
        let way = self.frame.way;
        self.postings.sort_unstable_by(|a, b| {
            let ordering = place(way, a).cmp(&place(way, b));
            if way.ascending {
                ordering
            } else {
                ordering.reverse()
            }
        });
        self.postings.dedup();
        self.has_more |= self.postings.len() > self.keep;
        self.postings.truncate(self.keep);
        if self.postings.len() == self.keep {
            self.last = self.postings.last().map(|last| place(way, last));
        }
    }

    /// They in their order, and whether there are more.
    pub fn finish(mut self) -> (Vec<Posting>, bool) {
        self.settle();
        (self.postings, self.has_more)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn posting(ms: i64, position: i32) -> Posting {
        let id = StatementId {
            batch_id: Uuid::nil(),
            position,
        };
        Posting {
            event_ms: ms,
            recorded_ms: -ms,
            id,
        }
    }

    proptest! {
        #[test]
        fn page_after_page_the_best_are_all_in_order_and_each_once(
            all in proptest::collection::vec((0..9_i64, 0..9_i32), 0..60),
            by_record_time: bool, ascending: bool, keep in 1..7_usize,
        ) {
            let way = Way { by_record_time, ascending };
            let records = Reach { first: i64::MIN, last: i64::MAX };
            let frame = Frame { way, events: Reach { first: 2, last: 7 }, records };
            let inside = all.iter().filter(|(ms, _)| (2..=7).contains(ms));
            let mut expected: Vec<Place> =
                inside.map(|(ms, n)| place(way, &posting(*ms, *n))).collect();
            expected.sort_unstable();
            expected.dedup();
            if !ascending {
                expected.reverse();
            }
            let (mut found, mut more) = (Vec::new(), true);
            while more {
                let mut best = Best::new(frame, found.last().copied(), keep);
                for (ms, n) in &all {
                    best.push(posting(*ms, *n));
                    prop_assert!(best.postings.len() < 2 * keep);
                }
                let (some, has_more) = best.finish();
                prop_assert!(some.len() <= keep);
                found.extend(some.iter().map(|posting| place(way, posting)));
                more = has_more;
            }
            prop_assert_eq!(found, expected);
        }
    }
}
