//! `/api/findings`: what does not add up in what a capture stored, or in the story of one thing.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::json;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::words::Words;
use crate::domain::disclosure::Audience;
use crate::domain::epcis::{MAX_EVENTS, read_event};
use crate::domain::finding::{Finding, Severity};
use crate::domain::gs1::{DigitalLink, Identity};
use crate::domain::scope::Scope;
use crate::domain::statement::StatementId;
use crate::domain::story::Story;
use crate::store::read_for;
use crate::store::statement::events_at;
use crate::web::Service;
use crate::web::api::affected::apart;
use crate::web::auth::submitter;
use crate::web::error::Problem;
use crate::web::findings::{rule, sentence, severity};
use crate::web::lookup::{StoryError, story_of};

/// Things whose stories one answer looks at: each is a walk of some milliseconds.
const MAX_THINGS: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// A capture job.
    capture: Option<String>,
    /// A lot, an item or a logistic unit.
    thing: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    /// The gravest first.
    findings: Vec<FindingBody>,
    /// How many things were looked at.
    things: usize,
    /// Whether these are all that the capture names.
    is_complete: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingBody {
    rule: &'static str,
    severity: &'static str,
    sentence: Words,
    /// The events that contradict each other.
    #[serde(rename = "eventIDs")]
    event_ids: Vec<String>,
    /// Whose stories say so.
    things: Vec<String>,
}

/// `GET /api/findings`.
pub(in crate::web) async fn findings(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let merchant_id = submitter(&request, &service, Scope::Query)
        .await?
        .merchant_id;
    let asked = web::Query::<Asked>::from_query(request.query_string());
    let asked = asked.map_err(|_| Problem::validation("ask for capture, or for thing"))?;
    let asked = asked.into_inner();
    let wanted = match (&asked.capture, &asked.thing) {
        (Some(id), None) => Wanted::Capture(Uuid::try_parse(id).map_err(|_| no_capture())?),
        (None, Some(thing)) => {
            let link = DigitalLink::parse(thing);
            Wanted::Thing(link.map_err(|fault| Problem::validation(format!("thing: {fault}")))?)
        }
        _ => return Err(Problem::validation("ask for either capture or thing")),
    };
    let permit = service.forward_traces.begin(merchant_id)?;
    let body = apart(move || async move {
        let _permit = permit;
        body(&service, merchant_id, wanted).await
    });
    let body = body.await.map_err(|error| Problem::internal(&error))??;
    Ok(HttpResponse::Ok().json(body))
}

enum Wanted {
    Capture(Uuid),
    Thing(DigitalLink),
}

fn no_capture() -> Problem {
    Problem::not_found("no capture job of this ID stored an event")
}

async fn body(service: &Service, merchant_id: Uuid, wanted: Wanted) -> Result<Body, Problem> {
    let mut conn = service.database.reader.acquire().await?;
    let mut tx = read_for(&mut conn, merchant_id).await?;
    let (links, capture) = match wanted {
        Wanted::Capture(id) => {
            let links = links_of(&mut tx, merchant_id, id).await?;
            (links.ok_or_else(no_capture)?, Some(id))
        }
        Wanted::Thing(link) => (vec![link], None),
    };
    let mut is_complete = links.len() <= MAX_THINGS;
    let mut found = Found::default();
    for link in links.into_iter().take(MAX_THINGS) {
        let (key, audience) = (&service.code_key, Audience::Merchant);
        let told = story_of(&mut tx, key, merchant_id, link, audience).await?;
        found.things += 1;
        let Some(told) = told else {
            if capture.is_none() {
                return Err(Problem::not_found("there is no record of this thing"));
            }
            continue;
        };
        // Of a story that is cut off, nobody knows whether the rest adds up.
        is_complete &= !told.story.truncated;
        let own = told.findings.iter().filter(|finding| {
            let mut evidence = finding.evidence.iter();
            capture.is_none_or(|capture| evidence.any(|id| id.batch_id == capture))
        });
        own.for_each(|finding| found.add(&told.story, finding));
    }
    tx.rollback().await?;
    Ok(Body {
        things: found.things,
        is_complete,
        findings: found.into_list(),
    })
}

/// Each thing that the events of a capture name and that has a story of its own, lots and logistic units first; `None`
/// if it stored none.
async fn links_of(
    conn: &mut PgConnection,
    merchant_id: Uuid,
    batch_id: Uuid,
) -> Result<Option<Vec<DigitalLink>>, Problem> {
    let ids = (0..MAX_EVENTS as i32).map(|position| StatementId { batch_id, position });
    let ids: Vec<StatementId> = ids.collect();
    let mut named: BTreeSet<Identity> = BTreeSet::new();
    let mut has_events = false;
    for stored in events_at(conn, merchant_id, &ids).await? {
        let content = json::parse(&stored.content);
        let content = content.map_err(|error| Problem::internal(&error))?;
        // A batch of something else is no capture.
        let event = content.get("body").and_then(|body| read_event(body).ok());
        let Some(event) = event else { continue };
        has_events = true;
        named.extend(event.what.into_iter().map(|what| what.identity));
    }
    let has_story = |identity: &&Identity| {
        matches!(
            identity,
            Identity::Item { .. } | Identity::LotOf { .. } | Identity::Sscc(_)
        )
    };
    let mut named: Vec<&Identity> = named.iter().filter(has_story).collect();
    named.sort_by_key(|identity| matches!(identity, Identity::Item { .. }));
    let links = named.into_iter();
    let links = links.filter_map(|identity| DigitalLink::parse(&identity.canonical()).ok());
    Ok(has_events.then(|| links.collect()))
}

/// Findings of several stories, each once.
#[derive(Default)]
struct Found {
    things: usize,
    told: BTreeMap<Key, FindingBody>,
}

/// The gravest first; then by rule and by what is said.
type Key = (
    std::cmp::Reverse<Severity>,
    &'static str,
    Words,
    Vec<StatementId>,
);

impl Found {
    fn add(&mut self, story: &Story, finding: &Finding) {
        let said = Words::saying(|text| sentence(text, story, finding));
        let name = rule(&finding.what);
        let event_ids = || {
            let events = story.steps.iter();
            let events = events.filter(|step| finding.evidence.contains(&step.id));
            events
                .filter_map(|step| step.event.event_id.clone())
                .collect()
        };
        let grave = std::cmp::Reverse(finding.severity);
        let key = (grave, name, said.clone(), finding.evidence.clone());
        let told = self.told.entry(key).or_insert_with(|| FindingBody {
            rule: name,
            severity: severity(finding.severity),
            sentence: said,
            event_ids: event_ids(),
            things: Vec::new(),
        });
        told.things.push(story.subject.canonical());
    }

    fn into_list(self) -> Vec<FindingBody> {
        self.told.into_values().collect()
    }
}

impl From<StoryError> for Problem {
    fn from(error: StoryError) -> Problem {
        match error {
            StoryError::Trace(error) => error.into(),
            StoryError::Code(error) => error.into(),
        }
    }
}
