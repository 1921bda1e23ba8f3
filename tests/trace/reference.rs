//! The walk once more, as simply as it can be said: the whole record is played through once, hour by hour, to
//! know who held whom; then things and the moments at which they belong to the story are added until nothing
//! is new. No window, no index, no limit; a record of a million events would take for ever.
//!
//! No two events of a record here happen at one moment.

use std::collections::{BTreeMap, BTreeSet};

use rootmark::domain::epcis::{Action, Event, EventType, What};
use rootmark::domain::gs1::{Identity, Level, Lot};
use rootmark::domain::statement::Role;

/// Moments, as places in the order in which things happened.
type Moments = BTreeSet<usize>;

/// As what a thing belongs to a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum As {
    Subject,
    Lot,
    Consumed,
    Holder,
    Instrument,
}

/// What a story is made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The events, as places in the order in which they happened.
    pub events: BTreeSet<usize>,
    /// What may be named.
    pub things: BTreeSet<String>,
}

/// A thing in another, from one event to another.
pub struct Held<'e> {
    pub child: &'e Identity,
    pub parent: &'e Identity,
    pub is_packed: bool,
    pub from: usize,
    pub until: Option<usize>,
    /// Whether that event says so, and not only that the thing was elsewhere by then, or no more.
    pub is_end_said: bool,
}

/// A record that was played through.
pub struct Record<'e> {
    pub events: &'e [Event],
    pub held: Vec<Held<'e>>,
}

pub fn is_instance(thing: &Identity) -> bool {
    thing.level() != Some(Level::Class)
}

pub fn of_role(event: &Event, role: Role) -> impl Iterator<Item = &What> {
    event.what.iter().filter(move |what| what.role == role)
}

pub fn parent_of(event: &Event) -> Option<&Identity> {
    of_role(event, Role::Parent)
        .map(|what| &what.identity)
        .next()
}

/// Packed, fastened, or neither.
pub fn bond(event: &Event) -> Option<bool> {
    match event.event_type {
        EventType::Aggregation => Some(true),
        EventType::Association => Some(false),
        _ => None,
    }
}

fn measures(thing: &Identity, event: &Event) -> bool {
    let is_built_in = ["installing", "removing"]
        .map(Some)
        .contains(&event.biz_step.as_deref());
    match thing {
        Identity::Giai(_) => bond(event) == Some(false),
        Identity::Sscc(_) => false,
        _ => bond(event) == Some(false) && is_built_in,
    }
}

fn ends(thing: &Identity, event: &Event) -> bool {
    let is_over = ["retail_selling", "decommissioning", "destroying"].map(Some);
    let is_removed = event.event_type == EventType::Object && event.action == Some(Action::Delete);
    let has = |role| of_role(event, role).any(|what| what.identity == *thing);
    has(Role::Input)
        || (has(Role::Epc) && (is_removed || is_over.contains(&event.biz_step.as_deref())))
}

