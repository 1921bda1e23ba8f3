//! Codes and labels: an order of ten million, the list that a printer gets, look-ups of samples and of guesses, and labels as PDF.
//!
//! Each stands beside a baseline of the same run: rows that somebody would store for the same codes, and a QR code as the crate
//! for them encodes it.

mod common;

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use auditlog::encoding::to_hex;
use labels::{Font, Line, Preset, Roll, Size, Stock};
use qrcode::{EcLevel, QrCode};
use rootmark::app::Running;
use rootmark::codes::printed::{LabelWords, print};
use rootmark::codes::{
    CodeOrder, IssuedCodes, MAX_QUANTITY, SerialStatus, codes, issue, lines, serial_status,
};
use rootmark::domain::gs1::{Gtin, Lot, Serial};
use rootmark::store::begin_for;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Executor};
use time::OffsetDateTime;
use uuid::Uuid;

use common::{Failure, ISSUER, settings, with_postgres};

const GTIN: &str = "09521041001012";
const BASE: &str = "https://trace.example.org";
/// Rows of the baseline, and codes that are looked up and guessed.
const ROWS: u32 = 200_000;
const SAMPLES: u32 = 20_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // `cargo test` and `cargo clippy` build benchmarks too, and must not run them.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    with_postgres(measure).await
}

async fn measure(folder: &std::path::Path, options: PgConnectOptions) -> Result<(), Failure> {
    let stored = stored_rows(&options).await?;
    row(
        "baseline: codes stored as rows, COPY",
        f64::from(ROWS) / stored.as_secs_f64(),
        None,
    );

    let settings = settings(folder, options)?;
    let running = Running::start(&settings).await?;
    let key = common::key(&running).await?;
    describe(&running, &key).await?;
    let merchant = rootmark::app::merchants::acting_merchant(&running.database, None).await?;
    let gtin = Gtin::parse(GTIN)?;
    let order = CodeOrder {
        merchant_id: merchant.id,
        issuer: ISSUER,
        gtin,
        lot: Some(Lot::parse("L2611")?),
        quantity: MAX_QUANTITY,
        has_hidden: true,
    };
    let mut conn = running.database.capture.acquire().await?;
    let begun = Instant::now();
    let issued = issue(&mut conn, &order, OffsetDateTime::now_utc()).await?;
    let taken = begun.elapsed();
    drop(conn);
    let rate = f64::from(MAX_QUANTITY) / taken.as_secs_f64();
    row(
        &format!("{MAX_QUANTITY} codes issued in {taken:.1?}"),
        rate,
        Some(f64::from(ROWS) / stored.as_secs_f64()),
    );
    one_row_and_one_statement(&running, merchant.id).await?;

    let begun = Instant::now();
    let bytes: usize = lines(&running.code_key, &issued, BASE.to_owned())
        .map(|line| line.len())
        .sum();
    let rate = f64::from(MAX_QUANTITY) / begun.elapsed().as_secs_f64();
    row(
        &format!("listed for a printer, {} MB", bytes / 1_000_000),
        rate,
        None,
    );

    look_up(&running, merchant.id, &issued).await?;
    draw(&running, issued)?;
    running.stop().await;
    Ok(())
}

/// What it takes to store each code instead.
async fn stored_rows(options: &PgConnectOptions) -> Result<Duration, Failure> {
    let mut conn: PgConnection = options.connect().await?;
    conn.execute(
        "CREATE TABLE stored_code (gtin text, serial text, lot text, PRIMARY KEY (gtin, serial))",
    )
    .await?;
    let begun = Instant::now();
    let mut copy = conn.copy_in_raw("COPY stored_code FROM STDIN").await?;
    for part in 0..ROWS / 1000 {
        let rows = (0..1000u32).map(|n| {
            let serial = auditlog::Hash::of(&[&(part * 1000 + n).to_be_bytes()]).0;
            format!("{GTIN}\t{}\tL2611\n", &to_hex(&serial)[..16])
        });
        copy.send(rows.collect::<String>().into_bytes()).await?;
    }
    copy.finish().await?;
    Ok(begun.elapsed())
}

async fn describe(running: &Running, key: &str) -> Result<(), Failure> {
    let body = format!(
        r#"{{"gtin":"https://id.gs1.org/01/{GTIN}","productName":{{"zh-CN":"奶粉","en":"Tin"}},"countryOfOrigin":"NZ"}}"#
    );
    let url = format!("http://{}/api/products", running.address);
    let request = rootmark::http_client::loopback().post(url).bearer_auth(key);
    let request = request
        .header("Content-Type", "application/json")
        .body(body);
    request.send().await?.error_for_status()?;
    Ok(())
}

