//! Verifying a bundle, in the order in which trust grows: keys, checkpoint, anchor, story,
//! statements.

use std::collections::HashMap;

use super::{Bundle, BundleError, BundledStatement, StatementFault, StoryFault};
use crate::anchor::{AnchorChain, AnchorLine};
use crate::checkpoint::Checkpoint;
use crate::disclosure::{NamedLeaf, Opened};
use crate::encoding::{from_base64, parse_decimal};
use crate::entry::{Entry, Timestamp};
use crate::field::array_length;
use crate::hash::{LeafIndex, TreeSize};
use crate::json::{self, Value};
use crate::keys::{KeyHistory, LogKeys};
use crate::note::{SignedNote, Verifier, fingerprint};
use crate::policy::{Policy, Witnessed};
use crate::proof::verify_inclusion;
use crate::statement;
use crate::story::StoryNote;

/// What the verifier knows from its own trusted place, never from the bundle.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trust<'a> {
    /// The log's key.
    pub log: Option<&'a Verifier>,
    /// The key of its story notes.
    pub story: Option<&'a Verifier>,
    /// The anchor file, from its first line or from the first line of a segment.
    pub anchors: Option<&'a str>,
    /// The history of the log's keys: leads from the trusted key to the one that signed.
    pub keys: Option<&'a KeyHistory>,
    /// Which logs to believe, and which witnesses must have cosigned.
    pub policy: Option<&'a Policy>,
}

impl Trust<'_> {
    /// Whether the log's key is known from here.
    pub fn names_log(&self) -> bool {
        self.log.is_some() || self.policy.is_some_and(|policy| !policy.logs.is_empty())
    }
}

/// Where the keys came from that verified a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysFrom {
    /// Both from the verifier's own trusted place.
    Verifier,
    /// At least one from the bundle itself: it is consistent, and proves nothing about who made it.
    Bundle,
}

/// What a bundle proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What the story is about.
    pub subject: String,
    /// The log's name.
    pub origin: String,
    /// Where the keys came from.
    pub keys: KeysFrom,
    /// What a person compares the bundle's keys by: see [`fingerprint`].
    pub fingerprint: String,
    /// The tree in which everything was found. The statements are all that the operator *claims* to
    /// hold about the subject at this size.
    pub size: TreeSize,
    /// When it was sealed: the operator's word, and without the anchor file not even that, since
    /// no signature covers it. Say it only where `anchored`.
    pub sealed_at: Timestamp,
    /// Whether the anchor file was at hand and holds the line.
    pub anchored: bool,
    /// Who of the policy's witnesses has cosigned the checkpoint, and when: a quorum. None without a
    /// policy.
    pub witnesses: Option<Vec<Witnessed>>,
    /// The statements, by index.
    pub statements: Vec<VerifiedStatement>,
}

/// A statement that stands in the log as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedStatement {
    /// Where it stands.
    pub index: LeafIndex,
    /// When it was captured, by the operator's clock.
    pub recorded: Timestamp,
    /// What kind of statement it is.
    pub kind: String,
    /// Who says it: a canonical Digital Link.
    pub issuer: String,
    /// The party's key that signed the content, where one did: a vkey.
    pub signer: Option<String>,
    /// The content's fields.
    pub content: Opened,
    /// The receipt's fields.
    pub receipt: Opened,
}

impl Verified {
    /// How many subtrees are not even named, over all statements.
    pub fn unnamed(&self) -> usize {
        self.statements.iter().map(VerifiedStatement::unnamed).sum()
    }

    /// How many fields are named and withheld, over all statements.
    pub fn withheld(&self) -> usize {
        let statements = self.statements.iter();
        statements.map(VerifiedStatement::withheld).sum()
    }
}

impl VerifiedStatement {
    /// How many fields are shown.
    pub fn shown(&self) -> usize {
        self.leaves().count() - self.withheld()
    }

    /// How many fields are named and withheld.
    pub fn withheld(&self) -> usize {
        self.leaves().filter(|leaf| leaf.value.is_none()).count()
    }

