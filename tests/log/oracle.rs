//! The public log as C2SP tlog-tiles prescribes it, computed here a second time and in the most
//! direct way: nothing of the product's own arithmetic is used.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

pub type Digest32 = [u8; 32];

fn sha256(parts: &[&[u8]]) -> Digest32 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// RFC 6962 §2.1: the hash of a leaf.
pub fn leaf_hash(entry: &[u8]) -> Digest32 {
    sha256(&[&[0], entry])
}

/// RFC 6962 §2.1: the root of a list of leaves, by its definition.
pub fn root(leaves: &[Digest32]) -> Digest32 {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let mut left = 1;
            while left * 2 < leaves.len() {
                left *= 2;
            }
            let (left, right) = leaves.split_at(left);
            sha256(&[&[1], &root(left), &root(right)])
        }
    }
}

/// The entries of a bundle: each is its length in two bytes, most significant first, and its bytes.
pub fn entries(mut bundle: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let [high, low, rest @ ..] = bundle {
        let length = usize::from(*high) * 256 + usize::from(*low);
        let (entry, rest) = rest.split_at(length);
        entries.push(entry.to_vec());
        bundle = rest;
    }
    assert!(bundle.is_empty(), "half a length at the end of a bundle");
    entries
}

/// The path of a tile below a thousand, with its width if it is partial.
pub fn tile_path(kind: &str, index: usize, width: usize) -> String {
    assert!(index < 1000, "three digits are enough for a test");
    match width {
        256 => format!("tile/{kind}/{index:03}"),
        width => format!("tile/{kind}/{index:03}.p/{width}"),
    }
}

/// The paths of the tiles of one level, or the entry bundles, of a tree: index and width of each.
pub fn tiles_at(level: u32, tree_size: usize) -> Vec<(usize, usize)> {
    let hashes = tree_size / 256usize.pow(level);
    let full = (0..hashes / 256).map(|index| (index, 256));
    let partial = Some((hashes / 256, hashes % 256)).filter(|(_, width)| *width > 0);
    full.chain(partial).collect()
}

/// Every tile and entry bundle that a log of these entries must serve, if these sizes were published.
pub fn tiles(entries: &[Vec<u8>], published: &[usize]) -> BTreeMap<String, Vec<u8>> {
    let leaves: Vec<Digest32> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let mut files = BTreeMap::new();
    for (level, size) in (0..4).flat_map(|level| published.iter().map(move |size| (level, *size))) {
        let span = 256usize.pow(level);
        for (index, width) in tiles_at(level, size) {
            let hashes = (0..width).flat_map(|i| {
                let first = (index * 256 + i) * span;
                root(&leaves[first..first + span])
            });
            files.insert(
                tile_path(&level.to_string(), index, width),
                hashes.collect(),
            );
            if level == 0 {
                let first = index * 256;
                let bundle = entries[first..first + width].iter().flat_map(|entry| {
                    let length = u16::try_from(entry.len()).unwrap().to_be_bytes();
                    [length.as_slice(), entry].concat()
                });
                files.insert(tile_path("entries", index, width), bundle.collect());
            }
        }
    }
    files
}

/// The names of what stands in a folder and is not a tile.
pub fn others(names: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    names
        .into_iter()
        .filter(|name| !name.starts_with("tile/"))
        .collect()
}

#[test]
fn the_oracle_knows_the_roots_of_rfc_6962_and_the_paths_of_tlog_tiles() {
    let hex = |hash: Digest32| -> String { hash.iter().map(|b| format!("{b:02x}")).collect() };
    assert_eq!(
        hex(root(&[])),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    // The root of the eight leaves that the test data of certificate-transparency-go uses.
    let leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let bytes = |hex: &str| -> Vec<u8> {
        let digits = hex.as_bytes().as_chunks::<2>().0;
        let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
        digits.iter().map(|pair| byte(pair).unwrap()).collect()
    };
    let leaves: Vec<Digest32> = leaves.iter().map(|leaf| leaf_hash(&bytes(leaf))).collect();
    assert_eq!(
        hex(root(&leaves)),
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    );
    assert_eq!(tiles_at(0, 70_000).len(), 274);
    assert_eq!(tiles_at(0, 70_000)[273], (273, 112));
    assert_eq!(tiles_at(1, 70_000), [(0, 256), (1, 17)]);
    assert_eq!(tiles_at(2, 70_000), [(0, 1)]);
    assert_eq!(tile_path("0", 273, 112), "tile/0/273.p/112");
}
