//! Every state in both languages, by day and in the dark, on a phone and on a desktop: legible, whole, accessible, and
//! nothing but itself. A picture of each is kept.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::driver::Browser;
use crate::installed::installed;
use crate::states::States;

/// The rules that axe-core holds a page against: WCAG 2.2 at levels A and AA, and its own best practices.
const AUDIT: &str = "const found = await axe.run(document, { runOnly: [
        'wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice',
    ] });
    return found.violations.map(rule => rule.id + ': ' + rule.help + ' '
        + rule.nodes.map(node => node.html.slice(0, 120)).join(' | '));";

/// How far things moved after they were first drawn (Layout Instability); `hadRecentInput` never is here.
const SHIFTS: &str = "return await new Promise(resolve => {
        const moved = [];
        const at = rect => [rect.x, rect.y, rect.width, rect.height].map(Math.round).join(' ');
        const told = ({ node, previousRect, currentRect }) =>
            `${at(previousRect)} to ${at(currentRect)}: ${node && (node.outerHTML || node.data).slice(0, 80)}`;
        new PerformanceObserver(list => list.getEntries().forEach(({ value, startTime, sources }) => {
            moved.push(`by ${value} after ${Math.round(startTime)} ms: ${sources.map(told).join(' | ')}`);
        })).observe({ type: 'layout-shift', buffered: true });
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(moved)));
    });";

/// What sticks out of the screen on the right.
pub const OVERFLOWING: &str = "return [...document.querySelectorAll('body *')]
    .filter(e => e.getClientRects().length && !e.closest('svg'))
    .filter(e => e.getBoundingClientRect().right > innerWidth + 0.5)
    .map(e => e.outerHTML.slice(0, 80))
    .concat(document.documentElement.scrollWidth > innerWidth ? ['the page itself'] : [])";

/// What a page asked of others, and what of its own it did not get.
const STRANGERS_AND_FAILURES: &str = "return performance.getEntriesByType('resource')
    .filter(r => !r.name.startsWith(location.origin + '/') || r.responseStatus >= 400)
    .map(r => r.name)
    .concat([...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src))";

/// Where pictures are kept.
pub fn pictures() -> PathBuf {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let folder = target.parent().unwrap().join("screenshots");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// What is wrong with the page that is open; nothing, if all is well.
pub async fn faults(browser: &Browser, axe: &str) -> Vec<String> {
    let mut faults: Vec<String> = Vec::new();
    let mut add = |what: &str, found: Value| match found {
        Value::Array(found) => faults.extend(found.iter().map(|one| format!("{what}: {one}"))),
        other => faults.push(format!("{what}: {other}")),
    };
    add("sticks out", browser.evaluate(OVERFLOWING).await);
    add("asked for", browser.evaluate(STRANGERS_AND_FAILURES).await);
    browser.evaluate(axe).await;
    add("axe", browser.run(AUDIT).await);
    add("moved", browser.run(SHIFTS).await);
    faults.extend(
        browser
            .console()
            .await
            .into_iter()
            .map(|m| format!("console: {m}")),
    );
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_is_sound_in_every_form() {
    let states = States::start().await;
    let browser = Browser::start().await;
    let axe = fs::read_to_string(installed("axe-core/axe.min.js")).unwrap();
    let folder = pictures();
    let mut wrong = Vec::new();
    for state in &states.all {
        for (width, height, mobile) in [(360, 640, true), (1280, 800, false)] {
            browser.screen(width, height, mobile).await;
            for language in ["zh-CN", "en"] {
                for scheme in ["light", "dark"] {
                    // Colours are the same on a desk as on a phone, but for the picture that is shown of it.
                    if scheme == "dark" && !mobile && state.name != "sound" {
                        continue;
                    }
                    browser.prefer(scheme).await;
                    browser.open(&state.url_in(language)).await;
                    let form = format!("{}-{language}-{scheme}-{width}", state.name);
                    let mut found = faults(&browser, &axe).await;
                    // Of a page that is an error, the browser says so in its console.
                    if state.status >= 400 {
                        let status = format!("status of {}", state.status);
                        found.retain(|fault| !fault.contains(&status));
                    }
                    wrong.extend(found.into_iter().map(|fault| format!("{form}: {fault}")));
                    for (is_whole, part) in [(false, "first"), (true, "whole")] {
                        let picture = browser.screenshot(is_whole).await;
                        fs::write(folder.join(format!("{form}-{part}.webp")), picture).unwrap();
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // Each measure does see what is wrong.
    browser.open(&states.all[0].url).await;
    browser
        .evaluate(
            "document.documentElement.removeAttribute('lang');
             const wide = document.createElement('img');
             wide.src = '/static/none.svg'; wide.width = 5000; wide.alt = '';
             document.querySelector('main').prepend(wide);
             return null",
        )
        .await;
    browser
        .run(
            "const img = document.querySelector('img');
            await new Promise(done => img.complete ? done() : img.onerror = done);",
        )
        .await;
    let found = faults(&browser, &axe).await.join("\n");
    for what in [
        "sticks out",
        "asked for",
        "axe: \"html-has-lang",
        "moved",
        "console",
    ] {
        assert!(found.contains(what), "{what}: {found}");
    }
    browser.close().await;
    states.stop().await;
}
