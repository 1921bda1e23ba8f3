//! The log's head: the single row that whoever seals must move.

use auditlog::keys::{KeyFault, LogKeys, Rotation, format_line};
use auditlog::note::{SignedNote, Verifier};
use auditlog::proof::TreeHead;
use auditlog::{Hash, TreeSize};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::Result;
use super::key_rotation::RotationRow;

/// Where the log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    /// The log's name.
    pub origin: String,
    /// Its newest key.
    pub vkey: String,
    /// The key of its story notes.
    pub story_vkey: String,
    /// How often its key was changed.
    pub key_rotations: i64,
    /// How its first key led to the newest.
    pub rotations: Vec<RotationRow>,
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
    /// The keys of the log and the sizes at which each counts. An error if the rotations do not lead
    /// to the newest key, one by one.
    pub fn log_keys(&self) -> std::result::Result<LogKeys, KeyFault> {
        let notes = self.opened_rotations()?;
        let newest = Verifier::parse(&self.vkey)?;
        let first = notes.first().map_or(&newest, |rotation| &rotation.old);
        let mut keys = LogKeys::single(first.clone());
        notes
            .iter()
            .try_for_each(|rotation| keys.rotate(rotation))?;
        if keys.newest().verifier != newest {
            return Err(KeyFault::Contradiction("new key"));
        }
        Ok(keys)
    }

    /// The same as it is published, one JSON object a line: a rotation only ever adds a line.
    pub fn key_history(&self) -> std::result::Result<String, KeyFault> {
        let keys = self.log_keys()?;
        let first = &keys.all()[0].verifier;
        let mut history = format_line("log", first, TreeSize(0), None);
        let story = Verifier::parse(&self.story_vkey)?;
        history.push_str(&format_line("story", &story, TreeSize(0), None));
        for (key, row) in keys.all()[1..].iter().zip(&self.rotations) {
            let line = format_line("log", &key.verifier, key.from, Some(&row.note));
            history.push_str(&line);
        }
        Ok(history)
    }

    fn opened_rotations(&self) -> std::result::Result<Vec<Rotation>, KeyFault> {
        if self.rotations.len() as i64 != self.key_rotations {
            return Err(KeyFault::Contradiction("number"));
        }
        let open = |(i, row): (usize, &RotationRow)| {
            if row.number != i as i64 + 1 {
                return Err(KeyFault::Contradiction("number"));
            }
            Rotation::open(&SignedNote::parse(&row.note)?)
        };
        self.rotations.iter().enumerate().map(open).collect()
    }
}

/// The head, once the log has a key.
pub async fn log_head(conn: &mut PgConnection) -> Result<Option<LogHead>> {
    // One statement, so that the newest key and the rotations that lead to it are of one moment.
    let row = sqlx::query!(
        r#"SELECT origin, vkey, story_vkey, seal, tree_size, root, anchor_sha256, sealed_at,
               key_rotations,
               ARRAY(SELECT number FROM key_rotation ORDER BY number, note) AS "numbers!",
               ARRAY(SELECT note FROM key_rotation ORDER BY number, note) AS "notes!"
         FROM log_head"#
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(LogHead {
            origin: row.origin,
            vkey: row.vkey,
            story_vkey: row.story_vkey,
            key_rotations: row.key_rotations,
            rotations: std::iter::zip(row.numbers, row.notes)
                .map(|(number, note)| RotationRow { number, note })
                .collect(),
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
         WHERE tree_size = $6 AND root = $7 AND seal = $8 AND anchor_sha256 = $9 AND vkey = $10",
        new.seal,
        new.tree.size.0 as i64,
        new.tree.root.0.as_slice(),
        new.anchor_sha256.0.as_slice(),
        new.sealed_at,
        old.tree.size.0 as i64,
        old.tree.root.0.as_slice(),
        old.seal,
        old.anchor_sha256.0.as_slice(),
        // A key that was replaced meanwhile signs nothing any more, not even the same tree.
        old.vkey,
    )
    .execute(conn)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Holds the head until the transaction ends, so that nobody seals meanwhile; in the sealer's role.
pub async fn hold_log_head(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("SELECT seal FROM log_head FOR UPDATE")
        .fetch_optional(conn)
        .await?;
    Ok(())
}

/// Names the log's next key, and says whether `old` was its key; in the sealer's role.
pub async fn change_log_key(conn: &mut PgConnection, old: &str, new: &str) -> Result<bool> {
    let changed = sqlx::query!(
        "UPDATE log_head SET vkey = $1, key_rotations = key_rotations + 1 WHERE vkey = $2",
        new,
        old
    )
    .execute(conn)
    .await?;
    Ok(changed.rows_affected() == 1)
}
