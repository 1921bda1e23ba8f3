//! Which identities and events belong to a story: the walk itself, as pure computation over the
//! events that were loaded.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use time::OffsetDateTime;

use super::is_instance;
use crate::domain::epcis::{Action, Event, EventType, What};
use crate::domain::gs1::Identity;
use crate::domain::statement::{Role, StatementId};
use crate::domain::story::Via;

/// Windows of one identity; a pallet that is packed and unpacked more often is cut off here.
const MAX_WINDOWS: usize = 64;
/// Identities of one story.
const MAX_IDENTITIES: usize = 4_000;

/// What a walk reached.
#[derive(Debug, Default)]
pub(super) struct Reach {
    windows: HashMap<String, Vec<Window>>,
    events: BTreeMap<StatementId, Via>,
    retracted: HashSet<StatementId>,
}

/// The time during which an identity's events belong to the story, ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Window {
    from: Option<OffsetDateTime>,
    until: Option<OffsetDateTime>,
    via: Via,
}

impl Reach {
    /// What is reached before any event is known.
    pub fn from_seeds(seeds: &[Identity]) -> Reach {
        Reach::compute(seeds, std::iter::empty())
    }

    /// Walks from `seeds`, finest first, over `events`.
    pub fn compute<'e>(
        seeds: &[Identity],
        events: impl Iterator<Item = (StatementId, &'e Event)>,
    ) -> Reach {
        let graph = Graph::of(events);
        let mut walk = Walk {
            graph: &graph,
            reach: Reach::default(),
            queue: VecDeque::new(),
        };
        let has_item = seeds.iter().any(is_instance);
        for seed in seeds {
            let via = if is_instance(seed) || !has_item {
                Via::Item
            } else {
                Via::Lot
            };
            // The class itself is no seed for events: a statement about every tin of a product is
            // its description, which is added later.
            if !matches!(seed, Identity::Class { .. }) || seeds.len() == 1 {
                walk.enqueue(
                    seed.clone(),
                    Window {
                        from: None,
                        until: None,
                        via,
                    },
                );
            }
        }
        while let Some((identity, window)) = walk.queue.pop_front() {
            walk.visit(&identity, window);
        }
        let mut reach = walk.reach;
        graph.add_retracted(seeds, &mut reach);
        reach
    }

    /// The identities reached, canonical.
    pub fn identities(&self) -> impl Iterator<Item = &String> {
        self.windows.keys()
    }

    /// Whether an identity was reached.
    pub fn contains(&self, identity: &str) -> bool {
        self.windows.contains_key(identity)
    }

    /// The events that belong to the story.
    pub fn events(&self) -> impl Iterator<Item = (StatementId, Via)> {
        self.events.iter().map(|(id, via)| (*id, *via))
    }

    /// Whether a later statement declares the event an error.
    pub fn is_retracted(&self, id: StatementId) -> bool {
        self.retracted.contains(&id)
    }
}

impl Window {
    fn holds(&self, at: OffsetDateTime) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at <= until)
    }

    fn covers(&self, other: &Window) -> bool {
        let starts = self
            .from
            .is_none_or(|from| other.from.is_some_and(|f| from <= f));
        let ends = self
            .until
            .is_none_or(|until| other.until.is_some_and(|u| u <= until));
        starts && ends && self.via <= other.via
    }

    /// The part of this window between two instants; `None` if it is empty.
    fn cut(&self, from: OffsetDateTime, until: Option<OffsetDateTime>) -> Option<Window> {
        let from = self.from.map_or(from, |start| start.max(from));
        let until = match (self.until, until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        (until.is_none_or(|until| from <= until)).then_some(Window {
            from: Some(from),
            until,
            ..*self
        })
    }
}

