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
        assert_eq!(
            header(&answer, "Cache-Control"),
            Some("no-store"),
            "{name:?}"
        );
        assert_eq!(header(&answer, "ETag"), None, "{name:?}");
        assert_eq!(header(&answer, "Last-Modified"), None, "{name:?}");
        let origin = header(&answer, "Access-Control-Allow-Origin");
        assert_eq!(
            origin,
            Some("*"),
            "a page elsewhere must see that: {name:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_on_another_host_may_ask_with_headers_of_its_own() {
    let app = published().await;
    for name in ["checkpoint", "tile/0/000", "tile/entries/000"] {
        let options = reqwest::Method::OPTIONS;
        let request = app.http.request(options, app.url(&format!("/log/{name}")));
        let request = request
            .header("Origin", "https://auditor.example.org")
            .header("Access-Control-Request-Method", "GET")
            .header("Access-Control-Request-Headers", "if-none-match, range");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 204, "{name}");
        for (given, value) in [
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Allow-Methods", "GET, HEAD"),
            ("Access-Control-Allow-Headers", "*"),
            ("Access-Control-Max-Age", "86400"),
        ] {
            assert_eq!(header(&answer, given), Some(value), "{name}");
        }
        // The twin: nobody may write.
        let put = app.http.put(app.url(&format!("/log/{name}")));
        assert_eq!(put.body("x").send().await.unwrap().status(), 404, "{name}");
    }
    let page = app.get("/").await;
    let origin = header(&page, "Access-Control-Allow-Origin");
    assert_eq!(origin, None, "the log is open, pages are not");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_file_can_be_asked_for() {
    let app = published().await;
    for name in ["tile/0/000", "tile/entries/000", "anchors.jsonl"] {
        let whole = std::fs::read(app.public_log().join(name)).unwrap();
        let ask = |range: &str| {
            let request = app.http.get(app.url(&format!("/log/{name}")));
            let request = request
                .header("Range", range)
                .header("Accept-Encoding", "gzip");
            request.send()
        };
        let part = ask("bytes=32-63").await.unwrap();
        assert_eq!(part.status(), 206, "{name}");
        let range = format!("bytes 32-63/{}", whole.len());
        assert_eq!(header(&part, "Content-Range"), Some(&*range), "{name}");
        assert_eq!(part.bytes().await.unwrap(), whole[32..64], "{name}");
        let beyond = ask(&format!("bytes={}-", whole.len())).await.unwrap();
        assert_eq!(beyond.status(), 416, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entry_bundles_are_smaller_for_whoever_asks_for_that_and_only_they() {
    let app = published().await;
    let ask = |name: &str, encoding: &str| {
        let request = app.http.get(app.url(&format!("/log/{name}")));
        request.header("Accept-Encoding", encoding).send()
    };
    let whole = std::fs::read(app.public_log().join("tile/entries/000")).unwrap();
    let small = ask("tile/entries/000", "gzip").await.unwrap();
    assert_eq!(header(&small, "Content-Encoding"), Some("gzip"));
    assert_eq!(
        header(&small, "Cache-Control"),
        Some("public, max-age=31536000, immutable")
    );
    let vary = header(&small, "Vary").unwrap().to_ascii_lowercase();
    assert_eq!(vary, "accept-encoding");
    let small = small.bytes().await.unwrap();
    assert!(
        small.len() * 4 < whole.len() * 3,
        "{} of {}",
        small.len(),
        whole.len()
    );
    // RFC 1952 §2.3.1: the last four bytes are the length of what was compressed.
    let length = u32::from_le_bytes(*small.last_chunk().unwrap());
    assert_eq!(length as usize, whole.len());

    let plain = ask("tile/entries/000", "identity").await.unwrap();
    assert_eq!(header(&plain, "Content-Encoding"), None);
    assert_eq!(header(&plain, "Vary"), Some("accept-encoding"));
    assert_eq!(plain.bytes().await.unwrap(), whole);
    // Digests do not shrink.
    let tile = ask("tile/0/000", "gzip").await.unwrap();
    assert_eq!(header(&tile, "Content-Encoding"), None);
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
            "/log/tile/0/x001/../000".to_owned(),
            "/log/tile/0/x001/%2e%2e/000".to_owned(),
            "/log/tile/0/./000".to_owned(),
            "/log/tile/0/00%30".to_owned(),
            "/log/tile/0%2F000".to_owned(),
            "/log/tile/%65ntries/000".to_owned(),
            "/%6cog/checkpoint".to_owned(),
            "/log/tile/0/000/".to_owned(),
            "/log/checkpoint/".to_owned(),
            "/log/tile/00/000".to_owned(),
            "/log/tile/01/000".to_owned(),
            "/log/tile/64/000".to_owned(),
            "/log/tile/255/000".to_owned(),
            "/log/tile/0/x000/000".to_owned(),
            "/log/tile/0/0000".to_owned(),
            "/log/tile/0/000.p/01".to_owned(),
            "/log/tile/0/000.p/256".to_owned(),
            "/log/tile/0/000.p/+1".to_owned(),
            "/log/tile/0/%20000".to_owned(),
            format!("/log/tile/0/{}000", "x001/".repeat(2_000)),
            format!("/log/tile/0/{}", "0".repeat(20_000)),
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
