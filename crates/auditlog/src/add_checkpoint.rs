//! What a log asks of a witness, and what the witness must check (C2SP tlog-witness,
//! `add-checkpoint`).
//!
//! ```text
//! old <size of the tree that the witness cosigned last>
//! <base64 hash of the consistency proof>…
//!
//! <the checkpoint>
//! ```

use thiserror::Error;

use crate::checkpoint::Checkpoint;
use crate::encoding::parse_decimal;
use crate::hash::{Hash, TreeSize, empty_root};
use crate::note::{NoteError, SignedNote, Verifier};
use crate::proof::{ProofError, TreeHead, verify_consistency};

/// C2SP tlog-witness: no request has more hashes.
pub const MAX_PROOF: usize = 63;
/// A request longer than this is refused before anything is parsed: the longest proof and a note.
pub const MAX_BYTES: usize = 72 * 1024;
/// The media type of the answer to a wrong old size.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// A request to cosign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The tree that the witness is believed to have cosigned last; 0 for none.
    pub old: TreeSize,
    /// That it is a prefix of the new one.
    pub proof: Vec<Hash>,
    /// The new checkpoint.
    pub checkpoint: SignedNote,
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Not in the form of a request, or of a checkpoint without extension lines.
    #[error("malformed: {0}")]
    Malformed(String),
    /// The witness does not follow this log.
    #[error("the log {0:?} is not one that this witness follows")]
    UnknownOrigin(String),
    /// No signature by a key that the witness trusts for this log.
    #[error("no valid signature by a trusted key of the log")]
    NotSigned,
    /// The old tree is larger than the new one.
    #[error("the old size is larger than the checkpoint's")]
    OldBeyondNew,
    /// The witness cosigned a tree of another size last.
    #[error("the last cosigned tree has {} leaves", .known.0)]
    OtherSize {
        /// That size.
        known: TreeSize,
    },
    /// The same size and another root, or no proof that the new tree extends the old: two histories.
    #[error("the checkpoint does not extend the tree that was cosigned: {0}")]
    Inconsistent(ProofError),
}

impl Refusal {
    /// The HTTP status that C2SP tlog-witness has for it.
    pub fn status(&self) -> u16 {
        match self {
            Refusal::Malformed(_) | Refusal::OldBeyondNew => 400,
            Refusal::NotSigned => 403,
            Refusal::UnknownOrigin(_) => 404,
            Refusal::OtherSize { .. } => 409,
            Refusal::Inconsistent(_) => 422,
        }
    }
}

impl AddCheckpoint {
    /// The request's body.
    pub fn format(&self) -> String {
        let mut out = format!("old {}\n", self.old);
        for hash in &self.proof {
            out.push_str(&hash.to_base64());
            out.push('\n');
        }
        out.push('\n');
        out.push_str(&self.checkpoint.format());
        out
    }

