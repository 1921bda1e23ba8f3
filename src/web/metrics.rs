//! `/metrics`: numbers for operators, and for nobody else.
//!
//! With a token in the settings, who presents it may read them, from anywhere. Without one, only who
//! asks from this machine, and through no proxy: a proxy here makes all the world look local.

use std::fmt;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::Hash;
use time::OffsetDateTime;

use super::service::LogState;
use super::{Service, auth, client};
use crate::domain::time::instant;
use crate::metrics::{CONTENT_TYPE, Metrics};
use crate::public;
use crate::store::batch::pending_statements;
use crate::store::subscription::count_all_subscriptions;

/// Batches whose statements are counted.
const COUNTED_BATCHES: i64 = 10_000;
/// What cannot be known within this is not known; a scrape has a time limit of its own.
const PATIENCE: Duration = Duration::from_secs(1);

/// The secret of those who may read the metrics; only its digest is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct MetricsToken(Hash);

impl MetricsToken {
    /// 16 to 200 visible ASCII characters.
    pub fn new(token: &str) -> Option<MetricsToken> {
        let plain = token.bytes().all(|byte| byte.is_ascii_graphic());
        let is_fit = plain && (16..=200).contains(&token.len());
        is_fit.then(|| MetricsToken(Hash::of(&[token.as_bytes()])))
    }
}

impl fmt::Debug for MetricsToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsToken")
    }
}

/// `GET /metrics`
pub(super) async fn metrics(request: HttpRequest, service: web::Data<Service>) -> HttpResponse {
    if let Some(refusal) = refusal(&request, &service) {
        return refusal;
    }
    let metrics = &service.database.metrics;
    read_state(metrics, &service.state.borrow(), (service.clock)());
    metrics.unsealed_events.set(unsealed(&service).await);
    let [waiting, well] = subscriptions(&service).await;
    let states = &metrics.subscriptions;
    states.with_label_values(&["waiting"]).set(waiting);
    states.with_label_values(&["well"]).set(well);
    let folder = &service.log.folder;
    metrics
        .disk_free
        .set(number(public::free_bytes(folder).ok()));
    metrics.resident_memory.set(number(resident_bytes()));
    HttpResponse::Ok()
        .content_type(CONTENT_TYPE)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(metrics.text())
}

/// The answer to whoever may not read them.
fn refusal(request: &HttpRequest, service: &Service) -> Option<HttpResponse> {
    let Some(token) = &service.serving.metrics_token else {
        let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
        let is_here = peer.is_some_and(|peer| peer.is_loopback());
        let refusal = || {
            HttpResponse::Forbidden().body(
                "metrics are for operators: ask from the machine itself, or set \
                 ROOTMARK_METRICS_TOKEN\n",
            )
        };
        return (!is_here || client::is_forwarded(request)).then(refusal);
    };
    // Digests are compared: how many of its bytes agree tells nothing of the token.
    let presented = auth::bearer(request).map(|token| Hash::of(&[token.as_bytes()]));
    let refusal = || {
        HttpResponse::Unauthorized()
            .insert_header((header::WWW_AUTHENTICATE, "Bearer"))
            .body("metrics are for operators: send their token as Authorization: Bearer …\n")
    };
    (presented != Some(token.0)).then(refusal)
}

/// What is known without asking anybody.
fn read_state(metrics: &Metrics, state: &LogState, now: OffsetDateTime) {
    let published = state.published.as_ref().map(|published| &published.anchor);
    let size = published.map_or(0, |line| line.head.size.0);
    metrics.log_tree_size.set(size as i64);
    let sealed_at = published.map(|line| instant(line.sealed_at));
    let age = sealed_at.map_or(f64::INFINITY, |at| (now - at).as_seconds_f64());
    metrics.checkpoint_age.set(age);
    metrics.sealing_stopped.set(state.stopped.is_some().into());
    let anchored = state.anchored.as_ref().map_or(0, |line| line.head.size.0);
    for witness in &state.witnesses {
        let lag = anchored.saturating_sub(witness.cosigned.0);
        metrics
            .witness_lag
            .with_label_values(&[&witness.name])
            .set(lag as i64);
    }
}

async fn unsealed(service: &Service) -> f64 {
    let count = async {
        let mut conn = service.database.sealer.acquire().await?;
        pending_statements(&mut conn, COUNTED_BATCHES).await
    };
    match tokio::time::timeout(PATIENCE, count).await {
        Ok(Ok(count)) => count as f64,
        _ => f64::NAN,
    }
}

/// Those that wait for another try, and the others.
async fn subscriptions(service: &Service) -> [f64; 2] {
    let count = async {
        let mut conn = service.database.deliverer.acquire().await?;
        count_all_subscriptions(&mut conn).await
    };
    match tokio::time::timeout(PATIENCE, count).await {
        Ok(Ok((all, failing))) => [failing as f64, (all - failing) as f64],
        _ => [f64::NAN; 2],
    }
}

/// proc(5): the second number of `statm` is the pages of memory that the process holds.
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// Prometheus's word for what is not known.
fn number(value: Option<u64>) -> f64 {
    value.map_or(f64::NAN, |value| value as f64)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use auditlog::TreeSize;
    use auditlog::anchor::AnchorLine;
    use auditlog::entry::Timestamp;
    use auditlog::proof::TreeHead;

    use super::*;
    use crate::cosign::WitnessState;

    #[test]
    fn a_token_is_long_and_plain_and_is_shown_nowhere() {
        let token = "correct-horse-battery";
        let kept = MetricsToken::new(token).unwrap();
        assert_eq!(format!("{kept:?}"), "MetricsToken");
        for bad in [
            "",
            "short",
            "sixteen letters!",
            "sechzehn-Zeichen-ä",
            &"x".repeat(201),
        ] {
            assert_eq!(MetricsToken::new(bad), None, "{bad}");
        }
        assert!(MetricsToken::new(&"x".repeat(16)).is_some());
        assert!(MetricsToken::new(&"x".repeat(200)).is_some());
    }

    #[test]
    fn the_memory_of_this_process_is_some_megabytes() {
        assert!((1 << 20..1 << 40).contains(&resident_bytes().unwrap()));
    }

    #[test]
    fn a_witness_lags_by_what_is_anchored_and_it_has_not_cosigned() {
        let metrics = Metrics::new();
        let witness = |name: &str, cosigned| WitnessState {
            name: name.to_owned(),
            cosigned: TreeSize(cosigned),
            fault: None,
        };
        let line = AnchorLine {
            seal: 2,
            head: TreeHead {
                size: TreeSize(70),
                root: Hash([7; 32]),
            },
            sealed_at: Timestamp::parse("2026-11-23T01:02:03.123Z").unwrap(),
            previous: Hash([0; 32]),
            checkpoint: String::new(),
        };
        let state = LogState {
            anchored: Some(Arc::new(line)),
            witnesses: vec![witness("shop", 64), witness("regulator", 70)],
            ..LogState::default()
        };
        read_state(&metrics, &state, OffsetDateTime::UNIX_EPOCH);
        let lag = |name| metrics.witness_lag.with_label_values(&[name]).get();
        assert_eq!((lag("shop"), lag("regulator")), (6, 0));
    }

    #[test]
    fn a_log_without_a_checkpoint_is_infinitely_old() {
        let metrics = Metrics::new();
        let state = LogState {
            stopped: Some("why".into()),
            ..LogState::default()
        };
        read_state(&metrics, &state, OffsetDateTime::UNIX_EPOCH);
        assert!(metrics.checkpoint_age.get().is_infinite());
        assert_eq!(metrics.sealing_stopped.get(), 1);
    }
}
