//! The example's pages in a real browser.

mod access;
mod arriving;
mod budget;
mod camera;
mod desk;
mod driver;
mod forms;
#[path = "../support/installed.rs"]
mod installed;
mod kept;
mod looked_up;
#[path = "../../crates/auditlog/tests/fuzz/mutate.rs"]
mod mutate;
mod old;
mod pages;
mod phone;
mod print;

mod states;
#[path = "../support/mod.rs"]
mod support;
mod verifier;

use driver::Browser;
use pages::OVERFLOWING;
use rootmark::demo::{self, Variant};
use rqrr::PreparedImage;
use serde_json::Value;
use states::States;
use support::TestApp;

/// The addresses of the example's three codes, the service they are of, and a browser.
pub async fn open_example() -> (TestApp, Vec<String>, Browser) {
    let app = TestApp::start().await;
    let example = demo::load(&app.running, app.data_dir.path(), Variant::Sound)
        .await
        .unwrap();
    let urls = example.traces.into_iter().map(|trace| trace.url).collect();
    (app, urls, Browser::start().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_complete_without_scripts_and_break_no_rule_of_their_policy() {
    let states = States::start().await;
    let browser = Browser::start().await;
    browser.forbid_scripts().await;
    for state in &states.all {
        for language in ["zh-CN", "en"] {
            browser.open(&state.url_in(language)).await;
            let mut messages = browser.console().await;
            messages.retain(|message| !message.contains(&format!("status of {}", state.status)));
            assert_eq!(messages, [""; 0], "{}", state.name);
            let missing = browser
                .evaluate(
                    "return [...document.images].filter(i => !i.naturalWidth).map(i => i.src)
                        .concat([...document.querySelectorAll('link[rel=stylesheet]')]
                            .filter(l => !l.sheet || !l.sheet.cssRules.length).map(l => l.href))
                        .concat(performance.getEntriesByType('resource').map(r => r.name)
                            .filter(name => !name.startsWith(location.origin + '/')))",
                )
                .await;
            assert_eq!(missing, Value::Array(Vec::new()), "{}", state.name);
            // Whatever has a heading has something under it.
            let empty = browser
                .evaluate(
                    "return [...document.querySelectorAll('main section, main aside')]
                        .filter(e => e.innerText.trim().length < 10).map(e => e.outerHTML)",
                )
                .await;
            assert_eq!(empty, Value::Array(Vec::new()), "{}", state.name);
        }
    }
    for state in &states.all[..4] {
        browser.open(&state.url).await;
        let steps = browser
            .evaluate("return document.querySelector('.steps').innerText")
            .await;
        assert!(
            steps.as_str().unwrap().chars().count() > 500,
            "the journey is laid out: {steps}"
        );
    }
    // The console does tell of what the policy forbids.
    browser
        .evaluate("document.body.setAttribute('style', 'color: red')")
        .await;
    let blocked = browser.console().await;
    assert!(
        blocked
            .iter()
            .any(|m| m.contains("Content Security Policy")),
        "{blocked:?}"
    );
    browser.close().await;
    states.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_small_phone_the_verdict_is_seen_at_once_and_nothing_sticks_out() {
    let (app, mut urls, browser) = open_example().await;
    browser.screen(360, 640, true).await;
    urls.extend(["/", "/01/09506000134352", "/01/1"].map(|path| app.url(path)));
    for url in &urls {
        for language in ["zh-CN", "en"] {
            browser.open(&format!("{url}?lang={language}")).await;
            let overflowing = browser.evaluate(OVERFLOWING).await;
            assert_eq!(overflowing, Value::Array(Vec::new()), "{url} in {language}");
            let seen = browser
                .evaluate("return document.querySelector('h1').getBoundingClientRect().bottom")
                .await;
            assert!(
                seen.as_f64().unwrap() < 640.0,
                "{url} in {language}: {seen}"
            );
            // WCAG 2.2, 2.5.5: what is touched is 44 pixels high.
            let small = browser
                .evaluate(
                    "return [...document.querySelectorAll('a, button, summary, input:not([type=hidden])')]
                        .filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)",
                )
                .await;
            assert_eq!(small, Value::Array(Vec::new()), "{url} in {language}");
        }
    }
    for url in &urls[..3] {
        browser.open(url).await;
        let name = "return document.querySelector('#product').getBoundingClientRect().bottom";
        let seen = browser.evaluate(name).await;
        assert!(
            seen.as_f64().unwrap() < 640.0,
            "the product's name too: {seen}"
        );
    }
    // The measure does see what sticks out.
    browser
        .evaluate(
            "document.querySelector('h1').textContent = 'W'.repeat(10); \
                   document.querySelector('h1').style.whiteSpace = 'nowrap'; \
                   document.querySelector('h1').style.fontSize = '200px'",
        )
        .await;
    let overflowing = browser.evaluate(OVERFLOWING).await;
    assert!(!overflowing.as_array().unwrap().is_empty());
    browser.close().await;
}

/// Texts whose contrast with what is behind them is below WCAG 2.2's 4.5 : 1 (1.4.3).
const FAINT: &str = "
    const numbers = c => c.match(/[\\d.]+/g).map(Number);
    const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const behind = e => {
        const c = numbers(getComputedStyle(e).backgroundColor);
        return c.length < 4 || c[3] === 1 ? c : behind(e.parentElement);
    };
    const own = e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    return [...document.querySelectorAll('body *')]
        .filter(e => own(e) && e.getClientRects().length)
        .map(e => {
            const [a, b] = [light(numbers(getComputedStyle(e).color)), light(behind(e))];
            return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e];
        })
        .filter(([ratio]) => ratio < 4.5)
        .map(([ratio, e]) => ratio.toFixed(2) + ' ' + e.outerHTML.slice(0, 80))";

#[tokio::test(flavor = "multi_thread")]
async fn by_day_and_in_the_dark_every_word_is_legible_and_the_code_can_be_scanned() {
    let (app, mut urls, browser) = open_example().await;
    browser.screen(360, 640, true).await;
    let code = urls[0].clone();
    urls.remove(1);
    urls.extend(["/", "/01/09506000134352", "/01/1"].map(|path| app.url(path)));
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        for url in &urls {
            browser.open(url).await;
            let faint = browser.evaluate(FAINT).await;
            assert_eq!(faint, Value::Array(Vec::new()), "{url} in {scheme}");
        }
        browser.open(&code).await;
        assert_eq!(
            read_code(&browser.picture(".qr img").await),
            code,
            "{scheme}"
        );
        let ground = "return getComputedStyle(document.documentElement).backgroundColor";
        grounds.push(browser.evaluate(ground).await);
    }
    assert_ne!(grounds[0], grounds[1], "the dark is dark");
    // The measure does see what is faint.
    browser
        .evaluate("document.querySelector('h2').style.color = '#333'")
        .await;
    assert!(!browser.evaluate(FAINT).await.as_array().unwrap().is_empty());
    browser.close().await;
}

