//! Signed notes (C2SP signed-note): a text, an empty line, and signatures of named keys.
//!
//! ```text
//! text, ending in a newline
//!
//! — <key name> <base64(4-byte key id || signature)>
//! ```

use std::fmt;

use ed25519_dalek::{Signature, Signer, VerifyingKey};
use thiserror::Error;

use crate::encoding::{from_base64, from_hex, to_base64, to_hex};
use crate::hash::Hash;

/// C2SP signed-note: the algorithm byte of Ed25519 over the note's text.
const ALG_ED25519: u8 = 0x01;
/// More signatures than this are refused; C2SP asks for at least 16.
const MAX_SIGNATURES: usize = 64;
/// A note longer than this is refused before anything is parsed.
const MAX_NOTE_BYTES: usize = 64 * 1024;

/// A key's name and the first four bytes of its hash: what a signature line names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyName {
    /// The name: not empty, no Unicode space, no `+`.
    pub name: String,
    /// `SHA-256(name || 0x0A || algorithm || public key)[..4]`.
    pub id: [u8; 4],
}

/// A public key that verifies notes: a C2SP *vkey*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    key: KeyName,
    public: VerifyingKey,
}

/// A private key that signs notes.
pub struct NoteSigner {
    verifier: Verifier,
    private: ed25519_dalek::SigningKey,
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
        let signature = signer.sign(text.as_bytes()).to_vec();
        let signatures = vec![NoteSignature {
            key: signer.verifier.key.clone(),
            signature,
        }];
        Ok(SignedNote { text, signatures })
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
        for line in self
            .signatures
            .iter()
            .filter(|line| line.key == verifier.key)
        {
            verifier.check(self.text.as_bytes(), &line.signature)?;
            found = true;
        }
        if found {
            Ok(&self.text)
        } else {
            Err(NoteError::NotSigned(verifier.key.name.clone()))
        }
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
    fn parse(line: &str) -> Result<NoteSignature, NoteError> {
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

    fn format(&self) -> String {
        let bytes = [self.key.id.as_slice(), &self.signature].concat();
        format!("— {} {}\n", self.key.name, to_base64(&bytes))
    }
}

impl Verifier {
    /// Reads a vkey: `name+<8 hex digits of the key id>+base64(algorithm || public key)`.
    pub fn parse(vkey: &str) -> Result<Verifier, NoteError> {
        const SHAPE: NoteError = NoteError::BadKey("a vkey is name+id+key");
        let (name, rest) = vkey.split_once('+').ok_or(SHAPE)?;
        let (id, key) = rest.split_once('+').ok_or(SHAPE)?;
        let id = from_hex::<4>(id).ok_or(SHAPE)?;
        let key = from_base64(key).ok_or(SHAPE)?;
        let (&algorithm, key) = key.split_first().ok_or(SHAPE)?;
        if algorithm != ALG_ED25519 {
            return Err(NoteError::BadKey("only Ed25519 keys are known"));
        }
        let key: [u8; 32] = key.try_into().map_err(|_| SHAPE)?;
        let verifier = Verifier::new(name, key)?;
        if verifier.key.id != id {
            return Err(NoteError::BadKey("its id does not fit its key"));
        }
        Ok(verifier)
    }

    /// The key as a vkey.
    pub fn format(&self) -> String {
        let key = [&[ALG_ED25519], self.public.as_bytes().as_slice()].concat();
        format!(
            "{}+{}+{}",
            self.key.name,
            to_hex(&self.key.id),
            to_base64(&key)
        )
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.key.name
    }

    /// Checks an Ed25519 signature over `message` made by this key outside a note.
    pub fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), NoteError> {
        // Strict: RFC 8032's malleable encodings and keys of small order are refused, so that every
        // verifier, in whatever language, gives the same answer.
        Signature::from_slice(signature)
            .and_then(|signature| self.public.verify_strict(message, &signature))
            .map_err(|_| NoteError::WrongSignature(self.key.name.clone()))
    }

    fn new(name: &str, public: [u8; 32]) -> Result<Verifier, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::BadKey(
                "a name has no space, no + and is not empty",
            ));
        }
        let id = Hash::of(&[name.as_bytes(), b"\n", &[ALG_ED25519], &public]).0;
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
        Ok(Verifier { key, public })
    }
}

impl NoteSigner {
    /// The key named `name` with the Ed25519 seed `seed` (RFC 8032 §5.1.5).
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<NoteSigner, NoteError> {
        let private = ed25519_dalek::SigningKey::from_bytes(seed);
        let verifier = Verifier::new(name, private.verifying_key().to_bytes())?;
        Ok(NoteSigner { verifier, private })
    }

    /// Reads `PRIVATE+KEY+<name>+<id>+<base64(algorithm || seed)>`.
    pub fn parse(skey: &str) -> Result<NoteSigner, NoteError> {
        const SHAPE: NoteError = NoteError::BadKey("a private key is PRIVATE+KEY+name+id+key");
        let rest = skey.strip_prefix("PRIVATE+KEY+").ok_or(SHAPE)?;
        let mut parts = rest.splitn(3, '+');
        let (name, id, key) = (parts.next(), parts.next(), parts.next());
        let (Some(name), Some(id), Some(key)) = (name, id, key) else {
            return Err(SHAPE);
        };
        let key = from_base64(key).ok_or(SHAPE)?;
        let (&[ALG_ED25519], seed) = key.split_first_chunk::<1>().ok_or(SHAPE)? else {
            return Err(NoteError::BadKey("only Ed25519 keys are known"));
        };
        let signer = NoteSigner::from_seed(name, seed.try_into().map_err(|_| SHAPE)?)?;
        if from_hex::<4>(id) != Some(signer.verifier.key.id) {
            return Err(NoteError::BadKey("its id does not fit its key"));
        }
        Ok(signer)
    }

    /// The private key as text. Whoever reads it can sign for this log.
    pub fn to_secret_text(&self) -> String {
        let key = [&[ALG_ED25519], self.private.as_bytes().as_slice()].concat();
        let KeyName { name, id } = &self.verifier.key;
        format!("PRIVATE+KEY+{name}+{}+{}", to_hex(id), to_base64(&key))
    }

    /// Signs `message` outside a note: 64 bytes of Ed25519.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.private.sign(message).to_bytes()
    }

    /// The public half.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner({})", self.verifier.key.name)
    }
}

fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// Whether the y of an encoded point is less than p = 2^255 - 19.
fn is_below_p(point: &[u8; 32]) -> bool {
    let [lowest, middle @ .., highest] = point;
    *lowest < 0xed || middle.iter().any(|byte| *byte != 0xff) || highest & 0x7f != 0x7f
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
            key: stranger.verifier().key.clone(),
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
