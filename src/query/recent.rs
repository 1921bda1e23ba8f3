//! What captures left that is not merged yet: every query looks through it, so that what was answered with
//! 202 is found at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::PgConnection;
use uuid::Uuid;

use super::QueryError;
use super::best::Best;
use crate::domain::posting::{WantedTerms, WordKind, find_in_batch, words_in_batch};
use crate::domain::time::milliseconds;
use crate::store::event_index::{EventBatch, unmerged_event_batches};

/// Batches that wait to be merged and are still looked through.
const MAX_BATCHES: i64 = 20_000;
/// Bytes of them.
const MAX_BYTES: i64 = 16 * 1024 * 1024;

/// What one merchant's captures left, read at most once for all that a request asks of one moment.
#[derive(Debug)]
pub struct Recent {
    merchant_id: Uuid,
    batches: Option<Arc<[EventBatch]>>,
}

impl Recent {
    /// Of a merchant; nothing is read yet.
    pub fn of(merchant_id: Uuid) -> Recent {
        Recent {
            merchant_id,
            batches: None,
        }
    }

    /// Whose.
    pub fn merchant_id(&self) -> Uuid {
        self.merchant_id
    }

    async fn read(&mut self, conn: &mut PgConnection) -> Result<Arc<[EventBatch]>, QueryError> {
        if let Some(batches) = &self.batches {
            return Ok(Arc::clone(batches));
        }
        let read = unmerged_event_batches(conn, self.merchant_id, MAX_BYTES, MAX_BATCHES + 1);
        let read = read.await?;
        let bytes: usize = read.iter().map(|batch| batch.terms.len()).sum();
        let is_behind = read.len() as i64 > MAX_BATCHES
            || bytes as i64 > MAX_BYTES
            || read.iter().any(|batch| batch.terms.is_empty());
        if is_behind {
            return Err(QueryError::IndexBehind);
        }
        let batches: Arc<[EventBatch]> = read.into();
        self.batches = Some(Arc::clone(&batches));
        Ok(batches)
    }

    /// The batches whose events no merged row names yet.
    pub(super) async fn batch_ids(
        &mut self,
        conn: &mut PgConnection,
    ) -> Result<BTreeSet<Uuid>, QueryError> {
        let batches = self.read(conn).await?;
        Ok(batches.iter().map(|batch| batch.batch_id).collect())
    }

    /// Adds the events that `wanted` finds to the best.
    pub(super) async fn find(
        &mut self,
        conn: &mut PgConnection,
        wanted: &Arc<WantedTerms>,
        mut best: Best,
    ) -> Result<Best, QueryError> {
        let (batches, wanted) = (self.read(conn).await?, Arc::clone(wanted));
        off_the_worker(move || {
            for batch in batches.iter() {
                let recorded_ms = milliseconds(batch.recorded_at);
                let (bytes, id) = (&batch.terms, batch.batch_id);
                find_in_batch(bytes, id, recorded_ms, &wanted, |posting| {
                    best.push(posting)
                })?;
            }
            Ok(best)
        })
        .await
    }

    /// The first `limit` words of one kind after `after`.
    pub(super) async fn words(
        &mut self,
        conn: &mut PgConnection,
        kind: WordKind,
        after: &str,
        limit: usize,
    ) -> Result<BTreeSet<String>, QueryError> {
        let (batches, after) = (self.read(conn).await?, after.to_owned());
        off_the_worker(move || {
            let mut found: BTreeSet<String> = BTreeSet::new();
            for batch in batches.iter() {
                words_in_batch(&batch.terms, |of, word| {
                    if of == kind && *word > *after && !found.contains(word) {
                        found.insert(word.to_owned());
                        if found.len() > limit {
                            found.pop_last();
                        }
                    }
                })?;
            }
            Ok(found)
        })
        .await
    }
}

/// Runs what takes milliseconds where nobody else waits for the thread.
pub(super) async fn off_the_worker<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, QueryError> + Send + 'static,
) -> Result<T, QueryError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // Nobody aborts it, so it has ended by itself or with a panic, which goes on here.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
