//! What made a lot and what used it, as a whole: for sums, and no part of a walk.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::super::TraceError;
use super::super::line::Line;
use super::{Found, Walked};
use crate::domain::statement::Role;
use crate::domain::time::{FIRST, LAST};
use crate::domain::turn::Turn;
use crate::store::walk::{Described, Probe, Rows, statements_in};

/// What is read about one lot as a whole, and about all of a walk. Of what was used more often, as salt is, nobody
/// tells sums.
const MAX_OF_LOT: usize = 64;
const MAX_OF_LOTS: usize = 500;
const MAX_BYTES_OF_LOTS: i64 = 2 << 20;
/// As what a lot is named by whatever made it or used it.
const LOT_PARTS: [(Role, Turn, usize); 4] = [
    (Role::Epc, Turn::Seen, MAX_OF_LOT),
    (Role::Output, Turn::Seen, MAX_OF_LOT),
    (Role::Input, Turn::Seen, MAX_OF_LOT),
    // Whether it has items; not which.
    (Role::Lot, Turn::Seen, 1),
];

impl Found {
    /// Whether all is there that made a lot or used it.
    pub fn has_whole(&self, lot: &str) -> bool {
        self.whole.get(lot) == Some(&true)
    }

    /// Adds what made lots, and what used them: for sums, and no part of the walk.
    pub(super) async fn load_lots(
        &mut self,
        line: &Line<'_>,
        merchant_id: Uuid,
        walked: &impl Walked,
    ) -> Result<(), TraceError> {
        let lots = walked.lots();
        let new: Vec<String> = lots.filter(|lot| !self.whole.contains_key(lot)).collect();
        let bytes = self.content_bytes + MAX_BYTES_OF_LOTS as usize;
        let has_room = self.statements.len() + MAX_OF_LOTS <= self.room.statements
            && bytes <= self.room.content_bytes;
        if new.is_empty() || !has_room || new.len() * LOT_PARTS.len() > MAX_OF_LOTS {
            return Ok(());
        }
        let probes = new.iter().flat_map(|lot| {
            let parts = LOT_PARTS.iter();
            parts.filter_map(|(role, turn, limit)| {
                Some(Probe {
                    named: Described::of(lot, *role, *turn)?,
                    since: FIRST,
                    until: LAST,
                    limit: *limit as i64,
                })
            })
        });
        let probes: Vec<Probe> = probes.collect();
        let rows = Rows {
            limit: MAX_OF_LOTS as i64,
            content_bytes: MAX_BYTES_OF_LOTS,
        };
        let until = self.known_at.0;
        let rows = line
            .ask(async |conn| statements_in(conn, merchant_id, (&[], &probes), until, rows).await);
        let rows = rows.await?;
        let bytes: usize = rows.iter().map(|stored| stored.content.len()).sum();
        let is_whole = rows.len() < MAX_OF_LOTS && bytes as i64 <= MAX_BYTES_OF_LOTS;
        let named: HashSet<&str> = new.iter().map(String::as_str).collect();
        self.keep(rows, |about| named.contains(about.identity.as_str()))?;
        let mut counts: HashMap<String, usize> = HashMap::new();
        for loaded in self.statements.values() {
            let abouts = loaded.about.iter().map(|about| about.identity.as_str());
            for name in abouts.filter(|name| named.contains(name)) {
                *counts.entry(name.to_owned()).or_default() += 1;
            }
        }
        for lot in new {
            let count = counts.get(&lot).copied().unwrap_or_default();
            self.whole.insert(lot, is_whole && count < MAX_OF_LOT);
        }
        Ok(())
    }
}
