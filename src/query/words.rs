//! Words that a merchant's events use.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::QueryError;
use super::page::unmerged_batches;
use crate::domain::posting::WordKind;
use crate::store::event_index::words_after;

/// At most `limit` words of one kind after `after`, in the order of their bytes. The transaction must act
/// for the merchant and see one moment.
pub async fn words(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    kind: WordKind,
    after: &str,
    limit: usize,
) -> Result<Vec<String>, QueryError> {
    let merged = words_after(conn, merchant_id, kind, after, limit as i64).await?;
    let mut all: BTreeSet<String> = merged.into_iter().collect();
    for (index, _) in unmerged_batches(conn, merchant_id).await? {
        let of_kind = index
            .words()
            .filter(|(k, word)| *k == kind && *word > after);
        all.extend(of_kind.map(|(_, word)| word.to_owned()));
    }
    Ok(all.into_iter().take(limit).collect())
}