    /// How many subtrees are not even named.
    pub fn unnamed(&self) -> usize {
        self.content.unnamed + self.receipt.unnamed
    }

    fn leaves(&self) -> impl Iterator<Item = &NamedLeaf> {
        self.content.leaves.iter().chain(&self.receipt.leaves)
    }
}

/// Verifies a bundle, or names the first thing that is wrong with it.
pub fn verify(bytes: &[u8], trust: &Trust<'_>) -> Result<Verified, BundleError> {
    let text =
        std::str::from_utf8(bytes).map_err(|error| BundleError::Utf8(error.valid_up_to()))?;
    let bundle = Bundle::parse(text)?;
    let stated = parse_log_key(&bundle.vkey)?;
    let log_keys = log_keys(&stated, trust)?;
    let story_key = story_key(&bundle.story_vkey, trust.story)?;
    if bundle.origin != log_keys.origin() || story_key.name() != StoryNote::key_name(&bundle.origin)
    {
        return Err(BundleError::Origin);
    }
    let note = SignedNote::parse(&bundle.checkpoint)
        .map_err(|error| BundleError::Checkpoint(error.into()))?;
    let checkpoint = log_keys.open(&note).map_err(BundleError::Checkpoint)?;
    let witnesses = trust.policy.map(|policy| policy.witnessed(&note));
    let witnesses = witnesses.transpose().map_err(BundleError::Quorum)?;
    let anchor = verify_anchor(&bundle.anchor, &checkpoint, &log_keys)?;
    if let Some(file) = trust.anchors {
        find_in_anchors(file, &anchor)?;
    }
    verify_story(&bundle, &checkpoint, &story_key).map_err(BundleError::Story)?;
    let statements = verify_statements(&bundle, &checkpoint)?;
    let trusted = trust.names_log() && trust.story.is_some();
    Ok(Verified {
        subject: bundle.subject,
        origin: bundle.origin,
        keys: if trusted {
            KeysFrom::Verifier
        } else {
            KeysFrom::Bundle
        },
        fingerprint: fingerprint(&stated, &story_key),
        size: checkpoint.head.size,
        sealed_at: anchor.sealed_at,
        anchored: trust.anchors.is_some(),
        witnesses,
        statements,
    })
}

/// The keys that may have signed: the bundle's own, and with a history of keys all that belong to the
/// same log. What the verifier trusts must be among them.
fn log_keys(stated: &Verifier, trust: &Trust<'_>) -> Result<LogKeys, BundleError> {
    let keys = match trust.keys {
        Some(history) if history.log.contains(stated) => history.log.clone(),
        Some(_) => return Err(BundleError::OtherKey(LOG_KEY)),
        None => LogKeys::single(stated.clone()),
    };
    let trusted = trust.log.is_none_or(|key| keys.contains(key));
    let believed = trust.policy.is_none_or(|policy| {
        let mut known = keys.all().iter();
        policy.logs.is_empty() || known.any(|key| policy.log(&key.verifier).is_some())
    });
    if trusted && believed {
        Ok(keys)
    } else {
        Err(BundleError::OtherKey(LOG_KEY))
    }
}

const LOG_KEY: &str = "/log/vkey";

fn parse_log_key(vkey: &str) -> Result<Verifier, BundleError> {
    Verifier::parse(vkey).map_err(|error| BundleError::Key(LOG_KEY, error))
}

fn story_key(vkey: &str, trusted: Option<&Verifier>) -> Result<Verifier, BundleError> {
    const AT: &str = "/log/story_vkey";
    let key = Verifier::parse(vkey).map_err(|error| BundleError::Key(AT, error))?;
    match trusted {
        Some(trusted) if *trusted != key => Err(BundleError::OtherKey(AT)),
        _ => Ok(key),
    }
}

