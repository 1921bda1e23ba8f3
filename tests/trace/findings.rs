//! What does not add up: one test a rule, each with its negative twin.

use rootmark::domain::finding::{Contradiction, Severity, findings};
use rootmark::trace::KnownAt;
use rootmark::web::findings::{rule, sentence};
use rootmark::web::text::{Lang, Text};
use serde_json::json;

use crate::chain::*;
use crate::support::TestApp;
use crate::support::command::rootmark;
use crate::told::story;

pub async fn captured(events: &[String]) -> TestApp {
    let app = TestApp::start().await;
    app.capture(events).await;
    app
}

/// The rules that speak of a thing, with their severities.
pub async fn found(app: &TestApp, name: &str) -> Vec<(&'static str, Severity)> {
    let story = story(app, name, KnownAt::NOW).await.unwrap();
    for lang in Lang::ALL {
        for finding in findings(&story) {
            let sentence = sentence(Text::of(lang), &story, &finding);
            assert!(!sentence.contains(['{', '}']), "{sentence}");
        }
    }
    let found = findings(&story).into_iter();
    found
        .map(|finding| (rule(&finding.what), finding.severity))
        .collect()
}

/// The sentence of the only finding, in English.
pub async fn said(app: &TestApp, name: &str) -> String {
    let story = story(app, name, KnownAt::NOW).await.unwrap();
    let found = findings(&story);
    assert_eq!(found.len(), 1, "{found:?}");
    sentence(Text::of(Lang::En), &story, &found[0])
}

