//! Statements and their payloads.

use auditlog::field::Secret;
use auditlog::salts::Salts;
use auditlog::{Entry, Hash, LeafIndex};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::batch::SealedBatch;
use crate::domain::statement::{Batch, NewStatement, StatementId, StoredStatement};
use crate::domain::time::timestamp;

/// Stores the statements of one batch, numbered from 0.
pub async fn insert_statements(
    conn: &mut PgConnection,
    batch: &Batch,
    statements: &[NewStatement],
) -> Result<()> {
    let positions: Vec<i32> = (0..batch.statement_count).collect();
    let kinds: Vec<&str> = statements.iter().map(|s| s.kind.as_str()).collect();
    let digests: Vec<&[u8]> = statements.iter().map(|s| s.digest.0.as_slice()).collect();
    let contents: Vec<&[u8]> = statements.iter().map(|s| s.content.as_bytes()).collect();
    let receipts: Vec<&[u8]> = statements.iter().map(|s| s.receipt.as_bytes()).collect();
    let content_secrets: Vec<&[u8]> = statements
        .iter()
        .map(|s| s.content_secret.0.as_slice())
        .collect();
    let receipt_secrets: Vec<&[u8]> = statements
        .iter()
        .map(|s| s.receipt_secret.0.as_slice())
        .collect();
    sqlx::query!(
        "INSERT INTO statement (merchant_id, batch_id, position, kind, digest, content, receipt,
                                content_secret, receipt_secret)
         SELECT $1, $2, * FROM unnest($3::integer[], $4::text[], $5::bytea[], $6::bytea[],
                                      $7::bytea[], $8::bytea[], $9::bytea[])",
        batch.merchant_id,
        batch.id,
        &positions,
        &kinds as &[&str],
        &digests as &[&[u8]],
        &contents as &[&[u8]],
        &receipts as &[&[u8]],
        &content_secrets as &[&[u8]],
        &receipt_secrets as &[&[u8]],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The digests of all statements of `batches`, batch by batch in the order given; in the sealer's
/// role. One query however many batches there are.
pub async fn digests_of_batches(
    conn: &mut PgConnection,
    batches: &[Batch],
) -> Result<Vec<Vec<Hash>>> {
    let merchants: Vec<Uuid> = batches.iter().map(|batch| batch.merchant_id).collect();
    let ids: Vec<Uuid> = batches.iter().map(|batch| batch.id).collect();
    let rows = sqlx::query!(
        r#"SELECT wanted.place AS "place!", s.digest
           FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS wanted (merchant_id, id, place)
           JOIN statement s ON s.merchant_id = wanted.merchant_id AND s.batch_id = wanted.id
           ORDER BY wanted.place, s.position"#,
        &merchants,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let mut digests = vec![Vec::new(); batches.len()];
    for row in rows {
        digests[row.place as usize - 1].push(super::hash("statement.digest", &row.digest)?);
    }
    Ok(digests)
}

/// The log's entries from `from` up to, not including, `to`; in the sealer's role.
pub async fn entries_between(
    conn: &mut PgConnection,
    from: LeafIndex,
    to: LeafIndex,
) -> Result<Vec<Entry>> {
    let rows = sqlx::query!(
        r#"SELECT b.recorded_at AS "recorded_at!", s.digest AS "digest!",
                  b.first_index + s.position AS "leaf_index!"
           FROM sealed_batch b
           JOIN statement s ON s.merchant_id = b.merchant_id AND s.batch_id = b.id
           WHERE b.first_index >= coalesce(
                     (SELECT max(first_index) FROM sealed_batch WHERE first_index <= $1), 0)
             AND b.first_index < $2
             AND s.position >= greatest($1 - b.first_index, 0)::integer
             AND s.position < least($2 - b.first_index, 2147483647)::integer
           UNION ALL
           SELECT recorded_at, digest, leaf_index FROM lost_entry
           WHERE leaf_index >= $1 AND leaf_index < $2
           ORDER BY 3"#,
        from.0 as i64,
        to.0 as i64,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Entry {
                recorded: timestamp(row.recorded_at),
                digest: super::hash("statement.digest", &row.digest)?,
            })
        })
        .collect()
}

