//! What stands before every page of the dashboard: who is asking, whether he may, and whether the form he sends is one that we
//! gave him. A handler is reached only through here.

use std::rc::Rc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{
    FromRequest as _, HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _, web,
};

use super::acting::{Acting, Known};
use super::cookies::Jar;
use super::fields::{Fields, FieldsFault};
use super::log_in;
use super::refusal::Refusal;
use super::view::{ContinuePage, Place};
use crate::accounts::fresh_token;
use crate::accounts::session::{Current, current};
use crate::domain::account::{Duty, Token};
use crate::web::Service;
use crate::web::client::is_forwarded;
use crate::web::headers::kept_by_nobody;
use crate::web::shopper::see_other;

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Everybody.
    Nobody,
    /// Whoever has shown a password, and a second factor not yet.
    FirstFactor,
    /// Whoever is logged in.
    Person,
    /// Whoever is logged in, acts for a merchant, and may do this for it.
    Duty(Duty),
}

/// Lets a request in, or answers it.
pub(super) async fn gate<B: MessageBody + 'static>(
    needs: Needs,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let (http, payload) = request.parts_mut();
    let http = http.clone();
    let mut payload = web::Payload::from_request(&http, payload).await?;
    let visit = match Visit::of(&http, &mut payload).await {
        Ok(visit) => visit,
        Err(refusal) => return Ok(request.into_response(refusal.error_response())),
    };
    let fresh = visit.fresh_cookie(&http);
    let mut answer = match visit.turned_away(&http, needs) {
        None => {
            let answer = next.call(request).await?.map_into_boxed_body();
            let refusal = answer
                .response()
                .error()
                .and_then(|error| error.as_error::<Refusal>());
            match refusal {
                None => answer,
                Some(refusal) => {
                    let page = Acting::of(&http).map(|acting| refusal.answer(&acting));
                    let page = page.unwrap_or_else(|refusal| refusal.error_response());
                    answer.into_response(page)
                }
            }
        }
        Some(response) => request.into_response(response),
    };
    if let Some(cookie) = fresh {
        // Only where the page did not begin a session of its own.
        let _ = answer.response_mut().add_cookie(&cookie);
    }
    Ok(answer)
}

/// A request, looked at.
struct Visit {
    known: Known,
    is_new: bool,
    fault: Option<Refusal>,
}

impl Visit {
    async fn of(request: &HttpRequest, payload: &mut web::Payload) -> Result<Visit, Refusal> {
        let service = request.app_data::<web::Data<Service>>();
        let service = service.ok_or_else(|| Refusal::Internal("no service".into()))?;
        let now = (service.clock)();
        let is_secure = service.is_secure();
        let mut fault = None;
        let fields = match is_unsafe(request.method()) {
            false => Fields::default(),
            true => Fields::read(request, payload)
                .await
                .unwrap_or_else(|unread| {
                    fault = Some(match unread {
                        FieldsFault::TooLarge => Refusal::TooLarge,
                        FieldsFault::Broken | FieldsFault::NoForm => Refusal::Unreadable,
                    });
                    Fields::default()
                }),
        };
        if !is_secure && !is_here(request) {
            fault = Some(Refusal::Unencrypted);
        }
        let token = |jar: Jar| {
            jar.value(request, is_secure)
                .and_then(|text| Token::parse(&text))
        };
        let session = token(Jar::Session);
        let found = match &session {
            None => None,
            Some(token) => {
                let found = async {
                    let mut conn = service.database.accounts.acquire().await?;
                    current(&mut conn, token, now).await
                };
                found.await.unwrap_or_else(|error| {
                    fault = Some(error.into());
                    None
                })
            }
        };
        let visit = token(Jar::Visit);
        let is_new = found.is_none() && visit.is_none();
        let token = match (&found, session, visit) {
            (Some(_), Some(session), _) => session,
            (_, _, Some(visit)) => visit,
            _ => fresh_token()?,
        };
        let known = Known {
            current: found,
            token,
            fields,
            now,
        };
        Ok(Visit {
            known,
            is_new,
            fault,
        })
    }

    /// The cookie that signs the forms of who is not logged in, where there is none yet.
    fn fresh_cookie(&self, request: &HttpRequest) -> Option<actix_web::cookie::Cookie<'static>> {
        let service = request.app_data::<web::Data<Service>>()?;
        let is_secure = service.is_secure();
        let set = || Jar::Visit.set(self.known.token.reveal(), is_secure);
        self.is_new.then(set)
    }

    /// What is answered to whoever is not let in.
    fn turned_away(self, request: &HttpRequest, needs: Needs) -> Option<HttpResponse> {
        let is_signed = self.known.token.signed_form(self.known.fields.get("csrf"));
        let decided = self
            .known
            .current
            .as_ref()
            .map(|current| decide(current, needs));
        let known = Rc::new(self.known);
        request.extensions_mut().insert(known);
        let acting = match Acting::of(request) {
            Ok(acting) => acting,
            Err(refusal) => return Some(refusal.error_response()),
        };
        if let Some(fault) = self.fault {
            return Some(fault.answer(&acting));
        }
        match decided {
            None if needs == Needs::Nobody => {}
            None => return Some(log_in::first(&acting, needs)),
            Some(Ok(())) => {}
            Some(Err(Sent::Back(refusal))) => return Some(refusal.answer(&acting)),
            Some(Err(Sent::ToFactor)) => return Some(log_in::to_factor(&acting)),
            Some(Err(Sent::Onward)) => return Some(log_in::onward(&acting)),
        }
        let is_forged = is_unsafe(request.method()) && !is_signed;
        is_forged.then(|| unsigned(&acting, needs))
    }
}

enum Sent {
    Back(Refusal),
    ToFactor,
    Onward,
}

fn decide(current: &Current, needs: Needs) -> Result<(), Sent> {
    match (needs, current.session.awaits_factor) {
        (Needs::Nobody, _) | (Needs::FirstFactor, true) | (Needs::Person, false) => Ok(()),
        (Needs::FirstFactor, false) => Err(Sent::Onward),
        (_, true) => Err(Sent::ToFactor),
        (Needs::Duty(duty), false) => match current.member() {
            None => Err(Sent::Back(Refusal::NoTeam)),
            Some((_, _, role)) if !role.may(duty) => Err(Sent::Back(Refusal::Forbidden(duty))),
            Some(_) => Ok(()),
        },
    }
}

/// A form that this session was not given. Where the browser itself says that a page of ours sends it, somebody has logged in
/// again in another window: nothing of it is lost.
fn unsigned(acting: &Acting, needs: Needs) -> HttpResponse {
    let path = acting.request.uri().path();
    if !acting.is_surely_ours() {
        return Refusal::Form.answer(acting);
    }
    match needs {
        Needs::Nobody if path == "/admin/log-in" => return log_in::stale(acting),
        Needs::Nobody => return kept_by_nobody(see_other(path.to_owned())),
        _ => {}
    }
    let shell = acting.shell();
    let page = ContinuePage {
        desk: acting.desk(&shell, Place::Elsewhere),
        to: path.to_owned(),
        fields: acting.fields().without_secrets(),
        shell,
    };
    super::page(
        &acting.request,
        actix_web::http::StatusCode::CONFLICT,
        &page,
    )
}

fn is_unsafe(method: &Method) -> bool {
    method != Method::GET && method != Method::HEAD
}

/// Whether it came over this machine alone, and for nobody else: what is not encrypted then goes over no network.
fn is_here(request: &HttpRequest) -> bool {
    let peer = request.peer_addr();
    let is_near = peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    is_near && !is_forwarded(request)
}
