//! `/api/recalls`: what a merchant recalls, and how it stands.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::master::recorded;
use super::on_record::recorded_of;
use super::words::Words;
use crate::domain::gs1::Identity;
use crate::domain::recall::Status;
use crate::domain::scope::Scope;
use crate::domain::statement::{Kind, Role};
use crate::domain::time::timestamp;
use crate::store::begin_for;
use crate::trace::{SaidRecall, recalls_of};
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::error::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// `open` or `closed`; without it, both.
    status: Option<String>,
    /// The URI of one.
    recall: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    /// The one of which something was said last comes first.
    recalls: Vec<RecallBody>,
    /// Whether there is more than one answer holds.
    is_truncated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecallBody {
    recall: String,
    status: &'static str,
    recall_class: u8,
    scope: Vec<String>,
    reason: Words,
    instructions: Words,
    contact: ContactBody,
    opened: String,
    /// When it was widened, changed or closed last.
    recorded: String,
    /// Of its last statement, once that is sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    statements: usize,
}

#[derive(Serialize)]
struct ContactBody {
    name: Words,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl From<SaidRecall> for RecallBody {
    fn from(said: SaidRecall) -> RecallBody {
        let recall = said.recall;
        RecallBody {
            status: recall.status.as_str(),
            recall_class: recall.class.number(),
            scope: recall.scope.iter().map(Identity::canonical).collect(),
            reason: recall.reason.into(),
            instructions: recall.instructions.into(),
            contact: ContactBody {
                name: recall.contact.name.into(),
                phone: recall.contact.phone,
                email: recall.contact.email,
                url: recall.contact.url,
            },
            recall: recall.uri,
            opened: timestamp(said.opened_at).to_string(),
            recorded: timestamp(said.recorded_at).to_string(),
            index: said.leaf_index.map(|index| index.0),
            statements: said.statements,
        }
    }
}

/// `GET /api/recalls`: those of the merchant, each as it was said last.
pub(in crate::web) async fn recalls(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Recalls).await?;
    let asked = web::Query::<Asked>::from_query(request.query_string());
    let asked =
        asked.map_err(|_| Problem::validation("ask for status, recall, both or neither"))?;
    let Asked {
        status: wanted,
        recall,
    } = asked.into_inner();
    if wanted.as_deref().is_some_and(|wanted| {
        [Status::Open, Status::Closed]
            .iter()
            .all(|status| status.as_str() != wanted)
    }) {
        return Err(Problem::validation("status must be open or closed"));
    }
    let mut conn = service.database.reader.acquire().await?;
    let mut tx = begin_for(&mut conn, submitter.merchant_id).await?;
    let said = recalls_of(&mut tx, submitter.merchant_id).await?;
    tx.rollback().await?;
    let is_wanted = |one: &SaidRecall| {
        let is_status = wanted
            .as_deref()
            .is_none_or(|wanted| one.recall.status.as_str() == wanted);
        is_status && recall.as_ref().is_none_or(|uri| one.recall.uri == *uri)
    };
    let found = said.recalls.into_iter().filter(is_wanted);
    Ok(HttpResponse::Ok().json(Body {
        recalls: found.map(RecallBody::from).collect(),
        is_truncated: said.truncated,
    }))
}

/// `POST /api/recalls`: opens one, widens it, or closes it.
pub(in crate::web) async fn record_recall(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let recorded = recorded(Kind::Recall, &request, payload, &service).await?;
    Ok(recorded_of(&service, recorded, Role::Recalled).await)
}
