//! Seal: pending batches get their place in the log, under one signed checkpoint.
//!
//! All of it is one transaction, which begins with the head as it stands and ends by moving it from
//! there. Whoever loses that race, or finds anything that does not add up, signs nothing that counts:
//! what was signed is discarded with the transaction, never published, never tried again.

mod signers;

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;

use auditlog::anchor::AnchorLine;
use auditlog::checkpoint::Checkpoint;
use auditlog::keys::KeyFault;
use auditlog::note::NoteError;
use auditlog::proof::{
    ProofError, ReadError, TileSource, TreeHead, TreeReader, verify_consistency,
};
use auditlog::tile::{EdgeMismatch, RightEdge, Tile, TileContent, partial_tiles};
use auditlog::{Entry, Hash, LeafIndex, TreeSize};
use sqlx::{Connection, PgConnection};
use thiserror::Error;
use time::OffsetDateTime;

use crate::domain::statement::Batch;
use crate::domain::time::{timestamp, to_millisecond};
use crate::failpoint::{self, Step, Thing};
use crate::store::batch::{MAX_BATCHES, SealedBatch, insert_sealed_batches, take_pending_batches};
use crate::store::log_head::{LogHead, log_head, move_log_head};
use crate::store::seal::{SealRow, insert_seal};
use crate::store::statement::digests_of_batches;
use crate::store::tile::{put_tiles, tile_hashes};

pub use signers::LogSigners;

/// Statements of one seal, unless a single batch has more: what is left comes with the next.
const MAX_STATEMENTS: i64 = 50_000;

/// What one seal did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Counted from 1.
    pub seal: u64,
    /// The tree that was signed.
    pub head: TreeHead,
    /// Statements that this seal added; none for a heartbeat.
    pub added: u64,
    /// Whether it holds as many as one seal may, so that more may be waiting already.
    pub is_full: bool,
}

