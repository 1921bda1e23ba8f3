//! The verifier of the phone, against the one in Rust: the same answers to the same files, in whatever browser.

use std::collections::HashSet;
use std::path::Path;

use auditlog::bundle::{Bundle, Trust, verify};
use auditlog::encoding::to_base64;
use auditlog::note::{Verifier, fingerprint};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::driver::Browser;
use crate::mutate::{Rng, mutant};
use crate::support::TestApp;

/// A browser before Ed25519 came to WebCrypto.
pub const WITHOUT_ED25519: &str = "
    for (const name of ['importKey', 'verify']) {
        const own = SubtleCrypto.prototype[name];
        SubtleCrypto.prototype[name] = function (...args) {
            const names = args.map(one => one && (one.name || one));
            return names.includes('Ed25519')
                ? Promise.reject(new DOMException('unknown', 'NotSupportedError'))
                : own.apply(this, args);
        };
    }";

/// A browser on a page that came over plain HTTP, or older than WebCrypto.
pub const WITHOUT_WEBCRYPTO: &str =
    "Object.defineProperty(window, 'crypto', { value: undefined });";

/// The page's verifier, as `auditlog`.
const ON_A_PAGE: &str = "await import('/static/verify.js');";

/// The vectors of the log by the names of their files.
fn vectors() -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/auditlog/vectors");
    let mut files = Map::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        files.insert(name, json!(std::fs::read_to_string(&path).unwrap()));
    }
    assert!(files.len() >= 13, "all of them");
    Value::Object(files)
}

/// What a page's verifier makes of the vectors.
async fn run_vectors(browser: &Browser, load: &str) -> Value {
    let files = vectors();
    let body = format!(
        "{load}\nconst auditlog = window.auditlog;\nconst files = {files};\n{}",
        include_str!("vectors.js")
    );
    browser.run(&body).await
}

fn assert_agrees(found: &Value, engine: &str, form: &str) {
    assert_eq!(found["disagreements"], json!([]), "{form}: {found}");
    assert_eq!(found["unknown"], json!([]), "{form}");
    assert_eq!(found["engine"], engine, "{form}");
    let count = found["count"].as_u64().unwrap();
    assert!(count > 800, "{form}: only {count} answers were compared");
}

