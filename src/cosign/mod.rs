//! Cosign: what is anchored is shown to witnesses, and their word that it is one history goes into the
//! public checkpoint.
//!
//! Witnesses are asked in rounds, all at once, about the newest anchored tree. A round ends when every
//! witness that answered last time has answered, or when its time is up: a witness that is away costs
//! one round, not every one. Then the checkpoint is public with the cosignatures that came; where the
//! policy's quorum is required, only with a quorum. What comes later is added.

mod ask;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auditlog::TreeSize;
use auditlog::anchor::AnchorLine;
use auditlog::note::{NoteError, NoteSignature, SignedNote};
use auditlog::policy::{NoQuorum, Policy};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::http_client;
use crate::public::{self, PublicError, Published};
use ask::{AskError, Client};

/// How long a checkpoint waits for further witnesses once it has a quorum.
const GRACE: Duration = Duration::from_millis(100);
/// A note has at most 64 signatures, and the log's own are two while its key changes.
const MAX_WITNESSES: usize = 62;

/// What witnesses are asked for.
#[derive(Debug, Clone)]
pub struct CosignSettings {
    /// Which witnesses, and how many of them are a quorum.
    pub policy: Policy,
    /// How long a checkpoint waits for them.
    pub time_limit: Duration,
    /// Whether a checkpoint without a quorum stays unpublished.
    pub quorum_required: bool,
    /// How long a witness that failed is left alone.
    pub retry_after: Duration,
}

/// Asks witnesses, and publishes checkpoints with what they say.
#[derive(Debug)]
pub struct Cosigner {
    settings: CosignSettings,
    folder: PathBuf,
    witnesses: Vec<Asked>,
    /// What was asked about last, with what came.
    current: Option<Current>,
    answers: mpsc::Receiver<Answer>,
    sender: mpsc::Sender<Answer>,
}

/// A witness, and how it is doing.
#[derive(Debug)]
struct Asked {
    client: Arc<Client>,
    /// A request is under way.
    is_busy: bool,
    failing: Option<Failing>,
}

#[derive(Debug)]
struct Failing {
    reason: String,
    retry_at: Instant,
}

#[derive(Debug)]
struct Current {
    line: Arc<AnchorLine>,
    /// By witness, those that came: of this seal, or of an earlier one of the same tree.
    cosignatures: Vec<Option<NoteSignature>>,
    /// By witness, whether it came for this seal.
    is_fresh: Vec<bool>,
    /// Whether it is the public checkpoint.
    is_public: bool,
}

/// What a witness said.
#[derive(Debug)]
pub struct Answer {
    witness: usize,
    seal: u64,
    result: Result<NoteSignature, AskError>,
}

/// How a witness is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessState {
    /// The name that the policy gives it.
    pub name: String,
    /// Leaves of the tree that it cosigned last, as far as we know.
    pub cosigned: TreeSize,
    /// Why it does not cosign.
    pub fault: Option<String>,
}

/// What a round came to.
#[derive(Debug)]
pub struct Round {
    /// What is public now, if that changed.
    pub published: Option<Published>,
    /// Why there is no quorum for it yet.
    pub quorum: Result<(), NoQuorum>,
    /// Whether those have answered now who must have, before more is sealed.
    pub answered: bool,
}

/// Why there is no more asking.
#[derive(Debug, Error)]
pub enum CosignError {
    /// A witness has seen another history of this log than the one that is here.
    #[error(
        "the witness {witness} has seen another history of this log: {said}. Nothing is sealed any \
         more. Either this database and these public files are an old copy, or somebody signs with \
         the log's key elsewhere: compare with the witness's last checkpoint before anything else"
    )]
    OtherHistory {
        /// The policy's name for it.
        witness: String,
        /// What it said.
        said: String,
    },
    /// A checkpoint of our own cannot be read.
    #[error("the anchored checkpoint: {0}")]
    Note(#[from] NoteError),
    /// The public checkpoint cannot be written or read.
    #[error(transparent)]
    Public(#[from] PublicError),
}

/// Why the policy cannot be used to ask witnesses.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum PolicyFault {
    /// No address to ask at.
    #[error("no witness of the policy has an address: give it at the end of its line")]
    NoAddress,
    /// Something else than an address.
    #[error("the address of the witness {0} must begin with http:// or https://")]
    Address(String),
    /// More than a checkpoint can bear.
    #[error("more than {MAX_WITNESSES} witnesses: a checkpoint cannot bear so many signatures")]
    TooMany,
    /// A quorum is required, and the policy asks for none.
    #[error("a quorum is required, and the policy says `quorum none`")]
    NoQuorum,
    /// The required quorum needs a witness that cannot be asked.
    #[error("the quorum cannot be reached by the witnesses that have an address")]
    Unreachable,
}

