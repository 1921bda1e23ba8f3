//! Words that a merchant's events use.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::QueryError;
use super::page::identities_of;
use super::page::unmerged_batches;
use crate::domain::identity_key::identity_key;
use crate::domain::posting::WordKind;
use crate::store::event_index::words_after;
use crate::store::statement::events_at;
use crate::store::trace_index::things_after;

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

/// Identities that a merchant's events name as things, each with its place in the list: the key under
/// which it is indexed. They come in the order of their places, after the place `after`.
pub async fn identities(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    after: &str,
    limit: usize,
) -> Result<Vec<(String, String)>, QueryError> {
    let after = after.parse().ok();
    let things = things_after(conn, merchant_id, after, limit as i64).await?;
    let ids: Vec<_> = things.iter().map(|(_, id)| *id).collect();
    let stored = events_at(conn, merchant_id, &ids).await?;
    let mut found = Vec::with_capacity(things.len());
    for (key, id) in things {
        let event = stored.iter().find(|event| event.id == id);
        let Some(event) = event else { continue };
        let names = identities_of(&event.content)?;
        let named = names.into_iter().find(|name| identity_key(name) == key);
        found.extend(named.map(|name| (key.to_string(), name)));
    }
    Ok(found)
}
