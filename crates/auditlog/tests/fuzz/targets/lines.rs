//! Tiles, their paths, and entries.

use auditlog::Entry;
use auditlog::hash::{TreeSize, root_in_place};
use auditlog::tile::{
    RightEdge, TILE_WIDTH, TilePath, entries_from_bundle, entry_bundle as bundle_of,
    hashes_from_bytes, hashes_to_bytes, tile_root,
};

use super::{Answer, text};

/// A tile's path: one spelling, and nothing that could lead elsewhere in a folder.
pub fn tile_path(data: &[u8]) -> Answer {
    let Some((text, path)) = text(data).and_then(|text| Some((text, TilePath::parse(text)?)))
    else {
        return Answer::Refused;
    };
    assert_eq!(path.to_string(), text, "a tile has one path");
    let tile = path.tile();
    assert!(tile.level <= 63 && (1..=TILE_WIDTH).contains(&tile.width));
    for step in text.split('/') {
        assert!(!step.is_empty() && !step.starts_with('.'), "{text}");
        assert!(
            step.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        );
    }
    let full = path.full();
    assert_eq!(full.tile().width, TILE_WIDTH);
    assert_eq!(TilePath::parse(&full.to_string()), Some(full));
    Answer::Accepted
}

/// The bytes of a tile: one root, by either way of computing it.
pub fn tile(data: &[u8]) -> Answer {
    let Some(hashes) = hashes_from_bytes(data) else {
        assert_ne!(data.len() % 32, 0);
        return Answer::Refused;
    };
    assert_eq!(hashes_to_bytes(&hashes), data);
    if hashes.len() > usize::from(TILE_WIDTH) {
        return Answer::Accepted;
    }
    let root = root_in_place(&mut hashes.clone());
    assert_eq!(tile_root(&hashes), root);
    let mut edge = RightEdge::empty();
    for hash in &hashes {
        edge.append(*hash, |_| ());
    }
    assert_eq!(edge.root(), root);
    if (1..256).contains(&hashes.len()) {
        let size = TreeSize(hashes.len() as u64);
        let again = RightEdge::from_tiles(size, [hashes.clone()]).unwrap();
        assert_eq!(again, edge);
        let more = TreeSize(size.0 + 1);
        assert!(RightEdge::from_tiles(more, [hashes]).is_err());
    }
    Answer::Accepted
}

/// An entry: 88 bytes of one spelling.
pub fn entry(data: &[u8]) -> Answer {
    let Some((text, entry)) = text(data).and_then(|text| Some((text, Entry::parse(text)?))) else {
        return Answer::Refused;
    };
    assert_eq!(entry.format(), text, "an entry has one spelling");
    assert_eq!(data.len(), 88);
    Answer::Accepted
}

/// An entry bundle: whole entries and nothing else.
pub fn entry_bundle(data: &[u8]) -> Answer {
    let Some(entries) = entries_from_bundle(data) else {
        return Answer::Refused;
    };
    assert_eq!(bundle_of(&entries), data, "entries have one bundle");
    assert_eq!(data.len(), entries.len() * 90);
    Answer::Accepted
}
