//! Who sees what of a record: a merchant's setting, what holds without one, and that what is hidden is nowhere
//! to be found, on pages, in proofs and beside them.

use rootmark::app::merchants::{KeyOrder, add_key};
use rootmark::domain::scope::Scope;
use serde_json::{Value, json};

use crate::chain::*;
use crate::history::{name, say};
use crate::support::TestApp;
use crate::support::command::rootmark;
use crate::support::proof::{proof, verified};

pub const TIN: &str = "/01/09521041001012/10/L/21/A";
const PLACE: &str = "https://id.gs1.org/414/9522050000003";
const PARTY: &str = "https://id.gs1.org/417/9522050000003";
/// Does not tell the declaration's number.
const DECLARATION: &str = "https://larkmere.example/doc/7f3a";
pub const NUMBER: &str = "222020261234567890";

/// Each field with a text that stands nowhere else, and with what a rule of it may name.
const FIELDS: [(&str, &str, Option<&str>); 12] = [
    ("businessTransaction", "urn:example:MARK-BOL", Some("bol")),
    ("source", "urn:example:MARK-SOURCE", Some("owning_party")),
    (
        "destination",
        "urn:example:MARK-DESTINATION",
        Some("location"),
    ),
    ("quantity", "4711.25", None),
    ("extension", "MARK-PRICE", Some("example:price")),
    ("documentNumber", "MARK-NUMBER-1", Some("healthCertificate")),
    ("documentIssuer", "MARK-ISSUER", Some("healthCertificate")),
    ("partyRegion", "MARK-REGION", None),
    ("partyPosition", "-37.7871", None),
    ("partyRegistration", "MARK-REGISTRATION", None),
    ("yield", "0.001287", None),
    ("codesIssued", "98765", None),
];

pub async fn set(app: &TestApp, rules: Value) {
    say(app, "disclosure", json!({"rules": rules})).await;
}

fn declaration(uri: &str, number: &str) -> Value {
    json!({"document": uri, "documentType": "customsDeclaration", "number": number,
        "title": name("进口报关单", "Import declaration")})
}

/// A rule for one of the fields.
fn rule((field, _, of): &(&str, &str, Option<&str>), level: &str) -> Value {
    match of {
        Some(of) => json!({"field": field, "of": of, "show": level}),
        None => json!({"field": field, "show": level}),
    }
}

