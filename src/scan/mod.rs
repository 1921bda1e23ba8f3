//! Look-ups: that the page of an item was shown to somebody becomes a statement, which counts those before it.
//!
//! Nobody can spoil genuine goods by looking them up: what a phone shows again on the same day is no other look-up, and
//! one network's look-ups of one item count for little.

use auditlog::LeafIndex;
use auditlog::field::Secret;
use sqlx::PgConnection;
use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::copies::{self, CopySign, Standing};
use crate::domain::gs1::Identity;
use crate::domain::identity_key::identity_key;
use crate::domain::region::Region;
use crate::domain::scan::{MAX_SCANS, Scan};
use crate::domain::statement::{Draft, DraftError, Kind, StoredStatement};
use crate::domain::time::{timestamp, to_millisecond};
use crate::domain::turn::Turns;
use crate::store::batch::{BatchPlace, batch_place};
use crate::store::merchant::issuer_of;
use crate::store::scan::{
    Looker, ScanRange, ScanRow, ScanTally, insert_scan, last_scan, recent_scans, scan_tally,
    scans_before,
};
use crate::store::statement::statements_of_batch;
use crate::store::{batch, begin_for, hold_identity, limit_waiting};

/// Look-ups of one item from one network, under its name of one day, that are counted: a family and its visitors, and not
/// whoever wants a number to rise.
pub const MAX_OF_NETWORK: i64 = 5;

/// A look-up.
#[derive(Debug, Clone)]
pub struct Look {
    /// Whose item.
    pub merchant_id: Uuid,
    /// Which, by its serial number.
    pub item: Identity,
    /// Who looks, as far as it must be told from others.
    pub looker: Looker,
    /// Where, as far as that is known.
    pub place: Option<Region>,
}

/// How often an item was looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanCount {
    /// How often in all.
    pub times: u32,
    /// When first.
    pub first_at: OffsetDateTime,
}

/// What became of a look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// All that there are, this one included if it counts.
    pub count: ScanCount,
    /// The number of this looker's own; none where it was not counted.
    pub own: Option<u32>,
    /// Whether it was counted now, and not before.
    pub is_new: bool,
}

