//! A code that is looked up as one pack cannot be is in doubt, and few can bring that about.

use serde_json::Value;

use crate::kit::{Page, issue};
use crate::scans::{HERE, Looker, assert_clean, behind_a_proxy, bodies};
use crate::support::TestApp;

pub async fn verdict(app: &TestApp, code: &str) -> (String, String) {
    let page = Page::get(app, code, "en").await;
    (page.text("h1"), page.text(".band"))
}

/// Look-ups at one moment, each of another of these phones in another network, in these places by turns.
pub async fn looked_up(app: &TestApp, code: &str, phones: std::ops::Range<u16>, places: &[&str]) {
    for phone in phones {
        let address = format!("203.{}.{}.9", phone / 250, phone % 250);
        let place = places[usize::from(phone) % places.len()];
        let looker = Looker {
            phone,
            address: &address,
            place,
        };
        assert_eq!(looker.looks_at(app, code).await["counted"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_look_ups_from_far_apart_turn_the_verdict_to_doubt_for_good() {
    let app = behind_a_proxy().await;
    let codes = issue(&app, Some("L1"), 2).await;
    app.sealed().await;
    assert_eq!(verdict(&app, &codes[0]).await.0, "On record, unchanged");
    looked_up(&app, &codes[0], 0..1_000, &["CN-SH", "CN-XJ", "NZ"]).await;
    app.sealed().await;
    let (title, band) = verdict(&app, &codes[0]).await;
    assert_eq!(title, "On record, but the code may be copied");
    for reason in [
        "no pack travels that fast",
        "Looked up 1,000 times at least within 7 days, on one of them from",
        "This code has been looked up 1,000 times, first on ",
    ] {
        assert!(band.contains(reason), "{reason}: {band}");
    }
    // In the log, and after a restart.
    let bodies_before = bodies(&app).await;
    assert_eq!(bodies_before.len(), 1_000);
    assert_eq!(bodies_before[999]["number"], 1_000);
    assert_clean(&app).await;
    let app = app.restart().await;
    assert_eq!(
        verdict(&app, &codes[0]).await.0,
        "On record, but the code may be copied"
    );
    let chinese = Page::get(&app, &codes[0], "zh-CN").await;
    assert_eq!(chinese.text("h1"), "有记录，但此码可能已被复制");
    // The code beside it is another pack.
    assert_eq!(verdict(&app, &codes[1]).await.0, "On record, unchanged");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn few_networks_spoil_nothing_however_often_they_look() {
    let app = behind_a_proxy().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    app.sealed().await;
    // Two networks a continent apart that take turns, with a new phone each time.
    for phone in 0..200 {
        let (address, place) = match phone % 2 {
            0 => ("203.0.113.1", "CN-SH"),
            _ => ("198.51.100.1", "CN-XJ"),
        };
        Looker {
            phone,
            address,
            place,
        }
        .looks_at(&app, &code)
        .await;
    }
    let (title, band) = verdict(&app, &code).await;
    assert_eq!(title, "On record, unchanged");
    assert!(
        band.contains("This code has been looked up 10 times"),
        "{band}"
    );
    // Many at one place within a shop's neighbourhood are few networks, too.
    let answer: Value = HERE.looks_at(&app, &code).await;
    assert_eq!(answer["counted"], false);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_that_travels_raises_no_doubt_and_a_copy_in_four_places_does() {
    let app = behind_a_proxy().await;
    let codes = issue(&app, Some("L1"), 2).await;
    app.sealed().await;
    looked_up(&app, &codes[0], 0..6, &["CN-SH", "CN-JS"]).await;
    assert_eq!(verdict(&app, &codes[0]).await.0, "On record, unchanged");
    looked_up(&app, &codes[1], 0..3, &["CN-SH", "CN-XJ"]).await;
    assert_eq!(verdict(&app, &codes[1]).await.0, "On record, unchanged");
    let fourth = Looker {
        phone: 9,
        address: "198.51.100.7",
        place: "CN-XJ",
    };
    fourth.looks_at(&app, &codes[1]).await;
    let (title, band) = verdict(&app, &codes[1]).await;
    assert_eq!(title, "On record, but the code may be copied");
    // Where others are is nobody's business.
    assert!(
        !band.contains("Shanghai") && !band.contains("Xinjiang"),
        "{band}"
    );
    assert!(
        band.contains("Looked up, and less than a minute later once more at least "),
        "{band}"
    );
    app.stop().await;
}
