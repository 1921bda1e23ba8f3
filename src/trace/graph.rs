//! The loaded events by what they are about, and what they say together: who held whom, and when.

use time::OffsetDateTime;

use super::window::{Moment, Window};
use crate::domain::epcis::{Action, Event, EventType, Quantity, What};
use crate::domain::gs1::{Identity, Level, Lot, Lots};
use crate::domain::statement::{Role, StatementId};
use crate::domain::turn::Turn;
use crate::trace::maps::{Map, Set};

/// The events, without those that were retracted.
pub(super) struct Graph<'e> {
    /// By moment.
    mentions: Map<&'e Identity, Vec<Mention<'e>>>,
    /// When everything was taken out of a container; by moment.
    emptied: Map<(&'e Identity, Bond), Vec<Moment>>,
    /// What was ever fastened to a thing to measure, in the order in which it was.
    instruments: Map<&'e Identity, Vec<&'e Identity>>,
    /// The events that a `transformationID` joins; by moment.
    joined: Map<Identity, Vec<(StatementId, &'e Event)>>,
    /// Declarations and the events that they declare errors: seen, and not walked. By moment.
    retracted: Vec<(StatementId, &'e Event)>,
}

/// One identity's place in one event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mention<'e> {
    /// Where the event is stored.
    pub id: StatementId,
    /// The event.
    pub event: &'e Event,
    /// As what the event names the identity.
    pub role: Role,
    /// What becomes of it.
    pub turn: Turn,
    /// The lot that the event's link to the item names.
    pub link_lot: Option<Lot>,
}

/// How one thing holds another. Each is ended by its own kind of event alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Bond {
    /// By an AggregationEvent: the child travels along.
    Packed,
    /// By an AssociationEvent: the child is part of the parent for a while.
    Associated,
}

/// A time during which one thing was in or on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Membership<'e> {
    /// What held it.
    pub parent: &'e Identity,
    /// How.
    pub bond: Bond,
    /// The event that put it there.
    pub from: Moment,
    /// The event that ended it; `None` if nothing did.
    pub until: Option<Moment>,
    /// Whether that event says so only by what it says else: the thing was elsewhere by then, or no more.
    pub is_end_inferred: bool,
}

