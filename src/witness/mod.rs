//! A witness (C2SP tlog-witness): follows logs, and cosigns a checkpoint only if it extends what it
//! cosigned before. Needs no database, and nothing from the logs but their keys.
//!
//! What makes a witness worth having is its memory. It is written and synced before any answer, one
//! file for each log, so that no crash makes it forget what it vouched for.

mod key;
mod server;
mod state;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use auditlog::Hash;
use auditlog::add_checkpoint::{AddCheckpoint, Refusal};
use auditlog::cosignature::{WitnessKey, WitnessSigner};
use auditlog::note::{NoteError, Verifier};
use thiserror::Error;

use crate::public::{self, FolderLock, PublicError};
use state::Cosigned;

pub use server::serve;

/// A witness with its memory.
#[derive(Debug)]
pub struct Witness {
    signer: WitnessSigner,
    /// All keys of all logs that it follows.
    keys: Vec<Verifier>,
    /// By origin: what it cosigned last. Each is locked for as long as one request is decided.
    logs: HashMap<String, Mutex<Option<Cosigned>>>,
    folder: PathBuf,
    clock: fn() -> u64,
    // Two witnesses with one memory would each forget what the other vouched for.
    _lock: FolderLock,
}

/// Why there is no witness.
#[derive(Debug, Error)]
pub enum WitnessError {
    /// Another process has the folder.
    #[error("another witness has the folder {0}")]
    InUse(PathBuf),
    /// There is no key yet, and no name for one.
    #[error("{0} holds no key yet: give --name to make one, such as witness.example.org")]
    NoName(PathBuf),
    /// The key has another name than the one given.
    #[error("the witness in this folder is named {0:?}, and a witness keeps its name")]
    OtherName(String),
    /// The folder remembers cosignatures, and the key is gone.
    #[error("{0} is missing, and this witness has cosigned with it. Put it back from its backup")]
    LostKey(PathBuf),
    /// A file that is not what the witness wrote.
    #[error(
        "{path} is damaged: {fault}. A witness that forgot what it cosigned could cosign another \
         history: put the file back, or begin a new witness in an empty folder"
    )]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
    /// Nothing to follow.
    #[error("no log to follow: give --log, or a policy with a log line")]
    NoLogs,
    /// The key's name cannot be one.
    #[error("the witness's name: {0}")]
    Name(#[from] NoteError),
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] PublicError),
}

/// Why a request got no cosignature.
#[derive(Debug, Error)]
pub enum AddError {
    /// The protocol says so.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What would have been vouched for could not be written down.
    #[error(transparent)]
    File(#[from] PublicError),
}

impl Witness {
    /// The witness of `folder`, which follows the logs of these keys; made there with the name `name`
    /// if there is none yet.
    pub fn open(
        folder: &Path,
        name: Option<&str>,
        keys: Vec<Verifier>,
    ) -> Result<Witness, WitnessError> {
        if keys.is_empty() {
            return Err(WitnessError::NoLogs);
        }
        let lock = public::try_lock(folder)?;
        let lock = lock.ok_or_else(|| WitnessError::InUse(folder.to_owned()))?;
        let signer = key::load_or_make(folder, name)?;
        let mut logs = HashMap::new();
        for key in &keys {
            let last = state::read(folder, key.name(), signer.key())?;
            logs.insert(key.name().to_owned(), Mutex::new(last));
        }
        Ok(Witness {
            signer,
            keys,
            logs,
            folder: folder.to_owned(),
            clock: unix_time,
            _lock: lock,
        })
    }

    /// The same by another clock.
    pub fn with_clock(self, clock: fn() -> u64) -> Witness {
        Witness { clock, ..self }
    }

    /// The public half of its key.
    pub fn key(&self) -> &WitnessKey {
        self.signer.key()
    }

    /// The logs that it follows, by origin.
    pub fn origins(&self) -> Vec<&str> {
        let mut origins: Vec<&str> = self.logs.keys().map(String::as_str).collect();
        origins.sort_unstable();
        origins
    }

    /// Answers `add-checkpoint`: the signature line, once it can no longer be forgotten. Writes a
    /// file: not for an async thread.
    pub fn add_checkpoint(&self, body: &str) -> Result<String, AddError> {
        let request = AddCheckpoint::parse(body)?;
        let checkpoint = request.open(&self.keys)?;
        let unknown = || Refusal::UnknownOrigin(checkpoint.origin.clone());
        let log = self.logs.get(&checkpoint.origin).ok_or_else(unknown)?;
        // Compared, written and remembered under one lock: of two requests at once the second is
        // decided by what the first left. What stands there is right even if a thread died over it,
        // since it is replaced only after the file was.
        let mut last = log.lock().unwrap_or_else(PoisonError::into_inner);
        request.follow(last.as_ref().map(|last| last.head), checkpoint.head)?;
        let before = last.as_ref().map_or(0, |last| last.time);
        // The clock may have been set back; what was said of a time may not.
        let time = (self.clock)().max(before);
        let line = self
            .signer
            .cosign(request.checkpoint.unverified_text(), time);
        let cosigned = Cosigned::new(&request, &checkpoint, &self.keys, line.clone(), time);
        state::write(&self.folder, &checkpoint.origin, &cosigned)?;
        *last = Some(cosigned);
        Ok(line.format())
    }

    /// The checkpoint that it cosigned last of the log whose origin hashes to this.
    pub fn latest(&self, origin_hash: &str) -> Option<String> {
        let named = |origin: &&String| origin_name(origin) == origin_hash;
        let origin = self.logs.keys().find(named)?;
        let last = self.logs[origin]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(|last| last.note.format())
    }
}

/// What a log is called in addresses and file names.
fn origin_name(origin: &str) -> String {
    Hash::of(&[origin.as_bytes()]).to_hex()
}

fn unix_time() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
