//! Delivering: subscribers are sent the events that fulfil their query, in the order of the log, each at
//! least once and none left out.
//!
//! A round takes the subscriptions whose turn it is, reads what was sealed since they looked last, and sends
//! each its own part. How far a subscription has come moves only after its target has taken a delivery, or
//! where there was nothing for it: a crash at any line costs a delivery that is made twice. What failed is
//! sent again as it was, after a pause, and nothing behind it before.

mod send;
mod slots;
mod window;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use auditlog::LeafIndex;
use futures_util::FutureExt;
use sqlx::PgConnection;
use thiserror::Error;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::domain::sealed::SealingKey;
use crate::domain::subscription::{Pace, Progress, Subscription, Tried};
use crate::http_client::PrivateTargets;
use crate::query::{QueryError, Recent};
use crate::store::statement::StoredEvent;
use crate::store::subscription::{Due, Turn, due_subscriptions};
use crate::store::{Database, is_too_slow, is_unavailable, read_for};
use send::{Delivery, Sender, after_failure};
use slots::Slots;
use window::{Document, Window, Wish, documents};

/// Subscriptions that are looked at in one round, of those that fail and of the others.
const TOGETHER: i64 = 64;
/// The next time of a schedule whose years are over.
const NEVER: OffsetDateTime = datetime!(9999-12-31 0:00 UTC);

/// How long a subscription rests whose progress could not be stored: its target was asked, and would be
/// again at once.
const UNSTORED_PAUSE: Duration = Duration::from_secs(5);
/// How long it is waited for the index of events.
const INDEX_PAUSE: Duration = Duration::from_secs(1);
/// What a subscriber is told where its merchant's record cannot be read.
const UNREADABLE: &str = "what was sealed cannot be read here; the operator's log says why";

/// Why a round came to nothing.
#[derive(Debug, Error)]
pub enum DeliverError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// What sends subscribers what is theirs.
#[derive(Debug)]
pub struct Deliverer {
    sender: Arc<Sender>,
    slots: Slots,
    /// Deliveries under way, each of which gives the subscription's id.
    under_way: JoinSet<Uuid>,
}

/// Subscriptions of one merchant that read on from one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    merchant_id: Uuid,
    from: LeafIndex,
    /// Where a delivery is made again, its end.
    until: Option<LeafIndex>,
}

impl Place {
    fn of(subscription: &Subscription) -> Place {
        let progress = &subscription.progress;
        Place {
            merchant_id: subscription.merchant_id,
            from: progress.next_index,
            until: progress.tried.map(|tried| tried.until),
        }
    }
}

impl Deliverer {
    /// Sends to the public internet and to what is listed in `private`.
    pub fn new(database: Database, private: PrivateTargets, tokens: SealingKey) -> Deliverer {
        Deliverer {
            sender: Arc::new(Sender::new(database, private, tokens)),
            slots: Slots::default(),
            under_way: JoinSet::new(),
        }
    }

    /// Begins whatever is due at `now` and has a slot. Says whether there is more to do at once.
    pub async fn round(&mut self, now: OffsetDateTime) -> Result<bool, DeliverError> {
        let began = Instant::now();
        while let Some(ended) = self.under_way.try_join_next() {
            self.end(ended);
        }
        let mut goes_on = false;
        for is_failing in [false, true] {
            if !self.slots.has_room(is_failing) {
                continue;
            }
            let (busy, full) = (self.slots.busy(), self.slots.full(is_failing));
            let turn = Turn {
                now,
                is_failing,
                busy: &busy,
                full: &full,
                limit: TOGETHER,
            };
            let due = {
                let mut conn = self.sender.database.deliverer.acquire().await?;
                due_subscriptions(&mut conn, turn).await?
            };
            let mut places: BTreeMap<Place, Vec<Due>> = BTreeMap::new();
            for due in due {
                let subscription = &due.subscription;
                let (merchant_id, id) = (subscription.merchant_id, subscription.id);
                // Who gets none now is looked at again when a delivery has ended.
                if self.slots.take(merchant_id, id, is_failing) {
                    places.entry(Place::of(subscription)).or_default().push(due);
                }
            }
            let mut places = places.into_iter();
            while let Some((place, due)) = places.next() {
                match self.begin((now, began), place, due).await {
                    Ok(more) => goes_on |= more,
                    Err(error) => {
                        // Nothing of the others was begun: without their slots they are due again.
                        for due in places.flat_map(|(_, due)| due) {
                            self.slots.release(due.subscription.id);
                        }
                        return Err(error);
                    }
                }
            }
        }
        Ok(goes_on)
    }

