//! Who is asking: API keys.

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};
use auditlog::Hash;
use sqlx::Connection;

use super::Service;
use super::error::Problem;
use crate::capture::Submitter;
use crate::domain::scope::{Scope, is_api_key};
use crate::store::api_key::presented_api_key;

/// The holder of the key that a request presents, if the key allows what is asked.
pub(super) async fn submitter(
    request: &HttpRequest,
    service: &Service,
    scope: Scope,
) -> Result<Submitter, Problem> {
    let presented = bearer(request).ok_or_else(unauthorized)?;
    // What is no key of ours costs no connection.
    if !is_api_key(presented) {
        return Err(unauthorized());
    }
    let hash = Hash::of(&[presented.as_bytes()]);
    let mut conn = service.database.capture.acquire().await?;
    let mut tx = conn.begin().await?;
    let key = presented_api_key(&mut tx, &hash.0, (service.clock)()).await?;
    tx.rollback().await?;
    let key = key.ok_or_else(unauthorized)?;
    if !key.scopes.iter().any(|held| held == scope.as_str()) {
        let detail = format!(
            "this key may not do that; it needs the scope {:?}",
            scope.as_str()
        );
        let kind = "epcisException:SecurityException";
        return Err(Problem::new(StatusCode::FORBIDDEN, kind, detail));
    }
    let opened = (service.event_id_keys).read(key.merchant_id, &key.event_id_key);
    Ok(Submitter {
        merchant_id: key.merchant_id,
        issuer: key.issuer,
        event_id_key: opened.map_err(|fault| Problem::internal(&fault))?,
    })
}

/// The secret that a request presents, whatever it is.
pub(super) fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

/// The same for no key, an unknown one, one that expired and one that was revoked: whoever has no
/// valid key learns nothing more.
fn unauthorized() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "epcisException:SecurityException",
        "send a valid API key as Authorization: Bearer …",
    )
}
