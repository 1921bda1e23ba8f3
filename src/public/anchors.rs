//! The anchor file: appended, synced, cut into segments, mended after a crash.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use auditlog::anchor::{AnchorError, AnchorLine};
use auditlog::encoding::parse_decimal;

use super::files::{make_folders, sync_folder};
use super::{ANCHORS, PublicError, at, disk};
use crate::failpoint::Thing;

pub use auditlog::anchor::SEGMENT_LINES;

/// The longest line: a checkpoint with as many cosignatures as a note may have.
const MAX_LINE_BYTES: u64 = 128 * 1024;

const SEGMENTS: &str = "anchors";

/// All lines that are public, segment after segment, as they stand in the files: one at a time, so
/// that a long log fits in memory.
#[derive(Debug)]
pub struct AnchorLines {
    segments: std::vec::IntoIter<PathBuf>,
    /// Opened before the segments were listed: what is moved meanwhile is read under either name.
    current: Option<OpenFile>,
    reading: Option<OpenFile>,
    is_torn: bool,
}

#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    lines: BufReader<File>,
}

impl AnchorLines {
    /// Opens the anchor file of a public folder at the segment that holds the line of `from_seal`;
    /// where there is none, there are no lines.
    pub fn open(folder: &Path, from_seal: u64) -> Result<AnchorLines, PublicError> {
        let mut current = OpenFile::open(folder.join(ANCHORS))?;
        let segments = segments(folder)?;
        if let (Some(open), Some(newest)) = (&current, segments.last())
            && is_copy(&open.path, &segment_path(folder, *newest))?
        {
            current = None;
        }
        let before = segments.partition_point(|first| *first <= from_seal);
        let segments = &segments[before.saturating_sub(1)..];
        let paths = segments.iter().map(|first| segment_path(folder, *first));
        Ok(AnchorLines {
            segments: paths.collect::<Vec<_>>().into_iter(),
            current,
            reading: None,
            is_torn: false,
        })
    }

    /// Whether the file that was read last ends without a newline: a line is being written there at
    /// this moment, or a crash cut it off. It is not public, and is not given.
    pub fn is_torn(&self) -> bool {
        self.is_torn
    }

    fn next_file(&mut self) -> Result<Option<OpenFile>, PublicError> {
        match self.segments.next() {
            Some(path) => OpenFile::open(path),
            None => Ok(self.current.take()),
        }
    }
}

impl Iterator for AnchorLines {
    /// Without its newline, and not parsed.
    type Item = Result<Vec<u8>, PublicError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(file) = &mut self.reading else {
                self.reading = match self.next_file() {
                    Ok(Some(file)) => Some(file),
                    Ok(None) => return None,
                    Err(error) => return Some(Err(error)),
                };
                self.is_torn = false;
                continue;
            };
            match file.next_line() {
                Ok(Line::Whole(line)) => return Some(Ok(line)),
                Ok(Line::Torn) => self.is_torn = true,
                Ok(Line::End) => {}
                Err(error) => {
                    let path = file.path.clone();
                    self.reading = None;
                    return Some(Err(at(&path)(error)));
                }
            }
            self.reading = None;
        }
    }
}

enum Line {
    Whole(Vec<u8>),
    Torn,
    End,
}

impl OpenFile {
    fn open(path: PathBuf) -> Result<Option<OpenFile>, PublicError> {
        match File::open(&path) {
            Ok(file) => Ok(Some(OpenFile {
                path,
                lines: BufReader::new(file),
            })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path)(error)),
        }
    }

    fn next_line(&mut self) -> std::io::Result<Line> {
        let mut bytes = Vec::new();
        let mut limited = (&mut self.lines).take(MAX_LINE_BYTES);
        limited.read_until(b'\n', &mut bytes)?;
        match bytes.pop() {
            None => Ok(Line::End),
            Some(b'\n') => Ok(Line::Whole(bytes)),
            Some(_) if bytes.len() as u64 + 1 == MAX_LINE_BYTES => Err(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                format!("a line is longer than {MAX_LINE_BYTES} bytes"),
            )),
            Some(_) => Ok(Line::Torn),
        }
    }
}

