//! `/api/cases`: what shoppers report, and what look-ups show, for the merchant to look into.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::json;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::words::Words;
use crate::cases::{self, CaseError};
use crate::domain::master::Bilingual;
use crate::domain::report::{CaseChange, read_change};
use crate::domain::scope::Scope;
use crate::domain::time::timestamp;
use crate::store::problem_case::{CaseRow, cases_before};
use crate::store::read_for;
use crate::store::report::{ReportRow, picture_of_report};
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::body::json_text;
use crate::web::error::Problem;

/// Cases of one answer.
const PAGE: i64 = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// `open` or `closed`; without it, both.
    status: Option<String>,
    /// Only cases that were opened before this one.
    before: Option<Uuid>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    /// The one that was opened last comes first.
    cases: Vec<CaseBody>,
    /// Whether there are some before these.
    has_more: bool,
}

#[derive(Serialize)]
struct CaseBody {
    id: Uuid,
    code: String,
    cause: String,
    status: &'static str,
    opened: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Words>,
    /// How many shoppers reported.
    reports: i64,
}

#[derive(Serialize)]
struct WholeBody {
    #[serde(flatten)]
    case: CaseBody,
    /// The first one first.
    #[serde(rename = "reported")]
    reports: Vec<ReportBody>,
}

#[derive(Serialize)]
struct ReportBody {
    number: i32,
    recorded: String,
    matter: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<String>,
    /// Where its photograph is.
    #[serde(skip_serializing_if = "Option::is_none")]
    photo: Option<String>,
}

impl From<CaseRow> for CaseBody {
    fn from(row: CaseRow) -> CaseBody {
        let answer = row.answer_zh_cn.zip(row.answer_en);
        CaseBody {
            id: row.id,
            code: row.code,
            cause: row.cause,
            status: if row.closed_at.is_none() {
                "open"
            } else {
                "closed"
            },
            opened: timestamp(row.opened_at).to_string(),
            closed: row.closed_at.map(|at| timestamp(at).to_string()),
            outcome: row.outcome,
            answer: answer.map(|(zh_cn, en)| Words::from(Bilingual { zh_cn, en })),
            reports: row.reports,
        }
    }
}

fn report_body(id: Uuid, row: ReportRow) -> ReportBody {
    let photo = format!("/api/cases/{id}/reports/{}/photo", row.number);
    ReportBody {
        number: row.number,
        recorded: timestamp(row.recorded_at).to_string(),
        matter: row.matter,
        words: row.words,
        photo: row.has_picture.then_some(photo),
    }
}

/// `GET /api/cases`
pub(in crate::web) async fn cases(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let merchant_id = merchant(&request, &service).await?;
    let asked = web::Query::<Asked>::from_query(request.query_string());
    let asked =
        asked.map_err(|_| Problem::validation("ask for status and before, or for nothing"))?;
    let is_open = match asked.status.as_deref() {
        None => None,
        Some("open") => Some(true),
        Some("closed") => Some(false),
        Some(_) => return Err(Problem::validation("status: must be open or closed")),
    };
    let before = asked.before.unwrap_or(Uuid::max());
    let mut conn = service.database.reader.acquire().await?;
    let mut tx = read_for(&mut conn, merchant_id).await?;
    let mut found = cases_before(&mut tx, merchant_id, before, is_open, PAGE + 1).await?;
    tx.rollback().await?;
    let has_more = found.len() as i64 > PAGE;
    found.truncate(PAGE as usize);
    Ok(HttpResponse::Ok().json(Body {
        cases: found.into_iter().map(CaseBody::from).collect(),
        has_more,
    }))
}

/// `GET /api/cases/{id}`
pub(in crate::web) async fn case(
    request: HttpRequest,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let merchant_id = merchant(&request, &service).await?;
    let id = case_id(&path)?;
    whole(&service, merchant_id, id).await
}

async fn whole(service: &Service, merchant_id: Uuid, id: Uuid) -> Result<HttpResponse, Problem> {
    let mut conn = service.database.reader.acquire().await?;
    let mut tx = read_for(&mut conn, merchant_id).await?;
    let (case, reports) = cases::case_with_reports(&mut tx, merchant_id, id).await?;
    tx.rollback().await?;
    let reports = reports.into_iter().map(|row| report_body(id, row));
    Ok(HttpResponse::Ok().json(WholeBody {
        reports: reports.collect(),
        case: case.into(),
    }))
}

/// `GET /api/cases/{id}/reports/{number}/photo`: a JPEG, drawn anew by this service.
pub(in crate::web) async fn photo(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let merchant_id = merchant(&request, &service).await?;
    let id = case_id(&path.0)?;
    let number = path.1.parse::<i32>();
    let number = number.map_err(|_| Problem::not_found("there is no such report"))?;
    let mut conn = service.database.reader.acquire().await?;
    let mut tx = read_for(&mut conn, merchant_id).await?;
    let found = picture_of_report(&mut tx, merchant_id, id, number).await?;
    tx.rollback().await?;
    let bytes = found.ok_or_else(|| Problem::not_found("there is no such photograph"))?;
    let mut response = HttpResponse::Ok().content_type("image/jpeg").body(bytes);
    let name = HeaderValue::from_static("attachment; filename=\"photo.jpg\"");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// `PUT /api/cases/{id}`, `{"status":"closed"}` with or without `"answer":{"zh-CN":…,"en":…}`, or `{"status":"open"}`.
pub(in crate::web) async fn change(
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let merchant_id = merchant(&request, &service).await?;
    let id = case_id(&path)?;
    let text = json_text(&request, payload).await?;
    let value = json::parse(&text).map_err(|error| Problem::validation(error.to_string()))?;
    let change = read_change(&value).map_err(|fault| Problem::validation(fault.to_string()))?;
    let mut conn = service.database.capture.acquire().await?;
    match change {
        CaseChange::Close(answer) => {
            let now = (service.clock)();
            cases::close(&mut conn, merchant_id, id, answer.as_ref(), now).await?;
        }
        CaseChange::Reopen => cases::reopen(&mut conn, merchant_id, id).await?,
    }
    drop(conn);
    whole(&service, merchant_id, id).await
}

/// `DELETE /api/cases/{id}/reports`: words and photographs. That there was a report stays.
pub(in crate::web) async fn empty(
    request: HttpRequest,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let merchant_id = merchant(&request, &service).await?;
    let id = case_id(&path)?;
    let mut conn = service.database.capture.acquire().await?;
    cases::empty(&mut conn, merchant_id, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn merchant(request: &HttpRequest, service: &Service) -> Result<Uuid, Problem> {
    let submitter = submitter(request, service, Scope::Cases).await?;
    Ok(submitter.merchant_id)
}

fn case_id(text: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(text).map_err(|_| Problem::not_found(CaseError::Unknown.to_string()))
}

impl From<CaseError> for Problem {
    fn from(error: CaseError) -> Problem {
        let detail = error.to_string();
        match error {
            CaseError::Unknown => Problem::not_found(detail),
            CaseError::Store(error) => Problem::from_store(&error),
            _ => Problem::conflict(detail),
        }
    }
}
