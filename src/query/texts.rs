//! Texts of events, some of them at a time: an event may have a mebibyte.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::statement::StatementId;
use crate::store::statement::{StoredEvent, events_within};

/// Texts that are read together, and bytes of them; the last may have as many again.
const TEXTS: usize = 256;
const BYTES: i64 = 2 * 1024 * 1024;

/// The texts of the first of some events, each with its number among them, and how many of them these are:
/// at least one.
pub(super) async fn next(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    ids: &[StatementId],
) -> sqlx::Result<(Vec<(usize, StoredEvent)>, usize)> {
    let some = &ids[..ids.len().min(TEXTS)];
    let stored = events_within(conn, merchant_id, some, BYTES).await?;
    let bytes: usize = stored.iter().map(|(_, event)| event.content.len()).sum();
    let read = match stored.last() {
        // The bytes ended it: what follows is not known.
        Some((number, _)) if bytes as i64 >= BYTES => number + 1,
        _ => some.len(),
    };
    Ok((stored, read))
}
