//! The loop that sends subscribers what is theirs.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::watch;

use crate::deliver::{DeliverError, Deliverer};
use crate::store::is_unavailable;
use crate::web::LogState;

/// How often it is looked whether anything is due, beside whenever something was sealed.
const LOOK: Duration = Duration::from_secs(1);
/// What deliveries under way get to end in, when the service stops. What is cut off is made again.
const GRACE: Duration = Duration::from_secs(2);

/// Delivers until `stop` says so. `sealed` changes whenever something was sealed.
pub(super) async fn run(
    mut deliverer: Deliverer,
    mut sealed: watch::Receiver<LogState>,
    mut stop: watch::Receiver<bool>,
) {
    let mut seals = true;
    while !*stop.borrow() {
        let goes_on = match deliverer.round(OffsetDateTime::now_utc()).await {
            Ok(goes_on) => goes_on,
            Err(DeliverError::Store(error)) if is_unavailable(&error) => {
                tracing::debug!(%error, "deliveries wait for the database");
                false
            }
            Err(error) => {
                tracing::error!(%error, "deliveries fail; they are tried again");
                false
            }
        };
        if goes_on {
            continue;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            // The sealing that has stopped seals nothing more; schedules go on.
            changed = sealed.changed(), if seals => seals = changed.is_ok(),
            () = deliverer.one_ended(), if deliverer.is_busy() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
    let _ = tokio::time::timeout(GRACE, deliverer.all_ended()).await;
}
