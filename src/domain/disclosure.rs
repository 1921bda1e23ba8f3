//! What of a record is shown to whom. What happened, when, where and to which goods is for everybody: that is what a
//! story is. Beside it stand fields that are a matter between companies; a merchant says of each kind of them
//! who may see it, and where it says nothing, these are not for strangers.
//!
//! A setting is a statement like any other. The last one stands, and no older one.

use std::cell::LazyCell;
use std::ops::Deref;

use auditlog::field::push_token;
use auditlog::json::Value;

use super::epcis::Names;
use super::fields::{At, Fault, FaultKind};
use super::statement::{About, Kind, Role};

/// Rules of one setting.
pub const MAX_RULES: usize = 100;
/// Characters of what a rule narrows its field to.
const MAX_OF_CHARS: usize = 200;
/// What the last setting of a merchant is found by: there is one of each merchant.
pub const NAME: &str = "rootmark:disclosure";
/// Characters of a masked text that stay: as many as a reader needs to compare two papers.
const KEPT_CHARS: usize = 4;
/// A text is no secret any more if those are half of it.
const MIN_MASKED_CHARS: usize = 2 * KEPT_CHARS;
const MASK: &str = "****";

/// Who looks at a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Whoever has the code.
    Shopper,
    /// Whoever holds a key for regulators.
    Regulator,
    /// The merchant itself, and whoever runs the service for it.
    Merchant,
}

/// To whom a field is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// `public`: to everybody.
    Public,
    /// `masked`: its last four characters to everybody, all of it to regulators.
    Masked,
    /// `regulators`: to them alone.
    Regulators,
    /// `withheld`: to nobody but the merchant.
    Withheld,
}

/// What becomes of a field that is not shown as it is; the more of it is hidden, the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hiding {
    /// Its last characters are shown.
    Masked,
    /// Nothing of it is.
    Whole,
}

/// A field that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `businessTransaction`: an element of an event's `bizTransactionList`.
    BusinessTransaction,
    /// `source`: an element of an event's `sourceList`.
    Source,
    /// `destination`: an element of an event's `destinationList`.
    Destination,
    /// `quantity`: how much of a lot, in an element of an event's lists of quantities.
    Quantity,
    /// `extension`: a member of an event that the standard does not know, with all below it.
    Extension,
    /// `documentNumber`: a document's `number`.
    DocumentNumber,
    /// `documentIssuer`: a document's `issuedBy`.
    DocumentIssuer,
    /// `partyRegion`: a party's `region`.
    PartyRegion,
    /// `partyPosition`: a party's `latitude` and `longitude`.
    PartyPosition,
    /// `partyRegistration`: a party's `registration`.
    PartyRegistration,
    /// `yield`: a product's `yield`.
    Yield,
    /// `codesIssued`: how many codes were issued, and which.
    CodesIssued,
}

const FIELDS: [(Field, &str); 12] = [
    (Field::BusinessTransaction, "businessTransaction"),
    (Field::Source, "source"),
    (Field::Destination, "destination"),
    (Field::Quantity, "quantity"),
    (Field::Extension, "extension"),
    (Field::DocumentNumber, "documentNumber"),
    (Field::DocumentIssuer, "documentIssuer"),
    (Field::PartyRegion, "partyRegion"),
    (Field::PartyPosition, "partyPosition"),
    (Field::PartyRegistration, "partyRegistration"),
    (Field::Yield, "yield"),
    (Field::CodesIssued, "codesIssued"),
];

/// Lists of quantities of all event types.
const QUANTITY_LISTS: [&str; 4] = [
    "quantityList",
    "childQuantityList",
    "inputQuantityList",
    "outputQuantityList",
];
/// Names of members that are somebody's extension of EPCIS, and for everybody all the same: the master data of
/// goods, as GS1's Core Business Vocabulary and its Web Vocabulary have it.
const KNOWN_NAMESPACES: [&str; 6] = [
    "cbvmda:",
    "gs1:",
    "urn:epcglobal:cbv:",
    "https://ref.gs1.org/",
    "https://gs1.org/voc/",
    "https://www.gs1.org/voc/",
];

/// Of `ilmd`: what the story of goods tells, whoever's name it has.
const OF_GOODS: [&str; 5] = [
    "lotNumber",
    "itemExpirationDate",
    "bestBeforeDate",
    "expirationDate",
    "productionDate",
];

/// Who may see the fields of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `field`
    pub field: Field,
    /// `of`: the type of the transaction, of the party, or of the document, or the extension's name; any, if none is
    /// given.
    pub of: Option<String>,
    /// `show`
    pub level: Level,
}

/// The rules of a merchant. A later one prevails over an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disclosure {
    /// `rules`
    pub rules: Vec<Rule>,
}

