//! Audit: from the public files alone, every hash of a log is computed again, and every checkpoint that
//! its operator ever signed is held against it.
//!
//! The walk goes once over all entries and once over all anchor lines, side by side: at the size of each
//! line the tree must have that line's root. So each checkpoint is a prefix of the next, which is more
//! than a consistency proof between them would show. Memory holds one segment of the anchor file and the
//! right edge of the tree, however long the log is.

mod anchors;
mod source;
mod state;
mod tiles;

use std::sync::Arc;

use auditlog::TreeSize;
use auditlog::anchor::{AnchorChain, AnchorLine};
use auditlog::checkpoint::Checkpoint;
use auditlog::keys::{KeyHistory, LogKeys};
use auditlog::note::{SignedNote, Verifier};
use auditlog::policy::{Policy, Witnessed};
use auditlog::tile::RightEdge;
use thiserror::Error;

use crate::public::{CHECKPOINT, KEYS, STORY_VKEY, VKEY};
use anchors::{Anchors, At, parse};
pub use source::{Folder, LogSource, Place, Server, SourceError};
pub use state::{MAX_BYTES as MAX_STATE_BYTES, State, StateError};
use tiles::Tiles;

/// A note has at most this (crates/auditlog/README.md §8).
const MAX_NOTE_BYTES: usize = 64 * 1024;

/// What an audit is to hold the log to.
#[derive(Debug, Clone)]
pub struct AuditOrder {
    /// The log's key, from a place that the auditor trusts.
    pub key: Verifier,
    /// What was verified the last time.
    pub state: Option<State>,
    /// Whether everything is read again all the same.
    pub full: bool,
    /// Who must have cosigned the checkpoint.
    pub policy: Option<Policy>,
}

/// What an audit found in order.
#[derive(Debug, Clone)]
pub struct Audited {
    /// The log's name.
    pub origin: String,
    /// The last seal, with the tree that it sealed.
    pub last: AnchorLine,
    /// Leaves that had been verified before, and were not read again.
    pub from: TreeSize,
    /// Seals that were read.
    pub seals: u64,
    /// How many seals the public checkpoint is behind the last one.
    pub lag: u64,
    /// Who has cosigned the checkpoint, of the policy's witnesses.
    pub witnesses: Option<Vec<Witnessed>>,
}

/// The first thing that is wrong with a log, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Finding(String);

/// Two checkpoints, both signed by the log's key, of which no log can have both.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what}")]
pub struct Fork {
    /// In words.
    pub what: String,
    /// The signed checkpoint that was seen the last time.
    pub seen: String,
    /// The one that is served now.
    pub served: String,
}

/// Why an audit ended early.
#[derive(Debug, Error)]
pub enum AuditError {
    /// The log is wrong.
    #[error(transparent)]
    Wrong(#[from] Finding),
    /// The log is another one than before.
    #[error(transparent)]
    Forked(#[from] Box<Fork>),
    /// A file could not be read, which says nothing about the log.
    #[error(transparent)]
    Source(SourceError),
    /// What is remembered is of another log.
    #[error("the state is of the log {0:?}, with a key that this log never had")]
    OtherState(String),
}

impl From<SourceError> for AuditError {
    fn from(error: SourceError) -> AuditError {
        match error {
            // No such file of any log is so long.
            SourceError::TooLong { .. } => Finding(error.to_string()).into(),
            other => AuditError::Source(other),
        }
    }
}

/// How far an audit is.
#[derive(Debug)]
pub struct Progress<'a> {
    /// Leaves read.
    pub done: u64,
    /// Leaves to be read.
    pub total: u64,
    walk: &'a Walk,
}

impl Progress<'_> {
    /// What is verified so far: with it the next audit goes on from here.
    pub fn state(&self) -> State {
        self.walk.state()
    }
}

