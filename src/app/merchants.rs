//! Merchants and their keys: what an operator enters from the command line.

use auditlog::field::Secret;
use sqlx::PgConnection;
use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::accounts::keys;
use crate::accounts::{AccountError, Actor};
use crate::capture::Submitter;
use crate::domain::act::OPERATOR;
use crate::domain::code::CodeKey;
use crate::domain::gs1::{Identity, IdentityError};
use crate::domain::scope::Scope;
use crate::domain::sealed::{OpenFault, StoredEventIdKey};
use crate::store::merchant::{
    Merchant, NewMerchant, clear_event_id_keys, insert_merchant, list_merchants, seal_event_id_key,
};
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
    #[error("several merchants: say which with --merchant; see: rootmark merchant list")]
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
    /// The merchant's key does not open.
    #[error("the key that makes eventIDs: {0}")]
    Sealed(#[from] OpenFault),
    /// A key was not made.
    #[error(transparent)]
    Account(#[from] AccountError),
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
    codes: &CodeKey,
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
    let id = Uuid::now_v7();
    let sealed = sealed(codes, id, &Secret(event_id_key))?;
    let new = NewMerchant {
        id,
        name,
        issuer,
        sealed_event_id_key: &sealed,
        created_at: OffsetDateTime::now_utc(),
    };
    let mut conn = database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, id).await?;
    insert_merchant(&mut tx, &new).await?;
    tx.commit().await?;
    Ok(Merchant {
        id,
        name: name.to_owned(),
        issuer: issuer.to_owned(),
        created_at: new.created_at,
        event_id_key: StoredEventIdKey::Sealed(sealed),
    })
}

fn sealed(codes: &CodeKey, merchant_id: Uuid, key: &Secret) -> Result<Vec<u8>, getrandom::Error> {
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce)?;
    Ok(codes.event_id_keys().seal(merchant_id, nonce, key))
}

/// Seals the keys that lie in the clear: when a service starts on a database from before. In the sealer's role.
pub async fn seal_event_id_keys(
    conn: &mut PgConnection,
    codes: &CodeKey,
) -> Result<(), MerchantError> {
    loop {
        let mut count = 0;
        for (merchant_id, key) in clear_event_id_keys(conn).await? {
            let sealed = sealed(codes, merchant_id, &key)?;
            count += seal_event_id_key(conn, merchant_id, &sealed).await?;
        }
        // None are left, or none can be sealed by now: those can be read as they lie.
        if count == 0 {
            return Ok(());
        }
    }
}

/// A key to be made, for good.
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

/// Makes a key for a merchant, as its operator, and gives its text, which is stored nowhere.
pub async fn add_key(database: &Database, order: &KeyOrder<'_>) -> Result<String, MerchantError> {
    let mut conn = database.accounts.acquire().await?;
    let actor = Actor {
        name: OPERATOR,
        merchant_id: order.merchant_id,
    };
    let KeyOrder {
        issuer,
        label,
        scopes,
        ..
    } = *order;
    let order = keys::KeyOrder {
        issuer: Some(issuer),
        label,
        scopes,
        expires_at: None,
    };
    let made = keys::make(&mut conn, actor, &order, None, OffsetDateTime::now_utc()).await;
    Ok(made?)
}

/// The merchant that a command acts for: named, or the only one there is.
pub async fn acting_merchant(
    database: &Database,
    wanted: Option<&str>,
) -> Result<Merchant, MerchantError> {
    let mut conn = database.checker.acquire().await?;
    let merchants = list_merchants(&mut conn).await?;
    let is_meant = |merchant: &Merchant| {
        wanted.is_none_or(|wanted| merchant.name == wanted || merchant.id.to_string() == wanted)
    };
    let meant: Vec<Merchant> = merchants.into_iter().filter(is_meant).collect();
    match <[_; 1]>::try_from(meant) {
        Ok([only]) => Ok(only),
        Err(none) if none.is_empty() => {
            let unknown = |wanted: &str| MerchantError::Unknown(wanted.to_owned());
            Err(wanted.map_or(MerchantError::None, unknown))
        }
        Err(_) => Err(MerchantError::Several),
    }
}

/// The same as one who captures, in the name of `issuer` if one is given.
pub async fn acting(
    database: &Database,
    codes: &CodeKey,
    wanted: Option<&str>,
    issuer: Option<&str>,
) -> Result<Submitter, MerchantError> {
    let merchant = acting_merchant(database, wanted).await?;
    let stored = &merchant.event_id_key;
    Ok(Submitter {
        merchant_id: merchant.id,
        event_id_key: codes.event_id_keys().read(merchant.id, stored)?,
        issuer: issuer.map(party).transpose()?.unwrap_or(merchant.issuer),
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
