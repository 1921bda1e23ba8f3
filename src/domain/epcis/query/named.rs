//! A query as a JSON object: the form in which it gets a name (EPCIS 2.0 §12.8, `query-schema.json`).
//!
//! The language is that of an address. Where an address divides several values by a bar, an object has an
//! array: a bar within a string is part of the string.

use auditlog::json::{self, JsonError, Value};
use thiserror::Error;

use super::{MAX_PARAMETERS, MAX_VALUES, Parameter};

/// Characters of a name.
pub const MAX_NAME_CHARS: usize = 100;
/// Bytes of a query, without its white space.
pub const MAX_QUERY_BYTES: usize = 64 * 1024;
/// The name that the standard gives to what has none: nobody can take it.
pub const UNNAMED: &str = "SimpleEventQuery";

/// Why something is no query, or cannot get that name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NamedFault {
    /// Not what `POST /queries` takes.
    #[error(r#"a named query is an object of "name" and "query", and nothing else"#)]
    Definition,
    /// A name that cannot stand in a path as it is.
    #[error(
        "a name has 1 to {MAX_NAME_CHARS} characters, each a letter or digit of ASCII or one of - . _ \
         ~, and is neither . nor .."
    )]
    Name,
    /// Not an object.
    #[error("a query is an object: names of parameters, and their values")]
    NotAnObject,
    /// More than one query may have.
    #[error(
        "a query has at most {MAX_QUERY_BYTES} bytes, and a parameter at most {MAX_VALUES} values"
    )]
    TooLarge,
    /// A value of another kind.
    #[error(
        "{0}: a value is a string, a number, true or false, null, or an array of strings and numbers"
    )]
    Value(String),
    /// A stored query that is not JSON any more.
    #[error("the stored query is damaged: {0}")]
    Stored(JsonError),
}

/// What `POST /queries` takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The name.
    pub name: String,
    /// The query as it came, without white space.
    pub query: String,
}

impl Definition {
    /// Reads the body of `POST /queries`.
    pub fn read(body: &Value<'_>) -> Result<Definition, NamedFault> {
        let members = body.as_object().ok_or(NamedFault::Definition)?;
        let known = |key: &str| matches!(key, "name" | "query");
        if members.iter().any(|(key, _)| !known(key)) {
            return Err(NamedFault::Definition);
        }
        let name = body.get("name").and_then(Value::as_str);
        let name = name.ok_or(NamedFault::Definition)?;
        if !is_name(name) {
            return Err(NamedFault::Name);
        }
        let query = body.get("query").ok_or(NamedFault::Definition)?;
        let query = query.to_compact();
        if query.len() > MAX_QUERY_BYTES {
            return Err(NamedFault::TooLarge);
        }
        Wanted::read(&query)?;
        Ok(Definition {
            name: name.to_owned(),
            query,
        })
    }
}

/// Whether a query may have this name.
///
/// RFC 3986 §2.3: unreserved characters are the same in a path whether they are encoded or not; and §5.2.4
/// takes dots that stand alone out of paths.
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    (1..=MAX_NAME_CHARS).contains(&name.len())
        && name.chars().all(plain)
        && !matches!(name, "." | "..")
}

/// What a query asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Its parameters, in their order.
    pub parameters: Vec<Parameter>,
    /// The JSON of its `@context`, which says what prefixes in it mean.
    pub context: Option<String>,
    /// What whoever asks says that prefixes mean, as `prefix=namespace`: they mean nothing else then.
    pub extensions: Vec<String>,
}

impl Wanted {
    /// Reads the text of a query.
    pub fn read(query: &str) -> Result<Wanted, NamedFault> {
        let query = json::parse(query).map_err(NamedFault::Stored)?;
        let members = query.as_object().ok_or(NamedFault::NotAnObject)?;
        if members.len() > MAX_PARAMETERS {
            return Err(NamedFault::TooLarge);
        }
        let mut wanted = Wanted::default();
        for (name, value) in members {
            if name == "@context" {
                wanted.context = Some(value.to_compact());
                continue;
            }
            let values = match value.as_array() {
                Some(values) if values.len() > MAX_VALUES => return Err(NamedFault::TooLarge),
                Some(values) => values.iter().map(scalar).collect(),
                None => scalar(value).map(|value| vec![value]),
            };
            let fault = || NamedFault::Value(name.chars().take(80).collect());
            wanted.parameters.push(Parameter {
                name: name.clone().into_owned(),
                values: values.filter(|v| !v.is_empty()).ok_or_else(fault)?,
            });
        }
        Ok(wanted)
    }
}

