//! Files that grow line by line: the anchor file, and the history of keys.

use std::sync::LazyLock;

use auditlog::anchor::{AnchorChain, AnchorLine};
use auditlog::hash::{Hash, TreeSize};
use auditlog::keys::{KeyHistory, LogKeys, Rotation};
use auditlog::note::{NoteSigner, SignedNote, Verifier};

use super::model::Decisions;
use super::{Answer, text};
use crate::support::{Sample, sample};

static SAMPLE: LazyLock<Sample> = LazyLock::new(sample);

/// An anchor line: one spelling, and opened only where the log has signed what it says.
pub fn anchor_line(data: &[u8]) -> Answer {
    let Some((text, line)) =
        text(data).and_then(|text| Some((text, AnchorLine::parse(text).ok()?)))
    else {
        return Answer::Refused;
    };
    assert_eq!(line.format(), text, "a line has one spelling");
    assert!(!text.contains('\n'));
    assert_eq!(line.hash(), Hash::of(&[data]));
    let single = line.open(&SAMPLE.log_key);
    let keys = LogKeys::single(SAMPLE.log_key.clone());
    assert_eq!(
        keys.open_line(&line),
        single,
        "one key is a history of one key"
    );
    if let Ok(checkpoint) = single {
        assert_eq!(checkpoint.head, line.head);
        let known = SAMPLE
            .anchors
            .lines()
            .map(|line| AnchorLine::parse(line).unwrap());
        let mut known = known.map(|line| line.head);
        assert!(
            known.any(|head| head == line.head),
            "the log never signed this"
        );
    }
    Answer::Accepted
}

/// An anchor file: whatever the chain accepts, a second reading of the rules accepts too.
pub fn anchor_chain(data: &[u8]) -> Answer {
    let Some(text) = text(data) else {
        return Answer::Refused;
    };
    let mut chain = AnchorChain::new();
    let mut accepted: Vec<(&str, AnchorLine)> = Vec::new();
    for text in text.split_terminator('\n') {
        let Ok(line) = AnchorLine::parse(text) else {
            return Answer::Refused;
        };
        if chain.push(line.clone()).is_err() {
            assert_eq!(
                chain.last(),
                accepted.last().map(|(_, line)| line),
                "a refusal moved it"
            );
            return Answer::Refused;
        }
        accepted.push((text, line));
    }
    for (i, (_, line)) in accepted.iter().enumerate() {
        assert_eq!(line.seal, i as u64 + 1);
    }
    for pair in accepted.windows(2) {
        let [(text, before), (_, after)] = pair else {
            unreachable!("two lines")
        };
        assert_eq!(after.previous, Hash::of(&[text.as_bytes()]));
        assert!(before.sealed_at <= after.sealed_at);
        let grew = before.head.size < after.head.size;
        assert!(grew || before.head == after.head, "one size, two roots");
    }
    Answer::of(!accepted.is_empty())
}

static KEYS: LazyLock<Vec<Verifier>> = LazyLock::new(|| (1..=8).map(key).collect());

fn key(seed: u8) -> Verifier {
    let signer = NoteSigner::from_seed("log.example", &[seed; 32]).unwrap();
    signer.verifier().clone()
}

/// What the keys of the vectors have signed: old, new, first size of the new, last size of the old.
const ROTATIONS: [(u8, u8, u64, u64); 8] = [
    (1, 2, 100, 150),
    (2, 3, 200, 199),
    (2, 3, 1, 1),
    (1, 2, 100, 98),
    (1, 2, 100, 9),
    (2, 3, 99, 200),
    (2, 1, 200, 200),
    (1, 2, 101, 150),
];

fn was_signed(rotation: &Rotation) -> bool {
    ROTATIONS.iter().any(|(old, new, from, until)| {
        let named = |seed: u8| KEYS[usize::from(seed) - 1].clone();
        let (old, new) = (named(*old), named(*new));
        let (from, until) = (TreeSize(*from), TreeSize(*until));
        *rotation
            == Rotation {
                old,
                new,
                from,
                until,
            }
    })
}