impl CosignSettings {
    /// Whether the service can work with this.
    pub fn check(&self) -> Result<(), PolicyFault> {
        let witnesses = &self.policy.witnesses;
        for witness in witnesses {
            let url = witness.url.as_deref().unwrap_or("https://");
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(PolicyFault::Address(witness.name.clone()));
            }
        }
        if witnesses.iter().all(|witness| witness.url.is_none()) {
            return Err(PolicyFault::NoAddress);
        }
        if witnesses.len() > MAX_WITNESSES {
            return Err(PolicyFault::TooMany);
        }
        if self.quorum_required && !self.policy.needs_witnesses() {
            return Err(PolicyFault::NoQuorum);
        }
        let reachable = self.policy.is_quorum(|i| witnesses[i].url.is_some());
        if self.quorum_required && !reachable {
            return Err(PolicyFault::Unreachable);
        }
        Ok(())
    }
}

impl Cosigner {
    /// Asks for the log in the public folder `folder`.
    pub fn new(settings: CosignSettings, folder: PathBuf) -> Cosigner {
        let witnesses = settings.policy.witnesses.iter();
        let asked = |client| Asked {
            client: Arc::new(client),
            is_busy: false,
            failing: None,
        };
        let witnesses: Vec<Asked> = witnesses
            .filter_map(|witness| {
                let url = witness.url.as_deref()?;
                let http = http_client::for_address(url);
                Some(asked(Client::new(&witness.name, &witness.key, url, http)))
            })
            .collect();
        let (sender, answers) = mpsc::channel(witnesses.len().max(1));
        Cosigner {
            settings,
            folder,
            witnesses,
            current: None,
            answers,
            sender,
        }
    }

    /// What is public already. Its cosignatures say which trees the witnesses know, and stay. Reads files.
    pub fn resume(&mut self) -> Result<Option<Published>, PublicError> {
        let Some(published) = public::published(&self.folder)? else {
            return Ok(None);
        };
        let Ok(note) = SignedNote::parse(&published.checkpoint) else {
            return Ok(None);
        };
        let size = published.anchor.head.size;
        let kept = |witness: &Asked| {
            let key = &witness.client.key;
            key.verify(&note).ok()?;
            witness.client.remember(size);
            note.signatures_by(key.key_name()).last().cloned()
        };
        let cosignatures = self.witnesses.iter().map(kept).collect();
        self.current = Some(Current {
            line: Arc::new(published.anchor.clone()),
            cosignatures,
            is_fresh: vec![false; self.witnesses.len()],
            is_public: true,
        });
        let has_quorum = self.settings.policy.witnessed(&note).is_ok();
        Ok((has_quorum || !self.settings.quorum_required).then_some(published))
    }

    /// Whether a checkpoint without a quorum stays unpublished.
    pub fn requires_quorum(&self) -> bool {
        self.settings.quorum_required
    }

    /// How each witness is doing.
    pub fn states(&self) -> Vec<WitnessState> {
        let state = |witness: &Asked| WitnessState {
            name: witness.client.name.clone(),
            cosigned: witness.client.known_size(),
            fault: witness.failing.as_ref().map(|f| f.reason.clone()),
        };
        self.witnesses.iter().map(state).collect()
    }

    /// When a witness should be asked again that has not cosigned the newest tree.
    pub fn retry_at(&self) -> Option<Instant> {
        let idle = self.witnesses.iter().filter(|witness| !witness.is_busy);
        idle.filter_map(|witness| Some(witness.failing.as_ref()?.retry_at))
            .min()
    }

    /// Asks all witnesses about the tree of `line`, and publishes its checkpoint.
    pub async fn round(&mut self, line: &Arc<AnchorLine>) -> Result<Round, CosignError> {
        self.begin(line);
        let mut waited = self.ask_all();
        let mut deadline = Instant::now() + self.settings.time_limit;
        while !waited.is_empty() || self.must_wait() {
            if self.settings.policy.needs_witnesses() && self.has_answered() {
                // Enough have: the others get a moment more, and are heard later too.
                deadline = deadline.min(Instant::now() + GRACE);
            }
            let answer = tokio::select! {
                answer = self.answers.recv() => answer,
                () = tokio::time::sleep_until(deadline) => break,
            };
            let Some(answer) = answer else { break };
            waited.remove(&answer.witness);
            self.take(answer)?;
        }
        self.publish().await
    }

    /// Waits for an answer that comes after its round. Nothing is lost if the waiting ends early.
    pub async fn late(&mut self) -> Option<Answer> {
        // Never closed: this holds a sender itself.
        self.answers.recv().await
    }

    /// Adds such an answer to the public checkpoint.
    pub async fn add(&mut self, answer: Answer) -> Result<Round, CosignError> {
        self.take(answer)?;
        self.publish().await
    }

