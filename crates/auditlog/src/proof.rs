//! Inclusion and consistency proofs: built from tiles, verified by our own code after RFC 9162
//! §2.1.3.2 and §2.1.4.2.
//!
//! `rs_merkle::MerkleProof::verify` is never used: it accepts a path with a trailing hash, and a
//! forged leaf beside a repeated index.

use std::collections::HashMap;

use thiserror::Error;

use crate::hash::{Hash, LeafIndex, TreeSize, empty_root, node_hash};
use crate::tile::{TILE_WIDTH, Tile, hashes_at_level};

/// Where the hashes of tiles come from: files, a database, a network.
pub trait TileSource {
    /// Why a tile could not be had.
    type Error;

    /// The hashes of `tile`, exactly as many as it is wide. A source may cut them from a wider form
    /// of the same tile.
    fn hashes(&mut self, tile: Tile) -> Result<Vec<Hash>, Self::Error>;
}

/// Reads the tree of one size through its tiles, each fetched once.
pub struct TreeReader<S> {
    source: S,
    size: TreeSize,
    tiles: HashMap<(u8, u64), Vec<Vec<Hash>>>,
}

/// Why a proof could not be built.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError<E> {
    /// The tree does not reach so far.
    #[error("{asked} is beyond the tree of {size} leaves")]
    BeyondTree {
        /// The index or size asked for.
        asked: u64,
        /// The tree.
        size: TreeSize,
    },
    /// The source gave a tile of another width.
    #[error("the source gave {found} hashes for {tile:?}")]
    TileWidth {
        /// The tile asked for.
        tile: Tile,
        /// Hashes given.
        found: usize,
    },
    /// The source failed.
    #[error(transparent)]
    Source(#[from] E),
}

impl<S: TileSource> TreeReader<S> {
    /// A reader of the tree of `size` leaves.
    pub fn new(source: S, size: TreeSize) -> Self {
        TreeReader {
            source,
            size,
            tiles: HashMap::new(),
        }
    }

    /// The root of the tree of `size` leaves, which must not be more than the reader's own.
    pub fn root(&mut self, size: TreeSize) -> Result<Hash, ReadError<S::Error>> {
        self.check_size(size)?;
        if size.0 == 0 {
            Ok(empty_root())
        } else {
            self.range(0, size.0)
        }
    }

    /// The leaf hash at `index`.
    pub fn leaf(&mut self, index: LeafIndex) -> Result<Hash, ReadError<S::Error>> {
        self.check_index(index)?;
        self.range(index.0, index.0 + 1)
    }

