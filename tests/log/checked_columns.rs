//! Changing any column of any row by SQL is found, and the finding names the row or its table.

use std::collections::BTreeSet;

use crate::bench::{change_one, rows};
use crate::check_fixture::{
    TABLES, busy, findings, is_named, names_of_rows, restore, row, without_constraints,
};

/// What a check cannot see, and why. Nothing else may be missed, and nothing here may be found.
const UNSEEN: [(&str, &str); 6] = [
    // When a merchant claimed a GTIN is said nowhere else, and nothing reads it: the column is there
    // for FOR UPDATE.
    ("gtin_owner", "claimed_at"),
    // When a picture was sent first orders those that wait, and is said nowhere else.
    ("picture", "sent_at"),
    // What a phone and a network are called keeps look-ups apart, and is said nowhere else, so that nobody is followed.
    ("scan", "phone"),
    ("scan", "network"),
    // Which merge wrote a row; it keeps rows apart and says nothing of events.
    ("event_term", "segment"),
    // It holds the table to one row while the constraint stands; nothing reads it.
    ("log_head", "sole"),
];

/// SQL expressions that change a value of this type a little, or unset it.
fn small_changes(column: &Column) -> Vec<String> {
    let Column {
        name,
        data_type,
        nullable,
    } = column;
    let c = format!("\"{name}\"");
    let flip =
        |place: &str, bit: u8| format!("set_byte({c}, {place}, get_byte({c}, {place}) # {bit})");
    let mut changes = match data_type.as_str() {
        "bytea" => vec![
            flip("0", 1),
            flip(&format!("length({c}) / 2"), 1),
            flip(&format!("length({c}) - 1"), 4),
            // No longer UTF-8, where it was text.
            flip(&format!("length({c}) / 3"), 128),
        ],
        "uuid" => vec!["gen_random_uuid()".to_owned()],
        "smallint" | "integer" | "bigint" => vec![format!("{c} + 1"), format!("{c} - 1")],
        "text" => vec![
            format!("coalesce({c}, '') || 'x'"),
            format!("CASE WHEN {c} = '' THEN 'x' ELSE '' END"),
        ],
        "timestamp with time zone" => vec![
            format!("{c} + interval '1 second'"),
            format!("{c} - interval '1 year'"),
            format!("{c} + interval '1 microsecond'"),
        ],
        "boolean" => vec![format!("NOT {c}")],
        other => panic!("{name}: how is a {other} changed?"),
    };
    if *nullable {
        changes.push(format!("CASE WHEN {c} IS NULL THEN {c} END"));
    }
    changes
}

/// Rows whose columns are changed in every way.
const SOME_ROWS: usize = 2;
/// Rows of other tables than `statement` whose columns are changed in one way.
const MANY_ROWS: usize = 5;

struct Column {
    name: String,
    data_type: String,
    nullable: bool,
}

async fn columns(owner: &mut sqlx::PgConnection, table: &str) -> Vec<Column> {
    let found = rows(
        owner,
        &format!(
            "SELECT column_name || '|' || data_type || '|' || is_nullable
             FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
        ),
    )
    .await;
    let column = |text: &String| {
        let [name, data_type, nullable] = text.split('|').collect::<Vec<_>>()[..] else {
            panic!("{text}");
        };
        Column {
            name: name.to_owned(),
            data_type: data_type.to_owned(),
            nullable: nullable == "YES",
        }
    };
    found.iter().map(column).collect()
}

/// How a column is changed.
type Changes = fn(&Column) -> Vec<String>;

/// Changes every column of every row of a table, one at a time; gives what was not found.
async fn missed_in(tables: &[&str], changes: Changes) -> BTreeSet<String> {
    let bench = busy().await;
    let mut owner = without_constraints(&bench).await;
    bench.assert_clean("before").await;
    let mut missed = BTreeSet::new();
    for table in tables {
        let names = names_of_rows(&mut owner, table).await;
        assert!(!names.is_empty(), "{table} is empty: this proves nothing");
        for column in columns(&mut owner, table).await {
            let changes = changes(&column);
            for (kind, change) in changes.iter().enumerate() {
                // Every column of every statement is changed in one way, that of some rows in all.
                let rows = match (kind, *table) {
                    (0, "statement") => names.len(),
                    (0, _) => MANY_ROWS,
                    _ => SOME_ROWS,
                };
                for (place, names) in names.iter().enumerate().take(rows) {
                    let column_name = format!("{table}.{}", column.name);
                    let names = [names.as_slice(), &[column_name]].concat();
                    let set = format!(
                        "UPDATE {table} SET \"{}\" = {change} WHERE {}",
                        column.name,
                        row(table, place)
                    );
                    change_one(&mut owner, &set).await;
                    if is_unchanged(&mut owner, table).await {
                        continue;
                    }
                    let what = format!("{table}.{} = {change}", column.name);
                    match findings(&bench).await {
                        Ok(findings) if is_named(&findings, &names) => {}
                        Ok(findings) if findings.is_empty() => {
                            missed.insert(format!("{what}: not found"));
                        }
                        Ok(findings) => {
                            missed.insert(format!("{what}: {names:?} not named in {findings:?}"));
                        }
                        Err(error) => {
                            missed.insert(format!("{what}: the check failed: {error}"));
                        }
                    }
                    restore(&mut owner, table).await;
                }
            }
            bench
                .assert_clean(&format!("after {table}.{} was put back", column.name))
                .await;
        }
    }
    missed
}

