//! `rootmark codes labels`: issued codes as PDF.

use std::fs::{File, remove_file};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use clap::Args;
use labels::{Font, Line, Preset, Roll, Size, Stock};

use super::progress::Progress;
use super::{Failure, Outcome};
use crate::app::Core;
use crate::app::merchants::acting_merchant;
use crate::codes::issued;
use crate::codes::printed::{LabelWords, MAX_LABELS, print};
use crate::config::Settings;
use crate::domain::gs1::Gtin;
use crate::store::begin_for;

/// Print labels for codes that were issued: a PDF with one for each, QR code, name, lot and dates on it.
#[derive(Debug, Args)]
pub(super) struct Labels {
    /// The product.
    #[arg(long)]
    gtin: String,
    /// The number of the first code of the order, as it was told when they were issued.
    #[arg(long, value_name = "NUMBER")]
    first: u32,
    /// What they are printed on: a sheet of A4 by columns and rows (2x4, 2x7, 3x7, 3x8, 4x10, 5x13), or a roll by width and height of
    /// its labels in millimetres, such as roll:60x40.
    #[arg(long, value_parser = parse_stock, default_value = "3x8")]
    stock: Stock,
    /// The product's name, in Chinese.
    #[arg(long)]
    name: String,
    /// Its name in a second language.
    #[arg(long)]
    other_name: Option<String>,
    /// A line below it, such as 批号=L2611; again for more, at most 8.
    #[arg(long = "line", value_name = "CAPTION=VALUE", value_parser = parse_line)]
    lines: Vec<Line>,
    /// What stands above hidden codes, where the order has them.
    #[arg(long, default_value = "防伪码 · 刮开涂层")]
    hidden_caption: String,
    /// A font file that has the characters; default: one that the system has.
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
    /// The merchant, by name or id; may be left out if there is only one.
    #[arg(long)]
    merchant: Option<String>,
    /// A new file, which its owner alone can read.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

fn parse_line(text: &str) -> Result<Line, String> {
    let (caption, value) = text.split_once('=').ok_or("must be CAPTION=VALUE")?;
    Ok(Line::new(caption, value))
}

fn parse_stock(text: &str) -> Result<Stock, String> {
    let preset = match text {
        "2x4" => Some(Preset::TwoByFour),
        "2x7" => Some(Preset::TwoBySeven),
        "3x7" => Some(Preset::ThreeBySeven),
        "3x8" => Some(Preset::ThreeByEight),
        "4x10" => Some(Preset::FourByTen),
        "5x13" => Some(Preset::FiveByThirteen),
        _ => None,
    };
    if let Some(preset) = preset {
        return Stock::a4_grid(preset.grid()).map_err(|error| error.to_string());
    }
    let must_be = "must be 2x4, 2x7, 3x7, 3x8, 4x10, 5x13 or roll:WIDTHxHEIGHT in millimetres";
    let sides = text
        .strip_prefix("roll:")
        .and_then(|sides| sides.split_once('x'));
    let side = |text: &str| text.parse::<f32>().ok().filter(|side| side.is_finite());
    let sides = sides.and_then(|(width, height)| Some((side(width)?, side(height)?)));
    let (width_mm, height_mm) = sides.ok_or(must_be)?;
    let roll = Roll {
        label: Size {
            width_mm,
            height_mm,
        },
        dots_per_inch: None,
    };
    Stock::roll(roll).map_err(|error| error.to_string())
}

impl Labels {
    pub async fn run(&self, core: &Core, settings: &Settings) -> Result<Outcome, Failure> {
        let gtin = Gtin::parse(&self.gtin).map_err(|error| format!("--gtin: {error}"))?;
        let merchant = acting_merchant(&core.database, self.merchant.as_deref()).await?;
        let mut conn = core.database.capture.acquire().await?;
        let mut tx = begin_for(&mut conn, merchant.id).await?;
        let issued = issued(&mut tx, merchant.id, gtin, self.first).await?;
        tx.rollback().await?;
        let Some(issued) = issued else {
            println!(
                "REFUSED: no order of codes of {gtin} begins with number {}",
                self.first
            );
            return Ok(Outcome::No);
        };
        if u64::from(issued.quantity) > MAX_LABELS {
            println!("REFUSED: a file holds at most {MAX_LABELS} labels");
            return Ok(Outcome::No);
        }
        let font = match &self.font {
            Some(path) => Font::load(path, None),
            None => Font::discover(),
        };
        let font = font.map_err(|error| format!("--font: {error}"))?;
        let words = LabelWords {
            name: self.name.clone(),
            other_name: self.other_name.clone(),
            lines: self.lines.clone(),
            hidden_caption: self.hidden_caption.clone(),
        };
        let path = self.out.display();
        let mut options = File::options();
        // Hidden codes are read by nobody else on this machine, and a file that is there may be the only one of other codes.
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.out);
        let file = file.map_err(|error| format!("{path}: {error}"))?;
        let mut progress = Progress::new("printing labels", u64::from(issued.quantity));
        let url = settings.public_url(settings.listen);
        let codes = (&core.keys.codes, &issued, url.as_str());
        let printed = print(file, codes, (self.stock.clone(), words, &font), || {
            progress.add(1)
        });
        let printed = printed
            .map_err(Failure::from)
            .and_then(|file| Ok(file.sync_all()?));
        progress.finish();
        if let Err(error) = printed {
            if let Err(error) = remove_file(&self.out) {
                eprintln!("{path}, which is not whole, stays: {error}");
            }
            return Err(format!("{path}: {error}").into());
        }
        Ok(Outcome::Yes)
    }
}
