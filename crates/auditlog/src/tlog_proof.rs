//! Proofs of one entry (C2SP tlog-proof): index, inclusion path and checkpoint in one text.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64>
//! index <leaf index>
//! <base64 hash, from the leaf's sibling up>…
//!
//! <the checkpoint, with all its signatures>
//! ```

use thiserror::Error;

use crate::checkpoint::Checkpoint;
use crate::encoding::{from_base64, parse_decimal, to_base64};
use crate::hash::{Hash, LeafIndex};
use crate::note::{NoteError, SignedNote};
use crate::proof::{ProofError, verify_inclusion};

/// The first line.
pub const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A tree of 2^64 leaves has no longer path.
const MAX_PATH: usize = 64;

/// A proof of one entry, not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// What the application adds. Nothing vouches for it.
    pub extra: Option<Vec<u8>>,
    /// Where the entry stands.
    pub index: LeafIndex,
    /// From the leaf to the root, nearest first.
    pub path: Vec<Hash>,
    /// The checkpoint, with any cosignatures.
    pub checkpoint: SignedNote,
}

/// Why a text is no such proof.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TlogProofError {
    /// Another first line.
    #[error("the first line is not {HEADER}")]
    Header,
    /// A bad `extra` line.
    #[error("the extra line is not base64")]
    Extra,
    /// No index line, or a bad one.
    #[error("the index line is missing or bad")]
    Index,
    /// A line of the path is not a hash.
    #[error("hash {0} of the path is not base64 of 32 bytes")]
    Path(usize),
    /// More hashes than any tree needs.
    #[error("the path is longer than {MAX_PATH} hashes")]
    TooLong,
    /// Nothing after the path.
    #[error("there is no empty line before the checkpoint")]
    NoCheckpoint,
    /// The checkpoint is not a signed note.
    #[error("the checkpoint: {0}")]
    Note(#[from] NoteError),
}

impl TlogProof {
    /// The proof as text.
    pub fn format(&self) -> String {
        let mut out = format!("{HEADER}\n");
        if let Some(extra) = &self.extra {
            out.push_str(&format!("extra {}\n", to_base64(extra)));
        }
        out.push_str(&format!("index {}\n", self.index));
        for hash in &self.path {
            out.push_str(&hash.to_base64());
            out.push('\n');
        }
        out.push('\n');
        out.push_str(&self.checkpoint.format());
        out
    }

    /// Reads exactly what [`TlogProof::format`] writes.
    pub fn parse(text: &str) -> Result<TlogProof, TlogProofError> {
        let (head, note) = text
            .split_once("\n\n")
            .ok_or(TlogProofError::NoCheckpoint)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(TlogProofError::Header);
        }
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(extra) => {
                lines.next();
                Some(from_base64(extra).ok_or(TlogProofError::Extra)?)
            }
            None => None,
        };
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index.and_then(parse_decimal).ok_or(TlogProofError::Index)?;
        let mut path = Vec::new();
        for (i, line) in lines.enumerate() {
            if i == MAX_PATH {
                return Err(TlogProofError::TooLong);
            }
            path.push(Hash::from_base64(line).ok_or(TlogProofError::Path(i + 1))?);
        }
        Ok(TlogProof {
            extra,
            index: LeafIndex(index),
            path,
            checkpoint: SignedNote::parse(note)?,
        })
    }

    /// Checks that `leaf` stands where the proof says, in the tree of a checkpoint that the caller
    /// has verified.
    pub fn verify(&self, leaf: Hash, checkpoint: &Checkpoint) -> Result<(), ProofError> {
        let head = checkpoint.head;
        verify_inclusion(leaf, self.index, head.size, &self.path, head.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{TreeSize, leaf_hash, node_hash};
    use crate::note::NoteSigner;
    use crate::proof::TreeHead;

    fn proof() -> (TlogProof, Hash, NoteSigner) {
        let signer = NoteSigner::from_seed("log.example", &[1; 32]).unwrap();
        let (left, right) = (leaf_hash(b"left"), leaf_hash(b"right"));
        let head = TreeHead {
            size: TreeSize(2),
            root: node_hash(&left, &right),
        };
        let origin = "log.example".to_owned();
        let checkpoint = Checkpoint { origin, head }.sign(&signer).unwrap();
        let proof = TlogProof {
            extra: Some(b"what it is".to_vec()),
            index: LeafIndex(1),
            path: vec![left],
            checkpoint,
        };
        (proof, right, signer)
    }

    #[test]
    fn a_proof_reads_back_and_verifies_for_its_leaf_alone() {
        let (proof, leaf, signer) = proof();
        for extra in [proof.extra.clone(), None, Some(Vec::new())] {
            let proof = TlogProof {
                extra,
                ..proof.clone()
            };
            assert_eq!(TlogProof::parse(&proof.format()), Ok(proof));
        }
        let checkpoint = Checkpoint::open(&proof.checkpoint, signer.verifier()).unwrap();
        assert_eq!(proof.verify(leaf, &checkpoint), Ok(()));
        assert!(proof.verify(leaf_hash(b"other"), &checkpoint).is_err());
        let moved = TlogProof {
            index: LeafIndex(0),
            ..proof
        };
        assert!(moved.verify(leaf, &checkpoint).is_err());
    }

    #[test]
    fn a_tree_of_one_leaf_has_an_empty_path() {
        let (proof, ..) = proof();
        let proof = TlogProof {
            path: Vec::new(),
            ..proof
        };
        assert_eq!(TlogProof::parse(&proof.format()), Ok(proof));
    }

    #[test]
    fn near_misses_are_refused() {
        let (proof, ..) = proof();
        let text = proof.format();
        let hash = proof.path[0].to_base64();
        let refused = |text: String| TlogProof::parse(&text).unwrap_err();
        assert_eq!(refused(text.replace("@v1", "@v2")), TlogProofError::Header);
        assert_eq!(
            refused(text.replace("extra ", "extra  ")),
            TlogProofError::Extra
        );
        assert_eq!(
            refused(text.replace("index 1", "index 01")),
            TlogProofError::Index
        );
        assert_eq!(
            refused(text.replace("index 1\n", "")),
            TlogProofError::Index
        );
        assert_eq!(
            refused(text.replace("extra", "extras")),
            TlogProofError::Index
        );
        assert_eq!(
            refused(text.replace(&hash, &hash[..40])),
            TlogProofError::Path(1)
        );
        let long = format!("{hash}\n").repeat(MAX_PATH + 1);
        assert_eq!(
            refused(text.replace(&format!("{hash}\n"), &long)),
            TlogProofError::TooLong
        );
        assert_eq!(refused(HEADER.to_owned()), TlogProofError::NoCheckpoint);
        assert!(matches!(
            refused(format!("{text}x")),
            TlogProofError::Note(_)
        ));
        assert!(TlogProof::parse(&text.replace('\n', "\r\n")).is_err());
    }
}
