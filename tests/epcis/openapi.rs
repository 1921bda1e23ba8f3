//! `/api/openapi.json` against a service that runs: what it answers is what is described.

use serde_json::{Value, json};

use crate::kit::report_problem;
use crate::support::document::{document, observation};
use crate::support::{GTIN, TestApp, picture};

/// The document, and the service that it describes.
struct Described {
    app: TestApp,
    document: Value,
}

impl Described {
    async fn start() -> Described {
        let app = TestApp::start().await;
        let text = app.get_text("/api/openapi.json").await;
        let document = serde_json::from_str(&text).unwrap();
        Described { app, document }
    }

    fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        match value["$ref"].as_str() {
            Some(reference) => self.document.pointer(&reference[1..]).unwrap(),
            None => value,
        }
    }

    /// The schema of an answer; panics where its status or its media type is not described.
    fn schema(&self, operation: &str, status: u16, media: &str) -> Value {
        let (method, path) = operation.split_once(' ').unwrap();
        let operation = &self.document["paths"][path][method.to_lowercase()];
        let response = self.resolved(&operation["responses"][status.to_string()]);
        let media = media.split(';').next().unwrap();
        let schema = &response["content"][media]["schema"];
        assert!(
            !schema.is_null(),
            "{operation}: {status} {media} is not described"
        );
        // The schema with the components that it names.
        let mut schema = schema.clone();
        schema["components"] = self.document["components"].clone();
        schema
    }

    /// Checks an answer, and gives its body.
    async fn check(&self, operation: &str, answer: reqwest::Response, status: u16) -> Value {
        assert_eq!(answer.status(), status, "{operation}");
        let media = answer.headers()["Content-Type"]
            .to_str()
            .unwrap()
            .to_owned();
        let schema = self.schema(operation, status, &media);
        let text = answer.text().await.unwrap();
        let body = if media.contains("json") && !media.contains("jsonl") {
            serde_json::from_str(&text).unwrap()
        } else {
            Value::from(text)
        };
        let faults = faults(&schema, &body);
        assert!(faults.is_empty(), "{operation}: {faults:?}");
        body
    }

    async fn get(&self, path: &str, prefer: &str) -> reqwest::Response {
        let request = self
            .app
            .http
            .get(self.app.url(path))
            .bearer_auth(&self.app.key);
        request.header("Prefer", prefer).send().await.unwrap()
    }
}

