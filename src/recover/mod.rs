//! Recover: an old database beside newer public files takes the log's head and entries back from them.
//!
//! What others have seen stays the log's one history; no checkpoint is signed. Statements that the old
//! database still holds as pending find their places again. Of all others only the entries come back:
//! what they said is lost, and each is named.

mod entries;

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use auditlog::anchor::{AnchorChain, AnchorError, AnchorLine};
use auditlog::keys::LogKeys;
use auditlog::proof::TileSource;
use auditlog::tile::{EdgeMismatch, RightEdge, TileContent, partial_tiles};
use auditlog::{Hash, LeafIndex, TreeSize};
use sqlx::{Connection, PgConnection};
use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::statement::Batch;
use crate::domain::time::instant;
use crate::public::{self, AnchorLines, PublicError, TileError, TileFiles};
use crate::store::batch::{
    SealedBatch, insert_sealed_batches, pending_batches_after, take_these_batches,
};
use crate::store::log_head::{LogHead, log_head, move_log_head};
use crate::store::lost_entry::{LostEntry, insert_lost_entries};
use crate::store::seal::{SealRow, insert_seal, seals_before};
use crate::store::statement::digests_of_batches;
use crate::store::tile::put_tiles;
use entries::Entries;

/// Pending batches read at a time.
const BATCHES: i64 = 500;
/// Rows written at a time.
const ROWS: usize = 10_000;

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Where the database stood.
    pub from: TreeSize,
    /// Where the public log stands, and now the database too.
    pub to: TreeSize,
    /// Seals taken back.
    pub seals: u64,
    /// Statements that waited in the old database and found their places.
    pub found: u64,
    /// The entries whose statements are lost, as ranges of their indexes.
    pub lost: Vec<Range<u64>>,
    /// When the first and the last lost statement were captured.
    pub lost_between: Option<(OffsetDateTime, OffsetDateTime)>,
}

impl Recovered {
    /// How many statements are lost.
    pub fn lost_count(&self) -> u64 {
        self.lost.iter().map(|range| range.end - range.start).sum()
    }
}

