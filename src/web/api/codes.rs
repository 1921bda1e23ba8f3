//! `/api/code-ranges`: item codes.

use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::json::{self, Value};
use futures_util::stream;
use serde::Serialize;

use crate::capture::CaptureError;
use crate::codes::{self, CodeOrder};
use crate::domain::gs1::{Gtin, Lot};
use crate::domain::scope::Scope;
use crate::store::begin_for;
use crate::web::Service;
use crate::web::auth::submitter;
use crate::web::body::json_text;
use crate::web::error::Problem;

/// Codes in one chunk of an answer.
const CODES_A_CHUNK: usize = 2_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RangeBody {
    gtin: String,
    lot: Option<String>,
    quantity: u32,
    /// Whether each pack bears a hidden code, too.
    hidden: bool,
    /// Where the codes themselves are, one address a line.
    codes: String,
}

/// `POST /api/code-ranges` with `{"gtin":…,"lot":…,"quantity":…,"hidden":…}`.
pub(in crate::web) async fn issue_codes(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Codes).await?;
    let text = json_text(&request, payload).await?;
    let value = json::parse(&text).map_err(CaptureError::Json)?;
    let (gtin, lot, quantity, has_hidden) = order(&value)?;
    if has_hidden {
        may_hide(&request, &service).await?;
    }
    let mut conn = service.database.capture.acquire().await?;
    let order = CodeOrder {
        merchant_id: submitter.merchant_id,
        issuer: &submitter.issuer,
        gtin,
        lot,
        quantity,
        has_hidden,
    };
    let issued = codes::issue(&mut conn, &order, (service.clock)()).await?;
    Ok(HttpResponse::Created().json(RangeBody {
        gtin: gtin.to_string(),
        lot: lot.map(|lot| lot.to_string()),
        quantity,
        hidden: has_hidden,
        codes: format!("/api/code-ranges/{gtin}/{}/codes", issued.first_number),
    }))
}

/// Hidden codes are for whom the merchant names: a key for codes alone could print what buyers are to be the first to know.
async fn may_hide(request: &HttpRequest, service: &Service) -> Result<(), Problem> {
    submitter(request, service, Scope::HiddenCodes).await?;
    Ok(())
}

fn order(value: &Value<'_>) -> Result<(Gtin, Option<Lot>, u32, bool), Problem> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let members = value
        .as_object()
        .ok_or_else(|| Problem::validation("send a JSON object"))?;
    let known = ["gtin", "lot", "quantity", "hidden"];
    if let Some((key, _)) = members
        .iter()
        .find(|(key, _)| !known.contains(&key.as_ref()))
    {
        return Err(Problem::validation(format!(
            "/{key}: an order has gtin, lot, quantity and hidden only"
        )));
    }
    let gtin = text("gtin").ok_or_else(|| Problem::validation("/gtin: is missing"))?;
    let gtin = Gtin::parse(gtin).map_err(|e| Problem::validation(format!("/gtin: {e}")))?;
    let lot = match value.get("lot") {
        None | Some(Value::Null) => None,
        Some(lot) => {
            let lot = lot
                .as_str()
                .ok_or_else(|| Problem::validation("/lot: must be a string"))?;
            Some(Lot::parse(lot).map_err(|e| Problem::validation(format!("/lot: {e}")))?)
        }
    };
    let quantity = value.get("quantity").and_then(Value::as_number);
    let quantity = quantity.and_then(|number| number.parse().ok());
    let quantity =
        quantity.ok_or_else(|| Problem::validation("/quantity: must be a whole number"))?;
    let has_hidden = match value.get("hidden") {
        None => false,
        Some(Value::Bool(has_hidden)) => *has_hidden,
        Some(_) => return Err(Problem::validation("/hidden: must be true or false")),
    };
    Ok((gtin, lot, quantity, has_hidden))
}

/// `GET /api/code-ranges/{gtin}/{first_number}/codes`: one address a line, with the hidden code behind a
/// comma where there is one; streamed.
pub(in crate::web) async fn codes(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let submitter = submitter(&request, &service, Scope::Codes).await?;
    let unknown = || Problem::not_found("there is no such code range");
    let gtin = Gtin::parse(&path.0).map_err(|_| unknown())?;
    let first: u32 = path.1.parse().map_err(|_| unknown())?;
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = begin_for(&mut conn, submitter.merchant_id).await?;
    let issued = codes::issued(&mut tx, submitter.merchant_id, gtin, first).await?;
    tx.rollback().await?;
    let issued = issued.ok_or_else(unknown)?;
    if issued.has_hidden {
        may_hide(&request, &service).await?;
    }
    // Made as they are sent: an order may be of millions.
    let base = service.public_url.clone();
    let mut all = codes::lines(&service.code_key, &issued, base);
    let chunks = std::iter::from_fn(move || {
        let lines: String = all.by_ref().take(CODES_A_CHUNK).collect();
        (!lines.is_empty()).then(|| Ok::<_, actix_web::Error>(web::Bytes::from(lines)))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header(("Cache-Control", "no-store"))
        .streaming(stream::iter(chunks)))
}
