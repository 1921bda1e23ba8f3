//! A new password by mail.

use crate::kit::{PASSWORD, Person, in_database, links, owner, wait_for_letters, wait_for_links};
use crate::support::TestApp;

const NEW: &str = "tin bridge over snow";

#[tokio::test(flavor = "multi_thread")]
async fn the_link_sets_another_password_once_and_ends_all_sessions() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let mut stranger = Person::new(&app);
    let page = "/admin/forgotten";
    let mut answers = Vec::new();
    for email in ["nobody@larkmere.example", "owner@larkmere.example"] {
        let seen = stranger.submit(page, page, &[("email", email)]).await;
        answers.push((seen.status, seen.text("main").replace(email, "EMAIL")));
    }
    assert_eq!(answers[0], answers[1], "nobody learns who has an account");
    let link = wait_for_links(&app, 1).await.remove(0);
    assert!(link.starts_with("/admin/password/"));

    let seen = stranger.get(&link).await;
    let fields = seen.fields_of("");
    let csrf = fields
        .iter()
        .find(|(name, _)| name == "csrf")
        .unwrap()
        .1
        .as_str();
    let short = stranger
        .post(&link, &[("csrf", csrf), ("password", "short")])
        .await;
    assert_eq!(short.status, 422);
    assert_eq!(na.get("/admin").await.status, 200, "nothing happened yet");
    let set = stranger
        .post(&link, &[("csrf", csrf), ("password", NEW)])
        .await;
    assert_eq!(
        set.location.as_deref(),
        Some("/admin/log-in?changed=1&lang=en")
    );
    let seen = stranger.get("/admin/log-in?changed=1&lang=en").await;
    assert_eq!(
        seen.text(".done"),
        "The new password is set. All other sessions were ended."
    );
    assert_eq!(
        na.get("/admin").await.location.as_deref(),
        Some("/admin/log-in")
    );
    assert_eq!(stranger.get(&link).await.status, 410, "once");
    assert_eq!(
        stranger
            .log_in("owner@larkmere.example", PASSWORD)
            .await
            .status,
        422
    );
    assert_eq!(
        stranger.log_in("owner@larkmere.example", NEW).await.status,
        303
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_past_its_time_after_an_hour_and_when_there_is_a_newer_one() {
    let app = TestApp::start().await;
    owner(&app).await;
    let mut stranger = Person::new(&app);
    let page = "/admin/forgotten";
    let fields = [("email", "owner@larkmere.example")];
    stranger.submit(page, page, &fields).await;
    let first = wait_for_links(&app, 1).await.remove(0);
    stranger.submit(page, page, &fields).await;
    let second = wait_for_links(&app, 2).await.remove(1);
    assert_eq!(stranger.get(&first).await.status, 410);
    assert_eq!(stranger.get(&second).await.status, 200);
    in_database(
        &app.settings,
        "UPDATE password_reset SET expires_at = now()",
    )
    .await;
    assert_eq!(stranger.get(&second).await.status, 410);
    for _ in 0..3 {
        stranger.submit(page, page, &fields).await;
    }
    let seen = stranger.submit(page, page, &fields).await;
    assert_eq!(seen.status, 429, "nobody's mailbox is flooded");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_alone_does_not_get_past_the_second_factor() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let (factor, papers) = crate::factor::set_up(&mut na).await;
    let mut thief = Person::new(&app);
    let page = "/admin/forgotten";
    thief
        .submit(page, page, &[("email", "owner@larkmere.example")])
        .await;
    let link = wait_for_links(&app, 1).await.remove(0);
    let seen = thief.get(&link).await;
    assert!(seen.html.contains("name=\"code\""));
    let fields = seen.fields_of("");
    let csrf = fields
        .iter()
        .find(|(name, _)| name == "csrf")
        .unwrap()
        .1
        .as_str();
    // The code of the set-up was used.
    let used = factor.code_at(time::OffsetDateTime::now_utc().unix_timestamp() as u64);
    for code in ["", "000000", &used] {
        let fields = [("csrf", csrf), ("password", NEW), ("code", code)];
        assert_eq!(thief.post(&link, &fields).await.status, 422, "{code}");
    }
    assert_eq!(
        thief.log_in("owner@larkmere.example", NEW).await.status,
        422
    );
    let fields = [
        ("csrf", csrf),
        ("password", NEW),
        ("recovery_code", papers[0].as_str()),
    ];
    assert_eq!(
        thief.post(&link, &fields).await.status,
        303,
        "with both it is her"
    );
    // Of the second factor, of the link, and of the password.
    wait_for_letters(&app, 3).await;
    assert_eq!(links(&app).len(), 1);
    let seen = thief.log_in("owner@larkmere.example", NEW).await;
    assert_eq!(seen.text("h1"), "Second factor", "which is still asked for");
    app.stop().await;
}
