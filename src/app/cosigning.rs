//! The loop that has checkpoints cosigned, and publishes them.

use std::sync::Arc;
use std::time::Duration;

use auditlog::anchor::AnchorLine;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use crate::cosign::{CosignError, Cosigner, Round};
use crate::web::{Failing, LogState};

/// How long after a round without its required quorum the next one begins.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells `first_round` once the witnesses have answered about what was sealed before this start: where a
/// quorum is required, a quorum of them; else whoever answered in time. Then it
/// follows the anchor file until `stop` says so, and has its last line's checkpoint cosigned before it
/// ends. A witness that has seen another history ends it, and all sealing with it.
pub(super) async fn run(
    mut cosigner: Cosigner,
    state: watch::Sender<LogState>,
    mut stop: watch::Receiver<bool>,
    first_round: oneshot::Sender<()>,
) {
    let mut first_round = Some(first_round);
    let mut anchored = state.subscribe();
    let mut last = None;
    loop {
        let stopping = *stop.borrow_and_update();
        let newest = anchored.borrow_and_update().anchored.clone();
        if let Some(line) = newest.filter(|line| is_due(&cosigner, line, &last, stopping)) {
            let round = cosigner.round(&line).await;
            let may_seal = round.as_ref().is_ok_and(|round| round.answered);
            if !note(&cosigner, round, &state) {
                return;
            }
            if may_seal && let Some(first_round) = first_round.take() {
                // Nobody waits for it where the service is stopping already.
                let _ = first_round.send(());
            }
            let published = state.borrow().published.as_ref().map(|p| p.anchor.seal);
            let retry_at = (published != Some(line.seal)).then(|| Instant::now() + PAUSE);
            last = Some((line.seal, retry_at));
        }
        if stopping {
            return;
        }
        let again = next_round(&cosigner, &last);
        let mut late = None;
        tokio::select! {
            changed = anchored.wait_for(|now| is_newer(now, &last)) => {
                if changed.is_err() {
                    return;
                }
            }
            answer = cosigner.late() => late = answer,
            () = until(again) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        // Not inside of the select, which would drop it in the middle of writing a file.
        if let Some(answer) = late {
            let round = cosigner.add(answer).await;
            if round.is_err() {
                last = last.map(|(seal, _)| (seal, Some(Instant::now() + PAUSE)));
            }
            if !note(&cosigner, round, &state) {
                return;
            }
        }
    }
}

type Last = Option<(u64, Option<Instant>)>;

fn is_newer(state: &LogState, last: &Last) -> bool {
    let seal = state.anchored.as_ref().map(|line| line.seal);
    seal.is_some() && seal != last.map(|(seal, _)| seal)
}

fn is_due(cosigner: &Cosigner, line: &Arc<AnchorLine>, last: &Last, stopping: bool) -> bool {
    let asked = last.is_some_and(|(seal, _)| seal == line.seal);
    let again = next_round(cosigner, last).is_some_and(|at| at <= Instant::now());
    !asked || (again && !stopping)
}

/// When to ask again about the same tree: witnesses that failed, or a quorum that is missing.
fn next_round(cosigner: &Cosigner, last: &Last) -> Option<Instant> {
    let unpublished = last.and_then(|(_, retry_at)| retry_at);
    cosigner.retry_at().into_iter().chain(unpublished).min()
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Tells the pages and the operator what a round came to. Whether there may be another.
fn note(
    cosigner: &Cosigner,
    round: Result<Round, CosignError>,
    state: &watch::Sender<LogState>,
) -> bool {
    match round {
        Ok(round) => {
            state.send_modify(|state| {
                state.witnesses = cosigner.states();
                state.published(round.published);
                let public = state.published.as_ref().map(|p| p.anchor.seal);
                let is_behind = public != state.anchored.as_ref().map(|line| line.seal);
                let reason = round.quorum.err().filter(|_| is_behind);
                note_unwitnessed(state, reason.map(|reason| reason.to_string()));
            });
            true
        }
        Err(error @ CosignError::OtherHistory { .. }) => {
            tracing::error!(%error, "sealing has stopped; somebody must look");
            state.send_modify(|state| {
                state.witnesses = cosigner.states();
                state.stopped = Some(error.to_string());
            });
            false
        }
        Err(error) => {
            state.send_modify(|state| note_unwitnessed(state, Some(error.to_string())));
            true
        }
    }
}

/// Logged when it begins and then once a minute.
fn note_unwitnessed(state: &mut LogState, reason: Option<String>) {
    let Some(reason) = reason else {
        if state.unwitnessed.take().is_some() {
            tracing::info!("checkpoints are published again");
        }
        return;
    };
    if Failing::note(&mut state.unwitnessed, reason.clone()) {
        tracing::warn!(reason, "the checkpoint is not published; it is tried again");
    }
}
