//! The history of a log's keys, `keys.jsonl`: which key signs checkpoints from which tree size, and
//! up to which size the one before it still counts.
//!
//! ```text
//! {"purpose":"log","vkey":"…","from_tree_size":0}
//! {"purpose":"story","vkey":"…","from_tree_size":0}
//! {"purpose":"log","vkey":"…","from_tree_size":70000,"rotation":"<signed note>"}
//! ```
//!
//! The note of a rotation is signed by the old key, which names its successor, and by the new one,
//! which names its predecessor: whoever trusts either can go on to the other.

use thiserror::Error;

use crate::anchor::{AnchorError, AnchorLine};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::encoding::parse_decimal;
use crate::hash::TreeSize;
use crate::json::{self, Value, write_string};
use crate::note::{NoteError, NoteSigner, SignedNote, Verifier};
use crate::story::StoryNote;

/// A file longer than this is refused before anything is parsed.
pub const MAX_BYTES: usize = 1024 * 1024;

/// One key and the tree sizes at which its signature counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKey {
    /// The key.
    pub verifier: Verifier,
    /// The first size.
    pub from: TreeSize,
    /// The last size; none while the key has no successor.
    pub until: Option<TreeSize>,
}

/// The keys with which one log has signed its checkpoints, oldest first: never none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKeys(Vec<LogKey>);

/// `keys.jsonl`, read, with every rotation in it verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHistory {
    /// The keys of checkpoints.
    pub log: LogKeys,
    /// The key of story notes.
    pub story: Verifier,
}

/// A change from one key to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The key that goes.
    pub old: Verifier,
    /// The key that comes.
    pub new: Verifier,
    /// The first size that the new key signs.
    pub from: TreeSize,
    /// The last size at which the old key counts.
    pub until: TreeSize,
}

/// The first thing that is wrong with a history of keys.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeysError {
    /// Too long to be read.
    #[error("the history of keys is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// A line that is wrong.
    #[error("the history of keys, line {line}: {fault}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        fault: KeyFault,
    },
    /// Too few lines.
    #[error("the history of keys has no key for {0}")]
    NoKey(&'static str),
}

