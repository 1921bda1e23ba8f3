//! A thousand stored statements, and every column of what is stored of them changed in every row: each
//! row is found, and its statement named.

use std::collections::HashSet;

use rootmark::check::{CheckOrder, check_with};
use sqlx::PgConnection;

use crate::bench::{Bench, rows, run};
use crate::check_fixture::{restore, without_constraints};
use crate::support::document::observation;

const STATEMENTS: u32 = 1_000;
const BATCH: u32 = 100;

/// One bit of each row, at a place that differs from row to row.
const FLIP: &str =
    "set_byte({c}, position % length({c}), get_byte({c}, position % length({c})) # 1)";

/// Table, column, and what it is changed to. A batch or position that is another takes the row away from
/// its statement, which is then said to be missing.
const CHANGES: [(&str, &str, &str); 18] = [
    ("statement", "content", FLIP),
    ("statement", "receipt", FLIP),
    ("statement", "content_secret", FLIP),
    ("statement", "receipt_secret", FLIP),
    ("statement", "digest", FLIP),
    ("statement", "kind", "'product'"),
    ("event_key", "key", FLIP),
    ("event_key", "content_sha256", FLIP),
    ("event_key", "position", "{c} + 1000"),
    ("event_key", "batch_id", "gen_random_uuid()"),
    ("trace_index", "identity_key", "{c} # 1"),
    (
        "trace_index",
        "recorded_at",
        "{c} + interval '1 microsecond'",
    ),
    (
        "trace_index",
        "event_time",
        "{c} + interval '1 microsecond'",
    ),
    ("trace_index", "position", "{c} + 1000"),
    ("trace_index", "batch_id", "gen_random_uuid()"),
    ("trace_index", "role", "{c} + 1"),
    ("trace_index", "turn", "{c} + 1"),
    ("trace_index", "items", "{c} + 1"),
];

/// `batch/position` of every statement.
async fn all_statements(owner: &mut PgConnection) -> HashSet<String> {
    let all = "SELECT batch_id || '/' || position FROM statement";
    rows(owner, all).await.into_iter().collect()
}

/// The statements that findings name.
async fn named(bench: &Bench) -> HashSet<String> {
    let mut conn = bench.core.database.checker.acquire().await.unwrap();
    let order = CheckOrder {
        max_findings: 20 * STATEMENTS as usize,
        ..CheckOrder::new(bench.folder())
    };
    let report = check_with(&mut conn, order, |_, _| {}).await.unwrap();
    let mut named = HashSet::new();
    for finding in &report.findings {
        let words = finding.split_whitespace();
        let id = |word: &str| word.trim_end_matches(':').to_owned();
        named.extend(words.filter(|word| word.contains('/')).map(id));
    }
    named
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_of_a_thousand_stored_rows_is_found_and_named() {
    let bench = Bench::new().await;
    for first in (0..STATEMENTS).step_by(BATCH as usize) {
        let ids = first..first + BATCH;
        let events: Vec<String> = ids.map(|id| observation(id, "L1")).collect();
        bench.capture(&events).await;
        bench.sealed_and_public().await;
    }
    let mut owner = without_constraints(&bench).await;
    let all = all_statements(&mut owner).await;
    assert_eq!(all.len() as u32, STATEMENTS);
    assert!(named(&bench).await.is_empty());
    for (table, column, change) in CHANGES {
        let change = change.replace("{c}", column);
        run(
            &mut owner,
            &format!("UPDATE {table} SET {column} = {change}"),
        )
        .await;
        let found = named(&bench).await;
        let missed: Vec<_> = all.difference(&found).take(3).collect();
        assert!(missed.is_empty(), "{table}.{column}: {missed:?} and others");
        restore(&mut owner, table).await;
    }
    assert!(named(&bench).await.is_empty());
}