/// Why nothing was sealed. The log stands where it stood.
#[derive(Debug, Error)]
pub enum SealError {
    /// The log has no head: it was never founded.
    #[error("the log has no head")]
    NoHead,
    /// The key is not the log's.
    #[error("the signing key is {key}, the log's is {log}")]
    OtherKey {
        /// The key that would sign.
        key: String,
        /// The key the log has.
        log: String,
    },
    /// A key that must sign trees of this size is not at hand.
    #[error("trees of {size} leaves are signed with the key {key} as well, which is not at hand")]
    KeyMissing {
        /// The size.
        size: TreeSize,
        /// The key.
        key: String,
    },
    /// The rotations do not lead to the log's key.
    #[error("the log's keys: {0}")]
    Keys(#[from] KeyFault),
    /// Another sealer was faster, or the log's key was changed.
    #[error("another sealer moved the head from {0} leaves, or the log has a new key")]
    HeadMoved(TreeSize),
    /// The stored right edge does not have the head's root.
    #[error("the stored tiles of {size} leaves do not have the head's root")]
    EdgeRoot {
        /// The head's size.
        size: TreeSize,
    },
    /// A tile of the right edge is missing or too narrow.
    #[error("tile {0:?} of the right edge is missing or too narrow")]
    EdgeTile(Tile),
    /// The stored right edge does not fit the head.
    #[error("the right edge: {0}")]
    Edge(#[from] EdgeMismatch),
    /// A batch has more or fewer statements than it says.
    #[error("batch {batch} has {found} statements, not {expected}")]
    BatchCount {
        /// Which.
        batch: uuid::Uuid,
        /// Statements found.
        found: usize,
        /// Statements it should have.
        expected: i32,
    },
    /// The new tree, computed a second way, does not extend the old.
    #[error("the new tree does not extend the old one: {0}")]
    Inconsistent(#[from] ProofError),
    /// The consistency proof could not even be built.
    #[error("the new tree does not hold together: {0}")]
    Unreadable(#[from] ReadError<Infallible>),
    /// The checkpoint cannot be signed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// Seals what is pending; with `heartbeat`, even if that is nothing. In the sealer's role.
pub async fn seal(
    conn: &mut PgConnection,
    signers: &LogSigners,
    now: OffsetDateTime,
    heartbeat: bool,
) -> Result<Option<Sealed>, SealError> {
    let mut tx = conn.begin().await?;
    let old = log_head(&mut tx).await?.ok_or(SealError::NoHead)?;
    check_key(&old, signers)?;
    let batches = take_pending_batches(&mut tx, MAX_STATEMENTS).await?;
    if batches.is_empty() && !heartbeat {
        return Ok(None);
    }
    let edge = right_edge(&mut tx, &old).await?;
    let growth = grow(&mut tx, edge, &batches).await?;
    // A second path to the root before anything is signed: a flipped bit in a stored hash must not
    // become a checkpoint (it once killed a public log for ever).
    verify_growth(&old, &growth)?;
    let (new, line) = sign(&old, growth.head, signers, now)?;
    put_tiles(&mut tx, &growth.tiles).await?;
    insert_sealed_batches(&mut tx, &growth.sealed).await?;
    let row = SealRow {
        number: new.seal,
        tree_size: growth.head.size,
        anchor_line: line.format(),
    };
    insert_seal(&mut tx, &row).await?;
    if !move_log_head(&mut tx, &old, &new).await? {
        return Err(SealError::HeadMoved(old.tree.size));
    }
    failpoint::before(Thing::Seal, Step::Commit, Path::new(""));
    tx.commit().await?;
    failpoint::after(Thing::Seal, Step::Commit, Path::new(""));
    let added = growth.head.size.0 - old.tree.size.0;
    Ok(Some(Sealed {
        seal: new.seal as u64,
        head: growth.head,
        added,
        is_full: added >= MAX_STATEMENTS as u64 || batches.len() as i64 >= MAX_BATCHES,
    }))
}

fn check_key(head: &LogHead, signers: &LogSigners) -> Result<(), SealError> {
    let key = signers.verifier().format();
    if key == head.vkey {
        return Ok(());
    }
    Err(SealError::OtherKey {
        key,
        log: head.vkey.clone(),
    })
}

async fn right_edge(conn: &mut PgConnection, head: &LogHead) -> Result<RightEdge, SealError> {
    let mut tiles = Vec::new();
    for tile in partial_tiles(head.tree.size) {
        let hashes = tile_hashes(conn, tile).await?;
        tiles.push(hashes.ok_or(SealError::EdgeTile(tile))?);
    }
    let edge = RightEdge::from_tiles(head.tree.size, tiles)?;
    if edge.root() != head.tree.root {
        return Err(SealError::EdgeRoot {
            size: head.tree.size,
        });
    }
    Ok(edge)
}

/// The log after the batches, and everything that changed.
struct Growth {
    head: TreeHead,
    /// Tiles that became full or grew, and the partial tiles of the new right edge.
    tiles: Vec<TileContent>,
    sealed: Vec<SealedBatch>,
}

async fn grow(
    conn: &mut PgConnection,
    mut edge: RightEdge,
    batches: &[Batch],
) -> Result<Growth, SealError> {
    let digests = digests_of_batches(conn, batches).await?;
    let mut tiles = Vec::new();
    let mut sealed = Vec::with_capacity(batches.len());
    for (batch, digests) in batches.iter().zip(digests) {
        if digests.len() != batch.statement_count as usize {
            return Err(SealError::BatchCount {
                batch: batch.id,
                found: digests.len(),
                expected: batch.statement_count,
            });
        }
        let first_index = LeafIndex(edge.size().0);
        sealed.push(SealedBatch {
            batch: batch.clone(),
            first_index,
        });
        let recorded = timestamp(batch.recorded_at);
        for digest in digests {
            edge.append(Entry { recorded, digest }.leaf_hash(), |full| {
                tiles.push(full)
            });
        }
    }
    tiles.extend(edge.partial_tiles());
    let head = TreeHead {
        size: edge.size(),
        root: edge.root(),
    };
    Ok(Growth {
        head,
        tiles,
        sealed,
    })
}

/// Proves the new root consistent with the old one, from the tiles as they will be stored.
fn verify_growth(old: &LogHead, growth: &Growth) -> Result<(), SealError> {
    let new = growth.head;
    let tiles = growth
        .tiles
        .iter()
        .map(|t| ((t.tile.level, t.tile.index), t.hashes.clone()));
    let mut reader = TreeReader::new(ChangedTiles(tiles.collect()), new.size);
    let path = reader.consistency_proof(old.tree.size)?;
    verify_consistency(old.tree, new, &path)?;
    Ok(())
}

/// The tiles that a growth touched. A consistency proof needs no others: every node of it lies in a
/// tile of the old right edge or to the right of it.
struct ChangedTiles(HashMap<(u8, u64), Vec<Hash>>);

impl TileSource for ChangedTiles {
    type Error = Infallible;

    fn hashes(&mut self, tile: Tile) -> Result<Vec<Hash>, Infallible> {
        let hashes = self.0.get(&(tile.level, tile.index));
        Ok(hashes
            .map(|h| h[..h.len().min(usize::from(tile.width))].to_vec())
            .unwrap_or_default())
    }
}

fn sign(
    old: &LogHead,
    tree: TreeHead,
    signers: &LogSigners,
    now: OffsetDateTime,
) -> Result<(LogHead, AnchorLine), SealError> {
    let checkpoint = Checkpoint {
        origin: old.origin.clone(),
        head: tree,
    };
    // Every key that counts at this size, so that whoever knows one of them can follow the log.
    let mut note = checkpoint.sign(signers.newest())?;
    for key in signers.older_at(&old.log_keys()?, tree.size)? {
        note.add_signature_by(key);
    }
    // The clock may have been set back; the file of seals may not.
    let now = to_millisecond(now);
    let sealed_at = old.sealed_at.map_or(now, |last| last.max(now));
    let line = AnchorLine {
        seal: old.seal as u64 + 1,
        head: tree,
        sealed_at: timestamp(sealed_at),
        previous: old.anchor_sha256,
        checkpoint: note.format(),
    };
    let new = LogHead {
        seal: old.seal + 1,
        tree,
        anchor_sha256: line.hash(),
        sealed_at: Some(sealed_at),
        ..old.clone()
    };
    Ok((new, line))
}
