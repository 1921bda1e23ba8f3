//! What the service counts and measures, for whoever runs it: every name in one place, and the text
//! that Prometheus reads.
//!
//! A room that counts holds a clone of [`Metrics`], which is cheap, and uses its field. A new number is
//! a field here and a line in [`Metrics::new`]; what can be read off at any time is set when somebody
//! asks, in `web/metrics.rs`. Labels come from closed sets: whatever a stranger may choose freely is
//! never a label, since each value lives in memory for good.

use prometheus::core::Collector;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, Registry, TEXT_FORMAT, TextEncoder,
};

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = TEXT_FORMAT;

/// Sealing takes milliseconds, and seconds after a long outage.
const SEAL_SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// A page is milliseconds; a capture of 16 MiB may take seconds.
const REQUEST_SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// A free connection is microseconds away; nobody waits for longer than three seconds.
const WAIT_SECONDS: &[f64] = &[0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 3.0];

/// All of them. Clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    /// `http_request_duration_seconds{route,method,status}`: until the head of the answer was ready.
    pub http_request_duration: HistogramVec,
    /// `http_requests_refused_total{limit}`: requests over the limit of a client or a key.
    pub requests_refused: IntCounterVec,
    /// `db_pool_wait_seconds{pool}`: until a connection was there, or was not.
    pub db_pool_wait: HistogramVec,
    /// `seal_duration_seconds`: from pending statements to public files, of seals that sealed some.
    pub seal_duration: Histogram,
    /// `seal_failures_total{reason}`.
    pub seal_failures: IntCounterVec,
    /// `deliveries_total{outcome}`: to subscribers.
    pub deliveries: IntCounterVec,
    /// `subscriptions{state}`: `waiting` for the next try of a delivery that failed, or `well`; NaN where
    /// the database does not answer.
    pub subscriptions: GaugeVec,
    /// `scrub_findings_total`: faults met while the stored log is read again.
    pub scrub_findings: IntCounter,
    /// `event_batches_stuck`: captures whose events cannot be merged into the index of events.
    pub event_batches_stuck: IntGauge,
    /// `log_tree_size`: leaves under the public checkpoint.
    pub log_tree_size: IntGauge,
    /// `checkpoint_age_seconds`: since the public checkpoint was sealed; infinite where there is none.
    pub checkpoint_age: Gauge,
    /// `unsealed_events`: statements that wait to be sealed; NaN where the database does not answer.
    pub unsealed_events: Gauge,
    /// `sealing_stopped`: 1 once only a person can mend it.
    pub sealing_stopped: IntGauge,
    /// `witness_lag_entries{witness}`: anchored leaves that a witness has not cosigned.
    pub witness_lag: IntGaugeVec,
    /// `disk_free_bytes`: what the service may still write beside the public log.
    pub disk_free: Gauge,
    /// `process_resident_memory_bytes`.
    pub resident_memory: Gauge,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Metrics {
        let known = Registering(Registry::new());
        Metrics {
            http_request_duration: known.histograms(
                "http_request_duration_seconds",
                "Until the head of an answer was ready, by pattern of the address.",
                REQUEST_SECONDS,
                &["route", "method", "status"],
            ),
            requests_refused: known.counters(
                "http_requests_refused_total",
                "Requests over the limit of a client or of an API key.",
                &["limit"],
            ),
            db_pool_wait: known.histograms(
                "db_pool_wait_seconds",
                "Until a connection to the database was there, or was not.",
                WAIT_SECONDS,
                &["pool"],
            ),
            seal_duration: known.histogram(
                "seal_duration_seconds",
                "From pending statements to public files.",
                SEAL_SECONDS,
            ),
            seal_failures: known.counters(
                "seal_failures_total",
                "Rounds of sealing and publishing that failed.",
                &["reason"],
            ),
            deliveries: known.counters(
                "deliveries_total",
                "Deliveries to subscribers that were tried, by what became of them.",
                &["outcome"],
            ),
            subscriptions: known.gauges(
                "subscriptions",
                "Subscriptions that wait for another try, and those that do not.",
                &["state"],
            ),
            scrub_findings: known.counter(
                "scrub_findings_total",
                "Faults met while the stored log is read again; each is met every round.",
            ),
            event_batches_stuck: known.integer(
                "event_batches_stuck",
                "Captures whose events cannot be merged into the index of events.",
            ),
            log_tree_size: known.integer("log_tree_size", "Leaves under the public checkpoint."),
            checkpoint_age: known.gauge(
                "checkpoint_age_seconds",
                "Since the public checkpoint was sealed.",
            ),
            unsealed_events: known.gauge(
                "unsealed_events",
                "Statements in the 10,000 oldest captures that wait to be sealed.",
            ),
            sealing_stopped: known.integer(
                "sealing_stopped",
                "1 if sealing has stopped until somebody looks.",
            ),
            witness_lag: known.integers(
                "witness_lag_entries",
                "Anchored leaves that a witness has not cosigned.",
                &["witness"],
            ),
            disk_free: known.gauge(
                "disk_free_bytes",
                "What may still be written on the file system of the public log.",
            ),
            resident_memory: known.gauge(
                "process_resident_memory_bytes",
                "Memory of the service itself, Postgres apart.",
            ),
            registry: known.0,
        }
    }

    /// All of them, as Prometheus reads them.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        let encoded = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        encoded.expect("memory takes what is written");
        String::from_utf8(text).expect("names and numbers are text")
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

/// Makes what is in the registry. Names and labels are constants of this file, so that a fault in one
/// shows in every test.
struct Registering(Registry);

impl Registering {
    fn add<C: Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let made = made.expect("a metric has a valid name and valid labels");
        let registered = self.0.register(Box::new(made.clone()));
        registered.expect("no two metrics have one name");
        made
    }

    fn histograms(&self, name: &str, help: &str, at: &[f64], labels: &[&str]) -> HistogramVec {
        let options = HistogramOpts::new(name, help).buckets(at.to_vec());
        self.add(HistogramVec::new(options, labels))
    }

    fn histogram(&self, name: &str, help: &str, at: &[f64]) -> Histogram {
        let options = HistogramOpts::new(name, help).buckets(at.to_vec());
        self.add(Histogram::with_opts(options))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.add(IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.add(IntCounter::new(name, help))
    }

    fn integers(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.add(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.add(Gauge::new(name, help))
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.add(GaugeVec::new(Opts::new(name, help), labels))
    }

    fn integer(&self, name: &str, help: &str) -> IntGauge {
        self.add(IntGauge::new(name, help))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_in_the_text_and_clones_count_together() {
        let metrics = Metrics::new();
        let clone = metrics.clone();
        clone.seal_failures.with_label_values(&["database"]).inc();
        clone.log_tree_size.set(70);
        metrics.seal_duration.observe(0.003);
        let text = metrics.text();
        for line in [
            "# TYPE seal_failures_total counter",
            "seal_failures_total{reason=\"database\"} 1",
            "log_tree_size 70",
            "scrub_findings_total 0",
            "seal_duration_seconds_bucket{le=\"0.0025\"} 0",
            "seal_duration_seconds_bucket{le=\"0.005\"} 1",
            "seal_duration_seconds_count 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(
            !text.contains("reason=\"ahead\""),
            "nothing was counted there"
        );
    }

    #[test]
    fn a_label_cannot_end_its_line() {
        let metrics = Metrics::new();
        metrics.witness_lag.with_label_values(&["a\"} 1\nb"]).set(3);
        let text = metrics.text();
        assert!(
            text.contains(r#"witness_lag_entries{witness="a\"} 1\nb"} 3"#),
            "{text}"
        );
    }
}
