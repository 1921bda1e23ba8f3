//! A page that arrives slowly: what was painted of it stays where it is.

use serde_json::json;

use crate::driver::Browser;
use crate::states::States;

/// Writes the page tag by tag, painting after each until two screens are full, and tells what of
/// it moved. Scripts stay out: what they do is watched where whole pages are opened.
const ARRIVING: &str = r"
    const parts = html.replace(/<script[^]*?<\/script>/g, '').split(/(?=<)/);
    const head = parts.findIndex(part => part.startsWith('<main')) + 1;
    const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    const moved = [];
    let tag = '';
    const at = rect => [rect.x, rect.y, rect.width, rect.height].map(Math.round).join(' ');
    const told = ({ node, previousRect, currentRect }) =>
        `${at(previousRect)} to ${at(currentRect)}: ${node && (node.outerHTML || node.data).slice(0, 80)}`;
    const watch = new PerformanceObserver(list => list.getEntries().forEach(({ sources }) => {
        moved.push(`at ${tag}: ${sources.map(told).join(' | ')}`);
    }));
    watch.observe({ type: 'layout-shift' });
    document.open();
    document.write(parts.slice(0, head).join(''));
    const sheet = document.querySelector('link[rel=stylesheet]');
    while (sheet && !sheet.sheet) await painted();
    await painted();
    let isDrawing = false, pauses = 0;
    for (const part of parts.slice(head)) {
        document.write(part);
        if (/^<svg/.test(part)) isDrawing = true;
        if (/^<\/svg/.test(part)) isDrawing = false;
        if (isDrawing || document.body.scrollHeight > 2 * innerHeight) continue;
        tag = part.slice(0, 60);
        await painted();
        pauses++;
    }
    document.close();
    await painted();
    await painted();
    return { moved, pauses };
";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_painted_of_a_page_stays_where_it_is_while_the_rest_arrives() {
    let states = States::start().await;
    let browser = Browser::start_with(
        &["--disable-frame-rate-limit", "--disable-gpu-vsync"],
        json!({}),
    )
    .await;
    let arriving = |html: &str| format!("const html = {};{ARRIVING}", json!(html));
    let mut wrong = Vec::new();
    for state in &states.all {
        for (width, height, language) in [(360, 640, "en"), (1280, 800, "zh-CN")] {
            // On a desk the pages that say one thing have nothing beside it.
            if width > 600 && !state.has_story {
                continue;
            }
            browser.screen(width, height, width < 600).await;
            let url = state.url_in(language);
            let html = states.app.http.get(&url).send().await.unwrap();
            let html = html.text().await.unwrap();
            browser.open(&url).await;
            let found = browser.run(&arriving(&html)).await;
            assert!(
                found["pauses"].as_u64() > Some(10),
                "{}: {found}",
                state.name
            );
            for moved in found["moved"].as_array().unwrap() {
                let moved = moved.as_str().unwrap();
                wrong.push(format!("{}-{language}-{width}: {moved}", state.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // The measure does see what moves: a cell stands in the middle of its row.
    let page = "<!DOCTYPE html><main><table><tr><td>One</td><td><p>Two</p><p>Three</p><p>Four</p>\
        <p>Five</p></td></tr></table></main>";
    let found = browser.run(&arriving(page)).await;
    assert!(!found["moved"].as_array().unwrap().is_empty(), "{found}");
    browser.close().await;
    states.stop().await;
}
