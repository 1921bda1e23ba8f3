//! Erasing fields of descriptions and of events: the one thing that changes what is stored. What is erased, and why, is stored as a
//! statement in the same transaction, in the eraser's role.

mod derived;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use auditlog::json::{self, Value};
use auditlog::salts::Salts;
use auditlog::statement::{Statement, content_text};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::master::whole;
use super::pictures::GonePictures;
use super::{CaptureError, MAX_BODY_BYTES, Submitter, fresh_pair};
use crate::domain::erasure::{
    ErasedFields, Erasure, MAX_STATEMENTS, Meant, at_or_above, erase as erase_fields, named_among,
    read_order,
};
use crate::domain::event_key::{event_hold, event_key};
use crate::domain::fields::{Fault, FaultKind};
use crate::domain::identity_key::identity_key;
use crate::domain::statement::{About, Draft, Kind, Role, StatementId, StoredStatement};
use crate::domain::time::{LAST, timestamp, to_millisecond};
use crate::domain::turn::{Turn, Turns};
use crate::store::erasure::{replace_content, statement_at};
use crate::store::walk::{Described, Descriptions, descriptions_of, statements_with_keys};
use crate::store::{batch, begin_for, hold_identity};

/// Statements of one thing that are looked through.
const ALL_SAID: Descriptions = Descriptions {
    of_each: MAX_STATEMENTS as i64 + 1,
    rows: 4 * MAX_STATEMENTS as i64,
    // A body has at most 1 MiB: no statement is passed over for want of room.
    content_bytes: 2 * (MAX_STATEMENTS * MAX_BODY_BYTES) as i64,
};
const TOO_LARGE: &str = "would make a statement of more than 1 MiB: erase them in several orders";
const NO_SUCH: &str = "there is no statement of this merchant at that place in the log";
const NO_EVENT: &str = "there is no event of this merchant with that eventID";
const TOO_MANY: &str = "more than 100 statements were made of this thing";
const NOTHING: &str = "none of these fields is there, or all are erased already";
const NOT_THERE: &str =
    "is in none of the statements that were made of this thing: nothing was erased";

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

/// Erases fields of a statement, and of all that was ever said of the same thing: what the text of a request asks for.
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
    let Said {
        kind,
        of,
        statements,
    } = said_of(&mut tx, merchant_id, &order.meant).await?;
    let mut erased = Vec::new();
    let mut fields = 0;
    let mut found = HashSet::new();
    let mut pictures = GonePictures::default();
    let order = Arc::new(order);
    for stored in statements {
        // A body of a MiB takes a while.
        let (cut, wanted) = (stored.clone(), Arc::clone(&order));
        let left = tokio::task::spawn_blocking(move || without(&cut, kind, &wanted.fields));
        let left = left.await.expect("erasing does not panic");
        let (named, left) = left.map_err(|error| in_order(error, kind, &order.fields))?;
        found.extend(named);
        if kind == Kind::Product {
            let left = left.as_ref().map(|left| left.content.as_str());
            pictures.add(&stored.content, left.unwrap_or(&stored.content));
        }
        if let Some(left) = left {
            let (content, salts) = (&left.content, &left.salts);
            replace_content(&mut tx, merchant_id, stored.id, content, salts).await?;
            if kind == Kind::Event {
                derived::forget(&mut tx, merchant_id, &stored, content).await?;
            }
            fields += left.gone.len();
            erased.push(ErasedFields {
                statement: stored.digest,
                fields: left.gone.into_iter().collect(),
            });
        }
    }
    if erased.is_empty() {
        return Err(refused("/fields", NOTHING));
    }
    // Whoever misspells one must not believe that it is gone.
    let not_there = order.fields.iter().position(|field| !found.contains(field));
    if let Some(place) = not_there {
        return Err(refused(&format!("/fields/{place}"), NOT_THERE));
    }
    pictures.forget(&mut tx, merchant_id).await?;
    let statements = erased.len();
    let erasure = Erasure {
        erased,
        of,
        reason: order.reason.clone(),
    };
    let id = log(&mut tx, submitter, &erasure, now).await?;
    tx.commit().await?;
    Ok(ErasedStatements {
        id,
        statements,
        fields,
    })
}

/// All that was said of one thing.
struct Said {
    kind: Kind,
    /// What the thing is called.
    of: Vec<String>,
    statements: Vec<StoredStatement>,
}

async fn said_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    meant: &Meant,
) -> Result<Said, CaptureError> {
    let index = match meant {
        Meant::Event(event_id) => return said_of_event(conn, merchant_id, event_id).await,
        Meant::Index(index) => i64::try_from(*index).unwrap_or(i64::MAX),
    };
    let meant = statement_at(conn, merchant_id, index).await?;
    let meant = meant.ok_or_else(|| refused("/index", NO_SUCH))?;
    let content = json::parse(&meant.content)?;
    if let Some(event_id) = event_id(&content) {
        return said_of_event(conn, merchant_id, event_id).await;
    }
    let Some((kind, about)) = described(&meant) else {
        return Err(unreadable());
    };
    // Held as whoever describes the thing holds it: what is said meanwhile is erased, too, or comes after.
    if let Some(first) = about.first() {
        hold_identity(conn, merchant_id, identity_key(&first.identity)).await?;
    }
    let statements = all_said(conn, merchant_id, &meant, (kind, &about)).await?;
    let of = about.into_iter().map(|about| about.identity).collect();
    Ok(Said {
        kind,
        of,
        statements,
    })
}

