//! Vectors of the anchor file.

use auditlog::anchor::AnchorLine;
use auditlog::bundle::{Trust, verify};
use auditlog::checkpoint::Checkpoint;
use auditlog::hash::{Hash, TreeSize};
use auditlog::proof::TreeHead;

use crate::diff;
use crate::resigned::log_signed;
use crate::support::{ORIGIN, sample, time};
use crate::writer::{Json, file, object};

pub fn anchors() -> String {
    let sample = sample();
    let lines: Vec<&str> = sample.anchors.lines().collect();
    let second = AnchorLine::parse(lines[1]).unwrap();
    let heartbeat = next(&second, 0, |_| {});
    let grown = next(&second, 1, |_| {});
    let with = |line: &AnchorLine| format!("{}{}\n", sample.anchors, line.format());
    let changed = |change: fn(&mut AnchorLine)| with(&next(&second, 1, change));
    let torn = format!("{}\n{}", lines[0], &lines[1][..50]);
    let files = [
        ("the file of the sample", sample.anchors.clone()),
        (
            "without its last newline",
            sample.anchors.trim_end().to_owned(),
        ),
        ("a heartbeat: the same tree, sealed again", with(&heartbeat)),
        ("a tree that grew", with(&grown)),
        (
            "from a later line on, whose own previous is not checked",
            format!("{}\n", lines[1]),
        ),
        ("without the line", format!("{}\n", lines[0])),
        ("empty", String::new()),
        ("a line torn", torn),
        ("an empty line", format!("{}\n\n{}\n", lines[0], lines[1])),
        ("carriage returns", sample.anchors.replace('\n', "\r\n")),
        (
            "lines in another order",
            format!("{}\n{}\n", lines[1], lines[0]),
        ),
        (
            "a line twice",
            format!("{}\n{}\n{}\n", lines[0], lines[1], lines[1]),
        ),
        (
            "seal 0",
            sample.anchors.replace("\"seal\":1,", "\"seal\":0,"),
        ),
        (
            "another time in the first line",
            sample.anchors.replacen(":01.000Z", ":00.000Z", 1),
        ),
        ("a seal left out", changed(|line| line.seal += 1)),
        (
            "another previous",
            changed(|line| line.previous = Hash([1; 32])),
        ),
        (
            "a tree that shrank",
            changed(|line| line.head.size = TreeSize(301)),
        ),
        (
            "one size, another root",
            changed(|line| line.head.size = TreeSize(302)),
        ),
        (
            "an earlier time",
            changed(|line| line.sealed_at = time("59.999")),
        ),
    ];
    let files = files.map(|(name, text)| {
        let trust = Trust {
            anchors: Some(&text),
            ..sample.trust()
        };
        let answer = verify(sample.bundle.format().as_bytes(), &trust);
        let error = answer.err().map(|error| error.to_string());
        object([
            ("name", name.into()),
            ("edits", diff::edits(&sample.anchors, &text)),
            ("error", error.into()),
        ])
    });
    let members = [
        ("a line", lines[1].to_owned()),
        ("a member more", lines[1].replacen('{', "{\"x\":0,", 1)),
        ("members in another order", swap_members(lines[1])),
        (
            "a number in another spelling",
            lines[1].replace("\"seal\":2", "\"seal\":2.0"),
        ),
        ("a newline", format!("{}\n", lines[1])),
        (
            "another root",
            lines[1].replace("\"root\":\"", "\"root\":\"AAAA"),
        ),
        (
            "a tree_size that the checkpoint does not have",
            lines[1].replacen("302", "303", 1),
        ),
        (
            "another checkpoint",
            lines[1].replace("\\n302\\n", "\\n303\\n"),
        ),
        (
            "a checkpoint that is none",
            lines[1].replace("\\n\\n", "\\n"),
        ),
        ("no JSON", lines[1][1..].to_owned()),
    ];
    let single = members.map(|(name, line)| {
        let opened = AnchorLine::parse(&line).and_then(|line| line.open(&sample.log_key));
        let error = opened.err().map(|error| error.to_string());
        object([
            ("name", name.into()),
            ("edits", diff::edits(lines[1], &line)),
            ("error", error.into()),
        ])
    });
    file(
        "README §10: `files`, as edits (see bundles.json) of the `anchors` there, are the anchor \
         file with which its base `sample` is verified; `lines`, as edits of `line`, are \
         lines alone, with the checkpoint in each opened by `vkey`.",
        [
            ("vkey", sample.log_key.format().into()),
            ("line", lines[1].into()),
            ("files", Json::List(files.into())),
            ("lines", Json::List(single.into())),
        ],
    )
}

/// The line after `last`, of a tree larger by `more`, with something changed.
fn next(last: &AnchorLine, more: u64, change: impl FnOnce(&mut AnchorLine)) -> AnchorLine {
    let head = TreeHead {
        size: TreeSize(last.head.size.0 + more),
        root: if more > 0 {
            Hash([5; 32])
        } else {
            last.head.root
        },
    };
    let checkpoint = Checkpoint {
        origin: ORIGIN.into(),
        head,
    };
    let mut line = AnchorLine {
        seal: last.seal + 1,
        head,
        sealed_at: last.sealed_at,
        previous: last.hash(),
        checkpoint: log_signed(checkpoint.format()),
    };
    change(&mut line);
    line
}

fn swap_members(line: &str) -> String {
    let rest = line.strip_prefix("{\"seal\":2,\"tree_size\":302,").unwrap();
    format!("{{\"tree_size\":302,\"seal\":2,{rest}")
}
