//! The *constrained* canonical Digital Link of every GS1 key: what the CBV's event hash is made of.
//!
//! [`Identity`] knows the keys along which goods are traced. An event may name others too, such as
//! a document (GDTI) among its business transactions, and two partners must hash it alike however
//! they write it. Here those are read by their form alone, whatever their check digit: nothing is
//! looked up by what this module gives, so a key that nobody can trace needs no type.

use std::borrow::Cow;

use super::canonical::HOST;
use super::check::check_digit;
use super::escape::{escaped_as_gs1, unescape};
use super::identity::{Identity, OtherUri};
use super::path;

/// `https://id.gs1.org/…` at the finest level that `uri` names, without query, in GS1's own
/// escaping; `None` for a URI that is no GS1 key in a link or a URN, or that has more than
/// [`OtherUri::MAX_BYTES`].
///
/// CBV 2.0 event hash, rules 17 and 18.
#[must_use]
pub fn constrained_link(uri: &str) -> Option<String> {
    if uri.len() > OtherUri::MAX_BYTES {
        return None;
    }
    if let Some(body) = path::strip_ignoring_case(uri, "urn:epc:") {
        return traced(uri).or_else(|| other_urn(body));
    }
    let path = path::of_http(uri).ok().flatten()?;
    let named = with_numbers_for_names(path);
    traced(&format!("{HOST}{named}")).or_else(|| other_link(&named))
}

/// The link of a key that [`Identity`] reads.
fn traced(uri: &str) -> Option<String> {
    let canonical = match Identity::parse(uri).ok()? {
        Identity::Other(_) => return None,
        identity => identity.canonical(),
    };
    let path = canonical.strip_prefix(HOST)?.strip_prefix('/')?;
    let segments = decoded(path)?;
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    Some(link(&segments))
}

/// The alphabetic names that GS1 Digital Link 1.1 had for keys and qualifiers, and later releases
/// have not.
const NAMES: &[(&str, &str)] = &[
    ("gtin", "01"),
    ("itip", "8006"),
    ("cpid", "8010"),
    ("gln", "414"),
    ("party", "417"),
    ("gsrnp", "8017"),
    ("gsrn", "8018"),
    ("gcn", "255"),
    ("sscc", "00"),
    ("gdti", "253"),
    ("ginc", "401"),
    ("gsin", "402"),
    ("grai", "8003"),
    ("giai", "8004"),
    ("cpv", "22"),
    ("lot", "10"),
    ("ser", "21"),
];

/// `path` with the names of [`NAMES`] replaced where a number must stand: every second segment,
/// counted from a key at the end of the path.
fn with_numbers_for_names(path: &str) -> String {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments: Vec<&str> = path.split('/').collect();
    let number = |name: &str| NAMES.iter().find(|(n, _)| *n == name).map(|(_, ai)| *ai);
    // From the end, as what comes before the key is the host's own: value, qualifier, value, key.
    for at in (1..segments.len().saturating_sub(1)).rev().step_by(2) {
        match number(segments[at]) {
            Some(ai) => segments[at] = ai,
            None if is_number(segments[at]) => {}
            None => break,
        }
    }
    segments.join("/")
}

/// A key that [`Identity`] does not read.
struct Key {
    ai: &'static str,
    /// How many digits its value begins with.
    digits: usize,
    /// How many characters may follow.
    more: usize,
    /// Finest first; the finest alone is kept. Rule 18.
    qualifiers: &'static [&'static str],
}

const KEYS: &[Key] = &[
    key("253", 13, 17, &[]),
    key("255", 13, 12, &[]),
    key("401", 4, 26, &[]),
    key("402", 17, 0, &[]),
    key("8006", 18, 0, &["21", "10"]),
    key("8010", 4, 26, &["8011"]),
    key("8017", 18, 0, &[]),
    key("8018", 18, 0, &[]),
    // A third-party serialised item: (235) stands where a serial would.
    key("01", 14, 0, &["235"]),
];

const fn key(
    ai: &'static str,
    digits: usize,
    more: usize,
    qualifiers: &'static [&'static str],
) -> Key {
    Key {
        ai,
        digits,
        more,
        qualifiers,
    }
}

fn other_link(path: &str) -> Option<String> {
    let segments = decoded(path)?;
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    (0..segments.len()).find_map(|at| key_at(&segments[at..]))
}

/// The link of the key that `segments` begin with.
fn key_at(segments: &[&str]) -> Option<String> {
    let (&[ai, value], rest) = segments.split_first_chunk::<2>()?;
    let key = KEYS.iter().find(|key| key.ai == ai)?;
    let (digits, more) = value.split_at_checked(key.digits)?;
    if !is_number(digits) || more.len() > key.more {
        return None;
    }
    let (pairs, []) = rest.as_chunks::<2>() else {
        return None;
    };
    let finest = key.qualifiers.iter().find_map(|wanted| {
        pairs
            .iter()
            .find(|[ai, value]| ai == wanted && !value.is_empty())
    });
    // Rule 18 keeps no product variant (22); any other qualifier is none that we know.
    let is_coarse = key.ai != "01" && pairs.iter().all(|[ai, _]| *ai == "22");
    match finest {
        Some([qualifier, finest]) => Some(link(&[ai, value, qualifier, finest])),
        None => is_coarse.then(|| link(&[ai, value])),
    }
}

