//! What a first view costs: bytes, requests, and the time to the verdict on a slow phone.

use std::collections::HashMap;

use serde_json::Value;

use crate::driver::Browser;
use crate::states::States;

/// Bytes of a first view as they travel, headers included.
const MAX_BYTES: u64 = 50_000;
const MAX_REQUESTS: usize = 6;

/// What the network carried since the last time: how many requests, and bytes by address.
async fn carried(browser: &Browser) -> HashMap<String, u64> {
    let mut addresses: HashMap<String, String> = HashMap::new();
    let mut bytes: HashMap<String, u64> = HashMap::new();
    for event in browser.events().await {
        let about = &event["params"];
        let id = || about["requestId"].as_str().unwrap_or_default().to_owned();
        match event["method"].as_str() {
            Some("Network.requestWillBeSent") => {
                let url = about["request"]["url"].as_str().unwrap().to_owned();
                bytes.entry(url.clone()).or_default();
                addresses.insert(id(), url);
            }
            Some("Network.loadingFinished") => {
                if let Some(url) = addresses.get(&id()) {
                    let length = about["encodedDataLength"].as_f64().unwrap_or_default();
                    *bytes.entry(url.clone()).or_default() += length as u64;
                }
            }
            _ => {}
        }
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_view_of_every_state_keeps_its_budget() {
    let states = States::start().await;
    let browser = Browser::start().await;
    browser.screen(360, 640, true).await;
    for state in &states.all {
        browser.open("about:blank").await;
        browser.forget().await;
        browser.events().await;
        browser.open(&state.url).await;
        // What is fetched without anybody waiting for it, such as the icon, is fetched by now.
        browser
            .run("await new Promise(done => requestIdleCallback(done));")
            .await;
        let carried = carried(&browser).await;
        let whole: u64 = carried.values().sum();
        println!(
            "{:>10}: {whole:6} bytes in {} requests",
            state.name,
            carried.len()
        );
        assert!(carried.keys().all(|url| !url.starts_with("data:")));
        assert!(
            carried.len() <= MAX_REQUESTS && whole <= MAX_BYTES,
            "{}: {carried:?}",
            state.name
        );
        // Something was measured: the page and its style sheet at the least, where it is not one file.
        let least = if state.name == "verify" { 1 } else { 3 };
        assert!(carried.len() >= least && whole > 5_000, "{carried:?}");
    }
    browser.close().await;
    states.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_to_the_verdict_on_a_slow_phone_is_known() {
    let states = States::start().await;
    let browser = Browser::start().await;
    browser.screen(360, 640, true).await;
    browser.slow_down(4).await;
    for state in states.all.iter().filter(|state| state.has_story) {
        let mut times = Vec::new();
        for _ in 0..5 {
            browser.open("about:blank").await;
            browser.forget().await;
            browser.open(&state.url).await;
            let painted = browser
                .run(
                    "return await new Promise(resolve => new PerformanceObserver(list => {
                        const last = list.getEntries().pop();
                        resolve([last.startTime, last.element && last.element.closest('.band, .id') !== null]);
                    }).observe({ type: 'largest-contentful-paint', buffered: true }));",
                )
                .await;
            // The largest thing of a first view is the verdict or the product.
            assert_eq!(painted[1], Value::Bool(true), "{}: {painted}", state.name);
            times.push(painted[0].as_f64().unwrap());
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{:>10}: verdict after {:.0} ms (median of 5), at most {:.0} ms",
            state.name, times[2], times[4]
        );
    }
    browser.close().await;
    states.stop().await;
}
