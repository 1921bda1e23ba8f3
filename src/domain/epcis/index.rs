//! From an event to what it is found by.

use std::collections::HashMap;
use std::sync::Arc;

use auditlog::json::Value;

use super::event::Event;
use super::fact::{Fact, FactValue};
use super::facts::{MAX_WRITTEN_BYTES, indexed_facts};
use super::names::Names;
use super::query::{every_event, overflow, terms_of};
use crate::domain::gs1::company_prefix_of_urn;
use crate::domain::posting::{BatchIndex, Term, WordKind};
use crate::domain::time::milliseconds;

/// Terms of one event. One that has more is looked at by every query instead.
pub const MAX_TERMS: usize = 500;
/// Bytes of a word that is listed; a URI in an event has at most 2,048.
const MAX_WORD: usize = 2_048;
/// Facts whose terms are remembered: some 25 of most documents, whose events say the same of step, place
/// and parties. What each event says anew would only fill the memory.
const MAX_REMEMBERED: usize = 1_024;
/// Bytes of a fact that is remembered; long texts seldom come twice.
const MAX_REMEMBERED_BYTES: usize = 256;

/// A word with what it is a word of.
pub type Word = (WordKind, Arc<str>);

/// What one event is found by, beside its identities, which the trace index holds.
#[derive(Debug, Clone, PartialEq)]
pub struct EventTerms {
    /// When it happened, in milliseconds since 1970.
    pub event_ms: i64,
    /// Sorted, each once.
    pub terms: Vec<Term>,
    /// Words that it uses; some may repeat.
    pub words: Vec<Word>,
    /// What prefixes stand for in it.
    pub namespaces: Arc<[Word]>,
}

impl EventTerms {
    /// Adds them to the index of the event's batch; positions ascend.
    pub fn add_to(&self, index: &mut BatchIndex, position: i32) {
        index.push(position, self.event_ms, self.terms.iter().copied());
        for (kind, word) in self.words.iter().chain(&*self.namespaces) {
            index.push_word(*kind, word);
        }
    }
}

/// The names of an effective `@context`, and what the index lists of them: made once for all events to
/// which the context applies.
#[derive(Debug)]
pub struct ListedNames<'c> {
    names: Names<'c>,
    words: Arc<[Word]>,
}

impl<'c> ListedNames<'c> {
    /// Of these names.
    pub fn of(names: Names<'c>) -> ListedNames<'c> {
        let words = names
            .declared()
            .map(|(prefix, namespace)| {
                (WordKind::Namespace, format!("{prefix}={namespace}").into())
            })
            .filter(is_listed)
            .collect();
        ListedNames { names, words }
    }
}

fn is_listed((_, word): &Word) -> bool {
    word.len() <= MAX_WORD
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

/// Tells what events are found by, and remembers the hashes of what many of them say.
#[derive(Debug, Default)]
pub struct Indexer {
    remembered: HashMap<Box<[u8]>, Indexed>,
    key: Vec<u8>,
}

/// What one fact puts into the index.
#[derive(Debug, Clone)]
struct Indexed {
    /// That there is the field, and that it has the value.
    terms: [Option<Term>; 2],
    word: Option<Word>,
}

impl Indexer {
    /// What an event is found by that is to be let in: `None` where more than [`MAX_WRITTEN_BYTES`] of names and
    /// words are written out. `names` are those of its effective `@context`.
    pub fn new_event_terms(
        &mut self,
        body: &Value<'_>,
        event: &Event,
        names: &ListedNames<'_>,
    ) -> Option<EventTerms> {
        let facts = indexed_facts(body, event, &names.names, MAX_WRITTEN_BYTES)?;
        Some(self.terms(&facts, (body, event), names))
    }

    /// What a stored event is found by, which may be from before there was that limit.
    pub fn event_terms(
        &mut self,
        body: &Value<'_>,
        event: &Event,
        names: &ListedNames<'_>,
    ) -> EventTerms {
        let facts = indexed_facts(body, event, &names.names, usize::MAX).unwrap_or_default();
        self.terms(&facts, (body, event), names)
    }

    fn terms(
        &mut self,
        facts: &[Fact<'_>],
        (body, event): (&Value<'_>, &Event),
        names: &ListedNames<'_>,
    ) -> EventTerms {
        let mut words = Vec::with_capacity(8);
        let mut terms = Vec::with_capacity(64);
        let mut too_many = false;
        for fact in facts {
            let found = self.indexed(fact);
            words.extend(found.word);
            if too_many {
                continue;
            }
            terms.extend(found.terms.into_iter().flatten());
            // A hundred readings say many times that there is a time.
            if terms.len() > 4 * MAX_TERMS {
                too_many = sorted(&mut terms) > MAX_TERMS;
            }
        }
        if sorted(&mut terms) > MAX_TERMS {
            terms = vec![every_event(), overflow()];
            sorted(&mut terms);
        }
        let prefixes = urns(body).map(|prefix| (WordKind::CompanyPrefix, prefix.into()));
        words.extend(prefixes);
        words.retain(is_listed);
        EventTerms {
            event_ms: milliseconds(event.event_time),
            terms,
            words,
            namespaces: Arc::clone(&names.words),
        }
    }

    /// Adds what a stored event is found by, which carries its own `@context`, to the index of its batch.
    pub fn add_stored(
        &mut self,
        index: &mut BatchIndex,
        position: i32,
        body: &Value<'_>,
        event: &Event,
    ) {
        let names = ListedNames::of(Names::of(body.get("@context")));
        self.event_terms(body, event, &names)
            .add_to(index, position);
    }

    fn indexed(&mut self, fact: &Fact<'_>) -> Indexed {
        let repeats = write_key(fact, &mut self.key) && self.key.len() <= MAX_REMEMBERED_BYTES;
        if !repeats {
            return Indexed::of(fact);
        }
        if let Some(known) = self.remembered.get(self.key.as_slice()) {
            return known.clone();
        }
        let found = Indexed::of(fact);
        if self.remembered.len() < MAX_REMEMBERED {
            let key = self.key.as_slice().into();
            self.remembered.insert(key, found.clone());
        }
        found
    }
}

impl Indexed {
    fn of(fact: &Fact<'_>) -> Indexed {
        let mut terms = terms_of(fact);
        Indexed {
            terms: [terms.next(), terms.next()],
            word: word(fact),
        }
    }
}

/// Sorts terms and drops repeats; gives how many are left.
fn sorted(terms: &mut Vec<Term>) -> usize {
    terms.sort_unstable();
    terms.dedup();
    terms.len()
}

/// Writes a fact that may repeat as bytes, no two alike: a field's name holds no zero byte. What was
/// measured, and when, seldom repeats.
fn write_key(fact: &Fact<'_>, key: &mut Vec<u8>) -> bool {
    key.clear();
    key.extend_from_slice(fact.field.as_bytes());
    match &fact.value {
        FactValue::Present => true,
        FactValue::Text(text) => {
            key.push(0);
            key.extend_from_slice(text.as_bytes());
            true
        }
        _ => false,
    }
}

fn word(fact: &Fact<'_>) -> Option<Word> {
    let kind = match &*fact.field {
        "bizStep" => WordKind::BizStep,
        "disposition" => WordKind::Disposition,
        "bizLocation" => WordKind::BizLocation,
        "readPoint" => WordKind::ReadPoint,
        "eventType" => WordKind::EventType,
        _ => return None,
    };
    match &fact.value {
        FactValue::Text(text) => Some((kind, text.as_ref().into())),
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
