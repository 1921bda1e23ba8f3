//! `/epcis/queries/{name}/subscriptions`: who is told of events that fulfil a query.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::json;
use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use uuid::Uuid;

use super::form::{say_form, wanted_format};
use super::list::List;
use super::queries::{as_asked, find, query_path, unknown_query};
use crate::capture::CaptureError;
use crate::domain::delivery_signature::SignatureToken;
use crate::domain::epcis::EpcFormat;
use crate::domain::epcis::query::named::Wanted;
use crate::domain::scope::Scope;
use crate::domain::sealed::SecretOwner;
use crate::domain::subscription::{
    MAX_SUBSCRIPTIONS, Pace, Progress, Subscription, SubscriptionFault, SubscriptionOrder,
    check_query,
};
use crate::domain::time::{timestamp, to_millisecond};
use crate::http_client::Target;
use crate::store::named_query::hold_queries;
use crate::store::subscription::{
    count_subscriptions, delete_subscription, insert_subscription, subscription,
    subscriptions_after,
};
use crate::store::{begin_for, limit_time};
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::body::json_text;
use crate::web::error::Problem;

/// A subscription that is not made.
fn refused(detail: impl Into<String>) -> Problem {
    let kind = "epcisException:SubscriptionControlsException";
    Problem::new(StatusCode::BAD_REQUEST, kind, detail)
}

impl From<SubscriptionFault> for Problem {
    fn from(fault: SubscriptionFault) -> Problem {
        refused(fault.to_string())
    }
}

fn unknown_subscription() -> Problem {
    Problem::not_found("there is no subscription with this id to a query with this name")
}

/// A subscription as it is told. Its secret is in no answer: nothing here has read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(rename = "subscriptionID")]
    subscription_id: Uuid,
    query_name: String,
    dest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<Box<RawValue>>,
    report_if_empty: bool,
    initial_record_time: String,
    min_record_time: String,
    epc_format: &'static str,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_notified_at: Option<String>,
    /// Deliveries in a row that failed.
    #[serde(rename = "rootmark:failures")]
    failures: u32,
    /// Why the last of them did, in our words.
    #[serde(
        rename = "rootmark:lastFailure",
        skip_serializing_if = "Option::is_none"
    )]
    last_failure: Option<String>,
    /// When the next scheduled report is due, or when what failed is tried again.
    #[serde(
        rename = "rootmark:nextAttemptAt",
        skip_serializing_if = "Option::is_none"
    )]
    next_attempt_at: Option<String>,
}

impl Body {
    fn of(subscription: Subscription) -> Result<Body, Problem> {
        let text = |at: OffsetDateTime| timestamp(at).to_string();
        let progress = subscription.progress;
        let schedule = match &subscription.pace {
            Pace::Stream => None,
            Pace::Schedule(schedule) => {
                let schedule = RawValue::from_string(schedule.to_json().to_compact());
                Some(schedule.map_err(|error| Problem::internal(&error))?)
            }
        };
        // A stream that does not fail has no time of its own: its time is when something is sealed.
        let has_time = schedule.is_some() || progress.failures > 0;
        let began = subscription.initial_record_time;
        Ok(Body {
            subscription_id: subscription.id,
            query_name: subscription.query_name,
            dest: subscription.dest,
            stream: schedule.is_none().then_some(true),
            schedule,
            report_if_empty: subscription.report_if_empty,
            initial_record_time: text(began.unwrap_or(subscription.created_at)),
            min_record_time: text(progress.min_record_time),
            epc_format: subscription.epc_format.name(),
            created_at: text(subscription.created_at),
            last_notified_at: progress.last_notified_at.map(text),
            failures: progress.failures,
            last_failure: progress.last_failure,
            next_attempt_at: has_time.then(|| text(progress.next_attempt_at)),
        })
    }
}

/// `POST /epcis/queries/{name}/subscriptions`
pub(in crate::web) async fn post_subscription(
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Subscribe).await?;
    let merchant_id = submitter.merchant_id;
    let format = wanted_format(&request)?;
    let text = json_text(&request, payload).await?;
    let named = find(&service, merchant_id, &path).await?;
    let body = json::parse(&text).map_err(CaptureError::Json)?;
    let order = SubscriptionOrder::read(&body)?;
    Target::parse(&order.dest, &service.subscribing.private_targets)
        .map_err(|fault| refused(format!("dest may not be asked: {fault}")))?;
    let wanted = Wanted::read(&named.query).map_err(|fault| Problem::internal(&fault))?;
    check_query(&as_asked(&service, merchant_id, &wanted).await?)?;
    let made = made(merchant_id, named.name, &order, format, (service.clock)())?;
    let sealed = order
        .token
        .as_ref()
        .map(|token| sealed(&service, &made, token));
    let sealed = sealed.transpose()?;
    let made = store(&service, &made, sealed.as_deref()).await?;
    let location = format!("{}/subscriptions/{}", query_path(&made.query_name), made.id);
    let mut response = HttpResponse::Created()
        .insert_header((header::LOCATION, location))
        .json(Body::of(made)?);
    say_form(&mut response, format);
    Ok(response)
}

