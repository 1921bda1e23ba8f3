//! Where something was wrong, or with whom, and when: what was there is affected by it.

use time::OffsetDateTime;

use super::epcis::{Event, PartyKind, PartyRef};
use super::gs1::Identity;

/// A place or a party, in a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Where, or with whom.
    pub with: With,
    /// From when on; `None`: always.
    pub since: Option<OffsetDateTime>,
    /// Until when, that instant included; `None`: still.
    pub until: Option<OffsetDateTime>,
}

/// Where something was, or with whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum With {
    /// At a place, or at a spot within it.
    Place(Identity),
    /// With a party, or at one of its places.
    Party {
        /// Who.
        party: Identity,
        /// Where it is, as far as it is described.
        places: Vec<Identity>,
    },
}

/// What an event says of where its things are from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts {
    /// There.
    There,
    /// They were, and nobody said where they are since.
    PerhapsThere,
    /// Elsewhere.
    Elsewhere,
}

impl Presence {
    /// Whether an event happened there, or by it something came there, within the time.
    pub fn has(&self, event: &Event) -> bool {
        let at = event.event_time;
        let is_then = self.since.is_none_or(|since| since <= at)
            && self.until.is_none_or(|until| at <= until);
        is_then && self.with.has(event)
    }
}

impl With {
    /// Whether an event happened there, or by it something came there or went away.
    pub fn has(&self, event: &Event) -> bool {
        let places = [&event.read_point, &event.biz_location];
        let mut places = places.into_iter().flatten();
        if places.any(|place| self.is_place(place)) {
            return true;
        }
        let mut parties = event.sources.iter().chain(&event.destinations);
        let had = |party: &PartyRef| {
            let has = matches!(party.kind, PartyKind::Possessor | PartyKind::Owner);
            has && self.is_party(&party.identity)
        };
        parties.any(had)
    }

    /// Where the things of an event are from then on; `None` where it does not tell.
    pub fn tells(&self, event: &Event) -> Option<Whereabouts> {
        let has = |parties: &[PartyRef], kind: PartyKind| {
            let mut of_kind = parties.iter().filter(|party| party.kind == kind).peekable();
            of_kind.peek()?;
            Some(of_kind.any(|party| self.is_party(&party.identity)))
        };
        match self {
            // What a party has, it has wherever it lies, until it is passed on; and what it only lets another carry, it may own.
            With::Party { .. } => {
                let [owns, possesses] = [PartyKind::Owner, PartyKind::Possessor]
                    .map(|kind| has(&event.destinations, kind));
                let [owned, possessed] =
                    [PartyKind::Owner, PartyKind::Possessor].map(|kind| has(&event.sources, kind));
                let there = event
                    .biz_location
                    .as_ref()
                    .is_some_and(|p| self.is_place(p));
                match (owns, possesses) {
                    (Some(true), _) | (_, Some(true)) => Some(Whereabouts::There),
                    (Some(false), _) => Some(Whereabouts::Elsewhere),
                    (None, Some(false)) => Some(Whereabouts::PerhapsThere),
                    (None, None) if there => Some(Whereabouts::There),
                    (None, None) => {
                        let was_there = owned == Some(true) || possessed == Some(true);
                        was_there.then_some(Whereabouts::PerhapsThere)
                    }
                }
            }
            With::Place(_) => match (&event.biz_location, &event.read_point) {
                (Some(place), _) if self.is_place(place) => Some(Whereabouts::There),
                (Some(_), _) => Some(Whereabouts::Elsewhere),
                // On its way there, it may have come without anybody having said so.
                (None, _) if self.is_bound_for(event) => Some(Whereabouts::PerhapsThere),
                (None, Some(place)) if self.is_place(place) && !leaves(event) => {
                    Some(Whereabouts::PerhapsThere)
                }
                (None, Some(_)) => Some(Whereabouts::Elsewhere),
                (None, None) => leaves(event).then_some(Whereabouts::Elsewhere),
            },
        }
    }

    fn is_bound_for(&self, event: &Event) -> bool {
        let mut bound = event.destinations.iter();
        bound.any(|party| party.kind == PartyKind::Location && self.is_place(&party.identity))
    }

    fn is_party(&self, identity: &Identity) -> bool {
        matches!(self, With::Party { party, .. } if party == identity)
    }

    /// Whether it is the place, or a spot within it.
    fn is_place(&self, place: &Identity) -> bool {
        let is_in = |whole: &Identity| {
            let whole_of = match place {
                Identity::Place { gln, .. } => Some(Identity::Place {
                    gln: *gln,
                    extension: None,
                }),
                _ => None,
            };
            whole == place || whole_of.as_ref() == Some(whole)
        };
        match self {
            With::Place(whole) => is_in(whole),
            With::Party { places, .. } => places.iter().any(is_in),
        }
    }
}

/// Whether things leave by an event: CBV 2.0 has no business location for them then.
fn leaves(event: &Event) -> bool {
    let step = event.biz_step.as_deref();
    matches!(step, Some("shipping" | "departing" | "transporting"))
}

#[cfg(test)]
mod tests {
    use auditlog::json;

    use super::super::epcis::read_event;
    use super::*;

