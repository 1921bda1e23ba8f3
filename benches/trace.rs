//! How long a story takes, and a forward trace, in a made-up world: `rootmark generate`'s, captured through the
//! stage that captures everybody's events. Beside a baseline of the same run on the same machine: the same
//! events in a plain table, with a table of edges, walked by a recursive query that knows nothing of time.
//!
//! `ROOTMARK_BENCH_TRACE_EVENTS` says how many events there are, several numbers after each other: the world
//! grows from one to the next; `ROOTMARK_BENCH_FOLDER` is where it stays, for the next run.

mod common;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use auditlog::json;
use rootmark::app::Running;
use rootmark::capture::Submitter;
use rootmark::codes::{CodeOrder, issue, lines};
use rootmark::domain::disclosure::Audience;
use rootmark::domain::epcis::read_event;
use rootmark::domain::forward::Start;
use rootmark::domain::gs1::{DigitalLink, Gtin, Identity, Lot};
use rootmark::domain::statement::Role;
use rootmark::domain::told::Told;
use rootmark::generate::{EVENTS_OF_A_LOT, TINS, World, capture_all};
use rootmark::store::gtin_owner::claim_gtin;
use rootmark::store::{begin_for, read_for};
use rootmark::trace::{KnownAt, Pace, Trail, forward, story};
use rootmark::web::forward::{Columns, Followed, Origin, Table};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Executor};
use time::OffsetDateTime;
use uuid::Uuid;

use common::{Failure, ISSUER, settings, with_postgres};

const SEED: u64 = 1;
/// Tins that are traced, and lots that are traced forward.
const TRACED: u64 = 1_000;
const RECALLED: u64 = 20;
/// Lots of powder that one recall names, as far as there are so many: a million tins.
const GREAT: u64 = 1_700;
/// A product whose codes are issued, none of the world's, and how many.
const CODED: &str = "09521041001012";
const CODES: u32 = 200_000;
/// The baseline is filled no further: what grows of it is seen by then, and it takes half of the disk.
const PLAIN_EVENTS: u64 = 1_000_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // `cargo test` and `cargo clippy` build benchmarks too, and must not run them.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let sizes = std::env::var("ROOTMARK_BENCH_TRACE_EVENTS");
    let sizes = sizes.unwrap_or_else(|_| "100000 400000".to_owned());
    let sizes: Result<Vec<u64>, _> = sizes.split_whitespace().map(str::parse).collect();
    let sizes = sizes?;
    with_postgres(async |folder, options| measure(folder, options, &sizes).await).await
}

async fn measure(
    folder: &std::path::Path,
    options: PgConnectOptions,
    sizes: &[u64],
) -> Result<(), Failure> {
    let running = Running::start(&settings(folder, options.clone())?).await?;
    let mut owner: PgConnection = options.connect().await?;
    owner.execute(PLAIN).await?;
    let known: Option<Uuid> = sqlx::query_scalar("SELECT merchant_id FROM event_key LIMIT 1")
        .fetch_optional(&mut owner)
        .await?;
    let merchant_id = known.unwrap_or_else(Uuid::now_v7);
    println!(
        "{:<12} {:<34} {:>19} {:>19}",
        "events", "median (99th percentile), ms", "rootmark", "plain edges"
    );
    let captured: i64 = sqlx::query_scalar("SELECT count(*) FROM event_key")
        .fetch_one(&mut owner)
        .await?;
    let mut captured = captured as u64;
    for events in sizes {
        let started = Instant::now();
        if *events > captured {
            capture(&running, merchant_id, captured, *events).await?;
            captured = *events;
            owner.execute("VACUUM ANALYZE").await?;
            eprintln!("captured after {:.0} s", started.elapsed().as_secs_f64());
        }
        let theirs = if *events <= PLAIN_EVENTS {
            fill_plain(&mut owner, *events).await?;
            Some(plain_stories(&mut owner, *events).await?)
        } else {
            None
        };
        // Nobody has asked for these tins since they were captured; and then somebody just has.
        let [first, _] = stories(&running, merchant_id, *events).await?;
        let [again, told] = stories(&running, merchant_id, *events).await?;
        println!(
            "{events:<12} {:<34} {} {}",
            "story of a tin, asked for first",
            shown(first),
            theirs.map(shown).unwrap_or_default()
        );
        println!("{:<12} {:<34} {}", "", "and again", shown(again));
        println!(
            "{:<12} {:<34} {}",
            "",
            "what a shopper is told of it",
            shown(told)
        );
        let ours = recalls(&running, merchant_id, *events).await?;
        println!(
            "{:<12} {:<34} {}",
            "",
            "forward from a lot of powder",
            shown(ours)
        );
        great_recall(&running, merchant_id, *events).await?;
        codes_of_it(&running, merchant_id, *events).await?;
    }
    for is_named in [false, true] {
        issued_codes(&running, merchant_id, is_named).await?;
    }
    running.stop().await;
    Ok(())
}

