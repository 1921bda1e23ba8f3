//! Tiles: the tree cut into pieces of 256 hashes that never change once full (C2SP tlog-tiles).
//!
//! Hash `i` of tile `n` at level `l` is the root of the `256^l` leaves from
//! `(n·256 + i)·256^l`. rs_merkle is the kernel that computes the root of one tile; the tree's root
//! is the partial tiles of the right edge folded upwards from level 0.

use std::fmt;

use rs_merkle::{Hasher, MerkleTree};

use crate::entry::Entry;
use crate::hash::{Hash, TreeSize, empty_root, node_hash};

/// Hashes in a full tile.
pub const TILE_WIDTH: u16 = 256;

/// The greatest level that a tree of 2^64 leaves has, and the spec's limit besides (0–63).
const MAX_LEVEL: u8 = 63;

/// One tile of the tree, full or partial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// 0 for leaf hashes.
    pub level: u8,
    /// Position among the tiles of its level.
    pub index: u64,
    /// How many hashes it has, 1 to 256.
    pub width: u16,
}

/// A tile that an append has filled or begun, with its hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileContent {
    /// Which tile.
    pub tile: Tile,
    /// As many hashes as the tile is wide.
    pub hashes: Vec<Hash>,
}

/// The partial tiles at the right edge of a tree: all that an append needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightEdge {
    size: TreeSize,
    levels: Vec<Vec<Hash>>,
}

/// A right edge was put together from tiles that do not fit the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the partial tile at level {level} has {found} hashes, not {expected}")]
pub struct EdgeMismatch {
    /// The level.
    pub level: u8,
    /// Hashes that the tree size implies.
    pub expected: usize,
    /// Hashes given.
    pub found: usize,
}

/// The partial tiles of a tree of `size` leaves, from level 0 up; levels whose partial tile would be
/// empty are left out, since empty tiles do not exist.
pub fn partial_tiles(size: TreeSize) -> impl Iterator<Item = Tile> {
    (0..8u8).filter_map(move |level| {
        let tile = edge_tile(size, level);
        (tile.width > 0).then_some(tile)
    })
}

