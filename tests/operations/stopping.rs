//! An orderly end: announced, everything answered, everything sealed; and the end of patience.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::service::{Folder, Service};
use crate::support::document;

/// What may take long on a busy machine, and must not hang.
const LIMIT: Duration = Duration::from_secs(60);

async fn post(base: &str, key: &str, ids: &[u32]) -> reqwest::Result<reqwest::Response> {
    let events: Vec<String> = ids
        .iter()
        .map(|id| document::observation(*id, "L1"))
        .collect();
    let http = rootmark::http_client::loopback();
    let request = http.post(format!("{base}/epcis/capture")).bearer_auth(key);
    let request = request.header("Content-Type", "application/json");
    request.body(document::document(&events)).send().await
}

async fn stored(base: &str, key: &str, ids: &[u32]) -> u64 {
    let answer = post(base, key, ids).await.unwrap();
    let body: Value = answer.json().await.unwrap();
    body["rootmark:storedCount"].as_u64().unwrap()
}

/// Waits until `/readyz` says that the service is stopping.
async fn announced(base: &str) {
    let http = rootmark::http_client::loopback();
    let asked = async {
        loop {
            let answer = http.get(format!("{base}/readyz")).send().await.unwrap();
            if answer.status() == 503 {
                let body: Value = answer.json().await.unwrap();
                assert_eq!(body["stopping"], true, "{body}");
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, asked)
        .await
        .expect("the stop is announced");
}

#[derive(Default)]
struct Load {
    next: AtomicU32,
    acknowledged: Mutex<Vec<u32>>,
    /// Acknowledged after the stop was announced.
    late: AtomicU32,
    is_announced: AtomicBool,
}

/// Captures until the service takes no more.
async fn load(load: Arc<Load>, base: String, key: String) {
    loop {
        let id = load.next.fetch_add(1, Ordering::Relaxed);
        let was_announced = load.is_announced.load(Ordering::SeqCst);
        let Ok(answer) = post(&base, &key, &[id]).await else {
            return;
        };
        assert_eq!(answer.status(), 202);
        load.acknowledged.lock().await.push(id);
        load.late.fetch_add(was_announced.into(), Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_is_announced_loses_nothing_and_leaves_nothing_unsealed() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let folder = Folder::new()
        .with("ROOTMARK_SHUTDOWN_GRACE_MS", "1000")
        // The last captures are sealed because it stops, not because it was time.
        .with("ROOTMARK_SEAL_INTERVAL_MS", "3600000")
        .with("NOTIFY_SOCKET", path.to_str().unwrap());
    let service = Service::start(&folder).await;
    let key = folder.enter_merchant();
    let shared = Arc::new(Load::default());
    let clients: Vec<_> = (0..4)
        .map(|_| tokio::spawn(load(Arc::clone(&shared), service.base.clone(), key.clone())))
        .collect();
    service.signal(Signal::TERM);
    announced(&service.base).await;
    shared.is_announced.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(service.exit_code().await, Some(0));
    assert!(
        shared.late.load(Ordering::Relaxed) > 0,
        "it still took captures"
    );
    assert_eq!(told(&manager), "READY=1\n");
    assert_eq!(told(&manager), "STOPPING=1\n");

    let acknowledged = shared.acknowledged.lock().await.clone();
    let checkpoint = std::fs::read_to_string(folder.public_log().join("checkpoint")).unwrap();
    let size: usize = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    assert!(
        size >= acknowledged.len(),
        "{size} of {}",
        acknowledged.len()
    );
    let (code, said) = folder.run(&["seal", "--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (code, &said["added"]),
        (0, &Value::from(0)),
        "something was left unsealed"
    );

    let service = Service::start(&folder).await;
    for ids in acknowledged.chunks(500) {
        assert_eq!(
            stored(&service.base, &key, ids).await,
            0,
            "an acknowledged event was lost"
        );
    }
    // The twin: an event that nobody sent is new.
    let unsent = shared.next.fetch_add(1, Ordering::Relaxed);
    assert_eq!(stored(&service.base, &key, &[unsent]).await, 1);
    service.stop().await;
}

fn told(manager: &UnixDatagram) -> String {
    manager.set_read_timeout(Some(LIMIT)).unwrap();
    let mut bytes = [0; 64];
    let length = manager.recv(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_is_answered_though_no_new_one_is_taken() {
    let folder = Folder::new();
    let service = Service::start(&folder).await;
    let key = folder.enter_merchant();
    let address = service.base.strip_prefix("http://").unwrap().to_owned();
    let body = document::document(&[document::observation(1, "L1")]);
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    // The interim answer (RFC 9110 §10.1.1) says that the handler is reading.
    let head = format!(
        "POST /epcis/capture HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    service.signal(Signal::TERM);
    let closed = async {
        while TcpStream::connect(&address).is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, closed)
        .await
        .expect("no new connections");
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert_eq!(service.exit_code().await, Some(0));
    let (_, said) = folder.run(&["seal", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["added"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once_and_loses_nothing() {
    for second in [Signal::TERM, Signal::INT] {
        let folder = Folder::new()
            // Whoever waited for this would end with 0.
            .with("ROOTMARK_SHUTDOWN_GRACE_MS", "60000")
            .with("ROOTMARK_SEAL_INTERVAL_MS", "3600000");
        let service = Service::start(&folder).await;
        let key = folder.enter_merchant();
        assert_eq!(stored(&service.base, &key, &[1]).await, 1);
        service.signal(Signal::TERM);
        announced(&service.base).await;
        service.signal(second);
        assert_eq!(service.exit_code().await, Some(2));
        // Sealed or not by then, it is stored; one that nobody sent is not.
        let service = Service::start(&folder).await;
        assert_eq!(stored(&service.base, &key, &[1]).await, 0);
        assert_eq!(stored(&service.base, &key, &[2]).await, 1);
        service.kill(true);
    }
}
