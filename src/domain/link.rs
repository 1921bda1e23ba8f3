//! Links as statements: where more about a product, a lot or an item is to be found, in the
//! merchant's words.

use std::net::IpAddr;

use auditlog::json::Value;

use super::fields::{At, Fault, FaultKind};
use super::gs1::Identity;
use super::master::short_text;

/// Links that one product, lot or item has at a time.
pub const MAX_LINKS: usize = 40;
/// Links that were ever said of one product, lot or item. Withdrawals come on top, and there cannot be
/// more of them than links.
pub const MAX_LINKS_EVER: usize = 400;
/// Bytes of a target: with the query that is passed on it still fits what browsers and proxies carry.
pub const MAX_HREF_BYTES: usize = 1_000;
/// Languages of one target.
const MAX_LANGUAGES: usize = 10;
/// Bytes of a language tag: RFC 5646 §4.4.1 asks for room for 35.
const MAX_LANGUAGE_BYTES: usize = 35;
/// Bytes of a media type or a context.
const MAX_WORD_BYTES: usize = 100;
/// Letters of a link type's name. GS1's longest has 33.
const MAX_TYPE_BYTES: usize = 64;

/// GS1's vocabulary of link types.
pub const VOCABULARY: &str = "https://ref.gs1.org/voc/";

/// What only the service itself may say of its own pages, or what is no type of a single link.
const RESERVED: [&str; 6] = [
    "all",
    "defaultLink",
    "defaultLinkMulti",
    "linkset",
    "traceability",
    "verificationService",
];

/// A link, or that there is none any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// `anchor`: a class, a lot or an item.
    pub anchor: Identity,
    /// `linkType`
    pub link_type: LinkType,
    /// `href`; null withdraws what was said before.
    pub target: Option<Target>,
    /// `hreflang`: language tags as received.
    pub hreflang: Vec<String>,
    /// `type`: a media type.
    pub media_type: Option<String>,
    /// `context`: a word that a client may choose by.
    pub context: Option<String>,
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// An address of printable ASCII: it is safe in a header.
    pub href: String,
    /// `title`
    pub title: String,
}

impl Link {
    /// What a later link must share with this one to replace it.
    pub fn slot(&self) -> (&LinkType, Vec<String>, Option<String>) {
        let mut languages: Vec<String> = self
            .hreflang
            .iter()
            .map(|tag| tag.to_ascii_lowercase())
            .collect();
        languages.sort();
        let media_type = self.media_type.as_deref().map(str::to_ascii_lowercase);
        (&self.link_type, languages, media_type)
    }
}

/// A link type of GS1's vocabulary, such as `instructions`, whichever way it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(String);

impl LinkType {
    /// Reads `gs1:instructions`, `https://ref.gs1.org/voc/instructions`, or the same on the host that
    /// the vocabulary had before.
    pub fn parse(text: &str) -> Option<LinkType> {
        let prefixes = [
            "gs1:",
            VOCABULARY,
            "https://gs1.org/voc/",
            "https://www.gs1.org/voc/",
        ];
        let name = prefixes
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))?;
        let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && name.len() <= MAX_TYPE_BYTES;
        is_name.then(|| LinkType(name.to_owned()))
    }

    /// The name alone.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The relation type of RFC 8288: the whole URI.
    pub fn uri(&self) -> String {
        format!("{VOCABULARY}{}", self.0)
    }
}

/// What stands of the links of one anchor, given newest first: the last one said of each slot, unless
/// it was withdrawn. Oldest first.
pub fn standing<'l, T>(newest_first: &'l [T], link: impl Fn(&'l T) -> &'l Link) -> Vec<&'l T> {
    let mut said = Vec::new();
    let mut standing = Vec::new();
    for item in newest_first {
        let slot = link(item).slot();
        if said.contains(&slot) {
            continue;
        }
        said.push(slot);
        if link(item).target.is_some() {
            standing.push(item);
        }
    }
    standing.reverse();
    standing
}

/// The links of the first identity of `ladder`, which goes from fine to coarse: its own and, for each
/// type that it has none of, those of the next identity that has some.
pub fn nearest<'l, T>(
    ladder: &[Identity],
    links: &'l [T],
    link: impl Fn(&'l T) -> &'l Link,
) -> Vec<&'l T> {
    let mut found: Vec<&T> = Vec::new();
    for level in ladder {
        let nearer: Vec<&LinkType> = found.iter().map(|item| &link(item).link_type).collect();
        let here: Vec<&T> = links
            .iter()
            .filter(|item| link(item).anchor == *level)
            .filter(|item| !nearer.contains(&&link(item).link_type))
            .collect();
        found.extend(here);
    }
    found
}

