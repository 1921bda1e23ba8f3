//! `rootmark audit`: a log held to account from its public files alone.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use auditlog::note::Verifier;
use auditlog::policy::Policy;
use clap::Args;
use serde_json::{Value, json};

use super::progress::Progress;
use super::{Failure, Outcome, counted, read_file};
use crate::audit::{
    AuditError, AuditOrder, Audited, Folder, MAX_STATE_BYTES, Place, Server, State, audit,
};
use crate::domain::time::unix;
use crate::public::{self, PublicFile};

/// How often a long audit writes down how far it is.
const SAVE_INTERVAL: Duration = Duration::from_secs(5);

/// Compute a public log again from its files alone: every hash, every checkpoint, every link.
///
/// Needs nothing from the operator but the log's address or a copy of its files. With --state it also
/// shows that the log still extends what it was at the last audit, and goes on from there.
#[derive(Debug, Args)]
pub(super) struct Audit {
    /// The log's address, below which its `checkpoint` is: https://trace.example.org/log
    #[arg(long, value_name = "URL", required_unless_present = "dir")]
    url: Option<String>,
    /// A copy of the log's public folder.
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    dir: Option<PathBuf>,
    /// The log's key, from a place that you trust more than the log.
    #[arg(long, value_name = "KEY")]
    vkey: String,
    /// Where to remember what was verified. Made at the first audit.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Read everything again, though a state says that it was verified.
    #[arg(long)]
    full: bool,
    /// Which witnesses must have cosigned the checkpoint (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub async fn run(&self) -> Result<Outcome, Failure> {
        let place = match (&self.url, &self.dir) {
            (Some(url), _) => Place::Server(Server::new(url)?),
            (None, Some(dir)) if dir.is_dir() => Place::Folder(Folder(dir.clone())),
            (None, Some(dir)) => return Err(format!("{} is no folder", dir.display()).into()),
            (None, None) => return Err("give --url or --dir".into()),
        };
        let key = Verifier::parse(self.vkey.trim());
        let policy = self.policy.as_ref().map(read_file).transpose()?;
        let order = AuditOrder {
            key: key.map_err(|error| format!("--vkey: {error}"))?,
            state: self.state.as_deref().map(read_state).transpose()?.flatten(),
            full: self.full,
            policy: policy.map(|bytes| Policy::parse(&bytes)).transpose()?,
        };
        let mut bar: Option<Progress> = None;
        let mut before = 0;
        let mut saved = Instant::now();
        let mut failed = None;
        let result = audit(place, order, |progress| {
            let bar = bar.get_or_insert_with(|| Progress::new("reading entries", progress.total));
            bar.add(progress.done - before);
            before = progress.done;
            // A second reading of what was verified must not forget how far that was.
            if saved.elapsed() >= SAVE_INTERVAL && !self.full {
                failed = self.save(&progress.state()).err();
                saved = Instant::now();
            }
        });
        let result = result.await;
        if let Some(bar) = bar {
            bar.finish();
        }
        if let Some(error) = failed {
            return Err(error);
        }
        self.tell(result)
    }

    fn save(&self, state: &State) -> Result<(), Failure> {
        let Some(path) = &self.state else {
            return Ok(());
        };
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let name = path.file_name().ok_or("--state names no file")?;
        let file = PublicFile::new(name, state.format());
        public::write(folder.unwrap_or(Path::new(".")), &[file])?;
        Ok(())
    }

    fn tell(&self, result: Result<(Audited, State), AuditError>) -> Result<Outcome, Failure> {
        let wrong = match result {
            Ok((audited, state)) => {
                self.save(&state)?;
                if self.json {
                    println!("{}", as_json(&audited));
                } else {
                    print!("{}", in_words(&audited));
                }
                return Ok(Outcome::Yes);
            }
            Err(AuditError::Wrong(finding)) => (
                format!("WRONG: {finding}\n"),
                json!({ "valid": false, "error": finding.to_string() }),
            ),
            Err(AuditError::Forked(fork)) => (
                format!(
                    "{fork}. Keep both of these checkpoints: both are signed by the log's key, and \
                     together they prove it. The state file is left as it is.\n\nSeen before:\n{}\n\
                     Served now:\n{}",
                    fork.seen, fork.served
                ),
                json!({
                    "valid": false,
                    "fork": true,
                    "error": fork.what,
                    "seen": fork.seen,
                    "served": fork.served,
                }),
            ),
            Err(error) => return Err(error.into()),
        };
        let (words, value): (String, Value) = wrong;
        if self.json {
            println!("{value}");
        } else {
            print!("{words}");
        }
        Ok(Outcome::No)
    }
}

/// What was remembered; none before the first audit.
fn read_state(path: &Path) -> Result<Option<State>, Failure> {
    let at = |fault: &dyn std::fmt::Display| format!("{}: {fault}", path.display());
    let length = match std::fs::metadata(path) {
        Ok(file) => file.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(&error).into()),
    };
    if length > MAX_STATE_BYTES as u64 {
        return Err(at(&"too long for a state").into());
    }
    let text = std::fs::read_to_string(path).map_err(|error| at(&error))?;
    Ok(Some(State::parse(&text).map_err(|error| at(&error))?))
}

fn in_words(audited: &Audited) -> String {
    let Audited {
        origin,
        last,
        from,
        seals,
        lag,
        witnesses,
    } = audited;
    let size = last.head.size;
    let mut out = format!(
        "OK: every hash and every checkpoint holds.\n\
         log         {origin}\n\
         entries     {size}, of which {from} had been verified before\n\
         seals       {seals} read, up to seal {}\n\
         sealed at   {} (the operator's word)\n",
        last.seal, last.sealed_at
    );
    if *lag > 0 {
        out.push_str(&format!(
            "checkpoint  {} behind: it waits for its witnesses\n",
            counted(*lag, "seal")
        ));
    }
    match witnesses {
        None => out.push_str("witnesses   not asked for: give --policy\n"),
        Some(witnesses) => {
            for witness in witnesses {
                let (name, time) = (&witness.name, unix(witness.time));
                out.push_str(&format!("witness     {name}, at {time}\n"));
            }
        }
    }
    out
}

fn as_json(audited: &Audited) -> Value {
    let witness = |w: &auditlog::policy::Witnessed| json!({ "name": w.name, "time": w.time });
    json!({
        "valid": true,
        "origin": audited.origin,
        "tree_size": audited.last.head.size.0,
        "root": audited.last.head.root.to_base64(),
        "verified_before": audited.from.0,
        "seal": audited.last.seal,
        "seals_read": audited.seals,
        "sealed_at": audited.last.sealed_at.as_str(),
        "checkpoint_lag": audited.lag,
        "witnesses": audited.witnesses.as_ref().map(|all| all.iter().map(witness).collect::<Vec<_>>()),
    })
}
