//! Adding to a story what its events only point at: products, parties and places, documents, and how
//! many codes were issued.

use std::collections::HashSet;

use auditlog::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::reach::Reach;
use super::{Found, Loaded, TraceError};
use crate::domain::gs1::Identity;
use crate::domain::master;
use crate::domain::statement::{Kind, Role};
use crate::domain::story::{Described, Story, StoryStatement, Withheld};

/// Loads and adds the descriptions of everything that the story names.
pub(super) async fn add_descriptions(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    story: &mut Story,
    reach: &Reach,
) -> Result<(), TraceError> {
    let named = names(story, reach);
    let mut descriptions = Found::default();
    descriptions.load(conn, merchant_id, &named).await?;
    story.truncated |= descriptions.truncated;
    let mut loaded: Vec<&Loaded> = descriptions.statements.values().collect();
    loaded.sort_by_key(|loaded| (loaded.stored.recorded_at, loaded.stored.id));
    for loaded in loaded
        .into_iter()
        .filter(|loaded| describes(loaded, &named, reach))
    {
        add(story, loaded)?;
        story.statements.push(StoryStatement {
            stored: loaded.stored.clone(),
            kind: loaded.kind,
            issuer: loaded.issuer.clone(),
            withheld: Withheld::default(),
        });
    }
    Ok(())
}

/// Every identity and document that a reader of the story will want to see named.
fn names(story: &Story, reach: &Reach) -> HashSet<String> {
    let mut names: HashSet<String> = HashSet::new();
    let mut class = |identity: &Identity| {
        if let Some(gtin) = identity.gtin() {
            names.insert(Identity::Class { gtin }.canonical());
        }
    };
    story.subject.identities().iter().for_each(&mut class);
    for step in &story.steps {
        step.event
            .what
            .iter()
            .for_each(|what| class(&what.identity));
    }
    // Codes are issued for a lot; the lot of an item may be known from its events alone.
    if let Some(gtin) = story.subject.gtin() {
        let lots = format!("{}/10/", Identity::Class { gtin }.canonical());
        names.extend(
            reach
                .identities()
                .filter(|name| name.starts_with(&lots))
                .cloned(),
        );
    }
    for step in &story.steps {
        let event = &step.event;
        let places = [&event.read_point, &event.biz_location]
            .into_iter()
            .flatten();
        let parties = event
            .sources
            .iter()
            .chain(&event.destinations)
            .map(|p| &p.identity);
        names.extend(places.chain(parties).map(Identity::canonical));
        names.extend(event.certifications.iter().cloned());
        names.extend(
            event
                .biz_transactions
                .iter()
                .map(|transaction| transaction.uri.clone()),
        );
    }
    names
}

/// Whether a statement describes something of this story, rather than another lot of its product.
fn describes(loaded: &Loaded, named: &HashSet<String>, reach: &Reach) -> bool {
    match loaded.kind {
        Kind::Event => false,
        Kind::Issuance => {
            let mut lots = loaded
                .about
                .iter()
                .filter(|about| about.role == Role::Lot)
                .peekable();
            lots.peek().is_none() || lots.any(|about| reach.contains(&about.identity))
        }
        _ => loaded
            .about
            .iter()
            .any(|about| named.contains(&about.identity)),
    }
}

/// Keeps what a description says. Statements come oldest first, so the last one stands.
fn add(story: &mut Story, loaded: &Loaded) -> Result<(), TraceError> {
    let unreadable = || TraceError::Unreadable(loaded.stored.id);
    let content = json::parse(&loaded.stored.content).map_err(|_| unreadable())?;
    let body = content.get("body").ok_or_else(unreadable)?;
    match loaded.kind {
        Kind::Product => {
            let product = master::read_product(body).map_err(|_| unreadable())?;
            if story.subject.gtin() == Some(product.gtin) {
                story.product = Some(Described {
                    value: product.clone(),
                    id: loaded.stored.id,
                    recorded_at: loaded.stored.recorded_at,
                });
            }
            story.products.insert(product.gtin, product);
        }
        Kind::Party => {
            let party = master::read_party(body).map_err(|_| unreadable())?;
            for identity in [&party.party, &party.place].into_iter().flatten() {
                story.parties.insert(identity.canonical(), party.clone());
            }
        }
        Kind::Document => {
            let document = master::read_document(body).map_err(|_| unreadable())?;
            story.documents.insert(document.uri.clone(), document);
        }
        Kind::Event | Kind::Issuance => {}
    }
    Ok(())
}