/// The secret as it is stored.
fn sealed(
    service: &Service,
    made: &Subscription,
    token: &SignatureToken,
) -> Result<Vec<u8>, Problem> {
    let owner = SecretOwner {
        merchant_id: made.merchant_id,
        subscription_id: made.id,
    };
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).map_err(|error| Problem::internal(&error))?;
    Ok(service.subscribing.tokens.seal(owner, nonce, token))
}

fn made(
    merchant_id: Uuid,
    query_name: String,
    order: &SubscriptionOrder,
    epc_format: EpcFormat,
    now: OffsetDateTime,
) -> Result<Subscription, Problem> {
    let now = to_millisecond(now);
    let first = order.pace.first_after(now);
    let next_attempt_at = first.ok_or(SubscriptionFault::Never)?;
    Ok(Subscription {
        merchant_id,
        id: Uuid::now_v7(),
        query_name,
        dest: order.dest.clone(),
        epc_format,
        pace: order.pace.clone(),
        report_if_empty: order.report_if_empty,
        initial_record_time: order.initial_record_time,
        created_at: now,
        progress: Progress {
            // Where it begins in the log is for the log to say.
            next_index: auditlog::LeafIndex(0),
            min_record_time: order.initial_record_time.unwrap_or(now),
            last_notified_at: None,
            next_attempt_at,
            has_reported: false,
            failures: 0,
            last_failure: None,
            tried: None,
        },
    })
}

async fn store(
    service: &Service,
    new: &Subscription,
    sealed_token: Option<&[u8]>,
) -> Result<Subscription, Problem> {
    let merchant_id = new.merchant_id;
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    limit_time(&mut tx).await?;
    hold_queries(&mut tx, merchant_id).await?;
    if count_subscriptions(&mut tx, merchant_id).await? >= MAX_SUBSCRIPTIONS {
        let detail =
            format!("a merchant has at most {MAX_SUBSCRIPTIONS} subscriptions: end another");
        return Err(refused(detail));
    }
    if !insert_subscription(&mut tx, new, sealed_token).await? {
        return Err(unknown_query());
    }
    let stored = subscription(&mut tx, merchant_id, &new.query_name, new.id).await?;
    tx.commit().await?;
    stored.ok_or_else(unknown_query)
}

/// `GET /epcis/queries/{name}/subscriptions`: oldest first.
pub(in crate::web) async fn subscriptions(
    request: HttpRequest,
    path: web::Path<String>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Subscribe).await?;
    let merchant_id = submitter.merchant_id;
    let list = List::read(&request, &service, &submitter)?;
    let named = find(&service, merchant_id, &path).await?;
    let after = Uuid::try_parse(&list.after()?).unwrap_or(Uuid::nil());
    let limit = i64::from(list.limit());
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    let mut found = subscriptions_after(&mut tx, merchant_id, &named.name, after, limit).await?;
    tx.rollback().await?;
    let goes_on = list.cut(&mut found);
    let last = found.last().map(|last| last.id.to_string());
    let bodies: Vec<Body> = found.into_iter().map(Body::of).collect::<Result<_, _>>()?;
    let mut response = HttpResponse::Ok().json(bodies);
    if let Some(last) = last.filter(|_| goes_on) {
        list.say_next(&mut response, &last);
    }
    Ok(response)
}

/// The query, which there must be, and the subscription, which there may be, that a path names.
async fn named_in(
    service: &Service,
    merchant_id: Uuid,
    (name, id): (String, String),
) -> Result<(String, Uuid), Problem> {
    let id = Uuid::try_parse(&id).map_err(|_| unknown_subscription())?;
    Ok((find(service, merchant_id, &name).await?.name, id))
}

/// `GET /epcis/queries/{name}/subscriptions/{subscriptionID}`: how it is doing.
pub(in crate::web) async fn one_subscription(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Subscribe).await?;
    let merchant_id = submitter.merchant_id;
    let (name, id) = named_in(&service, merchant_id, path.into_inner()).await?;
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    let found = subscription(&mut tx, merchant_id, &name, id).await?;
    tx.rollback().await?;
    let found = found.ok_or_else(unknown_subscription)?;
    Ok(HttpResponse::Ok().json(Body::of(found)?))
}

/// `DELETE /epcis/queries/{name}/subscriptions/{subscriptionID}`: ends it. A delivery that is under way may
/// still arrive.
pub(in crate::web) async fn end_subscription(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Subscribe).await?;
    let merchant_id = submitter.merchant_id;
    let (name, id) = named_in(&service, merchant_id, path.into_inner()).await?;
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    let is_ended = delete_subscription(&mut tx, merchant_id, &name, id).await?;
    tx.commit().await?;
    if !is_ended {
        return Err(unknown_subscription());
    }
    Ok(HttpResponse::NoContent().finish())
}
