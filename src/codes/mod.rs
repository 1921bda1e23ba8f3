//! Item codes: issuing them, and saying what a scanned one is.

pub mod hidden;
pub mod printed;

use auditlog::field::Secret;
use auditlog::json::write_string;
use sqlx::PgConnection;
use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::code::CodeKey;
use crate::domain::gs1::{DigitalLink, Gtin, Identity, Lot, Serial};
use crate::domain::hidden::HiddenCode;
use crate::domain::statement::{About, Draft, DraftError, Kind, NewStatement, Role, StatementId};
use crate::domain::time::{timestamp, to_millisecond};
use crate::domain::turn::Turns;
use crate::store::code_range::{CodeRange, code_range_of, insert_code_range, next_number};
use crate::store::statement::events_at;
use crate::store::{batch, begin_for, gtin_owner};

/// Codes of one order.
pub const MAX_QUANTITY: u32 = 10_000_000;
/// Numbers that one GTIN has: serials encipher 32 bits.
const NUMBERS: i64 = 1 << 32;

/// An order of codes.
#[derive(Debug, Clone)]
pub struct CodeOrder<'a> {
    /// Whose.
    pub merchant_id: Uuid,
    /// In whose name the issuance is stated.
    pub issuer: &'a str,
    /// Of which product.
    pub gtin: Gtin,
    /// Of which lot, where that is known already.
    pub lot: Option<Lot>,
    /// How many.
    pub quantity: u32,
    /// Whether each pack bears a hidden code, too.
    pub has_hidden: bool,
}

/// Codes that were issued: publicly stated before any is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCodes {
    /// Of which product.
    pub gtin: Gtin,
    /// Of which lot.
    pub lot: Option<Lot>,
    /// Number of the first.
    pub first_number: u32,
    /// How many.
    pub quantity: u32,
    /// Whether each pack bears a hidden code, too.
    pub has_hidden: bool,
    /// The issuance statement.
    pub id: StatementId,
}

/// What a scanned serial is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SerialStatus {
    /// Issued here, for this lot.
    Issued(Option<Lot>),
    /// Not a serial that this service made.
    NotIssued,
}

