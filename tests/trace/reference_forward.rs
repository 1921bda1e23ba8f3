//! The forward trace once more, as simply as it can be said: what was played through is asked again and again what
//! follows from each thing that is affected by now, until nothing is new. The service must say the same: which things,
//! how surely, and since when.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rootmark::domain::epcis::{Action, Event};
use rootmark::domain::forward::{Certainty, Start};
use rootmark::domain::gs1::{Gtin, Identity, Lot};
use rootmark::domain::statement::Role;
use rootmark::store::begin_for;
use rootmark::trace::{KnownAt, Pace, forward_at};
use time::OffsetDateTime;
use tokio::runtime::Runtime;

use crate::chain::*;
use crate::loading::{capture, with_errors, worlds};
use crate::reference::{Record, bond, is_instance, of_role, parent_of};
use crate::support::TestApp;
use crate::worlds::{any_record, read};

const MILK: &str = "class:09521041000015";
const POWDER: &str = "class:09521041000114";

/// `None`: always.
type Since = Option<OffsetDateTime>;

/// What is affected, and since when, of each certainty.
type Affected = BTreeMap<(Identity, Certainty), Since>;

/// A thing in another, until when, and whether that was said; of a lot, some of it.
struct Stay<'e> {
    parent: &'e Identity,
    is_packed: bool,
    from: OffsetDateTime,
    until: Since,
    is_end_said: bool,
}

impl<'e> Record<'e> {
    /// What is affected by what is wrong with `starts`: of each thing what is surest.
    fn forward(&self, starts: &[Start]) -> BTreeMap<Identity, (Certainty, Since)> {
        let mut affected = Affected::new();
        for start in starts {
            let key = (start.identity.clone(), start.certainty);
            affected.insert(key, start.since);
        }
        loop {
            let before = affected.clone();
            for ((thing, certainty), since) in &before {
                for (thing, certainty, since) in self.follows(thing, *certainty, *since) {
                    let known = affected.entry((thing, certainty)).or_insert(since);
                    *known = since.min(*known);
                }
            }
            if affected == before {
                break;
            }
        }
        let mut surest = BTreeMap::new();
        // Whoever is affected for sure stands before whoever may be.
        for ((thing, certainty), since) in affected {
            surest.entry(thing).or_insert((certainty, since));
        }
        surest
    }

    fn follows(
        &self,
        thing: &Identity,
        certainty: Certainty,
        since: Since,
    ) -> Vec<(Identity, Certainty, Since)> {
        let mut found = Vec::new();
        let used = self
            .events
            .iter()
            .filter(|event| names(event, Role::Input, thing));
        for event in used {
            let is_since = since <= Some(event.event_time);
            match thing {
                Identity::Class { .. } if is_since => {
                    found.extend(self.made_of(event, Certainty::Possibly));
                }
                Identity::Class { .. } => {}
                _ if is_since => found.extend(self.made_of(event, certainty)),
                // Of a lot some may have been used before.
                Identity::LotOf { .. } => found.extend(self.made_of(event, Certainty::Possibly)),
                _ => {}
            }
        }
        if let Identity::Class { .. } = thing {
            return found;
        }
        if let Identity::LotOf { gtin, lot } = thing {
            found.extend(self.uses_of_kind(thing, Identity::Class { gtin: *gtin }));
            found.extend(self.items((*gtin, *lot), certainty, since));
        }
        found.extend(self.inside(thing, certainty, since));
        let mut climbed = BTreeSet::new();
        self.climb(thing, (since, None), &mut climbed);
        for (holder, from, until) in climbed {
            let used = self.events.iter().filter(|event| {
                names(event, Role::Input, &holder)
                    && from <= Some(event.event_time)
                    && until.is_none_or(|until| event.event_time <= until)
            });
            found.extend(used.flat_map(|event| self.made_of(event, certainty)));
        }
        found
    }

