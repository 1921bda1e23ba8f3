//! Percent-encoding of one segment (RFC 3986 §2.1).

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

/// Why a segment cannot be percent-decoded.
#[allow(missing_docs, reason = "the variant says what its field holds")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EscapeError {
    /// `%` without two hexadecimal digits after it. `position` counts bytes from 1.
    #[error("has a % at position {position} without two hexadecimal digits after it")]
    NotHex { position: usize },
    /// The decoded bytes are not UTF-8, so they are no text at all.
    #[error("does not decode to UTF-8 text")]
    NotUtf8,
}

/// Decodes `segment` exactly once; `%252F` becomes `%2F` and stays so. `+` is itself: it means a
/// space only in a form's query. Borrows where there is nothing to decode.
pub fn unescape(segment: &str) -> Result<Cow<'_, str>, EscapeError> {
    if !segment.contains('%') {
        return Ok(Cow::Borrowed(segment));
    }
    let bytes = segment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        if byte != b'%' {
            decoded.push(byte);
            index += 1;
            continue;
        }
        let not_hex = EscapeError::NotHex {
            position: index + 1,
        };
        let digit = |at: usize| bytes.get(at).copied().and_then(hex_value).ok_or(not_hex);
        decoded.push(digit(index + 1)? << 4 | digit(index + 2)?);
        index += 3;
    }
    String::from_utf8(decoded)
        .map(Cow::Owned)
        .map_err(|_| EscapeError::NotUtf8)
}

/// Writes `text` with everything but RFC 3986's unreserved characters escaped, in upper-case hex,
/// so that one text has exactly one escaped form.
pub(super) fn write_escaped<W>(out: &mut W, text: &str) -> fmt::Result
where
    W: fmt::Write + ?Sized,
{
    write_escaped_but(is_unreserved, out, text)
}

/// `text` with those characters escaped that GS1 Digital Link 1.2 §4.11 names, and no others of
/// CSET 82: `'`, `;` and `=` stand for themselves. Programs that hash a link must agree in this.
pub(super) fn escaped_as_gs1(text: &str) -> String {
    let plain = |byte| is_unreserved(byte) || matches!(byte, b'\'' | b';' | b'=');
    let mut out = String::with_capacity(text.len());
    write_escaped_but(plain, &mut out, text).expect("writing to a String never fails");
    out
}

fn write_escaped_but<W>(is_plain: impl Fn(u8) -> bool, out: &mut W, text: &str) -> fmt::Result
where
    W: fmt::Write + ?Sized,
{
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
        let (plain, reserved) = rest.split_at(at);
        out.write_str(plain)?;
        let Some(character) = reserved.chars().next() else {
            break;
        };
        let (reserved, after) = reserved.split_at(character.len_utf8());
        for byte in reserved.bytes() {
            write!(out, "%{byte:02X}")?;
        }
        rest = after;
    }
    out.write_str(rest)
}

/// RFC 3986 §2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
