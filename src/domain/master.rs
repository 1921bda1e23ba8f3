//! Master data as statements: products, parties and places, documents. What they say is the body as
//! received; these types are what the pages need of it.

mod product;

pub use product::{Attribute, Product, Storage, Yield, read_product};

use auditlog::json::Value;
use auditlog::note::Verifier;

use super::disclosure::{self, Audience, Disclosure, Field};
use super::erasure;
use super::fields::{At, Fault, FaultKind};
use super::gs1::Identity;
use super::hidden;
use super::link;
use super::recall;
use super::review;
use super::scan;
use super::statement::{About, Kind, Role};

/// Characters of one text.
const MAX_TEXT_CHARS: usize = 500;
/// Keys of one party: the one that it uses, the next, and what it has forgotten to take away.
const MAX_KEYS: usize = 8;

/// A text in the two languages of the pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bilingual {
    /// `zh-CN`
    pub zh_cn: String,
    /// `en`
    pub en: String,
}

/// How many codes were issued.
#[derive(Debug, Clone, PartialEq)]
pub struct Issuance {
    /// `gtin`
    pub class: Identity,
    /// `lot`; `None` for no lot in particular.
    pub lot: Option<Identity>,
    /// `quantity`
    pub quantity: u64,
}

/// A party, its place, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct Party {
    /// `party`
    pub party: Option<Identity>,
    /// `place`
    pub place: Option<Identity>,
    /// `name`
    pub name: Bilingual,
    /// `role`, such as `farm`
    pub role: Option<String>,
    /// `country`
    pub country: Option<String>,
    /// `region`
    pub region: Option<Bilingual>,
    /// `latitude` and `longitude`, where both are given.
    pub position: Option<(f64, f64)>,
    /// `keys`: the keys that it signs statements with, each a vkey.
    pub keys: Vec<String>,
}

/// A document that events cite.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// `document`: the URI under which events cite it.
    pub uri: String,
    /// `documentType`, such as `healthCertificate`
    pub document_type: String,
    /// `title`
    pub title: Bilingual,
    /// `number`
    pub number: Option<String>,
    /// `issuedBy`
    pub issued_by: Option<Bilingual>,
    /// `issued`: a date.
    pub issued: Option<String>,
    /// `validUntil`: a date.
    pub valid_until: Option<String>,
}

impl Party {
    /// As somebody may see it.
    pub fn told_to(mut self, setting: &Disclosure, audience: Audience) -> Party {
        let is_hidden = |field: Field| setting.hiding(field, None, audience).is_some();
        if is_hidden(Field::PartyRegion) {
            self.region = None;
        }
        if is_hidden(Field::PartyPosition) {
            self.position = None;
        }
        self
    }
}

/// Checks a body of this kind and says what it is about.
pub fn check(kind: Kind, body: &Value<'_>) -> Result<Vec<About>, Fault> {
    let mut about = match kind {
        Kind::Product => {
            let class = Identity::Class {
                gtin: read_product(body)?.gtin,
            };
            vec![About::new(Role::Product, class.canonical())]
        }
        Kind::Party => {
            let party = read_party(body)?;
            let named = |role, identity: Option<Identity>| {
                identity.map(|identity| About::new(role, identity.canonical()))
            };
            named(Role::Party, party.party)
                .into_iter()
                .chain(named(Role::Place, party.place))
                .collect()
        }
        Kind::Document => vec![About::new(Role::Document, read_document(body)?.uri)],
        Kind::Issuance => check_issuance(body)?,
        Kind::Link => {
            let anchor = link::read_link(body)?.anchor;
            vec![About::new(Role::Anchor, anchor.canonical())]
        }
        Kind::Recall => recall::read_recall(body)?.about(),
        Kind::Disclosure => disclosure::read_disclosure(body)?.about(),
        Kind::Erasure => erasure::read_erasure(body)?.about(),
        Kind::Scan => scan::read_scan(body)?.about(),
        Kind::Review => review::read_review(body)?.about(),
        Kind::Reveal => hidden::read_reveal(body)?.about(),
        Kind::Event => {
            let at = At::root(body);
            return Err(at.fault(FaultKind::Rule("an event is captured, not described")));
        }
    };
    About::sort(&mut about);
    Ok(about)
}

/// Why a description says something else than the one before it.
pub fn change_reason(body: &Value<'_>) -> Result<Option<Bilingual>, Fault> {
    let reason = At::root(body).get("changeReason");
    reason.map(|at| bilingual(&at)).transpose()
}

