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

use auditlog::field::Secret;
use auditlog::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::reach::Reach;
use super::{Found, Loaded, tell};
use crate::domain::epcis::{self, Event};
use crate::domain::gs1::{DigitalLink, Identity, Level, Sscc};
use crate::domain::statement::{About, Draft, Kind, StatementId, StoredStatement};
use crate::domain::story::Story;
use crate::domain::time::timestamp;

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
    let mut found = Found::default();
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
        recorded: timestamp(recorded_at),
        secrets: [Secret([1; 32]), Secret([2; 32])],
    }
    .finish()
    .unwrap();
    StoredStatement {
        id: place(position),
        recorded_at,
        leaf_index: None,
        content: new.content,
        receipt: new.receipt,
        content_secret: new.content_secret,
        receipt_secret: new.receipt_secret,
        digest: new.digest,
    }
}

fn compute(seeds: &[Identity], events: &[(StatementId, Event)]) -> Reach {
    Reach::compute(seeds, events.iter().map(|(id, event)| (*id, event)))
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

/// The URI of a short name; what has no such form is a URI already.
fn uri(name: &str) -> String {
    let Some((kind, which)) = name.split_once(':') else {
        return name.to_owned();
    };
    let path = match kind {
        "tin" => format!("01/09521041001012/21/{which}"),
        "lot" => format!("01/09521041001012/10/{which}"),
        "carton" => format!("01/09521041000022/21/{which}"),
        "carton-lot" => format!("01/09521041000022/10/{which}"),
        "powder" => format!("01/09521041000114/10/{which}"),
        "milk" => format!("01/09521041000015/10/{which}"),
        "class" => format!("01/{which}"),
        "case" => return sscc(1, which),
        "pallet" => return sscc(2, which),
        "truck" => return sscc(3, which),
        "tote" => format!("8003/09521041000015{which}"),
        "logger" => format!("8004/9521041LOG{which}"),
        "room" => format!("414/9522040000006/254/{which}"),
        _ => return name.to_owned(),
    };
    format!("https://id.gs1.org/{path}")
}

fn sscc(kind: u32, which: &str) -> String {
    let number: u32 = which.parse().expect(which);
    let sscc = Sscc::with_check_digit(&format!("0952104{kind}{number:09}")).expect(which);
    DigitalLink::LogisticUnit { sscc }.canonical()
}

/// An event `hours` into June 2026, with more members.
fn event(kind: &str, hours: u32, members: &[String]) -> String {
    let (day, hour) = (1 + hours / 24, hours % 24);
    let members: String = members.iter().map(|member| format!(",{member}")).collect();
    format!(
        r#"{{"type":"{kind}","eventTime":"2026-06-{day:02}T{hour:02}:00:00Z",
        "eventTimeZoneOffset":"+00:00"{members}}}"#
    )
}

fn member(name: &str, value: &str) -> String {
    format!(r#""{name}":"{value}""#)
}

/// Two lists of names: of things, and of what is a class or a lot, ten kilograms each.
fn lists(things: &str, quantities: &str, names: &[&str]) -> Vec<String> {
    let is_quantity = |name: &&&str| {
        let identity = identity(name);
        identity.level() == Some(Level::Class)
    };
    let (classes, instances): (Vec<&&str>, Vec<&&str>) = names.iter().partition(is_quantity);
    let instances = instances.iter().map(|name| format!("\"{}\"", uri(name)));
    let classes = classes.iter().map(|name| kilograms(name, "10"));
    let list = |name: &str, elements: Vec<String>| {
        (!elements.is_empty()).then(|| format!("\"{name}\":[{}]", elements.join(",")))
    };
    let both = [
        list(things, instances.collect()),
        list(quantities, classes.collect()),
    ];
    both.into_iter().flatten().collect()
}

fn kilograms(name: &str, quantity: &str) -> String {
    let class = uri(name);
    format!(r#"{{"epcClass":"{class}","quantity":{quantity},"uom":"KGM"}}"#)
}

/// An AggregationEvent or AssociationEvent.
fn bond(kind: &str, hours: u32, action: &str, parent: &str, children: &[&str]) -> String {
    let mut members = vec![member("action", action), member("parentID", &uri(parent))];
    members.extend(lists("childEPCs", "childQuantityList", children));
    event(kind, hours, &members)
}

fn pack(hours: u32, parent: &str, children: &[&str]) -> String {
    bond("AggregationEvent", hours, "ADD", parent, children)
}

/// Takes out `children`, or, naming none, everything.
fn unpack(hours: u32, parent: &str, children: &[&str]) -> String {
    bond("AggregationEvent", hours, "DELETE", parent, children)
}

fn fasten(hours: u32, parent: &str, children: &[&str]) -> String {
    bond("AssociationEvent", hours, "ADD", parent, children)
}

fn unfasten(hours: u32, parent: &str, children: &[&str]) -> String {
    bond("AssociationEvent", hours, "DELETE", parent, children)
}

/// An ObjectEvent.
fn object(hours: u32, action: &str, names: &[&str], more: &[String]) -> String {
    let mut members = vec![member("action", action)];
    members.extend(lists("epcList", "quantityList", names));
    members.extend(more.iter().cloned());
    event("ObjectEvent", hours, &members)
}

fn see(hours: u32, names: &[&str]) -> String {
    object(hours, "OBSERVE", names, &[])
}

fn step(hours: u32, biz_step: &str, names: &[&str]) -> String {
    object(hours, "OBSERVE", names, &[member("bizStep", biz_step)])
}

/// Makes items known, as of a lot.
fn commission(hours: u32, names: &[&str], lot: &str) -> String {
    let ilmd = format!(r#""ilmd":{{"cbvmda:lotNumber":"{lot}"}}"#);
    object(hours, "ADD", names, &[ilmd])
}

fn make(hours: u32, inputs: &[&str], outputs: &[&str]) -> String {
    let mut members = lists("inputEPCList", "inputQuantityList", inputs);
    members.extend(lists("outputEPCList", "outputQuantityList", outputs));
    event("TransformationEvent", hours, &members)
}

/// The same event with an ID, and as the declaration that it was an error.
fn with_id(text: &str, id: &str) -> String {
    text.replacen('{', &format!(r#"{{"eventID":"{id}","#), 1)
}

fn declared_error(text: &str, id: &str) -> String {
    let declaration = r#"{"errorDeclaration":{"declarationTime":"2026-06-30T00:00:00Z"},"#;
    with_id(text, id).replacen('{', declaration, 1)
}
