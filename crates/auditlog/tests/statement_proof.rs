//! One statement alone, as a C2SP tlog-proof: what it shows, and everything that it refuses.

mod support;

use auditlog::bundle::{StatementFault, Trust};
use auditlog::checkpoint::Checkpoint;
use auditlog::cosignature::WitnessSigner;
use auditlog::encoding::to_base64;
use auditlog::hash::{LeafIndex, TreeSize};
use auditlog::keys::{KeyHistory, Rotation, format_line};
use auditlog::note::NoteSigner;
use auditlog::policy::Policy;
use auditlog::statement_proof::{StatementProofError, is_tlog_proof, of_bundled, verify};
use auditlog::story::StoryNote;
use auditlog::tlog_proof::TlogProof;
use support::{ORIGIN, Sample, sample, sample_with};

/// When the first witness of these tests signs.
const TIME: u64 = 1_795_000_000;

fn proof_of(sample: &Sample, position: usize) -> TlogProof {
    of_bundled(&sample.bundle, &sample.bundle.statements[position]).unwrap()
}

fn trust(sample: &Sample) -> Trust<'_> {
    Trust {
        log: Some(&sample.log_key),
        ..Trust::default()
    }
}

fn refused(proof: &TlogProof, trust: &Trust<'_>) -> StatementProofError {
    verify(proof.format().as_bytes(), trust).unwrap_err()
}

fn witness(name: &str) -> WitnessSigner {
    WitnessSigner::from_seed(&format!("{name}.example"), &[name.as_bytes()[0]; 32]).unwrap()
}

fn policy(log: &str, witnesses: &[&str], quorum: &str) -> Policy {
    let mut text = log.to_owned();
    for name in witnesses {
        text.push_str(&format!(
            "witness {name} {}\n",
            witness(name).key().format()
        ));
    }
    text.push_str(&format!(
        "group g {quorum} {}\nquorum g\n",
        witnesses.join(" ")
    ));
    Policy::parse(text.as_bytes()).unwrap()
}

/// The proof of the first statement with cosignatures of its checkpoint.
fn cosigned(sample: &Sample, names: &[&str]) -> TlogProof {
    let mut proof = proof_of(sample, 0);
    for (i, name) in names.iter().enumerate() {
        let text = proof.checkpoint.unverified_text();
        let line = witness(name).cosign(text, TIME + i as u64);
        proof.checkpoint.add_signature(line);
    }
    proof
}

#[test]
fn every_statement_of_a_bundle_verifies_alone_and_says_the_same() {
    let sample = sample();
    let whole = sample.verify(&sample.bundle.format()).unwrap();
    for (position, expected) in whole.statements.iter().enumerate() {
        let text = proof_of(&sample, position).format();
        assert!(is_tlog_proof(text.as_bytes()));
        let verified = verify(text.as_bytes(), &trust(&sample)).unwrap();
        assert_eq!(&verified.statement, expected);
        assert_eq!(verified.size, whole.size);
        assert_eq!(
            (verified.origin.as_str(), verified.witnesses),
            (ORIGIN, None)
        );
    }
    assert!(!is_tlog_proof(sample.bundle.format().as_bytes()));
    assert!(!is_tlog_proof(b"c2sp.org/tlog-proof@v10\n"));
}

#[test]
fn no_changed_byte_makes_a_proof_of_anything_else() {
    let sample = sample();
    let policy = policy("", &["alice", "bob"], "all");
    let trust = Trust {
        policy: Some(&policy),
        ..trust(&sample)
    };
    let proof = cosigned(&sample, &["alice", "bob"]);
    let bytes = proof.format().into_bytes();
    assert!(verify(&bytes, &trust).is_ok());
    for at in 0..bytes.len() {
        for change in [1u8, 0x20, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            assert!(verify(&changed, &trust).is_err(), "byte {at} ^ {change}");
        }
        assert!(verify(&bytes[..at], &trust).is_err(), "cut to {at}");
    }
}

