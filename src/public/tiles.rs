//! Tiles and entry bundles, read as they are published.

use std::fs;
use std::path::PathBuf;

use auditlog::proof::TileSource;
use auditlog::tile::{TILE_WIDTH, Tile, TilePath, entries_from_bundle, hashes_from_bytes};
use auditlog::{Entry, Hash};
use thiserror::Error;

use super::{PublicError, at};

/// The tiles in a public folder. A partial tile that is gone is read from its full one.
#[derive(Debug, Clone)]
pub struct TileFiles {
    folder: PathBuf,
}

/// A tile or an entry bundle that is missing or damaged.
#[derive(Debug, Error)]
pub enum TileError {
    /// Neither it nor its full form can be read.
    #[error(transparent)]
    File(#[from] PublicError),
    /// It is not what its name says.
    #[error("{path}: {fault}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
}

impl TileFiles {
    /// The tiles below `folder`, which is the log's and not its `tile`.
    pub fn new(folder: impl Into<PathBuf>) -> TileFiles {
        TileFiles {
            folder: folder.into(),
        }
    }

    /// The entries of the bundle beside a tile of level 0, as many as the tile is wide.
    pub fn entries(&self, tile: Tile) -> Result<Vec<Entry>, TileError> {
        self.read(TilePath::Entries(tile), entries_from_bundle)
    }

    fn read<T>(
        &self,
        name: TilePath,
        parse: impl Fn(&[u8]) -> Option<Vec<T>>,
    ) -> Result<Vec<T>, TileError> {
        let own = self.folder.join(name.to_string());
        let full = self.folder.join(name.full().to_string());
        // C2SP tlog-tiles: a partial tile may be gone once the full one is there.
        let (path, width, bytes) = match fs::read(&own) {
            Ok(bytes) => (own, name.tile().width, bytes),
            Err(error) => match fs::read(&full) {
                Ok(bytes) => (full, TILE_WIDTH, bytes),
                Err(_) => return Err(at(&own)(error).into()),
            },
        };
        let mut items = parse(&bytes).unwrap_or_default();
        if items.len() != usize::from(width) {
            let fault = format!("{} bytes are not a tile of width {width}", bytes.len());
            return Err(TileError::Damaged { path, fault });
        }
        items.truncate(usize::from(name.tile().width));
        Ok(items)
    }
}

impl TileSource for TileFiles {
    type Error = TileError;

    fn hashes(&mut self, tile: Tile) -> Result<Vec<Hash>, TileError> {
        self.read(TilePath::Hashes(tile), hashes_from_bytes)
    }
}
