//! Changes of the notes in a bundle, and of its statements, some of them signed by the log's own
//! keys: what a signature does not excuse.

use auditlog::bundle::Bundle;
use auditlog::hash::{Hash, LeafIndex, TreeSize};
use auditlog::note::{NoteSigner, SignedNote};
use auditlog::story::StoryNote;

use crate::bundles::{Has, case, changed};
use crate::support::{ORIGIN, SUBJECT, Sample, Seeds, sample_with};
use crate::writer::Json;

pub fn cases(sample: &Sample) -> Vec<Json> {
    let mut cases = notes(sample);
    cases.extend(stories(sample));
    cases.extend(statements(sample));
    cases
}

/// A text signed by the key of the sample's log.
pub fn log_signed(text: String) -> String {
    let signer = NoteSigner::from_seed(ORIGIN, &[1; 32]).unwrap();
    SignedNote::sign(text, &signer).unwrap().format()
}

fn notes(sample: &Sample) -> Vec<Json> {
    let forged = sample_with(Seeds { log: 21, story: 2 });
    let half_forged = sample_with(Seeds { log: 1, story: 22 });
    let first_line = sample.anchors.lines().next().unwrap().to_owned();
    let checkpoint = &sample.bundle.checkpoint;
    let text = checkpoint.split("\n\n").next().unwrap();
    let other_origin = log_signed(format!("{}\n", text.replace(ORIGIN, "other.example")));
    let extended = log_signed(format!("{text}\nmore\n"));
    let mut cases = vec![
        case(
            "another log key",
            sample,
            &forged.bundle.format(),
            Has::KeysAndAnchors,
        ),
        case(
            "another story key",
            sample,
            &half_forged.bundle.format(),
            Has::KeysAndAnchors,
        ),
    ];
    let replace = |from: &'static str, to: &'static str| {
        move |text: &mut String| *text = text.replacen(from, to, 1)
    };
    cases.extend([
        changed("a key that does not fit its id", sample, |b| {
            b.vkey = b.vkey.replace("+AY", "+AX");
        }),
        changed("another origin", sample, |b| {
            b.origin = "other.example".into()
        }),
        changed("a checkpoint of another size", sample, |b| {
            replace("\n302\n", "\n303\n")(&mut b.checkpoint);
        }),
        changed("a checkpoint without a signature", sample, |b| {
            b.checkpoint.truncate(text.len() + 1);
        }),
        changed("a checkpoint that another key signed", sample, |b| {
            replace(" log.example", " b.log.example")(&mut b.checkpoint);
        }),
        changed("a checkpoint of another origin, signed", sample, |b| {
            b.checkpoint = other_origin
        }),
        changed("an extension line, signed", sample, |b| {
            b.checkpoint = extended
        }),
        changed("an anchor line of another tree_size", sample, |b| {
            replace("\"tree_size\":302", "\"tree_size\":303")(&mut b.anchor);
        }),
        changed("an anchor line in another spelling", sample, |b| {
            replace("\"seal\":2", "\"seal\": 2")(&mut b.anchor);
        }),
        changed("the anchor line of another checkpoint", sample, |b| {
            b.anchor = first_line
        }),
    ]);
    cases
}

/// The story note of the sample with something changed, signed by the story key.
fn story(bundle: &Bundle, change: impl FnOnce(&mut StoryNote)) -> String {
    let key_name = StoryNote::key_name(ORIGIN);
    let signer = NoteSigner::from_seed(&key_name, &[2; 32]).unwrap();
    let mut note = StoryNote {
        key_name,
        subject: SUBJECT.into(),
        size: TreeSize(302),
        indexes_hash: StoryNote::hash_indexes(bundle.statements.iter().map(|s| s.index)),
    };
    change(&mut note);
    SignedNote::sign(note.format(), &signer).unwrap().format()
}

fn stories(sample: &Sample) -> Vec<Json> {
    let resigned = |name: &str, change: fn(&mut StoryNote)| {
        changed(name, sample, |b| b.story = story(b, change))
    };
    vec![
        resigned("a story of another size, signed", |note| {
            note.size = TreeSize(301)
        }),
        resigned("a story of another subject, signed", |note| {
            note.subject.push('2')
        }),
        resigned("a story of another name, signed", |note| {
            note.key_name.push('2')
        }),
        resigned("a story of five lines, signed", |note| {
            note.subject.push_str("\nx")
        }),
        changed("another subject", sample, |b| b.subject.push('2')),
        changed("a story note by the log's key", sample, |b| {
            let text = story(b, |_| {});
            let text = text.split("\n\n").next().unwrap();
            b.story = log_signed(format!("{text}\n"));
        }),
        changed("a statement dropped", sample, |b| {
            b.statements.remove(2);
        }),
        changed("a statement moved to another index", sample, |b| {
            b.statements[2].index.0 = 299
        }),
        changed("all statements dropped", sample, |b| b.statements.clear()),
        changed(
            "no statements, signed: the log holds nothing",
            sample,
            |b| {
                b.statements.clear();
                b.story = story(b, |_| {});
            },
        ),
    ]
}

fn statements(sample: &Sample) -> Vec<Json> {
    vec![
        changed("indexes that descend, signed", sample, |b| {
            b.statements.truncate(2);
            b.statements.swap(0, 1);
            b.story = story(b, |_| {});
        }),
        changed("a statement twice, signed", sample, |b| {
            b.statements.truncate(1);
            b.statements.push(b.statements[0].clone());
            b.story = story(b, |_| {});
        }),
        changed("an index beyond the tree, signed", sample, |b| {
            b.statements[3].index = LeafIndex(302);
            b.story = story(b, |_| {});
        }),
        changed("a path with a hash too many", sample, |b| {
            b.statements[0].path.push(Hash([0; 32]));
        }),
        changed("a path with a hash too few", sample, |b| {
            b.statements[3].path.pop();
        }),
        changed("a path with another hash", sample, |b| {
            b.statements[1].path[0].0[0] ^= 1
        }),
        changed("an entry of another time", sample, |b| {
            b.statements[0].entry = b.statements[0].entry.replace(".003Z", ".004Z");
        }),
        changed("an entry in another form", sample, |b| {
            b.statements[0].entry = b.statements[0].entry.replace("/v1", "/v2");
        }),
        changed("content and receipt in each other's place", sample, |b| {
            let statement = &mut b.statements[2];
            std::mem::swap(&mut statement.content, &mut statement.receipt);
        }),
    ]
}