/// Reads a party or place.
pub fn read_party(body: &Value<'_>) -> Result<Party, Fault> {
    let at = At::root(body);
    at.only(&[&[
        "party",
        "place",
        "name",
        "role",
        "country",
        "region",
        "latitude",
        "longitude",
        "registration",
        "keys",
        "changeReason",
    ]])?;
    change_reason(body)?;
    let party = at.get("party").map(|at| party_identity(&at)).transpose()?;
    let place = at.get("place").map(|at| place_identity(&at)).transpose()?;
    if party.is_none() && place.is_none() {
        return Err(at.fault(FaultKind::Rule("needs party, place, or both")));
    }
    let degrees = |key: &str, limit: f64| {
        let Some(degrees) = at.get(key) else {
            return Ok(None);
        };
        let value: Option<f64> = degrees.number()?.parse().ok();
        let value = value.filter(|value| value.abs() <= limit);
        value
            .map(Some)
            .ok_or_else(|| degrees.fault(FaultKind::MustBe("degrees on Earth")))
    };
    let position = degrees("latitude", 90.0)?.zip(degrees("longitude", 180.0)?);
    at.get("registration")
        .map(|at| short_text(&at))
        .transpose()?;
    Ok(Party {
        name: bilingual(&at.required("name")?)?,
        role: at.get("role").map(|at| short_text(&at)).transpose()?,
        country: at.get("country").map(|at| country(&at)).transpose()?,
        region: at.get("region").map(|at| bilingual(&at)).transpose()?,
        position,
        keys: keys(&at, party.is_some())?,
        party,
        place,
    })
}

/// Keys are a party's: a place signs nothing.
fn keys(at: &At<'_>, is_party: bool) -> Result<Vec<String>, Fault> {
    let Some(list) = at.get("keys") else {
        return Ok(Vec::new());
    };
    if !is_party {
        return Err(list.fault(FaultKind::Rule("needs the party whose keys they are")));
    }
    let keys = list.elements()?;
    if keys.len() > MAX_KEYS {
        return Err(list.fault(FaultKind::TooMany(MAX_KEYS)));
    }
    let key = |at: &At<'_>| {
        let key = at.text()?;
        match Verifier::parse(key) {
            Ok(_) => Ok(key.to_owned()),
            Err(_) => Err(at.fault(FaultKind::MustBe("a vkey: <name>+<8 hex digits>+<base64>"))),
        }
    };
    keys.iter().map(key).collect()
}

/// Reads a document.
pub fn read_document(body: &Value<'_>) -> Result<Document, Fault> {
    let at = At::root(body);
    at.only(&[&[
        "document",
        "documentType",
        "title",
        "number",
        "issuedBy",
        "issued",
        "validUntil",
        "changeReason",
    ]])?;
    change_reason(body)?;
    Ok(Document {
        uri: at.required("document")?.uri()?.to_owned(),
        document_type: short_text(&at.required("documentType")?)?,
        title: bilingual(&at.required("title")?)?,
        number: at.get("number").map(|at| short_text(&at)).transpose()?,
        issued_by: at.get("issuedBy").map(|at| bilingual(&at)).transpose()?,
        issued: at.get("issued").map(|at| date(&at)).transpose()?,
        valid_until: at.get("validUntil").map(|at| date(&at)).transpose()?,
    })
}

fn check_issuance(body: &Value<'_>) -> Result<Vec<About>, Fault> {
    let Issuance { class, lot, .. } = read_issuance(body)?;
    let lot = lot.map(|lot| About::new(Role::Lot, lot.canonical()));
    Ok(lot
        .into_iter()
        .chain([About::new(Role::Product, class.canonical())])
        .collect())
}

/// Reads `{"gtin":…,"lot":…,"firstNumber":…,"quantity":…}`: how many codes were issued, before any is printed; with
/// `"hidden":true` where each pack bears a hidden code, too.
pub fn read_issuance(body: &Value<'_>) -> Result<Issuance, Fault> {
    let at = At::root(body);
    at.only(&[&["gtin", "lot", "firstNumber", "quantity", "hidden"]])?;
    at.required("firstNumber")?.number()?;
    let quantity = at.required("quantity")?;
    let pieces = quantity.number()?.parse();
    if let Some(hidden) = at.get("hidden") {
        hidden.boolean()?;
    }
    Ok(Issuance {
        class: at.required("gtin")?.identity()?,
        lot: at.get("lot").map(|at| at.identity()).transpose()?,
        quantity: pieces.map_err(|_| quantity.fault(FaultKind::MustBe("a number of codes")))?,
    })
}

fn party_identity(at: &At<'_>) -> Result<Identity, Fault> {
    match at.identity()? {
        party @ Identity::Party { .. } => Ok(party),
        _ => Err(at.fault(FaultKind::MustBe("a party: a PGLN, .../417/..."))),
    }
}

fn place_identity(at: &At<'_>) -> Result<Identity, Fault> {
    match at.identity()? {
        place @ Identity::Place { .. } => Ok(place),
        _ => Err(at.fault(FaultKind::MustBe("a place: a GLN, .../414/..."))),
    }
}

/// Words in both languages.
pub(super) fn bilingual(at: &At<'_>) -> Result<Bilingual, Fault> {
    at.only(&[&["zh-CN", "en"]])?;
    let zh_cn = short_text(&at.required("zh-CN")?)?;
    Ok(Bilingual {
        zh_cn,
        en: short_text(&at.required("en")?)?,
    })
}

