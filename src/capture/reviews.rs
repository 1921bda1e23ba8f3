//! Recording what a merchant found of a code in doubt: whose code it is, and which look-ups there are to have looked into.

use auditlog::json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::CaptureError;
use super::master::{must_own, whole};
use crate::domain::fields::{Fault, FaultKind};
use crate::domain::identity_key::identity_key;
use crate::domain::report::KEPT;
use crate::domain::review::{self, MAX_REVIEWS, Review};
use crate::domain::statement::{Kind, NewStatement, Role, StatementId, StoredStatement};
use crate::domain::time::LAST;
use crate::domain::turn::Turn;
use crate::store::hold_identity;
use crate::store::problem_case::{Closing, close_case, hold_cases, open_case_of};
use crate::store::scan::last_scan;
use crate::store::walk::{Described, Descriptions, descriptions_of};

const TOO_MANY: &str = "this code was reviewed 100 times; no more reviews are taken";
const NOT_YET: &str =
    "is beyond the last look-up: what nobody has seen yet, nobody has looked into";
const BEFORE: &str = "is before the last look-up that was looked into already";

/// Reviews of one code are few and short.
const ROOM: Descriptions = Descriptions {
    of_each: MAX_REVIEWS as i64 + 1,
    rows: MAX_REVIEWS as i64 + 1,
    content_bytes: 8 << 20,
};

/// The last review of the code, if it says the same and nothing has come up since that opened a case. Refuses one that this
/// merchant may not say, or that goes beyond the look-ups there are.
pub(super) async fn last_said(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    body: &Value<'_>,
    statement: &NewStatement,
) -> Result<Option<StatementId>, CaptureError> {
    let new = review::read_review(body).map_err(CaptureError::Body)?;
    if let Some(gtin) = new.code.gtin() {
        must_own(conn, merchant_id, gtin).await?;
    }
    let code = new.code.canonical();
    // Held from here on, as by whoever counts a look-up: none comes in between.
    hold_identity(conn, merchant_id, identity_key(&code)).await?;
    let wanted = Described::of(&code, Role::Reviewed, Turn::Seen);
    let wanted: Vec<Described> = wanted.into_iter().collect();
    let said = descriptions_of(conn, merchant_id, &wanted, LAST, ROOM).await?;
    // Newest first.
    let said: Vec<(&StoredStatement, Review)> = said
        .iter()
        .filter_map(|stored| Some((stored, read(stored)?)))
        .filter(|(_, review)| review.code == new.code)
        .collect();
    let last = said.first();
    // Said of what came up since, the same words are another finding.
    if let Some((stored, _)) = last
        && stored.content == statement.content
        && open_case_of(conn, merchant_id, &code).await?.is_none()
    {
        return Ok(Some(stored.id));
    }
    let refuse = |pointer: &str, rule| {
        Err(CaptureError::Body(Fault {
            pointer: pointer.to_owned(),
            ..whole(FaultKind::Rule(rule))
        }))
    };
    if said.len() >= MAX_REVIEWS {
        return refuse("", TOO_MANY);
    }
    let seen = last_scan(conn, merchant_id, &code).await?;
    let seen = seen.map_or(0, |scan| scan.number.unsigned_abs());
    if new.through > seen {
        return refuse("/through", NOT_YET);
    }
    if last.is_some_and(|(_, last)| new.through < last.through) {
        return refuse("/through", BEFORE);
    }
    Ok(None)
}

/// Closes the case of the code that was reviewed, if one is open.
pub(super) async fn close_case_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    body: &Value<'_>,
    now: OffsetDateTime,
) -> Result<(), CaptureError> {
    let review = review::read_review(body).map_err(CaptureError::Body)?;
    let code = review.code.canonical();
    hold_cases(conn, merchant_id).await?;
    if let Some(id) = open_case_of(conn, merchant_id, &code).await? {
        let closing = Closing {
            at: now,
            outcome: Some(review.outcome.as_str()),
            answer: None,
            kept_until: now + KEPT,
        };
        close_case(conn, merchant_id, id, closing).await?;
    }
    Ok(())
}

fn read(stored: &StoredStatement) -> Option<Review> {
    let content = auditlog::json::parse(&stored.content).ok()?;
    let kind = content.get("kind")?.as_str()?;
    if kind != Kind::Review.as_str() {
        return None;
    }
    review::read_review(content.get("body")?).ok()
}
