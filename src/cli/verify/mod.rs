//! `rootmark verify`: a proof bundle or a proof of one statement, checked without any server.

mod report;

use std::path::PathBuf;

use auditlog::bundle::{self, Trust};
use auditlog::evidence;
use auditlog::keys::KeyHistory;
use auditlog::note::Verifier;
use auditlog::policy::Policy;
use auditlog::statement_proof::{self, is_tlog_proof};
use clap::Args;
use serde_json::{Value, json};

use super::{Failure, Outcome, read_file};

/// Bytes of a bundle, a proof or an anchor file.
const MAX_FILE_BYTES: usize = 256 * 1024 * 1024;
/// A policy and a history of keys have limits of their own: one byte more is read, so that these
/// are what is said.
const MAX_TRUST_BYTES: usize = 1024 * 1024 + 1;

/// Verify a proof without any server: a bundle, or one statement as a C2SP .tlog-proof.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The bundle, or the .tlog-proof file.
    #[arg(required_unless_present = "evidence")]
    proof: Option<PathBuf>,
    /// A file of evidence that a phone has saved: whether the log has signed two histories. Exit 0 if it is proven.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["proof", "story_vkey", "anchors"])]
    evidence: Option<PathBuf>,
    /// The log's key, from a place that you trust; without it, or a policy that names the log, only
    /// a bundle's consistency is checked.
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
    /// The key of the log's story notes, likewise.
    #[arg(long, value_name = "KEY")]
    story_vkey: Option<String>,
    /// The anchor file: also checks when the bundle's checkpoint was sealed, and its place in the
    /// order of all checkpoints.
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
    /// A C2SP tlog-policy: the logs that you trust, and the witnesses that must have cosigned.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The log's keys.jsonl: leads from the key that you trust to the one that signed.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was found, in both forms.
struct Report {
    words: String,
    json: Value,
}

impl Verify {
    pub fn run(&self) -> Result<Outcome, Failure> {
        let anchors = self.anchors.as_ref();
        let anchors = anchors
            .map(|path| text_of(path, MAX_FILE_BYTES))
            .transpose()?;
        let keys = self.keys.as_ref().map(read_keys).transpose()?;
        let policy = self.policy.as_ref().map(read_policy).transpose()?;
        let log = parse_key("--vkey", self.vkey.as_deref())?;
        let story = parse_key("--story-vkey", self.story_vkey.as_deref())?;
        let trust = Trust {
            log: log.as_ref(),
            story: story.as_ref(),
            anchors: anchors.as_deref(),
            keys: keys.as_ref(),
            policy: policy.as_ref(),
        };
        if let Some(path) = &self.evidence {
            let bytes = limited(path, MAX_FILE_BYTES)?;
            return Ok(match evidence::judge(&bytes, &trust) {
                Ok(found) => self.print(Outcome::Yes, &report::of_evidence(&found)),
                Err(error) => self.print(Outcome::No, &report::of_no_evidence(&error)),
            });
        }
        let Some(proof) = &self.proof else {
            return Err("a proof, or --evidence".into());
        };
        let bytes = limited(proof, MAX_FILE_BYTES)?;
        let found = if is_tlog_proof(&bytes) {
            self.check_flags_of_one(&trust)?;
            statement_proof::verify(&bytes, &trust)
                .map(|verified| report::of_statement(&verified))
                .map_err(|error| error.to_string())
        } else {
            bundle::verify(&bytes, &trust)
                .map(|verified| report::of_bundle(&verified))
                .map_err(|error| error.to_string())
        };
        Ok(self.say(found))
    }

    fn say(&self, found: Result<Report, String>) -> Outcome {
        match found {
            Ok(report) => self.print(Outcome::Yes, &report),
            Err(error) => {
                let words = format!("WRONG: {error}\n");
                let json = json!({ "valid": false, "error": error });
                self.print(Outcome::No, &Report { words, json })
            }
        }
    }

    fn print(&self, outcome: Outcome, report: &Report) -> Outcome {
        if self.json {
            println!("{}", report.json);
        } else {
            print!("{}", report.words);
        }
        outcome
    }

    /// A proof of one statement has no key, no anchor line and no story note of its own.
    fn check_flags_of_one(&self, trust: &Trust<'_>) -> Result<(), Failure> {
        if !trust.names_log() {
            let why = "a .tlog-proof has no key of its own: give --vkey, or --policy with a log";
            return Err(why.into());
        }
        if self.anchors.is_some() || self.story_vkey.is_some() {
            let why = "a .tlog-proof has no anchor line and no story note: --anchors and \
                       --story-vkey check a bundle";
            return Err(why.into());
        }
        Ok(())
    }
}

fn limited(path: &PathBuf, max_bytes: usize) -> Result<Vec<u8>, Failure> {
    let size = std::fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
    if size.len() > max_bytes as u64 {
        return Err(format!("{} is larger than {max_bytes} bytes", path.display()).into());
    }
    read_file(path)
}

fn text_of(path: &PathBuf, max_bytes: usize) -> Result<String, Failure> {
    String::from_utf8(limited(path, max_bytes)?)
        .map_err(|_| format!("{} is not UTF-8 text", path.display()).into())
}

fn read_keys(path: &PathBuf) -> Result<KeyHistory, Failure> {
    let text = text_of(path, MAX_TRUST_BYTES)?;
    KeyHistory::parse(&text).map_err(|error| format!("--keys: {error}").into())
}

fn read_policy(path: &PathBuf) -> Result<Policy, Failure> {
    let bytes = limited(path, MAX_TRUST_BYTES)?;
    Policy::parse(&bytes).map_err(|error| format!("--policy: {error}").into())
}

fn parse_key(flag: &str, text: Option<&str>) -> Result<Option<Verifier>, Failure> {
    let parse = |text: &str| {
        Verifier::parse(text.trim()).map_err(|error| format!("{flag}: {error}").into())
    };
    text.map(parse).transpose()
}
