//! Disclosure: a field tree with some leaves shown, some only named, some not even that. Whoever
//! has it can recompute the root, and so knows that what is shown is what was recorded.

use thiserror::Error;

use crate::encoding;
use crate::field::{Fields, Salt, array_length, commitment, field_leaf, is_pointer, is_value_text};
use crate::hash::{Hash, node_hash, root_in_place};
use crate::json::{Value, write_string};
use crate::salts::{Opener, Salts};

/// Runs of withheld elements are left unnamed only inside arrays longer than this.
pub const LONG_ARRAY: u64 = 32;

/// A pruned field tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A subtree of which nothing is told but its hash.
    Unnamed(Hash),
    /// An inner node.
    Inner(Box<(Node, Node)>),
    /// A leaf whose name is told and whose value is withheld or erased.
    Withheld {
        /// The field's name.
        pointer: String,
        /// `c`, which the value and its salt would give.
        commitment: Hash,
    },
    /// A leaf told whole.
    Shown {
        /// The field's name.
        pointer: String,
        /// The value's text.
        value: String,
        /// The value's salt.
        salt: Salt,
    },
}

/// What a disclosure says, once its root is known to be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The root of the field tree.
    pub root: Hash,
    /// Named leaves in pointer order.
    pub leaves: Vec<NamedLeaf>,
    /// How many subtrees were not named. Where there is none, what is not here does not exist.
    pub unnamed: usize,
    /// How many named leaves stand to the right of the last unnamed subtree: among them nothing
    /// hides.
    pub(crate) named_tail: usize,
}

/// A leaf that a disclosure names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedLeaf {
    /// JSON Pointer.
    pub pointer: String,
    /// The value's text; `None` where it is withheld or erased.
    pub value: Option<String>,
}

/// What is wrong with a disclosure.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DisclosureError {
    /// A node of no known shape.
    #[error("a node is neither a hash, a pair, nor a leaf")]
    Shape,
    /// A hash or salt that is not canonical base64 of the right length.
    #[error("{0} is not canonical base64 of the right length")]
    Base64(String),
    /// A name that is not a JSON Pointer.
    #[error("{0:?} is not a JSON Pointer")]
    Pointer(String),
    /// A value text that is not canonical.
    #[error("the value of {0} is not in its canonical form")]
    ValueText(String),
    /// Two names out of order, or the same name twice.
    #[error("{0} does not come after the field before it")]
    Order(String),
    /// A leaf below another leaf that is no array, or beyond the array's length.
    #[error("{0} cannot exist below the value shown for its parent")]
    Orphan(String),
}

/// Prunes `fields` so that only those fields are shown for which `show` answers yes, and that were not erased.
pub fn disclose(fields: &Fields, salts: &Salts, show: impl Fn(&str) -> bool) -> Node {
    let opener = salts.opener();
    let mut long_arrays: Vec<String> = Vec::new();
    let leaves: Vec<PlannedLeaf> = (0..fields.len())
        .map(|position| {
            let field = fields.at(position);
            if array_length(field.value).is_some_and(|n| n > LONG_ARRAY) {
                long_arrays.push(format!("{}/", field.pointer));
            }
            let shown = !field.is_erased() && show(field.pointer);
            let unnamed = !shown && long_arrays.iter().any(|a| field.pointer.starts_with(a));
            PlannedLeaf {
                position,
                shown,
                unnamed,
            }
        })
        .collect();
    prune(fields, &opener, &leaves)
}

struct PlannedLeaf {
    position: usize,
    shown: bool,
    unnamed: bool,
}

fn prune(fields: &Fields, opener: &Opener<'_>, leaves: &[PlannedLeaf]) -> Node {
    if leaves.iter().all(|leaf| leaf.unnamed) {
        let mut hashes: Vec<Hash> = leaves
            .iter()
            .map(|leaf| fields.leaf(leaf.position, opener))
            .collect();
        return Node::Unnamed(root_in_place(&mut hashes));
    }
    if let [leaf] = leaves {
        let field = fields.at(leaf.position);
        let pointer = field.pointer.to_owned();
        let salt = opener.salt(field.pointer).filter(|_| leaf.shown);
        return match salt {
            Some(salt) => Node::Shown {
                pointer,
                value: field.value.to_owned(),
                salt,
            },
            None => Node::Withheld {
                pointer,
                commitment: fields.commitment(leaf.position, opener),
            },
        };
    }
    // RFC 6962 §2.1: the left side is the largest power of two smaller than the whole.
    let split = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(split);
    Node::Inner(Box::new((
        prune(fields, opener, left),
        prune(fields, opener, right),
    )))
}

