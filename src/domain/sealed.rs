//! Secrets that the service must read again, as they lie in the database.
//!
//! ```text
//! sealed = 0x01 ‖ nonce ‖ XChaCha20-Poly1305(key, nonce, associated data, the secret)
//! key = HMAC-SHA-256(the service's key for item codes, "rootmark-sealed/v1 " ‖ what is sealed)
//! nonce = 24 random bytes
//! ```
//!
//! | what is sealed | the secret | associated data |
//! |---|---|---|
//! | `signatureToken` | signs every delivery of a subscription | the merchant's id ‖ the subscription's id |
//! | `eventIDKey` | makes the eventID of a merchant's events that come without one | the merchant's id |
//! | `secondFactor` | makes the codes of somebody's authenticator | the account's id |
//!
//! An id is 16 bytes. The key lies outside the database, so that a stolen dump signs no delivery, and
//! nobody who has only the dump can try out an erased value until the eventID comes out. What was sealed
//! for one owner does not open for another, so that whoever can write rows cannot move a secret to an
//! address of his own. A nonce this long may be random: two alike are not to be expected in 2⁹⁶ secrets.

use auditlog::field::Secret;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use thiserror::Error;
use uuid::Uuid;

use super::delivery_signature::SignatureToken;

/// What the first byte says about the rest.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// What a sealed secret is longer than the secret.
const OVERHEAD_BYTES: usize = 1 + NONCE_BYTES + TAG_BYTES;

/// Bytes of a sealed secret at most: what a column has to hold.
pub const MAX_SEALED_BYTES: usize = OVERHEAD_BYTES + SignatureToken::MAX_CHARS;

/// Seals and opens the tokens of subscriptions.
#[derive(Debug, Clone)]
pub struct SealingKey(pub(super) Sealing);

/// Seals and opens the keys that make eventIDs.
#[derive(Debug, Clone)]
pub struct EventIdKeys(pub(super) Sealing);

/// The form of all that is sealed, under one key.
#[derive(Debug, Clone)]
pub(super) struct Sealing(pub(super) Secret);

/// Whose secret it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretOwner {
    /// The merchant.
    pub merchant_id: Uuid,
    /// Its subscription.
    pub subscription_id: Uuid,
}

/// A merchant's key that makes eventIDs, as it is stored.
#[derive(Debug, Clone)]
pub enum StoredEventIdKey {
    /// Sealed.
    Sealed(Vec<u8>),
    /// In the clear, from before keys were sealed; the service seals it when it starts.
    Clear(Secret),
}

/// Why a sealed secret does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenFault {
    /// Made by a later version, or nothing that this service sealed.
    #[error("the sealed secret has an unknown form")]
    UnknownForm,
    /// Altered, another owner's, or sealed with another key: the three cannot be told apart.
    #[error("the sealed secret does not open with this service's key")]
    DoesNotOpen,
}

impl SealingKey {
    /// Seals a token for its owner. `nonce` is random, and drawn for this secret alone.
    pub fn seal(
        &self,
        owner: SecretOwner,
        nonce: [u8; NONCE_BYTES],
        token: &SignatureToken,
    ) -> Vec<u8> {
        let text = token.reveal().as_bytes();
        self.0.seal(&owner.to_bytes(), nonce, text)
    }

    /// The token, if it was sealed for this owner with this key.
    pub fn open(&self, owner: SecretOwner, sealed: &[u8]) -> Result<SignatureToken, OpenFault> {
        if sealed.len() > MAX_SEALED_BYTES {
            return Err(OpenFault::UnknownForm);
        }
        let text = self.0.open(&owner.to_bytes(), sealed)?;
        let text = std::str::from_utf8(&text).ok();
        text.and_then(SignatureToken::parse)
            .ok_or(OpenFault::UnknownForm)
    }
}

impl EventIdKeys {
    /// Bytes of such a key, sealed.
    pub const SEALED_BYTES: usize = OVERHEAD_BYTES + 32;

    /// Seals a merchant's key. `nonce` is random, and drawn for this secret alone.
    pub fn seal(&self, merchant_id: Uuid, nonce: [u8; NONCE_BYTES], key: &Secret) -> Vec<u8> {
        let Secret(bytes) = key;
        self.0.seal(merchant_id.as_bytes(), nonce, bytes)
    }

