//! Signed notes, and what is signed in them.

use auditlog::checkpoint::Checkpoint;
use auditlog::cosignature::{WitnessKey, WitnessSigner};
use auditlog::note::{NoteSigner, SignedNote, Verifier};
use auditlog::story::StoryNote;

use super::{Answer, text};

/// The conformance vector's log and witness, and the one text that each has signed.
const LOG: &str = "prov.example/log1+9a95fb24+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
const WITNESS: &str = "witness.example/w1+24b5d9fe+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";
const SIGNED: &str = "prov.example/log1\n70000\nzMluRNoe9pvPVWcGY/O8yahtp7ZbQTn7rVoztCrWhJs=\n";
const COSIGNED_AT: u64 = 1_700_000_000;

/// A signed note: limits, its one spelling, and no text that its key did not sign.
pub fn note(data: &[u8]) -> Answer {
    let Some(note) = text(data).and_then(|text| SignedNote::parse(text).ok()) else {
        return Answer::Refused;
    };
    assert_eq!(note.format().as_bytes(), data, "a note has one spelling");
    assert!(data.len() <= 65_536 && (1..=64).contains(&note.signatures().len()));
    let body = note.unverified_text();
    assert!(body.ends_with('\n'));
    assert!(body.bytes().all(|byte| byte >= 0x20 || byte == b'\n'));
    for line in note.signatures() {
        let key = &line.key.name;
        assert!(!key.is_empty() && !key.contains('+') && !key.contains(char::is_whitespace));
    }
    let log = Verifier::parse(LOG).unwrap();
    if let Ok(verified) = note.verify(&log) {
        assert_eq!(verified, SIGNED, "the key never signed this");
    }
    Answer::Accepted
}

/// A checkpoint's text, and the same as part of a note.
pub fn checkpoint(data: &[u8]) -> Answer {
    let Some(text) = text(data) else {
        return Answer::Refused;
    };
    if let Ok(note) = SignedNote::parse(text) {
        let log = Verifier::parse(LOG).unwrap();
        if let Ok(opened) = Checkpoint::open(&note, &log) {
            assert_eq!(opened.format(), SIGNED, "the key never signed this");
        }
        return Answer::of(Checkpoint::parse(note.unverified_text()).is_ok());
    }
    let Ok(checkpoint) = Checkpoint::parse(text) else {
        return Answer::Refused;
    };
    assert_eq!(checkpoint.format(), text, "a checkpoint has one spelling");
    assert!(!checkpoint.origin.is_empty() && !checkpoint.origin.contains('\n'));
    assert_eq!(text.matches('\n').count(), 3, "no extension lines");
    Answer::Accepted
}

/// Keys, public and private, of either purpose.
pub fn vkey(data: &[u8]) -> Answer {
    let Some(text) = text(data) else {
        return Answer::Refused;
    };
    let log = Verifier::parse(text).map(|key| key.format());
    let witness = WitnessKey::parse(text).map(|key| key.format());
    let signer = NoteSigner::parse(text).map(|key| key.to_secret_text());
    let cosigner = WitnessSigner::parse(text).map(|key| key.to_secret_text());
    let read = [log, witness, signer, cosigner];
    let spellings: Vec<&String> = read.iter().flatten().collect();
    assert!(spellings.len() <= 1, "one key serves one purpose");
    for spelling in &spellings {
        assert_eq!(*spelling, text, "a key has one spelling");
    }
    Answer::of(!spellings.is_empty())
}

/// A cosigned note: nothing but what the witness cosigned, at no time but its own.
pub fn cosignature(data: &[u8]) -> Answer {
    let Some(note) = text(data).and_then(|text| SignedNote::parse(text).ok()) else {
        return Answer::Refused;
    };
    let key = WitnessKey::parse(WITNESS).unwrap();
    let Ok(cosignature) = key.verify(&note) else {
        return Answer::Refused;
    };
    assert_eq!(note.unverified_text(), SIGNED);
    assert_eq!(cosignature.time, COSIGNED_AT);
    for line in note.signatures_by(key.key_name()) {
        assert_eq!(line.signature.len(), 72);
    }
    Answer::Accepted
}

/// The text of a story note.
pub fn story_note(data: &[u8]) -> Answer {
    let Some((text, story)) = text(data).and_then(|text| Some((text, StoryNote::parse(text)?)))
    else {
        return Answer::Refused;
    };
    assert_eq!(story.format(), text, "a story note has one spelling");
    assert!(!story.subject.is_empty() && !story.subject.contains('\n'));
    Answer::Accepted
}
