//! `rootmark key`: API keys of merchants, and the keys that the log signs with.

use std::path::PathBuf;

use auditlog::keys::LogKey;
use auditlog::note::{Verifier, fingerprint};
use clap::{Args, Subcommand};
use serde_json::json;
use time::OffsetDateTime;

use super::merchant::AddKey;
use super::{Failure, Outcome, print_out};
use crate::app::rotation::{MAX_OVERLAP, Rotated, RotationOrder, rotate};
use crate::app::{Core, OpenAs, SealingError, new_key_file};
use crate::config::Settings;
use crate::store::log_head::log_head;

/// Make API keys, and look after the keys that the log signs with.
#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Make an API key and print it; it is shown this once.
    Add(AddKey),
    /// Make a signing key for a log in a file of its own, and print its public half.
    New(NewKey),
    /// Show the log's keys and the sizes at which each signs; never a secret.
    Show {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Change the log's key; both keys sign for a while.
    Rotate(RotateKey),
}

/// Make a signing key for a log in a file of its own, and print its public half.
#[derive(Debug, Args)]
pub(super) struct NewKey {
    /// The log's name; the next key of a log bears the same. Default: a random one. The key of its
    /// story notes is named the same with /story at its end.
    #[arg(long, value_name = "ORIGIN")]
    name: Option<String>,
    /// The file, which must not exist; only its owner can read it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Change the log's key; both keys sign for a while.
#[derive(Debug, Args)]
pub(super) struct RotateKey {
    /// Entries for which both keys sign, so that witnesses and verifiers who know only the old one
    /// can take up the new. 0 where the old key is stolen.
    #[arg(long, value_name = "ENTRIES", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(0..=MAX_OVERLAP))]
    overlap: u64,
    /// The next key, made with `rootmark key new`; default: a fresh one in the data folder.
    #[arg(long, value_name = "FILE")]
    new_key: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Key {
    pub async fn run(&self, settings: &Settings) -> Result<Outcome, Failure> {
        let core = Core::open(settings, OpenAs::Command).await?;
        let result = match self {
            Key::Add(add) => add.add(&core).await,
            Key::Show { json } => show(&core, *json).await,
            Key::Rotate(order) => order.rotate(&core).await,
            Key::New(new) => new.run(),
        };
        core.close().await;
        result
    }
}

impl NewKey {
    /// Needs no settings, no database and no data folder: it may run on another machine.
    pub fn run(&self) -> Result<Outcome, Failure> {
        let key = new_key_file(&self.out, self.name.as_deref())?;
        println!("{}", key.format());
        Ok(Outcome::Yes)
    }
}

async fn show(core: &Core, as_json: bool) -> Result<Outcome, Failure> {
    let mut conn = core.database.sealer.acquire().await?;
    let head = log_head(&mut conn).await?.ok_or("the log has no head")?;
    let keys = head.log_keys()?;
    let size = head.tree.size;
    let story = Verifier::parse(&head.story_vkey)?;
    let fingerprint = fingerprint(&keys.newest().verifier, &story);
    if as_json {
        let row = |key: &LogKey| {
            let until = key.until.map(|until| until.0);
            json!({
                "vkey": key.verifier.format(),
                "from_tree_size": key.from.0,
                "until_tree_size": until,
            })
        };
        let rows: Vec<_> = keys.all().iter().map(row).collect();
        let (origin, story) = (&head.origin, &head.story_vkey);
        let object = json!({ "origin": origin, "tree_size": size.0, "keys": rows, "story_vkey": story,
                "fingerprint": fingerprint });
        print_out(&format!("{object}\n"))?;
        return Ok(Outcome::Yes);
    }
    let mut told = format!("The log {} has {size} entries.\n", head.origin);
    for key in keys.all() {
        let (vkey, from) = (key.verifier.format(), key.from);
        let until = key
            .until
            .map_or_else(|| "on".to_owned(), |until| format!("to {until}"));
        told += &format!("{vkey}  signs from {from} {until}\n");
    }
    told += &format!("{}  signs story notes\n", head.story_vkey);
    told += &format!("{fingerprint}  is their fingerprint, to be printed on packs\n");
    print_out(&told)?;
    Ok(Outcome::Yes)
}

/// Publishes the change, and a checkpoint that both keys signed, by which those go on who know only one
/// of them.
async fn take_effect(core: &Core) -> Result<(), SealingError> {
    let mut sealer = core.sealer();
    sealer.publish().await?;
    if core.key_places.holds_log_key() {
        sealer.seal_once(OffsetDateTime::now_utc(), true).await?;
    }
    Ok(())
}

impl RotateKey {
    async fn rotate(&self, core: &Core) -> Result<Outcome, Failure> {
        let order = RotationOrder {
            overlap: self.overlap,
            new_key: self.new_key.as_deref(),
        };
        let rotated = rotate(core, order).await?;
        self.print(&rotated);
        // The key is changed, whatever comes of the rest: a service beside us or the next start does it
        // as well. A service may also be faster, and then our seal loses the race.
        if let Err(error) = take_effect(core).await {
            tracing::warn!(%error, "the change will be public with the next seal");
        }
        Ok(Outcome::Yes)
    }

    fn print(&self, rotated: &Rotated) {
        let rotation = &rotated.rotation;
        let (old, new) = (rotation.old.format(), rotation.new.format());
        let (from, until) = (rotation.from, rotation.until);
        if self.json {
            let object = json!({
                "old_vkey": old, "new_vkey": new, "from_tree_size": from.0,
                "until_tree_size": until.0, "file": rotated.file,
            });
            println!("{object}");
            return;
        }
        println!("The log's key is now {new}");
        println!("It signs from {from} entries on; {old} signs beside it up to {until}.");
        match &rotated.file {
            Some(file) => println!("Back it up, now: {}", file.display()),
            None => println!(
                "Nothing is sealed until you set ROOTMARK_LOG_KEY_FILE or ROOTMARK_LOG_KEY_COMMAND \
                 to the new key, and ROOTMARK_OLD_LOG_KEY_FILE or ROOTMARK_OLD_LOG_KEY_COMMAND to \
                 the old one, and start the service again."
            ),
        }
    }
}
