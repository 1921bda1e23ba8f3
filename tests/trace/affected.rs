//! `GET /api/recalls/affected`, as a merchant's system asks it.

use reqwest::{Response, Url};
use rootmark::app::merchants::{KeyOrder, add_key};
use rootmark::domain::scope::Scope;
use serde_json::{Value, json};

use crate::chain::*;
use crate::history::name;
use crate::support::TestApp;
use crate::support::command::rootmark;

const RECALL: &str = "https://larkmere.example/recall/1";

/// A lot of powder, two lots of tins, and one of another powder.
async fn app() -> TestApp {
    let app = TestApp::start().await;
    let many: Vec<String> = (0..30).map(|tin| format!("tin:T{tin}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    app.capture(&[
        make(1, &["powder:1"], &["lot:L"]),
        make(1, &["powder:1"], &["lot:M"]),
        make(1, &["powder:2"], &["lot:N"]),
        commission(2, &many, "L"),
        commission(2, &["tin:A"], "M"),
        commission(2, &["tin:N"], "N"),
        pack(3, "case:1", &["tin:A"]),
        step(4, "retail_selling", &["tin:T7"]),
    ])
    .await;
    let recall = json!({"recall": RECALL, "status": "open", "recallClass": 1,
        "scope": [uri("powder:1")], "reason": name("异物", "A foreign body"),
        "instructions": name("停止食用", "Stop"),
        "contact": {"name": name("客服", "Care"), "phone": "400"}});
    let said = app.post("/api/recalls", recall.to_string()).await;
    assert_eq!(said.status(), 201);
    app
}

pub async fn asked(app: &TestApp, key: &str, accept: &str, query: &[(&str, &str)]) -> Response {
    let url = Url::parse_with_params(&app.url("/api/recalls/affected"), query).unwrap();
    let request = app.http.get(url).bearer_auth(key).header("Accept", accept);
    request.send().await.unwrap()
}

async fn object(app: &TestApp, query: &[(&str, &str)]) -> Value {
    let answer = asked(app, &app.key, "application/json", query).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    answer.json().await.unwrap()
}

/// The cells of the third column: what is affected.
async fn table(app: &TestApp, query: &[(&str, &str)]) -> Vec<String> {
    let answer = asked(app, &app.key, "text/csv", query).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    let text = answer.text().await.unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap();
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(rows.headers().unwrap().iter().nth(2), Some("identity"));
    let cells = rows.records().map(|row| row.unwrap()[2].to_owned());
    cells.collect()
}