/// How many hashes a tree of `size` leaves has at `level`: only complete subtrees count.
pub fn hashes_at_level(size: TreeSize, level: u8) -> u64 {
    size.0.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

fn edge_tile(size: TreeSize, level: u8) -> Tile {
    let hashes = hashes_at_level(size, level);
    Tile {
        level,
        index: hashes / 256,
        width: (hashes % 256) as u16,
    }
}

/// The tiles that a tree of `to` leaves has and one of `from` leaves had not, lower levels first.
pub fn tiles_between(from: TreeSize, to: TreeSize) -> impl Iterator<Item = Tile> {
    (0..8u8).flat_map(move |level| {
        let (had, has) = (hashes_at_level(from, level), hashes_at_level(to, level));
        let full = (had / 256..has / 256).map(move |index| Tile {
            level,
            index,
            width: TILE_WIDTH,
        });
        let edge = edge_tile(to, level);
        full.chain((had != has && edge.width > 0).then_some(edge))
    })
}

impl RightEdge {
    /// The edge of a tree without leaves.
    pub fn empty() -> RightEdge {
        RightEdge {
            size: TreeSize(0),
            levels: Vec::new(),
        }
    }

    /// The edge of a tree of `size` leaves, from the partial tiles that [`partial_tiles`] lists, one
    /// for each in the same order.
    pub fn from_tiles(
        size: TreeSize,
        tiles: impl IntoIterator<Item = Vec<Hash>>,
    ) -> Result<RightEdge, EdgeMismatch> {
        let mut levels = Vec::new();
        let mut tiles = tiles.into_iter();
        for tile in partial_tiles(size) {
            levels.resize_with(usize::from(tile.level), Vec::new);
            let hashes = tiles.next().unwrap_or_default();
            if hashes.len() != usize::from(tile.width) {
                let expected = usize::from(tile.width);
                return Err(EdgeMismatch {
                    level: tile.level,
                    expected,
                    found: hashes.len(),
                });
            }
            levels.push(hashes);
        }
        Ok(RightEdge { size, levels })
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> TreeSize {
        self.size
    }

    /// Appends one leaf hash and hands every tile that became full to `full`, lower levels first.
    pub fn append(&mut self, leaf: Hash, mut full: impl FnMut(TileContent)) {
        self.size.0 += 1;
        let mut carried = leaf;
        for level in 0u8.. {
            if self.levels.len() == usize::from(level) {
                self.levels
                    .push(Vec::with_capacity(usize::from(TILE_WIDTH)));
            }
            let hashes = &mut self.levels[usize::from(level)];
            hashes.push(carried);
            if hashes.len() < usize::from(TILE_WIDTH) {
                return;
            }
            carried = tile_root(hashes);
            let index = hashes_at_level(self.size, level) / 256 - 1;
            let tile = Tile {
                level,
                index,
                width: TILE_WIDTH,
            };
            full(TileContent {
                tile,
                hashes: std::mem::take(hashes),
            });
        }
    }

    /// The partial tiles as they stand, from level 0 up.
    pub fn partial_tiles(&self) -> impl Iterator<Item = TileContent> {
        partial_tiles(self.size).map(|tile| TileContent {
            tile,
            hashes: self.levels[usize::from(tile.level)].clone(),
        })
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut carried: Option<Hash> = None;
        for hashes in &self.levels {
            let mut row = hashes.clone();
            row.extend(carried);
            carried = (!row.is_empty()).then(|| tile_root(&row));
        }
        carried.unwrap_or_else(empty_root)
    }
}

/// The root of one tile's hashes: the kernel, computed by rs_merkle with RFC 6962's hashing.
pub fn tile_root(hashes: &[Hash]) -> Hash {
    let leaves: Vec<[u8; 32]> = hashes.iter().map(|hash| hash.0).collect();
    MerkleTree::<Rfc6962>::from_leaves(&leaves)
        .root()
        .map_or_else(empty_root, Hash)
}

/// RFC 6962's hashing for rs_merkle. Its own default has no prefixes, so that an inner node would
/// verify as a leaf.
#[derive(Clone)]
struct Rfc6962;

impl Hasher for Rfc6962 {
    type Hash = [u8; 32];

    fn hash(data: &[u8]) -> [u8; 32] {
        crate::hash::leaf_hash(data).0
    }

    fn concat_and_hash(left: &[u8; 32], right: Option<&[u8; 32]>) -> [u8; 32] {
        match right {
            Some(right) => node_hash(&Hash(*left), &Hash(*right)).0,
            None => *left,
        }
    }
}

/// What a tile path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TilePath {
    /// `tile/<level>/<index>`: hashes, 32 bytes each.
    Hashes(Tile),
    /// `tile/entries/<index>`: an entry bundle; `level` is 0.
    Entries(Tile),
}

impl TilePath {
    /// Reads the one canonical path of a tile, without a leading slash.
    pub fn parse(path: &str) -> Option<TilePath> {
        let rest = path.strip_prefix("tile/")?;
        let (kind, rest) = rest.split_once('/')?;
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, crate::encoding::parse_decimal(width)?),
            None => (rest, u64::from(TILE_WIDTH)),
        };
        let width = u16::try_from(width)
            .ok()
            .filter(|w| (1..=TILE_WIDTH).contains(w))?;
        let level = match kind {
            "entries" => 0,
            level => u8::try_from(crate::encoding::parse_decimal(level)?).ok()?,
        };
        let tile = Tile {
            level,
            index: parse_index(index)?,
            width,
        };
        let parsed = if kind == "entries" {
            Self::Entries(tile)
        } else {
            Self::Hashes(tile)
        };
        // One path, one tile: whatever is not exactly what we would write is no path.
        (level <= MAX_LEVEL && parsed.to_string() == path).then_some(parsed)
    }

    /// The path of the full tile whose partial form this may be.
    pub fn full(self) -> TilePath {
        let widen = |tile| Tile {
            width: TILE_WIDTH,
            ..tile
        };
        match self {
            TilePath::Hashes(tile) => TilePath::Hashes(widen(tile)),
            TilePath::Entries(tile) => TilePath::Entries(widen(tile)),
        }
    }

    /// The tile itself.
    pub fn tile(self) -> Tile {
        match self {
            TilePath::Hashes(tile) | TilePath::Entries(tile) => tile,
        }
    }
}

