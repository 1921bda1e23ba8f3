//! The second factor.

use rootmark::domain::account::SecondFactor;
use time::OffsetDateTime;

use crate::kit::{PASSWORD, Person, Seen, count_in_database, in_database, owner, wait_for_letters};
use crate::support::TestApp;

const SET_UP: &str = "/admin/account/second-factor";

/// The factor that a page proposes, as an authenticator takes it from the key that is typed.
fn proposed(seen: &Seen) -> SecondFactor {
    let typed = seen.text(".secret").replace(' ', "");
    let mut bits = String::new();
    for c in typed.chars() {
        let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap();
        bits.push_str(&format!("{value:05b}"));
    }
    let byte = |n: usize| u8::from_str_radix(&bits[8 * n..8 * n + 8], 2).unwrap();
    SecondFactor(std::array::from_fn(byte))
}

fn code(factor: &SecondFactor) -> String {
    factor.code_at(OffsetDateTime::now_utc().unix_timestamp() as u64)
}

/// Forgets that a code was used, as if half a minute had passed.
async fn pass_a_step(app: &TestApp) {
    in_database(&app.settings, "UPDATE account SET factor_step = NULL").await;
}

/// Sets up a factor: it, and the codes on paper.
pub async fn set_up(person: &mut Person) -> (SecondFactor, Vec<String>) {
    let seen = person.get(SET_UP).await;
    let factor = proposed(&seen);
    let fields = [("password", PASSWORD), ("code", &code(&factor))];
    let seen = person.send_form(&seen, SET_UP, &fields).await;
    assert_eq!(seen.status, 200, "{}", seen.html);
    (factor, seen.texts(".paper-codes .code"))
}