/// One value as an address writes it; a number keeps its digits.
fn scalar(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Object(_) | Value::Array(_) => None,
        Value::String(text) => Some(text.clone().into_owned()),
        other => Some(other.to_compact()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<Vec<(String, Vec<String>)>, NamedFault> {
        let wanted = Wanted::read(query)?;
        let pair = |parameter: Parameter| (parameter.name, parameter.values);
        Ok(wanted.parameters.into_iter().map(pair).collect())
    }

    #[test]
    fn every_kind_of_value_is_what_an_address_would_say_and_a_bar_is_a_bar() {
        let query = r#"{"eventType":["ObjectEvent"],"GE_quantity":1.50,"EQ_booleanValue":true,
            "EXISTS_errorDeclaration":null,"EQ_example:a":"b|c","EQ_quantity":[1,2]}"#;
        let expected = [
            ("eventType", vec!["ObjectEvent"]),
            ("GE_quantity", vec!["1.50"]),
            ("EQ_booleanValue", vec!["true"]),
            ("EXISTS_errorDeclaration", vec!["null"]),
            ("EQ_example:a", vec!["b|c"]),
            ("EQ_quantity", vec!["1", "2"]),
        ];
        let expected = expected.map(|(name, values)| {
            let values = values.into_iter().map(str::to_owned).collect();
            (name.to_owned(), values)
        });
        assert_eq!(asked(query).unwrap(), expected);
    }

    #[test]
    fn values_of_another_kind_are_refused_by_name() {
        for value in ["{}", "[[]]", "[{}]", "[]"] {
            let query = format!(r#"{{"EQ_bizStep":{value}}}"#);
            assert_eq!(asked(&query), Err(NamedFault::Value("EQ_bizStep".into())));
        }
        assert_eq!(asked("[]"), Err(NamedFault::NotAnObject));
        assert!(matches!(asked("{"), Err(NamedFault::Stored(_))));
    }

    #[test]
    fn a_query_is_limited_in_parameters_in_values_and_in_bytes() {
        let many = |count: usize| {
            let members: Vec<String> = (0..count).map(|n| format!(r#""p{n}":1"#)).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(asked(&many(MAX_PARAMETERS)).is_ok());
        assert_eq!(asked(&many(MAX_PARAMETERS + 1)), Err(NamedFault::TooLarge));
        let values = |count: usize| format!(r#"{{"p":[{}]}}"#, vec!["1"; count].join(","));
        assert!(asked(&values(MAX_VALUES)).is_ok());
        assert_eq!(asked(&values(MAX_VALUES + 1)), Err(NamedFault::TooLarge));
        let defined = |bytes: usize| {
            let text = "x".repeat(bytes - r#"{"p":""}"#.len());
            let body = format!(r#"{{"name":"n","query":{{"p":"{text}"}}}}"#);
            Definition::read(&json::parse(&body).unwrap())
        };
        assert!(defined(MAX_QUERY_BYTES).is_ok());
        assert_eq!(defined(MAX_QUERY_BYTES + 1), Err(NamedFault::TooLarge));
    }

    #[test]
    fn a_name_can_stand_in_a_path_as_it_is() {
        let named = |name: &str| {
            let body = format!(r#"{{"name":"{name}","query":{{}}}}"#);
            Definition::read(&json::parse(&body).unwrap())
        };
        let longest = "n".repeat(MAX_NAME_CHARS);
        for name in ["a", "My_Query-1.2~", "...", &longest] {
            assert_eq!(named(name).unwrap().name, name);
        }
        let longer = "n".repeat(MAX_NAME_CHARS + 1);
        for name in ["", ".", "..", "a/b", "a b", "a%20", "查询", "a?", &longer] {
            assert_eq!(named(name), Err(NamedFault::Name), "{name}");
        }
    }

    #[test]
    fn a_definition_is_a_name_and_a_query_and_nothing_else() {
        for body in [
            "[]",
            "{}",
            r#"{"name":"a"}"#,
            r#"{"query":{}}"#,
            r#"{"name":1,"query":{}}"#,
            r#"{"name":"a","query":{},"other":1}"#,
        ] {
            let read = Definition::read(&json::parse(body).unwrap());
            assert_eq!(read, Err(NamedFault::Definition), "{body}");
        }
    }
}
