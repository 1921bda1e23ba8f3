//! The public folder as a map from names to bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use auditlog::anchor::{AnchorChain, AnchorLine};
use auditlog::note::Verifier;

/// Every file under a folder, by its path in it.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Reads everything under `folder`, but for the lock, which nobody is shown.
pub fn read_all(folder: &Path) -> Files {
    let mut files = Files::new();
    collect(folder, folder, &mut files);
    files.remove(".lock");
    files
}

fn collect(root: &Path, folder: &Path, files: &mut Files) {
    if !folder.exists() {
        return;
    }
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// Asserts equality, and names the files that differ rather than printing thousands of bytes.
pub fn assert_same(found: &Files, expected: &Files, when: &str) {
    let mut differ: Vec<&String> = found
        .keys()
        .chain(expected.keys())
        .filter(|name| found.get(*name) != expected.get(*name))
        .collect();
    differ.sort();
    differ.dedup();
    assert!(
        differ.is_empty(),
        "{when}: these files are missing, extra or another: {differ:?}"
    );
}

/// Verifies an anchor file from its first line to its last: chain, signatures, times.
pub fn verified_chain(text: &str, vkey: &str) -> Vec<AnchorLine> {
    assert!(text.ends_with('\n'), "a last line without its newline");
    let verifier = Verifier::parse(vkey).unwrap();
    let mut chain = AnchorChain::new();
    let lines: Vec<AnchorLine> = text
        .lines()
        .map(|line| AnchorLine::parse(line).unwrap())
        .collect();
    for line in &lines {
        line.open(&verifier).unwrap();
        chain.push(line.clone()).unwrap();
    }
    lines
}
