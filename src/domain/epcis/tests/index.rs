//! What events are found by.

use std::collections::BTreeSet;

use auditlog::json;
use proptest::prelude::*;

use super::super::facts::facts;
use super::super::index::{EventTerms, Indexer, ListedNames, MAX_TERMS, is_indexed_elsewhere};
use super::super::query::{overflow, terms_of};
use super::super::*;
use super::valid::{ALL, OBJECT};
use crate::domain::posting::{BatchIndex, Term, WordKind};

fn terms(indexer: &mut Indexer, text: &str) -> EventTerms {
    let value = json::parse(text).unwrap();
    let event = read_event(&value).unwrap();
    let names = ListedNames::of(Names::of(value.get("@context")));
    indexer.event_terms(&value, &event, &names)
}

/// The terms of all facts that queries ask events for.
fn terms_by_facts(text: &str) -> BTreeSet<Term> {
    let value = json::parse(text).unwrap();
    let facts = facts(&value, Names::of(value.get("@context")));
    let indexed = facts
        .iter()
        .filter(|fact| !is_indexed_elsewhere(&fact.field));
    indexed.flat_map(terms_of).collect()
}

#[test]
fn an_event_is_indexed_by_every_fact_that_the_trace_index_does_not_hold() {
    let mut indexer = Indexer::default();
    for event in ALL {
        let expected = terms_by_facts(event);
        assert!(expected.len() > 5);
        let found = terms(&mut indexer, event).terms;
        assert_eq!(found, Vec::from_iter(expected), "{event}");
    }
}

#[test]
fn facts_of_other_events_change_no_terms() {
    // The same bytes as a text, as a number, as an instant, and in another field.
    let extended = |member: &str| OBJECT.replacen('{', &format!("{{{member},"), 1);
    let events = [
        extended(r#""ex:a":"7""#),
        extended(r#""ex:a":7"#),
        extended(r#""ex:a":7.0"#),
        extended(r#""ex:a7":"""#),
        extended(r#""ex:a":"2026-06-05T00:00:00Z""#),
        extended(r#""ex:a":"2026-06-05T01:00:00+01:00""#),
    ];
    let mut remembering = Indexer::default();
    let found = || events.iter().chain(&events);
    let together: Vec<_> = found()
        .map(|event| terms(&mut remembering, event))
        .collect();
    let alone: Vec<_> = found()
        .map(|event| terms(&mut Indexer::default(), event))
        .collect();
    assert_eq!(together, alone);
    let different: BTreeSet<_> = alone.iter().map(|event| &event.terms).collect();
    assert_eq!(different.len(), events.len());
}

#[test]
fn an_event_from_before_is_found_by_all_it_says_however_long_its_names() {
    let with = |bytes: usize| {
        let own = r#"{"own":"https://own.example/"}"#;
        let context = format!(r#"{own},{{"x":"https://x.example/{}"}}"#, "n".repeat(bytes));
        let readings = vec![r#"{"x:b":1}"#; 9_000].join(",");
        let long = OBJECT.replacen(own, &context, 1);
        long.replacen('{', &format!("{{\"x:a\":[{readings}],"), 1)
    };
    for (bytes, is_taken) in [(1_000, true), (2_000, false)] {
        let text = with(bytes);
        let found = terms(&mut Indexer::default(), &text);
        let terms = found.terms.clone();
        assert_eq!(terms, Vec::from_iter(terms_by_facts(&text)));
        assert!(!terms.contains(&overflow()) && !found.words.is_empty());
        let value = json::parse(&text).unwrap();
        let event = read_event(&value).unwrap();
        let names = ListedNames::of(Names::of(value.get("@context")));
        let new = Indexer::default().new_event_terms(&value, &event, &names);
        let new = new.map(|new| (new.terms, new.words));
        assert_eq!(new, is_taken.then_some((terms, found.words)), "{bytes}");
    }
}

#[test]
fn an_event_of_too_many_terms_is_looked_at_by_every_query() {
    let with = |count: usize| {
        let members: String = (0..count).map(|i| format!("\"ex:m{i}\":true,")).collect();
        OBJECT.replacen('{', &format!("{{{members}"), 1)
    };
    // Each member has two terms.
    let most = (MAX_TERMS - terms_by_facts(OBJECT).len()) / 2;
    for (count, overflows) in [(most, false), (most + 1, true), (3 * MAX_TERMS, true)] {
        let found = terms(&mut Indexer::default(), &with(count)).terms;
        assert_eq!(found.contains(&overflow()), overflows, "{count}");
        assert_eq!(found.len() == 2, overflows, "{count}");
        if !overflows {
            assert_eq!(found, Vec::from_iter(terms_by_facts(&with(count))));
        }
    }
}

#[test]
fn a_stored_event_is_indexed_with_its_words_and_the_namespaces_of_its_context() {
    let value = json::parse(OBJECT).unwrap();
    let mut index = BatchIndex::default();
    let event = read_event(&value).unwrap();
    Indexer::default().add_stored(&mut index, 0, &value, &event);
    let words: BTreeSet<_> = index.words().collect();
    for word in [
        (WordKind::BizStep, "commissioning"),
        (WordKind::EventType, "ObjectEvent"),
        (WordKind::CompanyPrefix, "9521041"),
        (WordKind::Namespace, "own=https://own.example/"),
    ] {
        assert!(words.contains(&word), "{word:?} is not in {words:?}");
    }
    assert!(!words.contains(&(WordKind::Namespace, "ex=https://ns.example.com/epcis/")));
}

proptest! {
    #[test]
    fn an_indexer_that_has_seen_much_finds_what_a_new_one_finds(numbers in prop::collection::vec(0..60_u32, 1..40)) {
        let mut indexer = Indexer::default();
        // More facts than are remembered, some of them longer.
        for number in 0..1_100 {
            terms(&mut indexer, &with_note(number, 10));
        }
        for number in numbers {
            let event = with_note(number * 40, (number * 8) as usize);
            prop_assert_eq!(terms(&mut indexer, &event), terms(&mut Indexer::default(), &event));
        }
    }
}

fn with_note(number: u32, padding: usize) -> String {
    format!(
        r#"{{"type":"ObjectEvent","action":"OBSERVE","eventTime":"2026-06-05T10:20:00Z",
        "eventTimeZoneOffset":"+00:00","epcList":[],"ex:n":"{number}{}"}}"#,
        "x".repeat(padding)
    )
}
