//! Linksets: RFC 9264 in JSON, with no link to anything that does not answer.

use serde_json::{Value, json};

use crate::kit::{ask, issue, link, linkset, load_example, lot_path, path_of};
use crate::support::{GTIN, TestApp, document};

const VOCABULARY: &str = "https://ref.gs1.org/voc/";

fn contexts(linkset: &Value) -> &Vec<Value> {
    linkset["linkset"].as_array().unwrap()
}

/// What is wrong with a linkset by RFC 9264 §4.2 and GS1's rules, in words.
fn faults(linkset: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let members: Vec<&String> = linkset.as_object().unwrap().keys().collect();
    if members != ["linkset"] {
        faults.push(format!("members: {members:?}"));
    }
    for context in contexts(linkset) {
        let anchor = context["anchor"].as_str().unwrap_or_default();
        if !anchor.starts_with("http") {
            faults.push(format!("anchor {anchor:?}"));
        }
        for (relation, targets) in context.as_object().unwrap() {
            if relation == "anchor" {
                continue;
            }
            // RFC 9264 §4.2.3: a registered relation type, or a URI.
            if !relation.starts_with(VOCABULARY) {
                faults.push(format!("relation {relation}"));
            }
            let targets = targets.as_array().cloned().unwrap_or_default();
            if targets.is_empty() {
                faults.push(format!("{relation} has no targets"));
            }
            faults.extend(
                targets
                    .iter()
                    .flat_map(|target| target_faults(relation, target)),
            );
        }
        let default = &context[format!("{VOCABULARY}defaultLink")];
        let plain = |target: &Value| {
            let members = target.as_object().unwrap().keys();
            members
                .into_iter()
                .all(|key| ["href", "title"].contains(&key.as_str()))
        };
        if default
            .as_array()
            .is_none_or(|all| all.len() != 1 || !plain(&all[0]))
        {
            faults.push(format!("default link {default}"));
        }
    }
    faults
}

