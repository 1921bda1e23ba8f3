//! Erasing fields of descriptions: the one thing that changes what is stored. What is erased, and why, is stored as a
//! statement in the same transaction, in the eraser's role.

use std::collections::BTreeSet;

use auditlog::json::{self, Value};
use auditlog::salts::Salts;
use auditlog::statement::{Statement, content_text};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::master::whole;
use super::{CaptureError, Submitter, fresh_pair};
use crate::domain::erasure::{
    ErasedFields, Erasure, MAX_STATEMENTS, Order, erase as erase_fields, read_order,
};
use crate::domain::fields::{Fault, FaultKind};
use crate::domain::identity_key::identity_key;
use crate::domain::statement::{About, Draft, Kind, StatementId, StoredStatement};
use crate::domain::time::{LAST, timestamp, to_millisecond};
use crate::domain::turn::{Turn, Turns};
use crate::store::erasure::{replace_content, statement_at};
use crate::store::walk::{Described, Descriptions, descriptions_of};
use crate::store::{batch, begin_for, hold_identity};

/// Statements of one thing that are looked through.
const ALL_SAID: Descriptions = Descriptions {
    of_each: MAX_STATEMENTS as i64 + 1,
    rows: 4 * MAX_STATEMENTS as i64,
    content_bytes: 64 << 20,
};
const NO_SUCH: &str = "there is no statement of this merchant at that place in the log";
const TOO_MANY: &str = "more than 100 statements were made of this thing";
const NOTHING: &str = "none of these fields is there, or all are erased already";

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedStatements {
    /// The statement that says so.
    pub id: StatementId,
    /// How many statements lost something.
    pub statements: usize,
    /// How many fields they lost, all together.
    pub fields: usize,
}

/// Erases fields of the statement at a place in the log, and of all that was ever said of the same thing: what the
/// text of a request asks for.
///
/// # Errors
/// If something of it cannot be erased; then nothing is.
pub async fn erase(
    conn: &mut PgConnection,
    submitter: &Submitter,
    text: &str,
    now: OffsetDateTime,
) -> Result<ErasedStatements, CaptureError> {
    let value = json::parse(text)?;
    let order = read_order(&value).map_err(CaptureError::Body)?;
    let merchant_id = submitter.merchant_id;
    let now = to_millisecond(now);
    let mut tx = begin_for(conn, merchant_id).await?;
    let index = i64::try_from(order.index).unwrap_or(i64::MAX);
    let meant = statement_at(&mut tx, merchant_id, index).await?;
    let meant = meant.ok_or_else(|| refused("/index", NO_SUCH))?;
    let Some((kind, about)) = described(&meant) else {
        return Err(unreadable());
    };
    // Held as whoever describes the thing holds it: what is said meanwhile is erased, too, or comes after.
    if let Some(first) = about.first() {
        hold_identity(&mut tx, merchant_id, identity_key(&first.identity)).await?;
    }
    let mut erased = Vec::new();
    let mut fields = 0;
    for stored in all_said(&mut tx, merchant_id, &meant, (kind, &about)).await? {
        if let Some((content, salts, leaves)) = without(&stored, kind, &order)? {
            replace_content(&mut tx, merchant_id, stored.id, &content, &salts).await?;
            fields += leaves.len();
            erased.push(ErasedFields {
                statement: stored.digest,
                fields: leaves.into_iter().collect(),
            });
        }
    }
    if erased.is_empty() {
        return Err(refused("/fields", NOTHING));
    }
    let statements = erased.len();
    let erasure = Erasure {
        erased,
        of: about.into_iter().map(|about| about.identity).collect(),
        reason: order.reason,
    };
    let id = log(&mut tx, submitter, &erasure, now).await?;
    tx.commit().await?;
    Ok(ErasedStatements {
        id,
        statements,
        fields,
    })
}

