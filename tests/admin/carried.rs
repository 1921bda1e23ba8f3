//! What somebody entered is not lost when the session ends meanwhile.

use crate::kit::{PASSWORD, Person, in_database, owner};
use crate::support::TestApp;

const ORDER: [(&str, &str); 4] = [
    ("label", "ERP"),
    ("scope", "capture"),
    ("scope", "query"),
    ("days", "90"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_an_ended_session_is_sent_after_logging_in_again_and_not_before() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let page = owner.get("/admin/keys").await;
    in_database(&app.settings, "DELETE FROM session").await;
    let seen = owner.send_form(&page, "/admin/keys", &ORDER).await;
    assert_eq!((seen.status, seen.text("h1")), (401, "Log in".into()));
    assert!(
        seen.text(".lead").contains("What you entered is kept"),
        "{}",
        seen.text(".lead")
    );
    let fields = [
        ("email", "owner@larkmere.example"),
        ("password", "wrong words here"),
    ];
    let seen = owner.send_form(&seen, "/admin/log-in", &fields).await;
    assert_eq!(seen.status, 422, "and is kept through a mistake");
    let fields = [("email", "owner@larkmere.example"), ("password", PASSWORD)];
    let seen = owner.send_form(&seen, "/admin/log-in", &fields).await;
    assert_eq!(
        (seen.status, seen.text("h1")),
        (200, "You are logged in again".into())
    );
    let shown = seen.texts("dl.rows dd");
    assert_eq!(
        shown,
        ["/admin/keys", "ERP", "capture", "query", "90"],
        "nothing is sent unseen"
    );
    assert_eq!(
        owner.get("/admin/keys").await.texts(".list-main").len(),
        1,
        "nothing is done yet"
    );
    let seen = owner.send_form(&seen, "/admin/keys", &[]).await;
    assert_eq!(seen.status, 200, "{}", seen.html);
    assert!(seen.text("#key").starts_with("rmk_"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_not_carried_and_nothing_is_from_elsewhere() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let page = owner.get("/admin/account").await;
    in_database(&app.settings, "DELETE FROM session").await;
    let fields = [
        ("old_password", PASSWORD),
        ("password", "tin bridge over snow"),
    ];
    let seen = owner
        .send_form(&page, "/admin/account/password", &fields)
        .await;
    assert_eq!(seen.status, 401);
    assert!(!seen.html.contains("tin bridge") && !seen.html.contains("copper tram"));
    let mut victim = Person::new(&app);
    victim.site = Some("cross-site");
    let seen = victim.post("/admin/keys", &ORDER).await;
    assert_eq!(seen.status, 401);
    assert!(
        !seen.html.contains("carried"),
        "what another site sends is not kept"
    );
    // Browsers that say nothing of the site say the origin.
    victim.site = None;
    let own = app.url("");
    for (origin, is_kept) in [
        (None, false),
        (Some("null".to_owned()), false),
        (Some("https://evil.example".to_owned()), false),
        (Some(own), true),
    ] {
        victim.origin = origin.clone();
        let seen = victim.post("/admin/keys", &ORDER).await;
        assert_eq!(seen.html.contains("carried"), is_kept, "{origin:?}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_logged_in_anew_in_another_window_sends_the_form_once_more() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let page = owner.get("/admin/keys").await;
    owner.submit("/admin", "/admin/log-out", &[]).await;
    owner.log_in("owner@larkmere.example", PASSWORD).await;
    let seen = owner.send_form(&page, "/admin/keys", &ORDER).await;
    assert_eq!(
        (seen.status, seen.text("h1")),
        (409, "You are logged in again".into())
    );
    let seen = owner.send_form(&seen, "/admin/keys", &[]).await;
    assert!(seen.text("#key").starts_with("rmk_"), "{}", seen.html);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_page_that_was_open_for_too_long_is_given_back_as_itself() {
    let app = TestApp::start().await;
    owner(&app).await;
    let mut na = Person::new(&app);
    let page = na.get("/admin/log-in").await;
    na.cookies.clear();
    let fields = [("email", "owner@larkmere.example"), ("password", PASSWORD)];
    let seen = na.send_form(&page, "/admin/log-in", &fields).await;
    assert_eq!((seen.status, seen.text("h1")), (409, "Log in".into()));
    let email = seen.attribute("#email", "value");
    assert_eq!(email.as_deref(), Some("owner@larkmere.example"));
    let seen = na.send_form(&seen, "/admin/log-in", &fields[..]).await;
    assert_eq!(seen.location.as_deref(), Some("/admin"));
    app.stop().await;
}
