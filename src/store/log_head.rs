//! The log's head: the single row that whoever seals must move.

use auditlog::json::write_string;
use auditlog::proof::TreeHead;
use auditlog::{Hash, TreeSize};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::Result;

/// Where the log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    /// The log's name.
    pub origin: String,
    /// Its key.
    pub vkey: String,
    /// The key of its story notes.
    pub story_vkey: String,
    /// How many seals there have been.
    pub seal: i64,
    /// Size and root.
    pub tree: TreeHead,
    /// SHA-256 of the last anchor line; zeros before the first.
    pub anchor_sha256: Hash,
    /// Time of the last seal.
    pub sealed_at: Option<OffsetDateTime>,
}

impl LogHead {
    /// The keys of the log and since when each was used, one JSON object a line.
    pub fn key_history(&self) -> String {
        let mut history = String::new();
        for (purpose, key) in [("log", &self.vkey), ("story", &self.story_vkey)] {
            history.push_str("{\"purpose\":");
            write_string(purpose, &mut history);
            history.push_str(",\"vkey\":");
            write_string(key, &mut history);
            history.push_str(",\"from_tree_size\":0}\n");
        }
        history
    }
}

/// The head, once the log has a key.
pub async fn log_head(conn: &mut PgConnection) -> Result<Option<LogHead>> {
    let row = sqlx::query!(
        "SELECT origin, vkey, story_vkey, seal, tree_size, root, anchor_sha256, sealed_at
         FROM log_head"
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(LogHead {
            origin: row.origin,
            vkey: row.vkey,
            story_vkey: row.story_vkey,
            seal: row.seal,
            tree: TreeHead {
                size: TreeSize(row.tree_size as u64),
                root: super::hash("log_head.root", &row.root)?,
            },
            anchor_sha256: super::hash("log_head.anchor_sha256", &row.anchor_sha256)?,
            sealed_at: row.sealed_at,
        })
    })
    .transpose()
}

/// Enters the head of a log that has no entries yet; in the sealer's role. Does nothing if there is
/// a head already.
pub async fn found_log(conn: &mut PgConnection, head: &LogHead) -> Result<()> {
    sqlx::query!(
        "INSERT INTO log_head
             (origin, vkey, story_vkey, seal, tree_size, root, anchor_sha256, sealed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        head.origin,
        head.vkey,
        head.story_vkey,
        head.seal,
        head.tree.size.0 as i64,
        head.tree.root.0.as_slice(),
        head.anchor_sha256.0.as_slice(),
        head.sealed_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves the head from `old` to `new` and says whether it stood at `old`; in the sealer's role.
pub async fn move_log_head(conn: &mut PgConnection, old: &LogHead, new: &LogHead) -> Result<bool> {
    let moved = sqlx::query!(
        "UPDATE log_head SET seal = $1, tree_size = $2, root = $3, anchor_sha256 = $4,
                             sealed_at = $5
         WHERE tree_size = $6 AND root = $7 AND seal = $8 AND anchor_sha256 = $9",
        new.seal,
        new.tree.size.0 as i64,
        new.tree.root.0.as_slice(),
        new.anchor_sha256.0.as_slice(),
        new.sealed_at,
        old.tree.size.0 as i64,
        old.tree.root.0.as_slice(),
        old.seal,
        old.anchor_sha256.0.as_slice(),
    )
    .execute(conn)
    .await?;
    Ok(moved.rows_affected() == 1)
}
