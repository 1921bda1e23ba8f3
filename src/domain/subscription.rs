//! A standing query (EPCIS 2.0 §12.9): who is told of events that fulfil a named query, and how far that
//! has come.
//!
//! What is new to a subscription follows from the order of the log and from no clock: an event is new if it
//! was sealed at or after the place that was not looked at yet. Nothing is sealed before that place later.

use auditlog::LeafIndex;
use auditlog::json::Value;
use thiserror::Error;
use time::OffsetDateTime;
use uuid::Uuid;

use super::delivery_signature::SignatureToken;
use super::epcis::query::{EventQuery, Total};
use super::epcis::{EpcFormat, instant};
use super::schedule::{Schedule, ScheduleFault};
use super::time::indexed;

/// Bytes of a `dest`.
pub const MAX_DEST_BYTES: usize = 2_048;
/// Subscriptions of one merchant.
pub const MAX_SUBSCRIPTIONS: i64 = 100;
/// Named queries of one merchant.
pub const MAX_NAMED_QUERIES: i64 = 100;

/// When a subscriber is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pace {
    /// As soon as an event is sealed.
    Stream,
    /// At the times of a schedule, of everything since the time before.
    Schedule(Schedule),
}

impl Pace {
    /// When the first report is due of a subscription that begins `now`; `None` if never.
    pub fn first_after(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        match self {
            Pace::Stream => Some(now),
            Pace::Schedule(schedule) => schedule.next_after(now),
        }
    }
}

/// A subscription, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Whose.
    pub merchant_id: Uuid,
    /// Its own: `subscriptionID`.
    pub id: Uuid,
    /// Which query.
    pub query_name: String,
    /// Where deliveries go.
    pub dest: String,
    /// How identities are written.
    pub epc_format: EpcFormat,
    /// When.
    pub pace: Pace,
    /// Whether a scheduled report is sent though nothing is new.
    pub report_if_empty: bool,
    /// Events that were recorded before are left out.
    pub initial_record_time: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// How far it has come.
    pub progress: Progress,
}

/// How far a subscription has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The first place in the log that was not looked at.
    pub next_index: LeafIndex,
    /// When events were looked at last; before that, `initialRecordTime`.
    pub min_record_time: OffsetDateTime,
    /// When the target last took a delivery.
    pub last_notified_at: Option<OffsetDateTime>,
    /// Nothing is sent before.
    pub next_attempt_at: OffsetDateTime,
    /// Whether the scheduled report under way has sent something already.
    pub has_reported: bool,
    /// Attempts in a row that failed.
    pub failures: u32,
    /// Why the last one did.
    pub last_failure: Option<String>,
    /// The delivery that failed, which is made again as it was.
    pub tried: Option<Tried>,
}

/// A delivery that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// The first place in the log that is no longer in it.
    pub until: LeafIndex,
    /// When its document was made.
    pub at: OffsetDateTime,
}

/// Why a subscription is not made; EPCIS calls each a SubscriptionControlsException.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubscriptionFault {
    /// Not an object.
    #[error("a subscription is an object with dest, and either stream or schedule")]
    NotAnObject,
    /// A member that the standard does not have.
    #[error("a subscription has no member {0}")]
    Unknown(String),
    /// A member of another kind.
    #[error("{name} is not {expected}")]
    Member {
        /// Its name.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// No address.
    #[error("dest is missing: the address that deliveries go to")]
    NoDest,
    /// An address that is too long.
    #[error("dest is longer than {MAX_DEST_BYTES} bytes")]
    LongDest,
    /// A secret that cannot be one; its text is not repeated.
    #[error(
        "signatureToken is {} to {} visible ASCII characters",
        SignatureToken::MIN_CHARS,
        SignatureToken::MAX_CHARS
    )]
    Token,
    /// Neither way of being told, or both.
    #[error("a subscription has either stream, which is true, or a schedule")]
    Pace,
    /// A schedule that cannot be read.
    #[error("{0}")]
    Schedule(#[from] ScheduleFault),
    /// A schedule without any time.
    #[error("the schedule never comes: no year has such a day")]
    Never,
    /// A report of nothing whenever nothing is captured.
    #[error("reportIfEmpty needs a schedule: a stream reports events as they are sealed")]
    EmptyStream,
    /// A query that ends after some events.
    #[error(
        "a query with eventCountLimit or maxEventCount cannot be subscribed to: a subscription \
         reports every event"
    )]
    Limited,
}