    /// Waits until a delivery under way has ended; at once if there is none.
    pub async fn one_ended(&mut self) {
        if let Some(ended) = self.under_way.join_next().await {
            self.end(ended);
        }
    }

    /// Waits until all deliveries under way have ended.
    pub async fn all_ended(&mut self) {
        while self.is_busy() {
            self.one_ended().await;
        }
    }

    /// Whether any delivery is under way.
    pub fn is_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    fn end(&mut self, ended: Result<Uuid, tokio::task::JoinError>) {
        match ended {
            Ok(id) => self.slots.release(id),
            Err(error) => tracing::error!(%error, "deliveries were broken off"),
        }
    }

    /// Looks at what was sealed from one place on, and begins the deliveries of those who asked for it.
    /// An error is one of the database as a whole: what only this place has costs nobody else anything.
    async fn begin(
        &mut self,
        (now, began): (OffsetDateTime, Instant),
        place: Place,
        due: Vec<Due>,
    ) -> Result<bool, DeliverError> {
        let subscriptions: Vec<Subscription> =
            due.iter().map(|due| due.subscription.clone()).collect();
        let (window, asking) = match self.look(now, place, due).await {
            Ok(looked) => looked,
            Err(DeliverError::Store(error)) if is_of_what_was_read(&error) => {
                tracing::error!(%error, merchant = %place.merchant_id, from = place.from.0,
                    "what was sealed cannot be read for its subscribers");
                for subscription in subscriptions {
                    let to = after_failure(&subscription.progress, UNREADABLE.to_owned(), now);
                    self.stand(&subscription, &to).await;
                }
                return Ok(false);
            }
            Err(error) => {
                for subscription in subscriptions {
                    self.slots.release(subscription.id);
                }
                return Err(error);
            }
        };
        let mut goes_on = false;
        for asked in asking {
            let id = asked.due.subscription.id;
            match asked.next(now, &window) {
                Next::Send(delivery) => {
                    let sender = Arc::clone(&self.sender);
                    self.under_way.spawn(async move {
                        let delivery = sender.deliver(*delivery, now, began);
                        // One that panics gives its slot back like any other.
                        let ended = AssertUnwindSafe(delivery).catch_unwind().await;
                        let is_stored = ended.unwrap_or_else(|_| {
                            tracing::error!(subscription = %id, "a delivery broke off");
                            false
                        });
                        if is_stored { id } else { rested(id).await }
                    });
                }
                Next::Stand(subscription, to) => {
                    let is_stored = self.stand(&subscription, &to).await;
                    goes_on |= is_stored && !window.is_last && to.failures == 0;
                }
            }
        }
        Ok(goes_on)
    }

    /// Stores where a subscription stands without a delivery, and gives its slot back: at once, or, if
    /// it could not be stored, after a pause, so that the same is not done over and over.
    async fn stand(&mut self, subscription: &Subscription, to: &Progress) -> bool {
        let id = subscription.id;
        let is_stored = self.sender.store(subscription, to).await;
        if is_stored {
            self.slots.release(id);
        } else {
            self.under_way.spawn(rested(id));
        }
        is_stored
    }

    /// Reads from one place on, and decides what is for whom.
    async fn look(
        &self,
        now: OffsetDateTime,
        place: Place,
        due: Vec<Due>,
    ) -> Result<(Window, Vec<Decided>), DeliverError> {
        let mut conn = self.sender.database.deliverer.acquire().await?;
        let mut tx = read_for(&mut conn, place.merchant_id).await?;
        let read = read(&mut tx, now, place, due).await;
        tx.rollback().await?;
        drop(conn);
        let (mut window, asking, mut others) = read?;
        let events = std::mem::take(&mut window.events);
        let decided = tokio::task::spawn_blocking(move || decide(&events, asking)).await;
        others.extend(decided.expect("deciding does not panic"));
        Ok((window, others))
    }
}

