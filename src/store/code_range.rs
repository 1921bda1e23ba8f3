//! Code ranges: which item numbers of a GTIN were issued, for which lot.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use crate::domain::gs1::{Gtin, Identity};
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
    /// Whether their packs bear hidden codes.
    pub has_hidden: bool,
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
             (merchant_id, gtin, first_number, quantity, lot, has_hidden, batch_id, position)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        merchant_id,
        gtin.as_str(),
        range.first_number,
        range.quantity,
        range.lot,
        range.has_hidden,
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
        "SELECT first_number, quantity, lot, has_hidden, batch_id, position FROM code_range
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
            has_hidden: row.has_hidden,
            id: StatementId {
                batch_id: row.batch_id,
                position: row.position,
            },
        })
        .filter(|range| i64::from(number) < range.first_number + range.quantity))
}

/// A range that was issued for something that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedRange {
    /// The place of what it was issued for among what was asked for.
    pub place: usize,
    /// The first number.
    pub first_number: u32,
    /// How many numbers.
    pub quantity: u64,
    /// The issuance statement.
    pub id: StatementId,
    /// When it was recorded.
    pub recorded_at: OffsetDateTime,
}

/// The ranges that were issued for lots, or for products without a lot, as far as they were recorded by a time: in the
/// order in which these are asked for.
pub async fn ranges_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    of: &[Identity],
    recorded_until: OffsetDateTime,
    limit: i64,
) -> Result<Vec<IssuedRange>> {
    let gtins = of
        .iter()
        .map(|of| of.gtin().map_or_else(String::new, |gtin| gtin.to_string()));
    let gtins: Vec<String> = gtins.collect();
    let lots = of.iter().map(|of| match of {
        Identity::LotOf { lot, .. } => lot.to_string(),
        _ => String::new(),
    });
    let lots: Vec<String> = lots.collect();
    let rows = sqlx::query!(
        r#"SELECT w.place AS "place!", r.first_number, r.quantity, r.batch_id, r.position,
                  coalesce(sealed.recorded_at, pending.recorded_at) AS "recorded_at!"
           FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS w (gtin, lot, place)
           JOIN code_range r
             ON r.merchant_id = $1 AND r.gtin = w.gtin AND coalesce(r.lot, '') = w.lot
           LEFT JOIN sealed_batch sealed ON sealed.merchant_id = $1 AND sealed.id = r.batch_id
           LEFT JOIN pending_batch pending ON pending.merchant_id = $1 AND pending.id = r.batch_id
           WHERE coalesce(sealed.recorded_at, pending.recorded_at) <= $4
           ORDER BY w.place, r.first_number LIMIT $5"#,
        merchant_id,
        &gtins,
        &lots,
        recorded_until,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let ranges = rows.into_iter().map(|row| IssuedRange {
        place: row.place as usize - 1,
        first_number: row.first_number as u32,
        quantity: row.quantity as u64,
        id: StatementId {
            batch_id: row.batch_id,
            position: row.position,
        },
        recorded_at: row.recorded_at,
    });
    Ok(ranges.collect())
}

/// The lots for which the codes with some numbers were issued by a time, in the order of the numbers; `None` of one that
/// was issued for none, or never.
pub async fn lots_of_numbers(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    numbers: &[(Gtin, u32)],
    recorded_until: OffsetDateTime,
) -> Result<Vec<Option<String>>> {
    let gtins: Vec<String> = numbers.iter().map(|(gtin, _)| gtin.to_string()).collect();
    let numbers: Vec<i64> = numbers
        .iter()
        .map(|(_, number)| i64::from(*number))
        .collect();
    sqlx::query_scalar!(
        r#"SELECT CASE WHEN coalesce(sealed.recorded_at, pending.recorded_at) <= $4 THEN r.lot END AS lot
           FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS w (gtin, number, place)
           LEFT JOIN LATERAL (
               SELECT lot, first_number + quantity AS after, batch_id FROM code_range
               WHERE merchant_id = $1 AND gtin = w.gtin AND first_number <= w.number
               ORDER BY first_number DESC LIMIT 1) AS r ON w.number < r.after
           LEFT JOIN sealed_batch sealed ON sealed.merchant_id = $1 AND sealed.id = r.batch_id
           LEFT JOIN pending_batch pending ON pending.merchant_id = $1 AND pending.id = r.batch_id
           ORDER BY w.place"#,
        merchant_id,
        &gtins,
        &numbers,
        recorded_until,
    )
    .fetch_all(conn)
    .await
}

/// The lots of a product for which codes were issued by a time, some of them.
pub async fn lots_with_codes(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    gtin: Gtin,
    recorded_until: OffsetDateTime,
    limit: i64,
) -> Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT r.lot AS "lot!"
           FROM code_range r
           LEFT JOIN sealed_batch sealed ON sealed.merchant_id = $1 AND sealed.id = r.batch_id
           LEFT JOIN pending_batch pending ON pending.merchant_id = $1 AND pending.id = r.batch_id
           WHERE r.merchant_id = $1 AND r.gtin = $2 AND r.lot IS NOT NULL
             AND coalesce(sealed.recorded_at, pending.recorded_at) <= $3
           ORDER BY r.lot LIMIT $4"#,
        merchant_id,
        gtin.as_str(),
        recorded_until,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// All ranges, in a fixed order, a page at a time; in the checker's role.
pub async fn code_ranges_page(
    conn: &mut PgConnection,
    offset: i64,
    limit: i64,
) -> Result<Vec<OwnedCodeRange>> {
    let rows = sqlx::query!(
        "SELECT merchant_id, gtin, first_number, quantity, lot, has_hidden, batch_id, position
         FROM code_range
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
                has_hidden: row.has_hidden,
                id: StatementId {
                    batch_id: row.batch_id,
                    position: row.position,
                },
            },
        })
        .collect())
}
