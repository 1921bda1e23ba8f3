//! Policies, requests to witnesses, proofs of one entry, and evidence.

use std::collections::HashSet;

use auditlog::Hash;
use auditlog::add_checkpoint::{AddCheckpoint, MAX_BYTES, MAX_PROOF};
use auditlog::bundle::Trust;
use auditlog::checkpoint::Checkpoint;
use auditlog::evidence::{Evidence, judge};
use auditlog::hash::{leaf_hash, root_in_place};
use auditlog::note::NoteSigner;
use auditlog::policy::{MAX_LINES_OF_A_KIND, Policy};
use auditlog::tlog_proof::TlogProof;

use super::{Answer, text};

/// The log of the vectors: its leaves are `entry 0`, `entry 1` and so on, and it has signed trees
/// of these sizes alone.
const SIGNED_SIZES: [u64; 4] = [0, 1, 6, 7];

fn log() -> NoteSigner {
    NoteSigner::from_seed("log.example", &[1; 32]).unwrap()
}

/// A policy: within its limits, with names that differ, and a quorum that more cosigners never
/// undo.
pub fn policy(data: &[u8]) -> Answer {
    let Ok(policy) = Policy::parse(data) else {
        return Answer::Refused;
    };
    let names: HashSet<&str> = policy.witnesses.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(
        names.len(),
        policy.witnesses.len(),
        "two witnesses of one name"
    );
    let keys: HashSet<&[u8; 32]> = policy
        .witnesses
        .iter()
        .map(|w| w.key.public_bytes())
        .collect();
    assert_eq!(
        keys.len(),
        policy.witnesses.len(),
        "one key would count twice"
    );
    assert!(names.len() <= MAX_LINES_OF_A_KIND && policy.logs.len() <= MAX_LINES_OF_A_KIND);
    assert!(
        policy.is_quorum(|_| true),
        "all witnesses together are a quorum"
    );
    assert_eq!(policy.is_quorum(|_| false), !policy.needs_witnesses());
    let mut met = policy.is_quorum(|_| false);
    for count in 0..=policy.witnesses.len() {
        let now = policy.is_quorum(|witness| witness < count);
        assert!(now || !met, "a witness more undid the quorum");
        met = now;
    }
    // White space and comments mean nothing.
    let padded = [b"\t# a comment\n \n", data].concat();
    assert!(Policy::parse(&padded).is_ok_and(|again| again == policy) || padded.len() > 256 * 1024);
    Answer::Accepted
}

/// A request to cosign: one spelling, and opened only where the log has signed it.
pub fn add_checkpoint(data: &[u8]) -> Answer {
    let Some((text, request)) =
        text(data).and_then(|text| Some((text, AddCheckpoint::parse(text).ok()?)))
    else {
        return Answer::Refused;
    };
    assert_eq!(request.format(), text, "a request has one spelling");
    assert!(request.proof.len() <= MAX_PROOF && data.len() <= MAX_BYTES);
    let log = log();
    if let Ok(checkpoint) = request.open(std::slice::from_ref(log.verifier())) {
        assert!(request.old <= checkpoint.head.size);
        assert_eq!(checkpoint.origin, "log.example");
        assert!(
            SIGNED_SIZES.contains(&checkpoint.head.size.0),
            "the log never signed this"
        );
    }
    Answer::Accepted
}

/// A proof of one entry: one spelling, and an entry is proven only where it is.
pub fn tlog_proof(data: &[u8]) -> Answer {
    let Some((text, proof)) =
        text(data).and_then(|text| Some((text, TlogProof::parse(text).ok()?)))
    else {
        return Answer::Refused;
    };
    assert_eq!(proof.format(), text, "a proof has one spelling");
    assert!(proof.path.len() <= 64);
    if let Ok(checkpoint) = Checkpoint::open(&proof.checkpoint, log().verifier()) {
        assert!(
            SIGNED_SIZES.contains(&checkpoint.head.size.0),
            "the log never signed this"
        );
        for i in 0..8 {
            let leaf = leaf_hash(format!("entry {i}").as_bytes());
            if proof.verify(leaf, &checkpoint).is_ok() {
                assert_eq!(proof.index.0, i, "an entry proven where it is not");
            }
        }
    }
    Answer::Accepted
}

/// Evidence: one spelling, and two trees of which one is the beginning of the other never convict.
pub fn evidence(data: &[u8]) -> Answer {
    let Some((text, evidence)) =
        text(data).and_then(|text| Some((text, Evidence::parse(text).ok()?)))
    else {
        return Answer::Refused;
    };
    assert_eq!(evidence.format(), text, "evidence has one spelling");
    let key = log().verifier().clone();
    let trust = Trust {
        log: Some(&key),
        ..Trust::default()
    };
    if let Ok(found) = judge(data, &trust) {
        let is_true = |size: u64, root: Hash| {
            let leaf = |i| leaf_hash(format!("entry {i}").as_bytes());
            let mut leaves: Vec<Hash> = (0..size.min(1_000)).map(leaf).collect();
            root_in_place(&mut leaves) == root
        };
        let heads = [found.old, found.new];
        let both = heads.iter().all(|head| is_true(head.size.0, head.root));
        assert!(!both, "two trees of one history convict");
        assert_ne!(found.begins_with, found.old.root);
    }
    Answer::Accepted
}
