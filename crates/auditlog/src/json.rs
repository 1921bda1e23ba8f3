//! JSON without loss (RFC 8259): what is hashed must be what was received.
//!
//! `serde_json::Value` rewrites numbers and keeps the last of two equal keys, so a log built on it
//! would attest something nobody wrote. Here a number is its own text, a repeated key is an error,
//! and what has no single meaning (U+0000, an unpaired surrogate) is refused.

use std::borrow::Cow;
use std::collections::HashSet;

use thiserror::Error;

/// How deeply arrays and objects may nest. Real events need fewer than ten levels.
pub const MAX_DEPTH: usize = 64;

/// A JSON value that borrows from the text it was read from.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Members in the order received; no key twice.
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
    /// Elements in order.
    Array(Vec<Value<'a>>),
    /// Text with its escapes resolved.
    String(Cow<'a, str>),
    /// A number's text, byte for byte as received.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// Why a text is not JSON that this log can attest, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{fault} at byte {offset}")]
pub struct JsonError {
    /// What is wrong.
    pub fault: JsonFault,
    /// Bytes from the start of the text, counted from 0.
    pub offset: usize,
}

/// What can be wrong with a JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JsonFault {
    /// The text ended in the middle of a value.
    #[error("the text ends too early")]
    UnexpectedEnd,
    /// A character that JSON does not allow here.
    #[error("unexpected character")]
    UnexpectedCharacter,
    /// Something follows the value.
    #[error("something follows the value")]
    TrailingText,
    /// A number that RFC 8259 §6 does not allow.
    #[error("malformed number")]
    BadNumber,
    /// An escape that RFC 8259 §7 does not allow.
    #[error("malformed escape in a string")]
    BadEscape,
    /// A raw control character inside a string.
    #[error("unescaped control character in a string")]
    ControlCharacter,
    /// U+0000, which the field tree uses as its separator.
    #[error("U+0000 in a string")]
    NulCharacter,
    /// A surrogate without its other half: no Unicode text has it.
    #[error("unpaired surrogate in a string")]
    UnpairedSurrogate,
    /// The same key twice in one object.
    #[error("the key {0:?} appears twice in one object")]
    DuplicateKey(String),
    /// More than [`MAX_DEPTH`] levels.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// Reads one JSON value.
pub fn parse(text: &str) -> Result<Value<'_>, JsonError> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.skip_space();
    if parser.at < text.len() {
        return Err(parser.error(JsonFault::TrailingText));
    }
    Ok(value)
}

impl<'a> Value<'a> {
    /// The member `key` of an object; `None` for other values and for an absent key.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.as_object()?
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// The members, if this is an object.
    pub fn as_object(&self) -> Option<&[(Cow<'a, str>, Value<'a>)]> {
        match self {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The elements, if this is an array.
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        match self {
            Value::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number's own text, if this is a number.
    pub fn as_number(&self) -> Option<&'a str> {
        match self {
            Value::Number(text) => Some(text),
            _ => None,
        }
    }

    /// The value as compact JSON: no white space, strings as RFC 8785 writes them, numbers as they
    /// came.
    pub fn to_compact(&self) -> String {
        let mut out = String::new();
        self.write_compact(&mut out);
        out
    }

    /// Appends the compact form to `out`.
    pub fn write_compact(&self, out: &mut String) {
        match self {
            Value::Object(members) => {
                out.push('{');
                for (i, (key, value)) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_string(key, out);
                    out.push(':');
                    value.write_compact(out);
                }
                out.push('}');
            }
            Value::Array(elements) => {
                out.push('[');
                for (i, value) in elements.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    value.write_compact(out);
                }
                out.push(']');
            }
            Value::String(text) => write_string(text, out),
            Value::Number(text) => out.push_str(text),
            Value::Bool(true) => out.push_str("true"),
            Value::Bool(false) => out.push_str("false"),
            Value::Null => out.push_str("null"),
        }
    }
}

/// Appends `text` as a JSON string. RFC 8785 §3.2.2.2: the two-character escapes where they exist,
/// `\u00xx` in lowercase for other control characters, everything else as it is.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut clean_from = 0;
    for (i, byte) in text.bytes().enumerate() {
        let escape: &str = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            0x09 => "\\t",
            0x0a => "\\n",
            0x0c => "\\f",
            0x0d => "\\r",
            0x00..=0x1f => "\\u00",
            _ => continue,
        };
        out.push_str(&text[clean_from..i]);
        out.push_str(escape);
        if escape == "\\u00" {
            out.push_str(&crate::encoding::to_hex(&[byte]));
        }
        clean_from = i + 1;
    }
    out.push_str(&text[clean_from..]);
    out.push('"');
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err(self.error(JsonFault::UnexpectedCharacter)),
            None => Err(self.error(JsonFault::UnexpectedEnd)),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        self.enter(depth)?;
        let mut members: Vec<(Cow<'a, str>, Value<'a>)> = Vec::new();
        let mut seen = KeySet::default();
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_space();
            let key_at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.unexpected());
            }
            let key = self.string()?;
            if !seen.insert(&key, &members) {
                let fault = JsonFault::DuplicateKey(key.into_owned());
                return Err(JsonError {
                    fault,
                    offset: key_at,
                });
            }
            self.skip_space();
            if !self.take(b':') {
                return Err(self.unexpected());
            }
            let value = self.value(depth)?;
            members.push((key, value));
            self.skip_space();
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.take(b',') {
                return Err(self.unexpected());
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        self.enter(depth)?;
        let mut elements = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::Array(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::Array(elements));
            }
            if !self.take(b',') {
                return Err(self.unexpected());
            }
        }
    }

    /// Steps over the opening bracket, unless that would be one level too many.
    fn enter(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth > MAX_DEPTH {
            return Err(self.error(JsonFault::TooDeep));
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        self.at += 1;
        let start = self.at;
        let mut owned: Option<String> = None;
        let mut clean_from = start;
        loop {
            match self.peek() {
                None => return Err(self.error(JsonFault::UnexpectedEnd)),
                Some(b'"') => {
                    let tail = &self.text[clean_from..self.at];
                    self.at += 1;
                    return Ok(match owned {
                        None => Cow::Borrowed(tail),
                        Some(mut text) => {
                            text.push_str(tail);
                            Cow::Owned(text)
                        }
                    });
                }
                Some(b'\\') => {
                    let text = owned.get_or_insert_default();
                    text.push_str(&self.text[clean_from..self.at]);
                    let escaped = self.escape()?;
                    text.push(escaped);
                    clean_from = self.at;
                }
                Some(0x00..=0x1f) => return Err(self.error(JsonFault::ControlCharacter)),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let start = self.at;
        let kind = *self
            .text
            .as_bytes()
            .get(self.at + 1)
            .ok_or_else(|| self.end())?;
        self.at += 2;
        Ok(match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(start),
            _ => {
                return Err(JsonError {
                    fault: JsonFault::BadEscape,
                    offset: start,
                });
            }
        })
    }

    /// The rest of a `\u` escape, with its second half where the first is a high surrogate.
    fn unicode_escape(&mut self, start: usize) -> Result<char, JsonError> {
        let fail = |fault| JsonError {
            fault,
            offset: start,
        };
        let first = self.hex4().ok_or_else(|| fail(JsonFault::BadEscape))?;
        let code = match first {
            0 => return Err(fail(JsonFault::NulCharacter)),
            0xd800..=0xdbff => {
                if !self.text[self.at..].starts_with("\\u") {
                    return Err(fail(JsonFault::UnpairedSurrogate));
                }
                self.at += 2;
                let second = self.hex4().ok_or_else(|| fail(JsonFault::BadEscape))?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(fail(JsonFault::UnpairedSurrogate));
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| fail(JsonFault::UnpairedSurrogate))
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    }

    /// RFC 8259 §6: `-`? int frac? exp?
    fn number(&mut self) -> Result<Value<'a>, JsonError> {
        let start = self.at;
        let bad = |at: &Self| JsonError {
            fault: JsonFault::BadNumber,
            offset: at.at,
        };
        self.take(b'-');
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(bad(self)),
        }
        if self.take(b'.') {
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(bad(self));
            }
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(bad(self));
            }
            self.digits();
        }
        if matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(bad(self));
        }
        Ok(Value::Number(&self.text[start..self.at]))
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, JsonError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.error(JsonFault::UnexpectedCharacter));
        }
        self.at += word.len();
        Ok(value)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn error(&self, fault: JsonFault) -> JsonError {
        JsonError {
            fault,
            offset: self.at,
        }
    }

    fn unexpected(&self) -> JsonError {
        match self.peek() {
            None => self.end(),
            Some(_) => self.error(JsonFault::UnexpectedCharacter),
        }
    }

    fn end(&self) -> JsonError {
        JsonError {
            fault: JsonFault::UnexpectedEnd,
            offset: self.text.len(),
        }
    }
}

/// The keys of one object. Few keys are compared one by one; many go into a set, so that a hostile
/// object costs linear time.
#[derive(Default)]
struct KeySet {
    many: HashSet<String>,
}

impl KeySet {
    const FEW: usize = 16;

    fn insert(&mut self, key: &str, members: &[(Cow<'_, str>, Value<'_>)]) -> bool {
        if members.len() < Self::FEW {
            return members.iter().all(|(name, _)| name != key);
        }
        if self.many.is_empty() {
            self.many
                .extend(members.iter().map(|(name, _)| name.to_string()));
        }
        self.many.insert(key.to_owned())
    }
}

#[cfg(test)]
mod tests;
