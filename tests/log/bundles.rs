//! Proof bundles as the service gives them, checked by those who trust only its keys.

use std::sync::Arc;

use auditlog::bundle::{KeysFrom, Trust, Verified, verify};
use auditlog::note::{NoteSigner, Verifier};
use serde_json::Value;

use crate::programs::{rootmark, rootmark_without_settings};
use crate::support::{GTIN, TestApp, document};

/// What a shopper has downloaded.
struct Downloaded {
    bundle: Vec<u8>,
    anchors: String,
    log: Verifier,
    story: Verifier,
}

impl Downloaded {
    async fn new(app: &TestApp, path: &str) -> Downloaded {
        let answer = app.get(&format!("/proof{path}")).await;
        assert_eq!(answer.status(), 200, "{path}");
        let bundle = answer.bytes().await.unwrap().to_vec();
        let key = |text: String| Verifier::parse(text.trim_end()).unwrap();
        Downloaded {
            bundle,
            anchors: app.get_text("/log/anchors.jsonl").await,
            log: key(app.get_text("/log/vkey").await),
            story: key(app.get_text("/log/story-vkey").await),
        }
    }

    fn trust(&self) -> Trust<'_> {
        Trust {
            log: Some(&self.log),
            story: Some(&self.story),
            anchors: Some(&self.anchors),
            ..Trust::default()
        }
    }

    fn verified(&self) -> Verified {
        verify(&self.bundle, &self.trust()).unwrap()
    }
}

