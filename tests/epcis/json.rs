//! Bodies that are not JSON, or JSON that has no single meaning.

use crate::kit::{everything, proof, proven_event, refusal, stored};
use crate::support::document::{document, observation};
use crate::support::{GTIN, TestApp};

/// A document with one event that has this value in an extension.
fn with_value(value: &str) -> String {
    document(&[observation(1, "L1").replace("1.0", value)])
}

/// The value nested so that the whole document has `depth` levels.
fn nested(depth: usize, open: &str, close: &str) -> String {
    // The document, its body, the list and the event are four of them.
    let levels = depth - 4;
    with_value(&format!("{}1{}", open.repeat(levels), close.repeat(levels)))
}

async fn post_bytes(app: &TestApp, body: impl Into<reqwest::Body>) -> reqwest::Response {
    let request = app
        .http
        .post(app.url("/epcis/capture"))
        .bearer_auth(&app.key);
    request
        .header("Content-Type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_not_json_is_refused_and_leaves_nothing() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let good = with_value("1.0");
    let bad = [
        String::new(),
        " \n".to_owned(),
        good[..good.len() - 1].to_owned(),
        format!("{good}]"),
        format!("{good}{good}"),
        format!("\u{feff}{good}"),
        good.replace("\"action\"", "action"),
        good.replace('"', "'"),
        good.replace("1.0", "1.0,"),
        with_value("01"),
        with_value("+1"),
        with_value(".5"),
        with_value("5."),
        with_value("1e"),
        with_value("0x10"),
        with_value("NaN"),
        with_value("Infinity"),
        with_value("True"),
        with_value("\"\\x41\""),
        with_value("\"\\u12\""),
        with_value("\"a\nb\""),
        with_value("/* comment */ 1"),
    ];
    for text in bad {
        let refused = refusal(app.post("/epcis/capture", text.clone()).await).await;
        assert_eq!(refused.status, 400, "{text}");
        assert_eq!(refused.kind, "epcisException:ValidationException", "{text}");
        assert!(refused.detail.contains("at byte"), "{}", refused.detail);
    }
    assert_eq!(everything(&app).await, before);
    assert_eq!(app.post("/epcis/capture", good).await.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_stands_twice_in_an_object_is_refused() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let bad = [
        with_value(r#"{"a":1,"a":1}"#),
        with_value(r#"{"a":1,"\u0061":2}"#),
        with_value(r#"[{"b":{"a":1,"c":2,"a":3}}]"#),
        with_value(r#"1.0,"action":"OBSERVE""#),
        document(&[observation(1, "L1")]).replacen('{', r#"{"type":"EPCISDocument","#, 1),
    ];
    for text in bad {
        let refused = refusal(app.post("/epcis/capture", text.clone()).await).await;
        assert_eq!(refused.status, 400, "{text}");
        assert!(refused.detail.contains("twice"), "{}", refused.detail);
    }
    assert_eq!(everything(&app).await, before);
    let twin = with_value(r#"[{"a":1},{"a":1,"A":2}]"#);
    assert_eq!(app.post("/epcis/capture", twin).await.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn characters_without_a_single_meaning_are_refused() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    for value in [
        r#""\u0000""#,
        r#"{"a\u0000b":1}"#,
        "\"\u{0}\"",
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800\ud800""#,
        r#""\ud83c x\udf3f""#,
        r#""\udf3f\ud83c""#,
    ] {
        let refused = refusal(app.post("/epcis/capture", with_value(value)).await).await;
        assert_eq!(refused.status, 400, "{value}");
        assert!(refused.detail.contains("at byte"), "{}", refused.detail);
    }
    assert_eq!(everything(&app).await, before);
    let twin = observation(1, "L1").replace("1.0", r#""\u0001\ud83c\udf3f\uffff""#);
    stored(&app, &[twin]).await;
    let event = proven_event(&app, &format!("/01/{GTIN}/10/L1")).await;
    let shown = event.content.value("/body/example:reading").unwrap();
    assert_eq!(shown, "\"\\u0001🌿\u{ffff}\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_utf8_are_refused_with_their_place() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let bad: [&[u8]; 6] = [
        b"\xff",
        b"\xc3(",
        // Overlong, a surrogate, beyond Unicode, cut off.
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe6\xba",
    ];
    for bytes in bad {
        let mut body = b"{\"a\":\"".to_vec();
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\"}");
        let refused = refusal(post_bytes(&app, body).await).await;
        assert_eq!(refused.status, 400, "{bytes:?}");
        assert_eq!(refused.detail, "the body is not UTF-8: byte 6", "{bytes:?}");
    }
    // The same text as UTF-16 is not UTF-8 either.
    let good = with_value("\"源证\"");
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(refusal(post_bytes(&app, utf16).await).await.status, 400);
    assert_eq!(everything(&app).await, before);
    assert_eq!(post_bytes(&app, good).await.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_nested_too_deep_is_refused() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let refused = refusal(app.post("/epcis/capture", nested(65, open, close)).await).await;
        assert_eq!(refused.status, 400);
        assert!(
            refused.detail.contains("deeper than 64"),
            "{}",
            refused.detail
        );
        for levels in [100_000, 1_000_000] {
            let answer = app.post("/epcis/capture", open.repeat(levels)).await;
            assert_eq!(refusal(answer).await.status, 400, "{levels} {open}");
        }
    }
    assert_eq!(everything(&app).await, before);
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let text = nested(64, open, close);
        let id = if open == "[" { "1" } else { "2" };
        let text = text.replace(
            "4000-8000-000000000001",
            &format!("4000-8000-00000000000{id}"),
        );
        assert_eq!(
            app.post("/epcis/capture", text).await.status(),
            202,
            "{open}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_that_nests_too_deeply_once_it_stands_in_an_event_is_refused() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    // The document is one level of the 64, its context may have the other 63; in the statement the
    // context stands a level deeper, and one more where an event has a context of its own.
    let post = async |levels: usize, own: &str| {
        let context = format!(
            r#"{{"example":{}1{}}}"#,
            r#"{"a":"#.repeat(levels - 1),
            "}".repeat(levels - 1)
        );
        let event = observation(1, "L1").replacen('{', &format!("{{{own}"), 1);
        let text = document(&[event]);
        let end = text.find(r#","type":"EPCISDocument""#).unwrap();
        let text = format!(r#"{{"@context":{context}{}"#, &text[end..]);
        app.post("/epcis/capture", text).await
    };
    let own = r#""@context":{"own":"urn:example:own:"},"#;
    for (levels, own) in [(64, ""), (63, ""), (63, own), (62, own)] {
        let refused = refusal(post(levels, own).await).await;
        assert_eq!(refused.status, 400, "{levels} {own}");
    }
    assert_eq!(everything(&app).await, before);
    assert_eq!(post(61, own).await.status(), 202);
    proven_event(&app, &format!("/01/{GTIN}/10/L1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_may_have_a_mebibyte_and_no_more() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let large = |length: usize| {
        let value = format!("\"{}\"", "x".repeat(length));
        let events = [
            observation(2, "L1"),
            observation(1, "L1").replace("1.0", &value),
        ];
        document(&events)
    };
    let refused = refusal(app.post("/epcis/capture", large(1 << 20)).await).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.faults, [(Some(1), String::new())]);
    assert_eq!(everything(&app).await, before);
    let answer = app.post("/epcis/capture", large((1 << 20) - 2_000)).await;
    assert_eq!(answer.status(), 202);
    proof(&app, &format!("/01/{GTIN}/10/L1")).await;
}
