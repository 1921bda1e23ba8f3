//! The merchant's dashboard, `/admin/…`: pages of a person who is logged in, and acts for one merchant.

mod account;
mod acting;
mod audit;
mod cookies;
mod factor;
mod fields;
mod gate;
mod invitation;
mod keys;
mod letters;
mod log_in;
mod overview;
mod refusal;
mod reset;
pub mod table;
mod team;
pub mod tries;
mod view;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use uuid::Uuid;

pub use gate::Needs;
use refusal::Refusal;

use super::headers;
use super::shopper::{render, see_other};

/// A page of the dashboard: nobody keeps it on the way, nor after its reader has logged out.
fn page(request: &HttpRequest, status: StatusCode, page: &impl Template) -> HttpResponse {
    headers::kept_by_nobody(render(request, status, page))
}

/// On to another page of the dashboard.
fn on_to(path: impl Into<String>) -> Result<HttpResponse, Refusal> {
    Ok(headers::kept_by_nobody(see_other(path.into())))
}

/// What an address or a form names; nothing has another form of name.
fn named(text: &str) -> Result<Uuid, Refusal> {
    Uuid::parse_str(text).map_err(|_| Refusal::NotFound)
}

/// A page of the dashboard that an address names, if it is one: nobody is led anywhere else.
fn local(path: &str) -> Option<&str> {
    let is_ours = path == "/admin" || path.starts_with("/admin/") || path.starts_with("/admin?");
    let is_plain = path
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    // Dots could lead out of the dashboard again.
    let has_dots = path.contains("..") || path.to_ascii_lowercase().contains("%2e");
    (is_ours && is_plain && !has_dots && path.len() <= 500).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_away() {
        for ours in [
            "/admin",
            "/admin/team",
            "/admin?lang=en",
            "/admin/audit?before=1",
        ] {
            assert_eq!(local(ours), Some(ours));
        }
        for other in [
            "//evil.example/admin",
            "/admin\\@evil.example",
            "https://evil.example",
            "/administrator",
            "/admin/\r\nSet-Cookie: x=y",
            "/",
            "",
            "/admin/ü",
            "/admin/../01/09521041001012",
            "/admin/%2E%2e/x",
        ] {
            assert_eq!(local(other), None, "{other}");
        }
    }
}
