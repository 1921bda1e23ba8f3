//! What every answer of `/epcis` owes the standard: its exceptions, its versions, its media types.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

use reqwest::{Method, RequestBuilder};
use rootmark::domain::scope::Scope;
use serde_json::Value;

use crate::kit::{everything, key_for, refusal};
use crate::support::TestApp;
use crate::support::document::{document, observation};

const NOT_ACCEPTABLE: &str = "epcisException:NotAcceptableException";

fn ask(app: &TestApp, method: Method, path: &str) -> RequestBuilder {
    app.http
        .request(method, app.url(path))
        .bearer_auth(&app.key)
}

fn get(app: &TestApp, path: &str) -> RequestBuilder {
    ask(app, Method::GET, path)
}

fn post(app: &TestApp, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    let request = ask(app, Method::POST, path).body(body);
    request.header("Content-Type", "application/json")
}

fn capture(app: &TestApp) -> RequestBuilder {
    post(app, "/epcis/capture", document(&[observation(1, "L1")]))
}

/// How many events a query finds, in an answer called `media_type`.
async fn found(request: RequestBuilder, media_type: &str) -> usize {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["Content-Type"], media_type);
    let document: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let events = &document["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
    events.as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_exception_of_the_standard_is_answered_with_its_type_and_status() {
    let app = TestApp::start().await;
    app.capture(&[observation(1, "L1"), observation(2, "L2")])
        .await;
    let mut conn = app.owner().await;
    let captures_alone = key_for(&app, &[Scope::Capture]).await;
    let conflict = observation(1, "L9");
    let long = format!("/epcis/events?EQ_eventID={}", "x".repeat(17_000));
    for (kind, status, request) in [
        ("Validation", 400, post(&app, "/epcis/capture", "{}")),
        ("Validation", 400, post(&app, "/epcis/events", "{")),
        ("QueryParameter", 400, get(&app, "/epcis/events?EQ_no=1")),
        ("Security", 401, app.http.get(app.url("/epcis/events"))),
        (
            "Security",
            403,
            app.http
                .get(app.url("/epcis/events"))
                .bearer_auth(&captures_alone),
        ),
        ("NoSuchName", 404, get(&app, "/epcis/events/urn:x:1")),
        ("NoSuchName", 404, get(&app, "/epcis/capture/7")),
        ("NoSuchName", 404, get(&app, "/epcis/bizSteps/packing")),
        ("NoSuchName", 404, get(&app, "/epcis/nothing/at/all")),
        (
            "NoSuchName",
            404,
            ask(&app, Method::DELETE, "/epcis/nothing"),
        ),
        (
            "Implementation",
            405,
            ask(&app, Method::PUT, "/epcis/events"),
        ),
        (
            "NotAcceptable",
            406,
            get(&app, "/epcis/events").header("Accept", "application/xml"),
        ),
        (
            "ResourceAlreadyExists",
            409,
            post(&app, "/epcis/capture", document(&[conflict])),
        ),
        (
            "CaptureLimitExceeded",
            413,
            post(&app, "/epcis/capture", document(&vec!["{}".into(); 10_001])),
        ),
        (
            "QueryTooLarge",
            413,
            get(&app, "/epcis/events?maxEventCount=1"),
        ),
        ("URITooLong", 414, get(&app, &long)),
        (
            "UnsupportedMediaType",
            415,
            ask(&app, Method::POST, "/epcis/capture").body("{}"),
        ),
        (
            "UnsupportedMediaType",
            415,
            ask(&app, Method::POST, "/epcis/events").body("{}"),
        ),
        (
            "Implementation",
            501,
            ask(&app, Method::DELETE, "/epcis/nextPageToken/x"),
        ),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["GS1-EPCIS-Version"], "2.0.0", "{kind}");
        let refused = refusal(answer).await;
        let expected = (format!("epcisException:{kind}Exception"), status);
        assert_eq!(
            (refused.kind, refused.status),
            expected,
            "{}",
            refused.detail
        );
    }
    sqlx::query("ALTER TABLE capture_job RENAME TO gone")
        .execute(&mut conn)
        .await
        .unwrap();
    let refused = refusal(get(&app, "/epcis/capture").send().await.unwrap()).await;
    let expected = ("epcisException:ImplementationException", 500);
    assert_eq!((refused.kind.as_str(), refused.status), expected);
    assert!(
        !refused.detail.contains("capture_job"),
        "{}",
        refused.detail
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_a_resource_does_not_have_is_told_those_that_it_has() {
    let app = TestApp::start().await;
    for (method, path, allow) in [
        (Method::PUT, "/epcis", "OPTIONS, GET, HEAD"),
        (Method::DELETE, "/epcis/capture", "OPTIONS, GET, HEAD, POST"),
        (Method::PUT, "/epcis/capture", "OPTIONS, GET, HEAD, POST"),
        (Method::PATCH, "/epcis/capture", "OPTIONS, GET, HEAD, POST"),
        (Method::PATCH, "/epcis/events", "OPTIONS, GET, HEAD, POST"),
        (Method::PUT, "/epcis/queries", "OPTIONS, GET, HEAD, POST"),
        (
            Method::PUT,
            "/epcis/queries/q/subscriptions/x",
            "OPTIONS, GET, HEAD, DELETE",
        ),
        (
            Method::DELETE,
            "/epcis/events/urn:x:1",
            "OPTIONS, GET, HEAD",
        ),
        (Method::POST, "/epcis/bizSteps", "OPTIONS, GET, HEAD"),
        (
            Method::POST,
            "/epcis/bizSteps/packing/events",
            "OPTIONS, GET, HEAD",
        ),
        (Method::GET, "/epcis/nextPageToken/x", "OPTIONS, DELETE"),
    ] {
        let answer = ask(&app, method.clone(), path).send().await.unwrap();
        assert_eq!(answer.headers()["Allow"], allow, "{method} {path}");
        assert_eq!(refusal(answer).await.status, 405, "{method} {path}");
    }
    // The same below /api.
    for (method, path, allow) in [
        (Method::GET, "/api/products", "POST"),
        (Method::DELETE, "/api/recalls", "GET, HEAD, POST"),
        (Method::GET, "/api/company-prefixes/952104", "PUT, DELETE"),
        (
            Method::PUT,
            "/api/code-ranges/09521041001012/0/codes",
            "GET, HEAD",
        ),
        (Method::POST, "/api/openapi.json", "GET, HEAD"),
    ] {
        let answer = ask(&app, method.clone(), path).send().await.unwrap();
        let told = answer.headers()["Allow"].to_str().unwrap().to_owned();
        let sorted = |list: &str| list.split(", ").map(str::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(sorted(&told), sorted(allow), "{method} {path}");
        assert_eq!(refusal(answer).await.status, 405, "{method} {path}");
    }
    // HEAD is GET without its body, wherever GET is.
    let codes = "/api/code-ranges/09521041001012/0/codes";
    let head = ask(&app, Method::HEAD, codes).send().await.unwrap();
    assert_eq!(
        head.status(),
        get(&app, codes).send().await.unwrap().status()
    );
    let nobody = ask(&app, Method::PUT, "/api/company-prefixes/");
    assert_eq!(refusal(nobody.send().await.unwrap()).await.status, 404);
    for path in [
        "/api",
        "/api/",
        "/api/recall",
        "/api/recalls/",
        "/api/products/1/2",
    ] {
        let answer = get(&app, path).send().await.unwrap();
        assert!(!answer.headers().contains_key("Allow"), "{path}");
        assert_eq!(refusal(answer).await.status, 404, "{path}");
    }
    let answer = app.get("/apis").await;
    assert_eq!(answer.headers()["Content-Type"], "text/html; charset=utf-8");
    // A path that allows the method, and still leads nowhere, is no matter of methods.
    for path in ["/epcis/capture/1/2", "/epcis/events/%ZZ"] {
        let answer = get(&app, path).send().await.unwrap();
        assert!(!answer.headers().contains_key("Allow"), "{path}");
        let refused = refusal(answer).await;
        assert!(matches!(refused.status, 400 | 404), "{path}: {refused:?}");
    }
    // What only begins alike is somebody's mistyped page.
    let answer = app.get("/epcisx").await;
    assert!(answer.headers().get("GS1-EPCIS-Version").is_none());
    assert_eq!(answer.headers()["Content-Type"], "text/html; charset=utf-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_called_what_was_asked_for_and_one_that_cannot_be_given_is_refused() {
    let app = TestApp::start().await;
    app.capture(&[observation(2, "L2")]).await;
    let events = |accept: &str| get(&app, "/epcis/events").header("Accept", accept);
    for accept in ["*/*", "application/json", "text/html, application/*;q=0.1"] {
        assert_eq!(found(events(accept), "application/json").await, 1);
    }
    for accept in ["application/ld+json", "application/json;q=0, */*"] {
        assert_eq!(found(events(accept), "application/ld+json").await, 1);
    }
    let before = everything(&app).await;
    for accept in [
        "text/html",
        "application/xml",
        "*/*;q=0",
        "application/problem+json",
    ] {
        for request in [
            get(&app, "/epcis"),
            get(&app, "/epcis/events"),
            capture(&app),
        ] {
            let answer = request.header("Accept", accept).send().await.unwrap();
            assert_eq!(answer.headers()["GS1-EPCIS-Min"], "2.0.0");
            assert_eq!(refusal(answer).await.kind, NOT_ACCEPTABLE, "{accept}");
        }
    }
    assert_eq!(everything(&app).await, before);
    let answer = events("application/ld+json").send().await.unwrap();
    assert_eq!(answer.headers()["Vary"], "Accept");
    // A proof is what its address says, and problems are problems.
    let job = capture(&app).send().await.unwrap();
    let job = job.headers()["Location"].to_str().unwrap().to_owned();
    app.sealed().await;
    let proof = get(&app, &format!("{job}/proof?format=tlog-proof&index=1"));
    let proof = proof.header("Accept", "text/plain").send().await.unwrap();
    assert_ne!(proof.status(), 406);
    let refused = get(&app, "/epcis/events?x=1").header("Accept", "application/ld+json");
    assert_eq!(refusal(refused.send().await.unwrap()).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_not_spoken_and_the_answer_says_which_are() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    for (name, value, status) in [
        ("GS1-EPCIS-Version", "1.2", 406),
        ("GS1-EPCIS-Min", "2.1", 406),
        ("GS1-EPCIS-Max", "1.2", 406),
        ("GS1-CBV-Version", "1.2.2", 406),
        ("GS1-CBV-Min", "3", 406),
        ("GS1-CBV-Max", "1.9", 406),
        ("GS1-EPCIS-Version", "latest", 400),
        ("GS1-Extensions", "no pair", 400),
        ("GS1-EPC-Format", "URN", 406),
    ] {
        for request in [get(&app, "/epcis/events"), capture(&app)] {
            let answer = request.header(name, value).send().await.unwrap();
            let range = answer.headers().get("GS1-CBV-Max").cloned();
            assert_eq!(range.is_some_and(|max| max == "2.0.0"), status == 406);
            let refused = refusal(answer).await;
            assert_eq!(refused.status, status, "{name}: {value}");
            assert_eq!(refused.kind == NOT_ACCEPTABLE, status == 406);
            let detail = refused.detail.to_lowercase();
            assert!(detail.contains(&name.to_lowercase()), "{detail}");
        }
    }
    assert_eq!(everything(&app).await, before);
    let spoken = capture(&app).header("GS1-EPCIS-Version", "2.0");
    let spoken = spoken.header("GS1-CBV-Version", "2.0.0");
    let answer = spoken.send().await.unwrap();
    assert_eq!(answer.status(), 202);
    assert_eq!(answer.headers()["GS1-EPCIS-Version"], "2.0.0");
    let range = get(&app, "/epcis/events").header("GS1-EPCIS-Min", "1.0.0");
    let range = range.header("GS1-EPCIS-Max", "2.0.0");
    assert_eq!(found(range, "application/json").await, 1);
    // Who asks for the versions need not know one.
    let options = ask(&app, Method::OPTIONS, "/epcis/events").header("GS1-EPCIS-Version", "1.2");
    let answer = options.send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["GS1-EPCIS-Max"], "2.0.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_say_what_its_prefixes_mean() {
    let app = TestApp::start().await;
    let events: Vec<String> = (1..4).map(|id| observation(id, "L1")).collect();
    app.capture(&events).await;
    let query = async |name: &str, extensions: Option<&str>| {
        let mut request = get(&app, &format!("/epcis/events?EQ_{name}=1"));
        if let Some(extensions) = extensions {
            request = request.header("GS1-Extensions", extensions);
        }
        found(request, "application/json").await
    };
    // The events say that `example` is https://example.org/ns/.
    assert_eq!(query("example:reading", None).await, 3);
    assert_eq!(query("other:reading", None).await, 0);
    let declared = "x=urn:x:, other=https://example.org/ns/";
    assert_eq!(query("other:reading", Some(declared)).await, 3);
    assert_eq!(query("example:reading", Some(declared)).await, 3);
    let elsewhere = "example=https://elsewhere.example/";
    assert_eq!(query("example:reading", Some(elsewhere)).await, 0);
    // A page continues what was asked with the same meaning.
    let first = get(&app, "/epcis/events?EQ_other:reading=1&perPage=2");
    let first = first
        .header("GS1-Extensions", declared)
        .send()
        .await
        .unwrap();
    let link = first.headers()["Link"].to_str().unwrap();
    let next = link[1..].split('>').next().unwrap();
    let without = get(&app, next).send().await.unwrap();
    assert_eq!(refusal(without).await.status, 400);
    let with = get(&app, next).header("GS1-Extensions", declared);
    assert_eq!(found(with, "application/json").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_address_that_is_taken_has_a_next_page_and_a_longer_one_is_told_so() {
    let app = TestApp::start().await;
    let events: Vec<String> = (1..4).map(|id| observation(id, "L1")).collect();
    app.capture(&events).await;
    // One value that is found, and as many as fit of one that is not; each comma becomes three bytes.
    let path = "/epcis/events?perPage=1&EQ_bizStep=inspecting";
    let address = |bytes: usize| {
        let mut address = format!("{path}|{}", ",".repeat(bytes));
        address.truncate(bytes);
        address
    };
    let answer = get(&app, &address(16_384)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let link = answer.headers()["Link"].to_str().unwrap();
    let next = link[1..].split('>').next().unwrap();
    assert!(next.len() > 40_000, "{}", next.len());
    assert_eq!(found(get(&app, next), "application/json").await, 1);
    let longer = get(&app, &address(16_385)).send().await.unwrap();
    let refused = refusal(longer).await;
    assert_eq!(refused.kind, "epcisException:URITooLongException");
    // Far beyond, HTTP itself ends the conversation: it must never come as far as a handler.
    let address = app.running.address;
    for (bytes, status) in [(65_535, " 400 "), (140_000, " 431 ")] {
        let path = format!("/epcis/events?x={}", "y".repeat(bytes));
        let exchange = move || {
            let mut stream = TcpStream::connect(address).unwrap();
            let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let _ = stream.write_all(head.as_bytes());
            let mut answer = [0; 64];
            let read = stream.read(&mut answer).unwrap_or(0);
            String::from_utf8_lossy(&answer[..read]).into_owned()
        };
        let answer = tokio::task::spawn_blocking(exchange).await.unwrap();
        assert!(answer.contains(status), "{bytes}: {answer}");
    }
}