/// Audits the log in `source`; `progress` is told after each seal. Gives what is to be remembered as
/// well.
pub async fn audit<S: LogSource>(
    source: S,
    order: AuditOrder,
    mut progress: impl FnMut(&Progress<'_>),
) -> Result<(Audited, State), AuditError> {
    let source = Arc::new(source);
    // Before the lines: a checkpoint is published after its line, never before.
    let checkpoint = text(&*source, CHECKPOINT, MAX_NOTE_BYTES).await?;
    let keys = keys(&*source, &order).await?;
    let public = PublicCheckpoint::open(&checkpoint, &keys, order.policy.as_ref())?;
    let mut anchors = Anchors::open(Arc::clone(&source)).await?;
    let last = anchors.last().await?;
    let last = last.ok_or_else(|| Finding("anchors.jsonl: has no line".to_owned()))?;
    let resumed = order.state.as_ref().filter(|_| !order.full);
    let begin = resumed.map_or(RightEdge::empty(), |state| state.edge.clone());
    let from = begin.size();
    let mut walk = Walk {
        key: order.key.clone(),
        edge: begin,
        chain: AnchorChain::new(),
        seals: 0,
    };
    let mut tiles = Tiles::open(Arc::clone(&source), from, last.head.size);
    let mut seen_in = SeenLine::new(order.state.as_ref());
    let mut lag = None;
    if let Some(state) = resumed {
        anchors.skip_to(state.line.seal);
    }
    while let Some((at, bytes)) = anchors.next().await? {
        let line = parse(&bytes, &at)?;
        if public.is_of(&line) {
            lag = Some(line.seal);
        }
        let is_seen = seen_in.compare(&line, &keys)?;
        if resumed.is_some_and(|state| line.seal <= state.line.seal) {
            if is_seen {
                walk.chain = AnchorChain::after(line);
            }
            continue;
        }
        walk.line(line, &at, &keys, &mut tiles).await?;
        progress(&Progress {
            done: walk.edge.size().0 - from.0,
            total: last.head.size.0.saturating_sub(from.0),
            walk: &walk,
        });
    }
    seen_in.must_have_been_met(&last, &keys)?;
    let end = walk.chain.last().cloned().unwrap_or(last);
    tiles.right_edge(&walk.edge).await?;
    if lag.is_none() && resumed.is_some() {
        // It waits for its witnesses for so long that its line was not read again.
        lag = sealed_before(Arc::clone(&source), &public).await?;
    }
    let sealed = lag.ok_or_else(|| {
        Finding(format!(
            "{CHECKPOINT}: its tree is in no line of the anchor file"
        ))
    })?;
    let audited = Audited {
        origin: keys.origin().to_owned(),
        lag: end.seal - sealed,
        last: end,
        from,
        seals: walk.seals,
        witnesses: public.witnesses,
    };
    Ok((audited, walk.state()))
}

/// The last seal of the public checkpoint, looked for from the first line on.
async fn sealed_before<S: LogSource>(
    source: Arc<S>,
    public: &PublicCheckpoint,
) -> Result<Option<u64>, AuditError> {
    let mut anchors = Anchors::open(source).await?;
    let mut found = None;
    while let Some((at, bytes)) = anchors.next().await? {
        let line = parse(&bytes, &at)?;
        if public.is_of(&line) {
            found = Some(line.seal);
        }
    }
    Ok(found)
}

async fn text(source: &impl LogSource, name: &str, limit: usize) -> Result<String, AuditError> {
    let bytes = source.read(name.to_owned(), limit).await?;
    let bytes = bytes.ok_or_else(|| Finding(format!("{name}: is missing")))?;
    let text = String::from_utf8(bytes);
    Ok(text.map_err(|_| Finding(format!("{name}: is not UTF-8")))?)
}

/// The keys that the log has had, among which is the one that the auditor trusts; and the two files that
/// name the newest ones must do so.
async fn keys(source: &impl LogSource, order: &AuditOrder) -> Result<LogKeys, AuditError> {
    let history = text(source, KEYS, auditlog::keys::MAX_BYTES).await?;
    let history = KeyHistory::parse(&history);
    let history = history.map_err(|error| Finding(format!("{KEYS}: {error}")))?;
    if !history.log.contains(&order.key) {
        let fault = "the key that you trust is none of the log's";
        return Err(Finding(format!("{KEYS}: {fault}")).into());
    }
    if let Some(state) = &order.state
        && !history.log.contains(&state.key)
    {
        return Err(AuditError::OtherState(state.key.name().to_owned()));
    }
    let newest = [
        (VKEY, &history.log.newest().verifier),
        (STORY_VKEY, &history.story),
    ];
    for (name, key) in newest {
        if text(source, name, MAX_NOTE_BYTES).await? != format!("{}\n", key.format()) {
            let fault = format!("is not the newest key of {KEYS}");
            return Err(Finding(format!("{name}: {fault}")).into());
        }
    }
    Ok(history.log)
}

/// The checkpoint that readers are told of.
struct PublicCheckpoint {
    text: String,
    witnesses: Option<Vec<Witnessed>>,
}

impl PublicCheckpoint {
    fn open(
        checkpoint: &str,
        keys: &LogKeys,
        policy: Option<&Policy>,
    ) -> Result<PublicCheckpoint, AuditError> {
        let wrong = |error: &dyn std::fmt::Display| Finding(format!("{CHECKPOINT}: {error}"));
        let note = SignedNote::parse(checkpoint).map_err(|error| wrong(&error))?;
        keys.open(&note).map_err(|error| wrong(&error))?;
        let witnesses = policy.map(|policy| policy.witnessed(&note)).transpose();
        Ok(PublicCheckpoint {
            text: note.unverified_text().to_owned(),
            witnesses: witnesses.map_err(|error| wrong(&error))?,
        })
    }

    fn is_of(&self, line: &AnchorLine) -> bool {
        let head = line.head;
        let origin = self.text.split('\n').next().unwrap_or_default().to_owned();
        self.text == Checkpoint { origin, head }.format()
    }
}

/// The line that was verified last time, which the log must have still.
struct SeenLine<'a> {
    state: Option<&'a State>,
    is_met: bool,
}