    /// What came out of the process that an event is part of. What had come out by then may be, for all that is known
    /// of the times.
    fn made_of(&self, used: &Event, certainty: Certainty) -> Vec<(Identity, Certainty, Since)> {
        let is_part = |part: &&Event| {
            let is_joined = used.transformation_id.is_some()
                && part.transformation_id == used.transformation_id;
            is_joined || std::ptr::eq(*part, used)
        };
        let mut made = Vec::new();
        for part in self.events.iter().filter(is_part) {
            let certainty = match part.event_time >= used.event_time {
                true => certainty,
                false => Certainty::Possibly,
            };
            for what in of_role(part, Role::Output) {
                made.push((what.identity.clone(), certainty, Some(part.event_time)));
            }
        }
        made
    }

    /// Where a process names the kind of a lot alone, it may have been this lot, once it was made.
    fn uses_of_kind(&self, lot: &Identity, kind: Identity) -> Vec<(Identity, Certainty, Since)> {
        let makes = |event: &&Event| {
            let is_commission = event.action == Some(Action::Add) && bond(event).is_none();
            names(event, Role::Output, lot) || (is_commission && names(event, Role::Epc, lot))
        };
        let made = self.events.iter().find(makes).map(|event| event.event_time);
        let used = self.events.iter();
        let used =
            used.filter(|event| names(event, Role::Input, &kind) && made <= Some(event.event_time));
        used.flat_map(|event| self.made_of(event, Certainty::Possibly))
            .collect()
    }

    /// The items of a lot: those that were there before it went wrong may be affected.
    fn items(
        &self,
        (gtin, lot): (Gtin, Lot),
        certainty: Certainty,
        since: Since,
    ) -> Vec<(Identity, Certainty, Since)> {
        let things = self.events.iter().flat_map(|event| &event.what);
        let things: BTreeSet<&Identity> = things.map(|what| &what.identity).collect();
        let is_item =
            |thing: &&Identity| matches!(thing, Identity::Item { gtin: of, .. } if *of == gtin);
        let mut items = Vec::new();
        for item in things.into_iter().filter(is_item) {
            let named = self.lots_named(item);
            let Some(named_at) = named.get(&lot) else {
                continue;
            };
            let certainty = match since <= Some(*named_at) {
                true => certainty,
                false => Certainty::Possibly,
            };
            items.push((item.clone(), certainty, since));
        }
        items
    }

    /// The lots of an item, and when each was named first. Whoever made it knows; where nobody said, the one lot that
    /// links to it bear.
    fn lots_named(&self, item: &Identity) -> BTreeMap<Lot, OffsetDateTime> {
        let (mut made, mut named) = (BTreeSet::new(), BTreeSet::new());
        let mut first = BTreeMap::new();
        for event in self.events {
            for what in event.what.iter().filter(|what| what.identity == *item) {
                let makes = matches!(what.role, Role::Epc | Role::Output);
                let lot = event.lot_number.as_deref().filter(|_| makes);
                let lot = lot.map(|lot| Lot::parse(lot).unwrap());
                made.extend(lot);
                named.extend(what.lot);
                for lot in lot.into_iter().chain(what.lot) {
                    first.entry(lot).or_insert(event.event_time);
                }
            }
        }
        let lots = match (made.is_empty(), named.len()) {
            (false, _) => made,
            (true, 1) => named,
            _ => BTreeSet::new(),
        };
        first.retain(|lot, _| lots.contains(lot));
        first
    }

    /// What was in a container since it is affected, or was seen in it.
    fn inside(
        &self,
        container: &Identity,
        certainty: Certainty,
        since: Since,
    ) -> Vec<(Identity, Certainty, Since)> {
        let mut inside = Vec::new();
        let holding = self.events.iter();
        let holding = holding.filter(|event| parent_of(event) == Some(container));
        let children = holding.flat_map(|event| of_role(event, Role::Child));
        let children: BTreeSet<&Identity> = children.map(|what| &what.identity).collect();
        for child in children {
            for stay in self.stays(child) {
                let is_goods = stay.is_packed || !matches!(child, Identity::Giai(_));
                let is_there = stay.until.is_none_or(|until| since <= Some(until));
                if stay.parent != container || !is_goods || !is_there {
                    continue;
                }
                let is_doubtful = !stay.is_end_said && since > Some(stay.from);
                let certainty = match is_doubtful || !is_instance(child) {
                    true => Certainty::Possibly,
                    false => certainty,
                };
                inside.push((child.clone(), certainty, since.max(Some(stay.from))));
            }
            let seen = self.events.iter().find(|event| {
                bond(event).is_some()
                    && event.action == Some(Action::Observe)
                    && parent_of(event) == Some(container)
                    && names(event, Role::Child, child)
                    && since <= Some(event.event_time)
            });
            if let Some(seen) = seen {
                inside.push((child.clone(), Certainty::Possibly, Some(seen.event_time)));
            }
        }
        inside
    }

