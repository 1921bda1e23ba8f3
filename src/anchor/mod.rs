//! Anchor: what was committed becomes public, as static files that anybody can serve, copy and check.
//!
//! Nothing is public before its transaction is committed, and what is committed is published in the
//! order tiles, entry bundles, anchor line, checkpoint: a reader who sees a checkpoint finds
//! everything under it. Start-up runs the same code and publishes what a crash left behind.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use auditlog::anchor::{AnchorError, AnchorLine};
use auditlog::keys::{KeyFault, KeyHistory, LogKeys};
use auditlog::tile::{Tile, TilePath, entry_bundle, hashes_to_bytes, partial_tiles, tiles_between};
use auditlog::{LeafIndex, TreeSize};
use sqlx::PgConnection;
use thiserror::Error;

use crate::public::{self, CHECKPOINT, KEYS, PublicError, PublicFile, STORY_VKEY, VKEY};
use crate::store::log_head::{LogHead, log_head};
use crate::store::seal::{SealRow, seals_after, seals_before};
use crate::store::statement::entries_between;
use crate::store::tile::tile_hashes;

pub use crate::public::{Published, SEGMENT_LINES};

/// Seals published in one round; a longer backlog takes several.
const SEALS_A_ROUND: i64 = 64;

/// How long partial tiles stay after the full one is public.
const OUTGROWN_AFTER: Duration = Duration::from_secs(3_600);

/// The public folder of a log.
#[derive(Debug, Clone)]
pub struct PublicLog {
    folder: PathBuf,
    segment_lines: u64,
    /// Whether the checkpoint is published by whoever asks witnesses, and not here.
    awaits_witnesses: bool,
}

