//! The statement: *content* (what is said, by whom) and *receipt* (what the log adds), each a
//! salted field tree, together one digest.

use thiserror::Error;

use crate::entry::Timestamp;
use crate::field::{Fields, Secret};
use crate::hash::{Hash, node_hash};
use crate::json::{self, JsonError, Value, write_string};
use crate::salts::{Salts, SaltsError};

/// A statement as it is stored: two JSON texts and a secret for each.
#[derive(Debug, Clone)]
pub struct StatementParts<'a> {
    /// `{"body":…,"issuer":…,"kind":…}`, compact.
    pub content: &'a str,
    /// `{"about":[…],"recorded":…}` and, where a party signed, `"signature"`, `"signer"`.
    pub receipt: &'a str,
    /// What salts the content; its secret is chosen by the signing party where there is one.
    pub content_salts: Salts,
    /// Salts the receipt.
    pub receipt_secret: Secret,
}

/// A statement, flattened.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The leaves of the content.
    pub content: Fields,
    /// The leaves of the receipt.
    pub receipt: Fields,
    /// What salts the content.
    pub content_salts: Salts,
    /// Salts the receipt.
    pub receipt_secret: Secret,
}

/// A stored statement that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StatementError {
    /// The content is not JSON.
    #[error("content: {0}")]
    Content(JsonError),
    /// The receipt is not JSON.
    #[error("receipt: {0}")]
    Receipt(JsonError),
    /// The content is not the one that its salts are for.
    #[error("content: {0}")]
    Salts(#[from] SaltsError),
}

impl Statement {
    /// Reads the stored texts.
    pub fn read(parts: &StatementParts<'_>) -> Result<Statement, StatementError> {
        let content = json::parse(parts.content).map_err(StatementError::Content)?;
        let receipt = json::parse(parts.receipt).map_err(StatementError::Receipt)?;
        Ok(Statement {
            content: parts.content_salts.fields_of(&content)?,
            receipt: Fields::of(&receipt),
            content_salts: parts.content_salts.clone(),
            receipt_secret: parts.receipt_secret,
        })
    }

    /// What the log holds of it.
    pub fn digest(&self) -> Hash {
        digest(
            &self.content.root(&self.content_salts),
            &self.receipt.root(&self.receipt_secret.into()),
        )
    }
}

/// `SHA-256(0x01 || content root || receipt root)`.
pub fn digest(content_root: &Hash, receipt_root: &Hash) -> Hash {
    node_hash(content_root, receipt_root)
}

/// The text of a content object. `body` is compact JSON of an object.
pub fn content_text(body: &str, issuer: &str, kind: &str) -> String {
    let mut out = String::with_capacity(body.len() + issuer.len() + kind.len() + 40);
    out.push_str("{\"body\":");
    out.push_str(body);
    out.push_str(",\"issuer\":");
    write_string(issuer, &mut out);
    out.push_str(",\"kind\":");
    write_string(kind, &mut out);
    out.push('}');
    out
}

/// The text of a receipt. `about` must be sorted and without repeats.
pub fn receipt_text(about: &[String], recorded: Timestamp, signed: Option<&Signed<'_>>) -> String {
    debug_assert!(about.is_sorted_by(|a, b| a < b));
    let mut members = vec![(
        "about".into(),
        Value::Array(about.iter().map(|a| string(a)).collect()),
    )];
    members.push(("recorded".into(), string(recorded.as_str())));
    if let Some(signed) = signed {
        members.push(("signature".into(), string(signed.signature)));
        members.push(("signer".into(), string(signed.signer)));
    }
    Value::Object(members).to_compact()
}

/// A party's own signature over a content root.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// 64 bytes of Ed25519, as base64, over [`signed_message`].
    pub signature: &'a str,
    /// The party's key, as a vkey.
    pub signer: &'a str,
}

/// What a party signs.
pub fn signed_message(content_root: &Hash) -> String {
    format!("rootmark-content/v1\n{}\n", content_root.to_base64())
}

fn string(text: &str) -> Value<'_> {
    Value::String(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(content: &str) -> Statement {
        let recorded = Timestamp::parse("2026-11-23T01:02:03.123Z").unwrap();
        let about = ["epc https://id.gs1.org/01/09521234543213".to_owned()];
        Statement::read(&StatementParts {
            content,
            receipt: &receipt_text(&about, recorded, None),
            content_salts: Secret([1; 32]).into(),
            receipt_secret: Secret([2; 32]),
        })
        .unwrap()
    }

    #[test]
    fn issuer_and_kind_are_the_last_leaves_of_a_content() {
        let content = content_text(r#"{"z":1,"~":2}"#, "https://id.gs1.org/417/x", "event");
        let fields = statement(&content).content;
        let names: Vec<_> = fields
            .iter()
            .map(|field| field.pointer.to_owned())
            .collect();
        assert_eq!(names, ["/body/z", "/body/~0", "/issuer", "/kind"]);
    }

    #[test]
    fn content_and_receipt_cannot_change_places() {
        let one = statement(&content_text("{}", "i", "event"));
        let swapped = Statement {
            content: one.receipt.clone(),
            receipt: one.content.clone(),
            content_salts: one.receipt_secret.into(),
            receipt_secret: Secret([1; 32]),
        };
        assert_ne!(one.digest(), swapped.digest());
    }
}
