use super::*;
use auditlog::json;
use proptest::prelude::*;
use time::macros::datetime;

fn read(text: &str) -> Result<Schedule, ScheduleFault> {
    Schedule::read(&json::parse(text).unwrap())
}

fn next(schedule: &str, after: OffsetDateTime) -> Option<OffsetDateTime> {
    read(schedule).unwrap().next_after(after)
}

#[test]
fn the_examples_of_the_standard_run_when_it_says() {
    // 24 November 2026 is a Tuesday.
    let at = datetime!(2026-11-24 14:20:05 UTC);
    for (schedule, expected) in [
        // §8.2.5.3, examples 1 to 3: every hour, every day at half past two, every hour on weekdays.
        (
            r#"{"second":"0","minute":"0"}"#,
            datetime!(2026-11-24 15:00 UTC),
        ),
        (
            r#"{"second":"0","minute":"30","hour":"2"}"#,
            datetime!(2026-11-25 02:30 UTC),
        ),
        (
            r#"{"second":"0","minute":"0","dayOfWeek":"[1-5]"}"#,
            datetime!(2026-11-24 15:00 UTC),
        ),
        // The OpenAPI's: "every morning at 1.05am".
        (
            r#"{"hour":"1","minute":"5"}"#,
            datetime!(2026-11-25 01:05 UTC),
        ),
    ] {
        assert_eq!(next(schedule, at), Some(expected), "{schedule}");
    }
    let friday = datetime!(2026-11-27 23:30 UTC);
    let weekdays = r#"{"second":"0","minute":"0","dayOfWeek":"[1-5]"}"#;
    assert_eq!(
        next(weekdays, friday),
        Some(datetime!(2026-11-30 00:00 UTC))
    );
}

