//! Links that name both the lot and the serial of an item.

use auditlog::Hash;
use auditlog::bundle::Verified;
use auditlog::field::Secret;
use auditlog::json;
use rootmark::domain::epcis::{before_lots_of_links, read_event};
use rootmark::domain::event_key::event_key;
use rootmark::domain::statement::{Batch, Draft, Kind};
use rootmark::domain::time::{timestamp, to_millisecond};
use rootmark::store::event_index::insert_event_batch;
use rootmark::store::event_key::{NewEventKey, take_event_keys};
use rootmark::store::{act_for, batch};
use sqlx::Connection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::kit::{assert_checks_out, proof, scalar};
use crate::support::document::{observation, observation_of};
use crate::support::{GTIN, ISSUER, TestApp};

/// An observation of an item by a link that names its lot.
fn named_with_lot(id: u32, lot: &str, serial: &str) -> String {
    let epcs = format!(r#""epcList":["https://shop.example/01/{GTIN}/10/{lot}/21/{serial}"]"#);
    observation_of(id, &epcs)
}

fn events(verified: &Verified) -> usize {
    let statements = verified.statements.iter();
    statements
        .filter(|statement| statement.kind == "event")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_of_a_serial_holds_what_is_said_of_the_lot_that_its_link_names() {
    let app = TestApp::start().await;
    app.capture(&[
        named_with_lot(1, "L1", "A"),
        named_with_lot(2, "L2", "B"),
        observation(3, "L1"),
        observation(4, "L1"),
        observation(5, "L2"),
        observation_of(
            6,
            &format!(r#""epcList":["https://id.gs1.org/01/{GTIN}/21/C"]"#),
        ),
    ])
    .await;
    // The proof verifies: each statement is connected to the serial by what receipts show.
    for (serial, expected) in [("A", 3), ("B", 2), ("C", 1)] {
        let verified = proof(&app, &format!("/01/{GTIN}/21/{serial}")).await;
        assert_eq!(events(&verified), expected, "{serial}");
    }
    let verified = proof(&app, &format!("/01/{GTIN}/21/A")).await;
    let shown = format!("{verified:?}");
    assert!(shown.contains("/10/L1"), "{shown}");
    assert!(!shown.contains("/10/L2"), "{shown}");
    assert_checks_out(&app).await;
}

/// Stores an event as it was before the lots of links were.
async fn store_as_of_old(app: &TestApp, body: &str) {
    let now = to_millisecond(OffsetDateTime::now_utc());
    let value = json::parse(body).unwrap();
    let event = read_event(&value).unwrap();
    let statement = Draft {
        kind: Kind::Event,
        body: &value.to_compact(),
        issuer: ISSUER,
        about: before_lots_of_links(&event),
        happened: event.event_time,
        turns: event.turns(),
        recorded: timestamp(now),
        secrets: [Secret([1; 32]), Secret([2; 32])],
        signature: None,
    }
    .finish()
    .unwrap();
    let batch = Batch {
        id: Uuid::now_v7(),
        merchant_id: app.merchant_id,
        recorded_at: now,
        statement_count: 1,
    };
    let key = NewEventKey {
        key: event_key(event.event_id.as_deref().unwrap(), false),
        content_sha256: Hash::of(&[statement.content.as_bytes()]).0,
        position: 0,
    };
    let mut conn = app.running.database.capture.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    act_for(&mut tx, app.merchant_id).await.unwrap();
    take_event_keys(&mut tx, app.merchant_id, batch.id, &[key])
        .await
        .unwrap();
    batch::insert_batch(&mut tx, &batch, &[statement])
        .await
        .unwrap();
    insert_event_batch(&mut tx, &batch, &[]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_from_before_keeps_its_story_and_its_receipt_and_checks_out() {
    let app = TestApp::start().await;
    store_as_of_old(&app, &named_with_lot(1, "L1", "A")).await;
    app.capture(&[observation(3, "L1")]).await;
    let path = format!("/01/{GTIN}/21/A");
    assert_eq!(events(&proof(&app, &path).await), 1);
    assert_checks_out(&app).await;
    // Whoever names the item with its lot once more joins it.
    app.capture(&[named_with_lot(2, "L1", "A")]).await;
    assert_eq!(events(&proof(&app, &path).await), 3);
    assert_checks_out(&app).await;
    let receipts = "SELECT count(*)::text FROM statement
                    WHERE convert_from(receipt, 'UTF8') LIKE '%lot https%'";
    assert_eq!(scalar(&mut app.owner().await, receipts).await, "1");
}
