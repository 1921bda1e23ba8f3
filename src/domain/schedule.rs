//! When a standing query runs: the QuerySchedule of EPCIS, §8.2.5.3 of its versions 1.0 to 2.0.
//!
//! A schedule is up to six fields, each a list of numbers and ranges: `{"hour":"2","minute":"0,30"}`,
//! `{"dayOfWeek":"[1-5]"}`. The query runs at each second that matches all of them. A field that is
//! left out matches everything, but for one:
//!
//! **A missing `second` is the first second of the minute.** Taken literally it would be all sixty,
//! and the standard itself reads it both ways: its text has `{"hour":"2"}` run once a second for an hour,
//! as an example of what hardly anybody wants, and its OpenAPI has `{"hour":"1","minute":"5"}` run "every
//! morning at 1.05am". A service may honour the general intent, says §8.2.5.3, and that is the intent.
//!
//! The service chooses the time zone; here it is UTC. A clock that is put back in autumn would run a query
//! twice and one that is put on in spring never.

use std::borrow::Cow;

use auditlog::json::Value;
use thiserror::Error;
use time::{Date, Duration, OffsetDateTime, Time, UtcOffset};

/// Characters of one field: the sixty seconds one by one are 169.
pub const MAX_FIELD_CHARS: usize = 256;

/// Days after which the Gregorian calendar begins anew. They are whole weeks, so that a date which does
/// not come within them never comes.
const CALENDAR_DAYS: u32 = 146_097;

/// When a query runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// In the order of [`Unit`].
    fields: [Option<Field>; 6],
}

/// A part of a time that a schedule can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 0 to 59.
    Second,
    /// 0 to 59.
    Minute,
    /// 0 to 23, of the UTC day.
    Hour,
    /// 1 to 31.
    DayOfMonth,
    /// 1 to 12.
    Month,
    /// 1 for Monday to 7 for Sunday.
    DayOfWeek,
}

/// Why something is no schedule. §8.2.5.3: each is a SubscriptionControlsException.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScheduleFault {
    /// Not an object.
    #[error("a schedule is an object such as {{\"hour\":\"2\",\"minute\":\"0\"}}")]
    NotAnObject,
    /// Nothing is said.
    #[error("a schedule has at least one of second, minute, hour, dayOfMonth, month and dayOfWeek")]
    Empty,
    /// A member that means nothing. To ignore it would be to run more often than was meant.
    #[error("a schedule has no field {0:?}")]
    UnknownField(String),
    /// Neither text nor a number.
    #[error("{} is text such as \"0,[10-20]\", or a number", .0.name())]
    NotText(Unit),
    /// More than [`MAX_FIELD_CHARS`].
    #[error("{} is longer than {MAX_FIELD_CHARS} characters", .0.name())]
    TooLong(Unit),
    /// Not a list of numbers and ranges.
    #[error("{} holds {element:?}, which is neither a number nor a range such as [1-5]", .unit.name())]
    Malformed {
        /// Where.
        unit: Unit,
        /// The part of the list that cannot be read.
        element: String,
    },
    /// A number that this part of a time never is.
    #[error("{} is from {} to {}, and holds {number}", .unit.name(), .unit.first(), .unit.last())]
    OutOfRange {
        /// Where.
        unit: Unit,
        /// Which, as it came.
        number: String,
    },
    /// A range that ends before it begins.
    #[error("{} holds {range}, a range that ends before it begins", .unit.name())]
    Backwards {
        /// Where.
        unit: Unit,
        /// Which.
        range: String,
    },
}

/// What one field says, as it came and as a set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    text: String,
    values: Set,
}

/// Numbers below 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Set(u64);

impl Unit {
    /// All of them, in the order in which the standard names them.
    pub const ALL: [Unit; 6] = [
        Unit::Second,
        Unit::Minute,
        Unit::Hour,
        Unit::DayOfMonth,
        Unit::Month,
        Unit::DayOfWeek,
    ];

    /// The standard's name.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Second => "second",
            Unit::Minute => "minute",
            Unit::Hour => "hour",
            Unit::DayOfMonth => "dayOfMonth",
            Unit::Month => "month",
            Unit::DayOfWeek => "dayOfWeek",
        }
    }

    fn first(self) -> u8 {
        match self {
            Unit::Second | Unit::Minute | Unit::Hour => 0,
            Unit::DayOfMonth | Unit::Month | Unit::DayOfWeek => 1,
        }
    }

    fn last(self) -> u8 {
        match self {
            Unit::Second | Unit::Minute => 59,
            Unit::Hour => 23,
            Unit::DayOfMonth => 31,
            Unit::Month => 12,
            Unit::DayOfWeek => 7,
        }
    }

    /// What a field that is left out matches.
    fn unsaid(self) -> Set {
        match self {
            Unit::Second => Set::from_to(0, 0),
            _ => Set::from_to(self.first(), self.last()),
        }
    }
}

