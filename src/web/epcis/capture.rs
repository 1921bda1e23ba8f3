//! `/epcis/capture`: documents, their jobs and their proofs.

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use auditlog::bundle::Bundle;
use serde::Serialize;
use uuid::Uuid;

use super::list::List;
use crate::capture::capture_document;
use crate::domain::capture_fault::{CaptureFault, ErrorBehaviour};
use crate::domain::epcis::MAX_EVENTS;
use crate::domain::scope::Scope;
use crate::domain::time::timestamp;
use crate::store::begin_for;
use crate::store::capture_job::{self, CaptureJob};
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::body::{MAX_BODY_BYTES, json_text};
use crate::web::error::Problem;
use crate::web::proof_file::{FileError, ProofFile, ProofForm};
use crate::web::receipt::{Granted, Standing, preferred_wait, receipt, standing_within};

/// RFC 7240 §3: which preference was granted.
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

const NOT_PUBLIC_YET: &str = "this capture is stored and not public yet; ask again in a moment, or \
                              with Prefer: wait=10";
const NOTHING_STORED: &str = "this capture stored no events of its own, so it has no proof; the \
                              answer to it named the captures that had stored them";

/// `POST /epcis/capture`: 202 once everything is durable, with the address of the finished job; or, for
/// a client that prefers to wait, 200 with the proof of what it sent.
pub(in crate::web) async fn capture(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Capture).await?;
    let behaviour = error_behaviour(&request)?;
    let text = json_text(&request, payload).await?;
    let captured = {
        let mut conn = service.database.capture.acquire().await?;
        capture_document(&mut conn, &submitter, text, behaviour, (service.clock)()).await?
    };
    let mut body = JobBody::of(&captured.job);
    body.stored_in = captured.stored_in.iter().map(job_path).collect();
    let wait = preferred_wait(request.headers()).filter(|_| captured.job.stored_count > 0);
    let mut response = match wait {
        None => HttpResponse::Accepted().json(body),
        // What is captured is captured: a wait that fails must not be answered as a capture that did.
        Some(_) => match job_or_receipt(&service, submitter.merchant_id, body, wait).await {
            Ok(Answer::Receipt(response)) => response,
            Ok(Answer::Job(body, granted)) => job(HttpResponse::Accepted(), body, granted),
            Err(_) => HttpResponse::Accepted().json(JobBody::of(&captured.job)),
        },
    };
    add_capture_headers(&mut response, captured.job.id, behaviour);
    Ok(response)
}

fn add_capture_headers(response: &mut HttpResponse, job: Uuid, behaviour: ErrorBehaviour) {
    let headers = response.headers_mut();
    let text = |text: String| HeaderValue::from_str(&text).expect("plain ASCII");
    headers.insert(header::LOCATION, text(job_path(&job)));
    for (name, value) in [
        ("gs1-epcis-capture-limit", MAX_EVENTS.to_string()),
        (
            "gs1-epcis-capture-file-size-limit",
            MAX_BODY_BYTES.to_string(),
        ),
        ("gs1-capture-error-behaviour", behaviour.as_str().to_owned()),
    ] {
        headers.insert(HeaderName::from_static(name), text(value));
    }
}

pub(in crate::web) fn job_path(job: &Uuid) -> String {
    format!("/epcis/capture/{job}")
}

fn proof_path(job: &Uuid) -> String {
    format!("/epcis/capture/{job}/proof")
}

/// What a client that may wait is answered.
enum Answer {
    /// Everything is public: the bundle.
    Receipt(HttpResponse),
    /// It is not, or nobody waited: the job as it stands.
    Job(JobBody, Option<Granted>),
}

