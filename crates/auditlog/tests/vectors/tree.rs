//! Vectors of the tree: roots, proofs and tiles.

use std::collections::HashMap;

use auditlog::Entry;
use auditlog::encoding::to_base64;
use auditlog::hash::{Hash, LeafIndex, TreeSize, leaf_hash, root_in_place};
use auditlog::proof::{TileSource, TreeHead, TreeReader, verify_consistency, verify_inclusion};
use auditlog::tile::{RightEdge, Tile, TilePath, partial_tiles};

use crate::support::time;
use crate::writer::{Json, object};

const SIZES: [usize; 25] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 31, 32, 33, 63, 255, 256, 257, 600,
];
const INCLUSION: [(u64, usize); 11] = [
    (0, 1),
    (0, 2),
    (1, 2),
    (2, 3),
    (4, 5),
    (5, 7),
    (6, 7),
    (255, 256),
    (256, 257),
    (255, 257),
    (511, 600),
];
const CONSISTENCY: [(usize, usize); 13] = [
    (0, 0),
    (0, 5),
    (1, 1),
    (1, 2),
    (1, 7),
    (2, 7),
    (3, 7),
    (4, 7),
    (6, 7),
    (7, 8),
    (6, 8),
    (256, 600),
    (257, 600),
];

pub fn file() -> String {
    let head = |size| root(&leaves(size));
    let roots = SIZES.iter().map(|size| {
        object([
            ("size", (*size as u64).into()),
            ("root", head(*size).to_base64().into()),
        ])
    });
    crate::writer::file(
        "README §7: the tree of `size` leaves, where leaf i is the leaf hash of the ASCII text \
         `entry <i>`, for i from 0 to size-1. `error` is null where the proof holds.",
        [
            ("roots", roots.collect::<Vec<_>>().into()),
            ("inclusion", inclusion().into()),
            ("consistency", consistency().into()),
            ("right_edges", right_edges().into()),
            ("tile_paths", tile_paths().into()),
            ("not_tile_paths", NOT_TILE_PATHS.to_vec().into()),
            ("entry_bundle", entry_bundle()),
        ],
    )
}

/// The head of the tree of the first `size` leaves.
pub fn head_of(size: usize) -> TreeHead {
    TreeHead {
        size: TreeSize(size as u64),
        root: root(&leaves(size)),
    }
}

pub fn inclusion_path(index: usize, size: usize) -> Vec<Hash> {
    let index = LeafIndex(index as u64);
    reader(&leaves(size)).inclusion_proof(index).unwrap()
}

pub fn consistency_path(old: usize, new: usize) -> Vec<Hash> {
    let old = TreeSize(old as u64);
    reader(&leaves(new)).consistency_proof(old).unwrap()
}

fn leaves(size: usize) -> Vec<Hash> {
    (0..size)
        .map(|i| leaf_hash(format!("entry {i}").as_bytes()))
        .collect()
}

fn root(leaves: &[Hash]) -> Hash {
    root_in_place(&mut leaves.to_vec())
}

/// A question about one leaf, as a verifier puts it.
#[derive(Clone)]
struct Inclusion {
    leaf: Hash,
    index: u64,
    size: u64,
    path: Vec<Hash>,
    root: Hash,
}

impl Inclusion {
    fn of(index: u64, size: usize) -> Inclusion {
        let leaves = leaves(size);
        let at = LeafIndex(index);
        Inclusion {
            leaf: leaves[index as usize],
            index,
            size: size as u64,
            path: reader(&leaves).inclusion_proof(at).unwrap(),
            root: root(&leaves),
        }
    }

    fn case(&self, name: &str) -> Json {
        let (index, size) = (LeafIndex(self.index), TreeSize(self.size));
        let answer = verify_inclusion(self.leaf, index, size, &self.path, self.root);
        object([
            ("name", name.into()),
            ("leaf", self.leaf.to_base64().into()),
            ("index", self.index.into()),
            ("size", self.size.into()),
            ("path", base64(&self.path)),
            ("root", self.root.to_base64().into()),
            ("error", answer.err().map(|error| error.to_string()).into()),
        ])
    }
}

/// A change of a question, with a hash to change it by.
type Tamper = fn(&mut Inclusion, Hash);

fn inclusion() -> Vec<Json> {
    let mut cases: Vec<Json> = INCLUSION
        .iter()
        .map(|(index, size)| Inclusion::of(*index, *size).case("valid"))
        .collect();
    let other = leaf_hash(b"another");
    let changes: [(&str, Tamper); 9] = [
        ("another leaf", |case, other| case.leaf = other),
        ("another root", |case, other| case.root = other),
        ("its neighbour's index", |case, _| case.index += 1),
        ("an index beyond the tree", |case, _| case.index = case.size),
        ("an empty tree", |case, _| case.size = 0),
        ("a hash too many", |case, other| case.path.push(other)),
        ("a hash too few", |case, _| {
            case.path.pop();
        }),
        ("hashes in another order", |case, _| case.path.swap(0, 1)),
        ("a size of another shape", |case, _| case.size = 9),
    ];
    for (name, change) in changes {
        let mut case = Inclusion::of(4, 7);
        change(&mut case, other);
        cases.push(case.case(name));
    }
    // A path fits every size of one shape: the size must come from the signed checkpoint.
    let mut case = Inclusion::of(0, 3);
    case.size = 4;
    cases.push(case.case("another size of the same shape: valid, and so no proof of the size"));
    cases
}

