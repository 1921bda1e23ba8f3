//! Where a thing was seen last: by itself, or with what held it.

use std::collections::HashMap;

use crate::domain::epcis::{PartyKind, PartyRef};
use crate::domain::forward::Seen;
use crate::domain::gs1::Identity;
use crate::domain::turn::Turn;
use crate::trace::graph::{Bond, Graph, Mention};
use crate::trace::window::Moment;

/// How deep a thing lies in others: an item in a case on a pallet in a container on a ship, twice.
const MAX_DEPTH: usize = 10;

/// What was seen last, of things and of what held them, each asked once.
pub(super) struct Last<'g, 'e> {
    graph: &'g Graph<'e>,
    known: HashMap<(Identity, Option<Moment>, bool), Sight>,
}

/// The last that is known.
#[derive(Debug, Clone, Default)]
struct Sight {
    at: Option<Moment>,
    place: Option<(Moment, Identity)>,
    party: Option<(Moment, Identity)>,
}

impl Sight {
    fn of(mention: &Mention<'_>) -> Sight {
        let (at, event) = (mention.moment(), mention.event);
        // Where it is since then, else where it was seen.
        let place = event.biz_location.as_ref().or(event.read_point.as_ref());
        let party = holder_among(&event.destinations);
        Sight {
            at: Some(at),
            place: place.map(|place| (at, place.clone())),
            party: party.map(|party| (at, party.clone())),
        }
    }

    fn later(self, other: Sight) -> Sight {
        Sight {
            at: self.at.max(other.at),
            place: self.place.max(other.place),
            party: self.party.max(other.party),
        }
    }
}

impl<'g, 'e> Last<'g, 'e> {
    pub fn of(graph: &'g Graph<'e>) -> Last<'g, 'e> {
        Last {
            graph,
            known: HashMap::new(),
        }
    }

    /// Where a thing was seen last, if it was.
    pub fn seen(&mut self, identity: &Identity) -> Option<Seen> {
        let sight = self.sight(identity, None, 0);
        let (at, by) = sight.at?;
        Some(Seen {
            at,
            by,
            place: sight.place.map(|(_, place)| place),
            party: sight.party.map(|(_, party)| party),
            inside: self.inside(identity),
        })
    }

    fn sight(&mut self, identity: &Identity, until: Option<Moment>, depth: usize) -> Sight {
        let is_holder = depth > 0;
        let asked = (identity.clone(), until, is_holder);
        if let Some(known) = self.known.get(&asked) {
            return known.clone();
        }
        let is_in_time = |at: Moment| until.is_none_or(|until| at <= until);
        let own = self.graph.about(identity).iter();
        let own = own.filter(|mention| {
            // Whether a holder's other contents were loaded is chance.
            let is_about_others = is_holder && mention.turn == Turn::Holds;
            !is_about_others && is_in_time(mention.moment())
        });
        let mut sight = own.map(Sight::of).fold(Sight::default(), Sight::later);
        if depth < MAX_DEPTH {
            for held in self.graph.memberships(identity) {
                if is_in_time(held.from) {
                    let ends = [held.until, until].into_iter().flatten().min();
                    sight = sight.later(self.sight(held.parent, ends, depth + 1));
                }
            }
            self.known.insert(asked, sight.clone());
        }
        sight
    }

    /// What a thing lies in, the outermost last.
    fn inside(&self, identity: &Identity) -> Vec<Identity> {
        let mut inside: Vec<Identity> = Vec::new();
        let mut thing = identity;
        while inside.len() < MAX_DEPTH {
            let held = self.graph.memberships(thing);
            let open = held.into_iter().rev().find(|held| held.until.is_none());
            let Some(open) = open.filter(|open| open.bond == Bond::Packed) else {
                break;
            };
            if inside.contains(open.parent) || open.parent == identity {
                break;
            }
            inside.push(open.parent.clone());
            thing = open.parent;
        }
        inside
    }
}

/// Who has the things, else who owns them.
pub(super) fn holder_among(parties: &[PartyRef]) -> Option<&Identity> {
    let of_kind = |kind: PartyKind| parties.iter().find(move |party| party.kind == kind);
    let party = of_kind(PartyKind::Possessor).or_else(|| of_kind(PartyKind::Owner))?;
    Some(&party.identity)
}
