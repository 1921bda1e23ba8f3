//! Invitations let one person in, once.

use rootmark::domain::account::Role;

use crate::kit::{PASSWORD, Person, hire, in_database, links, owner};
use crate::support::TestApp;

/// Invites an address as its owner does, and gives the link that is shown.
async fn invite(owner: &mut Person, email: &str, role: &str) -> String {
    let fields = [("email", email), ("role", role)];
    let seen = owner
        .submit("/admin/team", "/admin/team/invitations", &fields)
        .await;
    assert_eq!(seen.status, 200, "{}", seen.html);
    let link = seen.text("#link");
    link[link.find("/admin/").unwrap()..].to_owned()
}

const NEW: [(&str, &str); 2] = [("name", " 李娜 "), ("password", PASSWORD)];

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_link_joins_once_in_the_role_that_was_meant() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let link = invite(&mut owner, "Na@Larkmere.example", "packer").await;
    assert_eq!(
        links(&app),
        std::slice::from_ref(&link),
        "the letter has the same"
    );

    let mut na = Person::new(&app);
    for _ in 0..2 {
        let seen = na.get(&link).await;
        assert_eq!(seen.status, 200, "looking uses nothing up");
        assert!(
            seen.text(".lead").contains("as: Packer"),
            "{}",
            seen.text(".lead")
        );
        assert_eq!(
            seen.attribute("#email", "value").as_deref(),
            Some("na@larkmere.example")
        );
    }
    for (name, password, fault) in [
        ("", PASSWORD, "Fill in this field."),
        (
            "李\u{202E}娜",
            PASSWORD,
            "The name has an invisible character",
        ),
        ("李娜", "na@larkmere.example", "This password is among"),
    ] {
        let seen = na
            .submit(&link, &link, &[("name", name), ("password", password)])
            .await;
        assert_eq!(seen.status, 422);
        assert!(
            seen.text(".fault").starts_with(fault),
            "{}",
            seen.text(".fault")
        );
        let kept = seen.attribute("#name", "value").unwrap_or_default();
        assert_eq!(kept, name, "what was entered is kept");
        assert!(seen.attribute("#password", "value").is_none());
    }
    let seen = na.submit(&link, &link, &NEW).await;
    assert_eq!(seen.location.as_deref(), Some("/admin"));
    let seen = na.get("/admin/team").await;
    assert_eq!(seen.texts(".list-main"), ["Na Li", "李娜"]);
    assert_eq!(
        na.get("/admin/keys").await.status,
        403,
        "a packer makes no keys"
    );

    let mut late = Person::new(&app);
    let seen = late.get(&link).await;
    assert_eq!(
        (seen.status, seen.text("h1")),
        (410, "This link is good no longer".into())
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_use_one_link_together_one_comes_too_late() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let link = invite(&mut owner, "na@larkmere.example", "quality").await;
    let (mut one, mut two) = (Person::new(&app), Person::new(&app));
    let (one_seen, two_seen) = (one.get(&link).await, two.get(&link).await);
    let (one, two) = tokio::join!(
        one.send_form(&one_seen, &link, &NEW),
        two.send_form(&two_seen, &link, &NEW)
    );
    let mut statuses = [one.status, two.status];
    statuses.sort();
    assert!([[303, 410], [303, 422]].contains(&statuses), "{statuses:?}");
    assert_eq!(owner.get("/admin/team").await.texts(".list-main").len(), 2);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_or_past_its_time_lets_nobody_in() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let back = invite(&mut owner, "a@larkmere.example", "packer").await;
    let seen = owner.get("/admin/team").await;
    let end = seen
        .attribute("section[aria-labelledby=invitations] form", "action")
        .unwrap();
    assert_eq!(owner.send_form(&seen, &end, &[]).await.status, 303);
    assert_eq!(owner.send_form(&seen, &end, &[]).await.status, 404, "once");
    let past = invite(&mut owner, "b@larkmere.example", "packer").await;
    in_database(
        &app.settings,
        "UPDATE invitation SET expires_at = now() WHERE email LIKE 'b@%'",
    )
    .await;
    let mut person = Person::new(&app);
    for link in [
        &back,
        &past,
        &format!("{}0", &past[..past.len() - 1]),
        &format!("{past}00"),
    ] {
        assert_eq!(person.get(link).await.status, 410, "{link}");
    }
    // And both can be invited again.
    invite(&mut owner, "a@larkmere.example", "packer").await;
    invite(&mut owner, "b@larkmere.example", "packer").await;
    let fields = [("email", "b@larkmere.example"), ("role", "packer")];
    let seen = owner
        .submit("/admin/team", "/admin/team/invitations", &fields)
        .await;
    assert_eq!(seen.status, 422, "but not twice");
    assert_eq!(
        seen.attribute("#email", "value").as_deref(),
        Some("b@larkmere.example")
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_an_account_joins_with_it_and_nobody_with_another() {
    let app = TestApp::start().await;
    let mut owner = owner(&app).await;
    let other = app
        .add_merchant("Redspur Demo", "https://id.gs1.org/417/9521072000001")
        .await;
    let mut agent = hire(&app, other.id, "agent@customs.example", Role::Customs).await;
    let link = invite(&mut owner, "agent@customs.example", "customs").await;
    let join = format!("{link}/join");

    let mut stranger = Person::new(&app);
    let seen = stranger.get(&link).await;
    let log_in = seen.attribute("main .actions a", "href").unwrap();
    assert!(
        log_in.starts_with(&format!("/admin/log-in?to={link}")),
        "{log_in}"
    );
    assert!(
        !seen.html.contains("type=\"password\""),
        "no second account"
    );

    let mut li = hire(&app, app.merchant_id, "li@larkmere.example", Role::Packer).await;
    let seen = li.get(&link).await;
    assert!(
        seen.text(".fault").contains("agent@customs.example"),
        "{}",
        seen.html
    );
    let csrf = seen.fields_of("/admin/language");
    let csrf = [(
        "csrf",
        csrf.iter()
            .find(|(name, _)| name == "csrf")
            .unwrap()
            .1
            .as_str(),
    )];
    assert_eq!(
        li.post(&join, &csrf).await.status,
        422,
        "not her invitation"
    );

    assert_eq!(
        agent.submit(&link, &join, &[]).await.location.as_deref(),
        Some("/admin")
    );
    let seen = agent.get("/admin").await;
    assert_eq!(
        seen.text("h1"),
        "Larkmere Demo",
        "acts for the new one at once"
    );
    let seen = agent.get("/admin/account").await;
    let employers = seen.texts("section[aria-labelledby=employers] .list-main");
    assert_eq!(employers, ["Larkmere Demo", "Redspur Demo"]);
    let switch = [("merchant", other.id.to_string())];
    let switch = switch.each_ref().map(|(n, v)| (*n, v.as_str()));
    let fields: Vec<_> = seen.fields_of("/admin/language");
    let csrf = &fields.iter().find(|(name, _)| name == "csrf").unwrap().1;
    let back = agent
        .post("/admin/merchant", &[("csrf", csrf), switch[0]])
        .await;
    assert_eq!(back.status, 303);
    assert_eq!(agent.get("/admin").await.text("h1"), "Redspur Demo");
    // Nobody acts for whom he does not work for.
    let fields: Vec<_> = li.get("/admin/account").await.fields_of("/admin/language");
    let csrf = &fields.iter().find(|(name, _)| name == "csrf").unwrap().1;
    assert_eq!(
        li.post("/admin/merchant", &[("csrf", csrf), switch[0]])
            .await
            .status,
        404
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_cannot_be_sent_is_told_and_the_link_is_there_all_the_same() {
    let app = TestApp::start_with(|settings| {
        // Nobody listens there.
        settings.mail = rootmark::mail::MailSettings::Smtp {
            server: rootmark::mail::SmtpServer::parse("smtp://127.0.0.1:1").unwrap(),
            from: "rootmark@larkmere.example".parse().unwrap(),
        };
    })
    .await;
    let mut owner = owner(&app).await;
    let fields = [("email", "na@larkmere.example"), ("role", "packer")];
    let seen = owner
        .submit("/admin/team", "/admin/team/invitations", &fields)
        .await;
    assert_eq!(seen.status, 200);
    assert!(
        seen.text(".lead").contains("could not be sent"),
        "{}",
        seen.text(".lead")
    );
    let link = seen.text("#link");
    let link = &link[link.find("/admin/").unwrap()..];
    assert_eq!(Person::new(&app).get(link).await.status, 200);
    app.stop().await;
}
