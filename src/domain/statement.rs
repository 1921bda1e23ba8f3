//! Statements: everything a shopper ever sees is one.

use std::fmt;

use auditlog::Timestamp;
use auditlog::field::Secret;
use auditlog::hash::{Hash, LeafIndex};
use auditlog::json::{self, Value};
use auditlog::salts::Salts;
use auditlog::statement::{self, Signed, Statement, StatementError, StatementParts};
use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

use super::signed::PartySignature;
use super::turn::Turns;

/// What kind of thing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An EPCIS 2.0 event.
    Event,
    /// A product's description.
    Product,
    /// A party's or place's name.
    Party,
    /// A document that events cite.
    Document,
    /// How many item codes were issued for a lot.
    Issuance,
    /// Where more about a product, a lot or an item is to be found.
    Link,
    /// What must not be used any more.
    Recall,
    /// That an item was looked up.
    Scan,
    /// What its merchant found of a code in doubt.
    Review,
    /// That the hidden code of an item was entered.
    Reveal,
    /// Who may see what.
    Disclosure,
    /// Which fields of other statements were erased.
    Erasure,
}

impl Kind {
    /// As the content has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Event => "event",
            Kind::Product => "product",
            Kind::Party => "party",
            Kind::Document => "document",
            Kind::Issuance => "issuance",
            Kind::Link => "link",
            Kind::Recall => "recall",
            Kind::Scan => "scan",
            Kind::Review => "review",
            Kind::Reveal => "reveal",
            Kind::Disclosure => "disclosure",
            Kind::Erasure => "erasure",
        }
    }

    /// Reads [`Kind::as_str`].
    pub fn parse(text: &str) -> Option<Kind> {
        [
            Kind::Event,
            Kind::Product,
            Kind::Party,
            Kind::Document,
            Kind::Issuance,
            Kind::Link,
            Kind::Recall,
            Kind::Scan,
            Kind::Review,
            Kind::Reveal,
            Kind::Disclosure,
            Kind::Erasure,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == text)
    }
}

/// As what a statement concerns an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// An element of `epcList` or `quantityList`.
    Epc,
    /// `parentID`.
    Parent,
    /// An element of `childEPCs` or `childQuantityList`.
    Child,
    /// An input of a transformation.
    Input,
    /// An output of a transformation.
    Output,
    /// The lot that `ilmd` gives to the items, or the lot that codes were issued for.
    Lot,
    /// The product described.
    Product,
    /// The party named.
    Party,
    /// The place named.
    Place,
    /// The document described.
    Document,
    /// `readPoint`.
    ReadPoint,
    /// `bizLocation`.
    BizLocation,
    /// An element of `sourceList`.
    Source,
    /// An element of `destinationList`.
    Destination,
    /// An element of `bizTransactionList`.
    BizTransaction,
    /// `certificationInfo`.
    Certification,
    /// The capture that stored an event: a neighbour of whatever else the same document told.
    Capture,
    /// The product, lot or item that a link is said of.
    Anchor,
    /// `transformationID`: what joins several events into one transformation.
    Transformation,
    /// The recall that a statement opens, widens or closes.
    Recall,
    /// What is recalled.
    Recalled,
    /// The product of a lot that is recalled.
    RecalledKind,
    /// The setting that says who may see what.
    Disclosure,
    /// A statement of which fields were erased.
    Erasure,
    /// What that statement is about.
    Erased,
    /// The item that was looked up.
    Scanned,
    /// The code that was looked into.
    Reviewed,
    /// The item whose hidden code was entered.
    Revealed,
}

