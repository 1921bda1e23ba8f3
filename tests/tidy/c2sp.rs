//! The tables of C2SP's rules and of EPCIS: what they name as a test is one.

use std::collections::BTreeMap;

use super::{backticked, is_name, none, read};

const TABLE: &str = "crates/auditlog/README.md";

/// Which functions stand in which file, as a row names them.
type Tests = BTreeMap<String, Vec<String>>;

#[test]
fn every_rule_of_c2sp_names_tests_that_exist() {
    let page = read(TABLE);
    let (_, table) = page
        .split_once("\n## 25. C2SP")
        .expect("the section is there");
    assert!(
        table.lines().filter(|line| is_rule(line)).count() > 60,
        "rows are read"
    );
    none(untested(table, read));
}

#[test]
fn every_row_of_epcis_names_tests_that_exist() {
    let page = read("docs/epcis.md");
    let (_, rest) = page
        .split_once("\n## What the standard has, and what shows it")
        .expect("the section is there");
    let (table, _) = rest.split_once("\n## ").expect("another section follows");
    // The heading of this one is another.
    let table = table.replacen("| what |", "| rule |", 1);
    assert!(
        table.lines().filter(|line| is_rule(line)).count() > 15,
        "rows are read"
    );
    none(untested(&table, read));
}

#[test]
fn a_rule_without_a_test_or_with_one_that_is_gone_is_found() {
    let source =
        |_: &str| "#[test]\nfn there() {}\n#[tokio::test]\nasync fn too() {}\nfn no() {}".into();
    let faults = |row: &str| {
        untested(
            &format!("| rule | level | shown by |\n|---|---|---|\n{row}"),
            source,
        )
    };
    assert_eq!(
        faults("| a rule with `a word` | MUST | `a/b.rs` `there` `too` |"),
        [""; 0]
    );
    for row in [
        "| a rule | MUST | |",
        "| a rule | MUST | `a/b.rs` |",
        "| a rule | MUST | `there` |",
        "| a rule | MUST | `a/b.rs` `gone` |",
        "| a rule | MUST | `a/b.rs` `no` |",
        "| a rule | MUST | `a/b.rs` `there` `c/d.rs` |",
        "| a rule | `a/b.rs` `there` |",
    ] {
        assert_eq!(faults(row).len(), 1, "{row}");
    }
}

fn is_rule(line: &str) -> bool {
    line.starts_with("| ") && !line.starts_with("| rule ")
}

/// Rows whose tests are missing.
fn untested(table: &str, source: impl Fn(&str) -> String) -> Vec<String> {
    let mut faults = Vec::new();
    for line in table.lines().filter(|line| is_rule(line)) {
        let tests = tests_of(line);
        let missing = |(file, names): (&String, &Vec<String>)| {
            let source = source(file);
            names.is_empty() || names.iter().any(|name| !has_test(&source, name))
        };
        if tests.is_none_or(|tests| tests.iter().any(missing)) {
            faults.push(format!("no such test: {line}"));
        }
    }
    faults
}

/// The tests of a row: a file, and then its functions. None where it has none, or not three cells.
fn tests_of(line: &str) -> Option<Tests> {
    let cells: Vec<&str> = line.trim().trim_matches('|').split('|').collect();
    let [_, _, shown_by] = cells.as_slice() else {
        return None;
    };
    let mut tests = Tests::new();
    let mut file = None;
    for word in backticked(shown_by) {
        if word.contains('/') {
            file = Some(word.to_owned());
            tests.entry(word.to_owned()).or_default();
        } else if word.chars().all(is_name) {
            tests.get_mut(file.as_ref()?)?.push(word.to_owned());
        }
    }
    (!tests.is_empty()).then_some(tests)
}

/// Whether a function of this name stands right below an attribute that makes it a test.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_it = |line: &str| {
        let line = line.trim_start_matches("async ");
        line.starts_with(&format!("fn {name}("))
    };
    let is_test = |i: usize| {
        let above = lines[..i]
            .iter()
            .rev()
            .take_while(|line| line.starts_with("#["));
        above
            .into_iter()
            .any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    };
    (0..lines.len()).any(|i| is_it(lines[i]) && is_test(i))
}
