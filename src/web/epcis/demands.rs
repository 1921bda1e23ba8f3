//! What a request demands of its answer, in the headers of HTTP and of EPCIS: media types, versions, the
//! meaning of prefixes. What cannot be given is refused before anything is looked up or stored.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};
use actix_web::http::{Method, StatusCode};

use super::form::{not_acceptable, wanted_format};
use crate::domain::epcis::Names;
use crate::web::error::Problem;
use crate::web::negotiate::{header_text, media_weight};

/// Bytes of an address, with each percent-encoded one counted once. Larger ones reach no handler: HTTP
/// itself ends at 65,534 bytes, with 400 and nothing to say. A next page is a little longer than the page
/// before, and as a link fully encoded, which triples it at most: that, too, must stay below.
const MAX_URI_BYTES: usize = 16_384;
/// What the address of a next page may have beyond that.
const NEXT_PAGE_BYTES: usize = 1_024;

/// Characters of a version: `^\d+(\.\d+)*$`.
const MAX_VERSION_CHARS: usize = 32;

/// The headers that name one version, and those that name the ends of a range.
const VERSIONS: [(&str, Bound); 6] = [
    ("gs1-epcis-version", Bound::Exactly),
    ("gs1-epcis-min", Bound::AtLeast),
    ("gs1-epcis-max", Bound::AtMost),
    ("gs1-cbv-version", Bound::Exactly),
    ("gs1-cbv-min", Bound::AtLeast),
    ("gs1-cbv-max", Bound::AtMost),
];

/// The one version of EPCIS and of the CBV that is spoken here.
const SPOKEN: [u32; 1] = [2];

const EXTENSIONS: HeaderName = HeaderName::from_static("gs1-extensions");
/// Prefixes that one request may declare.
const MAX_EXTENSIONS: usize = 32;
/// Bytes of that header: as many prefixes with long namespaces.
const MAX_EXTENSIONS_BYTES: usize = 8_192;

/// What an answer in JSON is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    Json,
    JsonLd,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    Exactly,
    AtLeast,
    AtMost,
}

/// Refuses what cannot be answered as it is asked; what the answer is to be called.
pub(super) fn check(request: &HttpRequest) -> Result<Media, Problem> {
    check_length(request)?;
    // Who asks what is spoken here is told, whatever he speaks.
    if request.method() == Method::OPTIONS {
        return Ok(Media::Json);
    }
    for (name, bound) in VERSIONS {
        check_version(request, name, bound)?;
    }
    wanted_format(request)?;
    wanted_extensions(request)?;
    wanted_media(request)
}

fn check_length(request: &HttpRequest) -> Result<(), Problem> {
    let uri = request.uri();
    let target = uri.path_and_query().map_or("", |target| target.as_str());
    let escapes = target.bytes().filter(|byte| *byte == b'%').count();
    let length = target.len().saturating_sub(2 * escapes);
    let goes_on = request.query_string().contains("nextPageToken=");
    let limit = MAX_URI_BYTES + if goes_on { NEXT_PAGE_BYTES } else { 0 };
    if length <= limit {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::URI_TOO_LONG,
        "epcisException:URITooLongException",
        format!("the address is longer than {MAX_URI_BYTES} bytes; ask in parts"),
    ))
}

fn check_version(request: &HttpRequest, name: &'static str, bound: Bound) -> Result<(), Problem> {
    for value in request.headers().get_all(name) {
        let version = value.to_str().ok().and_then(version);
        let version = version.ok_or_else(|| {
            Problem::validation(format!("{name} must be a version such as 2.0.0"))
        })?;
        let is_spoken = match bound {
            Bound::Exactly => version == SPOKEN,
            Bound::AtLeast => version.as_slice() <= SPOKEN.as_slice(),
            Bound::AtMost => version.as_slice() >= SPOKEN.as_slice(),
        };
        if !is_spoken {
            return Err(not_acceptable(format!(
                "{name}: only version 2.0.0 is spoken here"
            )));
        }
    }
    Ok(())
}

/// The numbers of a version, without the zeros at its end: `2`, `2.0` and `2.0.0` are the same.
fn version(text: &str) -> Option<Vec<u32>> {
    if text.len() > MAX_VERSION_CHARS {
        return None;
    }
    let number = |part: &str| {
        let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|_| is_number)
    };
    let mut numbers: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    Some(numbers)
}

