//! `rootmark trace`.

mod json;
mod outline;

use std::collections::HashSet;
use std::io::{BufWriter, Write};

use clap::{ArgGroup, Args};
use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use uuid::Uuid;

use self::outline::Outline;
use super::{Failure, Outcome};
use crate::app::merchants::acting_merchant;
use crate::app::{Core, OpenAs};
use crate::config::Settings;
use crate::domain::disclosure::Audience;
use crate::domain::forward::{Reached, Start};
use crate::domain::gs1::{DigitalLink, Gtin, Identity, IdentityError};
use crate::domain::statement::StatementId;
use crate::domain::story::tree::{FirstOfAll, Tree};
use crate::domain::story::{Story, Via};
use crate::domain::time::timestamp;
use crate::domain::told::Told;
use crate::store::gtin_owner::gtin_owner;
use crate::store::{begin_for, read_for};
use crate::trace::{self, KnownAt, Pace};
use crate::web::findings::{sentence, severity};
use crate::web::forward::{self, Followed, Origin, Table, Wanted, WantedFault};
use crate::web::lookup::story_with_leads_of;
use crate::web::text::{Lang, Text};

/// Tell the story of a code as a tree: what led to it, and what happened to each. Or forward: all that is
/// affected if something is wrong with it, where that is, and who passed it on.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("ahead").multiple(true))]
pub(super) struct Trace {
    /// A GS1 Digital Link, whole or only its path: an item, a lot, a product, or a logistic unit; with --forward an asset
    /// (AI 8003, 8004) or any other URI that events name, too.
    #[arg(required_unless_present_any = ["recall", "place", "party"])]
    code: Option<String>,
    /// Forward from all that a recall names, by the recall's URI.
    #[arg(long, value_name = "URI", group = "ahead", conflicts_with_all = ["code", "since"])]
    recall: Option<String>,
    /// Forward from all that was at a place, or at a spot within it, from --since until --until: its Digital Link
    /// (AI 414), whole or only its path.
    #[arg(long, value_name = "LINK", group = "ahead", conflicts_with_all = ["code", "recall"])]
    place: Option<String>,
    /// Forward from all that a party had, or that was where it is described to be: its Digital Link
    /// (AI 417), whole or only its path.
    #[arg(long, value_name = "LINK", group = "ahead", conflicts_with_all = ["code", "recall", "place"])]
    party: Option<String>,
    /// Forward from CODE: what is affected by it.
    #[arg(long, group = "ahead")]
    forward: bool,
    /// Forward from a time on, such as 2026-06-01T08:00:00Z: what a lot was used for before it is only possibly affected.
    #[arg(long, value_name = "TIME", value_parser = instant, requires = "ahead")]
    since: Option<OffsetDateTime>,
    /// Of a place or a party: until when something was wrong there; else it is still.
    #[arg(long, value_name = "TIME", value_parser = instant, requires = "ahead", conflicts_with_all = ["code", "recall"])]
    until: Option<OffsetDateTime>,
    /// Of a place or a party: what had arrived before that is not looked for, however long it stayed.
    #[arg(long, value_name = "TIME", value_parser = instant, requires = "since", conflicts_with_all = ["code", "recall"])]
    arrived_since: Option<OffsetDateTime>,
    /// A table for spreadsheets instead (CSV): a row for each thing that is affected.
    #[arg(long, requires = "ahead", conflicts_with = "json")]
    csv: bool,
    /// Of the items of lots their codes alone, and not where each of them is: for whoever blocks sales, many times as
    /// fast.
    #[arg(long, requires = "csv", conflicts_with = "json")]
    codes: bool,
    /// As it was known at a time, such as 2026-06-01T08:00:00Z: what was recorded later is left out.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<OffsetDateTime>,
    /// For whom: what a shopper sees, what a regulator may see, or what the merchant itself does.
    #[arg(long = "for", value_name = "AUDIENCE", value_parser = audience, default_value = "shopper", conflicts_with = "ahead")]
    audience: Audience,
    /// One JSON object instead.
    #[arg(long)]
    json: bool,
    /// The merchant whose record is told, by name or id; needed where there are several and no product tells: for --recall, --place, --party and logistic units.
    #[arg(long)]
    merchant: Option<String>,
}

const GS1: &str = "https://id.gs1.org";

/// Whose record it is, what a forward trace starts from, and whether that is known though nobody may have spoken of it:
/// what a recall names is recalled all the same, and a code that was issued exists.
type Found = (Uuid, Vec<Start>, bool);

