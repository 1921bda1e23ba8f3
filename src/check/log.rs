//! Checkpoints against the tree, and tiles against the entries.

use std::collections::HashSet;

use auditlog::TreeSize;
use auditlog::anchor::{AnchorChain, AnchorLine};
use auditlog::keys::{LogKey, LogKeys};
use auditlog::note::{SignedNote, Verifier};
use auditlog::tile::hashes_at_level;
use sqlx::PgConnection;

use super::statements::Edge;
use super::{CheckError, Report};
use crate::store::log_head::LogHead;
use crate::store::seal::seals_after;
use crate::store::tile::{tile_hashes, tiles_after};

/// Rows read at a time.
const ROWS: i64 = 1_000;

/// The sizes at which the log was sealed: at each of them a batch must end.
pub(super) async fn sealed_sizes(conn: &mut PgConnection) -> Result<HashSet<u64>, CheckError> {
    let mut sizes = HashSet::new();
    let mut number = 0;
    loop {
        let seals = seals_after(conn, number, ROWS).await?;
        let Some(last) = seals.last() else {
            return Ok(sizes);
        };
        number = last.number;
        sizes.extend(seals.iter().map(|seal| seal.tree_size.0));
    }
}

/// Every seal: its chain, its signature, and that its root is that of the entries.
pub(super) async fn check_seals(
    conn: &mut PgConnection,
    report: &mut Report,
    head: &LogHead,
    keys: &LogKeys,
    edge: &Edge,
) -> Result<(), CheckError> {
    let mut chain = AnchorChain::new();
    let mut number = 0;
    loop {
        let seals = seals_after(conn, number, ROWS).await?;
        let Some(last) = seals.last() else { break };
        number = last.number;
        for seal in seals {
            report.seals += 1;
            let name = format!("seal {}", seal.number);
            let line = match AnchorLine::parse(&seal.anchor_line) {
                Ok(line) => line,
                Err(error) => {
                    report.add(format!("{name}: {error}"));
                    continue;
                }
            };
            if line.seal as i64 != seal.number || line.head.size != seal.tree_size {
                report.add(format!("{name}: its columns are not what its line says"));
            }
            if let Err(error) = keys.open_line(&line) {
                report.add(format!("{name}: {error}"));
            } else if let Some(key) = unsigned_by(keys, &line) {
                report.add(format!("{name}: it is not signed with {key} as well"));
            }
            if edge.roots.get(&line.head.size.0) != Some(&line.head.root) {
                report.add(format!("{name}: its root is not that of the entries"));
            }
            if let Err(error) = chain.push(line) {
                report.add(format!("{name}: {error}"));
            }
        }
    }
    check_head(report, head, &chain, edge);
    Ok(())
}

/// The key that should have signed and did not. At the very size of a rotation there may be seals from
/// before it, with one signature; every larger tree is signed by all keys that count there.
fn unsigned_by(keys: &LogKeys, line: &AnchorLine) -> Option<String> {
    let note = SignedNote::parse(&line.checkpoint).ok()?;
    let size = line.head.size;
    let begins_here = |key: &LogKey| key.from == size;
    if keys.all()[1..].iter().any(begins_here) {
        return None;
    }
    let unsigned = |key: &&Verifier| note.verify(key).is_err();
    keys.signing_at(size).find(unsigned).map(Verifier::format)
}

fn check_head(report: &mut Report, head: &LogHead, chain: &AnchorChain, edge: &Edge) {
    let last = chain.last();
    let agrees = match last {
        None => head.seal == 0 && head.tree.size.0 == 0 && head.sealed_at.is_none(),
        Some(line) => {
            head.seal == line.seal as i64
                && head.tree == line.head
                && head.anchor_sha256 == line.hash()
                && head.sealed_at == Some(crate::domain::time::instant(line.sealed_at))
        }
    };
    if !agrees {
        report.add("log_head: it does not stand at the last seal");
    }
    if head.tree.size != edge.last.size() || head.tree.root != edge.last.root() {
        report.add("log_head: its size and root are not those of the entries");
    }
    let story = auditlog::note::Verifier::parse(&head.story_vkey);
    let named =
        story.is_ok_and(|key| key.name() == auditlog::story::StoryNote::key_name(&head.origin));
    let own =
        auditlog::note::Verifier::parse(&head.vkey).is_ok_and(|key| key.name() == head.origin);
    if !named || !own {
        report.add("log_head: its keys do not bear its origin");
    }
}

/// Every stored tile: it must belong to the tree, be as wide as the tree has it, and above level 0
/// hold the roots of the tiles below it. Full tiles of level 0 were compared with the entries.
pub(super) async fn check_tiles(
    conn: &mut PgConnection,
    report: &mut Report,
    size: TreeSize,
) -> Result<(), CheckError> {
    let mut after = (-1i16, -1i64);
    let mut found = 0u64;
    loop {
        let tiles = tiles_after(conn, after, ROWS).await?;
        let Some((level, index, _)) = tiles.last() else {
            break;
        };
        after = (*level, *index);
        for (level, index, bytes) in tiles {
            found += 1;
            let whole = hashes_at_level(size, level as u8);
            let width = whole
                .saturating_sub((index as u64).saturating_mul(256))
                .min(256);
            if bytes.len() as u64 != width * 32 {
                report.add(format!(
                    "tile level {level} index {index}: has {} hashes, the tree has {width} there",
                    bytes.len() / 32
                ));
            }
        }
    }
    let expected: u64 = (0..8)
        .map(|level| hashes_at_level(size, level).div_ceil(256))
        .sum();
    if found != expected {
        report.add(format!(
            "tile: there are {found} tiles, the tree has {expected}"
        ));
    }
    Ok(())
}

/// The partial tiles of the right edge against the entries.
pub(super) async fn check_edge(
    conn: &mut PgConnection,
    report: &mut Report,
    edge: &Edge,
) -> Result<(), CheckError> {
    for content in edge.last.partial_tiles() {
        if tile_hashes(conn, content.tile).await?.as_ref() != Some(&content.hashes) {
            report.add(format!(
                "tile level {} index {}: its hashes are not those of the entries",
                content.tile.level, content.tile.index
            ));
        }
    }
    Ok(())
}