/// Words for people: 1 to 500 characters on one line.
pub(super) fn short_text(at: &At<'_>) -> Result<String, Fault> {
    let text = at.text()?;
    let fits = !text.trim().is_empty()
        && text.chars().count() <= MAX_TEXT_CHARS
        && !text.contains(char::is_control);
    if fits {
        return Ok(text.to_owned());
    }
    Err(at.fault(FaultKind::MustBe(
        "1 to 500 characters, no control characters",
    )))
}

pub(super) fn country(at: &At<'_>) -> Result<String, Fault> {
    let text = at.text()?;
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(text.to_owned());
    }
    Err(at.fault(FaultKind::MustBe(
        "a country code of two capitals (ISO 3166-1)",
    )))
}

pub(super) fn regime(at: &At<'_>) -> Result<String, Fault> {
    let text = at.text()?;
    if ["generalTrade", "bondedCrossBorder"].contains(&text) {
        return Ok(text.to_owned());
    }
    Err(at.fault(FaultKind::MustBe("generalTrade or bondedCrossBorder")))
}

fn date(at: &At<'_>) -> Result<String, Fault> {
    let form = time::macros::format_description!("[year]-[month]-[day]");
    let text = at.text()?;
    match time::Date::parse(text, form) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(at.fault(FaultKind::MustBe("a date such as 2026-11-23"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog::json;

    fn fault(kind: Kind, body: &str) -> String {
        check(kind, &json::parse(body).unwrap())
            .unwrap_err()
            .to_string()
    }

    const NAME: &str = r#"{"zh-CN":"奶粉","en":"Formula"}"#;

    #[test]
    fn what_a_body_names_is_what_it_is_about() {
        let about = |kind, body: &str| -> Vec<String> {
            let about = check(kind, &json::parse(body).unwrap()).unwrap();
            about.iter().map(About::to_string).collect()
        };
        let gtin = "https://id.gs1.org/01/09521234543213";
        let product = format!(r#"{{"gtin":"{gtin}","productName":{NAME}}}"#);
        assert_eq!(about(Kind::Product, &product), [format!("product {gtin}")]);
        let party = format!(
            r#"{{"place":"https://id.gs1.org/414/9521041000008","party":"https://id.gs1.org/417/9521041000008","name":{NAME}}}"#
        );
        assert_eq!(
            about(Kind::Party, &party),
            [
                "party https://id.gs1.org/417/9521041000008",
                "place https://id.gs1.org/414/9521041000008"
            ]
        );
    }

    #[test]
    fn a_wrong_field_is_named() {
        let gtin = r#""gtin":"https://id.gs1.org/01/09521234543213""#;
        assert!(fault(Kind::Product, &format!("{{{gtin}}}")).starts_with("/productName: "));
        let one = format!(r#"{{{gtin},"productName":{{"en":"x"}}}}"#);
        assert!(fault(Kind::Product, &one).starts_with("/productName/zh-CN: "));
        let extra = format!(r#"{{{gtin},"productName":{NAME},"colour":"red"}}"#);
        assert!(fault(Kind::Product, &extra).starts_with("/colour: "));
        let lot = r#"{"gtin":"https://id.gs1.org/01/09521234543213/10/A"}"#;
        assert!(fault(Kind::Product, lot).starts_with("/gtin: "));
        let yields = |band: &str| format!(r#"{{{gtin},"productName":{NAME},"yield":{band}}}"#);
        let turned = fault(Kind::Product, &yields(r#"{"min":0.3,"max":0.2}"#));
        assert_eq!(turned, "/yield: min is more than max");
        for max in ["0", "1000.1", "-1", "1e400"] {
            let band = format!(r#"{{"min":0.001,"max":{max}}}"#);
            assert!(fault(Kind::Product, &yields(&band)).starts_with("/yield/max: "));
        }
        let route = |regime: &str, route: &str| {
            format!(r#"{{{gtin},"productName":{NAME},"regime":"{regime}","route":{route}}}"#)
        };
        for (name, regime, other) in [
            ("formulaGeneralTrade", "generalTrade", "bondedCrossBorder"),
            ("formulaBonded", "bondedCrossBorder", "generalTrade"),
        ] {
            let name = format!("\"{name}\"");
            let right = route(regime, &name);
            assert!(check(Kind::Product, &json::parse(&right).unwrap()).is_ok());
            let wrong = fault(Kind::Product, &route(other, &name));
            assert_eq!(wrong, "/route: is the route of the other regime");
        }
        let unknown = fault(Kind::Product, &route("generalTrade", r#""byMule""#));
        assert!(unknown.starts_with("/route: must be formulaGeneralTrade, "));
        let widest = yields(r#"{"min":0.001,"max":1000}"#);
        assert!(check(Kind::Product, &json::parse(&widest).unwrap()).is_ok());
        assert!(fault(Kind::Party, &format!(r#"{{"name":{NAME}}}"#)).contains("party, place"));
        let date = format!(
            r#"{{"document":"urn:x:1","documentType":"t","title":{NAME},"issued":"2026-02-30"}}"#
        );
        assert!(fault(Kind::Document, &date).starts_with("/issued: "));
    }
}