/// What `POST …/subscriptions` takes.
#[derive(Debug)]
pub struct SubscriptionOrder {
    /// Where deliveries go.
    pub dest: String,
    /// What they are signed with.
    pub token: Option<SignatureToken>,
    /// When.
    pub pace: Pace,
    /// Whether a scheduled report is sent though nothing is new.
    pub report_if_empty: bool,
    /// Events that were recorded before are left out.
    pub initial_record_time: Option<OffsetDateTime>,
}

impl SubscriptionOrder {
    /// Reads the body of a request.
    pub fn read(body: &Value<'_>) -> Result<SubscriptionOrder, SubscriptionFault> {
        let members = body.as_object().ok_or(SubscriptionFault::NotAnObject)?;
        const KNOWN: [&str; 6] = [
            "dest",
            "signatureToken",
            "stream",
            "schedule",
            "reportIfEmpty",
            "initialRecordTime",
        ];
        // A misspelt signatureToken that is passed over would make deliveries that nobody can trust.
        if let Some((key, _)) = members.iter().find(|(key, _)| !KNOWN.contains(&&**key)) {
            let name = key.chars().take(80).collect();
            return Err(SubscriptionFault::Unknown(name));
        }
        let pace = pace(body)?;
        let report_if_empty = boolean(body, "reportIfEmpty")?.unwrap_or(false);
        if report_if_empty && pace == Pace::Stream {
            return Err(SubscriptionFault::EmptyStream);
        }
        Ok(SubscriptionOrder {
            dest: dest(body)?,
            token: token(body)?,
            pace,
            report_if_empty,
            initial_record_time: record_time(body)?,
        })
    }
}

/// Whether a query can be subscribed to.
pub fn check_query(query: &EventQuery) -> Result<(), SubscriptionFault> {
    match query.total {
        Total::Any => Ok(()),
        Total::First(_) | Total::AtMost(_) => Err(SubscriptionFault::Limited),
    }
}

fn boolean(body: &Value<'_>, name: &'static str) -> Result<Option<bool>, SubscriptionFault> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(SubscriptionFault::Member {
            name,
            expected: "true or false",
        }),
    }
}

fn pace(body: &Value<'_>) -> Result<Pace, SubscriptionFault> {
    let is_stream = boolean(body, "stream")?.unwrap_or(false);
    match (is_stream, body.get("schedule")) {
        (true, None) => Ok(Pace::Stream),
        (false, Some(schedule)) => Ok(Pace::Schedule(Schedule::read(schedule)?)),
        _ => Err(SubscriptionFault::Pace),
    }
}

fn dest(body: &Value<'_>) -> Result<String, SubscriptionFault> {
    let dest = body.get("dest").ok_or(SubscriptionFault::NoDest)?;
    let dest = dest.as_str().ok_or(SubscriptionFault::Member {
        name: "dest",
        expected: "the address that deliveries go to",
    })?;
    if dest.len() > MAX_DEST_BYTES {
        return Err(SubscriptionFault::LongDest);
    }
    Ok(dest.to_owned())
}

fn token(body: &Value<'_>) -> Result<Option<SignatureToken>, SubscriptionFault> {
    let Some(token) = body.get("signatureToken") else {
        return Ok(None);
    };
    let token = token.as_str().and_then(SignatureToken::parse);
    token.map(Some).ok_or(SubscriptionFault::Token)
}