    /// The key as it was stored, if it was sealed for this merchant.
    pub fn read(&self, merchant_id: Uuid, stored: &StoredEventIdKey) -> Result<Secret, OpenFault> {
        match stored {
            StoredEventIdKey::Sealed(sealed) => self.open(merchant_id, sealed),
            StoredEventIdKey::Clear(key) => Ok(*key),
        }
    }

    fn open(&self, merchant_id: Uuid, sealed: &[u8]) -> Result<Secret, OpenFault> {
        if sealed.len() != Self::SEALED_BYTES {
            return Err(OpenFault::UnknownForm);
        }
        let bytes = self.0.open(merchant_id.as_bytes(), sealed)?;
        let bytes = bytes.try_into().map_err(|_| OpenFault::UnknownForm)?;
        Ok(Secret(bytes))
    }
}

impl Sealing {
    pub(super) fn seal(
        &self,
        associated: &[u8],
        nonce: [u8; NONCE_BYTES],
        secret: &[u8],
    ) -> Vec<u8> {
        let payload = Payload {
            msg: secret,
            aad: associated,
        };
        let sealed = self.cipher().encrypt(&nonce.into(), payload);
        let sealed = sealed.expect("a secret is shorter than the cipher's limit of 256 GiB");
        [&[VERSION], nonce.as_slice(), &sealed].concat()
    }

    pub(super) fn open(&self, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenFault> {
        let Some((&VERSION, rest)) = sealed.split_first() else {
            return Err(OpenFault::UnknownForm);
        };
        let split = rest.split_first_chunk::<NONCE_BYTES>();
        let (nonce, msg) = split.ok_or(OpenFault::UnknownForm)?;
        let payload = Payload {
            msg,
            aad: associated,
        };
        let opened = self.cipher().decrypt(&(*nonce).into(), payload);
        opened.map_err(|_| OpenFault::DoesNotOpen)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        let Secret(key) = &self.0;
        XChaCha20Poly1305::new(key.into())
    }
}

impl SecretOwner {
    fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(self.merchant_id.as_bytes());
        bytes[16..].copy_from_slice(self.subscription_id.as_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::code::CodeKey;
    use auditlog::encoding::to_hex;
    use proptest::prelude::*;

    const NONCE: [u8; NONCE_BYTES] = [9; NONCE_BYTES];

    fn key(byte: u8) -> SealingKey {
        CodeKey(Secret([byte; 32])).sealing_key()
    }

    fn owner(merchant: u128, subscription: u128) -> SecretOwner {
        SecretOwner {
            merchant_id: Uuid::from_u128(merchant),
            subscription_id: Uuid::from_u128(subscription),
        }
    }

    fn token() -> SignatureToken {
        SignatureToken::parse("13df38d8275b13f05704629e5f1cf3d45d6132d5").unwrap()
    }

    // The same from libsodium's crypto_aead_xchacha20poly1305_ietf_encrypt.
    #[test]
    fn the_form_is_what_libsodium_makes() {
        let sealed = to_hex(&key(7).seal(owner(1, 2), NONCE, &token()));
        let nonce = "09".repeat(NONCE_BYTES);
        let expected = "afcacf28ec980e20707bb65fd12c694cce555a8ad9da8976e2c3016e43d3174b3c436575\
                        067cca076739ef4ff8031a1b455b3730a7d4bcbf";
        assert_eq!(sealed, format!("01{nonce}{expected}"));
    }

    #[test]
    fn the_text_appears_nowhere_and_the_same_text_never_looks_the_same() {
        let sealed = key(7).seal(owner(1, 2), NONCE, &token());
        let text = token();
        let mut parts = text.reveal().as_bytes().windows(3);
        assert!(!parts.any(|part| sealed.windows(3).any(|window| window == part)));
        let again = key(7).seal(owner(1, 2), [8; NONCE_BYTES], &token());
        assert_ne!(sealed[25..], again[25..]);
        assert!(!format!("{:?}", key(7)).contains("7, 7"));
    }

    #[test]
    fn it_opens_for_its_owner_with_its_key_and_for_nobody_else() {
        let sealed = key(7).seal(owner(1, 2), NONCE, &token());
        assert_eq!(key(7).open(owner(1, 2), &sealed), Ok(token()));
        for other in [owner(1, 3), owner(3, 2), owner(2, 1), owner(1, 1 << 8 | 2)] {
            let opened = key(7).open(other, &sealed);
            assert_eq!(opened, Err(OpenFault::DoesNotOpen), "{other:?}");
        }
        let opened = key(8).open(owner(1, 2), &sealed);
        assert_eq!(opened, Err(OpenFault::DoesNotOpen));
    }

    #[test]
    fn the_key_is_none_that_makes_item_codes() {
        let code_key = CodeKey(Secret([7; 32]));
        let (tokens, event_ids) = (code_key.sealing_key().0.0, code_key.event_id_keys().0.0);
        assert_ne!(tokens, event_ids);
        for key in [tokens, event_ids] {
            assert_ne!(key, code_key.0);
            let mark = code_key.fingerprint();
            assert_ne!(key.0[..8], mark, "the database knows that mark");
        }
    }

    #[test]
    fn a_key_of_event_ids_opens_for_its_merchant_alone() {
        let keys = CodeKey(Secret([7; 32])).event_id_keys();
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sealed = keys.seal(own, NONCE, &Secret([5; 32]));
        assert_eq!(sealed.len(), EventIdKeys::SEALED_BYTES);
        assert!(!sealed.windows(3).any(|window| window == [5, 5, 5]));
        assert_eq!(keys.open(own, &sealed), Ok(Secret([5; 32])));
        assert_eq!(keys.open(other, &sealed), Err(OpenFault::DoesNotOpen));
        let another = CodeKey(Secret([8; 32])).event_id_keys();
        assert_eq!(another.open(own, &sealed), Err(OpenFault::DoesNotOpen));
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(keys.open(own, &altered).is_err(), "{at}");
            let cut = keys.open(own, &sealed[..at]);
            assert_eq!(cut, Err(OpenFault::UnknownForm), "{at}");
        }
        let longer = [sealed.as_slice(), &[0]].concat();
        assert_eq!(keys.open(own, &longer), Err(OpenFault::UnknownForm));
    }

