//! Which identities and events belong to a story: the walk itself, as pure computation over the
//! events that were loaded.
//!
//! Every rule only adds, and asks only what the events say, never what the walk has reached so far:
//! so the result depends neither on the order of the events nor on that of the walk.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use time::OffsetDateTime;

use super::ask::{Ask, Asks};
use super::found::Walked;
use super::graph::{Bond, Graph, Membership, Mention, is_instance};
use super::issued::IssuedLots;
use super::window::{Moment, Tie, Window};
use crate::domain::epcis::{Event, What};
use crate::domain::gs1::{Identity, Lot};
use crate::domain::statement::{Role, StatementId};
use crate::domain::story::{Connection, Lead, Stay, Via};
use crate::domain::turn::Turn;

/// Windows of one identity that no other joins; a tote that is used more often is cut off here.
const MAX_WINDOWS: usize = 64;
/// Identities of one story.
const MAX_IDENTITIES: usize = 4_000;
/// Looks at one identity in one event. A tin's story takes a few hundred; a hostile graph, in
/// which everything is in everything, stops here.
pub(super) const MAX_LOOKS: usize = 400_000;

/// What a walk reached.
#[derive(Debug, Default, PartialEq)]
pub struct Reach {
    windows: HashMap<Identity, Vec<Window>>,
    /// The canonical names of the identities that have windows.
    walked: HashSet<String>,
    /// Which events of theirs are wanted.
    asks: Asks,
    /// Classes that went into an ingredient list without a lot.
    classes: HashSet<String>,
    /// Transformations whose events are wanted, up to when something of the story came out of them.
    transformations: HashMap<Identity, OffsetDateTime>,
    /// The lots that events give to the subject.
    own_lots: Vec<Lot>,
    /// Items to which no event gives a lot.
    lotless: HashSet<Identity>,
    events: BTreeMap<StatementId, Via>,
    /// What a smaller window leads to, a larger one does too: so these do not depend on the walk either.
    leads: HashSet<Lead>,
    retracted: HashSet<StatementId>,
    is_cut_off: bool,
    looks: usize,
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
        Reach::walk(seeds, events, &IssuedLots::new(), false)
    }

    /// The same, and keeps how everything came into the story.
    pub fn with_leads<'e>(
        seeds: &[Identity],
        events: impl Iterator<Item = (StatementId, &'e Event)>,
    ) -> Reach {
        Reach::walk(seeds, events, &IssuedLots::new(), true)
    }

    /// The same, with the lots for which items were issued.
    pub(super) fn walk<'e>(
        seeds: &[Identity],
        events: impl Iterator<Item = (StatementId, &'e Event)>,
        issued: &IssuedLots,
        tells_leads: bool,
    ) -> Reach {
        let graph = Graph::of(events);
        let mut walk = Walk {
            graph: &graph,
            issued,
            reach: Reach::default(),
            queue: VecDeque::new(),
            followed: HashSet::new(),
            tells_leads,
        };
        walk.plant(seeds);
        while let Some((identity, window)) = walk.queue.pop_front() {
            walk.visit(&identity, window);
        }
        walk.add_retracted();
        if tells_leads {
            walk.tell_stays();
        }
        walk.reach
    }

    /// What led to the subject, itself included: all that was walked but what only measured.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Identity> {
        let windows = self.windows.iter();
        let leading = windows.filter(|(_, windows)| {
            let ties = windows.iter().map(|window| window.tie);
            ties.into_iter().any(|tie| tie != Tie::Instrument)
        });
        leading.map(|(identity, _)| identity)
    }

    /// Kinds of which some was used, nobody knows of which lot; canonical.
    pub(super) fn classes(&self) -> impl Iterator<Item = &str> {
        self.classes.iter().map(String::as_str)
    }

    /// The lots that events give to the subject.
    pub(super) fn own_lots(&self) -> &[Lot] {
        &self.own_lots
    }

    /// Items to which no event gives a lot, so that it matters for which one they were issued.
    pub(super) fn lotless(&self) -> impl Iterator<Item = &Identity> {
        self.lotless.iter()
    }

    /// The lots that were walked.
    pub(super) fn lots(&self) -> impl Iterator<Item = &Identity> {
        let is_lot = |identity: &&Identity| matches!(identity, Identity::LotOf { .. });
        self.windows.keys().filter(is_lot)
    }

    /// Whether an identity is part of the story, so that a reader may see it named.
    pub fn contains(&self, identity: &str) -> bool {
        self.walked.contains(identity) || self.classes.contains(identity)
    }

    /// The events that belong to the story.
    pub fn events(&self) -> impl Iterator<Item = (StatementId, Via)> {
        self.events.iter().map(|(id, via)| (*id, *via))
    }

    /// How everything that is part of the story came into it, in no order.
    pub fn leads(&self) -> impl Iterator<Item = &Lead> {
        self.leads
            .iter()
            .filter(|lead| self.contains(&lead.to.canonical()))
    }

    /// Whether a later statement declares the event an error.
    pub fn is_retracted(&self, id: StatementId) -> bool {
        self.retracted.contains(&id)
    }

    /// Whether the walk ended at one of its limits, with more to be found.
    pub fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }

    /// What the walk cost: looks at one identity in one event.
    #[cfg(test)]
    pub fn looks(&self) -> usize {
        self.looks
    }
}

