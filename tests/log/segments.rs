//! The anchor file is cut into segments that never change again, and together they are one chain.

use std::collections::BTreeSet;
use std::fs;

use auditlog::anchor::AnchorLine;
use rootmark::anchor::{PublicLog, PublishError};
use rootmark::check::check;
use rootmark::public::PublicError;

use crate::bench::Bench;
use crate::public_files::{Files, assert_same, read_all, verified_chain};
use crate::support::document::observation;

/// Lines in a segment here.
const LINES: u64 = 3;
const SEALS: u64 = 10;

struct Segmented {
    bench: Bench,
    log: PublicLog,
}

impl Segmented {
    async fn new() -> Segmented {
        let bench = Bench::new().await;
        bench.capture(&[observation(1, "L1")]).await;
        let log = PublicLog::new(bench.folder()).with_segment_lines(LINES);
        Segmented { bench, log }
    }

    /// Seals once and publishes.
    async fn beat(&self) -> AnchorLine {
        self.bench
            .seal_at(self.bench.tick(), true)
            .await
            .unwrap()
            .unwrap();
        self.publish().await.unwrap()
    }

    async fn publish(&self) -> Result<AnchorLine, PublishError> {
        let published = self.bench.publish_to(&self.log).await?;
        Ok(published.unwrap().anchor)
    }

    fn files(&self) -> Files {
        read_all(self.bench.folder())
    }

