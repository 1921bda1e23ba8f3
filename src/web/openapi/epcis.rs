//! What the descriptions of EPCIS addresses share, and those that are many times the same: the parameters
//! of queries, the top-level resources, and `OPTIONS` of everything.

use serde_json::{Map, Value, json};

/// Where a description of this kind begins.
const ROOT: &str = "/epcis";

/// Names that take any number of texts, divided by a bar.
const TEXTS: [&str; 34] = [
    "EQ_bizStep",
    "EQ_disposition",
    "EQ_persistentDisposition_set",
    "EQ_persistentDisposition_unset",
    "EQ_readPoint",
    "WD_readPoint",
    "EQ_bizLocation",
    "WD_bizLocation",
    "EQ_transformationID",
    "EQ_eventID",
    "EQ_errorReason",
    "EQ_correctiveEventID",
    "EQ_type",
    "EQ_component",
    "EQ_exception",
    "EQ_deviceID",
    "EQ_dataProcessingMethod",
    "EQ_microorganism",
    "EQ_chemicalSubstance",
    "EQ_bizRules",
    "EQ_rawData",
    "EQ_deviceMetadata",
    "EQ_coordinateReferenceSystem",
    "EQ_stringValue",
    "EQ_uriValue",
    "MATCH_epc",
    "MATCH_parentID",
    "MATCH_inputEPC",
    "MATCH_outputEPC",
    "MATCH_anyEPC",
    "MATCH_epcClass",
    "MATCH_inputEPCClass",
    "MATCH_outputEPCClass",
    "MATCH_anyEPCClass",
];

/// Names that take one instant.
const TIMES: [&str; 12] = [
    "GE_eventTime",
    "LT_eventTime",
    "GE_recordTime",
    "LT_recordTime",
    "GE_errorDeclarationTime",
    "LT_errorDeclarationTime",
    "GE_time",
    "LT_time",
    "GE_startTime",
    "LT_startTime",
    "GE_endTime",
    "LT_endTime",
];

const FLAGS: [&str; 3] = [
    "EXISTS_errorDeclaration",
    "EXISTS_sensorElementList",
    "EQ_booleanValue",
];

/// Names that take one number with each comparison, and any number of numbers with `EQ_`.
const NUMBERS: [&str; 2] = ["quantity", "percRank"];
const COMPARISONS: [&str; 4] = ["GT_", "GE_", "LT_", "LE_"];

/// Names that have a part of the client's own: the type of a transaction, source or destination; a
/// measured value and its unit; an extension field and where it stands.
const OWN_NAMES: &str = "^(EQ_(bizTransaction|source|destination)_.+\
    |(EQ|GT|GE|LT|LE)_(value|minValue|maxValue|meanValue|sDev|percValue|quantity)_[A-Z0-9]{2,3}\
    |(EQ|GT|GE|LT|LE|EXISTS)_(INNER_)?(ILMD_|ERROR_DECLARATION_|SENSORELEMENT_|SENSORMETADATA_\
    |SENSORREPORT_|readPoint_|bizLocation_)?[A-Za-z][A-Za-z0-9]*:.+)$";

/// The parameters of the query language, by name.
fn query_parameters() -> Vec<(String, Value)> {
    let list = |items: Value| json!({"type": "array", "minItems": 1, "items": items});
    let mut found: Vec<(String, Value)> = vec![
        (
            "eventType".into(),
            list(json!({"enum": [
                "ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent",
                "AssociationEvent",
            ]})),
        ),
        (
            "EQ_action".into(),
            list(json!({"enum": ["ADD", "OBSERVE", "DELETE"]})),
        ),
        (
            "EQ_hexBinaryValue".into(),
            list(json!({"type": "string", "pattern": "^[A-Fa-f0-9]+$"})),
        ),
        (
            "orderBy".into(),
            json!({"enum": ["eventTime", "recordTime"]}),
        ),
        ("orderDirection".into(), json!({"enum": ["ASC", "DESC"]})),
    ];
    let of = |name: &str, schema: &Value| (name.to_owned(), schema.clone());
    let text = list(json!({"type": "string", "minLength": 1}));
    found.extend(TEXTS.map(|name| of(name, &text)));
    let time = json!({"type": "string", "format": "date-time"});
    found.extend(TIMES.map(|name| of(name, &time)));
    found.extend(FLAGS.map(|name| of(name, &json!({"type": "boolean"}))));
    for name in NUMBERS {
        found.push((format!("EQ_{name}"), list(json!({"type": "number"}))));
        let one = json!({"type": "number"});
        found.extend(COMPARISONS.map(|verb| of(&format!("{verb}{name}"), &one)));
    }
    let count = json!({"type": "integer", "minimum": 1, "maximum": u32::MAX});
    found.extend(["eventCountLimit", "maxEventCount"].map(|name| of(name, &count)));
    found
}