impl<'e> Record<'e> {
    /// Plays events through, which are in the order in which they happened.
    pub fn of(events: &'e [Event]) -> Record<'e> {
        let mut held: Vec<Held<'e>> = Vec::new();
        for (now, event) in events.iter().enumerate() {
            let things: BTreeSet<&Identity> =
                event.what.iter().map(|what| &what.identity).collect();
            let mut end = |is_end_said: bool, holds: &dyn Fn(&Held<'e>) -> bool| {
                let open = held.iter_mut().filter(|held| held.until.is_none());
                for held in open.filter(|held| holds(held)) {
                    (held.until, held.is_end_said) = (Some(now), is_end_said);
                }
            };
            for thing in things {
                if ends(thing, event) {
                    end(false, &|held| held.child == thing);
                }
            }
            let (Some(is_packed), Some(parent)) = (bond(event), parent_of(event)) else {
                continue;
            };
            let children: Vec<&Identity> = of_role(event, Role::Child)
                .map(|what| &what.identity)
                .filter(|child| is_instance(child) && *child != parent)
                .collect();
            match event.action {
                Some(Action::Delete) if of_role(event, Role::Child).next().is_none() => {
                    end(true, &|held| {
                        held.parent == parent && held.is_packed == is_packed
                    });
                }
                Some(Action::Delete) => end(true, &|held| {
                    held.parent == parent
                        && held.is_packed == is_packed
                        && children.contains(&held.child)
                }),
                Some(Action::Add) => {
                    end(false, &|held| {
                        held.parent != parent
                            && held.is_packed == is_packed
                            && children.contains(&held.child)
                    });
                    for child in children {
                        let is_inside = held.iter().any(|held| {
                            held.until.is_none()
                                && held.child == child
                                && held.parent == parent
                                && held.is_packed == is_packed
                        });
                        if !is_inside && is_instance(parent) {
                            held.push(Held {
                                child,
                                parent,
                                is_packed,
                                from: now,
                                until: None,
                                is_end_said: false,
                            });
                        }
                    }
                }
                _ => {}
            }
        }
        Record { events, held }
    }

    /// The story of what `seeds` name, finest first.
    pub fn told(&self, seeds: &[Identity]) -> Told {
        let mut telling = Telling {
            record: self,
            told: Told::default(),
            belongs: BTreeMap::new(),
            consumed: BTreeSet::new(),
            is_new: true,
        };
        let always: Moments = (0..self.events.len()).collect();
        telling.add(&seeds[0], As::Subject, &always);
        let lots = self.lots_of(&seeds[0]);
        for seed in &seeds[1..] {
            if let Identity::LotOf { lot, .. } = seed
                && (lots.is_empty() || lots.contains(lot))
            {
                telling.add(seed, As::Lot, &always);
            }
        }
        while std::mem::take(&mut telling.is_new) {
            for ((thing, tie), moments) in telling.belongs.clone() {
                telling.visit(&thing, tie, &moments);
            }
        }
        telling.told
    }

    fn lots_of(&self, thing: &Identity) -> Vec<Lot> {
        let made = self.events.iter().filter(|event| {
            event.what.iter().any(|what| {
                what.identity == *thing && matches!(what.role, Role::Epc | Role::Output)
            })
        });
        made.filter_map(|event| Lot::parse(event.lot_number.as_deref()?).ok())
            .collect()
    }

    /// What was in a container when it was used up, and the events that put it there.
    pub fn contents(&self, container: &Identity, end: usize) -> BTreeMap<&'e Identity, Vec<usize>> {
        // How many kilograms are left, and who put them there.
        let mut inside: BTreeMap<&Identity, (f64, Vec<usize>)> = BTreeMap::new();
        for (at, event) in self.events[..=end].iter().enumerate() {
            if bond(event) != Some(true) || parent_of(event) != Some(container) {
                continue;
            }
            let kilograms = |what: &What| {
                let quantity = what
                    .quantity
                    .as_ref()
                    .and_then(|quantity| quantity.value.as_deref());
                quantity.map_or(0.0, |value| value.parse().unwrap())
            };
            let is_empty = of_role(event, Role::Child).next().is_none();
            if event.action == Some(Action::Delete) && is_empty {
                inside.clear();
            }
            for what in of_role(event, Role::Child) {
                let (left, by) = inside.entry(&what.identity).or_default();
                match event.action {
                    Some(Action::Add) => {
                        *left += kilograms(what);
                        by.push(at);
                    }
                    Some(Action::Delete) => *left -= kilograms(what),
                    _ => {}
                }
                let is_out = event.action == Some(Action::Delete) && *left <= 0.0;
                if is_out || by.is_empty() {
                    inside.remove(&what.identity);
                }
            }
        }
        inside
            .into_iter()
            .map(|(thing, (_, by))| (thing, by))
            .collect()
    }
}

struct Telling<'r, 'e> {
    record: &'r Record<'e>,
    told: Told,
    belongs: BTreeMap<(Identity, As), Moments>,
    /// What was used up when.
    consumed: BTreeSet<(Identity, usize)>,
    is_new: bool,
}