/// A field of a body that is not shown as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// JSON Pointer within the body; what lies below it is hidden too.
    pub pointer: String,
    /// Which field it belongs to.
    pub field: Field,
    /// What becomes of it.
    pub hiding: Hiding,
}

/// What applies where a merchant says nothing. Orders and invoices tell who buys from whom for how much, and so may
/// any extension. Of the number of an import declaration the last four digits let two papers be compared; whoever
/// has all of it could ask for the importer's affairs with it.
const DEFAULTS: [(Field, Option<&str>, Level); 8] = [
    (Field::Extension, None, Level::Regulators),
    (Field::BusinessTransaction, Some("po"), Level::Regulators),
    (Field::BusinessTransaction, Some("poc"), Level::Regulators),
    (Field::BusinessTransaction, Some("inv"), Level::Regulators),
    (Field::BusinessTransaction, Some("rma"), Level::Regulators),
    (
        Field::BusinessTransaction,
        Some("recadv"),
        Level::Regulators,
    ),
    (
        Field::BusinessTransaction,
        Some("prodorder"),
        Level::Regulators,
    ),
    (
        Field::DocumentNumber,
        Some("customsDeclaration"),
        Level::Masked,
    ),
];

impl Audience {
    /// Reads the name of one.
    pub fn parse(text: &str) -> Option<Audience> {
        Some(match text {
            "shopper" => Audience::Shopper,
            "regulator" => Audience::Regulator,
            "merchant" => Audience::Merchant,
            _ => return None,
        })
    }
}

impl Level {
    const ALL: [Level; 4] = [
        Level::Public,
        Level::Masked,
        Level::Regulators,
        Level::Withheld,
    ];

    /// As a rule has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Public => "public",
            Level::Masked => "masked",
            Level::Regulators => "regulators",
            Level::Withheld => "withheld",
        }
    }

    /// What becomes of a field of this level for somebody; `None` if it is shown.
    fn hiding(self, audience: Audience) -> Option<Hiding> {
        match (self, audience) {
            (Level::Public, _) | (_, Audience::Merchant) => None,
            (Level::Masked, Audience::Shopper) => Some(Hiding::Masked),
            (Level::Masked | Level::Regulators, Audience::Regulator) => None,
            (Level::Regulators, Audience::Shopper) | (Level::Withheld, _) => Some(Hiding::Whole),
        }
    }
}

impl Field {
    /// As a rule has it.
    pub fn as_str(self) -> &'static str {
        FIELDS[self as usize].1
    }

    /// Whether its last characters mean anything.
    fn can_be_masked(self) -> bool {
        matches!(self, Field::BusinessTransaction | Field::DocumentNumber)
    }

    /// Whether the type that a rule names is the one that a field has, whichever way each is written.
    fn is_type(self, rule: &str, of: Option<&str>) -> bool {
        let Some(of) = of else { return false };
        match self {
            Field::BusinessTransaction | Field::Source | Field::Destination => {
                word(rule).eq_ignore_ascii_case(word(of))
            }
            Field::DocumentNumber | Field::DocumentIssuer => letters(rule).eq(letters(of)),
            _ => rule == of,
        }
    }

    /// Whether there are types of it.
    fn has_types(self) -> bool {
        matches!(
            self,
            Field::BusinessTransaction
                | Field::Source
                | Field::Destination
                | Field::Extension
                | Field::DocumentNumber
                | Field::DocumentIssuer
        )
    }
}

impl Disclosure {
    /// Who may see a field of a type.
    pub fn level(&self, field: Field, of: Option<&str>) -> Level {
        let is_meant = |rule_field: Field, rule_of: Option<&str>| {
            rule_field == field && rule_of.is_none_or(|rule_of| field.is_type(rule_of, of))
        };
        let mut own = self.rules.iter().rev();
        if let Some(rule) = own.find(|rule| is_meant(rule.field, rule.of.as_deref())) {
            return rule.level;
        }
        let mut defaults = DEFAULTS.iter().rev();
        let default = defaults.find(|(field, of, _)| is_meant(*field, *of));
        default.map_or(Level::Public, |(.., level)| *level)
    }

    /// What becomes of a field of a type for somebody; `None` if it is shown.
    pub fn hiding(&self, field: Field, of: Option<&str>, audience: Audience) -> Option<Hiding> {
        self.level(field, of).hiding(audience)
    }