impl fmt::Display for TilePath {
    /// C2SP tlog-tiles: groups of three digits, all but the last with an `x` before them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tile = self.tile();
        match self {
            TilePath::Hashes(_) => write!(f, "tile/{}", tile.level)?,
            TilePath::Entries(_) => write!(f, "tile/entries")?,
        }
        let mut groups = vec![tile.index % 1000];
        let mut rest = tile.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for (i, group) in groups.iter().enumerate().rev() {
            write!(f, "/{}{group:03}", if i > 0 { "x" } else { "" })?;
        }
        if tile.width < TILE_WIDTH {
            write!(f, ".p/{}", tile.width)?;
        }
        Ok(())
    }
}

fn parse_index(text: &str) -> Option<u64> {
    text.split('/').try_fold(0u64, |index, group| {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let value: u64 = digits.parse().ok()?;
        index.checked_mul(1000)?.checked_add(value)
    })
}

/// Splits the bytes of a tile into its hashes; `None` where they are no multiple of 32.
pub fn hashes_from_bytes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty()
        .then(|| hashes.iter().map(|hash| Hash(*hash)).collect())
}

/// The bytes of a tile.
pub fn hashes_to_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// An entry bundle (C2SP tlog-tiles): each entry after its length as two bytes, most significant
/// first.
pub fn entry_bundle(entries: &[Entry]) -> Vec<u8> {
    let mut bundle = Vec::with_capacity(entries.len() * 100);
    for entry in entries {
        let text = entry.format();
        let length = u16::try_from(text.len()).expect("an entry has fewer than 100 bytes");
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(text.as_bytes());
    }
    bundle
}

/// Reads exactly what [`entry_bundle`] writes: whole entries and nothing after them.
pub fn entries_from_bundle(bundle: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::with_capacity(usize::from(TILE_WIDTH));
    let mut rest = bundle;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk()?;
        let (entry, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
        entries.push(Entry::parse(std::str::from_utf8(entry).ok()?)?);
        rest = after;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Timestamp;

    #[test]
    fn a_bundle_of_entries_reads_back_and_no_part_of_one_does() {
        let recorded = Timestamp::parse("2026-11-23T01:02:03.123Z").unwrap();
        let entry = |i: u8| Entry {
            recorded,
            digest: Hash([i; 32]),
        };
        let entries: Vec<Entry> = (0..3).map(entry).collect();
        let bundle = entry_bundle(&entries);
        assert_eq!(entries_from_bundle(&bundle), Some(entries.clone()));
        assert_eq!(entries_from_bundle(&[]), Some(Vec::new()));
        let one = bundle.len() / 3;
        for cut in (1..bundle.len()).filter(|cut| cut % one != 0) {
            assert_eq!(entries_from_bundle(&bundle[..cut]), None, "{cut}");
        }
        for i in 0..bundle.len() {
            let mut changed = bundle.clone();
            changed[i] ^= 0x80;
            assert_ne!(
                entries_from_bundle(&changed),
                Some(entries.clone()),
                "byte {i}"
            );
        }
        assert_eq!(
            entries_from_bundle(&[bundle.as_slice(), &[0]].concat()),
            None
        );
    }

    #[test]
    fn the_tiles_between_two_sizes_are_those_that_the_larger_has_more() {
        let tile = |level, index, width| Tile {
            level,
            index,
            width,
        };
        let between = |from, to| tiles_between(TreeSize(from), TreeSize(to)).collect::<Vec<_>>();
        assert_eq!(between(0, 0), []);
        assert_eq!(between(7, 7), []);
        assert_eq!(between(0, 1), [tile(0, 0, 1)]);
        assert_eq!(between(255, 256), [tile(0, 0, 256), tile(1, 0, 1)]);
        assert_eq!(
            between(250, 600),
            [
                tile(0, 0, 256),
                tile(0, 1, 256),
                tile(0, 2, 88),
                tile(1, 0, 2)
            ]
        );
        // tlog-tiles gives the tiles of 70,000 leaves as its example.
        let all = between(0, 70_000);
        assert_eq!(all.len(), 273 + 1 + 1 + 1 + 1);
        for edge in [
            tile(0, 273, 112),
            tile(1, 0, 256),
            tile(1, 1, 17),
            tile(2, 0, 1),
        ] {
            assert!(all.contains(&edge), "{edge:?}");
        }
    }
}
