//! What changed between two texts, as few edits: most cases of a file differ from one sample by a
//! few bytes, and a file of whole bundles would be too large to carry.

use crate::writer::Json;

/// The edits that make `changed` of `base`: `[at, remove, insert]`, ascending, in bytes of `base`.
pub fn edits(base: &str, changed: &str) -> Json {
    let (old, new) = (tokens(base), tokens(changed));
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let same_end = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let old_middle = &old_rest[..old_rest.len() - same_end];
    let new_middle = &new_rest[..new_rest.len() - same_end];
    let at = old[..start].iter().map(|token| token.len()).sum();
    Json::List(middle_edits(at, old_middle, new_middle))
}

/// Pieces that end where JSON, notes and pointers have their joints.
fn tokens(text: &str) -> Vec<&str> {
    text.split_inclusive(['"', '\\', ' ', ',']).collect()
}

fn middle_edits(mut at: usize, old: &[&str], new: &[&str]) -> Vec<Json> {
    let kept = common_after(old, new);
    let (mut i, mut j) = (0, 0);
    let (mut edits, mut removed, mut inserted) = (Vec::new(), 0, String::new());
    loop {
        let is_same = i < old.len() && j < new.len() && old[i] == new[j];
        let is_end = i == old.len() && j == new.len();
        if (is_same || is_end) && (removed > 0 || !inserted.is_empty()) {
            let insert = std::mem::take(&mut inserted);
            let (from, remove) = (at as u64 - removed, removed);
            edits.push(vec![Json::from(from), Json::from(remove), insert.into()].into());
            removed = 0;
        }
        if is_end {
            return edits;
        }
        if is_same {
            at += old[i].len();
            i += 1;
            j += 1;
        } else if j == new.len() || (i < old.len() && kept[i + 1][j] >= kept[i][j + 1]) {
            at += old[i].len();
            removed += old[i].len() as u64;
            i += 1;
        } else {
            inserted.push_str(new[j]);
            j += 1;
        }
    }
}

/// `[i][j]`: how many tokens `old[i..]` and `new[j..]` can keep in common.
fn common_after(old: &[&str], new: &[&str]) -> Vec<Vec<u32>> {
    let mut kept = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            kept[i][j] = if old[i] == new[j] {
                kept[i + 1][j + 1] + 1
            } else {
                kept[i + 1][j].max(kept[i][j + 1])
            };
        }
    }
    kept
}