const ROLES: [(Role, &str, Option<i16>); 28] = [
    (Role::Epc, "epc", Some(1)),
    (Role::Parent, "parent", Some(2)),
    (Role::Child, "child", Some(3)),
    (Role::Input, "input", Some(4)),
    (Role::Output, "output", Some(5)),
    (Role::Lot, "lot", Some(6)),
    (Role::Product, "product", Some(7)),
    (Role::Party, "party", Some(8)),
    (Role::Place, "place", Some(9)),
    (Role::Document, "document", Some(10)),
    // Where and with whom an event happened is stated, and not walked: an index of places would be
    // read by nothing yet and written for every event.
    (Role::ReadPoint, "readPoint", None),
    (Role::BizLocation, "bizLocation", None),
    (Role::Source, "source", None),
    (Role::Destination, "destination", None),
    (Role::BizTransaction, "bizTransaction", None),
    (Role::Certification, "certification", None),
    // A receipt is found by its batch.
    (Role::Capture, "capture", None),
    (Role::Anchor, "anchor", Some(11)),
    (Role::Transformation, "transformation", Some(12)),
    (Role::Recall, "recall", Some(13)),
    (Role::Recalled, "recalled", Some(14)),
    (Role::RecalledKind, "recalledKind", Some(15)),
    (Role::Disclosure, "disclosure", Some(16)),
    (Role::Erasure, "erasure", Some(17)),
    // Whoever looks for an erasure knows what was erased.
    (Role::Erased, "erased", None),
    // Look-ups have a table of their own: a story asks for the last one alone.
    (Role::Scanned, "scanned", None),
    (Role::Reviewed, "reviewed", Some(18)),
    (Role::Revealed, "revealed", Some(19)),
];

impl Role {
    /// As `about` has it.
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// The number under which the trace index keeps this role; `None` where it does not.
    pub fn index_code(self) -> Option<i16> {
        self.row().2
    }

    /// Reads [`Role::as_str`].
    pub fn parse(text: &str) -> Option<Role> {
        ROLES.iter().find(|row| row.1 == text).map(|row| row.0)
    }

    fn row(self) -> &'static (Role, &'static str, Option<i16>) {
        // The table is in the order of the variants; a test holds it so.
        &ROLES[self as usize]
    }
}

/// An identity that a statement concerns, with its role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct About {
    /// As what.
    pub role: Role,
    /// Canonical Digital Link, or another URI as received.
    pub identity: String,
}

impl About {
    /// An identity in a role.
    pub fn new(role: Role, identity: String) -> About {
        About { role, identity }
    }

    /// The capture whose transaction stored the batch `id`.
    pub fn capture(id: Uuid) -> About {
        About::new(Role::Capture, format!("urn:uuid:{id}"))
    }

    /// Sorts by text, as the receipt has it, and drops repeats.
    pub fn sort(list: &mut Vec<About>) {
        list.sort_by_cached_key(About::to_string);
        list.dedup();
    }

    /// What a receipt says that its statement is about, by place; `None` for what nobody can read.
    pub fn list(receipt: &str) -> Vec<Option<About>> {
        let receipt = json::parse(receipt).ok();
        let about = receipt.as_ref().and_then(|receipt| receipt.get("about"));
        let about = about.and_then(Value::as_array).unwrap_or_default().iter();
        about.map(|text| About::parse(text.as_str()?)).collect()
    }

    /// Reads the text of an element of `about`.
    pub fn parse(text: &str) -> Option<About> {
        let (role, identity) = text.split_once(' ')?;
        Some(About::new(Role::parse(role)?, identity.to_owned()))
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role.as_str(), self.identity)
    }
}

/// A statement that is ready to be stored.
#[derive(Debug, Clone)]
pub struct NewStatement {
    /// What is said.
    pub kind: Kind,
    /// `{"body":…,"issuer":…,"kind":…}`, compact.
    pub content: String,
    /// `{"about":…,"recorded":…}`, compact.
    pub receipt: String,
    /// Salts the content.
    pub content_secret: Secret,
    /// Salts the receipt.
    pub receipt_secret: Secret,
    /// What the log will hold.
    pub digest: Hash,
    /// What it concerns, for the trace index.
    pub about: Vec<About>,
    /// When what it says happened, for the trace index.
    pub happened: OffsetDateTime,
    /// What becomes of what it concerns, for the trace index.
    pub turns: Turns,
}

/// What a statement is made of.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    /// What is said.
    pub kind: Kind,
    /// Compact JSON of an object.
    pub body: &'a str,
    /// Who says it: a canonical Digital Link.
    pub issuer: &'a str,
    /// What it concerns, sorted.
    pub about: Vec<About>,
    /// When what it says happened: an event's own time; for anything else, when it was captured.
    pub happened: OffsetDateTime,
    /// What becomes of what it concerns.
    pub turns: Turns,
    /// When it was captured.
    pub recorded: Timestamp,
    /// Random, each used once.
    pub secrets: [Secret; 2],
    /// Where the party signed: its own secret stands in place of the first.
    pub signature: Option<&'a PartySignature>,
}

