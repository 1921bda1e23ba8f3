//! Logging in, and everything that does not let anybody in.

use rootmark::domain::account::Role;

use crate::kit::{PASSWORD, Person, hire, owner};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn the_right_password_lets_in_with_a_new_session_and_no_other_does() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let seen = na.get("/admin").await;
    assert_eq!(
        (seen.status, seen.text("h1")),
        (200, "Larkmere Demo".into())
    );
    assert_eq!(seen.headers["cache-control"], "no-store");

    let mut stranger = Person::new(&app);
    let seen = stranger.get("/admin/team?x=1").await;
    assert_eq!(
        seen.location.as_deref(),
        Some("/admin/log-in?to=%2Fadmin%2Fteam%3Fx%3D1")
    );
    let before = stranger.cookies.clone();
    for (email, password) in [
        ("owner@larkmere.example", "copper tram lists ninE"),
        ("owner@larkmere.example", ""),
        ("nobody@larkmere.example", PASSWORD),
        ("no address", PASSWORD),
        ("owner@larkmere.example", &"x".repeat(5000)),
    ] {
        let seen = stranger.log_in(email, password).await;
        assert_eq!(seen.status, 422, "{email}");
        assert!(
            seen.text(".fault")
                .starts_with("Address or password is wrong"),
            "{email}"
        );
        assert!(!stranger.cookies.contains_key("session"));
    }
    let seen = stranger.log_in(" OWNER@larkmere.example ", PASSWORD).await;
    assert_eq!(seen.location.as_deref(), Some("/admin"));
    let session = &stranger.cookies["session"];
    assert!(!before.values().any(|value| value == session) && *session != na.cookies["session"]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_account_is_answered_like_whoever_mistypes() {
    let app = TestApp::start().await;
    owner(&app).await;
    let mut pages = Vec::new();
    for email in ["owner@larkmere.example", "other@larkmere.example"] {
        let mut stranger = Person::new(&app);
        let seen = stranger.log_in(email, "wrong words here").await;
        let csrf = stranger
            .get("/admin/log-in")
            .await
            .fields_of("/admin/log-in");
        let mut page = seen.html.replace(email, "EMAIL");
        for (_, value) in csrf.iter().filter(|(name, _)| name == "csrf") {
            page = page.replace(value, "CSRF");
        }
        let page = page.split("name=\"form\"").next().unwrap().to_owned();
        pages.push((seen.status, page));
    }
    assert_eq!(pages[0], pages[1]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_run_out_for_strangers_and_not_for_whoever_logged_in_here_before() {
    let app = TestApp::start_with(|settings| {
        // What a proxy forwards came over a network: the dashboard opens to it over TLS alone.
        settings.public_url = Some("https://trace.example.org".into());
        settings.serving.trusted_proxies =
            rootmark::web::TrustedProxies(vec!["127.0.0.0/8".parse().unwrap()]);
    })
    .await;
    let mut na = owner(&app).await;
    let mut stranger = Person::new(&app);
    stranger.address = Some("198.51.100.7".into());
    // One try went to Na's own log-in, on a device that was not known yet.
    for _ in 0..9 {
        let seen = stranger
            .log_in("owner@larkmere.example", "wrong words here")
            .await;
        assert_eq!(seen.status, 422);
    }
    stranger.address = Some("203.0.113.9".into());
    let seen = stranger.log_in("owner@larkmere.example", PASSWORD).await;
    assert_eq!(
        seen.status, 429,
        "from everywhere, and with the right password"
    );
    let wait: u64 = seen.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=90).contains(&wait), "{wait}");
    assert!(!stranger.cookies.contains_key("__Host-session"));
    let seen = stranger.log_in("other@larkmere.example", PASSWORD).await;
    assert_eq!(seen.status, 422, "others have tries of their own");

    na.cookies.remove("__Host-session");
    let seen = na.log_in("owner@larkmere.example", PASSWORD).await;
    assert_eq!(seen.status, 303, "her device is known");
    // A mark that somebody makes up is no mark.
    stranger
        .cookies
        .insert("__Host-device".into(), "00".repeat(32));
    let seen = stranger.log_in("owner@larkmere.example", PASSWORD).await;
    assert_eq!(seen.status, 429);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_logs_in_goes_where_he_wanted_and_never_elsewhere() {
    let app = TestApp::start().await;
    owner(&app).await;
    for (wanted, reached) in [
        ("/admin/team", "/admin/team"),
        ("//evil.example", "/admin"),
        ("https://evil.example/admin", "/admin"),
        ("/admin/../evil", "/admin"),
        ("/\\evil.example", "/admin"),
    ] {
        let mut person = Person::new(&app);
        let page = format!("/admin/log-in?to={wanted}");
        let fields = [("email", "owner@larkmere.example"), ("password", PASSWORD)];
        let seen = person.submit(&page, "/admin/log-in", &fields).await;
        assert_eq!(seen.location.as_deref(), Some(reached), "{wanted}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_cookies_are_bound_to_this_host_and_hidden_from_scripts() {
    let app = TestApp::start_with(|settings| {
        settings.public_url = Some("https://trace.example.org".into());
    })
    .await;
    hire_over_tls(&app).await;
    app.stop().await;
}

async fn hire_over_tls(app: &TestApp) {
    let mut person = Person::new(app);
    let seen = person.get("/admin/log-in").await;
    let set = seen.headers["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("__Host-visit="), "{set}");
    let na = hire(app, app.merchant_id, "na@larkmere.example", Role::Owner).await;
    let names: Vec<_> = na.cookies.keys().cloned().collect();
    assert_eq!(names, ["__Host-device", "__Host-session", "__Host-visit"]);
    let seen = person.log_in("na@larkmere.example", PASSWORD).await;
    for cookie in seen.headers.get_all("set-cookie") {
        let cookie = cookie.to_str().unwrap();
        for part in ["; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/"] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_we_did_not_give_out_does_nothing() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let fields = na.get("/admin/keys").await.fields_of("/admin/keys");
    let field = |name: &str| {
        let found = fields.iter().find(|(known, _)| known == name);
        found.unwrap().1.clone()
    };
    let (csrf, form) = (field("csrf"), field("form"));
    let order = [
        ("label", "ERP"),
        ("scope", "capture"),
        ("days", "30"),
        ("form", &form),
    ];
    let with = |csrf: &str| {
        let mut fields: Vec<(String, String)> = order
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        fields.push(("csrf".into(), csrf.into()));
        fields
    };
    let mut other = hire(&app, app.merchant_id, "other@larkmere.example", Role::Owner).await;
    let others = other.get("/admin/keys").await.fields_of("/admin/keys");
    let foreign = &others.iter().find(|(name, _)| name == "csrf").unwrap().1;
    na.site = Some("cross-site");
    for wrong in ["", "00", foreign] {
        let fields = with(wrong);
        let fields: Vec<_> = fields
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let seen = na.post("/admin/keys", &fields).await;
        assert_eq!(
            (seen.status, seen.text("h1")),
            (403, "This form is out of date".into())
        );
    }
    let mut stranger = Person::new(&app);
    stranger.site = None;
    let fields = [("email", "owner@larkmere.example"), ("password", PASSWORD)];
    let seen = stranger.post("/admin/log-in", &fields).await;
    assert_eq!(
        seen.status, 403,
        "nobody is logged in by somebody else's page"
    );
    assert_eq!(
        na.get("/admin/keys").await.texts(".list-main").len(),
        1,
        "the one of the test"
    );
    let fields = with(&csrf);
    let fields: Vec<_> = fields
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        na.post("/admin/keys", &fields).await.status,
        200,
        "and the right one does"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_form_or_too_large_is_told_so() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let long = "x".repeat(70_000);
    let seen = na.post("/admin/keys", &[("label", &long)]).await;
    assert_eq!(
        (seen.status, seen.text("h1")),
        (413, "This is too much for one form".into())
    );
    let many: Vec<(&str, &str)> = (0..201).map(|_| ("scope", "capture")).collect();
    assert_eq!(na.post("/admin/keys", &many).await.status, 413);
    let request = app.http.post(app.url("/admin/keys")).body("{}");
    let request = request.header("Content-Type", "application/json");
    let request = request.header("Cookie", format!("session={}", na.cookies["session"]));
    assert_eq!(request.send().await.unwrap().status(), 400);
    app.stop().await;
}
