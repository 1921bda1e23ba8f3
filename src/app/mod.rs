//! The service put together: database, keys, sealing, pages.

mod cosigning;
mod delivering;
mod forgetting;
mod indexing;
mod key_source;
mod keys;
pub mod merchants;
pub mod rotation;
mod scrubbing;
mod sealing;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::{Server, ServerHandle};
use thiserror::Error;
use time::OffsetDateTime;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::anchor::{PublicLog, PublishError};
use crate::config::{DatabaseChoice, Settings};
use crate::cosign::Cosigner;
use crate::deliver::Deliverer;
use crate::mail::{MailError, Mailer};
use crate::postgres::{Access, Cluster, ClusterConfig, ClusterError, DataDirLock, has_cluster};
use crate::store::batch::any_pending;
use crate::store::log_head::log_head;
use crate::store::{Database, OpenError, embedded_options, has_log};
use crate::web::admin::tries::Tries;
use crate::web::{
    Forms, ForwardTraces, LogIdentity, LogState, Networks, Receipts, Service, Subscribing, serve,
};

pub use key_source::SourceError;
pub use keys::{Founding, KeyError, KeyPlaces, Keys, load_or_found, new_key_file};
use merchants::{MerchantError, seal_event_id_keys};
use sealing::note_public;
pub use sealing::{Sealer, SealingError};

/// Why the service does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The embedded Postgres.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The keys of merchants.
    #[error(transparent)]
    Merchants(#[from] MerchantError),
    /// Letters.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The public log.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The database, later.
    #[error("the database: {0}")]
    Store(#[from] sqlx::Error),
    /// A command has nothing to work with.
    #[error(
        "there is no log in {place} yet: `rootmark serve` or `rootmark demo` founds one. If there is one elsewhere, {setting} says where"
    )]
    NoLog {
        /// Where it would be.
        place: String,
        /// What says so.
        setting: &'static str,
    },
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// Who opens a data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenAs {
    /// The service: it must have the folder to itself.
    Service,
    /// A command: beside a service that runs, it works with that service's Postgres. Where there is no log, it founds
    /// none: in a wrong folder it would find nothing, and say that all is well.
    Command,
    /// A command that makes what it works with where there is nothing.
    Founder,
}

/// Everything but the pages: what commands work with.
#[derive(Debug)]
pub struct Core {
    /// The database.
    pub database: Database,
    /// The keys, checked against the log.
    pub keys: Keys,
    /// Where the keys are.
    pub key_places: KeyPlaces,
    /// Where the log is published.
    pub public_log: PublicLog,
    cluster: Option<Cluster>,
    // Released last: nobody may start a second cluster in this folder before ours has stopped.
    _lock: Option<DataDirLock>,
}

