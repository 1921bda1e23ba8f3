//! What a merchant looked into is said for good: it restores a verdict or confirms a doubt, and later look-ups count anew.

use rootmark::domain::scope::Scope;
use serde_json::{Value, json};

use crate::copied::{looked_up, verdict};
use crate::kit::{Page, issue};
use crate::scans::{assert_clean, behind_a_proxy};
use crate::support::document::document;
use crate::support::{GTIN, ISSUER, TestApp};

const FAR: [&str; 2] = ["CN-SH", "CN-XJ"];
const COPIED: &str = "On record, but the code may be copied";
const SOUND: &str = "On record, unchanged";

async fn keyed(app: &TestApp) -> String {
    app.key_of(app.merchant_id, ISSUER, &[Scope::Cases]).await
}

fn uri(code: &str) -> String {
    format!("https://id.gs1.org{code}")
}

fn review(code: &str, through: u32, outcome: &str) -> String {
    json!({"code": uri(code), "through": through, "outcome": outcome,
        "reason": {"zh-CN": "直播时展示过此码", "en": "The code was shown in a live stream"}})
    .to_string()
}

async fn says(app: &TestApp, key: &str, body: String) -> (u16, Value) {
    let answer = app.post_as(key, "/api/reviews", body).await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn asks(app: &TestApp, key: &str, code: &str, more: &str) -> (u16, Value) {
    let path = format!("/api/scans?code={}{more}", uri(code).replace('/', "%2F"));
    let answer = app.http.get(app.url(&path)).bearer_auth(key).send().await;
    let answer = answer.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn scans_of(app: &TestApp, key: &str, code: &str, more: &str) -> Value {
    let (status, said) = asks(app, key, code, more).await;
    assert_eq!(status, 200, "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_restores_the_verdict_stays_visible_and_does_not_speak_for_later_look_ups() {
    let app = behind_a_proxy().await;
    let key = keyed(&app).await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    app.sealed().await;
    looked_up(&app, &code, 0..6, &FAR).await;
    assert_eq!(verdict(&app, &code).await.0, COPIED);
    let scans = scans_of(&app, &key, &code, "").await;
    assert_eq!(
        (&scans["times"], &scans["hasMore"]),
        (&json!(6), &json!(false))
    );
    assert_eq!(scans["signs"][0]["sign"], "farApart");
    let first = &scans["scans"][0];
    assert_eq!(
        (&first["number"], &first["place"]),
        (&json!(6), &json!("CN-XJ"))
    );
    let before = scans_of(&app, &key, &code, "&before=2").await;
    assert_eq!(before["scans"].as_array().unwrap().len(), 1);

    let (status, recorded) = says(&app, &key, review(&code, 6, "explained")).await;
    assert_eq!(status, 201, "{recorded}");
    assert_eq!(recorded["notOnRecord"], json!([]));
    assert_eq!(
        recorded["about"],
        json!([format!("reviewed {}", uri(&code).replace("/10/L1", ""))])
    );
    assert_eq!(says(&app, &key, review(&code, 6, "explained")).await.0, 200);
    app.sealed().await;
    let (title, band) = verdict(&app, &code).await;
    assert_eq!(title, SOUND);
    assert!(band.contains("found no copy"), "{band}");
    assert!(band.contains("looked up 6 times"), "{band}");
    let page = Page::get(&app, &code, "en").await;
    let section = page.text("section[aria-labelledby=reviews]");
    for words in [
        "No copy was found",
        "shown in a live stream",
        "Look-ups 1 to 6",
    ] {
        assert!(section.contains(words), "{words}: {section}");
    }
    // In the proof, as any statement of the story.
    let proof = app.get_text(&format!("/proof{code}")).await;
    assert!(proof.contains("shown in a live stream"));
    let scans = scans_of(&app, &key, &code, "").await;
    assert_eq!(
        (&scans["reviewedThrough"], &scans["signs"]),
        (&json!(6), &json!([]))
    );
    assert_clean(&app).await;

    // What comes later is judged by itself, and a review can be followed by another.
    looked_up(&app, &code, 10..14, &FAR).await;
    assert_eq!(verdict(&app, &code).await.0, COPIED);
    assert_eq!(says(&app, &key, review(&code, 10, "copied")).await.0, 201);
    let (title, band) = verdict(&app, &code).await;
    assert_eq!(title, "On record, but copies of this code are about");
    assert!(
        band.contains("has found packs with this code that are not its own"),
        "{band}"
    );
    let app = app.restart().await;
    let page = Page::get(&app, &code, "zh-CN").await;
    assert_eq!(page.text("h1"), "有记录，但已查实有人仿冒此码");
    assert_eq!(page.texts("section[aria-labelledby=reviews] li").len(), 2);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_looks_into_what_is_yet_to_come_or_into_another_merchants_codes() {
    let app = behind_a_proxy().await;
    let key = keyed(&app).await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    looked_up(&app, &code, 0..3, &["CN-SH"]).await;
    let refused = |answer: (u16, Value), status: u16, words: &str| {
        assert_eq!(answer.0, status, "{}", answer.1);
        let detail = answer.1.to_string();
        assert!(detail.contains(words), "{words}: {detail}");
    };
    refused(
        says(&app, &key, review(&code, 4, "explained")).await,
        400,
        "beyond the last look-up",
    );
    assert_eq!(says(&app, &key, review(&code, 2, "explained")).await.0, 201);
    refused(
        says(&app, &key, review(&code, 1, "explained")).await,
        400,
        "was looked into already",
    );
    refused(says(&app, &key, "{}".to_owned()).await, 400, "/code");
    let other = app
        .add_merchant("Other", "https://id.gs1.org/417/9521050000005")
        .await;
    let issuer = "https://id.gs1.org/417/9521050000005";
    let foreign = app.key_of(other.id, issuer, &[Scope::Cases]).await;
    refused(
        says(&app, &foreign, review(&code, 0, "copied")).await,
        403,
        "belongs to another merchant",
    );
    refused(
        asks(&app, &foreign, &code, "").await,
        403,
        "another merchant's",
    );
    // A code that does not exist has no look-ups; what is said of it is recorded, and named as on no record.
    let forged = format!("/01/{GTIN}/21/NEVERISSUED");
    refused(
        asks(&app, &key, &forged, "").await,
        404,
        "no record of this item",
    );
    let nobodys = "/01/09506000134352/21/1";
    refused(
        asks(&app, &key, nobodys, "").await,
        404,
        "no record of this item",
    );
    refused(
        says(&app, &key, review(nobodys, 0, "copied")).await,
        403,
        "describe the product first",
    );
    for status in [201, 200] {
        let (told, said) = says(&app, &key, review(&forged, 0, "copied")).await;
        assert_eq!(
            (told, &said["notOnRecord"]),
            (status, &json!([uri(&forged)]))
        );
    }
    assert_eq!(Page::get(&app, &forged, "en").await.status, 404);
    // Without the scope nothing is said and nothing is seen.
    let others: Vec<Scope> = Scope::ALL
        .into_iter()
        .filter(|one| *one != Scope::Cases)
        .collect();
    let lacking = app.key_of(app.merchant_id, ISSUER, &others).await;
    refused(
        says(&app, &lacking, review(&code, 3, "explained")).await,
        403,
        "cases",
    );
    let path = format!("/api/scans?code={}", uri(&code));
    let answer = app
        .http
        .get(app.url(&path))
        .bearer_auth(&lacking)
        .send()
        .await;
    assert_eq!(answer.unwrap().status(), 403);
    for query in [
        "",
        "?code=x",
        "?code=https://id.gs1.org/01/09521041001012",
        "?code=1&x=2",
    ] {
        let path = format!("/api/scans{query}");
        let answer = app.http.get(app.url(&path)).bearer_auth(&key).send().await;
        assert_eq!(answer.unwrap().status(), 400, "{query}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_reviewed_a_hundred_times_at_most() {
    let app = TestApp::start().await;
    let key = keyed(&app).await;
    app.describe_product(GTIN).await;
    let lot = format!("/01/{GTIN}/10/L1");
    for number in 0..101 {
        let body = json!({"code": uri(&lot), "outcome": "explained",
            "reason": {"zh-CN": format!("第 {number} 次"), "en": format!("No. {number}")}});
        let (status, said) = says(&app, &key, body.to_string()).await;
        assert_eq!(
            status,
            if number < 100 { 201 } else { 400 },
            "{number}: {said}"
        );
    }
    app.stop().await;
}

/// An event of one item, in this step.
fn event(id: u32, codes: &[String], action: &str, step: &str, disposition: &str) -> String {
    let epcs: Vec<String> = codes.iter().map(|code| uri(code)).collect();
    json!({"type": "ObjectEvent", "action": action, "eventID": format!("urn:uuid:00000000-0000-4000-8000-{id:012}"),
        "eventTime": format!("2026-06-{:02}T08:00:00Z", id + 1), "eventTimeZoneOffset": "+08:00",
        "epcList": epcs, "bizStep": step, "disposition": disposition,
        "readPoint": {"id": "https://id.gs1.org/414/9521041000008"}})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_voided_sold_or_never_packed_is_doubted_by_its_record() {
    let app = behind_a_proxy().await;
    let key = keyed(&app).await;
    let codes = issue(&app, Some("L1"), 5).await;
    let lot = json!({"type": "ObjectEvent", "action": "ADD", "eventID": "urn:uuid:00000000-0000-4000-8000-000000000900",
        "eventTime": "2026-06-01T08:00:00Z", "eventTimeZoneOffset": "+08:00",
        "epcList": codes[..4].iter().map(|code| uri(code)).collect::<Vec<_>>(),
        "bizStep": "commissioning", "disposition": "active",
        "ilmd": {"cbvmda:lotNumber": "L1"}, "readPoint": {"id": "https://id.gs1.org/414/9521041000008"}});
    let events = [
        lot.to_string(),
        event(1, &codes[..1], "DELETE", "destroying", "destroyed"),
        event(2, &codes[1..3], "OBSERVE", "retail_selling", "retail_sold"),
        event(3, &codes[2..3], "OBSERVE", "receiving", "returned"),
    ];
    let answer = app.post("/epcis/capture", document(&events)).await;
    assert_eq!(answer.status(), 202, "{:?}", answer.text().await);
    app.sealed().await;

    let (title, band) = verdict(&app, &codes[0]).await;
    assert_eq!(title, COPIED);
    assert!(
        band.contains("left the trade on 2 June 2026, and not by a sale"),
        "{band}"
    );
    let (title, band) = verdict(&app, &codes[4]).await;
    assert_eq!(title, COPIED);
    assert!(band.contains("never recorded on a pack"), "{band}");
    // Ten look-ups by five networks on a day: too many of what was sold, and not of what came back, or never left.
    for (place, title) in [(1, COPIED), (2, SOUND), (3, SOUND)] {
        looked_up(&app, &codes[place], 0..9, &["CN-SH"]).await;
        assert_eq!(verdict(&app, &codes[place]).await.0, SOUND, "{place}");
        looked_up(&app, &codes[place], 9..10, &["CN-SH"]).await;
        let (found, band) = verdict(&app, &codes[place]).await;
        assert_eq!(found, title, "{place}");
        assert_eq!(
            band.contains("more than the household of one buyer"),
            title == COPIED
        );
    }
    // What the merchant looks into is no sign any more.
    for (code, through) in [(&codes[0], 0), (&codes[1], 10), (&codes[4], 0)] {
        assert_eq!(
            says(&app, &key, review(code, through, "explained")).await.0,
            201
        );
        assert_eq!(verdict(&app, code).await.0, SOUND, "{code}");
    }
    assert_clean(&app).await;
    app.stop().await;
}
