//! Who is asking, and what was sent: what the gate found out, for handlers.

use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, web};
use askama::Template;
use sqlx::pool::PoolConnection;
use sqlx::{Postgres, Result as StoreResult};
use time::OffsetDateTime;
use uuid::Uuid;

use super::fields::Fields;
use super::refusal::Refusal;
use super::view::{Desk, NavEntry, Place};
use crate::accounts::session::Current;
use crate::accounts::{AccountError, Actor};
use crate::domain::account::{Duty, Role, Token};
use crate::web::Service;
use crate::web::assets::ASSET_TAG;
use crate::web::shopper;
use crate::web::shopper::view::Shell;
use crate::web::text::Lang;

/// What the gate found out.
pub(super) struct Known {
    /// Who is logged in.
    pub current: Option<Current>,
    /// What signs forms: the session's, or that of a visit.
    pub token: Token,
    /// What was sent.
    pub fields: Fields,
    /// When.
    pub now: OffsetDateTime,
}

/// A request that was let in.
#[derive(Clone)]
pub(super) struct Acting {
    pub request: HttpRequest,
    pub service: web::Data<Service>,
    known: Rc<Known>,
}

/// Somebody who acts for a merchant.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub merchant_id: Uuid,
    pub merchant_name: String,
    pub role: Role,
    pub email: String,
}

impl Member {
    /// As the actor of what is done.
    pub fn actor(&self) -> Actor<'_> {
        Actor {
            name: &self.email,
            merchant_id: self.merchant_id,
        }
    }
}

impl FromRequest for Acting {
    type Error = Refusal;
    type Future = Ready<Result<Acting, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Acting::of(request))
    }
}

impl Acting {
    /// Of a request that the gate has let in.
    pub fn of(request: &HttpRequest) -> Result<Acting, Refusal> {
        let known = request.extensions().get::<Rc<Known>>().cloned();
        let service = request.app_data::<web::Data<Service>>().cloned();
        match (known, service) {
            (Some(known), Some(service)) => Ok(Acting {
                request: request.clone(),
                service,
                known,
            }),
            // A route that no gate stands before is a fault of ours, and shows nothing.
            _ => Err(Refusal::Internal("a route without a gate".into())),
        }
    }

    pub fn fields(&self) -> &Fields {
        &self.known.fields
    }

    pub fn now(&self) -> OffsetDateTime {
        self.known.now
    }

    /// Who is logged in.
    pub fn current(&self) -> Result<&Current, Refusal> {
        let current = self.known.current.as_ref();
        current.ok_or_else(|| Refusal::Internal("nobody is logged in behind the gate".into()))
    }

    /// The same, where nobody has to be.
    pub fn visitor(&self) -> Option<&Current> {
        let current = self.known.current.as_ref();
        current.filter(|current| !current.session.awaits_factor)
    }

    /// For whom somebody acts.
    pub fn member(&self) -> Result<Member, Refusal> {
        let current = self.current()?;
        let (merchant_id, name, role) = current.member().ok_or(Refusal::NoTeam)?;
        Ok(Member {
            merchant_id,
            merchant_name: name.to_owned(),
            role,
            email: current.session.email.clone(),
        })
    }

    /// A connection in the role of accounts.
    pub async fn accounts(&self) -> StoreResult<PoolConnection<Postgres>> {
        self.service.database.accounts.acquire().await
    }

    /// Whether readers reach us over TLS.
    pub fn is_secure(&self) -> bool {
        self.service.is_secure()
    }

    /// Counts a try with a code or a password of one's own; refused if it is one too many.
    pub fn count_try(&self, account_id: Uuid) -> Result<(), Refusal> {
        let wait = self.service.tries.factor(account_id);
        wait.map_or(Ok(()), |seconds| Err(Refusal::TooOften(seconds)))
    }

