//! What handlers work with, and the server around them.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::header::HeaderName;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpRequest, HttpServer, web};
use auditlog::TreeSize;
use auditlog::anchor::AnchorLine;
use auditlog::note::NoteSigner;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::Instant;

use super::admin::tries::Tries;
use super::client::{Networks, neighbourhood};
use super::limits::{self, LimitSettings, Limits};
use super::shopper::report::Forms;
use super::{
    ForwardTraces, MetricsToken, Receipts, TrustedProxies, epcis, headers, requests, routes,
};
use crate::cosign::WitnessState;
use crate::domain::account::AccountKeys;
use crate::domain::code::CodeKey;
use crate::domain::sealed::{EventIdKeys, SealingKey};
use crate::http_client::PrivateTargets;
use crate::mail::Mailer;
use crate::public::Published;
use crate::store::Database;

/// What every handler may use.
#[derive(Debug)]
pub struct Service {
    /// The database.
    pub database: Database,
    /// The log's names and keys.
    pub log: LogIdentity,
    /// What is public, and whether sealing goes on.
    pub state: watch::Receiver<LogState>,
    /// Makes and reads item codes.
    pub code_key: CodeKey,
    /// Opens the keys that make eventIDs.
    pub event_id_keys: EventIdKeys,
    /// Scheme and host under which readers reach the service.
    pub public_url: String,
    /// Who waits for a receipt.
    pub receipts: Receipts,
    /// What networks are called today.
    pub networks: Networks,
    /// The reports that are being read.
    pub forms: Forms,
    /// What stands beside the secrets of accounts.
    pub account_keys: AccountKeys,
    /// Writes to people.
    pub mailer: Mailer,
    /// How often somebody tried to come in.
    pub tries: Tries,
    /// Who follows a recall.
    pub forward_traces: ForwardTraces,
    /// What subscriptions are made with.
    pub subscribing: Subscribing,
    /// Tells the time.
    pub clock: fn() -> OffsetDateTime,
    /// Who may do what, and how often.
    pub serving: ServingSettings,
    /// Whether the service is about to stop: it still answers, and calls itself not ready.
    pub stopping: watch::Receiver<bool>,
}

impl Service {
    /// What the network of whoever asks is called today, for one subject.
    pub(super) fn network(
        &self,
        request: &HttpRequest,
        subject: &str,
        now: OffsetDateTime,
    ) -> Result<[u8; 8], getrandom::Error> {
        let client = self.serving.trusted_proxies.client(request);
        self.networks.name(neighbourhood(client), subject, now)
    }

    /// Whether readers reach it over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// How much of the log is public.
    pub(super) fn public_size(&self) -> TreeSize {
        let state = self.state.borrow();
        let published = state.published.as_ref();
        published.map_or(TreeSize(0), |published| published.anchor.head.size)
    }
}

/// Who may do what, and how often.
#[derive(Debug, Clone)]
pub struct ServingSettings {
    /// The secret of those who may read the metrics from elsewhere.
    pub metrics_token: Option<MetricsToken>,
    /// Proxies whose word about their clients is taken.
    pub trusted_proxies: TrustedProxies,
    /// How much one client may ask for.
    pub limits: LimitSettings,
    /// Whether pages draw maps.
    pub maps: bool,
    /// The header in which a trusted proxy says where its client is (ISO 3166).
    pub place_header: Option<HeaderName>,
}

/// What subscriptions are made with.
#[derive(Debug, Clone)]
pub struct Subscribing {
    /// What deliveries may go to although it is not on the public internet.
    pub private_targets: PrivateTargets,
    /// Seals the secrets that deliveries are signed with.
    pub tokens: SealingKey,
}

/// The log's names and keys.
#[derive(Debug)]
pub struct LogIdentity {
    /// Its name.
    pub origin: String,
    /// Its key.
    pub vkey: String,
    /// The key of its story notes.
    pub story_vkey: String,
    /// Signs story notes.
    pub story_signer: Arc<NoteSigner>,
    /// The public folder.
    pub folder: PathBuf,
}

