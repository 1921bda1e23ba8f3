//! The proof bundle `rootmark-proof/v1`: a story taken out of the log, in one JSON text that can be
//! checked offline by somebody who trusts nothing but the log's public keys.

mod read;
mod verify;

pub use verify::{KeysFrom, Trust, Verified, VerifiedStatement, unconnected, verify};
pub(crate) use verify::{read_opened, shown_text};

use thiserror::Error;

use crate::anchor::AnchorError;
use crate::checkpoint::CheckpointError;
use crate::disclosure::{DisclosureError, Node};
use crate::hash::{Hash, LeafIndex};
use crate::json::{self, JsonError, write_string};
use crate::note::NoteError;
use crate::policy::NoQuorum;
use crate::proof::ProofError;

/// The value of the member `format`.
pub const FORMAT: &str = "rootmark-proof/v1";

/// A bundle as it is written; see [`verify`] for what must hold of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Canonical Digital Link of what the story is about.
    pub subject: String,
    /// The log's name.
    pub origin: String,
    /// The log's key, for those who have it from nowhere else.
    pub vkey: String,
    /// The story key, likewise.
    pub story_vkey: String,
    /// The signed checkpoint, with any cosignatures.
    pub checkpoint: String,
    /// The anchor line of the same checkpoint, exactly.
    pub anchor: String,
    /// The story note.
    pub story: String,
    /// The statements, by index.
    pub statements: Vec<BundledStatement>,
}

/// One statement in a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundledStatement {
    /// Where it stands in the log.
    pub index: LeafIndex,
    /// The entry, as the log holds it.
    pub entry: String,
    /// From the leaf to the root, nearest first.
    pub path: Vec<Hash>,
    /// The pruned content tree.
    pub content: Node,
    /// The pruned receipt tree.
    pub receipt: Node,
}

/// The first thing that is wrong with a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BundleError {
    /// Not JSON, or JSON that has no single meaning.
    #[error("the bundle is not JSON: {0}")]
    Json(JsonError),
    /// Not UTF-8.
    #[error("the bundle is not UTF-8 text: byte {0}")]
    Utf8(usize),
    /// JSON, but not spelled as a bundle is.
    #[error("the bundle is not in its canonical form: byte {0} differs")]
    Spelling(usize),
    /// A member that is missing, extra, out of place or of the wrong type.
    #[error("{at}: {fault}")]
    Member {
        /// JSON Pointer to the object or member.
        at: String,
        /// What is wrong there.
        fault: MemberFault,
    },
    /// A key in the bundle cannot be used.
    #[error("{0}: {1}")]
    Key(&'static str, NoteError),
    /// A key in the bundle is not the one that is trusted.
    #[error("{0} is not the key that you trust")]
    OtherKey(&'static str),
    /// The bundle names one origin and its key another.
    #[error("/log/origin is not the name of the log's key")]
    Origin,
    /// The checkpoint is not the log's.
    #[error("/checkpoint: {0}")]
    Checkpoint(CheckpointError),
    /// Too few of the policy's witnesses have cosigned the checkpoint.
    #[error("/checkpoint: {0}")]
    Quorum(NoQuorum),
    /// The anchor line is wrong.
    #[error("/anchor: {0}")]
    Anchor(AnchorError),
    /// The anchor line is of another checkpoint.
    #[error("/anchor: its checkpoint is not the bundle's")]
    AnchorMismatch,
    /// The anchor file does not hold the line.
    #[error("/anchor: this line is not in the anchor file")]
    NotAnchored,
    /// The anchor file itself is broken.
    #[error("the anchor file, line {line}: {fault}")]
    AnchorFile {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        fault: AnchorError,
    },
    /// The story note is not the operator's, or not a story note.
    #[error("/story: {0}")]
    Story(StoryFault),
    /// A statement is wrong.
    #[error("/statements/{position}: {fault}")]
    Statement {
        /// Position in the bundle, from 0.
        position: usize,
        /// What is wrong with it.
        fault: StatementFault,
    },
}

/// What is wrong with a member.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MemberFault {
    /// Another member stands where this one must.
    #[error("the member {expected:?} must stand here")]
    Expected {
        /// The member that must follow.
        expected: &'static str,
    },
    /// A member that a bundle does not have.
    #[error("there is a member {0:?} too many")]
    Extra(String),
    /// A value of the wrong kind.
    #[error("must be {0}")]
    Kind(&'static str),
}

/// What is wrong with a story note.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoryFault {
    /// Not signed by the story key.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text is not a story note's.
    #[error("not a story note")]
    Malformed,
    /// It is about something else.
    #[error("it is not about the bundle's subject")]
    Subject,
    /// It is about another tree.
    #[error("its tree size is not the checkpoint's")]
    Size,
    /// It names other statements.
    #[error("the bundle's statements are not the ones that the operator signed for")]
    Indexes,
}

