//! Erasing fields of what was said, as a statement: which, of which statements, and why. What is erased is gone; that
//! it was there, and that nothing else was changed, stays provable.

use std::borrow::Cow;
use std::collections::BTreeSet;

use auditlog::Hash;
use auditlog::field::Fields;
use auditlog::json::Value;

use super::fields::{At, Fault, FaultKind};
use super::master::{self, Bilingual, bilingual};
use super::statement::{About, Kind, Role};

/// Statements of one erasure: all that was ever said of one thing.
pub const MAX_STATEMENTS: usize = 100;
/// Fields of one statement, and names of one thing.
const MAX_FIELDS: usize = 1_000;
/// What stands in a body where a text was erased that nobody could read the rest without. U+2421, the symbol for a
/// deletion.
pub const ERASED: &str = "\u{2421}";

/// An erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// `erased`
    pub erased: Vec<ErasedFields>,
    /// `of`: what these statements are about.
    pub of: Vec<String>,
    /// `reason`
    pub reason: Bilingual,
}

/// What was erased of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedFields {
    /// `statement`: its digest, as base64.
    pub statement: Hash,
    /// `fields`: JSON Pointers within its content, one for each leaf of its field tree.
    pub fields: Vec<String>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// `index`: the statement's place in the log.
    pub index: u64,
    /// `fields`: JSON Pointers within its body; all below them goes, too.
    pub fields: Vec<String>,
    /// `reason`
    pub reason: Bilingual,
}

/// A body of which fields were erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// What is left, compact.
    pub body: String,
    /// The leaves that are gone: JSON Pointers within the body.
    pub leaves: BTreeSet<String>,
}

/// By what the erasures of a statement are found.
pub fn name(statement: &Hash) -> String {
    format!("rootmark:statement:{}", statement.to_hex())
}

impl Erasure {
    /// What the statement is about.
    pub fn about(&self) -> Vec<About> {
        let statements = self.erased.iter();
        let statements = statements.map(|one| About::new(Role::Erasure, name(&one.statement)));
        let things = self.of.iter();
        let things = things.map(|thing| About::new(Role::Erased, thing.clone()));
        statements.chain(things).collect()
    }

    /// The body of the statement.
    pub fn to_body(&self) -> String {
        let text = |text: &str| Value::String(Cow::Owned(text.to_owned()));
        let list = |texts: &[String]| Value::Array(texts.iter().map(|one| text(one)).collect());
        let member = |key: &'static str, value| (Cow::Borrowed(key), value);
        let erased = self.erased.iter().map(|one| {
            Value::Object(vec![
                member("statement", text(&one.statement.to_base64())),
                member("fields", list(&one.fields)),
            ])
        });
        Value::Object(vec![
            member("erased", Value::Array(erased.collect())),
            member("of", list(&self.of)),
            member(
                "reason",
                Value::Object(vec![
                    member("zh-CN", text(&self.reason.zh_cn)),
                    member("en", text(&self.reason.en)),
                ]),
            ),
        ])
        .to_compact()
    }
}

/// Reads an erasure.
///
/// # Errors
/// The first fault.
pub fn read_erasure(body: &Value<'_>) -> Result<Erasure, Fault> {
    let at = At::root(body);
    at.exactly(&["erased", "of", "reason"])?;
    let list = at.required("erased")?;
    let statements = list.elements()?;
    if statements.is_empty() || statements.len() > MAX_STATEMENTS {
        return Err(list.fault(FaultKind::MustBe("a list of 1 to 100")));
    }
    let one = |at: &At<'_>| {
        at.exactly(&["statement", "fields"])?;
        let digest = at.required("statement")?;
        let statement = Hash::from_base64(digest.text()?)
            .ok_or_else(|| digest.fault(FaultKind::MustBe("base64 of a digest")))?;
        let fields = texts(&at.required("fields")?)?;
        Ok(ErasedFields { statement, fields })
    };
    Ok(Erasure {
        erased: statements.iter().map(one).collect::<Result<_, _>>()?,
        of: texts(&at.required("of")?)?,
        reason: bilingual(&at.required("reason")?)?,
    })
}

