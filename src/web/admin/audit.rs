//! `/admin/audit`: who did what in the team.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use csv::Writer;
use futures_util::{Stream, stream};
use uuid::Uuid;

use super::account::moment;
use super::acting::Acting;
use super::refusal::Refusal;
use super::view::{ActView, AuditPage, Place};
use crate::accounts::team;
use crate::domain::time::timestamp;
use crate::store::Pool;
use crate::store::act::Act;
use crate::web::spreadsheet::{BYTE_ORDER_MARK, tamed};
use crate::web::text::Text;

/// Acts on a page.
const PAGE: u32 = 50;

/// `GET /admin/audit`, `?before=…` for older ones.
pub(super) async fn list(acting: Acting) -> Result<HttpResponse, Refusal> {
    let shell = acting.shell();
    let text = shell.text;
    let member = acting.member()?;
    let query = form_urlencoded::parse(acting.request.query_string().as_bytes());
    let before = query.into_iter().find(|(name, _)| name == "before");
    let before = match before {
        None => None,
        Some((_, id)) => Some(super::named(&id)?),
    };
    let mut conn = acting.accounts().await?;
    let mut acts = team::acts(&mut conn, member.merchant_id, before, PAGE + 1).await?;
    let has_more = acts.len() > PAGE as usize;
    acts.truncate(PAGE as usize);
    let older = acts.last().filter(|_| has_more);
    let page = AuditPage {
        desk: acting.desk(&shell, Place::Audit),
        older: older.map(|act| format!("/admin/audit?before={}", act.id)),
        is_first: before.is_none(),
        acts: acts.into_iter().map(|act| act_view(text, act)).collect(),
        shell,
    };
    acting.answer(&page)
}

fn act_view(text: &Text, act: Act) -> ActView {
    let actor = match act.actor.as_str() {
        crate::domain::act::OPERATOR => text.get("audit.operator").to_owned(),
        _ => act.actor,
    };
    ActView {
        at: moment(text, act.at),
        is_own: act.subject == actor,
        actor,
        what: text.word("act", &act.what).to_owned(),
        subject: act.subject,
        detail: act.detail,
    }
}

/// `POST /admin/audit/export`: all of them as CSV, which is an act itself.
pub(super) async fn export(acting: Acting) -> Result<HttpResponse, Refusal> {
    let member = acting.member()?;
    let mut conn = acting.accounts().await?;
    let last = team::begin_export(&mut conn, member.actor(), acting.now()).await?;
    drop(conn);
    let day = acting.now().date();
    let name = format!("attachment; filename=\"rootmark-audit-{day}.csv\"");
    let pool = acting.service.database.accounts.clone();
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(rows(pool, member.merchant_id, last)))
}

/// Acts that are read at a time while they are sent.
const PART: u32 = 1000;

/// Where the next part begins; nowhere after the last.
type Next = Option<Option<Uuid>>;

/// The file, part by part; a part that cannot be read breaks it off, so that nobody takes it for the whole.
fn rows(
    pool: Pool,
    merchant_id: Uuid,
    last: Uuid,
) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    stream::try_unfold(Some(None), move |next: Next| {
        let pool = pool.clone();
        async move {
            let Some(after) = next else { return Ok(None) };
            let part = part(&pool, merchant_id, (after, last)).await;
            part.map(Some).map_err(|error| {
                tracing::error!(%error, "an export of acts broke off");
                actix_web::error::ErrorInternalServerError("")
            })
        }
    })
}

async fn part(
    pool: &Pool,
    merchant_id: Uuid,
    (after, last): (Option<Uuid>, Uuid),
) -> Result<(Bytes, Next), Box<dyn std::error::Error>> {
    let mut conn = pool.acquire().await?;
    let acts = team::exported(&mut conn, merchant_id, (after, last), PART).await?;
    drop(conn);
    let mut out = Vec::new();
    if after.is_none() {
        out.extend_from_slice(BYTE_ORDER_MARK.as_bytes());
    }
    let mut table = Writer::from_writer(out);
    if after.is_none() {
        table.write_record(["time", "actor", "act", "subject", "detail"])?;
    }
    for act in &acts {
        let at = timestamp(act.at);
        let cells = [
            at.as_str(),
            &act.actor,
            &act.what,
            &act.subject,
            &act.detail,
        ];
        table.write_record(cells.map(|cell| tamed(cell).into_owned()))?;
    }
    let is_full = acts.len() == PART as usize;
    let next = is_full.then(|| acts.last().map(|act| act.id));
    Ok((table.into_inner()?.into(), next))
}
