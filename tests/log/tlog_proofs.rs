//! Statements one by one, as C2SP tlog-proofs, from pages' proofs and from receipts.

use std::io::Read;

use auditlog::bundle::{Bundle, Trust};
use auditlog::note::Verifier;
use auditlog::statement_proof::{VerifiedProof, verify};

use crate::support::{GTIN, TestApp, document};

fn verified(app: &TestApp, proof: &[u8]) -> VerifiedProof {
    let log = Verifier::parse(&app.running.vkey).unwrap();
    let trust = Trust {
        log: Some(&log),
        ..Trust::default()
    };
    verify(proof, &trust).unwrap()
}

/// A service with a lot of which three statements are sealed; gives the path of its proof too.
async fn sealed_lot() -> (TestApp, String) {
    let app = TestApp::start().await;
    let events = [
        document::observation(1, "L1"),
        document::observation(2, "L1"),
    ];
    app.capture(&events).await;
    app.sealed().await;
    (app, format!("/proof/01/{GTIN}/10/L1"))
}

async fn bundle(app: &TestApp, path: &str) -> Bundle {
    Bundle::parse(&app.get_text(path).await).unwrap()
}

fn name_of(answer: &reqwest::Response) -> String {
    let disposition = answer.headers()["Content-Disposition"].to_str().unwrap();
    let name = disposition.strip_prefix("attachment; filename=\"").unwrap();
    name.strip_suffix('"').unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_statement_of_a_proof_can_be_had_alone_and_shows_the_same() {
    let (app, path) = sealed_lot().await;
    let whole = bundle(&app, &path).await;
    assert_eq!(whole.statements.len(), 3);
    for statement in &whole.statements {
        let index = statement.index;
        let answer = app
            .get(&format!("{path}?format=tlog-proof&index={index}"))
            .await;
        assert_eq!(answer.status(), 200);
        assert_eq!(
            answer.headers()["Content-Type"],
            "text/plain; charset=utf-8"
        );
        assert_eq!(answer.headers()["Access-Control-Allow-Origin"], "*");
        assert_eq!(name_of(&answer), format!("{index}.tlog-proof"));
        let text = answer.text().await.unwrap();
        assert!(
            text.ends_with(&whole.checkpoint),
            "the published checkpoint, whole"
        );
        let alone = verified(&app, text.as_bytes());
        assert_eq!(alone.statement.index, index);
        assert_eq!(alone.statement.content, statement.content.open().unwrap());
        assert_eq!(alone.statement.receipt, statement.receipt.open().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_statements_come_in_an_archive_of_one_file_each() {
    let (app, path) = sealed_lot().await;
    let whole = bundle(&app, &path).await;
    let answer = app.get(&format!("{path}?format=tlog-proof")).await;
    assert_eq!(answer.headers()["Content-Type"], "application/x-tar");
    assert_eq!(name_of(&answer), format!("rootmark-{GTIN}-L1.tar"));
    let bytes = answer.bytes().await.unwrap();
    let mut archive = tar::Archive::new(bytes.as_ref());
    let mut found = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut text = Vec::new();
        entry.read_to_end(&mut text).unwrap();
        let index = verified(&app, &text).statement.index;
        assert_eq!(name, format!("{index}.tlog-proof"));
        found.push(index);
    }
    let expected: Vec<_> = whole.statements.iter().map(|s| s.index).collect();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_can_be_had_so_too_and_one_statement_needs_no_archive() {
    let (app, _) = sealed_lot().await;
    let body = document::document(&[document::observation(3, "L2")]);
    let answer = app.post("/epcis/capture", body).await;
    let job = answer.headers()["Location"].to_str().unwrap().to_owned();
    app.sealed().await;
    let get = async |query: &str| {
        let request = app.http.get(app.url(&format!("{job}/proof{query}")));
        request.bearer_auth(&app.key).send().await.unwrap()
    };
    let answer = get("?format=tlog-proof").await;
    assert_eq!(
        answer.headers()["Content-Type"],
        "text/plain; charset=utf-8"
    );
    let alone = verified(&app, &answer.bytes().await.unwrap());
    assert_eq!(
        (alone.statement.withheld(), alone.statement.unnamed()),
        (0, 0)
    );
    let index = alone.statement.index.0;
    let named = get(&format!("?format=tlog-proof&index={index}")).await;
    assert_eq!(named.status(), 200);
    for (query, status) in [
        (format!("?format=tlog-proof&index={}", index + 1), 404),
        ("?format=tlog-proof&index=01".into(), 400),
        (format!("?index={index}"), 400),
        ("?format=zip".into(), 400),
    ] {
        let refused = get(&query).await;
        assert_eq!(refused.status(), status, "{query}");
        let kind = refused.headers()["Content-Type"].to_str().unwrap();
        assert_eq!(kind, "application/problem+json", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_or_an_index_that_there_is_not_is_a_page_that_says_so() {
    let (app, path) = sealed_lot().await;
    for (query, status, words) in [
        ("format=zip", 400, "no such form of proof"),
        ("index=1", 400, "no such form of proof"),
        ("format=tlog-proof&index=-1", 400, "no such form of proof"),
        ("format=tlog-proof&index=99999", 404, "holds no such entry"),
    ] {
        let answer = app.page(&format!("{path}?{query}"), "en").await;
        assert_eq!(answer.status(), status, "{query}");
        let html = answer.text().await.unwrap();
        assert!(html.contains(words), "{query}: {html}");
    }
    assert_eq!(
        app.get(&format!("{path}?format=bundle")).await.status(),
        200
    );
}
