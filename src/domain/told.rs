//! What somebody is told of a story: what its merchant keeps to itself is taken out, after what does not add up was
//! looked for in all of it. Nothing that shows a story to others takes a [`Story`] itself.

mod citations;

use std::collections::{HashMap, HashSet};

use auditlog::json::{self, Value};

use self::citations::Citations;
pub use self::citations::is_alias;
use super::disclosure::{Audience, Disclosure, Field, Hidden, Hiding, masked};
use super::epcis::{Event, PartyRef, Quantity};
use super::finding::{Contradiction, Finding, findings};
use super::gs1::Identity;
use super::history::Changed;
use super::master::Document;
use super::route::{Completeness, completeness};
use super::statement::{About, Kind, Role, StatementId};
use super::story::{Step, Story, StoryStatement, Withheld, above};

/// A story as somebody may see it.
#[derive(Debug, Clone)]
pub struct Told {
    /// The story, without what its audience may not see.
    pub story: Story,
    /// What does not add up, the gravest first: nothing of it is hidden.
    pub findings: Vec<Finding>,
    /// What of its product's route is on record.
    pub completeness: Option<Completeness>,
    /// How many fields its merchant keeps from this audience. A proof names each, and shows none.
    pub kept_back: usize,
}

impl Told {
    /// A story for an audience.
    pub fn to(story: Story, audience: Audience) -> Told {
        let mut told = Told {
            findings: findings(&story),
            // Of a code that is on no record, nothing was to be expected.
            completeness: completeness(&story).filter(|_| story.is_on_record),
            story,
            kept_back: 0,
        };
        if audience != Audience::Merchant {
            told.keep_back(audience);
        }
        told
    }

    fn keep_back(&mut self, audience: Audience) {
        let said = self.story.disclosure.take();
        let setting = Setting {
            rules: said.map(|said| said.value).unwrap_or_default(),
            audience,
        };
        let mut citations = Citations::of(&self.story, &setting);
        let steps = self.story.steps.iter_mut();
        let mut events: HashMap<StatementId, &mut Event> =
            steps.map(|step| (step.id, &mut step.event)).collect();
        let mut things = Things::default();
        for statement in &mut self.story.statements {
            let mut hidden = setting.hidden_in(statement);
            match events.get_mut(&statement.stored.id) {
                Some(event) => hide_in_event(event, statement, &mut hidden, &mut citations),
                None if statement.kind == Kind::Document => {
                    citations.hide_in_document(statement, &mut hidden);
                }
                None => {}
            }
            self.kept_back += hidden.add_to(&mut statement.withheld);
            if statement.kind != Kind::Event {
                things.add(statement, hidden);
            }
        }
        self.mend_history(&things, &citations);
        self.mend_documents(&citations);
        self.mend_descriptions(&setting);
        for finding in &mut self.findings {
            if let Contradiction::OtherRegime { document, .. }
            | Contradiction::IssuedTooLate { document, .. } = &mut finding.what
            {
                *document = citations.name_of(document).to_owned();
            }
        }
    }

    /// Documents without what is hidden of them, under the names by which they are cited now.
    fn mend_documents(&mut self, citations: &Citations) {
        let documents = std::mem::take(&mut self.story.documents);
        for (uri, mut said) in documents {
            let [number, issuer] = citations.of_document(&uri);
            if issuer.is_some() {
                said.value.issued_by = None;
            }
            if let Some((alias, of_alias)) = citations.alias(&uri) {
                let mut said = said.clone();
                said.value.uri = alias.to_owned();
                hide_number(&mut said.value, number.max(of_alias));
                self.story.documents.insert(alias.to_owned(), said);
            }
            if citations.is_shown(&uri) {
                hide_number(&mut said.value, number);
                self.story.documents.insert(uri, said);
            }
        }
    }

