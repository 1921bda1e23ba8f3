//! `rootmark generate`.

use clap::Args;
use time::OffsetDateTime;

use super::progress::Progress;
use super::{Failure, Outcome};
use crate::app::merchants::{MerchantError, acting, add_merchant};
use crate::app::{Core, OpenAs};
use crate::capture::{Submitter, record_master};
use crate::config::Settings;
use crate::domain::gs1::Identity;
use crate::domain::statement::Kind;
use crate::generate::{PRODUCTS, World, capture_all};

/// Whose the generated events are.
const MERCHANT: &str = "Generated";
const ISSUER: &str = "https://id.gs1.org/417/9529000000004";

/// Fill the log with made-up supply chains, the same for the same seed: to measure with, never beside real data.
#[derive(Debug, Args)]
pub(super) struct Generate {
    /// How many events.
    #[arg(long)]
    events: u64,
    /// What they are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Generate {
    pub async fn run(&self, settings: &Settings) -> Result<Outcome, Failure> {
        let core = Core::open(settings, OpenAs::Founder).await?;
        let result = self.generate(&core).await;
        core.close().await;
        let stored = result?;
        println!("{stored} of {} events are new", self.events);
        let tin = World::new(self.seed).tin(0, 0);
        println!("a tin of the first lot: {}", tin.path().unwrap_or_default());
        Ok(Outcome::Yes)
    }

    async fn generate(&self, core: &Core) -> Result<u64, Failure> {
        let submitter = merchant(core).await?;
        describe(core, &submitter).await?;
        let events = World::new(self.seed).events(self.events);
        let mut progress = Progress::new("generating", self.events);
        let captured = capture_all(&core.database, &submitter, events, |count| {
            progress.add(count)
        });
        let stored = captured.await?;
        progress.finish();
        Ok(stored)
    }
}

/// The merchant of all generated events.
async fn merchant(core: &Core) -> Result<Submitter, Failure> {
    let (database, codes) = (&core.database, &core.keys.codes);
    match acting(database, codes, Some(MERCHANT), None).await {
        Err(MerchantError::Unknown(_)) => {
            add_merchant(database, codes, MERCHANT, ISSUER).await?;
            Ok(acting(database, codes, Some(MERCHANT), None).await?)
        }
        known => Ok(known?),
    }
}

async fn describe(core: &Core, submitter: &Submitter) -> Result<(), Failure> {
    let mut conn = core.database.capture.acquire().await?;
    for (product, chinese, english) in PRODUCTS {
        let gtin = World::gtin(product);
        let class = Identity::Class { gtin };
        let body = format!(
            r#"{{"gtin":"{class}","productName":{{"zh-CN":"{chinese}","en":"{english}"}}}}"#
        );
        let now = OffsetDateTime::now_utc();
        record_master(&mut conn, submitter, Kind::Product, &body, now).await?;
    }
    Ok(())
}
