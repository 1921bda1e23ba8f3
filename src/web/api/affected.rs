//! `/api/recalls/affected`: all that a recall reaches, or would.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::domain::forward::{Reached, Start};
use crate::domain::gs1::{Identity, IdentityError};
use crate::domain::recall::Status;
use crate::domain::scope::Scope;
use crate::store::{Database, read_for};
use crate::trace::{Expected, KnownAt, Pace, recall_said};
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::error::Problem;
use crate::web::forward::{Followed, Origin, Page, Table, Wanted, WantedFault, page_of};
use crate::web::negotiate::{header_text, media_weight};

const CSV: &str = "text/csv";
const JSON: &str = "application/json";
/// Things in one answer.
const USUAL_THINGS: usize = 100;
const MAX_THINGS: usize = 1_000;
/// Rows of a table that are written at a time.
const ROWS: usize = 2_048;
/// Traces at a time: each keeps what it loaded. A merchant has one of them, however many it asks for.
const MAX_TRACES: usize = 4;
/// How long a client may take for a part of a table.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whose recalls are followed at this moment, or what else takes as long.
#[derive(Debug, Clone, Default)]
pub struct ForwardTraces(Arc<Mutex<HashSet<Uuid>>>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    traces: ForwardTraces,
    merchant_id: Uuid,
}

impl ForwardTraces {
    pub(super) fn begin(&self, merchant_id: Uuid) -> Result<Permit, Problem> {
        let busy = |detail| {
            let kind = "epcisException:QueryTooComplexException";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, kind, detail)
        };
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if begun.contains(&merchant_id) {
            return Err(busy(
                "Another long answer of yours is being worked out. Ask again once it has ended.",
            ));
        }
        if begun.len() >= MAX_TRACES {
            return Err(busy(
                "Long answers of others are being worked out. Ask again in some seconds.",
            ));
        }
        begun.insert(merchant_id);
        Ok(Permit {
            traces: self.clone(),
            merchant_id,
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut begun = self.traces.0.lock().unwrap_or_else(PoisonError::into_inner);
        begun.remove(&self.merchant_id);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The URI of a recall.
    recall: Option<String>,
    /// What would be recalled.
    thing: Option<String>,
    /// Where, or with whom, something was wrong.
    place: Option<String>,
    party: Option<String>,
    /// From a time on.
    since: Option<String>,
    /// Until a time.
    until: Option<String>,
    /// What had arrived at the place before that is not looked for.
    #[serde(rename = "arrivedSince")]
    arrived_since: Option<String>,
    /// Whether the items of lots are told by their codes alone: `true` or `false`.
    #[serde(rename = "codesOnly")]
    codes_only: Option<String>,
    /// Things in the answer.
    limit: Option<String>,
}

impl Asked {
    fn is_codes_only(&self) -> Result<bool, Problem> {
        match self.codes_only.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::validation("codesOnly is true or false")),
        }
    }

    fn limit(&self, is_table: bool) -> Result<usize, Problem> {
        let Some(limit) = &self.limit else {
            return Ok(USUAL_THINGS);
        };
        if is_table {
            let fault = format!("a table ({CSV}) has all: limit is for {JSON}");
            return Err(Problem::validation(fault));
        }
        let limit = limit
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_THINGS).contains(limit));
        limit.ok_or_else(|| {
            let fault = format!("limit is 1 to {MAX_THINGS}; a table (Accept: {CSV}) has all");
            Problem::validation(fault)
        })
    }
}

