//! Capture jobs: what became of a document.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use crate::domain::capture_fault::{CaptureFault, ErrorBehaviour};

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
    /// What became of events that cannot be stored.
    pub error_behaviour: ErrorBehaviour,
    /// How many those were.
    pub refused_count: i32,
    /// The first of them.
    pub faults: Vec<CaptureFault>,
}

/// Stores a job.
pub async fn insert_capture_job(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    job: &CaptureJob,
) -> Result<()> {
    let faults = serde_json::to_string(&job.faults).map_err(|e| sqlx::Error::Encode(e.into()))?;
    sqlx::query!(
        "INSERT INTO capture_job
             (merchant_id, id, created_at, finished_at, event_count, stored_count,
              error_behaviour, refused_count, faults)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        merchant_id,
        job.id,
        job.created_at,
        job.finished_at,
        job.event_count,
        job.stored_count,
        job.error_behaviour.as_str(),
        job.refused_count,
        faults,
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
    let row = sqlx::query_as!(
        Row,
        "SELECT id, created_at, finished_at, event_count, stored_count, error_behaviour,
                refused_count, faults
         FROM capture_job WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::read).transpose()
}

/// A merchant's jobs before the one with the id `before`, newest first.
pub async fn capture_jobs_before(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<CaptureJob>> {
    // Ids are UUIDv7: in the order of their time.
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, created_at, finished_at, event_count, stored_count, error_behaviour,
                refused_count, faults
         FROM capture_job WHERE merchant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        merchant_id,
        before,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

struct Row {
    id: Uuid,
    created_at: OffsetDateTime,
    finished_at: OffsetDateTime,
    event_count: i32,
    stored_count: i32,
    error_behaviour: String,
    refused_count: i32,
    faults: String,
}

impl Row {
    fn read(self) -> Result<CaptureJob> {
        let faults = serde_json::from_str(&self.faults);
        let behaviour = ErrorBehaviour::parse(&self.error_behaviour);
        Ok(CaptureJob {
            id: self.id,
            created_at: self.created_at,
            finished_at: self.finished_at,
            event_count: self.event_count,
            stored_count: self.stored_count,
            error_behaviour: behaviour.unwrap_or_default(),
            refused_count: self.refused_count,
            faults: faults.map_err(|error| sqlx::Error::Decode(error.into()))?,
        })
    }
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
