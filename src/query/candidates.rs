//! Candidates: events that may fulfil a query, in the order of its answer.

use std::collections::VecDeque;
use std::sync::Arc;

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::QueryError;
use super::best::{Best, Frame, Place, Reach, is_before, place};
use super::plan::{Plan, Proposal};
use super::recent::Recent;
use crate::domain::posting::{Posting, Term, WantedTerms, each_of_row, minute};
use crate::domain::statement::StatementId;
use crate::domain::time::milliseconds;
use crate::store::event_index::{
    RowsOfMinute, TermRow, TermRows, Way, term_rows, term_rows_of_minute,
};
use crate::store::trace_index::{Hit, IdentityHits, identity_hits};

/// Candidates of one supply in memory, at most.
pub(super) const KEEP: usize = 16_384;
/// Rows of all terms that are read together, and hits of all identities.
const ROWS: usize = 4_096;
const HITS: usize = 8_192;
/// Hits of each identity.
const HITS_OF_EACH: usize = 256;
/// Rows of each term, and bytes of postings, that are read together: few at first, since most answers
/// need few, and then twice as many each time.
const FIRST_ROWS: usize = 32;
const MAX_ROWS: usize = 512;
const FIRST_BYTES: i64 = 32 * 1024;
const MAX_BYTES: i64 = 512 * 1024;
/// Rows read together of a minute that is gone through by itself.
const ROWS_OF_A_MINUTE: i64 = 16;

// Postgres and RFC 3339 know no other years.
const LAST: OffsetDateTime = time::macros::datetime!(9999-12-31 23:59:59.999 UTC);
const FIRST: OffsetDateTime = time::macros::datetime!(0000-01-01 0:00 UTC);

/// Where candidates come from.
enum Supply {
    /// All of them at hand.
    List(Vec<Posting>),
    /// What is not merged yet.
    Recent(Arc<WantedTerms>),
    /// Rows of terms, minute by minute.
    Terms(Vec<Term>, Walk),
    /// Rows of terms by the other time than that of the answer: there are few.
    Across(Vec<Term>),
    /// Rows of the trace index, from one on.
    Identities(Proposal, Option<Hit>),
    /// The same, by record time: the index has them in another order, and all are gone through.
    Recorded(Proposal),
}

/// How far a walk through rows has come.
#[derive(Debug, Clone, Copy)]
struct Walk {
    /// The minute from which it goes on, if it does.
    from: Option<i64>,
    rows: usize,
    bytes: i64,
}

impl Walk {
    fn starting(from: i64) -> Walk {
        Walk {
            from: Some(from),
            rows: FIRST_ROWS,
            bytes: FIRST_BYTES,
        }
    }
}

/// A supply with what was read of it.
struct Stream {
    supply: Supply,
    read: VecDeque<Posting>,
    /// The last that was read.
    after: Option<Place>,
    has_more: bool,
}

/// Several supplies as one, each event once.
pub(super) struct Candidates {
    frame: Frame,
    after: Option<Place>,
    streams: Vec<Stream>,
}

/// Where supplies read: a transaction, and what it has read already.
pub(super) struct Source<'s> {
    pub conn: &'s mut PgConnection,
    pub recent: &'s mut Recent,
}

