//! Cutting fields out of a body, so that what is left can be read as before.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use auditlog::field::{Fields, push_token};
use auditlog::json::{self, Value};
use auditlog::salts::Salts;

use super::{ERASED, MAX_FIELDS};
use crate::domain::disclosure::is_master_data;
use crate::domain::epcis::{Names, read_event};
use crate::domain::fields::{Fault, FaultKind, has_namespace};
use crate::domain::master;
use crate::domain::statement::Kind;

const MASTER_DATA: &str = "is master data of the goods, and cannot be erased";
const NOT_OF_THIS: &str = "fields of this kind of statement cannot be erased: those of descriptions of parties, \
    products and documents can, and extensions of events";
const NO_EXTENSION: &str = "is no extension: of an event, what has a namespace of its own can be erased, and what \
    the standard defines cannot";
const NEEDED: &str =
    "cannot be erased: it says what the statement is about, or the rest cannot be read without it";
const IS_TOLD: &str = "is what the goods' story is told by, and cannot be erased";
const IN_A_LIST: &str = "is in a list, which can be erased as a whole";
const WHOLE: &str = "holds nothing else, and would be empty: it can be erased as a whole";
const TOO_MANY: &str =
    "more than 1,000 fields would go from one statement: erase them in several orders";

/// A body of which fields were erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// What is left, compact.
    pub body: String,
    /// The leaves that are gone: JSON Pointers within the body.
    pub leaves: BTreeSet<String>,
}

/// A body without fields: of descriptions any that these can be read without, of events extensions, at any depth.
/// What nobody can read a description without is replaced by [`ERASED`] where it is a text, and cannot be erased
/// else; nor can what a statement is about, or what the trace goes by. Of the pointers, those that are not there are
/// passed over.
///
/// # Errors
/// The first thing that cannot be erased, or the fault that the body would have.
pub fn erase(kind: Kind, body: &Value<'_>, pointers: &[String]) -> Result<Erased, Fault> {
    match kind {
        Kind::Event => erase_of_event(body, pointers),
        Kind::Party | Kind::Product | Kind::Document => erase_of_description(kind, body, pointers),
        _ => Err(rule("", NOT_OF_THIS)),
    }
}

/// Whether a content says what another one said before fields of it were erased, as far as that can be told: each
/// field that is left is the same, and what is gone was there, whatever it said.
pub fn says_the_same(content: &str, left: &str, salts: &Salts) -> bool {
    let (Ok(content), Ok(left)) = (json::parse(content), json::parse(left)) else {
        return false;
    };
    let Ok(left) = salts.fields_of(&left) else {
        return false;
    };
    let fields = Fields::of(&content);
    fields.len() == left.len()
        && fields.iter().zip(left.iter()).all(|(field, left)| {
            field.pointer == left.pointer && (left.is_erased() || field.value == left.value)
        })
}

fn erase_of_description(
    kind: Kind,
    body: &Value<'_>,
    pointers: &[String],
) -> Result<Erased, Fault> {
    let about = master::check(kind, body)?;
    let leaves = leaves_below(body, pointers)?;
    // Of what kind a paper is decides who may see its number.
    if leaves.contains("/documentType") {
        return Err(rule("/documentType", "cannot be erased"));
    }
    // As little is left as the rest can be read without.
    let mut fault = rule("", "there is nothing there that could be erased");
    for replaces_texts in [false, true] {
        let knife = Knife {
            leaves: &leaves,
            replaces_texts,
            enters_lists: false,
        };
        let left = knife.cut(body)?;
        match master::check(kind, &left) {
            Ok(still) if still == about => {
                return Ok(Erased {
                    body: left.to_compact(),
                    leaves,
                });
            }
            Ok(_) => fault = rule(leaves.first().map_or("", String::as_str), NEEDED),
            Err(other) => fault = rule(&other.pointer, NEEDED),
        }
    }
    Err(fault)
}

