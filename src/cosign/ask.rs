//! Asking one witness to cosign one checkpoint: the client's half of C2SP tlog-witness.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auditlog::add_checkpoint::{AddCheckpoint, SIZE_TYPE};
use auditlog::anchor::AnchorLine;
use auditlog::cosignature::{CosignatureError, WitnessKey};
use auditlog::encoding::parse_decimal;
use auditlog::note::{NoteError, NoteSignature, SignedNote};
use auditlog::proof::{ProofError, ReadError, TreeHead, TreeReader, verify_consistency};
use auditlog::{Hash, TreeSize};
use reqwest::{StatusCode, header};
use thiserror::Error;

use crate::http_client;
use crate::public::{self, PublicError, TileError, TileFiles};

/// An answer longer than this is not read to its end: a few signature lines.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// Asked with a size that it says is not its own, and once more with the one that it named.
const ATTEMPTS: usize = 2;

/// A witness that can be asked.
#[derive(Debug)]
pub(super) struct Client {
    /// The name that the policy gives it.
    pub name: String,
    pub key: WitnessKey,
    /// Where `add-checkpoint` is.
    url: String,
    http: reqwest::Client,
    /// Leaves of the tree that it cosigned last, as far as we know. A guess that is wrong costs one
    /// more request.
    known: AtomicU64,
}

/// Why there is no cosignature.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum AskError {
    /// The witness has cosigned a tree that ours does not extend.
    #[error("{0}")]
    OtherHistory(String),
    /// It may be otherwise the next time.
    #[error("{0}")]
    Failed(String),
}

