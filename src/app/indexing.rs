//! The loop that merges what queries find events by.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

use crate::query::{QueryError, merge, waiting};
use crate::store::{Database, is_unavailable};

/// How often it is looked whether there is enough to merge.
const LOOK: Duration = Duration::from_secs(1);
/// Batches that are merged at once, however young they are: every query looks through them.
const MANY: i64 = 200;

/// Merges until `stop` says so: many batches at once, a few of them once the oldest waits for `patience`.
pub(super) async fn run(database: Database, patience: Duration, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK.min(patience)) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        match step(&database, patience).await {
            Ok(()) => {}
            Err(QueryError::Store(error)) if is_unavailable(&error) => {
                tracing::debug!(%error, "the index of events waits for the database");
            }
            Err(error) => {
                tracing::error!(%error, "the index of events is not merged; run `rootmark check`");
            }
        }
    }
}

async fn step(database: &Database, patience: Duration) -> Result<(), QueryError> {
    let mut conn = database.indexer.acquire().await?;
    let (mut count, oldest) = waiting(&mut conn).await?;
    let age = oldest.map(|oldest| OffsetDateTime::now_utc() - oldest);
    if age.is_none_or(|age| age < patience) && count < MANY {
        return Ok(());
    }
    while count > 0 {
        let merged = merge(&mut conn, Uuid::now_v7()).await?;
        if merged == 0 {
            return Ok(());
        }
        count -= merged as i64;
    }
    Ok(())
}