    /// What held a thing within a time, and what held that, and when.
    fn climb(
        &self,
        thing: &Identity,
        (from, until): (Since, Since),
        climbed: &mut BTreeSet<(Identity, Since, Since)>,
    ) {
        for stay in self.stays(thing) {
            let from = from.max(Some(stay.from));
            let until = [until, stay.until].into_iter().flatten().min();
            let is_together = until.is_none_or(|until| from <= Some(until));
            if is_together && climbed.insert((stay.parent.clone(), from, until)) {
                self.climb(stay.parent, (from, until), climbed);
            }
        }
    }

    fn stays(&self, thing: &Identity) -> Vec<Stay<'e>> {
        let at = |place: usize| self.events[place].event_time;
        if is_instance(thing) {
            let held = self.held.iter().filter(|held| held.child == thing);
            let stays = held.map(|held| Stay {
                parent: held.parent,
                is_packed: held.is_packed,
                from: at(held.from),
                until: held.until.map(at),
                is_end_said: held.until.is_none() || held.is_end_said,
            });
            return stays.collect();
        }
        let put_in = self.events.iter().enumerate().filter(|(_, event)| {
            bond(event) == Some(true)
                && event.action == Some(Action::Add)
                && names(event, Role::Child, thing)
        });
        let stays = put_in.filter_map(|(place, event)| {
            let parent = parent_of(event).filter(|parent| is_instance(parent))?;
            // After which event none of it is left.
            let is_gone = |end: &usize| {
                let taken = self.events[*end].action == Some(Action::Delete);
                let of_it = parent_of(&self.events[*end]) == Some(parent);
                taken && of_it && !self.contents(parent, *end).contains_key(thing)
            };
            Some(Stay {
                parent,
                is_packed: true,
                from: event.event_time,
                until: (place + 1..self.events.len()).find(is_gone).map(at),
                is_end_said: true,
            })
        });
        stays.collect()
    }
}

fn names(event: &Event, role: Role, thing: &Identity) -> bool {
    of_role(event, role).any(|what| what.identity == *thing)
}

/// What the service tells.
async fn told(
    app: &TestApp,
    texts: &[String],
    starts: &[Vec<Start>],
) -> Vec<BTreeMap<Identity, (Certainty, Since)>> {
    let merchant_id = capture(app, texts).await.merchant_id;
    let mut told = Vec::new();
    for starts in starts {
        let mut conn = app.running.database.reader.acquire().await.unwrap();
        let mut tx = begin_for(&mut conn, merchant_id).await.unwrap();
        let found = forward_at(
            &mut tx,
            (merchant_id, &app.running.code_key),
            starts,
            KnownAt::NOW,
            Pace::USUAL,
        );
        let found = found.await.unwrap();
        assert!(!found.truncated);
        let things = found.things.into_iter();
        told.push(
            things
                .map(|thing| (thing.identity, (thing.certainty, thing.since)))
                .collect(),
        );
    }
    told
}