fn erase_of_event(body: &Value<'_>, pointers: &[String]) -> Result<Erased, Fault> {
    let event = read_event(body)?;
    let names = Names::of(body.get("@context"));
    let without = |pointers: &[String]| {
        let leaves = leaves_below(body, pointers)?;
        for leaf in &leaves {
            let extension = extension(leaf);
            let name = extension_name(extension).ok_or_else(|| rule(leaf, NO_EXTENSION))?;
            if is_master_data(&name, extension, &names) {
                return Err(rule(leaf, MASTER_DATA));
            }
        }
        let knife = Knife {
            leaves: &leaves,
            replaces_texts: false,
            enters_lists: true,
        };
        let left = knife.cut(body)?;
        let is_read_alike = read_event(&left).is_ok_and(|still| still == event);
        let body = left.to_compact();
        Ok((is_read_alike, Erased { body, leaves }))
    };
    let (is_read_alike, erased) = without(pointers)?;
    if is_read_alike {
        return Ok(erased);
    }
    // Which of them it is, in as many steps as their number has bits.
    let mut suspects = pointers;
    while suspects.len() > 1 {
        let (first, second) = suspects.split_at(suspects.len() / 2);
        suspects = match without(first)?.0 {
            true => second,
            false => first,
        };
    }
    Err(rule(suspects.first().map_or("", String::as_str), IS_TOLD))
}

/// The pointer of the extension that a leaf of an event is, or lies within: the first member on the way there that has
/// a namespace. A leaf that is no extension's gives itself.
pub fn extension(leaf: &str) -> &str {
    let ends = leaf.match_indices('/').map(|(at, _)| at).skip(1);
    let mut above = ends.map(|end| &leaf[..end]);
    let found = above.find(|above| extension_name(above).is_some());
    found.unwrap_or(leaf)
}

/// The name of the last member of a pointer, if it has a namespace. What prefixes stand for is no extension.
fn extension_name(pointer: &str) -> Option<String> {
    let (above, name) = pointer.rsplit_once('/')?;
    let is_of_context = above == "/@context" || above.starts_with("/@context/");
    // RFC 6901 §4.
    let name = name.replace("~1", "/").replace("~0", "~");
    (!is_of_context && has_namespace(&name)).then_some(name)
}

/// The leaves that pointers lead to, or that lie below: as many as go at once.
/// Those of some pointers within a body at or below which a content has fields, erased ones among them.
pub fn named_among(content: &Fields, pointers: &[String]) -> HashSet<String> {
    let pointers: HashSet<&str> = pointers.iter().map(String::as_str).collect();
    let mut named = HashSet::new();
    for field in content.iter() {
        let Some(pointer) = field.pointer.strip_prefix("/body") else {
            continue;
        };
        let known = at_or_above(pointer).filter_map(|above| pointers.get(above));
        named.extend(known.map(|known| (*known).to_owned()));
    }
    named
}

/// The pointers of all that a field lies within, and its own.
pub fn at_or_above(pointer: &str) -> impl Iterator<Item = &str> {
    let above = pointer.match_indices('/').map(|(end, _)| &pointer[..end]);
    above.chain([pointer])
}

fn leaves_below(body: &Value<'_>, pointers: &[String]) -> Result<BTreeSet<String>, Fault> {
    let pointers: HashSet<&str> = pointers.iter().map(String::as_str).collect();
    let is_below = |leaf: &str| at_or_above(leaf).any(|above| pointers.contains(above));
    let fields = Fields::of(body);
    let leaves = fields.iter().map(|field| field.pointer);
    let leaves: BTreeSet<String> = leaves
        .filter(|leaf| is_below(leaf))
        .take(MAX_FIELDS + 1)
        .map(Into::into)
        .collect();
    match leaves.len() {
        ..=MAX_FIELDS => Ok(leaves),
        _ => Err(rule("", TOO_MANY)),
    }
}

/// How leaves are cut out.
struct Knife<'a> {
    leaves: &'a BTreeSet<String>,
    /// Whether a text is replaced by [`ERASED`], and does not go.
    replaces_texts: bool,
    /// Whether members of objects in lists can go. An element never does, or those after it would have other names.
    enters_lists: bool,
}

