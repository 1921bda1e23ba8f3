//! Capture jobs: what became of a document.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;

/// A finished job. A document that was refused leaves none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureJob {
    /// Its own.
    pub id: Uuid,
    /// When the document arrived.
    pub created_at: OffsetDateTime,
    /// When it was stored.
    pub finished_at: OffsetDateTime,
    /// Events in the document.
    pub event_count: i32,
    /// Those that were not known before.
    pub stored_count: i32,
}

/// Stores a job.
pub async fn insert_capture_job(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    job: &CaptureJob,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO capture_job
             (merchant_id, id, created_at, finished_at, event_count, stored_count)
         VALUES ($1, $2, $3, $4, $5, $6)",
        merchant_id,
        job.id,
        job.created_at,
        job.finished_at,
        job.event_count,
        job.stored_count,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A merchant's job.
pub async fn capture_job(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    id: Uuid,
) -> Result<Option<CaptureJob>> {
    sqlx::query_as!(
        CaptureJob,
        "SELECT id, created_at, finished_at, event_count, stored_count FROM capture_job
         WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        id,
    )
    .fetch_optional(conn)
    .await
}

/// Those of `ids` that are a merchant's jobs, oldest first.
pub async fn capture_jobs_among(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    ids: &[Uuid],
    limit: i64,
) -> Result<Vec<Uuid>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // Ids are UUIDv7: in the order of their time.
    sqlx::query_scalar!(
        "SELECT id FROM capture_job WHERE merchant_id = $1 AND id = ANY($2) ORDER BY id LIMIT $3",
        merchant_id,
        ids,
        limit,
    )
    .fetch_all(conn)
    .await
}
