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
use crate::domain::time::LAST;
use crate::domain::turn::Turn;
use crate::store::hold_identity;
use crate::store::walk::{Described, Descriptions, descriptions_of};

/// Statements of one recall, and their content that is read: the last is the one that counts.
const MAX_STATEMENTS: usize = 200;
const MAX_CONTENT_BYTES: i64 = 8 << 20;

const AT_ONCE: &str =
    "something was said of this recall in the same moment; look at it, and say it again";
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
    let wanted: Vec<Described> = Described::of(&new.uri, Role::Recall, Turn::Seen)
        .into_iter()
        .collect();
    let room = Descriptions {
        of_each: MAX_STATEMENTS as i64 + 1,
        rows: MAX_STATEMENTS as i64 + 1,
        content_bytes: MAX_CONTENT_BYTES,
    };
    // Whatever was committed, at whatever time it says.
    let stored = descriptions_of(conn, merchant_id, &wanted, LAST, room).await?;
    let recorded: Option<OffsetDateTime> = stored.iter().map(|stored| stored.recorded_at).max();
    let said: Vec<(StatementId, String, Recall)> = stored
        .into_iter()
        .filter_map(|stored| {
            let content = json::parse(&stored.content).ok()?;
            let said = recall::read_recall(content.get("body")?).ok()?;
            drop(content);
            (said.uri == new.uri).then_some((stored.id, stored.content, said))
        })
        .collect();
    let last = said.first();
    if let Some((id, content, _)) = last
        && *content == statement.content
    {
        return Ok(Some(*id));
    }
    new.follows(last.map(|(_, _, said)| said))
        .map_err(CaptureError::Body)?;
    // Which of two statements stands, their times tell.
    if recorded.is_some_and(|recorded| now <= recorded) {
        return Err(CaptureError::Body(whole(FaultKind::Rule(AT_ONCE))));
    }
    // There is always room to close it.
    if said.len() >= MAX_STATEMENTS && new.status == recall::Status::Open {
        return Err(CaptureError::Body(whole(FaultKind::Rule(TOO_MANY))));
    }
    Ok(None)
}
