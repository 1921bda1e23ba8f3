//! How long queries for events take, beside a baseline of the same run on the same machine: a plain
//! table of the same events with a b-tree for each field that is asked for, asked without HTTP.
//!
//! The events come in by `POST /epcis/capture`, as everybody's do, and are asked for over HTTP on one
//! connection, one query after the other. `ROOTMARK_BENCH_QUERY_EVENTS` says how many there are.

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rootmark::app::Running;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection, Executor, Row};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;

use common::{Failure, key, settings, with_postgres};

const GTIN: &str = "09521041001012";
/// Events in one document, and clients that post documents at once.
const DOCUMENT: u64 = 500;
const CLIENTS: u64 = 4;
/// When the first event happened; five happen each second.
const FIRST: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
const EVENTS_PER_SECOND: u64 = 5;
/// Values of each field, and events that name one item.
const STEPS: [&str; 8] = [
    "shipping",
    "receiving",
    "packing",
    "storing",
    "inspecting",
    "loading",
    "unpacking",
    "holding",
];
const PLACES: u64 = 100;
const ORDERS: u64 = 101;
const EVENTS_OF_AN_ITEM: u64 = 5;
/// Times that each query is asked, with other values each time.
const ROUNDS: u64 = 200;
/// Pages until the one that is compared with the first.
const DEEP: usize = 1_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // `cargo test` and `cargo clippy` build benchmarks too, and must not run them.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let events = std::env::var("ROOTMARK_BENCH_QUERY_EVENTS");
    let events: u64 = events.map_or(Ok(300_000), |n| n.parse())?;
    println!("{events} events of {} bytes", event(events).len());
    with_postgres(async |folder, options| measure(folder, options, events).await).await
}

async fn measure(
    folder: &std::path::Path,
    options: PgConnectOptions,
    events: u64,
) -> Result<(), Failure> {
    let mut settings = settings(folder, options.clone())?;
    settings.index_patience = Duration::from_secs(1);
    let running = Running::start(&settings).await?;
    let key = key(&running).await?;
    let mut conn: PgConnection = options.connect().await?;

    let started = Instant::now();
    capture(running.address, &key, events).await?;
    println!("captured after {:.0} s", started.elapsed().as_secs_f64());
    while count(&mut conn, "SELECT count(*) FROM event_batch").await? > 0 {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("indexed after {:.0} s", started.elapsed().as_secs_f64());
    conn.execute("VACUUM ANALYZE").await?;
    let bytes = count(&mut conn, "SELECT pg_database_size(current_database())").await?;
    println!("{} bytes of database for each event", bytes / events as i64);

    let ours = Service::new(running.address, key).measured(events).await?;
    println!(
        "{} MiB resident, the benchmark's clients with them",
        resident()? / 1024
    );
    running.stop().await;
    // Both at once would take twice the disk.
    conn.execute(
        "TRUNCATE statement, event_key, trace_index, event_term, pending_batch, capture_job",
    )
    .await?;
    let started = Instant::now();
    fill_plain_table(&mut conn, events).await?;
    println!(
        "baseline filled after {:.0} s",
        started.elapsed().as_secs_f64()
    );
    let theirs = Plain { conn }.measured(events).await?;

    println!(
        "{:<52} {:>19} {:>19}",
        "median (99th percentile), ms", "rootmark", "plain table"
    );
    for ((query, ours), theirs) in QUERIES.iter().zip(ours).zip(theirs) {
        println!("{query:<52} {} {}", shown(ours), shown(theirs));
    }
    Ok(())
}

const QUERIES: [&str; 6] = [
    "MATCH_anyEPC, five events",
    "MATCH_anyEPC, none",
    "EQ_bizStep within an hour, first page",
    "EQ_readPoint and EQ_bizTransaction_po, first page",
    "EQ_bizStep, page 1",
    "EQ_bizStep, page 1,000",
];

/// Milliseconds, at the median and at the 99th percentile.
type Times = (f64, f64);

fn shown((median, last): Times) -> String {
    format!("{median:>8.2} ({last:>8.2})")
}

fn times(mut all: Vec<Duration>) -> Times {
    all.sort();
    let at = |share: usize| all[(all.len() - 1) * share / 100].as_secs_f64() * 1_000.0;
    (at(50), at(99))
}

/// Numbers that are spread over `below`, the same in every run.
fn spread(round: u64, below: u64) -> u64 {
    (round.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % below
}

fn happened(number: u64) -> String {
    let at = FIRST + time::Duration::milliseconds((number * 1_000 / EVENTS_PER_SECOND) as i64);
    at.format(&Rfc3339).expect("a year of four digits")
}

fn item(number: u64) -> String {
    format!("https://id.gs1.org/01/{GTIN}/21/B{number:09}")
}

/// The three items of an event: each is named by five events, far from each other.
fn items(number: u64, events: u64) -> [String; 3] {
    let of_one_pass = (events / EVENTS_OF_AN_ITEM).max(1);
    [0, 1, 2].map(|i| item(number % of_one_pass * 3 + i))
}

fn place(number: u64) -> String {
    format!(
        "https://id.gs1.org/414/9521041000008/254/P{}",
        number % PLACES
    )
}

fn order(number: u64) -> String {
    format!("https://example.org/po/{}", number % ORDERS)
}

fn step(number: u64) -> &'static str {
    STEPS[(number / 7 % STEPS.len() as u64) as usize]
}

fn event(number: u64) -> String {
    event_of(number, number + 1)
}

fn event_of(number: u64, events: u64) -> String {
    let [a, b, c] = items(number, events);
    let (time, step, place, order) = (happened(number), step(number), place(number), order(number));
    format!(
        r#"{{"type":"ObjectEvent","eventID":"urn:uuid:00000000-0000-4000-8000-{number:012}","eventTime":"{time}","eventTimeZoneOffset":"+00:00","action":"OBSERVE","bizStep":"{step}","disposition":"in_transit","epcList":["{a}","{b}","{c}"],"readPoint":{{"id":"{place}"}},"bizLocation":{{"id":"https://id.gs1.org/414/9521041000008"}},"bizTransactionList":[{{"type":"po","bizTransaction":"{order}"}}],"example:temperature":3.50}}"#
    )
}

fn document(first: u64, events: u64) -> String {
    let last = events.min(first + DOCUMENT);
    let list: Vec<String> = (first..last)
        .map(|number| event_of(number, events))
        .collect();
    format!(
        r#"{{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{{"example":"https://example.org/ns/"}}],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-11-23T00:00:00Z","epcisBody":{{"eventList":[{}]}}}}"#,
        list.join(",")
    )
}

async fn capture(address: SocketAddr, key: &str, events: u64) -> Result<(), Failure> {
    let next = Arc::new(AtomicU64::new(0));
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let (next, key) = (Arc::clone(&next), key.to_owned());
        clients.push(tokio::spawn(async move {
            let http = rootmark::http_client::loopback();
            loop {
                let first = next.fetch_add(DOCUMENT, Ordering::Relaxed);
                if first >= events {
                    return Ok::<(), reqwest::Error>(());
                }
                let request = http.post(format!("http://{address}/epcis/capture"));
                let request = request.bearer_auth(&key);
                let request = request.header("Content-Type", "application/json");
                let request = request.body(document(first, events));
                request.send().await?.error_for_status()?;
            }
        }));
    }
    for client in clients {
        client.await??;
    }
    Ok(())
}

