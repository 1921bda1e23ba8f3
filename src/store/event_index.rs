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

/// How many batches other than `but` wait to be merged, and since when the oldest does; in the indexer's
/// role.
pub async fn waiting_event_batches(
    conn: &mut PgConnection,
    but: &[Uuid],
) -> Result<(i64, Option<OffsetDateTime>)> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "count!", min(recorded_at) AS oldest FROM event_batch
           WHERE batch_id <> ALL ($1)"#,
        but,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count, row.oldest))
}

/// Takes batches other than `but` away to be merged, oldest first: as many as have at most `bytes`
/// together, but at least one; those that an erasure holds are passed over. In the indexer's role.
pub async fn take_event_batches(
    conn: &mut PgConnection,
    but: &[Uuid],
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
                     FROM event_batch WHERE batch_id <> ALL ($3)
                     ORDER BY recorded_at, merchant_id, batch_id LIMIT $2
                     FOR UPDATE SKIP LOCKED) AS oldest
           ) AS queue
           WHERE b.merchant_id = queue.merchant_id AND b.batch_id = queue.batch_id
             AND queue.before < $1
           RETURNING b.merchant_id, b.batch_id, b.recorded_at, b.terms"#,
        bytes,
        limit,
        but,
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

/// What captures left that is not merged yet, oldest first: as many as have less than `bytes` of terms
/// before them, and not more than `limit`.
pub async fn unmerged_event_batches(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    bytes: i64,
    limit: i64,
) -> Result<Vec<EventBatch>> {
    sqlx::query_as!(
        EventBatch,
        "SELECT merchant_id, batch_id, recorded_at, terms FROM (
             SELECT *, sum(length(terms)) OVER (
                 ORDER BY recorded_at, batch_id ROWS UNBOUNDED PRECEDING) - length(terms) AS before
             FROM event_batch WHERE merchant_id = $1) AS weighed
         WHERE before < $2 ORDER BY recorded_at, batch_id LIMIT $3",
        merchant_id,
        bytes,
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

impl Way {
    /// The minute by which it goes.
    pub fn minute(self, minutes: Minutes) -> i64 {
        match self.by_record_time {
            true => minutes.recorded,
            false => minutes.event,
        }
    }

    /// From a span of the minutes by which it goes, and one of the others, to those of both kinds.
    fn spans(self, along: Span, across: Span) -> (Span, Span) {
        match self.by_record_time {
            true => (across, along),
            false => (along, across),
        }
    }
}

/// From one minute to another; both are in it.
pub type Span = (i64, i64);

/// Which rows are wanted.
#[derive(Debug, Clone, Copy)]
pub struct TermRows<'a> {
    /// Whose.
    pub merchant_id: Uuid,
    /// Of any of which terms.
    pub terms: &'a [Term],
    /// In which order.
    pub way: Way,
    /// In which minutes of the kind by which `way` goes.
    pub along: Span,
    /// In which minutes of the other kind.
    pub across: Span,
    /// Of each term, at most.
    pub rows: i64,
    /// The rows end with the one that has as many bytes of postings before it, or is the last.
    pub bytes: i64,
}

