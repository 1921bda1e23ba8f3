//! A row too many or too few is found; so are changes that were made to look right.

use auditlog::Hash;
use auditlog::entry::Entry;
use auditlog::field::Secret;
use auditlog::note::NoteSigner;
use auditlog::statement::{Statement, StatementParts};
use auditlog::tile::{RightEdge, hashes_to_bytes};

use crate::bench::{Bench, change_one, number, rows, run};
use crate::check_fixture::{
    TABLES, busy, findings, is_named, names_of_rows, restore, row, without_constraints,
};
use crate::support::document::observation;

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_row_of_any_table_is_found() {
    let bench = busy().await;
    let mut owner = without_constraints(&bench).await;
    let mut missed = Vec::new();
    for table in TABLES {
        for (place, names) in names_of_rows(&mut owner, table)
            .await
            .into_iter()
            .enumerate()
        {
            change_one(
                &mut owner,
                &format!("DELETE FROM {table} WHERE {}", row(table, place)),
            )
            .await;
            match findings(&bench).await {
                Ok(findings) if is_named(&findings, &names) => {}
                other => missed.push(format!("{table}: {names:?} not named in {other:?}")),
            }
            restore(&mut owner, table).await;
        }
        bench
            .assert_clean(&format!("after {table} was put back"))
            .await;
    }
    assert!(missed.is_empty(), "a check misses: {missed:#?}");
}

