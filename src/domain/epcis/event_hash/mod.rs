#![doc = include_str!("README.md")]

mod order;
mod value;

#[cfg(test)]
mod tests;

use auditlog::Hash;
use auditlog::json::Value;

use self::order::{EVENT, Field, IGNORED, Shape};
use self::value::Canon;
use super::names::Names;

/// What every hash of this version ends with.
const VERSION: &str = "?ver=CBV2.0";
/// RFC 6920 §3 without an authority. The CBV writes the digest in hex, not in base64url.
const SCHEME: &str = "ni:///sha-256;";

/// The event hash ID of a stored event, whose effective `@context` is among its members.
pub fn event_hash(event: &Value<'_>) -> String {
    let digest = Hash::of(&[pre_hash(event).as_bytes()]).to_hex();
    format!("{SCHEME}{digest}{VERSION}")
}

/// The text that is hashed. Two programs that disagree about a hash compare these.
pub fn pre_hash(event: &Value<'_>) -> String {
    let canon = Canon::new(Names::of(event.get("@context")));
    let kind = event.get("type").and_then(|kind| canon.text(kind));
    let mut text = format!("eventType={}", kind.unwrap_or_default());
    let writer = Writer { canon };
    writer.object(event, EVENT, IGNORED, &mut text);
    text
}

/// The digest that an `eventID` declares to be this event's hash, in hex; `None` for an ID of
/// another kind, and for a hash by another algorithm or of another version of the rules.
pub fn declared_hash(event_id: &str) -> Option<&str> {
    let digest = event_id.strip_prefix(SCHEME)?.strip_suffix(VERSION)?;
    let is_hex = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    (digest.len() == 64 && is_hex).then_some(digest)
}

/// How an `eventID` stands to the hash of its event. Most that claim to be one are not equal, those
/// of GS1's own examples among them: a difference is to be told, and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclaredHash {
    /// It is the event's hash.
    Equal,
    /// It claims to be, and is another.
    Differs,
    /// It claims no such thing.
    NotAHash,
}

/// Compares an `eventID` with the event's hash, as [`event_hash`] gives it.
pub fn compare_hash(event_id: &str, event_hash: &str) -> DeclaredHash {
    match (declared_hash(event_id), declared_hash(event_hash)) {
        (None, _) => DeclaredHash::NotAHash,
        (Some(declared), Some(computed)) if declared.eq_ignore_ascii_case(computed) => {
            DeclaredHash::Equal
        }
        _ => DeclaredHash::Differs,
    }
}

struct Writer<'c> {
    canon: Canon<'c>,
}

impl Writer<'_> {
    /// The members of `fields` in their order, then the others, which are extensions.
    fn object(&self, object: &Value<'_>, fields: &[Field], ignored: &[&str], out: &mut String) {
        for field in fields {
            if let Some(value) = object.get(field.name) {
                self.field(field, value, out);
            }
        }
        let mut extensions = Vec::new();
        for (name, value) in object.as_object().unwrap_or_default() {
            let known = fields.iter().any(|field| field.name == name);
            if !known && !ignored.contains(&name.as_ref()) {
                self.extension(&self.canon.name(name), value, &mut extensions);
            }
        }
        push_sorted(extensions, out);
    }

    fn field(&self, field: &Field, value: &Value<'_>, out: &mut String) {
        let name = field.name;
        let mut parts = Vec::new();
        match field.shape {
            Shape::Text | Shape::Time | Shape::Word(_) => {
                for element in elements(value) {
                    let text = match field.shape {
                        Shape::Time => self.canon.time(element),
                        Shape::Word(kind) => self.canon.word(kind, element),
                        _ => self.canon.text(element),
                    };
                    let text = text.filter(|text| !text.is_empty());
                    parts.extend(text.map(|text| format!("{name}={text}")));
                }
            }
            Shape::Each(fields) => self.each(name, fields, value, &mut parts),
            Shape::List(element, fields) => {
                self.each(element, fields, value, &mut parts);
                // Rule 11: the name of a list appears once, and rule 4: not for an empty one.
                if !parts.is_empty() {
                    out.push_str(name);
                }
            }
            Shape::Epcs => {
                let texts = elements(value)
                    .iter()
                    .filter_map(|epc| self.canon.text(epc));
                let texts = texts.filter(|text| !text.is_empty());
                parts.extend(texts.map(|text| format!("epc={text}")));
                if !parts.is_empty() {
                    out.push_str(name);
                }
            }
            Shape::Extensions => self.extension(name, value, &mut parts),
        }
        push_sorted(parts, out);
    }

    /// Each object of a list, or the one object, as one part that begins with `name`.
    fn each(&self, name: &str, fields: &[Field], value: &Value<'_>, parts: &mut Vec<String>) {
        for element in elements(value) {
            let mut inner = String::new();
            self.object(element, fields, order::COMMENTS, &mut inner);
            if !inner.is_empty() {
                parts.push(format!("{name}{inner}"));
            }
        }
    }

    /// A member whose meaning is its owner's, in one part for each value. Rules 19 and 20.
    fn extension(&self, name: &str, value: &Value<'_>, parts: &mut Vec<String>) {
        // The reference names a list once and its elements without `List`, as it does for the
        // standard's own lists: rule 11.
        if let Some(element) = name
            .strip_suffix("List")
            .filter(|rest| !rest.ends_with('}'))
        {
            let mut inner = Vec::new();
            self.values(element, value, &mut inner);
            if !inner.is_empty() {
                let mut part = name.to_owned();
                push_sorted(inner, &mut part);
                parts.push(part);
            }
        } else {
            self.values(name, value, parts);
        }
    }

    fn values(&self, name: &str, value: &Value<'_>, parts: &mut Vec<String>) {
        for element in elements(value) {
            let mut inner = Vec::new();
            let mut part = name.to_owned();
            match element {
                Value::Null => continue,
                Value::Object(members) => {
                    for (name, member) in members {
                        if !order::COMMENTS.contains(&name.as_ref()) {
                            self.extension(&self.canon.name(name), member, &mut inner);
                        }
                    }
                }
                Value::Array(_) => self.values("", element, &mut inner),
                scalar => {
                    let text = self.canon.text(scalar).filter(|text| !text.is_empty());
                    part.extend(text.map(|text| format!("={text}")));
                }
            }
            push_sorted(inner, &mut part);
            parts.push(part);
        }
    }
}

/// The elements of a list; any other value is a list of one. JSON-LD 1.1 §4.3: the same.
fn elements<'v, 'a>(value: &'v Value<'a>) -> &'v [Value<'a>] {
    match value {
        Value::Array(elements) => elements,
        single => std::slice::from_ref(single),
    }
}

/// Rules 10–12: by their bytes. UTF-8 sorts as its code points do.
fn push_sorted(mut parts: Vec<String>, out: &mut String) {
    parts.sort_unstable();
    for part in parts {
        out.push_str(&part);
    }
}
