//! Erasing extensions of events: what is gone, from everywhere that it was, and what stays as it was.

use rootmark::app::merchants::{KeyOrder, add_key};
use rootmark::domain::posting::{BatchIndex, Minutes, Term, encode_row};
use rootmark::domain::scope::Scope;
use rootmark::query::merge;
use serde_json::{Value, json};
use sqlx::Row;
use uuid::Uuid;

use crate::chain::*;
use crate::erasure::say;
use crate::history::name;
use crate::support::TestApp;
use crate::support::command::rootmark;
use crate::support::document::document;
use crate::support::proof::{verified, whole_proof};
use crate::told::told;

const TIN: &str = "/01/09521041001012/10/L/21/A";
const ID: &str = "urn:uuid:0195c2a4-0000-7000-8000-000000000001";
/// What the tests erase, and no other text has.
const DRIVER: &str = "Zhang-7731";
const PICKER: &str = "Picker-4402";
const GONE: [&str; 2] = [DRIVER, PICKER];

fn order(fields: &[&str]) -> Value {
    json!({"eventID": ID, "fields": fields, "reason": name("本人要求删除", "He asked for it")})
}

/// Tins that came into being with the name of whoever picked them, by a driver: the same as in the event after it.
fn picked() -> String {
    let more = [
        format!(r#""ilmd":{{"cbvmda:lotNumber":"L","example:picker":"{PICKER}"}}"#),
        format!(r#""example:driver":{{"example:name":"{DRIVER}","shift":2}}"#),
        member("example:route", "R-9"),
    ];
    object(2, "ADD", &["tin:A", "tin:B"], &more)
}

fn driven() -> String {
    object(
        3,
        "OBSERVE",
        &["tin:A"],
        &[r#""example:driver":{"example:name":"Other-1"}"#.to_owned()],
    )
}

const ALL: [&str; 2] = ["/ilmd/example:picker", "/example:driver"];

/// The tins, in one capture; its index waits to be merged, or is merged.
async fn app(is_merged: bool) -> TestApp {
    let app = TestApp::start().await;
    let events = [
        make(1, &["milk:1"], &["lot:L"]),
        with_id(&picked(), ID),
        driven(),
    ];
    app.capture(&events).await;
    app.sealed().await;
    if is_merged {
        merged(&app).await;
    }
    app
}

async fn merged(app: &TestApp) {
    let mut conn = app.running.database.indexer.acquire().await.unwrap();
    while merge(&mut conn, Uuid::now_v7(), &[]).await.unwrap().batches > 0 {}
}

/// How many events a query finds.
async fn found(app: &TestApp, query: &str) -> usize {
    let url = app.url(&format!("/epcis/events?{query}"));
    let answer = app
        .http
        .get(url)
        .bearer_auth(&app.key)
        .send()
        .await
        .unwrap();
    let text = answer.text().await.unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let body = &document["epcisBody"]["queryResults"]["resultsBody"];
    let events = body["eventList"].as_array();
    events.unwrap_or_else(|| panic!("{text}")).len()
}

/// Every row of every table, bytes as what they are where that is text.
async fn dump(app: &TestApp) -> String {
    let mut owner = app.owner().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    sqlx::query("SET bytea_output = 'escape'")
        .execute(&mut owner)
        .await
        .unwrap();
    let mut all = String::new();
    for table in tables {
        let query = format!("SELECT t::text AS row FROM {table} t ORDER BY 1");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&mut owner);
        for row in rows.await.unwrap() {
            all += &row.get::<String, _>("row");
            all.push('\n');
        }
    }
    all
}

/// Whether the index has a term anywhere, waiting or merged.
async fn is_indexed(app: &TestApp, term: Term) -> bool {
    let mut owner = app.owner().await;
    let waiting: Vec<Vec<u8>> = sqlx::query_scalar("SELECT terms FROM event_batch")
        .fetch_all(&mut owner)
        .await
        .unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM event_term WHERE term = $1")
        .bind(term.0)
        .fetch_one(&mut owner)
        .await
        .unwrap();
    let bytes = term.0.to_be_bytes();
    let has = |terms: &Vec<u8>| terms.windows(8).any(|window| window == bytes);
    rows > 0 || waiting.iter().any(has)
}

async fn checked(app: &TestApp) -> (i32, String) {
    let checked = rootmark(app, &["check"]).await;
    (checked.code, checked.out + &checked.err)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_of_an_event_is_gone_from_wherever_it_was() {
    let driver = Term::of("INNER_/https://example.org/ns/name", DRIVER);
    let picker = Term::of("ILMD/https://example.org/ns/picker", PICKER);
    let by_driver = format!("EQ_INNER_example:name={DRIVER}");
    for is_merged in [false, true] {
        let app = app(is_merged).await;
        let story = told(&app, "tin:A").await;
        let before = dump(&app).await;
        assert!(GONE.iter().all(|gone| before.contains(gone)));
        assert!(is_indexed(&app, driver).await && is_indexed(&app, picker).await);
        assert_eq!(found(&app, &by_driver).await, 1);
        assert_eq!(found(&app, "EXISTS_example:driver").await, 2);
        let erased = say(&app, "erasures", &order(&ALL)).await;
        assert_eq!(
            (&erased["statements"], &erased["fields"]),
            (&json!(1), &json!(3))
        );
        for _ in 0..2 {
            let after = dump(&app).await;
            assert!(!GONE.iter().any(|gone| after.contains(gone)), "{after}");
            assert!(after.contains("R-9") && after.contains("Other-1"));
            assert!(!is_indexed(&app, driver).await && !is_indexed(&app, picker).await);
            // At once, and of what stays everything is found as before.
            assert_eq!(found(&app, &by_driver).await, 0);
            assert_eq!(found(&app, "EXISTS_ILMD_example:picker").await, 0);
            assert_eq!(found(&app, "EXISTS_example:driver").await, 1);
            assert_eq!(found(&app, "EQ_example:route=R-9").await, 1);
            assert_eq!(found(&app, "EQ_INNER_example:name=Other-1").await, 1);
            assert_eq!(found(&app, "eventType=ObjectEvent").await, 2);
            app.sealed().await;
            let (code, said) = checked(&app).await;
            assert_eq!(code, 0, "{said}");
            merged(&app).await;
        }
        assert_eq!(told(&app, "tin:A").await, story);
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hash_of_what_an_event_said_is_gone_with_it() {
    let app = app(false).await;
    let mut owner = app.owner().await;
    for text in [
        "CREATE TABLE backup AS SELECT * FROM event_key",
        "CREATE TABLE terms AS SELECT * FROM event_batch",
    ] {
        sqlx::query(text).execute(&mut owner).await.unwrap();
    }
    say(&app, "erasures", &order(&ALL)).await;
    app.sealed().await;
    let hashes = "SELECT count(*) FROM event_key WHERE content_sha256 IS NULL";
    let without: i64 = sqlx::query_scalar(hashes)
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(without, 1);
    assert_eq!(checked(&app).await.0, 0);
    // Put back, each of the two is named.
    for (put_back, finding) in [
        (
            "UPDATE event_key k SET content_sha256 = b.content_sha256 FROM backup b WHERE k.key = b.key",
            "event_key: the row of statement",
        ),
        (
            "UPDATE event_batch e SET terms = t.terms FROM terms t WHERE e.batch_id = t.batch_id",
            "its terms are not those of its events",
        ),
    ] {
        sqlx::query(put_back).execute(&mut owner).await.unwrap();
        let (code, said) = checked(&app).await;
        assert!(code == 1 && said.contains(finding), "{said}");
    }
    // And one that is missing though nothing was erased.
    let none = "UPDATE event_key SET content_sha256 = NULL";
    sqlx::query(none).execute(&mut owner).await.unwrap();
    let (code, said) = checked(&app).await;
    assert!(
        code == 1 && said.contains("event_key: the row of statement"),
        "{said}"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_proven_of_an_event_still_is_and_its_neighbours_stay_unknown() {
    let app = app(false).await;
    let whole = async || {
        let url = app.url(&format!("/proof{TIN}"));
        let answer = app
            .http
            .get(url)
            .bearer_auth(&app.key)
            .send()
            .await
            .unwrap();
        answer.text().await.unwrap()
    };
    let before = whole().await;
    assert!(GONE.iter().all(|gone| before.contains(gone)));
    say(&app, "erasures", &order(&ALL)).await;
    app.sealed().await;
    verified(&app, before.as_bytes());
    let after = whole().await;
    assert!(!GONE.iter().any(|gone| after.contains(gone)));
    let proof = whole_proof(&app, TIN).await;
    let event = proof.statements.iter().find(|one| {
        let id = one.content.value("/body/eventID");
        id == Some(&format!("\"{ID}\"")) && one.kind == "event"
    });
    let event = event.unwrap();
    for pointer in [
        "/body/ilmd/example:picker",
        "/body/example:driver/example:name",
    ] {
        let leaves = event.content.leaves.iter();
        let leaf: Vec<_> = leaves.filter(|leaf| leaf.pointer == pointer).collect();
        assert!(leaf.len() == 1 && leaf[0].value.is_none(), "{pointer}");
    }
    assert_eq!(event.content.value("/body/example:route"), Some("\"R-9\""));
    // A shopper's bundle holds the erasure, too, and by it nobody else's tin.
    let shopper = app.get_text(&format!("/proof{TIN}")).await;
    let proof = verified(&app, shopper.as_bytes());
    let erasures = proof.statements.iter().filter(|one| one.kind == "erasure");
    let erasures: Vec<_> = erasures.collect();
    assert_eq!(erasures.len(), 1);
    let of = |place: u32| erasures[0].content.value(&format!("/body/of/{place}"));
    let tin = format!("\"{}\"", uri("tin:A"));
    assert_eq!(
        [of(0), of(1), of(2)],
        [Some(&*format!("\"{ID}\"")), Some(&*tin), None]
    );
    assert!(!shopper.contains("/21/B"), "{shopper}");
    let file = app.data_dir.path().join("erased.json");
    std::fs::write(&file, &shopper).unwrap();
    let said = rootmark(&app, &["verify", file.to_str().unwrap()]).await;
    assert!(said.out.contains("3 fields, as entry"), "{}", said.out);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_which_step_lost_what_and_why() {
    let app = app(false).await;
    say(&app, "erasures", &order(&["/example:driver"])).await;
    app.sealed().await;
    for (lang, words) in [
        (
            "en",
            [
                "[erased]",
                "He asked for it",
                "driver",
                "Recorded, 1 June 2026",
            ],
        ),
        (
            "zh-CN",
            ["［已删除］", "本人要求删除", "driver", "（2026年6月1日"],
        ),
    ] {
        let page = app.page(TIN, lang).await.text().await.unwrap();
        for words in words {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(
            !page.contains(DRIVER) && !page.contains('\u{2421}'),
            "{page}"
        );
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_of_an_error_loses_what_it_repeats() {
    let app = app(true).await;
    app.capture(&[declared_error(&picked(), ID)]).await;
    app.sealed().await;
    let before = dump(&app).await;
    assert_eq!(before.matches(DRIVER).count(), 2);
    // By the place of either.
    let proof = whole_proof(&app, TIN).await;
    let declaration = proof.statements.iter().filter(|one| one.kind == "event");
    let index = declaration.map(|one| one.index.0).max().unwrap();
    let mut by_index = order(&ALL);
    by_index.as_object_mut().unwrap().remove("eventID");
    by_index["index"] = json!(index);
    let erased = say(&app, "erasures", &by_index).await;
    assert_eq!(
        (&erased["statements"], &erased["fields"]),
        (&json!(2), &json!(6))
    );
    app.sealed().await;
    let after = dump(&app).await;
    assert!(!GONE.iter().any(|gone| after.contains(gone)));
    let (code, said) = checked(&app).await;
    assert_eq!(code, 0, "{said}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_again_is_a_repeat_and_stays_erased() {
    let app = app(false).await;
    let tells_hash = async || {
        let url = app.url(&format!("/epcis/events/{ID}"));
        let answer = app.http.get(url).bearer_auth(&app.key).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        answer.headers().contains_key("Rootmark-Event-Hash")
    };
    assert!(tells_hash().await);
    say(&app, "erasures", &order(&ALL)).await;
    // What is left has another hash, which would look like tampering.
    assert!(!tells_hash().await);
    let statements = async || -> i64 {
        let count = "SELECT count(*) FROM statement";
        let mut owner = app.owner().await;
        let counted = sqlx::query_scalar(count).fetch_one(&mut owner).await;
        counted.unwrap()
    };
    let before = statements().await;
    app.capture(&[with_id(&picked(), ID)]).await;
    // Nobody can tell any more whether what is gone was another.
    let other_driver = picked().replace(DRIVER, "Qian-1");
    app.capture(&[with_id(&other_driver, ID)]).await;
    assert_eq!(statements().await, before);
    let after = dump(&app).await;
    assert!(
        ![DRIVER, PICKER, "Qian-1"]
            .iter()
            .any(|gone| after.contains(gone))
    );
    // What is left is compared: another body is a conflict as ever.
    for other in [
        picked().replace("R-9", "R-10"),
        picked().replace(r#""shift":2"#, r#""shift":2,"more":1"#),
        picked()
            .replace("OBSERVE", "ADD")
            .replace("tin:B", "tin:C")
            .replace("/21/B", "/21/C"),
    ] {
        let refused = app
            .post("/epcis/capture", document(&[with_id(&other, ID)]))
            .await;
        assert_eq!(refused.status(), 409, "{other}");
    }
    assert_eq!(statements().await, before);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_order_erases_nothing_of_an_event() {
    let app = app(true).await;
    let before = dump(&app).await;
    let other_id = "urn:uuid:0195c2a4-0000-7000-8000-000000000002";
    let mut unknown = order(&ALL);
    unknown["eventID"] = json!(other_id);
    let mut both = order(&ALL);
    both["index"] = json!(1);
    for (wrong, says) in [
        (
            order(&["/example:driver", "/action"]),
            "\"pointer\":\"/fields/1\",\"detail\":\"/action: is no extension",
        ),
        (
            order(&["/ilmd/cbvmda:lotNumber"]),
            "/fields/0: /ilmd/cbvmda:lotNumber: is master",
        ),
        (order(&["/example:nothing"]), "none of these fields"),
        (
            order(&["/example:driver", "/example:drivers"]),
            "/fields/1: is in none",
        ),
        (unknown, "no event of this merchant"),
        (both, "/eventID: stands for index"),
    ] {
        let refused = app.post("/api/erasures", wrong.to_string()).await;
        assert_eq!(refused.status(), 400, "{wrong}");
        let text = refused.text().await.unwrap();
        assert!(text.contains(says), "{says}: {text}");
    }
    let issuer = "https://id.gs1.org/417/9522050000003";
    let database = &app.running.database;
    let other = app.add_merchant("Foreign", issuer);
    let foreign = KeyOrder {
        merchant_id: other.await.id,
        issuer,
        label: "erasure",
        scopes: &[Scope::Erasure],
    };
    let foreign = add_key(database, &foreign).await.unwrap();
    let refused = app
        .post_as(&foreign, "/api/erasures", order(&ALL).to_string())
        .await;
    assert_eq!(refused.status(), 400);
    let text = refused.text().await.unwrap();
    assert!(text.contains("no event of this merchant"), "{text}");
    let after = dump(&app).await;
    let is_of_test = |line: &&str| !line.contains("Foreign") && !line.contains("erasure");
    let rows = |dump: &str| -> Vec<String> {
        dump.lines().filter(is_of_test).map(str::to_owned).collect()
    };
    assert_eq!(rows(&after), rows(&before));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_too_many_terms_is_found_by_each_once_it_has_few() {
    for is_merged in [false, true] {
        let app = TestApp::start().await;
        let many: Vec<String> = (0..600).map(|i| format!(r#""k{i}":{i}"#)).collect();
        let many = format!(r#""example:many":{{{}}}"#, many.join(","));
        let more = [many, member("example:driver", DRIVER)];
        let event = with_id(&object(1, "OBSERVE", &["tin:A"], &more), ID);
        app.capture(&[event, driven()]).await;
        if is_merged {
            merged(&app).await;
        }
        let term = Term::of("/https://example.org/ns/driver", DRIVER);
        assert!(!is_indexed(&app, term).await);
        let erased = say(&app, "erasures", &order(&["/example:many"])).await;
        assert_eq!(erased["fields"], 600);
        assert!(is_indexed(&app, term).await);
        assert_eq!(found(&app, &format!("EQ_example:driver={DRIVER}")).await, 1);
        assert_eq!(found(&app, "EXISTS_example:driver").await, 2);
        app.sealed().await;
        let (code, said) = checked(&app).await;
        assert_eq!(code, 0, "{said}");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_index_keeps_nothing_of_what_is_erased() {
    // Where it waits to be merged, it is made again from what is left.
    let driver = Term::of("INNER_/https://example.org/ns/name", DRIVER);
    let app = app(false).await;
    let mut owner = app.owner().await;
    let damage = "UPDATE event_batch SET terms = substring(terms FOR length(terms) - 1)";
    sqlx::query(damage).execute(&mut owner).await.unwrap();
    say(&app, "erasures", &order(&ALL)).await;
    assert!(!is_indexed(&app, driver).await);
    merged(&app).await;
    assert!(!is_indexed(&app, driver).await);
    assert_eq!(found(&app, "EQ_example:route=R-9").await, 1);
    app.sealed().await;
    let (code, said) = checked(&app).await;
    assert_eq!(code, 0, "{said}");
    app.stop().await;
    // Where it is merged, nobody knows what else the row held, or where the event went: nothing is erased, and the
    // operator is told.
    for damage in [
        "UPDATE event_term SET postings = 'x' WHERE term = $1",
        "UPDATE event_term SET event_minute = event_minute + 1 WHERE term = $1",
    ] {
        let app = self::app(true).await;
        let mut owner = app.owner().await;
        sqlx::query(damage)
            .bind(driver.0)
            .execute(&mut owner)
            .await
            .unwrap();
        let before = dump(&app).await;
        let refused = app.post("/api/erasures", order(&ALL).to_string()).await;
        assert_eq!(refused.status(), 400);
        let text = refused.text().await.unwrap();
        assert!(text.contains("run `rootmark check`"), "{text}");
        assert_eq!(dump(&app).await, before);
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_merged_meanwhile_is_merged_without_it() {
    let driver = Term::of("INNER_/https://example.org/ns/name", DRIVER);
    let app = app(false).await;
    // A merge that has taken the batch, and waits to be committed: the erasure must come after it.
    let mut conn = app.owner().await;
    let mut tx = sqlx::Connection::begin(&mut conn).await.unwrap();
    sqlx::query("SELECT FROM event_batch FOR UPDATE")
        .execute(&mut *tx)
        .await
        .unwrap();
    let erase = app.post("/api/erasures", order(&ALL).to_string());
    let merge = async {
        while !is_waited_for(&app).await {
            tokio::task::yield_now().await;
        }
        let batch = "DELETE FROM event_batch RETURNING merchant_id, batch_id, recorded_at, terms";
        let batch = sqlx::query(batch).fetch_one(&mut *tx).await.unwrap();
        put_merged(&mut tx, &batch).await;
        tx.commit().await.unwrap();
    };
    let (erased, ()) = tokio::join!(erase, merge);
    assert_eq!(erased.status(), 201);
    assert!(!is_indexed(&app, driver).await);
    app.stop().await;
}

/// Whether somebody waits for a lock on a row.
async fn is_waited_for(app: &TestApp) -> bool {
    let query = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut owner = app.owner().await;
    let waiting: i64 = sqlx::query_scalar(query)
        .fetch_one(&mut owner)
        .await
        .unwrap();
    waiting > 0
}

/// All terms of a batch, as a merge writes them.
async fn put_merged(conn: &mut sqlx::PgConnection, batch: &sqlx::postgres::PgRow) {
    let at: time::OffsetDateTime = batch.get("recorded_at");
    let recorded_ms = (at.unix_timestamp_nanos() / 1_000_000) as i64;
    let index = BatchIndex::decode(&batch.get::<Vec<u8>, _>("terms")).unwrap();
    for (term, posting) in index.postings(batch.get("batch_id"), recorded_ms) {
        let minutes = Minutes::of(&posting);
        sqlx::query(
            "INSERT INTO event_term
                 (segment, merchant_id, term, event_minute, recorded_minute, postings)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(Uuid::now_v7())
        .bind(batch.get::<Uuid, _>("merchant_id"))
        .bind(term.0)
        .bind(minutes.event)
        .bind(minutes.recorded)
        .bind(encode_row(minutes, &mut [posting]))
        .execute(&mut *conn)
        .await
        .unwrap();
    }
}