    /// Reads exactly what [`AddCheckpoint::format`] writes.
    pub fn parse(body: &str) -> Result<AddCheckpoint, Refusal> {
        let malformed = |fault: &str| Refusal::Malformed(fault.to_owned());
        if body.len() > MAX_BYTES {
            return Err(malformed("the request is too long"));
        }
        let (head, note) = body
            .split_once("\n\n")
            .ok_or_else(|| malformed("no empty line before the checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old = old
            .and_then(parse_decimal)
            .ok_or_else(|| malformed("the first line is not an old size"))?;
        let proof: Option<Vec<Hash>> = lines.take(MAX_PROOF + 1).map(Hash::from_base64).collect();
        let proof = proof.ok_or_else(|| malformed("a line of the proof is not a hash"))?;
        if proof.len() > MAX_PROOF {
            return Err(malformed("the proof has more than 63 hashes"));
        }
        let checkpoint =
            SignedNote::parse(note).map_err(|error| Refusal::Malformed(error.to_string()))?;
        Ok(AddCheckpoint {
            old: TreeSize(old),
            proof,
            checkpoint,
        })
    }

    /// The checkpoint, if one of the keys that are trusted for its log signed it. `logs` are all keys
    /// that the witness trusts; a key's name is its log's origin.
    pub fn open(&self, logs: &[Verifier]) -> Result<Checkpoint, Refusal> {
        let checkpoint = Checkpoint::parse(self.checkpoint.unverified_text())
            .map_err(|error| Refusal::Malformed(error.to_string()))?;
        let keys: Vec<&Verifier> = logs
            .iter()
            .filter(|key| key.name() == checkpoint.origin)
            .collect();
        if keys.is_empty() {
            return Err(Refusal::UnknownOrigin(checkpoint.origin));
        }
        let mut signed = false;
        for key in keys {
            match self.checkpoint.verify(key) {
                Ok(_) => signed = true,
                Err(NoteError::NotSigned(_)) => {}
                // A known key whose signature is wrong refuses the note, whoever else signed it.
                Err(_) => return Err(Refusal::NotSigned),
            }
        }
        if self.old > checkpoint.head.size {
            return Err(Refusal::OldBeyondNew);
        }
        if signed {
            Ok(checkpoint)
        } else {
            Err(Refusal::NotSigned)
        }
    }

    /// Checks that the tree of `new` extends the one that was cosigned last, if any was.
    pub fn follow(&self, last: Option<TreeHead>, new: TreeHead) -> Result<(), Refusal> {
        let last = last.unwrap_or(TreeHead {
            size: TreeSize(0),
            root: empty_root(),
        });
        if self.old != last.size {
            return Err(Refusal::OtherSize { known: last.size });
        }
        let rootless = new.size.0 == 0 && new.root != empty_root();
        if rootless {
            return Err(Refusal::Inconsistent(ProofError::Root));
        }
        verify_consistency(last, new, &self.proof).map_err(Refusal::Inconsistent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{leaf_hash, node_hash};
    use crate::note::NoteSigner;

    fn signer() -> NoteSigner {
        NoteSigner::from_seed("log.example", &[1; 32]).unwrap()
    }

    fn head(leaves: u8, salt: u8) -> TreeHead {
        let leaf = |i: u8| leaf_hash(&[i, if i > 0 { salt } else { 0 }]);
        let root = match leaves {
            0 => empty_root(),
            1 => leaf(0),
            _ => node_hash(&leaf(0), &leaf(1)),
        };
        TreeHead {
            size: TreeSize(leaves.into()),
            root,
        }
    }

    fn request(old: u64, new: TreeHead, proof: &[Hash]) -> AddCheckpoint {
        let checkpoint = Checkpoint {
            origin: "log.example".into(),
            head: new,
        };
        AddCheckpoint {
            old: TreeSize(old),
            proof: proof.to_vec(),
            checkpoint: checkpoint.sign(&signer()).unwrap(),
        }
    }

    fn growth(salt: u8) -> AddCheckpoint {
        request(1, head(2, salt), &[leaf_hash(&[1, salt])])
    }

    #[test]
    fn a_request_reads_back_and_its_near_misses_do_not() {
        let request = growth(0);
        let body = request.format();
        assert_eq!(AddCheckpoint::parse(&body), Ok(request.clone()));
        let hash = request.proof[0].to_base64();
        for bad in [
            body.replace("old 1", "old 01"),
            body.replace("old 1", "old  1"),
            body.replace("old 1\n", ""),
            body.replace("old", "new"),
            body.replace(&hash, &hash[1..]),
            body.replace("\n\nlog", "\nlog"),
            body.replace('\n', "\r\n"),
            body.replace(&hash, &[hash.as_str(); MAX_PROOF + 1].join("\n")),
            format!("{body}\n"),
            format!("{body}{}", "x".repeat(MAX_BYTES)),
        ] {
            let refusal = AddCheckpoint::parse(&bad).unwrap_err();
            assert_eq!(refusal.status(), 400, "{bad}");
        }
        let longest = body.replace(&hash, &[hash.as_str(); MAX_PROOF].join("\n"));
        assert_eq!(
            AddCheckpoint::parse(&longest).unwrap().proof.len(),
            MAX_PROOF
        );
    }

    #[test]
    fn only_a_known_log_with_a_right_signature_is_opened() {
        let request = growth(0);
        let key = signer().verifier().clone();
        let other = NoteSigner::from_seed("log.example", &[2; 32]).unwrap();
        let stranger = NoteSigner::from_seed("other.example", &[1; 32]).unwrap();
        let open = |request: &AddCheckpoint, keys: &[Verifier]| request.open(keys);
        assert!(open(&request, std::slice::from_ref(&key)).is_ok());
        assert_eq!(open(&request, &[]).unwrap_err().status(), 404);
        assert_eq!(
            open(&request, &[stranger.verifier().clone()])
                .unwrap_err()
                .status(),
            404
        );
        assert_eq!(
            open(&request, &[other.verifier().clone()])
                .unwrap_err()
                .status(),
            403
        );
        // Either key of a log that is changing its key will do.
        assert!(open(&request, &[other.verifier().clone(), key.clone()]).is_ok());
        let mut wrong = request.clone();
        let mut line = wrong.checkpoint.signatures()[0].clone();
        line.signature[0] ^= 1;
        wrong.checkpoint.add_signature(line);
        assert_eq!(
            open(&wrong, std::slice::from_ref(&key))
                .unwrap_err()
                .status(),
            403
        );
        let beyond = AddCheckpoint {
            old: TreeSize(3),
            ..request
        };
        assert_eq!(open(&beyond, &[key]), Err(Refusal::OldBeyondNew));
    }

    #[test]
    fn a_witness_follows_one_history_and_no_other() {
        let first = head(1, 0);
        assert_eq!(request(0, first, &[]).follow(None, first), Ok(()));
        assert_eq!(growth(0).follow(Some(first), head(2, 0)), Ok(()));
        // Again, as a heartbeat.
        assert_eq!(
            request(2, head(2, 0), &[]).follow(Some(head(2, 0)), head(2, 0)),
            Ok(())
        );
        let other_size = growth(0).follow(None, head(2, 0)).unwrap_err();
        assert_eq!(other_size, Refusal::OtherSize { known: TreeSize(0) });
        let status = |refused: Result<(), Refusal>| refused.unwrap_err().status();
        // A proof of another tree; another root of the same size; a proof from nothing.
        assert_eq!(status(growth(7).follow(Some(first), head(2, 0))), 422);
        assert_eq!(
            status(request(2, head(2, 7), &[]).follow(Some(head(2, 0)), head(2, 7))),
            422
        );
        assert_eq!(
            status(request(0, first, &[first.root]).follow(None, first)),
            422
        );
        let empty = TreeHead {
            size: TreeSize(0),
            root: first.root,
        };
        assert_eq!(status(request(0, empty, &[]).follow(None, empty)), 422);
        let nothing = head(0, 0);
        assert_eq!(request(0, nothing, &[]).follow(None, nothing), Ok(()));
    }
}
