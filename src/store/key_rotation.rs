//! Changes of the log's key: each as the note that both keys signed.

use sqlx::PgConnection;

use super::Result;

/// Rotations of one log at most: their history stays far below what a reader of it accepts.
pub const MAX_ROTATIONS: usize = 500;

/// A change from one key to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationRow {
    /// Counted from 1.
    pub number: i64,
    /// The signed note, exactly.
    pub note: String,
}

/// Stores the next rotation; in the sealer's role.
pub async fn insert_rotation(conn: &mut PgConnection, row: &RotationRow) -> Result<()> {
    sqlx::query!(
        "INSERT INTO key_rotation (number, note) VALUES ($1, $2)",
        row.number,
        row.note,
    )
    .execute(conn)
    .await?;
    Ok(())
}
