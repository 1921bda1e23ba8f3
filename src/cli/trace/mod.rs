//! `rootmark trace`.

mod forward;
mod json;

use clap::Args;
use sqlx::PgConnection;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use uuid::Uuid;

use self::forward::Outline;
use super::{Failure, Outcome};
use crate::app::merchants::acting;
use crate::app::{Core, OpenAs};
use crate::config::Settings;
use crate::domain::disclosure::Audience;
use crate::domain::forward::{Certainty, Forward, Start};
use crate::domain::gs1::{DigitalLink, Identity};
use crate::domain::story::Story;
use crate::domain::story::tree::Tree;
use crate::domain::told::Told;
use crate::store::begin_for;
use crate::store::gtin_owner::gtin_owner;
use crate::trace::{self, KnownAt};
use crate::web::findings::{sentence, severity};
use crate::web::lookup::story_with_leads_of;
use crate::web::text::{Lang, Text};

/// Tell the story of a code as a tree: what led to it, and what happened to each. Or forward: all that is
/// affected if something is wrong with it, where that is, and who passed it on.
#[derive(Debug, Args)]
pub(super) struct Trace {
    /// A GS1 Digital Link, whole or only its path: an item, a lot, a product, or a logistic unit.
    #[arg(required_unless_present = "recall")]
    code: Option<String>,
    /// Forward from all that a recall names, by the recall's URI.
    #[arg(long, value_name = "URI", requires = "forward", conflicts_with_all = ["code", "since"])]
    recall: Option<String>,
    /// Forward: what is affected by it.
    #[arg(long)]
    forward: bool,
    /// Forward from a time on, such as 2026-06-01T08:00:00Z: before it, nothing was wrong.
    #[arg(long, value_name = "TIME", value_parser = instant, requires = "forward")]
    since: Option<OffsetDateTime>,
    /// A table for spreadsheets instead (CSV): a row for each thing that is affected.
    #[arg(long, requires = "forward", conflicts_with = "json")]
    csv: bool,
    /// As it was known at a time, such as 2026-06-01T08:00:00Z: what was recorded later is left out.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<OffsetDateTime>,
    /// For whom: what a shopper sees, what a regulator may see, or what the merchant itself does.
    #[arg(long = "for", value_name = "AUDIENCE", value_parser = audience, default_value = "shopper", conflicts_with = "forward")]
    audience: Audience,
    /// One JSON object instead.
    #[arg(long)]
    json: bool,
    /// The merchant whose record is told, by name or id; needed only for a code that says nothing of its owner.
    #[arg(long)]
    merchant: Option<String>,
}

impl Trace {
    pub async fn run(&self, settings: &Settings) -> Result<Outcome, Failure> {
        let link = self.code.as_deref().map(DigitalLink::parse).transpose();
        let link = link.map_err(|error| format!("CODE: {error}"))?;
        let core = Core::open(settings, OpenAs::Command).await?;
        if let Some(uri) = &self.recall {
            let forward = self.trace_recall(&core, uri).await;
            core.close().await;
            return self.print_forward(uri, forward?);
        }
        let link = link.ok_or("CODE: is missing")?;
        if self.forward {
            let forward = self.trace_forward(&core, link).await;
            core.close().await;
            return self.print_forward(&link.path(), forward?);
        }
        let story = self.story(&core, link).await;
        core.close().await;
        let Some(story) = story? else {
            println!("NO: there is no record of {}", link.path());
            return Ok(Outcome::No);
        };
        let told = Told::to(story, self.audience);
        let story = &told.story;
        if self.json {
            println!("{}", json::of(&told)?);
        } else {
            for finding in &told.findings {
                let severity = severity(finding.severity).to_uppercase();
                println!(
                    "{severity}  {}",
                    sentence(Text::of(Lang::En), story, finding)
                );
            }
            if let Some(completeness) = &told.completeness {
                print!("{completeness}");
            }
            print!("{}", Tree::of(story));
            if story.truncated {
                println!("(There is more than one story may hold.)");
            }
        }
        Ok(Outcome::Yes)
    }

