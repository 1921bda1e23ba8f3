//! Event keys: by which a repeat is recognised.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::domain::event_key::EventKey;
use crate::domain::statement::StatementId;

/// A key to be taken.
#[derive(Debug, Clone)]
pub struct NewEventKey {
    /// The key.
    pub key: EventKey,
    /// SHA-256 of the content.
    pub content_sha256: [u8; 32],
    /// Where the event will stand if nobody has the key.
    pub position: i32,
}

/// A key that somebody has.
#[derive(Debug, Clone)]
pub struct TakenEventKey {
    /// The key.
    pub key: EventKey,
    /// SHA-256 of the content it was taken for; `None` once fields of that were erased, which could be tried out by it.
    pub content_sha256: Option<[u8; 32]>,
    /// Where that event is stored.
    pub id: StatementId,
}

/// Takes the keys that nobody has, and gives those. `keys` must be sorted: two captures of the same
/// events then wait for each other instead of stopping each other dead.
pub async fn take_event_keys(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    batch_id: Uuid,
    keys: &[NewEventKey],
) -> Result<Vec<EventKey>> {
    debug_assert!(keys.is_sorted_by(|a, b| a.key < b.key));
    let names: Vec<&[u8]> = keys.iter().map(|key| key.key.as_slice()).collect();
    let contents: Vec<&[u8]> = keys
        .iter()
        .map(|key| key.content_sha256.as_slice())
        .collect();
    let positions: Vec<i32> = keys.iter().map(|key| key.position).collect();
    let taken = sqlx::query_scalar!(
        "INSERT INTO event_key (merchant_id, key, content_sha256, batch_id, position)
         SELECT $1, new.key, new.content_sha256, $2, new.position
         FROM unnest($3::bytea[], $4::bytea[], $5::integer[]) AS new (key, content_sha256, position)
         ON CONFLICT DO NOTHING
         RETURNING key",
        merchant_id,
        batch_id,
        &names as &[&[u8]],
        &contents as &[&[u8]],
        &positions,
    )
    .fetch_all(conn)
    .await?;
    taken
        .iter()
        .map(|key| super::array("event_key.key", key))
        .collect()
}

/// The keys among `keys` that somebody has.
pub async fn taken_event_keys(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    keys: &[EventKey],
) -> Result<Vec<TakenEventKey>> {
    let names: Vec<&[u8]> = keys.iter().map(EventKey::as_slice).collect();
    let rows = sqlx::query_as!(
        Row,
        "SELECT key, content_sha256, batch_id, position FROM event_key
         WHERE merchant_id = $1 AND key = ANY($2) ORDER BY key",
        merchant_id,
        &names as &[&[u8]],
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// How many keys there are; in the checker's role.
pub async fn count_event_keys(conn: &mut PgConnection) -> Result<i64> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM event_key"#)
        .fetch_one(conn)
        .await
}

/// Keys whose statement is not there, or is not of this merchant; in the checker's role.
pub async fn stray_event_keys(conn: &mut PgConnection, limit: i64) -> Result<Vec<TakenEventKey>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT key, content_sha256, batch_id, position FROM event_key k
         WHERE NOT EXISTS (
             SELECT FROM statement s
             WHERE s.merchant_id = k.merchant_id AND s.batch_id = k.batch_id
               AND s.position = k.position AND s.kind = 'event')
         ORDER BY key LIMIT $1",
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

struct Row {
    key: Vec<u8>,
    content_sha256: Option<Vec<u8>>,
    batch_id: Uuid,
    position: i32,
}

impl Row {
    fn read(self) -> Result<TakenEventKey> {
        Ok(TakenEventKey {
            key: super::array("event_key.key", &self.key)?,
            content_sha256: match &self.content_sha256 {
                Some(hash) => Some(super::array("event_key.content_sha256", hash)?),
                None => None,
            },
            id: StatementId {
                batch_id: self.batch_id,
                position: self.position,
            },
        })
    }
}
