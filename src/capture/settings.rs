//! Recording who may see what: the last setting stands, and no other.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::CaptureError;
use super::master::whole;
use crate::domain::disclosure::NAME;
use crate::domain::fields::FaultKind;
use crate::domain::identity_key::identity_key;
use crate::domain::statement::{NewStatement, StatementId};
use crate::store::hold_identity;
use crate::store::walk::last_setting;

const AT_ONCE: &str =
    "another setting was recorded in the same moment, or later; look at it, and say this one again";

/// The last setting, if it says the same.
pub(super) async fn last_said(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    statement: &NewStatement,
    now: OffsetDateTime,
) -> Result<Option<StatementId>, CaptureError> {
    // Held from here on, so that of two that arrive together the second follows the first.
    hold_identity(conn, merchant_id, identity_key(NAME)).await?;
    let Some(last) = last_setting(conn, merchant_id).await? else {
        return Ok(None);
    };
    if last.content == statement.content {
        return Ok(Some(last.id));
    }
    // Which of two stands, their times tell.
    if now <= last.recorded_at {
        return Err(CaptureError::Body(whole(FaultKind::Rule(AT_ONCE))));
    }
    Ok(None)
}
