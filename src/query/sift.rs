//! Which candidates have what the other conditions ask for, by the index alone: rows of the same minutes
//! are read much faster than the candidates' texts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

use super::QueryError;
use super::recent::off_the_worker;
use crate::domain::posting::{Minutes, Posting, Term, each_of_row};
use crate::domain::statement::StatementId;
use crate::store::event_index::{TermRow, TermRows, Way, term_rows_in_minutes};

/// Places of the index that one query looks at: terms times minutes.
const PROBES: usize = 8_192;
/// Rows and bytes of one query. Where there are more, the condition is left to the texts.
const ROWS: i64 = 16_384;
const BYTES: i64 = 1024 * 1024;

/// Those of the candidates that have a term of each of `conditions`, in their order; with them those of
/// `unmerged` batches, which no row names. One too many may be kept, and never one too few.
pub(super) async fn sift(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    conditions: &[Vec<Term>],
    unmerged: &BTreeSet<Uuid>,
    mut candidates: Vec<Posting>,
) -> Result<Vec<Posting>, QueryError> {
    for terms in conditions {
        let sieve = Sieve::new(terms, unmerged, &candidates);
        let is_kept = sieve.ask(conn, merchant_id, &candidates).await?;
        candidates.retain(|posting| is_kept.get(&posting.id) == Some(&true));
    }
    Ok(candidates)
}

/// One condition, and the candidates that it may keep.
struct Sieve<'t> {
    terms: &'t [Term],
    /// Whether the candidates' rows are looked for by their minutes of capture: by those of which there
    /// are fewer.
    by_record_time: bool,
    /// These minutes, and with each of them those of the other kind; both ascend.
    minutes: BTreeMap<i64, BTreeSet<i64>>,
    is_kept: HashMap<StatementId, bool>,
}

impl<'t> Sieve<'t> {
    fn new(terms: &'t [Term], unmerged: &BTreeSet<Uuid>, candidates: &[Posting]) -> Sieve<'t> {
        let all = candidates.iter().map(Minutes::of);
        let events: BTreeSet<i64> = all.clone().map(|minutes| minutes.event).collect();
        let records: BTreeSet<i64> = all.clone().map(|minutes| minutes.recorded).collect();
        let by_record_time = records.len() < events.len();
        let mut minutes: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for of_one in all {
            let (along, across) = split(of_one, by_record_time);
            minutes.entry(along).or_default().insert(across);
        }
        let is_unmerged = |id: &StatementId| unmerged.contains(&id.batch_id);
        let ids = candidates.iter().map(|posting| posting.id);
        Sieve {
            terms,
            by_record_time,
            minutes,
            is_kept: ids.map(|id| (id, is_unmerged(&id))).collect(),
        }
    }

    async fn ask(
        mut self,
        conn: &mut PgConnection,
        merchant_id: Uuid,
        candidates: &[Posting],
    ) -> Result<HashMap<StatementId, bool>, QueryError> {
        let at_once = (PROBES / self.terms.len().max(1)).max(1);
        let minutes: Vec<(i64, BTreeSet<i64>)> =
            std::mem::take(&mut self.minutes).into_iter().collect();
        for some in minutes.chunks(at_once) {
            let along: Vec<i64> = some.iter().map(|(minute, _)| *minute).collect();
            let firsts = some.iter().filter_map(|(_, others)| others.first());
            let lasts = some.iter().filter_map(|(_, others)| others.last());
            let across = firsts.min().copied().zip(lasts.max().copied());
            let wanted = TermRows {
                merchant_id,
                terms: self.terms,
                way: Way {
                    by_record_time: self.by_record_time,
                    ascending: true,
                },
                along: (along[0], along[along.len() - 1]),
                across: across.unwrap_or((i64::MIN, i64::MAX)),
                rows: ROWS,
                bytes: BYTES,
            };
            let rows = term_rows_in_minutes(conn, wanted, &along).await?;
            let bytes: usize = rows.iter().map(|row| row.postings.len()).sum();
            if rows.len() as i64 >= ROWS || bytes as i64 >= BYTES {
                // Not all rows are known: nothing can be said of the candidates of these minutes.
                for posting in candidates {
                    let (minute, _) = split(Minutes::of(posting), self.by_record_time);
                    if along.binary_search(&minute).is_ok() {
                        self.is_kept.insert(posting.id, true);
                    }
                }
                continue;
            }
            let is_kept = std::mem::take(&mut self.is_kept);
            self.is_kept = off_the_worker(move || keep(is_kept, &rows)).await?;
        }
        Ok(self.is_kept)
    }
}

/// Keeps what the rows name.
fn keep(
    mut is_kept: HashMap<StatementId, bool>,
    rows: &[TermRow],
) -> Result<HashMap<StatementId, bool>, QueryError> {
    for row in rows {
        each_of_row(row.minutes, &row.postings, |posting| {
            if let Some(is_kept) = is_kept.get_mut(&posting.id) {
                *is_kept = true;
            }
        })?;
    }
    Ok(is_kept)
}

/// The minute by which rows are looked for, and the other.
fn split(minutes: Minutes, by_record_time: bool) -> (i64, i64) {
    match by_record_time {
        true => (minutes.recorded, minutes.event),
        false => (minutes.event, minutes.recorded),
    }
}