#[test]
fn a_proof_without_a_trusted_key_is_refused_and_one_of_another_log_too() {
    let sample = sample();
    let proof = proof_of(&sample, 0);
    let history = history(&sample);
    for nothing in [
        Trust::default(),
        Trust {
            story: Some(&sample.story_key),
            ..Trust::default()
        },
        // A history leads from a trusted key to others; by itself it is anybody's.
        Trust {
            keys: Some(&history),
            ..Trust::default()
        },
    ] {
        assert_eq!(refused(&proof, &nothing), StatementProofError::NoKey);
    }
    let other = sample_with(support::Seeds { log: 9, story: 2 });
    assert!(matches!(
        refused(&proof, &trust(&other)),
        StatementProofError::Checkpoint(_)
    ));
    let named = NoteSigner::from_seed("other.example", &[1; 32]).unwrap();
    let other = Trust {
        log: Some(named.verifier()),
        ..Trust::default()
    };
    assert_eq!(
        refused(&proof, &other),
        StatementProofError::OtherLog(ORIGIN.into())
    );
}

#[test]
fn a_policy_names_the_log_and_one_that_names_another_refuses_it() {
    let sample = sample();
    let line = format!("log {}\n", sample.log_key.format());
    let proof = cosigned(&sample, &["alice", "bob"]);
    let by_policy = |policy: &Policy| {
        let trust = Trust {
            policy: Some(policy),
            ..Trust::default()
        };
        verify(proof.format().as_bytes(), &trust)
    };
    assert!(by_policy(&policy(&line, &["alice", "bob"], "all")).is_ok());
    let other = NoteSigner::from_seed(ORIGIN, &[9; 32]).unwrap();
    let other = format!("log {}\n", other.verifier().format());
    assert!(by_policy(&policy(&other, &["alice", "bob"], "all")).is_err());
    // Of two keys of one name, the one that signed counts.
    let both = format!("{other}{line}");
    assert!(by_policy(&policy(&both, &["alice", "bob"], "all")).is_ok());
    // The verifier's own key does not stand in for a log that the policy does not name.
    let policy = policy(&other, &["alice", "bob"], "all");
    let both = Trust {
        policy: Some(&policy),
        ..trust(&sample)
    };
    assert_eq!(refused(&proof, &both), StatementProofError::KeysDisagree);
}

#[test]
fn a_quorum_less_one_witness_or_with_a_cosignature_of_another_checkpoint_is_none() {
    let sample = sample();
    let policy = policy("", &["alice", "bob"], "2");
    let trust = Trust {
        policy: Some(&policy),
        ..trust(&sample)
    };
    let both = cosigned(&sample, &["alice", "bob"]);
    let verified = verify(both.format().as_bytes(), &trust).unwrap();
    let times: Vec<u64> = verified.witnesses.unwrap().iter().map(|w| w.time).collect();
    assert_eq!(times, [TIME, TIME + 1]);
    let one = cosigned(&sample, &["alice"]);
    let StatementProofError::Quorum(fault) = refused(&one, &trust) else {
        panic!("one witness was enough");
    };
    assert_eq!(fault.cosigned, ["alice"]);
    // The same log, one entry less: a checkpoint that bob did cosign, and not this one.
    let mut checkpoint = Checkpoint::open(&one.checkpoint, &sample.log_key).unwrap();
    checkpoint.head.size = TreeSize(checkpoint.head.size.0 - 1);
    let mut moved = one;
    let line = witness("bob").cosign(&checkpoint.format(), TIME);
    moved.checkpoint.add_signature(line);
    let StatementProofError::Quorum(fault) = refused(&moved, &trust) else {
        panic!("a cosignature of another checkpoint counted");
    };
    assert_eq!(fault.faults.len(), 1);
}

