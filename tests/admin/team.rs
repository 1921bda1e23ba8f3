//! Who looks after a team.

use rootmark::domain::account::Role;

use crate::kit::{Person, hire, owner};
use crate::support::TestApp;

/// The page of a member, as the team's page links to it.
async fn page_of(owner: &mut Person, name: &str) -> String {
    let seen = owner.get("/admin/team").await;
    let html = scraper::Html::parse_document(&seen.html);
    let links = scraper::Selector::parse("a.list-main").unwrap();
    let email = scraper::Selector::parse("p.small").unwrap();
    html.select(&links)
        .find(|link| {
            let row = link.parent().and_then(scraper::ElementRef::wrap).unwrap();
            row.select(&email)
                .any(|p| p.text().collect::<String>() == name)
        })
        .and_then(|link| link.value().attr("href"))
        .unwrap_or_else(|| panic!("no {name} in {}", seen.html))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_role_counts_at_once_and_whoever_is_removed_is_out() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let mut na = hire(&app, app.merchant_id, "na@larkmere.example", Role::Packer).await;
    let page = page_of(&mut owner, "na@larkmere.example").await;
    assert_eq!(na.get("/admin/audit").await.status, 403);
    let set = owner
        .submit(&page, &format!("{page}/role"), &[("role", "auditor")])
        .await;
    assert_eq!(set.location.as_deref(), Some("/admin/team"));
    assert_eq!(
        na.get("/admin/audit").await.status,
        200,
        "in the session that she has"
    );
    let removed = owner.submit(&page, &format!("{page}/removal"), &[]).await;
    assert_eq!(removed.location.as_deref(), Some("/admin/team"));
    assert_eq!(
        na.get("/admin").await.location.as_deref(),
        Some("/admin/log-in")
    );
    let seen = na.log_in("na@larkmere.example", crate::kit::PASSWORD).await;
    assert_eq!(seen.status, 303, "the account is hers");
    let seen = na.get("/admin").await;
    assert_eq!(
        (seen.status, seen.text("h1")),
        (403, "You belong to no team".into())
    );
    assert_eq!(na.get("/admin/account").await.status, 200);
    assert_eq!(owner.get(&page).await.status, 404);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_keeps_an_owner_even_if_two_leave_together() {
    let app = TestApp::start().await;
    let mut one = owner(&app).await;
    let mine = page_of(&mut one, "owner@larkmere.example").await;
    for (path, fields) in [("role", [("role", "packer")]), ("removal", [("x", "y")])] {
        let seen = one.submit(&mine, &format!("{mine}/{path}"), &fields).await;
        assert_eq!(seen.status, 422);
        assert!(
            seen.text(".fault").starts_with("A team keeps one owner"),
            "{}",
            seen.html
        );
    }
    let mut two = hire(&app, app.merchant_id, "two@larkmere.example", Role::Owner).await;
    let other = page_of(&mut one, "two@larkmere.example").await;
    let (first, second) = (one.get(&mine).await, two.get(&other).await);
    let (mine, other) = (format!("{mine}/removal"), format!("{other}/removal"));
    let (first, second) = tokio::join!(
        one.send_form(&first, &mine, &[]),
        two.send_form(&second, &other, &[])
    );
    let mut statuses = [first.status, second.status];
    statuses.sort();
    assert_eq!(statuses, [303, 422]);
    app.stop().await;
}
