//! Hashes of the tree, and the two kinds of number that address it.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::encoding;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The digest of `parts`, one after the other.
    pub fn of(parts: &[&[u8]]) -> Hash {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Hash(hasher.finalize().into())
    }

    /// The digest as 44 characters of base64.
    pub fn to_base64(self) -> String {
        encoding::to_base64(&self.0)
    }

    /// Reads base64 in its one canonical form; `None` for anything else.
    pub fn from_base64(text: &str) -> Option<Hash> {
        encoding::from_base64(text)?.try_into().ok().map(Hash)
    }

    /// The digest as 64 lowercase hexadecimal digits.
    pub fn to_hex(self) -> String {
        encoding::to_hex(&self.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

/// The hash of one leaf. RFC 6962 §2.1: `SHA-256(0x00 || data)`.
pub fn leaf_hash(data: &[u8]) -> Hash {
    Hash::of(&[&[0x00], data])
}

/// The hash of an inner node. RFC 6962 §2.1: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    // One fixed block of 65 bytes: building it first is faster than three updates.
    let mut block = [0x01; 65];
    block[1..33].copy_from_slice(&left.0);
    block[33..].copy_from_slice(&right.0);
    Hash(Sha256::digest(block).into())
}

/// The root of a tree without leaves. RFC 6962 §2.1: `SHA-256("")`.
pub fn empty_root() -> Hash {
    Hash::of(&[])
}

/// The RFC 6962 root of `leaves`, already hashed. Works in place, so that a small tree costs no
/// allocation; the contents of `leaves` afterwards are of no use.
///
/// Pairing neighbours and carrying an odd last node up unchanged gives the same tree as RFC 6962's
/// split at the largest power of two: every left subtree is complete.
pub fn root_in_place(leaves: &mut [Hash]) -> Hash {
    let mut width = leaves.len();
    if width == 0 {
        return empty_root();
    }
    while width > 1 {
        for i in 0..width / 2 {
            leaves[i] = node_hash(&leaves[2 * i], &leaves[2 * i + 1]);
        }
        if width % 2 == 1 {
            leaves[width / 2] = leaves[width - 1];
        }
        width = width.div_ceil(2);
    }
    leaves[0]
}

/// A leaf's position in the log, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafIndex(pub u64);

/// How many leaves a tree has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeSize(pub u64);

impl TreeSize {
    /// Whether the leaf at `index` exists in a tree of this size.
    pub fn contains(self, index: LeafIndex) -> bool {
        index.0 < self.0
    }
}

impl fmt::Display for LeafIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
