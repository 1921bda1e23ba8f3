//! Rules of the C2SP specifications that no other test shows; §25 of the README says which test shows which.

use auditlog::checkpoint::Checkpoint;
use auditlog::cosignature::WitnessSigner;
use auditlog::encoding::{from_hex, to_base64};
use auditlog::hash::Hash;
use auditlog::note::{NoteSignature, NoteSigner, SignedNote, Verifier};

const TEXT: &str = "log.example\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

fn log() -> NoteSigner {
    NoteSigner::from_seed("log.example", &[1; 32]).unwrap()
}

fn note() -> SignedNote {
    SignedNote::sign(TEXT.to_owned(), &log()).unwrap()
}

#[test]
fn a_key_name_is_not_empty_and_has_no_unicode_space_and_no_plus() {
    let named = |name: &str| NoteSigner::from_seed(name, &[1; 32]).is_ok();
    let signature = to_base64(&[7; 68]);
    let line = |name: &str| NoteSignature::parse(&format!("— {name} {signature}")).is_ok();
    for good in ["log.example/a", "奶粉.example", "a/b?c=d#e", "é\u{301}"] {
        assert!(named(good) && line(good), "{good:?}");
    }
    for bad in [
        "",
        "a+b",
        "+",
        "a\tb",
        "a\u{a0}b",
        "a\u{2003}b",
        "a\u{3000}b",
        "a\u{85}b",
        "a\nb",
        "a\u{7f}",
    ] {
        assert!(!named(bad) && !line(bad), "{bad:?}");
    }
    assert!(!named("a b"), "in a line, the space would end the name");
}

#[test]
fn a_key_id_is_the_hash_of_name_newline_type_and_key() {
    let log = log();
    let key = log.verifier();
    let id = |name: &str, kind: u8, public: &[u8; 32]| {
        Hash::of(&[name.as_bytes(), b"\n", &[kind], public]).0[..4].to_vec()
    };
    assert_eq!(
        key.key_name().id.to_vec(),
        id("log.example", 1, key.public_bytes())
    );
    // The same bytes as a witness's key have another id, and so are never taken for it.
    let witness = WitnessSigner::from_seed("log.example", &[1; 32]).unwrap();
    let witness = witness.key();
    assert_eq!(witness.public_bytes(), key.public_bytes());
    assert_eq!(
        witness.key_name().id.to_vec(),
        id("log.example", 4, key.public_bytes())
    );
    assert_ne!(witness.key_name(), key.key_name());
}

#[test]
fn a_line_that_shares_only_the_name_or_only_the_id_of_a_known_key_is_ignored() {
    let known = note().signatures()[0].clone();
    for change in [
        |line: &mut NoteSignature| line.key.name = "other.example".to_owned(),
        |line: &mut NoteSignature| line.key.id = from_hex("00000000").unwrap(),
    ] {
        let mut note = note();
        let mut line = NoteSignature {
            signature: vec![0; 64],
            ..known.clone()
        };
        change(&mut line);
        note.add_signature(line);
        let read = SignedNote::parse(&note.format()).unwrap();
        assert_eq!(read.verify(log().verifier()), Ok(TEXT));
    }
    let mut note = note();
    note.add_signature(NoteSignature {
        signature: vec![0; 64],
        ..known
    });
    assert!(
        note.verify(log().verifier()).is_err(),
        "with both, it is the known key's"
    );
}

#[test]
fn sixteen_signatures_are_read_even_if_each_is_as_large_as_the_largest_kind() {
    // ML-DSA-44 with a timestamp and a key id: 2,432 bytes. Sixteen of them fit a note.
    let mut note = note();
    for i in 0..15 {
        let stranger = NoteSigner::from_seed(&format!("w{i}.example"), &[9; 32]).unwrap();
        note.add_signature(NoteSignature {
            key: stranger.verifier().key_name().clone(),
            signature: vec![i; 2_428],
        });
    }
    let read = SignedNote::parse(&note.format()).unwrap();
    assert_eq!(read.signatures().len(), 16);
    assert_eq!(read.verify(log().verifier()), Ok(TEXT));
    for i in 16..64 {
        note.add_signature(NoteSignature {
            signature: vec![i],
            ..note.signatures()[1].clone()
        });
    }
    assert!(SignedNote::parse(&note.format()).is_ok());
    note.add_signature(note.signatures()[20].clone());
    assert!(
        SignedNote::parse(&note.format()).is_err(),
        "65 are too many"
    );
}

#[test]
fn a_note_that_is_too_long_is_refused_before_it_is_read() {
    let long = |bytes: usize| {
        let signature = note().signatures()[0].format();
        let text = "x".repeat(bytes - signature.len() - 2);
        format!("{text}\n\n{signature}")
    };
    assert_eq!(long(65_536).len(), 65_536);
    assert!(SignedNote::parse(&long(65_536)).is_ok());
    let refused = SignedNote::parse(&long(65_537)).unwrap_err();
    assert_eq!(refused.to_string(), "not a signed note: too long");
}

#[test]
fn the_empty_tree_is_size_0_and_a_client_assumes_nothing_of_an_origin() {
    let root = auditlog::hash::empty_root().to_base64();
    assert_eq!(
        Checkpoint::parse(&format!("o\n0\n{root}\n"))
            .unwrap()
            .head
            .size
            .0,
        0
    );
    for bad in ["", "00", "-0", "+1", "1 ", " 1", "0x1", "１"] {
        assert!(
            Checkpoint::parse(&format!("o\n{bad}\n{root}\n")).is_err(),
            "{bad:?}"
        );
    }
    // An origin need be no URL; only our own keys are named like it.
    for origin in ["https://x.example/", "a log with spaces", "奶粉 + 肉"] {
        assert_eq!(
            Checkpoint::parse(&format!("{origin}\n1\n{root}\n"))
                .unwrap()
                .origin,
            origin
        );
    }
}

#[test]
fn a_cosignature_covers_the_whole_text_and_never_a_note_or_another_time() {
    let witness = WitnessSigner::from_seed("w.example", &[9; 32]).unwrap();
    let extended = format!("{TEXT}an extension line\n");
    let line = witness.cosign(&extended, 1_679_315_147);
    assert_eq!(witness.key().check(&extended, &line), Ok(1_679_315_147));
    assert!(
        witness.key().check(TEXT, &line).is_err(),
        "the extension line is covered too"
    );
    // 4 bytes of id, 8 of time with the highest first, 64 of signature.
    assert_eq!(line.signature.len(), 8 + 64);
    assert_eq!(line.signature[..8], 1_679_315_147u64.to_be_bytes());
    // What is signed is exactly this, so that a stranger's Ed25519 can check it.
    let message = format!("cosignature/v1\ntime 1679315147\n{extended}");
    let plain = NoteSigner::from_seed("w.example", &[9; 32]).unwrap();
    let plain: &Verifier = plain.verifier();
    assert_eq!(
        plain.check(message.as_bytes(), &line.signature[8..]),
        Ok(())
    );
    assert!(
        plain
            .check(extended.as_bytes(), &line.signature[8..])
            .is_err()
    );
}
