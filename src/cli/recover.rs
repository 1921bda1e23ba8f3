//! `rootmark recover`.

use std::path::Path;

use auditlog::keys::{KeyHistory, LogKeys};
use auditlog::note::Verifier;
use clap::Args;
use serde_json::json;

use super::progress::Progress;
use super::{Failure, Outcome, counted};
use crate::app::{Core, OpenAs};
use crate::config::Settings;
use crate::domain::time::timestamp;
use crate::public::KEYS;
use crate::recover::{Recovered, recover};

/// Take the log's head and entries back from the public files, after an old database was restored.
///
/// Everything public is verified first, and nothing is signed. Statements made after the backup are
/// lost, and every one of them is named by its index.
#[derive(Debug, Args)]
pub(super) struct Recover {
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Recover {
    pub async fn run(&self, settings: &Settings) -> Result<Outcome, Failure> {
        let core = Core::open(settings, OpenAs::Command).await?;
        let result = self.recover(&core).await;
        core.close().await;
        result
    }

    async fn recover(&self, core: &Core) -> Result<Outcome, Failure> {
        let folder = core.public_log.folder();
        let keys = keys(folder, core.keys.log.verifier())?;
        let mut conn = core.database.sealer.acquire().await?;
        let mut bar: Option<Progress> = None;
        let mut before = 0;
        let progress = |done, total| {
            let bar = bar.get_or_insert_with(|| Progress::new("reading entries", total));
            bar.add(done - before);
            before = done;
        };
        let recovered = recover(&mut conn, folder, &keys, self.dry_run, progress).await?;
        if let Some(bar) = bar {
            bar.finish();
        }
        if self.json {
            println!("{}", self.as_json(recovered.as_ref()));
        } else {
            print!("{}", self.in_words(recovered.as_ref()));
        }
        Ok(Outcome::Yes)
    }

    fn as_json(&self, recovered: Option<&Recovered>) -> serde_json::Value {
        let Some(recovered) = recovered else {
            return json!({ "behind": false });
        };
        let ranges = recovered.lost.iter();
        let lost: Vec<_> = ranges.map(|r| json!([r.start, r.end - 1])).collect();
        json!({
            "behind": true,
            "changed": !self.dry_run,
            "from_tree_size": recovered.from.0,
            "tree_size": recovered.to.0,
            "seals": recovered.seals,
            "found": recovered.found,
            "lost_count": recovered.lost_count(),
            "lost": lost,
            "lost_from": recovered.lost_between.map(|(first, _)| timestamp(first).to_string()),
            "lost_until": recovered.lost_between.map(|(_, last)| timestamp(last).to_string()),
        })
    }

    fn in_words(&self, recovered: Option<&Recovered>) -> String {
        let Some(recovered) = recovered else {
            return "The database is not behind the public log: nothing to take back.\n".to_owned();
        };
        let Recovered {
            from,
            to,
            seals,
            found,
            lost,
            lost_between,
        } = recovered;
        let mut out = format!(
            "The log goes on from {to} entries, where the public files have it; the database had \
             {from}.\nTaken back: {}. Statements that waited in the database and have their places now: {found}.\n",
            counted(*seals, "seal"),
        );
        if let Some((first, last)) = lost_between {
            let (first, last) = (timestamp(*first), timestamp(*last));
            out.push_str(&format!(
                "The content of {} entries is lost, captured from {first} to {last}:\n",
                recovered.lost_count()
            ));
            for range in lost {
                match range.end - range.start {
                    1 => out.push_str(&format!("  {}\n", range.start)),
                    _ => out.push_str(&format!("  {} to {}\n", range.start, range.end - 1)),
                }
            }
            out.push_str(
                "Ask for what was sent in that time to be sent again: it is captured anew. Do not \
                 issue item codes for a GTIN before the orders of that time are known: a code range \
                 that was lost would be issued a second time.\n",
            );
        }
        if self.dry_run {
            out.push_str("Nothing was changed: this was a dry run.\n");
        } else {
            out.push_str("Run `rootmark check`, then start the service again.\n");
        }
        out
    }
}

/// The keys that the log has had, among which must be ours: else the folder is another log's.
fn keys(folder: &Path, own: &Verifier) -> Result<LogKeys, Failure> {
    let path = folder.join(KEYS);
    let history = std::fs::read_to_string(&path);
    let history = history.map_err(|error| format!("{}: {error}", path.display()))?;
    let history = KeyHistory::parse(&history)?;
    if history.log.contains(own) {
        Ok(history.log)
    } else {
        Err(format!("{}: the log's key is none of these", path.display()).into())
    }
}
