//! Every page of the dashboard, and who is let in: one table. The tests walk it for every role and for strangers.

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{ServiceConfig, route};
use actix_web::{HttpResponse, Route, guard};

use super::gate::{Needs, gate};
use super::refusal::Refusal;
use super::{account, audit, factor, invitation, keys, log_in, overview, reset, team};
use crate::domain::account::Duty;

/// A page, or something that a form does.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Whether a form is sent; else a page is read.
    pub is_form: bool,
    /// Its address.
    pub path: &'static str,
    /// Who is let in.
    pub needs: Needs,
    to: fn(Route) -> Route,
}

const fn page(path: &'static str, needs: Needs, to: fn(Route) -> Route) -> Entry {
    Entry {
        is_form: false,
        path,
        needs,
        to,
    }
}

const fn form(path: &'static str, needs: Needs, to: fn(Route) -> Route) -> Entry {
    Entry {
        is_form: true,
        path,
        needs,
        to,
    }
}

const LOOK: Needs = Needs::Duty(Duty::Look);
const TEAM: Needs = Needs::Duty(Duty::Team);
const KEYS: Needs = Needs::Duty(Duty::Keys);
const AUDIT: Needs = Needs::Duty(Duty::Audit);

/// The table.
pub const TABLE: &[Entry] = &[
    // Coming in.
    page("/admin/log-in", Needs::Nobody, |r| r.to(log_in::ask)),
    form("/admin/log-in", Needs::Nobody, |r| r.to(log_in::take)),
    page("/admin/second-factor", Needs::FirstFactor, |r| {
        r.to(log_in::ask_factor)
    }),
    form("/admin/second-factor", Needs::FirstFactor, |r| {
        r.to(log_in::take_factor)
    }),
    page("/admin/forgotten", Needs::Nobody, |r| r.to(reset::ask)),
    form("/admin/forgotten", Needs::Nobody, |r| r.to(reset::send)),
    page("/admin/password/{token}", Needs::Nobody, |r| {
        r.to(reset::choose)
    }),
    form("/admin/password/{token}", Needs::Nobody, |r| {
        r.to(reset::take)
    }),
    page("/admin/invitation/{token}", Needs::Nobody, |r| {
        r.to(invitation::open)
    }),
    form("/admin/invitation/{token}", Needs::Nobody, |r| {
        r.to(invitation::accept)
    }),
    form("/admin/invitation/{token}/join", Needs::Person, |r| {
        r.to(invitation::join)
    }),
    // Oneself.
    form("/admin/log-out", Needs::Person, |r| r.to(log_in::out)),
    form("/admin/language", Needs::Person, |r| r.to(account::speak)),
    form("/admin/merchant", Needs::Person, |r| r.to(account::act_for)),
    page("/admin/account", Needs::Person, |r| r.to(account::own)),
    form("/admin/account/password", Needs::Person, |r| {
        r.to(account::change_password)
    }),
    form("/admin/account/sessions/end", Needs::Person, |r| {
        r.to(account::end_others)
    }),
    form(
        "/admin/account/sessions/{session}/end",
        Needs::Person,
        |r| r.to(account::end_session),
    ),
    page("/admin/account/second-factor", Needs::Person, |r| {
        r.to(factor::propose)
    }),
    form("/admin/account/second-factor", Needs::Person, |r| {
        r.to(factor::add)
    }),
    form("/admin/account/second-factor/removal", Needs::Person, |r| {
        r.to(factor::remove)
    }),
    form("/admin/account/recovery-codes", Needs::Person, |r| {
        r.to(factor::renew_codes)
    }),
    // The merchant.
    page("/admin", LOOK, |r| r.to(overview::overview)),
    page("/admin/team", LOOK, |r| r.to(team::list)),
    form("/admin/team/invitations", TEAM, |r| r.to(team::invite)),
    form("/admin/team/invitations/{invitation}/end", TEAM, |r| {
        r.to(team::take_back)
    }),
    page("/admin/team/{account}", TEAM, |r| r.to(team::member)),
    form("/admin/team/{account}/role", TEAM, |r| {
        r.to(team::change_role)
    }),
    form("/admin/team/{account}/removal", TEAM, |r| {
        r.to(team::remove)
    }),
    page("/admin/keys", KEYS, |r| r.to(keys::list)),
    form("/admin/keys", KEYS, |r| r.to(keys::make)),
    form("/admin/keys/{key}/end", KEYS, |r| r.to(keys::end)),
    page("/admin/audit", AUDIT, |r| r.to(audit::list)),
    form("/admin/audit/export", AUDIT, |r| r.to(audit::export)),
    // Whatever else is asked for, by whoever may know that it is not there.
    page("/admin/{elsewhere:.*}", LOOK, |r| r.to(nowhere)),
];

async fn nowhere() -> Result<HttpResponse, Refusal> {
    Err(Refusal::NotFound)
}

/// Puts the table into that of the service.
pub(in crate::web) fn configure(service: &mut ServiceConfig) {
    for entry in TABLE {
        let Entry {
            is_form,
            path,
            needs,
            to,
        } = *entry;
        let method = match is_form {
            true => route().method(Method::POST),
            false => route().guard(guard::Any(guard::Get()).or(guard::Head())),
        };
        let gated = to(method).wrap(from_fn(move |request, next| gate(needs, request, next)));
        service.route(path, gated);
    }
}
