//! Statements under their party's own signature, from the party's system to the shopper's proof.

use std::path::{Path, PathBuf};

use auditlog::bundle::Verified;
use rootmark::app::merchants::{KeyOrder, add_key};
use rootmark::domain::scope::Scope;
use rootmark::trace::KnownAt;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::chain::*;
use crate::support::TestApp;
use crate::support::command::{Said, rootmark};
use crate::support::document::document;
use crate::support::proof::proof;
use crate::told::story;

const TIN: &str = "/01/09521041001012/10/L/21/A";
const LAB: &str = "https://id.gs1.org/417/9522050000003";
const THIRD: &str = "Signed by a third party";

/// A service whose merchant has described a product, and a laboratory with a key of its own.
struct Bench {
    app: TestApp,
    folder: TempDir,
    /// The laboratory's API key.
    api_key: String,
    /// The public half of the key that it signs with.
    vkey: String,
}

impl Bench {
    async fn new() -> Bench {
        let app = TestApp::start().await;
        app.describe_product("09521041001012").await;
        app.capture(&[
            make(1, &["milk:1"], &["lot:L"]),
            commission(2, &["tin:A"], "L"),
        ])
        .await;
        let order = KeyOrder {
            merchant_id: app.merchant_id,
            issuer: LAB,
            label: "laboratory",
            scopes: &[Scope::Capture, Scope::MasterData],
        };
        let api_key = add_key(&app.running.database, &order).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut bench = Bench {
            app,
            folder,
            api_key,
            vkey: String::new(),
        };
        bench.vkey = bench.new_key("lab.key").await;
        let vkey = bench.vkey.clone();
        bench.describe_lab(&[&vkey]).await;
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn new_key(&self, name: &str) -> String {
        let file = self.path(name);
        let arguments = ["key", "new", "--name", "lab.example", "--out", text(&file)];
        let made = rootmark(&self.app, &arguments).await;
        assert_eq!(made.code, 0, "{made:?}");
        let vkey = made.out.split_whitespace().find(|word| word.contains('+'));
        vkey.unwrap().to_owned()
    }

    /// Says, as the merchant, which keys the laboratory signs with.
    async fn describe_lab(&self, keys: &[&str]) {
        let lab = json!({"party": LAB, "place": "https://id.gs1.org/414/9522050000003",
            "name": {"zh-CN": "陶朗阿实验室", "en": "Tauranga Laboratory"}, "keys": keys});
        let answer = self.app.post("/api/parties", lab.to_string()).await;
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    }

    async fn sign(&self, what: &[&str], body: &str) -> Said {
        self.sign_with(what, body, "lab.key", LAB).await
    }

    async fn sign_with(&self, what: &[&str], body: &str, key: &str, issuer: &str) -> Said {
        let file = self.path("unsigned.json");
        std::fs::write(&file, body).unwrap();
        let key = self.path(key);
        let named = [text(&file), "--key", text(&key), "--issuer", issuer];
        rootmark(&self.app, &[&["sign"], what, &named[..]].concat()).await
    }

    async fn signed(&self, what: &[&str], body: &str) -> String {
        let said = self.sign(what, body).await;
        assert_eq!(said.code, 0, "{said:?}");
        said.out
    }

    async fn post(&self, signed: &str) -> (u16, String) {
        let answer = self
            .app
            .post_as(&self.api_key, "/api/signed-statements", signed)
            .await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Which of the steps of the tin are signed, by their bizStep, and under which key.
    async fn signers(&self) -> Vec<(String, Option<String>)> {
        let story = story(&self.app, "tin:A", KnownAt::NOW).await.unwrap();
        let told = story.steps.iter().filter_map(|step| {
            let signer = story.statement_of(step)?.signer.clone();
            Some((step.event.biz_step.clone()?, signer))
        });
        told.collect()
    }

    async fn page(&self) -> String {
        let page = self.app.page(TIN, "en").await.text().await.unwrap();
        let journey = page.split("<ol class=\"steps\">").nth(1);
        journey.unwrap_or_default().to_owned()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The laboratory's test of the lot, at its own place.
fn tested(hours: u32) -> String {
    let place = r#""readPoint":{"id":"https://id.gs1.org/414/9522050000003"}"#.to_owned();
    let result = r#""example:aerobicCount":1.50e2"#.to_owned();
    let paper =
        r#""bizTransactionList":[{"type":"testres","bizTransaction":"urn:x:coa"}]"#.to_owned();
    let more = [member("bizStep", "inspecting"), place, result, paper];
    object(hours, "OBSERVE", &["lot:L"], &more)
}

fn certificate() -> String {
    json!({"document": "urn:x:coa", "documentType": "certificateOfAnalysis",
        "title": {"zh-CN": "检验报告", "en": "Certificate of analysis"}, "number": "COA-1"})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_party_signed_is_told_as_its_own_and_proven_by_its_key() {
    let bench = Bench::new().await;
    let signed = bench.signed(&["events"], &document(&[tested(5)])).await;
    let (status, body) = bench.post(&signed).await;
    assert_eq!(status, 202, "{body}");
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&answer["eventCount"], &answer["storedCount"]),
        (&json!(1), &json!(1))
    );
    let vkey = Some(bench.vkey.clone());
    assert_eq!(bench.signers().await, [("inspecting".into(), vkey.clone())]);
    let page = bench.page().await;
    assert!(
        page.contains(THIRD) && page.contains("Tauranga Laboratory"),
        "{page}"
    );
    // Its certificate is the merchant's word until it signs that too.
    bench.app.post("/api/documents", certificate()).await;
    assert_eq!(bench.page().await.matches(THIRD).count(), 1);
    let signed = bench
        .signed(&["statement", "document"], &certificate())
        .await;
    let (status, body) = bench.post(&signed).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(bench.page().await.matches(THIRD).count(), 2);
    // Anybody's verifier reads both signatures, and nobody else's.
    let proven = proof(&bench.app, TIN).await;
    let signers = proven
        .statements
        .iter()
        .map(|statement| statement.signer.clone());
    let signers: Vec<String> = signers.flatten().collect();
    assert_eq!(signers, [bench.vkey.clone(), bench.vkey.clone()]);
    let checked = rootmark(&bench.app, &["check"]).await;
    assert_eq!(checked.code, 0, "{checked:?}");
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_signed_is_the_merchants_word_and_so_is_what_it_signed_itself() {
    let bench = Bench::new().await;
    let answer = bench
        .app
        .post_as(&bench.api_key, "/epcis/capture", document(&[tested(5)]))
        .await;
    assert_eq!(answer.status(), 202);
    assert_eq!(bench.signers().await, [("inspecting".into(), None)]);
    assert!(!bench.page().await.contains(THIRD));
    // The merchant signs too: then nobody else said it.
    let merchant = "https://id.gs1.org/417/9521041000008";
    let key = bench.new_key("own.key").await;
    let own = json!({"party": merchant, "name": {"zh-CN": "商家", "en": "The merchant"},
        "keys": [key]});
    assert_eq!(
        bench
            .app
            .post("/api/parties", own.to_string())
            .await
            .status(),
        201
    );
    let body = document(&[tested(6)]);
    let signed = bench
        .sign_with(&["events"], &body, "own.key", merchant)
        .await
        .out;
    let answer = bench.app.post("/api/signed-statements", signed).await;
    assert_eq!(answer.status(), 202);
    let signers = bench.signers().await;
    assert_eq!(signers[1], ("inspecting".into(), Some(key)));
    assert!(!bench.page().await.contains(THIRD));
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_of_what_its_party_did_not_sign() {
    let bench = Bench::new().await;
    let two = document(&[tested(5), step(6, "storing", &["lot:L"])]);
    let signed = bench.signed(&["events"], &two).await;
    let other_key = bench.new_key("other.key").await;
    let by_another = bench
        .sign_with(&["events"], &two, "other.key", LAB)
        .await
        .out;
    let other = "https://id.gs1.org/417/9521041000008";
    let by_other = bench
        .sign_with(&["events"], &two, "lab.key", other)
        .await
        .out;
    let changed = |from: &str, to: &str| {
        assert!(signed.contains(from), "{signed}");
        signed.replacen(from, to, 1)
    };
    for (wrong, why) in [
        // One digit, the last event alone, what the log would add, and somebody else's words and keys.
        (changed("1.50e2", "1.5e2"), "not what its party signed"),
        (changed("storing", "stocking"), "\"event\":1"),
        (
            changed("\"eventID\"", "\"example:id\""),
            "not what its party signed",
        ),
        (by_another, "none of the keys"),
        (changed(&bench.vkey, &other_key), "none of the keys"),
        (by_other, "in whose name the API key speaks"),
    ] {
        let (status, body) = bench.post(&wrong).await;
        assert_eq!(status, 400, "{body}");
        assert!(body.contains(why), "{why}: {body}");
        assert_eq!(bench.signers().await, []);
    }
    // When it was recorded is the repository's to say: it is neither signed nor stored.
    let record_time = r#""recordTime":"2026-01-01T00:00:00Z","eventID""#;
    let signed = changed("\"eventID\"", record_time);
    assert_eq!(bench.post(&signed).await.0, 202);
    assert_eq!(bench.signers().await.len(), 2);
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_counts_while_its_party_has_it_and_what_was_signed_stays_signed() {
    let bench = Bench::new().await;
    let first = bench.signed(&["events"], &document(&[tested(5)])).await;
    assert_eq!(bench.post(&first).await.0, 202);
    let next = bench.new_key("next.key").await;
    // Both are its keys: each signs for itself.
    bench.describe_lab(&[&bench.vkey, &next]).await;
    let other = first.replace(&bench.vkey, &next);
    let (status, body) = bench.post(&other).await;
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("not what its party signed"), "{body}");
    bench.describe_lab(&[&next]).await;
    let old = bench.signed(&["events"], &document(&[tested(6)])).await;
    let (status, body) = bench.post(&old).await;
    assert_eq!(status, 400);
    assert!(body.contains("/statements/0/signer"), "{body}");
    let body = document(&[tested(6)]);
    let new = bench
        .sign_with(&["events"], &body, "next.key", LAB)
        .await
        .out;
    assert_eq!(bench.post(&new).await.0, 202);
    let signers: Vec<_> = bench
        .signers()
        .await
        .into_iter()
        .map(|(_, key)| key)
        .collect();
    assert_eq!(signers, [Some(bench.vkey.clone()), Some(next)]);
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_sent_again_stores_nothing_and_says_so() {
    let bench = Bench::new().await;
    let signed = bench.signed(&["events"], &document(&[tested(5)])).await;
    for stored in [1, 0] {
        let (status, body) = bench.post(&signed).await;
        assert_eq!(status, 202);
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["storedCount"], stored);
    }
    let certificate = bench
        .signed(&["statement", "document"], &certificate())
        .await;
    assert_eq!(bench.post(&certificate).await.0, 201);
    assert_eq!(bench.post(&certificate).await.0, 200);
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_declares_what_a_party_signed_an_error() {
    let bench = Bench::new().await;
    let test = with_id(&tested(5), "urn:x:test");
    let signed = bench.signed(&["events"], &document(&[test])).await;
    assert_eq!(bench.post(&signed).await.0, 202);
    let declared = document(&[declared_error(&tested(5), "urn:x:test")]);
    let retracted = async || {
        let story = story(&bench.app, "tin:A", KnownAt::NOW).await.unwrap();
        story.steps.iter().any(|step| step.is_retracted)
    };
    // Neither the merchant, nor whoever has an API key in the party's name.
    for key in [&bench.app.key, &bench.api_key] {
        let answer = bench
            .app
            .post_as(key, "/epcis/capture", declared.as_str())
            .await;
        assert_eq!(answer.status(), 400);
        let body = answer.text().await.unwrap();
        assert!(body.contains("signed by its party"), "{body}");
        assert!(!retracted().await);
    }
    let signed = bench.signed(&["events"], &declared).await;
    assert_eq!(bench.post(&signed).await.0, 202);
    assert!(retracted().await);
    // What nobody signed, anybody under the merchant takes back.
    let other = with_id(&step(6, "storing", &["lot:L"]), "urn:x:other");
    let declared = declared_error(&step(6, "storing", &["lot:L"]), "urn:x:other");
    bench.app.capture(&[other]).await;
    bench.app.capture(&[declared]).await;
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_party_signed_can_be_erased_and_its_signature_holds() {
    let bench = Bench::new().await;
    bench.app.capture(&[tested(5)]).await;
    let kind = ["statement", "document"];
    let signed = bench.signed(&kind, &certificate()).await;
    assert_eq!(bench.post(&signed).await.0, 201);
    let of = |proven: &Verified| {
        let mut statements = proven.statements.iter();
        let document = statements.find(|one| one.kind == "document").unwrap();
        let number = document.content.value("/body/number").map(str::to_owned);
        (document.index.0, document.signer.clone(), number)
    };
    let (index, signer, number) = of(&proof(&bench.app, TIN).await);
    assert_eq!(
        (&signer, number.as_deref()),
        (&Some(bench.vkey.clone()), Some("\"COA-1\""))
    );
    let reason = json!({"zh-CN": "误录", "en": "Recorded by mistake"});
    let order = json!({"index": index, "fields": ["/number"], "reason": reason});
    let erased = bench.app.post("/api/erasures", order.to_string()).await;
    assert_eq!(erased.status(), 201);
    // The verifier holds the signature against what is left.
    let after = of(&proof(&bench.app, TIN).await);
    assert_eq!(after, (index, signer, None));
    let checked = rootmark(&bench.app, &["check"]).await;
    assert_eq!(checked.code, 0, "{checked:?}");
    // The file that somebody kept brings nothing back.
    assert_eq!(bench.post(&signed).await.0, 400);
    assert_eq!(of(&proof(&bench.app, TIN).await), after);
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_replaced_is_not_said_again_by_whoever_kept_it() {
    let bench = Bench::new().await;
    let report = |number: &str| certificate().replace("COA-1", number);
    let kind = ["statement", "document"];
    let answer = bench
        .app
        .post_as(&bench.api_key, "/api/documents", report("passed"))
        .await;
    assert_eq!(answer.status(), 201);
    // The same words under a signature are more than they were.
    let passed = bench.signed(&kind, &report("passed")).await;
    assert_eq!(bench.post(&passed).await.0, 201);
    let failed = bench.signed(&kind, &report("failed")).await;
    assert_eq!(bench.post(&failed).await.0, 201);
    let (status, body) = bench.post(&passed).await;
    assert_eq!(status, 400);
    assert!(body.contains("sign it anew"), "{body}");
    // Another signature of what was said last says nothing new.
    let repeated = bench.signed(&kind, &report("failed")).await;
    assert_eq!(bench.post(&repeated).await.0, 200);
    // Its party may change its mind.
    let again = bench.signed(&kind, &report("passed")).await;
    assert_eq!(bench.post(&again).await.0, 201);
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_events_or_one_other_statement_and_each_event_once() {
    let bench = Bench::new().await;
    let events = bench.signed(&["events"], &document(&[tested(5)])).await;
    let other = bench
        .signed(&["statement", "document"], &certificate())
        .await;
    let joined = |a: &str, b: &str| {
        let statements = |file: &str| {
            let from = file.find("[\n").unwrap() + 2;
            file[from..file.rfind("\n]}").unwrap()].to_owned()
        };
        format!(
            "{{\"format\":\"rootmark-signed/v1\",\"statements\":[{},{}]}}",
            statements(a),
            statements(b)
        )
    };
    for (file, why) in [
        (joined(&events, &other), "/statements/1/content/kind"),
        (
            joined(&events, &events),
            "/statements/1/content/body/eventID",
        ),
        (
            events.replace("\"event\"", "\"issuance\""),
            "/statements/0/content/kind",
        ),
        (events.replace("signed/v1", "signed/v2"), "/format"),
    ] {
        let (status, body) = bench.post(&file).await;
        assert_eq!(status, 400);
        assert!(body.contains(why), "{why}: {body}");
    }
    assert_eq!(bench.signers().await, []);
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_refuses_what_no_log_would_take_and_never_prints_a_key() {
    let bench = Bench::new().await;
    let event = tested(5);
    let wrong = bench
        .sign(&["events"], &document(&[event.replace("OBSERVE", "LOOK")]))
        .await;
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.err.contains("event 0") && wrong.err.contains("/action"),
        "{wrong:?}"
    );
    // One event that brings its own context.
    let single = event.replacen('{', r#"{"@context":["https://ref.gs1.org/standards/epcis/epcis-context.jsonld",{"example":"https://ns.example.com/"}],"#, 1);
    assert_eq!(bench.sign(&["events"], &single).await.code, 0);
    assert_eq!(bench.sign(&["events"], &event).await.code, 2);
    // Which event was an error, its ID alone says.
    let declared = declared_error(&event, "urn:x:1");
    assert_eq!(
        bench
            .sign(&["events"], &document(std::slice::from_ref(&declared)))
            .await
            .code,
        0
    );
    let nameless = declared.replace(r#""eventID":"urn:x:1","#, "");
    let wrong = bench.sign(&["events"], &document(&[nameless])).await;
    assert!(
        wrong.code == 2 && wrong.err.contains("/eventID"),
        "{wrong:?}"
    );
    let title = certificate().replace("title", "name");
    let wrong = bench.sign(&["statement", "document"], &title).await;
    assert!(wrong.code == 2 && wrong.err.contains("/name"), "{wrong:?}");
    let place = "https://id.gs1.org/414/9522050000003";
    let wrong = bench
        .sign_with(&["events"], &single, "lab.key", place)
        .await;
    assert!(
        wrong.code == 2 && wrong.err.contains("--issuer"),
        "{wrong:?}"
    );
    let secret = std::fs::read_to_string(bench.path("lab.key")).unwrap();
    let secret = secret.trim_end();
    std::fs::write(bench.path("torn.key"), &secret[..secret.len() - 2]).unwrap();
    let wrong = bench.sign_with(&["events"], &single, "torn.key", LAB).await;
    assert!(
        wrong.code == 2 && wrong.err.contains("torn.key: is no key"),
        "{wrong:?}"
    );
    for said in [&wrong.err, &bench.signed(&["events"], &single).await] {
        assert!(!said.contains(&secret[secret.len() - 20..secret.len() - 4]));
    }
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_has_eight_keys_and_a_place_has_none() {
    let bench = Bench::new().await;
    let refused = async |body: Value, why: &str| {
        let answer = bench.app.post("/api/parties", body.to_string()).await;
        assert_eq!(answer.status(), 400);
        let body = answer.text().await.unwrap();
        assert!(body.contains(why), "{body}");
    };
    let name = json!({"zh-CN": "实验室", "en": "Laboratory"});
    let place = "https://id.gs1.org/414/9522050000003";
    let vkey = bench.vkey.as_str();
    let keys = |count: usize| json!({"party": LAB, "name": name, "keys": vec![vkey; count]});
    refused(keys(9), "has more than 8 elements").await;
    refused(
        json!({"place": place, "name": name, "keys": [vkey]}),
        "/keys",
    )
    .await;
    refused(
        json!({"party": LAB, "name": name, "keys": ["lab.example"]}),
        "/keys/0",
    )
    .await;
    let answer = bench.app.post("/api/parties", keys(8).to_string()).await;
    assert_eq!(answer.status(), 201);
    bench.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_stands_in_for_no_scope() {
    let bench = Bench::new().await;
    let events = bench.signed(&["events"], &document(&[tested(5)])).await;
    let other = bench
        .signed(&["statement", "document"], &certificate())
        .await;
    for (scopes, of_events, of_other) in [
        (&[][..], 403, 403),
        (&[Scope::MasterData][..], 403, 403),
        (&[Scope::Capture][..], 202, 403),
        (&[Scope::Capture, Scope::MasterData][..], 202, 201),
    ] {
        let order = KeyOrder {
            merchant_id: bench.app.merchant_id,
            issuer: LAB,
            label: "another",
            scopes,
        };
        let key = add_key(&bench.app.running.database, &order).await.unwrap();
        for (file, expected) in [(&events, of_events), (&other, of_other)] {
            let path = "/api/signed-statements";
            let answer = bench.app.post_as(&key, path, file.as_str()).await;
            assert_eq!(answer.status(), expected, "{scopes:?}");
        }
    }
    bench.app.stop().await;
}
