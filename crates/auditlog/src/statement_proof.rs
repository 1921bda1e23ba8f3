//! One statement out of the log, alone: a C2SP tlog-proof whose `extra` is the statement's
//! disclosure.
//!
//! ```text
//! extra = base64 of [content tree, receipt tree], as a bundle's member `disclosure` has it
//! entry = "rootmark-entry/v1\n" || /recorded || "\n" || base64(H(0x01 || content root || receipt root)) || "\n"
//! ```
//!
//! The entry is not carried: it follows from the disclosure, so nothing can contradict it. The file
//! has no key of its own either, and no story note: it proves that one statement was recorded, and
//! says nothing of what else was.

use thiserror::Error;

use crate::Timestamp;
use crate::bundle::{
    Bundle, BundledStatement, StatementFault, Trust, VerifiedStatement, read_opened, shown_text,
};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::disclosure::{DisclosureError, Node};
use crate::entry::Entry;
use crate::hash::TreeSize;
use crate::json::{self, JsonError};
use crate::keys::LogKeys;
use crate::note::{NoteError, SignedNote};
use crate::policy::{NoQuorum, Witnessed};
use crate::statement;
use crate::tlog_proof::{HEADER, TlogProof, TlogProofError};

/// What a proof of one statement shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedProof {
    /// The log's name.
    pub origin: String,
    /// The tree in which the statement was found.
    pub size: TreeSize,
    /// Who of the policy's witnesses has cosigned the checkpoint, and when: a quorum. None without a
    /// policy.
    pub witnesses: Option<Vec<Witnessed>>,
    /// The statement.
    pub statement: VerifiedStatement,
}