/// A lot for which codes were issued: no event speaks of any, or events name them all.
async fn issued_codes(running: &Running, merchant_id: Uuid, is_named: bool) -> Result<(), Failure> {
    let (gtin, now) = (Gtin::parse(CODED)?, OffsetDateTime::now_utc());
    let lot = format!(
        "{}{}",
        if is_named { 'N' } else { 'S' },
        now.unix_timestamp()
    );
    let order = CodeOrder {
        has_hidden: false,
        merchant_id,
        issuer: ISSUER,
        gtin,
        lot: Some(Lot::parse(&lot)?),
        quantity: CODES,
    };
    let mut conn = running.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    claim_gtin(&mut tx, gtin, merchant_id, now).await?;
    tx.commit().await?;
    let issued = issue(&mut conn, &order, now).await?;
    drop(conn);
    if is_named {
        let items = lines(&running.code_key, &issued, String::new())
            .filter_map(|line| DigitalLink::parse_path(line.trim()).ok()?.item());
        let items: Vec<String> = items
            .map(|item| format!("\"{}\"", item.canonical()))
            .collect();
        let events: Vec<String> = items
            .chunks(10)
            .map(|items| {
                format!(
                    r#"{{"type":"ObjectEvent","eventTime":"2026-06-01T00:00:00Z","eventTimeZoneOffset":"+00:00",
                    "action":"ADD","epcList":[{}],"ilmd":{{"cbvmda:lotNumber":"{lot}"}}}}"#,
                    items.join(",")
                )
            })
            .collect();
        capture_all(
            &running.database,
            &submitter(merchant_id),
            events.into_iter(),
            |_| (),
        )
        .await?;
    }
    let starts = [Start::affected(
        Identity::LotOf {
            gtin,
            lot: Lot::parse(&lot)?,
        },
        None,
    )];
    let origin = Origin::of(merchant_id, &running.code_key, KnownAt::NOW);
    let mut rates = Vec::new();
    for mut followed in [
        Followed::codes(&starts, &origin, Pace::CODES),
        Followed::whole(&starts, &origin, Pace::THINGS),
    ] {
        let mut conn = running.database.reader.acquire().await?;
        let (started, mut told) = (Instant::now(), 0);
        let mut table = Table::begin(std::io::sink(), followed.columns())?;
        let mut tx = read_for(&mut conn, merchant_id).await?;
        while let Some(part) = followed.next(&mut tx).await? {
            table.write(&part, followed.names())?;
            told += part.len();
        }
        tx.rollback().await?;
        if told != CODES as usize + 1 {
            return Err(format!("{told} told of a lot of {CODES} codes").into());
        }
        rates.push(f64::from(CODES) / started.elapsed().as_secs_f64());
    }
    println!(
        "{:<12} {CODES} codes issued for a lot, {}: codes {:.0} a second, whole {:.0}",
        "",
        if is_named {
            "all named by events"
        } else {
            "none named yet"
        },
        rates[0],
        rates[1],
    );
    Ok(())
}