/// `GET /api/recalls/affected`: the first things and how many there are, or, as a table, all of them.
pub(in crate::web) async fn affected(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let merchant_id = submitter(&request, &service, Scope::Recalls)
        .await?
        .merchant_id;
    // It tells where everything is, as events do.
    submitter(&request, &service, Scope::Query).await?;
    let asked = web::Query::<Asked>::from_query(request.query_string());
    let asked = asked.map_err(|_| {
        let fault =
            "ask for recall, thing, place or party, with since, until, arrivedSince, codesOnly and limit";
        Problem::validation(fault)
    })?;
    let asked = asked.into_inner();
    let accept = header_text(request.headers(), header::ACCEPT);
    let is_table = media_weight(&accept, CSV) > media_weight(&accept, JSON);
    let limit = asked.limit(is_table)?;
    let is_codes_only = asked.is_codes_only()?;
    // What is captured from now on is left out, and so it is all of one moment.
    let known_at = KnownAt((service.clock)());
    let wrong = Wrong::read(&asked, known_at)?;
    let permit = service.forward_traces.begin(merchant_id)?;
    let origin = Origin::of(merchant_id, &service.code_key, known_at);
    let database = service.database.clone();
    let from = origin.clone();
    let starts = apart(move || async move { starts(wrong, &database, &from).await });
    let Known {
        starts,
        is_on_record,
        is_recalled,
    } = starts.await.map_err(|error| Problem::internal(&error))??;
    let followed = if is_codes_only {
        Followed::codes(&starts, &origin, Pace::CODES)
    } else {
        Followed::whole(&starts, &origin, Pace::THINGS)
    };
    // A code that no event names could be printed by whoever has it; of what is recalled, that is worth nothing.
    let tells_unused = is_recalled || submitter(&request, &service, Scope::Codes).await.is_ok();
    let followed = match tells_unused {
        true => followed,
        false => followed.without_unused_codes(),
    };
    let walk = Walk {
        _permit: permit,
        database: service.database.clone(),
        merchant_id,
        followed,
    };
    let answer = apart(move || async move {
        if is_table {
            walk.into_table(is_on_record).await
        } else {
            walk.into_page(starts, is_on_record, limit).await
        }
    });
    let answer = answer.await.map_err(|error| Problem::internal(&error))??;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(match answer {
        Answer::Page(text) => response.content_type(JSON).body(text),
        Answer::Table(written) => response
            .content_type("text/csv; charset=utf-8")
            .insert_header((
                header::CONTENT_DISPOSITION,
                "attachment; filename=\"affected.csv\"",
            ))
            .streaming(rows_of(written)),
    })
}

/// What is answered.
enum Answer {
    Page(String),
    Table(mpsc::Receiver<Part>),
}

/// Runs what takes long to compute where nobody else's requests wait for it.
pub(super) fn apart<T: Send + 'static, F: Future<Output = T>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> JoinHandle<T> {
    let handle = Handle::current();
    tokio::task::spawn_blocking(move || handle.block_on(work()))
}

/// What is wrong.
enum Wrong {
    Recall(String),
    Thing(Identity, Option<OffsetDateTime>),
    There(Wanted),
}

impl Wrong {
    fn read(asked: &Asked, known_at: KnownAt) -> Result<Wrong, Problem> {
        let time = |name: &str, text: &Option<String>| {
            let Some(text) = text else { return Ok(None) };
            OffsetDateTime::parse(text, &Rfc3339)
                .map(Some)
                .map_err(|_| {
                    let plus = match text.contains(' ') {
                        true => "; in an address, + is written %2B",
                        false => "",
                    };
                    let fault = format!("{name} is a time such as 2026-06-01T08:00:00Z{plus}");
                    Problem::validation(fault)
                })
        };
        let identity = |name: &str, text: &str| {
            let fault = |fault| Problem::validation(format!("{name}: {fault}"));
            Identity::parse(text).map_err(fault)
        };
        let since = time("since", &asked.since)?;
        let until = time("until", &asked.until)?;
        let arrived_since = time("arrivedSince", &asked.arrived_since)?;
        if since.is_some_and(|since| since > known_at.0) {
            return Err(Problem::validation("since lies in the future"));
        }
        let times = [since, until, arrived_since].map(|time| time.is_some());
        let there = |with| {
            let wanted = Wanted {
                with,
                since,
                until,
                arrived_since,
            };
            match wanted.fault() {
                None => Ok(Wrong::There(wanted)),
                Some(WantedFault::Until) => Err(Problem::validation("until lies before since")),
                Some(WantedFault::Arrived) => Err(Problem::validation(
                    "arrivedSince says how far before since arrivals count",
                )),
            }
        };
        match (&asked.recall, &asked.thing, &asked.place, &asked.party) {
            (Some(uri), None, None, None) if times == [false; 3] => Ok(Wrong::Recall(uri.clone())),
            (None, Some(thing), None, None) if !times[1] && !times[2] => {
                Ok(Wrong::Thing(identity("thing", thing)?, since))
            }
            (None, None, Some(place), None) => match Identity::parse(place) {
                Ok(place @ Identity::Place { .. }) => there(place),
                Err(IdentityError::Link(fault)) => {
                    Err(Problem::validation(format!("place: {fault}")))
                }
                _ => Err(Problem::validation(
                    "place: it is the GLN of a place (AI 414), such as https://id.gs1.org/414/9522040000006",
                )),
            },
            (None, None, None, Some(party)) => match Identity::parse(party) {
                Ok(party @ Identity::Party { .. }) => there(party),
                Err(IdentityError::Link(fault)) => {
                    Err(Problem::validation(format!("party: {fault}")))
                }
                _ => Err(Problem::validation(
                    "party: it is the GLN of a party (AI 417), such as https://id.gs1.org/417/9522040000006",
                )),
            },
            _ => Err(Problem::validation(
                "ask for one of recall, thing, place or party; a thing may have since, a place or a \
                 party also until and arrivedSince",
            )),
        }
    }
}