/// The components of queries: each parameter under its name, and `query` for all whose names have a part
/// of the client's own.
pub(super) fn parameters() -> Map<String, Value> {
    let mut components = Map::new();
    for (name, schema) in query_parameters() {
        let mut parameter = json!({"name": name, "in": "query", "schema": schema});
        if parameter["schema"]["type"] == "array" {
            parameter["style"] = "pipeDelimited".into();
            parameter["explode"] = false.into();
        }
        components.insert(name, parameter);
    }
    let own = json!({
        "name": "query",
        "in": "query",
        "description": "All whose names have a part of one's own, such as EQ_bizTransaction_po, \
            GE_value_CEL and EQ_ILMD_example:grade.",
        "style": "form",
        "explode": true,
        "schema": {
            "type": "object",
            "propertyNames": {"pattern": OWN_NAMES},
            "additionalProperties": {"type": "string"},
        },
    });
    components.insert("query".into(), own);
    components
}

fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

/// What an address takes that answers with events.
pub(super) fn asks_for_events() -> Vec<Value> {
    let queries = parameters();
    let fixed = ["perPage", "nextPageToken", "GS1-EPC-Format"];
    let names = fixed.into_iter().chain(queries.keys().map(String::as_str));
    names.map(|name| reference("parameters", name)).collect()
}

/// What any of them may answer that asks for what is stored, beside what [`add_demands`] tells.
fn refused(mut responses: Value) -> Value {
    for (status, name) in [
        ("401", "Unauthorized"),
        ("403", "Forbidden"),
        ("429", "TooMany"),
        ("500", "Internal"),
        ("503", "Unavailable"),
    ] {
        responses[status] = reference("responses", name);
    }
    responses
}

fn get(id: String, summary: String, parameters: Value, responses: Value) -> Value {
    json!({"get": {
        "operationId": id,
        "summary": summary,
        "tags": ["query"],
        "parameters": parameters,
        "responses": refused(responses),
        "security": [{"apiKey": []}],
    }})
}

/// The top-level resources of EPCIS, which are six times the same.
pub(super) fn resources() -> Map<String, Value> {
    let mut paths = Map::new();
    let versions = ["GS1-EPCIS-Version", "GS1-CBV-Version"];
    let names = json!({
        "description": "Names of resources.",
        "headers": Map::from_iter(versions.map(|name| (name.to_owned(), reference("headers", name)))),
        "content": {"application/json": {"schema": reference("schemas", "Collection")}},
    });
    let root = get(
        "epcis".into(),
        "What there is to ask for".into(),
        json!([]),
        json!({"200": names}),
    );
    paths.insert(ROOT.into(), root);
    let place = "https://id.gs1.org/414/9529990000001";
    for (name, what, example) in [
        ("eventTypes", "event types", "ObjectEvent"),
        (
            "epcs",
            "things that events name",
            "https://id.gs1.org/01/09529990000018/21/PKS8R0HW09ZYG1XJ",
        ),
        ("bizSteps", "business steps", "packing"),
        ("bizLocations", "business locations", place),
        ("readPoints", "read points", place),
        ("dispositions", "dispositions", "active"),
    ] {
        paths.extend(resource(name, what, example));
    }
    let token =
        json!({"name": "token", "in": "path", "required": true, "schema": {"type": "string"}});
    paths.insert(
        "/epcis/nextPageToken/{token}".into(),
        json!({"delete": {
            "operationId": "nextPageToken",
            "summary": "Takes back a token",
            "tags": ["query"],
            "parameters": [token],
            "responses": {
                "401": reference("responses", "Unauthorized"),
                "403": reference("responses", "Forbidden"),
                "429": reference("responses", "TooMany"),
                "500": reference("responses", "Internal"),
                "501": {
                    "description": "Nothing is kept of a token: it ends by itself.",
                    "content": {"application/problem+json": {"schema": reference("schemas", "Problem")}},
                },
                "503": reference("responses", "Unavailable"),
            },
            "security": [{"apiKey": []}],
        }}),
    );
    paths
}

fn resource(name: &str, what: &str, example: &str) -> [(String, Value); 3] {
    let parameter = |name| reference("parameters", name);
    let response = |name| reference("responses", name);
    let member = json!({
        "name": "member",
        "in": "path",
        "required": true,
        "description": "Percent-encoded.",
        "example": example,
        "schema": {"type": "string", "minLength": 1},
    });
    let format = parameter("GS1-EPC-Format");
    let mut asked = vec![member.clone()];
    asked.extend(asks_for_events());
    [
        (
            format!("{ROOT}/{name}"),
            get(
                name.into(),
                format!("All {what} of the merchant's events"),
                json!([parameter("perPage"), parameter("nextPageToken"), format]),
                json!({"200": response("Members")}),
            ),
        ),
        (
            format!("{ROOT}/{name}/{{member}}"),
            get(
                format!("{name}Member"),
                format!("Whether any event has this among its {what}"),
                json!([member, format]),
                json!({
                    "200": response("Members"),
                    "404": response("NotFound"),
                    "413": response("TooLarge"),
                }),
            ),
        ),
        (
            format!("{ROOT}/{name}/{{member}}/events"),
            get(
                format!("{name}Events"),
                format!("The events that have this among their {what}, and fulfil a query"),
                asked.into(),
                json!({"200": response("Events"), "413": response("TooLarge")}),
            ),
        ),
    ]
}

