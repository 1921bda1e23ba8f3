//! Recalls as statements: what must not be used any more, why, and what to do. A recall is opened, may be
//! widened, and is closed; each of these is a statement that names all that is recalled by then, so the last
//! one stands and the others are its history.

use std::collections::HashSet;

use auditlog::json::Value;

use super::fields::{At, Fault, FaultKind};
use super::gs1::{Identity, Level};
use super::master::{Bilingual, bilingual, short_text};
use super::statement::{About, Role};

/// Products, lots, items and containers that one recall names.
pub const MAX_SCOPE: usize = 1_000;
/// Bytes of an address on the web.
const MAX_URL_BYTES: usize = 1_000;

/// A recall, as one statement has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recall {
    /// `recall`: the URI that all statements of it share.
    pub uri: String,
    /// `status`
    pub status: Status,
    /// `recallClass`
    pub class: RecallClass,
    /// `scope`: what is recalled.
    pub scope: Vec<Identity>,
    /// `reason`
    pub reason: Bilingual,
    /// `instructions`: what whoever has one is to do.
    pub instructions: Bilingual,
    /// `contact`
    pub contact: Contact,
}

/// Whether a recall stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `open`
    Open,
    /// `closed`
    Closed,
}

/// How grave it is: 1 to 3, as in China's 食品召回管理办法 (State Administration for Market Regulation, 2020,
/// article 13) and in the classes of the FDA (21 CFR 7.3(m)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecallClass {
    /// It has caused, or may cause, serious harm or death.
    First,
    /// It has caused, or may cause, moderate harm.
    Second,
    /// It is wrongly labelled, and harm is not likely.
    Third,
}

/// Whom to ask. At least one of its ways is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// `name`
    pub name: Bilingual,
    /// `phone`
    pub phone: Option<String>,
    /// `email`
    pub email: Option<String>,
    /// `url`: `https`
    pub url: Option<String>,
}

impl Status {
    /// As a recall has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Closed => "closed",
        }
    }
}

impl RecallClass {
    /// 1 to 3.
    pub fn number(self) -> u8 {
        match self {
            RecallClass::First => 1,
            RecallClass::Second => 2,
            RecallClass::Third => 3,
        }
    }
}

impl Recall {
    /// What the statement is about.
    pub fn about(&self) -> Vec<About> {
        let scope = self.scope.iter();
        let recalled = scope.map(|thing| About::new(Role::Recalled, thing.canonical()));
        // Who used the product without saying of which lot may have used this one.
        let lots = self
            .scope
            .iter()
            .filter(|thing| matches!(thing, Identity::LotOf { .. }));
        let kinds = lots.filter_map(Identity::without_qualifiers);
        let kinds = kinds.map(|kind| About::new(Role::RecalledKind, kind.canonical()));
        let recall = About::new(Role::Recall, self.uri.clone());
        [recall].into_iter().chain(recalled).chain(kinds).collect()
    }

    /// Whether this may follow what was said last of the same recall.
    ///
    /// # Errors
    /// The fault of this one.
    pub fn follows(&self, last: Option<&Recall>) -> Result<(), Fault> {
        let fault = |pointer: &str, rule| {
            Err(Fault {
                pointer: pointer.to_owned(),
                kind: FaultKind::Rule(rule),
            })
        };
        let Some(last) = last else {
            if self.status == Status::Closed {
                return fault("/status", "there is no such recall to close");
            }
            return Ok(());
        };
        if last.status == Status::Closed {
            return fault(
                "/recall",
                "was closed: whatever is wrong since is a new recall",
            );
        }
        let named: HashSet<&Identity> = self.scope.iter().collect();
        if !last.scope.iter().all(|thing| named.contains(thing)) {
            let rule = "must name all that was recalled before: a recall is widened or closed, not narrowed";
            return fault("/scope", rule);
        }
        Ok(())
    }
}

/// Reads a recall.
///
/// # Errors
/// The first fault.
pub fn read_recall(body: &Value<'_>) -> Result<Recall, Fault> {
    let at = At::root(body);
    at.only(&[&[
        "recall",
        "status",
        "recallClass",
        "scope",
        "reason",
        "instructions",
        "contact",
    ]])?;
    Ok(Recall {
        uri: at.required("recall")?.uri()?.to_owned(),
        status: status(&at.required("status")?)?,
        class: class(&at.required("recallClass")?)?,
        scope: scope(&at.required("scope")?)?,
        reason: bilingual(&at.required("reason")?)?,
        instructions: bilingual(&at.required("instructions")?)?,
        contact: contact(&at.required("contact")?)?,
    })
}

fn status(at: &At<'_>) -> Result<Status, Fault> {
    match at.text()? {
        "open" => Ok(Status::Open),
        "closed" => Ok(Status::Closed),
        _ => Err(at.fault(FaultKind::MustBe("open or closed"))),
    }
}

