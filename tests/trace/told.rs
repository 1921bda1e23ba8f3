//! A story as the tests write it: the tree, with things by their short names and times in hours.

use std::collections::BTreeSet;

use rootmark::domain::gs1::DigitalLink;
use rootmark::domain::story::Story;
use rootmark::domain::story::tree::{FirstOfAll, Tree};
use rootmark::store::begin_for;
use rootmark::trace::KnownAt;
use rootmark::web::lookup::story_with_leads_of;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::chain::uri;
use crate::support::TestApp;

/// What things have a name in these tests; how many of each kind is enough for all.
const KINDS: [&str; 12] = [
    "tin",
    "lot",
    "carton",
    "carton-lot",
    "powder",
    "milk",
    "case",
    "pallet",
    "truck",
    "tote",
    "logger",
    "room",
];

/// The story of a thing as it is known now; empty if there is none.
pub async fn told(app: &TestApp, name: &str) -> String {
    told_at(app, name, KnownAt::NOW).await
}

/// Everything that the events of a story name, as far as a reader may see it.
pub async fn named(app: &TestApp, name: &str) -> BTreeSet<String> {
    let story = story(app, name, KnownAt::NOW).await.unwrap();
    let about = story.steps.iter().flat_map(|step| &step.event.what);
    about.map(|what| what.identity.canonical()).collect()
}

/// The same as it was known at a time.
pub async fn told_at(app: &TestApp, name: &str, known_at: KnownAt) -> String {
    let Some(story) = story(app, name, known_at).await else {
        return String::new();
    };
    assert!(!story.truncated, "{name}");
    let lines = format!("{}{}", FirstOfAll(&story), Tree::of(&story));
    lines
        .lines()
        .map(|line| format!("\n{}", short(line)))
        .collect()
}

/// The story itself, if there is a record.
pub async fn story(app: &TestApp, name: &str, known_at: KnownAt) -> Option<Story> {
    let link = DigitalLink::parse(&uri(name)).expect(name);
    let mut conn = app.running.database.reader.acquire().await.unwrap();
    let mut tx = begin_for(&mut conn, app.merchant_id).await.unwrap();
    let key = &app.running.code_key;
    let story = story_with_leads_of(&mut tx, key, app.merchant_id, link, known_at);
    story.await.unwrap()
}

/// When all that was captured until now was recorded.
pub async fn now(app: &TestApp) -> KnownAt {
    let mut owner = app.owner().await;
    let last = "SELECT max(recorded_at) FROM (SELECT recorded_at FROM sealed_batch
                UNION ALL SELECT recorded_at FROM pending_batch) AS batches";
    KnownAt(
        sqlx::query_scalar(last)
            .fetch_one(&mut owner)
            .await
            .unwrap(),
    )
}

fn short(line: &str) -> String {
    let words = line.trim_end().split(' ').map(|word| {
        if let Ok(at) = OffsetDateTime::parse(word, &Rfc3339) {
            return format!(
                "{}h",
                (at - time::macros::datetime!(2026-06-01 0:00 UTC)).whole_hours()
            );
        }
        name_of(word).unwrap_or_else(|| word.to_owned())
    });
    let line = words.collect::<Vec<_>>().join(" ");
    // The product that every test has.
    line.replace("  Demo tin", "")
}

pub fn name_of(path: &str) -> Option<String> {
    let which = ["A", "B", "C", "L", "M", "1", "2", "3"];
    let names = KINDS
        .iter()
        .flat_map(|kind| which.map(|which| format!("{kind}:{which}")));
    // Logistic units have numbers.
    let mut names = names.filter(|name| {
        let is_unit = ["case", "pallet", "truck"]
            .iter()
            .any(|unit| name.starts_with(unit));
        !is_unit || name.ends_with(|c: char| c.is_ascii_digit())
    });
    names.find(|name| uri(name).strip_prefix("https://id.gs1.org") == Some(path))
}