/// What is traced.
enum Code {
    Link(DigitalLink),
    /// A pallet, a trailer, a container: forward, what was in or on it.
    Asset(Identity),
}

impl Code {
    fn finest(&self) -> Option<Identity> {
        match self {
            Code::Link(link) => link.identities().into_iter().next(),
            Code::Asset(asset) => Some(asset.clone()),
        }
    }

    fn canonical(&self) -> String {
        match self {
            Code::Link(link) => link.canonical(),
            Code::Asset(asset) => asset.canonical(),
        }
    }
}

/// A link of which only the path may be given.
fn whole(text: &str) -> String {
    match text.starts_with('/') {
        true => format!("{GS1}{text}"),
        false => text.to_owned(),
    }
}

impl Trace {
    fn code(&self) -> Result<Option<Code>, Failure> {
        let Some(text) = &self.code else {
            return Ok(None);
        };
        let fault = |error: &dyn std::fmt::Display| Failure::from(format!("CODE: {error}"));
        match DigitalLink::parse(text) {
            Ok(link) => Ok(Some(Code::Link(link))),
            Err(error) if !self.forward => Err(fault(&error)),
            Err(error) => match Identity::parse(&whole(text)) {
                Ok(asset @ (Identity::Grai(_) | Identity::Giai(_) | Identity::Other(_))) => {
                    Ok(Some(Code::Asset(asset)))
                }
                Err(IdentityError::Link(other)) => Err(fault(&other)),
                _ => Err(fault(&error)),
            },
        }
    }

    pub async fn run(&self, settings: &Settings) -> Result<Outcome, Failure> {
        let code = self.code()?;
        let is_ahead = self.forward || code.is_none();
        if is_ahead && self.since.is_some_and(|since| since > self.known_at()) {
            let until = self.at.map_or("now", |_| "--at");
            return Err(format!("--since lies after {until}: nothing is known of then").into());
        }
        let wanted = self.wanted()?;
        let core = Core::open(settings, OpenAs::Command).await?;
        if is_ahead {
            let thing = code.as_ref().and_then(Code::finest);
            let printed = self.print_forward(&core, thing, wanted.as_ref()).await;
            core.close().await;
            if !printed? {
                let named = code.map(|code| code.canonical());
                let there = wanted.map(|wanted| wanted.with.canonical());
                let named = self.recall.clone().or(there).or(named).unwrap_or_default();
                let then = if self.since.or(self.until).is_some() {
                    " in that time"
                } else {
                    ""
                };
                return Ok(self.none_of(&named, then));
            }
            return Ok(Outcome::Yes);
        }
        let Some(Code::Link(link)) = code else {
            return Err("CODE: is missing".into());
        };
        let story = self
            .story(&core, link, self.at.map_or(KnownAt::NOW, KnownAt))
            .await;
        let first = match (&story, self.at) {
            (Ok(None), Some(_)) => self.story(&core, link, KnownAt::NOW).await,
            _ => Ok(None),
        };
        core.close().await;
        let Some(story) = story? else {
            let first = first?.and_then(|story| first_of(&story));
            let then =
                first.map(|first| format!(" at that time: the first is of {}", timestamp(first)));
            return Ok(self.none_of(&link.canonical(), &then.unwrap_or_default()));
        };
        let told = Told::to(story, self.audience);
        let story = &told.story;
        let mut out = BufWriter::new(std::io::stdout());
        if self.json {
            writeln!(out, "{}", json::of(&told)?)?;
        } else {
            write!(out, "{}", FirstOfAll(story))?;
            for finding in &told.findings {
                let severity = severity(finding.severity).to_uppercase();
                writeln!(
                    out,
                    "{severity}  {}",
                    sentence(Text::of(Lang::En), story, finding)
                )?;
            }
            if let Some(completeness) = &told.completeness {
                write!(out, "{completeness}")?;
            }
            write!(out, "{}", Tree::of(story))?;
            if story.truncated {
                writeln!(out, "(There is more than one story may hold.)")?;
            }
        }
        out.flush()?;
        Ok(Outcome::Yes)
    }

    /// Says that there is none.
    fn none_of(&self, canonical: &str, then: &str) -> Outcome {
        if self.json {
            println!("{}", json!({"subject": canonical, "isOnRecord": false}));
        } else {
            let shown = canonical.strip_prefix(GS1).unwrap_or(canonical);
            println!("NO: there is no record of {shown}{then}");
        }
        Outcome::No
    }

