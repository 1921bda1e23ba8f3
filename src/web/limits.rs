//! How much one client may ask for. Captures and the API are limited for each key and each address,
//! everything that looks something up for each address; static files, the public log and the probes of
//! operators are not limited.
//!
//! The memory is fixed, however many addresses there are: each falls into one of [`CELLS`] cells, by a
//! hash whose key is drawn at start-up, so that nobody can choose whose cell he shares.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{HttpResponse, ResponseError, web};
use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

use super::error::Problem;
use super::{Service, auth, client, shopper};

/// Cells of one limiter, of eight bytes each.
const CELLS: usize = 1 << 18;

/// How many requests a minute. Zero is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// Of one address, for pages, proofs, pictures and whatever else looks something up.
    pub lookups_per_minute: u32,
    /// Of one API key, and of one address, for captures and the API.
    pub api_requests_per_minute: u32,
}

/// The limits, and what was used of them.
#[derive(Debug)]
pub(super) struct Limits {
    lookups: Option<Limiter>,
    api_addresses: Option<Limiter>,
    api_keys: Option<Limiter>,
}

impl Limits {
    pub fn new(settings: LimitSettings) -> Limits {
        Limits {
            lookups: Limiter::new(settings.lookups_per_minute),
            api_addresses: Limiter::new(settings.api_requests_per_minute),
            api_keys: Limiter::new(settings.api_requests_per_minute),
        }
    }

    /// Counts a request; the limit that it is over, if it is, and after how many seconds to ask again.
    fn count(&self, class: Class, address: IpAddr, key: Option<&str>) -> Option<(Limit, u64)> {
        // Whoever is on this machine is its operator, or a proxy that nobody told us to trust: then
        // all the world has one address, and to limit it would be to turn everybody away.
        if address.is_loopback() {
            return None;
        }
        let network = client::network(address);
        match class {
            Class::Free => None,
            Class::Lookup => over(&self.lookups, &network).map(|s| (Limit::Lookups, s)),
            Class::Api => over(&self.api_addresses, &network)
                .or_else(|| over(&self.api_keys, &key?))
                .map(|seconds| (Limit::Api, seconds)),
        }
    }
}

/// What a limit is called in the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    Lookups,
    Api,
}

/// What an address is to the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Free,
    Lookup,
    Api,
}

/// Of a path as routes see it, decoded. What is not named here looks something up.
fn class(path: &str) -> Class {
    let is_in = |folders: &[&str]| folders.iter().any(|folder| path.starts_with(folder));
    match path {
        "/livez" | "/readyz" | "/metrics" => Class::Free,
        "/epcis" => Class::Api,
        _ if is_in(&["/log/", "/static/"]) => Class::Free,
        _ if is_in(&["/api/", "/epcis/"]) => Class::Api,
        _ => Class::Lookup,
    }
}

/// Turns away who asks for more than his share.
pub(super) async fn limit<B: MessageBody>(
    service: web::Data<Service>,
    limits: web::Data<Limits>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let class = class(request.match_info().as_str());
    if class != Class::Free {
        let address = service.serving.trusted_proxies.client(request.request());
        let key = auth::bearer(request.request());
        if let Some((limit, seconds)) = limits.count(class, address, key) {
            let (label, answer) = match limit {
                Limit::Lookups => ("lookups", shopper::too_many(request.request())),
                Limit::Api => ("api", Problem::too_many_requests().error_response()),
            };
            let refused = &service.database.metrics.requests_refused;
            refused.with_label_values(&[label]).inc();
            let answer = retry_after(answer, seconds);
            return Ok(request.into_response(answer).map_into_right_body());
        }
    }
    Ok(next.call(request).await?.map_into_left_body())
}

fn retry_after(mut answer: HttpResponse, seconds: u64) -> HttpResponse {
    let value = header::HeaderValue::from(seconds);
    answer.headers_mut().insert(header::RETRY_AFTER, value);
    answer
}

fn over<K: std::hash::Hash>(limiter: &Option<Limiter>, who: &K) -> Option<u64> {
    limiter.as_ref()?.over(who)
}

/// A rate for each client: a minute's share may be used at once, and comes back evenly.
#[derive(Debug)]
pub(super) struct Limiter<C: Clock = MonotonicClock> {
    cells: RateLimiter<u64, Cells, C, NoOpMiddleware<C::Instant>>,
    hasher: RandomState,
}

impl Limiter {
    fn new(per_minute: u32) -> Option<Limiter> {
        Limiter::with_clock(per_minute, MonotonicClock)
    }

    /// Of another rate.
    pub fn with_quota(quota: Quota) -> Limiter {
        Limiter::of(quota, MonotonicClock)
    }
}

