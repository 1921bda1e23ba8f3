//! The entry: what the log holds of a statement, and all that is public of it by default.
//!
//! ```text
//! rootmark-entry/v1
//! 2026-11-23T01:02:03.123Z
//! <base64 digest>
//! ```

use std::fmt;

use crate::hash::{Hash, leaf_hash};

const HEADER: &str = "rootmark-entry/v1";

/// One leaf of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// When the statement was captured, by the operator's clock.
    pub recorded: Timestamp,
    /// The statement's digest.
    pub digest: Hash,
}

impl Entry {
    /// The entry's bytes: three lines, each ended by a newline.
    pub fn format(&self) -> String {
        format!("{HEADER}\n{}\n{}\n", self.recorded, self.digest.to_base64())
    }

    /// Reads exactly what [`Entry::format`] writes.
    pub fn parse(text: &str) -> Option<Entry> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let header = lines.next()?;
        let recorded = Timestamp::parse(lines.next()?)?;
        let digest = Hash::from_base64(lines.next()?)?;
        (header == HEADER && lines.next().is_none()).then_some(Entry { recorded, digest })
    }

    /// The leaf hash of the log's tree.
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(self.format().as_bytes())
    }
}

/// A time that Rootmark made: `YYYY-MM-DDTHH:MM:SS.mmmZ`, always UTC. Ordered as time is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp([u8; 24]);

impl Timestamp {
    /// Reads the one form; the date and the time of day must exist (leap seconds do not).
    pub fn parse(text: &str) -> Option<Timestamp> {
        let bytes: [u8; 24] = text.as_bytes().try_into().ok()?;
        let shape = b"dddd-dd-ddTdd:dd:dd.dddZ";
        let fits = bytes.iter().zip(shape).all(|(byte, kind)| match kind {
            b'd' => byte.is_ascii_digit(),
            literal => byte == literal,
        });
        if !fits {
            return None;
        }
        let number = |range: std::ops::Range<usize>| {
            bytes[range]
                .iter()
                .fold(0u32, |n, digit| n * 10 + u32::from(digit - b'0'))
        };
        let (year, month, day) = (number(0..4), number(5..7), number(8..10));
        let real = (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && number(11..13) < 24
            && number(14..16) < 60
            && number(17..19) < 60;
        real.then_some(Timestamp(bytes))
    }

    /// The 24 characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII was accepted")
    }
}

fn days_in_month(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_back_and_nothing_near_it_does() {
        let recorded = Timestamp::parse("2026-11-23T01:02:03.123Z").unwrap();
        let text = Entry {
            recorded,
            digest: Hash([1; 32]),
        }
        .format();
        assert_eq!(Entry::parse(&text).unwrap().format(), text);
        for bad in [
            text.trim_end().to_owned(),
            format!("{text}\n"),
            format!("{text}x\n"),
            text.replace("/v1", "/v2"),
            text.replace("123Z", "123z"),
            text.replace('=', ""),
            text.replace('\n', "\r\n"),
        ] {
            assert_eq!(Entry::parse(&bad), None, "{bad:?}");
        }
    }

    #[test]
    fn only_real_utc_times_to_the_millisecond_are_read() {
        assert!(Timestamp::parse("2024-02-29T23:59:59.999Z").is_some());
        for bad in [
            "2025-02-29T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "2026-00-01T00:00:00.000Z",
            "2026-04-31T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01T00:60:00.000Z",
            "2026-01-01T00:00:60.000Z",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.000+",
            "2026-01-01 00:00:00.000Z",
        ] {
            assert_eq!(Timestamp::parse(bad), None, "{bad}");
        }
    }
}
