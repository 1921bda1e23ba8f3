//! `rootmark codes`.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use time::OffsetDateTime;

use super::progress::Progress;
use super::{Failure, Outcome};
use crate::app::merchants::acting_merchant;
use crate::app::{Core, OpenAs};
use crate::codes::{CodeError, CodeOrder, IssuedCodes, issue, lines};
use crate::config::Settings;
use crate::domain::code::CodeKey;
use crate::domain::gs1::{Gtin, Lot};

/// Issue item codes.
#[derive(Debug, Subcommand)]
pub(super) enum Codes {
    /// Issue codes for a lot, and write their addresses, one a line.
    Issue(Issue),
}

/// Issue codes for a lot, and write their addresses, one a line.
#[derive(Debug, Args)]
pub(super) struct Issue {
    /// The product, which the merchant must have described.
    #[arg(long)]
    gtin: String,
    /// The lot.
    #[arg(long)]
    lot: Option<String>,
    /// How many.
    #[arg(long)]
    quantity: u32,
    /// Each pack bears a hidden code, too: it is written behind a comma.
    #[arg(long)]
    hidden: bool,
    /// The merchant, by name or id; may be left out if there is only one.
    #[arg(long)]
    merchant: Option<String>,
    /// Where to write them; default: standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Codes {
    pub async fn run(&self, settings: &Settings) -> Result<Outcome, Failure> {
        let Codes::Issue(order) = self;
        let gtin = Gtin::parse(&order.gtin).map_err(|error| format!("--gtin: {error}"))?;
        let lot = order.lot.as_deref().map(Lot::parse).transpose();
        let lot = lot.map_err(|error| format!("--lot: {error}"))?;
        let core = Core::open(settings, OpenAs::Command).await?;
        let result = order.issue(&core, settings, gtin, lot).await;
        core.close().await;
        result
    }
}

impl Issue {
    async fn issue(
        &self,
        core: &Core,
        settings: &Settings,
        gtin: Gtin,
        lot: Option<Lot>,
    ) -> Result<Outcome, Failure> {
        // Opened first: codes that are issued and written nowhere would help nobody.
        let out = self.open()?;
        let merchant = acting_merchant(&core.database, self.merchant.as_deref()).await?;
        let order = CodeOrder {
            merchant_id: merchant.id,
            issuer: &merchant.issuer,
            gtin,
            lot,
            quantity: self.quantity,
            has_hidden: self.hidden,
        };
        let mut conn = core.database.capture.acquire().await?;
        let issued = match issue(&mut conn, &order, OffsetDateTime::now_utc()).await {
            Ok(issued) => issued,
            Err(CodeError::Store(error)) => return Err(error.into()),
            Err(error) => {
                println!("REFUSED: {error}");
                return Ok(Outcome::No);
            }
        };
        let url = settings.public_url(settings.listen);
        write_links(out, &core.keys.codes, &url, &issued)?;
        Ok(Outcome::Yes)
    }

    fn open(&self) -> Result<Box<dyn Write>, Failure> {
        let Some(path) = &self.out else {
            return Ok(Box::new(std::io::stdout()));
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // What buyers are to be the first to know is read by nobody else on this machine.
        if self.hidden {
            options.mode(0o600);
        }
        let file = options.open(path);
        Ok(Box::new(
            file.map_err(|error| format!("{}: {error}", path.display()))?,
        ))
    }
}

fn write_links(
    out: Box<dyn Write>,
    key: &CodeKey,
    url: &str,
    issued: &IssuedCodes,
) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(out);
    let mut progress = Progress::new("writing codes", u64::from(issued.quantity));
    for line in lines(key, issued, url.to_owned()) {
        out.write_all(line.as_bytes())?;
        progress.add(1);
    }
    out.flush()?;
    progress.finish();
    Ok(())
}