/// Appends the line of seal `number`. A full segment is moved away first, unchanged.
pub fn append(
    folder: &Path,
    number: u64,
    line: &str,
    segment_lines: u64,
) -> Result<(), PublicError> {
    let path = folder.join(ANCHORS);
    // An empty file is what a failed first append leaves; moving that would replace the segment.
    let has_lines = fs::metadata(&path).is_ok_and(|file| file.len() > 0);
    if number > 1 && (number - 1).is_multiple_of(segment_lines) && has_lines {
        move_segment(folder, number - segment_lines)?;
    }
    let is_new = !path.exists();
    let write = || -> std::io::Result<()> {
        // One write: a crash leaves the whole line or a torn one, which start-up cuts off.
        let file = disk::append(Thing::AnchorLine, &path, format!("{line}\n").as_bytes())?;
        disk::sync(Thing::AnchorLine, &path, &file)
    };
    write().map_err(at(&path))?;
    if is_new {
        return sync_folder(Thing::AnchorLine, folder);
    }
    Ok(())
}

fn move_segment(folder: &Path, first_seal: u64) -> Result<(), PublicError> {
    let segments = folder.join(SEGMENTS);
    // Durable before the only other name of its lines is removed.
    make_folders(Thing::Segment, &segments)?;
    let target = segment_path(folder, first_seal);
    let current = folder.join(ANCHORS);
    // Linked, never renamed over: a segment that is there already is an error, not replaced.
    if let Err(error) = disk::link(Thing::Segment, &current, &target) {
        // Unless it is this very segment: a crash came before the other name was removed.
        if error.kind() != std::io::ErrorKind::AlreadyExists || !is_copy(&current, &target)? {
            return Err(at(&target)(error));
        }
    }
    sync_folder(Thing::Segment, &segments)?;
    remove_moved(folder)
}

/// Finishes the move of a segment between whose two halves a crash came: its lines stand under both
/// names, and are not to be counted twice.
pub fn finish_segment_move(folder: &Path) -> Result<(), PublicError> {
    let Some(newest) = segments(folder)?.last().copied() else {
        return Ok(());
    };
    if is_copy(&folder.join(ANCHORS), &segment_path(folder, newest))? {
        return remove_moved(folder);
    }
    Ok(())
}

/// Whether both are there and hold the same lines. No two segments do.
fn is_copy(one: &Path, other: &Path) -> Result<bool, PublicError> {
    let length = |path: &Path| fs::metadata(path).ok().map(|file| file.len());
    match (length(one), length(other)) {
        (Some(a), Some(b)) if a == b && a > 0 => {}
        _ => return Ok(false),
    }
    let read = |path: &Path| fs::read(path).map_err(at(path));
    Ok(read(one)? == read(other)?)
}

fn remove_moved(folder: &Path) -> Result<(), PublicError> {
    let current = folder.join(ANCHORS);
    disk::remove(Thing::Segment, &current).map_err(at(&current))?;
    sync_folder(Thing::Segment, folder)
}

/// Cuts off what follows the last newline: an append that a crash interrupted, and which nobody was
/// told of.
pub fn truncate_torn_line(folder: &Path) -> Result<(), PublicError> {
    let path = folder.join(ANCHORS);
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
        disk::cut(Thing::AnchorLine, &path, &file, length - torn)?;
        disk::sync(Thing::AnchorLine, &path, &file)
    };
    mend().map_err(at(&path))
}

