//! Changing the log's key.
//!
//! The next key is durable before anything else happens, and the database names it in one transaction.
//! A crash before the commit leaves a file that nobody asks for; after it, a log whose key is at hand.

use std::path::{Path, PathBuf};

use auditlog::TreeSize;
use auditlog::keys::{KeyFault, LogKeys, Rotation};
use auditlog::note::{NoteError, NoteSigner};
use sqlx::{Connection, PgConnection};
use thiserror::Error;

use super::keys::{KeyError, key_in, new_signer};
use super::{Core, KeyPlaces};
use crate::failpoint::{self, Step, Thing};
use crate::seal::{LogSigners, SealError};
use crate::store::key_rotation::{MAX_ROTATIONS, RotationRow, insert_rotation};
use crate::store::log_head::{LogHead, change_log_key, hold_log_head, log_head};

/// The longest overlap, in entries.
pub const MAX_OVERLAP: u64 = 1_000_000_000;

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct RotationOrder<'a> {
    /// Entries for which both keys go on signing, from the size at which the log stands.
    pub overlap: u64,
    /// The next key; a fresh one is made where none is given and the log's key lies with the service.
    pub new_key: Option<&'a Path>,
}

/// What was done.
#[derive(Debug)]
pub struct Rotated {
    /// The change, as both keys signed it.
    pub rotation: Rotation,
    /// Where the new key lies, if the service keeps it.
    pub file: Option<PathBuf>,
}

