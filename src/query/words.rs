//! Words that a merchant's events use.

use std::collections::{BTreeMap, HashMap, HashSet};

use auditlog::json;
use sqlx::PgConnection;

use super::plan::roles_of;
use super::recent::{Recent, off_the_worker};
use super::{QueryError, texts};
use crate::domain::epcis::{FactValue, Names, facts};
use crate::domain::identity_key::identity_key;
use crate::domain::posting::WordKind;
use crate::domain::statement::StatementId;
use crate::store::event_index::words_after;
use crate::store::trace_index::things_after;

/// At most `limit` words of one kind after `after`, in the order of their bytes. The transaction must act
/// for the merchant and see one moment.
pub async fn words(
    conn: &mut PgConnection,
    recent: &mut Recent,
    kind: WordKind,
    after: &str,
    limit: usize,
) -> Result<Vec<String>, QueryError> {
    let merged = words_after(conn, recent.merchant_id(), kind, after, limit as i64).await?;
    let mut all = recent.words(conn, kind, after, limit).await?;
    all.extend(merged);
    Ok(all.into_iter().take(limit).collect())
}

/// Identities that a merchant's events name as things, each with its place in the list: the key under
/// which it is indexed. They come in the order of their places, after the place `after`.
pub async fn identities(
    conn: &mut PgConnection,
    recent: &Recent,
    after: &str,
    limit: usize,
) -> Result<Vec<(String, String)>, QueryError> {
    let merchant_id = recent.merchant_id();
    let things = things_after(conn, merchant_id, after.parse().ok(), limit as i64).await?;
    // One event may name them all, and is read once.
    let mut of_event: BTreeMap<StatementId, HashSet<i64>> = BTreeMap::new();
    for (key, id) in &things {
        of_event.entry(*id).or_default().insert(*key);
    }
    let of_event = std::sync::Arc::new(of_event);
    let ids: Vec<StatementId> = of_event.keys().copied().collect();
    let mut rest = ids.as_slice();
    let mut named: HashMap<i64, String> = HashMap::new();
    while !rest.is_empty() {
        let (some, read) = texts::next(conn, merchant_id, rest).await?;
        rest = &rest[read..];
        let of_event = std::sync::Arc::clone(&of_event);
        let names = off_the_worker(move || {
            let mut names = Vec::new();
            for (_, event) in &some {
                if let Some(keys) = of_event.get(&event.id) {
                    names.extend(names_of(&event.content, keys)?);
                }
            }
            Ok(names)
        });
        named.extend(names.await?);
    }
    let place = |(key, _): &(i64, StatementId)| Some((key.to_string(), named.remove(key)?));
    Ok(things.iter().filter_map(place).collect())
}

/// The things with some keys that an event names, in their one form.
fn names_of(content: &str, keys: &HashSet<i64>) -> Result<HashMap<i64, String>, QueryError> {
    let content = json::parse(content)?;
    let Some(body) = content.get("body") else {
        return Ok(HashMap::new());
    };
    let facts = facts(body, Names::of(body.get("@context")));
    let things = facts.into_iter().filter_map(|fact| match fact.value {
        FactValue::Text(text) if !roles_of(&fact.field).is_empty() => {
            let key = identity_key(&text);
            keys.contains(&key).then(|| (key, text.into_owned()))
        }
        _ => None,
    });
    Ok(things.collect())
}