/// Why a look-up was not counted.
#[derive(Debug, Error)]
pub enum ScanError {
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
    /// It cannot be stated.
    #[error(transparent)]
    Statement(#[from] DraftError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// Counts a look-up, unless it is another of the same phone on the same day or one too many of its network. Whether the
/// item is on record is for the caller to know.
pub async fn count(
    conn: &mut PgConnection,
    look: &Look,
    now: OffsetDateTime,
) -> Result<Counted, ScanError> {
    let code = look.item.canonical();
    let mut tx = begin_for(conn, look.merchant_id).await?;
    // A queue before one item must not hold the connections of all others.
    limit_waiting(&mut tx).await?;
    // Look-ups of one item wait for each other, so that no number is given twice.
    hold_identity(&mut tx, look.merchant_id, identity_key(&code)).await?;
    let known = scan_tally(&mut tx, look.merchant_id, &code, &look.looker).await?;
    if let Some(counted) = uncounted(&known, now) {
        tx.rollback().await?;
        return Ok(counted);
    }
    let times = known.count.unsigned_abs();
    // A clock that went back does not put one look-up before another.
    let now = to_millisecond(now);
    let recorded_at = known.last_at.map_or(now, |last_at| last_at.max(now));
    let scan = Scan {
        item: look.item.clone(),
        number: times + 1,
        first_at: known.first_at.unwrap_or(recorded_at),
        place: look.place.clone(),
    };
    let issuer = issuer_of(&mut tx, look.merchant_id).await?;
    let mut secrets = [Secret([0; 32]); 2];
    for Secret(bytes) in &mut secrets {
        getrandom::fill(bytes).map_err(ScanError::Random)?;
    }
    let about = scan.about();
    let statement = Draft {
        kind: Kind::Scan,
        body: &scan.body(),
        issuer: &issuer,
        turns: Turns::of_kind(Kind::Scan, &about),
        about,
        happened: recorded_at,
        recorded: timestamp(recorded_at),
        secrets,
        signature: None,
    }
    .finish()?;
    let id = batch::insert_one(&mut tx, look.merchant_id, statement, recorded_at).await?;
    let row = ScanRow {
        code,
        number: known.count + 1,
        first_at: scan.first_at,
        recorded_at,
        place: scan.place.map(|place| place.as_str().to_owned()),
        id,
    };
    insert_scan(&mut tx, look.merchant_id, &row, &look.looker).await?;
    tx.commit().await?;
    Ok(Counted {
        count: ScanCount {
            times: scan.number,
            first_at: scan.first_at,
        },
        own: Some(scan.number),
        is_new: true,
    })
}

/// What a look-up comes to that is not counted; none where it is to be. Reads alone: most of what is sent again ends here.
pub async fn known_already(
    conn: &mut PgConnection,
    look: &Look,
    now: OffsetDateTime,
) -> Result<Option<Counted>, sqlx::Error> {
    let mut tx = begin_for(conn, look.merchant_id).await?;
    let code = look.item.canonical();
    let known = scan_tally(&mut tx, look.merchant_id, &code, &look.looker).await?;
    tx.rollback().await?;
    Ok(uncounted(&known, now))
}

/// Another of the same phone on the same day, one too many of its network, or one too many in all.
fn uncounted(known: &ScanTally, now: OffsetDateTime) -> Option<Counted> {
    let times = known.count.unsigned_abs();
    let counts = known.own.is_none() && known.of_network < MAX_OF_NETWORK && times < MAX_SCANS;
    (!counts).then(|| Counted {
        count: ScanCount {
            times,
            first_at: known.first_at.unwrap_or(now),
        },
        own: known.own.map(i32::unsigned_abs),
        is_new: false,
    })
}

/// What in an item's record and its look-ups shows that its code was copied. Most items have too few look-ups to be asked
/// for them.
pub async fn signs_of(
    conn: &mut PgConnection,
    (merchant_id, item): (Uuid, &Identity),
    times: u32,
    standing: &Standing,
    now: OffsetDateTime,
) -> Result<Vec<CopySign>, sqlx::Error> {
    let mut signs = copies::standing_signs(standing);
    // Nothing more is counted: what the last days show of it ends, and this does not.
    if times >= MAX_SCANS {
        signs.push(CopySign::Countless { times });
    }
    if times.saturating_sub(standing.reviewed_through) < copies::FEWEST {
        return Ok(signs);
    }
    let range = ScanRange {
        after: standing.reviewed_through.cast_signed(),
        since: now - copies::WINDOW,
        limit: copies::MOST,
    };
    let seen = recent_scans(conn, merchant_id, &item.canonical(), range).await?;
    signs.extend(copies::signs(&seen, standing));
    Ok(signs)
}

/// The statement of one look-up of an item; none where there is none of that number.
pub async fn statement_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    item: &Identity,
    number: u32,
) -> Result<Option<StoredStatement>, sqlx::Error> {
    let before = number.cast_signed().saturating_add(1);
    let found = scans_before(conn, merchant_id, &item.canonical(), before, 1).await?;
    let Some(scan) = found.into_iter().find(|scan| scan.number == before - 1) else {
        return Ok(None);
    };
    let place = batch_place(conn, merchant_id, scan.id.batch_id).await?;
    let Some(BatchPlace::Sealed(sealed)) = place else {
        return Ok(None);
    };
    let rows = statements_of_batch(conn, &sealed.batch, scan.id.position, 1).await?;
    Ok(rows.into_iter().next().map(|row| StoredStatement {
        leaf_index: Some(LeafIndex(sealed.first_index.0 + scan.id.position as u64)),
        ..row.statement
    }))
}

/// How often an item was looked up; none where it never was.
pub async fn count_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    item: &Identity,
) -> Result<Option<ScanCount>, sqlx::Error> {
    let last = last_scan(conn, merchant_id, &item.canonical()).await?;
    Ok(last.map(|last| ScanCount {
        times: last.number.unsigned_abs(),
        first_at: last.first_at,
    }))
}