/// The service, as a client asks it.
struct Service {
    address: SocketAddr,
    key: String,
    http: reqwest::Client,
}

impl Service {
    fn new(address: SocketAddr, key: String) -> Service {
        let http = rootmark::http_client::loopback();
        Service { address, key, http }
    }

    async fn measured(self, events: u64) -> Result<Vec<Times>, Failure> {
        let mut all = Vec::new();
        for query in 0..4 {
            let mut taken = Vec::new();
            for round in 0..ROUNDS {
                let number = spread(round, events);
                let asked = match query {
                    0 => format!("MATCH_anyEPC={}", items(number, events)[1]),
                    1 => format!("MATCH_anyEPC={}", item(900_000_000 + round)),
                    2 => format!(
                        "EQ_bizStep={}&GE_eventTime={}&LT_eventTime={}",
                        step(number),
                        happened(number),
                        happened(number + 3_600 * EVENTS_PER_SECOND),
                    ),
                    _ => format!(
                        "EQ_readPoint={}&EQ_bizTransaction_po={}",
                        place(number),
                        order(number),
                    ),
                };
                let address = format!("http://{}/epcis/events?{asked}", self.address);
                let (time, found, _) = self.ask(&address).await?;
                let is_right = (found == 0) == (query == 1);
                if !is_right {
                    return Err(format!("{address} finds {found} events").into());
                }
                taken.push(time);
            }
            all.push(times(taken));
        }
        let first = format!("http://{}/epcis/events?EQ_bizStep=shipping", self.address);
        let (mut address, mut pages) = (first.clone(), 1);
        while pages < DEEP {
            let (_, _, next) = self.ask(&address).await?;
            let Some(next) = next else {
                return Err("there are fewer pages: the store is too small".into());
            };
            address = format!("http://{}{next}", self.address);
            pages += 1;
        }
        for address in [first, address] {
            let mut taken = Vec::new();
            for _ in 0..ROUNDS {
                taken.push(self.ask(&address).await?.0);
            }
            all.push(times(taken));
        }
        Ok(all)
    }

