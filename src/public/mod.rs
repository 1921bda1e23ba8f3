//! The public folder of a log: durable files, the anchor file with its segments, tiles and entry
//! bundles read back. Knows no database, and says what is there, not what should be.

mod anchors;
mod checkpoint;
mod disk;
mod files;
mod space;
mod tiles;

use std::path::{Path, PathBuf};

use auditlog::anchor::AnchorError;
use thiserror::Error;

pub use anchors::{
    AnchorLines, SEGMENT_LINES, append, finish_segment_move, last, segment_path, segments,
    truncate_torn_line,
};
pub use checkpoint::{Published, newest_signer, publish_checkpoint, published};
pub use files::{
    FolderLock, PublicFile, lock, partial_tile_names, remove_outgrown, try_lock, write,
    write_if_changed, write_new_secret,
};
pub use space::{check_writable, free_bytes};
pub use tiles::{TileError, TileFiles};

/// The file of the last signed checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// The file of the anchor lines that are in no segment yet.
pub const ANCHORS: &str = "anchors.jsonl";
/// The file of the log's key.
pub const VKEY: &str = "vkey";
/// The file of the key of its story notes.
pub const STORY_VKEY: &str = "story-vkey";
/// The file of the history of its keys.
pub const KEYS: &str = "keys.jsonl";

/// Why a public file cannot be used.
#[derive(Debug, Error)]
pub enum PublicError {
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The anchor file has a line that is not one.
    #[error("the anchor file: {0}")]
    Anchor(#[from] AnchorError),
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> PublicError + use<> {
    let path = path.to_owned();
    move |source| PublicError::File {
        path: path.clone(),
        source,
    }
}
