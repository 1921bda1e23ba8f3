//! Entries whose statements are lost: they came back from the public files, after an old database was
//! restored beside them.

use auditlog::{Entry, LeafIndex};
use sqlx::PgConnection;

use super::Result;
use crate::domain::time::{instant, timestamp, to_millisecond};

/// An entry without its statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostEntry {
    /// Where it stands in the log.
    pub index: LeafIndex,
    /// All that is known of it.
    pub entry: Entry,
}

/// Stores entries; in the sealer's role.
pub async fn insert_lost_entries(conn: &mut PgConnection, entries: &[LostEntry]) -> Result<()> {
    let indexes: Vec<i64> = entries.iter().map(|lost| lost.index.0 as i64).collect();
    let times: Vec<_> = entries
        .iter()
        .map(|lost| instant(lost.entry.recorded))
        .collect();
    let digests: Vec<&[u8]> = entries
        .iter()
        .map(|lost| lost.entry.digest.0.as_slice())
        .collect();
    sqlx::query!(
        "INSERT INTO lost_entry (leaf_index, recorded_at, digest)
         SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::bytea[])",
        &indexes,
        &times,
        &digests as &[&[u8]],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Entries from this place up, in order.
pub async fn lost_entries_from(
    conn: &mut PgConnection,
    from: LeafIndex,
    limit: i64,
) -> Result<Vec<LostEntry>> {
    let rows = sqlx::query!(
        "SELECT leaf_index, recorded_at, digest FROM lost_entry WHERE leaf_index >= $1
         ORDER BY leaf_index LIMIT $2",
        from.0 as i64,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            // What is cut off here would be in the column and in no entry.
            if to_millisecond(row.recorded_at) != row.recorded_at {
                let fault = "lost_entry.recorded_at is not a whole millisecond";
                return Err(sqlx::Error::Decode(fault.into()));
            }
            Ok(LostEntry {
                index: LeafIndex(row.leaf_index as u64),
                entry: Entry {
                    recorded: timestamp(row.recorded_at),
                    digest: super::hash("lost_entry.digest", &row.digest)?,
                },
            })
        })
        .collect()
}

/// How many there are; in the checker's role.
pub async fn count_lost_entries(conn: &mut PgConnection) -> Result<i64> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM lost_entry"#)
        .fetch_one(conn)
        .await
}
