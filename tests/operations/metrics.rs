//! `/metrics`: what it tells, and to whom.

use rootmark::web::MetricsToken;

use crate::support::{TestApp, document};

/// The value of a metric, named with its labels as it is written.
fn value(text: &str, name: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_follow_what_happens() {
    let app = TestApp::start().await;
    app.capture(&[
        document::observation(1, "L1"),
        document::observation(2, "L1"),
    ])
    .await;
    app.sealed().await;
    let checkpoint = app.get_text("/log/checkpoint").await;
    let size: f64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    let answer = app.get("/metrics").await;
    assert_eq!(
        answer.headers()["Content-Type"],
        "text/plain; version=0.0.4"
    );
    assert_eq!(answer.headers()["Cache-Control"], "no-store");
    let text = answer.text().await.unwrap();
    let value = |name: &str| value(&text, name).unwrap_or_else(|| panic!("{name}\n{text}"));
    assert_eq!(value("log_tree_size"), size);
    assert_eq!(value("unsealed_events"), 0.0);
    assert_eq!(value("sealing_stopped"), 0.0);
    assert!(value("checkpoint_age_seconds").is_finite());
    assert!(value("seal_duration_seconds_count") >= 1.0);
    assert_eq!(value("seal_failures_total{reason=\"database\"}"), 0.0);
    assert_eq!(value("scrub_findings_total"), 0.0);
    assert_eq!(value("deliveries_total{outcome=\"delivered\"}"), 0.0);
    assert_eq!(value("deliveries_total{outcome=\"refused\"}"), 0.0);
    assert_eq!(value("subscriptions{state=\"well\"}"), 0.0);
    assert!(value("db_pool_wait_seconds_count{pool=\"capture\"}") >= 1.0);
    assert!(value("disk_free_bytes") > 0.0);
    assert!(value("process_resident_memory_bytes") > 1e6);
    let captures = "http_request_duration_seconds_count{method=\"POST\",route=\"/epcis/capture\",status=\"202\"}";
    assert_eq!(value(captures), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_to_be_sealed_is_counted() {
    let app = TestApp::start_with(|settings| {
        settings.seal_interval = std::time::Duration::from_secs(3_600);
    })
    .await;
    let before = value(&app.get_text("/metrics").await, "unsealed_events").unwrap();
    app.capture(&[
        document::observation(1, "L1"),
        document::observation(2, "L1"),
    ])
    .await;
    let after = value(&app.get_text("/metrics").await, "unsealed_events").unwrap();
    assert_eq!(after - before, 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_address_and_no_invented_method_becomes_a_label() {
    let app = TestApp::start().await;
    let secret = "SEEDED0SERIAL";
    for path in [
        format!("/01/09521041001012/21/{secret}"),
        format!("/{secret}"),
        format!("/log/{secret}"),
        format!("/epcis/capture/{secret}"),
    ] {
        app.get(&path).await;
    }
    let brew = reqwest::Method::from_bytes(b"BREW").unwrap();
    app.http
        .request(brew, app.url("/01/1"))
        .send()
        .await
        .unwrap();
    let text = app.get_text("/metrics").await;
    assert!(!text.contains(secret), "{text}");
    assert!(!text.contains("BREW"), "{text}");
    // The twin: they were counted.
    for counted in [
        "route=\"/01/{link:.*}\"",
        "route=\"none\"",
        "method=\"other\"",
    ] {
        assert!(text.contains(counted), "{counted}\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_only_this_machine_may_read_them_and_only_directly() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/metrics").await.status(), 200);
    for header in ["X-Forwarded-For", "Forwarded", "Via"] {
        let request = app
            .http
            .get(app.url("/metrics"))
            .header(header, "for=127.0.0.1");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 403, "{header}");
        let said = answer.text().await.unwrap();
        assert!(said.contains("ROOTMARK_METRICS_TOKEN"), "{said}");
        assert!(!said.contains("log_tree_size"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_token_whoever_presents_it_may_read_them_and_nobody_else() {
    let token = "correct-horse-battery";
    let app = TestApp::start_with(|settings| {
        settings.serving.metrics_token = MetricsToken::new(token);
    })
    .await;
    let ask = |presented: &str| {
        let request = app.http.get(app.url("/metrics")).bearer_auth(presented);
        request.header("X-Forwarded-For", "203.0.113.7").send()
    };
    assert_eq!(ask(token).await.unwrap().status(), 200);
    for wrong in [
        "",
        "correct-horse-batter",
        "correct-horse-battery1",
        &app.key,
    ] {
        let answer = ask(wrong).await.unwrap();
        assert_eq!(answer.status(), 401, "{wrong}");
        assert_eq!(answer.headers()["WWW-Authenticate"], "Bearer");
        assert!(!answer.text().await.unwrap().contains("log_tree_size"));
    }
    assert_eq!(
        app.get("/metrics").await.status(),
        401,
        "this machine needs it too"
    );
}
