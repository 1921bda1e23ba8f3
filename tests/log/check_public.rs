//! The public files are part of what is checked.

use std::fs;
use std::path::Path;

use auditlog::Timestamp;
use auditlog::anchor::AnchorLine;

use crate::bench::Bench;
use crate::check_fixture::findings;
use crate::public_files::{Files, read_all};
use crate::support::document::observation;

/// A log of 300 entries in three public seals.
async fn published() -> (Bench, Files) {
    let bench = Bench::new().await;
    for ids in [0..2, 2..299, 299..300] {
        let events: Vec<String> = ids.map(|id| observation(id, "L1")).collect();
        bench.capture(&events).await;
        bench.sealed_and_public().await;
    }
    bench.assert_clean("before").await;
    let files = read_all(bench.folder());
    (bench, files)
}

/// Damages the folder; what is found must name the file. Puts the file back.
async fn found(bench: &Bench, files: &Files, name: &str, damage: impl FnOnce(&Path)) {
    let path = bench.folder().join(name);
    damage(&path);
    assert_ne!(
        read_all(bench.folder()),
        *files,
        "{name}: nothing is damaged"
    );
    let found = findings(bench).await.unwrap();
    assert!(
        found.iter().any(|finding| finding.contains(name)),
        "{name} not named in {found:?}"
    );
    fs::write(&path, &files[name]).unwrap();
    assert_eq!(read_all(bench.folder()), *files, "{name} is put back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_tile_or_entry_bundle_that_is_another_is_found() {
    let (bench, files) = published().await;
    for name in [
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    ] {
        let whole = &files[name];
        let flipped = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            bytes
        };
        for bytes in [
            flipped(0),
            flipped(whole.len() - 1),
            whole[..whole.len() - 1].to_vec(),
            [whole.as_slice(), b"\0"].concat(),
            Vec::new(),
        ] {
            found(&bench, &files, name, |path| fs::write(path, bytes).unwrap()).await;
        }
        found(&bench, &files, name, |path| fs::remove_file(path).unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_tile_may_be_gone_once_the_full_one_is_there() {
    let (bench, files) = published().await;
    for name in ["tile/0/000.p/2", "tile/entries/000.p/2"] {
        assert!(files.contains_key(name));
        fs::remove_file(bench.folder().join(name)).unwrap();
    }
    bench
        .assert_clean("without the partial tiles of an earlier size")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_anchor_line_that_is_another_is_found() {
    let (bench, files) = published().await;
    let name = "anchors.jsonl";
    let lines: Vec<String> = String::from_utf8(files[name].clone())
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    for changed in 0..lines.len() {
        let mut line = AnchorLine::parse(&lines[changed]).unwrap();
        line.sealed_at = Timestamp::parse("2020-01-01T00:00:00.000Z").unwrap();
        for bad in [
            line.format(),
            lines[changed].replacen("\"root\":\"", "\"root\":\"A", 1),
            "{}".into(),
        ] {
            let mut lines = lines.clone();
            lines[changed] = bad;
            let text = lines.join("\n") + "\n";
            found(&bench, &files, name, |path| fs::write(path, text).unwrap()).await;
        }
    }
    for at in [10, files[name].len() - 40] {
        // No longer UTF-8.
        let mut bytes = files[name].clone();
        bytes[at] ^= 0x80;
        found(&bench, &files, name, |path| fs::write(path, bytes).unwrap()).await;
    }
    let reordered = [&*lines[1], &*lines[0], &*lines[2], ""].join("\n");
    found(&bench, &files, name, |path| {
        fs::write(path, reordered).unwrap()
    })
    .await;
    let without_first = [&*lines[1], &*lines[2], ""].join("\n");
    found(&bench, &files, name, |path| {
        fs::write(path, without_first).unwrap()
    })
    .await;
    let twice = [&*lines[0], &*lines[1], &*lines[2], &*lines[2], ""].join("\n");
    found(&bench, &files, name, |path| fs::write(path, twice).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_log_that_is_ahead_of_the_database_is_found() {
    let (bench, _) = published().await;
    bench.seal_at(bench.tick(), true).await.unwrap().unwrap();
    let lines = bench.lines().await;
    let mut owner = bench.owner().await;
    bench.publish().await.unwrap();
    let back = format!(
        "DELETE FROM seal WHERE number = 4;
         UPDATE log_head SET seal = 3, anchor_sha256 = decode('{}', 'hex'), sealed_at = '{}'",
        lines[2].hash().to_hex(),
        lines[2].sealed_at,
    );
    crate::bench::run(&mut owner, &back).await;
    let found = findings(&bench).await.unwrap();
    assert!(
        found
            .iter()
            .any(|f| f.contains("anchors.jsonl") && f.contains("old copy")),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_leaves_between_two_steps_of_publishing_is_no_finding() {
    let (bench, files) = published().await;
    let lines = String::from_utf8(files["anchors.jsonl"].clone()).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    let before = AnchorLine::parse(lines[1]).unwrap().checkpoint;
    fs::write(bench.folder().join("checkpoint"), &before).unwrap();
    bench
        .assert_clean("the anchor line is written, the checkpoint is not")
        .await;
    let whole = &files["anchors.jsonl"];
    let last = whole.len() - lines[2].len() - 1;
    // Inside the dash before the signature what is left is not even UTF-8.
    let dash = last + lines[2].find('—').unwrap() + 1;
    for length in [last, last + 1, dash, whole.len() - 1] {
        fs::write(bench.folder().join("anchors.jsonl"), &whole[..length]).unwrap();
        bench
            .assert_clean(&format!(
                "the last line is torn after {} bytes",
                length - last
            ))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_how_many_seals_are_public() {
    let (bench, files) = published().await;
    let public = async || {
        let report = bench.check().await.unwrap();
        assert!(report.is_clean(), "{:?}", report.findings);
        assert_eq!(report.seals, 3);
        report.public_seals
    };
    assert_eq!(public().await, 3);
    let path = bench.folder().join("anchors.jsonl");
    let lines = String::from_utf8(files["anchors.jsonl"].clone()).unwrap();
    let first_two: usize = lines.lines().take(2).map(|line| line.len() + 1).sum();
    fs::write(&path, &lines[..first_two]).unwrap();
    // Whose checkpoint is public, its line was: that the last one is gone is no crash's work.
    let found = findings(&bench).await.unwrap();
    assert!(
        found
            .iter()
            .any(|finding| finding.starts_with("checkpoint: ")),
        "{found:?}"
    );
    let second = AnchorLine::parse(lines.lines().nth(1).unwrap()).unwrap();
    fs::write(bench.folder().join("checkpoint"), second.checkpoint).unwrap();
    assert_eq!(public().await, 2);
    fs::remove_file(&path).unwrap();
    let found = findings(&bench).await.unwrap();
    assert!(
        found
            .iter()
            .any(|finding| finding.starts_with("anchors.jsonl: ")),
        "{found:?}"
    );
    fs::remove_file(bench.folder().join("checkpoint")).unwrap();
    assert_eq!(public().await, 0);
    bench.publish().await.unwrap();
    assert_eq!(public().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_checkpoint_that_is_no_seals_is_found() {
    let (bench, files) = published().await;
    let name = "checkpoint";
    let whole = &files[name];
    for at in [0, whole.len() / 2, whole.len() - 3] {
        for bit in [1, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            found(&bench, &files, name, |path| fs::write(path, bytes).unwrap()).await;
        }
    }
    let longer = [whole.as_slice(), b"\n"].concat();
    found(&bench, &files, name, |path| {
        fs::write(path, longer).unwrap()
    })
    .await;
    found(&bench, &files, name, |path| fs::remove_file(path).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_key_file_that_is_another_is_found() {
    let (bench, files) = published().await;
    for name in ["vkey", "story-vkey", "keys.jsonl"] {
        let other = [files[name].as_slice(), b"x"].concat();
        found(&bench, &files, name, |path| fs::write(path, other).unwrap()).await;
        found(&bench, &files, name, |path| fs::remove_file(path).unwrap()).await;
    }
}
