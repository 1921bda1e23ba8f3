//! Tiles and entry bundles of a public tree, each read once and compared.

use std::sync::Arc;

use auditlog::tile::{RightEdge, TILE_WIDTH, Tile, TilePath, entries_from_bundle, hashes_to_bytes};
use auditlog::{Entry, Hash, TreeSize};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::{AuditError, Finding, LogSource};

/// Requests under way at once.
const AT_ONCE: usize = 16;
/// Entries have 88 bytes, each after two of its length.
const MAX_BUNDLE_BYTES: usize = 256 * 90;
const MAX_TILE_BYTES: usize = 256 * 32;

/// The leaves of a tree, read in order, with everything above them.
pub(super) struct Tiles<S> {
    source: Arc<S>,
    leaves: BoxStream<'static, Result<Leaves, AuditError>>,
    /// What was read of the current bundle and not appended yet.
    current: std::vec::IntoIter<Hash>,
}

/// The leaf hashes of one bundle, from the first that is wanted.
struct Leaves(Vec<Hash>);

impl<S: LogSource> Tiles<S> {
    /// The leaves `from` up to the end of the tree of `size`.
    pub fn open(source: Arc<S>, from: TreeSize, size: TreeSize) -> Tiles<S> {
        let width = u64::from(TILE_WIDTH);
        let reading = Arc::clone(&source);
        let bundles = (from.0 / width)..size.0.div_ceil(width);
        // Fetched ahead, so that a server far away costs its latency once and not for every tile.
        let leaves = stream::iter(bundles)
            .map(move |index| {
                let first = index * width;
                let tile = Tile {
                    level: 0,
                    index,
                    width: (size.0 - first).min(width) as u16,
                };
                leaves(
                    Arc::clone(&reading),
                    tile,
                    from.0.saturating_sub(first) as usize,
                )
            })
            .buffered(AT_ONCE)
            .boxed();
        Tiles {
            source,
            leaves,
            current: Vec::new().into_iter(),
        }
    }

    /// Appends the next leaves until the tree has `size`, and compares each tile that becomes full.
    pub async fn append(&mut self, edge: &mut RightEdge, size: TreeSize) -> Result<(), AuditError> {
        let mut full = Vec::new();
        while edge.size() < size {
            let Some(leaf) = self.current.next() else {
                let Some(leaves) = self.leaves.next().await else {
                    let have = edge.size();
                    let fault = format!("entry {have}: is in no bundle of the last tree");
                    return Err(Finding(fault).into());
                };
                self.current = leaves?.0.into_iter();
                continue;
            };
            edge.append(leaf, |tile| full.push(tile));
            for content in full.drain(..) {
                // Level 0 was compared with the entries as it was read.
                if content.tile.level > 0 {
                    compare(&*self.source, content.tile, &content.hashes).await?;
                }
            }
        }
        Ok(())
    }

    /// Compares the partial tiles above level 0 of the last tree.
    pub async fn right_edge(&self, edge: &RightEdge) -> Result<(), AuditError> {
        for content in edge
            .partial_tiles()
            .filter(|content| content.tile.level > 0)
        {
            compare(&*self.source, content.tile, &content.hashes).await?;
        }
        Ok(())
    }
}

/// The leaf hashes of a bundle, recomputed from its entries and equal to the tile's.
async fn leaves<S: LogSource>(
    source: Arc<S>,
    tile: Tile,
    skip: usize,
) -> Result<Leaves, AuditError> {
    let entries = entries(&*source, tile).await?;
    let leaves: Vec<Hash> = entries.iter().map(Entry::leaf_hash).collect();
    let path = TilePath::Hashes(tile);
    let bytes = read(&*source, path, 32, MAX_TILE_BYTES).await?;
    let public = bytes.as_chunks::<32>().0;
    if let Some(offset) = leaves.iter().zip(public).position(|(a, b)| a.0 != *b) {
        let index = tile.index * u64::from(TILE_WIDTH) + offset as u64;
        let bundle = TilePath::Entries(tile);
        return Err(Finding(format!(
            "entry {index}: {bundle} has another entry than the leaf in {path}"
        ))
        .into());
    }
    Ok(Leaves(leaves.into_iter().skip(skip).collect()))
}

async fn entries(source: &impl LogSource, tile: Tile) -> Result<Vec<Entry>, AuditError> {
    let path = TilePath::Entries(tile);
    let bytes = read(source, path, 90, MAX_BUNDLE_BYTES).await?;
    let entries = entries_from_bundle(&bytes).unwrap_or_default();
    if entries.len() == usize::from(tile.width) {
        Ok(entries)
    } else {
        Err(Finding(format!("{path}: is not a bundle of {} entries", tile.width)).into())
    }
}

async fn compare(source: &impl LogSource, tile: Tile, hashes: &[Hash]) -> Result<(), AuditError> {
    let path = TilePath::Hashes(tile);
    let public = read(source, path, 32, MAX_TILE_BYTES).await?;
    if public == hashes_to_bytes(hashes) {
        return Ok(());
    }
    Err(Finding(format!(
        "{path}: its hashes are not those of the tiles below it"
    ))
    .into())
}

/// A tile's or bundle's bytes, as wide as it is asked for, `unit` bytes for each place.
async fn read(
    source: &impl LogSource,
    path: TilePath,
    unit: usize,
    limit: usize,
) -> Result<Vec<u8>, AuditError> {
    let wanted = usize::from(path.tile().width) * unit;
    if let Some(bytes) = source.read(path.to_string(), limit).await? {
        if bytes.len() != wanted {
            let fault = format!("has {} bytes, not {wanted}", bytes.len());
            return Err(Finding(format!("{path}: {fault}")).into());
        }
        return Ok(bytes);
    }
    // C2SP tlog-tiles: a partial tile may be gone once the full one is there.
    let full = path.full();
    let bytes = source.read(full.to_string(), limit).await?;
    let mut bytes = bytes.ok_or_else(|| Finding(format!("{path}: is missing")))?;
    let whole = usize::from(TILE_WIDTH) * unit;
    if bytes.len() != whole {
        let fault = format!("has {} bytes, not {whole}", bytes.len());
        return Err(Finding(format!("{full}: {fault}")).into());
    }
    bytes.truncate(wanted);
    Ok(bytes)
}