/// The last line of the file, or of the last segment where a crash came between moving it and the
/// next append.
pub fn last(folder: &Path) -> Result<Option<AnchorLine>, PublicError> {
    if let Some(line) = last_in(&folder.join(ANCHORS))? {
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
        let whole = fs::read(folder.join(ANCHORS)).unwrap();
        for torn in [1, 100, line(3).len()] {
            let bytes = [whole.as_slice(), &line(3).as_bytes()[..torn]].concat();
            fs::write(folder.join(ANCHORS), bytes).unwrap();
            truncate_torn_line(folder).unwrap();
            assert_eq!(fs::read(folder.join(ANCHORS)).unwrap(), whole);
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
        let whole = fs::read(folder.join(ANCHORS)).unwrap();
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
        let whole = fs::read(folder.join(ANCHORS)).unwrap();
        move_segment(folder, 1).unwrap();
        // A full disk: the new file was made and nothing was written into it.
        fs::write(folder.join(ANCHORS), b"").unwrap();
        append(folder, 4, &line(4), 3).unwrap();
        assert_eq!(fs::read(folder.join("anchors/1.jsonl")).unwrap(), whole);
        assert_eq!(last(folder).unwrap().unwrap().seal, 4);
        // And a segment that is there is never replaced.
        assert!(move_segment(folder, 1).is_err());
        assert_eq!(fs::read(folder.join("anchors/1.jsonl")).unwrap(), whole);
    }

    #[test]
    fn all_lines_are_given_in_order_wherever_they_are_and_a_torn_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let read = || {
            let mut lines = AnchorLines::open(folder, 0).unwrap();
            let read: Vec<String> = lines
                .by_ref()
                .map(|line| String::from_utf8(line.unwrap()).unwrap())
                .collect();
            (read, lines.is_torn())
        };
        assert_eq!(read(), (Vec::new(), false));
        let mut written = Vec::new();
        for seal in 1..=23 {
            append(folder, seal, &line(seal), 2).unwrap();
            written.push(line(seal));
            assert_eq!(read(), (written.clone(), false), "seal {seal}");
        }
        // The segment of seal 9 comes before that of seal 11.
        assert!(
            folder.join("anchors/9.jsonl").exists() && folder.join("anchors/11.jsonl").exists()
        );
        let whole = fs::read(folder.join(ANCHORS)).unwrap();
        fs::write(folder.join(ANCHORS), [&whole[..], b"{\"seal\""].concat()).unwrap();
        assert_eq!(read(), (written, true));
    }

    #[test]
    fn a_segment_that_a_crash_left_under_both_names_is_read_once_and_its_move_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for seal in 1..=3 {
            append(folder, seal, &line(seal), 3).unwrap();
        }
        let (current, segment) = (folder.join(ANCHORS), folder.join("anchors/1.jsonl"));
        let count = || AnchorLines::open(folder, 0).unwrap().count();
        fs::create_dir(folder.join(SEGMENTS)).unwrap();
        fs::hard_link(&current, &segment).unwrap();
        assert_eq!(count(), 3);
        finish_segment_move(folder).unwrap();
        assert!(!current.exists() && segment.exists());
        assert_eq!(count(), 3);
        // Anything else beside a segment is neither passed over nor removed.
        let whole = fs::read(&segment).unwrap();
        fs::write(&current, [&whole[..whole.len() - 2], b"x\n"].concat()).unwrap();
        finish_segment_move(folder).unwrap();
        assert!(current.exists());
        assert_eq!(count(), 6);
    }

    #[test]
    fn a_line_longer_than_any_anchor_line_is_refused_and_the_longest_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let longest = "x".repeat(MAX_LINE_BYTES as usize - 1);
        fs::write(folder.path().join(ANCHORS), format!("{longest}\n")).unwrap();
        let mut lines = AnchorLines::open(folder.path(), 0).unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), longest.as_bytes());
        assert!(lines.next().is_none());
        fs::write(folder.path().join(ANCHORS), format!("{longest}x\n")).unwrap();
        let mut lines = AnchorLines::open(folder.path(), 0).unwrap();
        assert!(lines.next().unwrap().is_err());
        assert!(lines.next().is_none());
    }

    #[test]
    fn a_damaged_last_line_is_an_error_and_not_an_empty_log() {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), 1, &line(1), 10).unwrap();
        fs::write(folder.path().join(ANCHORS), b"{}\n").unwrap();
        assert!(last(folder.path()).is_err());
    }
}
