//! `POST /scans/01/…`: a phone says that the page of a code is in front of somebody.

use std::collections::HashSet;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};
use auditlog::encoding::from_base64;
use auditlog::json::{self, Value};

use super::present::scans_in_words;
use super::shell;
use crate::cases::{is_open_for_signs, open_for_signs};
use crate::codes::{SerialStatus, serial_status};
use crate::domain::copies::{CopySign, Standing};
use crate::domain::disclosure::Audience;
use crate::domain::gs1::{DigitalLink, Gtin, Serial};
use crate::domain::region::Region;
use crate::domain::story::Withheld;
use crate::proof::alone;
use crate::scan::{
    Counted, Look, ScanCount, ScanError, count, known_already, signs_of, statement_of,
};
use crate::store::begin_for;
use crate::store::gtin_owner::gtin_owner;
use crate::store::scan::Looker;
use crate::trace::TraceError;
use crate::web::Service;
use crate::web::body::small_json_text;
use crate::web::client::is_a_page_of_ours;
use crate::web::error::Problem;
use crate::web::lookup::{StoryError, story_of};
use crate::web::proof_file::proof_source;
use time::OffsetDateTime;

/// What programs that only fetch pages call themselves, in small letters.
const ROBOTS: [&str; 13] = [
    "bot/",
    "bot;",
    "bot ",
    "bot)",
    "crawl",
    "spider",
    "slurp",
    "preview",
    "headless",
    "lighthouse",
    "facebookexternalhit",
    "python-requests",
    "curl/",
];

/// `POST /scans/01/{gtin}[/10/{lot}]/21/{serial}` with `{"phone":"<base64 of 16 bytes>"}`.
pub(in crate::web) async fn scan(
    request: HttpRequest,
    payload: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    if !is_a_page_of_ours(request.headers()) {
        return Err(refused(
            StatusCode::FORBIDDEN,
            "only a page of this service says that it was shown",
        ));
    }
    let text = small_json_text(&request, payload).await?;
    let asked = Asked::read(&text).ok_or_else(|| {
        refused(
            StatusCode::BAD_REQUEST,
            "the body must be {\"phone\":\"<base64 of 16 bytes>\"}, with \"receipt\":true if you want one",
        )
    })?;
    if is_robot(request.headers()) {
        return Ok(HttpResponse::NoContent().finish());
    }
    let path = request.uri().path();
    let path = path.strip_prefix("/scans").unwrap_or(path);
    let link = DigitalLink::parse_path(path)
        .map_err(|error| refused(StatusCode::BAD_REQUEST, error.to_string()))?;
    let (Some((gtin, serial)), Some(item)) = (link.gtin().zip(link.serial()), link.item()) else {
        return Err(refused(
            StatusCode::NOT_FOUND,
            "only items are counted, each by its serial number",
        ));
    };
    let now = (service.clock)();
    let merchant_id = owner(&service, link, (gtin, serial)).await?;
    let merchant_id =
        merchant_id.ok_or_else(|| refused(StatusCode::NOT_FOUND, "there is no such record"))?;
    let network = service.network(&request, &item.canonical(), now);
    let network = network.map_err(|error| Problem::internal(&error))?;
    let look = Look {
        merchant_id,
        item,
        looker: Looker {
            phone: asked.phone,
            network,
        },
        place: place(&request, &service),
    };
    // What changes nothing waits for nobody, and takes nothing from those who capture.
    let mut conn = service.database.reader.acquire().await?;
    let known = known_already(&mut conn, &look, now).await?;
    drop(conn);
    let counted = match known {
        Some(known) => known,
        None => {
            let mut conn = service.database.capture.acquire().await?;
            let counted = count(&mut conn, &look, now).await;
            drop(conn);
            let counted = counted.map_err(|error| match error {
                ScanError::Store(error) => Problem::from(error),
                error => Problem::internal(&error),
            })?;
            if counted.is_new {
                // The look-up is counted, whatever becomes of this.
                let opened = open_case_if_in_doubt(&service, &look, link, counted.count, now).await;
                opened.unwrap_or_else(|error| tracing::warn!(%error, "a case was not opened"));
            }
            counted
        }
    };
    let receipt = match counted.own.filter(|_| asked.receipt) {
        Some(number) => receipt(&service, &look, number).await?,
        None => None,
    };
    Ok(answer(&request, &counted, receipt))
}

/// Opens a case of an item that this look-up puts in doubt, or that was in doubt before.
async fn open_case_if_in_doubt(
    service: &Service,
    look: &Look,
    link: DigitalLink,
    count: ScanCount,
    now: OffsetDateTime,
) -> Result<(), StoryError> {
    let (merchant_id, item) = (look.merchant_id, &look.item);
    let mut conn = service.database.reader.acquire().await?;
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    if is_open_for_signs(&mut tx, merchant_id, item).await? {
        return Ok(());
    }
    let key = &service.code_key;
    let told = story_of(&mut tx, key, merchant_id, link, Audience::Merchant).await?;
    let standing = told.map(|told| Standing::of(&told.story));
    let standing = standing.unwrap_or_default();
    let signs = signs_of(&mut tx, (merchant_id, item), count.times, &standing, now).await?;
    tx.rollback().await?;
    drop(conn);
    // What a review confirmed was looked into.
    if signs.iter().any(|sign| *sign != CopySign::Confirmed) {
        let mut conn = service.database.capture.acquire().await?;
        open_for_signs(&mut conn, merchant_id, item, now).await?;
    }
    Ok(())
}

