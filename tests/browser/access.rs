//! For everyone: by keyboard, with large text, and in a narrow window.

use serde_json::{Value, json};

use crate::driver::Browser;
use crate::pages::OVERFLOWING;
use crate::states::States;

/// What has the focus, in a few words.
const FOCUSED: &str = "const e = document.activeElement;
    const box = e.getBoundingClientRect();
    const ring = getComputedStyle(e);
    return {
        name: (e.getAttribute('aria-label') || e.innerText || e.id || e.tagName).trim(),
        order: [...document.querySelectorAll('*')].indexOf(e),
        isSeen: box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight,
        hasRing: ring.outlineStyle !== 'none' && parseFloat(ring.outlineWidth) >= 2,
    };";

const TAB: char = '\u{E004}';
const ENTER: char = '\u{E007}';

#[tokio::test(flavor = "multi_thread")]
async fn every_page_can_be_used_with_the_keyboard_in_the_order_in_which_it_is_read() {
    let states = States::start().await;
    let browser = Browser::start().await;
    browser.screen(360, 640, false).await;
    // Where it scrolls, it is there at once.
    browser.prefer("light").await;
    for state in &states.all {
        browser.open(&state.url).await;
        // Of choices that exclude each other the first has the focus; arrows lead to the others.
        let targets =
            "return [...document.querySelectorAll('a, button, summary, textarea, input:not([type=hidden])')]
            .filter(e => e.type !== 'radio' || e === document.getElementsByName(e.name)[0])
            .filter(e => e.getClientRects().length && e.checkVisibility()).length";
        let targets = browser.evaluate(targets).await.as_u64().unwrap();
        let mut last = -1;
        for place in 0..targets {
            browser.press(TAB).await;
            let focused = browser.evaluate(FOCUSED).await;
            let order = focused["order"].as_i64().unwrap();
            assert!(order > last, "{} {place}: {focused}", state.name);
            assert_eq!(focused["isSeen"], true, "{}: {focused}", state.name);
            assert_eq!(focused["hasRing"], true, "{}: {focused}", state.name);
            last = order;
        }
        assert!(targets >= 4, "{}: {targets}", state.name);
    }
    // The first of them leads past the header.
    browser.open(&states.all[0].url).await;
    browser.press(TAB).await;
    browser.press(ENTER).await;
    let focused = "return document.activeElement.id";
    assert_eq!(browser.evaluate(focused).await, "main");
    // What is folded unfolds.
    let open = "return document.querySelector('.legend').open";
    browser
        .evaluate("document.querySelector('.legend summary').focus()")
        .await;
    browser.press(ENTER).await;
    assert_eq!(browser.evaluate(open).await, true);
    browser.close().await;
    states.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_twice_as_large_and_windows_half_as_wide_lose_nothing() {
    let states = States::start().await;
    // WCAG 2.2, 1.4.4: twice the size that readers usually set, on a screen of usual width; 1.4.10: 320 pixels.
    for (letters, width, height) in [(32, 1280, 800), (32, 640, 800), (16, 320, 640)] {
        let preferences = json!({ "webkit": { "webprefs": { "default_font_size": letters } } });
        let browser = Browser::start_with(&[], preferences).await;
        browser.screen(width, height, false).await;
        for state in &states.all {
            for language in ["zh-CN", "en"] {
                browser.open(&state.url_in(language)).await;
                let size = "return parseFloat(getComputedStyle(document.documentElement).fontSize)";
                assert_eq!(browser.evaluate(size).await, f64::from(letters));
                let overflowing = browser.evaluate(OVERFLOWING).await;
                let form = format!("{} in {language}, {letters} at {width}", state.name);
                assert_eq!(overflowing, Value::Array(Vec::new()), "{form}");
                // Nothing is cut off within its box either, but a long address in its field.
                let cut = browser
                    .evaluate(
                        "return [...document.querySelectorAll('main *:not(input)')]
                            .filter(e => e.getClientRects().length && !e.closest('svg'))
                            .filter(e => getComputedStyle(e).overflowX !== 'visible')
                            .filter(e => e.scrollWidth > e.clientWidth + 1 && !e.matches('.band'))
                            .map(e => e.outerHTML.slice(0, 80))",
                    )
                    .await;
                assert_eq!(cut, Value::Array(Vec::new()), "{form}");
            }
        }
        browser.close().await;
    }
    states.stop().await;
}
