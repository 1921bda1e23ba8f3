//! Signed notes (C2SP signed-note): a text, an empty line, and signatures of named keys.
//!
//! ```text
//! text, ending in a newline
//!
//! — <key name> <base64(4-byte key id || signature)>
//! ```

use std::fmt;

use thiserror::Error;

use crate::encoding::{from_base64, to_base64, to_hex};
use crate::hash::Hash;
use crate::key::{Algorithm, PrivateKey, PublicKey, is_key_name};

pub use crate::key::KeyName;

/// More signatures than this are refused; C2SP asks for at least 16.
const MAX_SIGNATURES: usize = 64;
/// A note longer than this is refused before anything is parsed.
const MAX_NOTE_BYTES: usize = 64 * 1024;

/// A public key that verifies notes: a C2SP *vkey*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier(PublicKey);

/// A private key that signs notes.
pub struct NoteSigner {
    verifier: Verifier,
    private: PrivateKey,
}

/// A note and its signature lines, not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Which key claims to have signed.
    pub key: KeyName,
    /// The signature; its meaning depends on the key's algorithm.
    pub signature: Vec<u8>,
}

/// Why a note or a key is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoteError {
    /// The note is not in the form of C2SP signed-note.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// No signature by the key that must have signed.
    #[error("no signature by {0}")]
    NotSigned(String),
    /// A signature that bears the key's name and id and is not the key's.
    #[error("the signature by {0} is wrong")]
    WrongSignature(String),
    /// A key text that cannot be used.
    #[error("not a usable key: {0}")]
    BadKey(&'static str),
}

impl SignedNote {
    /// Signs `text`, which must end in a newline.
    pub fn sign(text: String, signer: &NoteSigner) -> Result<SignedNote, NoteError> {
        check_text(&text)?;
        let mut note = SignedNote {
            text,
            signatures: Vec::new(),
        };
        note.add_signature_by(signer);
        Ok(note)
    }

    /// A note of a text that ends in a newline, and of signature lines that somebody else made.
    pub fn from_parts(text: String, signatures: Vec<NoteSignature>) -> SignedNote {
        SignedNote { text, signatures }
    }

    /// Adds a signature line by another key.
    pub fn add_signature_by(&mut self, signer: &NoteSigner) {
        self.signatures.push(NoteSignature {
            key: signer.verifier.key_name().clone(),
            signature: signer.sign(self.text.as_bytes()).to_vec(),
        });
    }

    /// Adds a signature line that somebody else made; whether it is right is for a verifier to say.
    pub fn add_signature(&mut self, signature: NoteSignature) {
        self.signatures.push(signature);
    }

    /// Reads a note; what it says is not to be believed before [`SignedNote::verify`].
    pub fn parse(note: &str) -> Result<SignedNote, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::Malformed("too long"));
        }
        // The *last* empty line ends the text: a text may have empty lines of its own.
        let split = note
            .rfind("\n\n")
            .ok_or(NoteError::Malformed("no empty line"))?;
        let (text, lines) = (&note[..=split], &note[split + 2..]);
        check_text(text)?;
        let lines = lines
            .strip_suffix('\n')
            .ok_or(NoteError::Malformed("no final newline"))?;
        let signatures = lines
            .split('\n')
            .map(NoteSignature::parse)
            .collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(NoteError::Malformed("too many signatures"));
        }
        Ok(SignedNote {
            text: text.to_owned(),
            signatures,
        })
    }

    /// The note as one text.
    pub fn format(&self) -> String {
        let lines: String = self.signatures.iter().map(NoteSignature::format).collect();
        format!("{}\n{lines}", self.text)
    }

    /// Checks the signature by `verifier` and gives the text that it covers. Signatures by other
    /// keys are ignored, as C2SP has it.
    pub fn verify(&self, verifier: &Verifier) -> Result<&str, NoteError> {
        let mut found = false;
        for line in self.signatures_by(verifier.key_name()) {
            verifier.check(self.text.as_bytes(), &line.signature)?;
            found = true;
        }
        if found {
            Ok(&self.text)
        } else {
            Err(NoteError::NotSigned(verifier.name().to_owned()))
        }
    }

    /// The signature lines that name this key.
    pub fn signatures_by<'a>(
        &'a self,
        key: &'a KeyName,
    ) -> impl Iterator<Item = &'a NoteSignature> {
        self.signatures.iter().filter(move |line| line.key == *key)
    }

    /// The text without any claim that somebody signed it.
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// The signature lines.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }
}

impl NoteSignature {
    /// Reads one signature line, without its newline.
    pub fn parse(line: &str) -> Result<NoteSignature, NoteError> {
        const BAD: NoteError = NoteError::Malformed("bad signature line");
        let (name, signature) = line
            .strip_prefix("— ")
            .and_then(|rest| rest.split_once(' '))
            .ok_or(BAD)?;
        let bytes = from_base64(signature).ok_or(BAD)?;
        let (id, signature) = bytes.split_first_chunk::<4>().ok_or(BAD)?;
        if !is_key_name(name) || signature.is_empty() {
            return Err(BAD);
        }
        let key = KeyName {
            name: name.to_owned(),
            id: *id,
        };
        Ok(NoteSignature {
            key,
            signature: signature.to_vec(),
        })
    }

    /// The line, with its newline.
    pub fn format(&self) -> String {
        let bytes = [self.key.id.as_slice(), &self.signature].concat();
        format!("— {} {}\n", self.key.name, to_base64(&bytes))
    }
}

impl Verifier {
    /// Reads a vkey: `name+<8 hex digits of the key id>+base64(algorithm || public key)`.
    pub fn parse(vkey: &str) -> Result<Verifier, NoteError> {
        PublicKey::parse(vkey, Algorithm::Ed25519).map(Verifier)
    }