impl Candidates {
    /// Those of a plan, after one place. `named` are the events that it names by their IDs.
    pub fn new(plan: &Plan, named: Vec<Posting>, after: Option<Place>) -> Candidates {
        let (frame, proposal) = (plan.frame, &plan.proposal);
        let (way, along) = (frame.way, frame.along());
        let start = match (after, way.ascending) {
            (None, true) => along.first,
            (None, false) => along.last,
            (Some((ms, _)), true) => ms.max(along.first),
            (Some((ms, _)), false) => ms.min(along.last),
        };
        let mut supplies = Vec::new();
        if !named.is_empty() {
            supplies.push(Supply::List(named));
        }
        if !proposal.keys.is_empty() {
            supplies.push(match way.by_record_time {
                true => Supply::Recorded(proposal.clone()),
                false => {
                    // The index is in the order of the answer, so that even among a million events of
                    // one time a page begins where the last one ended.
                    let begin = match after {
                        Some((ms, id)) if along.holds(ms) => hit_at(ms, id),
                        _ => before_all(start, way.ascending),
                    };
                    Supply::Identities(proposal.clone(), Some(begin))
                }
            });
        }
        if !proposal.terms.is_empty() {
            let mut wanted = WantedTerms::default();
            wanted.add(&proposal.terms);
            // Those of the other conditions too: of what is not merged they are at hand.
            plan.others.iter().for_each(|terms| wanted.add(terms));
            supplies.push(Supply::Recent(Arc::new(wanted)));
            let terms = proposal.terms.clone();
            supplies.push(match plan.goes_across {
                true => Supply::Across(terms),
                false => Supply::Terms(terms, Walk::starting(minute(start))),
            });
        }
        let stream = |supply| Stream {
            supply,
            read: VecDeque::new(),
            after,
            has_more: true,
        };
        Candidates {
            frame,
            after,
            streams: supplies.into_iter().map(stream).collect(),
        }
    }

    /// The next candidates, `count` of them unless there are fewer.
    pub async fn take(
        &mut self,
        source: &mut Source<'_>,
        count: usize,
    ) -> Result<Vec<Posting>, QueryError> {
        let mut taken = Vec::new();
        while taken.len() < count {
            for stream in &mut self.streams {
                stream.fill(source, self.frame).await?;
            }
            let heads = self.streams.iter_mut().filter_map(|stream| {
                let at = place(self.frame.way, stream.read.front()?);
                Some((at, &mut stream.read))
            });
            let nearest = heads.reduce(|a, b| match is_before(self.frame.way, b.0, a.0) {
                true => b,
                false => a,
            });
            let Some((at, read)) = nearest else { break };
            let posting = read.pop_front();
            if self.after != Some(at) {
                self.after = Some(at);
                taken.extend(posting);
            }
        }
        Ok(taken)
    }
}

impl Stream {
    /// Reads on until something is at hand or there is nothing more.
    async fn fill(&mut self, source: &mut Source<'_>, frame: Frame) -> Result<(), QueryError> {
        while self.read.is_empty() && self.has_more {
            let best = Best::new(frame, self.after, KEEP);
            let (best, next) = self.supply.read(source, frame, best).await?;
            let (postings, is_cut) = best.finish();
            let last = postings.last().map(|last| place(frame.way, last));
            self.after = last.or(self.after);
            self.has_more = is_cut || next;
            if let (true, Some((ms, _)), Supply::Terms(_, walk)) = (is_cut, last, &mut self.supply)
            {
                // What was not kept is read again, from the minute of the last that was.
                walk.from = Some(minute(ms));
            }
            self.read = postings.into();
        }
        Ok(())
    }
}

impl Supply {
    /// Pushes what comes next, and says whether anything may come after it.
    async fn read(
        &mut self,
        source: &mut Source<'_>,
        frame: Frame,
        mut best: Best,
    ) -> Result<(Best, bool), QueryError> {
        let merchant_id = source.recent.merchant_id();
        match self {
            Supply::List(all) => {
                all.iter().for_each(|posting| best.push(*posting));
                Ok((best, false))
            }
            Supply::Recent(wanted) => {
                let best = source.recent.find(source.conn, wanted, best).await?;
                Ok((best, false))
            }
            Supply::Terms(terms, walk) => {
                let rows = Rows::of(merchant_id, terms, frame);
                rows.read(source.conn, walk, &mut best).await?;
                Ok((best, walk.from.is_some()))
            }
            Supply::Across(terms) => {
                let way = Way {
                    by_record_time: !frame.way.by_record_time,
                    ascending: true,
                };
                let other = Frame { way, ..frame };
                let rows = Rows::of(merchant_id, terms, other);
                let mut walk = Walk::starting(other.along().minutes().0);
                while walk.from.is_some() {
                    rows.read(source.conn, &mut walk, &mut best).await?;
                }
                Ok((best, false))
            }
            Supply::Identities(proposal, from) => {
                if let Some(after) = *from {
                    // These are fewer than are kept.
                    let hits = hits_of(merchant_id, proposal, frame, after);
                    let next = read_hits(source.conn, hits, &mut best).await?;
                    *from = next.filter(|hit| is_in_reach(hit, frame));
                }
                Ok((best, from.is_some()))
            }
            Supply::Recorded(proposal) => {
                let frame = Frame {
                    way: Way {
                        by_record_time: false,
                        ascending: true,
                    },
                    ..frame
                };
                let mut from = Some(before_all(frame.events.first, true));
                while let Some(after) = from.filter(|hit| is_in_reach(hit, frame)) {
                    let hits = hits_of(merchant_id, proposal, frame, after);
                    from = read_hits(source.conn, hits, &mut best).await?;
                }
                Ok((best, false))
            }
        }
    }
}