/// NULL instead of NULL is no change.
async fn is_unchanged(owner: &mut sqlx::PgConnection, table: &str) -> bool {
    let differ = format!("SELECT 'x' FROM (TABLE {table} EXCEPT TABLE kept_{table}) d LIMIT 1");
    rows(owner, &differ).await.is_empty()
}

/// Whether what was missed is a change of a column.
fn is_of(what: &str, (table, column): &(&str, &str)) -> bool {
    what.starts_with(&format!("{table}.{column} = "))
}

/// Asserts that exactly the listed columns were missed.
async fn assert_all_found_in(tables: &[&str]) {
    let missed = missed_in(tables, small_changes).await;
    let unlisted: Vec<&String> = missed
        .iter()
        .filter(|what| !UNSEEN.iter().any(|unseen| is_of(what, unseen)))
        .collect();
    assert!(unlisted.is_empty(), "a check misses: {unlisted:#?}");
    for unseen in UNSEEN.iter().filter(|(table, _)| tables.contains(table)) {
        assert!(
            missed.iter().any(|what| is_of(what, unseen)),
            "{unseen:?} is found after all"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_column_of_any_statement_is_found() {
    assert_all_found_in(&["statement"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_column_of_any_batch_is_found() {
    assert_all_found_in(&["sealed_batch", "pending_batch"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_column_of_any_row_of_the_trace_index_is_found() {
    assert_all_found_in(&["trace_index"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_column_of_any_other_derived_row_is_found() {
    assert_all_found_in(&[
        "event_key",
        "gtin_owner",
        "party_description",
        "code_range",
        "scan",
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_column_of_any_picture_is_found() {
    assert_all_found_in(&["picture", "product_picture"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_column_of_what_queries_read_is_found() {
    assert_all_found_in(&["event_batch", "event_term", "event_word"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_column_of_the_log_itself_is_found() {
    assert_all_found_in(&["seal", "tile", "log_head", "lost_entry", "key_rotation"]).await;
}

#[tokio::test]
async fn every_table_that_a_check_reads_is_tampered_with_here() {
    let tampered = [
        "statement",
        "sealed_batch",
        "pending_batch",
        "trace_index",
        "event_key",
        "event_batch",
        "event_term",
        "event_word",
        "gtin_owner",
        "party_description",
        "code_range",
        "scan",
        "picture",
        "product_picture",
        "seal",
        "tile",
        "log_head",
        "lost_entry",
        "key_rotation",
    ];
    let (tampered, read) = (BTreeSet::from(tampered), BTreeSet::from(TABLES));
    assert_eq!(tampered, read);
    let bench = crate::bench::Bench::new().await;
    let mut owner = bench.owner().await;
    let readable = rows(
        &mut owner,
        "SELECT DISTINCT table_name::text FROM information_schema.role_table_grants
         WHERE grantee = 'rootmark_checker' AND privilege_type = 'SELECT'",
    )
    .await;
    // Merchants and jobs are no statements, and nothing is derived from them; the mark of the code
    // key is compared with the key at every start.
    let not_in_the_log = ["merchant", "capture_job", "code_key"];
    let left: Vec<&String> = readable
        .iter()
        .filter(|name| !read.contains(name.as_str()) && !not_in_the_log.contains(&name.as_str()))
        .collect();
    assert!(
        left.is_empty(),
        "the checker may read {left:?}, and nothing here changes them"
    );
}

/// A byte more, a byte less. Constraints do not let that happen, while they stand.
fn other_lengths(column: &Column) -> Vec<String> {
    let c = format!("\"{}\"", column.name);
    match column.data_type.as_str() {
        "bytea" => vec![
            format!("{c} || '\\x00'::bytea"),
            format!("substring({c} FOR length({c}) - 1)"),
        ],
        _ => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_another_length_are_found_and_not_an_error_of_the_check() {
    let missed = missed_in(&TABLES, other_lengths).await;
    let unlisted: Vec<&String> = missed
        .iter()
        .filter(|what| !UNSEEN.iter().any(|unseen| is_of(what, unseen)))
        .collect();
    assert!(unlisted.is_empty(), "a check misses: {unlisted:#?}");
}
