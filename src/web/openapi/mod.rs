//! `/api/openapi.json` and `/epcis/openapi.json`: the machine's description of every address that is no
//! page. The tests walk it and the table of routes both ways, and hold real answers of a service against
//! it, those to requests of ours and those to requests that a program makes up from it.

mod epcis;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use serde_json::{Value, json};

/// The addresses that take an API key, and those that everybody may read.
const PATHS: [&str; 6] = [
    include_str!("write.json"),
    include_str!("cases.json"),
    include_str!("events.json"),
    include_str!("queries.json"),
    include_str!("read.json"),
    include_str!("resolver.json"),
];
const COMPONENTS: [&str; 3] = [
    include_str!("components.json"),
    include_str!("case_parts.json"),
    include_str!("epcis.json"),
];

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// `GET /api/openapi.json`, and the same where clients of EPCIS look for it
pub(super) async fn openapi() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header(("Cache-Control", "no-cache"))
        // Whoever reads it with a tool on another host may.
        .insert_header(("Access-Control-Allow-Origin", "*"))
        .body(DOCUMENT.as_str())
}

/// The methods of a path that is described, as `Allow` has them.
pub(super) fn methods_of(path: &str) -> Option<String> {
    let is_it = |(described, _): &&(Vec<String>, String)| {
        let mut parts = path.split('/');
        let is_alike = described.iter().all(|part| {
            let of_path = parts.next();
            let is_alike = |of_path: &str| match part.starts_with('{') {
                true => !of_path.is_empty(),
                false => part == of_path,
            };
            of_path.is_some_and(is_alike)
        });
        is_alike && parts.next().is_none()
    };
    METHODS.iter().find(is_it).map(|(_, allow)| allow.clone())
}

/// The parts of each path, and its methods.
static METHODS: LazyLock<Vec<(Vec<String>, String)>> = LazyLock::new(|| {
    let document = document();
    let paths = document["paths"].as_object().into_iter().flatten();
    let methods = paths.map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        let methods = methods.map(|(method, _)| match method.as_str() {
            // HEAD is GET without its body.
            "get" => "GET, HEAD".to_owned(),
            method => method.to_ascii_uppercase(),
        });
        let parts = path.split('/').map(str::to_owned).collect();
        (parts, methods.collect::<Vec<_>>().join(", "))
    });
    methods.collect()
});

/// The files are part of the program and the tests parse them: a fault here is a broken build.
fn document() -> Value {
    let parse = |text| serde_json::from_str::<Value>(text).expect("a file of the program is JSON");
    let mut paths = serde_json::Map::new();
    for part in PATHS {
        if let Value::Object(part) = parse(part) {
            paths.extend(part);
        }
    }
    paths.extend(epcis::resources());
    paths["/epcis/events"]["get"]["parameters"] = epcis::asks_for_events().into();
    epcis::add_discovery(&mut paths);
    epcis::add_demands(&mut paths);
    let mut components = parse(COMPONENTS[0]);
    for more in [
        parse(COMPONENTS[1]),
        parse(COMPONENTS[2]),
        json!({"parameters": epcis::parameters()}),
    ] {
        merge(&mut components, more);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Rootmark",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Provenance for imported food that shoppers can check themselves.",
        },
        "paths": paths,
        "components": components,
    })
}

