//! One condition: which facts an event must have one of.

use std::cmp::Ordering;

use time::OffsetDateTime;

use crate::domain::epcis::facts::{Fact, FactValue};
use crate::domain::posting::Term;

/// One condition of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The parameter as the client wrote it.
    pub parameter: String,
    /// Any of which may have the value.
    pub fields: Vec<String>,
    /// What its value must be.
    pub test: Test,
}

/// What a fact's value must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Anything.
    Exists,
    /// One of these texts, in their one form.
    AnyOf(Vec<String>),
    /// One of these texts, or the number or instant that it reads as, however the event writes it.
    OneOf(Vec<Scalar>),
    /// A measured value, equal to one of these.
    Measured(Vec<f64>),
    /// A number, compared.
    Number(Op, f64),
    /// A time, compared.
    Time(Op, OffsetDateTime),
}

/// A value of an extension field, with all that it can be read as.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// As the client wrote it.
    pub text: String,
    /// Where it is a number.
    pub number: Option<f64>,
    /// Where it is an instant.
    pub time: Option<OffsetDateTime>,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

impl Op {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Op::Gt => ordering.is_gt(),
            Op::Ge => ordering.is_ge(),
            Op::Lt => ordering.is_lt(),
            Op::Le => ordering.is_le(),
        }
    }
}

/// Converted values differ in their last bits: 77 °F is 25 °C. Relative to the greater of both.
const TOLERANCE: f64 = 1e-12;

fn compare(a: f64, b: f64) -> Option<Ordering> {
    if (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()) {
        return Some(Ordering::Equal);
    }
    a.partial_cmp(&b)
}

impl Condition {
    /// Whether an event with these facts fulfils it.
    pub fn holds(&self, facts: &[Fact<'_>]) -> bool {
        facts.iter().any(|fact| {
            self.fields.iter().any(|field| *field == fact.field) && self.test.holds(&fact.value)
        })
    }

    /// Terms of which an event that fulfils it has at least one.
    pub fn terms(&self) -> Vec<Term> {
        let mut terms = Vec::new();
        for field in &self.fields {
            match &self.test {
                Test::AnyOf(texts) => terms.extend(texts.iter().map(|text| Term::of(field, text))),
                Test::OneOf(values) => terms.extend(values.iter().flat_map(|value| {
                    let text = Some(Term::of(field, &value.text));
                    let number = value.number.map(|number| number_term(field, number));
                    let time = value.time.map(|time| time_term(field, time));
                    [text, number, time].into_iter().flatten()
                })),
                _ => terms.push(Term::exists(field)),
            }
        }
        terms.sort_unstable();
        terms.dedup();
        terms
    }
}

/// The terms under which a fact is indexed.
pub fn terms_of<'t>(fact: &'t Fact<'_>) -> impl Iterator<Item = Term> + 't {
    let field = fact.field.as_ref();
    // Only extensions are asked for by an exact number or instant; their fields have a scope.
    let is_extension = field.contains('/');
    let value = match &fact.value {
        FactValue::Present => None,
        FactValue::Text(text) => Some(Term::of(field, text)),
        FactValue::Number(number) => is_extension.then(|| number_term(field, *number)),
        FactValue::Time(time) => is_extension.then(|| time_term(field, *time)),
    };
    [Some(Term::exists(field)), value].into_iter().flatten()
}

/// Texts of events hold no control characters before which these could be mistaken for a text.
fn number_term(field: &str, number: f64) -> Term {
    // Both zeros are one number.
    Term::of(field, &format!("\u{1}{:?}", number + 0.0))
}

fn time_term(field: &str, time: OffsetDateTime) -> Term {
    Term::of(field, &format!("\u{2}{}", time.unix_timestamp_nanos()))
}

impl Test {
    fn holds(&self, value: &FactValue<'_>) -> bool {
        match (self, value) {
            (Test::Exists, _) => true,
            (Test::AnyOf(texts), FactValue::Text(text)) => texts.iter().any(|t| t == text),
            (Test::OneOf(values), FactValue::Text(text)) => values.iter().any(|v| v.text == *text),
            (Test::OneOf(values), FactValue::Number(number)) => {
                values.iter().any(|value| value.number == Some(*number))
            }
            (Test::OneOf(values), FactValue::Time(time)) => {
                values.iter().any(|value| value.time == Some(*time))
            }
            (Test::Measured(numbers), FactValue::Number(number)) => {
                let equal = |n: &f64| compare(*number, *n) == Some(Ordering::Equal);
                numbers.iter().any(equal)
            }
            (Test::Number(op, number), FactValue::Number(found)) => {
                compare(*found, *number).is_some_and(|ordering| op.holds(ordering))
            }
            (Test::Time(op, time), FactValue::Time(found)) => op.holds(found.cmp(time)),
            _ => false,
        }
    }
}
