//! API keys: who may do what.

use rootmark::domain::scope::Scope;

use crate::kit::{alter, everything, key_for, product, proven_event, refusal};
use crate::support::document::{document, observation};
use crate::support::{GTIN, ISSUER, TestApp};

/// Posts a document with an `Authorization` header.
async fn post_with(app: &TestApp, authorization: Option<&[u8]>) -> reqwest::Response {
    let mut request = app.http.post(app.url("/epcis/capture"));
    if let Some(value) = authorization {
        request = request.header("Authorization", value);
    }
    let request = request.header("Content-Type", "application/json");
    request
        .body(document(&[observation(1, "L1")]))
        .send()
        .await
        .unwrap()
}

/// A key that SQL then changes.
async fn key_where(app: &TestApp, label: &str, change: &str) -> String {
    let key = key_for(app, &Scope::ALL).await;
    let statement =
        format!("UPDATE api_key SET label = '{label}', {change} WHERE label = 'another'");
    alter(app, &statement).await;
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_valid_key_is_told_the_same_whatever_is_wrong_with_it() {
    let app = TestApp::start().await;
    let revoked = key_where(&app, "revoked", "revoked_at = now()").await;
    let expired = key_where(&app, "expired", "expires_at = now() - interval '1 second'").await;
    let before = everything(&app).await;
    let bearer = |key: &str| format!("Bearer {key}").into_bytes();
    let presented: [Option<Vec<u8>>; 12] = [
        None,
        Some(b"".to_vec()),
        Some(b"Bearer".to_vec()),
        Some(b"Bearer ".to_vec()),
        Some(b"Bearer \xff\xfe".to_vec()),
        Some(app.key.clone().into_bytes()),
        Some(format!("Basic {}", app.key).into_bytes()),
        Some(bearer(&app.key[..app.key.len() - 1])),
        Some(bearer(&app.key.to_uppercase())),
        Some(bearer(&format!("rmk_{}", "0".repeat(64)))),
        Some(bearer(&revoked)),
        Some(bearer(&expired)),
    ];
    let mut bodies = Vec::new();
    for authorization in &presented {
        let answer = post_with(&app, authorization.as_deref()).await;
        assert_eq!(answer.status(), 401, "{authorization:?}");
        assert_eq!(answer.headers()["WWW-Authenticate"], "Bearer");
        assert_eq!(answer.headers()["Content-Type"], "application/problem+json");
        bodies.push(answer.text().await.unwrap());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert!(!bodies[0].contains("rmk_"), "{}", bodies[0]);
    assert_eq!(everything(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_works_until_it_expires_and_whatever_the_case_of_its_scheme() {
    let app = TestApp::start().await;
    let key = key_where(&app, "temporary", "expires_at = now() + interval '1 hour'").await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let header = format!("{scheme} {key}");
        assert_eq!(
            post_with(&app, Some(header.as_bytes())).await.status(),
            202,
            "{scheme}"
        );
    }
    let expire = "UPDATE api_key SET expires_at = now() WHERE label = 'temporary'";
    alter(&app, expire).await;
    let header = format!("Bearer {key}");
    assert_eq!(post_with(&app, Some(header.as_bytes())).await.status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_endpoint_asks_for_its_own_scope_and_no_other() {
    let app = TestApp::start().await;
    let name = r#"{"zh-CN":"名","en":"Name"}"#;
    let party = format!(r#"{{"party":"{ISSUER}","name":{name}}}"#);
    let certificate = format!(
        r#"{{"document":"urn:example:certificate:1","documentType":"certificate","title":{name}}}"#
    );
    let order = format!(r#"{{"gtin":"{GTIN}","lot":"L1","quantity":1}}"#);
    let recall = format!(
        r#"{{"recall":"urn:example:recall:1","status":"open","recallClass":3,
        "scope":["https://id.gs1.org/01/{GTIN}/10/L1"],"reason":{name},"instructions":{name},
        "contact":{{"name":{name},"phone":"400-000-0000"}}}}"#
    );
    let review = format!(
        r#"{{"code":"https://id.gs1.org/01/{GTIN}/10/L1","outcome":"copied","reason":{name}}}"#
    );
    let rules = r#"{"rules":[{"field":"quantity","show":"withheld"}]}"#;
    let endpoints = [
        (
            Scope::Capture,
            "/epcis/capture",
            document(&[observation(1, "L1")]),
        ),
        (Scope::MasterData, "/api/products", product(GTIN, "Tin")),
        (Scope::MasterData, "/api/parties", party),
        (Scope::MasterData, "/api/documents", certificate),
        (Scope::Codes, "/api/code-ranges", order),
        (Scope::Recalls, "/api/recalls", recall),
        (Scope::Disclosure, "/api/disclosure", rules.to_owned()),
        (Scope::Cases, "/api/reviews", review),
    ];
    for (scope, path, body) in endpoints {
        let others: Vec<Scope> = Scope::ALL
            .into_iter()
            .filter(|other| *other != scope)
            .collect();
        let lacking = key_for(&app, &others).await;
        let before = everything(&app).await;
        let refused = refusal(app.post_as(&lacking, path, body.clone()).await).await;
        assert_eq!(refused.status, 403, "{path}");
        assert!(
            refused.detail.contains(scope.as_str()),
            "{path}: {}",
            refused.detail
        );
        assert_eq!(everything(&app).await, before, "{path}");
        let sufficient = key_for(&app, &[scope]).await;
        let answer = app.post_as(&sufficient, path, body).await;
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_listed_to_keys_that_may_issue_them_only() {
    let app = TestApp::start().await;
    app.issue("L1", 3).await;
    let path = app.url(&format!("/api/code-ranges/{GTIN}/0/codes"));
    assert_eq!(
        refusal(app.http.get(&path).send().await.unwrap())
            .await
            .status,
        401
    );
    let capturing = key_for(&app, &[Scope::Capture, Scope::MasterData]).await;
    let answer = app
        .http
        .get(&path)
        .bearer_auth(capturing)
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(answer).await.status, 403);
    let issuing = key_for(&app, &[Scope::Codes]).await;
    let answer = app
        .http
        .get(&path)
        .bearer_auth(issuing)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_before_anything_else_is_said_of_the_request() {
    let app = TestApp::start().await;
    let request = app
        .http
        .post(app.url("/epcis/capture"))
        .bearer_auth("rmk_wrong");
    let answer = request
        .header("Content-Type", "text/plain")
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(answer).await.status, 401);
    let request = app
        .http
        .post(app.url("/epcis/capture"))
        .bearer_auth(&app.key);
    let answer = request
        .header("Content-Type", "text/plain")
        .body("{")
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(answer).await.status, 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_recorded_in_the_name_of_the_party_whose_key_sent_it() {
    let app = TestApp::start().await;
    let carrier = "https://id.gs1.org/417/9522030000009";
    let key = app
        .key_of(app.merchant_id, carrier, &[Scope::Capture])
        .await;
    for (key, lot, id) in [(&key, "L1", 1), (&app.key, "L2", 2)] {
        let body = document(&[observation(id, lot)]);
        assert_eq!(app.post_as(key, "/epcis/capture", body).await.status(), 202);
    }
    assert_eq!(
        proven_event(&app, &format!("/01/{GTIN}/10/L1"))
            .await
            .issuer,
        carrier
    );
    assert_eq!(
        proven_event(&app, &format!("/01/{GTIN}/10/L2"))
            .await
            .issuer,
        ISSUER
    );
}
