//! `/saved`: the codes that a phone keeps. They lie in the browser, and the page that lists them is the same for everybody.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::view::SavedPage;
use super::{render, shell};
use crate::web::headers;

/// `GET /saved`
pub(in crate::web) async fn page(request: HttpRequest) -> HttpResponse {
    let shell = shell(&request);
    let page = SavedPage {
        texts: shell.text.section("saved_list"),
        shell,
    };
    headers::for_script(render(&request, StatusCode::OK, &page))
}