/// `keys.jsonl` of the sample's log, which goes on with another key from size 302.
fn history(sample: &Sample) -> KeyHistory {
    let (old, new) = (seed(1), seed(7));
    let story = NoteSigner::from_seed(&StoryNote::key_name(ORIGIN), &[2; 32]).unwrap();
    let rotation = Rotation {
        old: sample.log_key.clone(),
        new: new.verifier().clone(),
        from: TreeSize(sample.tree_size),
        until: TreeSize(sample.tree_size),
    };
    let note = rotation.sign(&old, &new).unwrap().format();
    let lines = [
        format_line("log", old.verifier(), TreeSize(0), None),
        format_line("story", story.verifier(), TreeSize(0), None),
        format_line("log", new.verifier(), rotation.from, Some(&note)),
    ];
    KeyHistory::parse(&lines.concat()).unwrap()
}

fn seed(byte: u8) -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &[byte; 32]).unwrap()
}

#[test]
fn a_history_of_keys_leads_from_the_trusted_key_to_the_one_that_signed() {
    let sample = sample();
    let history = history(&sample);
    let next = seed(7);
    let proof = proof_of(&sample, 0);
    let by_next = Trust {
        log: Some(next.verifier()),
        ..Trust::default()
    };
    assert!(verify(proof.format().as_bytes(), &by_next).is_err());
    let through = Trust {
        keys: Some(&history),
        ..by_next
    };
    assert!(verify(proof.format().as_bytes(), &through).is_ok());
    let stranger = seed(8);
    let through = Trust {
        log: Some(stranger.verifier()),
        ..through
    };
    assert_eq!(refused(&proof, &through), StatementProofError::KeysDisagree);
}

#[test]
fn what_is_carried_must_be_the_statement_at_that_place_and_nothing_else() {
    let sample = sample();
    let trust = trust(&sample);
    let good = proof_of(&sample, 0);
    let with = |extra: Option<String>| TlogProof {
        extra: extra.map(String::into_bytes),
        ..good.clone()
    };
    let text = String::from_utf8(good.extra.clone().unwrap()).unwrap();
    assert!(verify(with(Some(text.clone())).format().as_bytes(), &trust).is_ok());
    assert_eq!(refused(&with(None), &trust), StatementProofError::NoExtra);
    for (extra, fault) in [
        (text.replacen(',', ", ", 1), StatementProofError::Spelling),
        (format!("{text}\n"), StatementProofError::Spelling),
        (format!("[{text}]"), StatementProofError::Spelling),
        ("{}".into(), StatementProofError::Spelling),
    ] {
        assert_eq!(refused(&with(Some(extra)), &trust), fault);
    }
    assert!(matches!(
        refused(&with(Some("[".into())), &trust),
        StatementProofError::Json(_)
    ));
    // Another statement of the same log, and this one at another place.
    let other = TlogProof {
        extra: proof_of(&sample, 1).extra,
        ..good.clone()
    };
    let path = |error| {
        let StatementProofError::Statement(StatementFault::Path(_)) = error else {
            panic!("{error}");
        };
    };
    path(refused(&other, &trust));
    let moved = TlogProof {
        index: LeafIndex(good.index.0 + 1),
        ..good.clone()
    };
    path(refused(&moved, &trust));
    // What must be shown must be shown here too: the time hides behind its whole subtree's hash.
    let verified = verify(good.format().as_bytes(), &trust).unwrap();
    let receipt = verified.statement.receipt.root.to_base64();
    let content = verified.statement.content.root.to_base64();
    let bare = with(Some(format!("[\"{content}\",\"{receipt}\"]")));
    assert_eq!(
        refused(&bare, &trust),
        StatementProofError::Statement(StatementFault::Hidden("/recorded"))
    );
    assert_eq!(to_base64(text.as_bytes()), base64_of_extra(&good));
}

fn base64_of_extra(proof: &TlogProof) -> String {
    let text = proof.format();
    let line = text.lines().nth(1).unwrap();
    line.strip_prefix("extra ").unwrap().to_owned()
}