fn verify_anchor(
    line: &str,
    checkpoint: &Checkpoint,
    log_keys: &LogKeys,
) -> Result<AnchorLine, BundleError> {
    let anchor = AnchorLine::parse(line).map_err(BundleError::Anchor)?;
    let anchored = log_keys.open_line(&anchor).map_err(BundleError::Anchor)?;
    // The texts must be equal; the notes need not be, since cosignatures may have come later.
    if anchored != *checkpoint {
        return Err(BundleError::AnchorMismatch);
    }
    Ok(anchor)
}

/// Walks the anchor file's chain and looks for exactly this line in it.
fn find_in_anchors(file: &str, wanted: &AnchorLine) -> Result<(), BundleError> {
    let mut chain: Option<AnchorChain> = None;
    let mut found = false;
    // Not `lines`: it would read past a carriage return that the hashes do not cover.
    for (i, text) in file.split_terminator('\n').enumerate() {
        let fail = |fault| BundleError::AnchorFile { line: i + 1, fault };
        let line = AnchorLine::parse(text).map_err(fail)?;
        found |= line == *wanted;
        match &mut chain {
            Some(chain) => chain.push(line).map_err(fail)?,
            // A later segment's first line points back to a segment that is not at hand.
            None if line.seal > 1 => chain = Some(AnchorChain::after(line)),
            None => chain.insert(AnchorChain::new()).push(line).map_err(fail)?,
        }
    }
    if found {
        Ok(())
    } else {
        Err(BundleError::NotAnchored)
    }
}

fn verify_story(
    bundle: &Bundle,
    checkpoint: &Checkpoint,
    story_key: &Verifier,
) -> Result<(), StoryFault> {
    let note = SignedNote::parse(&bundle.story)?;
    let story = StoryNote::parse(note.verify(story_key)?).ok_or(StoryFault::Malformed)?;
    if story.key_name != story_key.name() {
        return Err(StoryFault::Malformed);
    }
    if story.subject != bundle.subject {
        return Err(StoryFault::Subject);
    }
    if story.size != checkpoint.head.size {
        return Err(StoryFault::Size);
    }
    let indexes = bundle.statements.iter().map(|statement| statement.index);
    if story.indexes_hash != StoryNote::hash_indexes(indexes) {
        return Err(StoryFault::Indexes);
    }
    Ok(())
}

fn verify_statements(
    bundle: &Bundle,
    checkpoint: &Checkpoint,
) -> Result<Vec<VerifiedStatement>, BundleError> {
    let mut verified: Vec<VerifiedStatement> = Vec::with_capacity(bundle.statements.len());
    for (position, statement) in bundle.statements.iter().enumerate() {
        let after = verified
            .last()
            .is_none_or(|last| last.index < statement.index);
        let one = if after {
            verify_statement(statement, checkpoint)
        } else {
            Err(StatementFault::Order)
        };
        verified.push(one.map_err(|fault| BundleError::Statement { position, fault })?);
    }
    let about: Vec<Vec<String>> = verified.iter().map(about_identities).collect();
    match unconnected(&bundle.subject, &about).first() {
        Some(position) => Err(BundleError::Statement {
            position: *position,
            fault: StatementFault::Unconnected,
        }),
        None => Ok(verified),
    }
}

fn verify_statement(
    statement: &BundledStatement,
    checkpoint: &Checkpoint,
) -> Result<VerifiedStatement, StatementFault> {
    let entry = Entry::parse(&statement.entry).ok_or(StatementFault::Entry)?;
    let head = checkpoint.head;
    verify_inclusion(
        entry.leaf_hash(),
        statement.index,
        head.size,
        &statement.path,
        head.root,
    )?;
    let content = statement.content.open()?;
    let receipt = statement.receipt.open()?;
    if statement::digest(&content.root, &receipt.root) != entry.digest {
        return Err(StatementFault::Digest);
    }
    read_opened(statement.index, entry.recorded, content, receipt)
}

