//! The loop that deletes what is kept no longer.

use std::time::Duration;

use tokio::sync::watch;

use crate::store::hidden_try::delete_past_tries;
use crate::store::invitation::delete_past_invitations;
use crate::store::password_reset::delete_past_resets;
use crate::store::report::delete_past_reports;
use crate::store::sent_form::delete_past_forms;
use crate::store::session::delete_past_sessions;
use crate::store::{Database, is_unavailable};

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(600);

/// Deletes what is past its time, at once and then again and again, until `stop` says so.
pub(super) async fn run(database: Database, mut stop: watch::Receiver<bool>) {
    loop {
        match step(&database).await {
            Ok(0) => {}
            Ok(reports) => tracing::info!(reports, "deleted reports that were past their time"),
            Err(error) if is_unavailable(&error) => {
                tracing::debug!(%error, "forgetting waits for the database");
            }
            Err(error) => tracing::error!(%error, "old reports cannot be deleted"),
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn step(database: &Database) -> sqlx::Result<u64> {
    let mut conn = database.eraser.acquire().await?;
    // What fails for one is no reason to keep the others.
    let tries = delete_past_tries(&mut conn).await;
    let sessions = delete_past_sessions(&mut conn).await;
    let resets = delete_past_resets(&mut conn).await;
    let invitations = delete_past_invitations(&mut conn).await;
    let forms = delete_past_forms(&mut conn).await;
    let reports = delete_past_reports(&mut conn).await?;
    for done in [tries, sessions, resets, invitations, forms] {
        done?;
    }
    Ok(reports)
}
