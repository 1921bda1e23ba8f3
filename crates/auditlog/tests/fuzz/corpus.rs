//! The seeds in `fuzz/corpus/`: taken from the vectors, so that they say what the format says.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use auditlog::cosignature::WitnessSigner;
use auditlog::encoding::from_base64;
use auditlog::json;
use auditlog::note::NoteSigner;
use serde_json::Value;

use crate::targets::{Answer, Target, bundles};

/// Seeds of one answer and one target.
const MOST_SEEDS: usize = 6;

pub fn folder(target: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    root.join(target)
}

/// All files of a target's corpus by name: seeds, and whatever a fuzzer has left beside them.
pub fn read(target: &str) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder(target)).unwrap_or_else(|error| panic!("{target}: {error}"));
    files
        .map(|file| file.unwrap())
        .map(|file| {
            (
                file.file_name().into_string().unwrap(),
                fs::read(file.path()).unwrap(),
            )
        })
        .collect()
}

/// The seeds of a target as the vectors give them, named after what the target answers.
pub fn seeds(target: &Target) -> BTreeMap<String, Vec<u8>> {
    let mut seeds = BTreeMap::new();
    let mut counts = [0; 2];
    for input in inputs(target.name) {
        let (kind, count) = match (target.run)(&input) {
            Answer::Accepted => ("valid", &mut counts[0]),
            Answer::Refused => ("refused", &mut counts[1]),
        };
        if *count < MOST_SEEDS && !seeds.values().any(|seed| *seed == input) {
            seeds.insert(format!("{kind}-{count}"), input);
            *count += 1;
        }
    }
    seeds
}

