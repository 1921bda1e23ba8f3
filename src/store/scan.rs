//! Look-ups of items, each with its statement.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use crate::domain::copies::Seen;
use crate::domain::region::Region;
use crate::domain::statement::{Batch, StatementId};

/// A look-up, and where its statement stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanRow {
    /// Canonical Digital Link of the item.
    pub code: String,
    /// 1 for the first.
    pub number: i32,
    /// When the first was recorded.
    pub first_at: OffsetDateTime,
    /// When this one was.
    pub recorded_at: OffsetDateTime,
    /// Where.
    pub place: Option<String>,
    /// The statement.
    pub id: StatementId,
}

struct Row {
    code: String,
    number: i32,
    first_at: OffsetDateTime,
    recorded_at: OffsetDateTime,
    place: Option<String>,
    batch_id: Uuid,
    position: i32,
}

impl From<Row> for ScanRow {
    fn from(row: Row) -> ScanRow {
        ScanRow {
            code: row.code,
            number: row.number,
            first_at: row.first_at,
            recorded_at: row.recorded_at,
            place: row.place,
            id: StatementId {
                batch_id: row.batch_id,
                position: row.position,
            },
        }
    }
}

/// What keeps look-ups apart that must not be counted twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looker {
    /// What a phone calls itself, for one code and one day.
    pub phone: [u8; 16],
    /// A network, under a name of one day.
    pub network: [u8; 8],
}

/// What is known of an item's look-ups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanTally {
    /// How many there are.
    pub count: i32,
    /// When the first was recorded.
    pub first_at: Option<OffsetDateTime>,
    /// When the last was.
    pub last_at: Option<OffsetDateTime>,
    /// The number of this phone's own, if it has one.
    pub own: Option<i32>,
    /// How many came from this network.
    pub of_network: i64,
}

/// What is known of an item's look-ups, and of this looker's.
pub async fn scan_tally(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    code: &str,
    looker: &Looker,
) -> Result<ScanTally> {
    sqlx::query_as!(
        ScanTally,
        r#"SELECT coalesce(last.number, 0) AS "count!", last.first_at AS "first_at?",
                  last.recorded_at AS "last_at?",
                  (SELECT max(number) FROM scan
                   WHERE merchant_id = $1 AND code = $2 AND phone = $3) AS own,
                  (SELECT count(*) FROM scan
                   WHERE merchant_id = $1 AND code = $2 AND network = $4) AS "of_network!"
           FROM (VALUES (1)) AS one (row) LEFT JOIN LATERAL (
               SELECT number, first_at, recorded_at FROM scan
               WHERE merchant_id = $1 AND code = $2 ORDER BY number DESC LIMIT 1) AS last ON true"#,
        merchant_id,
        code,
        looker.phone.as_slice(),
        looker.network.as_slice(),
    )
    .fetch_one(conn)
    .await
}

/// Stores a look-up.
pub async fn insert_scan(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    row: &ScanRow,
    looker: &Looker,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO scan (merchant_id, code, number, first_at, recorded_at, place, phone, network,
                           batch_id, position)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        merchant_id,
        row.code,
        row.number,
        row.first_at,
        row.recorded_at,
        row.place,
        looker.phone.as_slice(),
        looker.network.as_slice(),
        row.id.batch_id,
        row.id.position,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The last look-up of an item: it counts all before it.
pub async fn last_scan(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    code: &str,
) -> Result<Option<ScanRow>> {
    let last = scans_before(conn, merchant_id, code, i32::MAX, 1).await?;
    Ok(last.into_iter().next())
}

/// Look-ups that are asked for: the newest.
#[derive(Debug, Clone, Copy)]
pub struct ScanRange {
    /// Only those with a greater number.
    pub after: i32,
    /// Only those recorded then or later.
    pub since: OffsetDateTime,
    /// How many.
    pub limit: i64,
}

/// The newest look-ups of an item in a range, the oldest of them first.
pub async fn recent_scans(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    code: &str,
    range: ScanRange,
) -> Result<Vec<Seen>> {
    let rows = sqlx::query!(
        "SELECT recorded_at, network, place FROM scan
         WHERE merchant_id = $1 AND code = $2 AND number > $3 AND recorded_at >= $4
         ORDER BY number DESC LIMIT $5",
        merchant_id,
        code,
        range.after,
        range.since,
        range.limit,
    )
    .fetch_all(conn)
    .await?;
    let seen = rows.into_iter().rev().map(|row| {
        let network = row.network.as_slice().try_into();
        Ok(Seen {
            at: row.recorded_at,
            network: network.map_err(|_| sqlx::Error::Decode("scan.network".into()))?,
            place: row.place.as_deref().and_then(Region::parse),
        })
    });
    seen.collect()
}

/// The look-ups of an item with lesser numbers than `before`, the last of them first.
pub async fn scans_before(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    code: &str,
    before: i32,
    limit: i64,
) -> Result<Vec<ScanRow>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT code, number, first_at, recorded_at, place, batch_id, position FROM scan
         WHERE merchant_id = $1 AND code = $2 AND number < $3 ORDER BY number DESC LIMIT $4",
        merchant_id,
        code,
        before,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ScanRow::from).collect())
}

/// The look-ups that stand in a batch; in the checker's role.
pub async fn scans_of_batch(conn: &mut PgConnection, batch: &Batch) -> Result<Vec<ScanRow>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT code, number, first_at, recorded_at, place, batch_id, position FROM scan
         WHERE merchant_id = $1 AND batch_id = $2",
        batch.merchant_id,
        batch.id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ScanRow::from).collect())
}

/// How many look-ups there are; in the checker's role.
pub async fn count_scans(conn: &mut PgConnection) -> Result<i64> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM scan"#)
        .fetch_one(conn)
        .await
}

/// Look-ups that do not follow the one before them: by number, by time, or by what they call the first; in the checker's
/// role.
pub async fn stray_scans(conn: &mut PgConnection, limit: i64) -> Result<Vec<(String, i32)>> {
    let rows = sqlx::query!(
        r#"SELECT code AS "code!", number AS "number!" FROM (
               SELECT code, number, first_at, recorded_at,
                      row_number() OVER item AS place,
                      first_value(recorded_at) OVER item AS first_recorded_at,
                      lag(recorded_at, 1, recorded_at) OVER item AS before
               FROM scan WINDOW item AS (PARTITION BY merchant_id, code ORDER BY number)) AS scans
           WHERE number <> place OR first_at <> first_recorded_at OR before > recorded_at
           ORDER BY code, number LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.code, row.number)).collect())
}
