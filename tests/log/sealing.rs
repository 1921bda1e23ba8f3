//! One seal: what it signs, and what stops it before anything is signed.

use auditlog::note::NoteSigner;
use rootmark::seal::{LogSigners, SealError, Sealed, seal};
use time::Duration;

use crate::bench::{Bench, FIRST, change_one, number, run};
use crate::support::document::observation;

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_pending_nothing_is_sealed() {
    let bench = Bench::new().await;
    let before = bench.standing().await;
    assert_eq!(bench.seal().await.unwrap(), None);
    assert_eq!(bench.standing().await, before);
    bench.capture(&[observation(1, "L1")]).await;
    let sealed = bench.sealed().await;
    assert_eq!((sealed.seal, sealed.added, sealed.head.size.0), (1, 1, 1));
    let before = bench.standing().await;
    assert_eq!(bench.seal().await.unwrap(), None);
    assert_eq!(bench.standing().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_signs_the_same_tree_again_with_a_line_of_its_own() {
    let bench = Bench::new().await;
    bench
        .capture(&[observation(1, "L1"), observation(2, "L1")])
        .await;
    let first = bench.sealed_and_public().await;
    let beat = bench
        .seal_at(FIRST + Duration::minutes(10), true)
        .await
        .unwrap();
    let head = first.head;
    assert_eq!(
        beat,
        Some(Sealed {
            seal: 2,
            head,
            added: 0,
            is_full: false,
        })
    );
    let published = bench.publish().await.unwrap();
    let lines = bench.lines().await;
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[1].seal, lines[1].head), (2, head));
    assert_eq!(lines[1].previous, lines[0].hash());
    assert_eq!(lines[1].sealed_at.as_str(), "2026-06-01T08:10:00.000Z");
    // Ed25519 is deterministic: the same tree has the same checkpoint, whenever it is signed.
    assert_eq!(lines[1].checkpoint, lines[0].checkpoint);
    assert_eq!(published.anchor, lines[1]);
    bench.assert_clean("after a heartbeat").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_a_seal_is_never_before_the_last_though_the_clock_is_set_back() {
    let bench = Bench::new().await;
    let noon = FIRST + Duration::hours(4);
    for (id, now) in [(1, noon), (2, FIRST), (3, noon - Duration::milliseconds(1))] {
        bench.capture(&[observation(id, "L1")]).await;
        bench.seal_at(now, false).await.unwrap().unwrap();
    }
    bench.seal_at(FIRST, true).await.unwrap().unwrap();
    bench
        .seal_at(noon + Duration::milliseconds(1), true)
        .await
        .unwrap()
        .unwrap();
    let times: Vec<String> = bench
        .lines()
        .await
        .iter()
        .map(|line| line.sealed_at.to_string())
        .collect();
    let noon = "2026-06-01T12:00:00.000Z";
    assert_eq!(times, [noon, noon, noon, noon, "2026-06-01T12:00:00.001Z"]);
    bench.publish().await.unwrap();
    bench.assert_clean("after the clock was set back").await;
}

/// What a broken log says when it is to be sealed. Nothing may have changed, and once it is mended
/// it goes on.
async fn refused(bench: &Bench, broken: &str, mended: &str) -> SealError {
    let mut owner = bench.owner().await;
    run(&mut owner, broken).await;
    let before = bench.standing().await;
    let error = bench.seal().await.expect_err(broken);
    let heartbeat = bench.seal_at(bench.tick(), true).await.expect_err(broken);
    assert_eq!(heartbeat.to_string(), error.to_string());
    assert_eq!(bench.standing().await, before, "{broken}");
    run(&mut owner, mended).await;
    error
}

/// SQL that flips the lowest bit of one byte of a stored tile.
fn flip(level: u32, index: u32, byte: u32) -> String {
    format!(
        "UPDATE tile SET hashes = set_byte(hashes, {byte}, get_byte(hashes, {byte}) # 1)
         WHERE level = {level} AND tile_index = {index}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_flipped_in_a_tile_of_the_right_edge_stops_sealing_before_anything_is_signed() {
    let bench = Bench::new().await;
    let events: Vec<String> = (0..300).map(|id| observation(id, "L1")).collect();
    bench.capture(&events).await;
    bench.sealed_and_public().await;
    bench.capture(&[observation(900, "L1")]).await;
    for (level, index, byte) in [(0, 1, 0), (0, 1, 44 * 32 - 1), (1, 0, 7), (1, 0, 31)] {
        let flip = flip(level, index, byte);
        let error = refused(&bench, &flip, &flip).await;
        assert!(
            matches!(error, SealError::EdgeRoot { size } if size.0 == 300),
            "{error}"
        );
    }
    assert_eq!(bench.sealed_and_public().await.head.size.0, 301);
    bench.assert_clean("mended").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_of_the_right_edge_that_is_gone_or_too_narrow_stops_sealing() {
    let bench = Bench::new().await;
    bench
        .capture(&[observation(1, "L1"), observation(2, "L1")])
        .await;
    bench.sealed().await;
    bench.capture(&[observation(3, "L1")]).await;
    let keep = "CREATE TABLE kept AS TABLE tile;";
    let put_back = "DELETE FROM tile; INSERT INTO tile TABLE kept; DROP TABLE kept";
    for broken in [
        "DELETE FROM tile",
        "UPDATE tile SET hashes = substring(hashes FOR 32)",
        "UPDATE tile SET tile_index = 1",
        "UPDATE tile SET level = 1",
    ] {
        let error = refused(&bench, &format!("{keep} {broken}"), put_back).await;
        assert!(matches!(error, SealError::EdgeTile(_)), "{broken}: {error}");
    }
    assert_eq!(bench.sealed().await.head.size.0, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_says_another_size_or_root_stops_sealing() {
    let bench = Bench::new().await;
    bench
        .capture(&[observation(1, "L1"), observation(2, "L1")])
        .await;
    bench.sealed().await;
    bench.capture(&[observation(3, "L1")]).await;
    for (broken, mended) in [
        ("tree_size = 1", "tree_size = 2"),
        ("tree_size = 3", "tree_size = 2"),
        ("tree_size = 0", "tree_size = 2"),
        (
            "root = set_byte(root, 0, get_byte(root, 0) # 1)",
            "root = set_byte(root, 0, get_byte(root, 0) # 1)",
        ),
    ] {
        let set = |what| format!("UPDATE log_head SET {what}");
        let error = refused(&bench, &set(broken), &set(mended)).await;
        let edge = matches!(error, SealError::EdgeRoot { .. } | SealError::EdgeTile(_));
        assert!(edge, "{broken}: {error}");
    }
    assert_eq!(bench.sealed().await.head.size.0, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_lost_or_gained_a_statement_is_not_sealed() {
    let bench = Bench::new().await;
    bench.capture(&[observation(1, "L1")]).await;
    bench.sealed().await;
    bench
        .capture(&(2..5).map(|id| observation(id, "L1")).collect::<Vec<_>>())
        .await;
    let put_back = "DELETE FROM statement; INSERT INTO statement TABLE kept; DROP TABLE kept";
    let last = "batch_id = (SELECT id FROM pending_batch) AND position";
    for (broken, count) in [
        (format!("DELETE FROM statement WHERE {last} = 2"), 2),
        (format!("DELETE FROM statement WHERE {last} = 0"), 2),
        (format!("DELETE FROM statement WHERE {last} >= 0"), 0),
        (
            format!(
                "INSERT INTO statement SELECT merchant_id, batch_id, 3, kind, digest, content,
                     receipt, content_secret, receipt_secret FROM statement WHERE {last} = 2"
            ),
            4,
        ),
    ] {
        let broken = format!("CREATE TABLE kept AS TABLE statement; {broken}");
        let error = refused(&bench, &broken, put_back).await;
        let named = matches!(
            error, SealError::BatchCount { found, expected: 3, .. } if found == count
        );
        assert!(named, "{broken}: {error}");
    }
    assert_eq!(bench.sealed().await.head.size.0, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_the_logs_signs_nothing() {
    let bench = Bench::new().await;
    bench.capture(&[observation(1, "L1")]).await;
    let before = bench.standing().await;
    let name = bench.core.keys.log.verifier().name();
    let others = [
        NoteSigner::from_seed(name, &[7; 32]).unwrap(),
        NoteSigner::from_seed("other.example/log", &[7; 32]).unwrap(),
        NoteSigner::parse(&bench.core.keys.story.to_secret_text()).unwrap(),
    ];
    let mut conn = bench.sealer().await;
    for other in others.map(|other| LogSigners::new(other, None)) {
        for heartbeat in [false, true] {
            let error = seal(&mut conn, &other, bench.tick(), heartbeat)
                .await
                .unwrap_err();
            let named = matches!(&error, SealError::OtherKey { key, log }
                if *key == other.verifier().format()
                    && *log == bench.core.keys.log.verifier().format());
            assert!(named, "{error}");
        }
    }
    assert_eq!(bench.standing().await, before);
    assert_eq!(bench.sealed().await.seal, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_a_head_is_not_sealed() {
    let bench = Bench::new().await;
    bench.capture(&[observation(1, "L1")]).await;
    let mut owner = bench.owner().await;
    run(&mut owner, "CREATE TABLE kept AS TABLE log_head").await;
    change_one(&mut owner, "DELETE FROM log_head").await;
    assert!(matches!(bench.seal().await, Err(SealError::NoHead)));
    assert_eq!(
        number(&mut owner, "SELECT count(*) FROM pending_batch").await,
        1
    );
    run(&mut owner, "INSERT INTO log_head TABLE kept").await;
    assert_eq!(bench.sealed().await.seal, 1);
}