pub fn cites(transactions: Value) -> String {
    format!(r#""bizTransactionList":{transactions}"#)
}

/// A tin of a lot that was made of milk, seen where an import declaration is cited, with every field that can be
/// hidden.
pub async fn app() -> TestApp {
    let app = TestApp::start().await;
    let all = [
        format!(r#""readPoint":{{"id":"{PLACE}"}}"#),
        cites(json!([
            {"type": "bol", "bizTransaction": "urn:example:MARK-BOL"},
            {"type": "cert", "bizTransaction": "urn:example:certificate"},
            {"bizTransaction": DECLARATION},
            {"type": "po", "bizTransaction": "urn:example:ORDER-77"},
        ])),
        r#""sourceList":[{"type":"owning_party","source":"urn:example:MARK-SOURCE"}]"#.to_owned(),
        r#""destinationList":[{"type":"location","destination":"urn:example:MARK-DESTINATION"}]"#
            .to_owned(),
        r#""example:price":{"example:amount":"MARK-PRICE"}"#.to_owned(),
    ];
    let made = make(1, &["milk:1"], &["lot:L"]).replacen(":10,", ":4711.25,", 1);
    assert!(made.contains("4711.25"));
    app.capture(&[
        made,
        commission(2, &["tin:A"], "L"),
        object(3, "OBSERVE", &["tin:A"], &all),
    ])
    .await;
    let product = json!({"gtin": "https://id.gs1.org/01/09521041001012",
        "productName": name("奶粉", "Powder"), "yield": {"min": 0.001287, "max": 0.5}});
    say(&app, "products", product).await;
    let party = json!({"party": PARTY, "place": PLACE, "name": name("仓库", "Store"),
        "region": name("MARK-REGION", "MARK-REGION"), "latitude": -37.7871, "longitude": 175.3,
        "registration": "MARK-REGISTRATION"});
    say(&app, "parties", party).await;
    let certificate = json!({"document": "urn:example:certificate",
        "documentType": "healthCertificate", "title": name("卫生证书", "Health certificate"),
        "number": "MARK-NUMBER-1", "issuedBy": name("MARK-ISSUER", "MARK-ISSUER")});
    say(&app, "documents", certificate).await;
    say(&app, "documents", declaration(DECLARATION, NUMBER)).await;
    let order = json!({"document": "urn:example:ORDER-77", "documentType": "order",
        "title": name("订单", "The order")});
    say(&app, "documents", order).await;
    let codes = r#"{"gtin":"09521041001012","lot":"L","quantity":98765}"#;
    assert_eq!(app.post("/api/code-ranges", codes).await.status(), 201);
    app.sealed().await;
    app
}

async fn key(app: &TestApp, scope: Scope) -> String {
    let order = KeyOrder {
        merchant_id: app.merchant_id,
        issuer: "https://id.gs1.org/417/9521041000008",
        label: "disclosure",
        scopes: &[scope],
    };
    add_key(&app.running.database, &order).await.unwrap()
}

pub async fn get_as(app: &TestApp, key: &str, path: &str) -> reqwest::Response {
    let request = app.http.get(app.url(path)).bearer_auth(key);
    request.send().await.unwrap()
}

/// What somebody gets to see: pages in both languages, links and proof. Of the proof every byte counts.
pub async fn seen(app: &TestApp, key: Option<&str>) -> String {
    app.sealed().await;
    let mut all = String::new();
    for path in [
        format!("{TIN}?lang=en"),
        format!("{TIN}?lang=zh-CN"),
        format!("{TIN}?linkType=linkset"),
        format!("/proof{TIN}"),
    ] {
        let answer = match key {
            Some(key) => get_as(app, key, &path).await,
            None => app.get(&path).await,
        };
        assert_eq!(answer.status(), 200, "{path}");
        all.push_str(&answer.text().await.unwrap());
    }
    // Whatever is hidden, a proof must hold.
    let bundle = all.rfind(r#"{"format""#).unwrap();
    verified(app, &all.as_bytes()[bundle..]);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_is_seen_by_those_for_whom_it_is_and_by_nobody_else() {
    let app = app().await;
    let regulator = key(&app, Scope::Inspect).await;
    for level in ["public", "regulators", "withheld"] {
        let rules = FIELDS.iter().map(|field| rule(field, level)).collect();
        set(&app, rules).await;
        let (shopper, inspector) = (seen(&app, None).await, seen(&app, Some(&regulator)).await);
        for (field, mark, _) in &FIELDS {
            assert_eq!(shopper.contains(mark), level == "public", "{level} {field}");
            assert_eq!(
                inspector.contains(mark),
                level != "withheld",
                "{level} {field}"
            );
        }
        // What carries the story is there for all of them.
        for told in [&shopper, &inspector] {
            for words in ["Store", "Health certificate", "09521041000015/10/1", PLACE] {
                assert!(told.contains(words), "{level} {words}");
            }
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_field_is_hidden_without_the_others() {
    let app = app().await;
    let open = json!({"field": "extension", "show": "public"});
    for hidden in &FIELDS {
        set(&app, json!([open, rule(hidden, "withheld")])).await;
        let shopper = seen(&app, None).await;
        for (field, mark, _) in &FIELDS {
            let is_seen = shopper.contains(mark);
            assert_eq!(is_seen, *field != hidden.0, "{} {field}", hidden.0);
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_setting_orders_and_extensions_are_not_for_strangers() {
    let app = app().await;
    let regulator = key(&app, Scope::Inspect).await;
    let (shopper, inspector) = (seen(&app, None).await, seen(&app, Some(&regulator)).await);
    for secret in ["ORDER-77", "The order", "MARK-PRICE", NUMBER] {
        assert!(!shopper.contains(secret), "{secret}");
        assert!(inspector.contains(secret), "{secret}");
    }
    // A proof names what it does not show.
    for named in [
        r#"{"p":"/body/bizTransactionList/3/bizTransaction","c":"#,
        r#"{"p":"/body/example:price/example:amount","c":"#,
        r#"{"p":"/body/number","c":"#,
    ] {
        assert!(shopper.contains(named), "{named}");
        assert!(!inspector.contains(named), "{named}");
    }
    // The last setting stands, and none before it.
    set(
        &app,
        json!([{"field": "businessTransaction", "show": "public"}]),
    )
    .await;
    assert!(seen(&app, None).await.contains("ORDER-77"));
    set(&app, json!([])).await;
    assert!(!seen(&app, None).await.contains("ORDER-77"));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_masked_number_the_last_four_characters_are_on_the_page_and_none_in_the_proof() {
    let app = app().await;
    let page = app.page(TIN, "zh-CN").await.text().await.unwrap();
    assert!(
        page.contains("****7890（部分隐藏）") && page.contains("进口报关单"),
        "{page}"
    );
    let before = proof(&app, TIN).await.statements.len();
    // The declaration itself is proven, without its number.
    let bundle = app.get_text(&format!("/proof{TIN}")).await;
    assert!(bundle.contains(DECLARATION) && !bundle.contains("7890"));
    // A name that tells the number is hidden with it, wherever it stands, and so is what describes it.
    let telling = format!("https://larkmere.example/doc/{NUMBER}");
    say(&app, "documents", declaration(&telling, NUMBER)).await;
    let more = [
        cites(json!([{"bizTransaction": telling}])),
        format!(r#""certificationInfo":["{telling}"]"#),
    ];
    app.capture(&[object(4, "OBSERVE", &["tin:A"], &more)])
        .await;
    let shopper = seen(&app, None).await;
    assert!(!shopper.contains(NUMBER), "{shopper}");
    // The page has it still: twice, under its title.
    let page = app.page(TIN, "en").await.text().await.unwrap();
    assert_eq!(page.matches("Import declaration").count(), 2, "{page}");
    // The event was added, and nothing of the description.
    assert_eq!(proof(&app, TIN).await.statements.len(), before + 1);
    set(&app, json!([{"field": "documentNumber", "show": "public"}])).await;
    assert_eq!(proof(&app, TIN).await.statements.len(), before + 2);
    assert!(seen(&app, None).await.contains(NUMBER));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_citation_shows_its_end_and_a_described_one_its_title() {
    let app = app().await;
    let rule = |of: &str| json!({"field": "businessTransaction", "of": of, "show": "masked"});
    set(&app, json!([rule("po"), rule("bol")])).await;
    let shopper = seen(&app, None).await;
    assert!(!shopper.contains("MARK-BOL") && !shopper.contains("ORDER-77"));
    let page = app.page(TIN, "en").await.text().await.unwrap();
    assert!(
        page.contains("****-BOL (partly hidden)") && page.contains("The order"),
        "{page}"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hidden_field_said_before_is_no_history_for_strangers() {
    let app = app().await;
    let regulator = key(&app, Scope::Inspect).await;
    say(
        &app,
        "documents",
        declaration(DECLARATION, "222020269999991111"),
    )
    .await;
    let page = app.page(TIN, "en").await.text().await.unwrap();
    assert!(
        page.contains("****7890") && page.contains("****1111"),
        "{page}"
    );
    // Taken away altogether, it is hidden where it stood.
    let mut without = declaration(DECLARATION, "");
    without.as_object_mut().unwrap().remove("number");
    say(&app, "documents", without).await;
    let shopper = seen(&app, None).await;
    for number in [NUMBER, "222020269999991111"] {
        assert!(!shopper.contains(number));
        assert!(seen(&app, Some(&regulator)).await.contains(number));
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contradiction_is_told_whatever_is_hidden_and_does_not_tell_what_is() {
    let app = app().await;
    let telling = format!("https://larkmere.example/doc/{NUMBER}");
    let mut late = declaration(&telling, NUMBER);
    late["issued"] = json!("2026-06-20");
    say(&app, "documents", late).await;
    let cited = cites(json!([{"bizTransaction": telling}]));
    app.capture(&[object(5, "OBSERVE", &["tin:A"], &[cited])])
        .await;
    let shopper = seen(&app, None).await;
    assert!(!shopper.contains(NUMBER));
    let page = app.page(TIN, "en").await.text().await.unwrap();
    assert!(
        page.contains("“Import declaration” is dated 20 June 2026"),
        "{page}"
    );
    for (audience, tells) in [("shopper", false), ("regulator", true), ("merchant", true)] {
        let said = rootmark(&app, &["trace", TIN, "--for", audience, "--json"]).await;
        assert_eq!(said.code, 0, "{}", said.err);
        let story = said.json();
        assert_eq!(story["findings"][0]["rule"], "issuedTooLate", "{audience}");
        // It is called by its title.
        assert!(!said.out.contains(NUMBER), "{audience}");
        assert_eq!(
            story["keptBack"].as_u64().unwrap() == 0,
            tells,
            "{audience}"
        );
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_right_key_opens_what_is_for_regulators() {
    let app = app().await;
    let regulator = key(&app, Scope::Inspect).await;
    let issuer = "https://id.gs1.org/417/9522050000003";
    let other = app.add_merchant("Other", issuer).await;
    let order = KeyOrder {
        merchant_id: other.id,
        issuer,
        label: "other",
        scopes: &[Scope::Inspect],
    };
    let foreign = add_key(&app.running.database, &order).await.unwrap();
    for path in [TIN.to_owned(), format!("/proof{TIN}")] {
        let opened = get_as(&app, &regulator, &path).await;
        assert_eq!(opened.status(), 200);
        // Nobody on the way may keep it.
        assert_eq!(opened.headers()["cache-control"], "private, no-store");
        assert_ne!(
            app.get(&path).await.headers()["cache-control"],
            "private, no-store"
        );
        let capture = key(&app, Scope::Capture).await;
        assert_eq!(get_as(&app, &capture, &path).await.status(), 403);
        let unknown = format!("rmk_{}", "0".repeat(64));
        for wrong in ["x", unknown.as_str()] {
            assert_eq!(get_as(&app, wrong, &path).await.status(), 401);
        }
        let refused = get_as(&app, &foreign, &path).await;
        assert_eq!(refused.status(), 403);
        assert!(!refused.text().await.unwrap().contains("Store"));
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_is_read_back_and_a_wrong_one_changes_nothing() {
    let app = app().await;
    let get = async || -> Value {
        let answer = get_as(&app, &app.key, "/api/disclosure").await;
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    };
    let before = get().await;
    assert_eq!(before["rules"], json!([]));
    assert!(before.get("recorded").is_none());
    let default = json!({"field": "businessTransaction", "of": "po", "show": "regulators"});
    assert!(before["defaults"].as_array().unwrap().contains(&default));
    let rules = json!([{"field": "quantity", "show": "withheld"},
        {"field": "extension", "of": "example:price", "show": "public"}]);
    set(&app, rules.clone()).await;
    let after = get().await;
    assert_eq!(after["rules"], rules);
    assert!(after["recorded"].is_string());
    // Said again, it is no new statement.
    let again = app
        .post("/api/disclosure", json!({"rules": rules}).to_string())
        .await;
    assert_eq!(again.status(), 200);
    let wrong = json!({"rules": [{"field": "eventTime", "show": "withheld"}]});
    let refused = app.post("/api/disclosure", wrong.to_string()).await;
    assert_eq!(refused.status(), 400);
    let refused = refused.text().await.unwrap();
    assert!(
        refused.contains("/rules/0/field: must be businessTransaction"),
        "{refused}"
    );
    assert_eq!(get().await["rules"], after["rules"]);
    let master = key(&app, Scope::MasterData).await;
    let body = json!({"rules": []}).to_string();
    assert_eq!(
        app.post_as(&master, "/api/disclosure", body).await.status(),
        403
    );
    assert_eq!(get_as(&app, &master, "/api/disclosure").await.status(), 403);
    // It is a statement like any other, and whatever checks the database finds it whole.
    app.sealed().await;
    let checked = rootmark(&app, &["check"]).await;
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_place_keeps_to_the_setting_of_who_describes_it() {
    let app = app().await;
    let path = "/414/9522050000003";
    assert!(app.get_text(path).await.contains("MARK-REGION"));
    set(
        &app,
        json!([{"field": "partyRegion", "show": "regulators"}]),
    )
    .await;
    let page = app.get_text(path).await;
    assert!(
        page.contains("Store") && !page.contains("MARK-REGION"),
        "{page}"
    );
    app.stop().await;
}