/// Why no codes were issued.
#[derive(Debug, Error)]
pub enum CodeError {
    /// None, or more than one order holds.
    #[error("an order is for 1 to {MAX_QUANTITY} codes")]
    Quantity,
    /// The GTIN has no numbers left.
    #[error("the GTIN {gtin} has only {left} codes left")]
    Exhausted {
        /// Which.
        gtin: Gtin,
        /// Numbers never given.
        left: i64,
    },
    /// The GTIN is another merchant's.
    #[error("the GTIN {0} belongs to another merchant")]
    ForeignGtin(Gtin),
    /// The GTIN is nobody's.
    #[error("the GTIN {0} is nobody's yet; describe the product first")]
    UndescribedGtin(Gtin),
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
    /// The issuance cannot be stated.
    #[error(transparent)]
    Statement(#[from] DraftError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// Issues codes: one row and one statement, however many there are.
pub async fn issue(
    conn: &mut PgConnection,
    order: &CodeOrder<'_>,
    now: OffsetDateTime,
) -> Result<IssuedCodes, CodeError> {
    if order.quantity == 0 || order.quantity > MAX_QUANTITY {
        return Err(CodeError::Quantity);
    }
    let now = to_millisecond(now);
    let mut tx = begin_for(conn, order.merchant_id).await?;
    match gtin_owner::hold_gtin(&mut tx, order.gtin).await? {
        Some(owner) if owner == order.merchant_id => {}
        Some(_) => return Err(CodeError::ForeignGtin(order.gtin)),
        None => return Err(CodeError::UndescribedGtin(order.gtin)),
    }
    let first_number = next_number(&mut tx, order.merchant_id, order.gtin).await?;
    let left = NUMBERS - first_number;
    let quantity = i64::from(order.quantity);
    if quantity > left {
        return Err(CodeError::Exhausted {
            gtin: order.gtin,
            left,
        });
    }
    let statement = issuance(order, first_number, now)?.finish()?;
    let id = batch::insert_one(&mut tx, order.merchant_id, statement, now).await?;
    let lot = order.lot.map(|lot| lot.to_string());
    let range = CodeRange {
        first_number,
        quantity,
        lot,
        has_hidden: order.has_hidden,
        id,
    };
    insert_code_range(&mut tx, order.merchant_id, order.gtin, &range).await?;
    tx.commit().await?;
    Ok(IssuedCodes {
        gtin: order.gtin,
        lot: order.lot,
        first_number: first_number as u32,
        quantity: order.quantity,
        has_hidden: order.has_hidden,
        id,
    })
}

/// An order of codes that begins with a number, if there is one. The transaction must act for the merchant.
pub async fn issued(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    gtin: Gtin,
    first_number: u32,
) -> sqlx::Result<Option<IssuedCodes>> {
    let range = code_range_of(conn, merchant_id, gtin, first_number).await?;
    let range = range.filter(|range| range.first_number == i64::from(first_number));
    Ok(range.map(|range| IssuedCodes {
        gtin,
        lot: range.lot.as_deref().and_then(|lot| Lot::parse(lot).ok()),
        first_number,
        quantity: range.quantity as u32,
        has_hidden: range.has_hidden,
        id: range.id,
    }))
}

/// One of them.
#[derive(Debug, Clone)]
pub struct IssuedCode {
    /// What its QR code leads to, on any host.
    pub link: DigitalLink,
    /// The hidden code of the pack, where it has one.
    pub hidden: Option<HiddenCode>,
}

/// Issued codes, made as they are asked for: an order may be of millions. In no order that shows which was first.
pub fn codes(key: &CodeKey, codes: &IssuedCodes) -> impl Iterator<Item = IssuedCode> + use<> {
    let cipher = key.cipher(codes.gtin);
    let (gtin, lot, has_hidden) = (codes.gtin, codes.lot, codes.has_hidden);
    let numbers = codes.first_number..=codes.first_number + (codes.quantity - 1);
    numbers.map(move |number| IssuedCode {
        link: DigitalLink::from_parts(gtin, lot, Some(cipher.serial(number))),
        hidden: has_hidden.then(|| cipher.hidden(number)),
    })
}

/// What a printer needs of issued codes, a line each, in no order that shows which was first: the address below `base`, and,
/// where there are hidden codes, a comma and the hidden code.
pub fn lines(
    key: &CodeKey,
    codes: &IssuedCodes,
    base: String,
) -> impl Iterator<Item = String> + use<> {
    self::codes(key, codes).map(move |code| {
        let hidden = code.hidden.map(|hidden| format!(",{}", hidden.shown()));
        format!("{base}{}{}\n", code.link.path(), hidden.unwrap_or_default())
    })
}

/// What a scanned serial is, or was at a time. The database is asked only for serials that are authentic.
pub async fn serial_status(
    conn: &mut PgConnection,
    key: &CodeKey,
    merchant_id: Uuid,
    (gtin, serial): (Gtin, Serial),
    known_at: Option<OffsetDateTime>,
) -> Result<SerialStatus, CodeError> {
    let Some(number) = key.cipher(gtin).number(serial) else {
        return Ok(SerialStatus::NotIssued);
    };
    let mut range = code_range_of(conn, merchant_id, gtin, number).await?;
    if let (Some(issued), Some(known_at)) = (&range, known_at) {
        let said = events_at(conn, merchant_id, &[issued.id]).await?;
        range = range.filter(|_| said.iter().any(|said| said.recorded_at <= known_at));
    }
    Ok(match range {
        Some(range) => {
            SerialStatus::Issued(range.lot.as_deref().and_then(|lot| Lot::parse(lot).ok()))
        }
        None => SerialStatus::NotIssued,
    })
}

/// What the log says of an order: how many codes exist, never which.
fn issuance<'a>(
    order: &CodeOrder<'a>,
    first_number: i64,
    now: OffsetDateTime,
) -> Result<Issuance<'a>, CodeError> {
    let class = Identity::Class { gtin: order.gtin }.canonical();
    let mut about = vec![About::new(Role::Product, class.clone())];
    let mut body = String::from("{\"gtin\":");
    write_string(&class, &mut body);
    if let Some(lot) = order.lot {
        let lot = Identity::LotOf {
            gtin: order.gtin,
            lot,
        }
        .canonical();
        body.push_str(",\"lot\":");
        write_string(&lot, &mut body);
        about.push(About::new(Role::Lot, lot));
    }
    let hidden = if order.has_hidden {
        ",\"hidden\":true"
    } else {
        ""
    };
    body.push_str(&format!(
        ",\"firstNumber\":{first_number},\"quantity\":{}{hidden}}}",
        order.quantity
    ));
    About::sort(&mut about);
    let mut secrets = [Secret([0; 32]); 2];
    for Secret(bytes) in &mut secrets {
        getrandom::fill(bytes).map_err(CodeError::Random)?;
    }
    Ok(Issuance {
        body,
        issuer: order.issuer,
        about,
        now,
        secrets,
    })
}

struct Issuance<'a> {
    body: String,
    issuer: &'a str,
    about: Vec<About>,
    now: OffsetDateTime,
    secrets: [Secret; 2],
}

impl Issuance<'_> {
    fn finish(self) -> Result<NewStatement, DraftError> {
        Draft {
            kind: Kind::Issuance,
            body: &self.body,
            issuer: self.issuer,
            turns: Turns::of_kind(Kind::Issuance, &self.about),
            about: self.about,
            happened: self.now,
            recorded: timestamp(self.now),
            secrets: self.secrets,
            signature: None,
        }
        .finish()
    }
}
