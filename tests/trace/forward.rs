//! What is affected by something that is wrong: each claim with its negative twin.

use rootmark::domain::forward::{Certainty, Fate, Forward, Passage, Reached, Start, Way};
use rootmark::domain::gs1::Identity;
use rootmark::store::begin_for;
use rootmark::trace::{KnownAt, forward};
use time::{Duration, OffsetDateTime};

use crate::chain::*;
use crate::support::TestApp;
use crate::told::name_of;

fn june(hours: i64) -> OffsetDateTime {
    time::macros::datetime!(2026-06-01 0:00 UTC) + Duration::hours(hours)
}

fn hours(at: OffsetDateTime) -> i64 {
    (at - june(0)).whole_hours()
}

fn name(identity: &Identity) -> String {
    let path = identity.path();
    let named = path.as_deref().and_then(name_of);
    named.unwrap_or_else(|| identity.canonical())
}

fn start(name: &str) -> Start {
    Start {
        identity: Identity::parse(&uri(name)).expect(name),
        since: None,
        certainty: Certainty::Affected,
    }
}

async fn traced(app: &TestApp, starts: &[Start]) -> Forward {
    let mut conn = app.running.database.reader.acquire().await.unwrap();
    let mut tx = begin_for(&mut conn, app.merchant_id).await.unwrap();
    let found = forward(
        &mut tx,
        (app.merchant_id, &app.running.code_key),
        starts,
        KnownAt::NOW,
    );
    let found = found.await.unwrap();
    assert!(!found.truncated);
    found
}

/// Each thing on a line: `lot:L made from powder:1`, `tin:A? inside case:1`.
fn things(found: &Forward) -> Vec<String> {
    let line = |reached: &Reached| {
        let mut line = name(&reached.identity);
        if reached.certainty == Certainty::Possibly {
            line.push('?');
        }
        if let Some(origin) = &reached.origin {
            let how = match origin.how {
                Way::ItemOf => "of",
                Way::MadeFrom => "made from",
                Way::InsideOf => "inside",
            };
            line = format!("{line} {how} {}", name(&origin.from));
        }
        line
    };
    let mut lines: Vec<String> = found.things.iter().map(line).collect();
    lines.sort();
    lines
}

fn assert_told(mut told: Vec<String>, expected: &[&str]) {
    told.sort();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(told, expected);
}

async fn reached(app: &TestApp, from: &str) -> Vec<String> {
    things(&traced(app, &[start(from)]).await)
}

async fn captured(events: &[String]) -> TestApp {
    let app = TestApp::start().await;
    app.capture(events).await;
    app
}

