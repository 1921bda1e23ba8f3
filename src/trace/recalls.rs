//! Adding to a story the recalls that concern it. Nothing is worked out when a recall is opened: whatever
//! leads back to something that is recalled finds it there, from the next look on.

use std::collections::{BTreeMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use auditlog::LeafIndex;
use time::OffsetDateTime;

use super::found::{Found, Loaded, Name, Room};
use super::reach::Reach;
use super::{KnownAt, TraceError};
use crate::domain::epcis::Action;
use crate::domain::forward::Certainty;
use crate::domain::gs1::{Gtin, Identity, Lot};
use crate::domain::recall::{self, Recall};
use crate::domain::statement::{About, Kind, Role};
use crate::domain::story::{StandingRecall, Story, Via, Withheld};
use crate::domain::turn::Turn;
use crate::store::recall::recalls_said;
use crate::store::walk::Rows;

/// Adds what is recalled of all that led to the subject. All statements of a recall belong to the story; the
/// last of each stands.
pub(super) fn add_recalls(
    story: &mut Story,
    said: &Found,
    sources: &Sources<'_>,
) -> Result<(), TraceError> {
    let mut standing: BTreeMap<String, StandingRecall> = BTreeMap::new();
    for loaded in said.in_order() {
        if loaded.kind != Kind::Recall {
            continue;
        }
        let recall = loaded.body(recall::read_recall)?;
        let Some(certainty) = sources.concerned_by(&recall) else {
            continue;
        };
        let withheld = sources.withheld(&recall, &loaded.about);
        story.statements.push(loaded.told(withheld));
        let recorded_at = loaded.stored.recorded_at;
        let opened_at = standing.get(&recall.uri).map(|known| known.opened_at);
        let last = StandingRecall {
            certainty,
            id: loaded.stored.id,
            issuer: loaded.issuer.clone(),
            opened_at: opened_at.unwrap_or(recorded_at),
            recorded_at,
            recall,
        };
        standing.insert(last.recall.uri.clone(), last);
    }
    story.recalls = standing.into_values().collect();
    story.recalls.sort_by_key(StandingRecall::rank);
    Ok(())
}

/// A recall as it was said last; `None` if there is none of that name. The transaction must act for its merchant.
pub async fn recall_said(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    uri: &str,
    known_at: KnownAt,
) -> Result<Option<Recall>, TraceError> {
    let names = HashSet::from([(uri.to_owned(), Role::Recall, Turn::Seen)]);
    let mut said = Found::known_at(known_at, Room::STORY);
    said.describe(conn, merchant_id, &names).await?;
    let mut last = None;
    for loaded in said.in_order() {
        if loaded.kind == Kind::Recall {
            let recall = loaded.body(recall::read_recall)?;
            last = (recall.uri == uri).then_some(recall).or(last);
        }
    }
    Ok(last)
}

/// A merchant's recalls, and whether there are more statements of them than are read.
#[derive(Debug)]
pub struct Recalls {
    /// As each was said last, the one that was last said something of first.
    pub recalls: Vec<SaidRecall>,
    /// Whether older statements were not read: what was not widened or closed since may be missing.
    pub truncated: bool,
}

/// A recall as it was said last.
#[derive(Debug)]
pub struct SaidRecall {
    /// What it says.
    pub recall: Recall,
    /// When it was recorded first.
    pub opened_at: OffsetDateTime,
    /// When it was recorded last.
    pub recorded_at: OffsetDateTime,
    /// The place of its last statement in the log, once sealed.
    pub leaf_index: Option<LeafIndex>,
    /// How many statements it has.
    pub statements: usize,
}

/// Statements of recalls that are read, and their content.
const ALL_SAID: Rows = Rows {
    limit: 2_000,
    content_bytes: 32 << 20,
};

/// All recalls of a merchant. The transaction must act for it.
pub async fn recalls_of(conn: &mut PgConnection, merchant_id: Uuid) -> Result<Recalls, TraceError> {
    let stored = recalls_said(conn, merchant_id, ALL_SAID).await?;
    let bytes: usize = stored.iter().map(|stored| stored.content.len()).sum();
    let truncated = stored.len() as i64 >= ALL_SAID.limit || bytes as i64 > ALL_SAID.content_bytes;
    let mut loaded = stored
        .into_iter()
        .map(Loaded::read)
        .collect::<Result<Vec<_>, _>>()?;
    loaded.sort_by_key(|loaded| (loaded.stored.recorded_at, loaded.stored.id));
    let mut said: BTreeMap<String, SaidRecall> = BTreeMap::new();
    for loaded in &loaded {
        let recall = loaded.body(recall::read_recall)?;
        let recorded_at = loaded.stored.recorded_at;
        let before = said.get(&recall.uri);
        let last = SaidRecall {
            opened_at: before.map_or(recorded_at, |before| before.opened_at),
            statements: before.map_or(0, |before| before.statements) + 1,
            recorded_at,
            leaf_index: loaded.stored.leaf_index,
            recall,
        };
        said.insert(last.recall.uri.clone(), last);
    }
    let mut recalls: Vec<SaidRecall> = said.into_values().collect();
    recalls.sort_by_key(|said| std::cmp::Reverse(said.recorded_at));
    Ok(Recalls { recalls, truncated })
}

/// The containers that observations of a packing name with something of the story inside.
fn seen_in(story: &Story, things: &HashSet<&Identity>) -> HashSet<Identity> {
    let events = story.standing();
    let events = events.map(|step| &step.event);
    let seen = events.filter(|event| {
        let is_seen = event.action == Some(Action::Observe);
        is_seen
            && event
                .children()
                .any(|child| things.contains(&child.identity))
    });
    let parents = seen.flat_map(|event| &event.what);
    let parents = parents.filter(|what| what.role == Role::Parent);
    parents.map(|what| what.identity.clone()).collect()
}

/// What led to the subject, itself included.
pub(super) struct Sources<'r> {
    things: HashSet<&'r Identity>,
    /// The kinds of all of these.
    kinds: HashSet<Identity>,
    /// Kinds of which some was used, nobody knows of which lot.
    lotless: HashSet<&'r str>,
    /// Kinds of which this is one, nobody knows of which lot.
    unknown: HashSet<Identity>,
    /// In what it was seen, without anybody having said that it was put there.
    seen_in: HashSet<Identity>,
    /// The lot that its address says, though the record says another: what the pack says is recalled, whoever holds it
    /// must know.
    written: Option<Identity>,
}