fn submitter(merchant_id: Uuid) -> Submitter {
    Submitter {
        merchant_id,
        issuer: ISSUER.into(),
        event_id_key: auditlog::field::Secret([1; 32]),
    }
}

/// The events of the world from one number to another, in the order in which they are made.
async fn capture(
    running: &Running,
    merchant_id: Uuid,
    from: u64,
    until: u64,
) -> Result<(), Failure> {
    let submitter = submitter(merchant_id);
    let events = World::new(SEED).events(until).skip(usize::try_from(from)?);
    capture_all(&running.database, &submitter, events, |_| ()).await?;
    Ok(())
}

/// Tins of lots all over the world, each of another lot as far as there are so many.
fn traced(events: u64) -> impl Iterator<Item = Identity> {
    let lots = events / EVENTS_OF_A_LOT;
    (0..TRACED).map(move |n| World::new(SEED).tin(n * 7_919 % lots, n * 31 % TINS))
}

async fn stories(
    running: &Running,
    merchant_id: Uuid,
    events: u64,
) -> Result<[[Duration; 2]; 2], Failure> {
    let mut conn = running.database.reader.acquire().await?;
    let (mut times, mut told) = (Vec::new(), Vec::new());
    for tin in traced(events) {
        let link = DigitalLink::parse(&tin.canonical())?;
        let started = Instant::now();
        let mut tx = begin_for(&mut conn, merchant_id).await?;
        let story = story(
            &mut tx,
            (merchant_id, &running.code_key),
            link.into(),
            KnownAt::NOW,
        )
        .await?;
        tx.rollback().await?;
        times.push(started.elapsed());
        // Milk of three farms or six, two lots of powder, blending, filling, the code, case, pallet and container.
        if story.truncated || story.steps.len() < 20 {
            return Err(format!("the story of {tin} has {} steps", story.steps.len()).into());
        }
        let started = Instant::now();
        let for_shopper = Told::to(story, Audience::Shopper);
        told.push(started.elapsed());
        if for_shopper.story.steps.is_empty() {
            return Err("a shopper is told nothing".into());
        }
    }
    Ok([percentiles(times), percentiles(told)])
}

async fn recalls(
    running: &Running,
    merchant_id: Uuid,
    events: u64,
) -> Result<[Duration; 2], Failure> {
    let mut conn = running.database.reader.acquire().await?;
    let lots = events / EVENTS_OF_A_LOT;
    let mut times = Vec::new();
    for n in 0..RECALLED {
        let lot = n * 7_919 % (lots - 1);
        let starts = [Start::affected(World::new(SEED).powder(lot), None)];
        let started = Instant::now();
        let mut tx = begin_for(&mut conn, merchant_id).await?;
        let found = forward(
            &mut tx,
            (merchant_id, &running.code_key),
            &starts,
            KnownAt::NOW,
        )
        .await?;
        tx.rollback().await?;
        times.push(started.elapsed());
        // It went into two lots of tins.
        if found.truncated || found.things.len() < TINS as usize {
            return Err(format!("lot {lot} reaches {} things", found.things.len()).into());
        }
    }
    Ok(percentiles(times))
}

/// A dryer was dirty for twelve days: each lot of its powder went into two lots of tins.
fn dirty(events: u64) -> Vec<Start> {
    let lots = (events / EVENTS_OF_A_LOT - 1).min(GREAT);
    let powder = (0..lots).map(|lot| World::new(SEED).powder(lot));
    powder.map(|lot| Start::affected(lot, None)).collect()
}

