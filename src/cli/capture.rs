//! `rootmark capture`: EPCIS documents from files, through the same stage as the HTTP API.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use time::OffsetDateTime;

use super::progress::Progress;
use super::{Failure, Outcome, read_file};
use crate::app::merchants::acting;
use crate::app::{Core, OpenAs};
use crate::capture::capture_document;
use crate::config::Settings;
use crate::domain::capture_fault::ErrorBehaviour;

/// Capture EPCIS documents from files, as the HTTP API does.
#[derive(Debug, Args)]
pub(super) struct Capture {
    /// EPCIS 2.0 documents.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The merchant, by name or id; may be left out if there is only one.
    #[arg(long)]
    merchant: Option<String>,
    /// The party in whose name the events are recorded; default: the merchant's own.
    #[arg(long, value_name = "DIGITAL_LINK")]
    issuer: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Capture {
    pub async fn run(&self, settings: &Settings) -> Result<Outcome, Failure> {
        let core = Core::open(settings, OpenAs::Command).await?;
        let result = self.capture_all(&core).await;
        core.close().await;
        result
    }

    /// Each file is stored whole or not at all; one that is refused does not stop the others.
    async fn capture_all(&self, core: &Core) -> Result<Outcome, Failure> {
        let submitter = acting(
            &core.database,
            &core.keys.codes,
            self.merchant.as_deref(),
            self.issuer.as_deref(),
        )
        .await?;
        let mut conn = core.database.capture.acquire().await?;
        let mut progress = Progress::new("capturing", self.files.len() as u64);
        let (mut events, mut stored, mut refused) = (0i64, 0i64, Vec::new());
        for file in &self.files {
            let name = file.display().to_string();
            let Ok(text) = String::from_utf8(read_file(file)?) else {
                refused.push((name, vec!["it is not UTF-8 text".to_owned()]));
                continue;
            };
            let now = OffsetDateTime::now_utc();
            match capture_document(&mut conn, &submitter, text, ErrorBehaviour::Rollback, now).await
            {
                Ok(captured) => {
                    events += i64::from(captured.job.event_count);
                    stored += i64::from(captured.job.stored_count);
                }
                Err(crate::capture::CaptureError::Store(error)) => return Err(error.into()),
                Err(error) => refused.push((name, faults(&error))),
            }
            progress.add(1);
        }
        progress.finish();
        self.report(events, stored, &refused);
        Ok(if refused.is_empty() {
            Outcome::Yes
        } else {
            Outcome::No
        })
    }

    fn report(&self, events: i64, stored: i64, refused: &[(String, Vec<String>)]) {
        if self.json {
            let refused: Vec<_> = refused
                .iter()
                .map(|(file, faults)| json!({ "file": file, "faults": faults }))
                .collect();
            println!(
                "{}",
                json!({ "events": events, "stored": stored, "refused": refused })
            );
            return;
        }
        for (file, faults) in refused {
            println!("REFUSED: {file}: nothing of it was stored");
            for fault in faults {
                println!("  {fault}");
            }
        }
        println!("events captured: {events}, new: {stored}; the service seals them");
    }
}

fn faults(error: &crate::capture::CaptureError) -> Vec<String> {
    match error {
        crate::capture::CaptureError::Events(faults) => {
            faults.iter().map(ToString::to_string).collect()
        }
        other => vec![other.to_string()],
    }
}
