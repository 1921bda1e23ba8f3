//! Tiles and entry bundles as they are published.

use std::fs;
use std::path::{Path, PathBuf};

use auditlog::proof::TileSource;
use auditlog::tile::{Tile, TilePath, entries_from_bundle, hashes_from_bytes};
use auditlog::{Entry, Hash};
use thiserror::Error;

/// A public tile that is missing or damaged.
#[derive(Debug, Error)]
#[error("{path}: {fault}")]
pub struct TileError {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: String,
}

/// The tiles under a public folder. Reads files: not for an async thread.
#[derive(Debug, Clone, Copy)]
pub struct TileFiles<'a> {
    folder: &'a Path,
}

impl<'a> TileFiles<'a> {
    /// The tiles under `folder`.
    pub fn new(folder: &'a Path) -> TileFiles<'a> {
        TileFiles { folder }
    }

    /// The entries of a tile of level 0, exactly as many as it is wide.
    pub fn entries(&self, tile: Tile) -> Result<Vec<Entry>, TileError> {
        let (path, bytes) = self.read(TilePath::Entries(tile))?;
        let entries = entries_from_bundle(&bytes).map(|mut entries| {
            entries.truncate(usize::from(tile.width));
            entries
        });
        let whole = entries.filter(|entries| entries.len() == usize::from(tile.width));
        whole.ok_or_else(|| TileError {
            path,
            fault: format!("not a bundle of {} entries", tile.width),
        })
    }

    /// C2SP tlog-tiles: a partial tile may be gone once the full one is there.
    fn read(&self, path: TilePath) -> Result<(PathBuf, Vec<u8>), TileError> {
        let file = self.folder.join(path.to_string());
        match fs::read(&file).or_else(|_| fs::read(self.folder.join(path.full().to_string()))) {
            Ok(bytes) => Ok((file, bytes)),
            Err(error) => Err(TileError {
                path: file,
                fault: error.to_string(),
            }),
        }
    }
}

impl TileSource for TileFiles<'_> {
    type Error = TileError;

    fn hashes(&mut self, tile: Tile) -> Result<Vec<Hash>, TileError> {
        let (path, bytes) = self.read(TilePath::Hashes(tile))?;
        let mut hashes = hashes_from_bytes(&bytes).ok_or_else(|| TileError {
            path,
            fault: "not hashes".into(),
        })?;
        hashes.truncate(usize::from(tile.width));
        Ok(hashes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog::Timestamp;
    use auditlog::tile::{entry_bundle, hashes_to_bytes};

    fn tile(width: u16) -> Tile {
        Tile {
            level: 0,
            index: 0,
            width,
        }
    }

    #[test]
    fn a_partial_tile_is_read_from_the_full_one_once_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let recorded = Timestamp::parse("2026-11-23T01:02:03.123Z").unwrap();
        let entry = |i: u8| Entry {
            recorded,
            digest: Hash([i; 32]),
        };
        let entries: Vec<Entry> = (0..=255).map(entry).collect();
        let hashes: Vec<Hash> = entries.iter().map(Entry::leaf_hash).collect();
        fs::create_dir_all(folder.join("tile/0")).unwrap();
        fs::create_dir_all(folder.join("tile/entries")).unwrap();
        fs::write(folder.join("tile/0/000"), hashes_to_bytes(&hashes)).unwrap();
        fs::write(folder.join("tile/entries/000"), entry_bundle(&entries)).unwrap();
        let mut files = TileFiles::new(folder);
        assert_eq!(files.hashes(tile(7)).unwrap(), hashes[..7]);
        assert_eq!(files.entries(tile(7)).unwrap(), entries[..7]);
        assert_eq!(files.entries(tile(256)).unwrap(), entries);
        // What is too short, or torn, is named and not taken for less.
        fs::write(folder.join("tile/entries/000"), entry_bundle(&entries[..6])).unwrap();
        let error = files.entries(tile(7)).unwrap_err().to_string();
        assert!(
            error.ends_with("tile/entries/000.p/7: not a bundle of 7 entries"),
            "{error}"
        );
        fs::write(folder.join("tile/0/000"), [0; 33]).unwrap();
        assert!(files.hashes(tile(1)).is_err());
        let elsewhere = Tile {
            index: 1,
            ..tile(1)
        };
        assert!(files.hashes(elsewhere).is_err());
    }
}
