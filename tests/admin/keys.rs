//! API keys out of the dashboard.

use crate::kit::{Seen, in_database, owner};
use crate::support::TestApp;

async fn status_of(app: &TestApp, key: &str) -> u16 {
    let body = r#"{"gtin":"https://id.gs1.org/01/09521041001029","productName":{"zh-CN":"奶粉","en":"Tin"},"countryOfOrigin":"NZ"}"#;
    app.post_as(key, "/api/products", body)
        .await
        .status()
        .as_u16()
}

fn key_of(seen: &Seen) -> String {
    assert_eq!(seen.status, 200, "{}", seen.html);
    seen.text("#key")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_what_was_ticked_until_it_is_ended_or_past_its_time() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let page = "/admin/keys";
    for (fields, fault) in [
        (
            &[("label", "ERP"), ("days", "30")][..],
            "Choose at least one",
        ),
        (&[("label", "ERP"), ("scope", "capture")], "Choose how long"),
        (
            &[("label", " "), ("scope", "capture"), ("days", "30")],
            "Fill in this field",
        ),
        (
            &[("label", "ERP"), ("scope", "capture"), ("days", "31")],
            "Choose how long",
        ),
    ] {
        let seen = owner.submit(page, page, fields).await;
        assert_eq!(seen.status, 422);
        assert!(
            seen.text(".fault").starts_with(fault),
            "{}",
            seen.text(".fault")
        );
    }
    let seen = owner
        .submit(
            page,
            page,
            &[("label", "x"), ("scope", "all"), ("days", "30")],
        )
        .await;
    assert_eq!(seen.status, 400);
    let order = [("label", "ERP"), ("scope", "capture"), ("days", "30")];
    let weak = key_of(&owner.submit(page, page, &order).await);
    assert_eq!(status_of(&app, &weak).await, 403);
    let order = [
        ("label", "PIM"),
        ("scope", "capture"),
        ("scope", "master-data"),
        ("days", "30"),
    ];
    let key = key_of(&owner.submit(page, page, &order).await);
    assert!(status_of(&app, &key).await < 300);
    let seen = owner.get(page).await;
    assert!(!seen.html.contains(&key), "shown once");
    let end = seen.attribute(".list-row form", "action").unwrap();
    assert_eq!(owner.send_form(&seen, &end, &[]).await.status, 303);
    assert_eq!(status_of(&app, &key).await, 401);
    assert_eq!(owner.send_form(&seen, &end, &[]).await.status, 404, "once");

    let order = [("label", "Past"), ("scope", "master-data"), ("days", "30")];
    let key = key_of(&owner.submit(page, page, &order).await);
    assert!(status_of(&app, &key).await < 300);
    let past = "UPDATE api_key SET expires_at = now() WHERE label = 'Past'";
    in_database(&app.settings, past).await;
    assert_eq!(status_of(&app, &key).await, 401);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_twice_makes_one_key() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let page = "/admin/keys";
    let seen = owner.get(page).await;
    let order = [("label", "ERP"), ("scope", "capture"), ("days", "30")];
    key_of(&owner.send_form(&seen, page, &order).await);
    let again = owner.send_form(&seen, page, &order).await;
    assert_eq!(
        (again.status, again.text("h1")),
        (409, "This was done already".into())
    );
    let listed = owner.get(page).await.texts(".list-main");
    assert_eq!(listed.iter().filter(|label| *label == "ERP").count(), 1);
    app.stop().await;
}
