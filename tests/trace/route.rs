//! What should be on record of a product, and what is said to be missing.

use rootmark::domain::finding::Severity;
use rootmark::domain::route::{State, completeness, from_toml, names};
use rootmark::trace::KnownAt;
use rootmark::web::text::{Lang, Text};
use serde_json::{Value, json};

use crate::chain::*;
use crate::findings::{found, said};
use crate::support::TestApp;
use crate::support::command::rootmark;
use crate::told::story;

const TIN: &str = "/01/09521041001012/10/L/21/A";

/// A way of three steps and two papers: milk, drying, a shop; a step between them that goods may do without.
fn route() -> Value {
    let name = |zh: &str, en: &str| json!({"zh-CN": zh, "en": en});
    json!({
        "name": name("自定路线", "A way of our own"),
        "stages": [
            {"name": name("收奶", "Milk"), "type": "ObjectEvent", "bizStep": ["collecting"], "about": "ingredient",
             "documents": ["milkDocket"]},
            {"name": name("辐照", "Irradiation"), "bizStep": ["other"], "optional": true,
             "documents": ["doseRecord"]},
            {"name": name("上架", "Shop"), "bizStep": ["stocking"], "role": ["shop"], "country": ["CN"]},
            {"name": name("售出", "Sale"), "bizStep": ["retail_selling"], "about": "goods"},
        ],
        "never": ["orderRelease"],
    })
}

async fn described(app: &TestApp, route: Value) {
    let product = json!({
        "gtin": "https://id.gs1.org/01/09521041001012",
        "productName": {"zh-CN": "演示奶粉", "en": "Demo tin"},
        "route": route,
    });
    let answer = app.post("/api/products", product.to_string()).await;
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
}

async fn place(app: &TestApp, room: &str, role: &str, country: &str) {
    let place = json!({"place": uri(room), "name": {"zh-CN": "某处", "en": "Somewhere"},
        "role": role, "country": country});
    let answer = app.post("/api/parties", place.to_string()).await;
    assert_eq!(answer.status(), 201);
}

