//! Recording links: whose product they are said of, how many there may be, and whether the same was
//! said last.

use std::collections::HashSet;

use auditlog::json::{self, Value};
use sqlx::PgConnection;
use uuid::Uuid;

use super::CaptureError;
use super::master::{must_own, whole};
use crate::domain::fields::FaultKind;
use crate::domain::identity_key::identity_key;
use crate::domain::link::{self, Link, MAX_LINKS, MAX_LINKS_EVER};
use crate::domain::statement::{NewStatement, StatementId};
use crate::store::hold_identity;
use crate::store::statement::links_of;

const TOO_MANY: &str = "this anchor has 40 links already; withdraw one first, with href null";
const TOO_MANY_EVER: &str =
    "400 links were said of this anchor; no more are taken, only withdrawals";
const NOTHING_TO_WITHDRAW: &str =
    "there is no link of this linkType, hreflang and type to withdraw";

/// The last link of the same slot, if it says the same. Refuses a link that this merchant may not say,
/// or one too many.
pub(super) async fn last_said(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    body: &Value<'_>,
    statement: &NewStatement,
) -> Result<Option<StatementId>, CaptureError> {
    let new = link::read_link(body).map_err(CaptureError::Body)?;
    if let Some(gtin) = new.anchor.gtin() {
        must_own(conn, merchant_id, gtin).await?;
    }
    let key = identity_key(&new.anchor.canonical());
    // Held from here on, so that of two links that arrive together the second one is counted too.
    hold_identity(conn, merchant_id, key).await?;
    let limit = 2 * MAX_LINKS_EVER as i64;
    let stored = links_of(conn, merchant_id, &[key], limit).await?;
    let said: Vec<(StatementId, String, Link)> = stored
        .into_iter()
        .filter_map(|stored| {
            let content = json::parse(&stored.content).ok()?;
            let link = link::read_link(content.get("body")?).ok()?;
            drop(content);
            (link.anchor == new.anchor).then_some((stored.id, stored.content, link))
        })
        .collect();
    let last = said.iter().find(|(_, _, link)| link.slot() == new.slot());
    if let Some((id, content, _)) = last
        && *content == statement.content
    {
        return Ok(Some(*id));
    }
    let stands = last.is_some_and(|(_, _, link)| link.target.is_some());
    let refuse = |rule| Err(CaptureError::Body(whole(FaultKind::Rule(rule))));
    if new.target.is_none() {
        return if stands {
            Ok(None)
        } else {
            refuse(NOTHING_TO_WITHDRAW)
        };
    }
    if said
        .iter()
        .filter(|(_, _, link)| link.target.is_some())
        .count()
        >= MAX_LINKS_EVER
    {
        return refuse(TOO_MANY_EVER);
    }
    let standing: HashSet<StatementId> = link::standing(&said, |(_, _, link)| link)
        .iter()
        .map(|(id, _, _)| *id)
        .collect();
    if !stands && standing.len() >= MAX_LINKS {
        return refuse(TOO_MANY);
    }
    Ok(None)
}
