//! Forward: from what is wrong to all that is affected, where it is, and who has it.
//!
//! Being affected passes from a lot to its items, from what went into a process to what came out of it, and
//! from a container to what was inside; never from a thing to what merely held it, nor from there to its
//! neighbours. What holds an affected thing is told beside it: there it is to be found.

mod last;
mod walk;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use self::last::Last;
use self::walk::Spread;
use super::describe;
use super::found::{Found, Name, Room};
use super::graph::{Graph, Mention, is_instance};
use super::{KnownAt, TraceError};
use crate::domain::epcis::{PartyKind, PartyRef};
use crate::domain::forward::{Certainty, Fate, Forward, Holding, Passage, Reached, Start};
use crate::domain::gs1::Identity;
use crate::domain::statement::{Role, StatementId};
use crate::domain::turn::Turn;

/// How many times the walk asks for what the last answer led to: as many steps as there are from milk to a
/// shop, and again as many.
const MAX_ROUNDS: usize = 64;

/// Everything that is affected by what is wrong with `starts`. The transaction must act for the merchant.
pub async fn forward(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    starts: &[Start],
    known_at: KnownAt,
) -> Result<Forward, TraceError> {
    let mut found = Found::known_at(known_at, Room::FORWARD);
    let walk = |found: &Found| Spread::compute(starts, &Graph::of(found.events()));
    let spread = found.settle(conn, merchant_id, MAX_ROUNDS, walk).await?;
    let mut told = tell(starts, &found, &spread);
    let names = names(&told);
    describe::describe(conn, merchant_id, known_at, names, &mut told).await?;
    Ok(told)
}

/// What a reader will want to see named.
fn names(told: &Forward) -> HashSet<Name> {
    let gtins = told.things.iter().filter_map(|thing| thing.identity.gtin());
    let classes = gtins.map(|gtin| Identity::Class { gtin }.canonical());
    let classes = classes.map(|class| (class, Role::Product, Turn::Seen));
    let seen = told.things.iter().filter_map(|thing| thing.seen.as_ref());
    let seen = seen.flat_map(|seen| [&seen.place, &seen.party]).flatten();
    let passed = told.passages.iter();
    let passed = passed.flat_map(|passage| [&passage.from, &passage.to]);
    let parties = seen.chain(passed).map(describe::party_name);
    classes.chain(parties).collect()
}

/// What a walk reached, with what became of it.
fn tell(starts: &[Start], found: &Found, spread: &Spread) -> Forward {
    let graph = Graph::of(found.events());
    let mut last = Last::of(&graph);
    let mut things: Vec<Reached> = Vec::with_capacity(spread.things.len());
    for (identity, thing) in &spread.things {
        let Some((certainty, reason)) = thing.best() else {
            continue;
        };
        things.push(Reached {
            identity: identity.clone(),
            certainty,
            since: reason.since,
            origin: reason.origin.clone(),
            fate: fate(&graph, identity),
            seen: last.seen(identity),
        });
    }
    things.sort_by(|a, b| (a.certainty, &a.identity).cmp(&(b.certainty, &b.identity)));
    Forward {
        starts: starts.to_vec(),
        holders: holders(spread),
        passages: passages(&graph, spread),
        things,
        products: HashMap::new(),
        parties: HashMap::new(),
        truncated: found.truncated,
    }
}

/// When what held something affected did: times that touch are one, whatever was in it in each.
fn holders(spread: &Spread) -> Vec<Holding> {
    let mut holders: Vec<Holding> = Vec::new();
    for held in &spread.holdings {
        let before = holders.last_mut().filter(|before| {
            before.holder == held.holder && before.until.is_none_or(|until| held.from <= until)
        });
        match before {
            None => holders.push(held.clone()),
            Some(before) => {
                let lasts = |held: &Holding| (held.until.is_none(), held.until);
                if lasts(before) < lasts(held) {
                    (before.until, before.is_end_inferred) = (held.until, held.is_end_inferred);
                }
            }
        }
    }
    holders
}

/// What became of a thing, by the last event that names it. Of a lot some is sold and some is not.
fn fate(graph: &Graph<'_>, identity: &Identity) -> Fate {
    if !is_instance(identity) {
        return Fate::InTrade;
    }
    // Whoever sees it later sees that it is back: a return is on the shelf again.
    let last = graph.about(identity).last();
    last.map_or(Fate::InTrade, |mention| {
        let at = mention.event.event_time;
        match (mention.role, mention.turn) {
            (Role::Input, _) => Fate::UsedUp(at),
            (_, Turn::Ended) if mention.event.is_sale() => Fate::Sold(at),
            (_, Turn::Ended) => Fate::Removed(at),
            _ => Fate::InTrade,
        }
    })
}

/// Who passed affected things on to whom, by themselves or in what held them.
fn passages(graph: &Graph<'_>, spread: &Spread) -> Vec<Passage> {
    let mut told: BTreeMap<(Identity, Identity), BTreeSet<(OffsetDateTime, StatementId)>> =
        BTreeMap::new();
    let mut seen: HashSet<StatementId> = HashSet::new();
    let mut tell = |mention: &Mention<'_>| {
        let event = mention.event;
        let from = holder_among(&event.sources);
        let to = holder_among(&event.destinations);
        let Some((from, to)) = from.zip(to).filter(|(from, to)| from != to) else {
            return;
        };
        if seen.insert(mention.id) {
            let passed = told.entry((from.clone(), to.clone())).or_default();
            passed.insert((event.event_time, mention.id));
        }
    };
    for (identity, thing) in &spread.things {
        let Some((certainty, reason)) = thing.best() else {
            continue;
        };
        // Of a kind of thing, not all is affected, and of other lots of it nothing.
        if matches!(identity, Identity::Class { .. }) && certainty == Certainty::Possibly {
            continue;
        }
        let since = reason.since;
        let own = graph.about(identity).iter();
        own.filter(|mention| since.is_none_or(|since| since <= mention.event.event_time))
            .for_each(&mut tell);
    }
    for held in &spread.holdings {
        let own = graph.about(&held.holder).iter();
        let while_held = own.filter(|mention| {
            let at = mention.event.event_time;
            mention.turn != Turn::Holds
                && held.from <= at
                && held.until.is_none_or(|until| at <= until)
        });
        while_held.for_each(&mut tell);
    }
    let passage = |((from, to), events): ((Identity, Identity), BTreeSet<(OffsetDateTime, _)>)| {
        let times = events.iter().map(|(at, _)| *at);
        Some(Passage {
            from,
            to,
            first: times.clone().min()?,
            last: times.max()?,
            events: events.into_iter().map(|(_, id)| id).collect(),
        })
    };
    told.into_iter().filter_map(passage).collect()
}

/// Who has the things, else who owns them.
fn holder_among(parties: &[PartyRef]) -> Option<&Identity> {
    let of_kind = |kind: PartyKind| parties.iter().find(move |party| party.kind == kind);
    let party = of_kind(PartyKind::Possessor).or_else(|| of_kind(PartyKind::Owner))?;
    Some(&party.identity)
}
