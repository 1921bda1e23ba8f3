//! `rootmark user`: the people of merchants, as far as the operator has to do with them.

use clap::{Args, Subcommand};
use serde_json::json;
use time::OffsetDateTime;

use super::{Failure, Outcome, print_out};
use crate::accounts::{Actor, factor, invite, team};
use crate::app::merchants::acting_merchant;
use crate::app::{Core, OpenAs};
use crate::config::Settings;
use crate::domain::account::{Email, Role};
use crate::domain::act::OPERATOR;

/// Invite the first people of a merchant, and help who has lost everything.
#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Make an invitation, and print its link: it is good once, for seven days, and for this address.
    Invite(Invite),
    /// List who belongs to a merchant's team.
    List {
        /// The merchant, by name or id; may be left out if there is only one.
        #[arg(long)]
        merchant: Option<String>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Take the second factor from an account, and end its sessions. Be sure who asks for it.
    RemoveSecondFactor {
        /// The address of the account.
        email: String,
    },
}

/// Make an invitation, and print its link.
#[derive(Debug, Args)]
pub(super) struct Invite {
    /// Whom: an address of mail. No letter is sent: hand the link over yourself.
    email: String,
    /// The merchant, by name or id; may be left out if there is only one.
    #[arg(long)]
    merchant: Option<String>,
    /// As what: owner, quality, packer, logistics, customs or auditor.
    #[arg(long, default_value = "owner", value_parser = parse_role)]
    role: Role,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

fn parse_role(text: &str) -> Result<Role, String> {
    let must_be = || "must be owner, quality, packer, logistics, customs or auditor".to_owned();
    Role::parse(text).ok_or_else(must_be)
}

impl User {
    pub async fn run(&self, settings: &Settings) -> Result<Outcome, Failure> {
        let core = Core::open(settings, OpenAs::Command).await?;
        let result = match self {
            User::Invite(invite) => invite.run(&core, settings).await,
            User::List { merchant, json } => list(&core, merchant.as_deref(), *json).await,
            User::RemoveSecondFactor { email } => remove_factor(&core, email).await,
        };
        core.close().await;
        result
    }
}

impl Invite {
    async fn run(&self, core: &Core, settings: &Settings) -> Result<Outcome, Failure> {
        let email = Email::parse(&self.email)?;
        let merchant = acting_merchant(&core.database, self.merchant.as_deref()).await?;
        let actor = Actor {
            name: OPERATOR,
            merchant_id: merchant.id,
        };
        let mut conn = core.database.accounts.acquire().await?;
        let invited = (&email, self.role);
        let now = OffsetDateTime::now_utc();
        let (_, token) = invite::invite(&mut conn, actor, &merchant.name, invited, now).await?;
        let url = settings.public_url(settings.listen);
        let link = format!("{url}/admin/invitation/{}", token.reveal());
        match self.json {
            true => print_out(&format!("{}\n", json!({ "link": link })))?,
            false => print_out(&format!("{link}\n"))?,
        }
        Ok(Outcome::Yes)
    }
}

async fn list(core: &Core, merchant: Option<&str>, as_json: bool) -> Result<Outcome, Failure> {
    let merchant = acting_merchant(&core.database, merchant).await?;
    let mut conn = core.database.accounts.acquire().await?;
    let (members, _) = team::list(&mut conn, merchant.id).await?;
    if as_json {
        let rows = members.iter().map(|member| {
            let role = member.role.as_str();
            json!({ "email": member.email, "name": member.name, "role": role, "secondFactor": member.has_factor })
        });
        let rows: Vec<_> = rows.collect();
        print_out(&format!("{}\n", json!({ "users": rows })))?;
    } else if members.is_empty() {
        print_out("nobody yet; invite the owner with: rootmark user invite EMAIL\n")?;
    } else {
        let lines = members.iter().map(|member| {
            let factor = if member.has_factor {
                "second factor"
            } else {
                "password only"
            };
            format!(
                "{}  {}  {}  {factor}\n",
                member.email,
                member.role.as_str(),
                member.name
            )
        });
        print_out(&lines.collect::<String>())?;
    }
    Ok(Outcome::Yes)
}

async fn remove_factor(core: &Core, email: &str) -> Result<Outcome, Failure> {
    let email = Email::parse(email)?;
    let mut conn = core.database.accounts.acquire().await?;
    factor::remove_as_operator(&mut conn, &email, OffsetDateTime::now_utc()).await?;
    print_out(&format!(
        "{email} logs in with the password alone now; all sessions have ended\n"
    ))?;
    Ok(Outcome::Yes)
}
