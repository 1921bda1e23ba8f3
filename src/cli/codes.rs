//! `rootmark codes`.

use std::fs::{File, remove_file};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use time::OffsetDateTime;

use super::labels::Labels;
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
    /// Print labels for codes that were issued: a PDF with one for each, QR code, name, lot and dates on it.
    Labels(Labels),
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
    /// A new file to write them to, with --hidden for its owner's eyes alone; default: standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Codes {
    pub async fn run(&self, settings: &Settings) -> Result<Outcome, Failure> {
        let order = match self {
            Codes::Issue(order) => order,
            Codes::Labels(labels) => {
                let core = Core::open(settings, OpenAs::Command).await?;
                let result = labels.run(&core, settings).await;
                core.close().await;
                return result;
            }
        };
        let gtin = Gtin::parse(&order.gtin).map_err(|error| format!("--gtin: {error}"))?;
        let lot = order.lot.as_deref().map(Lot::parse).transpose();
        let lot = lot.map_err(|error| format!("--lot: {error}"))?;
        let core = Core::open(settings, OpenAs::Command).await?;
        let result = order.run(&core, settings, gtin, lot).await;
        core.close().await;
        result
    }
}

impl Issue {
    async fn run(
        &self,
        core: &Core,
        settings: &Settings,
        gtin: Gtin,
        lot: Option<Lot>,
    ) -> Result<Outcome, Failure> {
        // Opened first: codes that are issued and written nowhere would help nobody.
        let file = self.out.as_deref().map(|path| self.new_file(path));
        let file = file.transpose()?;
        let issued = match self.issue(core, gtin, lot).await {
            Ok(Some(issued)) => issued,
            nothing => {
                if let Some(path) = &self.out
                    && let Err(error) = remove_file(path)
                {
                    eprintln!("{}, which is empty, stays: {error}", path.display());
                }
                nothing?;
                return Ok(Outcome::No);
            }
        };
        let url = settings.public_url(settings.listen);
        let written = match &file {
            Some(file) => {
                write_links(file, &core.keys.codes, &url, &issued).and_then(|()| file.sync_all())
            }
            None => write_links(std::io::stdout(), &core.keys.codes, &url, &issued),
        };
        let (gtin, first) = (issued.gtin, issued.first_number);
        written.map_err(|error| {
            let place = self.out.as_deref().unwrap_or(Path::new("standard output"));
            let place = place.display();
            format!(
                "{place}: {error}. The codes are issued, and not all of them are written there: \
                 GET /api/code-ranges/{gtin}/{first}/codes lists them"
            )
        })?;
        let last = first + (issued.quantity - 1);
        eprintln!("issued: GTIN {gtin}, numbers {first} to {last}");
        Ok(Outcome::Yes)
    }

    async fn issue(
        &self,
        core: &Core,
        gtin: Gtin,
        lot: Option<Lot>,
    ) -> Result<Option<IssuedCodes>, Failure> {
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
        match issue(&mut conn, &order, OffsetDateTime::now_utc()).await {
            Ok(issued) => Ok(Some(issued)),
            Err(CodeError::Store(error)) => Err(error.into()),
            Err(error) => {
                println!("REFUSED: {error}");
                Ok(None)
            }
        }
    }

    fn new_file(&self, path: &Path) -> Result<File, Failure> {
        let mut options = File::options();
        // A list that is there may be the only one of other codes.
        options.write(true).create_new(true);
        // What buyers are to be the first to know is read by nobody else on this machine.
        if self.hidden {
            options.mode(0o600);
        }
        let file = options.open(path).map_err(|error| {
            let said = match error.kind() {
                ErrorKind::AlreadyExists => {
                    "there is such a file already; nothing was issued".into()
                }
                _ => error.to_string(),
            };
            format!("{}: {said}", path.display())
        })?;
        Ok(file)
    }
}

fn write_links(
    out: impl Write,
    key: &CodeKey,
    url: &str,
    issued: &IssuedCodes,
) -> std::io::Result<()> {
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
