//! Proof: a story as a bundle that needs no trust in this server.
//!
//! Everything comes from the public files and the story; the database is not asked. What is not
//! sealed yet, or not public yet, is not in the bundle.

use std::path::Path;

use auditlog::bundle::{Bundle, BundledStatement, unconnected};
use auditlog::disclosure::disclose;
use auditlog::note::{NoteError, NoteSigner, SignedNote};
use auditlog::proof::{ReadError, TreeReader};
use auditlog::statement::{Statement, StatementError};
use auditlog::statement_proof::of_statement;
use auditlog::story::StoryNote;
use auditlog::tlog_proof::TlogProof;
use auditlog::{Entry, LeafIndex, TreeSize};
use thiserror::Error;
use uuid::Uuid;

use crate::domain::statement::{About, Kind, StoredStatement};
use crate::domain::story::Withheld;
use crate::domain::told::Told;
use crate::public::{Published, TileError, TileFiles};
use crate::store::batch::SealedBatch;

/// What a bundle is made with, beside the story.
#[derive(Debug, Clone, Copy)]
pub struct ProofSource<'a> {
    /// The last public checkpoint.
    pub published: &'a Published,
    /// The public folder of the log.
    pub folder: &'a Path,
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
    /// A part of a capture must not pass for the whole.
    #[error("capture {0} is not whole, or not public")]
    NotWhole(Uuid),
}

/// A statement that goes into a bundle, and what of it stays hidden.
struct Shown<'a> {
    index: LeafIndex,
    kind: Kind,
    stored: &'a StoredStatement,
    withheld: &'a Withheld,
}

/// The bundle of a story at the last public checkpoint. Reads files: not for an async thread.
pub fn bundle(told: &Told, source: &ProofSource<'_>) -> Result<Bundle, ProofError> {
    let size = source.published.anchor.head.size;
    let sealed = shown(told, size);
    prove(told.story.subject.canonical(), &sealed, source)
}

/// How many statements a bundle shows at a checkpoint: pages count no others.
pub fn count_shown(told: &Told, size: TreeSize) -> usize {
    shown(told, size).len()
}

fn shown(told: &Told, size: TreeSize) -> Vec<Shown<'_>> {
    let story = &told.story;
    let mut sealed: Vec<Shown<'_>> = story
        .statements
        .iter()
        .filter_map(|statement| {
            Some(Shown {
                index: statement.stored.leaf_index?,
                kind: statement.kind,
                stored: &statement.stored,
                withheld: &statement.withheld,
            })
        })
        .filter(|shown| size.contains(shown.index))
        .collect();
    sealed.sort_by_key(|shown| shown.index);
    keep_connected(&story.subject.canonical(), &mut sealed);
    sealed
}

/// Leaves out descriptions to which nothing leads that is shown and sealed: no verifier would take them, and nobody
/// could say why they are there.
fn keep_connected(subject: &str, sealed: &mut Vec<Shown<'_>>) {
    let about: Vec<Vec<String>> = sealed.iter().map(Shown::about).collect();
    let unconnected = unconnected(subject, &about);
    let mut place = 0;
    sealed.retain(|shown| {
        place += 1;
        // What is missing of events would be a gap: a verifier must name it.
        shown.kind == Kind::Event || unconnected.binary_search(&(place - 1)).is_err()
    });
}

impl Shown<'_> {
    /// The identities that the receipt names and shows.
    fn about(&self) -> Vec<String> {
        let about = About::list(&self.stored.receipt).into_iter().enumerate();
        let shown = about.filter(|(place, _)| {
            let pointer = format!("/about/{place}");
            self.withheld.shows_receipt(&pointer)
        });
        shown
            .filter_map(|(_, about)| Some(about?.identity))
            .collect()
    }
}

/// The bundle of one capture: all of what its submitter sent, nothing withheld, about the capture
/// itself. `statements` are the batch's, from its first to its last; all must be under the public
/// checkpoint, since the story note says that these are all. Reads files: not for an async thread.
pub fn receipt(
    sealed: &SealedBatch,
    statements: &[StoredStatement],
    source: &ProofSource<'_>,
) -> Result<Bundle, ProofError> {
    let size = source.published.anchor.head.size;
    let expected = sealed.batch.statement_count;
    let whole = statements.len() as i64 == i64::from(expected);
    if !whole || !size.contains(sealed.last_index()) {
        return Err(ProofError::NotWhole(sealed.batch.id));
    }
    let withheld = Withheld::default();
    let shown: Vec<Shown<'_>> = statements
        .iter()
        .map(|stored| Shown {
            index: LeafIndex(sealed.first_index.0 + stored.id.position as u64),
            kind: Kind::Event,
            stored,
            withheld: &withheld,
        })
        .collect();
    prove(About::capture(sealed.batch.id).identity, &shown, source)
}

/// The proof of one statement alone; `None` while it is not under the public checkpoint. It says nothing of what else there
/// is, and so takes no story note. Reads files: not for an async thread.
pub fn alone(
    index: LeafIndex,
    stored: &StoredStatement,
    withheld: &Withheld,
    source: &ProofSource<'_>,
) -> Result<Option<TlogProof>, ProofError> {
    let Published {
        anchor, checkpoint, ..
    } = source.published;
    if !anchor.head.size.contains(index) {
        return Ok(None);
    }
    let mut reader = TreeReader::new(TileFiles::new(source.folder), anchor.head.size);
    let shown = Shown {
        index,
        kind: Kind::Event,
        stored,
        withheld,
    };
    let statement = bundled(&shown, &mut reader)?;
    Ok(Some(of_statement(checkpoint, &statement)?))
}

/// The bundle of these statements, by index, with the note that they are all about `subject`.
fn prove(
    subject: String,
    shown: &[Shown<'_>],
    source: &ProofSource<'_>,
) -> Result<Bundle, ProofError> {
    let Published {
        anchor,
        checkpoint,
        vkey,
    } = source.published;
    let size = anchor.head.size;
    let mut reader = TreeReader::new(TileFiles::new(source.folder), size);
    let statements = shown
        .iter()
        .map(|shown| bundled(shown, &mut reader))
        .collect::<Result<Vec<_>, _>>()?;
    let note = StoryNote {
        key_name: StoryNote::key_name(source.origin),
        subject: subject.clone(),
        size,
        indexes_hash: StoryNote::hash_indexes(shown.iter().map(|shown| shown.index)),
    };
    Ok(Bundle {
        subject,
        origin: source.origin.to_owned(),
        vkey: vkey.clone(),
        story_vkey: source.story_signer.verifier().format(),
        checkpoint: checkpoint.clone(),
        anchor: anchor.format(),
        story: SignedNote::sign(note.format(), source.story_signer)?.format(),
        statements,
    })
}

fn bundled(
    shown: &Shown<'_>,
    reader: &mut TreeReader<TileFiles>,
) -> Result<BundledStatement, ProofError> {
    let Shown {
        index,
        stored,
        withheld,
        ..
    } = shown;
    let read = Statement::read(&stored.parts())?;
    let entry = Entry {
        recorded: stored.recorded(),
        digest: stored.digest,
    };
    Ok(BundledStatement {
        index: *index,
        entry: entry.format(),
        path: reader.inclusion_proof(*index)?,
        content: disclose(&read.content, &read.content_salts, |p| {
            withheld.shows_content(p)
        }),
        receipt: disclose(&read.receipt, &read.receipt_secret.into(), |p| {
            withheld.shows_receipt(p)
        }),
    })
}