impl<'e> Telling<'_, 'e> {
    fn add(&mut self, thing: &Identity, tie: As, moments: &Moments) {
        self.told.things.insert(thing.canonical());
        let known = self.belongs.entry((thing.clone(), tie)).or_default();
        let before = known.len();
        known.extend(moments);
        self.is_new |= known.len() > before;
    }

    fn visit(&mut self, thing: &Identity, tie: As, moments: &Moments) {
        let record = self.record;
        for &now in moments {
            let event = &record.events[now];
            for what in event.what.iter().filter(|what| what.identity == *thing) {
                if belongs(thing, tie, what.role, event) {
                    self.told.events.insert(now);
                    self.follow(thing, tie, moments, what.role, now);
                }
            }
        }
        if matches!(tie, As::Lot | As::Instrument) {
            return;
        }
        for held in &record.held {
            let together = held.from..=held.until.unwrap_or(record.events.len());
            let cut: Moments = moments
                .iter()
                .copied()
                .filter(|at| together.contains(at))
                .collect();
            if cut.is_empty() {
                continue;
            }
            if held.child == thing {
                self.told.events.insert(held.from);
                self.add(held.parent, As::Holder, &cut);
            }
            let was_fastened = record.events.iter().any(|event| {
                event.action == Some(Action::Add)
                    && parent_of(event) == Some(thing)
                    && of_role(event, Role::Child)
                        .any(|what| what.identity == *held.child && measures(held.child, event))
            });
            if held.parent == thing && !held.is_packed && was_fastened {
                self.told.events.insert(held.from);
                self.add(held.child, As::Instrument, &cut);
            }
        }
    }

    fn follow(&mut self, thing: &Identity, tie: As, moments: &Moments, role: Role, now: usize) {
        let record = self.record;
        let event = &record.events[now];
        let is_made = role == Role::Output && matches!(tie, As::Subject | As::Lot | As::Consumed);
        for (at, part) in record.events.iter().enumerate() {
            let is_joined = event.transformation_id.is_some()
                && part.transformation_id == event.transformation_id
                && at <= now;
            if !is_made || !(at == now || is_joined) {
                continue;
            }
            for input in of_role(part, Role::Input) {
                self.told.events.insert(at);
                self.consume(&input.identity, at);
            }
        }
        let lot = event
            .lot_number
            .as_deref()
            .and_then(|lot| Lot::parse(lot).ok());
        let is_named = matches!(role, Role::Epc | Role::Output);
        if let (Identity::Item { gtin, .. }, Some(lot), true) = (thing, lot, is_named) {
            let lot = Identity::LotOf { gtin: *gtin, lot };
            match tie {
                As::Subject => {
                    let always = (0..record.events.len()).collect();
                    self.add(&lot, As::Lot, &always);
                }
                As::Consumed => self.add(&lot, As::Consumed, moments),
                _ => {}
            }
        }
    }

    fn consume(&mut self, input: &Identity, at: usize) {
        if matches!(input, Identity::Class { .. }) {
            self.told.things.insert(input.canonical());
            return;
        }
        if !self.consumed.insert((input.clone(), at)) {
            return;
        }
        self.add(input, As::Consumed, &(0..=at).collect());
        if !is_instance(input) {
            return;
        }
        let record = self.record;
        for (inside, by) in record.contents(input, at) {
            let stayed = record.held.iter().any(|held| {
                held.child == inside
                    && held.parent == input
                    && held.from <= at
                    && held.until.is_none_or(|until| until >= at)
            });
            if !is_instance(inside) || stayed {
                self.told.events.extend(by);
                self.consume(inside, at);
            }
        }
    }
}

/// Whether an event that names a thing belongs to a story to which the thing belongs.
fn belongs(thing: &Identity, tie: As, role: Role, event: &Event) -> bool {
    match role {
        Role::Input => tie == As::Subject && is_instance(thing),
        _ if tie == As::Subject || role == Role::Epc => true,
        _ if tie == As::Instrument => false,
        Role::Parent => {
            let mut children = of_role(event, Role::Child).peekable();
            bond(event).is_none()
                || children.peek().is_none()
                || children.any(|child| measures(&child.identity, event))
        }
        Role::Child => is_instance(thing),
        _ => true,
    }
}