impl Core {
    /// Opens the data folder and the database, and loads or makes the keys. `role` says what to do
    /// where another process has the data folder already.
    pub async fn open(settings: &Settings, role: OpenAs) -> Result<Core, StartError> {
        let data_dir = settings.data_dir.clone();
        let public_log = PublicLog::new(data_dir.join("public/log"))
            .with_segment_lines(settings.segment_lines)
            .awaiting_witnesses(settings.witnesses.is_some());
        if role == OpenAs::Command {
            find_log(settings, &public_log).await?;
        }
        let (cluster, lock, options) = match &settings.database {
            DatabaseChoice::External(options) => (None, None, (**options).clone()),
            DatabaseChoice::Embedded { bin_dir } => {
                let mut config = ClusterConfig::new(&data_dir);
                config.bin_dir.clone_from(bin_dir);
                match start_cluster(config).await {
                    Ok((cluster, lock)) => {
                        let options = embedded_options(cluster.access()).await?;
                        (Some(cluster), Some(lock), options)
                    }
                    Err(ClusterError::DataDirInUse { .. }) if role != OpenAs::Service => {
                        let access = Access::to_running(&data_dir)?;
                        (None, None, embedded_options(&access).await?)
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let database = Database::open(options).await?;
        let mut conn = database.sealer.acquire().await?;
        let has_history = public_log.has_history()?;
        if role == OpenAs::Command && !has_history && log_head(&mut conn).await?.is_none() {
            return Err(no_log(settings));
        }
        let key_places = KeyPlaces::new(&data_dir, &settings.keys);
        let founding = Founding {
            places: &key_places,
            origin: settings.origin.as_deref(),
            has_public_history: has_history,
        };
        let keys = load_or_found(&mut conn, founding).await?;
        // Not by a command: a service of before may run beside it, and reads them in the clear.
        if role == OpenAs::Service {
            seal_event_id_keys(&mut conn, &keys.codes).await?;
        }
        drop(conn);
        Ok(Core {
            database,
            keys,
            key_places,
            public_log,
            cluster,
            _lock: lock,
        })
    }

    /// What seals and publishes.
    pub fn sealer(&self) -> Sealer {
        Sealer {
            database: self.database.clone(),
            signers: Arc::clone(&self.keys.log),
            key_places: self.key_places.clone(),
            public_log: self.public_log.clone(),
        }
    }

    /// Closes the database, and stops the embedded Postgres.
    pub async fn close(self) {
        self.database.close().await;
        stop_cluster(self.cluster).await;
    }
}

/// Looks for the database of a log, before one is made.
async fn find_log(settings: &Settings, public_log: &PublicLog) -> Result<(), StartError> {
    let is_there = match &settings.database {
        DatabaseChoice::External(options) => has_log((**options).clone()).await?,
        DatabaseChoice::Embedded { .. } => has_cluster(&settings.data_dir)?,
    };
    if is_there {
        return Ok(());
    }
    // Where there was one, it is not for anybody to found another.
    if public_log.has_history()? {
        return Err(KeyError::LostDatabase.into());
    }
    Err(no_log(settings))
}

fn no_log(settings: &Settings) -> StartError {
    let (place, setting) = match &settings.database {
        DatabaseChoice::External(_) => ("the database".to_owned(), "ROOTMARK_DATABASE_URL"),
        DatabaseChoice::Embedded { .. } => {
            let folder = std::path::absolute(&settings.data_dir);
            let folder = folder.as_ref().unwrap_or(&settings.data_dir);
            (folder.display().to_string(), "ROOTMARK_DATA_DIR")
        }
    };
    StartError::NoLog { place, setting }
}

async fn stop_cluster(cluster: Option<Cluster>) {
    let Some(cluster) = cluster else { return };
    let stopped = tokio::task::spawn_blocking(move || cluster.stop()).await;
    if let Ok(Err(error)) = stopped {
        tracing::warn!(%error, "the embedded Postgres did not stop cleanly");
    }
}

async fn start_cluster(config: ClusterConfig) -> Result<(Cluster, DataDirLock), ClusterError> {
    let start = move || {
        let lock = DataDirLock::take(&config.data_dir)?;
        Ok((Cluster::start(&config)?, lock))
    };
    tokio::task::spawn_blocking(start)
        .await
        .expect("starting Postgres does not panic")
}

/// Asks the witnesses of the settings, if there are any.
pub fn cosigner(settings: &Settings, public_log: &PublicLog) -> Option<Cosigner> {
    let witnesses = settings.witnesses.clone()?;
    Some(Cosigner::new(witnesses, public_log.folder().to_owned()))
}

/// Pages show what was public before, until the witnesses have been asked again.
fn resume(cosigner: &mut Cosigner, state: &watch::Sender<LogState>) {
    match cosigner.resume() {
        Ok(published) => state.send_modify(|state| state.published(published)),
        Err(error) => tracing::error!(%error, "the public checkpoint cannot be read"),
    }
}

/// The service, running.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where readers reach it.
    pub url: String,
    /// The log's public names.
    pub vkey: String,
    /// The key of its story notes.
    pub story_vkey: String,
    /// The database, for whoever runs inside the same process.
    pub database: Database,
    /// Makes item codes.
    pub code_key: crate::domain::code::CodeKey,
    state: watch::Receiver<LogState>,
    server: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
    sealing: JoinHandle<()>,
    cosigning: Option<JoinHandle<()>>,
    scrubbing: JoinHandle<()>,
    forgetting: JoinHandle<()>,
    indexing: JoinHandle<()>,
    delivering: Option<JoinHandle<()>>,
    stopping: watch::Sender<bool>,
    stop_waiting: watch::Sender<bool>,
    stop_sealing: watch::Sender<bool>,
    stop_cosigning: watch::Sender<bool>,
    cluster: Option<Cluster>,
    _lock: Option<DataDirLock>,
}

impl Running {
    /// Starts everything; returns once requests are answered.
    pub async fn start(settings: &Settings) -> Result<Running, StartError> {
        let listen = |address| {
            TcpListener::bind(address).map_err(|source| StartError::Listen { address, source })
        };
        // First, so that a taken port is told before a database is started.
        let listener = listen(settings.listen)?;
        let address = listener.local_addr().map_err(|source| StartError::Listen {
            address: settings.listen,
            source,
        })?;
        let core = Core::open(settings, OpenAs::Service).await?;
        let sealer = core.sealer();
        let Core {
            database,
            keys,
            key_places: _,
            public_log,
            cluster,
            _lock,
        } = core;
        let url = settings.public_url(address);
        let identity = LogIdentity {
            origin: keys.log.verifier().name().to_owned(),
            vkey: keys.log.verifier().format(),
            story_vkey: keys.story.verifier().format(),
            story_signer: keys.story,
            folder: public_log.folder().to_owned(),
        };
        let (vkey, story_vkey) = (identity.vkey.clone(), identity.story_vkey.clone());
        let (state, watched) = watch::channel(LogState::default());
        let cosigner = cosigner(settings, &sealer.public_log);
        match sealer.publish().await {
            Ok(published) => {
                state.send_modify(|state| note_public(state, published, cosigner.is_some()));
            }
            // The loop meets the same error, and says so on /readyz; pages go on being served.
            Err(error) => tracing::error!(%error, "publishing at start-up failed"),
        }
        let (stop_sealing, stop) = watch::channel(false);
        let (stop_cosigning, stop_asking) = watch::channel(false);
        let (first_round, asked) = oneshot::channel();
        let asked = cosigner.is_some().then_some(asked);
        let cosigning = cosigner.map(|mut cosigner| {
            resume(&mut cosigner, &state);
            tokio::spawn(cosigning::run(
                cosigner,
                state.clone(),
                stop_asking,
                first_round,
            ))
        });
        let (interval, heartbeat) = (settings.seal_interval, settings.heartbeat);
        let sealing = tokio::spawn(async move {
            let mut stop = stop;
            if sealer.begin(interval, &state, &mut stop, asked).await {
                sealer.run(interval, heartbeat, state, stop).await;
            }
        });
        let forgetting = tokio::spawn(forgetting::run(database.clone(), stop_sealing.subscribe()));
        let scrubbing = tokio::spawn(scrubbing::run(
            database.clone(),
            settings.scrub_interval,
            stop_sealing.subscribe(),
        ));
        let indexing = tokio::spawn(indexing::run(
            database.clone(),
            settings.index_patience,
            database.metrics.clone(),
            stop_sealing.subscribe(),
        ));
        let subscribing = Subscribing {
            private_targets: settings.webhook_targets.clone(),
            tokens: keys.codes.sealing_key(),
        };
        let delivering = settings.deliveries.then(|| {
            let (private, tokens) = (&subscribing.private_targets, &subscribing.tokens);
            let deliverer = Deliverer::new(database.clone(), private.clone(), tokens.clone());
            let stop = stop_sealing.subscribe();
            tokio::spawn(delivering::run(deliverer, watched.clone(), stop))
        });
        let mailer = Mailer::new(&settings.mail, settings.data_dir.join("outbox"))?;
        let (stopping, is_stopping) = watch::channel(false);
        let (stop_waiting, waiting_ends) = watch::channel(false);
        let service = Service {
            database: database.clone(),
            log: identity,
            state: watched.clone(),
            code_key: keys.codes.clone(),
            event_id_keys: keys.codes.event_id_keys(),
            public_url: url.clone(),
            subscribing,
            clock: OffsetDateTime::now_utc,
            serving: settings.serving.clone(),
            stopping: is_stopping,
            receipts: Receipts::new(settings.waiting_limit, waiting_ends),
            networks: Networks::default(),
            forms: Forms::default(),
            account_keys: keys.codes.account_keys(),
            mailer,
            tries: Tries::default(),
            forward_traces: ForwardTraces::default(),
        };
        let server: Server = serve(service, listener, settings.workers)
            .map_err(|source| StartError::Listen { address, source })?;
        Ok(Running {
            address,
            url,
            vkey,
            story_vkey,
            database,
            code_key: keys.codes,
            state: watched,
            server: server.handle(),
            serving: tokio::spawn(server),
            sealing,
            cosigning,
            scrubbing,
            forgetting,
            indexing,
            delivering,
            stopping,
            stop_waiting,
            stop_sealing,
            stop_cosigning,
            cluster,
            _lock,
        })
    }

    /// Waits until everything that was captured before now is sealed and public.
    pub async fn everything_is_public(&self) -> sqlx::Result<()> {
        let mut state = self.state.clone();
        loop {
            let mut conn = self.database.sealer.acquire().await?;
            let pending = any_pending(&mut conn).await?;
            let size = log_head(&mut conn)
                .await?
                .map_or(0, |head| head.tree.size.0);
            drop(conn);
            let public = state
                .borrow_and_update()
                .published
                .as_ref()
                .map(|p| p.anchor.head.size.0);
            if !pending && public.unwrap_or(0) == size {
                return Ok(());
            }
            if state.changed().await.is_err() {
                return Err(sqlx::Error::WorkerCrashed);
            }
        }
    }

    /// Waits until the server ends by itself, which it does only on an error.
    pub async fn ended(&mut self) {
        let _ = (&mut self.serving).await;
    }

    /// Says on `/readyz` that the service is about to stop. It goes on answering until [`Running::stop`],
    /// so that a balancer has the time to notice and to send nothing more.
    pub fn announce_stop(&self) {
        let _ = self.stopping.send(true);
    }

    /// Stops: no new requests, those under way are answered, what is pending is sealed, the embedded
    /// Postgres shuts down.
    pub async fn stop(self) {
        // Who waits for a receipt is answered with the job at once.
        let _ = self.stop_waiting.send(true);
        self.server.stop(true).await;
        let _ = self.stop_sealing.send(true);
        let _ = self.sealing.await;
        // After the last seal, so that its checkpoint is shown to the witnesses too.
        let _ = self.stop_cosigning.send(true);
        if let Some(cosigning) = self.cosigning {
            let _ = cosigning.await;
        }
        let _ = self.scrubbing.await;
        let _ = self.forgetting.await;
        let _ = self.indexing.await;
        if let Some(delivering) = self.delivering {
            let _ = delivering.await;
        }
        self.database.close().await;
        stop_cluster(self.cluster).await;
    }
}
