//! The anchor file with its segments, as a reader from outside finds them.

use std::sync::Arc;

use auditlog::anchor::AnchorLine;

use super::{AuditError, Finding, LogSource};
use crate::public::{ANCHORS, SEGMENT_LINES};

/// A segment of 65,536 lines has some 40 MB: a line has about 600 bytes.
const MAX_FILE_BYTES: usize = 256 * 1024 * 1024;

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct At {
    pub file: String,
    /// Counted from 1.
    pub line: u64,
}

impl At {
    pub fn finding(&self, fault: impl std::fmt::Display) -> Finding {
        Finding(format!("{}, line {}: {fault}", self.file, self.line))
    }
}

/// All lines, file after file.
pub(super) struct Anchors<S> {
    source: Arc<S>,
    /// Read first of all: the lines that it has are in no segment of that moment, or in both.
    current: Vec<u8>,
    /// The seal of its first line; that of the next seal where it has none.
    current_first: Option<u64>,
    reading: Option<Reading>,
    /// The seal with which the next file begins.
    next_first: u64,
}

struct Reading {
    name: String,
    bytes: Vec<u8>,
    at: usize,
    line: u64,
}

impl<S: LogSource> Anchors<S> {
    pub async fn open(source: Arc<S>) -> Result<Anchors<S>, AuditError> {
        let current = source.read(ANCHORS.to_owned(), MAX_FILE_BYTES).await?;
        let current = whole_lines(current.unwrap_or_default());
        let first = split(&current).next();
        let at = At {
            file: ANCHORS.to_owned(),
            line: 1,
        };
        let first = first.map(|line| parse(line, &at)).transpose()?;
        Ok(Anchors {
            source,
            current,
            current_first: first.map(|line| line.seal),
            reading: None,
            next_first: 1,
        })
    }

    /// The last line of all, which says how far the tree reaches.
    pub async fn last(&self) -> Result<Option<AnchorLine>, AuditError> {
        if let Some(last) = last_of(ANCHORS, &self.current)? {
            return Ok(Some(last));
        }
        // The moment between moving a segment and the next line: the last segment has it.
        let (mut first, mut last) = (1, None);
        while let Some(bytes) = self.segment(first).await? {
            let name = segment_name(first);
            last = last_of(&name, &bytes)?;
            let lines = split(&bytes).count() as u64;
            if lines == 0 {
                return Err(Finding(format!("{name}: has no lines")).into());
            }
            first += lines;
        }
        Ok(last)
    }

    /// Begins with the file that holds the line of `seal`, or with an earlier one.
    pub fn skip_to(&mut self, seal: u64) {
        // Full segments have this many lines (crates/auditlog/README.md §10).
        let segment = (seal.saturating_sub(1) / SEGMENT_LINES) * SEGMENT_LINES + 1;
        let current = self.current_first.filter(|first| *first <= seal);
        self.next_first = current.unwrap_or(segment);
    }

    /// The next line with where it stands; what a reader is told of it comes unparsed.
    pub async fn next(&mut self) -> Result<Option<(At, Vec<u8>)>, AuditError> {
        loop {
            if let Some(reading) = &mut self.reading {
                if let Some(line) = reading.next() {
                    self.next_first += 1;
                    return Ok(Some(line));
                }
                let was_last = reading.name == ANCHORS;
                self.reading = None;
                if was_last {
                    return Ok(None);
                }
            }
            let Some(reading) = self.next_file().await? else {
                return Ok(None);
            };
            self.reading = Some(reading);
        }
    }

    async fn next_file(&mut self) -> Result<Option<Reading>, AuditError> {
        let first = self.next_first;
        let is_current = self.current_first == Some(first);
        let (name, bytes) = if is_current {
            (ANCHORS.to_owned(), std::mem::take(&mut self.current))
        } else {
            let name = segment_name(first);
            match (self.segment(first).await?, self.current_first) {
                (Some(bytes), _) => (name, bytes),
                (None, None) => return Ok(None),
                (None, Some(current)) => {
                    let fault = format!("is missing: {ANCHORS} begins with seal {current}");
                    return Err(Finding(format!("{name}: {fault}")).into());
                }
            }
        };
        Ok(Some(Reading {
            name,
            bytes,
            at: 0,
            line: 0,
        }))
    }

    async fn segment(&self, first: u64) -> Result<Option<Vec<u8>>, AuditError> {
        let name = segment_name(first);
        let bytes = self.source.read(name.clone(), MAX_FILE_BYTES).await?;
        // A segment never changes: nothing in it is being written.
        if bytes.as_ref().is_some_and(|bytes| !bytes.ends_with(b"\n")) {
            return Err(Finding(format!("{name}: its last line does not end")).into());
        }
        Ok(bytes)
    }
}

impl Reading {
    fn next(&mut self) -> Option<(At, Vec<u8>)> {
        let line = split(&self.bytes[self.at..]).next()?.to_vec();
        self.at += line.len() + 1;
        self.line += 1;
        let at = At {
            file: self.name.clone(),
            line: self.line,
        };
        Some((at, line))
    }
}

/// The file's name without a folder.
pub(super) fn segment_name(first: u64) -> String {
    format!("anchors/{first}.jsonl")
}

/// Without what follows the last newline: it is being written at this moment.
fn whole_lines(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().rposition(|byte| *byte == b'\n');
    bytes.truncate(end.map_or(0, |end| end + 1));
    bytes
}

fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines.map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

fn last_of(name: &str, bytes: &[u8]) -> Result<Option<AnchorLine>, AuditError> {
    let line = split(bytes).count() as u64;
    let at = At {
        file: name.to_owned(),
        line,
    };
    let last = split(bytes).last();
    last.map(|line| parse(line, &at)).transpose()
}

pub(super) fn parse(line: &[u8], at: &At) -> Result<AnchorLine, AuditError> {
    let text = std::str::from_utf8(line).map_err(|_| at.finding("not UTF-8"))?;
    Ok(AnchorLine::parse(text).map_err(|error| at.finding(error))?)
}
