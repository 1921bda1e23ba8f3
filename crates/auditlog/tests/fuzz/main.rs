//! The fuzz targets on stable Rust: the seeds in `fuzz/corpus/`, and some thousands of mutants of
//! them, the same at every run. `ROOTMARK_SOAK=1` makes them two hundred times as many.
//!
//! A failure names its input in hexadecimal. Written to a file in `fuzz/corpus/<target>/` it is run
//! again by every test, and by libFuzzer. `UPDATE_CORPUS=1` before `cargo test -p auditlog --test
//! fuzz` writes the seeds anew from the vectors.

mod corpus;
mod mutate;
mod oracles;
#[path = "../support/mod.rs"]
mod support;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};

use auditlog::encoding::to_hex;
use mutate::{Rng, mutant};
use targets::{Answer, TARGETS, Target};

/// Mutants of one target in an ordinary run.
const MUTANTS: usize = 20_000;
/// Accepted mutants that are mutated further.
const MOST_OFFSPRING: usize = 64;

/// How many inputs a target accepted and refused.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    accepted: usize,
    refused: usize,
}

fn mutants(target: &str) -> usize {
    // A bundle is a thousand times as long as a tile's path.
    let usual = match target {
        "bundle" | "retold" => MUTANTS / 10,
        _ => MUTANTS,
    };
    if std::env::var_os("ROOTMARK_SOAK").is_some() {
        usual * 200
    } else {
        usual
    }
}

/// Runs `check` on every seed and on `count` mutants. The first panic is given back with its input.
fn explore(
    name: &str,
    seeds: &[Vec<u8>],
    count: usize,
    check: impl Fn(&[u8]) -> Answer,
) -> Result<Counts, String> {
    let mut counts = Counts::default();
    let mut run = |input: &[u8]| {
        let answer = catch_unwind(AssertUnwindSafe(|| check(input)));
        let answer = answer.map_err(|_| format!("{name} fails on the input {}", to_hex(input)))?;
        match answer {
            Answer::Accepted => counts.accepted += 1,
            Answer::Refused => counts.refused += 1,
        }
        Ok::<Answer, String>(answer)
    };
    for seed in seeds {
        run(seed)?;
    }
    let mut rng = Rng::named(name);
    let mut pool = seeds.to_vec();
    for _ in 0..count {
        let input = mutant(
            rng.pick(&pool).as_slice(),
            &rng.pick(&pool).clone(),
            &mut rng,
        );
        if run(&input)? == Answer::Accepted && pool.len() < seeds.len() + MOST_OFFSPRING {
            pool.push(input);
        }
    }
    Ok(counts)
}

fn corpus_of(target: &Target) -> Vec<Vec<u8>> {
    corpus::read(target.name).into_values().collect()
}

#[test]
fn every_target_keeps_its_promises_on_mutants_of_its_corpus() {
    for target in TARGETS {
        let explored = explore(
            target.name,
            &corpus_of(target),
            mutants(target.name),
            target.run,
        );
        let counts = explored.unwrap_or_else(|failure| panic!("{failure}"));
        println!("{}: {counts:?}", target.name);
        // A run that never gets past the first check shows nothing.
        let both = counts.accepted > 0 && counts.refused > 0;
        assert!(both, "{}: {counts:?}", target.name);
    }
}

#[test]
fn every_seed_is_made_of_the_vectors_and_answered_as_it_is_named() {
    let update = std::env::var_os("UPDATE_CORPUS").is_some();
    for target in TARGETS {
        if update {
            std::fs::create_dir_all(corpus::folder(target.name)).unwrap();
            corpus::write(target);
        }
        let kept = corpus::read(target.name);
        for (name, bytes) in &kept {
            let answer = (target.run)(bytes);
            assert!(
                !name.starts_with("valid-") || answer == Answer::Accepted,
                "{name}"
            );
            assert!(
                !name.starts_with("refused-") || answer == Answer::Refused,
                "{name}"
            );
        }
        let seeds = kept.into_iter().filter(|(name, _)| corpus::is_seed(name));
        assert_eq!(
            seeds.collect::<std::collections::BTreeMap<_, _>>(),
            corpus::seeds(target)
        );
    }
}

#[test]
fn every_target_has_a_corpus_and_a_program_of_its_own() {
    let fuzz = corpus::folder("").join("..");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let names = |folder: &str| {
        let entries = std::fs::read_dir(fuzz.join(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .map(|name| name.trim_end_matches(".rs").to_owned())
            .collect();
        names.sort();
        names
    };
    let mut targets: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    targets.sort_unstable();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
    for target in targets {
        let path = format!("path = \"fuzz_targets/{target}.rs\"");
        assert!(manifest.contains(&path), "{target} is not in the manifest");
        let program = std::fs::read_to_string(fuzz.join(format!("fuzz_targets/{target}.rs")));
        assert!(
            program
                .unwrap()
                .contains(&format!("::{}(", function(target))),
            "{target}"
        );
    }
}

/// The function of a target: named as the target is, but for a name that a module has.
fn function(target: &str) -> &str {
    match target {
        "json" => "json_text",
        other => other,
    }
}

#[test]
fn a_target_that_breaks_a_promise_is_named_with_its_input() {
    let seeds = [b"quorum none\n".to_vec()];
    // The promise that no input has two newlines in a row: only a mutant breaks it.
    let check = |input: &[u8]| {
        assert!(!input.windows(2).any(|pair| pair == b"\n\n"), "planted");
        Answer::Accepted
    };
    let failure = explore("planted", &seeds, MUTANTS, check).unwrap_err();
    let hex = failure.strip_prefix("planted fails on the input ").unwrap();
    assert!(hex.contains("0a0a"), "{failure}");
    assert_eq!(
        explore("planted", &seeds, MUTANTS, check),
        Err(failure),
        "the same at every run"
    );
    let counts = explore("planted", &seeds, 100, |_| Answer::Refused).unwrap();
    assert_eq!(
        counts,
        Counts {
            accepted: 0,
            refused: 101
        }
    );
}
