//! From the terms that captures left to rows of one term: many inserts become few.

use std::collections::{BTreeMap, BTreeSet};

use auditlog::json;
use sqlx::{Connection, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::QueryError;
use crate::domain::epcis::index::Indexer;
use crate::domain::epcis::read_event;
use crate::domain::posting::{BatchIndex, Minutes, Posting, Term, WordKind, encode_row};
use crate::domain::statement::{Batch, Kind};
use crate::domain::time::milliseconds;
use crate::store::event_index::{
    EventBatch, TermRow, insert_term_rows, insert_words, take_event_batches, waiting_event_batches,
};
use crate::store::statement::statements_of_batch;

/// Bytes of terms merged in one transaction: about a million postings.
const MERGED_BYTES: i64 = 1024 * 1024;
/// Batches merged in one transaction.
const MERGED_BATCHES: i64 = 2_000;
/// Rows in one insert.
const ROWS: usize = 5_000;
/// Statements read at a time.
const STATEMENTS: i64 = 500;

/// How many batches other than `but` wait, and since when the oldest does; in the indexer's role.
pub async fn waiting(
    conn: &mut PgConnection,
    but: &[Uuid],
) -> Result<(i64, Option<OffsetDateTime>), QueryError> {
    Ok(waiting_event_batches(conn, but).await?)
}

/// What one merge did.
#[derive(Debug, Default)]
pub struct Merged {
    /// How many batches it merged.
    pub batches: usize,
    /// Those of them whose terms were damaged, and were made again from the statements.
    pub mended: Vec<Uuid>,
    /// One that cannot be merged, and why: then nothing was, and without it the others can be.
    pub stuck: Option<(Uuid, QueryError)>,
}

/// Merges some of what waits, other than `but`, in one transaction. `segment` is the name of the rows it
/// writes. In the indexer's role.
pub async fn merge(
    conn: &mut PgConnection,
    segment: Uuid,
    but: &[Uuid],
) -> Result<Merged, QueryError> {
    let mut tx = conn.begin().await?;
    let batches = take_event_batches(&mut tx, but, MERGED_BYTES, MERGED_BATCHES).await?;
    let mut merged = Merged {
        batches: batches.len(),
        ..Merged::default()
    };
    let mut rows: BTreeMap<(Uuid, Term, Minutes), Vec<Posting>> = BTreeMap::new();
    let mut words: BTreeSet<(Uuid, WordKind, String)> = BTreeSet::new();
    for batch in &batches {
        let index = match index_of(&mut tx, batch, &mut merged).await {
            Ok(index) => index,
            Err(QueryError::Store(error)) => return Err(error.into()),
            Err(error) => {
                tx.rollback().await?;
                return Ok(Merged {
                    stuck: Some((batch.batch_id, error)),
                    ..Merged::default()
                });
            }
        };
        let merchant_id = batch.merchant_id;
        let recorded_ms = milliseconds(batch.recorded_at);
        for (term, posting) in index.postings(batch.batch_id, recorded_ms) {
            let key = (merchant_id, term, Minutes::of(&posting));
            rows.entry(key).or_default().push(posting);
        }
        let of_batch = index.words();
        words.extend(of_batch.map(|(kind, word)| (merchant_id, kind, word.to_owned())));
    }
    let rows: Vec<TermRow> = rows.into_iter().map(row).collect();
    for some in rows.chunks(ROWS) {
        insert_term_rows(&mut tx, segment, some).await?;
    }
    // In one order, so that two who store the same words wait for each other and never deadlock.
    let words: Vec<_> = words.into_iter().collect();
    for some in words.chunks(ROWS) {
        insert_words(&mut tx, some).await?;
    }
    tx.commit().await?;
    Ok(merged)
}

/// The terms of a batch: as its capture left them, or, where that is nothing or damaged, made again.
async fn index_of(
    conn: &mut PgConnection,
    batch: &EventBatch,
    merged: &mut Merged,
) -> Result<BatchIndex, QueryError> {
    if batch.terms.is_empty() {
        return made_again(conn, batch).await;
    }
    match BatchIndex::decode(&batch.terms) {
        Ok(index) => Ok(index),
        Err(_) => {
            merged.mended.push(batch.batch_id);
            made_again(conn, batch).await
        }
    }
}

fn row(
    ((merchant_id, term, minutes), mut postings): ((Uuid, Term, Minutes), Vec<Posting>),
) -> TermRow {
    TermRow {
        merchant_id,
        term,
        minutes,
        postings: encode_row(minutes, &mut postings),
    }
}

/// The terms of a batch from its statements.
async fn made_again(conn: &mut PgConnection, batch: &EventBatch) -> Result<BatchIndex, QueryError> {
    let whole = Batch {
        id: batch.batch_id,
        merchant_id: batch.merchant_id,
        recorded_at: batch.recorded_at,
        statement_count: 0,
    };
    let (mut indexer, mut index) = (Indexer::default(), BatchIndex::default());
    let mut position = 0;
    loop {
        let page = statements_of_batch(conn, &whole, position, STATEMENTS).await?;
        let Some(last) = page.last() else {
            return Ok(index);
        };
        position = last.statement.id.position + 1;
        for checked in page.iter().filter(|c| c.kind == Kind::Event.as_str()) {
            let content = json::parse(&checked.statement.content)?;
            let Some(body) = content.get("body") else {
                continue;
            };
            // One that breaks a rule which came after it adds nothing; the trace index has its identities.
            if let Ok(event) = read_event(body) {
                let position = checked.statement.id.position;
                indexer.add_stored(&mut index, position, body, &event);
            }
        }
    }
}
