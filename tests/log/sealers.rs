//! Several sealers at once make one history.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use auditlog::anchor::AnchorChain;
use rootmark::seal::{SealError, Sealed, seal};
use sqlx::PgConnection;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::bench::{Bench, change_one, number, rows, run};
use crate::public_files::{read_all, verified_chain};
use crate::support::document::observation;

const SEALERS: usize = 8;
const ROUNDS: u32 = 6;

type Outcome = Result<Option<Sealed>, SealError>;

/// All sealers seal once, at the same moment, each on a connection of its own.
async fn race(
    bench: &Arc<Bench>,
    conns: Vec<PgConnection>,
    heartbeat: bool,
) -> (Vec<PgConnection>, Vec<Outcome>) {
    let start = Arc::new(Barrier::new(conns.len()));
    let mut running = JoinSet::new();
    for mut conn in conns {
        let (bench, start) = (Arc::clone(bench), Arc::clone(&start));
        running.spawn(async move {
            start.wait().await;
            let outcome = seal(&mut conn, &bench.core.keys.log, bench.tick(), heartbeat).await;
            (conn, outcome)
        });
    }
    running.join_all().await.into_iter().unzip()
}

/// A sealer that loses says so, in one of two ways: it sees that the head moved, or the database
/// refuses its row because that place is taken.
fn is_a_lost_race(error: &SealError) -> bool {
    match error {
        SealError::HeadMoved(_) => true,
        // 23505: unique violation; 40P01: deadlock detected, one of the two goes on.
        SealError::Store(sqlx::Error::Database(error)) => {
            matches!(error.code().as_deref(), Some("23505" | "40P01"))
        }
        _ => false,
    }
}

