//! The loop that seals what is pending and publishes what was sealed.

use std::sync::Arc;
use std::time::Duration;

use auditlog::note::NoteSigner;
use thiserror::Error;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use crate::anchor::{PublicLog, PublishError, Published};
use crate::seal::{SealError, Sealed, seal};
use crate::store::Database;
use crate::web::LogState;

/// A loop tick that failed.
#[derive(Debug, Error)]
pub enum SealingError {
    /// Sealing failed.
    #[error("sealing: {0}")]
    Seal(#[from] SealError),
    /// Publishing failed.
    #[error("publishing: {0}")]
    Publish(#[from] PublishError),
    /// No connection.
    #[error("sealing: {0}")]
    Store(#[from] sqlx::Error),
}

impl SealingError {
    /// Whether only a person can mend it: nothing more is sealed until then.
    fn is_final(&self) -> bool {
        match self {
            SealingError::Publish(error) => {
                matches!(
                    error,
                    PublishError::Ahead { .. } | PublishError::Diverged { .. }
                )
            }
            SealingError::Seal(error) => {
                !matches!(error, SealError::Store(_) | SealError::HeadMoved(_))
            }
            SealingError::Store(_) => false,
        }
    }
}

/// What sealing needs.
#[derive(Debug)]
pub struct Sealer {
    /// The database.
    pub database: Database,
    /// Signs checkpoints.
    pub signer: Arc<NoteSigner>,
    /// Where the log is published.
    pub public_log: PublicLog,
}

impl Sealer {
    /// Publishes what a crash left unpublished.
    pub async fn publish(&self) -> Result<Option<Published>, SealingError> {
        let mut conn = self.database.sealer.acquire().await?;
        Ok(self.public_log.publish(&mut conn).await?)
    }

    /// Seals once and publishes. With `heartbeat`, signs though nothing is new.
    pub async fn seal_once(
        &self,
        now: OffsetDateTime,
        heartbeat: bool,
    ) -> Result<(Option<Sealed>, Option<Published>), SealingError> {
        let mut conn = self.database.sealer.acquire().await?;
        // Before anything is signed: a database that was restored from an old backup must not sign a
        // second history of what is public already.
        let before = self.public_log.publish(&mut conn).await?;
        let sealed = seal(&mut conn, &self.signer, now, heartbeat).await?;
        let published = match sealed {
            Some(_) => self.public_log.publish(&mut conn).await?,
            None => before,
        };
        Ok((sealed, published))
    }

    /// Runs until `stop` says so, or until something is wrong that only a person can mend. `state`
    /// tells the pages what is public.
    pub async fn run(
        self,
        interval: Duration,
        heartbeat: Duration,
        state: watch::Sender<LogState>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_seal = Instant::now();
        let mut failing = false;
        loop {
            let stopping = tokio::select! {
                _ = ticks.tick() => false,
                _ = stop.wait_for(|stop| *stop) => true,
            };
            let is_due = last_seal.elapsed() >= heartbeat;
            match self.seal_once(OffsetDateTime::now_utc(), is_due).await {
                Ok((sealed, published)) => {
                    if let Some(sealed) = sealed {
                        last_seal = Instant::now();
                        tracing::debug!(seal = sealed.seal, added = sealed.added, "sealed");
                    }
                    if failing {
                        tracing::info!("sealing again");
                        failing = false;
                    }
                    state.send_modify(|state| state.published(published));
                }
                Err(error) if error.is_final() => {
                    tracing::error!(%error, "sealing has stopped; somebody must look");
                    state.send_modify(|state| state.stopped = Some(error.to_string()));
                    return;
                }
                Err(error) => {
                    if !failing {
                        tracing::warn!(%error, "sealing failed; it is tried again");
                    }
                    failing = true;
                }
            }
            if stopping {
                return;
            }
        }
    }
}
