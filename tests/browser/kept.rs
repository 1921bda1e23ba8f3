//! Codes that a shopper keeps on the phone: with the proof of the look-up, and told what has changed since.

use auditlog::bundle::Trust;
use auditlog::note::Verifier;
use auditlog::statement_proof::verify;
use serde_json::{Value, json};

use crate::driver::Browser;
use crate::looked_up::phone;
use crate::states::recall;
use crate::support::TestApp;
use crate::support::document::item_observation;

/// Presses the link, and waits for what comes of it.
const KEEP: &str = "document.querySelector('[data-keep]').click();
    for (;;) {
        const said = document.querySelector('.keep-said');
        const words = said ? said.innerText : '';
        if (words && !/…$/.test(words)) return words + (said.dataset.reason ? ' (' + said.dataset.reason + ')' : '');
        await new Promise(done => setTimeout(done, 20));
    }";
/// What is told of a code that is kept.
const SINCE: &str = "for (;;) {
        const box = document.querySelector('.since');
        if (box) return [...box.querySelectorAll('h2, p, li')].map(part => part.innerText);
        await new Promise(done => setTimeout(done, 20));
    }";
/// The name of the file that is offered, and what it holds: pages here fetch from nowhere but the service.
const RECEIPT: &str = "const link = document.querySelector('.keep-said a, .docs .meta a');
    return [link.download, JSON.parse(localStorage.getItem('rootmark.saved/v1'))[0].receipt];";

async fn text_of(browser: &Browser, script: &str) -> String {
    browser.run(script).await.as_str().unwrap().to_owned()
}

async fn since(browser: &Browser) -> Vec<String> {
    let told = browser.run(SINCE).await;
    let told = told.as_array().unwrap().iter();
    told.map(|words| words.as_str().unwrap().to_owned())
        .collect()
}

