//! The service's keys: made once, in files that only the service can read, never in the database.
//!
//! A key that is missing or wrong beside an existing log is an error. Making a new one would begin a
//! second log under the first one's name.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auditlog::encoding::{from_hex, to_hex};
use auditlog::field::Secret;
use auditlog::hash::empty_root;
use auditlog::keys::{KeyFault, LogKeys};
use auditlog::note::{NoteError, NoteSigner, Verifier};
use auditlog::proof::TreeHead;
use auditlog::story::StoryNote;
use auditlog::{Hash, TreeSize};
use sqlx::{Connection, PgConnection};
use thiserror::Error;

use super::key_source::{self, SourceError};
use crate::config::{KeySettings, KeySource};
use crate::domain::code::CodeKey;
use crate::failpoint::{self, Step, Thing};
use crate::public::{self, PublicError, PublicFile};
use crate::seal::LogSigners;
use crate::store::code_key::{code_key_fingerprint, insert_code_key};
use crate::store::log_head::{LogHead, found_log, log_head};

const LOG_KEY: &str = "log.key";
const STORY_KEY: &str = "story.key";
const CODES_KEY: &str = "codes.key";

/// What the service signs and enciphers with.
#[derive(Debug)]
pub struct Keys {
    /// Sign checkpoints.
    pub log: Arc<LogSigners>,
    /// Signs story notes.
    pub story: Arc<NoteSigner>,
    /// Makes item codes.
    pub codes: CodeKey,
}

/// Why the service has no keys to work with.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The log exists and this key does not.
    #[error(
        "{0} is missing, and a log signed with it exists. Put the key back from its backup; no new \
         one is made"
    )]
    Missing(PathBuf),
    /// The key is not the one that the log has.
    #[error("{path} holds the key {found}, and the log's is {expected}. Put the right key back")]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// What is in it.
        found: String,
        /// What should be.
        expected: String,
    },
    /// Public files of a log that the database does not know.
    #[error(
        "the public folder holds a log, and the database holds none: it is empty, or not the one \
         that belongs to this data folder. Restore the database; nothing is sealed"
    )]
    LostDatabase,
    /// The file is not a key.
    #[error("{path} is not a key: {fault}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        fault: String,
    },
    /// What gives the key does not.
    #[error("{setting}: {fault}")]
    Source {
        /// The setting that names it.
        setting: &'static str,
        /// Why.
        fault: SourceError,
    },
    /// The key before the newest signs beside it for a while, and no setting says where it is.
    #[error(
        "trees of up to {until} leaves are signed with the key {key} as well: set \
         ROOTMARK_OLD_LOG_KEY_FILE or ROOTMARK_OLD_LOG_KEY_COMMAND"
    )]
    NoOldKey {
        /// That key.
        key: String,
        /// The last size that it signs.
        until: TreeSize,
    },
    /// The rotations in the database do not lead to the log's key.
    #[error("the log's keys: {0}")]
    History(#[from] KeyFault),
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] PublicError),
    /// The name chosen for the log cannot be a key's name.
    #[error("the log's name: {0}")]
    Origin(#[from] NoteError),
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// Where a log is founded.
#[derive(Debug, Clone, Copy)]
pub struct Founding<'a> {
    /// Where the keys are.
    pub places: &'a KeyPlaces,
    /// The name wanted for a new log.
    pub origin: Option<&'a str>,
    /// Whether the public folder holds a log already.
    pub has_public_history: bool,
}

/// Loads the keys of the log in the database, or founds the log. In the sealer's role.
pub async fn load_or_found(
    conn: &mut PgConnection,
    founding: Founding<'_>,
) -> Result<Keys, KeyError> {
    let places = founding.places;
    if let Some(head) = log_head(conn).await? {
        return places.load(&head, code_key_fingerprint(conn).await?).await;
    }
    if founding.has_public_history {
        return Err(KeyError::LostDatabase);
    }
    let made = places.load_or_make(founding.origin).await?;
    let mut tx = conn.begin().await?;
    insert_code_key(&mut tx, &made.codes.fingerprint()).await?;
    found_log(&mut tx, &new_head(&made)).await?;
    // Another service may have founded the log at the same moment: then its keys are the log's.
    let head = log_head(&mut tx).await?.ok_or(sqlx::Error::RowNotFound)?;
    let fingerprint = code_key_fingerprint(&mut tx).await?;
    let keys = places.load(&head, fingerprint).await?;
    failpoint::before(Thing::Founding, Step::Commit, &places.folder);
    tx.commit().await?;
    failpoint::after(Thing::Founding, Step::Commit, &places.folder);
    Ok(keys)
}

fn new_head(keys: &Keys) -> LogHead {
    LogHead {
        origin: keys.log.verifier().name().to_owned(),
        vkey: keys.log.verifier().format(),
        story_vkey: keys.story.verifier().format(),
        key_rotations: 0,
        rotations: Vec::new(),
        seal: 0,
        tree: TreeHead {
            size: TreeSize(0),
            root: empty_root(),
        },
        anchor_sha256: Hash([0; 32]),
        sealed_at: None,
    }
}

