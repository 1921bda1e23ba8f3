//! A forward trace tells part after part, and however small the parts are, it tells the same.

use std::cell::Cell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rootmark::domain::forward::{Certainty, Forward, Origin as ThingOrigin, Reached, Start};
use rootmark::domain::gs1::Identity;
use rootmark::store::{begin_for, read_for};
use rootmark::trace::{End, KnownAt, Pace, Trail, forward_at};
use rootmark::web::forward::{Followed, Most, Origin};
use time::{Duration, OffsetDateTime};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::chain::*;
use crate::loading::{capture, with_errors, worlds};
use crate::support::TestApp;
use crate::worlds::any_record;

/// One statement and one item at a time.
const SLOWEST: Pace = Pace {
    namings: 1,
    items: 1,
    ..Pace::USUAL
};
/// A few items at a time, and half of them beside the others.
const BESIDE: Pace = Pace {
    namings: 3,
    items: 5,
    beside: 2,
    ..Pace::USUAL
};

fn start(name: &str, hours: Option<i64>, certainty: Certainty) -> Start {
    let june = time::macros::datetime!(2026-06-01 0:00 UTC);
    Start {
        identity: Identity::parse(&uri(name)).expect(name),
        since: hours.map(|hours| june + Duration::hours(hours)),
        certainty,
    }
}

/// What is told, each thing by its name.
fn as_told(found: &Forward) -> impl PartialEq + std::fmt::Debug + '_ {
    let things = found.things.iter().map(|told| (&told.identity, told));
    let things: BTreeMap<_, _> = things.collect();
    (things, &found.holders, &found.passages, found.truncated)
}

async fn traced(app: &TestApp, merchant_id: Uuid, starts: &[Start], pace: Pace) -> Forward {
    let mut conn = app.running.database.reader.acquire().await.unwrap();
    let mut tx = begin_for(&mut conn, merchant_id).await.unwrap();
    let found = forward_at(
        &mut tx,
        (merchant_id, &app.running.code_key),
        starts,
        KnownAt::NOW,
        pace,
    );
    found.await.unwrap()
}

/// Each part, and how it ended.
async fn parts(
    app: &TestApp,
    merchant_id: Uuid,
    starts: &[Start],
    pace: Pace,
) -> (Vec<Vec<Reached>>, End) {
    let mut conn = app.running.database.reader.acquire().await.unwrap();
    let mut trail = Trail::from(
        starts,
        (merchant_id, &app.running.code_key),
        KnownAt::NOW,
        pace,
    );
    let mut parts = Vec::new();
    loop {
        // Each in a transaction of its own.
        let mut tx = begin_for(&mut conn, merchant_id).await.unwrap();
        let part = trail.next(&mut tx).await.unwrap();
        match part {
            Some(part) => parts.push(part),
            None => return (parts, trail.finish(&mut tx).await.unwrap()),
        }
    }
}

/// By codes alone, each thing as it was told last; and how many of the items were.
async fn codes(
    app: &TestApp,
    merchant_id: Uuid,
    starts: &[Start],
    (pace, most): (Pace, Most),
) -> (BTreeMap<Identity, Reached>, usize) {
    let origin = Origin {
        merchant_id,
        codes: app.running.code_key.clone(),
        known_at: KnownAt::NOW,
        most,
    };
    let mut conn = app.running.database.reader.acquire().await.unwrap();
    let mut followed = Followed::codes(starts, &origin, pace);
    let mut things = BTreeMap::new();
    loop {
        let mut tx = read_for(&mut conn, merchant_id).await.unwrap();
        let Some(part) = followed.next(&mut tx).await.unwrap() else {
            break;
        };
        things.extend(part.into_iter().map(|told| (told.identity.clone(), told)));
    }
    assert!(!followed.is_truncated());
    let alone = things.values().filter(|told| told.fate.is_none());
    let alone = alone.count();
    (things, alone)
}

/// What codes tell of a thing.
type Code<'r> = (
    &'r Identity,
    Certainty,
    Option<OffsetDateTime>,
    &'r Option<ThingOrigin>,
);

