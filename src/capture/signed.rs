//! Capturing statements that their parties signed themselves. The signature is checked over the very text that is
//! stored, and the key against those that the party's description lists.

use std::collections::HashSet;

use auditlog::json;
use auditlog::note::NoteSigner;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::events::{Capture, Captured, store};
use super::master::{Recorded, record_signed};
use super::prepare::{Prepared, Refused, prepare_event};
use super::{CaptureError, EventFault, Submitter, fresh_secrets};
use crate::domain::capture_fault::ErrorBehaviour;
use crate::domain::fields::{Fault, FaultKind};
use crate::domain::master::read_party;
use crate::domain::signed::{PartySignature, SignedStatement, read_signed, write_signed};
use crate::domain::statement::{Kind, Role};
use crate::domain::time::{LAST, timestamp, to_millisecond};
use crate::domain::turn::Turn;
use crate::store::begin_for;
use crate::store::walk::{Described, Descriptions, descriptions_of};

/// Descriptions of the issuer that are read: keys of the index can collide, so more than the last one.
const LAST_SAID: Descriptions = Descriptions {
    of_each: 8,
    rows: 8,
    content_bytes: 1 << 20,
};

const ONE_KIND: &str = "a file has events alone, or one statement of another kind";
const OTHER_ISSUER: &str = "is not the party in whose name the API key speaks";
const UNKNOWN_KEY: &str = "is none of the keys that the last description of the issuer lists";
const REPEATED: &str = "is the event of another statement of this file";

/// What became of a file of signed statements.
#[derive(Debug)]
pub enum CapturedSigned {
    /// Events, all or none.
    Events(Captured),
    /// One statement of another kind.
    Other(Recorded),
}

/// Signs contents, each under a secret of its own: the file to be sent.
pub fn sign(contents: &[String], signer: &NoteSigner) -> Result<String, CaptureError> {
    let secrets = fresh_secrets(contents.len())?.into_iter();
    let signed = contents.iter().zip(secrets);
    let signed = signed.map(|(content, [secret, _])| PartySignature::of(content, secret, signer));
    let signed: Vec<PartySignature> = signed.collect::<Result<_, _>>()?;
    let contents = contents.iter().map(String::as_str);
    Ok(write_signed(contents.zip(&signed)))
}

/// Reads a file of signed statements; what it needs to be allowed is for the caller.
pub fn read_signed_file(text: &str) -> Result<Vec<SignedStatement>, CaptureError> {
    let value = json::parse(text)?;
    let statements = read_signed(&value).map_err(CaptureError::Body)?;
    let is_alone = statements.len() == 1;
    let other = statements.iter().position(|one| one.kind != Kind::Event);
    match other {
        Some(place) if !is_alone => Err(fault(place, "/content/kind", ONE_KIND)),
        _ => Ok(statements),
    }
}

/// Captures what was read.
pub async fn capture_signed(
    conn: &mut PgConnection,
    submitter: &Submitter,
    statements: Vec<SignedStatement>,
    now: OffsetDateTime,
) -> Result<CapturedSigned, CaptureError> {
    let foreign = statements
        .iter()
        .position(|one| one.issuer != submitter.issuer);
    if let Some(place) = foreign {
        return Err(fault(place, "/content/issuer", OTHER_ISSUER));
    }
    let keys = keys_of(conn, submitter).await?;
    let unknown = |one: &SignedStatement| !keys.contains(&one.signature.signer);
    if let Some(place) = statements.iter().position(unknown) {
        return Err(fault(place, "/signer", UNKNOWN_KEY));
    }
    match &statements[..] {
        [one] if one.kind != Kind::Event => {
            let recorded = record_signed(conn, submitter, one, now).await;
            recorded.map(CapturedSigned::Other).map_err(in_file)
        }
        _ => capture_events(conn, submitter, statements, now)
            .await
            .map(CapturedSigned::Events),
    }
}

async fn capture_events(
    conn: &mut PgConnection,
    submitter: &Submitter,
    statements: Vec<SignedStatement>,
    now: OffsetDateTime,
) -> Result<Captured, CaptureError> {
    let now = to_millisecond(now);
    let id = Uuid::now_v7();
    let preparing = submitter.clone();
    let prepare = move || prepare_all(&statements, &preparing, id, now);
    let prepared = tokio::task::spawn_blocking(prepare)
        .await
        .expect("preparing events does not panic")?;
    let capture = Capture {
        id,
        merchant_id: submitter.merchant_id,
        now,
        behaviour: ErrorBehaviour::Rollback,
    };
    store(conn, capture, prepared).await
}

fn prepare_all(
    statements: &[SignedStatement],
    submitter: &Submitter,
    id: Uuid,
    now: OffsetDateTime,
) -> Result<Prepared, CaptureError> {
    let mut all = Prepared {
        event_count: statements.len(),
        events: Vec::with_capacity(statements.len()),
        refused: Refused::default(),
    };
    let mut seen = HashSet::new();
    for (place, one) in statements.iter().enumerate() {
        let signed = (one.body.as_str(), Some(&one.signature));
        let prepared = prepare_event(signed, submitter, id, timestamp(now))
            .map_err(|error| at_place(error, place))?;
        for mut event in prepared.events {
            event.event = place;
            if !seen.insert(event.key) {
                return Err(fault(place, "/content/body/eventID", REPEATED));
            }
            all.events.push(event);
        }
    }
    Ok(all)
}

/// The fault of the only statement at its place in the file.
fn in_file(error: CaptureError) -> CaptureError {
    match error {
        CaptureError::Body(fault) => CaptureError::Body(Fault {
            pointer: format!("/statements/0/content/body{}", fault.pointer),
            ..fault
        }),
        other => other,
    }
}

/// The fault of an event at its place in the file.
fn at_place(error: CaptureError, place: usize) -> CaptureError {
    match error {
        CaptureError::Events(faults) => CaptureError::Events(
            faults
                .into_iter()
                .map(|fault| EventFault {
                    event: place,
                    ..fault
                })
                .collect(),
        ),
        other => other,
    }
}

/// The keys that the issuer's last description lists.
async fn keys_of(
    conn: &mut PgConnection,
    submitter: &Submitter,
) -> Result<Vec<String>, CaptureError> {
    let wanted = Described::of(&submitter.issuer, Role::Party, Turn::Seen);
    let wanted: Vec<Described> = wanted.into_iter().collect();
    let mut tx = begin_for(conn, submitter.merchant_id).await?;
    let said = descriptions_of(&mut tx, submitter.merchant_id, &wanted, LAST, LAST_SAID).await?;
    tx.rollback().await?;
    let party = said.into_iter().find_map(|stored| {
        let content = json::parse(&stored.content).ok()?;
        let party = read_party(content.get("body")?).ok()?;
        let is_meant = party
            .party
            .as_ref()
            .is_some_and(|party| party.canonical() == submitter.issuer);
        is_meant.then_some(party)
    });
    Ok(party.map(|party| party.keys).unwrap_or_default())
}

fn fault(place: usize, pointer: &str, rule: &'static str) -> CaptureError {
    CaptureError::Body(Fault {
        pointer: format!("/statements/{place}{pointer}"),
        kind: FaultKind::Rule(rule),
    })
}