/// Why nothing was taken back. The database stands where it stood.
#[derive(Debug, Error)]
pub enum RecoverError {
    /// The log was never founded here.
    #[error("the database holds no log")]
    NoHead,
    /// There is nothing public.
    #[error("the public folder holds no log")]
    NothingPublic,
    /// The public files and the database are of different histories.
    #[error(
        "the public log and the database disagree at seal {0}: they are two histories, and which of \
         them others have seen is for a person to find out. Nothing was changed"
    )]
    Diverged(i64),
    /// A public file is damaged. Others may have it whole.
    #[error("{0}. Nothing was changed: put the file back from a copy, such as an auditor's")]
    Damaged(String),
    /// The database changed meanwhile.
    #[error("the log's head moved meanwhile: stop the service, and try again")]
    HeadMoved,
    /// The public folder cannot be read.
    #[error(transparent)]
    Public(#[from] PublicError),
    /// The database failed.
    #[error("the database: {0}")]
    Store(#[from] sqlx::Error),
}

fn damaged(error: impl std::fmt::Display) -> RecoverError {
    RecoverError::Damaged(error.to_string())
}

impl From<AnchorError> for RecoverError {
    fn from(error: AnchorError) -> RecoverError {
        damaged(format!("the anchor file: {error}"))
    }
}

impl From<TileError> for RecoverError {
    fn from(error: TileError) -> RecoverError {
        damaged(error)
    }
}

impl From<EdgeMismatch> for RecoverError {
    fn from(error: EdgeMismatch) -> RecoverError {
        damaged(error)
    }
}

/// Takes head and entries back from the public folder `folder`, whose checkpoints `keys` must have
/// signed; none where the database is not behind. All or nothing, unless `dry_run`: then nothing. In the
/// sealer's role. `progress` is told how many of how many entries were read. Reads files: it holds its
/// thread for moments at a time, as a command may.
pub async fn recover(
    conn: &mut PgConnection,
    folder: &Path,
    keys: &LogKeys,
    dry_run: bool,
    mut progress: impl FnMut(u64, u64),
) -> Result<Option<Recovered>, RecoverError> {
    // Nobody publishes meanwhile.
    let _lock = public::lock(folder)?;
    let last = public::last(folder)?.ok_or(RecoverError::NothingPublic)?;
    let mut tx = conn.begin().await?;
    let old = log_head(&mut tx).await?.ok_or(RecoverError::NoHead)?;
    if last.seal as i64 <= old.seal {
        // Nothing to take back, so long as it is the same history: a crash may have come before the
        // newest seals were published.
        let known = seals_before(&mut tx, last.seal as i64 + 1, 1).await?;
        let same = known
            .first()
            .is_some_and(|seal| seal.anchor_line == last.format());
        return if same {
            Ok(None)
        } else {
            Err(RecoverError::Diverged(last.seal as i64))
        };
    }
    let mut lines = AnchorLines::open(folder, old.seal as u64)?;
    let mut walk = Walk::begin(&mut tx, &old, &mut lines, folder, last.head.size).await?;
    let total = last.head.size.0 - old.tree.size.0;
    for line in lines {
        let line = parse(&line?)?;
        walk.seal(&mut tx, line, keys).await?;
        progress(walk.edge.size().0 - old.tree.size.0, total);
    }
    let recovered = walk.finish(&mut tx, &old).await?;
    if dry_run {
        tx.rollback().await?;
    } else {
        tx.commit().await?;
    }
    Ok(Some(recovered))
}

fn parse(line: &[u8]) -> Result<AnchorLine, RecoverError> {
    let text = std::str::from_utf8(line).map_err(|_| AnchorError::Malformed("not UTF-8"))?;
    Ok(AnchorLine::parse(text)?)
}

/// The tree as it is taken back.
struct Walk {
    edge: RightEdge,
    chain: AnchorChain,
    entries: Entries,
    waiting: Waiting,
    tiles: Vec<TileContent>,
    lost: Vec<LostEntry>,
    sealed: Vec<SealedBatch>,
    recovered: Recovered,
}

impl Walk {
    /// Stands where the database does: its last line must be the public one of the same number.
    async fn begin(
        conn: &mut PgConnection,
        old: &LogHead,
        lines: &mut AnchorLines,
        folder: &Path,
        size: TreeSize,
    ) -> Result<Walk, RecoverError> {
        let diverged = || RecoverError::Diverged(old.seal);
        let mut chain = AnchorChain::new();
        if old.seal > 0 {
            let known = seals_before(conn, old.seal + 1, 1).await?;
            let known = known.first().ok_or_else(diverged)?;
            let mut public = None;
            for line in lines.by_ref() {
                let line = parse(&line?)?;
                if line.seal as i64 >= old.seal {
                    public = Some(line);
                    break;
                }
            }
            let public = public.ok_or_else(diverged)?;
            if public.format() != known.anchor_line {
                return Err(diverged());
            }
            chain = AnchorChain::after(public);
        }
        let mut files = TileFiles::new(folder);
        let tiles = partial_tiles(old.tree.size).map(|tile| files.hashes(tile));
        let tiles = tiles.collect::<Result<Vec<_>, _>>()?;
        let edge = RightEdge::from_tiles(old.tree.size, tiles)?;
        if edge.root() != old.tree.root {
            return Err(damaged(format!(
                "the public tiles of {} leaves do not have the root that was signed",
                old.tree.size
            )));
        }
        Ok(Walk {
            edge,
            chain,
            entries: Entries::new(files, size),
            waiting: Waiting::read(conn).await?,
            tiles: Vec::new(),
            lost: Vec::new(),
            sealed: Vec::new(),
            recovered: Recovered {
                from: old.tree.size,
                to: size,
                seals: 0,
                found: 0,
                lost: Vec::new(),
                lost_between: None,
            },
        })
    }

    /// Takes one seal back, with the entries that it added.
    async fn seal(
        &mut self,
        conn: &mut PgConnection,
        line: AnchorLine,
        keys: &LogKeys,
    ) -> Result<(), RecoverError> {
        keys.open_line(&line)?;
        let (seal, head, text) = (line.seal, line.head, line.format());
        self.chain.push(line)?;
        while self.edge.size() < head.size {
            self.entry(conn).await?;
        }
        if self.edge.root() != head.root {
            return Err(damaged(format!(
                "the public entries do not have the root of seal {seal}"
            )));
        }
        let row = SealRow {
            number: seal as i64,
            tree_size: head.size,
            anchor_line: text,
        };
        insert_seal(conn, &row).await?;
        self.recovered.seals += 1;
        Ok(())
    }

    async fn entry(&mut self, conn: &mut PgConnection) -> Result<(), RecoverError> {
        let index = LeafIndex(self.edge.size().0);
        let entry = self.entries.at(index)?;
        let tiles = &mut self.tiles;
        self.edge.append(entry.leaf_hash(), |full| tiles.push(full));
        if self.waiting.take(entry.digest, index)? {
            self.recovered.found += 1;
        } else {
            self.note_lost(index, instant(entry.recorded));
            self.lost.push(LostEntry { index, entry });
        }
        if self.lost.len() >= ROWS {
            self.write(conn).await?;
        }
        Ok(())
    }

    fn note_lost(&mut self, index: LeafIndex, at: OffsetDateTime) {
        match self.recovered.lost.last_mut() {
            Some(range) if range.end == index.0 => range.end += 1,
            _ => self.recovered.lost.push(index.0..index.0 + 1),
        }
        let between = self.recovered.lost_between.get_or_insert((at, at));
        *between = (between.0.min(at), between.1.max(at));
    }

    async fn write(&mut self, conn: &mut PgConnection) -> Result<(), RecoverError> {
        insert_lost_entries(conn, &std::mem::take(&mut self.lost)).await?;
        put_tiles(conn, &std::mem::take(&mut self.tiles)).await?;
        Ok(())
    }

    async fn finish(
        mut self,
        conn: &mut PgConnection,
        old: &LogHead,
    ) -> Result<Recovered, RecoverError> {
        let last = self
            .chain
            .last()
            .ok_or(RecoverError::NothingPublic)?
            .clone();
        self.tiles.extend(self.edge.partial_tiles());
        self.write(conn).await?;
        self.sealed = self.waiting.places()?;
        let batches: Vec<Batch> = self.sealed.iter().map(|one| one.batch.clone()).collect();
        take_these_batches(conn, &batches).await?;
        insert_sealed_batches(conn, &self.sealed).await?;
        let new = LogHead {
            seal: last.seal as i64,
            tree: last.head,
            anchor_sha256: last.hash(),
            sealed_at: Some(instant(last.sealed_at)),
            ..old.clone()
        };
        if !move_log_head(conn, old, &new).await? {
            return Err(RecoverError::HeadMoved);
        }
        Ok(self.recovered)
    }
}

/// What the old database holds as pending: it may have been sealed since the backup. A digest is salted
/// with secrets, so an entry that bears it is of that statement and of no other.
struct Waiting {
    batches: Vec<Batch>,
    /// Which batch, and which of its statements, by digest.
    statements: HashMap<Hash, (usize, u64)>,
    /// By batch: where its first statement stands, and how many were found.
    found: HashMap<usize, (u64, i64)>,
}

impl Waiting {
    async fn read(conn: &mut PgConnection) -> Result<Waiting, RecoverError> {
        let mut waiting = Waiting {
            batches: Vec::new(),
            statements: HashMap::new(),
            found: HashMap::new(),
        };
        let mut after = (Uuid::nil(), Uuid::nil());
        loop {
            let batches = pending_batches_after(conn, after, BATCHES).await?;
            let Some(last) = batches.last() else {
                return Ok(waiting);
            };
            after = (last.merchant_id, last.id);
            let digests = digests_of_batches(conn, &batches).await?;
            for (batch, digests) in batches.into_iter().zip(digests) {
                let place = waiting.batches.len();
                let statements = (0..).zip(digests);
                let named = statements.map(|(position, digest)| (digest, (place, position)));
                waiting.statements.extend(named);
                waiting.batches.push(batch);
            }
        }
    }

    /// Whether the entry at `index` is of a statement that waits.
    fn take(&mut self, digest: Hash, index: LeafIndex) -> Result<bool, RecoverError> {
        let Some((batch, position)) = self.statements.remove(&digest) else {
            return Ok(false);
        };
        let scattered = || damaged(format!("the public entry {index} is not beside its batch"));
        let first = index.0.checked_sub(position).ok_or_else(scattered)?;
        let found = self.found.entry(batch).or_insert((first, 0));
        if found.0 != first {
            return Err(scattered());
        }
        found.1 += 1;
        Ok(true)
    }

    /// The batches that were sealed since the backup, each of them whole.
    fn places(&self) -> Result<Vec<SealedBatch>, RecoverError> {
        let mut places = Vec::with_capacity(self.found.len());
        for (place, (first, count)) in &self.found {
            let batch = self.batches[*place].clone();
            if *count != i64::from(batch.statement_count) {
                return Err(damaged(format!(
                    "the public entries hold {count} of the {} statements of batch {}",
                    batch.statement_count, batch.id
                )));
            }
            places.push(SealedBatch {
                batch,
                first_index: LeafIndex(*first),
            });
        }
        Ok(places)
    }
}
