//! `/epcis/queries`: queries that have a name, and their events.

use rootmark::domain::epcis::query::named::{MAX_NAME_CHARS, MAX_QUERY_BYTES};
use rootmark::domain::scope::Scope;
use rootmark::domain::subscription::MAX_NAMED_QUERIES;
use serde_json::{Value, json as value};

use crate::kit::{another_merchant, key_for, refusal, stored, stored_as};
use crate::subscriber::{json, name_query, send, subscribe};
use crate::support::TestApp;
use crate::support::document::{observation, observation_of};

const PACKED: &str = r#"{"EQ_bizStep":["packing","shipping"],"orderDirection":"ASC"}"#;

fn packed(id: u32) -> String {
    observation(id, "L1").replace("inspecting", "packing")
}

fn ids(document: &Value) -> Vec<String> {
    let list = &document["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
    let id = |event: &Value| {
        event["eventID"].as_str().unwrap()[33..]
            .trim_start_matches('0')
            .to_owned()
    };
    list.as_array().unwrap().iter().map(id).collect()
}

/// The address of the next page.
fn next(answer: &reqwest::Response) -> Option<String> {
    let link = answer.headers().get("Link")?.to_str().unwrap();
    let address = link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?;
    Some(address.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_query_is_given_back_and_gives_its_own_events_a_page_at_a_time() {
    let app = TestApp::start().await;
    let events: Vec<String> = (1..=5).map(packed).collect();
    stored(&app, &events).await;
    stored(&app, &[observation(6, "L1")]).await;
    name_query(&app, "packed", PACKED).await;
    let query: Value = serde_json::from_str(PACKED).unwrap();
    assert_eq!(
        json(&app, "/epcis/queries/packed").await,
        value!({"name": "packed", "query": query})
    );
    let mut found = Vec::new();
    let mut address = Some("/epcis/queries/packed/events?perPage=2".to_owned());
    let mut pages = 0;
    while let Some(path) = address {
        assert!(path.starts_with("/epcis/queries/packed/events?"), "{path}");
        let answer = send(&app, "GET", &path).await;
        assert_eq!(answer.status(), 200);
        address = next(&answer);
        let document: Value = answer.json().await.unwrap();
        let results = &document["epcisBody"]["queryResults"];
        assert_eq!(results["queryName"], "packed");
        found.extend(ids(&document));
        pages += 1;
    }
    assert_eq!((found.concat().as_str(), pages), ("12345", 3));
    // What is captured later is found by the next answer: a query is asked anew each time.
    stored(&app, &[packed(7)]).await;
    let all = json(&app, "/epcis/queries/packed/events").await;
    assert_eq!(ids(&all).concat(), "123457");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bar_within_a_string_is_part_of_it_and_a_context_says_what_prefixes_mean() {
    let app = TestApp::start().await;
    let with = |id, text: &str| {
        observation_of(
            id,
            &format!(r#""epcList":["urn:example:x"],"example:note":"{text}""#),
        )
    };
    stored(&app, &[with(1, "a|b"), with(2, "a")]).await;
    name_query(&app, "bar", r#"{"EQ_example:note":"a|b"}"#).await;
    let context = r#"{"@context":{"mine":"https://example.org/ns/"},"EQ_mine:note":["a"]}"#;
    name_query(&app, "mine", context).await;
    name_query(&app, "none", r#"{"EQ_mine:note":["a"]}"#).await;
    for (name, expected) in [("bar", "1"), ("mine", "2"), ("none", "")] {
        let found = json(&app, &format!("/epcis/queries/{name}/events")).await;
        assert_eq!(ids(&found).concat(), expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_continues_no_query_that_took_the_name_of_another() {
    let app = TestApp::start().await;
    let events: Vec<String> = (1..=3).map(packed).collect();
    stored(&app, &events).await;
    name_query(&app, "packed", PACKED).await;
    let first = send(&app, "GET", "/epcis/queries/packed/events?perPage=1").await;
    let link = next(&first).unwrap();
    assert_eq!(send(&app, "GET", &link).await.status(), 200);
    send(&app, "DELETE", "/epcis/queries/packed").await;
    name_query(&app, "packed", r#"{"EQ_bizStep":"packing"}"#).await;
    let foreign = refusal(send(&app, "GET", &link).await).await;
    assert_eq!(foreign.kind, "epcisException:QueryParameterException");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_cannot_be_named_is_told_why() {
    let app = TestApp::start().await;
    name_query(&app, "taken", "{}").await;
    let long = "n".repeat(MAX_NAME_CHARS + 1);
    let large = "x".repeat(MAX_QUERY_BYTES);
    let named = |name: &str, query: &str| format!(r#"{{"name":"{name}","query":{query}}}"#);
    for (status, kind, detail, body) in [
        (400, "Validation", "not JSON", "{".to_owned()),
        (400, "Validation", "object of", "[]".to_owned()),
        (400, "Validation", "object of", r#"{"name":"a"}"#.to_owned()),
        (400, "Validation", "a name has", named("a/b", "{}")),
        (400, "Validation", "a name has", named("查询", "{}")),
        (400, "Validation", "a name has", named(&long, "{}")),
        (400, "QueryValidation", "is an object", named("a", "[]")),
        (
            400,
            "QueryValidation",
            "p: a value",
            named("a", r#"{"p":{}}"#),
        ),
        (
            400,
            "QueryValidation",
            "bytes",
            named("a", &format!(r#"{{"p":"{large}"}}"#)),
        ),
        (
            400,
            "QueryParameter",
            "no query parameter p",
            named("a", r#"{"p":1}"#),
        ),
        (
            400,
            "QueryParameter",
            "eventType",
            named("a", r#"{"eventType":["X"]}"#),
        ),
        (
            400,
            "QueryParameter",
            "perPage",
            named("a", r#"{"perPage":5}"#),
        ),
        (409, "ResourceAlreadyExists", "taken", named("taken", "{}")),
        (
            409,
            "ResourceAlreadyExists",
            "Simple",
            named("SimpleEventQuery", "{}"),
        ),
    ] {
        let refused = refusal(app.post("/epcis/queries", body.clone()).await).await;
        let expected = format!("epcisException:{kind}Exception");
        assert_eq!((refused.status, refused.kind), (status, expected), "{body}");
        assert!(refused.detail.contains(detail), "{}", refused.detail);
    }
    let left = json(&app, "/epcis/queries").await;
    assert_eq!(left.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_query_is_asked_as_it_is_and_an_unknown_one_is_not_found() {
    let app = TestApp::start().await;
    name_query(&app, "a", "{}").await;
    let more = send(&app, "GET", "/epcis/queries/a/events?EQ_bizStep=packing").await;
    let more = refusal(more).await;
    assert_eq!(more.kind, "epcisException:QueryParameterException");
    for (method, path) in [
        ("GET", "/epcis/queries/b"),
        ("GET", "/epcis/queries/b/events"),
        ("DELETE", "/epcis/queries/b"),
        ("GET", "/epcis/queries/a%00"),
        ("DELETE", "/epcis/queries/%00"),
        ("GET", "/epcis/queries/b/subscriptions"),
    ] {
        let unknown = refusal(send(&app, method, path).await).await;
        let expected = (404, "epcisException:NoSuchNameException");
        assert_eq!((unknown.status, &*unknown.kind), expected, "{path}");
    }
    for path in ["/epcis/queries", "/epcis/queries/a"] {
        let other = send(&app, "PATCH", path).await;
        assert_eq!(other.status(), 405);
        assert!(other.headers().contains_key("Allow"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_are_listed_by_name_and_to_their_own_merchant_only() {
    let app = TestApp::start().await;
    let (_, other) = another_merchant(&app).await;
    for name in ["c", "a", "b"] {
        name_query(&app, name, "{}").await;
    }
    let named = app.post_as(&other, "/epcis/queries", r#"{"name":"a","query":{}}"#);
    assert_eq!(named.await.status(), 201, "names are each merchant's own");
    stored_as(&app, &other, &[observation(1, "L1")]).await;
    let mut listed = Vec::new();
    let mut address = Some("/epcis/queries?perPage=2".to_owned());
    while let Some(path) = address {
        let answer = send(&app, "GET", &path).await;
        address = next(&answer);
        let page: Value = answer.json().await.unwrap();
        let name = |query: &Value| query["name"].as_str().unwrap().to_owned();
        listed.extend(page.as_array().unwrap().iter().map(name));
    }
    assert_eq!(listed, ["a", "b", "c"]);
    assert_eq!(ids(&json(&app, "/epcis/queries/a/events").await).len(), 0);
    let theirs = app
        .http
        .delete(app.url("/epcis/queries/b"))
        .bearer_auth(&other);
    assert_eq!(theirs.send().await.unwrap().status(), 404);
    assert_eq!(send(&app, "DELETE", "/epcis/queries/b").await.status(), 204);
    assert_eq!(send(&app, "GET", "/epcis/queries/b").await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_keys_that_may_subscribe_name_queries_and_end_them() {
    let app = TestApp::start().await;
    name_query(&app, "a", "{}").await;
    let asking = key_for(&app, &[Scope::Query]).await;
    let subscribing = key_for(&app, &[Scope::Subscribe]).await;
    let status = async |key: &str, method: &str, path: &str, body: &'static str| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = app.http.request(method, app.url(path)).bearer_auth(key);
        let request = request.header("Content-Type", "application/json");
        request.body(body).send().await.unwrap().status().as_u16()
    };
    let named = r#"{"name":"b","query":{}}"#;
    assert_eq!(status(&asking, "POST", "/epcis/queries", named).await, 403);
    assert_eq!(status(&asking, "DELETE", "/epcis/queries/a", "").await, 403);
    assert_eq!(
        status(&asking, "GET", "/epcis/queries/a/events", "").await,
        200
    );
    let subscriptions = "/epcis/queries/a/subscriptions";
    assert_eq!(status(&asking, "GET", subscriptions, "").await, 403);
    assert_eq!(status(&subscribing, "GET", subscriptions, "").await, 200);
    assert_eq!(status(&subscribing, "GET", "/epcis/queries", "").await, 403);
    assert_eq!(
        status(&subscribing, "POST", "/epcis/queries", named).await,
        201
    );
    assert_eq!(status("none", "GET", "/epcis/queries", "").await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_names_a_limited_number_of_queries() {
    let app = TestApp::start().await;
    for number in 0..MAX_NAMED_QUERIES {
        name_query(&app, &format!("q{number}"), "{}").await;
    }
    let over = r#"{"name":"over","query":{}}"#;
    let refused = refusal(app.post("/epcis/queries", over).await).await;
    assert_eq!(refused.kind, "epcisException:QueryValidationException");
    assert!(refused.detail.contains("at most"), "{}", refused.detail);
    send(&app, "DELETE", "/epcis/queries/q7").await;
    assert_eq!(app.post("/epcis/queries", over).await.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_a_query_ends_its_subscriptions() {
    let app = TestApp::start().await;
    for name in ["a", "b"] {
        name_query(&app, name, "{}").await;
        subscribe(&app, name, "https://partner.example/", r#""stream":true"#).await;
    }
    assert_eq!(send(&app, "DELETE", "/epcis/queries/a").await.status(), 204);
    let count = "SELECT count(*) FROM subscription";
    assert_eq!(crate::kit::count(&app, count).await, 1);
    name_query(&app, "a", "{}").await;
    let none = json(&app, "/epcis/queries/a/subscriptions").await;
    assert_eq!(none, value!([]));
}
