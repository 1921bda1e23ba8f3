//! What a verifier's own policy and history of keys change about a bundle.

mod support;

use auditlog::bundle::{Bundle, Trust, verify};
use auditlog::cosignature::WitnessSigner;
use auditlog::hash::TreeSize;
use auditlog::keys::{KeyHistory, Rotation, format_line};
use auditlog::note::{NoteSigner, SignedNote};
use auditlog::policy::Policy;
use support::{ORIGIN, Sample, sample};

fn witness(seed: u8) -> WitnessSigner {
    WitnessSigner::from_seed(&format!("w{seed}.example"), &[seed; 32]).unwrap()
}

fn log_key(seed: u8) -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &[seed; 32]).unwrap()
}

/// Two of three witnesses, with these lines before.
fn two_of_three(logs: &str) -> Policy {
    let mut text = logs.to_owned();
    for seed in 11..=13 {
        text.push_str(&format!(
            "witness w{seed} {}\n",
            witness(seed).key().format()
        ));
    }
    text.push_str("group g 2 w11 w12 w13\nquorum g\n");
    Policy::parse(text.as_bytes()).unwrap()
}

fn cosigned(sample: &Sample, seeds: &[u8]) -> Bundle {
    let mut bundle = sample.bundle.clone();
    let mut note = SignedNote::parse(&bundle.checkpoint).unwrap();
    for seed in seeds {
        note.add_signature(witness(*seed).cosign(note.unverified_text(), 1_700_000_000));
    }
    bundle.checkpoint = note.format();
    bundle
}

#[test]
fn a_policy_demands_a_quorum_and_names_who_cosigned() {
    let sample = sample();
    let policy = two_of_three("");
    let trust = Trust {
        policy: Some(&policy),
        ..sample.trust()
    };
    let told = |seeds: &[u8]| verify(cosigned(&sample, seeds).format().as_bytes(), &trust);
    let verified = told(&[13, 11]).unwrap();
    let names: Vec<String> = verified
        .witnesses
        .unwrap()
        .into_iter()
        .map(|w| w.name)
        .collect();
    assert_eq!(names, ["w11", "w13"], "in the policy's order");
    assert!(
        told(&[11, 12, 13, 19]).is_ok(),
        "who is not in the policy does not count"
    );
    assert_eq!(
        told(&[11, 19]).unwrap_err().to_string(),
        "/checkpoint: the checkpoint is cosigned by w11, which is no quorum of the policy"
    );
    let mut wrong = cosigned(&sample, &[11, 12, 13]);
    wrong.checkpoint = wrong.checkpoint.replace("— w13.example ", "— w12.example ");
    let unknown = verify(wrong.format().as_bytes(), &trust).unwrap();
    assert_eq!(
        unknown.witnesses.unwrap().len(),
        2,
        "a name without its id is no witness's"
    );
    let plain = verify(sample.bundle.format().as_bytes(), &sample.trust()).unwrap();
    assert_eq!(plain.witnesses, None, "without a policy nobody is asked");
}

#[test]
fn a_policy_that_names_logs_believes_those_alone() {
    let sample = sample();
    let text = cosigned(&sample, &[11, 12]).format();
    let told = |logs: &str, log| {
        let policy = two_of_three(logs);
        let trust = Trust {
            policy: Some(&policy),
            log,
            ..sample.trust()
        };
        verify(text.as_bytes(), &trust).map(|verified| verified.keys)
    };
    let line = |key: &NoteSigner| format!("log {}\n", key.verifier().format());
    let ours = line(&log_key(1));
    assert!(told(&ours, None).is_ok());
    assert!(told(&(line(&log_key(5)) + &ours), Some(&sample.log_key)).is_ok());
    let other = told(&line(&log_key(5)), Some(&sample.log_key)).unwrap_err();
    assert_eq!(other.to_string(), "/log/vkey is not the key that you trust");
    // With neither, the keys are the bundle's own, whoever cosigned.
    assert_eq!(told("", None), Ok(auditlog::bundle::KeysFrom::Bundle));
    assert_eq!(told(&ours, None), Ok(auditlog::bundle::KeysFrom::Verifier));
}

#[test]
fn a_history_of_keys_leads_from_the_trusted_key_to_the_one_that_signed() {
    let sample = sample();
    let text = sample.bundle.format();
    // The bundle, of 302 leaves, is signed by the key 1.
    let history = |first: u8, rotations: &[(u8, u8, u64, u64)]| {
        let mut file = format_line("log", log_key(first).verifier(), TreeSize(0), None);
        file += &format_line("story", &sample.story_key, TreeSize(0), None);
        for (old, new, from, until) in rotations {
            let rotation = Rotation {
                old: log_key(*old).verifier().clone(),
                new: log_key(*new).verifier().clone(),
                from: TreeSize(*from),
                until: TreeSize(*until),
            };
            let note = rotation
                .sign(&log_key(*old), &log_key(*new))
                .unwrap()
                .format();
            file += &format_line("log", &rotation.new, rotation.from, Some(&note));
        }
        KeyHistory::parse(&file).unwrap()
    };
    let told = |keys: &KeyHistory, trusted: u8| {
        let key = log_key(trusted);
        let trust = Trust {
            keys: Some(keys),
            log: Some(key.verifier()),
            ..sample.trust()
        };
        verify(text.as_bytes(), &trust)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let successor = history(1, &[(1, 2, 300, 400)]);
    assert_eq!(told(&successor, 1), Ok(()));
    assert_eq!(
        told(&successor, 2),
        Ok(()),
        "whoever trusts the new key believes the old"
    );
    let predecessor = history(5, &[(5, 1, 100, 150)]);
    assert_eq!(told(&predecessor, 5), Ok(()));
    let other = Err("/log/vkey is not the key that you trust".to_owned());
    assert_eq!(told(&successor, 3), other, "a key of nobody");
    assert_eq!(
        told(&history(5, &[(5, 6, 100, 150)]), 5),
        other,
        "the bundle's key is not in it"
    );
    let out_of_range = "/checkpoint: the checkpoint is signed by a key that does not sign trees of \
        302 leaves";
    assert_eq!(
        told(&history(1, &[(1, 2, 200, 301)]), 2),
        Err(out_of_range.to_owned())
    );
    assert_eq!(
        told(&history(5, &[(5, 1, 303, 302)]), 5),
        Err(out_of_range.to_owned())
    );
}
