//! `/epcis/queries`: queries that have a name, and their events.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::json;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::events::{Asked, answer, within_limit};
use super::list::List;
use crate::capture::CaptureError;
use crate::domain::epcis::query::EventQuery;
use crate::domain::epcis::query::named::{Definition, NamedFault, UNNAMED, Wanted, is_name};
use crate::domain::scope::Scope;
use crate::domain::subscription::MAX_NAMED_QUERIES;
use crate::domain::time::to_millisecond;
use crate::query;
use crate::store::named_query::{
    NamedQuery, count_named_queries, delete_named_query, hold_queries, insert_named_query,
    named_queries_after, named_query,
};
use crate::store::{begin_for, read_for};
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::body::json_text;
use crate::web::error::Problem;

/// A query and its name.
#[derive(Serialize)]
struct Body<'a> {
    name: &'a str,
    /// As it came: a number keeps its digits.
    query: &'a RawValue,
}

impl Body<'_> {
    fn of(query: &NamedQuery) -> Result<Body<'_>, Problem> {
        let text = serde_json::from_str(&query.query).map_err(|error| Problem::internal(&error))?;
        Ok(Body {
            name: &query.name,
            query: text,
        })
    }
}

/// A query that cannot get a name.
fn refused(fault: NamedFault) -> Problem {
    let kind = match fault {
        NamedFault::Stored(error) => return Problem::internal(&error),
        NamedFault::Definition | NamedFault::Name => "epcisException:ValidationException",
        NamedFault::NotAnObject | NamedFault::TooLarge | NamedFault::Value(_) => {
            "epcisException:QueryValidationException"
        }
    };
    Problem::new(StatusCode::BAD_REQUEST, kind, fault.to_string())
}

fn taken(name: &str) -> Problem {
    Problem::conflict(format!(
        "there is a query {name} already: remove it first, or take another name"
    ))
}

pub(super) fn unknown_query() -> Problem {
    Problem::not_found("there is no query with this name")
}

/// Where a query is.
pub(super) fn query_path(name: &str) -> String {
    format!("/epcis/queries/{name}")
}

/// `GET /epcis/queries`: the merchant's queries, by name.
pub(in crate::web) async fn queries(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Query).await?;
    let list = List::read(&request, &service, &submitter)?;
    let (after, limit) = (list.after()?, i64::from(list.limit()));
    let mut conn = service.database.reader.acquire().await?;
    let mut tx = begin_for(&mut conn, submitter.merchant_id).await?;
    let mut found = named_queries_after(&mut tx, submitter.merchant_id, &after, limit).await?;
    tx.rollback().await?;
    let goes_on = list.cut(&mut found);
    let bodies: Vec<Body> = found.iter().map(Body::of).collect::<Result<_, _>>()?;
    let mut response = HttpResponse::Ok().json(bodies);
    if let Some(last) = found.last().filter(|_| goes_on) {
        list.say_next(&mut response, &last.name);
    }
    Ok(response)
}

/// `POST /epcis/queries`: gives a query a name. It can be asked, or it is refused.
pub(in crate::web) async fn post_query(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Subscribe).await?;
    let merchant_id = submitter.merchant_id;
    let text = json_text(&request, payload).await?;
    let body = json::parse(&text).map_err(CaptureError::Json)?;
    let defined = Definition::read(&body).map_err(refused)?;
    if defined.name == UNNAMED {
        return Err(taken(UNNAMED));
    }
    let wanted = Wanted::read(&defined.query).map_err(refused)?;
    as_asked(&service, merchant_id, &wanted).await?;
    let new = NamedQuery {
        name: defined.name,
        query: defined.query,
        created_at: to_millisecond((service.clock)()),
    };
    store(&service, merchant_id, &new).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, query_path(&new.name)))
        .finish())
}

/// The query that something wanted is, by what the merchant's events say now.
pub(super) async fn as_asked(
    service: &Service,
    merchant_id: Uuid,
    wanted: &Wanted,
) -> Result<EventQuery, Problem> {
    let mut conn = service.database.reader.acquire().await?;
    within_limit(async {
        let mut tx = read_for(&mut conn, merchant_id).await?;
        let query = query::read(&mut tx, &mut query::Recent::of(merchant_id), wanted).await?;
        tx.rollback().await?;
        Ok(query)
    })
    .await
}

async fn store(service: &Service, merchant_id: Uuid, new: &NamedQuery) -> Result<(), Problem> {
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    hold_queries(&mut tx, merchant_id).await?;
    let is_known = named_query(&mut tx, merchant_id, &new.name)
        .await?
        .is_some();
    if is_known {
        return Err(taken(&new.name));
    }
    if count_named_queries(&mut tx, merchant_id).await? >= MAX_NAMED_QUERIES {
        let detail = format!("a merchant names at most {MAX_NAMED_QUERIES} queries");
        let kind = "epcisException:QueryValidationException";
        return Err(Problem::new(StatusCode::BAD_REQUEST, kind, detail));
    }
    if !insert_named_query(&mut tx, merchant_id, new).await? {
        return Err(taken(&new.name));
    }
    tx.commit().await?;
    Ok(())
}

/// `GET /epcis/queries/{name}`: the query.
pub(in crate::web) async fn query(
    request: HttpRequest,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Query).await?;
    let found = find(&service, submitter.merchant_id, &path).await?;
    Ok(HttpResponse::Ok().json(Body::of(&found)?))
}

pub(super) async fn find(
    service: &Service,
    merchant_id: Uuid,
    name: &str,
) -> Result<NamedQuery, Problem> {
    // No other text can be one, and some cannot even be asked for.
    if !is_name(name) {
        return Err(unknown_query());
    }
    let mut conn = service.database.reader.acquire().await?;
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    let found = named_query(&mut tx, merchant_id, name).await?;
    tx.rollback().await?;
    found.ok_or_else(unknown_query)
}

/// `DELETE /epcis/queries/{name}`: removes a query, and ends its subscriptions.
pub(in crate::web) async fn delete_query(
    request: HttpRequest,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Subscribe).await?;
    let merchant_id = submitter.merchant_id;
    if !is_name(&path) {
        return Err(unknown_query());
    }
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    // No subscription may be made to it meanwhile.
    hold_queries(&mut tx, merchant_id).await?;
    let is_removed = delete_named_query(&mut tx, merchant_id, &path).await?;
    tx.commit().await?;
    if !is_removed {
        return Err(unknown_query());
    }
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /epcis/queries/{name}/events`: a page of the events that fulfil the query now.
pub(in crate::web) async fn query_events(
    request: HttpRequest,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Query).await?;
    let mut asked = Asked::read(&request)?;
    // A named query is asked as it is: whoever wants another names another.
    asked.refuse_parameters()?;
    let found = find(&service, submitter.merchant_id, &path).await?;
    let wanted = Wanted::read(&found.query).map_err(refused)?;
    asked.also = wanted.parameters;
    asked.context = wanted.context;
    asked.query_name = found.name;
    answer(&service, &submitter, request.path(), asked).await
}
