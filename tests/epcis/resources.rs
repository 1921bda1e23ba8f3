//! The top-level resources: what a merchant's events use, and the events of each.

use serde_json::{Value, json};

use crate::kit::{another_merchant, refusal, stored};
use crate::support::document::{item_observation, observation};
use crate::support::{GTIN, TestApp};

async fn get_as(app: &TestApp, key: &str, path: &str) -> reqwest::Response {
    app.http
        .get(app.url(path))
        .bearer_auth(key)
        .send()
        .await
        .unwrap()
}

async fn members(app: &TestApp, path: &str) -> Vec<String> {
    let answer = get_as(app, &app.key, path).await;
    assert_eq!(answer.status(), 200, "{path}");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["type"], "Collection", "{path}");
    let list = body["member"].as_array().unwrap().iter();
    list.map(|member| member.as_str().unwrap().to_owned())
        .collect()
}

/// Three events: two of lots, one of an item, of two steps.
async fn with_events() -> TestApp {
    let app = TestApp::start().await;
    let shipping = observation(2, "L2").replace("inspecting", "shipping");
    let shipping = shipping.replace(
        "\"readPoint\"",
        "\"disposition\":\"in_transit\",\"readPoint\"",
    );
    stored(
        &app,
        &[
            observation(1, "L1"),
            shipping,
            item_observation(3, "S/1".replace('/', "%2F").as_str()),
        ],
    )
    .await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn each_resource_lists_what_the_merchants_events_use() {
    let app = with_events().await;
    let place = "https://id.gs1.org/414/9521041000008".to_owned();
    assert_eq!(
        members(&app, "/epcis/bizSteps").await,
        ["inspecting", "shipping"]
    );
    assert_eq!(members(&app, "/epcis/dispositions").await, ["in_transit"]);
    assert_eq!(members(&app, "/epcis/readPoints").await, [place]);
    assert_eq!(members(&app, "/epcis/bizLocations").await, [""; 0]);
    assert_eq!(members(&app, "/epcis/eventTypes").await.len(), 5);
    let mut epcs = members(&app, "/epcis/epcs").await;
    epcs.sort();
    let of = |tail: &str| format!("https://id.gs1.org/01/{GTIN}{tail}");
    assert_eq!(epcs, [of("/10/L1"), of("/10/L2"), of("/21/S%2F1")]);
    let root = members(&app, "/epcis").await;
    for name in &root {
        let status = get_as(&app, &app.key, &format!("/epcis/{name}"))
            .await
            .status();
        assert!(
            status == 200 || (name == "capture" && status == 405),
            "{name}: {status}"
        );
    }
    let (_, other) = another_merchant(&app).await;
    for path in ["/epcis/bizSteps", "/epcis/epcs", "/epcis/readPoints"] {
        let body: Value = get_as(&app, &other, path).await.json().await.unwrap();
        assert_eq!(body["member"], json!([]), "{path}");
        assert_eq!(app.get(path).await.status(), 401, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_continue_by_tokens_of_their_own() {
    let app = with_events().await;
    for (path, all) in [("/epcis/bizSteps", 2), ("/epcis/epcs", 3)] {
        let mut found = Vec::new();
        let mut next = Some(format!("{path}?perPage=1"));
        while let Some(address) = next {
            let page = members(&app, &address).await;
            assert_eq!(page.len(), 1, "{address}");
            found.extend(page);
            let answer = get_as(&app, &app.key, &address).await;
            let link = answer
                .headers()
                .get("Link")
                .map(|link| link.to_str().unwrap().to_owned());
            next = link.map(|link| link[1..link.find('>').unwrap()].to_owned());
        }
        found.sort();
        found.dedup();
        assert_eq!(found.len(), all, "{path}");
    }
    let answer = get_as(&app, &app.key, "/epcis/bizSteps?perPage=1").await;
    let link = answer.headers()["Link"].to_str().unwrap().to_owned();
    let query = link[1..link.find('>').unwrap()].split('?').nth(1).unwrap();
    for other in ["/epcis/dispositions", "/epcis/events"] {
        let refused = refusal(get_as(&app, &app.key, &format!("{other}?{query}")).await).await;
        assert_eq!(refused.status, 400, "{other}");
    }
    let refused = get_as(&app, &app.key, "/epcis/bizSteps?EQ_action=ADD").await;
    assert_eq!(refusal(refused).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_member_has_its_events() {
    let app = with_events().await;
    let encoded = |text: &str| {
        text.replace('%', "%25")
            .replace(':', "%3A")
            .replace('/', "%2F")
    };
    let item = format!("https://id.gs1.org/01/{GTIN}/21/S%2F1");
    let lot = format!("https://id.gs1.org/01/{GTIN}/10/L1");
    for (path, count) in [
        ("/epcis/bizSteps/inspecting".to_owned(), 2),
        (
            "/epcis/bizSteps/https%3A%2F%2Fref.gs1.org%2Fcbv%2FBizStep-shipping".to_owned(),
            1,
        ),
        ("/epcis/dispositions/in_transit".to_owned(), 1),
        ("/epcis/eventTypes/ObjectEvent".to_owned(), 3),
        (
            "/epcis/readPoints/urn:epc:id:sgln:9521041.00000.0".to_owned(),
            3,
        ),
        (format!("/epcis/epcs/{}", encoded(&item)), 1),
        (format!("/epcis/epcs/{}", encoded(&lot)), 1),
        (
            "/epcis/epcs/urn:epc:class:lgtin:9521041.000101.L2".to_owned(),
            1,
        ),
    ] {
        assert_eq!(members(&app, &path).await, ["events"], "{path}");
        let answer = get_as(&app, &app.key, &format!("{path}/events")).await;
        assert_eq!(answer.status(), 200, "{path}");
        let body: Value = answer.json().await.unwrap();
        let list = &body["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
        assert_eq!(list.as_array().unwrap().len(), count, "{path}");
    }
    let narrower = get_as(
        &app,
        &app.key,
        "/epcis/bizSteps/inspecting/events?EQ_action=ADD",
    )
    .await;
    let body: Value = narrower.json().await.unwrap();
    assert_eq!(
        body["epcisBody"]["queryResults"]["resultsBody"]["eventList"],
        json!([])
    );
    for unknown in [
        "/epcis/bizSteps/packing",
        "/epcis/epcs/urn:epc:id:sgtin:9521041.000101.Q",
        "/epcis/eventTypes/TransactionEvent",
    ] {
        assert_eq!(
            refusal(get_as(&app, &app.key, unknown).await).await.status,
            404,
            "{unknown}"
        );
    }
    for wrong in ["/epcis/eventTypes/QuantityEvent", "/epcis/epcs/no-uri"] {
        assert_eq!(
            refusal(get_as(&app, &app.key, wrong).await).await.status,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_options_learns_what_is_spoken_here() {
    let app = TestApp::start().await;
    let options = async |path: &str| {
        let request = app.http.request(reqwest::Method::OPTIONS, app.url(path));
        request.send().await.unwrap()
    };
    for (path, allow) in [
        ("/epcis", "OPTIONS, GET, HEAD"),
        ("/epcis/capture", "OPTIONS, GET, HEAD, POST"),
        ("/epcis/events", "OPTIONS, GET, HEAD, POST"),
        ("/epcis/events/urn:example:1", "OPTIONS, GET, HEAD"),
        ("/epcis/bizSteps/shipping/events", "OPTIONS, GET, HEAD"),
        ("/epcis/nextPageToken/x", "OPTIONS, DELETE"),
        ("/epcis/queries", "OPTIONS, GET, HEAD, POST"),
        ("/epcis/queries/q", "OPTIONS, GET, HEAD, DELETE"),
        ("/epcis/queries/q/events", "OPTIONS, GET, HEAD"),
        ("/epcis/queries/q/subscriptions", "OPTIONS, GET, HEAD, POST"),
        (
            "/epcis/queries/q/subscriptions/x",
            "OPTIONS, GET, HEAD, DELETE",
        ),
    ] {
        let answer = options(path).await;
        assert_eq!(answer.status(), 204, "{path}");
        assert_eq!(answer.headers()["Allow"], allow, "{path}");
        for name in [
            "GS1-EPCIS-Version",
            "GS1-EPCIS-Min",
            "GS1-EPCIS-Max",
            "GS1-CBV-Version",
        ] {
            assert_eq!(answer.headers()[name], "2.0.0", "{path}");
        }
        // Of those that a client may send: it chooses.
        assert_eq!(answer.headers()["GS1-EPC-Format"], "No_Preference");
        let behaviour = answer.headers().get("GS1-Capture-Error-Behaviour");
        let limits = answer.headers().contains_key("GS1-EPCIS-Capture-Limit");
        assert_eq!(limits, path == "/epcis/capture", "{path}");
        assert_eq!(behaviour.is_some_and(|b| b == "all"), limits, "{path}");
    }
    assert_eq!(options("/epcis/nothing").await.status(), 404);
    assert_eq!(options("/epcis/queries/q/nothing").await.status(), 404);
    let forget = app
        .http
        .delete(app.url("/epcis/nextPageToken/x"))
        .bearer_auth(&app.key);
    assert_eq!(refusal(forget.send().await.unwrap()).await.status, 501);
}
