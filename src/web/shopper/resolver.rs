//! The GS1-Conformant Resolver: what a scanned address answers, to people and to machines.
//!
//! GS1-Conformant Resolver Standard 1.2 and RFC 9264. docs/digital-link.md is the table of its rules
//! and of the tests that show them.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};

use super::linkset::{self, LINKSET_JSON, Level, Offer, relation};
use super::lookup::{LookupError, find_story};
use super::view::{ChoicePage, LinkView, VerdictView};
use super::{for_key_holder, place, present, refuse, render, shell};
use crate::domain::disclosure::Audience;
use crate::domain::gs1::{Identity, LinkError};
use crate::domain::link::{LinkType, VOCABULARY};
use crate::trace::{PartyRecord, party_records};
use crate::web::Service;
use crate::web::error::Problem;
use crate::web::headers;
use crate::web::negotiate::{header_text, language_rank, media_weight};

/// Explains the members of a linkset to readers of JSON-LD.
const JSON_LD_CONTEXT: &str = "<https://ref.gs1.org/standards/resolver/linkset-context>; \
     rel=\"http://www.w3.org/ns/json-ld#context\"; type=\"application/ld+json\"";

/// `GET /01/…`, `GET /00/…`
pub(in crate::web) async fn trace(
    request: HttpRequest,
    service: web::Data<Service>,
) -> HttpResponse {
    let asked = Asked::of(&request);
    let response = match find_story(&service, &request, request.uri().path()).await {
        Ok(found) => {
            let levels = linkset::of_story(&found.told.story, &service);
            asked.answer(&request, &levels, || {
                let page = present::trace_page(shell(&request), &found, &service);
                headers::for_verifier(render(&request, StatusCode::OK, &page))
            })
        }
        Err(error) => asked.refuse(&request, error),
    };
    for_key_holder(&request, for_anyone(response))
}

/// `GET /414/…`, `GET /417/…`
pub(in crate::web) async fn place(
    request: HttpRequest,
    service: web::Data<Service>,
) -> HttpResponse {
    let asked = Asked::of(&request);
    let response = match find_place(&service, request.uri().path()).await {
        Ok((identity, records)) => {
            let levels = linkset::of_place(&identity, &service);
            asked.answer(&request, &levels, || {
                let size = service.public_size();
                let page = place::place_page(shell(&request), &identity, &records, size);
                render(&request, StatusCode::OK, &page)
            })
        }
        Err(error) => asked.refuse(&request, error),
    };
    for_anyone(response)
}

async fn find_place(
    service: &Service,
    raw_path: &str,
) -> Result<(Identity, Vec<PartyRecord>), LookupError> {
    let identity = Identity::parse_path(raw_path).map_err(LookupError::Link)?;
    if !matches!(identity, Identity::Place { .. } | Identity::Party { .. }) {
        return Err(LookupError::Link(LinkError::NoKey));
    }
    let mut conn = service.database.reader.acquire().await?;
    let records = party_records(&mut conn, &identity, Audience::Shopper).await?;
    if records.is_empty() {
        return Err(LookupError::UnknownPlace(identity));
    }
    Ok((identity, records))
}

const METHODS: &str = "GET, HEAD, OPTIONS";

/// GS1's tests of resolvers look for the methods on every answer, and not only where a browser asks first.
fn for_anyone(mut response: HttpResponse) -> HttpResponse {
    let methods = header::HeaderValue::from_static(METHODS);
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers::for_anyone(response)
}

/// `OPTIONS` of any of them, whatever stands in the address.
pub(in crate::web) async fn preflight() -> HttpResponse {
    let response = HttpResponse::NoContent()
        .insert_header((header::ALLOW, METHODS))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "*"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish();
    for_anyone(response)
}

/// `GET /.well-known/gs1resolver`: the resolver description file.
pub(in crate::web) async fn description(service: web::Data<Service>) -> HttpResponse {
    let description = serde_json::json!({
        "name": "Rootmark",
        "resolverRoot": service.public_url,
        "supportedPrimaryKeys": ["00", "01", "414", "417"],
        "supportedLinkType": [
            {"namespace": VOCABULARY, "prefix": "gs1:"}
        ],
        "linkTypeDefaultCanBeLinkset": false,
        "jsonLdContextLocation": "https://ref.gs1.org/standards/resolver/linkset-context",
    });
    let response = HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(description.to_string());
    for_anyone(response)
}

/// What a request wants, and how.
struct Asked {
    want: Want,
    context: Option<String>,
    accept: String,
    accept_language: String,
    /// As received, without the question mark.
    query: String,
    is_machine: bool,
}

