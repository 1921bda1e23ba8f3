//! The tree against a direct transcription of RFC 6962, and against an independent reader.

use std::collections::HashMap;

use auditlog::hash::{Hash, LeafIndex, TreeSize, leaf_hash, node_hash};
use auditlog::proof::{
    ProofError, TileSource, TreeHead, TreeReader, verify_consistency, verify_inclusion,
};
use auditlog::tile::{RightEdge, TILE_WIDTH, Tile, TilePath, hashes_at_level, partial_tiles};
use proptest::prelude::*;

const LARGEST: usize = 1_100;

fn leaves(count: usize) -> Vec<Hash> {
    (0..count)
        .map(|i| leaf_hash(format!("entry {i}").as_bytes()))
        .collect()
}

/// RFC 6962 §2.1, word for word.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(largest_power_below(leaves.len()));
            node_hash(&mth(left), &mth(right))
        }
    }
}

/// RFC 6962 §2.1.1, word for word.
fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = largest_power_below(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut rest, sibling) = if m < k {
        (path(m, left), mth(right))
    } else {
        (path(m - k, right), mth(left))
    };
    rest.push(sibling);
    rest
}

/// RFC 6962 §2.1.2, word for word.
fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![mth(leaves)] };
    }
    let k = largest_power_below(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut rest, sibling) = if m <= k {
        (subproof(m, left, whole), mth(right))
    } else {
        (subproof(m - k, right, false), mth(left))
    };
    rest.push(sibling);
    rest
}

