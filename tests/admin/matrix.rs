//! Every route × every role × a foreign merchant: generated from the table of routes, so that a route that is new is walked, too.

use std::collections::BTreeMap;

use rootmark::accounts::log_in::account_of;
use rootmark::domain::account::{Email, Role};
use rootmark::web::admin::Needs;
use rootmark::web::admin::table::{Entry, TABLE};
use uuid::Uuid;

use crate::kit::{Person, hire};
use crate::support::TestApp;

/// What stands for the parameters of addresses: those of one merchant, by their names.
type Ids = BTreeMap<&'static str, String>;

/// What the parameters of addresses are called, and whose they are. A route with a new one needs a row here.
const PARAMETERS: [(&str, Whose); 6] = [
    ("token", Whose::Nobodys),
    ("elsewhere:.*", Whose::Nobodys),
    ("session", Whose::Persons),
    ("account", Whose::Merchants),
    ("invitation", Whose::Merchants),
    ("key", Whose::Merchants),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Nobodys,
    Persons,
    Merchants,
}

fn parameter(entry: &Entry) -> Option<(&'static str, Whose)> {
    let start = entry.path.find('{')?;
    let end = entry.path.find('}')?;
    let name = &entry.path[start + 1..end];
    let known = PARAMETERS.iter().find(|(known, _)| *known == name);
    let known = known.unwrap_or_else(|| panic!("{}: say whose {name} is", entry.path));
    Some(*known)
}

fn filled(entry: &Entry, ids: &Ids) -> String {
    match parameter(entry) {
        None => entry.path.to_owned(),
        Some((name, _)) => {
            let hole = format!("{{{name}}}");
            entry.path.replace(&hole, &ids[name])
        }
    }
}

/// A merchant with something of everything that an address names.
async fn merchant(app: &TestApp, id: Uuid, name: &str) -> (Ids, Person) {
    let mut owner = hire(app, id, &format!("owner@{name}.example"), Role::Owner).await;
    hire(app, id, &format!("somebody@{name}.example"), Role::Packer).await;
    let email = format!("invited@{name}.example");
    let fields = [("email", email.as_str()), ("role", "packer")];
    owner
        .submit("/admin/team", "/admin/team/invitations", &fields)
        .await;
    let order = [("label", "ERP"), ("scope", "capture"), ("days", "30")];
    owner.submit("/admin/keys", "/admin/keys", &order).await;
    let part = |href: String, nth: usize| href.split('/').nth(nth).unwrap().to_owned();
    let team = owner.get("/admin/team").await;
    let invitation = team
        .attribute("form[action*='/invitations/']", "action")
        .unwrap();
    let member = team
        .attribute("a.list-main[href^='/admin/team/']", "href")
        .unwrap();
    let keys = owner.get("/admin/keys").await;
    let key = keys
        .attribute("form[action^='/admin/keys/']", "action")
        .unwrap();
    let account = owner.get("/admin/account").await;
    let session = account
        .attribute("form[action^='/admin/account/sessions/']", "action")
        .unwrap();
    let ids = Ids::from([
        ("token", "00".repeat(32)),
        ("elsewhere:.*", "nowhere/at/all".into()),
        ("session", part(session, 4)),
        ("account", part(member, 3)),
        ("invitation", part(invitation, 4)),
        ("key", part(key, 3)),
    ]);
    (ids, owner)
}