/// Waits as long as the client prefers and is granted. The receipt is answered only where a wait was
/// granted: who did not ask for it gets the job.
async fn job_or_receipt(
    service: &web::Data<Service>,
    merchant_id: Uuid,
    mut body: JobBody,
    wait: Option<u64>,
) -> Result<Answer, Problem> {
    let id = body.capture_id;
    let (standing, granted) = standing_within(service, merchant_id, id, wait).await?;
    match (standing, granted) {
        (Standing::Public(sealed, published), Some(granted)) => {
            let bundle = receipt(service, sealed, published).await?;
            let mut response = receipt_file(&bundle, ProofForm::Bundle, id)?;
            let headers = response.headers_mut();
            let text = |text: String| HeaderValue::from_str(&text).expect("plain ASCII");
            headers.insert(header::CONTENT_LOCATION, text(proof_path(&id)));
            headers.insert(PREFERENCE_APPLIED, text(granted.to_string()));
            Ok(Answer::Receipt(response))
        }
        (standing, granted) => {
            body.stand(&standing);
            Ok(Answer::Job(body, granted))
        }
    }
}

fn job(mut response: HttpResponseBuilder, body: JobBody, granted: Option<Granted>) -> HttpResponse {
    if let Some(granted) = granted {
        response.insert_header((PREFERENCE_APPLIED, granted.to_string()));
    }
    response.json(body)
}

fn receipt_file(bundle: &Bundle, form: ProofForm, job: Uuid) -> Result<HttpResponse, Problem> {
    match ProofFile::of(bundle, form, &format!("rootmark-{job}")) {
        Ok(file) => Ok(file.respond()),
        Err(FileError::NoSuchIndex(index)) => Err(Problem::not_found(
            FileError::NoSuchIndex(index).to_string(),
        )),
        Err(error) => Err(Problem::internal(&error)),
    }
}

/// What is to become of events that cannot be stored; everything is rolled back unless the client says
/// otherwise.
fn error_behaviour(request: &HttpRequest) -> Result<ErrorBehaviour, Problem> {
    let Some(wanted) = request.headers().get("GS1-Capture-Error-Behaviour") else {
        return Ok(ErrorBehaviour::default());
    };
    let behaviour = wanted.to_str().ok().and_then(ErrorBehaviour::parse);
    behaviour.ok_or_else(|| {
        Problem::validation("GS1-Capture-Error-Behaviour must be rollback or proceed")
    })
}

/// `GET /epcis/capture`: the merchant's jobs, newest first.
pub(in crate::web) async fn capture_jobs(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Capture).await?;
    let list = List::read(&request, &service, &submitter)?;
    let before = Uuid::try_parse(&list.after()?).unwrap_or(Uuid::max());
    let limit = i64::from(list.limit());
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, submitter.merchant_id).await?;
    let mut jobs =
        capture_job::capture_jobs_before(&mut tx, submitter.merchant_id, before, limit).await?;
    tx.rollback().await?;
    let goes_on = list.cut(&mut jobs);
    let bodies: Vec<JobBody> = jobs.iter().map(JobBody::listed).collect();
    let mut response = HttpResponse::Ok().json(bodies);
    if let Some(last) = jobs.last().filter(|_| goes_on) {
        list.say_next(&mut response, &last.id.to_string());
    }
    Ok(response)
}

/// `GET /epcis/capture/{job}`: the job, or for a client that prefers to wait the proof.
pub(in crate::web) async fn capture_job(
    request: HttpRequest,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Capture).await?;
    let found = find_job(&service, submitter.merchant_id, &path).await?;
    let wait = preferred_wait(request.headers());
    let body = JobBody::of(&found);
    let answer = job_or_receipt(&service, submitter.merchant_id, body, wait).await?;
    Ok(match answer {
        Answer::Receipt(response) => response,
        Answer::Job(body, granted) => job(HttpResponse::Ok(), body, granted),
    })
}

async fn find_job(service: &Service, merchant_id: Uuid, text: &str) -> Result<CaptureJob, Problem> {
    let unknown = || Problem::not_found("there is no such capture job");
    let id = Uuid::try_parse(text).map_err(|_| unknown())?;
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    let job = capture_job::capture_job(&mut tx, merchant_id, id).await?;
    tx.rollback().await?;
    job.ok_or_else(unknown)
}