    /// What of the body of a statement somebody does not see as it is.
    pub fn hidden(&self, kind: Kind, body: &Value<'_>, audience: Audience) -> Vec<Hidden> {
        let mut found = Vec::new();
        if audience == Audience::Merchant {
            return found;
        }
        let mut hide = |pointer: String, field: Field, of: Option<&str>| {
            let hiding = self.hiding(field, of, audience);
            found.extend(hiding.map(|hiding| Hidden {
                pointer,
                field,
                hiding,
            }));
            hiding.is_some()
        };
        // Recalls, links and what is said of these settings have no members of anybody else's.
        if matches!(
            kind,
            Kind::Event | Kind::Product | Kind::Party | Kind::Document
        ) {
            // Most statements have no name that must be looked up.
            let names = LazyCell::new(|| Names::of(body.get("@context")));
            let mut extension = |pointer: &str, key: &str, is_opened: bool| {
                // Whoever opens an extension opens what it has, but for what a rule names.
                let is_asked = !is_opened || self.names_extension(key);
                is_asked && hide(pointer.to_owned(), Field::Extension, Some(key))
            };
            extensions(body, &names, &mut String::new(), false, &mut extension);
        }
        let mut member = |key: &str, field: Field, of: Option<&str>| {
            if body.get(key).is_some() {
                hide(format!("/{key}"), field, of);
            }
        };
        match kind {
            Kind::Event => in_event(body, &mut hide),
            Kind::Document => {
                let of = body.get("documentType").and_then(Value::as_str);
                member("number", Field::DocumentNumber, of);
                member("issuedBy", Field::DocumentIssuer, of);
            }
            Kind::Party => {
                member("region", Field::PartyRegion, None);
                member("latitude", Field::PartyPosition, None);
                member("longitude", Field::PartyPosition, None);
                member("registration", Field::PartyRegistration, None);
            }
            Kind::Product => member("yield", Field::Yield, None),
            Kind::Issuance => {
                member("quantity", Field::CodesIssued, None);
                member("firstNumber", Field::CodesIssued, None);
            }
            // Links are made to be followed, nothing of a recall or a review is hidden, and of an erasure nothing need be.
            // Where a look-up was is for the merchant alone; stories hold none.
            Kind::Link | Kind::Recall | Kind::Review | Kind::Reveal | Kind::Scan => {}
            Kind::Disclosure | Kind::Erasure => {}
        }
        found
    }

    fn names_extension(&self, key: &str) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.field == Field::Extension && rule.of.as_deref() == Some(key))
    }

    /// What a statement of it is about.
    pub fn about(&self) -> Vec<About> {
        vec![About::new(Role::Disclosure, NAME.to_owned())]
    }

    /// The rules that apply where a merchant says nothing.
    pub fn defaults() -> Vec<Rule> {
        let rule = |(field, of, level): (Field, Option<&str>, Level)| Rule {
            field,
            of: of.map(str::to_owned),
            level,
        };
        DEFAULTS.into_iter().map(rule).collect()
    }
}

fn in_event(body: &Value<'_>, hide: &mut impl FnMut(String, Field, Option<&str>) -> bool) {
    for (list, field) in [
        ("bizTransactionList", Field::BusinessTransaction),
        ("sourceList", Field::Source),
        ("destinationList", Field::Destination),
    ] {
        for (place, element) in elements(body, list) {
            let of = element.get("type").and_then(Value::as_str);
            hide(format!("/{list}/{place}"), field, of);
        }
    }
    for list in QUANTITY_LISTS {
        for (place, element) in elements(body, list) {
            for key in ["quantity", "uom"] {
                if element.get(key).is_some() {
                    hide(format!("/{list}/{place}/{key}"), Field::Quantity, None);
                }
            }
        }
    }
}

fn elements<'v>(body: &'v Value<'v>, list: &str) -> impl Iterator<Item = (usize, &'v Value<'v>)> {
    let list = body.get(list).and_then(Value::as_array);
    list.unwrap_or_default().iter().enumerate()
}

/// Every member with a namespace, wherever it stands, and whether it stands in one that is shown; what stands in one
/// that is hidden is hidden with it.
fn extensions<'n>(
    value: &Value<'_>,
    names: &impl Deref<Target = Names<'n>>,
    pointer: &mut String,
    is_opened: bool,
    hide: &mut impl FnMut(&str, &str, bool) -> bool,
) {
    let length = pointer.len();
    for (key, member) in value.as_object().unwrap_or_default() {
        push_token(key, pointer);
        let is_own = is_extension(key) && !is_known(key, names) && !is_of_goods(key, pointer);
        let is_hidden = is_own && hide(pointer, key, is_opened);
        if !is_hidden && key != "@context" {
            extensions(member, names, pointer, is_opened || is_own, hide);
        }
        pointer.truncate(length);
    }
    for (place, element) in value.as_array().unwrap_or_default().iter().enumerate() {
        // Lists of texts are long.
        if matches!(element, Value::Object(_) | Value::Array(_)) {
            pointer.push_str(&format!("/{place}"));
            extensions(element, names, pointer, is_opened, hide);
            pointer.truncate(length);
        }
    }
}