impl<'a> SeenLine<'a> {
    fn new(state: Option<&'a State>) -> SeenLine<'a> {
        SeenLine {
            state,
            is_met: state.is_none(),
        }
    }

    /// Whether this is that line. Another one under its number is another history, if it is signed.
    fn compare(&mut self, line: &AnchorLine, keys: &LogKeys) -> Result<bool, AuditError> {
        let Some(state) = self.state.filter(|state| state.line.seal == line.seal) else {
            return Ok(false);
        };
        if state.line == *line {
            self.is_met = true;
            return Ok(true);
        }
        let seal = line.seal;
        let what = format!(
            "FORK: seal {seal} is another than the one that was verified before. The log has two \
             histories"
        );
        Err(fork(what, state, line, keys))
    }

    fn must_have_been_met(&self, last: &AnchorLine, keys: &LogKeys) -> Result<(), AuditError> {
        let Some(state) = self.state.filter(|_| !self.is_met) else {
            return Ok(());
        };
        let what = format!(
            "FORK: the log ends with seal {} and {} entries, and {} and {} were verified before. It \
             was set back",
            last.seal, last.head.size, state.line.seal, state.line.head.size
        );
        Err(fork(what, state, last, keys))
    }
}

/// Convicts the operator only by what the operator signed: else the files are damaged.
fn fork(what: String, state: &State, served: &AnchorLine, keys: &LogKeys) -> AuditError {
    if let Err(error) = keys.open_line(served) {
        return Finding(format!("anchors.jsonl: seal {}: {error}", served.seal)).into();
    }
    Box::new(Fork {
        what,
        seen: state.line.checkpoint.clone(),
        served: served.checkpoint.clone(),
    })
    .into()
}

/// What is verified so far.
#[derive(Debug)]
struct Walk {
    key: Verifier,
    edge: RightEdge,
    chain: AnchorChain,
    seals: u64,
}

impl Walk {
    async fn line<S: LogSource>(
        &mut self,
        line: AnchorLine,
        at: &At,
        keys: &LogKeys,
        tiles: &mut Tiles<S>,
    ) -> Result<(), AuditError> {
        keys.open_line(&line).map_err(|error| at.finding(error))?;
        let (seal, head) = (line.seal, line.head);
        let before = self.chain.last().map(|last| last.head);
        self.chain.push(line).map_err(|error| at.finding(error))?;
        tiles.append(&mut self.edge, head.size).await?;
        // A heartbeat's tree is the one before, which the chain has compared.
        if before != Some(head) && self.edge.root() != head.root {
            let fault = format!(
                "seal {seal}: its root is not that of the {} entries",
                head.size
            );
            return Err(at.finding(fault).into());
        }
        self.seals += 1;
        Ok(())
    }

    /// # Panics
    /// Before the first line.
    fn state(&self) -> State {
        State {
            key: self.key.clone(),
            line: self.chain.last().expect("a line was verified").clone(),
            edge: self.edge.clone(),
        }
    }
}