/// `GET /epcis/capture/{job}/proof`: the bundle of what the capture stored, once it is public.
pub(in crate::web) async fn capture_proof(
    request: HttpRequest,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Capture).await?;
    let form = ProofForm::parse(request.query_string())
        .map_err(|error| Problem::validation(error.to_string()))?;
    let job = find_job(&service, submitter.merchant_id, &path).await?;
    let wait = preferred_wait(request.headers());
    let (standing, granted) =
        standing_within(&service, submitter.merchant_id, job.id, wait).await?;
    let (sealed, published) = match standing {
        Standing::Public(sealed, published) => (sealed, published),
        Standing::Waiting => return Err(Problem::not_found(NOT_PUBLIC_YET)),
        Standing::Nothing => return Err(Problem::not_found(NOTHING_STORED)),
    };
    let bundle = receipt(&service, sealed, published).await?;
    let mut response = receipt_file(&bundle, form, job.id)?;
    if let Some(granted) = granted {
        let value = HeaderValue::from_str(&granted.to_string()).expect("plain ASCII");
        response.headers_mut().insert(PREFERENCE_APPLIED, value);
    }
    Ok(response)
}

/// Why one event was not stored: a problem (RFC 9457), with the place of what is wrong.
#[derive(Serialize)]
struct JobError {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(rename = "rootmark:event")]
    event: u32,
    #[serde(rename = "rootmark:pointer")]
    pointer: String,
}

impl JobError {
    fn of(fault: &CaptureFault) -> JobError {
        let (kind, title, status) = match fault.is_conflict {
            true => (
                "epcisException:ResourceAlreadyExistsException",
                "Conflict",
                409,
            ),
            false => ("epcisException:ValidationException", "Bad Request", 400),
        };
        JobError {
            r#type: kind,
            title,
            status,
            detail: fault.detail.clone(),
            event: fault.event,
            pointer: fault.pointer.clone(),
        }
    }
}

/// EPCIS 2.0's capture job.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JobBody {
    #[serde(rename = "captureID")]
    capture_id: Uuid,
    created_at: String,
    finished_at: String,
    running: bool,
    success: bool,
    capture_error_behaviour: &'static str,
    /// At most 50.
    errors: Vec<JobError>,
    /// Events that were not stored because of an error.
    #[serde(rename = "rootmark:refusedCount")]
    refused_count: i32,
    /// Events in the document.
    #[serde(rename = "rootmark:eventCount")]
    event_count: i32,
    /// Those that were not known before.
    #[serde(rename = "rootmark:storedCount")]
    stored_count: i32,
    /// Whether all that this capture stored is under the public checkpoint; absent if it stored
    /// nothing, and in lists.
    #[serde(rename = "rootmark:sealed", skip_serializing_if = "Option::is_none")]
    sealed: Option<bool>,
    /// Where its proof is, once it is sealed; absent if it stored nothing.
    #[serde(rename = "rootmark:proof", skip_serializing_if = "Option::is_none")]
    proof: Option<String>,
    /// The jobs of the captures that stored the events that were known before. Only the answer to the
    /// capture itself has them.
    #[serde(rename = "rootmark:storedIn", skip_serializing_if = "Vec::is_empty")]
    stored_in: Vec<String>,
}

impl JobBody {
    fn of(job: &CaptureJob) -> JobBody {
        JobBody {
            capture_id: job.id,
            created_at: timestamp(job.created_at).to_string(),
            finished_at: timestamp(job.finished_at).to_string(),
            running: false,
            success: job.refused_count == 0,
            capture_error_behaviour: job.error_behaviour.as_str(),
            errors: job.faults.iter().map(JobError::of).collect(),
            refused_count: job.refused_count,
            event_count: job.event_count,
            stored_count: job.stored_count,
            sealed: (job.stored_count > 0).then_some(false),
            proof: (job.stored_count > 0).then(|| proof_path(&job.id)),
            stored_in: Vec::new(),
        }
    }

    /// In a list, where nobody looked how each stands.
    fn listed(job: &CaptureJob) -> JobBody {
        JobBody {
            sealed: None,
            ..JobBody::of(job)
        }
    }

    /// Says where it stands. What is in no batch of its own has no proof.
    fn stand(&mut self, standing: &Standing) {
        match standing {
            Standing::Nothing => (self.sealed, self.proof) = (None, None),
            Standing::Waiting => {}
            Standing::Public(..) => self.sealed = Some(true),
        }
    }
}
