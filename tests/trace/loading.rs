//! What a story loads: as much as it needs, and so little that what else was put into a container, or made of
//! a lot, costs it nothing.

use std::collections::{BTreeSet, HashMap, HashSet};

use auditlog::field::Secret;
use auditlog::json;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rootmark::capture::{Submitter, capture_document};
use rootmark::domain::capture_fault::ErrorBehaviour;
use rootmark::domain::epcis::{Event, read_event};
use rootmark::domain::event_key::event_key;
use rootmark::domain::forward::{Certainty, Forward, Start};
use rootmark::domain::gs1::{DigitalLink, Identity};
use rootmark::domain::statement::StatementId;
use rootmark::domain::story::{Connection, Lead, Story};
use rootmark::store::begin_for;
use rootmark::store::walk::statements_with_keys;
use rootmark::trace::{KnownAt, Reach, forward, story_with_leads};
use time::OffsetDateTime;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::chain::*;
use crate::support::TestApp;
use crate::support::document::document;
use crate::worlds::any_record;

pub fn worlds() -> u32 {
    if std::env::var_os("ROOTMARK_SOAK").is_some() {
        5_000
    } else {
        120
    }
}

/// Events of whom, where they stand, in the order of the record.
pub struct Captured {
    pub merchant_id: Uuid,
    events: Vec<(StatementId, Event)>,
}

pub async fn capture(app: &TestApp, texts: &[String]) -> Captured {
    let merchant_id = Uuid::now_v7();
    let submitter = Submitter {
        merchant_id,
        issuer: "https://id.gs1.org/417/9521041000008".into(),
        event_id_key: Secret([1; 32]),
    };
    let mut conn = app.running.database.capture.acquire().await.unwrap();
    let mut events = Vec::new();
    // In two documents at least, so that the record has two times.
    for part in texts.chunks(texts.len().div_ceil(2).clamp(1, 1_000)) {
        let now = OffsetDateTime::now_utc();
        let behaviour = ErrorBehaviour::Rollback;
        let captured = capture_document(&mut conn, &submitter, document(part), behaviour, now);
        captured.await.unwrap();
    }
    let mut owner = app.owner().await;
    let rows: Vec<(Uuid, i32, Vec<u8>)> = sqlx::query_as(
        "SELECT batch_id, position, content FROM statement WHERE merchant_id = $1
         ORDER BY batch_id, position",
    )
    .bind(merchant_id)
    .fetch_all(&mut owner)
    .await
    .unwrap();
    for (batch_id, position, content) in rows {
        let content = String::from_utf8(content).unwrap();
        let value = json::parse(&content).unwrap();
        let event = read_event(value.get("body").unwrap()).unwrap();
        events.push((StatementId { batch_id, position }, event));
    }
    assert_eq!(events.len(), texts.len());
    Captured {
        merchant_id,
        events,
    }
}

async fn loaded(app: &TestApp, merchant_id: Uuid, name: &str) -> Story {
    let link = DigitalLink::parse(&uri(name)).expect(name);
    let mut conn = app.running.database.reader.acquire().await.unwrap();
    let mut tx = begin_for(&mut conn, merchant_id).await.unwrap();
    let story = story_with_leads(
        &mut tx,
        (merchant_id, &app.running.code_key),
        link.into(),
        KnownAt::NOW,
    );
    story.await.unwrap()
}

/// What a story tells, whatever was loaded for it.
#[derive(Debug, PartialEq)]
struct Told {
    /// Each event, why it belongs, and whether it was retracted.
    events: BTreeSet<(StatementId, String)>,
    leads: HashSet<Lead>,
}

fn told(story: &Story) -> Told {
    let step = |step: &rootmark::domain::story::Step| {
        (step.id, format!("{:?} {}", step.via, step.is_retracted))
    };
    Told {
        events: story.steps.iter().map(step).collect(),
        leads: story.leads.iter().cloned().collect(),
    }
}

/// The same, told by a walk that has all that was captured.
fn told_with_all(captured: &Captured, name: &str) -> Told {
    let seeds = DigitalLink::parse(&uri(name)).unwrap().identities();
    let all = captured.events.iter().map(|(id, event)| (*id, event));
    let reach = Reach::with_leads(&seeds, all);
    let event = |(id, via)| (id, format!("{via:?} {}", reach.is_retracted(id)));
    Told {
        events: reach.events().map(event).collect(),
        leads: reach.leads().cloned().collect(),
    }
}

