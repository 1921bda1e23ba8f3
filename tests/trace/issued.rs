//! Codes that were issued for an affected lot, whether or not an event names them: what their pages say, a recall lists.

use std::collections::BTreeMap;

use rootmark::app::merchants::{KeyOrder, add_key};
use rootmark::domain::finding::{Severity, findings};
use rootmark::domain::forward::{Certainty, Reached, Start, Way};
use rootmark::domain::gs1::{DigitalLink, Identity};
use rootmark::domain::scope::Scope;
use rootmark::store::{begin_for, read_for};
use rootmark::trace::{KnownAt, Pace, forward_at};
use rootmark::web::forward::{Followed, Origin};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::affected::{asked, fault};
use crate::chain::*;
use crate::support::command::rootmark;
use crate::support::{GTIN, TestApp, forged};
use crate::told::{now, story};

/// A few at a time, and all at once.
const PACES: [Pace; 2] = [
    Pace {
        namings: 1,
        items: 2,
        beside: 1,
        ..Pace::USUAL
    },
    Pace::USUAL,
];

type Told = BTreeMap<Identity, Reached>;

/// Codes as events name them.
async fn issued(app: &TestApp, lot: &str, quantity: u32) -> Vec<String> {
    let paths = app.issue(lot, quantity).await.into_iter();
    paths.map(|path| item(&path)).collect()
}

/// The item that a path names.
fn item(path: &str) -> String {
    let link = DigitalLink::parse(path).expect(path);
    link.identities()[0].canonical()
}

fn start(name: &str, since: Option<OffsetDateTime>) -> Start {
    Start::affected(Identity::parse(&uri(name)).expect(name), since)
}

fn as_named(things: &Told) -> Vec<String> {
    things.keys().map(Identity::canonical).collect()
}

/// The items of what is affected, by a trace of any pace, and by codes alone.
async fn affected(app: &TestApp, starts: &[Start], known_at: KnownAt) -> Told {
    let mut all: Vec<Told> = Vec::new();
    let items = |things: Vec<Reached>| {
        let things = things.into_iter();
        let items = things.filter(|told| matches!(told.identity, Identity::Item { .. }));
        items.map(|told| (told.identity.clone(), told))
    };
    let key = &app.running.code_key;
    for pace in PACES {
        let mut conn = app.running.database.reader.acquire().await.unwrap();
        let mut tx = begin_for(&mut conn, app.merchant_id).await.unwrap();
        let of = (app.merchant_id, key);
        let found = forward_at(&mut tx, of, starts, known_at, pace).await;
        let found = found.unwrap();
        assert!(!found.truncated);
        all.push(items(found.things).collect());
        let origin = Origin::of(app.merchant_id, key, known_at);
        let mut followed = Followed::codes(starts, &origin, pace);
        let mut codes = Told::new();
        tx.rollback().await.unwrap();
        let mut tx = read_for(&mut conn, app.merchant_id).await.unwrap();
        while let Some(part) = followed.next(&mut tx).await.unwrap() {
            codes.extend(items(part));
        }
        assert!(!followed.is_truncated());
        all.push(codes);
    }
    let first = all.remove(0);
    for other in all {
        let code = |told: &Reached| (told.certainty, told.since, told.origin.clone());
        let pairs = first.values().zip(other.values());
        assert_eq!(as_named(&first), as_named(&other));
        for (one, two) in pairs {
            assert_eq!(code(one), code(two), "{}", one.identity);
        }
    }
    first
}

/// The canonical names in the order of identities, as they are told.
fn in_order(names: &[&String]) -> Vec<String> {
    let mut items: Vec<Identity> = names
        .iter()
        .map(|name| Identity::parse(name).unwrap())
        .collect();
    items.sort();
    items.iter().map(Identity::canonical).collect()
}