/// Rows that nobody's statements call for: the table, and what selects a row to be inserted.
const EXTRA: [(&str, &str); 20] = [
    (
        "event_key",
        "SELECT merchant_id, substring(sha256(key) FOR 16), content_sha256, batch_id, position FROM event_key LIMIT 1",
    ),
    (
        "event_key",
        "SELECT merchant_id, set_byte(key, 0, get_byte(key, 0) # 1), content_sha256, batch_id, position FROM event_key LIMIT 1",
    ),
    (
        "event_key",
        "SELECT merchant_id, set_byte(key, 0, get_byte(key, 0) # 1), content_sha256, gen_random_uuid(), 0 FROM event_key LIMIT 1",
    ),
    (
        "trace_index",
        "SELECT merchant_id, identity_key + 1, recorded_at, batch_id, position, role, event_time, turn, items FROM trace_index LIMIT 1",
    ),
    (
        "trace_index",
        "SELECT merchant_id, identity_key, recorded_at, batch_id, position, 5, event_time, turn, items FROM trace_index WHERE role = 1 LIMIT 1",
    ),
    (
        "trace_index",
        "SELECT merchant_id, identity_key, recorded_at, gen_random_uuid(), position, role, event_time, turn, items FROM trace_index LIMIT 1",
    ),
    (
        "trace_index",
        "SELECT merchant_id, identity_key, recorded_at + interval '1 second', batch_id, position, role, event_time, turn, items FROM trace_index LIMIT 1",
    ),
    (
        "code_range",
        "SELECT merchant_id, gtin, 1000, 10, lot, batch_id, position, has_hidden FROM code_range LIMIT 1",
    ),
    (
        "code_range",
        "SELECT merchant_id, gtin, first_number + quantity, quantity, lot, batch_id, position, has_hidden FROM code_range ORDER BY gtin, first_number DESC LIMIT 1",
    ),
    (
        "scan",
        "SELECT merchant_id, code, number + 1, first_at, recorded_at, place, phone, network, batch_id, position FROM scan ORDER BY number DESC LIMIT 1",
    ),
    (
        "scan",
        "SELECT merchant_id, code || '2', number, first_at, recorded_at, place, phone, network, batch_id, position FROM scan ORDER BY number LIMIT 1",
    ),
    (
        "gtin_owner",
        "SELECT '09521041000015', merchant_id, claimed_at FROM gtin_owner LIMIT 1",
    ),
    (
        "party_description",
        "SELECT identity_key + 1, merchant_id FROM party_description LIMIT 1",
    ),
    (
        "product_picture",
        "SELECT merchant_id, '09521041000015', sha256 FROM product_picture LIMIT 1",
    ),
    (
        "tile",
        "SELECT 0, 1, hashes FROM tile WHERE level = 0 AND tile_index = 0",
    ),
    (
        "tile",
        "SELECT 1, 0, substring(hashes FOR 32) FROM tile WHERE level = 0 AND tile_index = 0",
    ),
    (
        "seal",
        "SELECT number + 1, tree_size, anchor_line FROM seal ORDER BY number DESC LIMIT 1",
    ),
    (
        "statement",
        "SELECT merchant_id, gen_random_uuid(), 0, kind, digest, content, receipt, content_secret, receipt_secret FROM statement LIMIT 1",
    ),
    (
        "sealed_batch",
        "SELECT merchant_id, gen_random_uuid(), recorded_at, 1, (SELECT tree_size FROM log_head) FROM sealed_batch LIMIT 1",
    ),
    (
        "pending_batch",
        "SELECT merchant_id, gen_random_uuid(), recorded_at, 1 FROM pending_batch LIMIT 1",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_no_statement_calls_for_is_found() {
    let bench = busy().await;
    let mut owner = without_constraints(&bench).await;
    let mut missed = Vec::new();
    for (table, extra) in EXTRA {
        change_one(&mut owner, &format!("INSERT INTO {table} {extra}")).await;
        let name = match table {
            "seal" => "seal 5",
            "sealed_batch" | "pending_batch" => "batch ",
            table => table,
        };
        match findings(&bench).await {
            Ok(findings) if is_named(&findings, &[name.to_owned()]) => {}
            other => missed.push(format!("{table}: {extra}: {other:?}")),
        }
        restore(&mut owner, table).await;
        bench
            .assert_clean(&format!("after {table} was put back"))
            .await;
    }
    assert!(missed.is_empty(), "a check misses: {missed:#?}");
}

/// Changes of several rows after which every count is right again.
const EXCHANGES: [(&str, &str); 5] = [
    (
        "event_key",
        "UPDATE event_key SET content_sha256 = sha256(content_sha256) WHERE true",
    ),
    (
        "event_key",
        "UPDATE event_key e SET batch_id = o.batch_id, position = o.position FROM kept_event_key o
         WHERE o.key <> e.key AND o.merchant_id = e.merchant_id",
    ),
    (
        "trace_index",
        "UPDATE trace_index SET identity_key = identity_key + 1 WHERE true",
    ),
    (
        "gtin_owner",
        "UPDATE gtin_owner g SET merchant_id = o.merchant_id FROM kept_gtin_owner o
         WHERE o.merchant_id <> g.merchant_id",
    ),
    (
        "tile",
        "UPDATE tile SET hashes = substring(hashes FROM 33 FOR 32) || substring(hashes FOR 32)
             || substring(hashes FROM 65)",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_changed_places_are_found_though_every_count_is_right() {
    let bench = busy().await;
    let mut owner = without_constraints(&bench).await;
    let mut missed = Vec::new();
    for (table, exchange) in EXCHANGES {
        run(&mut owner, exchange).await;
        let differ = format!("SELECT count(*) FROM (TABLE {table} EXCEPT TABLE kept_{table}) d");
        assert!(
            number(&mut owner, &differ).await > 0,
            "{exchange} changes nothing"
        );
        match findings(&bench).await {
            Ok(findings) if is_named(&findings, &[table.to_owned()]) => {}
            other => missed.push(format!("{table}: {exchange}: {other:?}")),
        }
        restore(&mut owner, table).await;
        bench
            .assert_clean(&format!("after {table} was put back"))
            .await;
    }
    assert!(missed.is_empty(), "a check misses: {missed:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_lots_whose_code_numbers_were_exchanged_are_found() {
    let bench = busy().await;
    let mut owner = without_constraints(&bench).await;
    // Both ranges are of three codes: every sum is right, and a shopper is shown the other lot.
    let exchange = "UPDATE code_range r SET first_number = o.first_number FROM kept_code_range o
                    WHERE r.gtin = o.gtin AND r.quantity = o.quantity
                      AND r.first_number <> o.first_number";
    run(&mut owner, exchange).await;
    let found = findings(&bench).await.unwrap();
    assert!(is_named(&found, &["code_range".to_owned()]), "{found:?}");
    restore(&mut owner, "code_range").await;
    bench.assert_clean("after the numbers were put back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_log_that_was_exchanged_for_another_of_its_name_is_found() {
    let bench = busy().await;
    let mut owner = without_constraints(&bench).await;
    let keys = &bench.core.keys;
    let (log, story) = (keys.log.verifier(), keys.story.verifier());
    for (column, key) in [("vkey", log), ("story_vkey", story)] {
        let other = NoteSigner::from_seed(key.name(), &[9; 32]).unwrap();
        let other = other.verifier().format();
        change_one(
            &mut owner,
            &format!("UPDATE log_head SET {column} = '{other}'"),
        )
        .await;
        let found = findings(&bench).await.unwrap();
        assert!(!found.is_empty(), "{column}");
        restore(&mut owner, "log_head").await;
    }
    bench.assert_clean("after the keys were put back").await;
}

/// Where a forger's work stops being consistent.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Reach {
    Content,
    Digest,
    EventKey,
    Tiles,
    Head,
}

/// Rewrites one sealed quantity, and everything that follows from it as far as `reach`.
async fn forge(bench: &Bench, reach: Reach) {
    let mut owner = bench.owner().await;
    let forged = "replace(convert_from(content, 'UTF8'), '12.50', '13.50')";
    let wanted = "batch_id = (SELECT id FROM sealed_batch WHERE first_index = 1) AND position = 0";
    change_one(
        &mut owner,
        &format!("UPDATE statement SET content = convert_to({forged}, 'UTF8') WHERE {wanted}"),
    )
    .await;
    if reach >= Reach::Digest {
        let digest = digest_of(bench, wanted).await.to_hex();
        let set = format!("UPDATE statement SET digest = decode('{digest}', 'hex') WHERE {wanted}");
        change_one(&mut owner, &set).await;
    }
    if reach >= Reach::EventKey {
        let content = format!("(SELECT sha256(content) FROM statement WHERE {wanted})");
        let set = format!("UPDATE event_key SET content_sha256 = {content} WHERE {wanted}");
        change_one(&mut owner, &set).await;
    }
    let edge = edge_of(bench).await;
    if reach >= Reach::Tiles {
        let tile = edge.partial_tiles().next().unwrap();
        let hashes = Hash::to_hex;
        let hex: String = tile.hashes.iter().map(|hash| hashes(*hash)).collect();
        assert_eq!(hex.len(), hashes_to_bytes(&tile.hashes).len() * 2);
        change_one(
            &mut owner,
            &format!("UPDATE tile SET hashes = decode('{hex}', 'hex')"),
        )
        .await;
    }
    if reach >= Reach::Head {
        let root = edge.root().to_hex();
        change_one(
            &mut owner,
            &format!("UPDATE log_head SET root = decode('{root}', 'hex')"),
        )
        .await;
    }
}

async fn digest_of(bench: &Bench, wanted: &str) -> Hash {
    let mut owner = bench.owner().await;
    let text = async |owner: &mut _, column: &str| {
        let query = format!("SELECT {column} FROM statement WHERE {wanted}");
        rows(owner, &query).await.pop().unwrap()
    };
    let content = text(&mut owner, "convert_from(content, 'UTF8')").await;
    let receipt = text(&mut owner, "convert_from(receipt, 'UTF8')").await;
    let content_secret = text(&mut owner, "encode(content_secret, 'hex')").await;
    let receipt_secret = text(&mut owner, "encode(receipt_secret, 'hex')").await;
    let secret = |hex: &str| Secret(auditlog::encoding::from_hex(hex).unwrap());
    let parts = StatementParts {
        content: &content,
        receipt: &receipt,
        content_salts: secret(&content_secret).into(),
        receipt_secret: secret(&receipt_secret),
    };
    Statement::read(&parts).unwrap().digest()
}

/// The tree that the digests as they stand now make.
async fn edge_of(bench: &Bench) -> RightEdge {
    let mut owner = bench.owner().await;
    let entries = rows(
        &mut owner,
        "SELECT 'rootmark-entry/v1' || E'\\n'
             || to_char(b.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')
             || E'\\n' || encode(s.digest, 'base64') || E'\\n'
         FROM sealed_batch b JOIN statement s ON s.merchant_id = b.merchant_id AND s.batch_id = b.id
         ORDER BY b.first_index + s.position",
    )
    .await;
    let mut edge = RightEdge::empty();
    for entry in entries {
        edge.append(Entry::parse(&entry).unwrap().leaf_hash(), |_| {});
    }
    edge
}

#[tokio::test(flavor = "multi_thread")]
async fn however_far_a_rewritten_statement_is_followed_up_the_signed_root_gives_it_away() {
    for (reach, name) in [
        (Reach::Content, "statement "),
        (Reach::Digest, "event_key: the row of statement"),
        (Reach::EventKey, "tile level 0 index 0"),
        (Reach::Tiles, "seal 2: its root"),
        (Reach::Head, "seal 2: its root"),
    ] {
        let bench = Bench::new().await;
        bench.capture(&[observation(1, "L1")]).await;
        bench.sealed_and_public().await;
        bench
            .capture(&[observation(2, "L1"), observation(3, "L1")])
            .await;
        bench.sealed_and_public().await;
        bench.assert_clean("before").await;
        forge(&bench, reach).await;
        let findings = findings(&bench).await.unwrap();
        assert!(
            is_named(&findings, &[name.to_owned()]),
            "{reach:?}: {findings:?}"
        );
        if reach == Reach::Head {
            // All that is left to give it away is what the log's key signed, and what others have.
            let signed = |finding: &&String| {
                finding.starts_with("seal ")
                    || finding.contains("the public file is not what")
                    || finding.starts_with("log_head: it does not stand at the last seal")
            };
            assert!(
                findings.iter().all(|finding| signed(&finding)),
                "{findings:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_tile_and_the_tiles_above_it_are_checked_too() {
    let bench = Bench::new().await;
    let events: Vec<String> = (0..300).map(|id| observation(id, "L1")).collect();
    bench.capture(&events).await;
    bench.sealed_and_public().await;
    bench.assert_clean("before").await;
    let mut owner = without_constraints(&bench).await;
    assert_eq!(number(&mut owner, "SELECT count(*) FROM tile").await, 3);
    for (level, index) in [(0, 0), (0, 1), (1, 0)] {
        let this = format!("level = {level} AND tile_index = {index}");
        for change in [
            "UPDATE tile SET hashes = set_byte(hashes, 31, get_byte(hashes, 31) # 1)",
            "UPDATE tile SET hashes = substring(hashes FOR length(hashes) - 32)",
            "UPDATE tile SET hashes = hashes || substring(hashes FOR 32)",
            "UPDATE tile SET tile_index = 7",
            "UPDATE tile SET level = 5",
            "DELETE FROM tile",
        ] {
            change_one(&mut owner, &format!("{change} WHERE {this}")).await;
            let found = findings(&bench).await.unwrap();
            let named = is_named(
                &found,
                &[
                    format!("tile level {level} index {index}:"),
                    "tile: ".into(),
                ],
            );
            assert!(named, "{change} WHERE {this}: {found:?}");
            restore(&mut owner, "tile").await;
        }
    }
    bench.assert_clean("after").await;
}