/// Reads a link.
pub fn read_link(body: &Value<'_>) -> Result<Link, Fault> {
    let at = At::root(body);
    at.only(&[&[
        "anchor", "linkType", "href", "title", "hreflang", "type", "context",
    ]])?;
    let anchor_at = at.required("anchor")?;
    let anchor = anchor_at.identity()?;
    if anchor.gtin().is_none() {
        let what = "the Digital Link of a product, a lot or an item: .../01/...";
        return Err(anchor_at.fault(FaultKind::MustBe(what)));
    }
    let title = at.get("title").map(|at| short_text(&at)).transpose()?;
    let href = at.required("href")?;
    let target = match (href.value, title) {
        (Value::Null, _) => None,
        (_, None) => return Err(at.fault_in("title", FaultKind::Missing)),
        (_, Some(title)) => Some(Target {
            href: address(&href)?,
            title,
        }),
    };
    Ok(Link {
        anchor,
        link_type: link_type(&at.required("linkType")?)?,
        target,
        hreflang: at
            .get("hreflang")
            .map_or(Ok(Vec::new()), |at| languages(&at))?,
        media_type: at.get("type").map(|at| media_type(&at)).transpose()?,
        context: at.get("context").map(|at| context(&at)).transpose()?,
    })
}

fn link_type(at: &At<'_>) -> Result<LinkType, Fault> {
    let Some(link_type) = LinkType::parse(at.text()?) else {
        let what = "a GS1 link type, such as gs1:instructions";
        return Err(at.fault(FaultKind::MustBe(what)));
    };
    if RESERVED.contains(&link_type.name()) {
        let rule = "the service itself answers this link type; choose one of your own";
        return Err(at.fault(FaultKind::Rule(rule)));
    }
    Ok(link_type)
}

/// An address that can be redirected to: `https`, or `http` on this machine. Nobody may be led to a
/// name before an `@` that only looks like a host.
fn address(at: &At<'_>) -> Result<String, Fault> {
    let text = at.text()?;
    if text.len() > MAX_HREF_BYTES {
        return Err(at.fault(FaultKind::Rule("has more than 1,000 bytes")));
    }
    if is_address(text) {
        return Ok(text.to_owned());
    }
    let what = "an https address of printable ASCII, percent-encoded, without user or password";
    Err(at.fault(FaultKind::MustBe(what)))
}

fn is_address(text: &str) -> bool {
    // RFC 3986 §2: everything else in an address is percent-encoded.
    let is_uri_byte = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b);
    let (is_secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return false,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some(host) = host_of(authority) else {
        return false;
    };
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    text.bytes().all(is_uri_byte) && (is_secure || is_here)
}

/// The host of `host`, `host:port`, `[v6]` or `[v6]:port`; `None` for anything else.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, after)
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (host, after) = authority.split_at(end);
            let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
            (!host.is_empty() && host.bytes().all(is_name)).then_some(())?;
            (host, after)
        }
    };
    let is_port = port.is_empty() || port.strip_prefix(':')?.parse::<u16>().is_ok();
    is_port.then_some(host)
}

fn languages(at: &At<'_>) -> Result<Vec<String>, Fault> {
    let tags = at.elements()?;
    if tags.len() > MAX_LANGUAGES {
        return Err(at.fault(FaultKind::TooMany(MAX_LANGUAGES)));
    }
    let mut languages: Vec<String> = Vec::with_capacity(tags.len());
    for tag in &tags {
        let text = tag.text()?;
        // RFC 4647 §2.1: subtags of one to eight letters or digits.
        let subtag =
            |s: &str| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric());
        if text.len() > MAX_LANGUAGE_BYTES || !text.split('-').all(subtag) {
            return Err(tag.fault(FaultKind::MustBe("a language tag, such as zh-CN")));
        }
        if languages
            .iter()
            .any(|known| known.eq_ignore_ascii_case(text))
        {
            return Err(tag.fault(FaultKind::Repeated));
        }
        languages.push(text.to_owned());
    }
    Ok(languages)
}

