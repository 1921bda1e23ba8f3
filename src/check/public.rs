//! The public files against the database.

use std::fs;
use std::path::Path;

use auditlog::anchor::AnchorLine;
use auditlog::keys::{KeyHistory, LogKeys};
use auditlog::note::SignedNote;
use auditlog::policy::Policy;
use auditlog::tile::{TILE_WIDTH, Tile, TilePath, hashes_at_level, hashes_to_bytes};
use auditlog::{LeafIndex, TreeSize};
use sqlx::PgConnection;

use super::{CheckError, CheckOrder, Report};
use crate::public::{self, AnchorLines};
use crate::store::log_head::LogHead;
use crate::store::seal::{seals_after, seals_before};
use crate::store::statement::entries_between;
use crate::store::tile::tile_hashes;

/// Rows read at a time.
const ROWS: i64 = 1_000;
/// Seals that a running service may make between our reading of two files.
const RECENT_SEALS: i64 = 100;

/// The anchor file, all segments together, and the small files beside it.
pub(super) struct PublicAnchors {
    lines: Vec<String>,
    checkpoint: Option<String>,
    vkey: Option<String>,
    story_vkey: Option<String>,
    keys: Option<String>,
    /// Whether a line without its newline stands at the end: it is being written, or was cut off.
    is_torn: bool,
}

/// Reads the anchor file and its segments.
pub(super) fn read(folder: &Path) -> Result<PublicAnchors, CheckError> {
    let small = |name: &str| fs::read_to_string(folder.join(name)).ok();
    // Before the lines: a checkpoint is published after its line, never before.
    let checkpoint = small("checkpoint");
    let mut anchors = AnchorLines::open(folder, 0)?;
    // Bytes that are no text any more make another line, and that is found.
    let text = |line: Vec<u8>| String::from_utf8_lossy(&line).into_owned();
    let lines = anchors
        .by_ref()
        .map(|line| line.map(text))
        .collect::<Result<_, _>>()?;
    Ok(PublicAnchors {
        lines,
        checkpoint,
        vkey: small("vkey"),
        story_vkey: small("story-vkey"),
        keys: small("keys.jsonl"),
        is_torn: anchors.is_torn(),
    })
}

/// The public files must be what was sealed, up to the last public seal.
pub(super) async fn check(
    conn: &mut PgConnection,
    report: &mut Report,
    order: CheckOrder<'_>,
    anchors: &PublicAnchors,
    head: &LogHead,
) -> Result<(), CheckError> {
    report.public_seals = anchors.lines.len() as u64;
    if anchors.lines.is_empty() {
        // Where nothing at all is public, start-up publishes it; the report says how many seals are.
        if anchors.checkpoint.is_some() && !anchors.is_torn {
            report.add("anchors.jsonl: a checkpoint is public and no seal is");
        }
        return Ok(());
    }
    check_keys(report, anchors, head);
    check_checkpoint(conn, report, anchors, order.witnesses).await?;
    check_anchor_lines(conn, report, anchors, head).await?;
    let last = anchors
        .lines
        .last()
        .and_then(|line| AnchorLine::parse(line).ok());
    let Some(last) = last else { return Ok(()) };
    if last.head.size > head.tree.size {
        return Ok(());
    }
    check_files(conn, report, order.folder, last.head.size, head.tree.size).await
}

fn check_keys(report: &mut Report, anchors: &PublicAnchors, head: &LogHead) {
    let published = published_keys(anchors, head);
    if published.is_none() {
        report.add("keys.jsonl: the public file is not the history of the log's keys");
    }
    let vkey = published.map_or(head.vkey.clone(), |keys| keys.newest().verifier.format());
    let keys = [
        ("vkey", &anchors.vkey, &vkey),
        ("story-vkey", &anchors.story_vkey, &head.story_vkey),
    ];
    for (name, public, expected) in keys {
        if public.as_deref().and_then(|text| text.strip_suffix('\n')) != Some(expected.as_str()) {
            report.add(format!("{name}: the public file is not the log's key"));
        }
    }
}

/// The checkpoint is one that was anchored, with what witnesses added to it. Where none is asked it is
/// one of the last; where a quorum is awaited it may be older.
async fn check_checkpoint(
    conn: &mut PgConnection,
    report: &mut Report,
    anchors: &PublicAnchors,
    witnesses: Option<&Policy>,
) -> Result<(), CheckError> {
    let Some(checkpoint) = &anchors.checkpoint else {
        if witnesses.is_none() {
            report.add("checkpoint: the public file is missing");
        }
        return Ok(());
    };
    let Ok(note) = SignedNote::parse(checkpoint) else {
        report.add("checkpoint: the public file is not a signed note");
        return Ok(());
    };
    // A line that is torn may be the newest seal's, whose checkpoint is public already.
    let public = anchors.lines.len() as i64;
    let from = match witnesses {
        None => (public - RECENT_SEALS).max(0),
        Some(_) => 0,
    };
    let until = public + i64::from(anchors.is_torn);
    let Some(own) = anchored_note(conn, &note, from, until).await? else {
        report.add("checkpoint: the public file is none of the last seals");
        return Ok(());
    };
    let added = note.signatures().strip_prefix(own.signatures());
    let Some(added) = added else {
        report.add("checkpoint: the log's signatures are not those that were anchored");
        return Ok(());
    };
    for line in added {
        let is_by_witness = |policy: &Policy| {
            let mut known = policy.witnesses.iter().map(|witness| &witness.key);
            let key = known.find(|key| *key.key_name() == line.key);
            key.is_some_and(|key| key.check(note.unverified_text(), line).is_ok())
        };
        // Lines by others mean nothing, and nobody here puts any there.
        if !witnesses.is_some_and(is_by_witness) {
            let name = &line.key.name;
            report.add(format!(
                "checkpoint: its line by {name} is not a cosignature by a witness that is asked"
            ));
        }
    }
    Ok(())
}

