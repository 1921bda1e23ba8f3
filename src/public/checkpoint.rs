//! The public checkpoint: the newest signed tree that readers are told of.

use std::fs;
use std::path::Path;

use auditlog::anchor::AnchorLine;
use auditlog::checkpoint::Checkpoint;
use auditlog::keys::{KeyHistory, LogKey, LogKeys};
use auditlog::note::SignedNote;
use auditlog::proof::TreeHead;

use super::{AnchorLines, CHECKPOINT, KEYS, PublicError, PublicFile, at, lock, segments, write};

/// The last checkpoint that is public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its line in the anchor file.
    pub anchor: AnchorLine,
    /// The note that is public: the line's own, with the cosignatures of witnesses that it got.
    pub checkpoint: String,
    /// The newest key of the log that has signed it.
    pub vkey: String,
}

impl Published {
    /// What is public where no witness is asked.
    pub fn without_witnesses(anchor: AnchorLine, vkey: String) -> Published {
        let checkpoint = anchor.checkpoint.clone();
        Published {
            anchor,
            checkpoint,
            vkey,
        }
    }
}

/// The public checkpoint with its anchor line; none where there is no checkpoint, or none that any
/// line of the anchor file holds.
pub fn published(folder: &Path) -> Result<Option<Published>, PublicError> {
    let path = folder.join(CHECKPOINT);
    let checkpoint = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(&path)(error)),
    };
    let Ok(note) = SignedNote::parse(&checkpoint) else {
        return Ok(None);
    };
    let newest = segments(folder)?.last().copied().unwrap_or(0);
    // Nearly always one of the newest; a checkpoint that waits long for its witnesses may be older.
    for from in [newest, 0] {
        if let Some(anchor) = line_of(folder, from, note.unverified_text())? {
            let vkey = signer_of(folder, &anchor);
            return Ok(Some(Published {
                anchor,
                checkpoint,
                vkey,
            }));
        }
    }
    Ok(None)
}

/// The newest line, from the segment of `from_seal` on, whose checkpoint has this text.
fn line_of(folder: &Path, from_seal: u64, text: &str) -> Result<Option<AnchorLine>, PublicError> {
    let Ok(checkpoint) = Checkpoint::parse(text) else {
        return Ok(None);
    };
    let root = checkpoint.head.root.to_base64();
    let mut found = None;
    for line in AnchorLines::open(folder, from_seal)? {
        let line = line?;
        // Cheaper than reading each line, and true of the right ones.
        let Some(line) = std::str::from_utf8(&line)
            .ok()
            .filter(|l| l.contains(&root))
        else {
            continue;
        };
        let line = AnchorLine::parse(line)?;
        let same = SignedNote::parse(&line.checkpoint);
        if same.is_ok_and(|note| note.unverified_text() == text) {
            found = Some(line);
        }
    }
    Ok(found)
}

/// Makes `checkpoint`, a note of the tree in `anchor`, the public one, unless a larger tree is public
/// already: another process may have been faster, and readers are never led back. Then there is none.
pub fn publish_checkpoint(
    folder: &Path,
    anchor: &AnchorLine,
    checkpoint: String,
) -> Result<Option<Published>, PublicError> {
    let _lock = lock(folder)?;
    let present = fs::read_to_string(folder.join(CHECKPOINT)).ok();
    let present = present.as_deref().and_then(tree_head);
    let new = anchor.head;
    if present.is_some_and(|now| now.size > new.size || (now.size == new.size && now != new)) {
        return Ok(None);
    }
    let file = PublicFile::new(CHECKPOINT, checkpoint.as_bytes());
    write(folder, &[file])?;
    Ok(Some(Published {
        anchor: anchor.clone(),
        checkpoint,
        vkey: signer_of(folder, anchor),
    }))
}

/// The same by the history that is public; nothing where that is damaged.
fn signer_of(folder: &Path, line: &AnchorLine) -> String {
    let history = fs::read_to_string(folder.join(KEYS)).unwrap_or_default();
    let history = KeyHistory::parse(&history);
    history.map_or(String::new(), |history| newest_signer(&history.log, line))
}

/// The newest of the log's keys that has signed a seal: right after a rotation that is still the old.
pub fn newest_signer(keys: &LogKeys, line: &AnchorLine) -> String {
    let note = SignedNote::parse(&line.checkpoint);
    let signed = |key: &&LogKey| {
        let verified = note.as_ref().map(|note| note.verify(&key.verifier));
        matches!(verified, Ok(Ok(_)))
    };
    let found = keys.all().iter().rev().find(signed);
    found.unwrap_or(keys.newest()).verifier.format()
}

fn tree_head(note: &str) -> Option<TreeHead> {
    let note = SignedNote::parse(note).ok()?;
    Some(Checkpoint::parse(note.unverified_text()).ok()?.head)
}
