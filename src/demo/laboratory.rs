//! The example's laboratory. It signs its tests and reports with a key of its own, as a partner's system would.

use auditlog::json::{self, Value};
use auditlog::note::NoteSigner;
use auditlog::statement::content_text;
use serde::{Deserialize, Serialize};

use super::{DemoError, MerchantInput, merchant_id};
use crate::app::Running;
use crate::app::merchants::{KeyOrder, add_key};
use crate::capture::{content_to_sign, sign};
use crate::domain::scope::Scope;
use crate::domain::statement::Kind;

const PARTY: &str = "https://id.gs1.org/417/9522050000003";
const PLACE: &str = "https://id.gs1.org/414/9522050000003";
const NAME: &str = "Tauranga Demo Dairy Laboratory";

/// What it holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Laboratory {
    /// A key of the first merchant that speaks in its name.
    pub api_key: String,
    /// What it signs with; a secret.
    pub signing_key: String,
}

impl Laboratory {
    /// One that works for a merchant.
    pub(super) async fn enter(
        running: &Running,
        merchant: &MerchantInput,
    ) -> Result<Laboratory, DemoError> {
        let order = KeyOrder {
            merchant_id: merchant_id(running, merchant).await?,
            issuer: PARTY,
            label: "demo laboratory",
            scopes: &[Scope::Capture, Scope::MasterData],
        };
        let api_key = add_key(&running.database, &order).await?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| unsigned(&error))?;
        let signer = NoteSigner::from_seed("tauranga-laboratory.example", &seed);
        Ok(Laboratory {
            api_key,
            signing_key: signer.map_err(|error| unsigned(&error))?.to_secret_text(),
        })
    }

    fn signer(&self) -> Result<NoteSigner, DemoError> {
        NoteSigner::parse(&self.signing_key)
            .map_err(|_| DemoError::Signing("its key is none".into()))
    }

    /// The description of a party as it stands, or, of the laboratory, with its key.
    pub(super) fn described(&self, body: &str) -> Result<String, DemoError> {
        let vkey = self.signer()?.verifier().format();
        match (body.contains(PARTY), body.trim_end().strip_suffix('}')) {
            (true, Some(head)) => Ok(format!(r#"{head},"keys":["{vkey}"]}}"#)),
            _ => Ok(body.to_owned()),
        }
    }

    /// Whether a document is a report of its own.
    pub(super) fn wrote(&self, body: &str) -> bool {
        let value = json::parse(body).ok();
        let issuer = value
            .as_ref()
            .and_then(|value| value.get("issuedBy")?.get("en"));
        issuer.and_then(Value::as_str) == Some(NAME)
    }

    /// A report, signed.
    pub(super) fn sign_report(&self, body: &str) -> Result<String, DemoError> {
        let body = json::parse(body)
            .map_err(|error| unsigned(&error))?
            .to_compact();
        self.sign(&[content_text(&body, PARTY, Kind::Document.as_str())])
    }

    /// A document without the laboratory's events, and these, signed, if there are any.
    pub(super) fn take_out(&self, document: &str) -> Result<(String, Option<String>), DemoError> {
        let value = json::parse(document).map_err(|error| unsigned(&error))?;
        let events = value
            .get("epcisBody")
            .and_then(|body| body.get("eventList"));
        let events = events.and_then(Value::as_array).unwrap_or_default();
        let context = value.get("@context").unwrap_or(&Value::Null);
        let own = events.iter().filter(|event| is_own(event));
        let contents: Result<Vec<String>, _> = own
            .map(|event| content_to_sign(event, context, PARTY))
            .collect();
        let contents = contents.map_err(|error| unsigned(&error))?;
        if contents.is_empty() {
            return Ok((document.to_owned(), None));
        }
        Ok((
            without_own(&value).to_compact(),
            Some(self.sign(&contents)?),
        ))
    }

    fn sign(&self, contents: &[String]) -> Result<String, DemoError> {
        sign(contents, &self.signer()?).map_err(|error| unsigned(&error))
    }
}

fn is_own(event: &Value<'_>) -> bool {
    let place = event.get("readPoint").and_then(|place| place.get("id"));
    place.and_then(Value::as_str) == Some(PLACE)
}

/// The same document, its list of events without the laboratory's.
fn without_own<'v>(value: &Value<'v>) -> Value<'v> {
    match value {
        Value::Object(members) => {
            let member = |(name, member): &(_, Value<'v>)| {
                let name: std::borrow::Cow<'v, str> = Clone::clone(name);
                let member = match (name.as_ref(), member) {
                    ("epcisBody", body) => without_own(body),
                    ("eventList", Value::Array(events)) => {
                        let others = events.iter().filter(|event| !is_own(event));
                        Value::Array(others.cloned().collect())
                    }
                    _ => member.clone(),
                };
                (name, member)
            };
            Value::Object(members.iter().map(member).collect())
        }
        other => other.clone(),
    }
}

fn unsigned(error: &dyn std::fmt::Display) -> DemoError {
    DemoError::Signing(error.to_string())
}
