//! What queries find events by, against what the statements give.
//!
//! The merged index has some twenty entries for each event, in another order than the statements: of
//! each batch only a sum of the hashes of its entries is kept, from both sides, and compared.

use std::collections::{BTreeSet, HashMap};

use auditlog::Hash;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{CheckError, Report};
use crate::domain::posting::{BatchIndex, Posting, Term, decode_row, encode_row};
use crate::domain::statement::Batch;
use crate::domain::time::milliseconds;
use crate::store::event_index::{EventBatch, all_event_batches, all_term_rows, all_words};

/// Rows read at a time.
const ROWS: i64 = 500;

/// What the statements of a check add up to.
#[derive(Debug, Default)]
pub(super) struct IndexTally {
    /// What waits to be merged, by merchant and batch.
    waiting: HashMap<(Uuid, Uuid), Waiting>,
    /// The sum of each other batch's entries, and whether any row has one of them.
    sums: HashMap<(Uuid, Uuid), (u128, bool)>,
    words: BTreeSet<(Uuid, i16, String)>,
}

/// What is kept of a batch that waits, however many terms it has.
#[derive(Debug)]
struct Waiting {
    recorded_at: OffsetDateTime,
    /// Of its terms. None from before there was an index: they are made when it is merged.
    terms: Option<Hash>,
}

impl From<EventBatch> for Waiting {
    fn from(batch: EventBatch) -> Waiting {
        let is_made = !batch.terms.is_empty();
        Waiting {
            recorded_at: batch.recorded_at,
            terms: is_made.then(|| Hash::of(&[&batch.terms])),
        }
    }
}

impl IndexTally {
    /// Reads what waits to be merged.
    pub async fn read(conn: &mut PgConnection) -> Result<IndexTally, CheckError> {
        let mut tally = IndexTally::default();
        let mut after = (Uuid::nil(), Uuid::nil());
        loop {
            let page = all_event_batches(conn, after, ROWS).await?;
            let Some(last) = page.last() else {
                return Ok(tally);
            };
            after = (last.merchant_id, last.batch_id);
            for batch in page {
                let key = (batch.merchant_id, batch.batch_id);
                tally.waiting.insert(key, batch.into());
            }
        }
    }

    /// Compares what the statements of a batch give with what waits to be merged, or adds it up.
    pub fn compare(&mut self, report: &mut Report, batch: &Batch, index: &BatchIndex) {
        let key = (batch.merchant_id, batch.id);
        match self.waiting.remove(&key) {
            Some(waiting) => {
                if waiting.recorded_at != batch.recorded_at {
                    report.add(format!(
                        "event_batch {}: recorded_at is another than its batch's",
                        batch.id
                    ));
                }
                let terms = waiting.terms;
                if terms.is_some_and(|terms| terms != Hash::of(&[&index.encode()])) {
                    report.add(format!(
                        "event_batch {}: its terms are not those of its events",
                        batch.id
                    ));
                }
            }
            None if index.is_empty() => {}
            None => {
                let postings = index.postings(batch.id, milliseconds(batch.recorded_at));
                let sum = postings.fold(0, |sum: u128, (term, posting)| {
                    sum.wrapping_add(entry(term, &posting))
                });
                self.sums.insert(key, (sum, false));
                let words = index.words();
                self.words.extend(
                    words.map(|(kind, word)| (batch.merchant_id, kind.code(), word.to_owned())),
                );
            }
        }
    }

    /// Compares the sums, and looks for what is too much.
    pub async fn finish(
        mut self,
        conn: &mut PgConnection,
        report: &mut Report,
    ) -> Result<(), CheckError> {
        for (_, batch_id) in self.waiting.keys() {
            report.add(format!(
                "event_batch {batch_id}: there is no such batch with events"
            ));
        }
        self.subtract_rows(conn, report).await?;
        for ((_, batch_id), rest) in &self.sums {
            match rest {
                (0, _) => {}
                (_, true) => report.add(format!(
                    "event_term: the entries of batch {batch_id} are not those of its events"
                )),
                (_, false) => report.add(format!(
                    "event_batch, event_term: batch {batch_id} is in neither"
                )),
            }
        }
        self.compare_words(conn, report).await
    }

    async fn subtract_rows(
        &mut self,
        conn: &mut PgConnection,
        report: &mut Report,
    ) -> Result<(), CheckError> {
        let mut last = None;
        loop {
            let page = all_term_rows(conn, last.as_ref(), ROWS).await?;
            for placed in &page {
                let row = &placed.row;
                let mut postings = Vec::new();
                let read = decode_row(row.minutes, &row.postings, &mut postings);
                if read.is_err() || encode_row(row.minutes, &mut postings) != row.postings {
                    report.add(format!(
                        "event_term: a row of term {} is damaged",
                        row.term.0
                    ));
                    continue;
                }
                for posting in &postings {
                    let key = (row.merchant_id, posting.id.batch_id);
                    // A batch that is not there ends below zero, and is named with the others.
                    let (sum, has_rows) = self.sums.entry(key).or_default();
                    *sum = sum.wrapping_sub(entry(row.term, posting));
                    *has_rows = true;
                }
            }
            match page.into_iter().next_back() {
                Some(placed) => last = Some(placed),
                None => return Ok(()),
            }
        }
    }

    async fn compare_words(
        &mut self,
        conn: &mut PgConnection,
        report: &mut Report,
    ) -> Result<(), CheckError> {
        let mut last = (Uuid::nil(), i16::MIN, String::new());
        loop {
            let page = all_words(conn, &last, ROWS).await?;
            for word in &page {
                if !self.words.remove(word) {
                    report.add(format!(
                        "event_word: no event uses {:?} as {}",
                        word.2, word.1
                    ));
                }
            }
            match page.into_iter().next_back() {
                Some(word) => last = word,
                None => break,
            }
        }
        for (_, kind, word) in &self.words {
            report.add(format!("event_word: {word:?} as {kind} is missing"));
        }
        Ok(())
    }
}

/// One entry of the index as a number of which sums can be compared.
fn entry(term: Term, posting: &Posting) -> u128 {
    let hash = Hash::of(&[
        &term.0.to_be_bytes(),
        &posting.event_ms.to_be_bytes(),
        &posting.recorded_ms.to_be_bytes(),
        posting.id.batch_id.as_bytes(),
        &posting.id.position.to_be_bytes(),
    ]);
    let mut half = [0; 16];
    half.copy_from_slice(&hash.0[..16]);
    u128::from_be_bytes(half)
}