impl<'e> Graph<'e> {
    /// Orders the events; the result does not depend on the order in which they come.
    pub fn of(events: impl Iterator<Item = (StatementId, &'e Event)>) -> Graph<'e> {
        let mut events: Vec<_> = events.collect();
        events.sort_by_key(|(id, event)| (event.event_time, *id));
        // EPCIS: a retraction is a copy of the event, under the same ID, with an errorDeclaration.
        let declared: Set<&str> = events
            .iter()
            .filter(|(_, event)| event.is_error_declaration())
            .filter_map(|(_, event)| event.event_id.as_deref())
            .collect();
        let mut graph = Graph {
            mentions: Map::default(),
            emptied: Map::default(),
            instruments: Map::default(),
            joined: Map::default(),
            retracted: Vec::new(),
        };
        for (id, event) in events {
            let event_id = event.event_id.as_deref();
            if event_id.is_some_and(|event_id| declared.contains(event_id)) {
                graph.retracted.push((id, event));
            } else {
                graph.add(id, event);
            }
        }
        for list in graph.instruments.values_mut() {
            let mut seen = Set::default();
            list.retain(|instrument| seen.insert(*instrument));
        }
        graph
    }

    fn add(&mut self, id: StatementId, event: &'e Event) {
        for (identity, mention) in mentions(id, event) {
            let list = self.mentions.entry(identity).or_default();
            // An identity may stand in an EPC list and in a quantity list of one event.
            if list
                .iter()
                .rev()
                .take_while(|other| other.id == id)
                .all(|other| other.role != mention.role)
            {
                list.push(mention);
            }
        }
        if let Some(transformation) = event.transformation() {
            let list = self.joined.entry(transformation).or_default();
            list.push((id, event));
        }
        let Some(parent) = parent_of(event) else {
            return;
        };
        let emptied = match event.turns().parent {
            Turn::Emptied => Bond::Packed,
            Turn::Cleared => Bond::Associated,
            Turn::Fitted => {
                let list = self.instruments.entry(parent).or_default();
                list.extend(event.instruments());
                return;
            }
            _ => return,
        };
        let list = self.emptied.entry((parent, emptied)).or_default();
        list.push((event.event_time, id));
    }

    /// Every event about an identity, by moment.
    pub fn about(&self, identity: &Identity) -> &[Mention<'e>] {
        self.mentions.get(identity).map_or(&[], Vec::as_slice)
    }

    /// Whether an event gives items to a lot.
    pub fn has_items(&self, lot: &Identity) -> bool {
        let items = self.mentions.iter().filter(|(identity, _)| {
            matches!(identity, Identity::Item { gtin, .. } if Some(*gtin) == lot.gtin())
        });
        items.flat_map(|(_, mentions)| mentions).any(|mention| {
            let named = mention.lot().or(mention.link_lot);
            matches!(lot, Identity::LotOf { lot, .. } if Some(*lot) == named)
        })
    }

    /// The events about an identity that may lie within a window.
    pub fn within(&self, identity: &Identity, window: &Window) -> &[Mention<'e>] {
        let list = self.about(identity);
        let time = |mention: &Mention<'_>| mention.event.event_time;
        let start = window.from.map_or(0, |from| {
            list.partition_point(|mention| time(mention) < from.0)
        });
        let end = window.until.map_or(list.len(), |until| {
            list.partition_point(|mention| time(mention) <= until.0)
        });
        &list[start.min(end)..end]
    }

    /// Declarations and the events that they declare errors.
    pub fn retracted(&self) -> impl Iterator<Item = (Mention<'e>, &'e Identity)> {
        self.retracted
            .iter()
            .flat_map(|(id, event)| mentions(*id, event))
            .map(|(identity, mention)| (mention, identity))
    }

    /// What held `child`, and when. Since nothing is in two places at once, being put elsewhere ends
    /// it like being taken out, and so does the end of the child itself. A class or a lot is in many
    /// places at once: nothing is known to have held all of it.
    pub fn memberships(&self, child: &Identity) -> Vec<Membership<'e>> {
        let mut done = Vec::new();
        if !is_instance(child) {
            return done;
        }
        let mut open: [Option<Membership<'e>>; 2] = [None, None];
        let mut close = |slot: &mut Option<Membership<'e>>, at: Option<Moment>, is_said: bool| {
            if let Some(held) = slot.take() {
                let emptied = self.emptied_after(&held, at);
                done.push(Membership {
                    until: emptied.or(at),
                    is_end_inferred: emptied.is_none() && at.is_some() && !is_said,
                    ..held
                });
            }
        };
        for mention in self.about(child) {
            let at = mention.moment();
            if mention.ends_the_thing() {
                open.iter_mut()
                    .for_each(|slot| close(slot, Some(at), false));
            }
            let Some((bond, parent)) = mention.holder(child) else {
                continue;
            };
            let slot = &mut open[bond as usize];
            let holds = |held: &Membership<'e>| {
                held.parent == parent && self.emptied_after(held, Some(at)).is_none()
            };
            let is_held = slot.as_ref().is_some_and(holds);
            match mention.turn {
                Turn::PutIn | Turn::Fastened if !is_held => {
                    close(slot, Some(at), false);
                    *slot = mention.opened(parent, bond);
                }
                Turn::TakenOut | Turn::Unfastened if is_held => close(slot, Some(at), true),
                _ => {}
            }
        }
        open.iter_mut().for_each(|slot| close(slot, None, true));
        done.sort_by_key(|held| held.from);
        done
    }