/// One chain of seals, in which no tree size has two roots, and in which every statement has exactly
/// one place and no place is empty.
async fn assert_one_history(bench: &Bench) {
    let lines = bench.lines().await;
    let verifier = bench.core.keys.log.verifier();
    let mut chain = AnchorChain::new();
    for line in &lines {
        line.open(verifier).unwrap();
        chain.push(line.clone()).unwrap();
    }
    let mut roots = HashMap::new();
    for line in &lines {
        let root = roots.entry(line.head.size.0).or_insert(line.head.root);
        assert_eq!(
            *root, line.head.root,
            "{} leaves have two roots",
            line.head.size
        );
    }
    let mut owner = bench.owner().await;
    let places = rows(
        &mut owner,
        "SELECT (b.first_index + s.position)::text
         FROM sealed_batch b JOIN statement s ON s.merchant_id = b.merchant_id AND s.batch_id = b.id
         ORDER BY b.first_index + s.position",
    )
    .await;
    let statements = number(&mut owner, "SELECT count(*) FROM statement").await;
    let expected: Vec<String> = (0..statements).map(|place| place.to_string()).collect();
    assert_eq!(places, expected);
    assert_eq!(chain.last().unwrap().head.size.0 as i64, statements);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_sealers_at_once_each_statement_is_sealed_by_one() {
    let bench = Arc::new(Bench::new().await);
    let mut conns = Vec::new();
    for _ in 0..SEALERS {
        conns.push(bench.sealer().await);
    }
    let mut id = 0;
    let (mut won, mut added) = (0, 0);
    for round in 0..ROUNDS {
        for size in 1..=5 {
            let events: Vec<String> = (0..size).map(|_| next_event(&mut id)).collect();
            bench.capture(&events).await;
        }
        // In every other round they are told to sign even if nothing is left for them.
        let (returned, outcomes) = race(&bench, conns, round % 2 == 1).await;
        conns = returned;
        for outcome in outcomes {
            match outcome {
                Ok(Some(sealed)) => {
                    won += 1;
                    added += sealed.added;
                }
                Ok(None) => {}
                Err(error) => assert!(is_a_lost_race(&error), "{error}"),
            }
        }
        assert_one_history(&bench).await;
    }
    assert!(won >= u64::from(ROUNDS), "each round has a winner: {won}");
    assert_eq!(
        added,
        u64::from(id),
        "every statement is counted by one seal"
    );
    assert_eq!(
        bench.lines().await.len() as u64,
        won,
        "who did not win has left no seal"
    );
    bench.publish().await.unwrap();
    bench.assert_clean("after the races").await;
}

/// Seals of the long race.
fn seals() -> u64 {
    if std::env::var_os("ROOTMARK_SOAK").is_some() {
        100_000
    } else {
        10_000
    }
}

/// A capture for so many seals; the others are heartbeats.
const SEALS_A_CAPTURE: u64 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn eight_sealers_at_once_make_one_history_of_ten_thousand_seals() {
    let bench = Arc::new(Bench::new().await);
    let (seals, won, lost) = (
        seals(),
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicU64::new(0)),
    );
    let started = std::time::Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..SEALERS {
        let (bench, won, lost) = (Arc::clone(&bench), Arc::clone(&won), Arc::clone(&lost));
        let mut conn = bench.sealer().await;
        running.spawn(async move {
            let (mut captured, mut added) = (0, 0);
            while won.load(Ordering::Relaxed) < seals {
                match seal(&mut conn, &bench.core.keys.log, bench.tick(), true).await {
                    Ok(sealed) => {
                        won.fetch_add(1, Ordering::Relaxed);
                        let sealed = sealed.expect("a heartbeat seals");
                        added += sealed.added;
                        if sealed.seal % SEALS_A_CAPTURE == 0 {
                            let first = 3 * sealed.seal as u32;
                            let events: Vec<String> =
                                (first..first + 3).map(|id| observation(id, "L1")).collect();
                            bench.capture(&events).await;
                            captured += 3;
                        }
                    }
                    Err(error) => {
                        assert!(is_a_lost_race(&error), "{error}");
                        lost.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            (captured, added)
        });
    }
    let (captured, added) = running
        .join_all()
        .await
        .into_iter()
        .fold((0u64, 0u64), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    eprintln!(
        "{won:?} won, {lost:?} lost, {captured} events in {:?}",
        started.elapsed()
    );
    let rest = bench.seal().await.unwrap();
    let rest_added = rest.as_ref().map_or(0, |sealed| sealed.added);
    assert_eq!(
        added + rest_added,
        captured,
        "each statement is sealed by one"
    );
    assert!(captured >= seals / SEALS_A_CAPTURE, "batches were mixed in");
    assert_one_history(&bench).await;
    let won = won.load(Ordering::Relaxed) + u64::from(rest.is_some());
    assert_eq!(
        bench.lines().await.len() as u64,
        won,
        "who lost has left no seal"
    );
    bench.assert_clean("after the long race").await;
    eprintln!("and checked after {:?}", started.elapsed());
}

fn next_event(id: &mut u32) -> String {
    *id += 1;
    observation(*id, "L1")
}

#[tokio::test(flavor = "multi_thread")]
async fn sealers_and_captures_at_once_leave_nothing_out_and_nothing_twice() {
    let bench = Arc::new(Bench::new().await);
    let mut running = JoinSet::new();
    for capturer in 0..3u32 {
        let bench = Arc::clone(&bench);
        running.spawn(async move {
            for round in 0..8 {
                let first = capturer * 1000 + round * 10;
                let events: Vec<String> =
                    (first..first + 4).map(|id| observation(id, "L1")).collect();
                bench.capture(&events).await;
            }
        });
    }
    for _ in 0..4 {
        let bench = Arc::clone(&bench);
        let mut conn = bench.sealer().await;
        running.spawn(async move {
            for _ in 0..12 {
                let outcome = seal(&mut conn, &bench.core.keys.log, bench.tick(), false).await;
                if let Err(error) = outcome {
                    assert!(is_a_lost_race(&error), "{error}");
                }
            }
        });
    }
    running.join_all().await;
    while bench.seal().await.unwrap().is_some() {}
    assert_one_history(&bench).await;
    assert_eq!(bench.lines().await.last().unwrap().head.size.0, 96);
    bench.publish().await.unwrap();
    bench.assert_clean("after captures and seals at once").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealer_whose_head_was_moved_meanwhile_signs_nothing_that_counts() {
    let bench = Arc::new(Bench::new().await);
    bench.capture(&[observation(1, "L1")]).await;
    bench.sealed().await;
    bench.capture(&[observation(2, "L1")]).await;
    let before = bench.standing().await;
    let mut owner = bench.owner().await;
    run(&mut owner, "BEGIN; SELECT * FROM log_head FOR UPDATE").await;
    let mut conn = bench.sealer().await;
    let sealing = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move { seal(&mut conn, &bench.core.keys.log, bench.tick(), false).await }
    });
    // It has read the head, signed, and waits for the row: the very moment before the head moves.
    let mut watcher = bench.owner().await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while number(&mut watcher, waiting).await == 0 {
        assert!(
            std::time::Instant::now() < limit,
            "the sealer never came to the head"
        );
    }
    let moved = "UPDATE log_head SET anchor_sha256 = decode(repeat('07', 32), 'hex')";
    change_one(&mut owner, moved).await;
    run(&mut owner, "COMMIT").await;
    let error = sealing.await.unwrap().unwrap_err();
    assert!(
        matches!(error, SealError::HeadMoved(size) if size.0 == 1),
        "{error}"
    );
    let line = bench.lines().await.pop().unwrap();
    let put_back = format!(
        "UPDATE log_head SET anchor_sha256 = decode('{}', 'hex')",
        line.hash().to_hex()
    );
    change_one(&mut owner, &put_back).await;
    assert_eq!(bench.standing().await, before);
    assert_eq!(bench.sealed().await.head.size.0, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn publishers_at_once_publish_every_seal_once_and_none_takes_the_others_for_another_history()
{
    let bench = Arc::new(Bench::new().await);
    bench.capture(&[observation(1, "L1")]).await;
    let mut running = JoinSet::new();
    for publisher in 0..6 {
        let bench = Arc::clone(&bench);
        let mut conn = bench.sealer().await;
        running.spawn(async move {
            for _ in 0..25 {
                if publisher < 2 {
                    match seal(&mut conn, &bench.core.keys.log, bench.tick(), true).await {
                        Ok(sealed) => assert!(sealed.is_some()),
                        Err(error) => assert!(is_a_lost_race(&error), "{error}"),
                    }
                }
                bench.core.public_log.publish(&mut conn).await.unwrap();
            }
        });
    }
    running.join_all().await;
    let files = read_all(bench.folder());
    let text = String::from_utf8(files["anchors.jsonl"].clone()).unwrap();
    let public = verified_chain(&text, &bench.core.keys.log.verifier().format());
    assert_eq!(public, bench.lines().await);
    assert!(public.len() >= 25);
    bench.assert_clean("after many publishers").await;
}