    #[test]
    fn a_sealed_token_is_no_key_of_event_ids() {
        let text = SignatureToken::parse(&"s".repeat(32)).unwrap();
        let sealed = key(7).seal(owner(1, 2), NONCE, &text);
        assert_eq!(sealed.len(), EventIdKeys::SEALED_BYTES);
        let keys = CodeKey(Secret([7; 32])).event_id_keys();
        let opened = keys.open(Uuid::from_u128(1), &sealed);
        assert_eq!(opened, Err(OpenFault::DoesNotOpen));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let sealed = key(7).seal(owner(1, 2), NONCE, &token());
        for at in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[at / 8] ^= 1 << (at % 8);
            let expected = match at / 8 {
                0 => OpenFault::UnknownForm,
                _ => OpenFault::DoesNotOpen,
            };
            assert_eq!(key(7).open(owner(1, 2), &altered), Err(expected), "{at}");
        }
    }

    #[test]
    fn what_is_cut_or_longer_than_a_secret_is_refused() {
        let longest = SignatureToken::parse(&"s".repeat(SignatureToken::MAX_CHARS)).unwrap();
        let mut sealed = key(7).seal(owner(1, 2), NONCE, &longest);
        assert_eq!(sealed.len(), MAX_SEALED_BYTES);
        for length in 0..sealed.len() {
            assert!(key(7).open(owner(1, 2), &sealed[..length]).is_err());
        }
        sealed.push(0);
        let opened = key(7).open(owner(1, 2), &sealed);
        assert_eq!(opened, Err(OpenFault::UnknownForm));
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens_again(
            text in "[!-~]{16,200}", merchant in any::<u128>(), subscription in any::<u128>(),
            nonce in any::<[u8; NONCE_BYTES]>(),
        ) {
            let token = SignatureToken::parse(&text).unwrap();
            let owner = owner(merchant, subscription);
            let sealed = key(7).seal(owner, nonce, &token);
            prop_assert_eq!(key(7).open(owner, &sealed), Ok(token));
        }

        #[test]
        fn no_bytes_make_it_fail_otherwise(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(key(7).open(owner(1, 2), &bytes).is_err());
        }
    }
}
