//! The salted field tree: one leaf for every scalar, every array and every empty object of a JSON
//! object, so that each field can be shown, withheld or erased on its own.
//!
//! ```text
//! salt      = HMAC-SHA-256(secret, pointer)[..16]
//! c         = SHA-256(0x02 || salt || value)
//! leaf data = pointer || 0x00 || c
//! ```
//!
//! Leaves are ordered by the bytes of their pointers; the tree over them is RFC 6962's.

use std::fmt;
use std::ops::Range;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::encoding;
use crate::hash::{Hash, leaf_hash, root_in_place};
use crate::json::{self, Value};
use crate::salts::{Opener, Salts};

/// What salts are derived from. Whoever holds it can open every field of its object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

/// What hides one value: 128 bits, so that a short value cannot be guessed from the public log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

/// One leaf of a field tree: a name and the value's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// JSON Pointer (RFC 6901) from the root of the object.
    pub pointer: &'a str,
    /// A string as RFC 8785 writes it, a number as received, `true`, `false`, `null`, `{}`, or an
    /// array's length as `[n]`. Nothing at all, which no value is, where it was erased.
    pub value: &'a str,
}

impl Field<'_> {
    /// Whether it was erased.
    pub fn is_erased(&self) -> bool {
        self.value.is_empty()
    }
}

/// The leaves of one object, ordered by pointer.
///
/// All text lies in one buffer, so that flattening an event costs two allocations, not sixty.
#[derive(Debug, Clone)]
pub struct Fields {
    text: String,
    spans: Vec<Span>,
}

#[derive(Debug, Clone)]
struct Span {
    pointer: Range<usize>,
    value_end: usize,
}

impl Fields {
    /// Flattens `value`.
    pub fn of(value: &Value<'_>) -> Fields {
        let mut fields = Fields {
            text: String::new(),
            spans: Vec::new(),
        };
        fields.flatten(value, &mut String::new());
        let Fields { text, spans } = &mut fields;
        spans.sort_unstable_by(|a, b| text[a.pointer.clone()].cmp(&text[b.pointer.clone()]));
        fields
    }

    /// The leaves with these pointers and values, which ascend.
    pub(crate) fn from_leaves(leaves: Vec<(String, String)>) -> Fields {
        let mut fields = Fields {
            text: String::new(),
            spans: Vec::new(),
        };
        for (pointer, value) in leaves {
            fields.push(&pointer, |text| text.push_str(&value));
        }
        fields
    }

    /// The value of the field with this pointer.
    pub fn value(&self, pointer: &str) -> Option<&str> {
        let spans = &self.spans;
        let place = spans.binary_search_by(|span| self.text[span.pointer.clone()].cmp(pointer));
        Some(self.at(place.ok()?).value)
    }

    /// The leaves in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Field<'_>> {
        (0..self.spans.len()).map(|i| self.at(i))
    }

    /// The leaf at `position` in pointer order.
    pub fn at(&self, position: usize) -> Field<'_> {
        let span = &self.spans[position];
        Field {
            pointer: &self.text[span.pointer.clone()],
            value: &self.text[span.pointer.end..span.value_end],
        }
    }

    /// How many leaves there are; at least one.
    #[expect(
        clippy::len_without_is_empty,
        reason = "even an empty object is one leaf"
    )]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// What stands for the value of the leaf at `position`. Salts of other fields give another root, and so no
    /// statement that anybody signed.
    pub(crate) fn commitment(&self, position: usize, opener: &Opener<'_>) -> Hash {
        opener
            .commitment(self.at(position))
            .unwrap_or(Hash([0; 32]))
    }

    /// The hash of the leaf at `position`.
    pub(crate) fn leaf(&self, position: usize, opener: &Opener<'_>) -> Hash {
        let commitment = self.commitment(position, opener);
        field_leaf(self.at(position).pointer, &commitment)
    }

    /// The root of the field tree.
    pub fn root(&self, salts: &Salts) -> Hash {
        let opener = salts.opener();
        let mut leaves: Vec<Hash> = (0..self.len()).map(|i| self.leaf(i, &opener)).collect();
        root_in_place(&mut leaves)
    }

    fn flatten(&mut self, value: &Value<'_>, pointer: &mut String) {
        let mark = pointer.len();
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (key, member) in members {
                    push_token(key, pointer);
                    self.flatten(member, pointer);
                    pointer.truncate(mark);
                }
            }
            Value::Array(elements) => {
                self.push(pointer, |text| {
                    text.push('[');
                    text.push_str(&elements.len().to_string());
                    text.push(']');
                });
                for (i, element) in elements.iter().enumerate() {
                    pointer.push('/');
                    pointer.push_str(&i.to_string());
                    self.flatten(element, pointer);
                    pointer.truncate(mark);
                }
            }
            // A scalar or an empty object: its compact form is its value text.
            scalar => self.push(pointer, |text| scalar.write_compact(text)),
        }
    }

    fn push(&mut self, pointer: &str, write_value: impl FnOnce(&mut String)) {
        let start = self.text.len();
        self.text.push_str(pointer);
        let end = self.text.len();
        write_value(&mut self.text);
        self.spans.push(Span {
            pointer: start..end,
            value_end: self.text.len(),
        });
    }
}

