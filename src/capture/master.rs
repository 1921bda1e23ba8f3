//! Recording master data: products, parties and places, documents, links.

use auditlog::field::name_bytes;
use auditlog::json::{self, Value};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    CaptureError, MAX_BODY_BYTES, MAX_NAME_BYTES, Submitter, TOO_LARGE, TOO_WIDE, fresh_pair,
    links, pictures, recalls, reviews, settings,
};
use crate::domain::fields::{Fault, FaultKind};
use crate::domain::gs1::Gtin;
use crate::domain::identity_key::identity_key;
use crate::domain::master::{self, Product};
use crate::domain::signed::{PartySignature, SignedStatement};
use crate::domain::statement::{
    About, Draft, DraftError, Kind, NewStatement, StatementId, StoredStatement,
};
use crate::domain::time::{LAST, timestamp, to_millisecond};
use crate::domain::turn::{Turn, Turns};
use crate::store::party_description::enter_descriptions;
use crate::store::statement::latest_like;
use crate::store::walk::{Described, Descriptions, descriptions_of};
use crate::store::{batch, begin_for, gtin_owner, hold_identity};

/// Earlier statements of the same things among which a signature is looked for.
const SIGNED_BEFORE: Descriptions = Descriptions {
    of_each: 1_000,
    rows: 1_000,
    content_bytes: 32 << 20,
};
const REPLACED: &str =
    "this very signature is on record, and something else was said since: sign it anew";

/// Where a description stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where.
    pub id: StatementId,
    /// Whether it is new; saying again what was said last changes nothing.
    pub is_new: bool,
    /// What it is about.
    pub about: Vec<About>,
}

/// Records a description. A product's first description claims its GTIN for the merchant.
pub async fn record_master(
    conn: &mut PgConnection,
    submitter: &Submitter,
    kind: Kind,
    text: &str,
    now: OffsetDateTime,
) -> Result<Recorded, CaptureError> {
    record(conn, submitter, (kind, text, None), now).await
}

/// The same for one that its party signed.
pub(super) async fn record_signed(
    conn: &mut PgConnection,
    submitter: &Submitter,
    signed: &SignedStatement,
    now: OffsetDateTime,
) -> Result<Recorded, CaptureError> {
    let said = (signed.kind, signed.body.as_str(), Some(&signed.signature));
    record(conn, submitter, said, now).await
}

async fn record(
    conn: &mut PgConnection,
    submitter: &Submitter,
    (kind, text, signature): (Kind, &str, Option<&PartySignature>),
    now: OffsetDateTime,
) -> Result<Recorded, CaptureError> {
    let now = to_millisecond(now);
    let value = json::parse(text)?;
    let about = master::check(kind, &value).map_err(CaptureError::Body)?;
    let product = product(kind, &value)?;
    let body = value.to_compact();
    if body.len() > MAX_BODY_BYTES {
        return Err(CaptureError::Body(whole(FaultKind::Rule(TOO_LARGE))));
    }
    if name_bytes(&value) > MAX_NAME_BYTES {
        return Err(CaptureError::Body(whole(FaultKind::Rule(TOO_WIDE))));
    }
    let draft = Draft {
        kind,
        body: &body,
        issuer: &submitter.issuer,
        about: about.clone(),
        happened: now,
        turns: Turns::of_kind(kind, &about),
        recorded: timestamp(now),
        secrets: fresh_pair()?,
        signature,
    };
    let statement = draft.finish().map_err(|error| {
        let rule = match error {
            DraftError::Unreadable(_) => "nests too deeply",
            DraftError::Signature => "the signature is over another content",
        };
        CaptureError::Body(whole(FaultKind::Rule(rule)))
    })?;
    let mut tx = begin_for(conn, submitter.merchant_id).await?;
    if let Some(product) = &product {
        claim(&mut tx, product.gtin, submitter.merchant_id, now).await?;
    }
    let last = match kind {
        Kind::Link => links::last_said(&mut tx, submitter.merchant_id, &value, &statement).await?,
        Kind::Recall => {
            recalls::last_said(&mut tx, submitter.merchant_id, &value, &statement, now).await?
        }
        Kind::Review => {
            reviews::last_said(&mut tx, submitter.merchant_id, &value, &statement).await?
        }
        Kind::Disclosure => {
            settings::last_said(&mut tx, submitter.merchant_id, &statement, now).await?
        }
        _ => last_said(&mut tx, submitter.merchant_id, &statement).await?,
    };
    let last = match signature {
        Some(signature) => {
            signed_before(&mut tx, submitter.merchant_id, &statement, signature, last).await?
        }
        None => last,
    };
    if kind == Kind::Review {
        reviews::close_case_of(&mut tx, submitter.merchant_id, &value, now).await?;
    }
    if let Some(id) = last {
        tx.commit().await?;
        return Ok(Recorded {
            id,
            is_new: false,
            about,
        });
    }
    if let Some(product) = &product {
        pictures::name(&mut tx, submitter.merchant_id, product).await?;
    }
    let id = batch::insert_one(&mut tx, submitter.merchant_id, statement, now).await?;
    if kind == Kind::Party {
        let keys: Vec<i64> = about
            .iter()
            .map(|about| identity_key(&about.identity))
            .collect();
        enter_descriptions(&mut tx, submitter.merchant_id, &keys).await?;
    }
    tx.commit().await?;
    Ok(Recorded {
        id,
        is_new: true,
        about,
    })
}

