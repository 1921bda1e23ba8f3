//! A forward trace as JSON, for machines.

use serde::Serialize;
use time::OffsetDateTime;

use super::{counts, fate, kind, word};
use crate::domain::forward::{Forward, Holding, Names, Passage, Reached, Start, Way};
use crate::domain::gs1::Identity;
use crate::domain::time::timestamp;
use crate::trace::Expected;

/// The object.
pub fn of(forward: &Forward) -> serde_json::Result<String> {
    serde_json::to_string(&ForwardJson {
        starts: forward.starts.iter().map(start_of).collect(),
        counts: counts(forward).into_iter().map(count_of).collect(),
        things: forward.things.iter().map(thing_of).collect(),
        holders: forward.holders.iter().map(holder_of).collect(),
        passages: forward.passages.iter().map(passage_of).collect(),
        is_truncated: forward.truncated,
    })
}

/// The first things of a forward trace, and how many there will be.
#[derive(Debug)]
pub struct Page {
    /// Where it started, the first of them.
    pub starts: Vec<Start>,
    /// How many there are of these.
    pub start_count: usize,
    /// How many items there are, before they are read.
    pub expected: Expected,
    /// The first things.
    pub things: Vec<Reached>,
    /// Whether these are all.
    pub is_complete: bool,
}

/// The object of a page.
pub fn page_of(page: &Page, names: &Names) -> serde_json::Result<String> {
    let named = |reached| NamedJson {
        thing: thing_of(reached),
        name: names.of(&reached.identity).map(str::to_owned),
    };
    serde_json::to_string(&PageJson {
        starts: page.starts.iter().map(start_of).collect(),
        start_count: page.start_count,
        expected: ExpectedJson {
            lots: page.expected.lots,
            affected: page.expected.affected,
            possibly_affected: page.expected.possibly,
            issued: page.expected.issued,
        },
        things: page.things.iter().map(named).collect(),
        is_complete: page.is_complete,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageJson {
    starts: Vec<StartJson>,
    start_count: usize,
    expected: ExpectedJson,
    things: Vec<NamedJson>,
    is_complete: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExpectedJson {
    lots: usize,
    affected: u64,
    possibly_affected: u64,
    issued: u64,
}

#[derive(Serialize)]
struct NamedJson {
    #[serde(flatten)]
    thing: ThingJson,
    /// Of its product, in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ForwardJson {
    starts: Vec<StartJson>,
    counts: Vec<CountJson>,
    /// The affected first.
    things: Vec<ThingJson>,
    holders: Vec<HolderJson>,
    passages: Vec<PassageJson>,
    /// Whether there is more than a trace may hold.
    is_truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StartJson {
    identity: String,
    certainty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CountJson {
    certainty: &'static str,
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    fate: &'static str,
    things: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ThingJson {
    identity: String,
    kind: &'static str,
    certainty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    fate: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fate_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<SeenJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeenJson {
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    party: Option<String>,
    /// The outermost last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inside: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HolderJson {
    identity: String,
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    is_end_inferred: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PassageJson {
    from: String,
    to: String,
    first: String,
    last: String,
    events: usize,
}

fn start_of(start: &Start) -> StartJson {
    StartJson {
        identity: start.identity.canonical(),
        certainty: word(start.certainty),
        since: start.since.map(text),
    }
}

fn count_of(count: super::Count) -> CountJson {
    CountJson {
        certainty: word(count.certainty),
        kind: count.kind,
        fate: count.fate,
        things: count.things,
    }
}

fn thing_of(reached: &Reached) -> ThingJson {
    let (fate, fate_time) = fate(reached);
    let seen = reached.seen.as_ref();
    ThingJson {
        identity: reached.identity.canonical(),
        kind: kind(&reached.identity),
        certainty: word(reached.certainty),
        since: reached.since.map(text),
        connection: reached.origin.as_ref().map(|origin| way(origin.how)),
        from: reached
            .origin
            .as_ref()
            .map(|origin| origin.from.canonical()),
        fate,
        fate_time: fate_time.map(text),
        seen: seen.map(|seen| SeenJson {
            time: text(seen.at),
            place: seen.place.as_ref().map(Identity::canonical),
            party: seen.party.as_ref().map(Identity::canonical),
            inside: seen.inside.iter().map(Identity::canonical).collect(),
        }),
    }
}

/// As a machine reads it.
pub(super) fn way(how: Way) -> &'static str {
    match how {
        Way::ItemOf => "itemOf",
        Way::MadeFrom => "madeFrom",
        Way::InsideOf => "insideOf",
    }
}

fn holder_of(held: &Holding) -> HolderJson {
    HolderJson {
        identity: held.holder.canonical(),
        from: text(held.from),
        until: held.until.map(text),
        is_end_inferred: held.is_end_inferred,
    }
}

fn passage_of(passage: &Passage) -> PassageJson {
    PassageJson {
        from: passage.from.canonical(),
        to: passage.to.canonical(),
        first: text(passage.first),
        last: text(passage.last),
        events: passage.events.len(),
    }
}

fn text(at: OffsetDateTime) -> String {
    timestamp(at).to_string()
}
