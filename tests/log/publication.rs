//! What is published is what C2SP tlog-tiles prescribes: recomputed from what a stranger can fetch.

use std::collections::BTreeSet;

use crate::bench::{FIRST, rows};
use crate::oracle::{self, Digest32};
use crate::public_files::{read_all, verified_chain};
use crate::support::{TestApp, document};

/// What a stranger who fetches the whole log holds.
struct Fetched {
    /// Tree sizes of all checkpoints, in order.
    published: Vec<usize>,
    entries: Vec<Vec<u8>>,
}

/// Fetches the checkpoint, the anchor file and every entry bundle, and compares the roots.
async fn fetch(app: &TestApp) -> Fetched {
    let checkpoint = app.get_text("/log/checkpoint").await;
    let [origin, size, root] = checkpoint.lines().take(3).collect::<Vec<_>>()[..] else {
        panic!("not three lines: {checkpoint}");
    };
    let vkey = app.get_text("/log/vkey").await;
    assert_eq!(origin, vkey.split('+').next().unwrap());
    let size: usize = size.parse().unwrap();
    let mut entries = Vec::new();
    for (index, width) in oracle::tiles_at(0, size) {
        let path = oracle::tile_path("entries", index, width);
        let bundle = bytes(app, &path).await;
        entries.extend(oracle::entries(&bundle));
    }
    assert_eq!(entries.len(), size);
    let leaves: Vec<Digest32> = entries
        .iter()
        .map(|entry| oracle::leaf_hash(entry))
        .collect();
    let lines = verified_chain(&app.get_text("/log/anchors.jsonl").await, vkey.trim_end());
    assert_eq!(lines.last().unwrap().checkpoint, checkpoint);
    for line in &lines {
        let size = line.head.size.0 as usize;
        assert_eq!(
            line.head.root.0,
            oracle::root(&leaves[..size]),
            "seal {}",
            line.seal
        );
    }
    assert!(
        checkpoint.contains(&format!("\n{root}\n\n")),
        "{checkpoint}"
    );
    let published = lines.iter().map(|line| line.head.size.0 as usize).collect();
    Fetched { published, entries }
}

async fn bytes(app: &TestApp, path: &str) -> Vec<u8> {
    let answer = app.get(&format!("/log/{path}")).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.bytes().await.unwrap().to_vec()
}

fn observations(ids: std::ops::Range<u32>) -> Vec<String> {
    ids.map(|id| document::observation(id, "L1")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_public_file_is_what_the_entries_and_the_published_sizes_make_it_and_there_is_no_other()
 {
    let app = TestApp::start().await;
    app.sealed().await;
    // Across the first full tile, and across the second, with partial tiles in between.
    for ids in [0..3, 3..4, 4..304, 304..554] {
        app.capture(&observations(ids)).await;
        app.sealed().await;
    }
    let Fetched { published, entries } = fetch(&app).await;
    assert_eq!(published, [1, 4, 5, 305, 555]);
    let expected = oracle::tiles(&entries, &published);
    for (path, content) in &expected {
        assert!(bytes(&app, path).await == *content, "{path}");
    }
    let files = read_all(&app.public_log());
    let tiles: BTreeSet<&String> = files
        .keys()
        .filter(|name| name.starts_with("tile/"))
        .collect();
    assert_eq!(
        tiles,
        expected.keys().collect(),
        "a tile that nobody needs, or a missing one"
    );
    let others = oracle::others(files.into_keys());
    let named = [
        "anchors.jsonl",
        "checkpoint",
        "keys.jsonl",
        "story-vkey",
        "vkey",
    ];
    assert!(others.iter().eq(named), "{others:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_entries_are_the_digests_of_the_statements_in_the_order_of_the_log() {
    let app = TestApp::start().await;
    app.capture(&observations(0..5)).await;
    app.issue("L1", 2).await;
    app.capture(&observations(5..7)).await;
    app.sealed().await;
    let Fetched { entries, .. } = fetch(&app).await;
    let mut conn = app.owner().await;
    let stored = rows(
        &mut conn,
        "SELECT to_char(b.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')
             || E'\\n' || encode(s.digest, 'base64')
         FROM sealed_batch b JOIN statement s ON s.merchant_id = b.merchant_id AND s.batch_id = b.id
         ORDER BY b.first_index + s.position",
    )
    .await;
    let expected: Vec<String> = stored
        .iter()
        .map(|entry| format!("rootmark-entry/v1\n{entry}\n"))
        .collect();
    let entries: Vec<String> = entries
        .into_iter()
        .map(|entry| String::from_utf8(entry).unwrap())
        .collect();
    assert_eq!(entries, expected);
    assert_eq!(entries.len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_followed_an_earlier_checkpoint_still_finds_every_tile_of_its_tree() {
    let app = TestApp::start().await;
    app.sealed().await;
    let mut sizes = vec![1];
    for ids in [0..2, 2..9, 9..280] {
        app.capture(&observations(ids)).await;
        app.sealed().await;
        let checkpoint = app.get_text("/log/checkpoint").await;
        sizes.push(checkpoint.lines().nth(1).unwrap().parse().unwrap());
    }
    assert_eq!(sizes, [1, 3, 10, 281]);
    let Fetched { entries, .. } = fetch(&app).await;
    for size in sizes {
        let leaves: Vec<u8> = entries[..size.min(256)]
            .iter()
            .flat_map(|entry| oracle::leaf_hash(entry))
            .collect();
        let path = oracle::tile_path("0", 0, size.min(256));
        assert!(bytes(&app, &path).await == leaves, "{path}");
    }
    // A size that was never published has no partial tile: nobody was told of it.
    let never = app.get("/log/tile/0/000.p/7").await;
    assert_eq!(never.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_without_statements_signs_the_empty_tree_and_serves_no_tile() {
    let bench = crate::bench::Bench::new().await;
    bench.seal_at(FIRST, true).await.unwrap().unwrap();
    bench.publish().await.unwrap();
    let files = read_all(bench.folder());
    let checkpoint = String::from_utf8(files["checkpoint"].clone()).unwrap();
    // RFC 6962 §2.1: the hash of an empty list is the hash of an empty string.
    let empty = "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n";
    assert!(checkpoint.contains(empty), "{checkpoint}");
    assert!(
        files.keys().all(|name| !name.starts_with("tile/")),
        "{:?}",
        files.keys()
    );
}
