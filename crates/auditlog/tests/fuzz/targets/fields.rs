//! JSON, the field trees made of it, and disclosures.

use auditlog::disclosure::{DisclosureError, Node, disclose};
use auditlog::encoding::parse_decimal;
use auditlog::field::{Fields, Secret, array_length, is_pointer, is_value_text};
use auditlog::json::{self, Value};
use auditlog::salts::Salts;

use super::{Answer, quoted, text};

const SALTS: Salts = Salts::Derived(Secret([7; 32]));

/// JSON: nothing is lost on the way through, and what is shown of it leads to one root.
pub fn json_text(data: &[u8]) -> Answer {
    let Some(text) = text(data) else {
        return Answer::Refused;
    };
    let Ok(value) = json::parse(text) else {
        return Answer::Refused;
    };
    let compact = value.to_compact();
    let again = json::parse(&compact).expect("what we write, we read");
    assert_eq!(again, value, "the compact form says the same");
    assert_eq!(again.to_compact(), compact);
    field_tree(&value);
    Answer::Accepted
}

fn field_tree(value: &Value<'_>) {
    // Only objects have names for what is in them.
    if value.as_object().is_none_or(<[_]>::is_empty) {
        return;
    }
    let fields = Fields::of(value);
    let pointers: Vec<&str> = fields.iter().map(|field| field.pointer).collect();
    assert!(pointers.is_sorted_by(|a, b| a < b), "{pointers:?}");
    for field in fields.iter() {
        assert!(is_pointer(field.pointer), "{}", field.pointer);
        assert!(is_value_text(field.value), "{}", field.value);
    }
    let root = fields.root(&SALTS);
    let every_second =
        |pointer: &str| pointers.iter().position(|p| *p == pointer).unwrap() % 2 == 0;
    let all = disclose(&fields, &SALTS, |_| true).open().unwrap();
    assert_eq!((all.root, all.unnamed), (root, 0));
    assert_eq!(all.leaves.len(), fields.len());
    for shown in [
        disclose(&fields, &SALTS, every_second),
        disclose(&fields, &SALTS, |_| false),
    ] {
        let opened = shown.open().unwrap();
        assert_eq!(opened.root, root, "withholding changes no root");
        for leaf in opened.leaves.iter().filter(|leaf| leaf.value.is_some()) {
            assert_eq!(all.value(&leaf.pointer), leaf.value.as_deref());
        }
    }
}

/// A disclosure: one spelling, names in order, and less shown never means another root.
pub fn disclosure(data: &[u8]) -> Answer {
    let Some(value) = text(data).and_then(|text| json::parse(text).ok()) else {
        return Answer::Refused;
    };
    let Ok(node) = Node::read(&value) else {
        return Answer::Refused;
    };
    let mut written = String::new();
    node.write(&mut written);
    assert_eq!(written, value.to_compact(), "a disclosure has one spelling");
    let opened = match node.open() {
        Ok(opened) => opened,
        Err(DisclosureError::Orphan(name)) => {
            assert!(orphans(&node).contains(&name), "no orphan: {name}");
            return Answer::Refused;
        }
        Err(_) => return Answer::Refused,
    };
    assert_eq!(orphans(&node), [""; 0]);
    let names: Vec<&str> = opened
        .leaves
        .iter()
        .map(|leaf| leaf.pointer.as_str())
        .collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    for leaf in &opened.leaves {
        assert!(is_pointer(&leaf.pointer), "{}", quoted(&leaf.pointer));
        assert!(leaf.value.as_deref().is_none_or(is_value_text));
        assert_eq!(opened.value(&leaf.pointer), leaf.value.as_deref());
    }
    let silent = withheld(&node)
        .open()
        .expect("whoever shows less says nothing wrong");
    assert_eq!(silent.root, opened.root);
    assert_eq!(
        (silent.leaves.len(), silent.unnamed),
        (opened.leaves.len(), opened.unnamed)
    );
    Answer::Accepted
}

/// The names that cannot exist, by the rule as README §12 has it, ancestor by ancestor.
fn orphans(node: &Node) -> Vec<String> {
    let mut leaves = Vec::new();
    named(node, &mut leaves);
    let fits = |name: &str| {
        name.match_indices('/').skip(1).all(|(slash, _)| {
            let shown = leaves.iter().find(|(other, _)| *other == &name[..slash]);
            let Some(value) = shown.and_then(|(_, value)| *value) else {
                return true;
            };
            let step = name[slash + 1..].split('/').next().and_then(parse_decimal);
            let length = array_length(value);
            step.zip(length).is_some_and(|(step, length)| step < length)
        })
    };
    let lost = leaves.iter().filter(|(name, _)| !fits(name));
    lost.map(|(name, _)| (*name).to_owned()).collect()
}

fn named<'a>(node: &'a Node, leaves: &mut Vec<(&'a str, Option<&'a str>)>) {
    match node {
        Node::Unnamed(_) => {}
        Node::Inner(pair) => {
            named(&pair.0, leaves);
            named(&pair.1, leaves);
        }
        Node::Withheld { pointer, .. } => leaves.push((pointer, None)),
        Node::Shown { pointer, value, .. } => leaves.push((pointer, Some(value))),
    }
}

/// The same tree with no value shown.
fn withheld(node: &Node) -> Node {
    match node {
        Node::Inner(pair) => Node::Inner(Box::new((withheld(&pair.0), withheld(&pair.1)))),
        Node::Shown {
            pointer,
            value,
            salt,
        } => Node::Withheld {
            pointer: pointer.clone(),
            commitment: auditlog::field::commitment(salt, value),
        },
        other => other.clone(),
    }
}
