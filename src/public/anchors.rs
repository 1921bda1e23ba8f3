//! The anchor file: appended, synced, cut into segments, mended after a crash.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use auditlog::anchor::{AnchorError, AnchorLine};
use auditlog::encoding::parse_decimal;

use super::files::sync_folder;
use super::{PublicError, at};

pub use auditlog::anchor::SEGMENT_LINES;

/// The longest line: a checkpoint with as many cosignatures as a note may have.
const MAX_LINE_BYTES: u64 = 128 * 1024;

/// The file that the next line is appended to.
pub const CURRENT: &str = "anchors.jsonl";
const SEGMENTS: &str = "anchors";

/// Appends the line of seal `number`. A full segment is moved away first, unchanged.
pub fn append(
    folder: &Path,
    number: u64,
    line: &str,
    segment_lines: u64,
) -> Result<(), PublicError> {
    let path = folder.join(CURRENT);
    // An empty file is what a failed first append leaves; moving that would replace the segment.
    let has_lines = fs::metadata(&path).is_ok_and(|file| file.len() > 0);
    if number > 1 && (number - 1).is_multiple_of(segment_lines) && has_lines {
        move_segment(folder, number - segment_lines)?;
    }
    let is_new = !path.exists();
    let write = || -> std::io::Result<()> {
        let mut file = File::options().create(true).append(true).open(&path)?;
        // One write: a crash leaves the whole line or a torn one, which start-up cuts off.
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_all()
    };
    write().map_err(at(&path))?;
    if is_new { sync_folder(folder) } else { Ok(()) }
}

fn move_segment(folder: &Path, first_seal: u64) -> Result<(), PublicError> {
    let segments = folder.join(SEGMENTS);
    fs::create_dir_all(&segments).map_err(at(&segments))?;
    let target = segment_path(folder, first_seal);
    let current = folder.join(CURRENT);
    // Linked, never renamed over: a segment that is there already is an error, not replaced.
    if let Err(error) = fs::hard_link(&current, &target) {
        // Unless it is this very segment: a crash came before the other name was removed.
        let same = fs::read(&current).ok() == fs::read(&target).ok();
        if error.kind() != std::io::ErrorKind::AlreadyExists || !same {
            return Err(at(&target)(error));
        }
    }
    sync_folder(&segments)?;
    fs::remove_file(&current).map_err(at(&current))?;
    sync_folder(folder)
}

/// Cuts off what follows the last newline: an append that a crash interrupted, and which nobody was
/// told of.
pub fn truncate_torn_line(folder: &Path) -> Result<(), PublicError> {
    let path = folder.join(CURRENT);
    let mend = || -> std::io::Result<()> {
        let Ok(mut file) = File::options().read(true).write(true).open(&path) else {
            return Ok(());
        };
        let tail = read_tail(&mut file)?;
        if tail.is_empty() || tail.ends_with(b"\n") {
            return Ok(());
        }
        let torn = tail.iter().rev().take_while(|byte| **byte != b'\n').count() as u64;
        let length = file.metadata()?.len();
        file.set_len(length - torn)?;
        file.sync_all()
    };
    mend().map_err(at(&path))
}

/// The last line of the file, or of the last segment where a crash came between moving it and the
/// next append.
pub fn last(folder: &Path) -> Result<Option<AnchorLine>, PublicError> {
    if let Some(line) = last_in(&folder.join(CURRENT))? {
        return Ok(Some(line));
    }
    match segments(folder)?.last() {
        Some(first_seal) => last_in(&segment_path(folder, *first_seal)),
        None => Ok(None),
    }
}

/// The first seals of the full segments, ascending.
pub fn segments(folder: &Path) -> Result<Vec<u64>, PublicError> {
    let path = folder.join(SEGMENTS);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(&path)(error)),
    };
    let mut first_seals = Vec::new();
    for entry in entries {
        let name = entry.map_err(at(&path))?.file_name();
        let seal = name.to_str().and_then(|name| name.strip_suffix(".jsonl"));
        first_seals.extend(seal.and_then(parse_decimal));
    }
    first_seals.sort_unstable();
    Ok(first_seals)
}