async fn one_row_and_one_statement(running: &Running, merchant_id: Uuid) -> Result<(), Failure> {
    let mut conn = running.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM code_range")
        .fetch_one(&mut *tx)
        .await?;
    // The description of the product is the other one.
    let statements: i64 = sqlx::query_scalar("SELECT count(*) FROM statement")
        .fetch_one(&mut *tx)
        .await?;
    tx.rollback().await?;
    assert_eq!((rows, statements), (1, 2));
    println!("  as {rows} row and 1 statement");
    Ok(())
}

/// Random codes of the order are all issued, and guesses are not.
async fn look_up(
    running: &Running,
    merchant_id: Uuid,
    issued: &IssuedCodes,
) -> Result<(), Failure> {
    let key = &running.code_key;
    let step = (MAX_QUANTITY / SAMPLES) as usize;
    let samples: Vec<Serial> = codes(key, issued)
        .step_by(step)
        .filter_map(|code| code.link.serial())
        .collect();
    let guesses: Vec<Serial> = samples.iter().filter_map(changed).collect();
    for (what, serials, is_issued) in [("issued", samples, true), ("guessed", guesses, false)] {
        let mut conn = running.database.reader.acquire().await?;
        let mut tx = begin_for(&mut conn, merchant_id).await?;
        let begun = Instant::now();
        for serial in &serials {
            let asked = (issued.gtin, *serial);
            let status = serial_status(&mut tx, key, merchant_id, asked, None).await?;
            assert_eq!(status != SerialStatus::NotIssued, is_issued, "{serial}");
        }
        let rate = serials.len() as f64 / begun.elapsed().as_secs_f64();
        row(
            &format!("{} {what} codes looked up, all as expected", serials.len()),
            rate,
            None,
        );
        tx.rollback().await?;
    }
    Ok(())
}

/// A serial with its last character changed.
fn changed(serial: &Serial) -> Option<Serial> {
    let mut text = serial.to_string();
    let last = text.pop()?;
    text.push(if last == '0' { '1' } else { '0' });
    Serial::parse(&text).ok()
}

fn draw(running: &Running, mut issued: IssuedCodes) -> Result<(), Failure> {
    issued.quantity = 100_000;
    let begun = Instant::now();
    for code in codes(&running.code_key, &issued).take(5_000) {
        let address = format!("{BASE}{}", code.link.path());
        black_box(QrCode::with_error_correction_level(address, EcLevel::M)?);
    }
    let encoded = 5_000.0 / begun.elapsed().as_secs_f64();
    row(
        "baseline: the crate qrcode encodes the codes alone",
        encoded,
        None,
    );
    let font = Font::discover()?;
    let sheet = Stock::a4_grid(Preset::ThreeByEight.grid())?;
    let label = Size {
        width_mm: 60.0,
        height_mm: 40.0,
    };
    let roll = Stock::roll(Roll {
        label,
        dots_per_inch: None,
    })?;
    for (what, stock) in [("sheets of 24", sheet), ("a roll", roll)] {
        let words = LabelWords {
            name: "云雀原婴儿配方奶粉 1 段".into(),
            other_name: Some("Larkmere Demo Infant Formula, Stage 1".into()),
            lines: vec![
                Line::new("批号", "L2611"),
                Line::new("保质期至", "2028-05-20"),
            ],
            hidden_caption: "防伪码 · 刮开涂层".into(),
        };
        let codes = (&running.code_key, &issued, BASE);
        let begun = Instant::now();
        let counted = print(Counted(0), codes, (stock, words, &font), || {})?;
        let taken = begun.elapsed();
        let what = format!(
            "100000 labels on {what}: {taken:.1?}, {} MB",
            counted.0 / 1_000_000
        );
        row(&what, 100_000.0 / taken.as_secs_f64(), Some(encoded));
    }
    Ok(())
}

/// Counts what is written.
struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.0 += data.len();
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn row(what: &str, rate: f64, baseline: Option<f64>) {
    match baseline {
        None => println!("{what:<58} {rate:>12.0}/s"),
        Some(baseline) => println!(
            "{what:<58} {rate:>12.0}/s   {:.3} of the baseline",
            rate / baseline
        ),
    }
}
