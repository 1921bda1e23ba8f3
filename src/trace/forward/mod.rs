//! Forward: from what is wrong to all that is affected, where it is, and who has it.
//!
//! Being affected passes from a lot to its items, from what went into a process to what came out of it, and
//! from a container to what was inside; never from a thing to what merely held it, nor from there to its
//! neighbours. What holds an affected thing is told beside it: there it is to be found.

mod codes;
mod exits;
mod issued;
mod items;
mod last;
mod pace;
mod present;
mod reader;
mod tell;
mod thing;
mod trail;
mod walk;

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

pub use self::codes::{Leading, declared_errors, used_since};
pub use self::pace::Pace;
pub use self::present::{Present, present};
pub use self::trail::{End, Expected, Trail};
use self::walk::MAX_THINGS;
use super::{KnownAt, TraceError};
use crate::domain::code::CodeKey;
use crate::domain::forward::{Forward, Reached, Start};
use crate::domain::gs1::Identity;

/// How many times the walk asks for what the last answer led to: as many steps as there are from milk to a
/// shop, and again as many.
const MAX_ROUNDS: usize = 64;

/// Everything that is affected by what is wrong with `starts`, in memory; a [`Trail`] holds any number of things. The
/// transaction must act for the merchant, whose codes the key made.
pub async fn forward(
    conn: &mut PgConnection,
    of: (Uuid, &CodeKey),
    starts: &[Start],
    known_at: KnownAt,
) -> Result<Forward, TraceError> {
    forward_at(conn, of, starts, known_at, Pace::USUAL).await
}

/// The same, so much at a time: it must make no difference.
pub async fn forward_at(
    conn: &mut PgConnection,
    of: (Uuid, &CodeKey),
    starts: &[Start],
    known_at: KnownAt,
    pace: Pace,
) -> Result<Forward, TraceError> {
    let mut trail = Trail::from(starts, of, known_at, pace);
    let mut things: BTreeMap<Identity, Reached> = BTreeMap::new();
    let mut is_full = false;
    while let Some(told) = trail.next(conn).await? {
        things.extend(told.into_iter().map(|told| (told.identity.clone(), told)));
        is_full = things.len() > MAX_THINGS;
        if is_full {
            break;
        }
    }
    let end = trail.finish(conn).await?;
    let mut things: Vec<Reached> = things.into_values().collect();
    things.sort_by_key(|thing| thing.certainty);
    Ok(Forward {
        starts: starts.to_vec(),
        things,
        holders: end.holders,
        passages: end.passages,
        names: end.names,
        truncated: end.truncated || is_full,
    })
}
