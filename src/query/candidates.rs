//! Candidates: events that may fulfil a query, in the order of its answer.

use std::collections::VecDeque;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Cursor, QueryError};
use crate::domain::posting::{Posting, Term, decode_row, minute};
use crate::domain::time::milliseconds;
use crate::store::event_index::{Way, term_rows, term_rows_of_minute};
use crate::store::trace_index::{Hit, IdentityHits, identity_hits};

/// Rows of each term read at a time, and of each identity.
const ROWS: i64 = 128;
const HITS: i64 = 500;
/// Rows of one minute that are read together: a minute in which more was captured, or happened, has no
/// order that could be told in time.
const ROWS_OF_A_MINUTE: i64 = 200_000;

/// The place of an event in an answer: its time, and, among those of one time, where it is stored.
pub(super) type Place = (i64, crate::domain::statement::StatementId);

/// The order of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub way: Way,
}

impl Order {
    pub fn place(self, posting: &Posting) -> Place {
        let ms = match self.way.by_record_time {
            true => posting.recorded_ms,
            false => posting.event_ms,
        };
        (ms, posting.id)
    }

    /// Whether `a` comes before `b`.
    pub fn before(self, a: Place, b: Place) -> bool {
        if self.way.ascending { a < b } else { a > b }
    }

    fn sort(self, postings: &mut [Posting]) {
        postings.sort_unstable_by(|a, b| {
            let ordering = self.place(a).cmp(&self.place(b));
            if self.way.ascending {
                ordering
            } else {
                ordering.reverse()
            }
        });
    }
}

/// From where until where an answer goes, in milliseconds; both ends are in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    pub first: i64,
    pub last: i64,
}

/// One supply of candidates, in order.
pub(super) enum Supply {
    /// All of them at hand.
    List,
    /// Rows of terms, minute by minute.
    Terms { terms: Vec<Term>, from: Option<i64> },
    /// Rows of the trace index.
    Identities {
        keys: Vec<i64>,
        roles: Vec<i16>,
        from: Option<Hit>,
    },
}

/// A supply with what was read of it.
pub(super) struct Stream {
    supply: Supply,
    read: VecDeque<Posting>,
}

impl Stream {
    pub fn list(mut postings: Vec<Posting>, order: Order) -> Stream {
        order.sort(&mut postings);
        Stream {
            supply: Supply::List,
            read: postings.into(),
        }
    }

    pub fn terms(terms: Vec<Term>, start: i64) -> Stream {
        Stream {
            supply: Supply::Terms {
                terms,
                from: Some(minute(start)),
            },
            read: VecDeque::new(),
        }
    }

    pub fn identities(keys: Vec<i64>, roles: Vec<i16>, start: Hit) -> Stream {
        Stream {
            supply: Supply::Identities {
                keys,
                roles,
                from: Some(start),
            },
            read: VecDeque::new(),
        }
    }
}

/// Several streams as one, each event once.
pub(super) struct Candidates {
    merchant_id: Uuid,
    order: Order,
    reach: Reach,
    after: Option<Place>,
    streams: Vec<Stream>,
}

impl Candidates {
    pub fn new(
        merchant_id: Uuid,
        order: Order,
        reach: Reach,
        after: Option<Cursor>,
        streams: Vec<Stream>,
    ) -> Candidates {
        Candidates {
            merchant_id,
            order,
            reach,
            after: after.map(|cursor| (cursor.at_ms, cursor.id)),
            streams,
        }
    }

    /// The next candidate.
    pub async fn next(&mut self, conn: &mut PgConnection) -> Result<Option<Posting>, QueryError> {
        loop {
            for stream in &mut self.streams {
                stream
                    .fill(conn, self.merchant_id, self.order, self.reach)
                    .await?;
            }
            let mut nearest: Option<(usize, Place)> = None;
            for (number, stream) in self.streams.iter().enumerate() {
                let Some(head) = stream.read.front() else {
                    continue;
                };
                let place = self.order.place(head);
                if nearest.is_none_or(|(_, known)| self.order.before(place, known)) {
                    nearest = Some((number, place));
                }
            }
            let Some((number, place)) = nearest else {
                return Ok(None);
            };
            let posting = self.streams[number].read.pop_front();
            let is_new = self
                .after
                .is_none_or(|after| self.order.before(after, place));
            if !is_new {
                continue;
            }
            self.after = Some(place);
            let inside = (self.reach.first..=self.reach.last).contains(&place.0);
            if inside {
                return Ok(posting);
            }
        }
    }
}

