//! Receipts: what a submitter gets of what it captured, at once or when it asks.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use actix_web::web;
use auditlog::bundle::Bundle;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::Service;
use super::error::Problem;
use super::proof_file::proof_source;
use crate::domain::epcis::MAX_EVENTS;
use crate::proof;
use crate::public::Published;
use crate::store::batch::{BatchPlace, SealedBatch, batch_place};
use crate::store::begin_for;
use crate::store::statement::statements_of_batch;

/// The longest wait that is granted, in seconds. A longer one is shortened to it.
pub(super) const MAX_WAIT_S: u64 = 60;

/// Who waits for a seal, and how many receipts are made at a time.
#[derive(Debug)]
pub struct Receipts {
    waiting: Semaphore,
    /// One permit for each statement that is being proved: as many as one document may have.
    proving: Semaphore,
    stop: watch::Receiver<bool>,
}

impl Receipts {
    /// At most `waiting_limit` requests wait at a time, and none once `stop` says so.
    pub fn new(waiting_limit: usize, stop: watch::Receiver<bool>) -> Receipts {
        Receipts {
            waiting: Semaphore::new(waiting_limit),
            proving: Semaphore::new(MAX_EVENTS),
            stop,
        }
    }
}

/// Where a capture stands.
#[derive(Debug)]
pub(super) enum Standing {
    /// It stored nothing of its own, or there is no such capture.
    Nothing,
    /// It is stored, and not public yet.
    Waiting,
    /// All of it is under this public checkpoint.
    Public(SealedBatch, Arc<Published>),
}

/// A preference that was granted, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Granted(pub u64);

/// How long a client prefers to wait (RFC 7240 §4.3), in seconds: at most [`MAX_WAIT_S`]. None where
/// it does not say so, or says it in a way that has no meaning.
pub(super) fn preferred_wait(headers: &HeaderMap) -> Option<u64> {
    let lines = headers
        .get_all("Prefer")
        .filter_map(|line| line.to_str().ok());
    let mut preferences = lines.flat_map(|line| line.split(','));
    // RFC 7240 §2: of several preferences of one name the first counts.
    let value = preferences.find_map(|preference| {
        let preference = preference.split(';').next().unwrap_or_default();
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        let is_wait = name.trim().eq_ignore_ascii_case("wait");
        is_wait.then(|| value.trim())
    })?;
    let digits = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value);
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit are a long wait.
    let seconds = digits.parse().unwrap_or(u64::MAX).min(MAX_WAIT_S);
    (all_digits && seconds > 0).then_some(seconds)
}

/// Where the capture stands after `wait_s` seconds, or as soon as it is public; and whether waiting was
/// granted. While it waits it holds no connection and no thread.
pub(super) async fn standing_within(
    service: &Service,
    merchant_id: Uuid,
    id: Uuid,
    wait_s: Option<u64>,
) -> Result<(Standing, Option<Granted>), Problem> {
    let receipts = &service.receipts;
    // With too many waiting already the preference is ignored, as RFC 7240 allows, and nothing lost.
    let permit = wait_s.and_then(|seconds| Some((seconds, receipts.waiting.try_acquire().ok()?)));
    let Some((seconds, _permit)) = permit else {
        let published = service.state.borrow().published.clone();
        return Ok((standing(service, merchant_id, id, published).await?, None));
    };
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let mut stop = receipts.stop.clone();
    let mut state = service.state.clone();
    loop {
        // Seen before the database is asked: a seal that is published meanwhile wakes us.
        let published = state.borrow_and_update().published.clone();
        let size = published.as_ref().map(|public| public.anchor.head.size);
        let found = standing(service, merchant_id, id, published).await?;
        if !matches!(found, Standing::Waiting) {
            return Ok((found, Some(Granted(seconds))));
        }
        let grown = state.wait_for(|state| {
            let public = state.published.as_ref();
            public.map(|public| public.anchor.head.size) != size
        });
        let ended = tokio::select! {
            grown = timeout_at(deadline, grown) => !matches!(grown, Ok(Ok(_))),
            _ = stop.wait_for(|stop| *stop) => true,
        };
        if ended {
            return Ok((found, Some(Granted(seconds))));
        }
    }
}

async fn standing(
    service: &Service,
    merchant_id: Uuid,
    id: Uuid,
    published: Option<Arc<Published>>,
) -> Result<Standing, Problem> {
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    let place = batch_place(&mut tx, merchant_id, id).await?;
    tx.rollback().await?;
    Ok(match (place, published) {
        (None, _) => Standing::Nothing,
        (Some(BatchPlace::Sealed(sealed)), Some(published))
            if published.anchor.head.size.contains(sealed.last_index()) =>
        {
            Standing::Public(sealed, published)
        }
        (Some(_), _) => Standing::Waiting,
    })
}

/// The bundle of a capture that is public.
pub(super) async fn receipt(
    service: &web::Data<Service>,
    sealed: SealedBatch,
    published: Arc<Published>,
) -> Result<Bundle, Problem> {
    let count = sealed.batch.statement_count.clamp(0, MAX_EVENTS as i32) as u32;
    let _permit = service.receipts.proving.acquire_many(count).await;
    let statements = {
        let mut conn = service.database.capture.acquire().await?;
        let mut tx = begin_for(&mut conn, sealed.batch.merchant_id).await?;
        let statements = statements_of_batch(&mut tx, &sealed.batch, 0, MAX_EVENTS as i64).await?;
        tx.rollback().await?;
        statements
    };
    let making = service.clone();
    web::block(move || {
        let statements: Vec<_> = statements.into_iter().map(|row| row.statement).collect();
        proof::receipt(&sealed, &statements, &proof_source(&making, &published))
    })
    .await
    .map_err(|error| Problem::internal(&error))?
    .map_err(|error| Problem::internal(&error))
}

/// Preferences as they are sent back.
impl std::fmt::Display for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "wait={}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn wait(lines: &[&str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for line in lines {
            let line = HeaderValue::from_str(line).unwrap();
            headers.append(HeaderName::from_static("prefer"), line);
        }
        preferred_wait(&headers)
    }

    #[test]
    fn a_wait_is_read_in_every_spelling_of_rfc_7240_and_shortened_to_the_limit() {
        assert_eq!(wait(&["wait=10"]), Some(10));
        assert_eq!(wait(&["respond-async, wait=10"]), Some(10));
        assert_eq!(wait(&["respond-async", "WAIT = \"10\" ; x=y"]), Some(10));
        assert_eq!(wait(&["wait=3, wait=5"]), Some(3), "the first counts");
        assert_eq!(wait(&["wait=60"]), Some(60));
        assert_eq!(wait(&["wait=61"]), Some(60));
        assert_eq!(wait(&["wait=99999999999999999999999"]), Some(60));
    }

    #[test]
    fn a_wait_that_means_nothing_is_ignored() {
        assert_eq!(wait(&[]), None);
        for line in [
            "wait",
            "wait=",
            "wait=0",
            "wait=-1",
            "wait=1.5",
            "wait=+1",
            "wait=ten",
            "wait=\"1",
            "await=1",
            "return=minimal",
            "wait=0x10",
            "wait=1 2",
            ",,;=",
        ] {
            assert_eq!(wait(&[line]), None, "{line}");
        }
        assert_eq!(wait(&["wait=ten, wait=5"]), None, "the first counts");
    }
}