impl<C: Clock> Limiter<C> {
    fn with_clock(per_minute: u32, clock: C) -> Option<Limiter<C>> {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute)?);
        Some(Limiter::of(quota, clock))
    }

    fn of(quota: Quota, clock: C) -> Limiter<C> {
        Limiter {
            cells: RateLimiter::new(quota, Cells::new(), clock),
            hasher: RandomState::new(),
        }
    }

    /// Counts a request of `who`. If it is one too many: after how many seconds the next may come.
    pub fn over(&self, who: &impl std::hash::Hash) -> Option<u64> {
        let refused = self.cells.check_key(&self.hasher.hash_one(who)).err()?;
        let wait = refused.wait_time_from(self.cells.clock().now());
        // Retry-After says whole seconds.
        Some((wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1))
    }
}

/// The state of all clients, in memory that never grows.
#[derive(Debug)]
struct Cells(Box<[InMemoryState]>);

impl Cells {
    fn new() -> Cells {
        Cells((0..CELLS).map(|_| InMemoryState::default()).collect())
    }
}

impl StateStore for Cells {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let cell = &self.0[*key as usize % CELLS];
        cell.measure_and_replace(&NotKeyed::NonKey, decide)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn a_minutes_share_may_be_used_at_once_and_comes_back_evenly() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::with_clock(60, clock.clone()).unwrap();
        for request in 0..60 {
            assert_eq!(limiter.over(&"a"), None, "{request}");
        }
        assert_eq!(limiter.over(&"a"), Some(1));
        assert_eq!(
            limiter.over(&"b"),
            None,
            "another client has a share of his own"
        );
        clock.advance(Duration::from_secs(1));
        assert_eq!(limiter.over(&"a"), None);
        assert!(limiter.over(&"a").is_some());
        clock.advance(Duration::from_secs(60));
        assert!((0..60).all(|_| limiter.over(&"a").is_none()));
        assert!(limiter.over(&"a").is_some());
    }

    #[test]
    fn the_wait_that_is_told_is_long_enough() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::with_clock(2, clock.clone()).unwrap();
        assert!(limiter.over(&"a").is_none() && limiter.over(&"a").is_none());
        let seconds = limiter.over(&"a").unwrap();
        assert!(seconds <= 31, "{seconds}");
        clock.advance(Duration::from_secs(seconds));
        assert_eq!(limiter.over(&"a"), None);
    }

    #[test]
    fn millions_of_addresses_take_no_more_memory_and_hardly_meet_in_a_cell() {
        let limiter = Limiter::with_clock(60, FakeRelativeClock::default()).unwrap();
        let refused = (0..2_000_000u32).filter(|address| limiter.over(address).is_some());
        // On average eight addresses share a cell of sixty: none is turned away for another.
        assert_eq!(refused.count(), 0);
        assert_eq!(limiter.cells.into_state_store().0.len(), CELLS);
    }

    #[test]
    fn no_limit_is_no_limit() {
        assert!(Limiter::new(0).is_none());
        let limits = Limits::new(LimitSettings {
            lookups_per_minute: 1,
            api_requests_per_minute: 0,
        });
        let stranger = "198.51.100.9".parse().unwrap();
        let here = "::1".parse().unwrap();
        assert!((0..9).all(|_| limits.count(Class::Api, stranger, None).is_none()));
        assert!((0..9).all(|_| limits.count(Class::Lookup, here, None).is_none()));
        assert!((0..9).all(|_| limits.count(Class::Free, stranger, None).is_none()));
        assert!(limits.count(Class::Lookup, stranger, None).is_none());
        let over = limits.count(Class::Lookup, stranger, None).unwrap();
        assert_eq!(over.0, Limit::Lookups);
    }

    #[test]
    fn a_key_has_one_share_from_however_many_addresses() {
        let limits = Limits::new(LimitSettings {
            lookups_per_minute: 0,
            api_requests_per_minute: 2,
        });
        let from = |n: u8| IpAddr::from([198, 51, 100, n]);
        let is_over = |n, key| limits.count(Class::Api, from(n), Some(key)).is_some();
        assert!(!is_over(1, "one") && !is_over(2, "one") && is_over(3, "one"));
        assert!(!is_over(4, "two"), "another key has a share of its own");
        // And an address cannot try keys without end.
        assert!(!is_over(9, "x") && !is_over(9, "y") && is_over(9, "z"));
    }

    #[test]
    fn every_path_has_its_limit() {
        for (path, expected) in [
            ("/01/09521041001012", Class::Lookup),
            ("/00/095210410000000015", Class::Lookup),
            ("/proof/01/09521041001012", Class::Lookup),
            ("/qr/01/09521041001012.svg", Class::Lookup),
            ("/picture/09521041001012/00", Class::Lookup),
            ("/find", Class::Lookup),
            ("/", Class::Lookup),
            ("/nowhere", Class::Lookup),
            ("/log", Class::Lookup),
            ("/livez/more", Class::Lookup),
            ("/epcis", Class::Api),
            ("/epcis/capture", Class::Api),
            ("/epcis/events", Class::Api),
            ("/api/products", Class::Api),
            ("/log/checkpoint", Class::Free),
            ("/log/tile/0/000", Class::Free),
            ("/static/site.css", Class::Free),
            ("/livez", Class::Free),
            ("/readyz", Class::Free),
            ("/metrics", Class::Free),
        ] {
            assert_eq!(class(path), expected, "{path}");
        }
    }
}