/// The first thing that is wrong with a proof of one statement.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StatementProofError {
    /// Not UTF-8.
    #[error("the proof is not UTF-8 text: byte {0}")]
    Utf8(usize),
    /// Not a tlog-proof.
    #[error(transparent)]
    Form(#[from] TlogProofError),
    /// Nothing to know the log by: a proof has no key of its own.
    #[error("no key of a log is trusted, and the proof has none of its own")]
    NoKey,
    /// The trusted key, the policy and the history of keys are not of one log.
    #[error("the keys that you trust are not of one log")]
    KeysDisagree,
    /// The checkpoint is of a log that is not trusted.
    #[error("the checkpoint is of {0:?}, of which you trust no key")]
    OtherLog(String),
    /// The checkpoint is not the log's.
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// Too few of the policy's witnesses have cosigned the checkpoint.
    #[error(transparent)]
    Quorum(#[from] NoQuorum),
    /// A proof that says nothing of what it proves.
    #[error("there is no extra line: the statement is not in the proof")]
    NoExtra,
    /// What is carried is no JSON text.
    #[error("the extra line is not JSON: {0}")]
    Json(JsonError),
    /// What is carried is JSON, spelled in another way.
    #[error("the extra line is not a pair of trees in its canonical form")]
    Spelling,
    /// The statement is wrong, or not in the log.
    #[error("{0}")]
    Statement(#[from] StatementFault),
}

/// Whether a file is a tlog-proof: it begins with its header.
pub fn is_tlog_proof(bytes: &[u8]) -> bool {
    let rest = bytes.strip_prefix(HEADER.as_bytes());
    rest.is_some_and(|rest| rest.first() == Some(&b'\n'))
}

/// The proof of one of a bundle's statements, under the bundle's checkpoint and all its signatures.
pub fn of_bundled(bundle: &Bundle, statement: &BundledStatement) -> Result<TlogProof, NoteError> {
    of_statement(&bundle.checkpoint, statement)
}

/// The proof of a statement by itself, under a checkpoint with all its signatures.
pub fn of_statement(
    checkpoint: &str,
    statement: &BundledStatement,
) -> Result<TlogProof, NoteError> {
    let mut disclosure = String::new();
    statement.write_disclosure(&mut disclosure);
    Ok(TlogProof {
        extra: Some(disclosure.into_bytes()),
        index: statement.index,
        path: statement.path.clone(),
        checkpoint: SignedNote::parse(checkpoint)?,
    })
}

/// Verifies a proof, or names the first thing that is wrong with it. `trust` must name the log;
/// its story key and its anchors are not asked for.
pub fn verify(bytes: &[u8], trust: &Trust<'_>) -> Result<VerifiedProof, StatementProofError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| StatementProofError::Utf8(error.valid_up_to()))?;
    let proof = TlogProof::parse(text)?;
    let checkpoint = open_checkpoint(&proof.checkpoint, trust)?;
    let witnesses = trust
        .policy
        .map(|policy| policy.witnessed(&proof.checkpoint))
        .transpose()?;
    let extra = proof.extra.as_deref();
    let (content, receipt) = read_disclosure(extra.ok_or(StatementProofError::NoExtra)?)?;
    let opened = (|| Ok::<_, DisclosureError>((content.open()?, receipt.open()?)))();
    let (content, receipt) = opened.map_err(StatementFault::from)?;
    let recorded = shown_text(&receipt, "/recorded")?;
    let recorded = Timestamp::parse(&recorded).ok_or(StatementFault::Entry)?;
    let digest = statement::digest(&content.root, &receipt.root);
    let leaf = Entry { recorded, digest }.leaf_hash();
    proof
        .verify(leaf, &checkpoint)
        .map_err(StatementFault::from)?;
    Ok(VerifiedProof {
        origin: checkpoint.origin,
        size: checkpoint.head.size,
        witnesses,
        statement: read_opened(proof.index, recorded, content, receipt)?,
    })
}

/// The checkpoint, by a key that the verifier trusts: its own, one that a history of keys leads to,
/// or one that the policy names.
fn open_checkpoint(
    note: &SignedNote,
    trust: &Trust<'_>,
) -> Result<Checkpoint, StatementProofError> {
    let candidates = candidates(trust)?;
    let text = note.unverified_text();
    let origin = text.split('\n').next().unwrap_or_default();
    let mut refused = StatementProofError::OtherLog(origin.to_owned());
    for keys in candidates.iter().filter(|keys| keys.origin() == origin) {
        match keys.open(note) {
            Ok(checkpoint) => return Ok(checkpoint),
            Err(error) => refused = error.into(),
        }
    }
    Err(refused)
}

/// The logs that are trusted, each with its keys.
fn candidates(trust: &Trust<'_>) -> Result<Vec<LogKeys>, StatementProofError> {
    if !trust.names_log() {
        return Err(StatementProofError::NoKey);
    }
    let policy = trust.policy.filter(|policy| !policy.logs.is_empty());
    let believed = |keys: &LogKeys| {
        let mut all = keys.all().iter();
        let own = trust.log.is_none_or(|key| keys.contains(key));
        own && policy.is_none_or(|policy| all.any(|key| policy.log(&key.verifier).is_some()))
    };
    let named: Vec<LogKeys> = match (trust.keys, trust.log, policy) {
        (Some(history), ..) => vec![history.log.clone()],
        (None, Some(key), _) => vec![LogKeys::single(key.clone())],
        (None, None, policy) => {
            let logs = policy.iter().flat_map(|policy| &policy.logs);
            logs.map(|log| LogKeys::single(log.key.clone())).collect()
        }
    };
    let candidates: Vec<LogKeys> = named.into_iter().filter(believed).collect();
    if candidates.is_empty() {
        return Err(StatementProofError::KeysDisagree);
    }
    Ok(candidates)
}

/// A pair of trees, exactly as [`BundledStatement::write_disclosure`] writes them.
fn read_disclosure(extra: &[u8]) -> Result<(Node, Node), StatementProofError> {
    let text = std::str::from_utf8(extra).map_err(|_| StatementProofError::Spelling)?;
    let value = json::parse(text).map_err(StatementProofError::Json)?;
    match value.as_array() {
        Some([content, receipt]) if value.to_compact() == text => {
            let read = |node| Node::read(node).map_err(StatementFault::from);
            Ok((read(content)?, read(receipt)?))
        }
        _ => Err(StatementProofError::Spelling),
    }
}
