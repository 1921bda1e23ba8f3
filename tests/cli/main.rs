//! The program as a person runs it: the demo from an empty folder, its pages, its proofs.

#[path = "../reliability/service.rs"]
mod service;
#[path = "../support/mod.rs"]
mod support;
mod verify;
mod witnessed;

use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use service::{Folder, Service};

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_starts_from_nothing_serves_verifiable_pages_and_starts_again_unharmed() {
    let folder = Folder::new();
    let (service, printed) = Service::start_demo(&folder).await;
    let demo = folder.demo();
    let traces: Vec<String> = demo["traces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trace| trace["url"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(traces.len(), 3);
    for url in &traces {
        assert!(
            printed.contains(url.as_str()),
            "{url} is not in what was printed"
        );
        for language in ["zh-CN", "en"] {
            assert_eq!(status(url, language).await, 200, "{url} in {language}");
        }
        assert_eq!(verify(&folder, &service, url).await, 0, "{url}");
    }
    assert!(printed.contains('█'), "no QR code was printed");
    let before = demo_statements(&folder, &service).await;
    service.stop().await;

    let (service, _) = Service::start_demo(&folder).await;
    let again = folder.demo();
    assert_eq!(again["traces"], demo["traces"]);
    assert_eq!(
        demo_statements(&folder, &service).await,
        before,
        "a second start changed the log"
    );
    for url in &traces {
        assert_eq!(
            verify(&folder, &service, url).await,
            0,
            "{url} after a restart"
        );
    }
    // A serial that was never issued has no page, on the same service at the same time.
    let last = if traces[0].ends_with('0') { '1' } else { '0' };
    let altered = format!("{}{last}", &traces[0][..traces[0].len() - 1]);
    assert_eq!(status(&altered, "en").await, 404);
    issue_codes(&folder);
    service.stop().await;
    let (code, said) = folder.run(&["check"]);
    assert_eq!(code, 0, "{said}");
}

/// Codes go to a file that was not there, with what was issued said beside it.
fn issue_codes(folder: &Folder) {
    let path = folder.path("codes.txt");
    let out = path.to_str().unwrap();
    let merchants = folder.run(&["merchant", "list", "--json"]).1;
    let merchants: serde_json::Value = serde_json::from_str(&merchants).unwrap();
    let issue = |gtin: &str, hidden: bool| {
        let owner = merchants["merchants"][0]["id"].as_str().unwrap();
        let mut order = vec!["codes", "issue", "--gtin", gtin, "--quantity", "2"];
        order.extend(["--merchant", owner, "--out", out]);
        order.extend(hidden.then_some("--hidden"));
        let output = folder.command(&order).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let gtin = "09521041001012";
    // Of what is refused no file is left.
    let (code, said) = issue("09506000134352", true);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("REFUSED: the GTIN 09506000134352 is nobody's yet"),
        "{said}"
    );
    assert!(!path.exists());
    let (code, said) = issue(gtin, true);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(&format!("issued: GTIN {gtin}, numbers ")),
        "{said}"
    );
    let codes = std::fs::read_to_string(&path).unwrap();
    assert_eq!(codes.lines().filter(|line| line.contains(',')).count(), 2);
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    // What is there is kept, and nothing is issued.
    let (code, said) = issue(gtin, false);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("there is such a file already"), "{said}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), codes);
    // Who reads no further than the first line, as `head` does, has all that he wanted.
    let mut listing = folder.command(&["merchant", "list"]);
    listing.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut listing = listing.spawn().unwrap();
    drop(listing.stdout.take());
    let listed = listing.wait_with_output().unwrap();
    assert_eq!((listed.status.code(), listed.stderr.len()), (Some(0), 0));
    // Scopes are named together.
    let owner = merchants["merchants"][0]["id"].as_str().unwrap();
    let key = [
        "key",
        "add",
        "--merchant",
        owner,
        "--scope",
        "codes,hidden-codes",
    ];
    assert_eq!(folder.run(&key).0, 0);
    let key = ["key", "add", "--merchant", owner, "--scope", "codes,hidden"];
    let (code, said) = folder.run(&key);
    assert_eq!(code, 2, "{said}");
}

/// A command in a wrong folder must not say of nothing that all is well.
#[test]
fn a_command_in_a_folder_without_a_log_says_so_and_makes_nothing() {
    let folder = Folder::new();
    for command in [
        &["check"][..],
        &["trace", "/01/09521041001012/21/A"],
        &["merchant", "list"],
        &["key", "add"],
        &["seal"],
        &[
            "codes",
            "issue",
            "--gtin",
            "09521041001012",
            "--quantity",
            "1",
        ],
        &["capture", "Cargo.toml"],
        &["recover"],
    ] {
        let output = folder.command(command).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{command:?}: {said}");
        assert!(
            said.contains("there is no log in ") && said.contains("ROOTMARK_DATA_DIR"),
            "{command:?}: {said}"
        );
        assert!(output.stdout.is_empty(), "{command:?}");
        assert!(!folder.data().exists(), "{command:?}");
    }
}

async fn status(url: &str, language: &str) -> u16 {
    let request = rootmark::http_client::loopback()
        .get(url)
        .header("Accept-Language", language);
    request.send().await.unwrap().status().as_u16()
}

/// Downloads a bundle and the keys as a reader would, and runs `rootmark verify`.
async fn verify(folder: &Folder, service: &Service, url: &str) -> i32 {
    let text = |url: String| async move {
        rootmark::http_client::loopback()
            .get(url)
            .send()
            .await
            .unwrap()
            .error_for_status()
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    let path = url.strip_prefix(&service.base).unwrap();
    let bundle = folder.write(
        "bundle.json",
        &text(format!("{}/proof{path}", service.base)).await,
    );
    let anchors = folder.write(
        "anchors.jsonl",
        &text(format!("{}/log/anchors.jsonl", service.base)).await,
    );
    let vkey = text(format!("{}/log/vkey", service.base)).await;
    let story_vkey = text(format!("{}/log/story-vkey", service.base)).await;
    let keys = ["--vkey", vkey.trim(), "--story-vkey", story_vkey.trim()];
    let plain = folder.run(&[&["verify", &bundle], &keys[..]].concat()).0;
    let anchored = folder
        .run(&[&["verify", &bundle, "--anchors", &anchors], &keys[..]].concat())
        .0;
    assert_eq!(plain, anchored);
    // The negative twin: with another key the same bundle is refused.
    let other = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    assert_eq!(folder.run(&["verify", &bundle, "--vkey", other]).0, 1);
    plain
}

/// How many statements the log holds, from its public checkpoint.
async fn demo_statements(_folder: &Folder, service: &Service) -> String {
    let answer = rootmark::http_client::loopback()
        .get(format!("{}/log/checkpoint", service.base))
        .send()
        .await
        .unwrap();
    let note = answer.text().await.unwrap();
    note.lines().nth(1).unwrap().to_owned()
}

#[test]
fn wrong_usage_ends_with_2_and_says_why() {
    let folder = Folder::new();
    assert_eq!(folder.run(&["verify", "/no/such/bundle.json"]).0, 2);
    assert_eq!(folder.run(&["verify"]).0, 2);
    assert_eq!(folder.run(&["no-such-command"]).0, 2);
    let bundle = folder.write("b.json", "{}");
    assert_eq!(folder.run(&["verify", &bundle, "--vkey", "no key"]).0, 2);
    assert_eq!(folder.run(&["verify", &bundle]).0, 1);
}