/// What a QR code says, read from a picture of the screen.
pub fn read_code(png: &[u8]) -> String {
    try_read_code(png).expect("a code")
}

/// The same, where there may be none.
pub fn try_read_code(png: &[u8]) -> Option<String> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png))
        .read_info()
        .unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let (width, height) = (info.width as usize, info.height as usize);
    let samples = info.line_size / width;
    let grey = |x: usize, y: usize| bytes[y * info.line_size + x * samples];
    let mut image = PreparedImage::prepare_from_greyscale(width, height, grey);
    let grids = image.detect_grids();
    Some(grids.first()?.decode().unwrap().1)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_and_the_switch_of_languages_need_no_script() {
    let (app, urls, browser) = open_example().await;
    browser.forbid_scripts().await;
    browser.screen(360, 640, true).await;
    browser.open(&app.url("/?lang=zh-CN")).await;
    browser.type_into("#code", &urls[2]).await;
    browser.click("form button").await;
    assert_eq!(browser.address().await, format!("{}?lang=zh-CN", urls[2]));
    browser.click("a.switch").await;
    assert_eq!(browser.address().await, format!("{}?lang=en", urls[2]));
    let heading = browser
        .evaluate("return document.querySelector('#journey').innerText")
        .await;
    assert_eq!(heading, "Journey");
    assert_eq!(browser.console().await, [""; 0]);
    browser.close().await;
}
