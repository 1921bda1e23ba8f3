//! Entering a hidden code: whoever scratched it free is told whether it is right, and whether it is the first time. Each right one is a
//! statement, so that nobody makes it the first time again.

use auditlog::field::Secret;
use auditlog::json::Value;
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::CodeError;
use crate::domain::code::CodeKey;
use crate::domain::gs1::{Gtin, Identity, Serial};
use crate::domain::hidden::{HiddenCode, MAX_REVEALS, Reveal, read_reveal};
use crate::domain::identity_key::identity_key;
use crate::domain::review::MAX_REVIEWS;
use crate::domain::statement::{Draft, Kind, Role, StoredStatement};
use crate::domain::time::{LAST, timestamp, to_millisecond};
use crate::domain::turn::{Turn, Turns};
use crate::store::code_range::code_range_of;
use crate::store::hidden_try::{TryKey, note_try, try_tally};
use crate::store::merchant::issuer_of;
use crate::store::walk::{Described, Descriptions, descriptions_of};
use crate::store::{batch, begin_for, hold_identity, limit_waiting};

/// Wrong codes of one item from one network, under its name of one day.
pub const MAX_WRONG_OF_NETWORK: i64 = 5;
/// Wrong codes of one item on one day: so many that whoever wants to keep a buyer from his own needs two hundred networks. A year of
/// guessing at one item is right with a chance of 1 in 3 million.
pub const MAX_WRONG: i64 = 1_000;

const ROOM: Descriptions = Descriptions {
    of_each: MAX_REVIEWS as i64 + 1,
    rows: MAX_REVIEWS as i64 + MAX_REVEALS as i64 + 2,
    content_bytes: 8 << 20,
};

/// A hidden code as somebody entered it.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Of which item.
    pub item: (Gtin, Serial),
    /// What was entered.
    pub typed: HiddenCode,
    /// A network, under its name of one day.
    pub network: [u8; 8],
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entered {
    /// The item has none.
    NoneThere,
    /// It is not the one.
    Wrong {
        /// How many more may be tried today; none where this network was right before, which nothing keeps out.
        left: Option<i64>,
    },
    /// Too many were wrong today: this one was not compared.
    TooMany,
    /// It is the one.
    Right {
        /// How often it was entered rightly, this time included.
        times: u32,
        /// When first.
        first_at: OffsetDateTime,
        /// Whether the same network entered it today before: then it is not stated again. It need not be the same person.
        is_again: bool,
    },
}

/// Whether the pack of an item bears a hidden code. The database is asked only for serials that are authentic.
pub async fn has_hidden(
    conn: &mut PgConnection,
    key: &CodeKey,
    merchant_id: Uuid,
    (gtin, serial): (Gtin, Serial),
) -> Result<bool, sqlx::Error> {
    Ok(match key.cipher(gtin).number(serial) {
        None => false,
        Some(number) => {
            let range = code_range_of(conn, merchant_id, gtin, number).await?;
            range.is_some_and(|range| range.has_hidden)
        }
    })
}