/// The namespaces that a request declares for its prefixes, as `prefix=namespace`.
pub(super) fn wanted_extensions(request: &HttpRequest) -> Result<Vec<String>, Problem> {
    let text = header_text(request.headers(), EXTENSIONS);
    if text.len() > MAX_EXTENSIONS_BYTES {
        return Err(bad_extensions(format!(
            "it is longer than {MAX_EXTENSIONS_BYTES} bytes"
        )));
    }
    let pairs = text.split(',').map(|pair| pair.trim_matches([' ', '\t']));
    let mut declared: Vec<String> = Vec::new();
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let (prefix, namespace) = pair.split_once('=').unwrap_or((pair, ""));
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_prefix = !prefix.is_empty() && prefix.chars().all(is_name);
        let is_uri = namespace.chars().all(|c| c.is_ascii_graphic()) && namespace.contains(':');
        if !is_prefix || !is_uri {
            let detail = "each part is a prefix, = and a URI, with commas between them";
            return Err(bad_extensions(detail));
        }
        let is_standards = Names::default().expand(&format!("{prefix}:x")) != format!("{prefix}:x");
        let same = |other: &String| {
            let (known, _) = other.split_once('=').unwrap_or_default();
            known == prefix && other != pair
        };
        if is_standards || declared.iter().any(same) {
            let detail = "a prefix has one meaning, and those of the standard keep theirs";
            return Err(bad_extensions(detail));
        }
        declared.push(pair.to_owned());
    }
    if declared.len() > MAX_EXTENSIONS {
        let detail = format!("it declares more than {MAX_EXTENSIONS} prefixes");
        return Err(bad_extensions(detail));
    }
    Ok(declared)
}

fn bad_extensions(detail: impl std::fmt::Display) -> Problem {
    Problem::validation(format!("GS1-Extensions: {detail}"))
}

