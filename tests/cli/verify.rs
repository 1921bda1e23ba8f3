//! `rootmark verify` with a policy, a history of keys, and proofs of one statement: exit codes and
//! what is said.

#[path = "../../crates/auditlog/tests/support/mod.rs"]
mod log;

use auditlog::cosignature::WitnessSigner;
use auditlog::note::{NoteSigner, SignedNote};
use auditlog::statement_proof::of_bundled;
use serde_json::Value;

use crate::service::Folder;
use log::{ORIGIN, Sample, sample};

/// 2026-11-18T11:06:40Z.
const TIME: u64 = 1_795_000_000;

fn witness(name: &str) -> WitnessSigner {
    WitnessSigner::from_seed(&format!("{name}.example"), &[name.as_bytes()[0]; 32]).unwrap()
}

/// A sample whose checkpoint these witnesses have cosigned, a second apart.
fn cosigned(names: &[&str]) -> Sample {
    let mut sample = sample();
    let mut note = SignedNote::parse(&sample.bundle.checkpoint).unwrap();
    for (i, name) in names.iter().enumerate() {
        let line = witness(name).cosign(note.unverified_text(), TIME + i as u64);
        note.add_signature(line);
    }
    sample.bundle.checkpoint = note.format();
    sample
}

/// A quorum of both, alice and bob, for the log of this key.
fn policy(vkey: &str) -> String {
    format!(
        "log {vkey}\nwitness alice {}\nwitness bob {}\ngroup both all alice bob\nquorum both\n",
        witness("alice").key().format(),
        witness("bob").key().format(),
    )
}

/// The sample as files: the bundle, and its first statement alone.
fn files(folder: &Folder, sample: &Sample) -> [String; 2] {
    let proof = of_bundled(&sample.bundle, &sample.bundle.statements[0]).unwrap();
    [
        folder.write("bundle.json", &sample.bundle.format()),
        folder.write("3.tlog-proof", &proof.format()),
    ]
}

#[test]
fn a_quorum_of_two_witnesses_is_met_and_named_and_is_missed_without_one_of_them() {
    let folder = Folder::new();
    let sample = cosigned(&["alice", "bob"]);
    let policy = folder.write("policy", &policy(&sample.log_key.format()));
    for file in files(&folder, &sample) {
        let (code, said) = folder.run(&["verify", &file, "--policy", &policy]);
        assert_eq!(code, 0, "{said}");
        for line in [
            "witnessed   2026-11-18T11:06:40Z by alice",
            "witnessed   2026-11-18T11:06:41Z by bob",
            "not younger than 2026-11-18T11:06:40Z: the age is a witness's word",
        ] {
            assert!(said.contains(line), "{said}");
        }
        let (_, said) = folder.run(&["verify", &file, "--policy", &policy, "--json"]);
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["witnesses"][1]["name"], "bob");
        assert_eq!(said["age"]["word_of"], "witness");
    }
    let sample = cosigned(&["bob"]);
    for file in files(&folder, &sample) {
        let (code, said) = folder.run(&["verify", &file, "--policy", &policy]);
        assert_eq!(code, 1, "{said}");
        assert!(said.starts_with("WRONG: ") && said.contains("cosigned by bob"));
        // The twin: without the policy the same file stands, on the operator's word alone.
        let vkey = sample.log_key.format();
        let (code, said) = folder.run(&["verify", &file, "--vkey", &vkey]);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("the age is the operator's word"), "{said}");
    }
}

#[test]
fn a_policy_that_does_not_name_the_log_refuses_it() {
    let folder = Folder::new();
    let sample = cosigned(&["alice", "bob"]);
    let other = NoteSigner::from_seed(ORIGIN, &[9; 32]).unwrap();
    let policy = folder.write("policy", &policy(&other.verifier().format()));
    for file in files(&folder, &sample) {
        let (code, said) = folder.run(&["verify", &file, "--policy", &policy]);
        assert_eq!(code, 1, "{said}");
        // Nor does the verifier's own key stand in for it.
        let vkey = sample.log_key.format();
        let arguments = ["verify", &file, "--policy", &policy, "--vkey", &vkey];
        assert_eq!(folder.run(&arguments).0, 1);
    }
}

