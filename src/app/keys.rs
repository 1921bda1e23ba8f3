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
use auditlog::note::{NoteError, NoteSigner};
use auditlog::proof::TreeHead;
use auditlog::story::StoryNote;
use auditlog::{Hash, TreeSize};
use sqlx::{Connection, PgConnection};
use thiserror::Error;

use crate::domain::code::CodeKey;
use crate::failpoint::{self, Step, Thing};
use crate::public::{self, PublicError, PublicFile};
use crate::store::code_key::{code_key_fingerprint, insert_code_key};
use crate::store::log_head::{LogHead, found_log, log_head};

const LOG_KEY: &str = "log.key";
const STORY_KEY: &str = "story.key";
const CODES_KEY: &str = "codes.key";

/// What the service signs and enciphers with.
#[derive(Debug)]
pub struct Keys {
    /// Signs checkpoints.
    pub log: Arc<NoteSigner>,
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
    /// The folder of the keys.
    pub folder: &'a Path,
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
    let files = KeyFiles::in_folder(founding.folder);
    if let Some(head) = log_head(conn).await? {
        let keys = files.load()?;
        check(&files, &keys, &head, code_key_fingerprint(conn).await?)?;
        return Ok(keys);
    }
    if founding.has_public_history {
        return Err(KeyError::LostDatabase);
    }
    let keys = files.load_or_make(founding.origin)?;
    let mut tx = conn.begin().await?;
    insert_code_key(&mut tx, &keys.codes.fingerprint()).await?;
    found_log(&mut tx, &new_head(&keys)).await?;
    // Another service may have founded the log at the same moment: then its keys are the log's.
    let head = log_head(&mut tx).await?.ok_or(sqlx::Error::RowNotFound)?;
    check(&files, &keys, &head, code_key_fingerprint(&mut tx).await?)?;
    failpoint::before(Thing::Founding, Step::Commit, founding.folder);
    tx.commit().await?;
    failpoint::after(Thing::Founding, Step::Commit, founding.folder);
    Ok(keys)
}

fn new_head(keys: &Keys) -> LogHead {
    LogHead {
        origin: keys.log.verifier().name().to_owned(),
        vkey: keys.log.verifier().format(),
        story_vkey: keys.story.verifier().format(),
        seal: 0,
        tree: TreeHead {
            size: TreeSize(0),
            root: empty_root(),
        },
        anchor_sha256: Hash([0; 32]),
        sealed_at: None,
    }
}

fn check(
    files: &KeyFiles,
    keys: &Keys,
    head: &LogHead,
    fingerprint: Option<Vec<u8>>,
) -> Result<(), KeyError> {
    let mark = to_hex(&keys.codes.fingerprint());
    let expected = fingerprint.map_or_else(|| "none".to_owned(), |bytes| to_hex(&bytes));
    let wanted = [
        (&files.log, keys.log.verifier().format(), &head.vkey),
        (
            &files.story,
            keys.story.verifier().format(),
            &head.story_vkey,
        ),
        (&files.codes, mark, &expected),
    ];
    for (path, found, expected) in wanted {
        if found != *expected {
            let (path, expected) = (path.clone(), expected.clone());
            return Err(KeyError::Wrong {
                path,
                found,
                expected,
            });
        }
    }
    Ok(())
}

struct KeyFiles {
    folder: PathBuf,
    log: PathBuf,
    story: PathBuf,
    codes: PathBuf,
}

impl KeyFiles {
    fn in_folder(folder: &Path) -> KeyFiles {
        KeyFiles {
            folder: folder.to_owned(),
            log: folder.join(LOG_KEY),
            story: folder.join(STORY_KEY),
            codes: folder.join(CODES_KEY),
        }
    }

    fn load(&self) -> Result<Keys, KeyError> {
        let missing = |path: &Path| KeyError::Missing(path.to_owned());
        let read = |path: &Path| read_if_there(path)?.ok_or_else(|| missing(path));
        Ok(Keys {
            log: Arc::new(parse_signer(&self.log, &read(&self.log)?)?),
            story: Arc::new(parse_signer(&self.story, &read(&self.story)?)?),
            codes: parse_codes(&self.codes, &read(&self.codes)?)?,
        })
    }

    /// A log that was never founded may have keys all the same: a crash came in between.
    fn load_or_make(&self, origin: Option<&str>) -> Result<Keys, KeyError> {
        if read_if_there(&self.log)?.is_none() {
            let origin = origin.map_or_else(random_origin, |name| Ok(name.to_owned()))?;
            let signer = NoteSigner::from_seed(&origin, &random()?)?;
            self.write(LOG_KEY, &signer.to_secret_text())?;
        }
        let log = parse_signer(&self.log, &read_if_there(&self.log)?.unwrap_or_default())?;
        if read_if_there(&self.story)?.is_none() {
            let name = StoryNote::key_name(log.verifier().name());
            let signer = NoteSigner::from_seed(&name, &random()?)?;
            self.write(STORY_KEY, &signer.to_secret_text())?;
        }
        if read_if_there(&self.codes)?.is_none() {
            self.write(CODES_KEY, &to_hex(&random()?))?;
        }
        self.load()
    }

    /// A key is whole or not there.
    fn write(&self, name: &str, text: &str) -> Result<(), KeyError> {
        let file = PublicFile::secret(name, format!("{text}\n"));
        Ok(public::write(&self.folder, &[file])?)
    }
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