    /// What is recorded from now on is left out, and so it is all of one moment.
    fn known_at(&self) -> OffsetDateTime {
        self.at.unwrap_or_else(OffsetDateTime::now_utc)
    }

    /// `false` if there is no record of what it would start from.
    async fn print_forward(
        &self,
        core: &Core,
        thing: Option<Identity>,
        wanted: Option<&Wanted>,
    ) -> Result<bool, Failure> {
        let known_at = KnownAt(self.known_at());
        let mut conn = core.database.reader.acquire().await?;
        let found = match (&self.recall, thing) {
            (Some(uri), _) => self.recalled(core, &mut conn, uri, known_at).await?,
            (None, Some(thing)) => self.started(core, &mut conn, thing, known_at).await?,
            (None, None) => match wanted {
                Some(wanted) => self.present(core, &mut conn, wanted, known_at).await?,
                None => return Err("CODE: is missing".into()),
            },
        };
        let Some((merchant_id, starts, is_known)) = found else {
            return Ok(false);
        };
        if self.csv {
            let origin = Origin::of(merchant_id, &core.keys.codes, known_at);
            let from = (&starts[..], is_known);
            return self.print_table(&mut conn, &origin, from).await;
        }
        let mut tx = begin_for(&mut conn, merchant_id).await?;
        let found =
            trace::forward(&mut tx, (merchant_id, &core.keys.codes), &starts, known_at).await?;
        tx.rollback().await?;
        if !is_known && !found.things.iter().any(Reached::is_spoken_of) {
            return Ok(false);
        }
        let mut out = BufWriter::new(std::io::stdout());
        if self.json {
            writeln!(out, "{}", forward::json(&found)?)?;
        } else {
            write!(out, "{}", Outline(&found))?;
            if found.truncated {
                writeln!(
                    out,
                    "(There is more than is kept in memory; --csv tells more.)"
                )?;
            }
        }
        out.flush()?;
        Ok(true)
    }

    /// However many rows there are: each part is written before the next is read.
    async fn print_table(
        &self,
        conn: &mut PgConnection,
        origin: &Origin,
        (starts, is_known): (&[Start], bool),
    ) -> Result<bool, Failure> {
        let mut followed = if self.codes {
            Followed::codes(starts, origin, Pace::CODES)
        } else {
            Followed::whole(starts, origin, Pace::THINGS)
        };
        let columns = followed.columns();
        let mut tx = read_for(conn, origin.merchant_id).await?;
        let mut table = None;
        let mut held_back: Vec<Reached> = Vec::new();
        while let Some(told) = followed.next(&mut tx).await? {
            held_back.extend(told);
            if !is_known && table.is_none() && !held_back.iter().any(Reached::is_spoken_of) {
                continue;
            }
            let table = match &mut table {
                Some(table) => table,
                None => table.insert(Table::begin(BufWriter::new(std::io::stdout()), columns)?),
            };
            table.write(&held_back, followed.names())?;
            held_back.clear();
        }
        tx.rollback().await?;
        let Some(table) = table else {
            return Ok(false);
        };
        table.finish()?.flush()?;
        if followed.is_truncated() {
            // Never part of the table, and never left unsaid.
            return Err(
                "there is more than one trace may hold: the table has only part of it".into(),
            );
        }
        Ok(true)
    }

    /// What a forward trace of a code starts from, and whose record it is.
    async fn started(
        &self,
        core: &Core,
        conn: &mut PgConnection,
        thing: Identity,
        known_at: KnownAt,
    ) -> Result<Option<Found>, Failure> {
        let Some(merchant_id) = self.owner(core, conn, thing.gtin()).await? else {
            return Ok(None);
        };
        let mut tx = read_for(conn, merchant_id).await?;
        let origin = Origin::of(merchant_id, &core.keys.codes, known_at);
        let is_issued = origin.is_issued(&mut tx, &thing).await?;
        let starts = origin.things(&mut tx, vec![thing], self.since).await?;
        tx.rollback().await?;
        Ok(Some((merchant_id, starts, is_issued)))
    }

