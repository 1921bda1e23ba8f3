//! Rates, each beside a baseline of the same run on the same machine: what Postgres does with `COPY`
//! of the same bytes, and what a bare actix handler does with the same page.
//!
//! Absolute figures say more about a machine than about this program; the ratios are what to watch.

mod common;
#[path = "common/http.rs"]
mod http;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rootmark::app::{KeyPlaces, Running, Sealer};
use rootmark::config::Settings;
use rootmark::seal::LogSigners;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use common::{Failure, key, settings, with_postgres};
use http::{bare_server, read_answer};

const GTIN: &str = "09521041001012";
/// Events in one document.
const DOCUMENT: u64 = 500;
/// Clients that post documents, or fetch pages, at once.
const CLIENTS: u64 = 4;
const PAGE_CLIENTS: u64 = 32;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // `cargo test` and `cargo clippy` build benchmarks too, and must not run them.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let events: u64 = std::env::var("ROOTMARK_BENCH_EVENTS").map_or(Ok(50_000), |n| n.parse())?;
    let seconds: u64 = std::env::var("ROOTMARK_BENCH_SECONDS").map_or(Ok(5), |n| n.parse())?;
    println!(
        "{events} events of {} bytes, {seconds} s of pages",
        event(0).len()
    );
    let page_time = Duration::from_secs(seconds);
    with_postgres(async |folder, options| measure(folder, options, events, page_time).await).await
}

async fn measure(
    folder: &std::path::Path,
    options: PgConnectOptions,
    events: u64,
    page_time: Duration,
) -> Result<(), Failure> {
    let copy = copy_rate(options.clone(), events).await?;
    row(
        "COPY of the same events, one connection, commit each 500",
        copy,
        None,
    );

    let settings = settings(folder, options)?;
    let running = Running::start(&settings).await?;
    let key = enter(&running).await?;

    let capture = capture_rate(&running, &key, events).await?;
    row(
        "captured over HTTP: validated, indexed, durable",
        capture,
        Some(copy),
    );
    let seal = seal_rate(&running, &settings, events).await?;
    row("sealed and published", seal, Some(copy));

    let codes = issue(&running, &key).await?;
    let page = fetch(running.address, &codes).await?;
    let ours = page_rate(running.address, &codes, page_time).await?;
    let (bare, handle) = bare_server(page)?;
    let theirs = page_rate(bare, "/", page_time).await?;
    handle.stop(true).await;
    row(
        "a bare actix handler that sends the same bytes",
        theirs,
        None,
    );
    row(
        "trace page of one item, ten steps, uncached",
        ours,
        Some(theirs),
    );
    running.stop().await;
    Ok(())
}

fn row(what: &str, rate: f64, baseline: Option<f64>) {
    match baseline {
        None => println!("{what:<58} {rate:>10.0}/s   baseline"),
        Some(baseline) => println!("{what:<58} {rate:>10.0}/s   {:.3} of it", rate / baseline),
    }
}

/// 650 bytes with three EPCs.
fn event(number: u64) -> String {
    let serials: Vec<String> = (0..3)
        .map(|i| format!("\"https://id.gs1.org/01/{GTIN}/21/B{:09}\"", number * 3 + i))
        .collect();
    format!(
        r#"{{"type":"ObjectEvent","eventID":"urn:uuid:00000000-0000-4000-8000-{number:012}","eventTime":"2026-06-05T10:20:00.000+12:00","eventTimeZoneOffset":"+12:00","action":"OBSERVE","bizStep":"shipping","disposition":"in_transit","epcList":[{}],"readPoint":{{"id":"https://id.gs1.org/414/9521041000008"}},"bizLocation":{{"id":"https://id.gs1.org/414/9521041000008"}},"bizTransactionList":[{{"type":"desadv","bizTransaction":"urn:epcglobal:cbv:bt:9521041000008:{number}"}}],"example:temperature":3.50}}"#,
        serials.join(",")
    )
}

fn document(first: u64, count: u64) -> String {
    let events: Vec<String> = (first..first + count).map(event).collect();
    wrap(&events.join(","))
}

fn wrap(events: &str) -> String {
    format!(
        r#"{{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{{"example":"https://example.org/ns/"}}],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-11-23T00:00:00Z","epcisBody":{{"eventList":[{events}]}}}}"#
    )
}

/// What Postgres alone does with the same bytes, in the same number of transactions.
async fn copy_rate(options: PgConnectOptions, events: u64) -> Result<f64, Failure> {
    let mut conn: PgConnection = options.connect().await?;
    conn.execute("CREATE TABLE copied (id bigint PRIMARY KEY, body bytea NOT NULL)")
        .await?;
    let started = Instant::now();
    for first in (0..events).step_by(DOCUMENT as usize) {
        let mut rows = Vec::new();
        rows.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
        for number in first..(first + DOCUMENT).min(events) {
            let body = event(number);
            rows.extend_from_slice(&2i16.to_be_bytes());
            rows.extend_from_slice(&8i32.to_be_bytes());
            rows.extend_from_slice(&(number as i64).to_be_bytes());
            rows.extend_from_slice(&(body.len() as i32).to_be_bytes());
            rows.extend_from_slice(body.as_bytes());
        }
        rows.extend_from_slice(&(-1i16).to_be_bytes());
        let statement = "COPY copied (id, body) FROM STDIN (FORMAT binary)";
        let mut copy = conn.copy_in_raw(statement).await?;
        copy.send(rows).await?;
        copy.finish().await?;
    }
    let rate = events as f64 / started.elapsed().as_secs_f64();
    conn.execute("DROP TABLE copied").await?;
    conn.close().await?;
    Ok(rate)
}

