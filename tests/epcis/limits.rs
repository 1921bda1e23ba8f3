//! What is too large, or of the wrong type.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use futures_util::stream;

use crate::kit::{event_count, everything, refusal, tree_size};
use crate::support::TestApp;
use crate::support::document::{document, observation};

/// Bytes of one body, as the service announces it.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// A good document filled up with spaces.
fn padded(length: usize) -> String {
    let mut text = document(&[observation(1, "L1")]);
    text.push_str(&" ".repeat(length - text.len()));
    text
}

/// Speaks HTTP/1.1 by itself, so that it can stop in the middle of a body: sends this much, then
/// reads one answer.
async fn exchange(app: &TestApp, headers: &str, body: Vec<u8>) -> String {
    let head = format!(
        "POST /epcis/capture HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\n{headers}\r\n",
        app.key
    );
    let address = app.running.address;
    let speak = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        // A limit, not a delay: a service that never answers must fail the test, not hang it.
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body).unwrap();
        let mut answer = BufReader::new(stream);
        let mut text = String::new();
        let mut length = 0;
        while !text.ends_with("\r\n\r\n") {
            let start = text.len();
            assert_ne!(answer.read_line(&mut text).unwrap(), 0, "cut off: {text:?}");
            let line = text[start..].to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body).unwrap();
        text + &String::from_utf8(body).unwrap()
    };
    tokio::task::spawn_blocking(speak).await.unwrap()
}

