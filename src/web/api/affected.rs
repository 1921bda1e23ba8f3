//! `/api/recalls/affected`: all that a recall reaches, or would.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::domain::forward::{Certainty, Reached, Start};
use crate::domain::gs1::Identity;
use crate::domain::scope::Scope;
use crate::store::{Database, begin_for};
use crate::trace::{KnownAt, Pace, Trail, recall_said};
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::error::Problem;
use crate::web::forward::{Page, Table, page_of};
use crate::web::negotiate::{header_text, media_weight};

const CSV: &str = "text/csv";
const JSON: &str = "application/json";
/// Things in one answer.
const USUAL_THINGS: usize = 100;
const MAX_THINGS: usize = 1_000;
/// Rows of a table that are written at a time.
const ROWS: usize = 2_048;
/// Traces at a time: each keeps what it loaded.
const MAX_TRACES: usize = 2;

/// Who walks forward at this moment.
#[derive(Debug, Clone)]
pub struct ForwardTraces(Arc<Semaphore>);

impl Default for ForwardTraces {
    fn default() -> ForwardTraces {
        ForwardTraces(Arc::new(Semaphore::new(MAX_TRACES)))
    }
}

impl ForwardTraces {
    fn begin(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.0.clone().try_acquire_owned().map_err(|_| {
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "epcisException:QueryTooComplexException",
                "Other recalls are being followed at this moment. Ask again in some seconds.",
            )
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The URI of a recall.
    recall: Option<String>,
    /// What would be recalled.
    thing: Option<String>,
    /// From a time on.
    since: Option<String>,
    /// Things in the answer.
    limit: Option<usize>,
}

/// `GET /api/recalls/affected`: the first things and how many there are, or, as a table, all of them.
pub(in crate::web) async fn affected(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Recalls).await?;
    let asked = web::Query::<Asked>::from_query(request.query_string());
    let asked = asked
        .map_err(|_| Problem::validation("ask for recall, or for thing and since; and limit"))?;
    let asked = asked.into_inner();
    let limit = asked.limit.unwrap_or(USUAL_THINGS);
    if limit == 0 || limit > MAX_THINGS {
        let fault = format!("limit is 1 to {MAX_THINGS}; a table (Accept: {CSV}) has all");
        return Err(Problem::validation(fault));
    }
    let accept = header_text(request.headers(), header::ACCEPT);
    let (table, object) = (media_weight(&accept, CSV), media_weight(&accept, JSON));
    let merchant_id = submitter.merchant_id;
    let starts = starts(&asked, &service.database, merchant_id).await?;
    let permit = service.forward_traces.begin()?;
    let mut walk = Walk {
        database: service.database.clone(),
        merchant_id,
        trail: Trail::from(&starts, merchant_id, KnownAt::NOW, Pace::USUAL),
        _permit: permit,
    };
    let first = walk.next().await?.unwrap_or_default();
    let page = walk.counted(starts).await?;
    // Of a thing that nobody spoke of, there is nothing to tell; what a recall names is recalled all the same.
    let is_known = |thing: &Reached| thing.seen.is_some() || thing.origin.is_some();
    let has_items = page.expected.affected + page.expected.possibly > 0;
    if asked.recall.is_none() && !has_items && !first.iter().any(is_known) {
        return Err(Problem::not_found("there is no record of this thing"));
    }
    if table > object {
        return Ok(HttpResponse::Ok()
            .content_type("text/csv; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((
                header::CONTENT_DISPOSITION,
                "attachment; filename=\"affected.csv\"",
            ))
            .streaming(walk.into_table(first)));
    }
    let body = walk.first_things(page, first, limit).await?;
    let body = body.map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok()
        .content_type(JSON)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body))
}

/// What is wrong.
async fn starts(
    asked: &Asked,
    database: &Database,
    merchant_id: Uuid,
) -> Result<Vec<Start>, Problem> {
    let since = asked.since.as_deref().map(|since| {
        let parsed = OffsetDateTime::parse(since, &Rfc3339);
        parsed.map_err(|_| Problem::validation("since is a time such as 2026-06-01T08:00:00Z"))
    });
    let since = since.transpose()?;
    let identities = match (&asked.recall, &asked.thing) {
        (Some(uri), None) if since.is_none() => {
            let mut conn = database.reader.acquire().await?;
            let mut tx = begin_for(&mut conn, merchant_id).await?;
            let said = recall_said(&mut tx, merchant_id, uri, KnownAt::NOW).await?;
            tx.rollback().await?;
            let recall = said.ok_or_else(|| Problem::not_found("there is no such recall"))?;
            recall.scope
        }
        (None, Some(thing)) => {
            let identity = Identity::parse(thing);
            vec![identity.map_err(|fault| Problem::validation(format!("thing: {fault}")))?]
        }
        _ => {
            let fault = "ask for either recall, or thing, which may have since";
            return Err(Problem::validation(fault));
        }
    };
    let is_kind = |thing: &&Identity| matches!(thing, Identity::Class { .. });
    if let Some(kind) = identities.iter().find(is_kind) {
        let kind = kind.canonical();
        let fault = format!("{kind} is a product as a whole: all of its lots are affected");
        return Err(Problem::validation(fault));
    }
    let start = |identity| Start {
        identity,
        since,
        certainty: Certainty::Affected,
    };
    Ok(identities.into_iter().map(start).collect())
}