/// Whether events may follow a hit that happened within the frame's times.
fn is_in_reach(hit: &Hit, frame: Frame) -> bool {
    let ms = milliseconds(hit.event_time);
    match frame.way.ascending {
        true => ms <= frame.events.last,
        false => ms >= frame.events.first,
    }
}

/// Which rows a walk goes through.
struct Rows<'t> {
    merchant_id: Uuid,
    terms: &'t [Term],
    frame: Frame,
}

impl<'t> Rows<'t> {
    fn of(merchant_id: Uuid, terms: &'t [Term], frame: Frame) -> Rows<'t> {
        Rows {
            merchant_id,
            terms,
            frame,
        }
    }

    /// Reads the rows of some whole minutes, and says in `walk` where to go on.
    async fn read(
        &self,
        conn: &mut PgConnection,
        walk: &mut Walk,
        best: &mut Best,
    ) -> Result<(), QueryError> {
        let Some(from) = walk.from else {
            return Ok(());
        };
        let (first, last) = self.frame.along().minutes();
        let way = self.frame.way;
        let of_each = walk.rows.min(ROWS / self.terms.len().max(1)).max(2);
        let wanted = TermRows {
            merchant_id: self.merchant_id,
            terms: self.terms,
            way,
            along: match way.ascending {
                true => (from, last),
                false => (first, from),
            },
            across: self.frame.across().minutes(),
            rows: of_each as i64,
            bytes: walk.bytes,
        };
        let rows = term_rows(conn, wanted).await?;
        walk.rows = MAX_ROWS.min(2 * walk.rows);
        let bytes: usize = rows.iter().map(|row| row.postings.len()).sum();
        let is_cut = bytes as i64 >= walk.bytes;
        walk.bytes = MAX_BYTES.min(2 * walk.bytes);
        walk.from = None;
        let known = match self.first_unknown(&rows, of_each, is_cut) {
            None => rows.len(),
            Some(unknown) if rows.first().map(|row| way.minute(row.minutes)) == Some(unknown) => {
                // Not even its first minute was read whole: it is gone through by itself.
                self.read_minute(conn, unknown, best).await?;
                let step = if way.ascending { 1 } else { -1 };
                walk.from = Some(unknown + step).filter(|next| (first..=last).contains(next));
                return Ok(());
            }
            Some(unknown) => {
                walk.from = Some(unknown);
                rows.partition_point(|row| match way.ascending {
                    true => way.minute(row.minutes) < unknown,
                    false => way.minute(row.minutes) > unknown,
                })
            }
        };
        push_rows(&rows[..known], best)
    }

    /// The first minute of which there may be more rows: the last that was read of a term that gave all
    /// that it was asked for, and of all of them where the bytes were too many.
    fn first_unknown(&self, rows: &[TermRow], of_each: usize, is_cut: bool) -> Option<i64> {
        let way = self.frame.way;
        let mut counts = std::collections::HashMap::new();
        for row in rows {
            let count = counts.entry(row.term).or_insert(0_usize);
            *count += 1;
            // They come in order: the first term to be full is the one that is cut first.
            if *count >= of_each {
                return Some(way.minute(row.minutes));
            }
        }
        let last = rows.last().filter(|_| is_cut);
        last.map(|row| way.minute(row.minutes))
    }

    async fn read_minute(
        &self,
        conn: &mut PgConnection,
        at: i64,
        best: &mut Best,
    ) -> Result<(), QueryError> {
        for term in self.terms {
            let mut wanted = RowsOfMinute {
                merchant_id: self.merchant_id,
                term: *term,
                by_record_time: self.frame.way.by_record_time,
                minute: at,
                across: self.frame.across().minutes(),
                after: (Uuid::nil(), i64::MIN),
                limit: ROWS_OF_A_MINUTE,
            };
            loop {
                let (rows, last) = term_rows_of_minute(conn, wanted).await?;
                push_rows(&rows, best)?;
                let Some(last) = last else { break };
                wanted.after = last;
                // Each of these may take a while, and others wait for the thread.
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }
}

fn push_rows(rows: &[TermRow], best: &mut Best) -> Result<(), QueryError> {
    for row in rows {
        each_of_row(row.minutes, &row.postings, |posting| best.push(posting))?;
    }
    Ok(())
}

fn hits_of(merchant_id: Uuid, proposal: &Proposal, frame: Frame, after: Hit) -> IdentityHits<'_> {
    let of_each = (HITS / proposal.keys.len().max(1)).clamp(16, HITS_OF_EACH);
    IdentityHits {
        merchant_id,
        keys: &proposal.keys,
        roles: &proposal.roles,
        ascending: frame.way.ascending,
        after,
        recorded: recorded_between(frame.records),
        limit: of_each as i64,
    }
}

/// Reads hits, and says after which to go on.
async fn read_hits(
    conn: &mut PgConnection,
    asked: IdentityHits<'_>,
    best: &mut Best,
) -> Result<Option<Hit>, QueryError> {
    let ascending = asked.ascending;
    let limit = asked.limit as usize;
    let found = identity_hits(conn, asked).await?;
    // What lies beyond the last hit of a key that gave all that was asked for is not known.
    let mut cut: Option<Hit> = None;
    for hits in found.iter().filter(|hits| hits.len() >= limit) {
        if let Some(last) = hits.last() {
            let is_nearer = cut.is_none_or(|known| (*last < known) == ascending);
            cut = if is_nearer { Some(*last) } else { cut };
        }
    }
    let is_known = |hit: &&Hit| cut.is_none_or(|cut| **hit == cut || (**hit < cut) == ascending);
    for hit in found.iter().flatten().filter(is_known) {
        best.push(Posting {
            event_ms: milliseconds(hit.event_time),
            recorded_ms: milliseconds(hit.recorded_at),
            id: hit.id,
        });
    }
    Ok(cut)
}

/// A time as the database can say it.
fn at_ms(ms: i64) -> OffsetDateTime {
    let nanos = i128::from(ms) * 1_000_000;
    let outside = if ms < 0 { FIRST } else { LAST };
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(outside);
    at.clamp(FIRST, LAST)
}

/// The times of captures in a reach.
pub(super) fn recorded_between(reach: Reach) -> (OffsetDateTime, OffsetDateTime) {
    (at_ms(reach.first), at_ms(reach.last))
}

/// A place before every hit from `start` on.
pub(super) fn before_all(start: i64, ascending: bool) -> Hit {
    let at = at_ms(start);
    // One step back, so that what happened at the very start is read too.
    let step = Duration::milliseconds(1);
    let (event_time, batch_id, position) = match ascending {
        true => (at.checked_sub(step), Uuid::nil(), -1),
        false => (at.checked_add(step), Uuid::max(), i32::MAX),
    };
    let id = StatementId { batch_id, position };
    Hit {
        event_time: event_time.unwrap_or(at),
        id,
        recorded_at: at,
    }
}

fn hit_at(ms: i64, id: StatementId) -> Hit {
    let at = at_ms(ms);
    Hit {
        event_time: at,
        id,
        recorded_at: at,
    }
}
