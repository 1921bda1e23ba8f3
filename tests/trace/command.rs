//! `rootmark trace`, as an operator runs it.

use serde_json::{Value, json};

use crate::chain::*;
use crate::support::TestApp;
use crate::support::command::{Said, rootmark};

const TIN: &str = "/01/09521041001012/21/A";

async fn packed() -> TestApp {
    let app = TestApp::start().await;
    let id = "urn:uuid:00000000-0000-4000-8000-000000000001";
    let seen = with_id(&step(3, "storing", &["tin:A"]), id);
    app.capture(&[
        commission(1, &["tin:A"], "L"),
        pack(2, "case:1", &["tin:A", "tin:B"]),
        seen,
    ])
    .await;
    app.sealed().await;
    app
}

fn nodes(said: &Said) -> Vec<Value> {
    said.json()["nodes"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_is_printed_as_a_tree_and_as_one_object() {
    let app = packed().await;
    let expected = "\
/01/09521041001012/21/A  Demo tin
│  2026-06-01T01:00:00Z  ObjectEvent ADD
│  2026-06-01T02:00:00Z  AggregationEvent ADD
│  2026-06-01T03:00:00Z  ObjectEvent OBSERVE storing
├─ of lot /01/09521041001012/10/L  Demo tin
└─ packed in /00/095210410000000015  from 2026-06-01T02:00:00Z
";
    // A path, a whole link on any host, and one that names more.
    for code in [
        TIN,
        "https://brand.example/x/01/09521041001012/21/A?17=280101",
    ] {
        let said = rootmark(&app, &["trace", code]).await;
        assert_eq!(
            (said.code, said.out.as_str()),
            (0, expected),
            "{}",
            said.err
        );
    }
    let said = rootmark(&app, &["trace", TIN, "--json"]).await;
    assert_eq!(said.json()["subject"], format!("https://id.gs1.org{TIN}"));
    assert_eq!(said.json()["isTruncated"], false);
    let nodes = nodes(&said);
    assert_eq!(nodes.len(), 3);
    let seen = &nodes[0]["steps"][2];
    let record_time = seen["recordTime"].as_str().unwrap();
    assert!(record_time.ends_with('Z'));
    let expected = json!({
        "eventID": "urn:uuid:00000000-0000-4000-8000-000000000001",
        "type": "ObjectEvent",
        "eventTime": "2026-06-01T03:00:00.000Z",
        "recordTime": record_time,
        // The product was described first.
        "index": 3,
        "action": "OBSERVE",
        "bizStep": "storing",
        "issuer": "https://id.gs1.org/417/9521041000008",
        "about": [format!("https://id.gs1.org{TIN}")],
        "via": "item",
        "isRetracted": false,
    });
    assert_eq!(*seen, expected);
    let expected = json!({
        "identity": "https://id.gs1.org/00/095210410000000015",
        "from": 0,
        "connection": "packedIn",
        "stays": [{"from": "2026-06-01T02:00:00.000Z", "isEndInferred": false}],
        "isToldAbove": false,
        "steps": [],
    });
    assert_eq!(nodes[2], expected);
    // The neighbour is named nowhere.
    assert!(!said.out.contains("/21/B"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_later_is_left_out_on_request() {
    let app = packed().await;
    let last = nodes(&rootmark(&app, &["trace", TIN, "--json"]).await)[0]["steps"][2].clone();
    let then = last["recordTime"].as_str().unwrap();
    let first = then;
    app.capture(&[unpack(4, "case:1", &["tin:A"])]).await;
    let steps = |said: &Said| nodes(said)[0]["steps"].as_array().unwrap().len();
    assert_eq!(steps(&rootmark(&app, &["trace", TIN, "--json"]).await), 4);
    let said = rootmark(&app, &["trace", TIN, "--json", "--at", then]).await;
    assert_eq!(steps(&said), 3);
    // Before anything was said there is no record, and what is no time is told so.
    let said = rootmark(&app, &["trace", TIN, "--at", "2020-01-01T00:00:00Z"]).await;
    assert_eq!(
        (said.code, said.out.as_str()),
        (
            1,
            &*format!("NO: there is no record of {TIN} at that time: the first is of {first}\n")
        )
    );
    // What was recorded earlier of its powder is not the first of the tin.
    app.capture(&[make(0, &["powder:1"], &["lot:L"])]).await;
    app.capture(&[commission(1, &["tin:D"], "L")]).await;
    let later = TIN.replace("/21/A", "/21/D");
    let told = nodes(&rootmark(&app, &["trace", &later, "--json"]).await)[0]["steps"][0].clone();
    let told = told["recordTime"].as_str().unwrap();
    let said = rootmark(&app, &["trace", &later, "--at", then]).await;
    let words = format!("NO: there is no record of {later} at that time: the first is of {told}\n");
    assert_eq!((said.code, said.out), (1, words));
    assert_eq!(
        rootmark(&app, &["trace", &later, "--at", told]).await.code,
        0
    );
    // Of what there never was one, there is no first.
    let other = TIN.replace("/21/A", "/21/Z");
    let said = rootmark(&app, &["trace", &other, "--at", "2020-01-01T00:00:00Z"]).await;
    let none = format!("NO: there is no record of {other}\n");
    assert_eq!((said.code, said.out), (1, none));
    let said = rootmark(&app, &["trace", TIN, "--at", "yesterday"]).await;
    assert_eq!(said.code, 2);
    assert!(said.err.contains("not a time such as"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_was_not_known_before_it_was_issued() {
    let app = packed().await;
    let last = nodes(&rootmark(&app, &["trace", TIN, "--json"]).await)[0]["steps"][2].clone();
    let then = last["recordTime"].as_str().unwrap();
    let code = app.issue("L", 1).await.remove(0);
    let said = rootmark(&app, &["trace", &code]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.out.contains("of lot /01/09521041001012/10/L"),
        "{}",
        said.out
    );
    let said = rootmark(&app, &["trace", &code, "--at", then]).await;
    assert_eq!(said.code, 1, "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_which_there_is_no_record_and_one_that_is_none_are_told_apart() {
    let app = packed().await;
    for (code, exit, told) in [
        ("/01/09521041001012/21/C", 1, "NO: there is no record of"),
        ("/01/09529990000018/21/A", 1, "NO: there is no record of"),
        ("/00/095210410000000022", 1, "NO: there is no record of"),
        ("/01/09521041001013/21/A", 2, "check digit"),
        ("tin", 2, "CODE"),
    ] {
        let said = rootmark(&app, &["trace", code]).await;
        assert_eq!(said.code, exit, "{code}: {}{}", said.out, said.err);
        assert!(
            format!("{}{}", said.out, said.err).contains(told),
            "{code}: {}",
            said.err
        );
    }
    // A logistic unit says nothing of its owner; with one merchant it is clear whose it is.
    let said = rootmark(&app, &["trace", "/00/095210410000000015"]).await;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("AggregationEvent ADD"), "{}", said.out);
    for code in ["/00/095210410000000015", TIN] {
        let said = rootmark(&app, &["trace", code, "--merchant", "Nobody"]).await;
        assert_eq!(said.code, 2, "{code}");
    }
}
