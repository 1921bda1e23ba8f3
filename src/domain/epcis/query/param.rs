//! From parameters to a query.

use std::collections::BTreeSet;

use thiserror::Error;
use time::OffsetDateTime;

use super::condition::{Sought, Values};
use super::{
    Condition, EventQuery, MAX_PARAMETERS, MAX_PREFIXES, MAX_VALUES, Op, OrderBy, Test, Total,
};
use crate::domain::decimal::Decimal;
use crate::domain::epcis::event::EventType;
use crate::domain::epcis::facts::{canonical, extension_field, in_base, instant};
use crate::domain::epcis::names::{Names, Vocabulary};
use crate::domain::gs1::{Identity, IdentityError};
use crate::domain::unit;

/// A parameter as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its values, at least one.
    pub values: Vec<String>,
}

/// Why a query cannot be asked; EPCIS calls it a QueryParameterException.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QueryFault {
    /// No such parameter.
    #[error("there is no query parameter {0}")]
    Unknown(String),
    /// A parameter that the standard has and this service does not answer.
    #[error("the query parameter {name} is not supported: {why}")]
    Unsupported {
        /// Its name.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// The same parameter twice.
    #[error("the query parameter {0} is given twice")]
    Repeated(String),
    /// A value that is not of the parameter's kind.
    #[error("{name}: {value:?} is not {expected}")]
    Value {
        /// The parameter.
        name: String,
        /// The beginning of what was given.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A value that is to be an identity and cannot be read.
    #[error("{name}: {value:?} is not an EPC, a class, or a pattern that ends in .*: {why}")]
    Identity {
        /// The parameter.
        name: String,
        /// The beginning of what was given.
        value: String,
        /// What is wrong with it.
        why: IdentityError,
    },
    /// Parameters that do not go together.
    #[error("{0}")]
    Together(&'static str),
    /// More parameters or values than one query may have.
    #[error("a query has at most {MAX_PARAMETERS} parameters of at most {MAX_VALUES} values")]
    TooMany,
    /// More prefixes than one query may use: each is looked up among the merchant's words.
    #[error("a query uses at most {MAX_PREFIXES} prefixes of names")]
    TooManyPrefixes,
}

/// Reads parameters into a query. `names` resolves prefixes: those that the request declares, and then
/// those that events of this merchant declared.
pub fn read_query(
    parameters: &[Parameter],
    names: &dyn Fn(&str) -> Vec<String>,
) -> Result<EventQuery, QueryFault> {
    let values: usize = parameters.iter().map(|p| p.values.len()).sum();
    if parameters.len() > MAX_PARAMETERS || values > MAX_PARAMETERS * MAX_VALUES {
        return Err(QueryFault::TooMany);
    }
    let mut seen = BTreeSet::new();
    let mut query = EventQuery::default();
    let (mut ordered, mut first, mut most) = (false, None, None);
    for parameter in parameters {
        if parameter.values.len() > MAX_VALUES {
            return Err(QueryFault::TooMany);
        }
        if !seen.insert(parameter.name.as_str()) {
            return Err(QueryFault::Repeated(excerpt(&parameter.name)));
        }
        let of = Given { parameter };
        match parameter.name.as_str() {
            "GE_eventTime" => query.event_time.from = Some(of.time()?),
            "LT_eventTime" => query.event_time.until = Some(of.time()?),
            "GE_recordTime" => query.record_time.from = Some(of.time()?),
            "LT_recordTime" => query.record_time.until = Some(of.time()?),
            "orderBy" => {
                ordered = true;
                query.order_by = of.order_by()?;
            }
            "orderDirection" => query.ascending = of.is_ascending()?,
            "eventCountLimit" => first = Some(of.count()?),
            "maxEventCount" => most = Some(of.count()?),
            _ => query.conditions.extend(of.condition(names)?),
        }
    }
    query.total = match (first, most) {
        (Some(_), Some(_)) => {
            let why = "eventCountLimit and maxEventCount exclude each other";
            return Err(QueryFault::Together(why));
        }
        (Some(_), None) if !ordered => {
            let why = "eventCountLimit needs orderBy: else the first events are not defined";
            return Err(QueryFault::Together(why));
        }
        (Some(first), None) => Total::First(first),
        (None, Some(most)) => Total::AtMost(most),
        (None, None) => Total::Any,
    };
    Ok(query)
}

/// Names that stand for one field of texts.
const TEXTS: [&str; 3] = ["eventID", "correctiveEventID", "stringValue"];

/// Names that stand for one field of words, with their vocabulary.
const WORDS: [(&str, Vocabulary); 8] = [
    ("bizStep", Vocabulary::BizStep),
    ("disposition", Vocabulary::Disposition),
    ("persistentDisposition_set", Vocabulary::Disposition),
    ("persistentDisposition_unset", Vocabulary::Disposition),
    ("errorReason", Vocabulary::ErrorReason),
    ("type", Vocabulary::MeasurementType),
    ("component", Vocabulary::Component),
    ("exception", Vocabulary::SensorException),
];

/// Names of measured values, each followed by a unit.
const MEASURED: [&str; 7] = [
    "value",
    "minValue",
    "maxValue",
    "meanValue",
    "sDev",
    "percValue",
    "quantity",
];

/// Where extension fields may stand: the name's part, and the scope of the facts.
const SCOPES: [(&str, &str); 8] = [
    ("ILMD_", "ILMD"),
    ("ERROR_DECLARATION_", "ERROR_DECLARATION"),
    ("SENSORELEMENT_", "SENSORELEMENT"),
    ("SENSORMETADATA_", "SENSORMETADATA"),
    ("SENSORREPORT_", "SENSORREPORT"),
    ("readPoint_", "readPoint"),
    ("bizLocation_", "bizLocation"),
    ("", ""),
];

/// What a MATCH parameter looks at: the fields of the identity itself; the same with `:class` are those
/// of the class of which it is one.
const MATCHES: [(&str, &[&str]); 9] = [
    ("epc", &["epc"]),
    ("parentID", &["parent"]),
    ("inputEPC", &["input"]),
    ("outputEPC", &["output"]),
    ("anyEPC", &["epc", "parent", "input", "output"]),
    ("epcClass", &["epcClass"]),
    ("inputEPCClass", &["inputClass"]),
    ("outputEPCClass", &["outputClass"]),
    ("anyEPCClass", &["epcClass", "inputClass", "outputClass"]),
];

struct Given<'p> {
    parameter: &'p Parameter,
}

impl Given<'_> {
    fn name(&self) -> &str {
        &self.parameter.name
    }

    fn fault(&self, value: &str, expected: &'static str) -> QueryFault {
        QueryFault::Value {
            name: excerpt(self.name()),
            value: excerpt(value),
            expected,
        }
    }

    fn unknown(&self) -> QueryFault {
        QueryFault::Unknown(excerpt(self.name()))
    }

    /// The one value of a parameter that takes one.
    fn single(&self, expected: &'static str) -> Result<&str, QueryFault> {
        match self.parameter.values.as_slice() {
            [value] => Ok(value),
            values => Err(self.fault(&values.join("|"), expected)),
        }
    }

    fn time(&self) -> Result<OffsetDateTime, QueryFault> {
        let expected = "one RFC 3339 date and time";
        let text = self.single(expected)?;
        read_time(text).ok_or_else(|| self.fault(text, expected))
    }

    fn count(&self) -> Result<u32, QueryFault> {
        let expected = "one whole number of at least 1";
        let text = self.single(expected)?;
        let count = text.parse().ok().filter(|count| *count > 0);
        count.ok_or_else(|| self.fault(text, expected))
    }

    fn order_by(&self) -> Result<OrderBy, QueryFault> {
        match self.single("eventTime or recordTime")? {
            "eventTime" => Ok(OrderBy::EventTime),
            "recordTime" => Ok(OrderBy::RecordTime),
            other if other.contains(':') => Err(QueryFault::Unsupported {
                name: "orderBy".into(),
                why: "events are ordered by eventTime or recordTime, not by extension fields",
            }),
            other => Err(self.fault(other, "eventTime or recordTime")),
        }
    }

    fn is_ascending(&self) -> Result<bool, QueryFault> {
        match self.single("ASC or DESC")? {
            "ASC" => Ok(true),
            "DESC" => Ok(false),
            other => Err(self.fault(other, "ASC or DESC")),
        }
    }

    fn is_true(&self) -> Result<bool, QueryFault> {
        match self.single("true or false")? {
            // The query schema has a null or a number here, the OpenAPI a boolean.
            "true" | "1" | "null" | "" => Ok(true),
            "false" | "0" => Ok(false),
            other => Err(self.fault(other, "true or false")),
        }
    }

    /// The condition, or none where the parameter asks for nothing.
    fn condition(
        &self,
        names: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<Option<Condition>, QueryFault> {
        let name = self.name();
        if name == "eventType" {
            return self.event_type().map(Some);
        }
        let (verb, rest) = name.split_once('_').ok_or_else(|| self.unknown())?;
        let op = match verb {
            "GT" => Op::Gt,
            "GE" => Op::Ge,
            "LT" => Op::Lt,
            "LE" => Op::Le,
            "EQ" => return self.equal(rest, names).map(Some),
            "WD" => return self.within(rest).map(Some),
            "MATCH" => return self.matching(rest).map(Some),
            "EXISTS" => return self.exists(rest, names),
            "HASATTR" | "EQATTR" => {
                return Err(QueryFault::Unsupported {
                    name: excerpt(name),
                    why: "master data are statements of their own here, not attributes",
                });
            }
            _ => return Err(self.unknown()),
        };
        self.compared(op, rest, names).map(Some)
    }

    fn made(&self, fields: Vec<String>, test: Test) -> Condition {
        let fields = fields.into_iter().collect();
        Condition {
            parameter: self.name().to_owned(),
            any: vec![Sought { fields, test }],
        }
    }

    fn any_of(&self, field: &str, one_form: impl Fn(&str) -> String) -> Condition {
        let values = self.parameter.values.iter();
        let values = values.map(|value| one_form(value)).collect();
        self.made(vec![field.to_owned()], Test::AnyOf(values))
    }

    fn event_type(&self) -> Result<Condition, QueryFault> {
        let known = |value: &String| EventType::parse(value).is_some();
        match self.parameter.values.iter().find(|value| !known(value)) {
            Some(other) => Err(self.fault(other, "one of the five EPCIS event types")),
            None => Ok(self.any_of("eventType", str::to_owned)),
        }
    }

    fn equal(
        &self,
        rest: &str,
        names: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<Condition, QueryFault> {
        let names_of_standard = Names::default();
        let whole = |text: &str| names_of_standard.expand(text).into_owned();
        if rest == "action" {
            let known = ["ADD", "OBSERVE", "DELETE"];
            let other = self
                .parameter
                .values
                .iter()
                .find(|v| !known.contains(&v.as_str()));
            return match other {
                Some(other) => Err(self.fault(other, "ADD, OBSERVE or DELETE")),
                None => Ok(self.any_of("action", str::to_owned)),
            };
        }
        if let Some((field, vocabulary)) = WORDS.iter().find(|word| word.0 == rest) {
            let word = |text: &str| names_of_standard.word(*vocabulary, text).into_owned();
            return Ok(self.any_of(field, word));
        }
        if TEXTS.contains(&rest) {
            return Ok(self.any_of(rest, str::to_owned));
        }
        match rest {
            "readPoint" | "bizLocation" | "deviceID" | "transformationID" => {
                return Ok(self.any_of(rest, |text| canonical(text).into_owned()));
            }
            "microorganism"
            | "chemicalSubstance"
            | "uriValue"
            | "dataProcessingMethod"
            | "bizRules"
            | "rawData"
            | "deviceMetadata"
            | "coordinateReferenceSystem" => return Ok(self.any_of(rest, whole)),
            "hexBinaryValue" => return Ok(self.any_of(rest, str::to_ascii_uppercase)),
            "booleanValue" => {
                let value = self.is_true()?.to_string();
                return Ok(self.made(vec![rest.into()], Test::AnyOf([value].into())));
            }
            "percRank" | "quantity" => {
                let numbers = self.numbers()?;
                return Ok(self.made(vec![rest.into()], measured(numbers)));
            }
            _ => {}
        }
        for (prefix, vocabulary) in [
            ("bizTransaction", Vocabulary::BizTransactionType),
            ("source", Vocabulary::SourceDestType),
            ("destination", Vocabulary::SourceDestType),
        ] {
            let kind = rest.strip_prefix(prefix).and_then(|r| r.strip_prefix('_'));
            if let Some(kind) = kind {
                let kind = names_of_standard.word(vocabulary, kind);
                let field = format!("{prefix}_{kind}");
                return Ok(self.any_of(&field, |text| canonical(text).into_owned()));
            }
        }
        if let Some((key, uom)) = measured_name(rest) {
            let numbers = self.numbers()?;
            let base = |number| in_base(key, uom, number).1;
            let field = in_base(key, uom, 0.0).0;
            let numbers = numbers.into_iter().map(base).collect();
            return Ok(self.made(vec![field], measured(numbers)));
        }
        let fields = self.extension_fields(rest, names)?;
        Ok(self.made(fields, Test::OneOf(values_of(&self.parameter.values))))
    }

    fn numbers(&self) -> Result<Vec<f64>, QueryFault> {
        let read = |text: &String| {
            let number = read_number(text);
            number.ok_or_else(|| self.fault(text, "a number"))
        };
        self.parameter.values.iter().map(read).collect()
    }

    fn within(&self, rest: &str) -> Result<Condition, QueryFault> {
        match rest {
            "readPoint" | "bizLocation" => Ok(self.any_of(&format!("{rest}:within"), |text| {
                canonical(text).into_owned()
            })),
            _ => Err(self.unknown()),
        }
    }

    fn matching(&self, rest: &str) -> Result<Condition, QueryFault> {
        let found = MATCHES.iter().find(|row| row.0 == rest);
        let (_, fields) = found.ok_or_else(|| self.unknown())?;
        let (mut exact, mut of_class) = (BTreeSet::new(), BTreeSet::new());
        for text in &self.parameter.values {
            let (pattern, text) = match text.strip_prefix("urn:epc:idpat:lgtin:") {
                Some(rest) => (true, format!("urn:epc:idpat:sgtin:{rest}")),
                None => (text.starts_with("urn:epc:idpat:"), text.clone()),
            };
            let expected = "an EPC, a class, or a pattern that ends in .*";
            let identity = Identity::parse(&text).map_err(|why| QueryFault::Identity {
                name: excerpt(self.name()),
                value: excerpt(&text),
                why,
            })?;
            if pattern && matches!(identity, Identity::Other(_)) {
                return Err(self.fault(&text, expected));
            }
            // A pattern finds what is of its class, and the class itself. Of a GTIN the pattern is only the
            // other form, so that both find the same.
            if pattern || matches!(identity, Identity::Class { .. }) {
                of_class.insert(identity.canonical());
            }
            exact.insert(identity.canonical());
        }
        let sought = |suffix: &str, texts| Sought {
            fields: fields
                .iter()
                .map(|field| format!("{field}{suffix}"))
                .collect(),
            test: Test::AnyOf(texts),
        };
        let mut any = vec![sought("", exact)];
        if !of_class.is_empty() {
            any.push(sought(":class", of_class));
        }
        let parameter = self.name().to_owned();
        Ok(Condition { parameter, any })
    }

    fn exists(
        &self,
        rest: &str,
        names: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<Option<Condition>, QueryFault> {
        if !self.is_true()? {
            return Ok(None);
        }
        let fields = match rest {
            "errorDeclaration" | "sensorElementList" => vec![rest.to_owned()],
            _ => self.extension_fields(rest, names)?,
        };
        Ok(Some(self.made(fields, Test::Exists)))
    }

    fn compared(
        &self,
        op: Op,
        rest: &str,
        names: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<Condition, QueryFault> {
        let is_time = matches!(rest, "time" | "startTime" | "endTime");
        // The OpenAPI has errorDeclarationTime, the query schema errorDeclaration_Time.
        let is_declared = matches!(rest, "errorDeclarationTime" | "errorDeclaration_Time");
        if is_time || is_declared {
            if !matches!(op, Op::Ge | Op::Lt) {
                return Err(self.unknown());
            }
            let field = if is_declared {
                "errorDeclarationTime"
            } else {
                rest
            };
            return Ok(self.made(vec![field.to_owned()], Test::Time(op, self.time()?)));
        }
        let expected = "one number";
        let number = || {
            let text = self.single(expected)?;
            read_number(text).ok_or_else(|| self.fault(text, expected))
        };
        if matches!(rest, "percRank" | "quantity") {
            return Ok(self.made(vec![rest.to_owned()], Test::Compared(op, number()?)));
        }
        if let Some((key, uom)) = measured_name(rest) {
            let (field, number) = in_base(key, uom, number()?);
            return Ok(self.made(vec![field], Test::Compared(op, number)));
        }
        let fields = self.extension_fields(rest, names)?;
        let expected = "one number, or one RFC 3339 date and time";
        let text = self.single(expected)?;
        let number = read_number(text).and_then(|_| Decimal::parse(text));
        let test = match (number, read_time(text)) {
            (Some(number), _) => Test::Number(op, number),
            (None, Some(time)) => Test::Time(op, time),
            (None, None) => return Err(self.fault(text, expected)),
        };
        Ok(self.made(fields, test))
    }

    /// The fields of an extension's name: one for each namespace that its prefix may stand for.
    fn extension_fields(
        &self,
        rest: &str,
        names: &dyn Fn(&str) -> Vec<String>,
    ) -> Result<Vec<String>, QueryFault> {
        let inner = rest.strip_prefix("INNER_");
        let (inner, rest) = (inner.is_some(), inner.unwrap_or(rest));
        let (prefix, scope) = SCOPES
            .iter()
            .find(|(prefix, _)| rest.starts_with(prefix))
            .expect("the last prefix is empty");
        let name = &rest[prefix.len()..];
        let is_named = name
            .split_once(':')
            .is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
        if !is_named {
            return Err(self.unknown());
        }
        let names = names(name).into_iter();
        Ok(names
            .map(|name| extension_field(scope, inner, &name))
            .collect())
    }
}

/// `value_CEL` and the like: the value's name and its unit.
fn measured_name(rest: &str) -> Option<(&'static str, &str)> {
    let (key, uom) = rest.split_once('_')?;
    let key = MEASURED.iter().find(|known| **known == key)?;
    unit::is_code(uom).then_some((*key, uom))
}

fn measured(mut numbers: Vec<f64>) -> Test {
    numbers.sort_unstable_by(f64::total_cmp);
    Test::Measured(numbers)
}

fn values_of(texts: &[String]) -> Values {
    let mut values = Values::default();
    for text in texts {
        if let Some(number) = read_number(text) {
            values.indexed.push(number);
            values.numbers.extend(Decimal::parse(text));
        }
        values.times.extend(read_time(text));
        values.texts.insert(text.clone());
    }
    values
}

fn read_number(text: &str) -> Option<f64> {
    // `inf`, `nan` and `+1` are numbers of Rust and not of JSON.
    let looks = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let number: f64 = looks.then(|| text.parse().ok())??;
    number.is_finite().then_some(number)
}

/// A plus sign that was not percent-encoded arrives as a space.
fn read_time(text: &str) -> Option<OffsetDateTime> {
    instant(text).or_else(|| instant(&text.replace(' ', "+")))
}

fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}