/// What kind a statement is of, and what it is about.
fn described(stored: &StoredStatement) -> Option<(Kind, Vec<About>)> {
    let content = json::parse(&stored.content).ok()?;
    let kind = Kind::parse(content.get("kind")?.as_str()?)?;
    let about: Option<Vec<About>> = About::list(&stored.receipt).into_iter().collect();
    Some((kind, about?))
}

/// All statements of the same kind about the same things, the one that is meant among them.
async fn all_said(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    meant: &StoredStatement,
    (kind, about): (Kind, &[About]),
) -> Result<Vec<StoredStatement>, CaptureError> {
    let wanted = about.iter();
    let wanted = wanted.filter_map(|about| Described::of(&about.identity, about.role, Turn::Seen));
    let wanted: Vec<Described> = wanted.take(1).collect();
    let said = descriptions_of(conn, merchant_id, &wanted, LAST, ALL_SAID).await?;
    let is_same = |stored: &StoredStatement| {
        let same = described(stored);
        same.is_some_and(|(other, things)| other == kind && things == about)
    };
    let mut said: Vec<StoredStatement> = said.into_iter().filter(is_same).collect();
    if !said.iter().any(|stored| stored.id == meant.id) {
        said.push(meant.clone());
    }
    if said.len() > MAX_STATEMENTS {
        return Err(refused("/index", TOO_MANY));
    }
    said.sort_by_key(|stored| (stored.recorded_at, stored.id));
    Ok(said)
}

/// What is left of a statement, what salts it, and which leaves are gone; `None` if it has nothing of it.
fn without(
    stored: &StoredStatement,
    kind: Kind,
    order: &Order,
) -> Result<Option<(String, Salts, BTreeSet<String>)>, CaptureError> {
    let content = json::parse(&stored.content)?;
    let text = |key: &str| content.get(key).and_then(Value::as_str);
    let (Some(body), Some(issuer)) = (content.get("body"), text("issuer")) else {
        return Err(unreadable());
    };
    let erased = erase_fields(kind, body, &order.fields).map_err(CaptureError::Body)?;
    let leaves = erased.leaves.iter();
    let leaves: BTreeSet<String> = leaves
        .map(|leaf| format!("/body{leaf}"))
        .filter(|leaf| !stored.content_salts.is_erased(leaf))
        .collect();
    if leaves.is_empty() {
        return Ok(None);
    }
    let read = Statement::read(&stored.parts()).map_err(|_| unreadable())?;
    let left = read
        .content_salts
        .without(&read.content, |leaf| leaves.contains(leaf))
        .map_err(|_| unreadable())?;
    let text = content_text(&erased.body, issuer, kind.as_str());
    let salts = Salts::Left(left);
    let mut after = stored.clone();
    (after.content, after.content_salts) = (text, salts);
    // What was proven before must be provable after: nothing is stored that gives another digest.
    let still = Statement::read(&after.parts()).map_err(|_| unreadable())?;
    if still.digest() != stored.digest {
        return Err(refused("/index", "is not what the log has of it"));
    }
    Ok(Some((after.content, after.content_salts, leaves)))
}

/// Stores the statement that says what was erased.
async fn log(
    conn: &mut PgConnection,
    submitter: &Submitter,
    erasure: &Erasure,
    now: OffsetDateTime,
) -> Result<StatementId, CaptureError> {
    let mut about = erasure.about();
    About::sort(&mut about);
    let draft = Draft {
        kind: Kind::Erasure,
        body: &erasure.to_body(),
        issuer: &submitter.issuer,
        about,
        happened: now,
        turns: Turns::default(),
        recorded: timestamp(now),
        secrets: fresh_pair()?,
        signature: None,
    };
    let statement = draft
        .finish()
        .map_err(|_| refused("/fields", "nest too deeply"))?;
    Ok(batch::insert_one(conn, submitter.merchant_id, statement, now).await?)
}

fn unreadable() -> CaptureError {
    refused("/index", "is no statement that can be read")
}

fn refused(pointer: &str, rule: &'static str) -> CaptureError {
    CaptureError::Body(Fault {
        pointer: pointer.to_owned(),
        ..whole(FaultKind::Rule(rule))
    })
}
