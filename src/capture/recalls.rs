//! Recording recalls: what was said of the same recall before, and whether this may follow it.

use auditlog::json::{self, Value};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::CaptureError;
use super::master::whole;
use crate::domain::fields::FaultKind;
use crate::domain::identity_key::identity_key;
use crate::domain::recall::{self, Recall};
use crate::domain::statement::{NewStatement, Role, StatementId};
use crate::domain::turn::Turn;
use crate::store::hold_identity;
use crate::store::walk::{Described, descriptions_of};

/// Statements of one recall.
const MAX_STATEMENTS: usize = 200;

const TOO_MANY: &str = "200 statements were made of this recall; close it and open a new one";

/// The last statement of the same recall, if it says the same. Refuses what may not follow it.
pub(super) async fn last_said(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    body: &Value<'_>,
    statement: &NewStatement,
    now: OffsetDateTime,
) -> Result<Option<StatementId>, CaptureError> {
    let new = recall::read_recall(body).map_err(CaptureError::Body)?;
    let key = identity_key(&new.uri);
    // Held from here on, so that of two that arrive together the second follows the first.
    hold_identity(conn, merchant_id, key).await?;
    let wanted = [Described {
        key,
        role: Role::Recall.index_code().unwrap_or_default(),
        turn: Turn::Seen.index_code(),
    }];
    let limit = MAX_STATEMENTS as i64 + 1;
    let stored = descriptions_of(conn, merchant_id, &wanted, now, limit).await?;
    let said: Vec<(StatementId, String, Recall)> = stored
        .into_iter()
        .filter_map(|stored| {
            let content = json::parse(&stored.content).ok()?;
            let said = recall::read_recall(content.get("body")?).ok()?;
            drop(content);
            (said.uri == new.uri).then_some((stored.id, stored.content, said))
        })
        .collect();
    let last = said.last();
    if let Some((id, content, _)) = last
        && *content == statement.content
    {
        return Ok(Some(*id));
    }
    new.follows(last.map(|(_, _, said)| said))
        .map_err(CaptureError::Body)?;
    // There is always room to close it.
    if said.len() >= MAX_STATEMENTS && new.status == recall::Status::Open {
        return Err(CaptureError::Body(whole(FaultKind::Rule(TOO_MANY))));
    }
    Ok(None)
}