    fn print_forward(&self, of: &str, forward: Option<Forward>) -> Result<Outcome, Failure> {
        let Some(forward) = forward else {
            println!("NO: there is no record of {of}");
            return Ok(Outcome::No);
        };
        if self.json {
            println!("{}", forward::json(&forward)?);
        } else if self.csv {
            print!("{}", forward::table(&forward)?);
            if forward.truncated {
                // Never part of the table, and never left unsaid.
                return Err(
                    "there is more than one trace may hold: the table has only part of it".into(),
                );
            }
        } else {
            print!("{}", Outline(&forward));
            if forward.truncated {
                println!("(There is more than one trace may hold.)");
            }
        }
        Ok(Outcome::Yes)
    }

    /// `None` if no event names it.
    async fn trace_forward(
        &self,
        core: &Core,
        link: DigitalLink,
    ) -> Result<Option<Forward>, Failure> {
        let mut conn = core.database.reader.acquire().await?;
        let Some(merchant_id) = self.owner(core, &mut conn, link).await? else {
            return Ok(None);
        };
        let finest = link.identities().into_iter().next();
        if let Some(Identity::Class { .. }) = finest {
            return Err(
                "CODE: a product is all of its lots; trace a lot forward, or an item".into(),
            );
        }
        let starts = finest.map(|identity| Start {
            identity,
            since: self.since,
            certainty: Certainty::Affected,
        });
        let starts: Vec<Start> = starts.into_iter().collect();
        let mut tx = begin_for(&mut conn, merchant_id).await?;
        let forward = trace::forward(&mut tx, merchant_id, &starts, self.known_at()).await?;
        tx.rollback().await?;
        let is_known = forward
            .things
            .iter()
            .any(|thing| thing.seen.is_some() || thing.origin.is_some());
        Ok(is_known.then_some(forward))
    }

    /// Forward from all that a recall names; `None` if there is no such recall.
    async fn trace_recall(&self, core: &Core, uri: &str) -> Result<Option<Forward>, Failure> {
        let named = self.merchant.as_deref();
        let merchant_id = acting(&core.database, named, None).await?.merchant_id;
        let mut conn = core.database.reader.acquire().await?;
        let mut tx = begin_for(&mut conn, merchant_id).await?;
        let known_at = self.known_at();
        let Some(recall) = trace::recall_said(&mut tx, merchant_id, uri, known_at).await? else {
            return Ok(None);
        };
        let is_kind = |thing: &&Identity| matches!(thing, Identity::Class { .. });
        if let Some(kind) = recall.scope.iter().find(is_kind) {
            let kind = kind.canonical();
            return Err(
                format!("{kind} is recalled as a whole: all of its lots are affected").into(),
            );
        }
        let starts = recall.scope.into_iter().map(|identity| Start {
            identity,
            since: None,
            certainty: Certainty::Affected,
        });
        let starts: Vec<Start> = starts.collect();
        let forward = trace::forward(&mut tx, merchant_id, &starts, known_at).await?;
        tx.rollback().await?;
        Ok(Some(forward))
    }

    fn known_at(&self) -> KnownAt {
        self.at.map_or(KnownAt::NOW, KnownAt)
    }

    /// Whose record is told; `None` for a code of a product that nobody described.
    async fn owner(
        &self,
        core: &Core,
        conn: &mut PgConnection,
        link: DigitalLink,
    ) -> Result<Option<Uuid>, Failure> {
        let owner = match link.gtin() {
            Some(gtin) => gtin_owner(conn, gtin).await?,
            None => None,
        };
        Ok(match owner {
            Some(owner) if self.merchant.is_none() => Some(owner),
            None if link.gtin().is_some() && self.merchant.is_none() => None,
            _ => {
                let named = self.merchant.as_deref();
                Some(acting(&core.database, named, None).await?.merchant_id)
            }
        })
    }

    async fn story(&self, core: &Core, link: DigitalLink) -> Result<Option<Story>, Failure> {
        let mut conn = core.database.reader.acquire().await?;
        let Some(merchant_id) = self.owner(core, &mut conn, link).await? else {
            return Ok(None);
        };
        let mut tx = begin_for(&mut conn, merchant_id).await?;
        let known_at = self.known_at();
        let key = &core.keys.codes;
        let story = story_with_leads_of(&mut tx, key, merchant_id, link, known_at).await?;
        tx.rollback().await?;
        Ok(story)
    }
}

fn audience(text: &str) -> Result<Audience, String> {
    let fault = "shopper, regulator or merchant";
    Audience::parse(text).ok_or_else(|| fault.to_owned())
}

fn instant(text: &str) -> Result<OffsetDateTime, String> {
    let fault = "not a time such as 2026-06-01T08:00:00Z";
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| fault.to_owned())
}
