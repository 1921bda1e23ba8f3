//! Writes vector files: one case per line, members in the order in which a reader wants them, and
//! the same bytes whatever features the JSON library of the day has.

use auditlog::json::write_string;

/// A JSON value on its way into a vector file.
#[derive(Clone)]
pub enum Json {
    Text(String),
    Number(u64),
    Bool(bool),
    Null,
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

/// An object with these members, in this order.
pub fn object<const N: usize>(members: [(&'static str, Json); N]) -> Json {
    Json::Object(members.into())
}

/// A vector file: what it is about, and its members. Lists stand one element to a line.
pub fn file<const N: usize>(about: &str, members: [(&'static str, Json); N]) -> String {
    let mut out = String::from("{\"format\":\"rootmark-vectors/v1\",\n\"about\":");
    write_string(about, &mut out);
    for (key, value) in members {
        out.push_str(",\n");
        write_string(key, &mut out);
        out.push(':');
        match value {
            Json::List(elements) => {
                out.push('[');
                for (i, element) in elements.iter().enumerate() {
                    out.push_str(if i > 0 { ",\n" } else { "\n" });
                    element.write(&mut out);
                }
                out.push_str("\n]");
            }
            other => other.write(&mut out),
        }
    }
    out.push_str("}\n");
    out
}

impl Json {
    fn write(&self, out: &mut String) {
        match self {
            Json::Text(text) => write_string(text, out),
            Json::Number(number) => out.push_str(&number.to_string()),
            Json::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
            Json::Null => out.push_str("null"),
            Json::List(elements) => {
                out.push('[');
                for (i, element) in elements.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    element.write(out);
                }
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (i, (key, value)) in members.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    write_string(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Json {
        Json::Text(text)
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Json {
        Json::Number(number)
    }
}

impl From<bool> for Json {
    fn from(yes: bool) -> Json {
        Json::Bool(yes)
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Json {
        value.map_or(Json::Null, Into::into)
    }
}

impl<T: Into<Json>> From<Vec<T>> for Json {
    fn from(elements: Vec<T>) -> Json {
        Json::List(elements.into_iter().map(Into::into).collect())
    }
}
