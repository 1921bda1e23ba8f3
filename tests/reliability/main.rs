//! What must survive a crash: every acknowledged event, and one history.

#[path = "../support/mod.rs"]
mod support;

mod crash_points;
mod drill;
mod service;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use auditlog::checkpoint::Checkpoint;
use auditlog::note::{SignedNote, Verifier};
use auditlog::proof::TreeReader;
use auditlog::{Hash, TreeSize};
use rootmark::public::TileFiles;
use service::{Folder, Service};
use tokio::sync::Mutex;

/// Kills of one run; many more in a long one.
fn kills() -> u32 {
    if std::env::var_os("ROOTMARK_SOAK").is_some() {
        1_000
    } else {
        20
    }
}

const CLIENTS: u32 = 4;

/// What clients saw: events that were acknowledged, and the roots that were published by size.
#[derive(Default)]
struct Seen {
    acknowledged: Mutex<Vec<u32>>,
    checkpoints: Mutex<BTreeMap<u64, Hash>>,
    next: AtomicU32,
    stop: AtomicBool,
}

/// A limit, not a delay.
const LIMIT: Duration = Duration::from_secs(60);

impl Seen {
    /// Waits until another event is acknowledged.
    async fn acknowledges_more(&self) {
        let before = self.acknowledged.lock().await.len();
        let more = async {
            while self.acknowledged.lock().await.len() == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let more = tokio::time::timeout(LIMIT, more).await;
        more.expect("a service under load acknowledges something");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_under_load_lose_no_acknowledged_event_and_leave_one_history() {
    let folder = Folder::new();
    let service = Service::start(&folder).await;
    let key = folder.enter_merchant();
    service.stop().await;
    let seen = Arc::new(Seen::default());
    let mut moments = Moments(0x9e37_79b9_7f4a_7c15);
    let kills = kills();
    for kill in 0..kills {
        let service = Service::start(&folder).await;
        let load = start_load(&service, &key, &seen);
        // Half of them die only once they have acknowledged something, however slow the machine is.
        if kill % 4 < 2 {
            seen.acknowledges_more().await;
        }
        // The moment is what the test varies; nothing is asserted about how long it is.
        tokio::time::sleep(moments.next()).await;
        service.kill(kill % 2 == 0);
        seen.stop.store(true, Ordering::Relaxed);
        for client in load {
            client.await.unwrap();
        }
        seen.stop.store(false, Ordering::Relaxed);
    }
    let service = Service::start(&folder).await;
    let acknowledged = seen.acknowledged.lock().await.clone();
    assert!(
        acknowledged.len() > kills as usize,
        "the load was no load: {}",
        acknowledged.len()
    );
    // A repeat of what is stored is recognised, and stores nothing.
    for events in acknowledged.chunks(500) {
        let body = document(events);
        let answer = post(&service, &key, body).await.unwrap();
        assert_eq!(
            answer["rootmark:storedCount"], 0,
            "an acknowledged event was lost"
        );
    }
    // The negative twin: an event that nobody sent is not known.
    let unknown = seen.next.fetch_add(1, Ordering::Relaxed);
    let answer = post(&service, &key, document(&[unknown])).await.unwrap();
    assert_eq!(answer["rootmark:storedCount"], 1);
    service.stop().await;
    assert_eq!(folder.run(&["seal"]).0, 0);
    assert_one_history(&folder, &seen).await;
    let (code, said) = folder.run(&["check"]);
    assert_eq!(code, 0, "{said}");
    let total = seen.checkpoints.lock().await.len();
    eprintln!(
        "{} events acknowledged, {total} checkpoints seen",
        acknowledged.len()
    );
}

/// Every checkpoint that anybody saw must be a prefix of the log as it is now.
async fn assert_one_history(folder: &Folder, seen: &Seen) {
    let public = folder.public_log();
    let note = std::fs::read_to_string(public.join("checkpoint")).unwrap();
    let vkey = std::fs::read_to_string(public.join("vkey")).unwrap();
    let verifier = Verifier::parse(vkey.trim()).unwrap();
    let last = Checkpoint::open(&SignedNote::parse(&note).unwrap(), &verifier).unwrap();
    let mut reader = TreeReader::new(TileFiles::new(public), last.head.size);
    assert_eq!(reader.root(last.head.size).unwrap(), last.head.root);
    let checkpoints = seen.checkpoints.lock().await;
    assert!(checkpoints.len() > 1, "no checkpoint was seen");
    for (size, root) in checkpoints.iter() {
        let now = reader.root(TreeSize(*size)).unwrap();
        assert_eq!(
            now, *root,
            "the checkpoint of {size} leaves is of another history"
        );
    }
}

fn start_load(service: &Service, key: &str, seen: &Arc<Seen>) -> Vec<tokio::task::JoinHandle<()>> {
    let mut tasks = Vec::new();
    for _ in 0..CLIENTS {
        let (base, key, seen) = (service.base.clone(), key.to_owned(), Arc::clone(seen));
        tasks.push(tokio::spawn(async move {
            let http = rootmark::http_client::loopback();
            while !seen.stop.load(Ordering::Relaxed) {
                let first = seen.next.fetch_add(3, Ordering::Relaxed);
                let events = [first, first + 1, first + 2];
                let Some(answer) = try_post(&http, &base, &key, document(&events)).await else {
                    continue;
                };
                assert_eq!(answer["rootmark:storedCount"], 3);
                seen.acknowledged.lock().await.extend(events);
            }
        }));
    }
    let (base, seen) = (service.base.clone(), Arc::clone(seen));
    tasks.push(tokio::spawn(async move {
        let http = rootmark::http_client::loopback();
        while !seen.stop.load(Ordering::Relaxed) {
            note_checkpoint(&http, &base, &seen).await;
        }
    }));
    tasks
}

async fn note_checkpoint(http: &reqwest::Client, base: &str, seen: &Seen) -> Option<()> {
    let answer = http
        .get(format!("{base}/log/checkpoint"))
        .send()
        .await
        .ok()?;
    let text = answer.error_for_status().ok()?.text().await.ok()?;
    let note = SignedNote::parse(&text).expect("a published checkpoint is a signed note");
    let head = Checkpoint::parse(note.unverified_text()).unwrap().head;
    let mut checkpoints = seen.checkpoints.lock().await;
    let known = *checkpoints.entry(head.size.0).or_insert(head.root);
    assert_eq!(known, head.root, "two checkpoints of {} leaves", head.size);
    Some(())
}

async fn post(service: &Service, key: &str, body: String) -> Option<serde_json::Value> {
    try_post(&rootmark::http_client::loopback(), &service.base, key, body).await
}

/// The answer of an accepted capture; `None` if the service was killed before it answered.
async fn try_post(
    http: &reqwest::Client,
    base: &str,
    key: &str,
    body: String,
) -> Option<serde_json::Value> {
    let request = http.post(format!("{base}/epcis/capture")).bearer_auth(key);
    let answer = request
        .header("Content-Type", "application/json")
        .body(body)
        .send()
        .await
        .ok()?;
    if answer.status() != 202 {
        // While Postgres is being killed under it the service may still say that it cannot store.
        assert!(answer.status().is_server_error(), "{}", answer.status());
        return None;
    }
    answer.json().await.ok()
}

fn document(ids: &[u32]) -> String {
    let events: Vec<String> = ids
        .iter()
        .map(|id| {
            format!(
                r#"{{"type":"ObjectEvent","eventID":"urn:uuid:00000000-0000-4000-8000-{id:012}","eventTime":"2026-06-05T10:20:00+12:00","eventTimeZoneOffset":"+12:00","action":"OBSERVE","bizStep":"inspecting","quantityList":[{{"epcClass":"https://id.gs1.org/01/09521041001012/10/L1","quantity":1.0}}]}}"#
            )
        })
        .collect();
    format!(
        r#"{{"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld","type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-11-23T00:00:00Z","epcisBody":{{"eventList":[{}]}}}}"#,
        events.join(",")
    )
}

/// Moments from 20 to 520 ms after the service is ready, the same at every run.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_millis(20 + self.0 % 500)
    }
}
