//! How long the service takes for each page of the example: from the request to the last byte, one at a time, as they are
//! and compressed, and for a reader who has it already. Beside it what a bare actix handler takes to send the same bytes.

mod common;
#[path = "common/http.rs"]
mod http;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use rootmark::app::Running;
use rootmark::demo::{self, Variant};
use sqlx::postgres::PgConnectOptions;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use common::{Failure, settings, with_postgres};
use http::{bare_server, read_answer};

/// Times each page is fetched, after as many that do not count.
const TIMES: usize = 400;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // `cargo test` and `cargo clippy` build benchmarks too, and must not run them.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    with_postgres(measure).await
}

async fn measure(folder: &Path, options: PgConnectOptions) -> Result<(), Failure> {
    let mut settings = settings(folder, options)?;
    // The example is loaded when all of it is public.
    settings.seal_interval = Duration::from_millis(100);
    let running = Running::start(&settings).await?;
    let example = demo::load(&running, &settings.data_dir, Variant::WithFaults).await?;
    println!(
        "{:<34} {:>7} {:>18} {:>18} {:>18} {:>9}",
        "", "bytes", "median, p99", "Brotli", "304", "baseline"
    );
    for trace in &example.traces {
        let path = trace.url.strip_prefix(&running.url).ok_or("another host")?;
        let whole = rootmark::http_client::loopback()
            .get(&trace.url)
            .header("Accept-Language", "en")
            .send()
            .await?;
        let tag = whole.headers()["ETag"].to_str()?.to_owned();
        let bytes = whole.bytes().await?.to_vec();
        let length = bytes.len();
        let (bare, handle) = bare_server(bytes)?;
        let theirs = times(bare, "/", "").await?;
        handle.stop(true).await;
        let address = running.address;
        let plain = times(address, path, "").await?;
        let brotli = times(address, path, "Accept-Encoding: br\r\n").await?;
        let known = times(address, path, &format!("If-None-Match: {tag}\r\n")).await?;
        let (_, title) = trace.title.split_once(" / ").ok_or("one language")?;
        let title: String = title.chars().take(34).collect();
        println!(
            "{title:<34} {length:>7} {} {} {} {:>6.3} ms",
            shown(plain),
            shown(brotli),
            shown(known),
            milliseconds(theirs.0)
        );
    }
    running.stop().await;
    Ok(())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn shown((median, p99): (Duration, Duration)) -> String {
    let both = format!("{:.2}, {:.2} ms", milliseconds(median), milliseconds(p99));
    format!("{both:>18}")
}

/// The median and the 99th percentile of how long one answer takes.
async fn times(
    address: SocketAddr,
    path: &str,
    header: &str,
) -> Result<(Duration, Duration), Failure> {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Language: en\r\n{header}\r\n");
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut taken = Vec::with_capacity(TIMES);
    for time in 0..2 * TIMES {
        let started = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        read_answer(&mut stream).await?;
        if time >= TIMES {
            taken.push(started.elapsed());
        }
    }
    taken.sort_unstable();
    Ok((taken[TIMES / 2], taken[TIMES * 99 / 100]))
}