/// The note that was sealed with this text, looking back from the newest.
async fn anchored_note(
    conn: &mut PgConnection,
    note: &SignedNote,
    from: i64,
    until: i64,
) -> Result<Option<SignedNote>, CheckError> {
    let mut before = until + 1;
    while before > from + 1 {
        let seals = seals_before(conn, before, ROWS.min(before - 1 - from)).await?;
        let Some(first) = seals.last() else { break };
        before = first.number;
        for seal in &seals {
            let line = AnchorLine::parse(&seal.anchor_line);
            let own = line
                .ok()
                .and_then(|line| SignedNote::parse(&line.checkpoint).ok());
            if let Some(own) = own.filter(|own| own.unverified_text() == note.unverified_text()) {
                return Ok(Some(own));
            }
        }
    }
    Ok(None)
}

/// The public history, if it is the database's. A rotation may be committed and not public yet, so long
/// as no public seal needs it.
fn published_keys(anchors: &PublicAnchors, head: &LogHead) -> Option<LogKeys> {
    let (public, known) = (anchors.keys.as_ref()?, head.key_history().ok()?);
    let keys = KeyHistory::parse(public).ok()?.log;
    if *public == known {
        return Some(keys);
    }
    let last = AnchorLine::parse(anchors.lines.last()?).ok()?;
    (known.starts_with(public.as_str()) && keys.open_line(&last).is_ok()).then_some(keys)
}

async fn check_anchor_lines(
    conn: &mut PgConnection,
    report: &mut Report,
    anchors: &PublicAnchors,
    head: &LogHead,
) -> Result<(), CheckError> {
    if anchors.lines.len() as i64 > head.seal {
        report.add(format!(
            "anchors.jsonl: has {} seals, the database {}: the database is an old copy",
            anchors.lines.len(),
            head.seal
        ));
    }
    let mut public = anchors.lines.iter();
    let mut number = 0;
    loop {
        let seals = seals_after(conn, number, ROWS).await?;
        let Some(last) = seals.last() else {
            return Ok(());
        };
        number = last.number;
        for seal in &seals {
            let Some(line) = public.next() else {
                return Ok(());
            };
            if *line != seal.anchor_line {
                report.add(format!(
                    "anchors.jsonl: line of seal {} is another",
                    seal.number
                ));
            }
        }
    }
}

/// Every tile and entry bundle of the public tree, byte for byte.
async fn check_files(
    conn: &mut PgConnection,
    report: &mut Report,
    folder: &Path,
    size: TreeSize,
    sealed: TreeSize,
) -> Result<(), CheckError> {
    for level in 0..8 {
        let hashes = hashes_at_level(size, level);
        for index in 0..hashes.div_ceil(256) {
            let width = (hashes - index * 256).min(u64::from(TILE_WIDTH)) as u16;
            let tile = Tile {
                level,
                index,
                width,
            };
            let stored = tile_hashes(conn, tile)
                .await?
                .map(|hashes| hashes_to_bytes(&hashes));
            compare(report, folder, TilePath::Hashes(tile), stored.as_deref());
            if level == 0 {
                let bundle = entry_bundle(conn, tile).await?;
                compare(report, folder, TilePath::Entries(tile), Some(&bundle));
            }
        }
        if report.is_full() {
            return Ok(());
        }
    }
    check_partial_tiles(conn, report, folder, sealed).await
}

/// Partial tiles of earlier trees, which stay for as long as a client may ask for them. What goes beyond
/// the tree that is `sealed` at the moment of this check was published since by a running service.
async fn check_partial_tiles(
    conn: &mut PgConnection,
    report: &mut Report,
    folder: &Path,
    sealed: TreeSize,
) -> Result<(), CheckError> {
    for name in public::partial_tile_names(folder)? {
        let Some(path) = TilePath::parse(&name) else {
            report.add(format!("{name}: is no file of the log"));
            continue;
        };
        let Tile {
            level,
            index,
            width,
        } = path.tile();
        let end = index.saturating_mul(256).saturating_add(width.into());
        if end > hashes_at_level(sealed, level) {
            continue;
        }
        let expected = match path {
            TilePath::Hashes(tile) => {
                let stored = tile_hashes(conn, tile).await?;
                stored.map(|hashes| hashes_to_bytes(&hashes))
            }
            TilePath::Entries(tile) => Some(entry_bundle(conn, tile).await?),
        };
        compare(report, folder, path, expected.as_deref());
    }
    Ok(())
}

fn compare(report: &mut Report, folder: &Path, path: TilePath, expected: Option<&[u8]>) {
    let name = path.to_string();
    let public = fs::read(folder.join(&name)).ok();
    // A partial tile may be gone once the full one is there.
    let public = public.or_else(|| {
        let mut full = fs::read(folder.join(path.full().to_string())).ok()?;
        full.truncate(expected?.len());
        Some(full)
    });
    if public.is_none() || public.as_deref() != expected {
        report.add(format!("{name}: the public file is not what was sealed"));
    }
}

async fn entry_bundle(conn: &mut PgConnection, tile: Tile) -> Result<Vec<u8>, CheckError> {
    let first = tile.index * 256;
    let (from, to) = (LeafIndex(first), LeafIndex(first + u64::from(tile.width)));
    let entries = entries_between(conn, from, to).await?;
    Ok(auditlog::tile::entry_bundle(&entries))
}
