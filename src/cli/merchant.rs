//! `rootmark merchant`: entering merchants; and making API keys for them.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Failure, Outcome, print_out};
use crate::app::merchants::{KeyOrder, acting_merchant, add_key, add_merchant, party};
use crate::app::{Core, OpenAs};
use crate::config::Settings;
use crate::domain::scope::Scope;
use crate::store::merchant::list_merchants;

/// Enter merchants.
#[derive(Debug, Subcommand)]
pub(super) enum Merchant {
    /// Enter a merchant.
    Add(AddMerchant),
    /// List the merchants.
    List {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// Enter a merchant.
#[derive(Debug, Args)]
pub(super) struct AddMerchant {
    /// For people.
    name: String,
    /// The party in whose name the merchant speaks: a PGLN as Digital Link or URN.
    #[arg(long, value_name = "DIGITAL_LINK")]
    issuer: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Make a key and print it; it is shown this once.
#[derive(Debug, Args)]
pub(super) struct AddKey {
    /// The merchant, by name or id; may be left out if there is only one.
    #[arg(long)]
    merchant: Option<String>,
    /// What the key is for.
    #[arg(long, default_value = "API key")]
    label: String,
    /// The party in whose name the key speaks; default: the merchant's own.
    #[arg(long, value_name = "DIGITAL_LINK")]
    issuer: Option<String>,
    /// What the key may do, and nothing else; several with commas between, or --scope again. By default: capture, query, subscribe,
    /// master-data, codes, recalls. Only where they are named: disclosure, inspect, erasure, hidden-codes, cases.
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', value_parser = parse_scope)]
    scopes: Vec<Scope>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

fn parse_scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| {
        "must be capture, query, subscribe, master-data, codes, recalls, disclosure, inspect, erasure, hidden-codes or cases"
            .to_owned()
    })
}

impl Merchant {
    pub async fn run(&self, settings: &Settings) -> Result<Outcome, Failure> {
        let core = Core::open(settings, OpenAs::Command).await?;
        let result = match self {
            Merchant::Add(add) => add.add(&core).await,
            Merchant::List { json } => list(&core, *json).await,
        };
        core.close().await;
        result
    }
}

impl AddMerchant {
    async fn add(&self, core: &Core) -> Result<Outcome, Failure> {
        let issuer = party(&self.issuer)?;
        let merchant = add_merchant(&core.database, &core.keys.codes, &self.name, &issuer).await?;
        if self.json {
            println!(
                "{}",
                json!({ "id": merchant.id, "name": merchant.name, "issuer": issuer })
            );
        } else {
            println!("{}  {}", merchant.id, merchant.name);
        }
        Ok(Outcome::Yes)
    }
}

async fn list(core: &Core, as_json: bool) -> Result<Outcome, Failure> {
    let mut conn = core.database.checker.acquire().await?;
    let merchants = list_merchants(&mut conn).await?;
    if as_json {
        let rows: Vec<_> = merchants
            .iter()
            .map(|m| json!({ "id": m.id, "name": m.name, "issuer": m.issuer }))
            .collect();
        print_out(&format!("{}\n", json!({ "merchants": rows })))?;
    } else if merchants.is_empty() {
        print_out("no merchants yet; enter one with: rootmark merchant add NAME --issuer …\n")?;
    } else {
        let lines = merchants
            .iter()
            .map(|m| format!("{}  {}  {}\n", m.id, m.name, m.issuer));
        print_out(&lines.collect::<String>())?;
    }
    Ok(Outcome::Yes)
}

impl AddKey {
    pub(super) async fn add(&self, core: &Core) -> Result<Outcome, Failure> {
        let merchant = acting_merchant(&core.database, self.merchant.as_deref()).await?;
        let issuer = self.issuer.as_deref().map(party).transpose()?;
        let usual = || Scope::ALL.into_iter().filter(|scope| scope.is_usual());
        let scopes = match self.scopes.is_empty() {
            true => usual().collect(),
            false => self.scopes.clone(),
        };
        let order = KeyOrder {
            merchant_id: merchant.id,
            issuer: issuer.as_ref().unwrap_or(&merchant.issuer),
            label: &self.label,
            scopes: &scopes,
        };
        let key = add_key(&core.database, &order).await?;
        if self.json {
            println!("{}", json!({ "api_key": key }));
        } else {
            println!("{key}");
        }
        Ok(Outcome::Yes)
    }
}