/// A record with several events at one moment, and some that were declared errors: each of `bits` is one.
pub fn with_errors(texts: Vec<String>, bits: u64) -> Vec<String> {
    let mut all = Vec::new();
    let mut declared = Vec::new();
    for (place, text) in texts.into_iter().enumerate() {
        let id = format!("urn:example:{place}");
        if bits & (1 << (place % 64)) != 0 {
            // What a declaration says beside the ID may be wrong too.
            let said = if place % 2 == 0 {
                text.clone()
            } else {
                see(700, &["tin:C"])
            };
            declared.push(declared_error(&said, &id));
        }
        all.push(with_id(&text, &id));
    }
    all.extend(declared);
    all
}

#[test]
fn a_story_tells_what_it_would_if_all_of_the_record_were_loaded() {
    let runtime = Runtime::new().unwrap();
    let app = runtime.block_on(TestApp::start());
    let few = (any::<u64>(), any::<u64>(), any::<u64>()).prop_map(|(a, b, c)| a & b & c);
    let record = (any_record(3), few).prop_map(|(texts, bits)| with_errors(texts, bits));
    let mut runner = TestRunner::new(ProptestConfig::with_cases(worlds()));
    let compared = runner.run(&record, |texts| {
        runtime.block_on(async {
            let captured = capture(&app, &texts).await;
            for name in ["tin:A", "tin:B", "lot:L", "powder:1", "case:1", "carton:C"] {
                let story = loaded(&app, captured.merchant_id, name).await;
                prop_assert!(!story.truncated);
                let all = told_with_all(&captured, name);
                prop_assert_eq!(told(&story), all, "{}", name);
            }
            Ok(())
        })
    });
    compared.unwrap();
    runtime.block_on(app.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_retracted_does_not_hide_what_was_said_before_it() {
    let app = TestApp::start().await;
    let id = "urn:example:1";
    // The case went onto the truck once, and that was said three times, the second time in error.
    let captured = capture(
        &app,
        &[
            pack(1, "truck:1", &["case:1"]),
            with_id(&pack(2, "truck:1", &["case:1"]), id),
            pack(3, "truck:1", &["case:1"]),
            pack(5, "case:1", &["tin:A"]),
            declared_error(&pack(2, "truck:1", &["case:1"]), id),
        ],
    )
    .await;
    let story = loaded(&app, captured.merchant_id, "tin:A").await;
    assert_eq!(told(&story), told_with_all(&captured, "tin:A"));
    let stays = story.leads.iter().filter_map(|lead| lead.stay);
    let since: BTreeSet<u8> = stays.map(|stay| stay.from.hour()).collect();
    assert_eq!(since, BTreeSet::from([1, 5]));
    app.stop().await;
}

/// More than a story may hold.
const MANY: u32 = 4_200;

/// What the events of a story say, in short: when, and of how many things.
async fn steps(app: &TestApp, merchant_id: Uuid, name: &str) -> Vec<(i64, usize)> {
    let story = loaded(app, merchant_id, name).await;
    assert!(!story.truncated, "{name}");
    let june = time::macros::datetime!(2026-06-01 0:00 UTC);
    let steps = story.steps.iter();
    steps
        .map(|step| {
            let event = &step.event;
            ((event.event_time - june).whole_hours(), event.what.len())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_is_filled_every_hour_costs_a_story_the_hours_in_which_it_held_the_tin() {
    let app = TestApp::start().await;
    let mut texts = Vec::new();
    for hours in 0..420 {
        for n in 0..MANY / 420 {
            texts.push(pack(hours, "case:3", &[&format!("tin:N{hours}.{n}")]));
        }
        texts.push(unpack(hours + 1, "case:3", &[]));
    }
    // Ours goes in between, and the case is seen while it is inside, and on a truck since long before.
    texts.push(fasten(0, "truck:1", &["case:3"]));
    texts.push(pack(0, "truck:1", &["case:3"]));
    texts.push(pack(200, "case:3", &["tin:A"]));
    texts.push(see(200, &["case:3"]));
    texts.push(see(300, &["case:3"]));
    let captured = capture(&app, &texts).await;
    let told = steps(&app, captured.merchant_id, "tin:A").await;
    // The truck's two, the filling, the sight, and the emptying an hour later.
    assert_eq!(told, [(0, 2), (0, 2), (200, 2), (200, 1), (201, 1)]);
    // Who scans the case itself asks for all of it, and is told that there is more.
    let case = loaded(&app, captured.merchant_id, "case:3").await;
    assert!(case.truncated);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lot_of_many_items_costs_a_story_what_it_was_made_of_and_not_the_items() {
    let app = TestApp::start().await;
    let mut texts = vec![
        make(1, &["milk:1"], &["powder:1"]),
        make(3, &["powder:1"], &["lot:L"]),
    ];
    for n in 0..MANY {
        texts.push(commission(4, &[&format!("tin:N{n}")], "L"));
        // The powder went into other lots too.
        texts.push(make(5, &["powder:1"], &[&format!("carton-lot:{n}")]));
    }
    texts.push(commission(4, &["tin:A"], "L"));
    let captured = capture(&app, &texts).await;
    let told = steps(&app, captured.merchant_id, "tin:A").await;
    assert_eq!(told, [(1, 2), (3, 2), (4, 1)]);
    let lot = steps(&app, captured.merchant_id, "lot:L").await;
    assert_eq!(lot, [(1, 2), (3, 2)]);
    app.stop().await;
}

/// What a thing leads back to, but what only measured: along all of it, nothing may be missed by a recall.
fn sources(story: &Story) -> HashSet<Identity> {
    let subject = story.subject.identities().into_iter().next().unwrap();
    let mut known = HashSet::from([subject.clone()]);
    let mut todo = vec![subject];
    while let Some(thing) = todo.pop() {
        let into = story.leads.iter().filter(|lead| lead.from == thing);
        let made = into.filter(|lead| lead.how != Connection::MeasuredBy);
        for lead in made {
            if known.insert(lead.to.clone()) {
                todo.push(lead.to.clone());
            }
        }
    }
    known
}

async fn affected(app: &TestApp, merchant_id: Uuid, identity: &Identity) -> Forward {
    let starts = [Start {
        identity: identity.clone(),
        since: None,
        certainty: Certainty::Affected,
    }];
    let mut conn = app.running.database.reader.acquire().await.unwrap();
    let mut tx = begin_for(&mut conn, merchant_id).await.unwrap();
    let found = forward(
        &mut tx,
        (merchant_id, &app.running.code_key),
        &starts,
        KnownAt::NOW,
    );
    found.await.unwrap()
}

#[test]
fn a_recall_reaches_all_that_leads_back_to_what_is_recalled() {
    let runtime = Runtime::new().unwrap();
    let app = runtime.block_on(TestApp::start());
    let mut runner = TestRunner::new(ProptestConfig::with_cases(worlds() / 2));
    let compared = runner.run(&any_record(1), |texts| {
        runtime.block_on(async {
            let merchant_id = capture(&app, &texts).await.merchant_id;
            let mut reached: HashMap<Identity, Forward> = HashMap::new();
            for name in ["tin:A", "tin:B", "lot:L", "lot:M", "powder:1", "carton:C"] {
                let story = loaded(&app, merchant_id, name).await;
                let subject = Identity::parse(&uri(name)).unwrap();
                for source in sources(&story) {
                    // Whose sources are not asked for here: a kind of thing is in all of its lots.
                    if matches!(source, Identity::Class { .. }) {
                        continue;
                    }
                    if !reached.contains_key(&source) {
                        let found = affected(&app, merchant_id, &source).await;
                        reached.insert(source.clone(), found);
                    }
                    let found = &reached[&source];
                    prop_assert!(!found.truncated);
                    let is_reached = found.things.iter().any(|thing| thing.identity == subject);
                    prop_assert!(is_reached, "{} leads back to {}", name, source);
                }
            }
            Ok(())
        })
    });
    compared.unwrap();
    runtime.block_on(app.stop());
}

/// Whoever declares many events errors, in a MiB each, must not fill the memory of whoever looks at one.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_by_the_ids_of_events_ends_with_its_bytes() {
    let app = TestApp::start().await;
    let id = |n: u32| format!("urn:uuid:0195c2a4-0000-7000-8000-00000000000{n}");
    let events: Vec<String> = (1..4)
        .map(|n| with_id(&see(n, &["tin:A"]), &id(n)))
        .collect();
    let merchant_id = capture(&app, &events).await.merchant_id;
    let keys: Vec<_> = (1..4).map(|n| event_key(&id(n), false)).collect();
    let mut conn = app.running.database.reader.acquire().await.unwrap();
    let mut tx = begin_for(&mut conn, merchant_id).await.unwrap();
    let mut read = async |bytes: i64| {
        let read = statements_with_keys(&mut tx, merchant_id, &keys, KnownAt::NOW.0, bytes);
        read.await.unwrap()
    };
    let all = read(i64::MAX).await;
    assert_eq!(all.len(), 3);
    let first = all[0].content.len() as i64;
    for (bytes, count) in [(0, 0), (1, 1), (first, 1), (first + 1, 2)] {
        assert_eq!(read(bytes).await.len(), count, "{bytes}");
    }
    drop(tx);
    drop(conn);
    app.stop().await;
}