/// What is public, and whether sealing goes on.
#[derive(Debug, Clone, Default)]
pub struct LogState {
    /// The last line of the anchor file. Its checkpoint is public once witnesses were asked.
    pub anchored: Option<Arc<AnchorLine>>,
    /// The last public checkpoint.
    pub published: Option<Arc<Published>>,
    /// How the witnesses are doing; none where none is asked.
    pub witnesses: Vec<WitnessState>,
    /// Why checkpoints that are sealed do not become public.
    pub unwitnessed: Option<Failing>,
    /// Why nothing is sealed at the moment, though it is tried again and again.
    pub failing: Option<Failing>,
    /// Why nothing is sealed any more, for the operator.
    pub stopped: Option<String>,
}

/// A failure that may pass by itself.
#[derive(Debug, Clone)]
pub struct Failing {
    /// When it began.
    pub since: Instant,
    /// When it was last logged.
    pub logged: Instant,
    /// What it is.
    pub reason: String,
}

/// How often a failure that lasts is logged.
const REPEATED_WARNING: Duration = Duration::from_secs(60);

impl Failing {
    /// Notes that it fails, or fails still, and says whether to log that: when it begins, and then
    /// once a minute.
    pub fn note(slot: &mut Option<Failing>, reason: String) -> bool {
        let now = Instant::now();
        let begins = slot.is_none();
        let failing = slot.get_or_insert_with(|| Failing {
            since: now,
            logged: now,
            reason: String::new(),
        });
        failing.reason = reason;
        let is_due = begins || failing.logged.elapsed() >= REPEATED_WARNING;
        if is_due {
            failing.logged = now;
        }
        is_due
    }
}

/// How long sealing may fail before the service calls itself not ready.
const FAILING_LIMIT: Duration = Duration::from_secs(30);

impl LogState {
    /// Why nothing is sealed, once it is more than a hiccup.
    pub fn not_sealing(&self) -> Option<String> {
        let lasting = |failing: &Failing| {
            let lasts = failing.since.elapsed() >= FAILING_LIMIT;
            lasts.then(|| failing.reason.clone())
        };
        self.stopped
            .clone()
            .or_else(|| self.failing.as_ref().and_then(lasting))
    }

    /// Why what is sealed does not become public, once it is more than a hiccup.
    pub fn not_publishing(&self) -> Option<String> {
        let lasting = |failing: &&Failing| failing.since.elapsed() >= FAILING_LIMIT;
        let failing = self.unwitnessed.as_ref().filter(lasting);
        failing.map(|failing| failing.reason.clone())
    }

    /// Notes what is public now.
    pub fn published(&mut self, published: Option<Published>) {
        if let Some(published) = published {
            self.published = Some(Arc::new(published));
        }
    }

    /// Notes what is in the anchor file now.
    pub fn anchored(&mut self, line: AnchorLine) {
        let is_new = |known: &Arc<AnchorLine>| known.seal != line.seal;
        if self.anchored.as_ref().is_none_or(is_new) {
            self.anchored = Some(Arc::new(line));
        }
    }
}

/// A server for `service` on `listener`; it runs once it is awaited.
pub fn serve(service: Service, listener: TcpListener, workers: usize) -> std::io::Result<Server> {
    let secure = service.is_secure();
    let limits = web::Data::new(Limits::new(service.serving.limits));
    let service = web::Data::new(service);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(service.clone())
            .app_data(limits.clone())
            .wrap(from_fn(epcis::keep_to_the_standard))
            // The last is the outermost: who is turned away is counted, and told why, all the same.
            .wrap(from_fn(limits::limit))
            .wrap(headers::security(secure))
            .wrap(from_fn(requests::observe))
            .configure(routes::configure)
    })
    .workers(workers)
    .keep_alive(Duration::from_secs(30))
    // Who has gone away waits for no receipt. Who merely says that it will send nothing more looks the
    // same from here, and gets no answer.
    .h1_allow_half_closed(false)
    // Who connects and stays silent is let go.
    .client_request_timeout(Duration::from_secs(10))
    .client_disconnect_timeout(Duration::from_secs(2))
    .shutdown_timeout(20)
    // Signals are the program's to handle: the database must outlive the last request.
    .disable_signals()
    .listen(listener)?;
    Ok(server.run())
}
