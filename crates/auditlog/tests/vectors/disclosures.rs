//! Changes of the disclosures: what anybody can do who holds a bundle.

use std::ops::Range;

use auditlog::disclosure::Node;
use auditlog::field::commitment;

use crate::bundles::{Has, case, changed, replaced};
use crate::support::Sample;
use crate::writer::Json;
use Change::{Named, Unnamed, Valued, Withheld};

/// What is done to one leaf.
enum Change {
    Withheld,
    Unnamed,
    Valued(&'static str),
    Named(&'static str),
}

/// Name of the case, position of the statement, the leaf.
const LEAVES: [(&str, usize, &str, Change); 24] = [
    ("a field withheld: valid", 0, "/body/action", Withheld),
    (
        "a field unnamed: valid, and counted",
        0,
        "/body/action",
        Unnamed,
    ),
    ("another value", 0, "/body/action", Valued("\"DELETE\"")),
    (
        "a number in another spelling",
        0,
        "/body/demo:reading",
        Valued("1"),
    ),
    (
        "a value not in canonical form",
        0,
        "/body/demo:reading",
        Valued("01"),
    ),
    (
        "a string with a needless escape",
        0,
        "/body/type",
        Valued("\"\\u0041\""),
    ),
    (
        "a value that is an object",
        0,
        "/body/type",
        Valued("{\"a\":1}"),
    ),
    (
        "an array's length beyond 64 bits",
        2,
        "/about",
        Valued("[18446744073709551616]"),
    ),
    (
        "an array shorter than its elements",
        2,
        "/about",
        Valued("[0]"),
    ),
    ("a field below a scalar", 2, "/about", Valued("1")),
    ("a field below an empty object", 2, "/about", Valued("{}")),
    (
        "a name that is no pointer",
        0,
        "/body/action",
        Named("body"),
    ),
    (
        "a name with a stray ~",
        0,
        "/body/action",
        Named("/body/a~2"),
    ),
    ("a name out of order", 0, "/body/action", Named("/body/zzz")),
    ("a name twice", 0, "/body/demo:list", Named("/body/action")),
    ("another name", 0, "/body/action", Named("/body/b")),
    ("/kind withheld", 0, "/kind", Withheld),
    ("/kind unnamed", 0, "/kind", Unnamed),
    ("/issuer withheld", 0, "/issuer", Withheld),
    ("/issuer unnamed", 0, "/issuer", Unnamed),
    ("/recorded withheld", 0, "/recorded", Withheld),
    ("/recorded unnamed", 0, "/recorded", Unnamed),
    ("/about withheld", 0, "/about", Withheld),
    ("the only identity withheld", 3, "/about/0", Withheld),
];

/// Name of the case, text in the sample, what stands there instead.
const TEXTS: [(&str, &str, &str); 2] = [
    (
        "an inner node of three",
        "\"disclosure\":[[",
        "\"disclosure\":[[\"\",",
    ),
    ("a commitment too long", "\"c\":\"", "\"c\":\"AAAA"),
];

pub fn cases(sample: &Sample) -> Vec<Json> {
    let mut cases: Vec<Json> = LEAVES
        .iter()
        .map(|(name, position, pointer, change)| leaf(name, sample, *position, &[pointer], change))
        .collect();
    let signature = ["/signature", "/signer"];
    let deep = format!("\"disclosure\":[{}", "[".repeat(61));
    cases.extend([
        leaf("/signature withheld", sample, 3, &signature[..1], &Withheld),
        leaf("/signature unnamed", sample, 3, &signature[..1], &Unnamed),
        leaf(
            "a party's signature stripped",
            sample,
            3,
            &signature,
            &Unnamed,
        ),
        rewritten("a leaf with its members in another order", sample, |leaf| {
            let (value, salt) = (leaf.find(",\"v\"").unwrap(), leaf.find(",\"s\"").unwrap());
            let end = leaf.len() - 1;
            format!(
                "{}{}{}}}",
                &leaf[..value],
                &leaf[salt..end],
                &leaf[value..salt]
            )
        }),
        rewritten("a leaf with a member more", sample, |leaf| {
            leaf.replace('}', ",\"x\":\"\"}")
        }),
        rewritten("a leaf of nothing but a name", sample, |leaf| {
            format!("{}}}", &leaf[..leaf.find(",\"v\"").unwrap()])
        }),
        rewritten("a salt with stray trailing bits", sample, |leaf| {
            let last = leaf.rfind("==").unwrap() - 1;
            let next = char::from(leaf.as_bytes()[last] + 1);
            format!("{}{next}{}", &leaf[..last], &leaf[last + 1..])
        }),
        rewritten("a subtree that is no hash", sample, |_| {
            "\"AA==\"".to_owned()
        }),
        rewritten("an inner node of one", sample, |leaf| format!("[{leaf}]")),
        rewritten("a null for a node", sample, |_| "null".to_owned()),
    ]);
    cases.extend(replaced(sample, &TEXTS));
    cases.extend(replaced(
        sample,
        &[("nested too deep", "\"disclosure\":[", &deep)],
    ));
    cases
}

/// A case in which leaves of the statement at `position` are changed.
fn leaf(name: &str, sample: &Sample, position: usize, leaves: &[&str], change: &Change) -> Json {
    changed(name, sample, |b| {
        let statement = &mut b.statements[position];
        for pointer in leaves {
            let found = at_leaf(&mut statement.content, pointer, change)
                || at_leaf(&mut statement.receipt, pointer, change);
            assert!(found, "{name}");
        }
    })
}

fn at_leaf(node: &mut Node, wanted: &str, change: &Change) -> bool {
    match node {
        Node::Inner(pair) => {
            at_leaf(&mut pair.0, wanted, change) || at_leaf(&mut pair.1, wanted, change)
        }
        Node::Shown { pointer, .. } if pointer == wanted => {
            apply(node, change);
            true
        }
        _ => false,
    }
}

fn apply(node: &mut Node, change: &Change) {
    let root = node.open().expect("a leaf alone opens").root;
    if let Node::Shown {
        pointer,
        value,
        salt,
    } = node
    {
        match change {
            Named(name) => *pointer = (*name).to_owned(),
            Valued(text) => *value = (*text).to_owned(),
            Unnamed => *node = Node::Unnamed(root),
            Withheld => {
                let commitment = commitment(salt, value);
                let pointer = std::mem::take(pointer);
                *node = Node::Withheld {
                    pointer,
                    commitment,
                };
            }
        }
    }
}

/// A case in which the text of a leaf of the first statement, `/kind`, is another.
fn rewritten(name: &str, sample: &Sample, change: impl Fn(&str) -> String) -> Json {
    let text = sample.bundle.format();
    let Range { start, end } = leaf_text(&text, "/kind");
    let changed = change(&text[start..end]);
    let text = format!("{}{changed}{}", &text[..start], &text[end..]);
    case(name, sample, &text, Has::KeysAndAnchors)
}

/// Where the first leaf named `pointer` stands in a bundle.
fn leaf_text(text: &str, pointer: &str) -> Range<usize> {
    let start = text.find(&format!("{{\"p\":\"{pointer}\"")).unwrap();
    start..start + text[start..].find('}').unwrap() + 1
}
