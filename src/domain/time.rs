//! The service's own times: UTC, to the millisecond.

use auditlog::Timestamp;
use time::format_description::well_known::Rfc3339;
use time::macros::{datetime, format_description};
use time::{OffsetDateTime, UtcOffset};

/// The first moment that clocks and the database can say.
pub const FIRST: OffsetDateTime = datetime!(0000-01-01 0:00 UTC);
/// The last one, to the millisecond.
pub const LAST: OffsetDateTime = datetime!(9999-12-31 23:59:59.999 UTC);

/// The text form of `at`, cut to the millisecond. An event's offset may shift it beyond the years that can be
/// said: then it is the first or the last moment that can, as in [`indexed`].
pub fn timestamp(at: OffsetDateTime) -> Timestamp {
    let form =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let text = indexed(at)
        .to_utc()
        .format(form)
        .expect("every field exists");
    Timestamp::parse(&text).expect("the form is the timestamp's own")
}

/// `at` cut to the millisecond: what the database must hold so that its text is the receipt's.
pub fn to_millisecond(at: OffsetDateTime) -> OffsetDateTime {
    let at = at.to_offset(UtcOffset::UTC);
    at.replace_millisecond(at.millisecond())
        .expect("a millisecond of a real time")
}

/// The time of an event as indexes have it: to the millisecond, and within the years that clocks and the
/// database can say. An offset can shift the first and the last day beyond them.
pub fn indexed(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_millisecond(at.millisecond())
        .expect("a millisecond of a real time")
        .clamp(FIRST, LAST)
}

/// Milliseconds since 1970 of [`indexed`].
pub fn milliseconds(at: OffsetDateTime) -> i64 {
    let milliseconds = indexed(at).unix_timestamp_nanos().div_euclid(1_000_000);
    i64::try_from(milliseconds).expect("ten thousand years have fewer than 2⁵⁰ milliseconds")
}

/// The instant that a timestamp names.
pub fn instant(timestamp: Timestamp) -> OffsetDateTime {
    OffsetDateTime::parse(timestamp.as_str(), &Rfc3339).expect("a timestamp is RFC 3339")
}

/// A moment as people read it, to the second: `2026-06-24T02:30:00Z`. Within the years of [`indexed`].
pub fn to_second(at: OffsetDateTime) -> String {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let utc = indexed(at).to_offset(UtcOffset::UTC);
    utc.format(form).expect("a date has these parts")
}

/// Seconds since 1970 as a time that people read; beyond the year 9999 the number itself.
pub fn unix(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok();
    let at = at.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let text = at.and_then(|at| at.format(&Rfc3339).ok());
    text.unwrap_or_else(|| seconds.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_keeps_its_milliseconds_and_no_more() {
        let at = datetime!(2026-11-23 09:02:03.123_999 +08:00);
        assert_eq!(timestamp(at).as_str(), "2026-11-23T01:02:03.123Z");
        assert_eq!(instant(timestamp(at)), to_millisecond(at));
        assert_ne!(to_millisecond(at), at);
    }

    #[test]
    fn an_indexed_time_is_within_what_can_be_said_whatever_its_offset() {
        let last = datetime!(9999-12-31 23:59:59.999_9 -14:00);
        assert_eq!(indexed(last), datetime!(9999-12-31 23:59:59.999 UTC));
        let first = datetime!(0000-01-01 00:00 +14:00);
        assert_eq!(indexed(first), datetime!(0000-01-01 0:00 UTC));
        assert_eq!(timestamp(last).as_str(), "9999-12-31T23:59:59.999Z");
        assert_eq!(timestamp(first).as_str(), "0000-01-01T00:00:00.000Z");
        assert_eq!(to_second(last), "9999-12-31T23:59:59Z");
        assert_eq!(to_second(first), "0000-01-01T00:00:00Z");
        assert_eq!(milliseconds(datetime!(1969-12-31 23:59:59.999_9 UTC)), -1);
        assert_eq!(milliseconds(datetime!(1970-01-01 08:00:00.001_5 +08:00)), 1);
    }

    #[test]
    fn a_witnesss_seconds_are_told_as_a_time_and_absurd_ones_as_they_are() {
        assert_eq!(unix(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(unix(u64::MAX), u64::MAX.to_string());
    }
}