/// The segments of a path, split first and decoded once.
fn decoded(path: &str) -> Option<Vec<Cow<'_, str>>> {
    path.split('/')
        .map(|segment| unescape(segment).ok())
        .collect()
}

/// Tag Data Standard, "EPC URI": schemes whose keys [`Identity`] does not read. `body` is what
/// follows `urn:epc:`.
fn other_urn(body: &str) -> Option<String> {
    let (scheme, urn) = Urn::read(body)?;
    let segments = match scheme {
        "gdti" => urn.document("253")?,
        "sgcn" => urn.document("255")?,
        "gsrn" => urn.number("8018", 17)?,
        "gsrnp" => urn.number("8017", 17)?,
        "gsin" => urn.number("402", 16)?,
        "ginc" => vec!["401".into(), urn.prefixed(&urn.last(0)?)],
        "cpi" => {
            let part = unescape(urn.parts.first()?).ok()?;
            let key = vec!["8010".into(), urn.prefixed(&part)];
            [key, qualified("8011", urn.last(1)?)].concat()
        }
        "itip" => {
            let (piece, total) = (
                two_digits(urn.parts.get(1)?)?,
                two_digits(urn.parts.get(2)?)?,
            );
            let key = vec!["8006".into(), format!("{}{piece}{total}", urn.gtin()?)];
            [key, qualified("21", urn.last(3)?)].concat()
        }
        "upui" => {
            let key = vec!["01".into(), urn.gtin()?];
            [key, qualified("235", urn.last(1)?)].concat()
        }
        _ => return None,
    };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    Some(link(&segments))
}

/// The parts of a URN's body between its dots.
struct Urn<'u> {
    /// Whether it is a pattern, which ends in `*` and stands for every serial.
    is_pattern: bool,
    prefix: &'u str,
    parts: Vec<&'u str>,
}

impl<'u> Urn<'u> {
    /// Reads `{kind}:{scheme}:{prefix}.{…}`; the scheme comes apart.
    fn read(body: &'u str) -> Option<(&'u str, Urn<'u>)> {
        let mut fields = body.splitn(3, ':');
        let (kind, scheme, body) = (fields.next()?, fields.next()?, fields.next()?);
        let mut parts = body.split('.');
        let prefix = parts.next().filter(|prefix| is_number(prefix))?;
        let urn = Urn {
            is_pattern: kind == "idpat",
            prefix,
            parts: parts.collect(),
        };
        let fits = matches!(kind, "id" | "idpat") && (6..=12).contains(&prefix.len());
        fits.then_some((scheme, urn))
    }

    fn prefixed(&self, reference: &str) -> String {
        format!("{}{reference}", self.prefix)
    }

    /// The last part, which begins at `at` and keeps its dots; empty for a pattern.
    fn last(&self, at: usize) -> Option<String> {
        let raw = self.parts.get(at..)?.join(".");
        if self.is_pattern {
            return (raw == "*").then(String::new);
        }
        let value = unescape(&raw).ok()?.into_owned();
        (!value.is_empty()).then_some(value)
    }

    /// A number of `digits` digits, and its check digit. There are no patterns of these.
    fn number(&self, ai: &str, digits: usize) -> Option<Vec<String>> {
        let number = self.prefixed(&self.last(0).filter(|rest| !rest.is_empty())?);
        Some(vec![ai.to_owned(), completed(&number, digits)?])
    }

    /// Twelve digits, their check digit, and a serial that follows at once.
    fn document(&self, ai: &str) -> Option<Vec<String>> {
        let mut key = completed(&self.prefixed(self.parts.first()?), 12)?;
        key.push_str(&self.last(1)?);
        Some(vec![ai.to_owned(), key])
    }

    /// The indicator digit, which stands with the item reference, comes first.
    fn gtin(&self) -> Option<String> {
        let (indicator, item) = self.parts.first()?.split_at_checked(1)?;
        completed(&format!("{indicator}{}{item}", self.prefix), 13)
    }
}

/// `digits` digits and their check digit.
fn completed(key: &str, digits: usize) -> Option<String> {
    let fits = key.len() == digits && is_number(key);
    fits.then(|| format!("{key}{}", check_digit(key.as_bytes())))
}

/// A qualifier with its value; none for a pattern, which stands for all values.
fn qualified(ai: &str, value: String) -> Vec<String> {
    if value.is_empty() {
        return Vec::new();
    }
    vec![ai.to_owned(), value]
}

fn two_digits(text: &str) -> Option<&str> {
    (text.len() == 2 && is_number(text)).then_some(text)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn link(segments: &[&str]) -> String {
    let escaped: Vec<_> = segments
        .iter()
        .map(|segment| escaped_as_gs1(segment))
        .collect();
    format!("{HOST}/{}", escaped.join("/"))
}
