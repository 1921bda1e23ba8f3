//! Vectors of the history of keys.

use auditlog::hash::TreeSize;
use auditlog::keys::{KeyHistory, Rotation, format_line};
use auditlog::note::{NoteSigner, SignedNote};

use crate::tree::head_of;
use crate::witnesses::log;
use crate::writer::{Json, object};

pub fn file() -> String {
    crate::writer::file(
        "witnessing.md §22: notes of rotations, opened; files of keys; and checkpoints, opened \
         with `history`.",
        [
            ("rotations", rotations().into()),
            ("histories", histories().into()),
            ("history", history().into()),
            ("checkpoints", checkpoints().into()),
        ],
    )
}

fn rotation(old: u8, new: u8, from: u64, until: u64) -> Rotation {
    Rotation {
        old: log(old).verifier().clone(),
        new: log(new).verifier().clone(),
        from: TreeSize(from),
        until: TreeSize(until),
    }
}

fn signed(text: String, seeds: &[u8]) -> String {
    let mut note = SignedNote::sign(text, &log(seeds[0])).unwrap();
    for seed in &seeds[1..] {
        note.add_signature_by(&log(*seed));
    }
    note.format()
}

fn rotations() -> Vec<Json> {
    let text = rotation(1, 2, 100, 150).format();
    [
        ("a rotation", signed(text.clone(), &[1, 2])),
        ("the new key first", signed(text.clone(), &[2, 1])),
        (
            "a gap is for the history to see",
            signed(rotation(1, 2, 100, 9).format(), &[1, 2]),
        ),
        ("without the new key", signed(text.clone(), &[1])),
        ("without the old key", signed(text.clone(), &[2])),
        (
            "another first line",
            signed(text.replace("/keys", "/story"), &[1, 2]),
        ),
        (
            "a size with a zero before it",
            signed(text.replace("\n100\n", "\n0100\n"), &[1, 2]),
        ),
        ("a line more", signed(format!("{text}x\n"), &[1, 2])),
        ("a line less", signed(text.replace("150\n", ""), &[1, 2])),
        (
            "a key that is none",
            signed(text.replacen("+AY", "+AX", 1), &[1, 2]),
        ),
    ]
    .map(|(name, note)| {
        let opened = Rotation::open(&SignedNote::parse(&note).unwrap());
        object([
            ("name", name.into()),
            ("note", note.into()),
            ("error", opened.err().map(|error| error.to_string()).into()),
        ])
    })
    .into()
}

fn line(old: u8, new: u8, from: u64, until: u64) -> String {
    let rotation = rotation(old, new, from, until);
    let note = signed(rotation.format(), &[old, new]);
    format_line("log", &rotation.new, rotation.from, Some(&note))
}

fn first_lines() -> String {
    let story = NoteSigner::from_seed("log.example/story", &[50; 32]).unwrap();
    let log = format_line("log", log(1).verifier(), TreeSize(0), None);
    log + &format_line("story", story.verifier(), TreeSize(0), None)
}

/// Three keys: an overlap of 51 sizes, then none.
fn history() -> String {
    first_lines() + &line(1, 2, 100, 150) + &line(2, 3, 200, 199)
}

fn histories() -> Vec<Json> {
    let (first, second) = (first_lines(), line(1, 2, 100, 150));
    let mut lines = first.split_inclusive('\n');
    let (log_line, story_line) = (lines.next().unwrap(), lines.next().unwrap());
    let other = NoteSigner::from_seed("other.example", &[2; 32]).unwrap();
    let other_story = NoteSigner::from_seed("other.example/story", &[50; 32]).unwrap();
    let renamed = Rotation {
        new: other.verifier().clone(),
        ..rotation(1, 2, 100, 150)
    };
    let note = renamed.sign(&log(1), &other).unwrap().format();
    let renamed = format_line("log", other.verifier(), TreeSize(100), Some(&note));
    let alone = signed(rotation(1, 2, 100, 150).format(), &[1]);
    let alone = format_line("log", log(2).verifier(), TreeSize(100), Some(&alone));
    let with = |lines: &str| format!("{first}{lines}");
    [
        ("one key", first.clone()),
        ("three keys", history()),
        (
            "the story key last",
            format!("{log_line}{second}{story_line}"),
        ),
        ("no story key", log_line.to_owned()),
        ("nothing", String::new()),
        (
            "a story key before any other",
            format!("{story_line}{log_line}"),
        ),
        ("a second first key", with(log_line)),
        ("a second story key", with(story_line)),
        (
            "the story key of another log",
            format!(
                "{log_line}{}",
                format_line("story", other_story.verifier(), TreeSize(0), None)
            ),
        ),
        (
            "a first key that begins later",
            first.replacen(":0}", ":1}", 1),
        ),
        ("a rotation before the first key", second.clone()),
        ("from another key", with(&line(2, 3, 1, 1))),
        ("signed by the old key alone", with(&alone)),
        (
            "another first size than its note",
            with(&second.replacen(":100,", ":101,", 1)),
        ),
        (
            "another key than its note",
            with(&second.replacen(&log(2).verifier().format(), &log(3).verifier().format(), 1)),
        ),
        ("a key of another name", with(&renamed)),
        ("a gap", with(&line(1, 2, 100, 98))),
        (
            "a first size before the last one's",
            with(&(second.clone() + &line(2, 3, 99, 200))),
        ),
        (
            "a key used before",
            with(&(second.clone() + &line(2, 1, 200, 200))),
        ),
        ("a space", with(&second.replacen(":", ": ", 1))),
        ("a member more", with(&second.replacen('{', "{\"x\":0,", 1))),
        ("a torn line", with(second.trim_end())),
        ("an empty line", with("\n")),
    ]
    .map(|(name, file)| {
        let error = KeyHistory::parse(&file)
            .err()
            .map(|error| error.to_string());
        object([
            ("name", name.into()),
            ("file", file.into()),
            ("error", error.into()),
        ])
    })
    .into()
}

fn checkpoints() -> Vec<Json> {
    let keys = KeyHistory::parse(&history()).unwrap().log;
    let root = head_of(7).root.to_base64();
    let text = |size: u64| format!("log.example\n{size}\n{root}\n");
    let sizes: [(u64, &[u8]); 14] = [
        (0, &[1]),
        (99, &[1]),
        (99, &[2]),
        (100, &[2]),
        (150, &[1]),
        (150, &[1, 2]),
        (151, &[1]),
        (151, &[1, 2]),
        (199, &[2]),
        (200, &[2]),
        (199, &[3]),
        (200, &[3]),
        (u64::MAX, &[3]),
        (120, &[4]),
    ];
    let mut notes: Vec<String> = sizes.map(|(size, seeds)| signed(text(size), seeds)).into();
    // A known key whose signature is wrong refuses the note, whoever else signed it.
    let wrong = signed(text(121), &[1]);
    let line = wrong.split("\n\n").nth(1).unwrap();
    notes.push(format!("{}{line}", signed(text(120), &[2])));
    notes.push(signed(
        text(120).replace("log.example", "other.example"),
        &[2],
    ));
    notes
        .into_iter()
        .map(|note| {
            let opened = keys.open(&SignedNote::parse(&note).unwrap());
            object([
                ("note", note.into()),
                ("error", opened.err().map(|error| error.to_string()).into()),
            ])
        })
        .collect()
}
