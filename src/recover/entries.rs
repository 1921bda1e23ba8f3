//! The public entries one after the other, each bundle read once.

use auditlog::proof::TileSource;
use auditlog::tile::{TILE_WIDTH, Tile, TilePath};
use auditlog::{Entry, Hash, LeafIndex, TreeSize};

use super::{RecoverError, damaged};
use crate::public::TileFiles;

/// The entries of a public tree.
pub(super) struct Entries {
    files: TileFiles,
    size: TreeSize,
    /// The bundle that was read last, by its place.
    bundle: Option<(u64, Vec<Entry>)>,
}

impl Entries {
    pub fn new(files: TileFiles, size: TreeSize) -> Entries {
        Entries {
            files,
            size,
            bundle: None,
        }
    }

    /// The entries of a bundle, each of which must be the leaf that the tile beside it has: the root that
    /// they lead to would only say that something is wrong, and not where.
    fn read(&mut self, tile: Tile) -> Result<Vec<Entry>, RecoverError> {
        let entries = self.files.entries(tile)?;
        let leaves = self.files.hashes(tile)?;
        let differs = |(entry, leaf): (&Entry, &Hash)| entry.leaf_hash() != *leaf;
        match entries.iter().zip(&leaves).position(differs) {
            None => Ok(entries),
            Some(offset) => Err(damaged(format!(
                "{}: entry {} is not the leaf that {} has",
                TilePath::Entries(tile),
                tile.index * u64::from(TILE_WIDTH) + offset as u64,
                TilePath::Hashes(tile)
            ))),
        }
    }

    pub fn at(&mut self, index: LeafIndex) -> Result<Entry, RecoverError> {
        let place = index.0 / u64::from(TILE_WIDTH);
        if self.bundle.as_ref().is_none_or(|(read, _)| *read != place) {
            let first = place * u64::from(TILE_WIDTH);
            let width = (self.size.0 - first).min(u64::from(TILE_WIDTH)) as u16;
            let tile = Tile {
                level: 0,
                index: place,
                width,
            };
            self.bundle = Some((place, self.read(tile)?));
        }
        let offset = (index.0 % u64::from(TILE_WIDTH)) as usize;
        let (_, entries) = self.bundle.as_ref().expect("just read");
        let beyond = || damaged(format!("the anchor file goes beyond entry {index}"));
        entries.get(offset).copied().ok_or_else(beyond)
    }
}
