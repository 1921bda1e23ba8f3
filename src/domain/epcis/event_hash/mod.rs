#![doc = include_str!("README.md")]

mod order;
mod value;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cell::Cell;

use auditlog::Hash;
use auditlog::json::Value;

use self::order::{EVENT, Field, IGNORED, Shape};
use self::value::Canon;
use super::names::Names;

/// What every hash of this version ends with.
const VERSION: &str = "?ver=CBV2.0";
/// RFC 6920 §3 without an authority. The CBV writes the digest in hex, not in base64url.
const SCHEME: &str = "ni:///sha-256;";

/// Bytes of the longest pre-hash. It repeats a member's name for each element of its list and a
/// namespace for each name, so that a hostile event of one megabyte could ask for a hundred
/// gigabytes; an honest one's is about as long as the event.
pub const MAX_PRE_HASH_BYTES: usize = 8 * 1024 * 1024;

/// The event hash ID of a stored event, whose effective `@context` is among its members. `None` for
/// an event that would have a pre-hash of more than [`MAX_PRE_HASH_BYTES`]: it has no such ID here.
pub fn event_hash(event: &Value<'_>) -> Option<String> {
    let digest = Hash::of(&[pre_hash(event)?.as_bytes()]).to_hex();
    Some(format!("{SCHEME}{digest}{VERSION}"))
}

/// The text that is hashed, under the same limit. Two programs that disagree about a hash compare
/// these.
pub fn pre_hash(event: &Value<'_>) -> Option<String> {
    let writer = Writer {
        canon: Canon::new(Names::of(event.get("@context"))),
        left: Cell::new(MAX_PRE_HASH_BYTES + 1),
    };
    let kind = event.get("type").and_then(|kind| writer.canon.text(kind));
    let mut text = format!("eventType={}", kind.unwrap_or_default());
    writer.spend(text.len());
    writer.object(event, EVENT, IGNORED, &mut text);
    (!writer.is_spent()).then_some(text)
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
    /// One more than the bytes that may still be written. Once it is zero nothing is written any
    /// more, so that the cost of an event that is too long ends with the limit.
    left: Cell<usize>,
}

impl Writer<'_> {
    /// Takes `bytes` from what may be written; false if they were not there.
    fn spend(&self, bytes: usize) -> bool {
        self.left.set(self.left.get().saturating_sub(bytes));
        !self.is_spent()
    }

    fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

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
            if !known && !ignored.contains(&name.as_ref()) && !self.is_spent() {
                self.extension(&self.canon.name(name), value, &mut extensions);
            }
        }
        push_sorted(extensions, out);
    }

    fn field(&self, field: &Field, value: &Value<'_>, out: &mut String) {
        let name = field.name;
        let mut parts = Vec::new();
        let canon = &self.canon;
        match field.shape {
            Shape::Text => self.texts(name, value, |value| canon.text(value), &mut parts),
            Shape::Time => self.texts(name, value, |value| canon.time(value), &mut parts),
            Shape::Word(kind) => {
                self.texts(name, value, |value| canon.word(kind, value), &mut parts);
            }
            Shape::Each(fields) => self.each(name, fields, value, &mut parts),
            Shape::Extensions => self.extension(name, value, &mut parts),
            Shape::List(element, fields) => self.each(element, fields, value, &mut parts),
            Shape::Epcs => self.texts("epc", value, |value| canon.text(value), &mut parts),
        }
        // Rule 11: the name of a list appears once, and rule 4: not for an empty one.
        let is_list = matches!(field.shape, Shape::List(..) | Shape::Epcs);
        if is_list && !parts.is_empty() && self.spend(name.len()) {
            out.push_str(name);
        }
        push_sorted(parts, out);
    }

    /// `name=text` for each value of a list, or for the one.
    fn texts(
        &self,
        name: &str,
        value: &Value<'_>,
        form: impl Fn(&Value<'_>) -> Option<String>,
        parts: &mut Vec<String>,
    ) {
        for text in elements(value).iter().filter_map(form) {
            if !text.is_empty() && self.spend(name.len() + 1 + text.len()) {
                parts.push(format!("{name}={text}"));
            }
        }
    }

    /// Each object of a list, or the one object, as one part that begins with `name`.
    fn each(&self, name: &str, fields: &[Field], value: &Value<'_>, parts: &mut Vec<String>) {
        for element in elements(value) {
            let mut inner = String::new();
            self.object(element, fields, order::COMMENTS, &mut inner);
            if !inner.is_empty() && self.spend(name.len()) {
                parts.push(format!("{name}{inner}"));
            }
        }
    }

    /// A member whose meaning is its owner's, in one part for each value. Rules 19 and 20.
    fn extension(&self, name: &str, value: &Value<'_>, parts: &mut Vec<String>) {
        // The reference names a list once and its elements without `List`, as it does for the
        // standard's own lists: rule 11.
        let element = name.strip_suffix("List");
        let Some(element) = element.filter(|rest| !rest.ends_with('}')) else {
            return self.values(name, value, parts);
        };
        let mut inner = Vec::new();
        self.values(element, value, &mut inner);
        if !inner.is_empty() && self.spend(name.len()) {
            let mut part = name.to_owned();
            push_sorted(inner, &mut part);
            parts.push(part);
        }
    }

    fn values(&self, name: &str, value: &Value<'_>, parts: &mut Vec<String>) {
        for element in elements(value) {
            if *element == Value::Null {
                continue;
            }
            if !self.spend(name.len()) {
                return;
            }
            let mut part = name.to_owned();
            match element {
                Value::Object(members) => self.members(members, &mut part),
                Value::Array(_) => {
                    let mut inner = Vec::new();
                    self.values("", element, &mut inner);
                    push_sorted(inner, &mut part);
                }
                scalar => {
                    let text = self.canon.text(scalar).unwrap_or_default();
                    if !text.is_empty() && self.spend(1 + text.len()) {
                        part.push('=');
                        part.push_str(&text);
                    }
                }
            }
            parts.push(part);
        }
    }

    /// The members of an object within an extension, sorted.
    fn members(&self, members: &[(Cow<'_, str>, Value<'_>)], out: &mut String) {
        let mut parts = Vec::new();
        for (name, member) in members {
            if !order::COMMENTS.contains(&name.as_ref()) && !self.is_spent() {
                self.extension(&self.canon.name(name), member, &mut parts);
            }
        }
        push_sorted(parts, out);
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
