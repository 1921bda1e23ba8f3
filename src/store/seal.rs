//! Seals: each checkpoint that was signed, with its anchor line.

use auditlog::{LeafIndex, TreeSize};
use sqlx::PgConnection;

use super::Result;

/// A committed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealRow {
    /// Counted from 1.
    pub number: i64,
    /// The tree that was sealed.
    pub tree_size: TreeSize,
    /// The line of the anchor file, exactly.
    pub anchor_line: String,
}

/// As it is stored.
struct Stored {
    number: i64,
    tree_size: i64,
    anchor_line: String,
}

impl From<Stored> for SealRow {
    fn from(stored: Stored) -> SealRow {
        SealRow {
            number: stored.number,
            tree_size: TreeSize(stored.tree_size as u64),
            anchor_line: stored.anchor_line,
        }
    }
}

/// Stores a seal; in the sealer's role.
pub async fn insert_seal(conn: &mut PgConnection, seal: &SealRow) -> Result<()> {
    sqlx::query!(
        "INSERT INTO seal (number, tree_size, anchor_line) VALUES ($1, $2, $3)",
        seal.number,
        seal.tree_size.0 as i64,
        seal.anchor_line,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The first seal whose tree holds an entry.
pub async fn seal_of(conn: &mut PgConnection, entry: LeafIndex) -> Result<Option<SealRow>> {
    let row = sqlx::query_as!(
        Stored,
        "SELECT number, tree_size, anchor_line FROM seal WHERE tree_size > $1
         ORDER BY tree_size, number LIMIT 1",
        entry.0 as i64,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(SealRow::from))
}

/// Seals after `number`, in order.
pub async fn seals_after(conn: &mut PgConnection, number: i64, limit: i64) -> Result<Vec<SealRow>> {
    let rows = sqlx::query_as!(
        Stored,
        "SELECT number, tree_size, anchor_line FROM seal WHERE number > $1
         ORDER BY number LIMIT $2",
        number,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(SealRow::from).collect())
}

/// Seals before `number`, the latest first.
pub async fn seals_before(
    conn: &mut PgConnection,
    number: i64,
    limit: i64,
) -> Result<Vec<SealRow>> {
    let rows = sqlx::query_as!(
        Stored,
        "SELECT number, tree_size, anchor_line FROM seal WHERE number < $1
         ORDER BY number DESC LIMIT $2",
        number,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(SealRow::from).collect())
}