fn as_codes<'r>(things: impl Iterator<Item = &'r Reached>) -> Vec<Code<'r>> {
    let code = |told: &'r Reached| (&told.identity, told.certainty, told.since, &told.origin);
    let mut told: Vec<Code<'r>> = things.map(code).collect();
    told.sort();
    told
}

/// What the records of other tests lack: cartons that hold tins and are items of a lot themselves, lots that only links
/// name, places, and who had what.
fn enriched(mut texts: Vec<String>, more: u16) -> Vec<String> {
    let link = uri("tin:B").replace("/21/", "/10/L/21/");
    let early = uri("tin:Y").replace("/21/", "/10/L/21/");
    let all = [
        commission(3, &["carton:C"], "M"),
        pack(4, "carton:C", &["tin:A", "tin:B"]),
        pack(6, "case:1", &["tin:A"]),
        unpack(7, "carton:C", &["tin:B"]),
        make(8, &["tin:A"], &["carton-lot:M"]),
        see(9, &[&link]),
        commission(2, &["tin:C"], "M"),
        make(10, &["tin:C", "case:1"], &["tin:D"]),
        // Of two lots, and of one that its link names before its maker does.
        commission(5, &["tin:X", "tin:Z"], "M"),
        see(0, &[&early]),
        commission(12, &["tin:X", "tin:Z"], "L"),
    ];
    // Whatever else the record says, there are items to be told one by one.
    texts.extend([
        commission(0, &["tin:A"], "L"),
        commission(1, &["tin:B"], "L"),
        commission(4, &["tin:X", "tin:Y"], "L"),
        commission(4, &["tin:V", "tin:W"], "M"),
    ]);
    let chosen = all.into_iter().enumerate();
    let chosen = chosen.filter(|(place, _)| more & (1 << place) != 0);
    texts.extend(chosen.map(|(_, text)| text));
    let told = texts.into_iter().enumerate();
    told.map(|(place, text)| {
        let room = uri(&format!("room:{}", place % 5));
        let with = match place % 3 {
            0 => return text,
            1 => format!(r#"{{"bizLocation":{{"id":"{room}"}},"#),
            _ => format!(
                "{{{},",
                handed("owning_party", "9521041000008", "9521072000008")
            ),
        };
        text.replacen('{', &with, 1)
    })
    .collect()
}

#[test]
fn however_little_is_read_at_a_time_the_same_is_affected() {
    let runtime = Runtime::new().unwrap();
    let app = runtime.block_on(TestApp::start());
    let mut runner = TestRunner::new(ProptestConfig::with_cases(worlds() / 3));
    let [traces, of_many_parts, told_again, passed, codes_alone] = [const { Cell::new(0) }; 5];
    let since = prop::option::of(0i64..20);
    let errors = (any::<u64>(), any::<u64>(), any::<u64>()).prop_map(|(a, b, c)| a & b & c);
    let record = (any_record(1), any::<u16>(), errors);
    let record =
        record.prop_map(|(texts, more, errors)| with_errors(enriched(texts, more), errors));
    let compared = runner.run(&(record, since), |(texts, since)| {
        runtime.block_on(async {
            let merchant_id = capture(&app, &texts).await.merchant_id;
            for name in ["lot:L", "powder:1", "case:2", "carton-lot:M"] {
                let starts = [
                    start(name, since, Certainty::Affected),
                    start("milk:2", None, Certainty::Possibly),
                ];
                let usual = traced(&app, merchant_id, &starts, Pace::USUAL).await;
                let (parts, end) = parts(&app, merchant_id, &starts, SLOWEST).await;
                prop_assert!(!usual.truncated && !end.truncated);
                let all = parts.iter().flatten();
                let last: BTreeMap<&Identity, &Reached> =
                    all.clone().map(|told| (&told.identity, told)).collect();
                let usual_things = usual.things.iter().map(|told| (&told.identity, told));
                prop_assert_eq!(&usual_things.collect::<BTreeMap<_, _>>(), &last);
                let beside = traced(&app, merchant_id, &starts, BESIDE).await;
                prop_assert_eq!(as_told(&usual), as_told(&beside));
                // Where nobody knows which items lead on, each is looked at.
                let none = Most {
                    events: 0,
                    starts: 0,
                };
                let usual_most = Most::USUAL;
                for how in [
                    (Pace::CODES, usual_most),
                    (SLOWEST, usual_most),
                    (BESIDE, usual_most),
                    (Pace::CODES, none),
                ] {
                    let (told, by_code) = codes(&app, merchant_id, &starts, how).await;
                    let (told, usual) = (as_codes(told.values()), as_codes(usual.things.iter()));
                    prop_assert_eq!(told, usual);
                    codes_alone.set(codes_alone.get() + by_code);
                }
                prop_assert_eq!(&usual.holders, &end.holders);
                prop_assert_eq!(&usual.passages, &end.passages);
                let add = |cell: &Cell<usize>, is: bool| cell.set(cell.get() + usize::from(is));
                add(&traces, true);
                add(&of_many_parts, parts.len() > 2);
                add(&told_again, all.count() > last.len());
                add(&passed, !end.passages.is_empty());
            }
            Ok(())
        })
    });
    compared.unwrap();
    runtime.block_on(app.stop());
    // Or it would compare nothing.
    assert!(of_many_parts.get() > traces.get() / 8, "{of_many_parts:?}");
    assert!(told_again.get() > 0 && passed.get() > 0);
    assert!(codes_alone.get() > traces.get(), "{codes_alone:?}");
}

/// That codes tell the same as all that is known does.
async fn assert_same_codes(app: &TestApp, starts: &[Start]) -> Vec<Identity> {
    let usual = traced(app, app.merchant_id, starts, Pace::USUAL).await;
    for pace in [Pace::CODES, SLOWEST] {
        let (told, _) = codes(app, app.merchant_id, starts, (pace, Most::USUAL)).await;
        assert_eq!(as_codes(told.values()), as_codes(usual.things.iter()));
    }
    let things = usual.things.into_iter();
    things.map(|told| told.identity).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_leave_out_nothing_that_was_used_before_its_source_was_wrong() {
    let app = TestApp::start().await;
    app.capture(&[
        make(3, &["powder:1"], &["lot:M"]),
        commission(4, &["tin:V"], "M"),
        make(10, &["tin:V"], &["tin:D"]),
    ])
    .await;
    let starts = [start("powder:1", Some(15), Certainty::Affected)];
    let things = assert_same_codes(&app, &starts).await;
    let used = Identity::parse(&uri("tin:D")).unwrap();
    assert!(things.contains(&used), "{things:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_of_several_lots_are_told_as_the_surest_of_them() {
    let app = TestApp::start().await;
    let link = uri("tin:Y").replace("/21/", "/10/L/21/");
    app.capture(&[
        // Of two lots; of one of them, and only later, something older is found to be wrong.
        commission(5, &["tin:X"], "L"),
        commission(6, &["tin:X"], "M"),
        // By its link of one, by its maker of both.
        see(1, &[&link]),
        commission(7, &["tin:Y"], "L"),
        commission(8, &["tin:Y"], "M"),
        commission(9, &["tin:U"], "M"),
        make(10, &["tin:U"], &["powder:9"]),
        make(4, &["powder:9"], &["lot:L"]),
    ])
    .await;
    for (of_l, of_m) in [
        (Certainty::Possibly, Certainty::Affected),
        (Certainty::Affected, Certainty::Possibly),
    ] {
        for hours in [None, Some(2), Some(8)] {
            let starts = [start("lot:L", hours, of_l), start("lot:M", None, of_m)];
            let things = assert_same_codes(&app, &starts).await;
            assert!(things.len() >= 5, "{things:?}");
        }
    }
    app.stop().await;
}

fn told<'p>(parts: &'p [Vec<Reached>], name: &str) -> Vec<&'p Reached> {
    let identity = Identity::parse(&uri(name)).expect(name);
    let all = parts.iter().flatten();
    all.filter(|told| told.identity == identity).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_item_leads_to_is_found_and_what_is_known_better_by_then_is_told_again() {
    let app = TestApp::start().await;
    app.capture(&[
        commission(1, &["tin:A", "tin:B"], "K"),
        commission(1, &["tin:C", "tin:D"], "L"),
        // Of any lot, so perhaps of this one; and of this tin in any case.
        make(2, &["class:09521041001012"], &["lot:L"]),
        make(2, &["tin:A"], &["lot:L", "carton-lot:M"]),
        commission(3, &["tin:E"], "L"),
        see(4, &["tin:E"]),
        part(5, "input", &["carton-lot:M"], "urn:example:t"),
        part(5, "output", &["powder:9"], "urn:example:t"),
    ])
    .await;
    let starts = [start("lot:K", None, Certainty::Affected)];
    let (parts, end) = parts(&app, app.merchant_id, &starts, SLOWEST).await;
    assert!(!end.truncated);
    let certainties = |name: &str| -> Vec<Certainty> {
        let told = told(&parts, name).into_iter();
        told.map(|told| told.certainty).collect()
    };
    // Of an unnamed lot, of which this item is: told once as that, and once as it is.
    let twice = [Certainty::Possibly, Certainty::Affected];
    assert_eq!(certainties("tin:E"), twice);
    assert_eq!(certainties("lot:L"), twice);
    assert_eq!(certainties("tin:A"), [Certainty::Affected]);
    // Older than what is wrong with the lot, whichever that is.
    assert_eq!(certainties("tin:C"), [Certainty::Possibly; 1]);
    assert_eq!(certainties("carton-lot:M"), [Certainty::Affected]);
    assert_eq!(certainties("powder:9"), [Certainty::Affected]);
    // Of things that are told twice, the last stands; and none is there twice.
    let found = traced(&app, app.merchant_id, &starts, SLOWEST).await;
    let usual = traced(&app, app.merchant_id, &starts, Pace::USUAL).await;
    assert_eq!(found, usual);
    let of = |name: &str| -> Vec<Certainty> {
        let identity = Identity::parse(&uri(name)).expect(name);
        let all = found.things.iter().filter(|told| told.identity == identity);
        all.map(|told| told.certainty).collect()
    };
    assert_eq!(of("tin:E"), [Certainty::Affected]);
    assert_eq!(of("tin:C"), [Certainty::Possibly]);
    app.stop().await;
}

/// A lot of tins by the dozen, each packed and seen by itself.
fn lot_of(tins: usize) -> Vec<String> {
    let names: Vec<String> = (0..tins).map(|tin| format!("tin:T{tin}")).collect();
    let mut events = vec![make(1, &["powder:1"], &["lot:L"])];
    for (place, twelve) in names.chunks(12).enumerate() {
        let twelve: Vec<&str> = twelve.iter().map(String::as_str).collect();
        events.push(commission(2, &twelve, "L"));
        events.push(pack(3, &format!("case:{place}"), &twelve));
    }
    // Of which some are named with their lot again.
    for name in names.iter().step_by(5) {
        let link = uri(name).replace("/21/", "/10/L/21/");
        events.push(see(4, &[&link]));
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_lot_of_many_items_each_is_told_once_and_what_held_it() {
    let app = TestApp::start().await;
    app.capture(&lot_of(100)).await;
    let starts = [start("powder:1", None, Certainty::Affected)];
    let pace = Pace {
        namings: 3,
        items: 7,
        ..Pace::USUAL
    };
    let (parts, end) = parts(&app, app.merchant_id, &starts, pace).await;
    // The trunk, and nine commissionings of twelve; the sights name nothing new.
    assert_eq!(parts.len(), 1 + 9);
    let mut told: Vec<&Identity> = parts.iter().flatten().map(|told| &told.identity).collect();
    assert_eq!(told.len(), 1 + 1 + 100);
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 1 + 1 + 100);
    assert_eq!(end.holders.len(), 9);
    let of = |told: &Reached| told.seen.as_ref().map(|seen| seen.inside.len());
    assert!(parts[1..].iter().flatten().all(|told| of(told) == Some(1)));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_of_two_lots_is_told_with_one_of_them() {
    let app = TestApp::start().await;
    app.capture(&[
        commission(1, &["tin:A", "tin:B"], "K"),
        commission(3, &["tin:A"], "L"),
    ])
    .await;
    let since: Option<i64> = Some(2);
    let starts = [
        start("lot:K", since, Certainty::Affected),
        start("lot:L", since, Certainty::Affected),
    ];
    let (parts, _) = parts(&app, app.merchant_id, &starts, SLOWEST).await;
    let told_as = |name: &str| -> Vec<Certainty> {
        let told = told(&parts, name).into_iter();
        told.map(|told| told.certainty).collect()
    };
    // As one of the first it would only be possible.
    assert_eq!(told_as("tin:A"), [Certainty::Affected]);
    assert_eq!(told_as("tin:B"), [Certainty::Possibly]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_a_carton_held_its_other_events_say_whether_it_was_moved_since() {
    let app = TestApp::start().await;
    // A carton that gets its code once it is full already.
    app.capture(&[
        pack(4, "carton:C", &["tin:A", "tin:B", "tin:D"]),
        pack(6, "case:1", &["tin:A"]),
        unpack(6, "carton:C", &["tin:D"]),
        commission(7, &["carton:C"], "M"),
    ])
    .await;
    let certainties = async |since| {
        let starts = [start("carton-lot:M", Some(since), Certainty::Affected)];
        let found = traced(&app, app.merchant_id, &starts, SLOWEST).await;
        ["carton:C", "tin:A", "tin:B", "tin:D"].map(|name| {
            let identity = Identity::parse(&uri(name)).expect(name);
            let told = found.things.iter().find(|told| told.identity == identity);
            told.map(|told| told.certainty)
        })
    };
    let (sure, perhaps) = (Some(Certainty::Affected), Some(Certainty::Possibly));
    // When the first left, nobody said; of the last somebody did.
    assert_eq!(certainties(5).await, [sure, perhaps, sure, sure]);
    assert_eq!(certainties(7).await, [sure, None, sure, None]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_counted_before_they_are_read() {
    let app = TestApp::start().await;
    app.capture(&lot_of(100)).await;
    let early = commission(1, &["tin:OLD"], "L");
    let wrong = commission(2, &["tin:X", "tin:Y"], "L");
    app.capture(&[
        early,
        with_id(&wrong, "urn:example:e1"),
        commission(2, &["tin:Z"], "M"),
    ])
    .await;
    app.capture(&[declared_error(&wrong, "urn:example:e1")])
        .await;
    let expected = async |starts: &[Start]| {
        let mut conn = app.running.database.reader.acquire().await.unwrap();
        let mut tx = begin_for(&mut conn, app.merchant_id).await.unwrap();
        let mut trail = Trail::from(
            starts,
            (app.merchant_id, &app.running.code_key),
            KnownAt::NOW,
            SLOWEST,
        );
        trail.next(&mut tx).await.unwrap();
        let expected = trail.expected(&mut tx).await.unwrap();
        (expected.lots, expected.affected, expected.possibly)
    };
    let lot = |hours, certainty| start("lot:L", hours, certainty);
    let all = expected(&[lot(None, Certainty::Affected)]).await;
    assert_eq!(all, (1, 101, 0));
    // What is older, and what is of a lot of which nobody is sure.
    let since = expected(&[lot(Some(2), Certainty::Affected)]).await;
    assert_eq!(since, (1, 100, 1));
    let doubtful = expected(&[lot(None, Certainty::Possibly)]).await;
    assert_eq!(doubtful, (1, 0, 101));
    let other = start("lot:M", None, Certainty::Affected);
    let both = expected(&[lot(Some(2), Certainty::Affected), other]).await;
    assert_eq!(both, (2, 101, 1));
    let none = expected(&[start("lot:N", None, Certainty::Affected)]).await;
    assert_eq!(none, (1, 0, 0));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_no_room_for_is_not_left_unsaid() {
    let app = TestApp::start().await;
    app.capture(&lot_of(24)).await;
    let starts = [start("lot:L", None, Certainty::Affected)];
    let at = |items_of_lot, ways| Pace {
        items_of_lot,
        ways,
        ..SLOWEST
    };
    for (pace, told, held, is_truncated) in [
        (at(24, 2), 25, 2, false),
        (at(23, 2), 24, 2, true),
        (at(24, 1), 25, 1, true),
        (at(24, 0), 25, 0, false),
    ] {
        let (parts, end) = parts(&app, app.merchant_id, &starts, pace).await;
        let all: usize = parts.iter().map(Vec::len).sum();
        let found = (all, end.holders.len(), end.truncated);
        assert_eq!(found, (told, held, is_truncated), "{pace:?}");
    }
    app.stop().await;
}