/// What two opened trees say, whose roots are known to be in the log at `index`.
pub(crate) fn read_opened(
    index: LeafIndex,
    recorded: Timestamp,
    content: Opened,
    receipt: Opened,
) -> Result<VerifiedStatement, StatementFault> {
    check_receipt_fields(&receipt)?;
    if shown_text(&receipt, "/recorded")? != recorded.as_str() {
        return Err(StatementFault::Recorded);
    }
    check_content_fields(&content)?;
    check_content_tail(&content)?;
    let signer = check_signature(&content, &receipt)?;
    Ok(VerifiedStatement {
        index,
        recorded,
        kind: shown_text(&content, "/kind")?,
        issuer: shown_text(&content, "/issuer")?,
        signer,
        content,
        receipt,
    })
}

/// `/issuer` and `/kind` are the last two leaves, both shown: nothing may hide behind them.
fn check_content_tail(content: &Opened) -> Result<(), StatementFault> {
    let last: Vec<&str> = content
        .leaves
        .iter()
        .rev()
        .map(|leaf| leaf.pointer.as_str())
        .collect();
    match last.as_slice() {
        ["/kind", "/issuer", ..] if content.named_tail >= 2 => Ok(()),
        ["/kind", ..] => Err(StatementFault::Hidden("/issuer")),
        _ => Err(StatementFault::Hidden("/kind")),
    }
}

/// A content is a body, an issuer and a kind, and nothing beside them.
fn check_content_fields(content: &Opened) -> Result<(), StatementFault> {
    let is_known = |pointer: &str| {
        pointer.starts_with("/body/") || ["/body", "/issuer", "/kind"].contains(&pointer)
    };
    match content.leaves.iter().find(|leaf| !is_known(&leaf.pointer)) {
        Some(leaf) => Err(StatementFault::UnknownContentField(leaf.pointer.clone())),
        None => Ok(()),
    }
}

fn is_about_element(pointer: &str) -> bool {
    pointer
        .strip_prefix("/about/")
        .is_some_and(|index| parse_decimal(index).is_some())
}

/// All of a receipt is shown, but for what it is about.
fn check_receipt_fields(receipt: &Opened) -> Result<(), StatementFault> {
    for leaf in &receipt.leaves {
        let must_show = match leaf.pointer.as_str() {
            "/about" => "/about",
            "/recorded" => "/recorded",
            "/signature" => "/signature",
            "/signer" => "/signer",
            other if is_about_element(other) => continue,
            other => return Err(StatementFault::UnknownReceiptField(other.to_owned())),
        };
        if leaf.value.is_none() {
            return Err(StatementFault::Hidden(must_show));
        }
    }
    let about = receipt
        .value("/about")
        .ok_or(StatementFault::Hidden("/about"))?;
    if array_length(about).is_none() {
        return Err(StatementFault::AboutNotAList);
    }
    if receipt.value("/recorded").is_none() {
        return Err(StatementFault::Hidden("/recorded"));
    }
    // A party's signature sorts after `/recorded`: unnamed, it would be stripped unseen.
    let recorded = receipt
        .leaves
        .partition_point(|leaf| leaf.pointer.as_str() < "/recorded");
    if receipt.named_tail < receipt.leaves.len() - recorded {
        return Err(StatementFault::UnnamedReceiptTail);
    }
    Ok(())
}

fn check_signature(content: &Opened, receipt: &Opened) -> Result<Option<String>, StatementFault> {
    match (receipt.value("/signature"), receipt.value("/signer")) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {}
        _ => return Err(StatementFault::Signature("it is not whole".into())),
    }
    let signature = shown_text(receipt, "/signature")?;
    let signer = shown_text(receipt, "/signer")?;
    let message = statement::signed_message(&content.root);
    let bytes = from_base64(&signature)
        .ok_or_else(|| StatementFault::Signature("it is not base64".into()))?;
    Verifier::parse(&signer)
        .and_then(|key| key.check(message.as_bytes(), &bytes))
        .map_err(|error| StatementFault::Signature(error.to_string()))?;
    Ok(Some(signer))
}

