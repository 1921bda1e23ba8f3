//! How parameters are read. What each finds is tested in `tests/epcis/queries.rs`.

use std::collections::BTreeSet;

use super::*;
use crate::domain::decimal::Decimal;
use crate::domain::epcis::{Fact, FactValue, Field};

/// Reads parameters as an address has them; `ex:` stands for two namespaces.
fn read(query: &str) -> Result<EventQuery, QueryFault> {
    let parameter = |pair: &str| {
        let (name, values) = pair.split_once('=').unwrap();
        Parameter {
            name: name.to_owned(),
            values: values.split('|').map(str::to_owned).collect(),
        }
    };
    let parameters: Vec<Parameter> = query.split('&').map(parameter).collect();
    read_query(&parameters, &|name| match name.strip_prefix("ex:") {
        Some(local) => vec![format!("https://a/{local}"), format!("https://b/{local}")],
        None => vec![name.to_owned()],
    })
}

fn only(query: &str) -> Condition {
    let mut read = read(query).unwrap();
    assert_eq!(read.conditions.len(), 1, "{query}");
    read.conditions.remove(0)
}

fn texts(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[test]
fn a_query_without_order_shows_the_latest_events_first() {
    let query = read("EQ_action=ADD").unwrap();
    assert_eq!(
        (query.order_by, query.ascending),
        (OrderBy::EventTime, false)
    );
    let query = read("orderBy=recordTime&orderDirection=ASC").unwrap();
    assert_eq!(
        (query.order_by, query.ascending),
        (OrderBy::RecordTime, true)
    );
}

#[test]
fn the_end_of_a_span_is_not_in_it() {
    let query =
        read("GE_eventTime=2026-06-01T00:00:00Z&LT_eventTime=2026-06-02T00:00:00Z").unwrap();
    let (from, until) = (
        query.event_time.from.unwrap(),
        query.event_time.until.unwrap(),
    );
    assert!(query.event_time.holds(from));
    assert!(!query.event_time.holds(until));
    assert!(query.event_time.holds(until - time::Duration::NANOSECOND));
    assert_eq!(query.record_time, Span::default());
    // A plus sign that was not encoded is a space when it is read.
    let spaced = read("GE_eventTime=2026-06-01T08:00:00 08:00").unwrap();
    assert_eq!(spaced.event_time.from, Some(from));
}

#[test]
fn a_class_and_its_pattern_find_the_same() {
    let class = "https://id.gs1.org/01/09521041001012";
    let other = "https://id.gs1.org/01/09521041000015";
    let condition = only(&format!(
        "MATCH_epcClass={class}|urn:epc:idpat:sgtin:9521041.000001.*"
    ));
    let fields: Vec<&BTreeSet<String>> = condition.any.iter().map(|s| &s.fields).collect();
    assert_eq!(fields, [&texts(&["epcClass"]), &texts(&["epcClass:class"])]);
    assert_eq!(condition.any[0].test, Test::AnyOf(texts(&[class, other])));
    assert_eq!(condition.any[1].test, Test::AnyOf(texts(&[class, other])));
    let [by_link, by_urn] = [other, "urn:epc:idpat:sgtin:9521041.000001.*"];
    for parameter in [
        "MATCH_epc",
        "MATCH_anyEPC",
        "MATCH_epcClass",
        "MATCH_anyEPCClass",
    ] {
        let [by_link, by_urn] = [by_link, by_urn].map(|text| only(&format!("{parameter}={text}")));
        assert_eq!(by_link, by_urn);
        assert_eq!(by_link.any.len(), 2);
    }
    // What is finer stands for itself alone.
    assert_eq!(only(&format!("MATCH_epc={class}/21/S1")).any.len(), 1);
    assert_eq!(only(&format!("MATCH_epcClass={class}/10/L1")).any.len(), 1);
}

#[test]
fn a_prefix_stands_for_every_namespace_that_was_declared_for_it() {
    let condition = only("GT_ILMD_ex:grade=6.50");
    assert_eq!(
        condition.any[0].fields,
        texts(&["ILMD/https://a/grade", "ILMD/https://b/grade"])
    );
    let number = Decimal::parse("6.5").unwrap();
    assert_eq!(condition.any[0].test, Test::Number(Op::Gt, number));
}

#[test]
fn a_value_of_an_extension_is_all_that_it_can_be_read_as() {
    let Test::OneOf(values) = &only("EQ_ex:a=7|seven|2026-06-01T00:00:00Z").any[0].test else {
        panic!("values of an extension");
    };
    assert_eq!(values.texts.len(), 3);
    assert_eq!(
        values.numbers,
        BTreeSet::from([Decimal::parse("7").unwrap()])
    );
    assert_eq!(values.indexed, [7.0]);
    assert_eq!(values.times.len(), 1);
}

#[test]
fn measured_values_are_compared_in_one_unit_and_as_near_as_units_convert() {
    let holds = |query: &str, number: f64| {
        let condition = only(query);
        let field = condition.any[0].fields.first().unwrap().clone();
        let facts = vec![Fact {
            field: Field::Written(field.into()),
            value: FactValue::Number(number),
        }];
        condition.holds(&FactsByField::new(facts))
    };
    assert!(holds("EQ_value_FAH=300|77|-40", 25.0 + 273.15));
    assert!(holds("EQ_value_FAH=77", 25.0 + 273.15 + 1e-13));
    assert!(!holds("EQ_value_FAH=300|78|-40", 25.0 + 273.15));
    assert!(!holds("GT_value_CEL=25", 25.0 + 273.15));
    assert!(holds("GE_value_CEL=25", 25.0 + 273.15));
}

#[test]
fn a_condition_has_few_fields_or_many_beside_the_facts_of_an_event() {
    let fact = |field: &str, text: &str| Fact {
        field: Field::Written(field.into()),
        value: FactValue::Text(text.to_owned().into()),
    };
    let condition = only("EQ_ex:a=x");
    let one = [fact("/https://b/a", "x")];
    let many: Vec<Fact<'_>> = (0..9)
        .map(|n| fact(&format!("/https://c/{n}"), "x"))
        .collect();
    let both = [many.as_slice(), one.as_slice()].concat();
    assert!(condition.holds(&FactsByField::new(one.to_vec())));
    assert!(condition.holds(&FactsByField::new(both)));
    assert!(!condition.holds(&FactsByField::new(many)));
    assert!(!condition.holds(&FactsByField::new(vec![fact("/https://b/a", "y")])));
    assert!(!condition.holds(&FactsByField::new(Vec::new())));
}

#[test]
fn a_query_has_limits() {
    let many = |count: usize| vec!["x"; count].join("|");
    assert!(read(&format!("EQ_ex:a={}", many(MAX_VALUES))).is_ok());
    assert_eq!(
        read(&format!("EQ_ex:a={}", many(MAX_VALUES + 1))),
        Err(QueryFault::TooMany)
    );
    let parameters = |count: usize| {
        let all: Vec<String> = (0..count).map(|n| format!("EXISTS_ex:f{n}=true")).collect();
        all.join("&")
    };
    assert!(read(&parameters(MAX_PARAMETERS)).is_ok());
    assert_eq!(
        read(&parameters(MAX_PARAMETERS + 1)),
        Err(QueryFault::TooMany)
    );
}