async fn open(app: &TestApp, scope: &[String]) -> Value {
    let words = json!({"zh-CN": "异物", "en": "A foreign body"});
    let recall = json!({"recall": "urn:example:recall:1", "status": "open", "recallClass": 1,
        "scope": scope, "reason": words, "instructions": words,
        "contact": {"name": words, "phone": "400"}});
    let said = app.post("/api/recalls", recall.to_string()).await;
    assert_eq!(said.status(), 201);
    said.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_that_were_issued_for_an_affected_lot_are_told_as_their_pages_tell_it() {
    let app = TestApp::start().await;
    let of_l = issued(&app, "L", 5).await;
    let of_n = issued(&app, "N", 1).await;
    let [made, seen, moved, silent, spare] = &of_l[..] else {
        panic!("{of_l:?}");
    };
    app.capture(&[
        make(1, &["powder:1"], &["lot:L"]),
        commission(2, &[made], "L"),
        // One was seen, and nobody said of which lot it was; another was put into tins of another lot.
        see(3, &[seen]),
        commission(3, &[moved], "M"),
        commission(3, &["tin:A"], "L"),
    ])
    .await;
    let found = affected(&app, &[start("powder:1", None)], KnownAt::NOW).await;
    let tin = uri("tin:A");
    let expected = in_order(&[made, seen, silent, spare, &tin]);
    assert_eq!(as_named(&found), expected);
    for told in found.values() {
        let origin = told.origin.as_ref().unwrap();
        assert_eq!(told.certainty, Certainty::Affected);
        assert_eq!(
            (origin.how, origin.from.canonical()),
            (Way::ItemOf, uri("lot:L"))
        );
        let is_silent = [silent, spare].contains(&&told.identity.canonical());
        assert_eq!(told.seen.is_none(), is_silent, "{}", told.identity);
        assert_eq!(told.fate.is_none(), is_silent, "{}", told.identity);
    }
    // What a table lists, the pages say; and no other.
    open(&app, &[uri("powder:1")]).await;
    for (code, is_recalled) in of_l
        .iter()
        .map(|code| (code, code != moved))
        .chain([(&tin, true), (&of_n[0], false)])
    {
        let story = story(&app, code, KnownAt::NOW).await.unwrap();
        assert_eq!(!story.recalls.is_empty(), is_recalled, "{code}");
    }
    let answer = asked(
        &app,
        &app.key,
        "application/json",
        &[("recall", "urn:example:recall:1")],
    );
    let answer: Value = answer.await.json().await.unwrap();
    let expected = json!({"lots": 2, "affected": 2, "possiblyAffected": 0, "issued": 5});
    assert_eq!(answer["expected"], expected);
    assert_eq!(answer["isComplete"], true);
    app.stop().await;
}

/// An event that gave an item to its lot may be an error, and links may contradict each other: then it is of the lot that
/// it was issued for, and no naming hides that.
#[tokio::test(flavor = "multi_thread")]
async fn a_naming_that_does_not_stand_leaves_the_lot_that_a_code_was_issued_for() {
    let app = TestApp::start().await;
    let codes = issued(&app, "L", 4).await;
    let [retracted, contradicted, moved, named] = &codes[..] else {
        panic!("{codes:?}");
    };
    let linked = |code: &str, lot: &str| code.replace("/21/", &format!("/10/{lot}/21/"));
    let error = commission(2, &[retracted], "L");
    app.capture(&[
        make(1, &["powder:1"], &["lot:L"]),
        with_id(&error, "urn:example:1"),
        see(3, &[&linked(contradicted, "L")]),
        see(4, &[&linked(contradicted, "M")]),
        see(3, &[&linked(named, "L")]),
        see(3, &[&linked(moved, "L")]),
        commission(4, &[moved], "M"),
    ])
    .await;
    app.capture(&[declared_error(&error, "urn:example:1")])
        .await;
    for start_at in ["powder:1", "lot:L"] {
        let found = affected(&app, &[start(start_at, None)], KnownAt::NOW).await;
        let expected = in_order(&[retracted, contradicted, named]);
        assert_eq!(as_named(&found), expected, "{start_at}");
    }
    open(&app, &[uri("powder:1")]).await;
    for code in &codes {
        let story = story(&app, code, KnownAt::NOW).await.unwrap();
        assert_eq!(!story.recalls.is_empty(), code != moved, "{code}");
    }
    app.stop().await;
}

/// What the pack says, what its code was issued for, and what events say may be three lots: the last stands, and a recall
/// of either other one is not hidden.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_another_lot_is_found_and_hides_no_recall() {
    let app = TestApp::start().await;
    app.describe_product(GTIN).await;
    let codes = issued(&app, "C", 2).await;
    let [moved, plain] = &codes[..] else {
        panic!("{codes:?}");
    };
    let linked = |code: &str, lot: &str| code.replace("/21/", &format!("/10/{lot}/21/"));
    let said = uri("tin:S");
    app.capture(&[
        see(1, &[&linked(moved, "D")]),
        see(1, &[&linked(&said, "F")]),
    ])
    .await;
    let told = async |code: &str, lot: &str| {
        let story = story(&app, &linked(code, lot), KnownAt::NOW).await.unwrap();
        let recalls: Vec<_> = story
            .recalls
            .iter()
            .map(|recall| recall.certainty)
            .collect();
        let own = story.subject.lot().unwrap().to_string();
        (
            own,
            story.other_lot.map(|other| other.lot.to_string()),
            recalls,
        )
    };
    let of = |own: &str, other: Option<&str>, recalls: &[Certainty]| {
        (own.to_owned(), other.map(str::to_owned), recalls.to_vec())
    };
    for (code, lot, own) in [
        (moved, "C", "D"),
        (moved, "D", "D"),
        (plain, "C", "C"),
        (plain, "D", "C"),
        (&said, "F", "F"),
        (&said, "C", "F"),
    ] {
        let other = (lot != own).then_some(lot);
        assert_eq!(told(code, lot).await, of(own, other, &[]), "{code} {lot}");
    }
    // A label as it was ordered is not accused.
    for (code, lot, is_as_issued) in [(moved, "C", true), (plain, "D", false), (moved, "E", false)]
    {
        let story = story(&app, &linked(code, lot), KnownAt::NOW).await.unwrap();
        assert_eq!(story.other_lot.unwrap().is_as_issued, is_as_issued, "{lot}");
        let found = findings(&story);
        let [one] = &found[..] else {
            panic!("{found:?}")
        };
        let severity = if is_as_issued {
            Severity::Doubt
        } else {
            Severity::Serious
        };
        assert_eq!(one.severity, severity);
    }
    open(&app, &[uri("lot:C")]).await;
    let (sure, possibly) = (Certainty::Affected, Certainty::Possibly);
    assert_eq!(told(moved, "C").await, of("D", Some("C"), &[possibly]));
    assert_eq!(told(moved, "D").await, of("D", None, &[]));
    assert_eq!(told(plain, "C").await, of("C", None, &[sure]));
    assert_eq!(told(plain, "D").await, of("C", Some("D"), &[sure]));
    assert_eq!(told(&said, "C").await, of("F", Some("C"), &[possibly]));
    // Nor is one hidden by a lot that nobody but the address knows.
    app.capture(&[see(1, &["tin:U"]), commission(1, &["tin:K"], "K")])
        .await;
    let unknown = uri("tin:U");
    assert_eq!(told(&unknown, "FAKE").await, of("FAKE", None, &[possibly]));
    assert_eq!(told(&unknown, "K").await, of("K", None, &[possibly]));
    assert_eq!(told(&uri("tin:K"), "K").await, of("K", None, &[]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_codes_of_a_lot_are_told_than_items_of_one() {
    let app = TestApp::start().await;
    let codes = issued(&app, "L", 6).await;
    issued(&app, "M", 2).await;
    app.capture(&[commission(1, &[&codes[0], &codes[1]], "L")])
        .await;
    let starts = [start("lot:L", None), start("lot:M", None)];
    for (items_of_lot, expected) in [(5, None), (6, Some(2 + 8))] {
        let pace = Pace {
            items_of_lot,
            ..PACES[0]
        };
        let mut conn = app.running.database.reader.acquire().await.unwrap();
        let mut tx = begin_for(&mut conn, app.merchant_id).await.unwrap();
        let of = (app.merchant_id, &app.running.code_key);
        let found = forward_at(&mut tx, of, &starts, KnownAt::NOW, pace).await;
        let found = found.unwrap();
        assert_eq!(found.truncated, expected.is_none(), "{items_of_lot}");
        // The other lot is told to its end all the same.
        let of_m = |told: &&Reached| {
            told.origin
                .as_ref()
                .is_some_and(|origin| origin.from.canonical() == uri("lot:M"))
        };
        assert_eq!(found.things.iter().filter(of_m).count(), 2);
        if let Some(expected) = expected {
            assert_eq!(found.things.len(), expected);
        }
    }
    app.stop().await;
}

/// Codes that no event names could be printed by whoever has them.
#[tokio::test(flavor = "multi_thread")]
async fn before_a_recall_unused_codes_are_for_whoever_may_order_codes() {
    let app = TestApp::start().await;
    let codes = issued(&app, "L", 3).await;
    app.capture(&[see(1, &[&codes[0]])]).await;
    let key = async |scopes: &[Scope]| {
        let order = KeyOrder {
            merchant_id: app.merchant_id,
            issuer: "https://id.gs1.org/417/9521041000008",
            label: "partner",
            scopes,
        };
        add_key(&app.running.database, &order).await.unwrap()
    };
    let narrow = key(&[Scope::Recalls, Scope::Query]).await;
    let wide = key(&[Scope::Recalls, Scope::Query, Scope::Codes]).await;
    let lot = uri("lot:L");
    let told = async |key: &str, ask: (&str, &str)| {
        let mut counts = Vec::new();
        for codes_only in ["true", "false"] {
            let query = [ask, ("codesOnly", codes_only)];
            let table = asked(&app, key, "text/csv", &query).await;
            assert_eq!(table.status(), 200);
            let table = table.text().await.unwrap();
            counts.push(
                codes
                    .iter()
                    .filter(|code| table.contains(code.as_str()))
                    .count(),
            );
        }
        assert_eq!(counts[0], counts[1]);
        counts[0]
    };
    assert_eq!(told(&narrow, ("thing", &lot)).await, 1);
    assert_eq!(told(&wide, ("thing", &lot)).await, 3);
    // A lot of which there are codes alone exists, whoever asks.
    issued(&app, "M", 2).await;
    let other = uri("lot:M");
    let answer = asked(&app, &narrow, "application/json", &[("thing", &other)]).await;
    let answer: Value = answer.json().await.unwrap();
    let things = answer["things"].as_array().unwrap().iter();
    let things: Vec<&Value> = things.map(|thing| &thing["identity"]).collect();
    assert_eq!(
        (things, &answer["expected"]["issued"]),
        (vec![&json!(other)], &json!(2))
    );
    open(&app, std::slice::from_ref(&lot)).await;
    let recall = "urn:example:recall:1";
    assert_eq!(told(&narrow, ("recall", recall)).await, 3);
    assert_eq!(told(&narrow, ("thing", &lot)).await, 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_issued_later_is_not_known_by_then() {
    let app = TestApp::start().await;
    let first = issued(&app, "L", 2).await;
    app.capture(&[see(1, &["tin:A"])]).await;
    let by_then = now(&app).await;
    let later = issued(&app, "L", 1).await;
    let starts = [start("lot:L", None)];
    let found = affected(&app, &starts, by_then).await;
    assert_eq!(as_named(&found), in_order(&[&first[0], &first[1]]));
    let found = affected(&app, &starts, KnownAt::NOW).await;
    let all = in_order(&[&first[0], &first[1], &later[0]]);
    assert_eq!(as_named(&found), all);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_recalled_with_all_codes_of_it() {
    let app = TestApp::start().await;
    let order = format!(r#"{{"gtin":"{GTIN}","quantity":3}}"#);
    let said: Value = app
        .post("/api/code-ranges", order)
        .await
        .json()
        .await
        .unwrap();
    let request = app.http.get(app.url(said["codes"].as_str().unwrap()));
    let lotless = request.bearer_auth(&app.key).send().await.unwrap();
    let lotless = lotless.text().await.unwrap();
    let lotless: Vec<String> = lotless.lines().map(item).collect();
    let [silent, seen, made] = &lotless[..] else {
        panic!("{lotless:?}");
    };
    let of_lot = issued(&app, "L", 1).await;
    app.capture(&[see(1, &[seen]), commission(1, &[made], "K")])
        .await;
    let class = format!("class:{GTIN}");
    // What a recall of the product starts from: its lots, those of codes alone too, and its items without one.
    let origin = Origin::of(app.merchant_id, &app.running.code_key, KnownAt::NOW);
    let starts = {
        let mut conn = app.running.database.reader.acquire().await.unwrap();
        let mut tx = read_for(&mut conn, app.merchant_id).await.unwrap();
        let class = vec![Identity::parse(&uri(&class)).unwrap()];
        origin.things(&mut tx, class, None).await.unwrap()
    };
    let found = affected(&app, &starts, KnownAt::NOW).await;
    assert_eq!(
        as_named(&found),
        in_order(&[silent, seen, made, &of_lot[0]])
    );
    let from = |code: &String| {
        let told = &found[&Identity::parse(code).unwrap()];
        told.origin.as_ref().map(|origin| origin.from.canonical())
    };
    assert_eq!(from(silent), Some(uri(&class)));
    assert_eq!(from(made), Some(uri("lot:K")));
    assert_eq!(from(&of_lot[0]), Some(uri("lot:L")));
    // Of one lot, codes without one are not told.
    let found = affected(&app, &[start("lot:L", None)], KnownAt::NOW).await;
    assert_eq!(as_named(&found), in_order(&[&of_lot[0]]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_codes_that_were_issued_before_something_was_wrong_nobody_knows() {
    let app = TestApp::start().await;
    let before = OffsetDateTime::now_utc();
    let codes = issued(&app, "L", 1).await;
    app.capture(&[see(1, &["tin:A"])]).await;
    let code = Identity::parse(&codes[0]).unwrap();
    for (since, certainty) in [
        (before, Certainty::Affected),
        (now(&app).await.0, Certainty::Possibly),
    ] {
        let found = affected(&app, &[start("lot:L", Some(since))], KnownAt::NOW).await;
        assert_eq!(found[&code].certainty, certainty);
    }
    app.stop().await;
}

/// The trunk reaches an item with a doubt, and the lot that it was issued for leaves none; and what was made of it
/// is as affected as it is.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_item_led_to_follows_from_the_lot_that_it_was_issued_for() {
    let app = TestApp::start().await;
    let of_l = issued(&app, "L", 3).await;
    let of_n = issued(&app, "N", 1).await;
    app.capture(&[
        make(1, &["powder:1"], &["lot:L"]),
        pack(2, "case:1", &[&of_l[0]]),
        make(4, &[&of_l[1]], &["carton-lot:C"]),
        commission(5, &["carton:C"], "C"),
        make(1, &["powder:2"], &["lot:N"]),
        make(4, &[&of_n[0]], &["carton:D"]),
        // And of what it led to, something leads back with a doubt to one that leaves none.
        make(4, &[&of_l[1]], &["case:2"]),
        bond("AggregationEvent", 6, "OBSERVE", "case:2", &[&of_l[2]]),
    ])
    .await;
    let mut doubtful = start("case:1", None);
    doubtful.certainty = Certainty::Possibly;
    let found = affected(
        &app,
        &[start("powder:1", None), doubtful.clone()],
        KnownAt::NOW,
    )
    .await;
    let [first, seen] = [0, 2].map(|place: usize| Identity::parse(&of_l[place]).unwrap());
    let carton = Identity::parse(&uri("carton:C")).unwrap();
    for thing in [&first, &seen, &carton] {
        assert_eq!(found[thing].certainty, Certainty::Affected, "{thing}");
    }
    // Backward too: of the carton's page, the powder is a source.
    open(&app, &[uri("powder:1")]).await;
    for (thing, is_recalled) in [("carton:C", true), ("carton:D", false)] {
        let story = story(&app, thing, KnownAt::NOW).await.unwrap();
        assert_eq!(!story.recalls.is_empty(), is_recalled, "{thing}");
        let lots = ["lot:L", "lot:N"].map(|lot| {
            story
                .leads
                .iter()
                .any(|lead| lead.to.canonical() == uri(lot))
        });
        assert_eq!(lots, [is_recalled, !is_recalled], "{thing}");
    }
    // Without the powder there is only the doubt.
    let found = affected(&app, &[doubtful], KnownAt::NOW).await;
    assert_eq!(found[&first].certainty, Certainty::Possibly);
    assert!(!found.contains_key(&carton));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issued_code_is_on_record_though_no_event_names_it() {
    let app = TestApp::start().await;
    let path = app.issue("L", 1).await.remove(0);
    let code = item(&path);
    let answer = asked(&app, &app.key, "application/json", &[("thing", &code)]).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["things"].as_array().unwrap().len(), 1);
    let said = rootmark(&app, &["trace", &path, "--forward"]).await;
    assert_eq!(said.code, 0, "{} {}", said.out, said.err);
    let forged = forged(&code);
    let (status, detail) = fault(&app, &app.key, &[("thing", &forged)]).await;
    assert_eq!(
        (status, detail.as_str()),
        (404, "there is no record of this thing")
    );
    let said = rootmark(&app, &["trace", &forged, "--forward"]).await;
    assert_eq!(said.code, 1, "{} {}", said.out, said.err);
    app.stop().await;
}
