//! An embedded Postgres: one cluster of the service's own, made from the programs that are
//! installed on the machine, started and stopped with the service.
//!
//! It exists so that `rootmark serve` needs nothing but the package `postgresql`. Who runs a
//! Postgres already sets `ROOTMARK_DATABASE_URL`, and nothing here is used. What it promises:
//!
//! - **Durable.** `fsync` is on and cannot be turned off by a configuration file; a kill of the
//!   service, of Postgres or of both at any moment, the first start included, loses nothing.
//! - **Private.** No TCP port, a socket that only root and the cluster's user reach, a random
//!   password that is in one file of mode 0600 and in no log, argument or error. The log holds no
//!   statements and no row.
//! - **Never empty by mistake.** If the cluster was there once and is not found, that is an error.
//! - **Not root.** Where the service is root, Postgres runs as `postgres` or `nobody`.
//!
//! In the data folder lie `postgres` (the cluster, with `postgres.log`, or a link to it),
//! `postgres.password`, `postgres.socket` and `rootmark.lock`. Everything here blocks: asynchronous
//! callers use a thread for it.
//!
//! Ctrl-C reaches only the service, as Postgres has a process group of its own. A process manager
//! that signals every process of a service (systemd's default) should signal the first alone
//! (`KillMode=mixed`), so that Postgres stops last.

mod error;
mod find;
mod first_start;
mod identity;
mod lock;
mod password;
mod place;
mod postmaster;
mod settings;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use error::AtPath;
pub use error::ClusterError;
pub use find::{Binaries, find_binaries};
use identity::RunAs;
pub use lock::DataDirLock;
pub use password::Password;
use postmaster::{Postmaster, Server};

/// The cluster's only user, its owner.
const USER: &str = "rootmark";

/// Whether a data folder has a cluster. Nothing is made.
///
/// # Errors
/// If something lies there and is none.
pub fn has_cluster(data_dir: &Path) -> Result<bool, ClusterError> {
    Ok(place::existing(data_dir)?.is_some())
}

/// What a cluster is started from.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// The service's data folder. Made if it is not there.
    pub data_dir: PathBuf,
    /// The value of `ROOTMARK_PG_BIN`: the only folder whose programs are used, if it is set.
    pub bin_dir: Option<PathBuf>,
    /// How long to wait until Postgres accepts connections. After a kill it first replays up to
    /// `max_wal_size` (2 GB) of log, so this is generous: 10 minutes.
    pub ready_limit: Duration,
    /// Connections that Postgres takes: 50. The pools of one service have 33 together; the rest is for
    /// backups and an operator's psql.
    pub max_connections: u16,
}

impl ClusterConfig {
    /// The usual start of the cluster in this data folder.
    pub fn new(data_dir: impl Into<PathBuf>) -> ClusterConfig {
        let ready_limit = Duration::from_secs(600);
        ClusterConfig {
            data_dir: data_dir.into(),
            bin_dir: None,
            ready_limit,
            max_connections: 60,
        }
    }
}

/// A running cluster. Dropping it stops Postgres too; [`Cluster::stop`] also tells how that went.
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    postmaster: Postmaster,
    access: Access,
    stopped: bool,
}

impl Cluster {
    /// Starts the cluster of a data folder, making it first if there is none, and returns once it
    /// accepts connections. The caller holds the folder's [`DataDirLock`].
    ///
    /// A Postgres of this very cluster that outlived a killed service is taken over as it runs, if
    /// it was started with the settings of today, else restarted.
    ///
    /// # Errors
    /// Each [`ClusterError`] names the promise that cannot be kept and what to do about it.
    pub fn start(config: &ClusterConfig) -> Result<Cluster, ClusterError> {
        let data_dir = &config.data_dir;
        fs::create_dir_all(data_dir).at("create", data_dir)?;
        // Postgres is started from `/`, and the socket's path must not depend on ours.
        let data_dir = &fs::canonicalize(data_dir).at("follow", data_dir)?;
        let (cluster, binaries, password) = match place::existing(data_dir)? {
            Some(cluster) => {
                place::tidy_home(data_dir, &cluster)?;
                let binaries = binaries_for(&cluster, config.bin_dir.as_deref())?;
                (cluster, binaries, Password::load(data_dir)?)
            }
            None => {
                let binaries = find_binaries(config.bin_dir.as_deref())?;
                let password = Password::load_or_create(data_dir)?;
                let cluster = first_start::make_cluster(data_dir, &binaries, &password)?;
                (cluster, binaries, password)
            }
        };
        let run_as = RunAs::for_cluster(&cluster)?;
        if !run_as.can_enter(&cluster)? {
            return Err(ClusterError::Unreachable {
                path: cluster,
                user: run_as.name(),
            });
        }
        let socket_dir = place::socket_folder(data_dir, &cluster, &run_as)?;
        let server = Server {
            cluster,
            socket_dir,
            binaries,
            run_as,
            max_connections: config.max_connections,
        };
        let postmaster = server.bring_up(config.ready_limit)?;
        tracing::info!(
            pid = postmaster.pid,
            adopted = postmaster.is_adopted(),
            version = server.binaries.major,
            cluster = %server.cluster.display(), socket_dir = %server.socket_dir.display(),
            "Postgres is ready"
        );
        let access = Access {
            socket_dir: server.socket_dir.clone(),
            password,
        };
        Ok(Cluster {
            server,
            postmaster,
            access,
            stopped: false,
        })
    }

