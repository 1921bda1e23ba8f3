//! Capturing made-up events: through the stage that captures everybody's, over several connections at once.

use std::sync::Arc;

use time::OffsetDateTime;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::document;
use crate::capture::{CaptureError, Submitter, capture_document};
use crate::domain::capture_fault::ErrorBehaviour;
use crate::store::Database;

/// Events captured at a time, and connections that capture.
const DOCUMENT: usize = 500;
const WRITERS: usize = 4;

/// Captures events as they come, tells after each document how many it had, and gives how many were new.
pub async fn capture_all(
    database: &Database,
    submitter: &Submitter,
    events: impl Iterator<Item = String> + Send + 'static,
    mut tell: impl FnMut(u64),
) -> Result<u64, CaptureError> {
    let events = Arc::new(Mutex::new(events));
    let (told, mut done) = mpsc::channel::<u64>(WRITERS);
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (events, told) = (Arc::clone(&events), told.clone());
        let submitter = submitter.clone();
        let mut conn = database.capture.acquire().await?;
        writers.spawn(async move {
            let mut stored = 0;
            loop {
                let texts: Vec<String> = events.lock().await.by_ref().take(DOCUMENT).collect();
                if texts.is_empty() {
                    return Ok::<u64, CaptureError>(stored);
                }
                let (now, behaviour) = (OffsetDateTime::now_utc(), ErrorBehaviour::Rollback);
                let text = document(&texts);
                let captured =
                    capture_document(&mut conn, &submitter, text, behaviour, now).await?;
                stored += u64::try_from(captured.job.stored_count).unwrap_or_default();
                // Nobody listens once one writer has failed.
                let _ = told.send(texts.len() as u64).await;
            }
        });
    }
    drop(told);
    while let Some(count) = done.recv().await {
        tell(count);
    }
    let mut stored = 0;
    while let Some(ended) = writers.join_next().await {
        stored += ended.expect("capturing does not panic")?;
    }
    Ok(stored)
}