/// The proof of a look-up, for the phone that made it: a C2SP tlog-proof without the place. None while it is not public.
async fn receipt(
    service: &web::Data<Service>,
    look: &Look,
    number: u32,
) -> Result<Option<String>, Problem> {
    let Some(published) = service.state.borrow().published.clone() else {
        return Ok(None);
    };
    let mut conn = service.database.reader.acquire().await?;
    let mut tx = begin_for(&mut conn, look.merchant_id).await?;
    let found = statement_of(&mut tx, look.merchant_id, &look.item, number).await?;
    tx.rollback().await?;
    drop(conn);
    let Some(stored) = found else {
        return Ok(None);
    };
    let Some(index) = stored.leaf_index else {
        return Ok(None);
    };
    let making = service.clone();
    let proof = web::block(move || {
        let withheld = Withheld {
            content: HashSet::from(["/body/place".to_owned()]),
            ..Withheld::default()
        };
        alone(
            index,
            &stored,
            &withheld,
            &proof_source(&making, &published),
        )
    });
    let proof = proof.await.map_err(|error| Problem::internal(&error))?;
    let proof = proof.map_err(|error| Problem::internal(&error))?;
    Ok(proof.map(|proof| proof.format()))
}

fn refused(status: StatusCode, detail: impl Into<String>) -> Problem {
    Problem::new(status, "about:blank", detail)
}

fn answer(request: &HttpRequest, counted: &Counted, receipt: Option<String>) -> HttpResponse {
    let text = shell(request).text;
    let said = scans_in_words(text, &counted.count);
    let body = serde_json::json!({
        "times": counted.count.times,
        "number": counted.own,
        "counted": counted.is_new,
        "said": said,
        "receipt": receipt,
    });
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(body)
}

/// Whose an item is that was issued or that events name; none where there is no record of it.
async fn owner(
    service: &Service,
    link: DigitalLink,
    item: (Gtin, Serial),
) -> Result<Option<uuid::Uuid>, Problem> {
    let mut conn = service.database.reader.acquire().await?;
    let Some(merchant_id) = gtin_owner(&mut conn, item.0).await? else {
        return Ok(None);
    };
    let key = &service.code_key;
    let mut tx = begin_for(&mut conn, merchant_id).await?;
    let status = serial_status(&mut tx, key, merchant_id, item, None).await?;
    let is_on_record = match status {
        SerialStatus::Issued(_) => true,
        // A serial that its merchant had printed before is known by its events.
        SerialStatus::NotIssued => {
            let story = story_of(&mut tx, key, merchant_id, link, Audience::Shopper).await;
            let told = story.map_err(|error| match error {
                StoryError::Trace(TraceError::Store(error)) => Problem::from(error),
                error => Problem::internal(&error),
            })?;
            told.is_some_and(|told| told.story.is_on_record)
        }
    };
    tx.rollback().await?;
    Ok(is_on_record.then_some(merchant_id))
}

/// Whether it is a program that shows pages to nobody, or a browser that fetches ahead.
fn is_robot(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-purpose").or(text("purpose")).is_some() {
        return true;
    }
    let Some(agent) = text("user-agent") else {
        return true;
    };
    let agent = agent.to_ascii_lowercase();
    // A make of phones is called so.
    let agent = agent.replace("cubot", "") + " ";
    ROBOTS.iter().any(|robot| agent.contains(robot))
}

/// What a phone says.
struct Asked {
    phone: [u8; 16],
    /// Whether it wants to keep the proof of its look-up.
    receipt: bool,
}

impl Asked {
    fn read(text: &str) -> Option<Asked> {
        let value = json::parse(text).ok()?;
        let phone = value.get("phone").and_then(Value::as_str)?;
        Some(Asked {
            phone: from_base64(phone)?.try_into().ok()?,
            receipt: match value.get("receipt") {
                None => false,
                Some(Value::Bool(wanted)) => *wanted,
                Some(_) => return None,
            },
        })
    }
}

/// What a trusted proxy says of the client's place; nothing it says wrongly.
fn place(request: &HttpRequest, service: &Service) -> Option<Region> {
    let serving = &service.serving;
    let name = serving.place_header.as_ref()?;
    if !serving.trusted_proxies.is_behind(request) {
        return None;
    }
    // Of two, one may be what the client sent.
    let mut values = request.headers().get_all(name);
    let place = values.next()?;
    if values.next().is_some() {
        return None;
    }
    Region::parse(place.to_str().ok()?)
}