fn faults(schema: &Value, body: &Value) -> Vec<String> {
    let validator = jsonschema::draft202012::new(schema).unwrap();
    validator
        .iter_errors(body)
        .map(|error| error.to_string())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_answers_is_what_the_document_describes() {
    let it = Described::start().await;
    let app = &it.app;
    let capture = "POST /epcis/capture";
    let events = document(&[observation(1, "L1")]);
    let job = it
        .check(
            capture,
            app.post("/epcis/capture", events.clone()).await,
            202,
        )
        .await;
    let id = job["captureID"].as_str().unwrap().to_owned();
    let again = it
        .check(capture, app.post("/epcis/capture", events).await, 202)
        .await;
    assert_eq!(
        again["rootmark:storedIn"],
        json!([format!("/epcis/capture/{id}")])
    );
    it.check(capture, app.post("/epcis/capture", "{").await, 400)
        .await;
    let wrong = document(&[observation(2, "L1").replace("OBSERVE", "LOOK")]);
    it.check(capture, app.post("/epcis/capture", wrong).await, 400)
        .await;
    it.check(
        capture,
        app.post_as("none", "/epcis/capture", "{}").await,
        401,
    )
    .await;

    let (one, proof) = ("GET /epcis/capture/{job}", "GET /epcis/capture/{job}/proof");
    let path = format!("/epcis/capture/{id}");
    it.check(
        proof,
        it.get(&format!("{path}/proof"), "wait=30").await,
        200,
    )
    .await;
    it.check(one, it.get(&path, "wait=30").await, 200).await;
    it.check(one, it.get(&path, "").await, 200).await;
    it.check(one, it.get("/epcis/capture/x", "").await, 404)
        .await;
    it.check(
        proof,
        it.get(&format!("{path}/proof?format=x"), "").await,
        400,
    )
    .await;

    let product = format!(
        r#"{{"gtin":"https://id.gs1.org/01/{GTIN}","productName":{{"zh-CN":"奶粉","en":"Tin"}}}}"#
    );
    let (send, tin) = ("POST /api/pictures", picture::png(120, 120, 7));
    for status in [201, 200] {
        let sent = app.send_picture(&app.key, "image/png", tin.clone()).await;
        it.check(send, sent, status).await;
    }
    for (media_type, bytes, status) in [
        ("image/png", Vec::new(), 400),
        ("image/gif", tin.clone(), 415),
        ("image/png", vec![0; 24_577], 413),
    ] {
        let refused = app.send_picture(&app.key, media_type, bytes).await;
        it.check(send, refused, status).await;
    }
    let waiting = it.get("/api/pictures", "").await;
    let waiting = it.check("GET /api/pictures", waiting, 200).await;
    let take_back = "DELETE /api/pictures/{sha256}";
    let path = format!("/api/pictures/{}", waiting[0]["sha256"].as_str().unwrap());
    let delete = |path: &str| app.http.delete(app.url(path)).bearer_auth(&app.key).send();
    assert_eq!(delete(&path).await.unwrap().status(), 204);
    it.check(take_back, delete(&path).await.unwrap(), 404).await;
    let no_digest = delete("/api/pictures/x").await.unwrap();
    it.check(take_back, no_digest, 400).await;
    let prefix = "/api/company-prefixes/9521041";
    let declare = app.http.put(app.url(prefix)).bearer_auth(&app.key);
    let declare = declare.send().await.unwrap();
    let operation = "PUT /api/company-prefixes/{companyPrefix}";
    it.check(operation, declare, 201).await;
    let listed = it.get("/api/company-prefixes", "").await;
    let listed = it.check("GET /api/company-prefixes", listed, 200).await;
    assert_eq!(listed[0]["companyPrefix"], "9521041");
    let recall = json!({"recall": "urn:example:recall:1", "status": "open", "recallClass": 1,
        "scope": [format!("https://id.gs1.org/01/{GTIN}/10/X")],
        "reason": {"zh-CN": "异物", "en": "Metal"}, "instructions": {"zh-CN": "停用", "en": "Stop"},
        "contact": {"name": {"zh-CN": "客服", "en": "Care"}, "phone": "400"}});
    let recalls = "POST /api/recalls";
    for status in [201, 200] {
        let answer = app.post("/api/recalls", recall.to_string()).await;
        let said = it.check(recalls, answer, status).await;
        assert_eq!(said["notOnRecord"].as_array().unwrap().len(), 1);
    }
    let review = json!({"code": format!("https://id.gs1.org/01/{GTIN}/10/X"), "outcome": "explained",
        "reason": {"zh-CN": "查过", "en": "Looked into"}});
    let reviews = "POST /api/reviews";
    for status in [201, 200] {
        let answer = app.post("/api/reviews", review.to_string()).await;
        it.check(reviews, answer, status).await;
    }
    it.check(reviews, app.post("/api/reviews", "{}").await, 400)
        .await;
    let scans = "GET /api/scans";
    let unknown = format!("/api/scans?code=https://id.gs1.org/01/{GTIN}/21/X");
    it.check(scans, it.get(&unknown, "").await, 404).await;
    let issued = app.issue("L1", 1).await.remove(0);
    let path = format!("/api/scans?code=https://id.gs1.org{issued}");
    it.check(scans, it.get(&path, "").await, 200).await;
    it.check(scans, it.get("/api/scans", "").await, 400).await;
    let wrong = it.get("/api/cases?status=new", "").await;
    it.check("GET /api/cases", wrong, 400).await;
    let (one, nowhere) = (
        "/api/cases/{id}",
        "/api/cases/01931f00-0000-7000-8000-000000000001",
    );
    it.check(&format!("GET {one}"), it.get(nowhere, "").await, 404)
        .await;
    let products = "POST /api/products";
    it.check(
        products,
        app.post("/api/products", product.clone()).await,
        201,
    )
    .await;
    it.check(products, app.post("/api/products", product).await, 200)
        .await;
    it.check(products, app.post("/api/products", "{}").await, 400)
        .await;
    report_problem(app, GTIN).await;
    let cases = it.get("/api/cases", "").await;
    let cases = it.check("GET /api/cases", cases, 200).await;
    let path = format!("/api/cases/{}", cases["cases"][0]["id"].as_str().unwrap());
    let whole = it.get(&path, "").await;
    let whole = it.check(&format!("GET {one}"), whole, 200).await;
    assert_eq!(whole["reported"][0]["words"], "Dented");
    let photo = it.get(&format!("{path}/reports/1/photo"), "").await;
    it.check("GET /api/cases/{id}/reports/{number}/photo", photo, 404)
        .await;
    let answered = r#"{"status":"closed","answer":{"zh-CN":"已换","en":"Replaced"}}"#;
    for (path, body, status) in [
        (&path, answered, 200),
        (&path, r#"{"status":"open"}"#, 200),
        (&path, "{}", 400),
        (&nowhere.to_owned(), answered, 404),
    ] {
        let change = app.http.put(app.url(path)).bearer_auth(&app.key);
        let change = change.header("Content-Type", "application/json").body(body);
        it.check(&format!("PUT {one}"), change.send().await.unwrap(), status)
            .await;
    }
    let reports = "/api/cases/{id}/reports";
    let gone = delete(&format!("{nowhere}/reports")).await.unwrap();
    it.check(&format!("DELETE {reports}"), gone, 404).await;
    let order = format!(r#"{{"gtin":"{GTIN}","lot":"L1","quantity":2,"hidden":true}}"#);
    let ranges = "POST /api/code-ranges";
    let range = it
        .check(ranges, app.post("/api/code-ranges", order).await, 201)
        .await;
    let codes = "GET /api/code-ranges/{gtin}/{first_number}/codes";
    it.check(
        codes,
        it.get(range["codes"].as_str().unwrap(), "").await,
        200,
    )
    .await;
    it.check(
        codes,
        it.get(&format!("/api/code-ranges/{GTIN}/9/codes"), "")
            .await,
        404,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_queries_and_subscriptions_answer_is_what_the_document_describes() {
    let it = Described::start().await;
    let app = &it.app;
    let queries = "/epcis/queries";
    let named = r#"{"name":"q","query":{"EQ_bizStep":["packing"]}}"#;
    let answer = app.post(queries, named).await;
    assert_eq!(answer.status(), 201);
    let taken = app.post(queries, named).await;
    it.check("POST /epcis/queries", taken, 409).await;
    let wrong = app.post(queries, r#"{"name":"q"}"#).await;
    it.check("POST /epcis/queries", wrong, 400).await;
    it.check("GET /epcis/queries", it.get(queries, "").await, 200)
        .await;
    let (query, events) = (
        "GET /epcis/queries/{name}",
        "GET /epcis/queries/{name}/events",
    );
    it.check(query, it.get("/epcis/queries/q", "").await, 200)
        .await;
    it.check(query, it.get("/epcis/queries/p", "").await, 404)
        .await;
    it.check(events, it.get("/epcis/queries/q/events", "").await, 200)
        .await;
    it.check(events, it.get("/epcis/queries/q/events?a=b", "").await, 400)
        .await;
    let subscriptions = "/epcis/queries/q/subscriptions";
    let subscribe = "POST /epcis/queries/{name}/subscriptions";
    let list = "GET /epcis/queries/{name}/subscriptions";
    let one = "GET /epcis/queries/{name}/subscriptions/{subscriptionID}";
    let order = r#"{"dest":"https://partner.example/","schedule":{"hour":"1"}}"#;
    let made = it
        .check(subscribe, app.post(subscriptions, order).await, 201)
        .await;
    it.check(subscribe, app.post(subscriptions, "{}").await, 400)
        .await;
    it.check(list, it.get(subscriptions, "").await, 200).await;
    let id = made["subscriptionID"].as_str().unwrap();
    it.check(one, it.get(&format!("{subscriptions}/{id}"), "").await, 200)
        .await;
    it.check(one, it.get(&format!("{subscriptions}/x"), "").await, 404)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_everybody_may_read_is_what_the_document_describes() {
    let it = Described::start().await;
    it.app.capture(&[observation(1, "L1")]).await;
    it.app.sealed().await;
    let lot = "GET /proof/01/{gtin}/10/{lot}";
    let path = format!("/proof/01/{GTIN}/10/L1");
    it.check(lot, it.app.get(&path).await, 200).await;
    it.check(
        lot,
        it.app.get(&format!("{path}?format=tlog-proof")).await,
        200,
    )
    .await;
    it.check(lot, it.app.get(&format!("{path}?format=x")).await, 400)
        .await;
    it.check(lot, it.app.get(&format!("{path}X")).await, 404)
        .await;
    for file in [
        "checkpoint",
        "anchors.jsonl",
        "keys.jsonl",
        "vkey",
        "story-vkey",
    ] {
        let operation = format!("GET /log/{file}");
        it.check(&operation, it.app.get(&format!("/log/{file}")).await, 200)
            .await;
    }
    let anchor = "GET /log/anchors/{seal}.jsonl";
    it.check(anchor, it.app.get("/log/anchors/1.jsonl").await, 404)
        .await;
    it.check("GET /livez", it.app.get("/livez").await, 200)
        .await;
    it.check("GET /readyz", it.app.get("/readyz").await, 200)
        .await;
    it.check(
        "GET /api/openapi.json",
        it.app.get("/api/openapi.json").await,
        200,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_resolver_answers_is_what_the_document_describes() {
    let it = Described::start().await;
    let app = &it.app;
    app.capture(&[observation(1, "L1")]).await;
    let place =
        r#"{"place":"https://id.gs1.org/414/9521041000008","name":{"zh-CN":"厂","en":"Plant"}}"#;
    app.post("/api/parties", place).await;
    let links = "POST /api/links";
    let link = |language: &str| {
        format!(
            r#"{{"anchor":"https://id.gs1.org/01/{GTIN}","linkType":"gs1:faqs","title":"FAQ",
            "href":"https://brand.example/","hreflang":["{language}"],"type":"text/html"}}"#
        )
    };
    it.check(links, app.post("/api/links", link("en")).await, 201)
        .await;
    it.check(links, app.post("/api/links", link("en")).await, 200)
        .await;
    it.check(links, app.post("/api/links", link("zh")).await, 201)
        .await;
    it.check(links, app.post("/api/links", "{}").await, 400)
        .await;
    app.sealed().await;
    let json = async |path: &str| {
        let request = app
            .http
            .get(app.url(path))
            .header("Accept", "application/json");
        request.send().await.unwrap()
    };
    let (product, lot) = ("GET /01/{gtin}", "GET /01/{gtin}/10/{lot}");
    let path = format!("/01/{GTIN}");
    it.check(product, app.get(&path).await, 200).await;
    it.check(product, json(&path).await, 200).await;
    it.check(
        product,
        json(&format!("{path}?linkType=gs1:faqs")).await,
        300,
    )
    .await;
    it.check(
        product,
        app.get(&format!("{path}?linkType=gs1:faqs")).await,
        300,
    )
    .await;
    it.check(
        product,
        json(&format!("{path}?linkType=gs1:recipeInfo")).await,
        404,
    )
    .await;
    it.check(lot, json(&format!("{path}/10/L1")).await, 200)
        .await;
    it.check(lot, json(&format!("{path}/10/%ZZ")).await, 400)
        .await;
    it.check(lot, app.get(&format!("{path}/10/L9")).await, 404)
        .await;
    let place = "GET /414/{gln}";
    it.check(place, json("/414/9521041000008").await, 200).await;
    it.check(place, json("/414/9521041000009").await, 400).await;
    it.check("GET /417/{pgln}", json("/417/9521041000008").await, 404)
        .await;
    it.check("GET /00/{sscc}", json("/00/095210410001000014").await, 404)
        .await;
    let description = "/.well-known/gs1resolver";
    it.check(&format!("GET {description}"), json(description).await, 200)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_not_described_would_be_noticed() {
    let it = Described::start().await;
    let schema = it.schema("GET /epcis/capture/{job}", 200, "application/json");
    let answer = it
        .app
        .post("/epcis/capture", document(&[observation(1, "L1")]))
        .await;
    let mut job: Value = answer.json().await.unwrap();
    assert_eq!(faults(&schema, &job), Vec::<String>::new());
    job["extra"] = 1.into();
    assert!(!faults(&schema, &job).is_empty());
    job.as_object_mut().unwrap().remove("extra");
    job["createdAt"] = "yesterday".into();
    assert!(!faults(&schema, &job).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_of_queries_that_has_a_name_of_its_own_is_described() {
    let it = Described::start().await;
    let described = it.document["components"]["parameters"].as_object().unwrap();
    let own = described["query"]["schema"]["propertyNames"]["pattern"].clone();
    let pattern = jsonschema::draft202012::new(&json!({"pattern": own})).unwrap();
    let names = crate::asked::FOUND
        .iter()
        .flat_map(|(query, _)| query.split('&'));
    let mut count = 0;
    for name in names.filter_map(|pair| Some(pair.split_once('=')?.0)) {
        let is_own = pattern.is_valid(&Value::from(name));
        assert!(is_own || described.contains_key(name), "{name}");
        count += 1;
    }
    assert!(count > 80, "{count}");
    assert!(!pattern.is_valid(&Value::from("EQ_nothing")));
    assert!(!pattern.is_valid(&Value::from("GE_value")));
    let same = it.app.get_text("/api/openapi.json").await;
    assert_eq!(it.app.get_text("/epcis/openapi.json").await, same);
}

/// Parts of the names that have a part of the client's own, each of which a query must have shown.
const OWN_PARTS: [&str; 27] = [
    "EQ_bizTransaction_",
    "EQ_source_",
    "EQ_destination_",
    "_value_",
    "_minValue_",
    "_maxValue_",
    "_meanValue_",
    "_sDev_",
    "_percValue_",
    "_quantity_",
    "EQ_example:",
    "EQ_ILMD_",
    "GT_ILMD_",
    "GE_ILMD_",
    "LE_INNER_",
    "EXISTS_ILMD_",
    "EXISTS_example:",
    "EQ_INNER_",
    "GE_INNER_SENSORREPORT_",
    "ERROR_DECLARATION_",
    "SENSORELEMENT_",
    "SENSORMETADATA_",
    "SENSORREPORT_",
    "readPoint_",
    "bizLocation_",
    "LT_ILMD_",
    "LT_bizLocation_",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_of_queries_that_is_described_is_asked_for_and_tells_events_apart() {
    let it = Described::start().await;
    let everything = crate::asked::FOUND[0].1;
    assert_eq!(crate::asked::FOUND[0].0, "");
    // Whether a name is asked for alone, and finds some of the events and not all.
    let tells_apart = |part: &str| {
        crate::asked::FOUND.iter().any(|(query, found)| {
            let name = query.split_once('=').map_or("", |(name, _)| name);
            let is_it = name == part || (OWN_PARTS.contains(&part) && name.contains(part));
            is_it && !query.contains('&') && !found.is_empty() && *found != everything
        })
    };
    let parameters = it.document["paths"]["/epcis/events"]["get"]["parameters"].as_array();
    // How many, in which order and whence: tests/epcis/queries.rs has other tests of these.
    let of_pages = [
        "perPage",
        "nextPageToken",
        "orderBy",
        "orderDirection",
        "eventCountLimit",
        "maxEventCount",
    ];
    let mut asked = 0;
    for parameter in parameters.unwrap() {
        let parameter = it.resolved(parameter);
        let name = parameter["name"].as_str().unwrap();
        let is_own = parameter["schema"].get("propertyNames").is_some();
        if parameter["in"] != "query" || is_own || of_pages.contains(&name) {
            continue;
        }
        // Everything is recorded now: what was recorded since 2020 is all.
        let is_of_recording = ["GE_recordTime", "LT_recordTime"].contains(&name);
        assert!(is_of_recording || tells_apart(name), "{name}");
        asked += 1;
    }
    assert!(asked > 55, "{asked}");
    let unasked: Vec<&str> = OWN_PARTS
        .into_iter()
        .filter(|part| !tells_apart(part))
        .collect();
    assert_eq!(unasked, [""; 0]);
    assert!(!tells_apart("EQ_nothing"));
}