impl Node {
    /// Appends the node as compact JSON.
    pub fn write(&self, out: &mut String) {
        match self {
            Node::Unnamed(hash) => write_string(&hash.to_base64(), out),
            Node::Inner(pair) => {
                out.push('[');
                pair.0.write(out);
                out.push(',');
                pair.1.write(out);
                out.push(']');
            }
            Node::Withheld {
                pointer,
                commitment,
            } => {
                write_leaf(pointer, &[("c", &commitment.to_base64())], out);
            }
            Node::Shown {
                pointer,
                value,
                salt,
            } => {
                write_leaf(pointer, &[("v", value), ("s", &salt.to_base64())], out);
            }
        }
    }

    /// Reads a node as [`Node::write`] writes it.
    pub fn read(value: &Value<'_>) -> Result<Node, DisclosureError> {
        match value {
            Value::String(text) => Ok(Node::Unnamed(read_hash(text)?)),
            Value::Array(pair) => match pair.as_slice() {
                [left, right] => Ok(Node::Inner(Box::new((
                    Node::read(left)?,
                    Node::read(right)?,
                )))),
                _ => Err(DisclosureError::Shape),
            },
            Value::Object(members) => read_leaf(members),
            _ => Err(DisclosureError::Shape),
        }
    }

    /// Recomputes the root and lists what is named, refusing what no honest tree contains.
    pub fn open(&self) -> Result<Opened, DisclosureError> {
        let mut opened = Opened {
            root: Hash([0; 32]),
            leaves: Vec::new(),
            unnamed: 0,
            named_tail: 0,
        };
        opened.root = self.walk(&mut opened)?;
        check_parents(&opened.leaves)?;
        Ok(opened)
    }

    fn walk(&self, opened: &mut Opened) -> Result<Hash, DisclosureError> {
        match self {
            Node::Unnamed(hash) => {
                opened.unnamed += 1;
                opened.named_tail = 0;
                Ok(*hash)
            }
            Node::Inner(pair) => {
                let left = pair.0.walk(opened)?;
                let right = pair.1.walk(opened)?;
                Ok(node_hash(&left, &right))
            }
            Node::Withheld {
                pointer,
                commitment,
            } => {
                opened.push(pointer, None)?;
                Ok(field_leaf(pointer, commitment))
            }
            Node::Shown {
                pointer,
                value,
                salt,
            } => {
                if !is_value_text(value) {
                    return Err(DisclosureError::ValueText(pointer.clone()));
                }
                opened.push(pointer, Some(value.clone()))?;
                Ok(field_leaf(pointer, &commitment(salt, value)))
            }
        }
    }
}

impl Opened {
    /// The text of a shown value.
    pub fn value(&self, pointer: &str) -> Option<&str> {
        let found = self
            .leaves
            .binary_search_by(|leaf| leaf.pointer.as_str().cmp(pointer))
            .ok()?;
        self.leaves[found].value.as_deref()
    }

    fn push(&mut self, pointer: &str, value: Option<String>) -> Result<(), DisclosureError> {
        if !is_pointer(pointer) {
            return Err(DisclosureError::Pointer(pointer.to_owned()));
        }
        if self
            .leaves
            .last()
            .is_some_and(|last| last.pointer.as_str() >= pointer)
        {
            return Err(DisclosureError::Order(pointer.to_owned()));
        }
        self.leaves.push(NamedLeaf {
            pointer: pointer.to_owned(),
            value,
        });
        self.named_tail += 1;
        Ok(())
    }
}