/// What is wrong with a statement in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StatementFault {
    /// Indexes must ascend.
    #[error("its index does not come after the one before it")]
    Order,
    /// The entry is not one.
    #[error("its entry is not in the form of an entry")]
    Entry,
    /// The path does not lead to the checkpoint's root.
    #[error("its path: {0}")]
    Path(#[from] ProofError),
    /// A tree is malformed.
    #[error("its disclosure: {0}")]
    Disclosure(#[from] DisclosureError),
    /// What is shown is not what the log holds.
    #[error("what it shows is not what was recorded: the digest differs")]
    Digest,
    /// A field that must be shown is not.
    #[error("{0} must be shown")]
    Hidden(&'static str),
    /// The receipt says another time than the entry.
    #[error("/recorded is not the entry's time")]
    Recorded,
    /// A receipt has a field that receipts do not have.
    #[error("the receipt has an unknown field {0}")]
    UnknownReceiptField(String),
    /// `/about` is something else than a list.
    #[error("/about is not a list")]
    AboutNotAList,
    /// A content has a field that contents do not have.
    #[error("the content has an unknown field {0}")]
    UnknownContentField(String),
    /// A party's signature could hide there.
    #[error("something unnamed follows /recorded in its receipt")]
    UnnamedReceiptTail,
    /// A party's signature is wrong.
    #[error("the party's signature: {0}")]
    Signature(String),
    /// Nothing shown connects it with the subject.
    #[error("nothing that it shows connects it with the subject")]
    Unconnected,
}

impl Bundle {
    /// The bundle's text.
    pub fn format(&self) -> String {
        let mut out = String::with_capacity(4096 * (self.statements.len() + 1));
        out.push_str("{\"format\":");
        write_string(FORMAT, &mut out);
        push_member("subject", &self.subject, &mut out);
        out.push_str(",\"log\":{\"origin\":");
        write_string(&self.origin, &mut out);
        push_member("vkey", &self.vkey, &mut out);
        push_member("story_vkey", &self.story_vkey, &mut out);
        out.push('}');
        push_member("checkpoint", &self.checkpoint, &mut out);
        push_member("anchor", &self.anchor, &mut out);
        push_member("story", &self.story, &mut out);
        out.push_str(",\"statements\":[");
        for (i, statement) in self.statements.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            statement.write(&mut out);
        }
        out.push_str("]}");
        out
    }

    /// Reads a bundle without verifying it; only its exact spelling is accepted.
    pub fn parse(text: &str) -> Result<Bundle, BundleError> {
        let value = json::parse(text).map_err(BundleError::Json)?;
        let bundle = read::bundle(&value)?;
        let spelled = value.to_compact();
        if spelled != text {
            let same = spelled
                .bytes()
                .zip(text.bytes())
                .take_while(|(a, b)| a == b)
                .count();
            return Err(BundleError::Spelling(same));
        }
        Ok(bundle)
    }
}

impl BundledStatement {
    fn write(&self, out: &mut String) {
        out.push_str("{\"index\":");
        out.push_str(&self.index.to_string());
        push_member("entry", &self.entry, out);
        out.push_str(",\"path\":[");
        for (i, hash) in self.path.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            write_string(&hash.to_base64(), out);
        }
        out.push_str("],\"disclosure\":");
        self.write_disclosure(out);
        out.push('}');
    }

    /// The value of the member `disclosure`: what proves a statement beside its place in the log.
    pub fn write_disclosure(&self, out: &mut String) {
        out.push('[');
        self.content.write(out);
        out.push(',');
        self.receipt.write(out);
        out.push(']');
    }
}

fn push_member(key: &str, value: &str, out: &mut String) {
    out.push_str(",\"");
    out.push_str(key);
    out.push_str("\":");
    write_string(value, out);
}
