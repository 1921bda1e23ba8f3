//! Forward from a place, from a party and from a product, as a merchant's system asks it.

use std::collections::BTreeMap;

use rootmark::domain::gs1::Identity;
use rootmark::store::read_for;
use rootmark::trace::KnownAt;
use rootmark::web::forward::{Most, Origin, Wanted};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::affected::{asked, fault};
use crate::chain::*;
use crate::history::name;
use crate::support::TestApp;
use crate::support::command::rootmark;

const PLANT: &str = "https://id.gs1.org/414/9522040000006";
const ELSEWHERE: &str = "https://id.gs1.org/414/9521072000008";
const OURS: &str = "9521041000008";
const THEIRS: &str = "9521072000008";

fn now_at(place: &str) -> String {
    format!(r#""bizLocation":{{"id":"{place}"}}"#)
}

fn read_at(place: &str) -> String {
    format!(r#""readPoint":{{"id":"{place}"}}"#)
}

/// Seen, and there since.
fn arrive(hours: u32, names: &[&str], place: &str) -> String {
    object(hours, "OBSERVE", names, &[now_at(place)])
}

fn leave(hours: u32, names: &[&str], place: &str) -> String {
    let step = member("bizStep", "shipping");
    object(hours, "OBSERVE", names, &[read_at(place), step])
}

/// An event with one more member.
fn with(text: String, member: &str) -> String {
    text.replacen('{', &format!("{{{member},"), 1)
}

/// Each thing that is told: as what, and since when.
async fn told(app: &TestApp, query: &[(&str, &str)]) -> BTreeMap<String, (String, String)> {
    let answer = asked(app, &app.key, "text/csv", query).await;
    assert_eq!(answer.status(), 200, "{query:?}");
    let text = answer.text().await.unwrap();
    let mut rows = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let rows = rows.records().map(|row| {
        let row = row.unwrap();
        (row[2].to_owned(), (row[0].to_owned(), row[5].to_owned()))
    });
    rows.collect()
}

fn hour(hours: u32) -> String {
    format!("2026-06-{:02}T{:02}:00:00.000Z", 1 + hours / 24, hours % 24)
}

fn expected(things: &[(&str, &str, u32)]) -> BTreeMap<String, (String, String)> {
    let thing = |&(name, certainty, hours): &(&str, &str, u32)| {
        (uri(name), (certainty.to_owned(), hour(hours)))
    };
    things.iter().map(thing).collect()
}

const SURE: &str = "affected";
const DOUBT: &str = "possiblyAffected";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_at_a_place_in_a_time_is_affected_and_nothing_else() {
    let app = TestApp::start().await;
    let spot = uri("room:7");
    assert!(spot.starts_with(PLANT));
    let wrong = with_id(&arrive(12, &["tin:WRONG"], PLANT), "urn:uuid:e");
    app.capture(&[
        // Before it began: stayed, left, was sold, was only seen, went on to another place.
        arrive(
            5,
            &["tin:STAYED", "tin:LEFT", "tin:SOLD", "tin:MOVED"],
            PLANT,
        ),
        leave(8, &["tin:LEFT"], PLANT),
        step(9, "retail_selling", &["tin:SOLD"]),
        arrive(9, &["tin:MOVED"], ELSEWHERE),
        object(6, "OBSERVE", &["tin:SEEN"], &[read_at(PLANT)]),
        // In cases: taken out there without a word of its own, still inside, gone with it.
        pack(1, "case:1", &["tin:UNPACKED"]),
        pack(1, "case:2", &["tin:INSIDE"]),
        pack(1, "case:3", &["tin:GONE"]),
        pack(1, "case:5", &["tin:EARLIER"]),
        unpack(2, "case:5", &["tin:EARLIER"]),
        arrive(5, &["case:1", "case:2", "case:3", "case:5"], PLANT),
        with(unpack(7, "case:1", &[]), &now_at(PLANT)),
        leave(9, &["case:1", "case:3", "case:5"], PLANT),
        // On a pallet, by which alone it came.
        pack(1, "case:4", &["tin:DEEP"]),
        pack(2, "pallet:1", &["case:4"]),
        arrive(5, &["pallet:1"], PLANT),
        with(unpack(6, "pallet:1", &[]), &now_at(PLANT)),
        // In its time, at a spot within it, and after it.
        arrive(12, &["tin:CAME"], &spot),
        arrive(25, &["tin:LATE"], PLANT),
        arrive(12, &["tin:OTHER"], ELSEWHERE),
        wrong.clone(),
        declared_error(&arrive(12, &["tin:WRONG"], PLANT), "urn:uuid:e"),
        // A tote carries other things tomorrow.
        pack(11, "tote:1", &["tin:CARRIED"]),
        arrive(15, &["tote:1"], PLANT),
        leave(16, &["tote:1"], PLANT),
        unpack(17, "tote:1", &[]),
        pack(30, "tote:1", &["tin:TOMORROW"]),
        // A lot that was made there, and one of which some came from elsewhere.
        with(make(13, &["milk:1"], &["powder:MADE"]), &now_at(PLANT)),
        with(make(3, &["milk:2"], &["powder:PART"]), &now_at(ELSEWHERE)),
        arrive(14, &["powder:PART"], PLANT),
        with(make(40, &["powder:MADE"], &["lot:L"]), &now_at(ELSEWHERE)),
        with(make(40, &["powder:PART"], &["lot:M"]), &now_at(ELSEWHERE)),
    ])
    .await;
    let (since, until) = (hour(10), hour(20));
    let then = [("place", PLANT), ("since", &since), ("until", &until)];
    let all = expected(&[
        ("tin:STAYED", SURE, 10),
        ("tin:SEEN", DOUBT, 10),
        ("tin:UNPACKED", SURE, 10),
        ("case:2", SURE, 10),
        ("tin:INSIDE", SURE, 10),
        ("case:4", SURE, 10),
        // Empty, it lies there still.
        ("pallet:1", SURE, 10),
        ("tin:DEEP", SURE, 10),
        ("tin:CAME", SURE, 12),
        ("tin:CARRIED", SURE, 15),
        ("milk:1", SURE, 13),
        ("powder:MADE", SURE, 13),
        ("powder:PART", DOUBT, 14),
        ("lot:L", SURE, 40),
        ("lot:M", DOUBT, 40),
    ]);
    assert_eq!(told(&app, &then).await, all);
    // At a spot of it, just that; at another place, that.
    let at_spot = [("place", spot.as_str()), ("since", &since)];
    assert_eq!(
        told(&app, &at_spot).await,
        expected(&[("tin:CAME", SURE, 12)])
    );
    let elsewhere = [("place", ELSEWHERE), ("since", &since), ("until", &until)];
    let there = told(&app, &elsewhere).await;
    let moved = expected(&[("tin:MOVED", SURE, 10), ("tin:OTHER", SURE, 12)]);
    assert!(
        moved
            .iter()
            .all(|(thing, said)| there.get(thing) == Some(said)),
        "{there:?}"
    );
    assert!(!there.contains_key(&uri("tin:STAYED")), "{there:?}");
    // From later on, what came in between was there when it began.
    let late = [("place", PLANT), ("since", &hour(18)), ("until", &until)];
    let there = told(&app, &late).await;
    assert_eq!(there[&uri("tin:CAME")], (SURE.into(), hour(18)));
    assert_eq!(there[&uri("powder:MADE")], (SURE.into(), hour(18)));
    assert!(!there.contains_key(&uri("tin:CARRIED")), "{there:?}");
    // Who did not look far enough back, is told nothing of those.
    let arrived = [then[0], then[1], then[2], ("arrivedSince", &hour(6))];
    let there = told(&app, &arrived).await;
    assert!(!there.contains_key(&uri("tin:STAYED")), "{there:?}");
    assert!(there.contains_key(&uri("tin:CAME")), "{there:?}");
    // Without an end it lasts, and without a beginning nobody was there before.
    let lasting = told(&app, &[("place", PLANT), ("since", &since)]).await;
    assert_eq!(lasting[&uri("tin:LATE")], (SURE.into(), hour(25)));
    let ever = told(&app, &[("place", PLANT), ("until", &hour(5))]).await;
    assert_eq!(ever[&uri("tin:LEFT")], (SURE.into(), hour(5)));
    assert!(!ever.contains_key(&uri("tin:CAME")), "{ever:?}");
    let nothing = fault(&app, &app.key, &[("place", PLANT), ("until", &hour(1))]).await;
    let none = "nothing is recorded of this place or party in that time";
    assert_eq!(nothing, (404, none.to_owned()));
    the_command_says_the_same(&app, &since, &until).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lay_in_others_came_back_or_was_on_its_way_is_not_forgotten() {
    let app = TestApp::start().await;
    let bound = format!(r#""destinationList":[{{"type":"location","destination":"{PLANT}"}}]"#);
    app.capture(&[
        // Of a lot in a truck that comes, some is there; so it is of a kind of thing.
        bond("AggregationEvent", 11, "ADD", "tote:1", &["powder:SOME"]),
        arrive(15, &["tote:1"], PLANT),
        arrive(16, &["class:09521041000114"], PLANT),
        // In a tote in a tote; tomorrow it carries something else.
        pack(8, "tote:3", &["tin:NESTED"]),
        pack(9, "tote:2", &["tote:3"]),
        arrive(15, &["tote:2"], PLANT),
        unpack(17, "tote:3", &[]),
        pack(30, "tote:3", &["tin:TOMORROW"]),
        // First it was only read there, then it was there.
        pack(1, "case:1", &["tin:OUT", "tin:IN"]),
        object(6, "OBSERVE", &["case:1"], &[read_at(PLANT)]),
        unpack(12, "case:1", &["tin:OUT"]),
        arrive(15, &["case:1"], PLANT),
        // Sold, and back on the shelf.
        step(3, "retail_selling", &["tin:BACK"]),
        arrive(5, &["tin:BACK"], PLANT),
        // Put into what stood there, before it began and since.
        arrive(5, &["tote:4"], PLANT),
        pack(7, "tote:4", &["tin:EARLY"]),
        pack(12, "tote:4", &["tin:LATER"]),
        pack(25, "tote:4", &["tin:AFTER"]),
        // There until that very hour.
        arrive(5, &["tin:EDGE"], PLANT),
        arrive(10, &["tin:EDGE"], ELSEWHERE),
        // On its way there; and to somewhere else.
        object(
            9,
            "OBSERVE",
            &["tin:BOUND"],
            &[bound.clone(), member("bizStep", "shipping")],
        ),
        object(
            8,
            "OBSERVE",
            &["tin:DIVERTED"],
            &[bound, member("bizStep", "shipping")],
        ),
        arrive(9, &["tin:DIVERTED"], ELSEWHERE),
        // A circle of things that hold each other, and stand there.
        pack(2, "case:2", &["case:3"]),
        pack(3, "case:3", &["case:2"]),
        arrive(4, &["case:2"], PLANT),
    ])
    .await;
    let (since, until) = (hour(10), hour(20));
    let then = [("place", PLANT), ("since", &since), ("until", &until)];
    let all = expected(&[
        ("powder:SOME", DOUBT, 15),
        ("class:09521041000114", DOUBT, 16),
        ("tin:NESTED", SURE, 15),
        ("case:1", SURE, 15),
        ("tin:OUT", DOUBT, 10),
        ("tin:IN", SURE, 15),
        ("tin:BACK", SURE, 10),
        ("tin:EARLY", SURE, 10),
        ("tin:LATER", SURE, 12),
        ("tin:EDGE", SURE, 10),
        ("tin:BOUND", DOUBT, 10),
        ("case:2", SURE, 10),
        ("case:3", SURE, 10),
    ]);
    assert_eq!(told(&app, &then).await, all);
    app.stop().await;
}

async fn the_command_says_the_same(app: &TestApp, since: &str, until: &str) {
    let merchant = app.merchant_id.to_string();
    let command = ["trace", "--forward", "--merchant", &merchant];
    let then = ["--place", PLANT, "--since", since, "--until", until];
    let said = rootmark(app, &[&command[..], &then].concat()).await;
    let counts = "affected: 6 items in trade, 3 logistic units in trade, 3 lots\n\
                  possibly affected: 1 item in trade, 2 lots\n";
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.starts_with(counts), "{}", said.out);
    let csv = rootmark(app, &[&command[..], &then, &["--csv"]].concat()).await;
    assert_eq!(csv.out.lines().count(), 1 + 15, "{}", csv.out);
    let json = rootmark(app, &[&command[..], &then, &["--json"]].concat()).await;
    let object: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(object["things"].as_array().unwrap().len(), 15);
    let none = ["--place", PLANT, "--until", "2026-06-01T01:00:00Z"];
    let said = rootmark(app, &[&command[..], &none].concat()).await;
    let path = PLANT.strip_prefix("https://id.gs1.org").unwrap();
    let sentence = format!("NO: there is no record of {path} in that time\n");
    assert_eq!((said.code, said.out), (1, sentence));
    for (wrong, fault) in [
        (["--place", "tin A"], "--place: "),
        (
            ["--party", PLANT],
            "--party: it is the GLN of a party (AI 417)",
        ),
    ] {
        let said = rootmark(app, &[&command[..], &wrong].concat()).await;
        assert!(
            said.code == 2 && said.err.contains(fault),
            "{} {}",
            said.code,
            said.err
        );
    }
    let backwards = ["--place", PLANT, "--since", until, "--until", since];
    let said = rootmark(app, &[&command[..], &backwards].concat()).await;
    assert!(
        said.err.contains("--until lies before --since"),
        "{}",
        said.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_party_had_in_a_time_is_affected_until_it_passed_it_on_and_since() {
    let app = TestApp::start().await;
    let party = format!("https://id.gs1.org/417/{OURS}");
    let description = json!({"party": party, "place": PLANT, "name": name("我方", "Ours")});
    let described = app.post("/api/parties", description.to_string()).await;
    assert_eq!(described.status(), 201);
    let handed = |hours, names: &[&str], from: &str, to: &str| {
        object(
            hours,
            "OBSERVE",
            names,
            &[handed("possessing_party", from, to)],
        )
    };
    app.capture(&[
        handed(2, &["tin:HAS", "tin:PASSED"], THEIRS, OURS),
        handed(4, &["tin:PASSED"], OURS, THEIRS),
        // It is the party's, wherever it lies.
        arrive(5, &["tin:HAS"], ELSEWHERE),
        // A carrier has it, and the party may own it still.
        handed(3, &["tin:CARRIED"], OURS, THEIRS),
        handed(12, &["tin:CAME"], THEIRS, OURS),
        handed(13, &["tin:WENT"], OURS, THEIRS),
        arrive(14, &["tin:THERE"], PLANT),
        arrive(14, &["tin:ELSEWHERE"], ELSEWHERE),
        handed(30, &["tin:LATE"], THEIRS, OURS),
    ])
    .await;
    let then = [
        ("party", party.as_str()),
        ("since", &hour(10)),
        ("until", &hour(20)),
    ];
    let all = expected(&[
        ("tin:HAS", SURE, 10),
        ("tin:PASSED", DOUBT, 10),
        ("tin:CARRIED", DOUBT, 10),
        ("tin:CAME", SURE, 12),
        ("tin:WENT", SURE, 13),
        ("tin:THERE", SURE, 14),
    ]);
    assert_eq!(told(&app, &then).await, all);
    let theirs = format!("https://id.gs1.org/417/{THEIRS}");
    let then = [("party", theirs.as_str()), then[1], then[2]];
    let all = expected(&[
        ("tin:HAS", DOUBT, 10),
        ("tin:PASSED", SURE, 10),
        ("tin:CARRIED", SURE, 10),
        ("tin:CAME", SURE, 12),
        ("tin:WENT", SURE, 13),
    ]);
    assert_eq!(told(&app, &then).await, all);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_all_of_its_lots_and_its_items_without_one() {
    let app = TestApp::start().await;
    let linked = uri("tin:LINKED").replace("/21/", "/10/K/21/");
    let other = uri("tin:BOTH").replace("/21/", "/10/J/21/");
    let both = uri("tin:BOTH").replace("/21/", "/10/K/21/");
    let wrong = commission(2, &["tin:WRONG"], "L");
    app.capture(&[
        make(1, &["powder:1"], &["lot:L"]),
        commission(2, &["tin:A"], "L"),
        commission(2, &["tin:B"], "M"),
        see(3, &["tin:A", "tin:LOTLESS", &linked]),
        see(3, &["carton:C"]),
        // Of two lots that only links name, it is of none; nor is one whose lot was an error.
        see(3, &[&both]),
        see(4, &[&other]),
        with_id(&wrong, "urn:example:e1"),
        declared_error(&wrong, "urn:example:e1"),
        see(5, &["tin:WRONG"]),
        make(4, &["lot:M"], &["carton-lot:N"]),
    ])
    .await;
    let kind = uri("class:09521041001012");
    let things = [
        "lot:L",
        "lot:M",
        "lot:K",
        "tin:A",
        "tin:B",
        "tin:LINKED",
        "tin:LOTLESS",
        "tin:BOTH",
        "tin:WRONG",
        "lot:J",
        "carton-lot:N",
    ];
    let mut things: Vec<String> = things.map(uri).into();
    things.push(kind.clone());
    things.sort();
    let found = told(&app, &[("thing", &kind)]).await;
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        things.iter().collect::<Vec<_>>()
    );
    // A recall that names it reaches the same.
    let uri = "https://larkmere.example/recall/9";
    let recall = json!({"recall": uri, "status": "open", "recallClass": 1, "scope": [kind],
        "reason": name("异物", "A foreign body"), "instructions": name("停止食用", "Stop"),
        "contact": {"name": name("客服", "Care"), "phone": "400"}});
    let said = app.post("/api/recalls", recall.to_string()).await;
    assert_eq!(said.status(), 201);
    let of_recall = told(&app, &[("recall", uri)]).await;
    assert_eq!(of_recall, found);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_is_looked_through_is_refused_and_as_much_is_not() {
    let app = TestApp::start().await;
    app.capture(&[
        arrive(1, &["tin:A"], PLANT),
        arrive(2, &["tin:B", "tin:C"], PLANT),
        arrive(11, &["tin:D"], PLANT),
        arrive(12, &["tin:E"], PLANT),
    ])
    .await;
    let mut conn = app.running.database.reader.acquire().await.unwrap();
    let mut seek = async |events, starts, since: Option<OffsetDateTime>, kind: bool| {
        let mut tx = read_for(&mut conn, app.merchant_id).await.unwrap();
        let origin = Origin {
            merchant_id: app.merchant_id,
            codes: app.running.code_key.clone(),
            known_at: KnownAt::NOW,
            most: Most { events, starts },
        };
        if kind {
            let kind = Identity::parse(&uri("class:09521041001012")).unwrap();
            let found = origin.things(&mut tx, vec![kind], since).await;
            return found
                .map(|starts| starts.len())
                .map_err(|fault| fault.to_string());
        }
        let wanted = Wanted {
            with: Identity::parse(PLANT).unwrap(),
            since,
            until: None,
            arrived_since: None,
        };
        let found = origin.there(&mut tx, &wanted).await;
        found
            .map(|starts| starts.len())
            .map_err(|fault| fault.to_string())
    };
    let noon = Some(datetime!(2026-06-01 10:00 UTC));
    assert_eq!(seek(2, 5, noon, false).await, Ok(5));
    assert_eq!(seek(4, 5, None, false).await, Ok(5));
    assert_eq!(seek(4, 6, None, true).await, Ok(6));
    let fault = async |fault: Result<usize, String>, expected: &str| {
        let fault = fault.unwrap_err();
        assert!(fault.contains(expected), "{fault}");
    };
    let events = "more than 1 events are to be looked through: ask for a shorter time";
    fault(seek(1, 5, noon, false).await, events).await;
    let later = "more than 2 events are to be looked through: say from when on arrivals count";
    let later_noon = Some(datetime!(2026-06-01 11:30 UTC));
    fault(seek(2, 5, later_noon, false).await, later).await;
    let things = "more things than the 4 from which one trace may start: ask for a shorter time";
    fault(seek(4, 4, None, false).await, things).await;
    let lots = "looked through: ask for its lots instead";
    fault(seek(3, 9, None, true).await, lots).await;
    let lots = "one trace may start: ask for its lots instead";
    fault(seek(4, 5, None, true).await, lots).await;
    drop(conn);
    app.stop().await;
}