/// A history of keys: every size has a signer, and a known key is followed by nothing that it did
/// not sign.
pub fn key_history(data: &[u8]) -> Answer {
    let Some(history) = text(data).and_then(|text| KeyHistory::parse(text).ok()) else {
        return Answer::Refused;
    };
    let keys = history.log.all();
    assert_eq!(keys[0].from, TreeSize(0));
    assert_eq!(
        history.story.name(),
        format!("{}/story", history.log.origin())
    );
    for (i, key) in keys.iter().enumerate() {
        assert_eq!(key.verifier.name(), history.log.origin());
        assert_eq!(
            key.until.is_none(),
            i + 1 == keys.len(),
            "only the newest has no end"
        );
        let again = keys[..i].iter().any(|other| other.verifier == key.verifier);
        assert!(!again, "a key came back");
        let around = [Some(key.from), key.until].into_iter().flatten();
        for size in
            around.flat_map(|size| [size.0.saturating_sub(1), size.0, size.0.saturating_add(1)])
        {
            assert!(
                history.log.signing_at(TreeSize(size)).count() > 0,
                "nobody signs {size}"
            );
        }
    }
    let known = &KEYS[..3];
    for pair in keys.windows(2) {
        let rotation = Rotation {
            old: pair[0].verifier.clone(),
            new: pair[1].verifier.clone(),
            from: pair[1].from,
            until: pair[0].until.expect("it has a successor"),
        };
        assert!(
            !known.contains(&rotation.old) || was_signed(&rotation),
            "{rotation:?}"
        );
    }
    Answer::Accepted
}

/// Keys that follow each other as the decisions say, against the rules read a second time.
pub fn succession(data: &[u8]) -> Answer {
    let mut decisions = Decisions::of(data);
    let mut keys = LogKeys::single(KEYS[0].clone());
    let mut spans: Vec<(usize, u64, Option<u64>)> = vec![(0, 0, None)];
    while !decisions.is_over() {
        let (last, from, _) = *spans.last().expect("there is at least one key");
        let old = if decisions.below(8) == 1 {
            decisions.below(KEYS.len())
        } else {
            last
        };
        let new = decisions.below(KEYS.len());
        let first = (from + decisions.below(12) as u64).saturating_sub(2);
        let until = (first + decisions.below(6) as u64).saturating_sub(3);
        let rotation = Rotation {
            old: KEYS[old].clone(),
            new: KEYS[new].clone(),
            from: TreeSize(first),
            until: TreeSize(until),
        };
        let is_new = spans.iter().all(|(key, ..)| *key != new);
        let follows = first >= from && until >= from && until + 1 >= first;
        let allowed = old == last && is_new && follows;
        assert_eq!(
            keys.rotate(&rotation).is_ok(),
            allowed,
            "{rotation:?} after {spans:?}"
        );
        if allowed {
            spans.last_mut().expect("there is at least one key").2 = Some(until);
            spans.push((new, first, None));
        }
    }
    for size in 0..spans.last().map_or(0, |(_, from, _)| from + 2) {
        let signs = |(_, from, until): &&(usize, u64, Option<u64>)| {
            *from <= size && until.is_none_or(|until| size <= until)
        };
        let expected: Vec<&Verifier> = spans
            .iter()
            .filter(signs)
            .map(|span| &KEYS[span.0])
            .collect();
        assert!(!expected.is_empty(), "nobody signs {size}: {spans:?}");
        assert_eq!(
            keys.signing_at(TreeSize(size)).collect::<Vec<_>>(),
            expected
        );
    }
    Answer::of(spans.len() > 1)
}

/// A rotation: one spelling, and none that its keys did not sign.
pub fn rotation(data: &[u8]) -> Answer {
    let Some(note) = text(data).and_then(|text| SignedNote::parse(text).ok()) else {
        return Answer::Refused;
    };
    let Ok(rotation) = Rotation::open(&note) else {
        return Answer::Refused;
    };
    assert_eq!(
        rotation.format(),
        note.unverified_text(),
        "a rotation has one spelling"
    );
    let known = &KEYS[..3];
    assert!(
        !known.contains(&rotation.old) || was_signed(&rotation),
        "{rotation:?}"
    );
    Answer::Accepted
}