    fn mend_descriptions(&mut self, setting: &Setting) {
        let is_hidden = |field: Field| setting.hiding(field, None).is_some();
        let story = &mut self.story;
        for party in story.parties.values_mut() {
            *party = party.clone().told_to(&setting.rules, setting.audience);
        }
        if is_hidden(Field::Yield) {
            let own = story.product.iter_mut().map(|said| &mut said.value);
            let products = own.chain(story.products.values_mut());
            for product in products.chain(story.weighed.values_mut()) {
                product.yields = None;
            }
        }
        if is_hidden(Field::CodesIssued) {
            story.issued.clear();
        }
    }

    /// What was changed in a hidden field is as hidden as what stands there now, whatever was said of it before: a number
    /// may have been taken away since. What nobody may know to be there has no history either.
    fn mend_history(&mut self, things: &Things, citations: &Citations) {
        if self.story.history.is_empty() {
            return;
        }
        let named: HashSet<String> = self.story.steps.iter().flat_map(named_parties).collect();
        self.story.history.retain_mut(|change| {
            // The steps of a story are told to everybody.
            if !matches!(change.of, Changed::Called(_)) {
                return true;
            }
            let Some(thing) = things.of.get(&change.described) else {
                return false;
            };
            let is_known = match thing.kind {
                Kind::Document => thing
                    .about
                    .iter()
                    .any(|one| citations.is_cited(&one.identity)),
                Kind::Party => thing.about.iter().any(|one| named.contains(&one.identity)),
                _ => true,
            };
            let hidden = things.hidden.get(thing);
            change.fields.retain_mut(|field| {
                let Some(hiding) = hidden.and_then(|hidden| hidden.over(&field.pointer)) else {
                    return true;
                };
                for value in [&mut field.old, &mut field.new] {
                    *value = value.as_deref().map(masked_json);
                }
                hiding == Hiding::Masked
            });
            is_known && !change.fields.is_empty()
        });
    }
}

fn hide_number(document: &mut Document, hiding: Option<Hiding>) {
    match hiding {
        None => {}
        Some(Hiding::Masked) => document.number = document.number.as_deref().map(masked),
        Some(Hiding::Whole) => document.number = None,
    }
}

/// The parties and places that a step names still.
fn named_parties(step: &Step) -> impl Iterator<Item = String> {
    let event = &step.event;
    let places = event.read_point.iter().chain(&event.biz_location);
    let parties = event.sources.iter().chain(&event.destinations);
    let parties = parties.map(|party| &party.identity);
    places.chain(parties).map(Identity::canonical)
}

/// What something was said of.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Thing {
    kind: Kind,
    about: Vec<About>,
}

impl Thing {
    fn of(statement: &StoryStatement) -> Thing {
        let about = About::list(&statement.stored.receipt).into_iter();
        Thing {
            kind: statement.kind,
            about: about.flatten().collect(),
        }
    }
}

/// The things of which something was said.
#[derive(Default)]
struct Things {
    /// By what was said of each.
    of: HashMap<StatementId, Thing>,
    /// What is hidden of any of that.
    hidden: HashMap<Thing, Hiders>,
}

impl Things {
    fn add(&mut self, statement: &StoryStatement, hidden: Hiders) {
        let thing = Thing::of(statement);
        let known = self.hidden.entry(thing.clone()).or_default();
        known.0.extend(hidden.0);
        self.of.insert(statement.stored.id, thing);
    }
}

/// What of a body is hidden, by pointer.
#[derive(Default)]
struct Hiders(HashMap<String, (Field, Hiding)>);

impl Hiders {
    fn add(&mut self, hidden: Hidden) {
        let known = self.0.entry(hidden.pointer);
        let known = known.or_insert((hidden.field, hidden.hiding));
        known.1 = known.1.max(hidden.hiding);
    }

    fn at(&self, pointer: &str) -> Option<Hiding> {
        self.0.get(pointer).map(|(_, hiding)| *hiding)
    }

    /// What becomes of a field by what is hidden of it, or above it.
    fn over(&self, pointer: &str) -> Option<Hiding> {
        above(pointer).filter_map(|pointer| self.at(pointer)).max()
    }

    /// Hides only what stands below.
    fn move_below(&mut self, pointer: &str, below: &str) {
        if let Some(hidden) = self.0.remove(pointer) {
            self.0.insert(format!("{pointer}{below}"), hidden);
        }
    }