/// A shown scalar has nothing below it, and a shown array only its own elements.
///
/// Names ascend by their bytes, so all that begin with one name follow it without a gap: those that
/// begin the name at hand are a stack, and a name of a million steps costs no more than its length.
fn check_parents(leaves: &[NamedLeaf]) -> Result<(), DisclosureError> {
    let mut above: Vec<(&str, &str)> = Vec::new();
    for leaf in leaves {
        let begins = |(name, _): &(&str, &str)| leaf.pointer.starts_with(name);
        while above.last().is_some_and(|shown| !begins(shown)) {
            above.pop();
        }
        for (name, value) in &above {
            let Some(below) = leaf.pointer[name.len()..].strip_prefix('/') else {
                continue;
            };
            let token = below.split('/').next().unwrap_or_default();
            let fits = array_length(value)
                .zip(encoding::parse_decimal(token))
                .is_some_and(|(length, index)| index < length);
            if !fits {
                return Err(DisclosureError::Orphan(leaf.pointer.clone()));
            }
        }
        if let Some(value) = &leaf.value {
            above.push((&leaf.pointer, value));
        }
    }
    Ok(())
}

fn write_leaf(pointer: &str, members: &[(&str, &str)], out: &mut String) {
    out.push_str("{\"p\":");
    write_string(pointer, out);
    for (key, value) in members {
        out.push_str(",\"");
        out.push_str(key);
        out.push_str("\":");
        write_string(value, out);
    }
    out.push('}');
}

fn read_leaf(members: &[(std::borrow::Cow<'_, str>, Value<'_>)]) -> Result<Node, DisclosureError> {
    let text = |i: usize, key: &str| match members.get(i) {
        Some((name, Value::String(text))) if name == key => Some(text.to_string()),
        _ => None,
    };
    let shape = DisclosureError::Shape;
    let pointer = text(0, "p").ok_or(shape.clone())?;
    match members.len() {
        2 => {
            let commitment = read_hash(&text(1, "c").ok_or(shape)?)?;
            Ok(Node::Withheld {
                pointer,
                commitment,
            })
        }
        3 => {
            let value = text(1, "v").ok_or(shape.clone())?;
            let salt = text(2, "s").ok_or(shape)?;
            let salt = Salt::from_base64(&salt).ok_or(DisclosureError::Base64(salt))?;
            Ok(Node::Shown {
                pointer,
                value,
                salt,
            })
        }
        _ => Err(shape),
    }
}