/// Writes the seeds and removes those that are none any more.
pub fn write(target: &Target) {
    let folder = folder(target.name);
    fs::create_dir_all(&folder).unwrap();
    for name in read(target.name).keys().filter(|name| is_seed(name)) {
        fs::remove_file(folder.join(name)).unwrap();
    }
    for (name, bytes) in seeds(target) {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

pub fn is_seed(name: &str) -> bool {
    name.starts_with("valid-") || name.starts_with("refused-")
}

fn vectors(file: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(file);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The member `key` of every case of a list, or every element that is a text.
fn members(file: &str, list: &str, key: &str) -> Vec<Vec<u8>> {
    let file = vectors(file);
    let cases = file[list]
        .as_array()
        .unwrap_or_else(|| panic!("{list}"))
        .iter();
    cases
        .filter_map(|case| case.as_str().or_else(|| case[key].as_str()))
        .map(|text| text.as_bytes().to_vec())
        .collect()
}

fn inputs(target: &str) -> Vec<Vec<u8>> {
    match target {
        "note" | "cosignature" => {
            let mut notes = members("notes.json", "notes", "note");
            notes.extend(members("witnesses.json", "cosignatures", "note"));
            notes
        }
        "checkpoint" => checkpoints(),
        "vkey" => vkeys(),
        "story_note" => story_notes(),
        "tile_path" => [
            members("tree.json", "tile_paths", "path"),
            members("tree.json", "not_tile_paths", "path"),
        ]
        .concat(),
        "tile" => vec![vec![1; 32], vec![2; 32 * 3], Vec::new(), vec![3; 33]],
        "entry" => [
            members("entries.json", "valid", "entry"),
            members("entries.json", "invalid", "entry"),
        ]
        .concat(),
        "entry_bundle" => {
            let text = vectors("tree.json")["entry_bundle"]["base64"]
                .as_str()
                .map(from_base64);
            let bundle = text.flatten().unwrap();
            vec![
                bundle[..90].to_vec(),
                bundle[..100].to_vec(),
                bundle,
                Vec::new(),
            ]
        }
        "json" => [
            members("fields.json", "cases", "json"),
            members("json-refused.json", "accepted", "json"),
            members("json-refused.json", "refused", "json"),
        ]
        .concat(),
        "disclosure" => disclosures(),
        "bundle" => {
            let bases = &vectors("bundles.json")["bases"];
            let base = |name: &str| bases[name].as_str().unwrap().as_bytes().to_vec();
            vec![
                bundles::true_bundle().into_bytes(),
                base("sample"),
                base("small"),
            ]
        }
        "policy" => {
            let texts = members("policies.json", "policies", "policy").into_iter();
            let text = |base64: Vec<u8>| from_base64(std::str::from_utf8(&base64).unwrap());
            let policies: Vec<Vec<u8>> = texts.filter_map(text).collect();
            // Those with octets that are no text stand last in the vectors, and matter most.
            policies.into_iter().rev().collect()
        }
        "add_checkpoint" => members("witnesses.json", "requests", "body"),
        "evidence" => members("evidence.json", "cases", "evidence"),
        "tlog_proof" => members("tlog-proofs.json", "proofs", "proof"),
        "anchor_line" => anchors()
            .lines()
            .map(|line| line.as_bytes().to_vec())
            .chain([Vec::new()])
            .collect(),
        "anchor_chain" => {
            let anchors = anchors();
            let second = anchors.lines().nth(1).unwrap().as_bytes().to_vec();
            vec![
                anchors.clone().into_bytes(),
                anchors.trim_end().into(),
                second,
            ]
        }
        "key_history" => members("keys.json", "histories", "file"),
        "rotation" => members("keys.json", "rotations", "note"),
        "follow" | "inclusion" | "succession" | "retold" => decisions(),
        other => panic!("the target {other} has no seeds"),
    }
}

fn checkpoints() -> Vec<Vec<u8>> {
    let notes = members("notes.json", "checkpoints", "note");
    let text = |note: &Vec<u8>| {
        let note = std::str::from_utf8(note).unwrap();
        let (text, _) = note.rsplit_once("\n\n").unwrap();
        format!("{text}\n").into_bytes()
    };
    let texts: Vec<Vec<u8>> = notes.iter().map(text).collect();
    // Turn and turn about, so that both forms are among the first.
    texts
        .into_iter()
        .zip(notes)
        .flat_map(|(text, note)| [text, note])
        .collect()
}

fn vkeys() -> Vec<Vec<u8>> {
    let log = NoteSigner::from_seed("log.example", &[1; 32]).unwrap();
    let witness = WitnessSigner::from_seed("w.example", &[9; 32]).unwrap();
    let secrets = [log.to_secret_text(), witness.to_secret_text()].map(String::into_bytes);
    let mut keys: Vec<Vec<u8>> = secrets.into();
    keys.extend(members("witnesses.json", "keys", "vkey"));
    keys.extend(members("notes.json", "keys", "vkey"));
    keys
}

fn sample() -> String {
    vectors("bundles.json")["bases"]["sample"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn anchors() -> String {
    vectors("bundles.json")["anchors"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn story_notes() -> Vec<Vec<u8>> {
    let sample = sample();
    let value = json::parse(&sample).unwrap();
    let note = value.get("story").and_then(json::Value::as_str).unwrap();
    let text = note.split("\n\n").next().unwrap();
    vec![format!("{text}\n").into_bytes(), text.as_bytes().to_vec()]
}

fn disclosures() -> Vec<Vec<u8>> {
    let sample = sample();
    let value = json::parse(&sample).unwrap();
    let statements = value
        .get("statements")
        .and_then(json::Value::as_array)
        .unwrap();
    let trees = statements.iter().flat_map(|statement| {
        let pair = statement
            .get("disclosure")
            .and_then(json::Value::as_array)
            .unwrap();
        pair.iter().map(|tree| tree.to_compact().into_bytes())
    });
    let mut trees: Vec<Vec<u8>> = trees.collect();
    trees.push(b"[\"\",\"\"]".to_vec());
    trees
}

/// Inputs whose bytes are decisions, from none to many.
fn decisions() -> Vec<Vec<u8>> {
    let counting: Vec<u8> = (0..120).collect();
    let strides = [1u8, 7, 37, 91].map(|step| (0..120u8).map(|i| i.wrapping_mul(step)).collect());
    strides
        .into_iter()
        .chain([counting, Vec::new(), vec![5, 0, 5, 1], vec![0; 60]])
        .collect()
}
