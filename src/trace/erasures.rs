//! Adding to a story what was erased of its statements: nothing that is missing is missing without a word.

use std::collections::{BTreeSet, HashMap, HashSet};

use auditlog::{Hash, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::found::{Found, Loaded, Name, Room};
use super::{KnownAt, TraceError};
use crate::domain::erasure::{self, ERASED, Erasure, extension};
use crate::domain::history::{Change, Changed, FieldChange, name_of};
use crate::domain::statement::{About, Kind, Role};
use crate::domain::story::{Story, StoryStatement, Withheld};
use crate::domain::turn::Turn;

/// Adds the erasures. Of nearly all stories there are none, and nothing is asked.
pub(super) async fn add_erasures(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    story: &mut Story,
) -> Result<(), TraceError> {
    let has_gaps = |one: &&StoryStatement| one.stored.content_salts.erased().next().is_some();
    let gaps = story.statements.iter().filter(has_gaps);
    let digests: HashSet<Hash> = gaps.map(|one| one.stored.digest).collect();
    if digests.is_empty() {
        return Ok(());
    }
    let name = |digest: &Hash| (erasure::name(digest), Role::Erasure, Turn::Seen);
    let names: HashSet<Name> = digests.iter().map(name).collect();
    // Whatever time the story is told of: what is gone is gone from all of them.
    let mut said = Found::known_at(KnownAt::NOW, Room::STORY);
    said.describe(conn, merchant_id, &names).await?;
    for loaded in said.in_order() {
        if loaded.kind != Kind::Erasure {
            continue;
        }
        let erasure = loaded.body(erasure::read_erasure)?;
        let changes = changes(story, &erasure);
        story
            .history
            .extend(changes.into_iter().map(|change| Change {
                by: loaded.issuer.clone(),
                id: loaded.stored.id,
                leaf_index: loaded.stored.leaf_index,
                recorded_at: loaded.stored.recorded_at,
                ..change
            }));
        let withheld = withhold(loaded, &erasure, story);
        story.statements.push(loaded.told(withheld));
    }
    story
        .history
        .sort_by_key(|change| (change.recorded_at, change.id));
    story.truncated |= said.truncated;
    Ok(())
}

/// Hides of an erasure all goods but those that are shown in what it took something from.
fn withhold(loaded: &Loaded, erasure: &Erasure, story: &Story) -> Withheld {
    let erased: HashSet<Hash> = erasure.erased.iter().map(|one| one.statement).collect();
    let statements = story.statements.iter();
    let statements = statements.filter(|one| erased.contains(&one.stored.digest));
    // An event's own ID stands first.
    let mut shown: HashSet<String> = erasure.of.first().cloned().into_iter().collect();
    for statement in statements {
        for (place, about) in About::list(&statement.stored.receipt)
            .into_iter()
            .enumerate()
        {
            if statement.withheld.shows_receipt(&format!("/about/{place}")) {
                shown.extend(about.map(|about| about.identity));
            }
        }
    }
    let mut withheld = Withheld::default();
    for (place, about) in loaded.about.iter().enumerate() {
        if about.role == Role::Erased && !shown.contains(&about.identity) {
            withheld.receipt.insert(format!("/about/{place}"));
        }
    }
    for (place, of) in erasure.of.iter().enumerate() {
        if !shown.contains(of) {
            withheld.content.insert(format!("/body/of/{place}"));
        }
    }
    withheld
}

/// What an erasure took from the things of a story: one change, however many statements of the thing had it.
fn changes(story: &Story, erasure: &Erasure) -> Option<Change> {
    let statements = story.statements.iter();
    let by_digest: HashMap<Hash, &StoryStatement> =
        statements.map(|one| (one.stored.digest, one)).collect();
    let mut fields: BTreeSet<&str> = BTreeSet::new();
    let mut last = None;
    for erased in &erasure.erased {
        if let Some(statement) = by_digest.get(&erased.statement) {
            let leaves = erased.fields.iter();
            let leaves = leaves.filter_map(|leaf| leaf.strip_prefix("/body"));
            fields.extend(leaves.map(|leaf| match statement.kind {
                Kind::Event => extension(leaf),
                _ => leaf,
            }));
            last = Some(*statement);
        }
    }
    let last = last?;
    let content = json::parse(&last.stored.content).ok()?;
    let of = match last.kind {
        // Its declaration as an error, which comes after it, is no step of the story.
        Kind::Event => Changed::Event(
            erasure
                .erased
                .iter()
                .find_map(|erased| Some(by_digest.get(&erased.statement)?.stored.id))?,
        ),
        kind => Changed::Called(name_of(kind, content.get("body")?)?),
    };
    let field = |pointer: &str| FieldChange {
        row: None,
        pointer: pointer.to_owned(),
        old: None,
        new: Some(json::Value::String(ERASED.into()).to_compact()),
    };
    Some(Change {
        kind: last.kind,
        of,
        by: String::new(),
        id: last.stored.id,
        leaf_index: None,
        described: last.stored.id,
        recorded_at: last.stored.recorded_at,
        reason: Some(erasure.reason.clone()),
        fields: fields.into_iter().map(field).collect(),
    })
}