    const GLN: &str = "https://id.gs1.org/414/9522040000006";
    const ROOM: &str = "https://id.gs1.org/414/9522040000006/254/7";
    const OTHER: &str = "https://id.gs1.org/414/9521072000008";
    const OURS: &str = "https://id.gs1.org/417/9521041000008";
    const THEIRS: &str = "https://id.gs1.org/417/9521072000008";

    fn event(members: &str) -> Event {
        let text = format!(
            r#"{{"type":"ObjectEvent","action":"OBSERVE","eventTime":"2026-06-01T00:00:00Z",
            "eventTimeZoneOffset":"+00:00",
            "epcList":["https://id.gs1.org/01/09521041001012/21/A"]{members}}}"#
        );
        read_event(&json::parse(&text).unwrap()).unwrap()
    }

    fn at(read_point: Option<&str>, location: Option<&str>, step: &str) -> Event {
        let place = |name, id: Option<&str>| {
            id.map_or(String::new(), |id| format!(r#","{name}":{{"id":"{id}"}}"#))
        };
        let (read_point, location) = (
            place("readPoint", read_point),
            place("bizLocation", location),
        );
        event(&format!(r#"{read_point}{location},"bizStep":"{step}""#))
    }

    fn handed(from: Option<&str>, to: Option<&str>) -> Event {
        let list = |name, member, party: Option<&str>| {
            party.map_or(String::new(), |party| {
                format!(r#","{name}":[{{"type":"possessing_party","{member}":"{party}"}}]"#)
            })
        };
        let from = list("sourceList", "source", from);
        event(&format!(
            "{from}{}",
            list("destinationList", "destination", to)
        ))
    }

    fn place(id: &str) -> With {
        With::Place(Identity::parse(id).unwrap())
    }

    fn party() -> With {
        With::Party {
            party: Identity::parse(OURS).unwrap(),
            places: vec![Identity::parse(GLN).unwrap()],
        }
    }

    #[test]
    fn a_place_has_what_happened_there_or_within_it() {
        let (whole, room) = (place(GLN), place(ROOM));
        for (read_point, location, of_whole, of_room) in [
            (Some(GLN), None, true, false),
            (None, Some(GLN), true, false),
            (Some(ROOM), None, true, true),
            (Some(OTHER), Some(ROOM), true, true),
            (Some(OTHER), Some(OTHER), false, false),
            (None, None, false, false),
        ] {
            let event = at(read_point, location, "storing");
            assert_eq!(whole.has(&event), of_whole, "{read_point:?} {location:?}");
            assert_eq!(room.has(&event), of_room, "{read_point:?} {location:?}");
        }
    }

    #[test]
    fn where_a_thing_is_since_the_last_word_says() {
        use Whereabouts::{Elsewhere, PerhapsThere, There};
        for (read_point, location, step, told) in [
            (Some(OTHER), Some(GLN), "receiving", Some(There)),
            (Some(GLN), Some(OTHER), "receiving", Some(Elsewhere)),
            (Some(GLN), None, "inspecting", Some(PerhapsThere)),
            (Some(GLN), None, "shipping", Some(Elsewhere)),
            (Some(OTHER), None, "inspecting", Some(Elsewhere)),
            (None, None, "departing", Some(Elsewhere)),
            (None, None, "inspecting", None),
        ] {
            let event = at(read_point, location, step);
            assert_eq!(
                place(GLN).tells(&event),
                told,
                "{read_point:?} {location:?} {step}"
            );
        }
        for (from, to, told) in [
            (Some(THEIRS), Some(OURS), Some(There)),
            (Some(OURS), Some(THEIRS), Some(PerhapsThere)),
            (Some(OURS), None, Some(PerhapsThere)),
            (Some(THEIRS), None, None),
            (None, None, None),
        ] {
            assert_eq!(party().tells(&handed(from, to)), told, "{from:?} {to:?}");
        }
        // A carrier has what the party may own still; a buyer does not.
        let to = |kind: &str, party: &str| {
            event(&format!(
                r#","destinationList":[{{"type":"{kind}","destination":"{party}"}}]"#
            ))
        };
        for (kind, told) in [
            ("possessing_party", Some(PerhapsThere)),
            ("owning_party", Some(Elsewhere)),
            ("location", None),
        ] {
            assert_eq!(self::party().tells(&to(kind, THEIRS)), told, "{kind}");
        }
        // What is bound for a place may have come there; and it did not happen there.
        let bound = to("location", ROOM);
        assert_eq!(place(GLN).tells(&bound), Some(PerhapsThere));
        assert!(!place(GLN).has(&bound));
        // Elsewhere it is the party's still.
        assert_eq!(party().tells(&at(None, Some(OTHER), "storing")), None);
        assert_eq!(party().tells(&at(None, Some(ROOM), "storing")), Some(There));
    }

    #[test]
    fn both_ends_of_the_time_are_in_it() {
        use time::macros::datetime;
        let event = at(Some(GLN), None, "storing");
        let (then, second) = (datetime!(2026-06-01 0:00 UTC), time::Duration::SECOND);
        let between = |since, until| {
            let with = place(GLN);
            Presence { with, since, until }.has(&event)
        };
        assert!(between(None, None) && between(Some(then), Some(then)));
        assert!(!between(Some(then + second), None) && !between(None, Some(then - second)));
        let party = [handed(Some(OURS), None), handed(None, Some(OURS))];
        assert!(party.iter().all(|event| self::party().has(event)));
        assert!(!self::party().has(&handed(Some(THEIRS), None)));
    }
}