/// The subscription, once it has rested.
async fn rested(id: Uuid) -> Uuid {
    tokio::time::sleep(UNSTORED_PAUSE).await;
    id
}

/// Whether an error is about what was asked for, and the database is well: a stored row that cannot be
/// read, or so many that it took too long.
fn is_of_what_was_read(error: &sqlx::Error) -> bool {
    is_too_slow(error) || !is_unavailable(error)
}

/// The window of a place, what each subscription wants, and those whose wish cannot be read.
async fn read(
    conn: &mut PgConnection,
    now: OffsetDateTime,
    place: Place,
    due: Vec<Due>,
) -> Result<(Window, Vec<(Due, Wish)>, Vec<Decided>), DeliverError> {
    let (mut asking, mut unreadable) = (Vec::new(), Vec::new());
    let mut recent = Recent::of(place.merchant_id);
    for due in due {
        let unfit = match Wish::read(conn, &mut recent, &due, now).await {
            Ok(wish) => {
                asking.push((due, wish));
                continue;
            }
            Err(QueryError::Store(error)) => return Err(error.into()),
            Err(QueryError::IndexBehind) => Unfit::NotYet,
            Err(error) => Unfit::Fault(error.to_string()),
        };
        let found = Err(unfit);
        unreadable.push(Decided { due, found });
    }
    let window = Window::read(conn, place.merchant_id, place.from, place.until).await?;
    Ok((window, asking, unreadable))
}

/// What of the events is for whom.
fn decide(events: &[StoredEvent], asking: Vec<(Due, Wish)>) -> Vec<Decided> {
    let documents = documents(events, &asking);
    let (documents, fault) = match documents {
        Ok(documents) => (documents, None),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    let mut documents = documents.into_iter();
    let found = |(due, _)| Decided {
        due,
        found: documents
            .next()
            .ok_or_else(|| Unfit::Fault(format!("a stored event is damaged: {fault:?}"))),
    };
    asking.into_iter().map(found).collect()
}

/// A subscription, and what there is for it.
#[derive(Debug)]
struct Decided {
    due: Due,
    /// Its document, or why there is none.
    found: Result<Document, Unfit>,
}

/// Why there is no document.
#[derive(Debug)]
enum Unfit {
    /// The index of events is behind, and will not be in a moment: nobody's failure.
    NotYet,
    /// What the subscriber is told.
    Fault(String),
}

/// What becomes of a subscription.
#[derive(Debug)]
enum Next {
    /// A delivery is made.
    Send(Box<Delivery>),
    /// There is none: it stands elsewhere now.
    Stand(Box<Subscription>, Progress),
}

impl Decided {
    fn next(self, now: OffsetDateTime, window: &Window) -> Next {
        let subscription = self.due.subscription;
        let progress = &subscription.progress;
        let document = match self.found {
            Ok(document) => document,
            Err(unfit) => {
                let to = match unfit {
                    Unfit::Fault(why) => after_failure(progress, why, now),
                    Unfit::NotYet => Progress {
                        next_attempt_at: now + INDEX_PAUSE,
                        ..progress.clone()
                    },
                };
                return Next::Stand(Box::new(subscription), to);
            }
        };
        let is_stream = subscription.pace == Pace::Stream;
        let is_end_of_report = !is_stream && window.is_last;
        let says_nothing =
            is_end_of_report && subscription.report_if_empty && !progress.has_reported;
        // What was tried once is tried again, even if it was a report of nothing.
        let is_sent = document.count > 0 || progress.tried.is_some() || says_nothing;
        let next_report = match &subscription.pace {
            Pace::Schedule(schedule) if window.is_last => schedule.next_after(now),
            _ => Some(now),
        };
        let to = Progress {
            next_index: window.until,
            min_record_time: now,
            last_notified_at: progress.last_notified_at,
            next_attempt_at: next_report.unwrap_or(NEVER),
            has_reported: !is_stream && !window.is_last && (is_sent || progress.has_reported),
            failures: 0,
            last_failure: None,
            tried: None,
        };
        if !is_sent {
            return Next::Stand(Box::new(subscription), to);
        }
        Next::Send(Box::new(Delivery {
            tried: progress.tried.unwrap_or(Tried {
                until: window.until,
                at: now,
            }),
            subscription,
            sealed_token: self.due.sealed_token,
            text: document.text,
            to,
        }))
    }
}
