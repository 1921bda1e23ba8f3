//! `rootmark demo`: three example supply chains, captured through the same HTTP API that everybody
//! uses. Started again on the same data it finds everything recorded, and changes nothing.

mod client;
mod laboratory;
mod people;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use auditlog::Hash;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::accounts::AccountError;
use crate::app::Running;
use crate::app::merchants::{KeyOrder, MerchantError, add_key, add_merchant};
use crate::domain::scope::Scope;
use crate::store::merchant::list_merchants;
use client::{Client, ClientError};
pub use laboratory::Laboratory;

const MERCHANTS: &str = include_str!("../../demo/merchants.json");
const PARTIES: &str = include_str!("../../demo/parties.json");
const PRODUCTS: &str = include_str!("../../demo/products.json");
const DOCUMENTS: &str = include_str!("../../demo/documents.json");
/// What the products look like; `cargo run --example draw-pictures` makes these from their drawings.
const PICTURES: [&[u8]; 3] = [
    include_bytes!("../../demo/pictures/formula-stage-1.png"),
    include_bytes!("../../demo/pictures/formula-stage-2.png"),
    include_bytes!("../../demo/pictures/striploin-steak.png"),
];
/// Test results and seals, which the producers add of their own, are for everybody; who bought what is not.
const DISCLOSURE: &str = include_str!("../../demo/disclosure.json");
const TRACES: &str = include_str!("../../demo/traces.json");
/// A record in which nothing fits, for whoever wants to see how that looks.
const FAULTS: &str = include_str!("../../demo/planted-faults/traces.json");

/// The events of each trace, by the name in `traces.json`.
const EVENTS: [(&str, &str); 4] = [
    (
        "infant-formula-general-trade/epcis.json",
        include_str!("../../demo/infant-formula-general-trade/epcis.json"),
    ),
    (
        "infant-formula-bonded/epcis.json",
        include_str!("../../demo/infant-formula-bonded/epcis.json"),
    ),
    (
        "chilled-beef-air/epcis.json",
        include_str!("../../demo/chilled-beef-air/epcis.json"),
    ),
    (
        "planted-faults/epcis.json",
        include_str!("../../demo/planted-faults/epcis.json"),
    ),
];

/// How long the first seal may take.
const SEAL_LIMIT: Duration = Duration::from_secs(60);

/// What `demo.json` holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Demo {
    /// Where the service is.
    pub url: String,
    /// Who administers the first merchant in the dashboard.
    pub admin_email: Option<String>,
    /// With which password.
    pub admin_password: Option<String>,
    /// A key of the first merchant.
    pub api_key: String,
    /// The log's key.
    pub vkey: String,
    /// The key of its story notes.
    pub story_vkey: String,
    /// The three codes; with the planted faults, four.
    pub traces: Vec<Trace>,
    /// The serials of each trace's document, so that a second start captures the same.
    pub serials: Vec<Vec<String>>,
    /// A key for each merchant.
    pub merchant_keys: Vec<String>,
    /// What the laboratory of the first merchant holds.
    pub laboratory: Option<Laboratory>,
}

/// One code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trace {
    /// In Chinese and English.
    pub title: String,
    /// Where its page is.
    pub url: String,
}

