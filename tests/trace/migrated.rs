//! Rows of the trace index from before it had turns, and numbers of items.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::chain::*;
use crate::support::{GTIN, TestApp};

const MIGRATION: &str = include_str!("../../migrations/0015_turns.sql");
/// Later, inputs that are one thing got a turn of their own, and an index.
const USED: &str = include_str!("../../migrations/0019_used.sql");
/// The owner too would see no rows.
const UNFORCED: &str = "ALTER TABLE trace_index NO FORCE ROW LEVEL SECURITY";
/// The index as it was.
const BEFORE: &str = "
    CREATE TABLE known AS SELECT identity_key, event_time, batch_id, position, role, turn FROM trace_index;
    ALTER TABLE trace_index DROP COLUMN turn CASCADE;
    ALTER TABLE trace_index ADD PRIMARY KEY
        (merchant_id, identity_key, event_time, batch_id, position, role, recorded_at);
    CREATE INDEX trace_index_thing
        ON trace_index (merchant_id, identity_key, event_time, batch_id, position, recorded_at, role)
        WHERE role BETWEEN 1 AND 5;
    CREATE INDEX trace_index_anchor
        ON trace_index (merchant_id, identity_key, recorded_at, batch_id, position) WHERE role = 11;";
const DIFFERENT: &str = "
    SELECT count(*) FROM known k FULL JOIN trace_index t
        USING (identity_key, event_time, batch_id, position, role)
    WHERE k.turn IS DISTINCT FROM t.turn";

/// Runs statements one after the other.
async fn run(conn: &mut PgConnection, statements: &[&'static str]) {
    for sql in statements {
        let done = sqlx::raw_sql(AssertSqlSafe(*sql)).execute(&mut *conn);
        done.await.unwrap();
    }
}

async fn count(conn: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(conn).await.unwrap()
}

fn built(hours: u32, action: &str, step: &str, parent: &str, child: &str) -> String {
    let fastened = bond("AssociationEvent", hours, action, parent, &[child]);
    fastened.replacen('{', &format!("{{{},", member("bizStep", step)), 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_from_before_get_the_turns_that_are_captured_today() {
    let app = TestApp::start().await;
    app.describe_product(GTIN).await;
    app.issue("L1", 3).await;
    let upui = uri("class:09521041001012") + "/235/TPX1";
    let uri_of_removing = "https://ref.gs1.org/cbv/BizStep-removing";
    app.capture(&[
        commission(1, &["tin:A", "tin:B"], "L"),
        pack(2, "case:1", &["tin:A", "tin:B", "lot:L"]),
        bond("AggregationEvent", 3, "OBSERVE", "case:1", &["tin:A"]),
        unpack(4, "case:1", &["tin:A"]),
        unpack(5, "case:1", &[]),
        fasten(6, "pallet:1", &["logger:1", "case:1"]),
        fasten(6, "pallet:2", &["case:1"]),
        bond("AssociationEvent", 7, "OBSERVE", "pallet:1", &["logger:1"]),
        unfasten(7, "pallet:1", &["logger:1"]),
        unfasten(8, "pallet:1", &[]),
        unfasten(8, "pallet:2", &["case:1"]),
        built(9, "ADD", "installing", "truck:1", "tote:1"),
        built(9, "ADD", "installing", "truck:1", "case:1"),
        built(10, "DELETE", uri_of_removing, "truck:1", "tote:1"),
        make(11, &["milk:1", "case:2"], &["powder:1"]),
        make(
            11,
            &["class:09521041000015", "tin:U", "tote:9", "logger:9", &upui],
            &["powder:2"],
        ),
        make(
            11,
            &["urn:uuid:3d8f9a3c-0f6b-4a0e-9c39-6a5ac83ad0b1"],
            &["powder:3"],
        ),
        step(
            12,
            "https://ref.gs1.org/cbv/BizStep-retail_selling",
            &["tin:A"],
        ),
        step(12, "destroying", &["tin:B"]),
        step(12, "retail_selling", &["lot:L"]),
        step(12, "https://example.org/retail_selling", &["tin:C"]),
        object(13, "DELETE", &["case:1"], &[]),
        see(14, &["case:1"]),
    ])
    .await;
    app.sealed().await;
    let mut owner = app.owner().await;
    let turns = "SELECT count(DISTINCT turn) FROM trace_index";
    let kinds: i64 = sqlx::query_scalar(turns)
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(kinds, 13, "each of the turns");
    let mut tx = owner.begin().await.unwrap();
    run(&mut tx, &[UNFORCED, BEFORE, MIGRATION, USED, UNFORCED]).await;
    let used = "SELECT count(*) FROM trace_index WHERE role = 4 AND turn = 12";
    assert_eq!(count(&mut tx, used).await, 6);
    let known = count(&mut tx, "SELECT count(*) FROM known").await;
    assert!(known > 30, "{known}");
    let different = count(&mut tx, DIFFERENT).await;
    assert_eq!(different, 0);
    tx.rollback().await.unwrap();
    app.stop().await;
}

const ITEMS: &str = include_str!("../../migrations/0018_items.sql");
const OTHERWISE: &str = "
    SELECT count(*) FROM known k FULL JOIN trace_index t USING (identity_key, batch_id, position, role)
    WHERE k.items IS DISTINCT FROM t.items";

#[tokio::test(flavor = "multi_thread")]
async fn rows_from_before_get_the_numbers_of_items_that_are_captured_today() {
    let app = TestApp::start().await;
    app.describe_product(GTIN).await;
    app.issue("L1", 3).await;
    let wrong = commission(3, &["tin:F"], "L");
    let link = |lot: &str, tin: &str| {
        uri(&format!("tin:{tin}")).replace("/21/", &format!("/10/{lot}/21/"))
    };
    let (one, other) = (link("K", "G"), link("L", "H"));
    app.capture(&[
        commission(1, &["tin:A", "tin:B"], "L"),
        commission(1, &["tin:C", "carton:C", "carton:D"], "M"),
        see(2, &[&link("L", "A")]),
        object(2, "ADD", &[&one], &[]),
        object(3, "ADD", &[&one, &other], &[]),
        make(3, &["powder:1"], &["tin:I", "tin:J", "lot:L"]),
        make(4, &["powder:1"], &[&link("N", "K")]),
        with_id(&wrong, "urn:example:e1"),
    ])
    .await;
    app.capture(&[declared_error(&wrong, "urn:example:e1")])
        .await;
    let mut owner = app.owner().await;
    let numbers = "SELECT items FROM trace_index WHERE role = 6 ORDER BY items";
    let numbers: Vec<i32> = sqlx::query_scalar(numbers)
        .fetch_all(&mut owner)
        .await
        .unwrap();
    // One declared an error; a lot that was only seen, two whose items nobody can tell apart, and codes; then one
    // each, by what was declared, by a link, as an output and of M; and two.
    assert_eq!(numbers, [-1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2]);
    let mut tx = owner.begin().await.unwrap();
    let before = "CREATE TABLE known AS SELECT identity_key, batch_id, position, role, items FROM trace_index;
        ALTER TABLE trace_index DROP COLUMN items;";
    run(&mut tx, &[UNFORCED, before, ITEMS, UNFORCED]).await;
    let otherwise = count(&mut tx, OTHERWISE).await;
    assert_eq!(otherwise, 0);
    tx.rollback().await.unwrap();
    app.stop().await;
}