enum Want {
    /// The default link, which is the page itself.
    Page,
    Linkset,
    /// A link of a type, or of something that is no type.
    Type(Option<LinkType>),
}

impl Asked {
    fn of(request: &HttpRequest) -> Asked {
        let text = |name| header_text(request.headers(), name);
        let query = request.query_string();
        let accept = text(header::ACCEPT);
        let html = media_weight(&accept, "text/html");
        let wanted = |kind| media_weight(&accept, kind) > html;
        // Old clients ask for "all"; GS1 has deprecated the word, and meant this by it.
        let want = match member(query, "linkType").as_deref() {
            Some("linkset" | "all") => Want::Linkset,
            Some(link_type) => Want::Type(LinkType::parse(link_type)),
            None if wanted(LINKSET_JSON) || wanted("application/json") => Want::Linkset,
            None => Want::Page,
        };
        let is_machine = matches!(want, Want::Linkset)
            || [LINKSET_JSON, "application/json", "application/problem+json"]
                .into_iter()
                .any(wanted);
        Asked {
            want,
            context: member(query, "context"),
            accept,
            accept_language: text(header::ACCEPT_LANGUAGE),
            query: query.to_owned(),
            is_machine,
        }
    }

    /// The answer about something that is known; the subject is the first of `levels`.
    fn answer(
        &self,
        request: &HttpRequest,
        levels: &[Level],
        page: impl FnOnce() -> HttpResponse,
    ) -> HttpResponse {
        let Some(subject) = levels.first() else {
            return self.refuse(request, LookupError::Internal("no level".to_owned()));
        };
        let mut response = match &self.want {
            Want::Page => page(),
            Want::Linkset => json_answer(StatusCode::OK, linkset::json(levels)),
            Want::Type(link_type) => self.link(request, subject, link_type.as_ref()),
        };
        let headers = response.headers_mut();
        // RFC 9264 §7.1. An address that cannot be in a header is in none.
        let linkset = format!(
            "<{}?linkType=linkset>; rel=\"linkset\"; type=\"{LINKSET_JSON}\"",
            subject.anchor
        );
        if let Ok(value) = header::HeaderValue::from_str(&linkset) {
            headers.append(header::LINK, value);
        }
        vary(response)
    }

    /// 307 to the one link of a type that suits best, 300 where several do, 404 where there is none.
    fn link(
        &self,
        request: &HttpRequest,
        subject: &Level,
        link_type: Option<&LinkType>,
    ) -> HttpResponse {
        let relation = link_type.map(|link_type| relation(link_type.name()));
        let offers = relation
            .as_ref()
            .and_then(|relation| subject.links.get(relation));
        let best = offers.map_or(Vec::new(), |offers| self.best(offers));
        match best.as_slice() {
            [] => self.refuse(request, LookupError::NoSuchLink),
            [offer] => {
                let target = self.target(offer);
                let Ok(location) = header::HeaderValue::from_str(&target) else {
                    let cause = "a link that cannot be in a header".to_owned();
                    return self.refuse(request, LookupError::Internal(cause));
                };
                HttpResponse::TemporaryRedirect()
                    .insert_header((header::LOCATION, location))
                    .insert_header((header::CACHE_CONTROL, "no-cache"))
                    .finish()
            }
            _ if self.is_machine => {
                let offers = best.into_iter().cloned().collect();
                let relation = relation.unwrap_or_default();
                let text = linkset::choice(&subject.anchor, &relation, offers);
                json_answer(StatusCode::MULTIPLE_CHOICES, text)
            }
            several => {
                let shell = shell(request);
                let name = link_type.map_or("", LinkType::name);
                let view = |offer: &&Offer| {
                    let href = self.target(offer);
                    LinkView::new(shell.text, name, &offer.title, &offer.hreflang, &href)
                };
                let page = ChoicePage {
                    links: several.iter().map(view).collect(),
                    verdict: VerdictView::choice(shell.text),
                    shell,
                };
                render(request, StatusCode::MULTIPLE_CHOICES, &page)
            }
        }
    }