/// The file of a full segment.
pub fn segment_path(folder: &Path, first_seal: u64) -> PathBuf {
    folder.join(SEGMENTS).join(format!("{first_seal}.jsonl"))
}

/// All lines of the anchor file, segment by segment and one at a time: text without its newline,
/// not parsed. A last line without a newline is torn, or being written, and is not public.
#[derive(Debug)]
pub struct AnchorLines {
    files: std::vec::IntoIter<PathBuf>,
    current: Option<(PathBuf, BufReader<File>)>,
    /// Whether what was read last ended in a line without its newline.
    is_torn: bool,
}

impl AnchorLines {
    /// The lines under `folder`, from the segment that begins with `from_seal` or holds it.
    pub fn open(folder: &Path, from_seal: u64) -> Result<AnchorLines, PublicError> {
        let segments = segments(folder)?;
        let before = segments.partition_point(|first| *first <= from_seal);
        let mut files: Vec<PathBuf> = segments[before.saturating_sub(1)..]
            .iter()
            .map(|first| segment_path(folder, *first))
            .collect();
        let current = folder.join(CURRENT);
        // A crash in the middle of moving a segment leaves it under both names.
        let is_segment = |path: &PathBuf| is_same_file(path, &current);
        if !files.last().is_some_and(is_segment) {
            files.push(current);
        }
        Ok(AnchorLines {
            files: files.into_iter(),
            current: None,
            is_torn: false,
        })
    }

    /// Whether the last file read so far ends in a line without its newline.
    pub fn is_torn(&self) -> bool {
        self.is_torn
    }

    fn read_line(&mut self) -> Result<Option<Vec<u8>>, PublicError> {
        loop {
            let Some((path, reader)) = &mut self.current else {
                let Some(path) = self.files.next() else {
                    return Ok(None);
                };
                self.current = match File::open(&path) {
                    Ok(file) => Some((path, BufReader::new(file))),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                    Err(error) => return Err(at(&path)(error)),
                };
                continue;
            };
            let mut line = Vec::new();
            let mut limited = reader.take(MAX_LINE_BYTES);
            limited.read_until(b'\n', &mut line).map_err(at(path))?;
            if line.pop_if(|byte| *byte == b'\n').is_some() {
                self.is_torn = false;
                return Ok(Some(line));
            }
            if line.len() as u64 == MAX_LINE_BYTES {
                return Err(AnchorError::Malformed("longer than a line may be").into());
            }
            self.is_torn = !line.is_empty();
            self.current = None;
        }
    }
}

impl Iterator for AnchorLines {
    type Item = Result<Vec<u8>, PublicError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read_line().transpose()
    }
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let file = |path| fs::metadata(path).map(|file| (file.dev(), file.ino()));
    matches!((file(a), file(b)), (Ok(a), Ok(b)) if a == b)
}

fn last_in(path: &Path) -> Result<Option<AnchorLine>, PublicError> {
    let tail = match File::open(path) {
        Ok(mut file) => read_tail(&mut file).map_err(at(path))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path)(error)),
    };
    // What follows the last newline is torn, or being written at this moment: not public yet.
    let Some(end) = tail.iter().rposition(|byte| *byte == b'\n') else {
        return Ok(None);
    };
    let last = tail[..end].rsplit(|byte| *byte == b'\n').next();
    let last = std::str::from_utf8(last.unwrap_or_default());
    let last = last.map_err(|_| AnchorError::Malformed("not UTF-8"))?;
    Ok(Some(AnchorLine::parse(last)?))
}

