//! Which identities an event concerns, and as what.

use super::event::{Event, PartyRef, What};
use crate::domain::gs1::{Identity, Lot};
use crate::domain::statement::{About, Role};

/// The identities of an event with their roles, sorted and without repeats.
pub fn about(event: &Event) -> Vec<About> {
    let mut found = before_transformations(event);
    let id = event.transformation();
    with(
        &mut found,
        id.map(|id| About::new(Role::Transformation, id.canonical())),
    );
    found
}

/// The same as receipts had it at earlier times, where that was another.
pub fn abouts_of_old(event: &Event) -> Vec<Vec<About>> {
    let older = [
        (
            event.transformation().is_some(),
            before_transformations as fn(&Event) -> _,
        ),
        (
            event.what.iter().any(|what| what.lot.is_some()),
            before_lots_of_links,
        ),
    ];
    let differs = older.into_iter().filter(|(differs, _)| *differs);
    differs.map(|(_, about)| about(event)).collect()
}

/// Before an event was about its transformation.
fn before_transformations(event: &Event) -> Vec<About> {
    let mut found = before_lots_of_links(event);
    let lots = lots_of_links(event).map(|lot| About::new(Role::Lot, lot.canonical()));
    with(&mut found, lots);
    found
}

/// Adds to what is sorted.
fn with(found: &mut Vec<About>, more: impl IntoIterator<Item = About>) {
    let known = found.len();
    found.extend(more);
    if found.len() > known {
        About::sort(found);
    }
}

/// Before the lots that links write beside serials were stored.
pub fn before_lots_of_links(event: &Event) -> Vec<About> {
    let mut found: Vec<About> = event
        .what
        .iter()
        .map(|what| About::new(what.role, what.identity.canonical()))
        .collect();
    found.extend(lots(event).map(|lot| About::new(Role::Lot, lot.canonical())));
    let place = |role, place: &Option<Identity>| {
        place
            .as_ref()
            .map(|identity| About::new(role, identity.canonical()))
    };
    found.extend(place(Role::ReadPoint, &event.read_point));
    found.extend(place(Role::BizLocation, &event.biz_location));
    let party = |role| move |p: &PartyRef| About::new(role, p.identity.canonical());
    found.extend(event.sources.iter().map(party(Role::Source)));
    found.extend(event.destinations.iter().map(party(Role::Destination)));
    let document = |role| move |uri: &String| About::new(role, uri.clone());
    found.extend(
        event
            .biz_transactions
            .iter()
            .map(|t| About::new(Role::BizTransaction, t.uri.clone())),
    );
    found.extend(
        event
            .certifications
            .iter()
            .map(document(Role::Certification)),
    );
    About::sort(&mut found);
    found
}

/// The lots that links write beside the serials of items.
fn lots_of_links(event: &Event) -> impl Iterator<Item = Identity> {
    event.what.iter().filter_map(What::lot_of_link)
}

/// The lots that `ilmd` gives to the items of an event.
fn lots(event: &Event) -> impl Iterator<Item = Identity> {
    let lot = event
        .lot_number
        .as_deref()
        .and_then(|number| Lot::parse(number).ok());
    event
        .what
        .iter()
        .filter_map(move |what| match (what.role, &what.identity) {
            (Role::Epc | Role::Output, Identity::Item { gtin, .. }) => Some(Identity::LotOf {
                gtin: *gtin,
                lot: lot?,
            }),
            _ => None,
        })
}