/// The statement of the same kind, about exactly the same, that was recorded last, with its content.
/// `identity_key` is that of one of the identities that `statement` is about.
pub async fn latest_like(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    identity_key: i64,
    statement: &NewStatement,
) -> Result<Option<(StatementId, String)>> {
    // A receipt begins with what it is about; the time follows.
    let about = statement
        .receipt
        .split("\"recorded\"")
        .next()
        .unwrap_or_default()
        .as_bytes();
    let row = sqlx::query!(
        "SELECT s.batch_id, s.position, s.content
         FROM trace_index t
         JOIN statement s
           ON s.merchant_id = t.merchant_id AND s.batch_id = t.batch_id AND s.position = t.position
         WHERE t.merchant_id = $1 AND t.identity_key = $2 AND t.role BETWEEN 7 AND 11 AND s.kind = $3
           AND substring(s.receipt FOR length($4::bytea)) = $4
         ORDER BY t.recorded_at DESC, t.batch_id DESC, t.position DESC LIMIT 1",
        merchant_id,
        identity_key,
        statement.kind.as_str(),
        about,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let id = StatementId {
            batch_id: row.batch_id,
            position: row.position,
        };
        Ok((id, super::text(row.content)?))
    })
    .transpose()
}

/// A statement as a query reads it.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Where.
    pub id: StatementId,
    /// When it was captured.
    pub recorded_at: OffsetDateTime,
    /// What is said.
    pub content: String,
}

/// The statements at some places; what is not there is left out.
pub async fn events_at(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    ids: &[StatementId],
) -> Result<Vec<StoredEvent>> {
    let batches: Vec<Uuid> = ids.iter().map(|id| id.batch_id).collect();
    let positions: Vec<i32> = ids.iter().map(|id| id.position).collect();
    let rows = sqlx::query!(
        r#"SELECT s.batch_id, s.position, s.content,
                  coalesce(sealed.recorded_at, pending.recorded_at) AS "recorded_at!"
           FROM unnest($2::uuid[], $3::integer[]) AS wanted (batch_id, position)
           JOIN statement s ON s.merchant_id = $1 AND s.batch_id = wanted.batch_id
                           AND s.position = wanted.position
           LEFT JOIN sealed_batch sealed ON sealed.merchant_id = $1 AND sealed.id = s.batch_id
           LEFT JOIN pending_batch pending ON pending.merchant_id = $1 AND pending.id = s.batch_id
           ORDER BY s.batch_id, s.position"#,
        merchant_id,
        &batches,
        &positions,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(StoredEvent {
                id: StatementId {
                    batch_id: row.batch_id,
                    position: row.position,
                },
                recorded_at: row.recorded_at,
                content: super::text(row.content)?,
            })
        })
        .collect()
}

/// The statements at some places, in the order of the places and each with its number there: as many as
/// have less than `bytes` of content before them. What is not there is left out.
pub async fn events_within(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    ids: &[StatementId],
    bytes: i64,
) -> Result<Vec<(usize, StoredEvent)>> {
    let batches: Vec<Uuid> = ids.iter().map(|id| id.batch_id).collect();
    let positions: Vec<i32> = ids.iter().map(|id| id.position).collect();
    let rows = sqlx::query!(
        r#"SELECT weighed.number AS "number!", weighed.batch_id, weighed.position, weighed.content,
                  coalesce(sealed.recorded_at, pending.recorded_at) AS "recorded_at!"
           FROM (SELECT wanted.number, s.batch_id, s.position, s.content,
                        -- The length of a long content is known without reading it.
                        sum(length(s.content)) OVER (
                            ORDER BY wanted.number ROWS UNBOUNDED PRECEDING)
                            - length(s.content) AS before
                 FROM unnest($2::uuid[], $3::integer[]) WITH ORDINALITY
                      AS wanted (batch_id, position, number)
                 JOIN statement s ON s.merchant_id = $1 AND s.batch_id = wanted.batch_id
                                 AND s.position = wanted.position) AS weighed
           LEFT JOIN sealed_batch sealed
                  ON sealed.merchant_id = $1 AND sealed.id = weighed.batch_id
           LEFT JOIN pending_batch pending
                  ON pending.merchant_id = $1 AND pending.id = weighed.batch_id
           WHERE weighed.before < $4
           ORDER BY weighed.number"#,
        merchant_id,
        &batches,
        &positions,
        bytes,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = StatementId {
                batch_id: row.batch_id,
                position: row.position,
            };
            let number = usize::try_from(row.number - 1).expect("ordinals count from 1");
            let event = StoredEvent {
                id,
                recorded_at: row.recorded_at,
                content: super::text(row.content)?,
            };
            Ok((number, event))
        })
        .collect()
}

