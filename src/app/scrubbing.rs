//! The loop that reads the log again, from its first statement to its last and round again.

use std::time::Duration;

use auditlog::LeafIndex;
use tokio::sync::watch;

use crate::check::{CheckError, Report, scrub};
use crate::store::{Database, is_unavailable};

/// Scrubs until `stop` says so. What is wrong is logged, each time it is met: mending it is a
/// person's work, and pages go on being served.
pub(super) async fn run(database: Database, interval: Duration, mut stop: watch::Receiver<bool>) {
    let mut next = LeafIndex(0);
    loop {
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        match step(&database, next).await {
            Ok((report, then)) => {
                for finding in &report.findings {
                    database.metrics.scrub_findings.inc();
                    tracing::error!(finding, "the stored log is damaged; run `rootmark check`");
                }
                next = then;
            }
            Err(CheckError::Store(error)) if is_unavailable(&error) => {
                tracing::debug!(%error, "scrubbing waits for the database");
            }
            Err(error) => {
                let from = next.0;
                tracing::error!(%error, from, "the stored log cannot be read; run `rootmark check`");
                next = LeafIndex(from + 1);
            }
        }
    }
}

async fn step(database: &Database, from: LeafIndex) -> Result<(Report, LeafIndex), CheckError> {
    let mut conn = database.checker.acquire().await?;
    scrub(&mut conn, from).await
}