fn class(at: &At<'_>) -> Result<RecallClass, Fault> {
    match at.number()? {
        "1" => Ok(RecallClass::First),
        "2" => Ok(RecallClass::Second),
        "3" => Ok(RecallClass::Third),
        _ => Err(at.fault(FaultKind::MustBe("1, 2 or 3"))),
    }
}

fn scope(at: &At<'_>) -> Result<Vec<Identity>, Fault> {
    let elements = at.elements()?;
    if elements.is_empty() {
        return Err(at.fault(FaultKind::Rule("names nothing")));
    }
    if elements.len() > MAX_SCOPE {
        return Err(at.fault(FaultKind::TooMany(MAX_SCOPE)));
    }
    let mut seen = HashSet::new();
    let mut scope = Vec::with_capacity(elements.len());
    for element in elements {
        let thing = element.identity()?;
        let is_goods = match &thing {
            Identity::Class { .. }
            | Identity::LotOf { .. }
            | Identity::Item { .. }
            | Identity::Sscc(_)
            | Identity::Giai(_) => true,
            Identity::Grai(_) => thing.level() == Some(Level::Instance),
            _ => false,
        };
        if !is_goods {
            let must = "a product, a lot, an item, a logistic unit, or a returnable or individual asset (AI 8003, 8004)";
            return Err(element.fault(FaultKind::MustBe(must)));
        }
        if !seen.insert(thing.clone()) {
            return Err(element.fault(FaultKind::Repeated));
        }
        scope.push(thing);
    }
    Ok(scope)
}

fn contact(at: &At<'_>) -> Result<Contact, Fault> {
    at.only(&[&["name", "phone", "email", "url"]])?;
    let contact = Contact {
        name: bilingual(&at.required("name")?)?,
        phone: at.get("phone").map(|at| phone(&at)).transpose()?,
        email: at.get("email").map(|at| email(&at)).transpose()?,
        url: at.get("url").map(|at| url(&at)).transpose()?,
    };
    if contact.phone.is_none() && contact.email.is_none() && contact.url.is_none() {
        return Err(at.fault(FaultKind::Rule("needs a phone, an email or a url")));
    }
    Ok(contact)
}

fn phone(at: &At<'_>) -> Result<String, Fault> {
    let text = short_text(at)?;
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_phone = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+- ()/".contains(&b));
    if is_phone && (3..=20).contains(&digits) {
        return Ok(text);
    }
    Err(at.fault(FaultKind::MustBe("a telephone number of 3 to 20 digits")))
}

/// RFC 5321 §4.5.3.1 allows 254 bytes. Whether it exists, only a letter tells.
fn email(at: &At<'_>) -> Result<String, Fault> {
    let text = short_text(at)?;
    let parts = text.split_once('@');
    let is_address = parts.is_some_and(|(name, host)| {
        let is_plain = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && !b"<>\"'@,;".contains(&b))
        };
        is_plain(name) && is_plain(host) && host.contains('.')
    });
    if is_address && text.len() <= 254 {
        return Ok(text);
    }
    Err(at.fault(FaultKind::MustBe(
        "an address of e-mail, such as recall@example.org",
    )))
}

