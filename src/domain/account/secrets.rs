//! What accounts prove themselves with, as it lies in the database: nothing of it lets anybody in.

use std::fmt;

use auditlog::Hash;
use auditlog::encoding::{from_hex, to_hex};
use auditlog::field::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::second_factor::{RecoveryCode, SecondFactor, TOTP_SECRET_BYTES};
use crate::domain::sealed::{OpenFault, Sealing};

/// 32 random bytes that somebody shows: of a session, an invitation, a new password. Only the digest is stored; there is no
/// dictionary of 256-bit strings.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub [u8; 32]);

impl Token {
    /// As it travels: hexadecimal.
    pub fn reveal(&self) -> String {
        to_hex(&self.0)
    }

    /// Reads [`Token::reveal`].
    pub fn parse(text: &str) -> Option<Token> {
        from_hex(text).map(Token)
    }

    /// What is stored of it.
    pub fn digest(&self) -> [u8; 32] {
        Hash::of(&[&self.0]).0
    }

    /// What a form of its holder bears, so that no page of anybody else can send one: it says nothing of the token.
    pub fn for_forms(&self) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(b"rootmark form");
        to_hex(&mac.finalize().into_bytes()[..16])
    }

    /// Whether a form bears [`Token::for_forms`]; it takes the same time wherever the first difference is.
    pub fn signed_form(&self, presented: &str) -> bool {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(b"rootmark form");
        let presented = from_hex::<16>(presented);
        presented.is_some_and(|bytes| mac.verify_truncated_left(&bytes).is_ok())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Keys of the service that stand beside what accounts store. They lie outside the database, so that a stolen dump cannot
/// even be guessed at.
#[derive(Debug, Clone)]
pub struct AccountKeys {
    /// Goes into every hash of a password.
    pub pepper: Secret,
    pub(in crate::domain) recovery: Secret,
    pub(in crate::domain) device: Secret,
    pub(in crate::domain) factors: Sealing,
}

impl AccountKeys {
    /// Seals a second factor for its account. `nonce` is random, and drawn for this secret alone.
    pub fn seal_factor(&self, account_id: Uuid, nonce: [u8; 24], factor: &SecondFactor) -> Vec<u8> {
        self.factors.seal(account_id.as_bytes(), nonce, &factor.0)
    }

    /// The second factor, if it was sealed for this account.
    pub fn open_factor(&self, account_id: Uuid, sealed: &[u8]) -> Result<SecondFactor, OpenFault> {
        let bytes = self.factors.open(account_id.as_bytes(), sealed)?;
        let bytes: [u8; TOTP_SECRET_BYTES] =
            bytes.try_into().map_err(|_| OpenFault::UnknownForm)?;
        Ok(SecondFactor(bytes))
    }

    /// What is stored of a code on paper. Fifty bits have a dictionary, so its digest has a key.
    pub fn recovery_digest(&self, account_id: Uuid, code: &RecoveryCode) -> [u8; 32] {
        let mac = keyed(&self.recovery, &[account_id.as_bytes(), code.reveal()]);
        mac.finalize().into_bytes().into()
    }

    /// What a device keeps on which somebody logged in: there strangers' wrong guesses do not lock him out.
    pub fn device_mark(&self, account_id: Uuid) -> String {
        let mac = keyed(&self.device, &[account_id.as_bytes()]);
        to_hex(&mac.finalize().into_bytes())
    }

    /// Whether a device bears the mark of an account.
    pub fn is_device_of(&self, account_id: Uuid, presented: &str) -> bool {
        let mac = keyed(&self.device, &[account_id.as_bytes()]);
        from_hex::<32>(presented).is_some_and(|bytes| mac.verify_slice(&bytes).is_ok())
    }
}

fn keyed(key: &Secret, parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::code::CodeKey;

    fn keys(byte: u8) -> AccountKeys {
        CodeKey(Secret([byte; 32])).account_keys()
    }

    #[test]
    fn a_form_is_signed_by_its_own_token_alone() {
        let (mine, other) = (Token([1; 32]), Token([2; 32]));
        assert!(mine.signed_form(&mine.for_forms()));
        for wrong in [
            other.for_forms(),
            String::new(),
            mine.for_forms() + "00",
            "0".repeat(32),
        ] {
            assert!(!mine.signed_form(&wrong), "{wrong}");
        }
        assert!(!mine.reveal().contains(&mine.for_forms()));
        assert_eq!(Token::parse(&mine.reveal()), Some(mine.clone()));
        assert_eq!(format!("{mine:?}"), "Token(…)");
    }

    #[test]
    fn a_factor_opens_for_its_account_with_its_key_alone() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let factor = SecondFactor([5; 20]);
        let sealed = keys(7).seal_factor(one, [9; 24], &factor);
        assert_eq!(keys(7).open_factor(one, &sealed), Ok(factor));
        assert!(
            keys(7).open_factor(two, &sealed).is_err()
                && keys(8).open_factor(one, &sealed).is_err()
        );
        assert!(!sealed.windows(4).any(|part| part == [5; 4]));
    }

    #[test]
    fn a_device_and_a_code_on_paper_are_of_one_account() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mark = keys(7).device_mark(one);
        assert!(keys(7).is_device_of(one, &mark));
        assert!(!keys(7).is_device_of(two, &mark) && !keys(8).is_device_of(one, &mark));
        let code = RecoveryCode::of(&Secret([3; 32]));
        assert_ne!(
            keys(7).recovery_digest(one, &code),
            keys(7).recovery_digest(two, &code)
        );
        assert_ne!(
            keys(7).recovery_digest(one, &code),
            keys(8).recovery_digest(one, &code)
        );
    }
}
