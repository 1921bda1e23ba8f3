//! Code ranges: which item numbers of a GTIN were issued, for which lot.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::domain::gs1::Gtin;
use crate::domain::statement::StatementId;

/// A range of item numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRange {
    /// The first number.
    pub first_number: i64,
    /// How many numbers.
    pub quantity: i64,
    /// The lot the items are of.
    pub lot: Option<String>,
    /// The issuance statement.
    pub id: StatementId,
}

/// A range with its owner and product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedCodeRange {
    /// Whose.
    pub merchant_id: Uuid,
    /// Of which product.
    pub gtin: String,
    /// The range.
    pub range: CodeRange,
}

/// The first number that was never given; the GTIN must be held.
pub async fn next_number(conn: &mut PgConnection, merchant_id: Uuid, gtin: Gtin) -> Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(max(first_number + quantity), 0) AS "next!" FROM code_range
           WHERE merchant_id = $1 AND gtin = $2"#,
        merchant_id,
        gtin.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// Stores a range.
pub async fn insert_code_range(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    gtin: Gtin,
    range: &CodeRange,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO code_range
             (merchant_id, gtin, first_number, quantity, lot, batch_id, position)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        merchant_id,
        gtin.as_str(),
        range.first_number,
        range.quantity,
        range.lot,
        range.id.batch_id,
        range.id.position,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The range that holds a number.
pub async fn code_range_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    gtin: Gtin,
    number: u32,
) -> Result<Option<CodeRange>> {
    let row = sqlx::query!(
        "SELECT first_number, quantity, lot, batch_id, position FROM code_range
         WHERE merchant_id = $1 AND gtin = $2 AND first_number <= $3
         ORDER BY first_number DESC LIMIT 1",
        merchant_id,
        gtin.as_str(),
        i64::from(number),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row
        .map(|row| CodeRange {
            first_number: row.first_number,
            quantity: row.quantity,
            lot: row.lot,
            id: StatementId {
                batch_id: row.batch_id,
                position: row.position,
            },
        })
        .filter(|range| i64::from(number) < range.first_number + range.quantity))
}

/// All ranges, in a fixed order, a page at a time; in the checker's role.
pub async fn code_ranges_page(
    conn: &mut PgConnection,
    offset: i64,
    limit: i64,
) -> Result<Vec<OwnedCodeRange>> {
    let rows = sqlx::query!(
        "SELECT merchant_id, gtin, first_number, quantity, lot, batch_id, position FROM code_range
         ORDER BY merchant_id, gtin, first_number OFFSET $1 LIMIT $2",
        offset,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| OwnedCodeRange {
            merchant_id: row.merchant_id,
            gtin: row.gtin,
            range: CodeRange {
                first_number: row.first_number,
                quantity: row.quantity,
                lot: row.lot,
                id: StatementId {
                    batch_id: row.batch_id,
                    position: row.position,
                },
            },
        })
        .collect())
}
