//! Headers that every answer bears.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;

/// Nothing is allowed but: our own style sheets (`style-src`), our own pictures and QR codes
/// (`img-src`), and our own forms (`form-action`). No script, no frame, no other host.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// With one script of our own (`script-src`), which fetches nothing. Pictures of the camera, where a code is scanned, never
/// leave the page.
const SCRIPT_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The page of a code: scripts of our own (`script-src`), which fetch the proof, the log's files and their own words
/// from here (`connect-src`), and from nowhere else.
const VERIFYING_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page that verifies its own proof.
pub(super) fn for_verifier(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        header::HeaderValue::from_static(VERIFYING_POLICY),
    );
    response
}

/// A page with a script.
pub(super) fn for_script(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        header::HeaderValue::from_static(SCRIPT_POLICY),
    );
    response
}

/// A page that nobody keeps: it answers what somebody entered, and holds it.
pub(super) fn kept_by_nobody(mut response: HttpResponse) -> HttpResponse {
    let caching = header::HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, caching);
    response
}

/// A page that may use the camera, once its reader allows it.
pub(super) fn for_camera(response: HttpResponse) -> HttpResponse {
    let mut response = for_script(response);
    let headers = response.headers_mut();
    headers.insert(
        header::HeaderName::from_static("permissions-policy"),
        header::HeaderValue::from_static(
            "camera=(self), geolocation=(), microphone=(), payment=()",
        ),
    );
    response
}

/// The headers of a service that is reached over TLS, or not.
pub(super) fn security(secure: bool) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // An address holds a serial number: it goes nowhere.
        .add((header::REFERRER_POLICY, "no-referrer"))
        .add((
            "Permissions-Policy",
            "camera=(), geolocation=(), microphone=(), payment=()",
        ))
        .add(("Cross-Origin-Opener-Policy", "same-origin"));
    if secure {
        headers.add((header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"))
    } else {
        headers
    }
}

/// Pages of any host may read an answer, an error too, and every header of it.
pub(super) fn for_anyone(mut response: HttpResponse) -> HttpResponse {
    let anyone = header::HeaderValue::from_static("*");
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, anyone.clone());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, anyone);
    response
}
