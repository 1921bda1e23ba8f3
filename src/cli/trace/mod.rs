//! `rootmark trace`.

mod json;

use clap::Args;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Failure, Outcome};
use crate::app::merchants::acting;
use crate::app::{Core, OpenAs};
use crate::config::Settings;
use crate::domain::gs1::DigitalLink;
use crate::domain::story::Story;
use crate::domain::story::tree::Tree;
use crate::store::begin_for;
use crate::store::gtin_owner::gtin_owner;
use crate::trace::KnownAt;
use crate::web::lookup::story_with_leads_of;

/// Tell the story of a code as a tree: what led to it, and what happened to each.
#[derive(Debug, Args)]
pub(super) struct Trace {
    /// A GS1 Digital Link, whole or only its path: an item, a lot, a product, or a logistic unit.
    code: String,
    /// As it was known at a time, such as 2026-06-01T08:00:00Z: what was recorded later is left out.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<OffsetDateTime>,
    /// One JSON object instead.
    #[arg(long)]
    json: bool,
    /// The merchant whose record is told, by name or id; needed only for a code that says nothing of its owner.
    #[arg(long)]
    merchant: Option<String>,
}

impl Trace {
    pub async fn run(&self, settings: &Settings) -> Result<Outcome, Failure> {
        let link = DigitalLink::parse(&self.code).map_err(|error| format!("CODE: {error}"))?;
        let core = Core::open(settings, OpenAs::Command).await?;
        let story = self.story(&core, link).await;
        core.close().await;
        let Some(story) = story? else {
            println!("NO: there is no record of {}", link.path());
            return Ok(Outcome::No);
        };
        if self.json {
            println!("{}", json::of(&story)?);
        } else {
            print!("{}", Tree::of(&story));
            if story.truncated {
                println!("(There is more than one story may hold.)");
            }
        }
        Ok(Outcome::Yes)
    }

    async fn story(&self, core: &Core, link: DigitalLink) -> Result<Option<Story>, Failure> {
        let mut conn = core.database.reader.acquire().await?;
        let owner = match link.gtin() {
            Some(gtin) => gtin_owner(&mut conn, gtin).await?,
            None => None,
        };
        let merchant_id = match owner {
            Some(owner) if self.merchant.is_none() => owner,
            None if link.gtin().is_some() => return Ok(None),
            _ => {
                let named = self.merchant.as_deref();
                acting(&core.database, named, None).await?.merchant_id
            }
        };
        let mut tx = begin_for(&mut conn, merchant_id).await?;
        let known_at = self.at.map_or(KnownAt::NOW, KnownAt);
        let key = &core.keys.codes;
        let story = story_with_leads_of(&mut tx, key, merchant_id, link, known_at).await?;
        tx.rollback().await?;
        Ok(story)
    }
}

fn instant(text: &str) -> Result<OffsetDateTime, String> {
    let fault = "not a time such as 2026-06-01T08:00:00Z";
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| fault.to_owned())
}
