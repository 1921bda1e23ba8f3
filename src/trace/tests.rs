//! The walk over small records, each claim with its negative twin.
//!
//! A record is a list of labelled events; a test says which labels make up the story of a thing.
//! Things have short names, such as `tin:A`; see [`uri`].

mod containers;
mod demo;
mod hostile;
mod ingredients;
mod link_lots;
mod order;
mod withheld;

#[path = "../../tests/support/chain.rs"]
mod chain;

use auditlog::field::Secret;
use auditlog::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::reach::Reach;
use super::{Found, KnownAt, Loaded, Room, tell};
use crate::domain::epcis::{self, Event};
use crate::domain::gs1::{self, DigitalLink, Identity};
use crate::domain::statement::{About, Draft, Kind, StatementId, StoredStatement};
use crate::domain::story::Story;
use crate::domain::time::timestamp;
use chain::*;

/// Labelled events, in the order in which they were recorded.
struct Record {
    labels: Vec<&'static str>,
    events: Vec<(StatementId, Event)>,
}

impl Record {
    fn of<const N: usize>(events: [(&'static str, String); N]) -> Record {
        Record {
            labels: events.iter().map(|(label, _)| *label).collect(),
            events: numbered(events.iter().map(|(_, text)| read(text))),
        }
    }

    fn reach(&self, names: &[&str]) -> Reach {
        let seeds: Vec<Identity> = names.iter().map(|name| identity(name)).collect();
        compute(&seeds, &self.events)
    }

    /// The labels of the events that belong to the story of what `names` names, finest first.
    fn story(&self, names: &[&str]) -> Vec<&'static str> {
        let reach = self.reach(names);
        assert!(!reach.is_cut_off());
        reach
            .events()
            .map(|(id, _)| self.labels[id.position as usize])
            .collect()
    }
}

/// The story as `trace::story` tells it once everything is loaded, without the descriptions.
fn told(subject: DigitalLink, bodies: &[String]) -> Story {
    let mut found = Found::known_at(KnownAt::NOW, Room::STORY);
    for (position, body) in (0..).zip(bodies) {
        let loaded = Loaded::read(stored(position, body)).expect(body);
        found.statements.insert(loaded.stored.id, loaded);
    }
    let reach = Reach::compute(&subject.identities(), found.events());
    tell(subject, &found, &reach)
}

fn stored(position: i32, body: &str) -> StoredStatement {
    let recorded_at = OffsetDateTime::UNIX_EPOCH;
    let value = json::parse(body).expect(body);
    let event = epcis::read_event(&value).expect(body);
    let new = Draft {
        kind: Kind::Event,
        body: &value.to_compact(),
        issuer: "https://id.gs1.org/417/9521041000008",
        about: epcis::about(&event),
        happened: event.event_time,
        turns: event.turns(),
        recorded: timestamp(recorded_at),
        secrets: [Secret([1; 32]), Secret([2; 32])],
        signature: None,
    }
    .finish()
    .unwrap();
    StoredStatement {
        id: place(position),
        recorded_at,
        leaf_index: None,
        content: new.content,
        receipt: new.receipt,
        content_salts: new.content_secret.into(),
        receipt_secret: new.receipt_secret,
        digest: new.digest,
    }
}

fn compute(seeds: &[Identity], events: &[(StatementId, Event)]) -> Reach {
    Reach::with_leads(seeds, events.iter().map(|(id, event)| (*id, event)))
}

/// Gives each event the place at which it was recorded.
fn numbered(events: impl Iterator<Item = Event>) -> Vec<(StatementId, Event)> {
    (0..).map(place).zip(events).collect()
}

fn place(position: i32) -> StatementId {
    StatementId {
        batch_id: Uuid::from_u128(7),
        position,
    }
}

fn read(text: &str) -> Event {
    let value = json::parse(text).expect(text);
    epcis::read_event(&value).expect(text)
}

fn identity(name: &str) -> Identity {
    Identity::parse(&uri(name)).expect(name)
}

fn has(reach: &Reach, name: &str) -> bool {
    reach.contains(&identity(name).canonical())
}
