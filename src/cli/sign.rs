//! `rootmark sign`: a party's own signature over what it says, made in the party's own system.

use std::path::PathBuf;

use auditlog::json::{self, Value};
use auditlog::note::NoteSigner;
use auditlog::statement::content_text;
use clap::{Args, Subcommand, ValueEnum};

use super::{Failure, Outcome, read_file};
use crate::capture::{content_to_sign, sign};
use crate::domain::epcis::{read_document, read_single_event_document};
use crate::domain::gs1::Identity;
use crate::domain::master;
use crate::domain::signed::MAX_STATEMENTS;
use crate::domain::statement::Kind;

/// Sign statements with a party's own key: no merchant and no operator can change them, or say them in its name.
#[derive(Debug, Subcommand)]
pub(super) enum Sign {
    /// Sign the events of an EPCIS document, or one event that has its own @context.
    Events(File),
    /// Sign the description of a product, a party or a document, a link or a recall.
    Statement(Statement),
}

/// What is signed, by whom.
#[derive(Debug, Args)]
pub(super) struct File {
    /// The JSON file.
    file: PathBuf,
    /// The key's file, made with `rootmark key new`.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The party that says it: its Digital Link, /417/...
    #[arg(long, value_name = "DIGITAL_LINK")]
    issuer: String,
}

/// What is signed, and what kind of statement it is.
#[derive(Debug, Args)]
pub(super) struct Statement {
    /// What kind of statement.
    kind: Described,
    #[command(flatten)]
    file: File,
}

/// Statements that are no events.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Described {
    Product,
    Party,
    Document,
    Link,
    Recall,
}

impl Sign {
    pub fn run(self) -> Result<Outcome, Failure> {
        match self {
            Sign::Events(file) => file.sign(|text, issuer| {
                let value = json::parse(text)?;
                events(&value, issuer)
            }),
            Sign::Statement(Statement { kind, file }) => {
                file.sign(|text, issuer| Ok(vec![described(kind, text, issuer)?]))
            }
        }
    }
}

impl File {
    /// Signs each content that `contents` makes of the file, and prints the file for `/api/signed-statements`.
    fn sign(
        &self,
        contents: impl FnOnce(&str, &str) -> Result<Vec<String>, Failure>,
    ) -> Result<Outcome, Failure> {
        let issuer = match Identity::parse(&self.issuer) {
            Ok(issuer @ Identity::Party { .. }) => issuer.canonical(),
            _ => return Err("--issuer: must be a party, /417/...".into()),
        };
        let key = String::from_utf8(read_file(&self.key)?)
            .map_err(|_| format!("{}: is no key", self.key.display()))?;
        // The key's own text is never repeated.
        let signer = NoteSigner::parse(key.trim_end())
            .map_err(|_| format!("{}: is no key", self.key.display()))?;
        let named = |error: Failure| format!("{}: {error}", self.file.display());
        let text =
            String::from_utf8(read_file(&self.file)?).map_err(|_| named("is not UTF-8".into()))?;
        let contents = contents(&text, &issuer).map_err(named)?;
        if contents.len() > MAX_STATEMENTS {
            return Err(named(format!("has more than {MAX_STATEMENTS} events").into()).into());
        }
        print!("{}", sign(&contents, &signer)?);
        Ok(Outcome::Yes)
    }
}

/// The contents of a document's events, or of one event.
fn events(value: &Value<'_>, issuer: &str) -> Result<Vec<String>, Failure> {
    let is_document = value.get("epcisBody").is_some();
    let document = match is_document {
        true => read_document(value)?,
        false => read_single_event_document(value)?,
    };
    let content = |(place, event)| {
        content_to_sign(event, document.context, issuer)
            .map_err(|fault| -> Failure { format!("event {place}: {fault}").into() })
    };
    document.events.iter().enumerate().map(content).collect()
}

fn described(kind: Described, text: &str, issuer: &str) -> Result<String, Failure> {
    let kind = match kind {
        Described::Product => Kind::Product,
        Described::Party => Kind::Party,
        Described::Document => Kind::Document,
        Described::Link => Kind::Link,
        Described::Recall => Kind::Recall,
    };
    let value = json::parse(text)?;
    master::check(kind, &value)?;
    Ok(content_text(&value.to_compact(), issuer, kind.as_str()))
}