/// A query that must be answered by an index in the order of the index: its text differs by nothing but
/// the minute that it goes by and the direction.
macro_rules! rows_in_order {
    ($wanted:ident, $conn:ident, $minute:tt, $direction:tt) => {{
        let terms: Vec<i64> = $wanted.terms.iter().map(|term| term.0).collect();
        let (event, recorded) = $wanted.way.spans($wanted.along, $wanted.across);
        sqlx::query_as!(
            Row,
            "SELECT term, event_minute, recorded_minute, postings FROM (
                 SELECT t.*, sum(length(t.postings)) OVER (
                     ORDER BY t."
                + $minute
                + $direction
                + ", t.term ROWS UNBOUNDED PRECEDING)
                     - length(t.postings) AS before
                 FROM unnest($2::bigint[]) AS wanted (term) CROSS JOIN LATERAL (
                     SELECT term, event_minute, recorded_minute, postings FROM event_term
                     WHERE merchant_id = $1 AND term = wanted.term
                       AND event_minute BETWEEN $3 AND $4 AND recorded_minute BETWEEN $5 AND $6
                     ORDER BY "
                + $minute
                + $direction
                + " LIMIT $7) AS t) AS weighed
             WHERE before < $8
             ORDER BY "
                + $minute
                + $direction
                + ", term",
            $wanted.merchant_id,
            &terms,
            event.0,
            event.1,
            recorded.0,
            recorded.1,
            $wanted.rows,
            $wanted.bytes,
        )
        .fetch_all($conn)
        .await?
    }};
}

/// Rows in order.
pub async fn term_rows(conn: &mut PgConnection, wanted: TermRows<'_>) -> Result<Vec<TermRow>> {
    let rows = match (wanted.way.by_record_time, wanted.way.ascending) {
        (false, false) => rows_in_order!(wanted, conn, "event_minute", " DESC"),
        (false, true) => rows_in_order!(wanted, conn, "event_minute", " ASC"),
        (true, false) => rows_in_order!(wanted, conn, "recorded_minute", " DESC"),
        (true, true) => rows_in_order!(wanted, conn, "recorded_minute", " ASC"),
    };
    Ok(rows
        .into_iter()
        .map(|row| row.of(wanted.merchant_id))
        .collect())
}

/// Where a walk through the rows of one term in one minute has come: the last row's segment and its minute
/// of the other kind.
pub type PlaceInMinute = (Uuid, i64);

/// Which rows of one minute are wanted.
#[derive(Debug, Clone, Copy)]
pub struct RowsOfMinute {
    /// Whose.
    pub merchant_id: Uuid,
    /// Of which term.
    pub term: Term,
    /// Whether `minute` is one of captures.
    pub by_record_time: bool,
    /// Which minute.
    pub minute: i64,
    /// In which minutes of the other kind.
    pub across: Span,
    /// After which row.
    pub after: PlaceInMinute,
    /// How many, at most.
    pub limit: i64,
}

/// As above: what differs is which of the two minutes is given, and which one goes on.
macro_rules! rows_of_minute {
    ($wanted:ident, $conn:ident, $given:tt, $other:tt) => {
        sqlx::query_as!(
            PlacedRow,
            "SELECT event_minute, recorded_minute, segment, postings FROM event_term
             WHERE merchant_id = $1 AND term = $2 AND "
                + $given
                + " = $3 AND "
                + $other
                + " BETWEEN $4 AND $5 AND (segment, "
                + $other
                + ") > ($6, $7)
             ORDER BY segment, "
                + $other
                + " LIMIT $8",
            $wanted.merchant_id,
            $wanted.term.0,
            $wanted.minute,
            $wanted.across.0,
            $wanted.across.1,
            $wanted.after.0,
            $wanted.after.1,
            $wanted.limit,
        )
        .fetch_all($conn)
        .await?
    };
}

/// Rows of one term in one minute, and the place of the last: a minute may have any number of them.
pub async fn term_rows_of_minute(
    conn: &mut PgConnection,
    wanted: RowsOfMinute,
) -> Result<(Vec<TermRow>, Option<PlaceInMinute>)> {
    let rows = match wanted.by_record_time {
        true => rows_of_minute!(wanted, conn, "recorded_minute", "event_minute"),
        false => rows_of_minute!(wanted, conn, "event_minute", "recorded_minute"),
    };
    let last = rows.last().map(|row| match wanted.by_record_time {
        true => (row.segment, row.event_minute),
        false => (row.segment, row.recorded_minute),
    });
    let rows = rows.into_iter().map(|row| TermRow {
        merchant_id: wanted.merchant_id,
        term: wanted.term,
        minutes: Minutes {
            event: row.event_minute,
            recorded: row.recorded_minute,
        },
        postings: row.postings,
    });
    Ok((rows.collect(), last))
}

struct PlacedRow {
    event_minute: i64,
    recorded_minute: i64,
    segment: Uuid,
    postings: Vec<u8>,
}

/// How much the index has of some terms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    /// Rows.
    pub rows: i64,
    /// Bytes of postings in them.
    pub bytes: i64,
}

/// As [`rows_in_order`].
macro_rules! weight_in_order {
    ($wanted:ident, $conn:ident, $minute:tt) => {{
        let terms: Vec<i64> = $wanted.terms.iter().map(|term| term.0).collect();
        let (event, recorded) = $wanted.way.spans($wanted.along, $wanted.across);
        sqlx::query_as!(
            Weight,
            r#"SELECT count(*) AS "rows!", coalesce(sum(length(t.postings)), 0) AS "bytes!"
               FROM unnest($2::bigint[]) AS wanted (term) CROSS JOIN LATERAL (
                   SELECT postings FROM event_term
                   WHERE merchant_id = $1 AND term = wanted.term
                     AND event_minute BETWEEN $3 AND $4 AND recorded_minute BETWEEN $5 AND $6
                   ORDER BY "#
                + $minute
                + " LIMIT $7) AS t",
            $wanted.merchant_id,
            &terms,
            event.0,
            event.1,
            recorded.0,
            recorded.1,
            $wanted.rows,
        )
        .fetch_one($conn)
        .await
    }};
}

/// How much there is of what is wanted: of each term no more rows are counted than are wanted.
pub async fn weigh_term_rows(conn: &mut PgConnection, wanted: TermRows<'_>) -> Result<Weight> {
    match wanted.way.by_record_time {
        false => weight_in_order!(wanted, conn, "event_minute"),
        true => weight_in_order!(wanted, conn, "recorded_minute"),
    }
}

/// Rows of any of the terms in some minutes of the kind by which `way` goes, in no order; `rows` of them
/// at most, of all terms together, and ended by `bytes`. `along` says nothing here.
pub async fn term_rows_in_minutes(
    conn: &mut PgConnection,
    wanted: TermRows<'_>,
    minutes: &[i64],
) -> Result<Vec<TermRow>> {
    let terms: Vec<i64> = wanted.terms.iter().map(|term| term.0).collect();
    let rows = if wanted.way.by_record_time {
        sqlx::query_as!(
            Row,
            "SELECT term, event_minute, recorded_minute, postings FROM (
                 SELECT t.*, sum(length(postings)) OVER (ROWS UNBOUNDED PRECEDING)
                     - length(postings) AS before
                 FROM (SELECT term, event_minute, recorded_minute, postings FROM event_term
                       WHERE merchant_id = $1 AND term = ANY($2) AND recorded_minute = ANY($3)
                         AND event_minute BETWEEN $4 AND $5 LIMIT $6) AS t) AS weighed
             WHERE before < $7",
            wanted.merchant_id,
            &terms,
            minutes,
            wanted.across.0,
            wanted.across.1,
            wanted.rows,
            wanted.bytes,
        )
        .fetch_all(conn)
        .await?
    } else {
        sqlx::query_as!(
            Row,
            "SELECT term, event_minute, recorded_minute, postings FROM (
                 SELECT t.*, sum(length(postings)) OVER (ROWS UNBOUNDED PRECEDING)
                     - length(postings) AS before
                 FROM (SELECT term, event_minute, recorded_minute, postings FROM event_term
                       WHERE merchant_id = $1 AND term = ANY($2) AND event_minute = ANY($3)
                         AND recorded_minute BETWEEN $4 AND $5 LIMIT $6) AS t) AS weighed
             WHERE before < $7",
            wanted.merchant_id,
            &terms,
            minutes,
            wanted.across.0,
            wanted.across.1,
            wanted.rows,
            wanted.bytes,
        )
        .fetch_all(conn)
        .await?
    };
    Ok(rows
        .into_iter()
        .map(|row| row.of(wanted.merchant_id))
        .collect())
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
