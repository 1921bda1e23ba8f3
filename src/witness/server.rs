//! The witness's HTTP interface, with the statuses that C2SP tlog-witness has for each answer.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Bytes, Data, PayloadConfig};
use actix_web::{App, HttpResponse, HttpServer};
use auditlog::add_checkpoint::{MAX_BYTES, Refusal, SIZE_TYPE};

use super::{AddError, Witness};

const TEXT: &str = "text/plain; charset=utf-8";
/// Threads that answer; the work itself is done on others.
const WORKERS: usize = 2;
const MAX_CONNECTIONS: usize = 1_024;
/// A request must arrive within this.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A server for `witness` on `listener`; it runs once it is awaited.
pub fn serve(witness: Witness, listener: TcpListener) -> std::io::Result<Server> {
    let witness = Data::new(witness);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(witness.clone())
            .app_data(PayloadConfig::new(MAX_BYTES))
            .service(
                web::resource("/add-checkpoint")
                    .route(web::post().to(add_checkpoint))
                    .default_service(web::route().to(only_post)),
            )
            .route("/vkey", web::get().to(vkey))
            .route("/livez", web::get().to(livez))
            .route("/", web::get().to(about))
            .route("/{origin}/checkpoint", web::get().to(checkpoint))
    })
    .workers(WORKERS)
    .max_connections(MAX_CONNECTIONS)
    .keep_alive(Duration::from_secs(60))
    .client_request_timeout(REQUEST_TIMEOUT)
    .client_disconnect_timeout(Duration::from_secs(2))
    .shutdown_timeout(10)
    .disable_signals()
    .listen(listener)?;
    Ok(server.run())
}

async fn add_checkpoint(payload: web::Payload, witness: Data<Witness>) -> HttpResponse {
    let body = match body(payload).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let Ok(body) = String::from_utf8(body.to_vec()) else {
        return text(StatusCode::BAD_REQUEST, "malformed: not UTF-8 text\n");
    };
    match web::block(move || witness.add_checkpoint(&body)).await {
        Ok(Ok(line)) => text(StatusCode::OK, &line),
        Ok(Err(AddError::Refused(refusal))) => refused(&refusal),
        Ok(Err(AddError::File(error))) => failed(&error),
        Err(error) => failed(&error),
    }
}

async fn body(payload: web::Payload) -> Result<Bytes, HttpResponse> {
    let whole = tokio::time::timeout(REQUEST_TIMEOUT, payload.to_bytes_limited(MAX_BYTES));
    match whole.await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(error))) => {
            tracing::debug!(%error, "a request was cut off");
            Err(text(StatusCode::BAD_REQUEST, "malformed: cut off\n"))
        }
        Ok(Err(_too_long)) => Err(text(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the request is too long\n",
        )),
        Err(_elapsed) => Err(text(
            StatusCode::REQUEST_TIMEOUT,
            "the request took too long\n",
        )),
    }
}

fn refused(refusal: &Refusal) -> HttpResponse {
    // Two histories of one log are worth more than a line among others.
    if let Refusal::Inconsistent(_) = refusal {
        tracing::error!(%refusal, "a checkpoint of another history was refused");
    } else {
        tracing::debug!(%refusal, "refused");
    }
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    match refusal {
        Refusal::OtherSize { known } => HttpResponse::build(status)
            .content_type(SIZE_TYPE)
            .body(format!("{known}\n")),
        _ => text(status, &format!("{refusal}\n")),
    }
}

fn failed(error: &dyn std::fmt::Display) -> HttpResponse {
    tracing::error!(%error, "a checkpoint could not be remembered, so it was not cosigned");
    text(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the witness failed; nothing was cosigned\n",
    )
}

async fn checkpoint(origin: web::Path<String>, witness: Data<Witness>) -> HttpResponse {
    match witness.latest(&origin) {
        Some(note) => HttpResponse::Ok()
            .content_type(TEXT)
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
            .body(note),
        None => text(
            StatusCode::NOT_FOUND,
            "no such log, or nothing cosigned yet\n",
        ),
    }
}

async fn vkey(witness: Data<Witness>) -> HttpResponse {
    text(StatusCode::OK, &format!("{}\n", witness.key().format()))
}

async fn livez() -> HttpResponse {
    text(StatusCode::OK, "ok\n")
}

async fn about(witness: Data<Witness>) -> HttpResponse {
    let mut about = format!(
        "{} cosigns checkpoints (c2sp.org/tlog-witness) of these logs:\n",
        witness.key().name()
    );
    for origin in witness.origins() {
        about.push_str(&format!("{origin}\n"));
    }
    text(StatusCode::OK, &about)
}

async fn only_post() -> HttpResponse {
    HttpResponse::MethodNotAllowed()
        .insert_header((header::ALLOW, "POST"))
        .finish()
}

fn text(status: StatusCode, body: &str) -> HttpResponse {
    HttpResponse::build(status)
        .content_type(TEXT)
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(body.to_owned())
}
