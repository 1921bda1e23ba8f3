//! `rootmark verify`: a proof bundle, checked without any server.

use std::path::PathBuf;

use auditlog::bundle::{KeysFrom, Trust, Verified, verify};
use auditlog::note::Verifier;
use clap::Args;
use serde_json::json;

use super::{Failure, Outcome, read_file};

/// Bytes of a bundle or an anchor file.
const MAX_FILE_BYTES: usize = 256 * 1024 * 1024;

/// Verify a proof bundle without any server.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The bundle.
    bundle: PathBuf,
    /// The log's key, from a place that you trust; without it only consistency is checked.
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
    /// The key of the log's story notes, likewise.
    #[arg(long, value_name = "KEY")]
    story_vkey: Option<String>,
    /// The anchor file: also checks when the bundle's checkpoint was sealed, and its place in the
    /// order of all checkpoints.
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub fn run(&self) -> Result<Outcome, Failure> {
        let bytes = limited(&self.bundle)?;
        let anchors = self.anchors.as_ref().map(limited).transpose()?;
        let anchors = anchors
            .map(|bytes| String::from_utf8(bytes).map_err(|_| "the anchor file is not UTF-8 text"))
            .transpose()?;
        let log = parse_key("--vkey", self.vkey.as_deref())?;
        let story = parse_key("--story-vkey", self.story_vkey.as_deref())?;
        let trust = Trust {
            log: log.as_ref(),
            story: story.as_ref(),
            anchors: anchors.as_deref(),
            ..Trust::default()
        };
        match verify(&bytes, &trust) {
            Ok(verified) => {
                if self.json {
                    println!("{}", as_json(&verified));
                } else {
                    print!("{}", in_words(&verified));
                }
                Ok(Outcome::Yes)
            }
            Err(error) => {
                if self.json {
                    println!("{}", json!({ "valid": false, "error": error.to_string() }));
                } else {
                    println!("WRONG: {error}");
                }
                Ok(Outcome::No)
            }
        }
    }
}

fn limited(path: &PathBuf) -> Result<Vec<u8>, Failure> {
    let size = std::fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
    if size.len() > MAX_FILE_BYTES as u64 {
        return Err(format!("{} is larger than {MAX_FILE_BYTES} bytes", path.display()).into());
    }
    read_file(path)
}

fn parse_key(flag: &str, text: Option<&str>) -> Result<Option<Verifier>, Failure> {
    let parse = |text: &str| {
        Verifier::parse(text.trim()).map_err(|error| format!("{flag}: {error}").into())
    };
    text.map(parse).transpose()
}

fn in_words(verified: &Verified) -> String {
    let Verified {
        subject,
        origin,
        size,
        sealed_at,
        statements,
        ..
    } = verified;
    let keys = match verified.keys {
        KeysFrom::Verifier => "OK: verified with the keys that you gave.",
        KeysFrom::Bundle => {
            "CONSISTENT, but the keys are the bundle's own: this does not show who made it. Give \
             --vkey and --story-vkey from a place that you trust."
        }
    };
    let sealed = if verified.anchored {
        "the anchor file holds this seal; its time is the operator's word"
    } else {
        "the operator's word, not checked without --anchors"
    };
    let count = statements.len();
    format!(
        "{keys}\n\
         subject     {subject}\n\
         log         {origin}\n\
         statements  {count}: all that the operator claims to hold at size {size}\n\
         sealed at   {sealed_at} ({sealed})\n\
         withheld    {} fields named and not shown, {} subtrees not named\n",
        verified.withheld(),
        verified.unnamed(),
    )
}

fn as_json(verified: &Verified) -> serde_json::Value {
    let statements: Vec<_> = verified
        .statements
        .iter()
        .map(|statement| {
            json!({
                "index": statement.index.0,
                "recorded": statement.recorded.as_str(),
                "kind": statement.kind,
                "issuer": statement.issuer,
                "signer": statement.signer,
            })
        })
        .collect();
    json!({
        "valid": true,
        "keys_from": match verified.keys {
            KeysFrom::Verifier => "verifier",
            KeysFrom::Bundle => "bundle",
        },
        "subject": verified.subject,
        "origin": verified.origin,
        "tree_size": verified.size.0,
        "sealed_at": verified.sealed_at.as_str(),
        "anchored": verified.anchored,
        "withheld": verified.withheld(),
        "unnamed": verified.unnamed(),
        "statements": statements,
    })
}
