//! What was changed in descriptions, and that what stood there before is still told and proven.

use rootmark::domain::statement::Kind;
use rootmark::trace::KnownAt;
use serde_json::{Value, json};

use crate::chain::*;
use crate::support::TestApp;
use crate::support::command::rootmark;
use crate::support::proof::proof;
use crate::told::{now, story};

const TIN: &str = "/01/09521041001012/10/L/21/A";

async fn app() -> TestApp {
    let app = TestApp::start().await;
    let place = r#""readPoint":{"id":"https://id.gs1.org/414/9522050000003"}"#.to_owned();
    app.capture(&[
        make(1, &["milk:1"], &["lot:L"]),
        commission(2, &["tin:A"], "L"),
        object(
            3,
            "OBSERVE",
            &["tin:A"],
            &[member("bizStep", "storing"), place],
        ),
    ])
    .await;
    app
}

pub fn name(zh: &str, en: &str) -> Value {
    json!({"zh-CN": zh, "en": en})
}

pub async fn say(app: &TestApp, what: &str, body: Value) {
    let answer = app.post(&format!("/api/{what}"), body.to_string()).await;
    assert!(
        answer.status().is_success(),
        "{}",
        answer.text().await.unwrap()
    );
}

fn product(net: u32) -> Value {
    json!({"gtin": "https://id.gs1.org/01/09521041001012", "productName": name("奶粉", "Powder"),
        "netContent": {"value": net, "unitCode": "GRM"}})
}

fn store(called: Value) -> Value {
    json!({"place": "https://id.gs1.org/414/9522050000003", "name": called})
}

