//! Vectors of trust policies.

use auditlog::encoding::to_base64;
use auditlog::note::SignedNote;
use auditlog::policy::Policy;

use crate::witnesses::{checkpoint, log, witness};
use crate::writer::{Json, object};

pub fn file() -> String {
    crate::writer::file(
        "witnessing.md §21: policies as base64 of their octets; who of `two_levels` is a \
         quorum; and notes that it accepts, with who cosigned them and when, or refuses.",
        [
            ("policies", policies().into()),
            ("two_levels", two_levels().into()),
            ("quorums", quorums().into()),
            ("notes", notes().into()),
        ],
    )
}

fn vkey(seed: u8) -> String {
    witness(seed).key().format()
}

/// Two of three, and one of two others.
fn two_levels() -> String {
    let mut text = format!("# two groups\n\nlog {}\n", log(1).verifier().format());
    for seed in 11..=15 {
        let name = if seed <= 13 { 'X' } else { 'Y' };
        text.push_str(&format!(
            "\twitness {name}{seed}  {} http://w{seed}.example\n",
            vkey(seed)
        ));
    }
    text + "group Xs 2 X11 X12 X13\ngroup Ys any Y14 Y15\ngroup both all Xs Ys\nquorum both\n"
}

fn policies() -> Vec<Json> {
    let (log_key, one, two) = (log(1).verifier().format(), vkey(11), vkey(12));
    let pair = format!("witness a {one}\nwitness b {two}\n");
    let renamed = witness_named("other.example", 11);
    let texts = [
        ("two levels of groups", two_levels()),
        ("nobody is asked", "quorum none\n".to_owned()),
        (
            "one witness, defined before",
            format!("witness a {one}\nquorum a\n"),
        ),
        (
            "a comment after white space",
            format!("  \t# x\n{pair}quorum b\n"),
        ),
        (
            "lines after the quorum",
            format!("{pair}quorum a\nlog {log_key}\n"),
        ),
        (
            "the number of members",
            format!("{pair}group g 2 a b\nquorum g\n"),
        ),
        ("no bytes", String::new()),
        ("only an empty line", "\n".to_owned()),
        ("no final newline", "quorum none".to_owned()),
        ("no quorum", pair.clone()),
        ("two quorums", "quorum none\nquorum none\n".to_owned()),
        (
            "a quorum defined later",
            format!("quorum a\nwitness a {one}\n"),
        ),
        ("a quorum of nothing", "quorum\n".to_owned()),
        (
            "a name twice",
            format!("{pair}witness a {}\nquorum a\n", vkey(13)),
        ),
        (
            "a group named as a witness",
            format!("{pair}group a any b\nquorum a\n"),
        ),
        (
            "a witness named none",
            format!("witness none {one}\nquorum none\n"),
        ),
        (
            "none in a group",
            format!("{pair}group g any none\nquorum g\n"),
        ),
        (
            "a member of itself",
            format!("{pair}group g any g\nquorum g\n"),
        ),
        (
            "a group without members",
            "group g any\nquorum g\n".to_owned(),
        ),
        (
            "a member twice",
            format!("{pair}group g any a a\nquorum g\n"),
        ),
        (
            "a member of two groups",
            format!("{pair}group g any a\ngroup h any a b\nquorum h\n"),
        ),
        (
            "a threshold of 0",
            format!("{pair}group g 0 a b\nquorum g\n"),
        ),
        (
            "a threshold too high",
            format!("{pair}group g 3 a b\nquorum g\n"),
        ),
        (
            "a threshold with a zero before it",
            format!("{pair}group g 01 a b\nquorum g\n"),
        ),
        (
            "a witness key under two names",
            format!("witness a {one}\nwitness b {renamed}\nquorum a\n"),
        ),
        (
            "a log key twice",
            format!("log {log_key}\nlog {log_key}\nquorum none\n"),
        ),
        (
            "a witness key as a log's",
            format!("log {one}\nquorum none\n"),
        ),
        (
            "a log key as a witness's",
            format!("witness a {log_key}\nquorum a\n"),
        ),
        (
            "a log line of three words",
            format!("log {log_key} u v\nquorum none\n"),
        ),
        ("an unknown word", format!("logs {log_key}\nquorum none\n")),
        ("a carriage return", "quorum none\r\n".to_owned()),
        ("a deleted character", "quorum none\u{7f}\n".to_owned()),
    ];
    let kelvin = format!("witness K {one}\nwitness \u{212a} {two}\nquorum \u{212a}\n");
    let octets = [
        b"witness ".as_slice(),
        b"\xff ",
        format!("{one}\nquorum ").as_bytes(),
        b"\xff\n",
    ]
    .concat();
    let texts = texts.map(|(name, text)| (name, text.into_bytes()));
    let names = [
        ("two names that look alike", kelvin.into_bytes()),
        ("a name that is not UTF-8", octets),
    ];
    texts
        .into_iter()
        .chain(names)
        .map(|(name, policy)| {
            let error = Policy::parse(&policy).err().map(|error| error.to_string());
            object([
                ("name", name.into()),
                ("policy", to_base64(&policy).into()),
                ("error", error.into()),
            ])
        })
        .collect()
}

fn witness_named(name: &str, seed: u8) -> String {
    let signer = auditlog::cosignature::WitnessSigner::from_seed(name, &[seed; 32]);
    signer.unwrap().key().format()
}

fn quorums() -> Vec<Json> {
    let policy = Policy::parse(two_levels().as_bytes()).unwrap();
    let sets: [&[&str]; 7] = [
        &[],
        &["X11", "X12", "Y14"],
        &["X12", "X13", "Y15"],
        &["X11", "X12", "X13"],
        &["X11", "Y14", "Y15"],
        &["Y14", "Y15"],
        &["X11", "X12", "X13", "Y14", "Y15"],
    ];
    sets.map(|names| {
        let met = policy.is_quorum(|i| names.contains(&policy.witnesses[i].name.as_str()));
        object([("cosigned", names.to_vec().into()), ("met", met.into())])
    })
    .into()
}

fn notes() -> Vec<Json> {
    let cosigned = |seeds: &[u8]| {
        let mut note = checkpoint(7);
        for seed in seeds {
            note.add_signature(
                witness(*seed).cosign(note.unverified_text(), 1_700_000_000 + u64::from(*seed)),
            );
        }
        note
    };
    let mut wrong = cosigned(&[11, 12, 14]);
    let mut line = witness(15).cosign(wrong.unverified_text(), 1);
    line.signature[20] ^= 1;
    wrong.add_signature(line);
    [
        ("nobody", cosigned(&[])),
        ("a quorum", cosigned(&[11, 13, 15])),
        ("a quorum and a stranger", cosigned(&[11, 12, 14, 19])),
        ("one too few", cosigned(&[11, 14])),
        (
            "a quorum, and a wrong cosignature by a witness of the policy",
            wrong,
        ),
    ]
    .map(|(name, note)| note_case(name, &note))
    .into()
}

fn note_case(name: &str, note: &SignedNote) -> Json {
    let policy = Policy::parse(two_levels().as_bytes()).unwrap();
    let answer = policy.witnessed(note);
    let error = answer.as_ref().err().map(|error| error.to_string());
    let witnessed = answer
        .unwrap_or_default()
        .into_iter()
        .map(|witness| object([("name", witness.name.into()), ("time", witness.time.into())]));
    object([
        ("name", name.into()),
        ("note", note.format().into()),
        ("witnessed", witnessed.collect::<Vec<_>>().into()),
        ("error", error.into()),
    ])
}
