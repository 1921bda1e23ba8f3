//! What a log may hold: enough to find a request again, and nothing that a shopper or a partner sent.

use std::fs;
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::service::{Folder, Service};
use crate::support::{GTIN, document};

/// What is put into every part of requests that a client may choose, and must be in no log.
const SERIAL: &str = "SEEDEDSERIAL0451";
const QUERY: &str = "SEEDEDQUERY0451";
const HEADER: &str = "SEEDEDHEADER0451";
const LOT: &str = "SEEDEDLOT0451";
const REFUSED: &str = "SEEDEDREFUSED0451";
/// What may be in it.
const ID: &str = "partner-req.0451";

/// Requests that are answered, refused and broken, with seeds everywhere.
async fn seeded_load(service: &Service, key: &str) -> Vec<HeaderMap> {
    let http = rootmark::http_client::loopback();
    let mut answers = Vec::new();
    for path in [
        format!("/01/{GTIN}/21/{SERIAL}?q={QUERY}"),
        format!("/proof/01/{GTIN}/21/{SERIAL}"),
        format!("/qr/01/{GTIN}/21/{SERIAL}.svg"),
        format!("/find?code=(01){GTIN}(21){SERIAL}"),
        format!("/{SERIAL}"),
        format!("/log/{SERIAL}"),
        format!("/epcis/capture/{SERIAL}"),
        format!("/metrics?{QUERY}"),
    ] {
        let request = http
            .get(format!("{}{path}", service.base))
            .header("X-Request-Id", ID);
        let request = request
            .header("User-Agent", HEADER)
            .header("Cookie", HEADER);
        let request = request.header("X-Forwarded-For", "203.0.113.77");
        answers.push(request.send().await.unwrap().headers().clone());
    }
    let seen = document::observation_of(
        1,
        &format!(r#""epcList":["https://id.gs1.org/01/{GTIN}/10/{LOT}/21/{SERIAL}"]"#),
    );
    let other = seen.replace("inspecting", "packing");
    for (presented, body) in [
        (key, document::document(&[document::observation(2, LOT)])),
        // Another body under a known eventID.
        (
            key,
            document::document(&[document::observation(2, LOT).replace("inspecting", "packing")]),
        ),
        (key, document::document(&[seen])),
        (key, document::document(&[other])),
        (key, format!("{{\"{REFUSED}\":")),
        (key, format!("{{\"type\":\"{REFUSED}\"}}")),
        (REFUSED, "{}".to_owned()),
    ] {
        let request = http.post(format!("{}/epcis/capture", service.base));
        let request = request
            .bearer_auth(presented)
            .header("X-Request-Id", REFUSED.repeat(9));
        let request = request
            .header("Content-Type", "application/json")
            .body(body);
        answers.push(request.send().await.unwrap().headers().clone());
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_at_its_most_talkative_holds_ids_and_routes_and_nothing_that_a_client_sent() {
    let folder = Folder::new()
        .with("ROOTMARK_LOG", "debug")
        .with("ROOTMARK_LOG_FORMAT", "json");
    let path = folder.write("log", "");
    let log = fs::File::options().append(true).open(&path).unwrap();
    let service = Service::start_logging_to(&folder, log).await;
    let key = folder.enter_merchant();
    let answers = seeded_load(&service, &key).await;
    service.stop().await;
    let text = fs::read_to_string(&path).unwrap();

    for secret in [
        SERIAL,
        QUERY,
        HEADER,
        LOT,
        REFUSED,
        GTIN,
        &key,
        "203.0.113.77",
    ] {
        let found = text.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "{secret}");
    }
    // The twin: this search finds what is there.
    assert!(text.contains(ID));

    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let line_of = |id: &str| {
        let of = |line: &&Value| {
            line["span"]["request_id"] == id && line["fields"]["message"] == "request"
        };
        lines
            .iter()
            .find(of)
            .unwrap_or_else(|| panic!("no line of {id}"))
    };
    assert_eq!(line_of(ID)["fields"]["route"], "/01/{link:.*}");
    for headers in &answers {
        let id = headers["X-Request-Id"].to_str().unwrap();
        let line = line_of(id);
        assert!(line["fields"]["status"].is_u64() && line["fields"]["duration_us"].is_u64());
        if id != ID {
            assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7);
            assert_eq!(line["fields"]["route"], "/epcis/capture");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_in_a_request_is_logged_with_its_id() {
    let folder = Folder::new()
        .with("ROOTMARK_LOG", "info")
        .with("ROOTMARK_LOG_FORMAT", "json");
    let path = folder.write("log", "");
    let log = fs::File::options().append(true).open(&path).unwrap();
    let service = Service::start_logging_to(&folder, log).await;
    service.kill_postgres();
    let http = rootmark::http_client::loopback();
    let request = http.get(format!("{}/01/{GTIN}/21/{SERIAL}", service.base));
    let answer = request.header("X-Request-Id", ID).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["X-Request-Id"], ID);
    service.kill(true);
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains(SERIAL), "{text}");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_request: Vec<Value> = lines
        .filter(|line| line["span"]["request_id"] == ID)
        .collect();
    assert_eq!(of_request.len(), 1, "{text}");
    assert_eq!(of_request[0]["level"], "WARN");
    assert!(of_request[0]["fields"]["cause"].is_string());
}

/// Takes one connection, and answers it with a refusal that has a seed in it. The head of the request.
async fn refuse_one(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = vec![0; 64 * 1024];
    let read = stream.read(&mut request).await.unwrap();
    let answer = format!("HTTP/1.1 500 {REFUSED}\r\ncontent-length: 0\r\nx-why: {REFUSED}\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8_lossy(&request[..read]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_logged_without_its_address_its_secret_and_what_the_target_said() {
    let folder = Folder::new()
        .with("ROOTMARK_LOG", "debug")
        .with("ROOTMARK_WEBHOOK_PRIVATE_TARGETS", "127.0.0.1");
    let path = folder.write("log", "");
    let log = fs::File::options().append(true).open(&path).unwrap();
    let service = Service::start_logging_to(&folder, log).await;
    let key = folder.enter_merchant();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let http = rootmark::http_client::loopback();
    let post = async |path: &str, body: String| {
        let request = http
            .post(format!("{}{path}", service.base))
            .bearer_auth(&key);
        let request = request
            .header("Content-Type", "application/json")
            .body(body);
        request.send().await.unwrap().status().as_u16()
    };
    let named = r#"{"name":"q","query":{}}"#.to_owned();
    assert_eq!(post("/epcis/queries", named).await, 201);
    let dest = format!("http://127.0.0.1:{port}/{SERIAL}?{QUERY}");
    let order = format!(r#"{{"dest":"{dest}","signatureToken":"{HEADER}","stream":true}}"#);
    assert_eq!(post("/epcis/queries/q/subscriptions", order).await, 201);
    let event = document::document(&[document::observation(1, LOT)]);
    assert_eq!(post("/epcis/capture", event).await, 202);
    let arrived = tokio::time::timeout(Duration::from_secs(30), refuse_one(&listener)).await;
    // The twin: it went to this very address, signed.
    let head = arrived.expect("a delivery");
    assert!(
        head.starts_with(&format!("POST /{SERIAL}?{QUERY} ")),
        "{head}"
    );
    assert!(head.to_lowercase().contains("gs1-signature: t="), "{head}");
    let answer = http.get(format!("{}/epcis/queries/q/subscriptions", service.base));
    let told = answer.bearer_auth(&key).send().await.unwrap();
    assert_eq!(told.status(), 200);
    service.stop().await;
    let text = fs::read_to_string(&path).unwrap();
    for secret in [SERIAL, QUERY, HEADER, LOT, REFUSED] {
        let found = text.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "{secret}");
    }
    assert!(text.contains("a delivery failed"), "{text}");
}