#[test]
fn a_proof_of_one_statement_says_what_it_shows_and_what_it_cannot_say() {
    let folder = Folder::new();
    let sample = sample();
    let [_, proof] = files(&folder, &sample);
    let vkey = sample.log_key.format();
    let (code, said) = folder.run(&["verify", &proof, "--vkey", &vkey]);
    assert_eq!(code, 0, "{said}");
    for line in [
        "OK: verified with the key that you gave.",
        "index       3 of 302",
        "recorded    2026-11-23T01:02:03.003Z (the operator's word)",
        "kind        event",
        "issuer      https://id.gs1.org/417/9521234000006",
        "fields      17 shown, 2 named and not shown, 0 subtrees not named",
        "not said    whether the log holds more",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    let (_, said) = folder.run(&["verify", &proof, "--vkey", &vkey, "--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["statement"]["index"], 3);
    assert_eq!((&said["shown"], &said["withheld"]), (&17.into(), &2.into()));
    let other = NoteSigner::from_seed(ORIGIN, &[9; 32]).unwrap();
    let other = other.verifier().format();
    assert_eq!(folder.run(&["verify", &proof, "--vkey", &other]).0, 1);
    let text = std::fs::read_to_string(&proof).unwrap();
    let forged = folder.write("forged", &text.replace("\nindex 3\n", "\nindex 4\n"));
    assert_eq!(folder.run(&["verify", &forged, "--vkey", &vkey]).0, 1);
}

#[test]
fn what_a_proof_of_one_statement_cannot_be_checked_by_is_wrong_usage() {
    let folder = Folder::new();
    let sample = sample();
    let [bundle, proof] = files(&folder, &sample);
    let vkey = sample.log_key.format();
    let story = sample.story_key.format();
    let anchors = folder.write("anchors.jsonl", &sample.anchors);
    let usage = |rest: &[&str]| folder.run(&[&["verify"], rest].concat()).0;
    assert_eq!(usage(&[&proof]), 2, "no key at all");
    let nobody = folder.write("nobody", "quorum none\n");
    assert_eq!(
        usage(&[&proof, "--policy", &nobody]),
        2,
        "a policy without a log"
    );
    assert_eq!(usage(&[&proof, "--vkey", &vkey, "--anchors", &anchors]), 2);
    assert_eq!(usage(&[&proof, "--vkey", &vkey, "--story-vkey", &story]), 2);
    assert_eq!(usage(&[&bundle, "--anchors", &anchors]), 0, "the twin");
    for broken in ["", "quorum", "log x\nquorum none\n"] {
        let broken = folder.write("broken", broken);
        assert_eq!(usage(&[&bundle, "--policy", &broken]), 2);
        assert_eq!(usage(&[&bundle, "--keys", &broken]), 2);
    }
    let long = folder.write("long", &"#".repeat(1024 * 1024 + 2));
    assert_eq!(usage(&[&bundle, "--policy", &long]), 2);
    assert_eq!(usage(&[&bundle, "--keys", &long]), 2);
    assert_eq!(usage(&[&bundle, "--keys", "/no/such/file"]), 2);
}

#[test]
fn a_history_of_keys_leads_from_the_first_key_to_the_one_that_signed_and_no_further() {
    use auditlog::keys::{Rotation, format_line};
    let folder = Folder::new();
    let sample = sample();
    let first = NoteSigner::from_seed(ORIGIN, &[5; 32]).unwrap();
    let signing = NoteSigner::from_seed(ORIGIN, &[1; 32]).unwrap();
    let size = auditlog::TreeSize;
    let history = |from: u64| {
        let rotation = Rotation {
            old: first.verifier().clone(),
            new: signing.verifier().clone(),
            from: size(from),
            until: size(from),
        };
        let note = rotation.sign(&first, &signing).unwrap().format();
        [
            format_line("log", first.verifier(), size(0), None),
            format_line("story", &sample.story_key, size(0), None),
            format_line("log", signing.verifier(), size(from), Some(&note)),
        ]
        .concat()
    };
    let keys = folder.write("keys.jsonl", &history(100));
    let late = folder.write("late.jsonl", &history(303));
    let vkey = first.verifier().format();
    for file in files(&folder, &sample) {
        let run = |rest: &[&str]| {
            let arguments = [&["verify", &file, "--vkey", &vkey], rest].concat();
            folder.run(&arguments).0
        };
        assert_eq!(run(&["--keys", &keys]), 0);
        assert_eq!(run(&[]), 1, "the first key did not sign it");
        assert_eq!(run(&["--keys", &late]), 1, "signed before its time");
    }
}

#[test]
fn evidence_of_two_histories_convinces_and_what_only_seems_to_be_does_not() {
    let folder = Folder::new();
    let vectors = include_str!("../../crates/auditlog/vectors/evidence.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let vkey = vectors["vkey"].as_str().unwrap();
    let case = |name: &str| {
        let cases = vectors["cases"].as_array().unwrap();
        let case = cases.iter().find(|case| case["name"] == name).unwrap();
        folder.write("evidence.json", case["evidence"].as_str().unwrap())
    };
    let file = case("a leaf rewritten before the tree grew");
    let (code, said) = folder.run(&["verify", "--evidence", &file, "--vkey", vkey]);
    assert_eq!(code, 0, "{said}");
    for line in [
        "PROVEN: the key that you gave has signed two histories.",
        "log         log.example",
        "one tree    3 entries, root ",
        "another     7 entries, root ",
        "of which the first 3 have the root ",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    // Nobody's key is no word about anybody.
    let (code, said) = folder.run(&["verify", "--evidence", &file]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.starts_with("PROVEN of whoever holds the key in the file"),
        "{said}"
    );
    let file = case("the new tree begins with the old one");
    let (code, said) = folder.run(&["verify", "--evidence", &file, "--vkey", vkey, "--json"]);
    assert_eq!(code, 1, "{said}");
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(found["two_histories"], false);
    assert_eq!(
        found["error"],
        "the two trees agree: this shows nothing against the log"
    );
    // It is a question of its own.
    for args in [
        &["verify", "--evidence", &file, "bundle.json"][..],
        &["verify", "--evidence", "/no/such/file"],
        &["verify", "--evidence", &file, "--story-vkey", vkey],
    ] {
        assert_eq!(folder.run(args).0, 2, "{args:?}");
    }
}
