//! The vectors that a verifier in another language runs, as `vectors/*.json` has them.
//!
//! Each file is tested twice. It must *hold*: this crate answers every case as the file says. And
//! it must be *made*: the same bytes come out of the samples again, so that no file drifts from
//! what it claims to show. `UPDATE_VECTORS=1 cargo test -p auditlog --test vectors` writes the
//! files instead; that is right for a new case, and never for a case that changed its answer.

mod anchors;
mod bundles;
mod diff;
mod disclosures;
mod dishonest;
mod evidence;
mod keys;
mod notes;
mod policies;
mod proofs;
mod resigned;
mod run;
mod run_witnessed;
mod small;
#[path = "../support/mod.rs"]
mod support;
mod tree;
mod witnesses;
mod writer;

use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(name)
}

fn made(name: &str, text: &str) {
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(path(name), text).unwrap();
    }
    let kept = std::fs::read_to_string(path(name)).unwrap();
    let line = kept.lines().zip(text.lines()).position(|(a, b)| a != b);
    assert!(kept == text, "{name} differs from line {line:?} (from 0)");
}

#[test]
fn every_vector_file_is_made_of_the_samples_and_holds() {
    made("fields.json", &small::fields());
    made("json-refused.json", &small::json_refused());
    made("statements.json", &small::statements());
    made("entries.json", &small::entries());
    made("tree.json", &tree::file());
    made("notes.json", &notes::file());
    made("anchors.json", &anchors::anchors());
    made("bundles.json", &bundles::bundles());
    made("witnesses.json", &witnesses::file());
    made("policies.json", &policies::file());
    made("keys.json", &keys::file());
    made("tlog-proofs.json", &proofs::file());
    made("evidence.json", &evidence::file());
    every_vector_holds();
    together_the_vectors_stay_small();
}

fn every_vector_holds() {
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string(path(name)).unwrap()).unwrap()
    };
    run::fields(&read("fields.json"));
    run::json_refused(&read("json-refused.json"));
    run::statements(&read("statements.json"));
    run::entries(&read("entries.json"));
    run::tree(&read("tree.json"));
    run::notes(&read("notes.json"));
    run::anchors(&read("anchors.json"), &read("bundles.json"));
    run::bundles(&read("bundles.json"));
    run_witnessed::witnesses(&read("witnesses.json"));
    run_witnessed::policies(&read("policies.json"));
    run_witnessed::keys(&read("keys.json"));
    run_witnessed::proofs(&read("tlog-proofs.json"));
    run_witnessed::evidence(&read("evidence.json"));
}

/// A verifier's repository carries them all.
fn together_the_vectors_stay_small() {
    let folder = std::fs::read_dir(path("")).unwrap();
    let lengths = folder.map(|file| file.unwrap().metadata().unwrap().len());
    let bytes: u64 = lengths.sum();
    assert!(bytes < 300_000, "{bytes} bytes");
}
