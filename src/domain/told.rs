//! What somebody is told of a story: what its merchant keeps to itself is taken out, after what does not add up was
//! looked for in all of it. Nothing that shows a story to others takes a [`Story`] itself.

mod citations;

use std::collections::{HashMap, HashSet};

use auditlog::json::{self, Value};

use self::citations::Citations;
use super::disclosure::{Audience, Disclosure, Field, Hidden, Hiding, masked};
use super::epcis::{Event, PartyRef};
use super::finding::{Contradiction, Finding, findings};
use super::gs1::Identity;
use super::route::{Completeness, completeness};
use super::statement::{About, Kind, Role, StatementId};
use super::story::{Story, StoryStatement, Withheld};

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
            completeness: completeness(&story),
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
        let mut counts: HashMap<StatementId, usize> = HashMap::new();
        let mut is_cut = false;
        for statement in &mut self.story.statements {
            let mut hidden = setting.hidden_in(statement);
            let before = statement.withheld.receipt.len();
            match events.get_mut(&statement.stored.id) {
                Some(event) => hide_in_event(event, statement, &mut hidden, &mut citations),
                None if citations.is_telling(statement) => is_cut = true,
                None => {}
            }
            is_cut |= statement.withheld.receipt.len() > before;
            counts.insert(statement.stored.id, hidden.len());
            let pointers = hidden.into_iter();
            let pointers = pointers.map(|hidden| format!("/body{}", hidden.pointer));
            statement.withheld.content.extend(pointers);
        }
        citations.settle(&self.story);
        self.mend_history(&setting);
        if is_cut {
            self.keep_connected(&citations);
        }
        self.mend_documents(&setting, &citations);
        self.mend_descriptions(&setting);
        for finding in &mut self.findings {
            if let Contradiction::OtherRegime { document, .. }
            | Contradiction::IssuedTooLate { document, .. } = &mut finding.what
            {
                *document = citations.name_of(document).to_owned();
            }
        }
        let kept = self.story.statements.iter();
        self.kept_back = kept.filter_map(|one| counts.get(&one.stored.id)).sum();
    }

    /// Leaves out descriptions that nothing leads to any more: a proof could not show what they are about.
    fn keep_connected(&mut self, citations: &Citations) {
        let subject = self.story.subject.identities();
        let mut reached: HashSet<String> = subject.iter().map(Identity::canonical).collect();
        let mut about: HashMap<StatementId, Vec<String>> = HashMap::new();
        for statement in &self.story.statements {
            about.insert(statement.stored.id, shown_about(statement));
        }
        let mut left: Vec<&StoryStatement> = self.story.statements.iter().collect();
        let mut kept: HashSet<StatementId> = HashSet::new();
        loop {
            let count = left.len();
            left.retain(|statement| {
                let id = statement.stored.id;
                let names = about.get(&id).map_or(&[][..], Vec::as_slice);
                let is_reached = names.iter().any(|name| reached.contains(name));
                let is_kept = is_reached && !citations.is_telling(statement);
                if is_kept {
                    reached.extend(names.iter().flat_map(|name| also_meant(name)));
                    kept.insert(id);
                }
                !is_kept
            });
            if left.len() == count {
                break;
            }
        }
        self.story.statements.retain(|statement| {
            let can_be_spared = !matches!(statement.kind, Kind::Event | Kind::Link | Kind::Recall);
            !can_be_spared || kept.contains(&statement.stored.id)
        });
    }

    /// Documents without what is hidden of them, under the names by which they are cited now.
    fn mend_documents(&mut self, setting: &Setting, citations: &Citations) {
        let documents = std::mem::take(&mut self.story.documents);
        for (uri, mut said) in documents {
            let document = &mut said.value;
            let of = Some(document.document_type.as_str());
            match setting.hiding(Field::DocumentNumber, of) {
                None => {}
                Some(Hiding::Masked) => document.number = document.number.as_deref().map(masked),
                Some(Hiding::Whole) => document.number = None,
            }
            if setting.hiding(Field::DocumentIssuer, of).is_some() {
                document.issued_by = None;
            }
            if citations.is_shown(&uri) {
                self.story.documents.insert(uri.clone(), said.clone());
            }
            if let Some(alias) = citations.alias(&uri) {
                said.value.uri = alias.to_owned();
                self.story.documents.insert(alias.to_owned(), said);
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

    /// What was changed in a hidden field is as hidden as what stands there now. What a description said before is read,
    /// too: a number may have been taken away since.
    fn mend_history(&mut self, setting: &Setting) {
        if self.story.history.is_empty() {
            return;
        }
        let mut hidden_of: HashMap<(Kind, Vec<String>), Vec<Hidden>> = HashMap::new();
        let mut things: HashMap<StatementId, (Kind, Vec<String>)> = HashMap::new();
        for statement in &self.story.statements {
            let thing = (statement.kind, about_of(statement));
            let hidden = setting.hidden_in(statement);
            hidden_of.entry(thing.clone()).or_default().extend(hidden);
            things.insert(statement.stored.id, thing);
        }
        for change in &mut self.story.history {
            let thing = things.get(&change.id);
            let hidden = thing.and_then(|thing| hidden_of.get(thing));
            let hidden = hidden.map_or(&[][..], Vec::as_slice);
            change.fields.retain_mut(|field| {
                let mut over = hidden.iter().filter(|hidden| hidden.covers(&field.pointer));
                let Some(first) = over.next() else {
                    return true;
                };
                for value in [&mut field.old, &mut field.new] {
                    *value = value.as_deref().map(masked_json);
                }
                first.hiding == Hiding::Masked && over.all(|one| one.hiding == Hiding::Masked)
            });
        }
        self.story
            .history
            .retain(|change| !change.fields.is_empty());
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

    fn hidden_in(&self, statement: &StoryStatement) -> Vec<Hidden> {
        let content = json::parse(&statement.stored.content).ok();
        let body = content.as_ref().and_then(|content| content.get("body"));
        let hidden = body.map(|body| self.rules.hidden(statement.kind, body, self.audience));
        hidden.unwrap_or_default()
    }
}

/// Takes out of an event what is hidden of it, and out of its receipt what that names. Adds to what is hidden the
/// citations by which a document's hidden number would be told.
fn hide_in_event(
    event: &mut Event,
    statement: &mut StoryStatement,
    hidden: &mut Vec<Hidden>,
    citations: &mut Citations,
) {
    let named = names(event);
    citations.hide_in(event, hidden);
    let is_gone = |list: &str, place: usize| {
        let pointer = format!("/{list}/{place}");
        hidden.iter().any(|hidden| hidden.pointer == pointer)
    };
    keep_by_place(&mut event.sources, |place| !is_gone("sourceList", place));
    keep_by_place(&mut event.destinations, |place| {
        !is_gone("destinationList", place)
    });
    let of = |field: Field| hidden.iter().filter(move |hidden| hidden.field == field);
    for what in &mut event.what {
        let amount = format!("{}/quantity", what.pointer);
        if of(Field::Quantity).any(|hidden| hidden.pointer == amount) {
            what.quantity = None;
        }
    }
    if of(Field::Extension).any(|hidden| hidden.pointer.ends_with("sealNumber")) {
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
    for (place, about) in about_list(receipt).into_iter().enumerate() {
        let is_gone = about.is_some_and(|about| gone.contains(&(about.role, about.identity)));
        if is_gone {
            withheld.receipt.insert(format!("/about/{place}"));
        }
    }
}

fn about_list(receipt: &str) -> Vec<Option<About>> {
    let receipt = json::parse(receipt).ok();
    let about = receipt.as_ref().and_then(|receipt| receipt.get("about"));
    let about = about.and_then(Value::as_array).unwrap_or_default().iter();
    about.map(|text| About::parse(text.as_str()?)).collect()
}

fn about_of(statement: &StoryStatement) -> Vec<String> {
    let about = about_list(&statement.stored.receipt).into_iter().flatten();
    about.map(|about| about.to_string()).collect()
}

/// The identities that a receipt names and shows.
fn shown_about(statement: &StoryStatement) -> Vec<String> {
    let about = about_list(&statement.stored.receipt).into_iter();
    let shown = about.enumerate().filter(|(place, _)| {
        let pointer = format!("/about/{place}");
        statement.withheld.shows_receipt(&pointer)
    });
    shown
        .filter_map(|(_, about)| Some(about?.identity))
        .collect()
}

/// What else is meant where something is named: of goods, their product.
fn also_meant(name: &str) -> impl Iterator<Item = String> {
    let class = Identity::parse(name).ok();
    let class = class.and_then(|identity| identity.without_qualifiers());
    let class = class.map(|class| class.canonical());
    class.into_iter().chain([name.to_owned()])
}

/// A JSON text of which the last characters stay, where it is a string.
fn masked_json(value: &str) -> String {
    match json::parse(value).ok().as_ref().and_then(Value::as_str) {
        Some(text) => Value::String(masked(text).into()).to_compact(),
        None => Value::String(masked("").into()).to_compact(),
    }
}