    /// What held a thing, or some of a lot, and when: of a lot, how much was left there tells until when.
    pub fn stays(&self, thing: &Identity) -> Vec<Membership<'e>> {
        if is_instance(thing) {
            return self.memberships(thing);
        }
        let stay = |mention: &Mention<'e>| {
            let parent = mention.parent().filter(|parent| is_instance(parent))?;
            Some(Membership {
                parent,
                bond: Bond::Packed,
                from: mention.moment(),
                until: self.gone_from(parent, thing, mention.moment()),
                is_end_inferred: false,
            })
        };
        self.put_in(thing).filter_map(stay).collect()
    }

    /// How many looks it takes to tell.
    pub fn looks_of_stays(&self, thing: &Identity) -> usize {
        let own = 1 + self.about(thing).len();
        if is_instance(thing) {
            return own;
        }
        let parents = self.put_in(thing).filter_map(Mention::parent);
        own + parents
            .map(|parent| self.about(parent).len())
            .sum::<usize>()
    }

    fn put_in(&self, thing: &Identity) -> impl Iterator<Item = &Mention<'e>> {
        let mentions = self.about(thing).iter();
        mentions.filter(|mention| mention.turn == Turn::PutIn)
    }

    /// When the holder was first emptied after it took this in, if that was before `at`.
    fn emptied_after(&self, held: &Membership<'e>, at: Option<Moment>) -> Option<Moment> {
        let list = self.emptied.get(&(held.parent, held.bond))?;
        let next = *list.get(list.partition_point(|moment| *moment <= held.from))?;
        at.is_none_or(|at| next < at).then_some(next)
    }

    /// What was ever fastened to `thing` to measure.
    pub fn instruments(&self, thing: &Identity) -> &[&'e Identity] {
        self.instruments.get(thing).map_or(&[], Vec::as_slice)
    }

    /// The events of the transformation that `event` is part of, up to when that happened: what went in
    /// later is in nothing that had come out by then.
    pub fn transformation(
        &self,
        id: StatementId,
        event: &'e Event,
    ) -> Vec<(StatementId, &'e Event)> {
        let joined = event.transformation();
        let Some(joined) = joined.and_then(|joined| self.joined.get(&joined)) else {
            return vec![(id, event)];
        };
        let until_then = joined
            .iter()
            .take_while(|(_, other)| other.event_time <= event.event_time);
        until_then.copied().collect()
    }

    /// All events of the transformation that `event` is part of.
    pub fn parts(&self, id: StatementId, event: &'e Event) -> Vec<(StatementId, &'e Event)> {
        let joined = event.transformation();
        let joined = joined.and_then(|joined| self.joined.get(&joined));
        joined.map_or_else(|| vec![(id, event)], Clone::clone)
    }

    /// What was put into `container` until an instant and not taken out before it, with the events
    /// that put it there.
    pub fn contents(
        &self,
        container: &Identity,
        at: OffsetDateTime,
    ) -> Vec<(&'e Identity, Vec<StatementId>)> {
        let mut inside: Vec<Inside<'e>> = Vec::new();
        let mut place: Map<&Identity, usize> = Map::default();
        for mention in self.about(container) {
            let event = mention.event;
            let is_packing = event.event_type == EventType::Aggregation;
            if !is_packing || mention.role != Role::Parent || event.event_time > at {
                continue;
            }
            if event.action == Some(Action::Add) {
                for what in event.children() {
                    let next = inside.len();
                    let index = *place.entry(&what.identity).or_insert(next);
                    if index == next {
                        inside.push(Inside::of(&what.identity));
                    }
                    inside[index].put(what, mention.id);
                }
            } else if event.action == Some(Action::Delete) && event.event_time < at {
                if mention.turn == Turn::Emptied {
                    inside.clear();
                    place.clear();
                }
                for what in event.children() {
                    if let Some(index) = place.get(&what.identity) {
                        inside[*index].take(what);
                    }
                }
            }
        }
        inside
            .into_iter()
            .filter(|inside| !inside.packed_by.is_empty())
            .map(|inside| (inside.identity, inside.packed_by))
            .collect()
    }

    /// When nothing of a lot was left in a container, after some was put in; `None` if some is there still.
    pub fn gone_from(
        &self,
        container: &Identity,
        lot: &Identity,
        put_in: Moment,
    ) -> Option<Moment> {
        let mut inside: Option<Inside<'_>> = None;
        for mention in self.about(container) {
            let event = mention.event;
            let is_packing = event.event_type == EventType::Aggregation;
            if !is_packing || mention.role != Role::Parent {
                continue;
            }
            let of_lot = || event.children().filter(|what| what.identity == *lot);
            if event.action == Some(Action::Add) {
                for what in of_lot() {
                    let inside = inside.get_or_insert_with(|| Inside::of(&what.identity));
                    inside.put(what, mention.id);
                }
            } else if event.action == Some(Action::Delete)
                && let Some(inside) = &mut inside
            {
                if mention.turn == Turn::Emptied {
                    inside.packed_by.clear();
                }
                of_lot().for_each(|what| inside.take(what));
                if inside.packed_by.is_empty() && mention.moment() > put_in {
                    return Some(mention.moment());
                }
            }
        }
        None
    }

    /// The lots that events give to an item: what `ilmd` says, and where it says nothing, the one lot that
    /// links name beside the serial. Who makes a thing knows its lot; who only writes an address may be
    /// wrong, and of two who write different ones nobody knows which.
    pub fn lots_of(&self, item: &Identity) -> Vec<Lot> {
        let made: Vec<Lot> = self.about(item).iter().filter_map(Mention::lot).collect();
        if !made.is_empty() {
            return made;
        }
        let mut named = Lots::default();
        let mentions = self.about(item).iter();
        mentions.for_each(|mention| named.add(mention.link_lot));
        named.only().into_iter().collect()
    }
}