impl Knife<'_> {
    /// What is left. An object that is empty without what goes from it goes, too.
    fn cut<'v>(&self, body: &Value<'v>) -> Result<Value<'v>, Fault> {
        let mut left = body.clone();
        self.cut_within(&mut left, &mut String::new());
        let before = Fields::of(body);
        let replaced = Value::String(Cow::Borrowed(ERASED)).to_compact();
        for field in Fields::of(&left).iter() {
            if before.value(field.pointer).is_none() {
                return Err(rule(field.pointer, WHOLE));
            }
            if self.leaves.contains(field.pointer) && field.value != replaced {
                return Err(rule(field.pointer, IN_A_LIST));
            }
        }
        Ok(left)
    }

    fn cut_within(&self, value: &mut Value<'_>, pointer: &mut String) {
        let length = pointer.len();
        match value {
            Value::Object(members) => members.retain_mut(|(key, member)| {
                push_token(key, pointer);
                let keeps = self.keeps(member, pointer);
                pointer.truncate(length);
                keeps
            }),
            Value::Array(elements) if self.enters_lists => {
                for (place, element) in elements.iter_mut().enumerate() {
                    push_token(&place.to_string(), pointer);
                    self.cut_within(element, pointer);
                    pointer.truncate(length);
                }
            }
            _ => {}
        }
    }

    fn keeps(&self, member: &mut Value<'_>, pointer: &mut String) -> bool {
        let is_wanted = self.leaves.contains(pointer.as_str());
        match member {
            Value::Object(inner) if !inner.is_empty() => {
                self.cut_within(member, pointer);
                !matches!(member, Value::Object(left) if left.is_empty())
            }
            Value::String(text) if is_wanted && self.replaces_texts => {
                *text = Cow::Borrowed(ERASED);
                true
            }
            Value::Array(_) if !is_wanted => {
                self.cut_within(member, pointer);
                true
            }
            _ => !is_wanted,
        }
    }
}