#[tokio::test(flavor = "multi_thread")]
async fn from_then_on_the_password_alone_opens_nothing() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let seen = na.get(SET_UP).await;
    let fields = [("password", PASSWORD), ("code", "000000")];
    let wrong = na.send_form(&seen, SET_UP, &fields).await;
    assert_eq!(wrong.status, 422);
    let right = code(&proposed(&seen));
    let fields = [("password", "wrong words here"), ("code", &right)];
    let without = na.send_form(&seen, SET_UP, &fields).await;
    assert_eq!(
        without.status, 422,
        "whoever finds an open session does not know it"
    );
    assert_eq!(
        proposed(&wrong),
        proposed(&seen),
        "the one that was scanned stands"
    );
    let (factor, papers) = set_up(&mut na).await;
    assert_eq!(papers.len(), 10);

    let mut phone = Person::new(&app);
    let seen = phone.log_in("owner@larkmere.example", PASSWORD).await;
    assert_eq!(
        (seen.status, seen.text("h1")),
        (200, "Second factor".into())
    );
    let first = phone.cookies["session"].clone();
    for page in ["/admin", "/admin/team", "/admin/account", SET_UP] {
        let seen = phone.get(page).await;
        assert_eq!(
            seen.location.as_deref(),
            Some("/admin/second-factor"),
            "{page}"
        );
    }
    let seen = phone.get("/admin/second-factor").await;
    let used = code(&factor);
    let again = phone
        .send_form(&seen, "/admin/second-factor", &[("code", &used)])
        .await;
    assert_eq!(again.status, 422, "the code of the set-up was used");
    pass_a_step(&app).await;
    let fields = [("code", code(&factor))];
    let fields = fields.each_ref().map(|(n, v)| (*n, v.as_str()));
    let seen = phone
        .send_form(&seen, "/admin/second-factor", &fields)
        .await;
    assert_eq!(seen.location.as_deref(), Some("/admin"));
    assert_ne!(phone.cookies["session"], first, "another token");
    assert_eq!(phone.get("/admin").await.status, 200);
    // And the one that was shown before the factor is worth nothing.
    phone.cookies.insert("session".into(), first);
    assert_eq!(
        phone.get("/admin").await.location.as_deref(),
        Some("/admin/log-in")
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_up_that_is_sent_twice_leads_to_new_codes_on_paper() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let seen = na.get(SET_UP).await;
    let fields = [("password", PASSWORD), ("code", &code(&proposed(&seen)))];
    assert_eq!(na.send_form(&seen, SET_UP, &fields).await.status, 200);
    let again = na.send_form(&seen, SET_UP, &fields).await;
    let led_to = again.location.unwrap();
    let seen = na.get(&led_to).await;
    assert!(
        seen.text(".done").contains("make new ones"),
        "{}",
        seen.html
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_on_paper_lets_in_once() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let (_, papers) = set_up(&mut na).await;
    let paper = papers[3].to_lowercase().replace('-', " ");
    let mut phone = Person::new(&app);
    phone.log_in("owner@larkmere.example", PASSWORD).await;
    let page = "/admin/second-factor";
    let wrong = phone
        .submit(page, page, &[("recovery_code", "00000-00000")])
        .await;
    assert_eq!(wrong.status, 422);
    let seen = phone.submit(page, page, &[("recovery_code", &paper)]).await;
    assert_eq!(seen.location.as_deref(), Some("/admin"));
    let seen = phone.get("/admin/account").await;
    assert!(
        seen.html.contains("9 recovery codes are left."),
        "{}",
        seen.html
    );
    let mut other = Person::new(&app);
    other.log_in("owner@larkmere.example", PASSWORD).await;
    let seen = other.submit(page, page, &[("recovery_code", &paper)]).await;
    assert_eq!(seen.status, 422, "used");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_show_one_code_together_are_one_too_many() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let (factor, _) = set_up(&mut na).await;
    pass_a_step(&app).await;
    let (mut one, mut two) = (Person::new(&app), Person::new(&app));
    let page = "/admin/second-factor";
    one.log_in("owner@larkmere.example", PASSWORD).await;
    two.log_in("owner@larkmere.example", PASSWORD).await;
    let code = code(&factor);
    let fields = [("code", code.as_str())];
    let (first, second) = tokio::join!(
        one.submit(page, page, &fields),
        two.submit(page, page, &fields)
    );
    let mut statuses = [first.status, second.status];
    statuses.sort();
    assert_eq!(statuses, [303, 422]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_five_wrong_codes_it_begins_with_the_password_again() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let (factor, _) = set_up(&mut na).await;
    pass_a_step(&app).await;
    let mut phone = Person::new(&app);
    phone.log_in("owner@larkmere.example", PASSWORD).await;
    let page = "/admin/second-factor";
    for _ in 0..4 {
        let seen = phone.submit(page, page, &[("code", "000000")]).await;
        assert_eq!(seen.status, 422);
    }
    let seen = phone.submit(page, page, &[("code", "000000")]).await;
    assert_eq!(seen.status, 403);
    assert_eq!(seen.text("main .button"), "Log in");
    assert_eq!(
        phone.get(page).await.location.as_deref(),
        Some("/admin/log-in")
    );
    // Of the second factor, and that somebody knows the password.
    wait_for_letters(&app, 2).await;
    let acts = na.get("/admin/audit").await.texts(".list li");
    assert!(
        acts[0].starts_with("Showed the password, and five wrong codes"),
        "{acts:?}"
    );
    // Of codes an account has ten tries in a quarter of an hour, however often the password is shown: one went to the
    // set-up and five to this session.
    phone.log_in("owner@larkmere.example", PASSWORD).await;
    for _ in 0..4 {
        phone.submit(page, page, &[("code", "000000")]).await;
    }
    let seen = phone.submit(page, page, &[("code", &code(&factor))]).await;
    assert_eq!(seen.status, 429);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_taken_away_with_password_and_code_and_not_with_one_of_them() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let (factor, papers) = set_up(&mut na).await;
    pass_a_step(&app).await;
    let path = "/admin/account/second-factor/removal";
    for (password, code) in [
        ("wrong words here", code(&factor)),
        (PASSWORD, "000000".into()),
    ] {
        let fields = [("password", password), ("code", &code)];
        let seen = na.submit(SET_UP, path, &fields).await;
        assert_eq!(seen.status, 422);
    }
    let renewed = na
        .submit(
            SET_UP,
            "/admin/account/recovery-codes",
            &[("code", &code(&factor))],
        )
        .await;
    assert_eq!(renewed.status, 200);
    let fields = [
        ("password", PASSWORD),
        ("recovery_code", papers[0].as_str()),
    ];
    assert_eq!(
        na.submit(SET_UP, path, &fields).await.status,
        422,
        "an old paper"
    );
    let paper = renewed.texts(".paper-codes .code").remove(0);
    let fields = [("password", PASSWORD), ("recovery_code", paper.as_str())];
    assert_eq!(na.submit(SET_UP, path, &fields).await.status, 303);
    let mut phone = Person::new(&app);
    let seen = phone.log_in("owner@larkmere.example", PASSWORD).await;
    assert_eq!(seen.status, 303, "the password alone again");
    let left = "SELECT count(*) FROM recovery_code";
    assert_eq!(count_in_database(&app.settings, left).await, 0);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_factor_that_was_made_for_somebody_else_is_not_taken() {
    let app = TestApp::start().await;
    let mut na = owner(&app).await;
    let role = rootmark::domain::account::Role::Packer;
    let mut li = crate::kit::hire(&app, app.merchant_id, "li@larkmere.example", role).await;
    let hers = na.get(SET_UP).await;
    let factor = proposed(&hers);
    let sealed = hers.fields_of(SET_UP);
    let sealed = &sealed.iter().find(|(name, _)| name == "sealed").unwrap().1;
    let csrf = li.get(SET_UP).await.fields_of(SET_UP);
    let csrf = &csrf.iter().find(|(name, _)| name == "csrf").unwrap().1;
    for wrong in [
        sealed.as_str(),
        "",
        "zz",
        &"00".repeat(61),
        &"00".repeat(500),
    ] {
        let fields = [
            ("csrf", csrf.as_str()),
            ("sealed", wrong),
            ("password", PASSWORD),
            ("code", &code(&factor)),
        ];
        assert_eq!(li.post(SET_UP, &fields).await.status, 400, "{wrong}");
    }
    app.stop().await;
}
