//! `rootmark check`.

use clap::Args;
use serde_json::json;

use super::progress::Progress;
use super::{Failure, Outcome, counted, print_out};
use crate::app::{Core, OpenAs};
use crate::check::{CheckOrder, MAX_FINDINGS, Report, check_with};
use crate::config::Settings;

/// Compare the database with the tiles and the anchor file: everything with everything.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// How many findings are listed before the check ends.
    #[arg(long, value_name = "N", default_value_t = MAX_FINDINGS as u64,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    max_findings: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub async fn run(&self, settings: &Settings) -> Result<Outcome, Failure> {
        let core = Core::open(settings, OpenAs::Command).await?;
        let result = self.check(&core, settings).await;
        core.close().await;
        result
    }

    async fn check(&self, core: &Core, settings: &Settings) -> Result<Outcome, Failure> {
        let mut conn = core.database.checker.acquire().await?;
        let mut bar: Option<Progress> = None;
        let order = CheckOrder {
            folder: core.public_log.folder(),
            witnesses: settings.witnesses.as_ref().map(|w| &w.policy),
            max_findings: self.max_findings as usize,
        };
        let report = check_with(&mut conn, order, |done, total| {
            bar.get_or_insert_with(|| Progress::new("checking statements", total))
                .add(done);
        })
        .await?;
        if let Some(bar) = bar {
            bar.finish();
        }
        let printed = print_out(&self.told(&report));
        // What is wrong is wrong, whoever reads of it.
        if !report.is_clean() {
            return Ok(Outcome::No);
        }
        printed?;
        Ok(Outcome::Yes)
    }

    fn told(&self, report: &Report) -> String {
        if self.json {
            return format!(
                "{}\n",
                json!({
                    "clean": report.is_clean(),
                    "findings": report.findings,
                    "statements": report.statements,
                    "waiting": report.waiting,
                    "lost": report.lost,
                    "seals": report.seals,
                    "public_seals": report.public_seals,
                    "tree_size": report.tree_size,
                })
            );
        }
        let findings = report.findings.iter();
        let mut told: String = findings
            .map(|finding| format!("WRONG: {finding}\n"))
            .collect();
        let verdict = if report.is_clean() {
            "OK: all of it holds together"
        } else {
            "NOT OK"
        };
        if report.lost > 0 {
            let lost = report.lost;
            told += &format!("{lost} entries have no content: an old database was restored\n");
        }
        told + &format!(
            "{verdict}: {} ({} waiting to be sealed), {} ({} of them public), tree size {}\n",
            counted(report.statements, "statement"),
            report.waiting,
            counted(report.seals, "seal"),
            report.public_seals,
            report.tree_size
        )
    }
}