fn target_faults(relation: &str, target: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (member, value) in target.as_object().unwrap() {
        // RFC 9264 §4.2.4: target attributes; hreflang is a list, `title*` one of values in languages.
        let fits = match member.as_str() {
            "href" => value.as_str().is_some_and(|href| href.starts_with("http")),
            "title" | "type" => value.is_string(),
            "hreflang" | "context" => {
                let list = value.as_array();
                list.is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string))
            }
            "title*" => value.as_array().is_some_and(|list| {
                let is_one = |one: &Value| one["value"].is_string() && one["language"].is_string();
                list.iter().all(is_one)
            }),
            _ => false,
        };
        if !fits {
            faults.push(format!("{relation}: {member} {value}"));
        }
    }
    for required in ["href", "title"] {
        if target.get(required).is_none() {
            faults.push(format!("{relation}: no {required}"));
        }
    }
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linkset_has_the_shape_of_rfc_9264_and_one_default_link_for_each_level() {
    let app = TestApp::start().await;
    let code = issue(&app, Some("L1"), 1).await.remove(0);
    let more = json!({"hreflang": ["en", "zh-CN"], "type": "application/pdf", "context": "retail"});
    let status = link(
        &app,
        "/10/L1",
        "gs1:instructions",
        "https://brand.example/i",
        more,
    )
    .await;
    assert_eq!(status, 201);
    app.sealed().await;
    let found = linkset(&app, &code).await;
    assert_eq!(faults(&found), [""; 0], "{found:#}");
    let anchors: Vec<&str> = contexts(&found)
        .iter()
        .map(|context| context["anchor"].as_str().unwrap())
        .collect();
    let base = &app.running.url;
    let paths = [code.clone(), lot_path("L1"), format!("/01/{GTIN}")];
    assert_eq!(anchors, paths.map(|path| format!("{base}{path}")));
    let relation = format!("{VOCABULARY}instructions");
    let target = json!([{
        "href": "https://brand.example/i", "title": "To https://brand.example/i",
        "hreflang": ["en", "zh-CN"], "type": "application/pdf", "context": ["retail"],
    }]);
    for context in &contexts(&found)[..2] {
        assert_eq!(context[&relation], target);
    }
    assert_eq!(
        contexts(&found)[2].get(&relation),
        None,
        "a product has not what its lot has"
    );
    let page = &contexts(&found)[0][format!("{VOCABULARY}traceability")][0];
    assert_eq!(page["href"], format!("{base}{code}"));
    assert_eq!(page["hreflang"], json!(["zh-CN", "en"]));
    assert_eq!(
        page["title*"][0],
        json!({"value": "来路与凭证", "language": "zh-CN"})
    );
    let proof = &contexts(&found)[0][format!("{VOCABULARY}verificationService")][0];
    assert_eq!(proof["href"], format!("{base}/proof{code}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linkset_of_another_shape_would_be_noticed() {
    let app = TestApp::start().await;
    let good = linkset(&app, &format!("/01/{GTIN}")).await;
    assert_eq!(faults(&good), [""; 0]);
    let key = format!("{VOCABULARY}defaultLink");
    let pip = format!("{VOCABULARY}pip");
    let changes: [&dyn Fn(&mut Value); 6] = [
        &|set| set["extra"] = 1.into(),
        &|set| set["linkset"][0]["anchor"] = Value::Null,
        &|set| {
            let twice = set["linkset"][0][&key][0].clone();
            set["linkset"][0][&key].as_array_mut().unwrap().push(twice);
        },
        &|set| set["linkset"][0][&key][0]["type"] = "text/html".into(),
        &|set| set["linkset"][0][&pip][0]["hreflang"] = "en".into(),
        &|set| {
            set["linkset"][0][&pip][0]
                .as_object_mut()
                .unwrap()
                .remove("title");
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(!faults(&bad).is_empty(), "change {number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_link_of_every_linkset_of_the_example_answers() {
    let app = TestApp::start().await;
    let example = load_example(&app).await;
    app.sealed().await;
    assert!(example.traces.len() >= 3);
    let mut followed = 0;
    for trace in &example.traces {
        let found = linkset(&app, path_of(&app, &trace.url)).await;
        assert_eq!(faults(&found), [""; 0], "{}", trace.title);
        for context in contexts(&found) {
            for (relation, targets) in context.as_object().unwrap() {
                for target in targets.as_array().into_iter().flatten() {
                    let href = target["href"].as_str().unwrap();
                    let path = path_of(&app, href);
                    let answer = app.get(path).await;
                    assert_eq!(
                        answer.status(),
                        200,
                        "{relation} of {}: {href}",
                        trace.title
                    );
                    followed += 1;
                }
            }
        }
    }
    assert!(followed > 20, "{followed}");
    // What the walk would notice: a link to a code of which there is no record.
    assert_eq!(app.get(&lot_path("NOPE")).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lot_that_only_the_address_names_has_no_place_in_the_linkset() {
    let app = TestApp::start().await;
    app.capture(&[document::item_observation(1, "S1")]).await;
    app.sealed().await;
    let found = linkset(&app, &format!("/01/{GTIN}/10/MADEUP/21/S1")).await;
    let anchors: Vec<String> = contexts(&found)
        .iter()
        .map(|context| context["anchor"].to_string())
        .collect();
    assert_eq!(anchors.len(), 2, "{anchors:?}");
    assert_eq!(app.get(&lot_path("MADEUP")).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn accept_with_its_weights_chooses_between_page_and_linkset() {
    let app = TestApp::start().await;
    let path = format!("/01/{GTIN}");
    for (accept, is_linkset) in [
        ("application/linkset+json", true),
        ("application/json", true),
        ("application/linkset+json;q=0.2, text/html;q=0.1", true),
        ("text/html;q=0.9, application/json", true),
        ("application/json, */*;q=0.5", true),
        ("text/html, application/linkset+json;q=0.9", false),
        ("text/html, application/linkset+json", false),
        ("text/html,application/xhtml+xml,*/*;q=0.8", false),
        ("*/*", false),
        ("image/png", false),
        ("application/linkset+json;q=0", false),
    ] {
        let answer = ask(&app, &path, &[("Accept", accept)]).await;
        assert_eq!(answer.status(), 200, "{accept}");
        let expected =
            ["text/html; charset=utf-8", "application/linkset+json"][usize::from(is_linkset)];
        assert_eq!(answer.headers()["Content-Type"], expected, "{accept}");
        assert_eq!(
            answer.headers()["Vary"],
            "Accept, Accept-Encoding, Accept-Language, Authorization",
            "{accept}"
        );
    }
    for word in ["linkset", "all"] {
        let answer = app.get(&format!("{path}?linkType={word}")).await;
        assert_eq!(answer.headers()["Content-Type"], "application/linkset+json");
        let links: Vec<_> = answer.headers().get_all("Link").iter().collect();
        let contexts = links
            .iter()
            .filter(|link| link.to_str().unwrap().contains("json-ld#context"));
        assert_eq!(contexts.count(), 1, "{links:?}");
    }
}