/// Why the example was not loaded.
#[derive(Debug, Error)]
pub enum DemoError {
    /// One of the example files is not what this program reads.
    #[error("demo/{file}: {source}")]
    Input {
        /// Which.
        file: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// A merchant or its key.
    #[error(transparent)]
    Merchant(#[from] MerchantError),
    /// Nobody can log in.
    #[error("the example's people: {0}")]
    People(#[from] AccountError),
    /// The laboratory's words cannot be signed.
    #[error("the example's laboratory: {0}")]
    Signing(String),
    /// The service refused.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Nothing was sealed in time.
    #[error("nothing was sealed within a minute; see the log above")]
    NotSealed,
    /// `demo.json` cannot be written.
    #[error("demo.json: {0}")]
    File(#[from] std::io::Error),
    /// The address does not fit a QR code.
    #[error("QR code: {0}")]
    Qr(#[from] qrcode::types::QrError),
}

#[derive(Deserialize)]
struct MerchantInput {
    name: String,
    issuer: String,
    gtins: Vec<String>,
}

#[derive(Deserialize)]
struct TraceInput {
    title: Title,
    document: String,
    gtin: String,
    lot: String,
    serials: u32,
}

#[derive(Deserialize)]
struct Title {
    #[serde(rename = "zh-CN")]
    zh_cn: String,
    en: String,
}

/// What is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Three sound supply chains.
    Sound,
    /// And one whose record contradicts itself.
    WithFaults,
}

/// Loads the example into the running service, and writes `demo.json` into the data folder.
pub async fn load(running: &Running, data_dir: &Path, variant: Variant) -> Result<Demo, DemoError> {
    let path = data_dir.join("demo.json");
    let known: Option<Demo> = std::fs::read_to_string(&path)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok());
    let merchants: Vec<MerchantInput> = input("merchants.json", MERCHANTS)?;
    let mut traces: Vec<TraceInput> = input("traces.json", TRACES)?;
    if variant == Variant::WithFaults {
        let faults: Vec<TraceInput> = input("planted-faults/traces.json", FAULTS)?;
        traces.extend(faults);
    }
    let keys = match &known {
        Some(known) => known.merchant_keys.clone(),
        None => enter(running, &merchants).await?,
    };
    let laboratory = match known.as_ref().and_then(|known| known.laboratory.clone()) {
        Some(laboratory) => laboratory,
        None => Laboratory::enter(running, &merchants[0]).await?,
    };
    let mut demo = Demo {
        url: running.url.clone(),
        admin_email: known.as_ref().and_then(|known| known.admin_email.clone()),
        admin_password: known
            .as_ref()
            .and_then(|known| known.admin_password.clone()),
        api_key: keys.first().cloned().unwrap_or_default(),
        vkey: running.vkey.clone(),
        story_vkey: running.story_vkey.clone(),
        traces: Vec::new(),
        serials: known.map(|known| known.serials).unwrap_or_default(),
        merchant_keys: keys,
        laboratory: Some(laboratory.clone()),
    };
    if demo.admin_email.is_none() {
        let merchant_id = merchant_id(running, &merchants[0]).await?;
        let (email, password) = people::enter(running, merchant_id, &merchants[0].name).await?;
        demo.admin_email = Some(email);
        demo.admin_password = Some(password);
    }
    // Before anything is signed: a second start must sign with this very key.
    save(&path, &demo)?;
    let client = Client::new(running.address);
    describe(&client, &merchants, &demo.merchant_keys, &laboratory).await?;
    for (position, trace) in traces.iter().enumerate() {
        let merchant = merchants
            .iter()
            .position(|m| m.gtins.contains(&trace.gtin))
            .unwrap_or(0);
        let key = &demo.merchant_keys[merchant];
        if demo.serials.len() <= position {
            demo.serials.push(issue(&client, key, trace).await?);
            // Before the events that name them: a second start must find these very serials.
            save(&path, &demo)?;
        }
        let serials = &demo.serials[position];
        let (document, signed) = laboratory.take_out(&document(trace, serials))?;
        client.capture(key, &document).await?;
        if let Some(signed) = signed {
            client.record_signed(&laboratory.api_key, &signed).await?;
        }
        demo.traces.push(Trace {
            title: format!("{} / {}", trace.title.zh_cn, trace.title.en),
            url: format!(
                "{}/01/{}/10/{}/21/{}",
                demo.url, trace.gtin, trace.lot, serials[0]
            ),
        });
    }
    // Every statement must be public before the addresses are given out.
    let public = tokio::time::timeout(SEAL_LIMIT, running.everything_is_public()).await;
    public
        .map_err(|_| DemoError::NotSealed)?
        .map_err(MerchantError::from)?;
    save(&path, &demo)?;
    Ok(demo)
}

/// What is printed once everything is there: the addresses, and a code to scan.
pub fn greeting(demo: &Demo) -> Result<String, DemoError> {
    let mut text = String::from("\nRootmark 源证 is running. Codes to look at:\n\n");
    for trace in &demo.traces {
        let _ = write!(text, "  {}\n  {}\n\n", trace.title, trace.url);
    }
    if let Some(first) = demo.traces.first() {
        let code = QrCode::with_error_correction_level(&first.url, EcLevel::M)?;
        let picture = code
            .render::<Dense1x2>()
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark)
            .build();
        let _ = writeln!(text, "{picture}\n");
    }
    if let (Some(email), Some(password)) = (&demo.admin_email, &demo.admin_password) {
        let url = &demo.url;
        let _ = writeln!(
            text,
            "The dashboard of the brand: {url}/admin\n  {email}\n  {password}\n"
        );
    }
    let _ = writeln!(text, "Press Ctrl-C to stop; nothing is lost.");
    Ok(text)
}

fn input<T: for<'de> Deserialize<'de>>(file: &'static str, text: &str) -> Result<T, DemoError> {
    serde_json::from_str(text).map_err(|source| DemoError::Input { file, source })
}

/// Enters the merchants and makes a key for each.
async fn enter(running: &Running, inputs: &[MerchantInput]) -> Result<Vec<String>, DemoError> {
    let mut keys = Vec::new();
    for input in inputs {
        let order = KeyOrder {
            merchant_id: merchant_id(running, input).await?,
            issuer: &input.issuer,
            label: "demo",
            scopes: &Scope::ALL,
        };
        keys.push(add_key(&running.database, &order).await?);
    }
    Ok(keys)
}

/// A merchant of that name, entered where it is not there yet.
async fn merchant_id(running: &Running, input: &MerchantInput) -> Result<Uuid, DemoError> {
    let mut conn = running
        .database
        .checker
        .acquire()
        .await
        .map_err(MerchantError::from)?;
    let known = list_merchants(&mut conn)
        .await
        .map_err(MerchantError::from)?;
    drop(conn);
    let same = known
        .iter()
        .find(|merchant| merchant.issuer == input.issuer);
    match same {
        Some(merchant) => Ok(merchant.id),
        None => {
            let (database, codes) = (&running.database, &running.code_key);
            let entered = add_merchant(database, codes, &input.name, &input.issuer).await?;
            Ok(entered.id)
        }
    }
}

/// Products belong to one merchant; parties and documents are described by each, since no merchant
/// sees another's records.
async fn describe(
    client: &Client,
    merchants: &[MerchantInput],
    keys: &[String],
    laboratory: &Laboratory,
) -> Result<(), DemoError> {
    let products: Vec<Box<serde_json::value::RawValue>> = input("products.json", PRODUCTS)?;
    let parties: Vec<Box<serde_json::value::RawValue>> = input("parties.json", PARTIES)?;
    let documents: Vec<Box<serde_json::value::RawValue>> = input("documents.json", DOCUMENTS)?;
    for (merchant, key) in merchants.iter().zip(keys) {
        client.describe("disclosure", key, DISCLOSURE).await?;
        let own = |body: &str| {
            merchant
                .gtins
                .iter()
                .any(|gtin| body.contains(gtin.as_str()))
        };
        for body in products.iter().filter(|body| own(body.get())) {
            for picture in PICTURES {
                if body.get().contains(&Hash::of(&[picture]).to_hex()) {
                    client.send_picture(key, picture).await?;
                }
            }
            client.describe("products", key, body.get()).await?;
        }
        let cites = |body: &str| cited_by(merchant, body);
        for body in parties.iter().filter(|body| cites(body.get())) {
            let body = laboratory.described(body.get())?;
            client.describe("parties", key, &body).await?;
        }
        for body in documents.iter().filter(|body| cites(body.get())) {
            if laboratory.wrote(body.get()) {
                let signed = laboratory.sign_report(body.get())?;
                client.record_signed(&laboratory.api_key, &signed).await?;
            } else {
                client.describe("documents", key, body.get()).await?;
            }
        }
    }
    Ok(())
}

/// Whether a merchant's events name the party or document that a body describes.
fn cited_by(merchant: &MerchantInput, body: &str) -> bool {
    #[derive(Deserialize)]
    struct Named {
        party: Option<String>,
        place: Option<String>,
        document: Option<String>,
    }
    let Ok(named) = serde_json::from_str::<Named>(body) else {
        return false;
    };
    let names: Vec<String> = [named.party, named.place, named.document]
        .into_iter()
        .flatten()
        .collect();
    let own_events = EVENTS.iter().filter(|(_, events)| {
        merchant
            .gtins
            .iter()
            .any(|gtin| events.contains(gtin.as_str()))
    });
    let mut texts = own_events.map(|(_, events)| *events);
    texts.any(|text| {
        names
            .iter()
            .any(|name| text.contains(&format!("\"{name}\"")))
    }) || names.contains(&merchant.issuer)
}

async fn issue(client: &Client, key: &str, trace: &TraceInput) -> Result<Vec<String>, DemoError> {
    let links = client
        .issue(key, &trace.gtin, &trace.lot, trace.serials)
        .await?;
    Ok(links
        .iter()
        .filter_map(|link| link.rsplit('/').next())
        .map(str::to_owned)
        .collect())
}

/// The document of a trace with the serials in place of `{{serial:1}}` and so on.
fn document(trace: &TraceInput, serials: &[String]) -> String {
    let found = EVENTS.iter().find(|(name, _)| *name == trace.document);
    let mut text = found
        .map(|(_, text)| (*text).to_owned())
        .unwrap_or_default();
    for (i, serial) in serials.iter().enumerate() {
        text = text.replace(&format!("{{{{serial:{}}}}}", i + 1), serial);
    }
    text
}

/// `demo.json` holds keys: only the owner reads it.
fn save(path: &Path, demo: &Demo) -> Result<(), DemoError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt;
    let text = serde_json::to_string_pretty(demo).unwrap_or_default();
    let temporary = path.with_extension("json.new");
    let mut file = std::fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    Ok(())
}
