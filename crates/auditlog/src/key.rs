//! Ed25519 keys with a name, as C2SP signed-note writes them. What a signature by such a key means
//! depends on its algorithm byte, so one key never serves two purposes.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::encoding::{from_base64, from_hex, to_base64, to_hex};
use crate::hash::Hash;
use crate::note::NoteError;

/// A key's name and the first four bytes of its hash: what a signature line names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyName {
    /// The name: not empty, no Unicode space, no `+`.
    pub name: String,
    /// `SHA-256(name || 0x0A || algorithm || public key)[..4]`.
    pub id: [u8; 4],
}

/// What a key's signatures mean. The numbers are those of C2SP signed-note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Algorithm {
    /// Ed25519 over a note's text.
    Ed25519 = 0x01,
    /// Ed25519 over a time and a checkpoint: `cosignature/v1`.
    CosignatureV1 = 0x04,
}

impl Algorithm {
    fn refusal(self) -> NoteError {
        NoteError::BadKey(match self {
            Algorithm::Ed25519 => "only Ed25519 keys are known",
            Algorithm::CosignatureV1 => "only Ed25519 keys for cosignatures are known",
        })
    }
}

/// A public key with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    key: KeyName,
    algorithm: Algorithm,
    public: VerifyingKey,
}

/// A private key with a name.
pub(crate) struct PrivateKey {
    public: PublicKey,
    private: SigningKey,
}

impl PublicKey {
    pub fn parse(vkey: &str, algorithm: Algorithm) -> Result<PublicKey, NoteError> {
        const SHAPE: NoteError = NoteError::BadKey("a vkey is name+id+key");
        let (name, rest) = vkey.split_once('+').ok_or(SHAPE)?;
        let (id, key) = rest.split_once('+').ok_or(SHAPE)?;
        let id = from_hex::<4>(id).ok_or(SHAPE)?;
        let key = from_base64(key).ok_or(SHAPE)?;
        let (&byte, key) = key.split_first().ok_or(SHAPE)?;
        if byte != algorithm as u8 {
            return Err(algorithm.refusal());
        }
        let key: [u8; 32] = key.try_into().map_err(|_| SHAPE)?;
        let public = PublicKey::new(name, key, algorithm)?;
        if public.key.id != id {
            return Err(NoteError::BadKey("its id does not fit its key"));
        }
        Ok(public)
    }

    fn new(name: &str, public: [u8; 32], algorithm: Algorithm) -> Result<PublicKey, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::BadKey(
                "a name has no space, no + and is not empty",
            ));
        }
        let id = Hash::of(&[name.as_bytes(), b"\n", &[algorithm as u8], &public]).0;
        let key = KeyName {
            name: name.to_owned(),
            id: [id[0], id[1], id[2], id[3]],
        };
        // The library reduces y modulo p; RFC 8032 §5.1.3 refuses a y that is not below it.
        const OFF_CURVE: NoteError = NoteError::BadKey("not on the curve");
        if !is_below_p(&public) {
            return Err(OFF_CURVE);
        }
        let public = VerifyingKey::from_bytes(&public).map_err(|_| OFF_CURVE)?;
        if public.is_weak() {
            return Err(NoteError::BadKey("of small order"));
        }
        Ok(PublicKey {
            key,
            algorithm,
            public,
        })
    }

    pub fn format(&self) -> String {
        let key = [&[self.algorithm as u8], self.bytes().as_slice()].concat();
        let KeyName { name, id } = &self.key;
        format!("{name}+{}+{}", to_hex(id), to_base64(&key))
    }

    pub fn key(&self) -> &KeyName {
        &self.key
    }

    pub fn bytes(&self) -> &[u8; 32] {
        self.public.as_bytes()
    }

    pub fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), NoteError> {
        // Strict: RFC 8032's malleable encodings and keys of small order are refused, so that every
        // verifier, in whatever language, gives the same answer.
        Signature::from_slice(signature)
            .and_then(|signature| self.public.verify_strict(message, &signature))
            .map_err(|_| NoteError::WrongSignature(self.key.name.clone()))
    }
}

impl PrivateKey {
    pub fn from_seed(
        name: &str,
        seed: &[u8; 32],
        algorithm: Algorithm,
    ) -> Result<PrivateKey, NoteError> {
        let private = SigningKey::from_bytes(seed);
        let public = PublicKey::new(name, private.verifying_key().to_bytes(), algorithm)?;
        Ok(PrivateKey { public, private })
    }

    pub fn parse(skey: &str, algorithm: Algorithm) -> Result<PrivateKey, NoteError> {
        const SHAPE: NoteError = NoteError::BadKey("a private key is PRIVATE+KEY+name+id+key");
        let rest = skey.strip_prefix("PRIVATE+KEY+").ok_or(SHAPE)?;
        let mut parts = rest.splitn(3, '+');
        let (name, id, key) = (parts.next(), parts.next(), parts.next());
        let (Some(name), Some(id), Some(key)) = (name, id, key) else {
            return Err(SHAPE);
        };
        let key = from_base64(key).ok_or(SHAPE)?;
        let (&byte, seed) = key.split_first().ok_or(SHAPE)?;
        if byte != algorithm as u8 {
            return Err(algorithm.refusal());
        }
        let seed = seed.try_into().map_err(|_| SHAPE)?;
        let signer = PrivateKey::from_seed(name, seed, algorithm)?;
        if from_hex::<4>(id) != Some(signer.public.key.id) {
            return Err(NoteError::BadKey("its id does not fit its key"));
        }
        Ok(signer)
    }

    pub fn to_secret_text(&self) -> String {
        let byte = self.public.algorithm as u8;
        let key = [&[byte], self.private.as_bytes().as_slice()].concat();
        let KeyName { name, id } = self.public.key();
        format!("PRIVATE+KEY+{name}+{}+{}", to_hex(id), to_base64(&key))
    }

    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.private.sign(message).to_bytes()
    }

    pub fn public(&self) -> &PublicKey {
        &self.public
    }
}

pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// Whether the y of an encoded point is less than p = 2^255 - 19.
fn is_below_p(point: &[u8; 32]) -> bool {
    let [lowest, middle @ .., highest] = point;
    *lowest < 0xed || middle.iter().any(|byte| *byte != 0xff) || highest & 0x7f != 0x7f
}