impl Walked for Reach {
    fn asks(&self) -> impl Iterator<Item = (&Identity, Ask)> {
        let things = self.asks.each();
        let joined = self.transformations.iter();
        things.chain(joined.map(|(thing, until)| (thing, Ask::of_transformation(*until))))
    }

    fn lots(&self) -> impl Iterator<Item = String> {
        Reach::lots(self).map(Identity::canonical)
    }

    fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }
}

struct Walk<'g, 'e> {
    graph: &'g Graph<'e>,
    issued: &'g IssuedLots,
    reach: Reach,
    queue: VecDeque<(Identity, Window)>,
    /// Events whose inputs were followed.
    followed: HashSet<StatementId>,
    /// Whether leads are kept: of a large blend there are as many as inputs times outputs.
    tells_leads: bool,
}

impl<'e> Walk<'_, 'e> {
    fn plant(&mut self, seeds: &[Identity]) {
        let Some(finest) = seeds.first() else { return };
        self.enqueue(finest, Window::always(Tie::Subject, Via::Item));
        // Anybody can write any lot into an address; what the record says of an item stands.
        let recorded = self.graph.lots_of(finest);
        self.reach.own_lots.clone_from(&recorded);
        for seed in &seeds[1..] {
            // The class itself is no seed: a statement about every tin of a product is its
            // description, which is added later.
            if let Identity::LotOf { lot, .. } = seed
                && (recorded.is_empty() || recorded.contains(lot))
            {
                self.lead(finest, seed, Connection::Lot, None);
                self.enqueue(seed, Window::always(Tie::Lot, Via::Lot));
            }
        }
    }

    fn enqueue(&mut self, identity: &Identity, window: Window) {
        let known = self.reach.windows.len();
        let windows = match self.reach.windows.get_mut(identity) {
            Some(windows) => windows,
            None if known >= MAX_IDENTITIES => {
                self.reach.is_cut_off = true;
                return;
            }
            None => {
                self.reach.walked.insert(identity.canonical());
                self.reach.windows.entry(identity.clone()).or_default()
            }
        };
        if windows.iter().any(|old| old.covers(&window)) {
            return;
        }
        // Windows that touch are one: a tin that is moved from case to case on one pallet was on
        // that pallet once, not as often as it was moved.
        let mut whole = window;
        while let Some(index) = windows.iter().position(|old| old.joined(&whole).is_some()) {
            let old = windows.swap_remove(index);
            whole = old.joined(&whole).unwrap_or(whole);
        }
        if windows.len() >= MAX_WINDOWS {
            self.reach.is_cut_off = true;
            return;
        }
        windows.push(whole);
        let ask = Ask::of(identity, &whole);
        self.reach.asks.add(identity, ask);
        self.queue.push_back((identity.clone(), whole));
    }

    /// What held a thing, or was held, since before the window opened: whether it did still, what became of
    /// it in the meantime says.
    fn enqueue_holder(&mut self, identity: &Identity, window: Window, held: &Membership<'_>) {
        self.enqueue(identity, window);
        if self.reach.windows.contains_key(identity) {
            let ask = Ask::of_turns(held.from.0, &window);
            self.reach.asks.add(identity, ask);
        }
    }

    fn visit(&mut self, identity: &Identity, window: Window) {
        let graph = self.graph;
        let mut lots: Option<Vec<Lot>> = None;
        for mention in graph.within(identity, &window) {
            if !self.may_look(1) {
                return;
            }
            if belongs(identity, &window, mention) {
                self.keep(mention.id, window.via);
                self.follow(identity, window, mention);
                let Some(lot) = mention.link_lot else {
                    continue;
                };
                if lots.is_none() && !self.may_look(graph.about(identity).len()) {
                    return;
                }
                let lots = lots.get_or_insert_with(|| graph.lots_of(identity));
                if lots.contains(&lot) {
                    self.join_lot(identity, window, lot, Some(mention.id));
                }
            }
        }
        self.join_issued_lot(identity, window);
        if climbs(&window) {
            self.climb(identity, window);
            self.read_instruments(identity, window);
        }
    }

    /// Where an event leads.
    fn follow(&mut self, identity: &Identity, window: Window, mention: &Mention<'e>) {
        let made = mention.role == Role::Output
            && matches!(window.tie, Tie::Subject | Tie::Lot | Tie::Consumed);
        if made {
            self.follow_transformation(identity, mention);
        }
        if let Some(lot) = mention.lot() {
            self.join_lot(identity, window, lot, Some(mention.id));
        }
    }

    /// From an output to what it was made from, in all events of the transformation up to then.
    fn follow_transformation(&mut self, identity: &Identity, mention: &Mention<'e>) {
        if let Some(transformation) = mention.event.transformation() {
            let until = mention.event.event_time;
            let known = self.reach.transformations.entry(transformation);
            let known = known.or_insert(until);
            *known = until.max(*known);
        }
        for (id, event) in self.graph.transformation(mention.id, mention.event) {
            let is_new = self.followed.insert(id);
            if !(is_new || self.tells_leads) {
                continue;
            }
            let inputs = event.what.iter().filter(|what| what.role == Role::Input);
            if !self.may_look(inputs.clone().count()) {
                return;
            }
            for what in inputs {
                let how = match what.identity {
                    Identity::Class { .. } => Connection::MayContain,
                    _ => Connection::MadeFrom,
                };
                self.lead(identity, &what.identity, how, Some(id));
                if is_new {
                    // An output of its own, if there is one, is another product's.
                    self.keep(id, Via::Ingredient);
                    self.use_up(what, id, event);
                }
            }
        }
    }

    /// From an input to what it was before.
    fn use_up(&mut self, what: &'e What, by: StatementId, event: &'e Event) {
        self.consume(&what.identity, event);
        let Some(lot) = what.lot.zip(what.lot_of_link()) else {
            return;
        };
        if !self.may_look(self.graph.about(&what.identity).len()) {
            return;
        }
        if self.graph.lots_of(&what.identity).contains(&lot.0) {
            self.lead(&what.identity, &lot.1, Connection::Lot, Some(by));
            self.enqueue(&lot.1, Window::consumed_at(event.event_time));
        }
    }

    /// From an item that has no lot by any event to the one that it was issued for.
    fn join_issued_lot(&mut self, identity: &Identity, window: Window) {
        let is_item = matches!(identity, Identity::Item { .. });
        if !is_item || !matches!(window.tie, Tie::Subject | Tie::Consumed) {
            return;
        }
        if !self.may_look(self.graph.about(identity).len())
            || !self.graph.lots_of(identity).is_empty()
        {
            return;
        }
        self.reach.lotless.insert(identity.clone());
        if let Some(Some(lot)) = self.issued.get(identity) {
            self.join_lot(identity, window, *lot, None);
        }
    }

    /// From an item to its lot.
    fn join_lot(&mut self, identity: &Identity, window: Window, lot: Lot, by: Option<StatementId>) {
        let Identity::Item { gtin, .. } = *identity else {
            return;
        };
        // The lot of a box is not the lot of what lies in it.
        let lot_window = match window.tie {
            Tie::Subject => Window::always(Tie::Lot, Via::Lot),
            Tie::Consumed => window,
            _ => return,
        };
        let lot = Identity::LotOf { gtin, lot };
        self.lead(identity, &lot, Connection::Lot, by);
        self.enqueue(&lot, lot_window);
    }

    /// From what an event consumed to its life before, and to that of what was inside.
    fn consume(&mut self, input: &'e Identity, event: &'e Event) {
        let at = event.event_time;
        let mut seen: HashSet<&Identity> = HashSet::new();
        let mut todo = vec![input];
        while let Some(identity) = todo.pop() {
            if let Identity::Class { .. } = identity {
                // Salt of no lot: which of all salt it was, nobody knows.
                self.reach.classes.insert(identity.canonical());
                continue;
            }
            if !seen.insert(identity) {
                continue;
            }
            if !self.may_look(1) {
                return;
            }
            self.enqueue(identity, Window::consumed_at(at));
            if !is_instance(identity) {
                continue;
            }
            let mentions = self.graph.about(identity).iter();
            if !self.may_look(mentions.map(|mention| mention.event.what.len()).sum()) {
                return;
            }
            for (inside, packed_by) in self.graph.contents(identity, at) {
                if !self.may_look(1 + self.graph.about(inside).len()) {
                    return;
                }
                let stayed = |held: &Membership<'_>| {
                    let (from, until) = (held.from.0, held.until);
                    held.parent == identity && from <= at && until.is_none_or(|until| until.0 >= at)
                };
                if !is_instance(inside) || self.graph.memberships(inside).iter().any(stayed) {
                    for id in packed_by {
                        self.keep(id, Via::Ingredient);
                        self.lead(identity, inside, Connection::Contained, Some(id));
                    }
                    todo.push(inside);
                }
            }
        }
    }

    /// From a thing to what held it, for as long as it did.
    fn climb(&mut self, identity: &Identity, window: Window) {
        if !self.may_look(self.graph.about(identity).len()) {
            return;
        }
        for held in self.graph.memberships(identity) {
            if let Some(cut) = window.cut(held.from, held.until) {
                // Kept even where it went in before the window opened, as a box that stood on the
                // pallet when our tin was put into it: this event is what says where the box was.
                self.keep(held.from.1, window.via);
                self.enqueue_holder(held.parent, cut.beside(Tie::Holder), &held);
            }
        }
    }

    /// From a pallet to the logger on it, for as long as it was there.
    fn read_instruments(&mut self, identity: &Identity, window: Window) {
        for instrument in self.graph.instruments(identity) {
            if !self.may_look(1 + self.graph.about(instrument).len()) {
                return;
            }
            for held in self.graph.memberships(instrument) {
                let is_here = held.parent == identity && held.bond == Bond::Associated;
                let cut = is_here.then(|| window.cut(held.from, held.until));
                if let Some(cut) = cut.flatten() {
                    self.keep(held.from.1, window.via);
                    self.enqueue_holder(instrument, cut.beside(Tie::Instrument), &held);
                    // Whoever took everything off it since names none of what was on it.
                    let ask = Ask::of_turns(held.from.0, &cut);
                    self.reach.asks.add(identity, ask);
                }
            }
        }
    }

    /// Retracted events lead nowhere; where the story has them, they stay visible, marked.
    fn add_retracted(&mut self) {
        for (mention, identity) in self.graph.retracted() {
            let windows = self.reach.windows.get(identity).into_iter().flatten();
            let via = windows
                .filter(|window| belongs(identity, window, &mention))
                .map(|window| window.via)
                .min();
            if let Some(via) = via {
                self.keep(mention.id, via);
                self.reach.retracted.insert(mention.id);
            }
            let event = mention.event;
            let joined = event.transformation();
            let until = joined.and_then(|joined| self.reach.transformations.get(&joined));
            let was_part = until.is_some_and(|until| event.event_time <= *until);
            if mention.role == Role::Input && was_part {
                self.keep(mention.id, Via::Ingredient);
                self.reach.retracted.insert(mention.id);
            }
        }
    }

    /// How long everything was in or on what. Told once all windows are known: an end that no window holds
    /// is not part of the story.
    fn tell_stays(&mut self) {
        let climbing = self.reach.windows.iter().map(|(identity, windows)| {
            let climbing = windows.iter().copied().filter(climbs);
            (identity.clone(), climbing.collect::<Vec<_>>())
        });
        let climbing: Vec<(Identity, Vec<Window>)> = climbing.collect();
        for (identity, windows) in climbing.iter().filter(|(_, windows)| !windows.is_empty()) {
            for held in self.graph.memberships(identity) {
                let how = match held.bond {
                    Bond::Packed => Connection::PackedIn,
                    Bond::Associated => Connection::FastenedTo,
                };
                self.tell_stay((identity, held.parent, how), windows, &held);
            }
            for instrument in self.graph.instruments(identity) {
                for held in self.graph.memberships(instrument) {
                    if held.parent == identity && held.bond == Bond::Associated {
                        let lead = (identity, *instrument, Connection::MeasuredBy);
                        self.tell_stay(lead, windows, &held);
                    }
                }
            }
        }
    }

    fn tell_stay(
        &mut self,
        (from, to, how): (&Identity, &Identity, Connection),
        windows: &[Window],
        held: &Membership<'_>,
    ) {
        let mut cutting = windows
            .iter()
            .filter(|window| window.cut(held.from, held.until).is_some())
            .peekable();
        if cutting.peek().is_none() {
            return;
        }
        let holds = |end: &Moment| cutting.any(|window| window.until.is_none_or(|at| *end <= at));
        let until = held.until.filter(holds);
        let stay = Stay {
            from: held.from.0,
            until: until.map(|until| until.0),
            is_end_inferred: held.is_end_inferred && until.is_some(),
        };
        self.tell(from, to, how, Some(held.from.1), Some(stay));
    }

    fn lead(&mut self, from: &Identity, to: &Identity, how: Connection, by: Option<StatementId>) {
        self.tell(from, to, how, by, None);
    }

    fn tell(
        &mut self,
        from: &Identity,
        to: &Identity,
        how: Connection,
        by: Option<StatementId>,
        stay: Option<Stay>,
    ) {
        if self.tells_leads {
            self.reach.leads.insert(Lead {
                from: from.clone(),
                to: to.clone(),
                how,
                by,
                stay,
            });
        }
    }

    fn keep(&mut self, id: StatementId, via: Via) {
        let kept = self.reach.events.entry(id).or_insert(via);
        *kept = via.min(*kept);
    }

    /// Pays for looks; once they are used up, the walk ends where it is.
    fn may_look(&mut self, looks: usize) -> bool {
        let looks = self.reach.looks + looks;
        if looks > MAX_LOOKS {
            self.reach.looks = MAX_LOOKS;
            self.reach.is_cut_off = true;
            self.queue.clear();
            return false;
        }
        self.reach.looks = looks;
        true
    }
}

/// Whether what held a thing then is part of the story.
fn climbs(window: &Window) -> bool {
    matches!(window.tie, Tie::Subject | Tie::Consumed | Tie::Holder)
}

/// Whether an event belongs to the story of something that is tied to it by a window.
fn belongs(identity: &Identity, window: &Window, mention: &Mention<'_>) -> bool {
    if !window.holds(mention.moment(), mention.event.action) {
        return false;
    }
    match (window.tie, mention.role) {
        // That the thing was used up is its own story. What else was made from its lot, or from an
        // ingredient, is another product's.
        (tie, Role::Input) => tie == Tie::Subject && is_instance(identity),
        (Tie::Subject, _) => true,
        (_, Role::Epc) => true,
        (Tie::Instrument, _) => false,
        // A holder's packing of neighbours is not ours; our own packing is reached from our side.
        (_, Role::Parent) => mention.turn != Turn::Holds,
        // Some of the lot went into a case; whether ours did, our own events say.
        (_, Role::Child) => is_instance(identity),
        _ => true,
    }
}