/// Reads what is asked for: `{"index":…,"fields":["/name",…],"reason":{"zh-CN":…,"en":…}}`.
///
/// # Errors
/// The first fault.
pub fn read_order(body: &Value<'_>) -> Result<Order, Fault> {
    let at = At::root(body);
    at.exactly(&["index", "fields", "reason"])?;
    let index = at.required("index")?;
    let number = index.number()?.parse();
    Ok(Order {
        index: number.map_err(|_| index.fault(FaultKind::MustBe("a place in the log")))?,
        fields: texts(&at.required("fields")?)?,
        reason: bilingual(&at.required("reason")?)?,
    })
}

/// 1 to 1,000 texts.
fn texts(list: &At<'_>) -> Result<Vec<String>, Fault> {
    let elements = list.elements()?;
    if elements.is_empty() || elements.len() > MAX_FIELDS {
        return Err(list.fault(FaultKind::MustBe("a list of 1 to 1,000")));
    }
    let text = |at: &At<'_>| at.text().map(str::to_owned);
    elements.iter().map(text).collect()
}

/// A body without fields. What nobody can read it without is replaced by [`ERASED`] where it is a text, and cannot be
/// erased else; nor can what the statement is about. Of the pointers, those that are not there are passed over.
///
/// # Errors
/// The fault that the body would have.
pub fn erase(kind: Kind, body: &Value<'_>, pointers: &[String]) -> Result<Erased, Fault> {
    let rule = |pointer: &str, rule| Fault {
        pointer: pointer.to_owned(),
        kind: FaultKind::Rule(rule),
    };
    if !matches!(kind, Kind::Party | Kind::Product | Kind::Document) {
        return Err(rule(
            "",
            "only fields of what is said of parties, products and documents can be erased",
        ));
    }
    let about = master::check(kind, body)?;
    let covers = |pointer: &String, leaf: &str| {
        let rest = leaf.strip_prefix(pointer.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_wanted = |leaf: &str| pointers.iter().any(|pointer| covers(pointer, leaf));
    let fields = Fields::of(body);
    let leaves = fields.iter().map(|field| field.pointer);
    let leaves: BTreeSet<String> = leaves
        .filter(|leaf| is_wanted(leaf))
        .map(Into::into)
        .collect();
    // Of what kind a paper is decides who may see its number.
    if leaves.contains("/documentType") {
        return Err(rule("/documentType", "cannot be erased"));
    }
    // As little is left as the rest can be read without.
    let ways = [Texts::Go, Texts::AreReplaced];
    let mut fault = rule("", "there is nothing there that could be erased");
    for texts in ways {
        let mut left = body.clone();
        cut(&mut left, &mut String::new(), &is_wanted, texts);
        if let Some(still) = still_there(&left, &leaves) {
            return Err(rule(&still, "is in a list, which can be erased as a whole"));
        }
        match master::check(kind, &left) {
            Ok(still) if still == about => {
                return Ok(Erased {
                    body: left.to_compact(),
                    leaves,
                });
            }
            Ok(_) => fault = rule("", "what a statement is about cannot be erased"),
            Err(other) => fault = other,
        }
    }
    Err(fault)
}

/// A leaf that was to go, and stands there still.
fn still_there(body: &Value<'_>, leaves: &BTreeSet<String>) -> Option<String> {
    let replaced = Value::String(Cow::Borrowed(ERASED)).to_compact();
    let fields = Fields::of(body);
    let mut still = fields
        .iter()
        .filter(|field| leaves.contains(field.pointer) && field.value != replaced);
    still.next().map(|field| field.pointer.to_owned())
}

/// What becomes of a text that is erased.
#[derive(Clone, Copy, PartialEq)]
enum Texts {
    Go,
    AreReplaced,
}

/// Takes out of an object what is wanted, with what is empty without it. Lists go as a whole.
fn cut(
    value: &mut Value<'_>,
    pointer: &mut String,
    is_wanted: &impl Fn(&str) -> bool,
    texts: Texts,
) {
    let Value::Object(members) = value else {
        return;
    };
    let length = pointer.len();
    members.retain_mut(|(key, member)| {
        auditlog::field::push_token(key, pointer);
        let keeps = match member {
            Value::Object(inner) if !inner.is_empty() => {
                cut(member, pointer, is_wanted, texts);
                !matches!(member, Value::Object(left) if left.is_empty())
            }
            Value::String(text) if is_wanted(pointer) && texts == Texts::AreReplaced => {
                *text = Cow::Borrowed(ERASED);
                true
            }
            _ => !is_wanted(pointer),
        };
        pointer.truncate(length);
        keeps
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog::json;

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
        let event = erase(Kind::Event, &json::parse("{}").unwrap(), &["/x".to_owned()]);
        assert!(
            event
                .unwrap_err()
                .to_string()
                .contains("only fields of what is said")
        );
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

    #[test]
    fn a_statement_of_it_is_read_back() {
        let erasure = Erasure {
            erased: vec![ErasedFields {
                statement: Hash([7; 32]),
                fields: vec!["/body/name/en".to_owned()],
            }],
            of: vec!["https://id.gs1.org/417/9522050000003".to_owned()],
            reason: Bilingual {
                zh_cn: "本人要求".to_owned(),
                en: "The person asked for it".to_owned(),
            },
        };
        let body = erasure.to_body();
        let read = read_erasure(&json::parse(&body).unwrap()).unwrap();
        assert_eq!(read, erasure);
        let about: Vec<String> = erasure.about().iter().map(ToString::to_string).collect();
        let digest = "07".repeat(32);
        assert_eq!(
            about,
            [
                format!("erasure rootmark:statement:{digest}"),
                "erased https://id.gs1.org/417/9522050000003".to_owned()
            ]
        );
        for (wrong, pointer) in [
            (body.replace("BwcH", "!!!!"), "/erased/0/statement: "),
            (
                body.replace(r#"["/body/name/en"]"#, "[]"),
                "/erased/0/fields: ",
            ),
            (body.replace(r#""of""#, r#""off""#), "/off: "),
        ] {
            let fault = read_erasure(&json::parse(&wrong).unwrap()).unwrap_err();
            assert!(fault.to_string().starts_with(pointer), "{fault}");
        }
        let many = |count: usize| {
            let one =
                r#"{"statement":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=","fields":["/a"]}"#;
            let list = vec![one; count].join(",");
            let text =
                format!(r#"{{"erased":[{list}],"of":["x"],"reason":{{"zh-CN":"x","en":"x"}}}}"#);
            read_erasure(&json::parse(&text).unwrap()).is_ok()
        };
        assert!(many(100) && !many(101) && !many(0));
    }

    #[test]
    fn an_order_names_a_place_fields_and_a_reason() {
        let order = |index: &str, fields: &str| {
            let text = format!(
                r#"{{"index":{index},"fields":{fields},"reason":{{"zh-CN":"x","en":"x"}}}}"#
            );
            read_order(&json::parse(&text).unwrap()).map_err(|fault| fault.to_string())
        };
        let read = order("17", r#"["/name"]"#).unwrap();
        assert_eq!((read.index, read.fields), (17, vec!["/name".to_owned()]));
        for (index, fields, pointer) in [
            ("-1", r#"["/name"]"#, "/index: "),
            ("1.5", r#"["/name"]"#, "/index: "),
            (r#""1""#, r#"["/name"]"#, "/index: "),
            ("1", "[]", "/fields: "),
            ("1", "[1]", "/fields/0: "),
        ] {
            assert!(order(index, fields).unwrap_err().starts_with(pointer));
        }
    }
}