/// What everybody answers to a request, in a form that is right but for who sends it.
async fn status(person: &mut Person, entry: &Entry, path: &str) -> u16 {
    if !entry.is_form {
        return person.get(path).await.status;
    }
    let page = person.get("/admin/account").await;
    let csrf = match page.status {
        200 => page.fields_of("/admin/language"),
        _ => person.get("/admin/log-in").await.fields_of("/admin/log-in"),
    };
    let csrf = csrf
        .iter()
        .find(|(name, _)| name == "csrf")
        .unwrap()
        .1
        .clone();
    // Whatever a form asks for that is looked at before its subject.
    let fields = [("csrf", csrf.as_str()), ("role", "packer")];
    person.post(path, &fields).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_reaches_what_it_may_not_and_nobody_reaches_another_merchants() {
    let app = TestApp::start().await;
    let (own, _owner) = merchant(&app, app.merchant_id, "larkmere").await;
    let other = app
        .add_merchant("Redspur Demo", "https://id.gs1.org/417/9521072000001")
        .await;
    let (foreign, _other_owner) = merchant(&app, other.id, "redspur").await;
    let mut asked = 0;
    for role in Role::ALL {
        let email = format!("{}@matrix.example", role.as_str());
        for entry in TABLE {
            // Acts of an earlier row may have ended the session.
            let mut person = match entry.path {
                "/admin/log-out" => continue,
                _ => again(&app, &email, role).await,
            };
            let Needs::Duty(duty) = entry.needs else {
                continue;
            };
            let (mine, theirs) = (filled(entry, &own), filled(entry, &foreign));
            let is_allowed = role.may(duty);
            asked += 1;
            if !is_allowed {
                for path in [&mine, &theirs] {
                    let found = status(&mut person, entry, path).await;
                    assert_eq!(found, 403, "{role:?} {path}");
                }
                continue;
            }
            if let Some((_, whose)) = parameter(entry) {
                let found = status(&mut person, entry, &theirs).await;
                assert_eq!(found, 404, "{role:?} reaches {theirs}");
                if whose == Whose::Nobodys {
                    continue;
                }
            }
            // What is one's own is reached: else the rows above would say nothing.
            if !entry.is_form {
                let found = status(&mut person, entry, &mine).await;
                assert_eq!(found, 200, "{role:?} {mine}");
            }
        }
    }
    assert!(asked >= 6 * 10, "{asked}");
    app.stop().await;
}

/// Somebody of a role, who is logged in: hired the first time.
async fn again(app: &TestApp, email: &str, role: Role) -> Person {
    let mut person = Person::new(app);
    let keys = app.running.code_key.account_keys();
    let mut conn = app.running.database.accounts.acquire().await.unwrap();
    let known = account_of(&mut conn, &Email::parse(email).unwrap()).await;
    drop(conn);
    match known.unwrap() {
        None => hire(app, app.merchant_id, email, role).await,
        Some(account) => {
            person
                .cookies
                .insert("device".into(), keys.device_mark(account.id));
            let seen = person.get("/admin").await;
            assert_eq!(seen.status, 303);
            crate::kit::let_in(app, &mut person, account).await;
            person
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_logged_in_is_led_to_the_log_in_from_everywhere() {
    let app = TestApp::start().await;
    let (own, _owner) = merchant(&app, app.merchant_id, "larkmere").await;
    for entry in TABLE {
        let path = filled(entry, &own);
        let mut stranger = Person::new(&app);
        let found = status(&mut stranger, entry, &path).await;
        match (entry.needs, entry.is_form) {
            (Needs::Nobody, _) => assert!([200, 410, 422].contains(&found), "{path}: {found}"),
            (_, false) => assert_eq!(found, 303, "{path}"),
            (_, true) => assert_eq!(found, 401, "{path}"),
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_ends_another_persons_session_whatever_his_role() {
    let app = TestApp::start().await;
    let (own, _owner) = merchant(&app, app.merchant_id, "larkmere").await;
    for role in Role::ALL {
        let email = format!("{}@matrix.example", role.as_str());
        let mut person = hire(&app, app.merchant_id, &email, role).await;
        for entry in TABLE {
            if let Some((_, Whose::Persons)) = parameter(entry) {
                let found = status(&mut person, entry, &filled(entry, &own)).await;
                assert_eq!(found, 404, "{role:?} {}", entry.path);
            }
        }
    }
    app.stop().await;
}