/// Adds components of each kind. A name is given once.
fn merge(components: &mut Value, more: Value) {
    for (kind, named) in more.as_object().into_iter().flatten() {
        for (name, component) in named.as_object().into_iter().flatten() {
            let before = components[kind][name].take();
            assert!(before.is_null(), "{kind}/{name} is there twice");
            components[kind][name] = component.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Pages, pictures and styles: for people, and not in the document.
    const PAGES: [&str; 11] = [
        "/",
        "/find",
        "/saved",
        "/verify",
        "/hidden/{link:.*}",
        "/report/{link:.*}",
        "/reported/{link:.*}",
        "/scans/{link:.*}",
        "/qr/{link:.*}",
        "/picture/{gtin}/{sha256}",
        "/static/{file:.*}",
    ];

    /// Method and pattern of every route, from the table's own text.
    fn routes() -> Vec<(&'static str, String)> {
        let packed: String = include_str!("../routes.rs")
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect();
        let (table, _) = packed
            .rsplit_once(".default_service(route().to(nowhere")
            .unwrap();
        let method_of = |rest: &str| match rest {
            _ if rest.starts_with("post(") => Some("post"),
            _ if rest.starts_with("put(") => Some("put"),
            _ if rest.starts_with("delete(") => Some("delete"),
            _ if rest.starts_with("route().method(Method::OPTIONS).to(epcis::") => Some("options"),
            // A browser asks before it reads; nobody calls it.
            _ if rest.starts_with("route().method(Method::OPTIONS)") => None,
            _ if rest.starts_with("get(") || rest.starts_with("read(") => Some("get"),
            _ => panic!("another shape: {}", &rest[..rest.len().min(60)]),
        };
        let mut found = Vec::new();
        for rest in table.split(".route(\"").skip(1) {
            let (pattern, rest) = rest.split_once("\",").unwrap();
            found.extend(method_of(rest).map(|method| (method, pattern.to_owned())));
        }
        for rest in table.split("resource(\"").skip(1) {
            let (pattern, rest) = rest.split_once("\")").unwrap();
            let (own, _) = rest.split_once(".default_service(").unwrap();
            for rest in own.split(".route(").skip(1) {
                found.extend(method_of(rest).map(|method| (method, pattern.to_owned())));
            }
        }
        found
    }

    /// Whether a path of the document is answered by a route: a tail takes everything.
    fn answers(pattern: &str, path: &str) -> bool {
        match pattern
            .split_once("{link:.*}")
            .or(pattern.split_once("{file:.*}"))
            .or(pattern.split_once("{event_id:.*}"))
            .or(pattern.split_once("{path:.*}"))
        {
            Some((prefix, _)) => path.starts_with(prefix),
            // The root of EPCIS has two spellings.
            None => pattern == path || pattern.strip_suffix('/') == Some(path),
        }
    }

    #[test]
    fn every_route_is_described_and_every_description_has_a_route() {
        let document = document();
        let mut described: BTreeSet<(String, String)> = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                described.insert((method.clone(), path.clone()));
            }
        }
        let routes = routes();
        assert!(routes.len() > 15, "the table was not read: {routes:?}");
        for (method, pattern) in &routes {
            let found = described
                .iter()
                .any(|(m, path)| m == method && answers(pattern, path));
            let is_page = PAGES.contains(&pattern.as_str());
            assert_eq!(found, !is_page, "{method} {pattern}");
        }
        for (method, path) in &described {
            let found = routes
                .iter()
                .any(|(m, pattern)| m == method && answers(pattern, path));
            assert!(found, "{method} {path} has no route");
        }
    }

    #[test]
    fn every_operation_says_what_it_takes_and_what_can_go_wrong() {
        let document = document();
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let at = format!("{method} {path}");
                assert!(ids.insert(operation["operationId"].to_string()), "{at}");
                let responses = operation["responses"].as_object().unwrap();
                let needs_key = operation["security"] == json!([{"apiKey": []}]);
                let private = ["/epcis", "/api"].iter().any(|p| path.starts_with(p));
                let open = path.ends_with("/openapi.json") || method == "options";
                assert_eq!(needs_key, private && !open, "{at}");
                let mut must: Vec<&str> = Vec::new();
                if path.starts_with("/epcis") && method != "options" {
                    must.extend(["400", "406", "414"]);
                    assert!(
                        operation["parameters"].to_string().contains("CBV-Max"),
                        "{at}"
                    );
                }
                if needs_key {
                    must.extend(["401", "403", "429", "500", "503"]);
                }
                if method == "post" {
                    must.extend(["400", "408", "413", "415"]);
                    assert!(operation["requestBody"]["content"].is_object(), "{at}");
                }
                for status in must {
                    assert!(responses.contains_key(status), "{at} lacks {status}");
                }
                for name in path
                    .split('{')
                    .skip(1)
                    .map(|rest| rest.split('}').next().unwrap())
                {
                    let declared = operation["parameters"].to_string();
                    let named = declared.contains(&format!("/parameters/{name}\""))
                        || declared.contains(&format!("\"name\":\"{name}\""));
                    assert!(named, "{at}: {name}");
                }
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        for rest in text.split("\"$ref\":\"#").skip(1) {
            let pointer = rest.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