fn consistency_case(name: &str, old: TreeHead, new: TreeHead, path: &[Hash]) -> Json {
    let answer = verify_consistency(old, new, path);
    object([
        ("name", name.into()),
        ("old_size", old.size.0.into()),
        ("old_root", old.root.to_base64().into()),
        ("new_size", new.size.0.into()),
        ("new_root", new.root.to_base64().into()),
        ("path", base64(path)),
        ("error", answer.err().map(|error| error.to_string()).into()),
    ])
}

fn consistency() -> Vec<Json> {
    let (head, proof) = (head_of, consistency_path);
    let mut cases: Vec<Json> = CONSISTENCY
        .iter()
        .map(|(old, new)| consistency_case("valid", head(*old), head(*new), &proof(*old, *new)))
        .collect();
    let (old, new, path) = (head(3), head(7), proof(3, 7));
    let mut forged = leaves(3);
    forged[1] = leaf_hash(b"another");
    let rewritten = TreeHead {
        size: TreeSize(3),
        root: root(&forged),
    };
    let longer = [path.as_slice(), &[path[0]]].concat();
    let shorter = &path[..path.len() - 1];
    let not_empty = TreeHead {
        size: TreeSize(0),
        root: new.root,
    };
    cases.extend([
        consistency_case("a history rewritten", rewritten, new, &path),
        consistency_case("a hash too many", old, new, &longer),
        consistency_case("a hash too few", old, new, shorter),
        consistency_case("no hash at all", old, new, &[]),
        consistency_case("no hash at all, from a power of two", head(4), new, &[]),
        consistency_case("the new tree is smaller", new, old, &path),
        consistency_case("one size, two roots", rewritten, old, &[]),
        consistency_case("one size, and a hash", old, old, &path[..1]),
        consistency_case("an empty tree with a root", not_empty, new, &[]),
        consistency_case("from an empty tree, with a hash", head(0), new, &path[..1]),
    ]);
    cases
}

fn right_edges() -> Vec<Json> {
    let paths = |size: u64| -> Vec<String> {
        partial_tiles(TreeSize(size))
            .map(|tile| TilePath::Hashes(tile).to_string())
            .collect()
    };
    [0, 1, 255, 256, 257, 65_536, 70_000, 16_777_217]
        .map(|size| object([("size", size.into()), ("partial_tiles", paths(size).into())]))
        .into()
}

fn tile_paths() -> Vec<Json> {
    let case = |path: TilePath| {
        let tile = path.tile();
        let is_entries = matches!(path, TilePath::Entries(_));
        object([
            ("path", path.to_string().into()),
            ("entries", is_entries.into()),
            ("level", u64::from(tile.level).into()),
            ("index", tile.index.into()),
            ("width", u64::from(tile.width).into()),
        ])
    };
    let tile = |level, index, width| Tile {
        level,
        index,
        width,
    };
    vec![
        case(TilePath::Hashes(tile(0, 0, 256))),
        case(TilePath::Hashes(tile(0, 1_234_067, 256))),
        case(TilePath::Hashes(tile(63, 999, 1))),
        case(TilePath::Entries(tile(0, 273_000, 255))),
    ]
}

const NOT_TILE_PATHS: [&str; 14] = [
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
];

fn entry_bundle() -> Json {
    let entries = [1, 2].map(|i| Entry {
        recorded: time(&format!("0{i}.000")),
        digest: Hash([i; 32]),
    });
    let bytes = auditlog::tile::entry_bundle(&entries);
    let texts: Vec<String> = entries.iter().map(Entry::format).collect();
    object([
        ("entries", texts.into()),
        ("base64", to_base64(&bytes).into()),
    ])
}

fn base64(hashes: &[Hash]) -> Json {
    let texts: Vec<String> = hashes.iter().map(|hash| hash.to_base64()).collect();
    texts.into()
}

struct Tiles(HashMap<(u8, u64), Vec<Hash>>);

impl TileSource for Tiles {
    type Error = std::convert::Infallible;

    fn hashes(&mut self, tile: Tile) -> Result<Vec<Hash>, Self::Error> {
        Ok(self.0[&(tile.level, tile.index)].clone())
    }
}

fn reader(leaves: &[Hash]) -> TreeReader<Tiles> {
    let (mut edge, mut tiles) = (RightEdge::empty(), HashMap::new());
    for leaf in leaves {
        edge.append(*leaf, |full| {
            tiles.insert((full.tile.level, full.tile.index), full.hashes);
        });
    }
    for partial in edge.partial_tiles() {
        tiles.insert((partial.tile.level, partial.tile.index), partial.hashes);
    }
    TreeReader::new(Tiles(tiles), edge.size())
}
