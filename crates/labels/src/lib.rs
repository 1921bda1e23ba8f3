//! Sheets and rolls of product labels, streamed as PDF.
//!
//! Every label bears a QR code with a GS1 Digital Link, the product name in one or two languages,
//! captioned lines such as lot and dates, the human-readable interpretation (HRI) of its element
//! strings and, if wished, a hidden code in a frame for a scratch layer.
//!
//! A job says what all labels share; it is checked and laid out once, and refused before anything
//! is written if the label cannot hold it. Labels are then pushed one by one; memory does not
//! grow with their number but for 16 bytes a page.
//!
//! ```no_run
//! use labels::{Font, Job, Label, Line, Preset, Sample, SampleElement, Sheets, Stock};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let job = Job {
//!     stock: Stock::a4_grid(Preset::ThreeByEight.grid())?,
//!     name: "五常有机大米".into(),
//!     other_name: Some("Wuchang organic rice".into()),
//!     lines: vec![Line::new("批号", "L2611")],
//!     hidden_caption: None,
//!     sample: Sample {
//!         address: "https://trace.example.org/01/09529990000018/10/L2611/21/PKS8R0HW09ZYG1XJ".into(),
//!         elements: vec![
//!             SampleElement::Fixed("(01)09529990000018".into()),
//!             SampleElement::Varying("(21)PKS8R0HW09ZYG1XJ".into()),
//!         ],
//!         hidden: None,
//!     },
//! };
//! let file = std::fs::File::create("labels.pdf")?;
//! let mut sheets = Sheets::begin(file, &job, &Font::discover()?)?;
//! sheets.push(&Label {
//!     address: "https://trace.example.org/01/09529990000018/10/L2611/21/7KQ40ZXP0000HAJ2",
//!     elements: &["(01)09529990000018", "(21)7KQ40ZXP0000HAJ2"],
//!     hidden: None,
//! })?;
//! sheets.finish()?;
//! # Ok(())
//! # }
//! ```

mod block;
mod code;
mod draw;
mod embed;
mod error;
mod font;
mod geometry;
mod glyphs;
mod hri;
mod job;
pub mod limits;
mod mask;
mod pdf;
mod place;
mod plan;
mod sheets;
mod stock;
mod text;
mod units;
mod wrap;

pub use error::{Field, FontError, JobError, LabelError, SheetsError, StockError, TextError};
pub use font::Font;
pub use job::{Job, Label, Line, Sample, SampleElement};
pub use sheets::Sheets;
pub use stock::{Grid, Preset, Roll, Stock, USUAL_PRINTER_BORDER_MM};
pub use units::Size;