    fn begin(&mut self, line: &Arc<AnchorLine>) {
        let same = |current: &Current| current.line.seal == line.seal;
        if self.current.as_ref().is_some_and(same) {
            return;
        }
        // A heartbeat's checkpoint has the text of the one before: what was said of that stays true.
        let before = self.current.take();
        let before = before.filter(|current| current.line.head == line.head);
        self.current = Some(Current {
            line: Arc::clone(line),
            cosignatures: before.map_or_else(
                || vec![None; self.witnesses.len()],
                |current| current.cosignatures,
            ),
            is_fresh: vec![false; self.witnesses.len()],
            is_public: false,
        });
    }

    /// Asks those that have not cosigned and are not to be left alone. Gives those that are waited for.
    fn ask_all(&mut self) -> HashSet<usize> {
        let mut waited = HashSet::new();
        let Some(current) = &self.current else {
            return waited;
        };
        for (i, witness) in self.witnesses.iter_mut().enumerate() {
            let rests = |failing: &Failing| Instant::now() < failing.retry_at;
            if current.is_fresh[i] || witness.is_busy || witness.failing.as_ref().is_some_and(rests)
            {
                continue;
            }
            witness.is_busy = true;
            if witness.failing.is_none() {
                waited.insert(i);
            }
            let (client, line) = (Arc::clone(&witness.client), Arc::clone(&current.line));
            let (folder, sender) = (self.folder.clone(), self.sender.clone());
            let limit = self.settings.time_limit;
            // Goes on after its round: a slow witness is heard too.
            tokio::spawn(async move {
                let result = client.ask(&folder, &line, limit).await;
                let answer = Answer {
                    witness: i,
                    seal: line.seal,
                    result,
                };
                // Nobody listens any more: the service is stopping.
                let _ = sender.send(answer).await;
            });
        }
        waited
    }

    /// Whether a quorum is required that those under way may still make.
    fn must_wait(&self) -> bool {
        let any_busy = self.witnesses.iter().any(|witness| witness.is_busy);
        self.settings.quorum_required && any_busy && !self.has_answered()
    }

    /// Whether a quorum has cosigned this very seal. What was said of the same tree before does not tell
    /// that nothing larger was seen since.
    fn has_answered(&self) -> bool {
        let Some(current) = &self.current else {
            return false;
        };
        let policy = &self.settings.policy;
        policy.is_quorum(|i| {
            let key = &policy.witnesses[i].key;
            let mut asked = self.witnesses.iter().zip(&current.is_fresh);
            asked.any(|(witness, fresh)| *fresh && witness.client.key == *key)
        })
    }

    fn take(&mut self, answer: Answer) -> Result<(), CosignError> {
        let witness = &mut self.witnesses[answer.witness];
        witness.is_busy = false;
        let name = &witness.client.name;
        match answer.result {
            Ok(cosignature) => {
                if witness.failing.take().is_some() {
                    tracing::info!(witness = name, "the witness cosigns again");
                }
                if let Some(current) = &mut self.current
                    && current.line.seal == answer.seal
                {
                    current.cosignatures[answer.witness] = Some(cosignature);
                    current.is_fresh[answer.witness] = true;
                    current.is_public = false;
                }
                Ok(())
            }
            Err(AskError::OtherHistory(said)) => Err(CosignError::OtherHistory {
                witness: name.clone(),
                said,
            }),
            Err(AskError::Failed(reason)) => {
                // Once, and again only if it is something else: it is asked every few seconds.
                if witness.failing.as_ref().map(|f| &f.reason) != Some(&reason) {
                    tracing::warn!(witness = name, reason, "the witness did not cosign");
                }
                witness.failing = Some(Failing {
                    reason,
                    retry_at: Instant::now() + self.settings.retry_after,
                });
                Ok(())
            }
        }
    }

    async fn publish(&mut self) -> Result<Round, CosignError> {
        let answered = !self.settings.quorum_required || self.has_answered();
        let policy = &self.settings.policy;
        let Some(current) = &mut self.current else {
            return Ok(Round {
                published: None,
                quorum: Ok(()),
                answered: false,
            });
        };
        let mut note = SignedNote::parse(&current.line.checkpoint)?;
        for cosignature in current.cosignatures.iter().flatten() {
            note.add_signature(cosignature.clone());
        }
        let quorum = policy.witnessed(&note).map(|_| ());
        if current.is_public || (quorum.is_err() && self.settings.quorum_required) {
            return Ok(Round {
                published: None,
                quorum,
                answered,
            });
        }
        let (folder, line) = (self.folder.clone(), Arc::clone(&current.line));
        let done = tokio::task::spawn_blocking(move || {
            public::publish_checkpoint(&folder, &line, note.format())
        });
        let published = done.await.expect("writing a file does not panic")?;
        current.is_public = true;
        Ok(Round {
            published,
            quorum,
            answered,
        })
    }
}
