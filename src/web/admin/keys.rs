//! `/admin/keys`: API keys, for machines.

use actix_web::{HttpResponse, web};
use time::Duration;

use super::account::moment;
use super::acting::Acting;
use super::refusal::Refusal;
use super::view::{KeyMadePage, KeyView, KeysPage, Place, ScopeChoice};
use super::{named, on_to};
use crate::accounts::AccountError;
use crate::accounts::keys::{self, KeyOrder, MAX_LABEL_CHARS};
use crate::domain::name::name;
use crate::domain::scope::Scope;
use crate::web::text::Text;

/// Days for which a key can be made; none is for good.
const DAYS: [i64; 4] = [30, 90, 365, 730];

/// `GET /admin/keys`
pub(super) async fn list(acting: Acting) -> Result<HttpResponse, Refusal> {
    let page = page(&acting, None).await?;
    acting.answer(&page)
}

async fn page(acting: &Acting, fault: Option<String>) -> Result<KeysPage, Refusal> {
    let shell = acting.shell();
    let text = shell.text;
    let member = acting.member()?;
    let now = acting.now();
    let mut conn = acting.accounts().await?;
    let rows = keys::list(&mut conn, member.merchant_id).await?;
    let asked: Vec<&str> = acting.fields().all("scope").collect();
    let views = rows.into_iter().map(|row| {
        let is_past = row.expires_at.is_some_and(|at| at <= now);
        KeyView {
            label: row.label,
            scopes: row
                .scopes
                .iter()
                .map(|scope| text.word("scope", scope).to_owned())
                .collect(),
            made: moment(text, row.created_at),
            until: row.expires_at.map(|at| moment(text, at)),
            ended: row.revoked_at.map(|at| moment(text, at)),
            is_good: row.revoked_at.is_none() && !is_past,
            end: format!("/admin/keys/{}/end", row.id),
        }
    });
    Ok(KeysPage {
        desk: acting.desk(&shell, Place::Keys),
        keys: views.collect(),
        label: acting.fields().get("label").chars().take(200).collect(),
        scopes: Scope::ALL
            .map(|scope| scope_choice(text, scope, &asked))
            .into(),
        days: DAYS
            .map(|days| {
                let words = text.count("keys.day", days.unsigned_abs(), &[]);
                (days, words, days.to_string() == acting.fields().get("days"))
            })
            .into(),
        most: MAX_LABEL_CHARS,
        fault,
        shell,
    })
}

fn scope_choice(text: &Text, scope: Scope, asked: &[&str]) -> ScopeChoice {
    ScopeChoice {
        value: scope.as_str(),
        label: text.word("scope", scope.as_str()).to_owned(),
        is_chosen: asked.contains(&scope.as_str()),
        is_usual: scope.is_usual(),
    }
}

/// `POST /admin/keys`: `label`, `scope`…, `days`.
pub(super) async fn make(acting: Acting) -> Result<HttpResponse, Refusal> {
    let member = acting.member()?;
    let text = acting.shell().text;
    let fields = acting.fields();
    let scopes: Option<Vec<Scope>> = fields.all("scope").map(Scope::parse).collect();
    // Each once, however often it was sent.
    let scopes = scopes.map(|asked| {
        let is_asked = |scope: &Scope| asked.contains(scope);
        Scope::ALL.into_iter().filter(is_asked).collect::<Vec<_>>()
    });
    let days = DAYS
        .into_iter()
        .find(|days| days.to_string() == fields.get("days"));
    let order = match (name(fields.get("label"), MAX_LABEL_CHARS), scopes, days) {
        (Err(fault), _, _) => Err(super::invitation::name_fault_words(text, fault)),
        (_, None, _) => return Err(Refusal::Unreadable),
        (_, Some(scopes), _) if scopes.is_empty() => Err(text.get("keys.no_scope").to_owned()),
        (_, _, None) => Err(text.get("keys.no_days").to_owned()),
        (Ok(label), Some(scopes), Some(days)) => Ok((label, scopes, days)),
    };
    let (label, scopes, days) = match order {
        Ok(order) => order,
        Err(fault) => {
            let page = page(&acting, Some(fault)).await?;
            return acting.give_back(&page);
        }
    };
    let expires_at = acting.now() + Duration::days(days);
    let order = KeyOrder {
        issuer: None,
        label: &label,
        scopes: &scopes,
        expires_at: Some(expires_at),
    };
    let mut conn = acting.accounts().await?;
    let made = keys::make(
        &mut conn,
        member.actor(),
        &order,
        fields.form_id(),
        acting.now(),
    )
    .await;
    drop(conn);
    let key = match made {
        Ok(key) => key,
        Err(AccountError::TooManyKeys) => {
            let fault = text.with("keys.too_many", &[("n", &keys::MAX_KEYS.to_string())]);
            let page = page(&acting, Some(fault)).await?;
            return acting.give_back(&page);
        }
        Err(AccountError::SentBefore(to)) => return Err(Refusal::SentBefore(to)),
        Err(error) => return Err(error.into()),
    };
    let shell = acting.shell();
    let page = KeyMadePage {
        desk: acting.desk(&shell, Place::Keys).shown_once(),
        label,
        key,
        until: moment(text, expires_at),
        address: acting.url("/epcis/capture"),
        shell,
    };
    acting.answer(&page)
}

/// `POST /admin/keys/…/end`
pub(super) async fn end(acting: Acting, id: web::Path<String>) -> Result<HttpResponse, Refusal> {
    let id = named(&id)?;
    let member = acting.member()?;
    let mut conn = acting.accounts().await?;
    keys::end(&mut conn, member.actor(), id, acting.now()).await?;
    on_to("/admin/keys")
}
