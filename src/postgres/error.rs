//! What can keep the cluster from running, each with the sentence an operator needs.

use std::io;
use std::path::{Path, PathBuf};

/// A promise of the embedded Postgres that could not be kept.
///
/// No variant ever carries the password, an environment or a statement's text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// No folder with the three programs was found anywhere.
    #[error(
        "PostgreSQL is not installed: on Debian or Ubuntu run `apt-get install postgresql`, \
         elsewhere install PostgreSQL 15 or newer, set ROOTMARK_PG_BIN to the folder of its \
         programs, or set ROOTMARK_DATABASE_URL to a server of your own"
    )]
    NotInstalled,

    /// `ROOTMARK_PG_BIN` is set, so nothing else is tried, but it is not such a folder.
    #[error(
        "ROOTMARK_PG_BIN is {dir}, which holds no runnable `{missing}`: set it to the folder of \
         PostgreSQL's programs (the one with initdb, pg_ctl and postgres), or unset it"
    )]
    WrongBinFolder {
        /// The folder as it was given.
        dir: PathBuf,
        /// The first program that is missing.
        missing: &'static str,
    },

    /// Only a PostgreSQL older than the oldest supported one was found.
    #[error("{bin_dir} holds PostgreSQL {found}, but version 15 or newer is needed: upgrade it")]
    TooOld {
        /// The folder of the programs.
        bin_dir: PathBuf,
        /// Its major version.
        found: u32,
    },

    /// `postgres --version` said something else than a version.
    #[error("cannot read a version from what `{program} --version` said: {said:?}")]
    UnknownVersion {
        /// The program that was asked.
        program: PathBuf,
        /// The first line of its answer.
        said: String,
    },

    /// The data was made by another major version, and no installed one can read it.
    #[error(
        "{cluster} was made by PostgreSQL {data_major}, but {bin_dir} holds PostgreSQL \
         {bin_major}, which cannot read it: install PostgreSQL {data_major} (on Debian or Ubuntu \
         `apt-get install postgresql-{data_major}`), or move the data with pg_upgrade"
    )]
    OtherMajorVersion {
        /// The cluster's folder.
        cluster: PathBuf,
        /// The version in its `PG_VERSION`.
        data_major: u32,
        /// The folder of the programs that were found.
        bin_dir: PathBuf,
        /// Their version.
        bin_major: u32,
    },

    /// Something lies where the cluster belongs, and it is not a cluster.
    #[error(
        "{path} is no Postgres cluster (it holds no readable PG_VERSION), and nothing is created \
         over it: restore the cluster there, or move the folder away to begin an empty one"
    )]
    NotACluster {
        /// The folder or file in question.
        path: PathBuf,
    },

    /// `<data_dir>/postgres` points to a cluster that is not there.
    #[error(
        "{link} points to {target}, which is gone, and no empty cluster is put in its place: \
         restore or mount {target}, or remove the link to begin an empty cluster"
    )]
    LinkTargetGone {
        /// The symbolic link in the data folder.
        link: PathBuf,
        /// Where it points.
        target: PathBuf,
    },

    /// The cluster exists and its password file does not.
    #[error("the cluster's password file {path} is gone: restore it from a backup")]
    PasswordGone {
        /// Where the file belongs.
        path: PathBuf,
    },

    /// The password file holds something else than 64 hexadecimal digits.
    #[error("{path} does not hold the password that was written there: restore it from a backup")]
    PasswordUnreadable {
        /// The file. Its content is never repeated.
        path: PathBuf,
    },

    /// The service is root and no unprivileged user exists to run Postgres as.
    #[error("Postgres refuses to run as root, and /etc/passwd has neither `postgres` nor `nobody`")]
    NoUserToRunAs,

    /// The user that Postgres runs as cannot enter its own folder.
    #[error(
        "user {user} cannot enter {path}: a folder above it is closed to that user; open the way \
         (`chmod o+x` on each folder above), or move the cluster and leave a symbolic link"
    )]
    Unreachable {
        /// The folder that cannot be entered.
        path: PathBuf,
        /// The user's name, or its number where it has none.
        user: String,
    },

    /// Every fall-back folder for this data folder's path is taken.
    #[error("{root} is full of clusters of earlier data folders at this path: remove some")]
    NoFreeHome {
        /// The folder that holds them.
        root: PathBuf,
    },

    /// The folder for the socket exists and is not private to the cluster.
    #[error("{path} is not a private folder of user number {uid}: remove it and start again")]
    SocketFolderTaken {
        /// The folder.
        path: PathBuf,
        /// Who has to own it, alone.
        uid: u32,
    },

    /// No folder gives a socket path that fits into a socket address.
    #[error("no folder for the Postgres socket has a path under {limit_bytes} bytes")]
    SocketPathTooLong {
        /// The longest path that is used, in bytes.
        limit_bytes: usize,
    },

    /// Another service has this data folder.
    #[error(
        "another Rootmark service{} holds the data folder {data_dir}: \
         stop it, or set ROOTMARK_DATA_DIR to another folder",
        pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    DataDirInUse {
        /// The data folder.
        data_dir: PathBuf,
        /// The process that holds it, where its lock file says so.
        pid: Option<u32>,
    },

    /// `postmaster.pid` names a live process that cannot be told to be Postgres or not.
    #[error(
        "{pid_file} names process {pid}, which runs, and this system does not tell what it is: \
         if it is Postgres stop it, else remove the file"
    )]
    UnknownProcess {
        /// The pid file.
        pid_file: PathBuf,
        /// The process number in it.
        pid: u32,
    },

    /// `initdb` did not make a cluster.
    #[error("initdb could not make a cluster: {said}")]
    InitFailed {
        /// The last lines of what it said.
        said: String,
    },

    /// Postgres ended before it was ready.
    #[error("Postgres ended before it was ready ({status}); the last lines of {log}: {said}")]
    StartFailed {
        /// How it ended.
        status: String,
        /// Its log file.
        log: PathBuf,
        /// What it wrote to it in this start.
        said: String,
    },

    /// Postgres was not ready in time.
    #[error(
        "Postgres was not ready within {limit_s} s and is left to go on; start the service again \
         to wait for it; {log} tells what it does"
    )]
    NotReadyInTime {
        /// How long was waited, in seconds.
        limit_s: u64,
        /// Its log file.
        log: PathBuf,
    },

    /// Postgres was not running any more when it was to be stopped.
    #[error("Postgres had ended before it was stopped ({status}); it recovers at the next start")]
    EndedBefore {
        /// How it ended.
        status: String,
    },

    /// Postgres did not stop, and was not forced to.
    #[error("Postgres did not stop and is left to go on, the next start takes it over: {said}")]
    StopFailed {
        /// What `pg_ctl` said.
        said: String,
    },

    /// The system refused something.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// What was tried, as a verb: `read`, `create`.
        doing: &'static str,
        /// What it was tried on.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Gives an [`io::Error`] the verb and the path without which it helps nobody.
pub(super) trait AtPath<T> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T, ClusterError>;
}

impl<T> AtPath<T> for io::Result<T> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T, ClusterError> {
        self.map_err(|source| ClusterError::Io {
            doing,
            path: path.to_owned(),
            source,
        })
    }
}

/// The last few lines of a program's words, joined, for the end of an error message.
pub(super) fn last_lines(said: &[u8]) -> String {
    const LINES: usize = 6;
    let text = String::from_utf8_lossy(said);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return "(nothing)".to_owned();
    }
    lines[lines.len().saturating_sub(LINES)..].join(" | ")
}