/// Where the keys are: in the folder of keys, unless a setting says otherwise.
#[derive(Debug, Clone)]
pub struct KeyPlaces {
    folder: PathBuf,
    settings: KeySettings,
}

/// A key, and what an error calls the place that it came from.
struct Found {
    signer: NoteSigner,
    place: PathBuf,
}

impl KeyPlaces {
    /// The keys of a data folder.
    pub fn new(data_dir: &Path, settings: &KeySettings) -> KeyPlaces {
        KeyPlaces {
            folder: data_dir.join("keys"),
            settings: settings.clone(),
        }
    }

    /// Whether the log's key lies in the folder of keys.
    pub fn holds_log_key(&self) -> bool {
        self.settings.log.is_none()
    }

    /// The keys that sign for the log as it stands: the newest, and the one before it for as long as
    /// both sign.
    pub async fn log_signers(&self, head: &LogHead) -> Result<LogSigners, KeyError> {
        let keys = head.log_keys()?;
        let newest = &keys.newest().verifier;
        let found = match &self.settings.log {
            Some(source) => from_source("ROOTMARK_LOG_KEY", source).await?,
            None => self.kept_in_folder(&log_key_file(&keys, newest))?,
        };
        let newest = expect(found, newest)?;
        Ok(LogSigners::new(newest, self.older(&keys, head).await?))
    }

    async fn older(&self, keys: &LogKeys, head: &LogHead) -> Result<Option<NoteSigner>, KeyError> {
        let earlier = keys.all().iter().rev().nth(1);
        let Some((key, until)) = earlier.and_then(|key| Some((&key.verifier, key.until?))) else {
            return Ok(None);
        };
        if until < head.tree.size {
            return Ok(None);
        }
        let found = match (&self.settings.old_log, &self.settings.log) {
            (Some(source), _) => from_source("ROOTMARK_OLD_LOG_KEY", source).await?,
            (None, None) => self.kept_in_folder(&log_key_file(keys, key))?,
            (None, Some(_)) => {
                let key = key.format();
                return Err(KeyError::NoOldKey { key, until });
            }
        };
        Ok(Some(expect(found, key)?))
    }

    async fn load(&self, head: &LogHead, fingerprint: Option<Vec<u8>>) -> Result<Keys, KeyError> {
        let log = Arc::new(self.log_signers(head).await?);
        let story = self.story().await?;
        if story.signer.verifier().format() != head.story_vkey {
            return Err(story.wrong(head.story_vkey.clone()));
        }
        let path = self.folder.join(CODES_KEY);
        let text = read_if_there(&path)?.ok_or_else(|| KeyError::Missing(path.clone()))?;
        let codes = parse_codes(&path, &text)?;
        let found = to_hex(&codes.fingerprint());
        let expected = fingerprint.map_or_else(|| "none".to_owned(), |bytes| to_hex(&bytes));
        if found != expected {
            return Err(KeyError::Wrong {
                path,
                found,
                expected,
            });
        }
        Ok(Keys {
            log,
            story: Arc::new(story.signer),
            codes,
        })
    }

    async fn story(&self) -> Result<Found, KeyError> {
        match &self.settings.story {
            Some(source) => from_source("ROOTMARK_STORY_KEY", source).await,
            None => self.kept_in_folder(STORY_KEY),
        }
    }

    fn kept_in_folder(&self, name: &str) -> Result<Found, KeyError> {
        let place = self.folder.join(name);
        let text = read_if_there(&place)?.ok_or_else(|| KeyError::Missing(place.clone()))?;
        let signer = parse_signer(&place, &text)?;
        Ok(Found { signer, place })
    }

    /// A log that was never founded may have keys all the same: a crash came in between.
    async fn load_or_make(&self, origin: Option<&str>) -> Result<Keys, KeyError> {
        let is_missing = |name: &str| Ok::<_, KeyError>(self.in_folder(name)?.is_none());
        if self.settings.log.is_none() && is_missing(LOG_KEY)? {
            self.write(LOG_KEY, &new_signer(origin)?.to_secret_text())?;
        }
        let log = match &self.settings.log {
            Some(source) => from_source("ROOTMARK_LOG_KEY", source).await?,
            None => self.kept_in_folder(LOG_KEY)?,
        };
        if self.settings.story.is_none() && is_missing(STORY_KEY)? {
            let name = StoryNote::key_name(log.signer.verifier().name());
            let signer = NoteSigner::from_seed(&name, &random()?)?;
            self.write(STORY_KEY, &signer.to_secret_text())?;
        }
        if is_missing(CODES_KEY)? {
            self.write(CODES_KEY, &to_hex(&random()?))?;
        }
        let path = self.folder.join(CODES_KEY);
        let codes = self.in_folder(CODES_KEY)?.unwrap_or_default();
        Ok(Keys {
            story: Arc::new(self.story_of(&log).await?),
            log: Arc::new(LogSigners::new(log.signer, None)),
            codes: parse_codes(&path, &codes)?,
        })
    }

