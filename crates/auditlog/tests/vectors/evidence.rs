//! Vectors of evidence: what convicts a log of two histories, and what only seems to.

use auditlog::bundle::Trust;
use auditlog::evidence::{Evidence, judge};
use auditlog::hash::{Hash, TreeSize, leaf_hash, root_in_place};
use auditlog::note::Verifier;
use auditlog::proof::TreeHead;

use crate::tree::{consistency_path, head_of, inclusion_path};
use crate::witnesses::{log, signed};
use crate::writer::{Json, object};

pub fn file() -> String {
    crate::writer::file(
        "witnessing.md §26: evidence of two histories, judged with the key `vkey` where `trusts` is true, else with \
         none. `begins_with` is the root that the new tree has in the place of the old one; it is absent where there is \
         an `error`.",
        [
            ("vkey", log(1).verifier().format().into()),
            ("cases", cases().into()),
        ],
    )
}

/// A tree of which leaf 1 is another than in the tree of the vectors.
fn rewritten(size: usize) -> TreeHead {
    let leaf = |i: usize| match i {
        1 => leaf_hash(b"another"),
        _ => leaf_hash(format!("entry {i}").as_bytes()),
    };
    TreeHead {
        size: TreeSize(size as u64),
        root: root_in_place(&mut (0..size).map(leaf).collect::<Vec<_>>()),
    }
}

/// Evidence by the first log's key against the true tree of `new` leaves, which does not begin with `old`.
fn against(old: TreeHead, new: usize) -> Evidence {
    let (size, head) = (old.size.0 as usize, head_of(new));
    // A consistency proof leaves a complete old tree out: the root that the new tree has there stands before it.
    let mut path = match size {
        0 => Vec::new(),
        _ => consistency_path(size, new),
    };
    if size.is_power_of_two() && size < new {
        path.insert(0, head_of(size).root);
    }
    Evidence {
        vkey: log(1).verifier().format(),
        old: signed(1, old).format(),
        new: signed(1, head).format(),
        path,
    }
}

fn cases() -> Vec<Json> {
    let of = |old, new| against(rewritten(old), new);
    let with = |change: fn(&mut Evidence)| {
        let mut evidence = of(3, 7);
        change(&mut evidence);
        evidence.format()
    };
    let whole = of(3, 7).format();
    let not_empty = TreeHead {
        size: TreeSize(0),
        root: head_of(7).root,
    };
    let texts = vec![
        ("a leaf rewritten before the tree grew", whole.clone()),
        ("the old tree is complete", of(4, 7).format()),
        ("the old tree is the left half", of(4, 8).format()),
        ("the old tree has two leaves", of(2, 7).format()),
        ("two roots of one size", of(7, 7).format()),
        (
            "a tree without leaves that has a root of its own",
            against(not_empty, 7).format(),
        ),
        ("beyond a tile", of(257, 600).format()),
        (
            "the new tree begins with the old one",
            against(head_of(3), 7).format(),
        ),
        (
            "a complete old tree is the beginning",
            against(head_of(4), 7).format(),
        ),
        ("one tree, twice", against(head_of(7), 7).format()),
        (
            "a tree without leaves is the beginning of every tree",
            against(head_of(0), 7).format(),
        ),
        (
            "a complete old tree, and a path without its node",
            Evidence {
                path: consistency_path(4, 7),
                ..of(4, 7)
            }
            .format(),
        ),
        (
            "a path to another tree",
            with(|evidence| evidence.path[0] = leaf_hash(b"x")),
        ),
        ("no path", with(|evidence| evidence.path.clear())),
        (
            "a path too short",
            with(|evidence| {
                evidence.path.pop();
            }),
        ),
        (
            "a path too long",
            with(|evidence| evidence.path.push(Hash([0; 32]))),
        ),
        (
            "an inclusion path",
            Evidence {
                path: inclusion_path(2, 7),
                ..of(3, 7)
            }
            .format(),
        ),
        (
            "one size and a path",
            Evidence {
                path: vec![head_of(7).root],
                ..of(7, 7)
            }
            .format(),
        ),
        (
            "the larger tree first",
            with(|evidence| std::mem::swap(&mut evidence.old, &mut evidence.new)),
        ),
        (
            "an old checkpoint by another key",
            with(|evidence| evidence.old = signed(2, rewritten(3)).format()),
        ),
        (
            "a new checkpoint that nobody signed so",
            with(|evidence| evidence.new = evidence.new.replace("\n7\n", "\n8\n")),
        ),
        (
            "no note",
            with(|evidence| evidence.old = "log.example".into()),
        ),
        (
            "another log's key",
            Evidence {
                vkey: log(2).verifier().format(),
                old: signed(2, rewritten(3)).format(),
                new: signed(2, head_of(7)).format(),
                ..of(3, 7)
            }
            .format(),
        ),
        (
            "no key",
            with(|evidence| evidence.vkey = "log.example".into()),
        ),
        ("not JSON", whole[1..].to_owned()),
        ("a list", "[]".to_owned()),
        ("another format", whole.replace("/v1", "/v2")),
        ("white space", whole.replace(",\"old\"", ", \"old\"")),
        ("a member too many", whole.replace("]}", "],\"x\":1}")),
        (
            "a member that is missing",
            whole.replace("\"vkey\":", "\"key\":"),
        ),
        (
            "a hash cut short",
            whole.replace("\"path\":[\"", "\"path\":[\"A"),
        ),
    ];
    let key: Verifier = log(1).verifier().clone();
    let case = |(name, text): (&str, String), trusts: bool| {
        let trust = Trust {
            log: trusts.then_some(&key),
            ..Trust::default()
        };
        let judged = judge(text.as_bytes(), &trust);
        let begins_with = judged.as_ref().ok().map(|two| two.begins_with.to_base64());
        object([
            ("name", name.into()),
            ("evidence", text.into()),
            ("trusts", Json::Bool(trusts)),
            ("begins_with", begins_with.into()),
            ("error", judged.err().map(|error| error.to_string()).into()),
        ])
    };
    let untrusted = [
        ("without a key of one's own", whole.clone()),
        (
            "without a key of one's own, by whatever key",
            Evidence {
                vkey: log(2).verifier().format(),
                old: signed(2, rewritten(3)).format(),
                new: signed(2, head_of(7)).format(),
                ..of(3, 7)
            }
            .format(),
        ),
    ];
    texts
        .into_iter()
        .map(|one| case(one, true))
        .chain(untrusted.into_iter().map(|one| case(one, false)))
        .collect()
}
