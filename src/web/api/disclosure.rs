//! `/api/disclosure`: who may see what of a merchant's record.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::master::record;
use crate::domain::disclosure::{Disclosure, Rule};
use crate::domain::scope::Scope;
use crate::domain::statement::Kind;
use crate::domain::time::timestamp;
use crate::store::begin_for;
use crate::trace::setting_of;
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::error::Problem;

#[derive(Serialize)]
struct Body {
    /// In their order: a later one prevails.
    rules: Vec<RuleBody>,
    /// What applies where none of them does.
    defaults: Vec<RuleBody>,
    /// When the rules were recorded; absent if there never were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<String>,
}

#[derive(Serialize)]
struct RuleBody {
    field: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    show: &'static str,
}

impl From<Rule> for RuleBody {
    fn from(rule: Rule) -> RuleBody {
        RuleBody {
            field: rule.field.as_str(),
            of: rule.of,
            show: rule.level.as_str(),
        }
    }
}

/// `GET /api/disclosure`: the rules that stand.
pub(in crate::web) async fn disclosure(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Disclosure).await?;
    let mut conn = service.database.reader.acquire().await?;
    let mut tx = begin_for(&mut conn, submitter.merchant_id).await?;
    let said = setting_of(&mut tx, submitter.merchant_id).await?;
    tx.rollback().await?;
    let recorded = said.as_ref().map(|said| timestamp(said.recorded_at));
    let rules = said.map(|said| said.value.rules).unwrap_or_default();
    let bodies = |rules: Vec<Rule>| rules.into_iter().map(RuleBody::from).collect();
    Ok(HttpResponse::Ok().json(Body {
        rules: bodies(rules),
        defaults: bodies(Disclosure::defaults()),
        recorded: recorded.map(|recorded| recorded.to_string()),
    }))
}

/// `POST /api/disclosure`: other rules, all of them.
pub(in crate::web) async fn record_disclosure(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    record(Kind::Disclosure, &request, payload, &service).await
}