impl<'r> Sources<'r> {
    pub fn of(reach: &'r Reach, story: &Story, issued_for: Option<Lot>) -> Sources<'r> {
        let things: HashSet<&Identity> = reach.sources().collect();
        let kinds = things.iter().filter_map(|thing| thing.without_qualifiers());
        let lots = things
            .iter()
            .filter(|thing| matches!(thing, Identity::LotOf { .. }));
        // A lot that an address alone says, anybody can have written: no event speaks of it, nor was the code issued for it.
        let is_invented = |lot: &Identity| match lot {
            Identity::LotOf { lot, .. } if story.subject.serial().is_some() => {
                let is_own = reach.own_lots().contains(lot) || issued_for == Some(*lot);
                let is_subjects = story.subject.lot() == Some(*lot);
                is_subjects && !is_own && story.steps.iter().all(|step| step.via != Via::Lot)
            }
            _ => false,
        };
        let lots = lots.filter(|lot| !is_invented(lot));
        let of_known_lot: HashSet<Gtin> = lots.filter_map(|lot| lot.gtin()).collect();
        let without_lot = things.iter().filter_map(|thing| thing.gtin());
        let unknown = without_lot.filter(|gtin| !of_known_lot.contains(gtin));
        Sources {
            kinds: kinds.collect(),
            lotless: reach.classes().collect(),
            unknown: unknown.map(|gtin| Identity::Class { gtin }).collect(),
            seen_in: seen_in(story, &things),
            written: story
                .other_lot
                .zip(story.subject.gtin())
                .map(|(other, gtin)| Identity::LotOf {
                    gtin,
                    lot: other.lot,
                }),
            things,
        }
    }

    pub fn names(&self) -> HashSet<Name> {
        let things = self.things.iter().map(|thing| thing.canonical());
        let kinds = self.kinds.iter().map(Identity::canonical);
        let lotless = self.lotless.iter().map(|name| (*name).to_owned());
        let recalled = things.chain(kinds).chain(lotless);
        let recalled = recalled.map(|name| (name, Role::Recalled, Turn::Seen));
        let lotless = self.lotless.iter().map(|name| (*name).to_owned());
        let doubtful = lotless.chain(self.unknown.iter().map(Identity::canonical));
        let doubtful = doubtful.map(|name| (name, Role::RecalledKind, Turn::Seen));
        let seen_in = self.seen_in.iter().chain(&self.written);
        let seen_in = seen_in.map(Identity::canonical);
        let seen_in = seen_in.map(|name| (name, Role::Recalled, Turn::Seen));
        recalled.chain(doubtful).chain(seen_in).collect()
    }

    fn holds(&self, thing: &Identity) -> bool {
        self.things.contains(thing)
            || self.kinds.contains(thing)
            || self.lotless.contains(thing.canonical().as_str())
    }

    fn concerned_by(&self, recall: &Recall) -> Option<Certainty> {
        if recall.scope.iter().any(|thing| self.holds(thing)) {
            return Some(Certainty::Affected);
        }
        let kinds = recall
            .scope
            .iter()
            .filter(|thing| matches!(thing, Identity::LotOf { .. }));
        let mut kinds = kinds.filter_map(Identity::without_qualifiers);
        let may_be = kinds.any(|kind| {
            self.unknown.contains(&kind) || self.lotless.contains(kind.canonical().as_str())
        });
        let was_there = || {
            recall
                .scope
                .iter()
                .any(|thing| self.seen_in.contains(thing) || self.written.as_ref() == Some(thing))
        };
        (may_be || was_there()).then_some(Certainty::Possibly)
    }

    /// Which lots are recalled, everybody may know; which items and boxes are, tells of neighbours.
    fn withheld(&self, recall: &Recall, about: &[About]) -> Withheld {
        let is_hidden = |thing: &&Identity| {
            let is_public = matches!(thing, Identity::Class { .. } | Identity::LotOf { .. });
            !is_public && !self.holds(thing) && !self.seen_in.contains(*thing)
        };
        let mut withheld = Withheld::default();
        let mut hidden: HashSet<String> = HashSet::new();
        for (place, thing) in recall.scope.iter().enumerate() {
            if is_hidden(&thing) {
                withheld.content.insert(format!("/body/scope/{place}"));
                hidden.insert(thing.canonical());
            }
        }
        for (place, about) in about.iter().enumerate() {
            if about.role == Role::Recalled && hidden.contains(&about.identity) {
                withheld.receipt.insert(format!("/about/{place}"));
            }
        }
        withheld
    }
}