/// Of each change: its kind, and of each field where it is, what stood there and what stands there.
async fn told(app: &TestApp, known_at: KnownAt) -> Vec<(Kind, Vec<String>)> {
    let story = story(app, "tin:A", known_at).await.unwrap();
    let told = story.history.iter().map(|change| {
        let fields = change.fields.iter().map(|field| {
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            format!(
                "{} {} {}",
                field.pointer,
                text(&field.old),
                text(&field.new)
            )
        });
        (change.kind, fields.collect())
    });
    told.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_shows_what_stood_there_before_and_a_repeat_shows_nothing() {
    let app = app().await;
    say(&app, "products", product(900)).await;
    say(&app, "parties", store(name("仓库", "Store"))).await;
    say(&app, "products", product(900)).await;
    // What the product was called before this test began.
    let begun = told(&app, KnownAt::NOW).await;
    assert_eq!(begun.len(), 1);
    let before = now(&app).await;
    say(&app, "products", product(800)).await;
    say(&app, "parties", store(name("老仓库", "The old store"))).await;
    let net = (Kind::Product, vec!["/netContent/value 900 800".to_owned()]);
    let called = vec![
        r#"/name/en "Store" "The old store""#.to_owned(),
        r#"/name/zh-CN "仓库" "老仓库""#.to_owned(),
    ];
    let after = told(&app, KnownAt::NOW).await;
    assert_eq!(after[1..], [net.clone(), (Kind::Party, called)]);
    // As it was known before, nothing was changed.
    assert_eq!(told(&app, before).await, begun);
    // And back again: that is a change too, and the first one stays.
    say(&app, "products", product(900)).await;
    let told = told(&app, KnownAt::NOW).await;
    let back = (Kind::Product, vec!["/netContent/value 800 900".to_owned()]);
    assert_eq!((&told[1], &told[3]), (&net, &back));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_in_what_the_story_does_not_name_is_not_its_history() {
    let app = app().await;
    let other = |called: &str| json!({"place": "https://id.gs1.org/414/9522040000006", "name": name(called, called)});
    say(&app, "parties", other("one")).await;
    say(&app, "parties", other("two")).await;
    assert_eq!(told(&app, KnownAt::NOW).await, []);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_who_changed_what_when_and_why_and_the_proof_has_both() {
    let app = app().await;
    let page = |lang: &'static str| {
        let app = &app;
        async move { app.page(TIN, lang).await.text().await.unwrap() }
    };
    assert!(!page("en").await.contains("What was changed"));
    say(&app, "products", product(900)).await;
    let mut changed = product(800);
    changed["changeReason"] = name("首次录入有误", "The first entry was a slip");
    say(&app, "products", changed).await;
    let merchant = json!({"party": "https://id.gs1.org/417/9521041000008",
        "name": name("云雀原", "Larkmere")});
    say(&app, "parties", merchant).await;
    app.sealed().await;
    let english = page("en").await;
    for words in [
        "What was changed",
        "By the merchant",
        "<del>900</del> <ins>800</ins>",
        "The first entry was a slip",
        "Net content",
    ] {
        assert!(english.contains(words), "{words}: {english}");
    }
    let chinese = page("zh-CN").await;
    for words in [
        "修改记录",
        "<del>900</del> <ins>800</ins>",
        "首次录入有误",
        "净含量",
    ] {
        assert!(chinese.contains(words), "{words}: {chinese}");
    }
    // Both descriptions are in the proof, so that anybody can compare them.
    let proven = proof(&app, TIN).await;
    let products = proven
        .statements
        .iter()
        .filter(|statement| statement.kind == "product");
    assert_eq!(products.count(), 3);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_the_label_are_told_under_their_own_names_and_words_of_ours_as_readers_know_them() {
    let app = app().await;
    let labelled = |regime: &str, country: &str, rows: &[(&str, &str)]| {
        let mut product = product(900);
        product["regime"] = regime.into();
        product["countryOfOrigin"] = country.into();
        let rows = rows.iter().map(|(label, value)| {
            json!({"label": name(&format!("{label}中"), label), "value": name(value, value),
                "officialCheck": "producerRegistration"})
        });
        product["attributes"] = rows.collect();
        product
    };
    let many: Vec<String> = (0..20).map(|n| format!("Row {n}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|row| (row.as_str(), "old")).collect();
    let mut changed = many.clone();
    changed[0].1 = "new";
    changed[1] = ("Renamed", "old");
    say(&app, "products", labelled("generalTrade", "NZ", &many)).await;
    let after = labelled("bondedCrossBorder", "AU", &changed);
    say(&app, "products", after).await;
    let page = app.page(TIN, "en").await.text().await.unwrap();
    let (_, history) = page.split_once(r#"id="history""#).unwrap();
    for row in [
        "<dt>Row 0</dt><dd><del>old</del> <ins>new</ins></dd>",
        "<dt>Label and registrations</dt><dd><del>Row 1</del> <ins>Renamed</ins></dd>",
        "<del>New Zealand</del> <ins>Australia</ins>",
        "<del>General trade</del> <ins>Bonded cross-border e-commerce</ins>",
        // The first description had no rows at all: what was added is named, and only so much of it.
        "<p class=\"added\">Added: Net content, Import route, Row 0, Row 1, Row 2, ",
        "10 more; see the proof file.",
    ] {
        assert!(history.contains(row), "{row}: {history}");
    }
    assert!(!history.contains("producerRegistration"), "{history}");
    let (newest, _) = history.split_once("</li>").unwrap();
    assert_eq!(newest.matches("<dt>").count(), 4, "{newest}");
    let chinese = app.page(TIN, "zh-CN").await.text().await.unwrap();
    assert!(
        chinese.contains("<dt>Row 0中</dt><dd><del>old</del> <ins>new</ins></dd>"),
        "{chinese}"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_has_both_languages() {
    let app = app().await;
    let mut wrong = product(900);
    wrong["changeReason"] = json!({"en": "A slip"});
    let answer = app.post("/api/products", wrong.to_string()).await;
    assert_eq!(answer.status(), 400);
    let body = answer.text().await.unwrap();
    assert!(body.contains("/changeReason/zh-CN"), "{body}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_an_error_leaves_the_journey_and_stays_in_the_history() {
    let app = app().await;
    let place = r#""readPoint":{"id":"https://id.gs1.org/414/9522050000003"}"#;
    let shipped = |hours, word: &str| {
        let step = [member("bizStep", word), place.to_owned()];
        object(hours, "OBSERVE", &["tin:A"], &step)
    };
    let id = |n: u32| format!("urn:uuid:0195c2a4-0000-7000-8000-00000000000{n}");
    let declared = |event: &str, n, more: &str| {
        let declaration = format!(r#""declarationTime":"2026-06-30T00:00:00Z"{more}"#);
        declared_error(event, &id(n)).replacen(
            r#""declarationTime":"2026-06-30T00:00:00Z""#,
            &declaration,
            1,
        )
    };
    let (wrong, never) = (shipped(4, "shipping"), shipped(5, "loading"));
    let expired = r#""ilmd":{"cbvmda:lotNumber":"L","cbvmda:itemExpirationDate":"2020-01-01"}"#;
    let expired = object(2, "ADD", &["tin:A"], &[expired.to_owned()]);
    app.capture(&[
        with_id(&wrong, &id(1)),
        with_id(&never, &id(2)),
        with_id(&shipped(6, "shipping"), &id(3)),
        with_id(&expired, &id(4)),
    ])
    .await;
    let page = |lang: &'static str| {
        let app = &app;
        async move { app.page(TIN, lang).await.text().await.unwrap() }
    };
    let before = page("en").await;
    assert!(
        before.contains("2020") && !before.contains("Withdrawn"),
        "{before}"
    );
    assert_eq!(before.matches("Loaded").count(), 1, "{before}");
    let instead = format!(
        r#","reason":"incorrect_data","correctiveEventIDs":["{}"]"#,
        id(3)
    );
    app.capture(&[
        declared(&wrong, 1, &instead),
        declared(&never, 2, r#","reason":"did_not_occur""#),
        declared(&expired, 4, ""),
    ])
    .await;
    app.sealed().await;
    say(&app, "parties", store(name("仓库", "Store"))).await;
    for (lang, words) in [
        (
            "en",
            [
                "Loaded, Store, ",
                "Withdrawn: this did not happen.",
                "Withdrawn: what was recorded was wrong.",
                "In its place stands: Shipped, Store, ",
                "Withdrawn: it was declared an error.",
            ],
        ),
        (
            "zh-CN",
            [
                "仓库“装载”（",
                "已撤回：此环节并未发生。",
                "已撤回：当时记录的内容有误。",
                "更正后的记录：仓库“发货”（",
                "已撤回：声明有误。",
            ],
        ),
    ] {
        let page = page(lang).await;
        for words in words {
            assert!(page.contains(words), "{words}: {page}");
        }
        // Once, in the history; and a date that was an error is no date of the goods.
        let (journey, history) = page.split_once(r#"id="history""#).unwrap();
        assert!(
            !journey.contains("Loaded") && !journey.contains("装载"),
            "{page}"
        );
        assert!(!journey.contains("2020"), "{page}");
        let history = history.split("</section>").next().unwrap();
        assert_eq!(history.matches("<li>").count(), 3, "{page}");
    }
    let said = rootmark(&app, &["trace", TIN, "--json"]).await.json();
    let history = said["history"].as_array().unwrap();
    let withdrawn: Vec<_> = history
        .iter()
        .map(|one| {
            (
                one["eventID"].as_str(),
                one["reason"].as_str(),
                &one["correctiveEventIDs"],
            )
        })
        .collect();
    assert_eq!(
        withdrawn,
        [
            (Some(&*id(1)), Some("incorrect_data"), &json!([id(3)])),
            (Some(&*id(2)), Some("did_not_occur"), &Value::Null),
            (Some(&*id(4)), None, &Value::Null),
        ]
    );
    assert!(
        history
            .iter()
            .all(|one| one["isWithdrawn"] == true && one["index"].is_u64())
    );
    app.stop().await;
}

/// A declaration is found by the event's ID, and may be about other goods by mistake or by intent: the history tells of it,
/// and names none of these.
#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_that_names_other_goods_is_told_of_too() {
    let app = app().await;
    let id = "urn:uuid:0195c2a4-0000-7000-8000-000000000001";
    let rejected = step(4, "inspecting", &["tin:A"]);
    let other = step(9, "inspecting", &["tin:Z9"]);
    app.capture(&[with_id(&rejected, id), declared_error(&other, id)])
        .await;
    app.sealed().await;
    let page = app.page(TIN, "en").await.text().await.unwrap();
    let (journey, history) = page.split_once(r#"id="history""#).unwrap();
    assert!(!journey.contains("Inspected"), "{page}");
    assert!(
        history.contains("Inspected, 1 June 2026") && history.contains("Withdrawn"),
        "{page}"
    );
    assert!(
        history.contains("Entry #") && !page.contains("Z9"),
        "{page}"
    );
    proof(&app, TIN).await;
    app.stop().await;
}

/// Of an item of which every step was an error there is no journey, and the page says what there was.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_errors_alone_has_a_page() {
    let app = TestApp::start().await;
    let id = "urn:uuid:0195c2a4-0000-7000-8000-000000000001";
    let event = commission(2, &["tin:A"], "L");
    app.capture(&[with_id(&event, id), declared_error(&event, id)])
        .await;
    app.sealed().await;
    let page = app.page("/01/09521041001012/21/A", "en").await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(
        page.contains("Withdrawn: it was declared an error."),
        "{page}"
    );
    app.stop().await;
}