fn read_hash(text: &str) -> Result<Hash, DisclosureError> {
    Hash::from_base64(text).ok_or_else(|| DisclosureError::Base64(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Secret;
    use crate::json;
    use proptest::prelude::*;

    const SALTS: Salts = Salts::Derived(Secret([9; 32]));

    fn fields(text: &str) -> Fields {
        Fields::of(&json::parse(text).unwrap())
    }

    fn reread(node: &Node) -> Node {
        let mut text = String::new();
        node.write(&mut text);
        let value = json::parse(&text).unwrap();
        assert_eq!(value.to_compact(), text);
        Node::read(&value).unwrap()
    }

    #[test]
    fn a_withheld_field_keeps_the_root_and_hides_the_value() {
        let fields = fields(r#"{"a":"secret","b":1,"c":[true]}"#);
        let node = reread(&disclose(&fields, &SALTS, |p| p != "/a"));
        let opened = node.open().unwrap();
        assert_eq!(opened.root, fields.root(&SALTS));
        assert_eq!(opened.value("/a"), None);
        assert_eq!(opened.value("/b"), Some("1"));
        assert_eq!(opened.leaves.len(), 4);
        assert_eq!(opened.unnamed, 0);
        assert!(!format!("{node:?}").contains("secret"));
    }

    #[test]
    fn only_runs_in_long_arrays_stay_unnamed() {
        let array = |n: usize| format!("[{}]", vec!["1"; n].join(","));
        let short = fields(&format!("{{\"a\":{},\"b\":0}}", array(32)));
        assert_eq!(
            disclose(&short, &SALTS, |p| p == "/b")
                .open()
                .unwrap()
                .unnamed,
            0
        );
        let long = fields(&format!("{{\"a\":{},\"b\":0}}", array(33)));
        let opened = disclose(&long, &SALTS, |p| matches!(p, "/b" | "/a" | "/a/7"))
            .open()
            .unwrap();
        assert!(opened.unnamed > 0);
        assert_eq!(opened.root, long.root(&SALTS));
        assert_eq!(opened.value("/a/7"), Some("1"));
        // The last leaf but one, /a/9, lies in a run that is not named.
        assert_eq!(opened.named_tail, 1);
    }

    #[test]
    fn shapes_that_no_honest_tree_has_are_refused() {
        let leaf = |p: &str, v: &str| Node::Shown {
            pointer: p.into(),
            value: v.into(),
            salt: Salt([0; 16]),
        };
        let pair = |a, b| Node::Inner(Box::new((a, b)));
        let refused = |node: Node| node.open().unwrap_err();
        let one = || leaf("/a", "1");
        assert_eq!(
            refused(pair(leaf("/b", "1"), one())),
            DisclosureError::Order("/a".into())
        );
        assert_eq!(
            refused(pair(one(), one())),
            DisclosureError::Order("/a".into())
        );
        assert_eq!(
            refused(leaf("a", "1")),
            DisclosureError::Pointer("a".into())
        );
        assert_eq!(
            refused(leaf("/a", "01")),
            DisclosureError::ValueText("/a".into())
        );
        assert_eq!(
            refused(pair(one(), leaf("/a/0", "1"))),
            DisclosureError::Orphan("/a/0".into())
        );
        assert_eq!(
            refused(pair(leaf("/a", "[1]"), leaf("/a/1", "1"))),
            DisclosureError::Orphan("/a/1".into())
        );
        assert!(pair(leaf("/a", "[1]"), leaf("/a/0", "1")).open().is_ok());
    }

    #[test]
    fn malformed_nodes_are_refused() {
        for bad in [
            "1",
            "[]",
            r#"["x"]"#,
            r#""AAAA""#,
            r#"{"p":"/a"}"#,
            r#"{"p":"/a","c":"AAAA"}"#,
            r#"{"p":"/a","s":"AAAAAAAAAAAAAAAAAAAAAA==","v":"1"}"#,
            r#"{"p":"/a","v":"1","s":"AAAAAAAAAAAAAAAAAAAAAA==","x":""}"#,
        ] {
            assert!(Node::read(&json::parse(bad).unwrap()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_shown_the_root_is_the_same(
            keys in prop::collection::btree_set("[a-z/~]{1,4}", 1..40),
            mask in any::<u64>(),
        ) {
            let members: Vec<String> =
                keys.iter().enumerate().map(|(i, k)| format!("\"{k}\":{i}")).collect();
            let fields = fields(&format!("{{{}}}", members.join(",")));
            let names: Vec<String> = fields.iter().map(|f| f.pointer.to_owned()).collect();
            let shown = |p: &str| mask >> names.iter().position(|n| n == p).unwrap() & 1 == 1;
            let opened = reread(&disclose(&fields, &SALTS, shown)).open().unwrap();
            prop_assert_eq!(opened.root, fields.root(&SALTS));
            for name in &names {
                prop_assert_eq!(opened.value(name).is_some(), shown(name));
            }
        }
    }

    #[test]
    fn a_name_of_a_million_steps_is_opened_and_its_orphans_are_found() {
        // With a hash of each ancestor this would take minutes.
        let shown = |pointer: &str, value: &str| Node::Shown {
            pointer: pointer.into(),
            value: value.into(),
            salt: Salt([0; 16]),
        };
        let deep = |first: &str| Node::Withheld {
            pointer: format!("{first}{}", "/".repeat(1_000_000)),
            commitment: Hash([0; 32]),
        };
        let open = |left, right| Node::Inner(Box::new((left, right))).open();
        assert!(open(shown("/!", "1"), deep("/a")).is_ok());
        assert!(open(shown("/a", "[7]"), deep("/a/6")).is_ok());
        for (value, first) in [("[7]", "/a/7"), ("1", "/a/0"), ("[7]", "/a")] {
            let refused = open(shown("/a", value), deep(first));
            assert!(
                matches!(refused, Err(DisclosureError::Orphan(_))),
                "{first}"
            );
        }
        let between = Node::Inner(Box::new((shown("/a", "[1]"), shown("/a!", "1"))));
        assert!(open(between.clone(), shown("/a/0", "1")).is_ok());
        assert!(open(between, shown("/a/1", "1")).is_err());
    }
}
