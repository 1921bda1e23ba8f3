//! The map on a page: where the goods were, as far as anybody said.

use serde_json::json;

use crate::chain::*;
use crate::kit::{Page, describe, load_example, path_of};
use crate::support::{GTIN, TestApp};

const PLANT: &str = "9522040000006";
const PORT: &str = "9521072000008";
const SHOP: &str = "9521041000008";
const OFFICE: &str = "9522050000003";

async fn place(app: &TestApp, gln: &str, country: &str, position: Option<(f64, f64)>) {
    let mut body = json!({
        "place": format!("https://id.gs1.org/414/{gln}"),
        "name": { "zh-CN": format!("{gln}处"), "en": format!("Site {gln}") },
        "country": country,
    });
    if let Some((latitude, longitude)) = position {
        body["latitude"] = latitude.into();
        body["longitude"] = longitude.into();
    }
    describe(app, "parties", body).await;
}

/// An event at a place.
fn at(gln: &str, event: String) -> String {
    let read_point = format!(r#"{{"readPoint":{{"id":"https://id.gs1.org/414/{gln}"}},"#);
    event.replacen('{', &read_point, 1)
}

/// A tin that went on a pallet from New Zealand to China, by way of an office that wrote of it.
async fn shipped() -> TestApp {
    let app = TestApp::start().await;
    app.describe_product(GTIN).await;
    place(&app, PLANT, "NZ", Some((-37.2, 174.9))).await;
    place(&app, PORT, "NZ", None).await;
    place(&app, OFFICE, "GB", Some((51.5, -0.1))).await;
    place(&app, SHOP, "CN", Some((31.2, 121.5))).await;
    let pallet = uri("pallet:1");
    let papers = event(
        "TransactionEvent",
        3,
        &[
            r#""action":"ADD""#.to_owned(),
            format!(r#""epcList":["{pallet}"]"#),
            r#""bizTransactionList":[{"bizTransaction":"urn:uuid:3d8f9a3c-0f6b-4a0e-9c39-6a5ac83ad0b1"}]"#
                .to_owned(),
        ],
    );
    app.capture(&[
        at(PLANT, commission(1, &["tin:A"], "L")),
        at(PLANT, pack(2, "pallet:1", &["tin:A"])),
        at(OFFICE, papers),
        at(PORT, see(4, &["pallet:1"])),
        at(SHOP, see(300, &["pallet:1"])),
        at(SHOP, unpack(301, "pallet:1", &["tin:A"])),
    ])
    .await;
    app.sealed().await;
    app
}

const TIN: &str = "/01/09521041001012/21/A";

#[tokio::test(flavor = "multi_thread")]
async fn the_way_of_the_goods_is_drawn_once_and_not_by_way_of_papers() {
    let app = shipped().await;
    let page = Page::get(&app, TIN, "en").await;
    let summary = page.attribute(".map svg[role=img]", "aria-label");
    assert_eq!(summary, "By way of: New Zealand, then China");
    assert_eq!(page.texts(".map text"), ["New Zealand", "China"]);
    // What the tin did on its pallet is one way; that of the pallet through a port nobody placed is no second one.
    let ways = page.attribute(".map .ways", "d");
    assert_eq!(ways.matches('M').count(), 1, "{ways}");
    assert_eq!(page.attributes(".map circle", "class"), ["start", "end"]);
    let chinese = Page::get(&app, TIN, "zh-CN").await;
    let summary = chinese.attribute(".map svg", "aria-label");
    assert_eq!(summary, "途经：新西兰，再到中国");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_second_place_there_is_no_map() {
    let app = shipped().await;
    // The shop gives its position no longer.
    place(&app, SHOP, "CN", None).await;
    let page = Page::get(&app, TIN, "en").await;
    assert_eq!((page.status, page.texts(".map").len()), (200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_that_are_not_for_shoppers_are_on_no_map() {
    let app = shipped().await;
    assert_eq!(Page::get(&app, TIN, "en").await.texts(".map").len(), 1);
    let rules = json!({ "rules": [{ "field": "partyPosition", "show": "regulators" }] });
    let answer = app.post("/api/disclosure", rules.to_string()).await;
    assert!(answer.status().is_success(), "{:?}", answer.text().await);
    assert_eq!(Page::get(&app, TIN, "en").await.texts(".map").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_has_its_map() {
    let app = TestApp::start().await;
    for trace in load_example(&app).await.traces {
        let page = Page::get(&app, path_of(&app, &trace.url), "zh-CN").await;
        let summary = page.attribute(".map svg", "aria-label");
        assert!(summary.ends_with("再到中国"), "{summary}");
        let parts = page.attributes(".map circle", "class");
        assert_eq!(parts.iter().filter(|part| *part == "end").count(), 1);
        assert!(parts.contains(&"start".to_owned()), "{parts:?}");
        assert!(page.attribute(".map .land", "d").len() > 500);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_maps_are_off_the_way_is_told_in_words() {
    let app = TestApp::start_with(|settings| settings.serving.maps = false).await;
    place(&app, PLANT, "NZ", Some((-37.2, 174.9))).await;
    place(&app, SHOP, "CN", Some((31.2, 121.5))).await;
    app.capture(&[
        at(PLANT, commission(1, &["tin:A"], "L")),
        at(SHOP, see(300, &["tin:A"])),
    ])
    .await;
    for (language, words) in [
        ("zh-CN", "途经：新西兰，再到中国"),
        ("en", "By way of: New Zealand, then China"),
    ] {
        let page = Page::get(&app, TIN, language).await;
        assert_eq!(page.text(".way"), words);
        assert!(page.texts(".map").is_empty());
    }
    app.stop().await;
}