    /// An address of ours, as readers reach it.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.service.public_url)
    }

    /// What surrounds a page, in the language of whoever is logged in; else as the browser wishes.
    pub fn shell(&self) -> Shell {
        let query = self.request.query_string();
        let is_asked = query.split('&').any(|pair| pair.starts_with("lang="));
        match self.visitor() {
            Some(current) if !is_asked => {
                let lang = Lang::negotiate(None, Some(&current.session.language));
                Shell::new(lang, query, &ASSET_TAG)
            }
            _ => shopper::shell(&self.request),
        }
    }

    /// What stands around a page of whoever is logged in: where one can go, and who one is.
    pub fn desk(&self, shell: &Shell, here: Place) -> Desk {
        let text = shell.text;
        let session = self.visitor().map(|current| &current.session);
        let member = self.member().ok().filter(|_| session.is_some());
        let places: &[(Place, &str, &str, Duty)] = &[
            (
                Place::Overview,
                "/admin",
                text.get("desk.overview"),
                Duty::Look,
            ),
            (
                Place::Team,
                "/admin/team",
                text.get("desk.team"),
                Duty::Look,
            ),
            (
                Place::Keys,
                "/admin/keys",
                text.get("desk.keys"),
                Duty::Keys,
            ),
            (
                Place::Audit,
                "/admin/audit",
                text.get("desk.audit"),
                Duty::Audit,
            ),
        ];
        let may = |duty| member.as_ref().is_some_and(|member| member.role.may(duty));
        let entries = places.iter().filter(|(_, _, _, duty)| may(*duty));
        Desk {
            csrf: self.known.token.for_forms(),
            form: Uuid::now_v7().to_string(),
            path: self.read_again(here),
            merchant: member.as_ref().map(|member| member.merchant_name.clone()),
            person: session.map(|session| session.name.clone()),
            role: member
                .as_ref()
                .map(|member| text.word("memberRole", member.role.as_str()).to_owned()),
            entries: entries
                .map(|(place, href, label, _)| NavEntry {
                    href: (*href).to_owned(),
                    label: (*label).to_owned(),
                    is_here: *place == here,
                })
                .collect(),
        }
    }

    /// The address at which a page is read again: of what a form did, that of the place.
    fn read_again(&self, here: Place) -> String {
        if self.request.method().is_safe() {
            return self.request.uri().path().to_owned();
        }
        let place = match here {
            Place::Overview | Place::Elsewhere => "/admin",
            Place::Team => "/admin/team",
            Place::Keys => "/admin/keys",
            Place::Audit => "/admin/audit",
            Place::Account => "/admin/account",
        };
        place.to_owned()
    }

    /// Whether the browser itself says that a page of ours sent this. Some say nothing of the site, and all say the origin of
    /// a form that is posted.
    pub fn is_surely_ours(&self) -> bool {
        let header = |name: &str| {
            self.request
                .headers()
                .get(name)
                .map(|value| value.as_bytes())
        };
        match header("sec-fetch-site") {
            Some(site) => site == b"same-origin",
            None => header("origin") == Some(self.service.public_url.as_bytes()),
        }
    }

    /// Answers with a page.
    pub fn answer(&self, page: &impl Template) -> Result<HttpResponse, Refusal> {
        Ok(super::page(&self.request, StatusCode::OK, page))
    }

    /// Gives a form back that cannot be taken as it is.
    pub fn give_back(&self, page: &impl Template) -> Result<HttpResponse, Refusal> {
        Ok(super::page(
            &self.request,
            StatusCode::UNPROCESSABLE_ENTITY,
            page,
        ))
    }
}

impl From<AccountError> for Refusal {
    fn from(error: AccountError) -> Refusal {
        match error {
            AccountError::NotFound => Refusal::NotFound,
            AccountError::LinkEnded => Refusal::LinkEnded,
            AccountError::TooManyCodes => Refusal::TooManyCodes,
            AccountError::Busy => Refusal::Busy,
            AccountError::Store(error) => Refusal::Store(error),
            error => Refusal::Internal(error.to_string()),
        }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Refusal {
        Refusal::Store(error)
    }
}