    /// The key as a vkey.
    pub fn format(&self) -> String {
        self.0.format()
    }

    /// The key's name.
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

    /// Checks an Ed25519 signature over `message` made by this key outside a note.
    pub fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), NoteError> {
        self.0.check(message, signature)
    }
}

/// What a person compares with a print on a pack: the first 80 bits of a hash of both keys of a log, as five groups of
/// four hexadecimal digits.
pub fn fingerprint(log: &Verifier, story: &Verifier) -> String {
    let text = format!(
        "rootmark-fingerprint/v1\n{}\n{}\n",
        log.format(),
        story.format()
    );
    let hash = Hash::of(&[text.as_bytes()]);
    let groups = hash.0[..10].chunks(2).map(to_hex);
    groups.collect::<Vec<_>>().join(" ")
}

impl NoteSigner {
    /// The key named `name` with the Ed25519 seed `seed` (RFC 8032 §5.1.5).
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<NoteSigner, NoteError> {
        PrivateKey::from_seed(name, seed, Algorithm::Ed25519).map(NoteSigner::of)
    }

    /// Reads `PRIVATE+KEY+<name>+<id>+<base64(algorithm || seed)>`.
    pub fn parse(skey: &str) -> Result<NoteSigner, NoteError> {
        PrivateKey::parse(skey, Algorithm::Ed25519).map(NoteSigner::of)
    }

    fn of(private: PrivateKey) -> NoteSigner {
        let verifier = Verifier(private.public().clone());
        NoteSigner { verifier, private }
    }

    /// The private key as text. Whoever reads it can sign for this log.
    pub fn to_secret_text(&self) -> String {
        self.private.to_secret_text()
    }

    /// Signs `message` outside a note: 64 bytes of Ed25519.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.private.sign(message)
    }

    /// The public half.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner({})", self.verifier.name())
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Malformed("the text does not end in a newline"));
    }
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(NoteError::Malformed("control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> (SignedNote, Verifier) {
        let signer = NoteSigner::from_seed("prov.example/log1", &[7; 32]).unwrap();
        let note = SignedNote::sign("one\n\ntwo\n".into(), &signer).unwrap();
        (note, signer.verifier().clone())
    }

    #[test]
    fn the_vkey_of_the_specification_reads_back() {
        let vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        assert_eq!(Verifier::parse(vkey).unwrap().format(), vkey);
        for bad in [
            vkey.replace("530d903a", "530d903b"),
            vkey.replace("example", "examplf"),
            vkey.replace("Aeky", "Beky"),
            vkey.replace("+Aeky", "+aeky"),
            vkey[..vkey.len() - 4].to_owned(),
            "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k".to_owned(),
        ] {
            assert!(Verifier::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_note_verifies_after_a_round_trip() {
        let (note, verifier) = signed();
        let parsed = SignedNote::parse(&note.format()).unwrap();
        assert_eq!(parsed, note);
        assert_eq!(parsed.verify(&verifier), Ok("one\n\ntwo\n"));
    }

    #[test]
    fn every_changed_byte_of_a_note_is_refused() {
        let (note, verifier) = signed();
        let bytes = note.format().into_bytes();
        for i in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[i] ^= 1;
            let accepted = String::from_utf8(changed)
                .ok()
                .and_then(|text| SignedNote::parse(&text).ok())
                .is_some_and(|note| note.verify(&verifier).is_ok());
            assert!(!accepted, "byte {i}");
        }
    }

    #[test]
    fn another_key_of_the_same_name_is_not_this_key() {
        let (note, _) = signed();
        let other = NoteSigner::from_seed("prov.example/log1", &[8; 32]).unwrap();
        let expected = NoteError::NotSigned("prov.example/log1".into());
        assert_eq!(note.verify(other.verifier()), Err(expected));
    }

    #[test]
    fn signatures_by_unknown_keys_are_ignored_and_a_wrong_known_one_is_not() {
        let (mut note, verifier) = signed();
        let stranger = NoteSigner::from_seed("w.example", &[9; 32]).unwrap();
        note.signatures.push(NoteSignature {
            key: stranger.verifier().key_name().clone(),
            signature: vec![0; 64],
        });
        assert!(note.verify(&verifier).is_ok());
        assert_eq!(
            note.verify(stranger.verifier()),
            Err(NoteError::WrongSignature("w.example".into()))
        );
        let known = note.signatures[0].key.clone();
        note.signatures.push(NoteSignature {
            key: known,
            signature: vec![0; 64],
        });
        assert!(note.verify(&verifier).is_err());
    }

    #[test]
    fn a_private_key_reads_back_and_shows_nothing_in_debug() {
        let signer = NoteSigner::from_seed("a.example", &[5; 32]).unwrap();
        let text = signer.to_secret_text();
        assert_eq!(
            NoteSigner::parse(&text).unwrap().verifier(),
            signer.verifier()
        );
        assert_eq!(format!("{signer:?}"), "NoteSigner(a.example)");
        for bad in [
            text.replace("PRIVATE", "PUBLIC"),
            text.replace("a.ex", "b.ex"),
            String::new(),
        ] {
            assert!(NoteSigner::parse(&bad).is_err());
        }
    }

    #[test]
    fn the_independent_signed_note_crate_reads_what_we_sign() {
        use signed_note::{Note, StandardVerifier, VerifierList};
        let (note, verifier) = signed();
        let theirs = Note::from_bytes(note.format().as_bytes()).unwrap();
        let known = StandardVerifier::new(&verifier.format()).unwrap();
        let (verified, unverified) = theirs
            .verify(&VerifierList::new(vec![Box::new(known)]))
            .unwrap();
        assert_eq!((verified.len(), unverified.len()), (1, 0));
    }
}