/// The codes alone, as a table.
async fn codes_of_it(running: &Running, merchant_id: Uuid, events: u64) -> Result<(), Failure> {
    let starts = dirty(events);
    let origin = Origin::of(merchant_id, &running.code_key, KnownAt::NOW);
    let mut conn = running.database.reader.acquire().await?;
    let started = Instant::now();
    let mut followed = Followed::codes(&starts, &origin, Pace::CODES);
    let mut table = Table::begin(std::io::sink(), Columns::Codes)?;
    let (mut rows, mut first, mut counted) = (Vec::new(), 0, Duration::ZERO);
    loop {
        let mut tx = read_for(&mut conn, merchant_id).await?;
        let part = followed.next(&mut tx).await?;
        if rows.is_empty() {
            followed.expected(&mut tx).await?;
            counted = started.elapsed();
        }
        tx.rollback().await?;
        let Some(part) = part else { break };
        table.write(&part, followed.names())?;
        rows.push((started.elapsed(), part.len()));
        first = if rows.len() == 2 { part.len() } else { first };
    }
    let whole = started.elapsed();
    let items: usize = rows[1..].iter().map(|(_, count)| count).sum();
    if followed.is_truncated() || items as u64 != (starts.len() as u64 + 1) * TINS {
        return Err(format!("{items} codes told").into());
    }
    let streamed = (items - first) as f64 / (whole - rows[1].0).as_secs_f64();
    println!(
        "{:<12} codes of the same: counted in {:.2} s, first {first} told in {:.2} s, then {streamed:.0} a second, all in {:.2} s",
        "",
        counted.as_secs_f64(),
        rows[1].0.as_secs_f64(),
        whole.as_secs_f64(),
    );
    Ok(())
}

/// All that is known of each item.
async fn great_recall(running: &Running, merchant_id: Uuid, events: u64) -> Result<(), Failure> {
    let starts = dirty(events);
    let lots = starts.len() as u64;
    let mut conn = running.database.reader.acquire().await?;
    let started = Instant::now();
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    let mut trail = Trail::from(
        &starts,
        (merchant_id, &running.code_key),
        KnownAt::NOW,
        Pace::USUAL,
    );
    let trunk = trail.next(&mut tx).await?.unwrap_or_default();
    let expected = trail.expected(&mut tx).await?;
    let counted = started.elapsed();
    let first = trail.next(&mut tx).await?.unwrap_or_default();
    let shown = started.elapsed();
    let (mut rows, streaming) = (0, Instant::now());
    while let Some(told) = trail.next(&mut tx).await? {
        rows += told.len();
    }
    let rate = rows as f64 / streaming.elapsed().as_secs_f64();
    let end = trail.finish(&mut tx).await?;
    tx.rollback().await?;
    let items = (first.len() + rows) as u64;
    if end.truncated || items != expected.affected || items != (lots + 1) * TINS {
        return Err(format!("{items} items told, {} expected", expected.affected).into());
    }
    println!(
        "{:<12} recall of {lots} lots: {} lots affected, {items} items counted in {:.2} s, first {} told in {:.2} s, \
         then {rate:.0} a second",
        "",
        trunk.len(),
        counted.as_secs_f64(),
        first.len(),
        shown.as_secs_f64(),
    );
    Ok(())
}

/// What a plain repository has: events, who is named in them, and what lies in or was made of what.
const PLAIN: &str = "
    CREATE UNLOGGED TABLE IF NOT EXISTS plain_event (id bigint PRIMARY KEY, body text NOT NULL);
    CREATE UNLOGGED TABLE IF NOT EXISTS plain_thing (thing text NOT NULL, event bigint NOT NULL, PRIMARY KEY (thing, event));
    CREATE UNLOGGED TABLE IF NOT EXISTS plain_edge
        (thing text NOT NULL, comes_from text NOT NULL, PRIMARY KEY (thing, comes_from));";

const WALK: &str = "
    WITH RECURSIVE reached (thing) AS (
        SELECT $1::text
        UNION
        SELECT e.comes_from FROM reached r JOIN plain_edge e ON e.thing = r.thing
    )
    SELECT e.id, e.body FROM reached r
    JOIN plain_thing t ON t.thing = r.thing JOIN plain_event e ON e.id = t.event
    ORDER BY e.id";

