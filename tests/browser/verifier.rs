//! The verifier of the phone, against the one in Rust: the same answers to the same files, in whatever browser.

use std::collections::HashSet;
use std::path::Path;

use auditlog::bundle::{Trust, verify};
use auditlog::encoding::to_base64;
use auditlog::note::Verifier;
use serde_json::{Map, Value, json};

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

#[tokio::test(flavor = "multi_thread")]
async fn every_vector_has_the_same_answer_in_every_browser() {
    let app = TestApp::start().await;
    for (engine, script) in [
        ("WebCrypto", ""),
        ("own", WITHOUT_ED25519),
        ("own", WITHOUT_WEBCRYPTO),
    ] {
        let browser = Browser::start().await;
        if !script.is_empty() {
            browser.before_every_page(script).await;
        }
        browser.open(&app.url("/")).await;
        assert_agrees(&run_vectors(&browser, ON_A_PAGE).await, engine, script);
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
    browser.open(&app.url("/")).await;
    for (place, (bytes, answers)) in changed.chunks(100).zip(answers.chunks(100)).enumerate() {
        let found = browser.run(&format!(
            "{ON_A_PAGE}
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
    browser.close().await;
    app.stop().await;
}
