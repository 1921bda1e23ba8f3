//! "Verify on this phone": what the page of a code proves for itself, what it refuses, and what it remembers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use auditlog::note::NoteSigner;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::driver::Browser;
use crate::support::port::own_port;
use crate::support::{GTIN, TestApp};
use crate::verifier::{WITHOUT_ED25519, WITHOUT_WEBCRYPTO};

/// Presses the button and waits for the answer: whether it passed, and all that is said.
async fn verify(browser: &Browser) -> (bool, String) {
    let found = browser
        .run(
            "const section = document.querySelector('[data-check]');
            section.querySelector('.button').click();
            while (section.dataset.busy !== undefined) {
                await new Promise(done => setTimeout(done, 10));
            }
            return [section.querySelector('.said-pass') !== null, section.innerText];",
        )
        .await;
    (found[0] == true, found[1].as_str().unwrap().to_owned())
}

/// The warning above everything else, where there is one.
async fn alarm(browser: &Browser) -> Option<String> {
    let found = browser
        .evaluate("const alarm = document.querySelector('.alarm'); return alarm && alarm.innerText")
        .await;
    found.as_str().map(str::to_owned)
}

/// Waits until the page has looked by itself what has become of the log, and gives what it found.
async fn witnessed(browser: &Browser) -> String {
    let found = browser
        .run(
            "const section = document.querySelector('[data-check]');
            while (!section.dataset.witnessed) {
                await new Promise(done => setTimeout(done, 10));
            }
            return section.dataset.witnessed;",
        )
        .await;
    found.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_the_example_is_proven_by_the_phone_itself() {
    for (engine, script) in [
        ("WebCrypto", ""),
        ("own", WITHOUT_ED25519),
        ("own", WITHOUT_WEBCRYPTO),
    ] {
        let (app, urls, browser) = crate::open_example().await;
        if !script.is_empty() {
            browser.before_every_page(script).await;
        }
        for (place, url) in urls.iter().enumerate() {
            for language in ["zh-CN", "en"] {
                browser.open(&format!("{url}?lang={language}")).await;
                let (passed, said) = verify(&browser).await;
                assert!(passed, "{url} in {language}: {said}");
                let is_first = place == 0 && language == "zh-CN";
                assert_eq!(
                    said.contains("这部手机已记住这份日志现在的样子"),
                    is_first,
                    "{said}"
                );
                let found = browser
                    .evaluate(
                        "return [document.querySelectorAll('[data-entry]').length,
                            document.querySelectorAll('.proven').length,
                            document.querySelector('[data-check]').dataset.engine]",
                    )
                    .await;
                assert!(found[0].as_u64().unwrap() > 8, "{found}");
                assert_eq!(found[0], found[1], "each step is marked: {found}");
                assert_eq!(found[2], engine);
                assert_eq!(alarm(&browser).await, None);
            }
        }
        assert_eq!(browser.console().await, [""; 0]);
        browser.close().await;
        app.stop().await;
    }
}