impl<'e> Mention<'e> {
    /// Where the event stands among all.
    pub fn moment(&self) -> Moment {
        (self.event.event_time, self.id)
    }

    /// The lot that `ilmd` gives to the items that the event makes known.
    pub fn lot(&self) -> Option<Lot> {
        let number = self.event.lot_number.as_deref()?;
        matches!(self.role, Role::Epc | Role::Output)
            .then(|| Lot::parse(number).ok())
            .flatten()
    }

    /// Whether the event says that the thing came into the world.
    pub fn makes(&self) -> bool {
        self.event.makes(self.role)
    }

    /// Of a child: what the event says that it is in.
    pub fn parent(&self) -> Option<&'e Identity> {
        parent_of(self.event).filter(|_| self.role == Role::Child)
    }

    /// What the event puts this child into, or takes it out of; nothing is inside itself.
    fn holder(&self, child: &Identity) -> Option<(Bond, &'e Identity)> {
        let bond = match self.turn {
            Turn::PutIn | Turn::TakenOut => Bond::Packed,
            Turn::Fastened | Turn::Unfastened => Bond::Associated,
            _ => return None,
        };
        let parent = parent_of(self.event).filter(|parent| *parent != child)?;
        Some((bond, parent))
    }

    fn opened(&self, parent: &'e Identity, bond: Bond) -> Option<Membership<'e>> {
        // What names only a kind, such as a pallet of one type, would hold the goods of everybody.
        is_instance(parent).then(|| Membership {
            parent,
            bond,
            from: self.moment(),
            until: None,
            is_end_inferred: false,
        })
    }

    /// Whether the thing is, by this event, no more, or no more in the trade: whatever held it has
    /// let it go, even if nobody wrote that down.
    pub fn ends_the_thing(&self) -> bool {
        self.role == Role::Input || self.turn == Turn::Ended
    }
}

/// What a container holds of one child.
struct Inside<'e> {
    identity: &'e Identity,
    /// Empty once it is all taken out.
    packed_by: Vec<StatementId>,
    /// How much, where every event says so.
    left: Option<f64>,
    unit: Option<&'e str>,
}

impl<'e> Inside<'e> {
    fn of(identity: &'e Identity) -> Inside<'e> {
        Inside {
            identity,
            packed_by: Vec::new(),
            left: None,
            unit: None,
        }
    }

    fn put(&mut self, what: &'e What, by: StatementId) {
        let quantity = what.quantity.as_ref();
        let unit = quantity.and_then(|quantity| quantity.uom.as_deref());
        let amount = quantity.and_then(amount);
        self.left = match (self.packed_by.is_empty(), self.left, amount) {
            (true, _, amount) => amount,
            (false, Some(left), Some(amount)) if unit == self.unit => Some(left + amount),
            _ => None,
        };
        self.unit = unit;
        self.packed_by.push(by);
    }

    /// Takes out as much as the event says, or all where either side does not say how much.
    fn take(&mut self, what: &What) {
        let quantity = what.quantity.as_ref();
        let unit = quantity.and_then(|quantity| quantity.uom.as_deref());
        self.left = match (self.left, quantity.and_then(amount)) {
            (Some(left), Some(taken)) if unit == self.unit => Some(left - taken),
            _ => None,
        };
        // Nothing is weighed as finely as this: what is less is the error of the arithmetic.
        if self.left.is_none_or(|left| left < 1e-6) {
            self.packed_by.clear();
        }
    }
}

fn amount(quantity: &Quantity) -> Option<f64> {
    quantity.value.as_deref()?.parse().ok()
}

/// Whether an identity names one thing rather than a quantity of a class.
pub(super) fn is_instance(identity: &Identity) -> bool {
    identity.level() != Some(Level::Class)
}

/// The identities of an event, each with its mention.
fn mentions<'e>(
    id: StatementId,
    event: &'e Event,
) -> impl Iterator<Item = (&'e Identity, Mention<'e>)> {
    let turns = event.turns();
    event.what.iter().map(move |what| {
        let mention = Mention {
            id,
            event,
            role: what.role,
            turn: turns.of(what.role),
            link_lot: what.lot,
        };
        (&what.identity, mention)
    })
}

fn parent_of(event: &Event) -> Option<&Identity> {
    let parent = event.what.iter().find(|what| what.role == Role::Parent)?;
    Some(&parent.identity)
}
