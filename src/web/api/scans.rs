//! `/api/scans`: how an item was looked up, for its merchant alone.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::words::Words;
use crate::domain::copies::{CopySign, Standing};
use crate::domain::disclosure::Audience;
use crate::domain::gs1::DigitalLink;
use crate::domain::scope::Scope;
use crate::domain::time::timestamp;
use crate::scan::{count_of, signs_of};
use crate::store::gtin_owner::gtin_owner;
use crate::store::read_for;
use crate::store::scan::{ScanRow, scans_before};
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::error::Problem;
use crate::web::findings::copy_sentence;
use crate::web::lookup::story_of;

/// Look-ups of one answer.
const PAGE: i64 = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The item.
    code: String,
    /// Only look-ups of lesser numbers.
    before: Option<i32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    code: String,
    /// How many there are.
    times: u32,
    /// Up to which the merchant has looked into them.
    reviewed_through: u32,
    /// What now shows that the code was copied, as its page says it.
    signs: Vec<SignBody>,
    /// The last first.
    scans: Vec<ScanBody>,
    /// Whether there are some before these.
    has_more: bool,
}

#[derive(Serialize)]
struct SignBody {
    #[serde(flatten)]
    sign: Value,
    sentence: Words,
}

#[derive(Serialize)]
struct ScanBody {
    number: i32,
    recorded: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
}

/// `GET /api/scans`
pub(in crate::web) async fn scans(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let merchant_id = submitter(&request, &service, Scope::Cases)
        .await?
        .merchant_id;
    let asked = web::Query::<Asked>::from_query(request.query_string());
    let asked = asked.map_err(|_| Problem::validation("ask for code, and before if need be"))?;
    let Asked { code, before } = asked.into_inner();
    let link = DigitalLink::parse(&code);
    let link = link.map_err(|fault| Problem::validation(format!("code: {fault}")))?;
    let named = link.gtin().zip(link.item());
    let (gtin, item) =
        named.ok_or_else(|| Problem::validation("code: only items are looked up one by one"))?;
    let permit = service.forward_traces.begin(merchant_id)?;
    let mut conn = service.database.reader.acquire().await?;
    let owner = gtin_owner(&mut conn, gtin).await?;
    if owner.is_some_and(|owner| owner != merchant_id) {
        return Err(Problem::forbidden("the code is another merchant's"));
    }
    let mut tx = read_for(&mut conn, merchant_id).await?;
    let key = &service.code_key;
    let told = story_of(&mut tx, key, merchant_id, link, Audience::Merchant).await?;
    let told = told.filter(|told| told.story.is_on_record);
    let told = told.ok_or_else(|| Problem::not_found("there is no record of this item"))?;
    let standing = Standing::of(&told.story);
    let count = count_of(&mut tx, merchant_id, &item).await?;
    let times = count.map_or(0, |count| count.times);
    let now = (service.clock)();
    let signs = signs_of(&mut tx, (merchant_id, &item), times, &standing, now).await?;
    let before = before.unwrap_or(i32::MAX);
    let code = item.canonical();
    let mut scans = scans_before(&mut tx, merchant_id, &code, before, PAGE + 1).await?;
    tx.rollback().await?;
    drop(permit);
    let has_more = scans.len() as i64 > PAGE;
    scans.truncate(PAGE as usize);
    Ok(HttpResponse::Ok().json(Body {
        code,
        times,
        reviewed_through: standing.reviewed_through,
        signs: signs.iter().map(SignBody::from).collect(),
        scans: scans.into_iter().map(ScanBody::from).collect(),
        has_more,
    }))
}

impl From<&CopySign> for SignBody {
    fn from(sign: &CopySign) -> SignBody {
        let body = match sign {
            CopySign::Confirmed => json!({"sign": "confirmed"}),
            CopySign::Voided { at } => {
                json!({"sign": "voided", "at": timestamp(*at).as_str()})
            }
            CopySign::Spare => json!({"sign": "neverPacked"}),
            CopySign::Revealed { times, first_at } => {
                json!({"sign": "revealed", "at": timestamp(*first_at).as_str(), "times": times})
            }
            CopySign::AfterSale {
                sold_at,
                times,
                networks,
            } => {
                let at = timestamp(*sold_at);
                json!({"sign": "afterSale", "at": at.as_str(), "times": times, "networks": networks})
            }
            CopySign::ManyLookUps { times, networks } => {
                json!({"sign": "many", "times": times, "networks": networks})
            }
            CopySign::Countless { times } => json!({"sign": "countless", "times": times}),
            CopySign::FarApart { km, minutes, times } => {
                json!({"sign": "farApart", "km": km.round(), "minutes": minutes, "times": times})
            }
        };
        SignBody {
            sign: body,
            sentence: Words::saying(|text| copy_sentence(text, sign)),
        }
    }
}

impl From<ScanRow> for ScanBody {
    fn from(row: ScanRow) -> ScanBody {
        ScanBody {
            number: row.number,
            recorded: timestamp(row.recorded_at).to_string(),
            place: row.place,
        }
    }
}
