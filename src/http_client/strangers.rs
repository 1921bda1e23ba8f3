//! Sending something to an address that a customer gave.
//!
//! The address may be a trap: a name that leads into our own network, or that leads elsewhere each time it
//! is asked for; a server that redirects, never answers, or answers without end. So the name is resolved
//! here and nowhere else, and only to addresses that were looked at; no redirect is followed, no proxy of
//! the environment is used, no connection is kept; and there is an end to waiting and to reading.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use rustls::RootCertStore;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use super::{CONNECT_TIMEOUT, PrivateTargets, Target, build, builder, webpki_roots};

/// From the first look for the host to the last byte that is read of the answer.
const WHOLE_TIMEOUT: Duration = Duration::from_secs(15);
/// Of an answer's body this much is read, so that a receiver can finish it, and thrown away.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// The client for addresses that customers gave.
#[derive(Debug, Clone)]
pub struct Strangers {
    http: reqwest::Client,
    private: Arc<PrivateTargets>,
    whole: Duration,
}

/// Why something did not arrive, or may not have. No variant holds anything of the address or the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PostFault {
    /// The name has no address.
    #[error("the host was not found")]
    NoSuchHost,
    /// The name leads to an address that is not on the public internet: nothing was connected to.
    #[error("the host is not on the public internet")]
    NotPublic,
    /// Nobody takes the connection.
    #[error("no connection could be made")]
    NoConnection,
    /// The certificate is not trusted, or the other side speaks no TLS.
    #[error("no TLS connection could be made")]
    NoTls,
    /// No answer in time.
    #[error("no answer came in time")]
    TimedOut,
    /// The connection ended, or what came is no HTTP.
    #[error("the connection ended without an answer")]
    BrokenOff,
    /// An answer that is no success. A redirect is one of them: it is not followed.
    #[error("the answer was {0}")]
    Status(u16),
}

impl Strangers {
    /// A client that reaches the public internet and what is listed in `private`.
    pub fn new(private: PrivateTargets) -> Strangers {
        let resolver = Guard {
            private: Arc::new(private),
            look_up: Arc::new(|name| Box::pin(system(name))),
        };
        Strangers::with(resolver, webpki_roots(), WHOLE_TIMEOUT)
    }

    fn with(guard: Guard, roots: RootCertStore, whole: Duration) -> Strangers {
        let private = Arc::clone(&guard.private);
        let builder = builder(roots)
            .no_proxy()
            .dns_resolver(guard)
            .connect_timeout(CONNECT_TIMEOUT.min(whole))
            // Every delivery looks at its address anew, and no stranger holds a connection open.
            .pool_max_idle_per_host(0);
        Strangers {
            http: build(builder),
            private,
            whole,
        }
    }

    /// Posts `body`, and reports success once an answer with a status of 2xx has begun: what its body says,
    /// and how long it takes to say it, changes nothing.
    pub async fn post(
        &self,
        target: &Target,
        headers: HeaderMap,
        body: impl Into<reqwest::Body>,
    ) -> Result<(), PostFault> {
        // The client asks no resolver about a host that is an address, so it is looked at here.
        let checked = target.check(&self.private);
        checked.map_err(|_| PostFault::NotPublic)?;
        let deadline = Instant::now() + self.whole;
        let request = self.http.post(target.url().clone()).headers(headers);
        let sent = timeout_at(deadline, request.body(body).send()).await;
        let answer = sent.map_err(|_| PostFault::TimedOut)?;
        let answer = answer.map_err(|error| PostFault::of(&error))?;
        let status = answer.status();
        // Whether the rest came whole or in time says nothing about the delivery.
        let _ = timeout_at(deadline, throw_away(answer)).await;
        if status.is_success() {
            Ok(())
        } else {
            Err(PostFault::Status(status.as_u16()))
        }
    }
}

async fn throw_away(mut answer: reqwest::Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = answer.chunk().await {
        read += chunk.len();
        if read >= MAX_ANSWER_BYTES {
            return;
        }
    }
}

impl PostFault {
    fn of(error: &reqwest::Error) -> PostFault {
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(fault) = error.downcast_ref::<PostFault>() {
                return *fault;
            }
            if is_of_tls(error) {
                return PostFault::NoTls;
            }
            cause = error.source();
        }
        if error.is_timeout() {
            PostFault::TimedOut
        } else if error.is_connect() {
            PostFault::NoConnection
        } else {
            PostFault::BrokenOff
        }
    }
}

/// An I/O error hides what it was made from, another of its kind too, from those who ask for its source.
fn is_of_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let inner = error.downcast_ref::<io::Error>();
    let inner = inner.and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| is_of_tls(inner))
}

type LookUp =
    dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> + Send + Sync;

/// Resolves names, and gives out only addresses that may be connected to. The client connects to what
/// it is given here, so that no second question can be answered otherwise.
#[derive(Clone)]
struct Guard {
    private: Arc<PrivateTargets>,
    look_up: Arc<LookUp>,
}

impl Guard {
    async fn addresses(self, name: String) -> Result<Vec<IpAddr>, PostFault> {
        let found = (self.look_up)(name.clone()).await;
        let found = found.ok().filter(|found| !found.is_empty());
        let found = found.ok_or(PostFault::NoSuchHost)?;
        let allowed = |address: &IpAddr| self.private.allow(*address);
        // One bad address spoils them all: which one is taken is for chance, or the stranger, to say.
        if !self.private.list_name(&name) && !found.iter().all(allowed) {
            return Err(PostFault::NotPublic);
        }
        Ok(found)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, name) = (self.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let found = guard.addresses(name).await?;
            // Port 0 is the URL's port.
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}

async fn system(name: String) -> io::Result<Vec<IpAddr>> {
    let found = tokio::net::lookup_host((name, 0)).await?;
    Ok(found.map(|address| address.ip()).collect())
}

#[cfg(test)]
mod tests;