    /// All lines, segment after segment.
    fn chain(&self) -> Vec<AnchorLine> {
        let files = self.files();
        let mut segments: Vec<u64> = files
            .keys()
            .filter_map(|name| {
                name.strip_prefix("anchors/")?
                    .strip_suffix(".jsonl")?
                    .parse()
                    .ok()
            })
            .collect();
        segments.sort_unstable();
        let names = segments.iter().map(|seal| format!("anchors/{seal}.jsonl"));
        let text: String = names
            .chain(["anchors.jsonl".to_owned()])
            .filter_map(|name| files.get(&name))
            .map(|bytes| String::from_utf8(bytes.clone()).unwrap())
            .collect();
        verified_chain(&text, &self.bench.core.keys.log.verifier().format())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_named_by_their_first_seal_never_change_and_hold_one_chain_together() {
    let segmented = Segmented::new().await;
    let mut moved = Files::new();
    for seal in 1..=SEALS {
        assert_eq!(segmented.beat().await.seal, seal);
        let files = segmented.files();
        let segments: BTreeSet<String> = files
            .keys()
            .filter(|name| name.starts_with("anchors/"))
            .cloned()
            .collect();
        let expected: BTreeSet<String> = (1..seal)
            .step_by(LINES as usize)
            .filter(|first| first + LINES <= seal)
            .map(|first| format!("anchors/{first}.jsonl"))
            .collect();
        assert_eq!(segments, expected, "at seal {seal}");
        for name in segments {
            let bytes = &files[&name];
            assert_eq!(bytes.iter().filter(|b| **b == b'\n').count() as u64, LINES);
            let first = moved.entry(name.clone()).or_insert_with(|| bytes.clone());
            assert!(first == bytes, "{name} has changed");
        }
        assert_eq!(
            segmented.chain(),
            segmented.bench.lines().await,
            "at seal {seal}"
        );
    }
    assert_eq!(moved.len(), 3);
    let mut conn = segmented
        .bench
        .core
        .database
        .checker
        .acquire()
        .await
        .unwrap();
    let report = check(&mut conn, segmented.log.folder(), |_, _| {})
        .await
        .unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_published_in_one_go_has_the_same_segments_as_one_published_seal_by_seal() {
    let segmented = Segmented::new().await;
    for _ in 1..=SEALS {
        segmented.beat().await;
    }
    let step_by_step = segmented.files();
    fs::remove_dir_all(segmented.bench.folder()).unwrap();
    segmented.publish().await.unwrap();
    assert_same(&segmented.files(), &step_by_step, "published again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_right_after_a_segment_was_moved_loses_no_line() {
    // What stands in the current file when the service starts again: the crash came before it was
    // made, before anything was written to it, or in the middle of its first line.
    for torn in [None, Some(0), Some(1), Some(200)] {
        let segmented = Segmented::new().await;
        for _ in 1..=LINES {
            segmented.beat().await;
        }
        let current = segmented.bench.folder().join("anchors.jsonl");
        let whole = fs::read(&current).unwrap();
        // The next seal is committed; its publication moves the segment, and is interrupted.
        segmented
            .bench
            .seal_at(segmented.bench.tick(), true)
            .await
            .unwrap()
            .unwrap();
        let line = segmented.bench.lines().await[LINES as usize].format();
        fs::create_dir_all(segmented.bench.folder().join("anchors")).unwrap();
        fs::rename(&current, segmented.bench.folder().join("anchors/1.jsonl")).unwrap();
        if let Some(length) = torn {
            fs::write(&current, &line.as_bytes()[..length]).unwrap();
        }
        assert!(segmented.log.has_history().unwrap(), "{torn:?}");
        let published = segmented
            .publish()
            .await
            .unwrap_or_else(|e| panic!("{torn:?}: {e}"));
        assert_eq!(published.seal, LINES + 1, "{torn:?}");
        let files = segmented.files();
        assert!(
            files["anchors/1.jsonl"] == whole,
            "{torn:?}: the moved segment has changed"
        );
        assert_eq!(
            files["anchors.jsonl"],
            format!("{line}\n").as_bytes(),
            "{torn:?}"
        );
        assert_eq!(segmented.chain(), segmented.bench.lines().await, "{torn:?}");
        segmented.beat().await;
        assert_eq!(segmented.chain(), segmented.bench.lines().await, "{torn:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_the_middle_of_moving_a_segment_loses_no_line_and_repeats_none() {
    let segmented = Segmented::new().await;
    for _ in 1..=LINES {
        segmented.beat().await;
    }
    let folder = segmented.bench.folder();
    let whole = fs::read(folder.join("anchors.jsonl")).unwrap();
    // Both names are there: the crash came before the old one was removed.
    fs::create_dir_all(folder.join("anchors")).unwrap();
    fs::copy(folder.join("anchors.jsonl"), folder.join("anchors/1.jsonl")).unwrap();
    // Neither a check nor a reader counts its lines twice, before start-up and after it.
    let report = segmented.bench.check().await.unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!(report.public_seals, LINES);
    assert_eq!(segmented.publish().await.unwrap().seal, LINES);
    assert!(!folder.join("anchors.jsonl").exists());
    assert_eq!(segmented.chain(), segmented.bench.lines().await);
    assert_eq!(segmented.bench.check().await.unwrap().public_seals, LINES);
    assert_eq!(segmented.beat().await.seal, LINES + 1);
    assert!(segmented.files()["anchors/1.jsonl"] == whole);
    assert_eq!(segmented.chain(), segmented.bench.lines().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_is_there_with_other_lines_is_never_replaced() {
    let segmented = Segmented::new().await;
    for _ in 1..=LINES {
        segmented.beat().await;
    }
    let folder = segmented.bench.folder();
    fs::create_dir_all(folder.join("anchors")).unwrap();
    fs::write(folder.join("anchors/1.jsonl"), b"what others have seen\n").unwrap();
    let before = segmented.files();
    segmented
        .bench
        .seal_at(segmented.bench.tick(), true)
        .await
        .unwrap()
        .unwrap();
    let error = segmented.publish().await.unwrap_err();
    assert!(
        matches!(error, PublishError::Public(PublicError::File { .. })),
        "{error}"
    );
    assert_same(&segmented.files(), &before, "nothing is overwritten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_torn_in_the_middle_of_a_segment_is_written_whole() {
    for seals in 1..=2 * LINES {
        let segmented = Segmented::new().await;
        for _ in 1..=seals {
            segmented.beat().await;
        }
        let before = segmented.files();
        let current = segmented.bench.folder().join("anchors.jsonl");
        let bytes = fs::read(&current).unwrap();
        fs::write(&current, &bytes[..bytes.len() - 30]).unwrap();
        assert_eq!(segmented.publish().await.unwrap().seal, seals);
        assert_same(&segmented.files(), &before, &format!("after {seals} seals"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_log_that_is_ahead_is_noticed_though_its_last_line_was_moved_away() {
    let segmented = Segmented::new().await;
    for _ in 1..=LINES {
        segmented.beat().await;
    }
    let folder = segmented.bench.folder();
    let mut owner = segmented.bench.owner().await;
    let line = segmented.bench.lines().await[1].clone();
    crate::bench::run(
        &mut owner,
        &format!(
            "DELETE FROM seal WHERE number = 3;
             UPDATE log_head SET seal = 2, anchor_sha256 = decode('{}', 'hex')",
            line.hash().to_hex()
        ),
    )
    .await;
    fs::create_dir_all(folder.join("anchors")).unwrap();
    fs::rename(folder.join("anchors.jsonl"), folder.join("anchors/1.jsonl")).unwrap();
    let error = segmented.publish().await.unwrap_err();
    assert!(
        matches!(
            error,
            PublishError::Ahead {
                public: 3,
                known: 2
            }
        ),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_last_line_that_is_no_anchor_line_stops_publishing() {
    let segmented = Segmented::new().await;
    segmented.beat().await;
    let current = segmented.bench.folder().join("anchors.jsonl");
    let whole = fs::read_to_string(&current).unwrap();
    for bad in [
        "{}\n".to_owned(),
        format!("{whole}\n"),
        whole.replace("\"seal\":1", "\"seal\":01"),
    ] {
        fs::write(&current, &bad).unwrap();
        let error = segmented.publish().await.unwrap_err();
        assert!(
            matches!(error, PublishError::Public(PublicError::Anchor(_))),
            "{error}"
        );
        assert_eq!(
            fs::read_to_string(&current).unwrap(),
            bad,
            "it is left for a person to look at"
        );
    }
    fs::write(&current, &whole).unwrap();
    segmented.publish().await.unwrap();
}
