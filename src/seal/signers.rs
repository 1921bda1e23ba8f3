//! The secret keys of the log: the newest, and during an overlap the one before it.

use auditlog::TreeSize;
use auditlog::keys::LogKeys;
use auditlog::note::{NoteSigner, Verifier};

use super::SealError;

/// What a checkpoint is signed with.
#[derive(Debug)]
pub struct LogSigners {
    newest: NoteSigner,
    before: Option<NoteSigner>,
}

impl LogSigners {
    /// The newest key, and the one before it for as long as both sign.
    pub fn new(newest: NoteSigner, before: Option<NoteSigner>) -> LogSigners {
        LogSigners { newest, before }
    }

    /// The newest key, public.
    pub fn verifier(&self) -> &Verifier {
        self.newest.verifier()
    }

    /// The newest key.
    pub fn newest(&self) -> &NoteSigner {
        &self.newest
    }

    /// The keys beside the newest that must sign a tree of this size.
    pub(super) fn older_at(
        &self,
        keys: &LogKeys,
        size: TreeSize,
    ) -> Result<Vec<&NoteSigner>, SealError> {
        let older = keys.signing_at(size).filter(|key| *key != self.verifier());
        older
            .map(|key| {
                let before = self
                    .before
                    .as_ref()
                    .filter(|before| before.verifier() == key);
                before.ok_or_else(|| SealError::KeyMissing {
                    size,
                    key: key.format(),
                })
            })
            .collect()
    }
}