fn record_time(body: &Value<'_>) -> Result<Option<OffsetDateTime>, SubscriptionFault> {
    let Some(time) = body.get("initialRecordTime") else {
        return Ok(None);
    };
    // An offset can shift the first and the last day beyond the years that can be told again.
    let time = time.as_str().and_then(instant).map(indexed);
    time.map(Some).ok_or(SubscriptionFault::Member {
        name: "initialRecordTime",
        expected: "an RFC 3339 date and time",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use auditlog::json;

    fn read(members: &str) -> Result<SubscriptionOrder, SubscriptionFault> {
        SubscriptionOrder::read(&json::parse(&format!("{{{members}}}")).unwrap())
    }

    const DEST: &str = r#""dest":"https://a.example/""#;

    #[test]
    fn a_stream_and_a_schedule_are_read() {
        let stream = read(&format!(r#"{DEST},"stream":true,"reportIfEmpty":false"#)).unwrap();
        assert_eq!((stream.pace, stream.report_if_empty), (Pace::Stream, false));
        assert!(stream.token.is_none() && stream.initial_record_time.is_none());
        let schedule = read(&format!(
            r#"{DEST},"stream":false,"schedule":{{"hour":"1"}},"reportIfEmpty":true,
               "signatureToken":"13df38d8275b13f0","initialRecordTime":"2026-11-24T08:00:00+08:00""#
        ))
        .unwrap();
        assert!(matches!(schedule.pace, Pace::Schedule(_)) && schedule.report_if_empty);
        assert_eq!(schedule.token.unwrap().reveal(), "13df38d8275b13f0");
        let from = schedule.initial_record_time.unwrap();
        assert_eq!(from, time::macros::datetime!(2026-11-24 0:00 UTC));
    }

    #[test]
    fn each_fault_is_named_and_no_secret_is_repeated() {
        let fault = |members: &str| read(&format!("{DEST},{members}")).unwrap_err();
        assert_eq!(fault(r#""stream":false"#), SubscriptionFault::Pace);
        assert_eq!(
            fault(r#""stream":true,"schedule":{"hour":"1"}"#),
            SubscriptionFault::Pace
        );
        assert_eq!(
            fault(r#""schedule":{}"#),
            SubscriptionFault::Schedule(ScheduleFault::Empty)
        );
        assert_eq!(
            fault(r#""stream":true,"reportIfEmpty":true"#),
            SubscriptionFault::EmptyStream
        );
        assert_eq!(
            fault(r#""stream":true,"signaturetoken":"x""#),
            SubscriptionFault::Unknown("signaturetoken".into())
        );
        for (members, name) in [
            (r#""stream":1"#, "stream"),
            (r#""stream":true,"reportIfEmpty":"no""#, "reportIfEmpty"),
            (
                r#""stream":true,"initialRecordTime":"now""#,
                "initialRecordTime",
            ),
        ] {
            let fault = fault(members);
            assert!(fault.to_string().starts_with(name), "{fault}");
        }
        for secret in ["short", "a secret with spaces"] {
            let fault = fault(&format!(r#""stream":true,"signatureToken":"{secret}""#));
            assert_eq!(fault, SubscriptionFault::Token);
            assert!(!fault.to_string().contains(secret));
        }
        let none = read(r#""stream":true"#).unwrap_err();
        assert_eq!(none, SubscriptionFault::NoDest);
        let body = json::parse("[]").unwrap();
        let list = SubscriptionOrder::read(&body).unwrap_err();
        assert_eq!(list, SubscriptionFault::NotAnObject);
    }

    #[test]
    fn the_first_and_the_last_time_can_be_told_again_whatever_their_offset() {
        for (time, told) in [
            ("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999Z"),
            ("0000-01-01T00:00:00+14:00", "0000-01-01T00:00:00.000Z"),
            ("2026-11-24T08:00:00+08:00", "2026-11-24T00:00:00.000Z"),
        ] {
            let order = format!(r#"{DEST},"stream":true,"initialRecordTime":"{time}""#);
            let from = read(&order).unwrap().initial_record_time.unwrap();
            assert_eq!(super::super::time::timestamp(from).as_str(), told);
        }
    }

    #[test]
    fn an_address_has_a_limit() {
        let long = |bytes: usize| {
            let path = "x".repeat(bytes - "https://a.example/".len());
            read(&format!(
                r#""dest":"https://a.example/{path}","stream":true"#
            ))
        };
        assert!(long(MAX_DEST_BYTES).is_ok());
        let fault = long(MAX_DEST_BYTES + 1).unwrap_err();
        assert_eq!(fault, SubscriptionFault::LongDest);
    }
}