/// Compares what was entered with the hidden code of an item, and states that it was right.
pub async fn enter(
    conn: &mut PgConnection,
    key: &CodeKey,
    merchant_id: Uuid,
    entry: &Entry,
    now: OffsetDateTime,
) -> Result<Entered, CodeError> {
    let (gtin, serial) = entry.item;
    let cipher = key.cipher(gtin);
    let Some(number) = cipher.number(serial) else {
        return Ok(Entered::NoneThere);
    };
    let item = Identity::Item { gtin, serial };
    let code = item.canonical();
    let mut tx = begin_for(conn, merchant_id).await?;
    if !has_hidden(&mut tx, key, merchant_id, entry.item).await? {
        tx.rollback().await?;
        return Ok(Entered::NoneThere);
    }
    limit_waiting(&mut tx).await?;
    // Tries of one item wait for each other, so that none is compared beyond the limit and no number is given twice.
    hold_identity(&mut tx, merchant_id, identity_key(&code)).await?;
    let now = to_millisecond(now);
    let try_key = TryKey {
        merchant_id,
        code: &code,
        day: now.date(),
        network: entry.network,
    };
    let tally = try_tally(&mut tx, try_key).await?;
    let left = MAX_WRONG_OF_NETWORK - tally.wrong_of_network;
    let left = left.min(MAX_WRONG - tally.wrong);
    // Whoever was right before is not kept out by what others guess.
    if left <= 0 && !tally.is_right {
        tx.rollback().await?;
        return Ok(Entered::TooMany);
    }
    let is_right = cipher.has_hidden(number, &entry.typed);
    if !is_right {
        note_try(&mut tx, try_key, false).await?;
        tx.commit().await?;
        return Ok(Entered::Wrong {
            left: (!tally.is_right).then_some(left - 1),
        });
    }
    let Known {
        times,
        first_at,
        last_at,
    } = known(&mut tx, merchant_id, &item).await?;
    if (tally.is_right && times > 0) || times >= MAX_REVEALS {
        tx.rollback().await?;
        return Ok(Entered::Right {
            times,
            first_at: first_at.unwrap_or(now),
            is_again: tally.is_right,
        });
    }
    // A use is later than all that was said before it, whichever clock and whichever wait: no review speaks for it unseen.
    let now = last_at.map_or(now, |last_at| now.max(last_at + Duration::MILLISECOND));
    let reveal = Reveal {
        item,
        number: times + 1,
    };
    let issuer = issuer_of(&mut tx, merchant_id).await?;
    let mut secrets = [Secret([0; 32]); 2];
    for Secret(bytes) in &mut secrets {
        getrandom::fill(bytes).map_err(CodeError::Random)?;
    }
    let about = reveal.about();
    let statement = Draft {
        kind: Kind::Reveal,
        body: &reveal.body(),
        issuer: &issuer,
        turns: Turns::of_kind(Kind::Reveal, &about),
        about,
        happened: now,
        recorded: timestamp(now),
        secrets,
        signature: None,
    }
    .finish()?;
    batch::insert_one(&mut tx, merchant_id, statement, now).await?;
    note_try(&mut tx, try_key, true).await?;
    tx.commit().await?;
    Ok(Entered::Right {
        times: reveal.number,
        first_at: first_at.unwrap_or(now),
        is_again: false,
    })
}

/// What was said before of an item's hidden code, and of the item in reviews.
struct Known {
    /// Uses that are stated.
    times: u32,
    /// When the first of them was.
    first_at: Option<OffsetDateTime>,
    /// When the last use was, or the last review.
    last_at: Option<OffsetDateTime>,
}

async fn known(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    item: &Identity,
) -> Result<Known, sqlx::Error> {
    let code = item.canonical();
    let wanted =
        [Role::Revealed, Role::Reviewed].map(|role| Described::of(&code, role, Turn::Seen));
    let wanted: Vec<Described> = wanted.into_iter().flatten().collect();
    let said = descriptions_of(conn, merchant_id, &wanted, LAST, ROOM).await?;
    let mut known = Known {
        times: 0,
        first_at: None,
        last_at: None,
    };
    for stored in &said {
        known.last_at = known.last_at.max(Some(stored.recorded_at));
        // Keys are eight bytes of a hash, which may collide.
        if is_reveal_of(stored, item) {
            known.times += 1;
            let first_at = known.first_at.unwrap_or(stored.recorded_at);
            known.first_at = Some(first_at.min(stored.recorded_at));
        }
    }
    Ok(known)
}

fn is_reveal_of(stored: &StoredStatement, item: &Identity) -> bool {
    let content = auditlog::json::parse(&stored.content).ok();
    let of_kind = content.as_ref().filter(|content| {
        content.get("kind").and_then(Value::as_str) == Some(Kind::Reveal.as_str())
    });
    let body = of_kind.and_then(|content| content.get("body"));
    let reveal = body.and_then(|body| read_reveal(body).ok());
    reveal.is_some_and(|reveal| reveal.item == *item)
}