/// A shown field that must be a string.
pub(crate) fn shown_text(opened: &Opened, pointer: &'static str) -> Result<String, StatementFault> {
    let value = opened
        .value(pointer)
        .ok_or(StatementFault::Hidden(pointer))?;
    string_value(value).ok_or(StatementFault::Hidden(pointer))
}

fn string_value(value: &str) -> Option<String> {
    match json::parse(value) {
        Ok(Value::String(text)) => Some(text.into_owned()),
        _ => None,
    }
}

/// The statements that the subject does not lead to, by place: from identities that one shows to be about to those
/// that share one with it, and so on.
pub fn unconnected(subject: &str, about: &[Vec<String>]) -> Vec<usize> {
    // Each statement waits under what it is about, and each identity is followed once: a chain takes as long as it has links,
    // in whichever order it lies.
    let mut waiting: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, identities) in about.iter().enumerate() {
        for identity in identities {
            waiting.entry(identity).or_default().push(place);
        }
    }
    let mut is_connected = vec![false; about.len()];
    let mut reached = identities_of(subject);
    reached.push(subject.to_owned());
    while let Some(identity) = reached.pop() {
        for place in waiting.remove(identity.as_str()).unwrap_or_default() {
            if !std::mem::replace(&mut is_connected[place], true) {
                for identity in &about[place] {
                    reached.extend(identities_of(identity));
                    reached.push(identity.clone());
                }
            }
        }
    }
    let places = 0..about.len();
    places.filter(|place| !is_connected[*place]).collect()
}

/// The shown identities of a statement, without their roles.
fn about_identities(statement: &VerifiedStatement) -> Vec<String> {
    let leaves = statement.receipt.leaves.iter();
    leaves
        .filter(|leaf| is_about_element(&leaf.pointer))
        .filter_map(|leaf| string_value(leaf.value.as_deref()?))
        .filter_map(|about| Some(about.split_once(' ')?.1.to_owned()))
        .collect()
}

/// What else is meant where a Digital Link is meant: its key alone, and its key with each single
/// qualifier, since an EPCIS identity carries only one (`/01/…/21/…` without its `/10/…`).
fn identities_of(link: &str) -> Vec<String> {
    let Some(path) = link.strip_prefix("https://id.gs1.org/") else {
        return Vec::new();
    };
    let segments: Vec<&str> = path.split('/').collect();
    let [ai, value, qualifiers @ ..] = segments.as_slice() else {
        return Vec::new();
    };
    let key = format!("https://id.gs1.org/{ai}/{value}");
    let (pairs, _) = qualifiers.as_chunks::<2>();
    let mut found: Vec<String> = pairs
        .iter()
        .map(|[ai, value]| format!("{key}/{ai}/{value}"))
        .collect();
    found.push(key);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_leads_to_its_end_in_whichever_order_it_lies_and_no_further() {
        let link = |n: usize| format!("urn:example:{n}");
        let mut chain: Vec<Vec<String>> = (0..50_000).map(|n| vec![link(n), link(n + 1)]).collect();
        assert!(unconnected(&link(0), &chain).is_empty());
        // The last first: looked through link by link, it would be looked through fifty thousand times.
        chain.reverse();
        assert!(unconnected(&link(0), &chain).is_empty());
        // One link out of it, and what is behind it hangs in the air.
        let cut = 49_000;
        chain[50_000 - 1 - cut] = vec!["urn:example:other".to_owned()];
        let left = unconnected(&link(0), &chain);
        assert_eq!(left, (0..1_000).collect::<Vec<_>>());
        // A lot leads to its product, and the product to no lot.
        let (lot, product) = (
            "https://id.gs1.org/01/09521041001012/10/L1".to_owned(),
            "https://id.gs1.org/01/09521041001012".to_owned(),
        );
        assert!(unconnected(&lot, &[vec![product.clone()]]).is_empty());
        assert_eq!(unconnected(&product, &[vec![lot]]), [0]);
    }
}
