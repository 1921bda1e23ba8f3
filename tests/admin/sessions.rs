//! Sessions end: by themselves, by hand, and with what they rested on.

use rootmark::domain::account::Role;

use crate::kit::{PASSWORD, Person, hire, in_database, owner};
use crate::support::TestApp;

async fn is_in(person: &mut Person) -> bool {
    match person.get("/admin/account").await.status {
        200 => true,
        303 => false,
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_nobody_uses_it_and_after_a_shift_in_any_case() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let age = |seen: &str, created: &str| {
        format!(
            "UPDATE session SET seen_at = now() - interval '{seen}', created_at = now() - interval '{created}'"
        )
    };
    in_database(&app.settings, &age("119 minutes", "11 hours 59 minutes")).await;
    assert!(is_in(&mut na).await, "just in time, and noted as used");
    in_database(&app.settings, &age("0", "11 hours 59 minutes")).await;
    assert!(is_in(&mut na).await);
    in_database(&app.settings, &age("0", "12 hours")).await;
    assert!(!is_in(&mut na).await, "a shift is over");
    na.log_in("owner@larkmere.example", PASSWORD).await;
    in_database(&app.settings, &age("2 hours", "2 hours")).await;
    assert!(!is_in(&mut na).await, "nobody used it");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_logs_out_is_out_and_the_token_is_worth_nothing() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let kept = na.cookies.clone();
    let seen = na.submit("/admin", "/admin/log-out", &[]).await;
    assert_eq!(seen.location.as_deref(), Some("/admin/log-in"));
    assert_eq!(seen.headers["clear-site-data"], "\"cache\"");
    assert!(!na.cookies.contains_key("session"));
    na.cookies = kept;
    assert!(!is_in(&mut na).await);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sees_ones_sessions_and_ends_them_and_nobody_elses() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let mut phone = Person::new(&app);
    phone.device = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Safari/604.1".into();
    phone.log_in("owner@larkmere.example", PASSWORD).await;
    let mut li = hire(&app, app.merchant_id, "li@larkmere.example", Role::Owner).await;

    let seen = na.get("/admin/account").await;
    let listed = seen.texts("section[aria-labelledby=sessions] .list-main");
    assert!(listed.contains(&"Safari · iPhone".to_owned()), "{listed:?}");
    assert!(
        listed.contains(&"Chrome · Android".to_owned()),
        "{listed:?}"
    );
    let end = seen.attribute("form[action$='/end']", "action").unwrap();
    let csrf = li.get("/admin/account").await.fields_of("/admin/log-out");
    let csrf = [("csrf", csrf[0].1.as_str())];
    assert_eq!(li.post(&end, &csrf).await.status, 404, "another person's");
    let nobodys = "/admin/account/sessions/00000000-0000-0000-0000-000000000000/end";
    assert_eq!(li.post(nobodys, &csrf).await.status, 404);
    let own = na
        .send_form(&seen, "/admin/account/sessions/end", &[])
        .await;
    assert_eq!(own.status, 303);
    assert!(is_in(&mut na).await && !is_in(&mut phone).await && is_in(&mut li).await);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_password_ends_all_other_sessions() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let mut phone = Person::new(&app);
    phone.log_in("owner@larkmere.example", PASSWORD).await;
    let path = "/admin/account/password";
    for (old, new, fault) in [
        (
            "wrong words here",
            "tin bridge over snow",
            "The current password is wrong.",
        ),
        (PASSWORD, "short", "A password has at least 12 characters."),
        (PASSWORD, "password1234", "This password is among those"),
        (PASSWORD, "larkmere.example", "This password is among those"),
    ] {
        let fields = [("old_password", old), ("password", new)];
        let seen = na.submit("/admin/account", path, &fields).await;
        assert_eq!(seen.status, 422);
        assert!(
            seen.text(".fault").starts_with(fault),
            "{}",
            seen.text(".fault")
        );
    }
    assert!(is_in(&mut phone).await, "nothing was changed");
    let fields = [
        ("old_password", PASSWORD),
        ("password", "tin bridge over snow"),
    ];
    let seen = na.submit("/admin/account", path, &fields).await;
    assert_eq!(seen.location.as_deref(), Some("/admin/account?changed=1"));
    assert!(is_in(&mut na).await && !is_in(&mut phone).await);
    assert_eq!(
        phone
            .log_in("owner@larkmere.example", PASSWORD)
            .await
            .status,
        422
    );
    let seen = phone
        .log_in("owner@larkmere.example", "tin bridge over snow")
        .await;
    assert_eq!(seen.status, 303);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_lets_nobody_in() {
    let app = TestApp::start().await;
    let na = owner(&app).await;
    let session = na.cookies["session"].clone();
    let stored = crate::kit::count_in_database(
        &app.settings,
        &format!(
            "SELECT count(*) FROM session WHERE encode(token_sha256, 'hex') = '{session}'
             OR position('{session}' in row_to_json(session)::text) > 0"
        ),
    )
    .await;
    assert_eq!(stored, 0);
    let plain =
        format!("SELECT count(*) FROM account WHERE position('{PASSWORD}' in password_hash) > 0");
    assert_eq!(
        crate::kit::count_in_database(&app.settings, &plain).await,
        0
    );
    app.stop().await;
}
