//! When an identity belongs to a story, and as what.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::epcis::Action;
use crate::domain::statement::StatementId;
use crate::domain::story::Via;

/// Where an event stands among all others: by when it happened, and among events of one instant by
/// where it is stored, which is the order in which they were recorded.
pub(super) type Moment = (OffsetDateTime, StatementId);

/// As what an identity belongs to a story; the first has the most to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tie {
    /// It is what was scanned.
    Subject,
    /// It is the lot of what was scanned.
    Lot,
    /// It was consumed to make what was scanned, or was inside what was consumed.
    Consumed,
    /// It held something of the story.
    Holder,
    /// It was fastened to something of the story, to measure.
    Instrument,
}

/// The time during which an identity's events belong to a story, ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// `None`: from the beginning.
    pub from: Option<Moment>,
    /// `None`: for ever.
    pub until: Option<Moment>,
    /// What its events may add.
    pub tie: Tie,
    /// How its events concern the scanned item.
    pub via: Via,
}

impl Window {
    /// All of time.
    pub fn always(tie: Tie, via: Via) -> Window {
        Window {
            from: None,
            until: None,
            tie,
            via,
        }
    }

    /// The life of an ingredient until the instant at which it was consumed. Records that know only
    /// the day give one instant to the making and the use, so all of that instant counts.
    pub fn consumed_at(instant: OffsetDateTime) -> Window {
        let last = StatementId {
            batch_id: Uuid::max(),
            position: i32::MAX,
        };
        Window {
            until: Some((instant, last)),
            ..Window::always(Tie::Consumed, Via::Ingredient)
        }
    }

    /// Whether an event belongs. At the instant of either end everything does, except what by its
    /// own meaning and by the order of the record was over before, or begins after: a container
    /// emptied of other goods just before ours went in, or filled again just after ours came out.
    pub fn holds(&self, at: Moment, action: Option<Action>) -> bool {
        let starts = self
            .from
            .is_none_or(|from| from <= at || (from.0 == at.0 && action != Some(Action::Delete)));
        let ends = self
            .until
            .is_none_or(|until| at <= until || (at.0 == until.0 && action != Some(Action::Add)));
        starts && ends
    }

    /// Whether this window admits all that `other` does.
    pub fn covers(&self, other: &Window) -> bool {
        let starts = self
            .from
            .is_none_or(|from| other.from.is_some_and(|theirs| from <= theirs));
        let ends = self
            .until
            .is_none_or(|until| other.until.is_some_and(|theirs| theirs <= until));
        starts && ends && self.tie <= other.tie && self.via <= other.via
    }

    /// The part of this window between two moments; `None` if it is empty.
    pub fn cut(&self, from: Moment, until: Option<Moment>) -> Option<Window> {
        let from = self.from.map_or(from, |start| start.max(from));
        let until = match (self.until, until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        until.is_none_or(|until| from <= until).then_some(Window {
            from: Some(from),
            until,
            ..*self
        })
    }

    /// The same time for what held the thing, or was on it.
    pub fn beside(self, tie: Tie) -> Window {
        let via = self.via.max(Via::Container);
        Window { tie, via, ..self }
    }

    /// Both windows as one, if they are of one kind and no time lies between them.
    pub fn joined(&self, other: &Window) -> Option<Window> {
        let before = |end: Option<Moment>, start: Option<Moment>| {
            end.is_some_and(|end| start.is_some_and(|start| end < start))
        };
        let apart = before(self.until, other.from) || before(other.until, self.from);
        let alike = self.tie == other.tie && self.via == other.via;
        (alike && !apart).then(|| Window {
            from: self.from.min(other.from),
            until: self.until.and_then(|a| other.until.map(|b| a.max(b))),
            ..*self
        })
    }
}
