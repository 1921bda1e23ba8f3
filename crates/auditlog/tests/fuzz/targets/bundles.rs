//! Proof bundles: a mutant of a true one is refused, or says nothing that the true one does
//! not say.

use std::sync::LazyLock;

use auditlog::bundle::{Bundle, Trust, Verified, VerifiedStatement, verify};
use auditlog::cosignature::WitnessSigner;
use auditlog::disclosure::{Node, Opened};
use auditlog::field::commitment;
use auditlog::note::SignedNote;
use auditlog::policy::Policy;

use super::Answer;
use super::model::Decisions;
use crate::support::{Sample, sample};

const COSIGNED_AT: u64 = 1_700_000_000;

/// A log with one true story, and two witnesses that have cosigned its checkpoint.
struct Truth {
    sample: Sample,
    text: String,
    policy: Policy,
    verified: Verified,
}

static TRUTH: LazyLock<Truth> = LazyLock::new(|| {
    let mut sample = sample();
    let witness =
        |seed: u8| WitnessSigner::from_seed(&format!("w{seed}.example"), &[seed; 32]).unwrap();
    let mut note = SignedNote::parse(&sample.bundle.checkpoint).unwrap();
    let mut policy = String::new();
    for seed in [11, 12, 13] {
        let witness = witness(seed);
        policy.push_str(&format!("witness w{seed} {}\n", witness.key().format()));
        if seed < 13 {
            note.add_signature(witness.cosign(note.unverified_text(), COSIGNED_AT));
        }
    }
    policy.push_str("group g 2 w11 w12 w13\nquorum g\n");
    sample.bundle.checkpoint = note.format();
    let text = sample.bundle.format();
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let trust = Trust {
        policy: Some(&policy),
        ..sample.trust()
    };
    let verified = verify(text.as_bytes(), &trust).unwrap();
    Truth {
        text,
        policy,
        verified,
        sample,
    }
});

/// The true bundle: where mutations begin.
#[allow(dead_code, reason = "the corpus is written by the tests alone")]
pub fn true_bundle() -> String {
    TRUTH.text.clone()
}

pub fn bundle(data: &[u8]) -> Answer {
    let truth = &*TRUTH;
    let alone = verify(data, &Trust::default());
    if alone.is_ok() {
        let text = std::str::from_utf8(data).unwrap();
        assert_eq!(
            Bundle::parse(text).unwrap().format(),
            text,
            "a bundle has one spelling"
        );
    }
    let trust = truth.sample.trust();
    let Ok(verified) = verify(data, &trust) else {
        return Answer::Refused;
    };
    assert!(alone.is_ok(), "more trust refuses more, and never less");
    says_no_more_than(&verified, &truth.verified);
    let trust = Trust {
        policy: Some(&truth.policy),
        ..trust
    };
    if let Ok(witnessed) = verify(data, &trust) {
        let witnesses = witnessed.witnesses.unwrap();
        assert_eq!(witnesses.len(), 2, "two have cosigned, and nobody else can");
        assert!(witnesses.iter().all(|witness| witness.time == COSIGNED_AT));
    }
    Answer::Accepted
}

/// The true bundle, told anew as the decisions say: with fields withheld, subtrees unnamed,
/// statements left out or moved. Whoever holds a bundle can do all of it; what verifies says
/// nothing new.
pub fn retold(data: &[u8]) -> Answer {
    let mut decisions = Decisions::of(data);
    let mut bundle = TRUTH.sample.bundle.clone();
    match decisions.below(12) {
        1 => drop(bundle.statements.pop()),
        2 => bundle.statements.swap(0, decisions.below(4)),
        3 => bundle.statements[decisions.below(4)].index.0 += 1,
        4 => bundle.subject.push('1'),
        5 => bundle.statements.push(bundle.statements[3].clone()),
        _ => {}
    }
    for statement in &mut bundle.statements {
        statement.content = less(&statement.content, &mut decisions);
        statement.receipt = less(&statement.receipt, &mut decisions);
    }
    self::bundle(bundle.format().as_bytes())
}

/// The same tree, with less of it told.
fn less(node: &Node, decisions: &mut Decisions<'_>) -> Node {
    match node {
        node if decisions.below(64) == 1 => Node::Unnamed(node.open().unwrap().root),
        Node::Inner(pair) => {
            let left = less(&pair.0, decisions);
            Node::Inner(Box::new((left, less(&pair.1, decisions))))
        }
        Node::Shown {
            pointer,
            value,
            salt,
        } if decisions.below(16) == 1 => Node::Withheld {
            pointer: pointer.clone(),
            commitment: commitment(salt, value),
        },
        other => other.clone(),
    }
}

fn says_no_more_than(mutant: &Verified, truth: &Verified) {
    let head = |v: &Verified| {
        (
            v.subject.clone(),
            v.origin.clone(),
            v.size,
            v.sealed_at,
            v.keys,
        )
    };
    assert_eq!(head(mutant), head(truth));
    assert!(mutant.anchored);
    assert_eq!(mutant.statements.len(), truth.statements.len());
    for (mutant, truth) in mutant.statements.iter().zip(&truth.statements) {
        let said = |s: &VerifiedStatement| {
            (
                s.index,
                s.recorded,
                s.kind.clone(),
                s.issuer.clone(),
                s.signer.clone(),
            )
        };
        assert_eq!(said(mutant), said(truth));
        shows_no_more_than(&mutant.content, &truth.content);
        shows_no_more_than(&mutant.receipt, &truth.receipt);
    }
}

fn shows_no_more_than(mutant: &Opened, truth: &Opened) {
    assert_eq!(mutant.root, truth.root);
    for leaf in &mutant.leaves {
        if let Some(value) = &leaf.value {
            assert_eq!(
                truth.value(&leaf.pointer),
                Some(value.as_str()),
                "{}",
                leaf.pointer
            );
        }
        assert!(
            truth
                .leaves
                .iter()
                .any(|known| known.pointer == leaf.pointer)
        );
    }
}
