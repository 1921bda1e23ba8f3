//! Every address of the service, in one table.

use actix_web::http::Method;
use actix_web::middleware::Compress;
use actix_web::web::{ServiceConfig, delete, get, post, put, resource, route};
use actix_web::{HttpRequest, HttpResponse, Route, guard};

use super::shopper::resolver;
use super::{admin, api, assets, epcis, log, metrics, openapi, ops, shopper};

/// The table. What is not in it is answered by [`nowhere`].
pub fn configure(table: &mut ServiceConfig) {
    table
        // The shopper.
        .route("/", read(shopper::find::home))
        .route("/find", read(shopper::find::find))
        .route("/01/{link:.*}", read(resolver::trace))
        .route("/00/{link:.*}", read(resolver::trace))
        .route("/414/{link:.*}", read(resolver::place))
        .route("/417/{link:.*}", read(resolver::place))
        .route(
            "/{key:01|00|414|417}/{link:.*}",
            route().method(Method::OPTIONS).to(resolver::preflight),
        )
        .route("/.well-known/gs1resolver", read(resolver::description))
        .route(
            "/.well-known/gs1resolver",
            route().method(Method::OPTIONS).to(resolver::preflight),
        )
        .route("/proof/{link:.*}", read(shopper::proof))
        .route("/qr/{link:.*}", read(shopper::qr))
        .route("/verify", read(shopper::verify::page))
        .route("/hidden/{link:.*}", read(shopper::hidden::back))
        .route("/hidden/{link:.*}", post().to(shopper::hidden::enter))
        .route("/report/{link:.*}", read(shopper::report::ask))
        .route("/report/{link:.*}", post().to(shopper::report::take))
        .route("/reported/{link:.*}", read(shopper::report::back))
        .route("/reported/{link:.*}", post().to(shopper::report::reported))
        .route("/saved", read(shopper::saved::page))
        .route("/scans/{link:.*}", post().to(shopper::scans::scan))
        .route("/picture/{gtin}/{sha256}", read(shopper::picture::picture))
        .route("/static/{file:.*}", read(assets::asset))
        // Partners and merchants.
        .route("/epcis", read(epcis::root))
        // The standard calls it `/` below wherever the API is.
        .route("/epcis/", read(epcis::root))
        .route("/epcis/openapi.json", read(openapi::openapi))
        .route(
            "/epcis{path:.*}",
            route().method(Method::OPTIONS).to(epcis::discover),
        )
        .route("/epcis/capture", read(epcis::capture_jobs))
        .route("/epcis/capture", post().to(epcis::capture))
        .route("/epcis/events", read(epcis::events))
        .route("/epcis/events", post().to(epcis::post_event))
        .route("/epcis/events/{event_id:.*}", read(epcis::event))
        .route("/epcis/eventTypes", read(epcis::members))
        .route("/epcis/eventTypes/{link:.*}", read(epcis::member))
        .route("/epcis/epcs", read(epcis::members))
        .route("/epcis/epcs/{link:.*}", read(epcis::member))
        .route("/epcis/bizSteps", read(epcis::members))
        .route("/epcis/bizSteps/{link:.*}", read(epcis::member))
        .route("/epcis/bizLocations", read(epcis::members))
        .route("/epcis/bizLocations/{link:.*}", read(epcis::member))
        .route("/epcis/readPoints", read(epcis::members))
        .route("/epcis/readPoints/{link:.*}", read(epcis::member))
        .route("/epcis/dispositions", read(epcis::members))
        .route("/epcis/dispositions/{link:.*}", read(epcis::member))
        .route(
            "/epcis/nextPageToken/{token}",
            delete().to(epcis::forget_token),
        )
        .route("/epcis/queries", read(epcis::queries))
        .route("/epcis/queries", post().to(epcis::post_query))
        .route("/epcis/queries/{name}", read(epcis::query))
        .route("/epcis/queries/{name}", delete().to(epcis::delete_query))
        .route("/epcis/queries/{name}/events", read(epcis::query_events))
        .route(
            "/epcis/queries/{name}/subscriptions",
            read(epcis::subscriptions),
        )
        .route(
            "/epcis/queries/{name}/subscriptions",
            post().to(epcis::post_subscription),
        )
        .route(
            "/epcis/queries/{name}/subscriptions/{subscriptionID}",
            read(epcis::one_subscription),
        )
        .route(
            "/epcis/queries/{name}/subscriptions/{subscriptionID}",
            delete().to(epcis::end_subscription),
        )
        .route("/epcis/capture/{job}", get().to(epcis::capture_job))
        .route("/epcis/capture/{job}/proof", get().to(epcis::capture_proof))
        .route("/api/products", post().to(api::record_product))
        .route("/api/pictures", read(api::sent_pictures))
        .route("/api/pictures", post().to(api::send_picture))
        .route("/api/pictures/{sha256}", delete().to(api::take_back))
        .route("/api/parties", post().to(api::record_party))
        .route("/api/documents", post().to(api::record_document))
        .route("/api/links", post().to(api::record_link))
        .route("/api/erasures", post().to(api::erase_fields))
        .route("/api/findings", read(api::findings))
        .route("/api/recalls", read(api::recalls))
        .route("/api/recalls", post().to(api::record_recall))
        .route("/api/recalls/affected", read(api::affected))
        .route("/api/disclosure", read(api::disclosure))
        .route("/api/disclosure", post().to(api::record_disclosure))
        .route("/api/cases", read(api::cases))
        .route("/api/cases/{id}", read(api::case))
        .route("/api/cases/{id}", put().to(api::change))
        .route("/api/cases/{id}/reports", delete().to(api::empty))
        .route("/api/cases/{id}/reports/{number}/photo", read(api::photo))
        .route("/api/scans", read(api::scans))
        .route("/api/reviews", post().to(api::record_review))
        .route("/api/signed-statements", post().to(api::record_signed))
        .route("/api/code-ranges", post().to(api::issue_codes))
        .route(
            "/api/code-ranges/{gtin}/{first_number}/codes",
            read(api::codes),
        )
        .route("/api/company-prefixes", read(api::declared_prefixes))
        .route(
            "/api/company-prefixes/{companyPrefix}",
            put().to(api::declare_prefix),
        )
        .route(
            "/api/company-prefixes/{companyPrefix}",
            delete().to(api::take_prefix_back),
        )
        .route("/api/openapi.json", read(openapi::openapi))
        // The people of merchants.
        .configure(admin::table::configure)
        // Auditors.
        .service(
            // C2SP tlog-tiles allows it here: of an entry only the digest does not shrink.
            resource("/log/tile/entries/{file:.*}")
                .wrap(Compress::default())
                .route(read(log::file))
                .route(route().method(Method::OPTIONS).to(log::preflight))
                .default_service(route().to(shopper::no_such_page)),
        )
        .route("/log/{file:.*}", read(log::file))
        .route(
            "/log/{file:.*}",
            route().method(Method::OPTIONS).to(log::preflight),
        )
        // Operators.
        .route("/livez", read(ops::livez))
        .route("/readyz", read(ops::readyz))
        .route("/metrics", read(metrics::metrics))
        .default_service(route().to(nowhere));
}

/// What is in no table: a page that does not exist, or below `/api` a problem.
async fn nowhere(request: HttpRequest) -> HttpResponse {
    let path = request.match_info().as_str();
    if path == "/api" || path.starts_with("/api/") {
        return api::no_such_resource(&request);
    }
    shopper::no_such_page(request).await
}

/// GET, and HEAD, which is GET without its body.
fn read<F, Args>(handler: F) -> Route
where
    F: actix_web::Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    route()
        .guard(guard::Any(guard::Get()).or(guard::Head()))
        .to(handler)
}