/// How many bytes the names of all fields of an object have together. Each repeats those of whatever it lies in: a long
/// name above many fields makes of a small text a large tree, and whoever takes texts from strangers sets a limit.
pub fn name_bytes(object: &Value<'_>) -> usize {
    fn below(value: &Value<'_>, above: usize) -> usize {
        match value {
            Value::Object(members) if !members.is_empty() => members
                .iter()
                .map(|(key, member)| below(member, above + 1 + key.len()))
                .fold(0, usize::saturating_add),
            Value::Array(elements) => elements
                .iter()
                .enumerate()
                .map(|(place, element)| below(element, above + 1 + digits(place)))
                .fold(above, usize::saturating_add),
            _ => above,
        }
    }
    fn digits(number: usize) -> usize {
        1 + number.checked_ilog10().unwrap_or(0) as usize
    }
    below(object, 0)
}

/// Derives salts from one secret.
pub struct Salter(Hmac<Sha256>);

impl Salter {
    /// Prepares the key once: each salt then costs two compressions, not four.
    pub fn new(secret: &Secret) -> Salter {
        Salter(Hmac::new_from_slice(&secret.0).expect("HMAC takes a key of any length"))
    }

    /// The salt of the field named `pointer`.
    pub fn salt(&self, pointer: &str) -> Salt {
        let mut mac = self.0.clone();
        mac.update(pointer.as_bytes());
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        let mut salt = [0; 16];
        salt.copy_from_slice(&tag[..16]);
        Salt(salt)
    }
}

impl Salt {
    /// The salt as 24 characters of base64.
    pub fn to_base64(self) -> String {
        encoding::to_base64(&self.0)
    }

    /// Reads a salt in its one canonical form.
    pub fn from_base64(text: &str) -> Option<Salt> {
        encoding::from_base64(text)?.try_into().ok().map(Salt)
    }
}

/// What the tree holds in place of a value.
pub fn commitment(salt: &Salt, value: &str) -> Hash {
    Hash::of(&[&[0x02], &salt.0, value.as_bytes()])
}

/// The leaf hash of a field: RFC 6962's over `pointer || 0x00 || c`. No pointer contains U+0000, so
/// the name ends where it seems to end.
pub fn field_leaf(pointer: &str, commitment: &Hash) -> Hash {
    let mut data = Vec::with_capacity(pointer.len() + 33);
    data.extend_from_slice(pointer.as_bytes());
    data.push(0x00);
    data.extend_from_slice(&commitment.0);
    leaf_hash(&data)
}