/// Describes `OPTIONS` of every address of EPCIS that is described.
pub(super) fn add_discovery(paths: &mut Map<String, Value>) {
    let addresses = paths.iter_mut().filter(|(path, _)| path.starts_with(ROOT));
    for (path, item) in addresses {
        let of_path = |operation: &Value| {
            let parameters = operation["parameters"].as_array()?;
            let in_path =
                |p: &&Value| p["in"] == "path" || p["$ref"] == "#/components/parameters/job";
            Some(parameters.iter().filter(in_path).cloned().collect())
        };
        let Some(item) = item.as_object_mut() else {
            continue;
        };
        let parameters: Vec<Value> = item.values().find_map(of_path).unwrap_or_default();
        let about = match path.starts_with("/epcis/capture") {
            true => "CaptureDiscovery",
            false => "Discovery",
        };
        let id: String = path.chars().filter(char::is_ascii_alphanumeric).collect();
        let operation = json!({
            "operationId": format!("options_{id}"),
            "summary": "What may be done here, and what is spoken",
            "tags": ["discovery"],
            "parameters": parameters,
            "responses": {
                "204": reference("responses", about),
                "429": reference("responses", "TooMany"),
            },
        });
        item.insert("options".into(), operation);
    }
}

/// Describes what a request may demand in headers, and how it is refused: the same for all of EPCIS. Who
/// asks what is spoken here is told, whatever he speaks.
pub(super) fn add_demands(paths: &mut Map<String, Value>) {
    let addresses = paths.iter_mut().filter(|(path, _)| path.starts_with(ROOT));
    for (method, operation) in addresses
        .flat_map(|(_, item)| item.as_object_mut())
        .flatten()
    {
        operation["responses"]["414"] = reference("responses", "UriTooLong");
        if method == "options" {
            continue;
        }
        operation["responses"]["400"] = reference("responses", "Invalid");
        operation["responses"]["405"] = reference("responses", "OtherMethod");
        operation["responses"]["406"] = reference("responses", "NotAcceptable");
        let ends = ["Version", "Min", "Max"].into_iter();
        let versions = ends.flat_map(|end| ["EPCIS", "CBV"].map(|of| format!("GS1-{of}-{end}")));
        let mut demands: Vec<Value> = versions.map(version_demand).collect();
        demands.push(reference("parameters", "extensions"));
        match operation["parameters"].as_array_mut() {
            Some(parameters) => parameters.extend(demands),
            None => operation["parameters"] = demands.into(),
        }
    }
}

fn version_demand(name: String) -> Value {
    json!({
        "name": name,
        "in": "header",
        "description": "Of versions, only 2.0.0 is spoken.",
        "schema": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)*$", "maxLength": 32},
        "example": "2.0.0",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::epcis::query::{Parameter, QueryFault, read_query};

    fn read(name: &str, value: &str) -> Result<(), QueryFault> {
        let parameter = |name: &str, value: &str| Parameter {
            name: name.into(),
            values: vec![value.into()],
        };
        let mut parameters = vec![parameter(name, value)];
        if name == "eventCountLimit" {
            parameters.push(parameter("orderBy", "eventTime"));
        }
        read_query(&parameters, &|name| vec![name.to_owned()]).map(|_| ())
    }

    #[test]
    fn every_described_parameter_can_be_asked_with_a_value_of_its_kind() {
        for (name, schema) in query_parameters() {
            let of = schema.get("items").unwrap_or(&schema);
            let value = match (of["type"].as_str(), of.get("format"), of["enum"].get(0)) {
                (_, _, Some(first)) => first.as_str().unwrap(),
                (Some("string"), Some(_), _) => "2026-11-24T12:00:00Z",
                (Some("string"), _, _) if name == "EQ_hexBinaryValue" => "0aF",
                (Some("string"), _, _) => "https://id.gs1.org/01/09521041001012/21/S1",
                (Some("boolean"), _, _) => "true",
                _ => "12",
            };
            assert_eq!(read(&name, value), Ok(()), "{name}={value}");
        }
        // The twin: what nobody describes is refused.
        assert!(matches!(
            read("EQ_nothing", "x"),
            Err(QueryFault::Unknown(_))
        ));
    }
}
