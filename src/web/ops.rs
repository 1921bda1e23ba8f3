//! `/livez`, `/readyz`: for whoever runs the service.

use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::Service;
use crate::cosign::WitnessState;
use crate::store;

/// `GET /livez`: the process answers.
pub(super) async fn livez() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("ok\n")
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    /// Whether the database answers.
    database: bool,
    /// Whether sealing goes on.
    sealing: bool,
    /// Whether what is sealed becomes public.
    publishing: bool,
    /// Why not, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Leaves under the last public checkpoint.
    tree_size: u64,
    /// Who is asked to cosign, and how that goes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    witnesses: Vec<Witness>,
}

#[derive(Serialize)]
struct Witness {
    name: String,
    /// Leaves of the tree that it cosigned last.
    cosigned: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

impl Witness {
    fn of(state: WitnessState) -> Witness {
        Witness {
            name: state.name,
            cosigned: state.cosigned.0,
            fault: state.fault,
        }
    }
}

/// `GET /readyz`: 200 if the database answers and sealing goes on, else 503 with the reason.
pub(super) async fn readyz(service: web::Data<Service>) -> HttpResponse {
    let database = match service.database.reader.acquire().await {
        Ok(mut conn) => store::answers(&mut conn).await,
        Err(_) => false,
    };
    let state = service.state.borrow().clone();
    let (not_sealing, not_publishing) = (state.not_sealing(), state.not_publishing());
    let (sealing, publishing) = (not_sealing.is_none(), not_publishing.is_none());
    let away = "the database does not answer".to_owned();
    let body = Readiness {
        ready: database && sealing && publishing,
        database,
        sealing,
        publishing,
        reason: not_sealing
            .or(not_publishing)
            .or((!database).then_some(away)),
        witnesses: state.witnesses.into_iter().map(Witness::of).collect(),
        tree_size: state
            .published
            .map_or(0, |published| published.anchor.head.size.0),
    };
    let mut response = if body.ready {
        HttpResponse::Ok()
    } else {
        HttpResponse::ServiceUnavailable()
    };
    response
        .insert_header(("Cache-Control", "no-store"))
        .json(body)
}