/// Whatever is fetched as a proof, changed on its way.
fn on_the_way(change: &str) -> String {
    format!(
        "const own = window.fetch;
        window.fetch = async (address, ...rest) => {{
            const answer = await own(address, ...rest);
            if (!String(address).startsWith('/proof/')) {{ return answer; }}
            const change = {change};
            return new Response(change(await answer.text()), {{ status: answer.status }});
        }};"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_on_the_way_is_refused_and_the_step_is_named() {
    // What is changed, what is said of it, and whether a step of the page is marked.
    let cases = [
        (
            // A time of the first event that is shown, in its own form.
            r#"text => text.replace(/("p":"\/body\/eventTime","v":"\\"20)2/, '$13')"#,
            "does not fit the log",
            "what it shows is not what was recorded: the digest differs",
            true,
        ),
        (
            r#"text => text.replace(/"index":(\d+)/, (all, index) => '"index":' + (Number(index) + 1))"#,
            "What the operator signed is something else",
            "the bundle's statements are not the ones that the operator signed for",
            false,
        ),
        (
            r#"text => text.replace(/("checkpoint":"[^\\]*\\n)(\d+)/, (all, begin, size) => begin + (Number(size) + 1))"#,
            "The log’s signature is wrong",
            "is wrong",
            false,
        ),
        (
            r#"text => text.replace(/("path":\[")(.)/, (all, begin, sign) => begin + (sign === 'x' ? 'y' : 'x'))"#,
            "does not fit the log",
            "its path: the path leads to another root",
            false,
        ),
        (
            r#"text => text + ' '"#,
            "The proof is not in its form",
            "not in its canonical form",
            false,
        ),
        (
            r#"() => '<html>'"#,
            "The proof is not in its form",
            "the bundle is not JSON: unexpected character at byte 0",
            false,
        ),
    ];
    for script in ["", WITHOUT_WEBCRYPTO] {
        let (app, urls, browser) = crate::open_example().await;
        if !script.is_empty() {
            browser.before_every_page(script).await;
        }
        for (change, step, fault, is_marked) in &cases {
            browser.open(&format!("{}?lang=en", urls[0])).await;
            browser.evaluate(&on_the_way(change)).await;
            let (passed, said) = verify(&browser).await;
            assert!(!passed && said.contains("Not verified"), "{change}: {said}");
            assert!(
                said.contains(step) && said.contains(fault),
                "{change}: {said}"
            );
            let marked = "return document.querySelectorAll('.disproven').length";
            let marked = browser.evaluate(marked).await;
            assert_eq!(marked == 1, *is_marked, "{change}: {said}");
            let alarm = alarm(&browser).await.unwrap();
            assert!(alarm.contains("do not rely on this page"), "{alarm}");
            // Nothing of it is remembered.
            let kept = browser.evaluate("return localStorage.length").await;
            assert_eq!(kept, 0, "{change}");
        }
        // The same page with nothing changed.
        browser.open(&format!("{}?lang=en", urls[0])).await;
        assert!(verify(&browser).await.0);
        browser.close().await;
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_says_something_else_than_its_proof_is_refused() {
    let (app, urls, browser) = crate::open_example().await;
    let path = |place: usize| urls[place].replacen("/01/", "/proof/01/", 1);
    for (change, reason) in [
        (
            "document.querySelectorAll('[data-entry]')[2].querySelector('time')
                .setAttribute('datetime', '2026-01-01T00:00:00Z')"
                .to_owned(),
            "is not what the proof says",
        ),
        (
            "document.querySelectorAll('[data-entry]')[2].dataset.entry = '1000000'".to_owned(),
            "is not what the proof says",
        ),
        (
            format!(
                "document.querySelector('[data-proof]').setAttribute('href', '{}')",
                path(1)
            ),
            "The proof is about another code",
        ),
    ] {
        browser.open(&format!("{}?lang=en", urls[0])).await;
        browser.evaluate(&change).await;
        let (passed, said) = verify(&browser).await;
        assert!(!passed && said.contains(reason), "{change}: {said}");
    }
    browser.close().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_far_into_the_log_and_fractions_of_a_second_are_proven_too() {
    let app = TestApp::start().await;
    let code = app.issue("L1", 2).await;
    let many = (0..1_100).map(|minute| {
        observation(
            &code[1],
            &format!(
                "2026-05-{:02}T{:02}:{:02}:00Z",
                1 + minute / 1_440,
                minute / 60 % 24,
                minute % 60
            ),
        )
    });
    app.capture(&many.collect::<Vec<_>>()).await;
    app.sealed().await;
    let times = [
        "2026-06-01T00:00:00.123Z",
        "2026-06-01T08:00:01.999999+08:00",
    ];
    app.capture(&times.map(|time| observation(&code[0], time)))
        .await;
    app.sealed().await;
    let (browser, _folder) = phone().await;
    browser
        .open(&format!("{}?lang=en", app.url(&code[0])))
        .await;
    let entries = "return [...document.querySelectorAll('[data-entry]')].map(step => Number(step.dataset.entry))";
    let entries = browser.evaluate(entries).await;
    assert!(entries[0].as_u64().unwrap() > 1_000, "{entries}");
    let (passed, said) = verify(&browser).await;
    assert!(passed && said.contains("at the same moments: 2"), "{said}");
    let ticked = "return document.querySelectorAll('.proven').length";
    assert_eq!(browser.evaluate(ticked).await, 2);
    // What is not sealed yet has no proof, and that is said.
    browser
        .evaluate("document.querySelector('[data-entry]').removeAttribute('data-entry')")
        .await;
    let (passed, said) = verify(&browser).await;
    let words = "at the same moments: 1; not sealed yet, and so without a proof: 1";
    assert!(passed && said.contains(words), "{said}");
    // Whoever serves the page of another code is found out by the address.
    let other = format!("history.replaceState(null, '', '{}')", code[1]);
    browser.evaluate(&other).await;
    let (passed, said) = verify(&browser).await;
    assert!(
        !passed && said.contains("The proof is about another code"),
        "{said}"
    );
    browser.close().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_showed_another_log_before_is_refused() {
    let (app, urls, browser) = crate::open_example().await;
    browser.open(&format!("{}?lang=en", urls[0])).await;
    assert!(verify(&browser).await.0);
    // The same log under another name, as one that was founded anew would have.
    browser
        .evaluate(
            "const name = localStorage.key(0), kept = localStorage.getItem(name);
            localStorage.removeItem(name); localStorage.setItem('rootmark.log/v1 log.example/1', kept); return name",
        )
        .await;
    browser.open(&format!("{}?lang=en", urls[0])).await;
    let (passed, said) = verify(&browser).await;
    let words = "this site showed this phone another log before: log.example/1";
    assert!(!passed && said.contains(words), "{said}");
    assert!(alarm(&browser).await.is_some());
    browser.close().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_connection_nothing_is_claimed_and_the_next_press_tries_again() {
    let (app, urls, browser) = crate::open_example().await;
    browser.open(&format!("{}?lang=en", urls[0])).await;
    let cut = "const own = window.fetch; window.cut = true;
        window.fetch = (...all) => window.cut && String(all[0]).startsWith('/proof/')
            ? Promise.reject(new TypeError('cut')) : own(...all);";
    browser.evaluate(cut).await;
    let (passed, said) = verify(&browser).await;
    assert!(
        !passed && said.contains("There is no connection now"),
        "{said}"
    );
    assert_eq!(alarm(&browser).await, None, "nobody is accused");
    // It breaks in the middle of the file.
    let broken = "const before = window.fetch;
        window.fetch = (...all) => String(all[0]).startsWith('/proof/')
            ? Promise.resolve(new Response(new ReadableStream({ start(stream) { stream.error(new TypeError('cut')); } })))
            : before(...all);
        window.mended = () => { window.fetch = before; };";
    browser.evaluate(broken).await;
    let (passed, said) = verify(&browser).await;
    assert!(
        !passed && said.contains("There is no connection now"),
        "{said}"
    );
    assert_eq!(alarm(&browser).await, None, "nobody is accused");
    browser
        .evaluate("window.mended(); window.cut = false")
        .await;
    let (passed, said) = verify(&browser).await;
    assert!(passed, "{said}");
    browser.close().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_than_the_one_that_is_remembered_is_refused() {
    let (app, urls, browser) = crate::open_example().await;
    browser.open(&format!("{}?lang=en", urls[0])).await;
    assert!(verify(&browser).await.0);
    let origin = app.running.vkey.split('+').next().unwrap();
    let other = NoteSigner::from_seed(origin, &[7; 32]).unwrap();
    browser
        .evaluate(&format!(
            "const name = localStorage.key(0), kept = JSON.parse(localStorage.getItem(name));
            kept.vkey = {}; localStorage.setItem(name, JSON.stringify(kept)); return name",
            json!(other.verifier().format())
        ))
        .await;
    browser.open(&format!("{}?lang=en", urls[0])).await;
    assert_eq!(witnessed(&browser).await, "another key");
    assert!(alarm(&browser).await.is_some());
    let (passed, said) = verify(&browser).await;
    let reason = "by another key than the one this phone remembers";
    assert!(!passed && said.contains(reason), "{said}");
    browser.close().await;
    app.stop().await;
}

/// A service at a port, with the keys of another one where some are given.
async fn service(port: u16, keys: Option<&Path>) -> TestApp {
    TestApp::start_with(|settings| {
        settings.listen = format!("127.0.0.1:{port}").parse().unwrap();
        if let Some(keys) = keys {
            let own = settings.data_dir.join("keys");
            std::fs::create_dir_all(&own).unwrap();
            for file in std::fs::read_dir(keys).unwrap() {
                let path = file.unwrap().path();
                std::fs::copy(&path, own.join(path.file_name().unwrap())).unwrap();
            }
        }
    })
    .await
}

/// An inspection of a code at a time.
fn observation(code: &str, time: &str) -> String {
    let serial = code.rsplit_once("/21/").unwrap().1;
    format!(
        r#"{{"type":"ObjectEvent","action":"OBSERVE","bizStep":"inspecting",
        "eventTime":"{time}","eventTimeZoneOffset":"+00:00",
        "epcList":["https://id.gs1.org/01/{GTIN}/21/{serial}"]}}"#
    )
}

/// What happened to a code, at one minute each.
pub async fn tell(app: &TestApp, code: &str, minutes: std::ops::Range<u32>) {
    let event = |minute: u32| observation(code, &format!("2026-06-01T00:{minute:02}:00Z"));
    app.capture(&minutes.map(event).collect::<Vec<_>>()).await;
    app.sealed().await;
}

/// A phone with a folder for what it saves.
async fn phone() -> (Browser, TempDir) {
    let folder = TempDir::new().unwrap();
    let preferences = json!({
        "download.default_directory": folder.path(),
        "download.prompt_for_download": false,
    });
    (Browser::start_with(&[], preferences).await, folder)
}

/// The file of evidence that the page offers.
async fn save_evidence(browser: &Browser, folder: &TempDir) -> PathBuf {
    browser.click_here(".alarm a[download]").await;
    let path = folder.path().join("rootmark-evidence.json");
    let saved = async {
        while !path.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), saved)
        .await
        .expect("the file is saved");
    path
}

/// What `rootmark verify --evidence` says, and whether it is convinced.
fn judged(evidence: &Path, vkey: &str) -> (bool, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_rootmark"))
        .args(["verify", "--json", "--vkey", vkey, "--evidence"])
        .arg(evidence)
        .output()
        .unwrap();
    let found = serde_json::from_slice(&output.stdout);
    let found = found.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code() == Some(0), found)
}

/// How the history that the phone saw first was told, and how it is told afterwards: events of the code.
struct Rewriting {
    /// What happened after the beginning that both have.
    first: std::ops::Range<u32>,
    then: std::ops::Range<u32>,
    /// What is said of it, and whether the file convinces.
    reason: &'static str,
    convicts: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewritten_history_is_caught_by_a_phone_that_saw_the_one_before() {
    for case in [
        // As many entries, one of them another.
        Rewriting {
            first: 1..4,
            then: 2..5,
            reason: "its history was rewritten",
            convicts: true,
        },
        // Rewritten, and grown since.
        Rewriting {
            first: 1..4,
            then: 2..30,
            reason: "its history was rewritten",
            convicts: true,
        },
        // Set back, and not grown as far again.
        Rewriting {
            first: 1..20,
            then: 2..4,
            reason: "entries are gone",
            convicts: false,
        },
    ] {
        let port = own_port();
        let app = service(port, None).await;
        let code = app.issue("L1", 1).await.remove(0);
        tell(&app, &code, case.first.clone()).await;
        let (browser, folder) = phone().await;
        let page = format!("{}?lang=en", app.url(&code));
        browser.open(&page).await;
        let (passed, said) = verify(&browser).await;
        assert!(passed, "{said}");
        let vkey = app.running.vkey.clone();
        let (_, data) = app.stop().await;

        let app = service(port, Some(&data.path().join("keys"))).await;
        assert_eq!(app.running.vkey, vkey, "the operator has the key");
        let again = app.issue("L1", 1).await.remove(0);
        assert_eq!(again, code, "and makes the same codes");
        tell(&app, &code, case.then.clone()).await;
        browser.open(&page).await;
        // The page itself notices, before anybody asks.
        witnessed(&browser).await;
        let said = alarm(&browser).await.unwrap();
        let words = match case.convicts {
            true => "contradicts what this phone saw before",
            false => "cannot show at this moment how it follows",
        };
        assert!(said.contains(words), "{said}");
        let (passed, said) = verify(&browser).await;
        assert!(!passed && said.contains(case.reason), "{said}");
        let evidence = save_evidence(&browser, &folder).await;
        let (is_convinced, found) = judged(&evidence, &vkey);
        assert_eq!(is_convinced, case.convicts, "{found}");
        assert_eq!(found["two_histories"], case.convicts, "{found}");

        // A phone that saw nothing before has nothing to compare with.
        let (other, _folder) = phone().await;
        other.open(&page).await;
        assert!(verify(&other).await.0);
        other.close().await;
        browser.close().await;
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_only_grows_is_followed_from_any_page() {
    let app = TestApp::start().await;
    let codes = app.issue("L1", 2).await;
    tell(&app, &codes[0], 0..3).await;
    tell(&app, &codes[1], 3..5).await;
    let (browser, _folder) = phone().await;
    browser
        .open(&format!("{}?lang=en", app.url(&codes[0])))
        .await;
    assert!(verify(&browser).await.0);
    let (passed, said) = verify(&browser).await;
    assert!(
        passed && said.contains("The log is what this phone saw on"),
        "{said}"
    );
    // Over the border of a tile, so that tiles that were partial are whole by now.
    for part in 0..6 {
        tell(&app, &codes[1], 5 + part * 9..5 + part * 9 + 9).await;
        let lots = (0..60).map(|lot| format!("L{part}-{lot}"));
        for lot in lots {
            app.issue(&lot, 1).await;
        }
    }
    app.sealed().await;
    browser
        .open(&format!("{}?lang=en", app.url(&codes[1])))
        .await;
    assert_eq!(witnessed(&browser).await, "grown");
    let (passed, said) = verify(&browser).await;
    assert!(
        passed && said.contains("The log is what this phone saw on"),
        "{said}"
    );
    assert_eq!(alarm(&browser).await, None);
    browser.close().await;
    app.stop().await;
}
