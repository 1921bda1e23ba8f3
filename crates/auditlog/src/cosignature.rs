//! Cosignatures (C2SP tlog-cosignature, version 1): what a witness says of a checkpoint, and when.
//!
//! ```text
//! cosignature/v1
//! time 1679315147
//! <the checkpoint's three lines>
//! ```
//!
//! A witness that signs this has seen, at that time, no larger tree of the log and no other history.

use std::fmt;

use thiserror::Error;

use crate::key::{Algorithm, KeyName, PrivateKey, PublicKey};
use crate::note::{NoteError, NoteSignature, SignedNote};

/// C2SP tlog-cosignature: a time must fit a signed integer of 64 bits.
const MAX_TIME: u64 = i64::MAX as u64;

/// A witness's public key, written as a vkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey(PublicKey);

/// A witness's private key.
pub struct WitnessSigner {
    key: WitnessKey,
    private: PrivateKey,
}

/// A verified cosignature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cosignature {
    /// When, in seconds since 1970, by the witness's clock.
    pub time: u64,
}

/// Why a checkpoint does not count as cosigned by a witness.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CosignatureError {
    /// Not signed, or wrongly.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Not a time and a signature.
    #[error("the cosignature by {0} is not a time and an Ed25519 signature")]
    Malformed(String),
}

impl WitnessKey {
    /// Reads a vkey whose algorithm is Ed25519 cosignatures (0x04).
    pub fn parse(vkey: &str) -> Result<WitnessKey, NoteError> {
        PublicKey::parse(vkey, Algorithm::CosignatureV1).map(WitnessKey)
    }

    /// The key as a vkey.
    pub fn format(&self) -> String {
        self.0.format()
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.0.key().name
    }

    /// The name and id by which signature lines name the key.
    pub fn key_name(&self) -> &KeyName {
        self.0.key()
    }

    /// The 32 bytes of the key, whatever its name.
    pub fn public_bytes(&self) -> &[u8; 32] {
        self.0.bytes()
    }

    /// The cosignature of `note` by this witness. Every line that bears the key must verify; of
    /// several, the newest counts.
    pub fn verify(&self, note: &SignedNote) -> Result<Cosignature, CosignatureError> {
        let mut newest = None;
        for line in note.signatures_by(self.key_name()) {
            let time = self.check(note.unverified_text(), line)?;
            newest = newest.max(Some(time));
        }
        let time = newest.ok_or_else(|| NoteError::NotSigned(self.name().to_owned()))?;
        Ok(Cosignature { time })
    }

    /// Checks one signature line over a checkpoint's text, and gives its time.
    pub fn check(&self, text: &str, line: &NoteSignature) -> Result<u64, CosignatureError> {
        let malformed = || CosignatureError::Malformed(self.name().to_owned());
        let (time, signature) = line.signature.split_first_chunk().ok_or_else(malformed)?;
        let time = u64::from_be_bytes(*time);
        if time > MAX_TIME || signature.len() != 64 {
            return Err(malformed());
        }
        self.0.check(message(text, time).as_bytes(), signature)?;
        Ok(time)
    }
}

impl WitnessSigner {
    /// The witness named `name` with the Ed25519 seed `seed`.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<WitnessSigner, NoteError> {
        PrivateKey::from_seed(name, seed, Algorithm::CosignatureV1).map(WitnessSigner::of)
    }

    /// Reads `PRIVATE+KEY+<name>+<id>+<base64(0x04 || seed)>`.
    pub fn parse(skey: &str) -> Result<WitnessSigner, NoteError> {
        PrivateKey::parse(skey, Algorithm::CosignatureV1).map(WitnessSigner::of)
    }

    fn of(private: PrivateKey) -> WitnessSigner {
        let key = WitnessKey(private.public().clone());
        WitnessSigner { key, private }
    }

    /// The private key as text. Whoever reads it can cosign as this witness.
    pub fn to_secret_text(&self) -> String {
        self.private.to_secret_text()
    }

    /// The public half.
    pub fn key(&self) -> &WitnessKey {
        &self.key
    }

    /// Cosigns a checkpoint's text at `time`, in seconds since 1970.
    pub fn cosign(&self, text: &str, time: u64) -> NoteSignature {
        let time = time.min(MAX_TIME);
        let signature = self.private.sign(message(text, time).as_bytes());
        NoteSignature {
            key: self.key.key_name().clone(),
            signature: [time.to_be_bytes().as_slice(), &signature].concat(),
        }
    }
}