    /// The offers that suit best: by context where one is asked for, then by language, then by type.
    fn best<'o>(&self, offers: &'o [Offer]) -> Vec<&'o Offer> {
        let mut found: Vec<&Offer> = offers.iter().collect();
        if let Some(context) = &self.context
            && found.iter().any(|offer| offer.context.contains(context))
        {
            found.retain(|offer| offer.context.contains(context));
        }
        let found = keep_best(found, |offer| {
            language_rank(&self.accept_language, &offer.hreflang)
        });
        // What names no type may be anything: it has the weight of what nothing else covers.
        keep_best(found, |offer| {
            let media_type = offer.media_type.as_deref().unwrap_or("unnamed/unnamed");
            media_weight(&self.accept, media_type)
        })
    }

    /// Where an offer leads for this request. GS1-Conformant Resolver §2.12: the whole query string is
    /// passed on. On to our own page goes all but `linkType`, which would lead back here for ever.
    fn target(&self, offer: &Offer) -> String {
        let passed: Vec<&str> = self
            .query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .filter(|pair| !offer.is_own || member(pair, "linkType").is_none())
            .collect();
        with_query(&offer.href, &passed.join("&"))
    }

    /// Why there is nothing to answer with, as a page or as a problem. The cause of a failure is logged
    /// once, where the page is made.
    fn refuse(&self, request: &HttpRequest, error: LookupError) -> HttpResponse {
        let detail = error.detail();
        let page = refuse(request, error);
        let response = match detail {
            Some(detail) if self.is_machine => {
                let problem = Problem::new(page.status(), "about:blank", detail);
                let mut response = problem.error_response();
                let caching = header::HeaderValue::from_static("no-cache");
                response
                    .headers_mut()
                    .insert(header::CACHE_CONTROL, caching);
                response
            }
            _ => page,
        };
        vary(response)
    }
}

fn keep_best<R: Ord>(offers: Vec<&Offer>, rank: impl Fn(&Offer) -> R) -> Vec<&Offer> {
    let best = offers.iter().map(|offer| rank(offer)).max();
    let keep = |offer: &&Offer| Some(rank(offer)) == best;
    offers.into_iter().filter(keep).collect()
}

/// An address with more of a query. What may not stand in a header as it is goes percent-encoded; a
/// line break cannot come in here but percent-encoded, and stays so.
fn with_query(href: &str, query: &str) -> String {
    if query.is_empty() {
        return href.to_owned();
    }
    let (href, fragment) = match href.split_once('#') {
        Some((href, fragment)) => (href, format!("#{fragment}")),
        None => (href, String::new()),
    };
    let joint = if href.contains('?') { '&' } else { '?' };
    let mut text = format!("{href}{joint}");
    for byte in query.bytes() {
        if byte.is_ascii_graphic() {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text + &fragment
}

/// The first member of a query string with this name, decoded.
fn member(query: &str, name: &str) -> Option<String> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(query).ok()?;
    let mut pairs = pairs.into_inner().into_iter();
    pairs.find(|(key, _)| key == name).map(|(_, value)| value)
}

fn json_answer(status: StatusCode, text: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type(LINKSET_JSON)
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .append_header((header::LINK, JSON_LD_CONTEXT))
        .body(text)
}

/// The same address answers differently by these.
fn vary(mut response: HttpResponse) -> HttpResponse {
    let by =
        header::HeaderValue::from_static("Accept, Accept-Encoding, Accept-Language, Authorization");
    response.headers_mut().insert(header::VARY, by);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_passed_on_between_path_and_fragment_and_breaks_no_header() {
        for (href, query, whole) in [
            ("https://a.example/", "", "https://a.example/"),
            (
                "https://a.example/",
                "17=261231",
                "https://a.example/?17=261231",
            ),
            (
                "https://a.example/?x=1",
                "y=2",
                "https://a.example/?x=1&y=2",
            ),
            ("https://a.example/#f", "y=2", "https://a.example/?y=2#f"),
            (
                "https://a.example/",
                "y=%0d%0aX:1",
                "https://a.example/?y=%0d%0aX:1",
            ),
            (
                "https://a.example/",
                "y=奶\r\n",
                "https://a.example/?y=%E5%A5%B6%0D%0A",
            ),
        ] {
            assert_eq!(with_query(href, query), whole);
            assert!(header::HeaderValue::from_str(&with_query(href, query)).is_ok());
        }
    }

    #[test]
    fn a_member_is_found_decoded_and_the_first_of_two_stands() {
        assert_eq!(
            member("a=1&linkType=gs1%3Apip&linkType=x", "linkType").unwrap(),
            "gs1:pip"
        );
        assert_eq!(member("link%54ype=x", "linkType").unwrap(), "x");
        assert_eq!(member("linktype=x&xlinkType=y", "linkType"), None);
        assert_eq!(member("", "linkType"), None);
        assert_eq!(member("linkType", "linkType").unwrap(), "");
    }
}
