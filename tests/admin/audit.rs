//! Every act is kept, and nobody changes one.

use rootmark::domain::account::Role;

use crate::kit::{PASSWORD, count_in_database, hire, in_database, owner};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_stands_there_once_by_whom_it_was_done() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let fields = [("email", "na@larkmere.example"), ("role", "packer")];
    owner
        .submit("/admin/team", "/admin/team/invitations", &fields)
        .await;
    // What fails is no act.
    owner
        .submit("/admin/team", "/admin/team/invitations", &fields)
        .await;
    let order = [
        ("label", "=HYPERLINK(1)"),
        ("scope", "capture"),
        ("days", "30"),
    ];
    owner.submit("/admin/keys", "/admin/keys", &order).await;
    let seen = owner.get("/admin/audit").await;
    let acts = seen.texts(".list li");
    let expected = [
        "Made the API key =HYPERLINK(1) capture owner@larkmere.example",
        "Invited na@larkmere.example packer owner@larkmere.example",
        "Logged in owner@larkmere.example",
        "Logged in owner@larkmere.example",
        "Joined the team owner owner@larkmere.example",
        "Invited owner@larkmere.example owner Operator",
        "Made the API key test",
    ];
    assert_eq!(acts.len(), expected.len(), "{acts:?}");
    for (act, expected) in acts.iter().zip(expected) {
        assert!(act.starts_with(expected), "{act} is not {expected}");
    }

    let csv = owner.send_form(&seen, "/admin/audit/export", &[]).await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<&str> = csv.html.lines().collect();
    assert_eq!(lines.len(), 1 + 7 + 1, "the export is one, too: {lines:?}");
    assert!(lines[0].ends_with("time,actor,act,subject,detail"));
    assert!(
        lines[7].contains(",keyMade,'=HYPERLINK(1),capture"),
        "{}",
        lines[7]
    );
    assert!(lines[8].contains(",actsExported,"), "{}", lines[8]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_record_is_shown_in_pages_and_taken_out_whole() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let fill = format!(
        "INSERT INTO act SELECT '{}', ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, now(), 'old', \
         'loggedIn', 'n' || n, '' FROM generate_series(1, 2500) n",
        app.merchant_id
    );
    in_database(&app.settings, &fill).await;
    let mut seen = owner.get("/admin/audit").await;
    let (mut pages, mut acts) = (1, seen.texts(".list li").len());
    while let Some(older) = seen.attribute("a[href^='/admin/audit?before']", "href") {
        seen = owner.get(&older).await;
        acts += seen.texts(".list li").len();
        pages += 1;
    }
    let stored = count_in_database(&app.settings, "SELECT count(*) FROM act").await;
    assert_eq!((acts as i64, pages), (stored, stored.div_euclid(50) + 1));
    let seen = owner.get("/admin/audit").await;
    let csv = owner.send_form(&seen, "/admin/audit/export", &[]).await;
    assert_eq!(csv.html.lines().count() as i64, 1 + stored + 1);
    for wrong in ["x", "%00"] {
        let seen = owner.get(&format!("/admin/audit?before={wrong}")).await;
        assert_eq!(seen.status, 404);
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_of_the_service_changes_or_deletes_an_act() {
    let app = TestApp::start().await;
    owner(&app).await;
    let granted = "SELECT count(*) FROM pg_roles r, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS p (privilege)
        WHERE r.rolname LIKE 'rootmark\\_%' AND (has_table_privilege(r.oid, 'act', p.privilege)
            OR p.privilege = 'UPDATE' AND has_any_column_privilege(r.oid, 'act', p.privilege))";
    assert_eq!(count_in_database(&app.settings, granted).await, 0);
    let mut conn = app.running.database.accounts.acquire().await.unwrap();
    for statement in ["UPDATE act SET actor = 'x'", "DELETE FROM act"] {
        let done = sqlx::query(statement).execute(&mut *conn).await;
        assert!(done.is_err(), "{statement}");
    }
    drop(conn);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_does_to_the_own_account_is_known_wherever_he_works() {
    let app = TestApp::start().await;
    let mut one = owner(&app).await;
    let other = app
        .add_merchant("Redspur Demo", "https://id.gs1.org/417/9521072000001")
        .await;
    let mut agent = hire(
        &app,
        app.merchant_id,
        "agent@customs.example",
        Role::Customs,
    )
    .await;
    let insert = format!(
        "INSERT INTO membership SELECT '{}', id, 'customs', now() FROM account WHERE email = 'agent@customs.example'",
        other.id
    );
    in_database(&app.settings, &insert).await;
    let fields = [
        ("old_password", PASSWORD),
        ("password", "tin bridge over snow"),
    ];
    let seen = agent
        .submit("/admin/account", "/admin/account/password", &fields)
        .await;
    assert_eq!(seen.status, 303);
    let count = "SELECT count(DISTINCT merchant_id) FROM act WHERE what = 'passwordChanged'";
    assert_eq!(count_in_database(&app.settings, count).await, 2);
    assert!(
        one.get("/admin/audit")
            .await
            .html
            .contains("Changed the password")
    );
    app.stop().await;
}
