//! The anchor file: one line per seal, each naming the hash of the line before it, so that the
//! order and the times of all checkpoints stand in one append-only text.

use thiserror::Error;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::encoding::{parse_decimal, to_hex};
use crate::entry::Timestamp;
use crate::hash::{Hash, TreeSize};
use crate::json::{self, Value};
use crate::note::{NoteError, SignedNote, Verifier};
use crate::proof::TreeHead;

/// Lines in one segment; a full segment moves to `anchors/<first seal>.jsonl`.
pub const SEGMENT_LINES: u64 = 65_536;

/// One seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorLine {
    /// Counted from 1.
    pub seal: u64,
    /// The tree that was sealed.
    pub head: TreeHead,
    /// By the operator's clock; never less than the line before.
    pub sealed_at: Timestamp,
    /// SHA-256 of the line before, without its newline; zeros for the first.
    pub previous: Hash,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// Why an anchor line, or its place in the file, is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AnchorError {
    /// Not exactly what an anchor line looks like.
    #[error("not an anchor line: {0}")]
    Malformed(&'static str),
    /// The line's own fields contradict the checkpoint in it.
    #[error("the line's tree_size or root is not its checkpoint's")]
    Contradiction,
    /// The checkpoint in the line is not the log's.
    #[error("the line's checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The note in the line cannot be read.
    #[error("the line's checkpoint: {0}")]
    Note(#[from] NoteError),
    /// The seal number does not follow.
    #[error("seal {found} stands where {expected} should")]
    Seal {
        /// The number that must follow.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// `previous` is not the hash of the line before.
    #[error("seal {0}: previous is not the hash of the line before")]
    Previous(u64),
    /// The tree shrank, or changed without growing.
    #[error("seal {0}: the tree does not extend the one before")]
    Tree(u64),
    /// Time went backwards.
    #[error("seal {0}: sealed_at is earlier than the line before")]
    Time(u64),
}

impl AnchorLine {
    /// The line, without its newline.
    pub fn format(&self) -> String {
        let mut out = format!("{{\"seal\":{},\"tree_size\":{},", self.seal, self.head.size);
        out.push_str("\"root\":\"");
        out.push_str(&self.head.root.to_base64());
        out.push_str("\",\"sealed_at\":\"");
        out.push_str(self.sealed_at.as_str());
        out.push_str("\",\"previous\":\"");
        out.push_str(&to_hex(&self.previous.0));
        out.push_str("\",\"checkpoint\":");
        json::write_string(&self.checkpoint, &mut out);
        out.push('}');
        out
    }

    /// Reads exactly what [`AnchorLine::format`] writes; the checkpoint is not verified yet.
    pub fn parse(line: &str) -> Result<AnchorLine, AnchorError> {
        let malformed = AnchorError::Malformed;
        let value = json::parse(line).map_err(|_| malformed("not JSON"))?;
        let number = |key| {
            value
                .get(key)
                .and_then(Value::as_number)
                .and_then(parse_decimal)
        };
        let text = |key| value.get(key).and_then(Value::as_str);
        let parsed = AnchorLine {
            seal: number("seal").ok_or(malformed("seal"))?,
            head: TreeHead {
                size: TreeSize(number("tree_size").ok_or(malformed("tree_size"))?),
                root: text("root")
                    .and_then(Hash::from_base64)
                    .ok_or(malformed("root"))?,
            },
            sealed_at: text("sealed_at")
                .and_then(Timestamp::parse)
                .ok_or(malformed("sealed_at"))?,
            previous: text("previous")
                .and_then(crate::encoding::from_hex)
                .map(Hash)
                .ok_or(malformed("previous"))?,
            checkpoint: text("checkpoint")
                .ok_or(malformed("checkpoint"))?
                .to_owned(),
        };
        // Members, their order and their spelling are fixed: what is not what we would write is
        // not an anchor line.
        if parsed.format() != line {
            return Err(malformed(
                "extra, missing or reordered members, or another spelling",
            ));
        }
        Ok(parsed)
    }

    /// What the next line's `previous` must be.
    pub fn hash(&self) -> Hash {
        Hash::of(&[self.format().as_bytes()])
    }

    /// Verifies the checkpoint in the line and that the line says the same.
    pub fn open(&self, verifier: &Verifier) -> Result<Checkpoint, AnchorError> {
        let note = SignedNote::parse(&self.checkpoint)?;
        let checkpoint = Checkpoint::open(&note, verifier)?;
        if checkpoint.head != self.head {
            return Err(AnchorError::Contradiction);
        }
        Ok(checkpoint)
    }
}

/// Follows an anchor file line by line.
#[derive(Debug, Clone, Default)]
pub struct AnchorChain {
    last: Option<AnchorLine>,
}

impl AnchorChain {
    /// A chain before its first line.
    pub fn new() -> AnchorChain {
        AnchorChain::default()
    }

    /// A chain that continues after `last`, which somebody trusts already.
    pub fn after(last: AnchorLine) -> AnchorChain {
        AnchorChain { last: Some(last) }
    }

    /// The last line accepted.
    pub fn last(&self) -> Option<&AnchorLine> {
        self.last.as_ref()
    }

    /// Accepts the next line, or says what is wrong with it.
    pub fn push(&mut self, line: AnchorLine) -> Result<(), AnchorError> {
        let seal = line.seal;
        let after = |last: &AnchorLine| last.seal.saturating_add(1);
        let expected = self.last.as_ref().map_or(1, after);
        if seal != expected {
            return Err(AnchorError::Seal {
                expected,
                found: seal,
            });
        }
        let previous = self.last.as_ref().map_or(Hash([0; 32]), AnchorLine::hash);
        if line.previous != previous {
            return Err(AnchorError::Previous(seal));
        }
        if let Some(last) = &self.last {
            let grew = line.head.size > last.head.size || line.head == last.head;
            if !grew {
                return Err(AnchorError::Tree(seal));
            }
            if line.sealed_at < last.sealed_at {
                return Err(AnchorError::Time(seal));
            }
        }
        self.last = Some(line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::NoteSigner;

    fn signer() -> NoteSigner {
        NoteSigner::from_seed("a.example", &[1; 32]).unwrap()
    }

    fn line(seal: u64, size: u64, previous: Hash, sealed_at: &str) -> AnchorLine {
        let head = TreeHead {
            size: TreeSize(size),
            root: Hash([size as u8; 32]),
        };
        let checkpoint = Checkpoint {
            origin: "a.example".into(),
            head,
        };
        AnchorLine {
            seal,
            head,
            sealed_at: Timestamp::parse(sealed_at).unwrap(),
            previous,
            checkpoint: checkpoint.sign(&signer()).unwrap().format(),
        }
    }

    const T1: &str = "2026-11-23T01:02:03.123Z";
    const T2: &str = "2026-11-23T01:02:04.123Z";

    #[test]
    fn a_line_reads_back_and_opens() {
        let line = line(1, 70, Hash([0; 32]), T1);
        assert_eq!(AnchorLine::parse(&line.format()), Ok(line.clone()));
        assert_eq!(line.open(signer().verifier()).unwrap().head, line.head);
    }

    #[test]
    fn a_line_in_another_spelling_is_refused() {
        let text = line(1, 70, Hash([0; 32]), T1).format();
        for bad in [
            text.replace("\"seal\":1", "\"seal\": 1"),
            text.replace("\"seal\":1", "\"seal\":1.0"),
            text.replace("\\n", "\\u000a"),
            text.replace("{\"seal\":1,", "{\"x\":0,\"seal\":1,"),
            format!("{text}\n"),
        ] {
            assert!(AnchorLine::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_line_that_contradicts_its_checkpoint_is_refused() {
        let mut line = line(1, 70, Hash([0; 32]), T1);
        line.head.size = TreeSize(71);
        assert_eq!(
            line.open(signer().verifier()),
            Err(AnchorError::Contradiction)
        );
    }

    #[test]
    fn a_chain_accepts_growth_and_heartbeats_and_nothing_else() {
        let first = line(1, 70, Hash([0; 32]), T1);
        let mut chain = AnchorChain::new();
        chain.push(first.clone()).unwrap();
        let refused = |next: AnchorLine| chain.clone().push(next).unwrap_err();
        let h = first.hash();
        assert_eq!(
            refused(line(3, 71, h, T2)),
            AnchorError::Seal {
                expected: 2,
                found: 3
            }
        );
        assert_eq!(
            refused(line(2, 71, Hash([0; 32]), T2)),
            AnchorError::Previous(2)
        );
        assert_eq!(refused(line(2, 69, h, T2)), AnchorError::Tree(2));
        let before = "2026-11-23T01:02:03.122Z";
        assert_eq!(refused(line(2, 71, h, before)), AnchorError::Time(2));
        let mut other_root = line(2, 70, h, T2);
        other_root.head.root = Hash([9; 32]);
        assert_eq!(refused(other_root), AnchorError::Tree(2));
        chain.clone().push(line(2, 70, h, T1)).unwrap();
        chain.push(line(2, 71, h, T2)).unwrap();
        assert_eq!(chain.last().unwrap().seal, 2);
    }
}