/// Where a trace starts.
struct Known {
    starts: Vec<Start>,
    /// Whether that is known though nobody may have spoken of it: what a recall names is recalled all the same, and a
    /// code that was issued exists.
    is_on_record: bool,
    /// Whether a recall stands for it.
    is_recalled: bool,
}

/// From what is wrong to where a trace starts.
async fn starts(wrong: Wrong, database: &Database, origin: &Origin) -> Result<Known, Problem> {
    let merchant_id = origin.merchant_id;
    let mut conn = database.reader.acquire().await?;
    let mut tx = read_for(&mut conn, merchant_id).await?;
    let mut is_recalled = false;
    let (starts, is_on_record) = match wrong {
        Wrong::Recall(uri) => {
            let said = recall_said(&mut tx, merchant_id, &uri, origin.known_at).await?;
            let recall = said.ok_or_else(|| Problem::not_found("there is no such recall"))?;
            is_recalled = recall.status == Status::Open;
            (origin.things(&mut tx, recall.scope, None).await?, true)
        }
        Wrong::Thing(thing, since) => {
            let is_issued = origin.is_issued(&mut tx, &thing).await?;
            let things = vec![thing];
            (origin.things(&mut tx, things, since).await?, is_issued)
        }
        Wrong::There(wanted) => (origin.there(&mut tx, &wanted).await?, false),
    };
    tx.rollback().await?;
    if starts.is_empty() {
        let fault = "nothing is recorded of this place or party in that time";
        return Err(Problem::not_found(fault));
    }
    Ok(Known {
        starts,
        is_on_record,
        is_recalled,
    })
}

/// A forward trace that takes a connection for each of its parts, and none between them.
struct Walk {
    database: Database,
    merchant_id: Uuid,
    followed: Followed,
    /// Held as long as it walks.
    _permit: Permit,
}

impl Walk {
    async fn next(&mut self) -> Result<Option<Vec<Reached>>, Problem> {
        let mut conn = self.database.reader.acquire().await?;
        let mut tx = read_for(&mut conn, self.merchant_id).await?;
        let told = self.followed.next(&mut tx).await?;
        tx.rollback().await?;
        Ok(told)
    }

    /// The first parts, until something is known. Of a thing that nobody spoke of, there is nothing to tell.
    async fn begin(&mut self, mut is_known: bool) -> Result<Vec<Reached>, Problem> {
        let mut first = Vec::new();
        while let Some(told) = self.next().await? {
            is_known |= told.iter().any(Reached::is_spoken_of);
            first.extend(told);
            if is_known {
                return Ok(first);
            }
        }
        Err(Problem::not_found("there is no record of this thing"))
    }

    async fn expected(&self) -> Result<Expected, Problem> {
        let mut conn = self.database.reader.acquire().await?;
        let mut tx = read_for(&mut conn, self.merchant_id).await?;
        let expected = self.followed.expected(&mut tx).await?;
        tx.rollback().await?;
        Ok(expected)
    }

