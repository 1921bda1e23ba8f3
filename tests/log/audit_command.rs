//! `rootmark audit` as somebody runs it who has nothing but a copy of the public files, or an address.

use std::fs;

use serde_json::Value;

use crate::audit::{fork_of, log};
use crate::programs::{Said, rootmark_without_settings};
use crate::support::TestApp;
use crate::support::document::observation;

async fn audit(arguments: &[&str]) -> Said {
    let all = [&["audit"], arguments].concat();
    rootmark_without_settings(&all).await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_what_holds_remembers_it_and_convicts_a_log_that_is_another() {
    let (bench, key) = log().await;
    let (vkey, folder) = (key.format(), bench.folder().to_str().unwrap().to_owned());
    let kept = tempfile::tempdir().unwrap();
    let state = kept.path().join("log.audit");
    let state = state.to_str().unwrap();
    let base = ["--dir", folder.as_str(), "--vkey", vkey.as_str()];
    let with_state = [base.as_slice(), &["--state", state]].concat();

    let said = audit(&with_state).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.starts_with("OK: every hash"), "{said:?}");
    assert!(said.out.contains("301, of which 0"), "{said:?}");
    let remembered = fs::read_to_string(state).unwrap();
    let said = audit(&[with_state.as_slice(), &["--json"]].concat()).await;
    let json: Value = said.json();
    assert_eq!(
        (&json["valid"], &json["verified_before"]),
        (&true.into(), &301.into())
    );
    assert_eq!(json["seals_read"], 0);

    // Another history: exit code 1, both checkpoints, and the memory stays.
    let fork = fork_of(&bench).await;
    fork.capture(&[observation(9, "L1")]).await;
    fork.sealed_and_public().await;
    let forked = fork.folder().to_str().unwrap();
    let told = audit(&["--dir", forked, "--vkey", &vkey, "--state", state]).await;
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.out.starts_with("FORK: "), "{told:?}");
    assert_eq!(told.out.matches(&format!("— {}", key.name())).count(), 2);
    assert_eq!(fs::read_to_string(state).unwrap(), remembered);

    // A damaged tile: exit code 1, named, and the memory stays as well.
    let tile = bench.folder().join("tile/1/000.p/1");
    let whole = fs::read(&tile).unwrap();
    let mut bytes = whole.clone();
    bytes[5] ^= 1;
    fs::write(&tile, bytes).unwrap();
    let told = audit(&base).await;
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.out.starts_with("WRONG: tile/1/000.p/1"), "{told:?}");
    fs::write(&tile, whole).unwrap();
    assert_eq!(audit(&base).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_cannot_work_with_is_exit_code_2_and_no_verdict() {
    let (bench, key) = log().await;
    let (vkey, folder) = (key.format(), bench.folder().to_str().unwrap().to_owned());
    let kept = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = kept.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (no_state, no_policy) = (
        file("state", "rootmark-audit/v1\n"),
        file("policy", "quorum\n"),
    );
    let long = file("long", &"x".repeat(300 * 1024));
    let log = ["--dir", folder.as_str(), "--vkey", vkey.as_str()];
    let with = |more: [&str; 2]| [log.as_slice(), &more].concat().join(" ");
    for (arguments, words) in [
        (String::new(), "--vkey"),
        (format!("--vkey {vkey}"), "--url"),
        (format!("--dir {folder} --vkey nonsense"), "--vkey"),
        (format!("--dir {folder}/nowhere --vkey {vkey}"), "no folder"),
        (
            format!("--dir {folder} --url http://x --vkey {vkey}"),
            "--url",
        ),
        (format!("--url ftp://x --vkey {vkey}"), "http://"),
        (
            format!("--url http://127.0.0.1:1 --vkey {vkey}"),
            "checkpoint: ",
        ),
        (with(["--state", &no_state]), "not the state"),
        (with(["--state", &long]), "too long"),
        (with(["--policy", &no_policy]), "line 1"),
    ] {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let said = audit(&arguments).await;
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert!(said.err.contains(words), "{words:?}: {said:?}");
    }
    // The state of another log is not this log's past.
    let other = log_state(kept.path()).await;
    let arguments = with(["--state", &other]);
    let said = audit(&arguments.split(' ').collect::<Vec<_>>()).await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("is of the log"), "{said:?}");
}

/// The state of a log of its own.
async fn log_state(folder: &std::path::Path) -> String {
    let app = TestApp::start().await;
    app.sealed().await;
    let state = folder.join("other").to_str().unwrap().to_owned();
    let url = app.url("/log");
    let vkey = app.running.vkey.clone();
    let said = audit(&["--url", &url, "--vkey", &vkey, "--state", &state]).await;
    assert_eq!(said.code, 0, "{said:?}");
    app.stop().await;
    state
}
