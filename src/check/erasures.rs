//! What is gone from statements, against what was said to be erased: nothing else may be missing, and nothing of it
//! may be there. Memory grows with the number of erasures.

use std::collections::{BTreeSet, HashMap};

use auditlog::statement::Statement;
use auditlog::{Hash, json};
use uuid::Uuid;

use super::Report;
use crate::domain::erasure::read_erasure;
use crate::domain::statement::{Kind, StoredStatement};

/// What the statements of a check have and say of this.
#[derive(Debug, Default)]
pub(super) struct Erasures {
    /// The fields that are gone from statements, by whose these are and by their digests.
    gone: HashMap<(Uuid, Hash), BTreeSet<String>>,
    /// Those that were said to be erased.
    said: HashMap<(Uuid, Hash), BTreeSet<String>>,
}

impl Erasures {
    /// Adds a statement.
    pub fn add(
        &mut self,
        merchant_id: Uuid,
        kind: &str,
        stored: &StoredStatement,
        read: &Statement,
    ) {
        let mut gone = read.content_salts.erased().peekable();
        if gone.peek().is_some() {
            let gone = gone.map(str::to_owned).collect();
            self.gone.insert((merchant_id, stored.digest), gone);
        }
        if kind == Kind::Erasure.as_str() {
            let content = json::parse(&stored.content).ok();
            let body = content.as_ref().and_then(|content| content.get("body"));
            // What cannot be read is named elsewhere.
            let erasure = body.and_then(|body| read_erasure(body).ok());
            for one in erasure.into_iter().flat_map(|erasure| erasure.erased) {
                let said = self.said.entry((merchant_id, one.statement)).or_default();
                said.extend(one.fields);
            }
        }
    }

    /// Compares the two, once all statements were added.
    pub fn finish(&self, report: &mut Report) {
        let none = BTreeSet::new();
        for (key, gone) in &self.gone {
            let said = self.said.get(key).unwrap_or(&none);
            for field in gone.difference(said) {
                report.add(format!(
                    "statement {}: {field} is missing, and no statement says that it was erased",
                    key.1.to_base64()
                ));
            }
        }
        for (key, said) in &self.said {
            let gone = self.gone.get(key).unwrap_or(&none);
            for field in said.difference(gone) {
                report.add(format!(
                    "statement {}: {field} was erased, and is there, or the statement is not",
                    key.1.to_base64()
                ));
            }
        }
    }
}