    /// The first things, each once, as an object.
    async fn into_page(
        mut self,
        mut starts: Vec<Start>,
        is_known: bool,
        limit: usize,
    ) -> Result<Answer, Problem> {
        let mut places: HashMap<Identity, usize> = HashMap::new();
        let mut things: Vec<Reached> = Vec::new();
        let mut told = Some(self.begin(is_known).await?);
        while let Some(part) = told.take() {
            for reached in part {
                let next = things.len();
                let place = *places.entry(reached.identity.clone()).or_insert(next);
                if place == next {
                    things.push(reached);
                } else {
                    things[place] = reached;
                }
            }
            if things.len() <= limit {
                told = self.next().await?;
            }
        }
        let is_complete = things.len() <= limit && !self.followed.is_truncated();
        things.truncate(limit);
        let start_count = starts.len();
        starts.truncate(limit);
        let page = Page {
            starts,
            start_count,
            expected: self.expected().await?,
            things,
            is_complete,
        };
        let text = page_of(&page, self.followed.names());
        let text = text.map_err(|error| Problem::internal(&error))?;
        Ok(Answer::Page(text))
    }

    /// All of it as a table, written as it is found.
    async fn into_table(mut self, is_known: bool) -> Result<Answer, Problem> {
        let first = self.begin(is_known).await?;
        let (parts, written) = mpsc::channel(1);
        // It goes on by itself: whoever does not read what he asked for must not keep it for ever.
        drop(apart(move || async move {
            self.tell(first, &parts).await;
        }));
        Ok(Answer::Table(written))
    }

    /// Writes all parts, and that they are all; where it cannot be told to its end, it just ends.
    async fn tell(mut self, first: Vec<Reached>, parts: &mpsc::Sender<Part>) {
        let columns = self.followed.columns();
        let mut table = Table::begin(Vec::new(), columns);
        let mut told = Some(first);
        while let Some(things) = told {
            for rows in things.chunks(ROWS) {
                let written = table.and_then(|mut table| {
                    table.write(rows, self.followed.names())?;
                    table.finish()
                });
                let Ok(bytes) = written else { return };
                let sent = parts.send_timeout(Part::Rows(bytes.into()), PATIENCE);
                if sent.await.is_err() {
                    return;
                }
                table = Ok(Table::go_on(Vec::new(), columns));
            }
            told = match self.next().await {
                Ok(told) => told,
                Err(_) => return,
            };
        }
        if !self.followed.is_truncated() {
            let _ = parts.send_timeout(Part::End, PATIENCE).await;
        }
    }
}

/// Of a table.
#[derive(Debug)]
enum Part {
    Rows(web::Bytes),
    End,
}

/// The rows as they come. Without an end, the transfer breaks off: what is missing must not look as if it were not
/// affected.
fn rows_of(
    written: mpsc::Receiver<Part>,
) -> impl Stream<Item = Result<web::Bytes, actix_web::Error>> {
    stream::try_unfold(written, |mut written| async move {
        match written.recv().await {
            Some(Part::Rows(bytes)) => Ok(Some((bytes, written))),
            Some(Part::End) => Ok(None),
            None => Err(Problem::internal(&"a recall could not be followed to its end").into()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;

    #[test]
    fn each_merchant_follows_one_recall_at_a_time_and_some_merchants_do() {
        let traces = ForwardTraces::default();
        let refusal = |merchant_id| traces.begin(merchant_id).unwrap_err().to_string();
        let merchants: Vec<Uuid> = (1..=MAX_TRACES as u128).map(Uuid::from_u128).collect();
        let begin = |merchant_id: &Uuid| traces.begin(*merchant_id).unwrap();
        let mut begun: Vec<Permit> = merchants.iter().map(begin).collect();
        assert!(refusal(merchants[0]).contains("of yours"));
        assert!(refusal(Uuid::nil()).contains("of others"));
        begun.pop();
        begun.push(traces.begin(Uuid::nil()).unwrap());
        assert!(refusal(merchants[MAX_TRACES - 1]).contains("of others"));
    }

    #[tokio::test]
    async fn a_table_without_an_end_breaks_off() {
        let (parts, written) = mpsc::channel(4);
        for part in [Part::Rows("a".into()), Part::Rows("b".into()), Part::End] {
            parts.send(part).await.unwrap();
        }
        let rows: Vec<_> = rows_of(written).map(|part| part.unwrap()).collect().await;
        assert_eq!(rows, ["a", "b"]);
        let (parts, written) = mpsc::channel(4);
        parts.send(Part::Rows("a".into())).await.unwrap();
        drop(parts);
        let rows: Vec<bool> = rows_of(written).map(|part| part.is_ok()).collect().await;
        assert_eq!(rows, [true, false]);
    }
}
