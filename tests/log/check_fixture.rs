//! A database that has something of everything, and ways to damage it and make it whole again.

use rootmark::capture::{Submitter, keep_picture};
use rootmark::domain::picture::Picture;
use rootmark::domain::statement::Kind;
use sqlx::PgConnection;
use time::Duration;

use crate::bench::{Bench, FIRST, rows, run};
use crate::support::document::{item_observation, observation, observation_of};
use crate::support::{GTIN, picture};

/// Everything that a check reads.
pub const TABLES: [&str; 19] = [
    "statement",
    "sealed_batch",
    "pending_batch",
    "event_key",
    "trace_index",
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

const BEEF: &str = "09521072001012";
const SSCC: &str = "https://id.gs1.org/00/095210410001000014";

/// Two merchants, every kind of statement and event, four seals, a
/// change of the log's key, all but the pending ones public.
pub async fn busy() -> Bench {
    let mut bench = Bench::new().await;
    let dairy = bench.merchant.clone();
    let beef = bench
        .enter("Redspur Demo", "https://id.gs1.org/417/9521072000008")
        .await;
    describe(&bench, &dairy, GTIN).await;
    introduce(&bench, &dairy).await;
    describe(&bench, &beef, BEEF).await;
    bench.issue(&dairy, GTIN, Some("L1"), 3).await;
    bench
        .capture(&[observation(1, "L1"), item_observation(2, "A1")])
        .await;
    bench.sealed_and_public().await;
    bench.capture(&every_type(10)).await;
    bench.merge_index().await;
    bench.issue(&dairy, GTIN, Some("L2"), 3).await;
    for (phone, place) in [(1, Some("CN-SH")), (2, None)] {
        bench
            .look(
                &dairy,
                &format!("https://id.gs1.org/01/{GTIN}/21/A1"),
                phone,
                place,
            )
            .await;
    }
    bench.issue(&dairy, GTIN, None, 5).await;
    bench.sealed_and_public().await;
    bench
        .seal_at(FIRST + Duration::minutes(10), true)
        .await
        .unwrap()
        .unwrap();
    lose(&bench, &[observation(20, "L1"), observation(21, "L1")]).await;
    bench.rotate(1_000).await;
    // The same event of two merchants is two events.
    bench.capture_as(&beef, &[observation(1, "L1")]).await;
    bench.issue(&beef, BEEF, Some("L1"), 1).await;
    bench.sealed_and_public().await;
    bench
        .capture(&[observation(30, "L3"), observation(31, "L3")])
        .await;
    bench.issue(&beef, BEEF, Some("L9"), 2).await;
    bench
        .look(
            &dairy,
            &format!("https://id.gs1.org/01/{GTIN}/21/A1"),
            3,
            Some("NZ"),
        )
        .await;
    describe(&bench, &beef, "09521072001098").await;
    bench
}

/// Captures events, seals them and takes their statements away, as an old backup without them does; what
/// recovery takes back of them is put in their place.
async fn lose(bench: &Bench, events: &[String]) {
    bench.capture(events).await;
    bench.sealed_and_public().await;
    let mut owner = bench.owner().await;
    let batch = "batch_id IN (SELECT id FROM sealed_batch ORDER BY first_index DESC LIMIT 1)";
    run(
        &mut owner,
        &format!(
            "INSERT INTO lost_entry
             SELECT b.first_index + s.position, b.recorded_at, s.digest
             FROM sealed_batch b JOIN statement s ON s.batch_id = b.id WHERE {batch};
             DELETE FROM trace_index WHERE {batch};
             DELETE FROM event_batch WHERE {batch};
             DELETE FROM event_key WHERE {batch};
             DELETE FROM statement WHERE {batch};
             DELETE FROM sealed_batch WHERE {}",
            batch.replace("batch_id", "id")
        ),
    )
    .await;
}

const NAME: &str = r#"{"zh-CN":"演示","en":"Demo"}"#;

async fn describe(bench: &Bench, submitter: &Submitter, gtin: &str) {
    let gtin = format!("https://id.gs1.org/01/{gtin}");
    let picture = send_picture(bench, submitter).await;
    let product = format!(r#"{{"gtin":"{gtin}","productName":{NAME},"picture":{picture}}}"#);
    bench.describe(submitter, Kind::Product, &product).await;
}

/// Sends the picture of all products; gives how a description names it.
async fn send_picture(bench: &Bench, submitter: &Submitter) -> String {
    let bytes = picture::png(120, 120, 7);
    let picture = Picture::of(&bytes).unwrap();
    let mut conn = bench.core.database.capture.acquire().await.unwrap();
    keep_picture(&mut conn, submitter.merchant_id, &picture, &bytes, FIRST)
        .await
        .unwrap();
    picture::member(&bytes)
}

/// Names the merchant and its place, a document, and a link that is withdrawn again.
async fn introduce(bench: &Bench, submitter: &Submitter) {
    let (party, place) = (
        &submitter.issuer,
        submitter.issuer.replace("/417/", "/414/"),
    );
    let party = format!(r#"{{"party":"{party}","place":"{place}","name":{NAME}}}"#);
    bench.describe(submitter, Kind::Party, &party).await;
    let uri = "https://example.org/doc/1";
    let document = format!(r#"{{"document":"{uri}","documentType":"x","title":{NAME}}}"#);
    bench.describe(submitter, Kind::Document, &document).await;
    let anchor = format!("https://id.gs1.org/01/{GTIN}");
    for href in [r#""https://example.org/""#, "null"] {
        let link =
            format!(r#"{{"anchor":"{anchor}","linkType":"gs1:pip","href":{href},"title":"Demo"}}"#);
        bench.describe(submitter, Kind::Link, &link).await;
    }
}

/// One event of each type, the declaration that one was wrong, and one that no identity is found by.
fn every_type(first: u32) -> Vec<String> {
    let lot = |lot: &str| {
        format!(r#"{{"epcClass":"https://id.gs1.org/01/{GTIN}/10/{lot}","quantity":1}}"#)
    };
    let object = observation(first, "L1");
    let typed = |id: u32, name: &str, what: &str| {
        observation_of(id, what).replace("\"ObjectEvent\"", &format!("\"{name}\""))
    };
    let children = format!(r#""parentID":"{SSCC}","childQuantityList":[{}]"#, lot("L1"));
    let logger =
        format!(r#""parentID":"{SSCC}","childEPCs":["https://id.gs1.org/8004/9521072DEMO1"]"#);
    let order = format!(
        r#""epcList":["{SSCC}"],"bizTransactionList":[{{"type":"po","bizTransaction":"https://example.org/po/1"}}]"#
    );
    let inputs = format!(
        r#""inputQuantityList":[{}],"outputQuantityList":[{}]"#,
        lot("MILK"),
        lot("L1")
    );
    let transformation =
        typed(first + 4, "TransformationEvent", &inputs).replace("\"action\":\"OBSERVE\",", "");
    let declaration = object.replace(
        "\"action\"",
        r#""errorDeclaration":{"declarationTime":"2026-06-06T00:00:00Z","reason":"incorrect_data"},"action""#,
    );
    let sensed =
        r#""sensorElementList":[{"sensorReport":[{"type":"Temperature","value":4,"uom":"CEL"}]}]"#;
    vec![
        object,
        typed(first + 1, "AggregationEvent", &children),
        typed(first + 2, "AssociationEvent", &logger),
        typed(first + 3, "TransactionEvent", &order),
        transformation,
        declaration,
        observation_of(first + 6, sensed),
    ]
}

/// Whoever tampers is not stopped by constraints: all but NOT NULL and the partitions are dropped.
pub async fn without_constraints(bench: &Bench) -> PgConnection {
    let mut owner = bench.owner().await;
    let drop = rows(
        &mut owner,
        "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
         FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'p', 'u')
           AND conparentid = 0
           AND conrelid::regclass::text <> '_sqlx_migrations'
         -- Foreign keys go before the keys that they lean on.
         ORDER BY contype",
    )
    .await;
    assert!(drop.len() > 20, "{drop:?}");
    // What a key made NOT NULL stays so.
    run(&mut owner, &drop.join(";")).await;
    run(&mut owner, "SET session_replication_role = replica").await;
    for table in TABLES {
        run(
            &mut owner,
            &format!("CREATE TABLE kept_{table} AS TABLE {table}"),
        )
        .await;
    }
    owner
}

/// Puts every row of a table back.
pub async fn restore(owner: &mut PgConnection, table: &str) {
    run(
        owner,
        &format!("DELETE FROM {table}; INSERT INTO {table} TABLE kept_{table}"),
    )
    .await;
}

/// What a check says: its findings, or why it could not be made.
pub async fn findings(bench: &Bench) -> Result<Vec<String>, String> {
    match bench.check().await {
        Ok(report) => Ok(report.findings),
        Err(error) => Err(error.to_string()),
    }
}

/// The rows of a table, each by its place in a fixed order, with how a finding may name it.
pub async fn names_of_rows(owner: &mut PgConnection, table: &str) -> Vec<Vec<String>> {
    let name = match table {
        "statement" => "'statement ' || batch_id || '/' || '|batch ' || batch_id",
        // A batch in the wrong place may push another one away.
        "sealed_batch" => "'statement ' || id || '/' || '|batch ' || id || '|sealed_batch '",
        "pending_batch" => "'statement ' || id || '/' || '|batch ' || id",
        "event_key" => "'event_key'",
        "event_batch" => "'event_batch'",
        "event_term" => "'event_term'",
        "event_word" => "'event_word'",
        "trace_index" => "'trace_index'",
        "gtin_owner" => "'gtin_owner'",
        "party_description" => "'party_description'",
        "code_range" => "'code_range'",
        "scan" => "'scan'",
        "picture" => "'picture ' || encode(sha256, 'hex')",
        "product_picture" => "'product_picture'",
        // A seal that is gone is noticed by its neighbours, or by the head.
        "seal" => {
            "'seal ' || number || '|seal ' || number + 1 || '|seal ' || number - 1 || '|last seal'"
        }
        "tile" => "'tile'",
        "log_head" => "'log_head'",
        "lost_entry" => "'lost_entry'",
        "key_rotation" => "'key_rotation'",
        other => panic!("{other} has no names"),
    };
    let names = rows(
        owner,
        &format!("SELECT {name} FROM {table} t ORDER BY t::text"),
    )
    .await;
    names
        .iter()
        .map(|names| names.split('|').map(str::to_owned).collect())
        .collect()
}

/// The condition that holds for one row alone, by its place in that order.
pub fn row(table: &str, place: usize) -> String {
    format!(
        "(tableoid, ctid) IN (SELECT tableoid, ctid FROM {table} t ORDER BY t::text
                              OFFSET {place} LIMIT 1)"
    )
}

/// Whether any finding bears any of the names.
pub fn is_named(findings: &[String], names: &[String]) -> bool {
    findings
        .iter()
        .any(|finding| names.iter().any(|name| finding.contains(name.as_str())))
}
