//! What somebody says of codes that may be misspelled: it is recorded, and the answer names those of which there is no record.

use std::time::Duration;

use actix_web::HttpResponse;
use serde::Serialize;
use tokio::time::timeout;
use uuid::Uuid;

use super::master::{RecordedBody, status_of};
use crate::capture::{Recorded, Submitter};
use crate::domain::gs1::Identity;
use crate::domain::statement::Role;
use crate::store::read_for;
use crate::trace::{KnownAt, TraceError};
use crate::web::Service;
use crate::web::forward::{Origin, StartError};

/// How long it is looked up what is on record.
const PATIENCE: Duration = Duration::from_secs(3);

/// What was recorded, and what of it nothing on record names: it may be misspelled, or another merchant's.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(flatten)]
    recorded: RecordedBody,
    /// Without it, nobody could tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_on_record: Option<Vec<String>>,
}

/// The answer for what was recorded of the things in this role.
pub(super) async fn recorded_of(
    service: &Service,
    (submitter, recorded): (Submitter, Recorded),
    role: Role,
) -> HttpResponse {
    let things = recorded.about.iter().filter(|about| about.role == role);
    let things = things.filter_map(|about| Identity::parse(&about.identity).ok());
    let looked_up = not_on_record(service, submitter.merchant_id, things.collect());
    // It is recorded, whatever else fails, or takes long.
    let unknown = match timeout(PATIENCE, looked_up).await {
        Ok(Ok(unknown)) => Some(unknown),
        Ok(Err(error)) => {
            tracing::warn!(%error, "what is on record of it could not be looked up");
            None
        }
        Err(_) => None,
    };
    HttpResponse::build(status_of(&recorded)).json(Body {
        recorded: RecordedBody::of(&recorded),
        not_on_record: unknown.map(|things| things.iter().map(Identity::canonical).collect()),
    })
}

async fn not_on_record(
    service: &Service,
    merchant_id: Uuid,
    things: Vec<Identity>,
) -> Result<Vec<Identity>, StartError> {
    let known_at = KnownAt((service.clock)());
    let origin = Origin::of(merchant_id, &service.code_key, known_at);
    let conn = service.database.reader.acquire().await;
    let mut conn = conn.map_err(TraceError::from)?;
    let mut tx = read_for(&mut conn, merchant_id)
        .await
        .map_err(TraceError::from)?;
    let unknown = origin.not_on_record(&mut tx, things).await?;
    tx.rollback().await.map_err(TraceError::from)?;
    Ok(unknown)
}
