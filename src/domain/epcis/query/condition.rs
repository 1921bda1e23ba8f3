//! One condition: which facts an event must have one of.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use time::OffsetDateTime;

use crate::domain::decimal::Decimal;
use crate::domain::epcis::fact::{Fact, FactValue, Field};
use crate::domain::posting::Term;

/// One condition of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The parameter as the client wrote it.
    pub parameter: String,
    /// Any of which an event must have.
    pub any: Vec<Sought>,
}

/// A fact that is looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Sought {
    /// Any of which may have the value.
    pub fields: BTreeSet<String>,
    /// What its value must be.
    pub test: Test,
}

/// What a fact's value must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Anything.
    Exists,
    /// One of these texts, in their one form.
    AnyOf(BTreeSet<String>),
    /// One of these values, however the event writes it.
    OneOf(Values),
    /// A measured value, equal to one of these, which ascend.
    Measured(Vec<f64>),
    /// A measured value, compared.
    Compared(Op, f64),
    /// A number of an extension, compared.
    Number(Op, Decimal),
    /// A time, compared.
    Time(Op, OffsetDateTime),
}

/// Values of an extension field, with all that they can be read as.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    /// As the client wrote them.
    pub texts: BTreeSet<String>,
    /// Those that are numbers.
    pub numbers: BTreeSet<Decimal>,
    /// The same as they are indexed.
    pub indexed: Vec<f64>,
    /// Those that are instants.
    pub times: BTreeSet<OffsetDateTime>,
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

/// The facts of one event by their fields: an event may have ten thousand of them, and a query a hundred
/// conditions.
#[derive(Debug)]
pub struct FactsByField<'v>(HashMap<Field, Vec<FactValue<'v>>>);

impl<'v> FactsByField<'v> {
    /// Sorts them.
    pub fn new(facts: Vec<Fact<'v>>) -> FactsByField<'v> {
        let mut by_field: HashMap<Field, Vec<FactValue<'v>>> = HashMap::new();
        for fact in facts {
            by_field.entry(fact.field).or_default().push(fact.value);
        }
        FactsByField(by_field)
    }

    /// Whether one is what is sought.
    fn has(&self, sought: &Sought) -> bool {
        let holds = |values: &Vec<FactValue<'_>>| values.iter().any(|v| sought.test.holds(v));
        // A prefix may stand for a thousand namespaces: of both sides the shorter is gone through.
        if sought.fields.len() < self.0.len() {
            let mut fields = sought.fields.iter();
            return fields.any(|field| self.0.get(field.as_str()).is_some_and(holds));
        }
        let mut facts = self.0.iter();
        facts.any(|(field, values)| sought.fields.contains(&**field) && holds(values))
    }
}

impl Condition {
    /// Whether an event with these facts fulfils it.
    pub fn holds(&self, facts: &FactsByField<'_>) -> bool {
        self.any.iter().any(|sought| facts.has(sought))
    }
}

impl Sought {
    /// Terms of which an event that has such a fact in a field of `fields` has at least one.
    pub fn terms_in<'s>(&self, fields: impl IntoIterator<Item = &'s String>) -> Vec<Term> {
        let mut terms = Vec::new();
        for field in fields {
            match &self.test {
                Test::AnyOf(texts) => terms.extend(texts.iter().map(|text| Term::of(field, text))),
                Test::OneOf(values) => {
                    terms.extend(values.texts.iter().map(|text| Term::of(field, text)));
                    terms.extend(values.indexed.iter().map(|n| number_term(field, *n)));
                    terms.extend(values.times.iter().map(|time| time_term(field, *time)));
                }
                // Ranges and measured values are found by the field alone: see docs/performance.md.
                _ => terms.push(Term::exists(field)),
            }
        }
        terms
    }
}

/// The terms under which a fact is indexed.
pub fn terms_of<'t>(fact: &'t Fact<'_>) -> impl Iterator<Item = Term> + 't {
    let field = &*fact.field;
    // Only extensions are asked for by an exact number or instant; their fields have a scope.
    let is_extension = field.contains('/');
    let value = match &fact.value {
        FactValue::Present | FactValue::Number(_) => None,
        FactValue::Text(text) => Some(Term::of(field, text)),
        // As a float: the index may find too much, and the number itself decides.
        FactValue::Decimal(text) => text.parse().ok().map(|n: f64| number_term(field, n)),
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
            (Test::AnyOf(texts), FactValue::Text(text)) => texts.contains(text.as_ref()),
            (Test::OneOf(values), FactValue::Text(text)) => values.texts.contains(text.as_ref()),
            (Test::OneOf(values), FactValue::Decimal(text)) => {
                Decimal::parse(text).is_some_and(|number| values.numbers.contains(&number))
            }
            (Test::OneOf(values), FactValue::Time(time)) => values.times.contains(time),
            (Test::Measured(numbers), FactValue::Number(number)) => {
                // If any is near enough, then one of the two nearest is.
                let above = numbers.partition_point(|known| known < number);
                let nearest = &numbers[above.saturating_sub(1)..numbers.len().min(above + 1)];
                let equal = |n: &f64| compare(*number, *n) == Some(Ordering::Equal);
                nearest.iter().any(equal)
            }
            (Test::Compared(op, number), FactValue::Number(found)) => {
                compare(*found, *number).is_some_and(|ordering| op.holds(ordering))
            }
            (Test::Number(op, number), FactValue::Decimal(text)) => {
                Decimal::parse(text).is_some_and(|found| op.holds(found.cmp(number)))
            }
            (Test::Time(op, time), FactValue::Time(found)) => op.holds(found.cmp(time)),
            _ => false,
        }
    }
}