/// Fills the baseline with the events that it lacks.
async fn fill_plain(conn: &mut PgConnection, events: u64) -> Result<(), Failure> {
    let known: i64 = sqlx::query_scalar("SELECT count(*) FROM plain_event")
        .fetch_one(&mut *conn)
        .await?;
    let mut rest = World::new(SEED)
        .events(events)
        .skip(usize::try_from(known)?);
    let mut id = known;
    loop {
        let texts: Vec<String> = rest.by_ref().take(5_000).collect();
        if texts.is_empty() {
            conn.execute("VACUUM ANALYZE plain_event").await?;
            conn.execute("VACUUM ANALYZE plain_thing").await?;
            conn.execute("VACUUM ANALYZE plain_edge").await?;
            return Ok(());
        }
        let (mut ids, mut things, mut of, mut edges) =
            (Vec::new(), Vec::new(), Vec::new(), HashSet::new());
        for text in &texts {
            let event = read_event(&json::parse(text)?).map_err(|fault| fault.to_string())?;
            let named = |role: Role| {
                let what = event.what.iter().filter(move |what| what.role == role);
                what.map(|what| what.identity.canonical())
            };
            for what in &event.what {
                things.push(what.identity.canonical());
                of.push(id);
            }
            // A child lies in its parent, an output comes from every input, an item from its lot.
            let parents: Vec<String> = named(Role::Parent).collect();
            let inputs: Vec<String> = named(Role::Input).collect();
            for child in named(Role::Child) {
                edges.extend(parents.iter().map(|parent| (child.clone(), parent.clone())));
            }
            for output in named(Role::Output) {
                edges.extend(inputs.iter().map(|input| (output.clone(), input.clone())));
            }
            if let Some(lot) = &event.lot_number {
                for what in event.what.iter().filter(|what| what.role == Role::Epc) {
                    if let Some(class) = what.identity.without_qualifiers() {
                        let lot = format!("{class}/10/{lot}");
                        edges.insert((what.identity.canonical(), lot));
                    }
                }
            }
            ids.push(id);
            id += 1;
        }
        sqlx::query("INSERT INTO plain_event SELECT * FROM unnest($1::bigint[], $2::text[])")
            .bind(&ids)
            .bind(&texts)
            .execute(&mut *conn)
            .await?;
        sqlx::query(
            "INSERT INTO plain_thing SELECT * FROM unnest($1::text[], $2::bigint[])
             ON CONFLICT DO NOTHING",
        )
        .bind(&things)
        .bind(&of)
        .execute(&mut *conn)
        .await?;
        let (from, to): (Vec<String>, Vec<String>) = edges.into_iter().unzip();
        sqlx::query(
            "INSERT INTO plain_edge SELECT * FROM unnest($1::text[], $2::text[])
             ON CONFLICT DO NOTHING",
        )
        .bind(&from)
        .bind(&to)
        .execute(&mut *conn)
        .await?;
    }
}

async fn plain_stories(conn: &mut PgConnection, events: u64) -> Result<[Duration; 2], Failure> {
    let mut times = Vec::new();
    for tin in traced(events) {
        let started = Instant::now();
        let found: Vec<(i64, String)> = sqlx::query_as(WALK)
            .bind(tin.canonical())
            .fetch_all(&mut *conn)
            .await?;
        times.push(started.elapsed());
        if found.len() < 20 {
            return Err(format!("the plain walk of {tin} has {} events", found.len()).into());
        }
    }
    Ok(percentiles(times))
}

fn percentiles(mut times: Vec<Duration>) -> [Duration; 2] {
    times.sort_unstable();
    [
        times[times.len() / 2],
        times[(times.len() * 99).div_ceil(100) - 1],
    ]
}

fn shown([median, last]: [Duration; 2]) -> String {
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    format!("{:>9.2} ({:>7.2})", ms(median), ms(last))
}