async fn enter(running: &Running) -> Result<String, Failure> {
    let key = key(running).await?;
    let product = format!(
        r#"{{"gtin":"https://id.gs1.org/01/{GTIN}","productName":{{"zh-CN":"演示奶粉","en":"Demo tin"}}}}"#
    );
    post(running.address, &key, "/api/products", &product).await?;
    Ok(key)
}

async fn post(address: SocketAddr, key: &str, path: &str, body: &str) -> Result<String, Failure> {
    let request = rootmark::http_client::loopback()
        .post(format!("http://{address}{path}"))
        .bearer_auth(key)
        .header("Content-Type", "application/json")
        .body(body.to_owned());
    Ok(request.send().await?.error_for_status()?.text().await?)
}

async fn capture_rate(running: &Running, key: &str, events: u64) -> Result<f64, Failure> {
    // Made before the clock starts: the client's work is not the service's.
    let documents: Vec<String> = (0..events)
        .step_by(DOCUMENT as usize)
        .map(|first| document(first, DOCUMENT.min(events - first)))
        .collect();
    let documents = Arc::new(documents);
    let next = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let (documents, next) = (Arc::clone(&documents), Arc::clone(&next));
        let (key, url) = (
            key.to_owned(),
            format!("http://{}/epcis/capture", running.address),
        );
        clients.push(tokio::spawn(async move {
            let http = rootmark::http_client::loopback();
            loop {
                let turn = next.fetch_add(1, Ordering::Relaxed) as usize;
                let Some(document) = documents.get(turn) else {
                    return Ok(());
                };
                let request = http.post(&url).bearer_auth(&key);
                let request = request.header("Content-Type", "application/json");
                request
                    .body(document.clone())
                    .send()
                    .await?
                    .error_for_status()?;
            }
        }));
    }
    for client in clients {
        client.await?.map_err(|error: reqwest::Error| error)?;
    }
    Ok(events as f64 / started.elapsed().as_secs_f64())
}

async fn seal_rate(running: &Running, settings: &Settings, events: u64) -> Result<f64, Failure> {
    let keys = settings.data_dir.join("keys/log.key");
    let signer = auditlog::note::NoteSigner::parse(std::fs::read_to_string(keys)?.trim())?;
    let mut sealer = Sealer {
        database: running.database.clone(),
        signers: Arc::new(LogSigners::new(signer, None)),
        key_places: KeyPlaces::new(&settings.data_dir, &settings.keys),
        public_log: rootmark::anchor::PublicLog::new(settings.data_dir.join("public/log")),
    };
    let started = Instant::now();
    while sealer
        .seal_once(time::OffsetDateTime::now_utc(), false)
        .await?
        .0
        .is_some()
    {}
    Ok(events as f64 / started.elapsed().as_secs_f64())
}

/// One item with ten steps, sealed; gives the path of its page.
async fn issue(running: &Running, key: &str) -> Result<String, Failure> {
    let order = format!(r#"{{"gtin":"{GTIN}","lot":"BENCH","quantity":1}}"#);
    let issued: serde_json::Value =
        serde_json::from_str(&post(running.address, key, "/api/code-ranges", &order).await?)?;
    let list = issued["codes"].as_str().ok_or("no codes")?;
    let request =
        rootmark::http_client::loopback().get(format!("http://{}{list}", running.address));
    let text = request.bearer_auth(key).send().await?.text().await?;
    let link = text.lines().next().ok_or("no code")?;
    let path = link
        .strip_prefix(&running.url)
        .ok_or("another host")?
        .to_owned();
    let serial = path.rsplit('/').next().ok_or("no serial")?;
    let steps: Vec<String> = (0..10u64)
        .map(|step| {
            event(10_000_000 + step)
                .replace(&format!("B{:09}", (10_000_000 + step) * 3), serial)
                .replace("T10:20", &format!("T{:02}:20", 10 + step))
        })
        .collect();
    post(
        running.address,
        key,
        "/epcis/capture",
        &wrap(&steps.join(",")),
    )
    .await?;
    Ok(path)
}

async fn fetch(address: SocketAddr, path: &str) -> Result<Vec<u8>, Failure> {
    let answer = rootmark::http_client::loopback()
        .get(format!("http://{address}{path}"))
        .send()
        .await?
        .error_for_status()?;
    Ok(answer.bytes().await?.to_vec())
}

/// Fetches a page over connections that are kept open, without any client library's overhead.
async fn page_rate(address: SocketAddr, path: &str, time: Duration) -> Result<f64, Failure> {
    let request: Arc<str> =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Language: zh-CN\r\n\r\n").into();
    let started = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..PAGE_CLIENTS {
        let request = Arc::clone(&request);
        clients.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let mut pages = 0u64;
            while started.elapsed() < time {
                stream.write_all(request.as_bytes()).await?;
                read_answer(&mut stream).await?;
                pages += 1;
            }
            Ok::<u64, std::io::Error>(pages)
        }));
    }
    let mut pages = 0;
    for client in clients {
        pages += client.await??;
    }
    Ok(pages as f64 / started.elapsed().as_secs_f64())
}