/// Of one story that contradicts itself, and one that differs in just that.
pub async fn assert_rule(expected: (&'static str, Severity), wrong: &[String], right: &[String]) {
    for (events, expected) in [(wrong, vec![expected]), (right, vec![])] {
        let app = captured(events).await;
        assert_eq!(found(&app, "tin:A").await, expected);
        app.stop().await;
    }
}

fn made(hours: u32, lot: &str, more: &str) -> String {
    let ilmd = format!(r#""ilmd":{{"cbvmda:lotNumber":"{lot}"{more}}}"#);
    object(hours, "ADD", &["tin:A"], &[ilmd])
}

fn sold(hours: u32) -> String {
    step(hours, "retail_selling", &["tin:A"])
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_happens_to_goods_before_they_are_made() {
    let customs = |hours| step(hours, "accepting", &["lot:L"]);
    let rule = ("beforeMade", Severity::Serious);
    let line = |at| {
        [
            make(5, &["powder:1"], &["lot:L"]),
            made(6, "L", ""),
            customs(at),
        ]
    };
    assert_rule(rule, &line(2), &line(7)).await;
    // Stored before the tin had its code; and what happened to what it was made of comes first by right.
    let line = |at| [made(5, "L", ""), step(at, "storing", &["tin:A"])];
    assert_rule(rule, &line(4), &line(6)).await;
    // A run is recorded at its end, and an order before its beginning.
    let run = |hours, word: &str| {
        [
            step(1, "storing", &["powder:1"]),
            made(3, "L", ""),
            pack(4, "case:1", &["tin:A"]),
            make(5, &["powder:1"], &["lot:L"]),
            step(hours, word, &["lot:L"]),
        ]
    };
    assert_rule(rule, &run(2, "shipping"), &run(2, "reserving")).await;
    // At the same moment nobody knows which came first.
    assert_rule(rule, &line(4), &line(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_happens_to_what_is_no_more_and_what_was_sold_comes_back_only_as_returned() {
    let made = made(1, "L", "");
    let seen = |hours, more: &str| {
        let more: Vec<String> = [member("bizStep", "stocking")]
            .into_iter()
            .chain((!more.is_empty()).then(|| member("disposition", more)))
            .collect();
        object(hours, "OBSERVE", &["tin:A"], &more)
    };
    let destroyed = step(5, "destroying", &["tin:A"]);
    let gone = ("afterEnd", Severity::Serious);
    let wrong = [made.clone(), destroyed.clone(), seen(6, "")];
    let right = [made.clone(), destroyed.clone(), seen(4, "")];
    assert_rule(gone, &wrong, &right).await;
    // Taking it out of the books after that is in order; using it is not.
    let right = [
        made.clone(),
        destroyed.clone(),
        step(6, "decommissioning", &["tin:A"]),
    ];
    let wrong = [made.clone(), destroyed, make(6, &["tin:A"], &["carton:C"])];
    assert_rule(gone, &wrong, &right).await;
    let back = ("afterEnd", Severity::Doubt);
    // A parcel is paid first.
    let parcel = ["picking", "packing", "shipping"].map(|word| step(6, word, &["tin:A"]));
    let parcel: Vec<String> = [made.clone(), sold(5)].into_iter().chain(parcel).collect();
    assert_rule(back, &[made.clone(), sold(5), sold(6)], &parcel).await;
    let wrong = [made.clone(), sold(5), seen(6, "")];
    let right = [made, sold(5), seen(6, "returned"), seen(7, ""), sold(8)];
    assert_rule(back, &wrong, &right).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_serial_is_not_in_two_containers() {
    let rule = ("inTwoParents", Severity::Serious);
    let case = |case: &str, hours| pack(hours, case, &["tin:A"]);
    let from_first = |hours| unpack(hours, "case:1", &["tin:A"]);
    // Packed elsewhere without having been taken out is common; found in the first once more is not.
    let wrong = [case("case:1", 1), case("case:2", 3), from_first(4)];
    let right = [
        case("case:1", 1),
        case("case:2", 3),
        unpack(4, "case:2", &["tin:A"]),
    ];
    assert_rule(rule, &wrong, &right).await;
    let seen = |hours| bond("AggregationEvent", hours, "OBSERVE", "case:1", &["tin:A"]);
    let wrong = [case("case:1", 1), case("case:2", 3), seen(4)];
    let right = [case("case:1", 1), seen(2), case("case:2", 3)];
    assert_rule(rule, &wrong, &right).await;
    // Into both at one moment; and back into the first, by somebody's word.
    let wrong = [case("case:1", 3), case("case:2", 3)];
    let right = [
        case("case:1", 1),
        case("case:2", 3),
        case("case:1", 4),
        seen(5),
    ];
    assert_rule(rule, &wrong, &right).await;
}

async fn place(app: &TestApp, room: &str, name: &str, position: Option<(f64, f64)>) {
    let mut body = json!({"place": uri(room), "name": {"zh-CN": name, "en": name}});
    if let Some((latitude, longitude)) = position {
        body["latitude"] = json!(latitude);
        body["longitude"] = json!(longitude);
    }
    let answer = app.post("/api/parties", body.to_string()).await;
    assert_eq!(answer.status(), 201);
}

fn seen_at(hours: u32, thing: &str, room: &str) -> String {
    let at = format!(r#""readPoint":{{"id":"{}"}}"#, uri(room));
    object(hours, "OBSERVE", &[thing], &[at])
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_at_two_places_or_faster_than_an_aeroplane() {
    // Auckland, Shanghai, and the next village; the room without a position is never wrong.
    let rooms = [
        ("room:1", "Auckland", Some((-36.85, 174.76))),
        ("room:2", "Shanghai", Some((31.23, 121.47))),
        ("room:3", "Puxi", Some((31.25, 121.45))),
        ("room:A", "Nowhere", None),
    ];
    for (to, hours, thing, expected) in [
        ("room:2", 3, "tin:A", Some("tooFast")),
        ("room:2", 12, "tin:A", None),
        ("room:2", 1, "tin:A", Some("twoPlaces")),
        ("room:1", 1, "tin:A", None),
        ("room:A", 1, "tin:A", None),
        // It lies in the case.
        ("room:2", 3, "case:1", Some("tooFast")),
        ("room:2", 3, "case:2", None),
        // Of a lot some is here and some is there.
        ("room:2", 1, "lot:L", None),
    ] {
        let app = TestApp::start().await;
        for (room, name, position) in rooms {
            place(&app, room, name, position).await;
        }
        app.capture(&[
            commission(0, &["tin:A"], "L"),
            pack(0, "case:1", &["tin:A"]),
            seen_at(1, "tin:A", "room:1"),
            seen_at(hours, thing, to),
        ])
        .await;
        let rules: Vec<_> = found(&app, "tin:A")
            .await
            .into_iter()
            .map(|found| found.0)
            .collect();
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(rules, expected, "{thing} {to} {hours}");
        if expected == ["tooFast"] {
            let sentence = said(&app, "tin:A").await;
            let words =
                "From Auckland to Shanghai, 9,382 km, in 2 hours: nothing travels that fast.";
            assert_eq!(sentence, words);
        }
        app.stop().await;
    }
    let near = [("room:2", "Shanghai", Some((31.23, 121.47))), rooms[2]];
    let app = TestApp::start().await;
    for (room, name, position) in near {
        place(&app, room, name, position).await;
    }
    app.capture(&[seen_at(1, "tin:A", "room:2"), seen_at(1, "tin:A", "room:3")])
        .await;
    assert_eq!(found(&app, "tin:A").await, []);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_of_production_expiry_and_sale_follow_each_other() {
    let only = |expiry: &str| {
        made(
            24,
            "L",
            &format!(r#","cbvmda:itemExpirationDate":"{expiry}""#),
        )
    };
    let rule = ("expiresBeforeMade", Severity::Serious);
    // The second of June is the day of the event itself.
    assert_rule(rule, &[only("2026-06-01")], &[only("2026-06-02")]).await;
    // The date of production that the maker gives counts before that.
    let both = |expiry: &str| {
        let dates = format!(
            r#","cbvmda:itemExpirationDate":"{expiry}","cbvmda:productionDate":"2026-05-20""#
        );
        made(24, "L", &dates)
    };
    assert_rule(rule, &[both("2026-05-19")], &[both("2026-05-20")]).await;
    let rule = ("soldAfterExpiry", Severity::Serious);
    let line = |hours| [only("2026-06-10"), sold(hours)];
    assert_rule(rule, &line(10 * 24), &line(10 * 24 - 1)).await;
    let app = captured(&line(10 * 24)).await;
    let words = "It was sold on 11 June 2026, after its best-before date, 10 June 2026.";
    assert_eq!(said(&app, "tin:A").await, words);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_issued_before_the_step_that_cites_it() {
    for (kind, issued, is_wrong) in [
        ("cert", &["2026-06-04"][..], true),
        // A certificate that is renewed each year under one name, and one of which no version was there in time.
        ("cert", &["2025-06-01", "2026-06-04"], false),
        ("cert", &["2026-06-05", "2026-06-04"], true),
        // A day is what clocks and time zones make of one moment.
        ("cert", &["2026-06-03"], false),
        // A bill of lading is dated when the ship has sailed.
        ("bol", &["2026-06-04"], false),
        // An invoice follows the goods by right.
        ("inv", &["2026-06-04"], false),
    ] {
        let app = TestApp::start().await;
        let document = "urn:example:document:1";
        for issued in issued {
            let body = json!({
                "document": document, "documentType": "billOfLading", "issued": issued,
                "title": {"zh-CN": "提单", "en": "Bill of lading"},
            });
            let described = app.post("/api/documents", body.to_string()).await;
            assert_eq!(described.status(), 201);
        }
        let cites =
            format!(r#""bizTransactionList":[{{"type":"{kind}","bizTransaction":"{document}"}}]"#);
        app.capture(&[object(30, "OBSERVE", &["tin:A"], &[cites])])
            .await;
        let expected = if is_wrong {
            vec![("issuedTooLate", Severity::Doubt)]
        } else {
            vec![]
        };
        assert_eq!(found(&app, "tin:A").await, expected, "{kind} {issued:?}");
        if is_wrong {
            let words =
                "“Bill of lading” is dated 4 June 2026; the step that cites it was on 2 June 2026.";
            assert_eq!(said(&app, "tin:A").await, words);
        }
        app.stop().await;
    }
}

/// Readings of a thing, an hour apart.
fn readings(hours: u32, thing: &str, uom: &str, values: &[&str]) -> String {
    let report = |(place, value): (usize, &&str)| {
        let (day, hour) = (
            1 + (hours as usize + place) / 24,
            (hours as usize + place) % 24,
        );
        format!(
            r#"{{"type":"Temperature","value":{value},"uom":"{uom}","time":"2026-06-{day:02}T{hour:02}:00:00Z"}}"#
        )
    };
    let reports: Vec<String> = values.iter().enumerate().map(report).collect();
    let sensors = format!(
        r#""sensorElementList":[{{"sensorReport":[{}]}}]"#,
        reports.join(",")
    );
    object(hours, "OBSERVE", &[thing], &[sensors])
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_stay_within_the_band_of_their_product_and_it_is_told_for_how_long_they_did_not() {
    let made = commission(0, &["tin:A"], "L");
    for (thing, uom, values, expected) in [
        ("tin:A", "CEL", &["0.0", "4.0", "2"][..], None),
        ("tin:A", "CEL", &["2", "4.1", "2"], Some(Severity::Doubt)),
        ("tin:A", "CEL", &["-0.1", "2"], Some(Severity::Doubt)),
        (
            "tin:A",
            "CEL",
            &["2", "5", "6", "7", "6", "5", "2"],
            Some(Severity::Serious),
        ),
        ("tin:A", "FAH", &["39.2", "32"], None),
        ("tin:A", "FAH", &["39.4", "32"], Some(Severity::Doubt)),
        ("tin:A", "KEL", &["277.15"], None),
        // In the case with it, and not in another; of the lot, nobody knows which part.
        ("case:1", "CEL", &["9"], Some(Severity::Doubt)),
        ("case:2", "CEL", &["9"], None),
        // Half of the way in and half of the way out.
        (
            "tin:A",
            "CEL",
            &["2", "9", "2", "9", "2"],
            Some(Severity::Doubt),
        ),
        ("lot:L", "CEL", &["9"], None),
    ] {
        let app = TestApp::start().await;
        let product = json!({
            "gtin": "https://id.gs1.org/01/09521041001012",
            "productName": {"zh-CN": "演示奶粉", "en": "Demo tin"},
            "storage": {"minCelsius": 0, "maxCelsius": 4},
        });
        assert_eq!(
            app.post("/api/products", product.to_string())
                .await
                .status(),
            201
        );
        let packed = pack(1, "case:1", &["tin:A"]);
        app.capture(&[made.clone(), packed, readings(2, thing, uom, values)])
            .await;
        let expected: Vec<_> = expected
            .map(|severity| ("outOfBand", severity))
            .into_iter()
            .collect();
        assert_eq!(
            found(&app, "tin:A").await,
            expected,
            "{thing} {values:?} {uom}"
        );
        if values.len() == 7 {
            let words = "The temperature reached 7 °C; this product is to be kept from 0 °C to 4 °C. \
                         It was outside that for 5 hours in all, as far as readings tell.";
            assert_eq!(said(&app, "tin:A").await, words);
        }
        app.stop().await;
    }
}

/// Two loggers side by side do not cut each other's hours short, a summary tells its extremes, and what is broken tells
/// nothing.
#[tokio::test(flavor = "multi_thread")]
async fn each_instrument_speaks_for_itself() {
    let report = |hour: u32, minute: u32, more: &str| {
        format!(
            r#"{{"type":"Temperature","uom":"CEL","time":"2026-06-01T{hour:02}:{minute:02}:00Z",{more}}}"#
        )
    };
    let element = |device: &str, reports: &[String]| {
        format!(
            r#"{{"sensorMetadata":{{"deviceID":"urn:x:{device}"}},"sensorReport":[{}]}}"#,
            reports.join(",")
        )
    };
    let hourly = |minute: u32, value: &str| -> Vec<String> {
        let value = format!(r#""value":{value}"#);
        (3..8).map(|hour| report(hour, minute, &value)).collect()
    };
    let one = |more: &str| element("a", &[report(3, 0, more)]);
    let both = [
        element("a", &hourly(0, "2")),
        element("b", &hourly(30, "9")),
    ]
    .join(",");
    // The same at the same time is outside once.
    let twice = [element("a", &hourly(0, "9")), element("b", &hourly(0, "9"))].join(",");
    let own = hourly(30, "9")
        .join(",")
        .replace(r#""uom""#, r#""deviceID":"urn:x:b","uom""#);
    let own = element("a", &[hourly(0, "2").join(","), own]);
    for (elements, expected) in [
        (both.as_str(), Some("9 °C, 4 hours")),
        (&own, Some("9 °C, 4 hours")),
        (&twice, Some("9 °C, 4 hours")),
        (
            &one(r#""minValue":1,"maxValue":9,"meanValue":3"#),
            Some("9 °C, 0 minutes"),
        ),
        (
            &one(r#""minValue":-5,"maxValue":3"#),
            Some("-5 °C, 0 minutes"),
        ),
        (&one(r#""minValue":1,"maxValue":3"#), None),
        (
            &one(r#""value":9,"exception":"ALARM_CONDITION""#),
            Some("9 °C, 0 minutes"),
        ),
        (&one(r#""value":9,"exception":"ERROR_CONDITION""#), None),
    ] {
        let app = TestApp::start().await;
        let product = json!({
            "gtin": "https://id.gs1.org/01/09521041001012",
            "productName": {"zh-CN": "演示奶粉", "en": "Demo tin"},
            "storage": {"minCelsius": 0, "maxCelsius": 4},
        });
        let described = app.post("/api/products", product.to_string()).await;
        assert_eq!(described.status(), 201);
        let sensors = format!(r#""sensorElementList":[{elements}]"#);
        let read = object(2, "OBSERVE", &["tin:A"], &[sensors]);
        app.capture(&[commission(0, &["tin:A"], "L"), read]).await;
        let story = story(&app, "tin:A", KnownAt::NOW).await.unwrap();
        let told = findings(&story)
            .into_iter()
            .map(|finding| match finding.what {
                Contradiction::OutOfBand {
                    celsius, minutes, ..
                } if minutes >= 60 => {
                    format!("{celsius} °C, {} hours", minutes / 60)
                }
                Contradiction::OutOfBand {
                    celsius, minutes, ..
                } => {
                    format!("{celsius} °C, {minutes} minutes")
                }
                other => panic!("{other:?}"),
            });
        let expected: Vec<String> = expected.map(str::to_owned).into_iter().collect();
        assert_eq!(told.collect::<Vec<_>>(), expected, "{elements}");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_comes_with_the_seal_that_it_left_with() {
    let sealed = |text: String, seal: &str| {
        text.replacen('{', &format!(r#"{{"example:sealNumber":"{seal}","#), 1)
    };
    let line = |last: &str| {
        [
            pack(1, "case:1", &["tin:A"]),
            sealed(pack(2, "truck:1", &["case:1"]), "S-1"),
            see(3, &["truck:1"]),
            sealed(unpack(5, "truck:1", &[]), last),
        ]
    };
    assert_rule(
        ("sealMismatch", Severity::Serious),
        &line("S-2"),
        &line("S-1"),
    )
    .await;
    // Customs opens it, and closes it with a seal of its own; however its number is spaced.
    let inspected = |word: &str, last: &str| {
        [
            pack(1, "case:1", &["tin:A"]),
            sealed(pack(2, "truck:1", &["case:1"]), "S-1"),
            sealed(step(3, word, &["truck:1"]), "C 77"),
            sealed(unpack(5, "truck:1", &[]), last),
        ]
    };
    let rule = ("sealMismatch", Severity::Serious);
    assert_rule(
        rule,
        &inspected("storing", "c77"),
        &inspected("inspecting", "c77"),
    )
    .await;
    // Sealed anew for another load.
    let anew = |parent: &str| {
        [
            pack(1, "case:1", &["tin:A"]),
            sealed(pack(2, parent, &["case:1"]), "S-1"),
            sealed(unpack(5, parent, &[]), "S-1"),
            sealed(pack(6, "truck:1", &["case:2"]), "S-9"),
        ]
    };
    let app = captured(&anew("truck:1")).await;
    assert_eq!(found(&app, "tin:A").await, []);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_retracted_contradicts_nothing_and_the_gravest_comes_first() {
    let id = "urn:uuid:00000000-0000-4000-8000-000000000001";
    let customs = step(2, "accepting", &["lot:L"]);
    let mut events = vec![
        make(5, &["powder:1"], &["lot:L"]),
        commission(6, &["tin:A"], "L"),
        sold(7),
        sold(8),
        with_id(&customs, id),
    ];
    let app = captured(&events).await;
    let both = [
        ("beforeMade", Severity::Serious),
        ("afterEnd", Severity::Doubt),
    ];
    assert_eq!(found(&app, "tin:A").await, both);
    // The page and the command line tell them.
    let path = "/01/09521041001012/21/A";
    let page = app.page(path, "en").await.text().await.unwrap();
    assert!(
        page.contains("On record, with doubts") && page.contains("band-warn"),
        "{page}"
    );
    assert!(page.contains("comes before the goods were made"));
    let page = app.page(path, "zh-CN").await.text().await.unwrap();
    assert!(
        page.contains("有记录，但有疑点") && page.contains("早于生产时间"),
        "{page}"
    );
    let said = rootmark(&app, &["trace", path]).await;
    assert!(
        said.out.starts_with("SERIOUS  “Accepted” on "),
        "{}",
        said.out
    );
    let said = rootmark(&app, &["trace", path, "--json"]).await;
    let finding = &said.json()["findings"][0];
    assert_eq!(
        (&finding["rule"], &finding["severity"]),
        (&json!("beforeMade"), &json!("serious"))
    );
    assert_eq!(finding["eventIDs"][0], id);
    events = vec![declared_error(&customs, id)];
    app.capture(&events).await;
    assert_eq!(found(&app, "tin:A").await, both[1..]);
    app.stop().await;
}
