//! Trace: from a scanned code to its story.
//!
//! The walk goes from the item to its lot, to the containers that held it while they held it, to the
//! instruments on these, and to what it was made from, as far back as that goes. It never follows a
//! neighbour: another item of the same case, or a product made later from the same lot, is not part
//! of this story.

mod ask;
mod balance;
mod describe;
mod erasures;
mod forward;
mod found;
mod graph;
mod history;
mod issued;
mod line;
mod links;
mod maps;
mod parties;
mod reach;
mod recalls;
mod reveals;
mod reviews;
mod setting;
#[cfg(test)]
mod tests;
mod window;

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::code::CodeKey;
use crate::domain::epcis::{Event, What};
use crate::domain::gs1::{DigitalLink, Identity, Lot};
use crate::domain::statement::{Role, StatementId};
use crate::domain::story::{Lead, OtherLot, Step, Story, Withheld};
use crate::domain::time::LAST;
pub use forward::{
    End, Expected, Leading, Pace, Present, Trail, declared_errors, forward, forward_at, present,
    used_since,
};
use found::{Found, Loaded, Room};
use issued::{IssuedLots, add_issued_lots};
use line::Line;
pub use parties::{PartyRecord, party_records, places_of};
pub use reach::Reach;
use recalls::Sources;
pub use recalls::{Recalls, SaidRecall, recall_said, recalls_of};
pub use setting::setting_of;

/// How many times the walk asks for what the last answer led to. A tin in a case on a pallet in a
/// container, made from powder made from milk, needs six.
const MAX_ROUNDS: usize = 32;

