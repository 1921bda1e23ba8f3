//! Proofs against a model that knows every leaf: the bytes of an input are decisions, so that
//! whatever they are, they make proofs that are nearly right.

use auditlog::add_checkpoint::AddCheckpoint;
use auditlog::hash::{Hash, LeafIndex, TreeSize, leaf_hash, node_hash, root_in_place};
use auditlog::note::{NoteSigner, SignedNote};
use auditlog::proof::{TreeHead, verify_inclusion};

use super::Answer;

/// The most leaves of a tree here.
const MAX_LEAVES: usize = 40;
/// The most requests of one input.
const MAX_REQUESTS: usize = 24;

/// Decisions, one a byte; 0 once they are used up.
pub struct Decisions<'a>(std::slice::Iter<'a, u8>);

impl<'a> Decisions<'a> {
    pub fn of(data: &'a [u8]) -> Decisions<'a> {
        Decisions(data.iter())
    }

    pub fn next(&mut self) -> u8 {
        self.0.next().copied().unwrap_or(0)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.next()) % bound.max(1)
    }

    pub fn is_over(&self) -> bool {
        self.0.len() == 0
    }
}

/// One history of a log: those of two forks agree before the leaf at which they part.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Fork {
    parts_at: usize,
    number: u8,
}

impl Fork {
    fn leaves(self, size: usize) -> Vec<Hash> {
        let number = |i: usize| if i < self.parts_at { 0 } else { self.number };
        (0..size)
            .map(|i| leaf_hash(&[i as u8, number(i)]))
            .collect()
    }

    fn head(self, size: usize) -> TreeHead {
        let root = root_in_place(&mut self.leaves(size));
        TreeHead {
            size: TreeSize(size as u64),
            root,
        }
    }
}

/// RFC 6962 §2.1.2, as it is written there.
fn consistency(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    let root = |leaves: &[Hash]| root_in_place(&mut leaves.to_vec());
    if old == leaves.len() {
        return if whole {
            Vec::new()
        } else {
            vec![root(leaves)]
        };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    if old <= left.len() {
        let mut path = consistency(old, left, whole);
        path.push(root(right));
        path
    } else {
        let mut path = consistency(old - left.len(), right, false);
        path.push(root(left));
        path
    }
}

/// RFC 6962 §2.1.1, as it is written there.
fn audit_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let root = |leaves: &[Hash]| root_in_place(&mut leaves.to_vec());
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut path, sibling) = if index < left.len() {
        (audit_path(index, left), root(right))
    } else {
        (audit_path(index - left.len(), right), root(left))
    };
    path.push(sibling);
    path
}

/// Changes a proof as the decisions say: mostly not at all.
fn tamper(path: &mut Vec<Hash>, decisions: &mut Decisions<'_>) {
    match decisions.next() % 16 {
        1 => path.push(leaf_hash(&[decisions.next()])),
        2 => drop(path.pop()),
        3 if path.len() > 1 => {
            let (a, b) = (decisions.below(path.len()), decisions.below(path.len()));
            path.swap(a, b);
        }
        4 if !path.is_empty() => {
            let at = decisions.below(path.len());
            path[at].0[decisions.below(32)] ^= 1 << decisions.below(8);
        }
        5 if path.len() > 1 => {
            let (first, second) = (path[0], path[1]);
            path.splice(..2, [node_hash(&first, &second)]);
        }
        6 => path.insert(0, leaf_hash(&[decisions.next()])),
        7 => path.clear(),
        _ => {}
    }
}

/// A witness that is asked, again and again, by a log with several histories: it follows one, and
/// never accepts two roots of one size.
pub fn follow(data: &[u8]) -> Answer {
    let mut decisions = Decisions::of(data);
    let parts_at = decisions.below(MAX_LEAVES);
    let signer = NoteSigner::from_seed("log.example", &[1; 32]).unwrap();
    let note = SignedNote::sign("x\n".into(), &signer).unwrap();
    let mut last: Option<(Fork, usize)> = None;
    let mut accepted = 0;
    for _ in 0..MAX_REQUESTS {
        if decisions.is_over() {
            break;
        }
        let fork = Fork {
            parts_at,
            number: decisions.next() % 3,
        };
        let known = last.map_or(0, |(_, size)| size);
        // Mostly what an honest log would ask: on from what was cosigned last.
        let new = (known + decisions.below(9)).saturating_sub(usize::from(decisions.below(8) == 0));
        let new = new.min(MAX_LEAVES);
        let old = if decisions.below(4) == 0 {
            decisions.below(MAX_LEAVES)
        } else {
            known
        };
        let mut proof = match old {
            0 => Vec::new(),
            old => consistency(old.min(new), &fork.leaves(new), true),
        };
        tamper(&mut proof, &mut decisions);
        let mut head = fork.head(new);
        // From nothing, only a signature vouches for a root; but the tree without leaves has one.
        let is_checked = known > 0 || new == 0;
        if decisions.next() % 16 == 1 && is_checked {
            head.root.0[0] ^= 1;
        }
        let request = AddCheckpoint {
            old: TreeSize(old as u64),
            proof,
            checkpoint: note.clone(),
        };
        let before = last.map(|(fork, size)| fork.head(size));
        if request.follow(before, head).is_err() {
            continue;
        }
        accepted += 1;
        assert_eq!(old, known, "the old size is not the one that was cosigned");
        assert_eq!(head, fork.head(new), "a root of no history");
        if let Some((followed, size)) = last {
            assert!(size <= new, "it went back");
            let shared = followed.leaves(size) == fork.leaves(new)[..size];
            assert!(shared, "another history from {size} to {new}");
        }
        last = Some((fork, new));
    }
    Answer::of(accepted > 0)
}

/// An inclusion proof: accepted for the leaf that is there, and for no other.
pub fn inclusion(data: &[u8]) -> Answer {
    let mut decisions = Decisions::of(data);
    let size = 1 + decisions.below(MAX_LEAVES);
    let index = decisions.below(size);
    let leaves = Fork {
        parts_at: 0,
        number: 0,
    }
    .leaves(size);
    let mut path = audit_path(index, &leaves);
    tamper(&mut path, &mut decisions);
    let asked = if decisions.next() % 4 == 1 {
        decisions.below(size)
    } else {
        index
    };
    let at = if decisions.next() % 4 == 1 {
        decisions.below(size + 2)
    } else {
        index
    };
    let root = root_in_place(&mut leaves.clone());
    let (leaf, at) = (leaves[asked], LeafIndex(at as u64));
    let answer = verify_inclusion(leaf, at, TreeSize(size as u64), &path, root);
    if answer.is_err() {
        let honest = at.0 == index as u64 && asked == index && path == audit_path(index, &leaves);
        assert!(!honest, "a right proof was refused");
        return Answer::Refused;
    }
    assert_eq!(at.0, asked as u64, "a leaf proven where it is not");
    assert_eq!(path, audit_path(asked, &leaves), "a leaf has one path");
    Answer::Accepted
}