/// Why there is nothing to ask with.
#[derive(Debug, Error)]
enum RequestError {
    #[error("the public log: {0}")]
    Tile(#[from] ReadError<TileError>),
    #[error("the public log: {0}")]
    File(#[from] PublicError),
    #[error("the public tiles do not lead to the checkpoint: {0}")]
    Damaged(#[from] ProofError),
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("the witness cosigned {0} leaves of it already")]
    Stale(TreeSize),
}

impl From<RequestError> for AskError {
    fn from(error: RequestError) -> AskError {
        AskError::Failed(error.to_string())
    }
}

impl Client {
    pub fn new(name: &str, key: &WitnessKey, url: &str, http: reqwest::Client) -> Client {
        Client {
            name: name.to_owned(),
            key: key.clone(),
            url: format!("{}/add-checkpoint", url.trim_end_matches('/')),
            http,
            known: AtomicU64::new(0),
        }
    }

    /// What it is known to have cosigned last.
    pub fn known_size(&self) -> TreeSize {
        TreeSize(self.known.load(Ordering::Relaxed))
    }

    pub fn remember(&self, size: TreeSize) {
        self.known.store(size.0, Ordering::Relaxed);
    }

    /// Its cosignature of the checkpoint in `line`, verified, within `limit`.
    pub async fn ask(
        &self,
        folder: &Path,
        line: &Arc<AnchorLine>,
        limit: Duration,
    ) -> Result<NoteSignature, AskError> {
        let asked = tokio::time::timeout(limit, self.ask_as_often_as_needed(folder, line)).await;
        let late = |_| AskError::Failed(format!("no answer within {} ms", limit.as_millis()));
        asked.map_err(late)?
    }

    async fn ask_as_often_as_needed(
        &self,
        folder: &Path,
        line: &Arc<AnchorLine>,
    ) -> Result<NoteSignature, AskError> {
        for _ in 0..ATTEMPTS {
            let request = request(folder, Arc::clone(line), self.known_size()).await?;
            match self.post(&request).await? {
                Answer::Cosigned(signature) => {
                    self.remember(line.head.size);
                    return Ok(signature);
                }
                Answer::OtherSize(size) if size > line.head.size => {
                    return Err(self.is_ahead(folder, size).await);
                }
                Answer::OtherSize(size) => self.remember(size),
            }
        }
        Err(AskError::Failed(
            "it names another size each time".to_owned(),
        ))
    }

    /// A witness that knows a larger tree than the one it is shown: another process of this log may have
    /// anchored it meanwhile, else it is a tree that this log never had, or has no more.
    async fn is_ahead(&self, folder: &Path, size: TreeSize) -> AskError {
        let folder = folder.to_owned();
        let last = blocking(move || Ok(public::last(&folder)?)).await;
        let anchored = match last {
            Ok(last) => last.map_or(TreeSize(0), |line| line.head.size),
            Err(error) => return error.into(),
        };
        if size <= anchored {
            return RequestError::Stale(size).into();
        }
        AskError::OtherHistory(format!(
            "it cosigned a tree of {size} leaves, and this log has only {anchored}"
        ))
    }

    async fn post(&self, request: &AddCheckpoint) -> Result<Answer, AskError> {
        let failed = |error: reqwest::Error| AskError::Failed(http_client::innermost(&error));
        let post = self.http.post(&self.url).body(request.format());
        let mut answer = post.send().await.map_err(failed)?;
        let status = answer.status();
        let content_type = answer.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let essence = content_type.and_then(|value| value.split(';').next());
        let is_size = essence.is_some_and(|value| value.trim().eq_ignore_ascii_case(SIZE_TYPE));
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(AskError::Failed(format!(
                    "its answer is longer than {MAX_ANSWER_BYTES} bytes"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        let body = String::from_utf8_lossy(&body);
        match status {
            StatusCode::OK => self.cosignature(&body, &request.checkpoint),
            StatusCode::CONFLICT => match body.strip_suffix('\n').and_then(parse_decimal) {
                Some(size) => Ok(Answer::OtherSize(TreeSize(size))),
                None if is_size => {
                    Err(AskError::Failed("its answer is not a tree size".to_owned()))
                }
                // Some witnesses say so what C2SP tlog-witness has 422 for.
                None => Err(refusal(request.old, status)),
            },
            StatusCode::UNPROCESSABLE_ENTITY => Err(refusal(request.old, status)),
            StatusCode::NOT_FOUND => Err(AskError::Failed(
                "it does not follow this log (404)".to_owned(),
            )),
            StatusCode::FORBIDDEN => Err(AskError::Failed(
                "it does not trust the key of this log (403)".to_owned(),
            )),
            other => Err(AskError::Failed(format!("it answers {}", other.as_u16()))),
        }
    }

    /// The line of an answer that this witness's own key made. Lines by other keys count for nothing.
    fn cosignature(&self, body: &str, note: &SignedNote) -> Result<Answer, AskError> {
        for line in body.lines() {
            let Ok(line) = NoteSignature::parse(line) else {
                return Err(AskError::Failed(
                    "its answer is not signature lines".to_owned(),
                ));
            };
            if line.key == *self.key.key_name() {
                let checked = self.key.check(note.unverified_text(), &line);
                let wrong = |error: CosignatureError| AskError::Failed(error.to_string());
                return checked.map(|_| Answer::Cosigned(line)).map_err(wrong);
            }
        }
        Err(AskError::Failed(
            "it did not sign with the key that the policy has for it".to_owned(),
        ))
    }
}

/// A proof or root that contradicts what the witness cosigned; but where no tree of its was named there is
/// nothing to contradict, and whoever answers is perhaps no witness at all.
fn refusal(old: TreeSize, status: StatusCode) -> AskError {
    let status = status.as_u16();
    if old.0 == 0 {
        return AskError::Failed(format!("it refuses the first request ({status})"));
    }
    AskError::OtherHistory(format!(
        "it cosigned {old} leaves of another history ({status})"
    ))
}

enum Answer {
    Cosigned(NoteSignature),
    /// The tree that it cosigned last has another size.
    OtherSize(TreeSize),
}

/// The request with the proof that the tree of `line` extends its first `old` leaves.
async fn request(
    folder: &Path,
    line: Arc<AnchorLine>,
    old: TreeSize,
) -> Result<AddCheckpoint, RequestError> {
    let folder: PathBuf = folder.to_owned();
    blocking(move || {
        if old > line.head.size {
            return Err(RequestError::Stale(old));
        }
        let mut reader = TreeReader::new(TileFiles::new(folder), line.head.size);
        let proof = proof(&mut reader, old, line.head)?;
        Ok(AddCheckpoint {
            old,
            proof,
            checkpoint: SignedNote::parse(&line.checkpoint)?,
        })
    })
    .await
}

/// Verified here first: a witness that refuses a proof made of damaged tiles has not seen another
/// history, and must not look as if it had.
fn proof(
    reader: &mut TreeReader<TileFiles>,
    old: TreeSize,
    head: TreeHead,
) -> Result<Vec<Hash>, RequestError> {
    let proof = reader.consistency_proof(old)?;
    let root = reader.root(old)?;
    verify_consistency(TreeHead { size: old, root }, head, &proof)?;
    Ok(proof)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RequestError> + Send + 'static,
) -> Result<T, RequestError> {
    tokio::task::spawn_blocking(work)
        .await
        .expect("reading tiles does not panic")
}