/// Appends `/key` to a JSON Pointer, escaped as RFC 6901 §3 has it: only `~` and `/`.
pub fn push_token(key: &str, pointer: &mut String) {
    pointer.push('/');
    for c in key.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// Whether `text` is a JSON Pointer to something inside an object.
pub fn is_pointer(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first() == Some(&b'/')
        && !bytes.contains(&0)
        && bytes
            .iter()
            .enumerate()
            .all(|(i, &byte)| byte != b'~' || matches!(bytes.get(i + 1), Some(b'0' | b'1')))
}

/// Whether `text` is the value of a leaf in its one canonical form.
pub fn is_value_text(text: &str) -> bool {
    if text == "{}" || array_length(text).is_some() {
        return true;
    }
    match json::parse(text) {
        Ok(Value::Object(_) | Value::Array(_)) | Err(_) => false,
        Ok(scalar) => scalar.to_compact() == text,
    }
}

/// The length in an array's value text `[n]`.
pub fn array_length(value: &str) -> Option<u64> {
    encoding::parse_decimal(value.strip_prefix('[')?.strip_suffix(']')?)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(text: &str) -> Vec<(String, String)> {
        Fields::of(&json::parse(text).unwrap())
            .iter()
            .map(|f| (f.pointer.to_owned(), f.value.to_owned()))
            .collect()
    }

    fn root(text: &str) -> Hash {
        Fields::of(&json::parse(text).unwrap()).root(&Secret([7; 32]).into())
    }

    #[test]
    fn every_scalar_array_and_empty_object_is_a_leaf_in_pointer_order() {
        let leaves = flat(r#"{"b":{"x/y":1.0,"~":{}},"a":[10,{"k":null}],"e":[],"A":"é\n"}"#);
        let expected = [
            ("/A", "\"é\\n\""),
            ("/a", "[2]"),
            ("/a/0", "10"),
            ("/a/1/k", "null"),
            ("/b/x~1y", "1.0"),
            ("/b/~0", "{}"),
            ("/e", "[0]"),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(p, v)| ((*p).to_owned(), (*v).to_owned()))
            .collect();
        assert_eq!(leaves, expected);
    }

    #[test]
    fn the_order_of_members_and_white_space_change_nothing() {
        assert_eq!(
            root(r#"{"a":1,"b":[2]}"#),
            root(" { \"b\" : [ 2 ] , \"a\" : 1 } ")
        );
    }

    #[test]
    fn what_differs_in_meaning_differs_in_root() {
        let base = root(r#"{"a":{"0":"[1]"}}"#);
        for other in [
            r#"{"a":["[1]"]}"#,
            r#"{"a":{"0":[null]}}"#,
            r#"{"a":{"0":"[1] "}}"#,
            r#"{"a":{"00":"[1]"}}"#,
            r#"{"a/0":"[1]"}"#,
        ] {
            assert_ne!(base, root(other), "{other}");
        }
        assert_ne!(root(r#"{"q":1}"#), root(r#"{"q":1.0}"#));
        assert_ne!(root(r#"{"lot":"007"}"#), root(r#"{"lot":"7"}"#));
        assert_ne!(root(r#"{"a":{}}"#), root(r#"{"a":"{}"}"#));
    }

    #[test]
    fn another_secret_gives_another_root() {
        let fields = Fields::of(&json::parse(r#"{"a":1}"#).unwrap());
        assert_ne!(
            fields.root(&Secret([1; 32]).into()),
            fields.root(&Secret([2; 32]).into())
        );
    }

    #[test]
    fn only_canonical_value_texts_and_pointers_are_recognised() {
        for good in [
            "1", "1e3", "true", "null", "{}", "[0]", "[12]", "\"a\"", "\"\\n\"",
        ] {
            assert!(is_value_text(good), "{good}");
        }
        for bad in [
            "",
            " 1",
            "01",
            "[01]",
            "[1",
            "[]",
            "{ }",
            "\"\\u0041\"",
            "\"a",
            "tru",
            "[1,2]",
        ] {
            assert!(!is_value_text(bad), "{bad}");
        }
        for good in ["/", "/a", "/a~0b/~1", "//"] {
            assert!(is_pointer(good), "{good}");
        }
        for bad in ["", "a", "/~", "/~2", "/a~"] {
            assert!(!is_pointer(bad), "{bad}");
        }
    }

    #[test]
    fn the_bytes_of_names_are_those_of_the_tree() {
        for text in [
            "{}",
            r#"{"a":1}"#,
            r#"{"abc":{"d":[1,2,{"e":null,"f":{}}],"g":[]}}"#,
            r#"{"list":[0,1,2,3,4,5,6,7,8,9,10,11]}"#,
        ] {
            let value = crate::json::parse(text).unwrap();
            let fields = Fields::of(&value);
            let bytes: usize = fields.iter().map(|field| field.pointer.len()).sum();
            assert_eq!(name_bytes(&value), bytes, "{text}");
        }
    }
}
