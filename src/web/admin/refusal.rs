//! Why a page of the dashboard is not shown, and what is said instead.

use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};

use super::acting::Acting;
use super::view::{Place, SayingPage};
use crate::domain::account::Duty;
use crate::store::is_unavailable;
use crate::web::text::Text;

/// Why a page is not shown.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is none, or it is another merchant's, which is nobody's business.
    NotFound,
    /// The role may not do this.
    Forbidden(Duty),
    /// The form is not one that we gave to this session.
    Form,
    /// What was sent is larger than any form.
    TooLarge,
    /// What was sent is no form, or did not arrive.
    Unreadable,
    /// Tried too often; again after so many seconds.
    TooOften(u64),
    /// A link that is good no longer.
    LinkEnded,
    /// A link for another password that is good no longer.
    ResetEnded,
    /// Too many codes were wrong.
    TooManyCodes,
    /// Too many people log in at once.
    Busy,
    /// Whoever is logged in belongs to no team.
    NoTeam,
    /// The form was taken before, and led there.
    SentBefore(String),
    /// Readers reach the service without encryption, from elsewhere.
    Unencrypted,
    /// The database.
    Store(sqlx::Error),
    /// A fault of ours.
    Internal(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Refusal::NotFound => StatusCode::NOT_FOUND,
            Refusal::Forbidden(_) | Refusal::Form | Refusal::NoTeam | Refusal::Unencrypted => {
                StatusCode::FORBIDDEN
            }
            Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Unreadable => StatusCode::BAD_REQUEST,
            Refusal::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Refusal::LinkEnded | Refusal::ResetEnded => StatusCode::GONE,
            Refusal::TooManyCodes => StatusCode::FORBIDDEN,
            Refusal::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::SentBefore(_) => StatusCode::CONFLICT,
            Refusal::Store(error) if is_unavailable(error) => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Store(_) | Refusal::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Bare: the gate, which knows the reader's language, puts a page in its place.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl Refusal {
    /// The page for whoever was refused. The cause is logged, never shown.
    pub fn answer(&self, acting: &Acting) -> HttpResponse {
        match self {
            Refusal::Store(error) if is_unavailable(error) => {
                tracing::warn!(%error, "the database is not available");
            }
            Refusal::Store(error) => tracing::error!(%error, "a page of the dashboard failed"),
            Refusal::Internal(cause) => tracing::error!(%cause, "a page of the dashboard failed"),
            _ => {}
        }
        let shell = acting.shell();
        let text = shell.text;
        let (title, words) = self.words(text);
        let page = SayingPage {
            desk: acting.desk(&shell, Place::Elsewhere),
            title,
            words,
            next: self.next(text),
            shell,
        };
        let mut response = super::page(&acting.request, self.status_code(), &page);
        let wait = match self {
            Refusal::TooOften(seconds) => Some(*seconds),
            Refusal::Busy => Some(10),
            Refusal::Store(error) if is_unavailable(error) => Some(30),
            _ => None,
        };
        if let Some(seconds) = wait {
            let value = header::HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }

    fn words(&self, text: &Text) -> (String, String) {
        let (title, words) = match self {
            Refusal::NotFound => (
                text.get("refused.not_found"),
                text.get("refused.not_found_lead"),
            ),
            Refusal::Forbidden(duty) => {
                let roles: Vec<&str> = duty
                    .roles()
                    .map(|role| text.word("memberRole", role.as_str()))
                    .collect();
                let roles = roles.join(text.get("refused.comma"));
                let words = text.with("refused.forbidden_lead", &[("roles", &roles)]);
                return (text.get("refused.forbidden").into(), words);
            }
            Refusal::Form => (text.get("refused.form"), text.get("refused.form_lead")),
            Refusal::TooLarge => (
                text.get("refused.too_large"),
                text.get("refused.too_large_lead"),
            ),
            Refusal::Unreadable => (
                text.get("refused.unreadable"),
                text.get("refused.unreadable_lead"),
            ),
            Refusal::TooOften(seconds) => {
                let words = text.count("refused.too_often_lead", seconds.div_ceil(60), &[]);
                return (text.get("refused.too_often").into(), words);
            }
            Refusal::LinkEnded => (
                text.get("refused.link_ended"),
                text.get("refused.link_ended_lead"),
            ),
            Refusal::ResetEnded => (
                text.get("refused.link_ended"),
                text.get("refused.reset_ended_lead"),
            ),
            Refusal::TooManyCodes => (
                text.get("refused.too_many_codes"),
                text.get("refused.too_many_codes_lead"),
            ),
            Refusal::Busy => (text.get("refused.busy"), text.get("refused.busy_lead")),
            Refusal::NoTeam => (
                text.get("refused.no_team"),
                text.get("refused.no_team_lead"),
            ),
            Refusal::SentBefore(_) => (
                text.get("refused.sent_before"),
                text.get("refused.sent_before_lead"),
            ),
            Refusal::Unencrypted => (
                text.get("refused.unencrypted"),
                text.get("refused.unencrypted_lead"),
            ),
            Refusal::Store(error) if is_unavailable(error) => {
                (text.get("refused.away"), text.get("refused.away_lead"))
            }
            Refusal::Store(_) | Refusal::Internal(_) => {
                (text.get("refused.failed"), text.get("refused.failed_lead"))
            }
        };
        (title.into(), words.into())
    }

    fn next(&self, text: &Text) -> Option<(String, String)> {
        match self {
            Refusal::SentBefore(to) => Some((to.clone(), text.get("refused.go_there").into())),
            Refusal::Unencrypted => None,
            Refusal::ResetEnded => Some((
                "/admin/forgotten".into(),
                text.get("forgotten.title").into(),
            )),
            Refusal::TooManyCodes => {
                Some(("/admin/log-in".into(), text.get("log_in.title").into()))
            }
            Refusal::NoTeam => Some(("/admin/account".into(), text.get("desk.account").into())),
            _ => Some(("/admin".into(), text.get("refused.overview").into())),
        }
    }
}
