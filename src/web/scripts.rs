//! Modules of `static/js` that travel as one script. A browser asks for each module by itself, which costs a phone more
//! than their bytes do, and reads none at all beside a page that was saved.

use std::sync::LazyLock;

/// A file below `static/js/`: its name and its text.
type Module = (&'static str, &'static str);

macro_rules! modules {
    ($($name:literal),+ $(,)?) => { [$(($name, include_str!(concat!("../../static/js/", $name)))),+] };
}

/// The verifier, in an order in which each module imports only from those before it.
const VERIFIER: [Module; 19] = modules![
    "auditlog/bytes.js",
    "auditlog/sha256.js",
    "auditlog/sha512.js",
    "auditlog/ed25519.js",
    "auditlog/signature.js",
    "auditlog/tree.js",
    "auditlog/json.js",
    "auditlog/statement.js",
    "auditlog/field.js",
    "auditlog/note.js",
    "auditlog/policy.js",
    "auditlog/keys.js",
    "auditlog/anchor.js",
    "auditlog/disclosure.js",
    "auditlog/bundle.js",
    "auditlog/proof.js",
    "auditlog/witness.js",
    "auditlog/evidence.js",
    "auditlog/tile.js",
];

/// What `/verify` does with it.
const OFFLINE: [Module; 2] = modules!["page/checklist.js", "page/offline.js"];

/// What the page of a code does with it, and what a phone remembers and keeps.
const STORY: [Module; 5] = modules![
    "page/checklist.js",
    "page/memory.js",
    "page/story.js",
    "page/kept.js",
    "page/saved.js",
];

/// What the page of all kept codes does.
const LIST: [Module; 3] = modules!["page/checklist.js", "page/kept.js", "page/list.js"];

/// What the page of a code loads to verify its proof.
pub(super) static VERIFY_JS: LazyLock<String> =
    LazyLock::new(|| joined(&[&VERIFIER[..], &STORY].concat()));

/// The script of the page of all kept codes.
pub(super) static SAVED_JS: LazyLock<String> = LazyLock::new(|| joined(&LIST));

/// The script of the page that checks a proof without any server.
pub(super) static OFFLINE_JS: LazyLock<String> =
    LazyLock::new(|| joined(&[&VERIFIER[..], &OFFLINE].concat()));

/// The modules as one, without what they import from each other. All that they export is the page's `auditlog`: for whoever
/// asks in the browser's console, and for tests.
fn joined(modules: &[Module]) -> String {
    let mut script = String::new();
    let mut names = Vec::new();
    for (_, text) in modules {
        for statement in statements(text) {
            match statement {
                Statement::Import(_) => {}
                Statement::Export(name, text) => {
                    names.push(name);
                    script.push_str(text);
                }
                Statement::Other(text) => script.push_str(text),
            }
        }
    }
    let names = names.join(",\n  ");
    script + &format!("\nwindow.auditlog = Object.freeze({{\n  {names},\n}});\n")
}

/// A part of a module, with its newline.
#[derive(Debug, PartialEq, Eq)]
enum Statement<'a> {
    /// What it imports from.
    Import(&'a str),
    /// The name that is exported, and the line without that word.
    Export(&'a str, &'a str),
    Other(&'a str),
}

/// A module line by line, imports whole. They stand at the left edge, as exports do.
fn statements(text: &str) -> impl Iterator<Item = Statement<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let is_import = rest.starts_with("import ");
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(if is_import { ";\n" } else { "\n" });
        let end = end.expect("a module ends in a line of its own");
        let (statement, after) = rest.split_at(end + if is_import { 2 } else { 1 });
        rest = after;
        Some(if is_import {
            Statement::Import(statement.split('"').nth(1).unwrap_or_default())
        } else if let Some(exported) = statement.strip_prefix("export ") {
            Statement::Export(name(exported), exported)
        } else {
            Statement::Other(statement)
        })
    })
}

/// What a declaration declares.
fn name(declaration: &str) -> &str {
    let words = declaration.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let mut names = words.filter(|word| !["async", "class", "const", "function"].contains(word));
    names.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_module_imports_from_those_before_it_what_they_export() {
        let mut known: Vec<(&str, Vec<&str>)> = Vec::new();
        for (module, text) in [&VERIFIER[..], &STORY, &OFFLINE[1..], &LIST[2..]].concat() {
            let (folder, _) = module.split_once('/').unwrap();
            for import in text.split("import {").skip(1) {
                let (names, from) = import.split_once("} from \"").unwrap();
                let from = from.split_once('"').unwrap().0;
                let from = match from.strip_prefix("../") {
                    Some(other) => other.to_owned(),
                    None => from.replacen("./", &format!("{folder}/"), 1),
                };
                let (_, exported) = known.iter().find(|(known, _)| *known == from).unwrap();
                for name in names
                    .split(',')
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                {
                    assert!(exported.contains(&name), "{module}: {name} of {from}");
                    let uses = text.matches(name).count();
                    assert!(uses > 1, "{module} does not use {name}");
                }
            }
            let exported = statements(text).filter_map(|statement| match statement {
                Statement::Export(name, _) => Some(name),
                _ => None,
            });
            known.push((module, exported.collect()));
        }
    }

    #[test]
    fn what_is_joined_is_no_module_of_a_folder_any_more() {
        let script = joined(&[
            (
                "a.js",
                "// One.\nexport async function one() {\n  return 1;\n}\n",
            ),
            (
                "b.js",
                "import {\n  one,\n} from \"./a.js\";\n\nexport const TWO = one();\nclass Three {}\n",
            ),
        ]);
        assert_eq!(
            script,
            "// One.\nasync function one() {\n  return 1;\n}\n\nconst TWO = one();\nclass Three {}\n\n\
             window.auditlog = Object.freeze({\n  one,\n  TWO,\n});\n"
        );
        assert!(!VERIFY_JS.contains("\nimport ") && !VERIFY_JS.contains("\nexport "));
    }
}
