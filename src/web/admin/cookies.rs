//! The cookies of the dashboard. Over TLS their names begin with `__Host-`: a browser then takes them from this very host, for
//! all of it, and encrypted, and no other host of the same domain can set one (RFC 6265bis §4.1.3.2).

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

/// What a cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Jar {
    /// The session.
    Session,
    /// Signs the forms of who is not logged in.
    Visit,
    /// Says that somebody logged in on this device before.
    Device,
}

/// Days for which a device is known.
const DEVICE_DAYS: i64 = 180;

impl Jar {
    fn name(self, is_secure: bool) -> &'static str {
        match (self, is_secure) {
            (Jar::Session, true) => "__Host-session",
            (Jar::Session, false) => "session",
            (Jar::Visit, true) => "__Host-visit",
            (Jar::Visit, false) => "visit",
            (Jar::Device, true) => "__Host-device",
            (Jar::Device, false) => "device",
        }
    }

    /// What a request bears of it.
    pub fn value(self, request: &HttpRequest, is_secure: bool) -> Option<String> {
        let cookie = request.cookie(self.name(is_secure))?;
        Some(cookie.value().to_owned())
    }

    /// Sets it.
    pub fn set(self, value: String, is_secure: bool) -> Cookie<'static> {
        let cookie = Cookie::build(self.name(is_secure), value)
            .path("/")
            .http_only(true)
            .secure(is_secure)
            // A link in a letter leads in; a form of another site does not.
            .same_site(SameSite::Lax);
        match self {
            // Sessions end with the browser, too.
            Jar::Session | Jar::Visit => cookie.finish(),
            Jar::Device => cookie.max_age(Duration::days(DEVICE_DAYS)).finish(),
        }
    }

    /// Takes it away.
    pub fn clear(self, is_secure: bool) -> Cookie<'static> {
        let mut cookie = self.set(String::new(), is_secure);
        cookie.make_removal();
        cookie
    }
}
