//! What an auditor remembers: the last line that was verified, and the right edge of its tree.
//!
//! ```text
//! rootmark-audit/v1
//! <the log's key, by which it was verified>
//! <the anchor line of the last seal, exactly>
//! <level 0 of the right edge: base64 of its hashes, one after the other; empty for none>
//! <level 1>…
//! ```
//!
//! The edge must have the root that the line states, so that a damaged file is no state.

use auditlog::anchor::AnchorLine;
use auditlog::encoding::{from_base64, to_base64};
use auditlog::note::Verifier;
use auditlog::proof::TreeHead;
use auditlog::tile::{RightEdge, hashes_at_level, hashes_from_bytes, hashes_to_bytes};
use thiserror::Error;

const HEADER: &str = "rootmark-audit/v1";
/// A line of the anchor file and eight levels of hashes.
pub const MAX_BYTES: usize = 256 * 1024;

/// What was verified.
#[derive(Debug, Clone)]
pub struct State {
    /// The key that it was verified by.
    pub key: Verifier,
    /// The last seal.
    pub line: AnchorLine,
    /// The tree that it sealed.
    pub edge: RightEdge,
}

/// A file that is no state.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not the state of an audit: {0}")]
pub struct StateError(&'static str);

impl State {
    /// What was verified, and where.
    pub fn head(&self) -> TreeHead {
        self.line.head
    }

    /// The file.
    pub fn format(&self) -> String {
        let mut out = format!("{HEADER}\n{}\n{}\n", self.key.format(), self.line.format());
        let size = self.edge.size();
        let mut partial = self.edge.partial_tiles().peekable();
        for level in 0..8 {
            if hashes_at_level(size, level) == 0 {
                break;
            }
            if let Some(tile) = partial.next_if(|content| content.tile.level == level) {
                out.push_str(&to_base64(&hashes_to_bytes(&tile.hashes)));
            }
            out.push('\n');
        }
        out
    }

    /// Reads exactly what [`State::format`] writes.
    pub fn parse(text: &str) -> Result<State, StateError> {
        if text.len() > MAX_BYTES {
            return Err(StateError("too long"));
        }
        let mut lines = text
            .strip_suffix('\n')
            .ok_or(StateError("cut off"))?
            .split('\n');
        if lines.next() != Some(HEADER) {
            return Err(StateError("another first line"));
        }
        let key = lines.next().and_then(|line| Verifier::parse(line).ok());
        let key = key.ok_or(StateError("no key"))?;
        let line = lines.next().and_then(|line| AnchorLine::parse(line).ok());
        let line = line.ok_or(StateError("no anchor line"))?;
        let mut tiles = Vec::new();
        for line in lines.by_ref().filter(|line| !line.is_empty()) {
            let hashes = from_base64(line).and_then(|bytes| hashes_from_bytes(&bytes));
            tiles.push(hashes.ok_or(StateError("a level is not hashes"))?);
        }
        let edge = RightEdge::from_tiles(line.head.size, tiles);
        let edge = edge.map_err(|_| StateError("its levels do not fit its tree"))?;
        if edge.root() != line.head.root {
            return Err(StateError("its levels do not have the root of its line"));
        }
        let state = State { key, line, edge };
        if state.format() != text {
            return Err(StateError("another spelling"));
        }
        Ok(state)
    }
}
