//! `GS1-Signature`: how the receiver of a delivery knows who sent it, and when.
//!
//! EPCIS 2.0 leaves the kind of signature to the service. This is what webhooks have come to use:
//!
//! ```text
//! GS1-Signature: t=1795478400,v1=<64 hexadecimal digits>
//! v1 = HMAC-SHA-256(signatureToken, "1795478400" ‖ "." ‖ the body's bytes as they arrived)
//! ```
//!
//! `t` is the time of the attempt, in seconds since 1970: each attempt is signed anew. A receiver computes
//! `v1` from the bytes of the body before it parses them, compares it in constant time, and refuses a `t`
//! further than five minutes from its own clock, so that an old delivery cannot be sent again unnoticed.
//! It ignores parts that it does not know: another kind of signature would be another name beside `v1`.

use std::fmt;

use auditlog::encoding::{from_hex, parse_decimal, to_hex};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use time::{Duration, OffsetDateTime};

/// The name of the header.
pub const HEADER: &str = "GS1-Signature";
/// How far a delivery's time may be from the receiver's.
pub const TOLERANCE: Duration = Duration::minutes(5);

/// What receiver and service both know: `signatureToken`.
#[derive(Clone, PartialEq, Eq)]
pub struct SignatureToken(String);

impl SignatureToken {
    /// Characters at least: 16 from an alphabet of 64 are 96 bits.
    pub const MIN_CHARS: usize = 16;
    /// Characters at most.
    pub const MAX_CHARS: usize = 200;

    /// Visible ASCII of a sensible length; `None` for other text.
    pub fn parse(text: &str) -> Option<SignatureToken> {
        let fits = (Self::MIN_CHARS..=Self::MAX_CHARS).contains(&text.len());
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        (fits && is_visible).then(|| SignatureToken(text.to_owned()))
    }

    /// The secret itself, to be sealed.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The value of [`HEADER`] for a delivery of `body` attempted at `at`.
    pub fn sign(&self, at: OffsetDateTime, body: &[u8]) -> String {
        let time = at.unix_timestamp();
        let mac = self.mac(&time.to_string(), body).finalize().into_bytes();
        format!("t={time},v1={}", to_hex(&mac))
    }

    /// Whether `header` signs `body` at a time not further than [`TOLERANCE`] from `now`: the
    /// receiver's half.
    pub fn verify(&self, header: &str, now: OffsetDateTime, body: &[u8]) -> bool {
        let part = |name| {
            let mut parts = header.split(',').filter_map(|part| part.split_once('='));
            parts
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value)
        };
        let (Some(time), Some(signature)) = (part("t"), part("v1").and_then(from_hex::<32>)) else {
            return false;
        };
        let said = parse_decimal(time).and_then(|seconds| i64::try_from(seconds).ok());
        let said = said.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
        let is_recent = said.is_some_and(|said| (said - now).abs() <= TOLERANCE);
        // HMAC's own comparison takes the same time wherever the first difference is.
        is_recent && self.mac(time, body).verify_slice(&signature).is_ok()
    }

    fn mac(&self, time: &str, body: &[u8]) -> Hmac<Sha256> {
        let key = self.0.as_bytes();
        let mut mac = Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
        mac.update(time.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }
}

impl fmt::Debug for SignatureToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignatureToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const AT: OffsetDateTime = datetime!(2026-11-24 00:00:00.9 UTC);
    const BODY: &[u8] = br#"{"type":"EPCISQueryDocument"}"#;

    fn token() -> SignatureToken {
        SignatureToken::parse("13df38d8275b13f05704629e5f1cf3d45d6132d5").unwrap()
    }

    // printf '%s' '1795478400.{"type":"EPCISQueryDocument"}' |
    //     openssl dgst -sha256 -hmac 13df38d8275b13f05704629e5f1cf3d45d6132d5
    #[test]
    fn the_signature_is_what_openssl_computes() {
        assert_eq!(
            token().sign(AT, BODY),
            "t=1795478400,v1=3f9f3c39a9cf8403e9e2954ccc80f5c07df6d24a552f543b9114b45ab1df6a3f"
        );
        // The same with nothing after the point.
        assert_eq!(
            token().sign(AT, b""),
            "t=1795478400,v1=65586a1cd818a0dda77bc42752290e759c7c9de551507cd02db513b6ed55e90e"
        );
    }

    #[test]
    fn a_receiver_believes_what_was_signed_and_nothing_else() {
        let header = token().sign(AT, BODY);
        assert!(token().verify(&header, AT, BODY));
        assert!(!token().verify(&header, AT, b"{}"));
        let other = SignatureToken::parse("13df38d8275b13f05704629e5f1cf3d45d6132d6").unwrap();
        assert!(!other.verify(&header, AT, BODY));
        // The time is signed too, and where it ends is clear.
        let later = header.replace("t=1795478400", "t=1795478401");
        assert!(!token().verify(&later, AT, BODY));
        let shifted = token().sign(AT, b"1.x").replace(",", "1,");
        assert!(!token().verify(&shifted, AT, b"x"));
    }

    #[test]
    fn an_old_delivery_and_one_from_the_future_are_refused() {
        let header = token().sign(AT, BODY);
        let said = datetime!(2026-11-24 00:00:00 UTC);
        for offset in [-TOLERANCE, Duration::ZERO, TOLERANCE] {
            assert!(token().verify(&header, said + offset, BODY), "{offset}");
        }
        let beyond = TOLERANCE + Duration::SECOND;
        for offset in [-beyond, beyond, Duration::days(365)] {
            assert!(!token().verify(&header, said + offset, BODY), "{offset}");
        }
    }

    #[test]
    fn unknown_parts_are_passed_over_and_missing_or_malformed_ones_are_refused() {
        let header = token().sign(AT, BODY);
        let (time, signature) = header.split_once(',').unwrap();
        for good in [
            format!("{header},v2=abc"),
            format!("v0=,{header}"),
            format!("{signature},{time}"),
        ] {
            assert!(token().verify(&good, AT, BODY), "{good}");
        }
        for bad in [
            String::new(),
            time.to_owned(),
            signature.to_owned(),
            header.replace("v1=", "v1=0"),
            header.replace("t=", "t=+"),
            header.replace("t=", "t=0"),
            header.replace(',', ";"),
            header[..header.len() - 2].to_owned(),
            format!("t={},{signature}", u64::MAX),
        ] {
            assert!(!token().verify(&bad, AT, BODY), "{bad}");
        }
    }

    #[test]
    fn a_token_is_visible_ascii_within_its_limits_and_is_never_printed() {
        let with = |chars: usize| SignatureToken::parse(&"s".repeat(chars));
        for chars in [SignatureToken::MIN_CHARS, SignatureToken::MAX_CHARS] {
            assert!(with(chars).is_some());
        }
        for chars in [
            0,
            SignatureToken::MIN_CHARS - 1,
            SignatureToken::MAX_CHARS + 1,
        ] {
            assert!(with(chars).is_none(), "{chars}");
        }
        for text in ["0123456789 abcdef", "0123456789abcdé", "0123456789abcdef\n"] {
            assert!(SignatureToken::parse(text).is_none(), "{text:?}");
        }
        assert_eq!(format!("{:?}", token()), "SignatureToken(…)");
    }
}