/// Where and how far events are read.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// The first place in the log.
    pub from: LeafIndex,
    /// The first that is no longer in it.
    pub until: LeafIndex,
    /// Events at most.
    pub limit: i64,
    /// Bytes of contents, which the last event may exceed: one is always read.
    pub bytes: i64,
}

/// Events of sealed batches of one merchant with their places, in the order of the log.
pub async fn events_in_order(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    batches: &[SealedBatch],
    stretch: Stretch,
) -> Result<Vec<(LeafIndex, StoredEvent)>> {
    let ids: Vec<Uuid> = batches.iter().map(|sealed| sealed.batch.id).collect();
    let firsts: Vec<i64> = batches
        .iter()
        .map(|sealed| sealed.first_index.0 as i64)
        .collect();
    let times: Vec<OffsetDateTime> = batches
        .iter()
        .map(|sealed| sealed.batch.recorded_at)
        .collect();
    let rows = sqlx::query!(
        r#"SELECT place AS "place!", batch_id AS "batch_id!", position AS "position!",
                  recorded_at AS "recorded_at!", content AS "content!"
           FROM (SELECT *, sum(length(content)) OVER (ORDER BY place) - length(content) AS before
                 FROM (SELECT b.first_index + s.position AS place, s.batch_id, s.position,
                              b.recorded_at, s.content
                       FROM unnest($2::uuid[], $3::bigint[], $4::timestamptz[])
                           AS b (id, first_index, recorded_at)
                       JOIN statement s ON s.merchant_id = $1 AND s.batch_id = b.id
                       WHERE s.kind = 'event' AND b.first_index + s.position >= $5
                         AND b.first_index + s.position < $6
                       ORDER BY b.first_index, s.position LIMIT $7) AS next) AS weighed
           WHERE before < $8 ORDER BY place"#,
        merchant_id,
        &ids,
        &firsts,
        &times,
        stretch.from.0 as i64,
        stretch.until.0 as i64,
        stretch.limit,
        stretch.bytes,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let event = StoredEvent {
                id: StatementId {
                    batch_id: row.batch_id,
                    position: row.position,
                },
                recorded_at: row.recorded_at,
                content: super::text(row.content)?,
            };
            Ok((LeafIndex(row.place as u64), event))
        })
        .collect()
}

