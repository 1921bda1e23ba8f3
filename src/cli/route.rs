//! `rootmark route`: the steps and papers that are expected of a product, as files.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Failure, Outcome, read_file};
use crate::domain::route::{file, from_toml, names, toml_as_json};

/// The steps and papers that are expected of a product: those that come with the service, and your own.
#[derive(Debug, Subcommand)]
pub(super) enum Route {
    /// List the routes that come with the service.
    List,
    /// Print one as a file, to begin your own from.
    Show {
        /// Its name, such as formulaGeneralTrade.
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(names()))]
        name: String,
    },
    /// Check a file of your own, and print it as a product's `route` takes it.
    Check {
        /// The file (TOML).
        file: PathBuf,
    },
}

impl Route {
    pub fn run(self) -> Result<Outcome, Failure> {
        match self {
            Route::List => {
                for name in names() {
                    println!("{name}");
                }
            }
            Route::Show { name } => print!("{}", file(&name).unwrap_or_default()),
            Route::Check { file } => {
                let text = String::from_utf8(read_file(&file)?)
                    .map_err(|_| format!("{}: is not UTF-8", file.display()))?;
                if let Err(fault) = from_toml(&text) {
                    println!("NO: {}: {fault}", file.display());
                    return Ok(Outcome::No);
                }
                println!("{}", toml_as_json(&text)?);
            }
        }
        Ok(Outcome::Yes)
    }
}