/// One chunk of a chunked body.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut framed = format!("{:x}\r\n", bytes.len()).into_bytes();
    framed.extend_from_slice(bytes);
    framed.extend_from_slice(b"\r\n");
    framed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_the_largest_size_is_taken() {
    let app = TestApp::start().await;
    let answer = app.post("/epcis/capture", padded(MAX_BODY_BYTES)).await;
    assert_eq!(answer.status(), 202);
    assert_eq!(event_count(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_of_the_largest_size_is_taken() {
    let app = TestApp::start().await;
    let text = padded(MAX_BODY_BYTES).into_bytes();
    let chunks: Vec<Result<Vec<u8>, std::io::Error>> = text
        .chunks(1 << 20)
        .map(|chunk| Ok(chunk.to_vec()))
        .collect();
    let request = app
        .http
        .post(app.url("/epcis/capture"))
        .bearer_auth(&app.key);
    let request = request.header("Content-Type", "application/json");
    let body = reqwest::Body::wrap_stream(stream::iter(chunks));
    assert_eq!(request.body(body).send().await.unwrap().status(), 202);
    assert_eq!(event_count(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_one_byte_too_large_is_refused_before_it_is_sent() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let too_large = format!("Content-Length: {}\r\n", MAX_BODY_BYTES + 1);
    let answer = exchange(&app, &too_large, Vec::new()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(
        answer.contains("epcisException:CaptureLimitExceededException"),
        "{answer}"
    );
    assert_eq!(everything(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_is_refused_at_the_first_byte_too_many() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let text = padded(MAX_BODY_BYTES + 1).into_bytes();
    let body: Vec<u8> = text.chunks(1 << 20).flat_map(chunk).collect();
    // The body's end is never sent: whoever waits for it would wait for ever.
    let answer = exchange(&app, "Transfer-Encoding: chunked\r\n", body).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(everything(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_a_body_too_large_whole_is_told_so() {
    let app = TestApp::start().await;
    for length in [MAX_BODY_BYTES + 1, MAX_BODY_BYTES + (1 << 20)] {
        let refused = refusal(app.post("/epcis/capture", padded(length)).await).await;
        assert_eq!(refused.status, 413);
        assert!(refused.detail.contains("16777216"), "{}", refused.detail);
    }
    assert_eq!(
        app.post("/epcis/capture", padded(1 << 20)).await.status(),
        202
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_leaves_nothing() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let text = document(&[observation(1, "L1")]);
    let key = app.key.clone();
    let address = app.running.address;
    let break_off = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /epcis/capture HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            text.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
            .write_all(&text.as_bytes()[..text.len() - 1])
            .unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    };
    let answer = tokio::task::spawn_blocking(break_off).await.unwrap();
    assert!(!answer.contains(" 202 "), "{answer}");
    assert_eq!(everything(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_events_than_one_capture_takes_are_refused() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let events = vec!["{}".to_owned(); 10_001];
    let refused = refusal(app.post("/epcis/capture", document(&events)).await).await;
    assert_eq!(refused.status, 413);
    assert_eq!(refused.kind, "epcisException:CaptureLimitExceededException");
    assert!(refused.detail.contains("10001"), "{}", refused.detail);
    // One fewer are looked at, and found to be no events.
    let refused = refusal(app.post("/epcis/capture", document(&events[1..])).await).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.faults.len(), 50);
    assert_eq!(everything(&app).await, before);
}

/// A document whose context has `bytes` bytes.
fn with_context(bytes: usize, events: &[String]) -> String {
    let text = document(events);
    let value = auditlog::json::parse(&text).unwrap();
    let context = value.get("@context").unwrap().to_compact();
    let long = format!("[{{\"p\":\"u:{}\"}}]", "n".repeat(bytes - 12));
    value.to_compact().replacen(&context, &long, 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_that_is_stored_with_every_event_makes_no_small_document_a_large_one() {
    const MAX_CONTEXT_BYTES: usize = 64 * 1024;
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let one = [observation(1, "L1")];
    let post = async |text: String| app.post("/epcis/capture", text).await;
    let refused = refusal(post(with_context(MAX_CONTEXT_BYTES + 1, &one)).await).await;
    assert_eq!(refused.status, 413);
    assert_eq!(refused.kind, "epcisException:CaptureLimitExceededException");
    assert!(refused.detail.contains("65537"), "{}", refused.detail);
    // 64 MiB of contexts alone, in a document of half a MiB.
    let many: Vec<String> = (0..1_024).map(|n| observation(n, "L1")).collect();
    let refused = refusal(post(with_context(MAX_CONTEXT_BYTES, &many)).await).await;
    assert_eq!(refused.status, 413);
    assert_eq!(refused.kind, "epcisException:CaptureLimitExceededException");
    assert_eq!(everything(&app).await, before);
    let taken = post(with_context(MAX_CONTEXT_BYTES, &one)).await;
    assert_eq!(taken.status(), 202);
    assert_eq!(event_count(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_json_and_nothing_else() {
    let app = TestApp::start().await;
    let size = tree_size(&app).await;
    let send = async |content_type: Option<&str>| {
        let mut request = app
            .http
            .post(app.url("/epcis/capture"))
            .bearer_auth(&app.key);
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        request
            .body(document(&[observation(1, "L1")]))
            .send()
            .await
            .unwrap()
    };
    let wrong = [
        None,
        Some(""),
        Some("text/plain"),
        Some("application/xml"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonl"),
        Some("application/json-seq"),
        Some("json"),
        Some("text/plain; application/json"),
    ];
    for content_type in wrong {
        let refused = refusal(send(content_type).await).await;
        assert_eq!(refused.status, 415, "{content_type:?}");
        assert_eq!(refused.kind, "epcisException:UnsupportedMediaTypeException");
    }
    assert_eq!(tree_size(&app).await, size);
    for content_type in [
        "application/json",
        "application/ld+json",
        "application/json; charset=utf-8",
        "Application/JSON ;charset=UTF-8",
    ] {
        assert_eq!(
            send(Some(content_type)).await.status(),
            202,
            "{content_type}"
        );
    }
    assert_eq!(tree_size(&app).await, size + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_is_refused_unread() {
    let app = TestApp::start().await;
    // A gzip stream of a hundred bytes can hold a hundred thousand.
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec();
    for encoding in ["gzip", "deflate", "br", "zstd", "identity, gzip"] {
        let request = app
            .http
            .post(app.url("/epcis/capture"))
            .bearer_auth(&app.key);
        let request = request.header("Content-Type", "application/json");
        let request = request.header("Content-Encoding", encoding);
        let refused = refusal(request.body(gzip.clone()).send().await.unwrap()).await;
        assert_eq!(refused.status, 415, "{encoding}");
    }
    let request = app
        .http
        .post(app.url("/epcis/capture"))
        .bearer_auth(&app.key);
    let request = request.header("Content-Type", "application/json");
    let request = request.header("Content-Encoding", "identity");
    let answer = request
        .body(document(&[observation(1, "L1")]))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_that_takes_a_body_has_the_same_limits() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    for path in [
        "/api/products",
        "/api/parties",
        "/api/documents",
        "/api/code-ranges",
    ] {
        let request = app.http.post(app.url(path)).bearer_auth(&app.key);
        let answer = request
            .header("Content-Type", "text/plain")
            .body("{}")
            .send()
            .await
            .unwrap();
        assert_eq!(refusal(answer).await.status, 415, "{path}");
        let refused = refusal(app.post(path, "[".repeat(100_000)).await).await;
        assert_eq!(refused.status, 400, "{path}");
        let refused = refusal(app.post(path, padded(MAX_BODY_BYTES + 1)).await).await;
        assert_eq!(refused.status, 413, "{path}");
        let answer = app
            .http
            .post(app.url(path))
            .body("{}")
            .send()
            .await
            .unwrap();
        assert_eq!(refusal(answer).await.status, 401, "{path}");
    }
    assert_eq!(everything(&app).await, before);
}
