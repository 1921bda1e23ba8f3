//! Where a thing was seen last: by itself, or with what held it.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::epcis::{EventType, PartyKind, PartyRef};
use crate::domain::forward::Seen;
use crate::domain::gs1::Identity;
use crate::domain::statement::StatementId;
use crate::domain::turn::Turn;
use crate::trace::graph::{Bond, Graph, Mention};
use crate::trace::maps::Map;
use crate::trace::window::Moment;

/// How deep a thing lies in others: an item in a case on a pallet in a container on a ship, twice.
pub(super) const MAX_DEPTH: usize = 10;

/// What was seen last, of things and of what held them, each asked once.
pub(super) struct Last<'g, 'e> {
    graph: &'g Graph<'e>,
    known: Map<(Identity, Held, bool), Sight>,
}

/// While something is held, ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Held {
    from: Option<Moment>,
    until: Option<Moment>,
}

impl Held {
    fn has(&self, at: Moment) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at <= until)
    }

    /// The time that it has in common with another.
    fn cut(&self, from: Moment, until: Option<Moment>) -> Option<Held> {
        let from = self.from.map_or(from, |own| own.max(from));
        let until = [self.until, until].into_iter().flatten().min();
        let from = Some(from);
        until
            .is_none_or(|until| from <= Some(until))
            .then_some(Held { from, until })
    }
}

/// The last that is known.
#[derive(Debug, Clone, Default)]
struct Sight {
    /// Whether it was the goods that were seen, and not their papers alone; and when.
    at: Option<(bool, Moment)>,
    place: Option<(Moment, Identity)>,
    party: Option<(Moment, Identity)>,
}

impl Sight {
    fn of(mention: &Mention<'_>) -> Sight {
        let (at, event) = (mention.moment(), mention.event);
        // What is done to a paper is done where that is, not the goods.
        let is_of_papers =
            event.event_type == EventType::Transaction && event.biz_location.is_none();
        // Where it is since then, else where it was seen.
        let place = event.biz_location.as_ref().or(event.read_point.as_ref());
        let place = place.filter(|_| !is_of_papers);
        let party = holder_among(&event.destinations);
        Sight {
            at: Some((!is_of_papers, at)),
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
            known: Map::default(),
        }
    }

    /// Where a thing was seen last, if it was: by itself at any time, and since something was wrong with it with what
    /// held it then.
    pub fn seen(&mut self, identity: &Identity, since: Option<OffsetDateTime>) -> Option<Seen> {
        let first = StatementId {
            batch_id: Uuid::nil(),
            position: 0,
        };
        let held = Held {
            from: since.map(|since| (since, first)),
            until: None,
        };
        let sight = self.sight(identity, held, 0);
        let (_, (at, by)) = sight.at?;
        Some(Seen {
            at,
            by,
            place: sight.place.map(|(_, place)| place),
            party: sight.party.map(|(_, party)| party),
            inside: self.inside(identity),
        })
    }

    fn sight(&mut self, identity: &Identity, held: Held, depth: usize) -> Sight {
        let is_holder = depth > 0;
        let asked = (identity.clone(), held, is_holder);
        if let Some(known) = self.known.get(&asked) {
            return known.clone();
        }
        let own = self.graph.about(identity).iter();
        // Of a holder, what befell it while it held the thing; its other contents are their own affair, and whether
        // they were loaded is chance.
        let own = own.filter(|mention| {
            !is_holder || (mention.turn != Turn::Holds && held.has(mention.moment()))
        });
        let mut sight = own.map(Sight::of).fold(Sight::default(), Sight::later);
        if depth < MAX_DEPTH {
            for stay in self.graph.memberships(identity) {
                if let Some(held) = held.cut(stay.from, stay.until) {
                    sight = sight.later(self.sight(stay.parent, held, depth + 1));
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