fn url(at: &At<'_>) -> Result<String, Fault> {
    let text = short_text(at)?;
    let rest = text.strip_prefix("https://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // What stands before an @ looks like a host and is none.
    let is_address = !host.is_empty() && !host.contains('@');
    if is_address && text.bytes().all(|b| b.is_ascii_graphic()) && text.len() <= MAX_URL_BYTES {
        return Ok(text);
    }
    Err(at.fault(FaultKind::MustBe("an address that begins with https://")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog::json;

    const LOT: &str = "https://id.gs1.org/01/09521041001012/10/L1";
    const UNIT: &str = "https://id.gs1.org/00/095210410000000015";

    fn body(changes: &[(&str, &str)]) -> String {
        let mut text = format!(
            r#"{{"recall":"urn:example:r1","status":"open","recallClass":1,"scope":["{LOT}"],
            "reason":{{"zh-CN":"异物","en":"Metal"}},"instructions":{{"zh-CN":"勿食用","en":"Do not use"}},
            "contact":{{"name":{{"zh-CN":"客服","en":"Care"}},"phone":"400-000-0000"}}}}"#
        );
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        text
    }

    fn read(text: &str) -> Result<Recall, String> {
        read_recall(&json::parse(text).unwrap()).map_err(|fault| fault.to_string())
    }

    fn recall(changes: &[(&str, &str)]) -> Recall {
        read(&body(changes)).unwrap()
    }

    #[test]
    fn a_recall_is_about_itself_what_it_names_and_the_kinds_of_its_lots() {
        let recall = recall(&[(LOT, &format!("{LOT}\",\"{UNIT}"))]);
        assert_eq!((recall.class.number(), recall.status), (1, Status::Open));
        let about: Vec<String> = recall.about().iter().map(About::to_string).collect();
        let expected = [
            "recall urn:example:r1".to_owned(),
            format!("recalled {LOT}"),
            format!("recalled {UNIT}"),
            "recalledKind https://id.gs1.org/01/09521041001012".to_owned(),
        ];
        assert_eq!(about, expected);
    }

    #[test]
    fn what_is_wrong_with_a_recall_is_named() {
        for (from, to, pointer) in [
            ("urn:example:r1", "r1", "/recall"),
            ("\"open\"", "\"paused\"", "/status"),
            ("\"recallClass\":1", "\"recallClass\":4", "/recallClass"),
            ("\"recallClass\":1", "\"recallClass\":\"1\"", "/recallClass"),
            (LOT, "https://id.gs1.org/414/9521041000008", "/scope/0"),
            (LOT, "urn:example:thing", "/scope/0"),
            (LOT, "https://id.gs1.org/8003/09521041000015", "/scope/0"),
            (
                LOT,
                "https://id.gs1.org/01/09521041001013/10/L1",
                "/scope/0",
            ),
            ("\"en\":\"Metal\"", "\"en\":\"\"", "/reason/en"),
            (
                "\"en\":\"Do not use\"",
                "\"fr\":\"Non\"",
                "/instructions/fr",
            ),
            (",\"phone\":\"400-000-0000\"", "", "/contact"),
            ("400-000-0000", "12", "/contact/phone"),
            ("400-000-0000", "123456789012345678901", "/contact/phone"),
            ("400-000-0000", "call us", "/contact/phone"),
            (
                "\"phone\":\"400-000-0000\"",
                "\"email\":\"care\"",
                "/contact/email",
            ),
            (
                "\"phone\":\"400-000-0000\"",
                "\"email\":\"a@b@c.example\"",
                "/contact/email",
            ),
            (
                "\"phone\":\"400-000-0000\"",
                "\"url\":\"http://a.example/\"",
                "/contact/url",
            ),
            (
                "\"phone\":\"400-000-0000\"",
                "\"url\":\"https://a.example@b.example/\"",
                "/contact/url",
            ),
            (
                "\"status\":\"open\"",
                "\"status\":\"open\",\"note\":\"x\"",
                "/note",
            ),
        ] {
            let fault = read(&body(&[(from, to)])).unwrap_err();
            assert!(fault.starts_with(&format!("{pointer}: ")), "{to}: {fault}");
        }
        let twice = read(&body(&[(LOT, &format!("{LOT}\",\"{LOT}"))])).unwrap_err();
        assert!(twice.starts_with("/scope/1: "), "{twice}");
        let none = read(&body(&[(&format!("\"{LOT}\""), "")])).unwrap_err();
        assert!(none.starts_with("/scope: "), "{none}");
        let many = |count: usize| {
            let lots: Vec<String> = (0..count).map(|n| format!("{LOT}.{n}")).collect();
            read(&body(&[(LOT, &lots.join("\",\""))]))
        };
        assert_eq!(many(MAX_SCOPE).unwrap().scope.len(), MAX_SCOPE);
        assert!(many(MAX_SCOPE + 1).unwrap_err().starts_with("/scope: "));
        for way in [
            "\"email\":\"care@brand.example\"",
            "\"url\":\"https://brand.example/recall\"",
        ] {
            read(&body(&[("\"phone\":\"400-000-0000\"", way)])).unwrap();
        }
    }

    #[test]
    fn a_recall_is_opened_widened_and_closed_and_never_narrowed() {
        let open = recall(&[]);
        let wide = recall(&[(LOT, &format!("{LOT}\",\"{UNIT}"))]);
        let closed = recall(&[("\"open\"", "\"closed\"")]);
        let fault = |next: &Recall, last: Option<&Recall>| {
            next.follows(last).map_err(|fault| fault.pointer).err()
        };
        assert_eq!(fault(&open, None), None);
        assert_eq!(fault(&wide, Some(&open)), None);
        assert_eq!(fault(&closed, Some(&open)), None);
        assert_eq!(fault(&open, Some(&open)), None);
        assert_eq!(fault(&closed, None).as_deref(), Some("/status"));
        assert_eq!(fault(&open, Some(&wide)).as_deref(), Some("/scope"));
        assert_eq!(fault(&closed, Some(&wide)).as_deref(), Some("/scope"));
        for next in [&open, &wide, &closed] {
            assert_eq!(fault(next, Some(&closed)).as_deref(), Some("/recall"));
        }
    }
}