/// JSON under the name that the client likes better, plain where it likes both. A proof has media types
/// of its own, which its address names.
fn wanted_media(request: &HttpRequest) -> Result<Media, Problem> {
    if request.path().ends_with("/proof") {
        return Ok(Media::Json);
    }
    let accept = header_text(request.headers(), header::ACCEPT);
    let json = media_weight(&accept, "application/json");
    let linked = media_weight(&accept, "application/ld+json");
    match json.max(linked) {
        0 => Err(not_acceptable(
            "answers here are application/json or application/ld+json, and Accept takes neither",
        )),
        best if best == json => Ok(Media::Json),
        _ => Ok(Media::JsonLd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn refused(request: TestRequest) -> Option<(u16, String)> {
        use actix_web::ResponseError;
        let fault = check(&request.to_http_request()).err()?;
        Some((fault.status_code().as_u16(), fault.to_string()))
    }

    fn status(name: &str, value: &str) -> Option<u16> {
        let request = TestRequest::get().insert_header((name, value));
        refused(request).map(|(status, _)| status)
    }

    #[test]
    fn a_version_is_the_one_that_is_spoken_or_a_range_that_holds_it() {
        for name in ["GS1-EPCIS", "GS1-CBV"] {
            for (end, value, expected) in [
                ("Version", "2", None),
                ("Version", "2.0", None),
                ("Version", "2.0.0", None),
                ("Version", "2.0.1", Some(406)),
                ("Version", "1.2", Some(406)),
                ("Version", "20", Some(406)),
                ("Min", "1.0.0", None),
                ("Min", "2.0.0", None),
                ("Min", "2.0.1", Some(406)),
                ("Min", "2.1", Some(406)),
                ("Max", "2.0", None),
                ("Max", "10.0", None),
                ("Max", "1.2.9", Some(406)),
                ("Version", "", Some(400)),
                ("Version", "two", Some(400)),
                ("Version", "v2.0", Some(400)),
                ("Version", "2.", Some(400)),
                ("Version", "2..0", Some(400)),
                ("Version", "+2", Some(400)),
                ("Max", "2,0", Some(400)),
                ("Max", "99999999999", Some(400)),
            ] {
                let found = status(&format!("{name}-{end}"), value);
                assert_eq!(found, expected, "{name}-{end}: {value:?}");
            }
        }
        let with = |chars: usize| status("GS1-EPCIS-Version", &"2.0".repeat(40)[..chars]);
        assert_eq!(with(MAX_VERSION_CHARS + 1), Some(400));
        let longest = format!("2{}", ".0".repeat((MAX_VERSION_CHARS - 1) / 2));
        assert_eq!(status("GS1-EPCIS-Version", &longest), None);
        assert_eq!(
            status("GS1-EPCIS-Version", &format!("{longest}.0")),
            Some(400)
        );
    }

    #[test]
    fn an_answer_has_the_media_type_that_is_liked_best() {
        let media = |accept: &str| {
            let request = TestRequest::get().insert_header(("Accept", accept));
            check(&request.to_http_request()).ok()
        };
        for (accept, expected) in [
            ("", Some(Media::Json)),
            ("*/*", Some(Media::Json)),
            ("application/*", Some(Media::Json)),
            ("application/json", Some(Media::Json)),
            ("application/json, application/ld+json", Some(Media::Json)),
            ("application/ld+json", Some(Media::JsonLd)),
            (
                "application/json;q=0.5, application/ld+json",
                Some(Media::JsonLd),
            ),
            ("application/json;q=0, */*;q=0.1", Some(Media::JsonLd)),
            ("application/ld+json;q=0, */*", Some(Media::Json)),
            (
                "text/html,application/xhtml+xml,*/*;q=0.8",
                Some(Media::Json),
            ),
            (
                "application/xml;q=0.9, application/json;q=0.1",
                Some(Media::Json),
            ),
            ("text/html", None),
            ("application/xml", None),
            ("application/problem+json", None),
            ("*/*;q=0", None),
            ("application/json;q=0, application/ld+json;q=0, */*", None),
        ] {
            assert_eq!(media(accept), expected, "{accept:?}");
        }
        let none = check(&TestRequest::get().to_http_request());
        assert_eq!(none.ok(), Some(Media::Json));
    }

    #[test]
    fn prefixes_are_declared_once_each_and_within_limits() {
        let declared = |value: &str| {
            let request = TestRequest::get().insert_header(("GS1-Extensions", value));
            wanted_extensions(&request.to_http_request()).ok()
        };
        assert_eq!(declared(""), Some(Vec::new()));
        let two = "a=http://a.example/epcis/, b-2=urn:b:";
        let expected = ["a=http://a.example/epcis/", "b-2=urn:b:"];
        assert_eq!(declared(two).unwrap(), expected);
        assert!(declared("a=http://a.example/?x=1").is_some());
        for bad in [
            "a",
            "a=",
            "=http://a.example/",
            "a=b",
            "a b=http://a.example/",
            "a=http://a.example/ b",
            "a:b=http://a.example/",
            "a=http://a.example/, a=http://b.example/",
            "cbv=http://a.example/",
            "gs1=https://gs1.org/voc/",
        ] {
            assert_eq!(declared(bad), None, "{bad}");
        }
        let many = |count: usize| {
            let pairs: Vec<String> = (0..count).map(|n| format!("p{n}=urn:x:")).collect();
            declared(&pairs.join(","))
        };
        assert!(many(MAX_EXTENSIONS).is_some() && many(MAX_EXTENSIONS + 1).is_none());
        let long = |bytes: usize| declared(&format!("a=urn:{}", "x".repeat(bytes - 6)));
        assert!(long(MAX_EXTENSIONS_BYTES).is_some());
        assert!(long(MAX_EXTENSIONS_BYTES + 1).is_none());
    }

    #[test]
    fn an_address_is_too_long_by_what_it_says_and_not_by_how_it_is_encoded() {
        let asks = |query: &str| refused(TestRequest::with_uri(&format!("/epcis/events?{query}")));
        let room = MAX_URI_BYTES - "/epcis/events?".len();
        assert_eq!(asks(&"x".repeat(room)), None);
        let (status, detail) = asks(&"x".repeat(room + 1)).unwrap();
        assert!(status == 414 && detail.contains("16384"), "{detail}");
        assert_eq!(asks(&"%2C".repeat(room)), None);
        assert_eq!(asks(&"%2C".repeat(room + 1)).unwrap().0, 414);
        // The next page of what was answered must be answered.
        let next = |bytes| format!("nextPageToken={}", "x".repeat(bytes));
        let room = room + NEXT_PAGE_BYTES - "nextPageToken=".len();
        assert_eq!(asks(&next(room)), None);
        assert_eq!(asks(&next(room + 1)).unwrap().0, 414);
    }

    #[test]
    fn whoever_asks_what_is_spoken_is_told_whatever_he_speaks() {
        let request = TestRequest::with_uri("/epcis").method(Method::OPTIONS);
        let request = request.insert_header(("GS1-EPCIS-Version", "1.2"));
        assert_eq!(
            refused(request.insert_header(("Accept", "text/html"))),
            None
        );
    }
}