fn is_extension(key: &str) -> bool {
    key.contains(':')
}

/// Whether a name is GS1's, whatever prefix its event gives to GS1's namespaces.
fn is_known<'n>(key: &str, names: &impl Deref<Target = Names<'n>>) -> bool {
    let is_of = |name: &str| KNOWN_NAMESPACES.iter().any(|known| name.starts_with(known));
    is_of(key) || is_of(&names.expand(key))
}

/// Whether it is the lot or a date of goods, which are theirs under any name.
fn is_of_goods(key: &str, pointer: &str) -> bool {
    let name = key.rsplit([':', '#', '/']).next().unwrap_or(key);
    pointer.starts_with("/ilmd/") && OF_GOODS.contains(&name)
}

/// A word of a vocabulary, as JSON has it, whichever way it was written: `po`, `urn:epcglobal:cbv:btt:po`,
/// `https://ref.gs1.org/cbv/BTT-po`.
fn word(text: &str) -> &str {
    text.rsplit([':', '-', '/', '#']).next().unwrap_or(text)
}

/// The letters and digits of a type of document, all small: `customsDeclaration` is `customs declaration`.
fn letters(text: &str) -> impl Iterator<Item = char> {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase)
}

/// A text of which only the last characters stay, if these are less than half of it.
pub fn masked(text: &str) -> String {
    let count = text.chars().count();
    if count < MIN_MASKED_CHARS {
        return MASK.to_owned();
    }
    let kept: String = text.chars().skip(count - KEPT_CHARS).collect();
    format!("{MASK}{kept}")
}

/// Whether the member `key` at a pointer of an event is master data of goods, which are for everybody, and no
/// extension of somebody's.
pub fn is_master_data(key: &str, pointer: &str, names: &Names<'_>) -> bool {
    is_known(key, &names) || is_of_goods(key, pointer)
}

/// Whether a text was masked.
pub fn is_masked(text: &str) -> bool {
    text.starts_with(MASK)
}

/// Reads a setting: `{"rules":[{"field":…,"of":…,"show":…}, …]}`.
///
/// # Errors
/// The first fault.
pub fn read_disclosure(body: &Value<'_>) -> Result<Disclosure, Fault> {
    let at = At::root(body);
    at.exactly(&["rules"])?;
    let list = at.required("rules")?;
    let rules = list.elements()?;
    if rules.len() > MAX_RULES {
        return Err(list.fault(FaultKind::TooMany(MAX_RULES)));
    }
    Ok(Disclosure {
        rules: rules.iter().map(read_rule).collect::<Result<_, _>>()?,
    })
}

fn read_rule(at: &At<'_>) -> Result<Rule, Fault> {
    at.exactly(&["field", "of", "show"])?;
    let field_at = at.required("field")?;
    let name = field_at.text()?;
    let known = FIELDS.iter().find(|(_, known)| *known == name);
    let field = known.map(|(field, _)| *field).ok_or_else(|| {
        field_at.fault(FaultKind::MustBe(
            "businessTransaction, source, destination, quantity, extension, documentNumber, documentIssuer, partyRegion, partyPosition, partyRegistration, yield or codesIssued: whatever else a record says is for everybody",
        ))
    })?;
    let show_at = at.required("show")?;
    let show = show_at.text()?;
    let mut levels = Level::ALL.into_iter();
    let level = levels.find(|level| level.as_str() == show).ok_or_else(|| {
        show_at.fault(FaultKind::MustBe("public, masked, regulators or withheld"))
    })?;
    if level == Level::Masked && !field.can_be_masked() {
        return Err(show_at.fault(FaultKind::Rule(
            "only a documentNumber or a businessTransaction can be masked",
        )));
    }
    Ok(Rule {
        field,
        of: at.get("of").map(|of| read_of(field, &of)).transpose()?,
        level,
    })
}

fn read_of(field: Field, at: &At<'_>) -> Result<String, Fault> {
    if !field.has_types() {
        return Err(at.fault(FaultKind::Rule("there are no types of this field")));
    }
    let text = at.text()?;
    let fits = !text.is_empty()
        && text.chars().count() <= MAX_OF_CHARS
        && !text.contains(char::is_control);
    if !fits {
        return Err(at.fault(FaultKind::MustBe(
            "1 to 200 characters, no control characters",
        )));
    }
    if field == Field::Extension && !is_extension(text) {
        return Err(at.fault(FaultKind::MustBe(
            "the name of an extension as events have it, such as example:price",
        )));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