#[test]
fn a_second_that_is_left_out_is_the_first_and_every_other_field_is_any() {
    let at = datetime!(2026-11-24 02:00:00 UTC);
    // Taken literally this would be 02:00:01; example 4 of §8.2.5.3 says that nobody wants that.
    assert_eq!(
        next(r#"{"hour":"2"}"#, at),
        Some(datetime!(2026-11-24 02:01 UTC))
    );
    let every = r#"{"second":"[0-59]","hour":"2"}"#;
    assert_eq!(next(every, at), Some(datetime!(2026-11-24 02:00:01 UTC)));
    assert_eq!(
        next(r#"{"second":7}"#, at),
        Some(datetime!(2026-11-24 02:00:07 UTC))
    );
    assert_eq!(
        next(r#"{"dayOfWeek":"7"}"#, at),
        Some(datetime!(2026-11-29 00:00 UTC))
    );
}

#[test]
fn the_next_time_is_later_than_now_in_utc_wherever_now_is_said() {
    let exactly = datetime!(2026-11-24 02:30:00 UTC);
    let daily = r#"{"hour":"2","minute":"30"}"#;
    assert_eq!(
        next(daily, exactly),
        Some(datetime!(2026-11-25 02:30:00 UTC))
    );
    let before = datetime!(2026-11-24 02:29:59.999 UTC);
    assert_eq!(next(daily, before), Some(exactly));
    // Half past ten in the morning in Shanghai.
    let shanghai = datetime!(2026-11-24 10:29:59 +08:00);
    assert_eq!(next(daily, shanghai), Some(exactly));
}

#[test]
fn a_rare_date_is_found_and_one_that_never_comes_is_not() {
    let at = datetime!(2026-01-01 0:00 UTC);
    let leap = r#"{"month":"2","dayOfMonth":"29"}"#;
    assert_eq!(next(leap, at), Some(datetime!(2028-02-29 0:00 UTC)));
    // The year 2100 has no such day, so that forty years lie between two of these Sundays.
    let sunday = r#"{"month":"2","dayOfMonth":"29","dayOfWeek":"7"}"#;
    let before = datetime!(2088-03-01 0:00 UTC);
    assert_eq!(next(sunday, before), Some(datetime!(2128-02-29 0:00 UTC)));
    for never in [
        r#"{"month":"2","dayOfMonth":"[30-31]"}"#,
        r#"{"month":"4,6,9,11","dayOfMonth":"31"}"#,
    ] {
        assert_eq!(next(never, at), None, "{never}");
    }
}

#[test]
fn where_the_years_end_nothing_comes() {
    let minutely = r#"{"second":"0"}"#;
    for last in [
        datetime!(9999-12-31 23:59:30 UTC),
        datetime!(9999-12-31 23:59:59 -23:00),
    ] {
        assert_eq!(next(minutely, last), None, "{last}");
    }
    let first = datetime!(-9999-01-01 00:00 +14:00);
    assert_eq!(next(minutely, first), None);
}

#[test]
fn what_is_no_schedule_is_told_with_the_field_and_the_part_of_it() {
    use ScheduleFault as F;
    let malformed = |unit, element: &str| F::Malformed {
        unit,
        element: element.into(),
    };
    let out = |unit, number: &str| F::OutOfRange {
        unit,
        number: number.into(),
    };
    for (text, fault) in [
        ("[]", F::NotAnObject),
        ("\"2\"", F::NotAnObject),
        ("{}", F::Empty),
        (r#"{"Hour":"2"}"#, F::UnknownField("Hour".into())),
        (
            r#"{"hour":"2","year":"2027"}"#,
            F::UnknownField("year".into()),
        ),
        (r#"{"hour":null}"#, F::NotText(Unit::Hour)),
        (r#"{"hour":["2"]}"#, F::NotText(Unit::Hour)),
        (r#"{"hour":""}"#, malformed(Unit::Hour, "")),
        (r#"{"hour":"2,"}"#, malformed(Unit::Hour, "")),
        (r#"{"hour":"2, 3"}"#, malformed(Unit::Hour, " 3")),
        (r#"{"hour":"*"}"#, malformed(Unit::Hour, "*")),
        (r#"{"hour":"2-3"}"#, malformed(Unit::Hour, "2-3")),
        (r#"{"hour":"[2-3"}"#, malformed(Unit::Hour, "[2-3")),
        (r#"{"hour":"[2]"}"#, malformed(Unit::Hour, "[2]")),
        (r#"{"hour":"[1-2-3]"}"#, malformed(Unit::Hour, "[1-2-3]")),
        (r#"{"hour":-1}"#, malformed(Unit::Hour, "-1")),
        (r#"{"hour":2.0}"#, malformed(Unit::Hour, "2.0")),
        (r#"{"hour":"２"}"#, malformed(Unit::Hour, "２")),
        (r#"{"second":"60"}"#, out(Unit::Second, "60")),
        (r#"{"minute":60}"#, out(Unit::Minute, "60")),
        (r#"{"hour":"24"}"#, out(Unit::Hour, "24")),
        (r#"{"dayOfMonth":"0"}"#, out(Unit::DayOfMonth, "0")),
        (r#"{"dayOfMonth":"[1-32]"}"#, out(Unit::DayOfMonth, "32")),
        (r#"{"month":"13"}"#, out(Unit::Month, "13")),
        (r#"{"dayOfWeek":"0"}"#, out(Unit::DayOfWeek, "0")),
        (r#"{"dayOfWeek":"8"}"#, out(Unit::DayOfWeek, "8")),
        (r#"{"hour":"256"}"#, out(Unit::Hour, "256")),
        (
            r#"{"hour":"[5-4]"}"#,
            F::Backwards {
                unit: Unit::Hour,
                range: "[5-4]".into(),
            },
        ),
    ] {
        assert_eq!(read(text), Err(fault), "{text}");
    }
}

#[test]
fn a_field_has_room_for_every_second_and_no_more_than_its_limit() {
    let all: Vec<String> = (0..60).map(|second| second.to_string()).collect();
    assert!(read(&format!(r#"{{"second":"{}"}}"#, all.join(","))).is_ok());
    let with = |chars: usize| read(&format!(r#"{{"second":"{}"}}"#, "0".repeat(chars)));
    assert!(with(MAX_FIELD_CHARS).is_ok());
    let fault = Err(ScheduleFault::TooLong(Unit::Second));
    assert_eq!(with(MAX_FIELD_CHARS + 1), fault);
}

#[test]
fn a_schedule_is_written_as_it_came_and_numbers_as_text() {
    let text = r#"{"dayOfWeek":"[1-5],7","minute":5,"hour":"01"}"#;
    let schedule = read(text).unwrap();
    let written = schedule.to_json().to_compact();
    assert_eq!(
        written,
        r#"{"minute":"5","hour":"01","dayOfWeek":"[1-5],7"}"#
    );
    assert_eq!(read(&written), Ok(schedule));
}

/// A field's text, and the numbers that it lists.
fn field(unit: Unit) -> impl Strategy<Value = (String, Vec<u8>)> {
    let number = unit.first()..=unit.last();
    let element = (number.clone(), number, any::<bool>());
    proptest::collection::vec(element, 1..4).prop_map(|elements| {
        let mut numbers = Vec::new();
        let mut texts = Vec::new();
        for (a, b, is_range) in elements {
            let (first, last) = if is_range {
                (a.min(b), a.max(b))
            } else {
                (a, a)
            };
            numbers.extend(first..=last);
            texts.push(if is_range {
                format!("[{first}-{last}]")
            } else {
                first.to_string()
            });
        }
        (texts.join(","), numbers)
    })
}

type Fields = [Option<(String, Vec<u8>)>; 6];

fn schedule(fields: &Fields) -> Schedule {
    let said = Unit::ALL.iter().zip(fields);
    let members = said.filter_map(|(unit, field)| {
        let (text, _) = field.as_ref()?;
        Some(format!("\"{}\":\"{text}\"", unit.name()))
    });
    read(&format!("{{{}}}", members.collect::<Vec<_>>().join(","))).unwrap()
}

/// Whether a time fits, decided without any of the code above.
fn fits(fields: &Fields, at: OffsetDateTime) -> bool {
    let parts = [
        at.second(),
        at.minute(),
        at.hour(),
        at.day(),
        at.month().into(),
        at.weekday().number_from_monday(),
    ];
    at.nanosecond() == 0
        && fields
            .iter()
            .zip(parts)
            .enumerate()
            .all(|(i, (field, part))| {
                let unsaid = || i != Unit::Second as usize || part == 0;
                field
                    .as_ref()
                    .map_or_else(unsaid, |(_, n)| n.contains(&part))
            })
}

proptest! {
    #[test]
    fn the_next_time_is_later_and_fits_and_nothing_between_does(
        second in proptest::option::of(field(Unit::Second)),
        minute in proptest::option::of(field(Unit::Minute)),
        hour in proptest::option::of(field(Unit::Hour)),
        day in proptest::option::weighted(0.3, field(Unit::DayOfMonth)),
        month in proptest::option::weighted(0.2, field(Unit::Month)),
        weekday in field(Unit::DayOfWeek),
        at in 0i64..8_000_000_000, nanosecond in 0u32..1_000_000_000,
    ) {
        let fields = [second, minute, hour, day, month, Some(weekday)];
        let at = OffsetDateTime::from_unix_timestamp(at).unwrap();
        let at = at.replace_nanosecond(nanosecond).unwrap();
        let schedule = schedule(&fields);
        let next = schedule.next_after(at);
        if let Some(next) = next {
            prop_assert!(next > at && fits(&fields, next), "{next}");
        }
        // Two hours second by second; beyond them day by day, at the first time of a day that fits.
        let start = at.replace_nanosecond(0).unwrap();
        let between = |time: &OffsetDateTime| next.is_none_or(|next| *time < next);
        let seconds = (1..7_200).map(|n| start + Duration::seconds(n));
        let early = seconds.take_while(between).find(|time| fits(&fields, *time));
        prop_assert_eq!(early, None);
        let a_day = (0..86_400).map(|n| Time::MIDNIGHT + Duration::seconds(n));
        let time = a_day.map(|time| time.as_hms()).find(|(h, m, s)| {
            let within = |i: usize, part| fields[i].as_ref().is_none_or(|(_, n)| n.contains(&part));
            within(2, *h) && within(1, *m) && if fields[0].is_some() { within(0, *s) } else { *s == 0 }
        });
        let (h, m, s) = time.unwrap();
        let days = (1..3_000).map(|n| start.date() + Duration::days(n));
        let times = days.map(|date| date.with_hms(h, m, s).unwrap().assume_utc());
        let early = times.take_while(between).find(|time| fits(&fields, *time));
        prop_assert_eq!(early, None);
    }
}