async fn kept_page(browser: &Browser, app: &TestApp) -> Value {
    browser.open(&app.url("/saved?lang=en")).await;
    browser
        .run(
            "for (;;) {
                const empty = !document.querySelector('[data-empty]').hidden;
                const items = [...document.querySelectorAll('.docs li')].map(li => li.innerText);
                if (empty || items.length) return { empty, items };
                await new Promise(done => setTimeout(done, 20));
            }",
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_kept_with_a_receipt_that_proves_its_look_up_and_told_of_changes_recalls_first() {
    let app = TestApp::start().await;
    let code = app.issue("L1", 1).await.remove(0);
    app.sealed().await;
    let address = format!("{}?lang=en", app.url(&code));
    let browser = phone().await;
    browser.prefer("light").await;
    assert_eq!(kept_page(&browser, &app).await["empty"], true);
    browser.open(&address).await;
    let said = text_of(&browser, KEEP).await;
    assert!(
        said.starts_with("Kept, with the receipt of look-up 1: "),
        "{said}"
    );
    // Anybody can check it, the place alone is not in it.
    let receipt = browser.run(RECEIPT).await;
    let (name, receipt) = (receipt[0].as_str().unwrap(), receipt[1].as_str().unwrap());
    assert!(name.ends_with("-1.tlog-proof"), "{name}");
    let vkey = app.get_text("/log/vkey").await;
    let log = Verifier::parse(vkey.trim()).unwrap();
    let trust = Trust {
        log: Some(&log),
        ..Trust::default()
    };
    let proven = verify(receipt.as_bytes(), &trust).unwrap();
    let shown = |name: &str| proven.statement.content.value(name).unwrap().to_owned();
    assert_eq!(shown("/kind"), "\"scan\"");
    assert_eq!(shown("/body/number"), "1");
    // Kept once, however often it is opened; and nothing has changed.
    browser.open(&address).await;
    let told = since(&browser).await;
    assert!(told[0].starts_with("Since you looked on "), "{told:?}");
    assert_eq!(told[1..], ["Nothing has changed."]);
    // On another day its look-up counts again, which is no news to itself.
    browser
        .run("localStorage.removeItem('rootmark.scans/v1');")
        .await;
    browser.open(&address).await;
    assert_eq!(since(&browser).await[1..], ["Nothing has changed."]);
    assert_eq!(crate::looked_up::counted(&browser).await.1, "2");
    browser.open(&address).await;
    assert_eq!(since(&browser).await[1..], ["Nothing has changed."]);
    let list = kept_page(&browser, &app).await;
    let item = list["items"][0].as_str().unwrap();
    for words in ["On record, unchanged", "receipt of look-up 1", "Remove"] {
        assert!(item.contains(words), "{words}: {item}");
    }
    // A step, a recall and another look-up.
    let serial = code.rsplit('/').next().unwrap();
    app.capture(&[item_observation(1, serial)]).await;
    recall(
        &app,
        &format!("https://id.gs1.org{code}").replace("/10/L1", ""),
    )
    .await;
    let other = phone().await;
    other.open(&address).await;
    crate::looked_up::counted(&other).await;
    other.close().await;
    app.sealed().await;
    browser.open(&address).await;
    let told = since(&browser).await;
    assert_eq!(
        told[1..],
        [
            "A recall was announced: see below.",
            "The verdict was “On record, unchanged” and is now “Recalled: do not use”.",
            "New steps: 1.",
            "More look-ups: 1, 3 in all.",
        ]
    );
    // Said once: from here on it is known.
    browser.open(&address).await;
    assert_eq!(since(&browser).await[1..], ["Nothing has changed."]);
    browser
        .open(&address.replace("lang=en", "lang=zh-CN"))
        .await;
    assert_eq!(since(&browser).await[1..], ["没有变化。"]);
    assert_eq!(browser.console().await, [""; 0]);
    browser.close().await;
    app.stop().await;
}

/// A phone abroad names the days that the pages name.
#[tokio::test(flavor = "multi_thread")]
async fn days_are_those_of_china_wherever_the_phone_is() {
    let app = TestApp::start().await;
    let code = app.issue("L1", 1).await.remove(0);
    app.sealed().await;
    let browser = phone().await;
    browser.is_in("America/Los_Angeles").await;
    for (language, day) in [("en", "1 December 2026"), ("zh-CN", "2026年12月1日")] {
        let address = format!("{}?lang={language}", app.url(&code));
        browser.open(&address).await;
        let told = "await import('/static/verify.js');
            const at = '2026-11-30T20:00:00Z';
            return [auditlog.dayOf(at), new Date(at).getDate()];";
        assert_eq!(browser.run(told).await, json!([day, 30]));
    }
    browser.close().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_removed_and_put_back_and_a_count_that_went_back_is_told() {
    let app = TestApp::start().await;
    let code = app.issue("L1", 1).await.remove(0);
    app.sealed().await;
    let address = format!("{}?lang=en", app.url(&code));
    let (browser, other) = (phone().await, phone().await);
    browser.prefer("light").await;
    other.open(&address).await;
    crate::looked_up::counted(&other).await;
    other.close().await;
    browser.open(&address).await;
    let said = text_of(&browser, KEEP).await;
    assert!(said.contains("the receipt of look-up 2"), "{said}");
    // Undone on the page, and kept again.
    browser
        .run("document.querySelector('.keep-said .link').click();")
        .await;
    assert_eq!(kept_page(&browser, &app).await["empty"], true);
    browser.open(&address).await;
    text_of(&browser, KEEP).await;
    // Removed from the list, and put back with all that belongs to it.
    assert_eq!(kept_page(&browser, &app).await["empty"], false);
    browser
        .run("document.querySelector('.docs .link').click();")
        .await;
    let status = "return document.querySelector('[role=status]').innerText";
    let said = browser.evaluate(status).await;
    assert!(
        said.as_str()
            .unwrap()
            .ends_with("was removed from this phone. Put back"),
        "{said}"
    );
    browser
        .run("document.querySelector('[role=status] .link').click();")
        .await;
    let receipt = browser.run(RECEIPT).await;
    assert!(
        receipt[1].as_str().unwrap().starts_with("c2sp.org/tlog-"),
        "{receipt}"
    );
    // A page of before, as a browser shows it that goes back, is asked for once more.
    let back = phone().await;
    back.prefer("light").await;
    back.open(&address).await;
    text_of(&back, KEEP).await;
    back.before_every_page(
        "document.addEventListener('DOMContentLoaded', () => { document.querySelector('.scans').dataset.times = 0; });",
    )
    .await;
    back.open(&address).await;
    assert_eq!(since(&back).await[1..], ["Nothing has changed."]);
    back.close().await;
    // Whoever runs the service takes look-ups away.
    sqlx::query("DELETE FROM scan WHERE number >= 2")
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    browser.open(&address).await;
    let told = since(&browser).await;
    assert!(
        told[1].starts_with("There are fewer look-ups: there were 2, and now there are 1."),
        "{told:?}"
    );
    assert_eq!(told[2], "Save the receipt");
    browser.close().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_something_else_is_not_kept_and_a_browser_that_keeps_nothing_says_so() {
    let app = TestApp::start().await;
    let codes = app.issue("L1", 3).await;
    app.sealed().await;
    let address = |place: usize| format!("{}?lang=en", app.url(&codes[place]));
    let browser = phone().await;
    browser.prefer("light").await;
    browser.open(&address(0)).await;
    text_of(&browser, KEEP).await;
    let receipt = browser.run(RECEIPT).await[1].to_string();
    // The receipt of the first code passed off as that of the second, and one of another number.
    for change in [
        format!("answer.receipt = {receipt};"),
        "answer.number += 1;".to_owned(),
    ] {
        let liar = phone().await;
        liar.prefer("light").await;
        liar.before_every_page(&format!(
            "const really = window.fetch;
            window.fetch = async (address, more) => {{
                const found = await really(address, more);
                if (!String(address).startsWith('/scans') || found.status !== 200) return found;
                const answer = await found.json();
                if (answer.receipt) {{ {change} }}
                return new Response(JSON.stringify(answer), {{ status: 200 }});
            }};"
        ))
        .await;
        liar.open(&address(1)).await;
        let said = text_of(&liar, KEEP).await;
        assert!(said.starts_with("Not kept: the receipt"), "{said}");
        assert_eq!(kept_page(&liar, &app).await["empty"], true);
        liar.close().await;
    }
    // A private window.
    browser
        .before_every_page(
            "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); };",
        )
        .await;
    browser.open(&address(2)).await;
    let said = text_of(&browser, KEEP).await;
    assert!(
        said.starts_with("This browser lets the page keep nothing"),
        "{said}"
    );
    browser.close().await;
    // Whoever is not counted has no receipt, and keeps the code all the same.
    let driven = Browser::start().await;
    driven.prefer("light").await;
    driven.open(&address(2)).await;
    let said = text_of(&driven, KEEP).await;
    assert!(
        said.starts_with("Kept. This look-up was not counted"),
        "{said}"
    );
    // When it is opened again, the receipt is offered anew.
    driven.open(&address(2)).await;
    since(&driven).await;
    let link = "return document.querySelector('[data-keep]').innerText";
    assert_eq!(driven.evaluate(link).await, "Kept: get the receipt");
    // A hundred are kept, and not one more.
    let many = "const one = JSON.parse(localStorage.getItem('rootmark.saved/v1'))[0];
        const all = [...Array(100).keys()].map(n => Object.assign({}, one, { path: `/01/x/21/${n}` }));
        localStorage.setItem('rootmark.saved/v1', JSON.stringify(all));";
    driven.run(many).await;
    driven.open(&address(0)).await;
    let said = text_of(&driven, KEEP).await;
    assert_eq!(said, "At most 100 codes are kept. Remove some first.");
    // What somebody else has written there is no code.
    driven
        .run("localStorage.setItem('rootmark.saved/v1', '[{\"path\":\"javascript:alert(1)\"},null,7]');")
        .await;
    assert_eq!(kept_page(&driven, &app).await["empty"], true);
    driven.close().await;
    app.stop().await;
}
