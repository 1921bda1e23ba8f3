//! One delivery: a document is signed and posted, and what became of it is stored.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::domain::delivery_signature;
use crate::domain::epcis::{EpcFormat, VERSION, VERSION_HEADERS};
use crate::domain::retry::retry_delay;
use crate::domain::sealed::{SealingKey, SecretOwner};
use crate::domain::subscription::{Progress, Subscription, Tried};
use crate::http_client::{PostFault, PrivateTargets, Strangers, Target, TargetFault};
use crate::store::Database;
use crate::store::subscription::move_subscription;

const EPC_FORMAT: HeaderName = HeaderName::from_static(EpcFormat::HEADER);

/// What sends, and stores what became of it.
#[derive(Debug)]
pub(super) struct Sender {
    pub database: Database,
    client: Strangers,
    private: PrivateTargets,
    tokens: SealingKey,
}

/// A document on its way.
#[derive(Debug)]
pub(super) struct Delivery {
    pub subscription: Subscription,
    pub sealed_token: Option<Vec<u8>>,
    pub text: String,
    /// Where the subscription stands once the target has taken it.
    pub to: Progress,
    /// What is made again if it has not.
    pub tried: Tried,
}

/// Why a delivery failed. What it says is shown to the subscriber: it holds nothing of the target's.
#[derive(Debug, Error)]
enum DeliveryFault {
    /// The secret cannot be opened: the key is another than when it was sealed.
    #[error("the signatureToken cannot be opened here; make the subscription again")]
    Token,
    /// An address that may not be asked any more.
    #[error("dest may not be asked: {0}")]
    Target(#[from] TargetFault),
    /// It did not arrive.
    #[error(transparent)]
    Post(#[from] PostFault),
}

impl DeliveryFault {
    /// What it is called in the metrics, one of [`OUTCOMES`].
    fn outcome(&self) -> &'static str {
        match self {
            DeliveryFault::Token => "token",
            DeliveryFault::Target(_) | DeliveryFault::Post(PostFault::NotPublic) => "not_public",
            DeliveryFault::Post(PostFault::Status(_)) => "refused",
            DeliveryFault::Post(PostFault::TimedOut) => "timed_out",
            DeliveryFault::Post(_) => "unreachable",
        }
    }
}

/// What may become of a delivery, in a word.
const OUTCOMES: [&str; 6] = [
    "delivered",
    "refused",
    "timed_out",
    "unreachable",
    "not_public",
    "token",
];

impl Sender {
    pub fn new(database: Database, private: PrivateTargets, tokens: SealingKey) -> Sender {
        // What has not happened yet stands at 0: an alarm on a change needs somewhere to start from.
        for outcome in OUTCOMES {
            let _ = database.metrics.deliveries.with_label_values(&[outcome]);
        }
        Sender {
            database,
            client: Strangers::new(private.clone()),
            private,
            tokens,
        }
    }

    /// Makes a delivery that was decided on at `now`, when the clock showed `began`. Says whether it is
    /// stored what became of it.
    pub async fn deliver(
        &self,
        mut delivery: Delivery,
        now: OffsetDateTime,
        began: Instant,
    ) -> bool {
        let text = std::mem::take(&mut delivery.text);
        let posted = self.post(&delivery, text, now + began.elapsed()).await;
        let ended = now + began.elapsed();
        let outcome = match &posted {
            Ok(()) => "delivered",
            Err(fault) => fault.outcome(),
        };
        let outcomes = &self.database.metrics.deliveries;
        outcomes.with_label_values(&[outcome]).inc();
        let id = delivery.subscription.id;
        let to = match posted {
            Ok(()) => Progress {
                last_notified_at: Some(ended),
                ..delivery.to
            },
            Err(fault) => {
                tracing::info!(subscription = %id, outcome, "a delivery failed; it is made again");
                let progress = &delivery.subscription.progress;
                let mut to = after_failure(progress, fault.to_string(), ended);
                to.tried = Some(delivery.tried);
                to
            }
        };
        self.store(&delivery.subscription, &to).await
    }

    async fn post(
        &self,
        delivery: &Delivery,
        text: String,
        at: OffsetDateTime,
    ) -> Result<(), DeliveryFault> {
        let subscription = &delivery.subscription;
        let target = Target::parse(&subscription.dest, &self.private)?;
        let mut headers = HeaderMap::new();
        let format = HeaderValue::from_static(subscription.epc_format.name());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for name in VERSION_HEADERS {
            let version = HeaderValue::from_static(VERSION);
            headers.insert(HeaderName::from_static(name), version);
        }
        headers.insert(EPC_FORMAT, format);
        if let Some(sealed) = &delivery.sealed_token {
            let owner = SecretOwner {
                merchant_id: subscription.merchant_id,
                subscription_id: subscription.id,
            };
            let token = self.tokens.open(owner, sealed);
            let token = token.map_err(|_| DeliveryFault::Token)?;
            let signature = HeaderValue::from_str(&token.sign(at, text.as_bytes()));
            let name = HeaderName::from_bytes(delivery_signature::HEADER.as_bytes());
            headers.insert(
                name.expect("the name of a header"),
                signature.expect("digits and letters"),
            );
        }
        Ok(self.client.post(&target, headers, text).await?)
    }

    /// Stores where a subscription stands now. If that fails, it stands where it did, and what was sent is
    /// sent again: at least once, as promised. False if it failed.
    pub async fn store(&self, subscription: &Subscription, to: &Progress) -> bool {
        let moved = async {
            let mut conn = self.database.deliverer.acquire().await?;
            let (merchant_id, id) = (subscription.merchant_id, subscription.id);
            move_subscription(&mut conn, merchant_id, id, &subscription.progress, to).await
        };
        match moved.await {
            Ok(true) => {}
            Ok(false) => tracing::debug!(subscription = %subscription.id, "it was ended or moved"),
            Err(error) => {
                tracing::warn!(%error, subscription = %subscription.id, "where it stands was not stored");
                return false;
            }
        }
        true
    }
}

/// Where a subscription stands after a failure: where it did, until its pause is over.
pub(super) fn after_failure(progress: &Progress, why: String, now: OffsetDateTime) -> Progress {
    let failures = progress.failures.saturating_add(1).min(i32::MAX as u32);
    // Without random bytes the pause is the longest.
    let random = getrandom::u64().unwrap_or(u64::MAX);
    Progress {
        failures,
        last_failure: Some(why),
        next_attempt_at: now + retry_delay(failures, random),
        ..progress.clone()
    }
}
