//! The loop that merges what queries find events by.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

use crate::metrics::Metrics;
use crate::query::{QueryError, merge, waiting};
use crate::store::{Database, is_unavailable};

/// How often it is looked whether there is enough to merge.
const LOOK: Duration = Duration::from_secs(1);
/// Batches that are merged at once, however young they are: every query looks through them.
const MANY: i64 = 200;

/// Batches that are gone past because they cannot be merged. More are no accident of one capture.
const MAX_STUCK: usize = 100;

/// Merges until `stop` says so: many batches at once, a few of them once the oldest waits for `patience`.
pub(super) async fn run(
    database: Database,
    patience: Duration,
    metrics: Metrics,
    mut stop: watch::Receiver<bool>,
) {
    // Tried again when the service starts: what is wrong with them is nothing that passes.
    let mut stuck = Vec::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK.min(patience)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        match step(&database, patience, &mut stuck).await {
            Ok(()) => {}
            Err(QueryError::Store(error)) if is_unavailable(&error) => {
                tracing::debug!(%error, "the index of events waits for the database");
            }
            Err(error) => {
                tracing::error!(%error, "the index of events is not merged; run `rootmark check`");
            }
        }
        metrics.event_batches_stuck.set(stuck.len() as i64);
    }
}

async fn step(
    database: &Database,
    patience: Duration,
    stuck: &mut Vec<Uuid>,
) -> Result<(), QueryError> {
    let mut conn = database.indexer.acquire().await?;
    let (mut count, oldest) = waiting(&mut conn, stuck).await?;
    let age = oldest.map(|oldest| OffsetDateTime::now_utc() - oldest);
    if age.is_none_or(|age| age < patience) && count < MANY {
        return Ok(());
    }
    while count > 0 {
        let merged = merge(&mut conn, Uuid::now_v7(), stuck).await?;
        for batch_id in merged.mended {
            tracing::error!(%batch_id, "the terms of a batch were damaged, and were made again");
        }
        if let Some((batch_id, error)) = merged.stuck {
            if stuck.len() >= MAX_STUCK {
                return Err(error);
            }
            tracing::error!(%batch_id, %error, "a batch cannot be merged; run `rootmark check`");
            stuck.push(batch_id);
            count -= 1;
            continue;
        }
        if merged.batches == 0 {
            return Ok(());
        }
        count -= merged.batches as i64;
    }
    Ok(())
}
