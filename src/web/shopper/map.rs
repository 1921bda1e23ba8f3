//! Where the goods were, for the map.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::journey::{readable, said};
use super::view::{MapView, Stop};
use crate::domain::epcis::{Action, Event, EventType};
use crate::domain::gs1::Identity;
use crate::domain::statement::Role;
use crate::domain::story::Story;
use crate::web::text::Text;

/// Places from which one thing may have come together at once, without anybody saying where: the latest count.
const MAX_ORIGINS: usize = 16;

/// The map of a journey; `None` where less than two places are known.
pub(super) fn journey_map(text: &Text, story: &Story) -> Option<MapView> {
    let mut stops: Vec<Stop> = Vec::new();
    let mut ways: Vec<(usize, usize)> = Vec::new();
    let mut goods = Goods::default();
    for step in story.standing() {
        let event = &step.event;
        // Papers are written in offices that the goods never see.
        if event.event_type == EventType::Transaction {
            continue;
        }
        let came_from = goods.last_stops(event);
        // A dock may be described without its position, and the site that it belongs to with it.
        let places = [&event.read_point, &event.biz_location]
            .into_iter()
            .flatten();
        let mut parties = places.filter_map(|place| story.parties.get(&place.canonical()));
        let here = parties.find_map(|party| Some((party, party.position?)));
        let at = match here {
            Some((party, (latitude, longitude))) => {
                let region = party.region.as_ref();
                stops.push(Stop {
                    latitude,
                    longitude,
                    region: region.map(|region| readable(said(region, text.lang()))),
                    country: party.country.as_deref().map(|c| text.country(c).to_owned()),
                });
                let here = stops.len() - 1;
                ways.extend(came_from.iter().map(|from| (*from, here)));
                BTreeSet::from([here])
            }
            // What happened who knows where happened between places that are known.
            None => came_from,
        };
        goods.moved(event, &at);
    }
    MapView::draw(text, &stops, &ways)
}

/// Where everything was last. Two steps that name one thing follow each other, so that what came together from
/// several places is drawn as several ways that meet.
#[derive(Default)]
struct Goods<'s> {
    last: HashMap<&'s Identity, BTreeSet<usize>>,
    /// What went where its parent went.
    held: HashMap<&'s Identity, HashSet<&'s Identity>>,
}

impl<'s> Goods<'s> {
    fn last_stops(&self, event: &'s Event) -> BTreeSet<usize> {
        let things = event.what.iter();
        let stops = things.filter_map(|what| self.last.get(&what.identity));
        let mut stops: BTreeSet<usize> = stops.flatten().copied().collect();
        while stops.len() > MAX_ORIGINS {
            stops.pop_first();
        }
        stops
    }

    fn moved(&mut self, event: &'s Event, to: &BTreeSet<usize>) {
        let of_role = |role: Role| {
            let of_role = event.what.iter().filter(move |what| what.role == role);
            of_role.map(|what| &what.identity)
        };
        for parent in of_role(Role::Parent) {
            let held = self.held.entry(parent).or_default();
            match event.action {
                Some(Action::Add) => held.extend(of_role(Role::Child)),
                // Without children it is emptied (EPCIS 2.0 §7.4.3).
                Some(Action::Delete) if of_role(Role::Child).next().is_none() => held.clear(),
                Some(Action::Delete) => of_role(Role::Child).for_each(|gone| {
                    held.remove(gone);
                }),
                _ => {}
            }
        }
        if to.is_empty() {
            return;
        }
        let mut seen: HashSet<&Identity> = HashSet::new();
        let mut moved: Vec<&'s Identity> = event.what.iter().map(|what| &what.identity).collect();
        while let Some(thing) = moved.pop() {
            if seen.insert(thing) {
                self.last.insert(thing, to.clone());
                moved.extend(self.held.get(thing).into_iter().flatten());
            }
        }
    }
}
