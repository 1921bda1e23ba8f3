//! What a page says before, between and after seals, and about dates that have passed.

use rootmark::config::Settings;
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::kit::{LANGUAGES, Page, issue, lot_path};
use crate::support::{GTIN, TestApp, document, owner};

/// Nothing is sealed while this is held: every seal writes a row of the table `seal`.
pub struct HeldSeals(PgConnection);

impl HeldSeals {
    pub async fn hold(settings: &Settings) -> HeldSeals {
        let mut conn = owner(settings).await;
        conn.execute("BEGIN; LOCK TABLE seal IN EXCLUSIVE MODE")
            .await
            .unwrap();
        HeldSeals(conn)
    }

    pub async fn release(self) {
        self.0.close().await.unwrap();
    }
}

/// An app that has never sealed anything, and what keeps it from doing so.
async fn never_sealed() -> (TestApp, HeldSeals) {
    let mut held = None;
    let app = TestApp::start_with(|settings| {
        let hold = HeldSeals::hold(settings);
        held = Some(block_in_place(|| Handle::current().block_on(hold)));
    });
    (app.await, held.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_not_sealed_yet_shows_at_once_and_is_marked_so() {
    let (app, held) = never_sealed().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    app.capture(&[document::observation(1, "L1")]).await;
    for (column, language) in LANGUAGES.into_iter().enumerate() {
        let page = Page::get(&app, &code, language).await;
        assert_eq!(page.status, 200);
        assert_eq!(
            page.text("h1"),
            ["有记录，正在封存", "On record, not sealed yet"][column]
        );
        assert_eq!(page.texts("li.step.step-open").len(), 1);
        assert_eq!(
            page.text("li.step .open"),
            ["尚未封存", "Not sealed yet"][column]
        );
        assert!(
            page.texts("a[download], .proof dl").is_empty(),
            "there is nothing to prove with"
        );
    }
    let proof = app.get(&format!("/proof{code}")).await;
    assert_eq!(
        (proof.status().as_u16(), &proof.headers()["Retry-After"]),
        (503, &"30".parse().unwrap())
    );
    assert!(proof.text().await.unwrap().contains("凭证还在生成"));

    held.release().await;
    app.sealed().await;
    for (column, language) in LANGUAGES.into_iter().enumerate() {
        let page = Page::get(&app, &code, language).await;
        assert_eq!(
            page.text("h1"),
            ["有记录，未被改动", "On record, unchanged"][column]
        );
        assert!(page.texts(".step-open, .open").is_empty());
        assert_eq!(page.texts("a[download]").len(), 1);
    }
    assert_eq!(app.get(&format!("/proof{code}")).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_event_is_marked_unsealed_beside_those_that_are_sealed() {
    let app = TestApp::start().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    app.capture(&[document::observation(1, "L1")]).await;
    app.sealed().await;
    let held = HeldSeals::hold(&app.settings).await;
    app.capture(&[document::observation(2, "L1")]).await;
    for (column, language) in LANGUAGES.into_iter().enumerate() {
        let page = Page::get(&app, &code, language).await;
        assert_eq!(
            page.text("h1"),
            ["有记录，未被改动", "On record, unchanged"][column]
        );
        let note = [
            "另有 1 条新记录等待封存",
            "1 new entry is waiting to be sealed",
        ][column];
        assert!(
            page.text(".band .notes").contains(note),
            "{}",
            page.text(".band .notes")
        );
        let lead = page.text(".lead");
        assert!(!lead.contains("All") && !lead.contains("全部"), "{lead}");
        let steps = page.texts("li.step");
        let entry = ["日志第", "Entry #"][column];
        let open = ["尚未封存", "Not sealed yet"][column];
        assert!(
            steps[0].contains(entry) && !steps[0].contains(open),
            "{steps:?}"
        );
        assert!(
            steps[1].contains(open) && !steps[1].contains(entry),
            "{steps:?}"
        );
    }
    // The proof holds what is sealed, and the new event's own words are not among it.
    let proof = app.get_text(&format!("/proof{code}")).await;
    assert!(proof.contains("000000000001") && !proof.contains("000000000002"));
    held.release().await;
    app.sealed().await;
    let page = Page::get(&app, &code, "en").await;
    assert!(page.texts(".notes, .open").is_empty());
    assert!(page.text(".lead").starts_with("All "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_description_of_the_product_does_not_make_an_unsealed_item_unchanged() {
    let app = TestApp::start().await;
    app.sealed().await;
    let held = HeldSeals::hold(&app.settings).await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    for (path, words) in [
        (code.as_str(), "On record, not sealed yet"),
        (&lot_path("L1"), "On record, not sealed yet"),
        (&format!("/01/{GTIN}"), "This code is for a product"),
    ] {
        assert_eq!(
            Page::get(&app, path, "en").await.text("h1"),
            words,
            "{path}"
        );
    }
    held.release().await;
    app.sealed().await;
    assert_eq!(
        Page::get(&app, &code, "en").await.text("h1"),
        "On record, unchanged"
    );
}

/// An event that gives a lot its dates.
fn lot_with_date(id: u32, lot: &str, best_before: &str) -> String {
    let event = json!({
        "type": "ObjectEvent",
        "eventID": format!("urn:uuid:00000000-0000-4000-8000-{id:012}"),
        "eventTime": "2020-01-02T09:00:00+12:00",
        "eventTimeZoneOffset": "+12:00",
        "action": "ADD",
        "bizStep": "creating_class_instance",
        "quantityList": [{ "epcClass": document::lot_link(lot), "quantity": 10 }],
        "ilmd": { "cbvmda:lotNumber": lot, "cbvmda:itemExpirationDate": best_before },
    });
    event.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_past_its_date_is_marked_and_one_with_time_left_is_not() {
    let app = TestApp::start().await;
    let old = issue(&app, Some("OLD"), 1).await.remove(0);
    let good = issue(&app, Some("GOOD"), 1).await.remove(0);
    app.capture(&[
        lot_with_date(1, "OLD", "2021-01-31"),
        lot_with_date(2, "GOOD", "2999-12-31T00:00:00Z"),
    ])
    .await;
    app.sealed().await;
    for (column, language) in LANGUAGES.into_iter().enumerate() {
        let label = ["保质期至", "Best before"][column];
        let past = Page::get(&app, &old, language).await;
        assert_eq!(
            past.text("h1"),
            ["已过期，请勿食用", "Past its date: do not use"][column]
        );
        assert!(
            past.texts(".band-good").is_empty(),
            "it must not shine green"
        );
        let date = ["2021年1月31日 已过期", "31 January 2021 past"][column];
        assert_eq!(past.field(label), date);
        let sound = Page::get(&app, &good, language).await;
        assert_eq!(
            sound.text("h1"),
            ["有记录，未被改动", "On record, unchanged"][column]
        );
        assert_eq!(
            sound.field(label),
            ["2999年12月31日", "31 December 2999"][column]
        );
        assert!(sound.texts(".past").is_empty());
    }
}