    /// The path from the leaf at `index` to the root, nearest first. RFC 6962 §2.1.1.
    pub fn inclusion_proof(&mut self, index: LeafIndex) -> Result<Vec<Hash>, ReadError<S::Error>> {
        self.check_index(index)?;
        let (mut low, mut high) = (0, self.size.0);
        let mut path = Vec::new();
        while high - low > 1 {
            let middle = low + split(high - low);
            if index.0 < middle {
                path.push(self.range(middle, high)?);
                high = middle;
            } else {
                path.push(self.range(low, middle)?);
                low = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// Proves that the tree of `old` leaves is a prefix of this one. RFC 6962 §2.1.2; empty where
    /// `old` is 0 or the whole.
    pub fn consistency_proof(&mut self, old: TreeSize) -> Result<Vec<Hash>, ReadError<S::Error>> {
        self.check_size(old)?;
        if old.0 == 0 || old == self.size {
            return Ok(Vec::new());
        }
        let (mut low, mut high) = (0, self.size.0);
        let mut path = Vec::new();
        // SUBPROOF walks down to the old tree's right edge; `low == 0` means that the old root is
        // still the node we stand on, which the verifier has.
        while old.0 < high {
            let middle = low + split(high - low);
            if old.0 <= middle {
                path.push(self.range(middle, high)?);
                high = middle;
            } else {
                path.push(self.range(low, middle)?);
                low = middle;
            }
        }
        if low > 0 {
            path.push(self.range(low, high)?);
        }
        path.reverse();
        Ok(path)
    }

    /// The root of leaves `low..high`, where that range is one node of RFC 6962's recursion.
    fn range(&mut self, low: u64, high: u64) -> Result<Hash, ReadError<S::Error>> {
        let width = high - low;
        if width.is_power_of_two() && low.is_multiple_of(width) {
            return self.node(width.trailing_zeros(), low >> width.trailing_zeros());
        }
        let middle = low + split(width);
        let left = self.range(low, middle)?;
        let right = self.range(middle, high)?;
        Ok(node_hash(&left, &right))
    }

    /// The complete node `height` steps above the leaves, at `position` among its peers.
    fn node(&mut self, height: u32, position: u64) -> Result<Hash, ReadError<S::Error>> {
        let (level, row) = ((height / 8) as u8, (height % 8) as usize);
        let first = position << row;
        let (index, offset) = (first / 256, (first % 256) as usize);
        if !self.tiles.contains_key(&(level, index)) {
            let rows = self.load(level, index)?;
            self.tiles.insert((level, index), rows);
        }
        Ok(self.tiles[&(level, index)][row][offset >> row])
    }

    /// A tile's hashes and, above them, every complete node inside it.
    fn load(&mut self, level: u8, index: u64) -> Result<Vec<Vec<Hash>>, ReadError<S::Error>> {
        let beyond = hashes_at_level(self.size, level) - index * 256;
        let width = beyond.min(u64::from(TILE_WIDTH)) as u16;
        let tile = Tile {
            level,
            index,
            width,
        };
        let hashes = self.source.hashes(tile)?;
        if hashes.len() != usize::from(width) {
            return Err(ReadError::TileWidth {
                tile,
                found: hashes.len(),
            });
        }
        let mut rows = vec![hashes];
        while let Some(row) = rows.last().filter(|row| row.len() > 1) {
            let (pairs, _) = row.as_chunks::<2>();
            rows.push(
                pairs
                    .iter()
                    .map(|[left, right]| node_hash(left, right))
                    .collect(),
            );
        }
        Ok(rows)
    }

    fn check_size(&self, size: TreeSize) -> Result<(), ReadError<S::Error>> {
        if size <= self.size {
            return Ok(());
        }
        Err(ReadError::BeyondTree {
            asked: size.0,
            size: self.size,
        })
    }

    fn check_index(&self, index: LeafIndex) -> Result<(), ReadError<S::Error>> {
        if self.size.contains(index) {
            return Ok(());
        }
        Err(ReadError::BeyondTree {
            asked: index.0,
            size: self.size,
        })
    }
}

/// RFC 6962 §2.1: the largest power of two smaller than `width`, which is at least 2.
fn split(width: u64) -> u64 {
    1 << (u64::BITS - 1 - (width - 1).leading_zeros())
}

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProofError {
    /// The index is not in the tree.
    #[error("leaf {index} is beyond the tree of {size} leaves")]
    BeyondTree {
        /// The leaf.
        index: LeafIndex,
        /// The tree.
        size: TreeSize,
    },
    /// The path has more or fewer hashes than its place in the tree demands.
    #[error("the path has the wrong length")]
    Length,
    /// The path leads to another root.
    #[error("the path leads to another root")]
    Root,
    /// The old tree is larger than the new.
    #[error("the old tree is larger than the new one")]
    Shrunk,
}

/// Checks that `leaf` is at `index` in the tree of `size` leaves with `root`.
/// RFC 9162 §2.1.3.2.
pub fn verify_inclusion(
    leaf: Hash,
    index: LeafIndex,
    size: TreeSize,
    path: &[Hash],
    root: Hash,
) -> Result<(), ProofError> {
    if !size.contains(index) {
        return Err(ProofError::BeyondTree { index, size });
    }
    let (mut fn_, mut sn) = (index.0, size.0 - 1);
    let mut hash = leaf;
    for sibling in path {
        if sn == 0 {
            return Err(ProofError::Length);
        }
        if fn_ % 2 == 1 || fn_ == sn {
            hash = node_hash(sibling, &hash);
            while fn_ % 2 == 0 && fn_ != 0 {
                fn_ >>= 1;
                sn >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        fn_ >>= 1;
        sn >>= 1;
    }
    if sn != 0 {
        return Err(ProofError::Length);
    }
    if hash == root {
        Ok(())
    } else {
        Err(ProofError::Root)
    }
}

/// A tree's size and root, as a checkpoint states them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeHead {
    /// Leaves.
    pub size: TreeSize,
    /// Root over them.
    pub root: Hash,
}

/// Checks that `old` is a prefix of `new`. RFC 9162 §2.1.4.2; a proof from or to the same size, or
/// from an empty tree, has no hashes.
pub fn verify_consistency(old: TreeHead, new: TreeHead, path: &[Hash]) -> Result<(), ProofError> {
    if old.size > new.size {
        return Err(ProofError::Shrunk);
    }
    if old.size.0 == 0 || old.size == new.size {
        let expected = if old.size.0 == 0 {
            empty_root()
        } else {
            new.root
        };
        return match path {
            [] if old.root == expected => Ok(()),
            [] => Err(ProofError::Root),
            _ => Err(ProofError::Length),
        };
    }
    // A complete old tree is itself the first node of the path.
    let (first, path) = if old.size.0.is_power_of_two() {
        (&old.root, path)
    } else {
        path.split_first().ok_or(ProofError::Length)?
    };
    let (old_root, new_root) = consistency_roots(old.size, new.size, *first, path)?;
    if old_root == old.root && new_root == new.root {
        Ok(())
    } else {
        Err(ProofError::Root)
    }
}

/// The roots of the trees of the old and of the new size, 0 < old < new, that a path leads to from the node `first`,
/// which the old tree ends in.
pub(crate) fn consistency_roots(
    old: TreeSize,
    new: TreeSize,
    first: Hash,
    path: &[Hash],
) -> Result<(Hash, Hash), ProofError> {
    let (mut fn_, mut sn) = (old.0 - 1, new.0 - 1);
    while fn_ % 2 == 1 {
        fn_ >>= 1;
        sn >>= 1;
    }
    let (mut fr, mut sr) = (first, first);
    for sibling in path {
        if sn == 0 {
            return Err(ProofError::Length);
        }
        if fn_ % 2 == 1 || fn_ == sn {
            fr = node_hash(sibling, &fr);
            sr = node_hash(sibling, &sr);
            while fn_ % 2 == 0 && fn_ != 0 {
                fn_ >>= 1;
                sn >>= 1;
            }
        } else {
            sr = node_hash(&sr, sibling);
        }
        fn_ >>= 1;
        sn >>= 1;
    }
    if sn != 0 {
        return Err(ProofError::Length);
    }
    Ok((fr, sr))
}