fn issue_path(lot: &str) -> String {
    format!("/01/{GTIN}/10/{lot}")
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_of_items_and_lots_verify_at_every_seal_and_hold_what_was_sealed_by_then() {
    let app = TestApp::start().await;
    let codes = app.issue("L1", 3).await;
    let lot = issue_path("L1");
    let item = &codes[0];
    app.sealed().await;
    for round in 0..6 {
        app.capture(&[document::observation(round, "L1")]).await;
        let others: Vec<String> = (0..60)
            .map(|id| document::observation(1000 + round * 100 + id, "L2"))
            .collect();
        app.capture(&others).await;
        app.sealed().await;
        for path in [&lot, item] {
            let verified = Downloaded::new(&app, path).await.verified();
            assert_eq!(
                (verified.keys, verified.anchored),
                (KeysFrom::Verifier, true)
            );
            assert_eq!(verified.size.0, 2 + 61 * (u64::from(round) + 1), "{path}");
            let kinds = |kind: &str| {
                verified
                    .statements
                    .iter()
                    .filter(|s| s.kind == kind)
                    .count()
            };
            assert_eq!(kinds("event"), round as usize + 1, "{path}");
            assert_eq!((kinds("product"), kinds("issuance")), (1, 1), "{path}");
            assert!(
                verified.subject.starts_with("https://id.gs1.org/01/"),
                "{path}"
            );
        }
    }
    // The twin: another lot's bundle has none of them.
    let other = Downloaded::new(&app, &issue_path("L2")).await.verified();
    assert_eq!(
        other
            .statements
            .iter()
            .filter(|s| s.kind == "event")
            .count(),
        360
    );
    assert!(other.statements.iter().all(|s| s.kind != "issuance"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_downloaded_long_ago_verifies_with_the_anchor_file_of_today_and_not_of_before() {
    let app = TestApp::start().await;
    app.sealed().await;
    let before = app.get_text("/log/anchors.jsonl").await;
    app.capture(&[document::observation(1, "L1")]).await;
    app.sealed().await;
    let mut old = Downloaded::new(&app, &issue_path("L1")).await;
    for round in 2..6 {
        app.capture(&[document::observation(round, "L1")]).await;
        app.sealed().await;
    }
    let at = old.verified().sealed_at;
    old.anchors = app.get_text("/log/anchors.jsonl").await;
    assert_eq!(old.anchors.lines().count(), 6);
    assert_eq!(old.verified().sealed_at, at);
    old.anchors = before;
    let error = verify(&old.bundle, &old.trust()).unwrap_err();
    assert!(
        error.to_string().contains("not in the anchor file"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_byte_of_a_bundle_can_be_changed() {
    let app = TestApp::start().await;
    app.capture(&[document::observation(1, "L1")]).await;
    app.sealed().await;
    let downloaded = Arc::new(Downloaded::new(&app, &issue_path("L1")).await);
    assert!(downloaded.verified().statements.len() >= 2);
    let threads = 4;
    let jobs = (0..threads).map(|thread| {
        let downloaded = Arc::clone(&downloaded);
        tokio::task::spawn_blocking(move || {
            let mut bytes = downloaded.bundle.clone();
            let mut accepted = Vec::new();
            for at in (thread..bytes.len()).step_by(threads) {
                // One bit, the case of a letter, and a byte that no text has.
                for change in [1u8, 0x20, 0x80] {
                    bytes[at] ^= change;
                    if verify(&bytes, &downloaded.trust()).is_ok() {
                        accepted.push((at, change));
                    }
                    bytes[at] ^= change;
                }
            }
            assert!(
                verify(&bytes, &downloaded.trust()).is_ok(),
                "the twin: unchanged"
            );
            accepted
        })
    });
    for job in jobs.collect::<Vec<_>>() {
        let accepted = job.await.unwrap();
        let near = |at: usize| {
            let from = at.saturating_sub(40);
            String::from_utf8_lossy(&downloaded.bundle[from..at + 1]).into_owned()
        };
        let named: Vec<_> = accepted
            .iter()
            .map(|(at, bit)| (at, bit, near(*at)))
            .collect();
        assert!(named.is_empty(), "accepted though changed: {named:?}");
    }
    for length in (0..downloaded.bundle.len()).step_by(17) {
        let cut = &downloaded.bundle[..length];
        assert!(verify(cut, &downloaded.trust()).is_err(), "cut to {length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_of_another_log_is_refused_by_whoever_trusts_this_ones_keys() {
    let (app, other) = (TestApp::start().await, TestApp::start().await);
    for app in [&app, &other] {
        app.capture(&[document::observation(1, "L1")]).await;
        app.sealed().await;
    }
    let mine = Downloaded::new(&app, &issue_path("L1")).await;
    let theirs = Downloaded::new(&other, &issue_path("L1")).await;
    mine.verified();
    theirs.verified();
    assert!(verify(&theirs.bundle, &mine.trust()).is_err());
    for trust in [
        Trust {
            story: Some(&theirs.story),
            ..mine.trust()
        },
        Trust {
            log: Some(&theirs.log),
            ..mine.trust()
        },
        Trust {
            anchors: Some(&theirs.anchors),
            ..mine.trust()
        },
        // The two keys of one log do not stand in for each other.
        Trust {
            log: Some(&mine.story),
            story: Some(&mine.log),
            ..mine.trust()
        },
    ] {
        assert!(verify(&mine.bundle, &trust).is_err());
    }
    let own = verify(&theirs.bundle, &Trust::default()).unwrap();
    assert_eq!((own.keys, own.anchored), (KeysFrom::Bundle, false));
}

/// A folder with what a shopper downloaded.
struct Kept {
    folder: tempfile::TempDir,
    vkey: String,
    story_vkey: String,
}

impl Kept {
    async fn new(app: &TestApp) -> Kept {
        let downloaded = Downloaded::new(app, &issue_path("L1")).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bundle.json"), &downloaded.bundle).unwrap();
        std::fs::write(folder.path().join("anchors.jsonl"), &downloaded.anchors).unwrap();
        Kept {
            folder,
            vkey: downloaded.log.format(),
            story_vkey: downloaded.story.format(),
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// `rootmark verify` with both keys, the anchor file, and what else is given.
    async fn verify(&self, bundle: &str, more: &[&str]) -> crate::programs::Said {
        let (bundle, anchors) = (self.path(bundle), self.path("anchors.jsonl"));
        let keys = ["--vkey", &self.vkey, "--story-vkey", &self.story_vkey];
        let fixed = [
            ["verify", &bundle].as_slice(),
            &keys,
            &["--anchors", &anchors],
        ]
        .concat();
        rootmark_without_settings(&[&fixed, more].concat()).await
    }
}

async fn kept() -> (TestApp, Kept) {
    let app = TestApp::start().await;
    app.sealed().await;
    app.capture(&[document::observation(1, "L1")]).await;
    app.sealed().await;
    let kept = Kept::new(&app).await;
    (app, kept)
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_exits_with_0_for_a_bundle_that_is_right_and_says_what_it_proves() {
    let (app, kept) = kept().await;
    let said = kept.verify("bundle.json", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out
            .starts_with("OK: verified with the keys that you gave."),
        "{said:?}"
    );
    assert!(
        said.out
            .contains("all that the operator claims to hold at size 2"),
        "{said:?}"
    );
    assert!(
        !said.out.contains("complete"),
        "no verifier can know that: {said:?}"
    );
    let json = kept.verify("bundle.json", &["--json"]).await.json();
    assert_eq!(
        (&json["valid"], &json["anchored"]),
        (&true.into(), &true.into())
    );
    assert_eq!(
        (json["keys_from"].as_str(), json["tree_size"].as_u64()),
        (Some("verifier"), Some(2))
    );
    assert_eq!(json["statements"].as_array().unwrap().len(), 2);
    // Without keys it is no proof of who made it, and says so.
    let said = rootmark_without_settings(&["verify", &kept.path("bundle.json")]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out
            .starts_with("CONSISTENT, but the keys are the bundle's own"),
        "{said:?}"
    );
    let said = rootmark_without_settings(&["verify", &kept.path("bundle.json"), "--json"]).await;
    assert_eq!(said.json()["keys_from"], "bundle");
    // It works where there are settings, too, and asks no server: this one is gone.
    let (settings, _data_dir) = app.stop().await;
    assert_eq!(
        rootmark(&settings, &["verify", &kept.path("bundle.json")])
            .await
            .code,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_exits_with_1_for_a_bundle_that_was_changed_and_names_the_first_wrong_thing() {
    let (_app, kept) = kept().await;
    let bundle = std::fs::read_to_string(kept.path("bundle.json")).unwrap();
    let changed = bundle.replace("\"v\":\"12.50\"", "\"v\":\"12.5\"");
    assert_ne!(changed, bundle);
    std::fs::write(kept.path("changed.json"), &changed).unwrap();
    let said = kept.verify("changed.json", &[]).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.starts_with("WRONG: /statements/"), "{said:?}");
    let said = kept.verify("changed.json", &["--json"]).await;
    assert_eq!((said.code, &said.json()["valid"]), (1, &Value::from(false)));
    std::fs::write(kept.path("empty.json"), "").unwrap();
    assert_eq!(kept.verify("empty.json", &[]).await.code, 1);

    // An anchor file that does not hold the line, or whose chain is broken.
    let anchors = std::fs::read_to_string(kept.path("anchors.jsonl")).unwrap();
    let first = anchors.lines().next().unwrap().to_owned() + "\n";
    for (bad, word) in [
        (first, "not in the anchor file"),
        (anchors.replace("\"seal\":2", "\"seal\":3"), "line 2"),
    ] {
        std::fs::write(kept.path("anchors.jsonl"), bad).unwrap();
        let said = kept.verify("bundle.json", &[]).await;
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.out.contains(word), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_exits_with_1_where_the_trusted_key_is_another() {
    let (_app, kept) = kept().await;
    let name = kept.vkey.split('+').next().unwrap();
    let other = NoteSigner::from_seed(name, &[9; 32])
        .unwrap()
        .verifier()
        .format();
    let bundle = kept.path("bundle.json");
    for (flag, word) in [("--vkey", "/log/vkey"), ("--story-vkey", "/log/story_vkey")] {
        let said = rootmark_without_settings(&["verify", &bundle, flag, &other]).await;
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.out.contains(word), "{said:?}");
        assert!(said.out.contains("not the key that you trust"), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_exits_with_2_where_it_was_asked_wrongly() {
    let (_app, kept) = kept().await;
    let (bundle, missing) = (kept.path("bundle.json"), kept.path("missing.json"));
    let binary = kept.path("binary");
    std::fs::write(&binary, [0xff, 0xfe]).unwrap();
    for (arguments, word) in [
        (["verify", missing.as_str()].as_slice(), "missing.json"),
        (&["verify", &bundle, "--anchors", &missing], "missing.json"),
        (&["verify", &bundle, "--anchors", &binary], "not UTF-8"),
        (&["verify", &bundle, "--vkey", "not-a-key"], "--vkey"),
        (&["verify", &bundle, "--story-vkey", ""], "--story-vkey"),
        (&["verify"], "required"),
        (&["verify", &bundle, "--no-such-flag"], "--no-such-flag"),
    ] {
        let said = rootmark_without_settings(arguments).await;
        assert_eq!(said.code, 2, "{arguments:?}: {said:?}");
        assert!(said.err.contains(word), "{arguments:?}: {said:?}");
        assert_eq!(said.out, "", "{arguments:?}: {said:?}");
    }
}
