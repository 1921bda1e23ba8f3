//! What a first view costs: bytes, requests, and the time to the verdict on a slow phone.

use std::collections::HashMap;

use serde_json::Value;

use crate::driver::Browser;
use crate::phone::tell;
use crate::states::States;
use crate::support::TestApp;
use crate::verifier::WITHOUT_WEBCRYPTO;

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
                    // A page may be painted in parts, each of which is told a while after it was: the last one counts.
                    "return await new Promise(resolve => {
                        let last = null;
                        let still = 0;
                        new PerformanceObserver(list => {
                            last = list.getEntries().pop();
                            still = 0;
                        }).observe({ type: 'largest-contentful-paint', buffered: true });
                        const look = () => {
                            still += 1;
                            if (last === null || still < 20) {
                                requestAnimationFrame(look);
                                return;
                            }
                            const { startTime, element } = last;
                            const isIt = element !== null && element.closest('.band, .id') !== null;
                            resolve([startTime, isIt, element && element.outerHTML.slice(0, 80)]);
                        };
                        look();
                    });",
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

#[tokio::test(flavor = "multi_thread")]
async fn the_time_that_a_verification_takes_on_a_slow_phone_is_known() {
    let app = TestApp::start().await;
    let code = app.issue("L1", 1).await.remove(0);
    // With the product and the codes that were issued, 20 statements.
    tell(&app, &code, 0..18).await;
    for (engine, script) in [("WebCrypto", ""), ("own", WITHOUT_WEBCRYPTO)] {
        let browser = Browser::start().await;
        browser.screen(360, 640, true).await;
        browser.slow_down(4).await;
        if !script.is_empty() {
            browser.before_every_page(script).await;
        }
        let (mut computing, mut whole) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            browser.open("about:blank").await;
            browser.open(&app.url(&code)).await;
            // Nothing is warm: each page compiles the verifier anew. What is fetched is not counted.
            let found = browser
                .run(
                    "const address = document.querySelector('[data-proof]').getAttribute('href');
                    const bytes = new Uint8Array(await (await fetch(address)).arrayBuffer());
                    await import('/static/verify.js');
                    const began = performance.now();
                    const found = await auditlog.verifyBundle(bytes);
                    const computed = performance.now() - began;
                    return [found.statements.length, computed, await auditlog.ed25519Engine()];",
                )
                .await;
            assert_eq!(found[0], 20);
            assert_eq!(found[2], engine);
            computing.push(found[1].as_f64().unwrap());
            browser.open(&app.url(&code)).await;
            let pressed = browser
                .run(
                    "const section = document.querySelector('[data-check]');
                    const began = performance.now();
                    section.querySelector('.button').click();
                    while (section.dataset.busy !== undefined) {
                        await new Promise(done => setTimeout(done, 1));
                    }
                    return [section.querySelector('.said-pass') !== null, performance.now() - began];",
                )
                .await;
            assert_eq!(pressed[0], true);
            whole.push(pressed[1].as_f64().unwrap());
        }
        computing.sort_by(f64::total_cmp);
        whole.sort_by(f64::total_cmp);
        println!(
            "{engine:>10}: 20 statements in {:.0} ms (median of 5), at most {:.0} ms; from the press to the answer {:.0} ms, \
             at most {:.0} ms",
            computing[2], computing[4], whole[2], whole[4]
        );
        browser.close().await;
    }
    app.stop().await;
}