fn rule(pointer: &str, rule: &'static str) -> Fault {
    Fault {
        pointer: pointer.to_owned(),
        kind: FaultKind::Rule(rule),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog::field::Secret;

    const PARTY: &str = r#"{"party":"https://id.gs1.org/417/9522050000003","name":{"zh-CN":"张三","en":"Zhang San"},"region":{"zh-CN":"浙江","en":"Zhejiang"},"latitude":30.1,"longitude":120.2,"registration":"R-1"}"#;

    fn erased(body: &str, pointers: &[&str]) -> Result<Erased, String> {
        let pointers: Vec<String> = pointers.iter().map(ToString::to_string).collect();
        let body = json::parse(body).unwrap();
        erase(Kind::Party, &body, &pointers).map_err(|fault| fault.to_string())
    }

    fn leaves(erased: &Erased) -> Vec<&str> {
        erased.leaves.iter().map(String::as_str).collect()
    }

    #[test]
    fn what_the_rest_can_be_read_without_goes_and_its_place_with_it() {
        let one = erased(PARTY, &["/region", "/latitude", "/longitude"]).unwrap();
        assert_eq!(
            one.body,
            r#"{"party":"https://id.gs1.org/417/9522050000003","name":{"zh-CN":"张三","en":"Zhang San"},"registration":"R-1"}"#
        );
        assert_eq!(
            leaves(&one),
            ["/latitude", "/longitude", "/region/en", "/region/zh-CN"]
        );
    }

    #[test]
    fn a_name_that_must_be_there_is_replaced() {
        let one = erased(PARTY, &["/name", "/registration"]).unwrap();
        assert_eq!(leaves(&one), ["/name/en", "/name/zh-CN", "/registration"]);
        let body = json::parse(&one.body).unwrap();
        let party = master::read_party(&body).unwrap();
        assert_eq!(
            (party.name.en.as_str(), party.name.zh_cn.as_str()),
            (ERASED, ERASED)
        );
        // Of two languages, one alone can go, too.
        let one = erased(PARTY, &["/name/en"]).unwrap();
        assert!(one.body.contains("张三") && !one.body.contains("Zhang San"));
    }

    #[test]
    fn what_it_is_about_and_what_has_no_kind_of_its_own_cannot_be_erased() {
        let fault = erased(PARTY, &["/party"]).unwrap_err();
        assert!(fault.contains("party"), "{fault}");
        let both = PARTY.replacen(
            '{',
            r#"{"place":"https://id.gs1.org/414/9522050000003","#,
            1,
        );
        let fault = erased(&both, &["/party"]).unwrap_err();
        assert!(
            fault.contains("cannot be erased") || fault.contains("/party"),
            "{fault}"
        );
        for kind in [Kind::Issuance, Kind::Link, Kind::Recall, Kind::Erasure] {
            let fault = erase(kind, &json::parse("{}").unwrap(), &["/x".to_owned()]);
            let fault = fault.unwrap_err().to_string();
            assert!(fault.contains("this kind of statement"), "{fault}");
        }
        // What is not there changes nothing.
        let none = erased(PARTY, &["/nothing", "/nam"]).unwrap();
        assert!(none.leaves.is_empty() && none.body == PARTY);
    }

    #[test]
    fn of_what_kind_a_document_is_stays() {
        let document = r#"{"document":"urn:x:1","documentType":"customsDeclaration","title":{"zh-CN":"单","en":"Paper"},"number":"1"}"#;
        let body = json::parse(document).unwrap();
        let erased = |pointer: &str| erase(Kind::Document, &body, &[pointer.to_owned()]);
        let fault = erased("/documentType").unwrap_err().to_string();
        assert_eq!(fault, "/documentType: cannot be erased");
        assert_eq!(erased("/number").unwrap().leaves.len(), 1);
    }

    #[test]
    fn a_list_goes_as_a_whole_or_not_at_all() {
        let row =
            r#"{"label":{"zh-CN":"客服","en":"Care"},"value":{"zh-CN":"张三","en":"Zhang San"}}"#;
        let name = r#"{"zh-CN":"奶粉","en":"Powder"}"#;
        let product = format!(
            r#"{{"gtin":"https://id.gs1.org/01/09521041001012","productName":{name},"attributes":[{row}]}}"#
        );
        let body = json::parse(&product).unwrap();
        let erased = |pointer: &str| erase(Kind::Product, &body, &[pointer.to_owned()]);
        let fault = erased("/attributes/0/value").unwrap_err().to_string();
        assert!(
            fault.starts_with("/attributes/0/value/en: is in a list"),
            "{fault}"
        );
        let whole = erased("/attributes").unwrap();
        assert_eq!(whole.leaves.len(), 5);
        assert!(!whole.body.contains("Zhang San") && !whole.body.contains("attributes"));
    }

    const EVENT: &str = r#"{"@context":{"example":"https://ns.example/","m":"https://gs1.org/voc/"},"type":"ObjectEvent","eventID":"urn:uuid:1","eventTime":"2026-06-05T10:20:00Z","eventTimeZoneOffset":"+00:00","action":"ADD","bizStep":"commissioning","epcList":["https://id.gs1.org/01/09521041001012/21/S1"],"readPoint":{"id":"https://id.gs1.org/414/9522050000003","example:guard":"Li Si"},"sensorElementList":[{"sensorReport":[{"type":"Temperature","value":2.1,"uom":"CEL","example:by":"Wang Wu"}]}],"ilmd":{"cbvmda:lotNumber":"L","cbvmda:origin":"NZ","m:origin":"NZ","x:productionDate":"2026-06-01","example:picker":"Zhao Liu"},"example:driver":{"name":"Wang Wu","phones":["138","139"]},"example:crew":["Li Si",{"example:cook":"Sun Qi"}],"example:sealNumber":"S-7"}"#;

    fn erased_of_event(pointers: &[&str]) -> Result<Erased, String> {
        let pointers: Vec<String> = pointers.iter().map(ToString::to_string).collect();
        let body = json::parse(EVENT).unwrap();
        erase(Kind::Event, &body, &pointers).map_err(|fault| fault.to_string())
    }

    #[test]
    fn extensions_of_an_event_go_wherever_they_stand_and_nothing_else() {
        let one = erased_of_event(&[
            "/readPoint/example:guard",
            "/sensorElementList/0/sensorReport/0/example:by",
            "/ilmd/example:picker",
            "/example:driver",
        ]);
        let one = one.unwrap();
        assert_eq!(
            leaves(&one),
            [
                "/example:driver/name",
                "/example:driver/phones",
                "/example:driver/phones/0",
                "/example:driver/phones/1",
                "/ilmd/example:picker",
                "/readPoint/example:guard",
                "/sensorElementList/0/sensorReport/0/example:by",
            ]
        );
        let left = EVENT
            .replace(r#","example:guard":"Li Si""#, "")
            .replace(r#","example:by":"Wang Wu""#, "")
            .replace(r#","example:picker":"Zhao Liu""#, "")
            .replace(
                r#""example:driver":{"name":"Wang Wu","phones":["138","139"]},"#,
                "",
            );
        assert_eq!(one.body, left);
        // A part of an extension can go alone, and so can one inside another.
        let one = erased_of_event(&["/example:driver/name", "/example:crew/1/example:cook"]);
        assert!(one.unwrap_err().contains("would be empty"));
        let one = erased_of_event(&["/example:driver/name"]).unwrap();
        assert!(one.body.contains(r#""example:driver":{"phones":"#));
    }

    #[test]
    fn what_the_standard_defines_and_what_the_story_is_told_by_stays() {
        for (pointer, fault) in [
            ("/bizStep", "/bizStep: is no extension"),
            ("/epcList/0", "/epcList/0: is no extension"),
            ("/eventID", "/eventID: is no extension"),
            ("/@context", "/@context/example: is no extension"),
            ("/readPoint", "/readPoint/id: is no extension"),
            (
                "/ilmd/cbvmda:lotNumber",
                "/ilmd/cbvmda:lotNumber: is master",
            ),
            ("/ilmd/cbvmda:origin", "/ilmd/cbvmda:origin: is master"),
            ("/ilmd/m:origin", "/ilmd/m:origin: is master"),
            (
                "/ilmd/x:productionDate",
                "/ilmd/x:productionDate: is master",
            ),
            ("/example:sealNumber", "/example:sealNumber: is what"),
            ("/example:crew/0", "/example:crew/0: is in a list"),
            ("", "/@context/example: is no extension"),
        ] {
            let both = erased_of_event(&["/example:driver", pointer]).unwrap_err();
            assert!(both.starts_with(fault), "{pointer}: {both}");
        }
        // Of many, the one is named.
        let mut many = vec!["/example:nothing"; 998];
        many.insert(700, "/example:sealNumber");
        let fault = erased_of_event(&many).unwrap_err();
        assert!(fault.starts_with("/example:sealNumber: is what"), "{fault}");
        assert_eq!(
            erased_of_event(&["/nothing", "/example:drive"])
                .unwrap()
                .leaves
                .len(),
            0
        );
    }

    #[test]
    fn one_statement_loses_a_thousand_fields_at_once_and_no_more() {
        let event = |count: usize| {
            let list = vec!["1"; count - 1].join(",");
            EVENT.replacen(r#""138","139""#, &list, 1)
        };
        let erased = |count: usize| {
            let text = event(count);
            let body = json::parse(&text).unwrap();
            erase(Kind::Event, &body, &["/example:driver/phones".to_owned()])
        };
        assert_eq!(erased(1_000).unwrap().leaves.len(), 1_000);
        let fault = erased(1_001).unwrap_err().to_string();
        assert!(fault.contains("more than 1,000"), "{fault}");
    }

    #[test]
    fn an_extension_is_the_first_member_with_a_namespace_on_the_way() {
        for (leaf, of) in [
            ("/example:driver/name", "/example:driver"),
            ("/example:crew/1/example:cook", "/example:crew"),
            ("/ilmd/example:picker", "/ilmd/example:picker"),
            ("/https:~1~1ns.example~1#a/b", "/https:~1~1ns.example~1#a"),
            ("/bizStep", "/bizStep"),
            ("/@context/a:b", "/@context/a:b"),
        ] {
            assert_eq!(extension(leaf), of);
        }
        let name = extension_name("/https:~1~1ns.example~1#a");
        assert_eq!(name.as_deref(), Some("https://ns.example/#a"));
        for none in ["/bizStep", "/@context/a:b", "", "/example:"] {
            assert_eq!(extension_name(none), None, "{none}");
        }
    }

    #[test]
    fn a_repeat_is_told_by_what_is_left() {
        let content = r#"{"body":{"a":1,"b":{"c":"x"},"d":["y"]}}"#;
        let value = json::parse(content).unwrap();
        let salts = Salts::Derived(Secret([7; 32]));
        let gone = ["/body/b/c", "/body/d", "/body/d/0"];
        let left = salts.without(&Fields::of(&value), |leaf| gone.contains(&leaf));
        let salts = Salts::Left(left.unwrap());
        let left = r#"{"body":{"a":1}}"#;
        let is_same = |content: &str| says_the_same(content, left, &salts);
        assert!(is_same(content));
        assert!(is_same(r#"{"body":{"b":{"c":"other"},"a":1,"d":["z"]}}"#));
        for other in [
            r#"{"body":{"a":2,"b":{"c":"x"},"d":["y"]}}"#,
            r#"{"body":{"a":1,"d":["y"]}}"#,
            r#"{"body":{"a":1,"b":{"c":"x"},"d":["y","z"]}}"#,
            r#"{"body":{"a":1,"b":{"c":"x"},"d":["y"],"e":1}}"#,
            left,
            "{",
        ] {
            assert!(!is_same(other), "{other}");
        }
    }
}
