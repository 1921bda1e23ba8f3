//! The scrub reads the stored log a part at a time, round and round.

use auditlog::LeafIndex;
use rootmark::check::{Report, scrub};

use crate::bench::{Bench, change_one, rows};
use crate::support::document::observation;

/// One round from the first statement until it begins again: what each step reported.
async fn round(bench: &Bench) -> Vec<Report> {
    let mut conn = bench.core.database.checker.acquire().await.unwrap();
    let (mut next, mut reports) = (LeafIndex(0), Vec::new());
    loop {
        let (report, then) = scrub(&mut conn, next).await.unwrap();
        reports.push(report);
        if then == LeafIndex(0) {
            return reports;
        }
        assert!(then > next, "a scrub must go on: {next} to {then}");
        next = then;
    }
}

async fn long_log() -> Bench {
    let bench = Bench::new().await;
    let mut id = 0;
    // Batches larger and smaller than a step, and more small ones than a step takes.
    for size in [600, 1, 300, 700].into_iter().chain([1; 130]) {
        let events: Vec<String> = (id..id + size).map(|id| observation(id, "L1")).collect();
        bench.capture(&events).await;
        id += size;
    }
    bench.sealed().await;
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_reads_every_sealed_statement_and_finds_nothing_where_nothing_is_wrong() {
    let empty = Bench::new().await;
    let reports = round(&empty).await;
    assert_eq!((reports.len(), reports[0].statements), (1, 0));
    let bench = long_log().await;
    let reports = round(&bench).await;
    assert!(reports.len() > 3, "it is done in parts: {}", reports.len());
    assert!(reports.iter().all(Report::is_clean));
    let read: u64 = reports.iter().map(|report| report.statements).sum();
    assert_eq!(read, 600 + 1 + 300 + 700 + 130);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_ends_where_a_step_ends_is_read_from_the_start_again() {
    let bench = Bench::new().await;
    for batch in 0..2 {
        let ids = batch * 500..(batch + 1) * 500;
        let events: Vec<String> = ids.map(|id| observation(id, "L1")).collect();
        bench.capture(&events).await;
        bench.sealed().await;
    }
    let reports = round(&bench).await;
    let read: Vec<u64> = reports.iter().map(|report| report.statements).collect();
    assert_eq!(read, [500, 500, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_statement_anywhere_is_named_within_one_round() {
    let bench = long_log().await;
    let mut owner = bench.owner().await;
    for index in [0, 599, 600, 1_000, 1_600, 1_601, 1_730] {
        let at = format!(
            "(batch_id, position) = (SELECT id, {index} - first_index FROM sealed_batch
                 WHERE first_index <= {index} ORDER BY first_index DESC LIMIT 1)"
        );
        let flip = format!(
            "UPDATE statement SET receipt_secret =
                 set_byte(receipt_secret, 5, get_byte(receipt_secret, 5) # 1) WHERE {at}"
        );
        change_one(&mut owner, &flip).await;
        let name = format!("SELECT batch_id || '/' || position FROM statement WHERE {at}");
        let name = rows(&mut owner, &name).await.pop().unwrap();
        let reports = round(&bench).await;
        let findings: Vec<&String> = reports.iter().flat_map(|report| &report.findings).collect();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(
            findings[0].starts_with(&format!("statement {name}: ")),
            "{findings:?}"
        );
        change_one(&mut owner, &flip).await;
    }
    assert!(round(&bench).await.iter().all(Report::is_clean));
}
