//! Pages of places and parties.

use rootmark::domain::scope::Scope;
use serde_json::{Value, json};

use crate::kit::{LANGUAGES, Page, ask, describe, linkset};
use crate::support::{ISSUER, TestApp};

const PLACE: &str = "/414/9521041000008";
const PARTY: &str = "/417/9521041000008";

async fn described(app: &TestApp, extension: &str, name: &str) {
    let place = format!("https://id.gs1.org{PLACE}{extension}");
    let body = json!({
        "party": ISSUER, "place": place, "name": {"zh-CN": "乳品厂", "en": name},
        "role": "plant", "country": "NZ", "region": {"zh-CN": "怀卡托", "en": "Waikato"},
    });
    describe(app, "parties", body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_and_a_party_have_a_page_of_what_is_said_of_them_in_both_languages() {
    let app = TestApp::start().await;
    described(&app, "", "Larkmere <Plant>").await;
    app.sealed().await;
    for (path, titles) in [
        (PLACE, ["这是地点的编码", "This number is for a place"]),
        (PARTY, ["这是企业的编码", "This number is for a party"]),
    ] {
        for (column, language) in LANGUAGES.into_iter().enumerate() {
            let page = Page::get(&app, path, language).await;
            assert_eq!(
                (page.status, page.text("h1")),
                (200, titles[column].to_owned())
            );
            assert_eq!(page.text("h2"), ["乳品厂", "Larkmere <Plant>"][column]);
            let address = page.field(["所在地", "Where"][column]);
            assert_eq!(address, ["怀卡托", "Waikato"][column]);
            assert_eq!(
                page.field(["角色", "Role"][column]),
                ["工厂", "Plant"][column]
            );
            let source = ["商家陈述", "Stated by the merchant"][column];
            assert_eq!(page.text(".src"), source);
            assert!(page.html.contains(["日志第", "Entry #"][column]));
        }
    }
    let page = Page::get(&app, &format!("{PLACE}/?17=261231"), "en").await;
    assert_eq!(
        (page.status, page.text(".mrz")),
        (200, "(414)9521041000008".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_of_which_nothing_is_said_is_a_404_and_so_is_a_spot_within_a_known_one() {
    let app = TestApp::start().await;
    described(&app, "", "Plant").await;
    for path in [
        "/414/9521072000008",
        "/417/9521072000008",
        &format!("{PLACE}/254/DOCK1"),
    ] {
        let page = Page::get(&app, path, "en").await;
        assert_eq!(
            (page.status, page.text("h1")),
            (404, "No record of this number".into())
        );
        let answer = ask(&app, path, &[("Accept", "application/json")]).await;
        assert_eq!(answer.headers()["Content-Type"], "application/problem+json");
        assert!(answer.headers().get("Link").is_none());
    }
    described(&app, "/254/DOCK1", "Dock").await;
    let page = Page::get(&app, &format!("{PLACE}/254/DOCK1"), "en").await;
    assert_eq!((page.status, page.text("h2")), (200, "Dock".to_owned()));
    assert_eq!(page.text(".mrz"), "(414)9521041000008(254)DOCK1");
    assert_eq!(
        Page::get(&app, PLACE, "en").await.text("h2"),
        "Plant",
        "each has its own words"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_description_stands_and_one_that_is_not_sealed_is_marked() {
    let app = TestApp::start().await;
    described(&app, "", "Old name").await;
    described(&app, "", "New name").await;
    let page = Page::get(&app, PLACE, "en").await;
    assert_eq!(page.texts("h2"), ["New name"]);
    app.sealed().await;
    let page = Page::get(&app, PLACE, "en").await;
    assert!(page.texts(".open").is_empty(), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_has_a_linkset_whose_default_link_is_its_page() {
    let app = TestApp::start().await;
    described(&app, "", "Plant").await;
    let found = linkset(&app, PLACE).await;
    let page = format!("{}{PLACE}", app.running.url);
    let context = &found["linkset"][0];
    assert_eq!(context["anchor"], page);
    assert_eq!(
        context["https://ref.gs1.org/voc/defaultLink"][0]["href"],
        page
    );
    assert_eq!(
        context["https://ref.gs1.org/voc/locationInfo"][0]["href"],
        page
    );
    let party = linkset(&app, PARTY).await;
    assert_eq!(party["linkset"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        party["linkset"][0].get("https://ref.gs1.org/voc/locationInfo"),
        None::<&Value>
    );
    let answer = app.get(&format!("{PLACE}?linkType=gs1:locationInfo")).await;
    assert_eq!(answer.status(), 307);
    assert_eq!(answer.headers()["Location"], page.as_str());
    assert_eq!(
        app.get(&format!("{PARTY}?linkType=gs1:locationInfo"))
            .await
            .status(),
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_several_merchants_is_heard_once_and_no_more_than_eight_of_them() {
    let app = TestApp::start().await;
    let body = |name: &str| {
        let place = format!("https://id.gs1.org{PLACE}");
        json!({"place": place, "name": {"zh-CN": "港口", "en": name}}).to_string()
    };
    for number in 0..9 {
        let issuer = "https://id.gs1.org/417/9521072000008";
        let name = format!("Merchant {number}");
        let merchant = app.add_merchant(&name, issuer).await;
        let key = app.key_of(merchant.id, issuer, &Scope::ALL).await;
        // The first two say the same.
        let named = format!("Port {}", number.max(1));
        let answer = app.post_as(&key, "/api/parties", body(&named)).await;
        assert_eq!(answer.status(), 201);
        let shown = Page::get(&app, PLACE, "en").await.texts("h2");
        let expected = match number {
            0 | 1 => 1,
            8 => return assert_eq!(shown.len(), 7, "of eight two say the same: {shown:?}"),
            more => more,
        };
        assert_eq!(shown.len(), expected, "{shown:?}");
        assert!(shown.contains(&named));
        assert!(
            !app.get_text(PLACE).await.contains("9521072000008"),
            "partners are not named"
        );
    }
}