    /// Stops Postgres and waits until it has written everything. Clients that are still connected
    /// are cut off.
    ///
    /// # Errors
    /// [`ClusterError::EndedBefore`] if it had been killed, [`ClusterError::StopFailed`] if it does
    /// not stop within two minutes; it is never forced, and the next start takes it over.
    pub fn stop(mut self) -> Result<(), ClusterError> {
        self.stopped = true;
        self.server.stop(&mut self.postmaster)
    }

    /// How clients reach it.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The major version of the programs and of the data, e.g. 15.
    pub fn major_version(&self) -> u32 {
        self.server.binaries.major
    }

    /// The folder of the programs in use: `pg_dump` and its like are often there too.
    pub fn bin_dir(&self) -> &Path {
        &self.server.binaries.dir
    }

    /// The cluster's own folder, absolute and without links.
    pub fn cluster_dir(&self) -> &Path {
        &self.server.cluster
    }

    /// The process number of Postgres.
    pub fn pid(&self) -> u32 {
        self.postmaster.pid
    }

    /// Whether it was running already, left by a service that was killed.
    pub fn adopted(&self) -> bool {
        self.postmaster.is_adopted()
    }
}

/// How to reach a cluster, for a client that did not start it.
#[derive(Debug, Clone)]
pub struct Access {
    /// The folder of the Unix socket: what clients give as the host.
    pub socket_dir: PathBuf,
    /// The password of [`Access::user`].
    pub password: Password,
}

impl Access {
    /// How to reach the cluster that another process runs in this data folder.
    ///
    /// # Errors
    /// If there is no cluster, or its folder cannot be read.
    pub fn to_running(data_dir: &Path) -> Result<Access, ClusterError> {
        let data_dir = &fs::canonicalize(data_dir).at("follow", data_dir)?;
        let cluster = place::existing(data_dir)?.unwrap_or_else(|| data_dir.join("postgres"));
        let run_as = RunAs::for_cluster(&cluster)?;
        Ok(Access {
            socket_dir: place::socket_folder(data_dir, &cluster, &run_as)?,
            password: Password::load(data_dir)?,
        })
    }

    /// The port, which only names the socket's file.
    pub fn port(&self) -> u16 {
        place::PORT
    }

    /// The cluster's user, who owns everything in it.
    pub fn user(&self) -> &str {
        USER
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.stopped
            && let Err(error) = self.server.stop(&mut self.postmaster)
        {
            tracing::warn!(%error, "Postgres was not stopped");
        }
    }
}

/// The programs that can read this cluster: the usual ones if their version is the data's, else
/// those of that version, unless the operator has named a folder and so left no choice.
fn binaries_for(cluster: &Path, chosen: Option<&Path>) -> Result<Binaries, ClusterError> {
    let path = cluster.join("PG_VERSION");
    let text = fs::read_to_string(&path).at("read", &path)?;
    let Ok(data_major) = text.trim().parse() else {
        return Err(ClusterError::NotACluster {
            path: cluster.to_owned(),
        });
    };
    let found = find_binaries(chosen)?;
    if found.major == data_major {
        return Ok(found);
    }
    let matching = chosen
        .is_none()
        .then(|| find::find_major(data_major))
        .flatten();
    matching.ok_or_else(|| ClusterError::OtherMajorVersion {
        cluster: cluster.to_owned(),
        data_major,
        bin_dir: found.dir,
        bin_major: found.major,
    })
}