impl fmt::Debug for WitnessSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessSigner({})", self.key.name())
    }
}

fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The conformance vector: a witness with the seed 0x09 × 32 at time 1700000000.
    const NOTE: &str = "prov.example/log1\n70000\nzMluRNoe9pvPVWcGY/O8yahtp7ZbQTn7rVoztCrWhJs=\n\n\
        — prov.example/log1 mpX7JBvxMPqH4dF/bFsN7avK1b4KzPzv7pkBWn9rA7RWGZRd5oy1S2YVDsG24oktMQa9\
        Alwt9jTtbCql2GoA+FOy1QM=\n\
        — witness.example/w1 JLXZ/gAAAABlU/EAWgTJb0HBYPbgm82q15ALX2veIJkNAkVt7jR9h84M+9yE0zBSNPKj\
        axe+32ZNSS/nxmAHZPqbH9S+3KtEuSl0BQ==\n";
    const VKEY: &str = "witness.example/w1+24b5d9fe+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";

    fn vector() -> (SignedNote, WitnessKey) {
        let note = SignedNote::parse(NOTE).unwrap();
        (note, WitnessKey::parse(VKEY).unwrap())
    }

    #[test]
    fn the_conformance_vector_verifies_and_is_what_we_would_sign() {
        let (note, key) = vector();
        assert_eq!(key.verify(&note).unwrap().time, 1_700_000_000);
        assert_eq!(key.format(), VKEY);
        let signer = WitnessSigner::from_seed("witness.example/w1", &[9; 32]).unwrap();
        let line = signer.cosign(note.unverified_text(), 1_700_000_000);
        assert_eq!(&line, &note.signatures()[1]);
    }

    #[test]
    fn every_changed_byte_of_a_cosignature_and_its_time_is_refused() {
        let (note, key) = vector();
        let text = note.unverified_text();
        let line = &note.signatures()[1];
        for i in 0..line.signature.len() {
            let mut changed = line.clone();
            changed.signature[i] ^= 1;
            assert!(key.check(text, &changed).is_err(), "byte {i}");
        }
        let other = text.replace("70000", "70001");
        assert!(key.check(&other, line).is_err());
        let mut short = line.clone();
        short.signature.pop();
        assert!(key.check(text, &short).is_err());
    }

    #[test]
    fn who_did_not_cosign_did_not_and_the_newest_of_several_counts() {
        let (mut note, key) = vector();
        let other = WitnessSigner::from_seed("witness.example/w1", &[8; 32]).unwrap();
        assert!(other.key().verify(&note).is_err());
        let signer = WitnessSigner::from_seed("witness.example/w1", &[9; 32]).unwrap();
        note.add_signature(signer.cosign(note.unverified_text(), 1_700_000_100));
        assert_eq!(key.verify(&note).unwrap().time, 1_700_000_100);
        let mut wrong = signer.cosign(note.unverified_text(), 1);
        wrong.signature[0] ^= 1;
        note.add_signature(wrong);
        assert!(
            key.verify(&note).is_err(),
            "a known key that fails refuses the note"
        );
    }

    #[test]
    fn a_key_for_notes_is_no_key_for_cosignatures() {
        let log = "prov.example/log1+9a95fb24+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
        assert!(WitnessKey::parse(log).is_err());
        assert!(crate::note::Verifier::parse(VKEY).is_err());
        let signer = WitnessSigner::from_seed("w", &[1; 32]).unwrap();
        let secret = signer.to_secret_text();
        assert_eq!(WitnessSigner::parse(&secret).unwrap().key(), signer.key());
        assert!(crate::note::NoteSigner::parse(&secret).is_err());
        assert!(!format!("{signer:?}").contains(&secret[..20]));
    }
}
