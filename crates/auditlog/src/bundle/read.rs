//! Reading a bundle: these members, in this order, and no others.

use std::borrow::Cow;

use super::{Bundle, BundleError, BundledStatement, FORMAT, MemberFault, StatementFault};
use crate::disclosure::Node;
use crate::encoding::parse_decimal;
use crate::hash::{Hash, LeafIndex};
use crate::json::Value;

pub(super) fn bundle(value: &Value<'_>) -> Result<Bundle, BundleError> {
    let mut members = Members::of(value, String::new())?;
    if members.text("format")? != FORMAT {
        return Err(members.kind("format", "\"rootmark-proof/v1\""));
    }
    let subject = members.text("subject")?;
    let mut log = Members::of(members.next("log")?, "/log".into())?;
    let origin = log.text("origin")?;
    let vkey = log.text("vkey")?;
    let story_vkey = log.text("story_vkey")?;
    log.end()?;
    let checkpoint = members.text("checkpoint")?;
    let anchor = members.text("anchor")?;
    let story = members.text("story")?;
    let list = members.next("statements")?;
    let list = list
        .as_array()
        .ok_or_else(|| members.kind("statements", "an array"))?;
    members.end()?;
    let statements = list
        .iter()
        .enumerate()
        .map(|(position, value)| statement(position, value))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Bundle {
        subject,
        origin,
        vkey,
        story_vkey,
        checkpoint,
        anchor,
        story,
        statements,
    })
}

fn statement(position: usize, value: &Value<'_>) -> Result<BundledStatement, BundleError> {
    let mut members = Members::of(value, format!("/statements/{position}"))?;
    let index = members.next("index")?;
    let index = index
        .as_number()
        .and_then(parse_decimal)
        .ok_or_else(|| members.kind("index", "a whole number"))?;
    let entry = members.text("entry")?;
    let path = members.next("path")?;
    let path = path
        .as_array()
        .and_then(|list| {
            list.iter()
                .map(|hash| Hash::from_base64(hash.as_str()?))
                .collect()
        })
        .ok_or_else(|| members.kind("path", "an array of hashes in base64"))?;
    let trees = members.next("disclosure")?;
    let Some([content, receipt]) = trees.as_array() else {
        return Err(members.kind("disclosure", "a pair of trees"));
    };
    members.end()?;
    let node = |value| {
        Node::read(value).map_err(|fault| BundleError::Statement {
            position,
            fault: StatementFault::Disclosure(fault),
        })
    };
    let (content, receipt) = (node(content)?, node(receipt)?);
    Ok(BundledStatement {
        index: LeafIndex(index),
        entry,
        path,
        content,
        receipt,
    })
}

/// The members of one object, taken in order.
struct Members<'v> {
    members: std::slice::Iter<'v, (Cow<'v, str>, Value<'v>)>,
    at: String,
}

impl<'v> Members<'v> {
    fn of(value: &'v Value<'v>, at: String) -> Result<Members<'v>, BundleError> {
        match value.as_object() {
            Some(members) => Ok(Members {
                members: members.iter(),
                at,
            }),
            None => Err(BundleError::Member {
                at,
                fault: MemberFault::Kind("an object"),
            }),
        }
    }

    fn next(&mut self, key: &'static str) -> Result<&'v Value<'v>, BundleError> {
        match self.members.next() {
            Some((name, value)) if name == key => Ok(value),
            _ => Err(BundleError::Member {
                at: self.at.clone(),
                fault: MemberFault::Expected { expected: key },
            }),
        }
    }

    fn text(&mut self, key: &'static str) -> Result<String, BundleError> {
        let value = self.next(key)?;
        value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| self.kind(key, "a string"))
    }

    fn end(mut self) -> Result<(), BundleError> {
        match self.members.next() {
            None => Ok(()),
            Some((name, _)) => Err(BundleError::Member {
                fault: MemberFault::Extra(name.to_string()),
                at: self.at,
            }),
        }
    }

    fn kind(&self, key: &str, must_be: &'static str) -> BundleError {
        let at = format!("{}/{key}", self.at);
        BundleError::Member {
            at,
            fault: MemberFault::Kind(must_be),
        }
    }
}