/// A record with more of what has no rule of its own in it: what is used without a lot is of a kind that is made here,
/// or is not; another product has a lot of the same number; and links name lots, right and wrong ones.
fn enriched(texts: Vec<String>, is_powder: bool, bits: u8) -> Vec<String> {
    let used = |text: String| match is_powder {
        true => text.replace(&format!("{}\"", uri(MILK)), &format!("{}\"", uri(POWDER))),
        false => text,
    };
    let linked = |lot: &str, serial: &str| {
        format!("https://id.gs1.org/01/09521041001012/10/{lot}/21/{serial}")
    };
    let after = texts.len() as u32;
    let more = [
        see(0, &[&linked("L", "C")]),
        commission(after + 1, &["carton:C"], "M"),
        see(after + 2, &[&linked("M", "A")]),
        see(after + 3, &[&linked("L", "B")]),
        see(after + 4, &[&linked("M", "B")]),
        make(after + 5, &["carton:C"], &["powder:1"]),
        make(after + 6, &["tin:A", "tin:B"], &["powder:2"]),
    ];
    let chosen = more.into_iter().enumerate();
    let chosen = chosen.filter(|(place, _)| bits & (1 << place) != 0);
    let (before, after): (Vec<_>, Vec<_>) = chosen.partition(|(place, _)| *place == 0);
    let texts = texts.into_iter().map(used);
    let before = before.into_iter().map(|(_, text)| text);
    let after = after.into_iter().map(|(_, text)| text);
    before.chain(texts).chain(after).collect()
}

#[test]
fn what_is_affected_and_how_surely_and_since_when_the_reference_says_too() {
    let runtime = Runtime::new().unwrap();
    let app = runtime.block_on(TestApp::start());
    let mut runner = TestRunner::new(ProptestConfig::with_cases(worlds()));
    let errors = (any::<u64>(), any::<u64>(), any::<u64>()).prop_map(|(a, b, c)| a & b & c);
    let since = prop::option::of(0i64..20);
    let [traces, many, doubtful, later] = [const { Cell::new(0) }; 4];
    let record = (any_record(1), any::<bool>(), any::<u8>());
    let record = record.prop_map(|(texts, is_powder, bits)| enriched(texts, is_powder, bits));
    let compared = runner.run(&(record, errors, since), |(texts, errors, since)| {
        let june = time::macros::datetime!(2026-06-01 0:00 UTC);
        let start = |name: &&str, certainty| Start {
            identity: Identity::parse(&uri(name)).unwrap(),
            since: since.map(|hours| june + time::Duration::hours(hours)),
            certainty,
        };
        let things = [
            "milk:1",
            "powder:1",
            "lot:L",
            "lot:M",
            "tin:A",
            "case:1",
            "truck:1",
            "carton:C",
            "carton-lot:M",
            MILK,
            POWDER,
        ];
        let mut starts: Vec<Vec<Start>> = things
            .iter()
            .map(|name| vec![start(name, Certainty::Affected)])
            .collect();
        starts.push(vec![
            start(&"milk:2", Certainty::Possibly),
            start(&"case:2", Certainty::Affected),
        ]);
        let events = read(&texts);
        // What was declared an error was never there.
        let stands = |place: &usize| errors & (1 << (place % 64)) == 0;
        let places = (0..events.len()).filter(stands);
        let standing: Vec<Event> = places.map(|place| events[place].clone()).collect();
        let record = Record::of(&standing);
        let told = runtime.block_on(told(&app, &with_errors(texts, errors), &starts));
        for (starts, told) in starts.iter().zip(told) {
            let add = |cell: &Cell<usize>, is: bool| cell.set(cell.get() + usize::from(is));
            let is_possible =
                |(certainty, _): &(Certainty, Since)| *certainty == Certainty::Possibly;
            add(&traces, true);
            add(&many, told.len() > 5);
            add(
                &doubtful,
                told.values().filter(|told| is_possible(told)).count() > 1,
            );
            let is_later = |(_, at): &(Certainty, Since)| since.is_some() && *at > starts[0].since;
            add(&later, told.values().any(is_later));
            prop_assert_eq!(told, record.forward(starts), "{:?}", starts);
        }
        Ok(())
    });
    compared.unwrap();
    runtime.block_on(app.stop());
    // Records in which nothing follows from anything would prove nothing.
    for (what, cell) in [("many", many), ("doubtful", doubtful), ("later", later)] {
        assert!(cell.get() > traces.get() / 24, "{what}: {}", cell.get());
    }
}