/// Why there is no story.
#[derive(Debug, Error)]
pub enum TraceError {
    /// A stored statement cannot be read.
    #[error("statement {0:?} cannot be read")]
    Unreadable(StatementId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// What was recorded by a time, that time included: a story as it was known then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownAt(pub OffsetDateTime);

impl KnownAt {
    /// Everything that is recorded.
    pub const NOW: KnownAt = KnownAt(LAST);
}

/// What is asked for: what was scanned, and the lot for which its code was issued, if it was.
#[derive(Debug, Clone, Copy)]
pub struct Scanned {
    /// As it was scanned.
    pub link: DigitalLink,
    /// See [`crate::codes::serial_status`].
    pub issued_for: Option<Lot>,
}

impl From<DigitalLink> for Scanned {
    fn from(link: DigitalLink) -> Scanned {
        Scanned {
            link,
            issued_for: None,
        }
    }
}

impl Scanned {
    fn with_lot(&self, lot: Option<Lot>) -> DigitalLink {
        match self.link.gtin().zip(self.link.serial()) {
            Some((gtin, serial)) => DigitalLink::from_parts(gtin, lot, Some(serial)),
            None => self.link,
        }
    }

    /// From where a walk begins. Who issued the code knows better than who wrote the address.
    fn seeds(&self) -> Vec<Identity> {
        let lot = self.issued_for.or(self.link.lot());
        self.with_lot(lot).identities()
    }

    /// It as it is on record: with the lot that events give it, else with the one that it was issued for, else with
    /// whatever the address says. An address that says none is whole without.
    fn on_record(&self, own_lots: &[Lot]) -> DigitalLink {
        let written = self.link.lot();
        if written.or(self.issued_for).is_none() {
            return self.link;
        }
        let recorded = written.filter(|lot| own_lots.contains(lot));
        let recorded = recorded.or(own_lots.first().copied());
        self.with_lot(recorded.or(self.issued_for).or(written))
    }
}

/// Everything held about `subject`. The transaction must act for the merchant that owns it, and whose codes the key made.
/// How one thing led to another is for [`story_with_leads`].
pub async fn story(
    conn: &mut PgConnection,
    of: (Uuid, &CodeKey),
    subject: Scanned,
    known_at: KnownAt,
) -> Result<Story, TraceError> {
    Ok(whole_story(conn, of, subject, known_at).await?.0)
}

/// The same, with its leads.
pub async fn story_with_leads(
    conn: &mut PgConnection,
    of: (Uuid, &CodeKey),
    subject: Scanned,
    known_at: KnownAt,
) -> Result<Story, TraceError> {
    let (mut story, found, issued) = whole_story(conn, of, subject, known_at).await?;
    let reach = Reach::walk(&subject.seeds(), found.events(), &issued, true);
    let happened: HashMap<StatementId, OffsetDateTime> = found
        .events()
        .map(|(id, event)| (id, event.event_time))
        .collect();
    let mut leads: Vec<&Lead> = reach.leads().collect();
    leads.sort_by(|a, b| {
        let when = |lead: &Lead| lead.by.and_then(|by| happened.get(&by));
        let key = |lead: &Lead| (lead.how, when(lead).copied(), lead.by);
        let ends = (&a.from, &a.to).cmp(&(&b.from, &b.to));
        key(a).cmp(&key(b)).then(ends)
    });
    story.leads = leads.into_iter().cloned().collect();
    Ok(story)
}

async fn whole_story(
    conn: &mut PgConnection,
    (merchant_id, key): (Uuid, &CodeKey),
    subject: Scanned,
    known_at: KnownAt,
) -> Result<(Story, Found, IssuedLots), TraceError> {
    let seeds = subject.seeds();
    let mut found = Found::known_at(known_at, Room::STORY);
    let mut issued = IssuedLots::new();
    // Of what was scanned it is known already.
    issued.extend(
        seeds
            .first()
            .map(|finest| (finest.clone(), subject.issued_for)),
    );
    let mut rounds = 0;
    let reach = loop {
        rounds += 1;
        let walk = |found: &Found| Reach::walk(&seeds, found.events(), &issued, false);
        let settled = {
            let line = Line::of(conn);
            found.settle(&line, merchant_id, MAX_ROUNDS, walk).await?
        };
        let unknown = settled.lotless().filter(|item| !issued.contains_key(item));
        let unknown: Vec<Identity> = unknown.cloned().collect();
        found.truncated |= !unknown.is_empty() && rounds >= MAX_ROUNDS;
        if unknown.is_empty() || found.truncated {
            break settled;
        }
        add_issued_lots(conn, (merchant_id, key), known_at, unknown, &mut issued).await?;
    };
    let recorded = subject.on_record(reach.own_lots());
    let mut story = tell(recorded, &found, &reach);
    let written = subject.link.lot();
    let other = written.filter(|lot| recorded.lot() != Some(*lot));
    story.other_lot = other.map(|lot| OtherLot {
        lot,
        is_as_issued: subject.issued_for == Some(lot),
    });
    // What is said of things has room of its own: a long journey must not cost the product its name.
    let mut said = Found::known_at(known_at, Room::STORY);
    let sources = Sources::of(&reach, &story, subject.issued_for);
    story.processes = balance::processes(&story, &found);
    let names = describe::names_of(&story, &reach).into_iter();
    let names = names.chain(links::names(&story)).chain(sources.names());
    let names = names.chain(reviews::names(&story));
    let names = names.chain(reveals::names(&story));
    let names = names.chain(balance::names(&story));
    said.describe(conn, merchant_id, &names.collect()).await?;
    story.truncated |= said.truncated;
    let described = describe::add_descriptions(&mut story, &said, &reach)?;
    // Who may see what is as it is said now, whatever time the story is told of.
    story.disclosure = if known_at == KnownAt::NOW {
        setting::among(&said)?
    } else {
        setting_of(conn, merchant_id).await?
    };
    history::add_history(&mut story, &described, &found);
    links::add_links(&mut story, &said)?;
    recalls::add_recalls(&mut story, &said, &sources)?;
    reviews::add_reviews(&mut story, &said)?;
    reveals::add_reveals(&mut story, &said)?;
    balance::add_balances(&mut story, &found, &said, &reach)?;
    balance::count_items(conn, merchant_id, &mut story, known_at).await?;
    erasures::add_erasures(conn, merchant_id, &mut story).await?;
    story
        .statements
        .sort_by_key(|s| (s.stored.recorded_at, s.stored.id));
    Ok((story, found, issued))
}

/// The events of the story, in the order in which they happened.
fn tell(subject: DigitalLink, found: &Found, reach: &Reach) -> Story {
    let mut story = Story {
        subject,
        statements: Vec::new(),
        steps: Vec::new(),
        leads: Vec::new(),
        product: None,
        products: HashMap::new(),
        parties: HashMap::new(),
        documents: HashMap::new(),
        first_issued: HashMap::new(),
        links: Vec::new(),
        recalls: Vec::new(),
        reviews: Vec::new(),
        reveals: Vec::new(),
        history: Vec::new(),
        issued: Vec::new(),
        weighed: HashMap::new(),
        processes: Vec::new(),
        accounts: Vec::new(),
        disclosure: None,
        is_on_record: true,
        other_lot: None,
        truncated: found.truncated,
    };
    for (id, via) in reach.events() {
        let Some(loaded) = found.statements.get(&id) else {
            continue;
        };
        let Some(event) = &loaded.event else { continue };
        let mut event = event.clone();
        let withheld = withhold(loaded, &event, reach);
        event
            .what
            .retain(|what| !withheld.content.contains(&format!("/body{}", what.pointer)));
        story.steps.push(Step {
            id,
            event,
            via,
            is_retracted: reach.is_retracted(id),
        });
        story.statements.push(loaded.told(withheld));
    }
    let recorded: HashMap<StatementId, OffsetDateTime> = story
        .statements
        .iter()
        .map(|s| (s.stored.id, s.stored.recorded_at))
        .collect();
    // Events of the same instant: those recorded first come first, so that every reader, and every
    // run, gets the same order.
    story
        .steps
        .sort_by_key(|step| (step.event.event_time, recorded[&step.id], step.id));
    story
}

/// Hides what is about neighbours: list elements, and what the receipt says of them.
fn withhold(loaded: &Loaded, event: &Event, reach: &Reach) -> Withheld {
    let mut withheld = Withheld::default();
    let mut hidden: HashSet<String> = HashSet::new();
    let mut shown: HashSet<String> = HashSet::new();
    for what in &event.what {
        let identity = what.identity.canonical();
        let is_parent = what.pointer == "/parentID";
        if is_parent || reach.contains(&identity) {
            shown.insert(identity);
        } else {
            withheld.content.insert(format!("/body{}", what.pointer));
            hidden.insert(identity);
        }
    }
    for (position, about) in loaded.about.iter().enumerate() {
        let lot_of_another = about.role == Role::Lot && !reach.contains(&about.identity);
        // What else came in the same document is no part of the story.
        let is_capture = about.role == Role::Capture;
        let hides = hidden.contains(&about.identity) && !shown.contains(&about.identity);
        if hides || lot_of_another || is_capture {
            withheld.receipt.insert(format!("/about/{position}"));
        }
    }
    // What is said of the lot that an event made is said of its outputs: if none of them is ours, it is not.
    let makes = |what: &&What| matches!(what.role, Role::Epc | Role::Output);
    let mut made = event.what.iter().filter(makes).peekable();
    if made.peek().is_some() && made.all(|what| hidden.contains(&what.identity.canonical())) {
        withheld.content.insert("/body/ilmd".to_owned());
    }
    withheld
}