/// Why a statement cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DraftError {
    /// The body nests so deeply that no verifier would read it inside a content.
    #[error(transparent)]
    Unreadable(#[from] StatementError),
    /// The party's signature is over something else.
    #[error("the signature is not its signer's over this statement")]
    Signature,
}

impl Draft<'_> {
    /// The statement, with what the log will hold of it.
    ///
    /// # Errors
    /// If no verifier would read it, or the signature is not over it.
    pub fn finish(self) -> Result<NewStatement, DraftError> {
        let content = statement::content_text(self.body, self.issuer, self.kind.as_str());
        let about: Vec<String> = self.about.iter().map(About::to_string).collect();
        let signed = self.signature.map(|party| Signed {
            signature: &party.signature,
            signer: &party.signer,
        });
        let receipt = statement::receipt_text(&about, self.recorded, signed.as_ref());
        let [content_secret, receipt_secret] = self.secrets;
        let content_secret = self.signature.map_or(content_secret, |party| party.secret);
        let parts = StatementParts {
            content: &content,
            receipt: &receipt,
            content_salts: content_secret.into(),
            receipt_secret,
        };
        // Read back from the very text that is stored, so that what is hashed is what is kept.
        let read = Statement::read(&parts)?;
        if self
            .signature
            .is_some_and(|party| !party.is_over(&read.content.root(&read.content_salts)))
        {
            return Err(DraftError::Signature);
        }
        let digest = read.digest();
        Ok(NewStatement {
            kind: self.kind,
            content,
            receipt,
            content_secret,
            receipt_secret,
            digest,
            about: self.about,
            happened: self.happened,
            turns: self.turns,
        })
    }
}

/// Where a statement is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementId {
    /// The capture transaction that stored it.
    pub batch_id: Uuid,
    /// Its place among what that transaction stored, from 0.
    pub position: i32,
}

/// A statement as it is stored.
#[derive(Debug, Clone)]
pub struct StoredStatement {
    /// Where.
    pub id: StatementId,
    /// When it was captured.
    pub recorded_at: OffsetDateTime,
    /// Its place in the log, once sealed.
    pub leaf_index: Option<LeafIndex>,
    /// What is said, without what was erased.
    pub content: String,
    /// What the log adds.
    pub receipt: String,
    /// What salts the content, or is left of it.
    pub content_salts: Salts,
    /// Salts the receipt.
    pub receipt_secret: Secret,
    /// What the log holds, or will.
    pub digest: Hash,
}

/// What one capture transaction stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its own.
    pub id: Uuid,
    /// Whose.
    pub merchant_id: Uuid,
    /// The time that all its receipts bear.
    pub recorded_at: OffsetDateTime,
    /// How many statements it has.
    pub statement_count: i32,
}

impl StoredStatement {
    /// The parts from which its digest is computed.
    pub fn parts(&self) -> StatementParts<'_> {
        StatementParts {
            content: &self.content,
            receipt: &self.receipt,
            content_salts: self.content_salts.clone(),
            receipt_secret: self.receipt_secret,
        }
    }

    /// The time in its entry.
    pub fn recorded(&self) -> Timestamp {
        super::time::timestamp(self.recorded_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_its_own_row_name_and_code() {
        for (position, (role, name, code)) in ROLES.iter().enumerate() {
            assert_eq!(*role as usize, position);
            assert_eq!(Role::parse(name), Some(*role));
            assert_eq!((role.as_str(), role.index_code()), (*name, *code));
            assert_eq!(ROLES.iter().filter(|row| row.1 == *name).count(), 1);
            assert!(code.is_none() || ROLES.iter().filter(|row| row.2 == *code).count() == 1);
        }
        assert_eq!(Role::parse("owner"), None);
    }

    #[test]
    fn about_is_sorted_by_text_and_without_repeats() {
        let mut list = vec![
            About::new(Role::Parent, "b".into()),
            About::new(Role::Child, "c".into()),
            About::new(Role::Child, "c".into()),
            About::new(Role::Child, "a".into()),
        ];
        About::sort(&mut list);
        let texts: Vec<_> = list.iter().map(About::to_string).collect();
        assert_eq!(texts, ["child a", "child c", "parent b"]);
        assert_eq!(
            About::parse("child a"),
            Some(About::new(Role::Child, "a".into()))
        );
        assert_eq!(About::parse("uncle a"), None);
    }
}
