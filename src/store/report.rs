//! Reports of shoppers, each of a case.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;

/// A report as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReport<'a> {
    /// Its case.
    pub case_id: Uuid,
    /// Of the number by which it is asked for.
    pub digest: [u8; 16],
    /// A network, under a name of one day.
    pub network: [u8; 8],
    /// When it was recorded.
    pub recorded_at: OffsetDateTime,
    /// What is wrong, by its name.
    pub matter: &'a str,
    /// In words.
    pub words: Option<&'a str>,
    /// A JPEG.
    pub picture: Option<&'a [u8]>,
}

/// A report as its merchant reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// 1 for the first of its case.
    pub number: i32,
    /// When it was recorded.
    pub recorded_at: OffsetDateTime,
    /// What is wrong, by its name.
    pub matter: String,
    /// In words.
    pub words: Option<String>,
    /// Whether a picture came with it.
    pub has_picture: bool,
}

/// What is kept already, as far as it limits what is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportTally {
    /// Reports of this network today, of one code.
    pub of_network_and_code: i64,
    /// Of all codes of the merchant.
    pub of_network: i64,
    /// Reports of the open case of this code.
    pub of_case: i64,
    /// Pictures of the merchant that are kept, counted up to a limit.
    pub pictures: i64,
}

/// What is kept already.
pub async fn report_tally(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    code: &str,
    network: [u8; 8],
    most_pictures: i64,
) -> Result<ReportTally> {
    sqlx::query_as!(
        ReportTally,
        r#"SELECT
             (SELECT count(*) FROM report AS r JOIN problem_case AS c
                ON c.merchant_id = r.merchant_id AND c.id = r.case_id
              WHERE r.merchant_id = $1 AND r.network = $3 AND c.code = $2) AS "of_network_and_code!",
             (SELECT count(*) FROM report
              WHERE merchant_id = $1 AND network = $3) AS "of_network!",
             (SELECT count(*) FROM report AS r JOIN problem_case AS c
                ON c.merchant_id = r.merchant_id AND c.id = r.case_id
              WHERE c.merchant_id = $1 AND c.code = $2 AND c.closed_at IS NULL) AS "of_case!",
             (SELECT count(*) FROM (
                SELECT FROM report WHERE merchant_id = $1 AND picture IS NOT NULL
                LIMIT $4) AS pictures) AS "pictures!""#,
        merchant_id,
        code,
        network.as_slice(),
        most_pictures,
    )
    .fetch_one(conn)
    .await
}

/// Stores a report. Whoever asks holds the reports of the merchant.
pub async fn insert_report(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    report: &NewReport<'_>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO report (merchant_id, case_id, number, digest, network, recorded_at, matter,
                             words, picture)
         SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7, $8
         FROM report WHERE merchant_id = $1 AND case_id = $2",
        merchant_id,
        report.case_id,
        report.digest.as_slice(),
        report.network.as_slice(),
        report.recorded_at,
        report.matter,
        report.words,
        report.picture,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The case of the report with this digest, and when the report was recorded.
pub async fn case_of_report(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    digest: [u8; 16],
) -> Result<Option<(Uuid, OffsetDateTime)>> {
    let row = sqlx::query!(
        "SELECT case_id, recorded_at FROM report WHERE merchant_id = $1 AND digest = $2",
        merchant_id,
        digest.as_slice(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.case_id, row.recorded_at)))
}

/// The reports of a case, the first one first.
pub async fn reports_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    case_id: Uuid,
    limit: i64,
) -> Result<Vec<ReportRow>> {
    sqlx::query_as!(
        ReportRow,
        r#"SELECT number, recorded_at, matter, words, picture IS NOT NULL AS "has_picture!"
           FROM report WHERE merchant_id = $1 AND case_id = $2 ORDER BY number LIMIT $3"#,
        merchant_id,
        case_id,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// The picture of a report.
pub async fn picture_of_report(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    case_id: Uuid,
    number: i32,
) -> Result<Option<Vec<u8>>> {
    let found = sqlx::query_scalar!(
        "SELECT picture FROM report WHERE merchant_id = $1 AND case_id = $2 AND number = $3",
        merchant_id,
        case_id,
        number,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.flatten())
}

/// Takes words and pictures out of the reports of a case.
pub async fn empty_reports(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    case_id: Uuid,
) -> Result<()> {
    sqlx::query!(
        "UPDATE report SET words = NULL, picture = NULL WHERE merchant_id = $1 AND case_id = $2",
        merchant_id,
        case_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes the reports of all merchants that are past their time, in the eraser's role; how many there were.
pub async fn delete_past_reports(conn: &mut PgConnection) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM report WHERE kept_until < now()")
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