/// The event, and the declaration that it was an error, which repeats it.
async fn said_of_event(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    event_id: &str,
) -> Result<Said, CaptureError> {
    // Held as whoever declares it an error holds it, and as whoever erases other fields of it.
    hold_identity(conn, merchant_id, event_hold(event_id)).await?;
    let keys = [false, true].map(|is_error| event_key(event_id, is_error));
    let statements = statements_with_keys(conn, merchant_id, &keys, LAST, i64::MAX).await?;
    if statements.is_empty() {
        return Err(refused("/eventID", NO_EVENT));
    }
    let goods = goods_of(&statements);
    Ok(Said {
        kind: Kind::Event,
        of: std::iter::once(event_id.to_owned()).chain(goods).collect(),
        statements,
    })
}

/// The goods that statements are about, by which a proof connects what is said of these.
fn goods_of(statements: &[StoredStatement]) -> BTreeSet<String> {
    let abouts = statements.iter();
    let abouts = abouts.flat_map(|stored| About::list(&stored.receipt));
    let goods = abouts.flatten().filter(|about| {
        matches!(
            about.role,
            Role::Epc | Role::Parent | Role::Child | Role::Input | Role::Output
        )
    });
    goods.map(|about| about.identity).collect()
}

/// The ID of an event, if the content is one's.
fn event_id<'v>(content: &'v Value<'v>) -> Option<&'v str> {
    let is_event = content.get("kind")?.as_str() == Some(Kind::Event.as_str());
    is_event.then_some(())?;
    content.get("body")?.get("eventID")?.as_str()
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

/// What is left of a statement.
struct Left {
    content: String,
    salts: Salts,
    /// The leaves that are gone.
    gone: BTreeSet<String>,
}

/// A statement without fields, `None` if it has none of them; and which of them it has, or had.
fn without(
    stored: &StoredStatement,
    kind: Kind,
    fields: &[String],
) -> Result<(HashSet<String>, Option<Left>), CaptureError> {
    let content = json::parse(&stored.content)?;
    let text = |key: &str| content.get(key).and_then(Value::as_str);
    let (Some(body), Some(issuer)) = (content.get("body"), text("issuer")) else {
        return Err(unreadable());
    };
    let all = stored.content_salts.fields_of(&content);
    let named = named_among(&all.map_err(|_| unreadable())?, fields);
    let erased = erase_fields(kind, body, fields).map_err(CaptureError::Body)?;
    let leaves = erased.leaves.iter();
    let gone: BTreeSet<String> = leaves
        .map(|leaf| format!("/body{leaf}"))
        .filter(|leaf| !stored.content_salts.is_erased(leaf))
        .collect();
    if gone.is_empty() {
        return Ok((named, None));
    }
    let read = Statement::read(&stored.parts()).map_err(|_| unreadable())?;
    let salts = read
        .content_salts
        .without(&read.content, |leaf| gone.contains(leaf))
        .map_err(|_| unreadable())?;
    let mut after = stored.clone();
    after.content = content_text(&erased.body, issuer, kind.as_str());
    after.content_salts = Salts::Left(salts);
    // What was proven before must be provable after: nothing is stored that gives another digest.
    let still = Statement::read(&after.parts()).map_err(|_| unreadable())?;
    if still.digest() != stored.digest {
        return Err(refused("/index", "is not what the log has of it"));
    }
    let left = Left {
        content: after.content,
        salts: after.content_salts,
        gone,
    };
    Ok((named, Some(left)))
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
    let body = erasure.to_body();
    if body.len() > MAX_BODY_BYTES {
        return Err(refused("/fields", TOO_LARGE));
    }
    let draft = Draft {
        kind: Kind::Erasure,
        body: &body,
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

/// A fault of a body at the place of the field that the order names.
fn in_order(error: CaptureError, kind: Kind, fields: &[String]) -> CaptureError {
    let fault = match error {
        CaptureError::Body(fault) if fault.pointer.is_empty() => {
            let pointer = match kind {
                Kind::Event | Kind::Party | Kind::Product | Kind::Document => "/fields",
                _ => "/index",
            };
            let pointer = pointer.to_owned();
            return CaptureError::Body(Fault { pointer, ..fault });
        }
        CaptureError::Body(fault) => fault,
        error => return error,
    };
    let meant = fields.iter().position(|field| {
        // An order may name what is above, as well as what is below.
        let is_at_or_above = at_or_above(&fault.pointer).any(|above| above == field);
        is_at_or_above || at_or_above(field).any(|above| above == fault.pointer)
    });
    CaptureError::Body(match meant {
        Some(place) => Fault {
            pointer: format!("/fields/{place}"),
            kind: FaultKind::There(Box::new(fault)),
        },
        None => fault,
    })
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
