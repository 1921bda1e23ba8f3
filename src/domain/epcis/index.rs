//! From an event to what it is found by.

use std::collections::BTreeSet;

use auditlog::json::Value;

use super::event::Event;
use super::facts::{Fact, FactValue, facts};
use super::names::Names;
use super::query::{every_event, overflow, terms_of};
use super::read::read_event;
use crate::domain::gs1::company_prefix_of_urn;
use crate::domain::posting::{BatchIndex, Term, WordKind};
use crate::domain::time::milliseconds;

/// Terms of one event. One that has more is looked at by every query instead.
pub const MAX_TERMS: usize = 500;
/// Bytes of a word that is listed; a URI in an event has at most 2,048.
const MAX_WORD: usize = 2_048;

/// What one event is found by, beside its identities, which the trace index holds.
#[derive(Debug, Clone, PartialEq)]
pub struct EventTerms {
    /// When it happened, in milliseconds since 1970.
    pub event_ms: i64,
    /// Sorted, each once.
    pub terms: Vec<Term>,
    /// Words that it uses, sorted, each once.
    pub words: Vec<(WordKind, String)>,
}

impl EventTerms {
    /// Adds them to the index of the event's batch; positions ascend.
    pub fn add_to(&self, index: &mut BatchIndex, position: i32) {
        index.push(position, self.event_ms, self.terms.iter().copied());
        for (kind, word) in &self.words {
            index.push_word(*kind, word);
        }
    }
}

/// Adds what a stored event is found by. One that breaks a rule which came after it adds nothing; the trace
/// index has its identities.
pub fn index_stored(index: &mut BatchIndex, position: i32, body: &Value<'_>) {
    if let Ok(event) = read_event(body) {
        event_terms(body, &event, Names::of(body.get("@context"))).add_to(index, position);
    }
}

/// Fields whose values the trace index or the event keys hold.
pub fn is_indexed_elsewhere(field: &str) -> bool {
    matches!(
        field,
        "epc"
            | "parent"
            | "input"
            | "output"
            | "epcClass"
            | "inputClass"
            | "outputClass"
            | "eventID"
    )
}

/// What an event is found by. `names` are those of its effective `@context`.
pub fn event_terms(body: &Value<'_>, event: &Event, names: Names<'_>) -> EventTerms {
    let mut words: BTreeSet<(WordKind, String)> = names
        .declared()
        .map(|(prefix, namespace)| (WordKind::Namespace, format!("{prefix}={namespace}")))
        .collect();
    let facts = facts(body, names);
    let mut terms = BTreeSet::new();
    for fact in &facts {
        words.extend(word(fact));
        if !is_indexed_elsewhere(&fact.field) && terms.len() <= MAX_TERMS {
            terms.extend(terms_of(fact));
        }
    }
    if terms.len() > MAX_TERMS {
        terms = BTreeSet::from([every_event(), overflow()]);
    }
    words.extend(urns(body).map(|prefix| (WordKind::CompanyPrefix, prefix.to_owned())));
    words.retain(|(_, word)| word.len() <= MAX_WORD);
    EventTerms {
        event_ms: milliseconds(event.event_time),
        terms: terms.into_iter().collect(),
        words: words.into_iter().collect(),
    }
}

fn word(fact: &Fact<'_>) -> Option<(WordKind, String)> {
    let kind = match fact.field.as_ref() {
        "bizStep" => WordKind::BizStep,
        "disposition" => WordKind::Disposition,
        "bizLocation" => WordKind::BizLocation,
        "readPoint" => WordKind::ReadPoint,
        "eventType" => WordKind::EventType,
        _ => return None,
    };
    match &fact.value {
        FactValue::Text(text) => Some((kind, text.clone().into_owned())),
        _ => None,
    }
}

/// The company prefixes of the URNs that an event identifies things by.
fn urns<'v>(body: &'v Value<'v>) -> impl Iterator<Item = &'v str> {
    let texts = |key: &'static str| {
        let list = body.get(key).and_then(Value::as_array).unwrap_or_default();
        list.iter().filter_map(|element| {
            let class = element.get("epcClass").and_then(Value::as_str);
            element.as_str().or(class)
        })
    };
    let lists = [
        "epcList",
        "childEPCs",
        "inputEPCList",
        "outputEPCList",
        "quantityList",
        "childQuantityList",
        "inputQuantityList",
        "outputQuantityList",
    ];
    let places = ["readPoint", "bizLocation"].into_iter();
    let places = places.filter_map(|key| body.get(key)?.get("id")?.as_str());
    let parent = body.get("parentID").and_then(Value::as_str);
    lists
        .into_iter()
        .flat_map(texts)
        .chain(places)
        .chain(parent)
        .filter_map(company_prefix_of_urn)
}