/// The end of a file, at least its last line.
fn read_tail(file: &mut File) -> std::io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(MAX_LINE_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    if start > 0 {
        // The first line of the tail is not whole, and may begin inside a character.
        let newline = tail
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(tail.len(), |i| i + 1);
        tail.drain(..newline);
    }
    Ok(tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog::checkpoint::Checkpoint;
    use auditlog::note::NoteSigner;
    use auditlog::proof::TreeHead;
    use auditlog::{Hash, Timestamp, TreeSize};

    fn line(seal: u64) -> String {
        let signer = NoteSigner::from_seed("a.example", &[1; 32]).unwrap();
        let head = TreeHead {
            size: TreeSize(seal),
            root: Hash([seal as u8; 32]),
        };
        let checkpoint = Checkpoint {
            origin: "a.example".into(),
            head,
        };
        AnchorLine {
            seal,
            head,
            sealed_at: Timestamp::parse("2026-11-23T01:02:03.123Z").unwrap(),
            previous: Hash([0; 32]),
            checkpoint: checkpoint.sign(&signer).unwrap().format(),
        }
        .format()
    }

    #[test]
    fn a_torn_line_is_cut_off_and_a_whole_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        truncate_torn_line(folder).unwrap();
        assert_eq!(last(folder).unwrap(), None);
        append(folder, 1, &line(1), 10).unwrap();
        append(folder, 2, &line(2), 10).unwrap();
        let whole = fs::read(folder.join(CURRENT)).unwrap();
        for torn in [1, 100, line(3).len()] {
            let bytes = [whole.as_slice(), &line(3).as_bytes()[..torn]].concat();
            fs::write(folder.join(CURRENT), bytes).unwrap();
            truncate_torn_line(folder).unwrap();
            assert_eq!(fs::read(folder.join(CURRENT)).unwrap(), whole);
        }
        assert_eq!(last(folder).unwrap().unwrap().seal, 2);
    }

    #[test]
    fn a_full_segment_moves_unchanged_and_the_last_line_is_found_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for seal in 1..=3 {
            append(folder, seal, &line(seal), 3).unwrap();
        }
        let whole = fs::read(folder.join(CURRENT)).unwrap();
        // A crash right after the move.
        move_segment(folder, 1).unwrap();
        assert_eq!(last(folder).unwrap().unwrap().seal, 3);
        append(folder, 4, &line(4), 3).unwrap();
        assert_eq!(fs::read(folder.join("anchors/1.jsonl")).unwrap(), whole);
        assert_eq!(last(folder).unwrap().unwrap().seal, 4);
        for seal in 5..=7 {
            append(folder, seal, &line(seal), 3).unwrap();
        }
        assert!(folder.join("anchors/4.jsonl").exists());
        assert_eq!(last(folder).unwrap().unwrap().seal, 7);
    }

    #[test]
    fn an_append_that_failed_right_after_a_move_does_not_replace_the_segment() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for seal in 1..=3 {
            append(folder, seal, &line(seal), 3).unwrap();
        }
        let whole = fs::read(folder.join(CURRENT)).unwrap();
        move_segment(folder, 1).unwrap();
        // A full disk: the new file was made and nothing was written into it.
        fs::write(folder.join(CURRENT), b"").unwrap();
        append(folder, 4, &line(4), 3).unwrap();
        assert_eq!(fs::read(folder.join("anchors/1.jsonl")).unwrap(), whole);
        assert_eq!(last(folder).unwrap().unwrap().seal, 4);
        // And a segment that is there is never replaced.
        assert!(move_segment(folder, 1).is_err());
        assert_eq!(fs::read(folder.join("anchors/1.jsonl")).unwrap(), whole);
    }

    #[test]
    fn a_damaged_last_line_is_an_error_and_not_an_empty_log() {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), 1, &line(1), 10).unwrap();
        fs::write(folder.path().join(CURRENT), b"{}\n").unwrap();
        assert!(last(folder.path()).is_err());
    }
}
