//! How the public log is served: types, caching, and that nothing else can be reached.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use reqwest::StatusCode;

use crate::support::{TestApp, document};

async fn published() -> TestApp {
    let app = TestApp::start().await;
    let events: Vec<String> = (0..260).map(|id| document::observation(id, "L1")).collect();
    app.capture(&events).await;
    app.sealed().await;
    app
}

fn header<'a>(answer: &'a reqwest::Response, name: &str) -> Option<&'a str> {
    answer
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_file_says_what_it_is_how_long_it_holds_and_that_any_page_may_read_it() {
    let app = published().await;
    let text = "text/plain; charset=utf-8";
    let lines = "application/jsonl; charset=utf-8";
    let bytes = "application/octet-stream";
    let forever = "public, max-age=31536000, immutable";
    for (name, content_type, caching) in [
        ("checkpoint", text, "no-cache"),
        ("vkey", text, "no-cache"),
        ("story-vkey", text, "no-cache"),
        ("keys.jsonl", lines, "no-cache"),
        ("anchors.jsonl", lines, "no-cache"),
        ("tile/0/000", bytes, forever),
        ("tile/1/000.p/1", bytes, forever),
        ("tile/entries/000", bytes, forever),
    ] {
        let path = format!("/log/{name}");
        let answer = app.get(&path).await;
        assert_eq!(answer.status(), 200, "{name}");
        assert_eq!(
            header(&answer, "Content-Type"),
            Some(content_type),
            "{name}"
        );
        assert_eq!(header(&answer, "Cache-Control"), Some(caching), "{name}");
        assert_eq!(
            header(&answer, "Access-Control-Allow-Origin"),
            Some("*"),
            "{name}"
        );
        assert_eq!(
            header(&answer, "X-Content-Type-Options"),
            Some("nosniff"),
            "{name}"
        );
        let content = answer.bytes().await.unwrap();
        assert_eq!(
            content,
            std::fs::read(app.public_log().join(name)).unwrap(),
            "{name}"
        );

        let head = app.http.head(app.url(&path)).send().await.unwrap();
        assert_eq!(head.status(), 200, "HEAD {name}");
        assert_eq!(
            header(&head, "Content-Length"),
            Some(&*content.len().to_string()),
            "{name}"
        );
        assert!(head.bytes().await.unwrap().is_empty(), "HEAD {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_sent_again_only_once_there_is_a_new_one() {
    let app = published().await;
    let answer = app.get("/log/checkpoint").await;
    let tag = header(&answer, "ETag")
        .expect("a checkpoint has a tag")
        .to_owned();
    let ask = || {
        app.http
            .get(app.url("/log/checkpoint"))
            .header("If-None-Match", &tag)
            .send()
    };
    assert_eq!(ask().await.unwrap().status(), StatusCode::NOT_MODIFIED);
    app.capture(&[document::observation(900, "L1")]).await;
    app.sealed().await;
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_was_not_published_is_not_found_and_that_answer_is_not_kept() {
    let app = published().await;
    for name in [
        "",
        ".lock",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/x001",
        "tile/0/x000/000",
        "tile/0/000/",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/000.p/05",
        "tile/0/001.p/255",
        "tile/0/002",
        "tile/1/000",
        "tile/2/000.p/1",
        "tile/64/000",
        "tile/-1/000",
        "tile/data/000",
        "tile/entries/001",
        "tile/entries/x001",
        "anchors",
        "anchors/",
        "anchors/1.jsonl",
        "anchors/01.jsonl",
        "Checkpoint",
        "checkpoint/",
        "checkpoint.new",
        ".checkpoint.new",
        "log.key",
        "vkey.txt",
    ] {
        let answer = app.get(&format!("/log/{name}")).await;
        assert_eq!(answer.status(), 404, "{name:?}");
        let caching = header(&answer, "Cache-Control").unwrap_or_default();
        assert!(!caching.contains("immutable"), "{name:?}: {caching}");
    }
}

/// A client that cleans up addresses would hide what a server does with them.
fn raw_get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_path_leaves_the_public_folder() {
    let app = published().await;
    let (address, keys) = (app.running.address, app.data_dir.path().join("keys"));
    assert!(
        keys.join("log.key").exists(),
        "there must be something to steal"
    );
    let absolute = keys.join("log.key").to_str().unwrap().to_owned();
    let answers = tokio::task::spawn_blocking(move || {
        // The twin: this client does reach what is public.
        assert!(raw_get(address, "/log/checkpoint").starts_with("HTTP/1.1 200"));
        let escapes = [
            "/log/../../keys/log.key".to_owned(),
            "/log/..%2f..%2fkeys%2flog.key".to_owned(),
            "/log/..%2F..%2Fkeys%2Flog.key".to_owned(),
            "/log/%2e%2e/%2e%2e/keys/log.key".to_owned(),
            "/log/%2e%2e%2f%2e%2e%2fkeys%2flog.key".to_owned(),
            "/log/%252e%252e/%252e%252e/keys/log.key".to_owned(),
            "/log/..%5c..%5ckeys%5clog.key".to_owned(),
            "/log/tile/../../../keys/log.key".to_owned(),
            "/log/tile/0/../../../../keys/log.key".to_owned(),
            "/log/anchors/../../../keys/log.key".to_owned(),
            "/log/anchors/..%2f..%2f..%2fkeys%2flog.key".to_owned(),
            "/log/checkpoint%00.txt".to_owned(),
            "/log/./checkpoint".to_owned(),
            "/log//checkpoint".to_owned(),
            "/log/tile%2f0%2f000".to_owned(),
            "/log/tile/0/%2e%2e/0/000".to_owned(),
            format!("/log/{absolute}"),
            format!("/log/{}", absolute.replace('/', "%2f")),
        ];
        escapes.map(|path| (raw_get(address, &path), path))
    });
    for (answer, path) in answers.await.unwrap() {
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        assert!(!answer.contains("PRIVATE+KEY"), "{path}");
    }
}