/// The links said of the identities with these keys: of each the last `limit`, newest first. Keys can
/// collide: the caller compares the identities themselves.
pub async fn links_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    identity_keys: &[i64],
    limit: i64,
) -> Result<Vec<StoredStatement>> {
    // The index is in the order of roles: rows of a lot's items are not even passed over.
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT s.batch_id, s.position, found.recorded_at AS "recorded_at!",
                  sealed.first_index AS "first_index?",
                  s.content, s.receipt, s.content_secret, s.receipt_secret, s.digest
           FROM (SELECT t.recorded_at, t.batch_id, t.position
                 FROM unnest($2::bigint[]) AS wanted (key)
                 CROSS JOIN LATERAL (
                     SELECT recorded_at, batch_id, position FROM trace_index
                     WHERE merchant_id = $1 AND identity_key = wanted.key AND role = 11
                     ORDER BY recorded_at DESC, batch_id DESC, position DESC LIMIT $3) AS t
                ) AS found
           JOIN statement s
             ON s.merchant_id = $1 AND s.batch_id = found.batch_id AND s.position = found.position
           LEFT JOIN sealed_batch sealed ON sealed.merchant_id = $1 AND sealed.id = s.batch_id
           ORDER BY found.recorded_at DESC, s.batch_id DESC, s.position DESC"#,
        merchant_id,
        identity_keys,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// A statement with its kind column, which nothing but the check reads.
#[derive(Debug)]
pub struct CheckedStatement {
    /// The `kind` column.
    pub kind: String,
    /// The rest.
    pub statement: StoredStatement,
}

/// Every statement of a batch from `position` on, whatever the batch's own row says: for the check and
/// for receipts, which no verifier accepts if a stored statement was altered.
pub async fn statements_of_batch(
    conn: &mut PgConnection,
    batch: &Batch,
    position: i32,
    limit: i64,
) -> Result<Vec<CheckedStatement>> {
    let rows = sqlx::query!(
        "SELECT position, kind, digest, content, receipt, content_secret, receipt_secret
         FROM statement WHERE merchant_id = $1 AND batch_id = $2 AND position >= $3
         ORDER BY position LIMIT $4",
        batch.merchant_id,
        batch.id,
        position,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(CheckedStatement {
                kind: row.kind,
                statement: StoredStatement {
                    id: StatementId {
                        batch_id: batch.id,
                        position: row.position,
                    },
                    recorded_at: batch.recorded_at,
                    leaf_index: None,
                    content: lossy(&row.content),
                    receipt: lossy(&row.receipt),
                    content_salts: Salts::from_bytes(&row.content_secret)
                        .unwrap_or_else(|_| Secret(thirty_two(&row.content_secret)).into()),
                    receipt_secret: Secret(thirty_two(&row.receipt_secret)),
                    digest: Hash(thirty_two(&row.digest)),
                },
            })
        })
        .collect()
}

/// Text for the check: bytes that are no text any more make another text, and so another digest, and
/// the statement is named.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes for the check: what has another length becomes other bytes, so that the statement is named.
fn thirty_two(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or_else(|_| Hash::of(&[bytes]).0)
}

/// How many statements there are; in the checker's role.
pub async fn count_statements(conn: &mut PgConnection) -> Result<i64> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM statement"#)
        .fetch_one(conn)
        .await
}

/// Statements of no batch; in the checker's role.
pub async fn stray_statements(conn: &mut PgConnection, limit: i64) -> Result<Vec<StatementId>> {
    let rows = sqlx::query!(
        "SELECT batch_id, position FROM statement s
         WHERE NOT EXISTS (SELECT FROM sealed_batch b
                           WHERE b.merchant_id = s.merchant_id AND b.id = s.batch_id)
           AND NOT EXISTS (SELECT FROM pending_batch b
                           WHERE b.merchant_id = s.merchant_id AND b.id = s.batch_id)
         ORDER BY batch_id, position LIMIT $1",
        limit,
    )
    .fetch_all(conn)
    .await?;
    let id = |row: &_| -> StatementId {
        let (batch_id, position) = row;
        StatementId {
            batch_id: *batch_id,
            position: *position,
        }
    };
    Ok(rows
        .iter()
        .map(|row| id(&(row.batch_id, row.position)))
        .collect())
}

pub(super) struct Row {
    pub batch_id: Uuid,
    pub position: i32,
    pub recorded_at: OffsetDateTime,
    pub first_index: Option<i64>,
    pub content: Vec<u8>,
    pub receipt: Vec<u8>,
    pub content_secret: Vec<u8>,
    pub receipt_secret: Vec<u8>,
    pub digest: Vec<u8>,
}

impl Row {
    pub fn read(self) -> Result<StoredStatement> {
        let index = |first: i64| LeafIndex(first as u64 + self.position as u64);
        Ok(StoredStatement {
            id: StatementId {
                batch_id: self.batch_id,
                position: self.position,
            },
            recorded_at: self.recorded_at,
            leaf_index: self.first_index.map(index),
            content: super::text(self.content)?,
            receipt: super::text(self.receipt)?,
            content_salts: super::salts("statement.content_secret", &self.content_secret)?,
            receipt_secret: super::secret("statement.receipt_secret", &self.receipt_secret)?,
            digest: super::hash("statement.digest", &self.digest)?,
        })
    }
}