/// The loaded events by identity.
struct Graph<'e> {
    by_identity: HashMap<String, Vec<(StatementId, &'e Event, Role)>>,
    /// Declarations and the events they retract: neither is walked.
    retracted: Vec<(StatementId, &'e Event)>,
}

impl<'e> Graph<'e> {
    fn of(events: impl Iterator<Item = (StatementId, &'e Event)>) -> Graph<'e> {
        let events: Vec<_> = events.collect();
        let declared: HashSet<&str> = events
            .iter()
            .filter(|(_, event)| event.is_error_declaration)
            .filter_map(|(_, event)| event.event_id.as_deref())
            .collect();
        let is_retracted = |event: &Event| {
            event
                .event_id
                .as_deref()
                .is_some_and(|event_id| declared.contains(event_id))
        };
        let mut graph = Graph {
            by_identity: HashMap::new(),
            retracted: Vec::new(),
        };
        for (id, event) in events {
            if is_retracted(event) {
                graph.retracted.push((id, event));
                continue;
            }
            for what in &event.what {
                let list = graph
                    .by_identity
                    .entry(what.identity.canonical())
                    .or_default();
                if !list
                    .iter()
                    .any(|(other, _, role)| *other == id && *role == what.role)
                {
                    list.push((id, event, what.role));
                }
            }
        }
        for list in graph.by_identity.values_mut() {
            list.sort_by_key(|(id, event, _)| (event.event_time, *id));
        }
        graph
    }

    fn about(&self, identity: &str) -> &[(StatementId, &'e Event, Role)] {
        self.by_identity.get(identity).map_or(&[], Vec::as_slice)
    }

    /// When `child`, put into `parent` by the event `packed`, left it again: taken out by name, with
    /// everything else, or, since nothing is in two places at once, put into something else.
    fn left_at(&self, parent: &str, child: &Identity, packed: &Event) -> Option<OffsetDateTime> {
        let after = |event: &Event| event.event_time >= packed.event_time;
        let unpacked = self.about(parent).iter().find(|(_, event, role)| {
            *role == Role::Parent
                && event.action == Some(Action::Delete)
                && event.event_type == packed.event_type
                && after(event)
                && takes_out(event, child)
        });
        let child_name = child.canonical();
        let moved = self.about(&child_name).iter().find(|(_, event, role)| {
            *role == Role::Child
                && event.action == Some(Action::Add)
                && event.event_type == packed.event_type
                && event.event_time > packed.event_time
                && parent_of(event).is_some_and(|other| other.canonical() != parent)
        });
        let time = |found: Option<&(StatementId, &Event, Role)>| {
            found.map(|(_, event, _)| event.event_time)
        };
        match (time(unpacked), time(moved)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Retracted events about the seeds stay visible, marked.
    fn add_retracted(&self, seeds: &[Identity], reach: &mut Reach) {
        for (id, event) in &self.retracted {
            let finest = seeds.first();
            if event.what.iter().any(|what| Some(&what.identity) == finest) {
                reach.events.insert(*id, Via::Item);
                reach.retracted.insert(*id);
            }
        }
    }
}

struct Walk<'g, 'e> {
    graph: &'g Graph<'e>,
    reach: Reach,
    queue: VecDeque<(Identity, Window)>,
}

impl Walk<'_, '_> {
    fn enqueue(&mut self, identity: Identity, window: Window) {
        let name = identity.canonical();
        let known = self.reach.windows.len();
        let windows = self.reach.windows.entry(name).or_default();
        let is_new = windows.is_empty();
        if windows.iter().any(|old| old.covers(&window))
            || windows.len() >= MAX_WINDOWS
            || (is_new && known >= MAX_IDENTITIES)
        {
            return;
        }
        windows.push(window);
        self.queue.push_back((identity, window));
    }

    fn visit(&mut self, identity: &Identity, window: Window) {
        let name = identity.canonical();
        let graph = self.graph;
        for (id, event, role) in graph.about(&name) {
            if !window.holds(event.event_time) || !self.belongs(identity, window.via, event, *role)
            {
                continue;
            }
            let via = self.reach.events.entry(*id).or_insert(window.via);
            *via = window.via.min(*via);
            self.follow(identity, window, event, *role);
        }
    }

    /// Whether an event in which `identity` plays `role` is part of the story.
    fn belongs(&self, identity: &Identity, via: Via, event: &Event, role: Role) -> bool {
        match (via, role) {
            // What else was made from it is another product's story.
            (Via::Container | Via::Lot | Via::Ingredient, Role::Input) => {
                event.what.iter().any(|what| {
                    what.role == Role::Output && self.reach.contains(&what.identity.canonical())
                })
            }
            // A container's own packing of others is not ours; emptying it altogether is.
            (Via::Container, Role::Parent) => {
                event.event_type == EventType::Transaction
                    || children(event).next().is_none()
                    || event.event_type == EventType::Association
                    || children(event).any(|what| self.reach.contains(&what.identity.canonical()))
            }
            // Some of the lot went into a case; whether our item did, its own events say.
            (Via::Lot, Role::Child) => is_instance(identity),
            _ => true,
        }
    }

    /// Where an event leads.
    fn follow(&mut self, identity: &Identity, window: Window, event: &Event, role: Role) {
        match role {
            Role::Child if event.action == Some(Action::Add) && is_instance(identity) => {
                self.climb(identity, window, event);
            }
            Role::Parent if event.event_type == EventType::Association => {
                self.attach(identity, window, event);
            }
            Role::Parent if event.action == Some(Action::Add) && window.via == Via::Ingredient => {
                // What was in the carton that was cut up is what the cuts are made from.
                for what in children(event) {
                    let inside = Window {
                        from: None,
                        until: window.until,
                        via: Via::Ingredient,
                    };
                    self.enqueue(what.identity.clone(), inside);
                }
            }
            Role::Output => {
                let before = Window {
                    from: None,
                    until: Some(event.event_time),
                    via: Via::Ingredient,
                };
                for what in event.what.iter().filter(|what| what.role == Role::Input) {
                    self.enqueue(what.identity.clone(), before);
                }
            }
            _ => {}
        }
        if matches!(role, Role::Epc | Role::Output) {
            self.name_lot(identity, event);
        }
    }

    /// From a thing to what held it, for as long as it did.
    fn climb(&mut self, identity: &Identity, window: Window, event: &Event) {
        let Some(parent) = parent_of(event) else {
            return;
        };
        let left = self.graph.left_at(&parent.canonical(), identity, event);
        if let Some(cut) = window.cut(event.event_time, left) {
            let via = window.via.max(Via::Container);
            let via = if window.via == Via::Lot {
                Via::Lot
            } else {
                via
            };
            self.enqueue(parent.clone(), Window { via, ..cut });
        }
    }

    /// From a pallet to the logger on it, for as long as it was there.
    fn attach(&mut self, parent: &Identity, window: Window, event: &Event) {
        if event.action != Some(Action::Add) {
            return;
        }
        for what in children(event) {
            let left = self
                .graph
                .left_at(&parent.canonical(), &what.identity, event);
            if let Some(cut) = window.cut(event.event_time, left) {
                let via = window.via.max(Via::Container);
                self.enqueue(what.identity.clone(), Window { via, ..cut });
            }
        }
    }

    /// From an item to the lot that the event's `ilmd` gives it.
    fn name_lot(&mut self, identity: &Identity, event: &Event) {
        let (Identity::Item { gtin, .. }, Some(number)) = (identity, &event.lot_number) else {
            return;
        };
        if let Ok(lot) = crate::domain::gs1::Lot::parse(number) {
            let window = Window {
                from: None,
                until: None,
                via: Via::Lot,
            };
            self.enqueue(Identity::LotOf { gtin: *gtin, lot }, window);
        }
    }
}

fn children(event: &Event) -> impl Iterator<Item = &What> {
    event.what.iter().filter(|what| what.role == Role::Child)
}

fn parent_of(event: &Event) -> Option<&Identity> {
    event
        .what
        .iter()
        .find(|what| what.role == Role::Parent)
        .map(|what| &what.identity)
}

/// Whether an unpacking takes `child` out: by name, or, naming nothing, everything.
fn takes_out(event: &Event, child: &Identity) -> bool {
    let mut any = false;
    for what in children(event) {
        if what.identity == *child {
            return true;
        }
        any = true;
    }
    !any
}
