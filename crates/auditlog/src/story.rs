//! The story note: what the operator claims to be all it holds about a subject at a tree size.
//! Signed, so that an omission is evidence.

use crate::encoding::parse_decimal;
use crate::hash::{Hash, LeafIndex, TreeSize};

/// What the story key signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryNote {
    /// The name of the key: `<origin>/story`.
    pub key_name: String,
    /// Canonical Digital Link of what the story is about.
    pub subject: String,
    /// The tree in which all of it was looked for.
    pub size: TreeSize,
    /// Over the statements' indexes; see [`StoryNote::hash_indexes`].
    pub indexes_hash: Hash,
}

impl StoryNote {
    /// The name of a log's story key.
    pub fn key_name(origin: &str) -> String {
        format!("{origin}/story")
    }

    /// SHA-256 of the indexes, ascending, one per line, each ended by a newline.
    pub fn hash_indexes(indexes: impl IntoIterator<Item = LeafIndex>) -> Hash {
        let lines: String = indexes
            .into_iter()
            .map(|index| format!("{index}\n"))
            .collect();
        Hash::of(&[lines.as_bytes()])
    }

    /// The text that is signed.
    pub fn format(&self) -> String {
        let StoryNote {
            key_name,
            subject,
            size,
            indexes_hash,
        } = self;
        format!(
            "{key_name}\n{subject}\n{size}\n{}\n",
            indexes_hash.to_base64()
        )
    }

    /// Reads exactly what [`StoryNote::format`] writes.
    pub fn parse(text: &str) -> Option<StoryNote> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let key_name = lines.next()?.to_owned();
        let subject = lines.next()?.to_owned();
        let size = TreeSize(parse_decimal(lines.next()?)?);
        let indexes_hash = Hash::from_base64(lines.next()?)?;
        let whole = lines.next().is_none() && !subject.is_empty();
        whole.then_some(StoryNote {
            key_name,
            subject,
            size,
            indexes_hash,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_note_reads_back_and_its_near_misses_do_not() {
        let note = StoryNote {
            key_name: StoryNote::key_name("a.example"),
            subject: "https://id.gs1.org/01/09521234543213".into(),
            size: TreeSize(7),
            indexes_hash: StoryNote::hash_indexes([LeafIndex(0), LeafIndex(6)]),
        };
        let text = note.format();
        assert_eq!(StoryNote::parse(&text), Some(note));
        for bad in [
            format!("{text}x\n"),
            text.replace("\n7\n", "\n07\n"),
            text.replace('=', ""),
        ] {
            assert_eq!(StoryNote::parse(&bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_order_and_the_borders_of_indexes_matter() {
        let hash = |list: &[u64]| StoryNote::hash_indexes(list.iter().map(|i| LeafIndex(*i)));
        assert_ne!(hash(&[1, 2]), hash(&[2, 1]));
        assert_ne!(hash(&[12]), hash(&[1, 2]));
        assert_eq!(hash(&[]), crate::hash::empty_root());
    }
}