impl Schedule {
    /// Reads the members of a `schedule`.
    pub fn read(value: &Value<'_>) -> Result<Schedule, ScheduleFault> {
        let members = value.as_object().ok_or(ScheduleFault::NotAnObject)?;
        let mut fields = [const { None }; 6];
        for (name, value) in members {
            let at = Unit::ALL.iter().position(|unit| unit.name() == name);
            let at = at.ok_or_else(|| ScheduleFault::UnknownField(name.to_string()))?;
            let unit = Unit::ALL[at];
            let text = value.as_str().or_else(|| value.as_number());
            let text = text.ok_or(ScheduleFault::NotText(unit))?;
            fields[at] = Some(Field::read(unit, text)?);
        }
        if fields.iter().all(Option::is_none) {
            return Err(ScheduleFault::Empty);
        }
        Ok(Schedule { fields })
    }

    /// The schedule as JSON, each field as it came; a number has become text, as the standard has it.
    pub fn to_json(&self) -> Value<'_> {
        let said = Unit::ALL.iter().zip(&self.fields);
        let members = said.filter_map(|(unit, field)| {
            let text = field.as_ref()?.text.as_str();
            Some((
                Cow::Borrowed(unit.name()),
                Value::String(Cow::Borrowed(text)),
            ))
        });
        Value::Object(members.collect())
    }

    /// The first whole second after `at` at which the query runs, in UTC. `None` for a schedule that never
    /// comes, such as 31 February, and where the years that can be said are over.
    pub fn next_after(&self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        let at = at.checked_to_offset(UtcOffset::UTC)?;
        let earliest = at.replace_nanosecond(0).ok()?;
        let earliest = earliest.checked_add(Duration::SECOND)?;
        let mut date = earliest.date();
        let mut from = earliest.time();
        for _ in 0..=CALENDAR_DAYS {
            if let Some(time) = self.time_on(date, from) {
                return Some(date.with_time(time).assume_utc());
            }
            date = date.next_day()?;
            from = Time::MIDNIGHT;
        }
        None
    }

    fn values(&self, unit: Unit) -> Set {
        let said = self.fields[unit as usize].as_ref();
        said.map_or_else(|| unit.unsaid(), |field| field.values)
    }

    fn has_date(&self, date: Date) -> bool {
        let weekday = date.weekday().number_from_monday();
        self.values(Unit::Month).has(date.month().into())
            && self.values(Unit::DayOfMonth).has(date.day())
            && self.values(Unit::DayOfWeek).has(weekday)
    }

    /// The first time of a day that fits, from `earliest` on.
    fn time_on(&self, date: Date, earliest: Time) -> Option<Time> {
        if !self.has_date(date) {
            return None;
        }
        let [seconds, minutes, hours] =
            [Unit::Second, Unit::Minute, Unit::Hour].map(|unit| self.values(unit));
        let (hour, minute, second) = earliest.as_hms();
        let in_minute = || {
            let fits = hours.has(hour) && minutes.has(minute);
            Some((hour, minute, fits.then(|| seconds.from(second))??))
        };
        let in_hour = || {
            let minute = hours.has(hour).then(|| minutes.from(minute + 1))??;
            Some((hour, minute, seconds.from(0)?))
        };
        let in_day = || Some((hours.from(hour + 1)?, minutes.from(0)?, seconds.from(0)?));
        let (hour, minute, second) = in_minute().or_else(in_hour).or_else(in_day)?;
        Time::from_hms(hour, minute, second).ok()
    }
}

impl Field {
    /// `Element ("," Element)*`, where an element is a number or a range `[1-5]`.
    fn read(unit: Unit, text: &str) -> Result<Field, ScheduleFault> {
        if text.len() > MAX_FIELD_CHARS {
            return Err(ScheduleFault::TooLong(unit));
        }
        let mut values = Set(0);
        for element in text.split(',') {
            values.0 |= read_element(unit, element)?.0;
        }
        let text = text.to_owned();
        Ok(Field { text, values })
    }
}

fn read_element(unit: Unit, element: &str) -> Result<Set, ScheduleFault> {
    let malformed = || ScheduleFault::Malformed {
        unit,
        element: element.to_owned(),
    };
    let number = |text: &str| {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(malformed());
        }
        let within = |number: &u8| (unit.first()..=unit.last()).contains(number);
        let number = text.parse().ok().filter(within);
        number.ok_or_else(|| ScheduleFault::OutOfRange {
            unit,
            number: text.to_owned(),
        })
    };
    let Some(range) = element.strip_prefix('[') else {
        let number = number(element)?;
        return Ok(Set::from_to(number, number));
    };
    let range = range.strip_suffix(']').ok_or_else(malformed)?;
    let (first, last) = range.split_once('-').ok_or_else(malformed)?;
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        let range = element.to_owned();
        return Err(ScheduleFault::Backwards { unit, range });
    }
    Ok(Set::from_to(first, last))
}

impl Set {
    fn from_to(first: u8, last: u8) -> Set {
        Set((first..=last).fold(0, |bits, number| bits | 1 << number))
    }

    fn has(self, number: u8) -> bool {
        self.from(number) == Some(number)
    }

    /// The least member that is not below `number`.
    fn from(self, number: u8) -> Option<u8> {
        let rest = self.0.checked_shr(number.into())?;
        (rest != 0).then(|| number + rest.trailing_zeros() as u8)
    }
}

#[cfg(test)]
mod tests;