impl Stream {
    /// Reads on until something is at hand or there is nothing more.
    async fn fill(
        &mut self,
        conn: &mut PgConnection,
        merchant_id: Uuid,
        order: Order,
        reach: Reach,
    ) -> Result<(), QueryError> {
        while self.read.is_empty() {
            let more = match &mut self.supply {
                Supply::List => return Ok(()),
                Supply::Terms { terms, from } => {
                    let Some(start) = *from else { return Ok(()) };
                    let window = window_of_terms(conn, merchant_id, terms, order, start).await?;
                    *from = window.next.filter(|next| is_in_reach(*next, order, reach));
                    window.postings
                }
                Supply::Identities { keys, roles, from } => {
                    let Some(start) = *from else { return Ok(()) };
                    let asked = IdentityHits {
                        merchant_id,
                        keys,
                        roles,
                        ascending: order.way.ascending,
                        after: start,
                        limit: HITS,
                    };
                    let (postings, next) = window_of_hits(conn, asked).await?;
                    *from = next;
                    postings
                }
            };
            let mut more = more;
            order.sort(&mut more);
            self.read = more.into();
        }
        Ok(())
    }
}

fn is_in_reach(at_minute: i64, order: Order, reach: Reach) -> bool {
    if order.way.ascending {
        at_minute <= minute(reach.last)
    } else {
        at_minute >= minute(reach.first)
    }
}

/// All postings of some minutes, and the minute from which to read on.
struct Window {
    postings: Vec<Posting>,
    next: Option<i64>,
}

async fn window_of_terms(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    terms: &[Term],
    order: Order,
    start: i64,
) -> Result<Window, QueryError> {
    let step = if order.way.ascending { 1 } else { -1 };
    let minute_of = |row: &crate::store::event_index::TermRow| match order.way.by_record_time {
        true => row.minutes.recorded,
        false => row.minutes.event,
    };
    let mut rows = term_rows(conn, merchant_id, terms, order.way, start, ROWS).await?;
    // A term that gave all that was asked for may have more in its last minute.
    let mut cut: Option<i64> = None;
    for term in terms {
        let of_term: Vec<i64> = rows
            .iter()
            .filter(|row| row.term == *term)
            .map(minute_of)
            .collect();
        if of_term.len() as i64 >= ROWS
            && let Some(last) = of_term.last().copied()
        {
            let nearer = match cut {
                Some(known) if step > 0 => known.min(last),
                Some(known) => known.max(last),
                None => last,
            };
            cut = Some(nearer);
        }
    }
    let next = match cut {
        None => None,
        Some(cut) if rows.first().map(minute_of) == Some(cut) => {
            // One minute has more rows than were asked for: all of it, and nothing else.
            let by_record_time = order.way.by_record_time;
            let limit = ROWS_OF_A_MINUTE + 1;
            rows =
                term_rows_of_minute(conn, merchant_id, terms, by_record_time, cut, limit).await?;
            if rows.len() as i64 > ROWS_OF_A_MINUTE {
                return Err(QueryError::TooComplex);
            }
            cut.checked_add(step)
        }
        Some(cut) => {
            rows.retain(|row| minute_of(row) != cut && (minute_of(row) < cut) == (step > 0));
            Some(cut)
        }
    };
    let mut postings = Vec::new();
    for row in &rows {
        decode_row(row.minutes, &row.postings, &mut postings)?;
    }
    Ok(Window { postings, next })
}

async fn window_of_hits(
    conn: &mut PgConnection,
    asked: IdentityHits<'_>,
) -> Result<(Vec<Posting>, Option<Hit>), QueryError> {
    let ascending = asked.ascending;
    let limit = asked.limit as usize;
    let found = identity_hits(conn, asked).await?;
    // As above: what lies beyond the last hit of a key that gave all that was asked for is not known.
    let mut cut: Option<Hit> = None;
    for hits in &found {
        if hits.len() >= limit
            && let Some(last) = hits.last()
        {
            let is_nearer = cut.is_none_or(|known| (*last < known) == ascending);
            cut = if is_nearer { Some(*last) } else { cut };
        }
    }
    let is_known = |hit: &Hit| cut.is_none_or(|cut| *hit == cut || (*hit < cut) == ascending);
    let postings = found
        .iter()
        .flatten()
        .filter(|hit| is_known(hit))
        .map(posting_of)
        .collect();
    Ok((postings, cut))
}

/// A row of the trace index as a candidate.
pub(super) fn posting_of(hit: &Hit) -> Posting {
    Posting {
        event_ms: milliseconds(hit.event_time),
        recorded_ms: milliseconds(hit.recorded_at),
        id: hit.id,
    }
}
