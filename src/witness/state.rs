//! What a witness remembers of a log: the checkpoint that it cosigned last, as a note, in a file.

use std::fs;
use std::path::{Path, PathBuf};

use auditlog::add_checkpoint::AddCheckpoint;
use auditlog::checkpoint::Checkpoint;
use auditlog::cosignature::WitnessKey;
use auditlog::note::{NoteSignature, SignedNote, Verifier};
use auditlog::proof::TreeHead;

use super::{WitnessError, origin_name};
use crate::public::{self, PublicError, PublicFile};

const SUFFIX: &str = ".checkpoint";

/// A checkpoint that was cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cosigned {
    /// Size and root.
    pub head: TreeHead,
    /// When, in seconds since 1970.
    pub time: u64,
    /// The checkpoint with the log's signatures and ours.
    pub note: SignedNote,
}

impl Cosigned {
    /// What is kept of a request: its text, those signatures that were verified, and ours.
    pub fn new(
        request: &AddCheckpoint,
        checkpoint: &Checkpoint,
        keys: &[Verifier],
        line: NoteSignature,
        time: u64,
    ) -> Cosigned {
        let known = |line: &NoteSignature| keys.iter().any(|key| *key.key_name() == line.key);
        let text = request.checkpoint.unverified_text().to_owned();
        let lines = request.checkpoint.signatures().iter();
        let lines = lines.filter(|line| known(line)).cloned();
        Cosigned {
            head: checkpoint.head,
            time,
            note: SignedNote::from_parts(text, lines.chain([line]).collect()),
        }
    }
}

/// What the witness cosigned last of this log, if anything.
pub(super) fn read(
    folder: &Path,
    origin: &str,
    key: &WitnessKey,
) -> Result<Option<Cosigned>, WitnessError> {
    let path = path_of(folder, origin);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) if source.kind() == std::io::ErrorKind::InvalidData => {
            let fault = "it is not text".to_owned();
            return Err(WitnessError::Damaged { path, fault });
        }
        Err(source) => return Err(PublicError::File { path, source }.into()),
    };
    let cosigned = parse(&text, origin, key);
    cosigned
        .map(Some)
        .map_err(|fault| WitnessError::Damaged { path, fault })
}

fn parse(text: &str, origin: &str, key: &WitnessKey) -> Result<Cosigned, String> {
    let note = SignedNote::parse(text).map_err(|error| error.to_string())?;
    let time = key.verify(&note).map_err(|error| error.to_string())?.time;
    let checkpoint =
        Checkpoint::parse(note.unverified_text()).map_err(|error| error.to_string())?;
    if checkpoint.origin != origin {
        return Err(format!("it is of the log {:?}", checkpoint.origin));
    }
    Ok(Cosigned {
        head: checkpoint.head,
        time,
        note,
    })
}

/// Writes it down; once this returns, no crash takes it back.
pub(super) fn write(folder: &Path, origin: &str, cosigned: &Cosigned) -> Result<(), PublicError> {
    let name = format!("{}{SUFFIX}", origin_name(origin));
    let file = PublicFile::new(&name, cosigned.note.format().as_bytes());
    public::write(folder, &[file])
}

/// Whether anything was ever cosigned here.
pub(super) fn any(folder: &Path) -> Result<bool, PublicError> {
    let at = |source| PublicError::File {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(at)? {
        let name = entry.map_err(at)?.file_name();
        if name.to_string_lossy().ends_with(SUFFIX) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn path_of(folder: &Path, origin: &str) -> PathBuf {
    folder.join(format!("{}{SUFFIX}", origin_name(origin)))
}
