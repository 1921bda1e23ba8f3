//! Evidence of two histories, `rootmark-evidence/v1`: two checkpoints that one key signed, and a path that shows that
//! the smaller tree is not the beginning of the larger one. Nobody need be believed for it but the key.
//!
//! ```text
//! {"format":"rootmark-evidence/v1","vkey":"…","old":"<signed checkpoint>","new":"<signed checkpoint>","path":["…",…]}
//! ```

use thiserror::Error;

use crate::bundle::Trust;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::hash::{Hash, empty_root};
use crate::json::{self, JsonError, Value, write_string};
use crate::keys::LogKeys;
use crate::note::{NoteError, SignedNote, Verifier};
use crate::proof::{ProofError, TreeHead, consistency_roots};

/// The value of the member `format`.
pub const FORMAT: &str = "rootmark-evidence/v1";

/// What somebody saw who remembered a checkpoint, and was then shown another; see [`judge`] for what must hold of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The log's key.
    pub vkey: String,
    /// The signed checkpoint of the smaller tree; of one size, either.
    pub old: String,
    /// The signed checkpoint of the larger tree.
    pub new: String,
    /// From the node that the old tree ends in to the root of the new one, as in a consistency proof; empty for two
    /// trees of one size and for an old tree without leaves.
    pub path: Vec<Hash>,
}

/// What evidence shows: the log signed both, and the old tree is not the beginning of the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwoHistories {
    /// The log's name.
    pub origin: String,
    /// Whether the verifier knew the key from a place of its own.
    pub is_trusted: bool,
    /// The smaller tree.
    pub old: TreeHead,
    /// The larger tree.
    pub new: TreeHead,
    /// The root over as many leaves as the old tree has, in the new one: another than the old root.
    pub begins_with: Hash,
}

/// Why a file is no evidence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EvidenceError {
    /// Not UTF-8.
    #[error("the evidence is not UTF-8 text: byte {0}")]
    Utf8(usize),
    /// Not JSON.
    #[error("the evidence is not JSON: {0}")]
    Json(JsonError),
    /// A member that is absent, or not what it must be.
    #[error("not evidence: {0}")]
    Malformed(&'static str),
    /// The key cannot be used.
    #[error("/vkey: {0}")]
    Key(NoteError),
    /// The key is not the one that is trusted.
    #[error("/vkey is not the key that you trust")]
    OtherKey,
    /// A checkpoint is not the log's.
    #[error("{0}: {1}")]
    Checkpoint(&'static str, CheckpointError),
    /// The old tree is the larger one.
    #[error("/old is of a larger tree than /new")]
    Order,
    /// The path does not fit the two trees.
    #[error("/path: {0}")]
    Path(ProofError),
    /// The log has done nothing wrong.
    #[error("the two trees agree: this shows nothing against the log")]
    Agree,
}

impl Evidence {
    /// The file's text.
    pub fn format(&self) -> String {
        let mut out = String::from("{\"format\":");
        write_string(FORMAT, &mut out);
        for (key, value) in [("vkey", &self.vkey), ("old", &self.old), ("new", &self.new)] {
            out.push_str(",\"");
            out.push_str(key);
            out.push_str("\":");
            write_string(value, &mut out);
        }
        out.push_str(",\"path\":[");
        for (i, hash) in self.path.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            write_string(&hash.to_base64(), &mut out);
        }
        out.push_str("]}");
        out
    }

    /// Reads exactly what [`Evidence::format`] writes.
    pub fn parse(text: &str) -> Result<Evidence, EvidenceError> {
        let malformed = EvidenceError::Malformed;
        let value = json::parse(text).map_err(EvidenceError::Json)?;
        let member = |key| value.get(key).and_then(Value::as_str).map(str::to_owned);
        if member("format").as_deref() != Some(FORMAT) {
            return Err(malformed("format"));
        }
        let hash = |hash: &Value<'_>| Hash::from_base64(hash.as_str()?);
        let path = value.get("path").and_then(Value::as_array);
        let evidence = Evidence {
            vkey: member("vkey").ok_or(malformed("vkey"))?,
            old: member("old").ok_or(malformed("old"))?,
            new: member("new").ok_or(malformed("new"))?,
            path: path
                .and_then(|path| path.iter().map(hash).collect())
                .ok_or(malformed("path"))?,
        };
        if evidence.format() != text {
            return Err(malformed(
                "extra, missing or reordered members, or another spelling",
            ));
        }
        Ok(evidence)
    }
}

/// What a file shows, or the first reason why it shows nothing. Of `trust` the log's key and a history of keys count.
pub fn judge(bytes: &[u8], trust: &Trust<'_>) -> Result<TwoHistories, EvidenceError> {
    let text =
        std::str::from_utf8(bytes).map_err(|error| EvidenceError::Utf8(error.valid_up_to()))?;
    let evidence = Evidence::parse(text)?;
    let keys = keys(&evidence.vkey, trust)?;
    let old = open("/old", &evidence.old, &keys)?;
    let new = open("/new", &evidence.new, &keys)?;
    let begins_with = beginning(old.head, new.head, &evidence.path)?;
    if begins_with == old.head.root {
        return Err(EvidenceError::Agree);
    }
    Ok(TwoHistories {
        origin: new.origin,
        is_trusted: trust.names_log(),
        old: old.head,
        new: new.head,
        begins_with,
    })
}

fn keys(vkey: &str, trust: &Trust<'_>) -> Result<LogKeys, EvidenceError> {
    let stated = Verifier::parse(vkey).map_err(EvidenceError::Key)?;
    let keys = match trust.keys {
        Some(history) => history.log.clone(),
        None => LogKeys::single(stated.clone()),
    };
    let believed = trust.policy.is_none_or(|policy| {
        let mut known = keys.all().iter();
        policy.logs.is_empty() || known.any(|key| policy.log(&key.verifier).is_some())
    });
    let trusted = trust.log.is_none_or(|key| keys.contains(key));
    if keys.contains(&stated) && trusted && believed {
        Ok(keys)
    } else {
        Err(EvidenceError::OtherKey)
    }
}

fn open(at: &'static str, note: &str, keys: &LogKeys) -> Result<Checkpoint, EvidenceError> {
    let note = SignedNote::parse(note).map_err(CheckpointError::from);
    note.and_then(|note| keys.open(&note))
        .map_err(|error| EvidenceError::Checkpoint(at, error))
}

/// The root over the first leaves of the new tree, as many as the old one has. The path binds it to the new root.
fn beginning(old: TreeHead, new: TreeHead, path: &[Hash]) -> Result<Hash, EvidenceError> {
    if old.size > new.size {
        return Err(EvidenceError::Order);
    }
    let whole = match old.size.0 {
        0 => Some(empty_root()),
        size if size == new.size.0 => Some(new.root),
        _ => None,
    };
    match (whole, path) {
        (Some(root), []) => Ok(root),
        (None, [first, path @ ..]) => {
            let roots = consistency_roots(old.size, new.size, *first, path);
            let (begins_with, root) = roots.map_err(EvidenceError::Path)?;
            // What leads to another tree than the one that was signed says nothing of this one.
            if root == new.root {
                Ok(begins_with)
            } else {
                Err(EvidenceError::Path(ProofError::Root))
            }
        }
        _ => Err(EvidenceError::Path(ProofError::Length)),
    }
}