    /// The story key must bear the log's name: a verifier refuses any other.
    async fn story_of(&self, log: &Found) -> Result<NoteSigner, KeyError> {
        let story = self.story().await?;
        let name = StoryNote::key_name(log.signer.verifier().name());
        if story.signer.verifier().name() != name {
            return Err(story.wrong(format!("a key named {name}")));
        }
        Ok(story.signer)
    }

    fn in_folder(&self, name: &str) -> Result<Option<String>, KeyError> {
        read_if_there(&self.folder.join(name))
    }

    /// A key is whole or not there.
    fn write(&self, name: &str, text: &str) -> Result<(), KeyError> {
        let file = PublicFile::secret(name, format!("{text}\n"));
        Ok(public::write(&self.folder, &[file])?)
    }

    /// Keeps the next key of the log, under the name by which it is found once the database names it.
    pub(super) fn keep_next(&self, next: &NoteSigner) -> Result<PathBuf, KeyError> {
        let name = successor_file(next.verifier());
        self.write(&name, &next.to_secret_text())?;
        Ok(self.folder.join(name))
    }
}

/// Every key has a file of its own, so that no step of a rotation replaces one: the first is `log.key`,
/// and those after it bear their id.
fn log_key_file(keys: &LogKeys, key: &Verifier) -> String {
    if keys.all()[0].verifier == *key {
        return LOG_KEY.to_owned();
    }
    successor_file(key)
}

fn successor_file(key: &Verifier) -> String {
    format!("log-{}.key", to_hex(&key.key_name().id))
}

impl Found {
    fn wrong(&self, expected: String) -> KeyError {
        KeyError::Wrong {
            path: self.place.clone(),
            found: self.signer.verifier().format(),
            expected,
        }
    }
}

fn expect(found: Found, key: &Verifier) -> Result<NoteSigner, KeyError> {
    if found.signer.verifier() == key {
        Ok(found.signer)
    } else {
        Err(found.wrong(key.format()))
    }
}

async fn from_source(setting: &'static str, source: &KeySource) -> Result<Found, KeyError> {
    let text = key_source::read(source).await;
    let text = text.map_err(|fault| KeyError::Source { setting, fault })?;
    let place = match source {
        KeySource::File(path) => path.clone(),
        KeySource::Command(_) => format!("{setting}_COMMAND").into(),
    };
    let signer = parse_signer(&place, &text)?;
    Ok(Found { signer, place })
}

/// A key in a file that somebody names.
pub(super) async fn key_in(path: &Path) -> Result<NoteSigner, KeyError> {
    let source = KeySource::File(path.to_owned());
    Ok(from_source("--new-key", &source).await?.signer)
}

/// A fresh key for a log; without a name, of one that nobody else has.
pub(super) fn new_signer(origin: Option<&str>) -> Result<NoteSigner, KeyError> {
    let origin = origin.map_or_else(random_origin, |name| Ok(name.to_owned()))?;
    Ok(NoteSigner::from_seed(&origin, &random()?)?)
}

/// Makes a key in a file that must not exist yet and that only its owner can read.
pub fn new_key_file(path: &Path, origin: Option<&str>) -> Result<Verifier, KeyError> {
    let signer = new_signer(origin)?;
    public::write_new_secret(path, format!("{}\n", signer.to_secret_text()).as_bytes())?;
    Ok(signer.verifier().clone())
}

fn read_if_there(path: &Path) -> Result<Option<String>, KeyError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim_end().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => {
            let path = path.to_owned();
            Err(PublicError::File { path, source }.into())
        }
    }
}

fn parse_signer(path: &Path, text: &str) -> Result<NoteSigner, KeyError> {
    NoteSigner::parse(text).map_err(|error| KeyError::Unreadable {
        path: path.to_owned(),
        fault: error.to_string(),
    })
}

fn parse_codes(path: &Path, text: &str) -> Result<CodeKey, KeyError> {
    let unreadable = || KeyError::Unreadable {
        path: path.to_owned(),
        fault: "it must be 64 hexadecimal digits".into(),
    };
    from_hex(text)
        .map(|bytes| CodeKey(Secret(bytes)))
        .ok_or_else(unreadable)
}

/// The name of a log that was given none: unique, since witnesses tell logs apart by it.
fn random_origin() -> Result<String, KeyError> {
    let bytes = random()?;
    Ok(format!("rootmark.invalid/{}", to_hex(&bytes[..8])))
}

fn random() -> Result<[u8; 32], KeyError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(KeyError::Random)?;
    Ok(bytes)
}