fn largest_power_below(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// Every full tile that appending gave, and the partial tiles of the last size.
#[derive(Clone, Default)]
struct Tiles(HashMap<(u8, u64), Vec<Hash>>);

impl TileSource for Tiles {
    type Error = String;

    fn hashes(&mut self, tile: Tile) -> Result<Vec<Hash>, String> {
        let hashes = self
            .0
            .get(&(tile.level, tile.index))
            .ok_or(format!("no {tile:?}"))?;
        Ok(hashes[..usize::from(tile.width)].to_vec())
    }
}

fn grow(leaves: &[Hash]) -> (RightEdge, Tiles) {
    let (mut edge, mut tiles) = (RightEdge::empty(), Tiles::default());
    for leaf in leaves {
        edge.append(*leaf, |full| {
            tiles
                .0
                .insert((full.tile.level, full.tile.index), full.hashes);
        });
    }
    for partial in edge.partial_tiles() {
        tiles
            .0
            .insert((partial.tile.level, partial.tile.index), partial.hashes);
    }
    (edge, tiles)
}

#[test]
fn the_root_is_rfc_6962s_for_every_size_to_1100() {
    let leaves = leaves(LARGEST);
    let mut edge = RightEdge::empty();
    assert_eq!(edge.root(), mth(&[]));
    for size in 1..=LARGEST {
        edge.append(leaves[size - 1], |_| {});
        assert_eq!(edge.root(), mth(&leaves[..size]), "size {size}");
        assert_eq!(edge.size(), TreeSize(size as u64));
    }
}

#[test]
fn the_published_root_of_eight_leaves_is_ours() {
    // The eight inputs of the certificate-transparency test vectors.
    let inputs: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let leaves: Vec<Hash> = inputs.iter().map(|data| leaf_hash(data)).collect();
    let root = grow(&leaves).0.root();
    assert_eq!(
        root.to_base64(),
        "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="
    );
}

#[test]
fn the_conformance_root_of_70000_entries_is_ours() {
    let leaves: Vec<Hash> = (0..70_000)
        .map(|i| leaf_hash(format!("{{\"event\":{i}}}").as_bytes()))
        .collect();
    let (edge, tiles) = grow(&leaves);
    assert_eq!(
        edge.root().to_base64(),
        "zMluRNoe9pvPVWcGY/O8yahtp7ZbQTn7rVoztCrWhJs="
    );
    // tlog-tiles gives the tiles of exactly this size as its example.
    let widths: Vec<_> = partial_tiles(TreeSize(70_000))
        .map(|t| (t.level, t.index, t.width))
        .collect();
    assert_eq!(widths, [(0, 273, 112), (1, 1, 17), (2, 0, 1)]);
    let full = tiles
        .0
        .values()
        .filter(|hashes| hashes.len() == 256)
        .count();
    assert_eq!(full, 273 + 1);
}

#[test]
fn every_inclusion_proof_is_rfc_6962s_and_verifies_at_the_interesting_sizes() {
    let leaves = leaves(LARGEST);
    for size in (1..=70).chain([127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1100]) {
        let (edge, tiles) = grow(&leaves[..size]);
        let mut reader = TreeReader::new(tiles, TreeSize(size as u64));
        for (index, leaf) in leaves[..size].iter().enumerate() {
            let at = LeafIndex(index as u64);
            let proof = reader.inclusion_proof(at).unwrap();
            assert_eq!(
                proof,
                path(index, &leaves[..size]),
                "leaf {index} of {size}"
            );
            verify_inclusion(*leaf, at, edge.size(), &proof, edge.root()).unwrap();
        }
        assert!(reader.inclusion_proof(LeafIndex(size as u64)).is_err());
    }
}

#[test]
fn every_consistency_proof_to_300_is_rfc_6962s_and_verifies() {
    let leaves = leaves(300);
    let heads: Vec<TreeHead> = (0..=300)
        .map(|n| TreeHead {
            size: TreeSize(n as u64),
            root: mth(&leaves[..n]),
        })
        .collect();
    for new in 1..=300 {
        let mut reader = TreeReader::new(grow(&leaves[..new]).1, TreeSize(new as u64));
        for old in 0..=new {
            let proof = reader.consistency_proof(TreeSize(old as u64)).unwrap();
            if old > 0 {
                assert_eq!(proof, subproof(old, &leaves[..new], true), "{old} to {new}");
            }
            verify_consistency(heads[old], heads[new], &proof).unwrap();
        }
    }
}

#[test]
fn a_proof_that_was_tampered_with_is_refused() {
    let leaves = leaves(400);
    let (edge, tiles) = grow(&leaves);
    let mut reader = TreeReader::new(tiles, TreeSize(400));
    let (at, root, size) = (LeafIndex(300), edge.root(), edge.size());
    let proof = reader.inclusion_proof(at).unwrap();
    let check = |leaf, at, size, path: &[Hash], root| verify_inclusion(leaf, at, size, path, root);
    assert_eq!(check(leaves[300], at, size, &proof, root), Ok(()));
    assert_eq!(
        check(leaves[301], at, size, &proof, root),
        Err(ProofError::Root)
    );
    assert_eq!(
        check(leaves[300], at, size, &proof, leaves[0]),
        Err(ProofError::Root)
    );
    assert!(check(leaves[300], LeafIndex(301), size, &proof, root).is_err());
    assert!(matches!(
        check(leaves[300], LeafIndex(400), size, &proof, root),
        Err(ProofError::BeyondTree { .. })
    ));
    let longer = [proof.as_slice(), &[leaves[0]]].concat();
    assert_eq!(
        check(leaves[300], at, size, &longer, root),
        Err(ProofError::Length)
    );
    assert_eq!(
        check(leaves[300], at, size, &proof[..proof.len() - 1], root),
        Err(ProofError::Length)
    );
    for i in 0..proof.len() {
        let mut changed = proof.clone();
        changed[i].0[31] ^= 1;
        assert_eq!(
            check(leaves[300], at, size, &changed, root),
            Err(ProofError::Root),
            "{i}"
        );
        changed = proof.clone();
        changed.swap(i, (i + 1) % proof.len());
        assert_eq!(
            check(leaves[300], at, size, &changed, root),
            Err(ProofError::Root),
            "{i}"
        );
    }
}

#[test]
fn a_history_that_was_rewritten_has_no_consistency_proof() {
    let honest = leaves(200);
    let mut forged = honest.clone();
    forged[20] = leaf_hash(b"forged");
    let head = |l: &[Hash]| TreeHead {
        size: TreeSize(l.len() as u64),
        root: mth(l),
    };
    let mut reader = TreeReader::new(grow(&forged).1, TreeSize(200));
    for old in [1usize, 21, 64, 100, 128, 199] {
        let proof = reader.consistency_proof(TreeSize(old as u64)).unwrap();
        let result = verify_consistency(head(&honest[..old]), head(&forged), &proof);
        assert_eq!(result.is_ok(), old <= 20, "from {old}");
    }
    assert_eq!(
        verify_consistency(head(&honest), head(&forged), &[]),
        Err(ProofError::Root)
    );
    assert_eq!(
        verify_consistency(head(&honest), head(&honest[..9]), &[]),
        Err(ProofError::Shrunk)
    );
    let proof = TreeReader::new(grow(&honest).1, TreeSize(200))
        .consistency_proof(TreeSize(100))
        .unwrap();
    let longer = [proof.as_slice(), &[honest[0]]].concat();
    for bad in [&proof[1..], &proof[..proof.len() - 1], &longer, &[]] {
        assert!(verify_consistency(head(&honest[..100]), head(&honest), bad).is_err());
    }
}

#[test]
fn a_right_edge_is_put_together_again_only_from_its_own_tiles() {
    let leaves = leaves(700);
    let (edge, _) = grow(&leaves);
    let tiles: Vec<Vec<Hash>> = edge.partial_tiles().map(|t| t.hashes).collect();
    let again = RightEdge::from_tiles(TreeSize(700), tiles.clone()).unwrap();
    assert_eq!((again.size(), again.root()), (edge.size(), edge.root()));
    assert!(RightEdge::from_tiles(TreeSize(701), tiles.clone()).is_err());
    assert!(RightEdge::from_tiles(TreeSize(700), tiles[..1].to_vec()).is_err());
}

#[test]
fn tile_paths_are_the_specifications_and_no_others() {
    let path = |s: &str| TilePath::parse(s).map(|p| p.to_string());
    for good in [
        "tile/0/000",
        "tile/0/x001/x234/067",
        "tile/63/999.p/1",
        "tile/entries/x273/000.p/255",
        "tile/2/000.p/112",
    ] {
        assert_eq!(path(good).as_deref(), Some(good));
    }
    let x = TilePath::Hashes(Tile {
        level: 0,
        index: 1_234_067,
        width: TILE_WIDTH,
    });
    assert_eq!(x.to_string(), "tile/0/x001/x234/067");
    for bad in [
        "tile/0/0",
        "tile/0/1000",
        "tile/0/x000/001",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x001",
        "tile/0/001/x002",
        "tile/0/x001/../002",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000/",
        "tile/data/000",
        "/tile/0/000",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/-01",
        "tile/0/+01",
    ] {
        assert_eq!(path(bad), None, "{bad}");
    }
}

#[test]
fn the_independent_tlog_tiles_crate_computes_our_root_from_our_tiles() {
    use tlog_tiles::{HashReader, Tile as TheirTile, TileHashReader, TileReader, tree_hash};

    struct Theirs(Tiles);
    impl TileReader for Theirs {
        fn height(&self) -> u8 {
            8
        }
        fn read_tiles(&self, tiles: &[TheirTile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
            let read = |tile: &TheirTile| {
                let hashes = &self.0.0[&(tile.level(), tile.level_index())];
                hashes[..tile.width() as usize]
                    .iter()
                    .flat_map(|hash| hash.0)
                    .collect()
            };
            Ok(tiles.iter().map(read).collect())
        }
        fn save_tiles(&self, _: &[TheirTile], _: &[Vec<u8>]) {}
    }

    for size in [1usize, 255, 256, 257, 1_100, 66_000] {
        let leaves = leaves(size);
        let (edge, tiles) = grow(&leaves);
        let theirs = Theirs(tiles);
        let root = tlog_tiles::Hash(edge.root().0);
        let reader = TileHashReader::new(size as u64, root, &theirs);
        // The reader authenticates every tile against the root before it answers.
        assert_eq!(
            tree_hash(size as u64, &reader).unwrap().0,
            edge.root().0,
            "size {size}"
        );
        let last = reader
            .read_hashes(&[tlog_tiles::stored_hash_index(0, size as u64 - 1)])
            .unwrap();
        assert_eq!(last[0].0, leaves[size - 1].0);
    }
}

proptest! {
    #[test]
    fn any_leaf_of_any_tree_is_provable_and_no_other_leaf_is(
        size in 1usize..LARGEST, index in any::<prop::sample::Index>(), other in any::<[u8; 32]>(),
    ) {
        let leaves = leaves(size);
        let index = index.index(size);
        let (edge, tiles) = grow(&leaves);
        let mut reader = TreeReader::new(tiles, TreeSize(size as u64));
        let at = LeafIndex(index as u64);
        let proof = reader.inclusion_proof(at).unwrap();
        prop_assert_eq!(&proof, &path(index, &leaves));
        prop_assert_eq!(reader.root(TreeSize(size as u64)).unwrap(), edge.root());
        prop_assert_eq!(reader.leaf(at).unwrap(), leaves[index]);
        prop_assert!(verify_inclusion(leaves[index], at, edge.size(), &proof, edge.root()).is_ok());
        prop_assert!(
            verify_inclusion(Hash(other), at, edge.size(), &proof, edge.root()).is_err()
        );
    }

    #[test]
    fn any_two_sizes_are_consistent(new in 1usize..LARGEST, old in any::<prop::sample::Index>()) {
        let leaves = leaves(new);
        let old = old.index(new + 1);
        let mut reader = TreeReader::new(grow(&leaves).1, TreeSize(new as u64));
        let proof = reader.consistency_proof(TreeSize(old as u64)).unwrap();
        let head = |n: usize| TreeHead { size: TreeSize(n as u64), root: mth(&leaves[..n]) };
        prop_assert!(verify_consistency(head(old), head(new), &proof).is_ok());
    }

    #[test]
    fn every_index_has_one_path(index in any::<u64>(), width in 1u16..=256, level in 0u8..64) {
        let tile = Tile { level, index, width };
        for path in [TilePath::Hashes(tile), TilePath::Entries(Tile { level: 0, ..tile })] {
            prop_assert_eq!(TilePath::parse(&path.to_string()), Some(path));
        }
        prop_assert!(hashes_at_level(TreeSize(index), 63) == 0);
    }
}
