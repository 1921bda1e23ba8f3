//! Cases: codes that a merchant looks into.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Result, hold_identity};
use crate::domain::identity_key::identity_key;

/// A case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseRow {
    /// Its own.
    pub id: Uuid,
    /// Canonical Digital Link of what it is about.
    pub code: String,
    /// `report` or `signs`.
    pub cause: String,
    /// When it was opened.
    pub opened_at: OffsetDateTime,
    /// When it was closed.
    pub closed_at: Option<OffsetDateTime>,
    /// What a review found, `explained` or `copied`; none where it was closed without one.
    pub outcome: Option<String>,
    /// What whoever reported is told, in Chinese.
    pub answer_zh_cn: Option<String>,
    /// The same in English.
    pub answer_en: Option<String>,
    /// How many reports belong to it.
    pub reports: i64,
}

/// How a case ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing<'a> {
    /// When.
    pub at: OffsetDateTime,
    /// What a review found.
    pub outcome: Option<&'a str>,
    /// What whoever reported is told, in Chinese and in English.
    pub answer: Option<(&'a str, &'a str)>,
    /// When its reports are deleted.
    pub kept_until: OffsetDateTime,
}

/// Holds the cases of a merchant until the transaction ends: what opens, fills and closes them comes one after the other.
pub async fn hold_cases(conn: &mut PgConnection, merchant_id: Uuid) -> Result<()> {
    hold_identity(conn, merchant_id, identity_key("cases")).await
}

/// Opens a case of a code, unless one is open; the one that is. Signs are the graver cause. Whoever asks holds the cases.
pub async fn open_case(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    code: &str,
    cause: &str,
    now: OffsetDateTime,
) -> Result<Uuid> {
    sqlx::query!(
        "INSERT INTO problem_case (merchant_id, id, code, cause, opened_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (merchant_id, code) WHERE closed_at IS NULL
         DO UPDATE SET cause = excluded.cause WHERE excluded.cause = 'signs'",
        merchant_id,
        Uuid::now_v7(),
        code,
        cause,
        now,
    )
    .execute(&mut *conn)
    .await?;
    let open = open_case_of(conn, merchant_id, code).await?;
    open.ok_or(sqlx::Error::RowNotFound)
}

/// The open case of a code, if signs are its cause.
pub async fn open_case_for_signs(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    code: &str,
) -> Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM problem_case
         WHERE merchant_id = $1 AND code = $2 AND closed_at IS NULL AND cause = 'signs'",
        merchant_id,
        code,
    )
    .fetch_optional(conn)
    .await
}

/// The open case of a code.
pub async fn open_case_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    code: &str,
) -> Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM problem_case WHERE merchant_id = $1 AND code = $2 AND closed_at IS NULL",
        merchant_id,
        code,
    )
    .fetch_optional(conn)
    .await
}

/// How many cases are open because of reports, counted up to a limit.
pub async fn count_reported_cases(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    limit: i64,
) -> Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM problem_case
               WHERE merchant_id = $1 AND closed_at IS NULL AND cause = 'report'
               LIMIT $2) AS open"#,
        merchant_id,
        limit,
    )
    .fetch_one(conn)
    .await
}

/// One case.
pub async fn case_by_id(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    id: Uuid,
) -> Result<Option<CaseRow>> {
    sqlx::query_as!(
        CaseRow,
        r#"SELECT id, code, cause, opened_at, closed_at, outcome, answer_zh_cn, answer_en,
                  (SELECT count(*) FROM report
                   WHERE merchant_id = $1 AND case_id = $2) AS "reports!"
           FROM problem_case WHERE merchant_id = $1 AND id = $2"#,
        merchant_id,
        id,
    )
    .fetch_optional(conn)
    .await
}

/// Cases that were opened before another, the last first; those that are open, closed, or both.
pub async fn cases_before(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    before: Uuid,
    is_open: Option<bool>,
    limit: i64,
) -> Result<Vec<CaseRow>> {
    sqlx::query_as!(
        CaseRow,
        r#"SELECT id, code, cause, opened_at, closed_at, outcome, answer_zh_cn, answer_en,
                  (SELECT count(*) FROM report AS r
                   WHERE r.merchant_id = $1 AND r.case_id = c.id) AS "reports!"
           FROM problem_case AS c
           WHERE merchant_id = $1 AND id < $2 AND ($3::boolean IS NULL OR (closed_at IS NULL) = $3)
           ORDER BY id DESC LIMIT $4"#,
        merchant_id,
        before,
        is_open,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Closes a case, or changes the answer of one that is closed; what a review found of it stays its outcome. Its reports are kept for a
/// while from its first closing. Whoever asks holds the cases.
pub async fn close_case(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    id: Uuid,
    closing: Closing<'_>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE problem_case
         SET closed_at = coalesce(closed_at, $3), outcome = coalesce(outcome, $4),
             answer_zh_cn = $5, answer_en = $6
         WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        id,
        closing.at,
        closing.outcome,
        closing.answer.map(|(zh_cn, _)| zh_cn),
        closing.answer.map(|(_, en)| en),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE report SET kept_until = coalesce(kept_until, $3)
         WHERE merchant_id = $1 AND case_id = $2",
        merchant_id,
        id,
        closing.kept_until,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Opens a case again. What whoever reported was told is forgotten.
pub async fn reopen_case(conn: &mut PgConnection, merchant_id: Uuid, id: Uuid) -> Result<()> {
    sqlx::query!(
        "UPDATE problem_case
         SET closed_at = NULL, outcome = NULL, answer_zh_cn = NULL, answer_en = NULL
         WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        id,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE report SET kept_until = NULL WHERE merchant_id = $1 AND case_id = $2",
        merchant_id,
        id,
    )
    .execute(conn)
    .await?;
    Ok(())
}
