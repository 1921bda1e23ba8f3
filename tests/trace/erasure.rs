//! Erasing fields: what is gone, what stays provable, and that nothing is missing without a word.

use auditlog::bundle::Verified;
use rootmark::app::merchants::{KeyOrder, add_key};
use rootmark::domain::scope::Scope;
use serde_json::{Value, json};

use crate::chain::*;
use crate::history::name;
use crate::support::TestApp;
use crate::support::command::rootmark;
use crate::support::proof::{proof, verified};

const TIN: &str = "/01/09521041001012/10/L/21/A";
const FARM: &str = "https://id.gs1.org/414/9522050000003";

pub async fn say(app: &TestApp, what: &str, body: &Value) -> Value {
    let answer = app.post(&format!("/api/{what}"), body.to_string()).await;
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{text}");
    serde_json::from_str(&text).unwrap()
}

fn farm(owner: &str) -> Value {
    json!({"place": FARM, "name": name(&format!("{owner}家牧场"), &format!("{owner} farm")),
        "role": "farm", "country": "NZ", "region": name("怀卡托", "Waikato-7"),
        "latitude": -37.7871, "longitude": 175.3, "registration": "REG-77"})
}

/// A tin that was seen at a farm, whose owner's name was recorded twice.
async fn app() -> TestApp {
    let app = TestApp::start().await;
    let place = format!(r#""readPoint":{{"id":"{FARM}"}}"#);
    app.capture(&[
        make(1, &["milk:1"], &["lot:L"]),
        commission(2, &["tin:A"], "L"),
        object(3, "OBSERVE", &["tin:A"], &[place]),
    ])
    .await;
    say(&app, "parties", &farm("Anna")).await;
    say(&app, "parties", &farm("Anne")).await;
    app.sealed().await;
    app
}

/// The place in the log of the last description of the farm.
fn described(verified: &Verified) -> u64 {
    let parties = verified.statements.iter();
    let parties = parties.filter(|statement| statement.kind == "party");
    parties.map(|statement| statement.index.0).max().unwrap()
}

fn order(index: u64, fields: &[&str]) -> Value {
    json!({"index": index, "fields": fields,
        "reason": name("本人要求删除", "She asked for it")})
}

/// Every row of every table that holds what was said.
async fn dump(app: &TestApp) -> String {
    let mut owner = app.owner().await;
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT convert_from(content, 'UTF8') || encode(content_secret, 'escape') FROM statement",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    rows.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_gone_and_what_was_proven_before_still_is() {
    let app = app().await;
    let before = app.get_text(&format!("/proof{TIN}")).await;
    assert!(before.contains("Anna farm") && before.contains("Anne farm"));
    let index = described(&proof(&app, TIN).await);
    let fields = ["/name", "/region", "/latitude", "/longitude"];
    let erased = say(&app, "erasures", &order(index, &fields)).await;
    // Six leaves of each of the two descriptions.
    assert_eq!(
        (&erased["statements"], &erased["fields"]),
        (&json!(2), &json!(12))
    );
    let after = dump(&app).await;
    for gone in ["Anna", "Anne", "家牧场", "Waikato-7", "37.7871", "175.3"] {
        assert!(!after.contains(gone), "{gone}");
    }
    assert!(after.contains("REG-77"));
    // A bundle from before holds still, with all that it showed; a new one shows nothing of it,
    // whether the erasure itself is sealed by now or not.
    verified(&app, before.as_bytes());
    let at_once = app.get_text(&format!("/proof{TIN}")).await;
    app.sealed().await;
    let bundle = app.get_text(&format!("/proof{TIN}")).await;
    for gone in ["Anna", "Anne", "Waikato-7", "37.7871"] {
        let is_told = at_once.contains(gone) || bundle.contains(gone);
        assert!(!is_told, "{gone}");
    }
    let new = proof(&app, TIN).await;
    let one = new
        .statements
        .iter()
        .find(|one| one.index.0 == index)
        .unwrap();
    for (pointer, value) in [
        ("/body/name/en", None),
        ("/body/latitude", None),
        ("/body/registration", Some("\"REG-77\"")),
        ("/body/role", Some("\"farm\"")),
    ] {
        assert_eq!(one.content.value(pointer), value, "{pointer}");
        let is_named = one
            .content
            .leaves
            .iter()
            .any(|leaf| leaf.pointer == pointer);
        assert!(is_named, "{pointer}");
    }
    // Whoever verifies it is told.
    let file = app.data_dir.path().join("erased.json");
    std::fs::write(&file, &bundle).unwrap();
    let said = rootmark(&app, &["verify", file.to_str().unwrap()]).await;
    assert!(
        said.out.contains("12 fields, as entry") && said.out.contains("She asked for it"),
        "{}",
        said.out
    );
    let erasure = new
        .statements
        .iter()
        .find(|one| one.kind == "erasure")
        .unwrap();
    let reason = erasure.content.value("/body/reason/en");
    assert_eq!(reason, Some("\"She asked for it\""));
    let named = erasure.content.leaves.iter();
    let named = named.filter(|leaf| leaf.value.as_deref() == Some("\"/body/name/en\""));
    assert_eq!(named.count(), 2);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_say_that_it_was_erased_by_whom_and_why() {
    let app = app().await;
    let index = described(&proof(&app, TIN).await);
    say(&app, "erasures", &order(index, &["/name"])).await;
    app.sealed().await;
    for (lang, words) in [
        ("en", ["[erased]", "She asked for it", "What was changed"]),
        ("zh-CN", ["［已删除］", "本人要求删除", "修改记录"]),
    ] {
        let page = app.page(TIN, lang).await.text().await.unwrap();
        for words in words {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(
            !page.contains("Ann") && !page.contains('\u{2421}'),
            "{page}"
        );
    }
    let place = app
        .page("/414/9522050000003", "en")
        .await
        .text()
        .await
        .unwrap();
    assert!(
        place.contains("[erased]") && !place.contains("Ann"),
        "{place}"
    );
    let story = rootmark(&app, &["trace", TIN]).await.out;
    let table = rootmark(&app, &["trace", TIN, "--forward", "--csv"])
        .await
        .out;
    let outline = rootmark(&app, &["trace", TIN, "--forward"]).await.out;
    for (told, words) in [
        (story, "OBSERVE at [erased]"),
        (table, ",[erased],［已删除］,"),
        (outline, " at [erased]"),
    ] {
        assert!(told.contains(words) && !told.contains('\u{2421}'), "{told}");
    }
    // Said again, it stands again: that is the merchant's to answer for.
    say(&app, "parties", &farm("Berta")).await;
    let page = app.page(TIN, "en").await.text().await.unwrap();
    assert!(page.contains("Berta farm"));
    app.stop().await;
}

async fn check_finds(app: &TestApp, finding: &str) {
    let checked = rootmark(app, &["check"]).await;
    assert_eq!(checked.code, 1);
    assert!(checked.out.contains(finding), "{}", checked.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_takes_what_is_missing_only_with_the_statement_that_says_so() {
    let app = app().await;
    let index = described(&proof(&app, TIN).await);
    let mut owner = app.owner().await;
    sqlx::query("CREATE TABLE backup AS SELECT * FROM statement")
        .execute(&mut owner)
        .await
        .unwrap();
    say(
        &app,
        "erasures",
        &order(index, &["/latitude", "/longitude"]),
    )
    .await;
    app.sealed().await;
    let checked = rootmark(&app, &["check"]).await;
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    let restore = "UPDATE statement s SET content = b.content, content_secret = b.content_secret
        FROM backup b WHERE (b.batch_id, b.position) = (s.batch_id, s.position)";
    let gone = "CREATE TABLE gone AS SELECT * FROM statement";
    let erase = "UPDATE statement s SET content = g.content, content_secret = g.content_secret
        FROM gone g WHERE (g.batch_id, g.position) = (s.batch_id, s.position)";
    for text in [gone, restore] {
        sqlx::query(text).execute(&mut owner).await.unwrap();
    }
    check_finds(&app, "/body/latitude was erased, and is there").await;
    // And the other way round: gone without a word.
    let without = "UPDATE statement SET content = convert_to(replace(convert_from(content, 'UTF8'),
        '/body/latitude', '/body/nothing!'), 'UTF8') WHERE kind = 'erasure'";
    for text in [erase, without] {
        sqlx::query(text).execute(&mut owner).await.unwrap();
    }
    check_finds(&app, "/body/latitude is missing, and no statement says").await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_is_erased_nothing_is_left_to_be_erased_and_more_can_be() {
    let app = app().await;
    let index = described(&proof(&app, TIN).await);
    say(&app, "erasures", &order(index, &["/name/en"])).await;
    let again = app
        .post("/api/erasures", order(index, &["/name/en"]).to_string())
        .await;
    assert_eq!(again.status(), 400);
    let more = say(&app, "erasures", &order(index, &["/name"])).await;
    assert_eq!(more["fields"], 2);
    app.sealed().await;
    let checked = rootmark(&app, &["check"]).await;
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_order_erases_nothing() {
    let app = app().await;
    let verified = proof(&app, TIN).await;
    let index = described(&verified);
    let event = verified.statements.iter().find(|one| one.kind == "event");
    let event = event.unwrap().index.0;
    let before = dump(&app).await;
    for (wrong, says) in [
        (order(index, &["/place"]), "/place"),
        (order(index, &["/nothing"]), "none of these fields"),
        // One is misspelled, and so are half of a name and what lies below a text.
        (order(index, &["/name", "/regon"]), "/fields/1: is in none"),
        (order(index, &["/name/e", "/name"]), "/fields/0: is in none"),
        (
            order(index, &["/name", "/name/en/x"]),
            "/fields/1: is in none",
        ),
        (
            order(1_000_000, &["/name"]),
            "no statement of this merchant",
        ),
        (order(event, &["/type"]), "/type: is no extension"),
        (order(index, &["name"]), "is no JSON Pointer"),
        (order(index, &[""]), "is no JSON Pointer"),
        (
            order(index, &["/place"]),
            "/fields/0: /place: cannot be erased",
        ),
        (
            json!({"fields": ["/name"], "reason": name("一", "One")}),
            "/index: is missing, and so is eventID",
        ),
        (json!({"index": index, "fields": ["/name"]}), "/reason"),
        (order(index, &[]), "/fields"),
    ] {
        let refused = app.post("/api/erasures", wrong.to_string()).await;
        assert_eq!(refused.status(), 400, "{wrong}");
        let text = refused.text().await.unwrap();
        assert!(text.contains(says), "{says}: {text}");
    }
    // Nor does a key without the scope, nor that of another merchant.
    let keyed = async |merchant_id, scope| {
        let order = KeyOrder {
            merchant_id,
            issuer: "https://id.gs1.org/417/9521041000008",
            label: "erasure",
            scopes: &[scope],
        };
        add_key(&app.running.database, &order).await.unwrap()
    };
    let master = keyed(app.merchant_id, Scope::MasterData).await;
    let body = order(index, &["/name"]).to_string();
    assert_eq!(
        app.post_as(&master, "/api/erasures", body.clone())
            .await
            .status(),
        403
    );
    let issuer = "https://id.gs1.org/417/9522050000003";
    let other = app.add_merchant("Foreign", issuer);
    let foreign = keyed(other.await.id, Scope::Erasure).await;
    let refused = app.post_as(&foreign, "/api/erasures", body).await;
    assert_eq!(refused.status(), 400);
    assert!(
        refused
            .text()
            .await
            .unwrap()
            .contains("no statement of this merchant")
    );
    assert_eq!(dump(&app).await, before);
    app.stop().await;
}