/// Why nothing more was published.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The public log knows seals that the database does not: the database is an old copy.
    #[error(
        "the public log is ahead of the database (seal {public}, the database knows {known}): an \
         old database was restored. Nothing is sealed. Restore a newer backup; if there is none, \
         `rootmark recover` takes the log back from the public files without the content that is \
         lost. Never delete the public files"
    )]
    Ahead {
        /// Last public seal.
        public: u64,
        /// Last seal in the database.
        known: i64,
    },
    /// The public log and the database are of different histories.
    #[error(
        "the public log and the database disagree at seal {seal}: they are two histories. Nothing \
         is sealed. Find out which of them was changed; the public files are what others have seen"
    )]
    Diverged {
        /// Where.
        seal: u64,
    },
    /// The public history of keys has rotations that the database does not know.
    #[error(
        "the public log has {public} keys, and the database knows {known}: an old database was \
         restored. Nothing is sealed. Restore a newer backup; never delete the public files"
    )]
    KeysAhead {
        /// Keys in the public history.
        public: usize,
        /// Keys in the database.
        known: usize,
    },
    /// The rotations in the database do not lead to the log's key.
    #[error("the log's keys: {0}")]
    Keys(#[from] KeyFault),
    /// A line of the anchor file in the database is not one.
    #[error("the anchor file: {0}")]
    Anchor(#[from] AnchorError),
    /// The database lacks something that it sealed.
    #[error("the database lacks {0}, which it sealed")]
    Missing(String),
    /// The public folder cannot be written or read, or its anchor file is no such file.
    #[error(transparent)]
    Public(#[from] PublicError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

impl PublicLog {
    /// The public folder `folder`, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> PublicLog {
        PublicLog {
            folder: folder.into(),
            segment_lines: SEGMENT_LINES,
            awaits_witnesses: false,
        }
    }

    /// The same with shorter anchor segments, so that tests see one end.
    pub fn with_segment_lines(self, segment_lines: u64) -> PublicLog {
        PublicLog {
            segment_lines,
            ..self
        }
    }

    /// The same, with the checkpoint left to whoever asks witnesses to cosign it.
    pub fn awaiting_witnesses(self, awaits_witnesses: bool) -> PublicLog {
        PublicLog {
            awaits_witnesses,
            ..self
        }
    }

    /// Whether the checkpoint is left to whoever asks witnesses.
    pub fn awaits_witnesses(&self) -> bool {
        self.awaits_witnesses
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether any seal was ever published here.
    pub fn has_history(&self) -> Result<bool, PublishError> {
        Ok(public::last(&self.folder)?.is_some())
    }

    /// Publishes everything that is committed and not public yet; gives the last public seal, if
    /// there is one. In the sealer's role. One process at a time: others wait.
    pub async fn publish(
        &self,
        conn: &mut PgConnection,
    ) -> Result<Option<Published>, PublishError> {
        // First the lock: a head that was read before another process published would look old.
        let lock = blocking({
            let folder = self.folder.clone();
            move || public::lock(&folder)
        })
        .await?;
        let Some(head) = log_head(conn).await? else {
            return Ok(None);
        };
        let keys = head.log_keys()?;
        self.check_keys(&keys)?;
        let mut public = self.recover(&head).await?;
        check_history(&head, public.as_ref(), conn).await?;
        loop {
            let number = public.as_ref().map_or(0, |line| line.seal as i64);
            // Up to the head that was read, and no further: a later seal may be signed with a key
            // that is not in the public history yet.
            let round = SEALS_A_ROUND.min(head.seal - number);
            let seals = seals_after(conn, number, round).await?;
            if seals.is_empty() {
                break;
            }
            for seal in seals {
                let from = public.as_ref().map_or(TreeSize(0), |line| line.head.size);
                let line = AnchorLine::parse(&seal.anchor_line)?;
                let files = files_of(conn, from, seal.tree_size).await?;
                self.write(files, &seal, &line).await?;
                public = Some(line);
            }
        }
        drop(lock);
        let newest = |anchor: AnchorLine| {
            let vkey = public::newest_signer(&keys, &anchor);
            Published::without_witnesses(anchor, vkey)
        };
        Ok(public.map(newest))
    }

    /// Writes again those tiles and entry bundles that are missing: the full ones of the last public
    /// tree, and the partial ones of every public size since the last full tile. In the sealer's role,
    /// at start-up.
    pub async fn restore_missing(&self, conn: &mut PgConnection) -> Result<(), PublishError> {
        let folder = self.folder.clone();
        let Some(last) = blocking(move || public::last(&folder)).await? else {
            return Ok(());
        };
        let partial = earlier_partial_tiles(conn, &last).await?;
        let mut missing = Vec::new();
        for tile in tiles_between(TreeSize(0), last.head.size).chain(partial) {
            let is_there = |path: TilePath| self.folder.join(path.to_string()).exists();
            let entries_are_there = tile.level > 0 || is_there(TilePath::Entries(tile));
            if !is_there(TilePath::Hashes(tile)) || !entries_are_there {
                missing.extend(files_of_tile(conn, tile).await?);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            files = missing.len(),
            "public files were missing; they are written again"
        );
        let folder = self.folder.clone();
        blocking(move || public::write(&folder, &missing)).await
    }

    /// Removes partial tiles whose full tile has been public for an hour, and so long as any client
    /// that saw a checkpoint before may still ask for the partial one (C2SP tlog-tiles).
    pub async fn remove_outgrown_tiles(&self) -> Result<(), PublishError> {
        let tiles = self.folder.join("tile");
        blocking(move || public::remove_outgrown(&tiles, OUTGROWN_AFTER)).await
    }

    /// A rotation that is public may not be unsaid by a database that was restored. A file that is no
    /// history at all is damage, and is written again.
    fn check_keys(&self, keys: &LogKeys) -> Result<(), PublishError> {
        let text = std::fs::read_to_string(self.folder.join(KEYS)).unwrap_or_default();
        let public = KeyHistory::parse(&text).map_or(0, |history| history.log.all().len());
        let known = keys.all().len();
        if public > known {
            return Err(PublishError::KeysAhead { public, known });
        }
        Ok(())
    }

    /// Mends what a crash may have left: a torn last line, a checkpoint older than its anchor line.
    async fn recover(&self, head: &LogHead) -> Result<Option<AnchorLine>, PublishError> {
        let (folder, keys) = (self.folder.clone(), key_files(head)?);
        let is_ours = !self.awaits_witnesses;
        blocking(move || {
            public::truncate_torn_line(&folder)?;
            public::finish_segment_move(&folder)?;
            let last = public::last(&folder)?;
            if let Some(line) = last.as_ref().filter(|_| is_ours) {
                let checkpoint = PublicFile::new(CHECKPOINT, line.checkpoint.as_bytes());
                public::write_if_changed(&folder, &[checkpoint])?;
            }
            public::write_if_changed(&folder, &keys)?;
            Ok(last)
        })
        .await
    }

    async fn write(
        &self,
        tiles: Vec<PublicFile>,
        seal: &SealRow,
        line: &AnchorLine,
    ) -> Result<(), PublishError> {
        let (folder, segment_lines) = (self.folder.clone(), self.segment_lines);
        let (text, number) = (seal.anchor_line.clone(), line.seal);
        let checkpoint = PublicFile::new(CHECKPOINT, line.checkpoint.as_bytes());
        let checkpoint = (!self.awaits_witnesses).then_some(checkpoint);
        blocking(move || {
            public::write(&folder, &tiles)?;
            // Anchor only after the tiles: whoever follows the file may fetch them at once. A crash
            // before this line leaves files that nobody was told of; the next round writes them
            // again, byte for byte.
            public::append(&folder, number, &text, segment_lines)?;
            public::write(&folder, checkpoint.as_slice())
        })
        .await
    }
}

/// The public log must be a prefix of what the database sealed.
async fn check_history(
    head: &LogHead,
    public: Option<&AnchorLine>,
    conn: &mut PgConnection,
) -> Result<(), PublishError> {
    let Some(public) = public else { return Ok(()) };
    if public.seal as i64 > head.seal {
        return Err(PublishError::Ahead {
            public: public.seal,
            known: head.seal,
        });
    }
    let known = seals_after(conn, public.seal as i64 - 1, 1).await?;
    if known
        .first()
        .is_some_and(|seal| seal.anchor_line == public.format())
    {
        return Ok(());
    }
    Err(PublishError::Diverged { seal: public.seal })
}

/// The tiles and entry bundles that the tree of `to` leaves has and the tree of `from` had not.
async fn files_of(
    conn: &mut PgConnection,
    from: TreeSize,
    to: TreeSize,
) -> Result<Vec<PublicFile>, PublishError> {
    let mut files = Vec::new();
    for tile in tiles_between(from, to) {
        files.extend(files_of_tile(conn, tile).await?);
    }
    Ok(files)
}

/// The partial tiles of earlier public sizes that no full tile answers for yet (C2SP tlog-tiles): those
/// in the places of the last tree's own. Above level 1 a tile stays partial for 16 million leaves, and
/// only the last tree's come back.
async fn earlier_partial_tiles(
    conn: &mut PgConnection,
    last: &AnchorLine,
) -> Result<BTreeSet<Tile>, PublishError> {
    let edge: Vec<Tile> = partial_tiles(last.head.size).collect();
    let mut tiles = BTreeSet::new();
    let mut number = last.seal as i64;
    loop {
        let seals = seals_before(conn, number, SEALS_A_ROUND).await?;
        for seal in &seals {
            number = seal.number;
            let earlier = partial_tiles(seal.tree_size).filter(|tile| {
                let is_place = |now: &&Tile| (now.level, now.index) == (tile.level, tile.index);
                tile.level < 2
                    && edge
                        .iter()
                        .any(|now| is_place(&now) && now.width > tile.width)
            });
            // Before the last full tile of level 1: what is older has no place here.
            if seal.tree_size.0 >> 16 < last.head.size.0 >> 16 {
                return Ok(tiles);
            }
            tiles.extend(earlier);
        }
        if seals.is_empty() {
            return Ok(tiles);
        }
    }
}

/// A tile, and at level 0 the entry bundle of the same place.
async fn files_of_tile(
    conn: &mut PgConnection,
    tile: Tile,
) -> Result<Vec<PublicFile>, PublishError> {
    let hashes = tile_hashes(conn, tile).await?;
    let hashes = hashes.ok_or_else(|| PublishError::Missing(format!("{tile:?}")))?;
    let path = TilePath::Hashes(tile).to_string();
    let mut files = vec![PublicFile::new(&path, hashes_to_bytes(&hashes))];
    if tile.level == 0 {
        files.push(bundle_file(conn, tile).await?);
    }
    Ok(files)
}

async fn bundle_file(conn: &mut PgConnection, tile: Tile) -> Result<PublicFile, PublishError> {
    let first = tile.index * 256;
    let (from, to) = (LeafIndex(first), LeafIndex(first + u64::from(tile.width)));
    let entries = entries_between(conn, from, to).await?;
    if entries.len() != usize::from(tile.width) {
        return Err(PublishError::Missing(format!("an entry of {from} to {to}")));
    }
    let path = TilePath::Entries(tile).to_string();
    Ok(PublicFile::new(&path, entry_bundle(&entries)))
}

/// The log's keys, for those who fetch them by hand and for those who follow their history.
fn key_files(head: &LogHead) -> Result<Vec<PublicFile>, KeyFault> {
    Ok(vec![
        PublicFile::new(VKEY, format!("{}\n", head.vkey).as_bytes()),
        PublicFile::new(STORY_VKEY, format!("{}\n", head.story_vkey).as_bytes()),
        PublicFile::new(KEYS, head.key_history()?.as_bytes()),
    ])
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PublicError> + Send + 'static,
) -> Result<T, PublishError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.expect("file work does not panic")?)
}