/// What is wrong with a line, or with a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyFault {
    /// Not exactly what a line looks like.
    #[error("not a line of keys.jsonl: {0}")]
    Malformed(&'static str),
    /// A key or a note that cannot be used, or a signature that is missing or wrong.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The note of the rotation says something else than its line, or than the line before.
    #[error("the rotation's {0} is not that of the history")]
    Contradiction(&'static str),
    /// The key has another name than the log.
    #[error("the key is named {0:?}: a log keeps its name")]
    OtherName(String),
    /// Sizes that leave a tree without a key, or go backwards.
    #[error("the sizes leave a gap, or go backwards")]
    Sizes,
    /// The key was used before.
    #[error("this key was used before")]
    Reused,
}

impl Rotation {
    /// The text that both keys sign.
    pub fn format(&self) -> String {
        let Rotation {
            old,
            new,
            from,
            until,
        } = self;
        let origin = old.name();
        format!(
            "{origin}/keys\n{}\n{}\n{from}\n{until}\n",
            old.format(),
            new.format()
        )
    }

    /// Signs it with both keys.
    pub fn sign(&self, old: &NoteSigner, new: &NoteSigner) -> Result<SignedNote, NoteError> {
        let mut note = SignedNote::sign(self.format(), old)?;
        note.add_signature_by(new);
        Ok(note)
    }

    /// Reads a signed rotation; both signatures must be right.
    pub fn open(note: &SignedNote) -> Result<Rotation, KeyFault> {
        let text = note.unverified_text();
        let lines: Vec<&str> = text.split_terminator('\n').collect();
        let [header, old, new, from, until] = lines.as_slice() else {
            return Err(KeyFault::Malformed("rotation"));
        };
        let size = |text| parse_decimal(text).map(TreeSize);
        let rotation = Rotation {
            old: Verifier::parse(old)?,
            new: Verifier::parse(new)?,
            from: size(from).ok_or(KeyFault::Malformed("rotation"))?,
            until: size(until).ok_or(KeyFault::Malformed("rotation"))?,
        };
        if *header != format!("{}/keys", rotation.old.name()) || rotation.format() != text {
            return Err(KeyFault::Malformed("rotation"));
        }
        note.verify(&rotation.old)?;
        note.verify(&rotation.new)?;
        Ok(rotation)
    }
}

impl LogKeys {
    /// A log whose one key is known, for trees of any size.
    pub fn single(verifier: Verifier) -> LogKeys {
        LogKeys(vec![LogKey {
            verifier,
            from: TreeSize(0),
            until: None,
        }])
    }

    /// The keys, oldest first.
    pub fn all(&self) -> &[LogKey] {
        &self.0
    }

    /// The key that has no successor.
    pub fn newest(&self) -> &LogKey {
        self.0.last().expect("there is at least one key")
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        self.newest().verifier.name()
    }

    /// Whether this key is one of them.
    pub fn contains(&self, key: &Verifier) -> bool {
        self.0.iter().any(|known| known.verifier == *key)
    }

    /// The keys that sign trees of this size: two, where one is succeeding the other.
    pub fn signing_at(&self, size: TreeSize) -> impl Iterator<Item = &Verifier> {
        let signs = move |key: &&LogKey| key.signs_at(size);
        self.0.iter().filter(signs).map(|key| &key.verifier)
    }

    /// Takes the next key. What the rotation says must follow from what is known.
    pub fn rotate(&mut self, rotation: &Rotation) -> Result<(), KeyFault> {
        let last = self.0.last_mut().expect("there is at least one key");
        if rotation.old != last.verifier {
            return Err(KeyFault::Contradiction("old key"));
        }
        if rotation.new.name() != last.verifier.name() {
            return Err(KeyFault::OtherName(rotation.new.name().to_owned()));
        }
        let gap = rotation.until.0.saturating_add(1) < rotation.from.0;
        if gap || rotation.from < last.from || rotation.until < last.from {
            return Err(KeyFault::Sizes);
        }
        let bytes = rotation.new.public_bytes();
        if self
            .0
            .iter()
            .any(|known| known.verifier.public_bytes() == bytes)
        {
            return Err(KeyFault::Reused);
        }
        let last = self.0.last_mut().expect("there is at least one key");
        last.until = Some(rotation.until);
        self.0.push(LogKey {
            verifier: rotation.new.clone(),
            from: rotation.from,
            until: None,
        });
        Ok(())
    }

    /// Verifies a signed checkpoint: by a key that signs trees of its size. Every signature by a key
    /// of the log must be right, and one by a key that does not sign this size counts for nothing.
    pub fn open(&self, note: &SignedNote) -> Result<Checkpoint, CheckpointError> {
        let mut signed = Vec::new();
        for key in &self.0 {
            match note.verify(&key.verifier) {
                Ok(_) => signed.push(key),
                Err(NoteError::NotSigned(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let Some(any) = signed.first() else {
            return Err(NoteError::NotSigned(self.origin().to_owned()).into());
        };
        let checkpoint = Checkpoint::open(note, &any.verifier)?;
        let size = checkpoint.head.size;
        if signed.iter().any(|key| key.signs_at(size)) {
            Ok(checkpoint)
        } else {
            Err(CheckpointError::KeyOutOfRange { size })
        }
    }

    /// Verifies the checkpoint in an anchor line and that the line says the same.
    pub fn open_line(&self, line: &AnchorLine) -> Result<Checkpoint, AnchorError> {
        let note = SignedNote::parse(&line.checkpoint)?;
        let checkpoint = self.open(&note)?;
        if checkpoint.head != line.head {
            return Err(AnchorError::Contradiction);
        }
        Ok(checkpoint)
    }
}

impl LogKey {
    fn signs_at(&self, size: TreeSize) -> bool {
        self.from <= size && self.until.is_none_or(|until| size <= until)
    }
}

/// A line of the file, with its newline.
pub fn format_line(
    purpose: &str,
    key: &Verifier,
    from: TreeSize,
    rotation: Option<&str>,
) -> String {
    let mut out = String::from("{\"purpose\":");
    write_string(purpose, &mut out);
    out.push_str(",\"vkey\":");
    write_string(&key.format(), &mut out);
    out.push_str(&format!(",\"from_tree_size\":{from}"));
    if let Some(note) = rotation {
        out.push_str(",\"rotation\":");
        write_string(note, &mut out);
    }
    out.push_str("}\n");
    out
}

impl KeyHistory {
    /// Reads the file; every rotation in it must follow from the line before and be signed by both
    /// keys. Which key to trust is for the reader to say: see [`LogKeys::contains`].
    pub fn parse(text: &str) -> Result<KeyHistory, KeysError> {
        if text.len() > MAX_BYTES {
            return Err(KeysError::TooLong);
        }
        let mut log: Option<LogKeys> = None;
        let mut story: Option<Verifier> = None;
        for (i, line) in text.split_inclusive('\n').enumerate() {
            read_line(line, &mut log, &mut story)
                .map_err(|fault| KeysError::Line { line: i + 1, fault })?;
        }
        Ok(KeyHistory {
            log: log.ok_or(KeysError::NoKey("checkpoints"))?,
            story: story.ok_or(KeysError::NoKey("story notes"))?,
        })
    }
}

fn read_line(
    line: &str,
    log: &mut Option<LogKeys>,
    story: &mut Option<Verifier>,
) -> Result<(), KeyFault> {
    let malformed = KeyFault::Malformed;
    let value = json::parse(line.trim_end_matches('\n')).map_err(|_| malformed("not JSON"))?;
    let text = |key| value.get(key).and_then(Value::as_str);
    let purpose = text("purpose").ok_or(malformed("purpose"))?;
    let key = Verifier::parse(text("vkey").ok_or(malformed("vkey"))?)?;
    let from = value.get("from_tree_size").and_then(Value::as_number);
    let from = from.and_then(parse_decimal).map(TreeSize);
    let from = from.ok_or(malformed("from_tree_size"))?;
    let rotation = text("rotation");
    if format_line(purpose, &key, from, rotation) != line {
        return Err(malformed(
            "extra, missing or reordered members, or another spelling",
        ));
    }
    match (purpose, rotation) {
        ("log", None) if log.is_none() && from.0 == 0 => *log = Some(LogKeys::single(key)),
        ("log", Some(note)) => {
            let log = log
                .as_mut()
                .ok_or(malformed("a rotation before the first key"))?;
            let rotation = Rotation::open(&SignedNote::parse(note)?)?;
            if rotation.new != key {
                return Err(KeyFault::Contradiction("new key"));
            }
            if rotation.from != from {
                return Err(KeyFault::Contradiction("first size"));
            }
            log.rotate(&rotation)?;
        }
        ("story", None) if story.is_none() && from.0 == 0 => {
            let expected = log.as_ref().map(|log| StoryNote::key_name(log.origin()));
            if expected.as_deref() != Some(key.name()) {
                return Err(KeyFault::OtherName(key.name().to_owned()));
            }
            *story = Some(key);
        }
        _ => return Err(malformed("a key that follows from nothing")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hash;
    use crate::proof::TreeHead;

    fn key(seed: u8) -> NoteSigner {
        NoteSigner::from_seed("log.example", &[seed; 32]).unwrap()
    }

    fn rotation(old: u8, new: u8, from: u64, until: u64) -> Rotation {
        Rotation {
            old: key(old).verifier().clone(),
            new: key(new).verifier().clone(),
            from: TreeSize(from),
            until: TreeSize(until),
        }
    }

    fn line(old: u8, new: u8, from: u64, until: u64) -> String {
        let rotation = rotation(old, new, from, until);
        let note = rotation.sign(&key(old), &key(new)).unwrap().format();
        format_line("log", &rotation.new, rotation.from, Some(&note))
    }

    fn first_lines() -> String {
        let story = NoteSigner::from_seed("log.example/story", &[50; 32]).unwrap();
        let log = format_line("log", key(1).verifier(), TreeSize(0), None);
        log + &format_line("story", story.verifier(), TreeSize(0), None)
    }

    fn file() -> String {
        first_lines() + &line(1, 2, 100, 150) + &line(2, 3, 200, 199)
    }

    fn signed(size: u64, seeds: &[u8]) -> SignedNote {
        let head = TreeHead {
            size: TreeSize(size),
            root: Hash([3; 32]),
        };
        let checkpoint = Checkpoint {
            origin: "log.example".into(),
            head,
        };
        let mut note = checkpoint.sign(&key(seeds[0])).unwrap();
        for seed in &seeds[1..] {
            note.add_signature_by(&key(*seed));
        }
        note
    }

    fn fault(text: &str) -> KeyFault {
        match KeyHistory::parse(text) {
            Err(KeysError::Line { fault, .. }) => fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_key_counts_at_its_own_sizes_and_both_in_an_overlap() {
        let keys = KeyHistory::parse(&file()).unwrap().log;
        let opens = |size: u64, seeds: &[u8]| keys.open(&signed(size, seeds)).is_ok();
        assert!(opens(0, &[1]) && opens(99, &[1]) && opens(100, &[1]) && opens(150, &[1]));
        assert!(
            !opens(151, &[1]),
            "the old key signs nothing after its last size"
        );
        assert!(opens(100, &[2]) && opens(199, &[2]) && !opens(99, &[2]) && !opens(200, &[2]));
        assert!(opens(200, &[3]) && opens(u64::MAX, &[3]) && !opens(199, &[3]));
        assert!(
            opens(120, &[1, 2]) && opens(180, &[1, 2]),
            "one of them is enough"
        );
        assert!(!opens(120, &[4]), "a key of nobody");
        let signing = |size| keys.signing_at(TreeSize(size)).count();
        assert_eq!(
            [signing(99), signing(100), signing(150), signing(151)],
            [1, 2, 2, 1]
        );
    }

    #[test]
    fn a_wrong_signature_by_any_key_of_the_log_refuses_the_note() {
        let keys = KeyHistory::parse(&file()).unwrap().log;
        let mut note = signed(120, &[2]);
        let mut line = signed(121, &[1]).signatures()[0].clone();
        note.add_signature(line.clone());
        assert!(keys.open(&note).is_err());
        line.key.id = [0; 4];
        let mut note = signed(120, &[2]);
        note.add_signature(line);
        assert!(
            keys.open(&note).is_ok(),
            "lines by unknown keys are ignored"
        );
    }

    #[test]
    fn a_rotation_needs_both_signatures_and_exactly_its_own_words() {
        let good = rotation(1, 2, 100, 150);
        let note = good.sign(&key(1), &key(2)).unwrap();
        assert_eq!(Rotation::open(&note), Ok(good.clone()));
        let alone = SignedNote::sign(good.format(), &key(1)).unwrap();
        assert!(Rotation::open(&alone).is_err());
        let alone = SignedNote::sign(good.format(), &key(2)).unwrap();
        assert!(Rotation::open(&alone).is_err());
        let both = |text: String| {
            let mut note = SignedNote::sign(text, &key(1)).unwrap();
            note.add_signature_by(&key(2));
            Rotation::open(&note)
        };
        assert!(both(good.format()).is_ok());
        assert!(both(good.format().replace("/keys", "/story")).is_err());
        assert!(both(good.format().replace("\n100\n", "\n0100\n")).is_err());
        assert!(both(format!("{}x\n", good.format())).is_err());
        assert!(both(format!("{}\n", good.format())).is_err());
    }

    #[test]
    fn a_history_that_does_not_follow_is_refused() {
        let with = |lines: &str| first_lines() + lines;
        assert!(KeyHistory::parse(&with("")).is_ok());
        assert_eq!(
            fault(&with(&line(2, 3, 1, 1))),
            KeyFault::Contradiction("old key")
        );
        assert_eq!(fault(&with(&line(1, 2, 100, 98))), KeyFault::Sizes);
        let second = line(1, 2, 100, 150);
        assert_eq!(
            fault(&with(&(second.clone() + &line(2, 3, 99, 200)))),
            KeyFault::Sizes
        );
        assert_eq!(
            fault(&with(&(second.clone() + &line(2, 1, 200, 200)))),
            KeyFault::Reused
        );
        let moved = second.replace("\"from_tree_size\":100", "\"from_tree_size\":101");
        assert_eq!(fault(&with(&moved)), KeyFault::Contradiction("first size"));
        let plain = format_line("log", key(2).verifier(), TreeSize(0), None);
        assert!(matches!(fault(&with(&plain)), KeyFault::Malformed(_)));
        let spaced = second.replace("\"purpose\":", "\"purpose\": ");
        assert!(matches!(fault(&with(&spaced)), KeyFault::Malformed(_)));
        assert!(
            matches!(fault(with(&second).trim_end()), KeyFault::Malformed(_)),
            "torn"
        );
        let stranger = NoteSigner::from_seed("other.example", &[2; 32]).unwrap();
        let rotation = Rotation {
            new: stranger.verifier().clone(),
            ..rotation(1, 2, 9, 9)
        };
        let note = rotation.sign(&key(1), &stranger).unwrap().format();
        let named = format_line("log", stranger.verifier(), TreeSize(9), Some(&note));
        assert_eq!(
            fault(&with(&named)),
            KeyFault::OtherName("other.example".into())
        );
        assert_eq!(KeyHistory::parse(""), Err(KeysError::NoKey("checkpoints")));
        let log = format_line("log", key(1).verifier(), TreeSize(0), None);
        assert_eq!(
            KeyHistory::parse(&log),
            Err(KeysError::NoKey("story notes"))
        );
        let long = " ".repeat(MAX_BYTES + 1);
        assert_eq!(KeyHistory::parse(&long), Err(KeysError::TooLong));
    }

    #[test]
    fn what_the_first_version_published_is_a_history() {
        let text = first_lines();
        let history = KeyHistory::parse(&text).unwrap();
        assert_eq!(history.log, LogKeys::single(key(1).verifier().clone()));
        assert!(text.starts_with("{\"purpose\":\"log\",\"vkey\":\"log.example+"));
        assert!(
            text.lines()
                .all(|line| line.ends_with(",\"from_tree_size\":0}"))
        );
    }
}
