//! Hashing passwords: Argon2id as OWASP advises (19 MiB, two passes), with a key beside it that is not in the database.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use auditlog::field::Secret;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::{AccountError, Result, random};
use crate::domain::account::Password;

/// Hashes at a time: each takes 19 MiB and a core, and there are other things to do.
static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(2)));
/// Those who wait for a place or have one; whoever comes then is told to come again.
static WAITING: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(64)));
/// How long somebody waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// What nobody's password is: whoever has no account waits as long as whoever has one.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    hash_now(b"", &Secret([0; 32]), &[0; 16]).expect("a hash with the default parameters")
});

/// The hash of a password that was chosen.
pub(super) async fn hash(password: &Password, pepper: &Secret) -> Result<String> {
    let salt: [u8; 16] = random()?;
    let (password, pepper) = (password.clone(), *pepper);
    on_a_place(move || hash_now(password.reveal(), &pepper, &salt)).await?
}

/// Whether a password is that of a hash; none of an account that does not exist, which takes as long.
pub(super) async fn is_right(
    password: &Password,
    pepper: &Secret,
    hash: Option<&str>,
) -> Result<bool> {
    let (password, pepper) = (password.clone(), *pepper);
    let hash = hash.map(str::to_owned);
    on_a_place(move || {
        let stored = hash.as_deref().unwrap_or(&NOBODY);
        let parsed = PasswordHash::new(stored).map_err(hash_error)?;
        let is_right = hasher(&pepper)?
            .verify_password(password.reveal(), &parsed)
            .is_ok();
        Ok(is_right && hash.is_some())
    })
    .await?
}

async fn on_a_place<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let waiting = Arc::clone(&WAITING).try_acquire_owned();
    let waiting = waiting.map_err(|_| AccountError::Busy)?;
    let place = timeout(PATIENCE, Arc::clone(&PLACES).acquire_owned()).await;
    let place = place.map_err(|_| AccountError::Busy)?.map_err(hash_error)?;
    // The place goes with the work: whoever hangs up frees none while a hash is made for him.
    let work = move || {
        let _until_done = (waiting, place);
        work()
    };
    spawn_blocking(work).await.map_err(hash_error)
}

fn hash_now(password: &[u8], pepper: &Secret, salt: &[u8]) -> Result<String> {
    let hashed = hasher(pepper)?.hash_password_with_salt(password, salt);
    Ok(hashed.map_err(hash_error)?.to_string())
}

fn hasher(pepper: &Secret) -> Result<Argon2<'_>> {
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    Argon2::new_with_secret(&pepper.0, algorithm, version, Params::default()).map_err(hash_error)
}

fn hash_error(error: impl std::fmt::Display) -> AccountError {
    AccountError::Hash(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_right_with_its_own_pepper_alone() {
        let password = Password::typed("copper tram lists nine").unwrap();
        let (pepper, other) = (Secret([1; 32]), Secret([2; 32]));
        let stored = hash(&password, &pepper).await.unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(is_right(&password, &pepper, Some(&stored)).await.unwrap());
        assert!(!is_right(&password, &other, Some(&stored)).await.unwrap());
        let wrong = Password::typed("copper tram lists ninе").unwrap();
        assert!(!is_right(&wrong, &pepper, Some(&stored)).await.unwrap());
        assert_ne!(
            stored,
            hash(&password, &pepper).await.unwrap(),
            "a salt of its own"
        );
    }

    #[tokio::test]
    async fn nobody_has_no_password_not_even_the_one_that_is_hashed_in_his_place() {
        let empty = Password::typed("").unwrap();
        assert!(!is_right(&empty, &Secret([0; 32]), None).await.unwrap());
    }
}