fn of<'f>(found: &'f Forward, thing: &str) -> &'f Reached {
    let thing = start(thing).identity;
    found
        .things
        .iter()
        .find(|reached| reached.identity == thing)
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lot_affects_what_was_made_of_it_and_nothing_that_was_made_before_or_beside() {
    let app = captured(&[
        make(1, &["milk:2"], &["powder:2"]),
        make(2, &["milk:1"], &["powder:1"]),
        make(3, &["powder:1", "powder:2"], &["lot:L"]),
        make(3, &["powder:2"], &["lot:M"]),
        commission(4, &["tin:A", "tin:B"], "L"),
        commission(4, &["tin:C"], "M"),
    ])
    .await;
    assert_told(
        reached(&app, "milk:1").await,
        &[
            "milk:1",
            "lot:L made from powder:1",
            "powder:1 made from milk:1",
            "tin:A of lot:L",
            "tin:B of lot:L",
        ],
    );
    assert_told(
        reached(&app, "milk:2").await,
        &[
            "milk:2",
            "lot:L made from powder:2",
            "lot:M made from powder:2",
            "powder:2 made from milk:2",
            "tin:A of lot:L",
            "tin:B of lot:L",
            "tin:C of lot:M",
        ],
    );
    assert_told(reached(&app, "tin:A").await, &["tin:A"]);
    assert_told(reached(&app, "lot:M").await, &["lot:M", "tin:C of lot:M"]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_of_a_lot_before_anything_was_wrong_with_it_is_doubtful() {
    let app = captured(&[
        make(1, &["powder:1"], &["lot:M"]),
        make(3, &["milk:1"], &["powder:1"]),
        make(4, &["powder:1"], &["lot:L"]),
    ])
    .await;
    let expected = [
        "milk:1",
        "powder:1 made from milk:1",
        "lot:L made from powder:1",
        // Of a run that is recorded at its end, some was in use already.
        "lot:M? made from powder:1",
    ];
    assert_told(reached(&app, "milk:1").await, &expected);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_transformation_in_parts_what_came_out_before_it_went_in_is_doubtful() {
    let app = captured(&[
        part(1, "input", &["milk:2"], "urn:example:t1"),
        part(2, "output", &["powder:1"], "urn:example:t1"),
        part(3, "input", &["milk:1"], "urn:example:t1"),
        part(4, "output", &["powder:2"], "urn:example:t1"),
        part(5, "output", &["lot:M"], "urn:example:t2"),
    ])
    .await;
    // It is doubtful, if the times are not right to the hour.
    let made = [
        "milk:1",
        "powder:1? made from milk:1",
        "powder:2 made from milk:1",
    ];
    assert_told(reached(&app, "milk:1").await, &made);
    let all = [
        "milk:2",
        "powder:1 made from milk:2",
        "powder:2 made from milk:2",
    ];
    assert_told(reached(&app, "milk:2").await, &all);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_are_older_than_what_is_wrong_with_their_lot_are_doubtful() {
    let app = captured(&[
        commission(1, &["tin:A"], "L"),
        make(2, &["powder:1"], &["lot:L"]),
        commission(3, &["tin:B"], "L"),
        // Said to be of another lot by whoever made it, and of this one by an address.
        commission(3, &["tin:C"], "M"),
        see(4, &["https://id.gs1.org/01/09521041001012/10/L/21/C"]),
    ])
    .await;
    let expected = [
        "lot:L made from powder:1",
        "powder:1",
        "tin:B of lot:L",
        "tin:A? of lot:L",
    ];
    assert_told(reached(&app, "powder:1").await, &expected);
    // The lot itself is wrong from the beginning.
    let expected = ["lot:L", "tin:A of lot:L", "tin:B of lot:L"];
    assert_told(reached(&app, "lot:L").await, &expected);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_process_names_no_lot_it_may_have_been_this_one() {
    let app = captured(&[
        make(1, &["class:09521041000015"], &["powder:1"]),
        see(2, &["milk:1"]),
        make(3, &["class:09521041000015"], &["powder:2"]),
        make(4, &["powder:2"], &["lot:L"]),
        make(4, &["class:09521041000022"], &["lot:M"]),
    ])
    .await;
    // Nobody said when the first lot was made; the second was not yet there for the first process.
    let app2 = captured(&[
        make(1, &["class:09521041000015"], &["powder:1"]),
        object(2, "ADD", &["milk:2"], &[]),
        make(3, &["class:09521041000015"], &["powder:2"]),
    ])
    .await;
    let expected = ["milk:2", "powder:2? made from milk:2"];
    assert_told(reached(&app2, "milk:2").await, &expected);
    app2.stop().await;
    let expected = [
        "milk:1",
        "lot:L? made from powder:2",
        "powder:1? made from milk:1",
        "powder:2? made from milk:1",
    ];
    assert_told(reached(&app, "milk:1").await, &expected);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_product_that_names_no_lot_the_way_goes_on_in_doubt() {
    let app = captured(&[
        make(1, &["class:09521041000022"], &["lot:M"]),
        make(2, &["milk:1"], &["class:09521041000022"]),
        make(3, &["class:09521041000022"], &["powder:1"]),
        commission(4, &["tin:A"], "L"),
        make(3, &["powder:1"], &["lot:L"]),
    ])
    .await;
    let expected = [
        "milk:1",
        "https://id.gs1.org/01/09521041000022 made from milk:1",
        "powder:1? made from https://id.gs1.org/01/09521041000022",
        "lot:L? made from powder:1",
        "tin:A? of lot:L",
    ];
    assert_told(reached(&app, "milk:1").await, &expected);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_only_seen_in_a_container_is_doubtful_and_what_came_back_is_in_trade() {
    let app = captured(&[
        bond("AggregationEvent", 2, "OBSERVE", "case:1", &["tin:A"]),
        pack(2, "case:2", &["tin:B"]),
        step(3, "retail_selling", &["tin:A"]),
        see(4, &["tin:A"]),
        step(5, "retail_selling", &["tin:B"]),
    ])
    .await;
    let expected = ["case:1", "tin:A? inside case:1"];
    assert_told(reached(&app, "case:1").await, &expected);
    let fate = |found: Forward, thing| of(&found, thing).fate;
    assert_eq!(
        fate(traced(&app, &[start("tin:A")]).await, "tin:A"),
        Some(Fate::InTrade)
    );
    assert_eq!(
        fate(traced(&app, &[start("tin:B")]).await, "tin:B"),
        Some(Fate::Sold(june(5)))
    );
    app.stop().await;
}

/// A lot has no fate of its own, and what is done to its papers is done where these are.
#[tokio::test(flavor = "multi_thread")]
async fn an_office_that_certifies_a_lot_has_not_got_it() {
    let at = |kind: &str, place: &str| format!(r#""{kind}":{{"id":"{}"}}"#, uri(place));
    let mut paper = vec![member("action", "ADD"), at("readPoint", "room:2")];
    paper.extend(lists("epcList", "quantityList", &["lot:L", "tin:A"]));
    paper.push(r#""bizTransactionList":[{"type":"cert","bizTransaction":"urn:x:1"}]"#.into());
    let stored = {
        let mut stored = paper.clone();
        stored[1] = at("bizLocation", "room:3");
        stored
    };
    for (second, place, hour) in [(paper, "room:1", 2), (stored, "room:3", 3)] {
        let app = captured(&[
            commission(1, &["tin:A"], "L"),
            object(
                2,
                "OBSERVE",
                &["lot:L", "tin:A"],
                &[at("readPoint", "room:1")],
            ),
            event("TransactionEvent", 3, &second),
        ])
        .await;
        let found = traced(&app, &[start("lot:L")]).await;
        for (thing, fate) in [("lot:L", None), ("tin:A", Some(Fate::InTrade))] {
            let told = of(&found, thing);
            let seen = told.seen.as_ref().unwrap();
            assert_eq!(
                seen.place.as_ref().map(Identity::canonical),
                Some(uri(place))
            );
            assert_eq!((hours(seen.at), told.fate), (hour, fate), "{thing}");
        }
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_affects_what_was_in_it_and_never_its_neighbours() {
    let app = captured(&[
        pack(1, "case:1", &["tin:A", "tin:B"]),
        unpack(2, "case:1", &["tin:B"]),
        pack(3, "case:2", &["tin:C"]),
        pack(4, "pallet:1", &["case:1", "case:2"]),
        unpack(6, "pallet:1", &[]),
        pack(7, "pallet:1", &["case:3"]),
    ])
    .await;
    let expected = ["tin:A inside case:1", "tin:B inside case:1", "case:1"];
    assert_told(reached(&app, "case:1").await, &expected);
    // The pallet held the tin, and is told; the other case on it is not affected.
    let found = traced(&app, &[start("tin:A")]).await;
    assert_eq!(things(&found), ["tin:A"]);
    let holders: Vec<_> = found
        .holders
        .iter()
        .map(|held| (name(&held.holder), hours(held.from), held.until.map(hours)))
        .collect();
    let expected = [
        ("case:1".to_owned(), 1, None),
        ("pallet:1".to_owned(), 4, Some(6)),
    ];
    assert_eq!(holders, expected);
    // From a time on: what had left by then is not affected, what came later is.
    let late = Start {
        since: Some(june(5)),
        ..start("pallet:1")
    };
    let found = traced(&app, &[late]).await;
    let expected = [
        "tin:A inside case:1",
        "tin:C inside case:2",
        "case:1 inside pallet:1",
        "case:2 inside pallet:1",
        "case:3 inside pallet:1",
        "pallet:1",
    ];
    assert_told(things(&found), &expected);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_elsewhere_by_then_without_anybody_saying_when_it_left_is_doubtful() {
    let app = captured(&[
        pack(1, "case:1", &["tin:A", "tin:B", "tin:C"]),
        unpack(2, "case:1", &["tin:B"]),
        pack(8, "case:2", &["tin:A"]),
    ])
    .await;
    let late = Start {
        since: Some(june(5)),
        ..start("case:1")
    };
    let found = traced(&app, &[late]).await;
    let expected = ["tin:C inside case:1", "case:1", "tin:A? inside case:1"];
    assert_told(things(&found), &expected);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_each_thing_is_told_what_became_of_it_and_where_it_is() {
    let at = |place: &str| format!(r#""bizLocation":{{"id":"{}"}}"#, uri(place));
    let handed = |from: &str, to: &str| handed("possessing_party", from, to);
    let (maker, shop) = ("9521041000008", "9521072000008");
    let app = captured(&[
        commission(1, &["tin:A", "tin:B", "tin:C"], "L"),
        pack(2, "case:1", &["tin:A", "tin:B"]),
        pack(3, "pallet:1", &["case:1", "case:2"]),
        object(
            4,
            "OBSERVE",
            &["pallet:1"],
            &[member("bizStep", "shipping"), handed(maker, shop)],
        ),
        object(
            6,
            "OBSERVE",
            &["pallet:1"],
            &[
                member("bizStep", "receiving"),
                at("room:1"),
                handed(maker, shop),
            ],
        ),
        unpack(7, "case:1", &["tin:A"]),
        object(
            8,
            "OBSERVE",
            &["tin:A"],
            &[member("bizStep", "retail_selling"), at("room:2")],
        ),
        make(9, &["tin:C"], &["carton:C"]),
        // Another pallet went another way.
        object(9, "OBSERVE", &["pallet:2"], &[handed(shop, maker)]),
    ])
    .await;
    let found = traced(&app, &[start("lot:L")]).await;
    assert_eq!(of(&found, "tin:A").fate, Some(Fate::Sold(june(8))));
    assert_eq!(of(&found, "tin:B").fate, Some(Fate::InTrade));
    assert_eq!(of(&found, "tin:C").fate, Some(Fate::UsedUp(june(9))));
    let seen = |thing: &str| of(&found, thing).seen.clone().unwrap();
    let sold = seen("tin:A");
    assert_eq!((hours(sold.at), sold.inside), (8, vec![]));
    assert_eq!(name(&sold.place.unwrap()), "room:2");
    // The second was seen last with the pallet that its case stands on. Who took its neighbour out of the case speaks of
    // the neighbour.
    let held = seen("tin:B");
    assert_eq!(hours(held.at), 6);
    assert_eq!(name(&held.place.unwrap()), "room:1");
    assert_eq!(
        held.party.unwrap().canonical(),
        format!("https://id.gs1.org/417/{shop}")
    );
    let inside: Vec<_> = held.inside.iter().map(name).collect();
    assert_eq!(inside, ["case:1", "pallet:1"]);
    let party = |gln| Identity::parse(&format!("https://id.gs1.org/417/{gln}")).unwrap();
    let told = |passage: &Passage| {
        let times = (hours(passage.first), hours(passage.last));
        (
            passage.from.clone(),
            passage.to.clone(),
            times,
            passage.events.len(),
        )
    };
    let passages: Vec<_> = found.passages.iter().map(told).collect();
    assert_eq!(passages, [(party(maker), party(shop), (4, 6), 2)]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_retracted_affects_nothing_and_a_circle_ends() {
    let id = "urn:uuid:00000000-0000-4000-8000-000000000001";
    let wrong = make(2, &["powder:1"], &["lot:M"]);
    let app = captured(&[
        with_id(&wrong, id),
        make(3, &["powder:1"], &["powder:2"]),
        make(4, &["powder:2"], &["powder:1"]),
        pack(5, "case:1", &["case:2"]),
        pack(6, "case:2", &["case:1"]),
    ])
    .await;
    let made = [
        "powder:1",
        "lot:M made from powder:1",
        "powder:2 made from powder:1",
    ];
    assert_told(reached(&app, "powder:1").await, &made);
    app.capture(&[declared_error(&wrong, id)]).await;
    let told = reached(&app, "powder:1").await;
    assert_eq!(told, ["powder:1", "powder:2 made from powder:1"]);
    let told = reached(&app, "case:1").await;
    assert_eq!(told, ["case:1", "case:2 inside case:1"]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_passed_a_thing_on_before_it_was_affected_is_not_named() {
    let handed = |from: &str, to: &str| handed("owning_party", from, to);
    let (maker, shop) = ("9521041000008", "9521072000008");
    let app = captured(&[
        object(3, "OBSERVE", &["case:1"], &[handed(maker, shop)]),
        object(6, "OBSERVE", &["case:1"], &[handed(shop, maker)]),
    ])
    .await;
    let passed = async |since: Option<i64>| -> Vec<i64> {
        let since = since.map(june);
        let starts = [Start {
            since,
            ..start("case:1")
        }];
        let found = traced(&app, &starts).await;
        found
            .passages
            .iter()
            .map(|passage| hours(passage.first))
            .collect()
    };
    assert_eq!(passed(Some(5)).await, [6]);
    assert_eq!(passed(None).await, [3, 6]);
    app.stop().await;
}