fn milk(more: &[String]) -> String {
    let class = format!(r#""quantityList":[{}]"#, kilograms("milk:1", "10"));
    let members = [
        member("action", "ADD"),
        member("bizStep", "collecting"),
        class,
    ];
    event("ObjectEvent", 1, &[&members, more].concat())
}

fn cites(kind: &str, uri: &str) -> String {
    format!(r#""bizTransactionList":[{{"type":"{kind}","bizTransaction":"{uri}"}}]"#)
}

fn at(hours: u32, biz_step: &str, room: &str) -> String {
    let room = format!(r#""readPoint":{{"id":"{}"}}"#, uri(room));
    object(
        hours,
        "OBSERVE",
        &["tin:A"],
        &[member("bizStep", biz_step), room],
    )
}

/// The states of the stages and their papers, each by its first letters.
async fn states(app: &TestApp, name: &str) -> Option<Vec<String>> {
    let story = story(app, name, KnownAt::NOW).await.unwrap();
    let completeness = completeness(&story)?;
    let word = |state: State| format!("{state:?}");
    let stages = completeness.stages.iter().map(|found| {
        let papers = found.documents.iter().map(|(_, state)| word(*state));
        [word(found.state)]
            .into_iter()
            .chain(papers)
            .collect::<Vec<_>>()
            .join(" ")
    });
    Some(stages.collect())
}

async fn captured(events: &[String]) -> TestApp {
    let app = TestApp::start().await;
    described(&app, route()).await;
    place(&app, "room:1", "shop", "CN").await;
    place(&app, "room:2", "shop", "NZ").await;
    place(&app, "room:3", "port", "CN").await;
    app.capture(events).await;
    app
}

fn made() -> Vec<String> {
    vec![
        make(2, &["milk:1"], &["lot:L"]),
        commission(3, &["tin:A"], "L"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_behind_is_missing_and_what_lies_ahead_is_to_come() {
    let docket = cites("https://example.org/ns/milkDocket", "urn:x:docket");
    let all_to_come = ["NotApplicable NotApplicable", "Present", "ToCome"];
    for (events, expected) in [
        (
            vec![milk(std::slice::from_ref(&docket))],
            vec!["Present Present", "ToCome ToCome", "ToCome", "ToCome"],
        ),
        (
            vec![milk(&[])],
            vec!["Present Missing", "ToCome ToCome", "ToCome", "ToCome"],
        ),
        (
            vec![
                milk(std::slice::from_ref(&docket)),
                at(5, "stocking", "room:1"),
            ],
            [&["Present Present"][..], &all_to_come].concat(),
        ),
        (
            vec![at(5, "stocking", "room:1")],
            [&["Missing Missing"][..], &all_to_come].concat(),
        ),
        // Another shop, and another kind of place.
        (
            vec![
                milk(&[]),
                at(5, "stocking", "room:2"),
                at(6, "stocking", "room:3"),
            ],
            vec!["Present Missing", "ToCome ToCome", "ToCome", "ToCome"],
        ),
        // Once it was sold, nothing is to come any more.
        (
            vec![milk(&[docket]), step(7, "retail_selling", &["tin:A"])],
            vec![
                "Present Present",
                "NotApplicable NotApplicable",
                "Missing",
                "Present",
            ],
        ),
        // Goods that took the step need its papers.
        (
            vec![
                milk(&[]),
                step(4, "other", &["tin:A"]),
                at(5, "stocking", "room:1"),
            ],
            vec!["Present Missing", "Present Missing", "Present", "ToCome"],
        ),
    ] {
        let app = captured(&[made(), events].concat()).await;
        let states = states(&app, "tin:A").await.unwrap();
        assert_eq!(states, expected);
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_has_nothing_to_come_and_what_has_not_begun_lacks_nothing() {
    for (last, expected) in [
        (see(9, &["tin:A"]), None),
        (make(9, &["tin:A"], &["carton:C"]), Some("Missing")),
        (step(9, "destroying", &["tin:A"]), Some("Missing")),
    ] {
        let app = captured(&[made(), vec![last]].concat()).await;
        let states = states(&app, "tin:A").await;
        assert_eq!(states.as_ref().map(|states| states[2].as_str()), expected);
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_retracted_is_not_there_and_a_paper_is_what_its_description_says() {
    let docket = cites("https://example.org/ns/other", "urn:x:docket");
    let milk = milk(&[docket]);
    let app = captured(
        &[
            made(),
            vec![with_id(&milk, "urn:x:milk"), at(5, "stocking", "room:1")],
        ]
        .concat(),
    )
    .await;
    assert_eq!(states(&app, "tin:A").await.unwrap()[0], "Present Missing");
    let document = json!({"document": "urn:x:docket", "documentType": "milkDocket",
        "title": {"zh-CN": "收奶单", "en": "Docket"}});
    let answer = app.post("/api/documents", document.to_string()).await;
    assert_eq!(answer.status(), 201);
    assert_eq!(states(&app, "tin:A").await.unwrap()[0], "Present Present");
    app.capture(&[declared_error(&milk, "urn:x:milk")]).await;
    assert_eq!(states(&app, "tin:A").await.unwrap()[0], "Missing Missing");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_of_what_has_no_route_or_is_no_goods() {
    let app = captured(&[made(), vec![milk(&[])]].concat()).await;
    assert!(states(&app, "tin:A").await.is_some());
    // A lot goes many ways, in containers that are not its own story.
    assert_eq!(states(&app, "lot:L").await, None);
    // A kind of thing comes no way, and a box has no product.
    assert_eq!(states(&app, "class:09521041001012").await, None);
    app.capture(&[pack(4, "case:1", &["tin:A"])]).await;
    assert_eq!(states(&app, "case:1").await, None);
    // The last description stands.
    app.describe_product("09521041001012").await;
    assert_eq!(states(&app, "tin:A").await, None);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_what_is_missing_and_the_verdict_does_not_pass_over_it() {
    let app = captured(&[made(), vec![at(5, "stocking", "room:1")]].concat()).await;
    app.sealed().await;
    for (lang, lacking, stage, paper) in [
        (
            "en",
            "2 steps or documents that goods like this should have are missing",
            "Milk",
            "Milk collection docket",
        ),
        ("zh-CN", "同类商品应有的记录缺 2 项", "收奶", "生乳收集单"),
    ] {
        let page = app.page(TIN, lang).await.text().await.unwrap();
        assert!(page.contains(lacking), "{page}");
        assert!(page.contains(&format!("<b>{stage}</b>")), "{page}");
        assert!(page.contains(&format!("<li>{paper}</li>")), "{page}");
        // Types of documents that we have no words for keep their own.
        assert!(page.contains("doseRecord"), "{page}");
    }
    let docket = cites("https://example.org/ns/milkDocket", "urn:x:docket");
    app.capture(&[milk(&[docket])]).await;
    let page = app.page(TIN, "en").await.text().await.unwrap();
    assert!(!page.contains("are missing"), "{page}");
    assert!(
        page.contains(
            "All 3 steps and documents that were due are on record. 1 more is still to come."
        ),
        "{page}"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_of_the_other_regime_do_not_belong_here() {
    let release = |kind: &str| cites(&format!("https://example.org/ns/{kind}"), "urn:x:paper");
    for (kind, expected) in [
        ("orderRelease", vec![("otherRegime", Severity::Doubt)]),
        ("milkDocket", vec![]),
    ] {
        // What the goods were made from came another way.
        let paper = object(4, "OBSERVE", &["tin:A"], &[release(kind)]);
        let app = captured(&[made(), vec![milk(&[release("orderRelease")]), paper]].concat()).await;
        assert_eq!(found(&app, "tin:A").await, expected, "{kind}");
        if !expected.is_empty() {
            let words = "“urn:x:paper” (Release of a cross-border order) belongs to another import route than this product's.";
            assert_eq!(said(&app, "tin:A").await, words);
        }
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_cannot_be_read_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let refused = async |route: Value, pointer: &str| {
        let product = json!({
            "gtin": "https://id.gs1.org/01/09521041001012",
            "productName": {"zh-CN": "演示奶粉", "en": "Demo tin"},
            "route": route,
        });
        let answer = app.post("/api/products", product.to_string()).await;
        assert_eq!(answer.status(), 400);
        let body = answer.text().await.unwrap();
        assert!(body.contains(pointer), "{body}");
    };
    let changed = |pointer: &str, value: Value| {
        let mut route = route();
        *route.pointer_mut(pointer).unwrap() = value;
        route
    };
    refused(changed("/stages", json!([])), "/route/stages: ").await;
    refused(json!("byMule"), "/route: ").await;
    refused(
        changed("/stages/0/bizStep/0", json!("no word")),
        "/route/stages/0/bizStep/0: ",
    )
    .await;
    refused(
        changed("/stages/2/country/0", json!("China")),
        "/route/stages/2/country/0: ",
    )
    .await;
    refused(
        changed("/stages/0/about", json!("farm")),
        "/route/stages/0/about: ",
    )
    .await;
    refused(
        changed("/stages/0/type", json!("Event")),
        "/route/stages/0/type: ",
    )
    .await;
    let nothing = json!({"name": {"zh-CN": "空", "en": "Nothing"}});
    refused(changed("/stages/1", nothing), "/route/stages/1: ").await;
    // At its limits, and one beyond them.
    let stage = route()["stages"][2].clone();
    let stages = |count: usize| changed("/stages", json!(vec![stage.clone(); count]));
    refused(stages(41), "/route/stages: has more than 40 elements").await;
    described(&app, stages(40)).await;
    let words = |count: usize| changed("/stages/0/documents", json!(vec!["x"; count]));
    refused(
        words(11),
        "/route/stages/0/documents: has more than 10 elements",
    )
    .await;
    described(&app, words(10)).await;
    let long = |length: usize| changed("/never/0", json!("x".repeat(length)));
    refused(long(65), "/route/never/0: ").await;
    described(&app, long(64)).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_takes_each_route_that_comes_with_the_service_by_its_name() {
    let app = captured(&made()).await;
    assert_eq!(names().count(), 5);
    for name in names() {
        described(&app, json!(name)).await;
        let described = story(&app, "tin:A", KnownAt::NOW).await;
        let route = described.unwrap().product.unwrap().value.route.unwrap();
        for document in route.stages.iter().flat_map(|stage| &stage.documents) {
            for lang in Lang::ALL {
                let name = Text::of(lang).document_type(document);
                assert_ne!(name, document, "{document} has no name in {lang:?}");
            }
        }
        // The papers of one regime are not those of the other.
        let expected = route.stages.iter().flat_map(|stage| &stage.documents);
        assert!(
            expected
                .into_iter()
                .all(|document| !route.never.contains(document))
        );
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_of_ones_own_is_a_file_first() {
    let app = captured(&made()).await;
    let listed = rootmark(&app, &["route", "list"]).await;
    assert_eq!(
        listed.out.lines().collect::<Vec<_>>(),
        names().collect::<Vec<_>>()
    );
    let shown = rootmark(&app, &["route", "show", "frozenBeef"]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    let check = async |text: &[u8]| {
        std::fs::write(&file, text).unwrap();
        rootmark(&app, &["route", "check", file.to_str().unwrap()]).await
    };
    // What is printed is what a product takes.
    let checked = check(shown.out.as_bytes()).await;
    assert_eq!(checked.code, 0, "{checked:?}");
    described(&app, checked.json()).await;
    let described = story(&app, "tin:A", KnownAt::NOW).await.unwrap();
    let route = described.product.unwrap().value.route.unwrap();
    // Headings are for those that come with the service.
    let mut own = from_toml(&shown.out).unwrap();
    own.stages.iter_mut().for_each(|stage| stage.heading = None);
    assert_eq!(route, own);
    let refused = check(shown.out.replace("killing", "no word").as_bytes()).await;
    assert_eq!(refused.code, 1);
    assert!(
        refused.out.contains("own.toml: /stages/2/bizStep/0: "),
        "{refused:?}"
    );
    assert_eq!(check(b"name = ").await.code, 1);
    assert_eq!(check(&[0xff]).await.code, 2);
    app.stop().await;
}

/// The headings of the steps of the tin's page.
async fn headings(app: &TestApp) -> Vec<String> {
    let page = app.page(TIN, "en").await.text().await.unwrap();
    let headings = page.split("<h3>").skip(1);
    let headings = headings.map(|rest| rest.split(['<', '\n']).next().unwrap().trim());
    headings.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_of_ours_names_steps_as_far_as_they_say_it_and_a_merchants_own_does_not() {
    let app = TestApp::start().await;
    described(&app, json!("formulaGeneralTrade")).await;
    place(&app, "room:1", "customs", "CN").await;
    place(&app, "room:2", "retailer", "CN").await;
    // Customs before the tin was filled, so that a sentence names a step, too; and two shops.
    let steps = vec![
        milk(&[]),
        at(1, "accepting", "room:1"),
        at(8, "receiving", "room:2"),
        at(9, "receiving", "room:2"),
        at(10, "retail_selling", "room:2"),
    ];
    app.capture(&[steps, made()].concat()).await;
    let named = headings(&app).await;
    let ours = ["Accepted by customs", "Made into this product"];
    assert!(
        ours.iter().all(|one| named.contains(&(*one).to_owned())),
        "{named:?}"
    );
    let shops = named.iter().filter(|one| *one == "Received by the shop");
    assert_eq!(shops.count(), 2, "each of them: {named:?}");
    // Whether it was on the shelf or sold, its own word tells.
    assert!(named.contains(&"Sold".to_owned()), "{named:?}");
    let page = app.page(TIN, "en").await.text().await.unwrap();
    assert!(page.contains("“Accepted by customs”"), "{page}");
    // The lot's page calls them so, too.
    let lot = "/01/09521041001012/10/L";
    let lot = app.page(lot, "en").await.text().await.unwrap();
    assert!(lot.contains("<h3>Made into this product"), "{lot}");
    // The partners who ask for findings know their own words.
    let sentence = said(&app, "tin:A").await;
    assert!(sentence.contains("“Accepted”"), "{sentence}");
    let mut own = route();
    for stage in own["stages"].as_array_mut().unwrap() {
        stage["heading"] = json!({"zh-CN": "官方检验合格", "en": "Passed by the state"});
    }
    described(&app, own).await;
    let named = headings(&app).await;
    assert!(
        !named.contains(&"Passed by the state".to_owned()),
        "{named:?}"
    );
    assert!(named.contains(&"Accepted".to_owned()), "{named:?}");
    app.stop().await;
}
