//! Adding to a story what its events only point at: products, parties and places, documents, and how
//! many codes were issued.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::found::{Found, Loaded, Name, Room};
use super::reach::Reach;
use super::{KnownAt, TraceError, setting};
use crate::domain::forward::Names;
use crate::domain::gs1::{DigitalLink, Identity};
use crate::domain::master::{self, Party};
use crate::domain::statement::{Kind, Role};
use crate::domain::story::{Story, Withheld};
use crate::domain::turn::Turn;

/// Everything that the story wants to see described.
pub(super) fn names_of(story: &Story, reach: &Reach) -> HashSet<Name> {
    let named = names(story).into_iter();
    let named = named.map(|(name, role)| (name, role, Turn::Seen));
    let named = named.chain(issued(story.subject, reach));
    named.chain([setting::name()]).collect()
}

/// Adds the descriptions of that, out of what was said; gives them in the order in which they were recorded.
pub(super) fn add_descriptions<'f>(
    story: &mut Story,
    said: &'f Found,
    reach: &Reach,
) -> Result<Vec<&'f Loaded>, TraceError> {
    let named = names(story);
    let class = story
        .subject
        .gtin()
        .map(|gtin| Identity::Class { gtin }.canonical());
    let mut described = said.in_order();
    described.retain(|loaded| describes(loaded, &named, class.as_deref(), reach));
    for loaded in &described {
        add(story, loaded)?;
        story.statements.push(loaded.told(Withheld::default()));
    }
    Ok(described)
}

/// What codes may have been issued for: the product, and the lots that the walk came to.
fn issued(subject: DigitalLink, reach: &Reach) -> impl Iterator<Item = Name> {
    let class = subject.gtin().map(|gtin| Identity::Class { gtin });
    let class = class.map(|class| (class.canonical(), Role::Product, Turn::Issued));
    let is_ours = move |lot: &&Identity| lot.gtin() == subject.gtin();
    let lots = reach.lots().filter(is_ours);
    class
        .into_iter()
        .chain(lots.map(|lot| (lot.canonical(), Role::Lot, Turn::Issued)))
}

/// Every identity and document that a reader of the story will want to see named, and as what it is described.
/// All of them stand in what the events say, so that a proof connects each description to the subject; who
/// issued a statement does not, and is not named here.
pub(super) fn names(story: &Story) -> HashSet<(String, Role)> {
    let mut names: HashSet<(String, Role)> = HashSet::new();
    let mut class = |identity: &Identity| {
        if let Some(gtin) = identity.gtin() {
            names.insert((Identity::Class { gtin }.canonical(), Role::Product));
        }
    };
    story.subject.identities().iter().for_each(&mut class);
    for step in &story.steps {
        step.event
            .what
            .iter()
            .for_each(|what| class(&what.identity));
    }
    for step in &story.steps {
        let event = &step.event;
        let places = [&event.read_point, &event.biz_location];
        let sources = event.sources.iter().chain(&event.destinations);
        let parties = sources.map(|party| &party.identity);
        let transactions = event.biz_transactions.iter();
        names.extend(
            places
                .into_iter()
                .flatten()
                .chain(parties)
                .map(|identity| (identity.canonical(), role_of(identity))),
        );
        let documents = transactions.map(|transaction| &transaction.uri);
        let documents = documents.chain(&event.certifications);
        names.extend(documents.map(|uri| (uri.clone(), Role::Document)));
    }
    names
}

/// A place or a party, to be described.
pub(super) fn party_name(identity: &Identity) -> Name {
    (identity.canonical(), role_of(identity), Turn::Seen)
}

/// Loads descriptions, and adds them to the names of a forward trace.
pub(super) async fn describe(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    known_at: KnownAt,
    wanted: &HashSet<Name>,
    names: &mut Names,
) -> Result<(), TraceError> {
    let mut found = Found::known_at(known_at, Room::STORY);
    found.describe(conn, merchant_id, wanted).await?;
    for loaded in found.in_order() {
        match loaded.kind {
            Kind::Product => {
                let product = loaded.body(master::read_product)?;
                names.products.insert(product.gtin, product);
            }
            Kind::Party => add_party(&mut names.parties, loaded.body(master::read_party)?),
            Kind::Event
            | Kind::Document
            | Kind::Issuance
            | Kind::Link
            | Kind::Recall
            | Kind::Scan
            | Kind::Review
            | Kind::Reveal
            | Kind::Disclosure
            | Kind::Erasure => {}
        }
    }
    Ok(())
}

fn add_party(parties: &mut HashMap<String, Party>, party: Party) {
    for identity in [&party.party, &party.place].into_iter().flatten() {
        parties.insert(identity.canonical(), party.clone());
    }
}

/// As what a place or a party is described.
fn role_of(identity: &Identity) -> Role {
    match identity {
        Identity::Party { .. } => Role::Party,
        _ => Role::Place,
    }
}

/// Whether a statement describes something of this story, rather than another lot or product.
fn describes(
    loaded: &Loaded,
    named: &HashSet<(String, Role)>,
    class: Option<&str>,
    reach: &Reach,
) -> bool {
    let mut about = loaded.about.iter();
    match loaded.kind {
        // Links, recalls, reviews and uses of hidden codes have limits of their own.
        Kind::Event | Kind::Link | Kind::Recall | Kind::Scan | Kind::Review | Kind::Reveal => false,
        Kind::Disclosure | Kind::Erasure => false,
        // How many codes another product has is its own affair.
        Kind::Issuance => {
            let mut lots = about
                .clone()
                .filter(|about| about.role == Role::Lot)
                .peekable();
            let is_ours = about.any(|about| Some(about.identity.as_str()) == class);
            is_ours && (lots.peek().is_none() || lots.any(|lot| reach.contains(&lot.identity)))
        }
        _ => about.any(|about| named.contains(&(about.identity.clone(), about.role))),
    }
}

/// Keeps what a description says. Statements come oldest first, so the last one stands.
fn add(story: &mut Story, loaded: &Loaded) -> Result<(), TraceError> {
    match loaded.kind {
        Kind::Product => {
            let product = loaded.body(master::read_product)?;
            if story.subject.gtin() == Some(product.gtin) {
                story.product = Some(loaded.described(product.clone()));
            }
            story.products.insert(product.gtin, product);
        }
        Kind::Party => add_party(&mut story.parties, loaded.body(master::read_party)?),
        Kind::Document => {
            let document = loaded.body(master::read_document)?;
            let uri = document.uri.clone();
            if let Some(issued) = &document.issued {
                // Dates of ISO 8601 sort as time does.
                let first = story.first_issued.entry(uri.clone());
                let first = first.or_insert_with(|| issued.clone());
                if issued < first {
                    first.clone_from(issued);
                }
            }
            story.documents.insert(uri, loaded.described(document));
        }
        Kind::Issuance => {
            let issuance = loaded.body(master::read_issuance)?;
            story.issued.push(loaded.described(issuance));
        }
        Kind::Event | Kind::Link | Kind::Recall | Kind::Scan | Kind::Review | Kind::Reveal => {}
        Kind::Disclosure | Kind::Erasure => {}
    }
    Ok(())
}
