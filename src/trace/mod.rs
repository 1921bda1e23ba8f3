//! Trace: from a scanned code to its story.
//!
//! The walk goes from the item to its lot, to the containers that held it while they held it, to the
//! instruments on these, and to what it was made from, as far back as that goes. It never follows a
//! neighbour: another item of the same case, or a product made later from the same lot, is not part
//! of this story.

mod describe;
mod graph;
mod links;
mod parties;
mod reach;
#[cfg(test)]
mod tests;
mod window;

use std::collections::{BTreeMap, HashMap, HashSet};

use auditlog::json;
use sqlx::PgConnection;
use thiserror::Error;
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::domain::epcis::{self, Event, What};
use crate::domain::gs1::DigitalLink;
use crate::domain::identity_key::identity_key;
use crate::domain::statement::{About, Kind, Role, StatementId, StoredStatement};
use crate::domain::story::{Lead, Step, Story, StoryStatement, Withheld};
use crate::store::statement::statements_about;
pub use parties::{PartyRecord, party_records};
pub use reach::Reach;

/// Statements that one story looks at. A tin has thirty; a hostile graph stops here.
const MAX_STATEMENTS: usize = 4_000;
/// Their content. A tin's story has 30 KB; an event that lists 10,000 tins alone has 600 KB.
const MAX_CONTENT_BYTES: usize = 32 << 20;
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
    pub const NOW: KnownAt = KnownAt(datetime!(9999-12-31 23:59:59.999 UTC));
}

/// Everything held about `subject`. The transaction must act for the merchant that owns it. How one thing
/// led to another is for [`story_with_leads`].
pub async fn story(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    subject: DigitalLink,
    known_at: KnownAt,
) -> Result<Story, TraceError> {
    Ok(whole_story(conn, merchant_id, subject, known_at).await?.0)
}

/// The same, with its leads.
pub async fn story_with_leads(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    subject: DigitalLink,
    known_at: KnownAt,
) -> Result<Story, TraceError> {
    let (mut story, found) = whole_story(conn, merchant_id, subject, known_at).await?;
    let reach = Reach::with_leads(&subject.identities(), found.events());
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
    merchant_id: Uuid,
    subject: DigitalLink,
    known_at: KnownAt,
) -> Result<(Story, Found), TraceError> {
    let seeds = subject.identities();
    let mut found = Found::known_at(known_at);
    let mut reach = Reach::from_seeds(&seeds);
    for _ in 0..MAX_ROUNDS {
        let new = found.unasked(reach.wanted());
        if new.is_empty() || found.truncated || reach.is_cut_off() {
            break;
        }
        found.load(conn, merchant_id, new).await?;
        reach = Reach::compute(&seeds, found.events());
    }
    found.truncated |= reach.is_cut_off() || !found.unasked(reach.wanted()).is_empty();
    let mut story = tell(subject, &found, &reach);
    describe::add_descriptions(conn, merchant_id, &mut story, &found, &reach).await?;
    links::add_links(conn, merchant_id, &mut story, known_at).await?;
    story
        .statements
        .sort_by_key(|s| (s.stored.recorded_at, s.stored.id));
    Ok((story, found))
}

/// Statements that were loaded, by where they are stored.
struct Found {
    known_at: KnownAt,
    statements: BTreeMap<StatementId, Loaded>,
    /// The identities that were asked for.
    asked: HashSet<String>,
    content_bytes: usize,
    truncated: bool,
}

/// A statement that was loaded and read.
struct Loaded {
    stored: StoredStatement,
    kind: Kind,
    issuer: String,
    about: Vec<About>,
    event: Option<Event>,
}

impl Found {
    fn known_at(known_at: KnownAt) -> Found {
        Found {
            known_at,
            statements: BTreeMap::new(),
            asked: HashSet::new(),
            content_bytes: 0,
            truncated: false,
        }
    }

    fn unasked<'n>(&self, names: impl Iterator<Item = &'n String>) -> HashSet<String> {
        names
            .filter(|name| !self.asked.contains(*name))
            .cloned()
            .collect()
    }

    /// Adds what is held about the identities.
    async fn load(
        &mut self,
        conn: &mut PgConnection,
        merchant_id: Uuid,
        identities: HashSet<String>,
    ) -> Result<(), TraceError> {
        let keys: Vec<i64> = identities
            .iter()
            .map(|identity| identity_key(identity))
            .collect();
        let (until, limit) = (self.known_at.0, MAX_STATEMENTS as i64 + 1);
        let rows = statements_about(conn, merchant_id, &keys, until, limit).await?;
        self.truncated |= rows.len() > MAX_STATEMENTS;
        for stored in rows {
            if self.statements.contains_key(&stored.id) {
                continue;
            }
            let bytes = self.content_bytes + stored.content.len();
            if self.statements.len() >= MAX_STATEMENTS || bytes > MAX_CONTENT_BYTES {
                self.truncated = true;
                break;
            }
            let loaded = Loaded::read(stored)?;
            // Keys are eight bytes of a hash: what merely collides is not about any of these.
            let is_about = |about: &About| identities.contains(&about.identity);
            if loaded.about.iter().any(is_about) {
                self.content_bytes = bytes;
                self.statements.insert(loaded.stored.id, loaded);
            }
        }
        self.asked.extend(identities);
        Ok(())
    }

    fn events(&self) -> impl Iterator<Item = (StatementId, &Event)> {
        self.statements
            .iter()
            .filter_map(|(id, loaded)| Some((*id, loaded.event.as_ref()?)))
    }
}

impl Loaded {
    fn read(stored: StoredStatement) -> Result<Loaded, TraceError> {
        let unreadable = TraceError::Unreadable(stored.id);
        Loaded::try_read(stored).ok_or(unreadable)
    }

    fn try_read(stored: StoredStatement) -> Option<Loaded> {
        let content = json::parse(&stored.content).ok()?;
        let receipt = json::parse(&stored.receipt).ok()?;
        let kind = Kind::parse(content.get("kind")?.as_str()?)?;
        let mut event = match kind {
            Kind::Event => Some(epcis::read_event(content.get("body")?).ok()?),
            _ => None,
        };
        let about = receipt.get("about")?.as_array()?;
        let about = about
            .iter()
            .map(|text| About::parse(text.as_str()?))
            .collect::<Option<Vec<_>>>()?;
        if let Some(event) = &mut event {
            drop_unnamed(event, &about);
        }
        let issuer = content.get("issuer")?.as_str()?.to_owned();
        Some(Loaded {
            kind,
            issuer,
            about,
            event,
            stored,
        })
    }
}

/// Receipts did not always name the lots that links write beside serials, nor transformations. What a receipt
/// does not name connects nothing: no proof could show the way.
fn drop_unnamed(event: &mut Event, about: &[About]) {
    if !about.iter().any(|about| about.role == Role::Transformation) {
        event.transformation_id = None;
    }
    let lots = about.iter().filter(|about| about.role == Role::Lot);
    let named: HashSet<&str> = lots.map(|about| about.identity.as_str()).collect();
    for what in &mut event.what {
        let lot = what.lot_of_link().map(|lot| lot.canonical());
        if lot.is_some_and(|lot| !named.contains(lot.as_str())) {
            what.lot = None;
        }
    }
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
        links: Vec::new(),
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
        story.statements.push(StoryStatement {
            stored: loaded.stored.clone(),
            kind: loaded.kind,
            issuer: loaded.issuer.clone(),
            withheld,
        });
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
