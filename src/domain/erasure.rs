//! Erasing fields of what was said, as a statement: which, of which statements, and why. What is erased is gone; that
//! it was there, and that nothing else was changed, stays provable.

mod cut;

pub use cut::{Erased, at_or_above, erase, extension, named_among, says_the_same};

use std::borrow::Cow;

use auditlog::Hash;
use auditlog::json::Value;

use super::fields::{At, Fault, FaultKind};
use super::master::{Bilingual, bilingual};
use super::statement::{About, Role};

/// Statements of one erasure: all that was ever said of one thing.
pub const MAX_STATEMENTS: usize = 100;
/// Fields of one statement.
const MAX_FIELDS: usize = 1_000;
/// Names of what statements are about: an event has its goods in several lists.
const MAX_OF: usize = 100_000;
/// What stands in a body where a text was erased that nobody could read the rest without. U+2421, the symbol for a
/// deletion.
pub const ERASED: &str = "\u{2421}";

/// A text of a description as people read it in English.
pub fn legible(text: &str) -> &str {
    match text {
        ERASED => "[erased]",
        text => text,
    }
}

/// An erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// `erased`
    pub erased: Vec<ErasedFields>,
    /// `of`: what these statements are about; of an event, its `eventID` and its goods.
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
    /// Of what.
    pub meant: Meant,
    /// `fields`: JSON Pointers within its body; all below them goes, too.
    pub fields: Vec<String>,
    /// `reason`
    pub reason: Bilingual,
}

/// What fields are to be erased of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// `index`: of the statement at this place in the log, and of all that was said of the same thing.
    Index(u64),
    /// `eventID`: of this event, and of the declaration that it was an error.
    Event(String),
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
        let fields = texts(&at.required("fields")?, MAX_FIELDS)?;
        Ok(ErasedFields { statement, fields })
    };
    Ok(Erasure {
        erased: statements.iter().map(one).collect::<Result<_, _>>()?,
        of: texts(&at.required("of")?, MAX_OF)?,
        reason: bilingual(&at.required("reason")?)?,
    })
}

/// Reads what is asked for: `{"index":…,"fields":["/name",…],"reason":{"zh-CN":…,"en":…}}`, or `eventID` for `index`.
///
/// # Errors
/// The first fault.
pub fn read_order(body: &Value<'_>) -> Result<Order, Fault> {
    let at = At::root(body);
    at.exactly(&["index", "eventID", "fields", "reason"])?;
    let meant = match at.get("eventID") {
        Some(_) if at.get("index").is_some() => {
            return Err(at.fault_in(
                "eventID",
                FaultKind::Rule("stands for index, not beside it"),
            ));
        }
        Some(event_id) => Meant::Event(event_id.uri()?.to_owned()),
        None => {
            let none =
                FaultKind::Rule("is missing, and so is eventID: one of them says what is meant");
            let index = at.get("index").ok_or_else(|| at.fault_in("index", none))?;
            let number = index.number()?.parse();
            Meant::Index(number.map_err(|_| index.fault(FaultKind::MustBe("a place in the log")))?)
        }
    };
    let list = at.required("fields")?;
    let fields = texts(&list, MAX_FIELDS)?;
    for (field, element) in fields.iter().zip(list.elements()?) {
        if !field.starts_with('/') {
            let rule = "is no JSON Pointer to a field, such as /name or /ilmd/example:by";
            return Err(element.fault(FaultKind::Rule(rule)));
        }
    }
    Ok(Order {
        meant,
        fields,
        reason: bilingual(&at.required("reason")?)?,
    })
}

/// One text or more.
fn texts(list: &At<'_>, most: usize) -> Result<Vec<String>, Fault> {
    let elements = list.elements()?;
    if elements.is_empty() {
        return Err(list.fault(FaultKind::Rule("must not be empty")));
    }
    if elements.len() > most {
        return Err(list.fault(FaultKind::TooMany(most)));
    }
    let text = |at: &At<'_>| at.text().map(str::to_owned);
    elements.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog::json;

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
    fn an_order_names_an_event_or_a_place_fields_and_a_reason() {
        let order = |index: &str, fields: &str| {
            let text = format!(
                r#"{{"index":{index},"fields":{fields},"reason":{{"zh-CN":"x","en":"x"}}}}"#
            );
            read_order(&json::parse(&text).unwrap()).map_err(|fault| fault.to_string())
        };
        let read = order("17", r#"["/name"]"#).unwrap();
        assert_eq!(
            (read.meant, read.fields),
            (Meant::Index(17), vec!["/name".to_owned()])
        );
        for (index, fields, pointer) in [
            ("-1", r#"["/name"]"#, "/index: "),
            ("1.5", r#"["/name"]"#, "/index: "),
            (r#""1""#, r#"["/name"]"#, "/index: "),
            ("1", "[]", "/fields: "),
            ("1", "[1]", "/fields/0: "),
        ] {
            assert!(order(index, fields).unwrap_err().starts_with(pointer));
        }
        let event = |members: &str| {
            let text =
                format!(r#"{{{members}"fields":["/a:b"],"reason":{{"zh-CN":"x","en":"x"}}}}"#);
            read_order(&json::parse(&text).unwrap()).map_err(|fault| fault.to_string())
        };
        let read = event(r#""eventID":"urn:uuid:1","#).unwrap();
        assert_eq!(read.meant, Meant::Event("urn:uuid:1".to_owned()));
        for (members, fault) in [
            (r#""eventID":"1","#, "/eventID: is not a URI"),
            (
                r#""eventID":"urn:uuid:1","index":1,"#,
                "/eventID: stands for",
            ),
            ("", "/index: is missing"),
        ] {
            assert!(event(members).unwrap_err().starts_with(fault), "{members}");
        }
    }
}
