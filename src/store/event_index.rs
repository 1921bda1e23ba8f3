//! The index that queries read: terms of batches as their captures left them, and rows of one term
//! merged from many.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use crate::domain::posting::{Minutes, Term, WordKind};
use crate::domain::statement::Batch;

/// What one capture left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventBatch {
    /// Whose.
    pub merchant_id: Uuid,
    /// Which capture.
    pub batch_id: Uuid,
    /// When.
    pub recorded_at: OffsetDateTime,
    /// A [`crate::domain::posting::BatchIndex`]; empty where it must be made from the statements.
    pub terms: Vec<u8>,
}

/// A row of one term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermRow {
    /// Whose.
    pub merchant_id: Uuid,
    /// Which term.
    pub term: Term,
    /// Of which minutes.
    pub minutes: Minutes,
    /// See [`crate::domain::posting::encode_row`].
    pub postings: Vec<u8>,
}

/// Stores what a capture leaves. The transaction must act for its merchant already.
pub async fn insert_event_batch(
    conn: &mut PgConnection,
    batch: &Batch,
    terms: &[u8],
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO event_batch (merchant_id, batch_id, recorded_at, terms) VALUES ($1, $2, $3, $4)",
        batch.merchant_id,
        batch.id,
        batch.recorded_at,
        terms,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many batches wait to be merged, and since when the oldest does; in the indexer's role.
pub async fn waiting_event_batches(
    conn: &mut PgConnection,
) -> Result<(i64, Option<OffsetDateTime>)> {
    let row =
        sqlx::query!(r#"SELECT count(*) AS "count!", min(recorded_at) AS oldest FROM event_batch"#)
            .fetch_one(conn)
            .await?;
    Ok((row.count, row.oldest))
}

/// Takes batches away to be merged, oldest first: as many as have at most `bytes` together, but at least
/// one; in the indexer's role.
pub async fn take_event_batches(
    conn: &mut PgConnection,
    bytes: i64,
    limit: i64,
) -> Result<Vec<EventBatch>> {
    let mut batches = sqlx::query_as!(
        EventBatch,
        r#"DELETE FROM event_batch b
           USING (
               SELECT merchant_id, batch_id,
                      sum(weight) OVER (ORDER BY recorded_at, merchant_id, batch_id)
                          - weight AS before
               -- What is made from the statements weighs as much as it may become.
               FROM (SELECT merchant_id, batch_id, recorded_at,
                            CASE length(terms) WHEN 0 THEN $1::bigint ELSE length(terms) END AS weight
                     FROM event_batch
                     ORDER BY recorded_at, merchant_id, batch_id LIMIT $2) AS oldest
           ) AS queue
           WHERE b.merchant_id = queue.merchant_id AND b.batch_id = queue.batch_id
             AND queue.before < $1
           RETURNING b.merchant_id, b.batch_id, b.recorded_at, b.terms"#,
        bytes,
        limit,
    )
    .fetch_all(conn)
    .await?;
    batches.sort_by_key(|batch| (batch.merchant_id, batch.recorded_at, batch.batch_id));
    Ok(batches)
}

/// Stores merged rows; in the indexer's role.
pub async fn insert_term_rows(
    conn: &mut PgConnection,
    segment: Uuid,
    rows: &[TermRow],
) -> Result<()> {
    let merchants: Vec<Uuid> = rows.iter().map(|row| row.merchant_id).collect();
    let terms: Vec<i64> = rows.iter().map(|row| row.term.0).collect();
    let event_minutes: Vec<i64> = rows.iter().map(|row| row.minutes.event).collect();
    let recorded_minutes: Vec<i64> = rows.iter().map(|row| row.minutes.recorded).collect();
    let postings: Vec<&[u8]> = rows.iter().map(|row| row.postings.as_slice()).collect();
    sqlx::query!(
        "INSERT INTO event_term
             (segment, merchant_id, term, event_minute, recorded_minute, postings)
         SELECT $1, * FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[])",
        segment,
        &merchants,
        &terms,
        &event_minutes,
        &recorded_minutes,
        &postings as &[&[u8]],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores words that are not known yet; in the indexer's role.
pub async fn insert_words(
    conn: &mut PgConnection,
    words: &[(Uuid, WordKind, String)],
) -> Result<()> {
    let merchants: Vec<Uuid> = words.iter().map(|word| word.0).collect();
    let kinds: Vec<i16> = words.iter().map(|word| word.1.code()).collect();
    let texts: Vec<&str> = words.iter().map(|word| word.2.as_str()).collect();
    sqlx::query!(
        "INSERT INTO event_word (merchant_id, kind, word)
         SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::text[])
         ON CONFLICT DO NOTHING",
        &merchants,
        &kinds,
        &texts as &[&str],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What captures left that is not merged yet, oldest first, but not more than `limit` batches.
pub async fn unmerged_event_batches(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    limit: i64,
) -> Result<Vec<EventBatch>> {
    sqlx::query_as!(
        EventBatch,
        "SELECT merchant_id, batch_id, recorded_at, terms FROM event_batch
         WHERE merchant_id = $1 ORDER BY recorded_at, batch_id LIMIT $2",
        merchant_id,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Words of one kind after `after`, in the order of their bytes.
pub async fn words_after(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    kind: WordKind,
    after: &str,
    limit: i64,
) -> Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT word FROM event_word
           WHERE merchant_id = $1 AND kind = $2 AND word > $3 ORDER BY word LIMIT $4"#,
        merchant_id,
        kind.code(),
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Which way a walk goes through the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// By the minutes of capture, not of the events.
    pub by_record_time: bool,
    /// From the earliest on.
    pub ascending: bool,
}

/// Rows of any of `terms` from the minute `from` on, `limit` of each term at most.
pub async fn term_rows(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    terms: &[Term],
    way: Way,
    from: i64,
    limit: i64,
) -> Result<Vec<TermRow>> {
    let terms: Vec<i64> = terms.iter().map(|term| term.0).collect();
    // Four queries and not one: each must be answered by an index in its own order.
    let rows = match (way.by_record_time, way.ascending) {
        (false, false) => {
            sqlx::query_as!(
                Row,
                r#"SELECT t.term, t.event_minute, t.recorded_minute, t.postings
                   FROM unnest($2::bigint[]) AS wanted (term) CROSS JOIN LATERAL (
                       SELECT term, event_minute, recorded_minute, postings FROM event_term
                       WHERE merchant_id = $1 AND term = wanted.term AND event_minute <= $3
                       ORDER BY event_minute DESC LIMIT $4) AS t
                   ORDER BY t.event_minute DESC, t.term"#,
                merchant_id,
                &terms,
                from,
                limit
            )
            .fetch_all(conn)
            .await?
        }
        (false, true) => {
            sqlx::query_as!(
                Row,
                r#"SELECT t.term, t.event_minute, t.recorded_minute, t.postings
                   FROM unnest($2::bigint[]) AS wanted (term) CROSS JOIN LATERAL (
                       SELECT term, event_minute, recorded_minute, postings FROM event_term
                       WHERE merchant_id = $1 AND term = wanted.term AND event_minute >= $3
                       ORDER BY event_minute LIMIT $4) AS t
                   ORDER BY t.event_minute, t.term"#,
                merchant_id,
                &terms,
                from,
                limit
            )
            .fetch_all(conn)
            .await?
        }
        (true, false) => {
            sqlx::query_as!(
                Row,
                r#"SELECT t.term, t.event_minute, t.recorded_minute, t.postings
                   FROM unnest($2::bigint[]) AS wanted (term) CROSS JOIN LATERAL (
                       SELECT term, event_minute, recorded_minute, postings FROM event_term
                       WHERE merchant_id = $1 AND term = wanted.term AND recorded_minute <= $3
                       ORDER BY recorded_minute DESC LIMIT $4) AS t
                   ORDER BY t.recorded_minute DESC, t.term"#,
                merchant_id,
                &terms,
                from,
                limit
            )
            .fetch_all(conn)
            .await?
        }
        (true, true) => {
            sqlx::query_as!(
                Row,
                r#"SELECT t.term, t.event_minute, t.recorded_minute, t.postings
                   FROM unnest($2::bigint[]) AS wanted (term) CROSS JOIN LATERAL (
                       SELECT term, event_minute, recorded_minute, postings FROM event_term
                       WHERE merchant_id = $1 AND term = wanted.term AND recorded_minute >= $3
                       ORDER BY recorded_minute LIMIT $4) AS t
                   ORDER BY t.recorded_minute, t.term"#,
                merchant_id,
                &terms,
                from,
                limit
            )
            .fetch_all(conn)
            .await?
        }
    };
    Ok(rows.into_iter().map(|row| row.of(merchant_id)).collect())
}

/// All rows of any of `terms` in one minute, but not more than `limit`.
pub async fn term_rows_of_minute(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    terms: &[Term],
    by_record_time: bool,
    minute: i64,
    limit: i64,
) -> Result<Vec<TermRow>> {
    let terms: Vec<i64> = terms.iter().map(|term| term.0).collect();
    let rows = if by_record_time {
        sqlx::query_as!(
            Row,
            "SELECT term, event_minute, recorded_minute, postings FROM event_term
             WHERE merchant_id = $1 AND term = ANY($2) AND recorded_minute = $3
             ORDER BY term, segment, event_minute LIMIT $4",
            merchant_id,
            &terms,
            minute,
            limit
        )
        .fetch_all(conn)
        .await?
    } else {
        sqlx::query_as!(
            Row,
            "SELECT term, event_minute, recorded_minute, postings FROM event_term
             WHERE merchant_id = $1 AND term = ANY($2) AND event_minute = $3
             ORDER BY term, segment, recorded_minute LIMIT $4",
            merchant_id,
            &terms,
            minute,
            limit
        )
        .fetch_all(conn)
        .await?
    };
    Ok(rows.into_iter().map(|row| row.of(merchant_id)).collect())
}

/// How many rows each of `terms` has, counted no further than `limit`.
pub async fn count_term_rows(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    terms: &[Term],
    limit: i64,
) -> Result<i64> {
    let terms: Vec<i64> = terms.iter().map(|term| term.0).collect();
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!"
           FROM unnest($2::bigint[]) AS wanted (term) CROSS JOIN LATERAL (
               SELECT FROM event_term
               WHERE merchant_id = $1 AND term = wanted.term LIMIT $3) AS t"#,
        merchant_id,
        &terms,
        limit,
    )
    .fetch_one(conn)
    .await
}

struct Row {
    term: i64,
    event_minute: i64,
    recorded_minute: i64,
    postings: Vec<u8>,
}

impl Row {
    fn of(self, merchant_id: Uuid) -> TermRow {
        TermRow {
            merchant_id,
            term: Term(self.term),
            minutes: Minutes {
                event: self.event_minute,
                recorded: self.recorded_minute,
            },
            postings: self.postings,
        }
    }
}

/// Everything that waits to be merged, of all merchants; in the checker's role.
pub async fn all_event_batches(
    conn: &mut PgConnection,
    after: (Uuid, Uuid),
    limit: i64,
) -> Result<Vec<EventBatch>> {
    sqlx::query_as!(
        EventBatch,
        "SELECT merchant_id, batch_id, recorded_at, terms FROM event_batch
         WHERE (merchant_id, batch_id) > ($1, $2) ORDER BY merchant_id, batch_id LIMIT $3",
        after.0,
        after.1,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// A row with its place in the table.
#[derive(Debug, Clone)]
pub struct PlacedTermRow {
    /// The row.
    pub row: TermRow,
    /// Which merge wrote it.
    pub segment: Uuid,
}

/// Rows of all merchants after `after`, in the order of the key; in the checker's role.
pub async fn all_term_rows(
    conn: &mut PgConnection,
    after: Option<&PlacedTermRow>,
    limit: i64,
) -> Result<Vec<PlacedTermRow>> {
    let row = after.map(|after| &after.row);
    let rows = sqlx::query!(
        "SELECT merchant_id, term, event_minute, segment, recorded_minute, postings
         FROM event_term
         WHERE (merchant_id, term, event_minute, segment, recorded_minute) > ($1, $2, $3, $4, $5)
         ORDER BY merchant_id, term, event_minute, segment, recorded_minute LIMIT $6",
        row.map_or(Uuid::nil(), |row| row.merchant_id),
        row.map_or(i64::MIN, |row| row.term.0),
        row.map_or(i64::MIN, |row| row.minutes.event),
        after.map_or(Uuid::nil(), |after| after.segment),
        row.map_or(i64::MIN, |row| row.minutes.recorded),
        limit,
    )
    .fetch_all(conn)
    .await?;
    let placed = rows.into_iter().map(|row| PlacedTermRow {
        segment: row.segment,
        row: TermRow {
            merchant_id: row.merchant_id,
            term: Term(row.term),
            minutes: Minutes {
                event: row.event_minute,
                recorded: row.recorded_minute,
            },
            postings: row.postings,
        },
    });
    Ok(placed.collect())
}

/// Words of all merchants after `after`; in the checker's role.
pub async fn all_words(
    conn: &mut PgConnection,
    after: &(Uuid, i16, String),
    limit: i64,
) -> Result<Vec<(Uuid, i16, String)>> {
    let rows = sqlx::query!(
        "SELECT merchant_id, kind, word FROM event_word
         WHERE (merchant_id, kind, word) > ($1, $2, $3)
         ORDER BY merchant_id, kind, word LIMIT $4",
        after.0,
        after.1,
        after.2,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.merchant_id, row.kind, row.word))
        .collect())
}