    /// How long an answer takes, how many events it has, and where it goes on.
    async fn ask(&self, address: &str) -> Result<(Duration, usize, Option<String>), Failure> {
        let started = Instant::now();
        let request = self.http.get(address).bearer_auth(&self.key);
        let answer = request.send().await?.error_for_status()?;
        let link = answer.headers().get("Link").cloned();
        let text = answer.text().await?;
        let time = started.elapsed();
        let next = link.and_then(|link| {
            let link = link.to_str().ok()?.strip_prefix('<')?;
            Some(link.split_once('>')?.0.to_owned())
        });
        Ok((time, text.matches("\"recordTime\"").count(), next))
    }
}

/// The same events in a table that knows nothing but these.
async fn fill_plain_table(conn: &mut PgConnection, events: u64) -> Result<(), Failure> {
    conn.execute(
        "CREATE TABLE plain (id bigint, happened timestamptz, step text, place text, po text, body text);
         CREATE TABLE plain_item (item text, happened timestamptz, id bigint);",
    )
    .await?;
    for first in (0..events).step_by(10_000) {
        let numbers = first..events.min(first + 10_000);
        let (mut rows, mut items_of) = (String::new(), String::new());
        for number in numbers {
            let (time, body) = (happened(number), event_of(number, events));
            let (step, place, order) = (step(number), place(number), order(number));
            rows.push_str(&format!(
                "{number}\t{time}\t{step}\t{place}\t{order}\t{body}\n"
            ));
            for item in items(number, events) {
                items_of.push_str(&format!("{item}\t{time}\t{number}\n"));
            }
        }
        for (table, rows) in [("plain", rows), ("plain_item", items_of)] {
            let mut copy = conn
                .copy_in_raw(&format!("COPY {table} FROM STDIN"))
                .await?;
            copy.send(rows.into_bytes()).await?;
            copy.finish().await?;
        }
    }
    conn.execute(
        "ALTER TABLE plain ADD PRIMARY KEY (id);
         CREATE INDEX ON plain (step, happened, id);
         CREATE INDEX ON plain (place, happened, id);
         CREATE INDEX ON plain (po, happened, id);
         CREATE INDEX ON plain_item (item, happened, id);",
    )
    .await?;
    conn.execute("VACUUM ANALYZE plain, plain_item").await?;
    Ok(())
}

struct Plain {
    conn: PgConnection,
}

impl Plain {
    async fn measured(mut self, events: u64) -> Result<Vec<Times>, Failure> {
        const OF_ITEM: &str = "SELECT p.body FROM plain_item i JOIN plain p ON p.id = i.id
            WHERE i.item = $1 AND $2 <> '' AND $3 <> '' ORDER BY i.happened DESC, i.id DESC LIMIT 31";
        const OF_STEP: &str =
            "SELECT body FROM plain WHERE step = $1 AND happened >= $2::timestamptz
            AND happened < $3::timestamptz ORDER BY happened DESC, id DESC LIMIT 31";
        const OF_BOTH: &str = "SELECT body FROM plain WHERE place = $1 AND po = $2 AND $3 <> ''
            ORDER BY happened DESC, id DESC LIMIT 31";
        const PAGE: &str = "SELECT body FROM plain WHERE step = $1 AND $2 <> ''
            ORDER BY happened DESC, id DESC LIMIT 31 OFFSET $3::bigint";
        let mut all = Vec::new();
        for query in 0..6 {
            let mut taken = Vec::new();
            for round in 0..ROUNDS {
                let number = spread(round, events);
                let x = || "x".to_owned();
                let (text, values) = match query {
                    0 => (OF_ITEM, [items(number, events)[1].clone(), x(), x()]),
                    1 => (OF_ITEM, [item(900_000_000 + round), x(), x()]),
                    2 => {
                        let until = happened(number + 3_600 * EVENTS_PER_SECOND);
                        (OF_STEP, [step(number).to_owned(), happened(number), until])
                    }
                    3 => (OF_BOTH, [place(number), order(number), x()]),
                    4 => (PAGE, ["shipping".to_owned(), x(), "0".to_owned()]),
                    _ => {
                        let offset = (DEEP - 1) * 30;
                        (PAGE, ["shipping".to_owned(), x(), offset.to_string()])
                    }
                };
                let started = Instant::now();
                let mut asked = sqlx::query(text);
                for value in values {
                    asked = asked.bind(value);
                }
                let found = asked.fetch_all(&mut self.conn).await?.len();
                taken.push(started.elapsed());
                if (found == 0) != (query == 1) {
                    return Err(format!("the baseline finds {found} events: {text}").into());
                }
            }
            all.push(times(taken));
        }
        self.conn.close().await?;
        Ok(all)
    }
}

async fn count(conn: &mut PgConnection, query: &'static str) -> Result<i64, Failure> {
    Ok(conn.fetch_one(query).await?.try_get(0)?)
}

/// KiB of memory of this process.
fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(number.ok_or("no VmRSS")?.parse()?)
}