pub async fn fault(app: &TestApp, key: &str, query: &[(&str, &str)]) -> (u16, String) {
    let answer = asked(app, key, "*/*", query).await;
    let status = answer.status().as_u16();
    let problem: Value = answer.json().await.unwrap();
    (status, problem["detail"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recall_is_counted_at_once_and_told_to_its_end_in_a_table() {
    let app = app().await;
    let of_recall = [("recall", RECALL)];
    let found = object(&app, &of_recall).await;
    let expected = json!({"lots": 3, "affected": 31, "possiblyAffected": 0, "issued": 0});
    assert_eq!(found["expected"], expected);
    assert_eq!(
        found["starts"],
        json!([{"identity": uri("powder:1"), "certainty": "affected"}])
    );
    assert_eq!(found["isComplete"], true);
    assert_eq!(found["things"].as_array().unwrap().len(), 3 + 31);
    // The first of them, and that there are more; and just as many as there are.
    let first = object(&app, &[("recall", RECALL), ("limit", "5")]).await;
    assert_eq!(first["isComplete"], false);
    assert_eq!(first["expected"], expected);
    let things = first["things"].as_array().unwrap();
    let kinds: Vec<&str> = things
        .iter()
        .map(|thing| thing["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["lot", "lot", "lot", "item", "item"]);
    let all = object(&app, &[("recall", RECALL), ("limit", "34")]).await;
    assert_eq!(
        (&all["isComplete"], &all["things"]),
        (&json!(true), &found["things"])
    );
    let most = object(&app, &[("recall", RECALL), ("limit", "33")]).await;
    assert_eq!(most["isComplete"], false);
    let mut rows = table(&app, &of_recall).await;
    assert_eq!(rows.len(), 3 + 31);
    rows.sort();
    rows.dedup();
    assert_eq!(rows.len(), 3 + 31);
    for (thing, is_there) in [
        ("lot:L", true),
        ("tin:T7", true),
        ("tin:N", false),
        ("lot:N", false),
    ] {
        assert_eq!(rows.contains(&uri(thing)), is_there, "{thing}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_it_is_recalled_a_thing_is_followed_from_a_time_on() {
    let app = app().await;
    let lot = uri("lot:L");
    let found = object(&app, &[("thing", &lot)]).await;
    assert_eq!(
        found["expected"],
        json!({"lots": 1, "affected": 30, "possiblyAffected": 0, "issued": 0})
    );
    let late = [("thing", lot.as_str()), ("since", "2026-06-01T02:30:00Z")];
    let found = object(&app, &late).await;
    assert_eq!(
        found["expected"],
        json!({"lots": 1, "affected": 0, "possiblyAffected": 30, "issued": 0})
    );
    let since =
        json!([{"identity": lot, "certainty": "affected", "since": "2026-06-01T02:30:00.000Z"}]);
    assert_eq!(found["starts"], since);
    // In a case there is a tin, which is held and not affected by it.
    let tin = uri("tin:A");
    let alone = table(&app, &[("thing", &tin)]).await;
    assert_eq!(alone, std::slice::from_ref(&tin));
    let case = uri("case:1");
    assert_eq!(table(&app, &[("thing", &case)]).await, [tin, case.clone()]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lot_that_only_links_name_is_followed_and_times_reach_to_the_last_day() {
    let app = TestApp::start().await;
    let link = uri("tin:A").replace("/21/", "/10/L/21/");
    app.capture(&[see(1, &[&link])]).await;
    let lot = uri("lot:L");
    let found = object(&app, &[("thing", &lot)]).await;
    // It came into the world as nobody's, so it is counted only once it is read.
    assert_eq!(
        found["expected"],
        json!({"lots": 1, "affected": 0, "possiblyAffected": 0, "issued": 0})
    );
    assert_eq!(found["things"][1]["identity"], json!(uri("tin:A")));
    assert_eq!(
        table(&app, &[("thing", &lot)]).await,
        [lot.clone(), uri("tin:A")]
    );
    // Nothing is wrong yet since then; until then it may be.
    let last = "9999-12-31T23:59:59-14:00";
    let refused = fault(&app, &app.key, &[("thing", &lot), ("since", last)]).await;
    assert_eq!(refused, (400, "since lies in the future".into()));
    let room = uri("room:1");
    let nothing = fault(&app, &app.key, &[("place", &room), ("until", last)]).await;
    assert_eq!(nothing.0, 404);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_has_all_of_its_rows_however_many_pieces_it_comes_in() {
    let app = TestApp::start().await;
    let tins: Vec<String> = (0..5_000).map(|tin| format!("tin:T{tin}")).collect();
    for many in tins.chunks(1_000) {
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        app.capture(&[commission(1, &many, "L")]).await;
    }
    let mut rows = table(&app, &[("thing", &uri("lot:L"))]).await;
    rows.sort();
    rows.dedup();
    assert_eq!(rows.len(), 1 + 5_000);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_blocks_sales_gets_the_codes_alone_and_all_of_them() {
    let app = TestApp::start().await;
    // By more statements than one page has.
    let mut events = vec![make(1, &["powder:1"], &["lot:L", "lot:M"])];
    events.extend((0..2_500).map(|tin| {
        let lot = ["L", "M"][tin % 2];
        commission(2, &[&format!("tin:T{tin}")], lot)
    }));
    for (place, some) in events.chunks(500).enumerate() {
        app.capture(some).await;
        assert!(place < 6);
    }
    app.capture(&[
        // What one led to is there as well, and one that nobody knows by its code alone.
        make(3, &["tin:T6"], &["carton-lot:N"]),
        commission(4, &["tin:T8"], "M"),
        step(5, "retail_selling", &["tin:T9"]),
    ])
    .await;
    let powder = uri("powder:1");
    let whole = table(&app, &[("thing", &powder)]).await;
    let query = [("thing", powder.as_str()), ("codesOnly", "true")];
    let codes = table(&app, &query).await;
    let sorted = |rows: &[String]| {
        let mut rows = rows.to_vec();
        rows.sort();
        rows.dedup();
        rows
    };
    assert_eq!(sorted(&codes).len(), 1 + 2 + 2_500 + 1);
    assert_eq!(sorted(&codes), sorted(&whole));
    let answer = asked(&app, &app.key, "text/csv", &query).await;
    let text = answer.text().await.unwrap();
    let names = "\u{feff}certainty,kind,identity,product,productChinese,since,connection,from";
    assert_eq!(text.lines().next(), Some(names));
    let sold = format!(
        "affected,item,{},Demo tin,演示奶粉,2026-06-01T01:00:00.000Z,itemOf,{}",
        uri("tin:T9"),
        uri("lot:M")
    );
    assert!(text.lines().any(|row| row == sold), "{}", &text[..2_000]);
    // As an object: what became of them is not said, and not guessed.
    let found = object(&app, &query).await;
    let things = found["things"].as_array().unwrap();
    let items = things.iter().filter(|thing| thing["kind"] == "item");
    let asked_for = |thing: &Value| thing.get("fate").is_some() || thing.get("seen").is_some();
    assert!(items.clone().count() > 50);
    assert!(items.filter(|thing| asked_for(thing)).count() == 0);
    assert_eq!(found["expected"]["affected"], 2_501);
    let merchant = app.merchant_id.to_string();
    let command = [
        "trace",
        &powder,
        "--forward",
        "--csv",
        "--codes",
        "--merchant",
        &merchant,
    ];
    let said = rootmark(&app, &command).await;
    let mut rows: Vec<&str> = said.out.lines().collect();
    let mut of_address: Vec<&str> = text.lines().collect();
    rows.sort();
    of_address.sort();
    assert_eq!(rows, of_address, "{}", said.err);
    let (status, _) = fault(&app, &app.key, &[query[0], ("codesOnly", "perhaps")]).await;
    assert_eq!(status, 400);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_followed_is_said_and_another_merchants_record_is_not_there() {
    let app = app().await;
    let (lot, room) = (uri("lot:L"), uri("room:1"));
    let party = "https://id.gs1.org/417/9522040000006";
    let (early, late) = ("2026-06-01T02:30:00Z", "2026-06-01T03:30:00Z");
    let one_of = "ask for one of recall, thing, place or party";
    let invalid: [(&[(&str, &str)], &str); 22] = [
        (&[], one_of),
        (&[("recall", RECALL), ("thing", &lot)], one_of),
        (&[("recall", RECALL), ("since", early)], one_of),
        (&[("thing", &lot), ("until", late)], one_of),
        (&[("thing", &lot), ("arrivedSince", late)], one_of),
        (&[("place", &room), ("party", party)], one_of),
        (&[("thing", "tin A")], "thing: "),
        (&[("place", "tin A")], "place: "),
        (&[("place", party)], "place: it is the GLN of a place"),
        (&[("party", &room)], "party: it is the GLN of a party"),
        (
            &[("place", &room), ("since", late), ("until", early)],
            "until lies before since",
        ),
        (
            &[("place", &room), ("arrivedSince", early)],
            "arrivedSince says how far before since",
        ),
        (
            &[("place", &room), ("since", early), ("arrivedSince", early)],
            "arrivedSince says how far before since",
        ),
        (&[("place", &room), ("until", "soon")], "until is a time"),
        (
            &[("thing", &lot), ("since", "yesterday")],
            "since is a time",
        ),
        (&[("thing", &lot), ("limit", "0")], "limit is 1 to 1000"),
        (&[("thing", &lot), ("limit", "1001")], "limit is 1 to 1000"),
        (&[("thing", &lot), ("limit", "abc")], "limit is 1 to 1000"),
        (&[("thing", &lot), ("limit", "-1")], "limit is 1 to 1000"),
        (
            &[("thing", &lot), ("codesOnly", "yes")],
            "codesOnly is true",
        ),
        (
            &[("thing", &lot), ("since", "2026-06-01T08:00:00 08:00")],
            "+ is written %2B",
        ),
        (&[("thing", &lot), ("page", "2")], "ask for recall"),
    ];
    for (query, expected) in invalid {
        let (status, detail) = fault(&app, &app.key, query).await;
        assert_eq!(status, 400, "{query:?}");
        assert!(detail.contains(expected), "{query:?}: {detail}");
    }
    let limited = asked(
        &app,
        &app.key,
        "text/csv",
        &[("thing", &lot), ("limit", "5")],
    )
    .await;
    assert_eq!(limited.status(), 400);
    let unknown = fault(&app, &app.key, &[("thing", &uri("lot:X"))]).await;
    assert_eq!(unknown, (404, "there is no record of this thing".into()));
    let unknown = fault(
        &app,
        &app.key,
        &[("recall", "https://larkmere.example/recall/2")],
    )
    .await;
    assert_eq!(unknown, (404, "there is no such recall".into()));
    // Another merchant has neither; and a key for something else may not ask.
    let issuer = "https://id.gs1.org/417/9522040000006";
    let database = &app.running.database;
    let other = app.add_merchant("Other", issuer).await;
    let key = async |merchant_id, scopes: &[Scope]| {
        let order = KeyOrder {
            merchant_id,
            issuer,
            label: "test",
            scopes,
        };
        add_key(database, &order).await.unwrap()
    };
    let foreign = key(other.id, &Scope::ALL).await;
    for query in [("thing", lot.as_str()), ("recall", RECALL)] {
        assert_eq!(fault(&app, &foreign, &[query]).await.0, 404, "{query:?}");
    }
    for narrow in [Scope::Query, Scope::Recalls] {
        let lacking = key(app.merchant_id, &[narrow]).await;
        let refused = fault(&app, &lacking, &[("thing", &lot)]).await;
        assert_eq!(refused.0, 403, "{}", refused.1);
    }
    let both = key(app.merchant_id, &[Scope::Query, Scope::Recalls]).await;
    let found = asked(&app, &both, "*/*", &[("thing", &lot)]).await;
    assert_eq!(found.status(), 200);
    assert_eq!(fault(&app, "wrong", &[("thing", &lot)]).await.0, 401);
    app.stop().await;
}
