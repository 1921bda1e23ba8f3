//! `/api/company-prefixes`: where, in a merchant's keys, the company ends. Without it no EPC URN can be
//! written; events that came with URNs have shown it already.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use crate::domain::gs1::{CompanyPrefix, MAX_DECLARED_PREFIXES};
use crate::domain::scope::Scope;
use crate::domain::time::{timestamp, to_millisecond};
use crate::store::begin_for;
use crate::store::company_prefix::{
    DeclaredPrefix, company_prefixes, delete_company_prefix, hold_company_prefixes,
    insert_company_prefix,
};
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::error::Problem;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    company_prefix: String,
    declared_at: String,
}

impl From<&DeclaredPrefix> for Body {
    fn from(declared: &DeclaredPrefix) -> Body {
        Body {
            company_prefix: declared.company_prefix.to_string(),
            declared_at: timestamp(declared.declared_at).to_string(),
        }
    }
}

fn read(text: &str) -> Result<CompanyPrefix, Problem> {
    CompanyPrefix::parse(text).map_err(|fault| Problem::validation(fault.to_string()))
}

/// `GET /api/company-prefixes`: those that the merchant declares, all of them.
pub(in crate::web) async fn declared_prefixes(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::MasterData).await?;
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, submitter.merchant_id).await?;
    let declared = company_prefixes(&mut tx, submitter.merchant_id).await?;
    tx.rollback().await?;
    Ok(HttpResponse::Ok().json(declared.iter().map(Body::from).collect::<Vec<_>>()))
}

/// `PUT /api/company-prefixes/{companyPrefix}`: declares one. It has no body. 201 if it is new, 200 if it
/// was declared already.
pub(in crate::web) async fn declare_prefix(
    request: HttpRequest,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::MasterData).await?;
    let new = DeclaredPrefix {
        company_prefix: read(&path)?,
        declared_at: to_millisecond((service.clock)()),
    };
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, submitter.merchant_id).await?;
    hold_company_prefixes(&mut tx, submitter.merchant_id).await?;
    let declared = company_prefixes(&mut tx, submitter.merchant_id).await?;
    let same = |known: &&DeclaredPrefix| known.company_prefix == new.company_prefix;
    if let Some(known) = declared.iter().find(same) {
        return Ok(HttpResponse::Ok().json(Body::from(known)));
    }
    if let Some(other) = contradicted(&new.company_prefix, &declared) {
        return Err(Problem::conflict(format!(
            "{other} is declared, and GS1 gives out no prefix that begins with another: one of the two \
             is a mistake. Take the other back first, if it is that one"
        )));
    }
    if declared.len() >= MAX_DECLARED_PREFIXES {
        return Err(Problem::validation(format!(
            "a merchant declares at most {MAX_DECLARED_PREFIXES} company prefixes"
        )));
    }
    insert_company_prefix(&mut tx, submitter.merchant_id, &new).await?;
    tx.commit().await?;
    Ok(HttpResponse::Created().json(Body::from(&new)))
}

/// A prefix that cannot be right if `new` is.
fn contradicted<'a>(
    new: &CompanyPrefix,
    declared: &'a [DeclaredPrefix],
) -> Option<&'a CompanyPrefix> {
    let mut declared = declared.iter().map(|known| &known.company_prefix);
    declared.find(|known| known.contradicts(new))
}

/// `DELETE /api/company-prefixes/{companyPrefix}`: takes a declaration back.
pub(in crate::web) async fn take_prefix_back(
    request: HttpRequest,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::MasterData).await?;
    let prefix = read(&path)?;
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, submitter.merchant_id).await?;
    let is_removed = delete_company_prefix(&mut tx, submitter.merchant_id, &prefix).await?;
    tx.commit().await?;
    if !is_removed {
        return Err(Problem::not_found("this company prefix is not declared"));
    }
    Ok(HttpResponse::NoContent().finish())
}