/// A forward trace that takes a connection for each of its parts, and none between them.
struct Walk {
    database: Database,
    merchant_id: Uuid,
    trail: Trail,
    /// Held as long as it walks.
    _permit: OwnedSemaphorePermit,
}

impl Walk {
    async fn next(&mut self) -> Result<Option<Vec<Reached>>, Problem> {
        let mut conn = self.database.reader.acquire().await?;
        let mut tx = begin_for(&mut conn, self.merchant_id).await?;
        let told = self.trail.next(&mut tx).await?;
        tx.rollback().await?;
        Ok(told)
    }

    /// A page that has nothing yet but the numbers.
    async fn counted(&self, starts: Vec<Start>) -> Result<Page, Problem> {
        let mut conn = self.database.reader.acquire().await?;
        let mut tx = begin_for(&mut conn, self.merchant_id).await?;
        let expected = self.trail.expected(&mut tx).await?;
        tx.rollback().await?;
        Ok(Page {
            starts,
            expected,
            things: Vec::new(),
            is_complete: false,
        })
    }

    /// The first things, each once, as an object.
    async fn first_things(
        mut self,
        mut page: Page,
        first: Vec<Reached>,
        limit: usize,
    ) -> Result<serde_json::Result<String>, Problem> {
        let mut places: HashMap<Identity, usize> = HashMap::new();
        let mut told = Some(first);
        while let Some(part) = told {
            for reached in part {
                match places.get(&reached.identity) {
                    Some(place) => page.things[*place] = reached,
                    None => {
                        places.insert(reached.identity.clone(), page.things.len());
                        page.things.push(reached);
                    }
                }
            }
            if page.things.len() > limit {
                break;
            }
            told = self.next().await?;
            page.is_complete = told.is_none() && !self.trail.is_truncated();
        }
        page.things.truncate(limit);
        Ok(page_of(&page, self.trail.names()))
    }

    /// All of it as a table, part by part. Where it cannot be told to its end, the transfer breaks off: what is
    /// missing must not look as if it were not affected.
    fn into_table(
        self,
        first: Vec<Reached>,
    ) -> impl Stream<Item = Result<web::Bytes, actix_web::Error>> {
        let download = Download {
            walk: self,
            waiting: first,
            is_begun: false,
            is_ended: false,
        };
        stream::try_unfold(download, |mut download| async move {
            let bytes = download.part().await?;
            Ok(bytes.map(|bytes| (bytes, download)))
        })
    }
}

struct Download {
    walk: Walk,
    /// Things that were told and not written yet.
    waiting: Vec<Reached>,
    is_begun: bool,
    is_ended: bool,
}

impl Download {
    /// The next bytes; `None` at the end.
    async fn part(&mut self) -> Result<Option<web::Bytes>, Problem> {
        while self.waiting.is_empty() && !self.is_ended {
            match self.walk.next().await? {
                Some(told) => self.waiting = told,
                None => self.is_ended = true,
            }
        }
        if self.is_ended && self.walk.trail.is_truncated() {
            return Err(Problem::internal(&"there is more than a recall may reach"));
        }
        if self.waiting.is_empty() && self.is_begun {
            return Ok(None);
        }
        let rest = self.waiting.split_off(self.waiting.len().min(ROWS));
        let rows = std::mem::replace(&mut self.waiting, rest);
        let table = match self.is_begun {
            true => Ok(Table::go_on(Vec::new())),
            false => Table::begin(Vec::new()),
        };
        self.is_begun = true;
        let written = table.and_then(|mut table| {
            table.write(&rows, self.walk.trail.names())?;
            table.finish()
        });
        let bytes = written.map_err(|error| Problem::internal(&error))?;
        Ok(Some(web::Bytes::from(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_recalls_are_followed_at_a_time_and_the_next_once_one_has_ended() {
        let traces = ForwardTraces::default();
        let mut begun: Vec<_> = (0..MAX_TRACES).map(|_| traces.begin().unwrap()).collect();
        let refused = traces.begin().unwrap_err();
        assert!(refused.to_string().contains("Ask again"), "{refused}");
        begun.pop();
        begun.push(traces.begin().unwrap());
        assert!(traces.begin().is_err());
    }
}
