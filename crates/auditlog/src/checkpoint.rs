//! The checkpoint: which log, how many leaves, which root (C2SP tlog-checkpoint). Three lines, no
//! extension lines, signed as a note.

use thiserror::Error;

use crate::encoding::parse_decimal;
use crate::hash::{Hash, TreeSize};
use crate::note::{NoteError, NoteSigner, SignedNote, Verifier};
use crate::proof::TreeHead;

/// What the log signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, which is also the name of its key.
    pub origin: String,
    /// Size and root.
    pub head: TreeHead,
}

/// Why a checkpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// Not three lines of origin, size and root.
    #[error("not a checkpoint: {0}")]
    Malformed(&'static str),
    /// Another log's checkpoint.
    #[error("the checkpoint is of {found:?}, not of {expected:?}")]
    Origin {
        /// The key's name.
        expected: String,
        /// The checkpoint's first line.
        found: String,
    },
    /// Signed by keys of the log, of which none signs trees of this size.
    #[error("the checkpoint is signed by a key that does not sign trees of {size} leaves")]
    KeyOutOfRange {
        /// The tree's size.
        size: TreeSize,
    },
    /// Not signed as it must be.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Checkpoint {
    /// The text that is signed.
    pub fn format(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.head.size,
            self.head.root.to_base64()
        )
    }

    /// Reads exactly what [`Checkpoint::format`] writes. Extension lines are refused: this log has
    /// none, and some witnesses refuse them too.
    pub fn parse(text: &str) -> Result<Checkpoint, CheckpointError> {
        let malformed = CheckpointError::Malformed;
        let body = text
            .strip_suffix('\n')
            .ok_or(malformed("no final newline"))?;
        let mut lines = body.split('\n');
        let mut line = || lines.next().ok_or(malformed("fewer than three lines"));
        let origin = line()?.to_owned();
        let size = parse_decimal(line()?).ok_or(malformed("bad tree size"))?;
        let root = Hash::from_base64(line()?).ok_or(malformed("bad root"))?;
        if lines.next().is_some() {
            return Err(malformed("extension lines"));
        }
        if origin.is_empty() {
            return Err(malformed("no origin"));
        }
        Ok(Checkpoint {
            origin,
            head: TreeHead {
                size: TreeSize(size),
                root,
            },
        })
    }

    /// Signs the checkpoint with the log's key.
    pub fn sign(&self, signer: &NoteSigner) -> Result<SignedNote, NoteError> {
        SignedNote::sign(self.format(), signer)
    }

    /// Verifies a signed checkpoint of the log that `verifier` belongs to.
    pub fn open(note: &SignedNote, verifier: &Verifier) -> Result<Checkpoint, CheckpointError> {
        let checkpoint = Checkpoint::parse(note.verify(verifier)?)?;
        if checkpoint.origin != verifier.name() {
            return Err(CheckpointError::Origin {
                expected: verifier.name().to_owned(),
                found: checkpoint.origin,
            });
        }
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conformance_vector_verifies() {
        let vkey = "prov.example/log1+9a95fb24+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
        let note = "prov.example/log1\n70000\nzMluRNoe9pvPVWcGY/O8yahtp7ZbQTn7rVoztCrWhJs=\n\n\
            — prov.example/log1 mpX7JBvxMPqH4dF/bFsN7avK1b4KzPzv7pkBWn9rA7RWGZRd5oy1S2YVDsG24okt\
            MQa9Alwt9jTtbCql2GoA+FOy1QM=\n\
            — witness.example/w1 JLXZ/gAAAABlU/EAWgTJb0HBYPbgm82q15ALX2veIJkNAkVt7jR9h84M+9yE0zBS\
            NPKjaxe+32ZNSS/nxmAHZPqbH9S+3KtEuSl0BQ==\n";
        let verifier = Verifier::parse(vkey).unwrap();
        let checkpoint = Checkpoint::open(&SignedNote::parse(note).unwrap(), &verifier).unwrap();
        assert_eq!(checkpoint.head.size, TreeSize(70_000));
        // Ed25519 is deterministic: our own signature is the vector's.
        let signer = NoteSigner::from_seed("prov.example/log1", &[7; 32]).unwrap();
        assert!(note.starts_with(&checkpoint.sign(&signer).unwrap().format()));
    }

    #[test]
    fn near_misses_are_refused() {
        let root = Hash([3; 32]).to_base64();
        assert!(Checkpoint::parse(&format!("o\n1\n{root}\n")).is_ok());
        for bad in [
            format!("o\n1\n{root}"),
            format!("o\n01\n{root}\n"),
            format!("o\n1\n{root}\nextension\n"),
            format!("\n1\n{root}\n"),
            format!("o\n1\n{}\n", &root[..40]),
            "o\n1\n".to_owned(),
        ] {
            assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_checkpoint_of_another_origin_is_refused_though_the_key_signed_it() {
        let signer = NoteSigner::from_seed("a.example", &[1; 32]).unwrap();
        let head = TreeHead {
            size: TreeSize(1),
            root: Hash([0; 32]),
        };
        let other = Checkpoint {
            origin: "b.example".into(),
            head,
        };
        let note = other.sign(&signer).unwrap();
        assert!(matches!(
            Checkpoint::open(&note, signer.verifier()),
            Err(CheckpointError::Origin { .. })
        ));
    }
}