fn product(kind: Kind, value: &Value<'_>) -> Result<Option<Product>, CaptureError> {
    let product = (kind == Kind::Product).then(|| master::read_product(value));
    product.transpose().map_err(CaptureError::Body)
}

async fn claim(
    conn: &mut PgConnection,
    gtin: Gtin,
    merchant_id: Uuid,
    now: OffsetDateTime,
) -> Result<(), CaptureError> {
    let owner = gtin_owner::claim_gtin(conn, gtin, merchant_id, now).await?;
    if owner == merchant_id {
        Ok(())
    } else {
        Err(CaptureError::ForeignGtin(gtin))
    }
}

/// Refuses a GTIN that the merchant did not describe.
pub(super) async fn must_own(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    gtin: Gtin,
) -> Result<(), CaptureError> {
    match gtin_owner::gtin_owner(conn, gtin).await? {
        Some(owner) if owner == merchant_id => Ok(()),
        Some(_) => Err(CaptureError::ForeignGtin(gtin)),
        None => Err(CaptureError::UndescribedGtin(gtin)),
    }
}

/// The last statement of this kind about exactly the same, if it says the same.
async fn last_said(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    statement: &NewStatement,
) -> Result<Option<StatementId>, CaptureError> {
    let Some(about) = statement.about.first() else {
        return Ok(None);
    };
    let key = identity_key(&about.identity);
    hold_identity(conn, merchant_id, key).await?;
    let last = latest_like(conn, merchant_id, key, statement).await?;
    Ok(last
        .filter(|(_, content)| *content == statement.content)
        .map(|(id, _)| id))
}

/// Where the very signature stands already: if it is the last statement, it is that one; if others came after it,
/// nobody but its party may say it again, and that by a new signature. What was said last without a signature is
/// said anew under one.
async fn signed_before(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    statement: &NewStatement,
    signature: &PartySignature,
    last: Option<StatementId>,
) -> Result<Option<StatementId>, CaptureError> {
    let about = statement.about.iter();
    let wanted = about.filter_map(|about| Described::of(&about.identity, about.role, Turn::Seen));
    let wanted: Vec<Described> = wanted.collect();
    let said = descriptions_of(conn, merchant_id, &wanted, LAST, SIGNED_BEFORE).await?;
    let is_this = |stored: &&StoredStatement| stored.receipt.contains(&signature.signature);
    match said.iter().find(is_this) {
        Some(stored) if last == Some(stored.id) => Ok(last),
        Some(_) => Err(CaptureError::Body(whole(FaultKind::Rule(REPLACED)))),
        // Said last, and signed with the same key: another signature of it says nothing new.
        None => Ok(said
            .iter()
            .find(|stored| last == Some(stored.id) && stored.receipt.contains(&signature.signer))
            .map(|stored| stored.id)),
    }
}

/// A fault of the body as a whole.
pub(super) fn whole(kind: FaultKind) -> Fault {
    Fault {
        pointer: String::new(),
        kind,
    }
}
