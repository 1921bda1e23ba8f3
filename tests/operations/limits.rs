//! Limits for each client: who is turned away, how he is told, and who is not.

use rootmark::web::{LimitSettings, TrustedProxies};

use crate::support::{GTIN, TestApp, document};

/// A service with small limits behind a proxy on this machine, as if it were nginx.
async fn limited(lookups: u32, api: u32) -> TestApp {
    TestApp::start_with(|settings| {
        settings.serving.limits = LimitSettings {
            lookups_per_minute: lookups,
            api_requests_per_minute: api,
        };
        settings.serving.trusted_proxies = TrustedProxies(vec!["127.0.0.1/32".parse().unwrap()]);
    })
    .await
}

async fn ask_as(app: &TestApp, client: &str, path: &str) -> reqwest::Response {
    let request = app
        .http
        .get(app.url(path))
        .header("X-Forwarded-For", client);
    request
        .header("Accept-Language", "en")
        .send()
        .await
        .unwrap()
}

async fn statuses(app: &TestApp, client: &str, path: &str, times: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..times {
        statuses.push(ask_as(app, client, path).await.status().as_u16());
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_up_too_much_is_asked_to_wait_and_others_are_not() {
    let app = limited(2, 0).await;
    let lot = format!("/01/{GTIN}/10/L1");
    app.capture(&[document::observation(1, "L1")]).await;
    let client = "203.0.113.7";
    assert_eq!(statuses(&app, client, &lot, 2).await, [200, 200]);
    let answer = ask_as(&app, client, &lot).await;
    assert_eq!(answer.status(), 429);
    let seconds = answer.headers()["Retry-After"].to_str().unwrap().to_owned();
    assert!(
        (1..=30).contains(&seconds.parse::<u64>().unwrap()),
        "{seconds}"
    );
    assert_eq!(answer.headers()["Content-Type"], "text/html; charset=utf-8");
    assert_eq!(answer.headers()["Cache-Control"], "no-cache");
    assert!(answer.headers().contains_key("Content-Security-Policy"));
    assert!(answer.headers().contains_key("X-Request-Id"));
    assert_eq!(answer.headers()["Access-Control-Allow-Origin"], "*");
    let page = answer.text().await.unwrap();
    assert!(page.contains("Too many lookups at once"), "{page}");
    // One share for everything that looks something up.
    for path in [
        format!("/proof{lot}"),
        format!("/qr{lot}.svg"),
        "/find?code=1".to_owned(),
        "/00/095210410000000015".to_owned(),
        // However it is spelled.
        format!("/%30%31/{GTIN}"),
    ] {
        assert_eq!(statuses(&app, client, &path, 1).await, [429], "{path}");
    }
    assert_eq!(statuses(&app, "203.0.113.8", &lot, 1).await, [200]);
    let refused = app.get_text("/metrics").await;
    assert!(
        refused.contains("http_requests_refused_total{limit=\"lookups\"} 6"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_it_in_the_readers_language() {
    let app = limited(1, 0).await;
    let ask = || {
        let request = app
            .http
            .get(app.url("/"))
            .header("X-Forwarded-For", "203.0.113.7");
        request.header("Accept-Language", "zh-CN").send()
    };
    assert_eq!(ask().await.unwrap().status(), 200);
    let answer = ask().await.unwrap();
    assert_eq!(answer.status(), 429);
    let page = answer.text().await.unwrap();
    assert!(
        page.contains("查询太频繁了") && page.contains("lang=\"zh-CN\""),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_one_share_and_a_machine_is_told_in_its_own_way() {
    let app = limited(0, 3).await;
    let post = |client: &'static str, id| {
        let request = app
            .http
            .post(app.url("/epcis/capture"))
            .bearer_auth(&app.key);
        request
            .header("X-Forwarded-For", client)
            .header("Content-Type", "application/json")
            .body(document::document(&[document::observation(id, "L1")]))
            .send()
    };
    for (id, client) in [(1, "203.0.113.1"), (2, "203.0.113.2"), (3, "203.0.113.3")] {
        assert_eq!(post(client, id).await.unwrap().status(), 202);
    }
    let answer = post("203.0.113.4", 4).await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["Content-Type"], "application/problem+json");
    let seconds = answer.headers()["Retry-After"].to_str().unwrap().to_owned();
    assert!(
        (1..=20).contains(&seconds.parse::<u64>().unwrap()),
        "{seconds}"
    );
    let problem: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(problem["status"], 429);
    assert_eq!(
        problem["type"],
        "epcisException:CaptureLimitExceededException"
    );
    // Nothing of it was stored: the same event, sent from this machine, is a new one.
    let answer = app
        .post(
            "/epcis/capture",
            document::document(&[document::observation(4, "L1")]),
        )
        .await;
    assert_eq!(
        answer.json::<serde_json::Value>().await.unwrap()["rootmark:storedCount"],
        1
    );
    // Look-ups of the same address have nothing to do with it.
    assert_eq!(statuses(&app, "203.0.113.4", "/", 9).await, [200; 9]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_tries_keys_is_turned_away_before_the_database_is_asked() {
    let app = limited(0, 3).await;
    let client = "203.0.113.9";
    let statuses = statuses(&app, client, "/epcis/capture/1", 5).await;
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoofed_header_neither_gives_a_new_share_nor_takes_anothers() {
    let app = limited(2, 0).await;
    // Each time another lie in front of what the proxy adds.
    let client = |n: u8| format!("198.51.100.{n}, 203.0.113.7");
    let mut seen = Vec::new();
    for n in 0..4 {
        seen.push(ask_as(&app, &client(n), "/").await.status().as_u16());
    }
    assert_eq!(seen, [200, 200, 429, 429]);
    assert_eq!(
        statuses(&app, "198.51.100.1", "/", 1).await,
        [200],
        "the one lied about"
    );
    // Without trust in the peer the header says nothing: the peer is this machine, which is free.
    let untrusting = TestApp::start_with(|settings| {
        settings.serving.limits.lookups_per_minute = 1;
    })
    .await;
    assert_eq!(statuses(&untrusting, "203.0.113.7", "/", 5).await, [200; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_ipv6_customer_is_his_whole_network() {
    let app = limited(2, 0).await;
    for (client, status) in [
        ("2001:db8:1:2::1", 200),
        ("2001:db8:1:2:aaaa::1", 200),
        ("[2001:db8:1:2:ffff:ffff:ffff:ffff]:443", 429),
        ("2001:db8:1:3::1", 200),
    ] {
        assert_eq!(statuses(&app, client, "/", 1).await, [status], "{client}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_log_static_files_and_probes_are_never_limited() {
    let app = limited(1, 1).await;
    app.sealed().await;
    let client = "203.0.113.7";
    assert_eq!(
        statuses(&app, client, "/", 2).await,
        [200, 429],
        "the limit is reached"
    );
    for path in [
        "/log/checkpoint",
        "/log/vkey",
        "/livez",
        "/readyz",
        "/static/site.css",
    ] {
        assert_eq!(statuses(&app, client, path, 5).await, [200; 5], "{path}");
    }
}
