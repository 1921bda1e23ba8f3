//! Taking a link apart without copying it: host, path, and the pairs of AI and value in the path.

use super::ai::Ai;
use super::escape::unescape;
use super::key::begins_with_company_prefix;
use super::link::LinkError;

/// The pairs `/ai/value` of a raw path, in order. A trailing `/` is tolerated once, as resolvers
/// must; a value that is missing altogether is given as the empty text, which no AI accepts.
#[derive(Clone)]
pub(super) struct Pairs<'a> {
    rest: &'a str,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(path: &'a str) -> Self {
        Self {
            rest: path.strip_suffix('/').unwrap_or(path),
        }
    }

    /// Refuses anything that follows a key which takes no more qualifiers.
    pub(super) fn finish(mut self, key: Ai) -> Result<(), LinkError> {
        match self.next() {
            None => Ok(()),
            Some((code, _)) => Err(LinkError::unknown_qualifier(key, code)),
        }
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (code, rest) = first_segment(self.rest)?;
        let (value, rest) = first_segment(rest).unwrap_or(("", ""));
        self.rest = rest;
        Some((code, value))
    }
}

/// The path of an `http` or `https` URI without query and fragment, or `None` for another scheme.
///
/// The scheme is read without regard to case (RFC 3986 §3.1): a QR code in its compact
/// alphanumeric mode can only say `HTTPS://`.
pub(super) fn of_http(uri: &str) -> Result<Option<&str>, LinkError> {
    let Some(rest) = strip_ignoring_case(uri, "https:").or(strip_ignoring_case(uri, "http:"))
    else {
        return Ok(None);
    };
    let authority = rest.strip_prefix("//").ok_or(LinkError::NoHost)?;
    let ends = |byte| matches!(byte, b'/' | b'?' | b'#');
    let end = authority.bytes().position(ends).unwrap_or(authority.len());
    if end == 0 {
        return Err(LinkError::NoHost);
    }
    Ok(Some(without_query(&authority[end..])))
}

/// Everything before `?` or `#`: attributes in a query are data, never identity.
pub(super) fn without_query(path: &str) -> &str {
    let ends = |byte| matches!(byte, b'?' | b'#');
    let end = path.bytes().position(ends).unwrap_or(path.len());
    &path[..end]
}

/// The part of `path` that is a Digital Link: from the first segment that names a primary key and
/// is followed by a value that looks like one. What comes before is the host's own affair.
///
/// A vocabulary URI such as `/cbv/BizStep-shipping` or `/01/about` has no such part. A value of
/// digits with a fault *is* such a part, so that a mistyped GTIN is refused and never passes for
/// some other URI.
pub(super) fn from_key(path: &str) -> Option<&str> {
    let mut rest = path;
    while let Some((code, after)) = first_segment(rest) {
        if let Some(key) = Ai::primary_key(code)
            && let Some((value, _)) = first_segment(after)
            && looks_like(key, value)
        {
            return Some(rest);
        }
        rest = after;
    }
    None
}

/// `text` without `prefix`, whose ASCII letters may be of either case.
pub(super) fn strip_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn looks_like(key: Ai, raw: &str) -> bool {
    let Ok(value) = unescape(raw) else {
        return false;
    };
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    match key {
        Ai::Grai | Ai::Giai => begins_with_company_prefix(&value) || is_all(&value, digits),
        // The codes of these are everyday numbers, so `/orders/402/7` must stay what it is: only
        // what is nearly as long as the key can be the key mistyped.
        Ai::Gdti | Ai::Gcn | Ai::Gsin | Ai::Itip | Ai::Gsrn | Ai::Gsrnp => digits >= 12,
        Ai::Ginc | Ai::Cpi => digits >= 6,
        _ => is_all(&value, digits),
    }
}

fn is_all(value: &str, digits: usize) -> bool {
    !value.is_empty() && digits == value.len()
}

/// Splits `/segment/more` into `segment` and `/more`. Splitting comes before decoding, so an
/// escaped slash is part of its segment.
fn first_segment(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix('/')?;
    Some(path.split_at(path.find('/').unwrap_or(path.len())))
}