/// The page `/verify`, saved to a disk: the folder that holds it, and its address there.
async fn saved_page(app: &TestApp) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rootmark-verify.html");
    std::fs::write(&path, app.get_text("/verify?lang=en").await).unwrap();
    let url = format!("file://{}", path.display());
    (folder, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_vector_has_the_same_answer_on_a_page_and_from_a_disk_in_every_browser() {
    let app = TestApp::start().await;
    let (_folder, saved) = saved_page(&app).await;
    for (engine, script) in [
        ("WebCrypto", ""),
        ("own", WITHOUT_ED25519),
        ("own", WITHOUT_WEBCRYPTO),
    ] {
        let browser = Browser::start().await;
        if !script.is_empty() {
            browser.before_every_page(script).await;
        }
        for (url, load) in [(&app.url("/"), ON_A_PAGE), (&saved, "")] {
            browser.open(url).await;
            let found = run_vectors(&browser, load).await;
            assert_agrees(&found, engine, &format!("{url} {script}"));
        }
        browser.close().await;
    }
    app.stop().await;
}

/// How many changed bundles the verifiers must agree on.
const MUTATIONS: usize = 1_000;

/// Two texts of a bundle in each other's place: what is left is JSON in its canonical form, and says something else.
fn with_texts_swapped(bundle: &[u8], rng: &mut Rng) -> Vec<u8> {
    // No text of a bundle of the example has a quotation mark but the ones that are escaped.
    let is_quote = |at: &usize| bundle[*at] == b'"' && bundle[at - 1] != b'\\';
    let quotes: Vec<usize> = (1..bundle.len()).filter(is_quote).collect();
    let text = |place: usize| quotes[2 * place] + 1..quotes[2 * place + 1];
    let (a, b) = (rng.below(quotes.len() / 2), rng.below(quotes.len() / 2));
    let (first, second) = (text(a.min(b)), text(a.max(b)));
    if a == b {
        return bundle.to_vec();
    }
    [
        &bundle[..first.start],
        &bundle[second.clone()],
        &bundle[first.end..second.start],
        &bundle[first],
        &bundle[second.end..],
    ]
    .concat()
}

/// The proof of a code of the example.
async fn bundle_of(app: &TestApp, url: &str) -> Vec<u8> {
    let url = url.replacen("/01/", "/proof/01/", 1);
    let answer = app.http.get(url).send().await.unwrap();
    answer
        .error_for_status()
        .unwrap()
        .bytes()
        .await
        .unwrap()
        .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_bundle_is_refused_by_every_verifier_for_the_same_reason() {
    let (app, urls, browser) = crate::open_example().await;
    let bundle = bundle_of(&app, &urls[0]).await;
    let (log, story) = (&app.running.vkey, &app.running.story_vkey);
    let keys = [log, story].map(|vkey| Verifier::parse(vkey).unwrap());
    let trust = Trust {
        log: Some(&keys[0]),
        story: Some(&keys[1]),
        ..Trust::default()
    };
    verify(&bundle, &trust).unwrap();
    let other = bundle_of(&app, &urls[1]).await;
    let mut rng = Rng::named("bundles in a browser");
    let changed: Vec<Vec<u8>> = (0..MUTATIONS)
        .map(|i| match i % 2 {
            0 => mutant(&bundle, &other, &mut rng),
            _ => with_texts_swapped(&bundle, &mut rng),
        })
        .collect();
    let answers: Vec<Option<String>> = changed
        .iter()
        .map(|bytes| Some(verify(bytes, &trust).err()?.to_string()))
        .collect();
    let refused = answers.iter().flatten().count();
    assert!(
        refused > MUTATIONS * 9 / 10,
        "only {refused} changes matter"
    );
    let digitless = |error: &String| error.replace(|c: char| c.is_ascii_digit(), "");
    let kinds: HashSet<String> = answers.iter().flatten().map(digitless).collect();
    println!(
        "{refused} of {MUTATIONS} are refused, for {} kinds of reasons",
        kinds.len()
    );
    assert!(kinds.len() > 20, "{kinds:?}");
    let (_folder, saved) = saved_page(&app).await;
    for (url, load) in [(&app.url("/"), ON_A_PAGE), (&saved, "")] {
        browser.open(url).await;
        for (place, (bytes, answers)) in changed.chunks(100).zip(answers.chunks(100)).enumerate() {
            let found = browser.run(&format!(
            "{load}
            const auditlog = window.auditlog;
            const trust = {{ log: auditlog.parseKey({}), story: auditlog.parseKey({}) }};
            const answers = [];
            for (const bundle of {}) {{
                answers.push(await auditlog.verifyBundle(auditlog.fromBase64(bundle), trust)
                    .then(() => null, error => error instanceof auditlog.Fault ? error.message : String(error.stack)));
            }}
            return answers;",
            json!(log), json!(story),
            json!(bytes.iter().map(|bytes| to_base64(bytes)).collect::<Vec<_>>()),
        )).await;
            for (i, answer) in answers.iter().enumerate() {
                assert_eq!(
                    found[i].as_str(),
                    answer.as_deref(),
                    "change {}",
                    place * 100 + i
                );
            }
        }
    }
    browser.close().await;
    app.stop().await;
}

/// The saved page, as somebody uses it: what it says once it has checked, and whether that is that all is well.
async fn used(browser: &Browser) -> (bool, String) {
    let found = browser
        .run(
            "const status = document.querySelector('[data-status]');
            while (!/said-(pass|fail)/.test(status.className)) {
                await new Promise(done => setTimeout(done, 10));
            }
            return [status.className.includes('said-pass'), document.querySelector('main').innerText];",
        )
        .await;
    (found[0] == true, found[1].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_saved_page_checks_files_of_every_kind_and_reaches_nobody() {
    let (app, urls, browser) = crate::open_example().await;
    let (folder, saved) = saved_page(&app).await;
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let bundle = bundle_of(&app, &urls[0]).await;
    let good = file("proof.json", &bundle);
    let text = String::from_utf8(bundle.clone()).unwrap();
    let changed = file(
        "changed.json",
        text.replacen(r#""v":"\"2026"#, r#""v":"\"2025"#, 1)
            .as_bytes(),
    );
    let keys =
        [&app.running.vkey, &app.running.story_vkey].map(|key| Verifier::parse(key).unwrap());
    let fingerprint = fingerprint(&keys[0], &keys[1]);

    // Where it scrolls, it is there at once.
    browser.prefer("light").await;
    // A file, without anything to go by but itself.
    browser.open(&saved).await;
    browser.type_into("#file", &good).await;
    let (passed, said) = used(&browser).await;
    assert!(
        passed && said.contains("its keys are its own") && said.contains(&fingerprint),
        "{said}"
    );
    let statements = browser
        .evaluate("return document.querySelectorAll('.said-fields').length")
        .await;
    assert!(statements.as_u64().unwrap() > 20, "{statements}");
    // What was recorded is there to read, word by word.
    let first = browser
        .run(
            "const box = document.querySelector('.said-fields');
            box.open = true;
            while (box.children.length < 2) { await new Promise(done => setTimeout(done, 10)); }
            return box.innerText;",
        )
        .await;
    assert!(first.as_str().unwrap().contains("/kind"), "{first}");

    // With the fingerprint of the pack; with another one; and a file that was changed.
    for (path, typed, passes, words) in [
        (
            &good,
            fingerprint.clone(),
            true,
            "signed by a key that you accept",
        ),
        (
            &good,
            fingerprint.to_uppercase().replace(' ', "-"),
            true,
            "signed by a key that you accept",
        ),
        (
            &good,
            "0000 0000 0000 0000 0000".to_owned(),
            false,
            "another fingerprint",
        ),
        (&changed, fingerprint.clone(), false, "Not verified"),
    ] {
        browser.open(&saved).await;
        browser.type_into("#fingerprint", &typed).await;
        browser.type_into("#file", path).await;
        let (passed, said) = used(&browser).await;
        assert_eq!(passed, passes, "{path} {typed}: {said}");
        assert!(said.contains(words), "{path} {typed}: {said}");
    }

    // One statement, pasted; it has no key of its own.
    let index = Bundle::parse(&text).unwrap().statements[0].index;
    let proof = app.http.get(format!(
        "{}?format=tlog-proof&index={index}",
        urls[0].replacen("/01/", "/proof/01/", 1)
    ));
    let proof = proof.send().await.unwrap().text().await.unwrap();
    for (vkey, passes) in [("", false), (app.running.vkey.as_str(), true)] {
        browser.open(&saved).await;
        browser
            .evaluate(&format!(
                "document.querySelector('#text').value = {}; document.querySelector('#vkey').value = {};",
                json!(proof), json!(vkey)
            ))
            .await;
        browser.click_here("form button").await;
        let (passed, said) = used(&browser).await;
        assert_eq!(passed, passes, "{said}");
    }

    // Nothing at all is no fault, and says what to do.
    browser.open(&saved).await;
    browser.click_here("form button").await;
    let said = "return document.querySelector('[data-status]').innerText";
    assert_eq!(
        browser.evaluate(said).await,
        "Choose a file first, or paste what is in it."
    );

    // And whatever a script in it wanted to fetch, it may not.
    assert_eq!(browser.console().await, [""; 0]);
    let address = app.url("/log/checkpoint");
    let fetched = browser
        .run(&format!(
            "return fetch('{address}').then(() => 'fetched', () => 'refused')"
        ))
        .await;
    assert_eq!(fetched, "refused");
    let blocked = browser.console().await;
    assert!(
        blocked
            .iter()
            .any(|m| m.contains("Content Security Policy")),
        "{blocked:?}"
    );
    browser.close().await;
    app.stop().await;
}
