//! What these tests share: refusals as types, the whole database as one value, a second merchant.

use std::collections::BTreeMap;

use auditlog::bundle::VerifiedStatement;
use rootmark::anchor::PublicLog;
use rootmark::check::check;
use rootmark::domain::scope::Scope;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

pub use crate::support::proof::{proof, whole_proof};
use crate::support::{ISSUER, TestApp, document};

/// The brand owner of the second merchant.
pub const OTHER_ISSUER: &str = "https://id.gs1.org/417/9521072000008";
/// A product that nobody has described yet.
pub const OTHER_GTIN: &str = "09521072001012";
/// The JSON-LD context that every document here names first.
pub const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";

/// An answer of problem+json.
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    pub kind: String,
    pub detail: String,
    /// Position of the event, if there is one, and JSON Pointer.
    pub faults: Vec<(Option<u64>, String)>,
}

/// Reads an answer that must be a refusal of the form that RFC 9457 gives it.
pub async fn refusal(answer: reqwest::Response) -> Refusal {
    let status = answer.status().as_u16();
    let content_type = answer.headers().get("Content-Type").cloned();
    let text = answer.text().await.unwrap();
    assert_eq!(
        content_type.unwrap(),
        "application/problem+json",
        "{status}: {text}"
    );
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["status"], status, "{text}");
    assert!(!body["title"].as_str().unwrap().is_empty(), "{text}");
    let fault = |error: &Value| {
        assert!(!error["detail"].as_str().unwrap().is_empty(), "{error}");
        (
            error["event"].as_u64(),
            error["pointer"].as_str().unwrap().to_owned(),
        )
    };
    Refusal {
        status,
        kind: body["type"].as_str().unwrap().to_owned(),
        detail: body["detail"].as_str().unwrap().to_owned(),
        faults: body["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(fault)
            .collect(),
    }
}

/// Captures a document that must be accepted: how many of its events were new.
pub async fn stored(app: &TestApp, events: &[String]) -> i64 {
    stored_as(app, &app.key, events).await
}

/// The same with another key.
pub async fn stored_as(app: &TestApp, key: &str, events: &[String]) -> i64 {
    let answer = app
        .post_as(key, "/epcis/capture", document::document(events))
        .await;
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, 202, "{text}");
    let job: Value = serde_json::from_str(&text).unwrap();
    job["rootmark:storedCount"].as_i64().unwrap()
}

/// Every row of every table, as a count and a hash for each, once nothing moves any more.
pub async fn everything(app: &TestApp) -> BTreeMap<String, String> {
    app.sealed().await;
    let mut conn = app.owner().await;
    let mut found = BTreeMap::new();
    for table in tables(&mut conn).await {
        let query = format!(
            "SELECT count(*) || ' rows, ' || coalesce(md5(string_agg(t::text, E'\\n' ORDER BY \
             t::text)), '') FROM {table} AS t"
        );
        found.insert(table, scalar(&mut conn, &query).await);
    }
    found
}

/// Every table of the service.
pub async fn tables(conn: &mut PgConnection) -> Vec<String> {
    strings(
        conn,
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
           AND relname <> '_sqlx_migrations' ORDER BY relname",
    )
    .await
}

/// The number that a query gives.
pub async fn count(app: &TestApp, query: &str) -> i64 {
    let mut conn = app.owner().await;
    sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
        .fetch_one(&mut conn)
        .await
        .unwrap()
}

/// The text that a query gives.
pub async fn scalar(conn: &mut PgConnection, query: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
        .fetch_one(conn)
        .await
        .unwrap()
}

/// The texts that a query gives.
pub async fn strings(conn: &mut PgConnection, query: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
        .fetch_all(conn)
        .await
        .unwrap()
}

/// Runs statements as the database's owner.
pub async fn alter(app: &TestApp, statements: &str) {
    let mut conn = app.owner().await;
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(&mut conn)
        .await
        .unwrap();
}

/// Events that are stored.
pub async fn event_count(app: &TestApp) -> i64 {
    count(app, "SELECT count(*) FROM statement WHERE kind = 'event'").await
}

/// Leaves under the public checkpoint, once everything is public.
pub async fn tree_size(app: &TestApp) -> u64 {
    app.sealed().await;
    let checkpoint = app.get_text("/log/checkpoint").await;
    checkpoint.lines().nth(1).unwrap().parse().unwrap()
}

/// Compares the database with the tiles and the anchor file: all must hold together.
pub async fn assert_checks_out(app: &TestApp) {
    app.sealed().await;
    let mut conn = app.running.database.checker.acquire().await.unwrap();
    let log = PublicLog::new(app.public_log());
    let report = check(&mut conn, log.folder(), |_, _| ()).await.unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
}

/// The only event in the proof of a code, with all that is shown to anybody.
pub async fn proven_event(app: &TestApp, path: &str) -> VerifiedStatement {
    let statements = whole_proof(app, path).await.statements;
    let mut events = statements
        .into_iter()
        .filter(|statement| statement.kind == "event");
    let event = events.next().unwrap();
    assert!(events.next().is_none(), "more than one event");
    event
}

/// Another merchant, with a key that may do everything.
pub async fn another_merchant(app: &TestApp) -> (Uuid, String) {
    let merchant = app.add_merchant("Redridge Demo", OTHER_ISSUER).await;
    let key = app.key_of(merchant.id, OTHER_ISSUER, &Scope::ALL).await;
    (merchant.id, key)
}

/// Another key of the first merchant.
pub async fn key_for(app: &TestApp, scopes: &[Scope]) -> String {
    app.key_of(app.merchant_id, ISSUER, scopes).await
}

/// A product's description.
pub fn product(gtin: &str, name: &str) -> String {
    format!(
        r#"{{"gtin":"https://id.gs1.org/01/{gtin}",
            "productName":{{"zh-CN":"{name}","en":"{name}"}}}}"#
    )
}

/// Reports a problem with a product, as a shopper's browser does.
pub async fn report_problem(app: &TestApp, gtin: &str) {
    let fields = [
        ("form", "1".repeat(32)),
        ("matter", "other".to_owned()),
        ("words", "Dented".to_owned()),
    ];
    let parts = fields.iter().map(|(name, value)| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    });
    let body: String = parts.chain(["--b--\r\n".to_owned()]).collect();
    let request = app.http.post(app.url(&format!("/report/01/{gtin}")));
    let request = request.header("Content-Type", "multipart/form-data; boundary=b");
    let answer = request.body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// Gives a merchant somebody who is logged in, an invitation and a form that was sent.
pub async fn employ_somebody(app: &TestApp, merchant_id: Uuid) {
    let (account, token) = (Uuid::now_v7(), merchant_id.simple());
    let rows = format!(
        "INSERT INTO account (id, email, name, password_hash, password_changed_at, language, created_at)
         VALUES ('{account}', '{account}@a.example', 'Na', '-', now(), 'en', now());
         INSERT INTO membership VALUES ('{merchant_id}', '{account}', 'owner', now());
         INSERT INTO session VALUES (decode('{token}{token}', 'hex'), '{account}', '{account}',
             '{merchant_id}', now(), now(), false, 0, '');
         INSERT INTO invitation VALUES ('{merchant_id}', '{account}', decode('{token}{token}', 'hex'), 'a@b.example',
             'owner', 'operator', 'M', now(), now(), NULL);
         INSERT INTO sent_form VALUES ('{merchant_id}', '{account}', now(), '/admin')"
    );
    let mut owner = app.owner().await;
    sqlx::raw_sql(AssertSqlSafe(rows))
        .execute(&mut owner)
        .await
        .unwrap();
}
