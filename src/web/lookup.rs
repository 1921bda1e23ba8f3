//! From a code to its story: whether it was ever issued, and what is held. For pages, and for the operator's
//! command line.

use sqlx::PgConnection;
use thiserror::Error;
use uuid::Uuid;

use crate::codes::{CodeError, SerialStatus, serial_status};
use crate::domain::code::CodeKey;
use crate::domain::disclosure::Audience;
use crate::domain::gs1::DigitalLink;
use crate::domain::story::{StandingRecall, Story, Via};
use crate::domain::told::Told;
use crate::trace::{self, KnownAt, Scanned, TraceError};

/// Why nobody knows whether there is a story.
#[derive(Debug, Error)]
pub enum StoryError {
    /// The walk failed.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The codes that were issued cannot be asked.
    #[error(transparent)]
    Code(#[from] CodeError),
}

impl From<sqlx::Error> for StoryError {
    fn from(error: sqlx::Error) -> StoryError {
        StoryError::Trace(error.into())
    }
}

/// The story of a code as it is known and as somebody may see it; `None` if there is no record of it. The transaction must act for the
/// merchant that owns the code.
pub async fn story_of(
    conn: &mut PgConnection,
    key: &CodeKey,
    merchant_id: Uuid,
    link: DigitalLink,
    audience: Audience,
) -> Result<Option<Told>, StoryError> {
    let known_at = KnownAt::NOW;
    let (subject, status) = subject_of(conn, key, merchant_id, link, known_at).await?;
    let story = trace::story(conn, (merchant_id, key), subject, known_at).await?;
    Ok(known(story, status).map(|story| Told::to(story, audience)))
}

/// All of it as it was known at a time, with what led to what.
pub async fn story_with_leads_of(
    conn: &mut PgConnection,
    key: &CodeKey,
    merchant_id: Uuid,
    link: DigitalLink,
    known_at: KnownAt,
) -> Result<Option<Story>, StoryError> {
    let (subject, status) = subject_of(conn, key, merchant_id, link, known_at).await?;
    let story = trace::story_with_leads(conn, (merchant_id, key), subject, known_at).await?;
    Ok(known(story, status))
}

/// What a code names, with the lot that it was issued for, and what its serial is.
async fn subject_of(
    conn: &mut PgConnection,
    key: &CodeKey,
    merchant_id: Uuid,
    link: DigitalLink,
    known_at: KnownAt,
) -> Result<(Scanned, Option<SerialStatus>), StoryError> {
    let status = match link.gtin().zip(link.serial()) {
        None => None,
        Some(item) => {
            let known_at = (known_at != KnownAt::NOW).then_some(known_at.0);
            Some(serial_status(conn, key, merchant_id, item, known_at).await?)
        }
    };
    let issued_for = match status {
        Some(SerialStatus::Issued(lot)) => lot,
        _ => None,
    };
    Ok((Scanned { link, issued_for }, status))
}

/// A story that may be told. Whoever holds a pack of what is recalled must not be told that there is nothing, and is told
/// so where there is no record of the very pack.
fn known(mut story: Story, status: Option<SerialStatus>) -> Option<Story> {
    story.is_on_record = is_on_record(&story, status);
    let is_recalled = story.recalls.iter().any(StandingRecall::is_open) && story.product.is_some();
    (story.is_on_record || is_recalled).then_some(story)
}

/// An item is on record if its serial was issued here, or if events name it (serials that a merchant
/// had printed before); a lot if events or an issuance name it; a product if it is described; a logistic
/// unit if events name it.
fn is_on_record(story: &Story, status: Option<SerialStatus>) -> bool {
    match status {
        Some(SerialStatus::Issued(_)) => true,
        Some(SerialStatus::NotIssued) => story.steps.iter().any(|step| step.via == Via::Item),
        None if story.subject.gtin().is_none() => !story.steps.is_empty(),
        None if story.subject.lot().is_some() => story.names_subject_lot(),
        None => story.product.is_some(),
    }
}
