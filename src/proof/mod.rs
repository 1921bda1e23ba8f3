//! Proof: a story as a bundle that needs no trust in this server.
//!
//! Everything comes from the public files and the story; the database is not asked. What is not
//! sealed yet, or not public yet, is not in the bundle.

use std::path::Path;

use auditlog::bundle::{Bundle, BundledStatement};
use auditlog::disclosure::disclose;
use auditlog::note::{NoteError, NoteSigner, SignedNote};
use auditlog::proof::{ReadError, TreeReader};
use auditlog::statement::{Statement, StatementError};
use auditlog::story::StoryNote;
use auditlog::{Entry, LeafIndex};
use thiserror::Error;

use crate::domain::story::{Story, StoryStatement};
use crate::public::{Published, TileError, TileFiles};

/// What a bundle is made with, beside the story.
#[derive(Debug, Clone, Copy)]
pub struct ProofSource<'a> {
    /// The last public checkpoint.
    pub published: &'a Published,
    /// The public folder of the log.
    pub folder: &'a Path,
    /// The log's key.
    pub vkey: &'a str,
    /// The log's name.
    pub origin: &'a str,
    /// Signs story notes.
    pub story_signer: &'a NoteSigner,
}

/// Why there is no bundle.
#[derive(Debug, Error)]
pub enum ProofError {
    /// A public tile cannot be read.
    #[error("the public log: {0}")]
    Tile(#[from] ReadError<TileError>),
    /// A stored statement cannot be read.
    #[error("a stored statement: {0}")]
    Statement(#[from] StatementError),
    /// The story note cannot be signed.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// The bundle of a story at the last public checkpoint. Reads files: not for an async thread.
pub fn bundle(story: &Story, source: &ProofSource<'_>) -> Result<Bundle, ProofError> {
    let Published { anchor, checkpoint } = source.published;
    let size = anchor.head.size;
    let mut reader = TreeReader::new(TileFiles::new(source.folder), size);
    let mut sealed: Vec<(LeafIndex, &StoryStatement)> = story
        .statements
        .iter()
        .filter_map(|statement| Some((statement.stored.leaf_index?, statement)))
        .filter(|(index, _)| size.contains(*index))
        .collect();
    sealed.sort_by_key(|(index, _)| *index);
    let statements = sealed
        .iter()
        .map(|(index, statement)| bundled(*index, statement, &mut reader))
        .collect::<Result<Vec<_>, _>>()?;
    let subject = story.subject.canonical();
    let note = StoryNote {
        key_name: StoryNote::key_name(source.origin),
        subject: subject.clone(),
        size,
        indexes_hash: StoryNote::hash_indexes(sealed.iter().map(|(index, _)| *index)),
    };
    Ok(Bundle {
        subject,
        origin: source.origin.to_owned(),
        vkey: source.vkey.to_owned(),
        story_vkey: source.story_signer.verifier().format(),
        checkpoint: checkpoint.clone(),
        anchor: anchor.format(),
        story: SignedNote::sign(note.format(), source.story_signer)?.format(),
        statements,
    })
}

fn bundled(
    index: LeafIndex,
    statement: &StoryStatement,
    reader: &mut TreeReader<TileFiles>,
) -> Result<BundledStatement, ProofError> {
    let stored = &statement.stored;
    let withheld = &statement.withheld;
    let read = Statement::read(&stored.parts())?;
    let entry = Entry {
        recorded: stored.recorded(),
        digest: stored.digest,
    };
    Ok(BundledStatement {
        index,
        entry: entry.format(),
        path: reader.inclusion_proof(index)?,
        content: disclose(&read.content, &read.content_secret, |p| {
            withheld.shows_content(p)
        }),
        receipt: disclose(&read.receipt, &read.receipt_secret, |p| {
            withheld.shows_receipt(p)
        }),
    })
}
