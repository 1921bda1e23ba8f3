//! Erasing what was derived from an event: the terms by which queries find it, and the hash of its content. Both are
//! hashes without a salt, by which whoever reads the database could try out what the event said.

use std::collections::BTreeSet;

use auditlog::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{refused, unreadable};
use crate::capture::CaptureError;
use crate::domain::epcis::index::{Indexer, ListedNames};
use crate::domain::epcis::{Names, read_event};
use crate::domain::event_key::{EventKey, event_key};
use crate::domain::posting::{BatchIndex, Minutes, Posting, Term, decode_row, encode_row};
use crate::domain::statement::StoredStatement;
use crate::domain::time::milliseconds;
use crate::store::erasure::{
    forget_content_hash, hold_event_batch, hold_term_rows, replace_event_batch, replace_term_row,
};
use crate::store::event_index::{TermRow, insert_term_rows};

const DAMAGED: &str = "is not found as the index should find it; run `rootmark check`";

/// Forgets what of an event is not in its content any more.
pub(super) async fn forget(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    before: &StoredStatement,
    content: &str,
) -> Result<(), CaptureError> {
    let was = FoundBy::read(&before.content)?;
    let is = FoundBy::read(content)?;
    forget_content_hash(conn, merchant_id, &is.key).await?;
    if was.terms == is.terms {
        return Ok(());
    }
    let batch_id = before.id.batch_id;
    let Some(waiting) = hold_event_batch(conn, merchant_id, batch_id).await? else {
        let posting = Posting {
            event_ms: is.event_ms,
            recorded_ms: milliseconds(before.recorded_at),
            id: before.id,
        };
        return retell(conn, merchant_id, posting, (&was.terms, &is.terms)).await;
    };
    // Without terms they are made from the statements when the batch is merged; so are those that are damaged.
    let mut index = BatchIndex::decode(&waiting).ok();
    let replaced = index
        .as_mut()
        .and_then(|index| index.replace(before.id.position, is.terms));
    let terms = match (index, replaced) {
        (Some(index), Some(())) => index.encode(),
        _ => Vec::new(),
    };
    replace_event_batch(conn, merchant_id, batch_id, &terms).await?;
    Ok(())
}

/// Takes an event out of the merged rows of terms that it has no more, and adds rows for those that it has only now:
/// one that had too many for the index may have few enough.
async fn retell(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    posting: Posting,
    (was, is): (&[Term], &[Term]),
) -> Result<(), CaptureError> {
    let minutes = Minutes::of(&posting);
    let only = |these: &[Term], those: &[Term]| -> Vec<Term> {
        let these = these.iter().copied();
        these
            .filter(|term| those.binary_search(term).is_err())
            .collect()
    };
    let gone = only(was, is);
    let mut left: BTreeSet<Term> = gone.iter().copied().collect();
    for (segment, mut row) in hold_term_rows(conn, merchant_id, &gone, minutes).await? {
        let mut postings = Vec::new();
        let read = decode_row(minutes, &row.postings, &mut postings);
        read.map_err(|_| refused("", DAMAGED))?;
        let count = postings.len();
        postings.retain(|other| other.id != posting.id);
        if postings.len() < count {
            row.postings = encode_row(minutes, &mut postings);
            replace_term_row(conn, segment, &row, postings.is_empty()).await?;
            left.remove(&row.term);
        }
    }
    if !left.is_empty() {
        return Err(refused("", DAMAGED));
    }
    let new = only(is, was).into_iter().map(|term| TermRow {
        merchant_id,
        term,
        minutes,
        postings: encode_row(minutes, &mut [posting]),
    });
    let new: Vec<TermRow> = new.collect();
    insert_term_rows(conn, Uuid::now_v7(), &new).await?;
    Ok(())
}

/// What finds an event.
struct FoundBy {
    key: EventKey,
    event_ms: i64,
    terms: Vec<Term>,
}

impl FoundBy {
    fn read(content: &str) -> Result<FoundBy, CaptureError> {
        let content = json::parse(content)?;
        let body = content.get("body").ok_or_else(unreadable)?;
        let event = read_event(body).map_err(|_| unreadable())?;
        let event_id = event.event_id.as_deref().ok_or_else(unreadable)?;
        let names = ListedNames::of(Names::of(body.get("@context")));
        let found = Indexer::default().event_terms(body, &event, &names);
        Ok(FoundBy {
            key: event_key(event_id, event.is_error_declaration()),
            event_ms: found.event_ms,
            terms: found.terms,
        })
    }
}
