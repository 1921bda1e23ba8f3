//! Merchants and their keys: what an operator enters from the command line.

use auditlog::Hash;
use auditlog::field::Secret;
use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::capture::Submitter;
use crate::domain::gs1::{Identity, IdentityError};
use crate::domain::scope::{Scope, api_key_text};
use crate::store::api_key::{NewApiKey, insert_api_key};
use crate::store::merchant::{Merchant, insert_merchant, list_merchants};
use crate::store::{Database, begin_for};

/// Why a merchant or key was not entered.
#[derive(Debug, Error)]
pub enum MerchantError {
    /// There is none of that name or id.
    #[error("no merchant {0:?}; see: rootmark merchant list")]
    Unknown(String),
    /// There is none at all.
    #[error("no merchants yet; enter one with: rootmark merchant add NAME --issuer PGLN")]
    None,
    /// There are several and none was named.
    #[error("several merchants: say which with --merchant")]
    Several,
    /// Not a party.
    #[error("{0} is not a party: give a PGLN, such as https://id.gs1.org/417/9521041000008")]
    NotAParty(String),
    /// There is a merchant of that name: commands could not tell them apart.
    #[error("there is a merchant {0:?} already")]
    Known(String),
    /// Not an identity.
    #[error("{0}: {1}")]
    Identity(String, IdentityError),
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The database failed.
    #[error("the database: {0}")]
    Store(#[from] sqlx::Error),
}

/// Enters a merchant, whose name nobody has yet.
pub async fn add_merchant(
    database: &Database,
    name: &str,
    issuer: &str,
) -> Result<Merchant, MerchantError> {
    let mut conn = database.checker.acquire().await?;
    let merchants = list_merchants(&mut conn).await?;
    if merchants.iter().any(|merchant| merchant.name == name) {
        return Err(MerchantError::Known(name.to_owned()));
    }
    drop(conn);
    let mut event_id_key = [0; 32];
    getrandom::fill(&mut event_id_key)?;
    let merchant = Merchant {
        id: Uuid::now_v7(),
        name: name.to_owned(),
        issuer: issuer.to_owned(),
        event_id_key: Secret(event_id_key),
        created_at: OffsetDateTime::now_utc(),
    };
    let mut conn = database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, merchant.id).await?;
    insert_merchant(&mut tx, &merchant).await?;
    tx.commit().await?;
    Ok(merchant)
}

/// A key to be made.
pub struct KeyOrder<'a> {
    /// Whose.
    pub merchant_id: Uuid,
    /// In whose name it speaks.
    pub issuer: &'a str,
    /// For people.
    pub label: &'a str,
    /// What it may do.
    pub scopes: &'a [Scope],
}

/// Makes a key and gives its text, which is stored nowhere.
pub async fn add_key(database: &Database, order: &KeyOrder<'_>) -> Result<String, MerchantError> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let text = api_key_text(&random);
    let key = NewApiKey {
        merchant_id: order.merchant_id,
        id: Uuid::now_v7(),
        key_sha256: Hash::of(&[text.as_bytes()]).0,
        label: order.label.to_owned(),
        issuer: order.issuer.to_owned(),
        scopes: order
            .scopes
            .iter()
            .map(|scope| scope.as_str().to_owned())
            .collect(),
        created_at: OffsetDateTime::now_utc(),
    };
    let mut conn = database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, order.merchant_id).await?;
    insert_api_key(&mut tx, &key).await?;
    tx.commit().await?;
    Ok(text)
}

/// The merchant that a command acts for: named, or the only one there is.
pub async fn acting(
    database: &Database,
    wanted: Option<&str>,
    issuer: Option<&str>,
) -> Result<Submitter, MerchantError> {
    let mut conn = database.checker.acquire().await?;
    let merchants = list_merchants(&mut conn).await?;
    let is_meant = |merchant: &Merchant| {
        wanted.is_none_or(|wanted| merchant.name == wanted || merchant.id.to_string() == wanted)
    };
    let meant: Vec<Merchant> = merchants.into_iter().filter(is_meant).collect();
    let merchant = match <[_; 1]>::try_from(meant) {
        Ok([only]) => only,
        Err(none) if none.is_empty() => {
            let unknown = |wanted: &str| MerchantError::Unknown(wanted.to_owned());
            return Err(wanted.map_or(MerchantError::None, unknown));
        }
        Err(_) => return Err(MerchantError::Several),
    };
    Ok(Submitter {
        merchant_id: merchant.id,
        issuer: issuer.map(party).transpose()?.unwrap_or(merchant.issuer),
        event_id_key: merchant.event_id_key,
    })
}

/// A party's canonical Digital Link.
pub fn party(text: &str) -> Result<String, MerchantError> {
    match Identity::parse(text) {
        Ok(party @ Identity::Party { .. }) => Ok(party.canonical()),
        Ok(_) => Err(MerchantError::NotAParty(text.to_owned())),
        Err(error) => Err(MerchantError::Identity(text.to_owned(), error)),
    }
}