    /// Withholds it all, and says how much of it was shown before.
    fn add_to(&self, withheld: &mut Withheld) -> usize {
        let pointers = self.0.keys().map(|pointer| format!("/body{pointer}"));
        let new: Vec<String> = pointers.filter(|one| withheld.shows_content(one)).collect();
        let count = new.len();
        withheld.content.extend(new);
        count
    }
}

/// The rules, and for whom they are asked.
struct Setting {
    rules: Disclosure,
    audience: Audience,
}

impl Setting {
    fn hiding(&self, field: Field, of: Option<&str>) -> Option<Hiding> {
        self.rules.hiding(field, of, self.audience)
    }

    fn hidden_in(&self, statement: &StoryStatement) -> Hiders {
        let content = json::parse(&statement.stored.content).ok();
        let body = content.as_ref().and_then(|content| content.get("body"));
        let mut hiders = Hiders::default();
        let hidden = body.map(|body| self.rules.hidden(statement.kind, body, self.audience));
        hidden.into_iter().flatten().for_each(|one| hiders.add(one));
        hiders
    }
}

/// Takes out of an event what is hidden of it, and out of its receipt what that names. Adds to what is hidden the
/// citations by which a document's hidden number would be told.
fn hide_in_event(
    event: &mut Event,
    statement: &mut StoryStatement,
    hidden: &mut Hiders,
    citations: &mut Citations,
) {
    let named = names(event);
    citations.hide_in_event(event, hidden);
    let is_gone = |list: &str, place: usize| hidden.at(&format!("/{list}/{place}")).is_some();
    keep_by_place(&mut event.sources, |place| !is_gone("sourceList", place));
    keep_by_place(&mut event.destinations, |place| {
        !is_gone("destinationList", place)
    });
    for what in &mut event.what {
        if hidden.at(&format!("{}/quantity", what.pointer)).is_some() {
            what.quantity = Some(Quantity::UNTOLD);
        }
    }
    let mut extensions = hidden.0.iter();
    if extensions.any(|(at, (field, _))| *field == Field::Extension && at.ends_with("sealNumber")) {
        event.seal = None;
    }
    let left = names(event);
    let gone: HashSet<&(Role, String)> = named.difference(&left).collect();
    if !gone.is_empty() {
        withhold(&mut statement.withheld, &statement.stored.receipt, &gone);
    }
}

fn keep_by_place<T>(list: &mut Vec<T>, keeps: impl Fn(usize) -> bool) {
    let mut place = 0;
    list.retain(|_| {
        place += 1;
        keeps(place - 1)
    });
}

/// What an event names beside its goods and its places, as its receipt has it.
fn names(event: &Event) -> HashSet<(Role, String)> {
    let party = |role: Role| move |party: &PartyRef| (role, party.identity.canonical());
    let transactions = event.biz_transactions.iter();
    let transactions = transactions.map(|cited| (Role::BizTransaction, cited.uri.clone()));
    let certificates = event.certifications.iter();
    let certificates = certificates.map(|uri| (Role::Certification, uri.clone()));
    let sources = event.sources.iter().map(party(Role::Source));
    let destinations = event.destinations.iter().map(party(Role::Destination));
    let parties = sources.chain(destinations);
    transactions.chain(certificates).chain(parties).collect()
}

fn withhold(withheld: &mut Withheld, receipt: &str, gone: &HashSet<&(Role, String)>) {
    for (place, about) in About::list(receipt).into_iter().enumerate() {
        let is_gone = about.is_some_and(|about| gone.contains(&(about.role, about.identity)));
        if is_gone {
            withheld.receipt.insert(format!("/about/{place}"));
        }
    }
}

/// A JSON text of which the last characters stay, where it is a string.
fn masked_json(value: &str) -> String {
    match json::parse(value).ok().as_ref().and_then(Value::as_str) {
        Some(text) => Value::String(masked(text).into()).to_compact(),
        None => Value::String(masked("").into()).to_compact(),
    }
}