    /// Where, or with whom, something was wrong.
    fn wanted(&self) -> Result<Option<Wanted>, Failure> {
        let (option, text) = match (&self.place, &self.party) {
            (Some(place), _) => ("--place", place),
            (None, Some(party)) => ("--party", party),
            (None, None) => return Ok(None),
        };
        let with = match (Identity::parse(&whole(text)), option) {
            (Ok(place @ Identity::Place { .. }), "--place") => place,
            (Ok(party @ Identity::Party { .. }), "--party") => party,
            (Err(IdentityError::Link(fault)), _) => return Err(format!("{option}: {fault}").into()),
            (_, "--place") => {
                return Err(
                    "--place: it is the GLN of a place (AI 414), such as /414/9522040000006".into(),
                );
            }
            _ => {
                return Err(
                    "--party: it is the GLN of a party (AI 417), such as /417/9522040000006".into(),
                );
            }
        };
        let (since, until) = (self.since, self.until);
        let wanted = Wanted {
            with,
            since,
            until,
            arrived_since: self.arrived_since,
        };
        match wanted.fault() {
            None => {}
            Some(WantedFault::Until) => return Err("--until lies before --since".into()),
            Some(WantedFault::Arrived) => {
                return Err("--arrived-since says how far before --since arrivals count".into());
            }
        }
        Ok(Some(wanted))
    }

    /// All that was at a place or with a party; `None` if nothing was.
    async fn present(
        &self,
        core: &Core,
        conn: &mut PgConnection,
        wanted: &Wanted,
        known_at: KnownAt,
    ) -> Result<Option<Found>, Failure> {
        let named = self.merchant.as_deref();
        let merchant_id = acting_merchant(&core.database, named).await?.id;
        let mut tx = read_for(conn, merchant_id).await?;
        let starts = Origin::of(merchant_id, &core.keys.codes, known_at)
            .there(&mut tx, wanted)
            .await?;
        tx.rollback().await?;
        Ok((!starts.is_empty()).then_some((merchant_id, starts, false)))
    }

    /// All that a recall names; `None` if there is no such recall.
    async fn recalled(
        &self,
        core: &Core,
        conn: &mut PgConnection,
        uri: &str,
        known_at: KnownAt,
    ) -> Result<Option<Found>, Failure> {
        let named = self.merchant.as_deref();
        let merchant_id = acting_merchant(&core.database, named).await?.id;
        let mut tx = read_for(conn, merchant_id).await?;
        let said = trace::recall_said(&mut tx, merchant_id, uri, known_at).await?;
        let Some(recall) = said else {
            return Ok(None);
        };
        let origin = Origin::of(merchant_id, &core.keys.codes, known_at);
        let starts = origin.things(&mut tx, recall.scope, None).await?;
        tx.rollback().await?;
        Ok(Some((merchant_id, starts, true)))
    }

    /// Whose record is told; `None` for a code of a product that nobody described.
    async fn owner(
        &self,
        core: &Core,
        conn: &mut PgConnection,
        gtin: Option<Gtin>,
    ) -> Result<Option<Uuid>, Failure> {
        let owner = match gtin {
            Some(gtin) => gtin_owner(conn, gtin).await?,
            None => None,
        };
        Ok(match owner {
            Some(owner) if self.merchant.is_none() => Some(owner),
            None if gtin.is_some() && self.merchant.is_none() => None,
            _ => {
                let named = self.merchant.as_deref();
                Some(acting_merchant(&core.database, named).await?.id)
            }
        })
    }

    async fn story(
        &self,
        core: &Core,
        link: DigitalLink,
        known_at: KnownAt,
    ) -> Result<Option<Story>, Failure> {
        let mut conn = core.database.reader.acquire().await?;
        let Some(merchant_id) = self.owner(core, &mut conn, link.gtin()).await? else {
            return Ok(None);
        };
        let mut tx = begin_for(&mut conn, merchant_id).await?;
        let key = &core.keys.codes;
        let story = story_with_leads_of(&mut tx, key, merchant_id, link, known_at).await?;
        tx.rollback().await?;
        Ok(story)
    }
}

/// When the first event was recorded that names a thing itself.
fn first_of(story: &Story) -> Option<OffsetDateTime> {
    let own = match story.subject.serial().is_some() || story.subject.gtin().is_none() {
        true => Via::Item,
        false => Via::Lot,
    };
    let own = story.steps.iter().filter(|step| step.via <= own);
    let own: HashSet<StatementId> = own.map(|step| step.id).collect();
    let told = story.statements.iter();
    let told = told.filter(|told| own.contains(&told.stored.id));
    told.map(|told| told.stored.recorded_at).min()
}

fn audience(text: &str) -> Result<Audience, String> {
    let fault = "shopper, regulator or merchant";
    Audience::parse(text).ok_or_else(|| fault.to_owned())
}

fn instant(text: &str) -> Result<OffsetDateTime, String> {
    let fault = "not a time such as 2026-06-01T08:00:00Z";
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| fault.to_owned())
}
