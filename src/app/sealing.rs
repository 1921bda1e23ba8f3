//! The loop that seals what is pending and publishes what was sealed.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;
use thiserror::Error;
use time::OffsetDateTime;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior};

use super::keys::{KeyError, KeyPlaces};
use crate::anchor::{PublicLog, PublishError};
use crate::public::{PublicError, Published};
use crate::seal::{LogSigners, SealError, Sealed, seal};
use crate::store::Database;
use crate::store::log_head::log_head;
use crate::web::{Failing, LogState};

/// How often partial tiles are looked through that their full tile has outgrown.
const SWEEP_INTERVAL: Duration = Duration::from_secs(3_600);

/// A loop tick that failed.
#[derive(Debug, Error)]
pub enum SealingError {
    /// Sealing failed.
    #[error("sealing: {0}")]
    Seal(#[from] SealError),
    /// Publishing failed.
    #[error("publishing: {0}")]
    Publish(#[from] PublishError),
    /// The log has a new key, which is not at hand.
    #[error("the log's key was changed: {0}")]
    Keys(#[from] KeyError),
    /// No connection.
    #[error("sealing: {0}")]
    Store(#[from] sqlx::Error),
}

impl SealingError {
    /// Whether only a person can mend it: nothing more is sealed until then.
    fn is_final(&self) -> bool {
        match self {
            SealingError::Publish(error) => {
                let file = matches!(error, PublishError::Public(PublicError::File { .. }));
                !file && !matches!(error, PublishError::Store(_))
            }
            SealingError::Seal(error) => {
                !matches!(error, SealError::Store(_) | SealError::HeadMoved(_))
            }
            SealingError::Keys(error) => !matches!(error, KeyError::Store(_)),
            SealingError::Store(_) => false,
        }
    }

    /// What it is called in the metrics, one of [`REASONS`].
    fn reason(&self) -> &'static str {
        match self {
            SealingError::Store(_)
            | SealingError::Seal(SealError::Store(_))
            | SealingError::Publish(PublishError::Store(_)) => "database",
            SealingError::Seal(SealError::HeadMoved(_)) => "head_moved",
            SealingError::Seal(_) => "seal",
            SealingError::Publish(PublishError::Public(PublicError::File { .. })) => "folder",
            SealingError::Publish(PublishError::Ahead { .. }) => "ahead",
            SealingError::Publish(PublishError::Diverged { .. }) => "diverged",
            SealingError::Publish(_) => "publish",
            SealingError::Keys(KeyError::Store(_)) => "database",
            SealingError::Keys(_) => "keys",
        }
    }
}

/// Why a round may fail, in a word: passing reasons first, then those that stop sealing.
const REASONS: [&str; 8] = [
    "database",
    "folder",
    "head_moved",
    "ahead",
    "diverged",
    "seal",
    "publish",
    "keys",
];

/// What sealing needs.
#[derive(Debug)]
pub struct Sealer {
    /// The database.
    pub database: Database,
    /// Sign checkpoints.
    pub signers: Arc<LogSigners>,
    /// Where they are, and where their successors will be.
    pub key_places: KeyPlaces,
    /// Where the log is published.
    pub public_log: PublicLog,
}

impl Sealer {
    /// Publishes what a crash left unpublished, and what was lost of what was published.
    pub async fn publish(&self) -> Result<Option<Published>, SealingError> {
        let mut conn = self.database.sealer.acquire().await?;
        let published = self.public_log.publish(&mut conn).await?;
        self.public_log.restore_missing(&mut conn).await?;
        Ok(published)
    }

    /// Seals once and publishes. With `heartbeat`, signs though nothing is new.
    pub async fn seal_once(
        &mut self,
        now: OffsetDateTime,
        heartbeat: bool,
    ) -> Result<(Option<Sealed>, Option<Published>), SealingError> {
        let mut conn = self.database.sealer.acquire().await?;
        // Before anything is signed: a database that was restored from an old backup must not sign a
        // second history of what is public already.
        let before = self.public_log.publish(&mut conn).await?;
        let mut sealed = seal(&mut conn, &self.signers, now, heartbeat).await;
        if let Err(SealError::OtherKey { .. }) = &sealed {
            // A command beside us has changed the key. Its history is public before it signs alone.
            self.take_up_keys(&mut conn).await?;
            self.public_log.publish(&mut conn).await?;
            sealed = seal(&mut conn, &self.signers, now, heartbeat).await;
        }
        let sealed = sealed?;
        let published = match sealed {
            Some(_) => self.public_log.publish(&mut conn).await?,
            None => before,
        };
        Ok((sealed, published))
    }

    /// Publishes what was sealed before this start, and waits until the witnesses were asked about it: a
    /// log of which they know another history must not sign one more checkpoint of this one. Whether
    /// anything may be sealed.
    pub async fn begin(
        &self,
        interval: Duration,
        state: &watch::Sender<LogState>,
        stop: &mut watch::Receiver<bool>,
        asked: Option<oneshot::Receiver<()>>,
    ) -> bool {
        let Some(asked) = asked else { return true };
        // Start-up has published already, unless it failed: looking through all tiles is not for twice.
        while state.borrow().anchored.is_none() {
            match self.publish().await {
                Ok(None) => return true,
                Ok(published) => {
                    let awaits_witnesses = self.public_log.awaits_witnesses();
                    state.send_modify(|state| note_public(state, published, awaits_witnesses));
                    continue;
                }
                // The loop meets it again and tells it, and seals nothing either.
                Err(error) if error.is_final() => return true,
                Err(error) => note_failure(&error, state),
            }
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                _ = stop.wait_for(|stop| *stop) => return false,
            }
        }
        tokio::select! {
            asked = asked => asked.is_ok(),
            _ = stop.wait_for(|stop| *stop) => false,
        }
    }

    async fn take_up_keys(&mut self, conn: &mut PgConnection) -> Result<(), SealingError> {
        let head = log_head(conn).await?.ok_or(SealError::NoHead)?;
        self.signers = Arc::new(self.key_places.log_signers(&head).await?);
        tracing::info!(vkey = head.vkey, "sealing goes on with the log's new key");
        Ok(())
    }

    /// Runs until `stop` says so, or until something is wrong that only a person can mend. `state`
    /// tells the pages what is public.
    pub async fn run(
        mut self,
        interval: Duration,
        heartbeat: Duration,
        state: watch::Sender<LogState>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let failures = self.database.metrics.seal_failures.clone();
        // What has not failed yet stands at 0: an alarm on a change needs somewhere to start from.
        for reason in REASONS {
            let _ = failures.with_label_values(&[reason]);
        }
        let mut last_seal = Instant::now();
        let mut last_sweep = Instant::now();
        loop {
            let stopping = tokio::select! {
                _ = ticks.tick() => false,
                _ = stop.wait_for(|stop| *stop) => true,
            };
            // A witness has seen another history: nothing more is signed.
            if state.borrow().stopped.is_some() {
                return;
            }
            let is_due = last_seal.elapsed() >= heartbeat;
            let sealed = self.seal_pending(is_due, &state).await;
            if let Err(error) = &sealed {
                failures.with_label_values(&[error.reason()]).inc();
            }
            match sealed {
                Ok(true) => last_seal = Instant::now(),
                Ok(false) => {}
                Err(error) if error.is_final() => {
                    tracing::error!(%error, "sealing has stopped; somebody must look");
                    state.send_modify(|state| state.stopped = Some(error.to_string()));
                    return;
                }
                Err(error) => note_failure(&error, &state),
            }
            if stopping {
                return;
            }
            if last_sweep.elapsed() >= SWEEP_INTERVAL {
                last_sweep = Instant::now();
                if let Err(error) = self.public_log.remove_outgrown_tiles().await {
                    tracing::warn!(%error, "outgrown partial tiles were not removed");
                }
            }
        }
    }

    /// Seals what is pending; one seal holds a limited number of statements. Says whether anything was
    /// sealed.
    async fn seal_pending(
        &mut self,
        heartbeat: bool,
        state: &watch::Sender<LogState>,
    ) -> Result<bool, SealingError> {
        let mut any = false;
        loop {
            let now = OffsetDateTime::now_utc();
            let began = Instant::now();
            let (sealed, published) = self.seal_once(now, heartbeat && !any).await?;
            state.send_modify(|state| {
                note_public(state, published, self.public_log.awaits_witnesses());
                if state.failing.take().is_some() {
                    tracing::info!("sealing again");
                }
            });
            let Some(sealed) = sealed else { return Ok(any) };
            let goes_on = sealed.is_full && state.borrow().stopped.is_none();
            let taken = began.elapsed().as_secs_f64();
            self.database.metrics.seal_duration.observe(taken);
            tracing::debug!(seal = sealed.seal, added = sealed.added, "sealed");
            any = true;
            // What was captured meanwhile waits for the next tick: else, under load, this would never
            // end, and seals would follow each other without a pause.
            if !goes_on {
                return Ok(any);
            }
        }
    }
}

/// Tells the pages what is public now; where witnesses are asked, whoever asks them tells it later.
pub(super) fn note_public(
    state: &mut LogState,
    published: Option<Published>,
    awaits_witnesses: bool,
) {
    let Some(published) = published else { return };
    state.anchored(published.anchor.clone());
    if !awaits_witnesses {
        state.published(Some(published));
    }
}

/// Logs a failure when it begins and then once a minute, and lets `/readyz` know since when.
fn note_failure(error: &SealingError, state: &watch::Sender<LogState>) {
    state.send_modify(|state| {
        if Failing::note(&mut state.failing, error.to_string()) {
            tracing::warn!(%error, "sealing fails; it is tried again");
        }
    });
}