/// Why the key was not changed: the log stands where it stood.
#[derive(Debug, Error)]
pub enum RotationError {
    /// The log's key lies elsewhere, and a new one would have to be put there.
    #[error(
        "the log's key does not lie in the data folder: make the next one where it shall lie, with \
         `rootmark key new --name {0} --out FILE`, and give it with --new-key FILE"
    )]
    NoNewKey(String),
    /// Two keys sign already.
    #[error(
        "the key before still signs trees of up to {until} leaves, and the log has {size}: change \
         the key again once the log is larger"
    )]
    OverlapLasts {
        /// The last size that the older key signs.
        until: TreeSize,
        /// The log's size.
        size: TreeSize,
    },
    /// The overlap is too long.
    #[error("an overlap has at most {MAX_OVERLAP} entries")]
    TooLong,
    /// The history is full.
    #[error("the log's key was changed {MAX_ROTATIONS} times, which is as often as it can be")]
    TooMany,
    /// Somebody else changed the key meanwhile.
    #[error("the log's key was changed meanwhile; look at `rootmark key show`")]
    Moved,
    /// The new key cannot follow the old one.
    #[error("the new key: {0}")]
    Fault(#[from] KeyFault),
    /// The new key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Not signed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The log has no head.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// Changes the log's key.
pub async fn rotate(core: &Core, order: RotationOrder<'_>) -> Result<Rotated, RotationError> {
    let mut conn = core.database.sealer.acquire().await?;
    // Everything that can be refused is refused before a key is made.
    let head = log_head(&mut conn).await?.ok_or(SealError::NoHead)?;
    may_rotate(&head, order.overlap)?;
    let new = next_key(&core.key_places, &head, order.new_key).await?;
    plan(&head, &new, order.overlap)?;
    let file = match core.key_places.holds_log_key() {
        true => Some(core.key_places.keep_next(&new)?),
        false => None,
    };
    let rotation = commit(&mut conn, &core.keys.log, &new, order.overlap).await?;
    Ok(Rotated { rotation, file })
}

async fn next_key(
    places: &KeyPlaces,
    head: &LogHead,
    given: Option<&Path>,
) -> Result<NoteSigner, RotationError> {
    match given {
        Some(path) => Ok(key_in(path).await?),
        None if places.holds_log_key() => Ok(new_signer(Some(&head.origin))?),
        None => Err(RotationError::NoNewKey(head.origin.clone())),
    }
}

async fn commit(
    conn: &mut PgConnection,
    signers: &LogSigners,
    new: &NoteSigner,
    overlap: u64,
) -> Result<Rotation, RotationError> {
    let mut tx = conn.begin().await?;
    // From here on nobody seals: the size that is written down is the one from which the new key signs.
    hold_log_head(&mut tx).await?;
    let head = log_head(&mut tx).await?.ok_or(SealError::NoHead)?;
    if head.vkey != signers.verifier().format() {
        return Err(RotationError::Moved);
    }
    may_rotate(&head, overlap)?;
    let rotation = plan(&head, new, overlap)?;
    let row = RotationRow {
        number: head.rotations.len() as i64 + 1,
        note: rotation.sign(signers.newest(), new)?.format(),
    };
    insert_rotation(&mut tx, &row).await?;
    if !change_log_key(&mut tx, &head.vkey, &rotation.new.format()).await? {
        return Err(RotationError::Moved);
    }
    failpoint::before(Thing::Rotation, Step::Commit, Path::new(""));
    tx.commit().await?;
    failpoint::after(Thing::Rotation, Step::Commit, Path::new(""));
    Ok(rotation)
}

/// A third key at one size would have to be at hand everywhere: one overlap at a time.
fn may_rotate(head: &LogHead, overlap: u64) -> Result<(), RotationError> {
    let size = head.tree.size;
    let keys = head.log_keys()?;
    if overlap > MAX_OVERLAP {
        return Err(RotationError::TooLong);
    }
    if head.rotations.len() >= MAX_ROTATIONS {
        return Err(RotationError::TooMany);
    }
    match last_until(&keys) {
        Some(until) if until >= size => Err(RotationError::OverlapLasts { until, size }),
        _ => Ok(()),
    }
}

fn last_until(keys: &LogKeys) -> Option<TreeSize> {
    keys.all().iter().rev().nth(1)?.until
}

/// The change from the size at which the log stands; it must follow from the history.
fn plan(head: &LogHead, new: &NoteSigner, overlap: u64) -> Result<Rotation, RotationError> {
    let mut keys = head.log_keys()?;
    let size = head.tree.size;
    let rotation = Rotation {
        old: keys.newest().verifier.clone(),
        new: new.verifier().clone(),
        from: size,
        until: TreeSize(size.0.saturating_add(overlap)),
    };
    keys.rotate(&rotation)?;
    Ok(rotation)
}

#[cfg(test)]
mod tests {
    use auditlog::keys::KeyHistory;
    use auditlog::proof::TreeHead;

    use super::*;

    fn key(number: usize) -> NoteSigner {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        NoteSigner::from_seed(&"n".repeat(200), &seed).unwrap()
    }

    /// A log of a long name that has one entry more than rotations.
    fn log(rotations: usize) -> LogHead {
        let size = |size: usize| TreeSize(size as u64);
        let row = |i: usize| {
            let rotation = Rotation {
                old: key(i).verifier().clone(),
                new: key(i + 1).verifier().clone(),
                from: size(i),
                until: size(i),
            };
            RotationRow {
                number: i as i64 + 1,
                note: rotation.sign(&key(i), &key(i + 1)).unwrap().format(),
            }
        };
        let story = format!("{}/story", "n".repeat(200));
        LogHead {
            origin: "n".repeat(200),
            vkey: key(rotations).verifier().format(),
            story_vkey: NoteSigner::from_seed(&story, &[1; 32])
                .unwrap()
                .verifier()
                .format(),
            key_rotations: rotations as i64,
            rotations: (0..rotations).map(row).collect(),
            seal: 1,
            tree: TreeHead {
                size: size(rotations + 1),
                root: auditlog::Hash([0; 32]),
            },
            anchor_sha256: auditlog::Hash([0; 32]),
            sealed_at: None,
        }
    }

    #[test]
    fn the_key_changes_only_so_often_that_everybody_can_read_its_history() {
        assert!(may_rotate(&log(MAX_ROTATIONS - 1), 0).is_ok());
        let full = log(MAX_ROTATIONS);
        let refused = may_rotate(&full, 0);
        assert!(
            matches!(refused, Err(RotationError::TooMany)),
            "{refused:?}"
        );
        let history = KeyHistory::parse(&full.key_history().unwrap()).unwrap();
        assert_eq!(history.log.all().len(), MAX_ROTATIONS + 1);
    }
}