/// RFC 9110 §8.3.1, without parameters: two tokens.
fn media_type(at: &At<'_>) -> Result<String, Fault> {
    let text = at.text()?;
    let token = |s: &str| {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b);
        !s.is_empty() && s.bytes().all(is_token)
    };
    let parts = text.split_once('/');
    let fits = text.len() <= MAX_WORD_BYTES && parts.is_some_and(|(a, b)| token(a) && token(b));
    if fits {
        return Ok(text.to_owned());
    }
    Err(at.fault(FaultKind::MustBe("a media type, such as application/pdf")))
}

fn context(at: &At<'_>) -> Result<String, Fault> {
    let text = at.text()?;
    let is_word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if (1..=MAX_WORD_BYTES).contains(&text.len()) && text.bytes().all(is_word) {
        return Ok(text.to_owned());
    }
    Err(at.fault(FaultKind::MustBe("1 to 100 of a-z, A-Z, 0-9, - _ .")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog::json;

    const GTIN: &str = "https://id.gs1.org/01/09521041001012";

    fn read(body: &str) -> Result<Link, String> {
        read_link(&json::parse(body).unwrap()).map_err(|fault| fault.to_string())
    }

    /// A link with one member changed or added.
    fn with(member: &str, value: &str) -> Result<Link, String> {
        let mut body = serde_json::json!({
            "anchor": GTIN, "linkType": "gs1:instructions", "href": "https://brand.example/i",
            "title": "Instructions"
        });
        body[member] = serde_json::from_str(value).unwrap();
        read(&body.to_string())
    }

    #[test]
    fn only_addresses_that_are_safe_to_be_led_to_are_taken() {
        for good in [
            "https://brand.example",
            "https://brand.example:8443/a%20b?x=1&y=%E5%A5%B6#part",
            "https://[2001:db8::1]/",
            "http://localhost:8080/x",
            "http://127.0.0.1/",
            "http://[::1]:80/",
        ] {
            assert!(with("href", &format!("{good:?}")).is_ok(), "{good}");
        }
        for bad in [
            "http://brand.example/",
            "http://127.0.0.1.brand.example/",
            "javascript:alert(1)",
            "//brand.example/",
            "https:///x",
            "https://bank.example@brand.example/",
            "https://brand.example:99999/",
            "https://[brand]/",
            "https://brand.example/a b",
            "https://brand.example/\\u000d\\u000aSet-Cookie:x",
            "https://brand.example/\\u5976",
            "https://brand.example/\\u0022",
            "HTTPS://brand.example/",
        ] {
            let fault = with("href", &format!("\"{bad}\"")).unwrap_err();
            assert!(
                fault.starts_with("/href: must be an https address"),
                "{bad}: {fault}"
            );
        }
    }

    #[test]
    fn every_field_has_a_limit_and_a_link_at_the_limit_is_taken() {
        let long = |n: usize| format!("\"https://brand.example/{}\"", "a".repeat(n - 22));
        assert!(with("href", &long(MAX_HREF_BYTES)).is_ok());
        assert!(
            with("href", &long(MAX_HREF_BYTES + 1))
                .unwrap_err()
                .starts_with("/href: ")
        );
        let title = |n: usize| format!("\"{}\"", "奶".repeat(n));
        assert!(with("title", &title(500)).is_ok());
        assert!(
            with("title", &title(501))
                .unwrap_err()
                .starts_with("/title: ")
        );
        let tags = |n: usize| {
            let tags: Vec<String> = (0..n).map(|i| format!("a{i}")).collect();
            serde_json::to_string(&tags).unwrap()
        };
        assert!(with("hreflang", &tags(MAX_LANGUAGES)).is_ok());
        assert!(
            with("hreflang", &tags(MAX_LANGUAGES + 1))
                .unwrap_err()
                .contains("more than 10")
        );
        assert!(with("hreflang", r#"["zh-Hans-CN"]"#).is_ok());
        for bad in [
            r#"["zh_CN"]"#,
            r#"["zh","ZH"]"#,
            r#"["abcdefghi"]"#,
            r#"[""]"#,
            r#""zh""#,
        ] {
            assert!(
                with("hreflang", bad).unwrap_err().starts_with("/hreflang"),
                "{bad}"
            );
        }
        let word = |n: usize| format!("\"{}\"", "c".repeat(n));
        assert!(with("context", &word(MAX_WORD_BYTES)).is_ok());
        assert!(
            with("context", &word(MAX_WORD_BYTES + 1))
                .unwrap_err()
                .starts_with("/context")
        );
        assert!(with("type", r#""application/vnd.x+json""#).is_ok());
        for bad in [r#""pdf""#, r#""a/""#, r#""text/html; charset=utf-8""#] {
            assert!(
                with("type", bad).unwrap_err().starts_with("/type: "),
                "{bad}"
            );
        }
        assert!(with("colour", "1").unwrap_err().starts_with("/colour: "));
    }

    #[test]
    fn a_link_type_is_one_in_all_its_spellings_and_those_of_the_service_are_refused() {
        for spelling in [
            "gs1:recipeInfo",
            "https://ref.gs1.org/voc/recipeInfo",
            "https://gs1.org/voc/recipeInfo",
        ] {
            let link = with("linkType", &format!("{spelling:?}")).unwrap();
            assert_eq!(link.link_type.uri(), "https://ref.gs1.org/voc/recipeInfo");
        }
        for bad in [
            "recipeInfo",
            "gs1:",
            "gs1:Recipe",
            "gs1:a-b",
            "https://x.example/voc/a",
        ] {
            let fault = with("linkType", &format!("{bad:?}")).unwrap_err();
            assert!(fault.starts_with("/linkType: must be"), "{bad}");
        }
        for reserved in RESERVED {
            let fault = with("linkType", &format!("\"gs1:{reserved}\"")).unwrap_err();
            assert!(fault.contains("the service itself"), "{reserved}");
        }
    }

    #[test]
    fn a_link_hangs_on_a_product_a_lot_or_an_item_and_on_nothing_else() {
        for good in [
            GTIN,
            &format!("{GTIN}/10/A%2FB"),
            "https://x.example/01/9521041001012/21/S",
        ] {
            assert!(with("anchor", &format!("{good:?}")).is_ok(), "{good}");
        }
        for bad in [
            "https://id.gs1.org/414/9521041000008",
            "urn:x:1",
            "https://x.example/",
        ] {
            assert!(
                with("anchor", &format!("{bad:?}"))
                    .unwrap_err()
                    .starts_with("/anchor: ")
            );
        }
    }

    #[test]
    fn the_last_word_about_a_slot_stands_and_null_withdraws_it() {
        let of = |language: &str, href: &str| {
            read(&format!(
                r#"{{"anchor":"{GTIN}","linkType":"gs1:pip","href":{href},"title":"t","hreflang":["{language}"]}}"#
            ))
            .unwrap()
        };
        let (a, b) = (r#""https://a.example/""#, r#""https://b.example/""#);
        let newest_first = [of("EN", b), of("zh", "null"), of("zh", a), of("en", a)];
        let found = standing(&newest_first, |link| link);
        assert_eq!(found, [&newest_first[0]]);
        assert_eq!(standing(&newest_first[2..], |link| link).len(), 2);
    }

    #[test]
    fn the_nearest_level_wins_for_each_type_of_its_own() {
        let of = |level: &str, link_type: &str| {
            read(&format!(
                r#"{{"anchor":"{GTIN}{level}","linkType":"gs1:{link_type}","href":"https://a.example/","title":"t"}}"#
            ))
            .unwrap()
        };
        let links = [
            of("", "pip"),
            of("", "recipeInfo"),
            of("/10/L", "pip"),
            of("/21/S", "faqs"),
        ];
        let ladder: Vec<Identity> = ["/21/S", "/10/L", ""]
            .map(|level| Identity::parse(&format!("{GTIN}{level}")).unwrap())
            .to_vec();
        let names = |ladder: &[Identity]| -> Vec<(String, bool)> {
            let found = nearest(ladder, &links, |link| link);
            let name = |link: &&Link| {
                (
                    link.link_type.name().to_owned(),
                    link.anchor == *ladder.last().unwrap(),
                )
            };
            found.iter().map(name).collect()
        };
        let expected = [("faqs", false), ("pip", false), ("recipeInfo", true)];
        let expected = expected.map(|(name, coarse)| (name.to_owned(), coarse));
        assert_eq!(names(&ladder), expected);
        let class: Vec<String> = names(&ladder[2..])
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(class, ["pip", "recipeInfo"]);
    }
}
